"""Kernels that look back far must hear Ctrl-C too."""

import sys

import pytest
import stopped

pytest.importorskip("linewatch.rolling")


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to a child")
@pytest.mark.parametrize(
    "call",
    [
        'rolling.entropy(x, "expanding", n_jobs=1)',  # the range moves at every row
        "rolling.rank(noise, 1_000_001, n_jobs=1)",
        "rolling.mad(noise, 1_000_001, n_jobs=1)",
    ],
)
def test_ctrl_c_stops_windows_of_a_million_rows(call):
    setup = """
from linewatch import rolling
x = np.arange(10_000_000.0)
noise = np.random.default_rng(3).normal(size=20_000_000)
"""
    # The whole call takes 2.5 s or more.
    assert stopped.in_child(setup, call, moment=0.3) < 1.2
