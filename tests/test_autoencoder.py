"""The autoencoder: a network that repeats normal rows."""

import itertools
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.neural_network import MLPRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from linewatch import AutoencoderDetector


@pytest.fixture
def plane(rng):
    """Rows of five features that lie near a plane."""
    return rng.normal(size=(600, 2)) @ rng.normal(size=(2, 5)) + 0.05 * rng.normal(size=(600, 5))


@parametrize_with_checks(
    [AutoencoderDetector(epochs=3), AutoencoderDetector((2,), epochs=3, scaling="minmax")]
)
def test_scikit_learn_checks_the_detector(estimator, check):
    check(estimator)


def test_rows_off_the_plane_are_anomalies(plane, rng):
    detector = AutoencoderDetector((8, 2, 8), activation="tanh", epochs=60, random_state=0)
    detector.fit(plane)
    off = plane[:100].copy()
    off[:, 3] += 2.5 * plane[:, 3].std()
    assert (detector.predict(off) == -1).mean() > 0.95
    assert (detector.predict(plane) == -1).mean() == pytest.approx(0.05)
    named = [reason.split(" = ")[0] for reason in detector.reasons(off, top=1)[:, 0]]
    assert named.count("x3") > 40  # of 100; neighbours on the plane move with it


def test_the_bottleneck_keeps_the_proportions_of_the_first_network(rng):
    for p, sizes in ((17, (12, 6, 12)), (41, (29, 14, 29)), (1, (1, 1, 1))):
        detector = AutoencoderDetector(epochs=1).fit(rng.normal(size=(40, p)))
        assert detector.hidden_layer_sizes_ == sizes
        assert detector.coefs_[0].shape == (p, sizes[0])


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("p", [1, 6])
def test_errors_are_those_of_the_network_it_is_built_on(activation, p, rng):
    X = rng.normal(3, 2, size=(90, p))
    options = {"activation": activation, "batch_size": 32, "max_iter": 4, "alpha": 0.0}
    detector = AutoencoderDetector((5, 2), activation=activation, epochs=4, random_state=3).fit(X)
    seed = np.random.RandomState(3).randint(2**31 - 1)
    network = MLPRegressor(hidden_layer_sizes=(5, 2), random_state=seed, **options)
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        network.fit(scaled, scaled if p > 1 else scaled[:, 0])
    output = network.predict(scaled).reshape(90, p)
    errors = ((output - scaled) ** 2).mean(axis=1)
    np.testing.assert_allclose(-detector.score_samples(X), errors, rtol=1e-9)
    assert detector.threshold_ == pytest.approx(np.percentile(errors, 95))
    np.testing.assert_allclose(detector.reconstruct(X), output * X.std(0) + X.mean(0), rtol=1e-9)


def test_contributions_add_up_to_the_error(plane):
    detector = AutoencoderDetector(epochs=2, random_state=0).fit(plane)
    np.testing.assert_allclose(
        detector.explain(plane).sum(axis=1), -detector.score_samples(plane), rtol=1e-12
    )


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame, pa.table])
def test_frames_come_back_as_frames(kind, plane):
    names = ["prb", "rsrp", "rsrq", "sinr", "users"]
    frame = kind(dict(zip(names, plane.T, strict=True)))
    detector = AutoencoderDetector(epochs=2, random_state=0).fit(frame)
    array = AutoencoderDetector(epochs=2, random_state=0).fit(plane)
    assert list(detector.feature_names_in_) == names
    assert (detector.score_samples(frame) == array.score_samples(plane)).all()
    for out in (detector.explain(frame), detector.reconstruct(frame)):
        assert type(out) is type(frame) and list(getattr(out, "column_names", out.columns)) == names
    reasons = detector.reasons(frame, top=2)
    assert type(reasons) is type(frame)
    assert list(getattr(reasons, "column_names", reasons.columns)) == ["reason_1", "reason_2"]


def test_all_epochs_are_made_and_seeds_repeat(plane):
    one, two = (AutoencoderDetector(epochs=7, random_state=5).fit(plane) for _ in range(2))
    assert len(one.loss_curve_) == 7
    assert (one.score_samples(plane) == two.score_samples(plane)).all()
    three = AutoencoderDetector(epochs=7, random_state=6).fit(plane)
    assert (one.score_samples(plane) != three.score_samples(plane)).any()


