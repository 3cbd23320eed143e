"""A call into each domain, for tests of threads and processes: name -> function of `n_jobs`."""

import hashlib

import numpy as np

RNG = np.random.default_rng(5)
SERIES = RNG.normal(size=(30_000, 3))
ROWS = RNG.normal(size=(600, 4))
SITES = {
    "cell_id": [f"c{i}" for i in range(60)],
    "site_id": [f"s{i // 3}" for i in range(60)],
    "latitude": 45 + RNG.random(60) / 10,
    "longitude": 9 + RNG.random(60) / 10,
    "azimuth": RNG.random(60) * 360,
}


def rolling(n_jobs):
    from linewatch import rolling

    found = rolling.stats(SERIES, 50, ["mean", "std", "median", "max"], axis=0, n_jobs=n_jobs)
    ewm = rolling.ewm_std(SERIES, span=20, axis=0, n_jobs=n_jobs)
    sums = rolling.cusum(SERIES[:, 0], window=30, n_jobs=n_jobs)
    return [*found.values(), ewm, *(sums.values() if isinstance(sums, dict) else sums)]


def iforest(n_jobs):
    import linewatch as lw

    forest = lw.IsolationForest(n_estimators=20, random_state=0, n_jobs=n_jobs).fit(ROWS)
    extended = lw.IsolationForest(
        n_estimators=20, preset="extended", random_state=0, n_jobs=n_jobs
    ).fit(ROWS)
    return [forest.score_samples(ROWS), forest.explain(ROWS), extended.score_samples(ROWS)]


def neighbors(n_jobs):
    import linewatch as lw

    factors = lw.LocalOutlierFactor(8, n_jobs=n_jobs).fit(ROWS).negative_outlier_factor_
    knn = lw.KNNDetector(8, algorithm="kd_tree", n_jobs=n_jobs).fit(ROWS)
    return [factors, knn.score_samples(ROWS[::-1])]


def autoencoder(n_jobs):
    import linewatch as lw

    return [lw.AutoencoderDetector(epochs=2, random_state=0).fit(ROWS).score_samples(ROWS)]


def wavelet(n_jobs):
    from linewatch import wavelet

    x = SERIES[:4096, 0]
    made = wavelet.features(SERIES[:, 0], 128, 32, n_jobs=n_jobs)
    transform, _ = wavelet.cwt(x, np.arange(1, 20), "morl", n_jobs=n_jobs)
    return [*made.values(), transform, *wavelet.wavedec(x, "db4")]


def spectral(n_jobs):
    from linewatch import spectral

    windows = SERIES[:, 0].reshape(-1, 100)
    return [spectral.entropy(windows, n_jobs=n_jobs),
            spectral.band_power(windows, [(0, 0.2), (0.2, 0.5)], n_jobs=n_jobs),
            spectral.permutation_entropy(windows, n_jobs=n_jobs)]  # fmt: skip


def downsample(n_jobs):
    from linewatch import downsample

    return [downsample.indices(SERIES[:, 1], 300)]


def privacy(n_jobs):
    from linewatch import privacy

    addresses = np.arange(5000, dtype=np.uint32) * 811
    found = privacy.CryptoPan(bytes(range(32))).pseudonymize(addresses, n_jobs=n_jobs)
    return [found]


def streaming(n_jobs):
    from linewatch import streaming

    rules = {"mean": streaming.Rolling(9), "ewm": streaming.Ewm(span=5)}
    told = streaming.Stream(rules).update("k", np.arange(5000), SERIES[:5000, 0])
    return [values for name, values in told.items() if name.startswith(("mean", "ewm"))]


def facing(n_jobs):
    from linewatch import _core

    latitude, longitude = np.asarray(SITES["latitude"]), np.asarray(SITES["longitude"])
    site = np.arange(60) // 3
    places = (latitude, longitude, SITES["azimuth"], np.full(60, 5.0), site.astype(np.int64))
    cells = np.arange(60, dtype=np.uint32)
    return list(_core.facing_cells(*places, cells, half_width_deg=60.0, n_jobs=n_jobs))


def cdr(n_jobs):
    import pyarrow

    from linewatch import cdr

    made = cdr.generate(users=60, days=2, seed=3, n_jobs=n_jobs)
    table = pyarrow.RecordBatchReader.from_stream(made.calls()).read_all()
    return [column.combine_chunks().to_pylist() for column in table.columns[:6]]


# These run on NumPy and Arrow alone.
PLAIN = {
    f.__name__: f
    for f in (rolling, iforest, neighbors, autoencoder, wavelet, spectral, downsample, privacy,
              streaming, facing, cdr)
}  # fmt: skip


def kpi(n_jobs):
    from linewatch import kpi

    frame = kpi.simulate(2, 4, faults=[], quiet_weeks=1, seed=0, backend="pandas").kpis
    found = kpi.detect(frame, n_jobs=n_jobs)
    return [found.select_dtypes("number").to_numpy()]


def packets(n_jobs):
    from linewatch import packets

    table = packets.simulate(30, "20s", seed=0, backend="pandas")
    found = packets.features(table, "2s", n_jobs=n_jobs)
    return [found.select_dtypes("float").to_numpy()]


def flow(n_jobs):
    import tempfile
    from pathlib import Path

    from linewatch import flow

    made = flow.simulate(2000, "1h", n_customers=20, anomalies=[], backend="pandas")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flows.csv"
        flow.write_nfdump(made, path)
        read = flow.read_nfdump(path, n_jobs=n_jobs, backend="pandas")
    found = flow.anomalies(made, n_jobs=n_jobs)
    return [read.select_dtypes("number").to_numpy(), found.select_dtypes("number").to_numpy()]


# These run on Polars, whose threads do not survive a fork.
OF_POLARS = {f.__name__: f for f in (kpi, packets, flow)}
ALL = PLAIN | OF_POLARS


def digest(name, n_jobs=None):
    """What a call answers, bit by bit, as one text."""
    found = hashlib.sha256()
    for part in ALL[name](n_jobs):
        if isinstance(part, list):
            found.update(repr(part).encode())
        else:
            array = np.ascontiguousarray(part)
            if array.dtype == object:
                found.update(repr(array.tolist()).encode())
            else:
                found.update(array.tobytes())
    return found.hexdigest()


def digests(names, n_jobs=2):
    """Those of several calls."""
    return {name: digest(name, n_jobs) for name in names}
