"""Wavelet features as a transformer of scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from linewatch._sklearn import BaseEstimator, TransformerMixin
from linewatch._wavelets import as_discrete
from linewatch._window_features import TWELVE, plan
from linewatch.wavelet._dwt import dwt_max_level

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from linewatch._typing import Data, Floats, Texts
    from linewatch._wavelets import Wavelet


class WaveletFeatures(TransformerMixin, BaseEstimator):
    """Features of windows, each row of `X` one window.

    Parameters
    ----------
    wavelet : str or Wavelet, default="db4"
        See `linewatch.wavelet.wavelist`.
    level : int, optional
        Levels; by default 4, or fewer for windows too short for that.
    mode : str, default="symmetric"
        How a window goes on beyond its ends. ``"periodization"`` splits its energy exactly; the
        others count some of it twice.
    features : sequence of str, optional
        See `linewatch.wavelet.features`; by default band energies, relative band energies, wavelet
        and spectral entropy.
    sampling_rate : float, default=1.0
        Samples a second, for what is said in hertz.
    n_jobs : int, optional
        Threads, as in scikit-learn.

    Attributes
    ----------
    n_features_in_ : int
        Samples of a window.
    level_ : int
        Levels used.
    feature_names_out_ : list of str
        Columns of the answer; those that depend on the mode name it.

    Examples
    --------
    >>> import numpy as np
    >>> import linewatch as lw
    >>> X = np.sin(np.arange(512)).reshape(4, 128)
    >>> transformer = lw.WaveletFeatures(level=2, features=["band_energy"]).fit(X)
    >>> transformer.get_feature_names_out()
    array(['band_energy_a2_symmetric', 'band_energy_d2_symmetric',
           'band_energy_d1_symmetric'], dtype=object)
    >>> transformer.transform(X).shape
    (4, 3)
    """

    wavelet: str | Wavelet
    level: int | None
    mode: str | int
    features: Sequence[str] | None
    sampling_rate: float
    n_jobs: int | None
    n_features_in_: int
    level_: int
    feature_names_out_: list[str]

    def __init__(
        self,
        wavelet: str | Wavelet = "db4",
        *,
        level: int | None = None,
        mode: str | int = "symmetric",
        features: Sequence[str] | None = None,
        sampling_rate: float = 1.0,
        n_jobs: int | None = None,
    ) -> None:
        self.wavelet = wavelet
        self.level = level
        self.mode = mode
        self.features = features
        self.sampling_rate = sampling_rate
        self.n_jobs = n_jobs

    def fit(self, X: Data, y: object = None) -> Self:
        """Check the settings against the length of the windows; nothing is learned.

        Parameters
        ----------
        X : array-like of float, shape (n_windows, n_samples)
            Windows.
        y : None
            Ignored.

        Returns
        -------
        WaveletFeatures
            Itself.

        Raises
        ------
        ValueError
            If a setting is unknown, or `level` too high for the windows.
        """
        X = validate_data(self, X, dtype=[np.float64, np.float32])
        most = dwt_max_level(X.shape[1], as_discrete(self.wavelet))
        self.level_ = min(4, most) if self.level is None else self.level
        if self.level is not None and self.level > most:
            taps = as_discrete(self.wavelet).dec_len
            raise ValueError(
                f"level must be at most {most} for windows of {X.shape[1]} values and a filter "
                f"of {taps}, got {self.level}"
            )
        self.feature_names_out_ = self._plan().columns
        return self

    def _plan(self):
        names = TWELVE if self.features is None else self.features
        rate = self.sampling_rate
        return plan(names, self.wavelet, self.level_, self.mode, sampling_rate=rate)

    def transform(self, X: Data) -> Floats:
        """Features of the windows.

        Parameters
        ----------
        X : array-like of float, shape (n_windows, n_samples)
            Windows as long as those of `fit`.

        Returns
        -------
        ndarray, shape (n_windows, n_features)
            In the dtype of `X`; columns as `get_feature_names_out` names them.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        count, length = X.shape
        starts = np.arange(count, dtype=np.int64) * length
        lengths = np.full(count, length, np.int64)
        return self._plan().rows(np.ravel(X), starts, lengths, n_jobs=self.n_jobs)

    def get_feature_names_out(self, input_features: object = None) -> Texts:
        """Names of the columns of `transform`."""
        check_is_fitted(self)
        return np.asarray(self.feature_names_out_, dtype=object)
