"""Cells that leave their usual course: a baseline for each cell, a score for each value.

Scores here grow with the anomaly: 0 is what the baseline expects, and ``is_anomaly`` says where
the threshold is reached. (The estimators of linewatch follow scikit-learn, where a higher score
is the more normal one.)
"""

from linewatch.kpi._baseline import baseline
from linewatch.kpi._batch import window_features
from linewatch.kpi._classify import classify, classify_events, persistent
from linewatch.kpi._detect import detect
from linewatch.kpi._facing import facing_cells
from linewatch.kpi._monitor import Monitor
from linewatch.kpi._rules import DEFAULT_RULES, METHODS, RULES, polarity
from linewatch.kpi._scan import scan
from linewatch.kpi._score import BASELINES, evaluate, events, rank, score

__all__ = [
    "BASELINES",
    "DEFAULT_RULES",
    "METHODS",
    "RULES",
    "Monitor",
    "baseline",
    "classify",
    "classify_events",
    "detect",
    "evaluate",
    "events",
    "facing_cells",
    "persistent",
    "polarity",
    "rank",
    "scan",
    "score",
    "window_features",
]
