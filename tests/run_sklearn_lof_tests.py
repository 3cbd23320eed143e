"""Run scikit-learn's own tests of LocalOutlierFactor with linewatch's class in its place.

    python tests/run_sklearn_lof_tests.py [options of pytest]

The tests ship in the wheel of scikit-learn (``sklearn.neighbors.tests.test_lof``). Those of what
linewatch refuses by name are left out, each with its reason, and counted.

``LINEWATCH_PLANTED_FAULT=1`` spoils the factors by a thousandth, to show that the run notices.
"""

import importlib.util
import os
import pathlib
import subprocess
import sys
from collections import Counter

FAULT = "LINEWATCH_PLANTED_FAULT"
LEFT_OUT = {
    "test_lof_precomputed": "distance matrices are refused by name",
    "test_sparse": "sparse matrices are refused by name",
}


# The pytest plugin -----------------------------------------------------------------------------


def pytest_configure(config):
    import sklearn.neighbors

    from linewatch.neighbors import LocalOutlierFactor

    if os.environ.get(FAULT):
        fit = LocalOutlierFactor.fit

        def spoiled(self, X, y=None):
            fit(self, X)
            self.negative_outlier_factor_ *= 1.001
            self._density[0] *= 1.001
            return self

        LocalOutlierFactor.fit = spoiled
    sklearn.neighbors.LocalOutlierFactor = LocalOutlierFactor


def pytest_collection_modifyitems(config, items):
    left = [item for item in items if item.originalname in LEFT_OUT]
    items[:] = [item for item in items if item.originalname not in LEFT_OUT]
    config.hook.pytest_deselected(items=left)
    config.linewatch_left = Counter(item.originalname for item in left)


def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        COUNTS[report.outcome] += 1


COUNTS = Counter()


def pytest_terminal_summary(terminalreporter, config):
    terminalreporter.write_line(", ".join(f"{n} {what}" for what, n in sorted(COUNTS.items())))
    for name, n in sorted(config.linewatch_left.items()):
        terminalreporter.write_line(f"left out: {name} ({n}): {LEFT_OUT[name]}")


def main():
    here = pathlib.Path(__file__).resolve()
    root = importlib.util.find_spec("sklearn").submodule_search_locations[0]
    given = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    path = os.pathsep.join([str(here.parent), *map(os.path.abspath, given)])
    command = [sys.executable, "-m", "pytest", "-q", "-p", here.stem, "--pyargs"]
    command += ["sklearn.neighbors.tests.test_lof", "-c", os.devnull, "--rootdir", root]
    command += ["-p", "no:cacheprovider", "-W", "ignore", "--tb=short", *sys.argv[1:]]
    # Without it scikit-learn skips its float32 cases.
    environment = {"PYTHONPATH": path, "SKLEARN_RUN_FLOAT32_TESTS": "1"}
    return subprocess.call(command, cwd=root, env=os.environ | environment)


if __name__ == "__main__":
    sys.exit(main())
