"""What holds for any data in every domain: layouts, kinds, lengths at the edges, gaps, symmetries.

Rolling statistics and neighbours have files of their own, with more; here stands what the other
kernels promise, one idea a test.
"""

import contextlib
import itertools
import os

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import linewatch as lw
from linewatch import (
    downsample,
    kpi,
    packets,
    privacy,
    rolling,
    spectral,
    streaming,
    threshold,
    wavelet,
)

# Quarters are exact in every type here, and equal values are frequent.
QUARTERS = st.integers(-400, 400).map(lambda v: v / 4)
GAPS = st.sampled_from([np.nan, np.inf, -np.inf])
EXAMPLES = int(os.environ.get("LINEWATCH_EXAMPLES", "100"))


def some(n):
    """`n` examples, and as many more as the environment asks for."""
    return settings(max_examples=max(1, n * EXAMPLES // 100))


def values_of(answer):
    """Whatever a function gives, as one float array."""
    if isinstance(answer, list | tuple):
        return np.concatenate([np.ravel(values_of(a)) for a in answer]) if answer else np.empty(0)
    if isinstance(answer, dict):
        return values_of([np.asarray(v) for k, v in answer.items()])
    if hasattr(answer, "to_pandas") and not isinstance(answer, pd.DataFrame | pd.Series):
        answer = answer.to_pandas()
    if isinstance(answer, pd.DataFrame | pd.Series):
        return answer.to_numpy(dtype=np.float64, na_value=np.nan).ravel("F")
    return np.ravel(np.asarray(answer, dtype=np.float64))


FOREST = lw.IsolationForest(n_estimators=10, random_state=0).fit(
    np.random.default_rng(0).normal(size=(200, 2))
)
MINUTES = pd.date_range("2026-01-01", periods=64, freq="min")


def streamed(x):
    rules = {"mean": streaming.Rolling(5, ["mean", "max"]), "ewm": streaming.Ewm(span=4)}
    told = streaming.Stream(rules).update("k", np.arange(len(x)), x)
    return [told[name] for name in told if name.startswith(("mean", "ewm"))]


def two_columns(x):
    return np.stack([np.asarray(x), np.asarray(x)[::-1]], axis=1)


# Name: a function of one series of 64 values.
OF_SERIES = {
    "spectral.entropy": spectral.entropy,
    "spectral.band_power": lambda x: spectral.band_power(x, [(0, 0.1), (0.1, 0.5)]),
    "spectral.dominant_frequency": spectral.dominant_frequency,
    "spectral.permutation_entropy": spectral.permutation_entropy,
    "spectral.teager_energy": spectral.teager_energy,
    "wavelet.dwt": lambda x: wavelet.dwt(x, "db3"),
    "wavelet.wavedec": lambda x: wavelet.wavedec(x, "sym4", level=3),
    "wavelet.swt": lambda x: wavelet.swt(x, "db2", level=2),
    "wavelet.modwt": lambda x: wavelet.modwt(x, "db2", level=3),
    "wavelet.mra": lambda x: wavelet.mra(x, "haar", level=2),
    "wavelet.cwt": lambda x: wavelet.cwt(x, [2, 5], "morl")[0],
    "wavelet.denoise": lambda x: wavelet.denoise(x, "db2", level=2),
    "wavelet.band_energy": lambda x: wavelet.band_energy(x, "db2", level=2),
    "wavelet.features": lambda x: wavelet.features(x, 16, 8, "db2", 2),
    "wavelet.deviation": lambda x: wavelet.deviation(x, 20, "haar", high=1, mid=3),
    "wavelet.variance": lambda x: wavelet.variance(x, "haar", 2).variance,
    "wavelet.threshold": lambda x: wavelet.threshold(x, 1.0),
    "downsample.indices": lambda x: downsample.indices(x, 20),
    "rolling.ewm_mean": lambda x: rolling.ewm_mean(x, span=5),
    "rolling.seasonal": lambda x: rolling.seasonal(x, window=2, keys=np.arange(64) % 5),
    "rolling.cusum": lambda x: rolling.cusum(x, window=10),
    "rolling.stats": lambda x: rolling.stats(x, 5, ["mean", "median", "max"]),
    "IsolationForest": lambda x: FOREST.score_samples(two_columns(x)),
    "LocalOutlierFactor": lambda x: (
        lw.LocalOutlierFactor(5).fit(two_columns(x)).negative_outlier_factor_
    ),
    "KNNDetector": lambda x: lw.KNNDetector(5).fit(two_columns(x)).score_samples(two_columns(x)),
    "calibrate_threshold": lambda x: [lw.calibrate_threshold(x, contamination=0.1).threshold],
    "streaming": streamed,
}
of_series = pytest.mark.parametrize("name", OF_SERIES)


def stored(x):
    """The same numbers, stored in other ways, and how close the answers must be."""
    spread = np.empty(2 * len(x))
    spread[::2] = x
    shut = x.copy()
    shut.flags.writeable = False
    between = np.zeros(len(x), dtype=[("flag", "i1"), ("value", x.dtype)])
    between["value"] = x
    yield "every second", spread[::2]
    yield "reversed", x[::-1].copy()[::-1]
    yield "read-only", shut
    yield "unaligned", between["value"]
    yield "other byte order", x.astype(x.dtype.newbyteorder())
    yield "a column", np.stack([x, x], axis=1)[:, 1]
    yield "a column of a table in columns", np.asfortranarray(np.stack([x, x], axis=1))[:, 0]
    yield "list", x.tolist()
    yield "float16", x.astype(np.float16)
    yield "int8", x.astype(np.int8)
    yield "int64", x.astype(np.int64)
    yield "pandas", pd.Series(x)
    yield "pandas, nullable", pd.Series(x, dtype="Float64")
    yield "pandas, nullable whole", pd.Series(x.astype(int), dtype="Int64")
    yield "pandas of Arrow", pd.Series(x, dtype="float64[pyarrow]")
    yield "polars", pl.Series("x", x)
    yield (
        "polars in chunks",
        pl.concat([pl.Series("x", x[:7]), pl.Series("x", x[7:])], rechunk=False),
    )
    yield "arrow", pa.chunked_array([x[:20], x[20:]])


# What takes arrays only.
ARRAYS_ONLY = {"IsolationForest", "LocalOutlierFactor", "KNNDetector", "calibrate_threshold"}


@of_series
def test_storage_does_not_matter(name, rng):
    function = OF_SERIES[name]
    x = rng.integers(-20, 20, 64).astype(np.float64)
    before = x.copy()
    expected = values_of(function(x))
    for layout, same in stored(x):
        if layout.startswith(("pandas", "polars", "arrow", "list")) and name in ARRAYS_ONLY:
            continue
        # The transforms calculate in the precision that they are given.
        tolerance = 1e-4 if layout == "float16" else 0
        got = values_of(function(same))
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance, err_msg=layout)
    np.testing.assert_array_equal(x, before)


@of_series
def test_single_precision_gives_nearly_the_same(name, rng):
    x = rng.integers(-20, 20, 64).astype(np.float64)
    expected = values_of(OF_SERIES[name](x))
    single = values_of(OF_SERIES[name](x.astype(np.float32)))
    np.testing.assert_allclose(single, expected, rtol=2e-4, atol=2e-4)


@of_series
def test_truth_values_are_zeros_and_ones(name, rng):
    flags = rng.random(64) < 0.4
    try:
        expected = values_of(OF_SERIES[name](flags.astype(np.float64)))
    except ValueError:
        with pytest.raises(ValueError):
            OF_SERIES[name](flags)
        return
    np.testing.assert_allclose(values_of(OF_SERIES[name](flags)), expected, rtol=1e-12, atol=1e-12)


# --- gaps --------------------------------------------------------------------------------------


@of_series
@some(12)
@given(st.data())
def test_gaps_and_infinity_are_answered_or_refused(name, data):
    """No way to a panic; nothing may be changed in place."""
    x = np.random.default_rng(1).normal(size=64)
    for place in data.draw(st.lists(st.integers(0, 63), min_size=1, max_size=64)):
        x[place] = data.draw(GAPS)
    before = x.copy()
    with np.errstate(all="ignore"), contextlib.suppress(ValueError):
        values_of(OF_SERIES[name](x))
    np.testing.assert_array_equal(x, before)


FEATURES = ["band_energy", "wavelet_entropy", "spectral_entropy", "permutation_entropy",
            "teager_energy", "dominant_frequency"]  # fmt: skip


@some(40)
@given(st.lists(st.one_of(QUARTERS, QUARTERS, QUARTERS, GAPS), min_size=16, max_size=60), st.data())
def test_windows_are_rows_of_their_own(series, data):
    """A window of a series has the features that its values have alone; a gap takes them all."""
    x = np.array(series)
    window, hop = data.draw(st.integers(8, 16)), data.draw(st.integers(1, 9))
    options = {"wavelet": "haar", "level": 2, "features": FEATURES}
    made = wavelet.features(x, window, hop, **options)
    table = np.stack([np.asarray(made[name]) for name in made], axis=1)
    ends = range(window - 1, len(x), hop)
    assert len(table) == len(ends)
    for row, end in zip(table, ends):
        part = x[end - window + 1 : end + 1]
        alone = wavelet.features(part, window, **options)
        np.testing.assert_array_equal(row, [alone[name][0] for name in alone])
        assert np.isnan(row).all() == (not np.isfinite(part).all())


# --- lengths -----------------------------------------------------------------------------------


def periodogram(x):
    power = np.abs(np.fft.rfft(x - np.mean(x))) ** 2
    power = power[1:]
    if len(x) % 2 == 0 and len(power):
        power[:-1] *= 2
    else:
        power *= 2
    return power


@pytest.mark.parametrize("n", [2, 3, 4, 5, 7, 8, 9, 63, 64, 65, 127, 128, 129])
def test_spectra_of_any_length_are_those_of_the_transform(n, rng):
    x = rng.normal(size=n)
    power = periodogram(x)
    found = spectral.band_power(x, [(0, 0.5)])
    np.testing.assert_allclose(np.ravel(found)[0], np.var(x), rtol=1e-9, atol=1e-12)
    places = np.arange(1, len(power) + 1) / n
    np.testing.assert_allclose(spectral.dominant_frequency(x), places[np.argmax(power)])
    share = power[power > 0] / power.sum()
    bits = -(share * np.log2(share)).sum()
    np.testing.assert_allclose(spectral.entropy(x, normalize=False), bits, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["haar", "db2", "sym5", "bior2.4", "coif1"])
@pytest.mark.parametrize("mode", wavelet.Modes.modes)
def test_any_length_comes_back_from_its_bands(name, mode, rng):
    for n in (2, 3, 4, 7, 8, 9, 31, 32, 33):
        most = wavelet.dwt_max_level(n, name)
        for dtype in (np.float32, np.float64, np.complex128):
            x = rng.normal(size=n).astype(dtype)
            for level in {0, min(1, most), most}:
                bands = wavelet.wavedec(x, name, mode, level)
                again = wavelet.waverec(bands, name, mode, length=n)
                assert again.dtype == dtype
                tolerance = 2e-4 if dtype is np.float32 else 1e-9
                np.testing.assert_allclose(again, x, atol=tolerance, err_msg=f"{n} {level}")


@some(60)
@given(st.lists(QUARTERS, max_size=70), st.integers(4, 75), st.integers(0, 5))
def test_a_thinned_series_keeps_ends_and_marks(series, n_out, seed):
    y = np.array(series, dtype=np.float64)
    keep = np.random.default_rng(seed).random(len(y)) < 0.05
    rows = downsample.indices(y, n_out, keep=keep)
    assert (np.diff(rows) > 0).all() and np.isin(np.flatnonzero(keep), rows).all()
    assert len(rows) <= max(n_out, 4) + keep.sum()
    if len(y):
        assert rows[0] == 0 and rows[-1] == len(y) - 1
    if len(y) <= n_out:
        np.testing.assert_array_equal(rows, np.arange(len(y)))


@pytest.mark.parametrize("kind", [np.asarray, pd.Series, pl.Series])
def test_nothing_goes_in_and_nothing_comes_out(kind):
    nothing = kind(np.empty(0))
    for function in (
        lambda x: rolling.mean(x, 3),
        lambda x: rolling.ewm_mean(x, span=3),
        lambda x: rolling.cusum(x, mean=0, std=1),
        lambda x: rolling.seasonal(x, window=2, keys=np.empty(0, int)),
        downsample.indices,
        lambda x: threshold.first_alarms(np.asarray(x) > 0, 3),
    ):
        assert len(values_of(function(nothing))) == 0
    for function in (spectral.entropy, spectral.teager_energy, wavelet.hurst,
                     lambda x: wavelet.dwt(x, "haar"), lambda x: wavelet.cwt(x, [2], "morl"),
                     lambda x: wavelet.features(x, 4)):  # fmt: skip
        with pytest.raises(ValueError, match="got 0|0 values|at least"):
            function(nothing)


def test_tables_without_rows_keep_their_columns_or_are_refused():
    caps = packets.simulate(2, "1s", attacks=[], n_hosts=2)
    whole, none = packets.features(caps), packets.features(caps[:0])
    assert none.columns == whole.columns and none.height == 0
    frame = kpi.simulate(1, 2, faults=[], quiet_weeks=1).kpis
    for function in (kpi.baseline, kpi.detect):
        with pytest.raises(ValueError, match="the frame has no rows"):
            function(frame[:0])


# --- symmetries --------------------------------------------------------------------------------

SCALED = {  # the power of a factor that the answer has
    "spectral.entropy": 0, "spectral.permutation_entropy": 0, "spectral.dominant_frequency": 0,
    "spectral.band_power": 2, "spectral.teager_energy": 2, "wavelet.dwt": 1, "wavelet.wavedec": 1,
    "wavelet.swt": 1, "wavelet.modwt": 1, "wavelet.mra": 1, "wavelet.cwt": 1,
    "wavelet.band_energy": 2, "wavelet.denoise": 1, "wavelet.variance": 2,
    "downsample.indices": 0, "rolling.ewm_mean": 1,
}  # fmt: skip


@pytest.mark.parametrize("name", SCALED)
@some(10)
@given(st.integers(0, 1000), st.integers(-30, 30))
def test_a_power_of_two_changes_the_exponent_alone(name, seed, power):
    x = np.random.default_rng(seed).normal(size=64)
    expected = values_of(OF_SERIES[name](x)) * 2.0 ** (power * SCALED[name])
    np.testing.assert_allclose(values_of(OF_SERIES[name](x * 2.0**power)), expected, rtol=1e-12)


LINEAR = ["wavelet.dwt", "wavelet.wavedec", "wavelet.swt", "wavelet.modwt", "wavelet.mra",
          "wavelet.cwt", "rolling.ewm_mean"]  # fmt: skip


@pytest.mark.parametrize("name", LINEAR)
@some(10)
@given(st.integers(0, 1000))
def test_a_sum_has_the_sum_of_the_answers(name, seed):
    x, y = np.random.default_rng(seed).normal(size=(2, 64))
    both = values_of(OF_SERIES[name](3 * x - y))
    apart = 3 * values_of(OF_SERIES[name](x)) - values_of(OF_SERIES[name](y))
    np.testing.assert_allclose(both, apart, atol=1e-10)


@some(25)
@given(st.integers(0, 10_000), st.sampled_from(["classic", "extended"]))
def test_scores_belong_to_their_rows(seed, preset):
    """Rows in another order, several times or alone have the scores that they have together."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(60, 3))
    X[rng.random(X.shape) < 0.1] = np.nan
    forest = lw.IsolationForest(n_estimators=5, random_state=0, preset=preset).fit(X)
    score = forest.score_samples(X)
    order = rng.integers(0, 60, 90)
    np.testing.assert_array_equal(forest.score_samples(X[order]), score[order])
    np.testing.assert_array_equal(forest.score_samples(X[:1]), score[:1])
    assert ((score >= -1) & (score < 0)).all()


@some(30)
@given(
    st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=30),
    st.binary(min_size=32, max_size=32),
)
def test_addresses_keep_exactly_their_common_prefix(addresses, key):
    try:
        pan = privacy.CryptoPan(key)
    except ValueError:  # a key of one byte again and again
        return
    found = pan.pseudonymize(np.array(addresses, dtype=np.uint32))
    np.testing.assert_array_equal(pan.restore(found), addresses)
    for a, b, c, d in zip(addresses, addresses[1:], found.tolist(), found.tolist()[1:]):
        assert (a ^ b).bit_length() == (c ^ d).bit_length()


@some(30)
@given(st.lists(st.text(min_size=1, max_size=8), max_size=30))
def test_equal_names_and_only_those_have_equal_pseudonyms(names):
    made = list(privacy.pseudonymize(names, privacy.Key(bytes(range(32))), purpose="test"))
    for a, x in zip(names, made):
        for b, y in zip(names, made):
            assert (a == b) == (x == y)


STREAM_RULES = {
    "rolling": streaming.Rolling(4, ["mean", "std", "min", "max"]),
    "span": streaming.Count("20s"),
    "ewm": streaming.Ewm(span=4),
    "season": streaming.Seasonal(2, min_periods=1),
    "cusum": streaming.Cusum(mean=0.0, std=2.0),
    "hinkley": streaming.PageHinkley(0.5, 5.0, min_periods=3),
    "novelty": streaming.Novelty(span=3, warm_up=3),
    "flat": streaming.FlatRun(),
    "hysteresis": streaming.Hysteresis(3.0, 1.0),
    "extremes": streaming.Extremes(min_periods=2),
}
# Seconds since the event before, key and value.
EVENTS = st.tuples(st.integers(0, 40), st.sampled_from("ab"), st.one_of(QUARTERS, GAPS))


@some(30)
@given(
    st.lists(EVENTS, max_size=50),
    st.lists(st.integers(0, 50), max_size=6),
    st.sampled_from([None, "10s"]),
)
def test_a_stream_may_be_cut_anywhere_and_taken_up_from_a_snapshot(events, cuts, lateness):
    seconds = np.cumsum([gap for gap, _, _ in events], dtype=np.int64)
    times = np.datetime64("2026-01-01", "ns") + seconds * np.timedelta64(1, "s")
    keys = [key for _, key, _ in events]
    values = np.array([value for _, _, value in events], dtype=np.float64)
    whole = streaming.Stream(STREAM_RULES, lateness=lateness)
    expected = [whole.update(keys, times, values), whole.flush()]
    parts, stream = [], streaming.Stream(STREAM_RULES, lateness=lateness)
    edges = sorted({0, len(events), *(min(cut, len(events)) for cut in cuts)})
    for start, end in itertools.pairwise(edges):
        parts.append(stream.update(keys[start:end], times[start:end], values[start:end]))
        stream = streaming.Stream.restore(stream.snapshot())
    parts.append(stream.flush())
    for name in whole.columns:
        together = np.concatenate([part[name] for part in expected])
        apart = np.concatenate([part[name] for part in parts])
        np.testing.assert_array_equal(apart, together, err_msg=name)


@some(8)
@given(st.integers(0, 1000))
def test_rows_of_kpis_in_any_order_have_the_same_baselines(seed):
    frame = kpi.simulate(1, 4, faults=[], quiet_weeks=1, seed=seed).kpis.select(
        "time", "cell_id", "traffic_gb"
    )
    expected = kpi.baseline(frame).sort("cell", "time")
    shuffled = kpi.baseline(frame.sample(fraction=1, shuffle=True, seed=seed))
    assert shuffled.sort("cell", "time").equals(expected)


@some(15)
@given(st.integers(0, 1000), st.sampled_from(["1ms", "700ms", "5s", "1h"]))
def test_packets_of_a_window_are_those_counted_one_by_one(seed, window):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(0, 60))
    time = np.sort(rng.integers(0, 20_000, n)) * 1_000_000
    key = rng.integers(0, 3, n)
    length = rng.integers(40, 1500, n)
    port = rng.integers(1, 5, n)
    table = {"time": time, "source_address": key, "length": length, "destination_port": port}
    names = ["packet_count", "byte_count", "length_max", "destination_port_count"]
    found = packets.features(table, window, features=names)
    ns = pd.Timedelta(window).value
    for i in range(n):
        rows = [j for j in range(i + 1) if key[j] == key[i] and time[j] > time[i] - ns]
        expected = [len(rows), length[rows].sum(), length[rows].max(), len(set(port[rows]))]
        got = [values[i] for column, values in found.items() if column not in table]
        assert got == expected
