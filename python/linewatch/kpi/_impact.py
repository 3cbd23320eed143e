"""What an event cost, and who carried it instead."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from linewatch import _tables
from linewatch._frames import eager, like
from linewatch.kpi._around import check_known, event_table, long_table, neighbors, times_of
from linewatch.kpi._facing import HALF_SECTOR_DEG
from linewatch.kpi._resample import RATIO_WORDS
from linewatch.kpi._sites import place_table

if TYPE_CHECKING:
    from typing import Literal

    from linewatch._typing import AnyFrame, FrameT


TRAFFIC = (
    {"traffic", "trafic", "volume", "payload"},
    {"erlang", "bytes", "octets", "gb", "mb"},
    {"users", "calls", "sessions", "throughput"},
)

Frame = TypeVar("Frame")


class Impact(NamedTuple, Generic[Frame]):
    """What :func:`impact` returns: three frames.

    Examples
    --------
    >>> from linewatch import kpi
    >>> network = kpi.simulate(3, 6, seed=0)
    >>> detected = kpi.detect(network.kpis, kpis=["traffic_gb"])
    >>> cost = kpi.impact(detected, kpi.classify_events(detected), network.sites)
    >>> cost.events["lost"].is_sorted(descending=True), cost.neighbors.width
    (True, 9)
    """

    events: Frame
    neighbors: Frame
    cells: Frame


def impact(
    frame: FrameT,
    events: AnyFrame,
    sites: AnyFrame | None = None,
    *,
    kpi: str | None = None,
    missing: Literal["unknown", "zero"] = "unknown",
    taken_up_z: float = 3.0,
    half_sector_deg: float = HALF_SECTOR_DEG,
) -> Impact[FrameT]:
    """Traffic lost in each event, the neighbours that took it up, and the ranking.

    Parameters
    ----------
    frame : DataFrame
        The long frame of ``kpi.baseline``, ``detect`` or ``classify``: ``cell``, ``kpi``, ``time``,
        ``value``, ``baseline``, ``scale``.
    events : DataFrame
        ``cell``, ``start``, ``end`` and, if there is one, ``kpi``.
    sites : DataFrame, optional
        As :func:`clean_sites` returns it. Without it there are no neighbours and no site.
    kpi : str, optional
        The traffic: a KPI that can be summed. By default the first whose name has traffic, volume
        or payload, else the first that is no ratio. An event of any KPI is measured by it.
    missing : {"unknown", "zero"}, default="unknown"
        What a missing value with a baseline means in an event: no measurement, or no traffic, as
        when a cell that is down sends no counters. Rows that are not there at all are never
        counted; ``kpi.clean(..., fill_gaps=True)`` puts them in.
    taken_up_z : float, default=3.0
        A neighbour took traffic up if its excess over the hours is this many standard deviations
        of a sum of so many independent hours.
    half_sector_deg : float, default=60
        As for :func:`facing_cells`.

    Returns
    -------
    Impact
        Frames of the kind of `frame`.

        ``events``, the greatest loss first: ``rank``, ``event`` (row of `events`, from 0),
        ``cell``, ``site`` (null without), ``kpi`` (of the event), ``traffic`` (the KPI summed),
        ``start``, ``end``, ``n_hours`` (rows that are counted), ``n_missing`` (times of the frame
        that are not, whose loss is not known), ``expected`` (sum of the baseline), ``lost`` (sum
        of baseline - value, negative for a gain), ``lost_share`` (of expected), ``site_share``
        (lost, of what the site was expected to carry), ``taken_up`` (sum of the excess of the
        neighbours that took it up), ``taken_up_share`` (of lost, null for a gain), ``net_lost``.

        ``neighbors``: ``event``, ``anomaly_cell``, ``neighbor_cell``, ``distance_km``,
        ``is_same_site``, ``excess`` (sum of value - baseline of the neighbour), ``z``, ``took_up``,
        ``share_of_lost``.

        ``cells``: the cells of the events and their neighbours, those with the greatest loss
        first: ``cell``, ``latitude``, ``longitude``, ``azimuth``, ``is_anomaly``, ``n_events``,
        ``lost`` (over the hours of its events, each counted once).

        A neighbour of two events at the same time counts in both.

    Raises
    ------
    ValueError
        If a column or the KPI is missing, `kpi` is a ratio, or `sites` and events share no cell.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import datetime, timedelta
    >>> from linewatch import kpi
    >>> times = [datetime(2026, 1, 5) + timedelta(hours=h) for h in range(4)]
    >>> frame = pl.DataFrame({"cell": "A", "kpi": "traffic_gb", "time": times,
    ...                       "value": [10.0, 2, 1, 10], "baseline": 10.0, "scale": 1.0})
    >>> events = pl.DataFrame({"cell": ["A"], "start": times[1], "end": times[2]})
    >>> kpi.impact(frame, events).events.select("lost", "expected", "lost_share").rows()
    [(17.0, 20.0, 0.85)]
    """
    import polars as pl

    native = eager(frame)
    if not taken_up_z > 0:
        raise ValueError(f"taken_up_z must be above 0, got {taken_up_z!r}")
    if missing not in ("unknown", "zero"):
        raise ValueError(f"missing must be unknown or zero, got {missing!r}")
    table = long_table(frame)
    found = event_table(events, table)
    name = _traffic(table["kpi"].unique(maintain_order=True).to_list(), kpi)
    rows = table.filter(pl.col("kpi") == name).select("cell", "time", "value", "baseline", "scale")
    places = place_table(sites)
    if places is not None:
        check_known(places, found)
    hours = times_of(found, table, timedelta(0)).select("event", "cell", "time")
    measured = hours.join(rows, on=["cell", "time"], how="left")
    if missing == "zero":
        silent = pl.col("value").is_null() & pl.col("baseline").is_not_null()
        measured = measured.with_columns(
            pl.when(silent).then(0.0).otherwise("value").alias("value")
        )
    both = pl.col("value").is_not_null() & pl.col("baseline").is_not_null()
    lost = (pl.col("baseline") - pl.col("value")).filter(both)
    sums = measured.group_by("event").agg(
        n_hours=both.sum().cast(pl.Int64),
        n_missing=(~both).sum().cast(pl.Int64),
        expected=pl.when(both.any()).then(pl.col("baseline").filter(both).sum()),
        lost=pl.when(both.any()).then(lost.sum()),
    )
    result = found.join(sums, on="event", how="left")
    result = result.with_columns(
        pl.col("n_hours", "n_missing").fill_null(0),
        lost_share=_ratio("lost", "expected"),
        traffic=pl.lit(name),
    )
    if places is None:
        pairs = no_pairs()
        result = result.with_columns(
            site=pl.lit(None, dtype=pl.String),
            site_share=pl.lit(None, dtype=pl.Float64),
            taken_up=pl.lit(None, dtype=pl.Float64),
        )
    else:
        result = result.join(_site_share(hours, rows, places), on="event", how="left")
        result = result.with_columns(site_share=_ratio("lost", "site_expected"))
        pairs = _pairs(hours, rows, places, result, taken_up_z, half_sector_deg)
        taken = pairs.group_by("event").agg(taken_up=pl.col("excess").filter("took_up").sum())
        result = result.join(taken, on="event", how="left").with_columns(
            pl.col("taken_up").fill_null(0.0)
        )
    share = pl.when(pl.col("lost") > 0).then(pl.col("taken_up") / pl.col("lost"))
    result = result.with_columns(
        taken_up_share=share, net_lost=pl.col("lost") - pl.col("taken_up").fill_null(0.0)
    ).sort("lost", "event", descending=[True, False], nulls_last=True)
    result = result.with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64)).select(
        "rank", "event", "cell", "site", "kpi", "traffic", "start", "end", "n_hours", "n_missing",
        "expected", "lost", "lost_share", "site_share", "taken_up", "taken_up_share", "net_lost",
    )  # fmt: skip
    cells = _cells(measured, found, pairs, places)
    return Impact(*(like(native, part) for part in (result, pairs, cells)))


def summable(kpis):
    """Those KPIs whose names do not say that they are ratios."""
    return [name for name in kpis if not set(_tables.words(name).split()[-2:]) & RATIO_WORDS]


def _traffic(kpis, asked):
    """The KPI whose loss is counted."""
    if asked is not None:
        if asked not in kpis:
            raise ValueError(f'KPI "{asked}" is not in the frame; it has {", ".join(kpis)}')
        if set(_tables.words(asked).split()[-2:]) & RATIO_WORDS:
            raise ValueError(f'"{asked}" is a ratio and has no sum; say kpi= with a traffic')
        return asked
    sums = summable(kpis)
    if not sums:
        raise ValueError(f"no KPI can be summed among {', '.join(kpis)}; say kpi=")
    return traffic(kpis) or sums[0]


def traffic(kpis):
    """The first KPI that is traffic by its name, the plainest words first; None without one."""
    for words in TRAFFIC:
        for name in summable(kpis):
            if words & set(_tables.words(name).split()):
                return name
    return None


def _ratio(part, whole):
    import polars as pl

    return pl.when(pl.col(whole) > 0).then(pl.col(part) / pl.col(whole))


def _site_share(hours, rows, places):
    """What the site of each event was expected to carry in its hours."""
    import polars as pl

    of = places.select(cell="cell_id", site="site_id")
    at = rows.join(of, on="cell").group_by("site", "time")
    at = at.agg(pl.col("baseline").sum())
    joined = hours.join(of, on="cell").join(at, on=["site", "time"], how="left")
    return joined.group_by("event").agg(
        pl.col("site").first(), site_expected=pl.col("baseline").sum()
    )


def no_pairs():
    """The table of neighbours, empty."""
    import polars as pl

    return pl.DataFrame(
        schema={
            "event": pl.Int64, "anomaly_cell": pl.String, "neighbor_cell": pl.String,
            "distance_km": pl.Float64, "is_same_site": pl.Boolean, "excess": pl.Float64,
            "z": pl.Float64, "took_up": pl.Boolean, "share_of_lost": pl.Float64,
        }
    )  # fmt: skip


def _pairs(hours, rows, places, events, taken_up_z, half_sector_deg):
    """Each event with each neighbour that faces its cell, and the excess there."""
    import polars as pl

    facing = neighbors(places, events["cell"], half_sector_deg).select(
        "distance_km", "is_same_site", cell="cell_id", neighbor_cell="neighbor_id"
    )
    near = (
        hours.join(facing, on="cell")
        .join(rows.rename({"cell": "neighbor_cell"}), on=["neighbor_cell", "time"], how="left")
        .with_columns(away=pl.col("value") - pl.col("baseline"))
    )
    known = pl.col("away").is_not_null()
    spread = (pl.col("scale").filter(known) ** 2).sum().sqrt()
    sums = near.group_by("event", "cell", "neighbor_cell").agg(
        pl.col("distance_km", "is_same_site").first(),
        excess=pl.when(known.any()).then(pl.col("away").sum()),
        spread=spread,
    )
    z = pl.when(pl.col("spread") > 0).then(pl.col("excess") / pl.col("spread"))
    sums = sums.join(events.select("event", "lost"), on="event").with_columns(z=z)
    return (
        sums.with_columns(
            took_up=(pl.col("z") >= taken_up_z).fill_null(False) & (pl.col("lost") > 0),
            share_of_lost=pl.when(pl.col("lost") > 0).then(pl.col("excess") / pl.col("lost")),
        )
        .rename({"cell": "anomaly_cell"})
        .sort("event", "excess", "neighbor_cell", descending=[False, True, False], nulls_last=True)
        .select(list(no_pairs().columns))
    )


def _cells(measured, events, pairs, places):
    """The cells of events and their neighbours, with places."""
    import polars as pl

    once = measured.unique(["cell", "time"])
    lost = once.group_by("cell").agg(lost=(pl.col("baseline") - pl.col("value")).sum())
    count = events.group_by("cell").agg(n_events=pl.len().cast(pl.Int64))
    cells = count.join(lost, on="cell", how="left").with_columns(is_anomaly=pl.lit(True))
    others = pairs.select(cell="neighbor_cell").unique().join(cells, on="cell", how="anti")
    cells = pl.concat([cells, others], how="diagonal").with_columns(
        pl.col("is_anomaly").fill_null(False), pl.col("n_events").fill_null(0)
    )
    if places is None:
        empty = pl.lit(None, dtype=pl.Float64)
        cells = cells.with_columns(latitude=empty, longitude=empty, azimuth=empty)
    else:
        spot = places.select(
            pl.col("latitude", "longitude", "azimuth").cast(pl.Float64), cell="cell_id"
        )
        cells = cells.join(spot, on="cell", how="left")
    return cells.sort("lost", "cell", descending=[True, False], nulls_last=True).select(
        "cell", "latitude", "longitude", "azimuth", "is_anomaly", "n_events", "lost"
    )
