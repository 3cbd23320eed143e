"""Kernels that look back far must hear Ctrl-C too."""

import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("linewatch.rolling")


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to a child")
@pytest.mark.parametrize(
    "call",
    [
        'rolling.entropy(x, "expanding")',  # the range moves at every row
        "rolling.rank(noise, 1_000_001)",
        "rolling.mad(noise, 1_000_001)",
    ],
)
def test_ctrl_c_stops_windows_of_a_million_rows(call):
    code = f"""
import time, numpy as np
from linewatch import rolling
x = np.arange(10_000_000.0)
noise = np.random.default_rng(3).normal(size=10_000_000)
print("ready", flush=True)
try:
    {call}
    print("finished")
except KeyboardInterrupt:
    print(time.monotonic())
"""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.3)
        sent = time.monotonic()
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=120)
    finally:
        child.kill()
    # Less than 0.2 s on an idle machine.
    assert float(out) - sent < 1.0
