"""``linewatch score --follow``: files that are written, rotated and cut; real processes stopped.

No outcome depends on time: a test waits, generously, for what it looks for.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import polars as pl
import pytest

import linewatch as lw
from linewatch import _follow, cli, streaming

PATIENCE = 120.0  # seconds for what takes a tenth of one


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A forest of two columns, in a file."""
    rng = np.random.default_rng(1)
    frame = pl.DataFrame({"prb": rng.normal(50, 5, 500), "users": rng.normal(20, 3, 500)})
    path = tmp_path_factory.mktemp("model") / "model.lw"
    lw.IsolationForest(n_estimators=20, random_state=0, contamination=0.1).fit(frame).save(path)
    return path


@pytest.fixture
def start(tmp_path, model):
    """Starts ``linewatch score --follow`` in a folder; all that still run are killed at the end."""
    running = []

    def start(*arguments, model=model, **options):
        command = [
            sys.executable,
            "-m",
            "linewatch.cli",
            "score",
            "--follow",
            "--model",
            str(model),
        ]
        with open(tmp_path / f"stderr{len(running)}", "w") as error:
            process = subprocess.Popen(
                [*command, *map(str, arguments)], cwd=tmp_path, stderr=error, **options
            )
        process.told = lambda: (tmp_path / f"stderr{running.index(process)}").read_text()
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()


class Thread:
    """The command in a thread, with the surface of a process; started soon."""

    returncode = None

    def __init__(self, arguments):
        options = cli.parser().parse_args(["score", "--follow", *map(str, arguments)])
        self._told, self._stop = [], threading.Event()
        self._thread = threading.Thread(target=self._run, args=[options])
        self._thread.start()

    def _run(self, options):
        try:
            with _follow.Follower(options, say=self._told.append) as follower:
                follower.go(self._stop)
            self.returncode = 0
        except Exception as error:
            self._told.append(repr(error))
            self.returncode = 2

    def told(self):
        return "".join(f"linewatch: {line}\n" for line in self._told)

    def poll(self):
        return self.returncode

    def send_signal(self, _):
        self._stop.set()

    def wait(self, patience=None):
        self._thread.join(patience)
        return self.returncode


@pytest.fixture
def follow(model):
    """Starts the command in a thread; all that still run are stopped at the end."""
    running = []

    def follow(*arguments, model=model):
        running.append(Thread(["--model", model, *arguments]))
        return running[-1]

    yield follow
    for thread in running:
        ended(thread)


def until(found, process=None, what="what was expected"):
    """What `found` gives, once it gives something."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if result := found():
            return result
        if process is not None and process.poll() is not None:
            raise AssertionError(f"ended with {process.returncode}: {process.told()}")
        time.sleep(0.02)
    told = process.told() if process is not None else ""
    raise AssertionError(f"waited in vain for {what}; stderr: {told}")


def ended(process, signal_=signal.SIGTERM):
    """Stop a process and give its exit code."""
    if process.poll() is None:
        process.send_signal(signal_)
    return process.wait(PATIENCE)


def scores(path):
    """The lines that were written, those that are whole."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().split("\n")[:-1]]


def rows_of(path, n, process):
    """The rows of `n` scores, once they are there."""
    until(lambda: len(scores(path)) >= n, process, f"{n} scores")
    return [score["row"] for score in scores(path)]


def lines(first, last, cell="A"):
    """Lines of a CSV file; a number names each."""
    return "".join(f"{cell},{k},50.{k % 10},20\n" for k in range(first, last))


HEADER = "cell,number,prb,users\n"


def append(path, text):
    with open(path, "a") as file:
        file.write(text)


def numbers(path):
    return [int(score["number"]) for score in scores(path)]


