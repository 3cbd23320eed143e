"""Features of windows against their plain formulas, from any kind of table."""

import numpy as np
import pytest

import linewatch as lw
from linewatch import wavelet

pywt = pytest.importorskip("pywt", reason="PyWavelets is what the features are compared with")

ALL = [
    "band_energy",
    "relative_band_energy",
    "wavelet_entropy",
    "wavelet_tsallis_entropy",
    "wavelet_log_energy",
    "spectral_entropy",
    "band_power",
    "dominant_frequency",
    "permutation_entropy",
    "teager_energy",
]


def plainly(window, name, level, mode):
    """The columns of `ALL` by their formulas."""
    window = np.asarray(window, np.float64)
    energy = np.array([np.sum(c**2) for c in pywt.wavedec(window, name, mode, level)])
    p = energy / energy.sum() if energy.sum() > 0 else np.zeros_like(energy)
    inside = p[p > 0]
    n = len(window)
    power = np.abs(np.fft.rfft(window - window.mean())) ** 2 / n
    power[1:] *= 2
    power[0] = 0
    if n % 2 == 0:
        power[-1] /= 2
    frequency = np.arange(len(power)) / n
    share = power / power.sum() if np.ptp(window) > 0 else np.zeros_like(power)
    some = share[share > 0]
    patterns = {}
    for i in range(n - 2):
        key = tuple(np.argsort(window[i : i + 3], kind="stable"))
        patterns[key] = patterns.get(key, 0) + 1
    shares = np.array(list(patterns.values())) / (n - 2)
    bands = [(0, 1 / 8), (1 / 8, 1 / 4), (1 / 4, 1 / 2 + 1e-9)]
    return [
        *energy,
        *p,
        -np.sum(inside * np.log(inside)),
        1 - np.sum(inside**2) if len(inside) else 0.0,
        np.sum(np.log(energy[energy > 0])),
        -np.sum(some * np.log2(some)) / np.log2(len(power)),
        *(power[(frequency >= low) & (frequency < high)].sum() / n for low, high in bands),
        frequency[np.argmax(power)] if np.ptp(window) > 0 else 0.0,
        -np.sum(shares * np.log2(shares)) / np.log2(6),
        np.mean(window[1:-1] ** 2 - window[:-2] * window[2:]),
    ]


def columns(found):
    names = getattr(found, "columns", found)
    return np.stack([np.asarray(found[name]) for name in names], axis=-1)


@pytest.mark.parametrize("mode", wavelet.Modes.modes)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_features_are_their_formulas(mode, dtype, rng):
    for name, window, level in [
        ("haar", 5, 2),
        ("db4", 64, 3),
        ("sym5", 101, 3),
        ("bior2.2", 33, 2),
        ("coif6", 80, 1),
    ]:
        x = rng.normal(3, 2, 700).astype(dtype)
        hop = int(rng.integers(1, 40))
        found = wavelet.features(x, window, hop, name, level, mode, features=ALL)
        assert all(array.dtype == dtype for array in found.values())
        found = columns(found)
        starts = range(0, 700 - window + 1, hop)
        assert len(found) == len(starts)
        near = 2e-4 if dtype == np.float32 else 1e-9
        for row, start in zip(found, starts):
            expected = plainly(x[start : start + window], name, level, mode)
            scale = np.maximum(np.abs(expected), 1)
            np.testing.assert_allclose(row / scale, expected / scale, atol=near)


def test_the_twelve_have_names_that_say_the_mode(rng):
    found = wavelet.features(rng.normal(size=600), window=256)
    assert len(found) == 12
    assert list(found)[:5] == [f"band_energy_{b}_symmetric" for b in ("a4", "d4", "d3", "d2", "d1")]
    assert list(found)[-2:] == ["wavelet_entropy_symmetric", "spectral_entropy"]


def test_only_periodization_keeps_the_energy(rng):
    x = rng.normal(size=(50, 256))
    exact = wavelet.band_energy(x, mode="periodization").sum(1)
    np.testing.assert_allclose(exact, np.sum(x**2, 1))
    assert (wavelet.band_energy(x, mode="symmetric").sum(1) > exact).mean() > 0.9


def test_a_window_of_zeros_has_no_entropy():
    x = np.zeros(64)
    assert wavelet.band_energy(x, "haar", 2).tolist() == [0, 0, 0]
    assert wavelet.relative_band_energy(x, "haar", 2).tolist() == [0, 0, 0]
    assert wavelet.wavelet_entropy(x, "haar", 2) == 0
    assert wavelet.wavelet_tsallis_entropy(x, "haar", 2) == 0
    assert wavelet.wavelet_log_energy(x, "haar", 2) == 0
    assert wavelet.spectral_entropy(x) == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("names", [ALL, ["teager_energy"], ["band_energy"]])
