"""SIM box: cards that turn calls from abroad into local ones, many in a few devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linewatch.cdr.scenarios import scenario
from linewatch.cdr.scenarios.incident import ANYONE, DAY_S, OWN_PAPERS

if TYPE_CHECKING:
    from linewatch.cdr.scenarios.incident import Incident


_ALL_DAY = (0,) * 2 + (1,) * 22
_LIKE_PEOPLE = (0, 0, 0, 0, 0, 1, 2, 4, 6, 8, 9, 9, 8, 8, 8, 8, 8, 9, 9, 9, 8, 6, 4, 2)


@scenario(
    breaks=(OWN_PAPERS,),
    easy={"sims": 20, "devices": 1, "cells": 1, "calls_a_day": 120, "days": 3, "known": 0.0,
          "incoming": 0.0},
    medium={"sims": 12, "devices": 2, "cells": 1, "calls_a_day": 60, "days": 3, "known": 0.05,
            "incoming": 0.0},
    hard={"sims": 10, "devices": 5, "cells": 3, "calls_a_day": 25, "days": 3, "known": 0.15,
          "incoming": 0.03},
)  # fmt: skip
def sim_box(
    incident: Incident,
    *,
    sims: int,
    devices: int,
    cells: int,
    calls_a_day: int,
    days: int,
    known: float,
    incoming: float,
) -> None:
    """Cards share `devices` and `cells`, call strangers all day and are hardly called."""
    draw = incident.draw
    start, end = incident.window(days * DAY_S, step_s=DAY_S)
    site = draw.integers(0, incident.n_cells)
    sites = [site, *incident.nearest(site, cells - 1)]
    hours = _LIKE_PEOPLE if incident.difficulty == "hard" else _ALL_DAY
    for cell in sites:
        incident.cell(cell, "site", start, end)
    for sim in range(sims):
        cell = sites[sim % len(sites)]
        card = incident.account("card", home=cell, created_days=draw.integers(1, 40))
        imei = incident.imei(sim % devices)
        friends = incident.subscribers(3)
        for midnight in range(start, end, DAY_S):
            for at in draw.times(calls_a_day, midnight + 7200, midnight + DAY_S - 4000, hours):
                length = draw.seconds(80, least=3, most=1800)
                where = draw.choice(sites) if incident.difficulty == "hard" else cell
                if draw.chance(incoming):
                    # The caller's own papers and place.
                    incident.call(at, length, ANYONE, card, role="incoming")
                    continue
                callee = draw.choice(friends) if draw.chance(known) else ANYONE
                incident.call(at, length, card, callee, cell=where, imei=imei)
