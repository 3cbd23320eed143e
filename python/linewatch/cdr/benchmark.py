"""A benchmark of detectors: features of each generated call, and scores by kind of anomaly."""

import numpy as np

from linewatch.cdr.config import ANOMALIES
from linewatch.cdr.dataset import generate

FEATURES = (
    "duration_s",
    "hour_sin",
    "hour_cos",
    "is_weekend",
    "seconds_since_last_call",
    "calls_in_last_hour",
    "speed_km_per_h",
    "calls_of_pair",
    "calls_of_caller_per_day",
    "distinct_callees_share",
    "incoming_share",
    "mean_duration_of_caller_s",
    "users_of_device",
    "cells_of_caller",
)


def features(calls, towers):
    """What a detector may know of each call: its own numbers and its users' habits.

    Labels and names are not among them. The habits of a caller come from all its calls.

    Parameters
    ----------
    calls, towers : DataFrame or anything that speaks Arrow
        With the columns of `Dataset.calls` and `Dataset.towers`.

    Returns
    -------
    polars.DataFrame of Float64
        A row for each call in the order of `calls`, a column for each name in `FEATURES`.

    Examples
    --------
    >>> from linewatch import cdr
    >>> data = cdr.generate(users=100, days=2)
    >>> cdr.features(data.calls(), data.towers).shape
    (1632, 14)
    """
    import polars as pl

    calls, towers = pl.DataFrame(calls), pl.DataFrame(towers)
    place = towers.select(first_cell_id="cell_id", y="latitude", x="longitude")
    scale = float(np.cos(np.radians(towers["latitude"].mean())))
    start = pl.col("call_start_ts")
    days = max(1, calls["call_start_ts"].dt.date().n_unique())
    frame = calls.with_row_index("row").join(place, on="first_cell_id", how="left")
    frame = frame.sort("caller_id", "call_start_ts", "row")
    last_hour = frame.rolling("call_start_ts", period="1h", group_by="caller_id").agg(n=pl.len())
    incoming = calls.group_by(caller_id="callee_id").agg(incoming=pl.len())
    km = 111.2 * (
        (pl.col("y").diff() ** 2 + (pl.col("x").diff() * scale) ** 2).sqrt().over("caller_id")
    )
    since = (start - pl.col("call_end_ts").shift(1).over("caller_id")).dt.total_seconds()
    angle = (start.dt.hour() + start.dt.minute() / 60.0) * (2 * np.pi / 24)
    of_caller = pl.len().over("caller_id")
    frame = frame.join(incoming, on="caller_id", how="left").with_columns(
        duration_s=pl.col("call_duration"),
        hour_sin=angle.sin(),
        hour_cos=angle.cos(),
        is_weekend=start.dt.weekday() > 5,
        seconds_since_last_call=since.clip(0, 86_400).fill_null(86_400),
        calls_in_last_hour=last_hour["n"],
        speed_km_per_h=(km / since.clip(1) * 3600).fill_null(0).clip(0, 10_000),
        calls_of_pair=pl.len().over("caller_id", "callee_id"),
        calls_of_caller_per_day=of_caller / days,
        distinct_callees_share=pl.col("callee_id").n_unique().over("caller_id") / of_caller,
        incoming_share=pl.col("incoming").fill_null(0)
        / (pl.col("incoming").fill_null(0) + of_caller),
        mean_duration_of_caller_s=pl.col("call_duration").mean().over("caller_id"),
        users_of_device=pl.col("caller_id").n_unique().over("caller_imei"),
        cells_of_caller=pl.col("first_cell_id").n_unique().over("caller_id"),
    )
    return frame.sort("row").select(pl.col(FEATURES).cast(pl.Float64))


def benchmark(detector, users=2000, days=7, seed=0, *, anomaly_ratio=0.05, **fields):
    """How well a detector tells each kind of anomaly from normal calls.

    The calls have all kinds of anomalies in equal parts. The detector is fitted on all calls
    without labels and scores the same calls.

    Parameters
    ----------
    detector : object or callable
        An object with ``fit(X)`` and ``score_samples(X)``, higher for the more normal call as in
        scikit-learn; or a function of X that gives such scores.
    users, days, seed, anomaly_ratio, **fields
        The data, as `generate` takes them.

    Returns
    -------
    polars.DataFrame
        ``anomaly_type``, ``calls``, ``auroc`` (0.5 is chance), ``average_precision`` against the
        normal calls alone, ``recall`` and ``precision`` where as many calls are flagged as there
        are anomalies of all kinds; a last row ``all``.

    Raises
    ------
    ValueError
        If the scores are not one finite number for each call.

    Examples
    --------
    >>> from linewatch import cdr
    >>> from sklearn.ensemble import IsolationForest
    >>> table = cdr.benchmark(IsolationForest(random_state=0), users=300, days=2)
    >>> table["anomaly_type"].to_list()[-1]
    'all'
    """
    import polars as pl
    from sklearn.metrics import average_precision_score, roc_auc_score

    fields = {"anomaly_mix": dict.fromkeys(ANOMALIES, 1.0), **fields}
    data = generate(users, days, seed, anomaly_ratio=anomaly_ratio, **fields)
    calls = data.calls().collect()
    X = features(calls, data.towers).to_numpy()
    if hasattr(detector, "score_samples"):
        scores = detector.fit(X).score_samples(X)
    elif callable(detector):
        scores = detector(X)
    else:
        raise TypeError(
            "detector must have fit and score_samples or be a function, got "
            f"{type(detector).__name__}"
        )
    scores = np.asarray(scores, dtype=float)
    if scores.shape != (calls.height,) or not np.isfinite(scores).all():
        raise ValueError(
            f"detector must give one finite score for each of {calls.height} calls, got shape "
            f"{scores.shape} with {np.isfinite(scores).sum()} finite"
        )
    strange = -scores
    kinds = calls["anomaly_type"].to_numpy()
    planted = kinds != "normal"
    flagged = np.zeros(len(kinds), dtype=bool)
    flagged[np.argsort(-strange, kind="stable")[: planted.sum()]] = True
    rows = []
    for name in (*[kind for kind in ANOMALIES if (kinds == kind).any()], "all"):
        chosen = planted if name == "all" else kinds == name
        asked = chosen | ~planted
        hits = (flagged & chosen).sum()
        alarms = (flagged & asked).sum()
        rows.append(
            (
                name,
                int(chosen.sum()),
                roc_auc_score(chosen[asked], strange[asked]),
                average_precision_score(chosen[asked], strange[asked]),
                hits / chosen.sum(),
                hits / alarms if alarms else 0.0,
            )
        )
    names = ["anomaly_type", "calls", "auroc", "average_precision", "recall", "precision"]
    return pl.DataFrame(rows, schema=names, orient="row")
