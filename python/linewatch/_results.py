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
    "calls_by_hour": {
        "time": ("Datetime", "Start of the hour, local."),
        "n_calls": ("Int64", "Calls that began in it."),
        "n_anomalous": ("Int64", "Those planted as anomalies."),
    },
    "call_kinds": {
        "kind": ("String", "Kind of anomaly."),
        "n_calls": ("Int64", "Its calls."),
    },
    "call_durations": {
        "from_s": ("Float64", "Shortest duration of the class, in seconds."),
        "to_s": ("Float64", "Longest one, not included; null for the last class."),
        "n_usual": ("Int64", "Calls that are no anomaly."),
        "n_anomalous": ("Int64", "Calls that are one."),
    },
    "callers": {
        "caller": ("String", "A caller whose calls score high."),
        "callee": ("String", "Whom it calls."),
        "n_calls": ("Int64", "How often."),
        "score": ("Float64", "Mean score of the caller's calls; higher = more anomalous."),
        "kind": ("String", "The kind of anomaly planted there; empty if none."),
    },
    "detection": {
        "scenario": ("String", "Kind of anomaly; all in the last row."),
        "n_planted": ("Int64", "Its calls."),
        "auroc": ("Float64", "Against usual calls; 0.5 is chance."),
        "average_precision": ("Float64", "Against usual calls."),
        "precision": ("Float64", "Where as many are flagged as there are anomalies."),
        "recall": ("Float64", "At the same threshold."),
        "reasons": ("String", "The features that stand out most; null without."),
    },
    "scores": {
        "row": ("Int64", "Row of the input, from 0."),
        "name": ("String", "What the row is about, such as a source and a time; may be empty."),
        "score": ("Float64", "How anomalous; higher = more."),
        "is_anomaly": ("Boolean", "The score reaches the threshold."),
        "label": ("Boolean", "What is known of the row; null without a label."),
    },
    "score_reasons": {
        "row": ("Int64", "Row of the input, from 0."),
        "rank": ("Int64", "Place of the reason, from 1."),
        "reason": ("String", "A feature that makes the row anomalous, with its value."),
        "contribution": ("Float64", "Its part of the score."),
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
    manifest = read_manifest(folder)
    tables = manifest.get("tables", {})
    return manifest, {name: pl.read_parquet(folder / f"{name}.parquet") for name in tables}


def read_manifest(folder):
    """The manifest of a results folder, with the tables that this version knows."""
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
    tables = manifest.get("tables")
    if not isinstance(tables, dict):
        raise ValueError(f"{folder / MANIFEST} names no tables; expected a results folder")
    # Names become paths: only known ones are followed, and only to files of the folder itself.
    manifest["tables"] = {name: rows for name, rows in tables.items() if name in TABLES}
    for name in manifest["tables"]:
        path = folder / f"{name}.parquet"
        if path.is_symlink() or not path.is_file():
            raise ValueError(f"{path} is in the manifest but is no file of the folder")
    return manifest


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
