"""Thresholds by a rule, and detectors that have one."""

import math
import pickle
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.ensemble import IsolationForest as SklearnForest
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import LocalOutlierFactor
from sklearn.utils.estimator_checks import parametrize_with_checks

import linewatch as lw
from linewatch import ThresholdedDetector, calibrate_threshold
from linewatch.threshold import first_alarms


@pytest.fixture
def normal(rng):
    return rng.normal(size=(1200, 3))


def lof():
    return LocalOutlierFactor(n_neighbors=5, novelty=True)


# The rules -------------------------------------------------------------------------------------


def test_one_false_positive_in_a_hundred_by_hand():
    scores = np.arange(1.0, 100.0)  # 99 normal rows: k = floor(0.01 x 100) = 1
    point = calibrate_threshold(scores, false_positive_rate=0.01)
    assert point.threshold == 1.0
    assert point.n_alarms == 0  # only a row below the least of them raises an alarm
    assert point.false_positive_rate == 0.01
    assert point.expected_false_positives(1000) == 10.0


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.05, 0.3])
@pytest.mark.parametrize("n", [999, 2000])
def test_new_normal_rows_exceed_the_target_as_rarely_as_promised(rate, n, rng):
    found = []
    for _ in range(300):
        point = calibrate_threshold(rng.gamma(2, size=n), false_positive_rate=rate)
        found.append((rng.gamma(2, size=4000) < point.threshold).mean())
    k = math.floor(rate * (n + 1) + 1e-9)
    expected = k / (n + 1)
    assert point.false_positive_rate == pytest.approx(expected) and expected <= rate
    spread = np.std(found) / math.sqrt(len(found))
    assert abs(np.mean(found) - expected) < 5 * spread


def test_the_range_of_the_rate_holds_it_nineteen_times_in_twenty(rng):
    inside = 0
    for _ in range(400):
        point = calibrate_threshold(rng.uniform(size=500), false_positive_rate=0.05)
        # Of uniform scores the threshold is itself the rate to come.
        inside += point.false_positive_rate_low < point.threshold < point.false_positive_rate_high
    assert 0.92 < inside / 400 < 0.98


def test_equal_scores_never_exceed_the_target():
    scores = np.repeat([0.0, 1.0], [50, 950])
    point = calibrate_threshold(scores, false_positive_rate=0.02)
    assert point.threshold == 0.0 and point.n_alarms == 0


def test_labelled_anomalies_do_not_move_the_threshold():
    scores = np.r_[np.arange(999.0), np.full(50, -5.0)]
    labels = np.repeat([0, 1], [999, 50])
    point = calibrate_threshold(scores, labels, false_positive_rate=0.01)
    assert point.threshold == calibrate_threshold(scores[:999], false_positive_rate=0.01).threshold
    assert (point.n_normal, point.n_anomalies, point.recall) == (999, 50, 1.0)
    assert point.precision == pytest.approx(50 / (50 + 9))


@pytest.mark.parametrize("contamination", [0.001, 0.1, 0.5])
def test_contamination_is_that_of_scikit_learn(contamination, normal):
    forest = SklearnForest(contamination=contamination, random_state=0).fit(normal)
    point = calibrate_threshold(forest.score_samples(normal), contamination=contamination)
    assert point.threshold == forest.offset_
    assert math.isnan(point.false_positive_rate) and point.n_normal is None


def test_infinite_scores_give_a_threshold_that_is_a_number():
    """As of densities, whose logarithm is -inf far away."""
    scores = np.r_[[-np.inf] * 5, np.arange(95.0)]
    point = calibrate_threshold(scores, contamination=0.05)
    assert (point.threshold, point.n_alarms) == (0.0, 5)
    point = calibrate_threshold(scores, percentile=95)
    assert (point.threshold, point.n_alarms) == (0.0, 5)
    assert calibrate_threshold(scores, contamination=0.02).threshold == -np.inf
    costs = {"false_positive": 1, "false_negative": 5}
    point = calibrate_threshold([-np.inf, np.inf], [True, False], costs=costs)
    assert (point.n_alarms, point.precision, point.recall, point.mean_cost) == (1, 1, 1, 0)


