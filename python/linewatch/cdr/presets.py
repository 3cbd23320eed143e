"""Words and numbers of configs: kinds of things, defaults of the large tables, presets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


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
# Columns and tables that are added on request.
COLUMNS = (
    "call_type",
    "called_id",
    "cause_for_termination",
    "callee_first_cell_id",
    "callee_last_cell_id",
    "utc_time_offset",
)
TABLES = ("sms", "data_sessions")
# Radio access types, as 3GPP TS 29.274 names them.
RATS = ("EUTRAN", "NR", "UTRAN")
SHAPES = ("log-normal", "log-logistic", "normal")


def day(text: str) -> tuple[float, ...]:
    """24 numbers, an hour each."""
    return tuple(map(float, text.split()))


# The map of Delhi, in boxes that do not overlap: south, north; west, east.
LATITUDES = {
    "downtown": (28.60, 28.66),
    "commercial": (28.53, 28.60),
    "residential": (28.60, 28.72),
    "suburban": (28.40, 28.53),
}
LONGITUDES = {
    "downtown": (77.18, 77.26),
    "commercial": (77.18, 77.30),
    "residential": (77.05, 77.18),
    "suburban": (76.98, 77.32),
}
RHYTHM = {
    "business": {
        # A steep morning, a dip at lunch, a long afternoon.
        "weekday": day(
            "0.45 0.22 0.12 0.1 0.14 0.45 1.5 3.6 6.4 8.6 9.2 8.9 "
            "7.4 6.9 7.9 8.3 8.4 8.2 7.6 6.2 4.6 3.2 1.9 0.95"
        ),
        "weekend": day(
            "0.75 0.4 0.2 0.14 0.15 0.35 0.9 2.2 4.3 6.6 8 8.6 "
            "8.2 7 6.4 6.3 6.8 7.6 8.4 7.6 6 4.4 2.7 1.4"
        ),
    },
    "social": {
        "weekday": day(
            "0.75 0.35 0.18 0.12 0.13 0.35 1.1 2.4 3.9 4.9 5.4 5.7 "
            "5.9 5.6 5.2 5.5 6.2 7.6 9.2 9.9 8.9 6.6 4.1 2"
        ),
        "weekend": day(
            "1.2 0.65 0.34 0.2 0.16 0.25 0.6 1.4 2.9 4.8 6.2 7 "
            "7.2 6.5 5.9 5.9 6.4 7.4 8.6 9 8.2 6.6 4.6 2.7"
        ),
    },
}
HOME = {
    "weekday": day(
        "0.9 0.92 0.93 0.93 0.92 0.9 0.86 0.72 0.5 0.34 0.28 0.27 "
        "0.28 0.29 0.28 0.28 0.3 0.36 0.46 0.57 0.66 0.75 0.82 0.87"
    ),
    "weekend": day(
        "0.86 0.88 0.9 0.9 0.9 0.9 0.88 0.84 0.76 0.66 0.58 0.53 "
        "0.52 0.54 0.53 0.5 0.47 0.45 0.46 0.5 0.57 0.66 0.75 0.82"
    ),
}
WORK = {
    "weekday": day(
        "0.04 0.03 0.03 0.03 0.03 0.04 0.06 0.14 0.34 0.52 0.58 0.58 "
        "0.52 0.54 0.57 0.57 0.54 0.44 0.28 0.15 0.09 0.06 0.05 0.04"
    ),
    "weekend": day(
        "0.02 0.02 0.02 0.02 0.02 0.02 0.03 0.05 0.08 0.11 0.13 0.13 "
        "0.12 0.12 0.12 0.12 0.11 0.09 0.07 0.05 0.04 0.03 0.02 0.02"
    ),
}

_SEED_BUSINESS = day(
    "0.01 0.005 0.002 0.002 0.002 0.01 0.03 0.09 0.15 0.13 0.11 0.1 "
    "0.09 0.09 0.1 0.11 0.11 0.12 0.13 0.15 0.1 0.08 0.06 0.04"
)
_SEED_SOCIAL = day(
    "0.02 0.01 0.005 0.004 0.004 0.01 0.02 0.04 0.06 0.07 0.08 0.09 "
    "0.1 0.09 0.08 0.08 0.1 0.13 0.16 0.18 0.16 0.12 0.08 0.06"
)

PRESETS: dict[str, dict[str, Any]] = {
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
