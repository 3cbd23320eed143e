"""Model files: written whole, read without running anything, refused when damaged."""

import json
import os

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import LocalOutlierFactor

import linewatch as lw
from linewatch import AutoencoderDetector, IsolationForest, ThresholdedDetector, _core


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(3).normal(size=(400, 4))


def fitted(name, X):
    forest = IsolationForest(n_estimators=10, random_state=0, contamination=0.1)
    autoencoder = AutoencoderDetector(epochs=2, random_state=0)
    rule = {"costs": np.array([[0, 1], [30, 0]]), "prevalence": 0.01}
    detector = {
        "forest": forest,
        "autoencoder": autoencoder,
        "thresholded forest": ThresholdedDetector(
            forest, {"false_positive_rate": 0.05}, random_state=1, refractory="6h"
        ),
        "thresholded autoencoder": ThresholdedDetector(autoencoder, rule, random_state=1),
        "nested": ThresholdedDetector(
            ThresholdedDetector(forest, {"contamination": 0.1}), {"contamination": 0.2}
        ),
    }[name]
    y = np.abs(X).max(axis=1) > 2.2
    return detector.fit(pd.DataFrame(X, columns=list("abcd")), y)


KINDS = ["forest", "autoencoder", "thresholded forest", "thresholded autoencoder", "nested"]


@pytest.mark.parametrize("name", KINDS)
def test_a_loaded_detector_says_the_same(name, X, tmp_path):
    detector = fitted(name, X)
    frame = pd.DataFrame(2 * X, columns=list("abcd"))
    path = tmp_path / "model.lw"
    detector.save(path)
    for again in (lw.load(path), type(detector).load(str(path))):
        assert type(again) is type(detector)
        assert (again.score_samples(frame) == detector.score_samples(frame)).all()
        assert (again.predict(frame) == detector.predict(frame)).all()
        assert again.explain(frame).equals(detector.explain(frame))
        assert again.reasons(frame).equals(detector.reasons(frame))
        assert again.offset_ == detector.offset_
        assert list(again.feature_names_in_) == list("abcd") and again.n_features_in_ == 4
        if hasattr(detector, "operating_point_"):
            assert str(again.operating_point_) == str(detector.operating_point_)
        ours, theirs = again.get_params(deep=False), detector.get_params(deep=False)
        for parameter in set(ours) - {"detector", "rule"}:
            assert ours[parameter] == theirs[parameter]
    assert os.listdir(tmp_path) == ["model.lw"]


def test_what_a_forest_can_do_it_can_after_loading(X, tmp_path):
    forest = IsolationForest(n_estimators=10, random_state=0, warm_start=True).fit(X)
    forest.save(tmp_path / "m.lw")
    again = lw.load(tmp_path / "m.lw")
    pairs = zip(again.estimators_samples_, forest.estimators_samples_, strict=True)
    assert all((a == b).all() for a, b in pairs)
    for one in (again, forest):
        one.set_params(n_estimators=15).fit(X)
    assert (again.score_samples(X) == forest.score_samples(X)).all()
    again.save(tmp_path / "m.lw")  # over the file it was read from
    assert (lw.load(tmp_path / "m.lw").score_samples(X) == forest.score_samples(X)).all()


def test_rows_of_a_weighted_forest_are_not_in_its_file(X, tmp_path):
    weight = np.ones(len(X))
    forest = IsolationForest(n_estimators=3, random_state=0).fit(X, sample_weight=weight)
    assert len(forest.estimators_samples_) == 3
    forest.save(tmp_path / "m.lw")
    again = lw.load(tmp_path / "m.lw")
    assert (again.score_samples(X) == forest.score_samples(X)).all()
    with pytest.raises(AttributeError) as error:
        again.estimators_samples_  # noqa: B018, asking is the test
    assert str(error.value) == (
        "estimators_samples_ of a forest grown with sample_weight is not in its file"
    )


