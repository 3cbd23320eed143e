"""What the examples of the documentation work on: files and names that a reader would have."""

import gzip
from datetime import datetime

import numpy as np
import polars as pl

import linewatch as lw

# Sizes in the text, and smaller ones that do for a test.
SMALLER = {
    "--users 100000 --days 30": "--users 600 --days 2",
    "users=20_000, days=14": "users=1200, days=7",
    "users=5000, days=14": "users=1200, days=7",
}
KPIS = ["traffic_gb", "prb_percent", "drop_rate_percent"]


def network():
    """Four sites for six weeks."""
    return lw.kpi.simulate(4, 6, seed=0)


def write_files(folder):
    """Every file that an example reads, all of it generated."""
    cells = network()
    rows = cells.kpis.with_columns(traffic="traffic_gb", drop_rate="drop_rate_percent")
    rows.write_parquet(folder / "kpis.parquet")
    named = cells.kpis.select(CELL_NAME="cell_id", DATETIME="time", TRAFFIC="traffic_gb")
    with gzip.open(folder / "kpis.csv.gz", "wt") as file:
        file.write(named.write_csv())
    cells.sites.write_csv(folder / "sites.csv")
    present = cells.kpis.select("time", "cell_id", *KPIS).drop_nulls()
    present.write_csv(folder / "cells.csv")
    lw.IsolationForest(random_state=0).fit(present.select(KPIS)).save(folder / "forest.lw")

    flows = lw.flow.simulate(4000, n_customers=100, seed=0).drop("anomaly", "is_anomaly")
    for name in ("flows.csv", "flows.csv.gz", "flows-2026-01.csv.gz", "year.csv.gz"):
        lw.flow.write_nfdump(flows, folder / name)
    lw.privacy.Key.generate().save(folder / "privacy.key")

    packets = lw.packets.simulate(300, "3min", attacks=["syn_scan"], seed=0)
    for name in ("capture.pcap", "capture.pcap.gz", "huge.pcap"):
        lw.packets.write_pcap(packets, folder / name)


def names(page, section, text):
    """Names that an example uses and does not make; `section` is the heading above it."""
    given = _NAMES.get(page, {}).get(section, dict)()
    rows = network().kpis.select("time", cell="cell_id", prb="prb_percent")
    if "import linewatch.polars" in text:
        given["frame"] = rows
    elif "import linewatch.pandas" in text and page == "README.md":
        given["frame"] = rows.to_pandas()
    return given


def _own_kpis():
    cells = network()
    return {"lw": lw, "pl": pl, "frame": cells.kpis, "sites": cells.sites}


def _detectors():
    return {"kpis": network().kpis.select(KPIS).drop_nulls()}


def _scoring():
    rng = np.random.default_rng(0)
    rows = pl.DataFrame({"prb": rng.uniform(0, 80, 300), "users": rng.integers(0, 40, 300)})
    lw.IsolationForest(random_state=0).fit(rows).save("forest.lw")
    return {"lw": lw, "now": datetime(2026, 3, 2, 12)}


def _traffic():
    return {
        "detector": lw.IsolationForest(random_state=0),
        "key": lw.privacy.Key.generate(),
        "x": network().kpis["traffic_gb"].drop_nulls().to_numpy(),
    }


def _series():
    import pandas as pd

    one = network().kpis.filter(pl.col("cell_id") == "S001-1").drop_nulls()
    index = pd.DatetimeIndex(one["time"].to_numpy(), name="time")
    series = pd.Series(one["traffic_gb"].to_numpy(), index, name="traffic_gb")
    return {
        "mbit_per_s": one["throughput_mbit_per_s"].to_numpy(),
        "series": series,
        "x": series.to_numpy(),
        "times": index,
        "cells": np.full(len(series), "a"),
        "frame": one.select(KPIS),
    }


def _events():
    rows = network().kpis.select("time", "cell_id", "traffic_gb").sort("time")
    one = rows[:100]
    history = rows.select("time", cell="cell_id", traffic="traffic_gb").drop_nulls()
    return {
        "rows": rows,
        "cell": one["cell_id"],
        "time": one["time"],
        "value": one["traffic_gb"],
        "history": history[:-1],
        "event": history.row(-1, named=True),
    }


_NAMES = {
    "streaming.md": {"Streams": _events, "Scoring events": _scoring},
    "README.md": {
        "Your own KPIs": _own_kpis,
        "Detectors": _detectors,
        "Calls, flows and packets": _traffic,
        "Rolling statistics": _series,
    },
}
