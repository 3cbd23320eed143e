"""Rolling, expanding, exponentially weighted and seasonal statistics of series.

Every function takes what people have (NumPy, lists, pandas, Polars, Arrow), rows in time order,
and gives back the same kind with index and names. Missing values (NaN, null) are left out of their
windows. Definitions, missing-value rules and names are those of pandas where pandas has the
statistic.

Options that all rolling statistics share:

window
    Rows, or a span of time such as ``"5s"`` with `times`, or ``"expanding"``.
min_periods
    Values an answer needs; by default a full window of rows, or one value in a span of time.
center, closed, step
    As in pandas.
times
    A time for each row, not decreasing. A pandas index of times is found without it.
groups
    A key for each row, or a list of keys: each group is a series of its own.
include_current
    False scores a value against a baseline that it is not part of, which an alarm needs.
axis
    0 if time runs down the rows, 1 if it runs along them.
infinity
    "missing", as in pandas, or "ieee": infinite values take part and leave with their window.
n_jobs
    Threads; by default `LINEWATCH_NUM_THREADS`, else all cores. The answers do not depend on it.
progress
    True for a progress bar, or a function that is told how many rows were done.
"""

from typing import NamedTuple

import numpy as np

from linewatch import _arguments, _core, _edge
from linewatch import _rolling_calls as _calls

__all__ = [
    "argmax",
    "argmin",
    "autocorr",
    "corr",
    "count",
    "cov",
    "cusum",
    "entropy",
    "ewm_corr",
    "ewm_cov",
    "ewm_mean",
    "ewm_std",
    "ewm_sum",
    "ewm_var",
    "first",
    "hampel",
    "hampel_repair",
    "kurt",
    "last",
    "mad",
    "max",
    "mean",
    "median",
    "min",
    "nunique",
    "quantile",
    "rank",
    "robust_zscore",
    "seasonal",
    "sem",
    "skew",
    "slope",
    "stats",
    "std",
    "sum",
    "var",
    "zscore",
]

_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def sum(x, window, *, compensated=False, **options):
    """Sum of each window.

    Parameters
    ----------
    x : array-like of float, shape (n,) or (n, n_series)
        Rows in time order; NaN and null are missing.
    window : int, span of time or "expanding"
        See the module for this and the other options.
    compensated : bool, default=False
        Carry what rounding drops, so that the sum is right to its own last digits even where
        large values cancel. Takes a few times as long.

    Returns
    -------
    Same kind and shape as `x`
        In the unit of `x`. With ``min_periods=0`` the sum of an empty window is 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what is said here; the message names it.

    References
    ----------
    .. [1] van Herk, M. (1992). A fast algorithm for local minimum and maximum filters on
       rectangular and octagonal kernels. Pattern Recognition Letters 13(7), 517-521. The sums
       are joined in the same blocks, so that nothing is ever subtracted.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.sum([1.0, 2, 3, 4], window=2)
    array([nan,  3.,  5.,  7.])
    """
    return _calls.answer("sum", x, window, options, compensated=compensated)


def mean(x, window, *, compensated=False, **options):
    """Arithmetic mean of each window.

    Parameters and errors as for `sum`.

    Returns
    -------
    Same kind and shape as `x`
        In the unit of `x`.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.mean([10.0, 12, 11, 50], window=2)
    array([ nan, 11. , 11.5, 30.5])

    The baseline of an alarm leaves the current value out.

    >>> rolling.mean([10.0, 12, 11, 50], window=2, include_current=False)
    array([ nan,  nan, 11. , 11.5])
    """
    return _calls.answer("mean", x, window, options, compensated=compensated)


