"""Figures of results folders, the report file and what goes wrong; the browser has its own file."""

import json
import re

import numpy as np
import polars as pl
import pytest

pytest.importorskip("plotly", reason='needs Plotly: pip install "linewatch[dashboard]"')

from dashboard_folders import write_all, write_packets

from linewatch import _results, cli, dashboards
from linewatch.dashboards import _theme, calls, detector, kpi, traffic

EVIL = '</script><img src=x onerror="alert(1)"><b>'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("results"), evil=EVIL)


@pytest.fixture(scope="module")
def sources(folder):
    return dashboards.open_results(folder)


def test_a_folder_of_folders_gives_every_page(sources):
    assert {name: results.pages for name, results in sources.items()} == {
        "calls": ("calls", "detector"),
        "flows": ("traffic", "detector"),
        "kpi": ("kpi",),
    }


def test_the_series_shows_every_anomaly_and_the_band(sources):
    results = sources["kpi"]
    choice = kpi.first_choice(results)
    rows = results.table("series").filter(
        (pl.col("cell") == choice["cell"]) & (pl.col("kpi") == choice["kpi"])
    )
    made = kpi.series(results, **choice, n_out=50)
    by_name = {trace.name: trace for trace in made.data if trace.name}
    assert len(by_name["value"].x) <= 50 + 2 * rows["is_anomaly"].sum() + 100
    shown = sum(len(t.x) for name, t in by_name.items() if name.startswith("anomaly"))
    assert shown == rows["is_anomaly"].sum() > 0
    assert "baseline" in by_name
    assert made.layout.xaxis.title.text.startswith("time")
    assert "traffic" in made.layout.yaxis.title.text or "(" in made.layout.yaxis.title.text


def test_a_stretch_is_drawn_in_full(sources):
    results = sources["kpi"]
    choice = kpi.first_choice(results)
    times = results.table("series")["time"].sort()
    start, end = times[0], times[0].replace(hour=23)
    made = kpi.series(results, **choice, start=str(start), end=str(end), n_out=100)
    value = next(trace for trace in made.data if trace.name == "value")
    assert len(value.x) == 24 and min(value.x) >= start and max(value.x) <= end


def test_the_heat_map_counts_the_anomalies(sources):
    results = sources["kpi"]
    z = np.array(kpi.hour_weekday(results).data[0].z, dtype=float)
    assert z.shape == (7, 24)
    assert np.nansum(z) == results.table("series")["is_anomaly"].sum()


def test_filters_choose_events(sources):
    results = sources["kpi"]
    everything = kpi.event_rows(results)
    one = kpi.event_rows(results, kpi=everything.keys[0]["kpi"], kind=everything.rows[0][2])
    assert 0 < one.total < everything.total
    assert {row[2] for row in one.rows} == {everything.rows[0][2]}
    assert kpi.event_rows(results, most=1).note == f"1 of {everything.total:,} rows"


def test_minutes_and_services_add_up(sources):
    results = sources["flows"]
    minutes = results.table("flows_by_minute")
    drawn = traffic.by_minute(results).data[0]
    assert sum(drawn.y) == minutes["total_bytes"].sum()
    assert sum(traffic.services(results).data[0].x) <= 100.01
    tree = traffic.segments(results).data[0]
    leaves = [v for i, v in zip(tree.ids, tree.values) if not i.startswith("v:")]
    assert sum(leaves) == results.table("segments").height


def test_the_planted_scan_leads_the_sources(sources):
    results = sources["flows"]
    rows = traffic.source_rows(results)
    assert rows.rows[0][4] == "yes"
    assert traffic.in_and_out(results, rows.keys[0]["source"]).data


def test_an_hour_counts_its_own_bytes(sources):
    results = sources["flows"]
    hour = traffic.hours(results)[2]
    minutes = results.table("source_minutes")
    there = minutes.filter(pl.col("time").dt.strftime("%Y-%m-%d %H:00") == hour)
    rows = traffic.source_rows(results, hour=hour, most=10_000)
    assert rows.total == there["source"].n_unique()
    assert sum(int(row[2].replace(",", "")) for row in rows.rows) == there["flows"].sum()


def test_infinite_scores_have_a_place(tmp_path):
    write_all(tmp_path, only={"kpi"}, n_cells=9)
    for name in ("cells", "classified_events", "series"):
        path = tmp_path / "kpi" / f"{name}.parquet"
        frame = pl.read_parquet(path)
        scored = pl.when(pl.col("score").is_not_null()).then(float("inf")).otherwise(None)
        frame.with_columns(score=scored).write_parquet(path)
    results = dashboards.open_results(tmp_path)["kpi"]
    assert "score ∞" in kpi.tiles(results)[-1].note
    dashboards.report(tmp_path, tmp_path / "r.html", most_rows=1)


