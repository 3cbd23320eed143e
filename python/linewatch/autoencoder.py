"""A bottleneck network that learns to repeat normal rows; what it repeats badly is unusual.

The network is scikit-learn's `MLPRegressor`, trained from the features to the features.
"""

from __future__ import annotations

import itertools
import numbers
from typing import TYPE_CHECKING, overload

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from linewatch import _features, _models
from linewatch._sizes import check_rows
from linewatch._sklearn import BaseEstimator, OutlierMixin

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal, Self

    from numpy.typing import ArrayLike

    from linewatch._typing import (
        Data,
        Float64,
        Floats,
        Int64,
        MatrixT,
        PathLike,
        RandomState,
        Texts,
    )


__all__ = ["AutoencoderDetector"]

# How scikit-learn's warning begins.
_STOPPED = "Training interrupted"
SCALINGS = ("standard", "minmax")
ACTIVATIONS: dict[str, Callable[[Floats], Floats]] = {
    "identity": lambda x: x,
    "relu": lambda x: np.maximum(x, 0.0),
    "tanh": np.tanh,
    "logistic": lambda x: 0.5 * (1.0 + np.tanh(0.5 * x)),
}


class _Epochs(int):
    """As many epochs as asked for, to which no number of epochs is equal.

    scikit-learn warns of a network that gets to its `max_iter`, and a filter of warnings would hold
    for every thread.
    """

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = int.__hash__


