"""Speed of the isolation forest beside its peers, against the goals we set.

    python benches/forest.py               # everything: a few minutes
    python benches/forest.py --quick       # a tenth of the rows: does it run?

linewatch, scikit-learn, coniferest and isotree take turns in one process, so that a busy moment of
the machine meets all of them, until a case has used its seconds: a busy machine has fewer turns,
not a longer run. A figure is the median of the turns (for one row the mean): processor time on one
thread, wall time on two. scikit-learn, which scores float32 whatever it is given, is timed on
float64 alone. A forest has 100 trees of 256 rows; forests differ by their random draws, so the
ranks of their scores are compared, with the agreement of two scikit-learn forests beside. A peer
that is not installed is named and left out. Extra memory is the growth of the process' peak during
a call, the result aside, in a process of its own.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from functools import partial

import numpy as np
from scipy.stats import spearmanr

try:
    from linewatch import IsolationForest
except ImportError:  # the kernel alone
    IsolationForest = None
from linewatch._core import Forest


class Ours:
    """The estimator, or the kernel below it."""

    def __init__(self, seed=0, **kernel):
        self.seed, self.kernel = seed, kernel

    def fit(self, x):
        self.forest = Forest.fit(x, seed=self.seed, n_jobs=1, **self.kernel)
        return self

    def score(self, x, threads):
        return self.forest.score_samples(x, n_jobs=threads)

    def explain(self, x, threads):
        return self.forest.explain(x, n_jobs=threads)


class Estimator(Ours):
    def fit(self, x):
        self.model = IsolationForest(random_state=self.seed, n_jobs=1).fit(x)
        return self

    def score(self, x, threads):
        self.model.n_jobs = threads
        return self.model.score_samples(x)

    def explain(self, x, threads):
        self.model.n_jobs = threads
        return self.model.explain(x)


class SkLearn:
    def __init__(self, seed=0):
        from sklearn.ensemble import IsolationForest

        self.model = IsolationForest(random_state=seed)

    def fit(self, x):
        self.model.fit(x)
        return self

    def score(self, x, threads):
        import joblib

        with joblib.parallel_backend("threading", n_jobs=threads):
            return self.model.score_samples(x)


class Coniferest:
    def __init__(self, seed=0, threads=1):
        from coniferest.isoforest import IsolationForest

        self.make = lambda jobs: IsolationForest(
            n_trees=100, n_subsamples=256, random_seed=seed, n_jobs=jobs
        )
        self.models = {}

    def fit(self, x):
        self.models = {1: self.make(1).fit(x)}
        self.x = x
        return self

    def score(self, x, threads):
        if threads not in self.models:
            self.models[threads] = self.make(threads).fit(self.x)
        return self.models[threads].score_samples(x)

    def explain(self, x, threads):
        return self.models[1].feature_signature(x)


class IsoTree:
    def __init__(self, seed=0):
        from isotree import IsolationForest

        self.model = IsolationForest(
            ntrees=100, sample_size=256, ndim=1, random_seed=seed, nthreads=1, missing_action="fail"
        )

    def fit(self, x):
        self.model.fit(x)
        return self

    def score(self, x, threads):
        self.model.set_params(nthreads=threads)
        return -self.model.predict(x)


PEERS = {"coniferest": Coniferest, "scikit-learn": SkLearn, "isotree": IsoTree}


# Peers that take the same time for float32.
DOUBLE = {"scikit-learn"}


def installed():
    found = {}
    for name, peer in PEERS.items():
        try:
            peer()
            found[name] = peer
        except ImportError:
            print(f"{name} is not installed and left out")
    return found


def turns(calls, seconds, clock, most=15):
    """Median time of each call: they take turns until so many seconds have passed.

    A call of which one more turn would take a quarter of the time left has what it has; the others
    go on. Each has one turn at least.
    """
    times = {name: [] for name in calls}
    last = dict.fromkeys(calls, 0.0)
    end = time.perf_counter() + seconds
    for _ in range(most):
        waiting = [n for n in calls if last[n] <= (end - time.perf_counter()) / 4]
        if not waiting:
            break
        for name in waiting:
            wall, start = time.perf_counter(), clock()
            calls[name]()
            times[name].append(clock() - start)
            last[name] = time.perf_counter() - wall
    return {name: statistics.median(t) for name, t in times.items()}


class Table:
    def __init__(self):
        self.rows = []

    def add(self, case, peer, theirs, ours, goal, unit=1e3):
        """A line; `goal` is the least ratio of their time to ours."""
        ratio = theirs / ours
        met = "" if goal is None else ("met" if ratio >= goal else "missed")
        self.rows.append([case, peer, theirs * unit, ours * unit, ratio, goal, met])
        goal = "" if goal is None else f"{goal:.2f}"
        line = f"{case:<46} {peer:<22} {theirs * unit:>10.4g} {ours * unit:>10.4g} {ratio:>8.2f}x"
        print(f"{line} {goal:>6} {met}", flush=True)


def scoring(table, peers, ours, rng, scale, seconds):
    for rows, columns in [(1_000_000, 10), (100_000, 41)]:
        rows = int(rows * scale)
        double = rng.normal(size=(rows, columns))
        models = {name: peer().fit(double) for name, peer in peers.items()}
        models["linewatch"] = ours().fit(double)
        if "scikit-learn" in models:
            part = double[:20_000]
            base = models["scikit-learn"].score(part, 1)
            second = SkLearn(seed=1).fit(double).score(part, 1)
            agreement = {n: spearmanr(base, m.score(part, 1))[0] for n, m in models.items()}
            agreement["scikit-learn, second seed"] = spearmanr(base, second)[0]
            print("rank correlation with scikit-learn:", end=" ")
            print(", ".join(f"{n} {r:.3f}" for n, r in agreement.items() if n != "scikit-learn"))
            assert agreement["linewatch"] > agreement["scikit-learn, second seed"] - 0.05
        alone = {}
        for dtype in ("float32", "float64"):
            x = double.astype(dtype)
            for threads, clock in ((1, time.process_time), (2, time.perf_counter)):
                timed = {
                    n: m for n, m in models.items() if not (n in DOUBLE and dtype == "float32")
                }
                for model in timed.values():
                    model.score(x[:1000], threads)
                calls = {n: partial(m.score, x, threads) for n, m in timed.items()}
                times = turns(calls, seconds, clock)
                mine = times.pop("linewatch")
                alone[dtype, threads] = mine
                goals = {"coniferest": 4, "scikit-learn": 5} if threads == 1 else {}
                for name, theirs in times.items():
                    case = f"score {rows} x {columns} {dtype}, {threads} thread(s), ms"
                    table.add(case, name, theirs, mine, goals.get(name))
        case = f"score {rows} x {columns}, 1 thread: float32 / float64"
        table.add(case, "ours, at most 1.5", alone["float32", 1], alone["float64", 1], 1 / 1.5)
        # What two threads take beyond the time of one is lost to the division of the work; what is
        # gained on the wall depends on the cores that others leave free.
        mine = models["linewatch"]
        calls = {threads: partial(mine.score, double, threads) for threads in (1, 2)}
        for clock, name in ((time.process_time, "processor"), (time.perf_counter, "wall")):
            times = turns(calls, seconds, clock)
            case = f"score {rows} x {columns} float64: 1 / 2 threads, ms"
            table.add(case, f"ours, {name} time", times[1], times[2], None)


def one_row(table, peers, ours, rng, seconds):
    x = rng.normal(size=(10_000, 10))
    models = {name: peer().fit(x) for name, peer in peers.items()}
    models["linewatch"] = ours().fit(x)
    row = x[:1].copy()
    times = {}
    for name, model in models.items():
        model.score(row, 1)
        end, repeats, start = time.perf_counter() + seconds, 0, time.process_time()
        while repeats < 10 or time.perf_counter() < end:
            for _ in range(10):
                model.score(row, 1)
            repeats += 10
        times[name] = (time.process_time() - start) / repeats
    mine = times.pop("linewatch")
    for name, theirs in times.items():
        table.add("one row of 10 columns, us", name, theirs, mine, None, 1e6)
    table.add("one row of 10 columns, us", "goal of 10 us", 10e-6, mine, 1, 1e6)


def fitting(table, peers, ours, rng, scale, seconds):
    x = rng.normal(size=(int(100_000 * scale), 10))
    calls = {name: lambda peer=peer: peer().fit(x) for name, peer in peers.items()}
    calls["linewatch"] = lambda: ours().fit(x)
    times = turns(calls, seconds, time.process_time)
    mine = times.pop("linewatch")
    for name, theirs in times.items():
        goal = 1 if name == "coniferest" else None
        table.add(f"fit 100 x 256 on {len(x)} x 10, ms", name, theirs, mine, goal)


def explaining(table, peers, ours, rng, scale, seconds):
    for columns in (10, 41):
        x = rng.normal(size=(int(100_000 * scale), columns))
        model = ours().fit(x)
        calls = {"score": partial(model.score, x, 1), "linewatch": partial(model.explain, x, 1)}
        if "coniferest" in peers:
            peer = Coniferest().fit(x)
            calls["coniferest"] = partial(peer.explain, x, 1)
        times = turns(calls, seconds, time.process_time)
        mine = times.pop("linewatch")
        case = f"explain {len(x)} x {columns}, ms"
        table.add(case, "our score, 1 / 1.5", times.pop("score"), mine, 1 / 1.5)
        for name, theirs in times.items():
            table.add(case, name, theirs, mine, None)
    for name, kernel in {
        "pooled": {"columns_per_split": 2, "gain": 0.5},
        "extended": {"columns_per_split": 10},
    }.items():
        x = rng.normal(size=(int(100_000 * scale), 10))
        model, plain = Ours(**kernel).fit(x), Ours().fit(x)
        calls = {
            "score": partial(model.score, x, 1),
            "explain": partial(model.explain, x, 1),
            "classic": partial(plain.score, x, 1),
        }
        times = turns(calls, seconds, time.process_time)
        case = f"{name}: score {len(x)} x 10, ms"
        table.add(case, "ours, classic", times["classic"], times["score"], None)
        case = f"{name}: explain {len(x)} x 10, ms"
        table.add(case, "its score", times["score"], times["explain"], None)


def memory(rows):
    """Bytes that scoring `rows` x 10 needs beside input and result."""
    code = f"""
