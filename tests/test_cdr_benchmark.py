"""The benchmark of detectors: its features, its figures, and who takes part."""

import numpy as np
import polars as pl
import pytest

from linewatch import cdr

SMALL = {"sim_swap": {}, "robocalling": {"difficulty": "easy"}, "revenue_share": {}}


def _feature(name):
    names = (*cdr.FEATURES, "is_abroad", "account_age_days", "is_at_home")
    return names.index(name)


def test_a_benchmark_scores_a_detector_by_kind():
    def by_duration(X):
        return -X[:, cdr.FEATURES.index("duration_s")]

    table = cdr.benchmark(by_duration, users=400, days=2, seed=1, anomaly_ratio=0.1)
    auroc = dict(table.select("anomaly_type", "auroc").iter_rows())
    assert auroc["long_call"] > 0.99
    assert auroc["short_call"] < 0.05
    assert auroc["off_hour_call"] == pytest.approx(0.5, abs=0.1)
    assert table["anomaly_type"][-1] == "all"
    shares = dict(table.select("anomaly_type", "recall").iter_rows())
    assert shares["long_call"] == 1.0
    with pytest.raises(ValueError) as error:
        cdr.benchmark(lambda X: X[:3, 0], users=50, days=1, anomaly_mix={"short_call": 1})
    assert str(error.value).startswith("detector must give one finite score for each of")
    with pytest.raises(TypeError) as error:
        cdr.benchmark(3, users=50, days=1, anomaly_mix={"short_call": 1})
    assert str(error.value) == (
        "detector must have fit and score_samples or be a function, got int"
    )


def test_features_of_calls_that_can_be_counted_by_hand():
    data = cdr.generate(users=60, days=2, seed=2)
    calls = data.calls().collect()
    X = cdr.features(calls, data.towers)
    one = calls["caller_id"] == calls["caller_id"][100]
    mine = calls.filter(one)
    assert X["calls_of_caller_per_day"][100] == mine.height / 2
    assert X["distinct_callees_share"][100] == mine["callee_id"].n_unique() / mine.height
    assert X["mean_duration_of_caller_s"][100] == pytest.approx(mine["call_duration"].mean())
    start = calls["call_start_ts"]
    hour = pl.duration(hours=1)
    recent = one & (start <= start[100]) & (start > pl.select(start[100] - hour).item())
    assert X["calls_in_last_hour"][100] == recent.sum()


def test_features_that_need_the_users_are_those_of_their_rows():
    data = cdr.generate(users=200, days=2, seed=2, scenarios=["revenue_share", "sim_box"])
    calls = data.calls().collect()
    X = cdr.features(calls, data.towers, data.users)
    phone = calls.join(data.users, left_on="callee_id", right_on="user_id", maintain_order="left")
    assert (X["is_abroad"] == ~phone["phone_number"].str.starts_with("+91")).all()
    mine = calls.join(data.users, left_on="caller_id", right_on="user_id", maintain_order="left")
    age = (mine["call_start_ts"].dt.date() - mine["creation_date"]).dt.total_days()
    assert (X["account_age_days"] == age).all()
    assert (X["is_at_home"] == (mine["first_cell_id"] == mine["home_cell_id"])).all()
    boxes = calls["anomaly_type"] == "sim_box"
    assert X.filter(boxes)["users_of_device"].min() >= 6
    assert X.filter(boxes)["seconds_of_overlap"].max() == 0


def test_habits_of_users_that_can_be_counted_by_hand():
    data = cdr.generate(users=80, days=2, seed=3, scenarios=["robocalling"])
    calls, users = data.calls().collect(), data.users
    X = cdr.user_features(calls, users)
    assert X["user_id"].equals(users["user_id"])
    robot = calls.filter(pl.col("anomaly_type") == "robocalling")["caller_id"][0]
    row = X.row(by_predicate=pl.col("user_id") == robot, named=True)
    mine = calls.filter(pl.col("caller_id") == robot)
    assert row["calls_out_per_day"] == mine.height / 2
    assert row["unanswered_share"] == (mine["call_duration"] == 0).mean()
    assert row["distinct_callees_share"] == mine["callee_id"].n_unique() / mine.height
    assert row["top_cell_share"] == 1.0 and row["cells"] == 1 and row["devices_and_cards"] == 2
    assert row["calls_in_per_day"] == 0
    by_hour = mine.group_by(pl.col("call_start_ts").dt.truncate("1h")).len()["len"]
    assert row["most_calls_in_an_hour"] == by_hour.max()
    silent = users.filter(~pl.col("user_id").is_in(calls["caller_id"].implode()))["user_id"]
    quiet = X.filter(pl.col("user_id").is_in(silent.implode()))
    assert (quiet["calls_out_per_day"] == 0).all()


