"""Files damaged at random, as `tests/test_fuzz.py` and `tests/deep.sh` feed them to their readers.

    python tests/fuzz.py READER ROUNDS [SEED]

Valid files are changed by flipped bits, cuts, splices and lengths of any size, checksums mended so
that the damage gets past them. A reader may give an answer or raise `ValueError` or `OSError`. Any
other exception ends the run, and so do a crash, a hang, and more memory than two gigabytes beyond
what the process has at its beginning.
"""

import contextlib
import gzip
import io
import json
import random
import struct
import sys
import tempfile
import traceback
import warnings
import zlib
from pathlib import Path

import numpy as np

MEMORY = 2_000_000_000
NUMBERS = [
    0, 1, 2, 0x7F, 0x80, 0xFF, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1,
    2**64 - 1,
]  # fmt: skip
WORDS = [
    b"", b"0", b"-1", b"1e308", b"nan", b"NaN", b"inf", b"null", b"1" * 400, b'"', b"'", b",",
    b"\n", b"\r\n", b"[", b"]", b"{", b"}", b"[" * 3000, b"9223372036854775808", b"\xff\xfe",
    b"../../etc/passwd", b"\x00", b"=cmd|' /C calc'!A0", b"9999-12-31 23:59:59",
    b"0000-00-00 00:00:00", b"2026-02-30 25:61:61",
]  # fmt: skip


# --- damage ------------------------------------------------------------------------------------


def damaged(draw, data, others):
    """`data` with one to six faults; `others` lend pieces."""
    data = bytearray(data)
    for _ in range(draw.randint(1, 6)):
        at = draw.randrange(len(data) + 1)
        kind = draw.randrange(9)
        if kind == 0:
            del data[at:]
        elif kind == 1 and at < len(data):
            data[at] ^= 1 << draw.randrange(8)
        elif kind == 2 and at < len(data):
            data[at] = draw.choice([0, 255, draw.randrange(256)])
        elif kind == 3:
            width, order = draw.choice([2, 4, 8]), draw.choice(["little", "big"])
            data[at : at + width] = (draw.choice(NUMBERS) % 256**width).to_bytes(width, order)
        elif kind == 4:
            del data[at : at + draw.randrange(64)]
        elif kind == 5:
            other = draw.choice(others)
            start = draw.randrange(len(other) + 1)
            data[at:at] = other[start : start + draw.randrange(200)]
        elif kind == 6:
            data[at:at] = draw.choice(WORDS)
        elif kind == 7:
            data[at : at + draw.randrange(12)] = draw.choice(WORDS)
        else:
            data[at:at] = data[at : at + draw.randrange(100)] * draw.randrange(4)
    return bytes(data)


def resealed(data):
    """The bytes of a model with the length and the checksum that they should have."""
    if len(data) < 32:
        return data
    data = bytearray(data)
    data[16:24] = struct.pack("<Q", len(data))
    data[12:16] = struct.pack("<I", zlib.crc32(data[16:]))
    return bytes(data)


# --- readers: seeds, and what reads them -------------------------------------------------------


