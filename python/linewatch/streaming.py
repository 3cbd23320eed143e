"""Statistics of streams: a small state for each key, one event or one batch of events at a time.

A `Stream` holds rules, and for every key (a cell, a link, an address) the states of these rules. An
update takes events and gives the answers of the rules after each of them: those of
`linewatch.rolling` over all events of the key so far. `Stream.snapshot` keeps the states as bytes,
`Stream.restore` goes on from there.

Which events count is decided by key and time, with a clock for each key:

- The watermark of a key is the newest time it has shown, less `lateness`. An event before it is
  *late*: it does not count and has no answers.
- With a `lateness`, an event waits until the watermark of its key reaches it, and leaves in order
  of time. Without, nothing waits.
- An event whose key and time have been taken, or wait, is a *duplicate* and does not count, unless
  ``duplicates="keep"``.
- A clock that runs backwards makes its events late until it is where it was. With
  ``restart_after=n`` the `n`-th late event in a row of a key is believed: what waited leaves, the
  states of the key start afresh, and the event is *restarted*.

Missing and infinite values take their place among the rows but not in the statistics, as in
`linewatch.rolling`.
"""

import datetime
import json
from dataclasses import dataclass

import numpy as np

from linewatch import _core, _edge
from linewatch._libraries import is_arrow, is_pandas_column, polars
from linewatch.rolling import _flag, _name, _number, _whole

__all__ = [
    "STATUS",
    "Count",
    "Cusum",
    "Ewm",
    "Extremes",
    "FlatRun",
    "Hysteresis",
    "PageHinkley",
    "Rolling",
    "Seasonal",
    "Stream",
]

STATUS = ("taken", "late", "duplicate", "restarted")
"""What became of an event, by the number in the column ``status``."""

_ROLLING = ("count", "sum", "mean", "var", "std", "zscore", "min", "max")
_EWM = ("mean", "var", "std", "error", "zscore")


@dataclass(frozen=True)
class _Rule:
    """A rule: `spec` gives its name in the kernels, their parameters and what it tells."""

    def __post_init__(self):
        self.spec(1e-9)

    @property
    def needs_times(self):
        """Whether the rule measures time, so that whole numbers as times are refused."""
        return False


@dataclass(frozen=True)
class Rolling(_Rule):
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
    A row costs the same whatever the window. A state takes 40 bytes for each row of the window
    (8 more if times are needed), and 24 more for minimum and maximum.

    Equal to `linewatch.rolling` bit for bit for counts and extremes, to 1e-12 otherwise: both join
    the same values, but not in the same order.

    Examples
    --------
    >>> from linewatch import streaming
    >>> stream = streaming.Stream(streaming.Rolling(3, ["mean", "max"], min_periods=1))
    >>> stream.update("cell 7", [0, 1, 2, 3], [10.0, 12, 11, 50])["mean"].round(2)
    array([10.  , 11.  , 11.  , 24.33])
    """

    window: object
    statistics: object = ("mean", "std", "zscore")
    min_periods: object = None
    ddof: int = 1
    include_current: bool = True

    def spec(self, unit_s):
        statistics = _statistics(self.statistics, _ROLLING)
        return "rolling", _window(self, statistics), statistics

    @property
    def needs_times(self):
        return not _is_rows(self.window)


@dataclass(frozen=True)
class Count(_Rule):
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

    window: object

    def spec(self, unit_s):
        return "count", {"span": _edge.span(self.window)}, ["count"]

    @property
    def needs_times(self):
        return True


@dataclass(frozen=True)
class Ewm(_Rule):
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
    Equal bit for bit to `linewatch.rolling.ewm_mean` and `ewm_var`. A state takes 88 bytes.

    Examples
    --------
    >>> from linewatch import streaming
    >>> stream = streaming.Stream(streaming.Ewm(alpha=0.5, statistics=["mean", "error"]))
    >>> stream.update("cell 7", [0, 1, 2], [1.0, 4, 7])["mean"].round(3)
    array([1.   , 3.   , 5.286])
    """

    alpha: object = None
    span: object = None
    halflife: object = None
    statistics: object = ("mean", "error", "zscore")
    min_periods: int = 1

    def spec(self, unit_s):
        given = [k for k in ("alpha", "span", "halflife") if getattr(self, k) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"give exactly one of alpha, span and halflife, got {found}")
        alpha, halflife_s = 0.5, None
        if self.alpha is not None:
            expected = "a number above 0 and at most 1"
            _number("alpha", self.alpha, expected, lambda v: 0 < v <= 1)
            alpha = float(self.alpha)
        elif self.span is not None:
            _number("span", self.span, "a number of at least 1", lambda v: 1 <= v < np.inf)
            alpha = 2.0 / (self.span + 1.0)
        else:
            halflife_s = _edge.span(self.halflife, "halflife") / 1e9
        statistics = _statistics(self.statistics, _EWM)
        parameters = {
            "alpha": alpha,
            "halflife_s": halflife_s,
            "unit_s": unit_s,
            "statistics": statistics,
            "min_periods": _whole("min_periods", self.min_periods, 1),
        }
        return "ewm", parameters, statistics

    @property
    def needs_times(self):
        return self.halflife is not None


