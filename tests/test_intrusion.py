"""The intrusion workflow on made-up rows: features, detector, evaluation, pictures."""

import importlib.util
import json
import re
import subprocess
import sys

import matplotlib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone, is_outlier_detector
from sklearn.exceptions import NotFittedError

import linewatch as lw
from linewatch import cli, intrusion

matplotlib.use("Agg")


def message(text):
    return f"^{re.escape(text)}$"


@pytest.fixture(scope="module")
def core():
    return intrusion.simulate_core(2500, seed=0)


def small(seed=0):
    """The recommended detector with fewer trees, to be quick."""
    return intrusion.IntrusionDetector(n_estimators=30, random_state=seed)


@pytest.fixture(scope="module")
def detector(core):
    return small().fit(core, core["attack"])


# The simulated core


def test_simulated_rows_are_the_same_for_the_same_seed():
    one, two = (intrusion.simulate_core(500, seed=3) for _ in range(2))
    assert one.equals(two)
    assert not one.equals(intrusion.simulate_core(500, seed=4))


def test_simulated_attacks_are_as_many_as_asked_for_and_all_kinds():
    frame = intrusion.simulate_core(1003, attack_share=0.2, seed=0)
    assert frame["attack"].sum() == 201
    counts = frame.filter(pl.col("attack") == 1)["label"].value_counts()
    assert set(counts["label"]) == set(intrusion.ATTACKS)
    assert counts["count"].max() - counts["count"].min() <= 1


def test_simulated_rates_and_counts_are_within_their_ranges(core):
    rates = core.select(pl.col("^.*_rate$"))
    assert rates.min_horizontal().min() >= 0 and rates.max_horizontal().max() <= 1
    assert core["dst_host_count"].max() <= 255
    assert core["duration"].min() >= 0


@pytest.mark.parametrize(("backend", "kind"), [("pandas", pd.DataFrame), ("pyarrow", pa.Table)])
def test_simulated_rows_come_as_the_kind_asked_for(backend, kind):
    assert isinstance(intrusion.simulate_core(10, seed=0, backend=backend), kind)


def test_an_attack_can_be_simulated_alone():
    frame = intrusion.simulate_core(50, attack_share=1, attacks=["sip_scan"], seed=0)
    assert frame["label"].unique().to_list() == ["sip_scan"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"n_rows": 0}, "n_rows must be at least 1, got 0"),
        ({"attack_share": 1.5}, "attack_share must be from 0 to 1, got 1.5"),
        (
            {"attacks": ["ddos"]},
            "attack 'ddos' is not known; there are registration_storm, session_setup_failure, "
            "gtp_tunnel_abuse, diameter_scan, sip_scan",
        ),
        ({"attacks": []}, "attacks is empty; name at least one, or set attack_share=0"),
    ],
)
def test_what_cannot_be_simulated_is_refused(arguments, text):
    with pytest.raises(ValueError, match=message(text)):
        intrusion.simulate_core(**arguments)


# Features


def records(**columns):
    n = len(next(iter(columns.values())))
    base = {
        "protocol_type": ["tcp"] * n,
        "service": ["http"] * n,
        "duration": [0.0] * n,
        "src_bytes": [0] * n,
        "dst_bytes": [0] * n,
        "srv_count": [1] * n,
    }
    return pl.DataFrame(base | columns)


def test_burstiness_and_symmetry_by_hand():
    frame = records(
        duration=[0.0, 1.999], srv_count=[5, 10], src_bytes=[300, 80], dst_bytes=[99, 0]
    )
    out = intrusion.telecom_features(frame)
    np.testing.assert_allclose(out["burstiness"], [5000.0, 5.0])
    np.testing.assert_allclose(out["symmetry_ratio"], [3.0, 80.0])


def test_traffic_of_each_function_by_hand():
    frame = records(
        protocol_type=["tcp", "gtp", "gtp", "sip", "diameter", "tcp"],
        service=["amf", "gtp_u", "gtp_c", "sip", "s6a", "http"],
        src_bytes=[10, 20, 30, 40, 50, 60],
    )
    out = intrusion.telecom_features(frame)
    assert out["amf_traffic"].to_list() == [10, 0, 0, 0, 0, 0]
    assert out["gtp_traffic"].to_list() == [0, 20, 30, 0, 0, 0]
    assert out["sip_traffic"].to_list() == [0, 0, 0, 40, 0, 0]
    assert out["diameter_traffic"].to_list() == [0, 0, 0, 0, 50, 0]
    assert out["is_signaling"].to_list() == [1, 0, 1, 1, 1, 0]
    assert "smf_traffic" not in out.columns


