"""The programs of `examples/`, run as a user runs them."""

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time as clock
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import linewatch as lw
from linewatch import IsolationForest, ThresholdedDetector

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"


def load(path):
    """A program as a module."""
    spec = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


# Scores without Python ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def edge():
    """The program as ``cargo run`` builds it, if building is quick."""
    target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    binary = target / "release" / "examples" / ("score.exe" if os.name == "nt" else "score")
    if shutil.which("cargo") is None:
        pytest.skip("cargo is not installed")
    if not binary.exists():
        pytest.skip("not built yet: cargo test --release --no-default-features builds it")
    command = ["cargo", "run", "-q", "--release", "--no-default-features", "--example", "score"]
    done = subprocess.run([*command, "--", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "usage: score MODEL" in done.stdout, done.stderr
    return binary


def run(binary, *arguments, text=None):
    done = subprocess.run(
        [binary, *map(str, arguments)], input=text, capture_output=True, encoding="utf-8"
    )
    return done.returncode, done.stdout, done.stderr


def cells(n, seed=0):
    """KPIs of cells, with categories of text and of numbers, and gaps."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "prb": rng.uniform(0, 100, n),
            "at_s": 1.7e9 + rng.integers(0, 10**6, n),
            "vendor": rng.choice(["north", 'so"uth', "ça, là"], n).astype(object),
            "bands": rng.choice([1, 3, 5], n).astype(float),
        }
    )
    for column in ("prb", "vendor", "bands"):
        missing = None if column == "vendor" else np.nan
        table.loc[rng.uniform(size=n) < 0.1, column] = missing
    return table


CATEGORIES = ["vendor", "bands"]
DETECTORS = {
    "classic": IsolationForest(contamination=0.1, random_state=0),
    "extended": IsolationForest(preset="extended", contamination=0.1, random_state=0),
    "categories": IsolationForest(
        preset="pooled", contamination=0.1, categorical_features=CATEGORIES, random_state=0
    ),
    "thresholded": ThresholdedDetector(
        IsolationForest(categorical_features=CATEGORIES, random_state=0),
        {"false_positive_rate": 0.05},
        random_state=0,
    ),
}


@pytest.mark.parametrize("name", DETECTORS)
def test_scores_without_python_are_the_same_bits(name, edge, tmp_path):
    table, new = cells(1000), cells(3000, seed=1)
    new.loc[5, "prb"] = -4000.0
    if name in ("categories", "thresholded"):
        new.loc[7, CATEGORIES] = ["never seen", 77.0]
    else:
        table, new = table.drop(columns=CATEGORIES), new.drop(columns=CATEGORIES)
    detector = DETECTORS[name].fit(table)
    detector.save(tmp_path / "m.lw")
    # Other columns, in another order.
    out = new.assign(cell=[f"c{i}" for i in range(len(new))])[[*new.columns[::-1], "cell"]]
    out.to_csv(tmp_path / "rows.csv", index=False)
    code, text, error = run(edge, tmp_path / "m.lw", tmp_path / "rows.csv", "--keep", "cell")
    assert (code, error) == (0, "")
    lines = [line.split(",") for line in text.splitlines()]
    assert lines[0] == ["row", "score", "label", "cell"]
    rows, scores, labels, kept = zip(*lines[1:], strict=True)
    assert list(map(int, rows)) == list(range(1, 3001)) and kept[-1] == "c2999"
    assert list(map(float, scores)) == detector.score_samples(new).tolist()
    assert list(map(int, labels)) == detector.predict(new).tolist()
    assert labels.count("-1") > 30


def test_a_forest_of_an_array_takes_columns_in_order_or_by_name(edge, tmp_path):
    X = np.random.default_rng(0).normal(size=(300, 2))
    forest = IsolationForest(random_state=0).fit(X)
    forest.save(tmp_path / "m.lw")
    expected = [
        f"{k},{s!r},{v}"
        for k, s, v in zip(
            range(1, 4), forest.score_samples(X[:3]).tolist(), forest.predict(X[:3]), strict=True
        )
    ]
    rows = "".join(f"{a!r},{b!r}\n" for a, b in X[:3].tolist())
    _, text, _ = run(edge, tmp_path / "m.lw", text="u,v\n" + rows)
    assert text.splitlines()[1:] == expected
    rows = "".join(f"x;{b!r};{a!r}\r\n".replace(".", ",") for a, b in X[:3].tolist())
    header = '\ufeff"name";v; u \r\n\r\n'
    given = [tmp_path / "m.lw", "--columns", "u,v", "--json", "--keep", "name"]
    _, text, _ = run(edge, *given, text=header + rows)
    found = [json.loads(line) for line in text.splitlines()]
    assert [f"{r['row']},{r['score']!r},{r['label']}" for r in found] == expected
    assert {r["name"] for r in found} == {"x"}


def test_a_row_is_answered_while_the_pipe_stays_open(edge, tmp_path):
    table = cells(300)[["prb", "at_s"]]
    forest = IsolationForest(random_state=0).fit(table)
    forest.save(tmp_path / "m.lw")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([edge, tmp_path / "m.lw"], **pipes) as process:
        process.stdin.write("prb,at_s\n")
        for row in (1, 2, 3):
            process.stdin.write(f"{10 * row},1.7e9\n")
            process.stdin.flush()
            if row == 1:
                assert process.stdout.readline() == "row,score,label\n"
            assert process.stdout.readline().startswith(f"{row},-0.")
        process.stdin.close()
        assert process.wait() == 0


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_memory_does_not_grow_with_the_rows(edge, tmp_path):
    table = cells(300)[["prb", "at_s"]]
    IsolationForest(n_estimators=5, random_state=0).fit(table).save(tmp_path / "m.lw")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([edge, tmp_path / "m.lw"], **pipes) as process:

        def peak_kib():
            status = Path(f"/proc/{process.pid}/status").read_text()
            return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])

        def feed(n):
            writer = threading.Thread(
                target=lambda: (process.stdin.write(b"12.5,1.7e9\n" * n), process.stdin.flush())
            )
            writer.start()
            for _ in range(n):
                process.stdout.readline()
            writer.join()
            return peak_kib()

        process.stdin.write(b"prb,at_s\n")
        process.stdin.flush()
        process.stdout.readline()
        few, many = feed(20_000), feed(300_000)
        process.stdin.close()
    assert many - few < 256


def test_what_cannot_be_scored_is_said_in_a_line(edge, tmp_path):
    table = cells(300)
    model = tmp_path / "m.lw"
    DETECTORS["categories"].fit(table).save(model)
    good = "prb,at_s,vendor,bands\n5,1.7e9,north,3\n"
    header = '"prb", "at_s", "vendor"'

    def refused(text, *options, file=model, code=2):
        found, out, error = run(edge, file, *options, text=text)
        assert found == code
        return out.count("\n") - 1, error.removeprefix("score: error: ").rstrip("\n")

    assert refused("prb,at_s,vendor\n") == (
        -1,
        f'standard input: column "bands" is missing; the table has {header}',
    )
    twice = 'standard input: column "prb" is in the header twice'
    assert refused("prb,prb,at_s,vendor,bands\n") == (-1, twice)
    empty = "standard input, line 1: there is no header, the input is empty"
    assert refused("") == (-1, empty)
    for line, what in {
        "5,1": "2 fields, but the header has 4",
        "x,1,north,3": 'column "prb" holds "x"; expected a number',
        "5,inf,north,3": 'column "at_s" holds "inf"; expected a finite number',
        '5,1,"north,3': "a quote is not closed on its line",
        '5,1,"north"x,3': "text after a closing quote",
        f"5,1,{'n' * 2**20},3": "longer than 1048576 bytes",
    }.items():
        # The row before is answered, with and without --skip-malformed.
        text = f"{good}{line}\n{good[22:]}"
        message = f"standard input, line 3: {what}"
        assert refused(text) == (1, message)
        skipped = f"score: skipped {message}\nscore: 1 line was skipped"
        assert refused(text, "--skip-malformed", code=1) == (2, skipped)
        _, out, _ = run(edge, model, "--skip-malformed", text=text)
        assert [row.split(",")[0] for row in out.splitlines()] == ["row", "1", "3"]
    known = "--columns is for a model without column names; this one knows them"
    assert refused(good, "--columns", "a,b,c,d") == (-1, known)
    assert refused(good, "--keep", "row")[1] == (
        'standard input: column "row" is missing; the table has ' + header + ', "bands"'
    )
    assert refused(good, "--fast") == (-1, "unknown option --fast (see --help)")
    assert refused(good, tmp_path / "none.csv")[1].startswith(f"{tmp_path}/none.csv: ")


def test_models_that_need_python_or_a_newer_linewatch_are_named(edge, tmp_path):
    X = np.random.default_rng(0).normal(size=(100, 2))
    lof = tmp_path / "lof.lw"
    lw.LocalOutlierFactor(novelty=True).fit(X).save(lof)
    code, _, error = run(edge, lof, text="a,b\n1,2\n")
    way_out = (
        "which needs Python; without it an isolation forest is read, alone or in a thresholded "
        "detector"
    )
    kind = 'holds a model of kind "local outlier factor"'
    assert (code, error) == (2, f"score: error: {lof} {kind}, {way_out}\n")
    forest = tmp_path / "forest.lw"
    IsolationForest(n_estimators=2).fit(X).save(forest)
    sound = forest.read_bytes()
    for damaged, message in {
        sound[:8] + b"\x02" + sound[9:]: "has version 2 of the format, but this linewatch reads "
        "version 1 (update linewatch, or save the model again)",
        sound[:-64]: f"is cut short: {len(sound) - 64} bytes of {len(sound)}",
        sound[:-64] + b"!" * 64: "is damaged (its checksum is wrong): copy or save it again",
        b"a,b\n1,2\n": "is not a linewatch model file",
    }.items():
        forest.write_bytes(damaged)
        code, _, error = run(edge, forest, text="a,b\n1,2\n")
        assert (code, error) == (2, f"score: error: {forest} {message}\n")
    code, _, error = run(edge, tmp_path / "none.lw", text="a,b\n1,2\n")
    assert code == 2 and error.startswith(f"score: error: {tmp_path}/none.lw ")


def test_stored_models_are_read_by_python_too():
    """Files of the first version, whose scores the Rust tests compare as well."""
    for name in ("forest", "thresholded"):
        detector = lw.load(ROOT / "tests" / "models" / f"{name}.lw")
        table = pd.read_csv(ROOT / "tests" / "models" / f"{name}.csv")
        X = table.drop(columns=["score", "label"])
        X = X if hasattr(detector, "feature_names_in_") else X.to_numpy()
        np.testing.assert_allclose(detector.score_samples(X), table["score"], rtol=1e-15)
        assert detector.predict(X).tolist() == table["label"].tolist()


# Kafka --------------------------------------------------------------------------------------------

SESSION = ["session.timeout.ms=5000", "heartbeat.interval.ms=500", "log_level=0"]


@pytest.fixture(scope="module")
def loop():
    pytest.importorskip("confluent_kafka")
    return load(EXAMPLES / "kafka" / "score_events.py")


@pytest.fixture(scope="module")
def brokers():
    """A cluster that speaks Kafka's protocol on loopback, inside this process."""
    kafka = pytest.importorskip("confluent_kafka")
    cluster = kafka.Producer(
        {"bootstrap.servers": "none", "test.mock.num.brokers": 1, "log_level": 0}
    )
    known = cluster.list_topics(timeout=30).brokers.values()
    yield ",".join(f"{broker.host}:{broker.port}" for broker in known)
    del cluster


def events(first, n):
    """Events of seven cells every minute, one in a hundred far off; some cannot be read."""
    rng = np.random.default_rng(first)
    start = datetime(2026, 1, 31)
    for i in range(first, first + n):
        value = 100 + 10 * float(rng.normal()) + 900 * (i % 100 == 99)
        time = start + timedelta(minutes=i // 7)
        event = {"cell": f"cell {i % 7}", "time": f"{time.isoformat()}Z", "value": value}
        yield event["cell"], json.dumps(event).encode()
        if i % 50 == 25:
            yield event["cell"], json.dumps({**event, "value": "high"}).encode()
        if i % 50 == 30:
            yield event["cell"], b"{"
        if i % 50 == 35:
            yield event["cell"], json.dumps(event).encode()  # sent twice
        if i % 50 == 40:
            late = start - timedelta(days=1)
            yield event["cell"], json.dumps({**event, "time": late.isoformat()}).encode()


def history(path):
    rows = [json.loads(raw) for _, raw in events(0, 3000) if raw != b"{"]
    rows = [row for row in rows if not isinstance(row["value"], str)]
    pd.DataFrame(rows).to_csv(path, index=False)


class Reader:
    """Reads a whole topic, again and again."""

    def __init__(self, brokers, topic):
        from confluent_kafka import Consumer

        self.consumer = Consumer(
            {
                "bootstrap.servers": brokers,
                "group.id": f"reader of {topic}",
                "enable.auto.commit": False,
                "log_level": 0,
            }
        )
        self.topic, self.messages = topic, []

    def until(self, count):
        """Waits for `count` messages in all."""
        from confluent_kafka import OFFSET_BEGINNING, TopicPartition

        ends = clock.monotonic() + 300  # a test that hangs is of no use
        while len(self.messages) < count:
            assert clock.monotonic() < ends, f"{len(self.messages)} messages of {count}"
            if not self.consumer.assignment():  # the topic begins with its first message
                known = self.consumer.list_topics(self.topic, timeout=30).topics[self.topic]
                places = [TopicPartition(self.topic, p, OFFSET_BEGINNING) for p in known.partitions]
                self.consumer.assign(places)
            new = self.consumer.consume(500, timeout=0.1)
            self.messages += [message for message in new if not message.error()]
        return self.messages


@pytest.fixture(scope="module")
def kafka_model(loop, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kafka")
    history(folder / "history.csv")
    loop.fit(folder / "history.csv", folder / "model.lw")
    return folder / "model.lw"


def start(brokers, model, state, *options):
    """The loop as a process of its own."""
    config = [word for value in SESSION for word in ("--config", value)]
    command = [sys.executable, "-W", "error", EXAMPLES / "kafka" / "score_events.py", "run"]
    command += ["--brokers", brokers, "--model", model, "--state", state, *config, *options]
    return subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True)


def test_a_killed_kafka_loop_loses_no_event_and_its_answers_are_the_batch(
    loop, brokers, kafka_model, tmp_path
):
    from confluent_kafka import Consumer, Producer, TopicPartition

    producer = Producer({"bootstrap.servers": brokers, "log_level": 0})
    sent = defaultdict(list)  # by partition, in the order of the offsets

    def send(first, n):
        def keep(error, message):
            assert error is None
            assert message.offset() == len(sent[message.partition()])
            sent[message.partition()].append(message.value())

        for key, raw in events(first, n):
            producer.produce("events", key=key, value=raw, on_delivery=keep)
        assert producer.flush(30) == 0
        return sum(map(len, sent.values()))

    def answered():
        return {(m["partition"], m["offset"]) for m in map(parsed, scores.messages)}

    def parsed(message):
        return json.loads(message.value())

    scores, dead = Reader(brokers, "scores"), Reader(brokers, "events.dead")
    state = tmp_path / "state"
    # The first events: every batch is committed, and the loop is asked to stop.
    n_first = send(0, 700)
    stop = threading.Event()
    ours = loop.Loop(
        brokers,
        kafka_model,
        state,
        batch=50,
        checkpoint_s=0,
        config=dict(map(loop.setting, SESSION)),
    )
    thread = threading.Thread(target=ours.run, args=[stop])
    thread.start()
    n_dead = len(dead.until(28))
    scores.until(n_first - 28)
    stop.set()
    thread.join()
    first = answered()
    assert len(first) == len(scores.messages) == n_first - n_dead
    # The next ones: answered, not committed when the loop is killed.
    n_second = send(700, 700)
    killed = start(brokers, kafka_model, state, "--checkpoint-s", 3600, "--batch", 50)
    scores.until(n_second - 56)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    killed.stderr.close()
    assert len(scores.messages) == n_second - 56  # what was committed is not answered again
    # The last ones, after what was not committed.
    n_all = send(1400, 700)
    last = start(brokers, kafka_model, state)
    scores.until(n_all - 84 + (n_second - n_first - 28))
    last.send_signal(signal.SIGTERM)
    said = last.communicate()[1]
    assert last.returncode == 0, said
    # Nothing lost, and what came twice is the same.
    by_place = defaultdict(set)
    for message in scores.messages:
        answer = parsed(message)
        by_place[answer["partition"], answer["offset"]].add(message.value())
        assert message.key().decode() == answer["cell"]
    assert {len(values) for values in by_place.values()} == {1}
    buried = {tuple(int(v) for _, v in m.headers()[1:]) for m in dead.until(84 + 28)}
    everything = {(p, k) for p, values in sent.items() for k in range(len(values))}
    assert set(by_place) | buried == everything and not set(by_place) & buried
    assert len(buried) == 84 and len(dead.messages) == 84 + 28
    expected = {b"{": "Expecting property name enclosed in double quotes"}
    for message in dead.messages:
        partition, offset = (int(value) for _, value in message.headers()[1:])
        assert message.value() == sent[partition][offset]
        error = message.headers()[0][1].decode()
        assert error.startswith(expected.get(message.value(), "value must be a number or null"))
    # What was answered is what one pass over all events says, to the last bit.
    detector = lw.load(kafka_model)
    statuses, anomalies = set(), 0
    for partition, raws in sent.items():
        good = [(k, raw) for k, raw in enumerate(raws) if (partition, k) in by_place]
        read = [loop.read(raw, k) for k, raw in good]
        rows, status = loop.features(
            loop.new_stream(),
            [event.cell for event in read],
            np.array([event.time for event in read]),
            np.array([event.value for event in read]),
        )
        whole = detector.score_samples(rows)
        for event, told, score in zip(read, status, whole.tolist(), strict=True):
            (found,) = by_place[partition, event.offset]
            found = json.loads(found)
            assert found["status"] == told
            assert found["score"] == (score if told == "taken" else None)
            anomalies += found["is_anomaly"]
        statuses |= set(status)
    assert statuses == {"taken", "late", "duplicate"} and 21 <= anomalies < 60
    # Offsets are committed to the end, and one state is left for each partition.
    places = [TopicPartition("events", p) for p in sent]
    group = Consumer({"bootstrap.servers": brokers, "group.id": "linewatch", "log_level": 0})
    committed = {place.partition: place.offset for place in group.committed(places, timeout=30)}
    group.close()
    assert committed == {p: len(values) for p, values in sent.items()}
    names = {f"events-{p}@{len(values)}.stream" for p, values in sent.items()}
    assert {path.name for path in state.iterdir()} == names
    for reader in (scores, dead):
        reader.consumer.close()


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (None, "the message is empty"),
        (b"[1]", "expected a JSON object, got list"),
        (b"[" * 100_000, "the JSON is nested too deep"),
        (b'{"cell": "a", "value": 1}', "time missing; the event has cell, value"),
        (b'{"cell": "", "time": 0, "value": 1}', "cell must be text, got ''"),
        (
            b'{"cell": "a", "time": 0, "value": 1}',
            "time must be text such as 2026-01-31T14:00:00Z, got 0",
        ),
        (b'{"cell": "a", "time": "x", "value": 1}', "Invalid isoformat string: 'x'"),
        (
            b'{"cell": "a", "time": "1200-01-01", "value": 1}',
            "time must be from 1700 to 2250, got 1200-01-01",
        ),
        (
            b'{"cell": "a", "time": "2026-01-01", "value": true}',
            "value must be a number or null, got True",
        ),
        (b'{"cell": "a", "time": "2026-01-01", "value": NaN}', "NaN is no number of JSON"),
        (b'{"cell": "a", "time": "2026-01-01", "value": 1e999}', "value is too large"),
        (
            b'{"cell": "a", "time": "2026-01-01", "value": 1' + b"0" * 400 + b"}",
            "value is too large",
        ),
    ],
)
def test_a_message_that_is_no_event_says_why(loop, raw, message):
    with pytest.raises(ValueError) as error:
        loop.read(raw, 0)
    assert str(error.value) == message


def test_an_event_may_lack_its_value_and_name_its_zone(loop):
    event = loop.read(b'{"cell": "a", "time": "2026-01-31T14:00:00+01:00", "value": null}', 7)
    assert event.time == np.datetime64("2026-01-31T13:00", "ns")
    assert np.isnan(event.value) and event.offset == 7


def test_the_loop_refuses_models_and_states_of_something_else(loop, brokers, kafka_model, tmp_path):
    forest = IsolationForest(n_estimators=2).fit(cells(50)[["prb", "at_s"]])
    forest.save(tmp_path / "m.lw")
    options = ["run", "--brokers", brokers, "--state", str(tmp_path / "state"), "--model"]

    def refused(model):
        with pytest.MonkeyPatch.context() as patch:
            said = []
            patch.setattr("builtins.print", lambda *words, **_: said.append(words[0]))
            patch.setattr(signal, "signal", lambda *_: None)
            assert loop.main([*options, str(model)]) == 2
        return said[-1]

    assert refused(tmp_path / "m.lw") == (
        f"kafka: error: {tmp_path}/m.lw takes prb, at_s; expected value, z, novelty, flat_rows"
    )
    assert refused(tmp_path / "none.lw").startswith("kafka: error: ")


def test_a_loop_goes_on_from_a_sound_state_only_and_commits_what_was_delivered(
    loop, brokers, kafka_model, tmp_path
):
    from confluent_kafka import TopicPartition

    class Assigned:
        def assign(self, places):
            self.places = places

    ours = loop.Loop(brokers, kafka_model, tmp_path, events="other", config={"log_level": "0"})
    stream = loop.new_stream()
    stream.update("a", np.datetime64("2026-01-31T14:00"), 5.0)
    for offset in (9, 40):
        ours.save(0, loop.Partition(stream, offset))
    assert [path.name for path in tmp_path.iterdir()] == ["other-0@40.stream"]
    consumer = Assigned()
    ours.assigned(consumer, [TopicPartition("other", 0), TopicPartition("other", 1)])
    assert [place.offset for place in consumer.places] == [40, -1001]
    assert ours.partitions[0].stream.counts["taken"] == 1
    assert ours.partitions[1].offset is None
    # Answers that the brokers do not have.
    ours.partitions[0].offset = 50
    ours.failures.append("scores: Local: Message timed out")
    with pytest.raises(RuntimeError) as error:
        ours.checkpoint()
    assert str(error.value) == (
        "answers were not delivered (scores: Local: Message timed out); nothing was committed"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["other-0@40.stream"]
    # States that are damaged, or of other rules.
    path = tmp_path / "other-0@40.stream"
    path.write_bytes(path.read_bytes()[:-64])
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))}: ") as error:
        ours.assigned(consumer, [TopicPartition("other", 0)])
    path.write_bytes(lw.streaming.Stream(lw.streaming.FlatRun()).snapshot())
    with pytest.raises(ValueError) as error:
        ours.assigned(consumer, [TopicPartition("other", 0)])
    assert str(error.value) == f"{path} was written with other rules; remove it"
    ours.consumer.close()


