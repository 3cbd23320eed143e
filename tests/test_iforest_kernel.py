"""The compiled isolation forest and the model files, below `linewatch.IsolationForest`."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.ensemble import IsolationForest

from linewatch._core import Forest, average_path_length, find_infinite, read_model, write_model

PRESETS = {"classic": (1, 0.0), "extended": (4, 0.0), "pooled": (2, 0.5)}


@pytest.fixture
def x(rng):
    """Normal rows and, at the end, twenty far from them."""
    x = rng.normal(size=(2_000, 4))
    x[-20:] += rng.choice([-5, 5], size=(20, 4))
    return x


@pytest.fixture(params=PRESETS)
def forest(request, x):
    columns_per_split, gain = PRESETS[request.param]
    return Forest.fit(x, columns_per_split=columns_per_split, gain=gain, seed=1)


def test_scores_rank_rows_as_scikit_learn_does(x):
    peer = [IsolationForest(random_state=seed).fit(x).score_samples(x) for seed in range(4)]
    ours = [Forest.fit(x, seed=seed).score_samples(x) for seed in range(4)]
    among_peers = np.mean([spearmanr(peer[0], other)[0] for other in peer[1:]])
    across = np.mean([spearmanr(peer[0], score)[0] for score in ours])
    assert across > among_peers - 0.03
    assert abs(np.mean(ours) - np.mean(peer)) < 0.01


def test_average_path_lengths_are_scikit_learns():
    from sklearn.ensemble._iforest import _average_path_length

    n = np.array([0, 1, 2, 3, 100, 1024, 1025, 10**6])
    np.testing.assert_allclose([average_path_length(int(i)) for i in n], _average_path_length(n))


def test_anomalies_score_lowest_with_every_preset(x, forest):
    score = forest.score_samples(x)
    assert set(np.argsort(score)[:15]) <= set(range(1_980, 2_000))
    assert ((score > -1) & (score < 0)).all()
    depth = forest.depths(x)
    np.testing.assert_allclose(score, -(2 ** (-depth / average_path_length(256))), rtol=1e-14)


def test_scores_are_equal_for_any_threads_batch_order_and_type(x, forest):
    whole = forest.score_samples(x, n_jobs=1)
    np.testing.assert_array_equal(whole, forest.score_samples(x, n_jobs=3))
    np.testing.assert_array_equal(whole, forest.score_samples(np.asfortranarray(x)))
    np.testing.assert_array_equal(whole[::-3], forest.score_samples(x[::-3]))
    wide = np.repeat(x, 2, axis=1)
    np.testing.assert_array_equal(whole, forest.score_samples(wide[:, ::2]))
    one_by_one = [forest.score_samples(row[None])[0] for row in x[:50]]
    np.testing.assert_array_equal(whole[:50], one_by_one)
    single = x.astype(np.float32)
    np.testing.assert_array_equal(
        forest.score_samples(single), forest.score_samples(single.astype(np.float64))
    )


def test_more_trees_later_are_the_trees_of_one_fit(x):
    whole = Forest.fit(x, n_estimators=30, seed=5)
    assert whole == Forest.fit(x, n_estimators=30, seed=5, n_jobs=2)
    first = Forest.fit(x, n_estimators=20, seed=5)
    rest = Forest.fit(x, n_estimators=10, seed=5, first_tree=20)
    assert first.extended_by(rest) == whole
    assert whole.subset(0, 20) == first
    assert Forest.fit(x, n_estimators=30, seed=6) != whole


def test_forests_of_different_samples_merge(x):
    small = Forest.fit(x, n_estimators=10, max_samples=64)
    large = Forest.fit(x, n_estimators=30, max_samples=512)
    both = small.extended_by(large)
    depth = (10 * small.depths(x) + 30 * large.depths(x)) / 40
    c = (10 * average_path_length(64) + 30 * average_path_length(512)) / 40
    np.testing.assert_allclose(both.score_samples(x), -(2 ** (-depth / c)))
    phi, base = both.explain(x)
    np.testing.assert_allclose(base + phi.sum(axis=1), -np.log2(-both.score_samples(x)), atol=1e-9)


def test_contributions_add_up_and_name_the_column(x, forest):
    x[0, 2] = 9
    phi, base = forest.explain(x)
    assert phi.shape == x.shape
    exponent = -np.log2(-forest.score_samples(x))
    np.testing.assert_allclose(base + phi.sum(axis=1), exponent, atol=1e-9, rtol=0)
    assert phi[0].argmin() == 2
    np.testing.assert_array_equal(phi[5:9], forest.explain(x[5:9], n_jobs=1)[0])


def test_importances_name_the_column_with_the_anomalies(rng):
    x = rng.normal(size=(1_000, 3))
    x[::100, 1] *= 20
    for columns_per_split in (1, 3):
        forest = Forest.fit(x, columns_per_split=columns_per_split)
        importances = forest.importances()
        assert importances.argmax() == 1 and (importances > 0).all()


def test_large_samples_and_many_columns_take_the_wide_nodes(rng):
    x = rng.normal(size=(40_000, 2))
    forest = Forest.fit(x, n_estimators=3, max_samples=40_000)
    assert forest.n_nodes > 3 * 2**12
    score = forest.score_samples(x)
    arrays = forest.arrays()
    np.testing.assert_allclose(score[:20], [_slow_score(arrays, row) for row in x[:20]])
    wide = rng.normal(size=(50, 70_000)).astype(np.float32)
    forest = Forest.fit(wide, n_estimators=5, max_samples=50)
    arrays = forest.arrays()
    assert arrays["feature"].max() > 2**16
    expected = [_slow_score(arrays, row) for row in wide[:20]]
    np.testing.assert_allclose(forest.score_samples(wide[:20]), expected)


def _slow_score(arrays, row):
    """The score of a row by the flat arrays, as the documentation describes them."""
    depth = c = 0.0
    for t, start in enumerate(arrays["tree_start"][:-1].astype(int)):
        at = start
        while arrays["feature"][at] != -1:
            feature = arrays["feature"][at]
            if feature == -2:
                first, last = arrays["term_start"][at : at + 2].astype(int)
                distance = row[arrays["term_column"][first:last]] - arrays["term_mean"][first:last]
                value = arrays["term_coef"][first:last] @ distance
            else:
                value = float(row[feature])
            at = start + arrays["left"][at] + int(value > arrays["threshold"][at])
            depth += 1
        depth += average_path_length(int(arrays["n_samples"][at]))
        c += average_path_length(int(arrays["tree_samples"][t]))
    return -(2 ** (-depth / c))


def test_the_flat_arrays_are_the_forest(x, forest):
    arrays = forest.arrays()
    expected = [_slow_score(arrays, row) for row in x[:30]]
    np.testing.assert_allclose(forest.score_samples(x[:30]), expected)


def test_timestamps_and_offsets_keep_their_resolution():
    seconds = 1.7e9 + np.arange(500.0)[:, None]
    assert len(np.unique(Forest.fit(seconds).score_samples(seconds))) > 400


def test_missing_values_are_learnt_and_scored(x):
    x[::5, 1] = np.nan
    x[:, 3] = np.nan
    forest = Forest.fit(x)
    score = forest.score_samples(x)
    assert np.isfinite(score).all()
    assert not np.isin(3, forest.arrays()["feature"])
    x[:, 3] = 1e6
    np.testing.assert_array_equal(score, forest.score_samples(x))


def test_categories_are_split_into_sets(rng):
    x = np.column_stack([rng.integers(0, 4, 3_000), rng.normal(size=3_000)])
    x[:3, 0] = 40_000
    forest = Forest.fit(x, max_samples=3_000, categorical=[0])
    score = forest.score_samples(x)
    assert score[:3].max() < np.quantile(score, 0.02)
    assert forest.categorical == [0]
    x[7, 0] = 1.5
    with pytest.raises(ValueError) as error:
        forest.score_samples(x)
    assert str(error.value) == (
        "X must be whole category codes from 0 to 65535 in a categorical column, "
        "got 1.5 in row 7, column 0"
    )


def test_weights_are_chances(rng):
    x = np.concatenate([rng.normal(size=500), rng.normal(size=500) + 10])[:, None]
    weight = np.repeat([1.0, 0.0], 500)
    score = Forest.fit(x, sample_weight=weight).score_samples(x)
    assert score[500:].max() < np.median(score[:500])


def test_infinity_and_other_widths_are_refused(x):
    forest = Forest.fit(x)
    for dtype in (np.float32, np.float64):
        bad = x.astype(dtype)
        bad[[1_500, 30], [0, 2]] = -np.inf
        for call in (forest.score_samples, forest.explain):
            with pytest.raises(ValueError) as error:
                call(bad)
            text = "X must be finite or missing (NaN), got -inf in row 30, column 2"
            assert str(error.value) == text
        assert find_infinite(bad) == (30, 2)
        assert find_infinite(np.asfortranarray(bad), n_jobs=2) == (30, 2)
    with pytest.raises(ValueError) as error:
        Forest.fit(bad, max_samples=2_000)
    assert "-inf in row" in str(error.value)
    assert find_infinite(x) is None
    with pytest.raises(ValueError, match="X has 1 feature, but this forest was fitted on 4"):
        forest.score_samples(x[:, :1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_samples": 0}, "max_samples must be from 1 to 2000, the number of rows, got 0"),
        ({"max_features": 5}, "max_features must be from 1 to 4, the number of columns, got 5"),
        ({"gain": 1.5}, "gain must be from 0 to 1, got 1.5"),
        ({"categorical": [4]}, "categorical must be columns from 0 to 3, got 4"),
        ({"n_estimators": 0}, "n_estimators must be from 1 to 16777216, got 0"),
        ({"sample_weight": np.ones(3)}, "sample_weight has 3 values, expected 2000"),
        (
            {"n_jobs": 0},
            "n_jobs must be a number of threads, or negative to count back from all cores (-1), "
            "got 0",
        ),
    ],
)
def test_settings_out_of_range_are_refused(x, arguments, message):
    with pytest.raises(ValueError) as error:
        Forest.fit(x, **arguments)
    assert str(error.value) == message


def test_what_is_no_matrix_of_floats_is_refused(x):
    message = "X must be a 2-D array of float32 or float64, got 2 dimensions of int64"
    with pytest.raises(TypeError) as error:
        Forest.fit(x.astype(np.int64))
    assert str(error.value) == message
    for empty in (np.empty((0, 3)), np.empty((3, 0))):
        with pytest.raises(ValueError, match="X must be a matrix of 1 to"):
            Forest.fit(empty, max_samples=1)


def test_progress_counts_trees_and_rows(x):
    told = []
    forest = Forest.fit(x, n_estimators=50, progress=told.append)
    assert sum(told) == 50
    told.clear()
    forest.score_samples(x, progress=told.append)
    assert sum(told) == 2_000


def test_pickles_and_files_bring_back_the_forest(x, forest, tmp_path):
    assert pickle.loads(pickle.dumps(forest)) == forest
    path = tmp_path / "forest.model"
    train = np.asfortranarray(x[:10])
    forest.save(path, '{"columns": ["a"]}', {"train": train, "flag": np.uint8([1])})
    assert [p.name for p in tmp_path.iterdir()] == ["forest.model"]
    loaded, metadata, extra = Forest.load(path)
    assert loaded == forest and metadata == '{"columns": ["a"]}'
    np.testing.assert_array_equal(extra["train"], train)
    assert not extra["train"].flags.writeable and list(extra) == ["train", "flag"]
    np.testing.assert_array_equal(loaded.score_samples(x), forest.score_samples(x))


def test_a_model_file_holds_any_arrays(tmp_path):
    path = tmp_path / "any.model"
    arrays = {
        "a": np.arange(6, dtype=np.int16).reshape(2, 3),
        "empty": np.empty((0, 4), dtype=np.float32),
        "scalar": np.array(2.5),
        "strided": np.arange(10.0)[::2],
    }
    write_model(path, "neighbors", "{}", arrays)
    kind, metadata, read = read_model(path, "neighbors")
    assert (kind, metadata, list(read)) == ("neighbors", "{}", list(arrays))
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype and read[name].shape == array.shape
        np.testing.assert_array_equal(read[name], array)
    path.unlink()
    assert read["a"].sum() == 15, "the mapped file lives as long as its arrays"
    with pytest.raises(TypeError) as error:
        write_model(path, "k", "{}", {"names": np.array(["x"], dtype=object)})
    assert str(error.value) == (
        'array "names" must be a NumPy array of integers or of float32 or float64, '
        "got an array of object"
    )
    assert not path.exists()


def test_damaged_newer_and_foreign_files_are_refused(x, tmp_path):
    path = tmp_path / "forest.model"
    Forest.fit(x, n_estimators=2).save(path)
    sound = path.read_bytes()

    def refusal(data):
        path.write_bytes(data)
        with pytest.raises(ValueError) as error:
            Forest.load(path)
        return str(error.value)

    half = len(sound) // 2
    damage = f"{path} is damaged (its checksum is wrong): copy or save it again"
    assert refusal(sound[:half]) == f"{path} is cut short: {half} bytes of {len(sound)}"
    assert refusal(sound[:200] + b"\xff" + sound[201:]) == damage
    assert refusal(sound[:8] + b"\x02" + sound[9:]) == (
        f"{path} has version 2 of the format, but this linewatch reads version 1 "
        "(update linewatch, or save the model again)"
    )
    assert refusal(b"PK\x03\x04" * 100) == f"{path} is not a linewatch model file"
    assert refusal(b"") == f"{path} is not a linewatch model file"
    write_model(path, "neighbors", "{}", {})
    kinds = f'{path} holds a model of kind "neighbors", not "isolation forest"'
    assert refusal(path.read_bytes()) == kinds
    with pytest.raises(FileNotFoundError) as error:
        Forest.load(tmp_path / "none.model")
    assert str(error.value) == f"[Errno 2] No such file or directory: '{tmp_path / 'none.model'}'"
    with pytest.raises(ValueError, match=r"data is damaged"):
        Forest.from_bytes(sound[:-1] + b"\x01")


def test_loading_executes_nothing_and_needs_no_scikit_learn(x, tmp_path):
    path = tmp_path / "forest.model"
    Forest.fit(x, n_estimators=2).save(path)
    code = (
        "import sys; from linewatch._core import Forest; "
        f"print(Forest.load({str(path)!r})[0]); print('sklearn' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "<Forest of 2 trees on 4 features>\nFalse\n"