def test_a_data_set_without_the_core_gets_no_constant_columns_and_a_plain_word():
    frame = records(service=["http", "smtp"])
    added = set(intrusion.telecom_features(frame).columns) - set(frame.columns)
    assert added == {"burstiness", "symmetry_ratio"}
    counts, note = intrusion.network_functions(frame)
    assert sum(counts.values()) == 0
    assert note == (
        "No record of AMF, SMF, UPF, AUSF, GTP, SIP or Diameter: features of the 5G core cannot be "
        "made."
    )


def test_the_note_names_only_what_is_absent(core):
    assert intrusion.network_functions(core)[1] == "Every function of the 5G core has records."
    frame = core.filter(~pl.col("service").is_in(["sip", "upf"]))
    note = "No record of UPF or SIP: their features are left out."
    assert intrusion.network_functions(frame)[1] == note


@pytest.mark.parametrize(
    ("attack", "feature", "function"),
    [
        ("registration_storm", "burstiness", "amf"),
        ("registration_storm", "symmetry_ratio", "amf"),
        ("session_setup_failure", "symmetry_ratio", "smf"),
        ("gtp_tunnel_abuse", "symmetry_ratio", "gtp_u"),
        ("gtp_tunnel_abuse", "gtp_traffic", "gtp_u"),
        ("diameter_scan", "burstiness", "diameter"),
        ("diameter_scan", "symmetry_ratio", "diameter"),
        ("sip_scan", "burstiness", "sip"),
        ("sip_scan", "symmetry_ratio", "sip"),
    ],
)
def test_each_attack_moves_its_features(core, attack, feature, function):
    out = intrusion.telecom_features(core)
    normal = out.filter((pl.col("label") == "normal") & (pl.col("service") == function))[feature]
    there = out.filter(pl.col("label") == attack)[feature]
    assert there.median() > 2 * normal.quantile(0.9)


def test_attacks_on_a_function_add_to_the_records_of_that_function():
    quiet = intrusion.telecom_features(intrusion.simulate_core(4000, attack_share=0, seed=0))
    for attack, feature in [
        ("registration_storm", "amf_traffic"),
        ("session_setup_failure", "smf_traffic"),
        ("gtp_tunnel_abuse", "gtp_traffic"),
        ("diameter_scan", "diameter_traffic"),
        ("sip_scan", "sip_traffic"),
    ]:
        loud = intrusion.simulate_core(4000, attack_share=0.5, attacks=[attack], seed=0)
        loud = intrusion.telecom_features(loud)
        assert (loud[feature] > 0).mean() > 1.4 * (quiet[feature] > 0).mean()


def test_signaling_and_user_traffic_are_told_apart(core):
    out = intrusion.telecom_features(core)
    assert out.filter(pl.col("service").is_in(["gtp_u", "upf"]))["is_signaling"].sum() == 0
    assert out.filter(~pl.col("service").is_in(["gtp_u", "upf"]))["is_signaling"].min() == 1


def test_codes_are_those_of_the_original_notebook():
    frame = pl.DataFrame(
        {
            "protocol_type": ["tcp", "udp", "icmp", "gtp", "sip", "diameter", "sctp"],
            "service": ["http", "smtp", "ftp", "ssh", "amf", "ausf", "telnet"],
            "flag": ["SF", "S0", "REJ", "SF", "SF", "SF", "SF"],
        }
    )
    out = intrusion.encode(frame)
    assert out["protocol_type"].to_list() == [0, 1, 2, 3, 4, 5, 6]
    assert out["service"].to_list() == [0, 1, 2, 3, 10, 13, 99]
    assert out["flag"].to_list() == [2, 1, 0, 2, 2, 2, 2]


def test_correlated_columns_go_and_the_first_of_them_stays():
    x = np.arange(20.0)
    frame = pd.DataFrame({"a": x, "b": -2 * x, "c": x**2, "d": np.cos(x), "e": 1.0, "s": "text"})
    assert intrusion.correlated_columns(frame) == {"b": "a", "c": "a"}
    assert list(intrusion.drop_correlated(frame).columns) == ["a", "d", "e", "s"]
    assert list(intrusion.drop_correlated(frame, 0.97).columns) == ["a", "c", "d", "e", "s"]
    with pytest.raises(ValueError, match=message("threshold must be from 0 to 1, got 95")):
        intrusion.correlated_columns(frame, 95)


