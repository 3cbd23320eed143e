"""Robocalling: machines that call everybody once; most do not answer, and who does hangs up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linewatch.cdr.scenarios import scenario
from linewatch.cdr.scenarios.incident import ANSWERED, DAY_S

if TYPE_CHECKING:
    from linewatch.cdr.scenarios.incident import Incident


@scenario(
    breaks=(ANSWERED,),
    easy={"lines": 2, "calls_a_day": 1500, "days": 2, "answered": 0.25, "center_s": 7},
    medium={"lines": 3, "calls_a_day": 500, "days": 2, "answered": 0.32, "center_s": 11},
    hard={"lines": 10, "calls_a_day": 60, "days": 3, "answered": 0.38, "center_s": 17},
)
def robocalling(
    incident: Incident, *, lines: int, calls_a_day: int, days: int, answered: float, center_s: float
) -> None:
    """Lines of one place call from 9 to 21 h; a call that nobody answers lasts 0 s."""
    draw = incident.draw
    start, end = incident.window(days * DAY_S, step_s=DAY_S)
    cell = draw.integers(0, incident.n_cells)
    incident.cell(cell, "site", start, end)
    for _ in range(lines):
        line = incident.account("robot", user_type="business", home=cell)
        for midnight in range(start, end, DAY_S):
            for at in draw.times(calls_a_day, midnight + 9 * 3600, midnight + 21 * 3600):
                if draw.chance(answered):
                    length = draw.seconds(center_s, least=1, most=90)
                    incident.call(at, length, line, role="answered")
                else:
                    incident.call(at, 0, line, role="unanswered")
