"""What every test may ask for."""

import os

import numpy as np
import pytest
from hypothesis import settings

# No test depends on time: a slow machine is no failure.
examples = int(os.environ.get("LINEWATCH_EXAMPLES", "100"))
settings.register_profile(
    "linewatch", deadline=None, derandomize=examples == 100, max_examples=examples
)
settings.load_profile("linewatch")


@pytest.fixture
def rng():
    """Random numbers, the same in every run."""
    return np.random.default_rng(20261121)