@pytest.mark.parametrize("kind", [pl.DataFrame, pd.DataFrame, pa.table])
def test_missing_values_are_counted_in_every_kind_of_frame(kind):
    columns = {"a": [1.0, None, 3.0], "b": ["x", None, None], "c": [1, 2, 3]}
    assert intrusion.missing_counts(kind(columns)) == {"a": 1, "b": 2, "c": 0}


def test_nan_among_numbers_is_missing():
    assert intrusion.missing_counts(pl.DataFrame({"a": [1.0, np.nan, None]})) == {"a": 2}


def test_every_attack_name_has_a_class():
    assert intrusion.attack_category(["normal", "worm", "saint", "xlock", "ps"]).tolist() == [
        "normal", "dos", "probe", "r2l", "u2r",
    ]  # fmt: skip
    with pytest.raises(ValueError, match=message("label 'ddos' is not a name of NSL-KDD")):
        intrusion.attack_category(["ddos"])


def test_a_missing_column_of_a_feature_is_named():
    text = (
        'column "srv_count" is missing; the frame has "protocol_type", "service", "duration", '
        '"src_bytes", "dst_bytes"'
    )
    with pytest.raises(ValueError, match=message(text)):
        intrusion.telecom_features(records(duration=[1.0]).drop("srv_count"))


# The detector


def test_the_detector_finds_the_attacks_of_new_rows(detector):
    new = intrusion.simulate_core(3000, seed=9)
    found = intrusion.evaluate(new["attack"], detector.score_samples(new), detector.predict(new))
    assert found["recall"] > 0.95
    assert found["auroc"] > 0.98


def test_the_threshold_keeps_its_false_positive_rate_on_new_normal_rows(core):
    quiet = intrusion.simulate_core(8_000, attack_share=0, seed=5)
    for rate in (0.01, 0.1):
        detector = intrusion.IntrusionDetector(
            false_positive_rate=rate, n_estimators=20, calibration_share=0.5, random_state=0
        ).fit(core, core["attack"])
        assert 0.5 * rate < (detector.predict(quiet) == -1).mean() < 2 * rate


def test_an_attack_of_a_kind_never_trained_on_is_found():
    known = intrusion.simulate_core(4000, attacks=["sip_scan", "diameter_scan"], seed=1)
    new = intrusion.simulate_core(500, attack_share=1, attacks=["registration_storm"], seed=2)
    detector = small().fit(known, known["attack"])
    assert (detector.predict(new) == -1).mean() > 0.8


def test_conventions_are_those_of_an_outlier_detector(core, detector):
    assert is_outlier_detector(detector)
    scores = detector.score_samples(core)
    np.testing.assert_array_equal(detector.decision_function(core), scores - detector.offset_)
    np.testing.assert_array_equal(
        detector.predict(core), np.where(scores < detector.offset_, -1, 1)
    )
    attack = core["attack"].to_numpy() == 1
    assert np.median(scores[~attack]) > np.median(scores[attack])
    assert not hasattr(clone(detector), "offset_")


def test_the_same_seed_gives_the_same_scores(core, detector):
    again = small().fit(core, core["attack"])
    np.testing.assert_array_equal(again.score_samples(core), detector.score_samples(core))
    other = small(seed=1).fit(core, core["attack"])
    assert (other.score_samples(core) != detector.score_samples(core)).any()


def test_train_gives_the_recommended_detector(core):
    trained = intrusion.train(core, core["attack"], random_state=3)
    assert trained.get_params() == intrusion.IntrusionDetector(random_state=3).get_params()
    assert (trained.predict(core) == -1).sum() > 200


def test_votes_are_those_of_scikit_learn(core, monkeypatch):
    from sklearn.ensemble import RandomForestClassifier

    seen = {}
    fit = RandomForestClassifier.fit

    def remember(self, X, y):
        seen["forest"] = fit(self, X, y)
        return seen["forest"]

    monkeypatch.setattr(RandomForestClassifier, "fit", remember)
    detector = small().fit(core, core["attack"])
    trees, *_ = detector._columns(*_columns_of(core))
    expected = seen["forest"].predict_proba(trees)[:, 1]
    np.testing.assert_allclose(detector._vote(trees), expected, atol=1e-6)


