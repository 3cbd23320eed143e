"""Calls scored by a detector, as the tables of a results folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from linewatch.cdr.benchmark import _calls, _figures, _reasons, _scores, _shares

if TYPE_CHECKING:
    from typing import Any

    import polars as pl

    from linewatch.cdr.dataset import Dataset


DURATIONS_S = (0, 5, 30, 60, 180, 600, 3600, 7200)
REASONS = 3
CALLERS = 25
# Rows of the table of scores beyond the anomalies: enough for a histogram.
SCORES_KEPT = 50_000


def study(data: Dataset, detector: Any = None, *, seed: int = 0) -> dict[str, pl.DataFrame]:
    """Score the calls of a generated data set and compare with what was planted.

    Parameters
    ----------
    data : Dataset
        As `generate` gives it.
    detector : object, optional
        As `benchmark` takes it; an isolation forest by default.
    seed : int, default=0
        Of that forest.

    Returns
    -------
    dict of str to polars.DataFrame
        ``calls_by_hour, call_kinds, call_durations, callers, detection, scores`` and
        ``score_reasons``, as the page of the results folder describes them. As many calls are
        flagged as were planted. Of more than 50,000 calls the table of scores keeps every planted
        one and the flagged ones, and of the others evenly spread ones.

    Examples
    --------
    >>> from linewatch import cdr
    >>> tables = cdr.study(cdr.generate(users=200, days=2))
    >>> tables["detection"]["scenario"].to_list()[-1]
    'all'
    """
    import polars as pl

    from linewatch.iforest import IsolationForest

    calls = data.calls().collect()
    X, labels = _calls(data, calls)
    names = X.columns
    matrix = X.to_numpy()
    if detector is None:
        detector = IsolationForest(random_state=seed)
    strange = -_scores(detector, matrix, "call")
    planted = (labels != "normal") & np.array([label is not None for label in labels])
    flagged = np.zeros(len(labels), dtype=bool)
    flagged[np.argsort(-strange, kind="stable")[: planted.sum()]] = True
    shares = _shares(detector, matrix, labels)
    calls = calls.with_columns(
        label=pl.Series(labels, dtype=pl.String), strange=pl.Series(strange),
        planted=pl.Series(planted), flagged=pl.Series(flagged),
    )  # fmt: skip
    tables = {
        "calls_by_hour": _by_hour(calls),
        "call_kinds": calls.filter("planted")
        .group_by(kind="label").agg(n_calls=pl.len().cast(pl.Int64)).sort("n_calls", "kind"),
        "call_durations": _durations(calls),
        "callers": _callers(calls),
        "detection": _detection(strange, labels, shares, names),
    }  # fmt: skip
    return tables | _rows(calls, matrix, shares, names)


def _by_hour(calls):
    import polars as pl

    hour = pl.col("call_start_ts").dt.truncate("1h").dt.replace_time_zone(None)
    counts = calls.group_by(time=hour).agg(
        n_calls=pl.len().cast(pl.Int64), n_anomalous=pl.col("planted").sum().cast(pl.Int64)
    )
    return counts.sort("time")


def _durations(calls):
    import polars as pl

    edges = np.array(DURATIONS_S, dtype=float)
    place = np.searchsorted(edges, calls["call_duration"].to_numpy(), side="right") - 1
    bad = calls["planted"].to_numpy()
    return pl.DataFrame({
        "from_s": edges,
        "to_s": [*edges[1:].tolist(), None],
        "n_usual": np.bincount(place[~bad], minlength=len(edges)),
        "n_anomalous": np.bincount(place[bad], minlength=len(edges)),
    })  # fmt: skip


def _callers(calls):
    """The callers whose calls score highest, with whom they call; more than a few calls each."""
    import polars as pl

    callers = calls.group_by("caller_id").agg(
        score=pl.col("strange").mean(), n=pl.len(),
        kind=pl.col("label").filter("planted").drop_nulls().mode().sort().first(),
        part=pl.col("planted").mean(),
    )  # fmt: skip
    callers = callers.filter(pl.col("n") >= 5).sort("score", "caller_id", descending=[True, False])
    # A kind is the caller's own only where it makes a good part of its calls.
    kind = pl.when(pl.col("part") > 0.2).then("kind").otherwise(None).fill_null("")
    callers = callers.head(CALLERS).with_columns(kind=kind)
    edges = calls.join(callers, on="caller_id").group_by("caller_id", "callee_id").agg(
        n_calls=pl.len().cast(pl.Int64), score=pl.col("score").first(), kind=pl.col("kind").first()
    )  # fmt: skip
    edges = edges.sort(
        "score", "caller_id", "n_calls", "callee_id", descending=[True, False, True, False]
    )
    return edges.select(
        caller=pl.col("caller_id").cast(pl.String), callee=pl.col("callee_id").cast(pl.String),
        n_calls="n_calls", score="score", kind="kind",
    )  # fmt: skip


def _detection(strange, labels, shares, names):
    import polars as pl

    rows = [
        (*found[:-1], None if shares is None else _reasons(shares, found[-1], names))
        for found in _figures(strange, labels)
    ]
    columns = ["scenario", "n_planted", "auroc", "average_precision", "precision", "recall"]
    return pl.DataFrame(rows, schema=[*columns, "reasons"], orient="row").cast(
        {"n_planted": pl.Int64, "reasons": pl.String}
    )


def _number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _rows(calls, matrix, shares, names):
    import polars as pl

    table = calls.with_row_index("row").select(
        pl.col("row").cast(pl.Int64),
        name=pl.format("{}, {}", "call_id", pl.col("call_start_ts").dt.strftime("%F %H:%M")),
        score="strange", is_anomaly="flagged",
        label=pl.when(pl.col("label").is_null()).then(None).otherwise("planted"),
    )  # fmt: skip
    usual = ~pl.col("is_anomaly") & ~pl.col("label").fill_null(True)
    rest = table.filter(usual)
    step = max(1, rest.height // SCORES_KEPT)
    table = pl.concat([table.filter(~usual), rest.gather_every(step)]).sort("row")
    reasons = {"row": [], "rank": [], "reason": [], "contribution": []}
    if shares is not None:
        top = table.filter("is_anomaly").sort("score", descending=True).head(500)["row"].to_list()
        for row in top:
            for rank, k in enumerate(np.argsort(-shares[row], kind="stable")[:REASONS], 1):
                reasons["row"].append(row)
                reasons["rank"].append(rank)
                reasons["reason"].append(f"{names[k]} {_number(matrix[row, k])}")
                reasons["contribution"].append(float(shares[row, k]))
    schema = {"row": pl.Int64, "rank": pl.Int64, "reason": pl.String, "contribution": pl.Float64}
    return {"scores": table, "score_reasons": pl.DataFrame(reasons, schema=schema)}
