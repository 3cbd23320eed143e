"""Data sets: public ones from a folder of yours, and generated ones that need no file.

A loader reads from the folder given, or from the one the environment variable
``LINEWATCH_DATA`` names. A generator gives the same rows for the same seed on every machine.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np

from linewatch._arguments import quoted
from linewatch._frames import as_backend
from linewatch._nsl_kdd import load_nsl_kdd
from linewatch._sizes import check_rows

if TYPE_CHECKING:
    from typing import Literal

    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from linewatch._typing import PathLike, Time


__all__ = ["hourly_cells", "load_lte_kpi", "load_nab", "load_nsl_kdd"]

# What a degradation does to the traffic of a cell (times this) and how long it lasts, in hours.
DEGRADATIONS = {
    "outage": ((0.0, 0.02), (2, 10)),
    "sleeping cell": ((0.15, 0.4), (6, 30)),
    "partial loss": ((0.45, 0.65), (6, 36)),
    "congestion": ((1.8, 3.0), (2, 8)),
}


@overload
def hourly_cells(
    n_cells: int = ...,
    n_weeks: int = ...,
    *,
    n_degradations: int | None = ...,
    quiet_weeks: int = ...,
    missing: float = ...,
    start: Time = ...,
    seed: int = ...,
    backend: Literal["polars"] = ...,
) -> pl.DataFrame: ...
@overload
def hourly_cells(
    n_cells: int = ...,
    n_weeks: int = ...,
    *,
    n_degradations: int | None = ...,
    quiet_weeks: int = ...,
    missing: float = ...,
    start: Time = ...,
    seed: int = ...,
    backend: Literal["pandas"],
) -> pd.DataFrame: ...
@overload
def hourly_cells(
    n_cells: int = ...,
    n_weeks: int = ...,
    *,
    n_degradations: int | None = ...,
    quiet_weeks: int = ...,
    missing: float = ...,
    start: Time = ...,
    seed: int = ...,
    backend: Literal["pyarrow"],
) -> pa.Table: ...
def hourly_cells(
    n_cells=40,
    n_weeks=8,
    *,
    n_degradations=None,
    quiet_weeks=4,
    missing=0.002,
    start="2026-01-05",
    seed=0,
    backend="polars",
):
    """Hourly KPIs of radio cells with degradations planted and labelled.

    Traffic follows a daily and weekly rhythm (offices by day, homes in the evening), a slow
    wander of each cell's own and noise in proportion to it.

    Parameters
    ----------
    n_cells : int, default=40
        Number of cells.
    n_weeks : int, default=8
        Weeks of hourly rows for each cell.
    n_degradations : int, optional
        How many to plant in all, none overlapping another; half as many as cells by default.
    quiet_weeks : int, default=4
        Weeks at the start in which nothing is planted, as a baseline needs some past.
    missing : float, default=0.002
        Share of the rows whose KPIs are null.
    start : str or datetime, default="2026-01-05"
        The first hour (a Monday). Times have no zone.
    seed : int, default=0
        The same seed gives the same rows.
    backend : {"polars", "pandas", "pyarrow"}, default="polars"
        The kind of frame.

    Returns
    -------
    DataFrame with ``n_cells * n_weeks * 168`` rows, sorted by cell and time
        ``time``, ``cell_id``, ``traffic_mbit_per_s`` (mean of the hour), ``active_users``
        (mean of the hour), ``prb_utilization_percent`` (0 to 100), ``is_degraded`` (boolean)
        and ``degradation`` (which kind: outage, sleeping cell, partial loss, congestion; null
        outside).

    Raises
    ------
    ValueError
        If there is no room for the degradations asked for.

    Examples
    --------
    >>> from linewatch import datasets
    >>> cells = datasets.hourly_cells(n_cells=2, n_weeks=6, n_degradations=3, seed=1)
    >>> cells.shape
    (2016, 7)
    >>> cells["degradation"].drop_nulls().unique().len() <= 3
    True
    """
    import polars as pl

    if n_cells < 1 or n_weeks < 1:
        raise ValueError(f"n_cells and n_weeks must be at least 1, got {n_cells} and {n_weeks}")
    check_rows(n_cells * n_weeks * 168, f"n_cells={n_cells} and n_weeks={n_weeks}")
    if n_degradations is None:
        n_degradations = n_cells // 2 if n_weeks > quiet_weeks else 0
    rng = np.random.default_rng(seed)
    n_hours = n_weeks * 168
    hour = np.arange(n_hours)
    usual = _usual_traffic(rng, n_cells, hour)
    factor, kind = _plant(rng, n_cells, n_hours, n_degradations, quiet_weeks * 168)
    noise = np.exp(rng.normal(0, 0.06, usual.shape))
    traffic = usual * factor * noise
    users = rng.poisson(np.clip(traffic * rng.uniform(1.5, 3, (n_cells, 1)), 0, None))
    capacity = usual.max(axis=1, keepdims=True) * rng.uniform(1.1, 1.6, (n_cells, 1))
    utilization = 100 * (1 - np.exp(-1.6 * traffic / capacity))
    utilization = np.clip(utilization + rng.normal(0, 1, usual.shape), 0, 100)

    absent = rng.random(usual.shape) < missing
    width = len(str(n_cells))
    first = datetime.fromisoformat(str(start))
    times = np.datetime64(first, "us") + hour * np.timedelta64(3_600_000_000, "us")
    names = list(DEGRADATIONS)
    frame = pl.DataFrame(
        {
            "time": np.tile(times, n_cells),
            "cell_id": np.repeat([f"cell {i + 1:0{width}d}" for i in range(n_cells)], n_hours),
            "traffic_mbit_per_s": _column(traffic, absent, 3),
            "active_users": _column(users, absent, 0),
            "prb_utilization_percent": _column(utilization, absent, 2),
            "is_degraded": kind.ravel() >= 0,
        }
    ).with_columns(pl.Series("degradation", [names[k] if k >= 0 else None for k in kind.ravel()]))
    return as_backend(frame.with_columns(pl.col(pl.Float64).fill_nan(None)), backend)


@overload
def load_nab(
    folder: PathLike | None = ..., *, backend: Literal["polars"] = ...
) -> pl.DataFrame: ...
@overload
def load_nab(folder: PathLike | None = ..., *, backend: Literal["pandas"]) -> pd.DataFrame: ...
@overload
def load_nab(folder: PathLike | None = ..., *, backend: Literal["pyarrow"]) -> pa.Table: ...
def load_nab(folder=None, *, backend="polars"):
    """Series of the Numenta Anomaly Benchmark with their labelled windows.

    Parameters
    ----------
    folder : path, optional
        Where ``nab_dev.parquet`` is; the folder in ``LINEWATCH_DATA`` by default.
    backend : {"polars", "pandas", "pyarrow"}, default="polars"
        The kind of frame.

    Returns
    -------
    DataFrame
        ``file`` (the name of a series), ``timestamp``, ``value`` and ``in_window`` (1 inside a
        labelled window).

    Raises
    ------
    FileNotFoundError
        If no folder is named or the file is not there.
    ValueError
        If a column is missing.

    References
    ----------
    .. [1] Lavin, A. and Ahmad, S. (2015). Evaluating real-time anomaly detection algorithms: the
       Numenta Anomaly Benchmark. ICMLA 2015.

    Examples
    --------
    >>> import tempfile
    >>> from datetime import datetime
    >>> import polars as pl
    >>> from linewatch import datasets
    >>> folder = tempfile.mkdtemp()
    >>> row = {"file": "taxi", "timestamp": datetime(2014, 7, 1), "value": 10.5, "in_window": 0}
    >>> pl.DataFrame([row]).write_parquet(f"{folder}/nab_dev.parquet")
    >>> datasets.load_nab(folder)["file"].to_list()
    ['taxi']
    """
    import polars as pl

    path = _find("nab_dev.parquet", folder)
    return as_backend(
        _checked(pl.read_parquet(path), path, ["file", "timestamp", "value"]), backend
    )


@overload
def load_lte_kpi(
    folder: PathLike | None = ..., *, backend: Literal["polars"] = ...
) -> pl.DataFrame: ...
@overload
def load_lte_kpi(folder: PathLike | None = ..., *, backend: Literal["pandas"]) -> pd.DataFrame: ...
@overload
def load_lte_kpi(folder: PathLike | None = ..., *, backend: Literal["pyarrow"]) -> pa.Table: ...
def load_lte_kpi(folder=None, *, backend="polars"):
    """KPIs of 33 LTE cells every quarter of an hour, with a label.

    The rows have a time of day and no date, and come shuffled, many to a quarter of an hour:
    they cannot be laid out as a series.

    Parameters
    ----------
    folder : path, optional
        Where ``lte_kpi_unusual_dev.csv.gz`` is; the folder in ``LINEWATCH_DATA`` by default.
    backend : {"polars", "pandas", "pyarrow"}, default="polars"
        The kind of frame.

    Returns
    -------
    DataFrame
        ``row``, ``Time`` (text such as 9:45), ``CellName``, ten KPIs (share of resource blocks
        in use, throughput, users) and ``Unusual`` (0 or 1).

    Raises
    ------
    FileNotFoundError
        If no folder is named or the file is not there.
    ValueError
        If a column is missing.

    Examples
    --------
    >>> import gzip, tempfile
    >>> from linewatch import datasets
    >>> folder = tempfile.mkdtemp()
    >>> with gzip.open(f"{folder}/lte_kpi_unusual_dev.csv.gz", "wt") as file:
    ...     _ = file.write("row,Time,CellName,PRBUsageDL,Unusual\\n1,9:45,3BLTE,12.5,0\\n")
    >>> datasets.load_lte_kpi(folder)["CellName"].to_list()
    ['3BLTE']
    """
    import polars as pl

    path = _find("lte_kpi_unusual_dev.csv.gz", folder)
    return as_backend(_checked(pl.read_csv(path), path, ["Time", "CellName", "Unusual"]), backend)


def _usual_traffic(rng, n_cells, hour):
    """Mbit/s of each cell and hour with nothing wrong: rhythm of day and week, and a wander."""
    of_day, weekday = hour % 24, hour // 24 % 7
    evening = 0.15 + np.exp(-(((of_day - 20.5 + 12) % 24 - 12) ** 2) / 18)
    office = 0.12 + np.exp(-((of_day - 13) ** 2) / 20)
    share = rng.beta(0.8, 0.8, (n_cells, 1))
    weekend = np.where(weekday >= 5, 1.15 - 0.8 * share, 1.0)
    shape = (share * office + (1 - share) * evening) * weekend
    level = rng.lognormal(np.log(40), 0.6, (n_cells, 1))
    days = rng.normal(0, 0.03, (n_cells, len(hour) // 24 + 2)).cumsum(axis=1)
    days -= days.mean(axis=1, keepdims=True)
    wander = np.stack([np.interp(hour / 24, np.arange(d.size), d) for d in days])
    return level * shape * np.exp(np.clip(wander, -0.4, 0.4))


def _plant(rng, n_cells, n_hours, n_degradations, first_hour):
    """What to multiply the traffic by, and the kind of degradation (-1 outside)."""
    factor = np.ones((n_cells, n_hours))
    kind = np.full((n_cells, n_hours), -1, dtype=np.int8)
    effects = list(DEGRADATIONS.values())
    planted = 0
    for _ in range(1000 * max(n_degradations, 1)):
        if planted == n_degradations:
            return factor, kind
        which = planted % len(effects)
        (low, high), (shortest, longest) = effects[which]
        length = int(rng.integers(shortest, longest + 1))
        if n_hours - length <= first_hour:
            continue
        cell = int(rng.integers(n_cells))
        begin = int(rng.integers(first_hour, n_hours - length))
        if (kind[cell, max(begin - 24, 0) : begin + length + 24] >= 0).any():
            continue  # a day apart, so that one is not taken for another
        kind[cell, begin : begin + length] = which
        factor[cell, begin : begin + length] = rng.uniform(low, high)
        planted += 1
    if planted == n_degradations:
        return factor, kind
    raise ValueError(
        f"n_degradations={n_degradations} do not fit into {n_cells} cells and the hours after "
        f"quiet_weeks={first_hour // 168}; ask for fewer or for more weeks"
    )


def _column(values, absent, digits):
    return np.where(absent, np.nan, values.round(digits)).ravel()


def _find(name, folder):
    folder = folder if folder is not None else os.environ.get("LINEWATCH_DATA")
    if folder is None:
        raise FileNotFoundError(
            f"{name}: say which folder it is in, with folder= or the environment variable "
            "LINEWATCH_DATA"
        )
    path = Path(folder) / name
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there")
    return path


def _checked(frame, path, columns):
    for column in columns:
        if column not in frame.columns:
            found = quoted(frame.columns, most=None)
            raise ValueError(f'column "{column}" is missing; {path.name} has {found}')
    return frame
