"""Display classes in scikit-learn's manner: made from data, drawn as often as wanted."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from linewatch._axes import WIDE, axes_or_new, need_matplotlib

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Literal, Self

    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D
    from numpy.typing import ArrayLike

    from linewatch._typing import AnyFrame, Array, Bools, Column, Floats, Matrix, Theme


# Okabe and Ito's palette, which colour-blind readers can tell apart.
PALETTE = (
    "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#8A8A8A",
)  # fmt: skip
STYLES = {
    "light": {"paper": "white", "ink": "#1b1b1b", "grid": "#dddddd"},
    "dark": {"paper": "#15191e", "ink": "#e8e8e8", "grid": "#333a42"},
}
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
STATISTICS = {"mean": "mean", "median": "median", "sum": "sum", "max": "max", "count": "count"}


@contextmanager
def style(name: Theme = "light") -> Iterator[None]:
    """Colours for all pictures drawn inside: a light or a dark paper, a palette for everybody.

    Parameters
    ----------
    name : {"light", "dark"}, default="light"

    Raises
    ------
    ValueError
        If there is no such style.

    Examples
    --------
    >>> from linewatch import plots
    >>> with plots.style("dark"):
    ...     ax = plots.HourWeekdayDisplay.from_values(
    ...         np.arange("2026-01-05", "2026-01-12", dtype="datetime64[h]"), np.arange(168.0)
    ...     ).plot().ax_
    >>> ax.figure.get_facecolor()[0] < 0.2
    True
    """
    need_matplotlib()
    from matplotlib import cycler, rc_context

    if name not in STYLES:
        raise ValueError(f"name must be one of {', '.join(STYLES)}, got {name!r}")
    colors = STYLES[name]
    ink = dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"),
        colors["ink"],
    )
    paper = dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"),
                          colors["paper"])  # fmt: skip
    settings = {"grid.color": colors["grid"], "axes.prop_cycle": cycler(color=PALETTE)}
    with rc_context(ink | paper | settings):
        yield


class AnomalyScoreDisplay:
    """Scores of rows in order, the threshold, and what lies beyond it.

    Parameters
    ----------
    score : array of shape (n,)
        Higher = more anomalous.
    threshold : float, optional
        From here on a row is an anomaly.
    x : array of shape (n,), optional
        Times or places of the rows; their numbers by default.
    y_true : array of bool of shape (n,), optional
        Known anomalies.
    name : str, optional
        What gave the scores.

    Attributes
    ----------
    ax_, figure_
        Where it was drawn.
    line_, anomalies_, threshold_line_
        The artists; the last two are None without a threshold.

    Examples
    --------
    >>> import numpy as np
    >>> from linewatch import IsolationForest, plots
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> X[50] = 9
    >>> forest = IsolationForest(random_state=0, contamination=0.01).fit(X)
    >>> display = plots.AnomalyScoreDisplay.from_estimator(forest, X)
    >>> int(display.plot().anomalies_.get_xdata()[0])
    50
    """

    score: Floats
    threshold: float | None
    name: str | None
    x: Array
    y_true: Bools | None
    ax_: Axes
    figure_: Figure | SubFigure
    line_: Line2D
    threshold_line_: Line2D | None
    anomalies_: Line2D | None

    def __init__(
        self,
        score: ArrayLike,
        *,
        threshold: float | None = None,
        x: ArrayLike | None = None,
        y_true: ArrayLike | None = None,
        name: str | None = None,
    ) -> None:
        self.score = np.asarray(score, dtype=float)
        self.threshold, self.name = threshold, name
        self.x = np.arange(len(self.score)) if x is None else np.asarray(x)
        self.y_true = None if y_true is None else np.asarray(y_true, dtype=bool)
        for label, other in (("x", self.x), ("y_true", self.y_true)):
            if other is not None and other.shape != self.score.shape:
                raise ValueError(
                    f"{label} must have one entry for each of {len(self.score):,} scores, got "
                    f"shape {other.shape}"
                )

    @classmethod
    def from_predictions(
        cls,
        score: ArrayLike,
        *,
        threshold: float | None = None,
        x: ArrayLike | None = None,
        y_true: ArrayLike | None = None,
        name: str | None = None,
        ax: Axes | None = None,
        **line: Any,
    ) -> Self:
        """Draw scores that are known already; arguments as of the class, `line` for the line."""
        made = cls(score, threshold=threshold, x=x, y_true=y_true, name=name)
        return made.plot(ax=ax, **line)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Matrix,
        *,
        x: ArrayLike | None = None,
        y_true: ArrayLike | None = None,
        name: str | None = None,
        ax: Axes | None = None,
        **line: Any,
    ) -> Self:
        """Draw the scores of a fitted detector with ``score_samples`` and, if any, ``offset_``.

        scikit-learn's scores are higher for the more normal row; here the sign is turned.
        """
        if not hasattr(estimator, "score_samples"):
            raise TypeError(
                f"{type(estimator).__name__} has no score_samples; fit a detector that scores "
                "new rows (LocalOutlierFactor(novelty=True) does)"
            )
        offset = getattr(estimator, "offset_", None)
        threshold = getattr(estimator, "threshold_", None if offset is None else -offset)
        made = cls(
            -estimator.score_samples(X), threshold=threshold, x=x, y_true=y_true,
            name=name or type(estimator).__name__,
        )  # fmt: skip
        return made.plot(ax=ax, **line)

    def plot(self, ax: Axes | None = None, **line: Any) -> Self:
        """Draw; returns the display.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        **line
            For the line of the scores.
        """
        ax = self.ax_ = axes_or_new(ax, WIDE)
        self.figure_ = ax.figure
        style = {"color": PALETTE[0], "linewidth": 0.8, "label": self.name or "score"}
        (self.line_,) = ax.plot(self.x, self.score, **style | line)
        self.threshold_line_ = self.anomalies_ = None
        if self.threshold is not None:
            flagged = self.score >= self.threshold
            self.threshold_line_ = ax.axhline(self.threshold, color=PALETTE[6], linestyle="--",
                                              label=f"threshold {self.threshold:.3g}")  # fmt: skip
            (self.anomalies_,) = ax.plot(
                self.x[flagged], self.score[flagged], "v", color=PALETTE[1], markersize=5,
                label=f"anomalies ({flagged.sum():,})",
            )  # fmt: skip
        if self.y_true is not None and self.y_true.any():
            ax.plot(self.x[self.y_true], self.score[self.y_true], "o", fillstyle="none",
                    color=PALETTE[2], markersize=9,
                    label=f"known ({self.y_true.sum():,})")  # fmt: skip
        ax.set(ylabel="score (higher = more anomalous)",
               xlabel="time" if self.x.dtype.kind == "M" else "row")  # fmt: skip
        _finish(ax)
        return self


class KpiDisplay:
    """A KPI of one cell with the band in which it is normal, and its anomalies.

    Holds the rows of the cell; drawn as :func:`kpi_band` does.

    Parameters
    ----------
    scored : DataFrame
        What `linewatch.kpi.score` or `linewatch.kpi.detect` gave.
    which : str, optional
        The cell; needed if there is more than one.
    **options
        As :func:`kpi_band` takes them.

    Attributes
    ----------
    ax_, figure_
        Where it was drawn.

    Examples
    --------
    >>> from linewatch import datasets, kpi, plots
    >>> cells = datasets.hourly_cells(n_cells=2, n_weeks=6, seed=1)
    >>> scored = kpi.score(cells, value="traffic_mbit_per_s")
    >>> display = plots.KpiDisplay(scored, which=scored["cell_id"][0]).plot()
    >>> display.ax_.get_ylabel()
    'traffic (Mbit/s)'
    """

    scored: AnyFrame
    which: str | None
    options: dict[str, Any]
    ax_: Axes
    figure_: Figure | SubFigure

    def __init__(self, scored: AnyFrame, which: str | None = None, **options: Any) -> None:
        self.scored, self.which, self.options = scored, which, options

    def plot(self, ax: Axes | None = None, **options: Any) -> Self:
        """Draw; returns the display. `options` win over those of the class."""
        from linewatch.plots import kpi_band

        self.ax_ = kpi_band(self.scored, which=self.which, ax=ax, **self.options | options)
        self.figure_ = self.ax_.figure
        return self


class HourWeekdayDisplay:
    """A value by hour of the day and day of the week.

    Parameters
    ----------
    grid : array of shape (7, 24)
        Monday first; NaN where nothing is known.
    label : str, default="mean"
        What the colours say, with its unit.

    Attributes
    ----------
    ax_, figure_, image_
        Where it was drawn, and the picture.
    """

    grid: Floats
    label: str
    ax_: Axes
    figure_: Figure | SubFigure
    image_: Any

    def __init__(self, grid: ArrayLike, label: str = "mean") -> None:
        self.grid, self.label = np.asarray(grid, dtype=float), label
        if self.grid.shape != (7, 24):
            raise ValueError(f"grid must have shape (7, 24), got {self.grid.shape}")

    @classmethod
    def from_values(
        cls,
        time: Column,
        value: Column,
        *,
        statistic: Literal["mean", "median", "sum", "max", "count"] = "mean",
        label: str | None = None,
    ) -> Self:
        """From rows.

        Parameters
        ----------
        time : array-like of datetime of shape (n,)
            Local times.
        value : array-like of shape (n,)
            NaN is left out.
        statistic : {"mean", "median", "sum", "max", "count"}, default="mean"
        label : str, optional
            The statistic by default.

        Examples
        --------
        >>> import numpy as np
        >>> from linewatch import plots
        >>> hours = np.arange("2026-01-05", "2026-01-19", dtype="datetime64[h]")
        >>> display = plots.HourWeekdayDisplay.from_values(hours, np.arange(336.0))
        >>> float(display.grid[0, 0])
        84.0
        """
        if statistic not in STATISTICS:
            raise ValueError(f"statistic must be one of {', '.join(STATISTICS)}, got {statistic!r}")
        import polars as pl

        if isinstance(time, np.ndarray) and time.dtype.kind == "M":
            time = time.astype("datetime64[us]")  # Polars knows no hours
        times, values = pl.Series("time", time), pl.Series(value).cast(pl.Float64)
        if times.dtype not in (pl.Datetime, pl.Date):
            raise TypeError(f"time must hold dates and times, got {times.dtype}")
        if len(times) != len(values):
            raise ValueError(f"value has {len(values)} values, but time has {len(times)}")
        if isinstance(times.dtype, pl.Datetime):
            times = times.dt.replace_time_zone(None)  # the hours that its own clocks show
        times = times.cast(pl.Datetime("us"))
        rows = pl.DataFrame({"time": times, "value": values}).drop_nulls()
        hour = pl.col("time").dt
        found = (
            rows.filter(pl.col("value").is_finite())
            .group_by(day=hour.weekday(), hour=hour.hour())
            .agg(getattr(pl.col("value"), statistic)())
        )
        grid = np.full((7, 24), np.nan)
        grid[found["day"].to_numpy() - 1, found["hour"].to_numpy()] = found["value"].to_numpy()
        return cls(grid, label or statistic)

    def plot(
        self, ax: Axes | None = None, *, cmap: str | Colormap = "cividis", colorbar: bool = True
    ) -> Self:
        """Draw; returns the display.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        cmap : str or Colormap, default="cividis"
        colorbar : bool, default=True
        """
        ax = self.ax_ = axes_or_new(ax, WIDE)
        self.figure_ = ax.figure
        self.image_ = ax.imshow(self.grid, aspect="auto", cmap=cmap, interpolation="nearest")
        ax.set(xlabel="hour of the day", yticks=range(7), yticklabels=WEEKDAYS,
               xticks=range(0, 24, 3))  # fmt: skip
        if colorbar:
            ax.figure.colorbar(self.image_, ax=ax, label=self.label)
        return self


def _finish(ax):
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize="small")
