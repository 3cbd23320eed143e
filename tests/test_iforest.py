"""The isolation forest as an estimator: scikit-learn's contract, and what goes beyond it."""

import pickle
import re
import sys
import timeit
import warnings

import joblib
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from scipy.stats import spearmanr
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import IsolationForest as SklearnForest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import linewatch as lw
from linewatch import IsolationForest

# scikit-learn lists the same two for its own class: weights are chances of being drawn.
EXPECTED_TO_FAIL = {
    "check_sample_weight_equivalence_on_dense_data": "weights are chances, not repeats",
    "check_sample_weight_equivalence_on_sparse_data": "weights are chances, not repeats",
}


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(5).normal(size=(2000, 6))


@pytest.fixture(scope="module")
def forest(X):
    return IsolationForest(random_state=0).fit(X)


# scikit-learn's contract -----------------------------------------------------------------------


@parametrize_with_checks(
    [
        IsolationForest(n_estimators=5),
        IsolationForest(n_estimators=5, preset="extended"),
        IsolationForest(n_estimators=5, preset="pooled", contamination=0.1, bootstrap=True),
    ],
    expected_failed_checks=lambda estimator: EXPECTED_TO_FAIL,
)
def test_scikit_learn_checks_the_forest(estimator, check):
    check(estimator)


def test_the_parameters_are_those_of_scikit_learn_and_more():
    theirs = SklearnForest().get_params()
    ours = IsolationForest().get_params()
    assert {name: ours[name] for name in theirs} == theirs
    assert set(ours) - set(theirs) == {
        "preset",
        "extension_level",
        "gain_share",
        "categorical_features",
    }


def test_the_import_is_all_that_changes():
    X = np.array([[-1.1], [0.3], [0.5], [100.0]])
    for forest in (SklearnForest, IsolationForest):
        assert forest(random_state=0).fit(X).predict([[0.1], [0], [90]]).tolist() == [1, 1, -1]


@pytest.mark.parametrize("options", [{}, {"max_features": 0.5}, {"bootstrap": True}])
def test_scores_are_those_of_scikit_learn_but_for_the_seed(options, X):
    new = np.random.default_rng(6).normal(size=(800, 6)) * np.linspace(0.5, 3, 800)[:, None]
    theirs = [
        SklearnForest(n_estimators=300, random_state=seed, **options).fit(X).score_samples(new)
        for seed in (0, 1)
    ]
    ours = IsolationForest(n_estimators=300, random_state=0, **options).fit(X).score_samples(new)
    between = np.abs(theirs[0] - theirs[1])
    assert np.abs(ours - theirs[0]).mean() < 1.3 * between.mean()
    assert abs((ours - theirs[0]).mean()) < 0.004
    assert spearmanr(ours, theirs[0])[0] > spearmanr(*theirs)[0] - 0.02


def test_the_anomalies_of_real_data_are_found_as_well():
    X, y = load_breast_cancer(return_X_y=True)
    found = [
        roc_auc_score(y == 0, -forest(random_state=seed).fit(X).score_samples(X))
        for forest in (SklearnForest, IsolationForest)
        for seed in range(4)
    ]
    assert np.mean(found[4:]) > np.mean(found[:4]) - 0.02


@pytest.mark.parametrize("contamination", ["auto", 0.05, 0.5])
def test_the_offset_follows_the_contamination(contamination, X):
    forest = IsolationForest(contamination=contamination, random_state=0).fit(X)
    scores = forest.score_samples(X)
    expected = -0.5 if contamination == "auto" else np.percentile(scores, 100 * contamination)
    assert forest.offset_ == expected
    assert (forest.decision_function(X) == scores - forest.offset_).all()
    assert (forest.predict(X) == np.where(scores < forest.offset_, -1, 1)).all()
    if contamination != "auto":
        assert (forest.predict(X) == -1).mean() == pytest.approx(contamination)


def test_a_seed_gives_the_same_forest_and_another_seed_another(X, forest):
    assert (
        IsolationForest(random_state=0).fit(X).score_samples(X) == forest.score_samples(X)
    ).all()
    assert (clone(forest).fit(X).score_samples(X) == forest.score_samples(X)).all()
    other = IsolationForest(random_state=1).fit(X).score_samples(X)
    assert (other != forest.score_samples(X)).any()
    generator = np.random.RandomState(0)
    assert (
        IsolationForest(random_state=generator).fit(X).score_samples(X) == forest.score_samples(X)
    ).all()


