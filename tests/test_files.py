"""Writers on a full disk, killed in the middle, and where nothing can be written.

The limit on the size of a file stands for a full disk: a write beyond it fails or, where its signal
is not ignored, kills the writer in the middle of its file.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import linewatch as lw
from linewatch import cdr, dashboards, flow, packets, privacy

resource = pytest.importorskip("resource", reason="limits are those of Unix")

# Name: what makes the content (once, before the limit), and what writes it to `path`.
WRITERS = {
    "model": """
X = np.random.default_rng(0).normal(size=(500, 3))
model = lw.IsolationForest(n_estimators=50, random_state=0).fit(X)
write = lambda: model.save(path)
""",
    "capture": """
table = packets.simulate(20, "5s", seed=0)
write = lambda: packets.write_pcap(table, path)
""",
    "flows": """
table = flow.simulate(500, "1h", n_customers=10)
write = lambda: flow.write_nfdump(table, path)
""",
    "calls": """
made = cdr.generate(users=200, days=2)
write = lambda: made.write(path)
""",
    "command": """
table = kpi.simulate(2, 5, quiet_weeks=1, seed=0).kpis
table.write_csv(str(path) + ".csv")
def write():
    code = main(["kpi", str(path) + ".csv", "--out", str(path), "--no-picture"])
    if code:
        raise OSError(f"the command ended with {code}")
""",
    "config": """
config = cdr.Config()
write = lambda: config.to_toml(path)
""",
}
CODE = """
import os, resource, signal, sys
from pathlib import Path
import numpy as np
import linewatch as lw
from linewatch import cdr, flow, kpi, packets
from linewatch.cli import main
path, limit, killed = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "killed"
{made}
signal.signal(signal.SIGXFSZ, signal.SIG_DFL if killed else signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
try:
    write()
except OSError as error:
    print("refused", error)
else:
    print("written")
"""


def write(name, path, limit, how):
    return subprocess.run(
        [sys.executable, "-c", CODE.format(made=WRITERS[name]), str(path), str(limit), how],
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("how", ["refused", "killed"])
def test_a_writer_without_room_leaves_nothing_that_looks_whole(name, how, tmp_path):
    path = tmp_path / "made"
    done = write(name, path, 1500, how)
    if how == "killed":
        assert done.returncode == -signal.SIGXFSZ, done.stderr
    else:
        assert done.returncode == 0 and done.stdout.splitlines()[-1].startswith("refused"), done
    assert not path.exists()
    left = [p.name for p in tmp_path.iterdir() if p.name != "made.csv"]
    # What a killed writer leaves is hidden and says whose it was.
    assert all(name.startswith(".made") for name in left) and (left == [] or how == "killed"), left


@pytest.mark.parametrize("name", ["model", "capture", "flows", "config"])
def test_a_killed_writer_leaves_the_file_before_it_whole(name, tmp_path):
    path = tmp_path / "made"
    path.write_bytes(b"what was there before")
    write(name, path, 1500, "killed")
    assert path.read_bytes() == b"what was there before"


def nowhere(tmp_path):
    """Places where nobody can write, root included."""
    (tmp_path / "file").write_text("")
    yield tmp_path / "file" / "made"
    yield tmp_path / "no such folder" / "deeper" / ("x" * 300)
    if os.path.isdir("/proc/self"):
        yield Path("/proc/made")


@pytest.mark.parametrize("name", ["model", "capture", "flows", "calls", "config", "key"])
def test_where_nothing_can_be_written_an_os_error_says_so(name, tmp_path):
    detector = lw.IsolationForest(n_estimators=2).fit([[1.0], [2.0], [4.0]])
    calls = cdr.generate(users=10, days=1)
    made = flow.simulate(10, "1h", n_customers=2, anomalies=[])
    caught = packets.simulate(2, "1s", attacks=[], n_hosts=2)
    writers = {
        "model": detector.save,
        "capture": lambda path: packets.write_pcap(caught, path),
        "flows": lambda path: flow.write_nfdump(made, path),
        "calls": calls.write,
        "config": cdr.Config().to_toml,
        "key": privacy.Key(bytes(range(32))).save,
    }
    for path in nowhere(tmp_path):
        before = sorted(os.listdir(tmp_path))
        with pytest.raises((OSError, ValueError)) as error:
            writers[name](path)
        assert str(error.value)
        assert sorted(os.listdir(tmp_path)) in (before, sorted([*before, "no such folder"]))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_device_is_an_os_error():
    made = flow.simulate(10, "1h", n_customers=2, anomalies=[])
    for write in (lambda p: flow.write_nfdump(made, p), cdr.Config().to_toml):
        with pytest.raises(OSError, match="No space left"):
            write("/dev/full")


def test_a_link_in_a_results_folder_is_not_followed(tmp_path):
    secret, folder = tmp_path / "secret.parquet", tmp_path / "results"
    folder.mkdir()
    secret.write_bytes(b"PAR1")
    (folder / "scores.parquet").symlink_to(secret)
    (folder / "manifest.json").write_text('{"kind": "score", "tables": {"scores": 1}}')
    with pytest.raises(ValueError, match="is no file of the folder"):
        dashboards.open_results(folder)
    (folder / "manifest.json").write_text('{"kind": "score", "tables": {"../secret": 1}}')
    with pytest.raises(ValueError, match="holds no table"):
        dashboards.open_results(folder)