def var(x, window, *, ddof=1, **options):
    """Variance of each window.

    Parameters
    ----------
    x, window, options
        As for `sum`.
    ddof : int, default=1
        The divisor is the number of values minus `ddof`.

    Returns
    -------
    Same kind and shape as `x`
        In the squared unit of `x`; exactly 0 where all values are equal. NaN for no more than
        `ddof` values.

    References
    ----------
    .. [1] Chan, T. F., Golub, G. H. and LeVeque, R. J. (1979). Updating formulae and a pairwise
       algorithm for computing sample variances. Stanford report STAN-CS-79-773.

    Examples
    --------
    A large value leaves no trace once its window is gone.

    >>> from linewatch import rolling
    >>> rolling.var([1.0, 1e12, 2, 4, 6], window=2)[2:]
    array([5.e+23, 2.e+00, 2.e+00])
    """
    return _calls.answer("var", x, window, options, ddof=ddof)


def std(x, window, *, ddof=1, **options):
    """Standard deviation of each window: the root of `var`.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.std([1.0, 3, 3, 7], window=2).round(3)
    array([  nan, 1.414, 0.   , 2.828])
    """
    return _calls.answer("std", x, window, options, ddof=ddof)


def sem(x, window, *, ddof=1, **options):
    """Standard error of the mean of each window: `std` over the root of the number of values.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.sem([1.0, 3, 3, 7], window=2)
    array([nan,  1.,  0.,  2.])
    """
    return _calls.answer("sem", x, window, options, ddof=ddof)


def count(x, window, **options):
    """Number of values present in each window.

    As in pandas, `min_periods` counts rows here, missing or not.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.count([1.0, float("nan"), 3, 4], window=2)
    array([nan,  1.,  1.,  2.])
    """
    return _calls.answer("count", x, window, options)


def zscore(x, window, *, ddof=1, **options):
    """Distance of each value from the mean of its window, in standard deviations.

    Parameters
    ----------
    x, window, options
        As for `sum`; a window has at least 2 rows.
    ddof : int, default=1
        The divisor of the variance is the number of values minus `ddof`.

    Returns
    -------
    Same kind and shape as `x`
        Dimensionless. NaN where too few values are present, all are equal, or the current one is
        missing.

    Notes
    -----
    A value that belongs to its own window cannot score above ``(window - 1) / sqrt(window)``
    (with ``ddof=1``): 1.79 for a window of 5, however large it is. With ``include_current=False``
    it is compared with the `window` rows before it, and the score has no such bound.

    Examples
    --------
    A link carries about 100 Mbit/s, then 180.

    >>> from linewatch import rolling
    >>> mbit_per_s = [100.0, 102, 98, 101, 99, 180]
    >>> rolling.zscore(mbit_per_s, window=5).round(2)
    array([  nan,   nan,   nan,   nan, -0.63,  1.79])
    >>> rolling.zscore(mbit_per_s, window=5, include_current=False).round(2)
    array([ nan,  nan,  nan,  nan,  nan, 50.6])
    """
    return _calls.answer("zscore", x, window, options, at_least=2, ddof=ddof)


def min(x, window, **options):
    """Smallest value of each window.

    References
    ----------
    .. [1] van Herk, M. (1992), as for `sum`; Gil, J. and Werman, M. (1993). Computing 2-D min,
       median, and max filters. IEEE Transactions on Pattern Analysis and Machine Intelligence
       15(5), 504-507.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.min([3.0, 1, 2, 5], window=2)
    array([nan,  1.,  1.,  2.])
    """
    return _calls.answer("min", x, window, options)


def max(x, window, **options):
    """Largest value of each window; see `min`.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.max([3.0, 1, 2, 5], window=2)
    array([nan,  3.,  2.,  5.])
    """
    return _calls.answer("max", x, window, options)


def argmin(x, window, **options):
    """How many rows before the last row of each window its smallest value stands.

    Returns
    -------
    Same kind and shape as `x`
        Whole numbers as floats; 0 for the last row. The newest of equal values counts.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.argmin([3.0, 1, 2, 5], window=3)
    array([nan, nan,  1.,  2.])
    """
    return _calls.answer("argmin", x, window, options)