@pytest.mark.parametrize("preset", ["classic", "extended", "pooled"])
@pytest.mark.parametrize("n_jobs", [1, 2, 3, -1])
def test_threads_and_batches_do_not_change_a_bit(preset, n_jobs, X):
    one = IsolationForest(preset=preset, random_state=0, n_jobs=1).fit(X)
    many = IsolationForest(preset=preset, random_state=0, n_jobs=n_jobs).fit(X)
    scores, shares = one.score_samples(X), one.explain(X)
    assert (many.score_samples(X) == scores).all()
    assert (many.explain(X) == shares).all()
    for size in (1, 7, 999):
        parts = [many.score_samples(X[k : k + size]) for k in range(0, 1000, size)]
        assert (np.concatenate(parts)[:1000] == scores[:1000]).all()
    parts = [many.explain(X[k : k + 13]) for k in range(0, 260, 13)]
    assert (np.concatenate(parts) == shares[:260]).all()


def test_rows_of_any_layout_give_the_same_scores(X, forest):
    scores = forest.score_samples(X)
    for other in (np.asfortranarray(X), X[::1], np.repeat(X, 2, axis=0)[::2], X.tolist()):
        assert (forest.score_samples(other) == scores).all()
    single = X.astype(np.float32)
    assert (forest.score_samples(single) == forest.score_samples(single.astype(float))).all()


def test_estimators_can_be_looked_at(X, forest):
    assert len(forest.estimators_) == 100
    tree = forest.estimators_[3]
    assert (tree.max_samples, tree.max_depth) == (256, 8)
    arrays = tree.arrays()
    assert arrays["n_samples"][0] == 256 and len(arrays["feature"]) == tree.n_nodes
    assert repr(tree) == f"IsolationTree(max_samples=256, n_nodes={tree.n_nodes})"
    assert forest.estimators_[3] is tree


@pytest.mark.parametrize("bootstrap", [True, False])
def test_the_rows_of_a_tree_are_known(bootstrap, X):
    forest = IsolationForest(n_estimators=20, bootstrap=bootstrap, random_state=0).fit(X)
    samples = forest.estimators_samples_
    assert all(rows.min() >= 0 and rows.max() < 2000 for rows in samples)
    sizes = {len(np.unique(rows)) for rows in samples}
    assert len(samples) == 20 and sizes == {len(rows) for rows in samples}
    assert (min(sizes) > 200 and max(sizes) <= 256) if bootstrap else sizes == {256}
    # A forest of these rows alone is the same: nothing else was read.
    spoiled = X.copy()
    spoiled[np.setdiff1d(np.arange(2000), np.concatenate(samples))] = 1e6
    again = clone(forest).fit(spoiled)
    assert (again.score_samples(X) == forest.score_samples(X)).all()


def test_it_works_inside_pipelines_and_searches(X):
    pipeline = make_pipeline(StandardScaler(), IsolationForest(n_estimators=10, random_state=0))
    assert set(pipeline.fit(X).predict(X)) <= {-1, 1}
    labels = np.where(np.abs(X).max(axis=1) > 2.5, -1, 1)
    search = GridSearchCV(
        IsolationForest(n_estimators=10, random_state=0),
        {"preset": ["classic", "pooled"], "contamination": [0.05, 0.1]},
        scoring="f1",
        cv=2,
    )
    assert search.fit(X, labels).best_params_["contamination"] in (0.05, 0.1)


# Beyond scikit-learn ---------------------------------------------------------------------------


def test_timestamps_and_large_offsets_keep_their_resolution():
    seconds = 1.7e9 + np.arange(500.0)
    X = np.column_stack([seconds, np.zeros(500)])
    forest = IsolationForest(random_state=0).fit(X)
    assert len(np.unique(forest.score_samples(X))) > 100
    theirs = SklearnForest(random_state=0).fit(X)
    assert len(np.unique(theirs.score_samples(X))) < 10  # float32 holds five of them
    plain = IsolationForest(random_state=0).fit(X - 1.7e9)
    np.testing.assert_allclose(forest.score_samples(X), plain.score_samples(X - 1.7e9), atol=1e-6)


def test_missing_values_are_allowed_in_fit_and_afterwards(X):
    holes = X.copy()
    holes[np.random.default_rng(1).uniform(size=X.shape) < 0.2] = np.nan
    forest = IsolationForest(random_state=0, contamination=0.1).fit(holes)
    assert np.isfinite(forest.score_samples(holes)).all()
    anomaly = holes[:50].copy()
    anomaly[:, 2] = 9
    assert (forest.score_samples(anomaly) < forest.score_samples(holes[:50])).mean() > 0.9
    whole = IsolationForest(random_state=0).fit(X)
    assert np.isfinite(whole.score_samples(holes)).all()


def test_a_column_without_any_value_changes_nothing(X):
    empty = np.column_stack([X, np.full(len(X), np.nan)])
    constant = np.column_stack([X, np.full(len(X), 3.0)])
    for extended in (empty, constant):
        forest = IsolationForest(random_state=0).fit(extended)
        assert (forest.explain(extended)[:, 6] == 0).all()
        assert forest.feature_importances_[6] == 0
        moved = extended.copy()
        moved[:, 6] = 1e9
        assert (forest.score_samples(moved) == forest.score_samples(extended)).all()


