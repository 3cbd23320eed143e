"""Neighbours, factors and distances against their slow definitions, on random cases."""

import warnings

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import linewatch as lw

METRICS = {
    "euclidean": lambda d: np.sqrt((d**2).sum(-1)),
    "manhattan": lambda d: np.abs(d).sum(-1),
    "chebyshev": lambda d: np.abs(d).max(-1),
    "minkowski": lambda d: (np.abs(d) ** 3).sum(-1) ** (1 / 3),
    "cosine": None,
}


def reference(metric, a, b):
    """Distances of all rows of `a` to all of `b`."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    if metric == "cosine":
        a = a / np.sqrt((a**2).sum(1, keepdims=True))
        b = b / np.sqrt((b**2).sum(1, keepdims=True))
        return ((a[:, None] - b) ** 2).sum(-1) / 2
    return METRICS[metric](a[:, None] - b)


def lof_reference(distances, k):
    np.fill_diagonal(distances, np.inf)
    found = np.argsort(distances, axis=1, kind="stable")[:, :k]
    near = np.take_along_axis(distances, found, axis=1)
    density = 1 / (np.maximum(near, near[found, -1]).mean(axis=1) + 1e-10)
    return density[found].mean(axis=1) / density


@st.composite
def cases(draw):
    metric = draw(st.sampled_from(list(METRICS)))
    n = draw(st.sampled_from([2, 3, 20, 31, 32, 33, 64, 65, 100, 129, 257]))
    d = draw(st.integers(1, 50))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(["normal", "grid", "clusters", "offset", "scales", "copies"]))
    x = rng.normal(size=(n, d))
    if kind == "grid":  # many ties
        x = rng.integers(-2, 3, (n, d)).astype(float)
    elif kind == "clusters":
        x += rng.normal(0, 20, (4, d))[rng.integers(0, 4, n)]
    elif kind == "offset":
        x = 1e9 + np.round(x * 1024) / 1024
    elif kind == "scales":
        x *= 10.0 ** rng.integers(-12, 12, (n, 1))
    elif kind == "copies":
        x = x[rng.integers(0, max(n // 3, 1), n)]
    if metric == "cosine":
        x[(x == 0).all(axis=1)] = 1.0
    x = x.astype(draw(st.sampled_from([np.float32, np.float64])))
    layout = draw(st.sampled_from(["c", "f", "strided"]))
    if layout == "f":
        x = np.asfortranarray(x)
    elif layout == "strided":
        x = np.repeat(np.repeat(x, 2, axis=0), 3, axis=1)[::2, ::3]
    options = {
        "metric": metric,
        "p": 3,
        "algorithm": draw(st.sampled_from(["kd_tree", "brute"])),
        "leaf_size": draw(st.sampled_from([1, 30, 33, 100])),
        "n_jobs": draw(st.sampled_from([1, 2])),
    }
    return x, draw(st.integers(1, min(n - 1, 40))), options


def fitted(detector, k, options, x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return detector(k, **options).fit(x)


@given(cases())
def test_neighbors_are_those_of_the_definition(case):
    x, k, options = case
    lof = fitted(lw.LocalOutlierFactor, k, options, x)
    expected = reference(options["metric"], x, x)
    # Rounding of the reference may swap neighbours; their distances stay.
    tolerance = 1e-9 * expected.max() if options["metric"] == "cosine" else 0
    for query, exact in ((x, expected), (None, np.where(np.eye(len(x)), np.inf, expected))):
        distances, indices = lof.kneighbors(query, k)
        sorted_exact = np.sort(exact, axis=1)[:, :k]
        np.testing.assert_allclose(distances, sorted_exact, rtol=1e-9, atol=tolerance)
        found = np.take_along_axis(exact, indices, axis=1)
        np.testing.assert_allclose(found, distances, rtol=1e-9, atol=tolerance)
        assert all(len(set(row)) == k for row in indices.tolist())


@given(cases())
def test_ties_on_a_grid_go_to_the_lower_rows(case):
    x, k, options = case
    x = np.round(x / max(1, np.abs(x).max()) * 3)
    options["metric"] = "manhattan"  # exact on whole numbers
    _, indices = fitted(lw.LocalOutlierFactor, k, options, x).kneighbors(x, k)
    expected = np.argsort(reference("manhattan", x, x), axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(indices, expected)


@given(cases())
def test_factors_are_those_of_the_definition(case):
    x, k, options = case
    if np.unique(np.round(x, 3), axis=0).shape[0] < len(x) or options["metric"] == "cosine":
        x = x + np.random.default_rng(1).normal(size=x.shape) * (1 + np.abs(x))
    lof = fitted(lw.LocalOutlierFactor, k, options, x)
    expected = lof_reference(reference(options["metric"], x, x), k)
    tolerance = 1e-5 if lof.negative_outlier_factor_.dtype == np.float32 else 1e-7
    np.testing.assert_allclose(-lof.negative_outlier_factor_, expected, rtol=tolerance)


@given(cases())
def test_distinct_factors_are_finite_and_those_of_the_different_rows(case):
    x, k, options = case
    lof = fitted(lw.LocalOutlierFactor, k, options | {"duplicates": "distinct"}, x)
    factors = lof.negative_outlier_factor_
    assert np.isfinite(factors).all()
    if options["metric"] != "cosine":
        different, first = np.unique(x, axis=0, return_index=True)
        if len(different) > 1:
            x = x[np.sort(first)]
            again = fitted(lw.LocalOutlierFactor, k, options, x).negative_outlier_factor_
            np.testing.assert_array_equal(factors[np.sort(first)], again)


@given(cases(), st.sampled_from(["kth", "mean", "median"]))
def test_knn_scores_are_those_of_the_definition(case, method):
    x, k, options = case
    knn = fitted(lw.KNNDetector, k, options | {"method": method}, x)
    exact = np.where(np.eye(len(x)), np.inf, reference(options["metric"], x, x))
    near = np.sort(exact, axis=1)[:, :k]
    expected = {"kth": near[:, -1], "mean": near.mean(1), "median": np.median(near, 1)}[method]
    single = x.dtype == np.float32
    tolerance = {"rtol": 1e-6 if single else 1e-9, "atol": 1e-9 * expected.max()}
    np.testing.assert_allclose(-knn.training_scores_, expected, **tolerance)
    np.testing.assert_array_equal(knn.score_samples(x), knn.training_scores_)
