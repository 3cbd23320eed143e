"""What is expected of each value of a KPI, from what its cell did before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from linewatch import _core, rolling
from linewatch._arguments import check_choice, check_flag, check_number, whole_number
from linewatch._progress import bar
from linewatch.kpi import _long
from linewatch.kpi._rules import METHODS, SEASONS, SEASONS_MIN, STATISTICS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from linewatch._typing import FrameT, Progress


# Median absolute deviation to standard deviation of a normal distribution.
MAD_TO_STD = 1.4826


@dataclass
class Settings:
    """The options of a baseline, checked."""

    method: str
    window: int
    min_periods: int
    statistic: str
    include_current: bool
    floor: float
    min_scale: object
    n_jobs: object

    def refuse_unknown(self, kpis):
        """A least scale of a KPI that is not there, such as one spelled otherwise."""
        for name in self.min_scale if isinstance(self.min_scale, Mapping) else ():
            if name not in kpis:
                known = ", ".join(f'"{kpi}"' for kpi in kpis)
                raise ValueError(f'min_scale names "{name}", but the KPIs are {known}')

    def least(self, kpi):
        """The least scale of a KPI."""
        if isinstance(self.min_scale, Mapping):
            return float(self.min_scale.get(kpi, 0.0))
        return float(self.min_scale)


def settings(
    method="hour of week",
    window=None,
    min_periods=None,
    statistic="mean",
    include_current=False,
    floor=1.25,
    min_scale=0.0,
    n_jobs=None,
):
    """The options of `baseline` as `Settings`."""
    check_choice("method", method, tuple(METHODS))
    check_choice("statistic", statistic, STATISTICS)
    include_current = check_flag("include_current", include_current)
    defaults = METHODS[method]
    window = defaults["window"] if window is None else whole_number("window", window, 1)
    if min_periods is None:
        min_periods = min(defaults["min_periods"], window)
    else:
        min_periods = whole_number("min_periods", min_periods, 1)
    if min_periods > window and method != "ewma":
        raise ValueError(f"min_periods must be at most window ({window}), got {min_periods}")
    check_number("floor", floor, "a number that is not negative", lambda x: x >= 0)
    scales = min_scale.values() if isinstance(min_scale, Mapping) else [min_scale]
    for least in scales:
        check_number("min_scale", least, "a number that is not negative", lambda x: x >= 0)
    if statistic == "median" and method in ("ewma", "seasonal median"):
        raise ValueError(f'statistic must be "mean" with method {method!r}, got "median"')
    if include_current and method == "seasonal median":
        raise ValueError('include_current must be False with method "seasonal median", got True')
    if n_jobs is not None:
        n_jobs = whole_number("n_jobs", n_jobs)
    return Settings(
        method, window, min_periods, statistic, include_current, float(floor), min_scale, n_jobs
    )


def baseline(
    frame: FrameT,
    *,
    time: str | None = None,
    cell: str | None = None,
    kpis: Sequence[str] | None = None,
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
    """What is expected of each value of the KPIs of cells, and how far from it is usual.

    Everything is trailing: a row is compared with earlier rows of its own cell, never with later
    ones.

    Parameters
    ----------
    frame : DataFrame (pandas, Polars, pyarrow)
        One row for a cell and a time, in any order, and a column for each KPI.
    time, cell : str, optional
        Columns; found by name and dtype when left out. Without a cell column the frame is one
        series, of the cell ``""``.
    kpis : list of str, optional
        Columns of numbers; all that are no keys when left out. Null, NaN and infinite values are
        missing; a missing value takes its place in a window.
    method : str, default="hour of week"
        - ``"hour of week"``: mean and standard deviation of the last rows in the same hour of the
          week,
        - ``"time of day"``: the same of the same hour of the day,
        - ``"rolling"``: of the last rows,
        - ``"ewma"``: exponentially weighted, the newest value with weight 2 / (window + 1),
        - ``"seasonal median"``: the median of the last rows plus the median of what the last 8
          rows in this hour of the week had beyond theirs; the scale is 1.4826 times the median
          distance of the last rows from their baselines.
    window : int, optional
        How many such rows; 24 (hour of week, that is 24 weeks), 28 (time of day) or 168.
    min_periods : int, optional
        Values that must be present; 3 (hour of week, time of day) or 24, and never below 2.
    statistic : {"mean", "median"}, default="mean"
        ``"median"`` is the median with 1.4826 times the median absolute deviation; not for the
        last two methods.
    include_current : bool, default=False
        Whether a row belongs to its own window. Then no distance exceeds
        ``(n - 1) / sqrt(n)`` standard deviations of `n` values: use it to reproduce results that
        were made so.
    floor : float, default=1.25
        The scale is at least `floor` times what is usual of the cell at this level: the geometric
        mean of scale / \\|baseline\\| over the rows so far, fading over four weeks of hours, times
        \\|baseline\\| (where the baseline is 0, that of the scale itself). A few weeks that happen
        to agree would otherwise make an alarm of every hair's breadth. It takes 24 scales to tell
        what is usual, and until then there is no baseline. 0 switches the floor off.
    min_scale : float or dict of KPI to float, default=0.0
        The least scale, in the unit of the KPI.
    time_zone : str, optional
        Where the cells are, such as ``"Africa/Casablanca"``: times with a zone are shown in this
        one and hours are read from its clocks, by default in their own. Times without a zone
        are local.
    n_jobs : int, optional
        Threads; all cores by default.
    progress : bool or callable, optional
        True for a progress bar, or a function that is told how many rows were done.

    Returns
    -------
    DataFrame of the caller's kind, long: by KPI, cell and time
        ``cell``, ``kpi``, ``time``, ``value``, ``baseline`` and ``scale``, the last three in the
        unit of the KPI; null where there is not enough history.

    Raises
    ------
    ValueError
        If a cell has two rows for a time, cell or time is missing in a row, a column cannot be
        found or an option is unknown.
    TypeError
        If times have no dates or are of several zones, or a column holds no numbers.

    Examples
    --------
    Four Mondays at 8; the last is compared with the three before.

    >>> import polars as pl
    >>> from datetime import datetime, timedelta
    >>> from linewatch import kpi
    >>> monday = datetime(2026, 1, 5, 8)
    >>> times = [monday + timedelta(weeks=i) for i in range(4)]
    >>> calls = pl.DataFrame({"time": times, "calls": [8, 10, 12, 40]})
    >>> kpi.baseline(calls, floor=0)["baseline"].to_list()
    [None, None, None, 10.0]
    """
    options = settings(
        method, window, min_periods, statistic, include_current, floor, min_scale, n_jobs
    )
    cells = _long.read(frame, time, cell, kpis, time_zone)
    options.refuse_unknown(cells.kpis)
    frames = []
    with bar(progress, len(cells) * len(cells.kpis)) as told:
        for kpi in cells.kpis:
            value = cells.values(kpi)
            center, scale = compute(cells, value, kpi, options, told)
            columns = {"value": value, "baseline": center, "scale": scale}
            frames.append(cells.frame(kpi, columns))
    return cells.back(frames)


def compute(cells, value, kpi, options, progress=None):
    """Baseline and scale of the values of one KPI as arrays."""
    center, scale = np.empty((2, len(value)))
    method = options.method
    if method in ("rolling", "seasonal median"):
        make = _rolling if method == "rolling" else _seasonal_median
        center[:], scale[:] = make(cells, value, options)
        method = "given"
    _core.kpi_baseline(
        cells.time_ns,
        value,
        cells.starts,
        center,
        scale,
        method=method,
        median=options.statistic == "median",
        window=options.window,
        min_periods=options.min_periods,
        include_current=options.include_current,
        floor=options.floor,
        min_scale=options.least(kpi),
        n_jobs=options.n_jobs,
        progress=progress,
    )
    return center, np.abs(scale, out=scale)  # -0.0 would turn the sign of a distance around


def _rolling(cells, value, options):
    mean = options.statistic == "mean"
    names = ["mean", "std"] if mean else ["median", "mad"]
    answers = rolling.stats(
        value,
        options.window,
        names,
        groups=cells.code,
        include_current=options.include_current,
        min_periods=max(options.min_periods, min(2, options.window)),
        n_jobs=options.n_jobs,
    )
    center, scale = (np.asarray(answers[name]) for name in names)
    # One value has no deviation, so it makes no baseline either.
    center = np.where(np.isnan(scale), np.nan, center)
    return center, scale if mean else MAD_TO_STD * scale


def _seasonal_median(cells, value, options):
    shared = {
        "groups": cells.code,
        "include_current": False,
        "min_periods": options.min_periods,
        "n_jobs": options.n_jobs,
    }
    level = rolling.median(value, options.window, **shared)
    rest = value - level
    season, _ = np.empty((2, len(value)))
    _core.kpi_baseline(
        cells.time_ns,
        rest,
        cells.starts,
        season,
        _,
        method="hour of week",
        median=True,
        window=SEASONS,
        min_periods=SEASONS_MIN,
        include_current=False,
        floor=0.0,
        min_scale=0.0,
        n_jobs=options.n_jobs,
    )
    center = level + season
    scale = MAD_TO_STD * rolling.median(np.abs(value - center), options.window, **shared)
    return np.where(np.isnan(scale), np.nan, center), scale
