"""Damaged files of every kind, and files that unpack to gigabytes, read in little memory."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import fuzz
import numpy as np
import pytest

import linewatch as lw
from linewatch import _core, _results

# Rounds that take some seconds together; a deep run asks for more.
ROUNDS = {"captures": 400, "flows": 250, "models": 120, "streams": 200, "configs": 400,
          "tables": 150, "results": 300}  # fmt: skip
MORE = int(os.environ.get("LINEWATCH_EXAMPLES", "100")) / 100


def run(*arguments):
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=3000,
        env=os.environ | {"PYTHONPATH": path.rstrip(os.pathsep)},
    )


@pytest.mark.parametrize("reader", fuzz.READERS)
def test_a_damaged_file_is_read_or_refused(reader):
    rounds = int(ROUNDS[reader] * MORE)
    done = run(Path(__file__).with_name("fuzz.py"), reader, rounds)
    assert done.returncode == 0, done.stderr[-3000:]
    counts = json.loads(done.stdout)
    assert counts["read"] + counts["refused"] == rounds
    assert counts["refused"] > 0


BOMB = """
import sys
from fuzz import limit_memory
from linewatch import _tables, flow, packets
import polars as pl
pl.DataFrame({"a": ["1"]}).write_csv()  # its threads are there before the limit
limit_memory(1_000_000_000)
path = sys.argv[1]
for read in (flow.read_nfdump, packets.read_pcap, _tables.read):
    try:
        read(path)
    except ValueError as error:
        print(error)
"""


@pytest.mark.parametrize("packed", ["gzip", "zstd"])
def test_two_gigabytes_of_zeros_are_refused_in_little_memory(packed, tmp_path):
    """Each reader has a gigabyte; what is unpacked would need two."""
    pytest.importorskip("resource", reason="limits are those of Unix")
    pyarrow = pytest.importorskip("pyarrow")
    path = tmp_path / "bomb"
    piece = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(piece, packed) as out:
        out.write(bytes(1 << 24))
    path.write_bytes(piece.getvalue().to_pybytes() * 128)
    assert path.stat().st_size < 1 << 22
    done = run("-c", BOMB, path)
    assert done.returncode == 0, done.stderr[-2000:]
    said = done.stdout.splitlines()
    assert len(said) == 3
    assert "has a line of more than 1,048,576 bytes; it is no CSV" in said[0]
    assert "path must be a capture in pcap or pcapng, plain or gzip, got " in said[1]
    if packed == "gzip":
        assert "unpacks to more than 256 MiB" in said[2]
    else:
        assert "neither CSV, CSV.gz nor Parquet" in said[2]


def test_a_header_of_many_columns_is_read_at_once(tmp_path):
    path = tmp_path / "wide.csv"
    names = ",".join(f"c{i}" for i in range(100_000))
    path.write_text(f"{names}\n" + ",".join("1" * 100_000) + "\n")
    from linewatch import _tables

    assert _tables.read(path).width == 100_000
    path.write_text("a" * 200_000 + "\n1\n")
    with pytest.raises(ValueError, match="line 1: field larger than field limit"):
        _tables.read(path)


def deep(n):
    return "[" * n + "]" * n


def test_settings_nested_without_end_are_refused(tmp_path):
    path = tmp_path / "m.lw"
    _core.write_model(str(path), "autoencoder", deep(100_000), {})
    with pytest.raises(ValueError, match="settings are not JSON"):
        lw.load(path)
    (tmp_path / _results.MANIFEST).write_text(deep(100_000))
    with pytest.raises(ValueError, match="is damaged"):
        _results.read_manifest(tmp_path)
    toml = tmp_path / "c.toml"
    toml.write_text("users = " + deep(100_000))
    with pytest.raises(ValueError, match="is not TOML"):
        lw.cdr.Config.from_toml(toml)


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        ("[]", "is not an object"),
        ('{"format_version": "1", "tables": {}}', "its format_version is '1'"),
        ('{"tables": {}, "parameters": []}', "its parameters are not an object"),
        ('{"tables": {"series": "1"}}', "it gives series '1' rows"),
    ],
)
def test_a_manifest_of_the_wrong_form_is_refused(manifest, reason, tmp_path):
    (tmp_path / "series.parquet").write_bytes(b"")
    (tmp_path / _results.MANIFEST).write_text(manifest)
    with pytest.raises(ValueError) as error:
        _results.read_manifest(tmp_path)
    assert reason in str(error.value)


def test_a_tree_that_leads_back_to_itself_is_refused(tmp_path):
    """Scoring would go round in it for ever."""
    from linewatch import intrusion

    rows = intrusion.simulate_core(300, seed=0, backend="pandas")
    y = rows.pop("attack")
    detector = intrusion.IntrusionDetector(n_estimators=3, n_reference=100, random_state=0)
    detector.fit(rows.drop(columns="label"), y)
    inner = int(np.flatnonzero(detector.left_ > np.arange(len(detector.left_)))[1])
    detector.left_[inner] = 0
    detector.save(tmp_path / "m.lw")
    with pytest.raises(ValueError, match="trees whose nodes contradict each other"):
        lw.load(tmp_path / "m.lw")


def test_gzip_data_after_gzip_data_are_read_to_the_end(tmp_path):
    from linewatch import _tables

    path = tmp_path / "k.csv.gz"
    path.write_bytes(gzip.compress(b"time,load\n1,2\n") + gzip.compress(b"2,3\n"))
    assert _tables.read(path).height == 2
