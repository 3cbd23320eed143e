"""The rules that choose a threshold: what they are given, checked, and what they make of it.

`linewatch.threshold` names them and says what to expect of a threshold.
"""

import numbers
from math import nan

import numpy as np

from linewatch import _edge


def by_rate(scores, is_anomaly, rate):
    """The score that this share of normal rows lies below, and the rate to expect, with a range."""
    from scipy.stats import beta

    normal = np.sort(scores[~is_anomaly])
    n = len(normal)
    k = int(np.floor(rate * (n + 1) * (1 + 1e-12)))  # 0.01 * 1000 must not become 9
    if k < 1:
        raise ValueError(
            f"a false-positive rate of {rate:g} needs at least {int(np.ceil(1 / rate - 1 - 1e-9))} "
            f"normal scores, got {n}"
        )
    low, high = beta.ppf([0.025, 0.975], k, n + 1 - k)
    return float(normal[k - 1]), (k / (n + 1), float(low), float(high))


def by_costs(scores, is_anomaly, costs, prevalence):
    """The threshold of the lowest cost, and this cost of a row."""
    n_anomalies = int(is_anomaly.sum())
    if n_anomalies in (0, len(scores)):
        raise ValueError(
            f"costs need rows of both kinds; y marks {n_anomalies} of {len(scores)} as anomalies"
        )
    share = n_anomalies / len(scores) if prevalence is None else prevalence
    order = np.argsort(scores, kind="stable")
    values, flags = scores[order], is_anomaly[order]
    # Thresholds between neighbours; a threshold is possible where the value changes.
    ends = np.r_[0, np.flatnonzero(np.diff(values) > 0) + 1, len(values)]
    found = np.r_[0, np.cumsum(flags)][ends]
    false = ends - found
    recall, rate = found / n_anomalies, false / (len(scores) - n_anomalies)
    (true_negative, false_positive), (false_negative, true_positive) = costs
    mean = share * (recall * true_positive + (1 - recall) * false_negative) + (1 - share) * (
        rate * false_positive + (1 - rate) * true_negative
    )
    best = int(np.argmin(mean))
    if ends[best] == 0:
        threshold = values[0]
    elif ends[best] == len(values):
        threshold = np.nextafter(values[-1], np.inf)
    else:
        below, above = values[ends[best] - 1], values[ends[best]]
        half_way = below / 2 + above / 2 if np.isfinite([below, above]).all() else above
        threshold = above if half_way <= below else half_way
    return float(threshold), float(mean[best])


def finite_percentile(values, q, beside):
    """The percentile; next to an infinite value, which has no half-way, the value `beside` it."""
    with np.errstate(invalid="ignore"):
        out = float(np.percentile(values, q))
    return out if np.isfinite(out) else float(np.percentile(values, q, method=beside))


def rate_with_range(count, n):
    """A share and its exact 95 % range (Clopper and Pearson 1934)."""
    from scipy.stats import beta

    if n == 0:
        return nan, nan, nan
    low = float(beta.ppf(0.025, count, n - count + 1)) if count else 0.0
    high = float(beta.ppf(0.975, count + 1, n - count)) if count < n else 1.0
    return count / n, low, high


def read_scores(scores):
    """Scores as an array of float64 without missing values."""
    values = _edge.series(scores, "scores").values
    if values.ndim != 1:
        raise ValueError(f"scores must have 1 dimension, got {values.ndim}")
    if not len(values):
        raise ValueError("scores is empty; expected at least one score")
    values = values.astype(np.float64)
    if np.isnan(values).any():
        raise ValueError(f"scores[{int(np.isnan(values).argmax())}] is missing; leave it out")
    return values


def read_labels(y, n):
    """Which rows are anomalies, as booleans."""
    try:
        values = _edge.series(y, "y").values
    except TypeError as error:
        raise TypeError(f"{error}; y is True or 1 for an anomaly") from None
    if values.ndim != 1 or len(values) != n:
        raise ValueError(f"y has shape {values.shape}, but there are {n} scores")
    found = np.unique(values)
    if np.isin(found, (0, 1)).all():
        if len(found) == 1 and found[0] == 1 and np.asarray(y).dtype != bool:
            raise ValueError(
                "every y is 1, which is an anomaly among 0 and 1 and normal among -1 and 1; "
                "pass booleans, True for an anomaly"
            )
        return values == 1
    if np.isin(found, (-1, 1)).all():
        return values == -1
    raise ValueError(
        f"y must be booleans (True = anomaly), 0 and 1 (1 = anomaly) or -1 and 1 (-1 = anomaly); "
        f"got {', '.join(f'{value:g}' for value in found[:5])}"
    )


def between(name, value, low, high, closed=False):
    """`value` as a float inside an open interval, or one `closed` above."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not (low < value < high or (closed and value == high)):
        upper = "at most" if closed else "below"
        raise ValueError(f"{name} must be above {low} and {upper} {high}, got {value}")
    return float(value)


def cost_matrix(costs):
    """Costs by truth and verdict, shape (2, 2)."""
    if isinstance(costs, dict):
        names = {"true_negative", "false_positive", "false_negative", "true_positive"}
        if not costs or not set(costs) <= names:
            raise ValueError(
                "costs must have the keys false_positive and false_negative (and may have "
                f"true_negative and true_positive), got {', '.join(map(str, costs)) or 'none'}"
            )
        get = lambda name: costs.get(name, 0.0)
        costs = [
            [get("true_negative"), get("false_positive")],
            [get("false_negative"), get("true_positive")],
        ]
    try:
        matrix = np.asarray(costs, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(
            "costs must be numbers: a dict with false_positive and false_negative, or a 2 x 2 "
            f"matrix; got {costs!r}"
        ) from None
    if matrix.shape != (2, 2):
        raise ValueError(f"costs must have shape (2, 2), got {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise ValueError("costs must be finite")
    return matrix
