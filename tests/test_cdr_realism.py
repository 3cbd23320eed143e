"""Generated calls look like real ones by every statistic of the report, and others do not."""

import numpy as np
import polars as pl
import pytest

from linewatch import cdr
from linewatch.cdr.realism import BANDS


@pytest.mark.parametrize(("users", "seed"), [(1000, 1), (2500, 2)])
def test_every_statistic_is_inside_its_band_at_the_defaults(users, seed):
    table = cdr.generate(users=users, days=14, seed=seed).realism()
    outside = table.filter(~pl.col("is_inside").fill_null(False))
    assert outside.is_empty(), str(outside)
    assert table["statistic"].to_list() == list(BANDS)


def test_the_original_preset_lacks_the_mechanisms_that_the_bands_ask_for():
    table = cdr.generate(users=500, days=14, seed=1, preset="seed").realism()
    inside = dict(table.select("statistic", "is_inside").iter_rows())
    for statistic in ("duration_ks_log_normal", "calls_per_user_cv", "burstiness_deseasoned"):
        assert inside[statistic] is False
    assert inside["peak_hour_over_mean"] is True


def test_statistics_of_calls_that_can_be_counted_by_hand():
    # Twenty calls of a to b, an hour apart; five of them answered by calls of b to a.
    start = pl.datetime_range(
        pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 1, 19), "1h", eager=True
    )
    seconds = [60] * 20
    there = pl.DataFrame({"caller_id": "a", "callee_id": "b", "call_start_ts": start, "s": seconds})
    back = there.head(5).select(
        caller_id="callee_id", callee_id="caller_id", call_start_ts="call_start_ts", s="s"
    )
    calls = pl.concat([there, back]).select(
        "caller_id",
        "callee_id",
        "call_start_ts",
        call_duration="s",
        first_cell_id=pl.lit("c1"),
        last_cell_id=pl.lit("c1"),
        anomaly_type=pl.lit("normal"),
    )
    users = pl.DataFrame(
        {
            "user_id": ["a", "b", "c"],
            "home_cell_id": ["c1", "c2", "c2"],
            "call_pattern": ["social", "business", "social"],
        }
    )
    towers = pl.DataFrame(
        {"cell_id": ["c1", "c2"], "latitude": [0.0, 0.1], "longitude": [0.0, 0.0], "area_type": "x"}
    )
    table = cdr.realism(calls, users, towers)
    value = dict(table.select("statistic", "value").iter_rows())
    assert value["duration_mean_over_median"] == pytest.approx(1.0)
    assert value["duration_commonest_second_share"] == 1.0
    assert value["calls_per_user_cv"] == pytest.approx(np.std([20, 5, 0]) / np.mean([20, 5, 0]))
    assert value["top_contact_share"] == 1.0
    assert value["reciprocity_of_ties"] == 1.0
    assert value["share_02_to_05"] == pytest.approx(6 / 25)
    assert value["at_home_by_night"] == pytest.approx(7 / 12)
    assert value["gyration_radius_km"] == 0.0
    assert value["cell_load_cv"] == 1.0
    assert value["weekend_over_weekday"] is None


def test_calls_without_a_column_are_refused():
    data = cdr.generate(users=50, days=1)
    with pytest.raises(ValueError) as error:
        cdr.realism(data.calls().collect().drop("callee_id"), data.users, data.towers)
    assert str(error.value).startswith('column "callee_id" of calls is missing; it has "call_id"')
    anomalies = data.calls().collect().filter(pl.col("is_anomaly"))
    with pytest.raises(ValueError) as error:
        cdr.realism(anomalies, data.users, data.towers)
    assert str(error.value) == (
        "calls has no normal rows with a duration above 0; nothing to measure"
    )
