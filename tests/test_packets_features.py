"""What a source did in a trailing window: the definition, the peers, every kind of table."""

# Messages stand here as they are printed, on one line.
# ruff: noqa: E501

import math
from collections import Counter

import numpy as np
import polars as pl
import pytest

from linewatch import packets

SECOND = 10**9
FLAGS = {
    "syn_ratio": (2, 0),
    "syn_without_ack_ratio": (2, 16),
    "ack_ratio": (16, 0),
    "fin_ratio": (1, 0),
    "rst_ratio": (4, 0),
    "psh_ratio": (8, 0),
    "urg_ratio": (32, 0),
}


BANDS = {"low": (0, 8), "mid": (8, 16), "high": (16, 33)}


def slow_spectrum(out, now, seen, window):
    """The spectrum of the bytes in the 64 bins that end with the present one."""
    width = window // 64
    bins = [now // width - r["time"] // width for r in seen]
    size = [r["length"] for r in seen]
    lately = [k < 64 for k in bins]
    signal = np.bincount(
        63 - np.array(bins)[lately], weights=np.array(size, float)[lately], minlength=64
    )
    power = 2 / 64 * np.abs(np.fft.rfft(signal - signal.mean())) ** 2
    power[0], power[32] = 0, power[32] / 2
    share = power[power > 1e-9 * power.max()] / power.sum() if power.sum() else np.ones(1)
    out["spectral_entropy"].append(-(share * np.log(share)).sum() / math.log(33))
    for name, (low, high) in BANDS.items():
        out[f"band_power_{name}"].append(power[low:high].sum() / 64)
    most = np.flatnonzero(power >= power.max() * (1 - 1e-9))[0]
    alone = np.count_nonzero(signal) < 2
    out["dominant_frequency_hz"].append(0 if alone else most / 64 / (width / SECOND))


def slow(table, window):
    """Every feature by its definition, row by row."""
    out = {name: [] for name in packets.FEATURES}
    rows = list(table.iter_rows(named=True))
    for i, row in enumerate(rows):
        key = row["source_address"]
        past = [r for r in rows[: i + 1] if r["source_address"] == key]
        seen = [r for r in past if row["time"] - window < r["time"] <= row["time"]]
        if key is None:
            for values in out.values():
                values.append(math.nan)
            continue
        lengths = np.array([r["length"] for r in seen], float)
        gaps = np.diff([r["time"] for r in seen]) / SECOND
        out["packet_count"].append(len(seen))
        out["byte_count"].append(lengths.sum())
        last = (row["time"] - past[-2]["time"]) / SECOND if len(past) > 1 else math.nan
        out["inter_arrival_s"].append(last)
        out["inter_arrival_mean_s"].append(gaps.mean() if len(gaps) else math.nan)
        out["inter_arrival_std_s"].append(gaps.std() if len(gaps) else math.nan)
        out["length_mean"].append(lengths.mean())
        out["length_std"].append(lengths.std())
        out["length_min"].append(lengths.min())
        out["length_max"].append(lengths.max())
        for name, (on, off) in FLAGS.items():
            flags = [r["tcp_flags"] or 0 for r in seen]
            out[name].append(np.mean([f & on == on and f & off == 0 for f in flags]))
        slow_spectrum(out, row["time"], seen, window)
        to = {r["destination_address"] for r in seen} - {None}
        out["destination_count"].append(len(to))
        for name in ("destination_port", "source_port"):
            counts = Counter(r[name] for r in seen if r[name] is not None)
            share = np.array(list(counts.values())) / max(counts.total(), 1)
            if name == "destination_port":
                out["destination_port_count"].append(len(counts))
            out[f"{name}_entropy"].append(-(share * np.log(share)).sum() if counts else 0.0)
    return {name: np.array(values, float) for name, values in out.items()}


def random_table(rng, n, n_keys=4, most_s=30):
    def maybe(values, share):
        return [None if gone else v for v, gone in zip(values.tolist(), rng.random(n) < share)]

    return pl.DataFrame(
        {
            "time": np.sort(rng.integers(0, most_s, n)) * SECOND,
            "source_address": maybe(np.array([f"10.0.0.{k}" for k in rng.integers(0, n_keys, n)]), 0.05),
            "length": rng.integers(40, 1500, n).astype(np.uint32),
            "tcp_flags": maybe(rng.integers(0, 64, n), 0.2),
            "destination_address": maybe(np.array([f"2001:db8:0:1::{k:x}" for k in rng.integers(0, 9, n)]), 0.1),
            "destination_port": maybe(rng.integers(0, 6, n), 0.1),
            "source_port": maybe(rng.integers(0, 70_000, n) % 65_536, 0.1),
        }
    )  # fmt: skip


def test_five_packets_by_hand():
    table = pl.DataFrame(
        {
            "time": [0, 1 * SECOND, 1 * SECOND, 5 * SECOND, 6 * SECOND],
            "source_address": ["a", "a", "b", "a", "a"],
            "length": [60, 100, 1500, 80, 90],
            "destination_port": [53, 53, 80, 443, 53],
        }
    )
    asked = ["packet_count", "byte_count", "inter_arrival_s", "destination_port_count"]
    found = packets.features(table, "5s", features=asked)
    assert found.to_dict(as_series=False) == {
        "packet_count_5s": [1, 2, 1, 2, 2],
        "byte_count_5s": [60, 160, 1500, 180, 170],
        "inter_arrival_s": [None, 1, None, 4, 1],
        "destination_port_count_5s": [1, 1, 1, 2, 2],
    }


def test_rows_with_the_same_time_are_counted_one_after_the_other():
    table = {"time": np.array([0, 1, 1, 1, 6, 6]) * SECOND, "source_address": [7] * 6}
    found = packets.features(table, "5s", features=["packet_count"])
    assert found["packet_count_5s"].tolist() == [1, 2, 3, 4, 1, 2]


@pytest.mark.parametrize("n", [0, 1, 2, 7, 150])
@pytest.mark.parametrize("window", [1, 5, 100])
def test_every_feature_is_its_definition(n, window, rng):
    table = random_table(rng, n)
    found = packets.features(table, f"{window}s")
    expected = slow(table, window * SECOND)
    for name in packets.FEATURES:
        title = name if name == "inter_arrival_s" else f"{name}_{window}s"
        got = found[title].to_numpy() if n else np.empty(0)
        rtol = 1e-9 if "power" in name or "spectral" in name else 1e-12
        np.testing.assert_allclose(got, expected[name], rtol=rtol, atol=1e-11, err_msg=name)


def test_a_beacon_has_one_frequency_and_a_burst_has_all():
    """One call every quarter of a second for ten seconds, beside bursts of a hundred packets."""
    beacon = np.arange(40) * SECOND // 4
    burst = 9 * SECOND + np.arange(100) * 1000
    table = pl.DataFrame(
        {
            "time": np.concatenate([beacon, burst]),
            "source_address": ["beacon"] * 40 + ["burst"] * 100,
            "length": 100,
        }
    ).sort("time", maintain_order=True)
    # A window of 8 s has bins of 1/8 s, so that the calls fill every other bin.
    asked = ["spectral_entropy", "dominant_frequency_hz", "band_power_low", "band_power_high"]
    found = packets.features(table, "8s", features=asked)
    found = found.with_columns(table["source_address"])
    ends = found.group_by("source_address", maintain_order=True).last()
    last = {row["source_address"]: row for row in ends.iter_rows(named=True)}
    assert last["beacon"]["spectral_entropy_8s"] == pytest.approx(0, abs=1e-9)
    assert last["beacon"]["dominant_frequency_hz_8s"] == 4
    assert last["beacon"]["band_power_high_8s"] == pytest.approx(50**2)
    assert last["beacon"]["band_power_low_8s"] == pytest.approx(0, abs=1e-9)
    # All in one bin: every frequency alike, so none dominates.
    assert last["burst"]["spectral_entropy_8s"] == pytest.approx(0.98984, abs=1e-5)
    assert last["burst"]["dominant_frequency_hz_8s"] == 0


def test_the_spectrum_is_that_of_the_spectral_functions(rng):
    """64 packets, one in each bin, of lengths that `linewatch.spectral` is given as well."""
    from linewatch import spectral

    lengths = rng.integers(60, 1500, 64)
    table = {
        "time": np.arange(64) * SECOND + 7,
        "source_address": np.zeros(64, np.uint32),
        "length": lengths,
    }
    asked = ["spectral_entropy", "dominant_frequency_hz", "band_power_mid"]
    found = packets.features(table, "64s", features=asked)
    of_window = spectral.entropy(lengths.astype(float))
    assert found["spectral_entropy_64s"][-1] == pytest.approx(of_window, rel=1e-12)
    of_window = spectral.dominant_frequency(lengths.astype(float))
    assert found["dominant_frequency_hz_64s"][-1] == pytest.approx(of_window, rel=1e-12)
    of_window = spectral.band_power(lengths.astype(float), [(0.125, 0.25)])[0]
    assert found["band_power_mid_64s"][-1] == pytest.approx(of_window, rel=1e-9)


def test_nothing_drifts_when_a_window_empties(rng):
    """A source with huge packets, then one packet an hour later: as if it were the first."""
    n = 10_000
    table = {
        "time": np.append(np.arange(n), 3600 * SECOND),
        "source_address": np.zeros(n + 1, np.uint32),
        "length": np.append(rng.integers(0, 2**32 - 1, n), 7).astype(np.uint32),
        "source_port": np.append(rng.integers(0, 65536, n), 1).astype(np.uint16),
    }
    asked = ["byte_count", "length_std", "length_max", "source_port_entropy"]
    found = packets.features(table, "5s", features=asked)
    assert [values[-1] for values in found.values()] == [7, 0, 7, 0]


def test_a_long_table_counts_as_a_short_one(rng):
    """Long enough for two stretches that take turns; a missing key ends that."""
    n = 300_000
    times = np.sort(rng.integers(0, 100 * SECOND, n))
    keys = rng.zipf(1.3, n) % 500
    table = {"time": times, "source_address": keys.astype(np.uint32)}
    found = packets.features(table, features=["packet_count"], n_jobs=1)["packet_count_5s"]
    expected = np.empty(n)
    for key in np.unique(keys):
        rows = np.flatnonzero(keys == key)
        gone = np.searchsorted(times[rows], times[rows] - 5 * SECOND, side="right")
        expected[rows] = np.arange(1, len(rows) + 1) - gone
    np.testing.assert_array_equal(found, expected)
    gaps = pl.DataFrame(table).with_columns(
        source_address=pl.when(pl.int_range(n) % 1000 > 0).then("source_address")
    )
    holed = packets.features(gaps, features=["packet_count"], n_jobs=1)["packet_count_5s"]
    assert holed.is_nan().sum() + holed.null_count() == n // 1000
    by_hand = pl.DataFrame(table).filter(pl.int_range(n) % 1000 > 0)
    rest = packets.features(by_hand, features=["packet_count"], n_jobs=2)["packet_count_5s"]
    assert holed.fill_nan(None).drop_nulls().equals(rest)


def test_threads_and_progress_change_nothing(rng):
    table = random_table(rng, 200_000, n_keys=300, most_s=600)
    one = packets.features(table, n_jobs=1)
    told = []
    assert packets.features(table, n_jobs=3, progress=told.append).equals(one)
    assert sum(told) == table.height * len(packets.FEATURES)


def test_keys_of_every_kind_make_the_same_sources(rng):
    table = random_table(rng, 400)
    text = table["source_address"]
    number = text.cast(pl.Categorical).to_physical()
    kinds = {
        "text": text,
        "category": text.cast(pl.Categorical),
        "dense": number,
        "hashed": (number.cast(pl.UInt64) * 1_000_003 + 2**40).cast(pl.UInt64),
        "u32": (number.cast(pl.UInt64) * 70_001 % 2**32).cast(pl.UInt32),
        "signed": number.cast(pl.Int64) * -5 - 1,
        "bytes": text.cast(pl.Binary),
        "long text": "a name of more than fifteen letters " + text,
        "float": number.cast(pl.Float64),
    }
    asked = ["packet_count", "destination_count"]
    expected = packets.features(table, features=asked)
    for name, kind in kinds.items():
        keyed = table.with_columns(kind.alias("source_address"))
        assert packets.features(keyed, features=asked).equals(expected), name
    pair = table.with_columns(other=pl.lit(1))
    found = packets.features(pair, features=asked, key=["source_address", "other"])
    assert found.equals(expected)


def test_rows_of_a_source_may_come_together(rng):
    table = random_table(rng, 500).with_row_index("row")
    sorted_ = table.sort("source_address", maintain_order=True)
    found = packets.features(table).with_columns(table["row"])
    apart = packets.features(sorted_).with_columns(sorted_["row"]).sort("row")
    assert apart.equals(found)


def test_the_table_comes_back_in_the_kind_it_came(rng):
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    nw = pytest.importorskip("narwhals", reason="narwhals is not installed")
    table = random_table(rng, 60)
    asked = ["packet_count", "inter_arrival_s", "syn_ratio", "destination_port_count"]
    expected = packets.features(table, features=asked)
    frame = pd.DataFrame(table.to_dict(as_series=False), index=np.arange(60) + 5)
    found = packets.features(frame, features=asked)
    assert isinstance(found, pd.DataFrame) and found.index.equals(frame.index)
    np.testing.assert_array_equal(found.to_numpy(), expected.to_numpy())
    found = packets.features(table.to_arrow(), features=asked)
    assert isinstance(found, pa.Table) and pl.DataFrame(found).equals(expected)
    found = packets.features(nw.from_native(table), features=asked)
    assert isinstance(found, nw.DataFrame) and found.to_native().equals(expected)
    found = packets.features(table.to_dict(as_series=False), features=asked)
    assert isinstance(found, dict)
    np.testing.assert_array_equal(np.array(list(found.values())).T, expected.to_numpy())


def test_columns_with_other_names_are_found(rng):
    table = random_table(rng, 30)
    renamed = table.rename({"time": "ts", "length": "bytes", "source_address": "sa"})
    asked = ["byte_count"]
    found = packets.features(
        renamed, features=asked, key="sa", columns={"time": "ts", "length": "bytes"}
    )
    assert found.equals(packets.features(table, features=asked))


def test_the_window_is_in_the_name():
    from datetime import timedelta

    table = {"time": [0], "source_address": [1]}
    for window, name in [
        ("10s", "packet_count_10s"),
        ("1.5s", "packet_count_1500ms"),
        (timedelta(minutes=2), "packet_count_2min"),
        ("7us", "packet_count_7us"),
        (np.timedelta64(7, "us"), "packet_count_7000ns"),
    ]:
        assert list(packets.features(table, window, features=["packet_count"])) == [name]


@pytest.mark.parametrize("peer", ["pandas", "polars"])
def test_the_five_second_count_is_the_peers(peer, rng):
    """Times that differ within a source, as the peers part ways on ties."""
    n = 20_000
    table = pl.DataFrame(
        {
            "time": np.sort(rng.choice(600 * 10**6, n, replace=False)) * 1000,
            "source_address": rng.zipf(1.3, n) % 500,
        }
    ).with_columns(pl.col("time").cast(pl.Datetime("ns")))
    ours = packets.features(table, features=["packet_count"])["packet_count_5s"]
    if peer == "pandas":
        pd = pytest.importorskip("pandas", reason="pandas is not installed")
        frame = pd.DataFrame({name: table[name].to_numpy() for name in table.columns})
        frame["one"] = 1.0
        counts = frame.set_index("time").groupby("source_address")["one"].rolling("5s").count()
        order = np.argsort(frame["source_address"], kind="stable")
        theirs = np.empty(n)
        theirs[order] = counts.to_numpy()
    else:
        theirs = table.with_columns(one=pl.lit(1)).select(
            pl.col("one").rolling_sum_by("time", window_size="5s").over("source_address")
        ).to_series()  # fmt: skip
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("change", "keywords", "error", "text"),
    [
        ({}, {"features": ["speed"]}, ValueError, f"features has 'speed'; known are {', '.join(packets.FEATURES)}"),
        ({}, {"features": []}, ValueError, "features names none; leave it out for all"),
        ({}, {"window": "5x"}, ValueError, 'window must be a span of time such as "5s", got \'5x\''),
        ({}, {"window": "0s"}, ValueError, "window must be longer than 0, got '0s'"),
        ({}, {"key": "cell"}, ValueError, 'column "cell" is missing; the table has "time", "source_address", "length" (say which features= you need, or name it with columns=)'),
        ({}, {"features": ["syn_ratio"]}, ValueError, 'column "tcp_flags" is missing; the table has "time", "source_address", "length" (say which features= you need, or name it with columns=)'),
        ({}, {"columns": {"size": "length"}}, ValueError, "columns names 'size'; known are time, length, tcp_flags, destination_address, destination_port, source_port"),
        ({"time": [3, 2, 1]}, {}, ValueError, "time must not decrease, but row 1 is earlier than row 0 (sort the rows by time first)"),
        ({"time": [0.5, 1, 2]}, {}, TypeError, 'column "time" has dtype float64; expected times or whole numbers (round to whole nanoseconds, or to whole numbers of your own unit)'),
        ({"length": ["a", "b", "c"]}, {}, TypeError, 'column "length" has dtype String; expected whole numbers'),
        ({"length": [1.5, 2, 3]}, {}, ValueError, 'column "length" must hold whole numbers, got 1.5 in row 0'),
        ({"length": [1, None, 3]}, {}, ValueError, 'column "length" is missing in row 1; every packet needs one'),
        ({"length": [1, -2, 3]}, {}, ValueError, 'column "length" must be from 0 to 2**32 - 2, got -2 in row 1'),
        ({}, {"features": ["spectral_entropy"], "window": "60ns"}, ValueError, "window must be 64 ns or longer for features of the spectrum, got 60 ns"),
        ({}, {"n_jobs": 0}, ValueError, "n_jobs must be a number of threads, or negative to count back from all cores (-1), got 0"),
    ],
)  # fmt: skip
def test_bad_input_is_named(change, keywords, error, text):
    table = {"time": [1, 2, 3], "source_address": [1, 1, 1], "length": [60, 60, 60]} | change
    with pytest.raises(error) as caught:
        packets.features(table, **({"features": ["byte_count"]} | keywords))
    assert str(caught.value) == text


