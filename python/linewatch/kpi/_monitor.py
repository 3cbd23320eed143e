"""The rules of `detect` on rows as they come."""

from __future__ import annotations

import functools
import json
import math
import struct
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from types import NoneType, SimpleNamespace
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar, overload
from zoneinfo import ZoneInfo

import numpy as np
from narwhals.stable.v2 import Implementation

from linewatch import _edge, _tables
from linewatch._arguments import check_choice, quoted
from linewatch._frames import eager, like, to_polars
from linewatch.kpi import _baseline, _detect, _long, _open
from linewatch.kpi._rules import BATCH_ONLY, chosen, polarities
from linewatch.streaming import STATUS, Count, Stream
from linewatch.streaming._rules import Rule

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Literal, Self

    from linewatch._typing import FrameT, Polarity, Rules


OUTPUTS = [
    "baseline", "scale", "score", "direction", "rule", "rules", "is_anomaly", "is_alarm", "event",
]  # fmt: skip


@dataclass(frozen=True)
class _Watch(Rule):
    """Baseline and rules of one KPI, as a rule of a stream."""

    parameters: dict

    def spec(self, unit_s):
        return "kpi", self.parameters, OUTPUTS

    @property
    def needs_times(self):
        return True


Frame = TypeVar("Frame")


class Update(NamedTuple, Generic[Frame]):
    """What `Monitor.update` tells."""

    rows: Frame
    """The rows that were scored: the columns of `detect`, and ``status``."""
    opened: Frame
    """Events that began with them, as `events` has them."""
    closed: Frame
    """Events that are over."""


