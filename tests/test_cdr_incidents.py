"""Scenarios planted as incidents: what each shows and leaves alone, and the truth beside it."""

import cdr_checks as checks
import cdr_scenario_checks as scenario_checks
import polars as pl
import pytest

from linewatch import cdr
from linewatch.cdr import scenarios

BUILT_IN = scenarios.names()


@pytest.fixture(scope="module", params=["easy", "medium", "hard"])
def made(request):
    """One data set with every scenario, by difficulty: data, calls and truth."""
    chosen = {name: {"difficulty": request.param, "count": 2} for name in BUILT_IN}
    data = cdr.generate(users=1500, days=4, seed=5, scenarios=chosen)
    table, truth = scenario_checks.everything(data)
    return data, table, truth, request.param


def _rows(made, name, role=None):
    """Added calls of a scenario with their incident and role."""
    _, table, truth, _ = made
    calls = truth["calls"].filter((pl.col("scenario") == name) & pl.col("is_added"))
    rows = table.join(calls, on="call_id", maintain_order="left")
    assert rows.height == (table["anomaly_type"] == name).sum() > 0
    return rows if role is None else rows.filter(pl.col("role") == role)


def _users(made, name, role):
    of = (pl.col("scenario") == name) & (pl.col("role") == role)
    return made[2]["users"].filter(of)


def test_every_scenario_is_there_at_every_difficulty_with_all_invariants(made):
    data, _, truth, difficulty = made
    assert set(truth["intervals"]["scenario"]) == set(BUILT_IN)
    assert set(truth["intervals"]["difficulty"]) == {difficulty}
    assert truth["intervals"]["incident"].n_unique() == 2 * len(BUILT_IN)
    added = dict(truth["calls"].filter("is_added")["scenario"].value_counts().iter_rows())
    assert added == data._plan.counts()


def test_sim_boxes_call_many_strangers_from_few_devices_and_places(made):
    rows = _rows(made, "sim_box", "call")
    assert rows.group_by("incident").agg(pl.col("caller_imei").n_unique())["caller_imei"].max() <= 5
    assert rows.group_by("caller_imei").agg(pl.col("caller_id").n_unique())["caller_id"].min() >= 2
    table, cards = made[1], _users(made, "sim_box", "card")["user_id"].implode()
    out = table["caller_id"].is_in(cards).sum()
    into = table["callee_id"].is_in(cards).sum()
    assert out > 20 * into
    per_card = rows.group_by("caller_id").agg(
        distinct=pl.col("callee_id").n_unique() / pl.len(), cells=pl.col("first_cell_id").n_unique()
    )
    assert per_card["distinct"].mean() > 0.8
    # No entropy of places at all, but for the imitation of movement.
    assert per_card["cells"].max() <= (3 if made[3] == "hard" else 1)


def test_wangiri_rings_each_victim_once_and_some_call_back_between_a_minute_and_a_day(made):
    rings, backs = _rows(made, "wangiri", "ring"), _rows(made, "wangiri", "call back")
    assert (rings["call_duration"] == 0).all()
    assert rings.select("incident", "callee_id").is_unique().all()
    per_hour = rings.group_by("incident", pl.col("call_start_ts").dt.truncate("1h")).len()
    assert per_hour["len"].max() > {"easy": 250, "medium": 80, "hard": 12}[made[3]]
    pairs = backs.join(
        rings, left_on=["incident", "caller_id", "callee_id"],
        right_on=["incident", "callee_id", "caller_id"],
    )  # fmt: skip
    assert pairs.height == backs.height
    wait = (pairs["call_start_ts"] - pairs["call_start_ts_right"]).dt.total_seconds()
    assert wait.min() >= 60 and wait.max() <= 86_400
    assert 0.005 <= backs.height / rings.height <= 0.15
    users = made[0].users.filter(pl.col("user_id").is_in(rings["caller_id"].implode()))
    assert not users["phone_number"].str.starts_with("+91").any()


def test_a_hacked_exchange_is_in_more_than_three_calls_at_once_outside_office_hours(made):
    rows = _rows(made, "pbx_hack")
    assert rows["call_start_ts"].dt.hour().max() < 5
    steps = pl.concat(
        [
            rows.select("incident", at="call_start_ts", step=pl.lit(1)),
            rows.select("incident", at="call_end_ts", step=pl.lit(-1)),
        ]
    ).sort("incident", "at", "step")
    at_once = steps.with_columns(n=pl.col("step").cum_sum().over("incident"))
    assert (at_once.group_by("incident").agg(pl.col("n").max())["n"] > 3).all()
    kinds = made[0].users.join(rows.select(user_id="caller_id"), on="user_id", how="semi")
    assert set(kinds["user_type"]) == {"business"}


