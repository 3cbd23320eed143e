"""What a detector gets right and wrong, what that costs, and what may be said about it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from linewatch._typing import Column


def evaluate(
    y: Column, score: Column, predicted: Column | None = None, *, threshold: float | None = None
) -> dict[str, Any]:
    """Counts, rates and areas for scores and labels that the detector has not seen.

    Parameters
    ----------
    y : array-like of int, shape (n,)
        0 is normal, 1 an attack.
    score : array-like of float, shape (n,)
        As `score_samples` gives it: higher = more normal.
    predicted : array-like of int, shape (n,), optional
        As `predict` gives it: -1 for an attack, 1 for normal.
    threshold : float, optional
        Instead of `predicted`: scores below it are attacks. Fix it before you look at `y`.

    Returns
    -------
    dict
        ``true_positives``, ``false_positives``, ``false_negatives``, ``true_negatives``,
        ``accuracy``, ``precision``, ``recall``, ``false_positive_rate``, ``f1``, ``auroc`` and
        ``average_precision``. A rate without rows to count is NaN.

    Raises
    ------
    ValueError
        If lengths differ, labels are other than 0 and 1, predictions other than -1 and 1, or
        neither or both of `predicted` and `threshold` are given.

    Examples
    --------
    >>> from linewatch import intrusion
    >>> found = intrusion.evaluate([0, 0, 0, 1, 1], [5.0, 4, 1, 2, 0], threshold=3)
    >>> found["recall"], found["false_positives"], round(found["auroc"], 3)
    (1.0, 1, 0.833)
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    y, score = _labels(y), _scores(score)
    if (predicted is None) == (threshold is None):
        raise ValueError("give either predicted or threshold")
    alarm = score < threshold if predicted is None else _alarms(predicted)
    for name, values in (("score", score), ("predicted", alarm)):
        if len(values) != len(y):
            raise ValueError(f"{name} has {len(values)} values, y has {len(y)}")
    if threshold is not None and np.isnan(threshold):
        raise ValueError("threshold is NaN, below which no score lies")
    attack = y == 1
    unusual = ranks(score)
    hit, false = int((alarm & attack).sum()), int((alarm & ~attack).sum())
    missed, quiet = int((~alarm & attack).sum()), int((~alarm & ~attack).sum())
    both = bool(attack.any() and not attack.all())
    return {
        "true_positives": hit,
        "false_positives": false,
        "false_negatives": missed,
        "true_negatives": quiet,
        "accuracy": _ratio(hit + quiet, len(y)),
        "precision": _ratio(hit, hit + false),
        "recall": _ratio(hit, hit + missed),
        "false_positive_rate": _ratio(false, false + quiet),
        "f1": _ratio(2 * hit, 2 * hit + false + missed),
        "auroc": float(roc_auc_score(y, unusual)) if both else np.nan,
        "average_precision": float(average_precision_score(y, unusual)) if both else np.nan,
    }


def ranks(score):
    """Scores as ranks from the most normal on; an infinite one is a rank like any other."""
    return np.unique(-score, return_inverse=True)[1].astype(np.float64)


def business_impact(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    records_per_month: float,
    attack_share: float,
    hours_per_false_alarm: float,
    cost_per_hour: float,
    cost_per_missed_attack: float = 0.0,
) -> dict[str, float]:
    """What fewer false alarms and fewer missed attacks are worth, with your own figures.

    Parameters
    ----------
    before, after : dict
        Of :func:`evaluate`: the detector in use and the one that would replace it. Their rates are
        taken to hold for your traffic, which evaluations on other data cannot promise.
    records_per_month : float
        Records scored in a month.
    attack_share : float
        Share of them that are attacks, from 0 to 1.
    hours_per_false_alarm : float
        Hours somebody spends on one.
    cost_per_hour : float
        In the currency you want the answer in.
    cost_per_missed_attack : float, default=0
        Average, in the same currency.

    Returns
    -------
    dict
        ``false_alarms_avoided_per_month``, ``attacks_found_more_per_month``,
        ``hours_saved_per_month`` and ``saved_per_month``; negative where `after` is worse.

    Raises
    ------
    ValueError
        If a figure is negative, or `attack_share` is not from 0 to 1.

    Examples
    --------
    >>> from linewatch import intrusion
    >>> before = {"false_positive_rate": 0.05, "recall": 0.60}
    >>> after = {"false_positive_rate": 0.03, "recall": 0.80}
    >>> saved = intrusion.business_impact(
    ...     before, after,
    ...     records_per_month=100_000, attack_share=0.001, hours_per_false_alarm=0.1,
    ...     cost_per_hour=80, cost_per_missed_attack=500)
    >>> {name: round(value) for name, value in saved.items()}
    {'false_alarms_avoided_per_month': 1998, 'attacks_found_more_per_month': 20,
     'hours_saved_per_month': 200, 'saved_per_month': 25984}
    """
    figures = {
        "records_per_month": records_per_month,
        "attack_share": attack_share,
        "hours_per_false_alarm": hours_per_false_alarm,
        "cost_per_hour": cost_per_hour,
        "cost_per_missed_attack": cost_per_missed_attack,
    }
    for name, value in figures.items():
        if not (np.isfinite(value) and value >= 0):
            raise ValueError(f"{name} must be a finite number from 0, got {value}")
    if attack_share > 1:
        raise ValueError(f"attack_share must be from 0 to 1, got {attack_share}")
    for name, rates in (("before", before), ("after", after)):
        for rate in ("false_positive_rate", "recall"):
            if rate not in rates:
                raise ValueError(f'{name} has no "{rate}"; give what intrusion.evaluate returned')
    normal = records_per_month * (1 - attack_share)
    avoided = (before["false_positive_rate"] - after["false_positive_rate"]) * normal
    more = (after["recall"] - before["recall"]) * records_per_month * attack_share
    hours = avoided * hours_per_false_alarm
    return {
        "false_alarms_avoided_per_month": avoided,
        "attacks_found_more_per_month": more,
        "hours_saved_per_month": hours,
        "saved_per_month": hours * cost_per_hour + more * cost_per_missed_attack,
    }


