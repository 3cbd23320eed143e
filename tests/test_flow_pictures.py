"""Pictures of flows: what they show, not how they look."""

import numpy as np
import polars as pl
import pytest

from linewatch import flow

pytest.importorskip("matplotlib", reason='pip install "linewatch[plots]"')
from linewatch.flow._treemap import squarified


@pytest.fixture(autouse=True)
def figures():
    from matplotlib import pyplot

    pyplot.switch_backend("Agg")
    yield
    pyplot.close("all")


@pytest.mark.parametrize("sizes", [[1], [5, 3, 1], [6, 6, 4, 3, 2, 2, 1], list(range(60, 0, -1))])
def test_rectangles_of_a_treemap_fill_the_area_in_proportion(sizes):
    boxes = np.array(squarified(sizes, 1.0, 2.0, 16.0, 9.0))
    area = boxes[:, 2] * boxes[:, 3]
    np.testing.assert_allclose(area, np.array(sizes) / sum(sizes) * 144)
    assert boxes[:, 0].min() == 1.0 and boxes[:, 1].min() == 2.0
    assert (boxes[:, 0] + boxes[:, 2]).max() == pytest.approx(17.0)
    assert (boxes[:, 1] + boxes[:, 3]).max() == pytest.approx(11.0)
    x, y, width, height = boxes.T
    for i in range(len(sizes)):
        wide = np.minimum(x[i] + width[i], x + width) - np.maximum(x[i], x)
        high = np.minimum(y[i] + height[i], y + height) - np.maximum(y[i], y)
        overlap = np.maximum(wide, 0) * np.maximum(high, 0)
        overlap[i] = 0
        assert overlap.max() < 1e-9


def test_the_published_example_of_squarified_rectangles():
    # Bruls et al. (2000), figure 4: areas 6 6 4 3 2 2 1 in a rectangle of 6 by 4.
    boxes = squarified([6, 6, 4, 3, 2, 2, 1], 0, 0, 6, 4)
    shapes = [(round(w, 2), round(h, 2)) for _, _, w, h in boxes]
    assert shapes[:4] == [(3.0, 2.0), (3.0, 2.0), (1.71, 2.33), (1.29, 2.33)]


def test_a_treemap_names_each_segment_with_its_count():
    segments = flow.ufm_segments(flow.simulate(n_flows=3_000, seed=1))
    counts = flow.segment_table(segments, ["value_level", "ufm_level"])
    ax = flow.treemap(counts)
    texts = {text.get_text().replace("\n", " ").replace("  ", " ") for text in ax.texts}
    for value, level, customers in counts.select("value_level", "ufm_level", "customers").rows():
        assert value in texts
        assert customers < 5 or f"{level} {customers}" in texts


def test_the_series_fall_to_zero_where_no_flow_began():
    times = pl.datetime_range(
        pl.datetime(2026, 1, 5, 9), pl.datetime(2026, 1, 5, 9, 4), "1m", eager=True
    )
    table = pl.DataFrame({"time": times.gather([0, 1, 4]), "total_bytes": [5, 7, 9]})
    line = flow.traffic_area(table).get_lines()[0]
    assert line.get_ydata().tolist() == [5, 7, 0, 9, 0]


def test_lists_and_series_are_drawn_whole():
    flows = flow.simulate(n_flows=500, seed=1)
    series = flow.by_time(flows, "hour")
    assert len(flow.traffic_area(series).figure.axes) == 2
    assert len(flow.bytes_in_out(series).figure.axes) == 2
    bars = flow.top_bars(flow.top_talkers(flows, 5))
    assert [bar.get_width() for bar in bars.patches] == flow.top_talkers(flows, 5)[
        "total_bytes"
    ].to_list()
    ax = flow.equal_frequency([1, 1, 1, 1, 2, 50], bins=3)
    assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(100)


def test_a_treemap_of_another_table_says_how_to_make_one():
    with pytest.raises(ValueError) as caught:
        flow.treemap(pl.DataFrame({"ufm_level": ["Potential Sales"], "customers": [3]}))
    assert str(caught.value) == (
        'column "value_level" is missing; the table has "ufm_level", "customers" (make it with '
        'flow.segment_table(segments, ["value_level", "ufm_level"]))'
    )
