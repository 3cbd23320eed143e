"""Slow, obviously right definitions of the rolling statistics.

Every answer is worked out from its own window and nothing else, with fractions, so that no
rounding happens before the last step. Tests compare the kernels with these functions, and check
these functions against pandas.
"""

import math
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

NAN = math.nan


# --- windows -----------------------------------------------------------------------------------


def windows(n, window, *, center=False, closed=None, step=1, times=None, include_current=True):
    """Rows ``(start, end)``, end exclusive, of the window of each answer; one each `step` rows.

    `window` is a number of rows, "expanding", or a span in the unit of `times`.
    """
    step = step or 1
    if times is not None:
        return [_span(times, i, window, center, closed, include_current) for i in range(0, n, step)]
    return [_rows(n, i, window, center, closed, include_current) for i in range(0, n, step)]


def _rows(n, i, window, center, closed, include_current):
    if window == "expanding":
        return 0, i + 1 if include_current else i
    end = i + 1 + (window - 1) // 2 if center else i + 1
    start = end - window
    if not include_current:  # the `window` rows before the current one
        start, end = start - 1, end - 1
    if closed in ("left", "both"):
        start -= 1
    if closed in ("left", "neither"):
        end -= 1
    start, end = (min(max(bound, 0), n) for bound in (start, end))
    return start, max(start, end)


def _span(times, i, window, center, closed, include_current):
    # Without the current row, the left end is closed: three days are the three daily rows before.
    closed = closed or ("right" if include_current else "left")
    now = times[i]
    # Doubled, so that half a window stays a whole number.
    first = 2 * now - window if center else 2 * (now - window)
    last = 2 * now + window if center else 2 * now

    def inside(j):
        if not center and j > i:  # a later row of the same time is still to come
            return False
        if not include_current:  # earlier rows of the same time stay in
            return j < i and times[j] >= now - window
        after = 2 * times[j] >= first if closed in ("left", "both") else 2 * times[j] > first
        before = 2 * times[j] <= last if closed in ("right", "both") else 2 * times[j] < last
        return after and before

    rows = [j for j in range(len(times)) if inside(j)]
    return (rows[0], rows[-1] + 1) if rows else (i, i)


# --- one window --------------------------------------------------------------------------------


@dataclass
class Window:
    """What a definition sees: the values of the window in order, NaN where missing."""

    x: list
    current: float  # the value of the row that the answer belongs to
    y: list | None = None
    seconds: list | None = None  # time of each row, if times are given

    @property
    def present(self):
        return [v for v in self.x if not math.isnan(v)]


def _ordinary(values):
    return all(math.isfinite(v) for v in values)


def _exact(values):
    return [Fraction(v) for v in values]


def _signed_sqrt_ratio(numerator, squared_denominator):
    """numerator / sqrt(squared_denominator), rounded once."""
    if squared_denominator == 0:
        return NAN
    squared = numerator * numerator / squared_denominator
    return math.copysign(_sqrt(squared), numerator)


def _sqrt(fraction):
    """Square root of a fraction of any size; its halves are scaled into the range of a float."""
    if fraction == 0:
        return 0.0
    shift = (fraction.numerator.bit_length() - fraction.denominator.bit_length()) // 2
    return math.ldexp(math.sqrt(fraction / Fraction(4) ** shift), shift)


def _float(fraction):
    try:
        return float(fraction)
    except OverflowError:
        return math.copysign(math.inf, fraction)


def _middle(values):
    """Median of fractions."""
    values = sorted(values)
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2


def total(w):
    values = w.present
    return _float(sum(_exact(values))) if _ordinary(values) else sum(values)


def mean(w):
    values = w.present
    if not values:
        return NAN
    return _float(sum(_exact(values)) / len(values)) if _ordinary(values) else sum(values)


def _moment(values, power):
    values = _exact(values)
    middle = sum(values) / len(values)
    return sum((v - middle) ** power for v in values)


def _variance(values, ddof):
    """The exact variance, or None where there is none."""
    if len(values) <= ddof or not values or not _ordinary(values):
        return None
    return _moment(values, 2) / (len(values) - ddof)


def var(w, ddof=1):
    variance = _variance(w.present, ddof)
    return NAN if variance is None else _float(variance)


def std(w, ddof=1):
    variance = _variance(w.present, ddof)
    return NAN if variance is None else _sqrt(variance)


def sem(w, ddof=1):
    variance = _variance(w.present, ddof)
    return NAN if variance is None else _sqrt(variance / len(w.present))


def count(w):
    return float(len(w.present))


def nunique(w):
    return float(len(set(w.present)))


def first(w):
    return w.present[0] if w.present else NAN


