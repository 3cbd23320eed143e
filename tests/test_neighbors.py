"""Outliers by nearest neighbours: worked examples, scikit-learn's values, frames, pickles."""

import os
import pathlib
import pickle
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn.neighbors
import stopped
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

import linewatch as lw

HERE = pathlib.Path(__file__).parent


def clustered(n, d, seed=0):
    rng = np.random.default_rng(seed)
    centers = rng.uniform(-10, 10, (8, d))
    x = centers[rng.integers(0, 8, n)] + rng.normal(size=(n, d))
    x[: n // 100] = rng.uniform(-15, 15, (n // 100, d))
    return rng.permutation(x)


@pytest.fixture(scope="module")
def x():
    return clustered(3000, 6)


def test_factor_of_a_corner_worked_by_hand():
    root = np.sqrt(2)
    corner = 2 * root / (1 + root)
    other = (1 + root) * (1 / (4 * root) + 1 / (2 + 2 * root))
    lof = lw.LocalOutlierFactor(n_neighbors=2, novelty=True).fit([[1, 1], [1, 2], [2, 1]])
    np.testing.assert_allclose(-lof.negative_outlier_factor_, [corner, other, other])
    np.testing.assert_allclose(-lof.score_samples([[2.0, 2.0], [1.0, 1.0]]), [corner, other])


@pytest.mark.parametrize("algorithm", ["auto", "kd_tree", "ball_tree", "brute"])
@pytest.mark.parametrize(
    ("n", "d", "k"), [(500, 1, 5), (2000, 3, 20), (1000, 10, 20), (700, 41, 35)]
)
def test_factors_are_those_of_scikit_learn(n, d, k, algorithm):
    x, new = clustered(n, d), clustered(200, d, seed=1)
    ours = lw.LocalOutlierFactor(k, algorithm=algorithm, novelty=True, contamination=0.05).fit(x)
    theirs = sklearn.neighbors.LocalOutlierFactor(k, novelty=True, contamination=0.05).fit(x)
    np.testing.assert_allclose(
        ours.negative_outlier_factor_, theirs.negative_outlier_factor_, rtol=1e-10
    )
    np.testing.assert_allclose(ours.score_samples(new), theirs.score_samples(new), rtol=1e-10)
    np.testing.assert_array_equal(ours.predict(new), theirs.predict(new))
    assert ours.offset_ == pytest.approx(theirs.offset_, rel=1e-10)
    distances, indices = ours.kneighbors(new)
    expected_distances, expected_indices = theirs.kneighbors(new)
    np.testing.assert_allclose(distances, expected_distances, rtol=1e-9)
    np.testing.assert_array_equal(indices, expected_indices)


@pytest.mark.parametrize(
    "options",
    [
        {"metric": "euclidean"},
        {"metric": "manhattan"},
        {"metric": "chebyshev"},
        {"metric": "cosine"},
        {"p": 1},
        {"p": 3},
        {"p": 1.5},
        {"p": np.inf},
        {"metric_params": {"w": [1.0, 2.0, 0.0, 0.5, 3.0, 1.0]}},
        {"p": 3, "metric_params": {"w": [1.0, 2.0, 0.0, 0.5, 3.0, 1.0]}},
    ],
    ids=str,
)
@pytest.mark.parametrize("algorithm", ["kd_tree", "brute"])
def test_metrics_are_those_of_scikit_learn(x, options, algorithm):
    x = x[:800]
    ours = lw.LocalOutlierFactor(10, algorithm=algorithm, **options).fit(x)
    theirs = sklearn.neighbors.LocalOutlierFactor(10, algorithm="brute", **options).fit(x)
    tolerance = 1e-6 if options.get("metric") == "cosine" else 1e-10
    np.testing.assert_allclose(
        ours.negative_outlier_factor_, theirs.negative_outlier_factor_, rtol=tolerance
    )
    assert ours.effective_metric_ == theirs.effective_metric_
    assert ours.effective_metric_params_ == theirs.effective_metric_params_


def test_a_minkowski_metric_below_one_is_measured_by_brute_force(x):
    x = x[:300]
    with pytest.warns(UserWarning, match="0 < p < 1"):
        ours = lw.LocalOutlierFactor(10, p=0.5).fit(x)
    with pytest.warns(UserWarning, match="0 < p < 1"):
        theirs = sklearn.neighbors.LocalOutlierFactor(10, p=0.5, algorithm="brute").fit(x)
    np.testing.assert_allclose(
        ours.negative_outlier_factor_, theirs.negative_outlier_factor_, rtol=1e-9
    )


def test_times_in_unix_seconds_keep_their_resolution():
    rng = np.random.default_rng(5)
    x = 1.7e9 + np.sort(rng.uniform(0, 500, 1000))[:, None] + rng.normal(0, 1e-3, (1000, 2))
    ours = lw.LocalOutlierFactor().fit(x).negative_outlier_factor_
    theirs = sklearn.neighbors.LocalOutlierFactor(algorithm="kd_tree").fit(x)
    np.testing.assert_allclose(ours, theirs.negative_outlier_factor_, rtol=1e-6)


def test_values_across_three_hundred_powers_of_ten_keep_their_order():
    x = 10.0 ** np.arange(-150, 150)[:, None]
    _, found = lw.LocalOutlierFactor(1).fit(x).kneighbors()
    # The nearest to 10^i is 10^(i-1), as far as float64 tells the distances apart.
    assert (found[1:, 0] <= np.arange(1, 300) - 1).all()
    assert (x[1:, 0] - x[found[1:, 0], 0] > 0).all()


def test_threads_do_not_change_a_bit(x):
    models = [lw.LocalOutlierFactor(n_jobs=n, novelty=True).fit(x) for n in (1, 2, 3, None)]
    for model in models[1:]:
        np.testing.assert_array_equal(
            model.negative_outlier_factor_, models[0].negative_outlier_factor_
        )
        np.testing.assert_array_equal(model.score_samples(x), models[0].score_samples(x))


def test_ties_go_to_the_first_rows():
    x = np.array([[0.0], [1.0], [-1.0], [1.0], [-1.0], [0.0]])
    for algorithm in ("kd_tree", "brute"):
        lof = lw.LocalOutlierFactor(2, algorithm=algorithm).fit(x)
        assert lof.kneighbors([[0.0]], n_neighbors=4)[1].tolist() == [[0, 5, 1, 2]]
        assert lof.kneighbors(n_neighbors=3)[1][0].tolist() == [5, 1, 2]


def test_float32_gives_float32_and_the_factors_of_the_same_numbers(x):
    single = x.astype(np.float32)
    ours = lw.LocalOutlierFactor(novelty=True).fit(single)
    double = lw.LocalOutlierFactor(novelty=True).fit(single.astype(np.float64))
    assert ours.negative_outlier_factor_.dtype == ours.score_samples(single).dtype == np.float32
    np.testing.assert_array_equal(
        ours.negative_outlier_factor_, double.negative_outlier_factor_.astype(np.float32)
    )
    np.testing.assert_allclose(ours.score_samples(x), double.score_samples(x), rtol=1e-12)


# Duplicates ------------------------------------------------------------------------------------


def with_duplicates():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 3))
    return np.vstack([x, np.repeat(x[:1], 50, axis=0)])


