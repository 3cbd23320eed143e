"""Frames in the library that was asked for, also where only some libraries are installed."""

import numpy as np
import polars as pl
import pytest

from linewatch import _frames, cdr, kpi


@pytest.fixture
def without(monkeypatch):
    """Pretends that a library is not installed."""
    real = _frames.find_spec

    def pretend(name):
        monkeypatch.setattr(
            _frames, "find_spec", lambda asked: None if asked == name else real(asked)
        )

    return pretend


def test_pandas_frames_need_no_pyarrow(without):
    pd = pytest.importorskip("pandas")
    network = kpi.simulate(n_sites=2, n_weeks=5, faults=["outage"], seed=1)
    zoned = network.kpis.head(9).with_columns(
        local=pl.col("time").dt.replace_time_zone("Asia/Kolkata"),
        number=pl.when(pl.col("time").dt.hour() > 3).then(pl.lit(1, pl.Int64)),
        word=pl.when(pl.col("time").dt.hour() > 3).then(pl.lit("word")),
    )
    for table in (zoned, network.truth):
        expected = _frames.as_backend(table, "pandas")
        without("pyarrow")
        pd.testing.assert_frame_equal(_frames.as_backend(table, "pandas"), expected)


def test_a_library_that_is_not_there_is_named(without):
    without("pandas")
    with pytest.raises(
        ModuleNotFoundError,
        match=r'^backend="pandas" needs pandas: pip install "linewatch\[pandas\]"$',
    ):
        kpi.simulate(n_sites=2, n_weeks=5, faults=[], backend="pandas")
    without("pyarrow")
    with pytest.raises(
        ModuleNotFoundError, match=r'^backend="pyarrow" needs pyarrow: pip install pyarrow$'
    ):
        cdr.generate(users=50, days=1).calls(backend="pyarrow")


def test_a_network_without_faults_is_labelled():
    pytest.importorskip("pandas")
    made = kpi.simulate(n_sites=2, n_weeks=5, faults=[], seed=1, backend="pandas")
    labelled = made.labelled()
    assert not np.any(labelled["is_fault"])
    assert labelled["fault"].isna().all()