@dataclass(frozen=True)
class Extremes(_Rule):
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

    def spec(self, unit_s):
        parameters = {"min_periods": _whole("min_periods", self.min_periods, 1)}
        return "extremes", parameters, ["min", "max", "novelty"]


@dataclass(frozen=True)
class FlatRun(_Rule):
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

    def spec(self, unit_s):
        _number("tolerance", self.tolerance, "finite and not negative", lambda v: 0 <= v < np.inf)
        parameters = {"tolerance": float(self.tolerance), "unit_s": unit_s}
        return "flat_run", parameters, ["rows", "seconds"]


@dataclass(frozen=True)
class Hysteresis(_Rule):
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

    def spec(self, unit_s):
        for name, value in (("on", self.on), ("off", self.off)):
            _number(name, value, "a finite number", np.isfinite)
        return "hysteresis", {"on": float(self.on), "off": float(self.off)}, ["state"]


@dataclass(frozen=True)
class Seasonal(_Rule):
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
    statistics: object = ("mean", "std", "zscore")
    min_periods: object = None
    ddof: int = 1
    include_current: bool = False
    period: object = "7d"
    season: object = "1h"

    def spec(self, unit_s):
        _whole("window", self.window, 1)
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
    def needs_times(self):
        return True


@dataclass(frozen=True)
class Cusum(_Rule):
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
    window: object = None
    mean: object = None
    std: object = None
    min_periods: object = None
    reset: bool = True

    def spec(self, unit_s):
        for name, value in (("k", self.k), ("h", self.h)):
            _number(name, value, "finite and not negative", lambda v: 0 <= v < np.inf)
        fixed = self.mean is not None and self.std is not None
        if fixed == (self.window is not None) or (self.mean is None) != (self.std is None):
            raise ValueError("give either window, or mean and std, as the baseline of cusum")
        parameters = {"k": float(self.k), "h": float(self.h), "reset": _flag("reset", self.reset)}
        if fixed:
            _number("mean", self.mean, "a finite number", np.isfinite)
            _number("std", self.std, "finite and above 0", lambda v: 0 < v < np.inf)
            parameters |= {"mean": float(self.mean), "std": float(self.std)}
        else:
            before = Rolling(self.window, ["zscore"], self.min_periods, include_current=False)
            parameters |= {"mean": None} | before.spec(unit_s)[1]
        return "cusum", parameters, ["upper", "lower", "alarm"]

    @property
    def needs_times(self):
        return self.window is not None and not _is_rows(self.window)


@dataclass(frozen=True)
class PageHinkley(_Rule):
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

    def spec(self, unit_s):
        for name, value in (("delta", self.delta), ("threshold", self.threshold)):
            _number(name, value, "finite and not negative", lambda v: 0 <= v < np.inf)
        parameters = {
            "delta": float(self.delta),
            "threshold": float(self.threshold),
            "min_periods": _whole("min_periods", self.min_periods, 1),
        }
        return "page_hinkley", parameters, ["upper", "lower", "alarm"]