class Monitor:
    """Anomalies of the KPIs of cells, row by row as the rows arrive.

    A monitor that is fed the rows of a table in order of time, in batches of any size, says of each
    what :func:`detect` says of it in the whole table. Its state does not grow with time: what the
    baseline needs of each cell and KPI (34 kB for 24 weeks of hours of the week, 6 kB for the hours
    of 28 days, 8 kB for 168 rows), and a few numbers for each rule.

    Parameters
    ----------
    time, cell, kpis : optional
        As for :func:`detect`; what is found in the first rows holds for all.
    rules, combine, polarity, direction, persistence, min_duration, merge_gap, refractory : optional
        As for :func:`detect`. ``peers`` and ``isolation_forest`` need all rows at once and are
        refused.
    method, window, min_periods, statistic, include_current, floor, min_scale, time_zone : optional
        The baseline; as for :func:`baseline`.
    lateness : str or timedelta, optional
        How long a row may be behind the newest of its cell. With it rows wait so long and are
        scored in order of time; without, a row before the newest of its cell is late at once. Late
        rows and repeated ones (of a cell and time) are not scored. See :mod:`linewatch.streaming`.
    restart_after : int, optional
        Late rows of a cell in succession after which its clock is believed and it starts afresh.

    Attributes
    ----------
    kpis : list of str
        The KPIs watched; empty before the first rows.

    Raises
    ------
    ValueError, TypeError
        As :func:`detect`; if a rule needs all rows at once.

    Notes
    -----
    Equal to :func:`detect` bit for bit where the baseline is that of an hour or exponentially
    weighted, to 1e-12 with rolling means, whose sums are added in another order.

    A monitor is fed by one thread at a time. An update that is stopped (Ctrl-C) may have been taken
    for some KPIs and not for others: go on from a snapshot.

    Examples
    --------
    Traffic of 20 at any hour; then the cell falls silent for two hours.

    >>> from datetime import UTC, datetime, timedelta
    >>> from linewatch import kpi
    >>> monitor = kpi.Monitor(rules=["z"], method="rolling", merge_gap="2h")
    >>> start = datetime(2026, 1, 5)
    >>> for hour in range(240):
    ...     traffic = 0.0 if hour in (230, 231) else 20.0 + hour % 2
    ...     time = start + timedelta(hours=hour)
    ...     told = monitor.update({"time": time, "cell": "A", "traffic": traffic})
    ...     for event in told.opened:
    ...         print("hour", hour, "opened:", event["rule"], event["direction"])
    ...     for event in told.closed:
    ...         print("hour", hour, "closed:", event["n_anomalies"], "rows")
    hour 230 opened: z -1
    hour 234 closed: 2 rows
    """

    kpis: list[str]

    def __init__(
        self,
        *,
        time: str | None = None,
        cell: str | None = None,
        kpis: Sequence[str] | None = None,
        rules: Rules | None = None,
        combine: Literal["any", "all"] | int = "any",
        polarity: Polarity | None = None,
        direction: Literal["worse", "both"] = "worse",
        persistence: tuple[int, int] = (1, 1),
        min_duration: int = 1,
        merge_gap: str | timedelta | None = "6h",
        refractory: str | timedelta | None = None,
        method: str = "hour of week",
        window: int | None = None,
        min_periods: int | None = None,
        statistic: Literal["mean", "median"] = "mean",
        include_current: bool = False,
        floor: float = 1.25,
        min_scale: float | Mapping[str, float] = 0.0,
        time_zone: str | None = None,
        lateness: str | timedelta | None = None,
        restart_after: int | None = None,
    ) -> None:
        asked = chosen(rules)
        for name in BATCH_ONLY:
            if name in asked:
                raise ValueError(f"{name} needs all rows at once: use kpi.detect")
        check_choice("direction", direction, ("worse", "both"))
        how = _detect.combination(combine, persistence, min_duration, merge_gap, refractory)
        how.need(len(asked))
        options = _baseline.settings(
            method, window, min_periods, statistic, include_current, floor, min_scale
        )
        if time_zone is not None:
            _tables._check_zone(time_zone)
        if isinstance(kpis, str):
            kpis = [kpis]
        if kpis is not None and not list(kpis):
            raise ValueError("kpis must name at least one column, got none")
        if lateness is not None:
            lateness = f"{_edge.span(lateness, 'lateness')}ns"
        arrival = {"lateness": lateness, "restart_after": restart_after}
        if not 1 <= options.window <= _MOST:
            raise ValueError(f"window must be between 1 and {_MOST} rows, got {options.window}")
        Stream(Count("1h"), **arrival)  # refuses what the streams of the KPIs would refuse
        self._asked, self._how, self._options = asked, how, options
        self._polarity, self._direction = polarity, direction
        self._time_zone, self._arrival = time_zone, arrival
        self._time, self._cell, self._given = time, cell, kpis and list(kpis)
        self.kpis = []
        self._rules, self._streams, self._events = {}, {}, {}
        self._zone = None  # of the times, None where they have none
        self._kind = None  # of the frames that come, None for dicts

    def __repr__(self) -> str:
        keys = len(self._streams[self.kpis[0]].newest) if self.kpis else 0
        events = sum(len(followed.events) for followed in self._events.values())
        cells, going = _tables.counted(keys, "cell"), _tables.counted(events, "event")
        goes = "goes" if events == 1 else "go"
        return f"<Monitor of {cells}, {', '.join(self.kpis)}: {going} {goes} on>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Monitor.restore, (self.snapshot(),)

    @overload
    def update(self, rows: FrameT) -> Update[FrameT]: ...
    @overload
    def update(self, rows: Mapping[str, Any]) -> Update[list[dict[str, Any]]]: ...
    def update(self, rows):
        """Score rows that have arrived.

        Parameters
        ----------
        rows : dict or DataFrame (pandas, Polars, pyarrow)
            One row with its columns, or a batch of them in the order in which they arrived.

        Returns
        -------
        Update
            ``rows``, ``opened`` and ``closed``: lists of dicts for a dict, frames of the caller's
            kind for a frame. The rows are those given, KPI by KPI, or with a `lateness` those that
            need wait no longer; ``status`` says what became of them (``"taken"``, ``"late"``,
            ``"duplicate"`` or ``"restarted"``).

        Raises
        ------
        ValueError, TypeError
            If a column is missing, or holds what :func:`detect` would refuse. Nothing is taken
            then.
        """
        import polars as pl

        if isinstance(rows, Mapping):
            told = self._one(rows)
            if told is not None:
                return told
            kind, table = None, pl.DataFrame({name: [value] for name, value in rows.items()})
        else:
            native = eager(rows)
            kind, table = native.implementation, to_polars(native)
        self._find(table)
        if not len(table):
            table = self._typed(table)
        times = self._zoned(table[self._time])
        time = (times.cast(pl.Int64).to_numpy() * 1000).view("datetime64[ns]")
        if self._cell is None:
            names = pl.repeat("", len(table), dtype=pl.String, eager=True)
        else:
            names = table[self._cell]
        if names.null_count():
            missing = names.null_count()
            raise ValueError(f'column "{self._cell}" has {_long.nameless(missing)}')
        if not names.dtype.is_integer():
            names = names.cast(pl.String)
        keys = names.to_numpy() if names.dtype.is_integer() else names.to_list()
        values = {kpi: _values(table[kpi]) for kpi in self.kpis}
        parts = {
            kpi: (self._streams[kpi].update(keys, time, values[kpi]), values[kpi])
            for kpi in self.kpis
        }
        self._kind = kind
        return self._told(parts, names, time)

    def _typed(self, table):
        """A batch of nothing, whose columns may be of no type."""
        import polars as pl

        kinds = dict.fromkeys(self.kpis, pl.Float64) | {self._time: pl.Datetime("us", self._zone)}
        if self._cell is not None and table.schema[self._cell] == pl.Null:
            kinds[self._cell] = pl.String
        return pl.DataFrame(schema=dict(table.schema) | kinds)

    def _one(self, row):
        """`update` for one row of plain values; None if it takes more to read them."""
        if not self.kpis or self._arrival["lateness"] is not None:
            return None
        self._refuse_missing(row)
        time = _moment(row[self._time], self._zone)
        cell = "" if self._cell is None else row[self._cell]
        values = [row[kpi] for kpi in self.kpis]
        plain = all(type(value) in (float, int, NoneType) for value in values)
        if time is None or type(cell) not in (str, int) or not plain:
            return None
        stamp = np.array([_nanoseconds(time)]).view("datetime64[ns]")
        told = Update([], [], [])
        for kpi, value in zip(self.kpis, values, strict=True):
            value = math.nan if value is None else float(value)
            answer = self._streams[kpi].update(cell, stamp, [value])
            found = {name: column.item() for name, column in answer.items()}
            self._tell_one(told, kpi, cell, time, value, found)
        self._kind = None
        return told

    def _tell_one(self, told, kpi, cell, time, value, found):
        """Add a row, and the events that it begins or ends, to an update."""
        status = STATUS[found["status"]]
        taken = status in ("taken", "restarted")
        is_anomaly = found["is_anomaly"] == 1.0
        names = self._rules[kpi]

        def known(number, kind=float):
            return None if math.isnan(number) else kind(number)

        masks = np.array([int(found["rules"]) if taken else 0], np.uint16)
        row = {
            "cell": cell,
            "kpi": kpi,
            "time": time,
            "value": value if math.isfinite(value) else None,
            "baseline": known(found["baseline"]),
            "scale": known(found["scale"]),
            "score": known(found["score"]),
            "direction": None if math.isnan(found["score"]) else int(found["direction"]),
            "rule": names[int(found["rule"])] if is_anomaly else None,
            "rules": int(_detect._bits(masks, names)[0]) if taken else None,
            "is_anomaly": is_anomaly if taken else None,
            "is_alarm": found["is_alarm"] == 1.0 if taken else None,
            "event": int(found["event"]) if is_anomaly else None,
            "status": status,
        }
        told.rows.append(row)
        followed = self._events[kpi]
        if not (is_anomaly or status == "restarted" or cell in followed.events):
            return
        rows = {name: [found[name]] for name in ("baseline", "score", "direction", "event")}
        rows |= {"value": [value], "rule": [row["rule"]]}
        rows["time"] = np.array([_nanoseconds(time)])
        flags = {"is_anomaly": is_anomaly, "is_alarm": found["is_alarm"] == 1.0, "taken": taken}
        flags["restarted"] = status == "restarted"
        rows |= {name: np.array([flag]) for name, flag in flags.items()}
        opened, closed = followed.follow([cell], rows)
        dtype = type(cell)
        told.opened.extend(_open.table(opened, dtype, self._zone).to_dicts())
        told.closed.extend(_open.table(closed, dtype, self._zone).to_dicts())

    def flush(self) -> Update[Any]:
        """Score all rows that wait for late ones, and tell of them as the last update did.

        Raises
        ------
        ValueError
            If there is no `lateness`, so that nothing waits.
        """
        if self._arrival["lateness"] is None:
            raise ValueError("flush needs a monitor with lateness; without it nothing waits")
        return self._told({kpi: (self._streams[kpi].flush(), None) for kpi in self.kpis})

    def _find(self, table):
        """Which column is which: found in the first rows, and held to."""
        if not self.kpis:
            if not len(table):
                raise ValueError("the first rows say which column is which, but there are none")
            found = _tables.detect(table, time=self._time, cell=self._cell, values=self._given)
            kpis = found.values if self._given else [*found.values, *found.other_values]
            times = _long.zoned(table[found.time], self._time_zone)
            self._zone = times.dtype.time_zone
            self._options.refuse_unknown(kpis)
            sides = polarities(kpis, self._polarity)
            rules = {kpi: self._parameters(kpi, sides[kpi]) for kpi in kpis}
            streams = {
                kpi: Stream(_Watch(parameters), **self._arrival)
                for kpi, (parameters, _) in rules.items()
            }
            self._time, self._cell = found.time, found.cell
            self._begin(kpis, rules, streams, {})
        self._refuse_missing(table.columns)

    def _refuse_missing(self, columns):
        for name in (self._time, self._cell, *self.kpis):
            if name is not None and name not in columns:
                known = quoted(columns, most=None)
                raise ValueError(f'column "{name}" is missing; the rows have {known}')

    def _zoned(self, column):
        """Times as Datetime in the zone of the first rows."""
        times = _long.zoned(column, self._time_zone)
        zone = times.dtype.time_zone
        if (zone is None) != (self._zone is None):
            kinds = ("without a time zone", "with one")
            raise TypeError(
                f'column "{self._time}" holds times {kinds[zone is not None]}; those of the rows '
                f"before are {kinds[zone is None]}"
            )
        return times if zone == self._zone else times.dt.convert_time_zone(self._zone)

    def _begin(self, kpis, rules, streams, events):
        self.kpis, self._streams = list(kpis), streams
        self._rules = {kpi: names for kpi, (_, names) in rules.items()}
        quiet = (self._how.merge_gap, self._how.refractory)
        self._events = {kpi: _open.Open(kpi, *quiet, events.get(kpi, ())) for kpi in kpis}

    def _parameters(self, kpi, side):
        """Parameters of the kernel for a KPI, and the names of its rules."""
        options, how, robust = self._options, self._how, None
        kernels, names = [], []
        for name, parameters in self._asked.items():
            if name == "robust_z":
                medians = _detect.robust(options)
                robust = _expectation(kpi, medians)
                threshold = parameters["threshold"]
                rule = ("given", {"place": 0.0, "threshold": threshold, "signed": 1.0})
            else:
                rule = _detect.kernel(name, parameters, kpi)
            if rule is not None:
                kernels.append(list(rule))
                names.append(name)
        if not kernels:
            raise ValueError(f'no rule applies to "{kpi}"; name it in on and off of rule threshold')
        parameters = _expectation(kpi, options) | {
            "robust": robust,
            "rules": kernels,
            "polarity": side if self._direction == "worse" else "both",
            "need": how.need(len(kernels)),
            "persistence": list(how.persistence),
            "min_duration": how.min_duration,
            "merge_gap": how.merge_gap,
            "refractory": how.refractory,
            "clock": [] if self._zone is None else _clock(self._zone),
        }
        return parameters, names

    def _told(self, parts, names=None, time=None):
        import polars as pl

        dtype = pl.String if names is None else names.dtype
        frames, opened, closed = [], [], []
        for kpi, (answers, value) in parts.items():
            cells, stamps = names, time
            if "key" in answers:
                keys = answers["key"]
                dtype = pl.Int64 if keys and isinstance(keys[0], int) else pl.String
                cells, stamps = pl.Series(keys, dtype=dtype), answers["time"]
                value = answers["value"]
            status = answers["status"]
            is_anomaly = answers["is_anomaly"] == 1.0
            verdict = self._verdict(kpi, answers, is_anomaly)
            stamps = stamps.astype("datetime64[us]")
            columns = {
                "time": _open.zoned(pl.Series(stamps), self._zone),
                "value": np.where(np.isfinite(value), value, np.nan),
            }
            columns |= {"baseline": answers["baseline"], "scale": answers["scale"], **verdict}
            columns["status"] = _texts(status, STATUS)
            frame = pl.DataFrame(
                [pl.Series(name, column, nan_to_null=True) for name, column in columns.items()]
            )
            kpi_column = pl.Series([kpi], dtype=pl.String).new_from_index(0, len(frame))
            frame.insert_column(0, cells.alias("cell"))
            frames.append(frame.insert_column(1, kpi_column.alias("kpi")))
            rows = {
                "time": stamps.astype(np.int64) * 1000,
                "value": columns["value"],
                "baseline": answers["baseline"],
                "score": answers["score"],
                "direction": np.nan_to_num(answers["direction"]),
                "event": answers["event"],
                "rule": verdict["rule"],
                "is_anomaly": is_anomaly,
                "is_alarm": answers["is_alarm"] == 1.0,
                "restarted": status == STATUS.index("restarted"),
                "taken": (status == 0) | (status == STATUS.index("restarted")),
            }
            new, over = self._events[kpi].follow(cells.to_list(), rows)
            opened += new
            closed += over
        tables = [_open.table(events, dtype, self._zone) for events in (opened, closed)]
        tables = [pl.concat(frames), *tables]
        if self._kind is None:
            return Update(*(table.to_dicts() for table in tables))
        kind = SimpleNamespace(implementation=self._kind)
        return Update(*(like(kind, table) for table in tables))

    def _verdict(self, kpi, answers, is_anomaly):
        """The columns of `detect` from the numbers of a stream."""

        def whole(name, dtype, missing):
            numbers = np.nan_to_num(answers[name]).astype(dtype)
            return _masked(numbers, missing)

        unknown = np.isnan(answers["is_anomaly"])
        names = self._rules[kpi]
        masks = np.nan_to_num(answers["rules"]).astype(np.uint16)
        strongest = np.where(is_anomaly, answers["rule"], len(names)).astype(np.uint8)
        return {
            "score": answers["score"],
            "direction": whole("direction", np.int8, np.isnan(answers["score"])),
            "rule": _texts(strongest, [*names, None]),
            "rules": _masked(_detect._bits(masks, names), unknown),
            "is_anomaly": _masked(is_anomaly, unknown),
            "is_alarm": _masked(answers["is_alarm"] == 1.0, unknown),
            "event": whole("event", np.int32, ~is_anomaly),
        }

    def snapshot(self) -> bytes:
        """The monitor as bytes: settings, states and events that go on, with version and checksum.

        Returns
        -------
        bytes
            What `restore` takes. They hold numbers and text only; reading them executes nothing.
        """
        head = {
            "rules": self._asked,
            "combination": asdict(self._how),
            "baseline": asdict(self._options),
            "polarity": self._polarity,
            "direction": self._direction,
            "time_zone": self._time_zone,
            "arrival": self._arrival,
            "columns": [self._time, self._cell, self._given],
            "kpis": self.kpis,
            "kind": self._kind and self._kind.value,
            "zone": self._zone,
            "events": {kpi: list(found.events.values()) for kpi, found in self._events.items()},
        }
        streams = [self._streams[kpi].snapshot() for kpi in self.kpis]
        # NumPy's numbers, which a caller may have given, are no numbers to JSON.
        return _pack([json.dumps(head, default=lambda number: number.item()).encode(), *streams])

    @classmethod
    def restore(cls, snapshot: bytes) -> Self:
        """A monitor that goes on where `snapshot` was taken.

        Parameters
        ----------
        snapshot : bytes
            From `Monitor.snapshot`.

        Returns
        -------
        Monitor

        Raises
        ------
        TypeError
            If `snapshot` is not bytes.
        ValueError
            If it is no snapshot of a monitor, damaged, cut short or of another version.
        """
        if not isinstance(snapshot, bytes | bytearray | memoryview):
            raise TypeError(f"snapshot must be bytes, got {type(snapshot).__name__}")
        head, *streams = _unpack(bytes(snapshot))
        monitor = cls()
        try:
            head = json.loads(head)
            how = dict(head["combination"])
            how["persistence"] = tuple(how["persistence"])
            monitor._how = _detect.Combination(**how)
            monitor._options = _baseline.Settings(**head["baseline"])
            monitor._asked = chosen(head["rules"])
            monitor._polarity, monitor._direction = head["polarity"], head["direction"]
            monitor._time_zone, monitor._arrival = head["time_zone"], head["arrival"]
            monitor._time, monitor._cell, monitor._given = head["columns"]
            if head["kind"] is not None:
                monitor._kind = Implementation(head["kind"])
            monitor._zone = head["zone"]
            kpis = head["kpis"]
            sides = polarities(kpis, monitor._polarity)
            rules = {kpi: monitor._parameters(kpi, sides[kpi]) for kpi in kpis}
            states = [Stream.restore(stream) for stream in streams]
            monitor._begin(kpis, rules, dict(zip(kpis, states, strict=True)), head["events"])
        except (LookupError, TypeError, AttributeError, UnicodeError, RecursionError) as error:
            raise ValueError(f"the snapshot is not sound: {error}") from None
        return monitor