def test_revenue_share_fraud_calls_one_range_abroad_at_night_and_long(made):
    rows = _rows(made, "revenue_share")
    hour = rows["call_start_ts"].dt.hour()
    assert ((hour >= 18) | (hour < 6)).all()
    prefix = rows.join(made[0].users, left_on="callee_id", right_on="user_id").select(
        "incident", pl.col("phone_number").str.head(4)
    )
    assert (
        prefix.group_by("incident").agg(pl.col("phone_number").n_unique())["phone_number"] == 1
    ).all()
    normal = made[1].filter(~pl.col("is_anomaly"))["call_duration"].median()
    assert rows["call_duration"].median() > 3 * normal


def test_a_swapped_number_changes_its_papers_to_the_minute_and_calls_nobody_it_knew(made):
    data, table, truth, _ = made
    for user, start, end in (
        _users(made, "sim_swap", "swapped").select("user_id", "start", "end").iter_rows()
    ):
        mine = table.filter(pl.col("caller_id") == user)
        held = mine["call_start_ts"].is_between(start, end, closed="left")
        papers = data.users.row(by_predicate=pl.col("user_id") == user, named=True)
        own = (mine["caller_imsi"] == papers["imsi"]) & (mine["caller_imei"] == papers["imei"])
        assert (own == ~held).all()
        assert mine.filter(held)["caller_imsi"].n_unique() == 1
        called = table.filter(pl.col("callee_id") == user)
        inside = called["call_start_ts"].is_between(start, end, closed="left")
        assert ((called["callee_imsi"] == papers["imsi"]) == ~inside).all()
        fraud = _rows(made, "sim_swap").filter(pl.col("caller_id") == user)
        quiet = (fraud["call_start_ts"].min() - start).total_seconds()
        assert quiet >= 1800
        assert start.second == 0
    changed = truth["calls"].filter((pl.col("scenario") == "sim_swap") & ~pl.col("is_added"))
    assert changed.height >= _rows(made, "sim_swap").height


def test_subscription_fraud_comes_from_accounts_of_a_day_that_nobody_calls(made):
    rows = _rows(made, "subscription_fraud")
    users = made[0].users
    first = rows.group_by("caller_id").agg(pl.col("call_start_ts").min().dt.date())
    age = first.join(users, left_on="caller_id", right_on="user_id").select(
        (pl.col("call_start_ts") - pl.col("creation_date")).dt.total_days()
    )
    assert age.to_series().is_between(1, 29).all()
    assert not made[1]["callee_id"].is_in(rows["caller_id"].unique().implode()).any()
    per_day = rows.group_by("caller_id", pl.col("call_start_ts").dt.date()).len()["len"].mean()
    usual = made[1].filter(~pl.col("is_anomaly")).height / 1500 / 4
    assert per_day > 2 * usual
    phones = rows.join(users, left_on="callee_id", right_on="user_id")["phone_number"]
    assert 0.02 < 1 - phones.str.starts_with("+91").mean() < 0.75


def test_robots_call_many_people_briefly_and_few_answer(made):
    rows = _rows(made, "robocalling")
    answered = rows.filter(pl.col("call_duration") > 0)
    assert answered.height / rows.height < 0.45
    assert answered["call_duration"].mean() < 30
    per_line = rows.group_by("caller_id", pl.col("call_start_ts").dt.date()).agg(
        calls=pl.len(), distinct=pl.col("callee_id").n_unique() / pl.len()
    )
    assert per_line["calls"].min() >= 60
    # As many different callees as strangers drawn at random among 1,500 can be.
    n = per_line["calls"].to_numpy()
    assert (per_line["distinct"].to_numpy() > 0.93 * 1500 * (1 - (1 - 1 / 1500) ** n) / n).all()


