"""The KPI page: events, the course of one cell, its week, two KPIs together, a map.

Each function takes results and gives a Plotly figure, rows of a table or tiles; all of them on a
folder that ``linewatch kpi`` wrote:

>>> import contextlib, io, os, tempfile
>>> import linewatch as lw
>>> from linewatch.dashboards import kpi
>>> folder = tempfile.mkdtemp()
>>> network = lw.kpi.simulate(3, 5, faults=["outage"], seed=1)
>>> network.kpis.write_parquet(folder + "/kpis.parquet")
>>> network.sites.write_csv(folder + "/sites.csv")
>>> command = ["kpi", folder + "/kpis.parquet", "--sites", folder + "/sites.csv", "--no-picture"]
>>> command += ["--value", "traffic_gb", "--value", "prb_percent", "--out", folder + "/kpi"]
>>> with contextlib.redirect_stdout(io.StringIO()):
...     code = lw.cli.main(command)
>>> results = lw.dashboards.open_results(folder + "/kpi")["kpi"]
>>> cell, name = kpi.first_choice(results).values()
>>> len(kpi.tiles(results)) > 0, len(kpi.event_rows(results).columns) > 0
(True, True)
>>> figures = [kpi.series(results, cell, name), kpi.hour_weekday(results, cell, name)]
>>> figures += [kpi.two_kpis(results, cell, "traffic_gb", "prb_percent")]
>>> figures += [kpi.cell_map(results)]
>>> {type(figure).__name__ for figure in figures}
{'Figure'}
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from linewatch._curves import alone, with_gaps
from linewatch.dashboards import _theme
from linewatch.dashboards._blocks import Rows, Tile
from linewatch.dashboards._theme import number, safe
from linewatch.plots import unit_label, unit_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from linewatch._typing import Theme, Time
    from linewatch.dashboards._source import Results


__all__ = ["cell_map", "event_rows", "first_choice", "hour_weekday", "series", "tiles", "two_kpis"]

WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
POINTS_IN_SCATTER = 3000
CELLS_ON_MAP = 5000
DRAWN = ["time", "value", "baseline", "scale", "score", "is_anomaly", "direction"]


def tiles(results: Results) -> list[Tile]:
    """How many cells and events, the traffic lost, the worst cell.

    Parameters
    ----------
    results : Results

    Returns
    -------
    list of Tile
    """
    import polars as pl

    cells = results.table("cells")
    made = [
        Tile("cells", number(cells["cell"].n_unique()), f"{cells['kpi'].n_unique()} KPIs"),
    ]
    events = _events(results)
    made.append(Tile("events", number(events.height), "anomalies close in time are one"))
    if "lost" in events.columns and events["lost"].count():
        note = unit_label(events["traffic"].drop_nulls()[0])
        if results.has("sites") and results.table("sites")["lost"].count():
            lost = results.table("sites")["lost"].sum()  # there each hour counts once
        else:
            lost = events.filter(pl.col("lost") > 0)["lost"].sum()
            note += ", overlapping events in each"
        made.append(Tile("traffic lost", number(lost), note))
    bad = cells.filter(pl.col("n_anomalies") > 0).sort("score", descending=True, nulls_last=True)
    if bad.height:
        worst = bad.row(0, named=True)
        note = f"{unit_label(worst['kpi'])}, score {number(worst['score'])}"
        made.append(Tile("worst cell", worst["cell"] or "(one series)", note))
    return made


def event_rows(
    results: Results,
    *,
    cell: str | None = None,
    kpi: str | None = None,
    kind: str | None = None,
    most: int = 200,
) -> Rows:
    """The events, the most important ones first.

    Parameters
    ----------
    results : Results
    cell, kpi : str, optional
        Only the events of this cell, or of this KPI.
    kind : str, optional
        Only the events of this class.
    most : int, default=200
        Rows listed.

    Returns
    -------
    Rows
        With ``{"cell": ..., "kpi": ...}`` as the keys.
    """
    import polars as pl

    events = _events(results)
    kinds = "class" if "class" in events.columns else "direction"
    for column, value in (("cell", cell), ("kpi", kpi), (kinds, kind)):
        if value:
            events = events.filter(pl.col(column) == value)
    lost = "lost" in events.columns and events["lost"].count() > 0
    order = ["rank", "score"] if "rank" in events.columns else ["score"]
    events = events.sort(order, descending=[name == "score" for name in order], nulls_last=True)
    # The score of a classified event is the level of its rule, which fires from 1 on.
    score = "level" if "class" in events.columns else "score"
    columns = ["cell", "KPI", kinds, "start", "rows", score] + (["lost"] if lost else [])
    rows = [
        [
            event["cell"] or "(one series)",
            unit_label(event["kpi"]),
            event[kinds] or "",
            f"{event['start']:%Y-%m-%d %H:%M}",
            number(event.get("n_rows", event.get("n_anomalies"))),
            number(event["score"], 3),
            *([number(event["lost"])] if lost else []),
        ]
        for event in events.head(most).iter_rows(named=True)
    ]
    keys = events.head(most).select("cell", "kpi").to_dicts()
    return Rows("Events", columns, rows, keys, events.height, frozenset({4, 5, 6}))


def kinds(results: Results) -> list[str]:
    """The classes (or directions) of the events, for a filter."""
    events = _events(results)
    column = "class" if "class" in events.columns else "direction"
    return events[column].drop_nulls().unique().sort().to_list()


def cell_names(results: Results) -> list[str]:
    """The cells, those with events first, for a filter."""
    cells = results.table("cells").sort("n_events", descending=True, nulls_last=True)
    return cells["cell"].unique(maintain_order=True).to_list()


def kpi_names(results: Results) -> list[str]:
    """The KPIs, for a filter."""
    return results.table("cells")["kpi"].unique(maintain_order=True).to_list()


def first_choice(results: Results) -> dict[str, str]:
    """The cell and KPI to show first: those of the first event, or the first cell."""
    listed = event_rows(results, most=1)
    if listed.keys:
        return listed.keys[0]
    cells = results.table("cells").sort("score", descending=True, nulls_last=True)
    return cells.select("cell", "kpi").row(0, named=True)


def series(
    results: Results,
    cell: str,
    kpi: str,
    *,
    start: Time | None = None,
    end: Time | None = None,
    n_out: int = 2000,
    theme: Theme = "light",
) -> go.Figure:
    """The values of one KPI of a cell, its baseline with a band, and the anomalies.

    Parameters
    ----------
    results : Results
    cell, kpi : str
        What to draw.
    start, end : datetime or str, optional
        Only this stretch, with all the detail that `n_out` allows; the whole by default.
    n_out : int, default=2000
        Points drawn; every anomaly is kept besides.
    theme : {"light", "dark"}

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    ValueError
        If the folder has no such series.
    """
    import plotly.graph_objects as go
    import polars as pl

    from linewatch import downsample

    rows = _rows(results, cell, kpi)
    dated = rows.schema["time"] != pl.Time
    if dated:
        for text, keep in ((start, pl.col("time").__ge__), (end, pl.col("time").__le__)):
            if text is not None:
                rows = rows.filter(keep(_time(text)))
    if not rows.height:
        return _theme.empty(theme, f"{cell or 'series'}", "no rows between these times")
    marked = rows["is_anomaly"].fill_null(False).to_numpy()
    times = rows["time"] if dated else rows["time"].cast(pl.Int64)
    chosen = downsample.indices(rows["value"].to_numpy(), n_out, x=times.to_numpy(), keep=marked)
    drawn = rows[chosen]
    if dated:
        drawn = with_gaps(drawn, rows)
    made = _theme.figure(
        theme,
        title=f"{cell or 'series'}: {_label(results, kpi)}",
        x=f"time ({results.time_zone})" if dated else "time of day (h)",
        y=_label(results, kpi),
        height=360,
    )
    x = drawn["time"].to_list() if dated else (drawn["time"].cast(pl.Int64) / 3.6e12).to_list()
    baseline, scale = drawn["baseline"].to_numpy(), drawn["scale"].to_numpy()
    width = _threshold(results)
    if dated and rows["baseline"].count():
        band = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
        low, high = baseline - width * scale, baseline + width * scale
        made.add_trace(go.Scatter(x=x, y=_list(high), showlegend=False, **band))
        made.add_trace(go.Scatter(x=x, y=_list(low), fill="tonexty", **band,
                                  fillcolor="rgba(86,180,233,0.22)",
                                  name=f"baseline ± {width:g} scales"))  # fmt: skip
        dashed = {"color": _theme.SKY, "width": 1, "dash": "dash"}
        made.add_trace(
            go.Scatter(x=x, y=_list(baseline), mode="lines", name="baseline", line=dashed)
        )
    value = drawn["value"].to_numpy()
    made.add_trace(
        go.Scatter(x=x, y=_list(value), name="value",
                   mode="lines+markers" if dated else "markers",
                   marker={"size": (4 * alone(value)).tolist() if dated else 4,
                           "color": _theme.BLUE, "line": {"width": 0}},
                   line={"color": _theme.BLUE, "width": 1.3})
    )  # fmt: skip
    for direction, (color, symbol) in _theme.DIRECTION.items():
        at = drawn.filter(pl.col("is_anomaly") & (pl.col("direction") == direction))
        if at.height:
            places = at["time"].to_list() if dated else (at["time"].cast(pl.Int64) / 3.6e12)
            made.add_trace(go.Scatter(
                x=places, y=at["value"].to_list(), mode="markers", name=f"anomaly: {direction}",
                marker={"color": color, "symbol": symbol, "size": 9,
                        "line": {"width": 1, "color": _theme.colors(theme)["paper"]}},
                customdata=at["score"].to_list(), hovertemplate="%{y}, score %{customdata:.3g}",
            ))  # fmt: skip
    _shade_events(made, results, cell, kpi)
    _limit(made, value, baseline, width * scale)
    return made


def hour_weekday(
    results: Results, cell: str | None = None, kpi: str | None = None, *, theme: Theme = "light"
) -> go.Figure:
    """How many anomalies fall into each hour of the week; of one cell, or of all.

    Parameters
    ----------
    results : Results
    cell, kpi : str, optional
        Only this cell, only this KPI.
    theme : {"light", "dark"}

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go
    import polars as pl

    scan = results.scan("series")
    for column, value in (("cell", cell), ("kpi", kpi)):
        if value is not None:
            scan = scan.filter(pl.col(column) == value)
    who = "all cells" if cell is None else cell or "the series"
    title = f"Anomalies by hour of the week: {who}"
    if scan.collect_schema()["time"] == pl.Time:
        return _theme.empty(theme, title, "times of day without dates have no weekday")
    time = pl.col("time").dt
    counts = (
        scan.group_by(time.weekday().alias("day"), time.hour().alias("hour"))
        .agg(pl.col("is_anomaly").fill_null(False).sum().alias("n"), pl.len().alias("rows"))
        .collect()
    )
    grid = [[None] * 24 for _ in WEEKDAYS]
    for day, hour, n, _ in counts.iter_rows():
        grid[day - 1][hour] = n
    made = _theme.figure(theme, title=title, x=f"hour of the day ({results.time_zone})", height=280)
    hover = "%{y} %{x}:00, %{z} anomalies<extra></extra>"
    made.add_trace(go.Heatmap(z=grid, x=list(range(24)), y=WEEKDAYS, colorscale="Cividis",
                              xgap=1, ygap=1, colorbar={"title": {"text": "anomalies"}},
                              hovertemplate=hover))  # fmt: skip
    made.update_yaxes(autorange="reversed")
    return made


