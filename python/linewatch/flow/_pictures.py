"""Pictures of flows with matplotlib: ``Axes`` in, ``Axes`` out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from linewatch._axes import axes_or_new
from linewatch._frames import eager, to_polars

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from linewatch._typing import AnyFrame, Column


IN, OUT, TOTAL, TIME = "#1f4e79", "#d95f02", "#4292c6", "#bdbdbd"


def traffic_area(series: AnyFrame, *, ax: Axes | None = None) -> Axes:
    """Bytes over time as an area, and what the flows lasted as bars.

    Parameters
    ----------
    series : pandas, Polars or pyarrow frame
        What `by_time` gives for all flows or one source.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from linewatch import flow
    >>> minutes = flow.by_time(flow.simulate(500, "1h", n_customers=20, seed=1))
    >>> ax = flow.traffic_area(minutes, ax=Figure().subplots())
    >>> ax.get_ylabel()
    'bytes, both ways'
    """
    table = _table(series)
    ax = axes_or_new(ax, (9, 3))
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


def bytes_in_out(series: AnyFrame, *, ax: Axes | None = None) -> Axes:
    """Bytes in and bytes out over time, each with its own axis.

    Parameters
    ----------
    series : pandas, Polars or pyarrow frame
        What `by_time` gives for all flows or one source.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from linewatch import flow
    >>> minutes = flow.by_time(flow.simulate(500, "1h", n_customers=20, seed=1))
    >>> ax = flow.bytes_in_out(minutes, ax=Figure().subplots())
    >>> ax.get_ylabel()
    'bytes in'
    """
    table = _table(series)
    ax = axes_or_new(ax, (9, 3))
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


def top_bars(
    table: AnyFrame, value: str = "total_bytes", *, label: str | None = None, ax: Axes | None = None
) -> Axes:
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

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from linewatch import flow
    >>> top = flow.top_talkers(flow.simulate(500, "1h", n_customers=20, seed=1), 3)
    >>> ax = flow.top_bars(top, ax=Figure().subplots())
    >>> len(ax.patches)
    3
    """
    table = _table(table)
    ax = axes_or_new(ax, (6, 0.8 + 0.22 * max(table.height, 3)))
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


def equal_frequency(values: Column, bins: int = 10, *, ax: Axes | None = None) -> Axes:
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

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from linewatch import flow
    >>> ax = flow.equal_frequency([1, 1, 2, 3, 5, 8, 13, 21], bins=4, ax=Figure().subplots())
    >>> [float(bar.get_height()) for bar in ax.patches]
    [25.0, 25.0, 25.0, 25.0]
    """
    ax = axes_or_new(ax, (5, 3))
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


def _bytes():
    from matplotlib.ticker import EngFormatter

    return EngFormatter(unit="B")


def _table(frame):
    return to_polars(eager(frame))


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