def test_a_clone_is_where_no_aircraft_could_have_taken_the_owner(made):
    rows = _rows(made, "impossible_travel").sort("incident", "call_start_ts")
    towers = made[0].towers
    place = rows.join(towers, left_on="first_cell_id", right_on="cell_id", maintain_order="left")
    before = place.select(pl.col("call_end_ts", "latitude", "longitude").shift(1))
    km = (
        ((place["latitude"] - before["latitude"]) * 111.2) ** 2
        + ((place["longitude"] - before["longitude"]) * 97.6) ** 2
    ).sqrt()
    hours = (place["call_start_ts"] - before["call_end_ts"]).dt.total_milliseconds() / 3.6e6
    clone = (place["role"] == "clone") & (rows["role"].shift(1) == "owner")
    speed = (km / hours).filter(clone)
    assert (speed > 1000).mean() > 0.9


def test_a_silent_cell_has_no_call_and_its_neighbors_have_more(made):
    data, table, truth, _ = made
    calm = cdr.generate(config=data.config.replace(scenarios={})).calls().collect()
    for row in truth["cells"].filter(pl.col("role") == "silent").iter_rows(named=True):
        window = pl.col("call_start_ts").is_between(row["start"], row["end"], closed="left")
        here = (pl.col("first_cell_id") == row["cell_id"]) | (
            pl.col("last_cell_id") == row["cell_id"]
        )
        assert table.filter(window & here).is_empty()
    lost = gained = 0
    for row in truth["cells"].filter(pl.col("scenario") == "cell_outage").iter_rows(named=True):
        here = pl.col("call_start_ts").is_between(row["start"], row["end"], closed="left") & (
            pl.col("first_cell_id") == row["cell_id"]
        )
        before, after = calm.filter(here).height, table.filter(here).height
        lost += before * (row["role"] == "silent")
        gained += (after - before) * (row["role"] == "takes over")
    assert lost > 0 and gained >= lost


def test_a_surge_of_drops_cuts_its_share_of_calls_and_no_other(made):
    data, table, truth, difficulty = made
    calm = cdr.generate(config=data.config.replace(scenarios={})).calls().collect()
    cut = truth["calls"].filter(pl.col("scenario") == "drop_surge")
    surge = truth["cells"].filter(pl.col("role") == "congested")
    hit = pl.lit(False)
    for row in surge.iter_rows(named=True):
        time = pl.col("call_start_ts").is_between(row["start"], row["end"], closed="left")
        hit |= time & (pl.col("first_cell_id") == row["cell_id"])
    inside = table.filter(hit & (pl.col("anomaly_type") == "normal"))
    dropped = inside.join(cut, on="call_id", how="semi")
    assert cut.height == dropped.height > 0
    share = {"easy": 0.7, "medium": 0.4, "hard": 0.2}[difficulty]
    spread = 4 * (share * (1 - share) / inside.height) ** 0.5
    assert abs(dropped.height / inside.height - share) < spread + 0.03
    # The same calls without the scenario last longer, by a factor that is uniform in (0, 1).
    key = ["caller_id", "callee_id", "call_start_ts"]
    pairs = dropped.join(calm, on=key, suffix="_calm")
    assert pairs.height == dropped.height
    assert (pairs["call_duration"] < pairs["call_duration_calm"]).all()
    assert 0.2 < (pairs["call_duration"] / pairs["call_duration_calm"]).mean() < 0.8


def test_calls_of_a_pair_of_cells_go_to_and_fro_within_seconds(made):
    data, table, truth, _difficulty = made
    moves = data.handovers()
    calls = truth["calls"].filter(pl.col("scenario") == "ping_pong")
    # A-B-A within ten seconds: in the calls of the truth, and next to nowhere else.
    of_call = pl.col("call_id")
    quick = (
        pl.col("handover_ts") - pl.col("handover_ts").shift(1).over(of_call)
    ).dt.total_seconds()
    back = pl.col("to_cell_id") == pl.col("from_cell_id").shift(1).over(of_call)
    triples = moves.filter(back & (quick < 10))["call_id"].unique()
    assert set(triples) == set(calls["call_id"])
    assert calls.height > 0
    pairs = truth["cells"].filter(pl.col("scenario") == "ping_pong")
    first = table.join(calls, on="call_id", how="semi")["first_cell_id"]
    assert set(first) <= set(pairs["cell_id"])
    plain = moves.join(calls, on="call_id", how="anti")
    handed = table.filter(pl.col("first_cell_id") != pl.col("last_cell_id"))
    assert plain.height == handed.join(calls, on="call_id", how="anti").height
    inside = moves.join(table, on="call_id")
    assert (inside["handover_ts"] >= inside["call_start_ts"]).all()
    assert (inside["handover_ts"] <= inside["call_end_ts"]).all()


