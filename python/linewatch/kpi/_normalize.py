"""KPIs on one scale, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from linewatch import _tables
from linewatch._frames import eager, like, to_polars
from linewatch.kpi._baseline import MAD_TO_STD

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from linewatch._typing import AnyFrame, FrameT


METHODS = ("z", "robust", "min-max")
PARAMETERS = ["cell", "column", "method", "center", "scale", "n_values"]


def normalize(
    frame: FrameT,
    *,
    method: Literal["z", "robust", "min-max"] = "z",
    by: Literal["cell", "all"] = "cell",
    time: str | None = None,
    cell: str | None = None,
    values: Sequence[str] | None = None,
    parameters: AnyFrame | None = None,
) -> tuple[FrameT, FrameT]:
    """KPIs as distances from their middle, in units of their spread.

    Parameters
    ----------
    frame : DataFrame (pandas, Polars, pyarrow)
        One row for a cell and a time.
    method : {"z", "robust", "min-max"}, default="z"
        ``"z"``: mean and sample standard deviation; ``"robust"``: median and 1.4826 times the
        median absolute deviation; ``"min-max"``: the lowest value becomes 0, the highest 1.
    by : {"cell", "all"}, default="cell"
        Whether each cell has its own middle and spread, or all share them.
    time, cell : str, optional
        Columns; found by name and dtype when left out.
    values : sequence of str, optional
        The KPIs; all columns of numbers by default.
    parameters : DataFrame, optional
        Those that an earlier call returned: new rows on the same scale. `method` and `by` then
        go by them.

    Returns
    -------
    frame : DataFrame of the caller's kind
        Rows and columns as they were, the KPIs as floats. Missing and infinite values are
        missing.
    parameters : DataFrame of the caller's kind
        ``cell`` (null for all), ``column``, ``method``, ``center``, ``scale``, ``n_values``. A KPI
        without spread has scale 1, so that it becomes 0 and comes back.

    Raises
    ------
    ValueError
        If an option is unknown, a column is missing, or `parameters` lack a cell of the frame.

    Notes
    -----
    Middle and spread are those of the whole frame: a row is measured with rows that come after
    it. For alarms use :func:`score`, whose baselines look back only.

    Examples
    --------
    >>> import polars as pl
    >>> from linewatch import kpi
    >>> frame = pl.DataFrame({"time": [f"2026-01-0{d}" for d in (1, 2, 3)], "users": [10, 20, 30]})
    >>> scaled, parameters = kpi.normalize(frame)
    >>> scaled["users"].to_list()
    [-1.0, 0.0, 1.0]
    >>> kpi.denormalize(scaled, parameters)["users"].to_list()
    [10.0, 20.0, 30.0]
    """
    import polars as pl

    if method not in METHODS:
        raise ValueError(f"method must be z, robust or min-max, got {method!r}")
    if by not in ("cell", "all"):
        raise ValueError(f"by must be cell or all, got {by!r}")
    native, table, names, columns = _read(frame, time, cell, values)
    if parameters is not None:
        known = _parameters(parameters, columns)
    else:
        key = names if by == "cell" else pl.repeat(None, len(names), dtype=pl.String, eager=True)
        known = pl.concat([_middle(table[name], key, method) for name in columns])
    for name in columns:
        center, scale = _of(known, name, names)
        table = table.with_columns(((_finite(table[name]) - center) / scale).alias(name))
    return _replaced(native, table, columns), like(native, known)


def denormalize(
    frame: FrameT, parameters: AnyFrame, *, time: str | None = None, cell: str | None = None
) -> FrameT:
    """The values that :func:`normalize` was given, from what it gave.

    Parameters
    ----------
    frame : DataFrame
        Normalised KPIs, or a baseline computed from them under the same column names.
    parameters : DataFrame
        As :func:`normalize` returned them.
    time, cell : str, optional
        As for :func:`normalize`.

    Returns
    -------
    DataFrame of the caller's kind

    Raises
    ------
    ValueError
        If a column or a cell is missing.

    Examples
    --------
    >>> import polars as pl
    >>> from linewatch import kpi
    >>> frame = pl.DataFrame({"time": [f"2026-01-0{d}" for d in (1, 2, 3)], "users": [10, 20, 30]})
    >>> scaled, parameters = kpi.normalize(frame, method="min-max")
    >>> scaled["users"].to_list(), kpi.denormalize(scaled, parameters)["users"].to_list()
    ([0.0, 0.5, 1.0], [10.0, 20.0, 30.0])
    """
    known = to_polars(eager(parameters))
    _check_parameters(known)
    wanted = known["column"].unique(maintain_order=True).to_list()
    native, table, names, columns = _read(frame, time, cell, wanted)
    known = _parameters(parameters, columns)
    for name in columns:
        center, scale = _of(known, name, names)
        table = table.with_columns((_finite(table[name]) * scale + center).alias(name))
    return _replaced(native, table, columns)


def _read(frame, time, cell, values):
    import polars as pl

    native = eager(frame)
    table = to_polars(native)
    if not table.height:
        raise ValueError("the frame has no rows")
    values = [values] if isinstance(values, str) else values
    found = _tables.detect(table, time=time, cell=cell, values=values)
    columns = list(dict.fromkeys(values)) if values else [*found.values, *found.other_values]
    names = table[found.cell].cast(pl.String) if found.cell else None
    if names is None:
        names = pl.repeat(None, table.height, dtype=pl.String, eager=True)
    numbers = {name: _tables.numbers(table[name]) for name in columns}
    return native, table.with_columns(**numbers), names, columns


def _finite(column):
    return column.set(~column.is_finite().fill_null(False), None)


def _middle(column, key, method):
    import polars as pl

    value = pl.col("value")
    if method == "z":
        center, scale = value.mean(), value.std()
    elif method == "robust":
        center = value.median()
        scale = MAD_TO_STD * (value - value.median()).abs().median()
    else:
        center, scale = value.min(), value.max() - value.min()
    rows = pl.DataFrame({"cell": key, "value": _finite(column)})
    middle = rows.group_by("cell").agg(
        center=center, scale=scale, n_values=value.count().cast(pl.Int64)
    )
    usable = pl.col("scale").is_not_null() & (pl.col("scale") > 0)
    return (
        middle.with_columns(
            column=pl.lit(column.name),
            method=pl.lit(method),
            scale=pl.when(usable).then("scale").otherwise(1.0),
        )
        .select(PARAMETERS)
        .sort("cell", nulls_last=True)
    )


def _check_parameters(known):
    for name in PARAMETERS[:-1]:
        if name not in known.columns:
            raise ValueError(f'parameters lack "{name}"; give those that kpi.normalize returned')


def _parameters(parameters, columns):
    import polars as pl

    known = to_polars(eager(parameters))
    _check_parameters(known)
    known = known.with_columns(pl.col("cell").cast(pl.String))
    for name in columns:
        if not (known["column"] == name).any():
            raise ValueError(f'parameters say nothing of column "{name}"')
    return known


def _of(known, name, cells):
    """Center and scale of each row."""
    import polars as pl

    rows = known.filter(pl.col("column") == name)
    if rows["cell"].null_count() == rows.height == 1:
        return rows["center"][0], rows["scale"][0]
    nobody = "\0"  # rows without a cell are a cell of their own
    of = pl.DataFrame({"cell": cells.fill_null(nobody)}).join(
        rows.select(pl.col("cell").fill_null(nobody), "center", "scale"),
        on="cell",
        how="left",
        maintain_order="left",
    )
    lost = cells.filter(of["scale"].is_null())
    if len(lost):
        raise ValueError(f'parameters of column "{name}" say nothing of cell {lost[0]!r}')
    return of["center"], of["scale"]


def _replaced(native, table, columns):
    import narwhals.stable.v2 as nw

    if native.implementation.is_pandas_like():
        frame = native.to_native().copy(deep=False)
        for name in columns:
            frame[name] = np.asarray(table[name].to_numpy())
        return frame
    added = like(native, table.select(columns))
    return native.with_columns(nw.from_native(added)[name] for name in columns).to_native()
