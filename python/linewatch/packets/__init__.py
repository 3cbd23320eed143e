"""Packets: captures as tables, what a source did in the last seconds, traffic with known attacks.

`read_pcap` gives a table of a capture, `scan_pcap` the same in constant memory, `features` the
packet counts, sizes, flags, distinct destinations and entropies of a trailing window for each
source, `simulate` labelled traffic, `write_pcap` a capture.

>>> from linewatch import packets
>>> table = packets.simulate(n_flows=50, duration="1min", seed=1)
>>> found = packets.features(table, window="5s", features=["packet_count", "inter_arrival_s"])
>>> found.columns
['packet_count_5s', 'inter_arrival_s']
"""

import os
import stat
import sys
import warnings
from pathlib import Path

import numpy as np

from linewatch import _core, _edge
from linewatch._libraries import is_arrow, is_narwhals, pandas, polars, refuse_lazy
from linewatch.packets._simulate import ATTACKS, simulate

__all__ = ["ATTACKS", "FEATURES", "features", "read_pcap", "scan_pcap", "simulate", "write_pcap"]

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
_COLUMNS = (
    "time",
    "length",
    "tcp_flags",
    "destination_address",
    "destination_port",
    "source_port",
)
# Rows of a batch: large ones for a table, small ones for a stream in constant memory.
_TABLE_ROWS = 1 << 18
_STREAM_ROWS = 1 << 16


def read_pcap(path, *, backend="polars", progress=None):
    """Read a capture as a table with one row for each packet.

    pcap (either byte order, microseconds or nanoseconds) and pcapng, plain or compressed with
    gzip. Link types: Ethernet (with VLAN and QinQ tags, MPLS, PPPoE), Linux cooked v1 and v2,
    null and loopback, raw IP, PPP, Cisco HDLC. IPv4 and IPv6 with extension headers; ports of
    TCP, UDP, SCTP, DCCP and UDP-Lite. The outer headers only: a GTP-U packet shows the addresses
    of the tunnel.

    Parameters
    ----------
    path : str, path or binary file object
        ``"-"`` reads standard input until it ends.
    backend : {"polars", "pandas", "pyarrow"}, default="polars"
        The kind of frame.
    progress : bool or callable, optional
        True for a progress bar, or a function that is told how many packets were read.

    Returns
    -------
    DataFrame
        In the order of the capture. ``time`` (nanoseconds, UTC, without a zone), ``length`` and
        ``captured_length`` (bytes of the frame on the wire and in the file), ``source_address``
        and ``destination_address`` (text), ``source_port``, ``destination_port``, ``protocol``
        (number of the protocol above IP), ``tcp_flags`` (12 bits, FIN is 1), ``vlan`` (the
        outermost), ``ttl`` (or hop limit) and ``malformed``. Null where a packet has no such
        field.

    Raises
    ------
    ValueError
        If it is not a capture.
    FileNotFoundError, IsADirectoryError, PermissionError
        If the file cannot be opened.

    Warns
    -----
    UserWarning
        If the capture breaks off in the middle of a packet or its gzip data do (the packets
        before are returned), or if it has a link type that is not taken apart.

    Notes
    -----
    A packet is ``malformed`` if a header contradicts itself or the length of the packet, or ends
    too early although the packet was captured whole; fields read before the fault are kept. A
    packet that the snap length cut is not malformed. A fragment that is not the first has no
    ports. The headers that an ICMP error quotes are not read as those of the packet.

    References
    ----------
    .. [1] PCAP and PCAP Next Generation capture file formats, IETF drafts draft-ietf-opsawg-pcap
       and draft-ietf-opsawg-pcapng.

    Examples
    --------
    >>> import os, tempfile
    >>> from linewatch import packets
    >>> path = os.path.join(tempfile.mkdtemp(), "capture.pcap")
    >>> packets.write_pcap(packets.simulate(n_flows=20, duration="1min", seed=1), path)
    >>> packets.read_pcap(path).select("length", "protocol", "malformed").head(2).rows()
    [(74, 6, False), (74, 6, False)]
    """
    import polars as pl

    from linewatch.rolling import _bar

    _check_backend(backend)
    name, reader = _open(path, _TABLE_ROWS)
    frames = [pl.DataFrame(_core.PacketReader.empty())]
    with _bar(progress, None) as told:
        while (batch := reader.next_batch()) is not None:
            frames.append(pl.DataFrame(batch))
            if told is not None:
                told(frames[-1].height)
    _warn(name, reader.notes())
    return _as(pl.concat(frames[1:] or frames, rechunk=False), backend)


