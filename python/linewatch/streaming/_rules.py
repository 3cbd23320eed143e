"""What can be known of a stream: rules, as the kernels take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from linewatch import _edge
from linewatch._arguments import check_choice, check_flag, check_number, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linewatch._typing import RuleSpec, Span, Window


_ROLLING = ("count", "sum", "mean", "var", "std", "zscore", "min", "max")
_EWM = ("mean", "var", "std", "error", "zscore")


@dataclass(frozen=True)
class Rule:
    """A rule: `spec` gives its name in the kernels, their parameters and what it tells."""

    def __post_init__(self) -> None:
        self.spec(1e-9)

    @property
    def needs_times(self) -> bool:
        """Whether the rule measures time, so that whole numbers as times are refused."""
        return False


@dataclass(frozen=True)
class Rolling(Rule):
    """Statistics of the last rows of a key, or of the rows of the last stretch of time.

    Parameters
    ----------
    window : int or span of time
        A number of rows, or a span such as ``"5s"``: rows in ``(time - window, time]``.
    statistics : str or list of str, default=("mean", "std", "zscore")
        Of count, sum, mean, var, std, zscore, min and max.
    min_periods : int, optional
        Values an answer needs: all rows of a window of rows, one in a span of time.
    ddof : int, default=1
        The divisor of the variance is the number of values minus `ddof`.
    include_current : bool, default=True
        False compares a row with the window before it: the rows before, or those in
        ``[time - window, time]`` that came before the row.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what is said here; the message names it.

    Notes
    -----
    A row costs the same whatever the window. A state takes up to 48 bytes for each row of the
    window, 8 more where it is a span of time, and 24 for minimum and maximum.

    Equal to `linewatch.rolling` bit for bit for counts and extremes, to 1e-12 otherwise: both join
    the same values, but not in the same order.

    Examples
    --------
    >>> from linewatch import streaming
    >>> stream = streaming.Stream(streaming.Rolling(3, ["mean", "max"], min_periods=1))
    >>> stream.update("cell 7", [0, 1, 2, 3], [10.0, 12, 11, 50])["mean"].round(2)
    array([10.  , 11.  , 11.  , 24.33])
    """

    window: Window
    statistics: str | Sequence[str] = ("mean", "std", "zscore")
    min_periods: int | None = None
    ddof: int = 1
    include_current: bool = True

    def spec(self, unit_s: float) -> RuleSpec:
        statistics = _statistics(self.statistics, _ROLLING)
        return "rolling", _window(self, statistics), statistics

    @property
    def needs_times(self) -> bool:
        return not _is_rows(self.window)


@dataclass(frozen=True)
class Count(Rule):
    """How many events a key had in the last stretch of time, the current one included.

    Parameters
    ----------
    window : span of time
        Such as ``"5s"``: events in ``(time - window, time]`` whose value is not missing.

    Raises
    ------
    TypeError, ValueError
        If `window` is no span of time.

    Notes
    -----
    A state takes 16 bytes for each distinct time in the window.

    Examples
    --------
    >>> import numpy as np
    >>> from linewatch import streaming
    >>> stream = streaming.Stream({"packets_5s": streaming.Count("5s")}, duplicates="keep")
    >>> time = np.datetime64("2026-01-01") + np.array([0, 1, 4, 6, 12]) * np.timedelta64(1, "s")
    >>> stream.update("10.0.0.1", time)["packets_5s"]
    array([1., 2., 3., 2., 1.])
    """

    window: Window

    def spec(self, unit_s: float) -> RuleSpec:
        return "count", {"span": _edge.span(self.window, rows=False)}, ["count"]

    @property
    def needs_times(self) -> bool:
        return True


@dataclass(frozen=True)
class Ewm(Rule):
    """Exponentially weighted mean and variance, and the distance from those before.

    Parameters
    ----------
    alpha : float, optional
        Weight of the newest value, above 0 and at most 1. Give `alpha`, `span` or `halflife`.
    span : float, optional
        ``alpha = 2 / (span + 1)``; at least 1.
    halflife : span of time, optional
        Time in which a weight halves, such as ``"10min"``.
    statistics : str or list of str, default=("mean", "error", "zscore")
        Of mean, var, std (all with the current row), error (the value less the mean before it) and
        zscore (the error in standard deviations before it).
    min_periods : int, default=1
        Values an answer needs.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what is said here; the message names it.

    Notes
    -----
    Equal bit for bit to `linewatch.rolling.ewm_mean` and `ewm_var`. A state takes 112 bytes.

    Examples
    --------
    >>> from linewatch import streaming
    >>> stream = streaming.Stream(streaming.Ewm(alpha=0.5, statistics=["mean", "error"]))
    >>> stream.update("cell 7", [0, 1, 2], [1.0, 4, 7])["mean"].round(3)
    array([1.   , 3.   , 5.286])
    """

    alpha: float | None = None
    span: float | None = None
    halflife: Span | None = None
    statistics: str | Sequence[str] = ("mean", "error", "zscore")
    min_periods: int = 1

    def spec(self, unit_s: float) -> RuleSpec:
        given = [k for k in ("alpha", "span", "halflife") if getattr(self, k) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"give exactly one of alpha, span and halflife, got {found}")
        alpha, halflife_s = 0.5, None
        if self.alpha is not None:
            expected = "a number above 0 and at most 1"
            check_number("alpha", self.alpha, expected, lambda v: 0 < v <= 1)
            alpha = float(self.alpha)
        elif self.span is not None:
            check_number("span", self.span, "a number of at least 1", lambda v: 1 <= v < np.inf)
            alpha = 2.0 / (self.span + 1.0)
        else:
            halflife_s = _edge.span(self.halflife, "halflife") / 1e9
        statistics = _statistics(self.statistics, _EWM)
        parameters = {
            "alpha": alpha,
            "halflife_s": halflife_s,
            "unit_s": unit_s,
            "statistics": statistics,
            "min_periods": whole_number("min_periods", self.min_periods, 1),
        }
        return "ewm", parameters, statistics

    @property
    def needs_times(self) -> bool:
        return self.halflife is not None


@dataclass(frozen=True)
class Extremes(Rule):
    """How far a value lies outside everything seen before it.

    Tells ``min`` and ``max`` of the values before the current one, and ``novelty``: the distance
    outside them in units of the range between them, 0 inside, infinite outside a range of no width.

    Parameters
    ----------
    min_periods : int, default=30
        Values that must have been seen.

    Raises
    ------
    TypeError, ValueError
        If `min_periods` is no whole number of at least 1.

    Notes
    -----
    A state takes 24 bytes.

    Examples
    --------
    >>> from linewatch import streaming
    >>> stream = streaming.Stream(streaming.Extremes(min_periods=2))
    >>> stream.update("cell 7", range(5), [10.0, 12, 11, 15, 9])["novelty"]
    array([nan, nan, 0. , 1.5, 0.2])
    """

    min_periods: int = 30

    def spec(self, unit_s: float) -> RuleSpec:
        parameters = {"min_periods": whole_number("min_periods", self.min_periods, 1)}
        return "extremes", parameters, ["min", "max", "novelty"]


@dataclass(frozen=True)
class FlatRun(Rule):
    """How long a series has not moved: a counter that stands still, a stuck sensor.

    Tells ``rows`` and ``seconds`` (in the unit of whole numbers, where those are the times) of the
    run that a row belongs to, from the first row of the run.

    Parameters
    ----------
    tolerance : float, default=0.0
        How far a value may be from the first of its run.

    Raises
    ------
    TypeError, ValueError
        If `tolerance` is negative or no number.

    Notes
    -----
    A missing value has no answer and does not end a run. A state takes 24 bytes.

    Examples
    --------
    >>> from linewatch import streaming
    >>> stream = streaming.Stream(streaming.FlatRun())
    >>> stream.update("cell 7", [0, 15, 30, 45], [4.0, 7, 7, 7])["rows"]
    array([1., 1., 2., 3.])
    """

    tolerance: float = 0.0

    def spec(self, unit_s: float) -> RuleSpec:
        check_number(
            "tolerance", self.tolerance, "finite and not negative", lambda v: 0 <= v < np.inf
        )
        parameters = {"tolerance": float(self.tolerance), "unit_s": unit_s}
        return "flat_run", parameters, ["rows", "seconds"]


@dataclass(frozen=True)
class Hysteresis(Rule):
    """An alarm that goes on at one threshold and off at another: 1 while it is on, else 0.

    Parameters
    ----------
    on : float
        The alarm goes on at a value that reaches it.
    off : float
        It goes off at a value back beyond it. Below `on` high values are alarms, above it low ones.

    Raises
    ------
    TypeError, ValueError
        If a threshold is no finite number.

    Examples
    --------
    >>> from linewatch import streaming
    >>> stream = streaming.Stream({"alarm": streaming.Hysteresis(on=6, off=3)})
    >>> stream.update("cell 7", range(5), [1.0, 7, 4, 2, 5])["alarm"]
    array([0., 1., 1., 0., 0.])
    """

    on: float
    off: float

    def spec(self, unit_s: float) -> RuleSpec:
        for name, value in (("on", self.on), ("off", self.off)):
            check_number(name, value, "a finite number", np.isfinite)
        return "hysteresis", {"on": float(self.on), "off": float(self.off)}, ["state"]


@dataclass(frozen=True)
class Novelty(Rule):
    """How far a series is outside everything it has shown, in four views of it.

    The views are the ``value``, its ``change`` (distance from an exponentially weighted mean of
    the values before), the ``level`` (mean of the last values) and the ``spread`` (logarithm of
    their standard deviation: high where they scatter, low where they stand still). Each tells its
    distance outside the range it has covered before, in units of that range; 0 inside. ``score``
    is the largest of them. A series that jumps is used to jumps, so one threshold suits all.

    Parameters
    ----------
    span : int, default=24
        Values in level and spread, and the span of the weighted mean.
    warm_up : int, default=168
        Values that a view must have shown before it counts.
    floor : float, default=0.001
        The least standard deviation, in units of the range of the values: below it a series
        stands still.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what is said here; the message names it.

    Notes
    -----
    A missing value has no answers and changes nothing. A state takes up to 48 bytes for each
    value of the span, and 200.

    Examples
    --------
    >>> from linewatch import streaming
    >>> stream = streaming.Stream(streaming.Novelty(span=2, warm_up=4))
    >>> values = [10.0, 12, 11, 10, 12, 11, 14]
    >>> stream.update("cell 7", range(7), values)["value"]
    array([nan, nan, nan, nan,  0.,  0.,  1.])
    """

    span: int = 24
    warm_up: int = 168
    floor: float = 0.001

    def spec(self, unit_s: float) -> RuleSpec:
        check_number("floor", self.floor, "a number above 0 and below 1", lambda v: 0 < v < 1)
        parameters = {
            "span": whole_number("span", self.span, 2),
            "warm_up": whole_number("warm_up", self.warm_up, 2),
            "floor": float(self.floor),
        }
        return "novelty", parameters, ["score", "value", "change", "level", "spread"]


@dataclass(frozen=True)
class Seasonal(Rule):
    """Statistics of the last rows in the same season, by default the same hour of the week.

    Parameters
    ----------
    window : int, default=4
        How many rows of the same season count.
    statistics, min_periods, ddof
        As for `Rolling`.
    include_current : bool, default=False
        Whether the current row is part of its window.
    period, season : span of time, default="7d" and "1h"
        Seasons repeat after a period, which is a whole number of them. They begin with 1970-01-01
        00:00 UTC, or of the local time where times have no zone.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what is said here; the message names it.

    Notes
    -----
    Equal to `linewatch.rolling.seasonal` as `Rolling` is to the other statistics. A state takes 8
    bytes for each row of each season, 5.4 kB for four weeks of hours, and 4 kB to find them.

    Examples
    --------
    >>> import numpy as np
    >>> from linewatch import streaming
    >>> stream = streaming.Stream(streaming.Seasonal(2, "mean"))
    >>> monday = np.datetime64("2026-01-05T08:00") + np.arange(4) * np.timedelta64(7, "D")
    >>> stream.update("cell 7", monday, [10.0, 12, 14, 5])["mean"]
    array([nan, nan, 11., 13.])
    """

    window: int = 4
    statistics: str | Sequence[str] = ("mean", "std", "zscore")
    min_periods: int | None = None
    ddof: int = 1
    include_current: bool = False
    period: Span = "7d"
    season: Span = "1h"

    def spec(self, unit_s: float) -> RuleSpec:
        whole_number("window", self.window, 1)
        statistics = _statistics(self.statistics, _ROLLING)
        period, season = _edge.span(self.period, "period"), _edge.span(self.season, "season")
        if period % season or period // season > 1_000_000:
            raise ValueError(
                f"period must be a whole number of seasons, at most a million, got {self.period!r} "
                f"in seasons of {self.season!r}"
            )
        parameters = {"resolution": season, "seasons": period // season}
        return "seasonal", _window(self, statistics) | parameters, statistics

    @property
    def needs_times(self) -> bool:
        return True


@dataclass(frozen=True)
class Cusum(Rule):
    """Cumulative sums of deviations from a baseline, as `linewatch.rolling.cusum` has them.

    Tells ``upper`` and ``lower`` in standard deviations, and ``alarm``: 1, -1 or 0.

    Parameters
    ----------
    k : float, default=0.5
        Allowance: deviations up to this many standard deviations count for nothing.
    h : float, default=5.0
        Threshold in standard deviations.
    window : int or span of time, optional
        The baseline is the rows before the current one, as for `Rolling`.
    mean, std : float, optional
        A fixed baseline instead.
    min_periods : int, optional
        Values that a baseline of rows needs.
    reset : bool, default=True
        Whether an alarm sets its sum back to 0, after the row that shows it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what is said here; the message names it.

    References
    ----------
    .. [1] Page, E. S. (1954). Continuous inspection schemes. Biometrika 41(1/2), 100-115.

    Examples
    --------
    >>> from linewatch import streaming
    >>> stream = streaming.Stream(streaming.Cusum(mean=0.0, std=1.0))
    >>> stream.update("cell 7", range(6), [0.0, 0, 2, 2, 2, 2])["upper"]
    array([0. , 0. , 1.5, 3. , 4.5, 6. ])
    """

    k: float = 0.5
    h: float = 5.0
    window: Window | None = None
    mean: float | None = None
    std: float | None = None
    min_periods: int | None = None
    reset: bool = True

    def spec(self, unit_s: float) -> RuleSpec:
        for name, value in (("k", self.k), ("h", self.h)):
            check_number(name, value, "finite and not negative", lambda v: 0 <= v < np.inf)
        fixed = self.mean is not None and self.std is not None
        if fixed == (self.window is not None) or (self.mean is None) != (self.std is None):
            raise ValueError("give either window, or mean and std, as the baseline of cusum")
        parameters = {
            "k": float(self.k),
            "h": float(self.h),
            "reset": check_flag("reset", self.reset),
        }
        if fixed:
            check_number("mean", self.mean, "a finite number", np.isfinite)
            check_number("std", self.std, "finite and above 0", lambda v: 0 < v < np.inf)
            parameters |= {"mean": float(self.mean), "std": float(self.std)}
        else:
            before = Rolling(self.window, ["zscore"], self.min_periods, include_current=False)
            parameters |= {"mean": None} | before.spec(unit_s)[1]
        return "cusum", parameters, ["upper", "lower", "alarm"]

    @property
    def needs_times(self) -> bool:
        return self.window is not None and not _is_rows(self.window)


@dataclass(frozen=True)
class PageHinkley(Rule):
    """Sums of what is above, or below, the mean of all values so far: a level that drifts away.

    ``upper = max(0, upper + x - mean - delta)`` and ``lower = max(0, lower + mean - x - delta)``,
    where `mean` is that of the values since the last alarm, the current one included. Tells
    ``upper``, ``lower`` and ``alarm``: 1 or -1 where a sum passes the threshold, which begins anew
    (sums and mean), else 0.

    Parameters
    ----------
    delta : float
        Allowance, in the unit of the values.
    threshold : float
        In the unit of the values.
    min_periods : int, default=30
        Values the mean needs before the sums begin.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what is said here; the message names it.

    References
    ----------
    .. [1] Hinkley, D. V. (1971). Inference about the change-point from cumulative sum tests.
       Biometrika 58(3), 509-523.

    Examples
    --------
    >>> from linewatch import streaming
    >>> stream = streaming.Stream(streaming.PageHinkley(0.5, 3.0, min_periods=1))
    >>> stream.update("cell 7", range(5), [0.0, 0, 0, 4, 4])["upper"]
    array([0. , 0. , 0. , 2.5, 4.4])
    """

    delta: float
    threshold: float
    min_periods: int = 30

    def spec(self, unit_s: float) -> RuleSpec:
        for name, value in (("delta", self.delta), ("threshold", self.threshold)):
            check_number(name, value, "finite and not negative", lambda v: 0 <= v < np.inf)
        parameters = {
            "delta": float(self.delta),
            "threshold": float(self.threshold),
            "min_periods": whole_number("min_periods", self.min_periods, 1),
        }
        return "page_hinkley", parameters, ["upper", "lower", "alarm"]


@dataclass(frozen=True)
class Value(Rule):
    """The value itself; NaN if it is missing or infinite. Without a state.

    Examples
    --------
    >>> import numpy as np
    >>> from linewatch import streaming
    >>> stream = streaming.Stream({"traffic": streaming.Value()})
    >>> stream.update("cell 7", [0, 1], [10.0, np.inf])["traffic"]
    array([10., nan])
    """

    def spec(self, unit_s: float) -> RuleSpec:
        return "value", {}, ["value"]


def _statistics(statistics, known):
    names = [statistics] if isinstance(statistics, str) else list(statistics)
    if not names:
        raise ValueError(f"statistics must name at least one of {', '.join(known)}, got none")
    for name in names:
        check_choice("statistics", name, known)
    return names


def _is_rows(window):
    is_whole = isinstance(window, int | np.integer)
    return is_whole and not isinstance(window, bool | np.timedelta64)


def _window(rule, statistics):
    """Parameters of a window of rows or of time."""
    rows = span = None
    if _is_rows(rule.window):
        rows = whole_number("window", rule.window, 2 if "zscore" in statistics else 1)
    else:
        span = _edge.span(rule.window)
    least = rows if rows is not None else 1
    if rule.min_periods is not None:
        least = whole_number("min_periods", rule.min_periods, 0)
        if rows is not None and least > rows:
            raise ValueError(f"min_periods must be at most the window of {rows} rows, got {least}")
    ddof = whole_number("ddof", rule.ddof, 0)
    if ddof >= 2**31:
        raise ValueError(f"ddof must be below 2**31, got {ddof}")
    return {
        "rows": rows,
        "span": span,
        "statistics": statistics,
        "min_periods": least,
        "ddof": ddof,
        "include_current": check_flag("include_current", rule.include_current),
    }