def latency(detector: Any, rows: Any, *, repeats: int = 50) -> dict[str, float]:
    """Seconds that `predict` takes for one row, frame and all.

    Parameters
    ----------
    detector : fitted detector
    rows : DataFrame
        Rows to take turns with.
    repeats : int, default=50

    Returns
    -------
    dict
        ``median_s`` and ``p95_s`` of wall time, after one call that does not count.

    Raises
    ------
    ValueError
        If there is no row or `repeats` is below 1.

    Examples
    --------
    >>> from linewatch import intrusion
    >>> train = intrusion.simulate_core(500, seed=0)
    >>> detector = intrusion.BaselineDetector("isolation_forest", random_state=0)
    >>> took = intrusion.latency(detector.fit(train, train["attack"]), train[:20])
    >>> sorted(took)
    ['median_s', 'p95_s']
    """
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, got {repeats}")
    if not len(rows):
        raise ValueError("rows is empty; expected at least one row")
    singles = [rows[i : i + 1] for i in range(min(len(rows), repeats))]
    detector.predict(singles[0])
    seconds = []
    for i in range(repeats):
        start = time.perf_counter()
        detector.predict(singles[i % len(singles)])
        seconds.append(time.perf_counter() - start)
    return {"median_s": float(np.median(seconds)), "p95_s": float(np.quantile(seconds, 0.95))}


COMPLIANCE = """\
What can be said of this workflow, and what cannot:

- It reads no address, subscriber number or payload: the 41 columns are counts, rates, sizes and
  kinds. That is data minimization (GDPR Art. 5(1)(c), Art. 25), not anonymity: a record that can be
  singled out, or joined by its time with one that has an address, may still be personal data
  (Recital 26).
- In your network records of who talked to whom are traffic data under the ePrivacy directive
  (2002/58/EC Art. 6): the purpose, the legal basis and how long you keep them are yours to settle.
- Identifiers that you add should be pseudonymized with a key you keep; that makes them
  pseudonymous (Art. 4(5)), not anonymous.
- Where an alarm cuts somebody off without a person looking at it, Art. 22 may apply.
- The model file holds rows of the training traffic (the reference of its distances) without
  addresses: keep it as you keep the records themselves.
- linewatch has no certificate for GDPR, ISO 27001 or NIS 2, and a library cannot have one for you.
"""


def compliance_notes() -> str:
    """What may truthfully be claimed of the workflow, as text.

    Returns
    -------
    str

    Examples
    --------
    >>> from linewatch import intrusion
    >>> print(intrusion.compliance_notes().splitlines()[0])
    What can be said of this workflow, and what cannot:
    """
    return COMPLIANCE


def _labels(y):
    y = np.asarray(y)
    if y.ndim != 1:
        raise ValueError(f"y must have 1 dimension, got {y.ndim}")
    if not len(y):
        raise ValueError("y is empty; expected at least one label")
    if not (y.dtype.kind in "biuf" and np.isin(y, (0, 1)).all()):
        odd = next(value for value in y.tolist() if value not in (0, 1))
        raise ValueError(f"y must hold 0 (normal) and 1 (attack), got {odd!r}")
    return y.astype(np.int8)


def _alarms(predicted):
    predicted = np.asarray(predicted)
    odd = [v for v in np.unique(predicted).tolist() if isinstance(v, bool) or v not in (-1, 1)]
    if odd:
        raise ValueError(
            f"predicted must hold -1 (attack) and 1 (normal), got {odd[0]!r} "
            "(try np.where(is_attack, -1, 1))"
        )
    return predicted == -1


def _scores(score):
    score = np.asarray(score, dtype=np.float64)
    if np.isnan(score).any():
        raise ValueError(f"score has {int(np.isnan(score).sum())} NaN; every row needs a score")
    return score


def _ratio(part, whole):
    return part / whole if whole else np.nan
