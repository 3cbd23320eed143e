"""``linewatch score --follow``: scores of the lines of a log as they are written."""

import csv
import json
import os
import signal
import sys
import threading
import time as clock
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from linewatch import _core, _models
from linewatch._log import Log, Pipe
from linewatch._tables import counted

KIND, VERSION = "followed log", 1
PAUSE = 0.1  # seconds until a source that had nothing is asked again
KEEP = 5.0  # seconds after which the state is saved though lines still come
MOST = 4096  # lines scored at a time
MADE = ("row", "score", "is_anomaly", "status", "reasons")
_encoded = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_EPOCH, _MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)


def run(options):
    """Follow a file or standard input until a signal, or its end, stops it."""
    _check(options)
    stop = threading.Event()
    before = {}
    if threading.current_thread() is threading.main_thread():
        for name in (signal.SIGTERM, signal.SIGINT):
            before[name] = signal.signal(name, lambda *_: stop.set())
    try:
        with Follower(options) as follower:
            follower.go(stop)
    except NoHeader as error:
        raise ValueError(f"{options.input}: {error}") from None
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _check(options):
    """Files that cannot be what they are given as."""
    if options.json:
        raise ValueError("--json is for a whole file; with --follow every line is JSON in any case")
    if not Path(options.model).exists():
        raise FileNotFoundError(f"{options.model} does not exist")
    names = {
        "--model": options.model,
        "--input": None if options.input == "-" else options.input,
        "--output": options.output,
        "--state": options.state,
    }
    seen = {}
    for name, path in names.items():
        if path is None:
            continue
        if Path(path).is_dir():
            raise ValueError(f"{path} is a folder; expected a file")
        other = seen.setdefault(Path(path).resolve(), name)
        if other != name:
            raise ValueError(f"{other} and {name} are the same file, {path}")