def test_arrivals_hold_exactly_the_faults_of_the_truth(made):
    data, table, truth, _ = made
    records = data.arrivals()
    faults = truth["calls"].filter(pl.col("scenario") == "mediation")
    by_role = {role: rows["call_id"] for (role,), rows in faults.group_by("role")}
    assert set(by_role) == {"duplicated", "late", "fast clock"}
    assert records["arrival_ts"].is_sorted()
    assert records.height == table.height + by_role["duplicated"].n_unique()
    twice = records.group_by("call_id").len().filter(pl.col("len") == 2)["call_id"]
    assert set(twice) == set(by_role["duplicated"])
    both = records.unique("call_id", keep="first", maintain_order=True).join(table, on="call_id")
    delay = (both["arrival_ts"] - both["call_end_ts"]).dt.total_seconds()
    assert set(both.filter(delay > 900)["call_id"]) == set(by_role["late"])
    assert delay.min() >= 60
    skewed = both.filter(pl.col("recorded_start_ts") != pl.col("call_start_ts"))
    assert set(skewed["call_id"]) == set(by_role["fast clock"])
    assert (
        len(set(skewed["first_cell_id"]))
        <= truth["cells"].filter(pl.col("role") == "fast clock").height
    )
    length = (both["recorded_end_ts"] - both["recorded_start_ts"]).dt.total_seconds()
    assert (length == both["call_duration"]).all()
    parts = [data.arrivals(days=(day, day + 1)) for day in range(4)]
    assert sorted(pl.concat(parts).iter_rows()) == sorted(records.iter_rows())


def test_scenarios_leave_all_other_calls_as_they_were(made):
    data, table, truth, _ = made
    calm = cdr.generate(config=data.config.replace(scenarios={})).calls().collect()
    seen_elsewhere = pl.col("scenario").is_in(["mediation", "ping_pong"])
    touched = truth["calls"].filter(~seen_elsewhere)["call_id"].implode()
    added = truth["calls"].filter("is_added")["call_id"].implode()
    base = table.filter(~pl.col("call_id").is_in(added))
    assert base.height == calm.height
    same = ~base["call_id"].is_in(touched)
    left, right = (frame.drop("call_id").filter(same) for frame in (base, calm))
    assert left.equals(right)


def test_hard_incidents_hide_better_than_easy_ones():
    """The best single rule on a caller's volume tells easy boxes apart better than hard ones."""
    from sklearn.metrics import roc_auc_score

    area = {}
    for difficulty in ("easy", "hard"):
        chosen = {"sim_box": {"difficulty": difficulty, "count": 2}}
        data = cdr.generate(users=800, days=3, seed=2, scenarios=chosen, anomaly_ratio=0.0)
        calls = data.calls().collect().group_by("caller_id").agg(n=pl.len())
        cards = data.truth_tables()["users"]["user_id"].implode()
        area[difficulty] = roc_auc_score(calls["caller_id"].is_in(cards), calls["n"])
    assert area["hard"] < area["easy"] == pytest.approx(1.0, abs=0.002)


CHOSEN = {"sim_box": {"sims": 4}, "wangiri": {}, "sim_swap": {}, "cell_outage": {}, "pbx_hack": {}}


def test_days_made_alone_in_any_order_are_those_of_the_whole():
    data = cdr.generate(users=400, days=4, seed=3, scenarios=CHOSEN, n_jobs=1)
    whole = data.calls().collect()
    for day in (2, 0, 3, 1):
        alone = cdr.generate(users=400, days=4, seed=3, scenarios=CHOSEN, n_jobs=2).shard(day)
        before = sum(rows for rows, _ in data.quotas[:day])
        assert alone.collect().equals(whole[before : before + data.quotas[day][0]])
    for size in (97, 5000):
        parts = list(data.calls(batch_size=size))
        assert max(part.height for part in parts) <= size
        assert pl.concat(parts).equals(whole)