def test_lost_traffic_counts_each_hour_once(sources):
    results = sources["kpi"]
    tile = next(tile for tile in kpi.tiles(results) if tile.label == "traffic lost")
    assert tile.value == _theme.number(results.table("sites")["lost"].sum())


def test_a_capture_has_a_page_of_its_sources(tmp_path):
    results = dashboards.open_results(write_packets(tmp_path / "capture"))["capture"]
    assert results.pages == ("traffic",)
    rows = traffic.source_rows(results)
    assert rows.columns[2] == "packets" and rows.total == results.table("packets_by_source").height
    assert traffic.hours(results) == []
    dashboards.report(tmp_path / "capture", tmp_path / "capture.html", most_rows=2)


def test_calls_are_counted_once(sources):
    results = sources["calls"]
    hours = results.table("calls_by_hour")
    assert sum(calls.by_hour(results).data[0].y) == hours["n_calls"].sum()
    lengths = results.table("call_durations")
    assert lengths["n_usual"].sum() + lengths["n_anomalous"].sum() == hours["n_calls"].sum()
    assert results.table("call_kinds")["n_calls"].sum() == hours["n_anomalous"].sum()
    assert calls.network(results).data


def test_the_threshold_curve_is_that_of_the_scores(sources):
    scores = sources["calls"].table("scores").drop_nulls("label")
    curve = detector._curve(scores)
    for k in (0, len(curve["threshold"]) // 2, -1):
        flagged = scores["score"].to_numpy() >= curve["threshold"][k]
        label = scores["label"].to_numpy()
        assert curve["recall"][k] == pytest.approx((flagged & label).sum() / label.sum())
        assert curve["precision"][k] == pytest.approx((flagged & label).sum() / flagged.sum())
        false = (flagged & ~label).sum() / (~label).sum()
        assert curve["false_alarms"][k] == pytest.approx(false)
    slider = detector.histogram(sources["calls"]).layout.sliders[0]
    assert len(slider.steps) == len(curve["threshold"])


def test_a_report_holds_one_library_and_no_live_markup(folder, tmp_path):
    out = tmp_path / "report.html"
    size = dashboards.report(folder, out, most_rows=3)
    text = out.read_text(encoding="utf-8")
    assert size == len(text.encode()) < 12_000_000
    assert EVIL not in text and "<img src=x" not in text
    assert text.count("</script>") == 3
    found = re.search(r'id="figures">(.*?)</script>', text, re.DOTALL)[1]
    figures = json.loads(found)
    assert all(json.loads(one)["data"] for key, drawn in figures.items()
               if not key.endswith("/of") for one in drawn if '"data":[]' not in one)  # fmt: skip


def test_the_report_and_the_functions_draw_the_same(folder, tmp_path, sources):
    out = tmp_path / "report.html"
    dashboards.report(folder, out, most_rows=2, n_out=300)
    figures = json.loads(re.search(r'id="figures">(.*?)</script>', out.read_text(), re.DOTALL)[1])
    key = next(name for name in figures if name.startswith("kpi") and name.endswith("/series"))
    choice = kpi.first_choice(sources["kpi"])
    assert figures[key][0] == kpi.series(sources["kpi"], **choice, n_out=300).to_json()


def test_every_figure_names_its_axes(sources):
    from linewatch.dashboards._pages import PAGES

    bare = {"network", "segments"}
    for results in sources.values():
        for name in results.pages:
            page = PAGES[name]
            first = page.first(results) if page.first else None
            drawn = {part: draw(results, theme="dark") for part, draw in page.whole}
            drawn |= {part: draw(results, first, theme="dark") for part, draw in page.chosen}
            for part, made in drawn.items():
                if part in bare or not made.data:
                    continue
                axes = made.layout.xaxis.title.text, made.layout.yaxis.title.text
                assert any(axes), part
                assert made.layout.paper_bgcolor == "#15191e"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda path: path / "none", FileNotFoundError, "none is not a folder"),
        (lambda path: path, FileNotFoundError, "has no manifest.json, and no folder in it has one"),
    ],
)
def test_a_folder_without_results_is_named(tmp_path, make, error, message):
    with pytest.raises(error, match=message):
        dashboards.open_results(make(tmp_path))


def manifest(folder, **changes):
    folder.mkdir()
    tables = {"kind": "kpi", "format_version": 1, "tables": {}}
    (folder / "manifest.json").write_text(json.dumps(tables | changes))
    return folder


def test_a_folder_of_unknown_tables_is_named(tmp_path):
    folder = manifest(tmp_path / "odd", tables={"mystery": 3})
    with pytest.raises(ValueError, match="odd holds no table; a page needs one of series, "):
        dashboards.open_results(folder)


