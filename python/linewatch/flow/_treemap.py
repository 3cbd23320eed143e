"""Sizes as rectangles within rectangles, each as square as may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from linewatch._arguments import quoted
from linewatch._axes import axes_or_new
from linewatch.flow._pictures import _table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from linewatch._typing import AnyFrame


def treemap(
    table: AnyFrame,
    size: str = "customers",
    *,
    label: str = "ufm_level",
    group: str = "value_level",
    ax: Axes | None = None,
) -> Axes:
    """Segments as rectangles whose areas are their sizes: groups first, segments within them.

    Parameters
    ----------
    table : pandas, Polars or pyarrow frame
        What `segment_table` gives for ``["value_level", "ufm_level"]``.
    size : str, default="customers"
        Column of the areas, which the colours show as well.
    label, group : str, default="ufm_level" and "value_level"
        Columns of the names, inside and outside.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    References
    ----------
    .. [1] Bruls, M., Huizing, K., van Wijk, J. J. (2000). Squarified treemaps. VisSym 2000.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from linewatch import flow
    >>> segments = flow.ufm_segments(flow.simulate(500, "1h", n_customers=20, seed=1))
    >>> table = flow.segment_table(segments, ["value_level", "ufm_level"])
    >>> ax = flow.treemap(table, ax=Figure().subplots())
    >>> ax.texts[0].get_text().split("\\n")[0]
    'Potential'
    """
    import polars as pl

    table = _table(table)
    for name in (size, label, group):
        if name not in table.columns:
            raise ValueError(
                f'column "{name}" is missing; the table has {quoted(table.columns)} (make it with '
                'flow.segment_table(segments, ["value_level", "ufm_level"]))'
            )
    ax = axes_or_new(ax, (8, 4.5))
    table = table.filter(pl.col(size) > 0).sort(size, label, descending=[True, False])
    groups = table.group_by(group, maintain_order=True).agg(pl.col(size).sum())
    groups = groups.sort(size, group, descending=[True, False])
    most = table[size].max() or 1
    color = _colormap()
    for outer, name in zip(squarified(groups[size], 0, 0, 16, 9), groups[group]):
        part = table.filter(pl.col(group) == name)
        x, y, width, height = outer
        head = min(0.55, height / 3)
        for inner, row in zip(
            squarified(part[size], x, y, width, height - head), part.iter_rows(named=True)
        ):
            shade = row[size] / most
            _rectangle(ax, inner, color(0.15 + 0.75 * shade), 1)
            _text(ax, inner, f"{row[label]}\n{row[size]:,}", "white" if shade > 0.65 else "black")
        _rectangle(ax, outer, "none", 3)
        ax.text(x + 0.12, y + height - head / 2, name, va="center", fontsize=9, weight="bold")
    ax.set_xlim(0, 16)
    ax.set_ylim(0, 9)
    ax.set_axis_off()
    return ax


def squarified(sizes, x, y, width, height):
    """Rectangles ``(x, y, width, height)`` of areas in proportion to `sizes`, as square as may be.

    `sizes` descend. Rows are laid along the shorter side of what is left, and a row takes another
    rectangle as long as that makes its worst shape no worse.
    """
    sizes = np.asarray(sizes, dtype=np.float64)
    left = list(sizes / sizes.sum() * width * height) if len(sizes) else []
    found = []
    while left:
        side = min(width, height)
        n = 1
        while n < len(left) and _worst(left[: n + 1], side) <= _worst(left[:n], side):
            n += 1
        row, left = left[:n], left[n:]
        thick = sum(row) / side
        at = 0.0
        for area in row:
            long = area / thick
            if width >= height:
                found.append((x, y + at, thick, long))
            else:
                found.append((x + at, y, long, thick))
            at += long
        if width >= height:
            x, width = x + thick, width - thick
        else:
            y, height = y + thick, height - thick
    return found


def _worst(row, side):
    """The worst ratio of sides in a row of areas along a side."""
    total = sum(row)
    return max(max(side**2 * a / total**2, total**2 / (side**2 * a)) for a in row)


def _rectangle(ax, box, face, line):
    from matplotlib.patches import Rectangle

    x, y, width, height = box
    ax.add_patch(Rectangle((x, y), width, height, facecolor=face, edgecolor="white", lw=line))


def _text(ax, box, text, color):
    x, y, width, height = box
    points = min(ax.bbox.width / 16, ax.bbox.height / 9) * 72 / ax.figure.dpi  # of one unit
    turned = width < 0.4 * height
    if turned:
        width, height, text = height, width, text.replace("\n", "  ")
    elif width < height * 1.5:
        text = text.replace(" ", "\n")
    lines = text.split("\n")
    wide = 0.9 * width * points / (0.62 * max(map(len, lines)))
    size = min(9, wide, 0.9 * height * points / (1.3 * len(lines)))
    if size >= 4:
        at = (x + box[2] / 2, y + box[3] / 2)
        style = {"ha": "center", "va": "center", "fontsize": size, "color": color}
        ax.text(*at, text, rotation=90 if turned else 0, **style)


def _colormap():
    from matplotlib import colormaps

    return colormaps["Blues"]
