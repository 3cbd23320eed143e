"""The command line, as a user types it."""

import gzip
import io
import subprocess
import sys
from contextlib import redirect_stderr
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

import linewatch
from linewatch import _results, cli, datasets


@pytest.fixture(scope="module")
def cells():
    return datasets.hourly_cells(n_cells=4, n_weeks=6, n_degradations=4, seed=2)


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Runs a command in an empty folder: its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = cli.main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


def fails(run, *arguments):
    """The one line of an error that leaves nothing behind."""
    code, _, err = run(*arguments)
    assert code == 2
    assert err.startswith("linewatch: error: ") and err.count("\n") == 1
    return err.removeprefix("linewatch: error: ").strip()


def usage(*arguments):
    """What the parser says to stderr, which it does by itself."""
    err = io.StringIO()
    with pytest.raises(SystemExit) as stop, redirect_stderr(err):
        cli.main(arguments)
    assert stop.value.code == 2
    return err.getvalue()


def test_the_demo_finds_what_it_planted_and_writes_a_page(run, tmp_path):
    options = ["demo", "--sites", 4, "--users", 500, "--seed", 1]
    code, out, err = run(*options)
    assert code == 0 and err == ""
    for planted in ("outage", "drift", "port scan", "exfiltration", "wangiri"):
        assert f"\n  {planted} " in out
    results = tmp_path / "results"
    for name in ("kpi", "flows", "calls"):
        assert (results / name / "manifest.json").is_file()
    assert "yes" in next(line for line in out.splitlines() if line.startswith("  port scan"))
    said = out.rsplit("\n\n", 1)[0]
    assert run(*options)[1].rsplit("\n\n", 1)[0] == said