def scan_pcap(path, *, batch_rows=_STREAM_ROWS):
    """Read a capture batch by batch, in memory that does not grow with it.

    Parameters
    ----------
    path : str, path or binary file object
        ``"-"`` reads standard input live: a batch holds what has come so far, and iterating ends
        when the input does.
    batch_rows : int, default=65536
        The most packets in a batch.

    Returns
    -------
    Capture
        Iterate over it for Polars frames with the columns of `read_pcap`, or hand it to whatever
        reads an Arrow stream (``polars.DataFrame``, ``pyarrow.RecordBatchReader.from_stream``, a
        DuckDB query). A file is read afresh each time; standard input and file objects are
        iterated once.

    Raises
    ------
    ValueError
        If it is not a capture, or `batch_rows` is not from 1 to 16,777,216.
    FileNotFoundError, IsADirectoryError, PermissionError
        If the file cannot be opened.

    Warns
    -----
    UserWarning
        As `read_pcap` does, when the end is reached.

    Examples
    --------
    >>> import os, tempfile
    >>> from linewatch import packets
    >>> path = os.path.join(tempfile.mkdtemp(), "capture.pcap")
    >>> packets.write_pcap(packets.simulate(n_flows=20, duration="1min", seed=1), path)
    >>> capture = packets.scan_pcap(path, batch_rows=100)
    >>> sum(frame["length"].sum() for frame in capture) == packets.read_pcap(path)["length"].sum()
    True
    """
    if not isinstance(batch_rows, int) or not 1 <= batch_rows <= 1 << 24:
        raise ValueError(f"batch_rows must be from 1 to 16,777,216, got {batch_rows!r}")
    return Capture(path, batch_rows)


class Capture:
    """A capture to iterate over, or to read as an Arrow stream; made by `scan_pcap`."""

    def __init__(self, path, batch_rows):
        self._path = path
        self._rows = batch_rows
        self._once = _is_stream(path)
        self._used = False
        if not self._once:
            _open(path, batch_rows)  # says at once if it cannot be read

    def __repr__(self):
        name = "standard input" if self._path == "-" else self._path
        return f"<linewatch Capture of {name}: iterate, or read as an Arrow stream>"

    def __iter__(self):
        """Polars frames of at most `batch_rows` packets each."""
        import polars as pl

        if self._once and self._used:
            raise ValueError("standard input and file objects are read once; they are used up")
        self._used = True
        name, reader = _open(self._path, self._rows, live=self._once)
        while (batch := reader.next_batch()) is not None:
            yield pl.DataFrame(batch)
        _warn(name, reader.notes())

    def __arrow_c_stream__(self, requested_schema=None):
        """The Arrow PyCapsule interface: the capture from its beginning."""
        if self._once:
            raise ValueError("a file object is not an Arrow stream here; iterate over it")
        path, _ = _checked_path(self._path)
        return _core.PacketFile(path, self._rows).__arrow_c_stream__(requested_schema)


