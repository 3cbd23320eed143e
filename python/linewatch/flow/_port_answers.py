"""The kernel asked about ports that are at hand, for frames and columns of any library."""

import numpy as np

from linewatch import _core
from linewatch._libraries import is_narwhals, pandas, polars
from linewatch.flow._protocols import UNKNOWN, number_of

#: Columns that `classify_ports` can add, and how the kernel calls them.
COLUMNS = {
    "source_service": "sp_service",
    "destination_service": "dp_service",
    "source_category": "sp_category",
    "destination_category": "dp_category",
    "source_port_class": "sp_class",
    "destination_port_class": "dp_class",
    "service_side": "service_side",
    "service": "service",
    "category": "category",
}


def answers(sp, dp, pr, wanted, literal, form):
    """The kernel's answer about Polars series, as a Polars frame."""
    import polars as pl

    columns = {"sp": sp, "dp": dp, "pr": pr}
    frame = pl.DataFrame([s.alias(name) for name, s in columns.items() if s is not None])
    return pl.DataFrame(_core.classify_ports(frame, wanted, literal, form))


def classified(frame, ports, wanted, literal):
    """The native frame with the columns added."""
    native = frame.to_native()
    internal = [COLUMNS[name] for name in wanted]
    if frame.implementation.is_polars():
        series = [polars_ports(native[ports[k]]) for k in ("sp", "dp")]
        found = answers(*series, native[ports["pr"]], internal, literal, "views")
        found.columns = wanted
        return native.with_columns(found.get_columns())
    if frame.implementation.is_pandas():
        series = [_pandas_ports(native[ports[k]], ports[k]) for k in ("sp", "dp")]
        protocol = _pandas_protocol(native[ports["pr"]])
        found = answers(*series, protocol, internal, literal, "codes")
        added = {name: _pandas_text(found[k]) for name, k in zip(wanted, internal, strict=True)}
        return native.assign(**added)
    import pyarrow as pa

    table = native.select([ports["sp"], ports["dp"], ports["pr"]]).rename_columns(
        ["sp", "dp", "pr"]
    )
    table = table.set_column(0, "sp", _arrow_ports(table["sp"]))
    table = table.set_column(1, "dp", _arrow_ports(table["dp"]))
    found = pa.table(_core.classify_ports(table, internal, literal, "codes"))
    for name, key in zip(wanted, internal, strict=True):
        native = native.append_column(name, found[key])
    return native


def polars_ports(series):
    import polars as pl

    return series.cast(pl.Int64, strict=False) if series.dtype.is_float() else series


def _pandas_ports(column, name):
    import polars as pl

    values = (
        column.to_numpy(dtype=np.float64, na_value=np.nan)
        if column.hasnans
        else (column.to_numpy())
    )
    if values.dtype.kind == "f":
        return pl.Series(values).fill_nan(None).cast(pl.Int64, strict=False)
    if values.dtype.kind not in "iu":
        raise TypeError(f'column "{name}" has dtype {column.dtype}; expected whole numbers')
    return pl.Series(values)


def _pandas_protocol(column):
    """Numbers of the protocols; each different text is looked at once."""
    import polars as pl

    if column.dtype.kind in "iuf":
        return _pandas_ports(column, column.name)
    codes, texts = pandas().factorize(column)
    numbers = np.append([number_of(text) for text in texts], UNKNOWN).astype(np.int16)
    return pl.Series(numbers[codes])


def _pandas_text(column):
    """A Polars column of categories as a pandas categorical."""
    codes, names = _codes(column)
    return pandas().Categorical.from_codes(codes, names)


def _codes(column):
    """The distinct names of a Polars column of categories, and the number of each row's or -1."""
    import polars as pl

    names = column.unique().drop_nulls().cast(pl.String).sort()
    codes = column.cast(pl.Enum(names)).to_physical().cast(pl.Int32).fill_null(-1)
    return codes.to_numpy(), names.to_list()


def _arrow_ports(column):
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.cast(column, pa.int64()) if pa.types.is_floating(column.type) else column


def of_port(port, protocol, what, literal):
    """One answer about ports of any kind."""
    import polars as pl

    pd, is_polars = pandas(), isinstance(port, pl.Series)
    if polars() is not None and isinstance(port, pl.Expr):
        raise TypeError("port is a Polars expression; import linewatch.polars and use .lw on it")
    native = port.to_native() if is_narwhals(port) else port
    if is_narwhals(port):
        import narwhals.stable.v2 as nw

        inner = protocol.to_native() if is_narwhals(protocol) else protocol
        return nw.from_native(of_port(native, inner, what, literal), series_only=True)
    is_pandas = pd is not None and isinstance(port, pd.Series)
    if is_polars:
        ports = port
    elif is_pandas:
        ports = _pandas_ports(port, port.name)
    else:
        array = np.asarray(port)
        if array.dtype == object or not array.size:
            ports = pl.Series(list(port), dtype=pl.Int64, strict=False)
        else:
            ports = pl.Series(array)
    if ports.dtype.is_float():
        ports = ports.fill_nan(None).cast(pl.Int64, strict=False)
    if not ports.dtype.is_integer():
        raise TypeError(f"port has dtype {ports.dtype}; expected whole numbers")
    protocols = _protocol_series(protocol, len(ports))
    if len(protocols) != len(ports):
        raise ValueError(f"protocol has {len(protocols)} values, expected {len(ports)}")
    form = "views" if is_polars else "codes"
    found = answers(None, ports, protocols, [what], literal, form)[what]
    if is_polars:
        return found.alias(port.name)
    if is_pandas:
        return pd.Series(_pandas_text(found), index=port.index, name=port.name)
    codes, names = _codes(found)
    return np.append(np.array(names, dtype=object), None)[codes]


def _protocol_series(protocol, n):
    import polars as pl

    pd = pandas()
    if isinstance(protocol, str | int | np.integer):
        number = number_of(protocol) if isinstance(protocol, str) else int(protocol)
        return pl.Series(np.full(n, number, np.int64))
    if isinstance(protocol, pl.Series):
        return protocol
    if pd is not None and isinstance(protocol, pd.Series):
        return _pandas_protocol(protocol)
    array = np.asarray(protocol)
    if array.dtype.kind in "iu":
        return pl.Series(array)
    texts, codes = np.unique(array.astype(str), return_inverse=True)
    return pl.Series(np.array([number_of(str(text)) for text in texts], dtype=np.int16)[codes])
