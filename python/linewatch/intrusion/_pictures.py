"""Pictures of the workflow with matplotlib: ``Axes`` in, ``Axes`` out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from linewatch._axes import axes_or_new
from linewatch.intrusion._features import correlations
from linewatch.intrusion._report import _labels, _scores, ranks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

    from linewatch._typing import AnyFrame, Column


NORMAL, ATTACK = "#4292c6", "#d95f02"


def class_bars(y: Column, *, ax: Axes | None = None) -> Axes:
    """Rows of each class as bars.

    Parameters
    ----------
    y : array-like, shape (n,)
        0 and 1, or names.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from linewatch import intrusion
    >>> ax = intrusion.class_bars([0, 0, 0, 1], ax=Figure().subplots())
    >>> [text.get_text() for text in ax.texts]
    ['3', '1']
    """
    ax = axes_or_new(ax, (5, 3))
    names, counts = np.unique(np.asarray(y), return_counts=True)
    if set(names.tolist()) <= {0, 1}:
        names = np.array(["normal", "attack"])[names.astype(int)]
    order = np.argsort(-counts, kind="stable")
    colors = [NORMAL if names[i] == "normal" else ATTACK for i in order]
    bars = ax.bar([str(names[i]) for i in order], counts[order], color=colors)
    ax.bar_label(bars, [f"{counts[i]:,}" for i in order])
    ax.margins(y=0.12)
    ax.set_ylabel("rows")
    return ax


def correlation_heatmap(frame: AnyFrame, *, ax: Axes | None = None) -> Axes:
    """Pearson correlations of the columns that hold numbers and are not constant.

    Parameters
    ----------
    frame : DataFrame (pandas, Polars, pyarrow)
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from linewatch import intrusion
    >>> records = intrusion.simulate_core(200, seed=0)
    >>> ax = intrusion.correlation_heatmap(
    ...     records.select("count", "srv_count", "duration"), ax=Figure().subplots()
    ... )
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['count', 'srv_count', 'duration']
    """
    names, correlation = correlations(frame)
    varies = np.isfinite(np.diagonal(correlation))
    names = [name for name, keep in zip(names, varies) if keep]
    correlation = correlation[varies][:, varies]
    size = 2.5 + 0.2 * len(names)
    ax = axes_or_new(ax, (size + 1, size))
    image = ax.imshow(correlation, cmap="RdBu_r", vmin=-1, vmax=1)
    ax.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    ax.set_yticks(range(len(names)), names, fontsize=7)
    ax.figure.colorbar(image, ax=ax, label="correlation", shrink=0.8)
    return ax


def pca_scatter(
    values: ArrayLike, y: Column, *, ax: Axes | None = None, seed: int = 0, max_rows: int = 5000
) -> Axes:
    """The first two principal components, coloured by class.

    Parameters
    ----------
    values : array-like of float, shape (n, n_features)
        Scaled.
    y : array-like of int, shape (n,)
        0 is normal, 1 an attack.
    ax : matplotlib Axes, optional
    seed : int, default=0
        Of the sample drawn.
    max_rows : int, default=5000
        No more points than that are drawn.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> import numpy as np
    >>> from linewatch import intrusion
    >>> values = np.random.default_rng(0).normal(size=(50, 4))
    >>> ax = intrusion.pca_scatter(values, [0] * 40 + [1] * 10, ax=Figure().subplots())
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['normal', 'attack']
    """
    from sklearn.decomposition import PCA

    ax = axes_or_new(ax, (6, 4))
    y, values = _labels(y), np.asarray(values, dtype=np.float64)
    pca = PCA(2, random_state=seed).fit(values)
    take = np.random.default_rng(seed).permutation(len(y))[:max_rows]
    point = pca.transform(values[take])
    for kind, name, color in ((0, "normal", NORMAL), (1, "attack", ATTACK)):
        at = y[take] == kind
        ax.scatter(*point[at].T, s=5, alpha=0.35, color=color, label=name, linewidths=0)
    share = 100 * pca.explained_variance_ratio_
    ax.set_xlabel(f"first component ({share[0]:.0f} % of the variance)")
    ax.set_ylabel(f"second component ({share[1]:.0f} %)")
    ax.legend(markerscale=3)
    return ax


def roc_curves(y: Column, scores: Mapping[str, ArrayLike], *, ax: Axes | None = None) -> Axes:
    """Receiver operating characteristic of one or more detectors.

    Parameters
    ----------
    y : array-like of int, shape (n,)
        0 is normal, 1 an attack.
    scores : dict of str to array-like, shape (n,)
        As `score_samples` gives them: higher = more normal.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from linewatch import intrusion
    >>> scores = {"counts": [-1.0, -2.0, -8.0, -9.0]}
    >>> ax = intrusion.roc_curves([0, 0, 1, 1], scores, ax=Figure().subplots())
    >>> ax.get_legend().get_texts()[0].get_text()
    'counts, area 1.000'
    """
    from sklearn.metrics import roc_auc_score, roc_curve

    ax, y = axes_or_new(ax, (5, 4)), _labels(y)
    for name, score in scores.items():
        score = _scores(score)
        unusual = ranks(score)
        ax.plot(*roc_curve(y, unusual)[:2], label=f"{name}, area {roc_auc_score(y, unusual):.3f}")
    ax.plot([0, 1], [0, 1], color="0.7", linewidth=1, linestyle=":")
    ax.set_xlabel("false-positive rate")
    ax.set_ylabel("recall")
    ax.legend(loc="lower right", fontsize=8)
    return ax


def precision_recall_curves(
    y: Column, scores: Mapping[str, ArrayLike], *, ax: Axes | None = None
) -> Axes:
    """Precision against recall of one or more detectors.

    Parameters
    ----------
    y : array-like of int, shape (n,)
        0 is normal, 1 an attack.
    scores : dict of str to array-like, shape (n,)
        As `score_samples` gives them: higher = more normal.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from linewatch import intrusion
    >>> scores = {"counts": [-1.0, -2.0, -8.0, -9.0]}
    >>> ax = intrusion.precision_recall_curves([0, 0, 1, 1], scores, ax=Figure().subplots())
    >>> ax.get_legend().get_texts()[0].get_text()
    'counts, AP 1.000'
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve

    ax, y = axes_or_new(ax, (5, 4)), _labels(y)
    for name, score in scores.items():
        unusual = ranks(_scores(score))
        precision, recall, _ = precision_recall_curve(y, unusual)
        ax.plot(recall, precision, label=f"{name}, AP {average_precision_score(y, unusual):.3f}")
    ax.axhline(y.mean(), color="0.7", linewidth=1, linestyle=":")
    ax.set_xlabel("recall")
    ax.set_ylabel("precision")
    ax.set_ylim(0, 1.02)
    ax.legend(loc="lower left", fontsize=8)
    return ax


