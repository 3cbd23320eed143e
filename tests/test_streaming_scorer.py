"""OnlineScorer: batches against single events, states kept, and what is refused."""

import pickle
from datetime import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.covariance import EllipticEnvelope

import linewatch as lw
from linewatch import _core, streaming
from linewatch.streaming import (
    Count,
    Ewm,
    Extremes,
    FlatRun,
    OnlineIsolationForest,
    OnlineScorer,
    Rolling,
    Seasonal,
    Value,
)

START = np.datetime64("2026-01-05T00:00", "ns")
RULES = {
    "traffic": {"": Value(), "day": Rolling("1d", ["mean", "zscore"]), "new": Extremes(5)},
    "users": {"e": Ewm(span=12), "flat": FlatRun()},
    "prb": Value(),
}
DETECTORS = {
    "forest": lambda: lw.IsolationForest(n_estimators=20, random_state=0, contamination=0.05),
    "LOF": lambda: lw.LocalOutlierFactor(novelty=True, contamination=0.05),
    "kNN": lambda: lw.KNNDetector(contamination=0.05),
    "autoencoder": lambda: lw.AutoencoderDetector(epochs=3, percentile=90, random_state=0),
    "threshold": lambda: lw.ThresholdedDetector(
        lw.AutoencoderDetector(epochs=3, random_state=0), {"contamination": 0.05}
    ),
    "online": lambda: OnlineIsolationForest(
        n_estimators=20, max_samples=64, window=128, contamination=0.05, random_state=0
    ),
}


def events(rng, n=400, n_keys=4, missing=0.05):
    """Events of a few cells by time; some values missing, some events twice or too late."""
    time = START + np.cumsum(rng.integers(1, 1_200, n)) * np.timedelta64(1, "s")
    frame = pl.DataFrame(
        {
            "cell": [f"cell {k}" for k in rng.integers(0, n_keys, n)],
            "time": time,
            "traffic": rng.normal(100, 10, n),
            "users": rng.integers(5, 50, n).astype(float),
            "prb": rng.normal(50, 5, n),
            "unused": ["text"] * n,
        }
    )
    places = np.arange(n)
    places[50::60] = places[49::60][: len(places[50::60])]
    places[55::70] -= 30
    frame = frame[places]
    hole = pl.Series(rng.random(n) < missing)
    return frame.with_columns(traffic=pl.when(hole).then(None).otherwise("traffic"))


def scorer_of(name, rng, **options):
    options = {"key": "cell", "time": "time"} | options
    return OnlineScorer(DETECTORS[name](), RULES, **options).fit(events(rng))


def later(rng, n=400):
    frame = events(rng, n)
    return frame.with_columns(pl.col("time") + pl.duration(days=30))


def joined(parts):
    out = {}
    for name in parts[0]:
        values = [part[name] for part in parts]
        out[name] = (
            [v for part in values for v in part] if name == "reasons" else np.concatenate(values)
        )
    return out


@pytest.mark.parametrize("name", DETECTORS)
def test_one_event_at_a_time_is_a_batch_bit_for_bit(name, rng):
    scorer = scorer_of(name, rng, top=2)
    snapshot, frame = scorer.snapshot(), later(rng)
    whole = scorer.update(frame)
    single = OnlineScorer.restore(snapshot)
    told = [single.update(row) for row in frame.iter_rows(named=True)]
    np.testing.assert_array_equal([one["score"] for one in told], whole["score"])
    np.testing.assert_array_equal([one["is_anomaly"] for one in told], whole["is_anomaly"])
    names = [streaming.STATUS[status] for status in whole["status"]]
    assert [one["status"] for one in told] == names and {"late", "duplicate"} <= set(names)
    assert [one["reasons"] for one in told] == whole["reasons"]
    split, parts, at = OnlineScorer.restore(snapshot), [], 0
    while at < len(frame):
        to = at + int(rng.choice([1, 7, 70]))
        parts.append(split.update(frame[at:to]))
        split = OnlineScorer.restore(split.snapshot())
        at = to
    parts = joined(parts)
    assert parts.pop("reasons") == whole.pop("reasons")
    for column, expected in whole.items():
        np.testing.assert_array_equal(parts[column], expected, err_msg=column)
    assert whole["is_anomaly"].any() and not whole["is_anomaly"][np.isnan(whole["score"])].any()


