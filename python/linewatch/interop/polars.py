"""Rolling statistics and features of windows as Polars expressions: ``pl.col("prb").lw``.

Importing this module registers the namespace ``lw`` on expressions and on series. Expressions run
inside the Polars engine, with no Python in between: in eager and lazy frames, in the streaming
engine, in ``over`` and in ``group_by().agg()``. They compute what `linewatch.rolling` and
`linewatch.wavelet.features` compute; a null and a NaN are missing, and where there is no answer
there is a null.

Examples
--------
Two cells, a window for each.

>>> import polars as pl
>>> import linewatch.polars  # registers pl.Expr.lw and pl.Series.lw
>>> prb = pl.DataFrame({"cell": ["a", "b"] * 3, "prb": [10.0, 70, 14, 74, 12, 72]})
>>> prb.select(pl.col("prb").lw.rolling_mean(2).over("cell"))["prb"].to_list()
[None, None, 12.0, 72.0, 13.0, 73.0]

With many small groups, `groups` is faster than ``over``: it calls the kernel once for all of them.

>>> prb.select(pl.col("prb").lw.rolling_mean(2, groups="cell"))["prb"].to_list()
[None, None, 12.0, 72.0, 13.0, 73.0]
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from polars.plugins import register_plugin_function

from linewatch import _rolling_calls, rolling
from linewatch._arguments import check_choice, check_flag, check_number, whole_number
from linewatch.interop import _polars_plugin
from linewatch.interop._polars_plugin import expression
from linewatch.interop.polars_features import Features

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Literal

    from linewatch._typing import Expression, Keys, Window


__all__ = ["Expressions", "Statistics"]

_POSITIONAL = inspect.Parameter.POSITIONAL_OR_KEYWORD
_KEYWORD = inspect.Parameter.KEYWORD_ONLY

_OPTIONS = {
    "min_periods": None,
    "center": False,
    "closed": None,
    "include_current": True,
    "by": None,
    "groups": None,
    "infinity": "missing",
    "n_jobs": 1,
}

_DOCUMENTATION = """{summary}

Its own parameters are those of `linewatch.rolling.{name}`.

Parameters
----------
{other}window : int, str, timedelta or "expanding"
    Rows in a window, the current one included; or a span of time such as "5s", which needs
    `by`; or all rows so far.
min_periods : int, optional
    Values that must be present for an answer: by default `window`, and 1 for a span of time
    and "expanding".
center : bool, default=False
    Whether the row is in the middle of its window rather than at its end.
closed : {{"right", "left", "both", "neither"}}, optional
    Which ends belong to a window; "right" by default.
include_current : bool, default=True
    Whether the row is in its own window. Without it a value is held against the rows before.
by : {kind}, optional
    A time for each row, not decreasing: Datetime or Date, or whole numbers for `slope`.
groups : {kind} or list of them, optional
    Keys of groups; each has windows of its own. A row without a key has no answer.
infinity : {{"missing", "ieee"}}, default="missing"
    Whether an infinite value is missing, or takes part and is forgotten with its window.
n_jobs : int, default=1
    Threads to use. Polars already computes several expressions at once.

Returns
-------
{returns}
    Float32 for Float32, otherwise Float64. Null where fewer than `min_periods` values are
    present or the statistic is not defined.

