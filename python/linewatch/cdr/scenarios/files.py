"""Calls with scenarios as files, in the formats that calls without them have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from linewatch.cdr.presets import ANOMALIES

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from linewatch.cdr.dataset import Dataset


# Upper ends of the classes of duration in seconds, the last one open.
CLASSES = (30, 60, 180, 600, 3600)
KINDS = ("normal", *ANOMALIES)


def write(
    dataset: Dataset, made: Path, stem: str, format: str, n_jobs: int | None, callback: Any
) -> list[Any]:
    """Write the calls into the folder `made`; gives counts by hour, kind and class of duration."""
    counts = [np.zeros(24, int), np.zeros(len(KINDS), int), np.zeros(len(CLASSES) + 1, int)]
    for day in range(dataset.config.days):
        calls = dataset.calls(days=(day, day + 1), n_jobs=n_jobs, batch_size=1 << 17)
        frames = _counted(calls, counts, callback)
        if format == "csv":
            with open(made / f"{stem}.csv", "ab") as file:
                for frame in frames:
                    _csv(frame, file, header=file.tell() == 0)
        else:
            _parquet(frames, made / stem / f"{dataset._date(day)}.parquet")
    return [column.tolist() for column in counts]


def write_table(
    dataset: Dataset,
    made: Path,
    stem: str,
    table: str,
    format: str,
    n_jobs: int | None,
    callback: Any,
) -> None:
    """Write messages or data sessions into the folder `made`."""

    def frames(first, last):
        for frame in getattr(dataset, table)(days=(first, last), n_jobs=n_jobs):
            yield frame
            if callback:
                callback(frame.height)

    days = dataset.config.days
    if format == "csv":
        with open(made / f"{stem}.csv", "wb") as file:
            for frame in frames(0, days):
                _csv(frame, file, header=file.tell() == 0)
        return
    for day in range(days):
        _parquet(frames(day, day + 1), made / stem / f"{dataset._date(day)}.parquet")


def _counted(frames, counts, callback):
    for frame in frames:
        counts[0] += np.bincount(frame["call_start_ts"].dt.hour(), minlength=24)
        by_kind = dict(frame["anomaly_type"].value_counts().iter_rows())
        counts[1] += [by_kind.get(kind, 0) for kind in KINDS]
        classes = np.searchsorted(CLASSES, frame["call_duration"], side="right")
        counts[2] += np.bincount(classes, minlength=len(CLASSES) + 1)
        yield frame
        if callback:
            callback(frame.height)


def _csv(frame, file, *, header):
    import polars as pl

    frame = frame.with_columns(pl.col(pl.Boolean).cast(pl.Int8))
    frame.write_csv(file, include_header=header, datetime_format="%Y-%m-%d %H:%M:%S")


def _parquet(frames, path):
    import polars as pl

    pl.concat(frames).write_parquet(path, compression="zstd")
