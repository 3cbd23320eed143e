"""The picture of the results folder: the most unusual sources over time."""

import numpy as np


def draw(path, times, rates, scores, threshold):
    """Packet rates above, scores below; the highest score of all other sources in gray."""
    from linewatch import plots

    figure = plots.new_figure(2)
    figure.set_size_inches(11, 6.5)
    above, below = figure.axes
    below.sharex(above)
    below.plot(times, scores[None], ".", color="0.75", markersize=3, label="highest of the others")
    for k, (source, rate) in enumerate(rates.items()):
        color = f"C{k}"
        style = {"color": color, "label": source}
        seen = np.where(rate > 0, rate, np.nan)
        above.plot(times, seen, ".-", linewidth=0.7, markersize=4, **style)
        below.plot(times, scores[source], ".", markersize=6, **style)
    below.axhline(threshold, color="black", linewidth=0.9, linestyle="--")
    note = f"anomaly from {threshold:g} on"
    below.annotate(
        note, (1, threshold), xycoords=("axes fraction", "data"), xytext=(-3, 3),
        textcoords="offset points", ha="right", fontsize="small",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
    )  # fmt: skip
    above.set_yscale("log")
    above.set_ylabel("packets a second")
    above.set_title(f"the {len(rates)} most unusual sources", loc="left", fontsize="medium")
    known = np.concatenate([score[np.isfinite(score)] for score in scores.values()])
    low = min([*known, threshold])
    below.set_ylim(max(low - 0.05, 0), max([*known, threshold]) + 0.08)
    below.set_ylabel("score (higher = more anomalous)")
    below.set_xlabel(f"time (UTC, {_days(times)})")
    for ax in figure.axes:
        ax.grid(alpha=0.25)
        ax.spines[["top", "right"]].set_visible(False)
    above.tick_params(labelbottom=False)
    below.legend(
        loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize="small", markerscale=2
    )
    _clock(below, times)
    figure.savefig(path, dpi=110)


def _days(times):
    first, last = str(times[0])[:10], str(times[-1])[:10]
    return first if first == last else f"{first} to {last}"


def _clock(ax, times):
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=5, maxticks=12)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    if len(times) > 1:
        ax.set_xlim(times[0], times[-1])