See Also
--------
linewatch.rolling.{name} : The definition, its sources, and what it raises.
"""


def _rolling(x, statistics, window, *, other=None, many=False, by=None, **options):
    """The expression of some statistics, each a field, a name and its own parameters."""
    least = 2 if any(name == "zscore" for _, name, _ in statistics) else 1
    length, is_span = _rolling_calls.window_of(window, least)
    if is_span and by is None:
        raise ValueError(
            f"by must be given, one time for each row, when window is a span of time ({window!r})"
        )
    return _plugin(
        x,
        statistics,
        other=other,
        by=by,
        many=many,
        rows=length if isinstance(length, int) else None,
        span=length[1] if is_span else None,
        **options,
    )


def _plugin(
    x,
    statistics,
    *,
    other=None,
    by=None,
    groups=None,
    min_periods=None,
    center=False,
    closed=None,
    include_current=True,
    infinity="missing",
    n_jobs=1,
    **options,
):
    if closed is not None:
        check_choice("closed", closed, ("right", "left", "both", "neither"))
    check_choice("infinity", infinity, ("missing", "ieee"))
    if min_periods is not None:
        min_periods = whole_number("min_periods", min_periods, 0)
    options |= {
        "statistics": [(field, name, _plain(own)) for field, name, own in statistics],
        "pair": other is not None,
        "timed": by is not None,
        "min_periods": min_periods,
        "center": check_flag("center", center),
        "closed": closed,
        "without_current": not check_flag("include_current", include_current),
        "ieee": infinity == "ieee",
        "n_jobs": _polars_plugin.threads(n_jobs),
    }
    return register_plugin_function(
        plugin_path=_polars_plugin.library(),
        function_name="rolling",
        args=[
            x,
            *(expression(column) for column in (other, by) if column is not None),
            *_polars_plugin.keys(groups),
        ],
        # Read once for each group of an `over`: the shorter, the faster.
        kwargs={k: v for k, v in options.items() if v is not None and v is not False},
        # A window reads other rows, so none of these may ever be true.
        is_elementwise=False,
        changes_length=False,
        returns_scalar=False,
    )


def _port_text(port, protocol, what, registry):
    """The expression of what is known of ports."""
    check_choice("registry", registry, ("full", "literal"))
    return register_plugin_function(
        plugin_path=_polars_plugin.library(),
        function_name="port_text",
        # Categories become their texts, and numbers too; a number that is no port becomes null.
        args=[port.cast(pl.Int32, strict=False), expression(protocol).cast(pl.String)],
        kwargs={"what": what, "literal": registry == "literal"},
        # A row needs no other.
        is_elementwise=True,
    )


def _known(options, known, others=()):
    """Refuse an option that a method has not."""
    unknown = [name for name in options if name not in known]
    if unknown:
        expected = ", ".join((*others, *(name for name in known if name != "other")))
        raise TypeError(f"there is no option {unknown[0]!r}; the options are {expected}")


def _named(statistics):
    """Fields, names and parameters of several statistics, each asked for once."""
    if isinstance(statistics, str) or not np.iterable(statistics):
        raise TypeError(
            f'statistics must be a list of names such as ["mean", "q95"], got {statistics!r}'
        )
    named = [_rolling_calls.named_statistic(statistic) for statistic in statistics]
    fields = [field for field, _, _ in named]
    twice = [field for field in fields if fields.count(field) > 1]
    if twice:
        raise ValueError(f"statistics names {twice[0]!r} twice")
    if not named:
        raise ValueError("statistics must name at least one statistic, got none")
    return named


def _plain(own):
    """Parameters without NumPy's scalars, which only NumPy can unpickle."""
    return {k: v.item() if isinstance(v, np.generic) else v for k, v in own.items()}


def _methods(kind, returns):
    """Gives a namespace `rolling_<statistic>` for every statistic of `linewatch.rolling`."""

    def decorate(namespace):
        for name, function in _statistics():
            method = _method(name, function)
            method.__qualname__ = f"{namespace.__name__}.{method.__name__}"
            method.__doc__ = _DOCUMENTATION.format(
                name=name,
                summary=inspect.getdoc(function).split("\n", 1)[0],
                other=f"other : {kind}\n    The second column.\n" * ("other" in method.names),
                kind=kind,
                returns=returns,
            )
            setattr(namespace, method.__name__, method)
        return namespace

    return decorate


def _statistics():
    """The functions of `linewatch.rolling` that give one statistic of a window."""
    for name in rolling.__all__:
        function = getattr(rolling, name)
        parameters = inspect.signature(function).parameters
        window = parameters.get("window")
        if window and window.kind == _POSITIONAL and "statistics" not in parameters:
            yield name, function


def _method(name, function):
    parameters = list(inspect.signature(function).parameters.values())
    own = [p.name for p in parameters if p.name not in ("x", "y", "window", "options")]
    # Apart from `self`, the series is the one the namespace belongs to, and `y` is `other`.
    renamed = {"x": "self", "y": "other"}
    parameters = [p.replace(name=renamed.get(p.name, p.name)) for p in parameters[:-1]]
    parameters += [inspect.Parameter(o, _KEYWORD, default=d) for o, d in _OPTIONS.items()]
    signature = inspect.Signature(parameters)

    def method(*args, **kwargs):
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(
                f"rolling_{name}: {error}; its arguments are {', '.join(list(method.names)[1:])}"
            ) from None
        given = bound.arguments
        self = given.pop("self")
        return self._rolling(name, {p: given.pop(p) for p in own if p in given}, **given)

    method.__name__ = f"rolling_{name}"
    method.__signature__ = signature
    method.names = signature.parameters
    return method


