"""Invariants of calls with scenarios: each is let off what it breaks, in its rows alone."""

import cdr_checks as checks
import polars as pl

from linewatch.cdr import scenarios


def _let_off(truth, broken):
    """The rows of `truth` whose scenario breaks this invariant on purpose."""
    names = [name for name in scenarios.names() if broken in scenarios.breaks(name)]
    return truth.filter(pl.col("scenario").is_in(names))


def everything(data):
    """Check a data set with scenarios; gives its calls and its truth."""
    table, truth = data.calls().collect(), data.truth_tables()
    users, cells, calls = data.users, data.towers, truth["calls"]
    added = calls.filter("is_added")
    assert added["call_id"].is_unique().all()
    is_added = pl.col("call_id").is_in(added["call_id"].implode())
    checks._require(table.height == data.rows, "rows", f"{table.height}")
    checks._require(int(table["is_anomaly"].sum()) == data.anomalies, "rows", "anomalies")
    numbers = [f"call_{k + 1:06d}" for k in range(table.height)]
    checks._require(table["call_id"].to_list() == numbers, "numbering", "call_id")

    # Papers and numbers.
    abroad = users.filter(~pl.col("phone_number").str.starts_with("+91"))
    checks.identifiers(users.join(abroad, on="user_id", how="anti"))
    checks._require(users["imei"].is_unique().all(), "unique", "imei")
    checks._require(users["imsi"].is_unique().all(), "unique", "imsi")
    checks._require(users["phone_number"].is_unique().all(), "unique", "phone_number")
    checks._require(abroad["phone_number"].str.contains(r"^\+\d{11,15}$").all(), "format", "abroad")
    foreign = _let_off(truth["users"], "domestic_number")["user_id"]
    checks._require(abroad["user_id"].is_in(foreign.implode()).all(), "domestic", "number")
    checks.towers(cells)

    # The base table without the added rows, with its own numbers and, where let off, its papers.
    own = _let_off(calls, "own_papers")["call_id"].implode()
    papers = users.select("user_id", "imei", "imsi")
    mended = (
        table.join(
            papers, left_on="caller_id", right_on="user_id", how="left", maintain_order="left"
        )
        .join(papers, left_on="callee_id", right_on="user_id", how="left", suffix="_callee",
              maintain_order="left")
        .with_columns(
            pl.when(pl.col("call_id").is_in(own)).then(pl.col(true)).otherwise(pl.col(column))
            .alias(column)
            for column, true in (
                ("caller_imei", "imei"), ("caller_imsi", "imsi"), ("callee_imsi", "imsi_callee")
            )
        )
        .select(table.columns)
    )  # fmt: skip
    base = mended.filter(~is_added).with_columns(
        call_id=pl.format("call_{}", (pl.int_range(pl.len()) + 1).cast(pl.String).str.zfill(6))
    )
    checks.calls(base, users, cells, ratio=data.config.anomaly_ratio)

    # What also holds with the added rows among the others.
    plain = mended.filter(is_added)
    checks._require(plain["is_anomaly"].all(), "label", "added row")
    label = plain.join(added, on="call_id", how="left")
    checks._require((label["anomaly_type"] == label["scenario"]).all(), "label", "anomaly_type")
    checks._require(table["call_start_ts"].is_sorted(), "order", "calls by start")
    checks._require((plain["caller_id"] != plain["callee_id"]).all(), "self", "call to oneself")
    for column in ("first_cell_id", "last_cell_id"):
        checks._require(plain[column].is_in(cells["cell_id"].implode()).all(), "reference", column)
    for side, columns in (
        ("caller_id", {"caller_imei": "imei", "caller_imsi": "imsi"}),
        ("callee_id", {"callee_imsi": "imsi"}),
    ):
        rows = plain.join(users, left_on=side, right_on="user_id", how="left")
        for column, true in columns.items():
            checks._require((rows[column] == rows[true]).fill_null(False).all(), "papers", column)
        old = rows["creation_date"] < rows["call_start_ts"].dt.date()
        checks._require(old.all(), "account", "age")
    seconds = (plain["call_end_ts"] - plain["call_start_ts"]).dt.total_seconds()
    checks._require((seconds == plain["call_duration"]).all(), "duration", "end minus start")
    silent = _let_off(calls, "answered")["call_id"].implode()
    answered = table.filter(~pl.col("call_id").is_in(silent))["call_duration"]
    zero_kinds = table["anomaly_type"].is_in(["wangiri_call"]).any()
    checks._require((answered >= 1).all() or zero_kinds, "answered", "a call of 0 s")
    overlapping = _let_off(calls, "one_call_at_a_time")["call_id"].implode()
    checks._one_call_at_a_time(table.filter(~pl.col("call_id").is_in(overlapping)))

    # The truth refers to what there is.
    for name, column in (("users", "user_id"), ("cells", "cell_id")):
        known = {"users": users, "cells": cells}[name][column].implode()
        checks._require(truth[name][column].is_in(known).all(), "truth", name)
    for name in ("users", "cells", "intervals"):
        rows = truth[name]
        checks._require((rows["start"] < rows["end"]).all(), "truth", "start before end")
    return table, truth