_MOST = 2**16  # rows of a window: a state has a place for each, of each hour of the week
_EPOCH, _MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)


def _moment(time, zone):
    """A time in the zone, None if it is no plain datetime of the kind of the rows before."""
    if type(time) is not datetime or (time.tzinfo is None) != (zone is None):
        return None
    return time if zone is None else time.astimezone(ZoneInfo(zone))


def _nanoseconds(time):
    start = _EPOCH if time.tzinfo is None else _EPOCH.replace(tzinfo=UTC)
    return (time - start) // _MICROSECOND * 1000


@functools.cache
def _clock(zone):
    """When clocks change: pairs of nanoseconds and how far they are ahead of UTC from then on."""
    import polars as pl

    def ahead(times):
        local = times.dt.convert_time_zone(zone).dt.replace_time_zone(None)
        return (local.cast(pl.Int64) - times.cast(pl.Int64)).to_numpy()

    days = pl.datetime_range(
        datetime(1970, 1, 1), datetime(2100, 1, 1), "1d", time_zone="UTC", eager=True
    )
    offsets = ahead(days)
    changes = [[days[0], offsets[0]]]
    for day in np.flatnonzero(np.diff(offsets)).tolist():
        minutes = pl.datetime_range(days[day], days[day + 1], "1m", eager=True)
        at = int(np.flatnonzero(np.diff(ahead(minutes)))[-1]) + 1
        changes.append([minutes[at], offsets[day + 1]])
    return [[_nanoseconds(at), int(offset) * 1000] for at, offset in changes]


