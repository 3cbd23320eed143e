"""Ping-pong: calls handed over to and fro between two cells of like strength."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linewatch.cdr.scenarios import scenario

if TYPE_CHECKING:
    from linewatch.cdr.scenarios.incident import Incident


@scenario(
    easy={"pairs": 3, "hours": 9, "share": 0.9},
    medium={"pairs": 2, "hours": 6, "share": 0.5},
    hard={"pairs": 1, "hours": 3, "share": 0.2},
)
def ping_pong(incident: Incident, *, pairs: int, hours: int, share: float) -> None:
    """A share of the longer calls that begin in a pair of neighbors change cells every few seconds.

    Seen in the table of handovers; calls keep their first and last cell.
    """
    draw = incident.draw
    start = incident.day() + 3600 * draw.integers(8, 14)
    end = start + 3600 * min(hours, 9)
    for _ in range(pairs):
        cell = incident.home(draw.integers(0, incident.n_users))
        both = (cell, incident.nearest(cell, 1)[0])
        for cell in both:
            incident.cell(cell, "of a pair", start, end)
        incident.ping_pong(both, start, end, share, role="to and fro")