@pytest.mark.parametrize("scaling", ["standard", "minmax"])
def test_the_unit_of_a_feature_does_not_matter(scaling, plane):
    one = AutoencoderDetector(epochs=3, scaling=scaling, random_state=0).fit(plane)
    two = AutoencoderDetector(epochs=3, scaling=scaling, random_state=0).fit(plane * 1e6 + 1e7)
    np.testing.assert_allclose(
        one.score_samples(plane), two.score_samples(plane * 1e6 + 1e7), rtol=1e-4
    )


@pytest.mark.parametrize("scaling", ["standard", "minmax", None])
def test_constant_features_do_no_harm(scaling, plane):
    plane[:, 1] = 0.1
    detector = AutoencoderDetector(epochs=2, scaling=scaling, random_state=0).fit(plane)
    assert np.isfinite(detector.score_samples(plane)).all()
    moved = plane.copy()
    moved[:, 1] = 7
    assert (detector.score_samples(moved) < detector.score_samples(plane)).mean() > 0.9


def test_a_detector_goes_through_pickle(plane):
    detector = AutoencoderDetector(epochs=2, random_state=0).fit(plane)
    again = pickle.loads(pickle.dumps(detector))
    assert (again.score_samples(plane) == detector.score_samples(plane)).all()


def test_small_and_half_precision_inputs_are_taken(rng):
    X = rng.normal(size=(10, 3))
    assert AutoencoderDetector(epochs=1).fit(X[:2]).score_samples(X[:1]).shape == (1,)
    assert AutoencoderDetector(epochs=1).fit(X.astype(np.float16)).offset_ < 0
    whole = rng.integers(0, 2**50, size=(30, 2))
    assert np.isfinite(AutoencoderDetector(epochs=1).fit(whole).score_samples(whole)).all()


def fit(X, **parameters):
    return AutoencoderDetector(epochs=1, **parameters).fit(X)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number from 1 on, got 0"),
        ({"batch_size": 1.5}, "batch_size must be a whole number from 1 on, got 1.5"),
        ({"learning_rate": 0}, "learning_rate must be a number above 0, got 0"),
        ({"alpha": -1}, "alpha must be a number at least 0, got -1"),
        ({"percentile": 100}, "percentile must be a number above 0 and below 100, got 100"),
        (
            {"activation": "gelu"},
            "activation must be one of identity, relu, tanh, logistic, got 'gelu'",
        ),
        ({"scaling": "robust"}, "scaling must be one of standard, minmax, None, got 'robust'"),
        (
            {"hidden_layer_sizes": (3, 0)},
            'hidden_layer_sizes must be "auto" or a list of whole numbers from 1 on, got (3, 0)',
        ),
        (
            {"hidden_layer_sizes": 3},
            'hidden_layer_sizes must be "auto" or a list of whole numbers from 1 on, got 3',
        ),
    ],
)
def test_wrong_parameters_are_refused(parameters, message, plane):
    with pytest.raises(ValueError) as error:
        AutoencoderDetector(**parameters).fit(plane)
    assert str(error.value) == message


def with_value(value, dtype=float):
    X = np.ones((4, 2), dtype=dtype)
    X[2, 1] = value
    return X


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (with_value(np.inf), "X must be finite, got inf in row 2, column 1"),
        (
            with_value(np.nan),
            "Input X contains NaN in row 2, column 1; AutoencoderDetector does not accept missing "
            "values (fill them, or use IsolationForest, which does)",
        ),
        (
            with_value("tcp", object),
            "X has the text 'tcp' in row 2, column 1; expected numbers (encode the column, or "
            "pass a frame to a detector with categorical_features)",
        ),
        (
            with_value(2**60, np.int64),
            "X[2, 1] is 1152921504606846976; whole numbers beyond 2**53 are not exact as float64 "
            "(cast to float64 first to accept rounding)",
        ),
        (
            np.empty((0, 2)),
            "Found array with 0 sample(s) (shape=(0, 2)) while a minimum of 1 is required by "
            "AutoencoderDetector.",
        ),
    ],
)
def test_wrong_input_is_refused(X, message):
    with pytest.raises(ValueError) as error:
        fit(X)
    assert str(error.value) == message


