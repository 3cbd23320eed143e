"""``linewatch demo``: a small network's month, made up, searched, and compared with the truth."""

import contextlib
import time as clock
from importlib.util import find_spec
from pathlib import Path

FLOWS = 20_000
FRAUD = {name: {"count": 1} for name in ("pbx_hack", "robocalling", "sim_box", "wangiri")}
WEEKS = 6
# Each step writes its folder whole or not at all.
LEFT = "the steps that were done are in their folders"


def add_options(command):
    """The options of the demo."""
    command.add_argument(
        "--out", metavar="DIR", default="results", help="results folders, default ./results"
    )
    command.add_argument("--sites", type=int, default=8, help="of three cells each, default 8")
    command.add_argument("--users", type=int, default=1500, help="telephone users, default 1500")
    command.add_argument("--seed", type=int, default=0, help="default 0")
    command.add_argument("--theme", choices=["light", "dark"], default="light", help="of the page")


def run(options):
    """Generate, search, compare, write."""
    began = clock.perf_counter()
    for name, least in (("sites", 3), ("users", 500), ("seed", 0)):
        if getattr(options, name) < least:
            raise ValueError(f"--{name} must be at least {least}, got {getattr(options, name)}")
    out = Path(options.out)
    _check(out)
    data = out / "data"
    data.mkdir(parents=True, exist_ok=True)
    print(f"a made-up network, seed {options.seed}; what was planted is known, and only compared")
    for step in (_cells, _flows, _calls):
        step(out, data, options)
    _page(out, options)
    print(f"\n{clock.perf_counter() - began:.0f} s")


def _check(out):
    """Only an empty folder or that of an earlier demo may be used."""
    from linewatch import _results

    if out.exists() and not out.is_dir():
        raise ValueError(f"{out} is not a folder; choose another one for the results")
    known = {"data", "kpi", "flows", "calls", "report.html"}
    there = out.iterdir() if out.exists() else ()
    others = sorted(path.name for path in there if path.name not in known)
    if others:
        raise ValueError(
            f"{out} holds other files ({', '.join(others[:3])}); choose another folder (--out)"
        )
    for name in ("kpi", "flows", "calls"):
        _results.check(out / name, name)


def _cells(out, data, options):
    import polars as pl

    from linewatch import _results, kpi

    network = kpi.simulate(options.sites, WEEKS, seed=options.seed)
    network.kpis.write_parquet(data / "kpis.parquet")
    network.sites.write_parquet(data / "sites.parquet")
    print(
        f"\nKPIs: {network.kpis.height:,} rows of {network.sites.height} cells, {WEEKS} weeks"
        f"\n  linewatch kpi {data / 'kpis.parquet'} --sites {data / 'sites.parquet'}"
    )
    _command("kpi", data / "kpis.parquet", "--sites", data / "sites.parquet",
             "--value", "traffic_gb", "--value", "throughput_mbit_per_s", "--no-picture",
             "--out", out / "kpi", log=data / "kpi.txt")  # fmt: skip
    _, tables = _results.read(out / "kpi")
    events = tables["classified_events"]
    faults = network.truth.filter("is_degradation")
    near = faults.join(events, left_on="cell_id", right_on="cell", how="left", suffix="_found")
    met = (pl.col("start_found") <= pl.col("end") + pl.duration(hours=48)) & (
        pl.col("end_found") >= pl.col("start")
    )
    near = near.with_columns(met=met.fill_null(False))
    first = pl.col("start_found").filter("met").min()
    found = near.group_by("fault_id", "fault", "cell_id", maintain_order=True).agg(
        start=pl.col("start").first(), found=pl.col("met").any(), at=first,
        classes=pl.col("class").filter("met").unique(maintain_order=True),
    )  # fmt: skip
    by_fault = found.group_by("fault", maintain_order=True).agg(
        cells=pl.len(), found=pl.col("found").sum(),
        hours=((pl.col("at") - pl.col("start")).dt.total_hours()).filter("found").median(),
        classes=pl.col("classes").explode().drop_nulls().mode().sort().first(),
    )  # fmt: skip
    _table(
        ["planted", "cells", "found", "after", "named"],
        [[row["fault"], row["cells"], row["found"],
          "-" if row["hours"] is None else f"{max(row['hours'], 0):.0f} h", row["classes"] or "-"]
         for row in by_fault.iter_rows(named=True)],
    )  # fmt: skip
    planted = set(found["cell_id"])
    others = events.filter(~pl.col("cell").is_in(list(planted)))
    for day in network.truth.filter(pl.col("fault") == "holiday").iter_rows(named=True):
        others = others.filter((pl.col("start") > day["end"]) | (pl.col("end") < day["start"]))
    quiet = network.sites.height - len(planted)
    print(
        f"  {events.height:,} events, some of a planted holiday; cells without a fault that have "
        f"one on another day: {others['cell'].n_unique()} of {quiet}"
    )


