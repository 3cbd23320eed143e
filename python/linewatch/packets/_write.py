"""Packet tables as captures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from linewatch import _core
from linewatch._files import whole
from linewatch.packets._table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from linewatch._typing import AnyFrame, PathLike


def write_pcap(
    table: AnyFrame | Mapping[str, Any], path: PathLike, *, snap_length: int = 262_144
) -> None:
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
    known = Table(table)
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
    with whole(path) as made:
        with open(made, "wb"):
            pass  # what the system has against it is said in its own words
        _core.write_packets(frame, times, made, snap_length)