@pytest.mark.parametrize("strange", [False, True])
def test_distances_are_those_of_their_definition(core, detector, strange):
    frame = core[:300]
    if strange:
        frame = frame.with_columns(service=pl.lit("a new one"), flag=pl.lit("S1"))
    _, places, codes = detector._columns(*_columns_of(frame))
    gap = ((places[:, None].astype(float) - detector.reference_[None]) ** 2).sum(axis=2)
    gap += 0.98 * (codes[:, None] != detector.reference_codes_[None]).sum(axis=2)
    nearest, distance = detector._nearest(places, codes)
    np.testing.assert_allclose(distance, np.sqrt(gap.min(axis=1)), atol=1e-4)
    np.testing.assert_allclose(gap[np.arange(300), nearest], gap.min(axis=1), atol=1e-5)


def _columns_of(frame):
    from linewatch.intrusion._columns import raw_columns

    return raw_columns(frame)


@pytest.mark.parametrize("backend", ["pandas", "nullable pandas", "pyarrow"])
def test_every_kind_of_frame_has_the_same_scores(core, detector, backend):
    frame = core.to_arrow() if backend == "pyarrow" else core.to_pandas()
    if backend == "nullable pandas":
        frame = frame.convert_dtypes()
    np.testing.assert_array_equal(detector.score_samples(frame), detector.score_samples(core))


def test_columns_go_by_name_whatever_their_order_and_others_are_left_alone(core, detector):
    shuffled = core.select(*reversed(core.columns)).with_columns(more=1)
    np.testing.assert_array_equal(detector.score_samples(shuffled), detector.score_samples(core))


def test_scores_do_not_depend_on_the_rows_beside(core, detector):
    scores = detector.score_samples(core[:700])
    alone = np.concatenate([detector.score_samples(core[i : i + 1]) for i in range(20)])
    np.testing.assert_allclose(alone, scores[:20], rtol=1e-9)


def test_an_unknown_category_makes_a_record_no_more_normal(core, detector):
    normal = core.filter(pl.col("attack") == 0)[:100]
    strange = normal.with_columns(service=pl.lit("a new one"))
    assert (detector.score_samples(strange) <= detector.score_samples(normal) + 1e-9).all()


def test_reasons_name_the_columns_that_differ(detector):
    quiet = intrusion.simulate_core(10, attack_share=0, seed=8)
    loud = quiet.with_columns(src_bytes=pl.lit(900_000_000), service=pl.lit("ausf"))
    reasons = detector.reasons(loud, top=2)
    assert reasons.columns == ["reason_1", "reason_2"] and len(reasons) == 10
    texts = ["src_bytes = 900000000 (normal: "] * 10
    assert all(any(t.startswith(text) for t in row) for row, text in zip(reasons.rows(), texts))


def test_a_normal_record_of_the_reference_has_no_reasons(core, detector):
    scores = detector.score_samples(core)
    assert detector.reasons(core)["reason_1"].is_in([""]).any()
    assert len(scores) == len(core)


def test_a_saved_detector_comes_back_the_same(core, detector, tmp_path):
    path = tmp_path / "detector.lw"
    detector.save(path)
    again = intrusion.load(path)
    np.testing.assert_array_equal(again.score_samples(core), detector.score_samples(core))
    np.testing.assert_array_equal(again.predict(core), detector.predict(core))
    assert again.reasons(core[:3]).equals(detector.reasons(core[:3]))
    assert again.get_params() == detector.get_params()
    assert [file.name for file in tmp_path.iterdir()] == ["detector.lw"]


def test_a_saved_detector_scores_without_scikit_learn_s_trees(core, detector, tmp_path):
    detector.save(tmp_path / "detector.lw")
    core[:5].write_parquet(tmp_path / "rows.parquet")
    code = (
        "import sys, polars as pl; from linewatch import intrusion;"
        f"d = intrusion.load({str(tmp_path / 'detector.lw')!r});"
        f"print(d.predict(pl.read_parquet({str(tmp_path / 'rows.parquet')!r})).tolist())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == detector.predict(core[:5]).tolist()


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.95])
def test_a_file_cut_off_is_refused(detector, tmp_path, keep):
    path = tmp_path / "detector.lw"
    detector.save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data)) if keep < 1 else keep])
    with pytest.raises(ValueError, match=re.escape(str(path))):
        intrusion.load(path)


