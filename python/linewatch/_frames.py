"""Frames of any library in, the same library out."""


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
        else:
            # pandas has NaN where text is missing.
            values = [None if value != value else value for value in column.to_list()]
            try:
                columns[name] = pl.Series(name, values, strict=False)
            except (pl.exceptions.PolarsError, TypeError, ValueError):
                raise TypeError(
                    f'column "{name}" holds objects that make no column, such as times of several '
                    "zones (convert them to one)"
                ) from None
    return pl.DataFrame(columns)


def like(native, table):
    """A Polars table as the kind of frame that `native` is."""
    import narwhals.stable.v2 as nw
    import polars as pl

    if native.implementation.is_polars():
        return table
    columns = {
        name: column.to_list() if column.dtype in (pl.String, pl.Boolean) else column.to_numpy()
        for name, column in zip(table.columns, table, strict=True)
    }
    return nw.from_dict(columns, backend=native.implementation).to_native()
