"""What users write, with the type of every answer.

A type checker reads the claims (`assert_type`) and the test runs them: both have to agree.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import tempfile
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
from matplotlib.axes import Axes
from numpy.typing import NDArray

import linewatch as lw
from linewatch import cdr, flow, kpi, packets, privacy, rolling, spectral, wavelet

if TYPE_CHECKING:
    from typing import assert_type
else:

    def assert_type(value, kind):
        """The claim that a checker reads, as a test of the value."""
        assert agrees(value, kind), f"{kind} is claimed, got {type(value)}"
        return value


Floats = NDArray[np.floating[Any]]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]


def agrees(value: object, kind: Any) -> bool:
    """Whether a value is of a type, as deep as Python can see."""
    origin, parts = get_origin(kind), get_args(kind)
    if kind is Any:
        return True
    if kind is None:
        return value is None
    if origin in (Union, UnionType):
        return any(agrees(value, part) for part in parts)
    if origin is None:
        return isinstance(value, kind)
    if not isinstance(value, origin):
        return False
    if origin is np.ndarray:
        (dtype,) = get_args(parts[1])
        return isinstance(value, np.ndarray) and (
            dtype is Any or np.issubdtype(value.dtype, get_origin(dtype) or dtype)
        )
    if isinstance(value, dict):
        return all(agrees(k, parts[0]) and agrees(v, parts[1]) for k, v in value.items())
    if isinstance(value, list):
        return all(agrees(each, parts[0]) for each in value)
    if isinstance(value, tuple) and len(parts) == len(value):
        return all(map(agrees, value, parts))
    return True


X = np.random.default_rng(0).normal(size=(300, 3))
frame = pl.DataFrame(X, schema=["a", "b", "c"])
table = pd.DataFrame(X, columns=["a", "b", "c"])
prb = pl.Series("prb", [40.0, 42, 38, 41, 39, 95])
prb_pandas = pd.Series([40.0, 42, 38, 41, 39, 95])


def windows() -> None:
    assert_type(rolling.mean([1.0, 2, 3], 2), Floats)
    assert_type(lw.rolling.mean(np.arange(5), window=2, min_periods=1), Floats)
    assert_type(rolling.median(prb, 3, center=True), pl.Series)
    assert_type(rolling.std(prb_pandas, 3, ddof=0), pd.Series)
    assert_type(rolling.zscore(frame, 5, include_current=False), pl.DataFrame)
    assert_type(rolling.quantile([1.0, 2, 3], 2, [0.5, 0.9]), Floats)
    assert_type(rolling.quantile(prb, 2, 0.9), pl.Series)
    assert_type(rolling.quantile(prb, 2, [0.5, 0.9]), pl.DataFrame)
    assert_type(rolling.stats([1.0, 2, 3], 2, ["mean", ("std", {"ddof": 0})]), dict[str, Floats])
    assert_type(rolling.stats(prb, 2, ["mean", "q95"]), pl.DataFrame)
    assert_type(rolling.stats(prb_pandas, 2, ["mean"]), pd.DataFrame)
    assert_type(rolling.seasonal(prb, window=2, keys=[0, 1] * 3), pl.Series)
    assert_type(rolling.seasonal(prb, ["mean", "std"], window=2, keys=[0, 1] * 3), pl.DataFrame)
    assert_type(rolling.ewm_mean(prb, alpha=0.5), pl.Series)
    assert_type(rolling.corr(prb, prb, 3), pl.Series)
    found = rolling.cusum(prb, mean=40.0, std=2.0)
    assert_type(found.alarm, pl.Series)
    assert_type(rolling.cusum([1.0, 2, 3], window=2).upper, Floats)


def detectors() -> None:
    forest = lw.IsolationForest(n_estimators=10, random_state=0).fit(X)
    assert_type(forest, lw.IsolationForest)
    assert_type(forest.score_samples(X), Float64)
    assert_type(forest.predict(X), Int64)
    assert_type(forest.fit_predict(X), Int64)
    assert_type(forest.offset_, float)
    assert_type(forest.explain(X), Float64)
    of_columns = lw.IsolationForest(n_estimators=10, random_state=0).fit(frame)
    assert_type(of_columns.explain(frame), pl.DataFrame)
    assert_type(of_columns.reasons(table, top=2), pd.DataFrame)
    assert_type(forest.reasons(X), NDArray[np.object_])
    assert_type(forest.estimators_[0].max_depth, int)
    assert_type(forest.get_params(), dict[str, Any])
    assert_type(forest + forest, lw.IsolationForest)
    lof = lw.LocalOutlierFactor(n_neighbors=5, novelty=True).fit(X)
    assert_type(lof, lw.LocalOutlierFactor)
    assert_type(lof.score_samples(X), Floats)
    assert_type(lof.kneighbors(X), tuple[Float64, Int64])
    assert_type(lof.kneighbors(X, return_distance=False), Int64)
    near = lw.KNNDetector(5, method="mean").fit(frame)
    assert_type(near.explain(frame), pl.DataFrame)
    assert_type(near.training_scores_, Floats)
    detector = lw.ThresholdedDetector(near, {"contamination": 0.01}, holdout=0.3).fit(frame)
    assert_type(detector, lw.ThresholdedDetector)
    assert_type(detector.operating_point_.threshold, float)
    assert_type(detector.alarms(frame), NDArray[np.bool_])
    point = lw.calibrate_threshold(forest.score_samples(X), percentile=1.0)
    assert_type(point.as_dict(), dict[str, Any])
    network = lw.AutoencoderDetector((2,), epochs=2, random_state=0).fit(frame)
    assert_type(network.decision_function(frame), Floats)
    assert_type(network.reconstruct(frame), pl.DataFrame)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "forest.lw"
        forest.save(path)
        assert_type(lw.IsolationForest.load(path), lw.IsolationForest)
        assert_type(lw.load(path, expected=lw.IsolationForest), lw.IsolationForest)
        assert_type(lw.load(path), Any)


def call_records() -> None:
    data = cdr.generate(users=50, days=1, seed=1)
    assert_type(data, cdr.Dataset)
    assert_type(lw.cdr.generate(users=50, days=1), cdr.Dataset)
    assert_type(data.calls().collect(), pl.DataFrame)
    assert_type(data.calls(backend="pandas").collect(), pd.DataFrame)
    for batch in data.calls(batch_size=100):
        assert_type(batch, pl.DataFrame)
    assert_type(data.users, pl.DataFrame)
    assert_type(data.truth_tables() if data.config.scenarios else {}, dict[str, pl.DataFrame])
    assert_type(data.rows, int)
    features = cdr.features(data.calls(), data.towers)
    assert_type(features, pl.DataFrame)
    assert_type(cdr.Config(users=50).replace(days=2).to_toml(), str)


def traffic() -> None:
    flows = flow.simulate(500, n_customers=20, seed=1)
    assert_type(flows, pl.DataFrame)
    assert_type(flow.top_talkers(flows, 3), pl.DataFrame)
    assert_type(flow.top_talkers(flows.lazy(), 3), pl.LazyFrame)
    assert_type(flow.top_talkers(flows.to_pandas(), 3), pd.DataFrame)
    assert_type(flow.anomalies(flows), pl.DataFrame)
    assert_type(flow.port_service([443, 53], "TCP"), NDArray[np.object_])
    assert_type(flow.port_service(flows["dp"], flows["pr"]), pl.Series)
    assert_type(flow.protocol_number("TCP"), int)
    capture = packets.simulate(200, seed=1)
    assert_type(capture, pl.DataFrame)
    assert_type(packets.features(capture, "5s", features=["packet_count"]), pl.DataFrame)
    assert_type(flow.simulate(100, n_customers=5, backend="pandas"), pd.DataFrame)


def kpis() -> None:
    cells = lw.datasets.hourly_cells(n_cells=2, n_weeks=6, seed=1)
    assert_type(cells, pl.DataFrame)
    scored = kpi.score(cells, value="traffic_mbit_per_s")
    assert_type(scored, pl.DataFrame)
    assert_type(kpi.events(scored), pl.DataFrame)
    tidy, report = kpi.clean(cells)
    assert_type(tidy, pl.DataFrame)
    assert_type(report.counts, pl.DataFrame)
    detected = kpi.detect(tidy, kpis=["traffic_mbit_per_s"])
    assert_type(detected, pl.DataFrame)
    events = kpi.classify_events(detected)
    assert_type(kpi.impact(detected, events).cells, pl.DataFrame)
    assert_type(kpi.normalize(tidy)[0], pl.DataFrame)
    assert_type(kpi.evaluate(scored, "is_degraded"), dict[str, Any])
    made = kpi.simulate(2, 5, backend="pandas", faults=[])
    assert_type(made.kpis, pd.DataFrame)
    assert_type(made.labelled(), pd.DataFrame)
    monitor = kpi.Monitor(kpis=["traffic_mbit_per_s"])
    assert_type(monitor.update(cells[:5]).rows, pl.DataFrame)
    mpl.use("agg")
    drawn = lw.plots.kpi_band(scored, which=scored["cell_id"][0])
    assert_type(drawn, Axes)


def waves() -> None:
    assert_type(spectral.entropy(prb), float)
    assert_type(spectral.entropy(frame), pl.Series)
    assert_type(spectral.band_power(X, [(0.0, 0.2), (0.2, 0.5)]), Floats)
    low, _ = wavelet.dwt([1.0, 2, 3, 4], "db1")
    assert_type(low, NDArray[Any])
    assert_type(wavelet.wavedec(X[:64, 0], "db4", level=2), list[NDArray[Any]])
    assert_type(wavelet.denoise(prb), pl.Series)
    assert_type(wavelet.features(X[:, 0], 64, level=2), dict[str, NDArray[Any]])
    assert_type(wavelet.features(frame["a"], 64, level=2), pl.DataFrame)
    assert_type(wavelet.swt(X[:64, 0], "db1", 1)[0][0], NDArray[Any])
    assert_type(lw.WaveletFeatures(level=1).fit(X[:, :3].repeat(8, axis=1)), lw.WaveletFeatures)


def secrets() -> None:
    key = privacy.Key.generate()
    assert_type(key, privacy.Key)
    assert_type(privacy.pseudonymize("+491701234567", key, purpose="test"), str)
    assert_type(privacy.pseudonymize(["a", "b"], key, purpose="test"), list[str])
    assert_type(privacy.CryptoPan(key).pseudonymize(pl.Series(["192.0.2.1"])), pl.Series)
    assert_type(privacy.truncate_address(["192.0.2.77"]), list[str])
    assert_type(lw.downsample.indices(X[:, 0], 50), Int64)


def streams() -> None:
    stream = lw.streaming.Stream({"level": lw.streaming.Rolling(3, ["mean"], min_periods=1)})
    assert_type(stream.update("cell 7", 0, 10.0), dict[str, Any])
    assert_type(stream.update("cell 7", [1, 2], [11.0, 12.0]), dict[str, Any])
    assert_type(stream.columns, list[str])
    assert_type(stream.counts, dict[str, int])
    assert_type(lw.streaming.Stream.restore(stream.snapshot()), lw.streaming.Stream)


def expressions() -> None:
    column = lw.polars.Expressions(pl.col("a"))
    assert_type(column.rolling_mean(5), pl.Expr)
    assert_type(column.spectral_entropy(), pl.Expr)
    assert_type(lw.polars.Statistics(prb).rolling_mean(2), Any)


def mistakes() -> None:
    """What a checker has to refuse; never run. Each line is wrong, so each is told to be."""
    rolling.mean([1.0, 2], 2, wndow=3)  # pyright: ignore[reportCallIssue]
    lw.IsolationForest(preset="classical")  # pyright: ignore[reportArgumentType]
    lw.streaming.Sream  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018, asking is the mistake
    lw.rollling  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018, asking is the mistake
    lw.datasets.hourly_cells(backend="dask")  # pyright: ignore[reportCallIssue, reportArgumentType]


RUN = (
    windows,
    detectors,
    call_records,
    traffic,
    kpis,
    waves,
    secrets,
    streams,
    expressions,
)
