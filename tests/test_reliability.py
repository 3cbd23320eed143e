"""The page of promises names tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reliability.md"


@pytest.mark.skipif(not PAGE.exists(), reason="the page is not part of an installed package")
def test_every_promise_names_tests_that_exist():
    rows = [
        line for line in PAGE.read_text().splitlines()
        if line.startswith("| ") and not line.startswith("| promise |")
    ]  # fmt: skip
    assert len(rows) > 25
    for row in rows:
        _, promise, tests, _ = row.split("|")
        named = re.findall(r"`([^`]+)`", tests)
        assert named, f"no test holds: {promise}"
        for name in named:
            assert (ROOT / name).exists(), f"{name}, which should hold: {promise}"
