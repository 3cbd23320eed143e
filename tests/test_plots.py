"""Pictures: Axes in, Axes out."""

import numpy as np
import polars as pl
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


@pytest.fixture(scope="module")
def network():
    return kpi.simulate(n_sites=3, n_weeks=6, faults=["outage", "congestion"], seed=2)


@pytest.fixture(scope="module")
def long(network):
    parts = []
    for name in ("traffic_gb", "prb_percent"):
        scored = kpi.score(network.kpis, value=name, time="time", cell="cell_id")
        parts.append(
            scored.select("time", "baseline", "scale", cell="cell_id", kpi=pl.lit(name), value=name)
        )
    return pl.concat(parts)


def test_events_are_shaded_by_class(network, long):
    events = network.truth.select(
        "start", "end", cell="cell_id", kpi=pl.lit("traffic_gb"), **{"class": pl.lit("DROP_OUT")}
    )
    cell = network.truth["cell_id"][0]
    ax = plots.kpi_band(long, kpi="traffic_gb", which=cell, events=events, ax=Figure().subplots())
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert "DROP_OUT" in labels
    assert ax.get_ylabel() == "traffic (GB)"
    n_events = events.filter(pl.col("cell") == cell).height
    assert len(ax.patches) == n_events
    sides = events.drop("class").with_columns(direction=pl.lit(-1, dtype=pl.Int8))
    ax = plots.kpi_band(long, kpi="traffic_gb", which=cell, events=sides, ax=Figure().subplots())
    assert "decrease" in [text.get_text() for text in ax.get_legend().get_texts()]
    with pytest.raises(
        ValueError, match="the frame has 2 KPIs; say which one, such as 'traffic_gb'"
    ):
        plots.kpi_band(long, which=cell)
    with pytest.raises(
        ValueError, match='events needs a column "class" or "direction" to color by'
    ):
        plots.kpi_band(long, kpi="traffic_gb", which=cell, events=events.drop("class"))


def test_the_heat_map_has_a_row_for_each_cell_and_a_column_for_each_hour(network, long):
    ax = plots.kpi_heatmap(long, kpi="traffic_gb", top=5, ax=Figure().subplots())
    image = ax.get_images()[0].get_array()
    assert image.shape == (5, 6 * 168)
    assert abs(image).max() <= 6
    plain = plots.kpi_heatmap(network.kpis, value="traffic_gb", ax=Figure().subplots())
    assert plain.get_images()[0].get_array().shape == (9, 6 * 168)
    with pytest.raises(ValueError, match="top must be at least 1, got 0"):
        plots.kpi_heatmap(long, kpi="traffic_gb", top=0)


def test_the_calendar_shows_each_day_at_its_weekday(network, long):
    ax = plots.kpi_calendar(
        network.kpis, value="traffic_gb", which="S001-1", how="sum", ax=Figure().subplots()
    )
    grid = ax.collections[0].get_array().reshape(7, 6)
    rows = network.kpis.filter(pl.col("cell_id") == "S001-1")
    day = rows.filter(pl.col("time").dt.date() == pl.date(2026, 1, 14))  # a Wednesday
    assert grid[2, 1] == pytest.approx(day["traffic_gb"].sum())
    lost = plots.kpi_calendar(long, kpi="traffic_gb", how="lost", ax=Figure().subplots())
    assert lost.get_title(loc="left") == "traffic (GB), lost in a day"
    with pytest.raises(ValueError, match='how="lost" needs a frame with a baseline'):
        plots.kpi_calendar(network.kpis, value="traffic_gb", how="lost")
    with pytest.raises(ValueError, match="how must be mean, sum, max, min or lost, got 'median'"):
        plots.kpi_calendar(network.kpis, how="median")


def test_two_kpis_against_each_other_with_faults_in_color(network):
    labelled = network.labelled()
    ax = plots.kpi_scatter(
        labelled, "prb_percent", "throughput_mbit_per_s", anomaly="fault", ax=Figure().subplots()
    )
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("prb (%)", "throughput (Mbit/s)")
    assert sum(len(dots.get_offsets()) for dots in ax.collections) == labelled.height
    one = plots.kpi_scatter(
        labelled, "calls", "traffic_gb", which="S001-2", anomaly="is_fault", ax=Figure().subplots()
    )
    assert one.get_title(loc="left") == "S001-2"
    with pytest.raises(ValueError, match='column "prb" is missing; the table has'):
        plots.kpi_scatter(labelled, "prb", "calls")
    with pytest.raises(ValueError, match="cell 'X' is not in the frame"):
        plots.kpi_scatter(labelled, "calls", "traffic_gb", which="X")


def test_the_map_has_a_sector_for_each_cell_that_looks_its_way(network):
    lost = {"S001-1": 30.0, "S002-1": 10.0}
    ax = plots.kpi_map(network.sites, lost, marked=["S001-1"], ax=Figure().subplots())
    sectors = ax.collections[0]
    assert len(sectors.get_paths()) == 9
    assert list(sectors.get_linewidths()).count(2.0) == 1
    middle = sectors.get_paths()[0].vertices.mean(axis=0)
    place = sectors.get_paths()[0].vertices[-2]
    turn = np.degrees(np.arctan2(*(middle - place))) % 360
    assert abs((turn - network.sites["azimuth"][0] + 180) % 360 - 180) < 5
    names = {text.get_text(): text for text in ax.texts}
    assert set(names) == set(network.sites["site_id"])
    over = max(collection.get_zorder() for collection in ax.collections)
    assert all(text.get_fontsize() >= 9 and text.get_zorder() > over for text in ax.texts)
    with pytest.raises(ValueError, match='cell "X" is not among the 9 cells of sites'):
        plots.kpi_map(network.sites, marked=["X"])
    with pytest.raises(ValueError, match='"azimuth" must be from -360 to 360 degrees, got 400'):
        plots.kpi_map(network.sites.with_columns(azimuth=400))