def test_figures_are_those_of_scikit_learn_on_the_rows_that_count():
    from sklearn.metrics import average_precision_score, roc_auc_score

    seen = {}

    def by_overlap(X):
        seen["X"] = X
        return -X[:, _feature("duration_s")]

    fields = {"users": 300, "days": 2, "seed": 4, "scenarios": SMALL}
    table = cdr.benchmark(by_overlap, **fields)
    data = cdr.generate(**fields)
    calls, truth = data.calls().collect(), data.truth_tables()["calls"]
    changed = truth.filter(~pl.col("is_added"))["call_id"].implode()
    keep = (~calls["call_id"].is_in(changed) | calls["is_anomaly"]).to_numpy()
    kind = calls["anomaly_type"].to_numpy()
    strange = seen["X"][:, 0]
    for row in table.iter_rows(named=True):
        chosen = kind != "normal" if row["anomaly_type"] == "all" else kind == row["anomaly_type"]
        asked = keep & (chosen | (kind == "normal"))
        assert row["count"] == chosen.sum()
        assert row["auroc"] == pytest.approx(roc_auc_score(chosen[asked], strange[asked]))
        assert row["average_precision"] == pytest.approx(
            average_precision_score(chosen[asked], strange[asked])
        )
        assert 0 <= row["precision"] <= 1 and 0 <= row["recall"] <= 1
        assert row["reasons"] is None
    assert not keep.all()


def test_users_are_scored_per_scenario_and_a_forest_says_why():
    from linewatch import IsolationForest

    forest = IsolationForest(random_state=0)
    table = cdr.benchmark(
        forest, users=600, days=3, seed=1, per="user", scenarios=["sim_box", "robocalling"]
    )
    of = {row["anomaly_type"]: row for row in table.iter_rows(named=True)}
    assert set(of) == {"sim_box", "robocalling", "all"}
    assert of["sim_box"]["count"] == 12
    assert of["sim_box"]["auroc"] > 0.9 and of["robocalling"]["auroc"] > 0.9
    assert "unanswered_share" in of["robocalling"]["reasons"]
    assert len(of["all"]["reasons"].split(", ")) == 3


def test_reasons_of_shares_are_the_largest_ones():
    class Nearest:
        def fit(self, X):
            return self

        def score_samples(self, X):
            return -X[:, 0]

        def explain(self, X):
            shares = np.zeros_like(X)
            shares[:, 3] = X[:, 0]
            return shares

    table = cdr.benchmark(Nearest(), users=60, days=1, scenarios={})
    long = table.row(by_predicate=pl.col("anomaly_type") == "long_call", named=True)
    assert long["reasons"].split(", ")[0] == "is_weekend"


def test_what_the_benchmark_cannot_score_is_refused():
    with pytest.raises(ValueError) as error:
        cdr.benchmark(lambda X: X[:, 0], users=50, days=1, per="cell")
    assert str(error.value) == 'per must be "call" or "user", got \'cell\''
    with pytest.raises(ValueError) as error:
        cdr.benchmark(lambda X: X[:, 0], users=50, days=1, per="user", scenarios={})
    assert str(error.value) == ('per="user" needs scenarios, as the other anomalies are of anybody')


def test_a_table_without_what_features_are_made_of_is_refused_by_column():
    data = cdr.generate(users=20, days=1)
    calls = data.calls().collect()
    with pytest.raises(ValueError, match='^column "caller_imei" is missing; the table of calls'):
        cdr.features(calls.drop("caller_imei"), data.towers)
    with pytest.raises(ValueError, match='^column "cell_id" is missing; the table of towers has'):
        cdr.features(calls, data.users)
    with pytest.raises(TypeError, match="^calls is None; expected a frame with the columns of"):
        cdr.features(None, data.towers)
    with pytest.raises(ValueError, match="^calls has no rows; habits are of calls$"):
        cdr.user_features(calls[:0], data.users)


def test_a_benchmark_without_anomalies_is_refused():
    with pytest.raises(ValueError, match="^there is no anomaly to find; ask for scenarios, or"):
        cdr.benchmark(lambda X: X[:, 0], users=20, days=1, scenarios=[], anomaly_ratio=0.0)
