"""A detector and features of streams: events in, verdicts out."""

import json
from datetime import timedelta
from functools import partial
from typing import Any

import numpy as np

from linewatch import _core, _edge, _models
from linewatch._arguments import quoted
from linewatch.streaming._columns import column_values, columns_of, read_column
from linewatch.streaming._detector import (
    expected_columns,
    inner_detector,
    is_fitted,
    learns,
    nameless,
    offset_of,
    takes_missing,
)
from linewatch.streaming._events import keys_of
from linewatch.streaming._rules import Rule, Value
from linewatch.streaming._stream import STATUS, Stream

KIND, VERSION = "online scorer", 1
BLOCK = 64  # rows of a matrix product; sums of one block are the same whatever its rows
_TAKEN, _RESTARTED = STATUS.index("taken"), STATUS.index("restarted")


class OnlineScorer(_models.Loadable):
    """A detector for events as they come, with what streams know of their keys as features.

    Parameters
    ----------
    detector : estimator
        With ``score_samples`` and ``offset_``, such as `linewatch.IsolationForest`,
        `linewatch.LocalOutlierFactor` with ``novelty=True``, `linewatch.KNNDetector`,
        `linewatch.AutoencoderDetector`, `linewatch.ThresholdedDetector` or
        `OnlineIsolationForest`; fitted (``linewatch.load``), or to be fitted by :meth:`fit`. It is
        not copied.
    features : list of str or dict, optional
        Names of columns, which are taken as they are; or for each column a rule, or a dict of names
        and rules, as `Stream` takes them (`Value` is the column as it is). The features are called
        ``"column"``, ``"column_answer"``, ``"column_name"`` or ``"column_name_answer"``. By default
        the columns that the detector was fitted on.
    key, time : str, optional
        Columns of the keys and of the times. Without `key` all events are of one key, without
        `time` they come one after the other.
    lateness, duplicates, restart_after : optional
        Which events count; as for `Stream`.
    learn : bool, optional
        Whether an event is learned once it has been scored; by default if the detector is an
        `OnlineIsolationForest`.
    top : int, default=0
        Reasons to tell of an anomaly, at most.

    Attributes
    ----------
    features : list of str
        Their names, in the order in which the detector takes them.

    Raises
    ------
    TypeError, ValueError
        If the detector cannot score, or its columns are not the features.

    Notes
    -----
    Events one at a time and in batches of any size have the same scores, bit for bit. A feature
    that is not known yet, missing or infinite is missing: a detector that takes missing values
    scores the event, any other one does not (its score is NaN and it is no anomaly), and neither
    if the detector refuses the event, as too large to be squared. Events that do not count, late or
    doubled ones, have no score either, and are not learned.

    A state is that of the rules, for each key (see the table in the documentation of streams); a
    key that never ends costs no more than its windows. A scorer is fed by one thread at a time. An
    update that is stopped (Ctrl-C) may have been taken by some features only: go on from a
    snapshot.

    Examples
    --------
    Three weeks of two cells to learn from; then one of them falls silent.

    >>> import numpy as np
    >>> import linewatch as lw
    >>> from linewatch import streaming
    >>> rng = np.random.default_rng(0)
    >>> hour = np.datetime64("2026-01-05T00") + np.repeat(np.arange(504), 2)
    >>> history = {
    ...     "time": hour,
    ...     "cell": ["A", "B"] * 504,
    ...     "traffic": rng.normal(100, 10, 1008),
    ...     "prb": rng.normal(50, 5, 1008),
    ... }
    >>> scorer = streaming.OnlineScorer(
    ...     lw.IsolationForest(random_state=0, contamination=0.002),
    ...     {
    ...         "traffic": {"": streaming.Value(), "z": streaming.Rolling("7d", "zscore")},
    ...         "prb": streaming.Value(),
    ...     },
    ...     key="cell",
    ...     time="time",
    ...     top=1,
    ... ).fit(history)
    >>> scorer.features
    ['traffic', 'traffic_z', 'prb']
    >>> event = {"time": np.datetime64("2026-01-26T00"), "cell": "A", "traffic": 0.0, "prb": 8.0}
    >>> told = scorer.update(event)
    >>> told["is_anomaly"], told["status"], told["reasons"]
    (True, 'taken', ['traffic = 0'])
    >>> scorer = streaming.OnlineScorer.restore(scorer.snapshot())
    >>> scorer.update(event)["status"]
    'duplicate'
    """

    features: list[str]

    def __init__(
        self,
        detector: Any,
        features: list[str] | dict[str, Any] | None = None,
        *,
        key: str | None = None,
        time: str | None = None,
        lateness: str | int | timedelta | None = None,
        duplicates: str = "drop",
        restart_after: int | None = None,
        learn: bool | None = None,
        top: int = 0,
    ) -> None:
        if not hasattr(detector, "fit") or isinstance(detector, type):
            raise TypeError(
                f"detector must be a detector such as IsolationForest, got {detector!r}"
            )
        for name, column in (("key", key), ("time", time)):
            if column is not None and not isinstance(column, str):
                raise TypeError(f"{name} must be the name of a column, got {column!r}")
        if learn is not None and not isinstance(learn, bool | np.bool_):
            raise TypeError(f"learn must be True, False or None, got {learn!r}")
        if learn and not learns(detector):
            raise TypeError(f"{type(detector).__name__} cannot learn row by row; leave learn out")
        if isinstance(top, bool) or not isinstance(top, int | np.integer) or top < 0:
            raise ValueError(f"top must be a whole number of at least 0, got {top!r}")
        if time is None and lateness is not None:
            raise ValueError("lateness needs time, the column of the times")
        arrival = {"duplicates": duplicates, "restart_after": restart_after}
        if lateness is not None:
            arrival["lateness"] = lateness
        rules = _rules(detector, features)
        direct = [c for c, named in rules.items() if lateness is None and _is_value(c, named)]
        streams = {c: Stream(named, **arrival) for c, named in rules.items() if c not in direct}
        if time is None:
            for column, named in rules.items():
                if any(rule.needs_times for rule in named.values()):
                    raise ValueError(f'time must name a column: a rule of "{column}" needs it')
        if not streams:
            streams = {"": Stream({"": Value()}, **arrival)}
        self._set(
            {
                "columns": list(rules),
                "names": [list(streams[c].columns) if c in streams else [c] for c in rules],
                "key": key,
                "time": time,
                "lateness": lateness is not None,
                "learn": learns(detector) if learn is None else bool(learn),
                "top": int(top),
            },
            streams,
            detector,
        )

    def _set(self, plan, streams, detector):
        self._plan, self._streams, self._detector = plan, streams, detector
        self.features = [name for names in plan["names"] for name in names]
        for name in self.features:
            if self.features.count(name) > 1:
                raise ValueError(f"two features would be called {name!r}; choose other names")
        self._order = None
        if is_fitted(detector):
            self._check()

    def _check(self):
        """What the detector takes, against the features."""
        n, names = expected_columns(self._detector)
        self._order = list(range(len(self.features)))
        kind = type(self._detector).__name__
        if n is not None and n != len(self.features):
            raise ValueError(
                f"{kind} was fitted on {n} columns, but there are {len(self.features)} features: "
                f"{quoted(self.features)}"
            )
        if names is not None:
            lacking = [name for name in names if name not in self.features]
            if lacking:
                raise ValueError(
                    f"{kind} was fitted on {quoted(lacking)}, which no feature is called; "
                    f"the features are {quoted(self.features)}"
                )
            self._order = [self.features.index(name) for name in names]
            self.features = names
        self._takes_missing = takes_missing(self._detector)
        if not learns(self._detector):
            self._offset = offset_of(self._detector)
            self._score = partial(_known_scores, _row_by_row(nameless(self._detector)))

    def __repr__(self) -> str:
        counts = self.counts
        return (
            f"<OnlineScorer of {type(self._detector).__name__}, {counts['keys']} keys, "
            f"{counts['rows']} events: {self.features}>"
        )

    @property
    def detector(self) -> Any:
        """The detector."""
        return self._detector

    @property
    def counts(self) -> dict[str, int]:
        """Events so far, and what became of them; as `Stream.counts`."""
        return self._gate.counts

    @property
    def newest(self) -> dict[Any, Any]:
        """The newest time of each key, as a dict."""
        return self._gate.newest

    @property
    def _gate(self):
        """The stream that says which events count; they all say the same."""
        return next(iter(self._streams.values()))

    def fit(self, history: Any) -> "OnlineScorer":
        """Take events, and fit the detector to their features.

        The events stay in the states: those of :meth:`update` go on from them.

        Parameters
        ----------
        history : frame or dict of arrays
            Events in the order in which they came, with the columns of `features`, `key` and
            `time`.

        Returns
        -------
        self : OnlineScorer

        Raises
        ------
        ValueError, TypeError
            As :meth:`update`; if no event counts.

        Notes
        -----
        Events with a missing feature are left out where the detector takes no missing values. With
        a `lateness` the last events wait, and are not fitted.
        """
        import polars as pl

        table, status = self._table(self._features(history))
        rows, can_miss = _counts(status), takes_missing(self._detector)
        if not can_miss:
            rows &= ~np.isnan(table).any(axis=1)
        if not rows.any():
            missing = "" if can_miss else " and has all features"
            raise ValueError(f"no event of the history counts{missing}: nothing to fit")
        names = [name for names in self._plan["names"] for name in names]
        self._detector.fit(pl.DataFrame(table[rows], schema=names, orient="row"))
        self.features = names
        self._check()
        return self

    def transform(self, events: Any) -> dict[str, Any]:
        """Take events, and tell their features rather than scores.

        Parameters
        ----------
        events : frame, dict of arrays or dict
            As for :meth:`update`.

        Returns
        -------
        dict
            As of :meth:`update`, with an array for each of ``features`` in place of the score.

        Raises
        ------
        ValueError, TypeError
            As :meth:`update`.
        """
        told = self._features(events)
        table, _ = self._table(told)
        if self._order is not None:
            table = table[:, self._order]
        told["told"] |= dict(zip(self.features, table.T, strict=True))
        return self._answer(told)

    def update(self, events: Any) -> dict[str, Any]:
        """Take events, and say of each whether it is an anomaly.

        Parameters
        ----------
        events : dict, dict of arrays or frame (pandas, Polars, pyarrow)
            One event with its columns, or several in the order in which they came. Columns that are
            no feature, key or time are ignored.

        Returns
        -------
        dict
            For one event ``score`` (higher = more normal), ``is_anomaly``, ``status`` (what became
            of it, see `STATUS`) and with `top` its ``reasons``, strongest first. For several an
            array of each (`reasons` a list of lists) and ``row``, the number of the event among
            all; in the order of the events. With a `lateness` they are always arrays, of the events
            that leave, with their ``key`` and ``time``.

        Raises
        ------
        ValueError, TypeError
            If a column is missing or holds what a stream refuses, or the detector is not fitted.
            Nothing is taken then.
        """
        self._refuse_unfitted()
        return self._scored(self._features(events))

    def flush(self) -> dict[str, Any]:
        """Let all events leave that wait for late ones, and tell of them as `update` does."""
        self._refuse_unfitted()
        answers = {column: stream.flush() for column, stream in self._streams.items()}
        direct = {c: np.empty(0) for c in self._plan["columns"] if c not in self._streams}
        return self._scored({"one": False, "answers": answers, "told": {}, "direct": direct})

    def forget(self, key: str | int) -> bool:
        """Forget a key: its states, its clock and what waits. False if it is not known."""
        return all([stream.forget(key) for stream in self._streams.values()])

    def forget_before(self, time: Any) -> int:
        """Forget the keys that have shown no time from `time` on, and tell how many they were."""
        return min([stream.forget_before(time) for stream in self._streams.values()])

    def _refuse_unfitted(self):
        if self._order is None:
            if not learns(self._detector):
                raise ValueError(
                    f"{type(self._detector).__name__} is not fitted: fit(history) fits it to the "
                    "features of past events"
                )
            self._detector._start(self.features)
            self._check()

    def _features(self, events):
        """Let events through the streams."""
        plan = self._plan
        table, one, n = columns_of(events, [plan["key"], plan["time"], *plan["columns"]])
        values = {c: column_values(table[c], c, n, one) for c in plan["columns"]}
        keys = (
            "" if plan["key"] is None else read_column(keys_of, table[plan["key"]], plan["key"], n)
        )
        if plan["time"] is None:
            seen = self._gate.counts["rows"]
            times, is_time = np.arange(seen, seen + n), False
        else:
            column = table[plan["time"]]
            if one and column[0] is None:
                raise ValueError(f'column "{plan["time"]}" has no time; every event needs one')
            times, unit = _edge.times(column, n, plan["time"])
            times, is_time = np.ascontiguousarray(times), unit is not None
        answers = {}
        for column, stream in self._streams.items():
            value = values[column] if column in values else np.ones(n)
            answers[column] = stream._put(keys, times, is_time, value)
        direct = {c: values[c] for c in plan["columns"] if c not in self._streams}
        return {"one": one, "answers": answers, "told": {}, "direct": direct}

    def _table(self, found):
        """The features of the events that leave, as a table, and their status."""
        first = found["answers"][next(iter(self._streams))]
        found["told"] |= {"row": first["row"], "status": first["status"]}
        if self._plan["lateness"]:
            found["told"] |= {"key": first["key"], "time": first["time"]}
        columns = []
        for column, names in zip(self._plan["columns"], self._plan["names"], strict=True):
            if column in found["direct"]:
                value = found["direct"][column]
                columns.append(np.where(np.isfinite(value), value, np.nan))
            else:
                columns += [found["answers"][column][name] for name in names]
        return np.column_stack(columns), first["status"]

    def _scored(self, found):
        table, status = self._table(found)
        X = np.ascontiguousarray(table[:, self._order])
        rows = _counts(status)
        if not self._takes_missing:
            rows &= ~np.isnan(X).any(axis=1)
        places = np.flatnonzero(rows)
        X = X[places]
        found_scores, is_found, found_reasons = self._judged(X)
        scores, is_anomaly = np.full(len(rows), np.nan), np.zeros(len(rows), bool)
        scores[places], is_anomaly[places] = found_scores, is_found
        found["told"] |= {"score": scores, "is_anomaly": is_anomaly}
        if self._plan["top"]:
            reasons = [[] for _ in range(len(rows))]
            for place, reason in zip(places[is_found], found_reasons, strict=True):
                reasons[place] = reason
            found["told"]["reasons"] = reasons
        return self._answer(found)

    def _judged(self, X):
        """Scores of rows, which are anomalies, and the reasons of those; they may be learned."""
        detector = self._detector
        if not learns(detector):
            scores = self._score(X) if len(X) else np.empty(0)
            is_anomaly = scores < self._offset
            return scores, is_anomaly, self._reasons(detector, X[is_anomaly])
        scores, is_anomaly, reasons = np.full(len(X), np.nan), np.zeros(len(X), bool), []
        steps = detector._steps(len(X)) if self._plan["learn"] else [slice(0, len(X))]
        for rows in steps:
            if hasattr(detector, "forest_"):
                forest = detector.forest_
                scores[rows] = forest._forest.score_samples(X[rows], n_jobs=detector.n_jobs)
                is_anomaly[rows] = scores[rows] < detector.offset_
                reasons += self._reasons(forest, X[rows][is_anomaly[rows]])
            if self._plan["learn"]:
                detector._remember(X[rows], scores[rows])
        return scores, is_anomaly, reasons

    def _reasons(self, detector, X):
        """The reasons of anomalies, a list of texts for each."""
        if not self._plan["top"] or not len(X) or not hasattr(detector, "reasons"):
            return [[] for _ in range(len(X))]
        top = min(self._plan["top"], X.shape[1])
        found = nameless(detector).reasons(X, top=top)
        return [[self._with_name(text) for text in row if text] for row in found]

    def _with_name(self, text):
        """x0 = 3 as the name of the feature has it."""
        name, equals, value = text.partition(" = ")
        return f"{self.features[int(name[1:])]}{equals}{value}"

    def _answer(self, found):
        told = found["told"]
        if not found["one"] or self._plan["lateness"]:
            return told
        told.pop("row")
        one = {name: v[0] if isinstance(v, list) else v[0].item() for name, v in told.items()}
        return one | {"status": STATUS[one["status"]]}

    def snapshot(self) -> bytes:
        """The scorer as bytes: detector, rules, keys and states, with a version and a checksum.

        Returns
        -------
        bytes
            What `restore` takes. They hold numbers and text only; reading them executes nothing.

        Raises
        ------
        TypeError
            If the detector is not one of linewatch's, which cannot be kept so; such a scorer can be
            pickled.
        """
        settings, arrays = self._to_model()
        return _core.model_to_bytes(KIND, _models.settings_text(settings), arrays)

    @classmethod
    def restore(cls, snapshot: bytes) -> "OnlineScorer":
        """A scorer that goes on where `snapshot` was taken.

        Parameters
        ----------
        snapshot : bytes
            From `OnlineScorer.snapshot`.

        Returns
        -------
        OnlineScorer

        Raises
        ------
        TypeError
            If `snapshot` is not bytes.
        ValueError
            If it is no snapshot of a scorer, damaged, cut short or of another version.
        """
        if not isinstance(snapshot, bytes | bytearray | memoryview):
            raise TypeError(f"snapshot must be bytes, got {type(snapshot).__name__}")
        kind, text, arrays = _core.model_from_bytes(bytes(snapshot), "the snapshot")
        if kind != KIND:
            raise ValueError(f"the snapshot is of a {kind}, not of an {KIND}")
        try:
            return cls._from_model(json.loads(text), arrays)
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"the snapshot is not sound: {error}") from None

    def save(self, path: Any) -> None:
        """Write the scorer to one file, whole or not at all; ``linewatch score --follow`` reads it.

        Parameters
        ----------
        path : str or path-like

        Raises
        ------
        TypeError
            As :meth:`snapshot`.
        OSError
            If it cannot be written.

        See Also
        --------
        linewatch.load : Reads it.
        """
        _models.save(self, path)

    def _to_model(self):
        if not is_fitted(self._detector):
            raise ValueError(
                f"{type(self._detector).__name__} is not fitted, so there is nothing to keep"
            )
        _models._kind(self._detector)  # refuses what has no file
        inner, arrays = _models.nested(self._detector)
        for k, stream in enumerate(self._streams.values()):
            arrays[f"stream/{k}"] = np.frombuffer(stream.snapshot(), np.uint8)
        settings = {
            "version": VERSION,
            "detector": inner,
            "plan": self._plan,
            "streams": list(self._streams),
        }
        return settings, arrays

    @classmethod
    def _from_model(cls, settings, arrays, path=None):
        if settings["version"] != VERSION:
            raise ValueError(
                f"{path or 'the snapshot'} holds a scorer of version {settings['version']}, but "
                f"this linewatch reads version {VERSION} (use the linewatch that wrote it, or make "
                "the scorer again)"
            )
        streams = {
            column: Stream.restore(arrays[f"stream/{k}"].tobytes())
            for k, column in enumerate(settings["streams"])
        }
        plan = settings["plan"]
        for column, names in zip(plan["columns"], plan["names"], strict=True):
            expected = streams[column].columns if column in streams else [column]
            if names != expected:
                raise KeyError(f"features {names} of column {column}")
        out = cls.__new__(cls)
        out._set(plan, streams, _models.unnested(settings["detector"], arrays))
        return out