def write_pcap(table, path, *, snap_length=262_144):
    """Write a packet table as a capture: the headers that the columns describe, then zeros.

    Parameters
    ----------
    table : DataFrame (pandas, Polars, pyarrow) or dict of arrays
        The columns ``time``, ``length``, ``source_address`` and ``destination_address``, and those
        of ``source_port``, ``destination_port``, ``protocol``, ``tcp_flags``, ``vlan`` and ``ttl``
        that there are. Rows without addresses become frames that are not IP.
    path : str or path
        The file to write: a pcap with times in nanoseconds, of link type Ethernet. It is written
        whole, or what was there stays as it was.
    snap_length : int, default=262144
        The most bytes kept of a packet.

    Raises
    ------
    ValueError
        If a column is missing, an address is none, or a time is outside the years 1970 to 2106.

    Notes
    -----
    A packet too short for its own headers gets the length of its headers.

    Examples
    --------
    >>> import os, tempfile
    >>> from linewatch import packets
    >>> path = os.path.join(tempfile.mkdtemp(), "capture.pcap")
    >>> packets.write_pcap(
    ...     {
    ...         "time": [1_000_000_000],
    ...         "length": [60],
    ...         "source_address": ["192.0.2.1"],
    ...         "destination_address": ["192.0.2.2"],
    ...         "protocol": [17],
    ...         "source_port": [5353],
    ...         "destination_port": [53],
    ...     },
    ...     path,
    ... )
    >>> packets.read_pcap(path)["source_address"].to_list()
    ['192.0.2.1']
    """
    import polars as pl

    if not isinstance(snap_length, int) or not 1 <= snap_length <= 1 << 28:
        raise ValueError(f"snap_length must be from 1 to 268,435,456, got {snap_length!r}")
    known = _Table(table)
    needed = ("time", "length", "source_address", "destination_address")
    optional = ("source_port", "destination_port", "protocol", "tcp_flags", "vlan", "ttl")
    times = known.times("time")
    if times.size and not 0 <= times.min() <= times.max() < 2**32 * 10**9:
        row = int(np.argmax((times < 0) | (times >= 2**32 * 10**9)))
        raise ValueError(f'column "time" must lie in the years 1970 to 2106, not so in row {row}')
    given = [*needed[1:], *(name for name in optional if name in known.names)]
    frame = pl.DataFrame([known.series(name).alias(name) for name in given])
    if frame["length"].null_count():
        row = frame["length"].is_null().arg_true()[0]
        raise ValueError(f'column "length" is missing in row {row}; every packet needs one')
    path = Path(path)
    made = path.with_name(f".{path.name}.part-{os.getpid()}")
    try:
        with open(made, "wb"):
            pass
        _core.write_packets(frame, times, made, snap_length)
        os.replace(made, path)
    except BaseException:
        made.unlink(missing_ok=True)
        raise


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

    from linewatch.rolling import _bar

    names = _feature_names(features)
    ns = _edge.span(window)
    known = _Table(table, columns)
    needed = dict.fromkeys(need for name in names for need in _NEEDS[name])
    times = known.times("time")
    series = [known.key(key)]
    series += [known.series(name).alias(name) for name in needed]
    for column in series:
        if column.name in ("length", "tcp_flags", "destination_port", "source_port"):
            known.refuse_text(column)
    frame = pl.DataFrame(series)
    answers = [np.empty(len(times)) for _ in names]
    with _bar(progress, len(times) * len(names)) as told:
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