def argmax(x, window, **options):
    """How many rows before the last row of each window its largest value stands; see `argmin`.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.argmax([3.0, 1, 2, 5], window=3)
    array([nan, nan,  2.,  0.])
    """
    return _calls.answer("argmax", x, window, options)


def first(x, window, **options):
    """First value present in each window.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.first([3.0, 1, 2, 5], window=2)
    array([nan,  3.,  1.,  2.])
    """
    return _calls.answer("first", x, window, options)


def last(x, window, **options):
    """Last value present in each window.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.last([3.0, 1, float("nan"), 5], window=2, min_periods=1)
    array([3., 1., 1., 5.])
    """
    return _calls.answer("last", x, window, options)


def median(x, window, **options):
    """Median of each window.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.median([10.0, 12, 11, 50], window=3)
    array([nan, nan, 11., 12.])
    """
    return _calls.answer("median", x, window, options)


def quantile(x, window, q, *, interpolation="linear", **options):
    """Quantiles of each window, several in one pass.

    Parameters
    ----------
    x, window, options
        As for `sum`.
    q : float or list of float
        Each from 0 to 1.
    interpolation : {"linear", "lower", "higher", "midpoint", "nearest"}, default="linear"
        What to take between two values.

    Returns
    -------
    Same kind as `x`
        For a list of `q`, a last axis more in NumPy, and a table with a column for each, such as
        ``q95``, in pandas, Polars and Arrow.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.quantile([1.0, 2, 3, 4, 5], 5, 0.9)
    array([nan, nan, nan, nan, 4.6])
    >>> rolling.quantile([1.0, 2, 3, 4, 5], 5, [0.25, 0.75])[-1]
    array([2., 4.])
    """
    levels = [q] if np.ndim(q) == 0 else list(q)
    if not levels:
        raise ValueError("q must be a number or a list of numbers from 0 to 1, got an empty list")
    for level in levels:
        _arguments.check_number("q", level, "a number from 0 to 1", lambda level: 0 <= level <= 1)
    _arguments.check_choice("interpolation", interpolation, _INTERPOLATIONS)
    named = [("quantile", {"q": float(level), "interpolation": interpolation}) for level in levels]
    call = _calls.Call(x, window, options)
    answers = call.run(named)
    if np.ndim(q) == 0:
        return call.wrap(answers[0])
    if type(call.series) is _edge.Numbers:
        return np.stack(answers, axis=-1)
    columns = {f"q{100 * level:.15g}": a for level, a in zip(levels, answers, strict=True)}
    if len(columns) < len(levels):
        raise ValueError(f"q must hold different numbers for a table of columns, got {levels!r}")
    return call.wrap_many(columns)


def mad(x, window, **options):
    """Median absolute deviation from the median of each window, not scaled.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.mad([1.0, 2, 4, 7, 50], window=5)
    array([nan, nan, nan, nan,  3.])
    """
    return _calls.answer("mad", x, window, options)


def robust_zscore(x, window, **options):
    """Distance of each value from the median of its window, in robust standard deviations.

    0.6745 (x - median) / mad; NaN where the median absolute deviation is 0.

    References
    ----------
    .. [1] Iglewicz, B. and Hoaglin, D. C. (1993). How to detect and handle outliers. ASQC Quality
       Press.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.robust_zscore([1.0, 2, 4, 7, 50], window=5).round(2)
    array([  nan,   nan,   nan,   nan, 10.34])
    """
    return _calls.answer("robust_zscore", x, window, options)