def test_a_masked_value_is_a_missing_one(X):
    mask = np.random.default_rng(0).random(X.shape) < 0.1
    masked, missing = np.ma.masked_array(X, mask), np.where(mask, np.nan, X)
    forest = IsolationForest(n_estimators=10, random_state=0)
    scores = forest.fit(masked).score_samples(masked)
    np.testing.assert_array_equal(scores, forest.fit(missing).score_samples(missing))


def test_only_constant_or_missing_columns_make_every_row_normal():
    for value in (3.0, np.nan):
        X = np.full((100, 2), value)
        forest = IsolationForest(random_state=0).fit(X)
        assert (forest.predict(X) == 1).all()
        assert len(np.unique(forest.score_samples(X))) == 1
        assert (forest.feature_importances_ == 0).all()


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_array, sparse.csr_array])
@pytest.mark.parametrize("options", [{}, {"bootstrap": True}, {"preset": "pooled"}, {"w": True}])
def test_sparse_input_gives_the_scores_of_dense_input(container, options, X, monkeypatch):
    monkeypatch.setattr("linewatch.iforest.SPARSE_BLOCK", 1000)
    options = dict(options)
    weight = np.linspace(0, 1, len(X)) if options.pop("w", False) else None
    dense = np.where(np.abs(X) < 1, 0, X)
    one = IsolationForest(random_state=0, contamination=0.1, **options)
    two = clone(one).fit(container(dense), sample_weight=weight)
    one.fit(dense, sample_weight=weight)
    assert (one.score_samples(dense) == two.score_samples(container(dense))).all()
    assert one.offset_ == two.offset_
    assert (one.explain(dense) == two.explain(container(dense))).all()
    assert (one.reasons(dense) == two.reasons(container(dense))).all()


def test_weights_are_the_chances_of_rows(X):
    weight = np.zeros(len(X))
    weight[:300] = 1
    forest = IsolationForest(random_state=0).fit(X, sample_weight=weight)
    assert max(rows.max() for rows in forest.estimators_samples_) < 300
    spoiled = X.copy()
    spoiled[300:] = 99
    again = IsolationForest(random_state=0).fit(spoiled, sample_weight=2 * weight)
    assert (again.score_samples(X) == forest.score_samples(X)).all()


def test_a_warm_start_grows_the_trees_of_one_long_fit(X):
    whole = IsolationForest(n_estimators=60, random_state=3).fit(X)
    grown = IsolationForest(n_estimators=25, random_state=3, warm_start=True).fit(X)
    first = grown.estimators_[0]
    grown.set_params(n_estimators=60).fit(X)
    assert grown.estimators_[0] is first and len(grown.estimators_) == 60
    assert (grown.score_samples(X) == whole.score_samples(X)).all()
    pairs = zip(grown.estimators_samples_, whole.estimators_samples_, strict=True)
    assert all((a == b).all() for a, b in pairs)
    message = "^warm_start without a larger n_estimators grows no new trees$"
    with pytest.warns(UserWarning, match=message):
        grown.fit(X)
    with pytest.raises(ValueError) as error:
        grown.set_params(n_estimators=10).fit(X)
    expected = "n_estimators=10 must be at least the 60 trees that warm_start keeps"
    assert str(error.value) == expected


def test_forests_can_be_added(X):
    a = IsolationForest(n_estimators=30, random_state=0).fit(X[:1000])
    b = IsolationForest(n_estimators=20, random_state=1).fit(X[1000:])
    both = a + b
    assert both.n_estimators == 50 and len(both.estimators_) == 50
    exponents = [-np.log2(-forest.score_samples(X)) for forest in (a, b, both)]
    np.testing.assert_allclose((3 * exponents[0] + 2 * exponents[1]) / 5, exponents[2], rtol=1e-12)
    assert both.offset_ == -0.5 and len(both.estimators_samples_) == 50
    assert (pickle.loads(pickle.dumps(both)).score_samples(X) == both.score_samples(X)).all()
    a.offset_, b.offset_ = -0.6, -0.5
    assert (a + b).offset_ == pytest.approx(-0.56)
    with pytest.raises(TypeError):
        a + 1


def test_forests_of_other_features_are_not_added(X):
    a = IsolationForest(n_estimators=2).fit(pd.DataFrame(X[:, :2], columns=["a", "b"]))
    b = IsolationForest(n_estimators=2).fit(pd.DataFrame(X[:, :2], columns=["a", "c"]))
    c = IsolationForest(n_estimators=2).fit(X[:, :3])
    with pytest.raises(ValueError) as error:
        a + b
    assert str(error.value) == (
        'forests of other features cannot be added: column 1 is "b" in one and "c" in the other'
    )
    with pytest.raises(ValueError) as error:
        a + c
    assert str(error.value) == "forests of 2 and 3 features cannot be added"


