"""Our Polars expressions against the native ones.

    python benches/polars_expressions.py [--rows N] [--threads T]

Both run in one process, in turn, on the same frame; their answers must agree. Times are the best of
`--repeat` runs. Prints a Markdown table.
"""

import argparse
import os
import time

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--rows", type=int, default=1_000_000)
parser.add_argument("--window", type=int, default=96)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--repeat", type=int, default=3)
arguments = parser.parse_args()
# Polars reads it once, when it is imported.
os.environ["POLARS_MAX_THREADS"] = str(arguments.threads)

import numpy as np  # noqa: E402, after the threads are set
import polars as pl  # noqa: E402, after the threads are set

import linewatch.polars  # noqa: E402, F401, registers pl.Expr.lw

STATISTICS = {
    "sum": lambda x, w: x.rolling_sum(w, min_samples=1),
    "mean": lambda x, w: x.rolling_mean(w, min_samples=1),
    "std": lambda x, w: x.rolling_std(w, min_samples=1),
    "min": lambda x, w: x.rolling_min(w, min_samples=1),
    "max": lambda x, w: x.rolling_max(w, min_samples=1),
    "median": lambda x, w: x.rolling_median(w, min_samples=1),
    "quantile": lambda x, w: x.rolling_quantile(0.95, "linear", w, min_samples=1),
    "skew": lambda x, w: x.rolling_skew(w, bias=False, min_samples=1),
    "kurt": lambda x, w: x.rolling_kurtosis(w, bias=False, min_samples=1),
    "zscore": lambda x, w: (x - x.rolling_mean(w, min_samples=1)) / x.rolling_std(w, min_samples=1),
}
OF_GROUPS = ("mean", "std", "median")


def frame(groups):
    """Traffic of `groups` cells, their rows mixed."""
    rng = np.random.default_rng(7)
    n = arguments.rows
    cell = rng.integers(0, groups, n)
    return pl.DataFrame({"cell": cell, "x": rng.gamma(2, 50, n) + cell % 50})


def ours(name, window, **options):
    own = {"q": 0.95} if name == "quantile" else {}
    return getattr(pl.col("x").lw, f"rolling_{name}")(window, min_periods=1, **own, **options)


def seconds(frame, expression):
    start = time.perf_counter()
    answer = frame.select(expression).to_series()
    return time.perf_counter() - start, answer


def compare(label, frame, native, *contenders):
    """One row of the table: native, then each of ours with its ratio."""
    best, answers = [float("inf")] * (1 + len(contenders)), [None] * (1 + len(contenders))
    for _ in range(arguments.repeat):
        for i, expression in enumerate((native, *contenders)):
            took, answers[i] = seconds(frame, expression)
            best[i] = min(best[i], took)
    reference = answers[0].fill_nan(None)
    for answer in answers[1:]:
        # Polars calls the skewness of two values 0 or NaN, we call it missing.
        both = (reference.is_not_null() & answer.is_not_null()).to_numpy()
        assert both.mean() > 0.5 or len(both) == 0, (label, both.mean())
        np.testing.assert_allclose(
            answer.to_numpy()[both], reference.to_numpy()[both], rtol=1e-6, atol=1e-6, err_msg=label
        )
    cells = [f"{best[0] * 1e3:.1f}"]
    cells += [f"{t * 1e3:.1f} ({best[0] / t:.2f}x)" for t in best[1:]]
    print(f"| {label} | " + " | ".join(cells) + " |", flush=True)


def main():
    window, rows = arguments.window, arguments.rows
    print(f"{rows:,} rows, window {window}, {arguments.threads} thread(s), Polars {pl.__version__}")
    print("\n| statistic | Polars, ms | ours, ms (times as fast) |\n|---|---:|---:|")
    data = frame(10)
    for name, native in STATISTICS.items():
        compare(name, data, native(pl.col("x"), window), ours(name, window))
    print("\n| statistic by cell | Polars over, ms | ours over, ms | ours groups=, ms |")
    print("|---|---:|---:|---:|")
    for groups in (10, 1_000, 100_000):
        data = frame(groups)
        for name in OF_GROUPS:
            compare(
                f"{name}, {groups:,} cells",
                data,
                STATISTICS[name](pl.col("x"), window).over("cell"),
                ours(name, window).over("cell"),
                ours(name, window, groups="cell"),
            )


if __name__ == "__main__":
    main()
