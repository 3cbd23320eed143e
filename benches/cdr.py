"""Speed of the call-record generator beside NumPy, Faker and tpchgen, against the goals we set.

    python benches/cdr.py                 # 20,000 and 1,000,000 users, two threads, memory: minutes
    python benches/cdr.py --quick         # 20,000 users: does it run?

Everything takes turns in one process, so that a busy moment of the machine meets all. A figure is
million calls a second of processor time on one thread, the best of the rounds; with two threads it
is wall time. NumPy draws numeric columns without a busy check, contacts, places or text, Faker
fills nine fields, and tpchgen writes the 16 columns of TPC-H's lineitem; none makes what we make,
they are marks on the scale.
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GOALS = {"Arrow": 4.0, "CSV": 3.0, "Parquet (zstd)": 1.5}
TPCHGEN = "tpchgen-cli"
# What the rules of TPC-H give at scale 0.2, counted once.
TPCH_ROWS = 1_199_969


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true", help="20,000 users and one round")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--memory", type=int, help=argparse.SUPPRESS)
    options = options.parse_args()
    if options.memory:
        return memory(options.memory)
    rounds = 1 if options.quick else options.rounds
    table = []
    if not shutil.which(TPCHGEN):
        print(f"{TPCHGEN} is not there and left out: pip install tpchgen-cli\n")
    for users in (20_000,) if options.quick else (20_000, 1_000_000):
        table += compare(users, days=max(1, 2_000_000 // (users * 8)), rounds=rounds)
    print("| users | what | M rows/s | NumPy | Faker | tpchgen | goal | |")
    print("|---|---|---|---|---|---|---|---|")
    for users, what, best in table:
        goal = GOALS.get(what)
        verdict = "-" if goal is None else "met" if best[what] >= goal else "missed"
        peer = best.get(f"tpchgen {what}")
        peer = "-" if peer is None else f"{peer:.2f}"
        cells = f"{users:,} | {what} | {best[what]:.2f} | {best['NumPy']:.2f} | {best['Faker']:.4f}"
        print(f"| {cells} | {peer} | {goal or '-'} | {verdict} |")
    for what, (one, two) in threads(rounds).items():
        verdict = "met" if one / two >= 1.7 else "missed"
        print(f"\ntwo threads, {what}: {one / two:.2f} times one (goal 1.7, {verdict}), wall time")
    if not options.quick:
        for days in (5, 60):
            command = [sys.executable, __file__, "--memory", str(days)]
            print(
                subprocess.run(command, capture_output=True, text=True, check=True).stdout, end=""
            )
    return 0


def compare(users, days, rounds):
    from linewatch import cdr

    data = cdr.generate(users, days, seed=7, n_jobs=1)
    folder = Path(tempfile.mkdtemp())
    best = {}

    def take(what, rows, work):
        began = processor()
        work()
        best[what] = max(best.get(what, 0), rows / (processor() - began) / 1e6)

    def arrow():
        assert sum(len(batch) for batch in data._core.calls(0, days, 65_536, 1)) == data.rows

    def csv():
        (folder / "a.csv").unlink(missing_ok=True)
        data._core.write(folder / "a.csv", "csv", (0, days), n_jobs=1)

    def parquet():
        for day in range(days):
            (folder / f"{day}.parquet").unlink(missing_ok=True)
            data._core.write(folder / f"{day}.parquet", "parquet", (day, day + 1), n_jobs=1)

    def further(table, format):
        (folder / table).unlink(missing_ok=True)
        data._core.write_table(table, folder / table, format, (0, 1), n_jobs=1)

    try:
        for _ in range(rounds):
            for what, format in (("CSV", "csv"), ("Parquet (zstd)", "parquet")):
                if shutil.which(TPCHGEN):
                    take(f"tpchgen {what}", TPCH_ROWS, lambda f=format: tpch(f, folder))
            take("NumPy", 1_000_000, lambda: numpy_calls(1_000_000, users))
            take("Faker", 2_000, lambda: faker_calls(2_000))
            take("Arrow", data.rows, arrow)
            take("CSV", data.rows, csv)
            take("Parquet (zstd)", data.rows, parquet)
            for table, name in (("sms", "SMS"), ("data", "data sessions")):
                rows = data._core.rows_by_day(table)[0]
                take(f"{name}, CSV", rows, lambda t=table: further(t, "csv"))
                take(f"{name}, Parquet", rows, lambda t=table: further(t, "parquet"))
    finally:
        shutil.rmtree(folder)
    return [(users, what, best) for what in best if what in GOALS or "," in what]


def processor():
    """Seconds of processor time of this process and of those that it waited for."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in spent)


