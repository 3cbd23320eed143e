"""Rules that look at all cells or all rows at once: peers, and the isolation forest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from linewatch import rolling
from linewatch._frames import eager
from linewatch.kpi import _long
from linewatch.kpi._baseline import MAD_TO_STD

if TYPE_CHECKING:
    from linewatch._typing import AnyFrame, Float64


FEATURES = ("z", "mean_6", "mean_24", "std_24", "min_24", "max_24")
# Distances beyond this many scales are all the same to a forest.
FAR = 50.0


def peers(cells, value, z, parameters):
    """z of each row beyond the median z of its peers at the same time, in their deviations.

    Peers are cells with a like profile over the week; a row with too few of them has no answer.
    """
    import polars as pl

    cluster = _clusters(cells, value, parameters["n_clusters"])[cells.code]
    finite = np.where(np.isfinite(z), z, np.nan)
    table = pl.DataFrame({"cluster": cluster, "time": cells.instant_ns, "z": finite})
    table = table.with_columns(pl.col("z").fill_nan(None))
    over = {"partition_by": ["cluster", "time"]}
    table = table.with_columns(
        center=pl.col("z").median().over(**over), n=pl.col("z").count().over(**over)
    )
    table = table.with_columns(
        spread=(pl.col("z") - pl.col("center")).abs().median().over(**over) * MAD_TO_STD
    )
    spread = np.maximum(table["spread"].fill_null(np.nan).to_numpy(), parameters["floor"])
    level = (z - table["center"].fill_null(np.nan).to_numpy()) / spread
    return np.where(table["n"].to_numpy() > parameters["min_peers"], level, np.nan)


def _clusters(cells, value, n_clusters):
    """Cluster of each cell by its mean hours of the week over its own mean."""
    from sklearn.cluster import KMeans

    n = int(cells.code[-1]) + 1
    slot = (cells.time_ns // 3_600_000_000_000 + 72) % 168
    key = cells.code * 168 + slot
    known = ~np.isnan(value)
    count = np.bincount(key[known], minlength=168 * n).reshape(n, 168)
    total = np.bincount(key[known], value[known], minlength=168 * n).reshape(n, 168)
    level = total.sum(axis=1, keepdims=True) / np.maximum(count.sum(axis=1, keepdims=True), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        profile = np.where(count > 0, total / np.maximum(count, 1), level) / np.abs(level)
    # Cells that are zero throughout are alike.
    profile = np.nan_to_num(profile, nan=0.0, posinf=0.0, neginf=0.0)
    n_clusters = min(n_clusters, len(np.unique(profile, axis=0)))
    return KMeans(n_clusters, n_init=3, random_state=0).fit_predict(profile)


def window_features(frame: AnyFrame, *, n_jobs: int | None = None) -> Float64:
    """How a KPI moved of late, as features of an isolation forest.

    Parameters
    ----------
    frame : DataFrame
        What :func:`baseline` or :func:`detect` returned.
    n_jobs : int, optional
        Threads; all cores by default.

    Returns
    -------
    ndarray of float64, shape (n_rows, 6)
        For each row of `frame` z (the distance from the baseline in scales, between -50 and 50),
        its mean over the last 6 and the last 24 rows of the cell and KPI, and its standard
        deviation, minimum and maximum over the last 24, the row included. NaN where z is missing
        or fewer than half of the rows are known.

    Raises
    ------
    ValueError
        If `frame` is not such a frame.

    Examples
    --------
    Fit a forest on last month, use it on today.

    >>> from linewatch import IsolationForest, datasets, kpi
    >>> cells = datasets.hourly_cells(n_cells=3, n_weeks=6, seed=1)
    >>> past = kpi.baseline(cells, kpis=["traffic_mbit_per_s"])
    >>> X = kpi.window_features(past)
    >>> X.shape
    (3024, 6)
    """
    native = eager(frame)
    if not _long.is_long(native):
        missing = [name for name in _long.LONG if name not in native.columns]
        raise ValueError(f'column "{missing[0]}" is missing; use the frame of kpi.baseline')
    from linewatch._frames import to_polars
    from linewatch.kpi._detect import distance

    table = to_polars(native)
    x, b, s = (
        table[name].cast(float).fill_null(np.nan).to_numpy()
        for name in ("value", "baseline", "scale")
    )
    names = table.select("cell", "kpi")
    return _features(distance(x, b, s), names, n_jobs)


def _features(z, groups, n_jobs=None):
    z = np.clip(z, -FAR, FAR)
    shared = {"groups": groups, "n_jobs": n_jobs}
    short = rolling.mean(z, 6, min_periods=3, **shared)
    names = ["mean", "std", "min", "max"]
    long = rolling.stats(z, 24, names, min_periods=12, **shared)
    out = np.column_stack([z, short, *(long[name] for name in names)])
    out[np.isnan(out).any(axis=1)] = np.nan
    return out


def forest_levels(cells, value, z, parameters):
    """Scores of an isolation forest over its threshold; NaN where features are missing."""
    from linewatch.iforest import IsolationForest

    X = _features(z, cells.code)
    known = ~np.isnan(X[:, 0])
    level = np.full(len(z), np.nan)
    if not known.any():
        return level
    model = parameters["model"]
    if model is None:
        model = IsolationForest(
            contamination=parameters["contamination"], random_state=parameters["random_state"]
        ).fit(X[known])
    elif not (hasattr(model, "score_samples") and hasattr(model, "offset_")):
        raise TypeError(
            "model of rule isolation_forest must be a fitted IsolationForest, got "
            f"{type(model).__name__}"
        )
    level[known] = model.score_samples(X[known]) / model.offset_
    return level