def test_presets_are_names_for_levels_and_shares(X):
    def scores(**options):
        return IsolationForest(n_estimators=10, random_state=0, **options).fit(X).score_samples(X)

    same = [
        ({"preset": "classic"}, {"extension_level": 0, "gain_share": 0.0}),
        ({"preset": "extended"}, {"extension_level": 5}),
        ({"preset": "extended"}, {"extension_level": 500}),
        ({"preset": "pooled"}, {"extension_level": 1, "gain_share": 0.5}),
        ({"preset": "pooled", "gain_share": 0.0}, {"extension_level": 1}),
    ]
    for one, two in same:
        assert (scores(**one) == scores(**two)).all()
    assert len({scores(preset=name).tobytes() for name in ("classic", "extended", "pooled")}) == 3


# Frames ----------------------------------------------------------------------------------------

NAMES = ["prb", "rsrp", "rsrq", "sinr", "users", "traffic"]


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame, pa.table, "narwhals"])
def test_frames_in_and_frames_out(kind, X):
    columns = dict(zip(NAMES, X.T, strict=True))
    frame = nw.from_native(pl.DataFrame(columns)) if kind == "narwhals" else kind(columns)
    forest = IsolationForest(random_state=0, contamination=0.1).fit(frame)
    plain = IsolationForest(random_state=0, contamination=0.1).fit(X)
    assert list(forest.feature_names_in_) == NAMES
    assert (forest.score_samples(frame) == plain.score_samples(X)).all()
    assert (forest.predict(frame) == plain.predict(X)).all()
    shares, reasons = forest.explain(frame), forest.reasons(frame, top=2)
    assert type(shares) is type(frame) and type(reasons) is type(frame)
    assert list(getattr(shares, "column_names", shares.columns)) == NAMES
    assert list(getattr(reasons, "column_names", reasons.columns)) == ["reason_1", "reason_2"]
    values = shares.to_pandas().to_numpy() if kind is pa.table else np.asarray(shares.to_numpy())
    assert (values == plain.explain(X)).all()


def test_a_frame_keeps_its_index_and_null_is_missing(X):
    holes = X.copy()
    holes[::5, 1] = np.nan
    index = pd.RangeIndex(100, 2100)
    nullable = pd.DataFrame(holes, columns=NAMES, index=index).astype("Float64")
    forest = IsolationForest(random_state=0).fit(nullable)
    plain = IsolationForest(random_state=0).fit(holes)
    assert (forest.score_samples(nullable) == plain.score_samples(holes)).all()
    assert forest.explain(nullable).index.equals(index)
    polars_frame = pl.from_numpy(holes, schema=NAMES).fill_nan(None)
    assert (forest.score_samples(polars_frame) == plain.score_samples(holes)).all()


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_columns_are_checked_by_name(kind, X):
    frame = kind(dict(zip(NAMES, X.T, strict=True)))
    forest = IsolationForest(n_estimators=5).fit(frame)
    start = "The feature names should match those that were passed during fit.\n"
    with pytest.raises(ValueError) as error:
        forest.predict(frame[["rsrp", "prb", *NAMES[2:]]])
    assert str(error.value) == (
        f"{start}Feature names must be in the same order as they were in fit.\n"
        'Column 0 of X is "rsrp", expected "prb" (try X[list(detector.feature_names_in_)])'
    )
    with pytest.raises(ValueError) as error:
        forest.score_samples(frame[NAMES[:4]])
    assert str(error.value) == (
        f"{start}Feature names seen at fit time, yet now missing:\n- traffic\n- users\n"
    )
    extra = kind({**dict(zip(NAMES, X.T, strict=True)), "cell": X[:, 0]})
    with pytest.raises(ValueError) as error:
        forest.explain(extra)
    assert str(error.value) == f"{start}Feature names unseen at fit time:\n- cell\n"
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        forest.predict(X)


# Categories ------------------------------------------------------------------------------------


def protocols(n, seed=0, rare=0.0):
    rng = np.random.default_rng(seed)
    protocol = rng.choice(["tcp", "udp", "icmp"], n, p=[0.6, 0.35, 0.05]).astype(object)
    protocol[rng.uniform(size=n) < rare] = "gre"
    return pd.DataFrame({"bytes": rng.normal(1000, 100, n), "protocol": protocol})


