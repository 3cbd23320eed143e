"""Score the events of a Kafka topic as they come, and lose none.

An event is a JSON object, keyed by its cell so that a cell stays in one partition::

    {"cell": "A12", "time": "2026-01-31T14:00:00Z", "value": 43.1}

Train on history (a CSV with the columns cell, time, value), then start the loop::

    python score_events.py fit history.csv model.lw
    python score_events.py run --brokers localhost:9092 --model model.lw --state state/

Each event becomes one message of the topic ``scores``, or one of ``events.dead`` if it cannot be
read. What is promised is *at least once*: after a crash some events are answered again, with the
same answers, and can be told by their partition and offset.

How: a checkpoint waits until the brokers have every answer, writes the state of each partition to
a file that bears its offset, and only then commits. A start reads the newest file and goes on at
its offset, so that the state of a cell and the events that made it never part.
"""

import argparse
import json
import os
import signal
import sys
import time as clock
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import polars as pl
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

import linewatch as lw
from linewatch import streaming

FEATURES = ["value", "z", "novelty", "flat_rows"]
FIRST, LAST = datetime(1700, 1, 1, tzinfo=UTC), datetime(2250, 1, 1, tzinfo=UTC)


def new_stream() -> streaming.Stream:
    """What is known of each cell; training and the loop use the same rules."""
    return streaming.Stream(
        {
            "z": streaming.Rolling("1d", "zscore", include_current=False, min_periods=12),
            "new": streaming.Extremes(),
            "flat": streaming.FlatRun(),
        }
    )


def features(
    stream: streaming.Stream, cells: Sequence[str], times: np.ndarray, values: np.ndarray
) -> tuple[pl.DataFrame, list[str]]:
    """The features of events, and what became of each (taken, late, duplicate)."""
    told = stream.update(cells, times, values)
    columns = [values, told["z"], told["new_novelty"], told["flat_rows"]]
    status = [streaming.STATUS[number] for number in told["status"]]
    return pl.DataFrame(dict(zip(FEATURES, columns, strict=True))), status


def fit(history: str, model: str, alarms: float = 0.01) -> None:
    """Train a forest on the features that the loop will see; `alarms` of these rows are alarms."""
    table = pl.read_csv(history, schema_overrides={"cell": pl.String, "time": pl.String})
    times = np.array([moment(text) for text in table["time"]], dtype="datetime64[ns]")
    order = np.argsort(times, kind="stable")
    cells = table["cell"].to_numpy()[order].tolist()
    values = table["value"].cast(pl.Float64).fill_null(np.nan).to_numpy()[order]
    rows, status = features(new_stream(), cells, times[order], values)
    rows = rows.filter(pl.Series(status) == "taken")
    detector = lw.ThresholdedDetector(
        lw.IsolationForest(random_state=0), {"contamination": alarms}, random_state=0
    ).fit(rows)
    detector.save(model)
    print(f"{model}: fitted on {rows.height:,} events, {detector.operating_point_}")


@dataclass
class Message:
    """An event that was read."""

    cell: str
    time: np.datetime64
    value: float
    offset: int


def moment(text: object) -> np.datetime64:
    """A time as UTC; one without a zone is UTC."""
    if not isinstance(text, str):
        raise ValueError(f"time must be text such as 2026-01-31T14:00:00Z, got {text!r}")
    time = datetime.fromisoformat(text)
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    if not FIRST <= time <= LAST:
        raise ValueError(f"time must be from 1700 to 2250, got {text}")
    return np.datetime64(time.replace(tzinfo=None), "ns")


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def read(raw: bytes | None, offset: int) -> Message:
    """The event of a message; ValueError says why it is none."""
    if raw is None:
        raise ValueError("the message is empty")
    try:
        event = json.loads(raw, parse_constant=refuse_constant)
    except RecursionError:
        raise ValueError("the JSON is nested too deep") from None
    if not isinstance(event, dict):
        raise ValueError(f"expected a JSON object, got {type(event).__name__}")
    missing = [name for name in ("cell", "time", "value") if name not in event]
    if missing:
        raise ValueError(f"{', '.join(missing)} missing; the event has {', '.join(event)}")
    cell, value = event["cell"], event["value"]
    if not isinstance(cell, str) or not cell:
        raise ValueError(f"cell must be text, got {cell!r}")
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        raise ValueError(f"value must be a number or null, got {value!r}")
    try:
        number = np.nan if value is None else float(value)
    except OverflowError:
        number = np.inf
    if np.isinf(number):
        raise ValueError("value is too large")
    return Message(cell, moment(event["time"]), number, offset)