def test_a_manifest_cannot_lead_out_of_its_folder(tmp_path):
    outside = tmp_path / "secret.parquet"
    pl.DataFrame({"x": [1]}).write_parquet(outside)
    folder = manifest(tmp_path / "trap", tables={"../secret": 1, "series": 1})
    with pytest.raises(ValueError, match="series.parquet is in the manifest but is no file"):
        dashboards.open_results(folder)
    (folder / "series.parquet").symlink_to(outside)
    with pytest.raises(ValueError, match="series.parquet is in the manifest but is no file"):
        dashboards.open_results(folder)


def test_a_damaged_table_is_named(tmp_path):
    folder = manifest(tmp_path / "old", tables={"cells": 1, "series": 1})
    pl.DataFrame({"cell": ["a"]}).write_parquet(folder / "cells.parquet")
    (folder / "series.parquet").write_bytes(b"PAR1 and no more")
    results = dashboards.open_results(folder)["old"]
    with pytest.raises(ValueError, match="series.parquet is damaged: "):
        results.scan("series")
    with pytest.raises(ValueError, match="cells.parquet lacks the columns kpi, "):
        results.scan("cells")


def test_missing_columns_are_named(tmp_path):
    folder = manifest(tmp_path / "old", tables={"cells": 1, "series": 1})
    for name in ("cells", "series"):
        pl.DataFrame({"cell": ["a"]}).write_parquet(folder / f"{name}.parquet")
    results = dashboards.open_results(folder)["old"]
    with pytest.raises(ValueError, match="cells.parquet lacks the columns kpi, baseline_kind, "):
        kpi.tiles(results)


def test_an_empty_table_of_events_is_no_error(tmp_path):
    folder = tmp_path / "quiet"
    empty = {
        name: pl.DataFrame(
            schema={c: getattr(pl, d.split(" |")[0]) for c, (d, _) in _results.TABLES[name].items()}
        )
        for name in ("events",)
    }
    cells = {"cell": ["A"], "kpi": ["traffic_gb"], "baseline_kind": ["rolling"]}
    cells |= {name: [0] for name in _results.TABLES["cells"] if name.startswith("n_")}
    cells |= {name: [None] for name in ("worst_time", "value", "baseline", "score", "direction")}
    dtypes = {"worst_time": pl.Datetime, "value": pl.Float64, "baseline": pl.Float64}
    cells = pl.DataFrame(cells, schema_overrides=dtypes | {"score": pl.Float64,
                                                           "direction": pl.String})  # fmt: skip
    hours = pl.datetime_range(pl.datetime(2026, 1, 1), pl.datetime(2026, 1, 3), "1h", eager=True)
    series = pl.DataFrame({"cell": "A", "kpi": "traffic_gb", "time": hours}).with_columns(
        value=pl.lit(1.0), baseline=pl.lit(None, pl.Float64), scale=pl.lit(None, pl.Float64),
        score=pl.lit(None, pl.Float64), is_anomaly=pl.lit(False), is_alarm=pl.lit(False),
        direction=pl.lit(None, pl.String), label=pl.lit(None, pl.Boolean),
    )  # fmt: skip
    _results.write(folder, kind="kpi", parameters={},
                   tables=empty | {"cells": cells.select(list(_results.TABLES["cells"])),
                                   "series": series})  # fmt: skip
    out = tmp_path / "quiet.html"
    dashboards.report(folder, out)
    assert "<p>none</p>" in out.read_text()


def test_commands_answer_in_one_line(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["report", str(folder), "--out", "r.html", "--rows", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["file"] == "r.html" and told["bytes"] == (tmp_path / "r.html").stat().st_size
    assert cli.main(["report", str(tmp_path / "nothing")]) == 2
    assert "nothing is not a folder" in capsys.readouterr().err
    assert cli.main(["report", str(folder), "--out", str(tmp_path)]) == 2
    assert "is a folder; name a file such as" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["report", str(folder), "--rows", "0"])
    assert "must be a whole number from 1 on, got '0'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["dashboard", str(folder), "--refresh", "-3"])
    assert "must be a number of seconds from 0 on, got '-3'" in capsys.readouterr().err


def test_a_port_in_use_is_named(folder, capsys):
    pytest.importorskip("dash", reason='needs Dash: pip install "linewatch[dashboard]"')
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert cli.main(["dashboard", str(folder), "--port", str(port), "--no-browser"]) == 2
    assert f"port {port} of 127.0.0.1 is in use; choose another one" in capsys.readouterr().err


def test_results_of_another_kind_are_not_replaced(folder, tmp_path):
    with pytest.raises(ValueError, match="holds results of another kind \\(flows, not kpi\\)"):
        _results.check(folder / "flows", "kpi")
