"""The call page: rhythm, durations, kinds of anomalies, suspicious callers, truth and detection.

Each function takes results and gives a Plotly figure, rows of a table or tiles; all of them on the
tables of :func:`linewatch.cdr.study`, as ``linewatch demo`` writes them:

>>> import tempfile
>>> import linewatch as lw
>>> from linewatch import _results
>>> from linewatch.dashboards import calls
>>> path = tempfile.mkdtemp() + "/calls"
>>> data = lw.cdr.generate(300, 2, seed=2, scenarios={"wangiri": {"rings": 50}})
>>> made = {"kind": "calls", "tables": lw.cdr.study(data), "parameters": {"source": "made up"}}
>>> written = _results.write(path, **made)
>>> results = lw.dashboards.open_results(path)["calls"]
>>> len(calls.tiles(results)) > 0, len(calls.scenario_rows(results).columns) > 0
(True, True)
>>> figures = [calls.by_hour(results), calls.kinds(results), calls.durations(results)]
>>> figures += [calls.network(results), calls.recall(results)]
>>> {type(figure).__name__ for figure in figures}
{'Figure'}
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from linewatch.dashboards import _theme
from linewatch.dashboards._blocks import Rows, Tile
from linewatch.dashboards._theme import number, safe

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from linewatch._typing import Theme
    from linewatch.dashboards._source import Results


__all__ = ["by_hour", "durations", "kinds", "network", "recall", "scenario_rows", "tiles"]

CALLERS_DRAWN = 25


def tiles(results: Results) -> list[Tile]:
    """Calls, users, anomalous calls, and how well they were found.

    Parameters
    ----------
    results : Results

    Returns
    -------
    list of Tile
    """
    hours = results.table("calls_by_hour")
    n, bad = hours["n_calls"].sum(), hours["n_anomalous"].sum()
    made = [
        Tile("calls", number(n), f"{hours['time'].dt.date().n_unique()} days"),
        Tile("anomalous", number(bad), f"{bad / n:.2%} of the calls" if n else ""),
    ]
    detection = results.table("detection")
    if detection.height:
        every = detection.row(-1, named=True)
        made.append(Tile("AUROC", number(every["auroc"], 3), "0.5 is chance, 1 is perfect"))
        made.append(Tile("found", f"{every['recall']:.0%}", "of the anomalous calls, where as many "
                         "are flagged as there are"))  # fmt: skip
    return made


def scenario_rows(results: Results, *, most: int = 200) -> Rows:
    """Each kind of anomaly: what was planted and what was found.

    Parameters
    ----------
    results : Results
    most : int, default=200
        Rows listed.

    Returns
    -------
    Rows
    """
    table = results.table("detection")
    rows = [
        [
            row["scenario"].replace("_", " "),
            number(row["n_planted"]),
            number(row["auroc"], 3),
            number(row["precision"], 2),
            number(row["recall"], 2),
            row["reasons"] or "",
        ]
        for row in table.head(most).iter_rows(named=True)
    ]
    columns = ["kind", "planted", "AUROC", "precision", "recall", "what stands out"]
    return Rows("Truth and detection", columns, rows, [], table.height, frozenset({1, 2, 3, 4}))


def by_hour(results: Results, *, theme: Theme = "light") -> go.Figure:
    """Calls in each hour, and the anomalous ones among them.

    Parameters
    ----------
    results : Results
    theme : {"light", "dark"}

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    hours = results.table("calls_by_hour").sort("time")
    x = hours["time"].to_list()
    made = _theme.figure(theme, title="Calls an hour", x=f"time ({results.time_zone})", y="calls")
    made.add_trace(go.Scatter(x=x, y=hours["n_calls"].to_list(), mode="lines", name="calls",
                              line={"color": _theme.BLUE, "width": 1.3}))  # fmt: skip
    made.add_trace(go.Bar(x=x, y=hours["n_anomalous"].to_list(), name="anomalous (right axis)",
                          marker={"color": _theme.RED}, yaxis="y2"))  # fmt: skip
    made.update_layout(**_theme.right_axis("anomalous calls"))
    made.update_layout(yaxis_rangemode="tozero")
    return made


