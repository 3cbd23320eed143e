"""Impossible travel: a cloned card calls far from where the owner just did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linewatch.cdr.scenarios import scenario
from linewatch.cdr.scenarios.incident import ONE_CALL

if TYPE_CHECKING:
    from linewatch.cdr.scenarios.incident import Incident


@scenario(
    breaks=(ONE_CALL,),
    easy={"pairs": 10, "kmh": 5000},
    medium={"pairs": 5, "kmh": 2500},
    hard={"pairs": 2, "kmh": 1200},
)
def impossible_travel(incident: Incident, *, pairs: int, kmh: float) -> None:
    """Pairs of calls of one number, at home and at the far end of the map, faster than a plane.

    Clones may call at the same time as the owner.
    """
    draw = incident.draw
    (number,) = incident.subscribers(1)
    home = incident.home(number)
    away = incident.farthest(home)
    on_the_way_s = incident.distance_km(home, away) / max(kmh, 1) * 3600
    incident.user(number, "cloned")
    for _ in range(pairs):
        at = incident.day() + draw.integers(8 * 3600, 20 * 3600)
        length = draw.seconds(60, least=5, most=600)
        incident.call(at, length, number, cell=home, role="owner")
        later = at + length + int(on_the_way_s * draw.uniform(0.3, 0.9))
        incident.call(later, draw.seconds(60, least=5, most=600), number, cell=away, role="clone")
