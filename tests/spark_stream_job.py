"""The driver of tests/test_spark_streams.py: two queries over the files of a folder, to their end.

It may be killed at any moment and started again.
"""

import sys

import pyarrow.parquet as pq
import spark_session

import linewatch as lw
from linewatch.streaming import Ewm, Rolling

RULES = {"r": Rolling(12, ["mean", "max"]), "e": Ewm(span=10, statistics="mean")}


def finish(query, start):
    """To the end of a query. Spark waits ten seconds for a worker, which a busy machine exceeds."""
    from pyspark.errors import StreamingQueryException

    while True:
        try:
            return query.awaitTermination()
        except StreamingQueryException as error:
            if "failed to connect back" not in str(error):
                raise
            query = start()


def main(folder):
    spark = spark_session.start(spark__sql__shuffle__partitions=2)
    events = (
        spark.readStream.schema("cell string, time timestamp, traffic double, id long")
        .option("maxFilesPerTrigger", 1)
        .parquet(f"{folder}/events")
    )
    scored = events.writeStream.foreachBatch(
        lw.spark.batch_scorer(
            f"{folder}/forest.lw", f"{folder}/scores", columns=["traffic"], keep="id"
        )
    )
    states = lw.spark.stream(events, "cell", "time", "traffic", RULES).writeStream
    writers = {"scores": scored, "states": states}
    for name, writer in writers.items():
        writer.option("checkpointLocation", f"{folder}/checkpoints/{name}").trigger(
            availableNow=True
        )
    starts = [
        scored.start,
        lambda: states.start(f"{folder}/states", format="parquet", outputMode="append"),
    ]
    queries = [start() for start in starts]
    for query, start in zip(queries, starts):
        finish(query, start)
    # The list of files that count is Spark's to read.
    pq.write_table(spark.read.parquet(f"{folder}/states").toArrow(), f"{folder}/states.parquet")
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1])
