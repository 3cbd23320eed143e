"""Traffic over time, and when it was largest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from linewatch import _tables
from linewatch.flow._columns import (
    back,
    check_count,
    group,
    keys,
    table,
    total_bytes,
)
from linewatch.flow._columns import names as columns_of
from linewatch.flow._usage import ranked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linewatch._typing import TableT


_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WORDS = {"second": "1s", "minute": "1m", "hour": "1h", "day": "1d"}


def by_time(
    flows: TableT,
    every: str = "minute",
    *,
    by: str | Sequence[str] | None = None,
    time_zone: str | None = None,
) -> TableT:
    """Flows and bytes of each minute, hour or other stretch of time.

    Parameters
    ----------
    flows : frame of pandas, Polars (eager or lazy), pyarrow, DuckDB or PySpark
        With ``ts`` (time at which the flow began) and ``ibyt``; ``obyt`` and ``td`` serve where
        they are there. A flow counts whole in the stretch in which it began.
    every : str, default="minute"
        ``"second"``, ``"minute"``, ``"hour"``, ``"day"``, or a number with s, m, h or d such as
        ``"15m"`` (on DuckDB and PySpark one that divides a minute, an hour or a day).
    by : str or sequence of str, optional
        Columns that make a customer: one series for each of them.
    time_zone : str, optional
        Such as ``"Europe/Madrid"``: hours of the clock there. Times without a zone are then taken
        as UTC. By default the clock is that of ``ts``, which for nfdump is the local time of the
        machine that printed the flows.

    Returns
    -------
    frame of the kind of `flows`
        The key, ``time`` (beginning of the stretch, a local time without a zone where `time_zone`
        is given), ``flows``, ``total_bytes``, ``bytes_in``, ``bytes_out`` and ``total_td`` (s);
        sorted by key and time. Stretches without a flow have no row.

    Raises
    ------
    ValueError
        If a column is missing, `every` or `time_zone` is not understood, or the engine cannot
        convert times to `time_zone` (DuckDB and PySpark have one zone a session).

    Examples
    --------
    >>> from datetime import datetime
    >>> import polars as pl
    >>> from linewatch import flow
    >>> flows = pl.DataFrame({"ts": [datetime(2026, 1, 5, 9, 0, s) for s in (1, 59)],
    ...                       "ibyt": [100, 200], "obyt": [50, 0]})
    >>> flow.by_time(flows)["total_bytes"].to_list()
    [350]
    """
    by = [] if by is None else keys(by)
    frame = table(flows, ["ts", *by, "ibyt"], "series of traffic")
    return back(series(frame, every, by, time_zone).sort(*by, "time"), flows)


def peaks(
    flows: TableT,
    every: str = "minute",
    *,
    by: str | Sequence[str] | None = None,
    top: int = 1,
    time_zone: str | None = None,
) -> TableT:
    """When traffic was largest: of all flows, or of each source.

    Parameters
    ----------
    flows : frame of pandas, Polars (eager or lazy), pyarrow, DuckDB or PySpark
        As for `by_time`.
    every : str, default="minute"
        Length of a stretch, as for `by_time`.
    by : str or sequence of str, optional
        Columns that make a customer, such as ``"sa"``: the peak of each of them.
    top : int, default=1
        Largest stretches that are listed; with `by` only the largest one of each customer.
    time_zone : str, optional
        As for `by_time`.

    Returns
    -------
    frame of the kind of `flows`
        The columns of `by_time`. By bytes descending, then by time (without `by`), or sorted by
        key; the peak is the stretch with the largest ``total_bytes``, the earliest on ties.

    Examples
    --------
    >>> from datetime import datetime
    >>> import polars as pl
    >>> from linewatch import flow
    >>> flows = pl.DataFrame({"ts": [datetime(2026, 1, 5, 9, m) for m in (1, 5, 7)],
    ...                       "sa": ["a", "a", "b"], "ibyt": [100, 200, 7], "obyt": [150, 50, 0]})
    >>> flow.peaks(flows, by="sa").select("sa", pl.col("time").dt.minute(), "total_bytes").rows()
    [('a', 1, 250), ('b', 7, 7)]
    """
    import narwhals.stable.v2 as nw

    top = check_count("top", top)
    if by is None:
        frame = table(flows, ("ts", "ibyt"), "peak")
        found = ranked(series(frame, every, [], time_zone), "total_bytes", ["time"])
        return back(found.head(top), flows)
    by = keys(by)
    if top != 1:
        raise ValueError(f"top must be 1 with by=, which gives the peak of each, got {top}")
    frame = table(flows, ["ts", *by, "ibyt"], "peak")
    found = series(frame, every, by, time_zone)
    most, first = nw.col("total_bytes").max().over(*by), nw.col("time").min().over(*by)
    found = found.with_columns(_most=most).filter(nw.col("total_bytes") == nw.col("_most"))
    found = found.with_columns(_first=first).filter(nw.col("time") == nw.col("_first"))
    return back(found.drop("_most", "_first").sort(by), flows)


def series(frame, every, by, time_zone=None):
    """`by_time` of narwhals frames, in no order."""
    import narwhals.stable.v2 as nw

    present = columns_of(frame)
    time = cut(frame, every, time_zone)
    sums = {"total_bytes": total_bytes(present), "bytes_in": nw.col("ibyt")}
    if "obyt" in present:
        sums["bytes_out"] = nw.col("obyt")
    return group(frame, [*by, "time"], sums, seconds="td" in present, time=time)


def length(every):
    """``"minute"`` as ``"1m"``; checks what is none of the words."""
    text = _WORDS.get(every, every)
    if not isinstance(text, str) or not re.fullmatch(r"[1-9][0-9]*[smhd]", text):
        raise ValueError(
            f'every must be "second", "minute", "hour", "day" or such as "15m", got {every!r}'
        )
    if int(text[:-1]) * _SECONDS[text[-1]] >= 2**63 // 10**9:
        raise ValueError(f"every must be below 292 years, got {every!r}")
    return text


def cut(frame, every, time_zone=None):
    """``ts`` cut to a length of time, on the clock of a zone."""
    import narwhals.stable.v2 as nw

    every = length(every)
    found = frame.collect_schema()["ts"]
    if not isinstance(found, nw.Datetime):
        raise TypeError(
            f'column "ts" has type {found}; expected times (read the flows with flow.read_nfdump)'
        )
    engine = frame.implementation
    time = nw.col("ts")
    if time_zone is not None:
        if not isinstance(time_zone, str):
            raise TypeError(f"time_zone must be text, got {time_zone!r}")
        _tables._check_zone(time_zone)
        if not _converts(engine):
            raise ValueError(
                f"{engine.value} has one time zone a session, so time_zone= cannot be used "
                "(set the zone of the session, or convert ts before)"
            )
        if found.time_zone is None:
            time = time.dt.replace_time_zone("UTC")
        time = time.dt.convert_time_zone(time_zone).dt.replace_time_zone(None)
    if not _converts(engine) and every not in _WORDS.values():
        return _part_of(time, every)
    return time.dt.truncate(every)


def _converts(engine):
    return engine.is_polars() or engine.is_pandas_like() or engine.is_pyarrow()


def _part_of(time, every):
    """`time` cut to a part of a minute, hour or day; DuckDB and PySpark cut to whole ones only."""
    import narwhals.stable.v2 as nw

    count, unit = int(every[:-1]), every[-1]
    whole, parts = {"s": ("1m", 60), "m": ("1h", 60), "h": ("1d", 24)}.get(unit, ("1d", 1))
    if parts % count:
        raise ValueError(
            f'every must divide a minute, an hour or a day on this engine, got "{every}" '
            '(such as "15m" or "6h")'
        )
    place = {"s": time.dt.second(), "m": time.dt.minute(), "h": time.dt.hour()}[unit]
    start = found = time.dt.truncate(whole)
    for k in range(count, parts, count):
        found = nw.when(place >= k).then(start.dt.offset_by(f"{k}{unit}")).otherwise(found)
    return found