def _rules(detector, features):
    """For each column the names and rules of its features, as a stream takes them."""
    if features is None:
        names = expected_columns(detector)[1]
        if names is None:
            raise ValueError(
                "features must name the columns: the detector was not fitted on a frame and knows "
                "no names"
            )
        features = names
    if isinstance(features, str) or not isinstance(features, list | tuple | dict) or not features:
        raise TypeError(
            f"features must be a list of columns, or a dict of columns and rules, got {features!r}"
        )
    if not isinstance(features, dict):
        features = {column: Value() for column in features}
    rules = {}
    for column, given in features.items():
        if isinstance(given, Rule):
            given = {"": given}
        if not isinstance(column, str) or not isinstance(given, dict) or not given:
            raise TypeError(
                "features must be a list of columns, or a dict of columns and rules, "
                f"got {column!r}: {given!r}"
            )
        for name, rule in given.items():
            if not isinstance(name, str) or not isinstance(rule, Rule):
                raise TypeError(
                    f'features of column "{column}" must be a rule or a dict of names and rules, '
                    f"got {name!r}: {rule!r}"
                )
        rules[column] = {f"{column}_{name}" if name else column: r for name, r in given.items()}
    return rules


def _counts(status):
    return (status == _TAKEN) | (status == _RESTARTED)


