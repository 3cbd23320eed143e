"""What no memory holds is refused before it is asked for, by the name of its argument."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import sizes

pytest.importorskip("resource", reason="limits are those of Unix")


@pytest.mark.parametrize("domain", sizes.DOMAINS)
def test_a_size_beyond_memory_is_refused_by_name(domain):
    script = Path(__file__).with_name("sizes.py")
    done = subprocess.run(
        [sys.executable, str(script), domain], capture_output=True, text=True, timeout=400
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"{lines[-1:]} ended the process: {done.stderr[-2000:]}"
    answers = [line for line in lines if len(line) > 1]
    assert len(answers) > 3
    for name, argument, kind, text in answers:
        assert kind in ("fine", "ValueError", "TypeError", "MemoryError"), (name, kind, text)
        assert "bug in linewatch" not in text, (name, text)
        assert kind in ("fine", "MemoryError") or argument in text, (name, argument, text)
