"""The recommended detector: a random forest and the distance to normal traffic, in one score.

A forest trained on known attacks is sure of itself where it knows nothing: an attack of a new kind
lands in some leaf, often a normal one. The distance to the nearest normal record knows no attack
and so is not misled by those it has seen. Each of the two scores is turned into a tail probability
on normal rows that neither was fitted on, and their logarithms are added, as Fisher combines
independent tests [1]_; the threshold is the quantile of that sum at the false-positive rate asked
for. Model, distance and threshold rule were chosen by cross-validation that leaves whole attack
families of the training data out (see docs/intrusion.md).

.. [1] Fisher, R. A. (1932). Statistical methods for research workers, 4th edition, section 21.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.exceptions import NotFittedError

from linewatch import _features, _models
from linewatch._nsl_kdd import CATEGORICAL, FEATURES, RATES
from linewatch._sklearn import BaseEstimator, OutlierMixin
from linewatch.intrusion._columns import NUMERIC, by_frequency, raw_columns
from linewatch.intrusion._report import _labels
from linewatch.threshold import OperatingPoint, calibrate_threshold

if TYPE_CHECKING:
    from typing import Self

    from sklearn.utils import Tags

    from linewatch._typing import AnyFrame, Array, Column, Float64, Int64, MatrixT, PathLike, Texts
    from linewatch.threshold import OperatingPoint


# In distances a logarithm counts in thirds of its standard deviation, up to five of them.
UNIT, TOP = 3.0, 5.0
# What each differing category adds to a squared distance.
CATEGORY_GAP = 0.98
# Beyond this quantile of the calibration rows a tail is exponential, with their mean excess.
TAIL_FROM = 0.99
LEAST_NORMAL, LEAST_ATTACKS = 100, 10
BLOCK = 256
ARRAYS = (
    "log_scale", "reference", "reference_codes", "tree_start", "feature", "threshold", "left",
    "right", "value", "calibration_forest", "calibration_distance",
)  # fmt: skip


class IntrusionDetector(OutlierMixin, _models.Loadable, BaseEstimator):
    """Random forest plus distance to normal traffic; takes the 41 raw columns of NSL-KDD.

    Parameters
    ----------
    false_positive_rate : float, default=0.05
        Share of normal rows that may raise an alarm; the threshold is set for it on normal rows
        kept out of the fit. Traffic that differs from the training data will raise more.
    n_estimators : int, default=150
        Trees of the forest.
    max_features : int, default=3
        Columns a split of a tree chooses from; few make votes less sure where nothing is known.
    n_reference : int, default=40000
        Normal records to measure the distance to, drawn at random from those fitted on.
    calibration_share : float, default=0.2
        Share of the normal rows kept out of the fit for the tails and the threshold.
    random_state : int, optional
        The same seed gives the same detector.
    n_jobs : int, optional
        Threads that grow the forest, as scikit-learn means it.

    Attributes
    ----------
    offset_ : float
        The threshold: rows whose score is below it are attacks.
    operating_point_ : OperatingPoint
        The threshold's rule and what to expect of it; print it.
    categories_ : dict of int to list of str
        Known categories of the three text columns, by the place of the column among the 41; the
        most frequent among normal rows first.
    feature_names_in_ : ndarray of str, shape (41,)

    Notes
    -----
    Columns are found by name, in any order, and others are left alone. A category that was not in
    the training data counts as rarer than the rarest known one in the forest, and differs from
    every known one in the distance.

    Examples
    --------
    >>> from linewatch import intrusion
    >>> train = intrusion.simulate_core(1000, seed=0)
    >>> detector = intrusion.IntrusionDetector(random_state=0).fit(train, train["attack"])
    >>> new = intrusion.simulate_core(500, seed=1)
    >>> found = detector.predict(new) == -1
    >>> float(round(found[new["attack"].to_numpy() == 1].mean(), 1))
    1.0
    """

    false_positive_rate: float
    n_estimators: int
    max_features: int
    n_reference: int
    calibration_share: float
    random_state: int | None
    n_jobs: int | None
    offset_: float
    operating_point_: OperatingPoint
    categories_: dict[int, list[str]]
    feature_names_in_: Texts
    log_scale_: Array
    reference_: Array
    reference_codes_: Array
    calibration_forest_: Array
    calibration_distance_: Array
    tree_start_: Array
    feature_: Array
    threshold_: Array
    left_: Array
    right_: Array
    value_: Array
    n_features_in_: int

    def __init__(
        self,
        *,
        false_positive_rate: float = 0.05,
        n_estimators: int = 150,
        max_features: int = 3,
        n_reference: int = 40_000,
        calibration_share: float = 0.2,
        random_state: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.false_positive_rate = false_positive_rate
        self.n_estimators = n_estimators
        self.max_features = max_features
        self.n_reference = n_reference
        self.calibration_share = calibration_share
        self.random_state = random_state
        self.n_jobs = n_jobs

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    def fit(self, X: AnyFrame, y: Column) -> Self:
        """Fit on labelled records.

        Parameters
        ----------
        X : DataFrame (pandas, Polars, pyarrow)
            With the 41 columns; see :data:`linewatch.intrusion.FEATURES`.
        y : array-like of int, shape (n,)
            0 is normal, 1 an attack.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a column is missing or holds what it cannot, labels are other than 0 and 1, there
            are fewer than 100 normal rows or 10 attacks, or a parameter is out of range.
        TypeError
            If `X` is not a frame or a column of numbers holds text.
        """
        from sklearn.ensemble import RandomForestClassifier

        self._check_parameters()
        numbers, texts = raw_columns(X)
        y = _labels(y)
        if len(y) != len(numbers):
            raise ValueError(f"y has {len(y)} values, X has {len(numbers)} rows")
        n_normal, n_attacks = int((y == 0).sum()), int((y == 1).sum())
        if n_normal < LEAST_NORMAL or n_attacks < LEAST_ATTACKS:
            raise ValueError(
                f"y has {n_normal} normal rows and {n_attacks} attacks; expected at least "
                f"{LEAST_NORMAL} and {LEAST_ATTACKS}"
            )
        rng = np.random.default_rng(self.random_state)
        normal = rng.permutation(np.flatnonzero(y == 0))
        n_kept = max(int(self.calibration_share * n_normal), 1)
        kept, fitted = normal[:n_kept], normal[n_kept:]
        rows = np.sort(np.r_[fitted, np.flatnonzero(y == 1)])

        self.feature_names_in_ = np.array(FEATURES, dtype=object)
        self.n_features_in_ = len(FEATURES)
        self.categories_ = {
            FEATURES.index(name): by_frequency(column[fitted], column[rows])
            for name, column in texts.items()
        }
        self.log_scale_ = UNIT * (np.log1p(numbers[rows]).std(axis=0) + 1e-9)
        trees, places, codes = self._columns(numbers, texts)
        forest = RandomForestClassifier(
            self.n_estimators,
            max_features=self.max_features,
            random_state=int(rng.integers(2**31)),
            n_jobs=self.n_jobs,
        ).fit(trees[rows], y[rows])
        self._flatten(forest)
        chosen = rng.permutation(fitted)[: self.n_reference]
        chosen = chosen[np.lexsort(codes[chosen].T)]
        self.reference_, self.reference_codes_ = places[chosen], codes[chosen]
        self._prepare()
        parts = self._parts(trees[kept], places[kept], codes[kept])
        self.calibration_forest_, self.calibration_distance_ = map(np.sort, parts)
        scores = self._join(*parts)
        self.operating_point_ = calibrate_threshold(
            scores, false_positive_rate=self.false_positive_rate
        )
        self.offset_ = self.operating_point_.threshold
        return self

    def score_samples(self, X: AnyFrame) -> Float64:
        """How normal each record is; higher = more normal.

        Parameters
        ----------
        X : DataFrame (pandas, Polars, pyarrow)
            With the 41 columns.

        Returns
        -------
        ndarray of float64, shape (n,)
            Sum of the natural logarithms of two tail probabilities on normal traffic, 0 at most.

        Raises
        ------
        ValueError, TypeError
            As :meth:`fit`, of the columns; `X` must have at least one row.
        """
        self._fitted()
        numbers, texts = raw_columns(X)
        return self._join(*self._parts(*self._columns(numbers, texts)))

    def decision_function(self, X: AnyFrame) -> Float64:
        """`score_samples` less the threshold: negative for an attack.

        Parameters
        ----------
        X : DataFrame (pandas, Polars, pyarrow)

        Returns
        -------
        ndarray of float64, shape (n,)
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: AnyFrame) -> Int64:
        """-1 for an attack, 1 for a normal record.

        Parameters
        ----------
        X : DataFrame (pandas, Polars, pyarrow)

        Returns
        -------
        ndarray of int, shape (n,)
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def fit_predict(self, X: AnyFrame, y: Column | None = None) -> Int64:
        """Fit on labelled records and predict the same ones; the labels are needed.

        Parameters
        ----------
        X : DataFrame (pandas, Polars, pyarrow)
        y : array-like of int, shape (n,)

        Returns
        -------
        ndarray of int, shape (n,)
        """
        if y is None:
            raise ValueError("y is None; this detector learns from labels, 0 normal and 1 attack")
        return self.fit(X, y).predict(X)

    def reasons(self, X: MatrixT, *, top: int = 3) -> MatrixT:
        """Where each record differs most from the normal record nearest to it.

        Parameters
        ----------
        X : DataFrame (pandas, Polars, pyarrow)
        top : int, default=3
            Columns to name, at most.

        Returns
        -------
        DataFrame of the same kind, shape (n, top)
            ``reason_1`` and so on: texts such as ``"src_bytes = 0 (normal: 215)"``, the largest
            difference first, empty where there is no further one. They explain the distance, not
            the votes of the forest.
        """
        self._fitted()
        _features.check_top(top)
        numbers, texts = raw_columns(X)
        _, places, codes = self._columns(numbers, texts)
        nearest, _ = self._nearest(places, codes)
        near, near_codes = self.reference_[nearest], self.reference_codes_[nearest]
        gap = (places.astype(np.float64) - near) ** 2
        gap = np.hstack([gap, CATEGORY_GAP * (codes != near_codes)])
        order = np.argsort(-gap, axis=1, kind="stable")[:, :top]
        usual = np.expm1(near.astype(np.float64) * self.log_scale_)
        out = np.full(order.shape, "", dtype=object)
        for row, columns in enumerate(order):
            for place, i in enumerate(columns):
                if gap[row, i] <= 1e-9:
                    break
                if i < len(NUMERIC):
                    name = NUMERIC[i]
                    digits = 2 if name in RATES else 0
                    here, there = f"{numbers[row, i]:.{digits}f}", f"{usual[row, i]:.{digits}f}"
                else:
                    name = CATEGORICAL[i - len(NUMERIC)]
                    known = self.categories_[FEATURES.index(name)]
                    here = texts[name][row]
                    there = known[near_codes[row, i - len(NUMERIC)]]
                out[row, place] = f"{name} = {here} (normal: {there})"
        return _features.like(X, out, [f"reason_{k + 1}" for k in range(out.shape[1])])

    def save(self, path: PathLike) -> None:
        """Write the detector to one file, whole or not at all.

        Parameters
        ----------
        path : str or path-like

        Notes
        -----
        The file executes nothing when it is read. It holds records of the training traffic,
        scaled: the normal ones that distances are measured to.

        See Also
        --------
        linewatch.intrusion.load : Reads it.
        """
        self._fitted()
        _models.save(self, path)

    def _to_model(self):
        settings = {
            "parameters": _models.parameters(self),
            "categories": [[column, known] for column, known in self.categories_.items()],
            "operating_point": self.operating_point_.as_dict(),
        }
        return settings, {name: getattr(self, f"{name}_") for name in ARRAYS}

    @classmethod
    def _from_model(cls, settings, arrays, path=None):
        detector = cls(**settings["parameters"])
        detector.feature_names_in_ = np.array(FEATURES, dtype=object)
        detector.n_features_in_ = len(FEATURES)
        detector.categories_ = {column: known for column, known in settings["categories"]}
        for name in ARRAYS:
            setattr(detector, f"{name}_", arrays[name])
        detector._check_trees()
        detector._prepare()
        detector.operating_point_ = OperatingPoint(**settings["operating_point"])
        detector.offset_ = detector.operating_point_.threshold
        return detector

    def _check_parameters(self):
        for name in ("n_estimators", "max_features", "n_reference"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
                raise ValueError(f"{name} must be a whole number from 1, got {value!r}")
        for name in ("false_positive_rate", "calibration_share"):
            value = getattr(self, name)
            if not 0 < value < 1:
                raise ValueError(f"{name} must be between 0 and 1, got {value!r}")

    def _fitted(self):
        if not hasattr(self, "offset_"):
            raise NotFittedError("this IntrusionDetector is not fitted; call fit(X, y) first")

    def _flatten(self, forest):
        """The trees as one run of nodes; a leaf is its own child."""
        trees = [estimator.tree_ for estimator in forest.estimators_]
        counts = np.array([tree.node_count for tree in trees])
        self.tree_start_ = np.r_[0, counts.cumsum()[:-1]].astype(np.int32)
        own = np.arange(counts.sum(), dtype=np.int32)
        shift = np.repeat(self.tree_start_, counts)
        leaf = np.concatenate([tree.children_left for tree in trees]) < 0
        for name in ("left", "right"):
            child = np.concatenate([getattr(tree, f"children_{name}") for tree in trees])
            setattr(self, f"{name}_", np.where(leaf, own, child + shift).astype(np.int32))
        feature = np.concatenate([tree.feature for tree in trees])
        self.feature_ = np.where(leaf, 0, feature).astype(np.int16)
        self.threshold_ = np.concatenate([tree.threshold for tree in trees])
        counts_of = np.concatenate([tree.value[:, 0, :] for tree in trees])
        self.value_ = (counts_of[:, 1] / counts_of.sum(axis=1)).astype(np.float32)

    def _check_trees(self):
        """Every way down ends in a leaf: children stand behind their parents."""
        n = len(self.value_)
        own = np.arange(n)
        nodes = (self.left_, self.right_, self.feature_, self.threshold_, self.value_)
        sound = all(part.shape == (n,) for part in nodes) and self.tree_start_.ndim == 1
        sound = sound and all(
            ((side >= own) & (side < n)).all() for side in (self.left_, self.right_)
        )
        # A leaf is its own child, on both sides.
        sound = sound and ((self.left_ == own) == (self.right_ == own)).all()
        sound = sound and ((self.feature_ >= 0) & (self.feature_ < len(FEATURES))).all()
        starts = self.tree_start_
        sound = sound and len(starts) and ((starts >= 0) & (starts < n)).all()
        if not sound:
            raise KeyError("trees whose nodes contradict each other")

    def _prepare(self):
        """What follows from the arrays: squared lengths, and where each mix of categories lies."""
        self._squares = (self.reference_ * self.reference_).sum(axis=1)
        mixes, starts = np.unique(self.reference_codes_, axis=0, return_index=True)
        order = starts.argsort()
        ends = np.r_[starts[order][1:], len(self.reference_)]
        self._mixes = {tuple(mixes[i].tolist()): (starts[i], end) for i, end in zip(order, ends)}

    def _columns(self, numbers, texts):
        """What the forest reads, the places of the numbers, and the codes of the categories."""
        logs = np.log1p(numbers)
        codes = np.empty((len(logs), len(CATEGORICAL)), dtype=np.int16)
        for i, (column, known) in enumerate(self.categories_.items()):
            code = {category: place for place, category in enumerate(known)}
            codes[:, i] = [code.get(value, len(known)) for value in texts[FEATURES[column]]]
        trees = np.hstack([logs, codes]).astype(np.float32)
        return trees, np.minimum(logs / self.log_scale_, TOP / UNIT).astype(np.float32), codes

    def _parts(self, trees, places, codes):
        """Share of the trees' votes for an attack, and the distance to the nearest normal row."""
        blocks = [trees[start : start + BLOCK] for start in range(0, len(trees), BLOCK)]
        votes = np.concatenate([self._vote(block) for block in blocks])
        return votes, self._nearest(places, codes)[1]

    def _vote(self, rows):
        at = np.tile(self.tree_start_, (len(rows), 1))
        each = np.arange(len(rows))[:, None]
        while True:
            below = rows[each, self.feature_[at]] <= self.threshold_[at]
            after = np.where(below, self.left_[at], self.right_[at])
            if (after == at).all():
                return self.value_[at].mean(axis=1, dtype=np.float64)
            at = after

    def _nearest(self, places, codes):
        """The nearest reference row of each row, and its distance.

        Rows of one mix of categories go together. Reference rows of the same mix come first; only
        where none of them is nearer than one differing category makes any other are those asked.
        """
        nearest = np.zeros(len(places), dtype=np.int64)
        distance = np.empty(len(places))
        mixes, which = np.unique(codes, axis=0, return_inverse=True)
        rows_of = np.split(
            np.argsort(which.ravel(), kind="stable"),
            np.cumsum(np.bincount(which.ravel(), minlength=len(mixes)))[:-1],
        )
        for mix, every in zip(mixes, rows_of):
            gaps = CATEGORY_GAP * (self.reference_codes_ != mix).sum(axis=1, dtype=np.float32)
            own = self._mixes.get(tuple(mix.tolist()))
            for start in range(0, len(every), BLOCK):
                rows = every[start : start + BLOCK]
                if own is not None:
                    distance[rows] = self._closest(places[rows], slice(*own), gaps, nearest, rows)
                    rows = rows[distance[rows] ** 2 > CATEGORY_GAP]
                if len(rows):
                    distance[rows] = self._closest(places[rows], slice(None), gaps, nearest, rows)
        return nearest, distance

    def _closest(self, places, among, gaps, nearest, rows):
        """Distances to the closest of the reference rows `among`; notes which they are."""
        rough = places @ self.reference_[among].T
        rough *= -2
        rough += self._squares[among] + gaps[among]
        closest = rough.argmin(axis=1) + (among.start or 0)
        nearest[rows] = closest
        # Differences of squares cancel in float32; the one that counts is taken again.
        gap = places.astype(np.float64) - self.reference_[closest]
        return np.sqrt((gap * gap).sum(axis=1) + gaps[closest])

    def _join(self, votes, distance):
        forest = _log_tail(votes, self.calibration_forest_)
        return forest + _log_tail(distance, self.calibration_distance_)