def kinds(results: Results, *, theme: Theme = "light") -> go.Figure:
    """Calls of each kind of anomaly.

    Parameters
    ----------
    results : Results
    theme : {"light", "dark"}

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    table = results.table("call_kinds").sort("n_calls")
    names = [safe(name.replace("_", " ")) for name in table["kind"].to_list()]
    made = _theme.figure(theme, title="Kinds of anomalies", x="calls",
                         height=120 + 24 * len(names))  # fmt: skip
    made.add_trace(go.Bar(x=table["n_calls"].to_list(), y=names, orientation="h",
                          marker={"color": _theme.ORANGE}, texttemplate="%{x:,}",
                          hovertemplate="%{y}: %{x:,} calls<extra></extra>"))  # fmt: skip
    return made


def durations(results: Results, *, theme: Theme = "light") -> go.Figure:
    """How long calls last: the usual ones and the anomalous ones, as shares.

    Parameters
    ----------
    results : Results
    theme : {"light", "dark"}

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    table = results.table("call_durations").sort("from_s")
    x = [f"{_span(row['from_s'])} to {_span(row['to_s'])}" if row["to_s"] is not None
         else f"over {_span(row['from_s'])}" for row in table.iter_rows(named=True)]  # fmt: skip
    made = _theme.figure(theme, title="Durations", x="duration", y="share of the calls (%)")
    for name, column, color in (
        ("usual", "n_usual", _theme.BLUE),
        ("anomalous", "n_anomalous", _theme.RED),
    ):
        total = table[column].sum()
        if total:
            made.add_trace(go.Bar(x=x, y=(table[column] / total * 100).round(3).to_list(),
                                  name=name, marker={"color": color},
                                  customdata=table[column].to_list(),
                                  hovertemplate="%{y:.2f} % (%{customdata:,})"))  # fmt: skip
    return made


def network(results: Results, *, theme: Theme = "light") -> go.Figure:
    """Whom the most suspicious callers call.

    Callers stand on the inner ring, whom they call on the outer one.

    Parameters
    ----------
    results : Results
    theme : {"light", "dark"}

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go
    import polars as pl

    edges = results.table("callers")
    title = "The most suspicious callers and whom they call"
    if not edges.height:
        return _theme.empty(theme, title, "no caller stands out")
    callers = edges.unique("caller", maintain_order=True).head(CALLERS_DRAWN)
    edges = edges.filter(pl.col("caller").is_in(callers["caller"].implode()))
    inner = callers["caller"].to_list()
    place = {name: _on_ring(k, len(inner), 1.0) for k, name in enumerate(inner)}
    # Those called lie near the caller who calls them most.
    called = edges.sort("caller", "n_calls", descending=[False, True])
    called = called.unique("callee", keep="first", maintain_order=True)
    called = called.filter(~pl.col("callee").is_in(pl.Series(inner).implode()))
    order = {name: k for k, name in enumerate(inner)}
    called = called.sort(pl.col("caller").replace_strict(order, return_dtype=pl.Int64))
    for k, name in enumerate(called["callee"].to_list()):
        place[name] = _on_ring(k, called.height, 2.0)
    made = _theme.figure(theme, title=title, height=520)
    line = [
        point
        for row in edges.iter_rows(named=True)
        for point in (place[row["caller"]], place[row["callee"]], (None, None))
    ]
    made.add_trace(go.Scatter(x=[p[0] for p in line], y=[p[1] for p in line], mode="lines",
                              line={"color": _theme.GREY, "width": 0.7}, hoverinfo="skip",
                              showlegend=False))  # fmt: skip
    for name, table, column, color, size in (
        ("suspicious caller", callers, "caller", _theme.RED, 12),
        ("called", called, "callee", _theme.SKY, 6),
    ):
        names = table[column].to_list()
        text = [safe(name) for name in names]
        if column == "caller":
            text = [f"{t}, score {number(s, 3)}" + (f", {safe(k)}" if k else "")
                    for t, s, k in zip(text, table["score"], table["kind"])]  # fmt: skip
        made.add_trace(go.Scatter(x=[place[n][0] for n in names], y=[place[n][1] for n in names],
                                  mode="markers", name=name, text=text,
                                  hovertemplate="%{text}<extra></extra>",
                                  marker={"size": size, "color": color}))  # fmt: skip
    made.update_xaxes(visible=False)
    made.update_yaxes(visible=False, scaleanchor="x", scaleratio=1)
    return made


def recall(results: Results, *, theme: Theme = "light") -> go.Figure:
    """What part of each kind of anomaly was found.

    Parameters
    ----------
    results : Results
    theme : {"light", "dark"}

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    table = results.table("detection")
    if not table.height:
        return _theme.empty(theme, "Found", "no detector was run")
    names = [safe(name.replace("_", " ")) for name in table["scenario"].to_list()]
    made = _theme.figure(theme, title="What was found of each kind", y="share", x="",
                         yaxis_range=[0, 1.02])  # fmt: skip
    for name, column, color in (
        ("AUROC (0.5 is chance)", "auroc", _theme.BLUE),
        ("recall", "recall", _theme.GREEN),
    ):
        made.add_trace(go.Bar(x=names, y=table[column].round(4).to_list(), name=name,
                              marker={"color": color}))  # fmt: skip
    return made


WHOLE = (
    ("by_hour", by_hour),
    ("kinds", kinds),
    ("durations", durations),
    ("recall", recall),
    ("network", network),
)


def _on_ring(k, n, radius):
    angle = 2 * math.pi * k / max(n, 1)
    return round(radius * math.cos(angle), 4), round(radius * math.sin(angle), 4)


def _span(seconds):
    if seconds < 60:
        return f"{seconds:g} s"
    return f"{seconds / 60:g} min" if seconds < 3600 else f"{seconds / 3600:g} h"