def test_files_hold_the_calls_of_the_stream_and_the_truth(tmp_path):
    data = cdr.generate(users=300, days=2, seed=4, scenarios=CHOSEN)
    whole, truth = data.calls().collect(), data.truth_tables()
    data.write(tmp_path / "p", picture=True)
    data.write(tmp_path / "c", "csv", picture=False)
    assert pl.read_parquet(tmp_path / "p" / "cdr_call_records" / "*.parquet").equals(whole)
    text = dict.fromkeys(("caller_imei", "caller_imsi", "callee_imsi"), pl.String)
    back = pl.read_csv(
        tmp_path / "c" / "cdr_call_records.csv", schema_overrides=text, try_parse_dates=True
    )
    assert back["call_start_ts"].cast(pl.Datetime("us")).equals(whole["call_start_ts"])
    assert back["is_anomaly"].cast(pl.Boolean).equals(whole["is_anomaly"])
    assert back["caller_imei"].equals(whole["caller_imei"])
    for name, frame in truth.items():
        assert pl.read_parquet(tmp_path / "p" / f"cdr_truth_{name}.parquet").equals(frame)
    # A file without scenarios and one with them are written alike.
    plain = cdr.generate(users=300, days=2, seed=4)
    plain.write(tmp_path / "plain", "csv", picture=False)
    plain = cdr.generate(users=300, days=2, seed=4, scenarios=["mediation"])
    plain.write(tmp_path / "woven", "csv", picture=False)
    one, two = (tmp_path / k / "cdr_call_records.csv" for k in ("plain", "woven"))
    assert one.read_bytes() == two.read_bytes()


def test_the_command_plants_scenarios(tmp_path, capsys):
    from linewatch.cli import main

    out = str(tmp_path / "data")
    options = ["--users", "100", "--days", "2", "--no-picture", "--quiet"]
    assert not main(["generate", *options, "--out", out, "--scenarios", "pbx_hack,ping_pong"])
    assert "cdr_truth_calls.parquet" in capsys.readouterr().out
    written = pl.read_parquet(tmp_path / "data" / "cdr_handovers.parquet")
    assert written.equals(
        cdr.generate(users=100, days=2, scenarios=["pbx_hack", "ping_pong"]).handovers()
    )


def test_other_readers_get_the_same_calls():
    data = cdr.generate(users=100, days=2, seed=1, scenarios=["pbx_hack"])
    whole = data.calls().collect()
    assert pl.DataFrame(data.calls()).equals(whole)
    assert data.calls(backend="pyarrow").collect().num_rows == whole.height
    assert data.calls(backend="pandas").collect().shape == whole.shape
    assert cdr.generate(users=100, days=2, seed=1).truth.height < data.truth.height


@pytest.mark.parametrize(("users", "days"), [(10, 1), (25, 1), (60, 2)])
def test_small_worlds_with_incidents_keep_every_invariant(users, days):
    small = {
        "sim_box": {"sims": 2, "calls_a_day": 10}, "wangiri": {"rings": 8}, "sim_swap": {},
        "robocalling": {"calls_a_day": 20}, "pbx_hack": {}, "revenue_share": {},
        "impossible_travel": {}, "cell_outage": {}, "drop_surge": {}, "subscription_fraud": {},
        "mediation": {}, "ping_pong": {},
    }  # fmt: skip
    for seed in (0, 1):
        scenario_checks.everything(
            cdr.generate(users=users, days=days, seed=seed, scenarios=small, towers=8)
        )


def test_a_config_with_scenarios_comes_back_from_toml(tmp_path):
    chosen = {"sim_box": {"count": 2, "difficulty": "hard", "sims": 7}, "wangiri": {}}
    config = cdr.Config(users=50, scenarios=chosen)
    config.to_toml(tmp_path / "c.toml")
    assert cdr.Config.from_toml(tmp_path / "c.toml") == config
    assert config.scenarios["wangiri"] == {"count": 1, "difficulty": "medium"}
    assert cdr.Config(scenarios=["wangiri"]).scenarios == {
        "wangiri": {"count": 1, "difficulty": "medium"}
    }


