"""Calls that would take minutes, each stopped by a signal after a moment, in one process.

    python tests/stopped.py [NAME ...]

Prints for each how many seconds passed from the signal to the exception; a call that ends before
its signal, or does not hear it, is an error. `tests/test_long_calls.py` asks only that all are
stopped.
"""

import contextlib
import gzip
import io
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

# Seconds of work before the signal.
MOMENT = 0.3


def rows(n, columns):
    return np.random.default_rng(0).random((n, columns))


def rolling():
    from linewatch import rolling

    x = rows(20_000_000, 1)[:, 0]
    return lambda: rolling.median(x, 100_001, n_jobs=1)


def forest_fit():
    import linewatch as lw

    x = rows(2000, 4)
    return lambda: lw.IsolationForest(n_estimators=3_000_000, random_state=0).fit(x)


def _forest():
    import linewatch as lw

    return lw.IsolationForest(n_estimators=500, random_state=0).fit(rows(2000, 4))


def forest_score():
    forest, x = _forest(), np.broadcast_to(rows(1, 4), (30_000_000, 4))
    return lambda: forest.score_samples(x)


def forest_explain():
    forest, x = _forest(), np.broadcast_to(rows(1, 4), (10_000_000, 4))
    return lambda: forest.explain(x)


def neighbors():
    import linewatch as lw

    x = rows(200_000, 12)
    return lambda: lw.LocalOutlierFactor(30).fit(x)


def wavelet_features():
    from linewatch import wavelet

    x = rows(2_000_000, 1)[:, 0]
    return lambda: wavelet.features(x, 4096, 1)


def wavelet_cwt():
    from linewatch import wavelet

    x = rows(300_000, 1)[:, 0]
    return lambda: wavelet.cwt(x, np.arange(500, 2500), "morl")


def autoencoder():
    import linewatch as lw

    x = rows(50_000, 10)
    return lambda: lw.AutoencoderDetector(epochs=10_000, random_state=0).fit(x)


def kpi_baseline():
    import polars as pl

    from linewatch import kpi

    n = 500_000
    hours = pl.datetime_range(
        pl.datetime(1960, 1, 1),
        pl.datetime(1960, 1, 1) + pl.duration(hours=n - 1),
        "1h",
        eager=True,
    )
    series = pl.DataFrame({"time": hours, "traffic": rows(n, 1)[:, 0]})
    return lambda: kpi.baseline(series, window=20_000, statistic="median")


def cdr_calls():
    from linewatch import cdr

    made = cdr.generate(users=20_000, days=365)
    return lambda: sum(len(table) for table in made.calls())


def cdr_write():
    from linewatch import cdr

    made = cdr.generate(users=20_000, days=365)
    folder = tempfile.TemporaryDirectory()

    def write(folder=folder):
        made.write(Path(folder.name) / "calls")

    return write


def _again(first, piece, times):
    """A file of gzip parts that unpack to gigabytes."""
    path = Path(tempfile.mkdtemp()) / "again.gz"
    piece = gzip.compress(piece, 1)
    with path.open("wb") as file:
        file.write(gzip.compress(first))
        for _ in range(times):
            file.write(piece)
    return path


def packets_read():
    from linewatch import packets

    path = Path(tempfile.mkdtemp()) / "a.pcap"
    packets.write_pcap(packets.simulate(50, "30s", attacks=[], seed=0), path)
    data = path.read_bytes()
    path = _again(data[:24], data[24:], 4000)
    return lambda: sum(len(batch) for batch in packets.scan_pcap(path))


def packets_features():
    import polars as pl

    from linewatch import packets

    table = packets.simulate(300, "60s", attacks=[], seed=0)
    steps = pl.int_range(pl.len(), eager=False) // table.height
    table = pl.concat([table] * 300).with_columns(pl.col("time") + pl.duration(minutes=2 * steps))
    return lambda: packets.features(table, "60s")


def flow_read():
    from linewatch import flow

    header, line = "firstSeen,srcAddr,bytes\n", "2026-01-31 12:00:00.250,192.0.2.1,4200\n"
    path = _again(header.encode(), (line * 50_000).encode(), 1500)
    return lambda: sum(frame.height for frame in flow.scan_nfdump(path))


def in_child(setup, call, moment):
    """Processor time that a call in a process of its own took until Ctrl-C, sent after so many
    seconds, stopped it. Unlike the time on the clock it is the same on a busy machine."""
    code = f"""
import time, numpy as np
{setup}
start = time.process_time()
try:
    print("ready", flush=True)
    {call}
    print("it ended")
except KeyboardInterrupt:
    print(time.process_time() - start)
"""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "ready\n"
        time.sleep(moment)
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=120)
    finally:
        child.kill()
    return float(out)


CALLS = {
    f.__name__: f
    for f in (rolling, forest_fit, forest_score, forest_explain, neighbors, wavelet_features,
              wavelet_cwt, autoencoder, kpi_baseline, cdr_calls, cdr_write, packets_read,
              packets_features, flow_read)
}  # fmt: skip


def stop(name):
    """Seconds from the signal to the exception."""
    from linewatch import rolling

    call = CALLS[name]()
    signal.signal(signal.SIGALRM, lambda number, frame: signal.raise_signal(signal.SIGINT))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    due = time.monotonic() + MOMENT
    signal.setitimer(signal.ITIMER_REAL, MOMENT)
    with contextlib.redirect_stderr(io.StringIO()):
        try:
            call()
        except KeyboardInterrupt:
            found = time.monotonic() - due
        else:
            raise SystemExit(f"{name} ended before it was stopped")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    # Whoever was stopped may call again.
    assert rolling.median([1.0, 2.0, 3.0], 3)[-1] == 2.0
    return found


if __name__ == "__main__":
    for each in sys.argv[1:] or CALLS:
        print(f"{each} {stop(each):.3f}", flush=True)