def hampel(x, window, *, threshold=3.0, **options):
    """Whether the Hampel filter flags each value: 1 if it does, else 0.

    Parameters
    ----------
    x, window, options
        As for `sum`.
    threshold : float, default=3.0
        Absolute robust z-score above which a value is flagged. Where the median absolute deviation
        is 0, every value other than the median is.

    Returns
    -------
    Same kind and shape as `x`
        1.0 or 0.0; NaN where the window holds too few values or the value is missing.

    References
    ----------
    .. [1] Hampel, F. R. (1974). The influence curve and its role in robust estimation. Journal of
       the American Statistical Association 69(346), 383-393.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.hampel([10.0, 11, 90, 10, 12], window=5, center=True, min_periods=1)
    array([0., 0., 1., 0., 0.])
    """
    return _calls.answer("hampel", x, window, options, threshold=threshold)


def hampel_repair(x, window, *, threshold=3.0, **options):
    """Each value, or the median of its window where `hampel` flags it.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.hampel_repair([10.0, 11, 90, 10, 12], window=5, center=True, min_periods=1)
    array([10., 11., 11., 10., 12.])
    """
    return _calls.answer("hampel_repair", x, window, options, threshold=threshold)


def rank(x, window, *, method="average", ascending=True, pct=False, **options):
    """Rank of the last value of each window among its values, from 1.

    Parameters
    ----------
    x, window, options
        As for `sum`.
    method : {"average", "min", "max"}, default="average"
        The rank that equal values share.
    ascending : bool, default=True
        Whether the smallest value has rank 1.
    pct : bool, default=False
        Whether to divide by the number of values.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.rank([3.0, 1, 2, 2], window=3)
    array([nan, nan, 2. , 2.5])
    """
    return _calls.answer("rank", x, window, options, method=method, ascending=ascending, pct=pct)


def nunique(x, window, **options):
    """Number of distinct values of each window.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.nunique([3.0, 1, 3, 3], window=3)
    array([nan, nan,  2.,  2.])
    """
    return _calls.answer("nunique", x, window, options)


def skew(x, window, **options):
    """Skewness of each window, corrected for bias as in pandas; needs 3 values.

    References
    ----------
    .. [1] Joanes, D. N. and Gill, C. A. (1998). Comparing measures of sample skewness and kurtosis.
       The Statistician 47(1), 183-189 (their G1 and, for `kurt`, G2).

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.skew([1.0, 2, 9], window=3).round(2)
    array([ nan,  nan, 1.63])
    """
    return _calls.answer("skew", x, window, options)


def kurt(x, window, **options):
    """Excess kurtosis of each window, corrected for bias as in pandas; needs 4 values.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.kurt([1.0, 2, 3, 9], window=4).round(2)
    array([ nan,  nan,  nan, 3.01])
    """
    return _calls.answer("kurt", x, window, options)


def slope(x, window, **options):
    """Least-squares slope of each window: per row, or per second with `times`.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.slope([1.0, 3, 5, 4], window=3)
    array([nan, nan, 2. , 0.5])
    """
    return _calls.answer("slope", x, window, options)


def autocorr(x, window, *, lag=1, **options):
    """Pearson correlation of each window with itself, `lag` rows later.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.autocorr([1.0, 2, 1, 2, 1], window=5).round(2)
    array([nan, nan, nan, nan, -1.])
    """
    return _calls.answer("autocorr", x, window, options, lag=_arguments.whole_number("lag", lag, 1))


def cov(x, y, window, *, ddof=1, **options):
    """Covariance of two series in each window, over the rows where both are present.

    Parameters
    ----------
    x, window, options
        As for `sum`; `min_periods` counts rows where both are present.
    y : array-like of float, shape (n,) or that of `x`
        The second series, row by row (an index is not looked at).
    ddof : int, default=1
        The divisor is the number of pairs minus `ddof`.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.cov([1.0, 2, 3], [2.0, 4, 6], window=3)
    array([nan, nan,  2.])
    """
    return _calls.answer("cov", x, window, options, y=y, ddof=ddof)


def corr(x, y, window, **options):
    """Pearson correlation of two series in each window; see `cov`.

    NaN where either is constant.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.corr([1.0, 2, 3], [2.0, 4, 5], window=3).round(3)
    array([  nan,   nan, 0.982])
    """
    return _calls.answer("corr", x, window, options, y=y)