@pl.api.register_expr_namespace("lw")
@_methods("expression or column name", "Expr")
class Expressions(Features):
    """Rolling statistics and features of windows of an expression.

    Examples
    --------
    >>> import polars as pl
    >>> import linewatch.polars
    >>> frame = pl.DataFrame({"prb": [10.0, 12, 11, 50]})
    >>> score = pl.col("prb").lw.rolling_zscore(3, include_current=False)
    >>> frame.select(score.round(1))["prb"].to_list()
    [None, None, None, 39.0]
    """

    if TYPE_CHECKING:
        # `rolling_mean` and the others, which `_methods` gives it.
        def __getattr__(self, name: str) -> Callable[..., pl.Expr]: ...

    def __init__(self, expr: pl.Expr) -> None:
        self._expr = expr

    def port_service(
        self, protocol: Expression, *, registry: Literal["full", "literal"] = "full"
    ) -> pl.Expr:
        """Names of the services of ports, from the registry of IANA.

        Parameters
        ----------
        protocol : expression or column name
            Protocols as text of any case, or as numbers; ``pl.lit("TCP")`` is one for all.
        registry : {"full", "literal"}, default="full"
            As `linewatch.flow.classify_ports` has it.

        Returns
        -------
        Expr
            String, null where there is none.

        See Also
        --------
        linewatch.flow.port_service : The same for arrays and Series.

        Examples
        --------
        >>> import polars as pl
        >>> import linewatch.interop.polars
        >>> flows = pl.DataFrame({"dp": [443, 8805], "pr": ["TCP", "UDP"]})
        >>> flows.select(pl.col("dp").lw.port_service("pr"))["dp"].to_list()
        ['https', 'pfcp']
        """
        return _port_text(self._expr, protocol, "service", registry)

    def port_category(self, protocol: Expression) -> pl.Expr:
        """What ports are used for in practice; see `linewatch.flow.port_category`.

        Parameters
        ----------
        protocol : expression or column name
            As for `port_service`.

        Returns
        -------
        Expr
            String, null where there is none.

        Examples
        --------
        >>> import polars as pl
        >>> import linewatch.interop.polars
        >>> flows = pl.DataFrame({"dp": [443, 8805], "pr": ["TCP", "UDP"]})
        >>> flows.select(pl.col("dp").lw.port_category("pr"))["dp"].to_list()
        ['web', 'mobile core']
        """
        return _port_text(self._expr, protocol, "category", "full")

    def port_class(self) -> pl.Expr:
        """The class of ports by RFC 6335; see `linewatch.flow.port_class`.

        Returns
        -------
        Expr
            ``system``, ``user`` or ``dynamic``, null for what is no port.

        Examples
        --------
        >>> import polars as pl
        >>> import linewatch.interop.polars
        >>> pl.DataFrame({"dp": [443, 50_000]}).select(pl.col("dp").lw.port_class())["dp"].to_list()
        ['system', 'dynamic']
        """
        return _port_text(self._expr, pl.lit("TCP"), "class", "full")

    def _rolling(self, name, own, window, **options):
        levels = own.get("q")
        if isinstance(levels, list | tuple | np.ndarray):
            fields = [(f"q{100 * q:.15g}", name, {**own, "q": q}) for q in levels]
            if len({field for field, _, _ in fields}) < len(fields):
                raise ValueError(
                    f"q must hold different numbers for a struct of fields, got {list(levels)!r}"
                )
            return _rolling(self._expr, fields, window, many=True, **options)
        return _rolling(self._expr, [(name, name, own)], window, **options)

    def rolling_stats(
        self,
        window: Window,
        statistics: Sequence[str | tuple[str, dict[str, Any]]],
        *,
        other: Expression | None = None,
        **options: Any,
    ) -> pl.Expr:
        """Several statistics of each window in one pass.

        Parameters
        ----------
        window, **options
            As for `rolling_mean`.
        statistics : list of str or of (str, dict)
            Names; "q95" is the quantile 0.95; a pair gives parameters, as in
            ``("std", {"ddof": 0})``.
        other : expression or column name, optional
            The second column of corr and cov.

        Returns
        -------
        Expr
            A struct with a field for each of them, in their order.

        Examples
        --------
        >>> import polars as pl
        >>> import linewatch.interop.polars
        >>> prb = pl.DataFrame({"prb": [10.0, 14, 12, 70]})
        >>> prb.select(pl.col("prb").lw.rolling_stats(3, ["median", "max"])).unnest("prb").rows()
        [(None, None), (None, None), (12.0, 14.0), (14.0, 70.0)]
        """
        _known(options, _OPTIONS)
        wanted = _named(statistics)
        return _rolling(self._expr, wanted, window, other=other, many=True, **options)

    def seasonal(
        self,
        statistic: str | Sequence[str] = "mean",
        *,
        window: int,
        keys: Expression | None = None,
        by: Expression | None = None,
        groups: Keys | None = None,
        **options: Any,
    ) -> pl.Expr:
        """A statistic over the latest rows of the same season, such as the same hour of the week.

        Parameters
        ----------
        statistic : str or list of str, default="mean"
            As for `rolling_stats`.
        window : int
            How many rows of the same season count: 4 is the last four weeks of that hour.
        keys : expression or column name, optional
            The season of each row; by default the hour of the week of `by`, in UTC.
        by : expression or column name, optional
            Times, needed without `keys`.
        groups, **options
            As for `rolling_mean`.

        Returns
        -------
        Expr
            A struct for a list of statistics.

        See Also
        --------
        linewatch.rolling.seasonal : The definition.

        Examples
        --------
        >>> import polars as pl
        >>> import linewatch.interop.polars
        >>> calls = pl.DataFrame({"day": ["mon", "tue"] * 3, "n": [10.0, 20, 11, 21, 12, 5]})
        >>> mean = pl.col("n").lw.seasonal(window=2, keys="day", include_current=False)
        >>> calls.select(mean)["n"].to_list()
        [None, None, None, None, 10.5, 20.5]
        """
        if keys is None:
            if by is None:
                raise ValueError("keys must be given, or by to make hours of the week from")
            keys = expression(by).dt.epoch("s") // 3600 % 168
        _known(options, _OPTIONS)
        others = groups if isinstance(groups, list | tuple) else [groups]
        window = whole_number("window", window, 1)
        return _rolling(
            self._expr,
            _named([statistic] if isinstance(statistic, str) else statistic),
            window,
            many=not isinstance(statistic, str),
            groups=[keys, *others],
            **options,
        )

    def ewm_mean(self, **options: Any) -> pl.Expr:
        """Exponentially weighted mean of the values up to each row.

        Parameters
        ----------
        com, span, halflife, alpha : float
            How weights fade, exactly one of them. With `by`, `halflife` is a span of time such as
            "5s".
        adjust : bool, default=True
            Divide by the weights so far, rather than take the first value for all before it.
        ignore_na : bool, default=False
            Let weights fade with values only, not with missing rows.
        min_periods : int, default=0
            Values needed for an answer; at least 1.
        by, groups, infinity, n_jobs
            As for `rolling_mean`.

        Returns
        -------
        Expr

        See Also
        --------
        linewatch.rolling.ewm_mean : The definition.

        Examples
        --------
        >>> import polars as pl
        >>> import linewatch.interop.polars
        >>> prb = pl.DataFrame({"prb": [1.0, 4, 7]})
        >>> prb.select(pl.col("prb").lw.ewm_mean(alpha=0.5, adjust=False))["prb"].to_list()
        [1.0, 2.5, 4.75]
        """
        return self._ewm("mean", **options)

    def ewm_sum(self, **options: Any) -> pl.Expr:
        """Exponentially weighted sum; see `ewm_mean`."""
        return self._ewm("sum", **options)

    def ewm_var(self, *, bias: bool = False, **options: Any) -> pl.Expr:
        """Exponentially weighted variance, corrected unless `bias`; see `ewm_mean`."""
        return self._ewm("var", bias=bias, **options)

    def ewm_std(self, *, bias: bool = False, **options: Any) -> pl.Expr:
        """Exponentially weighted standard deviation; see `ewm_var`."""
        return self._ewm("std", bias=bias, **options)

    def ewm_cov(self, other: Expression, *, bias: bool = False, **options: Any) -> pl.Expr:
        """Exponentially weighted covariance with `other`; see `ewm_var`."""
        return self._ewm("cov", other=other, bias=bias, **options)

    def ewm_corr(self, other: Expression, **options: Any) -> pl.Expr:
        """Exponentially weighted correlation with `other`; see `ewm_mean`."""
        return self._ewm("corr", other=other, **options)

    def _ewm(
        self,
        name,
        *,
        com=None,
        span=None,
        halflife=None,
        alpha=None,
        adjust=True,
        ignore_na=False,
        bias=False,
        by=None,
        **options,
    ):
        others = ("min_periods", "groups", "infinity", "n_jobs", "other")
        _known(options, others, ("com, span, halflife, alpha, adjust, ignore_na, by",))
        how = {"com": com, "span": span, "halflife": halflife, "alpha": alpha}
        alpha, halflife_s = _rolling_calls.alpha_of(how, by is not None)
        if name == "sum" and not adjust:
            raise ValueError(
                "adjust must be True for ewm_sum, whose weights are not divided by anything"
            )
        fading = {
            "alpha": float(alpha),
            "halflife_s": halflife_s,
            "adjust": check_flag("adjust", adjust),
            "ignore_na": check_flag("ignore_na", ignore_na),
            "bias": check_flag("bias", bias),
        }
        return _plugin(self._expr, [(name, name, {})], by=by, ewm=fading, **options)

    def cusum(
        self,
        *,
        k: float = 0.5,
        h: float = 5.0,
        window: Window | None = None,
        mean: float | Expression | None = None,
        std: float | Expression | None = None,
        reset: bool = True,
        groups: Keys | None = None,
        **options: Any,
    ) -> pl.Expr:
        """Cumulative sums of deviations from a baseline: small shifts that last.

        Parameters
        ----------
        k : float, default=0.5
            Allowance: deviations up to this many standard deviations count for nothing.
        h : float, default=5.0
            Threshold in standard deviations.
        window : int, span of time or "expanding", optional
            The baseline is the rows before the current one.
        mean, std : float, expression or column name, optional
            A baseline of your own, instead of `window`.
        reset : bool, default=True
            Whether an alarm sets its sum back to 0, after the row that shows it.
        groups, **options
            As for `rolling_mean`.

        Returns
        -------
        Expr
            A struct of `upper`, `lower` and `alarm`, which is 1, 0 or -1.

        See Also
        --------
        linewatch.rolling.cusum : The definition.

        Examples
        --------
        >>> import polars as pl
        >>> import linewatch.interop.polars
        >>> level = pl.DataFrame({"x": [0.0, 0, 2, 2, 2, 2]})
        >>> found = level.select(pl.col("x").lw.cusum(mean=0.0, std=1.0)).unnest("x")
        >>> found["alarm"].to_list()
        [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]
        """
        for name, value in (("k", k), ("h", h)):
            check_number(name, value, "finite and not negative", lambda v: 0 <= v < float("inf"))
        given = mean is not None and std is not None
        if given == (window is not None) or (mean is None) != (std is None):
            raise ValueError("give either window, or mean and std, as the baseline of cusum")
        if given:
            _known(options, ("n_jobs",), ("k, h, mean, std, reset, groups",))
            std = expression(std) if not isinstance(std, int | float) else pl.lit(std)
            z = pl.when(std > 0).then((self._expr - expression(mean)) / std)
        else:
            _known(options, _OPTIONS)
            options = {"include_current": False, **options}
            z = self._rolling("zscore", {}, window, groups=groups, **options)
        fields = [(name, name, {}) for name in ("upper", "lower", "alarm")]
        alarm = {"k": float(k), "h": float(h), "reset": check_flag("reset", reset)}
        threads = {"n_jobs": options["n_jobs"]} if "n_jobs" in options else {}
        return _plugin(z, fields, many=True, groups=groups, cusum=alarm, **threads)


@pl.api.register_series_namespace("lw")
@_methods("Series", "Series")
class Statistics:
    """Rolling statistics of a series, by `linewatch.rolling`.

    Examples
    --------
    >>> import polars as pl
    >>> import linewatch.polars
    >>> pl.Series([10.0, 12, 11, 50]).lw.rolling_median(3).to_list()
    [None, None, 11.0, 12.0]
    """

    def __init__(self, series: pl.Series) -> None:
        self._series = series

    def _rolling(self, name, own, window, *, other=None, by=None, **options):
        pair = {} if other is None else {"y": other}
        options |= {"window": window, "times": by}
        return getattr(rolling, name)(self._series, **pair, **own, **options)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or name.removeprefix("rolling_") not in rolling.__all__:
            raise AttributeError(f"a series has no lw.{name}")
        function = getattr(rolling, name.removeprefix("rolling_"))

        def method(*args, other=None, by=None, **options):
            options |= {"y": other} if other is not None else {}
            options |= {"times": by} if by is not None else {}
            return function(self._series, *args, **options)

        return method
