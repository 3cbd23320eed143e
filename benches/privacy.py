"""Prefix-preserving pseudonyms against yacryptopan, where that is installed.

    python benches/privacy.py [--addresses N]

Both run in one process on the same addresses and must give the same pseudonyms; ours also on one
thread and on all. Times are CPU time for one thread and wall time for all, the best of three.
"""

import argparse
import ipaddress
import time

import numpy as np

from linewatch import privacy

KEY = bytes.fromhex("1522178d33a4cf80130a5b1649907d10d8988f837979652762574c2d2a842202")


def best(function, clock, repeat=3):
    times = []
    for _ in range(repeat):
        start = clock()
        answer = function()
        times.append(clock() - start)
    return min(times), answer


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--addresses", type=int, default=1_000_000)
    n = parser.parse_args().addresses
    rng = np.random.default_rng(7)
    v4 = rng.integers(0, 2**32, n, dtype=np.uint32)
    text4 = [str(ipaddress.IPv4Address(int(a))) for a in v4]
    text6 = [str(ipaddress.IPv6Address(rng.bytes(16))) for _ in range(n // 10)]
    pan = privacy.CryptoPan(KEY)
    print("| case | addresses/s, one thread (CPU) | all threads (wall) | times yacryptopan |")
    print("|---|---|---|---|")
    peer_rate = peer(text4[:2000], pan)
    cases = [("IPv4, numbers", v4), ("IPv4, text", text4), ("IPv6, text", text6)]
    for name, x in cases:
        one, _ = best(lambda x=x: pan.pseudonymize(x, n_jobs=1), time.process_time)
        all_, _ = best(lambda x=x: pan.pseudonymize(x), time.perf_counter)
        ratio = f"{len(x) / one / peer_rate:,.0f}" if peer_rate and "IPv4" in name else "-"
        print(f"| {name} | {len(x) / one:,.0f} | {len(x) / all_:,.0f} | {ratio} |")


def peer(addresses, pan):
    """Addresses a second of the peer, after checking that it agrees."""
    try:
        from yacryptopan import CryptoPAn
    except ImportError:
        print("(yacryptopan is not installed: no comparison)\n")
        return None
    other = CryptoPAn(KEY)
    seconds, answer = best(lambda: [other.anonymize(a) for a in addresses], time.process_time, 1)
    assert answer == pan.pseudonymize(addresses)
    print(f"(yacryptopan: {len(addresses) / seconds:,.0f} addresses/s; answers equal)\n")
    return len(addresses) / seconds


if __name__ == "__main__":
    main()
