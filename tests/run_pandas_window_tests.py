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
import os
import sys
from collections import Counter

import peer_suite
from peer_suite import FAULT, pytest_addoption, pytest_sessionstart  # noqa: F401, pytest's

# The pytest plugin, in every job ---------------------------------------------------------------


def pytest_configure(config):
    if config.getoption("--as-it-is"):
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
    items[:] = [item for item in items if "numba" not in item.nodeid]
    peer_suite.keep_share(config, items)


def pytest_sessionfinish(session):
    import linewatch.pandas

    peer_suite.report(session, linewatch.pandas.calls())


# The script ------------------------------------------------------------------------------------


def merged(reports):
    whole = {}
    for report in reports:
        for name, calls in report.items():
            total = whole.setdefault(name, {"linewatch": 0, "pandas": 0, "reasons": Counter()})
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
    root = importlib.util.find_spec("pandas").submodule_search_locations[0]
    results, reports, failed, worse = peer_suite.compare(__file__, modules, root, chosen.jobs)
    calls = merged(reports)
    print("\n".join(table(calls)))
    print("\n".join(peer_suite.told(results, len(failed) - len(worse), "pandas' own kernels")))
    for name in worse:
        print(f"FAILED with linewatch only: {name}")
    answered = sum(call["linewatch"] for call in calls.values())
    return 1 if worse or not answered else 0


if __name__ == "__main__":
    sys.exit(main())
