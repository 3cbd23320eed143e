"""Outlier detectors made of nearest neighbours: `LocalOutlierFactor` and `KNNDetector`.

Both are scikit-learn estimators on exact kernels: a k-d tree, or brute force in SIMD registers, on
as many threads as `n_jobs` allows. As in scikit-learn, `score_samples` is higher for the more
normal row and `predict` gives 1 for a normal row and -1 for an outlier.
"""

from __future__ import annotations

import numbers
import warnings
from typing import TYPE_CHECKING, overload

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from linewatch import _core, _features, _models
from linewatch._progress import bar
from linewatch._sklearn import BaseEstimator, OutlierMixin, available_if

if TYPE_CHECKING:
    from typing import Any, Literal, Self

    from numpy.typing import ArrayLike

    from linewatch._typing import Data, Float64, Floats, Int64, MatrixT, PathLike, Progress, Texts


__all__ = ["KNNDetector", "LocalOutlierFactor"]

_METRICS = {
    "minkowski": "minkowski",
    "euclidean": "euclidean",
    "l2": "euclidean",
    "manhattan": "manhattan",
    "l1": "manhattan",
    "cityblock": "manhattan",
    "chebyshev": "chebyshev",
    "infinity": "chebyshev",
    "cosine": "cosine",
}
_ALGORITHMS = ("auto", "kd_tree", "ball_tree", "brute")
# Above it squared differences leave the range of float64.
_LARGEST = 1e150


