"""Cell outage: a cell falls silent, and its neighbors take over its calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linewatch.cdr.scenarios import scenario

if TYPE_CHECKING:
    from linewatch.cdr.scenarios.incident import Incident


@scenario(
    easy={"cells": 3, "hours": 8},
    medium={"cells": 1, "hours": 4},
    hard={"cells": 1, "hours": 1},
)
def cell_outage(incident: Incident, *, cells: int, hours: int) -> None:
    """`cells` next to each other carry no call for `hours` of a day."""
    draw = incident.draw
    start = incident.day() + 3600 * draw.integers(7, 15)
    end = start + 3600 * min(hours, 9)
    # A place where people live, so one with calls to lose.
    cell = incident.home(draw.integers(0, incident.n_users))
    out = [cell, *incident.nearest(cell, max(min(cells, incident.n_cells - 1), 1) - 1)]
    around = [c for c in incident.nearest(cell, len(out) + 4) if c not in out]
    for cell in out:
        incident.cell(cell, "silent", start, end)
        incident.move_calls(cell, start, end, around, role="taken over")
    for cell in around:
        incident.cell(cell, "takes over", start, end)
