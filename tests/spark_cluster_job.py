"""The driver of tests/test_spark_cluster.py: call records, scores and windows on a cluster.

It tells on standard output how many tasks are done, and in the end that all is done.
"""

import sys
import threading
import time

import pyarrow.parquet as pq
import spark_session

import linewatch as lw

CONFIG = {"users": 5000, "days": 24, "seed": 11}


def say(*words):
    print(*words, flush=True)


def count_tasks(spark, stop):
    """Print the number of tasks that are done, whenever there are more."""
    tracker, done = spark.sparkContext.statusTracker(), {}
    told = 0
    while not stop.wait(0.02):
        for stage in tracker.getActiveStageIds():
            info = tracker.getStageInfo(stage)
            if info is not None:
                done[stage] = info.numCompletedTasks
        if sum(done.values()) > told:
            told = sum(done.values())
            say("tasks", told)


def executors(spark):
    return spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1


def main(master, folder):
    spark = spark_session.start(
        master,
        spark__executor__memory="600m",
        spark__executor__cores=1,
        spark__cores__max=2,
        spark__sql__shuffle__partitions=4,
        spark__scheduler__minRegisteredResourcesRatio=1.0,
        spark__scheduler__maxRegisteredResourcesWaitingTime="300s",
    )
    while executors(spark) < 2:
        time.sleep(0.05)
    say("executors", executors(spark))
    stop = threading.Event()
    thread = threading.Thread(target=count_tasks, args=(spark, stop), daemon=True)
    thread.start()
    made = lw.spark.generate_cdr(spark, CONFIG, f"{folder}/cdr")
    stop.set()
    thread.join()
    say("made", executors(spark))
    calls = made["calls"]
    pq.write_table(calls.toArrow(), f"{folder}/calls.parquet")
    forest = lw.spark.sample_fit(
        calls,
        lw.IsolationForest(n_estimators=20, random_state=0),
        n=5000,
        columns="call_duration",
        key="call_id",
    )
    forest.save(f"{folder}/forest.lw")
    scored = lw.spark.score(calls, forest, keep="call_id")
    pq.write_table(scored.toArrow(), f"{folder}/scores.parquet")
    rolled = lw.spark.rolling(
        calls,
        "first_cell_id",
        "call_start_ts",
        50,
        ["mean", "max"],
        columns="call_duration",
        keep="call_id",
    )
    pq.write_table(rolled.toArrow(), f"{folder}/rolled.parquet")
    spark.stop()
    say("done")


if __name__ == "__main__":
    main(*sys.argv[1:])
