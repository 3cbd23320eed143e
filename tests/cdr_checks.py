"""What is always true of generated call records; each check names what it found wrong."""

import polars as pl


class Broken(AssertionError):
    """An invariant does not hold; `args[0]` begins with its name."""


def _require(holds, name, detail=""):
    if not holds:
        raise Broken(f"{name}: {detail}")


def passes_luhn(imei):
    """ISO/IEC 7812-1: from the right, each second digit doubled, the sum divisible by ten."""
    total = 0
    for place, digit in enumerate(reversed(imei)):
        value = int(digit) * (1 + place % 2)
        total += value // 10 + value % 10
    return total % 10 == 0


NETWORKS = {
    *("40410", "40445", "40449", "40490", "40434", "40438", "40455", "40411"),
    *("40420", "40422", "40486", "40556", "40551", "40552", "40553", "40554"),
}


def identifiers(users):
    for column in ("user_id", "phone_number", "imei", "imsi"):
        _require(users[column].is_unique().all(), "unique", column)
    _require(users["user_id"].str.contains(r"^user_\d{4,}$").all(), "format", "user_id")
    _require(
        users["phone_number"].str.contains(r"^\+91[6-9]\d{9}$").all(), "format", "phone_number"
    )
    _require(users["imei"].str.contains(r"^\d{15}$").all(), "format", "imei")
    _require(users["imsi"].str.contains(r"^\d{15}$").all(), "format", "imsi")
    _require(users["imsi"].str.head(5).is_in(list(NETWORKS)).all(), "format", "MCC and MNC")
    _require(all(map(passes_luhn, users["imei"])), "luhn", "check digit of an IMEI")


def towers(table):
    _require(table["cell_id"].is_unique().all(), "unique", "cell_id")
    _require(table["cell_id"].str.contains(r"^cell_\d{3,}$").all(), "format", "cell_id")
    _require(table.select("latitude", "longitude").is_unique().all(), "unique", "coordinates")
    _require(table["latitude"].is_between(-90, 90).all(), "format", "latitude")
    _require(table["longitude"].is_between(-180, 180).all(), "format", "longitude")


def communities(table, users):
    _require(table["user_id"].is_in(users["user_id"].implode()).all(), "reference", "member")
    pair = table.select("user_id", "community_id")
    _require(pair.is_unique().all(), "unique", "member twice in a community")
    sizes = table.group_by("community_id").agg(pl.len(), pl.col("community_size").unique())
    true = sizes.explode("community_size").select(pl.col("len") == pl.col("community_size"))
    _require(true.to_series().all(), "size", "community_size")


def calls(table, users, cells, *, ratio, first_row=0):
    """All checks of the base table; `users` and `cells` are the tables it refers to."""
    _require(table["call_id"].is_unique().all(), "unique", "call_id")
    expected = [f"call_{first_row + k + 1:06d}" for k in range(table.height)]
    _require(table["call_id"].to_list() == expected, "numbering", "call_id")
    for column in ("caller_id", "callee_id"):
        _require(table[column].is_in(users["user_id"].implode()).all(), "reference", column)
    for column in ("first_cell_id", "last_cell_id"):
        _require(table[column].is_in(cells["cell_id"].implode()).all(), "reference", column)
    _require((table["caller_id"] != table["callee_id"]).all(), "self", "a call to oneself")
    by_user = users.select("user_id", "imei", "imsi", "creation_date")
    caller = table.select(user_id="caller_id").join(by_user, on="user_id", how="left")
    callee = table.select(user_id="callee_id").join(by_user, on="user_id", how="left")
    for column, side, name in (
        ("caller_imei", caller, "imei"),
        ("caller_imsi", caller, "imsi"),
        ("callee_imsi", callee, "imsi"),
    ):
        same = table[column] == side[name]
        if column == "caller_imei":
            same |= table["anomaly_type"] == "sim_box_call"
        _require(same.all(), "papers", column)
    for side in (caller, callee):
        _require((side["creation_date"] < table["call_start_ts"].dt.date()).all(), "account", "age")
    start, end = table["call_start_ts"], table["call_end_ts"]
    seconds = (end - start).dt.total_seconds()
    _require((seconds == table["call_duration"]).all(), "duration", "end minus start")
    _require((table["call_duration"] >= 0).all(), "duration", "negative")
    _require(start.is_sorted(), "order", "calls by start")
    label = table["anomaly_type"] != "normal"
    _require((label == table["is_anomaly"]).all(), "label", "is_anomaly and anomaly_type")
    planted = int(table["is_anomaly"].sum())
    _require(planted == round(ratio * table.height), "ratio", f"{planted} of {table.height}")
    _definitions(table)
    _one_call_at_a_time(table)


