"""One call of a rolling or exponentially weighted statistic, from its arguments to its answer.

`linewatch.rolling` says what the statistics are; here their options are checked and turned into
what the kernels take, and answers into the kind of data that came in.
"""

import re
from typing import NamedTuple

import numpy as np

from linewatch import _core, _edge
from linewatch._arguments import check_choice, check_flag, check_number, whole_number
from linewatch._progress import bar

METHODS = ("average", "min", "max")


class Options(NamedTuple):
    """The options that all rolling statistics share."""

    min_periods: object = None
    center: bool = False
    closed: object = None
    step: object = None
    times: object = None
    groups: object = None
    include_current: bool = True
    axis: int = 0
    infinity: str = "missing"
    n_jobs: object = None
    progress: object = None


class Call:
    """One call: its arguments checked and in the form the kernels take."""

    def __init__(self, x, window, options, y=None, at_least=1):
        unknown = [name for name in options if name not in Options._fields]
        if unknown:
            expected = ", ".join(Options._fields)
            raise TypeError(f"there is no option {unknown[0]!r}; the options are {expected}")
        o = Options(**options)
        self.series = x if isinstance(x, _edge.Numbers) else _edge.series(x)
        self.axis = axis_of(o.axis, self.series.values.ndim)
        self.values = self.turn(self.series.values)
        self.y = None
        if y is not None:
            second = _edge.series(y, "y").values
            self.y = second.T if second.ndim == 2 and self.axis == 1 else second
            if self.y.dtype != self.values.dtype:
                self.values, self.y = self.values.astype(np.float64), self.y.astype(np.float64)
        n = len(self.values)
        self.step = 1 if o.step is None else whole_number("step", o.step, 1)
        self.n_jobs = o.n_jobs if o.n_jobs is None else whole_number("n_jobs", o.n_jobs)
        self.progress = o.progress
        self.groups = None if o.groups is None else _edge.codes(o.groups, n)
        times = o.times
        self.window, is_span = window_of(window, at_least)
        if is_span and times is None:
            times = self.series.times
            if times is None:
                raise ValueError(
                    f"window is a span of time ({window!r}), which needs times: one for each row"
                )
        unit = "ns"
        if times is not None:
            times, unit = _edge.times(times, n)
            if is_span and unit is None:
                raise TypeError(
                    "times must be times when window is a span of time, got whole numbers "
                    '(try numpy.asarray(times, dtype="datetime64[s]"))'
                )
        check_choice("infinity", o.infinity, ("missing", "ieee"))
        if o.closed is not None:
            check_choice("closed", o.closed, ("right", "left", "both", "neither"))
        self.keywords = {
            "times": times,
            "time_unit": 1.0 if unit is None else 1e-9,
            "groups": self.groups,
            "center": check_flag("center", o.center),
            "closed": o.closed,
            "step": self.step,
            "min_periods": None
            if o.min_periods is None
            else whole_number("min_periods", o.min_periods, 0),
            "include_current": check_flag("include_current", o.include_current),
            "ieee": o.infinity == "ieee",
            "n_jobs": self.n_jobs,
        }

    def turn(self, array):
        """Time down the rows, whatever the axis."""
        return array.T if self.axis == 1 else array

    def run(self, named):
        with bar(self.progress, self.values.size) as progress:
            answers = _core.rolling(
                self.values, named, self.window, y=self.y, progress=progress, **self.keywords
            )
        return [self.turn(answer) for answer in answers]

    @property
    def rows(self):
        return None if self.step == 1 else slice(None, None, self.step)

    def wrap(self, answer):
        return self.series.wrap(answer, rows=self._index_rows())

    def wrap_many(self, answers):
        return self.series.wrap_many(answers, rows=self._index_rows())

    def _index_rows(self):
        if self.axis == 1 and self.step > 1 and type(self.series) is not _edge.Numbers:
            raise ValueError("step must be 1 for a table with axis=1")
        return self.rows


def answer(name, x, window, options, *, y=None, at_least=1, **parameters):
    """A single statistic."""
    if name in ("cov", "corr") and y is None:
        raise TypeError("y must be a second series, got None")
    call = Call(x, window, options, y, at_least)
    if "ddof" in parameters:
        parameters["ddof"] = whole_number("ddof", parameters["ddof"], 0)
        if parameters["ddof"] >= 2**31:
            raise ValueError(f"ddof must be below 2**31, got {parameters['ddof']}")
    if "threshold" in parameters:
        threshold = parameters["threshold"]
        check_number("threshold", threshold, "a number that is not negative", lambda t: t >= 0)
    for flag in ("compensated", "ascending", "pct"):
        if flag in parameters:
            check_flag(flag, parameters[flag])
    check_choice("method", parameters.get("method", "average"), METHODS)
    return call.wrap(call.run([(name, parameters)])[0])