def test_what_is_no_table_is_refused():
    for table, text in [
        (5, "table is of type int; expected a DataFrame, an Arrow table or a dict of columns"),
        (pl.LazyFrame(), "table is a Polars LazyFrame; expected data (try table.collect())"),
    ]:
        with pytest.raises(TypeError) as error:
            packets.features(table)
        assert str(error.value) == text


# --- simulated traffic -------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_packets():
    one = packets.simulate(n_flows=100, seed=5)
    assert one.equals(packets.simulate(n_flows=100, seed=5))
    assert not one.equals(packets.simulate(n_flows=100, seed=6))


def test_an_attack_more_changes_nothing_else():
    few = packets.simulate(n_flows=100, attacks=["flood"], seed=5)
    many = packets.simulate(n_flows=100, attacks=["flood", "beaconing"], seed=5)
    quiet = packets.simulate(n_flows=100, attacks=[], seed=5)
    assert not quiet["is_attack"].any()
    assert many.filter(many["attack"] == "flood").equals(few.filter(few["is_attack"]))
    ordinary = few.filter(~few["is_attack"])
    assert ordinary.equals(quiet)


def test_every_attack_is_planted_and_labelled_by_its_source():
    table = packets.simulate(seed=1)
    found = table.drop_nulls("attack").group_by("attack").agg(
        pl.col("source_address").n_unique(), pl.len(), pl.col("destination_port").n_unique()
    )  # fmt: skip
    rows = {row[0]: row[1:] for row in found.iter_rows()}
    assert set(rows) == set(packets.ATTACKS)
    assert rows["syn_scan"] == (1, 1000, 1000)
    assert rows["flood"][0] == 4 and rows["flood"][2] == 1
    assert {rows[name][0] for name in ("beaconing", "exfiltration", "low_and_slow")} == {1}
    assert table["time"].is_sorted()
    assert table["is_attack"].sum() == table["attack"].count()
    span = (table["time"][-1] - table["time"][0]).total_seconds()
    assert 590 < span <= 600


@pytest.mark.parametrize(
    ("keywords", "text"),
    [
        ({"attacks": ["worm"]}, "attacks has 'worm'; known are syn_scan, flood, beaconing, exfiltration, low_and_slow"),
        ({"n_flows": 0}, "n_flows must be a whole number from 1 on, got 0"),
        ({"n_hosts": 1}, "n_hosts must be a whole number from 2 on, got 1"),
        ({"n_hosts": 70_000}, "n_hosts must be at most 60,000, got 70000"),
        ({"intensity": 0}, "intensity must be above 0, got 0"),
        ({"seed": -1}, "seed must not be negative, got -1"),
        ({"duration": "soon"}, 'duration must be a span of time such as "5s", got \'soon\''),
        ({"backend": "spark"}, 'backend must be "polars", "pandas" or "pyarrow", got \'spark\''),
    ],
)  # fmt: skip
def test_a_simulation_out_of_range_is_refused(keywords, text):
    with pytest.raises(ValueError) as error:
        packets.simulate(**keywords)
    assert str(error.value) == text