@dataclass
class Partition:
    """The cells of a partition, and the offset of the first event they have not seen."""

    stream: streaming.Stream
    offset: int | None = None  # None: nothing was read yet
    saved: int | None = None


@dataclass
class Loop:
    """Consume, score, produce; see `run`."""

    brokers: str
    model: str
    state: Path
    group: str = "linewatch"
    events: str = "events"
    scores: str = "scores"
    dead: str = "events.dead"
    batch: int = 500
    checkpoint_s: float = 5.0
    config: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.detector = lw.load(self.model)
        if list(self.detector.feature_names_in_) != FEATURES:
            found = ", ".join(self.detector.feature_names_in_)
            raise ValueError(f"{self.model} takes {found}; expected {', '.join(FEATURES)}")
        self.state.mkdir(parents=True, exist_ok=True)
        self.partitions: dict[int, Partition] = {}
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []
        common = {"bootstrap.servers": self.brokers, **self.config}
        self.producer = Producer({"acks": "all", "enable.idempotence": True, **common})
        self.consumer = Consumer(
            {
                "group.id": self.group,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "earliest",
                **common,
            }
        )

    def run(self, stop: Event) -> None:
        """Until `stop` is set; what was done is then saved and committed."""
        self.consumer.subscribe(
            [self.events],
            on_assign=self.assigned,
            on_revoke=lambda consumer, partitions: self.revoked(partitions),
            on_lost=self.lost,
        )
        due = clock.monotonic() + self.checkpoint_s
        try:
            while not stop.is_set():
                self.take(self.consumer.consume(self.batch, timeout=0.2))
                if clock.monotonic() >= due:
                    self.checkpoint()
                    due = clock.monotonic() + self.checkpoint_s
            self.checkpoint()
        except BaseException:
            self.partitions.clear()  # nothing of what is half done may be committed on the way out
            raise
        finally:
            self.consumer.close()

    def take(self, messages: list[Any]) -> None:
        """Score messages and hand the answers to the producer."""
        by_partition: dict[int, list[Message]] = {}
        for message in messages:
            if message.error():
                if message.error().fatal():
                    raise RuntimeError(message.error().str())
                print(f"kafka: {message.error().str()}", file=sys.stderr)
                continue
            partition = self.partitions[message.partition()]
            partition.offset = message.offset() + 1
            self.counts["events"] += 1
            try:
                event = read(message.value(), message.offset())
            except ValueError as error:
                self.bury(message, str(error))
            else:
                by_partition.setdefault(message.partition(), []).append(event)
        for number, events in by_partition.items():
            self.answer(number, events)
        self.producer.poll(0)

    def answer(self, number: int, events: list[Message]) -> None:
        """Score the events of a partition; late ones and duplicates have no score."""
        cells = [event.cell for event in events]
        times = np.array([event.time for event in events])
        values = np.array([event.value for event in events])
        rows, status = features(self.partitions[number].stream, cells, times, values)
        scores = self.detector.score_samples(rows)
        self.counts.update(status)
        for event, row, told, score in zip(
            events, rows.iter_rows(named=True), status, scores.tolist(), strict=True
        ):
            counts = told in ("taken", "restarted")
            is_anomaly = counts and score < self.detector.offset_
            self.counts["anomalies"] += is_anomaly
            out = {
                "cell": event.cell,
                "time": f"{event.time.astype('datetime64[us]')}Z",
                **{name: None if np.isnan(value) else value for name, value in row.items()},
                "score": score if counts else None,
                "is_anomaly": is_anomaly,
                "status": told,
                "partition": number,
                "offset": event.offset,
            }
            self.produce(self.scores, event.cell, json.dumps(out))

    def bury(self, message: Any, why: str) -> None:
        """Send what cannot be read to a topic of its own, as it came."""
        self.counts["malformed"] += 1
        headers = {
            "error": why,
            "partition": str(message.partition()),
            "offset": str(message.offset()),
        }
        self.produce(self.dead, message.key(), message.value(), headers)

    def produce(self, topic: str, key: Any, value: Any, headers: Any = None) -> None:
        while True:
            try:
                self.producer.produce(
                    topic, key=key, value=value, headers=headers, on_delivery=self.delivered
                )
                return
            except BufferError:  # as many wait as may: let some go
                self.producer.poll(0.5)

    def delivered(self, error: Any, message: Any) -> None:
        if error is not None:
            self.failures.append(f"{message.topic()}: {error.str()}")

    def checkpoint(self) -> None:
        """Answers to the brokers, then states to files, then offsets to the brokers."""
        new = {n: p for n, p in self.partitions.items() if p.offset not in (None, p.saved)}
        if not new:
            return
        waiting = self.producer.flush(60)
        if waiting or self.failures:
            why = self.failures[0] if self.failures else "the brokers did not answer in 60 s"
            raise RuntimeError(f"answers were not delivered ({why}); nothing was committed")
        for number, partition in new.items():
            self.save(number, partition)
        offsets = [TopicPartition(self.events, n, p.offset) for n, p in new.items()]
        self.consumer.commit(offsets=offsets, asynchronous=False)
        print(f"kafka: {dict(self.counts)}", file=sys.stderr, flush=True)

    def files(self, number: int) -> dict[int, Path]:
        """The states of a partition by offset."""
        start = f"{self.events}-{number}@"
        found = self.state.glob(f"{start}*.stream")
        return {int(path.name[len(start) : -len(".stream")]): path for path in found}

    def save(self, number: int, partition: Partition) -> None:
        """Write a state whole or not at all, then drop the older ones."""
        path = self.state / f"{self.events}-{number}@{partition.offset}.stream"
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            file.write(partition.stream.snapshot())
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        partition.saved = partition.offset
        for offset, old in self.files(number).items():
            if offset < partition.offset:
                old.unlink(missing_ok=True)

    def assigned(self, consumer: Any, partitions: list[Any]) -> None:
        """Go on where the newest state was taken, else at the committed offset."""
        for place in partitions:
            files = self.files(place.partition)
            if not files:
                self.partitions[place.partition] = Partition(new_stream())
                continue
            offset = max(files)
            try:
                stream = streaming.Stream.restore(files[offset].read_bytes())
            except ValueError as error:
                raise ValueError(f"{files[offset]}: {error}") from None
            if stream.columns != new_stream().columns:
                raise ValueError(f"{files[offset]} was written with other rules; remove it")
            self.partitions[place.partition] = Partition(stream, offset, offset)
            place.offset = offset
        consumer.assign(partitions)

    def revoked(self, partitions: list[Any]) -> None:
        """Another consumer takes over: save for it what was done."""
        self.checkpoint()
        self.lost(None, partitions)

    def lost(self, consumer: Any, partitions: list[Any]) -> None:
        for place in partitions:
            self.partitions.pop(place.partition, None)


def setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text!r}")
    return name, value


def main(arguments: Sequence[str] | None = None) -> int:
    top = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = top.add_subparsers(required=True, dest="command")
    train = commands.add_parser("fit", help="train on a CSV with the columns cell, time, value")
    train.add_argument("history")
    train.add_argument("model")
    train.add_argument("--alarms", type=float, default=0.01, help="share of rows, default 0.01")
    loop = commands.add_parser("run", help="consume, score, produce, until SIGTERM or Ctrl-C")
    loop.add_argument("--brokers", required=True)
    loop.add_argument("--model", required=True)
    loop.add_argument("--state", required=True, type=Path, help="folder for the states of cells")
    for name in ("group", "events", "scores", "dead"):
        loop.add_argument(f"--{name}", default=getattr(Loop, name))
    loop.add_argument("--batch", type=int, default=Loop.batch)
    loop.add_argument("--checkpoint-s", type=float, default=Loop.checkpoint_s)
    loop.add_argument(
        "--config", type=setting, action="append", default=[], help="of librdkafka, as NAME=VALUE"
    )
    options = vars(top.parse_args(arguments))
    command = options.pop("command")
    try:
        if command == "fit":
            fit(**options)
            return 0
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        Loop(**options | {"config": dict(options["config"])}).run(stop)
    except KafkaException as error:
        print(f"kafka: error: {error.args[0].str()}", file=sys.stderr)
        return 2
    except (ValueError, OSError, RuntimeError) as error:
        print(f"kafka: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
