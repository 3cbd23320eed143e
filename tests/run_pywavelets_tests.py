"""Run PyWavelets' own tests with linewatch in place of its functions of one dimension.

    python tests/run_pywavelets_tests.py [--jobs 2] [--all] [module ...]

The tests ship in the wheel of PyWavelets (``pywt.tests``). Before they are imported, every function
and class that linewatch has is put into the module ``pywt``; the others stay PyWavelets' own and
are handed its own wavelets. At the end a table tells how many calls each has answered, and why the
rest was left alone. A test that fails is run again without linewatch: if it fails there too, it
does not count. ``--all`` adds the modules in which linewatch answers but a part.

``LINEWATCH_PLANTED_FAULT=dwt`` spoils one function by a thousandth, to show that the run notices.
"""

import argparse
import importlib
import inspect
import os
import pathlib
import sys
from collections import Counter

import peer_suite
from peer_suite import FAULT, pytest_addoption, pytest_sessionstart  # noqa: F401, pytest's

MODULES = [
    "test__pywt",
    "test_dwt_idwt",
    "test_modes",
    "test_multilevel",
    "test_perfect_reconstruction",
    "test_swt",
    "test_thresholding",
    "test_wp",
]
MORE = [
    "test_concurrent",
    "test_cwt_wavelets",
    "test_functions",
    "test_matlab_compatibility",
    "test_matlab_compatibility_cwt",
    "test_mra",
    "test_wavelet",
]

OURS = [
    "DiscreteContinuousWavelet",
    "central_frequency",
    "cwt",
    "downcoef",
    "dwt",
    "dwt_coeff_len",
    "dwt_max_level",
    "families",
    "frequency2scale",
    "idwt",
    "imra",
    "integrate_wavelet",
    "iswt",
    "mra",
    "scale2frequency",
    "swt",
    "swt_max_level",
    "threshold",
    "threshold_firm",
    "upcoef",
    "wavedec",
    "wavelist",
    "waverec",
]
OUR_CLASSES = ["ContinuousWavelet", "Modes", "Wavelet", "WaveletPacket"]

TWO_DIMENSIONS = "two dimensions or more"
LAYOUT = "lays coefficients out in one array; no transform"
REASONS = {
    "array_to_coeffs": LAYOUT,
    "coeffs_to_array": LAYOUT,
    "ravel_coeffs": LAYOUT,
    "unravel_coeffs": LAYOUT,
    "orthogonal_filter_bank": "filter design",
    "pad": "numpy.pad under other names",
    "qmf": "filter design",
}

# Tests that linewatch fails on purpose.
AXIS = "an axis that the data do not have is an error in linewatch, and passed over by PyWavelets"
SINGLE = "six levels of 30 taps in single precision: 1.5e-6 off, where the test allows 1e-6"
DIFFERENT = {
    "test_cwt_batch[1-conv]": AXIS,
    "test_cwt_batch[1-fft]": AXIS,
    "test_mra_roundtrip[float32-periodization-swt-coif5]": SINGLE,
    "test_mra_roundtrip[complex64-periodization-swt-coif5]": SINGLE,
}

calls = {"linewatch": Counter(), "pywt": Counter()}


# The pytest plugin, in every job ---------------------------------------------------------------


def pytest_configure(config):
    if not config.getoption("--as-it-is"):
        replace(os.environ.get(FAULT))