def test_labels_of_another_length_and_lazy_frames_are_refused_by_name(normal):
    detector = ThresholdedDetector(lw.IsolationForest(), {"costs": [[0, 1], [5, 0]]})
    with pytest.raises(ValueError, match="^y has 1000 labels, but X has 1200 rows$"):
        detector.fit(normal, np.arange(1000) % 2)
    with pytest.raises(TypeError, match=r"^X is a Polars LazyFrame; expected data \(try X.collect"):
        ThresholdedDetector(lw.IsolationForest()).fit(pl.DataFrame(normal).lazy())


def test_a_percentile_is_one_of_the_errors(rng):
    errors = rng.gamma(2, size=500)
    point = calibrate_threshold(-errors, percentile=95)
    assert point.threshold == -np.percentile(errors, 95)
    assert point.n_alarms == 25


def slow_costs(scores, y, costs, prevalence=None):
    """Least mean cost over every possible threshold, one by one."""
    y = np.asarray(y, bool)
    share = y.mean() if prevalence is None else prevalence
    best = math.inf
    for threshold in [*scores, np.inf]:
        flagged = scores < threshold
        normal, anomalies = flagged[~y].mean(), flagged[y].mean()
        cost = (1 - share) * (normal * costs[0][1] + (1 - normal) * costs[0][0])
        cost += share * (anomalies * costs[1][1] + (1 - anomalies) * costs[1][0])
        best = min(best, cost)
    return best


@pytest.mark.parametrize("prevalence", [None, 0.001, 0.4])
@pytest.mark.parametrize("digits", [0, 1, 6])
def test_costs_are_the_least_of_all_thresholds(prevalence, digits, rng):
    for _ in range(20):
        y = rng.uniform(size=60) < 0.2
        y[:2] = [True, False]
        scores = np.round(rng.normal(size=60) - y, digits)
        costs = rng.uniform(0, 10, size=(2, 2)) * [[0.1, 1], [1, 0.1]]
        point = calibrate_threshold(scores, y, costs=costs, prevalence=prevalence)
        assert point.mean_cost == pytest.approx(slow_costs(scores, y, costs, prevalence))
        flagged = scores < point.threshold
        assert point.n_alarms == flagged.sum()
        share = y.mean() if prevalence is None else prevalence
        rates = flagged[~y].mean(), flagged[y].mean()
        again = (1 - share) * (rates[0] * costs[0, 1] + (1 - rates[0]) * costs[0, 0])
        again += share * (rates[1] * costs[1, 1] + (1 - rates[1]) * costs[1, 0])
        assert again == pytest.approx(point.mean_cost)


def test_costs_by_name_are_those_of_the_matrix():
    scores, y = [0.1, 0.2, 0.3, 0.4], [1, 0, 1, 0]
    named = calibrate_threshold(scores, y, costs={"false_positive": 1, "false_negative": 50})
    assert named == calibrate_threshold(scores, y, costs=[[0, 1], [50, 0]])
    assert (named.threshold, named.n_alarms, named.recall) == (pytest.approx(0.35), 3, 1.0)


@pytest.mark.parametrize("prevalence", [0.001, 0.5])
def test_precision_is_that_of_the_field(prevalence, rng):
    y = rng.uniform(size=4000) < 0.2
    scores = rng.normal(size=4000) - 2 * y
    point = calibrate_threshold(scores, y, contamination=0.1, prevalence=prevalence)
    flagged = scores < point.threshold
    true, false = flagged[y].mean() * prevalence, flagged[~y].mean() * (1 - prevalence)
    assert point.precision == pytest.approx(true / (true + false))


@pytest.mark.parametrize(
    "labels",
    [[1, 0, 0, 1], [True, False, False, True], [-1, 1, 1, -1], pl.Series([1, 0, 0, 1])],
)
def test_labels_are_read_as_people_write_them(labels):
    point = calibrate_threshold([0.0, 2.0, 3.0, 1.0], labels, contamination=0.5)
    assert (point.precision, point.recall, point.n_anomalies) == (1.0, 1.0, 2)


@pytest.mark.parametrize("kind", [list, pd.Series, pl.Series, np.float32])
def test_scores_come_in_any_kind(kind):
    scores = kind([0.5, 0.25, 0.75])
    assert calibrate_threshold(scores, contamination=0.5).threshold == 0.5


