"""What the fields of a config must be, in words and as functions."""

from __future__ import annotations

import datetime
import difflib
import math
import re
from dataclasses import field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from typing import Any

    from linewatch._typing import T


def ours(default: Any, rule: Rule, *, keys: Any = None, absent: Any = None) -> Any:
    """A field: its default, the rule for its value or for each value under `keys`.

    A key that is not given is an error, or has the value `absent`.
    """
    metadata = {"rule": rule, "keys": keys, "absent": absent}
    if isinstance(default, dict):
        return field(default_factory=lambda: copy(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def copy(value: T) -> T:
    return {k: copy(v) for k, v in value.items()} if isinstance(value, dict) else value


class Rule:
    """What a value must be, in words, and a function that gives it clean or raises ValueError."""

    expected: str
    clean: Callable[[Any], Any]

    def __init__(self, expected: str, clean: Callable[[Any], Any]) -> None:
        self.expected = expected
        self.clean = clean


def number(least: float, most: float = math.inf, *, above: bool = False) -> Rule:
    if most == math.inf:
        expected = f"a number above {least}" if above else f"a number from {least} on"
    else:
        expected = (
            f"a number above {least} and up to {most}"
            if above
            else (f"a number between {least} and {most}")
        )

    def clean(value):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError
        value = float(value)
        if not math.isfinite(value) or not least <= value <= most or (above and value == least):
            raise ValueError
        return value

    return Rule(expected, clean)


def whole(least: int, most: int) -> Rule:
    def clean(value):
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            raise ValueError
        value = value.__index__()
        if not least <= value <= most:
            raise ValueError
        return value

    return Rule(f"a whole number between {least} and {most}", clean)


def several(count: int, rule: Rule, what: str) -> Rule:
    def clean(value):
        if not isinstance(value, list | tuple) or len(value) != count:
            raise ValueError
        return tuple(rule.clean(v) for v in value)

    return Rule(what, clean)


def pair(rule: Rule, what: str) -> Rule:
    def clean(value):
        low, high = several(2, rule, what).clean(value)
        if low > high:
            raise ValueError
        return low, high

    return Rule(what, clean)


def hours(most: float) -> Rule:
    each = f"a number between 0 and {most}" if most != math.inf else "a number from 0 on"

    def clean(value):
        values = several(24, number(0, most), "").clean(value)
        if most == math.inf and sum(values) <= 0:
            raise ValueError
        return values

    return Rule(f"24 numbers, one an hour, each {each}", clean)


def choice(names: Collection[str]) -> Rule:
    def clean(value):
        if value not in names:
            raise ValueError
        return value

    return Rule("one of " + ", ".join(f'"{name}"' for name in names), clean)


def some_of(names: Collection[str]) -> Rule:
    """A list of some of `names`, in their order."""

    def clean(value):
        if not isinstance(value, list | tuple) or len(set(value)) != len(value):
            raise ValueError
        if not set(value) <= set(names):
            raise ValueError
        return tuple(name for name in names if name in value)

    return Rule("a list of some of " + ", ".join(f'"{name}"' for name in names), clean)


def _clean_offset(value):
    if not isinstance(value, str) or not re.fullmatch(r"[+-](0\d|1[0-4])[0-5]\d", value):
        raise ValueError
    return value


def _clean_flag(value):
    if not isinstance(value, bool):
        raise ValueError
    return value


def _clean_date(value):
    if isinstance(value, datetime.datetime):
        raise ValueError
    if isinstance(value, datetime.date):
        return value
    if not isinstance(value, str):
        raise ValueError
    return datetime.date.fromisoformat(value)


def _clean_sizes(value):
    """Sizes of communities with their weights, as {size: weight}; TOML has text for keys."""
    if not isinstance(value, dict) or not value:
        raise ValueError
    sizes = {}
    for size, weight in value.items():
        size = int(size) if isinstance(size, str) else size
        sizes[whole(2, 50).clean(size)] = number(0).clean(weight)
    if sum(sizes.values()) <= 0:
        raise ValueError
    return dict(sorted(sizes.items()))


FLAG = Rule("true or false", _clean_flag)
OFFSET = Rule('local time minus UTC such as "+0530", up to 14 hours', _clean_offset)
DATE = Rule('a date such as "2024-01-01"', _clean_date)
SIZES = Rule("weights by size, sizes from 2 to 50", _clean_sizes)
SHARE = number(0, 1)
WEIGHT = number(0)
SPREAD = number(0, 3)


def nearest(name: object, names: Iterable[object]) -> str:
    """``; did you mean "..."?`` if one of `names` is near, else nothing."""
    near = difflib.get_close_matches(str(name), names, n=1)
    return f'; did you mean "{near[0]}"?' if near else ""


def check(name: str, value: Any, rule: Rule, keys: Any) -> Any:
    if keys is None:
        try:
            return rule.clean(value)
        except (ValueError, TypeError):
            raise ValueError(f"{name} must be {rule.expected}, got {value!r}") from None
    keys, deeper = (keys, None) if isinstance(keys[0], str) else (keys[0], keys[1])
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be a table with {', '.join(keys)}, got {value!r}")
    for key in value:
        if key not in keys:
            raise ValueError(
                f'{name} has no entry "{key}"{nearest(key, keys)} (it has {", ".join(keys)})'
            )
    for key in keys:
        if key not in value:
            raise ValueError(f'{name} needs all of {", ".join(keys)}; "{key}" is missing')
    return {key: check(f"{name}.{key}", value[key], rule, deeper) for key in keys}
