"""Statistics of streams: a small state for each key, one event or one batch of events at a time.

A `Stream` holds rules, and for every key (a cell, a link, an address) the states of these rules. An
update takes events and gives the answers of the rules after each of them: those of
`linewatch.rolling` over all events of the key so far. `Stream.snapshot` keeps the states as bytes,
`Stream.restore` goes on from there.

Which events count is decided by key and time, with a clock for each key:

- The watermark of a key is the newest time it has shown, less `lateness`. An event before it is
  *late*: it does not count and has no answers.
- With a `lateness`, an event waits until the watermark of its key reaches it, and leaves in order
  of time. Without, nothing waits.
- An event whose key and time have been taken, or wait, is a *duplicate* and does not count, unless
  ``duplicates="keep"``.
- A clock that runs backwards makes its events late until it is where it was. With
  ``restart_after=n`` the `n`-th late event in a row of a key is believed: what waited leaves, the
  states of the key start afresh, and the event is *restarted*.

An `OnlineScorer` puts a detector behind streams: events in, verdicts out. An
`OnlineIsolationForest` is a detector that follows what it sees.

Missing and infinite values take their place among the rows but not in the statistics, as in
`linewatch.rolling`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from linewatch.streaming._rules import (
    Count,
    Cusum,
    Ewm,
    Extremes,
    FlatRun,
    Hysteresis,
    Novelty,
    PageHinkley,
    Rolling,
    Seasonal,
    Value,
)
from linewatch.streaming._stream import STATUS, Stream

if TYPE_CHECKING:
    from linewatch.streaming._forest import OnlineIsolationForest as OnlineIsolationForest
    from linewatch.streaming._scorer import OnlineScorer as OnlineScorer

__all__ = [
    "STATUS",
    "Count",
    "Cusum",
    "Ewm",
    "Extremes",
    "FlatRun",
    "Hysteresis",
    "Novelty",
    "OnlineIsolationForest",
    "OnlineScorer",
    "PageHinkley",
    "Rolling",
    "Seasonal",
    "Stream",
    "Value",
]

_detectors = {"OnlineIsolationForest": "_forest", "OnlineScorer": "_scorer"}


if not TYPE_CHECKING:

    def __getattr__(name):
        # scikit-learn is loaded with these, and not before.
        if name in _detectors:
            return getattr(import_module(f"linewatch.streaming.{_detectors[name]}"), name)
        raise AttributeError(f"module 'linewatch.streaming' has no attribute {name!r}")