def last(w):
    return w.present[-1] if w.present else NAN


def smallest(w):
    return min(w.present, default=NAN)


def largest(w):
    return max(w.present, default=NAN)


def argmin(w):
    return _rows_ago(w, smallest(w))


def argmax(w):
    return _rows_ago(w, largest(w))


def _rows_ago(w, value):
    """Rows from the latest place of `value` to the last row of the window."""
    ago = [k for k, v in enumerate(reversed(w.x)) if v == value]
    return float(ago[0]) if ago else NAN


def median(w):
    return quantile(w, 0.5)


def quantile(w, q, interpolation="linear"):
    values = sorted(w.present)
    if not values:
        return NAN
    position = q * (len(values) - 1)
    low = values[math.floor(position)]
    high = values[min(math.floor(position) + 1, len(values) - 1)]
    share = position - math.floor(position)
    if interpolation == "nearest":
        return values[round(position)]  # a half goes to the even place
    if interpolation == "lower" or share == 0 or low == high:
        return low
    if interpolation == "higher":
        return high
    if not _ordinary([low, high]):
        return low + high  # infinite, or NaN between -inf and inf
    if interpolation == "midpoint":
        share = 0.5
    return _float(Fraction(low) + (Fraction(high) - Fraction(low)) * Fraction(share))


def _mad(values):
    middle = _middle(_exact(values))
    return _middle([abs(Fraction(v) - middle) for v in values])


def mad(w):
    values = w.present
    if not values:
        return NAN
    if not _ordinary(values):
        middle = median(w)
        distances = [abs(v - middle) for v in values]
        # The distance of an infinite value from an infinite median is not a number.
        return NAN if any(map(math.isnan, distances)) else median(Window(distances, NAN))
    return _float(_mad(values))


def skew(w):
    values = w.present
    n = len(values)
    if n < 3 or not _ordinary(values):
        return NAN
    m2, m3 = _moment(values, 2), _moment(values, 3)
    return _signed_sqrt_ratio(m3 * n, m2**3 * Fraction((n - 2) ** 2, n - 1))


def kurt(w):
    values = w.present
    n = len(values)
    if n < 4 or not _ordinary(values):
        return NAN
    m2, m4 = _moment(values, 2), _moment(values, 4)
    if m2 == 0:
        return NAN
    peak = Fraction((n + 1) * n * (n - 1), (n - 2) * (n - 3)) * m4 / m2**2
    return _float(peak - Fraction(3 * (n - 1) ** 2, (n - 2) * (n - 3)))


def rank(w, method="average", ascending=True, pct=False):
    """Rank of the last row of the window, as in pandas."""
    if not w.x or math.isnan(w.x[-1]):
        return NAN
    values = w.present
    before = sum(v < w.x[-1] if ascending else v > w.x[-1] for v in values)
    equal = values.count(w.x[-1])
    place = {"min": before + 1, "max": before + equal, "average": before + (equal + 1) / 2}[method]
    return place / len(values) if pct else float(place)


def zscore(w, ddof=1):
    variance = _variance(w.present, ddof)
    if variance is None or math.isnan(w.current):
        return NAN
    if math.isinf(w.current):  # far from any baseline that it is not part of
        return w.current if variance else NAN
    values = _exact(w.present)
    return _signed_sqrt_ratio(Fraction(w.current) - sum(values) / len(values), variance)


def _robust(w):
    """Distance from the median, and the median deviation."""
    if _ordinary([*w.present, w.current]):
        return Fraction(w.current) - _middle(_exact(w.present)), _mad(w.present)
    return w.current - median(w), mad(w)


def robust_zscore(w):
    if not w.present:
        return NAN
    distance, scale = _robust(w)
    return float(Fraction("0.6745") * distance / scale if scale else NAN)


def hampel(w, threshold=3.0):
    if not w.present or math.isnan(w.current):
        return NAN
    distance, scale = _robust(w)
    if math.isnan(scale):
        return NAN
    if scale == 0:  # more than half of the values are equal: every other one is far
        return float(distance != 0)
    return float(abs(Fraction("0.6745") * distance / scale) > threshold)


def hampel_repair(w, threshold=3.0):
    return median(w) if hampel(w, threshold) == 1 else w.current


def _pairs(w):
    return [(a, b) for a, b in zip(w.x, w.y) if not (math.isnan(a) or math.isnan(b))]


def _co_moments(pairs):
    """Sums of squares and products about the means, or None without any finite pair."""
    if not pairs or not _ordinary([v for pair in pairs for v in pair]):
        return None
    x, y = (_exact(side) for side in zip(*pairs))
    x_mean, y_mean = sum(x) / len(x), sum(y) / len(y)
    x, y = [v - x_mean for v in x], [v - y_mean for v in y]
    return sum(a * a for a in x), sum(b * b for b in y), sum(a * b for a, b in zip(x, y))


