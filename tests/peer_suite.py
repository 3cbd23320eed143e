"""What the runs of other libraries' own test suites have in common.

A runner is a script and a pytest plugin in one: as a script it starts jobs of pytest, each with a
share of the tests and with the script as a plugin; as a plugin it puts linewatch in place of the
library. The hooks here belong to the plugin, the functions below to the script.
"""

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
    group.addoption("--as-it-is", action="store_true", help="leave the library as it is")
    group.addoption("--only", help="file with the names of the tests to run, as JSON")


def keep_share(config, items):
    """Leave the share of this job, and of it the tests that were asked for, in `items`."""
    share, shares = map(int, config.getoption("--share").split("/"))
    tested = list(items)
    if config.getoption("--only"):
        only = set(json.loads(pathlib.Path(config.getoption("--only")).read_text()))
        tested = [item for item in tested if item.nodeid in only]
    items[:] = tested[share::shares]


class _Recorder:
    def __init__(self):
        self.results, self.failed = Counter(), []

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            self.results[report.outcome] += 1
        if report.failed:
            self.failed.append(report.nodeid)


def pytest_sessionstart(session):
    session.config.pluginmanager.register(_Recorder(), "linewatch-recorder")


def report(session, calls):
    """Leave the results of the job, and who answered how many calls, where the script looks."""
    recorder = session.config.pluginmanager.get_plugin("linewatch-recorder")
    results = {"results": recorder.results, "failed": recorder.failed, "calls": calls}
    pathlib.Path(session.config.getoption("--report")).write_text(json.dumps(results))


# The jobs --------------------------------------------------------------------------------------


def run(script, modules, root, jobs, only=None):
    """Reports of all jobs, and what they have printed; `only` some tests, as the library is."""
    here = pathlib.Path(script).resolve()
    given = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    path = os.pathsep.join([str(here.parent), *map(os.path.abspath, given)])
    command = [sys.executable, "-m", "pytest", "-q", "-p", here.stem, "--pyargs", *modules]
    command += ["-c", os.devnull, "--rootdir", str(root), "-p", "no:cacheprovider"]
    command += ["-W", "ignore", "--tb=short"]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if only is not None:
            (folder / "only").write_text(json.dumps(only))
            command += ["--as-it-is", f"--only={folder / 'only'}"]
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
    return reports, printed


def compare(script, modules, root, jobs):
    """Results and calls of the jobs, all failed tests, and those that fail with linewatch only."""
    reports, printed = run(script, modules, root, jobs)
    results = sum((Counter(report["results"]) for report in reports), Counter())
    failed = [name for report in reports for name in report["failed"]]
    worse = []
    if failed:
        again, _ = run(script, modules, root, jobs, only=failed)
        worse = sorted(set(failed).difference(*(report["failed"] for report in again)))
        print(printed[-20_000:])
    return results, [report["calls"] for report in reports], failed, worse


def told(results, failed, own):
    """Lines of the outcome: numbers, and how many tests fail without linewatch too."""
    yield ", ".join(f"{n} {outcome}" for outcome, n in sorted(results.items()))
    yield f"{failed} fail with {own} too"
