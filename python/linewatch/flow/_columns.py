"""What every analysis of flows begins with: a frame of any engine, and columns that are there."""

from linewatch._arguments import quoted
from linewatch._libraries import is_narwhals

#: What a column is, for the error that names a missing one.
MEANING = {
    "ts": "start of the flow",
    "te": "end of the flow",
    "td": "duration in seconds",
    "sa": "source address",
    "da": "destination address",
    "sp": "source port",
    "dp": "destination port",
    "pr": "protocol",
    "flg": "TCP flags",
    "ipkt": "packets in",
    "ibyt": "bytes in",
    "opkt": "packets out",
    "obyt": "bytes out",
    "ismc": "MAC address of the source",
}
# What counts, and so is never below zero.
COUNTERS = ("ipkt", "ibyt", "opkt", "obyt")
# What only some layouts of nfdump have, and the layout that has it.
_WAY = {
    "obyt": "nfdump -B -o csv up to 1.7.3, or %obyt in a csv: layout",
    "opkt": "nfdump -B -o csv up to 1.7.3, or %opkt in a csv: layout",
    "ismc": "nfdump -o csv up to 1.7.3, or %ismc in a csv: layout",
    "flg": "nfdump -o csv up to 1.7.3, csv-fast, or %flg in a csv: layout",
}


def table(flows, needs=(), what=""):
    """`flows` as a narwhals frame that has the columns `needs`, which `what` cannot do without."""
    import narwhals.stable.v2 as nw

    if isinstance(flows, nw.DataFrame | nw.LazyFrame):
        frame = flows
    else:
        native = flows.to_native() if is_narwhals(flows) else flows
        try:
            frame = nw.from_native(native)
        except TypeError:
            raise TypeError(
                f"flows has type {type(flows).__name__}; expected a frame of pandas, Polars, "
                "pyarrow, DuckDB or PySpark"
            ) from None
    require(names(frame), needs, what)
    _check_counters(frame)
    return _with_gaps(frame) if frame.implementation.is_pandas() else frame


def _is_whole(dtype):
    return dtype is not None and dtype.is_integer()


def _with_gaps(frame):
    """Counters with gaps, which pandas holds as floats, as whole numbers or missing."""
    import narwhals.stable.v2 as nw
    import numpy as np

    native, made = frame.to_native(), {}
    for name in COUNTERS:
        if name not in native or getattr(native[name].dtype, "kind", "") != "f":
            continue
        values = native[name].to_numpy(dtype=np.float64, na_value=np.nan)
        missing = np.isnan(values)
        if (np.abs(values) >= 2.0**63).any():
            row = int(np.argmax(np.abs(values) >= 2.0**63))
            raise ValueError(
                f'column "{name}" ({MEANING[name]}) holds {values[row]:g} in row {row}; expected '
                "whole numbers below 2**63"
            )
        if missing.any():
            whole = np.where(missing, 0, values).astype(np.int64)
            made[name] = type(native[name])(whole, index=native.index).astype("Int64").mask(missing)
    return nw.from_native(native.assign(**made)) if made else frame


def _check_counters(frame):
    """Refuse text where numbers belong and, where the rows are at hand, counters below zero."""
    import narwhals.stable.v2 as nw

    schema = frame.collect_schema()
    others = (nw.String, nw.Categorical, nw.Enum, nw.Boolean, nw.Binary)
    for name in (*COUNTERS, "td"):
        if name in schema and schema[name] in others:
            raise TypeError(
                f'column "{name}" ({MEANING[name]}) has dtype {schema[name]}; expected numbers'
            )
    if isinstance(frame, nw.LazyFrame):
        return
    for name in COUNTERS:
        if name in schema and schema[name].is_numeric() and (frame[name] < 0).any():
            least = frame[name].min()
            raise ValueError(
                f'column "{name}" ({MEANING[name]}) must not be negative, got {least:g}'
            )
    for pair in (("ibyt", "obyt"), ("ipkt", "opkt")):
        counted = [frame[name].drop_nulls() for name in pair if _is_whole(schema.get(name))]
        if len(frame) * sum(int(c.max()) for c in counted if len(c)) < 2**63:
            continue
        total = sum(int(value) for c in counted for value in c.to_list())
        if total >= 2**63:
            what = " and ".join(c.name for c in counted)
            raise ValueError(
                f"the sum of {what} is {total:g}, which is beyond 2**63 (leave out the rows that "
                "cannot be true)"
            )


def back(frame, flows):
    """A narwhals frame as the kind that the caller gave."""
    return frame if is_narwhals(flows) else frame.to_native()


def names(frame):
    """Names of the columns; asks a lazy engine for the schema only."""
    return frame.collect_schema().names()