def test_columns_are_checked_by_name(plane):
    frame = pd.DataFrame(plane, columns=list("abcde"))
    detector = fit(frame)
    with pytest.raises(ValueError) as error:
        detector.predict(frame[list("badce")])
    assert str(error.value) == (
        "The feature names should match those that were passed during fit.\n"
        "Feature names must be in the same order as they were in fit.\n"
        'Column 0 of X is "b", expected "a" (try X[list(detector.feature_names_in_)])'
    )
    with pytest.raises(ValueError) as error:
        detector.predict(frame.rename(columns={"c": "C"}))
    assert str(error.value) == (
        "The feature names should match those that were passed during fit.\n"
        "Feature names unseen at fit time:\n- C\n"
        "Feature names seen at fit time, yet now missing:\n- c\n"
    )
    text = pl.DataFrame({"a": [1.0], "b": ["x"]})
    with pytest.raises(TypeError) as error:
        fit(text)
    assert str(error.value) == (
        'column "b" of X has dtype String; expected numbers (try casting it to pl.Float64)'
    )


def test_a_training_that_explodes_is_refused(plane):
    with pytest.raises(ValueError) as error:
        AutoencoderDetector(scaling=None, learning_rate=1e10, epochs=3).fit(plane * 1e200)
    assert str(error.value) == (
        "the training did not stay finite; use scaling='standard' or a smaller learning_rate than "
        "10000000000.0"
    )


def test_a_row_too_far_away_to_be_squared_is_infinitely_far(plane):
    detector = AutoencoderDetector(epochs=3, random_state=0).fit(plane)
    scores = detector.score_samples(np.vstack([plane[:1], np.full((1, 5), 1e200)]))
    assert np.isfinite(scores[0])
    assert scores[1] == -np.inf


def test_training_on_values_too_large_to_be_squared_is_refused(plane, monkeypatch):
    # Depending on the processor the network's weights stay finite here; its errors never do.
    monkeypatch.setattr(MLPRegressor, "fit", _untrained)
    with pytest.raises(ValueError, match="did not stay finite"):
        AutoencoderDetector(scaling=None, epochs=1).fit(plane * 1e200)


def _untrained(network, X, y):
    sizes = [X.shape[1], *network.hidden_layer_sizes, X.shape[1]]
    network.coefs_ = [np.zeros(shape) for shape in itertools.pairwise(sizes)]
    network.intercepts_ = [np.zeros(size) for size in sizes[1:]]
    network.loss_curve_, network.n_iter_ = [0.0], network.max_iter
    return network


def test_times_and_nothing_are_refused_with_the_way_out():
    times = pd.DataFrame({"t": pd.date_range("2026-01-01", periods=3, unit="s")})
    with pytest.raises(TypeError) as error:
        AutoencoderDetector().fit(times)
    assert str(error.value) == (
        'column "t" of X has dtype datetime64[s]; expected numbers (make it a number of seconds)'
    )
    with pytest.raises(TypeError) as error:
        AutoencoderDetector().fit(None)
    assert str(error.value) == "X is None; expected an array or a frame of numbers"


def test_whole_numbers_in_a_list_keep_their_value_or_are_refused():
    with pytest.raises(ValueError, match="whole numbers beyond 2\\*\\*53 are not exact"):
        AutoencoderDetector().fit([[2**62 + 1, 1], [3, 4]])


def test_a_row_alone_scores_as_it_does_among_others(rng):
    X = rng.normal(size=(200, 9))
    detector = AutoencoderDetector(epochs=2, random_state=0).fit(X)
    alone = np.concatenate([detector.score_samples(row[None]) for row in X])
    assert alone.tobytes() == detector.score_samples(X).tobytes()


def test_a_stopped_fit_is_no_fit(monkeypatch):
    """The network's own loop would end well after Ctrl-C."""
    from sklearn.neural_network import MLPRegressor

    def interrupted(self, *args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(MLPRegressor, "_backprop", interrupted)
    detector = AutoencoderDetector(epochs=2, random_state=0)
    with pytest.raises(KeyboardInterrupt):
        detector.fit(np.random.default_rng(0).normal(size=(50, 3)))
    assert not hasattr(detector, "threshold_")
