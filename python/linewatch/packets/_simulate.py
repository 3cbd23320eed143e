"""Labelled traffic: an office network at work, and attacks planted in it.

Everything is drawn flow by flow and laid out as columns at once. Ordinary traffic and each attack
have random numbers of their own, so that planting another attack changes nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np

from linewatch import _edge
from linewatch._frames import as_backend, check_backend
from linewatch._sizes import check_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from typing import Literal

    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from linewatch._typing import Time


#: The attacks that `simulate` knows.
ATTACKS = ("syn_scan", "flood", "beaconing", "exfiltration", "low_and_slow")

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
ICMP, TCP, UDP = 1, 6, 17
HEADERS = 54  # Ethernet, IPv4 and TCP without options
FULL = 1514
_FIELDS = ("time", "source", "destination", "sport", "dport", "protocol", "flags", "length", "ttl")


@overload
def simulate(
    n_flows: int = ...,
    duration: str | timedelta = ...,
    *,
    attacks: Sequence[str] = ...,
    n_hosts: int = ...,
    intensity: float = ...,
    start: Time = ...,
    seed: int = ...,
    backend: Literal["polars"] = ...,
) -> pl.DataFrame: ...
@overload
def simulate(
    n_flows: int = ...,
    duration: str | timedelta = ...,
    *,
    attacks: Sequence[str] = ...,
    n_hosts: int = ...,
    intensity: float = ...,
    start: Time = ...,
    seed: int = ...,
    backend: Literal["pandas"],
) -> pd.DataFrame: ...
@overload
def simulate(
    n_flows: int = ...,
    duration: str | timedelta = ...,
    *,
    attacks: Sequence[str] = ...,
    n_hosts: int = ...,
    intensity: float = ...,
    start: Time = ...,
    seed: int = ...,
    backend: Literal["pyarrow"],
) -> pa.Table: ...
def simulate(
    n_flows=2_000,
    duration="10min",
    *,
    attacks=ATTACKS,
    n_hosts=60,
    intensity=1.0,
    start="2026-01-05T09:00:00",
    seed=0,
    backend="polars",
):
    """Traffic of an office network with attacks planted and labelled.

    Clients browse (TCP with handshake, data both ways and close), ask a name server, watch video
    over QUIC and keep their clocks; a monitoring station asks every host once a minute and one
    host makes a backup: things that look odd and are not.

    Parameters
    ----------
    n_flows : int, default=2000
        Flows of ordinary traffic, about 25 packets each.
    duration : str or timedelta, default="10min"
        Length of the capture.
    attacks : sequence of str, default=ATTACKS
        Which to plant, each from a source of its own:

        ``"syn_scan"``
            A host outside tries the ports of one host inside, 100 a second for ten seconds; closed
            ports answer with RST.
        ``"flood"``
            Four hosts outside send small UDP packets at one server, 400 a second each for five
            seconds.
        ``"beaconing"``
            An infected host calls home every 15 seconds, give or take 5 percent.
        ``"exfiltration"``
            A host sends large packets outside, 120 a second for 30 seconds.
        ``"low_and_slow"``
            A host outside holds 60 connections to a web server with tiny packets, about four a
            second in all.
    n_hosts : int, default=60
        Clients inside.
    intensity : float, default=1.0
        Factor on the rates of the attacks.
    start : str or datetime, default="2026-01-05T09:00:00"
        Time of the beginning (UTC).
    seed : int, default=0
        The same seed gives the same packets.
    backend : {"polars", "pandas", "pyarrow"}, default="polars"
        The kind of frame.

    Returns
    -------
    DataFrame, sorted by time
        The columns of `read_pcap`, ``attack`` (its name, null for ordinary traffic) and
        ``is_attack``. The packets of the attacker are labelled; the answers of its victims are
        not.

    Raises
    ------
    ValueError
        If an attack is not known, or a number is out of range.

    Examples
    --------
    >>> from linewatch import packets
    >>> table = packets.simulate(n_flows=200, duration="2min", attacks=["syn_scan"], seed=1)
    >>> table.filter(table["is_attack"])["attack"].unique().to_list()
    ['syn_scan']
    >>> table["time"].is_sorted()
    True
    """

    check_backend(backend)
    span_s = _edge.span(duration, "duration") / 1e9
    attacks = [attacks] if isinstance(attacks, str) else list(dict.fromkeys(attacks))
    for name in attacks:
        if name not in ATTACKS:
            raise ValueError(f"attacks has {name!r}; known are {', '.join(ATTACKS)}")
    for name, value, least in (("n_flows", n_flows, 1), ("n_hosts", n_hosts, 2)):
        if not isinstance(value, int | np.integer) or value < least:
            raise ValueError(f"{name} must be a whole number from {least} on, got {value!r}")
    if n_hosts > 60_000:
        raise ValueError(f"n_hosts must be at most 60,000, got {n_hosts}")
    if not intensity > 0 or not np.isfinite(intensity):
        raise ValueError(f"intensity must be above 0, got {intensity!r}")
    # Flows of about forty packets, the monitoring of each host, and what the attacks send.
    rows = 40 * n_flows + span_s * n_hosts / 30 + intensity * (2e4 + 8 * span_s)
    asked = f"n_flows={n_flows}, duration={duration} and intensity={intensity}"
    check_rows(rows, asked)
    seed = int(seed)
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    network = _Network(n_hosts)
    parts = [_ordinary(np.random.default_rng([seed, 0]), network, n_flows, span_s)]
    labels = [np.full(len(parts[0]["time"]), -1, np.int8)]
    for name in attacks:
        number = ATTACKS.index(name)
        rng = np.random.default_rng([seed, 1 + number])
        planted, is_attacker = _PLANT[name](rng, network, span_s, intensity)
        parts.append(planted)
        labels.append(np.where(is_attacker, number, -1).astype(np.int8))
    return as_backend(_table(parts, np.concatenate(labels), network, start, span_s), backend)


class _Network:
    """Addresses, as places in one list of names."""

    def __init__(self, n_hosts):
        self.n_hosts = n_hosts
        self.names = [f"10.0.{i // 250}.{i % 250 + 1}" for i in range(n_hosts)]
        self.web = self._add("203.0.113.{}", 120)
        self.video = self._add("198.51.100.{}", 20)
        self.dns, self.clock, self.monitor, self.store, self.server = (
            self._add(f"10.1.0.{i}", 1)[0] for i in (53, 123, 10, 20, 80)
        )
        self.outside = self._add("192.0.2.{}", 40)

    def _add(self, pattern, count):
        first = len(self.names)
        self.names += [pattern.format(i + 1) for i in range(count)]
        return np.arange(first, first + count)


def _packets(**columns):
    """Columns of as many rows as there are times, in seconds and whole numbers."""
    n = len(columns["time"])
    defaults = {"flags": 0, "ttl": 64, "protocol": TCP}
    columns = defaults | columns
    return {name: np.broadcast_to(np.asarray(columns[name]), n) for name in _FIELDS}


def _join(parts):
    return {name: np.concatenate([part[name] for part in parts]) for name in _FIELDS}


def _zipf(rng, n, size, exponent=1.1):
    weight = 1 / np.arange(1, n + 1) ** exponent
    return rng.choice(n, size, p=weight / weight.sum())


def _ordinary(rng, network, n_flows, span_s):
    kinds = rng.choice(4, n_flows, p=[0.55, 0.33, 0.07, 0.05])
    count = np.bincount(kinds, minlength=4)
    parts = [
        _web(rng, network, count[0], span_s),
        _questions(rng, network, count[1], span_s, network.dns, 53, (70, 95), (90, 400)),
        _video(rng, network, count[2], span_s),
        _questions(rng, network, count[3], span_s, network.clock, 123, (90, 91), (90, 91)),
        _monitoring(rng, network, span_s),
        _upload(rng, network.n_hosts - 1, network.store, 0.35 * span_s, min(0.1 * span_s, 60), 60),
    ]
    return _join(parts)


def _web(rng, network, n, span_s):
    """TCP: three packets open, data go both ways in bursts, two close."""
    n_data = np.minimum(rng.lognormal(2.6, 1.0, n).astype(np.int64) + 1, 3_000)
    size = n_data + 5
    flow = np.repeat(np.arange(n), size)
    at = np.arange(len(flow)) - np.repeat(np.cumsum(size) - size, size)
    left = np.repeat(size, size) - at
    gap = rng.exponential(0.02, len(flow)) * np.where(rng.random(len(flow)) < 0.04, 40, 1)
    gap[at == 0] = 0
    total = np.cumsum(gap)
    since = total - np.repeat(total[np.cumsum(size) - size], size)
    begin = np.sort(rng.uniform(0, span_s, n))
    client, server = rng.integers(0, network.n_hosts, n), network.web[_zipf(rng, 120, n)]
    port = rng.integers(32_768, 61_000, n)
    dport = rng.choice([443, 80, 993, 22], n, p=[0.82, 0.1, 0.05, 0.03])
    is_data = (at > 2) & (left > 2)
    outward = np.where(is_data, rng.random(len(flow)) < 0.42, (at == 0) | (at == 2) | (left == 2))
    is_full = rng.random(len(flow)) < np.where(outward, 0.06, 0.6)
    length = np.where(is_full, FULL, 66 + rng.integers(0, 900, len(flow)))
    length = np.where(rng.random(len(flow)) < np.where(outward, 0.7, 0.1), 66, length)
    length = np.where(is_data, length, np.where(at < 2, 74, 66))
    flags = np.where(length > 66, PSH | ACK, ACK)
    flags = np.select([at == 0, at == 1, left <= 2], [SYN, SYN | ACK, FIN | ACK], default=flags)
    a, b = client[flow], server[flow]
    ap, bp = port[flow], dport[flow]
    return _packets(
        time=begin[flow] + since,
        source=np.where(outward, a, b),
        destination=np.where(outward, b, a),
        sport=np.where(outward, ap, bp),
        dport=np.where(outward, bp, ap),
        flags=flags,
        length=length,
        ttl=np.where(outward, 64, 54),
    )


def _questions(rng, network, n, span_s, server, port, ask, answer):
    """UDP: one packet there, one back."""
    time = np.sort(rng.uniform(0, span_s, n))
    client, sport = rng.integers(0, network.n_hosts, n), rng.integers(32_768, 61_000, n)
    there = _packets(
        time=time, source=client, destination=server, sport=sport, dport=port,
        protocol=UDP, length=rng.integers(*ask, n),
    )  # fmt: skip
    back = _packets(
        time=time + rng.exponential(0.004, n), source=server, destination=client, sport=port,
        dport=sport, protocol=UDP, length=rng.integers(*answer, n),
    )  # fmt: skip
    return _join([there, back])


def _video(rng, network, n, span_s):
    """QUIC: full packets at a steady pace, with acknowledgements."""
    size = np.minimum(rng.lognormal(4.0, 0.8, n).astype(np.int64) + 4, 5_000)
    flow = np.repeat(np.arange(n), size)
    at = np.arange(len(flow)) - np.repeat(np.cumsum(size) - size, size)
    client, server = rng.integers(0, network.n_hosts, n), network.video[_zipf(rng, 20, n)]
    port = rng.integers(32_768, 61_000, n)
    outward = (at == 0) | (rng.random(len(flow)) < 0.12)
    begin = np.sort(rng.uniform(0, span_s, n))
    return _packets(
        time=begin[flow]
        + at * rng.uniform(0.005, 0.03, n)[flow]
        + rng.uniform(0, 0.004, len(flow)),
        source=np.where(outward, client[flow], server[flow]),
        destination=np.where(outward, server[flow], client[flow]),
        sport=np.where(outward, port[flow], 443),
        dport=np.where(outward, 443, port[flow]),
        protocol=UDP,
        length=np.where(outward, 80 + rng.integers(0, 60, len(flow)), 1292),
        ttl=np.where(outward, 64, 52),
    )


def _monitoring(rng, network, span_s):
    """One station asks every host in turn, once a minute."""
    rounds = np.arange(5.0, span_s, 60.0)
    time = (rounds[:, None] + 0.02 * np.arange(network.n_hosts)).ravel()
    host = np.tile(np.arange(network.n_hosts), len(rounds))
    n = len(time)
    there = _packets(
        time=time, source=network.monitor, destination=host, sport=40_000, dport=161,
        protocol=UDP, length=np.full(n, 87),
    )  # fmt: skip
    back = _packets(
        time=time + rng.exponential(0.003, n), source=host, destination=network.monitor, sport=161,
        dport=40_000, protocol=UDP, length=rng.integers(90, 140, n),
    )  # fmt: skip
    return _join([there, back])


def _upload(rng, source, destination, begin, seconds, rate):
    """Full packets one way, acknowledgements back."""
    n = max(int(seconds * rate), 1)
    time = begin + np.sort(rng.uniform(0, seconds, n))
    sport = int(rng.integers(32_768, 61_000))
    there = _packets(
        time=time, source=source, destination=destination, sport=sport, dport=443,
        flags=PSH | ACK, length=np.where(rng.random(n) < 0.95, FULL, 600),
    )  # fmt: skip
    back = _packets(
        time=time[::2] + 0.01, source=destination, destination=source, sport=443, dport=sport,
        flags=ACK, length=66, ttl=50,
    )  # fmt: skip
    return _join([there, back])


def _syn_scan(rng, network, span_s, intensity):
    n = max(int(1_000 * intensity), 1)
    attacker, victim = network.outside[0], network.server
    begin = rng.uniform(0.2, 0.5) * span_s
    time = begin + np.sort(rng.uniform(0, min(10.0, 0.3 * span_s), n))
    ports = 1 + rng.permutation(max(n, 60_000))[:n] % 60_000
    probes = _packets(
        time=time, source=attacker, destination=victim, sport=rng.integers(40_000, 61_000, n),
        dport=ports, flags=SYN, length=np.full(n, 60), ttl=44,
    )  # fmt: skip
    is_closed = rng.random(n) < 0.9
    answers = {name: values[is_closed] for name, values in _answer(probes).items()}
    return _labelled(probes, answers)


def _answer(probes):
    """RST from a closed port."""
    return probes | {
        "time": probes["time"] + 0.0002,
        "source": probes["destination"],
        "destination": probes["source"],
        "sport": probes["dport"],
        "dport": probes["sport"],
        "flags": np.broadcast_to(np.int64(RST | ACK), len(probes["time"])),
        "length": np.broadcast_to(np.int64(HEADERS), len(probes["time"])),
    }


def _labelled(attack, answers):
    n = len(attack["time"])
    both = _join([attack, answers])
    return both, np.arange(len(both["time"])) < n


def _flood(rng, network, span_s, intensity):
    seconds = min(5.0, 0.2 * span_s)
    n = max(int(4 * 400 * intensity * seconds), 1)
    begin = rng.uniform(0.55, 0.7) * span_s
    attack = _packets(
        time=begin + np.sort(rng.uniform(0, seconds, n)),
        source=network.outside[1 + rng.integers(0, 4, n)],
        destination=network.web[0], sport=rng.integers(1_024, 65_535, n), dport=53,
        protocol=UDP, length=rng.integers(60, 90, n), ttl=48,
    )  # fmt: skip
    return attack, np.ones(n, bool)


def _beaconing(rng, network, span_s, intensity):
    infected, home = 3 % network.n_hosts, network.outside[10]
    period = 15.0 / intensity
    calls = np.arange(period * rng.uniform(0.2, 1), span_s, period)
    calls = calls + rng.uniform(-0.05, 0.05, len(calls)) * period
    at = np.tile(np.arange(4), len(calls))
    time = np.repeat(calls, 4) + 0.03 * at
    sport = np.repeat(rng.integers(32_768, 61_000, len(calls)), 4)
    flags = np.array([SYN, ACK, PSH | ACK, FIN | ACK])[at]
    length = np.array([74, 66, 238, 66])[at]
    attack = _packets(
        time=time, source=infected, destination=home, sport=sport, dport=8443, flags=flags,
        length=length,
    )  # fmt: skip
    keep = at < 3
    answers = _packets(
        time=time[keep] + 0.02, source=home, destination=infected, sport=8443, dport=sport[keep],
        flags=np.array([SYN | ACK, ACK, PSH | ACK])[at[keep]],
        length=np.array([74, 66, 180])[at[keep]], ttl=46,
    )  # fmt: skip
    return _labelled(attack, answers)


def _exfiltration(rng, network, span_s, intensity):
    seconds = min(30.0, 0.2 * span_s)
    both = _upload(
        rng, 7 % network.n_hosts, network.outside[20], rng.uniform(0.1, 0.7) * span_s, seconds,
        120 * intensity,
    )  # fmt: skip
    return both, both["source"] == 7 % network.n_hosts


def _low_and_slow(rng, network, span_s, intensity):
    n = max(int(4 * intensity * span_s), 1)
    attacker, server = network.outside[30], network.server
    connections = rng.integers(32_768, 61_000, 60)
    which = rng.integers(0, 60, n)
    time = np.sort(rng.uniform(0, span_s, n))
    first = np.zeros(n, bool)
    first[np.unique(which, return_index=True)[1]] = True
    attack = _packets(
        time=time, source=attacker, destination=server, sport=connections[which], dport=80,
        flags=np.where(first, SYN, PSH | ACK), length=np.where(first, 74, 68 + which % 3), ttl=45,
    )  # fmt: skip
    answers = _packets(
        time=time + 0.001, source=server, destination=attacker, sport=80, dport=connections[which],
        flags=np.where(first, SYN | ACK, ACK), length=np.where(first, 74, 66),
    )  # fmt: skip
    return _labelled(attack, answers)


_PLANT = {
    "syn_scan": _syn_scan,
    "flood": _flood,
    "beaconing": _beaconing,
    "exfiltration": _exfiltration,
    "low_and_slow": _low_and_slow,
}


def _table(parts, label, network, start, span_s):
    import polars as pl

    columns = _join(parts)
    ns = np.rint(columns["time"] * 1e9).astype(np.int64)
    inside = np.flatnonzero((ns >= 0) & (ns < span_s * 1e9))
    order = inside[np.argsort(ns[inside], kind="stable")]
    columns = {name: values[order] for name, values in columns.items()}
    names = pl.Series(network.names)
    kinds = pl.Series(ATTACKS)
    label = pl.Series(label[order])
    has_ports = columns["protocol"] != ICMP
    is_tcp = columns["protocol"] == TCP
    begin = np.datetime64(start, "ns")
    n = len(order)

    def ports(name):
        values = pl.Series(columns[name].astype(np.uint16))
        return pl.when(pl.Series(has_ports)).then(values)

    return pl.select(
        time=pl.Series(begin + ns[order].astype("timedelta64[ns]")),
        length=pl.Series(columns["length"].astype(np.uint32)),
        captured_length=pl.Series(columns["length"].astype(np.uint32)),
        source_address=names.gather(columns["source"]),
        destination_address=names.gather(columns["destination"]),
        source_port=ports("sport"),
        destination_port=ports("dport"),
        protocol=pl.Series(columns["protocol"].astype(np.uint8)),
        tcp_flags=pl.when(pl.Series(is_tcp)).then(pl.Series(columns["flags"].astype(np.uint16))),
        vlan=pl.repeat(None, n, dtype=pl.UInt16, eager=True),
        ttl=pl.Series(columns["ttl"].astype(np.uint8)),
        malformed=pl.repeat(False, n, dtype=pl.Boolean, eager=True),
        attack=kinds.gather(pl.select(pl.when(label >= 0).then(label)).to_series().cast(pl.UInt32)),
        is_attack=label >= 0,
    )
