"""Run pandas' own window tests with linewatch in place of its window kernels.

    python tests/run_pandas_window_tests.py [--jobs 2] [module ...]

The tests ship in the wheel of pandas (``pandas.tests.window``); those of its numba engine, which
stays pandas' own, are left out. Every job is a pytest of its own with a share of the tests. At the
end a table tells how many calls of each kernel linewatch and pandas have answered, and why.
A test that fails is run again without linewatch: if it fails there too, it does not count.

``LINEWATCH_PLANTED_FAULT=roll_mean`` spoils one kernel by a thousandth, to show that the run
notices.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections import Counter

FAULT = "LINEWATCH_PLANTED_FAULT"


# The pytest plugin, in every job ---------------------------------------------------------------


def pytest_addoption(parser):
    group = parser.getgroup("linewatch")
    group.addoption("--share", default="0/1", help="which share of the tests, as in 0/2")
    group.addoption("--report", help="where the job leaves its results, as JSON")
    group.addoption("--own-kernels", action="store_true", help="leave pandas as it is")
    group.addoption("--only", help="file with the names of the tests to run, as JSON")


def pytest_configure(config):
    config.linewatch_results = Counter()
    config.linewatch_failed = []
    if config.getoption("--own-kernels"):
        return
    import linewatch.pandas
    from linewatch.interop import pandas_kernels

    fault = os.environ.get(FAULT)
    if fault:
        answer = pandas_kernels.ANSWERS[fault]
        pandas_kernels.ANSWERS[fault] = lambda *args, **kwargs: answer(*args, **kwargs) + 1e-3
    if not linewatch.pandas.install():
        raise SystemExit("linewatch does not install itself into this pandas")


def pytest_collection_modifyitems(config, items):
    share, shares = map(int, config.getoption("--share").split("/"))
    tested = [item for item in items if "numba" not in item.nodeid]
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
    import linewatch.pandas

    results = {
        "results": session.config.linewatch_results,
        "failed": session.config.linewatch_failed,
        "calls": linewatch.pandas.calls(),
    }
    pathlib.Path(session.config.getoption("--report")).write_text(json.dumps(results))


# The jobs --------------------------------------------------------------------------------------


def run(modules, jobs, only=None):
    """Results put together from all jobs, and what they have printed; `only` without linewatch."""
    here = pathlib.Path(__file__).resolve()
    root = importlib.util.find_spec("pandas").submodule_search_locations[0]
    given = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    path = os.pathsep.join([str(here.parent), *map(os.path.abspath, given)])
    command = [sys.executable, "-m", "pytest", "-q", "-p", here.stem, "--pyargs", *modules]
    command += ["-c", os.devnull, "--rootdir", root, "-p", "no:cacheprovider", "-W", "ignore"]
    command += ["--tb=short"]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if only is not None:
            (folder / "only").write_text(json.dumps(only))
            command += ["--own-kernels", f"--only={folder / 'only'}"]
        processes = []
        for job in range(jobs):
            options = [f"--share={job}/{jobs}", f"--report={folder / str(job)}"]
            with open(folder / f"{job}.txt", "w") as output:
                processes.append(
                    subprocess.Popen(
                        command + options,
                        stdout=output,
                        stderr=output,
                        cwd=root,
                        env=os.environ | {"PYTHONPATH": path},
                    )
                )
        printed = ""
        reports = []
        for job, process in enumerate(processes):
            process.wait()
            text = (folder / f"{job}.txt").read_text()
            if process.returncode not in (0, 1, 5):  # passed, failed, an empty share
                raise SystemExit(f"job {job} broke off\n{text[-5000:]}")
            printed += text
            reports.append(json.loads((folder / str(job)).read_text()))
    return merged(reports), printed


def merged(reports):
    whole = {"results": Counter(), "failed": [], "calls": {}}
    for report in reports:
        whole["results"].update(report["results"])
        whole["failed"] += report["failed"]
        for name, calls in report["calls"].items():
            empty = {"linewatch": 0, "pandas": 0, "reasons": Counter()}
            total = whole["calls"].setdefault(name, empty)
            total["linewatch"] += calls["linewatch"]
            total["pandas"] += calls["pandas"]
            total["reasons"].update(calls["reasons"])
    return whole


def table(calls):
    """Lines of kernel, calls answered by linewatch and by pandas, reasons."""
    yield f"{'kernel':<16} {'linewatch':>9} {'pandas':>7}  left to pandas because"
    for name in sorted(calls):
        call = calls[name]
        reasons = "; ".join(f"{why} ({n})" for why, n in call["reasons"].items())
        yield f"{name:<16} {call['linewatch']:>9} {call['pandas']:>7}  {reasons}"
    linewatch = sum(call["linewatch"] for call in calls.values())
    pandas = sum(call["pandas"] for call in calls.values())
    yield f"{'all':<16} {linewatch:>9} {pandas:>7}"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", help="as test_rolling; all by default")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    chosen = parser.parse_args(arguments)
    modules = [f"pandas.tests.window.{name}" for name in chosen.modules]
    modules = modules or ["pandas.tests.window"]
    found, printed = run(modules, chosen.jobs)
    worse = []
    if found["failed"]:
        again, _ = run(modules, chosen.jobs, only=found["failed"])
        worse = sorted(set(found["failed"]) - set(again["failed"]))
    if worse:
        print(printed[-20_000:])
    print("\n".join(table(found["calls"])))
    print(", ".join(f"{n} {outcome}" for outcome, n in sorted(found["results"].items())))
    print(f"{len(found['failed']) - len(worse)} fail with pandas' own kernels too")
    for name in worse:
        print(f"FAILED with linewatch only: {name}")
    answered = sum(call["linewatch"] for call in found["calls"].values())
    return 1 if worse or not answered else 0


if __name__ == "__main__":
    sys.exit(main())
