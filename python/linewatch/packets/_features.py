"""What the source of a packet did in the window that ends at the packet."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np

from linewatch import _core, _edge
from linewatch.packets._table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from linewatch._typing import Float64, MatrixT, Progress, Span, SupportsArrow


#: Names of the features, in the order in which `features` returns them.
FEATURES = tuple(_core.PACKET_FEATURES)

# What each feature reads besides the key and the time.
_NEEDS = {
    **dict.fromkeys(FEATURES, ()),
    **dict.fromkeys([name for name in FEATURES if name.endswith("_ratio")], ("tcp_flags",)),
    **dict.fromkeys(["byte_count", *(n for n in FEATURES if n.startswith("length_"))], ("length",)),
    **dict.fromkeys([name for name in FEATURES if "band_power" in name], ("length",)),
    **dict.fromkeys(["spectral_entropy", "dominant_frequency_hz"], ("length",)),
    "destination_count": ("destination_address",),
    "destination_port_count": ("destination_port",),
    "destination_port_entropy": ("destination_port",),
    "source_port_entropy": ("source_port",),
}


@overload
def features(
    table: MatrixT,
    window: Span = ...,
    *,
    features: Sequence[str] | None = ...,
    key: str | Sequence[str] = ...,
    columns: Mapping[str, str] | None = ...,
    n_jobs: int | None = ...,
    progress: Progress = ...,
) -> MatrixT: ...
@overload
def features(
    table: Mapping[str, Any],
    window: Span = ...,
    *,
    features: Sequence[str] | None = ...,
    key: str | Sequence[str] = ...,
    columns: Mapping[str, str] | None = ...,
    n_jobs: int | None = ...,
    progress: Progress = ...,
) -> dict[str, Float64]: ...
@overload
def features(
    table: SupportsArrow,
    window: Span = ...,
    *,
    features: Sequence[str] | None = ...,
    key: str | Sequence[str] = ...,
    columns: Mapping[str, str] | None = ...,
    n_jobs: int | None = ...,
    progress: Progress = ...,
) -> Any: ...
def features(
    table, window="5s", *, features=None, key="source_address", columns=None, n_jobs=None,
    progress=None,
):  # fmt: skip
    """What the source of each packet sent in the window that ends at the packet.

    The window of a packet holds the packets of its source with a time in ``(t - window, t]``, the
    packet itself, and none that comes after it in the table: of packets with the same time, each
    counts those above it and not those below, as pandas does. (Polars' ``rolling`` counts all of
    them. Times 0, 1, 1, 1, 6, 6 s and a window of 5 s give counts of 1, 2, 3, 4, 1, 2.)

    Parameters
    ----------
    table : DataFrame (pandas, Polars, pyarrow, narwhals), dict of arrays, or Arrow table
        A packet table, as `read_pcap` gives it. Packets of a source must not go back in time.
    window : str, timedelta or pandas offset, default="5s"
        Length of the window.
    features : list of str, optional
        Which of `FEATURES`; all by default.
    key : str or list of str, default="source_address"
        Column or columns that make a source. Whole numbers below about twice the number of rows
        are taken as they are; other numbers and addresses are hashed.
    columns : dict, optional
        Names of the table's columns where they differ, such as ``{"length": "bytes"}``.
    n_jobs : int, optional
        Threads, with scikit-learn's meaning.
    progress : bool or callable, optional
        True for a progress bar, or a function that is told how much was done.

    Returns
    -------
    Table of the caller's kind, one row for each packet, in its order
        Float64, with the window in the name:

        ``packet_count_5s``, ``byte_count_5s``
            Packets of the window and the sum of their lengths.
        ``inter_arrival_s``
            Time since the source's packet before, whenever it was. Missing for the first.
        ``inter_arrival_mean_s_5s``, ``inter_arrival_std_s_5s``
            Of the times between the packets of the window; the standard deviation is that of the
            population. Missing for a packet alone.
        ``length_mean_5s``, ``length_std_5s``, ``length_min_5s``, ``length_max_5s``
            Bytes.
        ``syn_ratio_5s``, ``syn_without_ack_ratio_5s``, ``ack_ratio_5s``, ``fin_ratio_5s``, ...
            Share of the packets (of any protocol) with this TCP flag.
        ``destination_count_5s``, ``destination_port_count_5s``
            Distinct ones. A packet without port has none to count.
        ``destination_port_entropy_5s``, ``source_port_entropy_5s``
            Shannon entropy, natural logarithm: 0 for one port, ln n for n equally frequent ones.
        ``spectral_entropy_5s``
            Of the power spectrum of the bytes in 64 bins of the window, as
            `linewatch.spectral.entropy`: 0 for a steady flow or a pure rhythm, near 1 for noise
            and for a packet alone.
        ``band_power_low_5s``, ``band_power_mid_5s``, ``band_power_high_5s``
            Power of that spectrum below 1/8, from 1/8 to 1/4 and above 1/4 cycles a bin (here
            1.6 and 3.2 Hz), in squared bytes: together the variance of the bytes in a bin.
        ``dominant_frequency_hz_5s``
            Frequency with the most power; 0 for a steady flow and for packets in one bin alone.

        Rows whose key is missing have no features.

    Raises
    ------
    ValueError
        If a column or a feature is not known, or a source goes back in time.
    TypeError
        If a column holds what it cannot.

    Notes
    -----
    Sums are kept in whole numbers, so nothing drifts however long the table. A packet costs the
    same whatever the window.

    The bins of the spectrum lie on the clock, at multiples of 1/64 of the window since 1970; the
    last one is that of the packet, and the earliest begins within the window. Band energies of
    wavelets over any grouping come from `linewatch.wavelet.features`.

    Examples
    --------
    >>> from linewatch import packets
    >>> table = {
    ...     "time": [0, 1_000_000_000, 1_000_000_000, 6_000_000_000],
    ...     "source_address": ["10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.1"],
    ...     "length": [60, 100, 1500, 80],
    ... }
    >>> found = packets.features(table, "5s", features=["packet_count", "byte_count"])
    >>> found["packet_count_5s"], found["byte_count_5s"]
    (array([1., 2., 1., 1.]), array([  60.,  160., 1500.,   80.]))
    """
    import polars as pl

    from linewatch._progress import bar

    names = _feature_names(features)
    ns = _edge.span(window, rows=False)
    known = Table(table, columns)
    needed = dict.fromkeys(need for name in names for need in _NEEDS[name])
    times = known.times("time")
    series = [known.key(key)]
    series += [known.series(name).alias(name) for name in needed]
    for column in series:
        if column.name in ("length", "tcp_flags", "destination_port", "source_port"):
            known.refuse_text(column)
    frame = pl.DataFrame(series)
    answers = [np.empty(len(times)) for _ in names]
    with bar(progress, len(times) * len(names)) as told:
        _core.packet_features(frame, times, names, answers, ns, n_jobs=n_jobs, progress=told)
    suffix = _suffix(window, ns)
    titles = [name if name == "inter_arrival_s" else f"{name}_{suffix}" for name in names]
    return known.wrap(dict(zip(titles, answers)))


def _feature_names(features):
    if features is None:
        return list(FEATURES)
    if isinstance(features, str):
        features = [features]
    names = list(dict.fromkeys(features))
    for name in names:
        if name not in FEATURES:
            raise ValueError(f"features has {name!r}; known are {', '.join(FEATURES)}")
    if not names:
        raise ValueError("features names none; leave it out for all")
    return names


def _suffix(window, ns):
    """How a window is called in the name of a column."""
    if isinstance(window, str) and window.isalnum():
        return window
    for name, unit in (("h", 3600 * 10**9), ("min", 60 * 10**9), ("s", 10**9), ("ms", 10**6)):
        if ns % unit == 0:
            return f"{ns // unit}{name}"
    return f"{ns}ns"
