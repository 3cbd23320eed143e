"""Generated call records: what is always true of them, and that each check would notice."""

import datetime
import hashlib
import os

import cdr_checks as checks
import polars as pl
import pytest

from linewatch import cdr
from linewatch.cdr import picture
from linewatch.cdr.presets import ANOMALIES


@pytest.fixture(scope="module")
def data():
    return cdr.generate(users=800, days=8, seed=11, n_jobs=1)


@pytest.fixture(scope="module")
def table(data):
    return checks.everything(data)


def test_a_data_set_has_the_tables_and_columns_of_the_original(data, table):
    assert table.columns == [
        *("call_id", "caller_id", "callee_id", "call_start_ts", "call_end_ts", "call_duration"),
        *("first_cell_id", "last_cell_id", "caller_imei", "caller_imsi", "callee_imsi"),
        *("is_anomaly", "anomaly_type"),
    ]
    assert data.users.columns == [
        *("user_id", "phone_number", "imei", "imsi", "home_cell_id", "user_type"),
        *("creation_date", "call_pattern"),
    ]
    assert data.towers.columns == ["cell_id", "latitude", "longitude", "area_type", "tower_type"]
    assert data.communities.columns == [
        *("user_id", "community_type", "community_id", "community_size"),
    ]
    assert table["call_start_ts"].dt.date().unique().len() == 8


@pytest.mark.parametrize("users", [10, 11, 37, 200])
@pytest.mark.parametrize("seed", [0, 1])
def test_small_worlds_keep_every_invariant(users, seed):
    checks.everything(cdr.generate(users=users, days=3, seed=seed))


@pytest.mark.parametrize(
    "fields",
    [
        {"anomaly_ratio": 0.0},
        {"anomaly_ratio": 0.3},
        {"anomaly_mix": {"short_call": 0, "long_call": 0, "off_hour_call": 0, "burst_call": 1}},
        {"anomaly_mix": {"short_call": 0, "long_call": 1, "off_hour_call": 0, "burst_call": 0}},
        {"calls_per_user_day": 0.2},
        {"calls_per_user_day": 25.0},
        {"start": "2023-12-30"},
        {"duration_shape": "log-logistic"},
        {"towers": 2},
        {"one_community": True},
        {"preset": "seed"},
        {"seed": 2**64 - 1},
    ],
    ids=str,
)
def test_any_config_keeps_every_invariant(fields):
    checks.everything(cdr.generate(**{"users": 250, "days": 3, "seed": 5, **fields}))


def test_kinds_of_anomalies_share_the_quota(table):
    counts = dict(table.filter("is_anomaly")["anomaly_type"].value_counts().iter_rows())
    assert set(counts) == {"short_call", "long_call", "off_hour_call", "burst_call"}
    assert max(counts.values()) - min(counts.values()) <= 30


def test_calls_go_on_over_midnight(table):
    start, end = table["call_start_ts"].dt.date(), table["call_end_ts"].dt.date()
    assert (start != end).sum() > 3


def _edit(table, row, **values):
    columns = {
        name: table[name].to_list()[:row] + [value] + table[name].to_list()[row + 1 :]
        for name, value in values.items()
    }
    return table.with_columns(**{k: pl.Series(v, dtype=table[k].dtype) for k, v in columns.items()})


def _row(table, kind):
    return table["anomaly_type"].to_list().index(kind)