import resource, sys, numpy as np
from linewatch._core import Forest
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
x = np.random.default_rng(0).random(({rows}, 10))
forest = Forest.fit(x[:1000], n_jobs=1)
forest.score_samples(x[:5000], n_jobs=2)
before = peak()
score = forest.score_samples(x, n_jobs=2)
print(peak() - before - score.nbytes, x.nbytes)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    extra, size = map(int, out.stdout.split())
    return max(extra, 0), size


CASES = ("fit", "row", "explain", "score", "memory")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows and of the time")
    parser.add_argument("--only", nargs="+", choices=CASES, default=CASES, help="some of the cases")
    parser.add_argument("--kernel", action="store_true", help="the kernel, not the estimator")
    parser.add_argument("--json", help="write the rows of the table to this file")
    options = parser.parse_args()
    # Seconds of a case.
    scale, seconds = (0.1, 1) if options.quick else (1.0, 6)
    peers, table, rng = installed(), Table(), np.random.default_rng(0)
    ours = Ours if options.kernel or IsolationForest is None else Estimator
    what = "the kernel" if ours is Ours else "linewatch.IsolationForest"
    print(f"{what}; 100 trees x 256 rows")
    print(f"{'case':<46} {'peer':<22} {'theirs':>10} {'ours':>10} {'ratio':>9} {'goal':>6}")
    if "fit" in options.only:
        fitting(table, peers, ours, rng, scale, seconds)
    if "row" in options.only:
        one_row(table, peers, ours, rng, seconds / 5)
    if "explain" in options.only:
        explaining(table, peers, ours, rng, scale, seconds)
    if "score" in options.only:
        scoring(table, peers, ours, rng, scale, seconds)
    if "memory" in options.only:
        extra, size = memory(int(1_000_000 * scale))
        line = f"{extra / 2**20:.1f} MiB, {extra / size:.1%} of the input (goal 10 %)"
        print(f"extra memory of scoring: {line}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(table.rows, file)


if __name__ == "__main__":
    main()
