"""How long `import linewatch` takes, beside the libraries that people know.

    python benches/import_time.py [--repeat N] [--detail]

Each statement runs in interpreters of its own, in turn with an interpreter that does nothing, whose
time is taken off. The figures are medians of the processor time and of the wall time of the
process; the first round, which may read from disk, is left out. `--detail` prints what Python's own
`-X importtime` says of the slowest parts.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time

GOAL_MS = 150

STATEMENTS = {
    "import linewatch": "import linewatch",
    "linewatch.rolling, one call": "import linewatch; linewatch.rolling.mean([1.0, 2.0], window=2)",
    "import numpy": "import numpy",
    "import polars": "import polars",
    "import pandas": "import pandas",
    "from sklearn.ensemble import IsolationForest": "from sklearn.ensemble import IsolationForest",
    "from linewatch import IsolationForest": "from linewatch import IsolationForest",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeat", type=int, default=11)
    parser.add_argument("--detail", action="store_true")
    arguments = parser.parse_args()
    statements = {k: v for k, v in STATEMENTS.items() if runs(v)}
    taken = {name: [] for name in ["nothing", *statements]}
    for _ in range(arguments.repeat + 1):
        for name in taken:
            taken[name].append(measured(statements.get(name, "pass")))
    cpu = {name: statistics.median(pair[0] for pair in pairs[1:]) for name, pairs in taken.items()}
    wall = {name: statistics.median(pair[1] for pair in pairs[1:]) for name, pairs in taken.items()}
    print("| statement | processor time, ms | wall time, ms |")
    print("|---|---|---|")
    for name in statements:
        print(
            f"| `{name}` | {cpu[name] - cpu['nothing']:.0f} | {wall[name] - wall['nothing']:.0f} |"
        )
    ours = cpu["import linewatch"] - cpu["nothing"]
    print(f"\ngoal for `import linewatch`: {GOAL_MS} ms; {'met' if ours < GOAL_MS else 'MISSED'}")
    if arguments.detail:
        detail()


def runs(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def measured(code):
    """Processor and wall time of an interpreter that runs `code`, in milliseconds."""
    before, start = children(), time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return (children() - before) * 1e3, (time.perf_counter() - start) * 1e3


def children():
    """Processor time of the processes started so far, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def detail():
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import linewatch"],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.removeprefix("import time:").split("|") for line in run.stderr.splitlines()[1:]]
    rows = [(int(own), int(all_), name.strip()) for own, all_, name in rows]
    print("\n| module | own, ms | with what it imports, ms |\n|---|---|---|")
    for own, all_, name in sorted(rows, key=lambda row: -row[1])[:10]:
        print(f"| `{name}` | {own / 1e3:.1f} | {all_ / 1e3:.1f} |")


if __name__ == "__main__":
    main()
