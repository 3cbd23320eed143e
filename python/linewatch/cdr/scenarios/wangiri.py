"""Wangiri: one ring from abroad, so that the called call back a number of high charge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linewatch.cdr.scenarios import scenario
from linewatch.cdr.scenarios.incident import ANSWERED, DOMESTIC, RANGES

if TYPE_CHECKING:
    from linewatch.cdr.scenarios.incident import Incident


@scenario(
    breaks=(ANSWERED, DOMESTIC),
    easy={"lines": 1, "rings": 600, "hours": 1, "call_back": 0.1},
    medium={"lines": 3, "rings": 300, "hours": 2, "call_back": 0.06},
    hard={"lines": 8, "rings": 160, "hours": 8, "call_back": 0.03},
)
def wangiri(incident: Incident, *, lines: int, rings: int, hours: int, call_back: float) -> None:
    """Each of `rings` users is rung once, within `hours`; a share of them calls back that day."""
    draw = incident.draw
    start = incident.day() + 3600 * draw.integers(9, 13)
    end = start + 3600 * min(hours, 9)
    prefix = draw.choice(RANGES)
    numbers = [incident.account("ringing number", prefix=prefix) for _ in range(lines)]
    victims = incident.subscribers(rings)
    for k, at in enumerate(draw.times(len(victims), start, end)):
        # The numbers take turns, each in its own stretch of time.
        number = numbers[k * lines // len(victims)]
        incident.call(at, 0, number, victims[k], role="ring")
        if draw.chance(call_back):
            incident.user(victims[k], "victim")
            later = at + 60 + draw.seconds(900, least=1, most=4500)
            length = draw.seconds(60, least=5, most=900)
            incident.call(later, length, victims[k], number, role="call back")