class Follower:
    """A source of lines, the scorer they go to, and where their scores go."""

    def __init__(self, options, say=None):
        self._options, self._say = options, say or _say
        self._path = None if options.input == "-" else Path(options.input).absolute()
        self._crc = zlib.crc32(Path(options.model).read_bytes())
        state, place = self._read_state(), None
        self._reader = Reader()
        self._counts = {"rows": 0, "scored": 0, "anomalies": 0, "malformed": 0}
        self._waiting = {}  # what goes beside the score of an event, by its number in the scorer
        if state is None:
            self._scorer = _scorer(options)
        else:
            self._scorer, place = state["scorer"], state["place"]
            self._reader.resume(state["reader"])
            self._counts = state["counts"]
            self._waiting = {int(row): beside for row, beside in state["waiting"].items()}
        self._scorer._plan["top"] = options.top
        self._reader.serve(self._scorer)
        self._open_output(state)
        self._source = Pipe() if self._path is None else Log(self._path, self._say, place)
        self._is_kept, self._kept_at = True, clock.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._source.close()
        if self._options.output:
            self._out.close()

    def go(self, stop):
        """Score until stopped, then save and say what was done."""
        while not stop.is_set():
            lines = self._source.read()
            for first in range(0, len(lines), MOST):
                self._take(lines[first : first + MOST])
            if self._source.has_ended:
                break
            late = clock.monotonic() - self._kept_at > KEEP
            if not self._is_kept and (late or not lines):
                self._save()
            if not lines:
                stop.wait(PAUSE)
        if self._source.has_ended and not self._options.state:
            self._tell(self._scorer.flush())
        if not self._is_kept:
            self._save()
        counts = self._counts
        text = (
            f"{counts['scored']:,} scored, {counts['anomalies']:,} "
            f"{'anomaly' if counts['anomalies'] == 1 else 'anomalies'}, "
            f"{counts['malformed']:,} malformed"
        )
        kept = f"; state in {self._options.state}" if self._options.state else ""
        self._say(f"{counted(counts['rows'], 'row')}, {text}{kept}")

    def _take(self, lines):
        """Score lines; one that cannot be is counted and reported."""
        events, besides = [], []
        for where in lines:
            name, number, line = where
            try:
                event = self._reader.event(number, line)
            except ValueError as error:
                self._refuse(name, number, error)
                continue
            if event is not None:
                self._counts["rows"] += 1
                beside = {"row": self._counts["rows"]} | event.pop("")
                events.append((where, event))
                besides.append(beside)
        self._is_kept = False
        try:
            self._score([event for _, event in events], besides)
        except (ValueError, TypeError):
            # Nothing of the batch was taken: the line at fault is found one by one.
            for ((name, number, _), event), beside in zip(events, besides, strict=True):
                try:
                    self._score([event], [beside])
                except (ValueError, TypeError) as error:
                    self._refuse(name, number, error, counted=True)

    def _score(self, events, besides):
        if not events:
            return
        seen = self._scorer.counts["rows"]
        columns = {name: [event[name] for event in events] for name in events[0]}
        if (time := self._scorer._plan["time"]) is not None:
            columns[time] = np.array(columns[time], np.int64)
            if self._reader.holds_times:
                columns[time] = columns[time].view("datetime64[ns]")
        told = self._scorer.update(columns)
        self._waiting |= dict(enumerate(besides, seen))
        self._tell(told)

    def _tell(self, told):
        """Write the scores of events."""
        has_status = self._scorer._plan["time"] is not None
        from linewatch.streaming import STATUS

        lines = []
        reasons = told.get("reasons")
        for k, (row, score, is_anomaly, status) in enumerate(
            zip(told["row"].tolist(), told["score"].tolist(), told["is_anomaly"].tolist(),
                told["status"].tolist(), strict=True)
        ):  # fmt: skip
            line = self._waiting.pop(row, None)
            if line is None:  # it waited in the scorer before there was a log
                line = {"row": None} | self._past(told, k)
            line["score"] = score if score == score else None
            line["is_anomaly"] = is_anomaly
            if has_status:
                line["status"] = STATUS[status]
            if reasons is not None and reasons[k]:
                line["reasons"] = reasons[k]
            self._counts["scored"] += score == score
            self._counts["anomalies"] += is_anomaly
            lines.append(_encoded(line))
        if lines:
            self._out.write(("\n".join(lines) + "\n").encode())
            self._out.flush()

    def _past(self, told, k):
        """Key and time of an event that is no line."""
        plan = self._scorer._plan
        past = {plan["time"]: str(told["time"][k])}
        return past | ({} if plan["key"] is None else {plan["key"]: told["key"][k]})

    def _refuse(self, name, number, error, counted=False):
        self._counts["rows"] += not counted
        self._counts["malformed"] += 1
        self._say(f"{name}, line {number}: {' '.join(str(error).split())}; not scored")

    def _open_output(self, state):
        """Where scores go; what was written after the state was saved is written again."""
        if not self._options.output:
            self._out = sys.stdout.buffer
            return
        out = Path(self._options.output)
        if state is None:
            if out.exists() and out.stat().st_size:
                raise ValueError(
                    f"{out} is there already, and there is no state to go on from (move it, or "
                    "give the --state that belongs to it)"
                )
            self._out = open(out, "ab")  # noqa: SIM115, closed where following ends
            return
        length = out.stat().st_size if out.exists() else 0
        written = state["written"]
        if written is None or length < written:
            raise ValueError(
                f"{out} has {length} bytes, but {self._options.state} was saved when it had "
                f"{written or 'another name'} (give the --output that belongs to the state, or "
                "remove the state to start anew)"
            )
        self._out = open(out, "r+b")  # noqa: SIM115, closed where following ends
        self._out.truncate(written)
        self._out.seek(written)

    def _save(self):
        """Keep the state, after what it says has been written is on the disk."""
        self._is_kept, self._kept_at = True, clock.monotonic()
        if not self._options.state:
            return
        written = None
        if self._options.output:
            os.fsync(self._out.fileno())
            written = self._out.tell()
        settings = {
            "version": VERSION,
            "input": None if self._path is None else str(self._path),
            "model": self._crc,
            "place": self._source.place,
            "written": written,
            "reader": self._reader.state(),
            "counts": self._counts,
            "waiting": self._waiting,
        }
        scorer = np.frombuffer(self._scorer.snapshot(), np.uint8)
        text = _models.settings_text(settings)
        _core.write_model(os.fspath(self._options.state), KIND, text, {"scorer": scorer})

    def _read_state(self):
        from linewatch.streaming import OnlineScorer

        path = self._options.state
        if path is None or not Path(path).exists():
            return None
        kind, text, arrays = _core.read_model(path)
        if kind != KIND:
            raise ValueError(f"{path} holds a {kind}; expected the state of --follow")
        state = json.loads(text)
        if state["version"] != VERSION:
            raise ValueError(
                f"{path} has version {state['version']}, but this linewatch reads version "
                f"{VERSION} (remove it to start anew)"
            )
        if state["model"] != self._crc:
            raise ValueError(
                f"{path} was saved with another model than {self._options.model} (give that one, "
                "or remove the state to start anew)"
            )
        found = None if self._path is None else str(self._path)
        if state["input"] != found:
            raise ValueError(
                f"{path} is the state of {state['input'] or 'standard input'}, not of "
                f"{found or 'standard input'} (remove it to start anew)"
            )
        state["scorer"] = OnlineScorer.restore(arrays["scorer"].tobytes())
        return state