class _Table:
    """Columns of a caller's table as Polars series, and the way back to the caller's kind."""

    def __init__(self, table, columns=None):
        refuse_lazy(table, "table")
        self.like = table
        self.native = table.to_native() if is_narwhals(table) else table
        pd, pl = pandas(), polars()
        if pd is not None and isinstance(self.native, pd.DataFrame):
            self.kind = "pandas"
            self.names = [str(name) for name in self.native.columns]
        elif isinstance(self.native, dict):
            self.kind = "dict"
            self.names = list(self.native)
        elif pl is not None and isinstance(self.native, pl.DataFrame):
            self.kind = "polars"
            self.names = self.native.columns
        elif is_arrow(self.native):
            import polars as pl

            is_pyarrow = type(self.native).__module__.partition(".")[0] == "pyarrow"
            self.kind = "pyarrow" if is_pyarrow else "arrow"
            self.native = pl.DataFrame(self.native)
            self.names = self.native.columns
        else:
            raise TypeError(
                f"table is of type {type(table).__name__}; expected a DataFrame, an Arrow table or "
                "a dict of columns"
            )
        self.columns = dict(columns or {})
        for name in self.columns:
            if name not in _COLUMNS:
                raise ValueError(f"columns names {name!r}; known are {', '.join(_COLUMNS)}")

    def _column(self, name):
        name = self.columns.get(name, name)
        if name not in self.names:
            raise ValueError(
                f'column "{name}" is missing; the table has {_listed(self.names)} '
                "(say which features= you need, or name it with columns=)"
            )
        if self.kind == "pandas":
            return self.native.iloc[:, self.names.index(name)]
        return self.native[name]

    def times(self, name):
        column = self._column(name)
        title = f'column "{self.columns.get(name, name)}"'
        pl = polars()
        if pl is not None and isinstance(column, pl.Series) and column.dtype == pl.Datetime("ns"):
            return _core.arrow_times(column, title)[0]  # looked at where it lies
        return _edge.times(column, len(column), title)[0]

    def series(self, name):
        import polars as pl

        column = self._column(name)
        if isinstance(column, pl.Series):
            return _whole(column, name)
        if self.kind == "pandas":
            plain = isinstance(column.dtype, np.dtype) and column.dtype.kind in "iuf"
            column = (
                column.to_numpy() if plain else column.astype(object).where(column.notna(), None)
            )
        if isinstance(column, np.ndarray) and column.dtype.kind in "iufSU":
            values = column.astype(str) if column.dtype.kind == "S" else column
            return _whole(pl.Series(name, values), name)
        return _whole(pl.Series(name, list(column), strict=False), name)

    def key(self, key):
        import polars as pl

        if isinstance(key, str):
            series = self.series(key)
            kinds = (pl.String, pl.Binary, pl.Categorical, pl.Enum)
            if series.dtype.is_integer() or isinstance(series.dtype, kinds):
                return series.alias("key")
            parts = series
        elif isinstance(key, list | tuple) and key:
            parts = [self.series(name) for name in key]
        else:
            raise TypeError(f"key must be the name of a column or a list of names, got {key!r}")
        codes = pl.Series("key", _edge.codes(parts, len(self._first()), "key"))
        return codes.set(codes < 0, None) if (codes < 0).any() else codes

    def _first(self):
        return self._column(self.names[0]) if self.names else []

    def refuse_text(self, series):
        """Columns of numbers that hold something else."""
        if not series.dtype.is_integer():
            title = self.columns.get(series.name, series.name)
            raise TypeError(f'column "{title}" has dtype {series.dtype}; expected whole numbers')

    def wrap(self, answers):
        """Named arrays as a table of the caller's kind."""
        if self.kind == "dict":
            return answers
        if self.kind == "pandas":
            out = pandas().DataFrame(answers, index=self.native.index, copy=False)
        else:
            out = _core.ArrowTable(list(answers.items()))
            if self.kind == "polars":
                out = polars().DataFrame(out)
            elif self.kind == "pyarrow":
                import pyarrow

                out = pyarrow.table(out)
        if self.native is not self.like and is_narwhals(self.like):
            import narwhals.stable.v2 as nw

            module = type(self.like).__module__.split(".")
            if len(module) < 3 or module[1] != "stable":
                import narwhals as nw
            return nw.from_native(out)
        return out


def _whole(series, name):
    """Floats that stand for whole numbers with gaps, as pandas makes them, as whole numbers."""
    import polars as pl

    if series.dtype == pl.Null:
        return series.cast(pl.Int64)
    if not series.dtype.is_float():
        return series
    series = series.fill_nan(None)
    if (series % 1 != 0).any():
        row = (series % 1 != 0).arg_true()[0]
        raise ValueError(
            f'column "{name}" must hold whole numbers, got {series[int(row)]} in row {row}'
        )
    return series.cast(pl.Int64)


def _listed(names):
    text = ", ".join(f'"{name}"' for name in names[:12])
    return text + (", ..." if len(names) > 12 else "") if names else "no columns"


def _is_stream(path):
    return hasattr(path, "read") or (isinstance(path, str) and path == "-")


def _checked_path(path):
    try:
        path = os.fspath(path)
    except TypeError:
        raise TypeError(
            f'path is of type {type(path).__name__}; expected a path, "-" or a binary file object'
        ) from None
    if not stat.S_ISFIFO(os.stat(path).st_mode):
        with open(path, "rb"):
            pass
    return path, path if isinstance(path, str) else os.fsdecode(path)


def _open(path, rows, live=False):
    """The name for messages and a reader of batches."""
    if _is_stream(path):
        name = "standard input" if isinstance(path, str) else getattr(path, "name", "the file")
        file = sys.stdin.buffer if isinstance(path, str) else path
        source = getattr(file, "read1", file.read)
    else:
        source, name = _checked_path(path)
    try:
        return name, _core.PacketReader(source, rows, live=live)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _warn(name, notes):
    for note in notes:
        warnings.warn(f"{name}: {note}", stacklevel=3)


def _check_backend(backend):
    if backend not in ("polars", "pandas", "pyarrow"):
        raise ValueError(f'backend must be "polars", "pandas" or "pyarrow", got {backend!r}')


def _as(frame, backend):
    if backend == "pandas":
        return frame.to_pandas()
    return frame.to_arrow() if backend == "pyarrow" else frame
