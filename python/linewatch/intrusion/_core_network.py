"""Labelled records of 5G core signalling, made up but made up plainly.

Records have the 41 columns of NSL-KDD where they mean something in a core network, so that the
same features and detectors run on both. Rates over the last two seconds and the last 256 records of
a destination are drawn, not counted from the other rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np

from linewatch._frames import as_backend
from linewatch._nsl_kdd import CATEGORICAL, FEATURES, RATES
from linewatch._sizes import check_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    import pandas as pd
    import polars as pl
    import pyarrow as pa


# Function: protocol, share of normal records, median bytes to it and from it, seconds it takes.
FUNCTIONS = {
    "amf": ("tcp", 0.24, 420, 380, 0.08),
    "smf": ("tcp", 0.18, 610, 540, 0.12),
    "ausf": ("tcp", 0.12, 350, 300, 0.05),
    "upf": ("udp", 0.08, 300, 260, 0.04),
    "gtp_u": ("gtp", 0.12, 52_000, 310_000, 40.0),
    "gtp_c": ("gtp", 0.06, 260, 220, 0.06),
    "sip": ("sip", 0.10, 900, 1_100, 6.0),
    "diameter": ("diameter", 0.10, 480, 520, 0.07),
}
ATTACKS = (
    "registration_storm",
    "session_setup_failure",
    "gtp_tunnel_abuse",
    "diameter_scan",
    "sip_scan",
)


@overload
def simulate_core(
    n_rows: int = ...,
    *,
    attack_share: float = ...,
    attacks: str | Sequence[str] = ...,
    seed: int = ...,
    backend: Literal["polars"] = ...,
) -> pl.DataFrame: ...
@overload
def simulate_core(
    n_rows: int = ...,
    *,
    attack_share: float = ...,
    attacks: str | Sequence[str] = ...,
    seed: int = ...,
    backend: Literal["pandas"],
) -> pd.DataFrame: ...
@overload
def simulate_core(
    n_rows: int = ...,
    *,
    attack_share: float = ...,
    attacks: str | Sequence[str] = ...,
    seed: int = ...,
    backend: Literal["pyarrow"],
) -> pa.Table: ...
def simulate_core(n_rows=20_000, *, attack_share=0.1, attacks=ATTACKS, seed=0, backend="polars"):
    """Records of core-network signalling with labelled attacks; for trying features, not a truth.

    Normal records are exchanges with AMF, SMF, AUSF, UPF, GTP, SIP and Diameter peers, their sizes
    and durations lognormal around the figures in ``FUNCTIONS``. Attacks are:

    ``registration_storm``
        Devices register with the AMF again and again: hundreds of short requests in two seconds,
        answers cut down.
    ``session_setup_failure``
        The SMF rejects session set-ups: small answers, error rates near 1.
    ``gtp_tunnel_abuse``
        Data carried through a GTP tunnel in one direction: many bytes up, next to none back.
    ``diameter_scan``, ``sip_scan``
        One peer asks for many identities or numbers: short requests, hardly an answer, rejected,
        to ever other hosts.

    Parameters
    ----------
    n_rows : int, default=20000
        Number of records.
    attack_share : float, default=0.1
        Share of them that are attacks; exactly ``round(attack_share * n_rows)`` rows.
    attacks : str or sequence of str
        The kinds, in equal numbers as far as that goes.
    seed : int, default=0
        The same seed gives the same rows.
    backend : {"polars", "pandas", "pyarrow"}, default="polars"
        The kind of frame.

    Returns
    -------
    DataFrame with `n_rows` rows in random order
        The 41 features of NSL-KDD, ``label`` (``normal`` or the attack) and ``attack`` (0 or 1).
        Durations are seconds.

    Raises
    ------
    ValueError
        If a number is out of range or an attack is not known.

    Examples
    --------
    >>> from linewatch import intrusion
    >>> core = intrusion.simulate_core(1000, seed=1)
    >>> core.shape, core["attack"].sum()
    ((1000, 43), 100)
    """
    import polars as pl

    for name, value in (("n_rows", n_rows), ("seed", seed)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise TypeError(f"{name} must be a whole number, got {value!r}")
    if seed < 0:
        raise ValueError(f"seed must be at least 0, got {seed}")
    attacks = (attacks,) if isinstance(attacks, str) else tuple(attacks)
    if n_rows < 1:
        raise ValueError(f"n_rows must be at least 1, got {n_rows}")
    check_rows(n_rows, f"n_rows={n_rows}")
    if not 0 <= attack_share <= 1:
        raise ValueError(f"attack_share must be from 0 to 1, got {attack_share}")
    for name in attacks:
        if name not in ATTACKS:
            raise ValueError(f"attack {name!r} is not known; there are {', '.join(ATTACKS)}")
    n_attacks = round(attack_share * n_rows)
    if n_attacks and not attacks:
        raise ValueError("attacks is empty; name at least one, or set attack_share=0")
    rng = np.random.default_rng(seed)
    names = list(FUNCTIONS)
    shares = np.array([FUNCTIONS[name][1] for name in names])
    function = rng.choice(len(names), n_rows, p=shares / shares.sum())
    kind = np.full(n_rows, -1)
    kind[:n_attacks] = np.resize([ATTACKS.index(name) for name in attacks], n_attacks)
    rng.shuffle(kind)
    target = np.array([names.index(n) for n in ("amf", "smf", "gtp_u", "diameter", "sip")])
    function = np.where(kind >= 0, target[kind], function)

    columns = _normal(rng, function, names)
    for number, name in enumerate(ATTACKS):
        at = np.flatnonzero(kind == number)
        for column, values in _attack(rng, name, len(at)).items():
            columns[column][at] = values
    for column in RATES:
        columns[column] = np.clip(columns[column], 0, 1).round(2)
    frame = pl.DataFrame({name: _stored(name, columns[name]) for name in FEATURES})
    label = np.array([*ATTACKS, "normal"], dtype=object)[kind]
    return as_backend(
        frame.with_columns(
            pl.Series("label", label, pl.String), pl.Series("attack", kind >= 0).cast(pl.Int8)
        ),
        backend,
    )


def _normal(rng, function, names):
    """Columns of records with nothing wrong."""
    n = len(function)
    protocol, _, up, down, seconds = zip(*FUNCTIONS.values())
    columns = {name: np.zeros(n) for name in FEATURES}
    columns["protocol_type"] = np.array(protocol, dtype=object)[function]
    columns["service"] = np.array(names, dtype=object)[function]
    columns["flag"] = np.where(rng.random(n) < 0.97, "SF", "REJ").astype(object)
    columns["src_bytes"] = np.array(up)[function] * rng.lognormal(0, 0.4, n)
    columns["dst_bytes"] = np.array(down)[function] * rng.lognormal(0, 0.4, n)
    columns["duration"] = np.array(seconds)[function] * rng.lognormal(0, 0.5, n)
    columns["logged_in"] = np.ones(n)
    columns["count"] = 1 + rng.poisson(12, n)
    columns["srv_count"] = 1 + rng.poisson(8, n)
    columns["dst_host_count"] = rng.integers(60, 256, n)
    columns["dst_host_srv_count"] = rng.integers(40, 256, n)
    for name in RATES:
        columns[name] = np.where(rng.random(n) < 0.9, 0.0, rng.beta(1, 12, n))
    for name in ("same_srv_rate", "dst_host_same_srv_rate"):
        columns[name] = rng.beta(12, 2, n)
    return columns


def _attack(rng, name, n):
    """The columns that an attack of this name changes."""
    if name == "registration_storm":
        return {
            "count": rng.integers(250, 512, n),
            "srv_count": rng.integers(230, 512, n),
            "duration": rng.lognormal(np.log(0.01), 0.4, n),
            "dst_bytes": rng.lognormal(np.log(60), 0.4, n),
            "same_srv_rate": rng.beta(60, 1, n),
        }
    if name == "session_setup_failure":
        changed = {rate: rng.beta(12, 2, n) for rate in RATES if "rerror" in rate}
        return changed | {
            "flag": np.full(n, "REJ", dtype=object),
            "dst_bytes": rng.lognormal(np.log(70), 0.3, n),
        }
    if name == "gtp_tunnel_abuse":
        return {
            "src_bytes": rng.lognormal(np.log(4e6), 0.8, n),
            "dst_bytes": rng.lognormal(np.log(2_000), 0.8, n),
            "duration": rng.lognormal(np.log(300), 0.6, n),
        }
    return {  # a scan
        "flag": np.where(rng.random(n) < 0.7, "REJ", "S0").astype(object),
        "src_bytes": rng.lognormal(np.log(180), 0.3, n),
        "dst_bytes": np.where(rng.random(n) < 0.6, 0, rng.integers(40, 90, n)),
        "duration": rng.lognormal(np.log(0.02), 0.5, n),
        "count": rng.integers(60, 300, n),
        "srv_count": rng.integers(60, 300, n),
        "rerror_rate": rng.beta(8, 3, n),
        "srv_diff_host_rate": rng.beta(8, 2, n),
        "dst_host_count": rng.integers(1, 30, n),
    }


def _stored(name, values):
    """Whole numbers as NSL-KDD has them; durations keep their milliseconds."""
    if name in CATEGORICAL:
        return values.astype(str)
    if name == "duration":
        return values.round(3)
    return values if name in RATES else np.rint(values).astype(np.int64)
