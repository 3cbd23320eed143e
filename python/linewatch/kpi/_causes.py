"""What moved together with an event: in its cell, at its site, next door, or everywhere."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from linewatch import _times
from linewatch._frames import eager, like
from linewatch.kpi._around import check_known, event_table, long_table, neighbors, times_of
from linewatch.kpi._facing import HALF_SECTOR_DEG
from linewatch.kpi._sites import place_table

if TYPE_CHECKING:
    from linewatch._typing import AnyFrame, FrameT


CAUSES = ["cause_cell", "cause_kpi", "relation", "deviation", "direction", "lead_h", "was_off"]
CAUSES += ["n_moved"]


def causes(
    frame: FrameT,
    events: AnyFrame,
    sites: AnyFrame | None = None,
    *,
    lookback: str | timedelta = "6h",
    threshold: float = 3.0,
    top: int = 5,
    site_share: float = 0.5,
    region_share: float = 0.25,
    half_sector_deg: float = HALF_SECTOR_DEG,
) -> FrameT:
    """The KPIs that moved in the hours of each event, those that may explain it first.

    Looked at are the other KPIs of the cell, all KPIs of the other cells of its site, and of the
    neighbours that face it. None of this proves a cause; it says where to look first.

    Parameters
    ----------
    frame : DataFrame
        The long frame of ``kpi.baseline``, ``detect`` or ``classify``: ``cell``, ``kpi``, ``time``,
        ``value``, ``baseline``, ``scale``, with the KPIs and cells that may explain anything.
    events : DataFrame
        ``cell``, ``kpi``, ``start``, ``end``, as ``kpi.classify_events`` and ``kpi.events`` give
        them.
    sites : DataFrame, optional
        As :func:`clean_sites` returns it. Without it only the cell itself is looked at.
    lookback : str or timedelta, default="6h"
        How far before the start of an event a KPI may move first.
    threshold : float, default=3.0
        A KPI has moved if it is this many scales away from its baseline.
    top : int, default=5
        Rows for each event.
    site_share, region_share : float, default=0.5 and 0.25
        The scope of an event is ``region`` if, on average over its hours, at least this part of the
        cells of other sites moved on the same KPI in the same direction; ``site`` if this part
        of the other cells of its site did; otherwise ``cell``.
    half_sector_deg : float, default=60
        As for :func:`facing_cells`.

    Returns
    -------
    DataFrame of the kind of `frame`, by event and rank
        - ``event`` (row of `events`, from 0), ``cell``, ``kpi``, ``start``, ``end``;
        - ``scope``, and ``site_moved`` and ``region_moved``, the parts it goes by, null if there
          are no other cells;
        - ``rank`` (from 1), ``cause_cell``, ``cause_kpi``, ``relation`` (cell, site, neighbor);
        - ``deviation``: mean distance from the baseline over the hours of the event, in scales,
          each hour counted up to 50; ``direction`` (increase, decrease);
        - ``lead_h``: hours by which it moved before the start of the event, negative if after;
          ``was_off``: it was so in the lookback before already, perhaps for another reason, and
          lead says nothing; ``n_moved``: hours of the event in which it had moved.

        Ranked by abs(deviation) times 2 to the power of lead by lookback: a KPI that moved a whole
        lookback ahead counts twice one that moved at the start, or was off all along. An event
        beside which nothing moved has one row without rank and cause.

    Raises
    ------
    ValueError
        If a column is missing, events are of cells that the frame does not have, or `sites` and
        events share no cell.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import datetime, timedelta
    >>> from linewatch import kpi
    >>> times = [datetime(2026, 1, 5) + timedelta(hours=h) for h in range(6)]
    >>> def rows(name, values):
    ...     return pl.DataFrame({"cell": "A", "kpi": name, "time": times, "value": values,
    ...                          "baseline": 10.0, "scale": 1.0})
    >>> frame = pl.concat([rows("traffic", [10.0, 10, 10, 2, 2, 10]),
    ...                    rows("alarms", [10.0, 18, 18, 18, 18, 10]),
    ...                    rows("load", [10.0, 11, 10, 10, 9, 10])])
    >>> events = pl.DataFrame({"cell": ["A"], "kpi": ["traffic"], "start": times[3],
    ...                        "end": times[4]})
    >>> found = kpi.causes(frame, events)
    >>> found.select("scope", "cause_kpi", "deviation", "direction", "lead_h").rows()
    [('cell', 'alarms', 8.0, 'increase', 2.0)]
    """

    native = eager(frame)
    if not threshold > 0:
        raise ValueError(f"threshold must be above 0, got {threshold!r}")
    if not isinstance(top, int) or top < 1:
        raise ValueError(f"top must be a whole number from 1 on, got {top!r}")
    for name, part in (("site_share", site_share), ("region_share", region_share)):
        if not 0 < part <= 1:
            raise ValueError(f"{name} must be above 0 and at most 1, got {part!r}")
    back = timedelta(microseconds=_times.span(lookback, "lookback") // 1000)
    table = long_table(frame)
    found = event_table(events, table)
    places = place_table(sites)
    if places is not None:
        check_known(places, found)
    hours = times_of(found, table, 2 * back)
    scopes = _scopes(table, found, hours, places, threshold, site_share, region_share)
    related = _related(found, places, half_sector_deg)
    moved = _moved(table, hours, related, back, threshold, top)
    result = (
        found.join(scopes, on="event", how="left")
        .join(moved, on="event", how="left")
        .sort("event", "rank", nulls_last=True)
        .select(
            "event", "cell", "kpi", "start", "end", "scope", "site_moved", "region_moved", "rank",
            *CAUSES,
        )
    )  # fmt: skip
    return like(native, result)


def _related(events, places, half_sector_deg):
    """Cells to look at for each event, and how they are related to it."""
    import polars as pl

    own = events.select("event", "cell", related="cell", relation=pl.lit("cell"))
    if places is None:
        return own
    of = places.select(cell="cell_id", site="site_id")
    mates = (
        events.select("event", "cell")
        .join(of, on="cell")
        .join(of.rename({"cell": "related"}), on="site")
        .filter(pl.col("cell") != pl.col("related"))
        .select("event", "cell", "related", relation=pl.lit("site"))
    )
    pairs = neighbors(places, events["cell"], half_sector_deg).filter(~pl.col("is_same_site"))
    near = (
        events.select("event", "cell")
        .join(pairs.select(cell="cell_id", related="neighbor_id"), on="cell")
        .select("event", "cell", "related", relation=pl.lit("neighbor"))
    )
    return pl.concat([own, mates, near])


def _moved(table, hours, related, back, threshold, top):
    """The KPIs of related cells that moved, ranked."""
    import polars as pl

    sides = hours.drop("end").rename({"kpi": "event_kpi", "cell": "event_cell"})
    rows = (
        related.select("event", "related", "relation")
        .join(sides, on="event")
        .join(table.select(related="cell", kpi="kpi", time="time", z="z"), on=["related", "time"])
        .filter(
            (pl.col("related") != pl.col("event_cell")) | (pl.col("kpi") != pl.col("event_kpi"))
        )
    )
    key = ["event", "related", "relation", "kpi"]
    mean = rows.filter("during").group_by(key).agg(deviation=pl.col("z").mean())
    mean = mean.filter(pl.col("deviation").abs() >= threshold)
    same = (pl.col("z").abs() >= threshold) & (pl.col("z").sign() == pl.col("deviation").sign())
    rows = rows.join(mean, on=key).filter(same)
    early = pl.col("time") < pl.col("start") - back
    moved = pl.col("time").filter(~early).min()
    first = rows.group_by(key).agg(
        pl.col("deviation").first(),
        lead_h=(pl.col("start").first() - moved) / timedelta(hours=1),
        was_off=early.any(),
        n_moved=pl.col("during").sum().cast(pl.Int64),
    )
    first = first.filter(pl.col("lead_h").is_not_null())
    ahead = (pl.col("lead_h") * timedelta(hours=1) / back).clip(-1, 1)
    ahead = pl.when(pl.col("was_off")).then(pl.min_horizontal(ahead, 0.0)).otherwise(ahead)
    weight = pl.col("deviation").abs() * pl.lit(2.0).pow(ahead)
    ranked = first.with_columns(weight=weight).sort(
        "event", "weight", "related", "kpi", descending=[False, True, False, False]
    )
    ranked = ranked.with_columns(
        rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("event")
    ).filter(pl.col("rank") <= top)
    direction = pl.when(pl.col("deviation") > 0).then(pl.lit("increase"))
    return ranked.with_columns(direction=direction.otherwise(pl.lit("decrease"))).select(
        "event", "rank", pl.col("related").alias("cause_cell"), pl.col("kpi").alias("cause_kpi"),
        *CAUSES[2:],
    )  # fmt: skip


def _scopes(table, events, hours, places, threshold, site_share, region_share):
    """How much of the site and of the rest moved as the event did, and its scope."""
    import polars as pl

    of = table.select("cell").unique()
    if places is None:
        of = of.with_columns(site="cell")
    else:
        sites = places.select(cell="cell_id", site="site_id")
        of = of.join(sites, on="cell", how="left").with_columns(
            pl.col("site").fill_null(pl.col("cell"))
        )
    when = hours.filter("during")
    wanted = when.select("kpi", "time").unique()
    rows = table.drop_nulls("z").join(wanted, on=["kpi", "time"], how="semi").join(of, on="cell")
    up, down = pl.col("z") >= threshold, pl.col("z") <= -threshold
    counts = {"n": pl.len(), "up": up.sum(), "down": down.sum()}
    counts = {name: count.cast(pl.Int64) for name, count in counts.items()}
    everywhere = rows.group_by("kpi", "time").agg(**counts)
    at_site = rows.group_by("site", "kpi", "time").agg(**counts)
    own = rows.select(
        "cell",
        "kpi",
        "time",
        "site",
        own_z="z",
        own_up=up.cast(pl.Int64),
        own_down=down.cast(pl.Int64),
    )
    joined = (
        when.select("event", "cell", "kpi", "time")
        .join(own, on=["cell", "kpi", "time"])
        .join(at_site, on=["site", "kpi", "time"])
        .join(everywhere, on=["kpi", "time"], suffix="_all")
    )
    rises = pl.col("own_z").mean().over("event") >= 0
    mates = pl.col("n") - 1
    others = pl.col("n_all") - pl.col("n")
    with_it = pl.when(rises).then(pl.col("up") - pl.col("own_up"))
    with_it = with_it.otherwise(pl.col("down") - pl.col("own_down"))
    beyond = pl.when(rises).then(pl.col("up_all") - pl.col("up"))
    beyond = beyond.otherwise(pl.col("down_all") - pl.col("down"))
    parts = joined.select(
        "event",
        site_moved=pl.when(mates > 0).then(with_it / mates),
        region_moved=pl.when(others > 0).then(beyond / others),
    )
    scopes = parts.group_by("event").agg(pl.col("site_moved", "region_moved").mean())
    region = (pl.col("region_moved") >= region_share).fill_null(False)
    site = (pl.col("site_moved") >= site_share).fill_null(False)
    scope = pl.when(region).then(pl.lit("region")).when(site).then(pl.lit("site"))
    return (
        events.select("event")
        .join(scopes, on="event", how="left")
        .with_columns(scope=scope.otherwise(pl.lit("cell")))
    )