def captures(folder):
    from linewatch import packets

    table = packets.simulate(4, "4s", attacks=["syn_scan"], n_hosts=3, seed=1)[:40]
    packets.write_pcap(table, folder / "a.pcap")
    pcap = (folder / "a.pcap").read_bytes()
    blocks = b""
    at = 24
    while at < len(pcap):
        size = struct.unpack_from("<I", pcap, at + 8)[0]
        frame = pcap[at + 16 : at + 16 + size]
        body = struct.pack("<IIIII", 0, 5, at, size, size) + frame + b"\0" * (-size % 4)
        blocks += struct.pack("<II", 6, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
        at += 16 + size
    section = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    interface = struct.pack("<IIHHII", 1, 20, 1, 0, 65535, 20)
    pcapng = section + interface + blocks
    seeds = [pcap, pcapng, gzip.compress(pcap), gzip.compress(pcapng)]

    def read(data):
        found = packets.read_pcap(io.BytesIO(data))
        if len(found):
            packets.features(
                found.sort("time"), "1s", features=["packet_count", "spectral_entropy"]
            )

    return seeds, read


def flows(folder):
    import polars as pl
    import test_flow_read as layouts

    from linewatch import flow

    wide = f"{layouts.WIDE}\n" + f"{layouts.wide()}\n" * 3 + layouts.TRAILER
    narrow = f"{layouts.NARROW}\n" + (
        "2026-01-31 12:00:00.250,1.5,TCP,192.0.2.1,50000,2001:db8::1,443,10,4200,1\n" * 5
    )
    fast = f"{layouts.FAST}\n" + (
        "1,2,1769860800123,1769860801123,6,192.0.2.1,5,192.0.2.9,80,0,0,1,2,16,0,7,900\n" * 5
    )
    seeds = [text.encode() for text in (wide, narrow, fast)]
    try:
        from compression import zstd
    except ImportError:
        import pyarrow

        pack = pyarrow.Codec("zstd").compress
        seeds += [gzip.compress(seeds[0]), bytes(pack(seeds[0], asbytes=True))]
    else:
        seeds += [gzip.compress(seeds[0]), zstd.compress(seeds[0])]
    path = folder / "flows.csv"

    def read(data):
        path.write_bytes(data)
        found = flow.read_nfdump(path, on_bad_row="skip" if len(data) % 2 else "error")
        if found.height and {"dp", "pr"} <= set(found.columns):
            flow.classify_ports(found.select("dp", "pr", sp=pl.lit(0)), ["category"])

    return seeds, read


def _detectors():
    import pandas as pd

    import linewatch as lw
    from linewatch import intrusion

    X = np.random.default_rng(0).normal(size=(60, 3))
    frame = pd.DataFrame(X, columns=list("abc"))
    forest = lw.IsolationForest(n_estimators=3, max_samples=16, random_state=0)
    core = intrusion.simulate_core(300, seed=0, backend="pandas")
    intruders = intrusion.IntrusionDetector(n_estimators=3, n_reference=100, random_state=0)
    columns = [name for name in core.columns if name not in ("label", "attack")]
    yield forest.fit(frame), frame
    mixed = frame.assign(d=["x", "y", "z"] * 20)
    yield (
        lw.IsolationForest(
            n_estimators=3, categorical_features=["d"], preset="extended", random_state=0
        ).fit(mixed),
        mixed,
    )
    yield lw.AutoencoderDetector(epochs=1, random_state=0).fit(frame), frame
    yield lw.LocalOutlierFactor(5, novelty=True).fit(frame), frame
    yield lw.KNNDetector(5, algorithm="kd_tree").fit(frame), frame
    yield lw.ThresholdedDetector(forest, {"contamination": 0.1}).fit(frame), frame
    yield intruders.fit(core[columns], core["attack"]), core[columns]


def models(folder):
    import linewatch as lw

    seeds, frames = [], []
    path = folder / "model.lw"
    for detector, frame in _detectors():
        detector.save(path)
        seeds.append(path.read_bytes())
        frames.append(frame[:5])

    def read(data):
        path.write_bytes(data)
        detector = lw.load(path)
        for frame in frames:
            # A file made to deceive may hold a detector that answers with any error but a crash.
            with contextlib.suppress(ValueError, TypeError, KeyError, IndexError, AttributeError):
                detector.score_samples(frame)

    return seeds, read, resealed


def streams(folder):
    from linewatch import kpi, streaming

    rules = {
        "rolling": streaming.Rolling(5, ["mean", "max", "std"]),
        "time": streaming.Count("10s"),
        "ewm": streaming.Ewm(span=4),
        "season": streaming.Seasonal(2),
        "cusum": streaming.Cusum(mean=0.0, std=1.0),
        "hinkley": streaming.PageHinkley(0.1, 5.0),
        "novelty": streaming.Novelty(),
        "flat": streaming.FlatRun(),
        "hysteresis": streaming.Hysteresis(2.0, 1.0),
        "extremes": streaming.Extremes(),
    }
    times = np.datetime64("2026-01-01", "ns") + np.arange(40) * np.timedelta64(1, "s")
    values = np.random.default_rng(0).normal(size=40)
    seeds = []
    for lateness in (None, "5s"):
        stream = streaming.Stream(rules, lateness=lateness)
        stream.update(["a", "b"] * 20, times, values)
        seeds.append(stream.snapshot())
    monitor = kpi.Monitor()
    frame = kpi.simulate(1, 5, quiet_weeks=1, seed=0).kpis
    monitor.update(frame[: frame.height // 2])
    kinds = len(seeds)
    seeds.append(monitor.snapshot())

    def read(data):
        if data[:8] == seeds[kinds][:8]:
            again = kpi.Monitor.restore(data)
            with contextlib.suppress(ValueError, TypeError):
                again.update(frame[-5:])
        else:
            again = streaming.Stream.restore(data)
            with contextlib.suppress(ValueError, TypeError):
                again.update("a", times[-1:] + np.timedelta64(1, "s"), [0.5])
                again.flush()

    return seeds, read, resealed


def configs(folder):
    from linewatch import cdr

    path = folder / "config.toml"
    seeds = [cdr.Config(users=30).to_toml().encode(), b'preset = "seed"\nusers = 20\ndays = 2\n']

    def read(data):
        path.write_bytes(data)
        try:
            config = cdr.Config.from_toml(path)
        except TypeError as error:
            if str(error).startswith("Config has no field"):
                return  # as for an unknown keyword
            raise
        if config.users <= 1000 and config.days <= 3 and (config.towers or 0) <= 1000:
            cdr.generate(config=config)

    return seeds, read


def tables(folder):
    from linewatch import kpi
    from linewatch.cli import main

    frame = kpi.simulate(1, 5, quiet_weeks=1, seed=0).kpis[:400]
    text = frame.write_csv().encode()
    frame.write_parquet(folder / "a.parquet")
    days = b"cell;time;load\n" + b"".join(b"c;0%d.01.2026 10:00;1,5\n" % k for k in range(1, 9))
    seeds = [text[:3000], days, gzip.compress(text[:3000]), (folder / "a.parquet").read_bytes()]
    path, out = folder / "kpis", folder / "out"

    def read(data):
        path.write_bytes(data)
        said, failed = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(failed):
            code = main(["kpi", str(path), "--out", str(out), "--no-picture"])
        lines = failed.getvalue().splitlines()
        if code == 2:
            assert len(lines) == 1 and lines[0].startswith("linewatch: error: "), lines
            raise ValueError(lines[0])
        assert code == 0, (code, lines)

    return seeds, read


def results(folder):
    import polars as pl

    from linewatch import dashboards

    data = pl.DataFrame({"time": [None], "n_calls": [1], "n_anomalous": [0]})
    data = data.with_columns(pl.col("time").cast(pl.Datetime("us")), pl.all().exclude("time"))
    data.write_parquet(folder / "calls_by_hour.parquet")
    manifest = {
        "kind": "cdr", "format_version": 1, "linewatch_version": "0.1.0", "units": {"load": "%"},
        "time_zone": None, "parameters": {"source": "a.csv"}, "summary": {"calls": 1},
        "tables": {"calls_by_hour": 1}, "files": ["calls_by_hour.parquet"],
    }  # fmt: skip

    def read(data):
        (folder / "manifest.json").write_bytes(data)
        found = dashboards.open_results(folder)
        for one in found.values():
            (one.pages, one.title, one.time_zone, one.unit("load"), one.table("calls_by_hour"))

    return [json.dumps(manifest, indent=2).encode()], read


READERS = {
    function.__name__: function
    for function in (captures, flows, models, streams, configs, tables, results)
}


# --- the run -----------------------------------------------------------------------------------


def limit_memory(more=MEMORY):
    """No more than `more` bytes beyond what the process has now, where the system can say so."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):
        return
    most = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def run(name, rounds, seed=0):
    """Feed damaged files to a reader; returns how many were read and how many refused."""
    draw = random.Random(f"{name} {seed}")
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seeds, read, *reseal = READERS[name](Path(folder))
        for data in seeds:
            read(data)
        limit_memory()
        counts = {"read": 0, "refused": 0}
        for number in range(rounds):
            data = damaged(draw, seeds[number % len(seeds)], seeds)
            if reseal and number % 8:
                data = reseal[0](data)
            try:
                read(data)
                counts["read"] += 1
            except (ValueError, OSError):
                counts["refused"] += 1
            except BaseException:
                traceback.print_exc()
                kept = Path(tempfile.gettempdir()) / f"linewatch-fuzz-{name}-{seed}-{number}"
                kept.write_bytes(data)
                sys.exit(f"{name}: round {number} of seed {seed} failed; its file is {kept}")
    return counts


if __name__ == "__main__":
    reader, count, *more = sys.argv[1:]
    print(json.dumps(run(reader, int(count), *map(int, more))))
