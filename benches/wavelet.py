"""Speed of the wavelet transforms and features beside their peers, against the goals we set.

    python benches/wavelet.py             # the table: about two minutes
    python benches/wavelet.py --quick     # small and few repeats: does it run?
    python benches/wavelet.py --json wavelet.json

linewatch and a peer take turns in one process, so that a busy moment of the machine meets both.
Answers must agree before they are timed. A figure is the median of the repeats, in nanoseconds per
sample: processor time on one thread, wall time where two threads are compared.

The peers are PyWavelets along an axis, in blocks that fit the cache, with scipy.fft and NumPy as
fast as we know to write it; the loop is what notebooks have: PyWavelets and scipy.signal window by
window.
"""

import argparse
import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pywt
import scipy.fft
import scipy.signal

from linewatch import wavelet

LEVEL = 4
BLOCK = 2048


@dataclass
class Row:
    """One case: our call, the peer's, and how many times faster we mean to be, if we said so."""

    case: str
    peer: str
    theirs: object
    ours: object
    samples: int
    goal: float | None
    tolerance: float = 1e-9
    wall: bool = False


# Peers -----------------------------------------------------------------------------------------


def energies(x):
    """Band energies of the rows of `x`."""
    bands = pywt.wavedec(x, "db4", level=LEVEL)
    return np.stack([np.einsum("ij,ij->i", c, c) for c in bands], axis=1)


def spectral_entropy(x):
    power = np.abs(scipy.fft.rfft(x - x.mean(axis=1, keepdims=True), axis=1)) ** 2
    power[:, 1:-1] *= 2
    power[:, 0] = 0
    share = power / power.sum(axis=1, keepdims=True)
    terms = share * np.log2(np.where(share > 0, share, 1))
    return -terms.sum(axis=1, keepdims=True) / np.log2(power.shape[1])


def twelve(x):
    energy = energies(x)
    share = energy / energy.sum(axis=1, keepdims=True)
    entropy = -(share * np.log(np.where(share > 0, share, 1))).sum(axis=1, keepdims=True)
    return np.hstack([energy, share, entropy, spectral_entropy(x)])


def in_blocks(function, x):
    return np.concatenate([function(x[i : i + BLOCK]) for i in range(0, len(x), BLOCK)])


def in_two_threads(function, x):
    """Blocks on two threads: PyWavelets and scipy.fft let others run meanwhile."""
    with ThreadPoolExecutor(2) as pool:
        blocks = [x[i : i + BLOCK] for i in range(0, len(x), BLOCK)]
        return np.concatenate(list(pool.map(function, blocks)))


def notebook(x):
    """The twelve features window by window."""
    rows = []
    for window in x:
        energy = np.array([np.sum(c**2) for c in pywt.wavedec(window, "db4", level=LEVEL)])
        share = energy / energy.sum()
        entropy = -np.sum(share * np.log(share))
        _, power = scipy.signal.periodogram(window)
        power = power[power > 0] / power.sum()
        spectral = -np.sum(power * np.log2(power)) / np.log2(129)
        rows.append([*energy, *share, entropy, spectral])
    return np.array(rows)


def entropy_of(window):
    level = min(LEVEL, pywt.dwt_max_level(len(window), 8))
    energy = np.array([np.sum(c**2) for c in pywt.wavedec(window, "db4", level=level)])
    share = energy / energy.sum()
    return -np.sum(share * np.log(share))


def bucketed(x, starts, lengths):
    """Wavelet entropy of ragged groups, those of one length together."""
    out = np.empty(len(starts))
    for length in np.unique(lengths):
        which = np.flatnonzero(lengths == length)
        level = min(LEVEL, pywt.dwt_max_level(length, 8))
        rows = x[starts[which][:, None] + np.arange(length)]
        bands = pywt.wavedec(rows, "db4", level=level)
        energy = np.stack([np.einsum("ij,ij->i", c, c) for c in bands], axis=1)
        share = energy / energy.sum(axis=1, keepdims=True)
        out[which] = -(share * np.log(np.where(share > 0, share, 1))).sum(axis=1)
    return out


# Rows ------------------------------------------------------------------------------------------


def table(found):
    return np.stack(list(found.values()), axis=-1)