def test_each_single_fault_is_caught_by_the_check_meant_for_it(data, table):
    users, cells = data.users, data.towers
    table = table.head(6000)
    ratio = table["is_anomaly"].sum() / table.height

    def caught(changed, name, users=users):
        with pytest.raises(checks.Broken, match=f"^{name}"):
            checks.calls(changed, users, cells, ratio=ratio)

    # Cut in the middle of bursts, so leave these out of what is whole.
    plain = table.filter(pl.col("anomaly_type") != "burst_call")
    plain = plain.with_columns(
        call_id=pl.format("call_{}", (pl.int_range(pl.len()) + 1).cast(str).str.zfill(6))
    )
    table, ratio = plain, plain["is_anomaly"].sum() / plain.height
    checks.calls(table, users, cells, ratio=ratio)
    ids = table["call_id"]
    caught(_edit(table, 5, call_id=ids[4]), "unique")
    caught(_edit(table, 5, callee_id="user_9999"), "reference")
    caught(_edit(table, 5, first_cell_id="cell_999"), "reference")
    caught(_edit(table, 5, callee_id=table["caller_id"][5]), "self")
    caught(_edit(table, 5, caller_imsi=table["callee_imsi"][5]), "papers")
    caught(_edit(table, 5, call_duration=table["call_duration"][5] + 1), "duration")
    caught(_edit(table, 5, is_anomaly=not table["is_anomaly"][5]), "label")
    at = _row(table, "short_call")
    end = table["call_start_ts"][at] + datetime.timedelta(seconds=6)
    caught(_edit(table, at, call_duration=6, call_end_ts=end), "definition")
    at = _row(table, "off_hour_call")
    later = datetime.timedelta(hours=4)
    moved = {k: table[k][at] + later for k in ("call_start_ts", "call_end_ts")}
    moved = _edit(table, at, **moved).sort("call_start_ts").with_columns(call_id=ids)
    caught(moved, "definition")
    caught(table.with_columns(pl.col("call_start_ts").reverse()), "duration")
    shuffled = table.sample(fraction=1, shuffle=True, seed=1).with_columns(call_id=ids)
    caught(shuffled, "order")
    # A call of the same caller within another of its calls.
    long = _row(table, "long_call")
    inside = table["call_start_ts"][long] + datetime.timedelta(seconds=60)
    after = table["call_start_ts"].search_sorted(inside)
    papers = {k: table[k][long] for k in ("caller_id", "caller_imei", "caller_imsi")}
    assert table["callee_id"][after] != papers["caller_id"]
    caught(_edit(table, after, **papers), "busy")
    caught(table.vstack(table.tail(1)), "unique")
    caught(table.filter(pl.col("anomaly_type") != "long_call").with_columns(), "numbering")
    young = users.with_columns(creation_date=pl.lit(datetime.date(2024, 1, 2)))
    caught(table, "account", users=young)


def test_faults_of_the_other_tables_are_caught(data):
    users, cells = data.users, data.towers
    digit = str((int(users["imei"][3][-1]) + 1) % 10)
    wrong = _edit(users, 3, imei=users["imei"][3][:-1] + digit)
    with pytest.raises(checks.Broken, match="^luhn"):
        checks.identifiers(wrong)
    with pytest.raises(checks.Broken, match="^unique"):
        checks.identifiers(_edit(users, 3, phone_number=users["phone_number"][4]))
    with pytest.raises(checks.Broken, match="^format"):
        checks.identifiers(_edit(users, 3, imsi="310150123456789"))
    with pytest.raises(checks.Broken, match="^unique"):
        checks.towers(
            _edit(cells, 1, latitude=cells["latitude"][0], longitude=cells["longitude"][0])
        )
    members = data.communities
    with pytest.raises(checks.Broken, match="^size"):
        checks.communities(_edit(members, 0, community_size=49), users)


def test_communities_are_complete_and_families_live_together(data):
    members = data.communities
    assert set(members["community_type"]) == {"families", "work_groups", "friend_circles"}
    homes = members.filter(pl.col("community_type") == "families").join(
        data.users.select("user_id", "home_cell_id"), on="user_id"
    )
    assert (
        homes.group_by("community_id").agg(pl.col("home_cell_id").n_unique())["home_cell_id"] == 1
    ).all()
    assert members.filter(pl.col("community_type") == "families").height > 0.93 * 800
    one = cdr.generate(users=500, days=1, one_community=True).communities
    assert one["user_id"].is_unique().all()


def test_the_original_preset_has_its_distributions(rng):
    data = cdr.generate(users=400, days=7, seed=3, preset="seed", anomaly_ratio=0.0)
    calls = checks.everything(data)
    assert calls.height / 400 / 7 == pytest.approx(18, rel=0.01)
    durations = calls.join(data.users, left_on="caller_id", right_on="user_id")
    means = dict(durations.group_by("user_type").agg(pl.col("call_duration").mean()).iter_rows())
    assert means["individual"] == pytest.approx(199, abs=6)
    assert means["business"] == pytest.approx(325, abs=9)
    per_user = calls["caller_id"].value_counts()["count"]
    assert per_user.std() / per_user.mean() < 0.15
    assert (calls["first_cell_id"] != calls["last_cell_id"]).mean() == pytest.approx(0.15, abs=0.01)
    homes = durations.select(pl.col("first_cell_id") == pl.col("home_cell_id")).to_series()
    assert homes.all()
    daily = calls.group_by(pl.col("call_start_ts").dt.weekday()).len()
    assert daily["len"].std() > 0  # the weekend has its own volume


