"""Times of cells as instants: zones, offsets, and the hours that clocks skip or show twice."""

import re

from linewatch import _tables

OFFSET = r"(Z|[+-]\d{2}:?\d{2})\s*$"


def instants(column, cell, time_zone=None):
    """`column` as Datetime: with a zone if the times or `time_zone` have one, else as they are.

    Local times of a zone that come twice when clocks go back are told apart by their order in
    the cell: the first is summer time. Those that clocks skip are null.

    Parameters
    ----------
    column : Polars Series
        Datetimes, dates, text or seconds since 1970.
    cell : Polars Series
        Name of the cell of each row.
    time_zone : str, optional
        The zone of times without one, and the zone of the answer.

    Returns
    -------
    times : Polars Series of Datetime("us") with or without zone
    skipped : int
        Local times that do not exist in `time_zone`.
    """
    import polars as pl

    if time_zone is not None:
        _tables._check_zone(time_zone)
    if column.dtype == pl.Object:
        raise mixed(column.name)
    if column.dtype == pl.Time:
        raise ValueError(
            f'column "{column.name}" holds times of day without dates; expected dates as well'
        )
    own = own_zone(column)
    if own is not None:
        naive = _tables.times(column, "UTC")
        _refuse_times_of_day(naive)
        utc = naive.dt.replace_time_zone("UTC")
        return utc.dt.convert_time_zone(time_zone or own), 0
    naive = _tables.times(column)
    _refuse_times_of_day(naive)
    if time_zone is None:
        return naive, 0
    frame = pl.DataFrame({"time": naive, "cell": cell})
    again = pl.int_range(pl.len()).over("cell", "time") > 0
    which = pl.when(again).then(pl.lit("latest")).otherwise(pl.lit("earliest"))
    local = pl.col("time").dt.replace_time_zone(time_zone, ambiguous=which, non_existent="null")
    times = frame.select(local)["time"]
    return times, times.null_count() - naive.null_count()


def mixed(name):
    """The error for times with and without a zone in one column."""
    return ValueError(
        f'column "{name}" mixes times with a time zone and times without one; give all of them one'
    )


def refuse_mixed(table, time=None):
    """Raise for a column of times as text, some with an offset and some without."""
    import polars as pl

    for column in table:
        named = column.name == time or _tables.words(column.name) in _tables.TIME_NAMES
        if named and column.dtype == pl.String:
            has = column.drop_nulls().filter(column.drop_nulls().str.contains(":"))
            has = has.str.contains(OFFSET)
            if has.any() and not has.all():
                raise mixed(column.name)


def own_zone(column):
    """The zone that the times say themselves: of the dtype, or UTC for offsets and counts."""
    import polars as pl

    if isinstance(column.dtype, pl.Datetime):
        return column.dtype.time_zone
    if column.dtype == pl.String:
        present = column.drop_nulls()
        if not len(present):
            return None
        counts = _tables._is_number(column, _tables.MOST) and not _tables._is_day(column)
        return "UTC" if counts or (re.search(OFFSET, present[0]) and ":" in present[0]) else None
    return "UTC" if column.dtype.is_numeric() else None


def _refuse_times_of_day(column):
    import polars as pl

    if column.dtype == pl.Time:
        raise ValueError(
            f'column "{column.name}" holds times of day without dates; expected dates as well'
        )


def usual_step(frame, time="time", cell="cell"):
    """The most common distance between successive times of a cell; None without two of them."""
    import polars as pl

    steps = (
        frame.sort(cell, time)
        .select(step=pl.col(time).diff().over(cell))
        .filter(pl.col("step") > pl.duration(seconds=0))
    )
    if not steps.height:
        return None
    counts = steps.group_by("step").len().sort("len", "step", descending=[True, False])
    return counts["step"][0]
