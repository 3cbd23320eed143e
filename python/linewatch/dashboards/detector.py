"""The detector page: the scores, what a threshold costs, the top anomalies with their reasons.

Each function takes results and gives a Plotly figure, rows of a table or tiles; all of them on a
folder that ``linewatch flows`` wrote:

>>> import contextlib, io, tempfile
>>> import linewatch as lw
>>> from linewatch.dashboards import detector
>>> path = tempfile.mkdtemp() + "/flows"
>>> lw.flow.write_nfdump(lw.flow.simulate(500, "1h", n_customers=20, seed=1), path + ".csv")
>>> with contextlib.redirect_stdout(io.StringIO()):
...     code = lw.cli.main(["flows", path + ".csv", "--out", path, "--no-picture"])
>>> results = lw.dashboards.open_results(path)["flows"]
>>> len(detector.tiles(results)) > 0, len(detector.anomaly_rows(results).columns) > 0
(True, True)
>>> type(detector.histogram(results)).__name__, type(detector.threshold_curves(results)).__name__
('Figure', 'Figure')
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linewatch.dashboards import _theme
from linewatch.dashboards._blocks import Rows, Tile
from linewatch.dashboards._theme import number

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from linewatch._typing import Theme
    from linewatch.dashboards._source import Results


__all__ = ["anomaly_rows", "histogram", "threshold_curves", "tiles"]

BINS = 80
STEPS = 60


def tiles(results: Results) -> list[Tile]:
    """Rows, anomalies, the threshold and, with labels, how it does.

    Parameters
    ----------
    results : Results

    Returns
    -------
    list of Tile
    """
    scores = results.table("scores")
    flagged = int(scores["is_anomaly"].sum())
    made = [
        Tile("rows", number(scores.height)),
        Tile("anomalies", number(flagged), f"{flagged / scores.height:.2%} of the rows"),
    ]
    curve = _curve(scores)
    if curve is not None:
        at = _nearest(curve, _threshold(scores))
        made += [
            Tile("precision", f"{curve['precision'][at]:.2f}", "at the threshold"),
            Tile("recall", f"{curve['recall'][at]:.2f}", "at the threshold"),
            Tile("false alarms", f"{curve['false_alarms'][at]:.2%}", "of the normal rows"),
        ]
    return made


def anomaly_rows(results: Results, *, most: int = 200) -> Rows:
    """The rows with the highest scores, and why.

    Parameters
    ----------
    results : Results
    most : int, default=200
        Rows listed.

    Returns
    -------
    Rows
    """
    import polars as pl

    scores = results.table("scores").sort("score", descending=True)
    reasons = (
        results.table("score_reasons")
        .sort("row", "rank")
        .group_by("row", maintain_order=True)
        .agg(pl.col("reason").str.join("; "))
    )
    top = scores.head(most)
    if reasons.height:
        top = top.join(reasons, on="row", how="left", maintain_order="left")
    labelled = scores["label"].count() > 0
    label = {True: "anomaly", False: "normal", None: ""}
    rows = [
        [
            row["name"] or f"row {row['row']:,}",
            number(row["score"], 4),
            "yes" if row["is_anomaly"] else "no",
            *([label[row["label"]]] if labelled else []),
            row.get("reason") or "",
        ]
        for row in top.iter_rows(named=True)
    ]
    columns = ["what", "score", "anomaly", *(["label"] if labelled else []), "reasons"]
    return Rows("Highest scores", columns, rows, [], scores.height, frozenset({1}))


def histogram(
    results: Results, *, threshold: float | None = None, theme: Theme = "light"
) -> go.Figure:
    """How the scores are spread, with the threshold; by label where there are labels.

    The slider below moves the threshold; what it costs is written above.

    Parameters
    ----------
    results : Results
    threshold : float, optional
        Where the slider begins; where the detector has it by default.
    theme : {"light", "dark"}

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import numpy as np
    import plotly.graph_objects as go
    import polars as pl

    scores = results.table("scores")
    values = scores["score"].to_numpy()
    edges = np.histogram_bin_edges(values[np.isfinite(values)], bins=BINS)
    middles = ((edges[:-1] + edges[1:]) / 2).tolist()
    made = _theme.figure(theme, title="Scores", x="score (higher = more anomalous)", y="rows",
                         height=460, barmode="overlay")  # fmt: skip
    labelled = scores["label"].count() > 0
    parts = (
        [("normal", pl.col("label").eq(False), _theme.BLUE),
         ("anomaly", pl.col("label").eq(True), _theme.RED)]
        if labelled else [("rows", pl.lit(True), _theme.BLUE)]
    )  # fmt: skip
    for name, which, color in parts:
        counts, _ = np.histogram(scores.filter(which)["score"].to_numpy(), bins=edges)
        bars = {"marker": {"color": color}, "opacity": 0.6, "width": float(edges[1] - edges[0])}
        made.add_trace(go.Bar(x=middles, y=counts.tolist(), name=name, **bars))
    made.update_yaxes(type="log", title_text="rows (logarithmic)")
    start = _threshold(scores) if threshold is None else threshold
    curve = _curve(scores) or _shares(scores)
    steps = [
        {
            "label": number(float(at), 3),
            "method": "relayout",
            "args": [{"shapes": [_line(float(at))],
                      "annotations": [_words(curve, k, float(at))]}],
        }
        for k, at in enumerate(curve["threshold"])
    ]  # fmt: skip
    active = _nearest(curve, start)
    made.update_layout(
        shapes=[_line(float(curve["threshold"][active]))],
        annotations=[_words(curve, active, float(curve["threshold"][active]))],
        sliders=[{"active": active, "steps": steps, "pad": {"t": 46},
                  "currentvalue": {"prefix": "threshold: "}}],
        margin={"l": 60, "r": 20, "t": 84, "b": 48},
        title={"y": 0.98, "yanchor": "top"},
    )  # fmt: skip
    return made


