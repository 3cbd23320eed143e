"""What detectors made of nearest neighbours share: checks, an index of rows, searches, files."""

from __future__ import annotations

import numbers
import warnings
from typing import TYPE_CHECKING, overload

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from linewatch import _core, _features, _models
from linewatch._arguments import whole_number
from linewatch._progress import bar
from linewatch._sklearn import BaseEstimator, OutlierMixin

if TYPE_CHECKING:
    from typing import Any, Literal

    from linewatch._typing import Data, Float64, Int64, PathLike, Texts

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


class NeighborSearch(OutlierMixin, _models.Loadable, BaseEstimator):
    """What the detectors share: arguments and data checked, an index of the rows, searches."""

    n_neighbors_: int
    effective_metric_: str
    effective_metric_params_: dict[str, Any]
    n_samples_fit_: int
    n_features_in_: int
    feature_names_in_: Texts

    def _check_parameters(self):
        whole_number("n_neighbors", self.n_neighbors, 1)
        whole_number("leaf_size", self.leaf_size, 1)
        one_of("algorithm", self.algorithm, _ALGORITHMS)
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

        one_of("mode", mode, ("connectivity", "distance"))
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


def one_of(name, value, allowed):
    if not (isinstance(value, str) and value in allowed):
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")


def _is_real(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def check_share(name, value, otherwise=""):
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
