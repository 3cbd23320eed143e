"""Speed of reading flows and of naming their services beside the peers, against the goals we set.

    python benches/flow.py               # two million flows: about three minutes
    python benches/flow.py --n 50000     # does it run?

A CSV in the layout with 48 columns is generated. The peers take their turns with linewatch in one
process, and their answers must agree. A figure is the median of the repeats: processor time on one
thread, wall time on two. The script starts itself once for each number of threads, since Polars
fixes it when it is imported.
"""

import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile
import time

GOAL_READ = 2.0
GOAL_PORTS = 4.0
WIDE = [
    *["ts", "te", "td", "sa", "da", "sp", "dp", "pr", "flg", "fwd", "stos", "ipkt", "ibyt", "opkt"],
    *["obyt", "in", "out", "sas", "das", "smk", "dmk", "dtos", "dir", "nh", "nhb", "svln", "dvln"],
    *["ismc", "odmc", "idmc", "osmc", *(f"mpls{i}" for i in range(1, 11)), "cl", "sl", "al", "ra"],
    *["eng", "exid", "tr"],
]
LEFT_OUT = {"fwd", "stos", "sas", "das", "smk", "dmk", "dtos", "nh", "nhb"}
SETS = {
    "22 of 48 columns": [name for name in WIDE[:31] if name not in LEFT_OUT],
    "11 of 48 columns": ["ts", "td", "sa", "da", "sp", "dp", "pr", "ipkt", "ibyt", "opkt", "obyt"],
}


