"""Model files: a detector as arrays and plain settings, in the file format of the kernels.

The file has a versioned header and a checksum of everything; nothing in it is executed. A
detector that can be saved has ``_to_model()``, which gives its settings (what JSON can hold) and
its arrays, and ``_from_model(settings, arrays, path)``, which makes it again; it is `Loadable`.
"""

from __future__ import annotations

import json
import os
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, overload

import numpy as np

from linewatch import __version__, _core

if TYPE_CHECKING:
    from typing import Any, Self

    from linewatch._typing import DetectorT, PathLike


# What a file says it holds, and the module and class that read it.
KINDS = {
    "autoencoder": ("linewatch.autoencoder", "AutoencoderDetector"),
    "intrusion detector": ("linewatch.intrusion._detector", "IntrusionDetector"),
    "isolation forest": ("linewatch.iforest", "IsolationForest"),
    "k-nearest neighbors": ("linewatch.neighbors", "KNNDetector"),
    "local outlier factor": ("linewatch.neighbors", "LocalOutlierFactor"),
    "online isolation forest": ("linewatch.streaming._forest", "OnlineIsolationForest"),
    "online scorer": ("linewatch.streaming._scorer", "OnlineScorer"),
    "thresholded detector": ("linewatch.threshold", "ThresholdedDetector"),
}


def save(estimator, path):
    """Write a fitted detector to one file, whole or not at all."""
    settings, arrays = estimator._to_model()
    _core.write_model(os.fspath(path), _kind(estimator), settings_text(settings), arrays)


@overload
def load(path: PathLike, *, expected: None = ...) -> Any: ...
@overload
def load(path: PathLike, *, expected: type[DetectorT]) -> DetectorT: ...
def load(path, *, expected=None):
    """Read a detector that its ``save`` wrote; nothing in the file is executed.

    Parameters
    ----------
    path : str or path-like
    expected : class, optional
        Refuse any other kind of detector.

    Returns
    -------
    The detector, of the class that wrote the file.

    Raises
    ------
    ValueError
        If the file is no model, damaged, cut off, of a newer version, or of another kind.
    OSError
        If it cannot be read.

    Examples
    --------
    >>> import numpy as np, os, tempfile
    >>> import linewatch as lw
    >>> X = np.random.default_rng(0).normal(size=(300, 2))
    >>> path = os.path.join(tempfile.mkdtemp(), "forest.lw")
    >>> forest = lw.IsolationForest(random_state=0).fit(X)
    >>> forest.save(path)
    >>> bool((lw.load(path).score_samples(X) == forest.score_samples(X)).all())
    True
    """
    path = os.fspath(path)
    if os.path.isdir(path):
        raise IsADirectoryError(f"{path} is a folder; expected a file that save() wrote")
    kind, text, arrays = _core.read_model(path)
    if kind not in KINDS:
        raise ValueError(f"{path} holds a model of kind {kind!r}, which this linewatch cannot read")
    if expected is not None and kind != _kind_of(expected):
        raise ValueError(
            f"{path} holds a model of kind {kind!r}; expected {_kind_of(expected)!r} "
            "(linewatch.load reads every kind)"
        )
    try:
        return _class(kind)._from_model(_settings(text), arrays, path=path)
    except (KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise ValueError(
            f"{path} does not hold what a model of kind {kind!r} needs ({error})"
        ) from None


class Loadable:
    """A detector that can be saved, as a base class: how it is read."""

    @classmethod
    def load(cls, path: PathLike) -> Self:
        """Read a file that ``save`` wrote; nothing in it is executed.

        Parameters
        ----------
        path : str or path-like

        Returns
        -------
        The detector, of this class.

        Raises
        ------
        ValueError
            If the file is damaged, cut off, of a newer version, or another kind of model.
        OSError
            If it cannot be read.

        See Also
        --------
        linewatch.load : Reads every kind.

        Examples
        --------
        >>> import os, tempfile
        >>> import linewatch as lw
        >>> path = os.path.join(tempfile.mkdtemp(), "knn.lw")
        >>> lw.KNNDetector(n_neighbors=1).fit([[0.0], [3.0], [4.0]]).save(path)
        >>> lw.KNNDetector.load(path).score_samples([[5.0]])
        array([-1.])
        """
        return load(path, expected=cls)


def nested(estimator):
    """The settings and arrays of a detector inside another one."""
    settings, arrays = estimator._to_model()
    arrays = {f"detector/{name}": array for name, array in arrays.items()}
    return {"kind": _kind(estimator), "settings": settings}, arrays


def unnested(inner, arrays):
    """The detector that :func:`nested` took apart."""
    start = "detector/"
    arrays = {name[len(start) :]: a for name, a in arrays.items() if name.startswith(start)}
    if inner["kind"] not in KINDS:
        raise ValueError(f"the inner model is of kind {inner['kind']!r}, which is not known here")
    return _class(inner["kind"])._from_model(inner["settings"], arrays)


def settings_text(settings):
    """Settings as JSON."""
    return json.dumps(settings | {"linewatch_version": __version__}, default=plain)


def plain(value):
    """What JSON holds instead of `value`."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, tuple | set | range):
        return list(value)
    if isinstance(value, timedelta):
        return f"{value // timedelta(microseconds=1)}us"
    raise TypeError(f"{value!r} of type {type(value).__name__} cannot be saved")


def parameters(estimator, leave_out=()):
    """Parameters that a file keeps; a generator of random numbers is not one of them."""
    kept = {k: v for k, v in estimator.get_params(deep=False).items() if k not in leave_out}
    if not isinstance(kept.get("random_state"), int | np.integer | None):
        kept["random_state"] = None
    return kept


def feature_names(estimator, settings):
    """Give `estimator` the features that `settings` name."""
    estimator.n_features_in_ = int(settings["n_features_in"])
    names = settings.get("feature_names_in")
    if names is not None:
        estimator.feature_names_in_ = np.array(names, dtype=object)


def described_features(estimator):
    """The settings that :func:`feature_names` reads."""
    names = getattr(estimator, "feature_names_in_", None)
    return {
        "n_features_in": estimator.n_features_in_,
        "feature_names_in": None if names is None else list(names),
    }


def _settings(text):
    try:
        settings = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise KeyError(f"settings are not JSON: {error}") from None
    if not isinstance(settings, dict):
        raise KeyError("settings are not an object")
    return settings


def _class(kind):
    module, name = KINDS[kind]
    return getattr(import_module(module), name)


def _kind(estimator):
    return _kind_of(type(estimator))


def _kind_of(cls):
    for kind, (module, name) in KINDS.items():
        if cls.__module__ == module and cls.__name__ == name:
            return kind
    raise TypeError(f"{cls.__name__} cannot be saved; use pickle or joblib")