@pytest.mark.parametrize("features", [["protocol"], [1], [False, True], "from_dtype", [-1]])
@pytest.mark.parametrize("kind", ["pandas", "category", "polars", "enum", "arrow"])
def test_categories_are_named_in_many_ways(features, kind):
    table = protocols(800)
    plain = IsolationForest(random_state=0, categorical_features=["protocol"]).fit(table)
    frame = {
        "pandas": lambda: table,
        "category": lambda: table.astype({"protocol": "category"}),
        "polars": lambda: pl.from_pandas(table),
        "enum": lambda: pl.from_pandas(table).cast({"protocol": pl.Enum(["udp", "tcp", "icmp"])}),
        "arrow": lambda: pa.Table.from_pandas(table),
    }[kind]()
    forest = IsolationForest(random_state=0, categorical_features=features).fit(frame)
    assert forest.categories_ == {1: ["icmp", "tcp", "udp"]}
    assert (forest.score_samples(frame) == plain.score_samples(table)).all()


def test_arrays_may_hold_categories_too():
    table = protocols(500)
    mixed = table.to_numpy(dtype=object)
    forest = IsolationForest(random_state=0, categorical_features=[1])
    named = IsolationForest(random_state=0, categorical_features=["protocol"]).fit(table)
    assert (forest.fit(mixed).score_samples(mixed) == named.score_samples(table)).all()
    assert (forest.score_samples(mixed.tolist()) == named.score_samples(table)).all()
    codes = np.column_stack(
        [table["bytes"], table["protocol"].map({"tcp": 7, "udp": 3, "icmp": 1})]
    )
    numbers = IsolationForest(random_state=0, categorical_features=[1]).fit(codes)
    assert numbers.categories_ == {1: [1.0, 3.0, 7.0]}
    moved = codes.copy()
    moved[:, 1] *= 100  # the size of a category's number means nothing
    again = IsolationForest(random_state=0, categorical_features=[1]).fit(moved)
    assert (again.score_samples(moved) == numbers.score_samples(codes)).all()


def test_a_rare_category_is_the_reason_and_a_new_one_or_none_is_allowed():
    table = protocols(3000, rare=0.002)
    forest = IsolationForest(
        n_estimators=300, random_state=0, categorical_features=["protocol"], max_samples=1024
    )
    forest.fit(table)
    normal, rare = table[table["protocol"] == "tcp"], table[table["protocol"] == "gre"]
    assert forest.score_samples(rare).max() < np.median(forest.score_samples(normal))
    assert (forest.reasons(rare, top=1)["reason_1"] == "protocol = gre").mean() > 0.6
    strange = pd.DataFrame({"bytes": [1000.0, 1000.0], "protocol": ["sctp", None]})
    assert np.isfinite(forest.score_samples(strange)).all()
    assert forest.explain(strange).shape == (2, 2)


def test_categories_go_through_files_and_warm_starts(tmp_path):
    table = protocols(400)
    forest = IsolationForest(
        n_estimators=10, random_state=0, categorical_features="from_dtype", warm_start=True
    ).fit(table)
    forest.save(tmp_path / "m.lw")
    again = lw.load(tmp_path / "m.lw")
    assert again.categories_ == forest.categories_
    assert (again.score_samples(table) == forest.score_samples(table)).all()
    more = protocols(400, seed=1, rare=0.1)
    forest.set_params(n_estimators=20).fit(more)
    assert forest.categories_ == {1: ["icmp", "tcp", "udp", "gre"]}
    assert np.isfinite(forest.score_samples(more)).all()


# Explanations ----------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["classic", "extended", "pooled"])
@pytest.mark.parametrize("bootstrap", [True, False])
def test_contributions_add_up_to_the_exponent(preset, bootstrap, X):
    holes = X.copy()
    holes[::7, 3] = np.nan
    forest = IsolationForest(preset=preset, bootstrap=bootstrap, random_state=0).fit(holes)
    exponent = -np.log2(-forest.score_samples(holes))
    total = forest.base_exponent_ + forest.explain(holes).sum(axis=1)
    np.testing.assert_allclose(total, exponent, atol=1e-9, rtol=0)
    if not bootstrap:
        assert forest.base_exponent_ == pytest.approx(1, abs=1e-12)


def slow_contributions(forest, row):
    """Path by path: each split gives its column the change of the expected path length."""

    def c(n):
        if n <= 2:
            return float(n == 2)
        return 2 * (np.log(n - 1) + np.euler_gamma) - 2 * (n - 1) / n

    out = np.zeros(len(row))
    for tree in forest.estimators_:
        a = tree.arrays()
        node = 0
        while a["feature"][node] >= 0:
            column = a["feature"][node]
            child = int(a["left"][node] + (row[column] > a["threshold"][node]))
            out[column] += 1 + c(a["n_samples"][child]) - c(a["n_samples"][node])
            node = child
    return out / (len(forest.estimators_) * c(forest.max_samples_))


def test_contributions_are_what_their_definition_says(X, forest):
    for row in X[:20]:
        np.testing.assert_allclose(
            forest.explain(row[None])[0], slow_contributions(forest, row), atol=1e-12
        )


