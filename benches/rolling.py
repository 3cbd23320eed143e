"""Speed of the rolling statistics beside their peers, against the goals we set.

    python benches/rolling.py                      # everything, n = 1e6 and 1e7: half an hour
    python benches/rolling.py --quick              # n = 1e5 and few repeats: does it run?
    python benches/rolling.py mean median --n 1000000 --windows 100

linewatch and its peers take turns in one process, so that a busy moment of the machine meets all of
them. Answers must agree before they are timed. A figure is the mean of the fastest quarter of the
repeats, in nanoseconds per value: processor time on one thread, wall time where threads are
compared. Every call makes a fresh output. A peer that is not installed is named and left out.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

import numpy as np

WINDOWS = [10, 100, 1_000, 10_000]
PEERS = ["pandas", "polars", "bottleneck", "scipy", "screamer", "numbagg"]


def import_peers():
    """Modules by name; None for a peer that is not installed."""
    found = {}
    for name in PEERS:
        try:
            found[name] = importlib.import_module("scipy.ndimage" if name == "scipy" else name)
        except ImportError:
            found[name] = None
    return found


@dataclass
class Row:
    """One operation: our call, the calls of peers, and the share of their time we may take."""

    operation: str
    window: object
    ours: object
    peers: dict
    goals: dict  # peer, or "best" of all, to the highest allowed ratio; None without a goal
    n: int
    first: int = 0  # rows before this one are not compared: peers start in their own way
    tolerance: float = 1e-9
    wall: bool = False


# --- rows --------------------------------------------------------------------------------------


class Rows:
    """Every row of the table; a method per kind of operation."""

    def __init__(self, arguments, peers):
        from linewatch import rolling

        self.rolling = rolling
        self.windows = arguments.windows
        self.quick = arguments.quick
        self.peers = peers
        for name, module in peers.items():
            setattr(self, name, module)

    def installed(self, **calls):
        return {name: call for name, call in calls.items() if self.peers[name] is not None}

    def series(self, n, missing=0.0):
        rng = np.random.default_rng(1)
        x = rng.normal(100, 5, n)
        x[rng.random(n) < missing] = np.nan
        return x

    def single(self, n):
        """Rows of one series on one thread."""
        x = self.series(n)
        pandas = self.pandas.Series(x) if self.pandas else None
        polars = self.polars.Series("x", x) if self.polars else None
        frame = self.polars.LazyFrame({"x": polars}) if self.polars else None
        for w in self.windows:
            yield from self._sums(x, w, n, pandas, polars)
            yield from self._extrema(x, w, n, pandas, polars)
            yield from self._order(x, w, n, polars, frame)
            yield from self._many(x, w, n, frame)
        yield from self._deviation(x, n)
        yield from self._gaps(x, n)
        yield from self._drop_in(pandas, n)

    def _sums(self, x, w, n, pandas, polars):
        for op in ("mean", "sum", "std"):
            ours = getattr(self.rolling, op)
            calls = self.installed(
                bottleneck=lambda op=op: getattr(self.bottleneck, f"move_{op}")(
                    x, w, **({"ddof": 1} if op == "std" else {})
                ),
                pandas=lambda op=op: getattr(pandas.rolling(w), op)(),
                polars=lambda op=op: getattr(polars, f"rolling_{op}")(window_size=w),
                screamer=lambda op=op: getattr(self.screamer, f"Rolling{op.title()}")(w)(x),
                numbagg=lambda op=op: getattr(self.numbagg, f"move_{op}")(x, window=w),
            )
            goal = {"bottleneck": 1.2 if op == "std" else 1.0}
            yield Row(op, w, lambda ours=ours: ours(x, w), calls, goal, n, w)
            if op == "std":
                continue
            calls = {"bottleneck": calls["bottleneck"]} if "bottleneck" in calls else {}
            goal = {"bottleneck": 3.5}
            yield Row(f"{op} compensated", w, lambda ours=ours: ours(x, w, compensated=True),
                      calls, goal, n, w)  # fmt: skip

    def _extrema(self, x, w, n, pandas, polars):
        for op in ("min", "max"):
            ours = getattr(self.rolling, op)
            calls = self.installed(
                bottleneck=lambda op=op: getattr(self.bottleneck, f"move_{op}")(x, w),
                screamer=lambda op=op: getattr(self.screamer, f"Rolling{op.title()}")(w)(x),
                pandas=lambda op=op: getattr(pandas.rolling(w), op)(),
                polars=lambda op=op: getattr(polars, f"rolling_{op}")(window_size=w),
            )
            goal = {"bottleneck": 0.1, "screamer": 0.6}
            yield Row(op, w, lambda ours=ours: ours(x, w), calls, goal, n, w)

    def _order(self, x, w, n, polars, frame):
        calls = self.installed(
            bottleneck=lambda: self.bottleneck.move_median(x, w),
            scipy=lambda: self.scipy.median_filter(x, size=w),
            polars=lambda: polars.rolling_median(window_size=w),
        )
        row = Row("median", w, lambda: self.rolling.median(x, w), calls,
                  {"best": 1.0 if w <= 100 else 0.9}, n, w)  # fmt: skip
        # scipy centres its window and takes the upper of two middle values.
        row.tolerance = {"scipy": np.inf}
        yield row

        levels = [0.25, 0.5, 0.95]
        expressions = []
        if self.polars:
            column = self.polars.col("x")
            expressions = [
                column.rolling_quantile(q, "linear", window_size=w).alias(str(q)) for q in levels
            ]
        calls = self.installed(polars=lambda: frame.select(expressions).collect())
        yield Row("three quantiles", w, lambda: self.rolling.quantile(x, w, levels), calls,
                  {"polars": 0.4}, n, w)  # fmt: skip

    def _many(self, x, w, n, frame):
        names = ["mean", "std", "min", "max", "median", "q95", "zscore"]
        expressions = []
        if self.polars:
            column = self.polars.col("x")
            mean, std = column.rolling_mean(w), column.rolling_std(w)
            expressions = [
                mean.alias("mean"), std.alias("std"), column.rolling_min(w).alias("min"),
                column.rolling_max(w).alias("max"), column.rolling_median(w).alias("median"),
                column.rolling_quantile(0.95, "linear", window_size=w).alias("q95"),
                ((column - mean) / std).alias("zscore"),
            ]  # fmt: skip
        calls = self.installed(polars=lambda: frame.select(expressions).collect())
        yield Row("seven statistics", w, lambda: self.rolling.stats(x, w, names), calls,
                  {"polars": 0.3}, n, w, tolerance=1e-7)  # fmt: skip

    def _deviation(self, x, n):
        few = x[: min(n, 20_000)]  # screamer takes a microsecond and more for each value
        for w in [w for w in self.windows if w in (10, 100, 1_000)]:
            calls = self.installed(screamer=lambda w=w: self.screamer.RollingMedianAD(w)(few))
            yield Row("mad", w, lambda w=w: self.rolling.mad(few, w), calls, {"screamer": 0.1},
                      len(few), w)  # fmt: skip

    def _gaps(self, x, n):
        gaps = self.series(n, missing=0.1)
        for op in ("mean", "std", "min", "median"):
            ours = getattr(self.rolling, op)
            yield Row(f"{op}, 10 % missing", 100,
                      lambda ours=ours: ours(gaps, 100, min_periods=50),
                      {"ours without gaps": lambda ours=ours: ours(x, 100, min_periods=50)},
                      {"ours without gaps": 2.0}, n, tolerance=np.inf)  # fmt: skip

    def _drop_in(self, pandas, n):
        if not self.pandas:
            return
        try:
            importlib.import_module("linewatch.pandas")
        except ImportError:
            return
        for op in ("mean", "std", "median"):
            yield Row(f"pandas .lw.rolling().{op}()", 100,
                      lambda op=op: getattr(pandas.lw.rolling(100), op)(),
                      {"pandas": lambda op=op: getattr(pandas.rolling(100), op)()},
                      {"pandas": None}, n, 100)  # fmt: skip

    def spans(self, n):
        """Windows of five seconds, about a hundred irregular rows in each."""
        if not self.pandas:
            return
        rng = np.random.default_rng(2)
        times = np.cumsum(rng.exponential(5e7, n)).astype(np.int64).astype("datetime64[ns]")
        x = self.series(n)
        pandas = self.pandas.Series(x, index=self.pandas.DatetimeIndex(times))
        for op, goal in [("mean", 0.35), ("std", 0.35), ("median", 0.4)]:
            ours = getattr(self.rolling, op)
            yield Row(f"{op} in time", "5s", lambda ours=ours: ours(x, "5s", times=times),
                      {"pandas": lambda op=op: getattr(pandas.rolling("5s"), op)()},
                      {"pandas": goal}, n)  # fmt: skip

    def groups(self):
        """Ten thousand cells of a thousand rows, sorted by cell."""
        cells = 1_000 if self.quick else 10_000
        n = cells * 1_000
        x = self.series(n)
        codes = np.repeat(np.arange(cells), 1_000)
        table = x.reshape(cells, 1_000)
        frame = self.pandas.DataFrame({"cell": codes, "x": x}) if self.pandas else None
        calls = self.installed(
            bottleneck=lambda: self.bottleneck.move_mean(table, 60, axis=1),
            pandas=lambda: frame.groupby("cell")["x"].rolling(60).mean(),
        )
        yield Row(f"mean of {cells} groups", 60,
                  lambda: self.rolling.mean(x, 60, groups=codes), calls,
                  {"bottleneck": 1.2, "pandas": 0.1}, n)  # fmt: skip

    def frame(self):
        """A table with time down and 64 series across, row after row in memory."""
        rows = 10_000 if self.quick else 100_000
        table = self.series(rows * 64).reshape(rows, 64)
        calls = self.installed(
            numbagg=lambda: self.numbagg.move_mean(table, window=100, axis=0),
            bottleneck=lambda: self.bottleneck.move_mean(table, 100, axis=0),
        )
        yield Row(f"mean of {rows} x 64", 100, lambda: self.rolling.mean(table, 100, axis=0),
                  calls, {"numbagg": 0.4}, rows * 64)  # fmt: skip

    def threads(self, n):
        """Two threads against one of our own."""
        x, y = self.series(n), self.series(n)[::-1].copy()
        slow = {"median", "three quantiles", "mad", "skew", "corr"}
        operations = {
            "mean": lambda jobs: self.rolling.mean(x, 100, n_jobs=jobs),
            "std": lambda jobs: self.rolling.std(x, 100, n_jobs=jobs),
            "min": lambda jobs: self.rolling.min(x, 100, n_jobs=jobs),
            "median": lambda jobs: self.rolling.median(x, 100, n_jobs=jobs),
            "three quantiles": lambda jobs: self.rolling.quantile(
                x, 100, [0.25, 0.5, 0.95], n_jobs=jobs
            ),
            "mad": lambda jobs: self.rolling.mad(x, 100, n_jobs=jobs),
            "skew": lambda jobs: self.rolling.skew(x, 100, n_jobs=jobs),
            "corr": lambda jobs: self.rolling.corr(x, y, 100, n_jobs=jobs),
        }
        for name, call in operations.items():
            yield Row(f"{name}, two threads", 100, lambda call=call: call(2),
                      {"ours on one": lambda call=call: call(1)},
                      {"ours on one": 1 / 1.7 if name in slow else 1.0}, n, tolerance=0,
                      wall=True)  # fmt: skip


# --- timing ------------------------------------------------------------------------------------


def as_table(answer):
    """Any answer as an array, series in columns."""
    if isinstance(answer, dict):
        return np.stack([np.asarray(v) for v in answer.values()], axis=-1)
    return answer.to_numpy() if hasattr(answer, "to_numpy") else np.asarray(answer)


def check(row, ours, peer, answer):
    """Stop if a peer says something else."""
    tolerance = row.tolerance
    if isinstance(tolerance, dict):
        tolerance = tolerance.get(peer, 1e-9)
    if tolerance == np.inf:
        return
    ours, theirs = as_table(ours), as_table(answer)
    ours = ours.reshape(theirs.shape)[row.first :]
    theirs = theirs[row.first :]
    np.testing.assert_allclose(
        ours, theirs, rtol=tolerance, atol=tolerance * 100,
        err_msg=f"{row.operation}, window {row.window}: linewatch and {peer} differ",
    )  # fmt: skip


def measure(row, budget_s):
    """Nanoseconds per value of us and every peer, in turn."""
    clock = time.perf_counter if row.wall else time.process_time
    calls = {"linewatch": row.ours, **row.peers}
    took, ours = {}, None
    for name, call in calls.items():
        start = time.perf_counter()
        answer = call()
        took[name] = time.perf_counter() - start
        if name == "linewatch":
            ours = answer
        else:
            check(row, ours, name, answer)
    answer = ours = None
    repeats = int(np.clip(budget_s / sum(took.values()), 3, 41))
    times = {name: [] for name in calls}
    for repeat in range(repeats):
        for name, call in calls.items():
            # A peer ten times slower than its turn need not be timed every time.
            if took[name] > budget_s / 4 and repeat > 1:
                continue
            start = clock()
            call()
            times[name].append(clock() - start)
    fastest = {name: sorted(t)[: max(1, len(t) // 4)] for name, t in times.items()}
    return {name: float(np.mean(t)) / row.n * 1e9 for name, t in fastest.items()}


def lines(row, ns):
    """Lines of the table: one for each goal."""
    ours = ns["linewatch"]
    peers = {name: t for name, t in ns.items() if name != "linewatch"}
    for peer, goal in row.goals.items():
        name = min(peers, key=peers.get, default=None) if peer == "best" else peer
        line = {"operation": row.operation, "window": row.window, "n": row.n, "ours_ns": ours,
                "peer": name, "goal": goal, "all_ns": ns}  # fmt: skip
        if name not in peers:
            yield {**line, "peer": peer, "peer_ns": None, "ratio": None, "result": "peer missing"}
            continue
        ratio = ours / peers[name]
        result = "" if goal is None else "ok" if ratio <= goal else "missed"
        yield {**line, "peer_ns": peers[name], "ratio": ratio, "result": result}


def child(arguments):
    """Measure with the thread settings of this process; JSON to a file."""
    peers = import_peers()
    rows, out = Rows(arguments, peers), []

    def every():
        if arguments.threads == [1]:
            for n in arguments.n:
                yield from rows.single(n)
            yield from rows.spans(arguments.n[0])
            yield from rows.groups()
            yield from rows.frame()
        else:
            for n in arguments.n:
                yield from rows.threads(n)

    for row in every():
        if arguments.only and not any(
            name in row.operation.replace(",", "").split() for name in arguments.only
        ):
            continue
        ns = measure(row, arguments.budget)
        out += lines(row, ns)
        print(f"{row.operation:32} {row.window!s:>7} n={row.n:<9}",
              "  ".join(f"{name} {t:.2f}" for name, t in ns.items()), file=sys.stderr)  # fmt: skip
    missing = [name for name, module in peers.items() if module is None]
    with open(arguments.child, "w") as file:
        json.dump({"missing": missing, "rows": out}, file)


def spawn(arguments, threads):
    """Run this script again: most libraries fix their number of threads at import."""
    count = str(threads)
    names = ["POLARS_MAX_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS",
             "OPENBLAS_NUM_THREADS", "LINEWATCH_NUM_THREADS"]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rows.json")
        command = [sys.executable, __file__, *sys.argv[1:], "--threads", count, "--child", path]
        subprocess.run(command, check=True, env={**os.environ, **dict.fromkeys(names, count)})
        with open(path) as file:
            return json.load(file)


def markdown(rows):
    yield "| operation | window | n | best peer | ns | ours, ns | ratio | goal | |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for row in rows:
        peer_ns, ratio, goal = (
            "" if row[key] is None else f"{row[key]:.{digits}f}"
            for key, digits in [("peer_ns", 2), ("ratio", 2), ("goal", 2)]
        )
        yield (
            f"| {row['operation']} | {row['window']} | {row['n']:.0e} | {row['peer']} | {peer_ns} "
            f"| {row['ours_ns']:.2f} | {ratio} | {goal} | {row['result']} |"
        )


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("only", nargs="*", help="words of operations to run, such as: mean median")
    parser.add_argument("--n", nargs="+", type=int, default=[1_000_000, 10_000_000])
    parser.add_argument("--windows", nargs="+", type=int, default=WINDOWS)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--budget", type=float, default=8.0, help="seconds for one row")
    parser.add_argument("--quick", action="store_true", help="small and few")
    parser.add_argument("--json", metavar="PATH", help="write the figures of all peers there too")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.n, arguments.budget = [100_000], 1.0
    return arguments


def main():
    arguments = parse()
    if arguments.child:
        child(arguments)
        return
    results = [spawn(arguments, threads) for threads in arguments.threads]
    rows = [row for result in results for row in result["rows"]]
    print("\n".join(markdown(rows)))
    missed = sum(row["result"] == "missed" for row in rows)
    print(f"\n{len(rows)} rows, {missed} missed.")
    if results[0]["missing"]:
        print("Not installed and left out: " + ", ".join(results[0]["missing"]) + ".")
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
