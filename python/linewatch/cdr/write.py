"""A data set as a folder of files: whole under its name, or not there at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from linewatch import _files
from linewatch.cdr.dataset import KERNELS
from linewatch.cdr.presets import ANOMALIES
from linewatch.cdr.rules import nearest

if TYPE_CHECKING:
    from linewatch._typing import PathLike, Progress
    from linewatch.cdr.dataset import Dataset


FORMATS = ("parquet", "csv")
CALLS = "cdr_call_records"
TABLES = {
    "users": "cdr_user_profiles",
    "towers": "cdr_cell_towers",
    "communities": "cdr_communities",
    "actors": "cdr_scenario_actors",
}
# Tables of many rows beside the calls.
FURTHER = {"sms": "cdr_sms_records", "data_sessions": "cdr_data_sessions"}
METADATA = "dataset_metadata.json"
PICTURE = "cdr_dataset_analysis.png"


def write(
    dataset: Dataset,
    folder: PathLike,
    format: str = "parquet",
    *,
    picture: bool | None = None,
    n_jobs: int | None = None,
    progress: Progress = None,
) -> list[Path]:
    """Write all tables of `dataset`; see `Dataset.write`."""
    if format not in FORMATS:
        names = " or ".join(f'"{name}"' for name in FORMATS)
        raise ValueError(f"format must be {names}, got {format!r}{nearest(format, FORMATS)}")
    has_matplotlib = find_spec("matplotlib") is not None
    if picture and not has_matplotlib:
        raise ModuleNotFoundError(
            'the picture needs matplotlib: pip install "linewatch[plots]" (or picture=False)'
        )
    from linewatch._progress import bar

    folder = Path(folder)
    check(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        n_jobs = dataset.n_jobs if n_jobs is None else n_jobs
        rows = {"calls": dataset.rows}
        rows |= {name: sum(dataset.rows_by_day(name)) for name in dataset.config.tables}
        with bar(progress, sum(rows.values())) as callback:
            found = _calls(dataset, made, format, n_jobs, callback)
            for name in dataset.config.tables:
                _further(dataset, made, name, format, n_jobs, callback)
        for name, stem in TABLES.items():
            frame = getattr(dataset, name)
            if name == "actors" and frame.is_empty():
                continue
            _table(frame, made / f"{stem}.{format}", format)
            rows[name] = frame.height
        if dataset._plan is not None:
            for name, frame in dataset.truth_tables().items():
                _table(frame, made / f"cdr_truth_{name}.{format}", format)
                rows[f"truth_{name}"] = frame.height
            for name, cause in (("handovers", "ping_pong"), ("arrivals", "mediation")):
                if cause in dataset.config.scenarios:
                    frame = getattr(dataset, name)()
                    _table(frame, made / f"cdr_{name}.{format}", format)
                    rows[name] = frame.height
        if picture or (picture is None and has_matplotlib):
            from linewatch.cdr.picture import draw

            draw(dataset, found, made / PICTURE)
        _metadata(dataset, made, format, rows, found)
        made.chmod(0o777 & ~_files.umask())
        check(folder)
        os.rename(made, folder)
    except BaseException as error:
        shutil.rmtree(made, ignore_errors=True)
        if isinstance(error, OSError) and error.errno:
            text = f"{os.strerror(error.errno)} while writing {folder}; nothing was kept"
            raise OSError(error.errno, text) from None
        raise
    return sorted(path for path in folder.rglob("*") if path.is_file())


def check(folder: Path) -> None:
    """Refuse a folder that would be overwritten."""
    folder = Path(folder)
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise FileExistsError(f"{folder} exists and is not a folder; choose another name")
    if folder.is_dir() and any(folder.iterdir()):
        raise FileExistsError(
            f"{folder} exists and is not empty; choose another folder or remove it"
        )


def _calls(dataset, made, format, n_jobs, callback):
    """Write the calls; gives their counts by hour, kind, and class of duration."""
    if dataset._plan is not None:
        from linewatch.cdr.scenarios import files

        if format == "parquet":
            (made / CALLS).mkdir()
        return files.write(dataset, made, CALLS, format, n_jobs, callback)

    def part(path, days):
        return dataset._core.write(path, format, days, n_jobs=n_jobs, progress=callback)

    parts = _parts(dataset, made, CALLS, format, part)
    return [[sum(column) for column in zip(*counts)] for counts in zip(*parts)]


def _further(dataset, made, name, format, n_jobs, callback):
    """Write messages or data sessions."""
    if dataset._plan is not None:
        from linewatch.cdr.scenarios import files

        if format == "parquet":
            (made / FURTHER[name]).mkdir()
        return files.write_table(dataset, made, FURTHER[name], name, format, n_jobs, callback)

    def part(path, days):
        kernel = KERNELS[name]
        dataset._core.write_table(kernel, path, format, days, n_jobs=n_jobs, progress=callback)

    _parts(dataset, made, FURTHER[name], format, part)


def _parts(dataset, made, stem, format, write):
    """Write a file for all days, or one for each; gives what `write` gives for each file."""
    days = dataset.config.days
    if format == "csv":
        return [write(made / f"{stem}.csv", (0, days))]
    (made / stem).mkdir()
    return [
        write(made / stem / f"{dataset._date(day)}.parquet", (day, day + 1)) for day in range(days)
    ]


def _table(frame, path, format):
    if format == "csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path, compression="zstd")


def _metadata(dataset, made, format, rows, found):
    import linewatch

    config = dataset.config
    files = {}
    for path in sorted(path for path in made.rglob("*") if path.is_file()):
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        name = path.relative_to(made).as_posix()
        files[name] = {"bytes": path.stat().st_size, "sha256": digest}
    kinds = dict(zip(("normal", *ANOMALIES), found[1]))
    if dataset._plan is not None:
        kinds |= dataset._plan.counts()
    text = json.dumps(
        {
            "linewatch_version": linewatch.__version__,
            "seed": config.seed,
            "format": format,
            "first_day": config.start.isoformat(),
            "last_day": dataset._date(config.days - 1).isoformat(),
            "rows": rows,
            "rows_by_day": dataset.rows_by_day(),
            "rows_by_anomaly_type": kinds,
            "config": config.to_dict(),
            "files": files,
        },
        indent=2,
    )
    (made / METADATA).write_text(text + "\n", encoding="utf-8")
