"""Sources that behave unlike the others in some stretch of time, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np

from linewatch.flow._columns import (
    check_count,
    group,
    keys,
    table,
    to_polars,
    total_bytes,
)
from linewatch.flow._columns import names as columns_of
from linewatch.flow._peaks import cut

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import polars as pl

    from linewatch._typing import AnyTable, MatrixT


#: What the forest looks at, in a source's stretch of time.
LOOKED_AT = ("flows", "total_bytes", "packets", "ports", "peers", "delivery_ratio")

# Small samples take every busy customer for an anomaly; in large ones the busy have company.
MAX_SAMPLES = 4096
# Reasons take four times as long as scores: anomalies have them, and the first of the others.
LEAST_TOLD = 100


@overload
def anomalies(
    flows: pl.LazyFrame,
    every: str = ...,
    *,
    by: str | Sequence[str] = ...,
    threshold: float = ...,
    top: int = ...,
    seed: int = ...,
    n_jobs: int | None = ...,
) -> pl.DataFrame: ...
@overload
def anomalies(
    flows: MatrixT,
    every: str = ...,
    *,
    by: str | Sequence[str] = ...,
    threshold: float = ...,
    top: int = ...,
    seed: int = ...,
    n_jobs: int | None = ...,
) -> MatrixT: ...
@overload
def anomalies(
    flows: AnyTable,
    every: str = ...,
    *,
    by: str | Sequence[str] = ...,
    threshold: float = ...,
    top: int = ...,
    seed: int = ...,
    n_jobs: int | None = ...,
) -> Any: ...
def anomalies(flows, every="10m", *, by="sa", threshold=0.7, top=3, seed=0, n_jobs=None):
    """Score what each source did in each stretch of time with an isolation forest, with reasons.

    Parameters
    ----------
    flows : frame of pandas, Polars (eager or lazy), pyarrow, DuckDB or PySpark
        With ``ts da dp ibyt`` and the key; ``obyt``, ``ipkt`` and ``opkt`` serve where they are
        there. The sums are computed on the engine of the frame.
    every : str, default="10m"
        Length of a stretch, as for `by_time`.
    by : str or sequence of str, default="sa"
        Columns that make a source.
    threshold : float, default=0.7
        A stretch that scores this or more is an anomaly, above 0 and up to 1. Scores go from 0 to
        1; 0.5 is ordinary.
    top : int, default=3
        Reasons for each anomaly.
    seed : int, default=0
        Of the forest; the same seed gives the same scores.
    n_jobs : int, optional
        Threads, as in scikit-learn; all cores by default.

    Returns
    -------
    polars.DataFrame, or a pandas or pyarrow frame where `flows` is one
        A row for each source and stretch, the most unusual first: the key, ``time`` (its
        beginning), ``flows``, ``total_bytes``, ``packets``, ``ports`` (distinct destination
        ports), ``peers`` (distinct destinations), ``delivery_ratio`` (bytes in over bytes out,
        each plus one), ``score`` (higher is more anomalous, unlike `score_samples`),
        ``is_anomaly`` and ``reason_1`` ... (null but for anomalies and the hundred highest
        scores). What the layout cannot give is left out.

    Raises
    ------
    ValueError
        If a column is missing, there are no flows, or `threshold` is none.

    Notes
    -----
    A forest of 100 trees on up to 4,096 stretches each, with the pooled splits of
    `linewatch.IsolationForest` [2]_: with the usual 256 stretches and plain splits, busy customers
    are as alone as a scanner. It sees logarithms, as one source may send a million times
    what another does; reasons show the values. Each source is drawn with the same chance, however
    long it was active.

    References
    ----------
    .. [1] Liu, F. T., Ting, K. M., Zhou, Z.-H. (2008). Isolation forest. ICDM 2008.
    .. [2] Liu, F. T., Ting, K. M., Zhou, Z.-H. (2010). On detecting clustered anomalies using
       SCiForest. ECML PKDD 2010.

    Examples
    --------
    >>> from linewatch import flow
    >>> flows = flow.simulate(n_flows=5_000, anomalies=["port_scan"], seed=1)
    >>> found = flow.anomalies(flows)
    >>> found.select("ports", "peers", "is_anomaly", "reason_1").row(0)
    (385, 1, True, 'ports = 385')
    """
    import polars as pl

    from linewatch import IsolationForest, _features

    by = keys(by)
    check_score("threshold", threshold)
    top = check_count("top", top)
    frame = table(flows, ["ts", *by, "da", "dp", "ibyt"], "anomalies")
    found = to_polars(windows(frame, every, by)).sort(*by, "time")
    if not found.height:
        raise ValueError("flows has no rows with a time and a source")
    looked_at = [name for name in LOOKED_AT if name in found.columns]
    raw = found.select(looked_at).to_numpy().astype(np.float64)
    logs = np.log(raw + (np.array(looked_at) != "delivery_ratio"))
    weight = found.select((1 / pl.len().over(by)).alias("weight"))["weight"].to_numpy()
    forest = IsolationForest(
        n_estimators=100,
        max_samples=min(MAX_SAMPLES, found.height),
        preset="pooled",
        random_state=seed,
        n_jobs=n_jobs,
    )
    forest.fit(logs, sample_weight=weight)
    scores = -np.asarray(forest.score_samples(logs))

    ranking = np.argsort(-scores, kind="stable")
    told = ranking[: max(int((scores >= threshold).sum()), LEAST_TOLD)]

    def texts(rows, columns):
        cells = zip(columns, raw[told[rows], columns], strict=True)
        return [f"{looked_at[c]} = {_features.number_text(value)}" for c, value in cells]

    reasons = _features.top_reasons(-np.asarray(forest.explain(logs[told])), texts, top)
    named = {}
    for k in range(reasons.shape[1]):
        column = np.full(len(scores), None, dtype=object)
        column[told] = [text or None for text in reasons[:, k]]
        named[f"reason_{k + 1}"] = pl.Series(column.tolist(), dtype=pl.String)
    scored = found.with_columns(score=scores, is_anomaly=scores >= threshold, **named)
    order = ["score", *by, "time"]
    return _as(scored.sort(order, descending=[True] + [False] * (len(order) - 1)), frame, flows)


def check_score(name, threshold):
    """A score from which on a stretch is an anomaly; above 1 there is none."""
    if isinstance(threshold, bool) or not isinstance(threshold, int | float):
        raise TypeError(f"{name} must be a number, got {threshold!r}")
    if not 0 < threshold <= 1:
        raise ValueError(f"{name} must be above 0 and up to 1, got {threshold!r}")


def windows(frame, every, by):
    """What each source did in each stretch of time; narwhals frames, in no order."""
    import narwhals.stable.v2 as nw

    present = columns_of(frame)
    time = cut(frame, every)
    sums = {"total_bytes": total_bytes(present)}
    if "ipkt" in present:
        packets = nw.col("ipkt").cast(nw.Int64)
        sums["packets"] = packets + nw.col("opkt").cast(nw.Int64) if "opkt" in present else packets
    if "obyt" in present:
        sums |= {"_in": nw.col("ibyt"), "_out": nw.col("obyt")}
    found = group(frame, [*by, "time"], sums, {"ports": "dp", "peers": "da"}, time=time)
    if "obyt" not in present:
        return found
    ratio = (nw.col("_in") + 1).cast(nw.Float64) / (nw.col("_out") + 1).cast(nw.Float64)
    return found.with_columns(delivery_ratio=ratio).drop("_in", "_out")


def _as(polars, frame, flows):
    """A small answer as the caller's kind, if that kind holds data; else Polars."""
    import narwhals.stable.v2 as nw

    from linewatch import _frames
    from linewatch._libraries import is_narwhals

    if isinstance(frame, nw.LazyFrame):
        answer = polars
    else:
        answer = _frames.like(frame, polars)
    return nw.from_native(answer) if is_narwhals(flows) else answer
