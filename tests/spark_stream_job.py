"""The driver of tests/test_spark_streams.py: two queries over the files of a folder, to their end.

It may be killed at any moment and started again.
"""

import sys

import pyarrow.parquet as pq
import spark_session

import linewatch as lw
from linewatch.streaming import Ewm, Rolling

RULES = {"r": Rolling(12, ["mean", "max"]), "e": Ewm(span=10, statistics="mean")}


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
    queries = [
        scored.option("checkpointLocation", f"{folder}/checkpoints/scores")
        .trigger(availableNow=True)
        .start(),
        states.option("checkpointLocation", f"{folder}/checkpoints/states")
        .trigger(availableNow=True)
        .start(f"{folder}/states", format="parquet", outputMode="append"),
    ]
    for query in queries:
        query.awaitTermination()
    # The list of files that count is Spark's to read.
    pq.write_table(spark.read.parquet(f"{folder}/states").toArrow(), f"{folder}/states.parquet")
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1])
