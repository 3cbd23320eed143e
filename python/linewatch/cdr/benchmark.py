"""A benchmark of detectors: scores by kind of anomaly and by scenario, of calls or of users."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from linewatch.cdr.dataset import generate
from linewatch.cdr.features import features, user_features

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Literal

    import polars as pl


# Incidents of each scenario in the data of the benchmark.
FRAUD = {
    "impossible_travel": 10,
    "pbx_hack": 3,
    "revenue_share": 3,
    "robocalling": 1,
    "sim_box": 1,
    "sim_swap": 5,
    "subscription_fraud": 2,
    "wangiri": 2,
}
# Users whom a scenario happens to and who do nothing strange.
VICTIMS = ("victim",)


def benchmark(
    detector: Any,
    users: int = 2000,
    days: int = 7,
    seed: int = 0,
    *,
    per: Literal["call", "user"] = "call",
    difficulty: Literal["easy", "medium", "hard"] = "medium",
    scenarios: Mapping[str, Any] | Sequence[str] | None = None,
    **fields: Any,
) -> pl.DataFrame:
    """How well a detector tells each kind of anomaly and each scenario from what is normal.

    The detector sees `features` of all calls (or `user_features` of all users), without labels,
    is fitted on them and scores them.

    Parameters
    ----------
    detector : object or callable
        An object with ``fit(X)`` and ``score_samples(X)``, higher for the more normal row as in
        scikit-learn (a pipeline is one, too), or ``negative_outlier_factor_``; or a function of X
        that gives such scores.
    users, days, seed, **fields
        The data, as `generate` takes them.
    per : {"call", "user"}, default="call"
        What is scored.
    difficulty : {"easy", "medium", "hard"}, default="medium"
        Of all fraud scenarios.
    scenarios : dict or list, optional
        Incidents other than the default ones, as `generate` takes them.

    Returns
    -------
    polars.DataFrame
        For each ``anomaly_type``, and ``all`` of them: ``count``; ``auroc`` (0.5 is chance) and
        ``average_precision`` against what is normal alone; ``precision`` and ``recall`` where as
        many are flagged as there are anomalies of all kinds, the false alarms being the normal
        ones among them; ``reasons``, the three features that stand out most by the detector's
        ``explain``, if it has one. Calls that a scenario changed without adding them, such as those
        on a swapped card, count as neither.

    Raises
    ------
    ValueError
        If there is no anomaly to find, or the scores are not one finite number for each row.
    TypeError
        If the detector is neither of the two.

    Examples
    --------
    >>> from linewatch import cdr
    >>> from sklearn.ensemble import IsolationForest
    >>> table = cdr.benchmark(IsolationForest(random_state=0), users=300, days=2)
    >>> table["anomaly_type"].to_list()[-1]
    'all'
    """
    import polars as pl

    if per not in ("call", "user"):
        raise ValueError(f'per must be "call" or "user", got {per!r}')
    if scenarios is None:
        scenarios = {k: {"count": n, "difficulty": difficulty} for k, n in FRAUD.items()}
    data = generate(users, days, seed, scenarios=scenarios, **fields)
    calls = data.calls().collect()
    X, labels = (_calls if per == "call" else _users)(data, calls)
    names = X.columns
    if not any(label not in (None, "normal") for label in labels):
        raise ValueError(
            "there is no anomaly to find; ask for scenarios, or for an anomaly_ratio above 0"
        )
    X = X.to_numpy()
    scores = _scores(detector, X, per)
    rows = []
    shares = _shares(detector, X, labels)
    for name, n, *figures, chosen in _figures(-scores, labels):
        reasons = None if shares is None else _reasons(shares, chosen, names)
        rows.append((name, n, *figures, reasons))
    schema = {"anomaly_type": pl.String, "count": pl.Int64}
    schema |= dict.fromkeys(("auroc", "average_precision", "precision", "recall"), pl.Float64)
    schema |= {"reasons": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _calls(data, calls):
    import polars as pl

    labels = calls["anomaly_type"]
    if data._plan is not None:
        truth = data.truth_tables()["calls"].filter(~pl.col("is_added"))["call_id"].implode()
        touched = pl.col("call_id").is_in(truth) & ~pl.col("is_anomaly")
        label = pl.when(touched).then(None).otherwise("anomaly_type")
        labels = calls.select(label.alias("label")).to_series()
    return features(calls, data.towers, data.users), labels.to_numpy()


def _users(data, calls):
    import polars as pl

    X = user_features(calls, data.users, data.towers)
    if data._plan is None:
        raise ValueError('per="user" needs scenarios, as the other anomalies are of anybody')
    truth = data.truth_tables()["users"].filter(~pl.col("role").is_in(VICTIMS))
    truth = truth.unique("user_id", keep="first", maintain_order=True)
    labels = X.join(truth, on="user_id", how="left", maintain_order="left")["scenario"]
    return X.drop("user_id"), labels.fill_null("normal").to_numpy()


def _scores(detector, X, per):
    if hasattr(detector, "score_samples"):
        scores = detector.fit(X).score_samples(X)
    elif callable(detector):
        scores = detector(X)
    elif hasattr(detector, "fit_predict"):
        # Such as LocalOutlierFactor, which judges the rows that it is fitted on.
        scores = detector.fit(X).negative_outlier_factor_
    else:
        raise TypeError(
            "detector must have fit and score_samples or be a function, got "
            f"{type(detector).__name__}"
        )
    scores = np.asarray(scores, dtype=float)
    if scores.shape != (len(X),) or not np.isfinite(scores).all():
        raise ValueError(
            f"detector must give one finite score for each of {len(X)} {per}s, got shape "
            f"{scores.shape} with {np.isfinite(scores).sum()} finite"
        )
    return scores


def _figures(strange, labels):
    """Name, count, AUROC, average precision, precision, recall and the rows of each anomaly."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    is_normal = labels == "normal"
    planted = ~is_normal & np.array([label is not None for label in labels])
    known = np.flatnonzero(planted | is_normal)
    flagged = np.zeros(len(labels), dtype=bool)
    flagged[known[np.argsort(-strange[known], kind="stable")[: planted.sum()]]] = True
    for name in (*sorted(set(labels[planted])), "all"):
        chosen = planted if name == "all" else labels == name
        asked = chosen | is_normal
        hits = (flagged & chosen).sum()
        alarms = (flagged & asked).sum()
        yield (
            name,
            int(chosen.sum()),
            float(roc_auc_score(chosen[asked], strange[asked])),
            float(average_precision_score(chosen[asked], strange[asked])),
            hits / alarms if alarms else 0.0,
            hits / chosen.sum(),
            chosen,
        )


def _shares(detector, X, labels):
    """What each feature does to the strangeness of each row, less what it usually does."""
    if not hasattr(detector, "explain"):
        return None
    shares = np.asarray(detector.explain(X), dtype=float)
    # A forest counts what makes a row more normal; distances have shares that are never negative.
    if (shares < 0).any():
        shares = -shares
    return shares - shares[labels == "normal"].mean(axis=0)


def _reasons(shares, chosen, names):
    order = np.argsort(-shares[chosen].mean(axis=0), kind="stable")[:3]
    return ", ".join(names[k] for k in order)
