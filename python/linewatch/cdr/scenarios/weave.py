"""Planned calls among the calls of a day: who is free, in which order, under which number."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import numpy as np

from linewatch.cdr.scenarios.incident import ANYONE, DAY_S, ONE_CALL
from linewatch.cdr.scenarios.plan import cell_name, user_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    import polars as pl

    from linewatch.cdr.scenarios.incident import Change
    from linewatch.cdr.scenarios.plan import Plan


# Users looked at for each place that is open to anyone, before the call is put off.
CANDIDATES = 12
PUT_OFF_S = 60
# A shorter call has no time to go there and back.
LEAST_PING_PONG_S = 30
BATCH = 1 << 17
TRUTH = ("scenario", "incident", "role")
# Columns of calls, messages and data sessions: cells, and users with their IMEI and IMSI.
CELLS = ("first_cell_id", "last_cell_id", "callee_first_cell_id", "callee_last_cell_id")
CELLS += ("sender_cell_id", "recipient_cell_id", "cell_id")
PAPERS = (
    ("caller_id", "caller_imei", "caller_imsi"),
    ("callee_id", None, "callee_imsi"),
    ("sender_id", "sender_imei", "sender_imsi"),
    ("recipient_id", None, "recipient_imsi"),
    ("user_id", "imei", "imsi"),
)
# Causes for termination (3GPP TS 32.298): an unsuccessful attempt, and a call that was dropped.
ATTEMPT, DROPPED = 3, 4


class Woven:
    """The calls of days `first` to before `last` with the scenarios in them, in batches.

    A day is made twice when its calls are added first: once to see when the users that they may
    need are busy, once to be handed on. Memory is that of a batch and of the planned calls.
    """

    plan: Plan
    quotas: Sequence[tuple[int, int]]
    first: int
    last: int
    batch_size: int
    n_jobs: int | None

    def __init__(
        self,
        plan: Plan,
        quotas: Sequence[tuple[int, int]],
        first: int,
        last: int,
        batch_size: int,
        n_jobs: int | None,
    ) -> None:
        self.plan, self.quotas = plan, quotas
        self.first, self.last = first, last
        self.batch_size, self.n_jobs = batch_size, n_jobs

    def __iter__(self) -> Iterator[pl.DataFrame]:
        for day in range(self.first, self.last):
            waiting, count = [], 0
            for frame, _ in self.day(day):
                waiting.append(frame)
                count += frame.height
                while count >= self.batch_size:
                    whole = _concat(waiting)
                    yield whole[: self.batch_size]
                    waiting, count = [whole[self.batch_size :]], count - self.batch_size
            if count:
                yield _concat(waiting)

    def frame(self) -> pl.DataFrame:
        """All rows as one frame."""
        parts = [frame for day in range(self.first, self.last) for frame, _ in self.day(day)]
        return _concat(parts) if parts else self._base(0, 0)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.frame().__arrow_c_stream__(requested_schema)

    def _base(self, first, last):
        import polars as pl

        return pl.DataFrame(self.plan.core.calls(first, last, BATCH, self.n_jobs))

    def _batches(self, day):
        import polars as pl

        for batch in self.plan.core.calls(day, day + 1, BATCH, self.n_jobs):
            yield pl.DataFrame(batch)

    def truth(self) -> pl.DataFrame | None:
        """Which calls were added or changed, by which incident, in which role."""
        parts = [truth for day in range(self.first, self.last) for _, truth in self.day(day)]
        return _concat(parts) if parts else None

    def day(self, day: int) -> Iterator[tuple[pl.DataFrame, pl.DataFrame | None]]:
        """Frames of the day and the truth of their rows."""
        import polars as pl

        number = sum(rows for rows, _ in self.quotas[:day])
        planned = self._planned(day)
        changes = self.plan.changes_of(day)
        start = pl.col("call_start_ts")
        for base in self._batches(day):
            latest = base["call_start_ts"][-1]
            now = planned.filter(start <= latest)
            planned = planned.filter(start > latest)
            frame = pl.concat([now, base], how="diagonal").sort(start, maintain_order=True)
            yield self._finish(frame, number, changes)
            number += frame.height
        if planned.height:
            yield self._finish(planned, number, changes)

    def _finish(self, frame, number, changes):
        import polars as pl

        numbers = pl.int_range(number + 1, number + 1 + pl.len(), dtype=pl.Int64)
        digits = numbers.cast(pl.String).str.zfill(6)
        frame = frame.with_columns(call_id=pl.lit("call_") + digits)
        truth = [frame.filter(pl.col("scenario").is_not_null()).select("call_id", *TRUTH)]
        for change, key in changes:
            frame, changed = self._apply(frame, number, change, key)
            truth.append(changed)
        truth = pl.concat(truth).with_columns(
            is_added=pl.col("role").str.starts_with("+"), role=pl.col("role").str.strip_prefix("+")
        )
        return frame.drop(TRUTH), truth

    def _apply(self, frame, number, change, key):
        """The frame after a change, and the truth of the rows that it touches."""
        import polars as pl

        hit = self.hit(frame, number, change, key)
        columns = {"papers": _papers, "move": _moved, "cut": _cut}.get(change.kind)
        incident = self.plan.incidents[change.incident]
        changed = frame.filter(hit).select(
            "call_id",
            scenario=pl.lit(incident.scenario.name),
            incident=pl.lit(incident.name),
            role=pl.lit(change.role),
        )
        if columns is not None:
            frame = frame.with_columns(columns(frame, hit, number, change, key))
        return frame, changed

    def hit(self, frame: pl.DataFrame, number: int, change: Change, key: int) -> pl.Series:
        """Which rows of a frame that begins with row `number` a change touches."""
        import polars as pl

        hit = _between(self.plan, change, "call_start_ts")
        begins = pl.col("first_cell_id")
        cells = [cell_name(cell) for cell in change.cells]
        if change.kind == "papers":
            name = user_name(change.user)
            hit &= (pl.col("caller_id") == name) | (pl.col("callee_id") == name)
        elif change.kind == "move":
            hit &= pl.any_horizontal(pl.col(name) == cells[0] for name in _cells(frame))
        elif cells:
            hit &= begins.is_in(cells)
        if change.kind == "cut":
            hit &= (pl.col("anomaly_type") == "normal") & (pl.col("call_duration") > 1)
        if change.kind == "ping_pong":
            hit &= pl.col("call_duration") >= LEAST_PING_PONG_S
        if change.share < 1.0:
            hit &= pl.Series(_units(number, frame.height, key)[0] < change.share)
        return frame.select(hit.alias("hit")).to_series()

    def _planned(self, day):
        """The calls that the scenarios add to a day, with everybody's name, by time."""
        import polars as pl

        plan = self.plan
        schema = {
            **plan.core_schema,
            **{name: pl.String for name in TRUTH},
        }
        rows = plan.by_day.get(day, [])
        if day in plan.placed:
            return plan.placed[day]
        if not rows:
            return pl.DataFrame(schema=schema)
        placed = self._place(day, rows)
        papers = plan.papers({user for p in placed for user in p[2:4]})
        extras = self._extras(placed)
        first = datetime.datetime.combine(plan.config.start, datetime.time())
        table = []
        for (at, _, caller, callee, row), extra in zip(placed, extras):
            incident = plan.incidents[row.incident]
            imei, imsi = papers[caller]
            cell = plan.home(caller) if row.first is None else row.first
            table.append(
                (
                    "",
                    user_name(caller),
                    user_name(callee),
                    first + datetime.timedelta(seconds=at),
                    first + datetime.timedelta(seconds=at + row.duration),
                    row.duration,
                    cell_name(cell),
                    cell_name(cell if row.last is None else row.last),
                    row.imei or imei,
                    row.imsi or imsi,
                    papers[callee][1],
                    True,
                    incident.scenario.name,
                    *extra,
                    incident.scenario.name,
                    incident.name,
                    "+" + row.role,
                )
            )
        # Of the size of what was planned, and asked for again by the truth and the files.
        plan.placed[day] = pl.DataFrame(table, schema=schema, orient="row")
        return plan.placed[day]

    def _extras(self, placed):
        """What the columns on request say of planned calls: a tuple for each."""
        plan = self.plan
        chosen = plan.config.columns
        if not chosen:
            return [()] * len(placed)
        callees = [(at, callee) for at, _, _, callee, _ in placed]
        known = [(callee, at) for at, callee in callees if callee < plan.n_users]
        cells = iter(plan.core.whereabouts(*zip(*known)) if known else ())
        extras = []
        for _, _, caller, callee, row in placed:
            # Who is called stays where it is; a call from abroad only ends in this network.
            cell = plan.home(callee) if callee >= plan.n_users else next(cells)
            values = {
                "call_type": "MTC" if plan.is_abroad(caller) else "MOC",
                "called_id": user_name(callee),
                "cause_for_termination": 0 if row.duration else ATTEMPT,
                "callee_first_cell_id": cell_name(cell),
                "callee_last_cell_id": cell_name(cell),
                "utc_time_offset": plan.config.utc_time_offset,
            }
            extras.append(tuple(values[name] for name in chosen))
        return extras

    def _place(self, day, rows):
        """Who takes part in each call and when: (second, number, caller, callee, row) by time."""
        plan = self.plan
        open_sides = [(row.caller == ANYONE) + (row.callee == ANYONE) for *_, row in rows]
        draws = plan.draws("who is free", day)
        candidates = draws.integers(0, plan.n_users, (max(sum(open_sides), 1), CANDIDATES)).tolist()
        named = {user for *_, row in rows for user in (row.caller, row.callee)}
        candidates = [[c for c in some if c not in plan.actors] for some in candidates]
        lines = self._busy(day, {user for c in candidates for user in c} | named)
        midnight, taken, placed = day * DAY_S, 0, []
        for (at, number, row), n_open in zip(rows, open_sides):
            incident = plan.incidents[row.incident]
            mine = candidates[taken : taken + n_open]
            taken += n_open
            # Users of the base population and accounts that the scenario names.
            named = [user for user in (row.caller, row.callee) if user != ANYONE]
            # A ring that nobody answers comes whether or not the line is free.
            if ONE_CALL in incident.scenario.breaks or not row.duration:
                named = []
            second, found = at - midnight, None
            while found is None:
                second = _all_free(lines, named, second, row.duration)
                found = _free(lines, mine, row.caller, row.callee, second, row.duration)
                second += 0 if found else PUT_OFF_S
                if second + row.duration > DAY_S and (named or n_open):
                    raise ValueError(
                        f"scenarios.{incident.scenario.name} finds no free users on day {day}; "
                        "ask for fewer of its calls, or for more users"
                    )
            caller, callee = found
            for user in found:
                lines.setdefault(user, []).append((second, second + row.duration))
            placed.append((midnight + second, number, caller, callee, row))
        placed.sort(key=lambda p: p[:2])
        return placed

    def _busy(self, day, users):
        """Seconds of the day in which users are in a call: {user: [(start, end)]}."""
        import polars as pl

        midnight = datetime.datetime.combine(
            self.plan.config.start + datetime.timedelta(days=day), datetime.time()
        )
        wanted = pl.Series(sorted(users), dtype=pl.Int32).implode()
        lines = {}
        for base in self._batches(day):
            second = (pl.col("call_start_ts") - midnight).dt.total_seconds()
            for side in ("caller_id", "callee_id"):
                rows = base.select(
                    pl.col(side).str.slice(5).cast(pl.Int32) - 1,
                    start=second,
                    end=second + pl.col("call_duration"),
                ).filter(pl.col(side).is_in(wanted))
                for user, start, end in rows.iter_rows():
                    lines.setdefault(user, []).append((start, end))
        return lines


