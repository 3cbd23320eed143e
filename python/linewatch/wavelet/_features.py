"""Features of windows made from their bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from linewatch._window_features import TWELVE, of_groups, of_rows, of_series, plan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import pandas as pd
    import polars as pl
    from numpy.typing import NDArray

    from linewatch._typing import AnySeries, Array, Data, Floats, Progress
    from linewatch._wavelets import Wavelet


@overload
def features(
    x: NDArray[Any] | Sequence[Any],
    window: int | None = ...,
    hop: int | None = ...,
    wavelet: str | Wavelet = ...,
    level: int = ...,
    mode: str | int = ...,
    *,
    features: Sequence[str] = ...,
    groups: Data | None = ...,
    q: float = ...,
    bands: Sequence[tuple[float, float]] | None = ...,
    sampling_rate: float = ...,
    order: int = ...,
    delay: int = ...,
    normalize: bool = ...,
    n_jobs: int | None = ...,
    progress: Progress = ...,
) -> dict[str, Array]: ...
@overload
def features(
    x: pl.Series | pl.DataFrame,
    window: int | None = ...,
    hop: int | None = ...,
    wavelet: str | Wavelet = ...,
    level: int = ...,
    mode: str | int = ...,
    *,
    features: Sequence[str] = ...,
    groups: Data | None = ...,
    q: float = ...,
    bands: Sequence[tuple[float, float]] | None = ...,
    sampling_rate: float = ...,
    order: int = ...,
    delay: int = ...,
    normalize: bool = ...,
    n_jobs: int | None = ...,
    progress: Progress = ...,
) -> pl.DataFrame: ...
@overload
def features(
    x: pd.Series | pd.DataFrame,
    window: int | None = ...,
    hop: int | None = ...,
    wavelet: str | Wavelet = ...,
    level: int = ...,
    mode: str | int = ...,
    *,
    features: Sequence[str] = ...,
    groups: Data | None = ...,
    q: float = ...,
    bands: Sequence[tuple[float, float]] | None = ...,
    sampling_rate: float = ...,
    order: int = ...,
    delay: int = ...,
    normalize: bool = ...,
    n_jobs: int | None = ...,
    progress: Progress = ...,
) -> pd.DataFrame: ...
@overload
def features(
    x: Data,
    window: int | None = ...,
    hop: int | None = ...,
    wavelet: str | Wavelet = ...,
    level: int = ...,
    mode: str | int = ...,
    *,
    features: Sequence[str] = ...,
    groups: Data | None = ...,
    q: float = ...,
    bands: Sequence[tuple[float, float]] | None = ...,
    sampling_rate: float = ...,
    order: int = ...,
    delay: int = ...,
    normalize: bool = ...,
    n_jobs: int | None = ...,
    progress: Progress = ...,
) -> Any: ...
def features(
    x,
    window=None,
    hop=None,
    wavelet="db4",
    level=4,
    mode="symmetric",
    *,
    features=TWELVE,
    groups=None,
    q=2.0,
    bands=None,
    sampling_rate=1.0,
    order=3,
    delay=1,
    normalize=True,
    n_jobs=None,
    progress=None,
):
    """What windows of a series, or of each group, show of their bands, spectrum and order.

    Parameters
    ----------
    x : array-like of float, shape (n,) or (n, n_series)
        Rows in time order.
    window : int, optional
        Rows in a window. May be left out with `groups`: each group is one window then.
    hop : int, optional
        Rows from one window to the next; `window` by default, so that windows do not overlap.
    wavelet : str or Wavelet, default="db4"
        See `wavelist`.
    level : int, default=4
        Levels of the bands. A group too short for them, as its own window, is split as far as
        `dwt_max_level` allows: its approximation stands in the first column, the details it does
        not have are NaN and take no part in entropies.
    mode : str, default="symmetric"
        How a window goes on beyond its ends; the columns name it. Only ``"periodization"`` splits
        the energy of a window exactly: the others count some of it twice, as they do in
        PyWavelets.
    features : sequence of str
        Which, in the order of their columns:

        ``band_energy``
            Sum of squared coefficients of each band, approximation first, then details from coarse
            to fine.
        ``relative_band_energy``
            Band energies over their sum; zeros for a window without energy.
        ``wavelet_entropy``
            Shannon entropy of the relative energies, in nats.
        ``wavelet_tsallis_entropy``
            ``(1 - sum(p ** q)) / (q - 1)``; 0 without energy.
        ``wavelet_log_energy``
            Sum of the logarithms of the energies, bands without energy left out.

        And those of `linewatch.spectral`: ``spectral_entropy``, ``band_power``,
        ``dominant_frequency``, ``permutation_entropy``, ``teager_energy``. By default band
        energies, relative band energies, wavelet and spectral entropy: twelve columns at level 4.
    groups : array-like of keys, shape (n,), optional
        A key for each row, or a list of keys: each group is a series of its own. Rows need not be
        sorted by group; those without a key are left out.
    q : float, default=2.0
        Order of the Tsallis entropy.
    bands : sequence of (float, float), optional
        Frequencies from and to, for ``band_power``.
    sampling_rate : float, default=1.0
        Rows a second; frequencies are in hertz then.
    order, delay, normalize
        As for `linewatch.spectral.permutation_entropy` and `linewatch.spectral.entropy`.
    n_jobs : int, optional
        Threads, as in scikit-learn; the answers do not depend on it.
    progress : bool or callable, optional
        True for a progress bar, or a function that is told how many windows were done.

    Returns
    -------
    Table of the kind of `x`, for arrays and lists a dict of arrays
        A row for each window, at the index of its last row. With `groups` the keys come first,
        then ``row``, the last row of the window, or ``count``, the rows of the group. A window with
        a missing or infinite value has NaN in every column.

    Raises
    ------
    ValueError
        If `window` is longer than `x`, `level` too high for it, or a name unknown.

    References
    ----------
    .. [1] Rosso, O. A. et al. (2001). Wavelet entropy: a new tool for analysis of short duration
       brain electrical signals. Journal of Neuroscience Methods 105, 65-75.

    Examples
    --------
    >>> import numpy as np
    >>> from linewatch import wavelet
    >>> packets = np.tile([5.0, 9.0], 32)
    >>> packets[40:] = 7
    >>> found = wavelet.features(packets, window=16, level=1, wavelet="haar")
    >>> found["band_energy_d1_symmetric"].round(9)
    array([64., 64., 32.,  0.])

    One row for each source:

    >>> source = np.repeat(["10.0.0.1", "10.0.0.2"], 32)
    >>> found = wavelet.features(packets, groups=source, features=["wavelet_entropy"])
    >>> found["group"].tolist(), found["count"].tolist()
    (['10.0.0.1', '10.0.0.2'], [32, 32])
    """
    chosen = plan(
        features,
        wavelet,
        level,
        mode,
        q=q,
        bands=bands,
        sampling_rate=sampling_rate,
        order=order,
        delay=delay,
        normalize=normalize,
    )
    options = {"n_jobs": n_jobs, "progress": progress}
    if groups is not None:
        return of_groups(x, chosen, groups, window, hop, **options)
    if window is None:
        raise TypeError("features needs window=, the rows in a window (or groups=)")
    return of_series(x, chosen, window, hop, **options)


@overload
def band_energy(
    x: pl.DataFrame,
    wavelet: str | Wavelet = ...,
    level: int = ...,
    mode: str | int = ...,
    *,
    n_jobs: int | None = ...,
) -> pl.DataFrame: ...
@overload
def band_energy(
    x: NDArray[Any] | Sequence[Any] | AnySeries,
    wavelet: str | Wavelet = ...,
    level: int = ...,
    mode: str | int = ...,
    *,
    n_jobs: int | None = ...,
) -> Floats: ...
@overload
def band_energy(
    x: Data,
    wavelet: str | Wavelet = ...,
    level: int = ...,
    mode: str | int = ...,
    *,
    n_jobs: int | None = ...,
) -> Any: ...
def band_energy(x, wavelet="db4", level=4, mode="symmetric", *, n_jobs=None):
    """Energy of each band of windows: the sum of its squared coefficients.

    Parameters
    ----------
    x : array-like of float, shape (n_windows, n) or (n,)
        Each row a window, or one window.
    wavelet, level, mode, n_jobs
        As for `features`.

    Returns
    -------
    ndarray, shape (n_windows, level + 1) or (level + 1,)
        The approximation first, then details from coarse to fine; of a frame a frame.

    Raises
    ------
    ValueError
        If `level` is too high for the windows, or a name unknown.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> wavelet.band_energy([1.0, 3, 2, 2], "haar", level=1).round(12)
    array([16.,  2.])
    """
    return of_rows(x, plan("band_energy", wavelet, level, mode), n_jobs=n_jobs)


@overload
def relative_band_energy(
    x: pl.DataFrame,
    wavelet: str | Wavelet = ...,
    level: int = ...,
    mode: str | int = ...,
    *,
    n_jobs: int | None = ...,
) -> pl.DataFrame: ...
@overload
def relative_band_energy(
    x: NDArray[Any] | Sequence[Any] | AnySeries,
    wavelet: str | Wavelet = ...,
    level: int = ...,
    mode: str | int = ...,
    *,
    n_jobs: int | None = ...,
) -> Floats: ...
@overload
def relative_band_energy(
    x: Data,
    wavelet: str | Wavelet = ...,
    level: int = ...,
    mode: str | int = ...,
    *,
    n_jobs: int | None = ...,
) -> Any: ...
def relative_band_energy(x, wavelet="db4", level=4, mode="symmetric", *, n_jobs=None):
    """Share of each band in the energy of windows; zeros for a window without energy.

    Parameters, answer and errors as for `band_energy`.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> wavelet.relative_band_energy([1.0, -1, 1, 1], "haar", level=1).round(12)
    array([0.5, 0.5])
    """
    return of_rows(x, plan("relative_band_energy", wavelet, level, mode), n_jobs=n_jobs)


@overload
def wavelet_entropy(
    x: pl.DataFrame,
    wavelet: str | Wavelet = ...,
    level: int = ...,
    mode: str | int = ...,
    *,
    n_jobs: int | None = ...,
) -> pl.Series: ...
@overload
def wavelet_entropy(
    x: AnySeries,
    wavelet: str | Wavelet = ...,
    level: int = ...,
    mode: str | int = ...,
    *,
    n_jobs: int | None = ...,
) -> float: ...
@overload
def wavelet_entropy(
    x: Data,
    wavelet: str | Wavelet = ...,
    level: int = ...,
    mode: str | int = ...,
    *,
    n_jobs: int | None = ...,
) -> Any: ...
def wavelet_entropy(x, wavelet="db4", level=4, mode="symmetric", *, n_jobs=None):
    """Shannon entropy, in nats, of the shares of the bands in the energy of windows.

    Parameters and errors as for `band_energy`.

    Returns
    -------
    Same kind as `x`, shape (n_windows,); of one window a float

    Examples
    --------
    >>> from linewatch import wavelet
    >>> round(wavelet.wavelet_entropy([1.0, -1, 1, 1], "haar", level=1), 6)
    0.693147
    """
    chosen = plan("wavelet_entropy", wavelet, level, mode)
    return of_rows(x, chosen, n_jobs=n_jobs, scalar=True)


@overload
def wavelet_tsallis_entropy(
    x: pl.DataFrame,
    wavelet: str | Wavelet = ...,
    level: int = ...,
    mode: str | int = ...,
    *,
    q: float = ...,
    n_jobs: int | None = ...,
) -> pl.Series: ...
@overload
def wavelet_tsallis_entropy(
    x: AnySeries,
    wavelet: str | Wavelet = ...,
    level: int = ...,
    mode: str | int = ...,
    *,
    q: float = ...,
    n_jobs: int | None = ...,
) -> float: ...
@overload
def wavelet_tsallis_entropy(
    x: Data,
    wavelet: str | Wavelet = ...,
    level: int = ...,
    mode: str | int = ...,
    *,
    q: float = ...,
    n_jobs: int | None = ...,
) -> Any: ...
def wavelet_tsallis_entropy(x, wavelet="db4", level=4, mode="symmetric", *, q=2.0, n_jobs=None):
    """Tsallis entropy of order `q` of the shares of the bands: ``(1 - sum(p ** q)) / (q - 1)``.

    Parameters and errors as for `band_energy`; 0 for a window without energy.

    Returns
    -------
    Same kind as `x`, shape (n_windows,); of one window a float

    References
    ----------
    .. [1] Tsallis, C. (1988). Possible generalization of Boltzmann-Gibbs statistics. Journal of
       Statistical Physics 52, 479-487.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> round(wavelet.wavelet_tsallis_entropy([1.0, -1, 1, 1], "haar", level=1), 6)
    0.5
    """
    chosen = plan("wavelet_tsallis_entropy", wavelet, level, mode, q=q)
    return of_rows(x, chosen, n_jobs=n_jobs, scalar=True)


@overload
def wavelet_log_energy(
    x: pl.DataFrame,
    wavelet: str | Wavelet = ...,
    level: int = ...,
    mode: str | int = ...,
    *,
    n_jobs: int | None = ...,
) -> pl.Series: ...
@overload
def wavelet_log_energy(
    x: AnySeries,
    wavelet: str | Wavelet = ...,
    level: int = ...,
    mode: str | int = ...,
    *,
    n_jobs: int | None = ...,
) -> float: ...
@overload
def wavelet_log_energy(
    x: Data,
    wavelet: str | Wavelet = ...,
    level: int = ...,
    mode: str | int = ...,
    *,
    n_jobs: int | None = ...,
) -> Any: ...
def wavelet_log_energy(x, wavelet="db4", level=4, mode="symmetric", *, n_jobs=None):
    """Sum of the logarithms of the band energies of windows, bands without energy left out.

    Parameters and errors as for `band_energy`.

    Returns
    -------
    Same kind as `x`, shape (n_windows,); of one window a float

    Examples
    --------
    >>> from linewatch import wavelet
    >>> round(wavelet.wavelet_log_energy([1.0, 3, 2, 2], "haar", level=1), 6)
    3.465736
    """
    chosen = plan("wavelet_log_energy", wavelet, level, mode)
    return of_rows(x, chosen, n_jobs=n_jobs, scalar=True)


@overload
def spectral_entropy(
    x: pl.DataFrame, *, normalize: bool = ..., n_jobs: int | None = ...
) -> pl.Series: ...
@overload
def spectral_entropy(x: AnySeries, *, normalize: bool = ..., n_jobs: int | None = ...) -> float: ...
@overload
def spectral_entropy(x: Data, *, normalize: bool = ..., n_jobs: int | None = ...) -> Any: ...
def spectral_entropy(x, *, normalize=True, n_jobs=None):
    """Entropy of the power spectrum of windows; see `linewatch.spectral.entropy`.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> wavelet.spectral_entropy([3.0, 3, 3, 3])
    0.0
    """
    from linewatch.spectral import entropy

    return entropy(x, normalize=normalize, n_jobs=n_jobs)
