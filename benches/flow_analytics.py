"""The analyses of flows beside the same queries written by hand for Polars' streaming engine.

    python benches/flow_analytics.py             # ten million flows: about three minutes
    python benches/flow_analytics.py --quick     # a hundred thousand: does it run and agree?

Flows are drawn with replacement from the real ones in ``LINEWATCH_DATA``, or from simulated ones
where there are none: 40,000 sources by a Zipf law, four times as many destinations, 97 MAC
addresses, a quarter of an hour. They lie in a Parquet file that both read lazily. Usage by source,
bytes by minute, the peak of each source, protocols and segments are one query with one scan of
what they share. Each run is a process of its own, in turn, so that peak memory is its own; answers
must agree. A figure is the median: processor time, wall time, and peak memory of the process.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from linewatch import flow

NAMES = ["usage", "by_time", "peaks", "protocols", "segments"]


def make(path, n):
    """A Parquet file of `n` flows."""
    rng = np.random.default_rng(0)
    data = Path(os.environ.get("LINEWATCH_DATA", "")) / "flows_nfdump_48col.csv.gz"
    columns = ["td", "sa", "sp", "dp", "pr", "flg", "ipkt", "ibyt", "opkt", "obyt"]
    base = flow.read_nfdump(data, columns) if data.exists() else flow.simulate(seed=0)
    base = base.filter(~pl.col("sa").str.contains(":")).select(c for c in columns if c != "sa")
    base = base.with_columns(pl.col("td").clip(0, 600), pl.col("pr", "flg").cast(pl.String))
    n_sources = max(n // 250, 10)
    chance = 1 / np.arange(1, n_sources + 1) ** 1.2
    source = rng.choice(n_sources, n, p=chance / chance.sum())
    source[:n_sources] = np.arange(n_sources)
    names = [f"10.{k >> 16}.{k >> 8 & 255}.{k & 255}" for k in range(4 * n_sources)]
    names, macs = pl.Series(names), pl.Series([f"02:00:00:00:00:{k:02x}" for k in range(97)])
    start = np.datetime64("2026-01-05T09:00:00", "us")
    table = base[rng.integers(0, base.height, n)].with_columns(
        ts=pl.Series(start + rng.integers(0, 900, n).astype("timedelta64[s]")),
        sa=names.gather(source),
        da=names.gather(rng.integers(0, 4 * n_sources, n)),
        ismc=macs.gather(rng.integers(0, 97, n)),
    )
    table.write_parquet(path, row_group_size=500_000)
    return "real flows, drawn again" if data.exists() else "simulated flows, drawn again"


def ours(flows):
    return [
        flow.usage_by_source(flows),
        flow.by_time(flows),
        flow.peaks(flows, by="sa"),
        flow.protocol_table(flows),
        flow.ufm_segments(flows, connections="mac"),
    ]


def by_hand(flows):
    """What somebody who knows Polars well would write."""
    total = pl.col("ibyt") + pl.col("obyt")
    ways = {"bytes_in": pl.col("ibyt").sum(), "bytes_out": pl.col("obyt").sum()}
    usage = flows.group_by("sa").agg(
        pl.len().alias("flows"),
        total_bytes=total.sum(),
        **ways,
        packets=(pl.col("ipkt") + pl.col("opkt")).sum(),
        distinct_ismc=pl.col("ismc").n_unique(),
        distinct_ts=pl.col("ts").n_unique(),
        total_td=pl.col("td").sum(),
    )
    usage = usage.with_columns(
        avg_bytes_per_mac=pl.col("total_bytes") / pl.col("flows"),
        bytes_per_second=pl.col("total_bytes") / pl.col("total_td"),
        delivery_ratio=pl.when(pl.col("bytes_out") > 0).then(
            pl.col("bytes_in") / pl.col("bytes_out")
        ),
    )
    minute = pl.col("ts").dt.truncate("1m").alias("time")
    sums = [pl.len().alias("flows"), total.sum().alias("total_bytes")]
    sums += [expr.alias(name) for name, expr in ways.items()] + [
        pl.col("td").sum().alias("total_td")
    ]
    peaks = flows.group_by("sa", minute).agg(sums)
    peaks = peaks.sort("total_bytes", "time", descending=[True, False])
    peaks = peaks.unique("sa", keep="first").sort("sa")
    protocols = flows.group_by("pr").agg(sums[:2])
    segments = flows.group_by("sa").agg(
        usage=total.sum(),
        frequency=pl.col("ts").n_unique(),
        connections=pl.col("ismc").n_unique(),
    )
    three = ("usage", "frequency", "connections")
    segments = segments.with_columns(
        (
            1 + sum((pl.col(c) > pl.col(c).quantile(q, "linear")).cast(pl.Int64) for q in QUARTILES)
        ).alias(f"{c}_score")
        for c in three
    ).with_columns(
        ufm_group=pl.concat_str([f"{c}_score" for c in three]),
        ufm_score=pl.sum_horizontal([f"{c}_score" for c in three]),
    )
    score = pl.col("ufm_score")
    level = sum((score > score.quantile(q, "linear")).cast(pl.Int64) for q in QUARTILES)
    segments = segments.with_columns(
        value_level=level.replace_strict(range(4), list(flow.VALUE_LEVELS)),
        ufm_level=pl.when(score >= 10)
        .then(pl.lit("Require Upgrade"))
        .when(score >= 7)
        .then(pl.lit("Potential Sales"))
        .when(score >= 4)
        .then(pl.lit("Needs Attention"))
        .otherwise(pl.lit("Possible Customer Loss")),
    )
    return [
        usage.sort("sa"),
        flows.group_by(minute).agg(sums).sort("time"),
        peaks,
        protocols.sort("total_bytes", "pr", descending=[True, False]),
        segments.sort("sa"),
    ]


QUARTILES = (0.25, 0.5, 0.75)
WHO = {"ours": ours, "hand": by_hand}


def one_run(who, path):
    """Figures and a check sum of one run, as JSON on standard output."""
    queries = WHO[who](pl.scan_parquet(path))
    wall, cpu = time.perf_counter(), time.process_time()
    tables = pl.collect_all(queries, engine="streaming")
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    sums = []
    for table in tables:
        for name in table.columns:
            column = table[name].cast(pl.Int64) if table[name].dtype.is_temporal() else table[name]
            if column.dtype.is_integer():
                sums.append(int(column.cast(pl.Int64).sum()))
            elif column.dtype.is_float():
                finite = column.filter(column.is_finite())
                sums.append(float(f"{finite.sum():.9g}"))
            else:
                sums.append(len("".join(column.to_list())))
    print(json.dumps({"cpu": cpu, "wall": wall, "peak": peak, "sums": sums}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a hundred thousand flows")
    parser.add_argument("--n", type=int, default=None, help="flows, default ten million")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--make", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        print(make(options.make[0], int(options.make[1])))
        return
    if options.run:
        one_run(*options.run)
        return
    n = options.n or (100_000 if options.quick else 10_000_000)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "flows.parquet")
        # In a process of its own, since a child is born with the peak memory of its parent.
        call = [sys.executable, __file__, "--make", path, str(n)]
        kind = subprocess.run(call, check=True, capture_output=True, text=True).stdout.strip()
        found = {who: [] for who in WHO}
        for _ in range(1 if options.quick else options.repeats):
            for who in WHO:
                call = [sys.executable, __file__, "--run", who, path]
                answer = subprocess.run(call, check=True, capture_output=True, text=True)
                found[who].append(json.loads(answer.stdout))
    if found["ours"][0]["sums"] != found["hand"][0]["sums"]:
        sys.exit("the answers differ")
    print(f"{n:,} flows ({kind}), {', '.join(NAMES)} in one query; answers agree")
    print(
        f"{'':22}{'by hand':>10}{'linewatch':>11}{'ratio':>8}  goal: at most 1.00, give or take 5 %"
    )
    for name, unit in (("cpu", "s"), ("wall", "s"), ("peak", "GB")):
        hand, our = (np.median([run[name] for run in found[who]]) for who in ("hand", "ours"))
        ratio = our / hand
        verdict = "met" if ratio <= 1.05 else "MISSED"
        title = {"cpu": "processor time", "wall": "wall time", "peak": "peak memory"}[name]
        print(f"{title + ' (' + unit + ')':22}{hand:10.2f}{our:11.2f}{ratio:8.2f}  {verdict}")


if __name__ == "__main__":
    main()
