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

Missing and infinite values take their place among the rows but not in the statistics, as in
`linewatch.rolling`.
"""

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
)
from linewatch.streaming._stream import STATUS, Stream

__all__ = [
    "STATUS",
    "Count",
    "Cusum",
    "Ewm",
    "Extremes",
    "FlatRun",
    "Hysteresis",
    "Novelty",
    "PageHinkley",
    "Rolling",
    "Seasonal",
    "Stream",
]