def test_a_byte_that_changed_is_noticed(detector, tmp_path):
    path = tmp_path / "detector.lw"
    detector.save(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x55
    path.write_bytes(data)
    with pytest.raises(ValueError, match="checksum"):
        intrusion.load(path)


def test_a_file_of_another_kind_is_refused_and_the_way_out_said(core, tmp_path):
    path = tmp_path / "forest.lw"
    lw.IsolationForest(random_state=0).fit(core.select("src_bytes", "count")).save(path)
    text = (
        f"{path} holds a model of kind 'isolation forest'; expected 'intrusion detector' "
        "(linewatch.load reads every kind)"
    )
    with pytest.raises(ValueError, match=message(text)):
        intrusion.load(path)


def test_linewatch_load_knows_the_detector(core, detector, tmp_path):
    detector.save(tmp_path / "detector.lw")
    again = lw.load(tmp_path / "detector.lw")
    np.testing.assert_array_equal(again.predict(core), detector.predict(core))


def test_a_file_that_would_run_code_is_refused(tmp_path):
    import pickle

    path = tmp_path / "detector.lw"
    path.write_bytes(pickle.dumps({"about": 1}))
    with pytest.raises(ValueError, match=re.escape(str(path))):
        intrusion.load(path)


def test_the_command_line_scores_a_file_with_a_saved_detector(core, detector, tmp_path, capsys):
    detector.save(tmp_path / "detector.lw")
    core.write_parquet(tmp_path / "records.parquet")
    command = ["score", "--model", str(tmp_path / "detector.lw")]
    assert cli.main([*command, "--input", str(tmp_path / "records.parquet")]) == 0
    found = int((detector.predict(core) == -1).sum())
    assert f"records.parquet: 2,500 rows, {found} anomalies" in capsys.readouterr().out
    scored = pl.read_parquet(tmp_path / "records.scores.parquet")
    np.testing.assert_array_equal(scored["score"], detector.score_samples(core))
    assert scored.filter("is_anomaly")["reason_1"].str.contains("(normal: ", literal=True).all()


# What the detector refuses


def test_a_missing_column_is_named(core, detector):
    text = (
        'column "flag" is missing; the frame has "duration", "protocol_type", "service", '
        '"src_bytes", "dst_bytes", "land" and 36 more'
    )
    with pytest.raises(ValueError, match=message(text)):
        detector.predict(core.drop("flag"))


def test_text_among_numbers_is_named(core, detector):
    text = 'column "src_bytes" of X has dtype String; expected numbers'
    with pytest.raises(TypeError, match=message(text)):
        detector.predict(core.with_columns(pl.col("src_bytes").cast(pl.String)))


@pytest.mark.parametrize(
    ("value", "shown"), [(np.inf, "inf"), (np.nan, "nan"), (None, "nan"), (-1.0, "-1.0")]
)
def test_what_no_count_can_be_is_named_with_its_row(core, detector, value, shown):
    bytes_ = core["src_bytes"].cast(pl.Float64).to_list()
    bytes_[4] = value
    text = f'column "src_bytes" of X holds {shown} in row 4; expected finite numbers from 0'
    with pytest.raises(ValueError, match=message(text)):
        detector.predict(core.with_columns(pl.Series("src_bytes", bytes_)))


def test_a_category_that_is_no_text_is_named_with_its_row(core, detector):
    service = core["service"].to_list()
    service[2] = None
    text = 'column "service" of X holds None in row 2; expected text such as "http"'
    with pytest.raises(ValueError, match=message(text)):
        detector.predict(core.with_columns(pl.Series("service", service)))


def test_an_empty_frame_is_refused(core, detector):
    with pytest.raises(ValueError, match=message("X is empty; expected at least one row")):
        detector.predict(core[:0])


def test_one_row_is_scored(core, detector):
    assert detector.predict(core[:1]).shape == (1,)


def test_an_array_has_no_names_and_is_refused(core, detector):
    text = "expected a pandas, Polars or pyarrow frame with named columns, got ndarray"
    with pytest.raises(TypeError, match=message(text)):
        detector.predict(core.to_numpy())


@pytest.mark.parametrize(
    ("y", "text"),
    [
        ([], "y is empty; expected at least one label"),
        ([0, 2], "y must hold 0 (normal) and 1 (attack), got 2"),
        (["normal"], "y must hold 0 (normal) and 1 (attack), got 'normal'"),
        ([[0]], "y must have 1 dimension, got 2"),
        ([0, 1], "y has 2 values, X has 2500 rows"),
        ([0] * 2500, "y has 2500 normal rows and 0 attacks; expected at least 100 and 10"),
        ([1] * 2500, "y has 0 normal rows and 2500 attacks; expected at least 100 and 10"),
    ],
)
def test_labels_that_cannot_be_are_refused(core, y, text):
    with pytest.raises(ValueError, match=message(text)):
        intrusion.train(core, y)


@pytest.mark.parametrize(
    ("parameter", "text"),
    [
        ({"max_features": 0}, "max_features must be a whole number from 1, got 0"),
        ({"n_estimators": 1.5}, "n_estimators must be a whole number from 1, got 1.5"),
        ({"false_positive_rate": 0}, "false_positive_rate must be between 0 and 1, got 0"),
        ({"calibration_share": 1}, "calibration_share must be between 0 and 1, got 1"),
    ],
)
def test_parameters_out_of_range_are_refused(core, parameter, text):
    with pytest.raises(ValueError, match=message(text)):
        intrusion.IntrusionDetector(**parameter).fit(core, core["attack"])


def test_a_detector_must_be_fitted_first(core, tmp_path):
    text = message("this IntrusionDetector is not fitted; call fit(X, y) first")
    for use in ("predict", "score_samples", "reasons", "save"):
        with pytest.raises(NotFittedError, match=text):
            getattr(intrusion.IntrusionDetector(), use)(tmp_path if use == "save" else core)


def test_fit_predict_needs_labels(core):
    text = "y is None; this detector learns from labels, 0 normal and 1 attack"
    with pytest.raises(ValueError, match=message(text)):
        intrusion.IntrusionDetector().fit_predict(core)


# The usual models


@pytest.mark.parametrize("model", ["isolation_forest", "random_forest", "xgboost"])
def test_the_usual_models_are_fitted_and_kept(core, model, tmp_path):
    if model == "xgboost" and importlib.util.find_spec("xgboost") is None:
        pytest.skip('XGBoost is not installed: pip install "linewatch[xgboost]"')
    import joblib

    detector = intrusion.BaselineDetector(model, random_state=0).fit(core, core["attack"])
    scores = detector.score_samples(core)
    found = intrusion.evaluate(core["attack"], scores, detector.predict(core))
    assert found["auroc"] > 0.9
    joblib.dump(detector, tmp_path / "model.joblib")
    again = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(again.score_samples(core), scores)


def test_without_xgboost_the_error_says_how_to_get_it(core, monkeypatch):
    monkeypatch.setitem(sys.modules, "xgboost", None)
    text = 'xgboost is not installed; try pip install "linewatch[xgboost]"'
    with pytest.raises(ModuleNotFoundError, match=message(text)):
        intrusion.BaselineDetector("xgboost").fit(core, core["attack"])


def test_scaling_and_categories_come_from_the_training_rows_alone(core):
    train = core.filter(pl.col("service") != "sip")
    detector = intrusion.BaselineDetector("random_forest", random_state=0)
    detector.fit(train, train["attack"])
    columns = detector.encoder_.transform(train)
    np.testing.assert_allclose(detector.scaler_.mean_, columns.mean(axis=0))
    assert "sip" not in detector.encoder_.categories_["service"]
    sip = detector.encoder_.transform(core.filter(pl.col("service") == "sip"))
    services = [name.startswith("service=") for name in detector.encoder_.get_feature_names_out()]
    assert sip[:, services].sum() == 0


def test_the_isolation_forest_learns_from_normal_rows_only(core):
    normal = core.filter(pl.col("attack") == 0)
    one = core.filter(pl.col("attack") == 1)[:1]
    both = pl.concat([normal, one])
    a = intrusion.BaselineDetector("isolation_forest", random_state=0).fit(both, both["attack"])
    assert a.model_.n_samples_ if hasattr(a.model_, "n_samples_") else True
    assert abs((a.predict(normal) == -1).mean() - 0.05) < 0.01


@pytest.mark.parametrize(
    ("model", "y", "text"),
    [
        (
            "svm",
            None,
            'model must be one of "isolation_forest", "random_forest", "xgboost", got \'svm\'',
        ),
        ("random_forest", [0] * 2500, "y has no attack; expected both classes"),
        ("random_forest", [1] * 2500, "y has no normal row; expected both classes"),
        ("random_forest", [0, 1], "y has 2 values, X has 2500 rows"),
    ],
)
def test_what_a_usual_model_cannot_do_is_refused(core, model, y, text):
    with pytest.raises(ValueError, match=message(text)):
        intrusion.BaselineDetector(model).fit(core, core["attack"] if y is None else y)


def test_the_usual_models_must_be_fitted_first(core):
    with pytest.raises(NotFittedError, match="this BaselineDetector is not fitted"):
        intrusion.BaselineDetector().predict(core)
    with pytest.raises(NotFittedError, match="this Encoder is not fitted"):
        intrusion.Encoder().transform(core)


# The report


def test_counts_and_rates_by_hand():
    y = [0, 0, 0, 0, 1, 1, 1, 1]
    score = [9, 8, 7, 1, 6, 3, 2, 0]
    found = intrusion.evaluate(y, score, threshold=4)
    assert found["true_positives"] == 3 and found["false_negatives"] == 1
    assert found["false_positives"] == 1 and found["true_negatives"] == 3
    assert found["accuracy"] == found["precision"] == found["recall"] == found["f1"] == 0.75
    assert found["false_positive_rate"] == 0.25
    assert found["auroc"] == 13 / 16


def test_labels_and_a_threshold_say_the_same():
    y, score = [0, 1, 1], np.array([3.0, 2.0, 1.0])
    by_threshold = intrusion.evaluate(y, score, threshold=2.5)
    assert by_threshold == intrusion.evaluate(y, score, np.where(score < 2.5, -1, 1))


def test_rates_without_rows_are_nan():
    found = intrusion.evaluate([0, 0], [1.0, 2.0], threshold=0)
    assert np.isnan([found["recall"], found["precision"], found["auroc"]]).all()
    assert found["accuracy"] == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (([0, 1], [1.0, 2.0]), "give either predicted or threshold"),
        (([0, 1], [1.0], [1]), "score has 1 values, y has 2"),
        (([0, 1], [1.0, np.nan], [1, 1]), "score has 1 NaN; every row needs a score"),
        (([-1, 1], [1.0, 2.0], [1, 1]), "y must hold 0 (normal) and 1 (attack), got -1"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(arguments, text):
    with pytest.raises(ValueError, match=message(text)):
        intrusion.evaluate(*arguments)


def test_an_infinite_score_is_a_rank_like_any_other():
    y = [0, 1, 0, 1, 0]
    infinite = intrusion.evaluate(y, [np.inf, -np.inf, 2.0, 1.0, 0.5], threshold=1.5)
    finite = intrusion.evaluate(y, [9.0, -9.0, 2.0, 1.0, 0.5], threshold=1.5)
    assert infinite == finite
    with pytest.raises(ValueError, match="^threshold is NaN, below which no score lies$"):
        intrusion.evaluate(y, [1.0, 2, 3, 4, 5], threshold=np.nan)


def test_rates_that_are_not_there_are_named():
    figures = {"records_per_month": 1, "attack_share": 0, "hours_per_false_alarm": 1}
    with pytest.raises(ValueError, match='^after has no "recall"; give what intrusion.evaluate'):
        intrusion.business_impact(
            {"false_positive_rate": 0.04, "recall": 0.5},
            {"false_positive_rate": 0.01},
            cost_per_hour=1,
            **figures,
        )


def test_codes_of_missing_text_are_refused_by_column(core):
    frame = core.head(3).with_columns(flag=pl.Series(["SF", None, None]))
    with pytest.raises(ValueError, match='^column "flag" has 2 missing values; expected text$'):
        intrusion.encode(frame)


def test_business_impact_by_hand():
    saved = intrusion.business_impact(
        {"false_positive_rate": 0.04, "recall": 0.5},
        {"false_positive_rate": 0.01, "recall": 0.75},
        records_per_month=1_000_000,
        attack_share=0.1,
        hours_per_false_alarm=0.1,
        cost_per_hour=80,
        cost_per_missed_attack=2,
    )
    assert saved["false_alarms_avoided_per_month"] == pytest.approx(27_000)
    assert saved["attacks_found_more_per_month"] == pytest.approx(25_000)
    assert saved["hours_saved_per_month"] == pytest.approx(2_700)
    assert saved["saved_per_month"] == pytest.approx(2_700 * 80 + 25_000 * 2)


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        ({"cost_per_hour": -1}, "cost_per_hour must be a finite number from 0, got -1"),
        ({"attack_share": 2}, "attack_share must be from 0 to 1, got 2"),
    ],
)
def test_impossible_figures_are_refused(figure, text):
    rates = {"false_positive_rate": 0.04, "recall": 0.5}
    figures = {
        "records_per_month": 1,
        "attack_share": 0,
        "hours_per_false_alarm": 1,
        "cost_per_hour": 1,
    }
    with pytest.raises(ValueError, match=message(text)):
        intrusion.business_impact(rates, rates, **figures | figure)


