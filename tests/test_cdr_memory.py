"""Streaming calls takes the memory of the users and of an hour, however many days there are."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

# tests/deep.sh asks for a hundred million.
CALLS = int(os.environ.get("LINEWATCH_CALLS", 2_000_000))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak from /proc")
def test_calls_are_streamed_in_less_than_256_mb():
    users = 1_000_000 if CALLS > 10_000_000 else 100_000
    code = f"""
        from pathlib import Path
        from linewatch import cdr

        data = cdr.generate({users}, {CALLS // (8 * users) + 1}, seed=7)
        rows = sum(len(batch) for batch in data._core.calls(0, data.config.days, 65_536, 2))
        assert rows == data.rows >= {CALLS}
        status = Path("/proc/self/status").read_text()
        print(int(status.split("VmHWM:")[1].split()[0]) // 1024)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert int(run.stdout) < 256
