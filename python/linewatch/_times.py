"""Times and spans of time as whole nanoseconds."""

import datetime
import re
from fractions import Fraction

import numpy as np

from linewatch import _core
from linewatch._libraries import (
    is_arrow,
    is_narwhals,
    is_pandas_column,
    pandas,
    polars,
    refuse_lazy,
)

_UNITS = {
    ("ns", "nanosecond"): 1,
    ("us", "µs", "microsecond"): 1_000,
    ("ms", "millisecond"): 1_000_000,
    ("s", "sec", "second"): 1_000_000_000,
    ("m", "min", "minute"): 60_000_000_000,
    ("h", "hr", "hour"): 3_600_000_000_000,
    ("d", "day"): 86_400_000_000_000,
    ("w", "week"): 604_800_000_000_000,
}
_NANOSECONDS = {name: ns for names, ns in _UNITS.items() for name in names}
_PART = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)?\s*([a-zA-Zµ]+)")
_CALENDAR = {"M", "mo", "ME", "MS", "q", "Q", "QE", "QS", "y", "Y", "YE", "YS"}


def times(times, n, name="times"):
    """Times of `n` rows as int64.

    Parameters
    ----------
    times : array-like of times or of int, shape (n,)
        NumPy datetime64 of any unit, a pandas DatetimeIndex or Series (with or without a time
        zone), a Polars Datetime or Date, an Arrow timestamp or date, a list of
        `datetime.datetime`, or whole numbers in a unit of the caller's.
    n : int
        Rows they must describe.
    name : str, default="times"
        What errors call it.

    Returns
    -------
    array : ndarray of int64, shape (n,)
        Nanoseconds since 1970-01-01 UTC (since local midnight of that day, for times without a
        zone), or the whole numbers as they are.
    unit : "ns" or None
        None for whole numbers, whose windows are whole numbers, too.

    Raises
    ------
    TypeError
        If they are neither times nor whole numbers.
    ValueError
        If a time is missing or outside the years 1678 to 2262, or their number is not `n`.
    """
    array, unit = _read(times, name)
    if array.ndim != 1:
        raise ValueError(f"{name} must have 1 dimension, got {array.ndim}")
    if len(array) != n:
        raise ValueError(f"{name} has {len(array)} values, expected {n}")
    return array, unit


def _read(times, name):
    refuse_lazy(times, name)
    if is_narwhals(times):
        times = times.to_native()
    if is_pandas_column(times):
        return _pandas(times, name)
    pl = polars()
    if pl is not None and isinstance(times, pl.Series) and times.dtype.is_temporal():
        # Zoned times arrive in UTC, null as NaT.
        return _numpy(times.to_numpy(), name)
    if is_arrow(times):
        array, is_time = _core.arrow_times(times, name)
        return array, "ns" if is_time else None
    if isinstance(times, list | tuple):
        times = _listed(times, name)
    elif np.ma.is_masked(times):
        raise _missing(name, np.argmax(np.ma.getmaskarray(times)))
    return _numpy(np.asarray(times), name)


def _pandas(times, name):
    pd, dtype = pandas(), times.dtype
    if isinstance(dtype, pd.ArrowDtype):
        array, is_time = _core.arrow_times(pd.array(times).__arrow_array__(), name)
        return array, "ns" if is_time else None
    if isinstance(dtype, pd.DatetimeTZDtype):
        times = pd.DatetimeIndex(times).tz_convert("UTC").tz_localize(None)
    elif isinstance(dtype, pd.api.extensions.ExtensionDtype) and dtype.kind in "iu":
        missing = np.asarray(pd.isna(times))
        if missing.any():
            raise _missing(name, np.argmax(missing))
        times = times.astype(dtype.numpy_dtype)
    return _numpy(np.asarray(times), name)


def _missing(name, row):
    return ValueError(f"{name}[{int(row)}] is missing; every row needs a time")


def _listed(times, name):
    """A list of times as an array; those with a time zone in UTC."""
    known = [time for time in times if time is not None]
    if not known or not isinstance(known[0], datetime.date):
        return times
    pd = pandas()
    zoned = getattr(known[0], "tzinfo", None) is not None
    if any((getattr(time, "tzinfo", None) is not None) != zoned for time in known):
        raise ValueError(f"{name} holds times with a time zone and times without one")
    if pd is not None and any(isinstance(time, pd.Timestamp) for time in known):
        return pd.to_datetime(times, utc=zoned).tz_localize(None)
    if zoned:
        times = [time and time.astimezone(datetime.UTC).replace(tzinfo=None) for time in times]
    is_datetime = isinstance(known[0], datetime.datetime)
    return np.array(times, dtype="datetime64[us]" if is_datetime else "datetime64[D]")