def confusion(
    found: Mapping[str, Any], *, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """The four counts of :func:`linewatch.intrusion.evaluate` as a square.

    Parameters
    ----------
    found : dict
        Of :func:`linewatch.intrusion.evaluate`.
    title : str, optional
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from linewatch import intrusion
    >>> found = intrusion.evaluate([0, 0, 1, 1], [-1.0, -5.0, -8.0, -9.0], threshold=-4)
    >>> ax = intrusion.confusion(found, ax=Figure().subplots())
    >>> [text.get_text() for text in ax.texts]
    ['1\\n50.0 %', '1\\n50.0 %', '0\\n0.0 %', '2\\n100.0 %']
    """
    ax = axes_or_new(ax, (3.6, 3.2))
    counts = np.array(
        [
            [found["true_negatives"], found["false_positives"]],
            [found["false_negatives"], found["true_positives"]],
        ]
    )
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for row in range(2):
        for column in range(2):
            ax.text(
                column,
                row,
                f"{counts[row, column]:,}\n{100 * share[row, column]:.1f} %",
                ha="center",
                va="center",
                color="white" if share[row, column] > 0.5 else "black",
            )
    ax.set_xticks([0, 1], ["normal", "attack"])
    ax.set_yticks([0, 1], ["normal", "attack"], rotation=90, va="center")
    ax.set_xlabel("predicted")
    ax.set_ylabel("true")
    ax.set_title(title or "")
    return ax
