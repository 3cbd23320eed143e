"""Speed and memory of the nearest-neighbour detectors beside scikit-learn and SciPy.

    python benches/neighbors.py             # the table: some minutes, most of them scikit-learn's
    python benches/neighbors.py --quick     # a tenth of the rows: does it run and agree?
    python benches/neighbors.py --only 20000x41

Data: 20 centres drawn evenly from [-10, 10] in each column, a normal cloud of standard deviation 1
around each, and one row in a hundred drawn evenly from [-15, 15]. `normal` is a single cloud
without clusters, the worst case of any tree.

linewatch and its peers take turns in one process, and their factors must agree to 1e-6 before a
figure is printed. One thread: processor time, the median of three (calls above five seconds run
once). Two threads: wall time of each with two. Memory: how much the peak of a fresh process grows
during fit, over the input, beside the size of the neighbour lists (16 bytes a neighbour, as
`kneighbors` returns them).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np

GOALS = {(100_000, 3): 3, (100_000, 10): 8, (20_000, 41): 2}


def data(n, d, kind="clustered", seed=0):
    rng = np.random.default_rng(seed)
    if kind == "normal":
        return rng.normal(size=(n, d))
    x = rng.uniform(-10, 10, (20, d))[rng.integers(0, 20, n)] + rng.normal(size=(n, d))
    x[: n // 100] = rng.uniform(-15, 15, (n // 100, d))
    return rng.permutation(x)


def alternate(calls, repeats, clock):
    """Median time of each call, called in turn, and its last answer; once if it is long."""
    times, answers = {name: [] for name in calls}, {}
    for _ in range(repeats):
        for name, call in calls.items():
            if times[name] and times[name][0] > 5:
                continue
            begin = clock()
            answers[name] = call()
            times[name].append(clock() - begin)
    return {name: statistics.median(t) for name, t in times.items()}, answers


def speed(jobs, quick, only):
    """One line for each case, on `jobs` threads."""
    import sklearn.neighbors
    from scipy.spatial import cKDTree
    from threadpoolctl import threadpool_limits

    import linewatch as lw

    threadpool_limits(jobs)
    clock = time.process_time if jobs == 1 else time.perf_counter
    cases = [(n, d, "clustered") for n, d in GOALS] + [
        (20_000, 10, "normal"),
        (20_000, 41, "normal"),
    ]
    for n, d, kind in cases:
        if only not in (None, f"{n}x{d}"):
            continue
        goal = GOALS.get((n, d)) if kind == "clustered" and jobs == 1 else None
        rows = n // 10 if quick else n
        x, new = data(rows, d, kind), data(rows // 10, d, kind, seed=1)
        ours = lw.LocalOutlierFactor(n_jobs=jobs)
        theirs = sklearn.neighbors.LocalOutlierFactor(n_jobs=jobs)
        calls = {
            "ours": lambda ours=ours, x=x: ours.fit(x).negative_outlier_factor_,
            "peer": lambda theirs=theirs, x=x: theirs.fit(x).negative_outlier_factor_,
        }
        figures, answers = alternate(calls, 3, clock)
        apart = np.max(np.abs(answers["ours"] / answers["peer"] - 1))
        assert apart < 1e-6, apart
        line(f"LOF fit {kind}", rows, d, jobs, "scikit-learn", figures, goal, apart)

        pair = [c(novelty=True, n_jobs=jobs).fit(x) for c in (type(ours), type(theirs))]
        calls = {
            "ours": lambda m=pair[0], new=new: m.score_samples(new),
            "peer": lambda m=pair[1], new=new: m.score_samples(new),
        }
        figures, answers = alternate(calls, 3, clock)
        apart = np.max(np.abs(answers["ours"] / answers["peer"] - 1))
        assert apart < 1e-6, apart
        line(
            f"LOF novelty scores, {rows // 10} rows",
            rows,
            d,
            jobs,
            "scikit-learn",
            figures,
            None,
            apart,
        )

        if d <= 10 and kind == "clustered":
            calls = {
                "ours": lambda m=pair[0]: m.kneighbors(n_neighbors=20)[0],
                "peer": lambda x=x: cKDTree(x).query(x, 21, workers=jobs)[0][:, 1:],
            }
            figures, answers = alternate(calls, 1, clock)
            apart = np.max(np.abs(answers["ours"] - answers["peer"]))
            assert apart < 1e-9, apart
            line("20 neighbours", rows, d, jobs, "scipy cKDTree", figures, None, apart)


def line(what, n, d, jobs, peer, figures, goal, apart):
    ratio = figures["peer"] / figures["ours"]
    verdict = "" if goal is None else f"{goal} {'met' if ratio >= goal else 'MISSED'}"
    print(
        f"{what:<28} {n:>7} {d:>3} {jobs:>7} {peer:<13} {figures['peer']:>9.4f} "
        f"{figures['ours']:>9.4f} {ratio:>6.1f}  {verdict:<9} {apart:.0e}",
        flush=True,
    )


def memory(n, d, who):
    """Bytes by which the peak grows during fit, in this fresh process."""
    import sklearn.neighbors

    import linewatch as lw

    module = {"ours": lw, "peer": sklearn.neighbors}[who]
    module.LocalOutlierFactor(5).fit(data(200, d))
    x = data(n, d)
    # A peak reached while the data were made must not hide that of the fit.
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    before = status("VmRSS")
    module.LocalOutlierFactor(n_jobs=1).fit(x)
    return status("VmHWM") - before


def status(key):
    with open("/proc/self/status") as file:
        for entry in file:
            if entry.startswith(key):
                return int(entry.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {key}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", help="one case, as rows x columns: 20000x41")
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--memory")
    chosen = parser.parse_args()
    if chosen.memory:
        print(memory(*json.loads(chosen.memory)))
        return
    if chosen.jobs:
        speed(chosen.jobs, chosen.quick, chosen.only)
        return
    print(
        f"{'':<28} {'rows':>7} {'col':>3} {'threads':>7} {'peer':<13} {'peer s':>9} {'ours s':>9} "
        f"{'ratio':>6}  {'goal':<9} apart"
    )
    again = [sys.executable, __file__] + (["--quick"] if chosen.quick else [])
    again += [f"--only={chosen.only}"] if chosen.only else []
    for jobs in (1, 2):
        limits = {name: str(jobs) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        subprocess.run([*again, f"--jobs={jobs}"], check=True, env=os.environ | limits)
    if not sys.platform.startswith("linux"):
        return
    print("\nmemory of fit, MiB beyond the input   lists  ours  of lists  scikit-learn")
    for n, d in GOALS:
        if chosen.only not in (None, f"{n}x{d}"):
            continue
        n = n // 10 if chosen.quick else n
        peak = {}
        for who in ("ours", "peer"):
            command = [*again, f"--memory={json.dumps([n, d, who])}"]
            peak[who] = int(subprocess.run(command, check=True, capture_output=True).stdout)
        lists = n * 20 * 16
        print(
            f"{n:>7} x {d:<27} {lists / 2**20:>6.1f} {peak['ours'] / 2**20:>5.1f} "
            f"{peak['ours'] / lists:>9.2f} {peak['peer'] / 2**20:>13.1f}"
        )


if __name__ == "__main__":
    main()
