"""Rules on the KPIs of cells, and how they make anomalies, alarms and events."""

import math
from datetime import datetime, timedelta

import kpi_reference as reference
import numpy as np
import polars as pl
import pytest

from linewatch import IsolationForest, kpi

MONDAY = datetime(2026, 1, 5)


def hours(n, start=MONDAY):
    return [start + timedelta(hours=i) for i in range(n)]


def long(x, b=0.0, s=1.0, name="rate", cell=""):
    """A frame as `kpi.baseline` gives it, with baselines of our own."""
    n = len(x)
    return pl.DataFrame(
        {
            "cell": [cell] * n,
            "kpi": [name] * n,
            "time": hours(n),
            "value": np.asarray(x, float),
            "baseline": np.broadcast_to(np.asarray(b, float), n),
            "scale": np.broadcast_to(np.asarray(s, float), n),
        }
    ).with_columns(pl.col("value", "baseline", "scale").fill_nan(None))


def levels(frame, rule, **options):
    found = kpi.detect(frame, rules={rule: options.pop("parameters", {})}, **options)
    return found["score"].fill_null(np.nan).to_numpy(), found


# --- rules -------------------------------------------------------------------------------------


def test_more_drops_are_worse_and_more_traffic_is_not():
    drops, traffic = (long([0.0, 9.0, -9.0], name=n) for n in ("drops", "traffic"))
    found = kpi.detect(pl.concat([drops, traffic]), rules=["z"])
    assert found["is_anomaly"].to_list() == [False, True, False, False, False, True]
    assert found["direction"].to_list() == [1, 1, 1, -1, -1, -1]
    both = kpi.detect(pl.concat([drops, traffic]), rules=["z"], direction="both")
    assert both["is_anomaly"].to_list() == [False, True, True] * 2
    turned = kpi.detect(drops, rules=["z"], polarity={"drops": "low"})
    assert turned["is_anomaly"].to_list() == [False, False, True]


def test_a_threshold_with_hysteresis_holds_between_its_levels():
    limits = {"on": {"rate": 95.0}, "off": {"rate": 97.0}, "of": "value"}
    found = kpi.detect(long([99, 96, 94, 96, None, 98, 96]), rules={"threshold": limits})
    assert found["is_anomaly"].to_list() == [False, False, True, True, False, False, False]


def test_a_value_outside_all_seen_is_measured_in_ranges():
    level, _ = levels(
        long([0, 10, 5, 12, 12.0]), "new_extreme", parameters={"warm_up": 3, "threshold": 0.1}
    )
    assert np.isnan(level[:3]).all()
    assert level[3:].tolist() == pytest.approx([2.0, 0.0])


def test_zero_or_missing_traffic_is_a_drop_out_where_some_is_expected():
    found = kpi.detect(long([20, 0, None, 0, 20], b=20, s=2), rules=["drop_out"])
    assert found["score"].to_list() == pytest.approx([0, 1 / 3, 2 / 3, 1, 0])
    assert found["rule"].to_list() == [None, None, None, "drop_out", None]


def test_a_night_of_zeros_is_no_flat_line_once_it_is_usual():
    day = [0.0] * 8 + list(range(1, 17))
    level, _ = levels(long(day * 12), "flat_run")
    assert np.nanmax(level) < 1
    stuck = day * 9 + [5.0] * 20
    level, found = levels(long(stuck), "flat_run")
    assert found["is_anomaly"].arg_max() == 9 * 24 + 15  # 16 rows: twice the longest night


def test_an_all_zero_kpi_raises_nothing():
    for method in kpi.METHODS:
        frame = pl.DataFrame({"time": hours(800), "drops": np.zeros(800)})
        rules = [r for r in kpi.RULES if r != "isolation_forest"]
        assert not kpi.detect(frame, rules=rules, method=method)["is_anomaly"].any()


PARAMETERS = {
    "z": {"threshold": 2.0},
    "threshold": {"on": 2.0, "off": 1.0, "of": "z"},
    "new_extreme": {"threshold": 0.1, "warm_up": 20},
    "ewma_error": {"threshold": 2.0, "span": 5, "scale_span": 50, "warm_up": 10},
    "flat_run": {"min_length": 3, "tolerance": 0.5, "warm_up": 30, "factor": 0.5},
    "drop_out": {"min_length": 2, "margin": 1.0},
    "level_shift": {"k": 0.5, "h": 3.0, "clip": 3.0, "cap": 1.25, "span": 30, "warm_up": 5},
    "drift": {"delta": 0.3, "threshold": 5.0, "clip": 3.0, "cap": 1.25, "span": 60, "warm_up": 5},
    "variance_shift": {"threshold": 1.2, "span": 8, "clip": 5.0, "warm_up": 10},
    "seasonal_break": {"threshold": 0.5, "span": 12, "warm_up": 10, "margin": 0.5},
}


