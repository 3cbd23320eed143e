"""Intrusion detection from connection records: data to a calibrated, saved, explained detector.

:func:`train` gives the recommended detector; the rest is what a study of the NSL-KDD data needs
around it, and a simulator of core-network signalling for the features NSL-KDD has no rows for.

Estimators follow scikit-learn: `score_samples` is higher for the more normal record and `predict`
gives 1 for normal and -1 for an attack.
"""

from linewatch._nsl_kdd import FEATURES
from linewatch.intrusion._baselines import BaselineDetector, Encoder
from linewatch.intrusion._core_network import ATTACKS, simulate_core
from linewatch.intrusion._detector import IntrusionDetector, load, train
from linewatch.intrusion._features import (
    attack_category,
    correlated_columns,
    correlations,
    drop_correlated,
    encode,
    missing_counts,
    network_functions,
    telecom_features,
)
from linewatch.intrusion._pictures import (
    class_bars,
    confusion,
    correlation_heatmap,
    pca_scatter,
    precision_recall_curves,
    roc_curves,
)
from linewatch.intrusion._report import business_impact, compliance_notes, evaluate, latency

__all__ = [
    "ATTACKS",
    "FEATURES",
    "BaselineDetector",
    "Encoder",
    "IntrusionDetector",
    "attack_category",
    "business_impact",
    "class_bars",
    "compliance_notes",
    "confusion",
    "correlated_columns",
    "correlation_heatmap",
    "correlations",
    "drop_correlated",
    "encode",
    "evaluate",
    "latency",
    "load",
    "missing_counts",
    "network_functions",
    "pca_scatter",
    "precision_recall_curves",
    "roc_curves",
    "simulate_core",
    "telecom_features",
    "train",
]
