"""The picture of a data set: when people call, how long, what was planted, how many a day."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from linewatch._tables import counted
from linewatch.cdr.presets import ANOMALIES

if TYPE_CHECKING:
    from typing import Any

    from linewatch._typing import PathLike
    from linewatch.cdr.dataset import Dataset


DURATIONS = (
    "under 30 s",
    "30 s to 1 min",
    "1 to 3 min",
    "3 to 10 min",
    "10 min to 1 h",
    "over 1 h",
)


def draw(dataset: Dataset, found: Any, path: PathLike) -> None:
    """Four panels as a PNG; `found` are the counts that writing gave."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.dates import ConciseDateFormatter, DateFormatter
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    hours, kinds, durations = found
    figure = Figure(figsize=(12, 8.5), layout="constrained")
    FigureCanvasAgg(figure)
    (by_hour, by_length), (by_kind, by_day) = figure.subplots(2, 2)
    config = dataset.config
    figure.suptitle(
        f"{dataset.rows:,} calls of {config.users:,} users in {counted(config.days, 'day')}, "
        f"seed {config.seed}"
    )
    by_hour.bar(range(24), hours, color="#4C72B0")
    by_hour.set(
        title="Calls by hour of the day", xlabel="Hour", ylabel="Calls", xticks=range(0, 24, 3)
    )
    shown = [(name, n) for name, n in zip(DURATIONS, durations) if n]
    colors = ["#C6DBEF", "#9ECAE1", "#6BAED6", "#4292C6", "#2171B5", "#08306B"]
    slices, _ = by_length.pie(
        [n for _, n in shown], startangle=90, counterclock=False, colors=colors,
        wedgeprops={"edgecolor": "white"},
    )  # fmt: skip
    total = sum(n for _, n in shown)
    names = [f"{name} ({n / total:.1%})" for name, n in shown]
    by_length.legend(slices, names, loc="center left", bbox_to_anchor=(0.95, 0.5), frameon=False)
    by_length.set(title="Duration")
    planted = [(name.replace("_", " "), n) for name, n in zip(ANOMALIES, kinds[1:]) if n]
    bars = by_kind.barh(*zip(*planted), color="#C44E52") if planted else by_kind.barh([], [])
    by_kind.bar_label(bars, [f"{n:,}" for _, n in planted], padding=3)
    by_kind.invert_yaxis()
    by_kind.set(title="Anomalies", xlabel="Calls")
    by_kind.margins(x=0.15)
    dates = [dataset._date(day) for day in range(config.days)]
    rows = [rows for rows, _ in dataset.quotas]
    by_day.plot(dates, rows, marker="o" * (config.days <= 62))
    by_day.set(title="Calls by day", ylabel="Calls", ylim=(0, 1.08 * max(*rows, 1)))
    if config.days <= 8:  # a tick for each, and none at hours that nothing was counted at
        half = timedelta(days=0.5)
        ends = [datetime.combine(day, time()) for day in (dates[0], dates[-1])]
        by_day.set(xticks=dates, xlim=(ends[0] - half, ends[1] + half))
        by_day.xaxis.set_major_formatter(DateFormatter("%m-%d"))
    else:
        by_day.xaxis.set_major_formatter(ConciseDateFormatter(by_day.xaxis.get_major_locator()))
    by_kind.xaxis.set_major_locator(MaxNLocator(nbins="auto", integer=True))
    for axes in (by_hour, by_kind, by_day):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