class AutoencoderDetector(OutlierMixin, _models.Loadable, BaseEstimator):
    """Autoencoder: a row is unusual where a network trained on normal rows cannot repeat it.

    Parameters
    ----------
    hidden_layer_sizes : "auto" or sequence of int, default="auto"
        Units of the hidden layers; the middle one is the bottleneck. ``"auto"`` keeps the
        proportions 17-12-6-12-17: for 17 features (12, 6, 12).
    activation : {"relu", "tanh", "logistic", "identity"}, default="relu"
        Of the hidden layers; the output is linear.
    epochs : int, default=30
        Passes over the rows; all of them are made.
    batch_size : int, default=32
        Rows for a step of Adam.
    learning_rate : float, default=0.001
        Of Adam.
    alpha : float, default=0.0
        Strength of the L2 penalty on the weights.
    scaling : {"standard", "minmax"} or None, default="standard"
        Features are brought to mean 0 and deviation 1, or to the range 0 to 1, by the rows of
        `fit`; a constant feature is only moved. None leaves them as they are.
    percentile : float, default=95.0
        The threshold is this percentile of the errors of the rows of `fit`. See
        :class:`~linewatch.ThresholdedDetector` for one from rows held out.
    random_state : int, RandomState instance or None, default=None
        First weights and order of the rows.
    verbose : bool, default=False
        Print the loss of each epoch.

    Attributes
    ----------
    coefs_, intercepts_ : list of ndarray
        Weights of the layers.
    hidden_layer_sizes_ : tuple of int
    center_, scale_ : ndarray, shape (n_features,)
        A feature enters the network as ``(x - center_) / scale_``.
    loss_curve_ : ndarray, shape (epochs,)
        Half the mean squared error after each epoch.
    threshold_ : float
        A row with a larger error is an anomaly.
    offset_ : float
        ``-threshold_``, as scikit-learn has it: ``decision_function = score_samples - offset_``.
    n_features_in_ : int
        Features seen by `fit`.
    feature_names_in_ : ndarray of str
        Their names, where `fit` got a frame.

    See Also
    --------
    IsolationForest : Faster, takes missing values, needs no scaling.

    Notes
    -----
    The error of a row is the mean over its features of the squared difference between the scaled
    feature and its repetition. :meth:`score_samples` is its negative, so that higher = more normal.

    Missing values are refused: there is nothing to repeat.

    References
    ----------
    .. [1] Sakurada, M., Yairi, T. (2014). Anomaly detection using autoencoders with nonlinear
       dimensionality reduction. MLSDA 2014.

    Examples
    --------
    Uplink and downlink rise together; in the last row they do not.

    >>> import numpy as np
    >>> from linewatch import AutoencoderDetector
    >>> load = np.random.default_rng(0).uniform(size=(500, 1))
    >>> X = np.hstack([load, 2 * load, 3 * load])
    >>> detector = AutoencoderDetector((4, 1, 4), activation="tanh", random_state=0).fit(X)
    >>> detector.predict([[0.5, 1.0, 1.5], [0.9, 0.2, 0.3]])
    array([ 1, -1])
    >>> detector.reasons([[0.9, 0.2, 0.3]], top=1)[0, 0]
    'x1 = 0.2'
    """

    hidden_layer_sizes: Literal["auto"] | int | Sequence[int]
    activation: Literal["relu", "tanh", "logistic", "identity"]
    epochs: int
    batch_size: int
    learning_rate: float
    alpha: float
    scaling: Literal["standard", "minmax"] | None
    percentile: float
    random_state: RandomState
    verbose: bool
    coefs_: list[Float64]
    intercepts_: list[Float64]
    hidden_layer_sizes_: tuple[int, ...]
    center_: Float64
    scale_: Float64
    loss_curve_: Float64
    threshold_: float
    offset_: float
    n_features_in_: int
    feature_names_in_: Texts

    def __init__(
        self,
        hidden_layer_sizes: Literal["auto"] | int | Sequence[int] = "auto",
        *,
        activation: Literal["relu", "tanh", "logistic", "identity"] = "relu",
        epochs: int = 30,
        batch_size: int = 32,
        learning_rate: float = 0.001,
        alpha: float = 0.0,
        scaling: Literal["standard", "minmax"] | None = "standard",
        percentile: float = 95.0,
        random_state: RandomState = None,
        verbose: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.alpha = alpha
        self.scaling = scaling
        self.percentile = percentile
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Data, y: object = None) -> Self:
        """Train the network and set the threshold.

        Parameters
        ----------
        X : array-like or frame, shape (n_samples, n_features)
            Mostly normal rows; finite numbers.
        y : ignored

        Returns
        -------
        self : AutoencoderDetector

        Raises
        ------
        ValueError, TypeError
            If a parameter is out of its range, or `X` is empty, not finite or not of numbers.
        """
        from sklearn.neural_network import MLPRegressor

        self._check_parameters()
        X = _features.matrix(self, X, reset=True)
        n, p = X.shape
        sizes = self._sizes(p)
        self.center_, self.scale_ = _scale(np.ascontiguousarray(X), self.scaling)
        scaled = self._scaled(X)
        network = MLPRegressor(
            hidden_layer_sizes=sizes,
            activation=self.activation,
            solver="adam",
            alpha=self.alpha,
            batch_size=min(self.batch_size, n),
            learning_rate_init=self.learning_rate,
            max_iter=_Epochs(self.epochs),
            n_iter_no_change=self.epochs + 1,  # all epochs, whatever the loss does
            random_state=check_random_state(self.random_state).randint(2**31 - 1),
            verbose=bool(self.verbose),
        )
        with np.errstate(over="ignore", invalid="ignore"):
            try:
                network.fit(scaled, scaled if p > 1 else scaled[:, 0])
            except UserWarning as warning:  # where warnings are errors
                if not str(warning).startswith(_STOPPED):
                    raise
                raise KeyboardInterrupt from None
            except ValueError as error:
                if "finite" not in str(error):
                    raise
                raise self._diverged() from None
        # scikit-learn takes Ctrl-C for the end of training; half a fit is none.
        if network.n_iter_ < self.epochs:
            raise KeyboardInterrupt
        self.coefs_, self.intercepts_ = network.coefs_, network.intercepts_
        self.hidden_layer_sizes_ = sizes
        self.loss_curve_ = np.array(network.loss_curve_)
        errors = self._errors(scaled)
        if not np.isfinite(errors).all():
            raise self._diverged()
        self.threshold_ = float(np.percentile(errors.mean(axis=1), self.percentile))
        self.offset_ = -self.threshold_
        return self

    def score_samples(self, X: Data) -> Floats:
        """Negative mean squared error of each row; higher = more normal.

        Parameters
        ----------
        X : array-like or frame, shape (n_samples, n_features)

        Returns
        -------
        ndarray of float, shape (n_samples,)
        """
        return -self._squared(X).mean(axis=1)

    def decision_function(self, X: Data) -> Floats:
        """``score_samples(X) - offset_``: below 0 for an anomaly.

        Parameters
        ----------
        X : array-like or frame, shape (n_samples, n_features)

        Returns
        -------
        ndarray of float, shape (n_samples,)
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: Data) -> Int64:
        """1 for a normal row, -1 for an anomaly (an error above ``threshold_``).

        Parameters
        ----------
        X : array-like or frame, shape (n_samples, n_features)

        Returns
        -------
        ndarray of int, shape (n_samples,)
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    @overload
    def reconstruct(self, X: MatrixT) -> MatrixT: ...
    @overload
    def reconstruct(self, X: ArrayLike) -> Float64: ...
    def reconstruct(self, X):
        """What the network makes of the rows, in their own units.

        Parameters
        ----------
        X : array-like or frame, shape (n_samples, n_features)

        Returns
        -------
        ndarray or frame of the caller's kind, shape (n_samples, n_features)
        """
        check_is_fitted(self)
        values = _features.matrix(self, X, reset=False)
        return _features.like(X, self._output(self._scaled(values)) * self.scale_ + self.center_)

    @overload
    def explain(self, X: MatrixT) -> MatrixT: ...
    @overload
    def explain(self, X: ArrayLike) -> Float64: ...
    def explain(self, X):
        """Share of each feature in the error of its row.

        Parameters
        ----------
        X : array-like or frame, shape (n_samples, n_features)

        Returns
        -------
        ndarray or frame of the caller's kind, shape (n_samples, n_features)
            Squared scaled errors divided by the number of features: a row adds up to
            ``-score_samples``. Larger = more unusual.
        """
        errors = self._squared(X)
        return _features.like(X, errors / errors.shape[1])

    @overload
    def reasons(self, X: MatrixT, *, top: int = ...) -> MatrixT: ...
    @overload
    def reasons(self, X: ArrayLike, *, top: int = ...) -> Texts: ...
    def reasons(self, X, *, top=3):
        """The features with the largest errors, as text for an alarm.

        Parameters
        ----------
        X : array-like or frame, shape (n_samples, n_features)
        top : int, default=3
            Features to name, at most.

        Returns
        -------
        ndarray of str or frame of the caller's kind, shape (n_samples, top)
            Such as ``"duration_s = 5417"``, the largest error first. The columns of a frame are
            ``reason_1``, ``reason_2``, ...
        """
        check_is_fitted(self)
        values = _features.matrix(self, X, reset=False)
        errors = self._errors(self._scaled(values))
        return _features.named_reasons(self, X, values, errors, top)

    def save(self, path: PathLike) -> None:
        """Write the detector to one file, whole or not at all.

        Parameters
        ----------
        path : str or path-like

        See Also
        --------
        linewatch.load : Reads it; nothing in it is executed.
        """
        check_is_fitted(self)
        _models.save(self, path)

    def _to_model(self):
        arrays = {"center": self.center_, "scale": self.scale_, "loss_curve": self.loss_curve_}
        for layer, (weights, bias) in enumerate(zip(self.coefs_, self.intercepts_, strict=True)):
            arrays[f"weights_{layer}"] = weights
            arrays[f"bias_{layer}"] = bias
        settings = {
            "parameters": _models.parameters(self),
            "threshold": self.threshold_,
            "hidden_layer_sizes": self.hidden_layer_sizes_,
            **_models.described_features(self),
        }
        return settings, arrays

    @classmethod
    def _from_model(cls, settings, arrays, path=None):
        detector = cls(**settings["parameters"])
        _models.feature_names(detector, settings)
        detector.hidden_layer_sizes_ = tuple(settings["hidden_layer_sizes"])
        sizes = [detector.n_features_in_, *detector.hidden_layer_sizes_, detector.n_features_in_]
        layers = range(len(sizes) - 1)
        detector.coefs_ = [arrays[f"weights_{layer}"] for layer in layers]
        detector.intercepts_ = [arrays[f"bias_{layer}"] for layer in layers]
        for layer in layers:
            shapes = (detector.coefs_[layer].shape, detector.intercepts_[layer].shape)
            if shapes != (tuple(sizes[layer : layer + 2]), (sizes[layer + 1],)):
                raise KeyError(f"layer {layer} has weights of shape {shapes[0]}")
        detector.center_, detector.scale_ = arrays["center"], arrays["scale"]
        detector.loss_curve_ = arrays["loss_curve"]
        detector.threshold_ = float(settings["threshold"])
        detector.offset_ = -detector.threshold_
        return detector

    def _diverged(self):
        return ValueError(
            "the training did not stay finite; use scaling='standard' or a smaller learning_rate "
            f"than {self.learning_rate}"
        )

    def _squared(self, X):
        """Squared scaled error of each value, as an array."""
        check_is_fitted(self)
        return self._errors(self._scaled(_features.matrix(self, X, reset=False)))

    def _scaled(self, X):
        # One order in memory, so that frames and arrays give the same sums.
        return np.ascontiguousarray((X - self.center_) / self.scale_)

    def _output(self, scaled):
        if len(scaled) == 1:
            # BLAS adds up a row alone in another order than rows together.
            return self._output(np.repeat(scaled, 2, axis=0))[:1]
        activation = ACTIVATIONS[self.activation]
        layer = scaled
        for weights, bias in zip(self.coefs_[:-1], self.intercepts_[:-1], strict=True):
            layer = activation(layer @ weights + bias)
        return layer @ self.coefs_[-1] + self.intercepts_[-1]

    def _errors(self, scaled):
        # A row too far away to be squared is infinitely far, which is what its score then says.
        with np.errstate(over="ignore", invalid="ignore"):
            return (self._output(scaled) - scaled) ** 2

    def _sizes(self, p):
        sizes = self.hidden_layer_sizes
        if isinstance(sizes, str) and sizes == "auto":
            wide, narrow = (max(1, round(p * units / 17)) for units in (12, 6))
            return (wide, narrow, wide)
        sizes = tuple(int(size) for size in sizes)
        layers = (p, *sizes, p)
        # The weights, their gradients, and the two moments of both that Adam keeps.
        weights = sum(a * b for a, b in itertools.pairwise(layers))
        check_rows(weights, f"hidden_layer_sizes={sizes}", columns=4, what="weights")
        return sizes

    def _check_parameters(self):
        sizes = self.hidden_layer_sizes
        if not (isinstance(sizes, str) and sizes == "auto"):
            whole = not isinstance(sizes, str) and all(
                isinstance(s, numbers.Integral) and s >= 1 for s in np.atleast_1d(sizes).tolist()
            )
            if not whole or np.ndim(sizes) != 1 or not len(sizes):
                raise ValueError(
                    'hidden_layer_sizes must be "auto" or a list of whole numbers from 1 on, '
                    f"got {sizes!r}"
                )
        for name, allowed in (("activation", ACTIVATIONS), ("scaling", (*SCALINGS, None))):
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"{name} must be one of {', '.join(map(str, allowed))}, "
                    f"got {getattr(self, name)!r}"
                )
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} must be a whole number from 1 on, got {value!r}")
        for name, low, high in (
            ("learning_rate", 0, np.inf),
            ("alpha", None, np.inf),
            ("percentile", 0, 100),
        ):
            value = getattr(self, name)
            number = isinstance(value, numbers.Real) and not isinstance(value, bool)
            if not number or not (value >= 0 if low is None else value > low) or not value < high:
                least = "at least 0" if low is None else f"above {low}"
                most = "" if high == np.inf else f" and below {high}"
                raise ValueError(f"{name} must be a number {least}{most}, got {value!r}")


def _scale(X, scaling):
    """What to subtract from each feature and to divide it by."""
    if scaling is None:
        return np.zeros(X.shape[1]), np.ones(X.shape[1])
    if scaling == "standard":
        center = X.mean(axis=0)
        scale = X.std(axis=0)
        # The deviation of equal values may be off by the last digits.
        scale[scale <= 10 * np.finfo(float).eps * np.abs(center)] = 0.0
    else:
        center = X.min(axis=0)
        scale = X.max(axis=0) - center
    return center, np.where(scale > 0, scale, 1.0)
