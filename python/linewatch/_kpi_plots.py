"""Pictures of KPIs: events, cells by hours, calendars, two KPIs, maps, the figure of a cell."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from linewatch._arguments import check_columns
from linewatch._axes import axes_or_new, need_matplotlib
from linewatch._displays import WEEKDAYS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Literal

    from matplotlib.axes import Axes

    from linewatch._typing import AnyFrame, Time


CLASS_COLORS = {
    "SUDDEN_INCREASE": "#d95f02",
    "SUDDEN_DECREASE": "#b2182b",
    "DROP_OUT": "#252525",
    "FLAT_LINE": "#8c6bb1",
    "LEVEL_SHIFT": "#1b9e77",
    "DRIFT": "#e6ab02",
    "VARIANCE_SHIFT": "#a6761d",
    "SEASONAL_BREAK": "#e7298a",
    "INCREASE": "#d62728",
    "DEGRADATION": "#2ca02c",
    "increase": "#d95f02",
    "decrease": "#b2182b",
}
OTHER_COLOR = "#737373"
HALF_BEAM_DEG = 30.0


def shade_events(ax, events, step):
    """Spans of time behind a curve, one color for each class; `events` is a Polars frame.

    `step` is how long the last row of an event lasts.
    """
    from matplotlib.colors import to_rgba

    named = "class" if "class" in events.columns else "direction"
    seen = set()
    for row in events.iter_rows(named=True):
        kind = {1: "increase", -1: "decrease"}.get(row[named], str(row[named]))
        color = CLASS_COLORS.get(kind, OTHER_COLOR)
        ax.axvspan(
            row["start"],
            row["end"] + step,
            facecolor=to_rgba(color, 0.25),
            edgecolor=color,
            linewidth=0.6,
            label=None if kind in seen else kind,
            zorder=0.5,
        )
        seen.add(kind)


def kpi_heatmap(
    frame: AnyFrame,
    *,
    time: str | None = None,
    cell: str | None = None,
    value: str | None = None,
    kpi: str | None = None,
    top: int = 40,
    limit: float = 6.0,
    ax: Axes | None = None,
) -> Axes:
    """Cells by hours: how far each value is from its baseline, in scales.

    Parameters
    ----------
    frame : DataFrame
        What :func:`linewatch.kpi.score`, ``baseline`` or ``detect`` give; or a table of KPIs
        without a baseline, whose values are then drawn as distances from the cell's median in
        median absolute deviations.
    time, cell, value : str, optional
        Columns; found by name and dtype when left out.
    kpi : str, optional
        Which KPI of a long frame; needed if it has several.
    top : int, default=40
        Cells drawn, those farthest from their baselines first.
    limit : float, default=6.0
        Distance at which the colors end.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from linewatch import kpi, plots
    >>> network = kpi.simulate(n_sites=2, n_weeks=6, faults=["outage"], seed=1)
    >>> ax = plots.kpi_heatmap(network.kpis, value="traffic_gb")
    >>> ax.get_title(loc="left")
    'traffic (GB): distance from the usual, in scales'
    """
    import polars as pl

    need_matplotlib()
    from matplotlib.dates import date2num

    from linewatch.plots import _dates

    if top < 1:
        raise ValueError(f"top must be at least 1, got {top}")
    table, name = _long(frame, time, cell, value, kpi)
    table = _with_deviation(table)
    rank = (
        table.group_by("cell")
        .agg(worst=pl.col("deviation").abs().filter(pl.col("deviation").is_finite()).mean())
        .sort("worst", "cell", descending=[True, False], nulls_last=True)
        .head(top)
    )
    cells = rank["cell"].to_list()
    step = table.sort("cell", "time").select(pl.col("time").diff().over("cell"))["time"]
    step = step.filter(step > timedelta(0)).median() or timedelta(hours=1)
    first, last = table["time"].min(), table["time"].max()
    n = int((last - first) / step) + 1
    grid = np.full((len(cells), n), np.nan)
    rows = table.filter(pl.col("cell").is_in(cells)).with_columns(
        at=((pl.col("time") - first) / step).floor().cast(pl.Int64).clip(0, n - 1)
    )
    place = {cell: k for k, cell in enumerate(cells)}
    y = np.array([place[cell] for cell in rows["cell"]])
    grid[y, rows["at"].to_numpy()] = rows["deviation"].to_numpy()
    ax = axes_or_new(ax, (11, min(0.22 * len(cells) + 1.2, 9)))
    edges = date2num([first, last + step])
    image = ax.imshow(
        np.ma.masked_invalid(np.clip(grid, -limit, limit)),
        aspect="auto",
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
        interpolation="nearest",
        extent=(*edges, len(cells) - 0.5, -0.5),
    )
    ax.set_facecolor("#d9d9d9")
    ax.xaxis_date()
    _dates(ax, table["time"].sort())
    ax.set_yticks(range(len(cells)), cells, fontsize=7 if len(cells) > 15 else 9)
    ax.set_title(f"{name}: distance from the usual, in scales", loc="left", fontsize="medium")
    ax.figure.colorbar(image, ax=ax, pad=0.01, label="below   ·   above", extend="both")
    return ax


def kpi_calendar(
    frame: AnyFrame,
    *,
    which: str | None = None,
    how: Literal["mean", "sum", "max", "min", "lost"] = "mean",
    time: str | None = None,
    cell: str | None = None,
    value: str | None = None,
    kpi: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A KPI by days: weeks from left to right, Monday to Sunday from top to bottom.

    Parameters
    ----------
    frame : DataFrame
        A table of KPIs, or what the functions of :mod:`linewatch.kpi` make of it.
    which : str, optional
        The cell; all cells together by default.
    how : {"mean", "sum", "max", "min", "lost"}, default="mean"
        What a day shows; ``"lost"`` is the sum of baseline - value, of a frame with a baseline.
    time, cell, value : str, optional
        Columns; found by name and dtype when left out.
    kpi : str, optional
        Which KPI of a long frame; needed if it has several.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from linewatch import kpi, plots
    >>> network = kpi.simulate(n_sites=2, n_weeks=6, faults=["outage"], seed=1)
    >>> ax = plots.kpi_calendar(network.kpis, value="traffic_gb", which="S001-1", how="sum")
    >>> ax.get_title(loc="left")
    'S001-1: traffic (GB), sum of the day'
    """
    import polars as pl

    if how not in ("mean", "sum", "max", "min", "lost"):
        raise ValueError(f"how must be mean, sum, max, min or lost, got {how!r}")
    table, name = _long(frame, time, cell, value, kpi)
    table = _one_cell(table, which, needed=False)
    if how == "lost":
        if "baseline" not in table.columns:
            raise ValueError('how="lost" needs a frame with a baseline, as kpi.score returns it')
        shown = (pl.col("baseline") - pl.col("value")).sum()
    else:
        shown = getattr(pl.col("value"), how)()
    days = table.group_by(day=pl.col("time").dt.date()).agg(
        shown=pl.when(pl.col("value").count() > 0).then(shown)
    )
    days = days.sort("day")
    first = days["day"][0] - timedelta(days=days["day"][0].weekday())
    since = (days["day"] - first).dt.total_days().to_numpy()
    grid = np.full((7, since.max() // 7 + 1), np.nan)
    grid[since % 7, since // 7] = days["shown"].to_numpy()
    ax = axes_or_new(ax, (max(0.3 * grid.shape[1] + 2, 5.5), 3.1))
    options = {"cmap": "viridis"}
    if how == "lost":
        most = np.nanmax(np.abs(grid)) or 1
        options = {"cmap": "RdBu_r", "vmin": -most, "vmax": most}
    mesh = ax.pcolormesh(np.ma.masked_invalid(grid), edgecolors="white", linewidth=1.5, **options)
    ax.invert_yaxis()
    ax.set_aspect("equal")
    ax.set_yticks(np.arange(7) + 0.5, WEEKDAYS)
    weeks = [first + timedelta(weeks=k) for k in range(grid.shape[1])]
    every = max(1, len(weeks) // 12)
    ticks = range(0, len(weeks), every)
    ax.set_xticks(
        [k + 0.5 for k in ticks], [f"{weeks[k]:%d %b}" for k in ticks], rotation=45, ha="right"
    )
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    title = f"{which}: " if which is not None else ""
    said = {"max": "highest of the day", "min": "lowest of the day", "lost": "lost in a day"}
    said = said.get(how, f"{how} of the day")
    ax.set_title(f"{title}{name}, {said}", loc="left", fontsize="medium")
    # At the left, so that a few weeks leave the title its room.
    ax.figure.colorbar(mesh, ax=ax, pad=0.02, shrink=0.8, panchor=(0.0, 0.5))
    return ax


def kpi_scatter(
    frame: AnyFrame,
    x: str,
    y: str,
    *,
    which: str | None = None,
    time: str | None = None,
    cell: str | None = None,
    anomaly: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Two KPIs against each other, a dot for each row; anomalies stand out.

    Parameters
    ----------
    frame : DataFrame
        A table with a column for each KPI.
    x, y : str
        The KPIs.
    which : str, optional
        The cell; all cells by default.
    time, cell : str, optional
        Columns; found by name and dtype when left out.
    anomaly : str, optional
        A column of booleans (or 0 and 1), or of names of faults, to color by.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from linewatch import kpi, plots
    >>> network = kpi.simulate(n_sites=2, n_weeks=6, faults=["outage"], seed=1)
    >>> ax = plots.kpi_scatter(network.labelled(), "prb_percent", "calls", anomaly="is_fault")
    >>> ax.get_xlabel()
    'prb (%)'
    """
    import polars as pl

    from linewatch import _tables
    from linewatch._frames import eager, to_polars
    from linewatch.plots import unit_label

    table = to_polars(eager(frame))
    check_columns([x, y, *([] if anomaly is None else [anomaly])], table.columns)
    if which is not None:
        found = _tables.detect(table, time=time, cell=cell, values=[x, y])
        if found.cell is None:
            raise ValueError(f"which={which!r} needs a column of cells; the frame is one series")
        table = table.filter(pl.col(found.cell).cast(pl.String) == str(which))
        if not table.height:
            raise ValueError(f"cell {which!r} is not in the frame")
    horizontal = _tables.numbers(table[x]).fill_null(np.nan).to_numpy()
    vertical = _tables.numbers(table[y]).fill_null(np.nan).to_numpy()
    ax = axes_or_new(ax, (6, 5))
    groups = [("rows", np.ones(table.height, dtype=bool), "#4c78a8", 0.25)]
    if anomaly is not None:
        groups = _groups(table[anomaly], anomaly)
    for name, rows, color, alpha in groups:
        ax.scatter(
            horizontal[rows],
            vertical[rows],
            s=9 if alpha < 1 else 16,
            color=color,
            alpha=alpha,
            linewidth=0,
            label=f"{name} ({rows.sum():,})",
            rasterized=rows.sum() > 5000,
        )
    ax.set_xlabel(unit_label(x))
    ax.set_ylabel(unit_label(y))
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
    if which is not None:
        ax.set_title(str(which), loc="left", fontsize="medium")
    return ax


def _groups(column, name):
    """Rows by what a column says of them: the ordinary ones first and pale."""
    import polars as pl

    from linewatch import _tables

    if column.dtype == pl.String:
        kinds = column.drop_nulls().unique().sort().to_list()
        colors = ["#d95f02", "#b2182b", "#1b9e77", "#7570b3", "#e7298a", "#e6ab02", "#252525"]
        groups = [("other", column.is_null().to_numpy(), "#9ecae1", 0.25)]
        for k, kind in enumerate(kinds):
            rows = (column == kind).fill_null(False).to_numpy()
            groups.append((kind, rows, colors[k % len(colors)], 1.0))
        return groups
    flag = _tables.labels(column).fill_null(False).to_numpy()
    return [("other", ~flag, "#9ecae1", 0.25), (name.replace("_", " "), flag, "#b2182b", 1.0)]


def _moment(name, given):
    """A time that a caller gave, as text or as it is."""
    if isinstance(given, datetime):
        return given
    try:
        return datetime.fromisoformat(str(given))
    except ValueError:
        raise ValueError(
            f'{name} must be a time such as "2026-01-31 14:00", got {given!r}'
        ) from None


def kpi_map(
    sites: AnyFrame,
    values: AnyFrame | Mapping[str, float] | None = None,
    *,
    marked: Collection[str] = (),
    label: str | None = None,
    cell: str = "cell_id",
    site: str = "site_id",
    latitude: str = "latitude",
    longitude: str = "longitude",
    azimuth: str = "azimuth",
    names: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Cells where they stand and look, as sectors, colored by a number of each.

    Parameters
    ----------
    sites : DataFrame
        One row a cell, as for :func:`linewatch.kpi.facing_cells`. A cell without azimuth is a disk.
    values : DataFrame or dict, optional
        A number for each cell: a dict, or a frame with a column of cells and one of numbers. Cells
        without one are gray.
    marked : sequence of str
        Cells to outline.
    label : str, optional
        What the numbers are; the name of the column by default.
    cell, site, latitude, longitude, azimuth : str
        The columns of `sites`.
    names : bool, default=True
        Write the names of the sites, if there are at most 60.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If a cell has no place, an azimuth is impossible, or a marked cell is not among `sites`.

    Examples
    --------
    >>> from linewatch import kpi, plots
    >>> network = kpi.simulate(n_sites=2, n_weeks=6, faults=["outage"], seed=1)
    >>> ax = plots.kpi_map(network.sites, {"S001-1": 12.5}, label="lost traffic (GB)")
    >>> ax.get_xlabel()
    'east (km)'
    """
    need_matplotlib()
    from matplotlib import colormaps
    from matplotlib.collections import PatchCollection
    from matplotlib.colors import Normalize
    from matplotlib.patches import Wedge

    from linewatch._frames import eager, to_polars
    from linewatch.kpi import _facing

    table = to_polars(eager(sites))
    check_columns([cell, site, latitude, longitude, azimuth], table.columns)
    cells = _facing._names(table[cell])
    lat = _facing._degrees(table, latitude, cells, -90, 90)
    lon = _facing._degrees(table, longitude, cells, -360, 360)
    turn = _facing._degrees(table, azimuth, cells, -360, 360, missing=True)
    if not table.height:
        raise ValueError("sites has no rows")
    known, name = _numbers_of(values)
    if known and not set(known) & set(cells):
        raise ValueError(
            f'no cell of values is among those of sites: "{next(iter(known))}" there, '
            f'"{cells[0]}" in sites'
        )
    marked = [marked] if isinstance(marked, str) else [str(one) for one in marked]
    for one in marked:
        if one not in set(cells):
            raise ValueError(f'cell "{one}" is not among the {len(cells)} cells of sites')
    middle = np.radians(lat.mean())
    x = (lon - lon.mean()) * 111.195 * np.cos(middle)
    y = (lat - lat.mean()) * 111.195
    reach = _reach(x, y)
    numbers = np.array([known.get(one, np.nan) for one in cells], dtype=float)
    finite = numbers[np.isfinite(numbers)]
    bounds = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    scale = Normalize(min(bounds[0], 0.0), bounds[1] if bounds[1] > min(bounds[0], 0.0) else 1.0)
    colors = colormaps["YlOrRd"]
    wedges, faces, edges, widths = [], [], [], []
    for k in range(len(cells)):
        if np.isnan(turn[k]):
            wedges.append(Wedge((x[k], y[k]), 0.4 * reach, 0, 360))
        else:
            up = 90 - turn[k]
            wedges.append(Wedge((x[k], y[k]), reach, up - HALF_BEAM_DEG, up + HALF_BEAM_DEG))
        faces.append(colors(scale(numbers[k])) if np.isfinite(numbers[k]) else (0.85,) * 3 + (1,))
        is_marked = cells[k] in marked
        edges.append("#08306b" if is_marked else "#969696")
        widths.append(2.0 if is_marked else 0.4)
    ax = axes_or_new(ax, (7.5, 6.5))
    ax.add_collection(
        PatchCollection(wedges, facecolors=faces, edgecolors=edges, linewidths=widths)
    )
    ax.set_xlim(x.min() - 1.5 * reach, x.max() + 1.5 * reach)
    ax.set_ylim(y.min() - 1.5 * reach, y.max() + 1.8 * reach)
    ax.set_aspect("equal")
    places = table.select(site).with_row_index("_k").unique(site, maintain_order=True)
    if names and places.height <= 60:
        for k, one in zip(places["_k"], places[site], strict=True):
            ax.annotate(
                str(one),
                (x[k], y[k] + reach),
                xytext=(0, 2),
                textcoords="offset points",
                fontsize=9,
                ha="center",
                va="bottom",
                bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1.0},
                zorder=5,
            )
    ax.set_xlabel("east (km)")
    ax.set_ylabel("north (km)")
    ax.grid(alpha=0.2)
    ax.spines[["top", "right"]].set_visible(False)
    if finite.size:
        from matplotlib.cm import ScalarMappable

        ax.figure.colorbar(
            ScalarMappable(scale, colors), ax=ax, shrink=0.8, label=label or name or ""
        )
    return ax


def _numbers_of(values):
    """A dict from cell to number, and what the numbers are called."""
    import polars as pl

    from linewatch import _tables
    from linewatch._frames import eager, to_polars

    if values is None:
        return {}, None
    if isinstance(values, dict):
        return {str(key): number for key, number in values.items()}, None
    table = to_polars(eager(values))
    text = [n for n in table.columns if table[n].dtype in (pl.String, pl.Categorical, pl.Enum)]
    cells = [n for n in text if "cell" in _tables.words(n).split()] or text
    numbers = [n for n in table.columns if table[n].dtype.is_numeric()]
    if not cells or not numbers:
        raise ValueError("values needs a column of cells and one of numbers")
    keys = table[cells[0]].cast(pl.String)
    return dict(zip(keys, table[numbers[0]], strict=True)), numbers[0].replace("_", " ")


def _reach(x, y):
    """Radius of a sector: less than half of the usual distance to the next site."""
    places = np.unique(np.column_stack([x, y]).round(6), axis=0)
    if len(places) < 2:
        return 0.3
    some = places[:: max(len(places) // 300, 1)]
    far = np.hypot(*(some[:, None, :] - places[None, :, :]).transpose(2, 0, 1))
    far[far < 1e-9] = np.inf
    return 0.45 * float(np.median(far.min(axis=1)))


def kpi_cell(
    classified: AnyFrame,
    which: str,
    *,
    data: str | None = None,
    voice: str | None = None,
    start: Time | None = None,
    end: Time | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Data and voice traffic of one cell with its increases and degradations, 14 by 6 inches.

    The colors are those of the original notebook: an increase is red, a degradation green,
    whichever of them is worse.

    Parameters
    ----------
    classified : DataFrame
        The long frame of ``kpi.classify``: ``cell``, ``kpi``, ``time``, ``value``, ``class``.
    which : str
        The cell.
    data, voice : str, optional
        The KPIs of the blue and the orange line (on an axis of its own to the right); the first and
        the second of the frame by default.
    start, end : datetime or str, optional
        The range of time; all of it by default.
    title : str, optional
        The cell by default.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        That of the data; the one of the voice lies on it.

    Examples
    --------
    >>> from linewatch import kpi, plots
    >>> network = kpi.simulate(n_sites=2, n_weeks=6, faults=["outage"], seed=1)
    >>> classified = kpi.classify(network.kpis, kpis=["traffic_gb", "voice_erlang"])
    >>> ax = plots.kpi_cell(classified, "S001-1", start="2026-02-01")
    >>> ax.get_title(loc="left")
    'S001-1'
    """

    import polars as pl

    from linewatch._frames import eager, to_polars
    from linewatch.plots import _dates, unit_label

    table = to_polars(eager(classified))
    for name in ("cell", "kpi", "time", "value", "class"):
        if name not in table.columns:
            raise ValueError(f'column "{name}" is missing; use the frame that kpi.classify returns')
    table = _one_cell(table.with_columns(pl.col("cell").cast(pl.String)), which)
    for bound, side in ((start, "start"), (end, "end")):
        if bound is not None:
            at = _moment(side, bound)
            if at.tzinfo is not None:
                raise ValueError(f"{side} must be a local time without a zone, got {at}")
            time = pl.col("time").dt.replace_time_zone(None)
            table = table.filter(time >= at if side == "start" else time <= at)
    if not table.height:
        raise ValueError(f"cell {which!r} has no rows from {start} to {end}")
    kpis = table["kpi"].unique(maintain_order=True).to_list()
    data = data or kpis[0]
    voice = voice or next((name for name in kpis if name != data), None)
    ax = axes_or_new(ax, (14, 6))
    handles = []
    for name, color, alpha, dots in ((voice, "tab:orange", 0.5, 12), (data, "tab:blue", 1.0, 20)):
        if name is None:
            continue
        rows = table.filter(pl.col("kpi") == name).sort("time")
        if not rows.height:
            raise ValueError(f'KPI "{name}" is not in the frame; it has {", ".join(kpis)}')
        on = ax if name == data else ax.twinx()
        handles += on.plot(rows["time"], rows["value"], color=color, alpha=alpha, lw=1, label=name)
        for kind, dot in (("INCREASE", "red"), ("DEGRADATION", "green")):
            at = rows.filter(pl.col("class") == kind)
            handle = on.scatter(
                at["time"], at["value"], s=dots, color=dot, zorder=3, label=kind.lower()
            )
            if name == data:
                handles.append(handle)
        on.set_ylabel(unit_label(name), color=color)
        if name == data:
            _dates(on, rows["time"])
    ax.set_zorder(2)
    ax.patch.set_visible(False)
    ax.grid(alpha=0.25)
    ax.set_title(title if title is not None else str(which), loc="left")
    ax.legend(handles=handles, frameon=False, loc="upper left", ncols=4, fontsize="small")
    return ax


def _one_cell(table, which, needed=True):
    import polars as pl

    cells = table["cell"].unique().sort().to_list()
    if which is None:
        if needed and len(cells) > 1:
            raise ValueError(
                f"the frame has {len(cells)} cells; say which one, such as {cells[0]!r}"
            )
        return table
    table = table.filter(pl.col("cell") == str(which))
    if not table.height:
        raise ValueError(f"cell {which!r} is not in the frame")
    return table


def _long(frame, time, cell, value, kpi):
    """Polars frame of cell, time, value (baseline, scale) of one KPI, and its name."""
    import polars as pl

    from linewatch import _tables
    from linewatch._frames import eager, to_polars
    from linewatch.kpi import _score
    from linewatch.plots import unit_label

    table = to_polars(eager(frame))
    if {"cell", "kpi", "time", "value"} <= set(table.columns):
        table = table.with_columns(pl.col("cell").cast(pl.String))
        kpis = table["kpi"].unique(maintain_order=True).to_list()
        if kpi is None and len(kpis) > 1:
            raise ValueError(f"the frame has {len(kpis)} KPIs; say which one, such as {kpis[0]!r}")
        name = kpi if kpi is not None else kpis[0]
        table = table.filter(pl.col("kpi") == name)
        if not table.height:
            raise ValueError(f'KPI "{name}" is not in the frame; it has {", ".join(kpis)}')
        return table, unit_label(name)
    plain = table.drop([name for name in _score.SCORED if name in table.columns])
    found = _tables.detect(
        plain, time=time, cell=cell, values=[value or kpi] if value or kpi else None
    )
    parts = {
        "time": _tables.times(table[found.time]),
        "cell": table[found.cell].cast(pl.String) if found.cell else pl.lit(""),
        "value": _tables.numbers(table[found.values[0]]).fill_nan(None),
    }
    if parts["time"].dtype == pl.Time:
        raise ValueError("the picture needs dates; these times are times of day only")
    kept = [name for name in ("baseline", "scale") if name in table.columns]
    table = table.select(pl.col(kept).fill_nan(None), **parts)
    return table, unit_label(found.values[0])


def _with_deviation(table):
    """The signed distance from the baseline in scales, or from the median of the cell."""
    import polars as pl

    value = pl.col("value")
    if {"baseline", "scale"} <= set(table.columns):
        away = (value - pl.col("baseline")) / pl.col("scale")
        away = pl.when(value == pl.col("baseline")).then(0.0).otherwise(away)
        return table.with_columns(deviation=away)
    # In two steps: Polars 1.33 has no window within a window.
    away = pl.col("deviation")
    spread = 1.4826 * away.abs().median().over("cell")
    return table.with_columns(deviation=value - value.median().over("cell")).with_columns(
        deviation=pl.when(away == 0).then(0.0).otherwise(away / spread)
    )
