"""Frames of any library in, the same library out."""

import sys
from importlib.util import find_spec

import numpy as np


def eager(frame):
    """`frame` as a narwhals frame that holds its data."""
    import narwhals.stable.v2 as nw

    try:
        return nw.from_native(frame, eager_only=True)
    except TypeError:
        raise TypeError(
            f"frame has type {type(frame).__name__}; expected a pandas, Polars or pyarrow frame "
            "(collect a LazyFrame first)"
        ) from None


def to_polars(native):
    """The narwhals frame in Polars, column by column, so that pandas needs no pyarrow."""
    import polars as pl

    frame = native.to_native()
    if isinstance(frame, pl.DataFrame):
        return frame
    columns = {}
    for name in native.columns:
        if not isinstance(name, str):
            raise TypeError(f"names of columns must be text, got {name!r}")
        column = native[name]
        if column.dtype.is_numeric() or column.dtype.is_temporal():
            columns[name] = column.to_polars()
        elif (text := _arrow_text(column.to_native())) is not None:
            columns[name] = pl.Series(name, text)
        else:
            values = [_known(value) for value in column.to_list()]
            try:
                columns[name] = pl.Series(name, values, strict=False)
            except (pl.exceptions.PolarsError, TypeError, ValueError):
                raise TypeError(
                    f'column "{name}" holds objects that make no column, such as times of several '
                    "zones (convert them to one)"
                ) from None
    return pl.DataFrame(columns)


def _known(value):
    """`value`, or None where pandas has NaN, NaT or NA for what is missing."""
    try:
        return None if value != value else value
    except TypeError:  # NA is neither equal to itself nor not
        return None
    except ValueError:  # an array in a cell
        return value


def like(native, table):
    """A Polars table as the kind of frame that `native` is."""
    if native.implementation.is_polars():
        return table
    if native.implementation.is_pyarrow():
        return _arrow(table)
    text = _texts
    if native.implementation.is_pandas() and "pyarrow" in sys.modules:
        pd = native.implementation.to_native_namespace()
        if int(pd.__version__.partition(".")[0]) >= 3:
            text = _arrow_texts
    return _from_arrays(table, native.implementation, text)


def _from_arrays(table, implementation, text):
    """A Polars table in another library, by way of NumPy; `text` converts a column of text."""
    import narwhals.stable.v2 as nw
    import polars as pl

    columns = {}
    for name, column in zip(table.columns, table, strict=True):
        if column.dtype == pl.String:
            columns[name] = text(column)
        elif column.dtype == pl.Boolean and column.null_count():
            columns[name] = column.to_list()
        else:
            columns[name] = column.to_numpy()
    # NumPy knows no zones: what comes from it is UTC.
    zones = {
        name: dtype.time_zone
        for name, dtype in table.schema.items()
        if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None
    }
    frame = nw.from_dict(columns, backend=implementation)
    local = [
        nw.col(name).dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
        for name, zone in zones.items()
    ]
    return frame.with_columns(*local).to_native() if local else frame.to_native()


def check_backend(backend):
    """Refuse what is no library of frames that answers can come in."""
    if backend not in ("polars", "pandas", "pyarrow"):
        raise ValueError(f'backend must be "polars", "pandas" or "pyarrow", got {backend!r}')
    if backend != "polars" and find_spec(backend) is None:
        way = '"linewatch[pandas]"' if backend == "pandas" else "pyarrow"
        raise ModuleNotFoundError(
            f'backend="{backend}" needs {backend}: pip install {way}', name=backend
        )


def as_backend(frame, backend):
    """A Polars frame in the library asked for."""
    check_backend(backend)
    if backend == "pandas":
        # Polars itself asks for pyarrow here.
        has_pyarrow = find_spec("pyarrow") is not None
        return frame.to_pandas() if has_pyarrow else _from_arrays(frame, "pandas", _texts)
    return frame.to_arrow() if backend == "pyarrow" else frame


def _arrow(table):
    """A Polars table as a pyarrow one; text that 32-bit offsets can hold is of type string."""
    import pyarrow as pa

    out = table.to_arrow()
    for place, field in enumerate(out.schema):
        if pa.types.is_large_string(field.type) and out.column(place).nbytes < 2**31:
            text = pa.field(field.name, pa.string())
            out = out.set_column(place, text, out.column(place).cast(pa.string()))
    return out


def _arrow_text(column):
    """The text of a pandas column that pyarrow keeps, without a step through Python; or None."""
    array = getattr(column, "array", None)
    if "pyarrow" in sys.modules and type(array).__name__ == "ArrowStringArray":
        return array.__arrow_array__()
    return None


def _arrow_texts(column):
    """Text as a column of pandas 3, without a step through Python."""
    import pandas as pd

    return pd.array(column.to_arrow(), dtype="str")


def _texts(column):
    """Text as Python objects, one for each text that repeats."""
    import polars as pl

    kinds = column.unique().drop_nulls()
    if 10 * len(kinds) > len(column):
        return column.to_list()
    texts = np.array([*kinds.to_list(), None], dtype=object)
    codes = column.cast(pl.Enum(kinds)).to_physical().fill_null(len(kinds))
    return texts[codes.to_numpy()]
