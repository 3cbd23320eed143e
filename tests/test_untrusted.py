"""What comes from strangers: a file may be wrong, but it runs nothing and fills no memory."""

import ast
import gzip
import os
import pathlib
import pickle
import struct
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import linewatch
from linewatch import cli

FOLDER = pathlib.Path(linewatch.__file__).parent


class Trap:
    """A pickle of it makes a folder when it is read."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_no_model_and_nothing_of_it_runs(protocol, tmp_path):
    path, trap = tmp_path / "forest.lw", tmp_path / "was here"
    path.write_bytes(pickle.dumps(Trap(trap), protocol))
    with pytest.raises(ValueError, match="is not a linewatch model file"):
        linewatch.load(path)
    assert not trap.exists()


def test_a_trap_in_a_model_stays_bytes(tmp_path):
    """A whole file with a right checksum, whose settings and array are a pickle."""
    path, trap = tmp_path / "forest.lw", tmp_path / "was here"
    data = pickle.dumps(Trap(trap), 0)
    arrays = {"trees": np.frombuffer(data, dtype=np.uint8)}
    linewatch._core.write_model(str(path), "isolation forest", data.decode("latin-1"), arrays)
    with pytest.raises(ValueError, match="settings are not JSON"):
        linewatch.load(path)
    assert not trap.exists()


def test_no_pickle_is_read_when_a_model_is(tmp_path, monkeypatch, rng):
    X = rng.normal(size=(300, 3))
    path = tmp_path / "forest.lw"
    forest = linewatch.IsolationForest(random_state=0).fit(X)
    forest.save(path)

    def refuse(*_, **__):
        raise AssertionError("a pickle is read")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    assert (linewatch.load(path).score_samples(X) == forest.score_samples(X)).all()


def test_no_module_evaluates_text_or_reads_pickles():
    forbidden = {"eval", "exec", "compile"}
    modules = {"dill", "joblib", "marshal", "pickle", "shelve", "subprocess", "yaml"}
    found = []
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            where = f"{path.relative_to(FOLDER)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                found += [where] if node.func.id in forbidden else []
            if isinstance(node, ast.Import):
                found += [where for a in node.names if a.name.partition(".")[0] in modules]
            if isinstance(node, ast.ImportFrom) and node.module:
                found += [where] if node.module.partition(".")[0] in modules else []
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                found += [where]
    assert found == []


@pytest.mark.parametrize("packed", [False, True])
def test_a_large_capture_is_read_in_little_memory(packed, tmp_path):
    """300 MB of packets, which gzip packs to two."""
    path = tmp_path / "capture.pcap"
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)
    packet = struct.pack("<IIII", 1_700_000_000, 0, 60_000, 60_000) + bytes(60_000)
    block = packet * 100
    with gzip.open(path, "wb", 1) if packed else path.open("wb") as file:
        file.write(header)
        for _ in range(50):
            file.write(block)
    code = f"""
        from pathlib import Path
        from linewatch import packets

        peak = lambda: int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
        small = {str(path)!r} + ".small"
        packets.write_pcap(packets.simulate(n_flows=5, duration="1min", seed=1), small)
        list(packets.scan_pcap(small))
        before = peak()
        n = sum(len(batch) for batch in packets.scan_pcap({str(path)!r}, batch_rows=1000))
        assert n == 5_000
        print((peak() - before) // 1024)
    """
    if not pathlib.Path("/proc/self/status").exists():
        pytest.skip("reads the peak from /proc")
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert int(run.stdout) < 64


def test_names_in_a_table_are_no_paths(tmp_path):
    """Cells and columns that are named like files write nothing beside the results."""
    table, out = tmp_path / "kpis.csv", tmp_path / "a/b/results"
    hours = [f"2026-01-{d:02}T{h:02}:00:00" for d in range(1, 15) for h in range(24)]
    names = ["../../escaped", "/tmp/escaped", "..", "<script>alert(1)</script>"]
    rows = [f"{hour},{name},{10 + i % 7}" for name in names for i, hour in enumerate(hours)]
    table.write_text("\n".join(["time,cell,../traffic", *rows]))
    out.parent.mkdir(parents=True)
    cli.main(["kpi", str(table), "--out", str(out)])
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - {table}
    assert written
    assert all(out in path.parents for path in written)
