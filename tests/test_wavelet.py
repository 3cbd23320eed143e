"""The wavelet transforms: examples by hand, slow definitions, and PyWavelets on random cases."""

import pickle
import warnings

import numpy as np
import pytest
import run_pywavelets_tests

import linewatch
from linewatch import wavelet

pywt = pytest.importorskip("pywt", reason="PyWavelets is what the transforms are compared with")

MODES = wavelet.Modes.modes
DTYPES = [np.float32, np.float64, np.complex64, np.complex128, np.int16, np.float16]
# Filters that are more exact here than in PyWavelets' table.
LOOSE = ("sym", "bior4.4", "bior5.5", "bior6.8", "rbio4.4", "rbio5.5", "rbio6.8")


def tolerance(name, dtype):
    if np.dtype(dtype) in (np.float32, np.complex64, np.float16):
        return 2e-4
    return 3e-8 if name.startswith(LOOSE) else 1e-9


def assert_same(found, expected, name="", dtype=np.float64):
    if isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for f, e in zip(found, expected):
            assert_same(f, e, name, dtype)
        return
    expected = np.asarray(expected)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    near = tolerance(name, dtype)
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(found, expected, rtol=near, atol=near * scale)


def signal(rng, shape, dtype):
    x = rng.normal(size=shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.normal(size=shape)
    if np.dtype(dtype).kind == "i":
        x = 100 * x
    return x.astype(dtype)


def laid_out(x, layout):
    """The same numbers, otherwise in memory."""
    if layout == "F":
        return np.asfortranarray(x)
    if layout == "reversed":
        return x[..., ::-1].copy()[..., ::-1]
    if layout == "strided":
        wide = np.repeat(x, 2, axis=-1)
        return wide[..., ::2]
    return x


# By hand ---------------------------------------------------------------------------------------


def test_haar_halves_sums_and_differences():
    low, high = wavelet.dwt([1.0, 3, 2, 2], "haar")
    np.testing.assert_allclose(low * np.sqrt(2), [4, 4])
    np.testing.assert_allclose(high * np.sqrt(2), [-2, 0], atol=1e-15)
    np.testing.assert_allclose(wavelet.idwt(low, high, "haar"), [1, 3, 2, 2])


def test_a_level_is_the_sum_over_its_taps(rng):
    x = rng.normal(size=11)
    w = wavelet.Wavelet("db3")
    padded = np.pad(x, 10, mode="symmetric")
    low, high = wavelet.dwt(x, w)
    for i in range(len(low)):
        window = padded[10 + 2 * i + 1 - np.arange(6)]
        np.testing.assert_allclose(low[i], window @ w.dec_lo)
        np.testing.assert_allclose(high[i], window @ w.dec_hi, atol=1e-14)


def test_lengths_of_an_odd_signal():
    lengths = [len(band) for band in wavelet.wavedec(np.zeros(257), "db4", level=4)]
    assert lengths == [22, 22, 38, 69, 132]
    bands = wavelet.wavedec(np.zeros(257), "db4", "periodization", 4)
    assert [len(band) for band in bands] == [17, 17, 33, 65, 129]
    assert len(wavelet.waverec(bands, "db4", "periodization")) == 258
    bands = wavelet.wavedec(np.arange(257.0), "db4", level=4)
    assert len(wavelet.waverec(bands, "db4")) == 258
    back = wavelet.waverec(bands, "db4", length=257)
    np.testing.assert_allclose(back, np.arange(257), atol=1e-9)


def test_maximal_overlap_is_its_definition_and_keeps_the_energy(rng):
    x = rng.normal(size=23)
    w = wavelet.Wavelet("db2")
    low = x
    bands = wavelet.modwt(x, w, level=3)
    for level in (1, 2, 3):
        shift = 2 ** (level - 1) * np.arange(4)
        places = (np.arange(23)[:, None] - shift) % 23
        high = low[places] @ w.rec_hi / np.sqrt(2)
        low = low[places] @ w.rec_lo / np.sqrt(2)
        np.testing.assert_allclose(bands[4 - level], high, atol=1e-14)
    np.testing.assert_allclose(bands[0], low, atol=1e-14)
    np.testing.assert_allclose(sum(np.sum(b**2) for b in bands), np.sum(x**2))
    np.testing.assert_allclose(wavelet.imodwt(bands, w), x)


def test_parts_of_any_length_add_up(rng):
    x = rng.normal(size=(3, 37))
    for transform in ("modwt", "dwt"):
        parts = wavelet.mra(x, "sym4", 2, transform=transform)
        assert len(parts) == 3
        np.testing.assert_allclose(wavelet.imra(parts), x, atol=1e-10)


def test_packets_in_order_of_frequency():
    packet = wavelet.WaveletPacket(np.arange(16.0), "haar")
    paths = [node.path for node in packet.get_level(3, "freq")]
    assert paths == ["aaa", "aad", "add", "ada", "dda", "ddd", "dad", "daa"]
    natural = [node.path for node in packet.get_level(3)]
    assert natural == sorted(natural)
    packet.data = None
    np.testing.assert_allclose(packet.reconstruct(), np.arange(16), atol=1e-12)


# PyWavelets ------------------------------------------------------------------------------------


def test_every_filter_is_that_of_pywavelets():
    assert wavelet.wavelist() == pywt.wavelist()
    assert wavelet.families() == pywt.families()
    assert wavelet.families(short=False) == pywt.families(short=False)
    about = ["orthogonal", "biorthogonal", "symmetry", "family_name", "short_family_name"]
    about += ["vanishing_moments_psi", "vanishing_moments_phi", "dec_len", "rec_len"]
    for name in wavelet.wavelist(kind="discrete"):
        ours, theirs = wavelet.Wavelet(name), pywt.Wavelet(name)
        for f, e in zip(ours.filter_bank, theirs.filter_bank):
            np.testing.assert_allclose(f, e, rtol=0, atol=2e-11)
        assert [getattr(ours, a) for a in about] == [getattr(theirs, a) for a in about]
        for f, e in zip(ours.wavefun(3), theirs.wavefun(3), strict=True):
            np.testing.assert_allclose(f, e, atol=1e-9)
    for name in [*wavelet.wavelist(kind="continuous")[:-3], "cmor1.5-1.0", "fbsp2-1-1"]:
        if name in ("cmor", "fbsp", "shan"):
            continue
        for f, e in zip(wavelet.ContinuousWavelet(name).wavefun(6), _wavefun(name)):
            np.testing.assert_allclose(f, e, atol=1e-9)


def _wavefun(name):
    return pywt.ContinuousWavelet(name).wavefun(6)


@pytest.mark.parametrize("mode", MODES)
def test_levels_agree_with_pywavelets(mode, rng):
    names = wavelet.wavelist(kind="discrete")
    for name in rng.permutation(names)[:40]:
        for n in (2, 3, int(rng.integers(4, 60)), int(rng.integers(60, 1500))):
            x = rng.normal(size=n)
            bands = wavelet.dwt(x, name, mode)
            expected = pywt.dwt(x, name, mode)
            # Slopes go far with long filters: errors of the table go with them.
            scale = max(1.0, np.abs(expected[0]).max() / np.abs(x).max())
            assert_same([b / scale for b in bands], [e / scale for e in expected], name)
            back = wavelet.idwt(*expected, name, mode)
            assert_same(back / scale, pywt.idwt(*expected, name, mode) / scale, name)


@pytest.mark.parametrize("dtype", DTYPES)
def test_any_layout_axis_and_dtype_agrees_with_pywavelets(dtype, rng):
    for layout in ("C", "F", "reversed", "strided"):
        for axis in (0, 1, -1):
            name = str(rng.choice(["haar", "db4", "bior2.6", "coif2", "rbio1.5"]))
            mode = str(rng.choice(MODES))
            x = laid_out(
                signal(rng, (int(rng.integers(20, 40)), 24, 3)[: 3 if axis else 2], dtype), layout
            )
            level = int(rng.integers(0, 3))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                bands = wavelet.wavedec(x, name, mode, level, axis)
                expected = pywt.wavedec(x, name, mode, level, axis)
            # PyWavelets hands level 0 back as it is.
            if level:
                assert_same(bands, expected, name, dtype)
                back = wavelet.waverec(expected, name, mode, axis)
                assert_same(back, pywt.waverec(expected, name, mode, axis), name, dtype)
            for norm, trim in ((False, False), (False, True)):
                even = laid_out(signal(rng, (16, 8), dtype), layout)
                axis = min(axis, 1)
                found = wavelet.swt(even, name, 2, 0, axis, trim, norm)
                expected = pywt.swt(even, name, 2, 0, axis, trim, norm)
                assert_same(found, expected, name, dtype)
                back = wavelet.iswt(expected, name, norm, axis)
                assert_same(back, pywt.iswt(expected, name, norm, axis), name, dtype)


def test_single_bands_agree_with_pywavelets(rng):
    for _ in range(150):
        name = str(rng.choice(wavelet.wavelist(kind="discrete")))
        mode = str(rng.choice(MODES))
        x = rng.normal(size=int(rng.integers(16, 300)))
        part, level = str(rng.choice(["a", "d"])), int(rng.integers(1, 4))
        found = wavelet.downcoef(part, x, name, mode, level)
        expected = pywt.downcoef(part, x, name, mode, level)
        scale = max(1.0, np.abs(expected).max())
        assert_same(found / scale, expected / scale, name)
        take = int(rng.integers(0, 40))
        found = wavelet.upcoef(part, x, name, level, take)
        assert_same(found, pywt.upcoef(part, x, name, level, take), name)


def test_stationary_levels_agree_with_pywavelets(rng):
    for _ in range(60):
        name = str(rng.choice(wavelet.wavelist(kind="discrete")))
        n = 2 ** int(rng.integers(1, 6)) * int(rng.integers(1, 8))
        start = int(rng.integers(0, wavelet.swt_max_level(n)))
        x = rng.normal(size=n)
        level = int(rng.integers(1, wavelet.swt_max_level(n) - start + 1))
        found = wavelet.swt(x, name, level, start)
        expected = pywt.swt(x, name, level, start)
        assert_same(found, expected, name)
        if start == 0:
            assert_same(wavelet.iswt(expected, name), pywt.iswt(expected, name), name)


def test_lengths_and_levels_agree_with_pywavelets(rng):
    for n in [1, 2, 3, 7, 8, 50, 256, 4097]:
        for taps in (2, 4, 8, 38, 76):
            assert wavelet.dwt_max_level(n, taps) == pywt.dwt_max_level(n, taps)
            for mode in MODES:
                assert wavelet.dwt_coeff_len(n, taps, mode) == pywt.dwt_coeff_len(n, taps, mode)
        if n % 2 == 0:
            assert wavelet.swt_max_level(n) == pywt.swt_max_level(n)


@pytest.mark.parametrize("name", ["cmor1.5-1.0", "morl", "mexh", "gaus3", "cgau4", "shan1-1"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_continuous_transform_agrees_with_pywavelets(name, dtype, rng):
    for shape, axis in (((130,), -1), ((3, 40), 1), ((40, 2), 0)):
        x = signal(rng, shape, dtype)
        scales = [1, 2.5, 7, 40]
        found, frequencies = wavelet.cwt(x, scales, name, 0.5, axis=axis)
        # PyWavelets' conv drops the imaginary part of complex data under a real wavelet.
        expected, theirs = pywt.cwt(x, scales, name, 0.5, axis=axis)
        assert_same(found, expected, dtype=np.float32 if dtype == np.float32 else np.float64)
        np.testing.assert_allclose(frequencies, theirs)


def test_the_same_bits_on_one_thread_and_two(rng):
    x = rng.normal(size=3000)
    one, _ = wavelet.cwt(x, np.geomspace(1, 100, 20), "cmor1.5-1.0", n_jobs=1)
    two, _ = wavelet.cwt(x, np.geomspace(1, 100, 20), "cmor1.5-1.0", n_jobs=2)
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("mode", ["soft", "hard", "garrote", "greater", "less"])
def test_thresholds_agree_with_pywavelets(mode, rng):
    x = rng.normal(size=50)
    for value in (0.1, 0.7):
        for substitute in (0, 5.0):
            found = wavelet.threshold(x, value, mode, substitute)
            np.testing.assert_allclose(found, pywt.threshold(x, value, mode, substitute))
    found = wavelet.threshold_firm(x, 0.3, 1.2)
    np.testing.assert_allclose(found, pywt.threshold_firm(x, 0.3, 1.2))
    assert wavelet.threshold(0.0, 1.0) == 0.0


def test_packets_agree_with_pywavelets(rng):
    for mode in MODES:
        x = rng.normal(size=37)
        ours = wavelet.WaveletPacket(x, "db2", mode)
        theirs = pywt.WaveletPacket(x, "db2", mode)
        assert ours.maxlevel == theirs.maxlevel
        for order in ("natural", "freq"):
            nodes = ours.get_level(3, order), theirs.get_level(3, order)
            assert [n.path for n in nodes[0]] == [n.path for n in nodes[1]]
            for a, b in zip(*nodes):
                np.testing.assert_allclose(a.data, b.data, atol=1e-9)
        ours["add"] = ours["add"].data * 2
        theirs["add"] = theirs["add"].data * 2
        np.testing.assert_allclose(ours.reconstruct(), theirs.reconstruct(), atol=1e-9)
        del ours["d"]
        assert ours.d is None


def test_their_own_tests_run_with_linewatch(capsys, monkeypatch):
    assert run_pywavelets_tests.main(["test_modes", "--jobs", "1"]) == 0
    text = capsys.readouterr().out
    assert "passed" in text and "FAILED" not in text
    monkeypatch.setenv(run_pywavelets_tests.FAULT, "dwt")
    assert run_pywavelets_tests.main(["test_modes", "--jobs", "1"]) == 1


# Objects ---------------------------------------------------------------------------------------


def test_read_only_series_go_in():
    x = np.arange(8.0)
    x.flags.writeable = False
    np.testing.assert_allclose(
        wavelet.wavedec(x, "haar", level=1)[0], [0.707107, 3.535534, 6.363961, 9.192388], rtol=1e-6
    )
    pd = pytest.importorskip("pandas", reason="needs pandas")
    pl = pytest.importorskip("polars", reason="needs polars")
    for series in (pd.Series(x), pl.Series(x), pd.Series(x, dtype="Float64"), list(x)):
        assert_same(wavelet.dwt(series, "haar"), wavelet.dwt(x, "haar"))


def test_a_wavelet_of_your_own_filters():
    bank = wavelet.Wavelet("db2").filter_bank
    mine = wavelet.Wavelet("mine", bank)
    assert (mine.symmetry, mine.orthogonal, mine.family_name) == ("unknown", False, "")
    x = np.arange(9.0)
    assert_same(wavelet.dwt(x, mine), wavelet.dwt(x, "db2"))
    assert_same(wavelet.dwt(x, pywt.Wavelet("db2")), wavelet.dwt(x, "db2"))
    odd = wavelet.Wavelet("odd", [[1.0, 2.0, 3.0]] * 4)
    assert odd.dec_lo == [1.0, 2.0, 3.0, 0.0]
    for w in (mine, odd, wavelet.Wavelet("sym4")):
        again = pickle.loads(pickle.dumps(w))
        assert again.filter_bank == w.filter_bank and str(again) == str(w)
        assert eval(repr(w), {"Wavelet": wavelet.Wavelet}).filter_bank == w.filter_bank
    assert linewatch.wavelet is wavelet


def test_nan_spreads_to_the_coefficients_it_touches():
    x = np.ones(64)
    x[30] = np.nan
    counts = [int(np.isnan(band).sum()) for band in wavelet.wavedec(x, "haar", level=3)]
    assert counts == [1, 1, 1, 1]