@pytest.mark.parametrize("name", ["forest", "kNN", "autoencoder"])
def test_scores_are_those_of_the_detector_on_the_features_of_the_streams(name, rng):
    scorer = scorer_of(name, rng)
    features = OnlineScorer.restore(scorer.snapshot())
    frame = later(rng)
    told, known = scorer.update(frame), features.transform(frame)
    assert scorer.features == list(scorer.detector.feature_names_in_)
    table = pl.DataFrame({column: known[column] for column in scorer.features})
    counts = np.isin(told["status"], (0, 3))
    whole = ~np.isnan(table.to_numpy()).any(axis=1)
    rows = counts if name == "forest" else counts & whole
    scores = scorer.detector.score_samples(table.filter(pl.Series(rows)))
    np.testing.assert_allclose(told["score"][rows], scores, rtol=1e-12)
    assert np.isnan(told["score"][~rows]).all()
    assert (told["is_anomaly"] == (told["score"] < scorer.detector.offset_)).all()


def test_features_are_those_of_a_stream_for_each_column(rng):
    frame = events(rng)
    scorer = OnlineScorer(DETECTORS["forest"](), RULES, key="cell", time="time")
    told = scorer.transform(frame)
    assert scorer.features == [
        "traffic", "traffic_day_mean", "traffic_day_zscore", "traffic_new_min", "traffic_new_max",
        "traffic_new_novelty", "users_e_mean", "users_e_error", "users_e_zscore",
        "users_flat_rows", "users_flat_seconds", "prb",
    ]  # fmt: skip
    stream = streaming.Stream({"traffic_day": Rolling("1d", ["mean", "zscore"])})
    expected = stream.update(frame["cell"], frame["time"], frame["traffic"])
    for column in ("traffic_day_mean", "traffic_day_zscore", "row", "status"):
        np.testing.assert_array_equal(told[column], expected[column])
    counts = expected["status"] == 0
    np.testing.assert_array_equal(told["prb"][counts], frame["prb"].to_numpy()[counts])


def test_every_kind_of_events_gives_the_same(rng):
    scorer = scorer_of("forest", rng)
    snapshot, frame = scorer.snapshot(), later(rng)
    expected = scorer.update(frame)["score"]
    kinds = [
        pd.DataFrame({name: frame[name].to_list() for name in frame.columns}),
        frame.to_arrow(),
        pa.Table.from_pandas(frame.to_pandas()),
        {name: frame[name].to_numpy() for name in frame.columns},
        {name: frame[name].to_list() for name in frame.columns},
    ]
    for events_ in kinds:
        told = OnlineScorer.restore(snapshot).update(events_)
        np.testing.assert_array_equal(told["score"], expected)


def test_events_wait_for_late_ones_and_leave_in_order_of_time(rng):
    frame = later(rng).unique("time", maintain_order=True).sort("time")
    detector = scorer_of("forest", rng).detector
    options = {"key": "cell", "time": "time", "lateness": "365d", "top": 1}
    ordered, shuffled = (OnlineScorer(detector, RULES, **options) for _ in range(2))
    assert len(ordered.update(frame)["score"]) == 0  # all of them wait
    places = rng.permutation(len(frame))
    assert shuffled.update(frame.row(int(places[0]), named=True))["row"].tolist() == []
    shuffled.update(frame[places[1:200]])
    shuffled = OnlineScorer.restore(shuffled.snapshot())
    shuffled.update(frame[places[200:]])
    assert shuffled.counts["waiting"] == len(frame)
    tables = []
    for scorer in (ordered, shuffled):
        told = scorer.flush()
        assert list(told) == ["row", "status", "key", "time", "score", "is_anomaly", "reasons"]
        columns = {name: told[name] for name in ("key", "time", "score", "reasons")}
        tables.append(pl.DataFrame(columns).sort("time"))
    assert tables[0].equals(tables[1]) and len(tables[0]) == len(frame)
    direct = OnlineScorer(detector, RULES, key="cell", time="time").update(frame)
    np.testing.assert_array_equal(tables[0]["score"], direct["score"])


def test_a_key_that_never_ends_costs_no_more_than_its_windows(rng):
    scorer = OnlineScorer(
        OnlineIsolationForest(window=512, max_samples=32, n_estimators=8, random_state=0),
        {"traffic": {"r": Rolling(20), "c": Count("1h"), "s": Seasonal(2, "mean")}},
        key="cell",
        time="time",
    )
    sizes = []
    for k in range(30):
        time = START + (1_000 * k + np.arange(1_000)) * np.timedelta64(60, "s")
        scorer.update({"cell": 7, "time": time, "traffic": rng.normal(size=1_000)} | {
            "cell": np.full(1_000, 7)})  # fmt: skip
        sizes.append(len(scorer.snapshot()))
    assert max(sizes[15:]) < 1.2 * max(sizes[10:15]) and sizes[-1] < 60_000
    assert scorer.counts["keys"] == 1 and scorer.newest[7] == time[-1]