def named_statistic(statistic):
    """Name, kernel and parameters of an entry of `stats`."""
    name, parameters = statistic, {}
    if isinstance(statistic, tuple) and len(statistic) == 2:
        name, parameters = statistic
    if not isinstance(name, str) or not isinstance(parameters, dict):
        raise TypeError(
            f"statistics must hold names or pairs (name, parameters), got {statistic!r}"
        )
    percent = re.fullmatch(r"q(\d+(?:\.\d+)?)", name)
    if percent:
        q = float(percent[1]) / 100
        if q > 1:
            raise ValueError(f"statistics has {name!r}; quantiles go from q0 to q100")
        return name, "quantile", {"q": q, **parameters}
    if name not in _core.STATISTICS:
        known = ", ".join(_core.STATISTICS)
        raise ValueError(f"there is no statistic {name!r}; there are q0 to q100, {known}")
    return name, name, parameters


def length_of(series, options):
    return series.values.shape[axis_of(options.get("axis", 0), series.values.ndim)]


def axis_of(axis, ndim):
    if isinstance(axis, bool) or not isinstance(axis, int | np.integer):
        raise TypeError(f"axis must be 0 or 1, got {axis!r}")
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis must be 0{' or 1' if ndim == 2 else ' for one series'}, got {axis}")
    return int(axis) % ndim


def window_of(window, at_least):
    """The window as the kernels take it, and whether it is a span of time."""
    if isinstance(window, str) and window == "expanding":
        return window, False
    if isinstance(window, int | np.integer) and not isinstance(window, bool | np.timedelta64):
        return whole_number("window", window, at_least), False
    return ("span", _edge.span(window)), True


def ewm_answer(name, x, options, *, y=None, bias=False):
    known = {
        "com", "span", "halflife", "alpha", "adjust", "ignore_na", "min_periods", "times",
        "groups", "axis", "infinity", "n_jobs", "progress",
    }  # fmt: skip
    unknown = [option for option in options if option not in known]
    if unknown:
        raise TypeError(
            f"there is no option {unknown[0]!r}; the options are {', '.join(sorted(known))}"
        )
    if name in ("cov", "corr") and y is None:
        raise TypeError("y must be a second series, got None")
    adjust = check_flag("adjust", options.get("adjust", True))
    if name == "sum" and not adjust:
        raise ValueError(
            "adjust must be True for ewm_sum, whose weights are not divided by anything"
        )
    shared = ("times", "groups", "axis", "infinity", "n_jobs", "progress")
    call = Call(x, "expanding", {k: v for k, v in options.items() if k in shared}, y)
    alpha, halflife_s = alpha_of(options, call.keywords["times"] is not None)
    keywords = {k: call.keywords[k] for k in ("times", "time_unit", "groups", "ieee", "n_jobs")}
    with bar(call.progress, call.values.size) as progress:
        [answer] = _core.ewm(
            call.values,
            [name],
            alpha=alpha,
            adjust=adjust,
            ignore_na=check_flag("ignore_na", options.get("ignore_na", False)),
            bias=check_flag("bias", bias),
            min_periods=whole_number("min_periods", options.get("min_periods", 0), 0),
            y=call.y,
            halflife_s=halflife_s,
            progress=progress,
            **keywords,
        )
    return call.wrap(call.turn(answer))


def alpha_of(options, has_times):
    """The weight of the newest value, and the half-life in seconds where times are given."""
    given = {
        k: options[k] for k in ("com", "span", "halflife", "alpha") if options.get(k) is not None
    }
    if len(given) != 1:
        found = " and ".join(given) or "none"
        raise ValueError(f"give exactly one of com, span, halflife and alpha, got {found}")
    [(how, value)] = given.items()
    if has_times:
        if how != "halflife":
            raise ValueError(
                f"{how} cannot be combined with times; give halflife as a span of time"
            )
        return 0.5, _edge.span(value, "halflife") / 1e9
    if how == "halflife" and isinstance(value, str):
        raise ValueError(f"times must be given when halflife is a span of time ({value!r})")
    limits = {
        "com": ("a number that is not negative", lambda v: v >= 0),
        "span": ("a number of at least 1", lambda v: v >= 1),
        "halflife": ("a number above 0", lambda v: v > 0),
        "alpha": ("a number above 0 and at most 1", lambda v: 0 < v <= 1),
    }
    check_number(how, value, *limits[how])
    if how == "com":
        return 1 / (1 + value), None
    if how == "span":
        return 2 / (value + 1), None
    if how == "halflife":
        return -np.expm1(-np.log(2) / value), None
    return float(value), None
