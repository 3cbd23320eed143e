"""The same work on a Spark cluster, with the answers of one machine.

The functions take and give PySpark DataFrames, start no job of their own unless they say so, and
send Arrow batches to the workers: pandas is not imported there. Every worker needs linewatch of the
driver's version; `workers` looks.

- `score` applies a saved or fitted detector; on a streaming frame, too.
- `rolling` gives the statistics of `linewatch.rolling` for every key.
- `sample` and `sample_fit` draw rows by a seeded hash, so that a detector does not depend on how
  the rows lie on the cluster.
- `generate_cdr` writes the call records of `linewatch.cdr`, a day a task.
- `batch_scorer` and `stream` are for Structured Streaming: scores for every micro-batch, and the
  rules of `linewatch.streaming` with their states in Spark's store.

The analyses of `linewatch.flow` take PySpark frames as they are.
"""

from linewatch.spark._cdr import generate_cdr
from linewatch.spark._rolling import rolling
from linewatch.spark._sample import sample, sample_fit
from linewatch.spark._score import batch_scorer, score
from linewatch.spark._session import workers
from linewatch.spark._stream import stream

__all__ = [
    "batch_scorer",
    "generate_cdr",
    "rolling",
    "sample",
    "sample_fit",
    "score",
    "stream",
    "workers",
]
