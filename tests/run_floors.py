"""Run the tests from an installed wheel with the oldest and the newest libraries.

    python tests/run_floors.py linewatch-*.whl [--only oldest,3.13] [--tests test_edge test_polars]

Each set has a virtual environment of its own, where the wheel is installed as a user would do it:
the oldest version that `pyproject.toml` names of every library on Python 3.11, and the newest ones
on each Python that is found (3.11 and later; `--pythons` adds folders to look in). Then the Polars
expressions are tried with several minor versions of Polars in between. It prints one line for each
set and ends with 1 if a test failed. The environments are kept in `--folder` for the next run.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parents[1]
FOLDER = pathlib.Path(tempfile.gettempdir()) / "linewatch-floors"

# The lower ends in pyproject.toml. A minor version stands for its last release.
OLDEST = {
    "numpy": "1.26",
    "narwhals": "2.28",
    "scikit-learn": "1.6",
    "polars": "1.33",
    "pandas": "2.2",
    "pyarrow": "16",
    "matplotlib": "3.8",
    "tqdm": "4.60",
    "plotly": "6.0",
    "dash": "3.0",
    "onnx": "1.15",
}
# With the newest of everything else.
POLARS = ["1.33", "1.34", "1.36", "1.38", "2.0"]
TESTERS = ["pytest", "hypothesis", "duckdb>=2", "dpkt", "pywavelets", "packaging", "onnxruntime"]

# What is about other things than the libraries around: a browser, Spark, the pages of the manual.
LEFT_OUT = ["test_dashboards_browser", "test_docs", "test_spark"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("wheel", type=pathlib.Path)
    parser.add_argument("--folder", type=pathlib.Path, default=FOLDER)
    parser.add_argument("--only", help="names of sets, such as oldest,3.12,polars")
    parser.add_argument("--tests", nargs="+", help="test files, such as test_edge; all by default")
    parser.add_argument("--pythons", nargs="*", default=[], help="folders with interpreters")
    arguments = parser.parse_args()
    wanted = arguments.only.split(",") if arguments.only else None
    sets = list(all_sets(interpreters(arguments.pythons)))
    sets = [s for s in sets if wanted is None or s[0] in wanted or s[0].split(" ")[0] in wanted]
    if not sets:
        sys.exit("no such set; without --only every set is run")
    failed = 0
    for name, python, versions in sets:
        tests = ["test_polars", "test_polars_features"] if name.startswith("polars") else None
        ok, summary = run(name, python, versions, arguments, tests or arguments.tests)
        failed += not ok
        print(f"{name:14} {'ok    ' if ok else 'FAILED'} {summary}", flush=True)
    print(f"{len(sets) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


def interpreters(folders):
    """Each Python from 3.11 that is found: its minor version and its path."""
    found = {f"3.{sys.version_info.minor}": sys.executable}
    places = os.environ["PATH"].split(os.pathsep) + folders
    places += map(str, pathlib.Path.home().glob(".pyenv/versions/3.*/bin"))
    for minor in range(11, 20):
        for place in places:
            path = shutil.which(f"python3.{minor}", path=place)
            # A shim that stands for a version which is not switched on answers with an error.
            if path and subprocess.run([path, "-c", ""], capture_output=True).returncode == 0:
                found.setdefault(f"3.{minor}", path)
                break
    return dict(sorted(found.items(), key=lambda pair: int(pair[0].partition(".")[2])))


def all_sets(pythons):
    if "3.11" in pythons:
        yield "oldest", pythons["3.11"], [f"{name}=={v}.*" for name, v in OLDEST.items()]
    for minor, path in pythons.items():
        yield minor, path, list(OLDEST)
    minor, path = max(pythons.items(), key=lambda pair: int(pair[0].partition(".")[2]))
    for version in POLARS:
        rest = ["pandas", "pyarrow"]
        yield f"polars {version}", path, [f"polars=={version}.*", *rest]


def run(name, python, versions, arguments, tests):
    """Whether the tests pass in the environment of a set, and what was run."""
    venv = arguments.folder / re.sub(r"\W", "_", name)
    executable = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not executable.exists():
        subprocess.run([python, "-m", "venv", venv], check=True)
    wheel = str(arguments.wheel.resolve())
    for what in ([*versions, *TESTERS, wheel], ["--force-reinstall", "--no-deps", wheel]):
        command = [*installer(executable), "-q", "--only-binary=:all:", *what]
        installed = subprocess.run(command, capture_output=True, text=True)
        if installed.returncode != 0:
            return False, "cannot be installed: " + last_line(installed.stderr)
    files = [f"tests/{test.removesuffix('.py')}.py" for test in tests or []] or ["tests"]
    ignore = [f"--ignore=tests/{test}.py" for test in LEFT_OUT]
    # `nbmake`, which runs notebooks, is not among the libraries here.
    options = ["-q", "-o", "addopts=-p no:cacheprovider -p no:dash", "--tb=short", *ignore]
    if name == "oldest":
        # Old libraries beside newer ones (pytest, pyparsing) are warned of what will go.
        options += ["-o", "filterwarnings=default"]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    tested = subprocess.run(
        [executable, "-m", "pytest", *options, *files],
        cwd=HERE,
        env=environment,
        capture_output=True,
        text=True,
    )
    (venv / "tests.log").write_text(tested.stdout + tested.stderr)
    seen = ", ".join(f"{k} {v}" for k, v in installed_versions(executable).items())
    summary = f"{last_line(tested.stdout)} ({seen})"
    if tested.returncode != 0:
        summary += f"; see {venv / 'tests.log'}"
    return tested.returncode == 0, summary


def installer(executable):
    """The command that installs into an environment: uv's, which is quicker, if it is there."""
    uv = shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--python", executable]
    return [executable, "-m", "pip", "install"]


def installed_versions(executable):
    """The versions of the libraries that a set is about."""
    code = (
        "from importlib.metadata import distributions\n"
        "print(*(f'{d.name} {d.version}' for d in distributions()), sep=';')"
    )
    run = subprocess.run([executable, "-c", code], capture_output=True, text=True)
    versions = dict(pair.split() for pair in run.stdout.strip().split(";"))
    return {name: versions[name] for name in list(OLDEST)[:6] if name in versions}


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1].strip("= ") if lines else ""


if __name__ == "__main__":
    main()
