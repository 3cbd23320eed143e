"""Columns and tables on request: messages, data sessions, and what records say beside the calls."""

import hashlib
import json

import cdr_checks as checks
import polars as pl
import pytest

from linewatch import cdr
from linewatch.cdr.presets import COLUMNS, TABLES

EVERYTHING = {"columns": COLUMNS, "tables": TABLES}


@pytest.fixture(scope="module")
def data():
    return cdr.generate(users=800, days=8, seed=11, n_jobs=1, **EVERYTHING)


@pytest.fixture(scope="module")
def calls(data):
    return checks.everything(data)


@pytest.fixture(scope="module")
def sms(data):
    return checks.messages(data)


@pytest.fixture(scope="module")
def sessions(data):
    return checks.sessions(data)


def test_columns_on_request_come_after_the_basic_ones_and_change_none_of_them(data, calls):
    plain = cdr.generate(config=data.config.replace(columns=[], tables=[])).calls().collect()
    assert calls.columns == [*plain.columns, *COLUMNS]
    assert calls.select(plain.columns).equals(plain)
    some = data.config.replace(columns=["utc_time_offset", "call_type"])
    assert some.columns == ("call_type", "utc_time_offset")
    table = cdr.generate(config=some).shard(3).collect()
    assert table.columns == [*plain.columns, "call_type", "utc_time_offset"]
    whole = calls.filter(pl.col("call_start_ts").dt.date() == pl.date(2024, 1, 4))
    assert table.equals(whole.select(table.columns))


def test_records_say_why_a_call_ended_and_to_whom_it_was_forwarded(calls):
    causes = calls["cause_for_termination"]
    assert set(causes) == {0, 4}
    assert (causes == 4).mean() == pytest.approx(0.008, abs=0.002)
    forwarded = calls["call_type"] == "CF"
    assert set(calls["call_type"]) == {"MOC", "CF"}
    normal = calls["anomaly_type"] == "normal"
    assert forwarded.filter(normal).mean() == pytest.approx(0.015, abs=0.003)
    assert not forwarded.filter(~normal).any()
    assert ((calls["called_id"] != calls["callee_id"]) == forwarded).all()
    assert (calls["called_id"] != calls["caller_id"]).all()
    assert (calls["utc_time_offset"] == "+0530").all()


def test_a_call_of_no_length_is_an_unsuccessful_attempt():
    data = cdr.generate(users=400, days=2, anomaly_mix={"wangiri_call": 1}, columns=COLUMNS)
    calls = data.calls().collect()
    attempts = calls.filter(pl.col("call_duration") == 0)
    assert attempts.height > 100
    assert set(attempts["cause_for_termination"]) == {3}
    assert 3 not in set(calls.filter(pl.col("call_duration") > 0)["cause_for_termination"])


def test_callees_are_where_they_call_from_themselves(data, calls):
    both = calls.filter(pl.col("callee_first_cell_id") != pl.col("callee_last_cell_id"))
    share = both.height / calls.height
    caller = (calls["first_cell_id"] != calls["last_cell_id"]).mean()
    assert share == pytest.approx(caller, abs=0.02)
    homes = data.users.select(callee_id="user_id", home="home_cell_id")
    night = calls.filter(pl.col("call_start_ts").dt.hour().is_in([22, 23]))
    at_home = night.join(homes, on="callee_id")
    assert (at_home["callee_first_cell_id"] == at_home["home"]).mean() > 0.6
    # Whoever calls and is called within five minutes is mostly at one place.
    out = calls.select(user="caller_id", t="call_start_ts", out="first_cell_id")
    into = calls.select(user="callee_id", t="call_start_ts", into="callee_first_cell_id")
    pairs = out.sort("t").join_asof(
        into.sort("t"), on="t", by="user", tolerance="5m", check_sortedness=False
    )
    pairs = pairs.drop_nulls()
    assert pairs.height > 1000
    assert (pairs["out"] == pairs["into"]).mean() > 0.9


