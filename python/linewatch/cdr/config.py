"""What a generated world looks like: every number as a field with a name, a rule and a default."""

import dataclasses
import datetime
import difflib
import math
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

AREAS = ("downtown", "commercial", "residential", "suburban")
USER_TYPES = ("individual", "business", "student")
PATTERNS = ("business", "social")
COMMUNITIES = ("families", "work_groups", "friend_circles")
CONTACTS = (*COMMUNITIES, "acquaintances")
BASIC = ("short_call", "long_call", "off_hour_call", "burst_call")
SCENARIOS = (
    "sim_box_call",
    "wangiri_call",
    "robocall",
    "pbx_hack_call",
    "subscription_fraud_call",
    "impossible_travel_call",
)
ANOMALIES = (*BASIC, *SCENARIOS)
DAYS = ("weekday", "weekend")
SHAPES = ("log-normal", "log-logistic", "normal")


def _ours(default, rule, *, keys=None, absent=None):
    """A field: its default, the rule for its value or for each value under `keys`.

    A key that is not given is an error, or has the value `absent`.
    """
    metadata = {"rule": rule, "keys": keys, "absent": absent}
    if isinstance(default, dict):
        return field(default_factory=lambda: _copy(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def _copy(value):
    return {k: _copy(v) for k, v in value.items()} if isinstance(value, dict) else value


class _Rule:
    """What a value must be, in words, and a function that gives it clean or raises ValueError."""

    def __init__(self, expected, clean):
        self.expected = expected
        self.clean = clean


def _number(least, most=math.inf, *, above=False):
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

    return _Rule(expected, clean)


def _whole(least, most):
    def clean(value):
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            raise ValueError
        value = value.__index__()
        if not least <= value <= most:
            raise ValueError
        return value

    return _Rule(f"a whole number between {least} and {most}", clean)


def _several(count, rule, what):
    def clean(value):
        if not isinstance(value, list | tuple) or len(value) != count:
            raise ValueError
        return tuple(rule.clean(v) for v in value)

    return _Rule(what, clean)


def _pair(rule, what):
    def clean(value):
        low, high = _several(2, rule, what).clean(value)
        if low > high:
            raise ValueError
        return low, high

    return _Rule(what, clean)


def _hours(most):
    each = f"a number between 0 and {most}" if most != math.inf else "a number from 0 on"

    def clean(value):
        values = _several(24, _number(0, most), "").clean(value)
        if most == math.inf and sum(values) <= 0:
            raise ValueError
        return values

    return _Rule(f"24 numbers, one an hour, each {each}", clean)


def _choice(names):
    def clean(value):
        if value not in names:
            raise ValueError
        return value

    return _Rule("one of " + ", ".join(f'"{name}"' for name in names), clean)


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
        sizes[_whole(2, 50).clean(size)] = _number(0).clean(weight)
    if sum(sizes.values()) <= 0:
        raise ValueError
    return dict(sorted(sizes.items()))


_FLAG = _Rule("true or false", _clean_flag)
_DATE = _Rule('a date such as "2024-01-01"', _clean_date)
_SIZES = _Rule("weights by size, sizes from 2 to 50", _clean_sizes)
_SHARE = _number(0, 1)
_WEIGHT = _number(0)
_SPREAD = _number(0, 3)


def _day(text):
    """24 numbers, an hour each."""
    return tuple(map(float, text.split()))


# The map of Delhi, in boxes that do not overlap: south, north; west, east.
_LATITUDES = {
    "downtown": (28.60, 28.66),
    "commercial": (28.53, 28.60),
    "residential": (28.60, 28.72),
    "suburban": (28.40, 28.53),
}
_LONGITUDES = {
    "downtown": (77.18, 77.26),
    "commercial": (77.18, 77.30),
    "residential": (77.05, 77.18),
    "suburban": (76.98, 77.32),
}
_RHYTHM = {
    "business": {
        # A steep morning, a dip at lunch, a long afternoon.
        "weekday": _day(
            "0.45 0.22 0.12 0.1 0.14 0.45 1.5 3.6 6.4 8.6 9.2 8.9 "
            "7.4 6.9 7.9 8.3 8.4 8.2 7.6 6.2 4.6 3.2 1.9 0.95"
        ),
        "weekend": _day(
            "0.75 0.4 0.2 0.14 0.15 0.35 0.9 2.2 4.3 6.6 8 8.6 "
            "8.2 7 6.4 6.3 6.8 7.6 8.4 7.6 6 4.4 2.7 1.4"
        ),
    },
    "social": {
        "weekday": _day(
            "0.75 0.35 0.18 0.12 0.13 0.35 1.1 2.4 3.9 4.9 5.4 5.7 "
            "5.9 5.6 5.2 5.5 6.2 7.6 9.2 9.9 8.9 6.6 4.1 2"
        ),
        "weekend": _day(
            "1.2 0.65 0.34 0.2 0.16 0.25 0.6 1.4 2.9 4.8 6.2 7 "
            "7.2 6.5 5.9 5.9 6.4 7.4 8.6 9 8.2 6.6 4.6 2.7"
        ),
    },
}
_HOME = {
    "weekday": _day(
        "0.9 0.92 0.93 0.93 0.92 0.9 0.86 0.72 0.5 0.34 0.28 0.27 "
        "0.28 0.29 0.28 0.28 0.3 0.36 0.46 0.57 0.66 0.75 0.82 0.87"
    ),
    "weekend": _day(
        "0.86 0.88 0.9 0.9 0.9 0.9 0.88 0.84 0.76 0.66 0.58 0.53 "
        "0.52 0.54 0.53 0.5 0.47 0.45 0.46 0.5 0.57 0.66 0.75 0.82"
    ),
}
_WORK = {
    "weekday": _day(
        "0.04 0.03 0.03 0.03 0.03 0.04 0.06 0.14 0.34 0.52 0.58 0.58 "
        "0.52 0.54 0.57 0.57 0.54 0.44 0.28 0.15 0.09 0.06 0.05 0.04"
    ),
    "weekend": _day(
        "0.02 0.02 0.02 0.02 0.02 0.02 0.03 0.05 0.08 0.11 0.13 0.13 "
        "0.12 0.12 0.12 0.12 0.11 0.09 0.07 0.05 0.04 0.03 0.02 0.02"
    ),
}


@dataclass(kw_only=True)
class Config:
    """Everything that decides a generated data set, with its defaults.

    Each field is checked by name when the object is made; ``Config.from_toml(path)`` reads and
    ``config.to_toml(path)`` writes the same names. ``Config.preset(name)`` gives the presets.

    Parameters
    ----------
    users, days, seed, start, towers
        Size: 10 users or more, days from `start` (a date), the number that all randomness hangs
        on, and towers (one for each 50 users if None, at least 50 and at most 4,000).
    calls_per_user_day : float
        Calls that a user makes a day: the mean over users and over a week.
    anomaly_ratio : float, anomaly_mix : dict
        Share of rows that are anomalies, and the weights of their kinds: short, long, off-hour and
        burst calls evenly by default; a kind that is not named has none.
    user_types, business_pattern, user_type_activity : dict
        Shares of the user types, the share of each that calls in the business rhythm, how much
        each calls relative to the others.
    activity_spread, user_day_spread, user_hour_spread : float
        Standard deviation of the logarithm of how much users call: between users, between the
        days of a user, between its hours.
    rhythm, weekend_volume, chronotype_share
        Weights of the hours by pattern and kind of day; volume of a Saturday or Sunday relative to
        a weekday; share of users an hour early, and as many an hour late.
    day_noise, hour_noise : float
        Standard deviation of the logarithm of the volume of days and hours.
    follow_up, follow_up_gap_s : float
        Chance that a call is soon followed by another one of the same caller, and the mean
        seconds between them.
    duration_shape, duration_center_s, duration_spread, duration_least_s, talker_spread
        Family of the durations; median (mean for "normal"), spread and least by user type;
        standard deviation of the logarithm of how long users talk.
    families, work_groups, friend_circles : dict
        Weights by size. `community_shares` says which share of users belongs to one of each
        kind, `one_community` that nobody belongs to more than one.
    contact_shares, stranger_share, tie_spread, acquaintances, acquaintances_spread
        Whom calls go to: weights of the kinds of contact, share of calls to anybody at all,
        inequality of the ties in a community, median and spread of the number of acquaintances.
    area_shares, area_latitudes, area_longitudes, area_homes, area_work : dict
        The map: shares of the towers by area, its box in degrees, how much its towers draw homes
        and work places. `tower_spacing_m`, `tower_popularity` and `small_cell_share` lay out the
        towers.
    at_home, at_work, day_place_share, other_places
        Where users are: chance by kind of day and hour, share of users outside work groups with
        a day place near home, number of other places.
    handover_base, handover_half_s, handover_most, handover_to_neighbor
        Chance of a handover at any duration; duration at which half of the calls have one; most;
        whether it leads to a neighbor or to any tower.
    account_age_days : (int, int)
        Least and most days that an account is older than the data.
    scenarios : dict or list of str
        Incidents planted beside the quota, by the name of their scenario: ``count``,
        ``difficulty`` ("easy", "medium" or "hard") and the scenario's own options. See
        `linewatch.cdr.scenarios`.

    Raises
    ------
    ValueError
        With the field, what it must be and what it was.

    Examples
    --------
    >>> from linewatch import cdr
    >>> cdr.Config(users=500, anomaly_ratio=0.02).towers is None
    True
    >>> cdr.Config(anomaly_ration=0.02)
    Traceback (most recent call last):
        ...
    TypeError: Config has no field "anomaly_ration"; did you mean "anomaly_ratio"?
    """

    users: int = _ours(1000, _whole(10, 99_999_998))
    days: int = _ours(7, _whole(1, 36_500))
    seed: int = _ours(0, _whole(0, 2**64 - 1))
    start: datetime.date = _ours(datetime.date(2024, 1, 1), _DATE)
    towers: int | None = _ours(None, _whole(2, 65_000))
    calls_per_user_day: float = _ours(8.0, _number(0, 500, above=True))
    anomaly_ratio: float = _ours(0.05, _SHARE)
    anomaly_mix: dict = _ours(dict.fromkeys(BASIC, 1.0), _WEIGHT, keys=ANOMALIES, absent=0.0)
    user_types: dict = _ours(
        {"individual": 0.7, "business": 0.2, "student": 0.1}, _WEIGHT, keys=USER_TYPES
    )
    business_pattern: dict = _ours(
        {"individual": 0.3, "business": 0.9, "student": 0.1}, _SHARE, keys=USER_TYPES
    )
    user_type_activity: dict = _ours(
        {"individual": 1.0, "business": 1.5, "student": 0.9},
        _number(0, above=True),
        keys=USER_TYPES,
    )
    activity_spread: float = _ours(0.95, _number(0, 2))
    user_day_spread: float = _ours(0.6, _number(0, 2))
    user_hour_spread: float = _ours(1.1, _number(0, 2))
    rhythm: dict = _ours(_RHYTHM, _hours(math.inf), keys=(PATTERNS, DAYS))
    weekend_volume: dict = _ours({"business": 0.45, "social": 0.9}, _number(0, 10), keys=PATTERNS)
    chronotype_share: float = _ours(0.25, _number(0, 0.5))
    day_noise: float = _ours(0.04, _number(0, 1))
    hour_noise: float = _ours(0.06, _number(0, 1))
    follow_up: float = _ours(0.42, _number(0, 0.9))
    follow_up_gap_s: float = _ours(240.0, _number(0, 3600))
    duration_shape: str = _ours("log-normal", _choice(SHAPES))
    duration_center_s: dict = _ours(
        {"individual": 62.0, "business": 85.0, "student": 70.0},
        _number(0, 3600, above=True),
        keys=USER_TYPES,
    )
    duration_spread: dict = _ours(dict.fromkeys(USER_TYPES, 1.05), _SPREAD, keys=USER_TYPES)
    duration_least_s: dict = _ours(dict.fromkeys(USER_TYPES, 1), _whole(1, 3600), keys=USER_TYPES)
    talker_spread: float = _ours(0.3, _number(0, 1.5))
    families: dict = _ours({2: 0.2, 3: 0.4, 4: 0.3, 5: 0.1}, _SIZES)
    work_groups: dict = _ours({3: 0.3, 5: 0.4, 8: 0.2, 12: 0.1}, _SIZES)
    friend_circles: dict = _ours({4: 0.5, 5: 0.3, 7: 0.2}, _SIZES)
    community_shares: dict = _ours(
        {"families": 0.95, "work_groups": 0.35, "friend_circles": 0.9}, _SHARE, keys=COMMUNITIES
    )
    one_community: bool = _ours(False, _FLAG)
    contact_shares: dict = _ours(
        {"families": 0.36, "work_groups": 0.2, "friend_circles": 0.24, "acquaintances": 0.2},
        _WEIGHT,
        keys=CONTACTS,
    )
    stranger_share: float = _ours(0.01, _SHARE)
    tie_spread: float = _ours(0.8, _number(0, 3))
    acquaintances: float = _ours(3.0, _number(1, 200))
    acquaintances_spread: float = _ours(1.7, _SPREAD)
    area_shares: dict = _ours(
        {"downtown": 0.3, "commercial": 0.25, "residential": 0.25, "suburban": 0.2},
        _WEIGHT,
        keys=AREAS,
    )
    area_latitudes: dict = _ours(
        _LATITUDES, _pair(_number(-80, 80), "south and north end in degrees, -80 to 80"), keys=AREAS
    )
    area_longitudes: dict = _ours(
        _LONGITUDES,
        _pair(_number(-180, 180), "west and east end in degrees, -180 to 180"),
        keys=AREAS,
    )
    area_homes: dict = _ours(
        {"downtown": 0.5, "commercial": 0.35, "residential": 2.0, "suburban": 1.5},
        _WEIGHT,
        keys=AREAS,
    )
    area_work: dict = _ours(
        {"downtown": 2.0, "commercial": 2.0, "residential": 0.35, "suburban": 0.3},
        _WEIGHT,
        keys=AREAS,
    )
    tower_spacing_m: float = _ours(150.0, _number(10, 10_000))
    tower_popularity: float = _ours(0.7, _number(0, 2))
    small_cell_share: float = _ours(0.25, _SHARE)
    at_home: dict = _ours(_HOME, _hours(1), keys=DAYS)
    at_work: dict = _ours(_WORK, _hours(1), keys=DAYS)
    day_place_share: float = _ours(0.45, _SHARE)
    other_places: int = _ours(10, _whole(0, 200))
    handover_base: float = _ours(0.01, _SHARE)
    handover_half_s: float = _ours(900.0, _number(1, 1e9))
    handover_most: float = _ours(0.6, _SHARE)
    handover_to_neighbor: bool = _ours(True, _FLAG)
    account_age_days: tuple = _ours(
        (30, 730), _pair(_whole(1, 100_000), "two numbers of days from 1 on, the smaller one first")
    )
    scenarios: dict = field(default_factory=dict)

    def __post_init__(self):
        for f in dataclasses.fields(self):
            value = getattr(self, f.name)
            if f.name == "scenarios":
                from linewatch.cdr.scenarios import clean

                self.scenarios = clean(value)
                continue
            if f.name == "towers" and value is None:
                continue
            rule, keys, absent = (f.metadata[k] for k in ("rule", "keys", "absent"))
            if absent is not None and isinstance(value, dict):
                value = {**{key: absent for key in keys if key not in value}, **value}
            setattr(self, f.name, _check(f.name, value, rule, keys))
        for name in ("anomaly_mix", "user_types", "area_shares", "area_homes", "area_work"):
            if sum(getattr(self, name).values()) <= 0:
                raise ValueError(f"{name} must have a weight above 0, got only zeros")
        if sum(self.contact_shares.values()) <= 0 and self.stranger_share < 1:
            raise ValueError("contact_shares must have a weight above 0, got only zeros")
        if not self.contact_shares["acquaintances"] and not self.stranger_share:
            raise ValueError(
                "contact_shares.acquaintances or stranger_share must be above 0, as users "
                "outside all communities call somebody, too"
            )
        for name in ("area_latitudes", "area_longitudes"):
            for area, (low, high) in getattr(self, name).items():
                if low == high:
                    raise ValueError(f"{name}.{area} must have two different ends, got {low} twice")
        for day in DAYS:
            for hour, (home, work) in enumerate(zip(self.at_home[day], self.at_work[day])):
                if home + work > 1 + 1e-9:
                    raise ValueError(
                        f"at_home.{day} and at_work.{day} must add up to at most 1 in each hour, "
                        f"got {home + work:g} at {hour} h"
                    )
        self._check_calendar()

    def _check_calendar(self):
        try:
            self.start + datetime.timedelta(days=self.days + 1)
        except OverflowError:
            most = (datetime.date.max - self.start).days - 1
            raise ValueError(
                f"days must be at most {most} from {self.start} on, where the calendar ends, "
                f"got {self.days}"
            ) from None
        try:
            self.start - datetime.timedelta(days=self.account_age_days[1])
        except OverflowError:
            raise ValueError(
                f"account_age_days must stay within the calendar before {self.start}, "
                f"got {self.account_age_days}"
            ) from None

    @classmethod
    def preset(cls, name="realistic", **fields):
        """A preset, with some fields of one's own.

        ``"realistic"`` is the default. ``"seed"`` has the distributions of the original
        notebook with their faults mended: everybody equally active, truncated normal durations,
        one community each, users who stay at home, handovers to any tower, 18 calls a user and
        day from 2024-01-01.
        """
        if name not in PRESETS:
            raise ValueError(
                "preset must be one of "
                + ", ".join(f'"{preset}"' for preset in PRESETS)
                + f", got {name!r}"
            )
        return cls(**{**_copy(PRESETS[name]), **fields})

    @classmethod
    def from_dict(cls, fields):
        """A config from a mapping, such as one that `to_dict` gave; `preset` may name a preset."""
        fields = dict(fields)
        return cls.preset(fields.pop("preset", "realistic"), **fields)

    @classmethod
    def from_toml(cls, path):
        """A config from a TOML file; fields that are not in it keep the preset's value."""
        with open(path, "rb") as file:
            try:
                return cls.from_dict(tomllib.load(file))
            except tomllib.TOMLDecodeError as error:
                raise ValueError(f"{path} is not TOML: {error}") from None

    def replace(self, **fields):
        """The same config with some fields changed."""
        return type(self)(**{**{f.name: getattr(self, f.name) for f in _fields()}, **fields})

    def to_dict(self):
        """All fields as numbers, text, lists and dicts, as JSON and TOML have them."""
        return {f.name: _plain(getattr(self, f.name)) for f in _fields()}

    def to_toml(self, path=None):
        """The config as TOML text, written to `path` if there is one."""
        simple, tables = [], []
        for name, value in self.to_dict().items():
            if value is None:
                continue
            if isinstance(value, dict):
                tables.append(f"\n[{name}]")
                tables.extend(f"{_key(k)} = {_toml(v)}" for k, v in value.items())
            else:
                simple.append(f"{name} = {_toml(value)}")
        text = "\n".join([*simple, *tables]) + "\n"
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    @property
    def n_towers(self):
        """Towers, also where the number is left to the generator."""
        return self.towers if self.towers is not None else min(max(50, self.users // 50), 4000)

    def _settings(self):
        """The fields as the kernel takes them."""

        def of(name, keys):
            return [getattr(self, name)[key] for key in keys]

        areas = zip(
            *(
                of(name, AREAS)
                for name in (
                    "area_shares",
                    "area_latitudes",
                    "area_longitudes",
                    "area_homes",
                    "area_work",
                )
            )
        )
        same = (
            "seed users days tower_spacing_m small_cell_share tower_popularity calls_per_user_day "
            "anomaly_ratio activity_spread account_age_days chronotype_share user_day_spread "
            "user_hour_spread follow_up follow_up_gap_s duration_shape talker_spread one_community "
            "tie_spread acquaintances acquaintances_spread stranger_share day_place_share "
            "other_places handover_base handover_half_s handover_most handover_to_neighbor"
        )
        shares = self.community_shares
        return {
            **{name: getattr(self, name) for name in same.split()},
            "first_day": (self.start - datetime.date(1970, 1, 1)).days,
            "towers": self.n_towers,
            "areas": list(areas),
            "anomaly_mix": of("anomaly_mix", ANOMALIES),
            "user_type_shares": of("user_types", USER_TYPES),
            "business_pattern": of("business_pattern", USER_TYPES),
            "user_type_activity": of("user_type_activity", USER_TYPES),
            "rhythm": [[self.rhythm[p][d] for d in DAYS] for p in PATTERNS],
            "weekend_volume": of("weekend_volume", PATTERNS),
            "volume_noise": [self.day_noise, self.hour_noise],
            "durations": list(
                zip(
                    of("duration_center_s", USER_TYPES),
                    of("duration_spread", USER_TYPES),
                    of("duration_least_s", USER_TYPES),
                )
            ),
            "communities": [(shares[k], list(getattr(self, k).items())) for k in COMMUNITIES],
            "contact_shares": of("contact_shares", CONTACTS),
            "at_home": of("at_home", DAYS),
            "at_work": of("at_work", DAYS),
        }


def _fields():
    return dataclasses.fields(Config)


def nearest(name, names):
    """``; did you mean "..."?`` if one of `names` is near, else nothing."""
    near = difflib.get_close_matches(str(name), names, n=1)
    return f'; did you mean "{near[0]}"?' if near else ""


def _check(name, value, rule, keys):
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
    return {key: _check(f"{name}.{key}", value[key], rule, deeper) for key in keys}


def _plain(value):
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return list(value)
    return value.isoformat() if isinstance(value, datetime.date) else value


def _key(key):
    return key if key.replace("_", "").isalpha() else f'"{key}"'


def _toml(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(k)} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    return repr(value)


_init = Config.__init__


def _checked_init(self, **fields):
    names = [f.name for f in _fields()]
    for name in fields:
        if name not in names:
            raise TypeError(f'Config has no field "{name}"{nearest(name, names)}')
    _init(self, **fields)


_checked_init.__wrapped__ = _init
Config.__init__ = _checked_init

_SEED_BUSINESS = _day(
    "0.01 0.005 0.002 0.002 0.002 0.01 0.03 0.09 0.15 0.13 0.11 0.1 "
    "0.09 0.09 0.1 0.11 0.11 0.12 0.13 0.15 0.1 0.08 0.06 0.04"
)
_SEED_SOCIAL = _day(
    "0.02 0.01 0.005 0.004 0.004 0.01 0.02 0.04 0.06 0.07 0.08 0.09 "
    "0.1 0.09 0.08 0.08 0.1 0.13 0.16 0.18 0.16 0.12 0.08 0.06"
)

PRESETS = {
    "realistic": {},
    "seed": {
        "calls_per_user_day": 18.0,
        "business_pattern": dict.fromkeys(USER_TYPES, 0.4),
        "user_type_activity": dict.fromkeys(USER_TYPES, 1.0),
        "activity_spread": 0.0,
        "user_day_spread": 0.0,
        "user_hour_spread": 0.0,
        "rhythm": {
            "business": dict.fromkeys(DAYS, _SEED_BUSINESS),
            "social": dict.fromkeys(DAYS, _SEED_SOCIAL),
        },
        "weekend_volume": {"business": 0.5, "social": 1.5},
        "chronotype_share": 0.0,
        "day_noise": 0.0,
        "hour_noise": 0.0,
        "follow_up": 0.0,
        "duration_shape": "normal",
        "duration_center_s": {"individual": 180.0, "business": 300.0, "student": 180.0},
        "duration_spread": {"individual": 2 / 3, "business": 0.6, "student": 2 / 3},
        "duration_least_s": {"individual": 10, "business": 30, "student": 10},
        "talker_spread": 0.0,
        "friend_circles": {4: 1.0},
        # 80 families and 30 work groups of 15,000 users, the rest in circles of four.
        "community_shares": {"families": 0.0176, "work_groups": 0.0122, "friend_circles": 1.0},
        "one_community": True,
        "contact_shares": {
            "families": 0.3,
            "work_groups": 0.15,
            "friend_circles": 0.08,
            "acquaintances": 0.01,
        },
        "stranger_share": 0.5,
        "tie_spread": 0.0,
        "area_homes": dict.fromkeys(AREAS, 1.0),
        "area_work": dict.fromkeys(AREAS, 1.0),
        "tower_popularity": 0.0,
        "at_home": dict.fromkeys(DAYS, (1.0,) * 24),
        "at_work": dict.fromkeys(DAYS, (0.0,) * 24),
        "other_places": 0,
        "handover_base": 0.15,
        "handover_half_s": 1e9,
        "handover_most": 0.15,
        "handover_to_neighbor": False,
    },
}