def two_kpis(
    results: Results, cell: str, kpi: str, other: str | None = None, *, theme: Theme = "light"
) -> go.Figure:
    """One KPI of a cell against another, row by row.

    Parameters
    ----------
    results : Results
    cell, kpi : str
    other : str, optional
        The KPI upwards; the next one of the file by default.
    theme : {"light", "dark"}

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go
    import polars as pl

    names = results.table("cells")["kpi"].unique(maintain_order=True).to_list()
    rest = [name for name in names if name != kpi]
    if other is None and not rest:
        # One KPI: the value against what was expected.
        rows = _rows(results, cell, kpi).drop_nulls(["value", "baseline"])
        x, y, mark = rows["baseline"], rows["value"], rows["is_anomaly"]
        labels = f"baseline: {_label(results, kpi)}", _label(results, kpi)
    else:
        other = other or rest[0]
        both = _rows(results, cell, kpi).join(
            _rows(results, cell, other), on="time", suffix="_other"
        )
        rows = both.drop_nulls(["value", "value_other"])
        x, y = rows["value"], rows["value_other"]
        mark = (pl.col("is_anomaly") | pl.col("is_anomaly_other")).fill_null(False)
        mark = rows.select(mark).to_series()
        labels = tuple(_label(results, name) for name in (kpi, other))
    step = max(1, math.ceil(rows.height / POINTS_IN_SCATTER))
    made = _theme.figure(theme, title=f"{cell or 'series'}: two KPIs", x=labels[0], y=labels[1])
    mark = mark.fill_null(False)
    made.add_trace(go.Scatter(x=x.filter(~mark).gather_every(step).to_list(),
                              y=y.filter(~mark).gather_every(step).to_list(), mode="markers",
                              name="usual", marker={"size": 4, "color": _theme.BLUE,
                                                    "opacity": 0.5}))  # fmt: skip
    made.add_trace(go.Scatter(x=x.filter(mark).to_list(), y=y.filter(mark).to_list(),
                              mode="markers", name="anomaly",
                              marker={"size": 8, "color": _theme.RED, "symbol": "x"}))  # fmt: skip
    if step > 1:
        made.update_layout(title_text=made.layout.title.text + f" (every {step}th usual row)")
    return made


def cell_map(results: Results, cell: str | None = None, *, theme: Theme = "light") -> go.Figure:
    """Where the cells are, how much each lost, and which ones face the chosen cell.

    Drawn on plain axes of kilometres, so that no map has to be fetched.

    Parameters
    ----------
    results : Results
        With a table of sites.
    cell : str, optional
        The cell to mark.
    theme : {"light", "dark"}

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go
    import polars as pl

    if not results.has("sites"):
        return _theme.empty(theme, "Map", "no sites were given (linewatch kpi --sites FILE)")
    sites = results.table("sites").sort("n_events", descending=True).head(CELLS_ON_MAP)
    middle = math.cos(math.radians(sites["latitude"].mean()))
    sites = sites.with_columns(
        x=(pl.col("longitude") - sites["longitude"].mean()) * 111.32 * middle,
        y=(pl.col("latitude") - sites["latitude"].mean()) * 110.57,
    )
    # Cells of one site stand side by side, each where it looks to.
    extent = max(sites["x"].max() - sites["x"].min(), sites["y"].max() - sites["y"].min(), 0.1)
    angle = pl.col("azimuth").radians()
    sites = sites.with_columns(
        x=pl.col("x") + (angle.sin() * 0.025 * extent).fill_null(0),
        y=pl.col("y") + (angle.cos() * 0.025 * extent).fill_null(0),
    )
    made = _theme.figure(theme, title="Cells and what they lost", x="km to the east",
                         y="km to the north", height=420)  # fmt: skip
    facing = results.table("neighbors").filter(pl.col("cell").eq_missing(pl.lit(cell, pl.String)))
    places = {row["cell_id"]: (row["x"], row["y"]) for row in sites.iter_rows(named=True)}
    lines = [
        point
        for name in facing["neighbor_cell"].unique().to_list()
        if name in places and cell in places
        for point in (places[cell], places[name], (None, None))
    ]
    if lines:
        made.add_trace(go.Scatter(x=[p[0] for p in lines], y=[p[1] for p in lines], mode="lines",
                                  name="cells that face it", hoverinfo="skip",
                                  line={"color": _theme.GREEN, "width": 1.5}))  # fmt: skip
    lost = sites["lost"].fill_null(0).clip(0)
    size = 6 + 18 * (lost / (lost.max() or 1)).sqrt()
    names = [safe(name) for name in sites["cell_id"].to_list()]
    made.add_trace(go.Scatter(
        x=sites["x"].to_list(), y=sites["y"].to_list(), mode="markers", name="cells",
        text=names, customdata=sites["n_events"].to_list(), showlegend=False,
        hovertemplate="%{text}: %{customdata} events<extra></extra>",
        marker={"size": size.to_list(), "color": sites["n_events"].to_list(),
                "colorscale": "Cividis", "colorbar": {"title": {"text": "events"}}},
    ))  # fmt: skip
    if cell in places:
        made.add_trace(go.Scatter(x=[places[cell][0]], y=[places[cell][1]], mode="markers",
                                  name=safe(cell), hoverinfo="skip",
                                  marker={"size": 20, "color": "rgba(0,0,0,0)",
                                          "line": {"width": 3, "color": _theme.RED}}))  # fmt: skip
    made.update_yaxes(scaleanchor="x", scaleratio=1)
    return made


