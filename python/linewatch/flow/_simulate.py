"""Flows of simulated customers with the rhythm of a day, and planted anomalies with labels.

Ordinary traffic and each anomaly have random numbers of their own, so that planting another one
changes nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np

from linewatch import _edge
from linewatch._frames import as_backend, check_backend
from linewatch._sizes import check_rows
from linewatch.flow._columns import check_count

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from typing import Literal

    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from linewatch._typing import Time


#: The anomalies that `simulate` knows.
ANOMALIES = ("port_scan", "host_scan", "exfiltration")

TCP, UDP = 0, 1
PROTOCOLS = ["TCP", "UDP"]
FLAGS = ["...AP.SF", "......S.", "...AP...", "........"]
CLOSED, SYN, OPEN, NONE = range(4)
# Share of an hour in the traffic of a day, from midnight on: at home, at work, machines.
RHYTHM = {
    "home": [3, 2, 1, 1, 1, 1, 2, 4, 5, 4, 4, 4, 5, 5, 5, 5, 6, 8, 10, 12, 13, 12, 9, 6],
    "office": [0.2, 0.2, 0.2, 0.2, 0.2, 0.3, 1, 4, 9, 11, 11, 10, 7, 9, 11, 10, 9, 6, 3, 1, 1]
    + [0.5, 0.3, 0.2],
    "machine": [1] * 24,
}
KINDS = list(RHYTHM)
# Port, protocol, bytes in and out of a median flow, spread of both (of the logarithm), seconds.
SERVICES = {
    "https": (443, TCP, 2_500, 30_000, 1.3, 12),
    "quic": (443, UDP, 4_000, 90_000, 1.5, 20),
    "http": (80, TCP, 900, 9_000, 1.2, 4),
    "domain": (53, UDP, 70, 180, 0.3, 0.03),
    "ntp": (123, UDP, 76, 76, 0.01, 0.02),
    "imaps": (993, TCP, 3_000, 25_000, 1.0, 30),
    "submission": (587, TCP, 60_000, 2_500, 1.2, 6),
    "ssh": (22, TCP, 12_000, 16_000, 1.1, 90),
    "sip": (5060, UDP, 1_500, 1_400, 0.4, 3),
    "openvpn": (1194, UDP, 80_000, 200_000, 1.4, 120),
    "mysql": (3306, TCP, 5_000, 40_000, 1.0, 5),
    "mqtt": (1883, TCP, 400, 200, 0.4, 1),
}
# How often each kind of customer uses a service.
HABITS = {
    "home": {"https": 40, "quic": 22, "domain": 28, "http": 4, "imaps": 2, "ntp": 2, "sip": 2},
    "office": {
        "https": 38,
        "quic": 8,
        "domain": 28,
        "http": 5,
        "imaps": 6,
        "submission": 4,
        "ssh": 3,
        "openvpn": 3,
        "mysql": 3,
        "ntp": 2,
    },
    "machine": {"mqtt": 60, "domain": 15, "ntp": 20, "https": 5},
}
_HOSTS = 400  # addresses outside


@overload
def simulate(
    n_flows: int = ...,
    duration: str | timedelta = ...,
    *,
    n_customers: int = ...,
    anomalies: Sequence[str] = ...,
    start: Time = ...,
    seed: int = ...,
    backend: Literal["polars"] = ...,
) -> pl.DataFrame: ...
@overload
def simulate(
    n_flows: int = ...,
    duration: str | timedelta = ...,
    *,
    n_customers: int = ...,
    anomalies: Sequence[str] = ...,
    start: Time = ...,
    seed: int = ...,
    backend: Literal["pandas"],
) -> pd.DataFrame: ...
@overload
def simulate(
    n_flows: int = ...,
    duration: str | timedelta = ...,
    *,
    n_customers: int = ...,
    anomalies: Sequence[str] = ...,
    start: Time = ...,
    seed: int = ...,
    backend: Literal["pyarrow"],
) -> pa.Table: ...
def simulate(
    n_flows=20_000,
    duration="1d",
    *,
    n_customers=200,
    anomalies=ANOMALIES,
    start="2026-01-05T00:00:00",
    seed=0,
    backend="polars",
):
    """Flows of customers with known habits, and anomalies planted and labelled.

    Households are busy in the evening, offices by day, machines all the time; a few customers
    make most of the traffic. They browse, watch, look up names, send mail, telephone, work over a
    VPN; ``sa`` is the customer, ``ibyt`` what it sends and ``obyt`` what comes back.

    Parameters
    ----------
    n_flows : int, default=20000
        Flows of ordinary traffic.
    duration : str or timedelta, default="1d"
        Time covered.
    n_customers : int, default=200
        Source addresses, 1 to 60,000. Each has one to five devices (MAC addresses).
    anomalies : sequence of str, default=ANOMALIES
        Which to plant, each by a customer of its own:

        ``"port_scan"``
            800 ports of one host within four minutes, hardly any answer.
        ``"host_scan"``
            Port 445 of 500 hosts within five minutes, no answer.
        ``"exfiltration"``
            12 uploads of 20 to 80 MB each to one host within half an hour.
    start : str or datetime, default="2026-01-05T00:00:00"
        Local time of the beginning.
    seed : int, default=0
        The same seed gives the same flows.
    backend : {"polars", "pandas", "pyarrow"}, default="polars"
        The kind of frame.

    Returns
    -------
    DataFrame, sorted by time
        ``ts te td sa da sp dp pr flg ipkt ibyt opkt obyt in out dir svln dvln ismc odmc idmc
        osmc`` as nfdump has them, ``anomaly`` (its name, null for ordinary traffic) and
        ``is_anomaly``.

    Raises
    ------
    ValueError
        If an anomaly is not known, or a number is out of range.

    Examples
    --------
    >>> from linewatch import flow
    >>> flows = flow.simulate(n_flows=1_000, seed=1)
    >>> flows.filter(flows["is_anomaly"])["anomaly"].value_counts(sort=True).rows()
    [('port_scan', 800), ('host_scan', 500), ('exfiltration', 12)]
    """
    check_backend(backend)
    span_s = _edge.span(duration, "duration") / 1e9
    n_flows = check_count("n_flows", n_flows)
    check_rows(n_flows, f"n_flows={n_flows}")
    n_customers = check_count("n_customers", n_customers)
    seed = check_count("seed", seed, 0)
    if n_customers > 60_000:
        raise ValueError(f"n_customers must be at most 60,000, got {n_customers}")
    anomalies = [anomalies] if isinstance(anomalies, str) else list(dict.fromkeys(anomalies))
    for name in anomalies:
        if name not in ANOMALIES:
            raise ValueError(f"anomalies has {name!r}; known are {', '.join(ANOMALIES)}")
    begin = np.datetime64(start, "ms")
    hour = float((begin - begin.astype("datetime64[D]")) / np.timedelta64(1, "h"))
    parts = [_ordinary(np.random.default_rng([seed, 0]), n_flows, n_customers, hour, span_s)]
    attackers = np.random.default_rng([seed, 1]).permutation(n_customers)
    for name in anomalies:
        number = ANOMALIES.index(name)
        rng = np.random.default_rng([seed, 2 + number])
        planted = _PLANT[name](rng, int(attackers[number % n_customers]), span_s)
        parts.append(_columns(**planted, label=number))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    columns = {name: column[columns["at"] < span_s] for name, column in columns.items()}
    order = np.argsort(columns["at"], kind="stable")
    table = _table({name: column[order] for name, column in columns.items()}, begin)
    return as_backend(table, backend)


def _columns(**columns):
    """Columns of as many rows as there are times, in seconds and whole numbers."""
    n = len(columns["at"])
    defaults = {"device": 0, "label": -1}
    return {name: np.broadcast_to(np.asarray(x), n) for name, x in (defaults | columns).items()}


def _ordinary(rng, n, n_customers, hour, span_s):
    kind = rng.choice(3, n_customers, p=[0.65, 0.2, 0.15])
    activity = rng.lognormal(0, 1.0, n_customers)
    customer = rng.choice(n_customers, n, p=activity / activity.sum())
    devices = rng.integers(1, 6, n_customers)
    at, port, protocol = np.empty(n), np.empty(n, np.int64), np.empty(n, np.int64)
    sent, received, seconds = np.empty(n), np.empty(n), np.empty(n)
    for k, name in enumerate(KINDS):
        rows = np.flatnonzero(kind[customer] == k)
        at[rows] = _times(rng, len(rows), RHYTHM[name], hour, span_s)
        habits = np.array(list(HABITS[name].values()), float)
        service = rng.choice(len(habits), len(rows), p=habits / habits.sum())
        about = np.array([SERVICES[name] for name in HABITS[name]])[service]
        port[rows], protocol[rows] = about[:, 0], about[:, 1]
        size = np.exp(about[:, 4] * rng.normal(size=len(rows)))
        own = np.exp(0.4 * about[:, 4] * rng.normal(size=(2, len(rows))))
        sent[rows] = np.maximum(about[:, 2] * size * own[0], 40)
        received[rows] = np.maximum(about[:, 3] * size * own[1], 40)
        seconds[rows] = about[:, 5] * rng.exponential(size=len(rows))
    # One flow in fifty has no answer: the host is away.
    lost = rng.random(n) < 0.02
    sent, received = np.where(lost, np.minimum(sent, 120), sent), np.where(lost, 0, received)
    popular = 1 / np.arange(1, _HOSTS + 1) ** 1.1
    favorite = rng.choice(_HOSTS, n, p=popular / popular.sum())
    return _columns(
        at=at,
        seconds=np.where(lost, 0, seconds),
        customer=customer,
        device=rng.integers(0, devices[customer]),
        host=np.where(np.isin(port, [53, 123]), port % 7, favorite),
        sp=rng.integers(32_768, 61_000, n),
        dp=port,
        protocol=protocol,
        flags=np.where(protocol == UDP, NONE, np.where(lost, SYN, CLOSED)),
        sent=sent,
        received=received,
    )


def _times(rng, n, rhythm, hour, span_s):
    """Seconds since the beginning, by the rhythm of the hours."""
    hours = int(np.ceil(span_s / 3600)) + 1
    first = np.arange(hours) * 3600 - (hour % 1) * 3600
    weight = np.array(rhythm, float)[(int(hour) + np.arange(hours)) % 24]
    low, high = np.clip(first, 0, span_s), np.clip(first + 3600, 0, span_s)
    weight = weight * (high - low)
    which = rng.choice(hours, n, p=weight / weight.sum())
    return low[which] + (high - low)[which] * rng.random(n)


def _port_scan(rng, customer, span_s):
    n = 800
    answered = rng.random(n) < 0.05
    return {
        "at": 0.45 * span_s + np.sort(rng.uniform(0, min(240, 0.2 * span_s), n)),
        "seconds": 0.0, "customer": customer, "host": 17, "sp": 40_123,
        "dp": rng.permutation(10_000)[:n] + 1, "protocol": TCP, "flags": SYN,
        "sent": 44, "received": np.where(answered, 44, 0),
    }  # fmt: skip


def _host_scan(rng, customer, span_s):
    n = 500
    return {
        "at": 0.55 * span_s + np.sort(rng.uniform(0, min(300, 0.2 * span_s), n)),
        "seconds": 0.0, "customer": customer, "host": _HOSTS + np.arange(n),
        "sp": rng.integers(32_768, 61_000, n), "dp": 445, "protocol": TCP, "flags": SYN,
        "sent": 44, "received": 0,
    }  # fmt: skip


def _exfiltration(rng, customer, span_s):
    n = 12
    sent = rng.uniform(2e7, 8e7, n)
    return {
        "at": 0.65 * span_s + np.sort(rng.uniform(0, min(1_800, 0.3 * span_s), n)),
        "seconds": sent / 1.5e6, "customer": customer, "host": 333,
        "sp": rng.integers(32_768, 61_000, n), "dp": 443, "protocol": TCP, "flags": OPEN,
        "sent": sent, "received": sent / 90,
    }  # fmt: skip


_PLANT = {"port_scan": _port_scan, "host_scan": _host_scan, "exfiltration": _exfiltration}


def _table(columns, begin):
    import polars as pl

    ms = np.rint(columns["at"] * 1e3).astype(np.int64)
    long = np.rint(columns["seconds"] * 1e3).astype(np.int64)
    ts = begin + ms.astype("timedelta64[ms]")
    sent = columns["sent"].astype(np.int64)
    received = columns["received"].astype(np.int64)
    packets = [_packets(bytes_) for bytes_ in (sent, received)]
    customer, device, host = (columns[name].astype(int) for name in ("customer", "device", "host"))
    n = len(ms)
    names = {
        "sa": _texts(customer, lambda k: f"10.{k // 62_500}.{k // 250 % 250}.{k % 250 + 1}"),
        "da": _texts(host, lambda k: f"{'203.0.113' if k < 250 else '198.51.100'}.{k % 250 + 1}"
                     if k < _HOSTS else f"172.16.{(k - _HOSTS) // 250}.{(k - _HOSTS) % 250 + 1}"),
        "ismc": _texts(customer * 8 + device, lambda k: f"02:00:00:{k >> 16:02x}:"
                       f"{k >> 8 & 255:02x}:{k & 255:02x}"),
    }  # fmt: skip
    label = columns["label"].astype(int)
    anomaly = pl.Series([*ANOMALIES, None], dtype=pl.String).gather(np.where(label < 0, 3, label))
    zero, small = (pl.repeat(0, n, dtype=dtype, eager=True) for dtype in (pl.Int64, pl.Int32))

    def one(text):
        return pl.repeat(text, n, eager=True).cast(pl.Categorical)

    return pl.DataFrame(
        {
            "ts": ts.astype("datetime64[us]"),
            "te": (ts + long.astype("timedelta64[ms]")).astype("datetime64[us]"),
            "td": long / 1e3,
            "sa": names["sa"],
            "da": names["da"],
            "sp": columns["sp"].astype(np.int32),
            "dp": columns["dp"].astype(np.int32),
            "pr": pl.Series(PROTOCOLS).gather(columns["protocol"].astype(int)).cast(pl.Categorical),
            "flg": pl.Series(FLAGS).gather(columns["flags"].astype(int)).cast(pl.Categorical),
            "ipkt": packets[0],
            "ibyt": sent,
            "opkt": packets[1],
            "obyt": received,
            "in": zero,
            "out": zero,
            **{name: small for name in ("dir", "svln", "dvln")},
            "ismc": names["ismc"].cast(pl.Categorical),
            "odmc": one("02:ff:00:00:00:01"),
            "idmc": one("00:00:00:00:00:00"),
            "osmc": one("00:00:00:00:00:00"),
            "anomaly": anomaly,
            "is_anomaly": label >= 0,
        }
    )


def _packets(bytes_):
    """Packets of a flow of so many bytes: small flows have small packets."""
    return np.where(bytes_ > 0, np.maximum(bytes_ // 1_200, 1) + (bytes_ > 500) * 3, 0)


def _texts(numbers, text):
    import polars as pl

    distinct, place = np.unique(numbers, return_inverse=True)
    return pl.Series([text(int(k)) for k in distinct], dtype=pl.String).gather(place)