def _is_value(column, named):
    return list(named) == [column] and isinstance(named[column], Value)


def _row_by_row(detector):
    """Scores of rows that do not depend on the rows beside them, to the last bit."""
    known = [_models.KINDS[name] for name in ("isolation forest", "k-nearest neighbors",
                                              "local outlier factor")]  # fmt: skip
    inner = type(inner_detector(detector))
    at_once = (inner.__module__, inner.__name__) in known
    return partial(_scores if at_once else _scores_of_blocks, detector)


# The pickle of a scorer names the three functions that follow.
def _known_scores(score, X):
    """Scores of rows; NaN of those that the detector refuses, as too far out to be squared."""
    try:
        return score(X)
    except ValueError:
        if len(X) == 1:
            return np.array([np.nan])
        half = len(X) // 2
        return np.concatenate([_known_scores(score, X[:half]), _known_scores(score, X[half:])])


def _scores(detector, X):
    return np.asarray(detector.score_samples(X), np.float64)


def _scores_of_blocks(detector, X):
    # How a matrix product adds depends on its shape: all have the same.
    n = len(X)
    padded = np.concatenate([X, np.broadcast_to(X[-1], (-n % BLOCK, X.shape[1]))])
    parts = [detector.score_samples(padded[i : i + BLOCK]) for i in range(0, n, BLOCK)]
    return np.concatenate(parts, dtype=np.float64)[:n]
