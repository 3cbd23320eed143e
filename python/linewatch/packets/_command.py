"""``linewatch packets``: the sources of a capture, the most unusual first, with reasons."""

import tempfile
import time as clock
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from linewatch.packets import _moments
from linewatch.packets._moments import LOOKED_AT

TOP_REASONS = 3
SOURCES_DRAWN = 6


def run(options):
    """Read, score, print and write."""
    from linewatch import _edge, _results
    from linewatch._tables import counted
    from linewatch.cli import _sayer

    _results.check(options.out, "packets")
    window_ns = _edge.span(options.window, "--window")
    began = clock.perf_counter()
    say = _sayer(options)
    name = "standard input" if options.path == "-" else Path(options.path).name
    with tempfile.TemporaryDirectory(prefix="linewatch-packets-") as folder:
        moments = _moments.Moments(folder, options.window, window_ns)
        notes = _read(options.path, moments, say)
        _describe(name, moments, notes)
        if not moments.n:
            raise ValueError(
                f"{name}: no packet has a time and an IP address, so there is no source"
            )
        say(f"scoring {counted(moments.n, 'window')}")
        sources = score(moments, options.threshold, options.seed)
        _print(sources, options)
        files = []
        if not options.no_picture:
            if find_spec("matplotlib") is None:
                print('\nno picture: matplotlib is missing (pip install "linewatch[plots]")')
            else:
                shown = sources["source"].head(SOURCES_DRAWN).to_list()
                drawn = _moments.lines(moments, shown)
                files.append(("packets.png", lambda path: _draw(path, drawn, options.threshold)))
        say("writing")
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
                "packets": moments.counts["addressed"],
                "sources": sources.height,
                "anomalies": int(sources["is_anomaly"].sum()),
            },
            files=files,
        )
    print(f"\n{clock.perf_counter() - began:.1f} s; files written:")
    for path in written:
        print(f"  {path}")


def score(moments, threshold, seed):
    """A row for each source, the most unusual first: what it did in its worst window, and why."""
    import polars as pl

    from linewatch import _results

    forest = _moments.fit(moments, seed)
    worst = _moments.worst(moments, forest)
    reasons = np.asarray(forest.reasons(worst.select(LOOKED_AT), top=TOP_REASONS), dtype=object)
    named = {
        f"reason_{k + 1}": pl.Series([text or None for text in reasons[:, k]], dtype=pl.String)
        for k in range(TOP_REASONS)
    }
    return (
        worst.with_columns(is_anomaly=pl.col("score") >= threshold, **named)
        .join(moments.totals(), on="source_address", how="left", maintain_order="left")
        .rename({"source_address": "source", "at": "worst_time"})
        .select(list(_results.TABLES["packets_by_source"]))
    )


def _read(path, moments, say):
    """Pass the capture through; what it has to be said about it."""
    from linewatch import packets
    from linewatch._tables import counted

    said = clock.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for frame in packets.scan_pcap(path, batch_rows=_moments.BATCH):
            moments.add(frame)
            if clock.perf_counter() - said > 2:
                said = clock.perf_counter()
                seen = moments.counts
                say(f"{counted(seen['packets'], 'packet')}, {counted(seen['bytes'], 'byte')}")
        moments.close()
    return [str(warning.message) for warning in caught]


def _draw(path, drawn, threshold):
    from linewatch.packets import _picture

    _picture.draw(path, *drawn, threshold)


def _describe(name, moments, notes):
    from linewatch._tables import counted

    counts = moments.counts
    size = counted(counts["bytes"], "byte")
    print(f"{name}: {counted(counts['packets'], 'packet')}, {size} on the wire")
    if moments.first is not None:
        seconds = (moments.last - moments.first).total_seconds()
        print(f"from {moments.first:%Y-%m-%d %H:%M:%S} UTC, {seconds:,.1f} s")
    print(
        f"{counts['addressed']:,} with IP addresses, {counts['packets'] - counts['addressed']:,} "
        f"without; {counts['malformed']:,} malformed; {counts['cut']:,} not captured whole"
    )
    for note in notes:
        print(f"note: {note}")
    if counts["back"]:
        print(f"packets were not in order of time ({counted(counts['back'], 'step')} back): sorted")
    if counts["late"]:
        own = "its own" if counts["late"] == 1 else "their own"
        print(f"{counted(counts['late'], 'packet')} came too late for a window of {own} time")
    if counts["restarts"]:
        print(
            f"the clock went back {counted(counts['restarts'], 'time')}: windows began anew there"
        )


def _print(sources, options):
    from linewatch._tables import counted

    found = int(sources["is_anomaly"].sum())
    print(
        f"\n{counted(sources.height, 'source')}, each in its most unusual {options.window}; "
        f"anomaly: score >= {options.threshold:g} (higher = more anomalous): {found:,}"
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