def _definitions(table):
    kind = pl.col("anomaly_type")
    short = table.filter(kind == "short_call")["call_duration"]
    _require(short.is_between(1, 5).all(), "definition", "short_call")
    long = table.filter(kind == "long_call")["call_duration"]
    _require(long.is_between(3600, 7200).all(), "definition", "long_call")
    hours = table.filter(kind == "off_hour_call")["call_start_ts"].dt.hour()
    _require(hours.is_between(2, 4).all(), "definition", "off_hour_call")
    bursts = table.filter(kind == "burst_call").sort("caller_id", "call_start_ts")
    _require((bursts["call_duration"] <= 60).all(), "definition", "burst_call")
    # A burst ends where the same caller is silent for an hour; two may follow each other, so cut
    # greedily where the span or the size is full.
    for rows in bursts.partition_by("caller_id"):
        starts = rows["call_start_ts"].dt.epoch("s").to_list()
        ends = rows["call_end_ts"].dt.epoch("s").to_list()
        _require(_cuts(starts, ends), "definition", "burst of 10 to 20 calls within an hour")


def _cuts(starts, ends):
    """Whether the calls can be cut into bursts of 10 to 20 that span at most an hour."""
    n = len(starts)
    reached = {0}
    for at in range(n):
        if at in reached:
            for size in range(10, 21):
                if at + size <= n and ends[at + size - 1] - starts[at] <= 3600:
                    reached.add(at + size)
    return n in reached


# What a scenario breaks on purpose; the checks leave out these rows and no others.
BREAKS = {
    "sim_box_call": "a device of one's own",
    "pbx_hack_call": "one call at a time, of lines and premium numbers",
    "wangiri_call": "one call at a time, of the number that is called back",
}


def _one_call_at_a_time(table):
    kind, duration = pl.col("anomaly_type"), pl.col("call_duration")
    table = table.filter((kind != "pbx_hack_call") & (duration > 0))
    numbers = table.filter(kind == "wangiri_call")["callee_id"].unique().implode()
    sides = [
        table.select(user=pl.col(side), start="call_start_ts", end="call_end_ts")
        for side in ("caller_id", "callee_id")
    ]
    legs = pl.concat(sides).filter(~pl.col("user").is_in(numbers)).sort("user", "start", "end")
    before = pl.col("end").shift(1).over("user")
    _require(legs.filter(pl.col("start") < before).is_empty(), "busy", "two calls at once")


def everything(data):
    """Check a whole data set and give its calls."""
    users, cells = data.users, data.towers
    identifiers(users)
    towers(cells)
    communities(data.communities, users)
    table = data.calls().collect()
    assert table.height == data.rows
    calls(table, users, cells, ratio=data.config.anomaly_ratio)
    return table


def _records(data, table, id_column, prefix, time, users, cells):
    """What holds of every table: numbers, order, references, papers."""
    expected = [f"{prefix}_{k + 1:06d}" for k in range(table.height)]
    _require(table[id_column].to_list() == expected, "numbering", id_column)
    _require(table[time].is_sorted(), "order", time)
    names = data.towers["cell_id"].implode()
    for column in cells:
        _require(table[column].is_in(names).all(), "reference", column)
    known = data.users.select("user_id", "imei", "imsi", "creation_date")
    for column, papers in users.items():
        side = table.select(user_id=column).join(known, on="user_id", how="left")
        _require(side["imei"].is_not_null().all(), "reference", column)
        for paper, name in papers.items():
            _require((table[paper] == side[name]).all(), "papers", paper)
        _require((side["creation_date"] < table[time].dt.date()).all(), "account", "age")


def messages(data, table=None):
    """All checks of short messages; gives them."""
    table = data.sms().collect() if table is None else table
    _require((table["sender_id"] != table["recipient_id"]).all(), "self", "a message to oneself")
    _records(
        data, table, "sms_id", "sms", "sms_ts",
        {
            "sender_id": {"sender_imei": "imei", "sender_imsi": "imsi"},
            "recipient_id": {"recipient_imsi": "imsi"},
        },
        ["sender_cell_id", "recipient_cell_id"],
    )  # fmt: skip
    _require(table["message_size"].is_between(1, 140).all(), "size", "message_size")
    _require((table["delivery_ts"] > table["sms_ts"]).all(), "order", "delivery_ts")
    return table


def sessions(data, table=None):
    """All checks of data sessions; gives them."""
    table = data.data_sessions().collect() if table is None else table
    _records(
        data, table, "session_id", "data", "session_start_ts",
        {"user_id": {"imei": "imei", "imsi": "imsi"}}, ["cell_id"],
    )  # fmt: skip
    start, end = table["session_start_ts"], table["session_end_ts"]
    seconds = (end - start).dt.total_seconds()
    _require((seconds == table["session_duration"]).all(), "duration", "end minus start")
    _require((seconds > 0).all(), "duration", "none")
    for column in ("downlink_volume", "uplink_volume"):
        _require((table[column] >= 0).all(), "volume", column)
    one = table.sort("user_id", "session_start_ts")
    before = one.select(pl.col("session_end_ts").shift(1).over("user_id")).to_series()
    _require(not (one["session_start_ts"] < before).any(), "busy", "two sessions at once")
    return table
