"""International revenue share fraud: stolen cards call a range of high charge, by night."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linewatch.cdr.scenarios import scenario
from linewatch.cdr.scenarios.incident import DOMESTIC, ONE_CALL, RANGES

if TYPE_CHECKING:
    from linewatch.cdr.scenarios.incident import Incident


@scenario(
    breaks=(ONE_CALL, DOMESTIC),
    easy={"cards": 6, "parallel": 4, "numbers": 5, "calls": 20, "center_s": 2400},
    medium={"cards": 4, "parallel": 2, "numbers": 5, "calls": 10, "center_s": 1500},
    hard={"cards": 3, "parallel": 1, "numbers": 8, "calls": 6, "center_s": 500},
)
def revenue_share(
    incident: Incident, *, cards: int, parallel: int, numbers: int, calls: int, center_s: float
) -> None:
    """Each card makes `calls` between 18 and 6 h, `parallel` of them at once (as conferences)."""
    draw = incident.draw
    # From the evening of a day; the only night of a single day is its end.
    start = incident.day() + 18 * 3600
    end = min(start + 12 * 3600, incident.length_s)
    prefix = draw.choice(RANGES)
    premium = [incident.account("premium number", prefix=prefix) for _ in range(numbers)]
    for card in incident.subscribers(cards):
        incident.user(card, "stolen card", start, end)
        for at in draw.times(-(-calls // max(parallel, 1)), start, end):
            for _ in range(max(parallel, 1)):
                begin = min(at + draw.integers(0, 30), end - 1)
                length = draw.seconds(center_s, least=120, most=7200)
                incident.call(begin, length, card, draw.choice(premium))