class Stream:
    """Rules, and their states for every key.

    Parameters
    ----------
    rules : rule or dict of str to rule
        `Rolling`, `Count`, `Ewm`, `Extremes`, `FlatRun`, `Hysteresis`, `Seasonal`, `Cusum` or
        `PageHinkley`. A rule alone names its answers itself (``"mean"``); in a dict they are
        ``"name_mean"``, or ``"name"`` where the rule tells one thing only.
    lateness : span of time or int, optional
        How far an event may be behind the newest of its key; a whole number where times are. See
        the module for what follows.
    duplicates : {"drop", "keep"}, default="drop"
        Whether an event of a key and time that have been taken counts.
    restart_after : int, optional
        Late events of a key in a row after which its clock is believed and it starts afresh.

    Attributes
    ----------
    columns : list of str
        The names of the answers.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what is said here; the message names it.

    Notes
    -----
    Any thread may feed a stream; updates wait for each other, with the interpreter lock released.
    Ctrl-C stops a long update between two chunks of events: those counted by ``counts["rows"]`` have
    been taken. A stream can be pickled.

    Examples
    --------
    >>> from linewatch import streaming
    >>> stream = streaming.Stream(
    ...     {
    ...         "z": streaming.Rolling(3, "zscore", include_current=False),
    ...         "new": streaming.Extremes(min_periods=3),
    ...     }
    ... )
    >>> stream.columns
    ['z', 'new_min', 'new_max', 'new_novelty']
    >>> for time, mbit_per_s in enumerate([100.0, 102, 98]):
    ...     answers = stream.update("link 1", time, mbit_per_s)
    >>> again = streaming.Stream.restore(stream.snapshot())
    >>> again.update("link 1", 3, 180.0)["z"], again.update("link 1", 2, 99.0)["status"]
    (40.0, 'late')
    """

    def __init__(self, rules, *, lateness=None, duplicates="drop", restart_after=None):
        named = {"": rules} if isinstance(rules, _Rule) else rules
        if not isinstance(named, dict) or not named:
            raise TypeError(f"rules must be a rule or a dict of names and rules, got {rules!r}")
        for name, rule in named.items():
            if not isinstance(name, str) or not isinstance(rule, _Rule):
                raise TypeError(
                    f"rules must be a rule or a dict of names and rules, got {name!r}: {rule!r}"
                )
        _name("duplicates", duplicates, ("drop", "keep"))
        self._times = None  # whether times are times; None before the first of them
        if any(rule.needs_times for rule in named.values()):
            self._times = True
        number = isinstance(lateness, int | np.integer) and not isinstance(lateness, bool)
        if lateness is None:
            wait = 0
        elif number:
            wait = _whole("lateness", lateness, 0)
            if wait and self._times:
                raise TypeError(f'lateness must be a span of time such as "10min", got {lateness}')
            self._times = False if wait else self._times
        else:
            wait, self._times = _edge.span(lateness, "lateness"), True
        columns, specs = [], {}
        for unit_s in (1e-9, 1.0):
            specs[unit_s] = [rule.spec(unit_s) for rule in named.values()]
        for name, (_, _, outputs) in zip(named, specs[1.0], strict=True):
            short = [name] if len(outputs) == 1 else [f"{name}_{output}" for output in outputs]
            columns += short if name else outputs
        twice = [name for name in columns if columns.count(name) > 1]
        if twice:
            raise ValueError(f"two answers would be called {twice[0]!r}; choose other names")
        self._set(
            {
                "columns": columns,
                "rules": [spec[:2] for spec in specs[1e-9]],
                "whole": [spec[:2] for spec in specs[1.0]],
                "lateness": wait,
                "keep_duplicates": duplicates == "keep",
                "restart_after": 0
                if restart_after is None
                else min(_whole("restart_after", restart_after, 1), 2**32 - 1),
                "times": self._times,
            }
        )

    def _set(self, plan):
        self._plan = plan
        self._times = plan["times"]
        self.columns = list(plan["columns"])
        self._state = _core.StreamState(
            [tuple(rule) for rule in plan["rules" if self._times is not False else "whole"]],
            lateness=plan["lateness"],
            keep_duplicates=plan["keep_duplicates"],
            restart_after=plan["restart_after"],
        )
        if self._state.width != len(self.columns):
            raise ValueError("columns do not fit the rules")

    def __repr__(self):
        counts = self.counts
        return f"<Stream of {counts['keys']} keys, {counts['rows']} events: {self.columns}>"

    def __reduce__(self):
        return Stream.restore, (self.snapshot(),)

    def update(self, key, time, value=None):
        """Take events, and tell of those that leave.

        Parameters
        ----------
        key : str, int, or array-like of them, shape (n,)
            Text or whole numbers, one of them throughout a stream. One key may stand for all rows.
        time : time, whole number, or array-like of them, shape (n,)
            Times of one kind throughout a stream: as for `linewatch.rolling` (UTC where they have a
            zone), or whole numbers.
        value : float or array-like of float, shape (n,), optional
            NaN and null are missing. 1 if not given.

        Returns
        -------
        dict
            For one event a number for each of `columns` and ``status``, the name of what became of
            it. For several an array for each of `columns` (NaN for events that do not count),
            ``row`` (the number of the event among all of the stream) and ``status`` (a number, see
            `STATUS`); they are in the order of the events. With a `lateness` the arrays are of the
            events that leave, with their ``key``, ``time`` and ``value``; late and doubled ones leave
            at once.

        Raises
        ------
        TypeError, ValueError
            If keys are mixed, times are missing or of another kind than before, or lengths differ.
            Nothing is taken then.
        """
        one = not _is_column(time)
        times = self._read_times([time] if one else time)
        n = len(times)
        keys = _keys(key, n)
        if value is None:
            values = np.ones(n)
        elif one and not _is_column(value):
            values = _values([value], n)
        else:
            values = _values(value, n)
        answers = self._state.update(keys, times, values)
        if one and not self._plan["lateness"]:
            _, _, _, _, status, outputs = answers
            told = dict(zip(self.columns, outputs.tolist(), strict=True))
            return told | {"status": STATUS[status[0]]}
        return self._told(answers)

    def flush(self):
        """Let all events leave that wait, by key, and tell of them as `update` does.

        Events of their times are late or duplicates from then on.
        """
        return self._told(self._state.flush())

    def _told(self, answers):
        rows, slots, times, values, status, outputs = answers
        table = outputs.reshape(len(rows), len(self.columns))
        told = {name: table[:, i] for i, name in enumerate(self.columns)}
        told |= {"row": rows, "status": status}
        if self._plan["lateness"]:
            if self._times:
                times = times.view("datetime64[ns]")
            told |= {"key": self._state.keys_of(slots), "time": times, "value": values}
        return told

    def _read_times(self, time):
        plain = isinstance(time, np.ndarray) and time.ndim == 1 and time.dtype == np.int64
        if plain:
            times, is_time = time, False
        else:
            n = len(time) if hasattr(time, "__len__") else np.size(time)
            times, unit = _edge.times(time, n, "time")
            is_time = unit is not None
        if self._times is None:
            self._set(self._plan | {"times": is_time})
        elif len(times) and self._times != is_time:
            kinds = ("whole numbers", "times")
            raise TypeError(f"time must hold {kinds[self._times]}, got {kinds[is_time]}")
        return np.ascontiguousarray(times)

    @property
    def counts(self):
        """Events so far (``rows``), what became of them (`STATUS`), ``waiting`` and ``keys``."""
        rows, status, waiting = self._state.counts()
        counts = {"rows": rows} | dict(zip(STATUS, status, strict=True))
        return counts | {"waiting": waiting, "keys": len(self._state.keys())}

    @property
    def newest(self):
        """The newest time of each key, as a dict."""
        keys = self._state.keys()
        kind = (lambda t: np.datetime64(t, "ns")) if self._times else int
        return {key: None if time is None else kind(time) for key, time in keys}

    def forget(self, key):
        """Forget a key: its states, its clock and what waits. False if it is not known."""
        return self._state.forget(key)

    def forget_before(self, time):
        """Forget the keys that have shown no time from `time` on, and tell how many they were."""
        return self._state.forget_before(int(self._read_times([time])[0]))

    def snapshot(self):
        """The stream as bytes: rules, keys and states, with a version and a checksum.

        Returns
        -------
        bytes
            What `restore` takes. They hold numbers and text only; reading them executes nothing.
        """
        return self._state.snapshot(json.dumps(self._plan))

    @classmethod
    def restore(cls, snapshot):
        """A stream that goes on where `snapshot` was taken.

        Parameters
        ----------
        snapshot : bytes
            From `Stream.snapshot`.

        Returns
        -------
        Stream

        Raises
        ------
        TypeError
            If `snapshot` is not bytes.
        ValueError
            If it is no snapshot of a stream, damaged, cut short or of another version.
        """
        if not isinstance(snapshot, bytes | bytearray | memoryview):
            raise TypeError(f"snapshot must be bytes, got {type(snapshot).__name__}")
        snapshot = bytes(snapshot)
        metadata = _core.snapshot_metadata(snapshot)
        stream = cls.__new__(cls)
        try:
            stream._set(json.loads(metadata))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"the snapshot is not sound: {error}") from None
        stream._state.restore(snapshot)
        return stream


