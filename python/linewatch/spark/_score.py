"""Scores of a detector, row by row, on frames and streams."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linewatch._arguments import quoted
from linewatch.spark import _session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

MADE = ("score", "is_anomaly")


def score(
    df: DataFrame,
    model: Any,
    *,
    columns: Sequence[str] | None = None,
    keep: str | Sequence[str] | None = None,
) -> DataFrame:
    """Score of each row by a detector; nothing runs before Spark asks for the rows.

    The model travels once to each worker process, in the format of its ``save``, and only the
    columns of `keep` and the features leave the JVM. A worker scores on one thread: Spark runs as
    many tasks as there are cores.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
        May be a streaming frame.
    model : fitted detector or path
        Any that `linewatch.load` reads; a path is one of the driver's file system.
    columns : list of str, optional
        The features, in the order of `fit`, for a model that was fitted without names; all columns
        by default. A model with names finds them itself.
    keep : str or list of str, optional
        Columns of the answer beside the scores: keys, times. By default all that are no features.

    Returns
    -------
    pyspark.sql.DataFrame
        The columns of `keep`; ``score``, higher = more normal, equal to the last bit to
        ``model.score_samples`` on one machine; and ``is_anomaly``, true where ``model.predict``
        says -1.

    Raises
    ------
    ValueError
        If the frame lacks a feature of the model, or has too many; before any job starts.
    TypeError
        If a feature does not hold numbers and the model has no categories for it, `df` is no
        PySpark DataFrame or `model` cannot be saved.
    ModuleNotFoundError, ImportError
        If PySpark is missing, or older than 4.

    Notes
    -----
    What goes wrong in a worker, such as an infinite value or a missing library, comes as Spark's
    ``PythonException`` when the rows are asked for, with the worker's own message in it.

    Examples
    --------
    >>> import linewatch as lw
    >>> scored = lw.spark.score(kpis, "forest.lw", keep=["cell", "time"])  # doctest: +SKIP
    >>> scored.filter("is_anomaly").orderBy("score").show(5)  # doctest: +SKIP
    """
    _session.frame(df)
    return _Scorer(model, columns, keep)(df)


def batch_scorer(
    model: Any,
    write: str | os.PathLike[str] | Callable[[DataFrame, int], Any],
    *,
    columns: Sequence[str] | None = None,
    keep: str | Sequence[str] | None = None,
) -> Callable[[DataFrame, int], None]:
    """A function for ``foreachBatch`` that scores each micro-batch and writes it.

    Parameters
    ----------
    model, columns, keep
        As for `score`.
    write : path or function
        A folder: a batch becomes Parquet files in ``batch_id=N`` in it. Spark repeats the batch it
        was at when it was killed, with the same rows and the same number, and the repeat takes the
        place of what was there, so no row is lost or doubled. Else a function that is given the
        scored frame and the number of the batch; to be safe, it must replace what it wrote of that
        number before.

    Returns
    -------
    function of (DataFrame, int)
        For ``df.writeStream.foreachBatch``.

    Raises
    ------
    TypeError
        If `write` is neither a path nor a function, or `model` cannot be saved.

    See Also
    --------
    score : Takes a streaming frame itself, for the sinks that Spark has.

    Examples
    --------
    >>> import linewatch as lw
    >>> each = lw.spark.batch_scorer("forest.lw", "scores", keep=["cell", "time"])  # doctest: +SKIP
    >>> query = kpis.writeStream.foreachBatch(each).option(
    ...     "checkpointLocation", "checkpoint"
    ... ).start()  # doctest: +SKIP
    """
    _session.require()
    if not callable(write) and not isinstance(write, str | os.PathLike):
        raise TypeError(f"write must be a folder or a function, got {type(write).__name__}")
    scorer = _Scorer(model, columns, keep)

    def each(batch: DataFrame, batch_id: int) -> None:
        scored = scorer(batch)
        if callable(write):
            write(scored, batch_id)
        else:
            scored.write.mode("overwrite").parquet(f"{os.fspath(write)}/batch_id={batch_id}")

    return each


class _Scorer:
    """A model and its bytes; they are broadcast once to each Spark context."""

    def __init__(self, model: Any, columns: Any, keep: Any) -> None:
        self.model, self.bytes = _read(model)
        self.digest = hashlib.sha256(self.bytes).hexdigest()
        self.columns = None if columns is None else _session.listed("columns", columns, at_least=1)
        self.keep = None if keep is None else _session.listed("keep", keep)
        self.sent: Any = None
        self.context: Any = None

    def __call__(self, df: DataFrame) -> DataFrame:
        from pyspark.sql.types import BooleanType, DoubleType, StructField, StructType

        features = self.features(df)
        keep = self.keep
        if keep is None:
            keep = [name for name in df.columns if name not in features]
        _session.known(df, "keep", keep)
        for name in keep:
            if name in MADE:
                raise ValueError(f'column "{name}" would be written twice; rename it in the frame')
        needed = [*keep, *(name for name in features if name not in keep)]
        made = [StructField("score", DoubleType()), StructField("is_anomaly", BooleanType())]
        schema = StructType([*(df.schema[name] for name in keep), *made])
        context = getattr(df.sparkSession, "_sc", None)
        if self.sent is None or self.context is not context:
            self.sent, self.context = _session.shared(df.sparkSession, self.bytes), context
        run = _session.task("score", self.digest, self.sent, features, keep)
        return _session.mapped(df.select([_session.column(c) for c in needed]), run, schema)

    def features(self, df: DataFrame) -> list[str]:
        """The columns of the frame that the model takes."""
        model, names = self.model, getattr(self.model, "feature_names_in_", None)
        n = int(model.n_features_in_)
        if names is not None:
            if self.columns is not None:
                raise ValueError("columns is for a model without column names; this one knows them")
            features = [str(name) for name in names]
            missing = [name for name in features if name not in df.columns]
            if missing:
                raise ValueError(
                    f"column {quoted(missing)} of the model is missing; the frame has "
                    f"{quoted(df.columns)}"
                )
        else:
            keep = self.keep or []
            features = self.columns or [name for name in df.columns if name not in keep]
            if len(features) != n:
                raise ValueError(
                    f"the model takes {n} columns and knows no names, but there are "
                    f"{len(features)}; name them in order with columns=[...]"
                )
        _session.known(df, "columns", features)
        inner = getattr(model, "detector_", model)
        text = _takes_text(inner)
        _session.numbers(df, "model", [c for k, c in enumerate(features) if not text(k)])
        return features


def _takes_text(model: Any) -> Callable[[int], bool]:
    """Whether the model may find text in its feature of a number."""
    if type(model).__name__ == "IntrusionDetector":
        return lambda k: True
    categories = getattr(model, "categories_", {})
    return lambda k: any(isinstance(value, str) for value in categories.get(k, ()))


def _read(model: Any) -> tuple[Any, bytes]:
    """A detector, and the bytes of its file."""
    from linewatch import _models

    given = None
    if isinstance(model, str | os.PathLike):
        given = Path(model).read_bytes()
        model = _models.load(model)
    elif not hasattr(model, "_to_model"):
        raise TypeError(
            f"model is of type {type(model).__name__}; expected a detector of linewatch or the "
            "path of its file"
        )
    if not hasattr(model, "score_samples"):
        advice = "; construct it with novelty=True" if hasattr(model, "novelty") else ""
        raise TypeError(
            f"{type(model).__name__} has no score_samples, which judges rows one by one{advice}"
        )
    if given is not None:
        return model, given
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.lw")
        model.save(path)
        return model, Path(path).read_bytes()
