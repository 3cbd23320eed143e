"""What the site adds to the pages: notebooks, help of the commands, a check of the reference.

A build fails (with warnings as errors) if a public name is missing from the reference.
"""

import argparse
import base64
import importlib
import inspect
import json
import shutil
from pathlib import Path

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

import linewatch

HERE = Path(__file__).parent
NOTEBOOKS = HERE.parent / "notebooks"

# The picture that stands for a notebook: its number among the notebook's pictures, from 0.
THUMBNAILS = {
    "cdr": 1,
    "flows": 0,
    "iforest": 0,
    "intrusion": 0,
    "kpi": 0,
    "packets": 0,
    "rolling": 0,
    "wavelet": 0,
}


def copy_notebooks(app):
    """Put the notebooks, as they are, where Sphinx reads them, each with a picture of it."""
    place = HERE / "notebooks"
    place.mkdir(exist_ok=True)
    for path in NOTEBOOKS.glob("*.ipynb"):
        target = place / path.name
        if not target.exists() or target.read_bytes() != path.read_bytes():
            shutil.copyfile(path, target)
        picture = list(pictures(json.loads(path.read_text())))[THUMBNAILS.get(path.stem, 0)]
        (place / f"{path.stem}.png").write_bytes(picture)


def pictures(notebook):
    """The PNGs that a notebook shows."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", {}):
                yield base64.b64decode(output["data"]["image/png"])


class CommandHelp(SphinxDirective):
    """``{command-help}``: every command with its help, one section each."""

    def run(self):
        from linewatch import cli

        def section(title, text):
            made = nodes.section(ids=[nodes.make_id(title)])
            made += nodes.title(text=title)
            made += nodes.literal_block(text, text, language="text")
            return made

        commands = next(
            action
            for action in cli.parser()._actions
            if isinstance(action, argparse._SubParsersAction)
        )
        return [
            section(f"linewatch {name}", parser.format_help())
            for name, parser in commands.choices.items()
        ]


def public_names():
    """Every public name of the package, with its module."""
    modules = [f"linewatch.{name}" for name in linewatch._submodules]
    modules += [f"linewatch.dashboards.{name}" for name in ("kpi", "traffic", "calls", "detector")]
    modules += ["linewatch.cdr.scenarios"]
    for name in modules:
        module = importlib.import_module(name)
        for attribute in getattr(module, "__all__", ()):
            yield name, attribute
    for name in linewatch._names:
        yield "linewatch", name


def check_reference(app, environment):
    """Warn of each public name that no page of the reference has."""
    there = set(environment.get_domain("py").objects)
    for module, name in public_names():
        value = getattr(importlib.import_module(module), name)
        places = {f"{module}.{name}", f"{getattr(value, '__module__', module)}.{name}"}
        if inspect.isclass(value) or inspect.isroutine(value):
            # The same function may be public in a second place, such as linewatch.IsolationForest.
            places |= {place for place in there if place.endswith(f".{value.__name__}")}
        if not places & there:
            logging.getLogger(__name__).warning("%s.%s is missing in the reference", module, name)


def setup(app):
    """Called by Sphinx."""
    app.connect("builder-inited", copy_notebooks)
    app.connect("env-check-consistency", check_reference)
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True}