def _statistics(statistics, known):
    names = [statistics] if isinstance(statistics, str) else list(statistics)
    if not names:
        raise ValueError(f"statistics must name at least one of {', '.join(known)}, got none")
    for name in names:
        _name("statistics", name, known)
    return names


def _is_rows(window):
    is_whole = isinstance(window, int | np.integer)
    return is_whole and not isinstance(window, bool | np.timedelta64)


def _window(rule, statistics):
    """Parameters of a window of rows or of time."""
    rows = span = None
    if _is_rows(rule.window):
        rows = _whole("window", rule.window, 2 if "zscore" in statistics else 1)
    else:
        span = _edge.span(rule.window)
    least = rows if rows is not None else 1
    if rule.min_periods is not None:
        least = _whole("min_periods", rule.min_periods, 0)
        if rows is not None and least > rows:
            raise ValueError(f"min_periods must be at most the window of {rows} rows, got {least}")
    ddof = _whole("ddof", rule.ddof, 0)
    if ddof >= 2**31:
        raise ValueError(f"ddof must be below 2**31, got {ddof}")
    return {
        "rows": rows,
        "span": span,
        "statistics": statistics,
        "min_periods": least,
        "ddof": ddof,
        "include_current": _flag("include_current", rule.include_current),
    }


def _is_column(x):
    """Whether it is several values rather than one."""
    if isinstance(x, str | bytes | datetime.date | np.generic | int | float | None):
        return False
    return hasattr(x, "__len__") or is_arrow(x) or np.ndim(x) > 0