def replace(fault=None):
    """Put linewatch into the module pywt."""
    import pywt

    from linewatch import wavelet

    own = {name: getattr(pywt, name) for name in ("Wavelet", "ContinuousWavelet")}
    for name in [*OURS, *OUR_CLASSES]:
        if not hasattr(wavelet, name):
            raise SystemExit(f"linewatch.wavelet has no {name}")
    for name, function in vars(pywt).copy().items():
        if name in OURS:
            setattr(pywt, name, counted(name, getattr(wavelet, name), "linewatch", fault))
        elif name in OUR_CLASSES:
            setattr(pywt, name, getattr(wavelet, name))
        elif inspect.isroutine(function) and not name.startswith("_"):
            setattr(pywt, name, counted(name, handing_own(function, own), "pywt"))
    # Private functions that the tests call themselves.
    for module, name in [("_dwt", "dwt_max_level"), ("_extensions._swt", "swt_axis")]:
        module = importlib.import_module(f"pywt.{module}")
        setattr(module, name, handing_own(getattr(module, name), own))


def counted(name, function, whose, fault=None):
    def call(*args, **kwargs):
        calls[whose][name] += 1
        out = function(*args, **kwargs)
        return spoiled(out) if name == fault else out

    return call


def spoiled(out):
    if isinstance(out, list | tuple):
        return type(out)([spoiled(out[0]), *out[1:]])
    return out + 1 if isinstance(out, int) else out + 1e-3


def handing_own(function, own):
    """`function` of PyWavelets, which takes no wavelets but its own."""
    from linewatch import wavelet

    def turn(x):
        if isinstance(x, wavelet.Wavelet):
            bank = None if x.short_family_name else x.filter_bank
            found = own["Wavelet"](x.name, bank)
            found.orthogonal, found.biorthogonal = x.orthogonal, x.biorthogonal
            return found
        if isinstance(x, wavelet.ContinuousWavelet):
            return own["ContinuousWavelet"](x.name)
        if type(x) in (list, tuple):
            return type(x)(map(turn, x))
        return x

    def call(*args, **kwargs):
        return function(*map(turn, args), **{k: turn(v) for k, v in kwargs.items()})

    return call


def pytest_collection_modifyitems(config, items):
    peer_suite.keep_share(config, items)


def pytest_sessionfinish(session):
    peer_suite.report(session, calls)


# The script ------------------------------------------------------------------------------------


def merged(reports):
    return {
        whose: sum((Counter(report[whose]) for report in reports), Counter())
        for whose in ("linewatch", "pywt")
    }


def table(calls):
    """Lines of function, calls answered by linewatch and by PyWavelets, reasons."""
    yield f"{'function':<24} {'linewatch':>9} {'pywt':>7}  left to PyWavelets because"
    for name in sorted({*calls["linewatch"], *calls["pywt"]}):
        ours, theirs = calls["linewatch"][name], calls["pywt"][name]
        reason = REASONS.get(name, TWO_DIMENSIONS) if theirs else ""
        yield f"{name:<24} {ours:>9} {theirs:>7}  {reason}"
    ours, theirs = (sum(calls[whose].values()) for whose in ("linewatch", "pywt"))
    yield f"{'all':<24} {ours:>9} {theirs:>7}"


def main(arguments=None):
    import pywt

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", help="as test_swt")
    parser.add_argument("--all", action="store_true", help="also where linewatch answers a part")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    chosen = parser.parse_args(arguments)
    names = chosen.modules or [*MODULES, *(MORE if chosen.all else [])]
    modules = [f"pywt.tests.{name}" for name in names]
    root = pathlib.Path(pywt.__file__).parent
    results, reports, failed, worse = peer_suite.compare(__file__, modules, root, chosen.jobs)
    meant = [name for name in worse if name.partition("::")[2] in DIFFERENT]
    worse = [name for name in worse if name not in meant]
    calls = merged(reports)
    print("\n".join(table(calls)))
    for name in meant:
        print(f"differs on purpose: {name}: {DIFFERENT[name.partition('::')[2]]}")
    theirs = len(failed) - len(worse) - len(meant)
    print("\n".join(peer_suite.told(results, theirs, "PyWavelets' own functions")))
    for name in worse:
        print(f"FAILED with linewatch only: {name}")
    return 1 if worse or not calls["linewatch"].total() else 0


if __name__ == "__main__":
    sys.exit(main())