def _values(column):
    import polars as pl

    if column.dtype == pl.Null:
        return np.full(len(column), np.nan)
    return _tables.numbers(column).to_numpy()  # null becomes NaN


# Series made without an expression: for a thousand rows that would take most of the time.


def _masked(values, missing):
    """Values with nulls."""
    import polars as pl

    out = pl.Series(values)
    return out.scatter(np.flatnonzero(missing), None) if missing.any() else out


def _texts(places, known):
    """The text at each place among those known."""
    import polars as pl

    if not len(places):
        return pl.Series([], dtype=pl.String)
    if (places == places[0]).all():
        one = pl.Series([known[places[0]]], dtype=pl.String)
        return one.new_from_index(0, len(places))
    return pl.Series([known[place] for place in places.tolist()], dtype=pl.String)


def _expectation(kpi, options):
    """Parameters of the kernel for a baseline."""
    return {
        "method": options.method,
        "median": options.statistic == "median",
        "window": options.window,
        "min_periods": options.min_periods,
        "include_current": options.include_current,
        "floor": options.floor,
        "min_scale": options.least(kpi),
    }


# A snapshot: magic, version, CRC-32 of what follows it, length of all, then parts with lengths.
_MAGIC, _VERSION = b"LWMONTOR", 1
_HEAD, _LENGTH = struct.Struct("<8sIIQ"), struct.Struct("<Q")


