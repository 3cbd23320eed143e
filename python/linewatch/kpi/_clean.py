"""Tables of KPIs made fit for use, with a count and a list of everything that was done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from linewatch import _tables, _times
from linewatch._arguments import check_columns
from linewatch._frames import eager, like, to_polars
from linewatch._sizes import check_rows
from linewatch.kpi._instants import instants, mixed, refuse_mixed, usual_step

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal

    from linewatch._typing import FrameT


# A ratio above its top by less than this part of it is rounding, and is put at the top.
ROUNDING = 1e-3
# A counter that falls has wrapped if that makes an increment of at most so many usual ones.
PLAUSIBLE = 20
SHORT = 4
# A larger share of rows that differ at one time is no series: the cells have not been named.
MOST_DIFFER = 0.2
# Parts of names of KPIs that are never below zero.
NOT_BELOW_ZERO = (
    "traffic", "trafic", "volume", "payload", "user", "ue_", "call", "drop", "erlang", "byte",
    "octet", "packet", "prb", "thr", "load", "util", "attempt", "count", "percent", "pct",
    "bit_per", "mbps", "kbps", "_gb", "_mb",
)  # fmt: skip

Frame = TypeVar("Frame")


@dataclass(frozen=True)
class CleanReport(Generic[Frame]):
    """What :func:`clean` found and did; its text is a table of the counts.

    Attributes
    ----------
    counts : DataFrame
        ``problem``, ``column`` (null where it is of whole rows), ``action``, ``n``.
    repairs : DataFrame
        One row for each row dropped and each value changed: ``row`` (from 0, in the frame that
        came in), ``cell``, ``time``, ``column``, ``problem``, ``action``, ``before`` (as text),
        ``after``.
    gaps : DataFrame
        ``cell``, ``start`` and ``end`` (the first and last time missing), ``n_missing``.
    cells : DataFrame
        ``cell``, ``n_rows``, ``start``, ``end``, ``n_missing`` (times in gaps), ``coverage`` (rows
        by rows expected from its first to its last).
    step : timedelta or None
        Distance of successive times that the gaps are counted in.
    n_rows_in, n_rows_out : int

    Examples
    --------
    >>> from linewatch import kpi
    >>> network = kpi.simulate(2, 2, faults=[], quiet_weeks=0, seed=1)
    >>> table, report = kpi.clean(network.kpis)
    >>> print(report)
    2,013 rows in, 2,013 rows out, one every 1:00:00
      gap    3  listed
    """

    counts: Frame
    repairs: Frame
    gaps: Frame
    cells: Frame
    step: timedelta | None
    n_rows_in: int
    n_rows_out: int

    def __str__(self) -> str:
        table = to_polars(eager(self.counts))
        n_in, n_out = (_tables.counted(n, "row") for n in (self.n_rows_in, self.n_rows_out))
        text = f"{n_in} in, {n_out} out"
        if self.step is not None:
            text += f", one every {self.step}"
        if not table.height:
            return text + "; nothing to mend"
        rows = [
            (problem, column or "", f"{n:,}", action)
            for problem, column, action, n in table.iter_rows()
        ]
        widths = [max(len(row[k]) for row in rows) for k in range(3)]
        for problem, column, n, action in rows:
            line = f"{problem:<{widths[0]}}  {column:<{widths[1]}}  {n:>{widths[2]}}  {action}"
            text += f"\n  {line}"
        return text


def clean(
    frame: FrameT,
    *,
    time: str | None = None,
    cell: str | None = None,
    values: Sequence[str] | None = None,
    ratios: Literal["auto"] | Sequence[str] | Mapping[str, float] = "auto",
    nonnegative: Literal["auto"] | Sequence[str] = "auto",
    counters: Sequence[str] = (),
    duplicates: Literal["last", "first", "error"] = "last",
    received: str | None = None,
    late_after: str | timedelta | None = None,
    late: Literal["keep", "drop"] = "keep",
    unreadable: Literal["error", "missing"] = "error",
    step: str | timedelta | None = None,
    fill_gaps: bool = False,
    time_zone: str | None = None,
    local: bool = False,
) -> tuple[FrameT, CleanReport[FrameT]]:
    """Sort a table of KPIs and repair what cannot be; every repair is counted and returned.

    Impossible values become missing rather than something plausible. Nothing is interpolated.

    Parameters
    ----------
    frame : DataFrame (pandas, Polars, pyarrow)
        One row for a cell and a time, in any order.
    time, cell : str, optional
        Columns; found by name and dtype when left out. Without a cell column the frame is one
        series.
    values : sequence of str, optional
        The KPIs; all columns of numbers by default.
    ratios : "auto", sequence of str or dict of str to float, default="auto"
        KPIs that lie between 0 and a top: 100 for names, or the top itself in a dict. ``"auto"``
        takes names that end in percent or pct (top 100). Above the top by less than a thousandth
        of it is rounding and is put at the top; higher values become missing.
    nonnegative : "auto" or sequence of str, default="auto"
        KPIs whose negative values become missing. ``"auto"`` takes those whose names say that they
        count or measure something that is not below zero: traffic, users, calls, drops,
        throughput, load, percent and the like, but for names that end in db or dbm. Ratios and
        counters always count.
    counters : sequence of str
        KPIs that count up; each value becomes the increase since the row before, exact in integers.
        A fall is a wrap of 32 or 64 bits if the increase is then at most 20 times the median
        one of the cell; otherwise a reset, whose increase is not known and becomes missing, as
        are those of a cell's first row and of the first row after a gap. Two wraps between
        two rows cannot be seen.
    duplicates : {"last", "first", "error"}, default="last"
        Which of several rows of one cell and time to keep. With `received` they are in that
        order; otherwise in that of the frame. Rows that agree in every KPI are counted apart.
    received : str, optional
        Column of the time at which a row came in.
    late_after : str or timedelta, optional
        A row is late if it came more than this after its time; an hour with `received`. Without
        `received` the order of the rows tells: a row is late if it stands behind one of its cell
        whose time is more than this later. Without both, no row is late.
    late : {"keep", "drop"}, default="keep"
        What to do with late rows.
    unreadable : {"error", "missing"}, default="error"
        What to do with text in a KPI.
    step : str or timedelta, optional
        Distance of successive times; the most common one by default.
    fill_gaps : bool, default=False
        Put rows without values into the gaps.
    time_zone : str, optional
        Zone of times without one, such as ``"Europe/Paris"``, and of the times that come out.
        The hour that comes twice in autumn is then no duplicate, and the one missing in spring
        no gap.
    local : bool, default=False
        Give local times without a zone, each once: of an hour that comes twice the first rows are
        kept.

    Returns
    -------
    frame : DataFrame of the caller's kind
        Sorted by cell and time. KPIs are floats; times are datetimes, with a zone if they had
        one or `time_zone` is given; other columns are as they were.
    report : CleanReport

    Raises
    ------
    ValueError
        If a column is missing or cannot be told from another, a KPI holds text, times with and
        without zones are mixed, a frame without a cell column has more than a fifth of its rows at
        times of other rows that differ, or an option is unknown.
    TypeError
        If a counter holds floats beyond 2^53, which are no longer whole, or columns have
        another dtype than expected.

    Examples
    --------
    >>> import polars as pl
    >>> from linewatch import kpi
    >>> frame = pl.DataFrame({
    ...     "time": ["2026-01-05 02:00", "2026-01-05 00:00", "2026-01-05 00:00"],
    ...     "cell": ["A", "A", "A"], "prb_percent": [130.0, 40, 40]})
    >>> cleaned, report = kpi.clean(frame, step="1h")
    >>> cleaned["prb_percent"].to_list()
    [40.0, None]
    >>> print(report)
    3 rows in, 2 rows out, one every 1:00:00
      rows not in order of time                 1  sorted
      row there twice                           1  dropped
      above the top of a ratio     prb_percent  1  set to missing
      cell with fewer than 4 rows               1  kept
      gap                                       1  listed
    """
    import polars as pl

    _check(duplicates=duplicates, late=late, unreadable=unreadable)
    native = eager(frame)
    for name in native.columns:
        if not isinstance(name, str):
            raise TypeError(f"names of columns must be text, got {name!r}")
    table = _polars(native)
    if not table.height:
        raise ValueError("the frame has no rows")
    counters = [counters] if isinstance(counters, str) else list(counters)
    values = [values] if isinstance(values, str) else values
    refuse_mixed(table, time)
    columns = _tables.detect(table, time=time, cell=cell, values=values)
    given = list(values) if values else [*columns.values, *columns.other_values]
    given = [name for name in dict.fromkeys([*given, *counters]) if name != received]
    check_columns([*counters, *([received] if received else [])], table.columns)
    log = _Log()
    n_in = table.height
    work = pl.DataFrame({"_row": np.arange(n_in)})
    names = table[columns.cell].cast(pl.String) if columns.cell else None
    if names is not None:
        stripped = names.str.strip_chars()
        log.count("spaces around the name of a cell", columns.cell, "removed", stripped != names)
        names = stripped.replace("", None)
    else:
        names = pl.repeat("", n_in, dtype=pl.String, eager=True)
    times, skipped = instants(table[columns.time], names, time_zone)
    known = _tables.times(table[columns.time]).is_not_null() if skipped else times.is_not_null()
    work = work.with_columns(_cell=names, _time=times)
    if received:
        came, _ = instants(table[received], names, time_zone)
        work = work.with_columns(_came=came)
        if (came.dtype.time_zone is None) != (times.dtype.time_zone is None):
            raise mixed(received)
    numbers = {}
    for name in given:
        numbers[name] = _numbers(table[name], name in counters, unreadable, log, names, times)
    work = work.with_columns(**{f"v{k}": column for k, column in enumerate(numbers.values())})
    places = {name: f"v{k}" for k, name in enumerate(given)}

    work = log.drop(work, pl.col("_cell").is_null(), "no name of a cell")
    bad = pl.col("_time").is_null()
    if skipped:
        missing = work["_row"].is_in(pl.Series((~known).arg_true()).implode())
        work = log.drop(work, missing, "no time")
        work = log.drop(work, bad, "local time that clocks skip")
    else:
        work = log.drop(work, bad, "no time")

    back = work.select((pl.col("_time").diff() < timedelta(0)).over("_cell")).to_series()
    log.count("rows not in order of time", None, "sorted", back)
    work = _late(work, received, late_after, late, log)
    work = _once(work, list(places.values()), duplicates, log, columns.cell is None)
    limits = _limits(ratios, given)
    below = _nonnegative(nonnegative, given) | set(limits) | set(counters)
    for name, place in places.items():
        if name in counters:
            continue
        value = pl.col(place)
        work = log.mend(work, place, name, value.is_nan(), None, None)
        work = log.mend(work, place, name, value.is_infinite(), None, "infinite value")
        if name in below:
            work = log.mend(work, place, name, value < 0, None, "negative value")
        if name in limits:
            top = limits[name]
            near = (value > top) & (value <= top * (1 + ROUNDING))
            work = log.mend(work, place, name, near, float(top), "above the top by rounding")
            work = log.mend(work, place, name, value > top, None, "above the top of a ratio")
    work = work.sort("_cell", "_time")
    span = timedelta(microseconds=_times.span(step, "step") // 1000) if step is not None else None
    span = span or usual_step(work, "_time", "_cell")
    gaps = _gaps(work, span)
    for name in counters:
        work = _increments(work, places[name], name, span, log)
    for name, place in places.items():
        present = work[place].drop_nulls()
        if len(present) and not (present != 0).any():
            log.note("no value but zero", name, "kept", 1)
    cells = _cells(work, gaps)
    few = cells.filter(pl.col("n_rows") < SHORT).height
    log.note(f"cell with fewer than {SHORT} rows", None, "kept", few)
    log.note("gap", None, "filled" if fill_gaps else "listed", gaps.height)
    if fill_gaps and gaps.height:
        check_rows(gaps["n_missing"].sum(), f"fill_gaps=True with step={step}")
        filled = _filled(gaps, span)
        log.note("time in a gap", None, "row without values put in", filled.height)
        work = pl.concat([work, filled], how="diagonal_relaxed").sort("_cell", "_time")
    repairs = log.repairs(times.dtype)
    if local and times.dtype.time_zone is not None:
        clock = pl.col("_time").dt.replace_time_zone(None)
        again = pl.int_range(pl.len()).over("_cell", clock) > 0
        work = log.drop(work, again, "local time that comes twice")
        parts = (work, log.repairs(times.dtype), gaps, cells)
        work, repairs, gaps, cells = (_local(part) for part in parts)
    result = _result(table, work, columns, places)
    tables = [log.counts(), repairs, gaps, cells]
    counts, repairs, gaps, cells = (like(native, part) for part in tables)
    report = CleanReport(counts, repairs, gaps, cells, span, n_in, result.height)
    others = [name for name in table.columns if name not in (columns.time, columns.cell, *places)]
    return _untouched(native, like(native, result), others, work["_row"]), report


class _Log:
    """What was done, in order."""

    def __init__(self):
        self.parts, self.totals = [], {}

    def note(self, problem, column, action, n):
        if n:
            key = (problem, column, action)
            self.totals[key] = self.totals.get(key, 0) + int(n)

    def count(self, problem, column, action, mask):
        self.note(problem, column, action, mask.sum() or 0)

    def add(self, rows, problem, column, action, before=None, after=None):
        """`rows` has _row, _cell and _time; `before` and `after` are expressions of it."""
        import polars as pl

        if not rows.height:
            return
        self.note(problem, column, action, rows.height)
        text = pl.lit(None, dtype=pl.String) if before is None else before.cast(pl.String)
        number = pl.lit(None, dtype=pl.Float64) if after is None else after.cast(pl.Float64)
        self.parts.append(
            rows.select(
                row=pl.col("_row").cast(pl.Int64),
                cell="_cell",
                time="_time",
                column=pl.lit(column, dtype=pl.String),
                problem=pl.lit(problem),
                action=pl.lit(action),
                before=text,
                after=number,
            )
        )

    def drop(self, work, mask, problem):
        import polars as pl

        work = work.with_columns(_out=mask)
        self.add(work.filter("_out"), problem, None, "dropped")
        return work.filter(~pl.col("_out").fill_null(False)).drop("_out")

    def mend(self, work, place, name, mask, after, problem):
        """Values where `mask` holds become `after`; not a word without a problem (NaN to null)."""
        import polars as pl

        if problem is not None:
            action = "set to missing" if after is None else "set to the top"
            self.add(work.filter(mask), problem, name, action, pl.col(place), pl.lit(after))
        return work.with_columns(pl.when(mask).then(after).otherwise(place).alias(place))

    def counts(self):
        import polars as pl

        kinds = {"problem": pl.String, "column": pl.String, "action": pl.String, "n": pl.Int64}
        return pl.DataFrame([(*k, n) for k, n in self.totals.items()], schema=kinds, orient="row")

    def repairs(self, dtype):
        import polars as pl

        kinds = {"row": pl.Int64, "cell": pl.String, "time": dtype, "column": pl.String}
        kinds |= {"problem": pl.String, "action": pl.String, "before": pl.String}
        empty = pl.DataFrame(schema=kinds | {"after": pl.Float64})
        return pl.concat([empty, *self.parts]).sort("row", maintain_order=True)


def _check(**options):
    known = {
        "duplicates": ("last", "first", "error"),
        "late": ("keep", "drop"),
        "unreadable": ("error", "missing"),
    }
    for name, value in options.items():
        if value not in known[name]:
            raise ValueError(f"{name} must be {' or '.join(known[name])}, got {value!r}")


def _polars(native):
    """The frame in Polars; a column of Python times with and without zones is named."""
    import polars as pl

    try:
        table = to_polars(native)
        objects = [name for name in table.columns if table[name].dtype == pl.Object]
        return table.with_columns(
            pl.Series(name, table[name].to_list(), strict=False) for name in objects
        )
    except (pl.exceptions.ComputeError, TypeError):
        for name in native.columns:
            try:
                pl.Series(name, native[name].to_list(), strict=False)
            except pl.exceptions.ComputeError:
                raise mixed(name) from None
        raise


def _numbers(column, is_counter, unreadable, log, names, times):
    """A KPI as Float64, a counter as Int128 so that 64 bits wrap exactly."""
    import polars as pl

    if unreadable == "missing" and column.dtype == pl.String:
        number = column.str.strip_chars().cast(pl.Float64, strict=False)
        bad = number.is_null() & column.is_not_null()
        rows = pl.DataFrame(
            {"_row": np.arange(len(column)), "_cell": names, "_time": times, "_text": column}
        ).filter(bad)
        log.add(rows, "text in place of a number", column.name, "set to missing", pl.col("_text"))
        column = pl.select(pl.when(~bad).then(column)).to_series().alias(column.name)
    if not is_counter:
        return _tables.numbers(column)
    if column.dtype == pl.String:
        whole = column.str.strip_chars().cast(pl.Int128, strict=False)
        if whole.null_count() == column.null_count():
            return whole
    if column.dtype.is_integer():
        return column.cast(pl.Int128)
    number = _tables.numbers(column).fill_nan(None)
    present = number.drop_nulls()
    if (present.abs() > 2**53).any():
        raise TypeError(
            f'column "{column.name}" holds counts beyond 2^53 as floats, which are no longer '
            "whole; read it as integers"
        )
    if (present != present.floor()).any():
        found = present.filter(present != present.floor())[0]
        raise ValueError(f'column "{column.name}" holds {found:g}; a counter has whole numbers')
    return number.cast(pl.Int128)


def _late(work, received, late_after, late, log):
    import polars as pl

    if received is None and late_after is None:
        return work
    after = timedelta(microseconds=_times.span(late_after or "1h", "late_after") // 1000)
    if received:
        mask = pl.col("_came") - pl.col("_time") > after
    else:
        ahead = pl.col("_time").cum_max().over("_cell")
        mask = ahead - pl.col("_time") > after
    if late == "drop":
        return log.drop(work, mask.fill_null(False), "late row")
    log.count("late row", None, "kept", work.select(mask).to_series().fill_null(False))
    return work


def _once(work, places, duplicates, log, one_series):
    """One row for each cell and time."""
    import polars as pl

    key = ["_cell", "_time"]
    order = ["_came", "_row"] if "_came" in work.columns else ["_row"]
    work = work.sort(*key, *order, nulls_last=False)
    several = pl.len().over(*key) > 1
    if not work.select(several.any()).item():
        return work
    if duplicates == "error":
        first = work.filter(several).row(0, named=True)
        raise ValueError(
            f'cell "{first["_cell"]}" has several rows at {first["_time"]:%Y-%m-%d %H:%M}; '
            "say duplicates='last' or 'first'"
        )
    same = pl.all_horizontal(pl.col(place).n_unique().over(*key) == 1 for place in places)
    place = pl.int_range(pl.len()).over(*key)
    last = pl.len().over(*key) - 1
    keep = place == (last if duplicates == "last" else 0)
    work = work.with_columns(_keep=keep, _same=same)
    out = work.filter(~pl.col("_keep"))
    log.add(out.filter("_same"), "row there twice", None, "dropped")
    differ = out.filter(~pl.col("_same")).height
    if one_series and differ > MOST_DIFFER * work.height:
        raise ValueError(
            f"taken as one series, {differ:,} of {work.height:,} rows have the time of another row "
            "and differ from it; name the column of cells: --cell (or cell=)"
        )
    other = f"dropped, the {duplicates} kept"
    log.add(out.filter(~pl.col("_same")), "rows of one time that differ", None, other)
    return work.filter("_keep").drop("_keep", "_same")


def _limits(ratios, given):
    if isinstance(ratios, dict):
        limits = ratios
    elif isinstance(ratios, str) and ratios == "auto":
        names = [n for n in given if _tables.words(n).split()[-1:] in (["percent"], ["pct"])]
        limits = dict.fromkeys([*names, *(n for n in given if n.strip().endswith("%"))], 100.0)
    else:
        limits = dict.fromkeys([ratios] if isinstance(ratios, str) else ratios, 100.0)
    for name, top in limits.items():
        if name not in given:
            raise ValueError(f'ratios names "{name}", which is not among the KPIs {given}')
        if not top > 0:
            raise ValueError(f'the top of the ratio "{name}" must be above 0, got {top!r}')
    return limits


def _nonnegative(nonnegative, given):
    if not (isinstance(nonnegative, str) and nonnegative == "auto"):
        names = {nonnegative} if isinstance(nonnegative, str) else set(nonnegative)
        for name in names - set(given):
            raise ValueError(f'nonnegative names "{name}", which is not among the KPIs {given}')
        return names
    return {
        name
        for name in given
        if any(part in name.lower() for part in NOT_BELOW_ZERO)
        and _tables.words(name).split()[-1:] not in (["db"], ["dbm"])
    }


def _gaps(work, step):
    import polars as pl

    schema = {"cell": pl.String, "start": work.schema["_time"], "end": work.schema["_time"]}
    if step is None:
        return pl.DataFrame(schema=schema | {"n_missing": pl.Int64})
    before = pl.col("_time").shift(1).over("_cell")
    gaps = work.select("_cell", "_time", before=before).filter(
        pl.col("_time") - pl.col("before") > 1.5 * step
    )
    n = ((pl.col("_time") - pl.col("before")) / step).round().cast(pl.Int64) - 1
    return gaps.select(
        cell="_cell",
        start=pl.col("before") + step,
        end=pl.col("before") + step * n,
        n_missing=n,
    )


def _increments(work, place, name, step, log):
    """Differences of a counter, with wraps, resets, first rows and gaps told apart."""
    import polars as pl

    now, known = pl.col(place), pl.col(place).is_not_null()
    negative = work.filter(now < 0)
    log.add(negative, "negative value", name, "set to missing", now)
    work = work.with_columns(pl.when(now >= 0).then(now).alias(place))
    # The value before is that of the row before: over a missing one no increase is known.
    work = work.with_columns(
        _old=now.shift(1).over("_cell"),
        _far=pl.col("_time").diff().over("_cell") > 1.5 * (step or timedelta(0)),
        _first=pl.int_range(pl.len()).over("_cell") == 0,
    )
    rise = now - pl.col("_old")
    usual = pl.when(rise >= 0).then(rise).median().over("_cell")
    bits = pl.when(pl.col("_old") < 2**32).then(rise + pl.lit(2**32, dtype=pl.Int128))
    bits = bits.otherwise(rise + pl.lit(2**64, dtype=pl.Int128))
    work = work.with_columns(_rise=rise, _wrapped=bits, _usual=usual)
    fell = (pl.col("_rise") < 0).fill_null(False)
    # Without any usual increase a fall cannot be told from a wrap: it counts as a reset.
    fits = (pl.col("_wrapped") <= PLAUSIBLE * pl.max_horizontal(pl.col("_usual"), 1)) & (
        pl.col("_wrapped") >= 0
    )
    far = pl.col("_far").fill_null(False)
    wrap = fell & fits.fill_null(False) & ~far
    reset = fell & ~wrap & ~far
    kind = (
        pl.when(pl.col("_first")).then(pl.lit("first"))
        .when(~known | pl.col("_old").is_null()).then(pl.lit("missing"))
        .when(far).then(pl.lit("far"))
        .when(wrap).then(pl.lit("wrap"))
        .when(reset).then(pl.lit("reset"))
        .otherwise(pl.lit("rise"))
    )  # fmt: skip
    work = work.with_columns(_kind=kind)
    after = (
        pl.when(pl.col("_kind") == "wrap").then("_wrapped").when(pl.col("_kind") == "rise")
    ).then("_rise")
    work = work.with_columns(_after=after.cast(pl.Float64))
    said = {
        "wrap": ("counter wrapped", "increase across the wrap"),
        "reset": ("counter reset", "increase set to missing"),
        "far": ("counter over a gap", "increase set to missing"),
        "first": ("first row of a counter", "increase set to missing"),
    }
    for key, (problem, action) in said.items():
        rows = work.filter((pl.col("_kind") == key) & known)
        log.add(rows, problem, name, action, pl.col(place), pl.col("_after"))
    lost = work.filter((pl.col("_kind") == "missing") & known)
    log.add(lost, "counter after a missing value", name, "increase set to missing", now)
    done = work.with_columns(pl.col("_after").alias(place))
    return done.drop("_old", "_far", "_first", "_rise", "_wrapped", "_usual", "_kind", "_after")


def _cells(work, gaps):
    import polars as pl

    cells = work.group_by("_cell").agg(
        n_rows=pl.len().cast(pl.Int64), start=pl.col("_time").min(), end=pl.col("_time").max()
    )
    lost = gaps.group_by("cell").agg(pl.col("n_missing").sum())
    return (
        cells.rename({"_cell": "cell"})
        .join(lost, on="cell", how="left")
        .with_columns(pl.col("n_missing").fill_null(0))
        .with_columns(coverage=pl.col("n_rows") / (pl.col("n_rows") + pl.col("n_missing")))
        .sort("cell")
    )


def _local(table):
    """Times of a zone as they stand on the clock."""
    import polars as pl

    zoned = [n for n, dtype in table.schema.items() if getattr(dtype, "time_zone", None)]
    return table.with_columns(pl.col(zoned).dt.replace_time_zone(None))


def _filled(gaps, step):
    import polars as pl

    place = pl.int_ranges(0, pl.col("n_missing")).alias("k")
    rows = gaps.with_columns(place).explode("k")
    return rows.select(_cell="cell", _time=pl.col("start") + pl.col("k") * step)


def _untouched(native, result, others, rows):
    """`result` with the other columns of a pandas frame of the types they had."""
    if not native.implementation.is_pandas():
        return result
    given, rows = native.to_native(), rows.fill_null(-1).to_numpy()
    for name in others:  # a row put into a gap has the label -1, which no row has
        column = given[name].reset_index(drop=True)
        result[name] = (column.reindex(rows) if (rows < 0).any() else column.iloc[rows]).array
    return result


def _result(table, work, columns, places):
    """The columns of the caller, in his order, with the rows of `work`."""
    import polars as pl

    rows = work["_row"].cast(pl.UInt32) if work["_row"].null_count() else work["_row"]
    others = table.select(
        pl.col(name).gather(rows)
        for name in table.columns
        if name not in (columns.time, columns.cell, *places)
    )
    made = {columns.time: work["_time"]}
    if columns.cell:
        made[columns.cell] = work["_cell"]
    made |= {name: work[place].cast(pl.Float64) for name, place in places.items()}
    made |= {name: others[name] for name in others.columns}
    return pl.DataFrame({name: made[name] for name in table.columns})
