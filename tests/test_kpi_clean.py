"""Tables of KPIs cleaned, with every repair counted."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from linewatch import kpi

START = datetime(2026, 1, 5)


def hours(n, start=START):
    return [start + timedelta(hours=i) for i in range(n)]


def series(**columns):
    n = len(next(iter(columns.values())))
    return pl.DataFrame({"time": hours(n), "cell": ["A"] * n} | columns)


def count(report, problem):
    return report.counts.filter(pl.col("problem") == problem)["n"].sum()


def test_a_clean_table_stays_as_it_is():
    frame = series(users=[1.0, 2, 3, 4, 5])
    cleaned, report = kpi.clean(frame)
    assert cleaned.equals(frame)
    assert report.counts.height == report.repairs.height == report.gaps.height == 0
    assert str(report) == "5 rows in, 5 rows out, one every 1:00:00; nothing to mend"


def test_unsorted_rows_are_sorted_and_counted():
    frame = series(users=[1.0, 2, 3, 4, 5])
    cleaned, report = kpi.clean(frame[[1, 0, 2, 4, 3]], late_after="2h")
    assert cleaned.equals(frame)
    assert count(report, "rows not in order of time") == 2
    assert count(report, "late row") == 0
    _, report = kpi.clean(frame[[1, 0, 4, 3, 2]], late_after="1h")
    assert count(report, "late row") == 1


def test_a_row_there_twice_goes_and_the_last_of_two_that_differ_stays():
    frame = series(users=[1.0, 2, 3, 4, 5])
    twice = pl.concat([frame, frame[1:2], frame[2:3].with_columns(users=pl.lit(30.0))])
    cleaned, report = kpi.clean(twice)
    assert cleaned["users"].to_list() == [1, 2, 30, 4, 5]
    assert count(report, "row there twice") == count(report, "rows of one time that differ") == 1
    assert kpi.clean(twice, duplicates="first")[0]["users"].to_list() == [1, 2, 3, 4, 5]
    with pytest.raises(ValueError, match='cell "A" has several rows at 2026-01-05 01:00'):
        kpi.clean(twice, duplicates="error")


def test_of_rows_of_one_time_the_one_received_last_counts():
    frame = series(users=[1.0, 2, 3, 4]).with_columns(got=pl.col("time") + timedelta(minutes=5))
    late = frame[1:2].with_columns(users=pl.lit(20.0), got=pl.lit(START + timedelta(hours=9)))
    cleaned, report = kpi.clean(pl.concat([late, frame]), received="got")
    assert cleaned["users"].to_list() == [1, 20, 3, 4]
    assert count(report, "late row") == 1
    dropped, report = kpi.clean(pl.concat([late, frame]), received="got", late="drop")
    assert dropped["users"].to_list() == [1, 2, 3, 4]
    assert report.repairs.select("row", "problem", "action").row(0) == (0, "late row", "dropped")


def test_gaps_are_listed_and_filled_if_asked():
    frame = series(users=np.arange(10.0)).filter(~pl.col("users").is_in([3.0, 4.0, 8.0]))
    cleaned, report = kpi.clean(frame)
    at = [START + timedelta(hours=h) for h in (3, 4, 8)]
    assert report.gaps.rows() == [("A", at[0], at[1], 2), ("A", at[2], at[2], 1)]
    assert cleaned.height == 7
    assert report.cells.row(0) == ("A", 7, START, START + timedelta(hours=9), 3, 0.7)
    filled, report = kpi.clean(frame, fill_gaps=True)
    assert filled["time"].to_list() == hours(10)
    assert filled["users"].to_list() == [0, 1, 2, None, None, 5, 6, 7, None, 9]
    assert count(report, "time in a gap") == 3


def test_impossible_values_become_missing_and_are_listed():
    frame = series(
        prb_percent=[50.0, 100.00001, 104, -3, np.inf, np.nan], rsrp_dbm=[-90.0] * 6, zero=[0.0] * 6
    )
    cleaned, report = kpi.clean(frame, ratios=["prb_percent"], nonnegative=["zero"])
    assert cleaned["prb_percent"].to_list() == [50, 100, None, None, None, None]
    assert cleaned["rsrp_dbm"].to_list() == [-90] * 6
    repairs = report.repairs.select("row", "column", "problem", "before", "after").rows()
    assert repairs == [
        (1, "prb_percent", "above the top by rounding", "100.00001", 100.0),
        (2, "prb_percent", "above the top of a ratio", "104.0", None),
        (3, "prb_percent", "negative value", "-3.0", None),
        (4, "prb_percent", "infinite value", "inf", None),
    ]
    assert count(report, "no value but zero") == 1


def test_a_ratio_may_have_another_top_and_a_count_is_never_negative():
    n = 100
    frame = series(
        availability=np.r_[np.ones(n - 1), 1.5],
        users=np.r_[np.ones(n - 1), -1],
        delta=np.r_[np.ones(n - 1), -1],
        sinr_db=-np.ones(n),
    )
    cleaned, report = kpi.clean(frame, ratios={"availability": 1})
    assert cleaned["availability"].null_count() == cleaned["users"].null_count() == 1
    assert cleaned["sinr_db"].null_count() == cleaned["delta"].null_count() == 0
    assert count(report, "negative value") == 1


def test_counters_become_increases_with_wraps_and_resets_told_apart():
    top = 2**32
    counts = [top - 300, top - 200, top - 100, 0, 100, 200, 300, 5, 105, 205]
    cleaned, report = kpi.clean(series(octets=counts), counters="octets")
    assert cleaned["octets"].to_list() == [None, *[100.0] * 6, None, 100.0, 100.0]
    assert count(report, "counter wrapped") == count(report, "counter reset") == 1
    wrapped = report.repairs.filter(pl.col("problem") == "counter wrapped").row(0, named=True)
    assert (wrapped["row"], wrapped["before"], wrapped["after"]) == (3, "0", 100.0)


@pytest.mark.parametrize("bits", [32, 64])
def test_random_counters_give_their_increases_back(bits, rng):
    for _ in range(20):
        rise = rng.integers(1, 1000, 300)
        total, counts, expected = (
            int(rng.integers(2**20, 2**bits - 40_000, dtype=np.uint64)),
            [],
            [],
        )
        for k, step in enumerate(rise.tolist()):
            is_reset = rng.random() < 0.01
            total = int(rng.integers(0, 50)) if is_reset else (total + step) % 2**bits
            counts.append(total)
            expected.append(None if is_reset or k == 0 else float(step))
        cleaned, report = kpi.clean(
            series(octets=pl.Series(counts, dtype=pl.UInt64)), counters="octets"
        )
        assert cleaned["octets"].to_list() == expected
        assert count(report, "counter reset") == sum(e is None for e in expected[1:])


@pytest.mark.parametrize("as_text", [False, True])
def test_a_counter_of_64_bits_wraps_exactly(as_text):
    top = 2**64
    counts = pl.Series([top - 20, top - 13, top - 6, 1, 8], dtype=pl.UInt64)
    if as_text:
        counts = counts.cast(pl.String)
    cleaned, _ = kpi.clean(series(octets=counts), counters="octets")
    assert cleaned["octets"].to_list() == [None, 7, 7, 7, 7]


def test_an_increase_over_a_gap_or_a_missing_value_is_not_known():
    frame = series(octets=[10, 20, 30, 40, 50, None, 70, 80])
    cleaned, report = kpi.clean(frame.filter(pl.int_range(8) != 2), counters="octets")
    assert cleaned["octets"].to_list() == [None, 10, None, 10, None, None, 10]
    assert count(report, "counter over a gap") == 1
    assert count(report, "counter after a missing value") == 1


def test_a_counter_of_floats_beyond_2_53_is_refused():
    frame = series(octets=[2.0**60, 2.0**60])
    with pytest.raises(TypeError, match=r'"octets" holds counts beyond 2\^53 as floats'):
        kpi.clean(frame, counters="octets")
    with pytest.raises(ValueError, match=r'column "octets" holds 1.5; a counter has whole numbers'):
        kpi.clean(series(octets=[1.5, 2]), counters="octets")


def test_counts_of_repairs_agree_with_the_list_of_them(rng):
    n = 400
    frame = pl.DataFrame(
        {
            "time": [START + timedelta(hours=int(h)) for h in rng.integers(0, 60, n)],
            "cell": [["A", "B", " B", "C", None][k] for k in rng.integers(0, 5, n)],
            "load_percent": rng.normal(90, 20, n),
            "users": rng.poisson(3, n).astype(float) - 0.01,
        }
    )
    cleaned, report = kpi.clean(frame, nonnegative=["users"])
    listed = report.repairs.group_by("problem").len()
    for problem, n_listed in listed.iter_rows():
        assert count(report, problem) == n_listed
    dropped = report.repairs.filter(pl.col("action").str.starts_with("dropped"))
    assert dropped["row"].n_unique() == dropped.height == frame.height - cleaned.height
    assert report.n_rows_in == n and report.n_rows_out == cleaned.height
    assert not cleaned.select(pl.struct("cell", "time").is_duplicated().any()).item()
    assert cleaned["load_percent"].max() <= 100 and cleaned["users"].min() >= 0
    again, second = kpi.clean(cleaned, step=report.step)
    assert again.equals(cleaned)
    assert set(second.counts["problem"]) <= {"gap"}


@pytest.mark.parametrize("backend", ["pandas", "pyarrow"])
def test_every_kind_of_frame_comes_back_as_itself(backend):
    frame = series(users=[1.0, 2, -3, 4, 5], note=["x", "y", "z", "v", "w"])
    expected, _ = kpi.clean(frame, cell="cell", nonnegative=["users"])
    native = frame.to_pandas() if backend == "pandas" else frame.to_arrow()
    cleaned, report = kpi.clean(native, cell="cell", nonnegative=["users"])
    assert type(cleaned) is type(report.gaps) is type(native)
    assert str(report).splitlines()[1].split() == [
        *("negative", "value", "users", "1", "set", "to", "missing")
    ]
    assert list(cleaned["note"]) == frame["note"].to_list() or backend == "pyarrow"
    np.testing.assert_array_equal(
        np.asarray(cleaned["users"], dtype=float), expected["users"].to_numpy()
    )


def test_other_columns_of_pandas_are_as_they_were():
    pd = pytest.importorskip("pandas")
    frame = series(users=[1.0, 2, 4, 5]).to_pandas().iloc[[1, 0, 2, 3]]
    frame["imsi"] = pd.array([2**60 + 1, None, 3, 4], dtype="Int64")
    frame["busy"] = pd.array([True, None, False, True], dtype="boolean")
    frame["note"] = pd.array(["x", None, "y", "z"], dtype="string")
    frame["vendor"] = pd.Categorical(["e", "n", "e", "n"], categories=["n", "e"])
    cleaned, _ = kpi.clean(frame, values=["users"])
    expected = frame.iloc[[1, 0, 2, 3]].reset_index(drop=True)
    others = ["imsi", "busy", "note", "vendor"]
    pd.testing.assert_frame_equal(cleaned[others], expected[others])
    filled, _ = kpi.clean(frame.drop(index=2), values=["users"], step="1h", fill_gaps=True)
    assert filled["imsi"].astype(object).to_list() == [pd.NA, 2**60 + 1, pd.NA, 4]
    assert filled.dtypes[others].equals(frame.dtypes[others])


def test_other_columns_of_pyarrow_are_as_they_were():
    pytest.importorskip("pyarrow")
    frame = series(users=[1.0, 2, 4], imsi=[2**60 + 1, None, 3], busy=[True, None, False])
    cleaned, _ = kpi.clean(frame.to_arrow(), values=["users"])
    assert cleaned["imsi"].to_pylist() == [2**60 + 1, None, 3]
    assert cleaned["busy"].to_pylist() == [True, None, False]


def test_a_cell_with_three_rows_is_kept_and_noted():
    frame = pl.concat(
        [series(users=np.ones(9)), series(users=np.ones(3)).with_columns(cell=pl.lit("B"))]
    )
    cleaned, report = kpi.clean(frame)
    assert cleaned.height == 12
    assert count(report, "cell with fewer than 4 rows") == 1


def test_the_hour_that_comes_twice_is_no_duplicate_and_the_one_skipped_no_gap():
    paris = "Europe/Paris"
    for day, n in ((datetime(2026, 10, 25), 25), (datetime(2026, 3, 29), 23)):
        zoned = pl.datetime_range(
            day, day + timedelta(days=1), "1h", time_zone=paris, eager=True, closed="left"
        )
        assert len(zoned) == n
        frame = pl.DataFrame(
            {"time": zoned.dt.replace_time_zone(None), "users": np.arange(float(n))}
        )
        cleaned, report = kpi.clean(frame, time_zone=paris)
        assert cleaned["time"].equals(zoned)
        assert report.gaps.height == 0 and report.repairs.height == 0
        clock, report = kpi.clean(frame, time_zone=paris, local=True)
        assert clock["time"].dtype.time_zone is None and clock["time"].n_unique() == clock.height
        assert count(report, "local time that comes twice") == (n == 25)
        naive, report = kpi.clean(frame)
        assert naive.height == 24 - (n == 23)
        assert report.gaps.height + report.repairs.height == 1


def test_a_local_time_that_clocks_skip_is_dropped_by_name():
    frame = pl.DataFrame({"time": hours(6, datetime(2026, 3, 29)), "users": np.ones(6)})
    cleaned, report = kpi.clean(frame, time_zone="Europe/Paris")
    assert cleaned.height == 5
    assert count(report, "local time that clocks skip") == 1
    assert report.repairs["row"].to_list() == [2]


def test_offsets_become_instants():
    texts = ["2026-01-05T00:00+02:00", "2026-01-04T23:00Z", "2026-01-05T02:00+02:00"]
    cleaned, _ = kpi.clean(pl.DataFrame({"time": texts, "users": [1.0, 2, 3]}))
    utc = [datetime(2026, 1, 4, h, tzinfo=UTC) for h in (22, 23)]
    assert cleaned["time"][:2].to_list() == utc
    assert cleaned["time"].dtype.time_zone == "UTC"


def test_seconds_since_1970_are_instants_whatever_they_are_written_in():
    for times in ([1769868000, 1769871600], ["1769868000", "1769871600"]):
        frame = pl.DataFrame({"time": times, "users": [1.0, 2]})
        cleaned, _ = kpi.clean(frame, time_zone="Africa/Casablanca")
        assert cleaned["time"].dt.hour().to_list() == [15, 16]


@pytest.mark.parametrize("kind", ["text", "objects"])
def test_times_with_and_without_a_zone_are_refused(kind):
    if kind == "text":
        frame = pl.DataFrame({"time": ["2026-01-05T00:00Z", "2026-01-05T01:00"], "users": [1.0, 2]})
    else:
        pd = pytest.importorskip("pandas")
        times = [START.replace(tzinfo=UTC), START]
        frame = pd.DataFrame({"time": pd.Series(times, dtype=object), "users": [1.0, 2]})
    message = (
        'column "time" mixes times with a time zone and times without one; give all of them one'
    )
    with pytest.raises(ValueError) as error:
        kpi.clean(frame)
    assert str(error.value) == message


def test_a_kpi_of_text_is_refused_or_counted():
    frame = series(users=["1", "2", "many", "4", "5"])
    with pytest.raises(ValueError, match="column \"users\" holds 'many'; expected a number"):
        kpi.clean(frame, cell="cell", values=["users"])
    cleaned, report = kpi.clean(frame, cell="cell", values=["users"], unreadable="missing")
    assert cleaned["users"].to_list() == [1, 2, None, 4, 5]
    assert report.repairs.select("row", "before").row(0) == (2, "many")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"duplicates": "mean"}, "duplicates must be last or first or error, got 'mean'"),
        ({"late": "maybe"}, "late must be keep or drop, got 'maybe'"),
        ({"unreadable": 0}, "unreadable must be error or missing, got 0"),
        (
            {"counters": "octets"},
            'column "octets" is missing; the table has "time", "cell", "users"',
        ),
        ({"received": "got"}, 'column "got" is missing; the table has "time", "cell", "users"'),
        ({"ratios": ["prb"]}, "ratios names \"prb\", which is not among the KPIs ['users']"),
        ({"ratios": {"users": 0}}, 'the top of the ratio "users" must be above 0, got 0'),
        (
            {"nonnegative": "prb"},
            "nonnegative names \"prb\", which is not among the KPIs ['users']",
        ),
        ({"time_zone": "Mars"}, "time zone 'Mars' is not known; write it as in Africa/Casablanca"),
        ({"step": "x"}, "step must be a span of time such as \"5s\", got 'x'"),
    ],
)
def test_options_of_clean_that_cannot_be_are_refused(options, message):
    with pytest.raises(ValueError) as error:
        kpi.clean(series(users=[1.0, 2]), **options)
    assert str(error.value) == message


def test_cells_that_are_taken_as_one_series_are_refused():
    times = [START + timedelta(hours=k % 10) for k in range(30)]
    frame = pl.DataFrame({"time": times, "users": [float(k) for k in range(30)]})
    with pytest.raises(ValueError) as error:
        kpi.clean(frame)
    assert str(error.value) == (
        "taken as one series, 20 of 30 rows have the time of another row and differ from it; name "
        "the column of cells: --cell (or cell=)"
    )
    assert len(kpi.clean(frame[:12])[0]) == 10


def test_frames_that_cannot_be_cleaned_are_refused():
    with pytest.raises(ValueError, match="the frame has no rows"):
        kpi.clean(series(users=[1.0]).clear())
    with pytest.raises(ValueError, match='"time" holds times of day without dates'):
        kpi.clean(pl.DataFrame({"time": ["9:45"], "users": [1.0]}))
    with pytest.raises(TypeError, match="expected a pandas, Polars or pyarrow frame"):
        kpi.clean([1, 2])
