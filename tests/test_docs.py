"""The documentation: every example runs, every command is one, every public name is there.

A block that cannot run here stands below a comment `<!-- not run: REASON -->`; all of these are
listed below. `docs_inputs` has the files that examples read.
"""

import re
import shlex
from pathlib import Path

import docs_inputs
import pytest

from linewatch import cli

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("docs/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
HEADING = re.compile(r"^#+ (.+)$", re.M)
NOT_RUN = re.compile(r"<!-- not run: (.+?) -->\s*\Z")


def blocks(page):
    """Line, language, heading, text and the reason not to run it, of the fenced blocks of a page."""
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
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_of_a_page_run_from_top_to_bottom(page, reader):
    namespace = {"__name__": "__main__"}
    for line, language, section, text, reason in blocks(page):
        if reason is None and language == "python":
            namespace.update(docs_inputs.names(page.name, section))
            # So that an error tells the line of the page.
            exec(compile("\n" * line + smaller(text), page, "exec"), namespace)
        elif reason is None and language in ("bash", "sh", "console"):
            for command in smaller(text).replace("\\\n", " ").splitlines():
                if wrong := _wrong(shlex.split(command.removeprefix("$ "), comments=True)):
                    pytest.fail(f"{page.name}:{line}: {command}: {wrong}")


def _wrong(words):
    """What is wrong with a command, if anything."""
    if not words:
        return None
    if "linewatch" in words:  # a pipe may lead to it, an assignment stand before
        arguments = words[words.index("linewatch") + 1 :]
        arguments = arguments[: arguments.index("|")] if "|" in arguments else arguments
        if words[0] != "linewatch" or arguments[0] in ("dashboard", "demo"):
            cli.parser().parse_args(arguments)  # waits for input, for a browser; has its own test
        elif (code := cli.main([_matched(word) for word in arguments])) != 0:
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
