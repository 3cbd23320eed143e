"""A network at work: hourly KPIs of cells on sites, with known faults and their truth.

Every cell draws its own random numbers, keyed by seed, purpose and place: the same seed gives the
same rows, and one more fault changes nothing in the cells that it does not touch.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Generic, TypeVar, overload

import numpy as np

from linewatch._frames import as_backend
from linewatch._sizes import check_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Literal

    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from linewatch._typing import Time


#: The faults that `simulate` knows, with the hours that each lasts (least, most).
FAULTS = {
    "outage": (3, 12),
    "sleeping cell": (12, 48),
    "drift": (240, 336),
    "congestion": (3, 10),
    "holiday": (24, 24),
    "swap": (168, 336),
}
KPIS = [
    "traffic_gb",
    "voice_erlang",
    "calls",
    "dropped_calls",
    "drop_rate_percent",
    "prb_percent",
    "throughput_mbit_per_s",
]
_LEVEL, _NOISE, _SITE, _FAULT = range(4)
CELLS_A_SITE = 3
# Part of the traffic of a silent cell that its neighbours can carry.
TAKEN_UP = 0.6
SPACING_KM = 1.2
CENTER = (33.57, -7.59)
KM_PER_DEGREE = 111.195

Frame = TypeVar("Frame")


@dataclass(frozen=True)
class Simulation(Generic[Frame]):
    """What :func:`simulate` made.

    Attributes
    ----------
    kpis : DataFrame
        ``time``, ``cell_id`` and the KPIs of each hour, by cell and time.
    sites : DataFrame
        One row a cell: ``cell_id``, ``site_id``, ``latitude``, ``longitude``, ``azimuth`` (degrees
        clockwise from north), ``max_distance_km`` (how far it looks for neighbours).
    truth : DataFrame
        One row for each cell of a fault: ``fault_id``, ``fault``, ``scope`` (cell, site or region),
        ``cell_id``, ``site_id``, ``start`` and ``end`` (first and last hour), ``kpi`` (the one that
        shows it most), ``size`` (factor on the traffic; on the throughput for a drift; null for a
        swap and a holiday), ``is_degradation`` (False for a holiday, which is no fault of the
        network).

    Examples
    --------
    >>> from linewatch import kpi
    >>> network = kpi.simulate(2, 5, faults=["outage"], seed=1)
    >>> network.sites.height
    6
    >>> network.truth["fault"].to_list()
    ['outage']
    >>> network.labelled()["is_fault"].sum() > 0
    True
    """

    kpis: Frame
    sites: Frame
    truth: Frame

    def labelled(self) -> Frame:
        """`kpis` with ``fault`` (null outside) and ``is_fault`` (True in a degradation)."""
        from linewatch._frames import eager, like, to_polars

        native = eager(self.kpis)
        table, truth = to_polars(native), to_polars(eager(self.truth))
        return like(native, _labelled(table, truth))


@overload
def simulate(
    n_sites: int = ...,
    n_weeks: int = ...,
    *,
    faults: Literal["each"] | Sequence[Any] | Mapping[str, Any] = ...,
    quiet_weeks: int = ...,
    missing: float = ...,
    start: Time = ...,
    seed: int = ...,
    backend: Literal["polars"] = ...,
) -> Simulation[pl.DataFrame]: ...
@overload
def simulate(
    n_sites: int = ...,
    n_weeks: int = ...,
    *,
    faults: Literal["each"] | Sequence[Any] | Mapping[str, Any] = ...,
    quiet_weeks: int = ...,
    missing: float = ...,
    start: Time = ...,
    seed: int = ...,
    backend: Literal["pandas"],
) -> Simulation[pd.DataFrame]: ...
@overload
def simulate(
    n_sites: int = ...,
    n_weeks: int = ...,
    *,
    faults: Literal["each"] | Sequence[Any] | Mapping[str, Any] = ...,
    quiet_weeks: int = ...,
    missing: float = ...,
    start: Time = ...,
    seed: int = ...,
    backend: Literal["pyarrow"],
) -> Simulation[pa.Table]: ...
def simulate(
    n_sites=12,
    n_weeks=8,
    *,
    faults="each",
    quiet_weeks=4,
    missing=0.001,
    start="2026-01-05",
    seed=0,
    backend="polars",
):
    """Hourly KPIs of cells on sites with known faults.

    Sites stand about 1.2 km apart in rings around a center, with three sectors each. Traffic has
    the rhythm of offices or homes by hour of week, a slow wander of each cell's own and
    noise; the other KPIs follow from it: load of resource blocks, throughput that falls with load,
    calls and the dropped ones among them.

    Parameters
    ----------
    n_sites : int, default=12
        Sites; three cells each.
    n_weeks : int, default=8
        Weeks of hourly rows for each cell.
    faults : "each", sequence of str or dict, default="each"
        ``"each"`` plants every kind once for each 12 sites or part of them. A sequence names kinds,
        one of each name; a dict in it fixes ``kind`` and, where wanted, ``cell`` (or ``site``: all
        its cells), ``start`` (datetime), ``hours`` and ``size``. The kinds:

        ``"outage"``
            No traffic; the neighbours that face the cell take up to 60 % of it. Every second
            outage drawn takes the whole site.
        ``"sleeping cell"``
            A fifth of the traffic and no sign in the other KPIs; the neighbours take the rest up.
        ``"drift"``
            Throughput sinks to 60 % and drops rise, a little each hour for two weeks.
        ``"congestion"``
            2.5 times the traffic: blocks full, throughput down, drops up.
        ``"holiday"``
            All cells have a Sunday on a working day.
        ``"swap"``
            Two cells of a site carry each other's traffic, as with feeders crossed.
    quiet_weeks : int, default=4
        Weeks at the start in which nothing is planted.
    missing : float, default=0.001
        Share of the rows that are not there.
    start : str or datetime, default="2026-01-05"
        The first hour (a Monday). Times have no zone.
    seed : int, default=0
        The same seed gives the same rows.
    backend : {"polars", "pandas", "pyarrow"}, default="polars"
        The kind of frames.

    Returns
    -------
    Simulation

    Raises
    ------
    ValueError
        If a fault is not known or finds no room, or a number is out of range.

    Examples
    --------
    >>> from linewatch import kpi
    >>> network = kpi.simulate(n_sites=3, n_weeks=6, faults=["outage"], seed=1)
    >>> network.kpis.columns[:4]
    ['time', 'cell_id', 'traffic_gb', 'voice_erlang']
    >>> network.truth["fault"].unique().to_list()
    ['outage']
    """
    import polars as pl

    counts = (("n_sites", n_sites, 1), ("n_weeks", n_weeks, 1), ("seed", seed, 0))
    for name, value, least in (*counts, ("quiet_weeks", quiet_weeks, 0)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ValueError(f"{name} must be a whole number from {least} on, got {value!r}")
    if not 0 <= missing < 1:
        raise ValueError(f"missing must be from 0 to below 1, got {missing!r}")
    rows = n_sites * CELLS_A_SITE * n_weeks * 168
    check_rows(rows, f"n_sites={n_sites} and n_weeks={n_weeks}")
    first = _time("start", start)
    sites = _sites(n_sites, seed)
    n_hours = n_weeks * 168
    usual, sunday = _usual(n_sites * CELLS_A_SITE, n_hours, first, seed)
    planted = _plan(faults, sites, n_hours, quiet_weeks * 168, first, seed)
    traffic = _traffic(usual, sunday, planted, sites)
    columns = _kpis(traffic, usual, planted, seed)
    times = np.datetime64(first, "us") + np.arange(n_hours) * np.timedelta64(3_600_000_000, "us")
    there = columns.pop("there") >= missing
    frame = (
        pl.DataFrame(
            {
                "time": np.tile(times, len(usual)),
                "cell_id": np.repeat(sites["cell_id"].to_list(), n_hours),
            }
            | {name: columns[name].ravel() for name in KPIS}
        )
        .with_columns(pl.col("drop_rate_percent").fill_nan(None))
        .filter(pl.Series(there.ravel()))
    )
    truth = _truth(planted, sites, first)
    return Simulation(*(as_backend(table, backend) for table in (frame, sites, truth)))


def _random(seed, purpose, place):
    """Random numbers of one purpose at one place; Philox, keyed, so that none depend on others."""
    key = np.array([seed, purpose << 40 | place], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


def _sites(n_sites, seed):
    """Rings of 6, 12, 18... sites around the first, a little off their places."""
    import polars as pl

    rows = []
    for i in range(n_sites):
        ring, before = 0, 1
        while i >= before:
            ring += 1
            before += 6 * ring
        rng = _random(seed, _SITE, i)
        angle = 2 * np.pi * (i - (before - 6 * ring)) / max(6 * ring, 1) + 0.3 * ring
        away = SPACING_KM * ring
        dx, dy = rng.normal(0, 0.12, 2) + [away * np.sin(angle), away * np.cos(angle)]
        latitude = CENTER[0] + dy / KM_PER_DEGREE
        longitude = CENTER[1] + dx / KM_PER_DEGREE / np.cos(np.radians(CENTER[0]))
        turn = int(rng.integers(0, 12)) * 10
        for k in range(CELLS_A_SITE):
            rows.append(
                {
                    "cell_id": f"S{i + 1:03d}-{k + 1}",
                    "site_id": f"S{i + 1:03d}",
                    "latitude": round(float(latitude), 6),
                    "longitude": round(float(longitude), 6),
                    "azimuth": (turn + 120 * k) % 360,
                    "max_distance_km": 3.0,
                }
            )
    return pl.DataFrame(rows)


def _usual(n_cells, n_hours, first, seed):
    """Traffic in GB an hour with nothing wrong, and what it would be if each day were a Sunday."""
    hour = np.arange(n_hours) + first.hour
    of_day, weekday = hour % 24, (hour // 24 + first.weekday()) % 7
    evening = 0.15 + np.exp(-(((of_day - 20.5 + 12) % 24 - 12) ** 2) / 18)
    office = 0.12 + np.exp(-((of_day - 13) ** 2) / 20)
    usual, sunday = np.empty((2, n_cells, n_hours))
    for cell in range(n_cells):
        rng = _random(seed, _LEVEL, cell)
        share, level = rng.beta(0.8, 0.8), rng.lognormal(np.log(15), 0.4)
        days = rng.normal(0, 0.012, n_hours // 24 + 3)
        for day in range(1, days.size):
            days[day] += 0.92 * days[day - 1]
        base = level * np.exp(np.interp(hour / 24, np.arange(days.size), days))
        shape = share * office + (1 - share) * evening
        free = 1.15 - 0.8 * share
        usual[cell] = base * shape * np.where(weekday >= 5, free, 1)
        sunday[cell] = base * shape * free
    return usual, sunday


def _time(name, given):
    """A local time that a caller gave, as text or as it is."""
    if not isinstance(given, datetime):
        try:
            given = datetime.fromisoformat(str(given))
        except ValueError:
            given = None if given is None else str(given)
    if not isinstance(given, datetime) or given.tzinfo is not None:
        raise ValueError(
            f'{name} must be a local time such as "2026-01-05" or "2026-01-05 14:00", got {given!r}'
        )
    return given


def _plan(faults, sites, n_hours, quiet, first, seed):
    """Where and when: a list of dicts with kind, cells, begin, hours, size, scope."""
    cells, of = sites["cell_id"].to_list(), sites["site_id"].to_list()
    if isinstance(faults, str):
        if faults != "each":
            raise ValueError(f'faults must be "each" or a sequence of {", ".join(FAULTS)}')
        faults = [kind for _ in range(-(-len(set(of)) // 12)) for kind in FAULTS]
    taken = np.zeros((len(cells), n_hours), dtype=bool)
    planted, n_outages = [], 0
    for number, fault in enumerate(faults):
        asked = {"kind": fault} if isinstance(fault, str) else dict(fault)
        unknown = set(asked) - {"kind", "cell", "site", "start", "hours", "size"}
        if unknown:
            raise ValueError(
                f'a fault has no "{sorted(unknown)[0]}"; it has kind, cell, site, start, '
                "hours, size"
            )
        kind = asked.get("kind")
        if kind not in FAULTS:
            raise ValueError(f"faults has {kind!r}; known are {', '.join(FAULTS)}")
        rng = _random(seed, _FAULT, number)
        n_outages += kind == "outage"
        whole_site = kind == "outage" and n_outages % 2 == 0
        for _ in range(1000):
            found = _draw(rng, asked, kind, cells, of, n_hours, quiet, first, whole_site)
            rows, begin, hours = found["cells"], found["begin"], found["hours"]
            around = taken[rows, max(begin - 24, 0) : begin + hours + 24]
            fixed = "start" in asked and ({"cell", "site"} & set(asked) or kind == "holiday")
            if kind == "holiday" or fixed or not around.any():
                break
        else:
            raise ValueError(f"{kind} finds no room; ask for fewer faults or for more weeks")
        if kind != "holiday":
            taken[rows, begin : begin + hours] = True
        planted.append(found)
    return planted


def _draw(rng, asked, kind, cells, of, n_hours, quiet, first, whole_site):
    least, most = FAULTS[kind]
    hours = int(asked.get("hours", rng.integers(least, most + 1)))
    room = n_hours - hours
    if hours < 1 or room < (0 if "start" in asked else quiet):
        raise ValueError(
            f"{kind} of {hours} hours does not fit after quiet_weeks={quiet // 168}; "
            "ask for more weeks"
        )
    if kind == "holiday":
        days = [d for d in range(-(-quiet // 24), n_hours // 24)]
        days = [d for d in days if (first + timedelta(days=d)).weekday() < 5]
        begin = 24 * int(rng.choice(days)) if days else quiet
    else:
        # At night nothing shows: begin between 7 and 17 o'clock.
        begin = int(rng.integers(min(quiet, room), room + 1))
        of_day = (begin + first.hour) % 24
        if kind in ("outage", "congestion"):
            begin = min(max(begin + 7 + int(rng.integers(0, 11)) - of_day, quiet), room)
    if "start" in asked:
        at = asked["start"]
        at = _time("start of a fault", at)
        begin = int((at - first) / timedelta(hours=1))
        if not 0 <= begin <= room:
            raise ValueError(f"{kind} from {at} for {hours} hours is outside the simulated weeks")
    scope, size = "cell", None
    if kind == "holiday":
        scope, rows = "region", list(range(len(cells)))
    elif "site" in asked:
        rows, scope = [k for k, name in enumerate(of) if name == str(asked["site"])], "site"
        if not rows:
            raise ValueError(f'site "{asked["site"]}" is not among the simulated ones')
    else:
        if "cell" in asked and str(asked["cell"]) not in cells:
            raise ValueError(f'cell "{asked["cell"]}" is not among the simulated ones')
        cell = cells.index(str(asked["cell"])) if "cell" in asked else int(rng.integers(len(cells)))
        rows = [cell]
        if kind == "swap":
            site = [k for k, name in enumerate(of) if name == of[cell]]
            rows = [cell, site[(site.index(cell) + 1) % len(site)]]
        elif whole_site and "cell" not in asked:
            rows, scope = [k for k, name in enumerate(of) if name == of[cell]], "site"
    drawn = {
        "outage": rng.uniform(0, 0.01),
        "sleeping cell": rng.uniform(0.12, 0.28),
        "drift": rng.uniform(0.5, 0.65),
        "congestion": rng.uniform(2.2, 2.8),
    }.get(kind)
    size = float(asked["size"]) if "size" in asked else drawn
    return {
        "kind": kind, "cells": rows, "begin": begin, "hours": hours, "size": size, "scope": scope
    }  # fmt: skip


def _traffic(usual, sunday, planted, sites):
    """The traffic offered to each cell, with the faults in it."""
    from linewatch.kpi._facing import facing_cells

    traffic = usual.copy()
    for fault in planted:
        when = slice(fault["begin"], fault["begin"] + fault["hours"])
        if fault["kind"] == "holiday":
            # A Sunday in place of the day, on top of what else is wrong.
            traffic[:, when] *= sunday[:, when] / usual[:, when]
    names = sites["cell_id"].to_list()
    place = {name: k for k, name in enumerate(names)}
    before = traffic.copy()
    for fault in planted:
        when = slice(fault["begin"], fault["begin"] + fault["hours"])
        rows = fault["cells"]
        if fault["kind"] == "swap":
            traffic[rows, when] = before[rows[::-1], when]
        elif fault["kind"] == "congestion":
            traffic[rows, when] *= fault["size"]
        elif fault["kind"] in ("outage", "sleeping cell"):
            traffic[rows, when] *= fault["size"]
            pairs = facing_cells(sites, [names[k] for k in rows], max_distance_km="max_distance_km")
            out = {names[k] for k in rows}
            pairs = pairs.filter(~pairs["neighbor_id"].is_in(list(out)))
            for row in rows:
                near = pairs.filter(pairs["cell_id"] == names[row])
                if not near.height:
                    continue
                weight = 1 / np.maximum(near["distance_km"].to_numpy(), 0.3) ** 2
                weight *= TAKEN_UP / weight.sum()
                lost = before[row, when] * (1 - fault["size"])
                for name, part in zip(near["neighbor_id"], weight, strict=True):
                    traffic[place[name], when] += part * lost
    return traffic


def _kpis(traffic, usual, planted, seed):
    """The KPIs that follow from the traffic offered, each cell with its own noise."""
    n_cells, n_hours = traffic.shape
    columns = {name: np.empty(traffic.shape) for name in [*KPIS, "there"]}
    efficiency, drops = np.ones((2, n_cells, n_hours))
    for fault in planted:
        when = slice(fault["begin"], fault["begin"] + fault["hours"])
        if fault["kind"] == "drift":
            sunk = np.linspace(1, fault["size"], fault["hours"])
            efficiency[fault["cells"], when] *= sunk
            drops[fault["cells"], when] *= 1 + 4 * (1 - sunk)
    for cell in range(n_cells):
        rng = _random(seed, _NOISE, cell)
        capacity = usual[cell].max() * rng.uniform(1.25, 1.7)
        speed, base_drop, voice = rng.uniform(18, 40), rng.uniform(0.3, 0.8), rng.uniform(1.5, 3)
        noise = np.exp(rng.normal(0, 0.05, (2, n_hours)))
        offered = traffic[cell] * noise[0] * efficiency[cell] ** 0.3
        load = offered / capacity
        prb = 100 * (1 - np.exp(-1.6 * load / efficiency[cell]))
        prb = np.clip(prb + rng.normal(0, 0.8, n_hours), 0, 100)
        carried = np.minimum(offered, capacity * 1.5)
        is_silent = carried < 0.02 * usual[cell]
        mean_calls = np.clip(300 * voice * carried / usual[cell].mean() * noise[1], 0, None)
        calls = rng.poisson(mean_calls)
        over = np.clip(prb - 75, 0, None) / 25
        rate = base_drop * drops[cell] * (1 + 5 * over**2) / 100
        dropped = rng.binomial(calls, np.clip(rate, 0, 1))
        throughput = speed * efficiency[cell] * (1 - 0.85 * (prb / 100) ** 1.5)
        throughput *= np.exp(rng.normal(0, 0.04, n_hours))
        columns["traffic_gb"][cell] = carried.round(3)
        columns["voice_erlang"][cell] = (
            calls * 0.025 * np.exp(rng.normal(0, 0.02, n_hours))
        ).round(3)
        columns["calls"][cell] = calls
        columns["dropped_calls"][cell] = dropped
        with np.errstate(invalid="ignore"):
            columns["drop_rate_percent"][cell] = (100 * dropped / calls).round(3)
        columns["prb_percent"][cell] = prb.round(2)
        columns["throughput_mbit_per_s"][cell] = np.where(is_silent, 0, throughput).round(3)
        columns["there"][cell] = rng.random(n_hours)
    return columns


_SHOWN = {"drift": "throughput_mbit_per_s", "congestion": "prb_percent"}


def _truth(planted, sites, first):
    import polars as pl

    rows = []
    names, of = sites["cell_id"].to_list(), sites["site_id"].to_list()
    for number, fault in enumerate(planted):
        start = first + timedelta(hours=fault["begin"])
        for cell in fault["cells"]:
            rows.append(
                {
                    "fault_id": number,
                    "fault": fault["kind"],
                    "scope": fault["scope"],
                    "cell_id": names[cell],
                    "site_id": of[cell],
                    "start": start,
                    "end": start + timedelta(hours=fault["hours"] - 1),
                    "kpi": _SHOWN.get(fault["kind"], "traffic_gb"),
                    "size": fault["size"],
                    "is_degradation": fault["kind"] != "holiday",
                }
            )
    schema = {
        "fault_id": pl.Int64, "fault": pl.String, "scope": pl.String, "cell_id": pl.String,
        "site_id": pl.String, "start": pl.Datetime("us"), "end": pl.Datetime("us"),
        "kpi": pl.String, "size": pl.Float64, "is_degradation": pl.Boolean,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def _labelled(table, truth):
    import polars as pl

    time = table["time"].cast(pl.Datetime("us"))
    rows = table.select("cell_id", _row=pl.int_range(pl.len())).with_columns(_time=time)
    # A network without faults leaves columns of no type in pandas frames.
    spans = truth.select(
        pl.col("cell_id", "fault").cast(pl.String),
        pl.col("is_degradation").cast(pl.Boolean),
        pl.col("start", "end").cast(pl.Datetime("us")),
    )
    inside = (
        rows.join(spans, on="cell_id")
        .filter(pl.col("_time").is_between(pl.col("start"), pl.col("end")))
        .sort("is_degradation", descending=True)
        .unique("_row", keep="first", maintain_order=True)
    )
    found = rows.join(inside, on="_row", how="left", maintain_order="left")
    return table.with_columns(
        fault=found["fault"], is_fault=found["is_degradation"].fill_null(False)
    )
