"""Isolation forest: rows that random splits set apart quickly are unusual.

The parameters, attributes and score signs are scikit-learn's, so that a change of the import is
enough; splits are exact in float64, missing values and categories are understood, and every
score can be explained.

>>> import numpy as np
>>> from linewatch import IsolationForest
>>> X = np.array([[-1.1], [0.3], [0.5], [100.0]])
>>> IsolationForest(random_state=0).fit(X).predict([[0.1], [0], [90]])
array([ 1,  1, -1])
"""

from __future__ import annotations

import os
import re
import sys
import time as clock
import warnings
from numbers import Integral, Real
from typing import TYPE_CHECKING, overload

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_random_state, gen_batches
from sklearn.utils._param_validation import Interval, RealNotInt, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from linewatch import _categories, _core, _features, _models
from linewatch._sklearn import BaseEstimator, OutlierMixin

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal, Self

    import onnx
    from numpy.typing import ArrayLike, NDArray
    from sklearn.utils import Tags

    from linewatch._typing import (
        Array,
        Float64,
        Int64,
        Matrix,
        MatrixT,
        PathLike,
        Progress,
        RandomState,
        SparseMatrix,
        Texts,
    )


__all__ = ["IsolationForest", "IsolationTree"]

# Preset -> columns of a split (given the number of features) and share chosen by pooled gain.
PRESETS: dict[str, tuple[Callable[[int], int], float]] = {
    "classic": (lambda p: 1, 0.0),
    "extended": (lambda p: p, 0.0),
    "pooled": (lambda p: min(2, p), 0.5),
}
SPARSE_BLOCK = 2**20  # values of a sparse matrix made dense at a time
FLOATS = (np.dtype(np.float64), np.dtype(np.float32))


class IsolationTree:
    """One tree of a forest, to look at.

    Attributes
    ----------
    forest : linewatch._core.Forest
        Holds this tree alone.
    max_samples : int
        Rows the tree was grown on.
    max_depth : int
        Depth at which it stopped.
    n_nodes : int
        Splits and leaves.

    Examples
    --------
    >>> import numpy as np
    >>> from linewatch import IsolationForest
    >>> X = np.random.default_rng(0).normal(size=(300, 2))
    >>> tree = IsolationForest(n_estimators=1, random_state=0).fit(X).estimators_[0]
    >>> tree.max_samples, tree.max_depth <= 8
    (256, True)
    """

    forest: _core.Forest

    def __init__(self, forest: _core.Forest) -> None:
        self.forest = forest

    @property
    def max_samples(self) -> int:
        return self.forest.max_samples

    @property
    def max_depth(self) -> int:
        return int(np.ceil(np.log2(max(self.max_samples, 2))))

    @property
    def n_nodes(self) -> int:
        return self.forest.n_nodes

    def arrays(self) -> dict[str, Array]:
        """The nodes as flat arrays, a dict of ndarray.

        ``feature`` (-1: leaf, -2: split on several columns), ``threshold`` (a value up to it goes
        left), ``left`` (the right child follows it), ``n_samples``, ``flags`` (1: missing goes
        right) and others.
        """
        return self.forest.arrays()

    def __repr__(self) -> str:
        return f"IsolationTree(max_samples={self.max_samples}, n_nodes={self.n_nodes})"


