"""Messages and data sessions with what scenarios change in them: papers and cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from linewatch.cdr.scenarios.plan import cell_name, user_name
from linewatch.cdr.scenarios.weave import _between, _cells, _moved, _papers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from linewatch.cdr.scenarios.plan import Plan


# What the kernel calls a table, and the columns with its time and its users.
TABLES: dict[str, Any] = {
    "sms": ("sms", "sms_ts", ("sender_id", "recipient_id")),
    "data_sessions": ("data", "session_start_ts", ("user_id",)),
}
CHANGES: dict[str, Any] = {"papers": _papers, "move": _moved}


class Touched:
    """Rows of a table of days `first` to before `last`, in batches, as `Woven` has calls.

    A swapped card writes and surfs under its new numbers, and what a silent cell would carry
    goes to its neighbors. No row is added.
    """

    plan: Plan
    kernel: str
    time: str
    users: tuple[str, ...]
    rows: Sequence[int]
    first: int
    last: int
    batch_size: int
    n_jobs: int | None

    def __init__(
        self,
        plan: Plan,
        table: str,
        rows: Sequence[int],
        first: int,
        last: int,
        batch_size: int,
        n_jobs: int | None,
    ) -> None:
        self.plan, self.rows = plan, rows
        self.kernel, self.time, self.users = TABLES[table]
        self.first, self.last = first, last
        self.batch_size, self.n_jobs = batch_size, n_jobs

    def __iter__(self) -> Iterator[pl.DataFrame]:
        for day in range(self.first, self.last):
            number = sum(self.rows[:day])
            changes = [(c, key) for c, key in self.plan.changes_of(day) if c.kind in CHANGES]
            for batch in self._batches(day, day + 1, self.batch_size):
                frame = pl.DataFrame(batch)
                for change, key in changes:
                    hit = frame.select(self._hit(frame, change).alias("hit")).to_series()
                    columns = CHANGES[change.kind](frame, hit, number, change, key)
                    frame = frame.with_columns(columns)
                yield frame
                number += frame.height

    def _batches(self, first, last, size):
        return self.plan.core.calls(first, last, size, self.n_jobs, self.kernel)

    def _hit(self, frame, change):
        hit = _between(self.plan, change, self.time)
        if change.kind == "papers":
            name = user_name(change.user)
            return hit & pl.any_horizontal(pl.col(side) == name for side in self.users)
        gone = cell_name(change.cells[0])
        return hit & pl.any_horizontal(pl.col(cell) == gone for cell in _cells(frame))

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        # Empty, but of the columns that the table has.
        none = pl.DataFrame(self._batches(0, 0, 1))
        return pl.concat([none, *self]).__arrow_c_stream__(requested_schema)