def test_equal_rows_spoil_the_factors_as_in_scikit_learn():
    x = with_duplicates()
    theirs = sklearn.neighbors.LocalOutlierFactor()
    with pytest.warns(UserWarning, match="Duplicate values"):
        theirs.fit(x)
    with pytest.warns(UserWarning, match='duplicates="distinct"'):
        ours = lw.LocalOutlierFactor().fit(x)
    assert ours.negative_outlier_factor_.min() < -1e8
    np.testing.assert_allclose(
        ours.negative_outlier_factor_, theirs.negative_outlier_factor_, rtol=1e-6
    )


def test_equal_rows_counted_once_leave_factors_near_one():
    x = with_duplicates()
    lof = lw.LocalOutlierFactor(duplicates="distinct", novelty=True).fit(x)
    factors = -lof.negative_outlier_factor_
    assert np.isfinite(factors).all() and 0.8 < np.median(factors) < 1.2 and factors.max() < 5
    # A copy has the factor of its place, and the others those of the rows without copies.
    alone = lw.LocalOutlierFactor(novelty=True).fit(x[:500])
    np.testing.assert_array_equal(factors[:500], -alone.negative_outlier_factor_)
    np.testing.assert_array_equal(factors[500:], factors[0])
    np.testing.assert_array_equal(lof.score_samples(x[:9]), alone.score_samples(x[:9]))
    # Neighbours are still rows of the training data, copies among them.
    assert (lof.kneighbors(x[:1], 51)[0] == 0).all()


