"""Subscription fraud: new accounts under false names, heavy use at once, and gone unpaid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linewatch.cdr.scenarios import scenario
from linewatch.cdr.scenarios.incident import DAY_S, DOMESTIC, RANGES

if TYPE_CHECKING:
    from linewatch.cdr.scenarios.incident import Incident


@scenario(
    breaks=(DOMESTIC,),
    easy={"accounts": 5, "calls_a_day": 80, "abroad": 0.6, "days": 5},
    medium={"accounts": 5, "calls_a_day": 45, "abroad": 0.35, "days": 4},
    hard={"accounts": 5, "calls_a_day": 20, "abroad": 0.1, "days": 3},
)
def subscription_fraud(
    incident: Incident, *, accounts: int, calls_a_day: int, abroad: float, days: int
) -> None:
    """Accounts opened the day before call much, a share of it abroad; nobody calls them."""
    draw = incident.draw
    foreign = [incident.account("number abroad", prefix=draw.choice(RANGES)) for _ in range(6)]
    for _ in range(accounts):
        start, end = incident.window(days * DAY_S, step_s=DAY_S)
        account = incident.account("new account", created_days=1 - start // DAY_S)
        home = incident.home(account)
        near = [home, home, *incident.nearest(home, 3)]
        for midnight in range(start, end, DAY_S):
            for at in draw.times(calls_a_day, midnight + 8 * 3600, midnight + 22 * 3600):
                length = draw.seconds(240, least=10, most=3600)
                if draw.chance(abroad):
                    incident.call(at, length, account, draw.choice(foreign), cell=draw.choice(near))
                else:
                    incident.call(at, length, account, cell=draw.choice(near))