def test_a_clock_that_runs_backwards_is_late_or_believed(rng):
    columns = {"prb": Value()}
    forest = lw.IsolationForest(n_estimators=5, random_state=0).fit(rng.normal(size=(50, 1)))
    strict = OnlineScorer(forest, columns, time="time")
    lenient = OnlineScorer(forest, columns, time="time", restart_after=2)
    times = [100, 101, 5, 6, 7]
    statuses = [
        [scorer.update({"time": time, "prb": 0.0})["status"] for time in times]
        for scorer in (strict, lenient)
    ]
    assert statuses[0] == ["taken", "taken", "late", "late", "late"]
    assert statuses[1] == ["taken", "taken", "late", "restarted", "taken"]
    assert strict.counts["late"] == 3


def test_without_key_and_time_events_come_one_after_the_other(rng):
    X = rng.normal(size=(300, 2))
    forest = lw.IsolationForest(random_state=0).fit(pd.DataFrame(X, columns=["a", "b"]))
    scorer = OnlineScorer(forest)
    told = scorer.update({"b": X[:, 1], "a": X[:, 0]})
    np.testing.assert_array_equal(
        told["score"], forest.score_samples(pd.DataFrame(X, columns=["a", "b"]))
    )
    assert scorer.update({"a": 0.0, "b": None})["status"] == "taken"
    assert (
        scorer.update({"a": np.inf, "b": 1})["score"]
        == scorer.update({"a": None, "b": 1.0})["score"]
    )
    assert told["row"].tolist() == list(range(300))


def test_a_forest_that_learns_needs_no_history(rng):
    scorer = OnlineScorer(
        OnlineIsolationForest(window=128, max_samples=64, contamination=0.02, random_state=0),
        ["a", "b"],
    )
    X = rng.normal(size=(500, 2))
    told = scorer.update({"a": X[:, 0], "b": X[:, 1]})
    assert np.isnan(told["score"][:64]).all() and not np.isnan(told["score"][64:]).any()
    alone = OnlineIsolationForest(window=128, max_samples=64, contamination=0.02, random_state=0)
    np.testing.assert_array_equal(told["score"], alone.score_and_learn(X))
    assert scorer.detector.n_samples_seen_ == 500
    assert scorer.update({"a": 9.0, "b": 9.0})["is_anomaly"]
    frozen = OnlineScorer(scorer.detector, learn=False)
    frozen.update({"a": 0.0, "b": 0.0})
    assert scorer.detector.n_samples_seen_ == 501


def test_an_event_that_the_detector_refuses_has_no_score(rng):
    detector = lw.KNNDetector().fit(pd.DataFrame(rng.normal(size=(50, 2)), columns=["a", "b"]))
    scorer = OnlineScorer(detector, time="time")
    told = scorer.update({"time": range(5), "a": [0.0, 1e300, 1, 2, -1e300], "b": [0.0] * 5})
    assert np.isnan(told["score"]).tolist() == [False, True, False, False, True]
    assert told["status"].tolist() == [0] * 5


def test_late_and_doubled_events_are_not_learned(rng):
    scorer = OnlineScorer(OnlineIsolationForest(), ["a"], time="time")
    scorer.update({"time": [1, 2, 2, 1, 3], "a": [1.0, 2, 3, 4, 5]})
    assert scorer.detector.n_samples_seen_ == 3


def test_a_fitted_detector_of_any_library_scores_and_is_pickled(rng):
    frame = pd.DataFrame(rng.normal(size=(200, 2)), columns=["a", "b"])
    detector = EllipticEnvelope(random_state=0).fit(frame)
    scorer = OnlineScorer(detector)
    told = scorer.update(frame)
    np.testing.assert_allclose(told["score"], detector.score_samples(frame))
    again = pickle.loads(pickle.dumps(OnlineScorer(DETECTORS["forest"]().fit(frame))))
    assert again.features == ["a", "b"]
    with pytest.raises(TypeError, match="EllipticEnvelope cannot be saved; use pickle or joblib"):
        scorer.snapshot()


def test_a_saved_scorer_goes_on_where_it_was(rng, tmp_path):
    scorer, frame = scorer_of("online", rng), later(rng)
    scorer.save(tmp_path / "scorer.lw")
    again = lw.load(tmp_path / "scorer.lw")
    assert type(again) is OnlineScorer and repr(again) == repr(scorer)
    np.testing.assert_array_equal(again.update(frame)["score"], scorer.update(frame)["score"])
    with pytest.raises(ValueError, match="holds a model of kind 'online scorer'; expected"):
        lw.IsolationForest.load(tmp_path / "scorer.lw")


