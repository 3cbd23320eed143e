"""Speed of the packet tables beside their peers, against the goals we set.

    python benches/packets.py            # everything: about three minutes
    python benches/packets.py --quick    # small sizes: does it run?

Captures are generated: packets of 100 to 1400 bytes, and what a simulated office network sends.
dpkt and scapy read the beginning of the same file. The peers take their turns with linewatch in one
process; answers must agree before they are timed, and a count that is timed follows one that is
not. A figure is the median of the repeats: processor time on one thread, wall time on two. A peer
that is not installed is named and left out.
"""

import argparse
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np


def peer(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def timed(call, repeats, clock=time.process_time):
    """Median seconds, and the last answer."""
    seconds = []
    for _ in range(repeats):
        began = clock()
        answer = call()
        seconds.append(clock() - began)
    return sorted(seconds)[len(seconds) // 2], answer


def in_turn(calls, repeats, clock=time.process_time):
    """Median seconds of each call, which take turns so that a busy moment meets all of them.

    Before each timed call comes one that is not: the first call after another library's waits for
    the system to sort the memory that the other one left, which can take longer than the count.
    """
    seconds = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            call()
            began = clock()
            call()
            seconds[name].append(clock() - began)
    return {name: sorted(times)[len(times) // 2] for name, times in seconds.items()}


def verdict(value, goal):
    if goal is None:
        return ""
    return f"goal {goal:g}: {'met' if value >= goal else 'MISSED'}"


# --- reading -----------------------------------------------------------------------------------


def fixed_table(n, size, seed=0):
    """`n` packets of `size` bytes between 2,000 addresses."""
    import polars as pl

    rng = np.random.default_rng(seed)
    names = pl.Series([f"10.{i // 250}.{i % 250}.{i % 199 + 1}" for i in range(2_000)])
    return pl.DataFrame(
        {
            "time": np.sort(rng.integers(0, 10**9 * n // 10_000 + 1, n)),
            "length": np.full(n, size, np.uint32),
            "source_address": names.gather(rng.integers(0, 2_000, n)),
            "destination_address": names.gather(rng.integers(0, 2_000, n)),
            "source_port": rng.integers(1024, 65_536, n).astype(np.uint16),
            "destination_port": np.full(n, 443, np.uint16),
            "protocol": rng.choice([6, 17], n).astype(np.uint8),
            "tcp_flags": np.full(n, 16, np.uint16),
        }
    )


def read_dpkt(dpkt, path, most):
    """The fields that `read_pcap` has for IPv4, TCP and UDP, as a list of rows."""
    rows = []
    with open(path, "rb") as file:
        for stamp, data in dpkt.pcap.Reader(file):
            ip = dpkt.ethernet.Ethernet(data).data
            layer = ip.data
            is_tcp = ip.p == 6
            rows.append(
                (
                    stamp,
                    len(data),
                    ip.src,
                    ip.dst,
                    layer.sport,
                    layer.dport,
                    ip.p,
                    layer.flags if is_tcp else None,
                    ip.ttl,
                )
            )
            if len(rows) == most:
                break
    return rows


def read_scapy(scapy, path, most):
    rows = []
    with scapy.PcapReader(str(path)) as reader:
        for packet in reader:
            ip = packet["IP"]
            layer = ip.payload
            flags = int(layer.flags) if ip.proto == 6 else None
            rows.append(
                (
                    packet.time,
                    len(packet),
                    ip.src,
                    ip.dst,
                    layer.sport,
                    layer.dport,
                    ip.proto,
                    flags,
                )
            )
            if len(rows) == most:
                break
    return rows


def read_tshark(path, most):
    fields = ["frame.time_epoch", "frame.len", "ip.src", "ip.dst", "ip.proto", "tcp.srcport"]
    fields += ["tcp.dstport", "udp.srcport", "udp.dstport", "tcp.flags"]
    command = ["tshark", "-n", "-r", str(path), "-c", str(most), "-T", "fields"]
    for field in fields:
        command += ["-e", field]
    return subprocess.run(command, capture_output=True, check=True).stdout.splitlines()


def bench_reading(folder, quick):
    from linewatch import packets

    print("\nReading a capture into a Polars frame, one thread, file in the page cache")
    print(f"{'capture':<26}{'ours':>22}{'peer':>26}{'ratio':>8}")
    scale = 20 if quick else 1
    few = {"dpkt": 40_000 // scale, "scapy": 4_000 // scale, "tshark": 100_000 // scale}
    cases = [
        ("100 bytes a packet", fixed_table(1_000_000 // scale, 100), 3e6, None),
        ("200 bytes a packet", fixed_table(1_000_000 // scale, 200), 3e6, None),
        ("705 bytes a packet", fixed_table(300_000 // scale, 705), None, 1.5e9),
        ("1400 bytes a packet", fixed_table(150_000 // scale, 1400), None, 1.5e9),
        ("office network", packets.simulate(n_flows=20_000 // scale, attacks=[]), None, None),
    ]
    peers = {name: peer(name) for name in ("dpkt", "scapy")}
    if peers["scapy"] is not None:
        peers["scapy"] = importlib.import_module("scapy.all")
    for title, table, packets_goal, bytes_goal in cases:
        path = Path(folder) / "capture.pcap"
        packets.write_pcap(table, path)
        size = path.stat().st_size
        seconds, read = timed(lambda path=path: packets.read_pcap(path), 3 if quick else 7)
        assert read.height == table.height
        assert read["source_port"].equals(table["source_port"])
        rate, volume = read.height / seconds, size / seconds
        text = f"{rate / 1e6:.2f} M/s {volume / 1e9:.2f} GB/s"
        if packets_goal:
            note = f"packets/s {verdict(rate, packets_goal)}"
        else:
            note = f"bytes/s {verdict(volume, bytes_goal)}" if bytes_goal else ""
        print(f"{title:<26}{text:>22}{'':>26}{'':>8}  {note}")
        if title not in ("200 bytes a packet", "office network"):
            continue
        calls = {}
        if peers["dpkt"] is not None:
            calls["dpkt"] = lambda path=path: read_dpkt(peers["dpkt"], path, few["dpkt"])
        if peers["scapy"] is not None:
            calls["scapy"] = lambda path=path: read_scapy(peers["scapy"], path, few["scapy"])
        for name, call in calls.items():
            theirs, rows = timed(call, 3)
            assert [row[4] for row in rows] == read["source_port"].head(len(rows)).to_list()
            assert [row[1] for row in rows] == read["length"].head(len(rows)).to_list()
            slow = len(rows) / theirs
            print(f"{'':<48}{f'{name} {slow:,.0f}/s':>26}{rate / slow:>7.0f}x")
        if shutil.which("tshark"):
            theirs, rows = timed(lambda path=path: read_tshark(path, few["tshark"]), 1, time.time)
            slow = len(rows) / theirs
            print(f"{'':<48}{f'tshark {slow:,.0f}/s (wall)':>26}{rate / slow:>7.0f}x")
    zipped = Path(folder) / "capture.pcap.gz"
    import gzip

    data = path.read_bytes()
    with gzip.open(zipped, "wb", 6) as file:
        file.write(data)
    seconds, read = timed(lambda: packets.read_pcap(zipped), 3)
    text = f"{read.height / seconds / 1e6:.2f} M/s {len(data) / seconds / 1e9:.2f} GB/s"
    plain = timed(lambda: len(gzip.decompress(zipped.read_bytes())), 3)[0]
    print(
        f"{'office network, gzip':<26}{text:>22}{'gzip alone, Python':>26}{plain / seconds:>7.1f}x"
    )
    missing = [name for name, module in peers.items() if module is None]
    missing += [] if shutil.which("tshark") else ["tshark"]
    if missing:
        print(f"not installed: {', '.join(missing)}")


# --- the five-second count ---------------------------------------------------------------------


def count_table(n, n_keys):
    """Packets over ten minutes, sources as a Zipf law with exponent 1.3 has them."""
    import polars as pl

    rng = np.random.default_rng(1)
    ids = ((rng.zipf(1.3, n) - 1) % n_keys).astype(np.uint32)
    addresses = rng.choice(2**32, n_keys, replace=False).astype(np.uint32)
    times = np.sort(rng.integers(0, 600 * 10**9, n)).astype("datetime64[ns]")
    return pl.DataFrame({"time": times, "id": ids, "address": addresses[ids]})


def bench_counts(quick):
    import polars as pl

    from linewatch import packets

    n, n_keys = (200_000, 5_000) if quick else (5_000_000, 50_000)
    table = count_table(n, n_keys)
    text = table.with_columns(
        pl.concat_str(
            [(pl.col("address") // 256**k % 256).cast(pl.String) for k in (3, 2, 1, 0)],
            separator=".",
        ).alias("text")
    )
    threads = pl.thread_pool_size()
    clock = time.process_time if threads == 1 else time.perf_counter
    pandas = peer("pandas")
    print(
        f"\nPackets of a source in the last 5 s: {n:,} rows, {n_keys:,} sources, "
        f"{threads} thread(s)"
    )
    print(f"{'key':<20}{'peer':<34}{'peer ns/row':>12}{'ours ns/row':>12}{'ratio':>8}")
    frame = None
    if pandas is not None:
        frame = pandas.DataFrame({c: table[c].to_numpy() for c in table.columns})
        frame["one"] = np.ones(n)
        frame = frame.set_index("time")
    for key, goals in (("id", (5, 50)), ("address", (3, 30)), ("text", (None, None))):
        source = text if key == "text" else table

        def ours(source=source, key=key):
            asked = ["packet_count"]
            return packets.features(source, features=asked, key=key, n_jobs=threads)

        def polars_over(source=source, key=key):
            one = source.with_columns(one=pl.lit(1, dtype=pl.Int32))
            return one.select(pl.col("one").rolling_sum_by("time", window_size="5s").over(key))

        def polars_group(source=source, key=key):
            rows = source.rolling("time", period="5s", group_by=key)
            return rows.agg(pl.len())

        mine = ours()["packet_count_5s"]
        theirs = polars_over().to_series()
        # Polars counts later rows with the same time, too.
        single = ~source.select(pl.struct("time", key).is_duplicated()).to_series()
        assert (mine == theirs).filter(single).all()
        calls = {"ours": ours, "polars rolling_sum_by.over": polars_over}
        if key == "id":
            calls["polars rolling(group_by)"] = polars_group
        times = in_turn(calls, 1 if quick else 3, clock)
        if pandas is not None and key != "text":

            def by_pandas(key=key):
                return frame.groupby(key)["one"].rolling("5s").count()

            counts = by_pandas()
            seconds = timed(by_pandas, 1, clock)[0]
            order = np.argsort(source[key].to_numpy(), kind="stable")
            assert np.array_equal(mine.to_numpy()[order], counts.to_numpy())
            times["pandas groupby.rolling"] = seconds
        mine = times.pop("ours")
        for name, seconds in times.items():
            goal = None
            if threads == 1:
                goal = {
                    "polars rolling_sum_by.over": goals[0],
                    "pandas groupby.rolling": goals[1],
                }.get(name)
            title = {"id": "dense ids", "address": "u32, hashed", "text": "text, hashed"}[key]
            print(
                f"{title:<20}{name:<34}{seconds / n * 1e9:>12.1f}{mine / n * 1e9:>12.1f}"
                f"{seconds / mine:>7.1f}x  {verdict(seconds / mine, goal)}"
            )


def bench_features(quick):
    from linewatch import packets

    table = packets.simulate(n_flows=2_000 if quick else 40_000, duration="1h", attacks=[])
    jobs = int(os.environ["POLARS_MAX_THREADS"])
    clock = time.process_time if jobs == 1 else time.perf_counter
    seconds, _ = timed(lambda: packets.features(table, n_jobs=jobs), 3, clock)
    n = table.height
    print(
        f"\nAll {len(packets.FEATURES)} features by source address (text) of {n:,} simulated "
        f"packets, {jobs} thread(s): {seconds / n * 1e9:.0f} ns a packet, "
        f"{n / seconds / 1e6:.2f} M packets/s"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    if arguments.threads is None:
        # Polars fixes its threads at import, so each number of them has a process of its own.
        for threads in (1, 2):
            command = [sys.executable, __file__, "--threads", str(threads)]
            environment = os.environ | {"POLARS_MAX_THREADS": str(threads)}
            command += ["--quick"] if arguments.quick else []
            subprocess.run(command, check=True, env=environment)
        return
    if arguments.threads == 1:
        with tempfile.TemporaryDirectory() as folder:
            bench_reading(folder, arguments.quick)
    bench_counts(arguments.quick)
    bench_features(arguments.quick)


if __name__ == "__main__":
    main()
