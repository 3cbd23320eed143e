"""From a Parquet file of any size to ranked events, a share of the cells at a time."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from linewatch import _tables
from linewatch._arguments import check_choice, whole_number
from linewatch._progress import bar
from linewatch.kpi import _baseline, _classify, _detect, _long
from linewatch.kpi._rules import BATCH_ONLY, chosen, polarities

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta
    from typing import Literal

    import polars as pl

    from linewatch._typing import PathLike, Polarity, Progress, Rules


# Rows that are read at once.
PIECE = 1 << 20


def scan(
    path: PathLike,
    *,
    time: str | None = None,
    cell: str | None = None,
    kpis: Sequence[str] | None = None,
    rules: Rules | None = None,
    combine: Literal["any", "all"] | int = "any",
    polarity: Polarity | None = None,
    direction: Literal["worse", "both"] = "worse",
    persistence: tuple[int, int] = (1, 1),
    min_duration: int = 1,
    merge_gap: str | timedelta | None = "6h",
    refractory: str | timedelta | None = None,
    min_shift_rows: int = 12,
    method: str = "hour of week",
    window: int | None = None,
    min_periods: int | None = None,
    statistic: Literal["mean", "median"] = "mean",
    include_current: bool = False,
    floor: float = 1.25,
    min_scale: float | Mapping[str, float] = 0.0,
    time_zone: str | None = None,
    chunk_rows: int = 2_000_000,
    folder: PathLike | None = None,
    n_jobs: int | None = None,
    progress: Progress = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Events of the cells in a Parquet file, in bounded memory.

    What :func:`detect`, :func:`classify_events` and :func:`rank` give for the whole file, for
    files that do not fit into memory as tables.

    Parameters
    ----------
    path : path
        Parquet file with a row for a cell and a time, in any order, and a column for each KPI.
    time, cell, kpis : optional
        As for :func:`baseline`, found in the first million rows.
    rules, combine, polarity, direction, persistence, min_duration, merge_gap, refractory
        As for :func:`detect`; ``peers`` and an ``isolation_forest`` without a model are refused, as
        they need all cells at once.
    min_shift_rows : int, default=12
        As for :func:`classify_events`.
    method, window, min_periods, statistic, include_current, floor, min_scale, time_zone
        As for :func:`baseline`.
    chunk_rows : int, default=2_000_000
        About how many rows are worked on at once. One cell is never parted, so a chunk has at
        least the rows of the largest cell.
    folder : path, optional
        Where temporary files go, 12 bytes a row and 8 for each KPI; the system's folder for
        temporary files by default. They are removed at the end, also after an error.
    n_jobs : int, optional
        Threads; all cores by default.
    progress : bool or callable, optional
        True for a progress bar, or a function that is told how many rows were done.

    Returns
    -------
    events : polars.DataFrame
        As :func:`classify_events` gives it, the highest score first.
    cells : polars.DataFrame
        As :func:`rank` gives it: a row for each cell and KPI, the worst first.

    Raises
    ------
    ValueError, TypeError
        As for :func:`detect`; if the file is no Parquet file.
    FileNotFoundError
        If there is no such file.

    Notes
    -----
    The file is read once, in pieces of a million rows (or a row group, if that is larger), and its
    rows are put into temporary files, each with a share of the cells. Then one such file after the
    other is sorted, scored and forgotten. In memory are a piece or a chunk, the names of the cells,
    and the events: nothing that grows with the length of the history.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from linewatch import datasets, kpi
    >>> cells = datasets.hourly_cells(n_cells=6, n_weeks=7, n_degradations=4, seed=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cells.write_parquet(Path(folder) / "cells.parquet")
    ...     events, ranked = kpi.scan(
    ...         Path(folder) / "cells.parquet", kpis=["traffic_mbit_per_s"], rules=["z"]
    ...     )
    >>> len(ranked), events["class"].unique().to_list()
    (6, ['SUDDEN_DECREASE'])
    """
    import polars as pl

    asked = chosen(rules)
    for name in BATCH_ONLY:
        if name in asked and asked[name].get("model") is None:
            raise ValueError(f"rule {name} needs all cells at once: use kpi.detect")
    check_choice("direction", direction, ("worse", "both"))
    how = _detect.combination(combine, persistence, min_duration, merge_gap, refractory)
    min_shift_rows = whole_number("min_shift_rows", min_shift_rows, 1)
    chunk_rows = whole_number("chunk_rows", chunk_rows, 1)
    options = _baseline.settings(
        method, window, min_periods, statistic, include_current, floor, min_scale, n_jobs
    )
    file = _open(path)
    n_rows = file.select(pl.len()).collect().item()
    if not n_rows:
        raise ValueError(f"{path} has no rows")
    columns = _tables.detect(
        file.head(PIECE).collect(),
        time=time,
        cell=cell,
        values=[kpis] if isinstance(kpis, str) else kpis,
    )
    kpis = columns.values if kpis is not None else [*columns.values, *columns.other_values]
    options.refuse_unknown(kpis)
    sides = polarities(kpis, polarity)
    n_chunks = -(-n_rows // chunk_rows)
    events, cells = [], []
    with ExitStack() as stack:
        told = stack.enter_context(bar(progress, n_rows * (1 + 2 * len(kpis))))
        at = stack.enter_context(tempfile.TemporaryDirectory(prefix="linewatch-", dir=folder))
        names, zone = _part(file, columns, kpis, time_zone, n_rows, n_chunks, Path(at), told)
        for chunk in range(min(n_chunks, len(names))):
            part, values = _chunk(Path(at), chunk, n_chunks, kpis, names, zone)
            for place, kpi in enumerate(kpis):
                found, ranked = _one(
                    part, values[kpi], kpi, place, asked, sides, direction, how, options,
                    min_shift_rows, told,
                )  # fmt: skip
                events.append(found)
                cells.append(ranked)
    if columns.cell is None:
        names = pl.Series(["" for _ in names])
    return _ranked(pl.concat(events), names), _worst_first(pl.concat(cells), names)


def _open(path):
    import polars as pl

    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    if path.is_dir():
        raise ValueError(f"{path} is a folder; expected a Parquet file")
    with path.open("rb") as file:
        if file.read(4) != b"PAR1":
            raise ValueError(f"{path} is no Parquet file (kpi.detect takes frames of any origin)")
    try:
        file = pl.scan_parquet(path)
        file.collect_schema()
    except pl.exceptions.PolarsError as error:
        text = str(error).strip().split("\n")[0]
        raise ValueError(f"{path} cannot be read as Parquet: {text}") from None
    return file


def _part(file, columns, kpis, time_zone, n_rows, n_chunks, folder, told):
    """Put the rows into files, a share of the cells in each.

    Gives the names of the cells by number, and the time zone.
    """
    import polars as pl

    wanted = [columns.time, *([columns.cell] if columns.cell else []), *kpis]
    known = None
    with ExitStack() as stack:
        parts = [
            {
                name: stack.enter_context((folder / f"{chunk}.{i}").open("wb"))
                for i, name in enumerate(["code", "time", *kpis])
            }
            for chunk in range(n_chunks)
        ]
        for start in range(0, n_rows, PIECE):
            piece = file.select(wanted).slice(start, PIECE).collect()
            times = _long.zoned(piece[columns.time], time_zone)
            names = piece[columns.cell] if columns.cell else pl.repeat("", len(piece), eager=True)
            if names.null_count():
                missing = names.null_count()
                raise ValueError(f'column "{columns.cell}" has {_long.nameless(missing)}')
            if names.dtype in (pl.Categorical, pl.Enum):
                names = names.cast(pl.String)
            known, code = _numbered(known, names)
            table = pl.DataFrame(
                {
                    "code": code.cast(pl.UInt32),
                    "time": times.cast(pl.Int64),
                    **{kpi: _tables.numbers(piece[kpi]).fill_null(np.nan) for kpi in kpis},
                }
            )
            shares = _shares(table, n_chunks)
            for chunk, rows in shares.items():
                for name, out in parts[chunk].items():
                    rows[name].to_numpy().tofile(out)
            if told is not None:
                told(len(piece))
    return known, times.dtype.time_zone


def _shares(table, n_chunks):
    """The rows of each chunk, in their order."""
    import polars as pl

    table = table.with_columns(share=pl.col("code") % n_chunks)
    parts = table.partition_by("share", as_dict=True, maintain_order=True, include_key=False)
    return {share: rows for (share,), rows in parts.items()}


def _numbered(known, names):
    """The names seen so far, and the number of each name in `names`, by first appearance."""
    import polars as pl

    fresh = names.unique(maintain_order=True)
    if known is not None:
        fresh = fresh.filter(~fresh.is_in(known.implode()))
        fresh = pl.concat([known, fresh]) if len(fresh) else known
    known = fresh.alias("name")
    table = pl.DataFrame({"name": known}).with_row_index("code")
    code = names.alias("name").to_frame().join(table, on="name", how="left", maintain_order="left")
    return known, code["code"]


def _chunk(folder, chunk, n_chunks, kpis, names, zone):
    """The rows of one share of the cells, by cell and time."""
    import polars as pl

    def column(place, dtype):
        return np.fromfile(folder / f"{chunk}.{place}", dtype)

    code = column(0, np.uint32)
    time = column(1, np.int64)
    local = (code // n_chunks).astype(np.int32)
    step = np.diff(local)
    order = None
    if (step < 0).any():
        # A stable sort of small numbers is a radix sort, and files are mostly in time order.
        small = local.astype(np.uint16) if local.max() < 2**16 else local
        order = np.argsort(small, kind="stable")
        code, time, local = code[order], time[order], local[order]
        step = np.diff(local)
    if ((step == 0) & (time[1:] < time[:-1])).any():
        again = np.lexsort((time, local))
        code, time, local = code[again], time[again], local[again]
        order = again if order is None else order[again]
    twice = (step == 0) & (time[1:] == time[:-1])
    if twice.any():
        row = int(np.argmax(twice))
        when = pl.Series([time[row]]).cast(pl.Datetime("us"))[0]
        raise ValueError(
            f"{_tables.repeated(int(twice.sum()))}, first {when} of cell "
            f'"{names[int(code[row])]}" (keep one of them: kpi.clean does)'
        )
    values = {}
    for i, kpi in enumerate(kpis):
        value = column(2 + i, np.float64)
        if order is not None:
            value = value[order]
        value[np.isinf(value)] = np.nan
        values[kpi] = value
    starts = np.append(0, np.flatnonzero(step) + 1).astype(np.int64)
    times = pl.Series("time", time).cast(pl.Datetime("us", zone))
    part = _long.Cells(
        native=None,
        table=None,
        kpis=list(kpis),
        cell=pl.Series("cell", code),
        time=times,
        code=local.astype(np.int64),
        instant_ns=time * 1000,
        time_ns=_long.wall_ns(times, time * 1000),
        starts=starts,
        order=None,
    )
    return part, values


def _one(
    part, value, kpi, place, asked, sides, direction, how, options, min_shift_rows, told
):  # fmt: skip
    """Events and counts of one KPI in one share of the cells."""
    import polars as pl

    center, scale = _baseline.compute(part, value, kpi, options, told)
    side = sides[kpi] if direction == "worse" else "both"
    verdict = _detect.compute(part, kpi, value, center, scale, asked, side, how, options, told)
    is_anomaly = verdict["is_anomaly"]
    row = np.flatnonzero(is_anomaly)
    series = part.starts[np.searchsorted(part.starts, row, side="right") - 1]
    found = pl.DataFrame(
        {
            "place": pl.repeat(place, len(row), dtype=pl.Int64, eager=True),
            "kpi": pl.repeat(kpi, len(row), dtype=pl.String, eager=True),
            "cell": part.cell.gather(row),
            "time": part.time.gather(row),
            "event": verdict["event"].gather(row),
            "value": value[row],
            "baseline": center[row],
            "score": verdict["score"][row],
            "direction": verdict["direction"].gather(row),
            "rule": verdict["rule"].gather(row),
            "rules": verdict["rules"][row],
            "row": row,
            "series": series,
        }
    ).with_columns(pl.col("value", "baseline", "score").fill_nan(None))
    events = _classify.describe(found, value, center, scale, part.time, sides, min_shift_rows)
    ends = np.append(part.starts[1:], len(value))

    def count(flags):
        return np.add.reduceat(flags, part.starts, dtype=np.int64)

    cells = pl.DataFrame(
        {
            "cell": part.cell.gather(part.starts),
            "kpi": pl.repeat(kpi, len(ends), dtype=pl.String, eager=True),
            "n_values": ends - part.starts,
            "n_missing": count(np.isnan(value)),
            "n_scored": count(~np.isnan(verdict["score"])),
            "n_anomalies": count(is_anomaly),
            "n_events": count(verdict["is_alarm"]),
        }
    )
    worst = found.group_by("cell", "kpi").agg(**_classify.worst())
    return events, cells.join(worst, on=["cell", "kpi"], how="left")


def _named(table, names):
    import polars as pl

    return table.with_columns(cell=names.gather(table["cell"].cast(pl.Int64)))


def _ranked(events, names):
    return _named(events, names).sort(
        "score", "excess", "cell", "kpi", "event", descending=[True, False, False, False, False],
        nulls_last=True,
    )  # fmt: skip


def _worst_first(cells, names):
    return _named(cells, names).sort(
        "score", "n_anomalies", "cell", "kpi", descending=[True, True, False, False],
        nulls_last=True,
    )  # fmt: skip
