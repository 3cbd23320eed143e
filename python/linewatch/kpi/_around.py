"""The hours of events, and the cells around them."""

from linewatch._arguments import quoted
from linewatch._frames import eager, to_polars
from linewatch.kpi._facing import facing_cells

BASELINED = ["cell", "kpi", "time", "value", "baseline", "scale"]
NO_SCALE = 50.0


def long_table(frame):
    """A frame with a row for each cell, KPI and time, in Polars, with the deviation ``z``."""
    import polars as pl

    table = to_polars(eager(frame))
    for name in BASELINED:
        if name not in table.columns:
            has = quoted(table.columns, most=None)
            raise ValueError(
                f'column "{name}" is missing; expected the frame of kpi.baseline or kpi.detect, '
                f"got {has}"
            )
    if not table.height:
        raise ValueError("the frame has no rows")
    table = table.select(pl.col("cell").cast(pl.String), *BASELINED[1:])
    table = table.with_columns(pl.col("value", "baseline", "scale").fill_nan(None))
    away = pl.col("value") - pl.col("baseline")
    still = away.abs() <= 1e-9 * pl.col("baseline").abs()
    z = pl.when(still).then(0.0).otherwise(away / pl.col("scale"))
    return table.with_columns(z=z.clip(-NO_SCALE, NO_SCALE))


def event_table(events, table):
    """Events in Polars with their number; checked to be of the frame."""
    import polars as pl

    rows = to_polars(eager(events))
    for name in ("cell", "start", "end"):
        if name not in rows.columns:
            has = quoted(rows.columns, most=None)
            raise ValueError(f'column "{name}" of events is missing; it has {has}')
    kpis = table["kpi"].unique(maintain_order=True).to_list()
    if "kpi" not in rows.columns:
        if len(kpis) > 1:
            raise ValueError('column "kpi" of events is missing, and the frame has several KPIs')
        rows = rows.with_columns(kpi=pl.lit(kpis[0]))
    rows = rows.select(
        pl.col("cell").cast(pl.String), pl.col("kpi").cast(pl.String), "start", "end"
    ).with_columns(event=pl.int_range(pl.len(), dtype=pl.Int64))
    unknown = rows.filter(~pl.col("cell").is_in(table["cell"].unique().implode()))
    if unknown.height:
        raise ValueError(f'events names cell "{unknown["cell"][0]}", which the frame does not have')
    dtype = table.schema["time"]
    return rows.with_columns(pl.col("start", "end").cast(dtype))


def times_of(events, table, lookback):
    """One row for each event and time of the frame from `lookback` before it to its end."""
    import polars as pl

    times = table["time"].unique().sort()
    first = times.search_sorted(events["start"] - lookback, "left")
    last = times.search_sorted(events["end"], "right")
    spans = events.with_columns(first=first.cast(pl.Int64), last=last.cast(pl.Int64))
    spans = spans.filter(pl.col("last") > pl.col("first"))
    rows = spans.with_columns(at=pl.int_ranges("first", "last")).explode("at")
    time = times.gather(rows["at"].cast(pl.UInt32))
    rows = rows.with_columns(time=time).drop("first", "last", "at")
    return rows.with_columns(during=pl.col("time") >= pl.col("start"))


def neighbors(places, cells, half_sector_deg):
    """Pairs of facing cells of those of `cells` that have a place."""
    known = set(places["cell_id"])
    asked = [cell for cell in dict.fromkeys(cells) if cell in known]
    return facing_cells(
        places, asked, max_distance_km="max_distance_km", half_sector_deg=half_sector_deg
    )


def check_known(places, events):
    """At least some cell of the events must have a place, or the names do not agree."""
    if events.height and not set(events["cell"]) & set(places["cell_id"]):
        raise ValueError(
            f'no cell of the events is among sites: "{events["cell"][0]}" there, '
            f'"{places["cell_id"][0]}" here'
        )