@pytest.mark.parametrize("preset", ["classic", "extended", "pooled"])
def test_the_planted_column_is_the_first_reason(preset, X):
    forest = IsolationForest(preset=preset, random_state=0).fit(X)
    planted = X[:200].copy()
    columns = np.arange(200) % 6
    planted[np.arange(200), columns] = 5
    first = forest.reasons(planted, top=1)[:, 0]
    assert np.mean([text == f"x{k} = 5" for text, k in zip(first, columns, strict=True)]) > 0.9


def test_reasons_are_sorted_named_and_end_where_nothing_is_left(forest):
    row = np.array([[7.25, 0.0, -8, 0.0, 0.0, 0.0]])
    shares = forest.explain(row)[0]
    reasons = forest.reasons(row, top=6)[0]
    names = [text.split(" = ")[0] for text in reasons if text]
    order = [f"x{k}" for k in np.argsort(shares) if shares[k] < 0]
    assert names == order and set(names[:2]) == {"x0", "x2"}
    assert {"x0 = 7.25", "x2 = -8"} <= set(reasons)
    assert (forest.reasons(row, top=20)[0] == reasons).all()
    missing = np.array([[9.0, np.nan, 0, 0, 0, 0]])
    assert "x0 = 9" in forest.reasons(missing)[0]
    for top, kind, message in (
        (0, ValueError, "top must be at least 1, got 0"),
        (1.5, TypeError, "top must be a whole number, got 1.5"),
    ):
        with pytest.raises(kind) as error:
            forest.reasons(row, top=top)
        assert str(error.value) == message


def test_importances_name_the_columns_that_isolate(X):
    skewed = X.copy()
    skewed[:60, 4] *= 30
    importances = IsolationForest(random_state=0).fit(skewed).feature_importances_
    assert importances.sum() == pytest.approx(1) and (importances >= 0).all()
    assert importances.argmax() == 4


# Saving, exporting, speed of a call ------------------------------------------------------------


def test_pickle_and_joblib_keep_every_bit(X, forest, tmp_path):
    scores = forest.score_samples(X)
    again = pickle.loads(pickle.dumps(forest))
    assert (again.score_samples(X) == scores).all()
    joblib.dump(forest, tmp_path / "m.joblib")
    third = joblib.load(tmp_path / "m.joblib")
    assert (third.explain(X) == forest.explain(X)).all()
    assert third.get_params() == forest.get_params()


@pytest.mark.parametrize("options", [{}, {"bootstrap": True}, {"contamination": 0.1}, {"nan": 1}])
def test_onnx_gives_the_same_scores(options, X):
    onnxruntime = pytest.importorskip("onnxruntime")
    options, X = dict(options), X.copy()
    X[:, 0] += 1.7e9  # thresholds are float64
    if options.pop("nan", 0):
        X[np.random.default_rng(0).uniform(size=X.shape) < 0.1] = np.nan
    forest = IsolationForest(random_state=0, **options).fit(X)
    forest = forest + IsolationForest(max_samples=64, n_estimators=20, random_state=0).fit(X)
    model = forest.to_onnx()
    session = onnxruntime.InferenceSession(model.SerializeToString())
    new = np.vstack([X, 3 * X])
    scores, labels = session.run(["score_samples", "label"], {"X": new})
    np.testing.assert_allclose(scores, forest.score_samples(new), atol=1e-5, rtol=0)
    far = np.abs(forest.decision_function(new)) > 1e-5
    assert (labels[far] == forest.predict(new)[far]).all()


@pytest.mark.parametrize("n_features", [3, 40])
def test_onnx_agrees_on_100_000_rows_within_1e_5(n_features, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    rng = np.random.default_rng(n_features)
    forest = IsolationForest(n_estimators=50, contamination=0.05, random_state=0)
    forest.fit(rng.standard_t(3, size=(5000, n_features)))
    new = rng.standard_t(3, size=(100_000, n_features))
    new[rng.uniform(size=new.shape) < 0.02] = np.nan
    # From a file, as a box without Python would load it.
    (tmp_path / "m.onnx").write_bytes(forest.to_onnx().SerializeToString())
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    scores, labels = session.run(["score_samples", "label"], {"X": new})
    expected = forest.score_samples(new)
    np.testing.assert_allclose(scores, expected, atol=1e-5, rtol=0)
    differ = labels != forest.predict(new)
    assert (np.abs(expected[differ] - forest.offset_) <= 1e-5).all() and differ.sum() < 10
    assert 1000 < (labels == -1).sum() < 20_000


def test_onnx_of_one_training_row_and_of_names(X):
    onnxruntime = pytest.importorskip("onnxruntime")
    frame = pd.DataFrame(X[:1], columns=NAMES)
    forest = IsolationForest(n_estimators=3).fit(frame)
    model = forest.to_onnx()
    assert model.metadata_props[0].value.split("\n") == NAMES
    session = onnxruntime.InferenceSession(model.SerializeToString())
    scores, _ = session.run(None, {"X": X[:5]})
    np.testing.assert_allclose(scores, np.full(5, -0.5), atol=1e-6)


def test_onnx_refuses_what_it_cannot_say(X, monkeypatch):
    pytest.importorskip("onnx")
    forest = IsolationForest(preset="pooled", n_estimators=3).fit(X)
    with pytest.raises(ValueError) as error:
        forest.to_onnx()
    assert str(error.value) == (
        "ONNX trees split on one feature at a time, but this forest has splits over several "
        "(preset='pooled'); fit preset=\"classic\" for to_onnx"
    )
    table = protocols(100)
    forest = IsolationForest(n_estimators=3, categorical_features=["protocol"]).fit(table)
    with pytest.raises(ValueError) as error:
        forest.to_onnx()
    assert str(error.value) == (
        "ONNX trees have no splits of categories, but this forest has categorical features "
        '("protocol"); encode them as numbers for to_onnx'
    )
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError) as error:
        IsolationForest(n_estimators=3).fit(X).to_onnx()
    assert str(error.value) == 'to_onnx needs onnx: pip install "linewatch[onnx]"'