def threshold_curves(results: Results, *, theme: Theme = "light") -> go.Figure:
    """Precision, recall and false alarms at each threshold.

    Parameters
    ----------
    results : Results
    theme : {"light", "dark"}

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    scores = results.table("scores")
    curve = _curve(scores)
    title = "What a threshold costs"
    if curve is None:
        return _theme.empty(theme, title, "the rows have no labels to compare with")
    made = _theme.figure(theme, title=title, x="threshold", y="share", yaxis_range=[0, 1.02])
    for name, color, dash in (
        ("precision", _theme.BLUE, "solid"),
        ("recall", _theme.GREEN, "dash"),
        ("false_alarms", _theme.RED, "dot"),
    ):
        made.add_trace(go.Scatter(x=curve["threshold"].tolist(), y=curve[name].round(5).tolist(),
                                  name=name.replace("_", " "), mode="lines",
                                  line={"color": color, "dash": dash}))  # fmt: skip
    made.add_vline(x=float(_threshold(scores)), line={"color": _theme.GREY, "dash": "dash"})
    return made


WHOLE = (("histogram", histogram), ("threshold_curves", threshold_curves))


def _threshold(scores):
    """The lowest score that is an anomaly, or just above all."""
    flagged = scores.filter("is_anomaly")["score"]
    return flagged.min() if len(flagged) else scores["score"].max()


def _grid(scores):
    """Thresholds to look at: every so many of the highest rows, and the detector's own."""
    import numpy as np

    values = np.sort(scores["score"].to_numpy())[::-1]
    ranks = np.unique(np.geomspace(1, len(values), STEPS).astype(int)) - 1
    return np.unique(np.append(values[ranks], _threshold(scores)))


def _curve(scores):
    """Thresholds with precision, recall and false alarms; None without labels of both kinds."""
    import numpy as np

    known = scores.drop_nulls("label")
    label, value = known["label"].to_numpy(), known["score"].to_numpy()
    if not label.any() or label.all():
        return None
    at = _grid(scores)
    bad, good = np.sort(value[label]), np.sort(value[~label])
    hits = len(bad) - np.searchsorted(bad, at)
    alarms = len(good) - np.searchsorted(good, at)
    flagged = hits + alarms
    return {
        "threshold": at,
        "flagged": flagged,
        "precision": np.divide(hits, flagged, out=np.ones(len(at)), where=flagged > 0),
        "recall": hits / len(bad),
        "false_alarms": alarms / len(good),
    }


def _shares(scores):
    import numpy as np

    at, values = _grid(scores), np.sort(scores["score"].to_numpy())
    return {"threshold": at, "flagged": len(values) - np.searchsorted(values, at)}


def _nearest(curve, at):
    import numpy as np

    return int(np.argmin(np.abs(curve["threshold"] - at)))


def _line(at):
    return {"type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "yref": "paper",
            "line": {"color": _theme.GREY, "dash": "dash", "width": 2}}  # fmt: skip


def _words(curve, k, at):
    text = f"{int(curve['flagged'][k]):,} rows at {number(at, 4)} or above"
    if "precision" in curve:
        text += (f": precision {curve['precision'][k]:.2f}, recall {curve['recall'][k]:.2f}, "
                 f"false alarms {curve['false_alarms'][k]:.2%}")  # fmt: skip
    return {"text": text, "showarrow": False, "x": 0, "y": 1.01, "xref": "paper", "yref": "paper",
            "xanchor": "left", "yanchor": "bottom"}  # fmt: skip