class Reader:
    """Lines as events: JSON objects, or CSV under a header."""

    def __init__(self):
        self._format = self._header = None
        self.holds_times = None  # whether times are times or whole numbers, once it is known

    def serve(self, scorer):
        """Read what a scorer takes."""
        plan = scorer._plan
        self._columns, self._key, self._time = plan["columns"], plan["key"], plan["time"]
        self._wanted = [c for c in (self._key, self._time, *self._columns) if c is not None]
        if self.holds_times is None:
            self.holds_times = scorer._gate._times
        known = next(iter(scorer.newest), None)
        self._whole_keys = isinstance(known, int)

    def state(self):
        """What another reader goes on with."""
        return {
            "format": self._format,
            "header": self._header,
            "separator": getattr(self, "_separator", None),
            "holds_times": self.holds_times,
        }

    def resume(self, state):
        """Go on as a reader before."""
        self._format, self._header = state["format"], state["header"]
        self._separator, self.holds_times = state["separator"], state["holds_times"]

    def event(self, number, line):
        """The event of a line, under "" what goes beside its score; None for no event."""
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip("\r\n \x00")
        except UnicodeDecodeError as error:
            raise ValueError(f"no UTF-8 text (byte {error.start + 1})") from None
        if not text:
            return None
        if self._format is None:
            self._format = "json" if text.startswith("{") else "csv"
        fields = self._object(text) if self._format == "json" else self._record(text, number)
        if fields is None:
            return None
        for name in self._wanted:
            if name not in fields:
                raise ValueError(f'column "{name}" is missing')
        is_text = self._format == "csv"
        event = {name: _number(name, fields[name], is_text) for name in self._columns}
        if self._time is not None:
            event[self._time] = self._moment(fields[self._time])
        if self._key is not None:
            event[self._key] = self._keyed(fields[self._key])
        beside = {name: v for name, v in fields.items() if name not in self._columns}
        if taken := next((name for name in beside if name in MADE), None):
            raise ValueError(f'column "{taken}" would be written twice')
        return event | {"": beside}

    def _object(self, text):
        try:
            fields = json.loads(text, parse_constant=lambda _: None, parse_float=_finite)
        except RecursionError:
            raise ValueError("an object nested too deeply") from None
        except json.JSONDecodeError as error:
            raise ValueError(f"no JSON ({error.msg} at character {error.pos + 1})") from None
        if not isinstance(fields, Mapping):
            raise ValueError("no JSON object")
        return fields

    def _record(self, text, number):
        if self._header is None:
            self._separator = max(",;\t|", key=text.count)
        try:
            fields = next(csv.reader([text], delimiter=self._separator, strict=True))
        except csv.Error as error:
            raise ValueError(f"no CSV ({error})") from None
        if self._header is None or (number == 1 and all(c in fields for c in self._wanted)):
            self._set_header(fields)
            return None
        if len(fields) != len(self._header):
            raise ValueError(f"{len(fields)} fields under a header of {len(self._header)}")
        return dict(zip(self._header, fields, strict=True))

    def _set_header(self, fields):
        missing = [name for name in self._wanted if name not in fields]
        shown = ", ".join(f'"{name}"' for name in fields[:8])
        if missing:
            raise NoHeader(f'column "{missing[0]}" of the model is missing; the header has {shown}')
        if taken := next((name for name in fields if name in MADE), None):
            raise NoHeader(f'column "{taken}" of the header would be written twice; rename it')
        if len(set(fields)) < len(fields):
            raise NoHeader(f"the header has a column twice: {shown}")
        self._header = fields

    def _keyed(self, key):
        if isinstance(key, str) and not self._whole_keys:
            return key
        if self._whole_keys and isinstance(key, str) and key.lstrip("-").isdigit():
            return int(key)
        if isinstance(key, bool) or not isinstance(key, int):
            raise ValueError(f'column "{self._key}" must hold a key, got {key!r}')
        return key

    def _moment(self, time):
        """A time in nanoseconds, or a whole number."""
        stamp, is_time = None, False
        if isinstance(time, int) and not isinstance(time, bool):
            stamp = time
        elif isinstance(time, str) and time.lstrip("-").isdigit():
            stamp = int(time)
        elif isinstance(time, str):
            try:
                moment = datetime.fromisoformat(time)
            except ValueError:
                moment = None
            if moment is not None:
                start = _EPOCH if moment.tzinfo is None else _EPOCH.replace(tzinfo=UTC)
                stamp, is_time = (moment - start) // _MICROSECOND * 1000, True
        if self.holds_times is None and stamp is not None:
            self.holds_times = is_time
        if stamp is None or is_time != self.holds_times or not -(2**63) < stamp < 2**63:
            expected = "a whole number, as the ones before"
            if self.holds_times is not False:
                expected = "a time such as 2026-11-21T10:00:00"
            raise ValueError(f'column "{self._time}" must hold {expected}, got {time!r}')
        return stamp


class NoHeader(Exception):
    """A header that the model cannot be applied to: nothing after it can be scored."""


def _finite(text):
    number = float(text)
    return number if abs(number) < float("inf") else None


def _number(name, value, is_text):
    if value is None or (is_text and value == ""):
        return float("nan")
    if isinstance(value, str):
        try:
            return float(value if is_text and "_" not in value else "")
        except ValueError:
            pass
    elif isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return float("nan")
    raise ValueError(f'column "{name}" must hold numbers, got {value!r}')


def _scorer(options):
    """The scorer of a model file, or one of the columns of the detector in it."""
    from linewatch.streaming import OnlineScorer

    model = _models.load(options.model)
    columns = options.columns.split(",") if options.columns else None
    if isinstance(model, OnlineScorer):
        if columns:
            raise ValueError("--columns is for a model without column names; this one knows them")
        return model
    if columns is None and getattr(model, "feature_names_in_", None) is None:
        raise ValueError(
            f"{options.model}: the model takes {model.n_features_in_} columns and knows no names; "
            "name them in order with --columns a,b,c"
        )
    return OnlineScorer(model, columns)


def _say(text):
    print(f"linewatch: {text}", file=sys.stderr, flush=True)
