"""Files that nfdump printed, as flow tables."""

from __future__ import annotations

import glob
import os
import stat
import warnings
from typing import TYPE_CHECKING, overload

import numpy as np

from linewatch import _core
from linewatch._frames import as_backend, check_backend
from linewatch._libraries import polars

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Literal

    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from numpy.typing import ArrayLike

    from linewatch._typing import PathLike, Progress, SeriesT, Texts


_ADDRESSES = ("text", "category", "integer", "bytes")
# Rows of a batch: large ones for a table, small ones for a stream in constant memory.
_TABLE_ROWS = 1 << 18
_STREAM_ROWS = 1 << 16


@overload
def read_nfdump(
    path: PathLike | Sequence[PathLike],
    columns: Sequence[str] | None = ...,
    *,
    addresses: Literal["text", "category", "integer", "bytes"] = ...,
    on_bad_row: Literal["error", "skip"] | list[Any] = ...,
    backend: Literal["polars"] = ...,
    n_jobs: int | None = ...,
    progress: Progress = ...,
) -> pl.DataFrame: ...
@overload
def read_nfdump(
    path: PathLike | Sequence[PathLike],
    columns: Sequence[str] | None = ...,
    *,
    addresses: Literal["text", "category", "integer", "bytes"] = ...,
    on_bad_row: Literal["error", "skip"] | list[Any] = ...,
    backend: Literal["pandas"],
    n_jobs: int | None = ...,
    progress: Progress = ...,
) -> pd.DataFrame: ...
@overload
def read_nfdump(
    path: PathLike | Sequence[PathLike],
    columns: Sequence[str] | None = ...,
    *,
    addresses: Literal["text", "category", "integer", "bytes"] = ...,
    on_bad_row: Literal["error", "skip"] | list[Any] = ...,
    backend: Literal["pyarrow"],
    n_jobs: int | None = ...,
    progress: Progress = ...,
) -> pa.Table: ...
def read_nfdump(
    path, columns=None, *, addresses="text", on_bad_row="error", backend="polars", n_jobs=None,
    progress=None,
):  # fmt: skip
    """Read the flows of CSV files that nfdump printed, of any version.

    The header tells the layout: the 48 columns of ``nfdump -o csv`` up to 1.7.3 (with its trailer
    or without, also as ``-q`` prints it, without header and trailer), the 10 columns of later
    versions, ``csv-fast``, and ``csv:`` with columns of one's own. Files may be compressed with
    gzip or zstd, and may be several files put one after another.

    Parameters
    ----------
    path : str, path, or list of them
        A file, a folder's files as a pattern (``"flows/2026-*.csv.gz"``, in the order of their
        names), or several.
    columns : list of str, optional
        Columns to read, in this order; all by default. Others are not looked at.
    addresses : {"text", "category", "integer", "bytes"}, default="text"
        How to keep addresses: as text; as a categorical, each different address once; IPv4 as
        32-bit numbers; or 16 bytes, IPv4 as ``::ffff:a.b.c.d``. `address_text` gives the text of
        the last two.
    on_bad_row : {"error", "skip"} or list, default="error"
        Whether a row with a fault is an error, or is left out with a warning that counts them. To
        a list, ``(file, line, reason)`` of each row left out is appended instead.
    backend : {"polars", "pandas", "pyarrow"}, default="polars"
        The kind of frame.
    n_jobs : int, optional
        Threads, with scikit-learn's meaning.
    progress : bool or callable, optional
        True for a progress bar, or a function that is told how many flows were read.

    Returns
    -------
    DataFrame
        In the order of the files. Columns have nfdump's short names in every layout:

        ========================  =====================================================
        ts te tr                  times in microseconds, without a zone (see Notes)
        td cl sl al               seconds, float64
        sa da nh nhb ra           addresses
        sp dp                     ports, int32; type times 256 and code of ICMP messages
        pr flg eng mpls1 ...      categorical text
        ismc odmc idmc osmc       MAC addresses, categorical text
        ipkt ibyt opkt obyt       packets and bytes in and out, int64
        in out sas das exid fl    interfaces, autonomous systems, exporter, flows, int64
        fwd stos dtos smk dmk     int32
        dir svln dvln             int32
        ========================  =====================================================

        Of the other layouts, ``packets`` and ``bytes`` become ipkt and ibyt, and columns without
        a short name keep theirs. An empty field, and a time of zeros, is missing.

    Raises
    ------
    ValueError
        If a file is not of nfdump, lacks a column, or has a row with a fault: too few or too many
        fields, quotes, text where a number belongs, a negative number, `te` before `ts` (if both
        are read). The message names file and line.
    FileNotFoundError, IsADirectoryError, PermissionError
        If a file cannot be opened.

    Warns
    -----
    UserWarning
        If rows were left out.

    Notes
    -----
    nfdump prints times in the time zone of the machine it runs on and does not say which;
    ``csv-fast`` counts from 1970 in UTC. They are given as they are printed. The layout with 48
    columns cuts fractions of a second from ts and te, but not from td.

    What a layout lacks is not there: the one with 10 columns has no obyt, so a delivery ratio
    cannot be had from it. In the one with 48, opkt and obyt are zero unless the exporter is
    bidirectional or nfdump was called with ``-B``.

    References
    ----------
    .. [1] nfdump, https://github.com/phaag/nfdump, manual page nfdump(1).

    Examples
    --------
    >>> import os, tempfile
    >>> from linewatch import flow
    >>> path = os.path.join(tempfile.mkdtemp(), "flows.csv")
    >>> with open(path, "w") as file:
    ...     _ = file.write(
    ...         "firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes,flows\\n"
    ...         "2026-01-31 12:00:00.250,1.5,TCP,192.0.2.1,50000,192.0.2.9,443,10,4200,1\\n"
    ...     )
    >>> flow.read_nfdump(path, columns=["sa", "dp", "ibyt"]).rows()
    [('192.0.2.1', 443, 4200)]
    >>> flow.read_nfdump(path, columns=["obyt"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: ...flows.csv has no column obyt; it has ts, td, pr, sa, sp, da, dp, ipkt, ibyt, fl
    """
    import polars as pl

    from linewatch._progress import bar

    check_backend(backend)
    paths = _paths(path)
    files = _files(paths, columns, addresses, on_bad_row, _TABLE_ROWS, n_jobs)
    reader = files.reader(True)
    frames, bad_rows = [pl.DataFrame(files.empty(True))], []
    with bar(progress, None) as told:
        while (batch := reader.next_batch()) is not None:
            frames.append(pl.DataFrame(batch))
            bad_rows += reader.take_bad_rows()
            if told is not None:
                told(frames[-1].height)
    bad_rows += reader.take_bad_rows()
    frame = pl.concat(frames[1:] or frames, rechunk=False)
    _tell(paths, bad_rows, on_bad_row, frame.height)
    return as_backend(frame, backend)