def test_a_point_prints_what_to_expect():
    scores = np.r_[np.arange(999.0), np.full(5, -5.0)]
    y = np.repeat([False, True], [999, 5])
    assert str(calibrate_threshold(scores, y, false_positive_rate=0.01)).splitlines() == [
        "threshold 9: a row scoring below it is an anomaly",
        "rule: false_positive_rate 0.01, on 1,004 scores (999 normal, 5 anomalies)",
        "expected false positives: 1.00 % of normal rows (95 % range 0.48 % to 1.70 %)",
        "14 alarms: precision 0.357, recall 1.000",
    ]
    assert str(calibrate_threshold(scores, contamination=0.1)).splitlines()[2:] == [
        "expected false positives: not known without labels",
        "101 alarms",
    ]
    by_costs = calibrate_threshold(scores, y, costs=[[0, 1], [50, 0]])
    assert str(by_costs).splitlines()[-1] == "cost: 0 a row"
    assert "on 999 scores of normal rows" in str(
        calibrate_threshold(scores[:999], false_positive_rate=0.5)
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {},
            "give exactly one rule of false_positive_rate, contamination, percentile, costs; "
            "got none",
        ),
        (
            {"contamination": 0.1, "percentile": 95},
            "give exactly one rule of false_positive_rate, contamination, percentile, costs; "
            "got contamination, percentile",
        ),
        (
            {"false_positive_rate": 0.001},
            "a false-positive rate of 0.001 needs at least 999 normal scores, got 4",
        ),
        ({"false_positive_rate": 0}, "false_positive_rate must be above 0 and below 1, got 0"),
        ({"false_positive_rate": 1.0}, "false_positive_rate must be above 0 and below 1, got 1.0"),
        ({"contamination": 0.6}, "contamination must be above 0 and at most 0.5, got 0.6"),
        ({"percentile": 100}, "percentile must be above 0 and below 100, got 100"),
        ({"percentile": math.nan}, "percentile must be above 0 and below 100, got nan"),
        ({"costs": np.eye(2)}, "costs need labels: pass y, which rows are anomalies"),
        (
            {"costs": np.eye(2), "y": [0, 0, 0, 0]},
            "costs need rows of both kinds; y marks 0 of 4 as anomalies",
        ),
        ({"costs": [1, 2], "y": [0, 0, 1, 1]}, "costs must have shape (2, 2), got (2,)"),
        ({"costs": [[0, 1], [math.inf, 0]], "y": [0, 0, 1, 1]}, "costs must be finite"),
        (
            {"costs": {"false_alarm": 1}, "y": [0, 0, 1, 1]},
            "costs must have the keys false_positive and false_negative (and may have "
            "true_negative and true_positive), got false_alarm",
        ),
        ({"contamination": 0.1, "prevalence": 0.1}, "prevalence needs labels (y)"),
        (
            {"contamination": 0.1, "y": [0, 1, 2, 3]},
            "y must be booleans (True = anomaly), 0 and 1 (1 = anomaly) or -1 and 1 "
            "(-1 = anomaly); got 0, 1, 2, 3",
        ),
        (
            {"contamination": 0.1, "y": [1, 1, 1, 1]},
            "every y is 1, which is an anomaly among 0 and 1 and normal among -1 and 1; "
            "pass booleans, True for an anomaly",
        ),
        ({"contamination": 0.1, "y": [0, 1]}, "y has shape (2,), but there are 4 scores"),
    ],
)
def test_a_wrong_rule_is_refused(arguments, message):
    with pytest.raises(ValueError) as error:
        calibrate_threshold([1.0, 2.0, 3.0, 4.0], **arguments)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("scores", "kind", "message"),
    [
        ([], ValueError, "scores is empty; expected at least one score"),
        ([[1.0, 2.0]], ValueError, "scores must have 1 dimension, got 2"),
        ([1.0, math.nan], ValueError, "scores[1] is missing; leave it out"),
        (
            ["high", "low"],
            TypeError,
            'scores has dtype <U4; expected numbers (try x.astype("float64"))',
        ),
    ],
)
def test_wrong_scores_are_refused(scores, kind, message):
    with pytest.raises(kind) as error:
        calibrate_threshold(scores, contamination=0.1)
    assert str(error.value) == message


