"""The online forest: the same for any batches, and at home again after a drift."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score

import linewatch as lw
from linewatch.streaming import OnlineIsolationForest


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(900, 3))
    X[rng.random(X.shape) < 0.02] = np.nan
    return X


def forest(**options):
    chosen = {"n_estimators": 25, "max_samples": 64, "window": 256, "random_state": 5}
    return OnlineIsolationForest(**chosen | options)


def drifting(rng, n=8000, share=0.01):
    """Traffic and users of a cell, doubled for good in the middle; and what was planted."""
    level = np.where(np.arange(n) < n // 2, 100.0, 200.0)
    X = level[:, None] * [1.0, 0.3] + rng.normal(size=(n, 2)) * [8.0, 3.0]
    planted = rng.random(n) < share
    X[planted] += rng.choice([-1.0, 1.0], (planted.sum(), 2)) * [60.0, 25.0]
    return X, planted


def test_after_a_drift_a_frozen_forest_alarms_for_ever_and_the_online_one_recovers(rng):
    X, planted = drifting(rng)
    frozen = lw.IsolationForest(contamination=0.01, random_state=0).fit(X[:2000])
    online = OnlineIsolationForest(window=1024, contamination=0.01, random_state=0)
    alarms, scores = [], []
    for rows in np.array_split(X, 80):
        if online.__sklearn_is_fitted__():
            alarms.append(online.predict(rows) == -1)
            scores.append(online.score_samples(rows))
        else:
            alarms.append(np.zeros(len(rows), bool))
            scores.append(np.full(len(rows), np.nan))
        online.partial_fit(rows)
    alarms, scores = np.concatenate(alarms), np.concatenate(scores)
    before, drift = slice(2000, 4000), slice(4000, 4100)
    late = slice(4000 + 2 * 1024, None)  # two windows after the drift nothing is left of before

    frozen_alarms = frozen.predict(X) == -1
    assert frozen_alarms[before][~planted[before]].mean() < 0.03
    assert frozen_alarms[late].mean() > 0.5
    assert alarms[drift].mean() > 0.9  # it is told of
    normal = ~planted[late]
    assert alarms[late][normal].mean() < 0.02
    assert alarms[late][planted[late]].mean() > 0.6
    assert roc_auc_score(planted[late], -scores[late]) > 0.98
    assert roc_auc_score(planted[late], -scores[late]) > 0.05 + roc_auc_score(
        planted[late], -frozen.score_samples(X[late])
    )


@pytest.mark.parametrize("contamination", ["auto", 0.05])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_rows_in_any_batches_give_the_same_scores_bit_for_bit(rows, rng, contamination, n_jobs):
    whole = forest(contamination=contamination)
    expected = whole.score_and_learn(rows)
    parts, at, split = [], 0, forest(contamination=contamination, n_jobs=n_jobs)
    while at < len(rows):
        to = at + int(rng.choice([1, 3, 50, 300]))
        parts.append(split.score_and_learn(rows[at:to]))
        at = to
    np.testing.assert_array_equal(np.concatenate(parts), expected)
    assert np.isnan(expected[:64]).all() and not np.isnan(expected[64:]).any()
    assert split.offset_ == whole.offset_
    np.testing.assert_array_equal(split.score_samples(rows), whole.score_samples(rows))


def test_learning_with_and_without_scores_gives_the_same_forest(rows):
    scored, learned, fitted = forest(), forest(), forest()
    scored.score_and_learn(rows)
    learned.partial_fit(rows[:100]).partial_fit(rows[100:])
    fitted.partial_fit(rows[500:]).fit(rows)
    for other in (learned, fitted):
        assert (other.score_samples(rows) == scored.score_samples(rows)).all()
    assert fitted.n_samples_seen_ == 900


def test_another_seed_is_another_forest(rows):
    a, b = (forest(random_state=seed).fit(rows).score_samples(rows) for seed in (1, 2))
    assert (a != b).any()


def test_what_was_two_windows_ago_has_left_no_trace(rows):
    other = rows.copy()
    other[:300] += 50
    tail = rows[300 : 300 + 2 * 256]
    a, b = forest().fit(rows[:300]), forest().fit(other[:300])
    assert (a.score_samples(tail) != b.score_samples(tail)).any()
    a.partial_fit(tail), b.partial_fit(tail)
    np.testing.assert_array_equal(a.score_samples(tail), b.score_samples(tail))


def test_the_threshold_is_the_quantile_of_the_scores_that_rows_had_when_they_came(rows):
    online = forest(contamination=0.1)
    scores = online.score_and_learn(rows[:768])  # trees are grown, and the threshold set, at 768
    assert online.offset_ == np.percentile(scores[-256:], 10.0)
    row = rows[:1]
    expected = online.score_samples(row) - online.offset_
    np.testing.assert_array_equal(online.decision_function(row), expected)


def test_the_forest_of_a_moment_is_an_isolation_forest(rows):
    names = ["traffic", "users", "prb"]
    frame = pd.DataFrame(rows, columns=names)
    online = forest().fit(frame)
    now = online.forest_
    assert type(now) is lw.IsolationForest and len(now.estimators_) == 25
    assert list(online.feature_names_in_) == names
    np.testing.assert_array_equal(now.score_samples(frame), online.score_samples(frame))
    far = pd.DataFrame([[0.0, 9.0, 0.0]], columns=names)
    assert online.reasons(far, top=1).iloc[0, 0] == "users = 9"
    np.testing.assert_array_equal(online.explain(far), now.explain(far))
    online.partial_fit(frame)
    assert online.forest_ is not now  # which stays as it was


@pytest.mark.parametrize("n", [10, 64, 300, 900])
def test_a_saved_forest_learns_on_where_it_was(rows, tmp_path, n):
    frame = pl.DataFrame(rows, schema=["a", "b", "c"], orient="row")
    online = forest(contamination=0.05).partial_fit(frame[:n])
    online.save(tmp_path / "online.lw")
    again = lw.load(tmp_path / "online.lw")
    assert type(again) is OnlineIsolationForest and again.get_params() == online.get_params()
    more = frame[::-1]
    np.testing.assert_array_equal(again.score_and_learn(more), online.score_and_learn(more))
    np.testing.assert_array_equal(again.score_samples(more), online.score_samples(more))
    assert OnlineIsolationForest.load(tmp_path / "online.lw").n_samples_seen_ == n
    with pytest.raises(ValueError, match="holds a model of kind 'online isolation forest'"):
        lw.IsolationForest.load(tmp_path / "online.lw")


def test_a_file_made_to_deceive_is_refused(rows, tmp_path):
    from linewatch import _core

    online = forest().fit(rows)
    settings, arrays = online._to_model()
    path = tmp_path / "bad.lw"

    def refused(settings, arrays):
        _core.write_model(str(path), "online isolation forest", json.dumps(settings), arrays)
        with pytest.raises(ValueError):
            lw.load(path)

    small = {"window": np.zeros((3, 3))}
    refused(settings, arrays | small)
    refused(settings, {name: a for name, a in arrays.items() if name != "forest"})
    refused(settings | {"n_features_in": 4}, arrays)
    refused(settings | {"parameters": settings["parameters"] | {"n_estimators": 24}}, arrays)
    refused(settings | {"parameters": settings["parameters"] | {"window": -1}}, arrays)


def test_during_the_warm_up_there_are_no_scores(rows, tmp_path):
    online = forest()
    with pytest.raises(NotFittedError, match="has not learned a row yet"):
        online.score_samples(rows)
    with pytest.raises(NotFittedError, match="has not learned a row yet"):
        online.save(tmp_path / "x.lw")
    online.partial_fit(rows[:63])
    with pytest.raises(NotFittedError) as caught:
        online.predict(rows)
    assert str(caught.value) == (
        "this OnlineIsolationForest has learned 63 rows; its first trees are grown after 64 (see "
        "warm_up)"
    )
    assert np.isfinite(online.partial_fit(rows[63:64]).score_samples(rows)).all()
    early = forest(warm_up=2).partial_fit(rows[:2])
    assert np.isfinite(early.score_samples(rows)).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 1}, "The 'window' parameter of OnlineIsolationForest must be an int in the "),
        ({"contamination": 0.6}, "The 'contamination' parameter of OnlineIsolationForest must be "),
        ({"warm_up": 300}, "warm_up must be at most the window of 256 rows, got 300"),
        ({"preset": "best"}, "The 'preset' parameter of OnlineIsolationForest must be a str among"),
    ],
)
def test_parameters_that_cannot_be_are_refused(rows, options, message):
    with pytest.raises(ValueError) as caught:
        forest(**options).partial_fit(rows)
    assert str(caught.value).startswith(message)


def test_rows_that_cannot_be_are_refused_and_nothing_is_learned(rows):
    online = forest().fit(rows)
    with pytest.raises(ValueError, match="X has 2 features, but OnlineIsolationForest is expec"):
        online.partial_fit(rows[:, :2])
    bad = rows.copy()
    bad[4, 1] = -np.inf
    with pytest.raises(ValueError, match="X must be finite, got -inf in row 4, column 1"):
        online.partial_fit(bad)
    with pytest.raises(ValueError, match=r"Found array with 0 sample\(s\)"):
        online.partial_fit(rows[:0])
    assert online.n_samples_seen_ == 900
