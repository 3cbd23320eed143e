"""The package as a whole: what `import linewatch` offers, costs and brings along."""

import importlib.metadata
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

import linewatch
from linewatch import cli

FOLDER = pathlib.Path(linewatch.__file__).parent
BASE = {"narwhals", "numpy", "polars", "scikit-learn"}

# Licenses that ask for no more than to be named. One that is not here is read by a person first.
PERMISSIVE = {
    "0BSD",
    "Apache-2.0",
    "BSD License",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "MIT",
    "MIT License",
    "Zlib",
}


def test_every_name_that_the_package_lists_is_there():
    assert [name for name in linewatch.__all__ if not hasattr(linewatch, name)] == []


def test_every_public_module_is_listed():
    modules = {path.stem for path in FOLDER.glob("[!_]*.py")}
    modules |= {path.parent.name for path in FOLDER.glob("[!_]*/__init__.py")}
    assert modules - {"interop"} <= set(linewatch.__all__)


def test_the_types_are_shipped():
    assert (FOLDER / "py.typed").exists()
    assert (FOLDER / "_core.pyi").exists()


def loaded_after(code):
    """Libraries that an interpreter of its own has loaded after `code`."""
    code += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


HEAVY = {
    "dash",
    "duckdb",
    "matplotlib",
    "onnx",
    "pandas",
    "plotly",
    "polars",
    "pyarrow",
    "pyspark",
    "scipy",
    "sklearn",
    "xgboost",
}


def test_the_import_loads_no_other_library():
    assert loaded_after("import linewatch") & (HEAVY | {"numpy", "narwhals"}) == set()


def test_a_rolling_statistic_needs_numpy_only():
    loaded = loaded_after("import linewatch as lw; lw.rolling.mean([10.0, 12, 11, 50], window=2)")
    assert "numpy" in loaded
    assert loaded & HEAVY == set()


def test_modules_of_data_load_no_optional_library():
    modules = "cdr, packets, privacy, spectral, streaming, wavelet"
    optional = HEAVY - {"polars", "scipy", "sklearn"}
    assert loaded_after(f"from linewatch import {modules}") & optional == set()


def required(library):
    """Libraries that an installation of `library` without extras brings, as they are named."""
    requirements = importlib.metadata.requires(library) or []
    plain = [r.partition(";")[0] for r in requirements if "extra ==" not in r and applies(r)]
    return {re.match(r"[\w.-]+", r)[0].lower().replace("_", "-") for r in plain}


def applies(requirement):
    """Whether a requirement that names a platform or a version of Python holds here."""
    marker = requirement.partition(";")[2].strip()
    if not marker:
        return True
    packaging = pytest.importorskip("packaging.markers", reason="pip install packaging")
    return packaging.Marker(marker).evaluate({"extra": ""})


def brought():
    """Everything that an installation of linewatch brings."""
    found, waiting = set(), {"linewatch"}
    while waiting:
        library = waiting.pop()
        found.add(library)
        waiting |= required(library) - found
    return found - {"linewatch"}


@pytest.fixture(scope="module")
def installed():
    try:
        return importlib.metadata.metadata("linewatch")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("linewatch is used from its folder: pip install -e . to see what it brings")


def test_an_installation_brings_numpy_narwhals_scikit_learn_and_polars(installed):
    assert required("linewatch") == BASE


def test_what_these_bring_is_small_in_number(installed):
    more = brought() - BASE
    assert more <= {"cloudpickle", "joblib", "polars-runtime-32", "scipy", "threadpoolctl"}


def test_everything_that_is_brought_has_a_permissive_license(installed):
    strange = {}
    for library in brought():
        unknown = [text for text in licenses(library) if text not in PERMISSIVE]
        if unknown or not licenses(library):
            strange[library] = unknown
    assert strange == {}


def licenses(library):
    """The licenses that the metadata of `library` name: an expression, classifiers or a text."""
    fields = importlib.metadata.metadata(library)
    if expression := fields.get("License-Expression"):
        words = re.split(r"\s+(?:AND|OR)\s+|[()]", expression)
        return [word.strip() for word in words if word.strip()]
    classifiers = [c for c in fields.get_all("Classifier", []) if c.startswith("License ::")]
    if classifiers:
        return [c.rpartition(" :: ")[2] for c in classifiers]
    return fields.get("License", "").splitlines()[:1]


def test_the_extras_are_documented():
    page = pathlib.Path(__file__).parents[1] / "docs/install.md"
    text = page.read_text()
    project = (page.parents[1] / "pyproject.toml").read_text()
    block = project.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    extras = re.findall(r"^(\w+) = ", block, re.MULTILINE)
    assert [extra for extra in extras if f"`{extra}`" not in text] == []


@pytest.mark.parametrize("command", cli.EXAMPLES)
def test_the_help_of_each_command_has_examples_that_are_understood(command):
    top = cli.parser()
    for line in cli.EXAMPLES[command]:
        words = shlex.split(line.rpartition("| ")[2])
        assert words[:2] == ["linewatch", command]
        top.parse_args(words[1:])


def test_no_command_is_without_an_example(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    named = re.findall(r"^    (\w+)(?: |$)", capsys.readouterr().out, flags=re.MULTILINE)
    assert sorted(named) == sorted(cli.EXAMPLES)
