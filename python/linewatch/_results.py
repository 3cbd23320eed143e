"""The results folder: what a workflow found, as Parquet tables and a manifest.

`TABLES` lists the columns; docs/results.md says the same for readers and a test compares them.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path

FORMAT_VERSION = 1
MANIFEST = "manifest.json"

# Table -> column -> (Polars dtype, meaning).
TABLES = {
    "series": {
        "cell": ("String", "Name of the cell; empty if the file is one series."),
        "kpi": ("String", "Name of the value column."),
        "time": (
            "Datetime | Time",
            "Local time of the value; a time of day if the file has no dates.",
        ),
        "value": ("Float64", "The value in its own unit; null if missing."),
        "baseline": ("Float64", "What is usual for the cell then; null without enough history."),
        "scale": ("Float64", "The distance that counts as 1, in the unit of the value."),
        "score": ("Float64", "abs(value - baseline) / scale; higher = more anomalous."),
        "is_anomaly": ("Boolean", "The score reaches the threshold, on a side that counts."),
        "is_alarm": ("Boolean", "First anomaly of an event; null without dates."),
        "direction": ("String", "increase or decrease; null without a score."),
        "label": ("Boolean", "What the file itself says of the row; null without a label."),
    },
    "events": {
        "cell": ("String", "Name of the cell."),
        "kpi": ("String", "Name of the value column."),
        "start": ("Datetime", "Time of the first anomaly."),
        "end": ("Datetime", "Time of the last anomaly."),
        "n_anomalies": ("Int64", "Anomalies in the event."),
        "worst_time": ("Datetime", "Time of the highest score."),
        "value": ("Float64", "Value at the worst time."),
        "baseline": ("Float64", "Baseline at the worst time."),
        "score": ("Float64", "The highest score."),
        "direction": ("String", "increase or decrease, at the worst time."),
        "excess": ("Float64", "Sum of value - baseline over the anomalies."),
    },
    "cells": {
        "cell": ("String", "Name of the cell."),
        "kpi": ("String", "Name of the value column."),
        "baseline_kind": (
            "String",
            "hour of week, time of day, rolling, or other rows at the time of day.",
        ),
        "n_values": ("Int64", "Rows of the cell."),
        "n_missing": ("Int64", "Rows without a value."),
        "n_scored": ("Int64", "Rows with a score."),
        "n_anomalies": ("Int64", "Anomalies."),
        "n_events": ("Int64", "Events; null without dates."),
        "worst_time": ("Datetime | Time", "Time of the worst anomaly; null without one."),
        "value": ("Float64", "Value at the worst time."),
        "baseline": ("Float64", "Baseline at the worst time."),
        "score": ("Float64", "Score at the worst time."),
        "direction": ("String", "increase or decrease, at the worst time."),
    },
    "flows_by_minute": {
        "time": ("Datetime", "Beginning of the minute."),
        "flows": ("Int64", "Flows that began in it."),
        "total_bytes": ("Int64", "Their bytes, both ways."),
        "bytes_in": ("Int64", "Bytes in (ibyt)."),
        "bytes_out": ("Int64", "Bytes out (obyt); null if the layout has none."),
        "total_td": ("Float64", "Sum of their durations (s); null if the layout has none."),
    },
    "sources": {
        "source": ("String", "The customer: a source address, or another key."),
        "flows": ("Int64", "Flows."),
        "total_bytes": ("Int64", "Bytes, both ways."),
        "bytes_in": ("Int64", "Bytes in; null without bytes out."),
        "bytes_out": ("Int64", "Bytes out; null if the layout has none."),
        "packets": ("Int64", "Packets, both ways."),
        "distinct_ismc": ("Int64", "MAC addresses; null if the layout has none."),
        "distinct_ts": ("Int64", "Start times."),
        "total_td": ("Float64", "Sum of durations (s); null if the layout has none."),
        "bytes_per_second": ("Float64", "total_bytes / total_td; infinite if that is 0."),
        "delivery_ratio": ("Float64", "bytes_in / bytes_out; null where nothing went out."),
        "ratio_zscore": (
            "Float64",
            "Robust deviations of the ratio's logarithm from the median; null if one-way.",
        ),
        "is_one_way": ("Boolean", "Nothing in, or nothing out."),
        "is_unusual_ratio": ("Boolean", "The deviation is beyond the threshold."),
        "peak_time": ("Datetime", "Minute with the most bytes, the earliest on ties."),
        "peak_bytes": ("Int64", "Bytes in that minute."),
        "worst_time": ("Datetime", "Beginning of the most unusual stretch."),
        "score": ("Float64", "Its score, from 0 to 1; higher = more anomalous."),
        "is_anomaly": ("Boolean", "The score reaches the threshold."),
    },
    "segments": {
        "source": ("String", "The customer."),
        "usage": ("Int64", "Bytes, both ways."),
        "frequency": ("Int64", "Distinct start times."),
        "connections": (
            "Int64",
            "Distinct (destination, port, protocol), or MAC addresses if asked.",
        ),
        "usage_score": ("Int64", "1 to 4 by quartile."),
        "frequency_score": ("Int64", "1 to 4 by quartile."),
        "connections_score": ("Int64", "1 to 4 by quartile."),
        "ufm_group": ("String", "The three scores side by side."),
        "ufm_score": ("Int64", "Their sum, 3 to 12."),
        "value_level": ("String", "No Value, Low, Medium or High: by quartile of the scores."),
        "ufm_level": (
            "String",
            "Require Upgrade, Potential Sales, Needs Attention or Possible Customer Loss.",
        ),
    },
    "scores": {
        "source": ("String", "The customer."),
        "time": ("Datetime", "Beginning of the stretch."),
        "flows": ("Int64", "Flows in it."),
        "total_bytes": ("Int64", "Bytes, both ways."),
        "packets": ("Int64", "Packets, both ways."),
        "ports": ("Int64", "Distinct destination ports."),
        "peers": ("Int64", "Distinct destinations."),
        "delivery_ratio": (
            "Float64",
            "Bytes in over bytes out, each plus one; null if the layout has none.",
        ),
        "score": ("Float64", "From 0 to 1; higher = more anomalous."),
        "is_anomaly": ("Boolean", "The score reaches the threshold."),
        "reason_1": (
            "String",
            "Feature that counts most, with its value; for anomalies and the first hundred.",
        ),
        "reason_2": ("String", "The second, if there is one."),
        "reason_3": ("String", "The third, if there is one."),
    },
    "reasons": {
        "source": ("String", "The customer."),
        "time": ("Datetime", "Beginning of a stretch that is an anomaly."),
        "rank": ("Int64", "1 is the strongest reason."),
        "reason": ("String", "Feature with its value."),
    },
    "services": {
        "port": ("Int64", "Destination port."),
        "protocol": ("String", "Protocol."),
        "service": ("String", "Name in the IANA registry; null if it has none."),
        "category": ("String", "Traffic category; null if none is known."),
        "flows": ("Int64", "Flows."),
        "total_bytes": ("Int64", "Bytes, both ways."),
    },
    "protocols": {
        "protocol": ("String", "Protocol."),
        "flags": ("String", "TCP flags; null if the layout has none."),
        "flows": ("Int64", "Flows."),
        "total_bytes": ("Int64", "Bytes, both ways."),
    },
    "packets_by_source": {
        "source": ("String", "Source address."),
        "n_packets": ("Int64", "Packets of the source."),
        "n_bytes": ("Int64", "Their bytes on the wire."),
        "n_malformed": ("Int64", "Malformed ones among them."),
        "start": ("Datetime", "Time of the first packet (UTC)."),
        "end": ("Datetime", "Time of the last packet."),
        "worst_time": ("Datetime", "End of the most unusual window."),
        "packet_count": ("Float64", "Packets in that window."),
        "byte_count": ("Float64", "Bytes in that window."),
        "destination_count": ("Float64", "Distinct destinations in that window."),
        "destination_port_count": ("Float64", "Distinct destination ports in that window."),
        "syn_without_ack_ratio": (
            "Float64",
            "Share of packets with SYN and without ACK in that window.",
        ),
        "score": ("Float64", "How unusual that window is, from 0 to 1; higher = more anomalous."),
        "is_anomaly": ("Boolean", "The score reaches the threshold."),
        "reason_1": ("String", "Feature of that window that counts most, with its value."),
        "reason_2": ("String", "The second, if there is one."),
        "reason_3": ("String", "The third, if there is one."),
    },
}


def write(folder, *, kind, tables, parameters, units=None, time_zone=None, summary=None, files=()):
    """Write a results folder whole, or leave what was there as it was.

    `tables` are Polars frames by name; `files` are (name, function of a path) pairs, for
    pictures. Returns the paths written.
    """
    folder = Path(folder)
    check(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise ValueError(f"{folder} cannot be written: {error.strerror}") from None
    try:
        names = [MANIFEST]
        for name, table in tables.items():
            _check_columns(name, table)
            table.write_parquet(made / f"{name}.parquet", compression="zstd")
            names.append(f"{name}.parquet")
        for name, draw in files:
            draw(made / name)
            names.append(name)
        manifest = {
            "kind": kind,
            "format_version": FORMAT_VERSION,
            "linewatch_version": _version(),
            "units": units or {},
            "time_zone": time_zone,
            "parameters": parameters,
            "summary": summary or {},
            "tables": {name: table.height for name, table in tables.items()},
            "files": sorted(names[1:]),
        }
        text = json.dumps(manifest, indent=2, ensure_ascii=False, default=str)
        (made / MANIFEST).write_text(text + "\n", encoding="utf-8")
        made.chmod(0o777 & ~_umask())
        _swap(made, folder)
    except BaseException:
        _remove(made)
        raise
    return [folder / name for name in names]


def read(folder):
    """The manifest (a dict) and the tables (Polars frames by name) of a results folder."""
    import polars as pl

    folder = Path(folder)
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(f"{folder} has no {MANIFEST}; expected a results folder") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{folder / MANIFEST} is damaged: {error}") from None
    if manifest.get("format_version", 0) > FORMAT_VERSION:
        raise ValueError(
            f"{folder} has format version {manifest['format_version']}; this linewatch reads up to "
            f"{FORMAT_VERSION} (upgrade linewatch)"
        )
    tables = manifest.get("tables", {})
    return manifest, {name: pl.read_parquet(folder / f"{name}.parquet") for name in tables}


def check(folder):
    """Only an empty folder or an earlier results folder may be replaced."""
    folder = Path(folder)
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ValueError(f"{folder} is not a folder; choose another one for the results")
    if folder.is_dir() and any(folder.iterdir()):
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            known = {MANIFEST, *manifest["files"]}
        except (OSError, ValueError, KeyError, TypeError):
            known = set()
        others = sorted(path.name for path in folder.iterdir() if path.name not in known)
        if others:
            raise ValueError(
                f"{folder} holds other files ({', '.join(others[:3])}"
                f"{', ...' if len(others) > 3 else ''}); choose another folder for the results"
            )


def _remove(folder):
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except KeyboardInterrupt:  # one Ctrl-C can come twice: from Polars and from Python
        shutil.rmtree(folder, ignore_errors=True)


def _swap(made, folder):
    """Put the folder `made` in the place of `folder`."""
    if not folder.exists():
        os.rename(made, folder)
        return
    old = made.with_name(made.name + "-old")
    os.rename(folder, old)
    try:
        os.rename(made, folder)
    except BaseException:
        os.rename(old, folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _check_columns(name, table):
    """The table has the columns that its page promises."""
    expected = TABLES[name]
    if table.columns != list(expected):
        raise ValueError(f"table {name} has columns {table.columns}, expected {list(expected)}")
    for column, (dtypes, _) in expected.items():
        found = str(table.schema[column]).split("(")[0]
        if found not in dtypes.split(" | "):
            raise TypeError(f"table {name}, column {column} is {found}, expected {dtypes}")


def _version():
    import linewatch

    return linewatch.__version__


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
