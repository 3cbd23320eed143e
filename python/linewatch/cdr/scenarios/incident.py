"""What a scenario is handed: draws, the world, and the pen for calls, accounts and truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from linewatch.cdr.scenarios import Scenario
    from linewatch.cdr.scenarios.draws import Draws
    from linewatch.cdr.scenarios.plan import Plan


DAY_S = 86_400
ANYONE = -1
# A normal call may last until two hours after midnight, so before that nobody is known to be free.
EARLIEST_S = 7200

# What the base table keeps and a scenario may break on purpose, for the rows it adds or changes.
ONE_CALL = "one_call_at_a_time"
OWN_PAPERS = "own_papers"
ANSWERED = "answered"
DOMESTIC = "domestic_number"
BREAKS = (ONE_CALL, OWN_PAPERS, ANSWERED, DOMESTIC)

# Codes of countries with ranges of high charges: mobile country and network code (ITU-T E.212).
RANGES = {"+960": "47201", "+232": "61901", "+371": "24701", "+675": "53701", "+247": "65801"}


@dataclass(slots=True)
class Planned:
    """A call to come; times are seconds from the first midnight of the data."""

    at: int
    duration: int
    caller: int
    callee: int
    first: int | None
    last: int | None
    role: str
    imei: str | None
    imsi: str | None
    incident: int


@dataclass(slots=True)
class Account:
    """A user whom a scenario adds."""

    user_type: str
    pattern: str
    home: int
    created: int
    prefix: str | None
    incident: int
    role: str


@dataclass(slots=True)
class Change:
    """What happens to rows that exist.

    Papers, move and cut change calls; ping_pong adds handovers; duplicate, late and skew are seen
    on arrival alone.
    """

    kind: str
    incident: int
    role: str
    start: int
    end: int
    user: int | None = None
    cells: tuple[int, ...] = ()
    imei: str | None = None
    imsi: str | None = None
    share: float = 1.0
    seconds: int = 0


class Incident:
    """One case of a scenario: what its function draws from and writes to.

    Attributes
    ----------
    draw : Draws
        The only source of randomness that a scenario may use.
    number : int
        From 1; `name` is ``<scenario>_<number>``.
    difficulty : {"easy", "medium", "hard"}
    n_users, n_cells, days : int
        Size of the world. Users and cells are numbers from 0.
    length_s : int
        Seconds of the data. All times are seconds from its first midnight.

    Examples
    --------
    What a scenario draws and writes; `linewatch.cdr.register` hands it over.

    >>> from linewatch import cdr
    >>> def test_call(incident):
    ...     tester = incident.account("tester")
    ...     near = incident.nearest(incident.home(tester), 1)
    ...     start, _ = incident.window(3600)
    ...     incident.call(start, incident.draw.seconds(30), tester, cell=near[0])
    >>> cdr.register("test_call", test_call)
    >>> data = cdr.generate(users=100, days=1, seed=1, scenarios=["test_call"])
    >>> data.truth_tables()["users"]["role"].to_list()
    ['tester']
    >>> cdr.unregister("test_call")
    """

    scenario: Scenario
    name: str
    rows: list[Planned]
    users: list[Any]
    cells: list[Any]
    intervals: list[Any]
    draw: Draws
    number: int
    difficulty: str
    n_users: int
    n_cells: int
    days: int
    length_s: int

    def __init__(self, plan: Plan, scenario: Scenario, number: int, difficulty: str) -> None:
        self._plan = plan
        self._index = len(plan.incidents)
        self.scenario = scenario
        self.number = number
        self.name = f"{scenario.name}_{number}"
        self.difficulty = difficulty
        self.draw = plan.draws(scenario.name, number)
        self.n_users, self.n_cells = plan.n_users, plan.n_cells
        self.days, self.length_s = plan.days, plan.days * DAY_S
        self.rows, self.users, self.cells, self.intervals = [], [], [], []

    def window(self, length_s: int, *, step_s: int = 1, offset_s: int = 0) -> tuple[int, int]:
        """Start and end of a stretch of at most `length_s` at a random place of the data."""
        length_s = min(length_s, self.length_s - offset_s)
        places = (self.length_s - offset_s - length_s) // step_s + 1
        start = offset_s + self.draw.integers(0, places) * step_s
        return start, start + length_s

    def day(self) -> int:
        """The first second of a random day."""
        return self.draw.integers(0, self.days) * DAY_S

    def account(
        self,
        role: str,
        *,
        user_type: str = "individual",
        home: int | None = None,
        created_days: int = 400,
        prefix: str | None = None,
    ) -> int:
        """Add a user that makes no calls of its own; gives its number.

        `created_days` is the age of the account on the first day; negative for a later one.
        `prefix` makes it a number of one of the ranges in `RANGES`, abroad.
        """
        if prefix is not None and prefix not in RANGES:
            raise ValueError(f"prefix must be one of {', '.join(RANGES)}, got {prefix!r}")
        home = self.draw.integers(0, self.n_cells) if home is None else home
        pattern = "business" if user_type == "business" else "social"
        accounts = self._plan.accounts
        accounts.append(Account(user_type, pattern, home, created_days, prefix, self._index, role))
        number = self.n_users + len(accounts) - 1
        self.users.append((number, role, None, None))
        return number

    def subscribers(self, count: int, *, user_type: str | None = None) -> list[int]:
        """Different users of the base population, by type if one is given."""
        plan = self._plan
        if user_type is None and not plan.actors:
            return self.draw.sample(self.n_users, min(count, self.n_users))
        numbers = plan.of_type(user_type) if user_type else range(self.n_users)
        numbers = [n for n in numbers or range(self.n_users) if n not in plan.actors]
        return [numbers[k] for k in self.draw.sample(len(numbers), min(count, len(numbers)))]

    def home(self, user: int) -> int:
        """The home cell of a user or account."""
        return self._plan.home(user)

    def nearest(self, cell: int, count: int) -> list[int]:
        """The cells nearest to one, without it."""
        return self._plan.nearest(cell, count)

    def farthest(self, cell: int) -> int:
        """The cell farthest away."""
        return self._plan.nearest(cell, self.n_cells - 1)[-1]

    def distance_km(self, cell: int, other: int) -> float:
        """Distance of two cells."""
        return self._plan.distance_km(cell, other)

    def imei(self, which: object) -> str:
        """An IMEI that no user has, the same for the same `which` in this incident."""
        return self._plan.spare(self._index, which)[0]

    def imsi(self, which: object) -> str:
        """An IMSI that no user has."""
        return self._plan.spare(self._index, which)[1]

    def call(
        self,
        at: int,
        duration: int,
        caller: int,
        callee: int = ANYONE,
        *,
        cell: int | None = None,
        last: int | None = None,
        role: str = "call",
        imei: str | None = None,
        imsi: str | None = None,
    ) -> None:
        """Plan a call at second `at`.

        `caller` and `callee` are users, accounts, or `ANYONE`: somebody of the base population who
        is free then. A user of the base population who is named and busy makes the call wait
        until it is free, unless the scenario breaks ``one_call_at_a_time``. Without a `cell` the
        caller is at home. `imei` and `imsi` replace the caller's own.
        """
        at, duration = int(at), int(duration)
        if not 0 <= at < self.length_s:
            raise ValueError(f"a call of {self.name} must be within the data, got second {at}")
        if not 0 <= duration <= 7200:
            raise ValueError(f"a call of {self.name} must last 0 to 7200 s, got {duration}")
        for name, user in (("caller", caller), ("callee", callee)):
            if not ANYONE <= user < self.n_users + len(self._plan.accounts):
                raise ValueError(f"{name} of {self.name} must be a user or ANYONE, got {user}")
        if caller == callee != ANYONE:
            raise ValueError(f"caller and callee of {self.name} must differ, got {caller} twice")
        second = at % DAY_S
        may_overlap = ONE_CALL in self.scenario.breaks and ANYONE not in (caller, callee)
        if not may_overlap and not EARLIEST_S <= second <= DAY_S - duration:
            raise ValueError(
                f"a call of {self.name} must begin at 02:00:00 or later and end by midnight, as "
                f"only then it is known who is free; got second {second} of a day and {duration} s"
            )
        if (imei or imsi) and OWN_PAPERS not in self.scenario.breaks:
            raise ValueError(f'{self.scenario.name} changes papers and must break "{OWN_PAPERS}"')
        if duration == 0 and ANSWERED not in self.scenario.breaks:
            raise ValueError(f'{self.scenario.name} has calls of 0 s and must break "{ANSWERED}"')
        self.rows.append(
            Planned(
                at, duration, int(caller), int(callee), cell, last, role, imei, imsi, self._index
            )
        )

    def user(self, user: int, role: str, start: int | None = None, end: int | None = None) -> None:
        """Put a user into the truth; for the length of the incident unless told."""
        self.users.append((user, role, start, end))

    def cell(self, cell: int, role: str, start: int | None = None, end: int | None = None) -> None:
        """Put a cell into the truth."""
        self.cells.append((cell, role, start, end))

    def interval(self, role: str, start: int | None, end: int | None) -> None:
        """Put a stretch of time into the truth; without one, first to last call."""
        self.intervals.append((role, start, end))

    def change_papers(
        self, user: int, start: int, end: int, *, imei: str, imsi: str, role: str
    ) -> None:
        """All calls of `user` that begin in [start, end) carry these papers."""
        self._change("papers", start, end, role, user=user, imei=imei, imsi=imsi)

    def move_calls(self, cell: int, start: int, end: int, to: Sequence[int], *, role: str) -> None:
        """Calls that begin in `cell` in [start, end), or end there, use the cells `to` instead."""
        self._change("move", start, end, role, cells=(cell, *to))

    def cut_calls(
        self, cells: Sequence[int], start: int, end: int, share: float, *, role: str
    ) -> None:
        """A share of the normal calls that begin in `cells` in [start, end) end early."""
        self._change("cut", start, end, role, cells=tuple(cells), share=share)

    def ping_pong(
        self, cells: Sequence[int], start: int, end: int, share: float, *, role: str
    ) -> None:
        """A share of the calls that begin in the two `cells` go to and fro between them."""
        self._change("ping_pong", start, end, role, cells=tuple(cells), share=share)

    def fault(
        self,
        kind: str,
        start: int,
        end: int,
        *,
        role: str,
        cells: Sequence[int] = (),
        share: float = 1.0,
        seconds: int = 0,
    ) -> None:
        """What goes wrong with the records of calls on their way: duplicate, late or skew.

        `seconds` is how much later the last one comes, or how fast the clocks of `cells` are.
        """
        if kind not in ("duplicate", "late", "skew"):
            raise ValueError(f"kind must be duplicate, late or skew, got {kind!r}")
        self._change(kind, start, end, role, cells=tuple(cells), share=share, seconds=int(seconds))

    def _change(self, kind, start, end, role, **what):
        if not start < end:
            raise ValueError(
                f"a change of {self.name} must end after it starts, got {start}, {end}"
            )
        self._plan.changes.append(Change(kind, self._index, role, start, end, **what))
        self.intervals.append((role, start, end))