def entropy(x, window, *, bins=10, **options):
    """Shannon entropy of the values of each window.

    Parameters
    ----------
    x, window, options
        As for `sum`.
    bins : int, default=10
        Bins of equal width across the range of the window.

    Returns
    -------
    Same kind and shape as `x`
        In nats (natural logarithm); 0 for a constant window.

    References
    ----------
    .. [1] Shannon, C. E. (1948). A mathematical theory of communication. Bell System Technical
       Journal 27, 379-423.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.entropy([0.0, 0, 1, 1], window=4, bins=2).round(3)
    array([  nan,   nan,   nan, 0.693])
    """
    return _calls.answer(
        "entropy", x, window, options, bins=_arguments.whole_number("bins", bins, 1)
    )


def stats(x, window, statistics, *, y=None, **options):
    """Several statistics of the same windows in one pass.

    Parameters
    ----------
    x, window, options
        As for `sum`.
    statistics : list of str or of (str, dict)
        Names of this module; ``"q95"`` is the quantile 0.95; a pair gives parameters, as in
        ``("std", {"ddof": 0})``.
    y : array-like, optional
        The second series of corr and cov.

    Returns
    -------
    dict of ndarray, or a table
        For pandas, Polars and Arrow a table with a column for each statistic; for a table with
        several series, columns ``(column, statistic)`` in pandas, ``column_statistic`` elsewhere.

    Examples
    --------
    >>> from linewatch import rolling
    >>> found = rolling.stats([1.0, 2, 9], 3, ["mean", "median", "q75"])
    >>> {name: float(values[-1]) for name, values in found.items()}
    {'mean': 4.0, 'median': 2.0, 'q75': 5.5}
    """
    if isinstance(statistics, str) or not np.iterable(statistics):
        raise TypeError(
            f'statistics must be a list of names such as ["mean", "q95"], got {statistics!r}'
        )
    named = {}
    for statistic in statistics:
        name, kernel, parameters = _calls.named_statistic(statistic)
        if name in named:
            raise ValueError(f"statistics names {name!r} twice")
        named[name] = (kernel, parameters)
    if not named:
        raise ValueError("statistics must name at least one statistic, got none")
    call = _calls.Call(x, window, options, y=y)
    return call.wrap_many(dict(zip(named, call.run(list(named.values())), strict=True)))


def seasonal(x, statistic="mean", *, window, keys=None, times=None, groups=None, **options):
    """A statistic over the latest rows of the same season, such as the same hour of the week.

    Parameters
    ----------
    x : array-like of float, shape (n,) or (n, n_series)
        Rows in time order.
    statistic : str or list of str, default="mean"
        As for `stats`; mean, std, median, mad and zscore are usual.
    window : int
        How many rows of the same season count: 4 is the last four weeks of that hour.
    keys : array-like, optional
        The season of each row; by default the hour of the week (UTC, or that of times without a
        zone).
    times : array-like of times, optional
        Needed without `keys`, unless `x` has an index of times.
    groups : array-like or list of these, optional
        Keys of series, such as cells.
    **options
        As for `sum`: `min_periods`, `include_current`, `n_jobs` and so on.

    Returns
    -------
    Same kind and shape as `x`; for a list of statistics as `stats`.

    Examples
    --------
    Monday and Tuesday, three weeks long; the third Tuesday drops.

    >>> from linewatch import rolling
    >>> calls = [10.0, 20, 11, 21, 12, 5]
    >>> day = ["mon", "tue", "mon", "tue", "mon", "tue"]
    >>> rolling.seasonal(calls, "mean", window=2, keys=day, include_current=False)
    array([ nan,  nan,  nan,  nan, 10.5, 20.5])
    """
    series = _edge.series(x)
    n = _calls.length_of(series, options)
    if keys is None:
        times = series.times if times is None else times
        if times is None:
            raise ValueError(
                "keys must be given, or times to make hours of the week from, got neither"
            )
        stamps, unit = _edge.times(times, n)
        if unit is None:
            raise TypeError(
                "times must be times to make hours of the week from, got whole numbers (give keys)"
            )
        # Which hour of the week counts as the first does not matter.
        keys = stamps // 3_600_000_000_000 % 168
    codes = _edge.codes(keys, n, "keys")
    if groups is not None:
        cells = _edge.codes(groups, n)
        both = _edge.codes([cells, codes], n)
        codes = np.where((cells < 0) | (codes < 0), -1, both)
    groups = codes
    window = _arguments.whole_number("window", window, 1)
    if isinstance(statistic, str):
        _, kernel, parameters = _calls.named_statistic(statistic)
        call = _calls.Call(series, window, {**options, "groups": groups})
        return call.wrap(call.run([(kernel, parameters)])[0])
    return stats(series, window, statistic, groups=groups, **options)