def test_one_row_takes_the_direct_path(X, forest, monkeypatch):
    row = X[:1]
    expected = forest.score_samples(X)[:1]

    def slow(*args, **kwargs):
        raise AssertionError("a plain float array needs no validation")

    monkeypatch.setattr(IsolationForest, "_read", slow)
    for one in (row, np.asfortranarray(row)):
        assert (forest.score_samples(one) == expected).all()
        assert forest.predict(one).tolist() == forest.predict(X)[:1].tolist()
    timeit.timeit(lambda: forest.score_samples(row), number=10)
    with pytest.raises(AssertionError):
        forest.score_samples(row.tolist())


def test_progress_adds_up_to_the_rows(X, forest):
    for call in (forest.score_samples, forest.explain):
        told = []
        call(X, progress=told.append)
        assert sum(told) == len(X)
    told = []
    forest.score_samples(sparse.csr_array(X), progress=told.append)
    assert sum(told) == len(X)
    with pytest.raises(TypeError) as error:
        forest.score_samples(X, progress=3)
    expected = "progress must be True, False or a function, but 3 is not callable"
    assert str(error.value) == expected


def test_verbose_says_what_was_done(X, capsys):
    IsolationForest(n_estimators=7, verbose=1).fit(X)
    err = capsys.readouterr().err
    assert err.startswith("IsolationForest: 7 trees of 256 rows from 2000 x 6 in ")
    IsolationForest(n_estimators=7).fit(X)
    assert capsys.readouterr().err == ""


# Bad input -------------------------------------------------------------------------------------


def with_value(value, dtype=float):
    X = np.ones((4, 2), dtype=dtype)
    X[2, 1] = value
    return X


@pytest.mark.parametrize(
    ("X", "kind", "message"),
    [
        (
            with_value(np.inf),
            ValueError,
            "X must be finite or missing (NaN), got inf in row 2, column 1",
        ),
        (
            pd.DataFrame(with_value(-np.inf), columns=["a", "b"]),
            ValueError,
            'X must be finite or missing (NaN), got -inf in row 2, column "b"',
        ),
        (
            sparse.csr_array(with_value(np.inf)),
            ValueError,
            "X must be finite or missing (NaN), got inf in row 2, column 1",
        ),
        (
            with_value("tcp", object),
            ValueError,
            "X has the text 'tcp' in row 2, column 1; expected numbers (encode the column, or "
            "pass a frame to a detector with categorical_features)",
        ),
        (
            pl.DataFrame({"a": [1.0], "protocol": ["tcp"]}),
            TypeError,
            'column "protocol" of X has dtype String; expected numbers '
            "(try casting it to pl.Float64); a column of categories is to be named in "
            "categorical_features",
        ),
        (
            with_value(2**60, np.int64),
            ValueError,
            "X[2, 1] is 1152921504606846976; whole numbers beyond 2**53 are not exact as float64 "
            "(cast to float64 first to accept rounding)",
        ),
        (
            np.empty((0, 2)),
            ValueError,
            "Found array with 0 sample(s) (shape=(0, 2)) while a minimum of 1 is required by "
            "IsolationForest.",
        ),
        (
            np.empty((2, 0)),
            ValueError,
            "Found array with 0 feature(s) (shape=(2, 0)) while a minimum of 1 is required by "
            "IsolationForest.",
        ),
        (
            pl.DataFrame({"a": [1.0]}).lazy(),
            TypeError,
            "X is a Polars LazyFrame; expected data (try X.collect())",
        ),
    ],
)
def test_wrong_input_of_fit_is_refused(X, kind, message):
    with pytest.raises(kind) as error:
        IsolationForest().fit(X)
    assert str(error.value) == message