def _label(results, kpi):
    """The KPI with its unit, from its name or from the manifest."""
    return unit_label(kpi) if unit_of(kpi) else unit_label(kpi, results.unit(kpi))


def _events(results):
    """Classified events where they are, else those of the score."""
    name = "classified_events" if results.has("classified_events") else "events"
    return results.table(name)


def _rows(results, cell, kpi):
    import polars as pl

    def read():
        chosen = (pl.col("cell") == cell) & (pl.col("kpi") == kpi)
        rows = results.scan("series").filter(chosen).select(DRAWN)
        return rows.sort("time", maintain_order=True).collect()

    rows = results.keep(("series", cell, kpi), read)
    if not rows.height:
        raise ValueError(f"{results.folder} has no series of cell {cell!r} and KPI {kpi!r}")
    return rows


def _threshold(results):
    value = results.manifest.get("parameters", {}).get("threshold")
    return value if isinstance(value, int | float) else 6.0


def _time(value):
    """A time as Plotly writes it, or as Python has it."""
    from datetime import datetime

    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value.strip()).replace(tzinfo=None)
    except ValueError:
        raise ValueError(f"{value!r} is not a time such as 2026-01-31 14:00") from None


def _list(array):
    """Values for Plotly, with None where one is missing, so that the line breaks."""
    return [None if v != v else v for v in array.tolist()]


def _shade_events(made, results, cell, kpi):
    import polars as pl

    events = _events(results)
    chosen = events.filter((pl.col("cell") == cell) & (pl.col("kpi") == kpi)).head(50)
    for event in chosen.iter_rows(named=True):
        made.add_vrect(x0=event["start"], x1=event["end"], fillcolor=_theme.ORANGE, opacity=0.18,
                       line_width=0, layer="below")  # fmt: skip


def _limit(made, value, baseline, width):
    """Room for the values; the band may leave the picture, as early bands can be very wide."""
    import numpy as np

    shown = value[np.isfinite(value)]
    if not shown.size:
        return
    bottom, top = float(shown.min()), float(shown.max())
    wide = (top - bottom) or abs(top) or 1.0
    low, high = baseline - width, baseline + width
    low, high = low[np.isfinite(low)], high[np.isfinite(high)]
    if low.size:
        bottom = min(bottom, max(float(np.quantile(low, 0.02)), bottom - 0.3 * wide))
        top = max(top, min(float(np.quantile(high, 0.98)), top + 0.3 * wide))
    made.update_yaxes(range=[bottom - 0.05 * wide, top + 0.05 * wide])
