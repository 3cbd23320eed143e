"""Spectral features and those of the order of values, against their formulas."""

import numpy as np
import pytest

from linewatch import spectral


def test_a_beacon_in_noise(rng):
    t = np.arange(256)
    beacon = 10 + np.cos(2 * np.pi * t / 16)
    assert spectral.dominant_frequency(beacon) == 1 / 16
    assert spectral.dominant_frequency(beacon, sampling_rate=2.0) == 1 / 8
    assert spectral.entropy(beacon) < 1e-9
    assert spectral.entropy(rng.normal(size=256)) > 0.8
    power = spectral.band_power(beacon, [(0, 0.05), (0.05, 0.1), (0.1, 0.5)])
    np.testing.assert_allclose(power, [0, 0.5, 0], atol=1e-12)


@pytest.mark.parametrize("n", [2, 3, 10, 63, 64, 257])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_entropy_is_that_of_the_periodogram(n, dtype, rng):
    signal = pytest.importorskip("scipy.signal", reason="needs scipy")
    x = rng.normal(5, 2, (9, n)).astype(dtype)
    _, power = signal.periodogram(x.astype(np.float64), detrend="constant")
    share = power / power.sum(1, keepdims=True)
    terms = share * np.log2(share, out=np.zeros_like(share), where=share > 0)
    near = 1e-4 if dtype == np.float32 else 1e-9
    bits = spectral.entropy(x, normalize=False)
    np.testing.assert_allclose(bits, -terms.sum(1), atol=near)
    expected = -terms.sum(1) / np.log2(n // 2 + 1)
    np.testing.assert_allclose(spectral.entropy(x), expected, atol=near)
    total = spectral.band_power(x, [(0, 0.5)])[:, 0]
    np.testing.assert_allclose(total, x.var(1), rtol=near, atol=near)


@pytest.mark.parametrize("order", [2, 3, 4, 6, 8])
def test_permutation_entropy_counts_patterns(order, rng):
    x = rng.integers(0, 5, 60).astype(float)
    for delay in (1, 3):
        patterns = {}
        for i in range(60 - (order - 1) * delay):
            key = tuple(np.argsort(x[i : i + order * delay : delay], kind="stable"))
            patterns[key] = patterns.get(key, 0) + 1
        share = np.array(list(patterns.values())) / sum(patterns.values())
        found = spectral.permutation_entropy(x, order, delay, normalize=False)
        np.testing.assert_allclose(found, -np.sum(share * np.log2(share)), atol=1e-12)


def test_regular_windows_have_no_permutation_entropy():
    assert spectral.permutation_entropy(np.arange(50.0)) == 0
    assert np.isnan(spectral.permutation_entropy([1.0, 2.0]))


def test_teager_energy_of_a_wave():
    x = 3 * np.sin(0.2 * np.arange(200))
    np.testing.assert_allclose(spectral.teager_energy(x), (3 * np.sin(0.2)) ** 2)
    assert np.isnan(spectral.teager_energy([1.0, 2.0]))


def test_a_large_level_does_not_hide_the_spectrum(rng):
    x = rng.normal(size=256)
    np.testing.assert_allclose(spectral.entropy(x + 1e6), spectral.entropy(x), atol=1e-8)


def test_windows_with_gaps_have_none():
    x = np.ones((3, 16))
    x[1, 4] = np.nan
    assert np.isnan(spectral.entropy(x)).tolist() == [False, True, False]
    assert np.isnan(spectral.band_power(x, [(0, 0.5)])).ravel().tolist() == [False, True, False]