def test_latency_is_measured_row_by_row(core, detector):
    seconds = intrusion.latency(detector, core[:3], repeats=5)
    assert 0 < seconds["median_s"] <= seconds["p95_s"]
    with pytest.raises(ValueError, match=message("rows is empty; expected at least one row")):
        intrusion.latency(detector, core[:0])
    with pytest.raises(ValueError, match=message("repeats must be at least 1, got 0")):
        intrusion.latency(detector, core, repeats=0)


def test_the_compliance_notes_promise_no_compliance():
    notes = intrusion.compliance_notes()
    assert "not anonymity" in notes and "no certificate" in notes
    assert "compliant" not in notes


# Pictures


@pytest.fixture
def close():
    yield
    from matplotlib import pyplot

    pyplot.close("all")


@pytest.mark.usefixtures("close")
def test_every_picture_draws_into_the_axes_given(core, detector):
    from matplotlib import pyplot

    y = core["attack"].to_numpy()
    scores = {"detector": detector.score_samples(core)}
    found = intrusion.evaluate(y, scores["detector"], detector.predict(core))
    numbers = intrusion.Encoder().fit_transform(core)
    draw = {
        "class_bars": lambda ax: intrusion.class_bars(y, ax=ax),
        "heatmap": lambda ax: intrusion.correlation_heatmap(core, ax=ax),
        "pca": lambda ax: intrusion.pca_scatter(numbers, y, ax=ax),
        "roc": lambda ax: intrusion.roc_curves(y, scores, ax=ax),
        "precision": lambda ax: intrusion.precision_recall_curves(y, scores, ax=ax),
        "confusion": lambda ax: intrusion.confusion(found, title="all", ax=ax),
    }
    for name, picture in draw.items():
        ax = pyplot.subplots()[1]
        assert picture(ax) is ax, name
        assert ax.has_data() or ax.images or ax.patches, name


