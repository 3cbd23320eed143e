"""What the nearest-neighbour detectors refuse, with the full message."""

import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_matrix
from sklearn.exceptions import NotFittedError

import linewatch as lw

X = np.random.default_rng(0).normal(size=(50, 3))
FRAME = pd.DataFrame(X, columns=["prb", "drop", "users"])
Lof, Knn = lw.LocalOutlierFactor, lw.KNNDetector


def changed(row, column, value):
    x = X.copy()
    x[row, column] = value
    return x


def refused(call, error, message):
    with pytest.raises(error, match="^" + re.escape(message)) as caught:
        call()
    assert str(caught.value).rstrip() == message


METRICS = (
    "metric must be one of minkowski, euclidean, l2, manhattan, l1, cityblock, chebyshev, "
    "infinity, cosine, got {} (for any other metric use sklearn.neighbors, which takes functions "
    "and distance matrices)"
)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_neighbors": 0}, ValueError, "n_neighbors must be at least 1, got 0"),
        ({"n_neighbors": 2.5}, TypeError, "n_neighbors must be a whole number, got 2.5"),
        ({"n_neighbors": True}, TypeError, "n_neighbors must be a whole number, got True"),
        ({"leaf_size": 0}, ValueError, "leaf_size must be at least 1, got 0"),
        (
            {"algorithm": "hnsw"},
            ValueError,
            "algorithm must be one of auto, kd_tree, ball_tree, brute, got 'hnsw'",
        ),
        ({"metric": "haversine"}, ValueError, METRICS.format("'haversine'")),
        ({"metric": "precomputed"}, ValueError, METRICS.format("'precomputed'")),
        ({"metric": np.dot}, ValueError, METRICS.format(repr(np.dot))),
        ({"p": 0}, ValueError, "p must be a number above 0, got 0"),
        ({"p": "2"}, ValueError, "p must be a number above 0, got '2'"),
        (
            {"p": 0.5, "algorithm": "kd_tree"},
            ValueError,
            'algorithm="kd_tree" does not support 0 < p < 1 for the Minkowski metric. To resolve '
            'this problem either set p >= 1 or algorithm="brute".',
        ),
        ({"metric_params": 3}, TypeError, "metric_params must be a dict or None, got 3"),
        (
            {"metric_params": {"V": 1}},
            ValueError,
            "metric_params may hold p and w with metric=\"minkowski\", got 'V' with "
            "metric='minkowski'",
        ),
        (
            {"metric": "cosine", "metric_params": {"p": 1}},
            ValueError,
            "metric_params may hold p and w with metric=\"minkowski\", got 'p' with "
            "metric='cosine'",
        ),
        (
            {"metric_params": {"w": [1.0]}},
            ValueError,
            "w in metric_params must be 3 finite weights of at least 0, one for each column, got "
            "shape (1,)",
        ),
        (
            {"p": np.inf, "metric_params": {"w": [1.0, 1.0, 1.0]}},
            ValueError,
            "w in metric_params needs a finite p, got p=inf",
        ),
        (
            {"n_jobs": 0},
            ValueError,
            "n_jobs must be a number of threads, or negative to count back from all cores (-1), "
            "got 0",
        ),
        ({"n_jobs": 1.5}, TypeError, "n_jobs must be a whole number or None, got 1.5"),
        (
            {"progress": 3},
            TypeError,
            "progress must be True, False or a function, but 3 is not callable",
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("detector", [Lof, Knn])
def test_parameters_out_of_range_are_named(detector, options, error, message):
    refused(lambda: detector(**options).fit(X), error, message)


def test_parameters_of_one_detector_are_named():
    message = 'contamination must be "auto" or above 0 and at most 0.5, got 0.7'
    refused(lambda: Lof(contamination=0.7).fit(X), ValueError, message)
    message = "contamination must be above 0 and at most 0.5, got 'auto'"
    refused(lambda: Knn(contamination="auto").fit(X), ValueError, message)
    message = "novelty must be True or False, got 1"
    refused(lambda: Lof(novelty=1).fit(X), TypeError, message)
    message = "duplicates must be one of each, distinct, got 'drop'"
    refused(lambda: Lof(duplicates="drop").fit(X), ValueError, message)
    message = "method must be one of kth, mean, median, got 'max'"
    refused(lambda: Knn(method="max").fit(X), ValueError, message)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (
            changed(3, 1, np.nan),
            ValueError,
            "X contains NaN in row 3, column 1: {} has no rule for missing values (drop or fill "
            "them)",
        ),
        (
            pd.DataFrame(changed(3, 1, np.nan), columns=FRAME.columns),
            ValueError,
            'X contains NaN in row 3, column "drop": {} has no rule for missing values (drop or '
            "fill them)",
        ),
        (
            np.full((5, 2), np.nan),
            ValueError,
            "X contains NaN in row 0, column 0: {} has no rule for missing values (drop or fill "
            "them)",
        ),
        (
            changed(4, 2, -np.inf),
            ValueError,
            "X contains infinity in row 4, column 2: {} needs finite values (drop or clip them)",
        ),
        (
            changed(4, 2, 1e200),
            ValueError,
            "X contains 1e+200 in row 4, column 2: beyond 1e+150 squares leave the range of "
            "float64 (scale the column)",
        ),
        (
            np.array([[2**60, 1], [3, 4]]),
            ValueError,
            "X[0, 0] is 1152921504606846976; whole numbers beyond 2**53 are not exact as float64 "
            "(cast to float64 first to accept rounding)",
        ),
        (
            [["a", "b"], ["c", "d"]],
            TypeError,
            'X has dtype <U1; expected numbers (try x.astype("float64"))',
        ),
        (
            FRAME.assign(users="many").astype({"users": object}),
            TypeError,
            'column "users" of X has dtype object; expected numbers (try x.astype("float64"))',
        ),
        (
            pl.DataFrame({"cell": ["x", "y"]}),
            TypeError,
            'column "cell" of X has dtype String; expected numbers (try casting it to pl.Float64)',
        ),
        (
            pl.LazyFrame({"a": [1.0]}),
            TypeError,
            "X is a Polars LazyFrame; expected data (try X.collect())",
        ),
        (None, TypeError, "X is None; expected an array or a frame of numbers"),
        (
            np.empty((0, 3)),
            ValueError,
            "Found array with 0 sample(s) (shape=(0, 3)) while a minimum of 1 is required by {}.",
        ),
        (
            FRAME[:0],
            ValueError,
            "Found array with 0 sample(s) (shape=(0, 3)) while a minimum of 1 is required by {}.",
        ),
        (
            np.empty((3, 0)),
            ValueError,
            "Found array with 0 feature(s) (shape=(3, 0)) while a minimum of 1 is required by {}.",
        ),
        (
            [[1.0, 2.0]],
            ValueError,
            "Expected n_neighbors < n_samples_fit, but n_neighbors = 1, n_samples_fit = 1, "
            "n_samples = 1: X must have at least two rows",
        ),
        (
            csr_matrix(X),
            TypeError,
            "Sparse data was passed for X, but dense data is required. Use '.toarray()' to convert "
            "to a dense numpy array.",
        ),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
@pytest.mark.parametrize("detector", [Lof, Knn])
def test_data_that_cannot_be_measured_are_refused(detector, x, error, message):
    refused(lambda: detector().fit(x), error, message.format(detector.__name__))


@pytest.mark.parametrize("detector", [Lof, Knn])
def test_a_cube_is_refused_in_the_words_of_scikit_learn(detector):
    # Its versions have the beginning in common, and the name.
    with pytest.raises(ValueError, match=f"^Found array with dim 3.*{detector.__name__}"):
        detector().fit(np.zeros((2, 2, 2)))


@pytest.mark.parametrize("model", [Lof(novelty=True), Knn()], ids=str)
def test_rows_to_score_must_fit_the_training_data(model):
    name = type(model).__name__
    model.fit(FRAME)
    refused(
        lambda: model.predict(FRAME[["drop", "prb", "users"]]),
        ValueError,
        "The feature names should match those that were passed during fit.\n"
        "Feature names must be in the same order as they were in fit.\n"
        'Column 0 of X is "drop", expected "prb" (try X[list(detector.feature_names_in_)])',
    )
    refused(
        lambda: model.predict(pl.DataFrame(X[:, :2], schema=["prb", "users"])),
        ValueError,
        "The feature names should match those that were passed during fit.\n"
        "Feature names seen at fit time, yet now missing:\n- drop",
    )
    refused(
        lambda: model.fit(X).predict(X[:, :2]),
        ValueError,
        f"X has 2 features, but {name} is expecting 3 features as input.",
    )
    refused(
        lambda: model.fit(X).score_samples(changed(3, 1, np.nan)),
        ValueError,
        f"X contains NaN in row 3, column 1: {name} has no rule for missing values (drop or fill "
        "them)",
    )


def test_a_row_of_zeros_has_no_direction():
    message = (
        'X must be without rows of zeros for metric="cosine", since they have no direction (drop '
        "them, or choose another metric), got zeros in row 1"
    )
    refused(lambda: Lof(metric="cosine").fit([[1.0, 2], [0, 0], [2, 1]]), ValueError, message)


def test_more_neighbors_than_rows_are_clamped_with_a_warning():
    message = (
        "n_neighbors (500) is greater than the total number of samples (50). n_neighbors will be "
        "set to (n_samples - 1) for estimation."
    )
    for detector in (Lof, Knn):
        with pytest.warns(UserWarning, match="^" + re.escape(message) + "$"):
            model = detector(500).fit(X)
        assert model.n_neighbors_ == 49
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Lof(50).fit(X).n_neighbors_ == 49


def test_questions_for_too_many_neighbors_are_refused():
    lof = Lof(novelty=True).fit(X)
    refused(
        lambda: lof.kneighbors(X, 51),
        ValueError,
        "Expected n_neighbors <= n_samples_fit, but n_neighbors = 51, n_samples_fit = 50, "
        "n_samples = 50",
    )
    refused(
        lambda: lof.kneighbors(None, 50),
        ValueError,
        "Expected n_neighbors < n_samples_fit, but n_neighbors = 50, n_samples_fit = 50, "
        "n_samples = 50",
    )
    refused(lambda: lof.kneighbors(X, 0), ValueError, "Expected n_neighbors > 0. Got 0")
    message = "n_neighbors must be a whole number, got 1.5"
    refused(lambda: lof.kneighbors(X, 1.5), TypeError, message)
    message = "mode must be one of connectivity, distance, got 'x'"
    refused(lambda: lof.kneighbors_graph(mode="x"), ValueError, message)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (
            "predict",
            "predict is not available when novelty=False. Use fit_predict to judge the training "
            "rows, or novelty=True to judge new rows.",
        ),
        (
            "decision_function",
            "decision_function is not available when novelty=False. Use novelty=True to judge new "
            "rows; the scores of the training rows are in negative_outlier_factor_.",
        ),
        (
            "score_samples",
            "score_samples is not available when novelty=False. Use novelty=True to judge new "
            "rows; the scores of the training rows are in negative_outlier_factor_.",
        ),
        (
            "fit_predict",
            "fit_predict is not available when novelty=True. Use novelty=False if you want to "
            "predict on the training set.",
        ),
    ],
)
def test_methods_of_the_other_use_are_not_there(method, message):
    lof = Lof(novelty=method == "fit_predict").fit(X)
    assert not hasattr(lof, method)
    with pytest.raises(
        AttributeError, match=f"'LocalOutlierFactor' has no attribute '{method}'"
    ) as e:
        getattr(lof, method)
    assert str(e.value.__cause__) == message


def test_models_that_are_not_fitted_say_so():
    for call in (Lof(novelty=True).predict, Knn().predict, Knn().explain, Lof().kneighbors):
        with pytest.raises(NotFittedError, match="is not fitted yet"):
            call(X)


def test_constant_columns_change_nothing():
    more = np.column_stack([X, np.full(50, 7.0)])
    np.testing.assert_allclose(Knn().fit(more).training_scores_, Knn().fit(X).training_scores_)
    np.testing.assert_allclose(
        Lof().fit(more).negative_outlier_factor_, Lof().fit(X).negative_outlier_factor_
    )


@pytest.mark.parametrize("detector", [Lof(novelty=True), Knn()])
def test_a_masked_value_is_refused_as_missing(detector):
    masked = np.ma.masked_array(X, mask=False)
    masked[3, 1] = np.ma.masked
    refused(
        lambda: detector.fit(masked),
        ValueError,
        f"X contains NaN in row 3, column 1: {type(detector).__name__} has no rule for missing "
        "values (drop or fill them)",
    )