def test_people_do_not_all_move_at_the_full_hour(calls):
    ends = [
        calls.select(user="caller_id", t="call_start_ts", cell="first_cell_id"),
        calls.select(user="callee_id", t="call_start_ts", cell="callee_first_cell_id"),
    ]
    seen = pl.concat(ends).sort("user", "t")
    before = seen.select(pl.all().shift(1).over("user").name.suffix("_before"))
    pairs = pl.concat([seen, before], how="horizontal").drop_nulls("cell_before")
    close = pairs.filter(pl.col("t") - pl.col("t_before") < pl.duration(minutes=10))
    moved = close["cell"] != close["cell_before"]
    same_hour = close["t"].dt.truncate("1h") == close["t_before"].dt.truncate("1h")
    # Within an hour and across its end alike.
    assert moved.filter(same_hour).mean() > 0.02
    assert moved.filter(~same_hour).mean() < 4 * moved.filter(same_hour).mean()


def test_messages_keep_their_invariants(data, sms):
    assert sms.columns == [
        *("sms_id", "sender_id", "recipient_id", "sms_ts", "delivery_ts", "message_size"),
        *("sender_cell_id", "recipient_cell_id", "sender_imei", "sender_imsi", "recipient_imsi"),
    ]
    assert sms.height / 800 / 8 == pytest.approx(4, rel=0.1)
    assert data.sms().rows == sms.height == sum(data.rows_by_day("sms"))
    wait = (sms["delivery_ts"] - sms["sms_ts"]).dt.total_seconds()
    assert wait.min() == 1 and wait.median() <= 4 and 3600 < wait.max() <= 7200
    assert (wait > 4).mean() == pytest.approx(1 / 32, abs=0.005)


def test_messages_are_answered_more_often_than_calls(calls, sms):
    def answered(pairs):
        pairs = pairs.unique()
        back = pairs.select(a="b", b="a")
        return pairs.join(back, on=["a", "b"], how="semi").height / pairs.height

    by_sms = answered(sms.select(a="sender_id", b="recipient_id"))
    by_call = answered(calls.select(a="caller_id", b="callee_id"))
    assert by_sms > by_call + 0.1
    next_is_answer = sms.select(
        (pl.col("sender_id") == pl.col("recipient_id").shift(-1))
        & (pl.col("recipient_id") == pl.col("sender_id").shift(-1))
    )
    assert next_is_answer.to_series().mean() > 0.01


def test_sessions_keep_their_invariants(data, sessions):
    assert sessions.columns == [
        *("session_id", "user_id", "session_start_ts", "session_end_ts", "session_duration"),
        *("cell_id", "rat_type", "downlink_volume", "uplink_volume"),
        *("cause_for_record_closing", "imei", "imsi"),
    ]
    assert sessions.height / 800 / 8 == pytest.approx(20, rel=0.1)
    shares = dict(sessions["rat_type"].value_counts(normalize=True).iter_rows())
    assert shares == pytest.approx({"EUTRAN": 0.7, "NR": 0.25, "UTRAN": 0.05}, abs=0.01)