def ewm_mean(x, **options):
    """Exponentially weighted mean of the values up to each row.

    Parameters
    ----------
    x : array-like of float, shape (n,) or (n, n_series)
        Rows in time order; NaN and null are missing.
    com, span, halflife, alpha : float
        How weights fade, exactly one of them: alpha is the weight of the newest value,
        1 / (1 + com), 2 / (span + 1) or 1 - 0.5 ** (1 / halflife). With `times`, `halflife` is a
        span of time such as ``"5s"``.
    adjust : bool, default=True
        Divide by the weights so far, rather than take the first value for all before it.
    ignore_na : bool, default=False
        Let weights fade with values only, not with missing rows.
    min_periods : int, default=0
        Values needed for an answer; at least 1.
    times : array-like of times, optional
        A time for each row, not decreasing.
    groups, axis, infinity, n_jobs, progress
        See the module.

    Returns
    -------
    Same kind and shape as `x`

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.ewm_mean([1.0, 4, 7], alpha=0.5, adjust=False)
    array([1.  , 2.5 , 4.75])
    """
    return _calls.ewm_answer("mean", x, options)


def ewm_sum(x, **options):
    """Exponentially weighted sum; see `ewm_mean`.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.ewm_sum([1.0, 4, 7], alpha=0.5)
    array([1.  , 4.5 , 9.25])
    """
    return _calls.ewm_answer("sum", x, options)


def ewm_var(x, *, bias=False, **options):
    """Exponentially weighted variance; see `ewm_mean`.

    `bias` leaves it uncorrected for the number of values.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.ewm_var([1.0, 4, 7], alpha=0.5).round(3)
    array([  nan, 4.5  , 8.357])
    """
    return _calls.ewm_answer("var", x, options, bias=bias)


def ewm_std(x, *, bias=False, **options):
    """Exponentially weighted standard deviation; see `ewm_var`.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.ewm_std([1.0, 4, 7], alpha=0.5).round(3)
    array([  nan, 2.121, 2.891])
    """
    return _calls.ewm_answer("std", x, options, bias=bias)


def ewm_cov(x, y, *, bias=False, **options):
    """Exponentially weighted covariance of two series; see `ewm_var`.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.ewm_cov([1.0, 4, 7], [2.0, 8, 14], alpha=0.5).round(3)
    array([   nan,  9.   , 16.714])
    """
    return _calls.ewm_answer("cov", x, options, y=y, bias=bias)


def ewm_corr(x, y, **options):
    """Exponentially weighted correlation of two series; see `ewm_mean`.

    Examples
    --------
    >>> from linewatch import rolling
    >>> rolling.ewm_corr([1.0, 4, 7], [2.0, 8, 14], alpha=0.5)
    array([nan,  1.,  1.])
    """
    return _calls.ewm_answer("corr", x, options, y=y)


