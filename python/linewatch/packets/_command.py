"""``linewatch packets``: the sources of a capture, the most unusual first, with reasons."""

import time as clock
import warnings
from pathlib import Path

import numpy as np

TOP_REASONS = 3
# Features of a source at one moment that the forest looks at.
LOOKED_AT = [
    "packet_count",
    "byte_count",
    "length_mean",
    "length_std",
    "syn_without_ack_ratio",
    "rst_ratio",
    "destination_count",
    "destination_port_count",
    "destination_port_entropy",
    "source_port_entropy",
]


def run(options):
    """Read, score, print and write."""
    from linewatch import _edge, _results, packets

    _results.check(options.out)
    window_s = _edge.span(options.window, "--window") / 1e9
    began = clock.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = packets.read_pcap(options.path)
    name = "standard input" if options.path == "-" else Path(options.path).name
    _describe(name, table, [str(warning.message) for warning in caught])
    table = _in_order(table)
    if not table.height:
        raise ValueError(f"{name}: no packet has a time and an IP address, so there is no source")
    sources = score(table, options.window, window_s, options.threshold, options.seed)
    _print(sources, options)
    written = _results.write(
        options.out,
        kind="packets",
        tables={"packets_by_source": sources},
        parameters={
            "source": name,
            "window": options.window,
            "threshold": options.threshold,
            "seed": options.seed,
            "features": LOOKED_AT,
        },
        units={"n_bytes": "byte", "byte_count": "byte"},
        time_zone="UTC",
        summary={
            "packets": table.height,
            "sources": sources.height,
            "anomalies": int(sources["is_anomaly"].sum()),
        },
    )
    print(f"\n{clock.perf_counter() - began:.1f} s; files written:")
    for path in written:
        print(f"  {path}")


def score(table, window, window_s, threshold, seed):
    """A row for each source, the most unusual first: what it did in its worst window, and why.

    A source is looked at once in a fifth of a window, at its last packet there. The forest draws
    each source with the same chance, however much it sends.
    """
    import polars as pl

    from linewatch import IsolationForest, packets

    step = max(int(window_s * 1e9 / 5), 1)
    moments = table.with_row_index("row").group_by(
        "source_address", pl.col("time").dt.epoch("ns") // step, maintain_order=True
    )
    rows = moments.agg(pl.col("row").last(), at=pl.col("time").last())
    found = packets.features(table, window, features=LOOKED_AT)
    found.columns = LOOKED_AT
    found = found[rows["row"]]
    weight = (1 / pl.len().over("source_address")).alias("weight")
    chance = rows.select("source_address").select(weight)["weight"].to_numpy()
    forest = IsolationForest(n_estimators=200, random_state=seed)
    forest.fit(found, sample_weight=chance)
    scores = -np.asarray(forest.score_samples(found))
    worst = (
        pl.concat(
            [rows.select("source_address", pl.col("at").alias("worst_time")), found],
            how="horizontal",
        )
        .with_columns(score=pl.Series(scores))
        .sort("score", descending=True, maintain_order=True)
        .group_by("source_address", maintain_order=True)
        .first()
    )
    reasons = np.asarray(forest.reasons(worst.select(LOOKED_AT), top=TOP_REASONS), dtype=object)
    totals = table.group_by("source_address").agg(
        n_packets=pl.len().cast(pl.Int64),
        n_bytes=pl.col("length").cast(pl.Int64).sum(),
        n_malformed=pl.col("malformed").cast(pl.Int64).sum(),
        start=pl.col("time").min(),
        end=pl.col("time").max(),
    )
    named = {
        f"reason_{k + 1}": pl.Series([text or None for text in reasons[:, k]], dtype=pl.String)
        for k in range(TOP_REASONS)
    }
    from linewatch import _results

    return (
        worst.with_columns(is_anomaly=pl.col("score") >= threshold, **named)
        .join(totals, on="source_address", how="left", maintain_order="left")
        .rename({"source_address": "source"})
        .select(list(_results.TABLES["packets_by_source"]))
    )


def _describe(name, table, notes):
    n = table.height
    malformed = int(table["malformed"].sum())
    cut = int((table["captured_length"] < table["length"]).sum())
    print(f"{name}: {n:,} packets, {int(table['length'].sum() or 0):,} bytes on the wire")
    if n and table["time"].count():
        first, last = table["time"].min(), table["time"].max()
        seconds = (last - first).total_seconds()
        print(f"from {first:%Y-%m-%d %H:%M:%S} UTC, {seconds:,.1f} s")
    other = int(table["source_address"].null_count())
    print(
        f"{n - other:,} with IP addresses, {other:,} without; {malformed:,} malformed; {cut:,} not "
        "captured whole"
    )
    for note in notes:
        print(f"note: {note}")


def _in_order(table):
    """The packets that have a source and a time, by time."""
    table = table.drop_nulls(["time", "source_address"])
    back = int((table["time"].diff().dt.total_nanoseconds() < 0).sum())
    if back:
        print(f"packets were not in order of time ({back:,} steps back): sorted")
        table = table.sort("time", maintain_order=True)
    return table.rechunk()


def _print(sources, options):
    found = int(sources["is_anomaly"].sum())
    print(
        f"\n{sources.height:,} sources, each in its most unusual {options.window}; anomaly: score "
        f">= {options.threshold:g} (higher = more anomalous): {found:,}"
    )
    names = ["source", "packets", "score", "worst time", "why (in that window)"]
    rows = [
        [
            row["source"],
            f"{row['n_packets']:,}",
            f"{row['score']:.3f}",
            f"{row['worst_time']:%H:%M:%S}",
            "; ".join(filter(None, (row[f"reason_{k + 1}"] for k in range(TOP_REASONS)))),
        ]
        for row in sources.head(options.top).iter_rows(named=True)
    ]
    widths = [max(len(row[k]) for row in [names, *rows]) for k in range(len(names))]
    print()
    for row in [names, *rows]:
        fields = [
            field.ljust(width) if k in (0, 4) else field.rjust(width)
            for k, (field, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  " + "  ".join(fields).rstrip())
    if sources.height > options.top:
        print(f"  ... and {sources.height - options.top:,} more (--top, packets_by_source.parquet)")