def test_a_rule_is_a_number():
    with pytest.raises(TypeError) as error:
        calibrate_threshold([1.0], contamination="auto")
    assert str(error.value) == "contamination must be a number, got 'auto'"


# Alarms ----------------------------------------------------------------------------------------


def slow_alarms(flags, gap, times, groups):
    out = [False] * len(flags)
    last = {}
    for row in sorted(range(len(flags)), key=lambda row: (times[row], row)):
        if flags[row]:
            before = last.get(groups[row])
            out[row] = before is None or times[row] - before > gap
            last[groups[row]] = times[row]
    return out


@pytest.mark.parametrize("n", [0, 1, 2, 50, 300])
def test_alarms_are_the_first_of_each_event_of_each_cell(n, rng):
    flags = rng.uniform(size=n) < 0.4
    times, groups = rng.integers(0, 3 * n + 1, n), rng.integers(0, 4, n)
    expected = slow_alarms(flags, 5, times.tolist(), groups.tolist())
    assert first_alarms(flags, 5, times=times, groups=groups).tolist() == expected


def test_without_times_rows_of_a_cell_are_counted():
    flags = [True, True, True, False, True, True]
    cells = ["a", "b", "a", "a", "b", "a"]
    # cell a has rows 0, 2, 3, 5: anomalies at its places 0, 1 and 3
    expected = [True, True, False, False, False, True]
    assert first_alarms(flags, 1, groups=cells).tolist() == expected
    assert first_alarms(flags, 2, groups=cells).tolist() == [True, True] + [False] * 4


def test_times_may_be_times_and_verdicts_labels():
    start = datetime(2026, 11, 21)
    times = [start + timedelta(hours=hours) for hours in (0, 7, 8, 20)]
    labels = np.array([-1, -1, -1, 1])
    assert first_alarms(labels, "6h", times=times).tolist() == [True, True, False, False]
    assert first_alarms(labels, timedelta(hours=7), times=times).tolist() == [True] + [False] * 3


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (
            {"refractory": "6h"},
            TypeError,
            "refractory must be a whole number of rows, since there are no times; got '6h'",
        ),
        (
            {"refractory": 6, "times": np.array(["2026-11-21"] * 2, "datetime64[s]")},
            TypeError,
            'refractory must be a span such as "6h", since times are times; got 6',
        ),
        (
            {"refractory": "6h", "times": [1, 2]},
            TypeError,
            "refractory must be a whole number of the unit of times; got '6h'",
        ),
        ({"refractory": 0}, ValueError, "refractory must be at least 1, got 0"),
        ({"refractory": 1, "times": [1]}, ValueError, "times has 1 values, expected 2"),
        ({"refractory": 1, "groups": [1]}, ValueError, "groups has 1 values, expected 2"),
    ],
)
def test_a_wrong_refractory_period_is_refused(arguments, kind, message):
    with pytest.raises(kind) as error:
        first_alarms([True, False], **arguments)
    assert str(error.value) == message


def test_scores_are_no_verdicts():
    with pytest.raises(TypeError) as error:
        first_alarms([0.3, -0.2], 1)
    expected = "is_anomaly must hold booleans, or the labels -1 (anomaly) and 1"
    assert str(error.value) == expected


# Detectors -------------------------------------------------------------------------------------


@parametrize_with_checks(
    [
        ThresholdedDetector(lof(), {"contamination": 0.1}),
        ThresholdedDetector(lof(), {"percentile": 90}, holdout=0.4),
        ThresholdedDetector(lw.IsolationForest(n_estimators=5), {"contamination": 0.1}),
    ],
    expected_failed_checks=lambda estimator: {
        name: "the forest's weights are chances, not repeats, as scikit-learn's are"
        for name in (
            "check_sample_weight_equivalence_on_dense_data",
            "check_sample_weight_equivalence_on_sparse_data",
        )
    },
)
def test_scikit_learn_checks_the_detector(estimator, check):
    check(estimator)


