"""Long calls: stopped by Ctrl-C, watched through a callback, on many threads, after fork."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import stopped

rolling = pytest.importorskip("linewatch.rolling")

WINDOW = 501


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(3).normal(size=(200_000, 4))


@pytest.fixture(scope="module")
def expected(x):
    return rolling.median(x, WINDOW, n_jobs=1)


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | environment,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to a child")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_ctrl_c_stops_the_work_of_a_long_call(n_jobs):
    setup = f"""
from linewatch import rolling
x = np.random.default_rng(3).normal(size=20_000_000)
rolling.median(x[:100_000], 10, n_jobs={n_jobs})
"""
    call = f"rolling.rank(x, 1_000_001, n_jobs={n_jobs})"
    # The whole call takes more than 6 s.
    assert stopped.in_child(setup, call, moment=0.3) < 2


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers of signals")
def test_every_long_call_can_be_stopped_and_the_next_one_works():
    """In one process: a call that does not listen takes minutes, and the next one shows whether
    the last has left anything broken."""
    script = os.path.join(os.path.dirname(__file__), "stopped.py")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-2000:]
    assert len(done.stdout.splitlines()) == len(stopped.CALLS)


def test_other_python_threads_go_on(x):
    ticks, done = [], threading.Event()

    def tick():
        while not done.wait(0.001):
            ticks.append(None)

    ticker = threading.Thread(target=tick)
    ticker.start()
    begin = len(ticks)
    rolling.median(x, WINDOW, n_jobs=1)
    end = len(ticks)
    done.set()
    ticker.join()
    assert end > begin


def test_progress_adds_up_to_the_rows(x):
    told = []
    answer = rolling.median(x[:, 0], WINDOW, progress=told.append)
    assert sum(told) == len(x) and min(told) > 0
    np.testing.assert_array_equal(answer, rolling.median(x[:, 0], WINDOW))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_exception_in_the_callback_reaches_the_caller(x, n_jobs):
    class Enough(Exception):
        pass

    def progress(rows):
        raise Enough(rows)

    with pytest.raises(Enough):
        rolling.median(x[:, 0], WINDOW, n_jobs=n_jobs, progress=progress)
    with pytest.raises(TypeError, match="not callable"):
        rolling.median(x[:, 0], WINDOW, n_jobs=n_jobs, progress=5)


@pytest.mark.parametrize("n_jobs", [None, -1, -2, -1000, 1, 3, 16])
def test_every_number_of_threads_gives_the_same_answer(x, expected, n_jobs):
    np.testing.assert_array_equal(rolling.median(x, WINDOW, n_jobs=n_jobs), expected)


def test_no_threads_is_an_error(x):
    with pytest.raises(ValueError) as error:
        rolling.median(x, WINDOW, n_jobs=0)
    assert str(error.value) == (
        "n_jobs must be a number of threads, or negative to count back from all cores (-1), got 0"
    )


def test_the_environment_says_how_many_threads_if_the_call_does_not(x, expected, monkeypatch):
    for value in ["1", "3", "-1", ""]:
        monkeypatch.setenv("LINEWATCH_NUM_THREADS", value)
        np.testing.assert_array_equal(rolling.median(x, WINDOW), expected)
    for value in ["many", "0", "1.5"]:
        monkeypatch.setenv("LINEWATCH_NUM_THREADS", value)
        with pytest.raises(ValueError) as error:
            rolling.median(x, WINDOW)
        assert str(error.value) == (
            "LINEWATCH_NUM_THREADS must be a number of threads, or negative to count back from "
            f'all cores (-1), got "{value}"'
        )
        np.testing.assert_array_equal(rolling.median(x, WINDOW, n_jobs=2), expected)


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads through /proc")
def test_as_many_threads_are_started_as_asked_for():
    code = """
import glob, numpy as np
from linewatch import rolling
rolling.median(np.zeros((100_000, 8)), 101)
names = [open(path).read() for path in glob.glob("/proc/self/task/*/comm")]
print(sum(name.removeprefix("linewatch-").strip().isdigit() for name in names))
"""
    for threads, started in [("1", 0), ("3", 3)]:
        out = run_python(code, LINEWATCH_NUM_THREADS=threads)
        assert out.stdout.strip() == str(started), out.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_and_its_parent_both_work(x, expected):
    np.testing.assert_array_equal(rolling.median(x, WINDOW, n_jobs=2), expected)
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def child():
        answer = rolling.median(x, WINDOW, n_jobs=2)
        sender.send(np.array_equal(answer, expected, equal_nan=True))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        process = context.Process(target=child, daemon=True)
        process.start()
    np.testing.assert_array_equal(rolling.median(x, WINDOW, n_jobs=2), expected)
    assert receiver.poll(60), "the child hangs"
    assert receiver.recv() is True
    process.join(60)
    assert process.exitcode == 0


def test_many_python_threads_may_call_at_once(x, expected):
    with ThreadPoolExecutor(16) as executor:
        calls = [executor.submit(rolling.median, x, WINDOW, n_jobs=1 + i % 3) for i in range(16)]
        for call in calls:
            np.testing.assert_array_equal(call.result(), expected)