# HTTP ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def http_model(tmp_path_factory):
    path = tmp_path_factory.mktemp("http") / "model.lw"
    DETECTORS["thresholded"].fit(cells(1000)).save(path)
    return path


@pytest.fixture(scope="module")
def client(http_model):
    """A client of a real server on loopback."""
    httpx = pytest.importorskip("httpx")
    uvicorn = pytest.importorskip("uvicorn")
    module = load(EXAMPLES / "fastapi" / "app.py")
    config = uvicorn.Config(module.app, port=0, log_level="error", ws="none", http="h11")
    server = uvicorn.Server(config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LINEWATCH_MODEL", str(http_model))
        socket = config.bind_socket()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
        thread.start()
        with httpx.Client(
            base_url=f"http://127.0.0.1:{socket.getsockname()[1]}", timeout=60, trust_env=False
        ) as client:
            yield client
        server.should_exit = True
        thread.join()


def as_rows(table):
    return json.loads(table.to_json(orient="records", double_precision=15))


def test_the_endpoint_gives_the_detectors_scores_and_reasons(client, http_model):
    new = cells(200, seed=2)
    new["prb"] = new["prb"].round(6)  # as many digits as pandas writes
    new.loc[0, ["prb", "vendor"]] = [-4000.0, "never seen"]
    detector = lw.load(http_model)
    answer = client.post("/score", json={"rows": as_rows(new), "reasons": 2})
    assert answer.status_code == 200, answer.text
    answer = answer.json()
    assert answer["scores"] == detector.score_samples(new).tolist()
    assert answer["labels"] == detector.predict(new).tolist() and -1 in answer["labels"]
    expected = detector.reasons(new, top=2).to_numpy()
    assert answer["reasons"] == [[text for text in row if text] for row in expected]
    one = client.post("/score", json={"rows": as_rows(new[:1])}).json()
    assert one == {"scores": answer["scores"][:1], "labels": [-1], "reasons": None}


def test_health_says_which_model_is_served(client, http_model):
    assert client.get("/health").json() == {
        "status": "ok",
        "detector": "ThresholdedDetector",
        "features": ["prb", "at_s", "vendor", "bands"],
        "offset": lw.load(http_model).offset_,
        "linewatch": lw.__version__,
    }


GOOD = {"prb": 1, "at_s": 1.7e9, "vendor": "north", "bands": 3}


@pytest.mark.parametrize(
    ("body", "place", "message"),
    [
        ({"rows": [GOOD, {**GOOD, "prb": "x"}]}, [1, "prb"], "expected a number or null, got 'x'"),
        ({"rows": [{**GOOD, "prb": True}]}, [0, "prb"], "expected a number or null, got True"),
        ({"rows": [{**GOOD, "vendor": 3}]}, [0, "vendor"], "expected text or null, got 3"),
        ({"rows": [{**GOOD, "pbr": 3}]}, [0, "pbr"], "the model has no such column"),
        ({"rows": [{}]}, [0, "prb"], "this column is missing"),
        ({"rows": [{**GOOD, "prb": 10**400}]}, [0, "prb"], "expected a finite number"),
        (b'{"rows": [{"prb": NaN}]}', [0, "at_s"], "this column is missing"),
        (
            {"rows": [], "reasons": 0},
            [],
            "List should have at least 1 item after validation, not 0",
        ),
        ({"rows": [GOOD] * 10_001}, [], "List should have at most 10000 items"),
        ({"rows": [GOOD], "reason": 1}, None, "Extra inputs are not permitted"),
        ({"rows": [GOOD], "reasons": -1}, None, "Input should be greater than or equal to 0"),
        (b'{"rows": NaN}', [], "Input should be a valid list"),
        (b"{", None, "JSON decode error"),
    ],
)
def test_a_wrong_request_is_refused_by_row_and_column(client, body, place, message):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.post("/score", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 422, answer.text
    first = answer.json()["detail"][0]
    assert first["msg"].startswith(message)
    if place is not None:
        assert first["loc"] == ["body", "rows", *place]


def test_a_server_without_a_fitting_model_does_not_start(tmp_path):
    pytest.importorskip("fastapi")
    module = load(EXAMPLES / "fastapi" / "app.py")
    IsolationForest(n_estimators=2).fit(np.zeros((9, 2))).save(tmp_path / "m.lw")
    with pytest.raises(ValueError) as error:
        module.Service(str(tmp_path / "m.lw"))
    assert str(error.value) == (
        f"{tmp_path}/m.lw knows no column names; fit the detector on a frame"
    )


# The image ----------------------------------------------------------------------------------------


def instructions(path):
    """The instructions of a Dockerfile with their arguments."""
    text = re.sub(r"\\\n\s*", " ", path.read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def test_each_image_copies_what_is_there_and_does_not_run_as_root():
    found = instructions(EXAMPLES / "Dockerfile")
    known = {"ARG", "FROM", "RUN", "COPY", "USER", "WORKDIR", "ENV", "EXPOSE", "VOLUME"}
    known |= {"ENTRYPOINT", "CMD", "HEALTHCHECK", "STOPSIGNAL"}
    assert {word for word, _ in found} <= known
    stages = {}
    for word, text in found:
        if word == "FROM":
            base, _, name = text.split()
            stages[name] = list(stages.get(base, []))
            continue
        if word != "ARG":
            stages[name].append((word, text))
        if word == "COPY":
            for source in text.split()[:-1]:
                if not source.startswith(("--", "dist/")):
                    assert (ROOT / source).exists(), source
        if word in ("ENTRYPOINT", "CMD"):
            assert isinstance(json.loads(text), list)
    for target in ("kafka", "fastapi", "follow"):
        users = [text for word, text in stages[target] if word == "USER"]
        assert users and users[-1].split(":")[0] not in ("root", "0")
        assert stages[target][-1][0] in ("CMD", "ENTRYPOINT")