def test_keys_that_are_gone_are_forgotten_by_every_column(rng):
    scorer = scorer_of("forest", rng)
    assert scorer.forget("cell 1") and not scorer.forget("cell 1")
    assert scorer.counts["keys"] == 3
    assert scorer.forget_before(START + np.timedelta64(900, "D")) == 3
    assert {len(stream.newest) for stream in scorer._streams.values()} == {0}


def test_a_state_takes_kilobytes_for_each_key(rng):
    n = 200
    scorer = OnlineScorer(
        lw.IsolationForest(random_state=0),
        {"traffic": {"z": Rolling(96, "zscore"), "new": Extremes(), "week": Seasonal(4, "mean")}},
        key="cell",
        time="time",
    )
    bare = None
    for hour in range(700):
        time = np.full(n, START + hour * np.timedelta64(1, "h"))
        frame = {"cell": np.arange(n), "time": time, "traffic": rng.normal(size=n)}
        scorer.fit(frame) if hour == 40 else scorer.transform(frame)
        if hour == 0:
            bare = True
    assert bare
    forest = len(scorer.detector._forest.to_bytes())
    assert (len(scorer.snapshot()) - forest) / n < 12_000


def test_a_snapshot_that_is_not_sound_is_refused(rng):
    scorer = scorer_of("forest", rng)
    snapshot = scorer.snapshot()

    def refused(data):
        with pytest.raises(ValueError) as caught:
            OnlineScorer.restore(data)
        return str(caught.value)

    assert refused(b"") == "the snapshot is not a linewatch model file"
    assert refused(snapshot[:-64]).startswith("the snapshot is cut short")
    damaged = bytearray(snapshot)
    damaged[len(damaged) // 2] ^= 1
    assert refused(damaged).startswith("the snapshot is damaged")
    stream = streaming.Stream(Extremes()).snapshot()
    assert refused(stream) == "the snapshot is of a stream, not of an online scorer"
    settings, arrays = scorer._to_model()
    from linewatch._models import settings_text

    def bytes_of(**changes):
        return _core.model_to_bytes("online scorer", settings_text(settings | changes), arrays)

    assert refused(bytes_of(version=9)) == (
        "the snapshot holds a scorer of version 9, but this linewatch reads version 1 (use the "
        "linewatch that wrote it, or make the scorer again)"
    )
    assert refused(bytes_of(streams=["x"])).startswith("the snapshot is not sound: ")
    assert refused(bytes_of(plan={})) == "the snapshot is not sound: 'columns'"
    plan = settings["plan"] | {"names": [["a"], ["b"], ["prb"]]}
    assert refused(bytes_of(plan=plan)).startswith("the snapshot is not sound: ")
    with pytest.raises(TypeError, match="snapshot must be bytes, got str"):
        OnlineScorer.restore("x")
    unfitted = OnlineScorer(lw.IsolationForest(), ["a"])
    with pytest.raises(ValueError, match="IsolationForest is not fitted, so there is nothing to"):
        unfitted.snapshot()


def fitted(*names):
    rows = np.random.default_rng(0).normal(size=(60, len(names)))
    return lw.IsolationForest(n_estimators=3).fit(pd.DataFrame(rows, columns=list(names)))


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: OnlineScorer("forest"), TypeError,
         "detector must be a detector such as IsolationForest, got 'forest'"),
        (lambda: OnlineScorer(lw.IsolationForest()), ValueError,
         "features must name the columns: the detector was not fitted on a frame and knows no "
         "names"),
        (lambda: OnlineScorer(fitted("a", "b"), ["a", "c"]), ValueError,
         'IsolationForest was fitted on "b", which no feature is called; the features are "a", '
         '"c"'),
        (lambda: OnlineScorer(fitted("a", "b"), ["a"]), ValueError,
         'IsolationForest was fitted on 2 columns, but there are 1 features: "a"'),
        (lambda: OnlineScorer(fitted("a"), "a"), TypeError,
         "features must be a list of columns, or a dict of columns and rules, got 'a'"),
        (lambda: OnlineScorer(fitted("a"), {"a": "mean"}), TypeError,
         "features must be a list of columns, or a dict of columns and rules, got 'a': 'mean'"),
        (lambda: OnlineScorer(fitted("a"), {"a": {"m": 3}}), TypeError,
         "features of column \"a\" must be a rule or a dict of names and rules, got 'm': 3"),
        (lambda: OnlineScorer(fitted("a"), {"a": Rolling("1d", "mean")}), ValueError,
         'time must name a column: a rule of "a" needs it'),
        (lambda: OnlineScorer(fitted("a"), lateness="1d"), ValueError,
         "lateness needs time, the column of the times"),
        (lambda: OnlineScorer(fitted("a"), learn=True), TypeError,
         "IsolationForest cannot learn row by row; leave learn out"),
        (lambda: OnlineScorer(fitted("a"), key=3), TypeError,
         "key must be the name of a column, got 3"),
        (lambda: OnlineScorer(fitted("a"), top=-1), ValueError,
         "top must be a whole number of at least 0, got -1"),
        (lambda: OnlineScorer(lw.LocalOutlierFactor(n_neighbors=2).fit(np.eye(5)), list("abcde")),
         TypeError, "LocalOutlierFactor cannot score new rows (no score_samples); construct it "
         "with novelty=True"),
        (lambda: OnlineScorer(lw.IsolationForest(categorical_features=[0]).fit([["a"], ["b"]]),
                              ["x"]), TypeError,
         "IsolationForest was fitted on categories; an OnlineScorer knows numbers only (encode "
         "them)"),
        (lambda: OnlineScorer(lw.IsolationForest(), ["a"]).update({"a": 1.0}), ValueError,
         "IsolationForest is not fitted: fit(history) fits it to the features of past events"),
    ],
)  # fmt: skip
def test_a_scorer_that_cannot_be_is_refused(make, kind, message):
    with pytest.raises(kind) as caught:
        make()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("events_", "kind", "message"),
    [
        ({"time": 1, "cell": "A"}, ValueError,
         'column "a" is missing; the events have "time", "cell"'),
        ({"time": 1, "cell": "A", "a": "x"}, TypeError, 'column "a": '),
        ({"time": [1, 2], "cell": "A", "a": [1.0, 2]}, ValueError,
         'column "cell" holds one value, others hold several'),
        ({"time": [1, 2], "cell": ["A", "B"], "a": [1.0]}, ValueError,
         'column "a": has 1 values, expected 2'),
        ({"time": None, "cell": "A", "a": 1.0}, ValueError,
         'column "time" has no time; every event needs one'),
        ({"time": 1, "cell": None, "a": 1.0}, TypeError, "key"),
        ({"time": "noon", "cell": "A", "a": 1.0}, TypeError, "time"),
        ([1, 2], TypeError,
         "events must be a dict or a pandas, Polars or pyarrow frame, got list"),
    ],
)  # fmt: skip
def test_events_that_cannot_be_are_refused_and_nothing_is_taken(events_, kind, message):
    scorer = OnlineScorer(fitted("a"), key="cell", time="time")
    scorer.update({"time": 0, "cell": "A", "a": 0.0})
    with pytest.raises((ValueError, TypeError)) as caught:
        scorer.update(events_)
    assert str(caught.value).startswith(message) and isinstance(caught.value, kind)
    assert scorer.counts["rows"] == 1