def require(present, needs, what):
    """Refuse a table that lacks a column, with what it was for and where it comes from."""
    for name in needs:
        if name not in present:
            meaning = f" ({MEANING[name]})" if name in MEANING else ""
            purpose = f", so there is no {what}" if what else ""
            way = f"; it comes from {_WAY[name]}" if name in _WAY else ""
            has = quoted(present, most=None)
            raise ValueError(
                f'column "{name}"{meaning} is missing{purpose}{way}; the table has {has}'
            )


def keys(by, what="by"):
    """One or several names of columns as a list."""
    found = [by] if isinstance(by, str) else list(by)
    if not found or not all(isinstance(name, str) for name in found):
        raise TypeError(f"{what} must be the name of a column or a list of names, got {by!r}")
    if len(set(found)) < len(found):
        raise ValueError(f"{what} names a column twice: {', '.join(found)}")
    return found


def known(frame, by):
    """The rows of a frame that have a key: asked of groups, so that no engine copies the flows."""
    import narwhals.stable.v2 as nw

    return frame.filter(*[~nw.col(name).is_null() for name in by])


def plain(frame, by):
    """Dictionary-coded keys of groups as text, so that they sort by name on every engine."""
    import narwhals.stable.v2 as nw

    schema = frame.collect_schema()
    coded = [name for name in by if schema[name] in (nw.Categorical, nw.Enum)]
    return frame.with_columns(nw.col(name).cast(nw.String) for name in coded) if coded else frame


def total_bytes(present):
    """Bytes both ways; those of the one way where the layout has no other."""
    import narwhals.stable.v2 as nw

    total = nw.col("ibyt").cast(nw.Int64)
    return total + nw.col("obyt").cast(nw.Int64) if "obyt" in present else total


def with_scalars(frame, **scalars):
    """`frame` with aggregates of all its rows as columns, in one pass over the rows."""
    import narwhals.stable.v2 as nw

    one = frame.select(**scalars)
    if isinstance(frame, nw.LazyFrame):
        return frame.join(one, how="cross")
    found = {name: one[name].item() for name in scalars}
    if frame.implementation.is_pandas():  # its NA is no literal
        found = {name: v if isinstance(v, float) else float("nan") for name, v in found.items()}
    return frame.with_columns(**{name: nw.lit(value) for name, value in found.items()})


def check_count(name, value, least=1):
    """`value` as a whole number from `least` on."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < least:
        raise ValueError(f"{name} must be a whole number from {least} on, got {value!r}")
    return min(int(value), 2**62)  # beyond any number of rows


def group(frame, by, sums, distinct=None, *, seconds=False, time=None):
    """Rows, sums and distinct values of each group: whole numbers of one type on every engine.

    Parameters
    ----------
    frame : narwhals frame
    by : list of str
    sums : dict of name to expression
        Computed row by row first, since no engine is quick at expressions inside an aggregate.
    distinct : dict of name to column, optional
    seconds : bool
        Whether to sum ``td`` as ``total_td``.
    time : expression, optional
        What the key ``time`` is. Here and not before, since Polars would keep a computed column of
        all flows where several group-bys of one query share it.

    Returns
    -------
    narwhals frame
        `by`, ``flows``, the sums, the counts, ``total_td``; in no order. Rows without a key are
        left out.
    """
    import narwhals.stable.v2 as nw

    distinct = distinct or {}
    needed = [name for name in by if time is None or name != "time"]
    needed += [*distinct.values(), *(["td"] if seconds else [])]
    made = {} if time is None else {"time": time}
    made |= {f"_{name}": expr.cast(nw.Int64) for name, expr in sums.items()}
    frame = frame.select(*dict.fromkeys(needed), **made)
    parts = {"flows": nw.len()}
    parts |= {name: nw.col(f"_{name}").sum() for name in sums}
    parts |= {name: nw.col(column).n_unique() for name, column in distinct.items()}
    whole = list(parts)
    if seconds:
        parts["total_td"] = nw.col("td").sum()
    found = frame.group_by(by).agg(**parts).with_columns(nw.col(*whole).cast(nw.Int64))
    return plain(known(found, by), by)


def to_polars(frame):
    """A narwhals frame of any engine, computed, in Polars."""
    import narwhals.stable.v2 as nw

    from linewatch import _frames

    if not isinstance(frame, nw.LazyFrame):
        return _frames.to_polars(frame)
    if frame.implementation.is_polars():
        import polars as pl

        has_engine = tuple(map(int, pl.__version__.split(".")[:2])) >= (1, 25)
        return frame.to_native().collect(**({"engine": "streaming"} if has_engine else {}))
    return frame.collect("polars").to_native()