def test_same_bytes_on_any_number_of_threads_and_in_batches_of_any_size(tmp_path):
    digests = set()
    for n_jobs in (1, 2, 3):
        data = cdr.generate(users=5000, days=2, seed=7, n_jobs=n_jobs)
        for format in ("csv", "parquet"):
            folder = tmp_path / f"{format}-{n_jobs}"
            data.write(folder, format, picture=False)
        names = ["csv-%d/cdr_call_records.csv", "parquet-%d/cdr_call_records/2024-01-02.parquet"]
        digests.add(tuple(_digest(tmp_path / (name % n_jobs)) for name in names))
    assert len(digests) == 1
    whole = data.calls().collect()
    for size in (1000, 65_537, 10**7):
        parts = list(data.calls(batch_size=size))
        assert max(part.height for part in parts) <= size
        assert pl.concat(parts).equals(whole)


def _digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_shards_in_any_order_make_the_whole(tmp_path):
    data = cdr.generate(users=300, days=4, seed=9)
    whole = data.calls().collect()
    days = {}
    for day in (2, 0, 3, 1):
        days[day] = cdr.generate(users=300, days=4, seed=9).shard(day).collect()
        assert days[day].height == data.quotas[day][0]
        assert days[day]["call_start_ts"].dt.date().unique().to_list() == [
            datetime.date(2024, 1, 1 + day)
        ]
    assert pl.concat([days[day] for day in range(4)]).equals(whole)
    data.write(tmp_path / "csv", "csv", picture=False)
    text = (tmp_path / "csv" / "cdr_call_records.csv").read_bytes()
    parts = []
    for day in range(4):
        data._core.write(tmp_path / f"{day}.csv", "csv", (day, day + 1))
        header, _, body = (tmp_path / f"{day}.csv").read_bytes().partition(b"\n")
        parts.append(body)
    assert header + b"\n" + b"".join(parts) == text


def test_a_longer_run_begins_with_the_shorter_one():
    short = cdr.generate(users=200, days=2, seed=4).calls().collect()
    long = cdr.generate(users=200, days=4, seed=4).calls().collect()
    assert long.head(short.height).equals(short)


def test_another_seed_gives_other_calls_and_other_users():
    one, two = (cdr.generate(users=100, days=1, seed=seed) for seed in (1, 2))
    assert not one.users["imei"].is_in(two.users["imei"].implode()).any()
    assert not one.calls().collect().equals(two.calls().collect())


# These bytes are the format of the data: a change of them is a change that users must be told of.
GOLDEN = {
    "realistic": {
        "cdr_call_records": "cbfc5e82cccb3266",
        "cdr_cell_towers": "558ae5ff45ff9641",
        "cdr_communities": "b6af7e1e5b89b44b",
        "cdr_user_profiles": "5f21450fbc80e40b",
    },
    "seed": {
        "cdr_call_records": "3b60d84c67e7f152",
        "cdr_cell_towers": "558ae5ff45ff9641",
        "cdr_communities": "2a48bc29088d266a",
        "cdr_user_profiles": "3f6ef94d96d23410",
    },
}