def test_the_held_out_rows_are_not_fitted_on(normal):
    class Recorder(SklearnForest):
        def fit(self, X, y=None, sample_weight=None):
            self.seen_, self.weights_ = X.copy(), sample_weight
            return super().fit(X)

    weights = np.arange(len(normal))
    detector = ThresholdedDetector(Recorder(n_estimators=5), random_state=0)
    detector.fit(normal, sample_weight=weights)
    assert len(detector.detector_.seen_) == 900 and detector.operating_point_.n_scores == 300
    assert (normal[detector.detector_.weights_] == detector.detector_.seen_).all()
    last = ThresholdedDetector(Recorder(n_estimators=5), shuffle=False, holdout=0.1).fit(normal)
    assert (last.detector_.seen_ == normal[:1080]).all()


def test_the_false_positive_rate_of_new_rows_is_the_one_asked_for(rng):
    X, new = rng.normal(size=(8000, 3)), rng.normal(size=(20000, 3))
    forest = SklearnForest(n_estimators=20, random_state=0)
    rule = {"false_positive_rate": 0.02}
    detector = ThresholdedDetector(forest, rule, holdout=0.5, random_state=0).fit(X)
    point = detector.operating_point_
    rate = (detector.predict(new) == -1).mean()
    assert 0.9 * point.false_positive_rate_low < rate < 1.1 * point.false_positive_rate_high


def test_predictions_follow_the_threshold(normal):
    detector = ThresholdedDetector(lof(), {"contamination": 0.05}).fit(normal)
    scores = detector.score_samples(normal)
    assert (detector.predict(normal) == np.where(scores < detector.threshold_, -1, 1)).all()
    assert (detector.decision_function(normal) == scores - detector.offset_).all()
    assert (detector.predict(normal) == -1).sum() == 60
    assert detector.n_features_in_ == 3


def test_calibrate_moves_the_threshold_alone(normal):
    detector = ThresholdedDetector(lof(), {"contamination": 0.05}).fit(normal)
    inner = detector.detector_
    quiet = normal[np.abs(normal).max(axis=1) < 1]
    before = detector.threshold_
    assert detector.calibrate(quiet) is detector
    assert detector.detector_ is inner and detector.threshold_ > before


def test_calibrate_takes_a_fitted_detector(normal):
    fitted = lof().fit(normal[:600])
    detector = ThresholdedDetector(fitted, {"false_positive_rate": 0.01}).calibrate(normal[600:])
    assert detector.detector_ is fitted
    with pytest.raises(NotFittedError):
        ThresholdedDetector(lof()).calibrate(normal)


def test_a_seed_reaches_a_detector_without_one(normal):
    rule = {"contamination": 0.1}
    forest = lw.IsolationForest(n_estimators=3)
    one, two = (ThresholdedDetector(forest, rule, random_state=4).fit(normal) for _ in range(2))
    assert (one.score_samples(normal) == two.score_samples(normal)).all()
    seeded = ThresholdedDetector(clone(forest).set_params(random_state=8), rule, random_state=4)
    assert seeded.fit(normal).detector_.random_state == 8
    assert ThresholdedDetector(forest, rule).fit(normal).detector_.random_state is None


def test_costs_are_fitted_with_labels(rng):
    y = np.arange(800) < 40
    X = rng.normal(size=(800, 2)) + 5 * y[:, None]
    rule = {"costs": {"false_positive": 1, "false_negative": 20}}
    detector = ThresholdedDetector(SklearnForest(random_state=0), rule, random_state=0).fit(X, y)
    point = detector.operating_point_
    assert point.n_scores == 200 and point.recall == 1.0
    with pytest.raises(ValueError) as error:
        clone(detector).fit(X)
    expected = "the rule costs needs labels: fit(X, y), or calibrate(X, y) later"
    assert str(error.value) == expected


def test_alarms_of_a_detector_have_a_refractory_period(normal):
    X = np.vstack([normal, np.diag([9.0, -9.0, 9.0]), [[7.0, -8.0, 9.0]]])
    detector = ThresholdedDetector(lof(), {"contamination": 0.003}, refractory=10).fit(X)
    assert (detector.predict(X)[-4:] == -1).sum() > 1
    alarms = detector.alarms(X)
    assert alarms.dtype == bool and alarms[-4:].sum() == 1
    detector.refractory = None
    assert (detector.alarms(X) == (detector.predict(X) == -1)).all()
    with pytest.raises(ValueError) as error:
        detector.alarms(X, groups=np.zeros(len(X)))
    assert str(error.value) == 'times and groups need refractory, such as refractory="6h"'


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_frames_keep_their_names(kind, normal):
    frame = kind(dict(zip("abc", normal.T, strict=True)))
    detector = ThresholdedDetector(SklearnForest(n_estimators=5), random_state=0).fit(frame)
    assert list(detector.feature_names_in_) == ["a", "b", "c"]
    assert set(detector.predict(frame)) <= {-1, 1}


