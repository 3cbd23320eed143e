"""The ways in which Polars runs an expression."""

import io

import polars as pl

NEW_STREAMING = tuple(map(int, pl.__version__.split(".")[:2])) >= (1, 23)


def streaming(lazy):
    return lazy.collect(engine="streaming") if NEW_STREAMING else lazy.collect(new_streaming=True)


def in_pieces(frame):
    """The same rows in 9 chunks."""
    size = -(-frame.height // 9)
    return pl.concat([frame.slice(i * size, size) for i in range(9)], rechunk=False)


def deserialized(frame, e):
    lazy = frame.lazy().select(e)
    return pl.LazyFrame.deserialize(io.BytesIO(lazy.serialize())).collect()


ENGINES = {
    "eager": lambda frame, e: frame.select(e),
    "lazy": lambda frame, e: frame.lazy().select(e).collect(),
    "streaming": lambda frame, e: streaming(frame.lazy().select(e)),
    "with_columns": lambda frame, e: frame.with_columns(e.alias("answer")).select("answer"),
    "chunked": lambda frame, e: in_pieces(frame).select(e),
    "chunked streaming": lambda frame, e: streaming(in_pieces(frame).lazy().select(e)),
    "serialized": deserialized,
    "collect_all": lambda frame, e: pl.collect_all([frame.lazy().select(e)] * 4)[3],
}
