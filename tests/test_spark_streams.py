"""Structured Streaming, with a driver that is killed in the middle and started again."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import spark_session
from spark_stream_job import RULES

import linewatch as lw
from linewatch.streaming import STATUS, Stream

FILES = 6
JOB = Path(__file__).with_name("spark_stream_job.py")
PATIENCE_S = 600  # of a busy machine; an idle one needs a tenth


def make_events(rng, n=150):
    """Events of six cells in files; some come a file late, some twice."""
    frames = []
    for k in range(FILES):
        minute = k * n + rng.permutation(n)
        minute[:5] -= n  # late, or of a time that was there
        frames.append(
            pl.DataFrame(
                {
                    "cell": [f"cell {c}" for c in rng.integers(0, 6, n)],
                    "time": np.datetime64("2026-03-29", "us") + minute.astype("timedelta64[m]"),
                    "traffic": rng.gamma(4, 500, n).round(3),
                    "id": np.arange(k * n, (k + 1) * n),
                }
            ).with_columns(pl.col("time").dt.replace_time_zone("UTC"))
        )
        if k:
            again = frames[k - 1].tail(3).with_columns(pl.col("id") + 10_000)
            frames[k] = pl.concat([frames[k], again])
    return frames


def commits(folder):
    """Micro-batches that a query has finished."""
    return len(list((folder / "commits").glob("[0-9]*")))


def start(folder):
    with open(folder / "driver.log", "ab") as log:
        return subprocess.Popen(
            [sys.executable, JOB, folder],
            env=spark_session.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def kill(driver):
    """The driver and its virtual machine, at once."""
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()


def test_a_killed_stream_goes_on_and_loses_or_doubles_nothing(tmp_path, rng):
    spark_session.need_java()
    frames = make_events(rng)
    everything = pl.concat(frames)
    X = everything.select("traffic").to_numpy()
    forest = lw.IsolationForest(n_estimators=20, random_state=0).fit(X)
    forest.save(tmp_path / "forest.lw")
    (tmp_path / "events").mkdir()
    for k, frame in enumerate(frames):
        path = tmp_path / "events" / f"{k}.parquet"
        frame.write_parquet(path)
        os.utime(path, (1_700_000_000 + k, 1_700_000_000 + k))  # Spark takes the oldest first

    checkpoints = [tmp_path / "checkpoints" / name for name in ("scores", "states")]
    end = time.monotonic() + PATIENCE_S
    driver = start(tmp_path)
    try:
        while min(map(commits, checkpoints)) < 2:
            assert driver.poll() is None, (tmp_path / "driver.log").read_text()[-3000:]
            assert time.monotonic() < end, (tmp_path / "driver.log").read_text()[-3000:]
            time.sleep(0.02)
    finally:
        kill(driver)
    before = list(map(commits, checkpoints))
    assert min(before) < FILES, "the stream was done before it could be killed"

    driver = start(tmp_path)
    try:
        code = driver.wait(max(1, end - time.monotonic()))
    finally:
        if driver.poll() is None:
            kill(driver)
    assert code == 0, (tmp_path / "driver.log").read_text()[-3000:]
    assert list(map(commits, checkpoints)) == [FILES, FILES]

    found = pl.read_parquet(tmp_path / "scores" / "*" / "*.parquet").sort("id")
    expected = everything.select("id").with_columns(score=forest.score_samples(X)).sort("id")
    assert found["id"].equals(expected["id"])
    assert found["score"].to_numpy().tobytes() == expected["score"].to_numpy().tobytes()

    stream, told = Stream(RULES), []
    for frame in frames:
        rows = frame.sort("cell", "time", "traffic")
        answers = stream.update(rows["cell"], rows["time"], rows["traffic"])
        status = [STATUS[code] for code in answers["status"]]
        columns = {name: pl.Series(answers[name]).fill_nan(None) for name in stream.columns}
        told.append(rows.drop("id").with_columns(**columns, status=pl.Series(status)))
    order = ["cell", "time", "traffic", "status"]
    found = pl.read_parquet(tmp_path / "states.parquet").sort(order)
    expected = pl.concat(told).sort(order)
    assert {"taken", "late", "duplicate"} == set(expected["status"])
    assert found.columns == expected.columns
    assert found.rows() == expected.rows()