class Cusum(NamedTuple):
    """What `cusum` finds."""

    upper: object
    """Sum of deviations upwards, in standard deviations."""
    lower: object
    """Sum of deviations downwards, in standard deviations."""
    alarm: object
    """1 where `upper` passes the threshold, -1 where `lower` does, else 0."""


def cusum(x, *, k=0.5, h=5.0, window=None, mean=None, std=None, reset=True, **options):
    """Cumulative sums of deviations from a baseline: small shifts that last.

    ``upper = max(0, upper + z - k)`` and ``lower = max(0, lower - z - k)``, where `z` is the
    distance from the baseline in its standard deviations.

    Parameters
    ----------
    x : array-like of float, shape (n,) or (n, n_series)
        Rows in time order. A missing value leaves the sums as they are.
    k : float, default=0.5
        Allowance: deviations up to this many standard deviations count for nothing.
    h : float, default=5.0
        Threshold in standard deviations.
    window : int, span of time or "expanding", optional
        The baseline is the rows before the current one, as for `sum`.
    mean, std : float or array-like of the shape of `x` or (n_series,), optional
        A baseline of your own, instead of `window`: one for all, for each row or each series.
    reset : bool, default=True
        Whether an alarm sets its sum back to 0, after the row that shows it.
    **options
        As for `sum`; with a baseline of your own `groups`, `axis` and `n_jobs`.

    Returns
    -------
    Cusum
        `upper`, `lower` and `alarm`, each of the kind and shape of `x`.

    References
    ----------
    .. [1] Page, E. S. (1954). Continuous inspection schemes. Biometrika 41(1/2), 100-115.

    Examples
    --------
    >>> from linewatch import rolling
    >>> found = rolling.cusum([0.0, 0, 2, 2, 2, 2], mean=0.0, std=1.0, h=5.0)
    >>> found.upper
    array([0. , 0. , 1.5, 3. , 4.5, 6. ])
    >>> found.alarm
    array([0., 0., 0., 0., 0., 1.])
    """
    for name, value in (("k", k), ("h", h)):
        _arguments.check_number(name, value, "finite and not negative", lambda v: 0 <= v < np.inf)
    reset = _arguments.check_flag("reset", reset)
    given = mean is not None and std is not None
    if given == (window is not None) or (mean is None) != (std is None):
        raise ValueError("give either window, or mean and std, as the baseline of cusum")
    series = _edge.series(x)
    if given:
        usual = _calls.Options._field_defaults
        idle = [o for o in options if o in _OF_WINDOWS and options[o] is not usual[o]]
        if idle:
            raise TypeError(f"{idle[0]} is for windows; leave it out with mean and std")
        call = _calls.Call(series, "expanding", options)
        mean, std = (_baseline(name, v, call) for name, v in (("mean", mean), ("std", std)))
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(std > 0, (call.values - mean) / std, np.nan).astype(call.values.dtype)
    else:
        call = _calls.Call(series, window, {"include_current": False, **options}, at_least=2)
        z = call.run([("zscore", {})])[0]
    answers = _core.cusum(
        z, k=float(k), h=float(h), reset=reset, groups=call.groups, n_jobs=call.n_jobs
    )
    return Cusum(*(call.wrap(answer) for answer in map(call.turn, answers)))


_OF_WINDOWS = (
    "center",
    "closed",
    "include_current",
    "infinity",
    "min_periods",
    "progress",
    "step",
    "times",
)


def _baseline(name, value, call):
    """A baseline of cusum as the kernels take it: a number, or an array beside `call.values`."""
    if not np.ndim(value):
        _arguments.check_number(name, value, "a number or an array of numbers", lambda v: True)
        return float(value)
    found = _edge.series(value, name).values
    expected = [call.turn(call.values).shape, call.values.shape[1:]][: call.values.ndim]
    if found.shape not in expected:
        shapes = " or ".join(map(str, expected))
        raise ValueError(f"{name} must be a number or of shape {shapes}, got shape {found.shape}")
    return call.turn(found) if found.ndim == 2 else found
