"""Pictures: Axes in, Axes out."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

import matplotlib as mpl
from matplotlib.figure import Figure

from linewatch import datasets, kpi, plots


@pytest.fixture(scope="module")
def scored():
    cells = datasets.hourly_cells(n_cells=3, n_weeks=6, n_degradations=4, seed=1)
    return kpi.score(cells, value="traffic_mbit_per_s")


def test_the_band_goes_around_the_baseline_and_anomalies_are_marked(scored):
    ax = Figure().subplots()
    worst = kpi.rank(scored)["cell"][0]
    options = {"value": "traffic_mbit_per_s", "label": "is_degraded"}
    assert plots.kpi_band(scored, which=worst, ax=ax, **options) is ax
    assert ax.get_ylabel() == "traffic (Mbit/s)"
    assert ax.get_title(loc="left") == worst
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert {"labelled", "value", "baseline", "baseline ± 6 scales"} < set(names)
    count = scored.filter(scored["cell_id"] == worst)["is_anomaly"].sum()
    marked = [line for line in ax.get_lines() if line.get_label().startswith("anomaly")]
    assert sum(len(line.get_xdata()) for line in marked) == count > 0


def test_nothing_is_set_for_other_pictures(scored):
    before = dict(mpl.rcParams)
    plots.kpi_band(scored, which="cell 1", value="traffic_mbit_per_s", ax=Figure().subplots())
    assert dict(mpl.rcParams) == before


def test_a_cell_must_be_named_and_there(scored):
    with pytest.raises(ValueError, match="has 3 cells; say which one, such as 'cell 1'"):
        plots.kpi_band(scored)
    with pytest.raises(ValueError, match="cell 'cell 9' is not in the frame"):
        plots.kpi_band(scored, which="cell 9")


def test_times_of_day_are_points_over_a_day(rng):
    import polars as pl

    hour = rng.integers(0, 24, 300)
    frame = pl.DataFrame({"Time": [f"{h}:00" for h in hour], "users": rng.normal(10, 1, 300)})
    ax = plots.kpi_band(kpi.score(frame), ax=Figure().subplots())
    assert ax.get_xlabel() == "time of day (h)"
    points = ax.get_lines()[0]
    assert points.get_linestyle() == "None"
    np.testing.assert_array_equal(np.sort(points.get_xdata()), np.sort(hour))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("traffic_mbit_per_s", "traffic (Mbit/s)"),
        ("prb_utilization_percent", "prb utilization (%)"),
        ("PRBUsageUL", "PRBUsageUL"),
    ],
)
def test_units_come_from_the_name(name, text):
    assert plots.unit_label(name) == text
