"""A sample of rows that does not depend on where the rows lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from linewatch._arguments import quoted, whole_number
from linewatch.spark import _session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

ROWS = 25_600  # 100 trees of 256 rows
SEQUENCE = 100_000  # equal rows that are numbered in one array
HASH, NUMBER = "linewatch_hash", "linewatch_number"


def sample(
    df: DataFrame,
    n: int,
    *,
    columns: str | Sequence[str] | None = None,
    key: str | Sequence[str] | None = None,
    seed: int = 0,
) -> DataFrame:
    """`n` rows drawn by a seeded hash: the same for any partitioning and any cluster.

    The rows with the smallest hashes are taken, which is a sample without replacement in which
    every row has the same chance.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
    n : int
        Rows to draw; all there are if they are fewer.
    columns : str or list of str, optional
        Columns of the sample; all by default.
    key : str or list of str, optional
        Columns that are hashed; together they should name a row (a call id; cell and time). The
        sample is then one pass without a shuffle of the data. Without a key the values of
        `columns` are hashed, equal rows by number, which takes a shuffle.
    seed : int, default=0
        Another seed draws other rows.

    Returns
    -------
    pyspark.sql.DataFrame
        `columns`, the smallest hash first.

    Raises
    ------
    ValueError, TypeError
        If a column is missing or cannot be hashed, or `n` is not at least 1.
    ModuleNotFoundError, ImportError
        If PySpark is missing, or older than 4.

    Examples
    --------
    >>> import linewatch as lw
    >>> drawn = lw.spark.sample(calls, 10_000, key="call_id", seed=7)  # doctest: +SKIP
    """
    _session.frame(df)
    n, seed = whole_number("n", n, 1), whole_number("seed", seed)
    columns = df.columns if columns is None else _session.listed("columns", columns, at_least=1)
    _session.known(df, "columns", columns)
    if df.isStreaming:
        raise ValueError("df is a stream, which never ends; a sample needs a frame that does")
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    shown = [_session.column(name) for name in columns]
    hashed = columns if key is None else _session.listed("key", key, at_least=1)
    _session.known(df, "key", hashed)
    for name in {*hashed, *columns}:
        if isinstance(_session.kind(df, name), T.MapType | T.VariantType):
            raise TypeError(f'column "{name}" holds maps or variants, which have no order')
    names = dict.fromkeys([*columns, *hashed])
    rows = df.select([_session.column(name) for name in names])
    if key is None:
        # Equal rows have equal hashes: they are counted, and hashed with a number of their own.
        counted = rows.groupBy(shown).agg(F.count(F.lit(1)).alias(NUMBER))
        last, size = F.col(NUMBER) - F.lit(1), F.lit(SEQUENCE)
        parts = F.sequence(F.lit(0).cast("bigint"), F.floor(last / size).cast("bigint"))
        rows = counted.select(*shown, NUMBER, F.explode(parts).alias(HASH))
        first = F.col(HASH) * size
        numbers = F.sequence(first, F.least(last, first + size - F.lit(1)))
        rows = rows.select(*shown, F.explode(numbers).alias(NUMBER))
        what = [F.lit(seed), F.col(NUMBER), *shown]
    else:
        what = [F.lit(seed), *(_session.column(name) for name in hashed)]
    # Rows of one hash, such as those of a key that is not unique, are told apart by their values.
    rows = rows.withColumn(HASH, F.xxhash64(*what))
    ties = [_session.column(name) for name in names]
    return rows.orderBy(F.col(HASH), *ties).limit(n).select(shown)


def sample_fit(
    df: DataFrame,
    estimator: Any,
    *,
    n: int | None = None,
    columns: str | Sequence[str] | None = None,
    target: str | None = None,
    key: str | Sequence[str] | None = None,
    seed: int = 0,
) -> Any:
    """Fit a detector on the driver, on a sample that `sample` draws. Runs a job.

    An isolation forest of 100 trees looks at 25,600 rows at most, however many there are. A
    forest for each partition would learn the cells or days that happen to lie together.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
    estimator : detector
        Anything with ``fit``; it is fitted in place. Give it a ``random_state`` for the same
        detector each time.
    n : int, optional
        Rows to draw. By default as many as the trees of an isolation forest take together, and at
        least 25,600.
    columns : str or list of str, optional
        The features; by default all columns of numbers but those of `key` and `target`.
    target : str, optional
        The labels, for an estimator whose ``fit`` wants them.
    key, seed
        As for `sample`.

    Returns
    -------
    The estimator, fitted: the same for any partitioning and any cluster.

    Raises
    ------
    ValueError, TypeError
        If a column is missing, there is no row, or the estimator refuses the rows.
    ModuleNotFoundError, ImportError
        If PySpark is missing, or older than 4.

    Examples
    --------
    >>> import linewatch as lw
    >>> forest = lw.spark.sample_fit(
    ...     kpis, lw.IsolationForest(random_state=0), key=["cell", "time"]
    ... )  # doctest: +SKIP
    >>> scored = lw.spark.score(kpis, forest, keep=["cell", "time"])  # doctest: +SKIP
    """
    _session.frame(df)
    if not hasattr(estimator, "fit"):
        raise TypeError(f"estimator is of type {type(estimator).__name__}, which has no fit")
    left_out = [] if key is None else _session.listed("key", key, at_least=1)
    if target is not None:
        left_out += _session.listed("target", target)
        _session.known(df, "target", [target])
    if columns is None:
        columns = _session.number_columns(df, left_out)
        if not columns:
            raise ValueError(f"the frame has no features; it has {quoted(df.columns)}")
    else:
        columns = _session.listed("columns", columns, at_least=1)
    if target in columns:
        raise ValueError(f'columns names the target "{target}"')
    rows = _rows(estimator) if n is None else whole_number("n", n, 1)
    wanted = columns if target is None else [*columns, target]
    drawn = sample(df, rows, columns=wanted, key=key, seed=seed).toArrow()
    if not drawn.num_rows:
        raise ValueError("df has no rows to fit on")
    import polars as pl

    table = pl.DataFrame(drawn)
    X = table.select(columns)
    return estimator.fit(X) if target is None else estimator.fit(X, table[target].to_numpy())


def _rows(estimator: Any) -> int:
    """Rows that the trees of a forest take together, where the estimator or a part of it is one."""
    estimator = getattr(estimator, "detector", estimator)
    trees = getattr(estimator, "n_estimators", 100)
    each = getattr(estimator, "max_samples", "auto")
    is_count = isinstance(each, int) and not isinstance(each, bool)
    return max(ROWS, trees * (each if is_count else 256)) if isinstance(trees, int) else ROWS