def test_a_generator_of_random_numbers_is_not_kept(X, tmp_path):
    forest = IsolationForest(n_estimators=3, random_state=np.random.RandomState(0)).fit(X)
    forest.save(tmp_path / "m.lw")
    assert lw.load(tmp_path / "m.lw").random_state is None


@pytest.mark.parametrize("name", ["forest", "autoencoder", "thresholded forest"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_file_cut_in_half_is_refused(name, share, X, tmp_path):
    path = tmp_path / "model.lw"
    fitted(name, X).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ValueError) as error:
        lw.load(path)
    assert str(error.value).startswith(str(path))


@pytest.mark.parametrize("name", ["forest", "autoencoder", "thresholded forest"])
def test_a_changed_byte_anywhere_is_refused(name, X, tmp_path):
    path = tmp_path / "model.lw"
    fitted(name, X).save(path)
    data = path.read_bytes()
    for place in np.linspace(0, len(data) - 1, 60).astype(int):
        changed = bytearray(data)
        changed[place] ^= 0x40
        path.write_bytes(changed)
        with pytest.raises(ValueError):
            lw.load(path)


def test_a_file_that_is_no_model_is_refused(tmp_path):
    path = tmp_path / "m.lw"
    path.write_text("a,b\n1,2\n" * 100)
    with pytest.raises(ValueError) as error:
        lw.load(path)
    assert str(error.value).startswith(str(path))
    with pytest.raises(FileNotFoundError):
        lw.load(tmp_path / "none.lw")


def test_another_kind_of_model_is_refused(X, tmp_path):
    path = tmp_path / "m.lw"
    fitted("forest", X).save(path)
    with pytest.raises(ValueError) as error:
        AutoencoderDetector.load(path)
    assert str(error.value) == (
        f"{path} holds a model of kind 'isolation forest'; expected 'autoencoder' "
        "(linewatch.load reads every kind)"
    )
    _core.write_model(str(path), "oracle", "{}", {})
    with pytest.raises(ValueError) as error:
        lw.load(path)
    expected = f"{path} holds a model of kind 'oracle', which this linewatch cannot read"
    assert str(error.value) == expected


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("{}", "'parameters'"),
        ("[]", "'settings are not an object'"),
        ('{"parameters": {"speed": 1}}', "unexpected keyword argument 'speed'"),
    ],
)
def test_a_whole_file_with_the_wrong_content_is_refused(settings, reason, tmp_path):
    path = tmp_path / "m.lw"
    _core.write_model(str(path), "autoencoder", settings, {})
    with pytest.raises(ValueError) as error:
        lw.load(path)
    text = str(error.value)
    assert text.startswith(f"{path} does not hold what a model of kind 'autoencoder' needs (")
    assert reason in text


def test_a_layer_of_another_shape_is_refused(X, tmp_path):
    path = tmp_path / "m.lw"
    detector = AutoencoderDetector(epochs=1).fit(X)
    settings, arrays = detector._to_model()
    arrays["weights_1"] = arrays["weights_1"][:-1]
    text = json.dumps(settings)
    _core.write_model(str(path), "autoencoder", text, arrays)
    with pytest.raises(ValueError) as error:
        lw.load(path)
    assert "layer 1 has weights of shape" in str(error.value)


def test_a_file_that_cannot_be_written_leaves_nothing(X, tmp_path):
    forest = IsolationForest(n_estimators=2).fit(X)
    with pytest.raises(OSError):
        forest.save(tmp_path / "no such folder" / "m.lw")
    assert os.listdir(tmp_path) == []


def test_a_detector_of_another_library_is_not_saved(X):
    lof = LocalOutlierFactor(n_neighbors=5, novelty=True)
    detector = ThresholdedDetector(lof, {"contamination": 0.1}).fit(X)
    assert not hasattr(detector, "save")


def test_a_folder_is_no_model(tmp_path):
    with pytest.raises(IsADirectoryError) as error:
        lw.load(tmp_path)
    assert str(error.value) == f"{tmp_path} is a folder; expected a file that save() wrote"
