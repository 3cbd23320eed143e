"""From scores to alarms: a threshold by a rule that can be said aloud, and what to expect of it.

Scores are higher for the more normal row, as scikit-learn's `score_samples` gives them, and a row
is an anomaly where its score is below the threshold.

>>> import numpy as np
>>> from linewatch.threshold import calibrate_threshold
>>> point = calibrate_threshold(-np.arange(999.0), false_positive_rate=0.01)
>>> point.threshold
-989.0
"""

from __future__ import annotations

import numbers
from dataclasses import asdict, dataclass
from math import isnan, nan
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.utils import _safe_indexing, check_random_state, get_tags
from sklearn.utils.validation import _num_samples, check_is_fitted

from linewatch import _edge, _features, _models
from linewatch._sklearn import BaseEstimator, OutlierMixin, available_if
from linewatch._threshold_rules import (
    between,
    by_costs,
    by_rate,
    cost_matrix,
    finite_percentile,
    rate_with_range,
    read_labels,
    read_scores,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

    from numpy.typing import ArrayLike
    from sklearn.utils import Tags

    from linewatch._typing import (
        Bools,
        Column,
        Data,
        Floats,
        Int64,
        Matrix,
        PathLike,
        RandomState,
        Span,
        Texts,
    )


__all__ = ["OperatingPoint", "ThresholdedDetector", "calibrate_threshold", "first_alarms"]

RULES = ("false_positive_rate", "contamination", "percentile", "costs")


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold, the rule it came from, and what to expect of it.

    Attributes
    ----------
    threshold : float
        A row scoring below it is an anomaly.
    rule : str
        The rule in words, such as ``"false_positive_rate 0.01"``.
    n_scores, n_alarms : int
        Scores the rule was applied to, and how many of them lie below the threshold.
    n_normal, n_anomalies : int or None
        Of them by label; None where nothing was known.
    false_positive_rate : float
        Expected share of normal rows that will raise an alarm; NaN where no row is known to be
        normal.
    false_positive_rate_low, false_positive_rate_high : float
        95 % range of that share, as the number of normal scores allows it to be known.
    precision, recall : float
        On the labelled scores; NaN without labels. With ``prevalence``, the precision is that of
        a field with this share of anomalies.
    mean_cost : float
        Cost a row, for the rule ``costs``; else NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from linewatch.threshold import calibrate_threshold
    >>> scores = np.r_[np.linspace(0, 1, 999), [-3.0, -2.0, 0.5]]
    >>> is_anomaly = np.arange(1002) >= 999
    >>> print(calibrate_threshold(scores, is_anomaly, false_positive_rate=0.01))
    threshold 0.009018: a row scoring below it is an anomaly
    rule: false_positive_rate 0.01, on 1,002 scores (999 normal, 3 anomalies)
    expected false positives: 1.00 % of normal rows (95 % range 0.48 % to 1.70 %)
    11 alarms: precision 0.182, recall 0.667
    """

    threshold: float
    rule: str
    n_scores: int
    n_alarms: int
    n_normal: int | None = None
    n_anomalies: int | None = None
    false_positive_rate: float = nan
    false_positive_rate_low: float = nan
    false_positive_rate_high: float = nan
    precision: float = nan
    recall: float = nan
    mean_cost: float = nan

    def expected_false_positives(self, n_rows: float) -> float:
        """How many of `n_rows` normal rows will raise an alarm, on average.

        Parameters
        ----------
        n_rows : int
            Normal rows, such as those of a day.

        Returns
        -------
        float
            NaN where no row was known to be normal.

        Examples
        --------
        >>> from linewatch.threshold import calibrate_threshold
        >>> point = calibrate_threshold(range(999), false_positive_rate=0.01)
        >>> point.expected_false_positives(86_400)
        864.0
        """
        return self.false_positive_rate * n_rows

    def as_dict(self) -> dict[str, Any]:
        """All fields by name, as JSON can hold them but for NaN."""
        return asdict(self)

    def __str__(self) -> str:
        known = ""
        if self.n_normal is not None:
            known = f" ({self.n_normal:,} normal, {self.n_anomalies:,} anomalies)"
            if not self.n_anomalies:
                known = " of normal rows"
        lines = [
            f"threshold {self.threshold:.4g}: a row scoring below it is an anomaly",
            f"rule: {self.rule}, on {self.n_scores:,} scores{known}",
        ]
        if isnan(self.false_positive_rate):
            lines.append("expected false positives: not known without labels")
        else:
            lines.append(
                f"expected false positives: {100 * self.false_positive_rate:.2f} % of normal rows "
                f"(95 % range {100 * self.false_positive_rate_low:.2f} % to "
                f"{100 * self.false_positive_rate_high:.2f} %)"
            )
        alarms = f"{self.n_alarms:,} alarm{'' if self.n_alarms == 1 else 's'}"
        if not isnan(self.recall):
            precision = "none" if isnan(self.precision) else f"{self.precision:.3f}"
            alarms += f": precision {precision}, recall {self.recall:.3f}"
        lines.append(alarms)
        if not isnan(self.mean_cost):
            lines.append(f"cost: {self.mean_cost:.4g} a row")
        return "\n".join(lines)


def calibrate_threshold(
    scores: Column,
    y: Column | None = None,
    *,
    false_positive_rate: float | None = None,
    contamination: float | None = None,
    percentile: float | None = None,
    costs: ArrayLike | Mapping[str, float] | None = None,
    prevalence: float | None = None,
) -> OperatingPoint:
    """Choose the score below which a row is an anomaly; exactly one rule must be given.

    Parameters
    ----------
    scores : array-like of float, shape (n,)
        Higher = more normal, from rows that the detector was not fitted on.
    y : array-like, shape (n,), optional
        Which rows are anomalies: True or 1 among 0 and 1, or -1 among -1 and 1. Without it,
        ``false_positive_rate`` takes all rows as normal.
    false_positive_rate : float, optional
        Share of normal rows that may raise an alarm, above 0 and below 1.
    contamination : float, optional
        Share of these rows to be flagged, above 0 and at most 0.5, as scikit-learn means it.
    percentile : float, optional
        The threshold is this percentile of the anomaly scores (``-scores``), so 95 flags the 5 %
        most unusual rows, as in "the 95th percentile of the reconstruction error".
    costs : array-like, shape (2, 2), or dict, optional
        Cost of a row by truth (normal, anomaly) and verdict (normal, anomaly), as in scikit-learn's
        confusion matrix, or ``{"false_positive": 1, "false_negative": 50}``. Needs `y`.
    prevalence : float, optional
        Share of anomalies in the field, where it is another than in `y`. Costs and precision are
        then those of the field.

    Returns
    -------
    OperatingPoint
        Printable; ``.threshold`` is the number.

    Raises
    ------
    ValueError
        If there are too few normal scores for the rate asked for, a score is NaN, labels cannot
        be read or are missing, or not exactly one rule is given.

    Notes
    -----
    With n normal scores and a rate r the threshold is the k-th smallest of them,
    ``k = floor(r (n + 1))``. A new normal row then scores below it with probability
    ``k / (n + 1)`` if scores do not repeat, and less if they do, whatever their
    distribution [1]_; over repeated calibrations the rate follows the beta distribution
    with k and n + 1 - k, which gives the range. It takes ``1 / r - 1`` normal scores to speak of
    a rate r at all. Where rows are dependent, as neighbours in time are, the range is too narrow.

    For ``costs``, thresholds half-way between neighbouring scores are tried, none and all flagged
    included; of equal costs the one with the fewest alarms is taken.

    References
    ----------
    .. [1] Vovk, V., Gammerman, A., Shafer, G. (2005). Algorithmic Learning in a Random World.
       Springer.

    Examples
    --------
    >>> import numpy as np
    >>> from linewatch.threshold import calibrate_threshold
    >>> scores = np.array([-0.7, -0.4, -0.5, -0.4, -0.3, -0.6])
    >>> calibrate_threshold(scores, percentile=80).threshold
    -0.6
    >>> y = [1, 0, 1, 0, 0, 0]
    >>> point = calibrate_threshold(scores, y, costs={"false_positive": 1, "false_negative": 5})
    >>> round(point.threshold, 3), point.n_alarms, round(point.precision, 3), point.recall
    (-0.45, 3, 0.667, 1.0)
    """
    given = {
        "false_positive_rate": false_positive_rate,
        "contamination": contamination,
        "percentile": percentile,
        "costs": costs,
    }
    given = {name: value for name, value in given.items() if value is not None}
    if len(given) != 1:
        raise ValueError(
            f"give exactly one rule of {', '.join(RULES)}; got {', '.join(given) or 'none'}"
        )
    [(rule, value)] = given.items()
    scores = read_scores(scores)
    is_anomaly = None if y is None else read_labels(y, len(scores))
    if prevalence is not None:
        prevalence = between("prevalence", prevalence, 0, 1)
        if is_anomaly is None:
            raise ValueError("prevalence needs labels (y)")
    if rule == "false_positive_rate":
        if is_anomaly is None:
            is_anomaly = np.zeros(len(scores), bool)
        value = between(rule, value, 0, 1)
        threshold, expected = by_rate(scores, is_anomaly, value)
        text = f"{rule} {value:g}"
        return _described(threshold, text, scores, is_anomaly, prevalence, expected)
    if rule == "costs":
        if is_anomaly is None:
            raise ValueError("costs need labels: pass y, which rows are anomalies")
        matrix = cost_matrix(value)
        threshold, cost = by_costs(scores, is_anomaly, matrix, prevalence)
        text = f"{rule} " + "/".join(f"{each:g}" for each in matrix.ravel())
        return _described(threshold, text, scores, is_anomaly, prevalence, mean_cost=cost)
    if rule == "contamination":
        value = between(rule, value, 0, 0.5, closed=True)
        threshold = finite_percentile(scores, 100.0 * value, "higher")
    else:
        value = between(rule, value, 0, 100)
        threshold = -finite_percentile(-scores, value, "lower")
    return _described(threshold, f"{rule} {value:g}", scores, is_anomaly, prevalence)


def _described(threshold, rule, scores, is_anomaly, prevalence=None, expected=None, mean_cost=nan):
    """The operating point of a threshold on these scores."""
    is_alarm = scores < threshold
    n_alarms = int(is_alarm.sum())
    if is_anomaly is None:
        return OperatingPoint(threshold, rule, len(scores), n_alarms)
    n_anomalies = int(is_anomaly.sum())
    n_normal = len(scores) - n_anomalies
    found = int((is_alarm & is_anomaly).sum())
    if expected is None:
        expected = rate_with_range(n_alarms - found, n_normal)
    precision = recall = nan
    if n_anomalies:
        recall = found / n_anomalies
        if prevalence is None:
            precision = found / n_alarms if n_alarms else nan
        else:
            true, false = prevalence * recall, (1 - prevalence) * (expected[0])
            precision = true / (true + false) if true + false > 0 else nan
    return OperatingPoint(
        threshold,
        rule,
        len(scores),
        n_alarms,
        n_normal,
        n_anomalies,
        *expected,
        precision,
        recall,
        mean_cost,
    )


def first_alarms(
    is_anomaly: Column,
    refractory: Span | int,
    *,
    times: Data | None = None,
    groups: Data | None = None,
) -> Bools:
    """The first anomaly of each event: those that follow another one closely raise no alarm.

    Parameters
    ----------
    is_anomaly : array-like of bool, shape (n,)
        Or labels -1 (anomaly) and 1, as `predict` gives them.
    refractory : str, timedelta or int
        An anomaly raises an alarm unless its group had another one within this time before. A
        whole number counts rows, or is in the unit of `times` where these are whole numbers.
    times : array-like of times, shape (n,), optional
        In any order. Without them, rows are taken in the order they have.
    groups : array-like of keys, shape (n,), optional
        Such as the cell; rows without a key form a group of their own.

    Returns
    -------
    ndarray of bool, shape (n,)

    Raises
    ------
    TypeError, ValueError
        If `refractory` does not fit `times`, or lengths differ.

    Examples
    --------
    >>> from linewatch.threshold import first_alarms
    >>> first_alarms([True, True, False, False, True], 2)
    array([ True, False, False, False,  True])
    >>> first_alarms([True, True], "6h", times=["2026-11-21T00:00", "2026-11-21T07:00"])
    Traceback (most recent call last):
        ...
    TypeError: times has dtype <U16; expected times or whole numbers (try pandas.to_datetime(times)
    or numpy.asarray(times, dtype="datetime64[ns]"))
    """
    flags = _flags(is_anomaly)
    n = len(flags)
    codes = np.zeros(n, np.int64) if groups is None else _edge.codes(groups, n)
    clock, gap = _clock(refractory, times, n)
    if clock is None:
        order = np.argsort(codes, kind="stable")
        sorted_codes = codes[order]
        first = np.r_[True, sorted_codes[1:] != sorted_codes[:-1]][:n]
        clock = np.arange(n)
        clock = clock - np.maximum.accumulate(np.where(first, clock, 0))
    else:
        order = np.lexsort((clock, codes))
        clock = clock[order]
    rows = np.flatnonzero(flags[order])
    follows = np.zeros(len(rows), bool)
    same = codes[order][rows[1:]] == codes[order][rows[:-1]]
    follows[1:] = same & (clock[rows[1:]] - clock[rows[:-1]] <= gap)
    out = np.zeros(n, bool)
    out[order[rows[~follows]]] = True
    return out


def _clock(refractory, times, n):
    """Times of the rows (None: their order) and the refractory period, in one unit."""
    clock, unit = (None, None) if times is None else _edge.times(times, n)
    whole = isinstance(refractory, numbers.Integral) and not isinstance(refractory, bool)
    if unit == "ns":
        if whole:
            raise TypeError(
                f'refractory must be a span such as "6h", since times are times; got {refractory}'
            )
        return clock, _edge.span(refractory, "refractory")
    if not whole:
        what = "rows, since there are no times" if times is None else "the unit of times"
        raise TypeError(f"refractory must be a whole number of {what}; got {refractory!r}")
    if refractory < 1:
        raise ValueError(f"refractory must be at least 1, got {refractory}")
    return clock, int(refractory)


def _flags(is_anomaly):
    values = np.asarray(is_anomaly)
    if values.ndim != 1:
        raise ValueError(f"is_anomaly must have 1 dimension, got {values.ndim}")
    if values.dtype == bool:
        return values
    if values.dtype.kind in "iuf" and np.isin(values, (-1, 1)).all():
        return values == -1
    raise TypeError("is_anomaly must hold booleans, or the labels -1 (anomaly) and 1")


def _inner_has(name):
    def check(self):
        getattr(self.detector_ if hasattr(self, "detector_") else self.detector, name)
        return True

    return check


class ThresholdedDetector(OutlierMixin, _models.Loadable, BaseEstimator):
    """A detector with a threshold of its own, chosen by a rule on rows it was not fitted on.

    Parameters
    ----------
    detector : estimator
        With ``fit`` and ``score_samples`` (or ``decision_function``), higher = more normal.
    rule : dict, optional
        One rule of :func:`calibrate_threshold` by name, such as ``{"contamination": 0.02}``, and
        perhaps ``prevalence``; ``{"false_positive_rate": 0.01}`` by default.
    holdout : float, optional
        Share of the rows of `fit` that the detector does not see and the threshold is chosen on;
        0 chooses it on the rows of the fit. By default 0.25 for ``false_positive_rate`` and
        ``costs``, 0 for ``contamination`` and ``percentile``, as scikit-learn's detectors do.
    shuffle : bool, default=True
        Draw the held-out rows at random. For rows in order of time use False: the last ones are
        held out.
    refractory : str, timedelta or int, optional
        For :meth:`alarms`: an anomaly that follows another one of its group within this time
        raises no alarm.
    random_state : int, RandomState instance or None, default=None
        Which rows are held out; it also seeds a detector whose own `random_state` is None.

    Attributes
    ----------
    detector_ : estimator
        The fitted detector.
    threshold_ : float
        A row scoring below it is an anomaly; ``offset_`` is the same.
    operating_point_ : OperatingPoint
        What to expect; print it.
    n_features_in_ : int
        Features seen by `fit`.
    feature_names_in_ : ndarray of str
        Names of the features, where `fit` got a frame.

    See Also
    --------
    calibrate_threshold : The rules.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import LocalOutlierFactor
    >>> from linewatch import ThresholdedDetector
    >>> X = np.random.default_rng(0).normal(size=(2000, 3))
    >>> lof = LocalOutlierFactor(novelty=True)
    >>> detector = ThresholdedDetector(lof, {"false_positive_rate": 0.01}, random_state=0).fit(X)
    >>> detector.predict([[0.0, 0, 0], [9, 9, 9]])
    array([ 1, -1])
    >>> point = detector.operating_point_
    >>> point.n_scores, round(point.false_positive_rate, 4)
    (500, 0.01)
    """

    detector: Any
    rule: Mapping[str, Any] | None
    holdout: float | None
    shuffle: bool
    refractory: Span | int | None
    random_state: RandomState
    detector_: Any
    threshold_: float
    operating_point_: OperatingPoint
    offset_: float
    n_features_in_: int
    feature_names_in_: Texts

    def __init__(
        self,
        detector: Any,
        rule: Mapping[str, Any] | None = None,
        *,
        holdout: float | None = None,
        shuffle: bool = True,
        refractory: Span | int | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.detector = detector
        self.rule = rule
        self.holdout = holdout
        self.shuffle = shuffle
        self.refractory = refractory
        self.random_state = random_state

    def fit(self, X: Matrix, y: Column | None = None, **fit_params: Any) -> Self:
        """Fit a copy of the detector and choose the threshold.

        Parameters
        ----------
        X : array-like or frame, shape (n_samples, n_features)
            Mostly normal rows; in order of time if ``shuffle=False``.
        y : array-like, shape (n_samples,), optional
            Labels as :func:`calibrate_threshold` reads them, for the rule ``costs``, which needs
            them; ignored otherwise. The detector itself never sees them.
        **fit_params
            Passed on to the detector, such as ``sample_weight``; what has one value a row is
            divided like the rows.

        Returns
        -------
        self : ThresholdedDetector

        Raises
        ------
        ValueError
            If the rule cannot be read or too few rows are held out for it.
        TypeError
            If the detector learns from labels.
        """
        rule = self._rule()
        if get_tags(self.detector).target_tags.required:
            raise TypeError(
                f"{type(self.detector).__name__} learns from labels, which the detector inside "
                "does not get here; fit it alone, then put its scores into calibrate_threshold"
            )
        _features.refuse_lazy(X, "X")
        n = _num_samples(X)
        labelled = "costs" in rule
        if labelled and y is None:
            raise ValueError("the rule costs needs labels: fit(X, y), or calibrate(X, y) later")
        if labelled:
            y = _plain(y)
            if len(y) != n:
                raise ValueError(f"y has {len(y)} labels, but X has {n} rows")
        random = check_random_state(self.random_state)
        held_out = self._held_out(n, rule, random)
        detector = clone(self.detector)
        if self.random_state is not None:
            _seed(detector, random)
        if len(held_out):
            X = _indexable(X)
            seen = np.setdiff1d(np.arange(n), held_out, assume_unique=True)
            part = {name: _rows_of(value, seen, n) for name, value in fit_params.items()}
            detector.fit(_safe_indexing(X, seen), **part)
            scored = _safe_indexing(X, held_out)
            labels = _safe_indexing(y, held_out) if labelled else None
        else:
            detector.fit(X, **fit_params)
            scored, labels = X, (y if labelled else None)
        self.detector_ = detector
        return self._calibrated(scored, labels, rule)

    def calibrate(self, X: Matrix, y: Column | None = None) -> Self:
        """Choose the threshold anew on rows of the caller, such as a quiet week.

        Parameters
        ----------
        X : array-like or frame, shape (n_samples, n_features)
            Rows that the detector was not fitted on; for ``false_positive_rate``, normal ones
            unless `y` says which are.
        y : array-like, shape (n_samples,), optional
            Labels, as :func:`calibrate_threshold` reads them.

        Returns
        -------
        self : ThresholdedDetector
            If it was not fitted, it now uses ``detector`` itself, which must be fitted.
        """
        rule = self._rule()
        if not hasattr(self, "detector_"):
            check_is_fitted(self.detector)
            self.detector_ = self.detector
        return self._calibrated(X, y, rule)

    def _calibrated(self, X, y, rule):
        self.operating_point_ = calibrate_threshold(self._scores(X), y, **rule)
        return self._described()

    def _described(self):
        """The attributes that follow from the detector and the operating point."""
        self.threshold_ = self.operating_point_.threshold
        self.offset_ = self.threshold_
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.detector_, name):
                setattr(self, name, getattr(self.detector_, name))
            elif hasattr(self, name):
                delattr(self, name)
        return self

    def score_samples(self, X: Matrix) -> Floats:
        """Scores of the detector; higher = more normal.

        Parameters
        ----------
        X : array-like or frame, shape (n_samples, n_features)

        Returns
        -------
        ndarray of float, shape (n_samples,)
        """
        check_is_fitted(self)
        return self._scores(X)

    def decision_function(self, X: Matrix) -> Floats:
        """``score_samples(X) - threshold_``: below 0 for an anomaly.

        Parameters
        ----------
        X : array-like or frame, shape (n_samples, n_features)

        Returns
        -------
        ndarray of float, shape (n_samples,)
        """
        check_is_fitted(self, "threshold_")
        return self._scores(X) - self.threshold_

    def predict(self, X: Matrix) -> Int64:
        """1 for a normal row, -1 for an anomaly (a score below the threshold).

        Parameters
        ----------
        X : array-like or frame, shape (n_samples, n_features)

        Returns
        -------
        ndarray of int, shape (n_samples,)
        """
        check_is_fitted(self, "threshold_")
        return np.where(self._scores(X) < self.threshold_, -1, 1)

    def alarms(self, X: Matrix, *, times: Data | None = None, groups: Data | None = None) -> Bools:
        """Whether a row raises an alarm: the anomalies, less those soon after another one.

        Parameters
        ----------
        X : array-like or frame, shape (n_samples, n_features)
        times, groups : array-like, shape (n_samples,), optional
            As for :func:`first_alarms`; used if ``refractory`` is set.

        Returns
        -------
        ndarray of bool, shape (n_samples,)

        Raises
        ------
        ValueError
            If `times` or `groups` are given and ``refractory`` is not set.
        """
        is_anomaly = self.predict(X) == -1
        if self.refractory is None:
            if times is not None or groups is not None:
                raise ValueError('times and groups need refractory, such as refractory="6h"')
            return is_anomaly
        return first_alarms(is_anomaly, self.refractory, times=times, groups=groups)

    @available_if(_inner_has("explain"))
    def explain(self, X: Matrix, **options: Any) -> Any:
        """What the detector's own `explain` says.

        Parameters
        ----------
        X : array-like or frame, shape (n_samples, n_features)
        **options
            Those of the detector.
        """
        check_is_fitted(self)
        return self.detector_.explain(X, **options)

    @available_if(_inner_has("reasons"))
    def reasons(self, X: Matrix, **options: Any) -> Any:
        """What the detector's own `reasons` says.

        Parameters
        ----------
        X : array-like or frame, shape (n_samples, n_features)
        **options
            Those of the detector.
        """
        check_is_fitted(self)
        return self.detector_.reasons(X, **options)

    @available_if(_inner_has("_to_model"))
    def save(self, path: PathLike) -> None:
        """Write the detector and its threshold to one file, whole or not at all.

        Parameters
        ----------
        path : str or path-like

        Raises
        ------
        OSError
            If it cannot be written.

        See Also
        --------
        linewatch.load : Reads it.
        """
        check_is_fitted(self, "threshold_")
        _models.save(self, path)

    def _to_model(self):
        inner, arrays = _models.nested(self.detector_)
        settings = {
            "parameters": _models.parameters(self, leave_out=["detector"]),
            "operating_point": self.operating_point_.as_dict(),
            "detector": inner,
        }
        return settings, arrays

    @classmethod
    def _from_model(cls, settings, arrays, path=None):
        inner = _models.unnested(settings["detector"], arrays)
        detector = cls(inner, **settings["parameters"])
        detector.detector_ = inner
        detector.operating_point_ = OperatingPoint(**settings["operating_point"])
        return detector._described()

    def _rule(self):
        rule = {"false_positive_rate": 0.01} if self.rule is None else self.rule
        if not isinstance(rule, dict):
            raise TypeError(
                f'rule must be a dict such as {{"false_positive_rate": 0.01}}, got {rule!r}'
            )
        unknown = [name for name in rule if name not in (*RULES, "prevalence")]
        if unknown or sum(name in rule for name in RULES) != 1:
            raise ValueError(
                f"rule must hold exactly one of {', '.join(RULES)} (and perhaps prevalence), "
                f"got {', '.join(map(str, rule)) or 'nothing'}"
            )
        return rule

    def _held_out(self, n, rule, random):
        """Rows that the detector does not see."""
        share = self.holdout
        if share is None:
            share = 0.25 if rule.keys() & {"false_positive_rate", "costs"} else 0
        if isinstance(share, bool) or not isinstance(share, numbers.Real):
            raise TypeError(f"holdout must be a number, got {share!r}")
        if not 0 <= share < 1:
            raise ValueError(f"holdout must be at least 0 and below 1, got {share}")
        count = int(np.ceil(share * n))
        if count >= n > 0 and share > 0:
            raise ValueError(f"holdout {share} leaves no row to fit on (n_samples={n})")
        if not self.shuffle:
            return np.arange(n - count, n)
        return np.sort(random.permutation(n)[:count])

    def _scores(self, X):
        detector = self.detector_
        if hasattr(detector, "score_samples"):
            return np.asarray(detector.score_samples(X))
        if hasattr(detector, "decision_function"):
            return np.asarray(detector.decision_function(X))
        advice = "; construct it with novelty=True" if hasattr(detector, "novelty") else ""
        raise TypeError(
            f"{type(detector).__name__} has neither score_samples nor decision_function{advice}"
        )

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "threshold_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        if hasattr(self.detector, "__sklearn_tags__"):
            tags.input_tags = get_tags(self.detector).input_tags
        return tags


def _seed(detector, random):
    """Give a seed to what has none."""
    for name, value in sorted(detector.get_params(deep=True).items()):
        if name.split("__")[-1] == "random_state" and value is None:
            detector.set_params(**{name: random.randint(2**31 - 1)})


def _indexable(X):
    """Data that rows can be taken of."""
    if issparse(X):
        return X.tocsr()
    table = _features.frame(X)
    return np.asarray(X) if table is None else table


def _plain(y):
    """Labels that rows can be taken of."""
    return np.asarray(y) if isinstance(y, list | tuple | range) else y


def _rows_of(value, rows, n):
    """`rows` of what has one value a row; anything else as it is."""
    if value is None or not hasattr(value, "__len__") or len(value) != n or isinstance(value, str):
        return value
    return _safe_indexing(_plain(value), rows)
