"""What every test may ask for."""

import numpy as np
import pytest
from hypothesis import settings

# No test depends on time: a slow machine is no failure.
settings.register_profile("linewatch", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("linewatch")


@pytest.fixture
def rng():
    """Random numbers, the same in every run."""
    return np.random.default_rng(20261121)