class IsolationForest(OutlierMixin, _models.Loadable, BaseEstimator):
    """Isolation forest with scikit-learn's parameters, and a reason for every alarm.

    Parameters
    ----------
    n_estimators : int, default=100
        Number of trees.
    max_samples : "auto", int or float, default="auto"
        Rows drawn for each tree: that many, that share of all rows, or ``min(256, n_samples)``.
    contamination : "auto" or float, default="auto"
        Share of anomalies among the rows of `fit`, above 0 and up to 0.5, which sets
        ``offset_``; "auto" sets it to -0.5 as in [1]_.
    max_features : int or float, default=1.0
        Features drawn for each tree: that many, or that share of all.
    bootstrap : bool, default=False
        Draw rows with replacement.
    n_jobs : int, optional
        Threads for `fit` and for scoring; -1 is all cores. None is what the environment variable
        ``LINEWATCH_NUM_THREADS`` says, or all cores. Results are the same to the last bit.
    random_state : int, RandomState instance or None, default=None
        Rows drawn and splits.
    verbose : int, default=0
        From 1 on `fit` says on stderr what it did.
    warm_start : bool, default=False
        Keep the trees of the last `fit` and add to them up to ``n_estimators``, the same trees as
        if they had been grown at once on the same rows.
    preset : {"classic", "extended", "pooled"}, default="classic"
        ``"classic"`` splits on one column at random, as scikit-learn does. ``"extended"`` splits
        along a random direction over all columns [2]_. ``"pooled"`` splits on two columns, half
        the time at the value that best divides the rows [3]_.
    extension_level : int, optional
        Columns of a split less one, in place of the preset's: 0 is one column, ``n_features - 1``
        all of them; more than there are is all of them.
    gain_share : float, optional
        Share of the splits, from 0 to 1, placed by pooled gain rather than at random, in place of
        the preset's.
    categorical_features : "from_dtype" or array-like of int, bool or str, optional
        Columns that hold categories, text or numbers: they are split into two sets at random.
        "from_dtype" takes the columns of text or categories of a frame.

    Attributes
    ----------
    estimators_ : list of IsolationTree
        The trees, to look at; they are not scikit-learn's tree objects.
    estimators_samples_ : list of ndarray of int
        Different rows of `fit` that each tree was grown on.
    max_samples_ : int
        Rows drawn for each tree.
    offset_ : float
        ``decision_function = score_samples - offset_``.
    n_features_in_ : int
        Features seen by `fit`.
    feature_names_in_ : ndarray of str
        Their names, where `fit` got a frame; frames are then checked by name.
    feature_importances_ : ndarray, shape (n_features,)
        Mean absolute contribution of each feature to the path lengths of the trees' own rows,
        divided by their sum.
    base_exponent_ : float
        What :meth:`explain` starts from: 1, up to repeated rows of `bootstrap`.
    categories_ : dict of int to list
        Column number and the categories that `fit` has seen.

    See Also
    --------
    ThresholdedDetector : A threshold from held-out rows.
    linewatch.load : Reads a saved forest.

    Notes
    -----
    A row has the score ``-2 ** -e``, with the exponent ``e`` its mean path length over the trees
    divided by that of an unsuccessful search among ``max_samples_`` rows. A split sends
    ``x <= threshold`` left.

    *Missing values* (NaN, None, null) are allowed in `fit` and afterwards. A split on one column
    is drawn from the rows of the node that have the value. If some miss it in `fit`, the missing
    go to a side drawn once, with chances in proportion to the rows on either side; if none does,
    rows that miss it later go to the side with more training rows. A split over several columns
    counts a missing value as the mean of its column in the node. Infinity is refused. Columns that
    never vary are never split.

    *Categories* of a node go to either side by a fair coin; one that is not in the node, such as
    one never seen in `fit`, goes to the side with fewer training rows. A missing category is a
    missing value. Text is compared as it is written.

    *Sparse matrices* (CSR, CSC) give the scores of the same matrix made dense. `fit` makes only
    the drawn rows dense, scoring a block of rows at a time.

    *Weights* (`sample_weight`) are the chances of rows to be drawn.

    ``forest_a + forest_b`` has the trees of both, for forests grown on parts of the data.

    References
    ----------
    .. [1] Liu, F. T., Ting, K. M., Zhou, Z.-H. (2008). Isolation forest. ICDM 2008.
    .. [2] Hariri, S., Carrasco Kind, M., Brunner, R. J. (2019). Extended isolation forest.
       IEEE Transactions on Knowledge and Data Engineering 33(4).
    .. [3] Liu, F. T., Ting, K. M., Zhou, Z.-H. (2010). On detecting clustered anomalies using
       SCiForest. ECML PKDD 2010.

    Examples
    --------
    One cell carries traffic at night.

    >>> import numpy as np
    >>> from linewatch import IsolationForest
    >>> rng = np.random.default_rng(0)
    >>> X = np.column_stack([rng.integers(8, 20, 500), rng.normal(100, 10, 500)])
    >>> forest = IsolationForest(random_state=0).fit(X)
    >>> night = [[3, 101.0]]
    >>> forest.predict(night)
    array([-1])
    >>> forest.reasons(night, top=1)
    array([['x0 = 3']], dtype=object)
    """

    n_estimators: int
    max_samples: Literal["auto"] | int | float
    contamination: Literal["auto"] | float
    max_features: int | float
    bootstrap: bool
    n_jobs: int | None
    random_state: RandomState
    verbose: int
    warm_start: bool
    preset: Literal["classic", "extended", "pooled"]
    extension_level: int | None
    gain_share: float | None
    categorical_features: Literal["from_dtype"] | ArrayLike | None
    max_samples_: int
    offset_: float
    n_features_in_: int
    feature_names_in_: Texts
    categories_: dict[int, list[Any]]

    _parameter_constraints = {
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "max_samples": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="right"),
        ],
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
        "max_features": [Integral, Interval(Real, 0, 1, closed="right")],
        "bootstrap": ["boolean"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "preset": [StrOptions(set(PRESETS))],
        "extension_level": [Interval(Integral, 0, None, closed="left"), None],
        "gain_share": [Interval(Real, 0, 1, closed="both"), None],
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
    }

    def __init__(
        self,
        *,
        n_estimators: int = 100,
        max_samples: Literal["auto"] | int | float = "auto",
        contamination: Literal["auto"] | float = "auto",
        max_features: int | float = 1.0,
        bootstrap: bool = False,
        n_jobs: int | None = None,
        random_state: RandomState = None,
        verbose: int = 0,
        warm_start: bool = False,
        preset: Literal["classic", "extended", "pooled"] = "classic",
        extension_level: int | None = None,
        gain_share: float | None = None,
        categorical_features: Literal["from_dtype"] | ArrayLike | None = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.max_samples = max_samples
        self.contamination = contamination
        self.max_features = max_features
        self.bootstrap = bootstrap
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.preset = preset
        self.extension_level = extension_level
        self.gain_share = gain_share
        self.categorical_features = categorical_features

    def fit(self, X: Matrix, y: object = None, sample_weight: ArrayLike | None = None) -> Self:
        """Grow the trees.

        Parameters
        ----------
        X : array-like, sparse matrix or frame, shape (n_samples, n_features)
            float32 and float64 are used as they are; NaN is missing.
        y : ignored
        sample_weight : array-like, shape (n_samples,), optional
            Chance of each row to be drawn, not negative, of any scale.

        Returns
        -------
        self : IsolationForest

        Raises
        ------
        ValueError, TypeError
            If a parameter is out of its range, or `X` is empty, infinite or holds text outside
            ``categorical_features``.
        """
        began = clock.perf_counter()
        self._validate_params()
        more = self.warm_start and hasattr(self, "_forest")
        if not more:
            self.__dict__.pop("_trees", None)
        X = self._read(X, reset=not more, learn=True)
        n, p = X.shape
        self._refuse_infinite(X)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        grown = self._forest.n_trees if more else 0
        missing = self.n_estimators - grown
        if missing < 0:
            raise ValueError(
                f"n_estimators={self.n_estimators} must be at least the {grown} trees that "
                "warm_start keeps"
            )
        self.max_samples_ = self._rows_per_tree(n)
        if not more:
            random = check_random_state(self.random_state)
            self._seed = int(random.randint(2**63 - 1, dtype=np.int64))
            self._draws = []
        if missing:
            forest = self._grown(X, missing, grown, sample_weight)
            self._forest = self._forest.extended_by(forest) if more else forest
        else:
            warnings.warn(
                "warm_start without a larger n_estimators grows no new trees", stacklevel=2
            )
        if self.contamination == "auto":
            self.offset_ = -0.5
        else:
            self.offset_ = float(np.percentile(self._scored(X), 100.0 * self.contamination))
        if self.verbose:
            print(
                f"IsolationForest: {missing} trees of {self.max_samples_} rows from {n} x {p} in "
                f"{clock.perf_counter() - began:.3f} s",
                file=sys.stderr,
            )
        return self

    def _grown(self, X, n_trees, first, sample_weight):
        """A forest of `n_trees` that follow the `first` ones."""
        p = X.shape[1]
        per_tree = self._columns_per_tree(p)
        columns, gain = PRESETS[self.preset]
        columns = columns(per_tree)
        if self.extension_level is not None:
            columns = min(int(self.extension_level) + 1, per_tree)
        if self.gain_share is not None:
            gain = float(self.gain_share)
        draw = {
            "n_estimators": min(n_trees, 2**62),  # the kernel names the most
            "max_samples": self.max_samples_,
            "bootstrap": bool(self.bootstrap),
            "seed": self._seed,
            "first_tree": first,
        }
        n, present = X.shape[0], {}
        if issparse(X):
            trees = _core.Forest.sampled_rows(n, sample_weight=sample_weight, **draw)
            rows = np.unique(np.concatenate(trees))
            X = X.tocsr()[rows].toarray()
            present = {"present": (n, rows)}
        forest = _core.Forest.fit(
            X,
            max_features=per_tree,
            columns_per_split=columns,
            gain=gain,
            categorical=sorted(self.categories_) or None,
            sample_weight=sample_weight,
            n_jobs=self.n_jobs,
            **present,
            **draw,
        )
        self._draws.append({**draw, "n_rows": n, "sample_weight": sample_weight})
        return forest

    def score_samples(self, X: Matrix, *, progress: Progress = None) -> Float64:
        """Score of each row; higher = more normal.

        Parameters
        ----------
        X : array-like, sparse matrix or frame, shape (n_samples, n_features)
            A 2-D array of float32 or float64 takes the shortest way.
        progress : bool or function, optional
            True shows a bar (tqdm); a function is called with the rows done since its last call.

        Returns
        -------
        ndarray of float64, shape (n_samples,)
            From -1 (isolated at once) to 0, about -0.5 for an average row.

        Raises
        ------
        ValueError
            If `X` has other features than `fit` saw, or is infinite.
        """
        if progress is None and type(X) is np.ndarray and X.ndim == 2 and len(X):
            state = self.__dict__
            plain = X.dtype in FLOATS and "feature_names_in_" not in state
            if plain and not state.get("categories_", True) and X.shape[1] == self.n_features_in_:
                return self._forest.score_samples(X, n_jobs=self.n_jobs)
        check_is_fitted(self)
        return self._scored(self._read(X), progress)

    def decision_function(self, X: Matrix) -> Float64:
        """``score_samples(X) - offset_``: below 0 for an anomaly.

        Parameters
        ----------
        X : array-like, sparse matrix or frame, shape (n_samples, n_features)

        Returns
        -------
        ndarray of float64, shape (n_samples,)
        """
        scores = self.score_samples(X)
        scores -= self.offset_
        return scores

    def predict(self, X: Matrix) -> Int64:
        """1 for a normal row, -1 for an anomaly.

        Parameters
        ----------
        X : array-like, sparse matrix or frame, shape (n_samples, n_features)

        Returns
        -------
        ndarray of int, shape (n_samples,)
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    @overload
    def explain(self, X: MatrixT, *, progress: Progress = ...) -> MatrixT: ...
    @overload
    def explain(self, X: ArrayLike | SparseMatrix, *, progress: Progress = ...) -> Float64: ...
    def explain(self, X, *, progress=None):
        """What each feature adds to the exponent of a row's score.

        Parameters
        ----------
        X : array-like, sparse matrix or frame, shape (n_samples, n_features)
        progress : bool or function, optional
            As for :meth:`score_samples`.

        Returns
        -------
        ndarray or frame of the caller's kind, shape (n_samples, n_features)
            Dimensionless. Negative contributions make a row more anomalous.

        Notes
        -----
        They add up to the exponent of the score, to 1e-9 or better::

            -log2(-score_samples(X)) == base_exponent_ + explain(X).sum(axis=1)

        Where a row passes from a node of n training rows to a child of m, the features of the
        split share ``1 + c(m) - c(n)``, the change of the expected path length, c being that of
        an unsuccessful search; the mean over the trees is divided by ``c(max_samples_)``. It is
        the path attribution of random forests [1]_ applied to path lengths. It is not the
        Shapley value, though close to it; the documentation compares the two and shows how to
        compute Shapley values with ``shap``.

        References
        ----------
        .. [1] Saabas, A. (2014). Interpreting random forests.

        Examples
        --------
        >>> import numpy as np
        >>> from linewatch import IsolationForest
        >>> X = np.random.default_rng(0).normal(size=(500, 3))
        >>> forest = IsolationForest(random_state=0).fit(X)
        >>> row = np.array([[0.0, 6.0, 0.0]])
        >>> share = forest.explain(row)
        >>> int(share.argmin())
        1
        >>> exponent = -np.log2(-forest.score_samples(row))
        >>> bool(abs(forest.base_exponent_ + share.sum(axis=1) - exponent)[0] < 1e-9)
        True
        """
        check_is_fitted(self)
        return _features.like(X, self._explained(self._read(X), progress))

    @overload
    def reasons(self, X: MatrixT, *, top: int = ...) -> MatrixT: ...
    @overload
    def reasons(self, X: ArrayLike | SparseMatrix, *, top: int = ...) -> Texts: ...
    def reasons(self, X, *, top=3):
        """The features that make a row anomalous, as text for an alarm.

        Parameters
        ----------
        X : array-like, sparse matrix or frame, shape (n_samples, n_features)
        top : int, default=3
            Features to name, at most.

        Returns
        -------
        ndarray of str or frame of the caller's kind, shape (n_samples, top)
            Such as ``"duration_s = 5417"``, the strongest first; empty where no further feature
            makes the row more anomalous. The columns of a frame are ``reason_1``, ...
        """
        check_is_fitted(self)
        values = self._read(X)
        names = _features.feature_names(self)
        table = _features.frame(X) if self.categories_ else None
        if self.categories_ and table is None:
            table = np.asarray(X)

        def texts(rows, columns):
            out = np.empty(len(rows), dtype=object)
            for column in np.unique(columns):
                here = np.flatnonzero(columns == column)
                if column in self.categories_:
                    raw = _categories.values(table, column)[rows[here]]
                    shown = ["missing" if v is None or v != v else str(v) for v in raw]
                else:
                    if issparse(values):
                        part = values[rows[here]][:, [column]].toarray().ravel()
                    else:
                        part = values[rows[here], column]
                    shown = map(_features.number_text, part)
                out[here] = [f"{names[column]} = {text}" for text in shown]
            return out

        out = _features.top_reasons(-self._explained(values), texts, top)
        return _features.like(X, out, [f"reason_{k + 1}" for k in range(out.shape[1])])

    def save(self, path: PathLike) -> None:
        """Write the forest to one file, whole or not at all.

        Parameters
        ----------
        path : str or path-like

        Notes
        -----
        The file has a versioned header and a checksum, and executes nothing when it is read. It
        keeps the parameters, but for a `random_state` that is a generator.

        See Also
        --------
        linewatch.load : Reads it.
        """
        check_is_fitted(self)
        self._forest.save(os.fspath(path), _models.settings_text(self._settings()))

    def to_onnx(self) -> onnx.ModelProto:
        """The forest as an ONNX model, for runtimes without Python.

        Returns
        -------
        onnx.ModelProto
            Input ``X`` (float64, n x n_features), outputs ``score_samples`` (float64, n) and
            ``label`` (int64, n; 1 normal, -1 anomaly). Scores agree with :meth:`score_samples` to
            1e-5. Needs ``ai.onnx.ml`` 3, whose thresholds are float64.

        Raises
        ------
        ValueError
            If the forest has splits over several columns or categories, which ONNX trees have
            not.
        ImportError
            If ``onnx`` is missing: ``pip install "linewatch[onnx]"``.
        """
        from linewatch import _onnx

        check_is_fitted(self)
        return _onnx.model(self)

    def __add__(self, other: IsolationForest) -> IsolationForest:
        """A forest with the trees of both, as for forests grown on parts of the data.

        It has the parameters of the left one. ``offset_`` is -0.5 where both have it, else the
        mean by number of trees; choose it anew with
        :class:`~linewatch.ThresholdedDetector` where it matters.
        """
        if not isinstance(other, IsolationForest):
            return NotImplemented
        for forest in (self, other):
            check_is_fitted(forest)
        self._refuse_other(other)
        out = type(self)(**self.get_params(deep=False))
        for name in ("n_features_in_", "feature_names_in_", "categories_", "_seed"):
            if name in self.__dict__:
                setattr(out, name, getattr(self, name))
        out._forest = self._forest.extended_by(other._forest)
        out.n_estimators = out._forest.n_trees
        out.max_samples_ = max(self.max_samples_, other.max_samples_)
        out._draws = [*self._draws, *other._draws]
        a, b = self._forest.n_trees, other._forest.n_trees
        same = self.offset_ == other.offset_
        out.offset_ = self.offset_ if same else (a * self.offset_ + b * other.offset_) / (a + b)
        return out

    def _refuse_other(self, other):
        names = [getattr(forest, "feature_names_in_", None) for forest in (self, other)]
        if self.n_features_in_ != other.n_features_in_:
            raise ValueError(
                f"forests of {self.n_features_in_} and {other.n_features_in_} features cannot be "
                "added"
            )
        if all(n is not None for n in names) and list(names[0]) != list(names[1]):
            place = next(i for i, (a, b) in enumerate(zip(*names, strict=True)) if a != b)
            raise ValueError(
                f'forests of other features cannot be added: column {place} is "{names[0][place]}" '
                f'in one and "{names[1][place]}" in the other'
            )
        if self.categories_ != other.categories_:
            raise ValueError(
                "forests with other categories cannot be added; fit the second one from the first "
                "with warm_start"
            )

    @property
    def estimators_(self) -> list[IsolationTree]:
        """The trees, made to look at when they are asked for."""
        forest = self._fitted("estimators_")
        trees = self.__dict__.setdefault("_trees", [])
        for k in range(len(trees), forest.n_trees):
            trees.append(IsolationTree(forest.subset(k, k + 1)))
        return list(trees)

    @property
    def estimators_samples_(self) -> list[NDArray[Any]]:
        """Rows that each tree was grown on, each of them once."""
        self._fitted("estimators_samples_")
        samples = []
        for draw in self._draws:
            if draw["sample_weight"] is False:
                raise AttributeError(
                    "estimators_samples_ of a forest grown with sample_weight is not in its file"
                )
            samples += [rows.astype(np.int64) for rows in _core.Forest.sampled_rows(**draw)]
        return samples

    @property
    def feature_importances_(self) -> Float64:
        """Mean absolute contribution of each feature, divided by their sum."""
        importances = self._fitted("feature_importances_").importances()
        total = importances.sum()
        return importances / total if total > 0 else importances

    @property
    def base_exponent_(self) -> float:
        """What the contributions of :meth:`explain` are added to."""
        forest = self._fitted("base_exponent_")
        return forest.explain(np.empty((0, self.n_features_in_)))[1]

    def _fitted(self, name):
        if "_forest" not in self.__dict__:
            raise AttributeError(f"IsolationForest has no {name} before fit")
        return self._forest

    def _read(self, X, *, reset=False, learn=False):
        """`X` as a float array or a CSR matrix; learns features and categories in `fit`."""
        if reset:
            known = {}
        else:
            known = self.categories_
        if self.categorical_features is None and not known:
            if reset:
                self.categories_ = {}
            try:
                X = _features.matrix(
                    self,
                    X,
                    reset=reset,
                    allow_nan=True,
                    accept_sparse=["csr", "csc"] if learn else "csr",
                    dtype=list(FLOATS),
                )
            except TypeError as error:
                if reset and re.match('column "(.*)" of X has dtype .*(astype|cast)', str(error)):
                    text = "; a column of categories is to be named in categorical_features"
                    raise TypeError(f"{error}{text}") from None
                raise
        else:
            X = self._with_categories(X, reset, learn, known)
        return X

    def _with_categories(self, X, reset, learn, known):
        table = _features.frame(X)
        if table is not None:
            _features.check_names(self, table, reset=reset)
            if not len(table):
                raise ValueError("X has 0 rows; expected at least 1")
        else:
            dtype = None if isinstance(X, np.ndarray) else object  # a list may mix text and numbers
            table = validate_data(self, X, reset=reset, dtype=dtype, ensure_all_finite=False)
        p = table.shape[1]
        if reset:
            names = getattr(self, "feature_names_in_", None)
            frame = None if isinstance(table, np.ndarray) else table
            columns = _categories.chosen(self.categorical_features, names, p, frame)
            known = {column: [] for column in columns}
        out = np.empty((table.shape[0], p), order="F")
        others = [j for j in range(p) if j not in known]
        out[:, others] = _categories.numbers(table, others)
        learned = {}
        for column, categories in known.items():
            values = _categories.values(table, column)
            if learn:
                title = _features.column_name(self, column)
                categories = _categories.learned(values, categories, title)
            learned[column] = categories
            out[:, column] = _categories.coded(values, categories)
        if learn:
            self.categories_ = learned
        return out

    def _refuse_infinite(self, X):
        place = None
        if not issparse(X):
            place = _core.find_infinite(X, n_jobs=self.n_jobs)
        elif not np.isfinite(X.data).all() and np.isinf(X.data).any():
            X = X.tocoo()
            k = int(np.isinf(X.data).argmax())
            place = int(X.row[k]), int(X.col[k])
            X = X.tocsr()
        if place is not None:
            row, column = map(int, place)
            raise ValueError(
                f"X must be finite or missing (NaN), got {X[row, column]} in row {row}, column "
                f"{_features.column_name(self, column)}"
            )

    def _scored(self, X, progress=None):
        return self._by_rows(X, lambda x, tell: self._forest.score_samples(x, **tell), progress)

    def _explained(self, X, progress=None):
        return self._by_rows(X, lambda x, tell: self._forest.explain(x, **tell)[0], progress)

    def _by_rows(self, X, kernel, progress):
        """What `kernel` says of the rows; those of a sparse matrix block by block."""
        from linewatch._progress import bar

        n, p = X.shape
        with bar(progress, n) as callback:
            if not issparse(X):
                tell = {"n_jobs": self.n_jobs, "progress": callback}
                return self._named(kernel, X, tell, 0)
            parts = []
            for rows in gen_batches(n, max(1, SPARSE_BLOCK // max(p, 1))):
                block = X[rows].toarray()
                parts.append(self._named(kernel, block, {"n_jobs": self.n_jobs}, rows.start))
                if callback is not None:
                    callback(len(block))
            return np.concatenate(parts)

    def _named(self, kernel, X, tell, first):
        """The kernel's answer; its errors with the row of the caller and the column's name."""
        try:
            return kernel(X, tell)
        except ValueError as error:
            text = str(error)
            place = re.search(r"in row (\d+), column (\d+)$", text)
            if place is None:
                raise
            row, column = map(int, place.groups())
            name = _features.column_name(self, column)
            raise ValueError(
                f"{text[: place.start()]}in row {row + first}, column {name}"
            ) from None

    def _rows_per_tree(self, n):
        if isinstance(self.max_samples, str):
            return min(256, n)
        if isinstance(self.max_samples, Integral):
            if self.max_samples > n:
                warnings.warn(
                    f"max_samples ({self.max_samples}) is greater than the total number of samples "
                    f"({n}). max_samples will be set to n_samples for estimation.",
                    stacklevel=3,
                )
                return n
            return int(self.max_samples)
        count = int(self.max_samples * n)
        if count < 1:
            raise ValueError(f"max_samples={self.max_samples} of {n} rows is no row")
        return count

    def _columns_per_tree(self, p):
        if isinstance(self.max_features, Integral):
            if not 1 <= self.max_features <= p:
                raise ValueError(
                    f"max_features must be from 1 to n_features ({p}), got {self.max_features}"
                )
            return int(self.max_features)
        return max(1, int(self.max_features * p))

    def _settings(self):
        draws = [
            {**draw, "sample_weight": None if draw["sample_weight"] is None else False}
            for draw in self._draws
        ]
        return {
            "parameters": _models.parameters(self),
            "offset": self.offset_,
            "max_samples": self.max_samples_,
            "categories": [[column, names] for column, names in self.categories_.items()],
            "seed": self._seed,
            "draws": draws,
            **_models.described_features(self),
        }

    def _to_model(self):
        data = np.frombuffer(self._forest.to_bytes(), dtype=np.uint8)
        return self._settings(), {"forest": data}

    @classmethod
    def _from_model(cls, settings, arrays, path=None):
        if path is None:
            forest = _core.Forest.from_bytes(arrays["forest"].tobytes())
        else:
            forest = _core.Forest.load(path)[0]
        out = cls(**settings["parameters"])
        _models.feature_names(out, settings)
        if forest.n_features != out.n_features_in_:
            raise KeyError(
                f"trees of {forest.n_features} features, settings of {out.n_features_in_}"
            )
        out._forest = forest
        out.offset_ = float(settings["offset"])
        out.max_samples_ = int(settings["max_samples"])
        out.categories_ = {int(column): names for column, names in settings["categories"]}
        out._seed = int(settings["seed"])
        out._draws = settings["draws"]
        return out

    def __sklearn_is_fitted__(self) -> bool:
        return "_forest" in self.__dict__

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = self.categorical_features is None
        tags.input_tags.categorical = self.categorical_features is not None
        return tags
