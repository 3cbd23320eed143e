"""Congestion: in some cells calls drop long before they would have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linewatch.cdr.scenarios import scenario

if TYPE_CHECKING:
    from linewatch.cdr.scenarios.incident import Incident


@scenario(
    easy={"cells": 5, "hours": 6, "share": 0.7},
    medium={"cells": 3, "hours": 4, "share": 0.4},
    hard={"cells": 2, "hours": 2, "share": 0.2},
)
def drop_surge(incident: Incident, *, cells: int, hours: int, share: float) -> None:
    """A share of the normal calls that begin in `cells` is cut at a random moment."""
    draw = incident.draw
    start = incident.day() + 3600 * draw.integers(8, 15)
    end = start + 3600 * min(hours, 9)
    cell = incident.home(draw.integers(0, incident.n_users))
    congested = [cell, *incident.nearest(cell, max(cells, 1) - 1)]
    for cell in congested:
        incident.cell(cell, "congested", start, end)
    incident.cut_calls(congested, start, end, share, role="dropped")
