"""Run scikit-learn's own tests of its isolation forest with linewatch's class in its place.

    python tests/run_sklearn_iforest_tests.py [--seeds 0-9]

The tests ship with scikit-learn (``sklearn.ensemble.tests.test_iforest``). A test that looks at
privates of scikit-learn's class is left out, and the reason printed; every other one counts, and
every name that is left out must still exist.

``LINEWATCH_PLANTED_FAULT=score`` turns the scores round, ``=fit`` forgets a tree, to show that the
run notices.
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

MODULE = "sklearn.ensemble.tests.test_iforest"
FAULT = "LINEWATCH_PLANTED_FAULT"
LEFT_OUT = {
    "test_iforest_average_path_length": "tests a private function and no forest",
    "test_max_samples_consistency": "reads the private attribute _max_samples",
    "test_iforest_chunks_works1": "counts calls of a private function that cuts X into chunks",
    "test_iforest_chunks_works2": "counts calls of a private function that cuts X into chunks",
}


# The pytest plugin ------------------------------------------------------------------------------


def pytest_addoption(parser):
    parser.getgroup("linewatch").addoption("--report", help="where the results go, as JSON")


def pytest_configure(config):
    config.linewatch = {"results": Counter(), "failed": [], "left_out": {}, "run": set()}


def pytest_collection_modifyitems(config, items):
    module = sys.modules[MODULE]
    module.IsolationForest = swapped()
    kept = []
    for item in items:
        name = item.originalname
        if name in LEFT_OUT:
            config.linewatch["left_out"][name] = LEFT_OUT[name]
        else:
            kept.append(item)
            config.linewatch["run"].add(name)
    items[:] = kept


def swapped():
    """The class under test, spoiled if a fault is asked for."""
    from linewatch import IsolationForest

    fault = os.environ.get(FAULT)
    if not fault:
        return IsolationForest

    class Spoiled(IsolationForest):
        def score_samples(self, X):
            scores = super().score_samples(X)
            return -1 - scores if fault == "score" else scores

        def fit(self, X, y=None, sample_weight=None):
            super().fit(X, y, sample_weight)
            if fault == "fit":
                self._forest = self._forest.subset(0, self._forest.n_trees - 1)
            return self

    return Spoiled


class _Recorder:
    def __init__(self, config):
        self.found = config.linewatch

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            self.found["results"][report.outcome] += 1
        if report.failed:
            self.found["failed"].append(report.nodeid)


def pytest_sessionstart(session):
    session.config.pluginmanager.register(_Recorder(session.config))


def pytest_sessionfinish(session):
    found = session.config.linewatch | {"run": sorted(session.config.linewatch["run"])}
    pathlib.Path(session.config.getoption("--report")).write_text(json.dumps(found))


# The run ---------------------------------------------------------------------------------------


def run(seeds):
    """What the tests said, and what pytest printed."""
    here = pathlib.Path(__file__).resolve()
    root = importlib.util.find_spec("sklearn").submodule_search_locations[0]
    given = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    path = os.pathsep.join([str(here.parent), *map(os.path.abspath, given)])
    command = [sys.executable, "-m", "pytest", "-q", "-p", here.stem, "--pyargs", MODULE]
    command += ["-c", os.devnull, "--rootdir", root, "-p", "no:cacheprovider", "-W", "ignore"]
    with tempfile.TemporaryDirectory() as name:
        report = pathlib.Path(name) / "report"
        done = subprocess.run(
            [*command, "--tb=short", f"--report={report}"],
            cwd=root,
            env=os.environ | {"PYTHONPATH": path, "SKLEARN_TESTS_GLOBAL_RANDOM_SEED": seeds},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode not in (0, 1):
            raise SystemExit(f"the run broke off\n{done.stdout[-5000:]}")
        return json.loads(report.read_text()), done.stdout


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="42", help='as "42", "0-9" or "all" (0-99)')
    found, printed = run(parser.parse_args(arguments).seeds)
    if found["failed"]:
        print(printed[-20_000:])
    gone = sorted(set(LEFT_OUT) - set(found["left_out"]))
    print(f"{len(found['run'])} test functions run, {len(found['left_out'])} left out:")
    for name, reason in found["left_out"].items():
        print(f"  {name}: {reason}")
    for name in gone:
        print(f"FAILED: {name} is to be left out but does not exist any more")
    print(", ".join(f"{n} {outcome}" for outcome, n in sorted(found["results"].items())))
    return 1 if found["failed"] or gone or not found["results"].get("passed") else 0


if __name__ == "__main__":
    sys.exit(main())
