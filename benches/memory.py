"""Peak memory that each kernel takes beside what goes in and what comes out.

    python benches/memory.py              # a minute or two; Linux only

The system is asked for the highest resident memory of a call (VmHWM, set back before it); from it
goes what was resident before, and the answer is told apart. One thread and all threads in turn. A
kernel that streams is asked for a small and a large input: its extra memory should not grow.
"""

import argparse
import ctypes
import gc
import os
import sys
import tempfile
from pathlib import Path

import numpy as np


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true", help="small inputs: does it run?")
    options = options.parse_args()
    if not Path("/proc/self/clear_refs").exists():
        print("the peak of one call can be read on Linux only")
        return 1
    n = 100_000 if options.quick else 4_000_000
    cores = os.cpu_count()
    print(f"| call | in, MB | out, MB | extra, MB: 1 thread | {cores} threads | extra / in |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, data, call in calls(n, Path(folder)):
            call(1)  # libraries are loaded, pools and tables are made
            size = megabytes(data)
            out, alone = extra(call, 1)
            _, together = extra(call, -1)
            ratio = f"{alone / size:.2f}" if size else "-"
            print(f"| {name} | {size:.1f} | {out:.1f} | {alone:.1f} | {together:.1f} | {ratio} |")
    return 0


def calls(n, folder):
    """Name, what goes in, and a call of a number of threads that gives what comes out."""
    import linewatch as lw

    rng = np.random.default_rng(7)
    x = rng.normal(size=n)
    rolling = lw.rolling
    for name in ("mean", "min", "median", "mad", "zscore", "skew", "rank", "entropy"):
        kernel = getattr(rolling, name)
        yield f"rolling.{name}, window 96", x, lambda jobs, f=kernel: f(x, 96, n_jobs=jobs)
    groups = np.arange(n) % 1000
    yield (
        "rolling.mean, 1,000 groups mixed",
        (x, groups),
        lambda jobs: rolling.mean(x, 96, groups=groups, n_jobs=jobs),
    )
    yield "rolling.ewm_mean", x, lambda jobs: rolling.ewm_mean(x, span=96, n_jobs=jobs)

    rows = rng.normal(size=(n // 10, 10))
    forest = lw.IsolationForest(random_state=0).fit(rows[:10_000])

    def with_jobs(jobs, work):
        forest.n_jobs = jobs
        return work()

    def fit(jobs):
        lw.IsolationForest(random_state=0, n_jobs=jobs).fit(rows)

    yield "IsolationForest.fit", rows, fit
    yield (
        "IsolationForest.score_samples",
        rows,
        lambda jobs: with_jobs(jobs, lambda: forest.score_samples(rows)),
    )
    few = rows[: n // 40]
    yield (
        "IsolationForest.explain",
        few,
        lambda jobs: with_jobs(jobs, lambda: forest.explain(few)),
    )
    near = rows[: max(2000, n // 80), :3]
    yield (
        "LocalOutlierFactor.fit_predict",
        near,
        lambda jobs: lw.LocalOutlierFactor(n_jobs=jobs).fit_predict(near),
    )
    wavelet = lw.wavelet
    yield (
        "wavelet.features, window 256, hop 16",
        x,
        lambda jobs: wavelet.features(x, window=256, hop=16, n_jobs=jobs),
    )
    part = x[: n // 40]
    yield "wavelet.wavedec, level 5", x, lambda jobs: wavelet.wavedec(x, "db4", level=5)
    for name in ("morl", "cmor1.5-1.0"):
        yield (
            f"wavelet.cwt, 64 scales, {name}",
            part,
            lambda jobs, name=name: wavelet.cwt(part, np.arange(1, 65), name, n_jobs=jobs)[0],
        )
    yield "downsample.indices, 3,000 points", x, lambda jobs: lw.downsample.indices(x, 3000)
    yield from streamed(n, folder)


def streamed(n, folder):
    """Kernels that take what lies in files, or make what has none, part by part."""
    import polars as pl

    import linewatch as lw

    packets = lw.packets.simulate(max(200, n // 400), seed=7)
    for times in (1, 8):
        path = folder / f"{times}.pcap"
        lw.packets.write_pcap(pl.concat([packets] * times), path)
        yield (
            f"packets.scan_pcap, {path.stat().st_size / 1e6:.0f} MB of file",
            None,
            lambda jobs, p=path: sum(len(batch) for batch in lw.packets.scan_pcap(p)) and None,
        )
    for days in (2, 20):
        data = lw.cdr.generate(max(1000, n // 40), days, seed=7)
        yield (
            f"cdr calls as batches, {data.rows / 1e6:.1f} M rows",
            None,
            lambda jobs, d=data, k=days: (
                sum(len(b) for b in d._core.calls(0, k, 65_536, jobs)) and None
            ),
        )


def megabytes(value):
    """Of arrays, or frames, or several of them."""
    if value is None:
        return 0.0
    if isinstance(value, (tuple, list)):
        return sum(map(megabytes, value))
    if isinstance(value, dict):
        return megabytes(list(value.values()))
    size = getattr(value, "nbytes", None)
    return (value.estimated_size() if size is None else size) / 1e6


def extra(call, jobs):
    """Size of the answer, and the peak beside it and all that was there before."""
    gc.collect()
    # What was freed goes back to the system, so that it counts when it is taken again.
    ctypes.CDLL(None).malloc_trim(0)
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    answer = call(jobs)
    peak = resident("VmHWM")
    out = megabytes(answer)
    return out, max(0.0, peak - before - out)


def resident(what):
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{what}:")[1].split()[0]) / 1024 * 1.048576


if __name__ == "__main__":
    sys.exit(main())
