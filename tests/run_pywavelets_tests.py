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
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections import Counter

FAULT = "LINEWATCH_PLANTED_FAULT"

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


def pytest_addoption(parser):
    group = parser.getgroup("linewatch")
    group.addoption("--share", default="0/1", help="which share of the tests, as in 0/2")
    group.addoption("--report", help="where the job leaves its results, as JSON")
    group.addoption("--own-functions", action="store_true", help="leave PyWavelets as it is")
    group.addoption("--only", help="file with the names of the tests to run, as JSON")


def pytest_configure(config):
    config.linewatch_results = Counter()
    config.linewatch_failed = []
    if not config.getoption("--own-functions"):
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
    share, shares = map(int, config.getoption("--share").split("/"))
    tested = items
    if config.getoption("--only"):
        only = set(json.loads(pathlib.Path(config.getoption("--only")).read_text()))
        tested = [item for item in tested if item.nodeid in only]
    kept = tested[share::shares]
    config.hook.pytest_deselected(items=list(set(items) - set(kept)))
    items[:] = kept


class _Recorder:
    def __init__(self, config):
        self.config = config

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            self.config.linewatch_results[report.outcome] += 1
        if report.failed:
            self.config.linewatch_failed.append(report.nodeid)


def pytest_sessionstart(session):
    session.config.pluginmanager.register(_Recorder(session.config))


def pytest_sessionfinish(session):
    results = {
        "results": session.config.linewatch_results,
        "failed": session.config.linewatch_failed,
        "calls": calls,
    }
    pathlib.Path(session.config.getoption("--report")).write_text(json.dumps(results))


# The jobs --------------------------------------------------------------------------------------


def run(modules, jobs, only=None):
    """Results put together from all jobs, and what they have printed; `only` without linewatch."""
    import pywt

    here = pathlib.Path(__file__).resolve()
    root = pathlib.Path(pywt.__file__).parent
    given = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    path = os.pathsep.join([str(here.parent), *map(os.path.abspath, given)])
    names = [f"pywt.tests.{name}" for name in modules]
    command = [sys.executable, "-m", "pytest", "-q", "-p", here.stem, "--pyargs", *names]
    command += ["-c", os.devnull, "--rootdir", str(root), "-p", "no:cacheprovider"]
    command += ["-W", "ignore", "--tb=short"]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if only is not None:
            (folder / "only").write_text(json.dumps(only))
            command += ["--own-functions", f"--only={folder / 'only'}"]
        processes = []
        for job in range(jobs):
            options = [f"--share={job}/{jobs}", f"--report={folder / str(job)}"]
            with open(folder / f"{job}.txt", "w") as output:
                processes.append(
                    subprocess.Popen(
                        command + options,
                        stdout=output,
                        stderr=output,
                        cwd=folder,
                        env=os.environ | {"PYTHONPATH": path},
                    )
                )
        printed, reports = "", []
        for job, process in enumerate(processes):
            process.wait()
            text = (folder / f"{job}.txt").read_text()
            if process.returncode not in (0, 1, 5):  # passed, failed, an empty share
                raise SystemExit(f"job {job} broke off\n{text[-5000:]}")
            printed += text
            reports.append(json.loads((folder / str(job)).read_text()))
    return merged(reports), printed


def merged(reports):
    whole = {"results": Counter(), "failed": [], "calls": {"linewatch": Counter()}}
    whole["calls"]["pywt"] = Counter()
    for report in reports:
        whole["results"].update(report["results"])
        whole["failed"] += report["failed"]
        for whose, counts in report["calls"].items():
            whole["calls"][whose].update(counts)
    return whole


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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", help="as test_swt")
    parser.add_argument("--all", action="store_true", help="also where linewatch answers a part")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    chosen = parser.parse_args(arguments)
    modules = chosen.modules or [*MODULES, *(MORE if chosen.all else [])]
    found, printed = run(modules, chosen.jobs)
    worse = []
    if found["failed"]:
        again, _ = run(modules, chosen.jobs, only=found["failed"])
        worse = sorted(set(found["failed"]) - set(again["failed"]))
    meant = [name for name in worse if name.partition("::")[2] in DIFFERENT]
    worse = [name for name in worse if name not in meant]
    if worse:
        print(printed[-20_000:])
    print("\n".join(table(found["calls"])))
    print(", ".join(f"{n} {outcome}" for outcome, n in sorted(found["results"].items())))
    for name in meant:
        print(f"differs on purpose: {name}: {DIFFERENT[name.partition('::')[2]]}")
    print(
        f"{len(found['failed']) - len(worse) - len(meant)} fail with PyWavelets' own functions too"
    )
    for name in worse:
        print(f"FAILED with linewatch only: {name}")
    answered = sum(found["calls"]["linewatch"].values())
    return 1 if worse or not answered else 0


if __name__ == "__main__":
    sys.exit(main())
