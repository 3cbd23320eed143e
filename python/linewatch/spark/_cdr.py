"""Call records made on the cluster."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from linewatch._arguments import quoted
from linewatch.spark import _session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def generate_cdr(
    spark: SparkSession, config: Any, out: str | os.PathLike[str], **fields: Any
) -> dict[str, DataFrame]:
    """Write call records with labelled anomalies, a day a task.

    The rows are those that `linewatch.cdr.generate` and ``linewatch generate`` make of the same
    config, whatever the cluster and however often a task had to be repeated.

    Parameters
    ----------
    spark : pyspark.sql.SparkSession
    config : Config, dict or path of a TOML file
        As for `linewatch.cdr.generate`.
    out : path
        A folder that Spark can write: local, HDFS or an object store. Tables are folders of
        Parquet files in it, with the names of ``linewatch generate``; the large ones are
        partitioned by ``day``. Spark's committer decides which files count.
    **fields
        Fields of `linewatch.cdr.Config`, such as ``days=365``.

    Returns
    -------
    dict of str to pyspark.sql.DataFrame
        What was written, to be read: ``calls``, ``sms`` and ``data_sessions`` if
        ``config.tables`` names them, ``users``, ``towers``, ``communities``, and with scenarios
        ``actors`` and the truth tables ``truth_calls``, ``truth_users``, ``truth_cells`` and
        ``truth_intervals``.

    Raises
    ------
    FileExistsError
        If a table is there already; nothing is written then.
    ValueError, TypeError
        If a field is unknown or impossible.
    ModuleNotFoundError, ImportError
        If PySpark is missing, or older than 4.

    Notes
    -----
    Scenarios of your own (`linewatch.cdr.register`) are known to the driver only and are refused.

    Examples
    --------
    >>> import linewatch as lw
    >>> made = lw.spark.generate_cdr(
    ...     spark, {"users": 1_000_000, "days": 365, "seed": 7}, "hdfs:///cdr"
    ... )  # doctest: +SKIP
    >>> made["calls"].groupBy("day").count().show()  # doctest: +SKIP
    """
    _session.session(spark)
    from pyspark.sql.pandas.types import from_arrow_schema
    from pyspark.sql.types import DateType

    from linewatch import cdr
    from linewatch.cdr.scenarios import _scenarios
    from linewatch.cdr.write import CALLS, FURTHER, TABLES
    from linewatch.spark._workers import plain

    dataset = cdr.generate(config=config, **fields)
    own = [name for name in dataset.config.scenarios if _scenarios[name].is_own]
    if own:
        raise ValueError(
            f"scenarios names {quoted(own)}, which this process registered; the workers "
            "do not know it (use the scenarios that linewatch has)"
        )
    names = {"calls": CALLS, **{name: FURTHER[name] for name in dataset.config.tables}}
    small = {stem: getattr(dataset, name) for name, stem in TABLES.items()}
    titles = {stem: name for name, stem in TABLES.items()}
    if dataset._plan is not None:
        for name, table in dataset.truth_tables().items():
            small[f"cdr_truth_{name}"] = table
            titles[f"cdr_truth_{name}"] = f"truth_{name}"
    small = {stem: table for stem, table in small.items() if table.height or "actors" not in stem}
    folder = os.fspath(out).rstrip("/")
    for stem in (*names.values(), *small):
        if _is_there(spark, f"{folder}/{stem}"):
            raise FileExistsError(f"{folder}/{stem} exists; choose another folder or remove it")

    text = json.dumps(dataset.config.to_dict(), sort_keys=True)
    days = dataset.config.days
    for table, stem in names.items():
        none = plain(getattr(dataset, table)(days=(0, 0), backend="pyarrow").collect())
        schema = from_arrow_schema(none.schema).add("day", DateType())
        task = _session.task("calls", text, table)
        rows = _session.mapped(spark.range(days, numPartitions=days), task, schema)
        rows.write.partitionBy("day").parquet(f"{folder}/{stem}")
    for stem, table in small.items():
        _frame(spark, table).coalesce(1).write.parquet(f"{folder}/{stem}")
    stems = {**names, **{titles[stem]: stem for stem in small}}
    return {name: spark.read.parquet(f"{folder}/{stem}") for name, stem in stems.items()}


def _frame(spark: SparkSession, table: Any) -> DataFrame:
    """A Polars frame as one of Spark, by way of Arrow and types that Spark has."""
    from linewatch.spark._workers import plain

    return spark.createDataFrame(plain(table.to_arrow()))


def _is_there(spark: SparkSession, path: str) -> bool:
    """Whether Spark sees something at a path, on whatever file system."""
    context = getattr(spark, "_jsparkSession", None)
    if context is None:  # Spark Connect: Spark itself refuses what exists
        return False
    # Classic Spark, which this is, has a JVM.
    hadoop = spark._jvm.org.apache.hadoop.fs.Path(path)  # type: ignore[union-attr]
    return bool(hadoop.getFileSystem(spark._jsc.hadoopConfiguration()).exists(hadoop))
