"""Scenarios of fraud: what their rows show, what they leave alone, and who is behind them."""

import cdr_checks as checks
import polars as pl
import pytest

from linewatch import cdr
from linewatch.cdr.presets import SCENARIOS

MIX = {**dict.fromkeys(SCENARIOS, 1.0), "short_call": 1.0, "burst_call": 1.0}


@pytest.fixture(scope="module")
def data():
    return cdr.generate(users=3000, days=3, seed=6, anomaly_mix=MIX, anomaly_ratio=0.12)


@pytest.fixture(scope="module")
def table(data):
    return checks.everything(data)


def _rows(table, kind):
    rows = table.filter(pl.col("anomaly_type") == kind)
    assert rows.height > 500
    return rows


def test_scenarios_share_the_quota_and_break_only_what_they_say(table):
    counts = dict(table.filter("is_anomaly")["anomaly_type"].value_counts().iter_rows())
    assert set(counts) == set(MIX)
    assert max(counts.values()) - min(counts.values()) < 60


def test_nobody_else_calls_an_actor_and_actors_do_nothing_else(data, table):
    actors = data.actors
    assert actors["user_id"].is_unique().all()
    others = table.join(actors, left_on="caller_id", right_on="user_id", how="left")
    assert (others["scenario"].is_null() | (others["scenario"] == others["anomaly_type"])).all()
    others = table.join(actors, left_on="callee_id", right_on="user_id", how="left")
    assert (others["scenario"].is_null() | (others["scenario"] == others["anomaly_type"])).all()
    members = data.communities["user_id"]
    assert not members.is_in(actors["user_id"].implode()).any()


def test_sims_of_a_box_share_a_device_and_a_tower_and_seldom_repeat_a_callee(data, table):
    rows = _rows(table, "sim_box_call")
    by_device = rows.group_by("caller_imei").agg(
        sims=pl.col("caller_id").n_unique(),
        cells=pl.concat_list("first_cell_id", "last_cell_id").explode().n_unique(),
        calls=pl.len(),
        callees=pl.col("callee_id").n_unique(),
    )
    assert by_device["sims"].min() >= 5
    assert (by_device["cells"] == 1).all()
    per_sim = rows.group_by("caller_id").agg(distinct=pl.col("callee_id").n_unique() / pl.len())
    assert per_sim["distinct"].min() > 0.8
    sims = data.actors.filter(pl.col("role") == "sim")["user_id"].implode()
    assert not table["callee_id"].is_in(sims).any()


def test_wangiri_rings_once_and_some_call_back_the_same_day(data, table):
    rows = _rows(table, "wangiri_call")
    numbers = data.actors.filter(pl.col("role") == "wangiri_number")["user_id"]
    rings = rows.filter(pl.col("caller_id").is_in(numbers.implode()))
    backs = rows.filter(pl.col("callee_id").is_in(numbers.implode()))
    assert rings.height + backs.height == rows.height
    assert (rings["call_duration"] == 0).all() and (backs["call_duration"] >= 30).all()
    assert 0.02 <= backs.height / rows.height <= 0.1
    pairs = backs.join(
        rings, left_on=["caller_id", "callee_id"], right_on=["callee_id", "caller_id"]
    )
    assert pairs["caller_id"].n_unique() == backs["caller_id"].n_unique()
    wait = (pairs["call_start_ts"] - pairs["call_start_ts_right"]).dt.total_seconds()
    soonest = pairs.with_columns(wait=wait).filter(pl.col("wait") >= 60)
    assert soonest["call_id"].n_unique() == backs.height


def test_robocallers_call_often_and_briefly(table):
    rows = _rows(table, "robocall")
    assert rows["call_duration"].is_between(2, 25).all()
    assert rows["call_start_ts"].dt.hour().is_between(9, 22).all()
    per = rows.group_by("caller_id", pl.col("call_start_ts").dt.date()).agg(
        calls=pl.len(), distinct=pl.col("callee_id").n_unique() / pl.len()
    )
    assert per["calls"].min() > 100
    assert per["distinct"].min() > 0.8


