"""What the generator refuses, with what words, and that nothing half-written stays."""

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from linewatch import cdr
from linewatch.cli import main


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"users": 0}, "users must be a whole number between 10 and 99999998, got 0"),
        ({"users": 2.5}, "users must be a whole number between 10 and 99999998, got 2.5"),
        ({"days": 0}, "days must be a whole number between 1 and 36500, got 0"),
        ({"seed": -1}, "seed must be a whole number between 0 and 18446744073709551615, got -1"),
        ({"anomaly_ratio": 1.5}, "anomaly_ratio must be a number between 0 and 1, got 1.5"),
        (
            {"anomaly_ratio": float("nan")},
            "anomaly_ratio must be a number between 0 and 1, got nan",
        ),
        (
            {"start": "yesterday"},
            "start must be a date such as \"2024-01-01\", got 'yesterday'",
        ),
        (
            {"start": "9999-12-30", "days": 5},
            "days must be at most 0 from 9999-12-30 on, where the calendar ends, got 5",
        ),
        (
            {"start": "0001-03-01"},
            "account_age_days must stay within the calendar before 0001-03-01, got (30, 730)",
        ),
        (
            {"duration_shape": "gamma"},
            'duration_shape must be one of "log-normal", "log-logistic", "normal", got \'gamma\'',
        ),
        (
            {"user_types": {"individual": 1, "busines": 1, "student": 1}},
            'user_types has no entry "busines"; did you mean "business"? '
            "(it has individual, business, student)",
        ),
        (
            {"user_types": {"individual": 1, "business": 1}},
            'user_types needs all of individual, business, student; "student" is missing',
        ),
        (
            {"families": {1: 1.0}},
            "families must be weights by size, sizes from 2 to 50, got {1: 1.0}",
        ),
        (
            {"account_age_days": (0, 3)},
            "account_age_days must be two numbers of days from 1 on, the smaller one first, "
            "got (0, 3)",
        ),
        (
            {"anomaly_mix": {"short_call": 0}},
            "anomaly_mix must have a weight above 0, got only zeros",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_impossible_fields_are_refused_by_name(fields, message):
    with pytest.raises(ValueError) as error:
        cdr.generate(**{"users": 100, "days": 2, **fields})
    assert str(error.value) == message


def test_a_misspelt_field_is_refused_with_the_nearest_name(tmp_path):
    with pytest.raises(TypeError) as error:
        cdr.generate(calls_per_user_dya=3)
    expected = 'Config has no field "calls_per_user_dya"; did you mean "calls_per_user_day"?'
    assert str(error.value) == expected
    (tmp_path / "c.toml").write_text("user = 5\n")
    with pytest.raises(TypeError) as error:
        cdr.generate(config=tmp_path / "c.toml")
    assert str(error.value) == 'Config has no field "user"; did you mean "users"?'
    (tmp_path / "c.toml").write_text("users 5\n")
    with pytest.raises(ValueError, match="c.toml is not TOML"):
        cdr.generate(config=tmp_path / "c.toml")
    with pytest.raises(TypeError) as error:
        cdr.generate(config=3.5)
    assert str(error.value) == "config must be a Config, a dict or a path, got float"
    with pytest.raises(ValueError) as error:
        cdr.generate(preset="real")
    assert str(error.value) == 'preset must be one of "realistic", "seed", got \'real\''
    with pytest.raises(ValueError) as error:
        cdr.generate(preset="seed", config=cdr.Config())
    assert str(error.value) == (
        "preset and config exclude each other; name the preset in the config"
    )


def test_what_does_not_fit_is_refused_with_the_largest_that_does():
    with pytest.raises(ValueError) as error:
        cdr.generate(users=100, towers=60_000)
    most = int(str(error.value).split("at most ")[1].split(",")[0])
    assert str(error.value) == (
        f"towers must be at most {most}, as many as the areas hold 150 m apart (lower "
        "tower_spacing_m or widen the areas), got 60000"
    )
    assert cdr.generate(users=100, days=1, towers=most).towers.height == most
    with pytest.raises(ValueError, match=f"at most {most},"):
        cdr.generate(users=100, towers=most + 1)

    with pytest.raises(ValueError) as error:
        cdr.generate(users=100, days=2, anomaly_ratio=0.9)
    most = float(str(error.value).split("at most ")[1].split(",")[0])
    assert str(error.value) == (
        f"anomaly_ratio must be at most {most:g}, as the users of more anomalies would be in two "
        "calls at once, got 0.9"
    )
    data = cdr.generate(users=100, days=2, anomaly_ratio=most)
    assert data.truth.height == round(most * data.rows)

    with pytest.raises(ValueError) as error:
        cdr.generate(users=100, days=2, calls_per_user_day=400)
    most = float(str(error.value).split("at most ")[1].split(",")[0])
    assert str(error.value) == (
        f"calls_per_user_day must be at most {most:g}, as calls take long, got 400"
    )
    assert (
        cdr.generate(users=100, days=1, calls_per_user_day=most, anomaly_ratio=0).truth.height == 0
    )


def test_days_and_batches_that_do_not_exist_are_refused():
    data = cdr.generate(users=50, days=3)
    for day in (3, -1):
        with pytest.raises(ValueError) as error:
            data.shard(day)
        expected = f"day must be between 0 and 2 (2024-01-01 to 2024-01-03), got {day}"
        assert str(error.value) == expected
    with pytest.raises(TypeError) as error:
        data.shard(1.5)
    assert str(error.value) == "day must be a number or a date, got float"
    with pytest.raises(ValueError) as error:
        data.calls(batch_size=0)
    assert str(error.value) == "batch_size must be between 1 and 10000000, got 0"
    with pytest.raises(ValueError) as error:
        data.calls(backend="dask")
    assert str(error.value) == 'backend must be one of "polars", "pandas", "pyarrow", got \'dask\''
    with pytest.raises(ValueError) as error:
        data.calls(n_jobs=0)
    assert str(error.value).startswith("n_jobs must be a number of threads")


def test_a_config_goes_through_toml_unchanged(tmp_path):
    for preset in ("realistic", "seed"):
        config = cdr.Config.preset(preset, users=77, start="2025-06-30", families={2: 1, 6: 3})
        config.to_toml(tmp_path / "c.toml")
        assert cdr.Config.from_toml(tmp_path / "c.toml") == config
        assert cdr.Config.from_dict(json.loads(json.dumps(config.to_dict()))) == config
        assert cdr.generate(config=tmp_path / "c.toml").config == config
    assert cdr.generate(config=tmp_path / "c.toml", users=90).config.users == 90
    (tmp_path / "d.toml").write_text('preset = "seed"\nusers = 60\n')
    assert cdr.generate(config=tmp_path / "d.toml").config == cdr.Config.preset("seed", users=60)


def test_an_existing_folder_is_left_as_it_is(tmp_path, capsys):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.txt").write_text("keep")
    data = cdr.generate(users=50, days=1)
    with pytest.raises(FileExistsError) as error:
        data.write(tmp_path / "data")
    expected = f"{tmp_path / 'data'} exists and is not empty; choose another folder or remove it"
    assert str(error.value) == expected
    with pytest.raises(FileExistsError) as error:
        data.write(tmp_path / "data" / "mine.txt")
    assert str(error.value) == (
        f"{tmp_path / 'data' / 'mine.txt'} exists and is not a folder; choose another name"
    )
    assert main(["generate", "--users", "50", "--out", str(tmp_path / "data")]) == 2
    assert capsys.readouterr().err == f"linewatch: error: {expected}\n"
    assert [path.name for path in tmp_path.rglob("*")] == ["data", "mine.txt"]
    with pytest.raises(ValueError) as error:
        data.write(tmp_path / "new", "parket")
    assert str(error.value) == (
        'format must be "parquet" or "csv", got \'parket\'; did you mean "parquet"?'
    )


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_no_space_left_keeps_nothing(tmp_path, format):
    # The system refuses to let files grow beyond a limit, as a full disk would.
    code = f"""
        import resource, signal
        from linewatch import cdr
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        data = cdr.generate(users=2000, days=2)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            data.write({str(tmp_path / "out")!r}, {format!r}, picture=False)
        except OSError as error:
            print(error.errno, error.strerror)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    text = f"{os.strerror(errno.EFBIG)} while writing {tmp_path / 'out'}; nothing was kept"
    assert run.stdout == f"{errno.EFBIG} {text}\n"
    assert list(tmp_path.iterdir()) == []


def test_no_space_left_is_an_os_error_with_the_reason(tmp_path, monkeypatch):
    from linewatch.cdr import write

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(write, "_table", full)
    with pytest.raises(OSError) as error:
        cdr.generate(users=50, days=1).write(tmp_path / "out")
    assert error.value.errno == errno.ENOSPC
    assert error.value.strerror == (
        f"No space left on device while writing {tmp_path / 'out'}; nothing was kept"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_ctrl_c_keeps_nothing(tmp_path, format):
    command = [
        sys.executable,
        "-m",
        "linewatch.cli",
        "generate",
        "--users",
        "200000",
        "--days",
        "60",
    ]
    command += ["--out", str(tmp_path / "out"), "--format", format]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        while not list(tmp_path.glob(".out-*/**/*.*")):
            assert run.poll() is None
            time.sleep(0.01)
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert err.endswith("linewatch: stopped; nothing was written\n")
    assert list(tmp_path.iterdir()) == []


def test_an_exception_in_progress_keeps_nothing(tmp_path):
    def stop(rows):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        cdr.generate(users=500, days=2).write(tmp_path / "out", "csv", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_what_it_says(tmp_path, capsys):
    out = tmp_path / "data"
    arguments = ["generate", "--users", "120", "--days", "2", "--seed", "7", "--out", str(out)]
    assert main([*arguments, "--format", "csv", "--realism"]) == 0
    said = capsys.readouterr()
    data = cdr.generate(120, 2, 7)
    first = (
        f"{data.rows:,} calls ({data.anomalies:,} anomalies) of 120 users in 2 days from "
        "2024-01-01, seed 7"
    )
    assert said.out.splitlines()[0] == first
    assert f"linewatch: {data.rows:,} of {data.rows:,} calls (100 %)" in said.err
    assert "burstiness" in said.out
    metadata = json.loads((out / "dataset_metadata.json").read_text())
    assert metadata["rows"]["calls"] == data.rows
    assert sum(metadata["rows_by_anomaly_type"].values()) == data.rows
    assert metadata["rows_by_anomaly_type"]["normal"] == data.rows - data.anomalies
    assert cdr.Config.from_dict(metadata["config"]) == data.config
    names = sorted(path.name for path in out.iterdir())
    assert names == [
        *("cdr_call_records.csv", "cdr_cell_towers.csv", "cdr_communities.csv"),
        *("cdr_dataset_analysis.png", "cdr_user_profiles.csv", "dataset_metadata.json"),
    ]
    assert (out / "cdr_dataset_analysis.png").stat().st_size > 10_000
    assert main([*arguments, "--quiet"]) == 2  # the folder is there now
