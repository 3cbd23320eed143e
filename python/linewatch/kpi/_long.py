"""Frames of cells, times and KPIs as sorted arrays, and long frames back."""

from dataclasses import dataclass

import numpy as np

from linewatch import _tables
from linewatch._frames import eager, like, to_polars

LONG = ["cell", "kpi", "time", "value", "baseline", "scale"]


@dataclass
class Cells:
    """Rows sorted by cell and time.

    ``cell`` and ``time`` are Polars Series, ``code`` numbers the cells from 0, ``instant_ns`` has
    the nanoseconds that order the rows and ``time_ns`` those that a clock on the wall shows (they
    differ where times have a zone), ``starts`` the first row of each cell, ``order`` the caller's
    rows.
    """

    native: object
    table: object
    kpis: list
    cell: object
    time: object
    code: np.ndarray
    instant_ns: np.ndarray
    time_ns: np.ndarray
    starts: np.ndarray
    order: np.ndarray | None

    def __len__(self):
        return len(self.code)

    def values(self, kpi):
        """One KPI as float64; missing and infinite values are NaN."""
        return self.floats(_tables.numbers(self.table[kpi]))

    def floats(self, column):
        """A numeric column in the order of the rows."""
        array = column.fill_null(np.nan).to_numpy()
        if self.order is not None:
            array = array[self.order]
        array = np.ascontiguousarray(array, dtype=np.float64)
        infinite = np.isinf(array)
        return np.where(infinite, np.nan, array) if infinite.any() else array

    def frame(self, kpi, columns):
        """A long Polars frame of one KPI; NaN becomes null."""
        import polars as pl

        return pl.DataFrame(
            [
                self.cell.alias("cell"),
                pl.repeat(kpi, len(self), dtype=pl.String, eager=True).alias("kpi"),
                self.time.alias("time"),
                *(column(name, values) for name, values in columns.items()),
            ]
        )

    def back(self, frames):
        """Long frames of all KPIs as one frame of the caller's kind."""
        import polars as pl

        return like(self.native, pl.concat(frames))


def column(name, values):
    """An array or Series as a named Polars Series, NaN as null."""
    import polars as pl

    out = pl.Series(name, values)
    return out.fill_nan(None) if out.dtype.is_float() else out


def read(frame, time=None, cell=None, kpis=None, time_zone=None):
    """The rows of a caller's frame, one for a cell and a time."""
    import polars as pl

    native = eager(frame)
    table = to_polars(native)
    if isinstance(kpis, str):
        kpis = [kpis]
    if kpis is not None and not list(kpis):
        raise ValueError("kpis must name at least one column, got none")
    columns = _tables.detect(table, time=time, cell=cell, values=kpis)
    kpis = columns.values if kpis is not None else [*columns.values, *columns.other_values]
    if not len(table):
        raise ValueError("the frame has no rows")
    times = zoned(table[columns.time], time_zone)
    if columns.cell is None:
        names = pl.repeat("", len(table), dtype=pl.String, eager=True)
    else:
        names = table[columns.cell]
    return arrange(native, table, kpis, names, times, columns.cell)


def arrange(native, table, kpis, names, times, cell_name):
    """`Cells` of columns that have been found and read."""
    import polars as pl

    if names.null_count():
        raise ValueError(f'column "{cell_name}" has {nameless(names.null_count())}')
    if names.dtype in (pl.Categorical, pl.Enum, pl.Object):
        names = names.cast(pl.String)
    code = _codes(names)
    instant_ns = times.cast(pl.Int64).to_numpy() * 1000
    order = None
    step = np.diff(code)
    if not ((step > 0) | ((step == 0) & (np.diff(instant_ns) > 0))).all():
        by = pl.DataFrame({"code": code, "time": instant_ns})
        order = by.select(pl.arg_sort_by("code", "time", maintain_order=True)).to_series()
        names, times = names.gather(order), times.gather(order)
        order = order.to_numpy()
        code, instant_ns = code[order], instant_ns[order]
        step = np.diff(code)
        _refuse_repeats((step == 0) & (np.diff(instant_ns) == 0), names, times, cell_name)
    starts = np.append(0, np.flatnonzero(step) + 1).astype(np.int64)
    time_ns = wall_ns(times, instant_ns)
    return Cells(native, table, list(kpis), names, times, code, instant_ns, time_ns, starts, order)


