"""All incidents of a data set, planned before any call is made."""

from __future__ import annotations

import datetime
import math
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from linewatch.cdr import scenarios
from linewatch.cdr.scenarios.draws import Draws
from linewatch.cdr.scenarios.incident import DAY_S, RANGES, Incident

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    import polars as pl

    from linewatch._core import CdrDataset
    from linewatch.cdr.config import Config
    from linewatch.cdr.scenarios.incident import Account, Change


# Numbers of papers that belong to nobody begin here, far from any user's.
SPARE = 99_000_000


class Plan:
    """The incidents of `config.scenarios` in the world of `core`.

    Built once for a data set, at the cost of the incidents and not of the calls. It knows how many
    rows each day gains, so any day still knows the number of its first row.
    """

    config: Config
    core: CdrDataset
    n_users: int
    n_cells: int
    days: int
    n_rows: int
    accounts: list[Account]
    changes: list[Change]
    incidents: list[Incident]
    core_schema: Any
    actors: set[int]
    by_day: dict[int, list[Any]]
    placed: dict[int, Any]
    keys: list[int]

    def __init__(self, config: Config, core: CdrDataset) -> None:
        import polars as pl

        self.config, self.core = config, core
        self.n_users, self.n_cells, self.days = config.users, config.n_towers, config.days
        self.accounts, self.changes, self.incidents = [], [], []
        # Empty, but of the types that calls have.
        self.core_schema = pl.DataFrame(core.calls(0, 0, 1, 1)).schema
        # Users who are there for the anomaly mix alone take no part.
        actors = pl.DataFrame(core.actors())["user_id"]
        self.actors = set((actors.str.slice(5).cast(pl.Int64) - 1).to_list())
        for name, options in config.scenarios.items():
            scenario = scenarios.get(name)
            options = dict(options)
            count, difficulty = options.pop("count"), options.pop("difficulty")
            options = {**scenario.options[difficulty], **options}
            for number in range(1, count + 1):
                incident = Incident(self, scenario, number, difficulty)
                self.incidents.append(incident)
                scenario.function(incident, **options)
        if self.n_users + len(self.accounts) > SPARE:
            raise ValueError(f"users must be at most {SPARE - len(self.accounts)} with scenarios")
        # By day: (second of the data, number of the planned row, row).
        self.by_day, self.placed = {}, {}
        number = 0
        for incident in self.incidents:
            for row in incident.rows:
                self.by_day.setdefault(row.at // DAY_S, []).append((row.at, number, row))
                number += 1
        for rows in self.by_day.values():
            rows.sort(key=lambda row: row[:2])
        self.n_rows = number
        self.keys = [
            self.draws("changed rows", k).integers(0, 2**53) for k in range(len(self.changes))
        ]

    def changes_of(self, day: int) -> list[tuple[Change, int]]:
        """What happens to rows of a day, each change with its key."""
        return [
            (change, key)
            for change, key in zip(self.changes, self.keys)
            if change.start < (day + 1) * DAY_S and change.end > day * DAY_S
        ]

    def draws(self, *names: object) -> Draws:
        """The generator of the data set's seed under these names."""
        return Draws(self.config.seed, "linewatch scenario", *names)

    def quotas(self, base: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Rows and anomalies of each day, scenarios included."""
        added = {day: len(rows) for day, rows in self.by_day.items()}
        return [
            (rows + added.get(day, 0), anomalies + added.get(day, 0))
            for day, (rows, anomalies) in enumerate(base)
        ]

    @cached_property
    def base_users(self) -> pl.DataFrame:
        """The users of the base population."""
        import polars as pl

        return pl.DataFrame(self.core.users())

    @cached_property
    def _homes(self):
        import polars as pl

        homes = self.base_users.select(pl.col("home_cell_id").str.slice(5).cast(pl.Int64) - 1)
        return homes.to_series().to_numpy()

    def home(self, user: int) -> int:
        """The home cell of a user or an account."""
        if user >= self.n_users:
            return self.accounts[user - self.n_users].home
        return int(self._homes[user])

    def is_abroad(self, user: int) -> bool:
        """Whether a user is an account with a number abroad."""
        return user >= self.n_users and self.accounts[user - self.n_users].prefix is not None

    def of_type(self, user_type: str) -> list[int]:
        """Users of the base population of a type."""
        return np.flatnonzero((self.base_users["user_type"] == user_type).to_numpy()).tolist()

    @cached_property
    def _places(self):
        import polars as pl

        towers = pl.DataFrame(self.core.towers())
        latitude, longitude = towers["latitude"].to_numpy(), towers["longitude"].to_numpy()
        # A map flat enough to order neighbors. The cosine of the middle latitude is a polynomial,
        # as platforms' own may differ in the last digit.
        x = (latitude.min() + latitude.max()) / 2 / 57.295_779_513_082_32
        return np.column_stack([latitude, longitude * (1 - x * x / 2 + x**4 / 24 - x**6 / 720)])

    def nearest(self, cell: int, count: int) -> list[int]:
        """The cells nearest to one, without it."""
        distance = ((self._places - self._places[cell]) ** 2).sum(axis=1)
        distance[cell] = -1.0
        return np.argsort(distance, kind="stable")[1 : count + 1].tolist()

    def distance_km(self, cell: int, other: int) -> float:
        """Distance of two cells, on the flat map."""
        return math.sqrt(((self._places[cell] - self._places[other]) ** 2).sum()) * 111.195

    def spare(self, incident: int, which: object) -> tuple[str, str]:
        """IMEI and IMSI that no user has."""
        import polars as pl

        number = SPARE + incident * 64 + which
        if not 0 <= which < 64:
            raise ValueError(f"which must be between 0 and 63, got {which}")
        papers = pl.DataFrame(self.core.papers(number, number + 1))
        return papers["imei"][0], papers["imsi"][0]

    @cached_property
    def users(self) -> pl.DataFrame:
        """The accounts that scenarios add, in the columns of the users table."""
        import polars as pl

        first = self.n_users
        papers = pl.DataFrame(self.core.papers(first, first + len(self.accounts)))
        rows = []
        for account, (user, phone, imei, imsi) in zip(self.accounts, papers.iter_rows()):
            if account.prefix is not None:
                phone = account.prefix + phone[3:]
                imsi = RANGES[account.prefix] + imsi[5:]
            created = self.config.start - datetime.timedelta(days=account.created)
            rows.append(
                (user, phone, imei, imsi, cell_name(account.home), account.user_type)
                + (created, account.pattern)
            )
        return pl.DataFrame(rows, schema=self.base_users.schema, orient="row")

    def papers(self, users: Iterable[int]) -> dict[int, tuple[str, str]]:
        """IMEI and IMSI by user number."""
        import polars as pl

        found = {}
        for user in users:
            if user >= self.n_users:
                row = self.users.row(user - self.n_users)
                found[user] = row[2:4]
        known = sorted(user for user in users if user < self.n_users)
        rows = self.base_users.select("imei", "imsi")[known] if known else pl.DataFrame()
        return found | dict(zip(known, rows.iter_rows()))

    def truth(self) -> dict[str, pl.DataFrame]:
        """Tables of users, cells and intervals."""
        import polars as pl

        tables = {"users": [], "cells": [], "intervals": []}
        for incident in self.incidents:
            ends = [(row.at, row.at + max(row.duration, 1)) for row in incident.rows]
            ends += [(start, end) for _, start, end in incident.intervals]
            if not ends:
                continue
            start, end = min(e[0] for e in ends), max(e[1] for e in ends)
            who = (incident.scenario.name, incident.name, incident.difficulty)
            for table, rows, name in (
                ("users", incident.users, user_name),
                ("cells", incident.cells, cell_name),
            ):
                for number, role, since, until in rows:
                    since = start if since is None else since
                    until = end if until is None else until
                    tables[table].append((name(number), *who, role, since, until))
            intervals = incident.intervals or [("active", start, end)]
            tables["intervals"] += [(*who, *interval) for interval in intervals]
        first = datetime.datetime.combine(self.config.start, datetime.time())
        what = ("scenario", "incident", "difficulty", "role", "start", "end")
        frames = {}
        for table, column in (("users", "user_id"), ("cells", "cell_id"), ("intervals", None)):
            names = (column, *what) if column else what
            schema = {name: pl.Int64 if name in ("start", "end") else pl.String for name in names}
            frame = pl.DataFrame(tables[table], schema=schema, orient="row")
            frames[table] = frame.with_columns(
                (pl.lit(first).cast(pl.Datetime("us")) + pl.duration(seconds=pl.col(name))).alias(
                    name
                )
                for name in ("start", "end")
            )
        return frames

    def counts(self) -> dict[str, int]:
        """Rows that each scenario adds."""
        return dict(Counter(i.scenario.name for i in self.incidents for _ in i.rows))


def user_name(number: int) -> str:
    """``user_0001`` of 0."""
    return f"user_{number + 1:04d}"


def cell_name(number: int) -> str:
    """``cell_001`` of 0."""
    return f"cell_{number + 1:03d}"