def _values(value, n):
    plain = isinstance(value, np.ndarray) and value.dtype == np.float64 and value.ndim == 1
    values = value if plain else _edge.series(value, "value").values
    if values.ndim != 1:
        raise ValueError(f"value must have 1 dimension, got {values.ndim}")
    if len(values) != n:
        raise ValueError(f"value has {len(values)} values, expected {n}")
    return np.ascontiguousarray(values, np.float64)


def _keys(key, n):
    """A key, an int64 array of keys or a list of them."""
    if isinstance(key, str):
        return key
    if isinstance(key, int | np.integer) and not isinstance(key, bool):
        return int(_whole_keys(np.asarray([key]))[0])
    if not _is_column(key):
        raise TypeError(f"key must be text or a whole number, got {key!r}")
    pl = polars()
    if is_pandas_column(key) or (pl is not None and isinstance(key, pl.Series)):
        numbers = key.to_numpy() if str(key.dtype).lower().startswith(("int", "uint")) else None
        key = numbers if numbers is not None else key.to_list()
    elif is_arrow(key) and hasattr(key, "to_pylist"):
        key = key.to_pylist()
    if isinstance(key, np.ndarray):
        if key.ndim != 1:
            raise ValueError(f"key must have 1 dimension, got {key.ndim}")
        if key.dtype.kind not in "iu":
            key = key.tolist()
    elif not isinstance(key, list):
        key = list(key)
    if len(key) != n:
        raise ValueError(f"key has {len(key)} values, expected {n}")
    if isinstance(key, list):
        if not key:
            return np.empty(0, np.int64)
        first = key[0]
        if not isinstance(first, int | np.integer) or isinstance(first, bool):
            return key
        array = np.asarray(key)
        if array.dtype.kind not in "iu" or any(isinstance(k, bool) for k in key):
            wrong = next(i for i, k in enumerate(key) if type(k) is not type(first))
            raise TypeError(
                f"key[{wrong}] is of type {type(key[wrong]).__name__}; expected text or whole "
                "numbers, one of them throughout"
            )
        key = array
    return _whole_keys(key)


def _whole_keys(key):
    if key.dtype == np.uint64 and key.size and key.max() > np.iinfo(np.int64).max:
        raise ValueError(f"key holds {key.max()}, which is beyond int64")
    return np.ascontiguousarray(key, np.int64)