class _Neighbors(OutlierMixin, BaseEstimator):
    """What the detectors share: arguments and data checked, an index of the rows, searches."""

    n_neighbors_: int
    effective_metric_: str
    effective_metric_params_: dict[str, Any]
    n_samples_fit_: int
    n_features_in_: int
    feature_names_in_: Texts

    def _check_parameters(self):
        _whole("n_neighbors", self.n_neighbors)
        _whole("leaf_size", self.leaf_size)
        _one_of("algorithm", self.algorithm, _ALGORITHMS)
        if not (isinstance(self.metric, str) and self.metric in _METRICS):
            raise ValueError(
                f"metric must be one of {', '.join(_METRICS)}, got {self.metric!r} (for any other "
                "metric use sklearn.neighbors, which takes functions and distance matrices)"
            )
        params = self.metric_params
        if params is not None and not isinstance(params, dict):
            raise TypeError(f"metric_params must be a dict or None, got {params!r}")
        unknown = set(params or ()) - {"p", "w"}
        if unknown or (params and _METRICS[self.metric] != "minkowski"):
            raise ValueError(
                f'metric_params may hold p and w with metric="minkowski", got '
                f"{', '.join(map(repr, params))} with metric={self.metric!r}"
            )

    def _fit_metric(self, n_features):
        """Set the effective metric, as scikit-learn names it, and what the kernel needs."""
        params = dict(self.metric_params or {})
        if "p" in params and self.p is not None and params["p"] != self.p:
            warnings.warn(
                "p is given in metric_params, too; the p of the estimator is ignored",
                SyntaxWarning,
                stacklevel=3,
            )
        p, w = params.get("p", self.p), params.get("w")
        self._p, self._scale = 2.0, None
        name = self.metric
        if name == "minkowski":
            p = 2 if p is None else p
            if not (_is_real(p) and p > 0):
                raise ValueError(f"p must be a number above 0, got {p!r}")
            name = {1: "manhattan", 2: "euclidean", np.inf: "chebyshev"}.get(p, "minkowski")
            params = {"p": p, "w": w}
            if w is not None:
                name, self._scale = "minkowski", _weights(w, p, n_features)
            if name != "minkowski":
                params = {}
            self._p = float(p)
            if p < 1:
                self._check_small_p()
        self.effective_metric_ = name
        self.effective_metric_params_ = params

    def _check_small_p(self):
        if self.algorithm in ("kd_tree", "ball_tree"):
            raise ValueError(
                f'algorithm="{self.algorithm}" does not support 0 < p < 1 for the Minkowski '
                'metric. To resolve this problem either set p >= 1 or algorithm="brute".'
            )
        warnings.warn(
            "Mind that for 0 < p < 1, Minkowski metrics are not distance metrics. Continuing "
            "the execution with `algorithm='brute'`.",
            stacklevel=4,
        )

    def _fit_index(self, X):
        """Check the arguments and `X`, and take its rows."""
        self._check_parameters()
        X = self._input(X, reset=True)
        self._set_rows(X)
        return X

    def _set_rows(self, X):
        self._fit_metric(X.shape[1])
        self._fit_X = X
        self.n_samples_fit_ = len(X)
        # On 3 to 1,000 columns the tree takes a third of the time of brute force where the data
        # have clusters, and at most 1.4 times its time where they have none.
        brute = self.algorithm == "brute" or self._p < 1
        self._fit_method = "brute" if brute else "kd_tree"
        self._points = self._prepared(X)
        self._made_index = None

    def _index_of(self, points):
        return _core.NeighborIndex(
            points,
            _METRICS[self.effective_metric_],
            p=self._p,
            leaf_size=min(int(self.leaf_size), 2**31),
            flat=self._fit_method == "brute",
        )

    def _index(self):
        """The index, made when it is first needed, and again after unpickling."""
        if self._made_index is None:
            self._made_index = self._index_of(self._points)
        return self._made_index

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        for name in ("_made_index", "_made_places"):
            if name in state:
                state[name] = None
        if state.get("_points") is state.get("_fit_X"):
            state.pop("_points", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_fit_X" in state and "_points" not in state:
            self._points = self._fit_X

    def _prepared(self, X):
        """Rows as the kernel measures them."""
        if self.effective_metric_ == "cosine":
            return _core.neighbors_unit_rows(X)
        return X if self._scale is None else X * self._scale

    def save(self, path: PathLike) -> None:
        """Write the fitted detector to one file, whole or not at all.

        Parameters
        ----------
        path : str or path-like

        Notes
        -----
        The file holds the training rows. It has a versioned header and a checksum, and nothing in
        it is executed. `n_jobs` and `progress` are not kept.

        See Also
        --------
        linewatch.load : Reads it.
        """
        check_is_fitted(self)
        _models.save(self, path)

    @classmethod
    def load(cls, path: PathLike) -> Self:
        """Read a file that `save` wrote; nothing in it is executed.

        Parameters
        ----------
        path : str or path-like

        Returns
        -------
        The detector, which reads its training rows from the file as it needs them.

        Raises
        ------
        ValueError
            If the file is damaged, cut off, of a newer version, or another kind of model.

        Examples
        --------
        >>> import os, tempfile
        >>> import linewatch as lw
        >>> path = os.path.join(tempfile.mkdtemp(), "knn.lw")
        >>> lw.KNNDetector(n_neighbors=1).fit([[0.0], [3.0], [4.0]]).save(path)
        >>> lw.KNNDetector.load(path).score_samples([[5.0]])
        array([-1.])
        """
        return _models.load(path, expected=cls)

    def _to_model(self):
        settings = _models.described_features(self) | {
            "parameters": _models.parameters(self, leave_out=("n_jobs", "progress")),
            "n_neighbors": self.n_neighbors_,
            "offset": float(self.offset_),
        }
        arrays = {"X": self._fit_X} | {name: getattr(self, name) for name in self._learned}
        return settings, arrays

    @classmethod
    def _from_model(cls, settings, arrays, path="the file"):
        self = cls(**settings["parameters"])
        self._check_parameters()
        _models.feature_names(self, settings)
        X = arrays["X"]
        if X.ndim != 2 or X.shape[1] != self.n_features_in_ or len(X) < 2:
            raise ValueError(f"{path} holds training rows of shape {X.shape}, which do not fit")
        self._check_finite(X)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of p below 1, said at fit
            self._set_rows(X)
        self.n_neighbors_ = int(settings["n_neighbors"])
        self.offset_ = settings["offset"]
        for name in self._learned:
            setattr(self, name, arrays[name])
        return self

    def _queries(self, X):
        """New rows, checked, as the kernel takes them; and their dtype."""
        X = self._input(X, reset=False)
        prepared = self._prepared(X)
        return np.ascontiguousarray(prepared, dtype=np.float64), X.dtype

    def _input(self, X, *, reset):
        """Rows as contiguous finite floats, feature names checked."""
        checks = {
            "dtype": [np.float64, np.float32],
            "order": "C",
            "ensure_all_finite": False,
        }
        frame = _features.frame(X)
        if frame is None:
            X = validate_data(self, _features.exact(X), reset=reset, **checks)
        else:
            _features.check_names(self, frame, reset=reset)
            X = check_array(_features.numbers(frame), estimator=self, input_name="X", **checks)
        self._check_finite(X)
        if reset and len(X) < 2:
            raise ValueError(
                "Expected n_neighbors < n_samples_fit, but n_neighbors = 1, n_samples_fit = 1, "
                "n_samples = 1: X must have at least two rows"
            )
        return X

    def _check_finite(self, X):
        # A sum is finite unless a value is not, or values are very large.
        with np.errstate(over="ignore", invalid="ignore"):
            if abs(float(X.sum(dtype=np.float64))) < _LARGEST and not (
                X.dtype == np.float64 and max(X.max(), -X.min()) > _LARGEST
            ):
                return
        name = type(self).__name__
        for bad, what, advice in (
            (np.isnan(X), "NaN", f"{name} has no rule for missing values (drop or fill them)"),
            (np.isinf(X), "infinity", f"{name} needs finite values (drop or clip them)"),
            (np.abs(X) > _LARGEST, None, f"beyond {_LARGEST:g} squares leave the range of float64"
             " (scale the column)"),
        ):  # fmt: skip
            if bad.any():
                row, column = np.argwhere(bad)[0]
                title = _features.column_name(self, column)
                what = what or f"{X[row, column]:g}"
                raise ValueError(f"X contains {what} in row {row}, column {title}: {advice}")

    @overload
    def kneighbors(
        self,
        X: Data | None = ...,
        n_neighbors: int | None = ...,
        return_distance: Literal[True] = ...,
    ) -> tuple[Float64, Int64]: ...
    @overload
    def kneighbors(
        self,
        X: Data | None = ...,
        n_neighbors: int | None = ...,
        *,
        return_distance: Literal[False],
    ) -> Int64: ...
    def kneighbors(self, X=None, n_neighbors=None, return_distance=True):
        """Nearest rows of the training data.

        Parameters
        ----------
        X : array-like or frame of shape (n_queries, n_features), optional
            Rows to look around; by default the training rows, of which none is its own neighbor.
        n_neighbors : int, optional
            Neighbors of each row; by default the estimator's.
        return_distance : bool, default=True
            Whether to return the distances as well.

        Returns
        -------
        distances : ndarray of float64, shape (n_queries, n_neighbors)
            In the metric of the estimator, nearest first. Only if `return_distance`.
        indices : ndarray of int64, shape (n_queries, n_neighbors)
            Rows of the training data. Of rows at the same distance the lower ones come first.

        Raises
        ------
        ValueError
            If there are not so many neighbors, or `X` does not fit the training data.

        Examples
        --------
        >>> import linewatch as lw
        >>> lof = lw.LocalOutlierFactor(n_neighbors=1).fit([[0.0], [3.0], [4.0]])
        >>> lof.kneighbors([[1.0]])
        (array([[1.]]), array([[0]]))
        """
        check_is_fitted(self)
        if n_neighbors is None:
            n_neighbors = self.n_neighbors
        elif not isinstance(n_neighbors, numbers.Integral):
            raise TypeError(f"n_neighbors must be a whole number, got {n_neighbors!r}")
        elif n_neighbors <= 0:
            raise ValueError(f"Expected n_neighbors > 0. Got {n_neighbors}")
        queries = None if X is None else self._queries(X)[0]
        rows = self.n_samples_fit_ if X is None else len(queries)
        most = self.n_samples_fit_ - (X is None)
        if n_neighbors > most:
            sign = "<" if X is None else "<="
            raise ValueError(
                f"Expected n_neighbors {sign} n_samples_fit, but n_neighbors = {n_neighbors}, "
                f"n_samples_fit = {self.n_samples_fit_}, n_samples = {rows}"
            )
        with bar(self.progress, rows) as progress:
            distances, indices = self._index().kneighbors(
                self._points, queries, int(n_neighbors), n_jobs=self._jobs(), progress=progress
            )
        return (distances, indices) if return_distance else indices

    def kneighbors_graph(
        self,
        X: Data | None = None,
        n_neighbors: int | None = None,
        mode: Literal["connectivity", "distance"] = "connectivity",
    ) -> Any:
        """Nearest rows of the training data as a sparse matrix.

        Parameters
        ----------
        X, n_neighbors
            As in `kneighbors`.
        mode : {"connectivity", "distance"}, default="connectivity"
            Whether an entry is 1 or the distance.

        Returns
        -------
        scipy.sparse.csr_matrix of shape (n_queries, n_samples_fit)

        Examples
        --------
        >>> import linewatch as lw
        >>> lof = lw.LocalOutlierFactor(n_neighbors=1).fit([[0.0], [3.0], [4.0]])
        >>> lof.kneighbors_graph(mode="distance").toarray()
        array([[0., 3., 0.],
               [0., 0., 1.],
               [0., 1., 0.]])
        """
        from scipy.sparse import csr_matrix

        _one_of("mode", mode, ("connectivity", "distance"))
        distances, indices = self.kneighbors(X, n_neighbors)
        rows, k = indices.shape
        values = distances.ravel() if mode == "distance" else np.ones(rows * k)
        starts = np.arange(0, rows * k + 1, k)
        return csr_matrix((values, indices.ravel(), starts), shape=(rows, self.n_samples_fit_))

    def _jobs(self):
        jobs = self.n_jobs
        if jobs is not None and not isinstance(jobs, numbers.Integral):
            raise TypeError(f"n_jobs must be a whole number or None, got {jobs!r}")
        return None if jobs is None else int(jobs)

    def _clamped(self, n, what="samples"):
        """As many neighbors as there are, with scikit-learn's warning."""
        if self.n_neighbors > n:
            warnings.warn(
                f"n_neighbors ({self.n_neighbors}) is greater than the total number of {what} "
                f"({n}). n_neighbors will be set to (n_{what} - 1) for estimation.",
                stacklevel=3,
            )
        return max(1, min(int(self.n_neighbors), n - 1))


def _novelty(method, advice):
    """The condition that `method` is there only with ``novelty=True``."""

    def check(self):
        if not self.novelty:
            raise AttributeError(f"{method} is not available when novelty=False. {advice}")
        return True

    return check


class LocalOutlierFactor(_Neighbors):
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
        _one_of("duplicates", self.duplicates, ("each", "distinct"))
        if self.contamination != "auto":
            _share("contamination", self.contamination, '"auto" or ')

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


class KNNDetector(_Neighbors):
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
        _one_of("method", self.method, ("kth", "mean", "median"))
        _share("contamination", self.contamination)

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


def _whole(name, value):
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")


def _one_of(name, value, allowed):
    if not (isinstance(value, str) and value in allowed):
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")


def _is_real(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _share(name, value, otherwise=""):
    if not (_is_real(value) and 0 < value <= 0.5):
        raise ValueError(f"{name} must be {otherwise}above 0 and at most 0.5, got {value!r}")


def _weights(w, p, n_features):
    """What columns are multiplied by so that the Minkowski metric has weights `w`."""
    w = np.asarray(w, dtype=np.float64)
    if w.shape != (n_features,) or not (np.isfinite(w).all() and (w >= 0).all()):
        raise ValueError(
            f"w in metric_params must be {n_features} finite weights of at least 0, one for each "
            f"column, got shape {w.shape}"
        )
    if p == np.inf:
        raise ValueError("w in metric_params needs a finite p, got p=inf")
    return w ** (1 / p)
