"""The results folder: what a workflow found, as Parquet tables and a manifest.

`TABLES` lists the columns; docs/results.md says the same for readers and a test compares them.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path

from linewatch import _files

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
        "contribution": ("Float64", "Its part of the score; null where only the order is known."),
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
    "classified_events": {
        "rank": ("Int64", "Place by traffic lost, from 1; null if no KPI can be summed."),
        "cell": ("String", "Name of the cell."),
        "kpi": ("String", "Name of the value column."),
        "class": (
            "String",
            "DROP_OUT, FLAT_LINE, SEASONAL_BREAK, VARIANCE_SHIFT, LEVEL_SHIFT, DRIFT, "
            "SUDDEN_INCREASE or SUDDEN_DECREASE.",
        ),
        "start": ("Datetime", "Time of the first anomaly of any rule."),
        "end": ("Datetime", "Time of the last."),
        "onset": ("Datetime", "When the change began: before the start for a shift or a drift."),
        "n_rows": ("Int64", "Anomalies in the event."),
        "size": ("Float64", "Mean of value - baseline over them, in the unit of the value."),
        "relative_size": ("Float64", "Their sum by that of abs(baseline)."),
        "score": ("Float64", "The highest level of a rule; it fires from 1 on."),
        "rule": ("String", "The rule with that level."),
        "rules": ("String", "All rules that fired, joined by +."),
        "direction": ("String", "increase or decrease."),
        "is_worse": ("Boolean", "The direction is the bad one of this KPI; null if not known."),
        "scope": ("String", "cell, site or region: how much moved the same way then."),
        "site_moved": ("Float64", "Part of the other cells of the site that did; null without."),
        "region_moved": ("Float64", "Part of the cells of other sites that did; null without."),
        "traffic": ("String", "The KPI whose loss is counted."),
        "expected": ("Float64", "Sum of its baseline from start to end."),
        "lost": ("Float64", "Sum of its baseline - value; negative for a gain."),
        "lost_share": ("Float64", "Lost by expected."),
        "site_share": ("Float64", "Lost, by what the site was expected to carry; null without."),
        "taken_up": ("Float64", "What neighbours carried more, where that is sure; null without."),
        "net_lost": ("Float64", "Lost less taken up."),
    },
    "causes": {
        "cell": ("String", "Cell of the event."),
        "kpi": ("String", "KPI of the event."),
        "start": ("Datetime", "Start of the event."),
        "rank": ("Int64", "Place among what moved in the hours of the event, from 1."),
        "cause_cell": ("String", "The cell that moved."),
        "cause_kpi": ("String", "Its KPI."),
        "relation": ("String", "cell (the same), site or neighbor."),
        "deviation": ("Float64", "Mean distance from the baseline, in scales."),
        "direction": ("String", "increase or decrease."),
        "lead_h": ("Float64", "Hours by which it moved before the start; negative if after."),
        "n_moved": ("Int64", "Rows of the event in which it had moved."),
    },
    "neighbors": {
        "cell": ("String", "Cell of the event."),
        "kpi": ("String", "KPI of the event."),
        "start": ("Datetime", "Start of the event."),
        "neighbor_cell": ("String", "A cell that faces it."),
        "distance_km": ("Float64", "Distance along the great circle."),
        "is_same_site": ("Boolean", "Both are of one site."),
        "excess": ("Float64", "Sum of value - baseline of the neighbour's traffic."),
        "z": ("Float64", "That, in standard deviations of such a sum."),
        "took_up": ("Boolean", "z reaches 3 and the event lost traffic."),
        "share_of_lost": ("Float64", "Excess by what the event lost; null for a gain."),
    },
    "sites": {
        "cell_id": ("String", "Name of the cell."),
        "site_id": ("String", "Its site."),
        "latitude": ("Float64", "Degrees."),
        "longitude": ("Float64", "Degrees."),
        "azimuth": ("Float64", "Degrees clockwise from north; null if it looks everywhere."),
        "max_distance_km": ("Float64", "How far it looks for neighbours."),
        "n_events": ("Int64", "Classified events."),
        "lost": ("Float64", "Traffic lost in them, each hour once; null without any."),
    },
    "persistent": {
        "cell": ("String", "A cell that stays off its course until the end of the file."),
        "kpi": ("String", "The KPI that does."),
        "n_rows": ("Int64", "Its rows in the last 12 hours (or 12 times the usual step)."),
        "n_increases": ("Int64", "Those above the band of 1.5 scales."),
        "n_degradations": ("Int64", "Those below it."),
    },
    "gaps": {
        "cell": ("String", "Name of the cell."),
        "start": ("Datetime", "First time missing."),
        "end": ("Datetime", "Last time missing."),
        "n_missing": ("Int64", "Times missing."),
    },
    "repairs": {
        "row": ("Int64", "Row of the file, from 0, header not counted."),
        "cell": ("String", "Name of the cell."),
        "time": ("Datetime", "Time of the row, with its zone if it has one."),
        "column": ("String", "Column of the value; null if the row was dropped."),
        "problem": ("String", "What was wrong."),
        "action": ("String", "What was done."),
        "before": ("String", "What stood there, as text; null if the row was dropped."),
        "after": ("Float64", "What stands there now; null if missing."),
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
    "source_windows": {
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
    "source_minutes": {
        "source": ("String", "One of the 200 customers with the most bytes."),
        "time": ("Datetime", "Beginning of the minute."),
        "flows": ("Int64", "Flows that began in it."),
        "total_bytes": ("Int64", "Their bytes, both ways."),
        "bytes_in": ("Int64", "Bytes in (ibyt)."),
        "bytes_out": ("Int64", "Bytes out (obyt); null if the layout has none."),
        "total_td": ("Float64", "Sum of their durations (s); null if the layout has none."),
    },
    "conversations": {
        "source": ("String", "One of the 200 customers with the most bytes."),
        "destination": ("String", "One of the 20 it exchanged the most with."),
        "port": ("Int64", "Destination port."),
        "protocol": ("String", "Protocol."),
        "service": ("String", "Name in the IANA registry; null if it has none."),
        "category": ("String", "Traffic category; null if none is known."),
        "flows": ("Int64", "Flows."),
        "total_bytes": ("Int64", "Bytes, both ways."),
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
}


def write(folder, *, kind, tables, parameters, units=None, time_zone=None, summary=None, files=()):
    """Write a results folder whole, or leave what was there as it was.

    `tables` are Polars frames by name; `files` are (name, function of a path) pairs, for
    pictures. Returns the paths written.
    """
    folder = Path(folder)
    check(folder, kind)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise ValueError(f"{folder} cannot be written: {error.strerror}") from None
    try:
        names = [MANIFEST]
        for name, table in tables.items():
            _check_columns(name, table)
            _write_table(table, made / f"{name}.parquet", folder)
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
        made.chmod(0o777 & ~_files.umask())
        _swap(made, folder)
    except BaseException:
        _remove(made)
        raise
    return [folder / name for name in names]


def _write_table(table, path, folder):
    import polars as pl

    try:
        table.write_parquet(path, compression="zstd")
    except pl.exceptions.ComputeError as error:  # as Polars calls a full disk
        reason = str(error).split("error: ")[-1]
        raise OSError(f"{folder} cannot be written: {reason}") from None


def read(folder):
    """The manifest (a dict) and the tables (Polars frames by name) of a results folder."""
    import polars as pl

    folder = Path(folder)
    manifest = read_manifest(folder)
    tables = manifest.get("tables", {})
    return manifest, {name: pl.read_parquet(folder / f"{name}.parquet") for name in tables}


def read_manifest(folder):
    """The manifest of a results folder, with the tables that this version knows."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(f"{folder} has no {MANIFEST}; expected a results folder") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    if not isinstance(manifest, dict):
        raise ValueError(f"{path} is not an object; expected a results folder")
    version = manifest.get("format_version", 0)
    if not _is_count(version):
        raise ValueError(f"{path} is damaged: its format_version is {version!r}")
    if version > FORMAT_VERSION:
        raise ValueError(
            f"{folder} has format version {version}; this linewatch reads up to "
            f"{FORMAT_VERSION} (upgrade linewatch)"
        )
    tables = manifest.get("tables")
    if not isinstance(tables, dict):
        raise ValueError(f"{path} names no tables; expected a results folder")
    for name in ("parameters", "summary", "units"):
        if not isinstance(manifest.setdefault(name, {}), dict):
            raise ValueError(f"{path} is damaged: its {name} are not an object")
    # Names become paths: only known ones are followed, and only to files of the folder itself.
    manifest["tables"] = {name: rows for name, rows in tables.items() if name in TABLES}
    for name, rows in manifest["tables"].items():
        file = folder / f"{name}.parquet"
        if file.is_symlink() or not file.is_file():
            raise ValueError(f"{file} is in the manifest but is no file of the folder")
        if not _is_count(rows):
            raise ValueError(f"{path} is damaged: it gives {name} {rows!r} rows")
    return manifest


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def check(folder, kind=None):
    """Only an empty folder or results of the same kind may be replaced, where one can write."""
    folder = Path(folder)
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ValueError(f"{folder} is not a folder; choose another one for the results")
    if folder.is_dir() and any(folder.iterdir()):
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            known = {MANIFEST, *manifest["files"]}
            found = manifest["kind"]
        except (OSError, ValueError, KeyError, TypeError):
            known, found = set(), None
        others = sorted(path.name for path in folder.iterdir() if path.name not in known)
        if others:
            raise ValueError(
                f"{folder} holds other files ({', '.join(others[:3])}"
                f"{', ...' if len(others) > 3 else ''}); choose another folder for the results"
            )
        if kind is not None and found != kind:
            raise ValueError(
                f"{folder} holds results of another kind ({found}, not {kind}); choose another "
                "folder for these"
            )
    _check_writable(folder)


def _check_writable(folder):
    """Make and remove a folder where the results will be made."""
    place = folder.absolute().parent
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        os.rmdir(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=place))
    except OSError as error:
        raise ValueError(f"{folder} cannot be written: {error.strerror}") from None


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
