"""KPIs of longer periods: hours to days, with coverage, and ratios as ratios of sums."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from linewatch import _tables, _times
from linewatch._frames import eager, like, to_polars
from linewatch._sizes import check_rows
from linewatch.kpi._instants import instants, refuse_mixed, usual_step

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal

    from linewatch._typing import FrameT


HOWS = ("sum", "mean", "max", "min")
RATIO_WORDS = {"percent", "pct", "ratio", "share", "rate"}


def resample(
    frame: FrameT,
    every: str = "1d",
    how: Mapping[str, Literal["sum", "mean", "max", "min"]] | None = None,
    *,
    ratios: Mapping[str, tuple[Any, ...]] | None = None,
    min_coverage: float = 0.0,
    step: str | timedelta | None = None,
    time_zone: str | None = None,
    time: str | None = None,
    cell: str | None = None,
) -> FrameT:
    """KPIs of each cell over periods of the calendar, with the part of each that was measured.

    Parameters
    ----------
    frame : DataFrame (pandas, Polars, pyarrow)
        One row for a cell and a time, in any order, each time once in a cell (:func:`clean`).
    every : str, default="1d"
        Length of a period: minutes, hours, days or weeks (from Monday), such as ``"1h"``,
        ``"6h"``, ``"1d"``, ``"1w"``.
    how : dict of str to {"sum", "mean", "max", "min"}
        What becomes of each KPI. Ratios have no mean and no sum.
    ratios : dict of str to tuple, optional
        A KPI that is a ratio, as ``(numerator, denominator)`` or ``(numerator, denominator,
        factor)``: ``{"drop_rate_percent": ("dropped_calls", "calls", 100)}`` is 100 times the sum
        of dropped calls by the sum of calls, over the rows that have both. Missing where no call
        was made.
    min_coverage : float, default=0.0
        A KPI measured in less than this part of a period is missing there.
    step : str or timedelta, optional
        Distance of successive rows; the most common one by default.
    time_zone : str, optional
        Zone of times without one, and the zone whose days and weeks count. A day on which the
        clocks change has 23 or 25 hours, and is covered by so many.
    time, cell : str, optional
        Columns; found by name and dtype when left out.

    Returns
    -------
    DataFrame of the caller's kind, by cell and time
        The cell (if there is a column of it), the start of the period under the name of the time
        column, the KPIs, ``n_rows`` and ``n_expected`` (rows there and rows that a full period
        has), ``coverage`` (their ratio) and, for each KPI, ``<KPI>_coverage``: the part of the
        period with a value. Periods without a row, between the first and the last of a cell, are
        there with coverage 0.

    Raises
    ------
    ValueError
        If a ratio would be averaged or summed, a column is missing, a cell has a time twice, or
        an option is unknown.

    Examples
    --------
    >>> import polars as pl
    >>> from linewatch import kpi
    >>> frame = pl.DataFrame({
    ...     "time": ["2026-01-05 00:00", "2026-01-05 12:00", "2026-01-06 00:00"],
    ...     "calls": [100, 900, 10], "dropped": [10, 9, 0]})
    >>> days = kpi.resample(frame, "1d", {"calls": "sum"}, step="12h",
    ...                     ratios={"drop_percent": ("dropped", "calls", 100)})
    >>> days.select("calls", "drop_percent", "n_rows", "coverage").rows()
    [(1000.0, 1.9, 2, 1.0), (10.0, 0.0, 1, 0.5)]
    """
    import polars as pl

    native = eager(frame)
    table = to_polars(native)
    if not table.height:
        raise ValueError("the frame has no rows")
    how, ratios = dict(how or {}), dict(ratios or {})
    if not how and not ratios:
        raise ValueError('say how= (such as {"traffic_gb": "sum"}) or ratios=')
    _check_how(how, ratios)
    if not 0 <= min_coverage <= 1:
        raise ValueError(f"min_coverage must be between 0 and 1, got {min_coverage!r}")
    _refuse_taken(native.columns, how, ratios)
    needed = [*how, *(name for part in ratios.values() for name in part[:2])]
    refuse_mixed(table, time)
    found = _tables.detect(table, time=time, cell=cell, values=list(dict.fromkeys(needed)))
    names = table[found.cell].cast(pl.String) if found.cell else None
    if names is None:
        names = pl.repeat("", table.height, dtype=pl.String, eager=True)
    times, skipped = instants(table[found.time], names, time_zone)
    if times.null_count():
        n = times.null_count()
        what = _tables.counted(n, "local time" if skipped else "missing time")
        what += " that clocks skip" * bool(skipped)
        take = "it" if n == 1 else "them"
        raise ValueError(f'column "{found.time}" has {what}; kpi.clean takes {take} out')
    work = pl.DataFrame({"_cell": names, "_time": times}).with_columns(
        _tables.numbers(table[name]).fill_nan(None).alias(name) for name in dict.fromkeys(needed)
    )
    if work.select(pl.struct("_cell", "_time").is_duplicated().any()).item():
        first = work.filter(pl.struct("_cell", "_time").is_duplicated()).row(0, named=True)
        raise ValueError(
            f'cell "{first["_cell"]}" has several rows at {first["_time"]:%Y-%m-%d %H:%M}; '
            "kpi.clean keeps one"
        )
    span = timedelta(microseconds=_times.span(step, "step") // 1000) if step is not None else None
    span = span or usual_step(work, "_time", "_cell")
    if span is None:
        raise ValueError("no cell has two rows to tell the step from; say step=")
    work = work.with_columns(_start=_start(every, times, span))
    made = _aggregated(work, how, ratios)
    made = _with_empty(made, every).sort("_cell", "_start")
    made = made.with_columns(_expected(made, every, span))
    made = made.with_columns(coverage=pl.col("n_rows") / pl.col("n_expected"))
    for name in [*how, *ratios]:
        part = (pl.col(f"{name}_coverage") / pl.col("n_expected")).alias(f"{name}_coverage")
        made = made.with_columns(part)
        enough = pl.col(f"{name}_coverage") >= min_coverage
        made = made.with_columns(pl.when(enough).then(name).alias(name))
    head = {found.cell: "_cell"} if found.cell else {}
    counted = [
        "n_rows",
        "n_expected",
        "coverage",
        *(f"{name}_coverage" for name in [*how, *ratios]),
    ]
    return like(
        native,
        made.select(
            *(pl.col(old).alias(new) for new, old in head.items()),
            pl.col("_start").alias(found.time),
            *how,
            *ratios,
            *counted,
        ),
    )


def _check_how(how, ratios):
    for name, kind in how.items():
        if kind not in HOWS:
            raise ValueError(f'how["{name}"] must be sum, mean, max or min, got {kind!r}')
        if kind in ("sum", "mean") and set(_tables.words(name).split()[-2:]) & RATIO_WORDS:
            raise ValueError(
                f'"{name}" is a ratio, whose {kind} says nothing; name what it is made of, as in '
                f'ratios={{"{name}": (numerator, denominator)}}, or take its max'
            )
    for name, part in ratios.items():
        if name in how:
            raise ValueError(f'"{name}" is in how and in ratios; choose one')
        if not isinstance(part, tuple | list) or len(part) not in (2, 3):
            raise ValueError(
                f'ratios["{name}"] must be (numerator, denominator) or (numerator, denominator, '
                f"factor), got {part!r}"
            )


def _refuse_taken(columns, how, ratios):
    """KPIs under the names of columns that are made."""
    made = ["n_rows", "n_expected", "coverage", *(f"{name}_coverage" for name in [*how, *ratios])]
    for name in [*how, *ratios]:
        if name in made:
            way = "rename it in the frame" if name in columns else "choose another name"
            raise ValueError(f'"{name}" is the name of a column that resample makes; {way}')


def _unit(every):
    """The number and unit of a period."""
    number = "".join(letter for letter in str(every) if letter.isdigit())
    unit = str(every)[len(number) :]
    unit = {"min": "m", "m": "m", "h": "h", "d": "d", "w": "w"}.get(unit)
    if unit is None or not number or int(number) < 1:
        raise ValueError(f'every must be such as "15min", "1h", "1d" or "1w", got {every!r}')
    return int(number), unit


def _length(every):
    number, unit = _unit(every)
    minutes = {"m": 1, "h": 60, "d": 1440, "w": 10080}[unit]
    return timedelta(minutes=number * minutes)


def _start(every, times, span):
    """The start of the period of each time: on the local clock if it is longer than an hour."""
    import polars as pl

    if _length(every) < span:
        raise ValueError(f"every={every!r} is shorter than the step of the rows, {span}")
    number, unit = _unit(every)
    zone = times.dtype.time_zone
    if zone is None or _length(every) <= timedelta(hours=1):
        return times.dt.truncate(f"{number}{unit}")
    naive = times.dt.replace_time_zone(None).dt.truncate(f"{number}{unit}")
    return pl.select(_placed(pl.lit(naive), zone)).to_series()


def _placed(naive, zone):
    """Local times in their zone; one that clocks skip is the first after it."""
    import polars as pl

    def there(minutes):
        later = naive + timedelta(minutes=minutes)
        return later.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")

    return pl.coalesce(there(0), there(30), there(60))


def _after(start, every, zone):
    """The start of the period that follows."""
    if zone is None or _length(every) <= timedelta(hours=1):
        return start + _length(every)
    # A start that was put behind skipped hours belongs on its own clock.
    number, unit = _unit(every)
    naive = start.dt.replace_time_zone(None).dt.truncate(f"{number}{unit}")
    return _placed(naive + _length(every), zone)


def _aggregated(work, how, ratios):
    import polars as pl

    parts = {"n_rows": pl.len().cast(pl.Int64)}
    for name, kind in how.items():
        column = pl.col(name)
        some = column.count() > 0  # the sum of nothing is not known, rather than 0
        parts[name] = pl.when(some).then(getattr(column, kind)())
        parts[f"{name}_coverage"] = column.count()
    for name, (top, bottom, *factor) in ratios.items():
        both = pl.col(top).is_not_null() & pl.col(bottom).is_not_null()
        below = pl.col(bottom).filter(both).sum()
        ratio = pl.col(top).filter(both).sum() / below * (factor[0] if factor else 1)
        parts[name] = pl.when(below != 0).then(ratio)
        parts[f"{name}_coverage"] = both.sum()
    return work.group_by("_cell", "_start").agg(**parts)


def _with_empty(made, every):
    """Rows for the periods between the first and the last of a cell that have none."""
    import polars as pl

    ends = made.group_by("_cell").agg(
        first=pl.col("_start").min(), last=pl.col("_start").max(), n=pl.len()
    )
    span = (pl.col("last") - pl.col("first")).dt.total_seconds().sum()
    periods = ends.select(span).item() or 0
    check_rows(periods / _length(every).total_seconds(), f"every={every!r}")
    zone = made.schema["_start"].time_zone
    wall = [pl.col("first"), pl.col("last")]
    local = zone is not None and _length(every) > timedelta(hours=1)
    if local:
        number, unit = _unit(every)
        wall = [at.dt.replace_time_zone(None).dt.truncate(f"{number}{unit}") for at in wall]
    rows = ends.select("_cell", _start=pl.datetime_ranges(*wall, interval=_length(every)))
    rows = rows.explode("_start")
    if local:
        rows = rows.with_columns(_placed(pl.col("_start"), zone))
    rows = rows.with_columns(pl.col("_start").cast(made.schema["_start"])).unique()
    made = rows.join(made, on=["_cell", "_start"], how="left")
    counts = [name for name in made.columns if name == "n_rows" or name.endswith("_coverage")]
    return made.with_columns(pl.col(counts).fill_null(0))


def _expected(made, every, span):
    import polars as pl

    end = _after(pl.col("_start"), every, made.schema["_start"].time_zone)
    return ((end - pl.col("_start")) / span).round().cast(pl.Int64).alias("n_expected")
