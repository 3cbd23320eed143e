"""Rolling statistics of every key, however many rows it has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from linewatch import _edge
from linewatch._arguments import quoted, whole_number
from linewatch._rolling_calls import Call, Options, named_statistic
from linewatch.spark import _session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Options of linewatch.rolling that make sense where the frame says what the rows are.
OPTIONS = ("min_periods", "center", "closed", "include_current", "infinity")
PIECE, CONTEXT = "linewatch_piece", "linewatch_context"


def rolling(
    df: DataFrame,
    by: str | Sequence[str],
    on: str,
    window: Any,
    stats: str | Sequence[Any],
    *,
    columns: str | Sequence[str] | None = None,
    keep: str | Sequence[str] | None = None,
    split: Any = None,
    rows_in_memory: int = 1_000_000,
    **options: Any,
) -> DataFrame:
    """Rolling statistics of every key in time order, as `linewatch.rolling.stats` gives them.

    Spark brings the rows of a key together and sorts them, on disk where they are many; workers
    take them in batches, many small keys at a time, and hold no more than a part of a large one.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
    by : str or list of str
        Columns that name a series, such as the cell. Where one is null there are no answers.
    on : str
        The time of a row: timestamps, dates or whole numbers, none missing. Rows of a key with
        equal times are taken in the order of their values, so that the answer does not depend on
        where they lay.
    window : int, span of time or "expanding"
        As for `linewatch.rolling`; a span such as ``"1h"`` is measured on `on`.
    stats : str or list
        As for `linewatch.rolling.stats`: ``["mean", "q95", ("std", {"ddof": 0})]``; not ``corr``
        and ``cov``, which have two series.
    columns : str or list of str, optional
        Columns of numbers to go through; by default all but `by`, `on` and `keep`.
    keep : str or list of str, optional
        Other columns of the answer, such as the values themselves.
    split : int or span of time, optional
        Cut long series into pieces that tasks can take apart: of so many rows for a window of
        rows, of so much time for a window of time, at least twice the window. Each piece is given
        the end of the one before. For a few keys with very many rows.
    rows_in_memory : int, default=1,000,000
        A key with more rows than this is answered in parts, for which a worker holds about twice
        as many rows, or twice the window if that is more. Centred and expanding windows need all
        rows of a key.
    **options
        ``min_periods``, ``center``, ``closed``, ``include_current`` and ``infinity`` of
        `linewatch.rolling`.

    Returns
    -------
    pyspark.sql.DataFrame
        `by`, `on`, `keep` and ``column_statistic`` for each column and statistic, null where
        there is no answer. The rows are those of `df`.

    Raises
    ------
    ValueError, TypeError
        If a column is missing or of another type, or an option is not what is said here; before
        any job starts.
    ModuleNotFoundError, ImportError
        If PySpark is missing, or older than 4.

    Notes
    -----
    A key that fits in `rows_in_memory` gives the numbers of one machine to the last bit. In
    larger ones, and with `split`, pieces begin where the blocks of the kernels do, so that this
    holds for windows of rows as well, but for skew, kurt, slope and autocorr, whose last digits
    (1e-12) depend on the first row, and for ``closed="both"``. Windows of time then agree to 1e-12
    in sums, moments and entropy; in counts, extremes and quantiles to the last bit.

    Examples
    --------
    >>> import linewatch as lw
    >>> lw.spark.rolling(
    ...     kpis, "cell", "time", 96, ["mean", "zscore"], columns="traffic", include_current=False
    ... ).columns  # doctest: +SKIP
    ['cell', 'time', 'traffic_mean', 'traffic_zscore']
    """
    _session.frame(df)
    from pyspark.sql import types as T

    if df.isStreaming:
        raise ValueError("df is a stream; linewatch.spark.stream keeps the states of one")
    by = _session.listed("by", by, at_least=1)
    keep = [] if keep is None else _session.listed("keep", keep)
    if not isinstance(on, str):
        raise TypeError(f"on must be a column name, got {on!r}")
    _session.known(df, "by", by)
    _session.known(df, "on", [on])
    _session.known(df, "keep", keep)
    if on in by:
        raise ValueError(f'on and by name the same column "{on}"')
    keep = [name for name in keep if name not in (*by, on)]
    if columns is None:
        left_out = {*by, on, *keep}
        columns = _session.number_columns(df, left_out)
        if not columns:
            raise ValueError(f"the frame has no numbers; it has {quoted(df.columns)}")
    columns = _session.listed("columns", columns, at_least=1)
    _session.known(df, "columns", columns)
    _session.numbers(df, "columns", columns)

    times = _session.kind(df, on)
    is_time = isinstance(times, T.TimestampType | T.TimestampNTZType | T.DateType)
    if not is_time and not isinstance(times, T.IntegralType):
        raise TypeError(
            f'on: column "{on}" has type {times.simpleString()}; expected timestamps, dates or '
            "whole numbers"
        )
    span = _checked(window, stats, options, is_time, on)
    names = [stats] if isinstance(stats, str) else list(stats)
    single = all(isinstance(_session.kind(df, name), T.FloatType) for name in columns)
    dtype = T.FloatType() if single else T.DoubleType()
    made = [f"{name}_{named_statistic(statistic)[0]}" for name in columns for statistic in names]
    given = [*by, on, *keep]
    for name in made:
        if name in given or made.count(name) > 1:
            raise ValueError(f'column "{name}" would be written twice; rename it in the frame')
    schema = T.StructType(
        [*(df.schema[name] for name in given), *(T.StructField(name, dtype) for name in made)]
    )

    needed = list(dict.fromkeys([*given, *columns]))
    rows = df.select([_session.column(name) for name in needed])
    unordered = T.MapType | T.VariantType
    values = [c for c in (*columns, *keep) if not isinstance(_session.kind(df, c), unordered)]
    order = [_session.column(name) for name in dict.fromkeys([on, *values])]
    keys = [_session.column(name) for name in by]
    bounded = window != "expanding" and not options.get("center")
    if split is not None:
        if not bounded:
            raise ValueError("split is for windows that end at the current row")
        rows = _pieces(rows, keys, on, order, window, span, split, times)
        keys = [*keys, _session.column(PIECE)]
    plan = {
        "by": by,
        "on": on,
        "keep": keep,
        "columns": columns,
        "window": window,
        "span": span,
        "stats": names,
        "made": made,
        "options": options,
        "bounded": bounded,
        "split": split is not None,
        "rows_in_memory": whole_number("rows_in_memory", rows_in_memory, 1),
    }
    rows = rows.repartition(*keys).sortWithinPartitions(*keys, *order)
    return _session.mapped(rows, _session.task("rolling", plan), schema)


def _checked(
    window: Any, stats: Any, options: dict[str, Any], is_time: bool, on: str
) -> int | None:
    """The window in nanoseconds if it is a span; what is wrong is said before a job starts."""
    unknown = [name for name in options if name not in OPTIONS]
    if unknown:
        known = ", ".join(OPTIONS)
        why = " (linewatch.spark sets it)" if unknown[0] in Options._fields else ""
        raise TypeError(f"there is no option {unknown[0]!r}{why}; the options are {known}")
    if not isinstance(stats, str | Sequence) or not stats:
        raise TypeError(f'stats must be a list of names such as ["mean", "q95"], got {stats!r}')
    for statistic in [stats] if isinstance(stats, str) else stats:
        name = named_statistic(statistic)[1]
        if name in ("corr", "cov"):
            raise ValueError(f"{name} has two series; use applyInArrow with linewatch.rolling")
    is_rows = isinstance(window, int) and not isinstance(window, bool)
    span = None if is_rows or window == "expanding" else _edge.span(window)
    if span is not None and not is_time:
        raise TypeError(
            f"window is a span of time ({window!r}), which needs timestamps, but on names whole "
            f'numbers ("{on}")'
        )
    # The kernels look at the rest, on no rows.
    import numpy as np

    from linewatch import rolling as local

    times = {} if span is None else {"times": np.empty(0, "datetime64[us]")}
    names = [stats] if isinstance(stats, str) else stats
    local.stats(np.empty(0), window, names, n_jobs=1, **times, **options)
    Call(np.empty(0), window, {**times, **options})
    return span


def _pieces(
    rows: DataFrame,
    keys: list[Any],
    on: str,
    order: list[Any],
    window: Any,
    span: int | None,
    split: Any,
    times: Any,
) -> DataFrame:
    """Rows with the number of their piece; those a later piece has to look back on, twice."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    if span is None:
        size = whole_number("split", split, 1)
        if size < 2 * window:
            raise ValueError(f"split must be at least twice the window ({2 * window}), got {split}")
        size = size // window * window  # where the blocks of the kernels begin
        place = F.row_number().over(Window.partitionBy(*keys).orderBy(*order)) - F.lit(1)
        back = 2 * window
    else:
        size = _edge.span(split, "split")
        if size < 2 * span:
            raise ValueError(f"split must be at least twice the window ({window!r}), got {split!r}")
        size, back = -(-size // 1000), -(-span // 1000)  # microseconds
        time = _session.column(on)
        if isinstance(times, T.TimestampType):
            place = F.unix_micros(time)
        elif isinstance(times, T.DateType):
            place = F.unix_date(time).cast("bigint") * F.lit(86_400_000_000)
        else:  # without a zone: as if it were UTC
            text = F.concat(time.cast("string"), F.lit("+00:00"))
            place = F.unix_micros(text.cast("timestamp"))
    into = F.pmod(F.col("linewatch_place"), F.lit(size))
    piece = ((F.col("linewatch_place") - into) / F.lit(size)).cast("bigint")
    rows = rows.withColumn("linewatch_place", place).withColumn(PIECE, piece)
    last = into >= F.lit(size - back)
    copies = F.when(last, F.array(F.lit(0), F.lit(1))).otherwise(F.array(F.lit(0)))
    rows = rows.withColumn("linewatch_later", F.explode(copies))
    return rows.select(
        *(_session.column(c) for c in rows.columns if not c.startswith("linewatch_")),
        (F.col(PIECE) + F.col("linewatch_later")).alias(PIECE),
        (F.col("linewatch_later") > 0).alias(CONTEXT),
    )