def scan_nfdump(
    path: PathLike | Sequence[PathLike],
    columns: Sequence[str] | None = None,
    *,
    addresses: Literal["text", "category", "integer", "bytes"] = "text",
    on_bad_row: Literal["error", "skip"] | list[Any] = "error",
    batch_rows: int = _STREAM_ROWS,
    n_jobs: int | None = 1,
) -> Flows:
    """Read the flows of CSV files that nfdump printed batch by batch, in constant memory.

    Parameters
    ----------
    path, columns, addresses, on_bad_row
        As `read_nfdump` has them.
    batch_rows : int, default=65536
        Rows of a batch, about.
    n_jobs : int, default=1
        Threads, with scikit-learn's meaning. Each holds 8 MiB of text and the rows in it.

    Returns
    -------
    Flows
        Iterate over it for Polars frames, or hand it to whatever reads an Arrow stream
        (``pyarrow.RecordBatchReader.from_stream``, a DuckDB query that names the variable). The
        files are read afresh each time. ``bad_rows`` is the number of rows that the last
        iteration left out; an Arrow stream warns of them at its end.

    Raises
    ------
    ValueError
        As `read_nfdump` does: of the headers at once, of the rows when they are read.
    FileNotFoundError, IsADirectoryError, PermissionError
        If a file cannot be opened.

    Examples
    --------
    >>> import os, tempfile
    >>> from linewatch import flow
    >>> path = os.path.join(tempfile.mkdtemp(), "flows.csv")
    >>> with open(path, "w") as file:
    ...     _ = file.write("srcAddr,bytes\\n192.0.2.1,4200\\n192.0.2.2,99\\n192.0.2.3,-1\\n")
    >>> flows = flow.scan_nfdump(path, on_bad_row=[])
    >>> sum(frame["ibyt"].sum() for frame in flows), flows.bad_rows
    (4299, 1)
    """
    if not isinstance(batch_rows, int) or not 1 <= batch_rows <= 1 << 24:
        raise ValueError(f"batch_rows must be from 1 to 16,777,216, got {batch_rows!r}")
    return Flows(_paths(path), columns, addresses, on_bad_row, batch_rows, n_jobs)


