"""What runs in the workers: Arrow batches in, Arrow batches out, one thread."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from linewatch import _edge

_MODELS: dict[str, Any] = {}
_DATASETS: dict[str, Any] = {}
_KEPT = 4  # models and data sets of a process
_BLOCK = 65_536  # rows that are worth a call of the kernels


def _remembered(cache: dict[str, Any], key: str, make: Any) -> Any:
    """What `make` gives, made once in a process."""
    if key not in cache:
        while len(cache) >= _KEPT:
            del cache[next(iter(cache))]
        cache[key] = make()
    return cache[key]


def _one_thread() -> None:
    """Spark runs a task for every core, so a task has one."""
    os.environ["LINEWATCH_NUM_THREADS"] = "1"
    os.environ.setdefault("POLARS_MAX_THREADS", "1")


def model(digest: str, payload: Any) -> Any:
    """The detector of these bytes, read once in a process."""

    def read() -> Any:
        from linewatch import _models

        _one_thread()
        file, path = tempfile.mkstemp(suffix=".lw")
        try:
            with os.fdopen(file, "wb") as out:
                out.write(payload.value)
            detector = _models.load(path)
        finally:
            os.unlink(path)
        for part in (detector, getattr(detector, "detector_", None)):
            if part is not None and "n_jobs" in part.get_params(deep=False):
                part.n_jobs = 1
        return detector

    return _remembered(_MODELS, digest, read)


def score(
    batches: Iterator[pa.RecordBatch],
    digest: str,
    payload: Any,
    features: list[str],
    keep: list[str],
) -> Iterator[pa.RecordBatch]:
    """The kept columns, scores and verdicts of each batch."""
    detector = model(digest, payload)
    named = getattr(detector, "feature_names_in_", None) is not None
    for batch in batches:
        if not batch.num_rows:
            continue
        table = pa.Table.from_batches([batch]).select(features)
        scores = detector.score_samples(table if named else _edge.series(table).values)
        is_anomaly = np.asarray(scores - detector.offset_ < 0)
        kept = [batch.column(name) for name in keep]
        made = [pa.array(np.asarray(scores, dtype=np.float64)), pa.array(is_anomaly)]
        yield pa.RecordBatch.from_arrays([*kept, *made], [*keep, "score", "is_anomaly"])


def plain(table: pa.Table) -> pa.Table:
    """The table with types that Spark has."""
    fields = []
    for field in table.schema:
        dtype = field.type
        if pa.types.is_dictionary(dtype) or dtype in (pa.string_view(), pa.large_string()):
            dtype = pa.string()
        elif pa.types.is_unsigned_integer(dtype):
            dtype = pa.int64()
        fields.append(pa.field(field.name, dtype))
    return table.cast(pa.schema(fields))


def calls(batches: Iterator[pa.RecordBatch], config: str, table: str) -> Iterator[pa.RecordBatch]:
    """The rows of a table of generated records, for the days that the batches name."""
    import json

    from linewatch import cdr

    _one_thread()
    dataset = _remembered(
        _DATASETS, config, lambda: cdr.generate(config=json.loads(config), n_jobs=1)
    )
    for batch in batches:
        for day in batch.column(0).to_pylist():
            stream = getattr(dataset, table)(days=(day, day + 1), backend="pyarrow", n_jobs=1)
            date = dataset._date(day)
            for rows in stream:
                rows = plain(rows).append_column("day", pa.array([date] * len(rows), pa.date32()))
                yield from rows.to_batches()


def rolling(batches: Iterator[pa.RecordBatch], plan: dict[str, Any]) -> Iterator[pa.RecordBatch]:
    """Answers for sorted rows, the rows of a key one after the other."""
    _one_thread()
    parts: list[pa.Table] = []
    rows = answered = 0  # rows that wait, and how many of them have been answered
    enough = _BLOCK
    for batch in batches:
        if not batch.num_rows:
            continue
        parts.append(pa.Table.from_batches([batch]))
        rows += batch.num_rows
        if rows < enough:
            continue
        table = pa.concat_tables(parts)
        starts = _starts(table, plan)
        last = int(starts[-1])
        if last:  # the key that may go on waits, all others are whole
            yield from _rolled(table.slice(0, last), answered, plan)
            table, answered = table.slice(last), 0
        if plan["bounded"] and table.num_rows > plan["rows_in_memory"]:
            yield from _rolled(table, answered, plan)
            first = _needed(table, plan)
            table, answered = table.slice(first), table.num_rows - first
        parts, rows = [table], table.num_rows
        enough = max(_BLOCK, 2 * rows)
    if parts:
        yield from _rolled(pa.concat_tables(parts), answered, plan)


def _keys(table: pa.Table, plan: dict[str, Any]) -> list[Any]:
    names = [*plan["by"], *(["linewatch_piece"] if plan["split"] else [])]
    return [table.column(name) for name in names]


def _starts(table: pa.Table, plan: dict[str, Any]) -> np.ndarray[Any, Any]:
    """Where the rows of a key begin."""
    codes = _edge.codes(_keys(table, plan), table.num_rows)
    return np.flatnonzero(np.diff(codes, prepend=codes[0] - 1))


def _needed(table: pa.Table, plan: dict[str, Any]) -> int:
    """The first row that windows after the last one may look at."""
    n = table.num_rows
    if plan["span"] is None:
        # The row before the window, too, and from where a block of the kernels begins.
        window = plan["window"]
        return int(max(0, n - window - 1) // window * window)
    times, _ = _edge.times(table.column(plan["on"]), n, "on")
    return int(np.searchsorted(times, times[-1] - plan["span"]))


def _rolled(table: pa.Table, answered: int, plan: dict[str, Any]) -> Iterator[pa.RecordBatch]:
    """Answers of whole keys, or of the rows of a key that have not been answered."""
    from linewatch import rolling as local

    keys = _keys(table, plan)
    codes = _edge.codes(keys, table.num_rows)
    times, _ = _edge.times(table.column(plan["on"]), table.num_rows, f'on ("{plan["on"]}")')
    same = codes[1:] == codes[:-1]
    if (same & (codes[1:] >= 0) & (times[1:] < times[:-1])).any():
        raise RuntimeError("Spark gave the rows of a key out of order; please report it")
    options = dict(plan["options"])
    if plan["span"] is not None:
        options["times"] = times.view("datetime64[ns]")
    groups = codes if codes.min() >= 0 else keys
    found = local.stats(
        table.select(plan["columns"]),
        plan["window"],
        plan["stats"],
        groups=groups,
        n_jobs=1,
        **options,
    )
    kept = [table.column(name) for name in (*plan["by"], plan["on"], *plan["keep"])]
    names = [*plan["by"], plan["on"], *plan["keep"], *plan["made"]]
    out = pa.Table.from_arrays([*kept, *found.columns], names).slice(answered)
    if plan["split"]:
        import pyarrow.compute as pc

        out = out.filter(pc.invert(table.column("linewatch_context").slice(answered)))
    yield from out.combine_chunks().to_batches(max_chunksize=_BLOCK)


def keyed(given: tuple[Any, Any], empty: bytes, is_time: bool, names: list[str]) -> Iterator[Any]:
    """Answers for the events of one key and micro-batch; its state is kept as a snapshot."""
    from pyspark.sql import Row

    from linewatch.streaming import STATUS, Stream

    state, rows = given
    events = [tuple(row) for row in rows]
    stream = Stream.restore(bytes(state.get()[0]) if state.exists() else empty)
    key = events[0][:-2]
    if any(event[-2] is None for event in events):
        raise ValueError(f"key {key} has an event without a time; every event needs one")
    times = np.array([event[-2] for event in events], dtype=np.int64)
    values = np.array([np.nan if e[-1] is None else e[-1] for e in events], dtype=np.float64)
    order = np.lexsort((values, times))
    times, values = times[order], values[order]
    kind = "datetime64[us]" if is_time else "int64"
    told = stream.update("", times.view(kind), values)
    if "time" in told:  # with a lateness: those that leave
        values = told["value"]
        times = told["time"].astype("datetime64[us]").view("int64") if is_time else told["time"]
    status = [STATUS[code] for code in told["status"].tolist()]
    answers = [_nulls(told[name]) for name in stream.columns]
    state.update((stream.snapshot(),))
    make = Row(*names)
    for row in zip(times.tolist(), _nulls(values), *answers, status, strict=True):
        yield make(*key, *row)


def _nulls(values: np.ndarray[Any, Any]) -> list[float | None]:
    """Numbers for Spark, None for NaN."""
    return [None if value != value else value for value in values.tolist()]
