"""Mediation faults: records that arrive twice, days late, or with the time of a wrong clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linewatch.cdr.scenarios import scenario
from linewatch.cdr.scenarios.incident import DAY_S

if TYPE_CHECKING:
    from linewatch.cdr.scenarios.incident import Incident


@scenario(
    easy={"hours": 24, "duplicated": 0.2, "late": 0.2, "late_days": 5, "cells": 8, "skew_s": 7200},
    medium={"hours": 12, "duplicated": 0.05, "late": 0.05, "late_days": 3, "cells": 4,
            "skew_s": 1500},
    hard={"hours": 4, "duplicated": 0.01, "late": 0.01, "late_days": 1, "cells": 2, "skew_s": 240},
)  # fmt: skip
def mediation(
    incident: Incident,
    *,
    hours: int,
    duplicated: float,
    late: float,
    late_days: int,
    cells: int,
    skew_s: int,
) -> None:
    """For hours a share of the records is doubled, a share is late, and a switch's clock is fast.

    The calls stay as they are; `Dataset.arrivals` has what the billing system saw.
    """
    draw = incident.draw
    start, end = incident.window(3600 * max(hours, 1), step_s=3600)
    incident.fault("duplicate", start, end, share=duplicated, role="duplicated")
    incident.fault("late", start, end, share=late, seconds=late_days * DAY_S, role="late")
    cell = draw.integers(0, incident.n_cells)
    switch = [cell, *incident.nearest(cell, max(cells, 1) - 1)]
    for cell in switch:
        incident.cell(cell, "fast clock", start, end)
    incident.fault("skew", start, end, cells=switch, seconds=skew_s, role="fast clock")