def rough(rng, n=400):
    """Values, baselines and scales with gaps, zeros, repeats and jumps."""
    b = 10 + 5 * np.sin(np.arange(n) / 4)
    x = b + rng.normal(0, 1, n) + 3 * (np.arange(n) > 0.6 * n)
    x[rng.random(n) < 0.1] = 0
    x[rng.random(n) < 0.1] = np.nan
    again = rng.random(n) < 0.3
    x[1:][again[1:]] = x[:-1][again[1:]]
    s = rng.gamma(4, 0.25, n)
    s[rng.random(n) < 0.02] = 0
    x[-40:-30] = -60 - 10 * np.arange(10)
    x[-5:] = 200
    b[rng.random(n) < 0.05] = np.nan
    return x, b, s


@pytest.mark.parametrize("rule", PARAMETERS)
@pytest.mark.parametrize("polarity", ["high", "low", "both"])
def test_rules_match_their_definition(rule, polarity, rng):
    x, b, s = rough(rng)
    given = PARAMETERS[rule]
    level, found = levels(long(x, b, s), rule, parameters=given, polarity={"rate": polarity})
    expected = list(getattr(reference, rule)(x, b, s, polarity, **given))
    np.testing.assert_allclose(level, [q for q, _ in expected], rtol=1e-9, atol=1e-12)
    assert (np.nan_to_num(level) >= 1).any() and (np.nan_to_num(level) < 1).any()
    directions = [None if math.isnan(q) else d for q, d in expected]
    assert found["direction"].to_list() == directions


def test_a_robust_z_is_the_distance_from_the_median():
    x = np.tile([1.0, 2.0, 3.0, 2.0], 30)
    x[-1] = 12.0
    frame = pl.DataFrame({"time": hours(120), "rate": x})
    level, _ = levels(frame, "robust_z", method="rolling", window=24, floor=0)
    assert level[-1] == pytest.approx(10 / 1.4826 / 0.5 / 5)  # deviations: half are 0, half 1


def test_a_cell_is_compared_with_cells_of_its_kind(rng):
    """A festival lifts all cells; the one that does not follow is found."""
    n, parts = 24 * 21, []
    rhythm = 20 + 10 * np.sin(np.arange(n) / 24 * 2 * np.pi)
    for cell in range(10):
        x = rhythm + rng.normal(0, 1, n)
        x[-6:] += 40 * (cell != 3)
        parts.append(pl.DataFrame({"cell": f"c{cell}", "time": hours(n), "rate": x}))
    frame = pl.concat(parts)
    options = {"method": "time of day", "min_periods": 7}
    alone = kpi.detect(frame, rules=["z"], **options).filter("is_anomaly")["cell"].unique()
    assert set(alone) >= {f"c{i}" for i in range(10) if i != 3} and "c3" not in alone
    rules = {"peers": {"n_clusters": 1}}
    found = kpi.detect(frame, rules=rules, **options).filter("is_anomaly")
    assert found["cell"].unique().to_list() == ["c3"]
    assert found["direction"].unique().to_list() == [-1]


def test_an_isolation_forest_finds_what_moves_oddly_and_can_be_fitted_before(rng):
    x = 20 + rng.normal(0, 1, 24 * 30)
    x[600:606] += [9, -9, 9, -9, 9, -9]
    frame = pl.DataFrame({"time": hours(x.size), "rate": x})
    past = kpi.baseline(frame[:500], method="rolling")
    X = kpi.window_features(past)
    model = IsolationForest(contamination=0.01, random_state=0).fit(X[~np.isnan(X[:, 0])])
    for rule in ({"contamination": 0.01}, {"model": model}):
        found = kpi.detect(frame, rules={"isolation_forest": rule}, method="rolling")
        assert found["is_anomaly"][600:606].sum() >= 4
        assert found["is_anomaly"][:500].mean() < 0.05
    assert X.shape == (500, 6)