def test_hacked_lines_make_many_calls_at_once_by_night_to_few_numbers(data, table):
    rows = _rows(table, "pbx_hack_call")
    assert rows["call_start_ts"].dt.hour().is_between(1, 4).all()
    premium = data.actors.filter(pl.col("role") == "premium_number")["user_id"]
    assert set(rows["callee_id"]) <= set(premium)
    ends = [
        rows.select("caller_id", t="call_start_ts", n=1),
        rows.select("caller_id", t="call_end_ts", n=-1),
    ]
    at_once = (
        pl.concat(ends).sort("caller_id", "t", "n").select(pl.col("n").cum_sum().over("caller_id"))
    )
    assert at_once.max().item() > 3


def test_fraudulent_subscribers_are_new_and_nobody_calls_them(data, table):
    rows = _rows(table, "subscription_fraud_call")
    users = data.users.filter(pl.col("user_id").is_in(rows["caller_id"].implode()))
    age = (pl.lit(data.config.start) - users["creation_date"]).alias("age")
    assert users.select(age).to_series().dt.total_days().is_between(1, 20).all()
    assert rows["call_duration"].mean() > 600
    assert not table["callee_id"].is_in(users["user_id"].implode()).any()


def test_impossible_travel_is_faster_than_any_aircraft(data, table):
    rows = _rows(table, "impossible_travel_call").sort("caller_id", "call_start_ts")
    towers = data.towers.select("cell_id", "latitude", "longitude")
    rows = rows.join(towers, left_on="first_cell_id", right_on="cell_id").sort(
        "caller_id", "call_start_ts"
    )
    before = rows.select(pl.col("call_end_ts", "latitude", "longitude").shift(1).over("caller_id"))
    gap = (rows["call_start_ts"] - before["call_end_ts"]).dt.total_seconds()
    north = (rows["latitude"] - before["latitude"]) * 111.2
    east = (rows["longitude"] - before["longitude"]) * 97.6
    hop = pl.DataFrame({"km": (north**2 + east**2).sqrt(), "s": gap}).drop_nulls()
    hops = hop.filter(pl.col("s") < 60).with_columns(kmh=pl.col("km") / pl.col("s") * 3600)
    assert hops.filter(pl.col("kmh") > 1000).height >= rows.height // 2 * 0.99


def test_scenarios_need_enough_users():
    with pytest.raises(ValueError) as error:
        cdr.generate(users=12, anomaly_mix={"sim_box_call": 1})
    assert str(error.value) == (
        "users must be at least 20 for the scenarios in anomaly_mix (or lower anomaly_ratio), "
        "got 12"
    )


@pytest.mark.parametrize("kind", SCENARIOS)
def test_each_scenario_alone_keeps_every_invariant_on_any_number_of_threads(tmp_path, kind):
    fields = {"users": 200, "days": 2, "seed": 8, "anomaly_mix": {kind: 1.0}}
    whole = checks.everything(cdr.generate(**fields, n_jobs=1))
    assert set(whole["anomaly_type"]) == {"normal", kind}
    other = cdr.generate(**fields, n_jobs=2)
    assert other.shard(1).collect().equals(whole.tail(other.quotas[1][0]))
    other.write(tmp_path / "p", picture=False)
    assert pl.read_parquet(tmp_path / "p" / "cdr_call_records" / "*.parquet").equals(whole)
    other.write(tmp_path / "c", "csv", picture=False)
    text = dict.fromkeys(("caller_imei", "caller_imsi", "callee_imsi"), pl.String)
    back = pl.read_csv(tmp_path / "c" / "cdr_call_records.csv", schema_overrides=text)
    assert back["caller_imei"].equals(whole["caller_imei"])
    assert (tmp_path / "p" / "cdr_scenario_actors.parquet").exists() == (
        not other.actors.is_empty()
    )
