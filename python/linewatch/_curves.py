"""Curves over time: what no line crosses, and what no line shows."""

from datetime import timedelta

import numpy as np


def usual_distance(time):
    """The usual distance of successive times."""
    step = time.sort().diff()
    return step.filter(step > timedelta(0)).median() or timedelta(0)


def with_gaps(drawn, rows):
    """`drawn` by time with an empty row in each gap of `rows`, so that no line crosses it.

    A gap is a distance beyond one and a half of the usual ones; where more than a tenth of the
    distances are such, times are irregular and nothing is a gap.
    """
    import polars as pl

    time = rows["time"].sort()
    step = usual_distance(time)
    far = (time.diff() > 1.5 * step).fill_null(False)
    if not 0 < far.sum() <= 0.1 * len(time):
        return drawn
    empty = pl.DataFrame({"time": time.shift(1).filter(far) + 0.5 * step})
    return pl.concat([drawn, empty], how="diagonal").sort("time", maintain_order=True)


def alone(values):
    """Which values have no neighbor, so that no line shows them."""
    known = np.concatenate([[False], np.isfinite(values), [False]])
    return known[1:-1] & ~known[:-2] & ~known[2:]