def rows(quick):
    rng = np.random.default_rng(1)
    count = 2000 if quick else 16_000
    for dtype, goal in ((np.float64, 5), (np.float32, 8)):
        x = rng.normal(size=(count, 256)).astype(dtype)
        name = np.dtype(dtype).name
        near = 1e-9 if dtype == np.float64 else 1e-4
        yield Row(
            f"band energies, {name}",
            "PyWavelets, blocks",
            lambda x=x: in_blocks(energies, x),
            lambda x=x: wavelet.band_energy(x, n_jobs=1),
            x.size,
            goal,
            near,
        )
    x = rng.normal(size=(count, 256))
    flat = x.ravel()
    few = x[: 200 if quick else 2000]
    for jobs in (1, 2):
        peer = in_blocks if jobs == 1 else in_two_threads
        text = "" if jobs == 1 else ", two threads"
        yield Row(
            "twelve features" + text,
            "PyWavelets + scipy.fft, blocks" + text,
            lambda peer=peer: peer(twelve, x),
            lambda jobs=jobs: table(wavelet.features(flat, 256, n_jobs=jobs)),
            x.size,
            3.7,
            wall=jobs == 2,
        )
    yield Row(
        "band energies, two threads",
        "PyWavelets, blocks, two threads",
        lambda: in_two_threads(energies, x),
        lambda: wavelet.band_energy(x, n_jobs=2),
        x.size,
        5,
        wall=True,
    )
    yield Row(
        "twelve features",
        "loop of a notebook",
        lambda: notebook(few),
        lambda: table(wavelet.features(few.ravel(), 256, n_jobs=1)),
        few.size,
        200,
    )
    yield Row(
        "spectral entropy",
        "scipy.fft, blocks",
        lambda: in_blocks(spectral_entropy, x)[:, 0],
        lambda: wavelet.spectral_entropy(x, n_jobs=1),
        x.size,
        3,
    )
    long = rng.normal(size=100_000 if quick else 400_000)
    view = np.lib.stride_tricks.sliding_window_view(long, 256)[::16]
    yield Row(
        "band energies, hop 16",
        "PyWavelets, blocks",
        lambda: in_blocks(energies, view),
        lambda: table(wavelet.features(long, 256, 16, features=["band_energy"], n_jobs=1)),
        view.size,
        10,
    )
    yield from ragged(rng, 400 if quick else 4000)
    yield from whole(rng, long, quick)


def ragged(rng, groups):
    lengths = rng.integers(50, 501, groups)
    starts = np.cumsum(lengths) - lengths
    x = rng.normal(size=lengths.sum())
    source = np.repeat(np.arange(groups), lengths)

    def ours():
        found = wavelet.features(x, groups=source, features=["wavelet_entropy"], n_jobs=1)
        return found["wavelet_entropy_symmetric"]

    yield Row(
        "wavelet entropy per source",
        "PyWavelets, by length",
        lambda: bucketed(x, starts, lengths),
        ours,
        x.size,
        13,
    )
    try:
        import pandas as pd
    except ImportError:
        return
    grouped = pd.Series(x).groupby(source)
    yield Row(
        "wavelet entropy per source",
        "pandas groupby.apply",
        lambda: grouped.apply(lambda s: entropy_of(s.to_numpy().copy())).to_numpy(),
        ours,
        x.size,
        75,
    )
    yield from expressions(x, source)


def expressions(x, source):
    """The same in Polars, where this build has the expressions."""
    import polars as pl

    import linewatch.polars  # noqa: F401, registers pl.Expr.lw

    frame = pl.DataFrame({"source": source, "x": x})
    try:
        one = pl.col("x").lw.wavelet_entropy()
    except ImportError:
        return
    call = pl.col("x").lw.wavelet_features(groups="source", features=["wavelet_entropy"])
    plain = pl.col("x").map_batches(
        lambda s: entropy_of(s.to_numpy().copy()), return_dtype=pl.Float64, returns_scalar=True
    )

    def aggregated(expression):
        return frame.group_by("source", maintain_order=True).agg(expression)["x"].to_numpy()

    def at_once():
        return frame.select(call).to_series().struct.field("wavelet_entropy_symmetric").to_numpy()

    for name, ours in (("group_by.agg", lambda: aggregated(one)), ("groups=", at_once)):
        yield Row(
            f"wavelet entropy per source, expression, {name}",
            "Polars group_by, PyWavelets",
            lambda: aggregated(plain),
            ours,
            x.size,
            None,
        )