def test_an_inner_detector_without_scores_is_refused(normal):
    from sklearn.preprocessing import StandardScaler

    with pytest.raises(TypeError) as error:
        ThresholdedDetector(StandardScaler(), {"contamination": 0.1}).fit(normal)
    expected = "StandardScaler has neither score_samples nor decision_function"
    assert str(error.value) == expected


def test_what_the_inner_detector_cannot_do_is_not_there(normal):
    detector = ThresholdedDetector(lof(), {"contamination": 0.1}).fit(normal)
    for name in ("explain", "reasons", "save"):
        assert not hasattr(detector, name)
    detector = ThresholdedDetector(lw.AutoencoderDetector(epochs=2), {"contamination": 0.1})
    detector.fit(normal)
    assert detector.reasons(normal, top=2).shape == (1200, 2)
    assert detector.explain(normal).shape == normal.shape


def test_a_detector_goes_through_pickle(normal):
    detector = ThresholdedDetector(lof(), {"contamination": 0.05}).fit(normal)
    again = pickle.loads(pickle.dumps(detector))
    assert (again.predict(normal) == detector.predict(normal)).all()
    assert str(again.operating_point_) == str(detector.operating_point_)


@pytest.mark.parametrize(
    ("parameters", "kind", "message"),
    [
        (
            {"rule": "contamination"},
            TypeError,
            "rule must be a dict such as {\"false_positive_rate\": 0.01}, got 'contamination'",
        ),
        (
            {"rule": {"recall": 0.9}},
            ValueError,
            "rule must hold exactly one of false_positive_rate, contamination, percentile, costs "
            "(and perhaps prevalence), got recall",
        ),
        ({"holdout": 1.0}, ValueError, "holdout must be at least 0 and below 1, got 1.0"),
        ({"holdout": "a"}, TypeError, "holdout must be a number, got 'a'"),
        (
            {"rule": {"false_positive_rate": 0.001}},
            ValueError,
            "a false-positive rate of 0.001 needs at least 999 normal scores, got 300",
        ),
    ],
)
def test_wrong_parameters_are_refused(parameters, kind, message, normal):
    with pytest.raises(kind) as error:
        ThresholdedDetector(lof(), **parameters).fit(normal)
    assert str(error.value) == message


def test_a_local_outlier_factor_without_novelty_says_what_to_do(normal):
    from linewatch import LocalOutlierFactor

    with pytest.raises(TypeError) as error:
        ThresholdedDetector(LocalOutlierFactor(), {"contamination": 0.1}).fit(normal)
    assert str(error.value) == (
        "LocalOutlierFactor has neither score_samples nor decision_function; construct it with "
        "novelty=True"
    )


def test_costs_that_are_no_numbers_are_refused():
    with pytest.raises(TypeError) as error:
        calibrate_threshold([1.0, 2.0], [0, 1], costs="high")
    assert str(error.value) == (
        "costs must be numbers: a dict with false_positive and false_negative, or a 2 x 2 matrix; "
        "got 'high'"
    )


def test_labels_in_words_are_refused():
    with pytest.raises(TypeError) as error:
        calibrate_threshold([1.0, 2.0], ["normal", "attack"], percentile=95)
    assert str(error.value) == (
        'y has dtype <U6; expected numbers (try x.astype("float64")); y is True or 1 for an anomaly'
    )


def test_a_detector_that_learns_from_labels_is_refused():
    from linewatch.intrusion import IntrusionDetector

    with pytest.raises(TypeError) as caught:
        lw.ThresholdedDetector(IntrusionDetector()).fit(np.zeros((100, 41)))
    assert str(caught.value) == (
        "IntrusionDetector learns from labels, which the detector inside does not get here; "
        "fit it alone, then put its scores into calibrate_threshold"
    )
