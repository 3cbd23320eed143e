"""Customers by usage, frequency and connections: scores by quartile, segments by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linewatch.flow._columns import (
    back,
    group,
    keys,
    plain,
    require,
    table,
    to_polars,
    total_bytes,
)
from linewatch.flow._columns import names as columns_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from linewatch._typing import AnyTable, TableT


#: How many of the three quartiles of the scores a score is above.
VALUE_LEVELS = ("No Value", "Low", "Medium", "High")
#: Segment and the least score that belongs to it, the best first.
UFM_LEVELS = {
    "Require Upgrade": 10,
    "Potential Sales": 7,
    "Needs Attention": 4,
    "Possible Customer Loss": 3,
}
# What a connection is: a distinct combination of these.
CONNECTIONS = {"destination": ("da", "dp", "pr"), "mac": ("ismc",)}
_QUARTILES = (0.25, 0.5, 0.75)


def ufm_segments(
    flows: TableT,
    by: str | Sequence[str] = "sa",
    *,
    connections: str | Sequence[str] = "destination",
) -> TableT:
    """Score each customer by usage, frequency and connections, and name its segment.

    Parameters
    ----------
    flows : frame of pandas, Polars (eager or lazy), pyarrow, DuckDB or PySpark
        With the key, ``ts``, ``ibyt`` (and ``obyt`` where it is there), and ``da dp pr`` or
        ``ismc``.
    by : str or sequence of str, default="sa"
        Columns that make a customer. Flows without a key are left out.
    connections : {"destination", "mac"} or sequence of str, default="destination"
        What a connection is: a distinct (``da``, ``dp``, ``pr``); with ``"mac"`` a distinct
        ``ismc``, as the original notebook has it; or a distinct combination of columns.

    Returns
    -------
    frame of the kind of `flows`, sorted by key
        ======================== =======================================================
        ``usage``                bytes, both ways
        ``frequency``            distinct start times
        ``connections``          distinct connections
        ``usage_score`` ...      1 to 4 for each of the three, by quartile
        ``ufm_group``            the three scores side by side, such as ``"432"``
        ``ufm_score``            their sum, 3 to 12
        ``value_level``          No Value, Low, Medium or High: by quartile of the scores
        ``ufm_level``            Require Upgrade (10 and more), Potential Sales (7 to 9), Needs
                                 Attention (4 to 6), Possible Customer Loss (3)
        ======================== =======================================================

    Raises
    ------
    ValueError
        If a column is missing.

    Notes
    -----
    Quartiles are interpolated linearly over customers. A score is 1 for a value up to the first
    quartile, 2 up to the median, 3 up to the third quartile and 4 above, so customers with equal
    values always have equal scores, and where quartiles coincide (most customers have one
    connection) scores between are empty. ``value_level`` counts in the same way how many quartiles
    of ``ufm_score`` a score is above: it equals `pandas.qcut` where that is defined.
    The two scales answer different questions and may disagree: ``value_level`` compares a customer
    with the others, ``ufm_level`` with a fixed scale.

    Examples
    --------
    >>> from datetime import datetime
    >>> import polars as pl
    >>> from linewatch import flow
    >>> flows = pl.DataFrame({
    ...     "sa": ["a", "b", "b", "c", "c", "c"], "da": ["x", "x", "y", "x", "y", "z"],
    ...     "dp": 443, "pr": "TCP", "ibyt": [1, 10, 10, 100, 100, 100], "obyt": 0,
    ...     "ts": [datetime(2026, 1, 5, 9, m) for m in (0, 0, 1, 0, 1, 2)]})
    >>> flow.ufm_segments(flows).select("sa", "usage", "ufm_group", "ufm_level").rows()
    [('a', 1, '111', 'Possible Customer Loss'), ('b', 20, '222', 'Needs Attention'),
     ('c', 300, '444', 'Require Upgrade')]
    """
    by = keys(by)
    frame = table(flows, [*by, "ts", "ibyt"], "segments")
    if isinstance(connections, str) and connections not in CONNECTIONS:
        raise ValueError(
            f'connections must be "destination", "mac" or a list of columns, got {connections!r}'
        )
    of = CONNECTIONS[connections] if isinstance(connections, str) else keys(connections)
    require(columns_of(frame), of, "count of connections (see connections=)")
    return back(segments(frame, by, list(of)).sort(by), flows)


def segments(frame, by, of):
    """`ufm_segments` of narwhals frames, in no order."""
    import narwhals.stable.v2 as nw

    present = columns_of(frame)
    usage, distinct = {"usage": total_bytes(present)}, {"frequency": "ts"}
    of = [name for name in of if name not in by]
    if len(of) == 1:
        found = group(frame, by, usage, distinct | {"connections": of[0]}).drop("flows")
        return score(found)
    found = group(frame, by, usage, distinct).drop("flows")
    pairs = frame.select(*by, *of).unique()
    counts = pairs.group_by(by).agg(connections=nw.len())
    counts = plain(counts.with_columns(nw.col("connections").cast(nw.Int64)), by)
    return score(found.join(counts, on=by, how="inner"))


def score(frame):
    """A frame with usage, frequency and connections, and what follows from them."""
    import narwhals.stable.v2 as nw

    three = {"usage_score": "usage", "frequency_score": "frequency"}
    three["connections_score"] = "connections"
    frame = frame.with_columns(**{name: 1 + _above(of) for name, of in three.items()})
    one, two, last = (nw.col(name) for name in three)
    digits = nw.concat_str([nw.col(name).cast(nw.String) for name in three])
    frame = frame.with_columns(ufm_group=digits, ufm_score=one + two + last)
    frame = frame.with_columns(_level=_above("ufm_score"))
    level, total = nw.col("_level"), nw.col("ufm_score")
    return frame.with_columns(
        value_level=_named(level, [(name, k) for k, name in enumerate(VALUE_LEVELS)][::-1]),
        ufm_level=_named(total, list(UFM_LEVELS.items())),
    ).drop("_level")


def _above(column):
    """How many of the three quartiles of a column its values are above."""
    import narwhals.stable.v2 as nw

    value = nw.col(column)
    parts = [(value > value.quantile(q, interpolation="linear")).cast(nw.Int64) for q in _QUARTILES]
    return parts[0] + parts[1] + parts[2]


def _named(value, names):
    """The first name whose least value is reached."""
    import narwhals.stable.v2 as nw

    (last, _), *others = names[::-1]
    found = nw.lit(last)
    for name, least in others:
        found = nw.when(value >= least).then(nw.lit(name)).otherwise(found)
    return found


def segment_table(segments: AnyTable, level: str | Sequence[str] = "ufm_level") -> pl.DataFrame:
    """How many customers a segment has, and their mean usage, frequency and connections.

    Parameters
    ----------
    segments : frame
        What `ufm_segments` gives.
    level : {"ufm_level", "value_level"}, or both as a list, default="ufm_level"
        By which of the two scales.

    Returns
    -------
    polars.DataFrame
        The columns of `level`, ``usage_mean``, ``frequency_mean``, ``connections_mean`` and
        ``customers``; the best first. Segments without customers have no row.

    Examples
    --------
    >>> import polars as pl
    >>> from linewatch import flow
    >>> found = pl.DataFrame({"ufm_level": ["Potential Sales", "Potential Sales"],
    ...                       "usage": [10, 30], "frequency": [1, 2], "connections": [1, 1]})
    >>> flow.segment_table(found).rows()
    [('Potential Sales', 20.0, 1.5, 1.0, 2)]
    """
    import polars as pl

    levels = keys(level, "level")
    orders = {"ufm_level": list(UFM_LEVELS), "value_level": list(VALUE_LEVELS[::-1])}
    for name in levels:
        if name not in orders:
            raise ValueError(f'level must be "ufm_level" or "value_level", got {name!r}')
    needs = [*levels, "usage", "frequency", "connections"]
    frame = table(segments, needs, "table of segments")
    means = {f"{name}_mean": pl.col(name).mean() for name in needs[len(levels) :]}
    found = to_polars(frame.select(*needs)).group_by(levels)
    found = found.agg(**means, customers=pl.len().cast(pl.Int64))
    return found.sort([pl.col(name).replace_strict(orders[name], range(4)) for name in levels])
