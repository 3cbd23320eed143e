"""What all functions need of Spark: the right library, sound frames, and tasks for workers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from linewatch import __version__
from linewatch._arguments import quoted

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession
    from pyspark.sql.types import DataType, StructType

INSTALL = 'pip install "linewatch[spark]"'


def require() -> None:
    """PySpark 4, or one line that says how to get it."""
    try:
        import pyspark
    except ImportError:
        raise ModuleNotFoundError(f"linewatch.spark needs PySpark 4: {INSTALL}") from None
    major = pyspark.__version__.partition(".")[0]
    if not major.isdigit() or int(major) < 4:
        raise ImportError(
            f"linewatch.spark needs PySpark 4, and this is PySpark {pyspark.__version__}, which "
            f"lacks the Arrow paths: {INSTALL}"
        )


def frame(df: Any, name: str = "df") -> None:
    """Refuse what is no DataFrame of PySpark."""
    require()
    from pyspark.sql import DataFrame

    if not isinstance(df, DataFrame):
        found = f"{type(df).__module__.partition('.')[0]}.{type(df).__name__}"
        raise TypeError(
            f"{name} is a {found}; expected a PySpark DataFrame (spark.createDataFrame makes one)"
        )


def session(spark: Any) -> None:
    """Refuse what is no session of PySpark."""
    require()
    if not hasattr(spark, "createDataFrame") or not hasattr(spark, "range"):
        raise TypeError(f"spark is a {type(spark).__name__}; expected a SparkSession")


def listed(name: str, value: Any, *, at_least: int = 0) -> list[str]:
    """One column or several of them, as a list of different names."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, Sequence) or not all(isinstance(v, str) for v in value):
        raise TypeError(f"{name} must be a column name or a list of them, got {value!r}")
    if len(value) < at_least:
        raise ValueError(f"{name} must name at least {at_least} column, got none")
    for column in value:
        if list(value).count(column) > 1:
            raise ValueError(f'{name} names "{column}" twice')
    return list(value)


def known(df: DataFrame, name: str, columns: Iterable[str]) -> None:
    """Refuse columns that the frame does not have, or has twice."""
    there = df.columns
    for column in columns:
        if column not in there:
            raise ValueError(f'{name}: column "{column}" is missing; the frame has {quoted(there)}')
        if there.count(column) > 1:
            raise ValueError(f'{name}: the frame has {there.count(column)} columns "{column}"')


def column(name: str) -> Column:
    """A column by its name, whatever is in the name."""
    from pyspark.sql import functions as F

    return F.col("`" + name.replace("`", "``") + "`")


def kind(df: DataFrame, name: str) -> DataType:
    """The type of a column."""
    return df.schema[name].dataType


def is_number(dtype: DataType) -> bool:
    """Whether a column can be taken for numbers: decimals have to be cast first."""
    from pyspark.sql import types as T

    return isinstance(dtype, T.NumericType | T.BooleanType) and not isinstance(dtype, T.DecimalType)


def number_columns(df: DataFrame, left_out: Container[str]) -> list[str]:
    """The columns of numbers but for some."""
    return [name for name in df.columns if name not in left_out and is_number(kind(df, name))]


def numbers(df: DataFrame, name: str, columns: Iterable[str]) -> None:
    """Refuse columns that do not hold numbers."""
    for column in columns:
        dtype = kind(df, column)
        if not is_number(dtype):
            raise TypeError(
                f'{name}: column "{column}" has type {dtype.simpleString()}; expected numbers '
                f"(try df.withColumn({column!r}, df[{column!r}].cast('double')))"
            )


def task(name: str, *arguments: Any) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """A function of Arrow batches that calls ``linewatch.spark._workers.name`` on the worker.

    It travels by value and imports linewatch when it runs, so that a worker which has none, or
    another version, can say so.
    """
    expected = __version__

    def run(batches: Any) -> Any:
        import socket
        import sys

        where = f"the Spark worker on {socket.gethostname()} ({sys.executable})"
        advice = "every worker needs the driver's environment (docs/spark.md: shipping it)"
        try:
            import linewatch

            found = linewatch.__version__
            if found == expected:
                from linewatch.spark import _workers
        except ImportError as error:
            raise RuntimeError(
                f"{where} cannot import linewatch {expected}: {error}; {advice}"
            ) from None
        if found != expected:
            raise RuntimeError(
                f"{where} has linewatch {found}, the driver has {expected}; {advice}"
            )
        yield from getattr(_workers, name)(batches, *arguments)

    return run


def mapped(df: DataFrame, run: Callable[..., Any], schema: StructType) -> DataFrame:
    """``df.mapInArrow``; PySpark warns of pandas 3 there, which Arrow batches do not meet."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "PySpark does not yet fully support pandas", FutureWarning
        )
        return df.mapInArrow(run, schema)


class Held:
    """What `shared` gives where there is no broadcast: the bytes travel with the task."""

    def __init__(self, value: bytes) -> None:
        self.value = value


def shared(spark: SparkSession, value: bytes) -> Any:
    """Bytes for all workers, fetched once by each of them; with ``value``, like a broadcast."""
    from pyspark.errors import PySparkAttributeError, PySparkNotImplementedError

    try:
        return spark.sparkContext.broadcast(value)
    except (PySparkAttributeError, PySparkNotImplementedError):
        return Held(value)  # Spark Connect has no broadcasts


def workers(spark: SparkSession, tasks: int | None = None) -> list[dict[str, str]]:
    """Which Python, linewatch and PyArrow the workers have. Runs a small job.

    Parameters
    ----------
    spark : pyspark.sql.SparkSession
    tasks : int, optional
        Tasks to ask; twice the default parallelism by default. Spark decides which workers get
        them, so that a few more than there are cores are likely to meet every worker.

    Returns
    -------
    list of dict
        One for each worker that answered: ``host``, ``python``, ``executable``, ``linewatch``,
        ``pyarrow``. ``linewatch`` is the version, or why it cannot be imported.

    Raises
    ------
    ModuleNotFoundError, ImportError
        If PySpark is missing, or older than 4.
    TypeError, ValueError
        If `spark` is no session, or `tasks` is not at least 1.

    Examples
    --------
    >>> from linewatch import spark as lws
    >>> lws.workers(spark)  # doctest: +SKIP
    [{'host': 'node7', 'python': '3.11.7', 'executable': '/opt/lw/bin/python',
      'linewatch': '0.5.0', 'pyarrow': '26.0.1'}]
    """
    session(spark)
    if tasks is None:
        try:
            tasks = 2 * spark.sparkContext.defaultParallelism
        except Exception:  # Spark Connect does not tell
            tasks = 32
    if isinstance(tasks, bool) or not isinstance(tasks, int) or tasks < 1:
        raise ValueError(f"tasks must be a whole number of at least 1, got {tasks!r}")
    names = ("host", "python", "executable", "linewatch", "pyarrow")

    def ask(batches: Any) -> Any:
        import platform
        import socket
        import sys

        import pyarrow as pa

        try:
            import linewatch

            found = linewatch.__version__
        except ImportError as error:
            found = str(error)
        values = (socket.gethostname(), platform.python_version(), sys.executable, found)
        for _ in batches:
            pass
        columns = [[value] for value in (*values, pa.__version__)]
        yield pa.RecordBatch.from_arrays([pa.array(c, pa.string()) for c in columns], names)

    from pyspark.sql.types import StringType, StructField, StructType

    schema = StructType([StructField(name, StringType()) for name in names])
    rows = mapped(spark.range(tasks, numPartitions=tasks), ask, schema).distinct().collect()
    return [row.asDict() for row in sorted(rows)]
