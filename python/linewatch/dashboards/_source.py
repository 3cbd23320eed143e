"""The results folder as the pages read it."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from linewatch import _results

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    import polars as pl

    from linewatch._typing import PathLike, T


# Page -> tables of which it needs one, and tables it uses if they are there.
PAGES = {
    "kpi": ("series",),
    "traffic": ("flows_by_minute", "sources", "packets_by_source"),
    "calls": ("calls_by_hour",),
    "detector": ("scores",),
}

# Series held at a time; one of ten million rows has 500 MB.
SERIES_KEPT = 4


class Results:
    """One results folder; tables are read when they are asked for.

    Parameters
    ----------
    folder : str or Path
        A folder that a command of linewatch wrote.

    Attributes
    ----------
    folder : Path
    manifest : dict
        Kind, parameters, units, time zone and the number of rows of each table.
    pages : tuple of str
        The pages that can be drawn from its tables: kpi, traffic, calls, detector.

    Raises
    ------
    FileNotFoundError
        If there is no manifest in the folder.
    ValueError
        If the manifest is damaged, of a later format, names a file outside of the folder, or if no
        page can be drawn from its tables.
    """

    folder: Path
    manifest: dict[str, Any]

    def __init__(self, folder: PathLike) -> None:
        self.folder = Path(folder)
        self.refresh()

    def refresh(self) -> None:
        """Read the manifest anew and forget the tables read so far."""
        if not self.folder.is_dir():
            raise FileNotFoundError(f"{self.folder} is not a folder; expected a results folder")
        path = self.folder / _results.MANIFEST
        self.manifest = _results.read_manifest(self.folder)
        self._stamp = path.stat().st_mtime_ns
        self._tables, self._kept, self._checked = {}, {}, set()
        self.__dict__.pop("pages", None)
        if not self.pages:
            found = ", ".join(self.manifest.get("tables", {})) or "no table"
            raise ValueError(
                f"{self.folder} holds {found}; a page needs one of "
                + ", ".join(name for tables in PAGES.values() for name in tables)
            )

    def has_changed(self) -> bool:
        """Whether the folder was written anew since it was read."""
        try:
            return (self.folder / _results.MANIFEST).stat().st_mtime_ns != self._stamp
        except OSError:  # between two writes
            return False

    @property
    def stamp(self) -> Any:
        """Changes when the folder is written anew."""
        return self._stamp

    @cached_property
    def pages(self) -> tuple[str, ...]:
        """The pages that can be drawn."""
        return tuple(
            page for page, tables in PAGES.items() if any(self.has(name) for name in tables)
        )

    @property
    def title(self) -> str:
        """What was analysed, for a headline."""
        source = self.manifest.get("parameters", {}).get("source")
        return str(source) if source else self.folder.resolve().name

    @property
    def time_zone(self) -> str:
        """The zone of the times, or what is known of it."""
        return self.manifest.get("time_zone") or "local time"

    def has(self, name: str) -> bool:
        """Whether the folder has that table, with at least one row."""
        return self.manifest.get("tables", {}).get(name, 0) > 0

    def scan(self, name: str) -> pl.LazyFrame:
        """The table as a Polars LazyFrame, so that only the rows in sight are read."""
        import polars as pl

        if name not in self.manifest.get("tables", {}):
            raise ValueError(f"{self.folder} has no table {name!r}")
        path = self.folder / f"{name}.parquet"
        rows = pl.scan_parquet(path, glob=False)
        if name not in self._checked:
            try:
                columns = rows.collect_schema()
            except pl.exceptions.PolarsError as error:
                raise ValueError(f"{path} is damaged: {error}") from None
            missing = [c for c in _results.TABLES.get(name, ()) if c not in columns]
            if missing:
                raise ValueError(
                    f"{path} lacks the columns {', '.join(missing)}; write the folder anew with "
                    "this version of linewatch"
                )
            self._checked.add(name)
        return rows

    def table(self, name: str) -> pl.DataFrame:
        """The table as a Polars DataFrame; an empty one with its columns if it is not there."""
        import polars as pl

        if name not in self._tables:
            if name in self.manifest.get("tables", {}):
                frame = self.scan(name).collect()
            else:
                columns = _results.TABLES[name].items()
                frame = pl.DataFrame(
                    schema={
                        column: getattr(pl, kind.split(" |")[0]) for column, (kind, _) in columns
                    }
                )
            self._tables[name] = frame
        return self._tables[name]

    def keep(self, key: Any, read: Callable[[], T]) -> T:
        """What `read` gives, kept for the next call: the few series that a reader looks at."""
        kept = self._kept
        if key not in kept:
            while len(kept) >= SERIES_KEPT:
                kept.pop(next(iter(kept)), None)
            kept[key] = read()
        return kept[key]

    def unit(self, name: str) -> str | None:
        """The unit of a value column, or None."""
        return self.manifest.get("units", {}).get(name)


def open_results(folder: PathLike) -> dict[str, Results]:
    """All results in a folder: itself, or the results folders right inside of it.

    Parameters
    ----------
    folder : str or Path
        A results folder, or one that holds several, as ``linewatch demo`` writes.

    Returns
    -------
    dict of str to Results
        By the name of the folder.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or neither it nor a folder in it has a manifest.
    ValueError
        As :class:`Results`.

    Examples
    --------
    >>> import contextlib, io, os, tempfile
    >>> from linewatch import cli, dashboards, flow
    >>> os.mkdir(week := os.path.join(tempfile.mkdtemp(), "week"))
    >>> flow.write_nfdump(flow.simulate(500, "1h", n_customers=20, seed=1), week + ".csv")
    >>> with contextlib.redirect_stdout(io.StringIO()):
    ...     code = cli.main(["flows", week + ".csv", "--out", week + "/flows", "--no-picture"])
    >>> results = dashboards.open_results(week)
    >>> list(results)
    ['flows']
    >>> results["flows"].table("sources").height
    18
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder; expected what a command wrote")
    if (folder / _results.MANIFEST).is_file():
        return {folder.resolve().name: Results(folder)}
    inside = sorted(path.parent for path in folder.glob(f"*/{_results.MANIFEST}"))
    if not inside:
        raise FileNotFoundError(
            f"{folder} has no {_results.MANIFEST}, and no folder in it has one; expected a results "
            "folder (linewatch kpi, flows, packets and demo write one)"
        )
    return {path.name: Results(path) for path in inside}


def in_order(sources):
    """Name, results and page, the KPIs first."""
    return [
        (name, results, page)
        for page in PAGES
        for name, results in sources.items()
        if page in results.pages
    ]


def to_json(value):
    """JSON that can stand inside a page: no end of a script can hide in it."""
    text = value if isinstance(value, str) else json.dumps(value, allow_nan=False, default=str)
    for character, escape in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(character, escape)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
