"""Pictures of flows with matplotlib: ``Axes`` in, ``Axes`` out."""

import numpy as np

from linewatch._frames import eager, to_polars
from linewatch.plots import _matplotlib

IN, OUT, TOTAL, TIME = "#1f4e79", "#d95f02", "#4292c6", "#bdbdbd"


def traffic_area(series, *, ax=None):
    """Bytes over time as an area, and what the flows lasted as bars.

    Parameters
    ----------
    series : pandas, Polars or pyarrow frame
        What `by_time` gives for all flows or one source.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    table = _table(series)
    ax = _axes(ax, (9, 3))
    x, step = _times(table)
    if "total_td" in table.columns:
        other = ax.twinx()
        other.bar(x, table["total_td"], width=step, align="edge", color=TIME, label="duration")
        other.set_ylabel("sum of durations (s)", color="#666666")
        other.set_ylim(bottom=0)
        other.spines["top"].set_visible(False)
        ax.set_zorder(other.get_zorder() + 1)
        ax.patch.set_visible(False)
    x, total = _with_gaps(x, step, table["total_bytes"])
    ax.fill_between(x, total, step="post", color=TOTAL, alpha=0.6, linewidth=0)
    ax.step(x, total, where="post", color=TOTAL, linewidth=1)
    ax.set_ylabel("bytes, both ways", color=IN)
    return _time_axis(ax, table)


def bytes_in_out(series, *, ax=None):
    """Bytes in and bytes out over time, each with its own axis.

    Parameters
    ----------
    series : pandas, Polars or pyarrow frame
        What `by_time` gives for all flows or one source.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    table = _table(series)
    ax = _axes(ax, (9, 3))
    x, step = _times(table)
    ax.step(*_with_gaps(x, step, table["bytes_in"]), where="post", color=IN, linewidth=1.2)
    ax.set_ylabel("bytes in", color=IN)
    if "bytes_out" in table.columns:
        other = ax.twinx()
        going = _with_gaps(x, step, table["bytes_out"])
        other.step(*going, where="post", color=OUT, linewidth=1.2, alpha=0.8)
        other.set_ylabel("bytes out", color=OUT)
        other.set_ylim(bottom=0)
        other.yaxis.set_major_formatter(_bytes())
        other.spines["top"].set_visible(False)
    return _time_axis(ax, table)


def top_bars(table, value="total_bytes", *, label=None, ax=None):
    """The rows of a list as bars, the first one on top.

    Parameters
    ----------
    table : pandas, Polars or pyarrow frame
        What `top_talkers` gives.
    value : str, default="total_bytes"
        Column of the lengths.
    label : str, optional
        Column of the names; the first one by default.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    table = _table(table)
    ax = _axes(ax, (6, 0.8 + 0.22 * max(table.height, 3)))
    names = [str(name) for name in table[label or table.columns[0]]]
    place = np.arange(len(names))[::-1]
    ax.barh(place, table[value], color=TOTAL)
    ax.set_yticks(place, names, fontsize=8)
    ax.set_ylim(-0.6, len(names) - 0.4)
    if "bytes" in value:
        ax.xaxis.set_major_formatter(_bytes())
    ax.set_xlabel(value.replace("_", " "))
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def equal_frequency(values, bins=10, *, ax=None):
    """How customers spread over bins that hold equally many of them.

    Parameters
    ----------
    values : array-like of float, shape (n,)
        Not negative; the axis is logarithmic above 1.
    bins : int, default=10
        Bins wanted. Equal values stay in one bin, so there may be fewer, and fuller ones.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
        A bar for each bin, as wide as its values: its height is the share of customers in it.
    """
    ax = _axes(ax, (5, 3))
    values = np.asarray(values, dtype=np.float64)
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)))
    if len(edges) == 1:
        edges = np.array([edges[0], edges[0] + 1])
    counts, _ = np.histogram(values, edges)
    share = 100 * counts / max(len(values), 1)
    ax.bar(edges[:-1], share, np.diff(edges), align="edge", color=TOTAL, edgecolor="white")
    ax.set_xscale("symlog", linthresh=1)
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylabel("customers (%)")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def treemap(table, size="customers", *, label="ufm_level", group="value_level", ax=None):
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
    """
    import polars as pl

    ax = _axes(ax, (8, 4.5))
    table = _table(table).filter(pl.col(size) > 0).sort(size, label, descending=[True, False])
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
            _text(ax, inner, f"{row[label]}\n{row[size]:,}", "white" if shade > 0.5 else "black")
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


def _bytes():
    from matplotlib.ticker import EngFormatter

    return EngFormatter(unit="B")


def _table(frame):
    return to_polars(eager(frame))


def _axes(ax, size):
    if ax is not None:
        return ax
    _matplotlib()
    from matplotlib import pyplot

    return pyplot.subplots(figsize=size, layout="constrained")[1]


def _times(table):
    """Times, and how far apart they are, in matplotlib's days."""
    from matplotlib.dates import date2num

    x = date2num(table["time"].to_numpy())
    return x, np.diff(x).min() if len(x) > 1 else 1 / 1440


def _with_gaps(x, step, y):
    """Steps that fall to zero where no flow began."""
    y = np.asarray(y, dtype=np.float64)
    ends = np.flatnonzero(np.append(np.diff(x) > 1.5 * step, True))
    return np.insert(x, ends + 1, x[ends] + step), np.insert(y, ends + 1, 0.0)


def _time_axis(ax, table):
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=4, maxticks=10)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    ax.yaxis.set_major_formatter(_bytes())
    ax.set_ylim(bottom=0)
    ax.spines["top"].set_visible(False)
    if table.height:
        days = [f"{time:%Y-%m-%d}" for time in (table["time"].min(), table["time"].max())]
        ax.set_xlabel(" to ".join(dict.fromkeys(days)))
    return ax