def test_an_empty_batch_has_no_scores():
    scorer = OnlineScorer(fitted("a"), key="cell", time="time", top=1)
    told = scorer.update({"time": [], "cell": [], "a": []})
    assert all(len(column) == 0 for column in told.values())


@pytest.mark.parametrize("lateness", [None, "2h"])
@pytest.mark.parametrize("kind", ["pandas", "untyped", "polars", "pyarrow", "dict"])
def test_a_batch_of_no_events_is_answered_with_nothing(kind, lateness):
    frame = pl.DataFrame(
        {
            "time": [datetime(2026, 3, 1, k) for k in range(9)],
            "cell": ["A"] * 9,
            "load": [float(k) for k in range(9)],
        }
    )
    rules = {"load": {"": streaming.Value(), "mean": streaming.Rolling(3, "mean")}}
    forest = lw.IsolationForest(n_estimators=5, random_state=0)
    scorer = streaming.OnlineScorer(forest, rules, key="cell", time="time", lateness=lateness)
    scorer.fit(frame)
    nothing = {
        "pandas": lambda: frame.to_pandas()[:0],
        "untyped": lambda: pd.DataFrame(columns=frame.columns),
        "polars": frame.clear,
        "pyarrow": lambda: frame.clear().to_arrow(),
        "dict": lambda: {name: [] for name in frame.columns},
    }[kind]()
    before = scorer.counts
    assert {len(column) for column in scorer.update(nothing).values()} == {0}
    assert scorer.counts == before
