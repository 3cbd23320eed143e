"""Tables beside the calls: handovers on the way, and records as they arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from linewatch.cdr.scenarios.weave import _hash, _units

if TYPE_CHECKING:
    import polars as pl

    from linewatch.cdr.scenarios.weave import Woven


# Seconds between two cells of a ping-pong, at most.
PING_PONG_S = 9


def handovers(woven: Woven) -> pl.DataFrame:
    """Each change of cell: call, time, cells."""
    import polars as pl

    schema = {"call_id": pl.String, "handover_ts": pl.Datetime("us")}
    schema |= {"from_cell_id": pl.String, "to_cell_id": pl.String}
    key = woven.plan.draws("handovers").integers(0, 2**53)
    parts = [pl.DataFrame(schema=schema)]
    for frame, number, changes in _frames(woven):
        unit = pl.Series(_units(number, frame.height, key)[0])
        seconds = (pl.col("call_duration") * unit).cast(pl.Int64)
        first, last = pl.col("first_cell_id"), pl.col("last_cell_id")
        at = (pl.col("call_start_ts") + pl.duration(seconds=seconds)).alias("handover_ts")
        parts.append(
            frame.with_columns(at)
            .filter(first != last)
            .select("call_id", "handover_ts", from_cell_id=first, to_cell_id=last)
        )
        for change, change_key in changes:
            if change.kind == "ping_pong":
                parts.append(_to_and_fro(woven, frame, number, change, change_key))
    table = pl.concat([part.cast(schema) for part in parts])
    return table.sort("handover_ts", "call_id", "from_cell_id", maintain_order=True)


def _to_and_fro(woven, frame, number, change, key):
    """Four changes and more between the two cells, soon after each other."""
    import polars as pl

    from linewatch.cdr.scenarios.plan import cell_name

    hit = woven.hit(frame, number, change, key)
    bits = pl.Series("bits", _hash(number, frame.height, key ^ 0x5DEECE66D))
    rows = frame.with_columns(bits).filter(hit)
    names = [cell_name(cell) for cell in change.cells]
    out = []
    for call, start, length, first, bits in rows.select(
        "call_id", "call_start_ts", "call_duration", "first_cell_id", "bits"
    ).iter_rows():
        here, there = names if first == names[0] else names[::-1]
        # An even number, so that the call ends where it would have.
        changes = 4 + 2 * (bits % 4)
        gap = max(1, min(2 + (bits >> 8) % (PING_PONG_S - 1), (length - 2) // changes))
        for k in range(changes):
            ends = (here, there) if k % 2 == 0 else (there, here)
            out.append((call, start, 1 + k * gap, *ends))
    schema = {"call_id": pl.String, "start": pl.Datetime("us"), "s": pl.Int64}
    schema |= {"from_cell_id": pl.String, "to_cell_id": pl.String}
    return pl.DataFrame(out, schema=schema, orient="row").select(
        "call_id",
        (pl.col("start") + pl.duration(seconds=pl.col("s"))).alias("handover_ts"),
        "from_cell_id",
        "to_cell_id",
    )


def arrivals(woven: Woven) -> pl.DataFrame:
    """Each record as it arrives: call, the times it states, when it came."""
    import polars as pl

    key = woven.plan.draws("arrivals").integers(0, 2**53)
    schema = dict.fromkeys(
        ("recorded_start_ts", "recorded_end_ts", "arrival_ts"), pl.Datetime("us")
    )
    parts = [pl.DataFrame(schema={"call_id": pl.String, **schema})]
    for frame, number, changes in _frames(woven):
        # Files are sent every few minutes.
        delay = 60 + 840 * _units(number, frame.height, key)[0]
        skew, again = np.zeros(frame.height), np.zeros(frame.height, dtype=bool)
        for change, change_key in changes:
            if change.kind not in ("duplicate", "late", "skew"):
                continue
            hit = woven.hit(frame, number, change, change_key).to_numpy()
            if change.kind == "duplicate":
                again |= hit
            elif change.kind == "skew":
                skew += change.seconds * hit
            else:
                part = 0.25 + 0.75 * _units(number, frame.height, change_key)[1]
                delay += change.seconds * part * hit
        seconds = [pl.duration(seconds=pl.Series(s.astype(np.int64))) for s in (skew, delay)]
        start, end = pl.col("call_start_ts"), pl.col("call_end_ts")
        records = frame.select(
            "call_id",
            recorded_start_ts=start + seconds[0],
            recorded_end_ts=end + seconds[0],
            arrival_ts=end + seconds[1],
        )
        later = pl.col("arrival_ts") + pl.duration(minutes=5)
        parts += [records, records.filter(pl.Series(again)).with_columns(arrival_ts=later)]
    return pl.concat(parts).sort("arrival_ts", "call_id", maintain_order=True)


def _frames(woven):
    """The frames of all days with the number of their first row and the changes of the day."""
    for day in range(woven.first, woven.last):
        number = sum(rows for rows, _ in woven.quotas[:day])
        changes = woven.plan.changes_of(day)
        for frame, _ in woven.day(day):
            yield frame, number, changes
            number += frame.height
