"""Requests that no memory holds, as `tests/test_sizes.py` makes them of each domain.

    python tests/sizes.py DOMAIN

With a limit on memory a refusal must come before anything is allocated: a kernel that asks the
system for too much is ended by it, and this process with it. Prints a line of JSON a case: its
name, the argument that the answer must name, the kind of the answer, and its text.
"""

import json
import sys
import warnings

import numpy as np

MEMORY = 3_000_000_000
HUGE = (10**12, 2**62, 2**63 - 1, 2**70)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 4))
x = RNG.normal(size=1000)
DAY = np.arange(1000) % 24


def seconds(n):
    return np.datetime64("2026-01-01", "ns") + np.arange(n) * np.timedelta64(1, "s")


def rolling():
    from linewatch import rolling

    for n in HUGE:
        for name in [
            "mean",
            "median",
            "std",
            "min",
            "count",
            "rank",
            "mad",
            "slope",
            "skew",
            "argmax",
            "nunique",
            "hampel",
        ]:
            statistic = getattr(rolling, name)
            yield f"{name} {n}", "window", lambda f=statistic, n=n: f(x, n, min_periods=1)
            yield f"{name} of a table {n}", "window", lambda f=statistic, n=n: f(X, n, axis=0)
        yield f"corr {n}", "window", lambda n=n: rolling.corr(x, x, n)
        yield f"stats {n}", "window", lambda n=n: rolling.stats(x, n, ["mean", "median"])
        yield f"center {n}", "window", lambda n=n: rolling.median(x, n, center=True, min_periods=1)
        yield f"span {n}", "window", lambda n=n: rolling.mean(x, f"{n}s", times=seconds(1000))
        yield f"step {n}", "step", lambda n=n: rolling.mean(x, 5, step=n)
        yield f"min_periods {n}", "min_periods", lambda n=n: rolling.mean(x, 5, min_periods=n)
        yield f"lag {n}", "lag", lambda n=n: rolling.autocorr(x, 5, lag=n)
        yield f"bins {n}", "bins", lambda n=n: rolling.entropy(x, 5, bins=n)
        yield f"ddof {n}", "ddof", lambda n=n: rolling.std(x, 5, ddof=n)
        keys = np.arange(1000) * min(n // 1000, 2**52)
        yield f"keys {n}", "keys", lambda k=keys: rolling.seasonal(x, window=3, keys=k)
        yield f"groups {n}", "groups", lambda k=keys: rolling.mean(x, 3, groups=k)
        yield f"seasonal {n}", "window", lambda n=n: rolling.seasonal(x, window=n, keys=DAY)
        yield f"cusum {n}", "window", lambda n=n: rolling.cusum(x, window=n)
        yield f"ewm span {n}", "span", lambda n=n: rolling.ewm_mean(x, span=n)
        yield (
            f"ewm periods {n}",
            "min_periods",
            lambda n=n: rolling.ewm_mean(x, span=3, min_periods=n),
        )
    endless = np.broadcast_to(1.0, 10**12)
    yield "mean of all", "", lambda: rolling.mean(endless, 5)
    yield "median of all", "", lambda: rolling.median(endless, 5)
    yield "stats of all", "", lambda: rolling.stats(endless, 5, ["mean", "std"])
    yield "ewm of all", "", lambda: rolling.ewm_mean(endless, span=5)
    yield "cusum of all", "", lambda: rolling.cusum(endless, mean=0, std=1)
    yield "columns of all", "", lambda: rolling.mean(np.broadcast_to(1.0, (10**6, 10**6)), 5)


def detectors():
    import linewatch as lw

    def fitted(make):
        return lambda: make().fit(X)

    lof = lw.LocalOutlierFactor(novelty=True).fit(X)
    for n in HUGE:
        for name in ("n_estimators", "max_samples", "max_features"):
            yield f"{name} {n}", name, fitted(lambda a=name, n=n: lw.IsolationForest(**{a: n}))
        extended = {"preset": "extended", "extension_level": n}
        yield f"level {n}", "extension_level", fitted(lambda e=extended: lw.IsolationForest(**e))
        yield f"LOF {n}", "n_neighbors", fitted(lambda n=n: lw.LocalOutlierFactor(n))
        yield f"KNN {n}", "n_neighbors", fitted(lambda n=n: lw.KNNDetector(n))
        yield f"leaf {n}", "leaf_size", fitted(lambda n=n: lw.KNNDetector(leaf_size=n))
        yield f"kneighbors {n}", "n_neighbors", lambda n=n: lof.kneighbors(X, n_neighbors=n)
        yield (
            f"hidden {n}",
            "hidden_layer_sizes",
            fitted(lambda n=n: lw.AutoencoderDetector(hidden_layer_sizes=(n, n))),
        )
        yield (
            f"batch {n}",
            "batch_size",
            fitted(lambda n=n: lw.AutoencoderDetector(batch_size=n, epochs=1)),
        )


def wavelet():
    from linewatch import spectral, wavelet

    packet = wavelet.WaveletPacket
    for n in (*HUGE, 60, 10**6):
        yield f"wavedec {n}", "level", lambda n=n: wavelet.wavedec(x, "db4", level=n)
        yield f"downcoef {n}", "level", lambda n=n: wavelet.downcoef("a", x, "db4", level=n)
        yield f"upcoef {n}", "level", lambda n=n: wavelet.upcoef("a", x, "db4", level=n)
        yield f"swt {n}", "level", lambda n=n: wavelet.swt(x[:512], "db4", level=n)
        yield f"modwt {n}", "level", lambda n=n: wavelet.modwt(x, "db4", level=n)
        yield f"packet {n}", "level", lambda n=n: packet(x, "db4", maxlevel=n).get_level(n)
        yield (
            f"leaves {n}",
            "maxlevel",
            lambda n=n: packet(x, "haar", maxlevel=n).get_leaf_nodes(True),
        )
        yield f"denoise {n}", "level", lambda n=n: wavelet.denoise(x, level=n)
        yield f"features {n}", "level", lambda n=n: wavelet.features(x, 100, 50, level=n)
        yield f"energy {n}", "level", lambda n=n: wavelet.band_energy(x, level=n)
        yield f"deviation {n}", "must", lambda n=n: wavelet.deviation(x, 50, mid=n)
        yield f"order {n}", "order", lambda n=n: spectral.permutation_entropy(x, order=n)
        yield f"wavefun {n}", "level", lambda n=n: wavelet.Wavelet("db4").wavefun(level=n)
        yield f"precision {n}", "level", lambda n=n: wavelet.cwt(x, [4], "morl", precision=n)
    for n in HUGE:
        yield f"scale {n}", "scales", lambda n=n: wavelet.cwt(x, [n], "morl")
        yield f"window {n}", "window", lambda n=n: wavelet.features(x, n)
        yield f"hop {n}", "hop", lambda n=n: wavelet.features(x, 100, n, level=2)
        yield f"delay {n}", "delay", lambda n=n: spectral.permutation_entropy(x, delay=n)
        yield (
            f"length {n}",
            "length",
            lambda n=n: wavelet.ContinuousWavelet("morl").wavefun(length=n),
        )
    yield "a million scales", "scales", lambda: wavelet.cwt(x, np.arange(1, 1_000_001), "morl")
    yield "endless scale", "scales", lambda: wavelet.cwt(x, [np.inf], "morl")


def downsample():
    from linewatch import downsample

    for n in HUGE:
        yield f"points {n}", "n_out", lambda n=n: downsample.indices(x, n)


def simulators():
    from linewatch import datasets, flow, intrusion, kpi, packets

    for n in HUGE:
        yield f"flows {n}", "n_flows", lambda n=n: flow.simulate(n)
        yield f"customers {n}", "n_customers", lambda n=n: flow.simulate(10, "1h", n_customers=n)
        yield f"packets {n}", "n_flows", lambda n=n: packets.simulate(n)
        yield f"hosts {n}", "n_hosts", lambda n=n: packets.simulate(5, "1s", n_hosts=n)
        yield f"attack {n}", "intensity", lambda n=n: packets.simulate(5, "1s", intensity=float(n))
        yield f"sites {n}", "n_sites", lambda n=n: kpi.simulate(n, 5)
        yield f"weeks {n}", "n_weeks", lambda n=n: kpi.simulate(2, n)
        yield f"cells {n}", "n_cells", lambda n=n: datasets.hourly_cells(n, 2)
        yield f"cell weeks {n}", "n_weeks", lambda n=n: datasets.hourly_cells(2, n)
        yield f"core {n}", "n_rows", lambda n=n: intrusion.simulate_core(n)
    yield "hundred years", "duration", lambda: packets.simulate(5, "36500d")


def tables():
    from linewatch import flow, kpi, packets

    frame = kpi.simulate(1, 5, faults=[], quiet_weeks=1, seed=0).kpis
    flows = flow.simulate(200, "1h", n_customers=5, anomalies=[])
    caught = packets.simulate(5, "5s", attacks=[], n_hosts=2)
    key = flows["sa"][0]
    for n in HUGE:
        yield f"window {n}", "window", lambda n=n: kpi.baseline(frame, window=n, min_periods=1)
        yield f"min_periods {n}", "min_periods", lambda n=n: kpi.baseline(frame, min_periods=n)
        yield f"duration {n}", "min_duration", lambda n=n: kpi.detect(frame, min_duration=n)
        yield f"persistence {n}", "persistence", lambda n=n: kpi.detect(frame, persistence=(n, n))
        yield f"merge {n}", "merge_gap", lambda n=n: kpi.detect(frame, merge_gap=f"{n}h")
        yield f"monitor {n}", "window", lambda n=n: kpi.Monitor(window=n)
        yield f"every {n}", "every", lambda n=n: flow.by_time(flows, every=f"{n}m")
        yield f"stretch {n}", "every", lambda n=n: flow.anomalies(flows, every=f"{n}m")
        yield f"top {n}", "top", lambda n=n: flow.peaks(flows, top=n)
        yield f"talkers {n}", "n", lambda n=n: flow.top_talkers(flows, n=n)
        yield f"drill {n}", "n", lambda n=n: flow.drill_down(flows, key, n=n)
        yield f"seconds {n}", "window", lambda n=n: packets.features(caught, f"{n}s")
        yield f"batch {n}", "batch_rows", lambda n=n: packets.scan_pcap("x.pcap", batch_rows=n)
        yield f"lines {n}", "batch_rows", lambda n=n: flow.scan_nfdump("x.csv", batch_rows=n)
        yield f"snap {n}", "snap_length", lambda n=n: packets.write_pcap(caught, "x", snap_length=n)
    yield "gaps", "fill_gaps", lambda: kpi.clean(frame, step="1us", fill_gaps=True)
    far = caught.with_columns(caught["time"].dt.offset_by("300d"))
    yield "1 ns over a year", "window", lambda: packets.features(caught.vstack(far), "1ns")


def streaming():
    from linewatch import streaming

    def begun(rule, **options):
        return lambda: streaming.Stream({"a": rule()}, **options).update("k", seconds(1), [1.0])

    for n in HUGE:
        yield f"count {n}", "window", begun(lambda n=n: streaming.Count(f"{n}s"))
        yield f"rolling {n}", "window", begun(lambda n=n: streaming.Rolling(n))
        yield f"seasonal {n}", "window", begun(lambda n=n: streaming.Seasonal(n))
        yield f"span {n}", "span", begun(lambda n=n: streaming.Ewm(span=n))
        yield f"cusum {n}", "window", begun(lambda n=n: streaming.Cusum(window=n))
        yield f"novelty {n}", "span", begun(lambda n=n: streaming.Novelty(span=n))
        yield f"warm up {n}", "warm_up", begun(lambda n=n: streaming.Novelty(warm_up=n))
        yield f"extremes {n}", "min_periods", begun(lambda n=n: streaming.Extremes(min_periods=n))
        yield f"lateness {n}", "lateness", begun(lambda: streaming.Count("3s"), lateness=f"{n}s")
        season = {"period": "36500d", "season": "1ns"}
        yield f"seasons {n}", "season", begun(lambda s=season: streaming.Seasonal(4, **s))


def cdr():
    from linewatch import cdr

    for n in (*HUGE, 10**9):
        yield f"users {n}", "users", lambda n=n: cdr.generate(users=n, days=1)
        yield f"days {n}", "days", lambda n=n: cdr.generate(users=20, days=n)
        for name in ("towers", "calls_per_user_day", "other_places", "acquaintances"):
            fields = {"users": 20, "days": 1, name: n}
            yield f"{name} {n}", name, lambda f=fields: cdr.generate(**f)
        for name, table in (
            ("sms_per_user_day", "sms"),
            ("data_sessions_per_user_day", "data_sessions"),
        ):
            fields = {"users": 20, "days": 1, name: n, "tables": (table,)}
            yield f"{name} {n}", name, lambda f=fields: cdr.generate(**f)
        yield (
            f"batch {n}",
            "batch_size",
            lambda n=n: list(cdr.generate(users=20, days=1).calls(batch_size=n)),
        )


def others():
    import pandas as pd

    from linewatch import privacy, threshold

    frame = pd.DataFrame({"a": [1, 2]})
    for n in HUGE:
        yield (
            f"digits {n}",
            "digits",
            lambda n=n: privacy.pseudonymize(
                ["a"], privacy.Key(bytes(range(32))), purpose="x", digits=n
            ),
        )
        yield f"bits {n}", "v4", lambda n=n: privacy.truncate_address(["1.2.3.4"], v4=n)
        yield f"k {n}", "k", lambda n=n: privacy.privacy_report(frame, ["a"], k=n)
        yield (
            f"percentile {n}",
            "percentile",
            lambda n=n: threshold.calibrate_threshold(x, percentile=n),
        )
        yield (
            f"refractory {n}",
            "refractory",
            lambda n=n: threshold.first_alarms(x > 0, f"{n}h", times=seconds(1000)),
        )


DOMAINS = {
    function.__name__: function
    for function in (
        rolling,
        detectors,
        wavelet,
        downsample,
        simulators,
        tables,
        streaming,
        cdr,
        others,
    )
}


def main(domain):
    """Make the requests of a domain, one after the other."""
    from fuzz import limit_memory

    warnings.simplefilter("ignore")
    begun = False
    for name, argument, call in DOMAINS[domain]():
        if not begun:
            limit_memory(MEMORY)
            begun = True
        print(json.dumps([name]), flush=True)
        try:
            call()
            found = ["fine", ""]
        except BaseException as error:
            kinds = [k.__name__ for k in type(error).__mro__]
            found = [next((k for k in ALLOWED if k in kinds), kinds[0]), str(error)[:500]]
        print(json.dumps([name, argument, *found]), flush=True)


ALLOWED = ("ValueError", "TypeError", "MemoryError", "OverflowError")

if __name__ == "__main__":
    main(sys.argv[1])
