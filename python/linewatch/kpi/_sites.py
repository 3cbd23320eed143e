"""Tables of cells and their places, made fit for use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from linewatch import _tables
from linewatch._arguments import quoted
from linewatch._frames import eager, like, to_polars

if TYPE_CHECKING:
    from typing import Any, Literal

    from linewatch._typing import FrameT


# Words of the names under which operators keep each column, the best first.
WORDS = {
    "cell_id": ["cell id", "cell name", "cellid", "cellname", "cell", "eci", "cgi", "sector"],
    "site_id": ["site id", "site base", "site name", "site", "enodeb", "gnodeb", "node", "base"],
    "latitude": ["latitude", "lat"],
    "longitude": ["longitude", "lon", "lng", "long"],
    "azimuth": ["azimuth", "bearing", "azi"],
    "max_distance_km": ["max distance km", "max distance", "max distance by province", "radius km"],
}
NEEDED = ["cell_id", "site_id", "latitude", "longitude", "azimuth"]


class NoColumn(ValueError):
    """A table of cells has no column for one of what is needed."""

    def __init__(self, what, has):
        self.what, self.has, self.word = what, has, what.removesuffix("_id")
        super().__init__(f"sites has no column for the {self.word}; say {self.word}=; it has {has}")


Frame = TypeVar("Frame")


@dataclass(frozen=True)
class SitesReport(Generic[Frame]):
    """What :func:`clean_sites` found and did; its text is a table of the counts.

    Attributes
    ----------
    counts : DataFrame
        ``problem``, ``action``, ``n``.
    repairs : DataFrame
        ``row`` (from 0, in the table that came in), ``cell_id``, ``problem``, ``action``,
        ``before`` (as text).
    columns : dict
        Which column of the table became which.
    n_cells_in, n_cells_out : int

    Examples
    --------
    >>> import polars as pl
    >>> from linewatch import kpi
    >>> sites = pl.DataFrame(
    ...     {"cell": ["a", "b"], "site": ["1", "1"], "lat": [33.5, 33.5], "lon": [-7.6, -7.6],
    ...      "azimuth": [0, 365]}
    ... )
    >>> table, report = kpi.clean_sites(sites)
    >>> print(report)
    2 rows in, 2 cells out
      azimuth beyond 360 degrees  1  set to missing: looks everywhere
    """

    counts: Frame
    repairs: Frame
    columns: dict[str, Any]
    n_cells_in: int
    n_cells_out: int

    def __str__(self) -> str:
        rows = list(to_polars(eager(self.counts)).iter_rows())
        cells = _tables.counted(self.n_cells_out, "cell")
        text = f"{_tables.counted(self.n_cells_in, 'row')} in, {cells} out"
        if not rows:
            return text + "; nothing to mend"
        wide = max(len(row[0]) for row in rows)
        return text + "".join(f"\n  {row[0]:<{wide}}  {row[2]:,}  {row[1]}" for row in rows)


def clean_sites(
    sites: FrameT,
    *,
    cell: str | None = None,
    site: str | None = None,
    latitude: str | None = None,
    longitude: str | None = None,
    azimuth: str | None = None,
    max_distance_km: str | None = None,
    duplicates: Literal["first", "last", "error"] = "first",
) -> tuple[FrameT, SitesReport[FrameT]]:
    """A table of cells under the names that linewatch uses, with every repair counted.

    Parameters
    ----------
    sites : DataFrame (pandas, Polars, pyarrow)
        One row a cell.
    cell, site, latitude, longitude, azimuth, max_distance_km : str, optional
        Columns; found by name when left out. The last may be missing, and then is 5 km.
    duplicates : {"first", "last", "error"}, default="first"
        Which of several rows of one cell to keep, if they differ.

    Returns
    -------
    sites : DataFrame of the caller's kind
        ``cell_id``, ``site_id``, ``latitude``, ``longitude``, ``azimuth``, ``max_distance_km``.
        Cells without a possible place are left out; an impossible azimuth is missing, which makes a
        cell that looks everywhere; a cell without a site is one of its own; an impossible
        distance is the median of the others.
    report : SitesReport

    Raises
    ------
    ValueError
        If a column is missing, no cell has a place, or `duplicates` is ``"error"`` and there are.
    TypeError
        If a place holds text.

    Examples
    --------
    >>> import polars as pl
    >>> from linewatch import kpi
    >>> sites, report = kpi.clean_sites(pl.DataFrame({
    ...     "CELL_NAME": ["A1", "A2", "B1"], "SITE_BASE": ["A", "A", "B"],
    ...     "LATITUDE": [48.0, 48.0, None], "LONGITUDE": [2.0, 2.0, 2.1], "AZIMUTH": [0, 400, 90]}))
    >>> print(report)
    3 rows in, 2 cells out
      azimuth beyond 360 degrees  1  set to missing: looks everywhere
      no possible place           1  left out
    """
    import polars as pl

    if duplicates not in ("first", "last", "error"):
        raise ValueError(f"duplicates must be first, last or error, got {duplicates!r}")
    native = eager(sites)
    table = to_polars(native)
    asked = dict(zip(WORDS, (cell, site, latitude, longitude, azimuth, max_distance_km)))
    columns = _columns(table, asked)
    work = pl.DataFrame({"row": np.arange(table.height)}).with_columns(
        table[columns["cell_id"]]
        .cast(pl.String)
        .str.strip_chars()
        .replace("", None)
        .alias("cell_id"),
        table[columns["site_id"]]
        .cast(pl.String)
        .str.strip_chars()
        .replace("", None)
        .alias("site_id"),
        *(
            _tables.numbers(table[columns[name]]).fill_nan(None).alias(name)
            for name in WORDS
            if name in columns and not name.endswith("_id")
        ),
    )
    parts = []

    def note(rows, problem, action, before=None):
        text = pl.lit(None, dtype=pl.String) if before is None else pl.col(before).cast(pl.String)
        parts.append(
            rows.select(
                "row", "cell_id", problem=pl.lit(problem), action=pl.lit(action), before=text
            )
        )

    note(work.filter(pl.col("cell_id").is_null()), "no name of a cell", "left out")
    work = work.filter(pl.col("cell_id").is_not_null())
    own = pl.col("site_id").is_null()
    note(work.filter(own), "no site", "taken as one of its own")
    work = work.with_columns(pl.col("site_id").fill_null(pl.col("cell_id")))
    work = _once(work, duplicates, note)
    turned = ~pl.col("azimuth").is_between(-360, 360) & pl.col("azimuth").is_not_null()
    action = "set to missing: looks everywhere"
    note(work.filter(turned), "azimuth beyond 360 degrees", action, "azimuth")
    work = work.with_columns(azimuth=pl.when(~turned).then("azimuth"))
    lost = ~(pl.col("latitude").is_between(-90, 90) & pl.col("longitude").is_between(-180, 180))
    lost = lost.fill_null(True) | ((pl.col("latitude") == 0) & (pl.col("longitude") == 0))
    note(work.filter(lost), "no possible place", "left out")
    work = work.filter(~lost)
    if not work.height:
        raise ValueError("no cell of sites has a place (latitude and longitude in degrees)")
    if "max_distance_km" in columns:
        bad = ~(pl.col("max_distance_km") > 0).fill_null(False)
        note(work.filter(bad), "no possible distance", "set to the median", "max_distance_km")
        middle = work.filter(~bad)["max_distance_km"].median() or 5.0
        work = work.with_columns(
            max_distance_km=pl.when(bad).then(middle).otherwise("max_distance_km")
        )
    else:
        work = work.with_columns(max_distance_km=5.0)
    repairs = pl.concat(parts).with_columns(pl.col("row").cast(pl.Int64)).sort("row")
    counts = repairs.group_by("problem", "action").agg(n=pl.len().cast(pl.Int64))
    counts = counts.sort("problem")
    result = work.sort("row").select(*WORDS)
    report = SitesReport(
        like(native, counts), like(native, repairs), columns, table.height, result.height
    )
    return like(native, result), report


def _once(work, duplicates, note):
    import polars as pl

    several = pl.len().over("cell_id") > 1
    if not work.select(several.any()).item():
        return work
    if duplicates == "error":
        twice = work.filter(several)["cell_id"][0]
        raise ValueError(
            f'cell "{twice}" is there more than once; say duplicates="first" or "last"'
        )
    rest = [name for name in work.columns if name not in ("row", "cell_id")]
    same = pl.all_horizontal(pl.col(name).n_unique().over("cell_id") == 1 for name in rest)
    place = pl.int_range(pl.len()).over("cell_id")
    keep = place == (pl.len().over("cell_id") - 1 if duplicates == "last" else 0)
    work = work.with_columns(_keep=keep, _same=same)
    out = work.filter(~pl.col("_keep"))
    note(out.filter("_same"), "cell there twice", "left out")
    note(out.filter(~pl.col("_same")), "rows of one cell that differ", f"the {duplicates} kept")
    return work.filter("_keep").drop("_keep", "_same")


def _columns(table, asked):
    """Which column is which, by name."""
    found = {}
    for name, given in asked.items():
        if given is not None:
            if given not in table.columns:
                has = quoted(table.columns, most=None)
                raise ValueError(f'column "{given}" is missing; sites has {has}')
            found[name] = given
            continue
        for word in WORDS[name]:
            named = [
                c for c in table.columns if _tables.words(c) == word and c not in found.values()
            ]
            if named:
                found[name] = named[0]
                break
    for name in NEEDED:
        if name not in found:
            has = quoted(table.columns, most=None)
            raise NoColumn(name, has)
    return found


def place_table(sites):
    """`sites` in Polars under the names of linewatch, checked; from any frame or None."""
    import polars as pl

    if sites is None:
        return None
    table = to_polars(eager(sites))
    for name in NEEDED:
        if name not in table.columns:
            has = quoted(table.columns, most=None)
            raise ValueError(
                f'column "{name}" is missing; sites has {has} (kpi.clean_sites names them so)'
            )
    if "max_distance_km" not in table.columns:
        table = table.with_columns(max_distance_km=pl.lit(5.0))
    return table.with_columns(pl.col("cell_id", "site_id").cast(pl.String)).select(*WORDS)
