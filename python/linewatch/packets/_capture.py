"""Captures as tables and streams of tables."""

from __future__ import annotations

import os
import stat
import sys
import warnings
from typing import TYPE_CHECKING, overload

from linewatch import _core
from linewatch._frames import as_backend, check_backend

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, BinaryIO, Literal

    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from linewatch._typing import PathLike, Progress


# Rows of a batch: large ones for a table, small ones for a stream in constant memory.
_TABLE_ROWS = 1 << 18
_STREAM_ROWS = 1 << 16


@overload
def read_pcap(
    path: PathLike | BinaryIO, *, backend: Literal["polars"] = ..., progress: Progress = ...
) -> pl.DataFrame: ...
@overload
def read_pcap(
    path: PathLike | BinaryIO, *, backend: Literal["pandas"], progress: Progress = ...
) -> pd.DataFrame: ...
@overload
def read_pcap(
    path: PathLike | BinaryIO, *, backend: Literal["pyarrow"], progress: Progress = ...
) -> pa.Table: ...
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

    from linewatch._progress import bar

    check_backend(backend)
    name, reader = _open(path, _TABLE_ROWS)
    frames = [pl.DataFrame(_core.PacketReader.empty())]
    with bar(progress, None) as told:
        while (batch := reader.next_batch()) is not None:
            frames.append(pl.DataFrame(batch))
            if told is not None:
                told(frames[-1].height)
    _warn(name, reader.notes())
    return as_backend(pl.concat(frames[1:] or frames, rechunk=False), backend)


def scan_pcap(path: PathLike | BinaryIO, *, batch_rows: int = _STREAM_ROWS) -> Capture:
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

    def __init__(self, path: PathLike | BinaryIO, batch_rows: int) -> None:
        self._path = path
        self._rows = batch_rows
        self._once = _is_stream(path)
        self._used = False
        if not self._once:
            _open(path, batch_rows)  # says at once if it cannot be read

    def __repr__(self) -> str:
        name = "standard input" if self._path == "-" else self._path
        return f"<linewatch Capture of {name}: iterate, or read as an Arrow stream>"

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Polars frames of at most `batch_rows` packets each."""
        import polars as pl

        if self._once and self._used:
            raise ValueError("standard input and file objects are read once; they are used up")
        self._used = True
        name, reader = _open(self._path, self._rows, live=self._once)
        while (batch := reader.next_batch()) is not None:
            yield pl.DataFrame(batch)
        _warn(name, reader.notes())

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The Arrow PyCapsule interface: the capture from its beginning."""
        if self._once:
            raise ValueError("a file object is not an Arrow stream here; iterate over it")
        path, _ = _checked_path(self._path)
        return _core.PacketFile(path, self._rows).__arrow_c_stream__(requested_schema)


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