def test_counting_once_is_the_default_where_rows_differ(x):
    each = lw.LocalOutlierFactor().fit(x).negative_outlier_factor_
    once = lw.LocalOutlierFactor(duplicates="distinct").fit(x).negative_outlier_factor_
    np.testing.assert_array_equal(each, once)


def test_rows_that_are_all_equal_are_all_normal():
    lof = lw.LocalOutlierFactor(duplicates="distinct").fit(np.ones((30, 2)))
    np.testing.assert_array_equal(lof.negative_outlier_factor_, -1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = sklearn.neighbors.LocalOutlierFactor().fit(np.ones((30, 2)))
    ours = lw.LocalOutlierFactor().fit(np.ones((30, 2)))
    np.testing.assert_allclose(ours.negative_outlier_factor_, theirs.negative_outlier_factor_)


def test_fewer_places_than_neighbors_are_all_used():
    x = np.repeat(np.arange(5.0)[:, None], 10, axis=0)
    with pytest.warns(UserWarning, match=r"total number of distinct samples \(5\)"):
        lof = lw.LocalOutlierFactor(duplicates="distinct").fit(x)
    assert lof.n_neighbors_ == 4 and np.isfinite(lof.negative_outlier_factor_).all()


# KNNDetector -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["kth", "mean", "median"])
def test_knn_scores_are_distances_to_neighbors(x, method):
    new = clustered(100, 6, seed=1)
    knn = lw.KNNDetector(7, method=method).fit(x)
    theirs = sklearn.neighbors.NearestNeighbors(n_neighbors=7).fit(x)
    summary = {"kth": lambda d: d[:, -1], "mean": lambda d: d.mean(1)}.get(
        method, lambda d: np.median(d, 1)
    )
    np.testing.assert_allclose(-knn.training_scores_, summary(theirs.kneighbors()[0]), rtol=1e-12)
    np.testing.assert_allclose(
        -knn.score_samples(new), summary(theirs.kneighbors(new)[0]), rtol=1e-12
    )


def test_knn_knows_its_training_rows_again(x):
    knn = lw.KNNDetector(contamination=0.05).fit(x)
    np.testing.assert_array_equal(knn.score_samples(x), knn.training_scores_)
    assert (knn.predict(x) == -1).sum() == len(x) * 0.05
    np.testing.assert_array_equal(knn.fit_predict(x), knn.predict(x))


def test_knn_finds_the_planted_outliers():
    rng = np.random.default_rng(3)
    x = np.vstack([rng.normal(size=(990, 4)), rng.normal(12, 1, (10, 4)) * [1, -1, 1, -1]])
    found = np.flatnonzero(lw.KNNDetector(20, contamination=0.01).fit_predict(x) == -1)
    np.testing.assert_array_equal(found, np.arange(990, 1000))


def test_shares_say_which_column_is_far_out():
    x = np.random.default_rng(3).normal(size=(500, 3))
    for method in ("kth", "mean", "median"):
        knn = lw.KNNDetector(5, method=method).fit(x)
        shares = knn.explain([[0.0, 9.0, 0.0]])
        assert shares.shape == (1, 3) and shares[0, 1] > 0.9
        assert shares.sum() == pytest.approx(1, abs=1e-12)


def test_shares_are_parts_of_the_squared_distance(x):
    knn = lw.KNNDetector(5).fit(x)
    new = clustered(20, 6, seed=4)
    _, indices = knn.kneighbors(new)
    parts = (new - x[indices[:, -1]]) ** 2
    expected = parts / parts.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(knn.explain(new), expected, rtol=1e-12)
    for metric in ("manhattan", "cosine"):
        knn = lw.KNNDetector(5, metric=metric).fit(x)
        np.testing.assert_allclose(knn.explain(new).sum(axis=1), 1)
    widest = lw.KNNDetector(5, metric="chebyshev").fit(x).explain(new)
    assert (np.sort(widest, axis=1) == [0, 0, 0, 0, 0, 1]).all()


def test_shares_of_a_row_among_its_copies_are_zero():
    knn = lw.KNNDetector(2).fit(np.zeros((5, 2)))
    np.testing.assert_array_equal(knn.explain([[0.0, 0.0]]), 0.0)


# Frames, pickles, threads ------------------------------------------------------------------------


def frames(x):
    names = [f"kpi_{j}" for j in range(x.shape[1])]
    yield pd.DataFrame(x, columns=names)
    yield pl.DataFrame(x, schema=names)
    yield pa.table(dict(zip(names, x.T)))


def test_frames_of_any_kind_give_the_scores_of_the_array(x):
    expected = lw.LocalOutlierFactor(novelty=True).fit(x).score_samples(x[:50])
    for frame in frames(x):
        lof = lw.LocalOutlierFactor(novelty=True).fit(frame)
        assert lof.feature_names_in_.tolist() == [f"kpi_{j}" for j in range(6)]
        for new in frames(x[:50]):
            np.testing.assert_array_equal(lof.score_samples(new), expected)
            np.testing.assert_array_equal(lof.kneighbors(new)[1][:, 0].shape, 50)


def test_explanations_have_the_kind_of_the_rows(x):
    for frame in frames(x):
        knn = lw.KNNDetector().fit(frame)
        shares = knn.explain(frame)
        assert type(shares) is type(frame)
        np.testing.assert_allclose(np.asarray(shares).sum(axis=1), 1)
    pandas = pd.DataFrame(x[:5], columns=[f"kpi_{j}" for j in range(6)], index=list("abcde"))
    assert knn.explain(pandas).index.tolist() == list("abcde")


def test_arrays_of_any_layout_and_small_types_are_read(x):
    small = np.round(x[:200, :4]).astype(np.int16)
    expected = lw.LocalOutlierFactor(duplicates="distinct").fit(small.astype(float))
    for same in (
        small,
        small.astype(np.float16),
        np.asfortranarray(small.astype(np.float64)),
        np.repeat(small.astype(np.float64), 2, axis=0)[::2],
        small.astype(">f8"),
        small.astype(object),
        small.tolist(),
    ):
        found = lw.LocalOutlierFactor(duplicates="distinct").fit(same)
        np.testing.assert_array_equal(
            found.negative_outlier_factor_, expected.negative_outlier_factor_
        )


@pytest.mark.parametrize("options", [{}, {"metric": "cosine"}, {"duplicates": "distinct"}], ids=str)
def test_pickled_models_score_the_same(options, tmp_path):
    x = with_duplicates()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lof = lw.LocalOutlierFactor(novelty=True, **options).fit(x)
    expected = lof.score_samples(x[:20])
    joblib.dump(lof, tmp_path / "lof")
    for copy in (pickle.loads(pickle.dumps(lof)), joblib.load(tmp_path / "lof", mmap_mode="r")):
        np.testing.assert_array_equal(copy.score_samples(x[:20]), expected)
        np.testing.assert_array_equal(copy.kneighbors()[1], lof.kneighbors()[1])
    assert len(pickle.dumps(lof)) < 5 * x.nbytes


@pytest.mark.parametrize(
    "estimator",
    [
        lw.LocalOutlierFactor(),
        lw.LocalOutlierFactor(novelty=True, duplicates="distinct"),
        lw.KNNDetector(),
    ],
    ids=str,
)
def test_the_estimator_contract_holds(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, on_fail=None, on_skip=None)
    failed = [result["check_name"] for result in results if result["status"] == "failed"]
    assert not failed and len(results) > 40


def test_scikit_learns_own_tests_pass_and_notice_a_planted_fault():
    def run(*arguments, **environment):
        path = {"PYTHONPATH": str(pathlib.Path(lw.__file__).parents[1])}
        return subprocess.run(
            [sys.executable, HERE / "run_sklearn_lof_tests.py", *arguments],
            capture_output=True,
            text=True,
            env=os.environ | path | environment,
        )

    passed = run()
    assert passed.returncode == 0, passed.stdout[-3000:]
    assert "left out: test_sparse (2): sparse matrices are refused by name" in passed.stdout
    assert run("-k", "values", LINEWATCH_PLANTED_FAULT="1").returncode == 1


def test_progress_adds_up_to_the_rows(x):
    told = []
    lof = lw.LocalOutlierFactor(progress=told.append, novelty=True).fit(x)
    assert sum(told) == len(x)
    lof.score_samples(x[:100])
    assert sum(told) == len(x) + 100
    assert clone(lof).progress == lof.progress


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to a child")
def test_ctrl_c_stops_a_long_fit():
    setup = """
import linewatch as lw
x = np.random.default_rng(3).normal(size=(200_000, 20))
"""
    call = 'lw.LocalOutlierFactor(algorithm="brute", n_jobs=1).fit(x)'
    # The whole call takes minutes.
    assert stopped.in_child(setup, call, moment=0.5) < 5


# Model files -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "detector",
    [
        lw.LocalOutlierFactor(novelty=True, contamination=0.1),
        lw.LocalOutlierFactor(10, novelty=True, duplicates="distinct"),
        lw.LocalOutlierFactor(novelty=True, p=3, metric_params={"w": np.array([1.0, 2, 3])}),
        lw.LocalOutlierFactor(novelty=True, metric="cosine", algorithm="brute"),
        lw.LocalOutlierFactor(novelty=True, p=np.inf),
        lw.KNNDetector(5, method="median", metric="manhattan"),
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_saved_models_score_the_same(detector, dtype, tmp_path):
    frame = pd.DataFrame(with_duplicates().astype(dtype), columns=["prb", "drop", "users"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = clone(detector).fit(frame)
    model.save(tmp_path / "model.lw")
    for copy in (lw.load(tmp_path / "model.lw"), type(model).load(tmp_path / "model.lw")):
        np.testing.assert_array_equal(copy.score_samples(frame), model.score_samples(frame))
        np.testing.assert_array_equal(copy.predict(frame), model.predict(frame))
        np.testing.assert_array_equal(copy.kneighbors(frame)[1], model.kneighbors(frame)[1])
        assert copy.feature_names_in_.tolist() == ["prb", "drop", "users"]
        with pytest.raises(ValueError, match='Column 0 of X is "drop", expected "prb"'):
            copy.predict(frame[["drop", "prb", "users"]])


def test_factors_of_training_rows_are_kept_in_the_file(x, tmp_path):
    lof = lw.LocalOutlierFactor().fit(x)
    lof.save(tmp_path / "lof.lw")
    copy = lw.load(tmp_path / "lof.lw")
    np.testing.assert_array_equal(copy.negative_outlier_factor_, lof.negative_outlier_factor_)
    assert copy.offset_ == -1.5 and copy.n_neighbors_ == 20


def test_damaged_files_and_other_kinds_are_refused(x, tmp_path):
    path = tmp_path / "knn.lw"
    lw.KNNDetector().fit(x).save(path)
    with pytest.raises(ValueError, match="kind 'k-nearest neighbors'; expected 'local outlier"):
        lw.LocalOutlierFactor.load(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="knn.lw is "):
        lw.load(path)
    spoiled = bytearray(whole)
    spoiled[len(whole) // 2] ^= 1
    path.write_bytes(spoiled)
    with pytest.raises(ValueError, match="damaged"):
        lw.load(path)


def test_reasons_name_the_columns_of_the_largest_shares(x):
    for frame in frames(x):
        knn = lw.KNNDetector(method="mean").fit(frame)
        reasons = np.asarray(knn.reasons(frame, top=2))
        assert type(knn.reasons(frame)) is type(frame)
        widest = np.asarray(knn.explain(frame)).argmax(axis=1)
        for row, text in enumerate(reasons[:, 0]):
            name, _, value = text.partition(" = ")
            assert name == f"kpi_{widest[row]}"
            assert np.isclose(float(value), x[row, widest[row]], rtol=1e-4)
    for top, kind in ((0, ValueError), (2.5, TypeError)):
        with pytest.raises(kind, match="top must be"):
            knn.reasons(frame, top=top)


def test_reasons_are_the_same_from_a_file_and_inside_a_threshold(x, tmp_path):
    knn = lw.KNNDetector().fit(x)
    knn.save(tmp_path / "knn.lw")
    np.testing.assert_array_equal(lw.load(tmp_path / "knn.lw").reasons(x), knn.reasons(x))
    inside = lw.ThresholdedDetector(lw.KNNDetector(), {"contamination": 0.1}).fit(x)
    np.testing.assert_array_equal(inside.reasons(x), knn.reasons(x))