ALL = ", ".join(BUILT_IN)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (3, "scenarios must be a list of names or a table by name, got 3"),
        (["sim_bx"], f"scenarios has no 'sim_bx'; did you mean \"sim_box\"? (it has {ALL})"),
        ({"sim_box": 2}, "scenarios.sim_box must be a table of options, got 2"),
        (
            {"sim_box": {"count": 0}},
            "scenarios.sim_box.count must be a whole number between 1 and 10000, got 0",
        ),
        (
            {"sim_box": {"difficulty": "extreme"}},
            "scenarios.sim_box.difficulty must be one of easy, medium, hard, got 'extreme'",
        ),
        (
            {"pbx_hack": {"chanels": 3}},
            'scenarios.pbx_hack has no option "chanels"; did you mean "channels"? '
            "(it has count, difficulty, channels, hours, center_s)",
        ),
        (
            {"pbx_hack": {"channels": -1}},
            "scenarios.pbx_hack.channels must be a whole number between 1 and 1000000, got -1",
        ),
        (
            {"pbx_hack": {"channels": 1.5}},
            "scenarios.pbx_hack.channels must be a whole number between 1 and 1000000, got 1.5",
        ),
        (
            {"sim_swap": {"is_far": 1}},
            "scenarios.sim_swap.is_far must be true or false, got 1",
        ),
        (
            {"wangiri": {"call_back": 1.5}},
            "scenarios.wangiri.call_back must be a share between 0 and 1, got 1.5",
        ),
    ],
    ids=str,
)
def test_bad_scenarios_are_refused_by_name(given, message):
    with pytest.raises(ValueError) as error:
        cdr.generate(users=50, days=1, scenarios=given)
    assert str(error.value) == message


def test_a_data_set_without_scenarios_has_no_truth_tables():
    with pytest.raises(ValueError) as error:
        cdr.generate(users=50, days=1).truth_tables()
    assert str(error.value) == (
        'the data set has no scenarios; try generate(scenarios=["sim_box"])'
    )


@pytest.fixture
def own():
    """Registers scenarios for one test."""
    names = []

    def put(name, function, **options):
        cdr.register(name, function, **options)
        names.append(name)

    yield put
    for name in names:
        cdr.unregister(name)


def test_a_scenario_of_ones_own_is_the_same_on_shards_and_threads(own):
    def night_watch(incident, *, calls):
        guard = incident.account("guard", home=2)
        friends = incident.subscribers(3)
        for at in incident.draw.times(calls, 8 * 3600, incident.length_s - 86_400 + 20 * 3600):
            second = at % 86_400
            if 7200 <= second < 80_000:
                callee = incident.draw.choice([*friends, scenarios.ANYONE])
                incident.call(at, incident.draw.seconds(60, most=600), guard, callee, role="round")
        incident.cell(2, "watched")

    own("night_watch", night_watch, easy={"calls": 80}, medium={"calls": 40}, hard={"calls": 9})
    fields = {"users": 200, "days": 3, "seed": 9, "scenarios": {"night_watch": {"count": 2}}}
    data = cdr.generate(**fields, n_jobs=1)
    table, truth = scenario_checks.everything(data)
    assert (table["anomaly_type"] == "night_watch").sum() > 40
    assert truth["cells"]["cell_id"].to_list() == ["cell_003"] * 2
    parts = [cdr.generate(**fields, n_jobs=2).shard(day).collect() for day in (2, 1, 0)]
    assert pl.concat(parts[::-1]).equals(table)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda i, u: i.call(3600, 5, u), "must begin at 02:00:00 or later and end by midnight"),
        (lambda i, u: i.call(86_390, 50, u), "must begin at 02:00:00 or later and end by midnight"),
        (lambda i, u: i.call(-1, 5, u), "must be within the data, got second -1"),
        (lambda i, u: i.call(9000, 9999, u), "must last 0 to 7200 s, got 9999"),
        (lambda i, u: i.call(9000, 5, u, u), "caller and callee of odd_1 must differ"),
        (lambda i, u: i.call(9000, 5, 5000), "caller of odd_1 must be a user or ANYONE, got 5000"),
        (lambda i, u: i.call(9000, 0, u), 'odd has calls of 0 s and must break "answered"'),
        (
            lambda i, u: i.call(9000, 5, u, imei="1"),
            'odd changes papers and must break "own_papers"',
        ),
        (lambda i, u: i.account("x", prefix="+1"), "prefix must be one of +960, +232"),
        (lambda i, u: i.cut_calls([1], 5, 5, 0.5, role="x"), "must end after it starts, got 5, 5"),
        (lambda i, u: i.draw.sample(3, 4), "count must be at most 3, got 4"),
        (lambda i, u: i.draw.integers(3, 3), "high must be above low (3), got 3"),
    ],
)
def test_what_a_scenario_may_not_do_is_said_to_its_author(own, call, message):
    own("odd", lambda incident: call(incident, incident.account("odd one")))
    with pytest.raises(ValueError) as error:
        cdr.generate(users=50, days=1, scenarios=["odd"])
    assert message in str(error.value)