def whole(rng, long, quick):
    """One long signal."""
    single = long.astype(np.float32)
    for x, name, near in ((long, "float64", 1e-9), (single, "float32", 1e-4)):
        yield Row(
            f"dwt, {name}",
            "PyWavelets",
            lambda x=x: pywt.dwt(x, "db4"),
            lambda x=x: wavelet.dwt(x, "db4"),
            x.size,
            4,
            near,
        )
        yield Row(
            f"wavedec, level 5, {name}",
            "PyWavelets",
            lambda x=x: pywt.wavedec(x, "db4", level=5),
            lambda x=x: wavelet.wavedec(x, "db4", level=5),
            x.size,
            4,
            near,
        )
    x = long[:40_000]
    bands = pywt.swt(x, "db4", level=5)
    yield Row(
        "swt, level 5",
        "PyWavelets",
        lambda: pywt.swt(x, "db4", level=5),
        lambda: wavelet.swt(x, "db4", level=5),
        x.size,
        6,
    )
    yield Row(
        "iswt, level 5",
        "PyWavelets",
        lambda: pywt.iswt(bands, "db4"),
        lambda: wavelet.iswt(bands, "db4"),
        x.size,
        9,
    )
    scales = np.geomspace(2, 256, 8 if quick else 64)
    for name in ("cmor1.5-1.0", "morl"):
        for dtype, near in ((np.float64, 1e-9), (np.float32, 1e-4)):
            y = x[: 5_000 if quick else 40_000].astype(dtype)
            yield Row(
                f"cwt, {len(scales)} scales, {name}, {np.dtype(dtype).name}",
                "PyWavelets, fft",
                lambda y=y, name=name: pywt.cwt(y, scales, name, method="fft")[0],
                lambda y=y, name=name: wavelet.cwt(y, scales, name, n_jobs=1)[0],
                y.size * len(scales),
                6,
                near,
            )


# Measuring -------------------------------------------------------------------------------------


def agree(row):
    theirs, ours = row.theirs(), row.ours()
    if isinstance(theirs, list | tuple):
        theirs, ours = (np.concatenate(list(map(np.ravel, found))) for found in (theirs, ours))
    scale = np.abs(theirs).max()
    worst = np.abs(ours - theirs).max() / scale
    if not worst <= row.tolerance:
        raise SystemExit(f"{row.case}: answers differ by {worst:.1e} of the largest")


def measure(row, budget):
    clock = time.perf_counter if row.wall else time.process_time
    times = ([], [])
    end = time.perf_counter() + budget
    while len(times[0]) < 3 or (time.perf_counter() < end and len(times[0]) < 50):
        for call, kept in zip((row.theirs, row.ours), times):
            start = clock()
            call()
            kept.append(clock() - start)
    return [statistics.median(kept) / row.samples * 1e9 for kept in times]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small and few")
    parser.add_argument("--budget", type=float, default=4.0, help="seconds for one row")
    parser.add_argument("--json", metavar="PATH", help="write the figures there too")
    arguments = parser.parse_args()
    budget = 0.5 if arguments.quick else arguments.budget
    print("| case | peer | peer, ns | ours, ns | ratio | goal | |")
    print("|---|---|---|---|---|---|---|")
    found = []
    for row in rows(arguments.quick):
        agree(row)
        theirs, ours = measure(row, budget)
        ratio = theirs / ours
        result, goal = "", ""
        if row.goal is not None:
            result, goal = "met" if ratio >= row.goal else "missed", f"{row.goal:g}"
        print(
            f"| {row.case} | {row.peer} | {theirs:.2f} | {ours:.2f} | {ratio:.1f} "
            f"| {goal} | {result} |",
            flush=True,
        )
        found.append(vars(row) | {"theirs": theirs, "ours": ours, "result": result})
    missed = sum(row["result"] == "missed" for row in found)
    print(f"\n{len(found)} rows, {missed} missed.")
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(found, file, indent=1)


if __name__ == "__main__":
    main()