def _pearson(pairs):
    moments = _co_moments(pairs)
    return NAN if moments is None else _signed_sqrt_ratio(moments[2], moments[0] * moments[1])


def corr(w):
    return _pearson(_pairs(w))


def cov(w, ddof=1):
    pairs = _pairs(w)
    moments = _co_moments(pairs)
    return (
        NAN if moments is None or len(pairs) <= ddof else _float(moments[2] / (len(pairs) - ddof))
    )


def slope(w):
    place = w.seconds if w.seconds is not None else range(len(w.x))
    pairs = [(t, v) for t, v in zip(place, w.x) if not math.isnan(v)]
    moments = _co_moments(pairs)
    return NAN if moments is None or moments[0] == 0 else _float(moments[2] / moments[0])


def _lagged(w, lag):
    pairs = zip(w.x[lag:], w.x[: len(w.x) - lag])
    return [(a, b) for a, b in pairs if not (math.isnan(a) or math.isnan(b))]


def autocorr(w, lag=1):
    return _pearson(_lagged(w, lag)) if lag < len(w.x) else NAN


def entropy(w, bins=10):
    values = w.present
    if not values or not _ordinary(values):
        return NAN
    low, high = min(values), max(values)
    if low == high:
        return 0.0
    width = (Fraction(high) - Fraction(low)) / bins
    places = Counter(min(int((Fraction(v) - Fraction(low)) / width), bins - 1) for v in values)
    shares = [k / len(values) for k in places.values()]
    return -math.fsum(p * math.log(p) for p in shares)


DEFINITIONS = {
    "sum": total, "mean": mean, "var": var, "std": std, "sem": sem, "count": count,
    "min": smallest, "max": largest, "argmin": argmin, "argmax": argmax,
    "median": median, "quantile": quantile, "mad": mad, "skew": skew, "kurt": kurt, "rank": rank,
    "zscore": zscore, "robust_zscore": robust_zscore,
    "hampel": hampel, "hampel_repair": hampel_repair,
    "slope": slope, "autocorr": autocorr, "corr": corr, "cov": cov, "entropy": entropy,
    "first": first, "last": last, "nunique": nunique,
}  # fmt: skip

# Statistics that have an answer for an empty window when `min_periods` is 0.
EMPTY = {"sum": 0.0, "count": 0.0, "nunique": 0.0}


# --- a whole series ----------------------------------------------------------------------------


def rolling(
    name,
    x,
    window,
    y=None,
    *,
    min_periods=None,
    center=False,
    closed=None,
    step=1,
    times=None,
    groups=None,
    include_current=True,
    infinity="missing",
    bounds=None,
    **options,
):
    """Statistic `name` of every window of `x`, a column at a time; `bounds` replaces `window`."""
    x = np.asarray(x, dtype=np.float64)
    if x.ndim == 2:
        columns = [
            rolling(
                name, x[:, c], window, y if y is None or np.ndim(y) == 1 else np.asarray(y)[:, c],
                min_periods=min_periods, center=center, closed=closed, step=step, times=times,
                groups=groups, include_current=include_current, infinity=infinity, **options,
            )
            for c in range(x.shape[1])
        ]  # fmt: skip
        return np.stack(columns, axis=1) if columns else np.empty((len(x), 0))
    if groups is not None:
        return _by_group(
            name, x, window, y, groups, times, step,
            min_periods=min_periods, center=center, closed=closed,
            include_current=include_current, infinity=infinity, **options,
        )  # fmt: skip

    if min_periods is None:
        min_periods = 1 if times is not None or window == "expanding" else window
    x = _missing(x, infinity)
    y = None if y is None else _missing(np.asarray(y, dtype=np.float64), infinity)
    times = None if times is None else [int(t) for t in times]
    spans = bounds or windows(
        len(x), window, center=center, closed=closed, step=step, times=times,
        include_current=include_current,
    )  # fmt: skip
    seconds = None if times is None else [Fraction(t, 10**9) for t in times]
    out = []
    for k, (start, end) in enumerate(spans):
        window_ = Window(
            x[start:end],
            x[k * (step or 1)],
            None if y is None else y[start:end],
            None if seconds is None else seconds[start:end],
        )
        out.append(_answer(name, window_, min_periods, options))
    return np.array(out, dtype=np.float64)


def _missing(values, infinity):
    gone = np.isinf(values) if infinity == "missing" else np.zeros(len(values), dtype=bool)
    return np.where(gone, np.nan, values).tolist()