# --- the whole ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("combine", "persistence", "min_duration", "merge_gap", "refractory"),
    [
        ("any", (1, 1), 1, 0, 0),
        ("any", (6, 12), 1, 6, 0),
        ("any", (1, 1), 3, 6, 24),
        ("all", (2, 3), 1, 2, 10),
        (2, (1, 1), 2, 0, 5),
    ],
)
def test_anomalies_and_events_match_their_definition(
    combine, persistence, min_duration, merge_gap, refractory, rng
):
    x, b, s = rough(rng, 600)
    rules = {name: PARAMETERS[name] for name in ("level_shift", "z", "new_extreme")}
    found = kpi.detect(
        long(x, b, s),
        rules=rules,
        combine=combine,
        persistence=persistence,
        min_duration=min_duration,
        merge_gap=merge_gap and timedelta(hours=merge_gap),
        refractory=f"{refractory}h" if refractory else None,
    )
    each = {n: list(getattr(reference, n)(x, b, s, "both", **p)) for n, p in rules.items()}
    need = {"any": 1, "all": 3}.get(combine, combine)
    parts = [[q for q, _ in rows] for rows in each.values()]
    expected = reference.combined(parts, need, persistence, min_duration, merge_gap, refractory)
    np.testing.assert_allclose(
        found["score"].fill_null(np.nan).to_numpy(), [row[0] for row in expected], rtol=1e-9
    )
    assert found["is_anomaly"].to_list() == [row[1] for row in expected]
    assert found["event"].to_list() == [row[2] for row in expected]
    starts = found.filter("is_alarm")["event"].to_list()
    assert starts == list(range(1, len(starts) + 1)) and starts
    for name, rows in each.items():
        bit = 1 << list(kpi.RULES).index(name)
        fires = [q >= 1 for q, _ in rows]
        assert ((found["rules"].to_numpy() & bit) > 0).tolist() == fires
    strongest = [max(rules, key=lambda n: (each[n][i][0] >= 0, each[n][i][0])) for i in range(600)]
    raw = found["is_anomaly"] & (found["score"] >= 1).fill_null(False)
    assert raw.any()
    for i in np.flatnonzero(raw.to_numpy()):
        assert found["rule"][int(i)] == strongest[i]


def test_six_of_twelve_hours_make_a_persistent_degradation():
    x = [0.0] * 12 + [9.0, 0.0] * 6 + [0.0] * 12
    found = kpi.detect(long(x), rules=["z"], persistence=(6, 12))
    assert np.flatnonzero(found["is_anomaly"]).tolist() == [22, 23]
    assert found["rule"][23] == "z"


def test_a_later_value_changes_no_earlier_verdict(rng):
    x = 20 + rng.normal(0, 1, 900)
    frame = pl.DataFrame({"time": hours(900), "rate": x})
    rules = [r for r in kpi.RULES if r not in ("peers", "isolation_forest")]
    before = kpi.detect(frame, rules=rules, method="time of day")
    changed = frame.with_columns(rate=pl.when(pl.int_range(900) > 600).then(1e5).otherwise("rate"))
    after = kpi.detect(changed, rules=rules, method="time of day")
    assert after[:601].equals(before[:601])


def test_a_long_frame_and_the_frame_itself_give_the_same(rng):
    frame = pl.DataFrame(
        {
            "cell": ["a"] * 400 + ["b"] * 400,
            "time": hours(400) * 2,
            "traffic": rng.gamma(3, 5, 800),
            "drops": rng.gamma(3, 5, 800),
        }
    )
    options = {"method": "time of day"}
    direct = kpi.detect(frame, **options)
    assert kpi.detect(kpi.baseline(frame, **options)).equals(direct)
    pandas = pytest.importorskip("pandas")
    theirs = kpi.detect(frame.to_pandas(), **options)
    assert isinstance(theirs, pandas.DataFrame)
    assert theirs["is_anomaly"].tolist() == direct["is_anomaly"].to_list()
    assert kpi.events(theirs)["n_anomalies"].sum() == direct["is_anomaly"].sum()