def _pack(parts):
    body = b"".join(_LENGTH.pack(len(part)) + part for part in parts)
    length = _LENGTH.pack(_HEAD.size + len(body))
    return _HEAD.pack(_MAGIC, _VERSION, zlib.crc32(length + body), *_LENGTH.unpack(length)) + body


def _unpack(snapshot):
    if snapshot[:8] != _MAGIC:
        raise ValueError("the snapshot is not one of kpi.Monitor")
    if len(snapshot) < _HEAD.size:
        raise ValueError("the snapshot is cut short")
    _, version, crc, length = _HEAD.unpack_from(snapshot)
    if version != _VERSION:
        raise ValueError(
            f"the snapshot has version {version}, but this linewatch reads version {_VERSION} "
            "(use the linewatch that took it, or feed the monitor its history again)"
        )
    if len(snapshot) < length:
        raise ValueError(f"the snapshot is cut short: {len(snapshot)} bytes of {length}")
    if zlib.crc32(snapshot[16:]) != crc or len(snapshot) != length:
        raise ValueError("the snapshot is damaged (its checksum is wrong): take it again")
    parts, at = [], _HEAD.size
    while at + _LENGTH.size <= length:
        (size,) = _LENGTH.unpack_from(snapshot, at)
        at += _LENGTH.size
        parts.append(snapshot[at : at + size])
        at += size
    if at != length or not parts:
        raise ValueError("the snapshot is not sound: its parts contradict its length")
    return parts