def tpch(format, folder):
    """The table lineitem at a fifth of the smallest scale, on one thread."""
    command = [TPCHGEN, format, "--scale-factor=0.2", "--tables=lineitem", "--num-threads=1"]
    command += ["--overwrite", f"--output-dir={folder}"]
    command += ["--compression=ZSTD(1)"] if format == "parquet" else []
    subprocess.run(command, check=True, capture_output=True)


def numpy_calls(n, users):
    """The nine numeric columns, each from one draw; names would cost several times more."""
    import numpy as np

    rng = np.random.default_rng(7)
    caller, callee = rng.integers(0, users, n), rng.integers(0, users, n)
    start = np.sort(rng.integers(0, 86_400, n))
    duration = np.maximum(rng.lognormal(4.2, 1.1, n).astype(np.int64), 1)
    first = rng.integers(0, 130, n)
    last = np.where(rng.random(n) < 0.15, rng.integers(0, 130, n), first)
    imei, imsi = caller * 7919 + 35 * 10**12, caller * 104_729 + 40_410 * 10**10
    label = np.where(rng.random(n) < 0.05, rng.integers(1, 5, n), 0)
    return caller, callee, start, start + duration, first, last, imei, imsi, label


def faker_calls(n):
    try:
        from faker import Faker
    except ImportError:
        return []
    fake = Faker()
    Faker.seed(7)
    return [
        {
            "caller": fake.msisdn(),
            "callee": fake.msisdn(),
            "start": fake.date_time_this_year(),
            "duration": fake.random_int(1, 3600),
            "first_cell": fake.numerify("cell_###"),
            "last_cell": fake.numerify("cell_###"),
            "imei": fake.numerify("###############"),
            "imsi": fake.numerify("###############"),
            "is_anomaly": fake.boolean(5),
        }
        for _ in range(n)
    ]


def threads(rounds):
    """Least seconds of wall time on one thread and on two, of 100,000 users."""
    from linewatch import cdr

    best = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        for _ in range(rounds):
            for n_jobs in (1, 2):
                data = cdr.generate(100_000, 2, seed=7, n_jobs=n_jobs)
                began = time.perf_counter()
                for _batch in data._core.calls(0, 2, 65_536, n_jobs):
                    pass
                arrow = time.perf_counter() - began
                began = time.perf_counter()
                data._core.write(path, "csv", (0, 2), n_jobs=n_jobs)
                csv = time.perf_counter() - began
                path.unlink()
                for what, spent in (("Arrow", arrow), ("CSV", csv)):
                    key = (what, n_jobs)
                    best[key] = min(best.get(key, 1e9), spent)
    return {what: (best[what, 1], best[what, 2]) for what in ("Arrow", "CSV")}


def memory(days):
    """Peak memory of streaming so many days of 1,000,000 users' calls."""
    from linewatch import cdr

    data = cdr.generate(1_000_000, days, seed=7, n_jobs=1, calls_per_user_day=2.0)
    rows = sum(len(batch) for batch in data._core.calls(0, days, 65_536, 1))
    # Not getrusage: it counts what the process had before it became this program.
    status = Path("/proc/self/status").read_text()
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
    print(f"memory: {rows / 1e6:.0f} M calls of 1,000,000 users streamed, peak {peak:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