@pytest.mark.parametrize("preset", ["realistic", "seed"])
def test_golden_checksums_of_the_csv_files(tmp_path, preset):
    data = cdr.generate(users=500, days=3, seed=42, preset=preset)
    data.write(tmp_path / "out", "csv", picture=False)
    found = {path.stem: _digest(path)[:16] for path in (tmp_path / "out").glob("*.csv")}
    assert found == GOLDEN[preset]


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_what_is_written_reads_back_equal_everywhere(tmp_path, format):
    duckdb = pytest.importorskip("duckdb")
    pq = pytest.importorskip("pyarrow.parquet")
    data = cdr.generate(users=300, days=2, seed=3)
    whole = data.calls().collect()
    data.write(tmp_path / "out", format, picture=False)
    if format == "csv":
        text = {name: pl.String for name in ("caller_imei", "caller_imsi", "callee_imsi")}
        back = pl.read_csv(
            tmp_path / "out" / "cdr_call_records.csv", try_parse_dates=True, schema_overrides=text
        )
        flags = pl.col("is_anomaly").cast(pl.Boolean), pl.col("call_duration").cast(pl.Int32)
        assert back.with_columns(flags).equals(whole)
        return
    folder = tmp_path / "out" / "cdr_call_records"
    assert pl.read_parquet(folder / "*.parquet").equals(whole)
    assert pl.from_arrow(pq.read_table(folder)).equals(whole)
    assert duckdb.sql(f"from '{folder}/*.parquet' order by call_id").pl().equals(whole)
    assert pl.read_parquet(tmp_path / "out" / "cdr_user_profiles.parquet").equals(data.users)


def test_parquet_with_more_users_than_a_dictionary_is_good_for(tmp_path):
    data = cdr.generate(users=3000, days=1, seed=3, calls_per_user_day=0.5)
    data.write(tmp_path / "out", picture=False)
    back = pl.read_parquet(tmp_path / "out" / "cdr_call_records" / "2024-01-01.parquet")
    assert back.equals(data.calls().collect())


def test_readers_of_arrow_take_the_stream_whole():
    duckdb = pytest.importorskip("duckdb")
    pa = pytest.importorskip("pyarrow")
    calls = cdr.generate(users=200, days=2, seed=3).calls()
    n = calls.rows
    assert pa.table(calls).num_rows == n
    assert pa.table(calls).num_rows == n  # any number of times
    reader = pa.RecordBatchReader.from_stream(calls)
    counted = duckdb.from_arrow(reader).aggregate("count(*) as n").pl()
    assert counted["n"].to_list() == [n]
    assert [
        type(next(iter(cdr.generate(users=50, days=1).calls(backend=b)))).__module__.split(".")[0]
        for b in ("polars", "pandas", "pyarrow")
    ] == ["polars", "pandas", "pyarrow"]


def test_the_truth_lists_the_anomalies(data, table):
    truth = data.truth
    assert truth.height == data.anomalies
    assert truth["call_id"].equals(table.filter("is_anomaly")["call_id"])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_stream_is_read_in_one_process_alone():
    data = cdr.generate(1000, 2, seed=7, n_jobs=2)
    batches = iter(data._core.calls(0, 2, 100, 2))
    first = len(next(batches))
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            next(batches)
        except ValueError as error:
            told = str(error)
        else:
            told = "nothing"
        del batches
        anew = sum(len(batch) for batch in data._core.calls(0, 2, 100, 2))
        os.write(write, f"{told}|{anew}".encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        told, anew = pipe.read().split("|")
    os.waitpid(child, 0)
    assert told == (
        "stream must be read in the process that began to read it; begin anew in this one, "
        "got a child process"
    )
    assert int(anew) == data.rows == first + sum(len(batch) for batch in batches)


def test_a_stream_may_be_left_before_its_end():
    data = cdr.generate(1000, 2, seed=7, n_jobs=2)
    for table in ("calls", "sms", "data"):
        next(iter(data._core.calls(0, 2, 100, 2, table)))


@pytest.mark.parametrize("days", [1, 2, 40])
def test_the_picture_shows_every_day_within_its_axes(days, tmp_path, monkeypatch):
    figure = pytest.importorskip("matplotlib.figure")
    drawn = []
    monkeypatch.setattr(figure.Figure, "savefig", lambda self, *_, **__: drawn.append(self))
    data = cdr.generate(users=20, days=days, seed=1)
    picture.draw(data, ([1] * 24, [1] * len(ANOMALIES), [1] * 6), tmp_path / "a.png")
    by_day = drawn[0].axes[3]
    drawn[0].canvas.draw()
    (first, last), (low, high) = by_day.get_xlim(), by_day.get_ylim()
    x, y = by_day.lines[0].get_xydata().T
    assert first < x[0] and x[-1] < last and low == 0 and y.max() < high
    if days <= 8:
        ticks = [label.get_text() for label in by_day.get_xticklabels()]
        assert ticks == ["01-01", "01-02"][:days]
