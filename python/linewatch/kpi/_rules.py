"""Names and defaults of the baselines and of the rules, and which way a KPI is worse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from linewatch import _tables
from linewatch._arguments import check_number, quoted, whole_number

if TYPE_CHECKING:
    from typing import Any, Literal


# How a baseline is made, and the window and history it has by default.
METHODS: dict[str, dict[str, int]] = {
    "hour of week": {"window": 24, "min_periods": 3},
    "time of day": {"window": 28, "min_periods": 3},
    "rolling": {"window": 168, "min_periods": 24},
    "ewma": {"window": 168, "min_periods": 24},
    "seasonal median": {"window": 168, "min_periods": 24},
}
STATISTICS = ("mean", "median")
SEASONS = 8  # rows of the same hour of the week in a seasonal median
SEASONS_MIN = 3

# The rules in the order of the bits of ``rules``.
RULES: dict[str, dict[str, Any]] = {
    "z": {"threshold": 5.0},
    "robust_z": {"threshold": 5.0},
    "threshold": {"on": 4.0, "off": 2.0, "of": "z"},
    "new_extreme": {"threshold": 0.1, "warm_up": 168},
    "ewma_error": {"threshold": 8.0, "span": 24, "scale_span": 1000, "warm_up": 168},
    "flat_run": {"min_length": 6, "tolerance": 0.0, "warm_up": 168, "factor": 2.0},
    "drop_out": {"min_length": 3, "margin": 3.0},
    "level_shift": {"k": 0.8, "h": 10.0, "clip": 3.0, "cap": 1.25, "span": 168, "warm_up": 24},
    "drift": {
        "delta": 0.6,
        "threshold": 32.0,
        "clip": 3.0,
        "cap": 1.25,
        "span": 336,
        "warm_up": 24,
    },
    "variance_shift": {"threshold": 2.0, "span": 24, "clip": 3.0, "warm_up": 168},
    "seasonal_break": {"threshold": 0.3, "span": 48, "warm_up": 168, "margin": 2.0},
    "peers": {"threshold": 6.0, "n_clusters": 8, "min_peers": 5, "floor": 1.0},
    "isolation_forest": {"model": None, "contamination": 0.001, "random_state": 0},
}
DEFAULT_RULES = (
    "z", "drop_out", "flat_run", "level_shift", "drift", "variance_shift", "seasonal_break",
)  # fmt: skip
# Rules that look at all cells or all rows at once.
BATCH_ONLY = ("peers", "isolation_forest")

POLARITIES = ("high", "low", "both")
_HIGH = {
    "drop", "drops", "dropped", "fail", "fails", "failed", "failure", "failures", "error",
    "errors", "loss", "losses", "lost", "latency", "delay", "delays", "jitter", "rtt",
    "congestion", "congested", "blocked", "blocking", "reject", "rejected", "rejects",
    "rejections", "retransmission", "retransmissions", "retransmitted", "interference", "bler",
    "ber", "outage", "outages", "downtime", "unavailability", "unavailable", "alarms",
    "utilization", "utilisation", "timeout", "timeouts", "queue", "dcr", "cdr", "abnormal",
}  # fmt: skip
_LOW = {
    "traffic", "trafic", "throughput", "volume", "users", "user", "success", "successful",
    "availability", "available", "cqi", "rsrp", "rsrq", "sinr", "snr", "erlang", "erlangs",
    "calls", "attempts", "accessibility", "retainability", "integrity", "speed", "bytes",
    "packets", "subscribers", "sessions", "connections", "uptime", "cssr", "quality", "mos",
}  # fmt: skip


def polarity(name: str) -> Literal["high", "low", "both"]:
    """Which way a KPI is worse, by the words of its name.

    Parameters
    ----------
    name : str
        Name of the KPI; ``DropRate``, ``drop_rate`` and ``drop-rate`` are the same.

    Returns
    -------
    {"high", "low", "both"}
        ``"high"`` where more is worse (drops, failures, loss, delay, utilization), ``"low"``
        where less is (traffic, users, throughput, success, availability), ``"both"`` where the
        name does not say. A word for what goes wrong decides over the others: more
        ``packets_lost`` are worse.

    Raises
    ------
    TypeError
        If `name` is no text.

    Examples
    --------
    >>> from linewatch import kpi
    >>> kpi.polarity("call_drop_rate"), kpi.polarity("TRAFIC_CS"), kpi.polarity("rate")
    ('high', 'low', 'both')
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be text, got {name!r}")
    words = set(_tables.words(name).split())
    return "high" if words & _HIGH else "low" if words & _LOW else "both"