def test_threads_do_not_matter(rng):
    x = rng.gamma(3, 5, 200_000)
    frame = pl.DataFrame({"cell": np.arange(200_000) // 400, "time": hours(400) * 500, "load_a": x})
    options = {"cell": "cell", "kpis": ["load_a"], "method": "time of day"}
    one, two = (kpi.detect(frame, n_jobs=n, **options) for n in (1, 2))
    assert one.equals(two)


def test_events_and_ranking_of_a_detected_frame():
    a = long([0, 8, 9, 0, 0, 0, 0, 0, 0, 0, 7], cell="a")
    b = long([0, 0, 0, 0, 0, 20, 0, 0, 0, 0, None], cell="b")
    found = kpi.detect(pl.concat([a, b]), rules=["z"])
    events = kpi.events(found)
    assert events.select("cell", "event", "n_anomalies", "score").rows() == [
        ("a", 1, 2, 9 / 5),
        ("a", 2, 1, 7 / 5),
        ("b", 1, 1, 20 / 5),
    ]
    assert events["excess"].to_list() == [17, 7, 20]
    ranked = kpi.rank(found)
    assert ranked["cell"].to_list() == ["b", "a"]
    assert ranked["n_missing"].to_list() == [1, 0]
    assert ranked["n_events"].to_list() == [1, 2]


NAMES = ", ".join(kpi.RULES)
BAD = [
    ({"rules": ["zz"]}, ValueError, f"there is no rule 'zz'; the rules are {NAMES}"),
    ({"rules": []}, ValueError, f"rules must name at least one of {NAMES}"),
    (
        {"rules": {"z": {"level": 3}}},
        ValueError,
        "rule z has no parameter 'level'; it has threshold",
    ),
    (
        {"rules": {"z": {"threshold": 0}}},
        ValueError,
        "threshold of rule z must be a number above 0, got 0",
    ),
    (
        {"rules": {"threshold": {"off": 5}}},
        ValueError,
        "off of rule threshold must not be above on (4.0), got 5",
    ),
    (
        {"rules": {"threshold": {"of": "value", "on": {"other": 1}}}},
        ValueError,
        'no rule applies to "rate"; name it in on and off of rule threshold',
    ),
    (
        {"rules": {"isolation_forest": {"model": 3}}},
        TypeError,
        "model of rule isolation_forest must be a fitted IsolationForest, got int",
    ),
    ({"combine": "some"}, ValueError, 'combine must be "any", "all" or a number of rules, got '),
    (
        {"combine": 3, "rules": ["z"]},
        ValueError,
        "combine must be at most the number of rules (1), got 3",
    ),
    (
        {"persistence": (3, 2)},
        ValueError,
        "persistence must be (k, n) with 1 <= k <= n <= 64, got (3, 2)",
    ),
    ({"persistence": 6}, TypeError, "persistence must be two whole numbers (k, n), got 6"),
    ({"min_duration": 0}, ValueError, "min_duration must be at least 1, got 0"),
    ({"merge_gap": "soon"}, ValueError, "merge_gap must be "),
    (
        {"polarity": {"users": "low"}},
        ValueError,
        'polarity names "users", but the KPIs are "rate"',
    ),
    (
        {"polarity": {"rate": "up"}},
        ValueError,
        "polarity of \"rate\" must be high, low or both, got 'up'",
    ),
    ({"direction": "down"}, ValueError, 'direction must be "worse" or "both", got \'down\''),
]


@pytest.mark.parametrize(("options", "kind", "message"), BAD)
def test_what_cannot_be_is_refused_by_name(options, kind, message):
    frame = pl.DataFrame({"time": hours(300), "rate": np.arange(300) % 7.0})
    with pytest.raises(kind) as error:
        kpi.detect(frame, method="time of day", **options)
    assert str(error.value).startswith(message)


def test_polarity_goes_by_the_words_of_a_name():
    high = ["call_drop_rate", "DropRate", "packets_lost", "RTT", "prb_utilization_percent"]
    assert {kpi.polarity(name) for name in high} == {"high"}
    low = ["TRAFIC_DATA", "throughput_mbit_per_s", "success_rate", "availability"]
    assert {kpi.polarity(name) for name in low} == {"low"}
    assert kpi.polarity("value") == "both"


@pytest.mark.parametrize("call", [kpi.baseline, kpi.detect, kpi.classify])
def test_a_least_scale_of_a_kpi_that_is_not_there_is_refused(call):
    times = [datetime(2026, 1, 5) + timedelta(hours=k) for k in range(5)]
    frame = pl.DataFrame({"time": times, "users": [1.0, 2, 3, 4, 5]})
    call(frame, min_scale={"users": 1.0})
    with pytest.raises(ValueError, match='^min_scale names "user", but the KPIs are "users"$'):
        call(frame, min_scale={"user": 1.0})


@pytest.mark.parametrize("name", ["merge_gap", "refractory"])
def test_a_number_of_rows_is_no_span_of_time(name):
    frame = pl.DataFrame({"time": [datetime(2026, 1, 5)], "users": [1.0]})
    with pytest.raises(TypeError, match=f'^{name} must be a span of time such as "5s", got 3$'):
        kpi.detect(frame, **{name: 3})


@pytest.mark.parametrize("window", [3, 5, 16, 17])
def test_a_value_beyond_a_history_without_deviation_is_infinitely_far_the_right_way(window):
    """The median deviation of counts that are mostly equal is 0, and never -0."""
    times = [datetime(2026, 1, 5) + timedelta(hours=k) for k in range(200)]
    drops = [[0.0, 0, 0, 0, 1, 0, 0, 0, 0, 2][k % 10] for k in range(199)] + [3.0]
    frame = pl.DataFrame({"time": times, "drops": drops})
    options = {"method": "rolling", "window": window, "floor": 0.0}
    scale = kpi.baseline(frame, statistic="median", **options)["scale"].drop_nulls().to_numpy()
    assert (scale == 0).any() and not np.signbit(scale).any()
    found = kpi.detect(frame, rules=["robust_z"], **options)
    told = kpi.Monitor(rules=["robust_z"], **options).update(frame).rows
    for answer in (found, told):
        assert answer["score"][-1] == np.inf and answer["is_anomaly"][-1]
    assert found["score"].equals(told["score"], null_equal=True)
    scored = kpi.score(
        frame, baseline="rolling", statistic="median", window=max(window, 5), floor=0.0
    )
    assert scored["score"][-1] == np.inf and scored["is_anomaly"][-1]
