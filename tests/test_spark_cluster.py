"""A cluster of a master and two workers on loopback, one of which is killed in the middle of a job.

The answers are compared row by row and by hashes of sorted rows: sums of floats depend on the order
in which tasks end.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import spark_session
from spark_cluster_job import CONFIG
from test_spark import hash_by_day

import linewatch as lw
from linewatch import cdr

JOB = Path(__file__).with_name("spark_cluster_job.py")
PATIENCE_S = 900  # of a busy machine; an idle one needs a tenth


class Cluster:
    """Processes that end with the test, whatever becomes of it."""

    def __init__(self, folder):
        self.folder, self.processes = folder, []
        self.end = time.monotonic() + PATIENCE_S

    def start(self, name, *command):
        import pyspark

        home = str(Path(pyspark.__file__).parent)
        environment = spark_session.environment() | {
            "SPARK_HOME": home,
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_DAEMON_JAVA_OPTS": "-XX:TieredStopAtLevel=1",
        }
        environment.pop("SPARK_CONF_DIR", None)
        if command[0] == "spark-class":
            command = [str(Path(home) / "bin" / "spark-class"), *command[1:]]
        with open(self.folder / f"{name}.log", "wb") as log:
            process = subprocess.Popen(
                list(map(str, command)),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def log(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def wait_for(self, name, pattern):
        """The first match of a pattern in a log, as soon as it is there."""
        while True:
            if found := re.search(pattern, self.log(name)):
                return found
            dead = [p.args[:4] for p in self.processes if p.poll() not in (None, -signal.SIGKILL)]
            if dead and (found := re.search(pattern, self.log(name))):
                return found
            assert not dead, f"{dead} ended\n{self.log(name)[-3000:]}"
            assert time.monotonic() < self.end, f"no {pattern!r}\n{self.log(name)[-3000:]}"
            time.sleep(0.02)

    def stop(self):
        for process in self.processes:
            for pid in [*descendants(process.pid), process.pid]:
                kill(pid)
            process.wait()


def parents():
    """Each process and its parent."""
    if os.path.isdir("/proc/self"):
        found = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has ended
            if fields[0] != "Z":
                found[int(path.parent.name)] = int(fields[1])
        return found
    lines = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True).stdout
    return {int(pid): int(parent) for pid, parent in map(str.split, lines.splitlines())}


def descendants(pid):
    of, found = parents(), [pid]
    for one in found:
        found += [child for child, parent in of.items() if parent == one]
    return found[1:]


def kill(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def cluster(tmp_path):
    spark_session.need_java()
    cluster = Cluster(tmp_path)
    try:
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(tmp_path / "work", ignore_errors=True)


def test_a_killed_worker_costs_nothing_but_time(cluster, tmp_path):
    daemon = "org.apache.spark.deploy"
    cluster.start(
        "master", "spark-class", f"{daemon}.master.Master", "--host", "127.0.0.1",
        "--port", 0, "--webui-port", 0,
    )  # fmt: skip
    url = cluster.wait_for("master", r"Starting Spark master at (spark://127\.0\.0\.1:\d+)")[1]
    workers = [
        cluster.start(
            f"worker{k}", "spark-class", f"{daemon}.worker.Worker", "--host", "127.0.0.1",
            "--webui-port", 0, "--cores", 1, "--memory", "1g", "--work-dir", tmp_path / "work",
            url,
        )
        for k in range(2)
    ]  # fmt: skip
    for k in range(2):
        cluster.wait_for(f"worker{k}", "Successfully registered with master")
    cluster.start("driver", sys.executable, JOB, url, tmp_path)

    cluster.wait_for("driver", "executors 2")
    cluster.wait_for("driver", r"tasks ([4-9]|\d\d)\n")
    doomed = descendants(workers[1].pid)
    assert doomed, "the worker has no executor"
    for pid in (workers[1].pid, *doomed):
        kill(pid)
    done = int(re.findall(r"tasks (\d+)\n", cluster.log("driver"))[-1])
    assert done < CONFIG["days"], "all tasks were done before the worker was killed"
    assert cluster.wait_for("driver", r"made (\d)\n")[1] == "1"
    cluster.wait_for("driver", "done\n")
    assert "lost" in cluster.log("master").lower() or "removing" in cluster.log("master").lower()

    # Call records: all days, each row once.
    found = pl.read_parquet(tmp_path / "calls.parquet").drop("day")
    expected = cdr.generate(config=CONFIG).calls().collect()
    assert hash_by_day(found, "call_start_ts") == hash_by_day(expected, "call_start_ts")
    assert found.height == found["call_id"].n_unique() == expected.height

    # Scores and windows, on the worker that is left.
    calls = expected.sort("call_id")
    forest = lw.load(tmp_path / "forest.lw")
    scores = pl.read_parquet(tmp_path / "scores.parquet").sort("call_id")
    assert scores["call_id"].equals(calls["call_id"])
    ours = forest.score_samples(calls.select("call_duration"))
    assert scores["score"].to_numpy().tobytes() == ours.tobytes()

    order = ["first_cell_id", "call_start_ts", "call_duration", "call_id"]
    calls = expected.sort(order)
    answers = lw.rolling.stats(
        calls.select("call_duration"), 50, ["mean", "max"], groups=calls["first_cell_id"]
    )
    rolled = pl.read_parquet(tmp_path / "rolled.parquet").sort("call_id")
    assert rolled["call_id"].n_unique() == expected.height
    expected = calls.select("call_id").hstack(answers).sort("call_id")
    for name in answers.columns:
        ours, theirs = (t[name].fill_null(np.nan).to_numpy() for t in (rolled, expected))
        assert ours.tobytes() == theirs.tobytes(), name