def test_sessions_close_for_the_reason_that_their_record_gives(sessions):
    cause = pl.col("cause_for_record_closing")
    volume = pl.col("downlink_volume") + pl.col("uplink_volume")
    assert set(sessions["cause_for_record_closing"]) == {0, 16, 17}
    late = sessions.filter(cause == 17)["session_end_ts"]
    assert (late == late.dt.truncate("1h")).all()
    full = sessions.filter(cause == 16).select(volume).to_series()
    assert full.is_between(5e8 - 1, 5e8).all()
    assert sessions.filter(cause != 16).select(volume).to_series().max() < 5e8
    # Few sessions carry most of the bytes, and most of the bytes go down.
    sizes = sessions.select(volume).to_series().sort(descending=True)
    assert sizes.head(sizes.len() // 10).sum() > 0.5 * sizes.sum()
    assert sessions["downlink_volume"].sum() > 3 * sessions["uplink_volume"].sum()


def test_each_single_fault_of_the_tables_is_caught(data, sms, sessions):
    def caught(check, table, name, **values):
        changed = table.with_columns(
            pl.when(pl.int_range(pl.len()) == 7).then(pl.lit(v)).otherwise(pl.col(k)).alias(k)
            for k, v in values.items()
        ).cast(dict(table.schema))
        with pytest.raises(checks.Broken, match=f"^{name}"):
            check(data, changed)

    caught(checks.messages, sms, "self", sender_id=sms["recipient_id"][7])
    caught(checks.messages, sms, "papers", sender_imei=sms["sender_imsi"][7])
    caught(checks.messages, sms, "reference", recipient_cell_id="cell_999")
    caught(checks.messages, sms, "size", message_size=141)
    caught(checks.messages, sms, "numbering", sms_id="sms_000009")
    caught(checks.messages, sms, "order", sms_ts=sms["sms_ts"][100])
    caught(checks.sessions, sessions, "duration", session_duration=3601)
    caught(checks.sessions, sessions, "papers", imsi="404100000000000")
    caught(checks.sessions, sessions, "volume", uplink_volume=-1)
    caught(checks.sessions, sessions, "numbering", session_id="data_000009")
    busy = sessions.sort("user_id", "session_start_ts")
    row = busy.with_columns(gap=pl.col("session_start_ts").diff().over("user_id")).filter(
        pl.col("gap") < pl.duration(minutes=30)
    )[0]
    at = (
        pl.col("session_id")
        == busy.row(busy["session_id"].to_list().index(row["session_id"][0]) - 1, named=True)[
            "session_id"
        ]
    )
    end = row["session_start_ts"][0]
    longer = sessions.with_columns(
        session_end_ts=pl.when(at).then(end + pl.duration(seconds=1)).otherwise("session_end_ts")
    ).with_columns(
        session_duration=(pl.col("session_end_ts") - pl.col("session_start_ts"))
        .dt.total_seconds()
        .cast(pl.Int32)
    )
    with pytest.raises(checks.Broken, match="^busy"):
        checks.sessions(data, longer)


@pytest.mark.parametrize(("users", "seed"), [(10, 0), (11, 1), (200, 2**64 - 1)])
def test_small_worlds_keep_the_invariants_of_every_table(users, seed):
    data = cdr.generate(users=users, days=2, seed=seed, **EVERYTHING)
    checks.everything(data)
    checks.messages(data)
    checks.sessions(data)


def test_messages_and_sessions_have_a_flatter_day_than_calls(calls, sms, sessions):
    def night(table, time):
        hour = table[time].dt.hour()
        return ((hour < 6) | (hour > 21)).mean()

    shares = [
        night(calls.filter(~pl.col("is_anomaly")), "call_start_ts"),
        night(sms, "sms_ts"),
        night(sessions, "session_start_ts"),
    ]
    assert shares[0] + 0.01 < shares[1] < shares[2] - 0.03


def test_actors_of_scenarios_neither_write_nor_surf():
    data = cdr.generate(users=600, days=1, anomaly_mix={"sim_box_call": 1}, anomaly_ratio=0.2)
    actors = data.actors["user_id"].implode()
    assert actors.len() > 0
    assert not data.sms().collect()["sender_id"].is_in(actors).any()
    assert not data.data_sessions().collect()["user_id"].is_in(actors).any()


@pytest.mark.parametrize("table", ["calls", "sms", "data_sessions"])
def test_rows_do_not_depend_on_threads_batches_or_shards(data, table):
    def rows(n_jobs, **options):
        other = cdr.generate(config=data.config.replace(days=3, users=5000), n_jobs=n_jobs)
        return list(getattr(other, table)(**options))

    whole = pl.concat(rows(1))
    for n_jobs, size in ((2, 1000), (3, 65_537), (2, 10**7)):
        parts = rows(n_jobs, batch_size=size)
        assert max(part.height for part in parts) <= size
        assert pl.concat(parts).equals(whole)
    days = {day: pl.concat(rows(2, days=(day, day + 1))) for day in (2, 0, 1)}
    assert pl.concat([days[day] for day in range(3)]).equals(whole)


# These bytes are the format of the data: a change of them is one that users must be told of.
GOLDEN_CSV = {
    "cdr_call_records": "b99fa756f3579ade",
    "cdr_cell_towers": "558ae5ff45ff9641",
    "cdr_communities": "b6af7e1e5b89b44b",
    "cdr_data_sessions": "47eead98b74c5298",
    "cdr_sms_records": "01097d72fcf2eb6a",
    "cdr_user_profiles": "5f21450fbc80e40b",
}
GOLDEN_ARROW = {
    "calls": "52f815900ba1fb04",
    "sms": "8e00fa6bd56e6a06",
    "data_sessions": "fd53c765952fdc3d",
}


def test_golden_checksums_of_the_csv_files_with_every_column_and_table(tmp_path):
    digests = []
    for n_jobs in (1, 2):
        data = cdr.generate(users=500, days=3, seed=42, n_jobs=n_jobs, **EVERYTHING)
        folder = tmp_path / str(n_jobs)
        data.write(folder, "csv", picture=False)
        digests.append(
            {
                path.stem: hashlib.sha256(path.read_bytes()).hexdigest()[:16]
                for path in folder.glob("cdr_*.csv")
            }
        )
    assert digests[0] == digests[1] == GOLDEN_CSV


@pytest.mark.parametrize("table", ["calls", "sms", "data_sessions"])
def test_golden_checksums_of_the_arrow_buffers(table):
    """Offsets, characters, numbers and flags of each column, batch by batch."""
    pytest.importorskip("pyarrow")
    data = cdr.generate(users=500, days=3, seed=42, n_jobs=2, columns=COLUMNS)
    digest = hashlib.sha256()
    for batch in getattr(data, table)(backend="pyarrow", batch_size=10**6):
        for chunk in (chunk for column in batch.columns for chunk in column.chunks):
            for buffer in filter(None, chunk.buffers()):
                digest.update(len(buffer).to_bytes(8, "little"))
                digest.update(buffer)
    assert digest.hexdigest()[:16] == GOLDEN_ARROW[table]


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_every_table_is_written_and_read_back_equal(tmp_path, format):
    duckdb = pytest.importorskip("duckdb")
    pq = pytest.importorskip("pyarrow.parquet")
    data = cdr.generate(users=300, days=2, seed=3, **EVERYTHING)
    seen = []
    data.write(tmp_path / "out", format, picture=False, progress=seen.append)
    streams = {
        "cdr_call_records": data.calls().collect(),
        "cdr_sms_records": data.sms().collect(),
        "cdr_data_sessions": data.data_sessions().collect(),
    }
    assert sum(seen) == sum(table.height for table in streams.values())
    metadata = json.loads((tmp_path / "out" / "dataset_metadata.json").read_text())
    assert metadata["rows"]["sms"] == streams["cdr_sms_records"].height
    assert metadata["rows"]["data_sessions"] == streams["cdr_data_sessions"].height
    assert cdr.Config.from_dict(metadata["config"]) == data.config
    for name, about in metadata["files"].items():
        content = (tmp_path / "out" / name).read_bytes()
        assert about == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    for stem, table in streams.items():
        if format == "csv":
            assert f"{stem}.csv" in metadata["files"]
            schema = {**table.schema}
            if "is_anomaly" in schema:
                schema["is_anomaly"] = pl.Int32
            back = pl.read_csv(tmp_path / "out" / f"{stem}.csv", schema=schema)
            assert back.cast(dict(table.schema)).equals(table)
            continue
        assert f"{stem}/2024-01-02.parquet" in metadata["files"]
        folder = tmp_path / "out" / stem
        assert pl.read_parquet(folder / "*.parquet").equals(table)
        assert pl.from_arrow(pq.read_table(folder)).equals(table)
        assert duckdb.sql(f"from '{folder}/*.parquet' order by 1").pl().equals(table)


def test_tables_that_nobody_asked_for_are_not_written(tmp_path):
    data = cdr.generate(users=50, days=1, tables=["sms"])
    names = {path.name for path in data.write(tmp_path / "out", "csv", picture=False)}
    assert "cdr_sms_records.csv" in names
    assert "cdr_data_sessions.csv" not in names


@pytest.mark.parametrize("table", ["sms", "data_sessions"])
@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_a_failure_in_a_further_table_leaves_nothing(tmp_path, table, format):
    data = cdr.generate(users=400, days=2, tables=[table])
    done = []

    def stop(rows):
        done.append(rows)
        if sum(done) > data.rows:
            raise KeyboardInterrupt

    for n_jobs in (1, 2):
        done.clear()
        with pytest.raises(KeyboardInterrupt):
            data.write(tmp_path / "out", format, picture=False, progress=stop, n_jobs=n_jobs)
        assert list(tmp_path.iterdir()) == []


def test_scenarios_fill_the_columns_on_request():
    chosen = {
        "wangiri": {"rings": 80},
        "drop_surge": {},
        "cell_outage": {"cells": 3},
        "sim_box": {},
    }
    fields = {"users": 800, "days": 3, "seed": 3, "scenarios": chosen}
    plain = cdr.generate(**fields).calls().collect()
    data = cdr.generate(**fields, columns=COLUMNS, tables=["sms"])
    calls, truth = data.calls().collect(), data.truth_tables()
    assert calls.null_count().sum_horizontal().item() == 0
    basic = [name for name in plain.columns if not name.endswith("cell_id")]
    assert calls.select(basic).equals(plain.select(basic))
    rings = calls.filter(pl.col("call_duration") == 0)
    assert set(rings["cause_for_termination"]) == {3}
    # Of a call from abroad this network sees the end at its own subscriber only.
    assert set(rings["call_type"]) == {"MTC"}
    dropped = truth["calls"].filter(pl.col("scenario") == "drop_surge")["call_id"]
    cut = calls.filter(pl.col("call_id").is_in(dropped.implode()))
    assert cut.height > 0 and set(cut["cause_for_termination"]) == {4}
    cells = [name for name in calls.columns if name.endswith("cell_id")]
    assert len(cells) == 4
    for row in truth["cells"].filter(pl.col("role") == "silent").iter_rows(named=True):
        window = pl.col("call_start_ts").is_between(row["start"], row["end"], closed="left")
        here = pl.any_horizontal(pl.col(cells) == row["cell_id"])
        assert calls.filter(window & here).is_empty()
    days = [cdr.generate(**fields, columns=COLUMNS).shard(day).collect() for day in (1, 0, 2)]
    assert pl.concat([days[1], days[0], days[2]]).equals(calls)


def test_swapped_cards_and_silent_cells_show_in_messages_and_sessions(tmp_path):
    fields = {"users": 500, "days": 3, "seed": 3, "tables": TABLES}
    plain = cdr.generate(**fields)
    chosen = {"sim_swap": {}, "cell_outage": {"cells": 3}}
    data = cdr.generate(**fields, scenarios=chosen, n_jobs=2)
    truth = data.truth_tables()
    swapped = truth["users"].filter(pl.col("role") == "swapped")
    silent = truth["cells"].filter(pl.col("role") == "silent")
    for table, time, sides in (
        ("sms", "sms_ts", {"sender_id": "sender_imsi", "recipient_id": "recipient_imsi"}),
        ("data_sessions", "session_start_ts", {"user_id": "imsi"}),
    ):
        calm, rows = (getattr(d, table)().collect() for d in (plain, data))
        touched = pl.Series([False] * rows.height)
        for row in swapped.iter_rows(named=True):
            held = rows[time].is_between(row["start"], row["end"], closed="left")
            for side, imsi in sides.items():
                mine = rows[side] == row["user_id"]
                assert ((rows[imsi] != calm[imsi]).filter(mine) == held.filter(mine)).all()
                touched |= mine & held
        cells = [name for name in rows.columns if name.endswith("cell_id")]
        for row in silent.iter_rows(named=True):
            held = rows[time].is_between(row["start"], row["end"], closed="left")
            for cell in cells:
                assert not (held & (rows[cell] == row["cell_id"])).any()
                touched |= held & (calm[cell] == row["cell_id"])
        assert touched.any()
        assert rows.filter(~touched).equals(calm.filter(~touched))
        # Batches and days alone have the rows of the whole.
        assert pl.concat(getattr(data, table)(batch_size=97)).equals(rows)
        days = [getattr(data, table)(days=(day, day + 1)).collect() for day in (2, 0, 1)]
        assert pl.concat([days[1], days[2], days[0]]).equals(rows)
        assert getattr(data, table)(days=(1, 1)).collect().schema == rows.schema
    data.write(tmp_path / "p", picture=False)
    written = pl.read_parquet(tmp_path / "p" / "cdr_data_sessions" / "*.parquet")
    assert written.equals(rows)
    # A table that no scenario touches has the same bytes with scenarios and without.
    for name, given in (("plain", {}), ("calm", {"scenarios": ["pbx_hack"]})):
        cdr.generate(**fields, **given).write(tmp_path / name, "csv", picture=False)
    for stem in ("cdr_sms_records", "cdr_data_sessions"):
        one, two = ((tmp_path / name / f"{stem}.csv").read_bytes() for name in ("plain", "calm"))
        assert one == two


def test_a_config_with_columns_and_tables_comes_back_from_toml(tmp_path):
    config = cdr.Config(
        users=50, columns=["called_id"], tables=list(TABLES), radio_access_types={
            "EUTRAN": 1, "NR": 0, "UTRAN": 0,
        }, utc_time_offset="-0330",
    )  # fmt: skip
    config.to_toml(tmp_path / "c.toml")
    assert cdr.Config.from_toml(tmp_path / "c.toml") == config
    assert set(cdr.generate(config=config).data_sessions().collect()["rat_type"]) == {"EUTRAN"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"tables": ["mms"]},
            'tables must be a list of some of "sms", "data_sessions", got [\'mms\']',
        ),
        (
            {"tables": "sms"},
            'tables must be a list of some of "sms", "data_sessions", got \'sms\'',
        ),
        (
            {"columns": ["call_type", "call_type"]},
            'columns must be a list of some of "call_type", "called_id", "cause_for_termination", '
            '"callee_first_cell_id", "callee_last_cell_id", "utc_time_offset", '
            "got ['call_type', 'call_type']",
        ),
        (
            {"utc_time_offset": "5:30"},
            'utc_time_offset must be local time minus UTC such as "+0530", up to 14 hours, '
            "got '5:30'",
        ),
        (
            {"sms_per_user_day": 0},
            "sms_per_user_day must be a number above 0 and up to 500, got 0",
        ),
        (
            {"radio_access_types": {"LTE": 1}},
            'radio_access_types has no entry "LTE" (it has EUTRAN, NR, UTRAN)',
        ),
        (
            {"radio_access_types": dict.fromkeys(("EUTRAN", "NR", "UTRAN"), 0)},
            "radio_access_types must have a weight above 0, got only zeros",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_impossible_columns_and_tables_are_refused_by_name(fields, message):
    with pytest.raises(ValueError) as error:
        cdr.generate(users=50, days=1, **fields)
    assert str(error.value) == message


def test_a_table_that_does_not_exist_is_refused():
    with pytest.raises(ValueError) as error:
        cdr.generate(users=50, days=1).rows_by_day("mms")
    assert str(error.value) == 'table must be one of "calls", "sms", "data_sessions", got \'mms\''


def test_the_command_writes_the_columns_and_tables_that_it_is_asked_for(tmp_path, capsys):
    from linewatch.cli import main

    out = str(tmp_path / "data")
    options = ["--users", "60", "--days", "1", "--no-picture", "--out", out, "--format", "csv"]
    assert main(["generate", *options, "--tables", "all", "--columns", "call_type"]) == 0
    said = capsys.readouterr()
    assert " rows of data sessions\n" in said.out
    assert "rows (100 %)" in said.err
    header = (tmp_path / "data" / "cdr_call_records.csv").read_text().splitlines()[0]
    assert header.endswith(",anomaly_type,call_type")
    assert (tmp_path / "data" / "cdr_data_sessions.csv").exists()
