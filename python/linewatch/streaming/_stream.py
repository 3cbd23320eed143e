"""A stream of events, and the states of its keys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from linewatch import _core, _edge
from linewatch._arguments import check_choice, whole_number
from linewatch.streaming._events import is_column, keys_of, values_of
from linewatch.streaming._rules import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal, Self

    from linewatch._typing import Column, Span


STATUS = ("taken", "late", "duplicate", "restarted")


class Stream:
    """Rules, and their states for every key.

    Parameters
    ----------
    rules : rule or dict of str to rule
        `Rolling`, `Count`, `Ewm`, `Extremes`, `FlatRun`, `Hysteresis`, `Novelty`, `Seasonal`,
        `Cusum`, `PageHinkley` or `Value`. A rule alone names its answers itself (``"mean"``); in a
        dict they are ``"name_mean"``, or ``"name"`` where the rule tells one thing only.
    lateness : span of time or int, optional
        How far an event may be behind the newest of its key; a whole number where times are. See
        the module for what follows.
    duplicates : {"drop", "keep"}, default="drop"
        Whether an event of a key and time that have been taken counts.
    restart_after : int, optional
        Late events of a key in a row after which its clock is believed and it starts afresh.

    Attributes
    ----------
    columns : list of str
        The names of the answers.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what is said here; the message names it.

    Notes
    -----
    Any thread may feed a stream; updates wait for each other, with the interpreter lock released.
    Ctrl-C stops a long update between two chunks of events: those that ``counts["rows"]`` tells of
    have been taken. A stream can be pickled.

    Examples
    --------
    >>> from linewatch import streaming
    >>> stream = streaming.Stream(
    ...     {
    ...         "z": streaming.Rolling(3, "zscore", include_current=False),
    ...         "new": streaming.Extremes(min_periods=3),
    ...     }
    ... )
    >>> stream.columns
    ['z', 'new_min', 'new_max', 'new_novelty']
    >>> for time, mbit_per_s in enumerate([100.0, 102, 98]):
    ...     answers = stream.update("link 1", time, mbit_per_s)
    >>> again = streaming.Stream.restore(stream.snapshot())
    >>> again.update("link 1", 3, 180.0)["z"], again.update("link 1", 2, 99.0)["status"]
    (40.0, 'late')
    """

    columns: list[str]

    def __init__(
        self,
        rules: Rule | Mapping[str, Rule],
        *,
        lateness: Span | int | None = None,
        duplicates: Literal["drop", "keep"] = "drop",
        restart_after: int | None = None,
    ) -> None:
        named = {"": rules} if isinstance(rules, Rule) else rules
        if not isinstance(named, dict) or not named:
            raise TypeError(f"rules must be a rule or a dict of names and rules, got {rules!r}")
        for name, rule in named.items():
            if not isinstance(name, str) or not isinstance(rule, Rule):
                raise TypeError(
                    f"rules must be a rule or a dict of names and rules, got {name!r}: {rule!r}"
                )
        check_choice("duplicates", duplicates, ("drop", "keep"))
        self._times = None  # whether times are times; None before the first of them
        if any(rule.needs_times for rule in named.values()):
            self._times = True
        number = isinstance(lateness, int | np.integer) and not isinstance(lateness, bool)
        if lateness is None:
            wait = 0
        elif number:
            wait = whole_number("lateness", lateness, 0)
            if wait and self._times:
                raise TypeError(f'lateness must be a span of time such as "10min", got {lateness}')
            self._times = False if wait else self._times
        else:
            wait, self._times = _edge.span(lateness, "lateness"), True
        columns, specs = [], {}
        for unit_s in (1e-9, 1.0):
            specs[unit_s] = [rule.spec(unit_s) for rule in named.values()]
        for name, (_, _, outputs) in zip(named, specs[1.0], strict=True):
            short = [name] if len(outputs) == 1 else [f"{name}_{output}" for output in outputs]
            columns += short if name else outputs
        twice = [name for name in columns if columns.count(name) > 1]
        if twice:
            raise ValueError(f"two answers would be called {twice[0]!r}; choose other names")
        self._set(
            {
                "columns": columns,
                "rules": [spec[:2] for spec in specs[1e-9]],
                "whole": [spec[:2] for spec in specs[1.0]],
                "lateness": wait,
                "keep_duplicates": duplicates == "keep",
                "restart_after": 0
                if restart_after is None
                else min(whole_number("restart_after", restart_after, 1), 2**32 - 1),
                "times": self._times,
            }
        )

    def _set(self, plan):
        self._plan = plan
        self._times = plan["times"]
        self.columns = list(plan["columns"])
        self._state = _core.StreamState(
            [tuple(rule) for rule in plan["rules" if self._times is not False else "whole"]],
            lateness=plan["lateness"],
            keep_duplicates=plan["keep_duplicates"],
            restart_after=plan["restart_after"],
        )
        if self._state.width != len(self.columns):
            raise ValueError("columns do not fit the rules")

    def __repr__(self) -> str:
        counts = self.counts
        return f"<Stream of {counts['keys']} keys, {counts['rows']} events: {self.columns}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Stream.restore, (self.snapshot(),)

    def update(
        self, key: str | int | Column, time: Any, value: float | Column | None = None
    ) -> dict[str, Any]:
        """Take events, and tell of those that leave.

        Parameters
        ----------
        key : str, int, or array-like of them, shape (n,)
            Text or whole numbers, one of them throughout a stream. One key may stand for all rows.
        time : time, whole number, or array-like of them, shape (n,)
            Times of one kind throughout a stream: as for `linewatch.rolling` (UTC where they have a
            zone), or whole numbers.
        value : float or array-like of float, shape (n,), optional
            NaN and null are missing. 1 if not given.

        Returns
        -------
        dict
            For one event a number for each of `columns` and ``status``, the name of what became of
            it. For several an array for each of `columns` (NaN for events that do not count),
            ``row`` (the number of the event among all of the stream) and ``status`` (a number, see
            `STATUS`); they are in the order of the events. With a `lateness` the arrays are of the
            events that leave, with their ``key``, ``time`` and ``value``; late and doubled ones
            leave at once.

        Raises
        ------
        TypeError, ValueError
            If keys are mixed, times are missing or of another kind than before, or lengths differ.
            Nothing is taken then.
        """
        one = not is_column(time)
        if one and (time is None or time != time):
            raise ValueError("time is missing; every event needs one")
        times = self._read_times([time] if one else time)
        n = len(times)
        keys = keys_of(key, n)
        if value is None:
            values = np.ones(n)
        elif one and not is_column(value):
            values = values_of([value], n)
        else:
            values = values_of(value, n)
        if n == 0:
            return self._told_of_nothing()
        answers = self._state.update(keys, times, values)
        if one and not self._plan["lateness"]:
            _, _, _, _, status, outputs = answers
            told = dict(zip(self.columns, outputs.tolist(), strict=True))
            return told | {"status": STATUS[status[0]]}
        return self._told(answers)

    def flush(self) -> dict[str, Any]:
        """Let all events leave that wait, by key, and tell of them as `update` does.

        Events of their times are late or duplicates from then on.
        """
        return self._told(self._state.flush())

    def _told_of_nothing(self):
        return self._told([np.empty(0, kind) for kind in ("u8", "u4", "i8", "f8", "u1", "f8")])

    def _told(self, answers):
        rows, slots, times, values, status, outputs = answers
        table = outputs.reshape(len(rows), len(self.columns))
        told = {name: table[:, i] for i, name in enumerate(self.columns)}
        told |= {"row": rows, "status": status}
        if self._plan["lateness"]:
            if self._times:
                times = times.view("datetime64[ns]")
            told |= {"key": self._state.keys_of(slots), "time": times, "value": values}
        return told

    def _read_times(self, time):
        plain = isinstance(time, np.ndarray) and time.ndim == 1 and time.dtype == np.int64
        if plain:
            times, is_time = time, False
        else:
            n = len(time) if hasattr(time, "__len__") else np.size(time)
            times, unit = _edge.times(time, n, "time")
            is_time = unit is not None
        self._expect(is_time, len(times))
        return np.ascontiguousarray(times)

    def _expect(self, is_time, n):
        """Hold on to whether times are times, from the first of them on."""
        if self._times is None:
            self._set(self._plan | {"times": is_time})
        elif n and self._times != is_time:
            kinds = ("whole numbers", "times")
            raise TypeError(f"time must hold {kinds[self._times]}, got {kinds[is_time]}")

    def _put(self, keys, times, is_time, values):
        """`update` with what has been read: keys, int64 times and float64 values."""
        if not len(times):  # a batch of nothing says nothing of the kinds of keys and times
            return self._told_of_nothing()
        self._expect(is_time, len(times))
        return self._told(self._state.update(keys, times, values))

    @property
    def counts(self) -> dict[str, int]:
        """Events so far (``rows``), what became of them (`STATUS`), ``waiting`` and ``keys``."""
        rows, status, waiting = self._state.counts()
        counts = {"rows": rows} | dict(zip(STATUS, status, strict=True))
        return counts | {"waiting": waiting, "keys": len(self._state.keys())}

    @property
    def newest(self) -> dict[str | int, Any]:
        """The newest time of each key, as a dict."""
        keys = self._state.keys()
        kind = (lambda t: np.datetime64(t, "ns")) if self._times else int
        return {key: None if time is None else kind(time) for key, time in keys}

    def forget(self, key: str | int) -> bool:
        """Forget a key: its states, its clock and what waits. False if it is not known."""
        if is_column(key):
            raise TypeError(f"key must be one text or whole number, got {key!r}")
        return self._state.forget(keys_of(key, 1))

    def forget_before(self, time: Any) -> int:
        """Forget the keys that have shown no time from `time` on, and tell how many they were."""
        return self._state.forget_before(int(self._read_times([time])[0]))

    def snapshot(self) -> bytes:
        """The stream as bytes: rules, keys and states, with a version and a checksum.

        Returns
        -------
        bytes
            What `restore` takes. They hold numbers and text only; reading them executes nothing.
        """
        return self._state.snapshot(json.dumps(self._plan))

    @classmethod
    def restore(cls, snapshot: bytes) -> Self:
        """A stream that goes on where `snapshot` was taken.

        Parameters
        ----------
        snapshot : bytes
            From `Stream.snapshot`.

        Returns
        -------
        Stream

        Raises
        ------
        TypeError
            If `snapshot` is not bytes.
        ValueError
            If it is no snapshot of a stream, damaged, cut short or of another version.
        """
        if not isinstance(snapshot, bytes | bytearray | memoryview):
            raise TypeError(f"snapshot must be bytes, got {type(snapshot).__name__}")
        snapshot = bytes(snapshot)
        metadata = _core.snapshot_metadata(snapshot)
        stream = cls.__new__(cls)
        try:
            stream._set(json.loads(metadata))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"the snapshot is not sound: {error}") from None
        stream._state.restore(snapshot)
        return stream
