"""A baseline for each cell, a score for each value, events, ranking and evaluation."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from linewatch import _core, _tables, rolling
from linewatch._frames import eager, like, to_polars
from linewatch.kpi import _classify
from linewatch.kpi._baseline import MAD_TO_STD

if TYPE_CHECKING:
    from typing import Any, Literal

    from linewatch._typing import AnyFrame, FrameT, Progress


# The earlier values that make a baseline: same key, no older than the window, and a first one at
# least as old as the history.
BASELINES: dict[str, dict[str, Any]] = {
    "hour of week": {"window": "35d", "history": timedelta(weeks=3), "min_periods": 3},
    "time of day": {"window": "28d", "history": timedelta(days=3), "min_periods": 3},
    "rolling": {"window": 1000, "history": timedelta(0), "min_periods": 30},
}
OTHER_ROWS = "other rows at the time of day"
SCORED = ["baseline", "scale", "score", "is_anomaly", "is_alarm", "direction"]


def score(
    frame: FrameT,
    *,
    time: str | None = None,
    cell: str | None = None,
    value: str | None = None,
    baseline: Literal["auto", "hour of week", "time of day", "rolling"] = "auto",
    statistic: Literal["mean", "median"] = "mean",
    window: int | str | timedelta | None = None,
    threshold: float = 6.0,
    floor: float = 1.0,
    direction: Literal["both", "increase", "decrease"] = "both",
    refractory: str | timedelta = "6h",
    time_zone: str | None = None,
    n_jobs: int | None = None,
    progress: Progress = None,
) -> FrameT:
    """Distance of each value of a KPI from the baseline of its cell, in units of a scale.

    The baseline of a value is the mean of earlier values of its cell in the same hour of the
    week, the same hour of the day, or just before; the value itself is left out. The scale is
    their standard deviation, but no less than what is usual in the cell.

    Parameters
    ----------
    frame : DataFrame (pandas, Polars, pyarrow)
        One row for a cell and a time, in any order.
    time, cell, value : str, optional
        Columns; found by name and dtype when left out. Without a cell column the frame is one
        series. Null, NaN and infinite values are missing; rows without a cell are not scored.
    baseline : {"auto", "hour of week", "time of day", "rolling"}, default="auto"
        ``"auto"`` takes, for each cell, hour of week where it has four weeks or more, else time
        of day where it has four days or more, else rolling. Three weeks (three days) of
        history come before the first score.
    statistic : {"mean", "median"}, default="mean"
        ``"mean"`` with standard deviation, ``"median"`` with 1.4826 times the median absolute
        deviation.
    window : int, str or timedelta, optional
        How far back a baseline looks: a number of values with the same key, or a span such as
        ``"35d"``. By default 35 days (hour of week), 28 days (time of day) or 1000 values
        (rolling).
    threshold : float, default=6.0
        Scores from here on are anomalies.
    floor : float, default=1.0
        The scale is at least `floor` times the typical scale of the cell: the median of
        scale / \\|baseline\\| over 28 days, times \\|baseline\\|. A few weeks that happen to agree
        would otherwise make an alarm of every hair's breadth. At baseline 0 the median of the
        scale itself counts. 0 switches the floor off. It assumes noise in proportion to the
        baseline: with the same noise at every hour quiet hours alarm too often, and a floor of 2
        or 3, or `min_scale` of :func:`detect`, is better.
    direction : {"both", "increase", "decrease"}, default="both"
        Which anomalies count.
    refractory : str or timedelta, default="6h"
        An anomaly raises an alarm (starts an event) unless the cell had another one within this
        time before.
    time_zone : str, optional
        Where the cells are, such as ``"Africa/Casablanca"``: times with a zone are converted to
        it before the hour is read. Times without a zone are read as local.
    n_jobs : int, optional
        Threads; all cores by default.
    progress : optional
        Passed on to :mod:`linewatch.rolling`.

    Returns
    -------
    DataFrame of the caller's kind, rows in the caller's order
        The columns of `frame` and

        - ``baseline`` and ``scale``, in the unit of the value, null without enough history,
        - ``score``, dimensionless, higher = more anomalous; infinite where a value leaves a
          history without any variation,
        - ``is_anomaly`` (boolean), False where there is no score,
        - ``is_alarm`` (boolean), True at the first anomaly of an event,
        - ``direction``, ``"increase"`` or ``"decrease"``, null without a score.

    Raises
    ------
    ValueError
        If a column is missing or cannot be told from another, or an option is unknown.
    TypeError
        If times or values have another dtype.

    Notes
    -----
    If the times are times of day without a date, rows have no order: each is scored against
    the other rows of its cell at its time of day (leave one out), without windows, and
    ``is_alarm`` is null.

    The defaults were chosen on cells of :func:`linewatch.datasets.hourly_cells` and then measured
    on ten other sets of them (40 cells, 8 and 12 weeks, 40 degradations each):

    ======================  =========  ======  =====  ==========  ===========
    setting                 precision  recall  AUROC  found       real events
    ======================  =========  ======  =====  ==========  ===========
    default                 0.93       0.58    0.985  344 of 400  362 of 535
    ``threshold=5``         0.78       0.70    0.985  374 of 400  385 of 1022
    ``floor=0``             0.32       0.64    0.969  384 of 400  411 of 5322
    ``statistic="median"``  0.48       0.68    0.976  379 of 400  397 of 2377
    ======================  =========  ======  =====  ==========  ===========

    Precision, recall and AUROC go by rows. Weak losses (half the traffic) are what is missed. On
    30 series of the Numenta benchmark, whose windows are wide and whose series are no cells, the
    mean AUROC of a series is 0.56: 37 of 56 windows hold an anomaly, 56 of 306 events are in one.

    An anomaly stays in the history and widens the band at its hour in the weeks after it.

    Examples
    --------
    >>> from linewatch import datasets, kpi
    >>> cells = datasets.hourly_cells(n_cells=4, n_weeks=6, n_degradations=3, seed=5)
    >>> scored = kpi.score(cells, value="traffic_mbit_per_s")
    >>> scored.columns[-6:]
    ['baseline', 'scale', 'score', 'is_anomaly', 'is_alarm', 'direction']
    """
    native = eager(frame)
    for name in SCORED:
        if name in native.columns:
            raise ValueError(f'the frame already has a column "{name}"; drop or rename it first')
    table = to_polars(native)
    columns = _tables.detect(table, time=time, cell=cell, values=[value] if value else None)
    scored = score_table(
        _tables.times(table[columns.time], time_zone),
        table[columns.cell] if columns.cell else None,
        _tables.numbers(table[columns.values[0]]),
        baseline=baseline,
        statistic=statistic,
        window=window,
        threshold=threshold,
        floor=floor,
        direction=direction,
        refractory=refractory,
        n_jobs=n_jobs,
        progress=progress,
    )
    return _with_columns(native, scored.select(SCORED))


def events(
    scored: FrameT, *, time: str | None = None, cell: str | None = None, value: str | None = None
) -> FrameT:
    """Runs of anomalies in the frame that :func:`score` gives, one row for an event.

    Parameters
    ----------
    scored : DataFrame
        As :func:`score` or :func:`detect` returns it.
    time, cell, value : str, optional
        As for :func:`score`; not needed for the frame of :func:`detect`.

    Returns
    -------
    DataFrame of the caller's kind, by cell and start
        ``cell``, ``start`` and ``end`` (times of the first and last anomaly), ``n_anomalies``,
        ``worst_time``, ``value``, ``baseline``, ``score`` and ``direction`` at the worst, and
        ``excess``, the sum of value - baseline over the anomalies. From :func:`detect` also
        ``kpi``, ``event`` and ``rule``, by KPI first.

    Raises
    ------
    ValueError
        If `scored` lacks the columns of :func:`score`, or has times of day without dates.

    Examples
    --------
    >>> from linewatch import datasets, kpi
    >>> cells = datasets.hourly_cells(n_cells=3, seed=0)
    >>> found = kpi.events(kpi.score(cells, value="traffic_mbit_per_s"))
    >>> found.columns[:4], (found["start"] <= found["end"]).all()
    (['cell', 'start', 'end', 'n_anomalies'], True)
    """
    native = eager(scored)
    if _classify.is_detected(native):
        return like(native, _classify.long_events(native))
    return like(native, events_table(scored_table(native, time, cell, value)))


def rank(
    scored: FrameT, *, time: str | None = None, cell: str | None = None, value: str | None = None
) -> FrameT:
    """Cells by their worst anomaly, the worst first, one row for each cell.

    Parameters
    ----------
    scored : DataFrame
        As :func:`score` or :func:`detect` returns it; then one row for each cell and KPI.
    time, cell, value : str, optional
        As for :func:`score`; not needed for the frame of :func:`detect`.

    Returns
    -------
    DataFrame of the caller's kind
        ``cell``, ``n_values``, ``n_missing``, ``n_scored``, ``n_anomalies``, ``n_events``, and
        ``worst_time``, ``value``, ``baseline``, ``score`` and ``direction`` of the highest
        anomaly, null in a cell without any. From :func:`score`, an infinite score (out of a history
        without any variation) is the worst of a cell only if no finite one is an anomaly, and such
        cells come behind the others, the farthest from its baseline first.

    Raises
    ------
    ValueError
        If `scored` lacks the columns of :func:`score`.

    Examples
    --------
    >>> from linewatch import datasets, kpi
    >>> cells = datasets.hourly_cells(n_cells=3, seed=0)
    >>> ranked = kpi.rank(kpi.score(cells, value="traffic_mbit_per_s"))
    >>> ranked.height, ranked["cell"].n_unique()
    (3, 3)
    """
    native = eager(scored)
    if _classify.is_detected(native):
        return like(native, _classify.long_rank(native))
    return like(native, rank_table(scored_table(native, time, cell, value)))


def evaluate(
    scored: AnyFrame,
    label: str,
    *,
    time: str | None = None,
    cell: str | None = None,
    value: str | None = None,
) -> dict[str, Any]:
    """How the anomalies of :func:`score` agree with a label.

    Parameters
    ----------
    scored : DataFrame
        As :func:`score` returns it.
    label : str
        A column of 0 and 1, or of booleans.
    time, cell, value : str, optional
        As for :func:`score`.

    Returns
    -------
    dict
        ``rows``, ``labelled`` and ``scored`` (counts), ``precision`` and ``recall`` of
        ``is_anomaly`` by rows, ``auroc`` of the score over all scored rows and ``auroc_cells``,
        its mean over the ``n_cells_auroc`` cells that have both classes, ``events``,
        ``events_labelled`` (those that meet a labelled row), ``stretches`` (runs of labelled
        rows) and ``stretches_found``. NaN or None where there is nothing to count.

    Examples
    --------
    >>> from linewatch import datasets, kpi
    >>> cells = datasets.hourly_cells(n_cells=3, seed=0)
    >>> found = kpi.evaluate(kpi.score(cells, value="traffic_mbit_per_s"), "is_degraded")
    >>> found["stretches_found"], found["stretches"]
    (1, 1)
    """
    native = eager(scored)
    table = scored_table(native, time, cell, value, label)
    return evaluate_table(table)


# The same on Polars frames with fixed column names, as the command line and the results folder
# have them: time, cell, value, label, and those of SCORED.


def score_table(
    time,
    cell,
    value,
    *,
    baseline="auto",
    statistic="mean",
    window=None,
    threshold=6.0,
    floor=1.0,
    direction="both",
    refractory="6h",
    n_jobs=None,
    progress=None,
):
    """Polars frame of time, cell, value, those of SCORED and ``baseline_kind``; rows as given."""
    import polars as pl

    if baseline != "auto" and baseline not in BASELINES:
        raise ValueError(f"baseline must be auto, {', '.join(BASELINES)}, got {baseline!r}")
    if statistic not in ("mean", "median"):
        raise ValueError(f"statistic must be mean or median, got {statistic!r}")
    if direction not in ("both", "increase", "decrease"):
        raise ValueError(f"direction must be both, increase or decrease, got {direction!r}")
    for name, number in (("threshold", threshold), ("floor", floor)):
        if isinstance(number, bool) or not isinstance(number, int | float | np.number):
            raise TypeError(f"{name} must be a number, got {number!r}")
    if not threshold > 0:
        raise ValueError(f"threshold must be above 0, got {threshold}")
    if not floor >= 0:
        raise ValueError(f"floor must be at least 0, got {floor}")
    if not len(time):
        raise ValueError("the frame has no rows")
    if span(refractory) < timedelta(0):
        raise ValueError(f"refractory must not be negative, got {refractory!r}")
    if time.null_count():
        missing = _tables.counted(time.null_count(), "missing time")
        raise ValueError(f'column "{time.name}" has {missing}')
    names = cell.cast(pl.String) if cell is not None else pl.repeat("", len(time), eager=True)
    table = pl.DataFrame(
        {"time": time, "cell": names.fill_null(""), "value": value, "known": names.is_not_null()}
    ).with_row_index("row")
    # Rows of no cell share a code of their own; they get no baseline.
    code = pl.when("known").then(pl.col("cell").rank("dense").cast(pl.Int64) - 1).otherwise(-1)
    table = table.with_columns(code=code, value=pl.when(pl.col("value").is_finite()).then("value"))
    options = {"n_jobs": n_jobs, "progress": progress}
    dated = time.dtype != pl.Time
    if dated:
        table = table.sort("code", "time", maintain_order=True)
        table = _dated(table, baseline, statistic, window, floor, options)
    else:
        if baseline != "auto" or window is not None:
            raise ValueError("baseline and window need dates; these times are times of day only")
        table = _undated(table, statistic, floor, options)
    away = pl.col("value") - pl.col("baseline")
    table = table.with_columns(
        # A mean of equal values may be off by its last digit, where the scale is 0.
        score=pl.when(away.abs() <= 1e-9 * pl.col("baseline").abs())
        .then(0.0)
        .otherwise(away.abs() / pl.col("scale")),
        direction=pl.when(away >= 0)
        .then(pl.lit("increase"))
        .when(away < 0)
        .then(pl.lit("decrease")),
    )
    counts = pl.col("score").fill_null(0.0) >= threshold
    if direction != "both":
        counts &= pl.col("direction") == direction
    table = table.with_columns(is_anomaly=counts.fill_null(False))
    if dated:
        table = table.with_columns(is_alarm=_alarms(table, span(refractory)))
    else:
        table = table.with_columns(is_alarm=pl.lit(None, dtype=pl.Boolean))
    return table.sort("row").select("time", "cell", "value", *SCORED, "baseline_kind")


def _dated(table, baseline, statistic, window, floor, options):
    """Baseline and scale of rows sorted by cell and time."""
    import polars as pl

    if baseline == "auto":
        days = (pl.col("time").max() - pl.col("time").min()).over("code")
        kind = (
            pl.when(days >= timedelta(weeks=4) - timedelta(hours=1))
            .then(pl.lit("hour of week"))
            .when(days >= timedelta(days=4) - timedelta(hours=1))
            .then(pl.lit("time of day"))
            .otherwise(pl.lit("rolling"))
        )
    else:
        kind = pl.lit(baseline)
    hour = pl.col("time").dt.hour().cast(pl.Int64)
    week = (pl.col("time").dt.weekday().cast(pl.Int64) - 1) * 24 + hour
    table = table.with_columns(baseline_kind=kind).with_columns(
        within=pl.when(pl.col("baseline_kind") == "hour of week")
        .then(week)
        .when(pl.col("baseline_kind") == "time of day")
        .then(hour)
        .otherwise(0)
    )
    table = table.with_columns(key=pl.col("code") * 168 + pl.col("within"))
    parts = []
    for name, rule in BASELINES.items():
        part = table.filter(pl.col("baseline_kind") == name)
        if part.height:
            parts.append(_part(part, rule, statistic, window, floor, options))
    return pl.concat(parts).sort("code", "time", "row")


def _part(part, rule, statistic, window, floor, options):
    """Baseline and scale of the rows that share a kind of baseline."""
    import polars as pl

    value = part["value"].to_numpy()
    time = part["time"].to_numpy()
    wide = window if window is not None else rule["window"]
    if isinstance(wide, int):
        before = {"include_current": False, "min_periods": min(rule["min_periods"], wide)}
    else:  # from `wide` ago, that very time included, up to but without now
        before = {"closed": "left", "times": time, "min_periods": rule["min_periods"]}
    keys = part["key"].to_numpy()
    center, scale = _center_and_scale(value, wide, statistic, groups=keys, **before, **options)
    if floor > 0:
        codes = part["code"].to_numpy()
        scale = _floored(center, scale, floor, "28d", times=time, groups=codes)
    first = part.select(old=pl.col("time") - pl.col("time").min().over("key"))["old"]
    unfit = (first < rule["history"]).to_numpy() | ~part["known"].to_numpy()
    center[unfit] = scale[unfit] = np.nan
    return part.with_columns(baseline=center, scale=scale).with_columns(
        pl.col("baseline", "scale").fill_nan(None)
    )


def _undated(table, statistic, floor, options):
    """Baseline and scale from the other rows of the cell at the same time of day.

    Each group is written twice, so that the rows just before the second copy of a row are all
    the others of its group: leaving one out becomes a window.
    """
    import polars as pl

    table = table.with_columns(
        baseline_kind=pl.lit(OTHER_ROWS),
        key=pl.struct("code", "time").rank("dense").cast(pl.Int64),
    ).sort("key", "row")
    row = np.arange(table.height)
    table = table.with_columns(place=row)
    place = table.select(first=pl.col("place").min().over("key"), n=pl.len().over("key"))
    first, n = (place[name].to_numpy().astype(np.int64) for name in ("first", "n"))
    # Row i of a group that begins at `first` stands at first + i and again n places on.
    copies = 2 * first + (row - first)
    twice = np.empty(2 * table.height)
    twice[copies] = twice[copies + n] = table["value"].to_numpy()
    start, end = np.zeros((2, twice.size), dtype=np.int64)
    start[copies + n] = copies + 1
    end[copies + n] = copies + n
    names = ["mean", "std"] if statistic == "mean" else ["median", "mad"]
    answers = _core.rolling(
        twice, [(name, {}) for name in names], ("bounds", start, end), min_periods=3, **options
    )
    center, scale = (answer[copies + n] for answer in answers)
    scale = np.abs(scale)
    if statistic == "median":
        scale = MAD_TO_STD * scale
    if floor > 0:
        codes = table["code"].to_numpy()
        whole = 2 * table.height + 1  # centred and wide enough for all rows of the cell
        scale = _floored(center, scale, floor, whole, center=True, groups=codes)
    center[~table["known"].to_numpy()] = np.nan
    return table.with_columns(baseline=center, scale=scale).with_columns(
        pl.col("baseline", "scale").fill_nan(None)
    )


def _center_and_scale(value, window, statistic, **options):
    names = ["mean", "std"] if statistic == "mean" else ["median", "mad"]
    answers = rolling.stats(value, window, names, **options)
    center, scale = (np.array(answers[name], dtype=np.float64) for name in names)
    scale = np.abs(scale)  # -0.0 would turn the sign of a score around
    return center, scale if statistic == "mean" else MAD_TO_STD * scale


def _floored(level, scale, floor, window, **options):
    """The scale, but no less than `floor` times what is typical of the cell at this level.

    NaN until there are five scales to tell what is typical.
    """
    options |= {"min_periods": 5}
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = rolling.median(scale / np.abs(level), window, **options) * np.abs(level)
    # At level 0 the relative scale says nothing: take the absolute one.
    absolute = rolling.median(scale, window, **options)
    typical = np.where((level == 0) | np.isnan(relative), absolute, relative)
    return np.maximum(scale, floor * typical)


def _alarms(table, quiet):
    """True at an anomaly that has no other in its cell within `quiet` before it."""
    import polars as pl

    found = table.select("row", "code", "time", "is_anomaly").filter("is_anomaly")
    since = pl.col("time") - pl.col("time").shift(1).over("code")
    starts = found.filter((since > quiet).fill_null(True))["row"]
    return table["row"].is_in(starts.implode())


def events_table(scored):
    """Events of a Polars frame of :func:`score_table`."""
    import polars as pl

    if scored["time"].dtype == pl.Time:
        raise ValueError("events need dates; these times are times of day only")
    found = scored.filter("is_anomaly").sort("cell", "time", maintain_order=True)
    found = found.with_columns(event=pl.col("is_alarm").cum_sum())
    return (
        found.group_by("event", maintain_order=True)
        .agg(
            pl.col("cell").first(),
            start=pl.col("time").min(),
            end=pl.col("time").max(),
            n_anomalies=pl.len().cast(pl.Int64),
            excess=(pl.col("value") - pl.col("baseline")).sum(),
            **_worst(),
        )
        .select("cell", "start", "end", "n_anomalies", *WORST, "excess")
    )


WORST = ["worst_time", "value", "baseline", "score", "direction"]


def _worst():
    """The row with the highest finite score, else that of the infinite ones farthest away."""
    import polars as pl

    finite = pl.when(pl.col("score").is_finite()).then("score")
    farthest = (pl.col("value") - pl.col("baseline")).abs().arg_max()
    at = pl.when(finite.count() > 0).then(finite.arg_max()).otherwise(farthest)
    names = ["time", "value", "baseline", "score", "direction"]
    return {new: pl.col(name).get(at) for new, name in zip(WORST, names, strict=True)}


def rank_table(scored):
    """Cells of a Polars frame of :func:`score_table`, the worst first."""
    import polars as pl

    cells = scored.group_by("cell").agg(
        n_values=pl.len().cast(pl.Int64),
        n_missing=pl.col("value").null_count().cast(pl.Int64),
        n_scored=pl.col("score").count().cast(pl.Int64),
        n_anomalies=pl.col("is_anomaly").sum().cast(pl.Int64),
        n_events=pl.col("is_alarm").sum().cast(pl.Int64),
    )
    if scored["is_alarm"].null_count() == scored.height:
        cells = cells.with_columns(n_events=pl.lit(None, dtype=pl.Int64))
    worst = scored.filter("is_anomaly").group_by("cell").agg(**_worst())
    cells = cells.join(worst, on="cell", how="left")
    # A value that leaves a history without any variation has no distance in scales: those come
    # behind what has one, the farthest from its baseline first.
    measured = pl.when(pl.col("score").is_finite()).then("score")
    away = pl.when(pl.col("score").is_infinite()).then((pl.col("value") - pl.col("baseline")).abs())
    return cells.sort(
        measured, away, "n_anomalies", "cell", descending=[True, True, True, False],
        nulls_last=True,
    )  # fmt: skip


def evaluate_table(scored):
    """The dict of :func:`evaluate` for a Polars frame with a Boolean ``label``."""
    import polars as pl

    anomaly, label = scored["is_anomaly"], scored["label"].fill_null(False)
    hits = int((anomaly & label).sum())
    known = scored.with_columns(label=label).drop_nulls("score")
    cells = [
        _auroc(part["label"], part["score"])
        for part in known.partition_by("cell")
        if part["label"].n_unique() == 2
    ]
    result = {
        "rows": scored.height,
        "labelled": int(label.sum()),
        "scored": known.height,
        "precision": hits / anomaly.sum() if anomaly.any() else np.nan,
        "recall": hits / label.sum() if label.any() else np.nan,
        "auroc": _auroc(known["label"], known["score"]),
        "auroc_cells": float(np.mean(cells)) if cells else np.nan,
        "n_cells_auroc": len(cells),
    }
    names = ["events", "events_labelled", "stretches", "stretches_found"]
    if scored["time"].dtype == pl.Time:
        return result | dict.fromkeys(names)
    ordered = scored.with_columns(label=label).sort("cell", "time", maintain_order=True)
    event = ordered.filter("is_anomaly").with_columns(event=pl.col("is_alarm").cum_sum())
    event = event.group_by("event").agg(pl.col("label").any())
    run = pl.struct("cell", "label").rle_id()
    stretch = ordered.with_columns(run=run).filter("label").group_by("run")
    found = stretch.agg(pl.col("is_anomaly").any())["is_anomaly"]
    counts = [event.height, int(event["label"].sum()), len(found), int(found.sum())]
    return result | dict(zip(names, counts, strict=True))


def _auroc(label, score):
    from sklearn.metrics import roc_auc_score

    if label.n_unique() < 2:
        return np.nan
    # Ranks, as an infinite score is a rank like any other.
    return float(roc_auc_score(label.to_numpy(), score.rank().to_numpy()))


def span(text):
    """A timedelta from ``"6h"``, ``"30min"``, ``"1d"``; a timedelta stays one."""
    if isinstance(text, timedelta):
        return text
    units = {"s": "seconds", "min": "minutes", "m": "minutes", "h": "hours", "d": "days"}
    number = str(text).rstrip("smindh")
    unit = str(text)[len(number) :] or "h"
    try:
        return timedelta(**{units[unit]: float(number)})
    except (KeyError, ValueError, OverflowError):
        raise ValueError(
            f'refractory must be a time such as "6h" or "30min", got {text!r}'
        ) from None


def scored_table(native, time, cell, value, label=None):
    """What :func:`score_table` gives, from the frame that :func:`score` gives."""
    import polars as pl

    for name in SCORED:
        if name not in native.columns:
            raise ValueError(f'column "{name}" is missing; use the frame that kpi.score returns')
    table = to_polars(native)
    columns = _tables.detect(
        table.drop(SCORED), time=time, cell=cell, values=[value] if value else None, label=label
    )
    parts = {
        "time": _tables.times(table[columns.time]),
        "cell": table[columns.cell].cast(pl.String).fill_null("") if columns.cell else "",
        "value": _tables.numbers(table[columns.values[0]]).fill_nan(None),
    }
    if label is not None:
        parts["label"] = _tables.labels(table[label])
    scores = table.select(SCORED).with_columns(pl.col("baseline", "scale", "score").fill_nan(None))
    return scores.with_columns(**{name: pl.lit(part) for name, part in parts.items()})


def _with_columns(native, table):
    """`native` with the columns of a Polars table, row by row, whatever its index."""
    import narwhals.stable.v2 as nw

    added = like(native, table)
    if native.implementation.is_pandas_like():
        frame = native.to_native().copy(deep=False)
        for name in added.columns:
            frame[name] = added[name].array
        return frame
    return native.with_columns(nw.from_native(added)[name] for name in table.columns).to_native()