class Flows:
    """Flows to iterate over, or to read as an Arrow stream; made by `scan_nfdump`.

    Attributes
    ----------
    columns : list of str
        Names of the columns.
    bad_rows : int
        How many rows the last iteration left out.

    Examples
    --------
    >>> import tempfile
    >>> from linewatch import flow
    >>> path = tempfile.mkdtemp() + "/flows.csv"
    >>> flow.write_nfdump(flow.simulate(500, "1h", n_customers=20, anomalies=[], seed=1), path)
    >>> flows = flow.scan_nfdump(path, ["sa", "ibyt"], batch_rows=200)
    >>> [batch.height for batch in flows]
    [200, 200, 100]
    """

    columns: list[str]
    bad_rows: int

    def __init__(
        self,
        paths: Sequence[PathLike],
        columns: Sequence[str] | None,
        addresses: str,
        on_bad_row: Any,
        batch_rows: int,
        n_jobs: int | None,
    ) -> None:
        self._paths = paths
        self._on_bad_row = on_bad_row
        self._rows = batch_rows
        self._files = _files(paths, columns, addresses, on_bad_row, batch_rows, n_jobs)
        self.columns = self._files.column_names
        self.bad_rows = 0

    def __repr__(self) -> str:
        more = f" and {len(self._paths) - 1} more" if len(self._paths) > 1 else ""
        return f"<linewatch Flows of {self._paths[0]}{more}: iterate, or read as an Arrow stream>"

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Polars frames of about `batch_rows` flows each."""
        import polars as pl

        self.bad_rows = 0
        reader = self._files.reader(True)
        rows, bad_rows = 0, []
        while (batch := reader.next_batch()) is not None:
            found = reader.take_bad_rows()
            self.bad_rows += len(found)
            bad_rows = _keep(bad_rows, found, self._on_bad_row)
            rows += len(batch)
            yield from pl.DataFrame(batch).iter_slices(self._rows)
        found = reader.take_bad_rows()
        self.bad_rows += len(found)
        bad_rows = _keep(bad_rows, found, self._on_bad_row)
        _tell(self._paths, bad_rows, self._on_bad_row, rows, self.bad_rows)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The Arrow PyCapsule interface: the flows from the first one on."""
        return self._files.__arrow_c_stream__(requested_schema)


@overload
def address_text(column: SeriesT) -> SeriesT: ...
@overload
def address_text(column: ArrayLike | Sequence[bytes]) -> Texts: ...
def address_text(column):
    """Addresses kept as numbers or as 16 bytes, as text.

    Parameters
    ----------
    column : array, list or Series of integers, or of bytes
        IPv4 addresses as 32-bit numbers, or addresses of 16 bytes; what `read_nfdump` gives with
        ``addresses="integer"`` or ``"bytes"``.

    Returns
    -------
    Series of the caller's kind, or array of objects
        Text; None where there is no address.

    Raises
    ------
    ValueError
        If a number is not from 0 to 2**32 - 1, or a value does not have 16 bytes.
    TypeError
        If the column holds neither.

    Examples
    --------
    >>> from linewatch import flow
    >>> flow.address_text([3221225985, 3232236857])
    array(['192.0.2.1', '192.168.5.57'], dtype=object)
    """
    values = column.to_list() if hasattr(column, "to_list") else list(column)
    distinct = {value: None for value in values if value is not None and value == value}
    texts = {value: _text(value) for value in distinct}
    out = [texts.get(value) if value == value else None for value in values]
    pl = polars()
    if pl is not None and isinstance(column, pl.Series):
        return pl.Series(column.name, out, dtype=pl.String)
    if hasattr(column, "index") and hasattr(column, "iloc"):
        import pandas as pd

        return pd.Series(out, index=column.index, name=column.name, dtype=object)
    array = np.empty(len(out), dtype=object)
    array[:] = out
    return array


