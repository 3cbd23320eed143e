"""Speed of thinning a line beside tsdownsample, which has the same algorithm.

    python benches/downsample.py

One thread; both take turns in one process. A figure is the median of the repeats in milliseconds of
processor time. Agreement: how far the drawn line is from the extremes of 1,000 columns of dots.
"""

import argparse
import time

import numpy as np

from linewatch import downsample


def columns(y, rows, n=1000):
    """Lowest and highest value of each column of dots, of all rows and of those drawn."""
    of = np.asarray(rows) * n // len(y)
    low, high = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(low, of, y[rows])
    np.maximum.at(high, of, y[rows])
    whole = y[: len(y) // n * n].reshape(n, -1)
    seen = np.isfinite(low)
    miss = np.maximum(low - whole.min(axis=1), whole.max(axis=1) - high)[seen]
    return float(np.median(miss)), float(seen.mean())


def measure(calls, repeats):
    times = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.process_time()
            call()
            times[name].append(time.process_time() - start)
    return {name: float(np.median(t)) * 1e3 for name, t in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    try:
        from tsdownsample import MinMaxLTTBDownsampler

        peer = MinMaxLTTBDownsampler()
    except ImportError:
        peer = None
        print("tsdownsample is not installed: left out (pip install tsdownsample)")
    print("| rows | drawn | tsdownsample, ms | linewatch, ms | ratio | line off the extremes |")
    print("|---:|---:|---:|---:|---:|---|")
    for n in options.n:
        y = np.random.default_rng(0).normal(size=n).cumsum()
        calls = {"ours": lambda y=y: downsample.indices(y, 3000)}
        if peer is not None:
            calls["peer"] = lambda y=y: peer.downsample(y, n_out=3000, parallel=False)
        took = measure(calls, options.repeats)
        off = {name: columns(y, call())[0] / y.std() for name, call in calls.items()}
        theirs = f"{took['peer']:.1f}" if peer else "-"
        ratio = f"{took['ours'] / took['peer']:.2f}" if peer else "-"
        text = ", ".join(f"{name} {value:.4f}" for name, value in off.items())
        print(f"| {n:,} | 3,000 | {theirs} | {took['ours']:.1f} | {ratio} | {text} std |")


if __name__ == "__main__":
    main()