def _papers(frame, hit, number, change, key):
    import polars as pl

    name = user_name(change.user)
    for side, imei, imsi in PAPERS:
        if side not in frame.columns:
            continue
        mine = hit & (frame[side] == name)
        for column, value in ((imei, change.imei), (imsi, change.imsi)):
            if column is not None:
                yield pl.when(mine).then(pl.lit(value)).otherwise(pl.col(column)).alias(column)


def _moved(frame, hit, number, change, key):
    import polars as pl

    gone, *to = (cell_name(cell) for cell in change.cells)
    # A moved call begins and ends in the same one of the cells that take over.
    chosen = _hash(number, frame.height, key) % np.uint64(len(to))
    target = pl.Series([to[k] for k in chosen], dtype=pl.String)
    for column in _cells(frame):
        there = hit & (frame[column] == gone)
        yield pl.when(there).then(target).otherwise(pl.col(column)).alias(column)


def _cut(frame, hit, number, change, key):
    import polars as pl

    length = pl.col("call_duration")
    part = pl.Series(_units(number, frame.height, key)[1])
    short = (length * part).cast(pl.Int32).clip(1, length - 1)
    length = pl.when(hit).then(short).otherwise(length).cast(pl.Int32)
    yield length.alias("call_duration")
    end = pl.col("call_start_ts") + pl.duration(seconds=length)
    yield end.alias("call_end_ts")
    if "cause_for_termination" in frame.columns:
        cause = pl.when(hit).then(DROPPED).otherwise(pl.col("cause_for_termination"))
        yield cause.cast(pl.Int32).alias("cause_for_termination")