def test_a_stopped_demo_says_what_is_left(run, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("linewatch._demo._flows", stop)
    code, _, err = run("demo", "--sites", 3, "--users", 500)
    assert code == 130
    assert err == "linewatch: stopped; the steps that were done are in their folders\n"
    assert (tmp_path / "results" / "kpi" / "manifest.json").is_file()
    assert not (tmp_path / "results" / "flows").exists()


def test_the_demo_replaces_nothing_but_a_demo(run, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    message = fails(run, "demo", "--out", "mine")
    assert message == "mine holds other files (notes.txt); choose another folder (--out)"
    assert fails(run, "demo", "--sites", "0") == "--sites must be at least 3, got 0"


def test_a_csv_a_gzip_and_a_parquet_give_the_same_results(run, cells, tmp_path):
    text = cells.drop("degradation").write_csv()
    (tmp_path / "cells.csv").write_text(text)
    (tmp_path / "cells.csv.gz").write_bytes(gzip.compress(text.encode()))
    cells.write_parquet(tmp_path / "cells.parquet")
    series = []
    for name in ("cells.csv", "cells.csv.gz", "cells.parquet"):
        code, out, _ = run("kpi", name, "--no-picture", "--out", f"out-{name}")
        assert code == 0
        assert "time time, cell cell_id, value traffic_mbit_per_s, label is_degraded" in out
        series.append(_results.read(tmp_path / f"out-{name}")[1]["series"])
    assert series[0].equals(series[1]) and series[0].equals(series[2])
    assert series[0]["label"].sum() == cells["is_degraded"].sum()


def test_several_kpis_in_one_run(run, cells, tmp_path):
    cells.write_parquet(tmp_path / "c.parquet")
    kpis = ["active_users", "traffic_mbit_per_s"]
    code, _, _ = run("kpi", "c.parquet", "--no-picture", *[f"--value={name}" for name in kpis])
    assert code == 0
    _, tables = _results.read(tmp_path / "results")
    assert tables["cells"]["kpi"].unique().sort().to_list() == kpis
    assert tables["series"].height == 2 * cells.height


def test_the_picture_is_in_the_results_folder(run, cells, tmp_path):
    pytest.importorskip("matplotlib")
    cells.write_parquet(tmp_path / "c.parquet")
    code, out, _ = run("kpi", "c.parquet", "--out", "deep/er/results")
    assert code == 0
    picture = tmp_path / "deep" / "er" / "results" / "kpi.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "kpi.png" in out


def test_semicolons_and_decimal_commas(run, tmp_path):
    (tmp_path / "c.csv").write_text("time;users\n05.01.2026 00:00;1,5\n05.01.2026 01:00;2\n")
    assert run("kpi", "c.csv", "--no-picture")[0] == 0
    series = _results.read(tmp_path / "results")[1]["series"]
    assert series["value"].to_list() == [1.5, 2.0]


def test_a_single_row_has_no_baseline_and_a_picture_all_the_same(run, tmp_path):
    (tmp_path / "c.csv").write_text("time,users\n2026-01-05 00:00,1\n")
    code, out, _ = run("kpi", "c.csv")
    assert code == 0
    assert "no cell has enough history for a baseline" in out


def test_a_file_without_cells_is_one_series(run, tmp_path):
    time = [datetime(2026, 1, 5) + timedelta(minutes=5 * k) for k in range(2000)]
    value = np.sin(np.arange(2000) / 288 * 2 * np.pi) + 5
    value[1900] = 50
    pl.DataFrame({"timestamp": time, "value": value}).write_csv(tmp_path / "one.csv")
    code, out, _ = run("kpi", "one.csv", "--no-picture")
    assert code == 0
    assert "one series (no cell column)" in out and "(one series)" in out
    assert "2026-01-11 14:20" in out


def test_rows_out_of_order_and_times_twice_are_said(run, cells, tmp_path):
    frame = pl.concat([cells, cells.head(3)]).sample(fraction=1, shuffle=True, seed=1)
    frame.write_parquet(tmp_path / "c.parquet")
    code, out, _ = run("kpi", "c.parquet", "--no-picture")
    assert code == 0
    assert "rows not in order of time" in out
    assert ["row", "there", "twice", "3", "dropped"] in [line.split() for line in out.splitlines()]


def test_times_of_day_without_dates_are_said_to_have_no_order(run, tmp_path):
    rng = np.random.default_rng(0)
    rows = [f"{h}:15,c{c},{rng.normal(20, 2):.2f},0" for h in range(24) for c in range(2)] * 6
    (tmp_path / "kpi.csv").write_text("Time,CellName,PRBUsageUL,Unusual\n" + "\n".join(rows))
    code, out, _ = run("kpi", "kpi.csv")
    assert code == 0
    assert "times of day without dates: rows are scored one by one, without order" in out
    assert "no refractory period and no rolling window" in out
    _, tables = _results.read(tmp_path / "results")
    assert set(tables) == {"series", "cells"}
    assert tables["series"].schema["time"] == pl.Time


def test_the_version(run, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"linewatch {linewatch.__version__}\n"


def test_an_unknown_option_is_one_line():
    err = usage("kpi", "x.csv", "--frobnicate")
    assert err.startswith("linewatch: error: unrecognized arguments") and err.count("\n") == 1


HEADER = "time,cell,users\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "bad.csv is empty"),
        (HEADER.encode(), "bad.csv has no rows"),
        (
            (HEADER + "2026-01-05 00:00,a,1\n2026-01-05 01:00,a\n").encode(),
            "bad.csv, line 3: 2 fields, but the header has 3",
        ),
        (
            (HEADER + "2026-01-05 00:00,a,1\n2026-01-05 01:00,a,2,9\n").encode(),
            "bad.csv, line 3: 4 fields, but the header has 3",
        ),
        (
            (HEADER + '2026-01-05 00:00,"a, b",1\n2026-01-05 01:00,"a\n').encode(),
            "bad.csv, line 3: 2 fields, but the header has 3",
        ),
        (
            (HEADER + "2026-01-05 00:00,a,1\n" * 1500 + "soon,a,2\n").encode(),
            "bad.csv, line 1502: column \"time\" holds 'soon'; expected a time such as 2026",
        ),
        (
            (HEADER + "2026-01-05 00:00,a,1\n" * 1500 + "2026-01-06 00:00,a,many\n").encode(),
            "bad.csv, line 1502: column \"users\" holds 'many'; expected a number",
        ),
        (
            (HEADER + "2026-01-05 00:00,a,1\n,a,2\n").encode(),
            'bad.csv: column "time" has 1 missing time, the first in row 2',
        ),
        (
            b"time,cell\n2026-01-05 00:00,a\n",
            'no column holds numbers to score; the table has "time" (text such as 2026-',
        ),
        (
            (HEADER + "2026-01-05 00:00,a,1\n" * 50 + "2026-01-06 00:00,a,many\n").encode(),
            "bad.csv, line 52: column \"users\" holds 'many'; expected a number",
        ),
        (
            (HEADER + "1767571200,a,1\n" * 50 + "soon,a,2\n").encode(),
            "bad.csv, line 52: column \"time\" holds 'soon'; expected a number of seconds",
        ),
        (b"2026-01-05 00:00,a,1\n2026-01-05 01:00,a,2\n", "the first line must name the columns"),
        (
            b"date,time,users\n2026-01-05,01:00,1\n2026-01-05,02:00,2\n",
            'column "date" holds days and "time" times of day; make them one column',
        ),
        (b"time,users,users\n", 'bad.csv: column "users" is in the header twice'),
        (b"\x1f\x8b" + b"\x08" + b"\x00" * 40, "bad.csv is a damaged or cut-off gzip file"),
        (gzip.compress(HEADER.encode() * 9999)[:60], "bad.csv is a damaged or cut-off gzip file"),
        (b"PAR1 and then nothing", "bad.csv cannot be read as Parquet"),
        (b"\x7fELF\x00\x00", "bad.csv is neither CSV, CSV.gz nor Parquet"),
        (
            "time,cell,users\n2026-01-05 00:00,Zürich,1\n".encode("latin-1"),
            "bad.csv, line 2: text is not UTF-8",
        ),
    ],
)
def test_a_bad_file_is_one_line_and_leaves_nothing(run, tmp_path, content, message):
    (tmp_path / "bad.csv").write_bytes(content)
    assert fails(run, "kpi", "bad.csv").startswith(message)
    assert [path.name for path in tmp_path.iterdir()] == ["bad.csv"]


def test_other_errors_are_one_line_too(run, cells, tmp_path):
    assert fails(run, "kpi", "none.csv") == "none.csv does not exist"
    assert fails(run, "kpi", tmp_path).endswith("expected a CSV, CSV.gz or Parquet file")
    cells.write_parquet(tmp_path / "c.parquet")
    message = fails(run, "kpi", "c.parquet", "--cell", "sector")
    assert message.startswith('column "sector" is missing; the table has "time", "cell_id"')
    message = fails(run, "kpi", "c.parquet", "--value", "degradation")
    assert "expected a number" in message
    assert "must be a whole number from 1 on" in usage("kpi", "c.parquet", "--top", "0")
    message = fails(run, "kpi", "c.parquet", "--cell", "traffic_mbit_per_s")
    assert message.endswith("has dtype Float64; expected names of cells")
    (tmp_path / "zoned.csv").write_text("time,users\n2026-01-05T00:00:00+01:00,1\n")
    message = fails(run, "kpi", "zoned.csv", "--time-zone", "Mars/Olympus")
    assert message == "--time-zone 'Mars/Olympus' is not known; write it as in Africa/Casablanca"
    assert not (tmp_path / "results").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    message = fails(run, "kpi", "c.parquet", "--no-picture", "--out", "mine")
    assert message.startswith("mine holds other files (thesis.txt)")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--threshold", "-1"], "--threshold must be above 0, got -1"),
        (["--threshold", "nan"], "--threshold must be above 0, got nan"),
        (["--floor=-1"], "--floor must be at least 0, got -1"),
        (
            ["--refractory", "soon"],
            '--refractory must be a time such as "6h" or "30min", got \'soon\'',
        ),
        (["--refractory=-6h"], "--refractory must not be negative, got '-6h'"),
        (
            ["--time-zone", "Mars"],
            "--time-zone 'Mars' is not known; write it as in Africa/Casablanca",
        ),
    ],
)
def test_options_of_kpi_are_looked_at_before_the_file(run, options, message):
    assert fails(run, "kpi", "none.csv", *options) == message


def test_one_of_a_kind_is_not_several(run, tmp_path):
    time = [datetime(2026, 1, 5) + timedelta(hours=k) for k in range(240)]
    value = [10.0 + k % 3 for k in range(240)]
    value[-5] = 90
    frame = pl.DataFrame({"time": time, "users": value, "label": [int(v == 90) for v in value]})
    pl.concat([frame.with_columns(cell=pl.lit(name)) for name in "ab"]).write_csv(
        tmp_path / "one.csv"
    )
    code, out, _ = run("kpi", "one.csv", "--no-picture", "--top", "1")
    assert code == 0
    assert "... and 1 more cell with anomalies" in out
    frame.write_csv(tmp_path / "one.csv")
    code, out, _ = run("kpi", "one.csv", "--no-picture")
    assert code == 0
    assert "1 of 1 labelled stretch with an anomaly; 1 of 1 event at the label" in out


def test_it_runs_as_a_module(tmp_path):
    command = [sys.executable, "-m", "linewatch.cli", "kpi", "none.csv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "linewatch: error: none.csv does not exist\n"
