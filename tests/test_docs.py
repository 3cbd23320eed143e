"""The documentation: every example runs, every command is one, every public name is there.

A block that cannot run here stands below a comment `<!-- not run: REASON -->`; all of these are
listed below. `docs_inputs` has the files that examples read.
"""

import re
import shlex
from pathlib import Path

import docs_inputs
import pytest

import linewatch.pandas
from linewatch import cli

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("docs/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
HEADING = re.compile(r"^#+ (.+)$", re.M)
# Their examples need a cluster, a server, a wheel; other tests run the same.
ELSEWHERE = {
    "deployment.md": "tests/test_examples.py",
    "install.md": "tests/check_wheel.py",
    "spark.md": "tests/test_spark.py",
}
NOT_RUN = re.compile(r"<!-- not run: (.+?) -->\s*\Z")


def blocks(page):
    """Line, language, heading, text and the reason not to run it, of each fenced block."""
    text = page.read_text()
    for found in BLOCK.finditer(text):
        section = HEADING.findall(text, 0, found.start())[-1]
        reason = NOT_RUN.search(text, 0, found.start())
        line = text.count("\n", 0, found.start()) + 1
        yield line, found[1], section, found[2], reason and reason[1]


def smaller(text):
    for size, small in docs_inputs.SMALLER.items():
        text = text.replace(size, small)
    return text


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs")
    docs_inputs.write_files(folder)
    return folder


@pytest.fixture
def reader(inputs, tmp_path, monkeypatch):
    """A folder with the files that a reader would have, and no display."""
    for path in inputs.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    yield tmp_path
    linewatch.pandas.uninstall()


@pytest.mark.parametrize(
    "page", [p for p in PAGES if p.name not in ELSEWHERE], ids=lambda page: page.name
)
def test_the_examples_of_a_page_run_from_top_to_bottom(page, reader):
    namespace = {"__name__": "__main__"}
    for line, language, section, text, reason in blocks(page):
        if reason is None and language == "python":
            namespace.update(docs_inputs.names(page.name, section, text))
            # So that an error tells the line of the page.
            exec(compile("\n" * line + smaller(text), page, "exec"), namespace)
        elif reason is None and language in ("bash", "sh", "console"):
            for command in smaller(text).replace("\\\n", " ").splitlines():
                if wrong := _wrong(shlex.split(command.removeprefix("$ "), comments=True)):
                    pytest.fail(f"{page.name}:{line}: {command}: {wrong}")


def _wrong(words):
    """What is wrong with a command, if anything."""
    piped = "|" in words
    while "|" in words:
        words = words[words.index("|") + 1 :]
    if not words:
        return None
    if words[0] == "linewatch":
        if piped or words[1] in ("dashboard", "demo"):
            # One waits for input, one for a browser, and the demo has a test of its own.
            cli.parser().parse_args(words[1:])
        elif (code := cli.main([_matched(word) for word in words[1:]])) != 0:
            return f"exit code {code}"
    elif words[0] == "python" and words[1] != "-m" and not (ROOT / words[1]).exists():
        return "no such file"
    elif words[0] == "make":
        targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M)
        return None if words[1] in targets else "no such target"
    return None


def _matched(word):
    """A pattern as the shell would fill it in."""
    found = sorted(Path().glob(word)) if "*" in word else []
    return str(found[0]) if found else word


def test_every_name_of_the_migration_tables_is_there_on_both_sides():
    import bottleneck as bn
    import pandas as pd
    import pywt
    import sklearn.ensemble
    import sklearn.metrics
    import sklearn.model_selection
    import sklearn.neighbors
    import sklearn.neural_network

    import linewatch as lw

    names = {"bn": bn, "pywt": pywt, "sklearn": sklearn, "lw": lw}
    names["s"] = pd.Series([1.0, 2, 3, 4, 5])
    text = (ROOT / "docs" / "migration.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    for row in rows:
        for name in re.findall(r"`([^`]+)`", row.rsplit("|", 2)[0]):
            eval(name, names)  # an AttributeError names what is missing
    assert len(rows) > 40
    ours = re.findall(r"`lw\.wavelet\.(\w+)`", text)
    both = {name for name in lw.wavelet.__all__ if hasattr(pywt, name)}
    assert both <= set(ours)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_tests_and_files_that_a_page_names_are_there(page):
    named = re.findall(r"`((?:tests|benches|notebooks|src|python)/[\w./:]+)`", page.read_text())
    for name in named:
        path, _, test = name.partition("::")
        assert (ROOT / path).exists() or page.name.startswith("add_"), name
        assert not test or f"def {test}(" in (ROOT / path).read_text(), name


def test_few_examples_are_not_run_and_these_say_why():
    reasons = [
        f"{page.name}: {reason}"
        for page in PAGES
        for *_, reason in blocks(page)
        if reason is not None
    ]
    assert reasons == [
        "cdr_scenarios.md: a module of the library; the page on adding a scenario runs it",
        "iforest.md: shap is no dependency",
    ]
    assert all((ROOT / test).exists() for test in ELSEWHERE.values())
