"""Names for what a KPI does: at each row, and for each event."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from linewatch import _core
from linewatch._arguments import check_number, whole_number
from linewatch._frames import eager, like, to_polars
from linewatch._progress import bar
from linewatch.kpi import _baseline, _long
from linewatch.kpi._detect import VERDICT, distance
from linewatch.kpi._rules import RULES, polarities

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal

    from linewatch._typing import FrameT, Polarity, Progress


ROW_CLASSES = ("INCREASE", "DEGRADATION", "STABLE")
# Rows whose intermediate values stay in the cache.
BLOCK = 1 << 14
# Rules that fire on rows none of which need stand out.
SLOW = ("flat_run", "level_shift", "drift", "variance_shift", "seasonal_break")
# Rows so many scales from their baselines are extreme.
EXTREME = 5.0


def classify(
    frame: FrameT,
    *,
    time: str | None = None,
    cell: str | None = None,
    kpis: Sequence[str] | None = None,
    k: float = 1.5,
    parity: bool = False,
    method: str = "hour of week",
    window: int | None = None,
    min_periods: int | None = None,
    statistic: Literal["mean", "median"] = "mean",
    include_current: bool = False,
    floor: float = 0.0,
    min_scale: float | Mapping[str, float] = 0.0,
    time_zone: str | None = None,
    n_jobs: int | None = None,
    progress: Progress = None,
) -> FrameT:
    """Whether each value is above, below or within the band of its baseline.

    Parameters
    ----------
    frame : DataFrame (pandas, Polars, pyarrow)
        As for :func:`baseline`, or what it returned.
    time, cell, kpis : optional
        As for :func:`baseline`.
    k : float, default=1.5
        Half the width of the band, in scales.
    parity : bool, default=False
        Do it as the original notebook: the mean and sample standard deviation of the last 24 rows
        in the same hour of the week, the row itself included, no floor, and STABLE where a first
        row has no standard deviation. The options of the baseline are then left alone.
    method, window, min_periods, statistic, include_current, floor, min_scale, time_zone
        The baseline; see :func:`baseline`. The floor is off by default.
    n_jobs, progress
        As for :func:`baseline`.

    Returns
    -------
    DataFrame of the caller's kind, long: by KPI, cell and time
        The columns of :func:`baseline` and ``class``: INCREASE where the value is above baseline +
        k * scale, DEGRADATION where it is below baseline - k * scale, else STABLE; null where
        value or baseline is missing (STABLE with `parity`).

    Raises
    ------
    ValueError, TypeError
        As for :func:`baseline`; if `k` is not above 0, or `parity` meets an option of the
        baseline.

    Notes
    -----
    The names are those of the original, which watches traffic: DEGRADATION is a low value. For
    KPIs where high is worse, and for events instead of rows, see :func:`detect` and
    :func:`classify_events`.

    With the row in its own window of n values, no value is more than ``(n - 1) / sqrt(n)`` standard
    deviations from the mean: up to n = 4 nothing is ever outside a band of 1.5. Without `parity`
    the row is left out.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import datetime, timedelta
    >>> from linewatch import kpi
    >>> monday = datetime(2026, 1, 5, 8)
    >>> times = [monday + timedelta(weeks=i) for i in range(5)]
    >>> calls = pl.DataFrame({"time": times, "calls": [8, 10, 12, 40, 11]})
    >>> kpi.classify(calls)["class"].to_list()
    [None, None, None, 'INCREASE', 'STABLE']
    """
    check_number("k", k, "a number above 0", lambda x: x > 0)
    if parity:
        given = {
            "method": (method, "hour of week"),
            "window": (window, None),
            "min_periods": (min_periods, None),
            "statistic": (statistic, "mean"),
            "include_current": (include_current, False),
            "floor": (floor, 0.0),
            "min_scale": (min_scale, 0.0),
        }
        for name, (value, default) in given.items():
            if value != default:
                raise ValueError(f"parity=True sets {name} itself, got {value!r}")
        window, min_periods, include_current = 24, 1, True
    options = _baseline.settings(
        method, window, min_periods, statistic, include_current, floor, min_scale, n_jobs
    )
    native = eager(frame)
    if _long.is_long(native):
        parts = _long.parts(native, time_zone)
    else:
        cells = _long.read(frame, time, cell, kpis, time_zone)
        parts = [(name, cells, None, None) for name in cells.kpis]
    options.refuse_unknown([name for name, *_ in parts])
    frames = []
    with bar(progress, sum(len(cells) for _, cells, *_ in parts)) as told:
        for name, cells, center, scale in parts:
            value = cells.values(name)
            if center is None:
                center, scale = _baseline.compute(cells, value, name, options, told)
            elif told is not None:
                told(len(cells))
            number = _row_classes(value, center, scale, k, parity)
            frames.append(
                cells.frame(
                    name,
                    {
                        "value": value,
                        "baseline": center,
                        "scale": scale,
                        "class": _names(number, ROW_CLASSES),
                    },
                )
            )
    return cells.back(frames)


def _row_classes(value, center, scale, k, parity):
    """Place in `ROW_CLASSES` of each row; one beyond them where there is none."""
    # A comparison with NaN is False, which makes an unknown row STABLE, as in the original.
    number = np.full(len(value), 2, np.uint8)
    for start in range(0, len(value), BLOCK):
        rows = slice(start, start + BLOCK)
        band = k * scale[rows]
        number[rows] -= value[rows] < center[rows] - band
        number[rows] -= (value[rows] > center[rows] + band).view(np.uint8) * np.uint8(2)
    if not parity:
        number[np.isnan(value) | np.isnan(scale)] = len(ROW_CLASSES)
    return number


def _names(number, names):
    import polars as pl

    return pl.Series([*names, None], dtype=pl.String).gather(pl.Series(number))


def persistent(
    classified: FrameT,
    *,
    hours: float = 12,
    rows: int = 12,
    min_anomalies: int = 6,
    classes: Sequence[str] = ("INCREASE", "DEGRADATION"),
) -> FrameT:
    """All rows of the cells that stay off their course until the end.

    Parameters
    ----------
    classified : DataFrame
        What :func:`classify` or :func:`detect` returned.
    hours : float, default=12
        Rows count from so long before the last time of the whole frame on.
    rows : int, default=12
        Rows of a cell and KPI that are counted together.
    min_anomalies : int, default=6
        A cell stays off its course if one of its KPIs has so many anomalies in `rows` successive
        rows.
    classes : list of str, default=("INCREASE", "DEGRADATION")
        The classes that are anomalies, as in the original notebook; ``["DEGRADATION"]`` to look
        at losses only. Not used for the frame of :func:`detect`, which has ``is_anomaly``.

    Returns
    -------
    DataFrame of the caller's kind
        The rows of those cells, with all their KPIs, in the order of `classified`.

    Raises
    ------
    ValueError
        If the frame is neither of those, an option is out of range or a class is unknown.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import datetime, timedelta
    >>> from linewatch import kpi
    >>> times = [datetime(2026, 1, 5) + timedelta(hours=i) for i in range(12)]
    >>> bad = ["DEGRADATION"] * 7 + ["STABLE"] * 5
    >>> shared = {"kpi": "traffic", "value": 1.0, "baseline": 2.0, "scale": 0.1}
    >>> a, b = ({"cell": name, "time": times, "class": c, **shared}
    ...         for name, c in [("a", bad), ("b", ["STABLE"] * 12)])
    >>> frame = pl.concat([pl.DataFrame(a), pl.DataFrame(b)])
    >>> kpi.persistent(frame)["cell"].unique().to_list()
    ['a']
    """
    import polars as pl

    native = eager(classified)
    table = to_polars(native)
    check_number("hours", hours, "a number above 0", lambda x: x > 0)
    rows = whole_number("rows", rows, 1)
    min_anomalies = whole_number("min_anomalies", min_anomalies, 1)
    if min_anomalies > rows:
        raise ValueError(f"min_anomalies must be at most rows ({rows}), got {min_anomalies}")
    classes = [classes] if isinstance(classes, str) else list(classes)
    for name in classes:
        if name not in ROW_CLASSES:
            expected = ", ".join(ROW_CLASSES)
            raise ValueError(f"classes must be of {expected}, got {name!r}")
    if "class" in table.columns:
        bad = pl.col("class").is_in(classes)
    elif "is_anomaly" in table.columns:
        bad = pl.col("is_anomaly")
    else:
        raise ValueError('column "class" is missing; use the frame of kpi.classify or kpi.detect')
    _require(table, ["cell", "kpi", "time"])
    span = pl.duration(nanoseconds=round(hours * 3.6e12))
    late = table.select("cell", "kpi", "time", bad=bad.fill_null(False).cast(pl.Int64))
    late = late.filter(pl.col("time") >= pl.col("time").max() - span)
    late = late.sort("cell", "kpi", "time", maintain_order=True)
    count = pl.col("bad").rolling_sum(rows, min_samples=1).over("cell", "kpi")
    found = late.filter(count >= min_anomalies)["cell"].unique()
    # Cells by row number, so that any kind of frame keeps its own rows.
    keep = table["cell"].is_in(found.implode())
    return _kept(native, keep)


def _kept(native, keep):
    import narwhals.stable.v2 as nw

    mask = nw.new_series("keep", keep.to_list(), nw.Boolean, backend=native.implementation)
    if native.implementation.is_pandas_like():
        return native.to_native()[mask.to_native().to_numpy()]
    return native.filter(mask).to_native()


def _require(table, names):
    for name in names:
        if name not in table.columns:
            raise ValueError(f'column "{name}" is missing; use the frame of kpi.detect')


def classify_events(
    detected: FrameT, *, polarity: Polarity | None = None, min_shift_rows: int = 12
) -> FrameT:
    """What each event is: sudden, a drop-out, flat, shifted, drifting or out of its rhythm.

    Parameters
    ----------
    detected : DataFrame
        What :func:`detect` returned. A class can only be given to what a rule has found: the
        rules of `detect` decide which classes occur.
    polarity : dict of KPI to {"high", "low", "both"}, optional
        Which way a KPI is worse, for ``is_worse``; by its name where it is not given.
    min_shift_rows : int, default=12
        From its onset to its last anomaly, a shift or drift has at least so many rows, if single
        rows stand out, too.

    Returns
    -------
    DataFrame of the caller's kind, one row for an event, by KPI, cell and start
        - ``cell``, ``kpi``, ``event``, ``class``,
        - ``start`` and ``end``, times of the first and last anomaly, and ``onset``, when the
          change began (the start, but for LEVEL_SHIFT, DRIFT and the events of rows before),
        - ``n_rows``, anomalies in it,
        - ``size``, the mean of value - baseline over them in the unit of the KPI,
          ``relative_size``, their sum over that of \\|baseline\\|, and ``excess``, the sum itself,
        - ``score`` and ``rule``, the highest, ``rules``, all that fired, joined by ``+``,
        - ``direction``, 1 up or -1 down, and ``is_worse``, null without a polarity.

    Raises
    ------
    ValueError
        If `detected` is not such a frame.

    Notes
    -----
    The first that holds, over the rows from start to end:

    1. DROP_OUT: ``drop_out`` fired, and at least half of the rows that stand out (\\|z\\| of 3 or
       more, or zero, or missing) are zero or missing.
    2. FLAT_LINE: ``flat_run`` fired.
    3. SEASONAL_BREAK (``seasonal_break`` fired) or VARIANCE_SHIFT (``variance_shift`` fired) where
       distances go both ways: \\|sum of z\\| is below half the sum of \\|z\\|.
    4. LEVEL_SHIFT or DRIFT: ``level_shift`` or ``drift`` fired, and either no rule that looks at
       single rows did, or there are `min_shift_rows` rows or more since the onset. DRIFT if a
       ramp fits the rows around the start better than a step.
    5. SEASONAL_BREAK or VARIANCE_SHIFT if only these fired.
    6. SUDDEN_INCREASE or SUDDEN_DECREASE by the sign of the sum of z.

    Neither SEASONAL_BREAK nor VARIANCE_SHIFT (3 and 5) is the name of what one or two rows did: if
    one or two of the 48 rows up to the start and those of the event, which is what these rules
    look at, are extreme (\\|z\\| of 5 or more) and hold at least half of the sum of z squared, the
    event is a sudden one by the sign of the extreme rows, and its onset is the first of them.

    No confidence is given, as none has been calibrated; ``score`` says how far beyond a threshold
    an event went.

    Examples
    --------
    A success rate falls from 98.4 over 97.1 to 96.3 percent within four days; no hour stands out.

    >>> import numpy as np
    >>> import polars as pl
    >>> from datetime import datetime, timedelta
    >>> from linewatch import kpi
    >>> day = np.arange(40 * 24) / 24
    >>> usual = np.interp(day, [0, 34, 36, 38], [98.4, 98.4, 97.1, 96.3])
    >>> rate = usual + np.random.default_rng(7).normal(0, 0.8, day.size)
    >>> times = [datetime(2026, 1, 5) + timedelta(hours=i) for i in range(day.size)]
    >>> frame = pl.DataFrame({"time": times, "success_rate": rate})
    >>> events = kpi.classify_events(kpi.detect(frame, method="time of day"))
    >>> events["class"].to_list(), events["direction"].to_list()
    (['DRIFT'], [-1])
    """
    native = eager(detected)
    return like(native, events_table(native, polarity, min_shift_rows))


EVENT_COLUMNS = [
    "cell", "kpi", "event", "class", "start", "end", "onset", "n_rows", "size", "relative_size",
    "excess", "score", "rule", "rules", "direction", "is_worse",
]  # fmt: skip


def events_table(native, polarity=None, min_shift_rows=12):
    """The Polars frame of `classify_events`."""
    import polars as pl

    min_shift_rows = whole_number("min_shift_rows", min_shift_rows, 1)
    table = to_polars(native)
    for name in [*_long.LONG, *VERDICT]:
        if name not in table.columns:
            raise ValueError(f'column "{name}" is missing; use the frame that kpi.detect returns')
    names = table["kpi"].cast(pl.String).unique(maintain_order=True).to_list()
    sides = polarities(names, polarity)
    table = table.select(
        pl.col("cell", "time"),
        pl.col("kpi").cast(pl.String),
        pl.col("value", "baseline", "scale", "score").cast(pl.Float64).fill_nan(None),
        pl.col("event").cast(pl.Float64).fill_nan(None).cast(pl.Int32),
        pl.col("rules").cast(pl.UInt16),
        pl.col("rule").cast(pl.String),
        pl.col("is_anomaly").cast(pl.Boolean),
    )
    order = {name: i for i, name in enumerate(names)}
    table = table.with_columns(
        place=pl.col("kpi").replace_strict(order, return_dtype=pl.Int64)
    ).sort("place", "cell", "time", maintain_order=True)
    x, b, s = (table[name].fill_null(np.nan).to_numpy() for name in ("value", "baseline", "scale"))
    table = table.with_row_index("row").with_columns(
        series=pl.col("row").first().over("place", "cell")
    )
    found = table.filter("is_anomaly")
    return describe(found, x, b, s, table["time"], sides, min_shift_rows)


def describe(found, x, b, s, time, sides, min_shift_rows):
    """One row for each event.

    `found` has the anomalies: ``place`` of the KPI, ``kpi``, ``cell``, ``event``, ``time``,
    ``value``, ``baseline``, ``score``, ``rule``, ``rules``, ``row`` and ``series`` (the row and the
    first row of its series in the columns `x`, `b`, `s` and `time`).
    """
    import polars as pl

    z = np.clip(distance(x, b, s), -50, 50)
    away = pl.col("value") - pl.col("baseline")
    highest = pl.col("score").fill_null(-1.0).arg_max()
    events = found.group_by("place", "cell", "event", maintain_order=True).agg(
        pl.col("kpi").first(),
        pl.col("series").first(),
        first=pl.col("row").min(),
        last=pl.col("row").max(),
        start=pl.col("time").min(),
        end=pl.col("time").max(),
        n_rows=pl.len().cast(pl.Int64),
        size=away.mean(),
        relative_size=away.sum() / pl.col("baseline").filter(away.is_not_null()).abs().sum(),
        excess=away.sum(),
        score=pl.col("score").max(),
        rule=pl.col("rule").get(highest),
        mask=pl.col("rules").bitwise_or(),
    )
    events = events.with_columns(pl.col("relative_size").fill_nan(None))
    events = _shaped(events, z)
    gone = (np.isnan(x) | (x == 0)) & ~np.isnan(b)
    events = events.with_columns(*_sums(events, z, gone, time), *_extremes(events, z, time))
    return _classes(events, min_shift_rows, sides).select(EVENT_COLUMNS)


def _shaped(events, z):
    """Adds the row of the onset, and whether a ramp fits better than a step."""
    import polars as pl

    columns = [events[name].cast(pl.Int64).to_numpy() for name in ("series", "first", "last")]
    onset, step, ramp = _core.kpi_shapes(np.ascontiguousarray(z), *columns)
    return events.with_columns(begun=pl.Series(onset), is_ramp=pl.Series(ramp < step))


def _sums(events, z, gone, time):
    """Sums over all rows from the first to the last of each event."""
    import polars as pl

    first, last = events["first"].to_numpy(), events["last"].to_numpy()

    def between(values):
        total = np.concatenate([[0.0], np.cumsum(values)])
        return total[last + 1] - total[first]

    z = np.nan_to_num(z)
    return [
        pl.Series("sum_z", between(z)),
        pl.Series("sum_abs_z", between(np.abs(z))),
        pl.Series("n_gone", between(gone)),
        pl.Series("n_far", between(gone | (np.abs(z) >= 3))),
        pl.Series("span", last.astype(np.int64) - first + 1),
        time.gather(events["begun"]).alias("begun_at"),
    ]


def _extremes(events, z, time):
    """Whether one or two extreme rows carry what the slow rules saw, which way, and since when."""
    import polars as pl

    span = RULES["seasonal_break"]["span"]
    first, last = (events[name].cast(pl.Int64).to_numpy() for name in ("first", "last"))
    low = np.maximum(events["series"].cast(pl.Int64).to_numpy(), first - (span - 1))
    z = np.nan_to_num(z)
    # With sums over the extreme rows alone nothing is lost to what lies far away.
    at = np.flatnonzero(np.abs(z) >= EXTREME)
    begin, end = np.searchsorted(at, low), np.searchsorted(at, last, side="right")
    number = end - begin
    carried, way = np.zeros(len(first), dtype=bool), np.zeros(len(first))
    since = first.copy()
    for k in np.flatnonzero((number == 1) | (number == 2)):
        far, rows = z[at[begin[k] : end[k]]], z[low[k] : last[k] + 1]
        carried[k] = (far**2).sum() >= 0.5 * (rows**2).sum()
        way[k], since[k] = far.sum(), at[begin[k]]
    return [
        pl.Series("is_carried", carried),
        pl.Series("extreme_z", way),
        time.gather(since).alias("extreme_at"),
    ]


def _classes(events, min_shift_rows, sides):
    import polars as pl

    def fired(*names):
        bits = sum(1 << list(RULES).index(name) for name in names)
        return (pl.col("mask") & bits) != 0

    up = pl.col("sum_z") > 0
    both_ways = pl.col("sum_z").abs() < 0.5 * pl.col("sum_abs_z")
    far = fired(*(name for name in RULES if name not in SLOW))
    lasting = (pl.col("last") - pl.col("begun") + 1 >= min_shift_rows) | ~far
    slow = fired("level_shift", "drift")
    moved = slow & lasting
    rhythm, scatter = fired("seasonal_break"), fired("variance_shift")
    carried = pl.col("is_carried") & (rhythm | scatter) & (both_ways | (~far & ~slow))
    rhythm, scatter = rhythm & ~carried, scatter & ~carried
    rules = [
        (fired("drop_out") & (pl.col("n_gone") >= 0.5 * pl.col("n_far")), "DROP_OUT"),
        (fired("flat_run"), "FLAT_LINE"),
        (both_ways & rhythm, "SEASONAL_BREAK"),
        (both_ways & scatter, "VARIANCE_SHIFT"),
        (moved & pl.col("is_ramp"), "DRIFT"),
        (moved, "LEVEL_SHIFT"),
        (~far & ~slow & rhythm, "SEASONAL_BREAK"),
        (~far & ~slow & scatter, "VARIANCE_SHIFT"),
        (pl.when(carried).then(pl.col("extreme_z") > 0).otherwise(up), "SUDDEN_INCREASE"),
    ]
    name = pl.lit("SUDDEN_DECREASE")
    for condition, label in reversed(rules):
        name = pl.when(condition).then(pl.lit(label)).otherwise(name)
    side = pl.col("kpi").replace_strict(sides, return_dtype=pl.String)
    sudden = pl.col("class").is_in(["SUDDEN_INCREASE", "SUDDEN_DECREASE"])
    down_or_gone = (
        pl.when(sudden)
        .then(pl.col("class") == "SUDDEN_DECREASE")
        .otherwise(pl.col("class").is_in(["DROP_OUT"]) | ~up)
    )
    gradual = pl.col("class").is_in(["DRIFT", "LEVEL_SHIFT"])
    onset = pl.when(gradual).then("begun_at").when(sudden & carried).then("extreme_at")
    return (
        events.with_columns(name.alias("class"))
        .with_columns(
            direction=pl.when(down_or_gone).then(-1).otherwise(1).cast(pl.Int8),
            onset=onset.otherwise("start"),
            rules=pl.concat_str(
                [pl.when(fired(rule)).then(pl.lit(rule)) for rule in RULES],
                separator="+",
                ignore_nulls=True,
            ),
        )
        .with_columns(
            is_worse=pl.when(side == "high")
            .then(pl.col("direction") == 1)
            .when(side == "low")
            .then(pl.col("direction") == -1)
        )
    )


def long_events(native):
    """Events of the frame of :func:`detect`, as :func:`linewatch.kpi.events` gives them."""
    import polars as pl

    table = _verdicts(native)
    found = table.filter("is_anomaly")
    return (
        found.group_by("kpi", "cell", "event", maintain_order=True)
        .agg(
            start=pl.col("time").min(),
            end=pl.col("time").max(),
            n_anomalies=pl.len().cast(pl.Int64),
            excess=(pl.col("value") - pl.col("baseline")).sum(),
            **worst(),
        )
        .select("cell", "kpi", "event", "start", "end", "n_anomalies", *WORST, "excess")
    )


WORST = ["worst_time", "value", "baseline", "score", "direction", "rule"]


def worst():
    """What the worst of the anomalies of a group is, as columns of `WORST`."""
    import polars as pl

    at = pl.col("score").fill_null(-1.0).arg_max()
    names = ["time", *WORST[1:]]
    return {new: pl.col(name).get(at) for new, name in zip(WORST, names, strict=True)}


def long_rank(native):
    """Cells and KPIs of the frame of :func:`detect`, the worst first."""
    import polars as pl

    table = _verdicts(native)
    cells = table.group_by("cell", "kpi").agg(
        n_values=pl.len().cast(pl.Int64),
        n_missing=pl.col("value").null_count().cast(pl.Int64),
        n_scored=pl.col("score").count().cast(pl.Int64),
        n_anomalies=pl.col("is_anomaly").sum().cast(pl.Int64),
        n_events=pl.col("is_alarm").sum().cast(pl.Int64),
    )
    at_worst = table.filter("is_anomaly").group_by("cell", "kpi").agg(**worst())
    return cells.join(at_worst, on=["cell", "kpi"], how="left").sort(
        "score", "n_anomalies", "cell", "kpi", descending=[True, True, False, False],
        nulls_last=True,
    )  # fmt: skip


def _verdicts(native):
    import polars as pl

    table = to_polars(native)
    floats = ["value", "baseline", "scale", "score"]
    return table.with_columns(
        pl.col(*floats).cast(pl.Float64).fill_nan(None),
        pl.col("event", "direction").cast(pl.Float64).fill_nan(None).cast(pl.Int32),
        pl.col("is_anomaly", "is_alarm").cast(pl.Boolean),
    )


def is_detected(native):
    """Whether a frame is one that :func:`detect` returned."""
    return set(_long.LONG) | set(VERDICT) <= set(native.columns)
