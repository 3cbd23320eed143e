"""Cells that can take each other's traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from linewatch import _core
from linewatch._arguments import check_columns
from linewatch._codes import codes
from linewatch._frames import eager, like, to_polars

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linewatch._typing import FrameT


# A sector of a usual site with three cells, on both sides of its middle.
HALF_SECTOR_DEG = 60.0


def facing_cells(
    sites: FrameT,
    cells: Sequence[str] | None = None,
    *,
    max_distance_km: float | str = 5.0,
    half_sector_deg: float = HALF_SECTOR_DEG,
    cell: str = "cell_id",
    site: str = "site_id",
    latitude: str = "latitude",
    longitude: str = "longitude",
    azimuth: str = "azimuth",
    n_jobs: int | None = None,
) -> FrameT:
    """Pairs of cells that face each other: near, and each within the other's sector.

    A cell of another site faces a cell if it is no farther than the cell looks, and the bearing
    from each to the other is within `half_sector_deg` of its azimuth, across north as anywhere. A
    cell of the same site faces it if both have the same azimuth, as the carriers of one sector do.

    Parameters
    ----------
    sites : DataFrame or Arrow table
        One row a cell: its name, site, place in degrees and azimuth in degrees clockwise from
        north, -360 to 360. A missing azimuth is a cell that looks everywhere.
    cells : sequence of names, optional
        Those whose neighbours are sought; all by default.
    max_distance_km : float or str, default=5.0
        How far a cell looks, in kilometres; the name of a column if that differs by cell.
    half_sector_deg : float, default=60
        Half the width of a sector, above 0 and up to 180.
    cell, site, latitude, longitude, azimuth : str
        The columns of `sites`.
    n_jobs : int, optional
        Threads, as in scikit-learn; all cores by default.

    Returns
    -------
    DataFrame of the kind of `sites`
        ``cell_id``, ``neighbor_id``, ``distance_km`` along the great circle, ``bearing_deg`` from
        the cell to its neighbour (missing at one place), ``is_same_site``. Sorted as `sites`, the
        nearest first.

    Raises
    ------
    ValueError
        If a column is missing, a cell is named twice or unknown, or a place, an azimuth or a
        distance is impossible; the message has the cell.
    TypeError
        If `sites` is no frame, or one of those columns holds no numbers.

    Notes
    -----
    The Earth is a sphere of radius 6371.0088 km; against the ellipsoid a distance is off by up to
    0.5 %.

    Examples
    --------
    >>> import polars as pl
    >>> from linewatch import kpi
    >>> sites = pl.DataFrame({
    ...     "cell_id": ["A1", "A2", "B1"], "site_id": ["A", "A", "B"],
    ...     "latitude": [48.0, 48.0, 48.01], "longitude": [2.0, 2.0, 2.0],
    ...     "azimuth": [0, 120, 180]})
    >>> kpi.facing_cells(sites).select("cell_id", "neighbor_id", pl.col("distance_km").round(2))
    shape: (2, 3)
    ┌─────────┬─────────────┬─────────────┐
    │ cell_id ┆ neighbor_id ┆ distance_km │
    │ ---     ┆ ---         ┆ ---         │
    │ str     ┆ str         ┆ f64         │
    ╞═════════╪═════════════╪═════════════╡
    │ A1      ┆ B1          ┆ 1.11        │
    │ B1      ┆ A1          ┆ 1.11        │
    └─────────┴─────────────┴─────────────┘
    """
    import polars as pl

    native = eager(sites)
    table = to_polars(native)
    needed = [cell, site, latitude, longitude, azimuth]
    if isinstance(max_distance_km, str):
        needed.append(max_distance_km)
    check_columns(needed, table.columns)
    names = _names(table[cell])
    lat = _degrees(table, latitude, names, -90, 90)
    lon = _degrees(table, longitude, names, -360, 360)
    az = _degrees(table, azimuth, names, -360, 360, missing=True)
    if isinstance(max_distance_km, str):
        reach = _numbers(table[max_distance_km])
        _refuse(~(reach > 0) | np.isinf(reach), max_distance_km, reach, names, "above 0 km")
    else:
        if not 0 < max_distance_km < np.inf:
            raise ValueError(f"max_distance_km must be above 0, got {max_distance_km}")
        reach = np.full(len(names), float(max_distance_km))
    if not 0 < half_sector_deg <= 180:
        raise ValueError(f"half_sector_deg must be above 0 and at most 180, got {half_sector_deg}")
    at, to, distance, bearing = _core.facing_cells(
        lat,
        lon,
        az,
        reach,
        codes(table[site], len(names), site),
        _rows(names, cells),
        half_width_deg=float(half_sector_deg),
        n_jobs=n_jobs,
    )
    of = table[site]
    found = pl.DataFrame(
        {
            "cell_id": names.gather(at),
            "neighbor_id": names.gather(to),
            "distance_km": distance,
            "bearing_deg": pl.Series(bearing).fill_nan(None),
            "is_same_site": of.gather(at) == of.gather(to),
        }
    )
    return like(native, found)


def _names(column):
    import polars as pl

    names = column.cast(pl.String)
    if names.null_count():
        raise ValueError(
            f'column "{column.name}" has no name in row {names.is_null().arg_max()}; '
            "every cell needs one"
        )
    if names.is_duplicated().any():
        twice = names.filter(names.is_duplicated())[0]
        raise ValueError(f'cell "{twice}" is there more than once; expected one row a cell')
    return names


def _rows(names, cells):
    import polars as pl

    if cells is None:
        return np.arange(len(names), dtype=np.uint32)
    if isinstance(cells, str):
        cells = [cells]
    rows = dict(zip(names, range(len(names)), strict=True))
    asked = pl.Series(list(cells)).cast(pl.String).unique(maintain_order=True)
    unknown = [name for name in asked if name not in rows]
    if unknown:
        raise ValueError(f'cell "{unknown[0]}" is not among the {len(names)} cells of sites')
    return np.array(sorted(rows[name] for name in asked), dtype=np.uint32)


def _numbers(column):
    import polars as pl

    if not column.dtype.is_numeric():
        raise TypeError(f'column "{column.name}" has dtype {column.dtype}; expected numbers')
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy().copy()


def _degrees(table, name, names, low, high, missing=False):
    values = _numbers(table[name])
    bad = (values < low) | (values > high) | np.isinf(values)
    if not missing:
        bad |= np.isnan(values)
    _refuse(bad, name, values, names, f"from {low} to {high} degrees")
    return values


def _refuse(bad, name, values, names, expected):
    if bad.any():
        row = int(bad.argmax())
        found = "nothing" if np.isnan(values[row]) else f"{values[row]:g}"
        raise ValueError(f'column "{name}" must be {expected}, got {found} for cell "{names[row]}"')
