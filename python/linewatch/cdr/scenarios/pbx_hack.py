"""PBX hack: a company's exchange calls numbers of high charge by night, on many channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linewatch.cdr.scenarios import scenario
from linewatch.cdr.scenarios.incident import DOMESTIC, ONE_CALL, RANGES

if TYPE_CHECKING:
    from linewatch.cdr.scenarios.incident import Incident


@scenario(
    breaks=(ONE_CALL, DOMESTIC),
    easy={"channels": 10, "hours": 4, "center_s": 900},
    medium={"channels": 6, "hours": 3, "center_s": 600},
    hard={"channels": 4, "hours": 1, "center_s": 300},
)
def pbx_hack(incident: Incident, *, channels: int, hours: int, center_s: float) -> None:
    """One business line is in `channels` calls at once for some hours of a night."""
    draw = incident.draw
    start = incident.day() + draw.integers(0, 3600)
    end = start + 3600 * min(hours, 4)
    (line,) = incident.subscribers(1, user_type="business")
    incident.user(line, "exchange", start, end)
    prefix = draw.choice(RANGES)
    numbers = [incident.account("premium number", prefix=prefix) for _ in range(4)]
    for _ in range(channels):
        at = start + draw.integers(0, 120)
        while at < end:
            length = min(draw.seconds(center_s, least=60, most=3600), end - at)
            incident.call(at, length, line, draw.choice(numbers), role="channel")
            at += length + draw.integers(2, 20)