def _flows(out, data, options):
    import polars as pl

    from linewatch import _results, flow

    made = flow.simulate(FLOWS, seed=options.seed)
    flow.write_nfdump(made, data / "flows.csv.gz")
    print(
        f"\nflows: {made.height:,} of {made['sa'].n_unique()} customers, one day"
        f"\n  linewatch flows {data / 'flows.csv.gz'}"
    )
    _command("flows", data / "flows.csv.gz", "--out", out / "flows", log=data / "flows.txt")
    _, tables = _results.read(out / "flows")
    planted = (
        made.filter("is_anomaly")
        .group_by("sa")
        .agg(pl.col("anomaly").first().cast(pl.String), flows=pl.len())
    )
    flagged = tables["sources"].filter("is_anomaly")
    place = {
        name: k
        for k, name in enumerate(
            tables["sources"].sort("score", descending=True, nulls_last=True)["source"].to_list(), 1
        )
    }
    names = set(flagged["source"])
    _table(
        ["planted", "source", "flows", "found", "place by score"],
        [[row["anomaly"].replace("_", " "), row["sa"], f"{row['flows']:,}",
          "yes" if row["sa"] in names else "no", place.get(row["sa"], "-")]
         for row in planted.sort("anomaly").iter_rows(named=True)],
    )  # fmt: skip
    print(f"  {len(names - set(planted['sa']))} other sources flagged")


def _calls(out, data, options):
    from linewatch import _results, cdr

    made = cdr.generate(options.users, 7, options.seed, scenarios=FRAUD)
    print(f"\ncalls: {made.rows:,} of {options.users:,} users, one week")
    tables = cdr.study(made, seed=options.seed)
    parameters = {"source": "generated calls", "seed": options.seed, "scenarios": FRAUD}
    _results.write(out / "calls", kind="calls", tables=tables, parameters=parameters)
    _table(
        ["planted", "calls", "AUROC", "found", "what stands out"],
        [[row["scenario"].replace("_", " "), f"{row['n_planted']:,}", f"{row['auroc']:.3f}",
          f"{row['recall']:.0%}", row["reasons"] or ""]
         for row in tables["detection"].iter_rows(named=True)],
    )  # fmt: skip
    print("  found: the part that is among as many flagged calls as were planted in all")


def _page(out, options):
    if find_spec("plotly") is None:
        print('\nno page: plotly is missing (pip install "linewatch[dashboard]")')
        return
    from linewatch import dashboards

    size = dashboards.report(out, out / "report.html", theme=options.theme, most_rows=15)
    print(f"\npage: {out / 'report.html'} ({size / 1e6:.0f} MB, opens without a network)")
    if find_spec("dash") is not None:
        print(f"live: linewatch dashboard {out}")


def _command(*arguments, log):
    """Run a command; what it prints goes to a file beside the data."""
    from linewatch import cli

    options = cli.parser().parse_args([str(argument) for argument in arguments])
    with log.open("w", encoding="utf-8") as file, contextlib.redirect_stdout(file):
        options.run(options)


def _table(columns, rows):
    rows = [[str(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *rows)]
    for row in (columns, *rows):
        print("  " + "  ".join(value.ljust(width) for value, width in zip(row, widths)).rstrip())