@pytest.mark.usefixtures("close")
def test_class_bars_count_names_and_numbers():
    ax = intrusion.class_bars(["normal", "dos", "dos"])
    assert [bar.get_height() for bar in ax.patches] == [2, 1]
    ax = intrusion.class_bars([0, 0, 1])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["normal", "attack"]


def test_predictions_of_another_convention_are_refused():
    for predicted, first in (([0, 1], "0"), ([True, False], "False")):
        text = (
            f"predicted must hold -1 (attack) and 1 (normal), got {first} "
            "(try np.where(is_attack, -1, 1))"
        )
        with pytest.raises(ValueError, match=message(text)):
            intrusion.evaluate([0, 1], [1.0, 2.0], predicted)


def test_reasons_to_name_are_at_least_one(core, detector):
    with pytest.raises(ValueError, match=message("top must be at least 1, got 0")):
        detector.reasons(core[:3], top=0)


def test_the_class_reads_its_own_files(core, detector, tmp_path):
    detector.save(tmp_path / "d.lw")
    again = intrusion.IntrusionDetector.load(tmp_path / "d.lw")
    assert (again.predict(core[:50]) == detector.predict(core[:50])).all()


def test_one_attack_may_be_named_without_a_list():
    one = intrusion.simulate_core(60, attacks="sip_scan", seed=0)
    assert one.equals(intrusion.simulate_core(60, attacks=["sip_scan"], seed=0))
    with pytest.raises(TypeError, match="label must be a column of names, got 'spy'"):
        intrusion.attack_category("spy")


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"n_rows": 1.5}, TypeError, "n_rows must be a whole number, got 1.5"),
        ({"seed": None}, TypeError, "seed must be a whole number, got None"),
        ({"seed": -1}, ValueError, "seed must be at least 0, got -1"),
    ],
)
def test_numbers_of_the_simulation_are_whole(arguments, kind, text):
    with pytest.raises(kind, match=message(text)):
        intrusion.simulate_core(**arguments)
