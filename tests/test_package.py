"""The package as a whole: what `import linewatch` offers."""

import pathlib

import linewatch


def test_every_name_that_the_package_lists_is_there():
    assert [name for name in linewatch.__all__ if not hasattr(linewatch, name)] == []


def test_every_public_module_is_listed():
    folder = pathlib.Path(linewatch.__file__).parent
    modules = {path.stem for path in folder.glob("[!_]*.py")}
    modules |= {path.parent.name for path in folder.glob("[!_]*/__init__.py")}
    assert modules - {"interop"} <= set(linewatch.__all__)