def _text(value):
    import ipaddress

    if isinstance(value, bytes):
        if len(value) != 16:
            raise ValueError(f"column must hold addresses of 16 bytes, got one of {len(value)}")
        address = ipaddress.IPv6Address(value)
        return str(address.ipv4_mapped or address)
    if isinstance(value, float | np.floating) and value.is_integer():
        value = int(value)
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        raise TypeError(
            f"column must hold addresses as whole numbers or as bytes, got {type(value).__name__}"
        )
    if not 0 <= value < 1 << 32:
        raise ValueError(f"column must hold numbers from 0 to 2**32 - 1, got {value}")
    return str(ipaddress.IPv4Address(int(value)))


def _paths(path):
    """The files that `path` names, which can be opened."""
    given = path if isinstance(path, list | tuple) else [path]
    if not given:
        raise ValueError("path names no file; expected at least one")
    paths = []
    for one in given:
        try:
            name = os.fspath(one)
        except TypeError:
            raise TypeError(
                f"path is of type {type(one).__name__}; expected a path or a list of paths"
            ) from None
        name = os.fsdecode(name)
        if any(mark in name for mark in "*?[") and not os.path.exists(name):
            found = sorted(glob.glob(name, recursive=True))
            if not found:
                raise FileNotFoundError(f"no file matches {name!r}")
            paths += found
        else:
            paths.append(name)
    for name in paths:
        if stat.S_ISFIFO(os.stat(name).st_mode):
            raise ValueError(f"{name} is a pipe; expected a file, whose header is read beforehand")
        with open(name, "rb"):
            pass
    return paths


def _files(paths, columns, addresses, on_bad_row, batch_rows, n_jobs):
    if isinstance(columns, str):
        columns = [columns]
    if columns is not None:
        columns = list(columns)
        for i, name in enumerate(columns):
            if not isinstance(name, str):
                raise TypeError(f"columns must hold names, got {name!r}")
            if name in columns[:i]:
                raise ValueError(f"columns names {name} twice")
        if not columns:
            raise ValueError("columns names none; leave it out for all")
    if addresses not in _ADDRESSES:
        raise ValueError(
            f'addresses must be "text", "category", "integer" or "bytes", got {addresses!r}'
        )
    if not isinstance(on_bad_row, list) and on_bad_row not in ("error", "skip"):
        raise ValueError(f'on_bad_row must be "error", "skip" or a list, got {on_bad_row!r}')
    skip = on_bad_row != "error"
    return _core.FlowFiles(
        paths, columns, addresses, skip=skip, batch_rows=batch_rows, n_jobs=n_jobs
    )


def _keep(bad_rows, found, on_bad_row):
    """The rows to tell of: all for a list, else the first."""
    return bad_rows + found if isinstance(on_bad_row, list) else (bad_rows + found)[:1]


def _tell(paths, bad_rows, on_bad_row, rows, count=None):
    """Hand over the rows that were left out, or warn of them."""
    if not bad_rows:
        return
    named = [(paths[file], line, reason) for file, line, reason in bad_rows]
    if isinstance(on_bad_row, list):
        on_bad_row += named
        return
    count = len(bad_rows) if count is None else count
    file, line, reason = named[0]
    s = "" if count == 1 else "s"
    warnings.warn(
        f"{count:,} row{s} of {rows + count:,} left out, the first: {file}, line {line}: {reason}",
        stacklevel=3,
    )
