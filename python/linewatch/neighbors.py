"""Outlier detectors made of nearest neighbours: `LocalOutlierFactor` and `KNNDetector`.

Both are scikit-learn estimators on exact kernels: a k-d tree, or brute force in SIMD registers, on
as many threads as `n_jobs` allows. As in scikit-learn, `score_samples` is higher for the more
normal row and `predict` gives 1 for a normal row and -1 for an outlier.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, overload

import numpy as np
from sklearn.utils.validation import check_is_fitted

from linewatch import _core, _features
from linewatch._neighbor_search import NeighborSearch, check_share, one_of
from linewatch._progress import bar
from linewatch._sklearn import available_if

if TYPE_CHECKING:
    from typing import Any, Literal, Self

    from numpy.typing import ArrayLike

    from linewatch._typing import Data, Float64, Floats, Int64, MatrixT, Progress, Texts


__all__ = ["KNNDetector", "LocalOutlierFactor"]


def _novelty(method, advice):
    """The condition that `method` is there only with ``novelty=True``."""

    def check(self):
        if not self.novelty:
            raise AttributeError(f"{method} is not available when novelty=False. {advice}")
        return True

    return check


class LocalOutlierFactor(NeighborSearch):
    """Local outlier factor: how much sparser it is around a row than around its neighbors.

    Takes scikit-learn's parameters and gives its values, on exact kernels of our own.

    Parameters
    ----------
    n_neighbors : int, default=20
        Neighbors of a row; at most all others.
    algorithm : {"auto", "kd_tree", "ball_tree", "brute"}, default="auto"
        How neighbors are found; the values do not depend on it. ``"ball_tree"`` is accepted for
        scikit-learn's sake and runs the k-d tree. ``"auto"`` is the tree, unless `p` is below 1.
    leaf_size : int, default=30
        Rows in a leaf of the tree, rounded up to a multiple of 32.
    metric : str, default="minkowski"
        ``"minkowski"``, ``"euclidean"``, ``"manhattan"``, ``"chebyshev"``, ``"cosine"``, or one of
        scikit-learn's other names for these.
    p : float, default=2
        Order of the Minkowski metric: 1 Manhattan, 2 Euclidean, infinity Chebyshev.
    metric_params : dict, optional
        ``p``, and ``w``: a weight for each column, of the Minkowski metric.
    contamination : "auto" or float, default="auto"
        Share of outliers in the training data, above 0 and at most 0.5; sets `offset_`.
        ``"auto"`` is an offset of -1.5.
    novelty : bool, default=False
        False to judge the training rows (`fit_predict`), True to judge new ones (`predict`,
        `decision_function`, `score_samples`).
    n_jobs : int, optional
        Threads; -1 is all cores. None is what ``LINEWATCH_NUM_THREADS`` says, or all cores.
    duplicates : {"each", "distinct"}, default="each"
        What equal rows count for. ``"each"`` counts every copy, as scikit-learn does: where more
        than `n_neighbors` rows are equal, their density is almost infinite, and so are the factors
        of normal rows near them. ``"distinct"`` counts equal rows once: neighbors are different
        rows, copies have the factor of their place, and factors stay finite and near 1.
    progress : bool or callable, default=False
        True for a progress bar, or a function that is told how many rows were done.

    Attributes
    ----------
    negative_outlier_factor_ : ndarray of shape (n_samples,)
        The opposite of the factor of each training row: about -1 for a normal one, lower for an
        outlier. Of the dtype of the data.
    offset_ : float
        Rows with a score below it are outliers.
    n_neighbors_ : int
        Neighbors used.
    effective_metric_ : str
    effective_metric_params_ : dict
    n_samples_fit_ : int
        Rows of the training data.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if the training data had names; data to score must then have the same, in this order.

    Raises
    ------
    ValueError
        If a parameter is out of range, or the data are empty, not finite, not numbers, or of other
        columns than the training data.

    Notes
    -----
    Of rows at the same distance those that come first in the training data are neighbors. Where
    ties decide who is a neighbor, scikit-learn's choice, and with it the factor, may differ.

    References
    ----------
    .. [1] Breunig, M. M., Kriegel, H.-P., Ng, R. T., Sander, J. (2000). LOF: identifying
       density-based local outliers. Proceedings of SIGMOD, 93-104.

    Examples
    --------
    Traffic of five cells in Mbit/s; one stands out.

    >>> import linewatch as lw
    >>> mbit_per_s = [[98.0], [101.0], [100.0], [180.0], [99.0]]
    >>> lof = lw.LocalOutlierFactor(n_neighbors=2)
    >>> lof.fit_predict(mbit_per_s)
    array([ 1,  1,  1, -1,  1])
    >>> lof.negative_outlier_factor_.round(2)
    array([ -1.,  -1.,  -1., -53.,  -1.])
    """

    n_neighbors: int
    algorithm: Literal["auto", "kd_tree", "ball_tree", "brute"]
    leaf_size: int
    metric: str
    p: float
    metric_params: dict[str, Any] | None
    contamination: Literal["auto"] | float
    novelty: bool
    n_jobs: int | None
    duplicates: Literal["each", "distinct"]
    progress: Progress
    n_neighbors_: int
    negative_outlier_factor_: Floats
    offset_: float

    _learned = ("negative_outlier_factor_", "_reach", "_density")

    def __init__(
        self,
        n_neighbors: int = 20,
        *,
        algorithm: Literal["auto", "kd_tree", "ball_tree", "brute"] = "auto",
        leaf_size: int = 30,
        metric: str = "minkowski",
        p: float = 2,
        metric_params: dict[str, Any] | None = None,
        contamination: Literal["auto"] | float = "auto",
        novelty: bool = False,
        n_jobs: int | None = None,
        duplicates: Literal["each", "distinct"] = "each",
        progress: Progress = False,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.metric = metric
        self.p = p
        self.metric_params = metric_params
        self.contamination = contamination
        self.novelty = novelty
        self.n_jobs = n_jobs
        self.duplicates = duplicates
        self.progress = progress

    def _check_parameters(self):
        super()._check_parameters()
        if not isinstance(self.novelty, bool | np.bool_):
            raise TypeError(f"novelty must be True or False, got {self.novelty!r}")
        one_of("duplicates", self.duplicates, ("each", "distinct"))
        if self.contamination != "auto":
            check_share("contamination", self.contamination, '"auto" or ')

    def fit(self, X: Data, y: object = None) -> Self:
        """Compute the factors of the rows of `X`.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            Finite numbers. Anything with rows and columns: NumPy, pandas, Polars, Arrow.
        y : ignored

        Returns
        -------
        LocalOutlierFactor
            Itself.
        """
        X = self._fit_index(X)
        places, kind = self._places()
        if len(places) < 2:
            # All rows are equal, and none is in a sparser place than its neighbors.
            self.n_neighbors_ = 1
            self._reach, self._density = np.zeros(1), np.full(1, 1e10)
            factors = np.ones(len(X))
        else:
            what = "samples" if kind is None else "distinct samples"
            self.n_neighbors_ = self._clamped(len(places), what)
            with bar(self.progress, len(places)) as progress:
                factors, self._reach, self._density = self._place_index().lof(
                    places, self.n_neighbors_, n_jobs=self._jobs(), progress=progress
                )
            if kind is not None:
                factors = factors[kind]
        self.negative_outlier_factor_ = (-factors).astype(X.dtype, copy=False)
        if self.contamination == "auto":
            self.offset_ = -1.5
        else:
            self.offset_ = np.percentile(self.negative_outlier_factor_, 100.0 * self.contamination)
        if np.min(self.negative_outlier_factor_) < -1e7 and not self.novelty:
            warnings.warn(
                "Duplicate values are leading to incorrect results. Increase the number of "
                "neighbors for more accurate results. Or count equal rows once: "
                'duplicates="distinct".',
                stacklevel=2,
            )
        return self

    @classmethod
    def _from_model(cls, settings, arrays, path="the file"):
        self = super()._from_model(settings, arrays, path)
        self._places()
        return self

    def _places(self):
        """Rows that count as neighbors, and for each training row its place among them."""
        self._place_points, kind = self._points, None
        if self.duplicates == "distinct":
            first, kind = _core.neighbors_distinct(self._points)
            if len(first) < len(kind):
                self._place_points = self._points[first]
            else:
                kind = None
        self._made_places = None
        return self._place_points, kind

    def _place_index(self):
        if self._place_points is self._points:
            return self._index()
        if self._made_places is None:
            self._made_places = self._index_of(self._place_points)
        return self._made_places

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        if "_place_points" in state and self._place_points is self._points:
            state.pop("_place_points")
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_fit_X" in state and "_place_points" not in state:
            self._place_points = self._points

    def _can_fit_predict(self):
        if self.novelty:
            raise AttributeError(
                "fit_predict is not available when novelty=True. Use novelty=False if you want to "
                "predict on the training set."
            )
        return True

    @available_if(_can_fit_predict)
    def fit_predict(self, X: Data, y: object = None) -> Int64:
        """Compute the factors of the rows of `X`, and judge them.

        Only with ``novelty=False``.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        ndarray of int, shape (n_samples,)
            1 for a normal row, -1 for an outlier.
        """
        return self.fit(X)._predict()

    def _predict(self, X=None):
        check_is_fitted(self)
        if X is None:
            outlier = self.negative_outlier_factor_ < self.offset_
        else:
            outlier = self.decision_function(X) < 0
        return np.where(outlier, -1, 1)

    @available_if(
        _novelty(
            "predict",
            "Use fit_predict to judge the training rows, or novelty=True to judge new rows.",
        )
    )
    def predict(self, X: Data) -> Int64:
        """Judge new rows. Only with ``novelty=True``.

        Parameters
        ----------
        X : array-like or frame of shape (n_queries, n_features)
            New rows. A training row is counted among its own neighbors here.

        Returns
        -------
        ndarray of int, shape (n_queries,)
            1 for a normal row, -1 for an outlier.
        """
        return self._predict(X)

    @available_if(
        _novelty(
            "decision_function",
            "Use novelty=True to judge new rows; the scores of the training rows are in "
            "negative_outlier_factor_.",
        )
    )
    def decision_function(self, X: Data) -> Floats:
        """Scores of new rows less `offset_`: below zero for an outlier.

        Only with ``novelty=True``.

        Parameters
        ----------
        X : array-like or frame of shape (n_queries, n_features)

        Returns
        -------
        ndarray of shape (n_queries,)
            Higher for the more normal row.
        """
        return self.score_samples(X) - self.offset_

    @available_if(
        _novelty(
            "score_samples",
            "Use novelty=True to judge new rows; the scores of the training rows are in "
            "negative_outlier_factor_.",
        )
    )
    def score_samples(self, X: Data) -> Floats:
        """The opposite of the local outlier factor of new rows. Only with ``novelty=True``.

        Parameters
        ----------
        X : array-like or frame of shape (n_queries, n_features)

        Returns
        -------
        ndarray of the dtype of `X`, shape (n_queries,)
            About -1 for a normal row, lower for an outlier.
        """
        check_is_fitted(self)
        queries, dtype = self._queries(X)
        with bar(self.progress, len(queries)) as progress:
            factors = self._place_index().lof_score(
                self._place_points,
                queries,
                self._reach,
                self._density,
                self.n_neighbors_,
                n_jobs=self._jobs(),
                progress=progress,
            )
        return (-factors).astype(dtype, copy=False)


class KNNDetector(NeighborSearch):
    """Distance to the nearest neighbors: far from all others is an outlier.

    Parameters
    ----------
    n_neighbors : int, default=10
        Neighbors of a row.
    method : {"kth", "mean", "median"}, default="kth"
        The score is the distance to the `n_neighbors`-th neighbor, or the mean or median distance
        to all of them.
    algorithm, leaf_size, metric, p, metric_params, n_jobs, progress
        As in `LocalOutlierFactor`.
    contamination : float, default=0.1
        Share of outliers in the training data, above 0 and at most 0.5; sets `offset_`.

    Attributes
    ----------
    training_scores_ : ndarray of shape (n_samples,)
        The opposite of the distance of each training row, itself not counted.
    offset_ : float
        Rows with a score below it are outliers.
    n_neighbors_, effective_metric_, effective_metric_params_, n_samples_fit_
        As in `LocalOutlierFactor`.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if the training data had names.

    Raises
    ------
    ValueError
        As in `LocalOutlierFactor`.

    Notes
    -----
    A row to score that is equal to a training row is taken for it, so that this training row is
    not its neighbor. Training rows have therefore the same scores whether they come again or not.

    Distances are in the units of the columns: scale columns of different units first.

    References
    ----------
    .. [1] Ramaswamy, S., Rastogi, R., Shim, K. (2000). Efficient algorithms for mining outliers
       from large data sets. Proceedings of SIGMOD, 427-438.
    .. [2] Angiulli, F., Pizzuti, C. (2002). Fast outlier detection in high dimensional spaces.
       Proceedings of PKDD, 15-27.

    Examples
    --------
    >>> import linewatch as lw
    >>> mbit_per_s = [[98.0], [101.0], [100.0], [180.0], [99.0]]
    >>> knn = lw.KNNDetector(n_neighbors=2, contamination=0.2).fit(mbit_per_s)
    >>> knn.predict(mbit_per_s)
    array([ 1,  1,  1, -1,  1])
    >>> knn.score_samples([[100.0], [150.0]])
    array([ -1., -49.])
    """

    n_neighbors: int
    method: Literal["kth", "mean", "median"]
    algorithm: Literal["auto", "kd_tree", "ball_tree", "brute"]
    leaf_size: int
    metric: str
    p: float
    metric_params: dict[str, Any] | None
    contamination: float
    n_jobs: int | None
    progress: Progress
    n_neighbors_: int
    training_scores_: Floats
    offset_: float

    _learned = ("training_scores_",)

    def __init__(
        self,
        n_neighbors: int = 10,
        *,
        method: Literal["kth", "mean", "median"] = "kth",
        algorithm: Literal["auto", "kd_tree", "ball_tree", "brute"] = "auto",
        leaf_size: int = 30,
        metric: str = "minkowski",
        p: float = 2,
        metric_params: dict[str, Any] | None = None,
        contamination: float = 0.1,
        n_jobs: int | None = None,
        progress: Progress = False,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.method = method
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.metric = metric
        self.p = p
        self.metric_params = metric_params
        self.contamination = contamination
        self.n_jobs = n_jobs
        self.progress = progress

    def _check_parameters(self):
        super()._check_parameters()
        one_of("method", self.method, ("kth", "mean", "median"))
        check_share("contamination", self.contamination)

    def fit(self, X: Data, y: object = None) -> Self:
        """Index the rows of `X`, and set the threshold by their own scores.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            Finite numbers. Anything with rows and columns: NumPy, pandas, Polars, Arrow.
        y : ignored

        Returns
        -------
        KNNDetector
            Itself.
        """
        X = self._fit_index(X)
        self.n_neighbors_ = self._clamped(len(X))
        self.training_scores_ = self._scores(None, len(X)).astype(X.dtype, copy=False)
        self.offset_ = np.percentile(self.training_scores_, 100.0 * self.contamination)
        return self

    def _scores(self, queries, rows):
        with bar(self.progress, rows) as progress:
            return -self._index().knn(
                self._points,
                queries,
                self.n_neighbors_,
                self.method,
                n_jobs=self._jobs(),
                progress=progress,
            )

    def score_samples(self, X: Data) -> Floats:
        """The opposite of the distance of each row to its neighbors.

        Parameters
        ----------
        X : array-like or frame of shape (n_queries, n_features)

        Returns
        -------
        ndarray of the dtype of `X`, shape (n_queries,)
            Higher for the more normal row; at most 0.
        """
        check_is_fitted(self)
        queries, dtype = self._queries(X)
        return self._scores(queries, len(queries)).astype(dtype, copy=False)

    def decision_function(self, X: Data) -> Floats:
        """Scores of rows less `offset_`: below zero for an outlier.

        Parameters
        ----------
        X : array-like or frame of shape (n_queries, n_features)

        Returns
        -------
        ndarray of shape (n_queries,)
            Higher for the more normal row.
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: Data) -> Int64:
        """Judge rows.

        Parameters
        ----------
        X : array-like or frame of shape (n_queries, n_features)

        Returns
        -------
        ndarray of int, shape (n_queries,)
            1 for a normal row, -1 for an outlier.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    @overload
    def explain(self, X: MatrixT) -> MatrixT: ...
    @overload
    def explain(self, X: ArrayLike) -> Float64: ...
    def explain(self, X):
        """Which columns the distance of each row comes from.

        Parameters
        ----------
        X : array-like or frame of shape (n_queries, n_features)

        Returns
        -------
        ndarray of float64 or frame of the kind of `X`, shape (n_queries, n_features)
            The share of each column in the squared distance to the neighbors that make up the
            score: the `n_neighbors`-th for ``method="kth"``, all for ``"mean"``, the middle one or
            two for ``"median"``. Rows add up to 1, or to 0 if those neighbors are equal to the row.
            For Manhattan and Minkowski metrics, shares of what the metric adds up; for Chebyshev,
            1 for the column of the largest difference.

        Examples
        --------
        The third row is far out in its second column.

        >>> import linewatch as lw
        >>> knn = lw.KNNDetector(n_neighbors=1).fit([[0.0, 0.0], [1.0, 0.0], [1.0, 7.0]])
        >>> knn.explain([[4.0, 4.0]]).round(2)
        array([[0.5, 0.5]])
        >>> knn.explain([[1.0, 7.0]])
        array([[0., 1.]])
        """
        check_is_fitted(self)
        return _features.like(X, self._shares(self._queries(X)[0]))

    @overload
    def reasons(self, X: MatrixT, *, top: int = ...) -> MatrixT: ...
    @overload
    def reasons(self, X: ArrayLike, *, top: int = ...) -> Texts: ...
    def reasons(self, X, *, top=3):
        """The columns that the distance of each row comes from, as text for an alarm.

        Parameters
        ----------
        X : array-like or frame of shape (n_queries, n_features)
        top : int, default=3
            Columns to name, at most.

        Returns
        -------
        ndarray of str or frame of the kind of `X`, shape (n_queries, top)
            Such as ``"duration_s = 5417"``, the largest share first; empty where no further column
            differs. The columns of a frame are ``reason_1``, ``reason_2``, ...

        Examples
        --------
        >>> import linewatch as lw
        >>> knn = lw.KNNDetector(n_neighbors=1).fit([[0.0, 0.0], [1.0, 0.0], [1.0, 7.0]])
        >>> knn.reasons([[1.0, 9.0]]).tolist()
        [['x1 = 9', '']]
        """
        check_is_fitted(self)
        _features.check_top(top)
        values = self._input(X, reset=False)
        shares = self._shares(np.ascontiguousarray(self._prepared(values), dtype=np.float64))
        return _features.named_reasons(self, X, values, shares, top)

    def _shares(self, queries):
        """The share of each column in the distance of each query."""
        with bar(self.progress, len(queries)) as progress:
            return self._index().knn_shares(
                self._points,
                queries,
                self.n_neighbors_,
                self.method,
                n_jobs=self._jobs(),
                progress=progress,
            )
