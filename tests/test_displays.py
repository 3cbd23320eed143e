"""Display classes: data in, a picture with its artists out."""

from datetime import datetime

import numpy as np
import polars as pl
import pytest

pytest.importorskip("matplotlib", reason='needs matplotlib: pip install "linewatch[plots]"')

from linewatch import IsolationForest, datasets, kpi, plots


@pytest.fixture(autouse=True)
def closed():
    yield
    from matplotlib import pyplot

    pyplot.close("all")


def test_scores_beyond_the_threshold_are_marked():
    display = plots.AnomalyScoreDisplay.from_predictions(
        [0.1, 0.9, 0.2, 0.8], threshold=0.8, y_true=[False, True, False, False]
    )
    np.testing.assert_array_equal(display.anomalies_.get_xdata(), [1, 3])
    assert display.threshold_line_.get_ydata()[0] == 0.8
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["score", "threshold 0.8", "anomalies (2)", "known (1)"]


def test_a_detector_brings_its_threshold():
    X = np.random.default_rng(0).normal(size=(300, 2))
    forest = IsolationForest(random_state=0, contamination=0.05).fit(X)
    display = plots.AnomalyScoreDisplay.from_estimator(forest, X)
    flagged = forest.predict(X) == -1
    np.testing.assert_array_equal(display.anomalies_.get_xdata(), np.flatnonzero(flagged))
    assert display.name == "IsolationForest"


def test_times_are_an_axis_of_times():
    hours = np.arange("2026-01-05", "2026-01-06", dtype="datetime64[h]")
    display = plots.AnomalyScoreDisplay.from_predictions(np.arange(24.0), x=hours)
    assert display.ax_.get_xlabel() == "time"
    assert display.anomalies_ is None


def test_a_week_is_averaged_by_hour():
    hours = np.arange("2026-01-05", "2026-01-26", dtype="datetime64[h]")
    value = np.arange(len(hours), dtype=float)
    value[0] = np.nan
    display = plots.HourWeekdayDisplay.from_values(hours, value)
    assert display.grid[0, 0] == (168 + 336) / 2
    assert display.grid[6, 23] == value[167::168].mean()
    assert plots.HourWeekdayDisplay.from_values(hours, value, statistic="count").grid[0, 0] == 2
    display.plot()
    assert display.ax_.get_yticklabels()[0].get_text() == "Mon"


def test_a_kpi_is_drawn_again_elsewhere():
    from matplotlib.figure import Figure

    cells = datasets.hourly_cells(n_cells=2, n_weeks=6, seed=1)
    scored = kpi.score(cells, value="traffic_mbit_per_s")
    display = plots.KpiDisplay(scored, which=scored["cell_id"][0])
    ax = Figure().subplots()
    assert display.plot(ax=ax).ax_ is ax
    assert display.plot().ax_ is not ax


def test_a_style_ends_with_its_block():
    from matplotlib import rcParams

    before = rcParams["axes.facecolor"]
    with plots.style("dark"):
        assert rcParams["axes.facecolor"] == "#15191e"
    assert rcParams["axes.facecolor"] == before


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: plots.AnomalyScoreDisplay([1.0, 2.0], x=[1]), ValueError,
         "x must have one entry for each of 2 scores, got shape \\(1,\\)"),
        (lambda: plots.AnomalyScoreDisplay.from_estimator(object(), [[1.0]]), TypeError,
         "object has no score_samples; fit a detector that scores new rows"),
        (lambda: plots.HourWeekdayDisplay(np.zeros((24, 7))), ValueError,
         "grid must have shape \\(7, 24\\), got \\(24, 7\\)"),
        (lambda: plots.HourWeekdayDisplay.from_values([1, 2], [1.0, 2.0]), TypeError,
         "time must hold dates and times, got Int64"),
        (lambda: plots.HourWeekdayDisplay.from_values([], [], statistic="mode"), ValueError,
         "statistic must be one of mean, median, sum, max, count, got 'mode'"),
        (lambda: plots.style("pink").__enter__(), ValueError,
         "name must be one of light, dark, got 'pink'"),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_hours_of_a_zone_are_those_of_its_clocks():
    times = pl.datetime_range(
        pl.datetime(2026, 7, 6), pl.datetime(2026, 7, 6, 23), "1h", time_zone="Europe/Rome",
        eager=True,
    )  # fmt: skip
    grid = plots.HourWeekdayDisplay.from_values(times, np.arange(24.0)).grid
    np.testing.assert_array_equal(grid[0], np.arange(24.0))
    assert np.isnan(grid[1:]).all()


def test_rows_without_a_time_are_left_out_and_lengths_must_agree():
    grid = plots.HourWeekdayDisplay.from_values([datetime(2026, 7, 6, 5), None], [1.0, 9.0]).grid
    assert np.nansum(grid) == grid[0, 5] == 1.0
    with pytest.raises(ValueError, match="^value has 1 values, but time has 2$"):
        plots.HourWeekdayDisplay.from_values([datetime(2026, 7, 6, 5)] * 2, [1.0])