def polarities(kpis, given):
    """The polarity of each KPI: the caller's mapping over the default by name."""
    given = given or {}
    if isinstance(given, str):
        given = dict.fromkeys(kpis, given)
    if not isinstance(given, Mapping):
        raise TypeError(f"polarity must be a dict of KPI to high, low or both, got {given!r}")
    for name, side in given.items():
        if name not in kpis:
            raise ValueError(f'polarity names "{name}", but the KPIs are {quoted(kpis, most=None)}')
        if side not in POLARITIES:
            raise ValueError(f'polarity of "{name}" must be high, low or both, got {side!r}')
    return {name: given.get(name) or polarity(name) for name in kpis}


def chosen(rules):
    """The rules asked for with all their parameters, in the order of `RULES`."""
    if rules is None:
        rules = DEFAULT_RULES
    if isinstance(rules, str):
        rules = [rules]
    if not isinstance(rules, Mapping):
        rules = dict.fromkeys(rules, None)
    if not rules:
        raise ValueError(f"rules must name at least one of {', '.join(RULES)}")
    out = {}
    for name, given in rules.items():
        if name not in RULES:
            raise ValueError(f"there is no rule {name!r}; the rules are {', '.join(RULES)}")
        given = given or {}
        for parameter in given:
            if parameter not in RULES[name]:
                known = ", ".join(RULES[name])
                raise ValueError(f"rule {name} has no parameter {parameter!r}; it has {known}")
        out[name] = RULES[name] | dict(given)
        _check(name, out[name])
    return {name: out[name] for name in RULES if name in out}


# Parameters that may be 0; the others are above 0.
_FROM_ZERO = {"warm_up", "tolerance", "margin", "k", "delta", "floor", "factor", "off"}


def _check(rule, parameters):
    for name, value in parameters.items():
        title = f"{name} of rule {rule}"
        if name in ("model", "random_state"):
            continue
        if name == "of":
            if value not in ("z", "value"):
                raise ValueError(f"{title} must be z or value, got {value!r}")
        elif name in ("warm_up", "n_clusters", "min_peers"):
            whole_number(title, value, 0 if name == "warm_up" else 1)
        elif rule == "threshold" and isinstance(value, Mapping):
            for number in value.values():
                check_number(title, number, "a number", lambda x: x == x)
        elif rule == "threshold" and parameters["of"] == "value":
            check_number(title, value, "a number", lambda x: x == x)
        elif name in _FROM_ZERO:
            check_number(title, value, "a number that is not negative", lambda x: x >= 0)
        else:
            check_number(title, value, "a number above 0", lambda x: x > 0)
    if rule == "threshold" and parameters["of"] == "z":
        on, off = parameters["on"], parameters["off"]
        if isinstance(on, Mapping) or isinstance(off, Mapping):
            raise TypeError("on and off of rule threshold are single numbers unless of is value")
        if off > on:
            raise ValueError(f"off of rule threshold must not be above on ({on}), got {off}")
    if rule == "level_shift" and parameters["cap"] < 1:
        raise ValueError(f"cap of rule level_shift must be at least 1, got {parameters['cap']}")
    if rule == "drift" and parameters["cap"] < 1:
        raise ValueError(f"cap of rule drift must be at least 1, got {parameters['cap']}")
    if rule == "seasonal_break" and parameters["threshold"] >= 1:
        found = parameters["threshold"]
        raise ValueError(f"threshold of rule seasonal_break must be below 1, got {found}")
