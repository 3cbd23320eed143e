"""What each page shows, in order; the report and the live page draw the same.

A part is a name, a heading where it is no figure, and what gives it. Parts that depend on the
chosen row take its key.
"""

from dataclasses import dataclass
from typing import Any

from linewatch.dashboards import _theme, calls, detector, kpi, traffic


@dataclass(frozen=True)
class Page:
    """One page.

    `list` gives the rows to choose from, `first` the key chosen at the beginning; `chosen` are
    figures of a key, `whole` those of everything. All take the results first. `filters` are
    (option of `list`, label, values); figures in `zoom` are drawn anew for the stretch in sight.
    """

    title: str
    tiles: Any
    list: Any = None
    first: Any = None
    chosen: tuple = ()
    whole: tuple = ()
    filters: tuple = ()
    zoom: frozenset = frozenset()


def chosen(draw, results, key, theme, **how):
    """A figure of a key; one that says why if the tables do not hold what the key names."""
    try:
        return draw(results, key, theme=theme, **how)
    except ValueError as error:
        return _theme.empty(theme, "not there", str(error))


def _of(key):
    return key["cell"], key["kpi"]


PAGES = {
    "kpi": Page(
        "KPIs",
        kpi.tiles,
        list=kpi.event_rows,
        first=kpi.first_choice,
        chosen=(
            ("series", lambda results, key, **how: kpi.series(results, *_of(key), **how)),
            ("week", lambda results, key, **how: kpi.hour_weekday(results, *_of(key), **how)),
            ("scatter", lambda results, key, **how: kpi.two_kpis(results, *_of(key), **how)),
            ("map", lambda results, key, **how: kpi.cell_map(results, key["cell"], **how)),
        ),
        whole=(("week_of_all", kpi.hour_weekday),),
        filters=(
            ("cell", "cell", kpi.cell_names),
            ("kpi", "KPI", kpi.kpi_names),
            ("kind", "class", kpi.kinds),
        ),
        zoom=frozenset({"series"}),
    ),
    "traffic": Page(
        "Traffic",
        traffic.tiles,
        list=traffic.source_rows,
        first=traffic.first_choice,
        chosen=traffic.CHOSEN,
        whole=traffic.WHOLE,
        filters=(
            ("source", "source", traffic.source_names),
            ("hour", "hour", traffic.hours),
            ("level", "UFM level", traffic.levels),
        ),
    ),
    "calls": Page(
        "Calls",
        calls.tiles,
        list=calls.scenario_rows,
        whole=calls.WHOLE,
    ),
    "detector": Page(
        "Detector",
        detector.tiles,
        list=detector.anomaly_rows,
        whole=detector.WHOLE,
    ),
}