def train(X: AnyFrame, y: Column, random_state: int | None = 0) -> IntrusionDetector:
    """The recommended detector, fitted, threshold included.

    Parameters
    ----------
    X : DataFrame (pandas, Polars, pyarrow)
        With the 41 columns of NSL-KDD; see :data:`linewatch.intrusion.FEATURES`.
    y : array-like of int, shape (n,)
        0 is normal, 1 an attack.
    random_state : int, default=0
        The same seed gives the same detector.

    Returns
    -------
    IntrusionDetector
        `score_samples` is higher for more normal records, `predict` is -1 for an attack.

    Raises
    ------
    ValueError, TypeError
        As :meth:`IntrusionDetector.fit`.

    Examples
    --------
    >>> from linewatch import intrusion
    >>> core = intrusion.simulate_core(3000, seed=0)
    >>> detector = intrusion.train(core, core["attack"])
    >>> new = intrusion.simulate_core(1000, seed=1)
    >>> found = intrusion.evaluate(
    ...     new["attack"], detector.score_samples(new), detector.predict(new))
    >>> found["recall"] > 0.9, found["false_positive_rate"] < 0.1
    (True, True)
    """
    return IntrusionDetector(random_state=random_state).fit(X, y)


def load(path: PathLike) -> IntrusionDetector:
    """A detector that :meth:`IntrusionDetector.save` wrote; nothing in the file is executed.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    IntrusionDetector

    Raises
    ------
    ValueError
        If the file is damaged, cut off, of another kind, or written by a newer linewatch.
    OSError
        If it cannot be read.

    Examples
    --------
    >>> import os, tempfile
    >>> from linewatch import intrusion
    >>> core = intrusion.simulate_core(1500, seed=0)
    >>> path = os.path.join(tempfile.mkdtemp(), "detector.lw")
    >>> intrusion.train(core, core["attack"]).save(path)
    >>> intrusion.load(path).predict(core[:3]).shape
    (3,)
    """
    return IntrusionDetector.load(path)


def _log_tail(values, calibration):
    """Logarithm of the chance that a normal row has this value or more.

    Up to a high quantile as the calibration rows have it, exponential beyond.
    """
    n = len(calibration)
    rank = np.searchsorted(calibration, values, side="left")
    p = (n - rank + 0.5) / (n + 1)
    start = np.quantile(calibration, TAIL_FROM)
    excess = calibration[calibration > start] - start
    scale = max(excess.mean() if len(excess) else 0.0, 1e-6 * (abs(start) + 1))
    end = np.log(1 - TAIL_FROM)
    beyond = end - (values - start) / scale
    return np.where(values > start, beyond, np.maximum(np.log(np.minimum(p, 1)), end))