def test_a_window_with_a_gap_has_no_features(bad, names, rng):
    x = rng.normal(size=640)
    x[200] = bad
    found = columns(wavelet.features(x, 64, level=2, features=names))
    assert np.isnan(found[3]).all()
    assert np.isfinite(np.delete(found, 3, axis=0)).all()


def test_many_series_and_any_number_of_threads(rng):
    x = rng.normal(size=(900, 3))
    one = wavelet.features(x, 64, 7, level=3, features=ALL, n_jobs=1)
    two = wavelet.features(np.asfortranarray(x), 64, 7, level=3, features=ALL, n_jobs=2)
    for name, array in one.items():
        assert array.shape == ((900 - 64) // 7 + 1, 3)
        np.testing.assert_array_equal(array, two[name])
        alone = wavelet.features(x[:, 1], 64, 7, level=3, features=ALL)[name]
        np.testing.assert_array_equal(array[:, 1], alone)


def test_groups_in_any_order_are_series_of_their_own(rng):
    n = 4000
    source = rng.integers(0, 30, n)
    x = rng.normal(size=n)
    found = wavelet.features(x, groups=source, level=2, features=ALL)
    assert found["group"].tolist() == list(dict.fromkeys(source.tolist()))
    for k, key in enumerate(found["group"]):
        own = x[source == key]
        assert found["count"][k] == len(own)
        row = [found[name][k] for name in found if name not in ("group", "count")]
        np.testing.assert_allclose(row, plainly(own, "db4", 2, "symmetric"), rtol=1e-9, atol=1e-9)
    found = wavelet.features(x, 32, 16, groups=source, level=1, features=["wavelet_entropy"])
    rows = found["row"]
    for k in range(0, len(rows), 17):
        key = found["group"][k]
        own = np.flatnonzero(source == key)
        place = np.searchsorted(own, rows[k])
        expected = wavelet.wavelet_entropy(x[own[place - 31 : place + 1]], level=1)
        assert found["wavelet_entropy_symmetric"][k] == expected


def test_short_groups_are_split_as_far_as_they_go():
    x = np.sin(np.arange(60.0) ** 2)
    found = wavelet.features(x, groups=[0] * 40 + [1] * 16 + [2] * 4, features=["band_energy"])
    names = [f"band_energy_{b}_symmetric" for b in ("a4", "d4", "d3", "d2", "d1")]
    first, second, third = np.stack([found[name] for name in names], 1)
    # 40 rows allow two levels of an 8-tap filter, 16 one, 4 none.
    assert np.isnan(first).tolist() == [False, True, True, False, False]
    np.testing.assert_allclose(first[[0, 3, 4]], wavelet.band_energy(x[:40], level=2))
    assert np.isnan(second).tolist() == [False, True, True, True, False]
    assert np.isnan(third).all()


def test_the_kind_of_the_caller_comes_back(rng):
    pd = pytest.importorskip("pandas", reason="needs pandas")
    pl = pytest.importorskip("polars", reason="needs polars")
    pa = pytest.importorskip("pyarrow", reason="needs pyarrow")
    x = rng.normal(size=100)
    plain = wavelet.features(x, 20, 10, level=1)
    times = pd.date_range("2026-01-01", periods=100, freq="min")
    frame = wavelet.features(pd.Series(x, times), 20, 10, level=1)
    assert frame.index.equals(times[19::10])
    for kind in (frame, wavelet.features(pl.Series(x), 20, 10, level=1)):
        assert list(kind.columns) == list(plain)
        np.testing.assert_array_equal(columns(kind), columns(plain))
    assert isinstance(wavelet.features(pa.array(x), 20, 10, level=1), pa.Table)
    keys = np.repeat(["b", "a"], 50)
    plain = wavelet.features(x, groups=keys, level=1)
    assert plain["group"].tolist() == ["b", "a"]
    frame = wavelet.features(pd.Series(x), groups=pd.Series(keys, name="ip"), level=1)
    assert frame["ip"].tolist() == ["b", "a"] and isinstance(frame, pd.DataFrame)
    frame = wavelet.features(pl.Series(x), groups=pl.Series("ip", keys), level=1)
    assert frame["ip"].to_list() == ["b", "a"] and frame["count"].to_list() == [50, 50]
    x[3] = np.nan
    frame = wavelet.features(pl.Series(x), groups=pl.Series("ip", keys), level=1)
    assert frame["spectral_entropy"].null_count() == 1
    both = [keys, np.repeat([1, 2], 50)]
    assert list(wavelet.features(x, groups=both, level=1))[:3] == ["group", "group_1", "count"]
    rows = pd.DataFrame(rng.normal(size=(4, 32)), index=list("wxyz"))
    assert wavelet.wavelet_entropy(rows, level=2).index.tolist() == list("wxyz")
    assert wavelet.band_energy(rows, level=2).shape == (4, 3)


def test_progress_is_told(rng):
    told = []
    wavelet.features(rng.normal(size=5000), 32, 1, level=1, progress=told.append)
    assert sum(told) == 5000 - 31


def test_the_transformer_is_one_of_scikit_learn(rng):
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.utils.estimator_checks import estimator_checks_generator

    for estimator, check in estimator_checks_generator(lw.WaveletFeatures()):
        check(estimator)
    X = rng.normal(size=(30, 128))
    pipeline = make_pipeline(lw.WaveletFeatures(level=3), StandardScaler())
    assert pipeline.fit_transform(X).shape == (30, 10)
    transformer = lw.WaveletFeatures(mode="periodization").fit(X)
    names = transformer.get_feature_names_out()
    assert names[0] == "band_energy_a4_periodization" and len(names) == 12
    energies = transformer.transform(X)[:, :5]
    np.testing.assert_allclose(energies, wavelet.band_energy(X, mode="periodization"))
    with pytest.raises(ValueError, match="level must be at most 4 for windows of 128 values"):
        lw.WaveletFeatures(level=5).fit(X)


# One-call answers ------------------------------------------------------------------------------


def fractional_noise(n, hurst, rng):
    """Gaussian noise with memory, exact by circulant embedding (Davies and Harte 1987)."""
    k = np.arange(n + 1.0)
    h = 2 * hurst
    covariance = 0.5 * ((k + 1) ** h - 2 * k**h + np.abs(k - 1) ** h)
    spectrum = np.fft.fft(np.concatenate([covariance, covariance[-2:0:-1]])).real.clip(0)
    noise = rng.normal(size=2 * n) + 1j * rng.normal(size=2 * n)
    return np.fft.fft(np.sqrt(spectrum / (2 * n)) * noise).real[:n]


@pytest.mark.parametrize("hurst", [0.55, 0.7, 0.85])
def test_memory_of_noise_is_found(hurst, rng):
    inside = 0
    for _ in range(40):
        found = wavelet.hurst(fractional_noise(8192, hurst, rng))
        inside += found.low <= hurst <= found.high
        assert abs(found.hurst - hurst) < 0.15
    assert inside >= 33
    motion = np.cumsum(fractional_noise(8192, hurst, rng))
    assert abs(wavelet.hurst(motion, kind="motion").hurst - hurst) < 0.2


def test_the_log_scale_diagram_is_drawn(rng):
    plt = pytest.importorskip("matplotlib.pyplot", reason="needs matplotlib")
    plt.switch_backend("agg")
    ax = wavelet.hurst(rng.normal(size=4096)).plot()
    assert ax.get_xlabel() == "octave (1 is the finest)"
    plt.close(ax.figure)


def test_variances_by_scale_add_up(rng):
    x = rng.normal(size=30_000)
    found = wavelet.variance(x, "db2", 8)
    assert found.scale.tolist() == [1, 2, 4, 8, 16, 32, 64, 128]
    assert abs(found.variance.sum() - 1) < 0.03
    expected = 0.5 ** np.arange(1, 9)
    assert np.all((found.low < expected * 1.2) & (expected * 0.8 < found.high))
    haar = wavelet.variance(x, "haar", 1).variance[0]
    np.testing.assert_allclose(haar, np.mean(np.diff(x) ** 2) / 4)


def test_noise_is_taken_off_in_the_kind_of_the_caller(rng):
    pd = pytest.importorskip("pandas", reason="needs pandas")
    t = np.arange(2001)
    clean = 10 * np.sin(t / 100)
    noisy = pd.Series(clean + rng.normal(size=2001), index=t * 2, name="mbit")
    found = wavelet.denoise(noisy)
    assert found.index.equals(noisy.index) and found.name == "mbit"
    assert np.std(found - clean) < 0.4 * np.std(noisy - clean)
    np.testing.assert_allclose(wavelet.denoise(clean, sigma=0.0), clean, atol=1e-9)


def test_planted_anomalies_score_highest(rng):
    n = 2016
    day = np.sin(2 * np.pi * np.arange(n) / 288)
    traffic = 100 + 20 * day + rng.normal(size=n)
    traffic[700:712] += 25 * rng.normal(size=12)
    traffic[1500:1506] = 0
    found = wavelet.deviation(traffic, window=12, threshold=8)
    marked = np.flatnonzero(found["is_anomaly"])
    assert {700, 711, 1503} <= set(marked)
    assert ((abs(marked - 706) < 40) | (abs(marked - 1503) < 40)).all()
    quiet = wavelet.deviation(100 + 20 * day + rng.normal(size=n), window=36)
    assert 0.8 < np.median(quiet["score"]) < 1.2
