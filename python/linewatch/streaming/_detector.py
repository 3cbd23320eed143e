"""What a scorer of streams asks of its detector."""

import copy


def learns(detector):
    """Whether it learns row by row, as `OnlineIsolationForest` does."""
    return hasattr(detector, "score_and_learn")


def inner_detector(detector):
    """The detector inside a thresholded one."""
    return getattr(detector, "detector_", detector)


def is_fitted(detector):
    """Whether it can score; one that learns row by row has seen a row, or knows its columns."""
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    if learns(detector):
        return hasattr(detector, "_rows")
    try:
        check_is_fitted(detector)
    except NotFittedError:
        return False
    return True


def expected_columns(detector):
    """Number and names of the columns that a fitted detector takes."""
    n = getattr(detector, "n_features_in_", None)
    names = getattr(detector, "feature_names_in_", None)
    return n, None if names is None else [str(name) for name in names]


def takes_missing(detector):
    """Whether rows may miss a feature."""
    from sklearn.utils import get_tags

    return get_tags(detector).input_tags.allow_nan


def offset_of(detector):
    """The score below which a row is an anomaly; refuses what cannot score rows of numbers."""
    kind = type(detector).__name__
    if getattr(inner_detector(detector), "categories_", None):
        raise TypeError(
            f"{kind} was fitted on categories; an OnlineScorer knows numbers only (encode them)"
        )
    if not hasattr(detector, "score_samples"):
        advice = "; construct it with novelty=True" if hasattr(detector, "novelty") else ""
        raise TypeError(f"{kind} cannot score new rows (no score_samples){advice}")
    if not hasattr(detector, "offset_"):
        raise TypeError(
            f"{kind} has no offset_, the score below which a row is an anomaly (put it into a "
            "ThresholdedDetector)"
        )
    return float(detector.offset_)


def nameless(detector):
    """The same detector for arrays: without the names of the columns, which have been checked."""
    detector = copy.copy(detector)
    if "detector_" in vars(detector):
        detector.detector_ = nameless(detector.detector_)
    vars(detector).pop("feature_names_in_", None)
    return detector