def _answer(name, window, min_periods, options):
    if name == "count":  # pandas: rows of the window count, missing or not
        enough = len(window.x)
    elif name in ("corr", "cov"):
        enough = len(_pairs(window))
    else:
        enough = len(window.present)
    if enough == 0 and min_periods == 0 and name in EMPTY:
        return EMPTY[name]
    if enough < max(min_periods, 1):
        return window.current if name == "hampel_repair" else NAN
    return DEFINITIONS[name](window, **options)


def _by_group(name, x, window, y, groups, times, step, **rest):
    """Every group on its own; rows of group NaN belong to none."""
    groups = np.asarray(groups, dtype=np.float64)
    out = np.full(len(x), np.nan)
    for code in np.unique(groups[~np.isnan(groups)]):
        rows = np.flatnonzero(groups == code)
        out[rows] = rolling(
            name, x[rows], window, None if y is None else np.asarray(y)[rows],
            times=None if times is None else np.asarray(times)[rows], **rest,
        )  # fmt: skip
    return out[:: step or 1]


def seasonal(name, x, keys, window, *, groups=None, include_current=True, **rest):
    """`name` over the latest `window` rows of the same key and group."""
    keys = np.asarray(keys)
    groups = np.zeros(len(keys)) if groups is None else np.asarray(groups, dtype=np.float64)
    _, same = np.unique(np.stack([keys, groups], axis=1), axis=0, return_inverse=True)
    same = np.where(np.isnan(groups), np.nan, same.ravel())
    return rolling(name, x, window, groups=same, include_current=include_current, **rest)


def cusum(z, k, h, reset):
    """Upper and lower sum and alarm of distances `z` from the baseline."""
    upper = lower = 0.0
    rows = []
    for distance in z:
        if not math.isfinite(distance):
            rows.append((NAN, NAN, 0))
            continue
        upper, lower = max(0.0, upper + distance - k), max(0.0, lower - distance - k)
        high, low = upper > h, lower > h
        rows.append((upper, lower, 1 if high and (not low or upper >= lower) else -1 if low else 0))
        if reset:
            upper, lower = 0.0 if high else upper, 0.0 if low else lower
    return np.array(rows).T


# --- exponential weights -----------------------------------------------------------------------


def ewm(
    name,
    x,
    y=None,
    *,
    alpha,
    adjust=True,
    ignore_na=False,
    bias=False,
    min_periods=0,
    half_lives=None,
):
    """Exponentially weighted `name`; `half_lives` are times in half-lives and replace `alpha`."""
    x = np.asarray(x, dtype=np.float64).tolist()
    y = x if y is None else np.asarray(y, dtype=np.float64).tolist()
    weights, pairs, out = [], [], []
    for i, (a, b) in enumerate(zip(x, y)):
        present = math.isfinite(a) and math.isfinite(b)
        decay = 1 - alpha
        if half_lives is not None:
            decay = 0.5 ** (half_lives[i] - half_lives[i - 1]) if i else 1.0
        if present or not ignore_na:
            weights = [w * decay for w in weights]
        if present:
            new = 1.0 if adjust or not weights else alpha
            if half_lives is not None and not adjust and weights:
                new = 1 - math.fsum(weights)
            weights, pairs = [*weights, new], [*pairs, (a, b)]
            if not adjust:
                weights = [w / math.fsum(weights) for w in weights]
        if len(pairs) < max(min_periods, 1):
            out.append(NAN)
        else:
            out.append(_weighted(name, weights, pairs, bias))
    return np.array(out)


def _weighted(name, weights, pairs, bias):
    all_weight = math.fsum(weights)
    if name == "sum":
        return math.fsum(w * a for w, (a, _) in zip(weights, pairs))

    def average(values):
        return sum(Fraction(w) * v for w, v in zip(weights, values)) / Fraction(all_weight)

    x, y = (_exact(side) for side in zip(*pairs))
    x_mean, y_mean = average(x), average(y)
    if name == "mean":
        return _float(x_mean)
    xx = average([(a - x_mean) ** 2 for a in x])
    yy = average([(b - y_mean) ** 2 for b in y])
    xy = average([(a - x_mean) * (b - y_mean) for a, b in zip(x, y)])
    if name == "corr":
        return _signed_sqrt_ratio(xy, xx * yy)
    if not bias:
        spread = all_weight**2 - math.fsum(w * w for w in weights)
        if len(pairs) < 2 or spread <= 0:
            return NAN
        xx, xy = (v * Fraction(all_weight) ** 2 / Fraction(spread) for v in (xx, xy))
    return {"var": _float, "cov": lambda _: _float(xy), "std": _sqrt}[name](xx)