def _between(plan, change, time):
    """Whether the column `time` lies within a change."""
    import polars as pl

    first = datetime.datetime.combine(plan.config.start, datetime.time())
    since, until = (first + datetime.timedelta(seconds=t) for t in (change.start, change.end))
    return (pl.col(time) >= since) & (pl.col(time) < until)


def _cells(frame):
    """The columns of cells that rows have."""
    return [name for name in CELLS if name in frame.columns]


def _free(lines, candidates, caller, callee, second, duration):
    """Caller and callee, open sides taken by candidates who are free; None if there are none."""
    sides, at = [caller, callee], 0
    for side in (0, 1):
        if sides[side] != ANYONE:
            continue
        for user in candidates[at]:
            if user not in sides and _gap(lines.get(user, ()), second, duration) == second:
                sides[side] = user
                break
        else:
            return None
        at += 1
    return sides


def _all_free(lines, users, second, duration):
    """The first second from `second` on at which all of `users` are free for `duration`."""
    before = None
    while before != second:
        before = second
        for user in users:
            second = _gap(lines.get(user, ()), second, duration)
    return second


def _gap(line, second, duration):
    """The first second from `second` on at which `line` is free for `duration`."""
    moved = True
    while moved:
        moved = False
        for start, end in line:
            if start < second + max(duration, 1) and second < end:
                second, moved = end, True
    return second


def _hash(number, count, key):
    """64 bits for each of `count` rows from `number` on: SplitMix64 of the row and the key."""
    z = np.arange(number, number + count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z += np.uint64(key)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _units(number, count, key):
    """Two numbers in [0, 1) for each of `count` rows."""
    bits = _hash(number, count, key)
    return (bits >> np.uint64(40)) * 2.0**-24, (bits & np.uint64(0xFF_FFFF)) * 2.0**-24


def _concat(frames):
    import polars as pl

    return pl.concat(frames) if len(frames) > 1 else frames[0]
