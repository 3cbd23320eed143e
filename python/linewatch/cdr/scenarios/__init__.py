"""Fraud and network faults, planted into generated calls with the truth beside them.

``cdr.generate(scenarios=["sim_box", "wangiri"])`` plants one incident of each;
``scenarios={"sim_box": {"count": 3, "difficulty": "hard", "sims": 10}}`` says more. A scenario is
a function that is handed an `Incident`: it draws from its generator and writes calls, accounts and
truth. `register` adds one of your own.

>>> from linewatch import cdr
>>> data = cdr.generate(users=300, days=3, seed=1, scenarios=["sim_box"])
>>> data.truth_tables()["calls"]["scenario"].unique().to_list()
['sim_box']
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from linewatch.cdr.scenarios.draws import Draws
from linewatch.cdr.scenarios.incident import ANYONE, BREAKS, RANGES, Incident

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from linewatch._typing import F


__all__ = ["ANYONE", "BREAKS", "DIFFICULTIES", "RANGES", "Draws", "Incident", "breaks", "names"]
__all__ += ["register", "unregister"]

DIFFICULTIES = ("easy", "medium", "hard")


@dataclass(frozen=True)
class Scenario:
    """A kind of incident: its function, what it breaks, and its options by difficulty."""

    name: str
    function: Callable[..., None]
    breaks: tuple[str, ...]
    options: dict[str, dict[str, Any]]
    is_own: bool = False


_scenarios = {}


def scenario(
    *,
    breaks: tuple[str, ...] = (),
    easy: Mapping[str, Any],
    medium: Mapping[str, Any],
    hard: Mapping[str, Any],
) -> Callable[[F], F]:
    """Make a function the scenario of its name."""

    def put(function):
        options = {"easy": easy, "medium": medium, "hard": hard}
        _scenarios[function.__name__] = Scenario(function.__name__, function, breaks, options)
        return function

    return put


def register(
    name: str,
    function: Callable[..., None],
    *,
    breaks: Sequence[str] = (),
    easy: Mapping[str, Any] | None = None,
    medium: Mapping[str, Any] | None = None,
    hard: Mapping[str, Any] | None = None,
) -> None:
    """Add a scenario of your own, for `generate` in this process.

    Parameters
    ----------
    name : str
        Lower-case letters and underscores; becomes the `anomaly_type` of the calls it adds.
    function : callable
        ``function(incident, **options)``. It may draw from ``incident.draw`` alone: with any other
        randomness, or with the clock, days made alone differ from the whole.
    breaks : tuple of str, default=()
        The invariants that its rows break on purpose: any of ``one_call_at_a_time``,
        ``own_papers``, ``answered``, ``domestic_number``.
    easy, medium, hard : dict, optional
        Options by difficulty, all with the same names; a data set may override each one.

    Raises
    ------
    ValueError
        If the name is taken or malformed, an invariant is unknown, or the options differ in name.
    TypeError
        If `function` cannot be called.

    See Also
    --------
    Incident : what the function is handed.

    Examples
    --------
    A line that rings the same few people every hour.

    >>> from linewatch import cdr
    >>> def nuisance(incident, *, calls):
    ...     start, end = incident.window(86_400, step_s=86_400)
    ...     caller = incident.account("nuisance")
    ...     for at in incident.draw.times(calls, start + 36_000, end - 7200):
    ...         incident.call(at, 5, caller)
    >>> levels = {"easy": {"calls": 50}, "medium": {"calls": 20}, "hard": {"calls": 5}}
    >>> cdr.register("nuisance", nuisance, **levels)
    >>> data = cdr.generate(users=100, days=2, scenarios={"nuisance": {"difficulty": "easy"}})
    >>> (data.truth["anomaly_type"] == "nuisance").sum()
    50
    >>> cdr.unregister("nuisance")
    """
    from linewatch.cdr.presets import ANOMALIES

    if not isinstance(name, str):
        raise TypeError(f"name must be text, got {type(name).__name__}")
    if not name.replace("_", "").isalpha() or not name.islower() or not name.isascii():
        raise ValueError(f"name must be lower-case letters and underscores, got {name!r}")
    if name in _scenarios or name in ("normal", *ANOMALIES):
        raise ValueError(f'name "{name}" is taken; choose another one')
    if not callable(function):
        raise TypeError(f"function must be callable, got {type(function).__name__}")
    for broken in breaks:
        if broken not in BREAKS:
            raise ValueError(f"breaks must be among {', '.join(BREAKS)}, got {broken!r}")
    options = {d: dict(o or {}) for d, o in zip(DIFFICULTIES, (easy, medium, hard))}
    if len({frozenset(o) for o in options.values()}) > 1:
        raise ValueError("easy, medium and hard must have options of the same names")
    _scenarios[name] = Scenario(name, function, tuple(breaks), options, is_own=True)


def unregister(name: str) -> None:
    """Remove a scenario that `register` added.

    Examples
    --------
    >>> from linewatch import cdr
    >>> cdr.register("silence", lambda incident: None)
    >>> cdr.unregister("silence")
    >>> "silence" in cdr.scenarios.names()
    False
    """
    if name not in _scenarios or not _scenarios[name].is_own:
        raise ValueError(f"{name!r} is no scenario of your own")
    del _scenarios[name]


def names() -> list[str]:
    """The scenarios there are.

    Examples
    --------
    >>> from linewatch.cdr import scenarios
    >>> scenarios.names()[:3]
    ['cell_outage', 'drop_surge', 'impossible_travel']
    """
    return sorted(_scenarios)


def breaks(name: str) -> tuple[str, ...]:
    """The invariants that the rows of a scenario break on purpose.

    Examples
    --------
    >>> from linewatch.cdr import scenarios
    >>> scenarios.breaks("pbx_hack")
    ('one_call_at_a_time', 'domestic_number')
    """
    return _scenarios[name].breaks


def get(name: str) -> Scenario:
    """The scenario of this name."""
    return _scenarios[name]


def clean(value: Mapping[str, Any] | Sequence[str]) -> dict[str, dict[str, Any]]:
    """The `scenarios` of a config as ``{name: {"count", "difficulty", options}}``, checked."""
    from linewatch.cdr.rules import nearest

    if isinstance(value, list | tuple):
        value = {name: {} for name in value}
    if not isinstance(value, dict):
        raise ValueError(f"scenarios must be a list of names or a table by name, got {value!r}")
    cleaned = {}
    for name in sorted(value, key=str):
        if name not in _scenarios:
            raise ValueError(
                f"scenarios has no {name!r}{nearest(name, names())} (it has {', '.join(names())})"
            )
        cleaned[name] = _options(name, value[name], nearest)
    return cleaned


def _options(name, given, nearest):
    if not isinstance(given, dict):
        raise ValueError(f"scenarios.{name} must be a table of options, got {given!r}")
    count, difficulty = given.get("count", 1), given.get("difficulty", "medium")
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= 10_000:
        raise ValueError(
            f"scenarios.{name}.count must be a whole number between 1 and 10000, got {count!r}"
        )
    if difficulty not in DIFFICULTIES:
        raise ValueError(
            f"scenarios.{name}.difficulty must be one of {', '.join(DIFFICULTIES)}, "
            f"got {difficulty!r}"
        )
    defaults = _scenarios[name].options[difficulty]
    cleaned = {"count": count, "difficulty": difficulty}
    for option, value in given.items():
        if option in cleaned:
            continue
        if option not in defaults:
            known = ("count", "difficulty", *defaults)
            raise ValueError(
                f'scenarios.{name} has no option "{option}"{nearest(option, known)} '
                f"(it has {', '.join(known)})"
            )
        expected, fits = _rule(defaults[option])
        if not fits(value):
            raise ValueError(f"scenarios.{name}.{option} must be {expected}, got {value!r}")
        value = type(defaults[option])(value)
        cleaned[option] = value
    return cleaned


def _rule(default):
    """What an option must be, by its default: in words, and as a test."""
    if isinstance(default, bool):
        return "true or false", lambda value: isinstance(value, bool)

    def number(least, most, whole):
        def fits(value):
            if isinstance(value, bool) or not isinstance(value, int | float):
                return False
            return least <= value <= most and (not whole or value == int(value))

        return fits

    if isinstance(default, int):
        return "a whole number between 1 and 1000000", number(1, 1_000_000, True)
    if isinstance(default, float) and default <= 1:
        return "a share between 0 and 1", number(0, 1, False)
    if isinstance(default, float):
        return "a number between 0 and 1000000", number(0, 1_000_000, False)
    expected = f"of the kind of {default!r}"
    return expected, lambda value: isinstance(value, type(default))


for _module in (
    "cell_outage",
    "drop_surge",
    "impossible_travel",
    "mediation",
    "pbx_hack",
    "ping_pong",
    "revenue_share",
    "robocalling",
    "sim_box",
    "sim_swap",
    "subscription_fraud",
    "wangiri",
):
    import_module(f"{__name__}.{_module}")
