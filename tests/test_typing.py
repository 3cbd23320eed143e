"""The annotations: complete, true when the code runs, and of use to a type checker."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typing_user_code

import linewatch

FOLDER = Path(linewatch.__file__).parents[1]


@pytest.mark.parametrize("user_code", typing_user_code.RUN, ids=lambda each: each.__name__)
def test_answers_have_the_types_that_user_code_claims(user_code):
    user_code()


def test_a_checker_agrees_with_user_code_and_finds_its_mistakes():
    found = _pyright(str(Path(typing_user_code.__file__)))
    problems = [
        f"line {each['range']['start']['line'] + 1}: {each['message']}"
        for each in found["generalDiagnostics"]
    ]
    assert problems == []


def test_the_type_of_every_public_name_is_known():
    complete = _pyright("--verifytypes", "linewatch", "--ignoreexternal")["typeCompleteness"]
    unknown = [
        f"{symbol['name']}: {each['message']}"
        for symbol in complete["symbols"]
        if not symbol["isTypeKnown"] or symbol["isTypeAmbiguous"]
        for each in symbol["diagnostics"]
        if "docstring" not in each["message"]
    ]
    assert unknown == []
    assert complete["completenessScore"] == 1
    assert complete["exportedSymbolCounts"]["withKnownType"] > 900


def test_a_checker_sees_every_name_that_the_package_lists():
    tree = ast.parse(Path(linewatch.__file__).read_text())
    [block] = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {alias.asname for line in block.body for alias in line.names}
    assert seen == set(linewatch.__all__) - {"__version__"}


def test_annotations_import_nothing_when_the_package_is_imported():
    code = (
        "import sys, linewatch; print(*{'linewatch._typing', 'matplotlib', 'narwhals', 'pandas', "
        "'plotly', 'polars', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=_environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def _pyright(*arguments):
    """What pyright says; it looks for libraries where the first ``python`` of PATH does."""
    pytest.importorskip("pyright", reason='needs pyright: pip install "pyright[nodejs]"')
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", *arguments],
        env=_environment(),
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    return json.loads(done.stdout)


def _environment():
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    paths = os.pathsep.join([str(FOLDER), os.environ.get("PYTHONPATH", "")])
    return os.environ | {
        "PATH": path,
        "PYTHONPATH": paths.rstrip(os.pathsep),
        "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1",
    }
