"""Pictures with matplotlib: ``Axes`` in, ``Axes`` out. Nothing is shown or set globally."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from linewatch import _tables
from linewatch._axes import WIDE, axes_or_new, need_matplotlib
from linewatch._displays import AnomalyScoreDisplay, HourWeekdayDisplay, KpiDisplay, style
from linewatch._frames import eager, to_polars
from linewatch._kpi_plots import (
    kpi_calendar,
    kpi_cell,
    kpi_heatmap,
    kpi_map,
    kpi_scatter,
    shade_events,
)
from linewatch.kpi import _score

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from linewatch._typing import AnyFrame


__all__ = [
    "AnomalyScoreDisplay",
    "HourWeekdayDisplay",
    "KpiDisplay",
    "kpi_band",
    "kpi_calendar",
    "kpi_cell",
    "kpi_heatmap",
    "kpi_map",
    "kpi_scatter",
    "style",
]

COLORS = {
    "value": "#1f4e79",
    "band": "#9ecae1",
    "baseline": "#4292c6",
    "increase": "#d95f02",
    "decrease": "#b2182b",
    "label": "#fdd49e",
    "point": "#f5a623",
}


def kpi_band(
    scored: AnyFrame,
    *,
    time: str | None = None,
    cell: str | None = None,
    value: str | None = None,
    kpi: str | None = None,
    which: str | None = None,
    threshold: float = 6.0,
    events: AnyFrame | None = None,
    label: str | None = None,
    unit: str | None = None,
    title: str | None = None,
    legend: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """A KPI of one cell with the band in which it is normal, and its anomalies.

    Parameters
    ----------
    scored : DataFrame
        The frame that :func:`linewatch.kpi.score` gives, or the long one of ``baseline``,
        ``detect`` and ``classify``.
    time, cell, value : str, optional
        Columns; found by name and dtype when left out.
    kpi : str, optional
        Which KPI of a long frame; needed if it has several.
    which : str, optional
        The cell to draw; needed if the frame has more than one.
    threshold : float, default=6.0
        The band is baseline plus and minus this many scales, as in the scoring.
    events : DataFrame, optional
        Events to shade, a color for each class: ``start``, ``end`` and ``class`` (or
        ``direction``), with ``cell`` and ``kpi`` if it is of several.
    label : str, optional
        A column of 0 and 1 (or booleans) to shade behind the curve.
    unit : str, optional
        Unit of the value, for the axis; taken from a name such as ``traffic_mbit_per_s``.
    title : str, optional
        The cell by default.
    legend : bool, default=True
        Draw a legend.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If the cell is not in the frame, or `which` is needed and missing.
    ModuleNotFoundError
        If matplotlib is not installed (``pip install "linewatch[plots]"``).

    Examples
    --------
    >>> from linewatch import kpi, plots
    >>> network = kpi.simulate(n_sites=2, n_weeks=6, faults=["outage"], seed=1)
    >>> found = kpi.detect(network.kpis, kpis="traffic_gb")
    >>> events = kpi.classify_events(found)
    >>> ax = plots.kpi_band(found, which="S001-1", events=events)
    >>> ax.get_ylabel()
    'traffic (GB)'
    """
    native = eager(scored)
    if {"cell", "kpi", "time", "value", "baseline", "scale"} <= set(native.columns):
        table, name = _long_table(native, kpi, unit)
    else:
        table, name = _scored_table(native, time, cell, value or kpi, label, unit)
    cells = table["cell"].unique().sort().to_list()
    if which is None and len(cells) > 1:
        raise ValueError(f"the frame has {len(cells)} cells; say which one, such as {cells[0]!r}")
    if which is not None:
        table = table.filter(table["cell"] == str(which))
    if not table.height:
        raise ValueError(f"cell {which!r} is not in the frame")
    title = title if title is not None else (which or "")
    if events is not None:
        events = _events_of(events, table["cell"][0], kpi or value)
    return draw_band(
        table.sort("time"), name, threshold, title=title, events=events, legend=legend, ax=ax
    )


def _scored_table(native, time, cell, value, label, unit):
    """What `draw_band` needs of the frame of `kpi.score`, and the label of its axis."""
    names = [name for name in native.columns if name not in _score.SCORED]
    columns = _tables.detect(
        to_polars(native.select(names)), time=time, cell=cell, values=[value] if value else None
    )
    table = _score.scored_table(native, columns.time, columns.cell, columns.values[0], label)
    return table, unit_label(columns.values[0], unit)


def _long_table(native, kpi, unit):
    """The same of a frame with a row for each cell, KPI and time."""
    import polars as pl

    table = to_polars(native).with_columns(pl.col("cell").cast(pl.String))
    kpis = table["kpi"].unique(maintain_order=True).to_list()
    if kpi is None and len(kpis) > 1:
        raise ValueError(f"the frame has {len(kpis)} KPIs; say which one, such as {kpis[0]!r}")
    kpi = kpi if kpi is not None else kpis[0]
    if kpi not in kpis:
        raise ValueError(f'KPI "{kpi}" is not in the frame; it has {", ".join(kpis)}')
    table = table.filter(pl.col("kpi") == kpi)
    away = pl.col("value") - pl.col("baseline")
    side = pl.when(away >= 0).then(pl.lit("increase")).when(away < 0).then(pl.lit("decrease"))
    flag = pl.col("is_anomaly") if "is_anomaly" in table.columns else pl.lit(False)
    return table.with_columns(direction=side, is_anomaly=flag), unit_label(kpi, unit)


def _events_of(events, cell, kpi):
    """The rows of a frame of events that are of this cell and KPI, in Polars."""
    import polars as pl

    table = to_polars(eager(events))
    for name in ("start", "end"):
        if name not in table.columns:
            raise ValueError(f'column "{name}" of events is missing; it needs start, end and class')
    if "class" not in table.columns and "direction" not in table.columns:
        raise ValueError('events needs a column "class" or "direction" to color by')
    if "cell" in table.columns:
        table = table.filter(pl.col("cell").cast(pl.String) == cell)
    if kpi is not None and "kpi" in table.columns:
        table = table.filter(pl.col("kpi") == kpi)
    return table


def draw_band(
    table: pl.DataFrame,
    name: str,
    threshold: float,
    *,
    title: str | None = "",
    events: pl.DataFrame | None = None,
    legend: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """`kpi_band` of the rows of one cell; a Polars frame as `_score.score_table` makes it."""
    import polars as pl

    ax = axes_or_new(ax, WIDE)
    if table["time"].dtype == pl.Time:
        x = table["time"].cast(pl.Int64).to_numpy() / 3.6e12
        ax.set_xlabel("time of day (h)")
        ax.set_xlim(0, 24)
        ax.set_xticks(range(0, 25, 3))
        style = {"linestyle": "none", "marker": ".", "markersize": 4}
    else:
        x = table["time"].to_numpy()
        style = {"linewidth": 1.1}
    value = table["value"].to_numpy()
    line = table.select("time", "value", "baseline", "scale")
    if table["time"].dtype != pl.Time:
        line = with_gaps(line, line)
    baseline, scale = line["baseline"].to_numpy(), line["scale"].to_numpy()
    low, high = baseline - threshold * scale, baseline + threshold * scale
    if np.nanmin(value, initial=0) >= 0:
        low = np.maximum(low, 0)  # a KPI that is never negative has no band there
    label = table["label"].fill_null(False).to_numpy() if "label" in table.columns else None
    if events is not None and table["time"].dtype != pl.Time:
        shade_events(ax, events, _step(table["time"]))
    if table["time"].dtype != pl.Time:
        if label is not None and label.any():
            _shade(ax, x, label)
        band = {"color": COLORS["band"], "alpha": 0.55, "linewidth": 0}
        at, shown = line["time"].to_numpy(), line["value"].to_numpy()
        ax.fill_between(at, low, high, label=f"baseline ± {threshold:g} scales", **band)
        ax.plot(at, baseline, "--", color=COLORS["baseline"], linewidth=1, label="baseline")
        ax.plot(at, shown, color=COLORS["value"], label="value", **style)
        single = alone(shown)
        ax.plot(at[single], shown[single], ".", color=COLORS["value"], markersize=3)
        _dates(ax, table["time"])
    else:
        ax.plot(x, value, color=COLORS["value"], label="value", **style)
    if table["time"].dtype == pl.Time and label is not None and label.any():
        ax.plot(x[label], value[label], color=COLORS["point"], label="labelled", **style)
    for direction, marker in (("increase", "^"), ("decrease", "v")):
        at = (table["is_anomaly"] & (table["direction"] == direction)).fill_null(False).to_numpy()
        if at.any():
            ax.plot(
                x[at],
                value[at],
                marker,
                color=COLORS[direction],
                markersize=5,
                label=f"anomaly: {direction} ({at.sum()})",
            )
    ax.set_ylabel(name)
    _limits(ax, value, low, high)
    if title:
        ax.set_title(title, loc="left", fontsize="medium")
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    if legend:
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize="small")
    return ax


UNITS = {
    "_mbit_per_s": "Mbit/s",
    "_kbit_per_s": "kbit/s",
    "_gbit_per_s": "Gbit/s",
    "_gb": "GB",
    "_erlang": "Erlang",
    "_percent": "%",
    "_ms": "ms",
    "_s": "s",
    "_dbm": "dBm",
    "_db": "dB",
    "_hz": "Hz",
}


def unit_of(name: str) -> str | None:
    """The unit that a name such as ``traffic_mbit_per_s`` ends in; None without one."""
    return next((unit for ending, unit in UNITS.items() if name.endswith(ending)), None)


def unit_label(name: str, unit: str | None = None) -> str:
    """``traffic_mbit_per_s`` as "traffic (Mbit/s)"; other names as they are."""
    if unit is not None:
        return f"{name} ({unit})"
    for ending, known in UNITS.items():
        if name.endswith(ending) and len(name) > len(ending):
            return f"{name.removesuffix(ending).replace('_', ' ')} ({known})"
    return name.replace("_", " ")


def _limits(ax, value, low, high):
    """Room for the values; the band may leave the picture, as early bands can be very wide."""
    shown = value[np.isfinite(value)]
    if not shown.size:
        return
    bottom, top = shown.min(), shown.max()
    wide = (top - bottom) or abs(top) or 1.0
    edge = [low[np.isfinite(low)], high[np.isfinite(high)]]
    if edge[0].size:
        bottom = min(bottom, max(np.quantile(edge[0], 0.02), bottom - 0.3 * wide))
        top = max(top, min(np.quantile(edge[1], 0.98), top + 0.3 * wide))
    ax.set_ylim(bottom - 0.05 * wide, top + 0.05 * wide)


def _step(time):
    """The usual distance of successive times."""
    step = time.sort().diff()
    return step.filter(step > timedelta(0)).median() or timedelta(0)


def with_gaps(drawn, rows):
    """`drawn` by time with an empty row in each gap of `rows`, so that no line crosses it.

    A gap is a distance beyond one and a half of the usual ones; where more than a tenth of the
    distances are such, times are irregular and nothing is a gap.
    """
    import polars as pl

    time = rows["time"].sort()
    step = _step(time)
    far = (time.diff() > 1.5 * step).fill_null(False)
    if not 0 < far.sum() <= 0.1 * len(time):
        return drawn
    empty = pl.DataFrame({"time": time.shift(1).filter(far) + 0.5 * step})
    return pl.concat([drawn, empty], how="diagonal").sort("time", maintain_order=True)


def alone(values):
    """Which values have no neighbor, so that no line shows them."""
    known = np.concatenate([[False], np.isfinite(values), [False]])
    return known[1:-1] & ~known[:-2] & ~known[2:]


def _shade(ax, x, label):
    """Runs of labelled rows as vertical stripes."""
    change = np.flatnonzero(np.diff(np.concatenate([[0], label.astype(np.int8), [0]])))
    step = np.median(np.diff(x)) if len(x) > 1 else 0
    for k, (begin, end) in enumerate(zip(change[::2], change[1::2] - 1, strict=True)):
        ax.axvspan(
            x[begin],
            x[end] + step,
            color=COLORS["label"],
            alpha=0.8,
            linewidth=0,
            label="labelled" if k == 0 else None,
        )


def _dates(ax, time):
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=5, maxticks=10)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    first, last = time[0], time[-1]
    if first == last:
        first, last = first - timedelta(hours=1), last + timedelta(hours=1)
    if first < last:
        ax.set_xlim(first, last)
    ax.set_xlabel(f"time ({time[0]:%Y-%m-%d} to {time[-1]:%Y-%m-%d})")


def new_figure(n_rows: int) -> Figure:
    """A figure of `n_rows` Axes below each other, apart from pyplot and its global state."""
    need_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 2.5 * n_rows + 0.5), layout="constrained")
    figure.subplots(n_rows, 1, squeeze=False)
    return figure
