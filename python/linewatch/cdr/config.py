"""What a generated world looks like: every number as a field with a name, a rule and a default."""

from __future__ import annotations

import dataclasses
import datetime
import math
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from linewatch import _files
from linewatch.cdr.presets import (
    ANOMALIES,
    AREAS,
    BASIC,
    COLUMNS,
    COMMUNITIES,
    CONTACTS,
    DAYS,
    HOME,
    LATITUDES,
    LONGITUDES,
    PATTERNS,
    PRESETS,
    RATS,
    RHYTHM,
    SHAPES,
    TABLES,
    USER_TYPES,
    WORK,
)
from linewatch.cdr.rules import (
    DATE,
    FLAG,
    OFFSET,
    SHARE,
    SIZES,
    SPREAD,
    WEIGHT,
    check,
    choice,
    copy,
    hours,
    nearest,
    number,
    ours,
    pair,
    some_of,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Self

    from linewatch._typing import PathLike


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
    columns, tables : list of str
        What the calls say beside the thirteen basic columns, any of ``call_type``, ``called_id``,
        ``cause_for_termination``, ``callee_first_cell_id``, ``callee_last_cell_id`` and
        ``utc_time_offset``; and what `Dataset.write` writes beside the calls, any of ``sms`` and
        ``data_sessions``.
    drop_share, forwarded_share, utc_time_offset
        Share of answered calls that the network drops, share of normal calls that were forwarded
        to who answers, local time minus UTC.
    sms_per_user_day, sms_follow_up, sms_gap_s
        Short messages of a user a day, chance that one is followed by another of the same
        conversation, mean seconds between them.
    data_sessions_per_user_day, data_session_center_s, data_session_spread
        Data sessions of a user a day, median of their seconds and spread of its logarithm.
    sms_rhythm_power, data_rhythm_power
        Power to which the weights of the hours are raised for these tables: 1 is the rhythm of
        calls, 0 is the same all day.
    data_rate_kbit_per_s, data_rate_spread, data_record_most_bytes, radio_access_types
        Median rate of a session and the spread of its logarithm; bytes at which its record is
        closed; weights of the radio access types.
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

    users: int = ours(1000, whole(10, 99_999_998))
    days: int = ours(7, whole(1, 36_500))
    seed: int = ours(0, whole(0, 2**64 - 1))
    start: datetime.date = ours(datetime.date(2024, 1, 1), DATE)
    towers: int | None = ours(None, whole(2, 65_000))
    calls_per_user_day: float = ours(8.0, number(0, 500, above=True))
    anomaly_ratio: float = ours(0.05, SHARE)
    anomaly_mix: dict[str, float] = ours(
        dict.fromkeys(BASIC, 1.0), WEIGHT, keys=ANOMALIES, absent=0.0
    )
    user_types: dict[str, float] = ours(
        {"individual": 0.7, "business": 0.2, "student": 0.1}, WEIGHT, keys=USER_TYPES
    )
    business_pattern: dict[str, float] = ours(
        {"individual": 0.3, "business": 0.9, "student": 0.1}, SHARE, keys=USER_TYPES
    )
    user_type_activity: dict[str, float] = ours(
        {"individual": 1.0, "business": 1.5, "student": 0.9},
        number(0, above=True),
        keys=USER_TYPES,
    )
    activity_spread: float = ours(0.95, number(0, 2))
    user_day_spread: float = ours(0.6, number(0, 2))
    user_hour_spread: float = ours(1.1, number(0, 2))
    rhythm: dict[str, Any] = ours(RHYTHM, hours(math.inf), keys=(PATTERNS, DAYS))
    weekend_volume: dict[str, float] = ours(
        {"business": 0.45, "social": 0.9}, number(0, 10), keys=PATTERNS
    )
    chronotype_share: float = ours(0.25, number(0, 0.5))
    day_noise: float = ours(0.04, number(0, 1))
    hour_noise: float = ours(0.06, number(0, 1))
    follow_up: float = ours(0.42, number(0, 0.9))
    follow_up_gap_s: float = ours(240.0, number(0, 3600))
    duration_shape: str = ours("log-normal", choice(SHAPES))
    duration_center_s: dict[str, float] = ours(
        {"individual": 62.0, "business": 85.0, "student": 70.0},
        number(0, 3600, above=True),
        keys=USER_TYPES,
    )
    duration_spread: dict[str, float] = ours(
        dict.fromkeys(USER_TYPES, 1.05), SPREAD, keys=USER_TYPES
    )
    duration_least_s: dict[str, int] = ours(
        dict.fromkeys(USER_TYPES, 1), whole(1, 3600), keys=USER_TYPES
    )
    talker_spread: float = ours(0.3, number(0, 1.5))
    families: dict[int, float] = ours({2: 0.2, 3: 0.4, 4: 0.3, 5: 0.1}, SIZES)
    work_groups: dict[int, float] = ours({3: 0.3, 5: 0.4, 8: 0.2, 12: 0.1}, SIZES)
    friend_circles: dict[int, float] = ours({4: 0.5, 5: 0.3, 7: 0.2}, SIZES)
    community_shares: dict[str, float] = ours(
        {"families": 0.95, "work_groups": 0.35, "friend_circles": 0.9}, SHARE, keys=COMMUNITIES
    )
    one_community: bool = ours(False, FLAG)
    contact_shares: dict[str, float] = ours(
        {"families": 0.36, "work_groups": 0.2, "friend_circles": 0.24, "acquaintances": 0.2},
        WEIGHT,
        keys=CONTACTS,
    )
    stranger_share: float = ours(0.01, SHARE)
    tie_spread: float = ours(0.8, number(0, 3))
    acquaintances: float = ours(3.0, number(1, 200))
    acquaintances_spread: float = ours(1.7, SPREAD)
    area_shares: dict[str, float] = ours(
        {"downtown": 0.3, "commercial": 0.25, "residential": 0.25, "suburban": 0.2},
        WEIGHT,
        keys=AREAS,
    )
    area_latitudes: dict[str, Any] = ours(
        LATITUDES, pair(number(-80, 80), "south and north end in degrees, -80 to 80"), keys=AREAS
    )
    area_longitudes: dict[str, Any] = ours(
        LONGITUDES,
        pair(number(-180, 180), "west and east end in degrees, -180 to 180"),
        keys=AREAS,
    )
    area_homes: dict[str, float] = ours(
        {"downtown": 0.5, "commercial": 0.35, "residential": 2.0, "suburban": 1.5},
        WEIGHT,
        keys=AREAS,
    )
    area_work: dict[str, float] = ours(
        {"downtown": 2.0, "commercial": 2.0, "residential": 0.35, "suburban": 0.3},
        WEIGHT,
        keys=AREAS,
    )
    tower_spacing_m: float = ours(150.0, number(10, 10_000))
    tower_popularity: float = ours(0.7, number(0, 2))
    small_cell_share: float = ours(0.25, SHARE)
    at_home: dict[str, Any] = ours(HOME, hours(1), keys=DAYS)
    at_work: dict[str, Any] = ours(WORK, hours(1), keys=DAYS)
    day_place_share: float = ours(0.45, SHARE)
    other_places: int = ours(10, whole(0, 200))
    handover_base: float = ours(0.01, SHARE)
    handover_half_s: float = ours(900.0, number(1, 1e9))
    handover_most: float = ours(0.6, SHARE)
    handover_to_neighbor: bool = ours(True, FLAG)
    account_age_days: tuple[int, int] = ours(
        (30, 730), pair(whole(1, 100_000), "two numbers of days from 1 on, the smaller one first")
    )
    columns: Sequence[str] = ours((), some_of(COLUMNS))
    tables: Sequence[str] = ours((), some_of(TABLES))
    drop_share: float = ours(0.008, SHARE)
    forwarded_share: float = ours(0.015, SHARE)
    utc_time_offset: str = ours("+0530", OFFSET)
    sms_per_user_day: float = ours(4.0, number(0, 500, above=True))
    sms_rhythm_power: float = ours(0.8, number(0, 3))
    sms_follow_up: float = ours(0.6, number(0, 0.9))
    sms_gap_s: float = ours(75.0, number(0, 3600))
    data_sessions_per_user_day: float = ours(20.0, number(0, 500, above=True))
    data_rhythm_power: float = ours(0.5, number(0, 3))
    data_session_center_s: float = ours(150.0, number(0, 3600, above=True))
    data_session_spread: float = ours(1.2, SPREAD)
    data_rate_kbit_per_s: float = ours(120.0, number(0, 1e7, above=True))
    data_rate_spread: float = ours(1.6, SPREAD)
    data_record_most_bytes: float = ours(5e8, number(1, 1e15))
    radio_access_types: dict[str, float] = ours(
        {"EUTRAN": 0.7, "NR": 0.25, "UTRAN": 0.05}, WEIGHT, keys=RATS
    )
    scenarios: Mapping[str, Any] | Sequence[str] = field(default_factory=dict)

    def __post_init__(self) -> None:
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
            setattr(self, f.name, check(f.name, value, rule, keys))
        for name in (
            "anomaly_mix",
            "user_types",
            "area_shares",
            "area_homes",
            "area_work",
            "radio_access_types",
        ):
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
    def preset(cls, name: str = "realistic", **fields: Any) -> Self:
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
        return cls(**{**copy(PRESETS[name]), **fields})

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """A config from a mapping, such as one that `to_dict` gave; `preset` may name a preset."""
        fields = dict(fields)
        return cls.preset(fields.pop("preset", "realistic"), **fields)

    @classmethod
    def from_toml(cls, path: PathLike) -> Self:
        """A config from a TOML file; fields that are not in it keep the preset's value."""
        with open(path, "rb") as file:
            try:
                return cls.from_dict(tomllib.load(file))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
                raise ValueError(f"{path} is not TOML: {error}") from None

    def replace(self, **fields: Any) -> Self:
        """The same config with some fields changed."""
        return type(self)(**{**{f.name: getattr(self, f.name) for f in _fields()}, **fields})

    def to_dict(self) -> dict[str, Any]:
        """All fields as numbers, text, lists and dicts, as JSON and TOML have them."""
        return {f.name: _plain(getattr(self, f.name)) for f in _fields()}

    def to_toml(self, path: PathLike | None = None) -> str:
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
            with _files.whole(path) as made:
                made.write_text(text, encoding="utf-8")
        return text

    @property
    def n_towers(self) -> int:
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
            "other_places handover_base handover_half_s handover_most handover_to_neighbor "
            "drop_share forwarded_share utc_time_offset sms_per_user_day sms_follow_up sms_gap_s "
            "data_sessions_per_user_day data_rate_kbit_per_s data_rate_spread sms_rhythm_power "
            "data_rhythm_power"
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
            "columns": [name in self.columns for name in COLUMNS],
            "data_center_s": self.data_session_center_s,
            "data_spread": self.data_session_spread,
            "data_most_bytes": self.data_record_most_bytes,
            "data_rat_shares": of("radio_access_types", RATS),
            "at_home": of("at_home", DAYS),
            "at_work": of("at_work", DAYS),
        }


def _fields():
    return dataclasses.fields(Config)


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