def test_lines_are_scored_as_they_are_written(follow, tmp_path, model):
    log, out = tmp_path / "cells.csv", tmp_path / "scores.jsonl"
    log.write_text(HEADER + "A,0,50,20\n")
    process = follow("--input", log, "--out", out, "--top", 1)
    rows_of(out, 1, process)
    append(log, "B,1,99")
    append(log, ".5,20\nC,2,,20\nD,3,51")  # the last line has no end yet
    assert rows_of(out, 3, process) == [1, 2, 3]
    assert ended(process) == 0
    found = scores(out)
    table = pl.DataFrame({"prb": [50.0, 99.5, None], "users": [20.0, 20, 20]})
    forest = lw.load(model)
    assert [score["score"] for score in found] == forest.score_samples(table).tolist()
    assert [score["is_anomaly"] for score in found] == [False, True, False]
    assert found[1] == {
        "row": 2, "cell": "B", "number": "1", "score": found[1]["score"], "is_anomaly": True,
        "reasons": ["prb = 99.5"],
    }  # fmt: skip
    assert process.told().splitlines()[-1] == (
        "linewatch: 3 rows, 3 scored, 1 anomaly, 0 malformed"
    )


def test_a_malformed_line_is_counted_and_reported_and_never_fatal(follow, tmp_path):
    log, out = tmp_path / "cells.csv", tmp_path / "scores.jsonl"
    bad = [
        b"A,1,50\n", b"A,2,fifty,20\n", b'A,3,"50,20\n', b"\xff\xfe,4,50,20\n", b"\x00\n", b"\n",
        b"A,7,50,20,1\n",
    ]  # fmt: skip
    log.write_bytes(HEADER.encode() + b"A,0,50,20\n" + b"".join(bad) + b"A,8,50,20\n")
    process = follow("--input", log, "--out", out)
    rows_of(out, 2, process)
    assert ended(process, signal.SIGINT) == 0
    assert numbers(out) == [0, 8] and [score["row"] for score in scores(out)] == [1, 7]
    told = process.told().splitlines()
    assert told[0] == "linewatch: cells.csv, line 3: 3 fields under a header of 4; not scored"
    assert told[1] == (
        "linewatch: cells.csv, line 4: column \"prb\" must hold numbers, got 'fifty'; not scored"
    )
    assert told[2].startswith("linewatch: cells.csv, line 5: no CSV (")
    assert told[3] == "linewatch: cells.csv, line 6: no UTF-8 text (byte 1); not scored"
    assert told[4] == "linewatch: cells.csv, line 9: 5 fields under a header of 4; not scored"
    assert told[5] == "linewatch: 7 rows, 2 scored, 0 anomalies, 5 malformed"


