"""The whole workflow of cells on the command line."""

from datetime import datetime, timedelta

import polars as pl
import pytest

from linewatch import _results, cli, kpi

START = datetime(2026, 2, 10, 10)


@pytest.fixture(scope="module")
def network():
    outage = {"kind": "outage", "cell": "S001-1", "start": START, "hours": 6}
    asleep = {
        "kind": "sleeping cell",
        "cell": "S002-2",
        "start": datetime(2026, 2, 15, 6),
        "hours": 18,
    }
    return kpi.simulate(4, 6, faults=[outage, asleep], missing=0, seed=5)


@pytest.fixture
def run(capsys, tmp_path, monkeypatch, network):
    """Runs ``linewatch kpi`` beside the files of a network: exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    network.kpis.write_parquet("kpis.parquet")
    network.sites.write_csv("sites.csv")

    def run(*arguments):
        code = cli.main(["kpi", *arguments])
        return code, *capsys.readouterr()

    return run


def fails(run, *arguments):
    code, _, err = run(*arguments)
    assert code == 2 and err.count("\n") == 1
    return err.removeprefix("linewatch: error: ").strip()


def test_events_are_classified_explained_and_ranked(run):
    code, out, err = run(
        "kpis.parquet", "--value", "traffic_gb", "--sites", "sites.csv", "--no-picture"
    )
    assert code == 0 and err == ""
    assert "cleaned: 12,096 rows in, 12,096 rows out, one every 1:00:00; nothing to mend" in out
    assert "sites: sites.csv: 12 rows in, 12 cells out; nothing to mend" in out
    manifest, tables = _results.read("results")
    assert set(tables) == {
        "series", "events", "cells", "classified_events", "causes", "persistent", "neighbors",
        "sites", "gaps", "repairs",
    }  # fmt: skip
    events = tables["classified_events"]
    outage = events.filter((pl.col("cell") == "S001-1") & (pl.col("start") == START)).row(
        0, named=True
    )
    assert outage["class"] in ("SUDDEN_DECREASE", "DROP_OUT", "LEVEL_SHIFT")
    assert outage["is_worse"] and outage["direction"] == "decrease" and outage["scope"] == "cell"
    assert outage["lost_share"] > 0.2 and outage["taken_up"] > 0
    assert events["rank"].to_list() == list(range(1, events.height + 1))
    why = tables["causes"].filter((pl.col("cell") == "S001-1") & (pl.col("start") == START))
    assert "prb_percent" in why["cause_kpi"].to_list()
    assert "S002-2" in tables["persistent"]["cell"].to_list()
    assert tables["neighbors"].filter("took_up").height > 0
    assert tables["sites"]["cell_id"][0] in ("S001-1", "S002-2")
    assert manifest["parameters"]["rules"] == list(kpi.DEFAULT_RULES)
    assert manifest["summary"]["classified_events"] == events.height
    assert "off their course in 6 of the last 12 rows: " in out
    for part in ("S001-1", outage["class"], "lost", "taken up", "scope"):
        assert part in out


def test_what_is_before_since_only_makes_baselines(run):
    since = datetime(2026, 2, 14)
    code, _, _ = run("kpis.parquet", "--since", "2026-02-14", "--no-picture")
    assert code == 0
    _, tables = _results.read("results")
    assert tables["series"]["time"].min() == since
    assert tables["series"]["baseline"].null_count() == 0
    assert tables["classified_events"]["end"].min() >= since
    assert tables["events"]["start"].min() >= since
    assert "S002-2" in tables["classified_events"]["cell"].to_list()


def test_the_greatest_gain_comes_first_where_only_increases_count(run):
    options = ["--value", "traffic_gb", "--direction", "increase", "--no-picture"]
    code, _, _ = run("kpis.parquet", "--sites", "sites.csv", *options)
    assert code == 0
    events = _results.read("results")[1]["classified_events"]
    assert set(events["direction"]) == {"increase"}
    assert events["lost"].is_sorted() and events["lost"][0] < 0
    assert events["rank"].to_list() == list(range(1, events.height + 1))


def test_every_kpi_of_the_file_is_scored_if_asked(run, network):
    code, out, _ = run("kpis.parquet", "--all", "--no-picture")
    assert code == 0
    _, tables = _results.read("results")
    assert set(tables["cells"]["kpi"]) == set(network.kpis.columns[2:])
    assert "other KPIs" not in out
    assert {"traffic_gb"} == set(tables["classified_events"]["traffic"].drop_nulls())
    with pytest.raises(SystemExit):
        run("kpis.parquet", "--all", "--value", "calls")


def test_repairs_and_gaps_are_in_the_folder(run, network):
    broken = network.kpis.with_columns(
        prb_percent=pl.when(pl.int_range(pl.len()) == 5).then(140.0).otherwise("prb_percent")
    ).filter(~pl.int_range(pl.len()).is_between(100, 102))
    pl.concat([broken, broken[:2]]).write_csv("broken.csv")
    code, out, _ = run("broken.csv", "--value", "prb_percent", "--no-picture")
    assert code == 0
    assert "row there twice" in out and "above the top of a ratio" in out
    _, tables = _results.read("results")
    assert tables["gaps"]["n_missing"].to_list() == [3]
    assert tables["repairs"].select("column", "before", "after").rows() == [
        (None, None, None), (None, None, None), ("prb_percent", "140.0", None)
    ]  # fmt: skip
    assert tables["repairs"]["row"].to_list() == [0, 1, 5]


def test_an_hour_that_comes_twice_is_scored_once(run):
    first = datetime(2026, 10, 24)
    utc = pl.datetime_range(first, first + timedelta(hours=60), "1h", time_zone="UTC", eager=True)
    pl.DataFrame({"time": utc, "users": range(61)}).write_parquet("autumn.parquet")
    code, out, _ = run("autumn.parquet", "--time-zone", "Europe/Paris", "--no-picture")
    assert code == 0
    assert "local time that comes twice    1  dropped" in out
    assert _results.read("results")[1]["series"].height == 60


def test_times_with_an_offset_are_said_to_be_utc(run):
    text = [f"2026-01-05T{hour:02d}:00+02:00" for hour in range(2, 24)]
    pl.DataFrame({"time": text, "users": range(22)}).write_csv("offset.csv")
    code, out, _ = run("offset.csv", "--no-picture")
    assert code == 0 and "\ntimes in UTC (--time-zone for another)\n" in out
    manifest, tables = _results.read("results")
    assert manifest["time_zone"] == "UTC"
    assert tables["series"]["time"][0] == datetime(2026, 1, 5)
    code, out, _ = run("offset.csv", "--no-picture", "--time-zone", "Europe/Paris")
    assert code == 0 and "times in" not in out
    assert _results.read("results")[0]["time_zone"] == "Europe/Paris"
    run("kpis.parquet", "--no-picture", "--value", "calls")
    assert _results.read("results")[0]["time_zone"] is None


def test_a_cell_of_three_rows_and_a_kpi_of_zeros_stop_nothing(run, network):
    short = (
        network.kpis.filter(pl.col("cell_id") == "S001-3")
        .head(3)
        .with_columns(cell_id=pl.lit("short"))
    )
    table = pl.concat([network.kpis, short]).with_columns(alarms=pl.lit(0))
    table.write_parquet("odd.parquet")
    code, out, _ = run("odd.parquet", "--value", "alarms", "--value", "traffic_gb", "--no-picture")
    assert code == 0
    assert "no value but zero" in out and "cell with fewer than 4 rows" in out
    _, tables = _results.read("results")
    assert "short" not in tables["classified_events"]["cell"].to_list()
    assert "alarms" not in tables["classified_events"]["kpi"].to_list()


def test_pictures_of_cells_by_hours_and_on_a_map(run, tmp_path):
    pytest.importorskip("matplotlib")
    code, out, _ = run("kpis.parquet", "--value", "traffic_gb", "--sites", "sites.csv")
    assert code == 0
    for name in ("kpi.png", "heatmap.png", "map.png"):
        assert (tmp_path / "results" / name).read_bytes().startswith(b"\x89PNG")
        assert name in out


def test_the_heatmap_says_which_share_of_the_cells_it_shows():
    pytest.importorskip("matplotlib")
    from linewatch.kpi import _command

    times = [START + timedelta(hours=k) for k in range(100)]
    old = [time - timedelta(days=300) for time in times]
    rows = {"value": 1.0, "baseline": 2.0, "scale": 0.5, "kpi": "users"}
    series = pl.concat(
        pl.DataFrame({"cell": name, "time": when} | rows)
        for name, when in [("a", times), ("b", old), ("c", old)]
    )
    title = _command._heatmap(series).axes[0].get_title(loc="left")
    assert title.endswith("; 1 of 3 cells has rows in these last 14 days")
    title = _command._heatmap(series.filter(pl.col("cell") != "a")).axes[0].get_title(loc="left")
    assert "cells" not in title


def test_sites_that_are_not_as_they_should_be(run, network):
    sites = network.sites.with_columns(
        azimuth=pl.when(pl.col("cell_id") == "S001-2").then(400).otherwise("azimuth"),
        latitude=pl.when(pl.col("cell_id") == "S004-1").then(None).otherwise("latitude"),
    )
    pl.concat([sites, sites[:1]]).write_csv("poor.csv")
    code, out, _ = run("kpis.parquet", "--sites", "poor.csv", "--no-picture")
    assert code == 0
    for said in ("azimuth beyond 360 degrees", "no possible place", "cell there twice"):
        assert said in out
    assert "1 of 12 cells has no place" in out


@pytest.mark.parametrize("name", ["score", "kpi", "event", "value"])
def test_a_kpi_may_have_the_name_of_a_column_of_the_results(run, network, name):
    cell = network.kpis.filter(pl.col("cell_id") == "S001-1")
    cell.rename({"traffic_gb": name}).write_csv("named.csv")
    code, _, err = run("named.csv", "--value", name, "--no-picture", "--out", "named")
    assert (code, err) == (0, "")
    cell.write_csv("usual.csv")
    run("usual.csv", "--value", "traffic_gb", "--no-picture", "--out", "usual")
    (_, named), (_, usual) = _results.read("named"), _results.read("usual")
    assert named["series"].drop("kpi").equals(usual["series"].drop("kpi"))
    starts = [tables["classified_events"]["start"].to_list() for tables in (named, usual)]
    assert starts[0] == starts[1] == [START]


@pytest.mark.filterwarnings("default:Glyph")
def test_letters_that_the_font_lacks_are_said_once_and_in_one_line(run, network):
    pytest.importorskip("matplotlib")
    cell = network.kpis.filter(pl.col("cell_id") == "S001-1")
    cell.with_columns(cell_id=pl.lit("\U00013080\U00013081")).write_csv("named.csv")
    code, _, err = run("named.csv")
    assert code == 0
    assert err == (
        "linewatch: warning: a name has letters that the font of the pictures lacks; they are "
        "drawn as boxes\n"
    )


def test_without_a_refractory_time_each_anomaly_is_an_event(run):
    code, _, err = run("kpis.parquet", "--refractory", "0h", "--no-picture")
    assert (code, err) == (0, "")
    _, tables = _results.read("results")
    assert set(tables["events"]["n_anomalies"]) == {1}
    assert set(tables["classified_events"]["n_rows"]) == {1}


def test_what_cannot_be_done_is_one_line(run, network):
    message = fails(run, "none.csv", "--since", "soon")
    assert (
        message == "--since must be a time such as 2026-01-31 or \"2026-01-31 14:00\", got 'soon'"
    )
    for text in ("10:00", "1"):
        assert fails(run, "none.csv", "--since", text).endswith(
            f"\"2026-01-31 14:00\", got '{text}'"
        )
    message = fails(run, "none.csv", "--since", "2026-02-01T00:00+01:00")
    assert message == (
        "--since must be a local time, without an offset, got '2026-02-01T00:00+01:00'"
    )
    message = fails(run, "kpis.parquet", "--time", "time", "--cell", "time")
    assert message == 'column "time" is named as the time and as the cell; choose one'
    message = fails(run, "kpis.parquet", "--since", "2027-01-01")
    assert message == "--since 2027-01-01: the last row is of 2026-02-15 23:00"
    assert fails(run, "kpis.parquet", "--sites", "none.csv") == "none.csv does not exist"
    network.sites.with_columns(cell_id="x" + pl.col("cell_id")).write_csv("other.csv")
    message = fails(run, "kpis.parquet", "--sites", "other.csv")
    assert message == 'no cell is in both files: "S001-1" there, "xS001-1" in other.csv'
    network.sites.drop("azimuth").write_csv("less.csv")
    message = fails(run, "kpis.parquet", "--sites", "less.csv")
    assert message.startswith(
        '--sites less.csv: no column for the azimuth; name one of them "azimuth" or "bearing" or '
        '"azi"; it has "'
    )
    with open("day.csv", "w") as file:
        file.write("Time,CellName,users\n9:45,a,1\n10:00,a,2\n")
    message = fails(run, "day.csv", "--since", "2026-01-01")
    assert message == "--since needs dates; these times are times of day only"
    network.kpis.filter(pl.col("cell_id") == "S001-1").drop("cell_id").write_parquet("one.parquet")
    message = fails(run, "one.parquet", "--sites", "sites.csv")
    assert message == "--sites needs a column of cells; the file is one series"
