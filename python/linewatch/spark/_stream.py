"""Keyed rules on a stream, with their states in Spark's store."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from linewatch.spark import _session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

ROCKSDB = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
PROVIDER = "spark.sql.streaming.stateStore.providerClass"


def stream(
    df: DataFrame,
    by: str | Sequence[str],
    on: str,
    value: str | None,
    rules: Any,
    *,
    lateness: Any = None,
    duplicates: str = "drop",
    restart_after: int | None = None,
) -> DataFrame:
    """The rules of `linewatch.streaming` for every key of a streaming frame.

    Spark keeps a snapshot of a `linewatch.streaming.Stream` for each key in its state store, by
    ``transformWithState``; the checkpoint of the query brings it back after a crash, with no event
    lost or counted twice.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
        A stream, or any frame, which is then one micro-batch.
    by : str or list of str
        Columns that name a key, such as the cell.
    on : str
        The time of an event: timestamps, dates or whole numbers, none missing.
    value : str or None
        The column of numbers that the rules look at; None counts events only.
    rules, lateness, duplicates, restart_after
        As for `linewatch.streaming.Stream`.

    Returns
    -------
    pyspark.sql.DataFrame
        `by`, `on` and `value`, a column for each answer (null where there is none) and ``status``,
        one of `linewatch.streaming.STATUS`. Without a `lateness`, a row for each event; with one,
        for each event that leaves.

    Raises
    ------
    ValueError, TypeError
        If a column is missing or of another type, a rule is not sound, the session keeps states
        elsewhere than in RocksDB, or PySpark is older than 4.1.
    ModuleNotFoundError, ImportError
        If PySpark is missing, or older than 4.

    Notes
    -----
    Events of a key in one micro-batch are taken in order of time (equal times in order of value),
    so that the answers do not depend on the files or partitions they came in. Between
    micro-batches the rules of `linewatch.streaming` hold: what comes too late has the status
    ``late``.

    Spark demands RocksDB, which PySpark brings along, for these states. It hands rows to Python one
    by one here, not in Arrow batches: count on thousands of events a second and core. Where rows
    are judged alone, `score` takes a streaming frame and is faster by far.

    Examples
    --------
    >>> import linewatch as lw
    >>> z = lw.streaming.Rolling(96, "zscore", include_current=False)
    >>> answers = lw.spark.stream(kpis, "cell", "time", "traffic", z)  # doctest: +SKIP
    >>> query = answers.writeStream.option("checkpointLocation", "checkpoint").start(
    ...     "answers", format="parquet", outputMode="append"
    ... )  # doctest: +SKIP
    """
    _session.frame(df)
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    from linewatch.streaming import Stream

    by = _session.listed("by", by, at_least=1)
    if not isinstance(on, str):
        raise TypeError(f"on must be a column name, got {on!r}")
    _session.known(df, "by", by)
    _session.known(df, "on", [on])
    times = _session.kind(df, on)
    is_time = isinstance(times, T.TimestampType | T.TimestampNTZType | T.DateType)
    if not is_time and not isinstance(times, T.IntegralType):
        raise TypeError(
            f'on: column "{on}" has type {times.simpleString()}; expected timestamps, dates or '
            "whole numbers"
        )
    if value is not None:
        _session.known(df, "value", [value])
        _session.numbers(df, "value", [value])
    plain = Stream(rules, lateness=lateness, duplicates=duplicates, restart_after=restart_after)
    if plain._times is not None and plain._times != is_time:
        kinds = ("whole numbers", "times")
        raise TypeError(
            f'on: column "{on}" has type {times.simpleString()}, but the rules or the lateness '
            f"need {kinds[plain._times]}"
        )
    shown = [] if value is None else [value]
    made = [*plain.columns, "status"]
    for name in made:
        if name in (*by, on, *shown):
            raise ValueError(f'column "{name}" would be written twice; rename it in the frame')
    _check_store(df)

    # Whole numbers go to Python: times of a row would pass through its local time zone.
    number = _session.column(on).cast("bigint")
    back = F.col("linewatch_time").cast(times)
    if isinstance(times, T.TimestampType):
        number, back = F.unix_micros(_session.column(on)), F.timestamp_micros("linewatch_time")
    elif isinstance(times, T.TimestampNTZType):
        text = F.concat(_session.column(on).cast("string"), F.lit("+00:00"))
        number = F.unix_micros(text.cast("timestamp"))
        seconds = F.col("linewatch_time").cast("decimal(20,0)") / F.lit(1_000_000)
        since = F.make_dt_interval(secs=seconds.cast("decimal(18,6)"))
        back = F.lit("1970-01-01 00:00:00").cast("timestamp_ntz") + since
    elif isinstance(times, T.DateType):
        number = F.unix_date(_session.column(on)).cast("bigint") * F.lit(86_400_000_000)
        back = F.date_from_unix_date((F.col("linewatch_time") / F.lit(86_400_000_000)).cast("int"))
    values = F.lit(1.0) if value is None else _session.column(value).cast("double")
    keys = [_session.column(name).alias(f"linewatch_key{k}") for k, name in enumerate(by)]
    rows = df.select(*keys, number.alias("linewatch_time"), values.alias("linewatch_value"))
    key_fields = [
        T.StructField(f"linewatch_key{k}", _session.kind(df, name)) for k, name in enumerate(by)
    ]
    schema = T.StructType(
        [
            *key_fields,
            T.StructField("linewatch_time", T.LongType()),
            T.StructField("linewatch_value", T.DoubleType()),
            *(T.StructField(f"linewatch_answer{k}", T.DoubleType()) for k in range(len(made) - 1)),
            T.StructField("status", T.StringType()),
        ]
    )
    processor = _processor(plain.snapshot(), is_time, [field.name for field in schema])
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "PySpark does not yet fully support pandas", FutureWarning
        )
        answers = rows.groupBy(*(field.name for field in key_fields)).transformWithState(
            processor, schema, "Append", "None"
        )
    told = [F.col(f"linewatch_key{k}").alias(name) for k, name in enumerate(by)]
    told.append(back.alias(on))
    if value is not None:
        told.append(F.col("linewatch_value").alias(value))
    told += [F.col(f"linewatch_answer{k}").alias(n) for k, n in enumerate(plain.columns)]
    return answers.select(*told, "status")


def _check_store(df: DataFrame) -> None:
    from pyspark.sql import GroupedData

    if not hasattr(GroupedData, "transformWithState"):
        import pyspark

        raise ValueError(
            f"transformWithState on rows came with PySpark 4.1, and this is {pyspark.__version__}"
        )
    provider = df.sparkSession.conf.get(PROVIDER, "")
    if not str(provider).endswith("RocksDBStateStoreProvider"):
        raise ValueError(
            f"Spark keeps such states in RocksDB only, and this session in {provider}; before the "
            f'query starts: spark.conf.set("{PROVIDER}", "{ROCKSDB}")'
        )


def _processor(empty: bytes, is_time: bool, names: list[str]) -> Any:
    """The processor that Spark sends to the workers, by value as `_session.task` does."""
    from pyspark.sql.streaming import StatefulProcessor

    class Keyed(StatefulProcessor):
        def init(self, handle: Any) -> None:
            self.state = handle.getValueState("stream", "snapshot binary")

        def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Any:
            yield from keyed((self.state, rows))

        def close(self) -> None:
            pass

    keyed = _session.task("keyed", empty, is_time, names)
    return Keyed()