def make_flows(n, seed=0):
    """Ports, protocols, bytes and addresses that are spread as in captures of office networks."""
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(seed)
    known = np.array([443, 80, 53, 5353, 1900, 123, 137, 5355, 22, 25, 2152, 8805])
    client = rng.integers(32_768, 61_000, n)
    server = np.where(rng.random(n) < 0.8, rng.choice(known, n), rng.integers(1, 65_536, n))
    swapped = rng.random(n) < 0.3
    flags = ["...AP.SF", "........", "...A....", "......S.", "...APRS.", "..UAPRSF"]
    bytes_in = np.maximum(rng.lognormal(6, 2, n).astype(np.int64), 28)
    bytes_out = np.where(rng.random(n) < 0.4, 0, rng.lognormal(6, 2.2, n)).astype(np.int64)
    seconds = np.sort(rng.integers(0, 900, n))
    macs = [f"18:5e:0f:52:{k:02x}:{k * 7 % 256:02x}" for k in range(97)]
    zero = "00:00:00:00:00:00"
    source = rng.zipf(1.2, n) % (n // 250 + 10)
    target = rng.integers(0, n // 60 + 10, n)
    start = np.datetime64("2026-01-31T12:00:00", "ms") + 1000 * seconds
    lasts = np.where(rng.random(n) < 0.4, 0, rng.integers(0, 600_000, n))
    return pl.DataFrame(
        {
            "ts": start,
            "te": start + lasts // 1000 * 1000,
            "td": lasts / 1000,
            "source": source,
            "target": target,
            "sp": np.where(swapped, server, client),
            "dp": np.where(swapped, client, server),
            "pr": rng.choice(["TCP", "UDP", "ICMP"], n, p=[0.62, 0.36, 0.02]),
            "flg": rng.choice(flags, n, p=[0.5, 0.3, 0.1, 0.05, 0.04, 0.01]),
            "ipkt": bytes_in // 400 + 1,
            "ibyt": bytes_in,
            "opkt": np.where(bytes_out > 0, bytes_out // 400 + 1, 0),
            "obyt": bytes_out,
            "ismc": pl.Series(macs).gather(rng.integers(0, 97, n)),
            "odmc": pl.Series(macs).gather(rng.integers(0, 97, n)),
            "idmc": zero,
            "osmc": zero,
        }
    )


def write_wide(flows, path):
    """The flows in the layout with 48 columns."""
    import polars as pl

    texts = {
        "ts": pl.col("ts").dt.strftime("%Y-%m-%d %H:%M:%S"),
        "te": pl.col("te").dt.strftime("%Y-%m-%d %H:%M:%S"),
        "sa": pl.format("10.{}.{}.{}", pl.col("source") // 250, pl.col("source") % 250, pl.lit(7)),
        "da": pl.format("172.{}.{}.201", pl.col("target") // 250 % 250, pl.col("target") % 250),
        "nh": pl.lit("0.0.0.0"),
        "nhb": pl.lit("0.0.0.0"),
        "ra": pl.lit("0.0.0.0"),
        "eng": pl.lit("17/1"),
        "tr": pl.lit("2026-01-31 12:15:01.511"),
    }
    texts |= {f"mpls{i}": pl.lit("0-0-0") for i in range(1, 11)}
    texts |= {name: pl.lit("    0.000") for name in ("cl", "sl", "al")}
    columns = [
        texts.get(name, pl.col(name) if name in flows.columns else pl.lit(0)).alias(name)
        for name in WIDE
    ]
    flows.select(columns).write_csv(path, float_precision=3)


def in_turn(calls, repeats, clock):
    """Median seconds of each call, which take turns so that a busy moment meets all of them."""
    seconds = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            began = clock()
            call()
            seconds[name].append(clock() - began)
    return {name: sorted(times)[len(times) // 2] for name, times in seconds.items()}


def report(title, seconds, peer, ours, goal, n, threads):
    for name in ours:
        ratio = seconds[peer] / seconds[name]
        verdict = "" if goal is None else f"  goal {goal:g}: {'met' if ratio >= goal else 'MISSED'}"
        print(
            f"{title:<26} {threads} thread{'s' if threads > 1 else ' '}  {peer} "
            f"{seconds[peer] / n * 1e9:6.0f} ns  {name} {seconds[name] / n * 1e9:6.0f} ns  "
            f"ratio {ratio:5.2f}{verdict}",
            flush=True,
        )


def bench_reading(path, n, repeats, threads):
    import polars as pl

    from linewatch import flow

    clock = time.process_time if threads == 1 else time.perf_counter
    size = os.path.getsize(path)
    print(f"{n:,} flows, {size / 1e6:,.0f} MB")
    for title, columns in SETS.items():
        theirs = pl.read_csv(path, columns=columns)
        for addresses in ("text", "category"):
            found = flow.read_nfdump(path, columns, addresses=addresses, n_jobs=threads)
            for name in columns:
                if name in ("ts", "te"):
                    times = theirs[name].str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us")
                    assert times.equals(found[name]), name
                else:
                    assert theirs[name].equals(found[name].cast(theirs.schema[name])), name
        del theirs, found

        ours = functools.partial(flow.read_nfdump, path, columns, n_jobs=threads)
        peer = functools.partial(pl.read_csv, path, columns=columns)
        forms = ("text", "category", "integer")
        seconds = in_turn(
            {
                "polars": peer,
                "polars with times": functools.partial(peer, try_parse_dates=True),
                **{form: functools.partial(ours, addresses=form) for form in forms},
            },
            repeats,
            clock,
        )
        report(title, seconds, "polars", forms, GOAL_READ, n, threads)
        report(title, seconds, "polars with times", ["text"], None, n, threads)


def bench_ports(flows, repeats, threads):
    import polars as pl

    from linewatch import flow

    clock = time.process_time if threads == 1 else time.perf_counter
    n = flows.height
    flows = flows.select(pl.col("sp", "dp").cast(pl.Int32), "pr")
    table = flow.port_table()
    keys = table.select(
        code=pl.col("port").cast(pl.String) + pl.col("protocol").str.to_lowercase(),
        found="service",
    )
    numbers = table.select("port", "protocol", found="service")

    def string_join():
        code = pl.col("dp").cast(pl.String) + pl.col("pr").str.to_lowercase()
        return flows.lazy().with_columns(code=code).join(
            keys.lazy(), on="code", how="left", maintain_order="left"
        ).select("found").collect()["found"]  # fmt: skip

    def number_join():
        return flows.lazy().join(
            numbers.lazy(), left_on=["dp", "pr"], right_on=["port", "protocol"], how="left",
            maintain_order="left",
        ).select("found").collect()["found"]  # fmt: skip

    calls = {
        "string join": string_join,
        "number join": number_join,
        "port_service": lambda: flow.port_service(flows["dp"], flows["pr"]),
    }
    try:
        from linewatch.interop import _polars_plugin, polars  # noqa: F401, registers pl.Expr.lw

        _polars_plugin.library()
        calls["expression"] = lambda: flows.lazy().select(
            pl.col("dp").lw.port_service("pr")
        ).collect()["dp"]  # fmt: skip
    except ImportError:
        print("built without the Polars expressions")
    answers = {name: call() for name, call in calls.items()}
    for name, answer in answers.items():
        assert answer.equals(answers["string join"]), name
    seconds = in_turn(calls, repeats, clock)
    ours = [name for name in calls if "join" not in name]
    report("service of a port", seconds, "string join", ours, GOAL_PORTS, n, threads)
    report("service of a port", seconds, "number join", ours, None, n, threads)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--n", type=int, default=2_000_000, help="flows")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child is None:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "flows.csv")
            write_wide(make_flows(arguments.n), path)
            for threads in (1, 2):
                environment = {**os.environ, "POLARS_MAX_THREADS": str(threads)}
                child = json.dumps({"path": path, "threads": threads})
                command = [sys.executable, __file__, "--child", child]
                command += ["--n", str(arguments.n), "--repeats", str(arguments.repeats)]
                subprocess.run(command, env=environment, check=True)
        return
    child = json.loads(arguments.child)
    bench_reading(child["path"], arguments.n, arguments.repeats, child["threads"])
    bench_ports(make_flows(arguments.n), arguments.repeats, child["threads"])


if __name__ == "__main__":
    main()
