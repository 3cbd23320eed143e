"""Baselines, scores, events and the ranking of cells."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from linewatch import _results, _tables, datasets, kpi
from linewatch.kpi import _score

ROOT = Path(__file__).parents[1]


def hours(n, start=datetime(2026, 1, 5)):
    return [start + timedelta(hours=i) for i in range(n)]


@pytest.fixture(scope="module")
def cells():
    return datasets.hourly_cells(n_cells=12, n_weeks=7, n_degradations=8, seed=3)


@pytest.fixture(scope="module")
def scored(cells):
    return kpi.score(cells, value="traffic_mbit_per_s")


def test_a_monday_is_compared_with_the_three_mondays_before():
    value = np.full(168 * 5, 10.0)
    value[168 * np.arange(4)] = [8, 10, 12, 40]  # Mondays at midnight
    frame = pl.DataFrame({"time": hours(value.size), "mbit_per_s": value})
    scored = kpi.score(frame, baseline="hour of week", floor=0)
    monday = scored.row(168 * 3, named=True)
    assert monday["baseline"] == pytest.approx(10)
    assert monday["scale"] == pytest.approx(2)
    assert monday["score"] == pytest.approx(15)
    assert monday["is_anomaly"] and monday["is_alarm"]
    assert monday["direction"] == "increase"
    assert scored["baseline"][: 168 * 3].null_count() == 168 * 3


def test_the_floor_keeps_weeks_that_happen_to_agree_from_raising_an_alarm(rng):
    value = 100 + rng.normal(0, 5, 168 * 5)
    value[12 + 168 * np.arange(4)] = [100.0, 100.1, 99.9, 103]  # Mondays at noon
    frame = pl.DataFrame({"time": hours(value.size), "users": value})
    bare = kpi.score(frame, floor=0)["score"][12 + 168 * 3]
    floored = kpi.score(frame)["score"][12 + 168 * 3]
    assert bare > 25
    assert floored < 2


def test_a_steady_kpi_scores_zero_and_a_step_out_of_it_is_infinite():
    value = np.full(24 * 10, 5.0)
    value[-1] = 6
    frame = pl.DataFrame({"time": hours(value.size), "users": value})
    scored = kpi.score(frame)
    assert scored["score"][-2] == 0
    assert scored["score"][-1] == np.inf
    assert scored["is_anomaly"].sum() == 1


def test_scores_out_of_a_history_without_variation_rank_behind_those_with_one(rng):
    n = 24 * 10
    flat, flatter, noisy = np.zeros(n), np.zeros(n), rng.normal(50, 1, n)
    flat[-1], flatter[-1], noisy[-1] = 3, 20, 80
    cells = {"flat": flat, "flatter": flatter, "noisy": noisy}
    frame = pl.concat(
        pl.DataFrame({"time": hours(n), "cell": [name] * n, "users": value})
        for name, value in cells.items()
    )
    ranked = kpi.rank(kpi.score(frame))
    assert ranked["cell"].to_list() == ["noisy", "flatter", "flat"]
    assert ranked["score"].is_infinite().to_list() == [False, True, True]


def test_a_finite_score_is_worse_than_an_infinite_one_of_the_same_cell():
    scored = pl.DataFrame(
        {
            "time": hours(3), "cell": ["a"] * 3, "users": [9.0, 8.0, 7.0],
            "baseline": [0.0, 1.0, 1.0], "scale": [0.0, 1.0, 0.5],
            "score": [np.inf, 7.0, 12.0], "is_anomaly": [True] * 3,
            "is_alarm": [True, False, False], "direction": ["increase"] * 3,
        }
    )  # fmt: skip
    assert kpi.rank(scored)["score"].to_list() == [12.0]
    assert kpi.events(scored)["worst_time"].to_list() == [hours(3)[2]]
    assert kpi.rank(scored[:1])["score"].to_list() == [np.inf]


def test_short_series_get_a_shorter_baseline():
    for n, kind in [(24 * 3, "rolling"), (24 * 10, "time of day"), (24 * 28, "hour of week")]:
        time = pl.Series("time", hours(n))
        table = _score.score_table(time, None, pl.Series("users", np.arange(n, dtype=float)))
        assert table["baseline_kind"].unique().to_list() == [kind]


def test_anomalies_within_the_refractory_period_are_one_event(rng):
    value = rng.normal(50, 1, 24 * 10)
    value[[200, 202, 205, 230]] = 500
    frame = pl.DataFrame({"time": hours(value.size), "users": value})
    scored = kpi.score(frame, baseline="rolling", refractory="6h", threshold=5)
    assert scored["is_anomaly"].arg_true().to_list() == [200, 202, 205, 230]
    assert scored["is_alarm"].arg_true().to_list() == [200, 230]
    events = kpi.events(scored)
    assert events["n_anomalies"].to_list() == [3, 1]
    assert events["end"][0] - events["start"][0] == timedelta(hours=5)
    assert events.columns == [c for c in _results.TABLES["events"] if c != "kpi"]


def test_a_window_is_a_number_of_values_or_a_span(cells):
    by_count, by_text, by_span = (
        kpi.score(cells.drop_nulls("traffic_mbit_per_s"), window=window)["baseline"]
        for window in (3, "21d", timedelta(days=21))
    )
    assert by_text.equals(by_span)
    same = np.isclose(by_count, by_text)[by_text.is_not_null()]
    assert len(same) > 5000
    assert same.mean() > 0.95  # a missing value makes a count reach further back


def test_only_decreases_count_if_asked(cells):
    scored = kpi.score(cells, direction="decrease")
    assert scored["is_anomaly"].any()
    assert scored.filter("is_anomaly")["direction"].unique().to_list() == ["decrease"]


def test_planted_degradations_are_found(cells, scored):
    found = kpi.evaluate(scored, "is_degraded")
    assert found["auroc"] > 0.95
    assert found["precision"] > 0.7
    assert found["stretches"] == 8
    assert found["stretches_found"] >= 5


def test_the_worst_cell_comes_first(scored):
    ranking = kpi.rank(scored)
    assert ranking.height == 12
    assert ranking["score"].drop_nulls().is_sorted(descending=True)
    assert ranking["n_anomalies"].sum() == scored["is_anomaly"].sum()
    assert ranking["n_events"].sum() == kpi.events(scored).height == scored["is_alarm"].sum()


def test_rows_keep_their_order_whatever_it_is(cells, scored):
    shuffled = cells.with_row_index("row").sample(fraction=1, shuffle=True, seed=1)
    again = kpi.score(shuffled, value="traffic_mbit_per_s")
    assert again["row"].equals(shuffled["row"])
    again = again.sort("row")
    assert again.select(_score.SCORED).equals(scored.select(_score.SCORED))


def test_a_value_does_not_move_its_own_baseline_or_an_earlier_one(cells):
    cut = cells.with_columns(
        pl.when(pl.col("time") == pl.col("time").max())
        .then(1e6)
        .otherwise("traffic_mbit_per_s")
        .alias("traffic_mbit_per_s")
    )
    before, after = (kpi.score(frame).select("baseline", "scale") for frame in (cells, cut))
    assert before["baseline"].equals(after["baseline"])


@pytest.mark.parametrize("backend", ["pandas", "pyarrow"])
def test_what_comes_in_goes_out(cells, scored, backend):
    pytest.importorskip(backend)
    pytest.importorskip("pyarrow")
    frame = cells.to_pandas() if backend == "pandas" else cells.to_arrow()
    if backend == "pandas":
        frame.index = frame.index[::-1]
    again = kpi.score(frame)
    assert type(again) is type(frame)
    if backend == "pandas":
        assert again.index.equals(frame.index)
    np.testing.assert_allclose(np.asarray(again["score"], dtype=float), scored["score"].to_numpy())
    assert type(kpi.rank(again)) is type(frame)
    assert len(kpi.events(again)) == kpi.events(scored).height
    assert kpi.evaluate(again, "is_degraded") == pytest.approx(
        kpi.evaluate(scored, "is_degraded"), nan_ok=True
    )


def test_answers_in_pyarrow_have_nulls_and_the_types_of_polars():
    pa = pytest.importorskip("pyarrow")
    cells = datasets.hourly_cells(n_cells=2, n_weeks=5, n_degradations=0, seed=0)
    ours = kpi.score(cells)
    theirs = kpi.score(cells.to_arrow())
    assert theirs["score"].null_count == ours["score"].null_count() > 0
    assert pl.from_arrow(theirs).equals(ours)
    found = kpi.detect(cells.to_arrow())
    assert found.schema.field("rule").type == pa.string()
    assert pa.types.is_integer(found.schema.field("event").type)
    assert pl.from_arrow(found).equals(kpi.detect(cells))


def test_times_of_day_are_scored_without_order_leaving_one_out():
    frame = pl.DataFrame(
        {
            "Time": ["9:45", "10:00", "9:45", "9:45", "10:00", "9:45", "9:45"],
            "CellName": ["a", "a", "a", "a", "a", "a", "b"],
            "PRBUsageUL": [1.0, 5.0, 2.0, 3.0, 5.0, 20.0, 7.0],
        }
    )
    scored = kpi.score(frame, floor=0)
    assert scored["baseline"][5] == pytest.approx(2)
    assert scored["scale"][5] == pytest.approx(1)
    assert scored["score"][5] == pytest.approx(18)
    assert scored["baseline"][0] == pytest.approx(25 / 3)
    assert scored["score"][1] is None and scored["score"][6] is None  # fewer than three others
    assert scored["is_alarm"].null_count() == 7
    with pytest.raises(ValueError, match="times of day only"):
        kpi.events(scored)


def test_times_of_day_leave_one_out_matches_its_definition(rng):
    n = 400
    slot, cell = rng.integers(0, 4, n), rng.integers(0, 3, n)
    value = rng.normal(10, 3, n)
    frame = pl.DataFrame(
        {"Time": [f"{s}:15" for s in slot], "cell": [f"c{c}" for c in cell], "users": value}
    )
    scored = kpi.score(frame, floor=0)
    for i in range(0, n, 17):
        others = (slot == slot[i]) & (cell == cell[i])
        others[i] = False
        assert scored["baseline"][i] == pytest.approx(value[others].mean())
        assert scored["scale"][i] == pytest.approx(value[others].std(ddof=1))


def test_rows_without_a_cell_are_not_scored_and_move_no_baseline(cells, scored):
    lost = cells.with_row_index("row").with_columns(
        cell_id=pl.when(pl.col("row") % 9 == 0).then(None).otherwise("cell_id")
    )
    again = kpi.score(lost)
    kept = again.filter(again["cell_id"].is_not_null())
    assert again.filter(again["cell_id"].is_null())["score"].count() == 0
    without = kpi.score(kept.select(cells.columns))
    assert kept.select(_score.SCORED).equals(without.select(_score.SCORED))


def test_an_infinite_value_is_missing(cells):
    value = pl.col("traffic_mbit_per_s")
    row = pl.int_range(pl.len()) == 1000
    infinite = cells.with_columns(
        pl.when(row).then(np.inf).otherwise(value).alias(value.meta.output_name())
    )
    missing = cells.with_columns(
        pl.when(row).then(None).otherwise(value).alias(value.meta.output_name())
    )
    assert (
        kpi.score(infinite).select(_score.SCORED).equals(kpi.score(missing).select(_score.SCORED))
    )


def test_times_with_a_zone_are_read_in_the_zone_asked_for():
    time = pl.Series("t", hours(3)).dt.replace_time_zone("UTC")
    assert _tables.times(time, "Asia/Tokyo")[0] == datetime(2026, 1, 5, 9)
    assert _tables.times(time)[0] == datetime(2026, 1, 5)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31 14:00",
        "2026-01-31T14:00:00",
        "2026/01/31 14:00",
        "31.01.2026 14:00",
        "01/31/2026 2:00 PM",
        "202601311400",
        "20260131140000",
    ],
)
def test_times_are_read_as_people_write_them(text):
    assert _tables.times(pl.Series("t", [text]))[0] == datetime(2026, 1, 31, 14)


def test_a_date_that_can_be_two_days_is_refused():
    with pytest.raises(ValueError, match="day/month or month/day"):
        _tables.times(pl.Series("t", ["03/04/2026 10:00"]))
    assert _tables.times(pl.Series("t", ["31/01/2026 10:00"]))[0] == datetime(2026, 1, 31, 10)


def test_seconds_and_milliseconds_since_1970_are_told_apart():
    for number in (1769868000, 1769868000000):
        assert _tables.times(pl.Series("ts", [number]))[0] == datetime(2026, 1, 31, 14)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["DATETIME", "CELL_NAME", "TRAFIC_CS", "TRAFIC_DATA"], ("DATETIME", "CELL_NAME")),
        (["timestamp", "file", "value", "kpi2"], ("timestamp", "file")),
        (["date", "site", "users", "kpi2"], ("date", "site")),
    ],
)
def test_columns_are_found_by_name(names, found):
    frame = pl.DataFrame([["2026-01-31 14:00"], ["a"], [1.0], [2.0]], schema=names)
    columns = _tables.detect(frame)
    assert (columns.time, columns.cell) == found
    assert columns.values == names[2:3] and columns.other_values == names[3:]


@pytest.mark.parametrize("dtype", [float, str])
def test_a_column_is_known_by_its_values_however_late_they_come(dtype):
    n, late = 1008, 2016
    values = [None] * late + [4.8368 + k / n for k in range(n)]
    frame = pl.DataFrame(
        {
            "time": hours(n) * 3,
            "cell": [None] * n + ["b"] * n + ["c"] * n,
            "users": [str(k % 7) for k in range(3 * n)],
            "prb": [None if v is None else dtype(v) for v in values],
        }
    )
    columns = _tables.detect(frame)
    assert (columns.cell, columns.values, columns.other_values) == ("cell", ["users"], ["prb"])
    assert _tables.detect(frame.drop("users")).values == ["prb"]


def test_a_cell_column_may_begin_with_numbers_and_a_remark_is_none():
    names = [str(k % 9) for k in range(1500)] + [f"A{k % 9}" for k in range(1500)]
    frame = pl.DataFrame({"time": hours(3000), "cell": names, "users": [1.0] * 3000})
    assert _tables.detect(frame).cell == "cell"
    remark = [None] * 2990 + ["repaired"] * 10
    frame = frame.with_columns(remark=pl.Series(remark)).drop("cell")
    assert _tables.detect(frame).cell is None


def test_columns_that_cannot_be_told_apart_are_listed():
    frame = pl.DataFrame({"time": hours(1), "region": ["n"], "vendor": ["x"], "users": [1.0]})
    with pytest.raises(ValueError, match=r'which column is the cell\?.*"region", "vendor"'):
        _tables.detect(frame)
    frame = pl.DataFrame({"opened": hours(1), "closed": hours(1), "users": [1.0]})
    with pytest.raises(ValueError, match=r'which column is the time\?.*"opened", "closed"'):
        _tables.detect(frame)


def test_errors_name_the_column():
    frame = pl.DataFrame({"time": hours(3), "users": [1.0, 2.0, 3.0]})
    with pytest.raises(ValueError, match='column "prb" is missing; the table has "time", "users"'):
        kpi.score(frame, value="prb")
    with pytest.raises(ValueError, match="baseline must be auto, hour of week"):
        kpi.score(frame, baseline="weekly")
    with pytest.raises(ValueError, match='refractory must be a time such as "6h" or "30min"'):
        kpi.score(frame, refractory="1e12h")
    with pytest.raises(TypeError, match="expected a pandas, Polars or pyarrow frame"):
        kpi.score([1, 2, 3])
    with pytest.raises(ValueError, match='already has a column "score"'):
        kpi.score(frame.with_columns(score=pl.lit(1.0)))
    with pytest.raises(ValueError, match='column "score" is missing'):
        kpi.rank(frame.with_columns(baseline=1.0, scale=1.0))


def test_the_same_seed_gives_the_same_cells():
    one, two = (datasets.hourly_cells(3, 5, seed=7) for _ in range(2))
    assert one.equals(two)
    assert not one.equals(datasets.hourly_cells(3, 5, seed=8))


def test_as_many_degradations_as_asked_for_and_none_in_the_quiet_weeks(cells):
    runs = cells.with_columns(run=pl.struct("cell_id", "degradation").rle_id())
    planted = runs.drop_nulls("degradation")
    assert planted["run"].n_unique() == 8
    assert (planted["time"].min() - cells["time"].min()) >= timedelta(weeks=4)
    assert planted["degradation"].n_unique() == 4
    with pytest.raises(ValueError, match="do not fit"):
        datasets.hourly_cells(1, 5, n_degradations=100)


def test_a_loader_says_where_it_looked(tmp_path, monkeypatch):
    monkeypatch.delenv("LINEWATCH_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="LINEWATCH_DATA"):
        datasets.load_nab()
    monkeypatch.setenv("LINEWATCH_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="nab_dev.parquet is not there"):
        datasets.load_nab()
    pl.DataFrame({"file": ["a"], "value": [1.0]}).write_parquet(tmp_path / "nab_dev.parquet")
    with pytest.raises(ValueError, match='column "timestamp" is missing'):
        datasets.load_nab()


def results(folder, **changes):
    table = pl.DataFrame(
        {name: pl.Series(dtype=getattr(pl, t.split(" ")[0])) for name, (t, _) in EVENTS.items()}
    )
    options = {"kind": "kpi", "tables": {"events": table}, "parameters": {}} | changes
    return _results.write(folder, **options)


EVENTS = _results.TABLES["events"]


def test_a_results_folder_is_written_whole_and_read_back(tmp_path):
    folder = tmp_path / "new" / "results"
    paths = results(folder)
    assert [path.name for path in paths] == ["manifest.json", "events.parquet"]
    manifest, tables = _results.read(folder)
    assert manifest["kind"] == "kpi" and manifest["tables"] == {"events": 0}
    assert tables["events"].columns == list(EVENTS)
    results(folder)  # an earlier one may be replaced
    assert [path.name for path in folder.parent.iterdir()] == ["results"]


def test_a_failed_write_leaves_the_old_results(tmp_path):
    folder = tmp_path / "results"
    results(folder)
    before = (folder / "manifest.json").read_text()

    def fail(path):
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        results(folder, files=[("kpi.png", fail)], parameters={"new": 1})
    assert (folder / "manifest.json").read_text() == before
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_a_folder_with_other_files_is_not_replaced(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match=r"holds other files \(thesis.txt\)"):
        results(tmp_path)
    assert (tmp_path / "thesis.txt").exists()
    folder = tmp_path / "results"
    results(folder)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"holds other files \(notes.txt\)"):
        results(folder)


def test_a_table_with_other_columns_is_refused(tmp_path):
    with pytest.raises(ValueError, match="table events has columns"):
        results(tmp_path / "r", tables={"events": pl.DataFrame({"cell": ["a"]})})


def test_the_page_lists_the_columns_of_the_module():
    tables, table = {}, None
    for line in (ROOT / "docs" / "results.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("### "):
            table = tables.setdefault(line.removeprefix("### ").strip("`"), {})
        elif table is not None and line.startswith("| `"):
            name, dtype, meaning = (part.strip() for part in line.strip("|").split(" | "))
            table[name.strip("`")] = (dtype.replace(" or ", " | "), meaning)
    assert json.dumps(tables) == json.dumps(_results.TABLES)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"threshold": "6"}, "threshold must be a number, got '6'"),
        ({"floor": None}, "floor must be a number, got None"),
        ({"refractory": "-5h"}, "refractory must not be negative, got '-5h'"),
    ],
)
def test_options_of_score_that_cannot_be_are_refused_by_name(wrong, message):
    frame = pl.DataFrame({"time": hours(3), "users": [1.0, 2.0, 3.0]})
    with pytest.raises((TypeError, ValueError), match=message):
        kpi.score(frame, **wrong)


def test_a_frame_without_rows_is_refused():
    frame = pl.DataFrame({"time": hours(1), "users": [1.0]}).clear()
    with pytest.raises(ValueError, match="the frame has no rows"):
        kpi.score(frame)