def zoned(column, time_zone):
    """Times as Datetime, with a zone where they say one: `time_zone`, or their own."""
    import polars as pl

    present = column.drop_nulls() if column.dtype == pl.String else None
    if present is not None and len(present) and _tables.has_offset(present):
        column = times_of(column, None).dt.replace_time_zone("UTC").alias(column.name)
    times = times_of(column, time_zone)  # refuses what it must
    if not isinstance(column.dtype, pl.Datetime) or column.dtype.time_zone is None:
        return times
    column = column.dt.cast_time_unit("us")
    return column if time_zone is None else column.dt.convert_time_zone(time_zone)


def wall_ns(times, instant_ns):
    """What a clock on the wall shows, in nanoseconds."""
    import polars as pl

    if times.dtype.time_zone is None:
        return instant_ns
    return times.dt.replace_time_zone(None).cast(pl.Int64).to_numpy() * 1000


def nameless(number):
    """1 missing name of a cell, 2 missing names of cells."""
    return f"{number:,} missing {'name of a cell' if number == 1 else 'names of cells'}"


def _refuse_repeats(again, names, times, cell_name):
    if not again.any():
        return
    row = int(np.argmax(again))
    where = f' of cell "{names[row]}"' if cell_name is not None else ""
    raise ValueError(
        f"{_tables.repeated(int(again.sum()))}, first {times[row]}{where} "
        "(keep one of them: kpi.clean does)"
    )


def times_of(column, time_zone):
    """Naive local times, dates included."""
    import polars as pl

    if column.dtype == pl.Object:
        raise TypeError(
            f'column "{column.name}" holds objects, perhaps times of several zones; convert them '
            "to one (pandas.to_datetime(..., utc=True)) and name yours as time_zone"
        )
    times = _tables.times(column, time_zone)
    if times.dtype == pl.Time:
        raise TypeError(
            f'column "{column.name}" holds times of day; dates are needed, too (kpi.score does '
            "without them)"
        )
    if times.null_count():
        missing = _tables.counted(times.null_count(), "missing time")
        raise ValueError(f'column "{column.name}" has {missing}')
    return times


def _codes(names):
    """Cells numbered from 0 in the order of their names."""
    import polars as pl

    if not len(names):
        return np.empty(0, np.int64)
    # The rows of a cell mostly stand together: number the runs rather than the rows.
    begins = (names != names.shift(1)).fill_null(True).arg_true().to_numpy()
    runs = names.gather(begins) if 2 * len(begins) < len(names) else names
    unique = runs.unique().sort()
    if runs.dtype == pl.String:
        code = runs.cast(pl.Enum(unique)).to_physical().cast(pl.Int64).to_numpy()
    else:
        code = unique.search_sorted(runs).cast(pl.Int64).to_numpy()
    if runs is names:
        return code
    return np.repeat(code, np.diff(begins, append=len(names)))


def is_long(native):
    """Whether a frame is one that :func:`linewatch.kpi.baseline` returned."""
    return set(LONG) <= set(native.columns)


def groups(table, columns=("kpi",)):
    """The parts of a long Polars frame, KPI by KPI, in the order of the frame."""
    return {part[columns[0]][0]: part for part in table.partition_by(*columns, maintain_order=True)}


def parts(native, time_zone=None):
    """The KPIs of a long frame: name, `Cells`, baseline and scale of each."""
    import polars as pl

    table = to_polars(native)
    out = []
    for name, part in groups(table.with_columns(_text(table["kpi"]))).items():
        times = zoned(part["time"], time_zone)
        cells = arrange(native, part, [name], part["cell"], times, "cell")
        cells.table = part.select(pl.col("value").alias(name))  # it may have any name
        center, scale = (
            cells.floats(_tables.numbers(part[column])) for column in ("baseline", "scale")
        )
        out.append((name, cells, center, np.abs(scale)))
    if not out:
        raise ValueError("the frame has no rows")
    return out


def _text(column):
    import polars as pl

    return column.cast(pl.String)