def test_standard_input_of_json_lines_is_scored_to_its_end(start):
    process = start("--input", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    events = [
        '{"cell": "A", "prb": 50, "users": 20}',
        '{"cell": "A", "prb": 50',
        '{"cell": "B", "prb": 1e999, "users": 20.5, "extra": [1]}',
        "[1, 2]",
        '{"cell": "A", "prb": "50", "users": 20}',
        '{"cell": "A", "users": 20}',
        '{"cell": "C", "prb": NaN, "users": true}',
        '{"cell": "D", "prb": 2, "users": 20, "score": 1}',
        '{"cell": "E", "prb": 2, "users": 20}',  # without an end of line
    ]
    out, _ = process.communicate("\n".join(events), timeout=PATIENCE)
    assert process.returncode == 0
    found = [json.loads(line) for line in out.splitlines()]
    assert [(score["cell"], score["row"]) for score in found] == [("A", 1), ("B", 3), ("E", 9)]
    assert found[1]["extra"] == [1]
    told = process.told().splitlines()
    assert [line.split(": ")[1] for line in told[:-1]] == [
        f"standard input, line {k}" for k in (2, 4, 5, 6, 7, 8)
    ]
    assert told[1].endswith("no JSON object; not scored")
    assert told[3].endswith('column "prb" is missing; not scored')
    assert told[5].endswith('column "score" would be written twice; not scored')
    assert told[-1] == "linewatch: 9 rows, 3 scored, 1 anomaly, 6 malformed"


def test_a_log_that_is_renamed_and_made_anew_loses_no_line(follow, tmp_path):
    log, out = tmp_path / "cells.csv", tmp_path / "scores.jsonl"
    log.write_text(HEADER + lines(0, 10))
    process = follow("--input", log, "--out", out, "--state", tmp_path / "state")
    rows_of(out, 10, process)
    writer = open(log, "a")  # noqa: SIM115, open while the log is renamed
    log.rename(tmp_path / "cells.csv.1")
    writer.write(lines(10, 14))  # a writer that has not been told yet
    writer.close()
    log.write_text(HEADER + lines(14, 20))
    rows_of(out, 20, process)
    (tmp_path / "cells.csv.1").rename(tmp_path / "cells.csv.2")
    append(log, lines(20, 22).rstrip("\n"))  # the last line of a file needs no end
    log.rename(tmp_path / "cells.csv.1")
    log.write_text(lines(22, 30))  # and a header need not come again
    rows_of(out, 30, process)
    assert ended(process) == 0
    assert numbers(out) == list(range(30))
    assert [score["row"] for score in scores(out)] == list(range(1, 31))


def test_a_log_that_is_copied_and_emptied_loses_no_line(follow, tmp_path):
    log, out = tmp_path / "cells.csv", tmp_path / "scores.jsonl"
    log.write_text(HEADER + lines(0, 10))
    process = follow("--input", log, "--out", out)
    rows_of(out, 10, process)
    append(log, lines(10, 15))
    shutil.copy(log, tmp_path / "cells.csv.1")
    log.write_text(HEADER + lines(15, 18))  # emptied, and written at once
    rows_of(out, 18, process)
    os.truncate(log, 0)
    append(log, lines(18, 40))  # longer than before
    rows_of(out, 40, process)
    assert ended(process) == 0
    assert numbers(out) == list(range(40))


def test_after_a_stop_it_goes_on_where_it_was(start, follow, tmp_path):
    log, out, state = tmp_path / "cells.csv", tmp_path / "scores.jsonl", tmp_path / "state"
    log.write_text(HEADER + lines(0, 5) + "A,5,50")
    options = ["--input", log, "--out", out, "--state", state]
    first = start(*options)
    rows_of(out, 5, first)
    assert ended(first) == 0 and state.exists()
    append(log, ",20\n" + lines(6, 9) + "broken\n")
    second = start(*options)
    rows_of(out, 9, second)
    until(lambda: "line 11" in second.told(), second)
    assert ended(second, signal.SIGINT) == 0
    # Renamed twice while nobody looked.
    append(log, lines(9, 12))
    log.rename(tmp_path / "cells.csv.2")
    (tmp_path / "cells.csv.1").write_text(HEADER + lines(12, 15))
    log.write_text(HEADER + lines(15, 17))
    third = follow(*options)
    rows_of(out, 17, third)
    assert ended(third) == 0
    assert numbers(out) == list(range(17))
    assert third.told().splitlines()[-1] == (
        f"linewatch: 18 rows, 17 scored, 0 anomalies, 1 malformed; state in {state}"
    )


def test_copied_and_emptied_while_nobody_looked(follow, tmp_path):
    log, out, state = tmp_path / "cells.csv", tmp_path / "scores.jsonl", tmp_path / "state"
    log.write_text(HEADER + lines(0, 50))
    options = ["--input", log, "--out", out, "--state", state]
    first = follow(*options)
    rows_of(out, 50, first)
    assert ended(first) == 0
    append(log, lines(50, 60))
    shutil.copy(log, tmp_path / "cells.csv.1")
    log.write_text(HEADER + lines(60, 200))
    second = follow(*options)
    rows_of(out, 200, second)
    assert ended(second) == 0
    assert numbers(out) == list(range(200))


def test_killed_it_writes_no_score_twice(start, follow, tmp_path):
    log, out, state = tmp_path / "cells.csv", tmp_path / "scores.jsonl", tmp_path / "state"
    log.write_text(HEADER + lines(0, 20))
    options = ["--input", log, "--out", out, "--state", state]
    first = start(*options)
    rows_of(out, 20, first)
    until(state.exists, first, "the state")
    first.kill()
    first.wait()
    # As if it had been killed between the scores and the state: they are written again.
    saved = out.read_bytes()
    append(out, '{"row": 21, "number": "20", "sc')
    append(log, lines(20, 30))
    second = follow(*options)
    rows_of(out, 30, second)
    assert ended(second) == 0
    assert numbers(out) == list(range(30)) and out.read_bytes().startswith(saved)


def test_the_states_of_streams_go_on_after_a_stop(follow, tmp_path):
    rng = np.random.default_rng(2)
    base = np.datetime64("2026-03-01T00:00", "s")
    frame = {
        "time": base + np.repeat(np.arange(300), 2) * np.timedelta64(900, "s"),
        "cell": ["A", "B"] * 300,
        "traffic": rng.normal(100, 10, 600).round(3),
    }
    scorer = streaming.OnlineScorer(
        streaming.OnlineIsolationForest(
            window=128, max_samples=64, n_estimators=10, random_state=0
        ),
        {"traffic": {"": streaming.Value(), "z": streaming.Rolling("1d", "zscore")}},
        key="cell",
        time="time",
        lateness="1h",
    ).fit({name: column[:400] for name, column in frame.items()})
    scorer.save(tmp_path / "scorer.lw")
    told = scorer.update({name: column[400:] for name, column in frame.items()})
    rest = [
        f"{t}+00:00,{c},{v}\n"
        for t, c, v in zip(*(frame[n][400:] for n in ("time", "cell", "traffic")), strict=True)
    ]
    log, out, state = tmp_path / "traffic.csv", tmp_path / "scores.jsonl", tmp_path / "state"
    log.write_text("time,cell,traffic\n" + "".join(rest[:120]))
    options = ["--input", log, "--out", out, "--state", state]
    first = follow(*options, model=tmp_path / "scorer.lw")
    rows_of(out, 100, first)
    assert ended(first) == 0
    append(log, "".join(rest[120:]))
    append(log, f"{base},A,1\nnoon,A,1\n7,A,1\n")  # late; no times
    second = follow(*options, model=tmp_path / "scorer.lw")
    until(lambda: "line 204" in second.told(), second)
    until(lambda: any(s.get("status") == "late" for s in scores(out)), second)
    assert ended(second) == 0
    found = [score for score in scores(out) if score["status"] == "taken"]
    # What waited in the fit has no line of this log.
    expected = {}
    for row, score in zip(told["row"].tolist(), told["score"].tolist(), strict=True):
        expected[row - 400 + 1] = score
    got = {score["row"]: score["score"] for score in found if score["row"] is not None}
    assert len(got) > 150
    assert all(got[row] == expected[row] for row in got)


def fails(capsys, *arguments):
    """The one line of an error."""
    code = cli.main(["score", "--follow", *map(str, arguments)])
    out, err = capsys.readouterr()
    assert code == 2 and out == "" and err.count("\n") == 1
    return err.removeprefix("linewatch: error: ").strip()


def test_what_cannot_be_followed_is_refused(tmp_path, model, capsys, monkeypatch, follow):
    monkeypatch.chdir(tmp_path)
    log = tmp_path / "cells.csv"
    log.write_text("cell,prb\nA,1\n")
    rows = np.random.default_rng(0).normal(size=(9, 2))
    lw.IsolationForest().fit(rows).save("plain.lw")
    assert fails(capsys, "--model", model, "--input", log) == (
        f'{log}: column "users" of the model is missing; the header has "cell", "prb"'
    )
    assert fails(capsys, "--model", "plain.lw", "--input", log) == (
        "plain.lw: the model takes 2 columns and knows no names; name them in order with "
        "--columns a,b,c"
    )
    assert fails(capsys, "--model", "no.lw", "--input", log) == "no.lw does not exist"
    assert fails(capsys, "--model", model, "--input", "x", "--json").startswith(
        "--json is for a whole file; with --follow"
    )
    assert fails(capsys, "--model", model, "--input", "x", "--out", "x") == (
        "--input and --output are the same file, x"
    )
    (tmp_path / "old.jsonl").write_text("{}\n")
    assert fails(capsys, "--model", model, "--input", "x", "--out", "old.jsonl") == (
        "old.jsonl is there already, and there is no state to go on from (move it, or give the "
        "--state that belongs to it)"
    )
    assert cli.main(["score", "--model", str(model), "--input", "x", "--state", "s"]) == 2
    assert "--state is for --follow" in capsys.readouterr().err

    log.write_text(HEADER + lines(0, 3))
    options = ["--input", log, "--out", "out.jsonl", "--state", "state"]
    process = follow(*options)
    rows_of(tmp_path / "out.jsonl", 3, process)
    assert ended(process) == 0
    lw.IsolationForest(n_estimators=2).fit(pl.DataFrame(rows, schema=["prb", "users"])).save("b.lw")
    assert fails(capsys, "--model", "b.lw", *options) == (
        "state was saved with another model than b.lw (give that one, or remove the state to "
        "start anew)"
    )
    assert fails(capsys, "--model", model, *options[2:], "--input", "other.csv") == (
        f"state is the state of {log}, not of {tmp_path / 'other.csv'} (remove it to start anew)"
    )
    os.truncate("out.jsonl", 10)
    assert fails(capsys, "--model", model, *options).startswith(
        "out.jsonl has 10 bytes, but state was saved when it had "
    )
    (tmp_path / "state").write_bytes((tmp_path / "state").read_bytes()[:-64])
    assert "state is cut short" in fails(capsys, "--model", model, *options)
    shutil.copy(model, "state")
    assert fails(capsys, "--model", model, *options) == (
        "state holds a isolation forest; expected the state of --follow"
    )


def test_a_log_that_is_not_there_yet_is_waited_for(follow, tmp_path):
    log, out = tmp_path / "cells.csv", tmp_path / "scores.jsonl"
    process = follow("--input", log, "--out", out)
    until(lambda: f"waiting for {log}" in process.told(), process)
    (tmp_path / "new").write_text(HEADER + lines(0, 2))
    (tmp_path / "new").rename(log)
    assert rows_of(out, 2, process) == [1, 2]
    assert ended(process) == 0


class Writer:
    """Writes numbered lines to a log, rotates it, and moves its clock on with each change."""

    def __init__(self, log, rng):
        self._log, self._rng = log, rng
        self.written, self._clock, self._rest = 0, 1_000_000_000, ""
        self._touch(HEADER)

    def _touch(self, text, path=None, mode="a"):
        with open(path or self._log, mode) as file:
            file.write(text)
        self._clock += 1_000_000_000
        os.utime(path or self._log, ns=(self._clock, self._clock))

    def write(self):
        """A few lines; the last one perhaps in two parts."""
        n = int(self._rng.integers(0, 40))
        text = self._rest + lines(self.written, self.written + n)
        cut = int(self._rng.integers(0, 8)) if n else 0
        self.written += n
        self._rest = text[len(text) - cut :]
        self._touch(text[: len(text) - cut])

    def _end(self):
        self._touch(self._rest)
        self._rest = ""

    def _shift(self):
        for k in (8, 7, 6, 5, 4, 3, 2, 1):
            old = self._log.with_name(f"{self._log.name}.{k}")
            if old.exists():
                old.rename(self._log.with_name(f"{self._log.name}.{k + 1}"))
        return self._log.with_name(f"{self._log.name}.1")

    def rename(self):
        """Rename and make anew."""
        self._end()
        self._log.rename(self._shift())
        self._touch(HEADER)

    def copy(self):
        """Copy and empty."""
        self._end()
        first = self._shift()
        shutil.copy(self._log, first)
        self._touch("", first)
        self._touch(HEADER + lines(self.written, self.written + 1), mode="w")
        self.written += 1


@pytest.mark.parametrize("rotation", ["rename", "copy"])
@pytest.mark.parametrize("seed", range(10))
def test_whatever_happens_in_whatever_order_no_line_is_lost_or_doubled(
    seed, rotation, tmp_path, model
):
    rng = np.random.default_rng(seed)
    log, out = tmp_path / "cells.csv", tmp_path / "scores.jsonl"
    arguments = ["--model", model, "--input", log, "--out", out, "--state", tmp_path / "state"]
    options = cli.parser().parse_args(["score", "--follow", *map(str, arguments)])
    writer = Writer(log, rng)
    follower = _follow.Follower(options)

    def step():
        lines = follower._source.read()
        if lines:
            follower._take(lines)
        return lines

    step()
    follower._save()
    for _ in range(60):
        what = rng.choice(
            ["write", "step", "save", rotation, "killed"], p=[0.35, 0.35, 0.12, 0.1, 0.08]
        )
        if what in ("write", rotation):
            getattr(writer, what)()
        elif what == "step":
            step()
        elif what == "save":
            follower._save()
        else:
            follower.__exit__()
            follower = _follow.Follower(options)
    writer._end()
    quiet = 0
    while quiet < 12:
        quiet = 0 if step() else quiet + 1
    follower._save()
    follower.__exit__()
    assert numbers(out) == list(range(writer.written))