def _numpy(times, name):
    kind = times.dtype.kind
    if kind == "M":
        return _nanoseconds(times, name), "ns"
    if kind in "iu":
        if times.dtype == np.uint64 and times.size and times.max() > np.iinfo(np.int64).max:
            raise ValueError(f"{name} holds {times.max()}, which is beyond int64")
        return np.require(times, np.int64, "A"), None
    if times.size == 0:
        return times.astype(np.int64), None
    remedy = {
        "O": f'try pandas.to_datetime({name}) or numpy.asarray({name}, dtype="datetime64[ns]")',
        "f": "round to whole nanoseconds, or to whole numbers of your own unit",
        "m": f'add a start, as in np.datetime64("1970-01-01") + {name}',
    }
    remedy["U"] = remedy["S"] = remedy["T"] = remedy["O"]
    way = f" ({remedy[kind]})" if kind in remedy else ""
    raise TypeError(f"{name} has dtype {times.dtype}; expected times or whole numbers{way}")


def _nanoseconds(times, name):
    if times.size == 0:
        return np.empty(times.shape, np.int64)
    if times.dtype == np.dtype("datetime64[ns]"):
        # NaT is the smallest number there is.
        numbers = np.require(times.view(np.int64), None, "A")
        if numbers.min() == np.iinfo(np.int64).min:
            raise _missing(name, np.argmax(np.isnat(times)))
        return numbers
    first, last = times.min(), times.max()
    # The smallest of times is NaT if any of them is.
    if np.isnat(first):
        raise _missing(name, np.argmax(np.isnat(times)))
    low, high = np.datetime64("1677-09-22"), np.datetime64("2262-04-11")
    days = times.astype("datetime64[D]") if np.datetime_data(times.dtype)[0] in "YM" else times
    if first.astype("datetime64[D]") < low or last.astype("datetime64[D]") >= high:
        outside = (days.astype("datetime64[D]") < low) | (days.astype("datetime64[D]") >= high)
        row = int(np.argmax(outside))
        raise ValueError(
            f"{name}[{row}] is outside the years 1678 to 2262 that int64 nanoseconds reach"
        )
    return days.astype("datetime64[ns]").view(np.int64)


def span(window, name="window", rows=None):
    """Length of a span of time in nanoseconds.

    Parameters
    ----------
    window : str, datetime.timedelta, numpy.timedelta64, pandas.Timedelta or pandas offset
        Text is a number and a unit, such as "5s", "15min" or "1.5h", or several of them, such as
        "1h30m". Units are ns, us, ms, s, min (or m), h, d and w; a unit alone counts once.
    name : str, default="window"
        What errors call it.
    rows : bool, optional
        Whether the caller takes a number of rows, too, which errors then say; by default for
        ``"window"``.

    Returns
    -------
    int

    Raises
    ------
    TypeError, ValueError
        If it is no span, has no fixed length, or is not longer than nothing.

    Examples
    --------
    >>> span("15min")
    900000000000
    """
    expected = (
        "a number of rows or a span"
        if rows or (rows is None and name == "window")
        else "a span of time"
    )
    expected = f'{name} must be {expected} such as "5s", got {window!r}'
    if isinstance(window, str):
        ns = _parse(window, name, expected)
    elif isinstance(window, np.timedelta64):
        ns = _from_numpy(window, name)
    elif hasattr(window, "to_timedelta64"):
        ns = _from_numpy(window.to_timedelta64(), name)
    elif isinstance(window, datetime.timedelta):
        ns = window // datetime.timedelta(microseconds=1) * 1_000
    else:
        try:
            ns = int(window.nanos)
        except AttributeError:
            raise TypeError(expected) from None
        except ValueError:
            raise ValueError(f"{name} must have a fixed length, got {window!r}") from None
    if ns <= 0:
        raise ValueError(f"{name} must be longer than 0, got {window!r}")
    if ns >= 2**63:
        raise ValueError(f"{name} must be below 292 years, got {window!r}")
    return ns


def _parse(text, name, expected):
    total, at = Fraction(0), 0
    while match := _PART.match(text, at):
        number, unit = match.groups()
        if unit in _CALENDAR:
            raise ValueError(
                f"{name} must have a fixed length, got {text!r} (count days, such as '30d')"
            )
        key = unit if unit in _NANOSECONDS else unit.lower().removesuffix("s") or "s"
        if key == "m" and unit.lower() != "m":  # "mS" and "Ms" are no minutes
            raise ValueError(expected)
        if key not in _NANOSECONDS or (number is None and at > 0):
            raise ValueError(expected)
        total += Fraction(number or 1) * _NANOSECONDS[key]
        at = match.end()
    if at == 0 or text[at:].strip():
        raise ValueError(expected)
    if total.denominator != 1:
        raise ValueError(f"{name} must be a whole number of nanoseconds, got {text!r}")
    return int(total)


def _from_numpy(window, name):
    unit, count = np.datetime_data(window.dtype)
    if np.isnat(window) or unit == "M" or unit.lower() not in _NANOSECONDS:
        raise ValueError(f"{name} must have a fixed length in nanoseconds, got {window!r}")
    return int(window.astype(np.int64)) * count * _NANOSECONDS[unit.lower()]