def test_calls_that_find_nobody_free_are_refused(own):
    def flood(incident):
        callers = [incident.account("caller") for _ in range(400)]
        for caller in callers:
            incident.call(80_000, 6000, caller)

    own("flood", flood)
    with pytest.raises(ValueError) as error:
        cdr.generate(users=20, days=1, scenarios=["flood"]).calls().collect()
    assert str(error.value) == (
        "scenarios.flood finds no free users on day 0; ask for fewer of its calls, or for more "
        "users"
    )


def test_names_of_scenarios_are_checked():
    def nothing(incident):
        pass

    for name, message in (
        ("sim_box", 'name "sim_box" is taken; choose another one'),
        ("short_call", 'name "short_call" is taken; choose another one'),
        ("Mine", "name must be lower-case letters and underscores, got 'Mine'"),
    ):
        with pytest.raises(ValueError) as error:
            cdr.register(name, nothing)
        assert str(error.value) == message
    with pytest.raises(TypeError) as error:
        cdr.register("mine", 3)
    assert str(error.value) == "function must be callable, got int"
    with pytest.raises(ValueError) as error:
        cdr.register("mine", nothing, breaks=("gravity",))
    assert str(error.value) == (
        "breaks must be among one_call_at_a_time, own_papers, answered, domestic_number, "
        "got 'gravity'"
    )
    with pytest.raises(ValueError) as error:
        cdr.register("mine", nothing, easy={"a": 1})
    assert str(error.value) == "easy, medium and hard must have options of the same names"
    with pytest.raises(ValueError) as error:
        cdr.unregister("sim_box")
    assert str(error.value) == "'sim_box' is no scenario of your own"


def test_draws_hang_on_their_names_alone():
    one, other = scenarios.Draws(1, "a", 2), scenarios.Draws(1, "a", 2)
    other_first = other.fork("x").uniform(size=3)
    assert one.uniform() == other.uniform()
    assert (scenarios.Draws(1, "a", 2, "x").uniform(size=3) == other_first).all()
    assert scenarios.Draws(1, "a", 3).uniform() != scenarios.Draws(1, "a", 2).uniform()
    assert scenarios.Draws(1, "12", 3).uniform() != scenarios.Draws(1, "1", 23).uniform()
    # The first bits of Philox 4x64 under the key of the names, written down once.
    assert [int(k) for k in scenarios.Draws(0, "golden").integers(0, 1000, 5)] == GOLDEN
    sample = scenarios.Draws(4).sample(50, 50)
    assert sorted(sample) == list(range(50)) != sample
    draw = scenarios.Draws(5)
    durations = sorted(draw.seconds(80) for _ in range(2001))
    assert durations[1000] == pytest.approx(80, rel=0.06)


GOLDEN = [927, 779, 240, 809, 14]


def test_the_checks_of_scenarios_see_a_row_that_is_not_let_off():
    data = cdr.generate(users=200, days=2, seed=3, scenarios=["wangiri"])
    table = data.calls().collect()
    ring = table.with_row_index().filter(pl.col("anomaly_type") == "wangiri")["index"][0]
    normal = table.with_row_index().filter(pl.col("anomaly_type") == "normal")["index"][50]

    class Changed:
        rows, anomalies, users, towers, config = (
            data.rows, data.anomalies, data.users, data.towers, data.config
        )  # fmt: skip

        def __init__(self, table):
            self.table = table

        def calls(self):
            return self

        def collect(self):
            return self.table

        def truth_tables(self):
            return data.truth_tables()

    def edited(row, **values):
        at = pl.int_range(pl.len()) == row
        return table.with_columns(
            pl.when(at).then(pl.lit(v)).otherwise(pl.col(k)).cast(table[k].dtype).alias(k)
            for k, v in values.items()
        )

    scenario_checks.everything(Changed(table))
    for changed, name in (
        (edited(ring, is_anomaly=False), "rows"),
        (edited(ring, caller_imei=table["caller_imei"][normal]), "papers"),
        (edited(normal, caller_imsi=table["caller_imsi"][ring]), "papers"),
        (
            edited(normal, call_duration=0, call_end_ts=table["call_start_ts"][normal]),
            "answered",
        ),
        (edited(ring, callee_id=table["caller_id"][ring]), "self"),
    ):
        with pytest.raises(checks.Broken, match=f"^{name}"):
            scenario_checks.everything(Changed(changed))
