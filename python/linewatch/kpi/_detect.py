"""Rules that say which values of a KPI are anomalies, and since when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from linewatch import _core, _edge
from linewatch._arguments import check_choice, whole_number
from linewatch._frames import eager
from linewatch._progress import bar
from linewatch.kpi import _baseline, _long
from linewatch.kpi._rules import RULES, chosen, polarities

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from typing import Literal

    from linewatch._typing import FrameT, Polarity, Progress, Rules


NAMES = list(RULES)
VERDICT = ["score", "direction", "rule", "rules", "is_anomaly", "is_alarm", "event"]


@dataclass
class Combination:
    """How rules make anomalies and anomalies make events, checked."""

    combine: object
    persistence: tuple
    min_duration: int
    merge_gap: int
    refractory: int

    def need(self, n_rules):
        """How many of so many rules must fire."""
        if self.combine in ("any", "all"):
            return 1 if self.combine == "any" else n_rules
        if self.combine > n_rules:
            raise ValueError(
                f"combine must be at most the number of rules ({n_rules}), got {self.combine}"
            )
        return self.combine


def combination(combine, persistence, min_duration, merge_gap, refractory):
    """The options of `detect` as a `Combination`."""
    if combine not in ("any", "all"):
        if isinstance(combine, str):
            raise ValueError(f'combine must be "any", "all" or a number of rules, got {combine!r}')
        combine = whole_number("combine", combine, 1)
    if not isinstance(persistence, tuple | list) or len(persistence) != 2:
        raise TypeError(f"persistence must be two whole numbers (k, n), got {persistence!r}")
    k, n = (whole_number("persistence", number, 1) for number in persistence)
    if not k <= n <= 64:
        raise ValueError(f"persistence must be (k, n) with 1 <= k <= n <= 64, got ({k}, {n})")
    min_duration = whole_number("min_duration", min_duration, 1)
    if min_duration >= 2**31:
        raise ValueError(f"min_duration must be below 2**31, got {min_duration}")
    return Combination(
        combine,
        (k, n),
        min_duration,
        _quiet("merge_gap", merge_gap),
        _quiet("refractory", refractory),
    )


def _quiet(name, span):
    """A span of time in nanoseconds; none is 0."""
    return 0 if span is None or span == 0 else _edge.span(span, name)


def detect(
    frame: FrameT,
    *,
    time: str | None = None,
    cell: str | None = None,
    kpis: Sequence[str] | None = None,
    rules: Rules | None = None,
    combine: Literal["any", "all"] | int = "any",
    polarity: Polarity | None = None,
    direction: Literal["worse", "both"] = "worse",
    persistence: tuple[int, int] = (1, 1),
    min_duration: int = 1,
    merge_gap: str | timedelta | None = "6h",
    refractory: str | timedelta | None = None,
    method: str = "hour of week",
    window: int | None = None,
    min_periods: int | None = None,
    statistic: Literal["mean", "median"] = "mean",
    include_current: bool = False,
    floor: float = 1.25,
    min_scale: float | Mapping[str, float] = 0.0,
    time_zone: str | None = None,
    n_jobs: int | None = None,
    progress: Progress = None,
) -> FrameT:
    """Anomalies of the KPIs of cells, by rules on the distance from a baseline.

    Parameters
    ----------
    frame : DataFrame (pandas, Polars, pyarrow)
        One row for a cell and a time, in any order, and a column for each KPI; or what
        :func:`baseline` returned, whose baselines are then used as they are.
    time, cell, kpis : optional
        As for :func:`baseline`.
    rules : list of str, or dict of str to dict, optional
        Which rules, with the parameters that differ from ``kpi.RULES``; ``kpi.DEFAULT_RULES`` when
        left out. See Notes.
    combine : {"any", "all"} or int, default="any"
        How many rules must fire at a row.
    polarity : dict of KPI to {"high", "low", "both"}, optional
        Which way a KPI is worse; by its name (:func:`polarity`) where it is not given.
    direction : {"worse", "both"}, default="worse"
        Whether the better direction counts, too: by default more drops are an anomaly and more
        traffic is not. Of a KPI with the polarity ``"both"`` both directions count anyway.
    persistence : (int, int), default=(1, 1)
        ``(k, n)``: at least k of the last n rows must fire, as in 6 of 12; n is at most 64.
    min_duration : int, default=1
        Rows in succession for which that must hold. Earlier rows are not marked in hindsight.
    merge_gap : str, timedelta or None, default="6h"
        An anomaly within this time of the one before it belongs to the same event.
    refractory : str, timedelta or None
        After an alarm there is no other for this time; anomalies belong to the event of the alarm.
    method, window, min_periods, statistic, include_current, floor, min_scale, time_zone
        The baseline; see :func:`baseline`.
    n_jobs : int, optional
        Threads; all cores by default.
    progress : bool or callable, optional
        True for a progress bar, or a function that is told how many rows were done.

    Returns
    -------
    DataFrame of the caller's kind, long: by KPI, cell and time
        The columns of :func:`baseline` and

        - ``score``: the level that decides, in units of a threshold: 1 or more where enough rules
          fire; null where too few rules have an answer,
        - ``direction``: 1 up, -1 down, 0 where the strongest rule has none,
        - ``rule``: name of the strongest rule, null where there is no anomaly,
        - ``rules``: which rules fire, bit i for the i-th name of ``kpi.RULES``,
        - ``is_anomaly``, ``is_alarm`` (the first anomaly of an event),
        - ``event``: number of the event within its cell and KPI, null where there is no anomaly.

    Raises
    ------
    ValueError, TypeError
        As for :func:`baseline`; if a rule, a parameter or an option is unknown or out of range.

    Notes
    -----
    Each rule has a level at a row, 1 or more where it fires. With z the distance from the baseline
    in scales, of which only the part in a worse direction counts:

    - ``z``: z / threshold; ``robust_z``: the same with median and median absolute deviation;
    - ``threshold``: on from `on`, off below `off`, of z or (``of="value"``) of the value; with `on`
      below `off` low values fire; both may be dicts of KPI to value;
    - ``new_extreme``: distance outside all values seen, in units of their range;
    - ``ewma_error``: error of the exponentially weighted mean in units of its usual size;
    - ``flat_run``: rows that repeat a value, in units of `min_length` or `factor` times the
      longest such run before;
    - ``drop_out``: rows in succession that are zero or missing while the baseline is more than
      `margin` scales above zero;
    - ``level_shift``: cumulative sum of z beyond k; ``drift``: the Page-Hinkley sum of z beyond
      its own mean;
    - ``variance_shift``: exponentially weighted standard deviation of z; ``seasonal_break``:
      correlation of values and baselines that is lost;
    - ``peers`` and ``isolation_forest`` (without a fitted `model`) look at all rows at once, so
      they are for tables, not for streams: z beyond the median z of the cells with a like
      profile at the same time, in units of their deviation, and the isolation forest on
      :func:`window_features`.

    ``score`` is the largest level (``combine="any"``), the smallest (``"all"``) or the
    combine-th largest. A missing value gives no level and changes no state, but for ``drop_out``.

    Examples
    --------
    Traffic of 20 at any hour stops on the last day.

    >>> import polars as pl
    >>> from datetime import datetime, timedelta
    >>> from linewatch import kpi
    >>> times = [datetime(2026, 1, 5) + timedelta(hours=i) for i in range(240)]
    >>> traffic = [20.0 + i % 2 for i in range(236)] + [0.0] * 4
    >>> frame = pl.DataFrame({"time": times, "traffic": traffic})
    >>> found = kpi.detect(frame, rules=["z", "drop_out"], method="rolling")
    >>> found.filter("is_alarm").select("time", "rule", "direction").row(0)
    (datetime.datetime(2026, 1, 14, 20, 0), 'z', -1)
    """
    asked = chosen(rules)
    check_choice("direction", direction, ("worse", "both"))
    how = combination(combine, persistence, min_duration, merge_gap, refractory)
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
    sides = polarities([name for name, *_ in parts], polarity)
    passes = 2 + ("robust_z" in asked)
    frames = []
    with bar(progress, passes * sum(len(cells) for _, cells, *_ in parts)) as told:
        for name, cells, center, scale in parts:
            value = cells.values(name)
            if center is None:
                center, scale = _baseline.compute(cells, value, name, options, told)
            elif told is not None:
                told(len(cells))
            side = sides[name] if direction == "worse" else "both"
            verdict = compute(cells, name, value, center, scale, asked, side, how, options, told)
            columns = {"value": value, "baseline": center, "scale": scale, **verdict}
            frames.append(cells.frame(name, columns))
    return cells.back(frames)


def distance(value, center, scale):
    """z of each row: 0 within rounding of the baseline, infinite off one without variation."""
    away = value - center
    with np.errstate(divide="ignore", invalid="ignore"):
        z = away / scale
    z[np.abs(away) <= 1e-9 * np.abs(center)] = 0.0
    z[np.isnan(scale)] = np.nan
    return z


def compute(cells, kpi, value, center, scale, asked, side, how, options, progress=None):
    """Columns of `VERDICT` for one KPI."""
    kernels, given, names = [], [], []
    for name, parameters in asked.items():
        rule = _kernel(name, parameters, given, cells, kpi, value, center, scale, options, progress)
        if rule is not None:
            kernels.append(rule)
            names.append(name)
    if not kernels:
        raise ValueError(f'no rule applies to "{kpi}"; name it in on and off of rule threshold')
    score, direction, rule, rules, is_anomaly, is_alarm, event = _core.kpi_detect(
        cells.instant_ns,
        value,
        center,
        scale,
        cells.starts,
        kernels,
        given,
        polarity=side,
        need=how.need(len(kernels)),
        persistence=how.persistence,
        min_duration=how.min_duration,
        merge_gap=how.merge_gap,
        refractory=how.refractory,
        n_jobs=options.n_jobs,
        progress=progress,
    )
    return {
        "score": score,
        "direction": _masked(direction, np.isnan(score)),
        "rule": _named(rule, is_anomaly, names),
        "rules": _bits(rules, names),
        "is_anomaly": is_anomaly,
        "is_alarm": is_alarm,
        "event": _masked(event, ~is_anomaly),
    }


def kernel(name, parameters, kpi):
    """A rule as the kernel takes it, one that needs nothing from elsewhere; None if it has nothing
    to say of this KPI."""
    if name == "threshold":
        of_value = parameters["of"] == "value"
        on, off = parameters["on"], parameters["off"]
        if isinstance(on, Mapping):
            if kpi not in on:
                return None
            on = on[kpi]
        if isinstance(off, Mapping):
            off = off.get(kpi, on)
        return name, {"on": float(on), "off": float(off), "of_value": float(of_value)}
    return name, {key: float(number) for key, number in parameters.items()}


def robust(options):
    """The baseline of ``robust_z``: medians over the same windows."""
    return _baseline.settings(
        options.method if options.method in _SEASONAL else "rolling",
        options.window,
        options.min_periods,
        "median",
        options.include_current,
        options.floor,
        options.min_scale,
        options.n_jobs,
    )


def _kernel(name, parameters, given, cells, kpi, value, center, scale, options, progress):
    """A rule as the kernel takes it; what it needs from elsewhere is added to `given`."""
    from linewatch.kpi import _batch

    if name in ("robust_z", "peers", "isolation_forest"):
        threshold, signed = parameters.get("threshold", 1.0), name != "isolation_forest"
        if name == "robust_z":
            b, s = _baseline.compute(cells, value, kpi, robust(options), progress)
            level = distance(value, b, s)
        else:
            z = distance(value, center, scale)
            rule = _batch.peers if name == "peers" else _batch.forest_levels
            level = rule(cells, value, z, parameters)
        given.append(np.ascontiguousarray(level))
        place = len(given) - 1
        return "given", {"place": place, "threshold": threshold, "signed": float(signed)}
    return kernel(name, parameters, kpi)


_SEASONAL = ("hour of week", "time of day", "rolling")


def _masked(values, missing):
    """Whole numbers with nulls."""
    import polars as pl

    out = pl.Series(values)
    if not missing.any():
        return out
    return pl.select(pl.when(pl.Series(~missing)).then(out)).to_series()


def _named(rule, is_anomaly, names):
    """Names of the rules at anomalies."""
    import polars as pl

    numbers = pl.Series(np.where(is_anomaly, rule, len(names)).astype(np.uint8))
    return pl.Series([*names, None], dtype=pl.String).gather(numbers)


def _bits(rules, names):
    """Masks of the rules asked for as masks of all rules."""
    places = [NAMES.index(name) for name in names]
    if places == list(range(len(places))):
        return rules
    masks = np.arange(1 << len(names), dtype=np.uint16)
    table = np.zeros_like(masks)
    for bit, place in enumerate(places):
        table |= ((masks >> bit) & 1) << place
    return table[rules]
