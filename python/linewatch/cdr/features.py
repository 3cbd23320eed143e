"""What a detector may know: features of calls and of users, without labels or names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars as pl

    from linewatch._typing import AnyFrame


FEATURES = (
    "duration_s",
    "hour_sin",
    "hour_cos",
    "is_weekend",
    "seconds_since_last_call",
    "calls_in_last_hour",
    "speed_km_per_h",
    "calls_of_pair",
    "calls_of_caller_per_day",
    "distinct_callees_share",
    "incoming_share",
    "mean_duration_of_caller_s",
    "users_of_device",
    "cells_of_caller",
    "cards_of_caller",
    "seconds_of_overlap",
)
# Columns that the features are made of.
OF_CALLS = (
    "caller_id", "callee_id", "call_start_ts", "call_end_ts", "call_duration", "first_cell_id",
    "caller_imei", "caller_imsi",
)  # fmt: skip
OF_TOWERS = ("cell_id", "latitude", "longitude")
OF_USERS = ("user_id", "phone_number", "creation_date")
# Only with the table of users.
FROM_USERS = ("is_abroad", "account_age_days", "is_at_home")
# Only with the table of towers.
FROM_TOWERS = ("most_km_per_h",)
USER_FEATURES = (
    "calls_out_per_day",
    "calls_in_per_day",
    "distinct_callees_share",
    "unanswered_share",
    "mean_duration_s",
    "duration_cv",
    "night_share",
    "most_calls_in_an_hour",
    "cells",
    "top_cell_share",
    "devices_and_cards",
    "users_of_device",
    "active_days_share",
    "abroad_share",
    "account_age_days",
)


def features(calls: AnyFrame, towers: AnyFrame, users: AnyFrame | None = None) -> pl.DataFrame:
    """What a detector may know of each call: its own numbers and its users' habits.

    Labels and names are not among them. The habits of a caller come from all its calls.

    Parameters
    ----------
    calls, towers : DataFrame or anything that speaks Arrow
        With the columns of `Dataset.calls` and `Dataset.towers`.
    users : DataFrame, optional
        `Dataset.users`; adds whether the callee's number is abroad, the age of the caller's
        account in days, and whether the caller is at home.

    Returns
    -------
    polars.DataFrame of Float64
        A row for each call in the order of `calls`, a column for each name in `FEATURES`.

    Raises
    ------
    ValueError
        If a column is missing.

    Examples
    --------
    >>> from linewatch import cdr
    >>> data = cdr.generate(users=100, days=2)
    >>> cdr.features(data.calls(), data.towers).width
    16
    """
    import polars as pl

    calls, towers = _table("calls", calls, OF_CALLS), _table("towers", towers, OF_TOWERS)
    place = towers.select(first_cell_id="cell_id", y="latitude", x="longitude")
    scale = float(np.cos(np.radians(towers["latitude"].mean())))
    start = pl.col("call_start_ts")
    days = max(1, calls["call_start_ts"].dt.date().n_unique())
    frame = calls.with_row_index("row").join(place, on="first_cell_id", how="left")
    frame = frame.sort("caller_id", "call_start_ts", "row")
    last_hour = frame.rolling("call_start_ts", period="1h", group_by="caller_id").agg(n=pl.len())
    incoming = calls.group_by(caller_id="callee_id").agg(incoming=pl.len())
    km = 111.2 * (
        (pl.col("y").diff() ** 2 + (pl.col("x").diff() * scale) ** 2).sqrt().over("caller_id")
    )
    since = (start - pl.col("call_end_ts").shift(1).over("caller_id")).dt.total_seconds()
    before = pl.col("call_end_ts").cum_max().shift(1).over("caller_id")
    angle = (start.dt.hour() + start.dt.minute() / 60.0) * (2 * np.pi / 24)
    of_caller = pl.len().over("caller_id")
    names = FEATURES
    more = {}
    if users is not None:
        names += FROM_USERS
        users = _table("users", users, (*OF_USERS, "home_cell_id"))
        abroad = users.select(callee_id="user_id", is_abroad=_is_abroad())
        account = users.select("creation_date", "home_cell_id", caller_id="user_id")
        frame = frame.join(abroad, on="callee_id", how="left").join(
            account, on="caller_id", how="left"
        )
        more = {
            "account_age_days": (start.dt.date() - pl.col("creation_date")).dt.total_days(),
            "is_at_home": pl.col("first_cell_id") == pl.col("home_cell_id"),
        }
    frame = frame.join(incoming, on="caller_id", how="left").with_columns(
        duration_s=pl.col("call_duration"),
        hour_sin=angle.sin(),
        hour_cos=angle.cos(),
        is_weekend=start.dt.weekday() > 5,
        seconds_since_last_call=since.clip(0, 86_400).fill_null(86_400),
        calls_in_last_hour=last_hour["n"],
        speed_km_per_h=(km / since.clip(1) * 3600).fill_null(0).clip(0, 10_000),
        calls_of_pair=pl.len().over("caller_id", "callee_id"),
        calls_of_caller_per_day=of_caller / days,
        distinct_callees_share=pl.col("callee_id").n_unique().over("caller_id") / of_caller,
        incoming_share=pl.col("incoming").fill_null(0)
        / (pl.col("incoming").fill_null(0) + of_caller),
        mean_duration_of_caller_s=pl.col("call_duration").mean().over("caller_id"),
        users_of_device=pl.col("caller_id").n_unique().over("caller_imei"),
        cells_of_caller=pl.col("first_cell_id").n_unique().over("caller_id"),
        cards_of_caller=pl.col("caller_imsi").n_unique().over("caller_id"),
        seconds_of_overlap=(before - start).dt.total_seconds().clip(0).fill_null(0),
        **more,
    )
    return frame.sort("row").select(pl.col(names).cast(pl.Float64))


def user_features(calls: AnyFrame, users: AnyFrame, towers: AnyFrame | None = None) -> pl.DataFrame:
    """Habits of each user, over all its calls.

    Parameters
    ----------
    calls, users : DataFrame or anything that speaks Arrow
        With the columns of `Dataset.calls` and `Dataset.users`.
    towers : DataFrame, optional
        `Dataset.towers`; adds the largest speed between two calls of the user.

    Returns
    -------
    polars.DataFrame
        ``user_id`` and a column of Float64 for each name in `USER_FEATURES`, in the order of
        `users`. Who makes no call has 0, and an account's age on the last day.

    Raises
    ------
    ValueError
        If a column is missing, or there is no call.

    Examples
    --------
    >>> from linewatch import cdr
    >>> data = cdr.generate(users=100, days=2)
    >>> cdr.user_features(data.calls(), data.users).width
    16
    """
    import polars as pl

    calls, users = _table("calls", calls, OF_CALLS), _table("users", users, OF_USERS)
    if not calls.height:
        raise ValueError("calls has no rows; habits are of calls")
    start, length = pl.col("call_start_ts"), pl.col("call_duration")
    days = max(1, calls["call_start_ts"].dt.date().n_unique())
    last_day = calls["call_start_ts"].dt.date().max()
    abroad = users.select(callee_id="user_id", is_abroad=_is_abroad())
    calls = calls.join(abroad, on="callee_id", how="left", maintain_order="left")
    device = calls.group_by("caller_imei").agg(of_device=pl.col("caller_id").n_unique())
    hour = pl.len().over("caller_id", start.dt.truncate("1h"))
    calls = calls.join(device, on="caller_imei", maintain_order="left").with_columns(
        in_hour=hour, in_cell=pl.len().over("caller_id", "first_cell_id")
    )
    made = calls.group_by(user_id="caller_id").agg(
        calls_out_per_day=pl.len() / days,
        distinct_callees_share=pl.col("callee_id").n_unique() / pl.len(),
        unanswered_share=(length == 0).mean(),
        mean_duration_s=length.mean(),
        duration_cv=length.std() / length.mean().clip(1),
        night_share=(start.dt.hour() < 6).mean(),
        most_calls_in_an_hour=pl.col("in_hour").max(),
        cells=pl.col("first_cell_id").n_unique(),
        top_cell_share=pl.col("in_cell").max() / pl.len(),
        devices_and_cards=pl.col("caller_imei").n_unique() + pl.col("caller_imsi").n_unique(),
        users_of_device=pl.col("of_device").max(),
        active_days_share=start.dt.date().n_unique() / days,
        abroad_share=pl.col("is_abroad").mean(),
    )
    taken = calls.group_by(user_id="callee_id").agg(calls_in_per_day=pl.len() / days)
    frame = users.select("user_id", "creation_date").join(made, on="user_id", how="left")
    frame = frame.join(taken, on="user_id", how="left", maintain_order="left").with_columns(
        account_age_days=(pl.lit(last_day) - pl.col("creation_date")).dt.total_days()
    )
    names = USER_FEATURES
    if towers is not None:
        names += FROM_TOWERS
        speed = features(calls, towers).select(most_km_per_h="speed_km_per_h")
        speed = speed.with_columns(user_id=calls["caller_id"]).group_by("user_id").max()
        frame = frame.join(speed, on="user_id", how="left")
    order = users.select("user_id").join(frame, on="user_id", how="left", maintain_order="left")
    return order.select("user_id", pl.col(names).cast(pl.Float64).fill_null(0.0))


def _table(name, given, columns):
    """A caller's frame in Polars, with the columns that are needed."""
    import polars as pl

    if given is None:
        raise TypeError(f"{name} is None; expected a frame with the columns of Dataset.{name}")
    table = pl.DataFrame(given)
    for column in columns:
        if column not in table.columns:
            has = ", ".join(f'"{known}"' for known in table.columns)
            raise ValueError(f'column "{column}" is missing; the table of {name} has {has}')
    return table


def _is_abroad():
    import polars as pl

    return ~pl.col("phone_number").str.starts_with("+91")
