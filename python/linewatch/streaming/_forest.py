"""An isolation forest that follows a stream: its trees are grown anew on the last rows."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from linewatch import _core, _features, _models
from linewatch._sklearn import BaseEstimator, OutlierMixin
from linewatch.iforest import PRESETS, IsolationForest

if TYPE_CHECKING:
    from sklearn.utils import Tags

    from linewatch._typing import Texts


STEPS = 16  # a window passes in so many steps; with each of them as many of the trees are replaced


class OnlineIsolationForest(OutlierMixin, _models.Loadable, BaseEstimator):
    """Isolation forest of the last rows of a stream, which forgets what is no longer so.

    The forest keeps the last `window` rows. While they fill up, all trees are grown anew whenever
    their number has doubled; from then on the oldest of 16 parts of the trees is grown anew with
    each 16th of a window that arrives. What was normal two windows ago has left no trace.

    Parameters
    ----------
    n_estimators : int, default=100
        Number of trees.
    max_samples : int, default=256
        Rows drawn from the window for each tree.
    window : int, default=2048
        Rows that are remembered. A shorter one forgets sooner, a longer one knows rare but normal
        rows better.
    warm_up : int, optional
        Rows learned before the first trees are grown; `max_samples` by default.
    contamination : "auto" or float, default="auto"
        Share of the rows that are anomalies, above 0 and up to 0.5: ``offset_`` is then that
        quantile of the scores which the rows of the window had when they came, so that it follows
        the stream, too. "auto" sets it to -0.5.
    preset : {"classic", "extended", "pooled"}, default="classic"
        How rows are split, as for `linewatch.IsolationForest`.
    n_jobs : int, optional
        Threads; as for `linewatch.IsolationForest`.
    random_state : int, RandomState instance or None, default=None
        Rows drawn and splits.

    Attributes
    ----------
    forest_ : IsolationForest
        The forest as it is now: one that learns no more, to be saved, explained or exported.
    offset_ : float
        ``decision_function = score_samples - offset_``.
    n_samples_seen_ : int
        Rows learned so far.
    n_features_in_ : int
        Features of a row.
    feature_names_in_ : ndarray of str
        Their names, where the first rows came as a frame.

    Raises
    ------
    ValueError, TypeError
        If a parameter is not what is said here; when rows are learned.

    See Also
    --------
    linewatch.IsolationForest : Learns once.
    OnlineScorer : Feeds a forest with features of streams.

    Notes
    -----
    The same rows in the same order give the same forest bit for bit, however they are divided among
    calls and for any number of threads. A row costs its place in the window and 0.3 ms for every
    16th of a window; memory is ``8 * window * n_features`` bytes and the trees.

    Every row is learned, anomalies too: few among many are still isolated soon, but what repeats
    for half a window becomes normal. That is what following a stream means.

    Half-space trees [1]_ need the range of every feature beforehand and count rows in cells drawn
    once; ``python benches/streaming.py`` compares.

    References
    ----------
    .. [1] Tan, S. C., Ting, K. M., Liu, F. T. (2011). Fast anomaly detection for streaming data.
       IJCAI 2011.

    Examples
    --------
    The traffic of a cell doubles for good. After two windows that is normal, a silence is not.

    >>> import numpy as np
    >>> from linewatch.streaming import OnlineIsolationForest
    >>> rng = np.random.default_rng(0)
    >>> before, after = rng.normal(100, 5, (3000, 1)), rng.normal(200, 5, (3000, 1))
    >>> forest = OnlineIsolationForest(window=1024, contamination=0.01, random_state=0)
    >>> forest.partial_fit(before).predict([[100.0], [200]])
    array([ 1, -1])
    >>> forest.partial_fit(after).predict([[100.0], [200], [0]])
    array([-1,  1, -1])
    """

    n_estimators: int
    max_samples: int
    window: int
    warm_up: int | None
    contamination: float | str
    preset: str
    n_jobs: int | None
    random_state: Any
    forest_: IsolationForest
    offset_: float
    n_samples_seen_: int
    n_features_in_: int
    feature_names_in_: Texts

    _parameter_constraints = {
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "max_samples": [Interval(Integral, 2, None, closed="left")],
        "window": [Interval(Integral, 2, None, closed="left")],
        "warm_up": [Interval(Integral, 2, None, closed="left"), None],
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
        "preset": [StrOptions(set(PRESETS))],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        n_estimators: int = 100,
        max_samples: int = 256,
        window: int = 2048,
        warm_up: int | None = None,
        contamination: float | str = "auto",
        preset: str = "classic",
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.max_samples = max_samples
        self.window = window
        self.warm_up = warm_up
        self.contamination = contamination
        self.preset = preset
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None) -> OnlineIsolationForest:
        """Forget everything and learn these rows, in their order.

        Trees are grown of fewer rows than the warm-up, too, and the threshold is first set by the
        scores that the rows of the window have now.

        Parameters
        ----------
        X : array-like or frame, shape (n_samples, n_features)
            NaN is missing.
        y : ignored

        Returns
        -------
        self : OnlineIsolationForest

        Raises
        ------
        ValueError
            As `partial_fit`.
        """
        for name in ("forest_", "offset_", "n_samples_seen_", "_rows"):
            self.__dict__.pop(name, None)
        self.partial_fit(X)
        if not hasattr(self, "forest_"):
            self._refresh()
        if self.contamination != "auto":
            self.offset_ = self._quantile(self.forest_._forest, learned=True)
            self.forest_.offset_ = self.offset_
        return self

    def partial_fit(self, X: ArrayLike, y: Any = None) -> OnlineIsolationForest:
        """Learn more rows, in their order.

        Parameters
        ----------
        X : array-like or frame, shape (n_samples, n_features)
            NaN is missing.
        y : ignored

        Returns
        -------
        self : OnlineIsolationForest

        Raises
        ------
        ValueError
            If `X` has other features than the rows before, or infinite values. Nothing is learned
            then.
        """
        self._learn(self._read(X, learn=True), self.contamination != "auto")
        return self

    def score_and_learn(self, X: ArrayLike) -> NDArray[np.float64]:
        """Score each row by the rows before it, then learn it.

        Parameters
        ----------
        X : array-like or frame, shape (n_samples, n_features)
            NaN is missing.

        Returns
        -------
        ndarray of float64, shape (n_samples,)
            As :meth:`score_samples`; NaN for the rows of the warm-up. Bit for bit what the rows
            would get one at a time.

        Raises
        ------
        ValueError
            As `partial_fit`.
        """
        return self._learn(self._read(X, learn=True), True)

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Score of each row by the rows learned so far; higher = more normal.

        Parameters
        ----------
        X : array-like or frame, shape (n_samples, n_features)

        Returns
        -------
        ndarray of float64, shape (n_samples,)
            From -1 (isolated at once) to 0, about -0.5 for an average row.

        Raises
        ------
        NotFittedError
            During the warm-up.
        ValueError
            If `X` has other features than the rows learned, or is infinite.
        """
        return self._now().score_samples(X)

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """``score_samples(X) - offset_``: below 0 for an anomaly.

        Parameters
        ----------
        X : array-like or frame, shape (n_samples, n_features)

        Returns
        -------
        ndarray of float64, shape (n_samples,)
        """
        return self._now().decision_function(X)

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """1 for a normal row, -1 for an anomaly.

        Parameters
        ----------
        X : array-like or frame, shape (n_samples, n_features)

        Returns
        -------
        ndarray of int, shape (n_samples,)
        """
        return self._now().predict(X)

    def explain(self, X: ArrayLike) -> Any:
        """What each feature adds to a score; as `linewatch.IsolationForest.explain`.

        Parameters
        ----------
        X : array-like or frame, shape (n_samples, n_features)

        Returns
        -------
        ndarray or frame of the caller's kind, shape (n_samples, n_features)
            Negative contributions make a row more anomalous.
        """
        return self._now().explain(X)

    def reasons(self, X: ArrayLike, *, top: int = 3) -> Any:
        """The features that make a row anomalous; as `linewatch.IsolationForest.reasons`.

        Parameters
        ----------
        X : array-like or frame, shape (n_samples, n_features)
        top : int, default=3
            Features to name, at most.

        Returns
        -------
        ndarray of str or frame of the caller's kind, shape (n_samples, top)
        """
        return self._now().reasons(X, top=top)

    def save(self, path: Any) -> None:
        """Write the forest with its window to one file, whole or not at all.

        Parameters
        ----------
        path : str or path-like

        Raises
        ------
        OSError
            If it cannot be written.

        See Also
        --------
        linewatch.load : Reads it; the forest then learns on where it was.
        """
        if not hasattr(self, "_rows"):
            raise NotFittedError("this OnlineIsolationForest has not learned a row yet")
        _models.save(self, path)

    def _read(self, X, *, learn):
        """Rows as the window keeps them; the first ones say what the features are."""
        first = learn and not hasattr(self, "_rows")
        if first:
            self._check_parameters()
        X = _features.matrix(self, X, reset=first, allow_nan=True)
        _features.refuse_infinite(self, X)
        if first:
            self._begin(self._drawn_seed(), X.shape[1])
        return X

    def _start(self, names):
        """Know the features before the first row."""
        self._check_parameters()
        self.n_features_in_, self.feature_names_in_ = len(names), np.array(names, dtype=object)
        self._begin(self._drawn_seed(), len(names))

    def _check_parameters(self):
        self._validate_params()
        if self.warm_up is not None and self.warm_up > self.window:
            raise ValueError(
                f"warm_up must be at most the window of {self.window} rows, got {self.warm_up}"
            )

    def _drawn_seed(self):
        random = check_random_state(self.random_state)
        return int(random.randint(2**63 - 1, dtype=np.int64))

    def _begin(self, seed, n_features):
        self._seed, self._grown = seed, 0
        self.n_samples_seen_ = 0
        self._rows = np.full((self.window, n_features), np.nan)
        self._scores = np.full(self.window, np.nan)
        self.offset_ = -0.5

    def _learn(self, X, scored):
        """Learn rows; their scores by the rows before them."""
        scores = np.full(len(X), np.nan)
        for rows in self._steps(len(X)):
            if scored and hasattr(self, "forest_"):
                trees = self.forest_._forest
                scores[rows] = trees.score_samples(X[rows], n_jobs=self.n_jobs)
            self._remember(X[rows], scores[rows])
        return scores

    def _steps(self, n):
        """Stretches of the next `n` rows during which the trees stay; each is remembered next."""
        at = 0
        while at < n:
            stop = min(n, at + self._next() - self.n_samples_seen_)
            yield slice(at, stop)
            at = stop

    def _remember(self, X, scores):
        """Put the rows of a step in the window, and grow trees if it is time."""
        first = max(0, len(X) - self.window)
        places = np.arange(self.n_samples_seen_ + first, self.n_samples_seen_ + len(X))
        places %= self.window
        due = self._next()
        self._rows[places], self._scores[places] = X[first:], scores[first:]
        self.n_samples_seen_ += len(X)
        if self.n_samples_seen_ == due:
            self._refresh()

    def _next(self):
        """The number of rows after which trees are grown next."""
        n, warm_up = self.n_samples_seen_, self.warm_up
        due = min(self.max_samples if warm_up is None else warm_up, self.window)
        while due <= n and due < self.window:
            due = min(2 * due, self.window)
        if due <= n:
            step = -(-self.window // STEPS)
            due = self.window + step * ((n - self.window) // step + 1)
        return due

    def _refresh(self):
        """Grow all trees anew while the window fills up, else the oldest of them."""
        known = min(self.n_samples_seen_, self.window)
        is_full = self.n_samples_seen_ > self.window
        new = -(-self.n_estimators // STEPS) if is_full else self.n_estimators
        p = self._rows.shape[1]
        columns, gain = PRESETS[self.preset]
        trees = _core.Forest.fit(
            self._rows[:known],
            n_estimators=new,
            max_samples=min(self.max_samples, known),
            max_features=p,
            bootstrap=False,
            columns_per_split=columns(p),
            gain=gain,
            categorical=None,
            sample_weight=None,
            seed=self._seed,
            first_tree=self._grown,
            n_jobs=self.n_jobs,
        )
        self._grown += new
        if new < self.n_estimators:
            trees = self.forest_._forest.subset(new, self.n_estimators).extended_by(trees)
        if self.contamination != "auto":
            self.offset_ = self._quantile(trees)
        self._hold(trees)

    def _quantile(self, trees, learned=False):
        """The threshold by the scores that rows had when they came, or have now."""
        known = min(self.n_samples_seen_, self.window)
        scores = self._scores[:known]
        scores = scores[~np.isnan(scores)]
        if learned or not len(scores):
            scores = trees.score_samples(self._rows[:known], n_jobs=self.n_jobs)
        return float(np.percentile(scores, 100.0 * self.contamination))

    def _hold(self, trees):
        """Make `forest_` of the trees."""
        forest = IsolationForest(
            n_estimators=self.n_estimators,
            max_samples=self.max_samples,
            preset=self.preset,
            n_jobs=self.n_jobs,
        )
        forest.n_features_in_ = self.n_features_in_
        if hasattr(self, "feature_names_in_"):
            forest.feature_names_in_ = self.feature_names_in_
        forest._forest, forest.offset_ = trees, self.offset_
        forest.max_samples_, forest.categories_ = trees.max_samples, {}
        forest._seed, forest._draws = self._seed, []
        self.forest_ = forest

    def _now(self):
        if not hasattr(self, "_rows"):
            raise NotFittedError("this OnlineIsolationForest has not learned a row yet")
        if not hasattr(self, "forest_"):
            raise NotFittedError(
                f"this OnlineIsolationForest has learned {self.n_samples_seen_} rows; its first "
                f"trees are grown after {self._next()} (see warm_up)"
            )
        return self.forest_

    def _to_model(self):
        arrays = {"window": self._rows, "scores": self._scores}
        if hasattr(self, "forest_"):
            arrays["forest"] = np.frombuffer(self.forest_._forest.to_bytes(), np.uint8)
        settings = {
            "parameters": _models.parameters(self),
            "offset": self.offset_,
            "n_samples_seen": self.n_samples_seen_,
            "seed": self._seed,
            "grown": self._grown,
            **_models.described_features(self),
        }
        return settings, arrays

    @classmethod
    def _from_model(cls, settings, arrays, path=None):
        out = cls(**settings["parameters"])
        out._check_parameters()
        _models.feature_names(out, settings)
        out._begin(int(settings["seed"]), out.n_features_in_)
        for name, kept in (("window", out._rows), ("scores", out._scores)):
            if arrays[name].shape != kept.shape or arrays[name].dtype != kept.dtype:
                raise KeyError(f"{name} of shape {arrays[name].shape}")
            kept[...] = arrays[name]  # the arrays of a file are read-only
        out._grown = int(settings["grown"])
        out.n_samples_seen_ = int(settings["n_samples_seen"])
        out.offset_ = float(settings["offset"])
        if "forest" in arrays:
            trees = _core.Forest.from_bytes(arrays["forest"].tobytes())
            if (trees.n_features, trees.n_trees) != (out.n_features_in_, out.n_estimators):
                raise KeyError(f"{trees.n_trees} trees of {trees.n_features} features")
            out._hold(trees)
        elif out._grown:
            raise KeyError("no trees")
        return out

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "forest_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