def test_the_figure_of_a_cell_has_both_traffics_and_their_classes(network):
    parts = [
        network.kpis.select("time", cell="cell_id", kpi=pl.lit(name), value=name)
        for name in ("traffic_gb", "voice_erlang")
    ]
    hour = pl.col("time").dt.hour()
    kind = pl.when(hour == 3).then(pl.lit("INCREASE")).when(hour == 4).then(pl.lit("DEGRADATION"))
    classified = pl.concat(parts).with_columns(kind.otherwise(pl.lit("STABLE")).alias("class"))
    ax = plots.kpi_cell(classified, "S001-1", start="2026-02-01", end="2026-02-07 23:00")
    assert tuple(ax.figure.get_size_inches()) == (14, 6)
    assert len(ax.figure.axes) == 2
    assert [dots.get_offsets().shape[0] for dots in ax.collections] == [7, 7]
    colors = [dots.get_facecolor()[0].tolist() for dots in ax.collections]
    assert colors == [[1, 0, 0, 1], [0, 0.5019607843137255, 0, 1]]
    zoned = classified.with_columns(pl.col("time").dt.replace_time_zone("Asia/Tokyo"))
    again = plots.kpi_cell(zoned, "S001-1", start="2026-02-01", end="2026-02-07 23:00")
    assert [dots.get_offsets().shape[0] for dots in again.collections] == [7, 7]
    with pytest.raises(ValueError, match="start must be a local time without a zone, got 2026"):
        plots.kpi_cell(classified, "S001-1", start="2026-02-01 00:00+01:00")
    with pytest.raises(ValueError, match="cell 'X' is not in the frame"):
        plots.kpi_cell(classified, "X")
    with pytest.raises(ValueError, match='column "class" is missing; use the frame that kpi.clas'):
        plots.kpi_cell(classified.drop("class"), "S001-1")


def test_no_line_crosses_a_gap_and_a_single_value_is_a_point():
    hours = pl.datetime_range(pl.datetime(2026, 1, 5), pl.datetime(2026, 3, 1), "1h", eager=True)
    place = pl.int_range(pl.len())
    frame = pl.DataFrame({"time": hours, "users": 1.0}).with_columns(
        users=pl.when(place.is_between(1200, 1210) & (place != 1205)).then(None).otherwise("users")
    )
    frame = frame.filter(~pl.int_range(pl.len()).is_between(1000, 1099))
    ax = plots.kpi_band(kpi.score(frame))
    lines = {line.get_label(): line.get_xydata() for line in ax.lines}
    x = lines["value"][:, 0]
    broken = np.isnan(lines["value"][:, 1]) & np.isnan(lines["baseline"][:, 1])
    days = (x[broken] - x[0])[-1]
    assert 1000 / 24 > days > 999 / 24
    (points,) = (xy for label, xy in lines.items() if label.startswith("_") and len(xy) == 1)
    assert points[0, 1] == 1.0 and round((points[0, 0] - x[0]) * 24) == 1205


def test_one_row_is_drawn_at_its_hour():
    ax = plots.kpi_band(kpi.score(pl.DataFrame({"time": ["2026-01-05 10:00"], "users": [5.0]})))
    first, last = ax.get_xlim()
    assert round(24 * (last - first), 6) == 2
    assert any(len(line.get_xdata()) == 1 and line.get_marker() == "." for line in ax.lines)


def test_irregular_times_have_no_gaps(rng):
    minutes = np.cumsum(rng.exponential(10, 500)).astype("m8[m]")
    frame = pl.DataFrame({"time": np.datetime64("2026-01-05", "us") + minutes, "users": 1.0})
    assert plots.with_gaps(frame, frame) is frame


def test_a_map_without_cells_or_without_their_values_is_refused(network):
    with pytest.raises(ValueError, match="^sites has no rows$"):
        plots.kpi_map(network.sites.clear())
    with pytest.raises(ValueError, match='^no cell of values is among those of sites: "zz" there'):
        plots.kpi_map(network.sites, {"zz": 1.0})


def test_a_time_that_is_none_is_refused_by_name(network):
    classified = kpi.classify(network.kpis, kpis=["traffic_gb", "voice_erlang"])
    with pytest.raises(ValueError, match='^start must be a time such as "2026-01-31 14:00", got'):
        plots.kpi_cell(classified, network.kpis["cell_id"][0], start="x")


def test_the_title_of_a_calendar_of_few_weeks_is_within_the_picture(network):
    which = network.kpis["cell_id"][0]
    ax = plots.kpi_calendar(network.kpis, value="traffic_gb", which=which, how="max")
    ax.figure.canvas.draw()
    title = ax.figure.axes[0]._left_title.get_window_extent()
    assert title.x0 >= 0 and title.x1 <= ax.figure.bbox.x1 and title.y1 <= ax.figure.bbox.y1