def test_wrong_input_of_scoring_is_refused(X, forest):
    bad = X[:5].copy()
    bad[3, 1] = np.inf
    for values in (bad, bad.tolist(), sparse.csr_array(bad)):
        for call in (forest.score_samples, forest.predict, forest.explain, forest.reasons):
            with pytest.raises(ValueError) as error:
                call(values)
            expected = "X must be finite or missing (NaN), got inf in row 3, column 1"
            assert str(error.value) == expected
    named = IsolationForest(n_estimators=3).fit(pd.DataFrame(X, columns=NAMES))
    with pytest.raises(ValueError) as error:
        named.predict(pd.DataFrame(bad, columns=NAMES))
    expected = 'X must be finite or missing (NaN), got inf in row 3, column "rsrp"'
    assert str(error.value) == expected
    with pytest.raises(ValueError) as error:
        forest.predict(X[:, :4])
    assert str(error.value) == (
        "X has 4 features, but IsolationForest is expecting 6 features as input."
    )
    with pytest.raises(ValueError) as error:
        forest.predict(np.empty((0, 6)))
    assert str(error.value) == (
        "Found array with 0 sample(s) (shape=(0, 6)) while a minimum of 1 is required by "
        "IsolationForest."
    )


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        (
            {"n_estimators": 0},
            ValueError,
            "The 'n_estimators' parameter of IsolationForest must be an int in the range "
            "[1, inf). Got 0 instead.",
        ),
        ({"max_samples": 0.001}, ValueError, "max_samples=0.001 of 200 rows is no row"),
        ({"max_features": 7}, ValueError, "max_features must be from 1 to n_features (6), got 7"),
        (
            {"preset": "fast"},
            ValueError,
            None,
        ),
        (
            {"categorical_features": ["protocol"]},
            ValueError,
            'categorical_features names "protocol", but X has no column names; give column '
            "numbers, or X as a frame",
        ),
        (
            {"categorical_features": [6]},
            ValueError,
            "categorical_features has column 6, but X has 6 features",
        ),
        (
            {"categorical_features": [True]},
            ValueError,
            "categorical_features has 1 booleans, but X has 6 features",
        ),
        (
            {"categorical_features": "from_dtype"},
            ValueError,
            'categorical_features="from_dtype" needs a frame, got an array',
        ),
        (
            {"n_jobs": 0},
            ValueError,
            "n_jobs must be a number of threads, or negative to count back from all cores (-1), "
            "got 0",
        ),
    ],
)
def test_wrong_parameters_are_refused(options, kind, message, X):
    with pytest.raises(kind) as error:
        IsolationForest(**options).fit(X[:200])
    if message is None:
        assert "parameter of IsolationForest must be a str among" in str(error.value)
    else:
        assert str(error.value) == message


def test_too_many_rows_for_a_tree_are_a_warning(X):
    message = re.escape(
        "max_samples (1000) is greater than the total number of samples (50). max_samples will be "
        "set to n_samples for estimation."
    )
    with pytest.warns(UserWarning, match=f"^{message}$"):
        forest = IsolationForest(max_samples=1000).fit(X[:50])
    assert forest.max_samples_ == 50


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.r_[-1.0, np.ones(199)], None),
        (np.zeros(200), None),
        (np.r_[np.nan, np.ones(199)], "Input sample_weight contains NaN."),
    ],
)
def test_wrong_weights_are_refused(weight, message, X):
    with pytest.raises(ValueError) as error:
        IsolationForest().fit(X[:200], sample_weight=weight)
    assert "weight" in str(error.value)
    if message is not None:
        assert str(error.value) == message


def test_half_precision_one_row_and_whole_numbers_are_taken(rng):
    X = rng.normal(size=(50, 3))
    half = IsolationForest(random_state=0).fit(X.astype(np.float16))
    assert np.isfinite(half.score_samples(X.astype(np.float16))).all()
    one = IsolationForest(random_state=0).fit(X[:1])
    assert one.predict(X).tolist() == [1] * 50 and one.max_samples_ == 1
    whole = rng.integers(-5, 5, size=(50, 3))
    forest = IsolationForest(random_state=0).fit(whole)
    assert (forest.score_samples(whole) == forest.score_samples(whole.astype(float))).all()
    flags = whole > 0
    assert np.isfinite(IsolationForest(random_state=0).fit(flags).score_samples(flags)).all()


def test_attributes_are_not_there_before_fit():
    forest = IsolationForest()
    for name in ("estimators_", "estimators_samples_", "feature_importances_", "base_exponent_"):
        with pytest.raises(AttributeError) as error:
            getattr(forest, name)
        assert str(error.value) == f"IsolationForest has no {name} before fit"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert repr(forest) == "IsolationForest()"
