"""matplotlib's Axes: those of the caller, or new ones."""

WIDE = (11, 3.2)  # inches, of a series over time


def axes_or_new(ax, size):
    """`ax`, or where it is None new Axes of `size` (width, height) in inches, made with pyplot."""
    if ax is not None:
        return ax
    need_matplotlib()
    from matplotlib import pyplot

    return pyplot.subplots(figsize=size, layout="constrained")[1]


def need_matplotlib():
    """Say how to install matplotlib where it is missing."""
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise ModuleNotFoundError('matplotlib is not installed; try pip install "linewatch[plots]"')
