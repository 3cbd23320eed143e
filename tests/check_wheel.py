"""Check a wheel, and the source archive if it is given, before anyone installs them.

    python tests/check_wheel.py linewatch-*.whl [linewatch-*.tar.gz]

It looks at what is inside (our modules, their types, the licenses; nothing of others, no build
leftovers), at the tag (one wheel for Python 3.11 and later, for Linux of 2014 or later), at the
sizes, and, where they are installed, asks auditwheel, abi3audit, twine and check-wheel-contents.
It prints what it found and ends with 1 if something is wrong.
"""

import argparse
import email
import importlib.util
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parents[1]

# A wheel for an unknown Linux is refused by the index, a newer glibc leaves machines out.
GLIBC = (2, 28)
# Most of it is the crates of Polars, which are compiled quickly rather than small (Cargo.toml).
WHEEL_MB, INSTALLED_MB = 16, 72

LICENSES = {"LICENSE", "LICENSE-APACHE", "LICENSE-MIT"}
BASE = {"narwhals", "numpy", "polars", "scikit-learn"}
MODULE_SUFFIXES = {".py", ".pyi", ".so", ".pyd", ".typed"}
TOOLS = {
    "auditwheel": ["show"],
    "abi3audit": ["--strict"],
    "twine": ["check", "--strict"],
    # The extension and the Python files share one folder, as maturin lays them.
    "check_wheel_contents": ["--toplevel", "linewatch"],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("wheel", type=pathlib.Path)
    parser.add_argument("sdist", type=pathlib.Path, nargs="?")
    parser.add_argument("--any-linux", action="store_true", help="do not ask for an old glibc")
    arguments = parser.parse_args()
    faults = [
        *check_name(arguments.wheel, arguments.any_linux),
        *check_contents(arguments.wheel),
        *check_sizes(arguments.wheel),
    ]
    if arguments.sdist is not None:
        faults += check_sdist(arguments.sdist)
    faults += [fault for tool, options in TOOLS.items() for fault in ask(tool, options, arguments)]
    for fault in faults:
        print("WRONG:", fault)
    print("the wheel is as it should be" if not faults else f"{len(faults)} things are wrong")
    sys.exit(bool(faults))


def check_name(wheel, any_linux):
    """The tag: any Python from 3.11, and the Linux that it says it needs."""
    name, version, python, abi, platform = wheel.stem.split("-")
    print(f"{name} {version} for {python}, {abi}, {platform}")
    if (python, abi) != ("cp311", "abi3"):
        yield f"the tag is {python}-{abi}; expected cp311-abi3"
    glibc = [tuple(map(int, pair)) for pair in re.findall(r"manylinux_(\d+)_(\d+)", platform)]
    if "linux" in platform and not any_linux and "musllinux" not in platform:
        if not glibc:
            yield f"the tag {platform} names no glibc"
        elif min(glibc) > GLIBC:
            yield f"{platform} needs a newer glibc than {GLIBC[0]}.{GLIBC[1]}"


def check_contents(wheel):
    """All of ours and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
        metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
        fields = email.message_from_bytes(archive.read(metadata))
    info = metadata.partition("/")[0]
    ours = {name.removeprefix("linewatch/") for name in names if name.startswith("linewatch/")}
    other = {n for n in names if not n.startswith(("linewatch/", f"{info}/"))}
    if other:
        yield f"files outside linewatch: {sorted(other)}"
    sources = HERE / "python/linewatch"
    expected = {p.relative_to(sources).as_posix() for p in sources.rglob("*.py")}
    expected |= {p.relative_to(sources).as_posix() for p in sources.rglob("*.pyi")} | {"py.typed"}
    if expected - ours:
        yield f"not in the wheel: {sorted(expected - ours)}"
    strange = {name for name in ours - expected if not name.startswith("_core.")}
    if strange:
        yield f"in the wheel, but not in the sources: {sorted(strange)}"
    suffixes = {pathlib.PurePath(name).suffix for name in ours}
    if suffixes - MODULE_SUFFIXES:
        yield f"files of an unexpected kind: {sorted(suffixes - MODULE_SUFFIXES)}"
    if (
        len([name for name in ours if name.startswith("_core.") and name.endswith((".so", ".pyd"))])
        != 1
    ):
        yield "expected one extension module"
    licenses = {pathlib.PurePath(n).name for n in names if n.startswith(f"{info}/licenses/")}
    if not licenses >= LICENSES:
        yield f"licenses missing: {sorted(LICENSES - licenses)}"
    yield from check_metadata(fields)


def check_metadata(fields):
    required = [r for r in fields.get_all("Requires-Dist", []) if "extra ==" not in r]
    names = {re.match(r"[\w.-]+", requirement)[0].lower() for requirement in required}
    print("brings", ", ".join(sorted(required)))
    if names != BASE:
        yield f"an installation brings {sorted(names)}; expected {sorted(BASE)}"
    if fields["License-Expression"] != "MIT OR Apache-2.0":
        yield f"the license is {fields['License-Expression']!r}"
    if fields["Requires-Python"] != ">=3.11":
        yield f"it asks for Python {fields['Requires-Python']}"


def check_sizes(wheel):
    """Small enough to be fetched in a moment; the sizes of its largest files are printed."""
    packed = wheel.stat().st_size / 1e6
    with zipfile.ZipFile(wheel) as archive:
        files = sorted(archive.infolist(), key=lambda file: -file.file_size)
    unpacked = sum(file.file_size for file in files) / 1e6
    print(f"{packed:.1f} MB, unpacked {unpacked:.1f} MB in {len(files)} files; largest:")
    for file in files[:3]:
        print(f"  {file.file_size / 1e6:6.2f} MB  {file.filename}")
    if packed > WHEEL_MB or unpacked > INSTALLED_MB:
        yield f"larger than {WHEEL_MB} MB, or {INSTALLED_MB} MB unpacked"


def check_sdist(sdist):
    """What is needed to build, and no data or build leftovers."""
    with tarfile.open(sdist) as archive:
        names = [member.name.partition("/")[2] for member in archive if member.isfile()]
    print(f"{sdist.name}: {sdist.stat().st_size / 1e6:.2f} MB, {len(names)} files")
    needed = {"Cargo.toml", "Cargo.lock", "pyproject.toml", "README.md", "PKG-INFO", *LICENSES}
    if needed - set(names):
        yield f"not in the source archive: {sorted(needed - set(names))}"
    leftovers = [
        n for n in names if n.endswith((".so", ".pyd", ".pyc", ".parquet", ".csv", ".pcap"))
    ]
    if leftovers:
        yield f"in the source archive: {leftovers}"


def ask(tool, options, arguments):
    """What another tool says, if it is installed."""
    python = shutil.which("python", path=str(pathlib.Path(sys.executable).parent))
    if importlib.util.find_spec(tool) is None:
        print(f"({tool.replace('_', '-')} is not installed: not asked)")
        return
    if tool == "auditwheel" and ("linux_x86_64" not in arguments.wheel.name or arguments.any_linux):
        return
    files = [str(arguments.wheel)]
    if tool == "twine" and arguments.sdist is not None:
        files.append(str(arguments.sdist))
    run = subprocess.run(
        [python or sys.executable, "-m", tool, *options, *files], capture_output=True, text=True
    )
    text = " ".join((run.stdout + run.stderr).split())
    print(f"{tool.replace('_', '-')}: {text[:300]}")
    if run.returncode != 0:
        yield f"{tool} refuses it: {text}"


if __name__ == "__main__":
    main()
