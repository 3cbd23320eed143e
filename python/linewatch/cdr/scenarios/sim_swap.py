"""SIM swap: somebody else gets a new card for a number, and calls from another place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linewatch.cdr.scenarios import scenario
from linewatch.cdr.scenarios.incident import DAY_S, OWN_PAPERS

if TYPE_CHECKING:
    from linewatch.cdr.scenarios.incident import Incident


@scenario(
    breaks=(OWN_PAPERS,),
    easy={"numbers": 3, "calls": 25, "held_days": 3, "is_far": True},
    medium={"numbers": 3, "calls": 10, "held_days": 2, "is_far": True},
    hard={"numbers": 3, "calls": 4, "held_days": 1, "is_far": False},
)
def sim_swap(incident: Incident, *, numbers: int, calls: int, held_days: int, is_far: bool) -> None:
    """All calls of a number carry a new IMSI and IMEI from a minute of the night on.

    The fraudster's first call comes half an hour to four hours after, to people the number never
    called; `held_days` later the owner has the old card back.
    """
    draw = incident.draw
    for k, number in enumerate(incident.subscribers(numbers)):
        midnight = incident.day()
        swap = midnight + 60 * draw.integers(60, 240)
        back = min(swap + held_days * DAY_S, incident.length_s)
        incident.user(number, "swapped", swap, back)
        incident.change_papers(
            number, swap, back, imei=incident.imei(k), imsi=incident.imsi(k), role="on the new card"
        )
        cell = incident.home(number)
        cell = incident.farthest(cell) if is_far else draw.choice(incident.nearest(cell, 6))
        first = max(swap + draw.integers(1800, 4 * 3600), midnight + 7200)
        times = [first, *draw.times(calls - 1, first + 60, first + 6 * 3600)] if calls else []
        for at in times:
            incident.call(at, draw.seconds(90, least=10, most=1200), number, cell=cell)
