"""Columns that follow from others: totals, rates, sizes of packets, delivery ratios."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linewatch.flow._columns import (
    back,
    group,
    keys,
    require,
    table,
    to_polars,
    with_scalars,
)
from linewatch.flow._columns import names as columns_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from linewatch._typing import AnyTable, TableT


# A median deviation as a standard deviation, and a mean one, of a normal distribution.
MAD_TO_STD, MEAN_TO_STD = 1.482602218505602, 1.2533141373155001

# What is derived, from which columns.
DERIVED = {
    "total_bytes": ("ibyt", "obyt"),
    "byte_per_sec": ("ibyt", "obyt", "td"),
    "pkt_per_sec": ("ipkt", "opkt", "td"),
    "in_byte_per_ipkt": ("ibyt", "ipkt"),
    "out_byte_per_opkt": ("obyt", "opkt"),
    "byte_delivery_ratio": ("ibyt", "obyt"),
    "pkt_delivery_ratio": ("ipkt", "opkt"),
}


def derive(flows: TableT, columns: Sequence[str] | None = None) -> TableT:
    """Totals, rates, bytes a packet and delivery ratios of each flow.

    Parameters
    ----------
    flows : frame of pandas, Polars (eager or lazy), pyarrow, DuckDB or PySpark
        With nfdump's columns ``td`` (seconds), ``ibyt obyt`` (bytes in and out) and ``ipkt opkt``
        (packets in and out).
    columns : sequence of str, optional
        Which to add; all of them by default:

        ========================= ============================
        ``total_bytes``           ibyt + obyt
        ``byte_per_sec``          (ibyt + obyt) / td
        ``pkt_per_sec``           (ipkt + opkt) / td
        ``in_byte_per_ipkt``      ibyt / ipkt
        ``out_byte_per_opkt``     obyt / opkt
        ``byte_delivery_ratio``   ibyt / obyt
        ``pkt_delivery_ratio``    ipkt / opkt
        ========================= ============================

    Returns
    -------
    frame of the kind of `flows`
        Its columns, then those asked for. ``total_bytes`` is a whole number, the others float64.

    Raises
    ------
    ValueError
        If a column that is needed is missing: a layout without ``obyt`` has no delivery ratio.

    Notes
    -----
    Division by zero follows IEEE 754 on every engine: x / 0 is infinite and 0 / 0 is NaN (which
    is missing in a pandas column of NumPy floats). Leave such values out of sums and medians, as
    `summary` does.

    Examples
    --------
    >>> import polars as pl
    >>> from linewatch import flow
    >>> flows = pl.DataFrame({"td": [2.0, 0.0], "ibyt": [300, 40], "obyt": [100, 0],
    ...                       "ipkt": [3, 1], "opkt": [1, 0]})
    >>> flow.derive(flows, ["total_bytes", "byte_per_sec", "byte_delivery_ratio"]).rows()[0][5:]
    (400, 200.0, 3.0)
    >>> flow.derive(flows)["byte_delivery_ratio"].to_list()
    [3.0, inf]
    """
    import narwhals.stable.v2 as nw

    wanted = list(DERIVED) if columns is None else keys(columns, "columns")
    for name in wanted:
        if name not in DERIVED:
            raise ValueError(f"columns has {name!r}; known are {', '.join(DERIVED)}")
    frame = table(flows)
    present = columns_of(frame)
    for name in wanted:
        require(present, DERIVED[name], name)
    whole = {name: nw.col(name).cast(nw.Int64) for name in ("ibyt", "obyt", "ipkt", "opkt")}
    parts = {
        "byte_per_sec": (whole["ibyt"] + whole["obyt"], nw.col("td")),
        "pkt_per_sec": (whole["ipkt"] + whole["opkt"], nw.col("td")),
        "in_byte_per_ipkt": (whole["ibyt"], whole["ipkt"]),
        "out_byte_per_opkt": (whole["obyt"], whole["opkt"]),
        "byte_delivery_ratio": (whole["ibyt"], whole["obyt"]),
        "pkt_delivery_ratio": (whole["ipkt"], whole["opkt"]),
    }
    made = {
        name: whole["ibyt"] + whole["obyt"] if name == "total_bytes" else ratio(*parts[name])
        for name in wanted
    }
    return back(frame.with_columns(**made), flows)


def ratio(above, below):
    """`above` / `below` by IEEE 754, whatever an engine makes of a zero."""
    import narwhals.stable.v2 as nw

    above, below = above.cast(nw.Float64), below.cast(nw.Float64)
    divided = above / nw.when(below != 0).then(below)
    infinite = nw.when(above > 0).then(nw.lit(float("inf"))).otherwise(nw.lit(float("-inf")))
    at_zero = nw.when(above == 0).then(nw.lit(float("nan"))).otherwise(infinite)
    return nw.when((below == 0) & ~above.is_null()).then(at_zero).otherwise(divided)


def share(above, below):
    """`above` / `below`, null where the divisor is zero."""
    import narwhals.stable.v2 as nw

    below = below.cast(nw.Float64)
    return above.cast(nw.Float64) / nw.when(below != 0).then(below)


def summary(flows: AnyTable, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Sum and median of derived columns over what is finite, and how much is not.

    Parameters
    ----------
    flows : frame, as for `derive`
    columns : sequence of str, optional
        Columns of numbers; those of `derive` that the frame has by default.

    Returns
    -------
    polars.DataFrame
        A row for each column: ``column``, ``n_finite``, ``n_infinite``, ``n_nan`` (missing ones
        among them), ``sum`` and ``median`` of the finite values.

    Examples
    --------
    >>> import polars as pl
    >>> from linewatch import flow
    >>> flows = pl.DataFrame({"byte_delivery_ratio": [1.0, 3.0, float("inf"), float("nan")]})
    >>> flow.summary(flows).rows()
    [('byte_delivery_ratio', 2, 1, 1, 4.0, 2.0)]
    """
    import narwhals.stable.v2 as nw
    import polars as pl

    frame = table(flows)
    present = columns_of(frame)
    wanted = [name for name in DERIVED if name in present] if columns is None else keys(columns)
    require(present, wanted, "summary of it")
    if not wanted:
        raise ValueError("flows has none of the derived columns (try flow.derive(flows) first)")
    rows = {name: nw.col(name).cast(nw.Float64) for name in wanted}
    marked = frame.select(**rows)
    marked = marked.with_columns(
        **{f"_{name}": nw.when(nw.col(name).is_finite()).then(nw.col(name)) for name in wanted}
    )
    parts = {}
    for name in wanted:
        infinite = (nw.col(name) == float("inf")) | (nw.col(name) == float("-inf"))
        parts[f"{name}|n"] = nw.len()
        parts[f"{name}|n_finite"] = nw.col(f"_{name}").count()
        parts[f"{name}|n_infinite"] = infinite.cast(nw.Int64).sum()
        parts[f"{name}|sum"] = nw.col(f"_{name}").sum()
        parts[f"{name}|median"] = nw.col(f"_{name}").median()
    one = to_polars(marked.select(**parts)).row(0, named=True)
    found = []
    for name in wanted:
        n, finite, infinite = (
            int(one[f"{name}|{k}"] or 0) for k in ("n", "n_finite", "n_infinite")
        )
        rest = [one[f"{name}|sum"], one[f"{name}|median"]]
        found.append([name, finite, infinite, n - finite - infinite, *rest])
    schema = ["column", "n_finite", "n_infinite", "n_nan", "sum", "median"]
    return pl.DataFrame(found, schema=schema, orient="row")


def delivery_ratio(
    flows: TableT, by: str | Sequence[str] | None = None, *, threshold: float = 3.5
) -> TableT:
    """Bytes in over bytes out, of each flow or each source, and which ratios are unusual.

    A ratio is unusual if its logarithm lies further from the median of the logarithms than
    `threshold` robust standard deviations, up or down: a source that sends a thousand times what
    it receives stands out as one that receives a thousand times what it sends.

    Parameters
    ----------
    flows : frame of pandas, Polars (eager or lazy), pyarrow, DuckDB or PySpark
        With ``ibyt`` and ``obyt`` (bytes in and out).
    by : str or sequence of str, optional
        Columns that make a customer, such as ``"sa"``: one ratio of sums for each, never a mean of
        ratios. By default each flow has its own.
    threshold : float, default=3.5
        Robust standard deviations from the median; dimensionless.

    Returns
    -------
    frame of the kind of `flows`
        ``byte_delivery_ratio``; ``is_one_way`` (nothing in, or nothing out); ``ratio_zscore``,
        null for what is one-way; ``is_unusual_ratio``, never true for what is one-way. Each flow
        keeps its columns; with `by` the columns before are the key, ``flows``, ``bytes_in`` and
        ``bytes_out``, sorted by key, and the ratio is null (not infinite) where nothing went out.

    Raises
    ------
    ValueError
        If ``obyt`` is missing: its layout has no delivery ratio.

    Notes
    -----
    The robust standard deviation is 1.4826 times the median of absolute deviations; where more
    than half of the ratios are equal and it would be zero, 1.2533 times their mean; where all
    are equal, nothing is unusual. The threshold of 3.5 is that of [1]_.

    References
    ----------
    .. [1] Iglewicz, B., Hoaglin, D. C. (1993). How to detect and handle outliers. ASQC Quality
       Press.

    Examples
    --------
    >>> import polars as pl
    >>> from linewatch import flow
    >>> flows = pl.DataFrame({"sa": list("abcdefg"), "ibyt": [10, 11, 12, 9, 10, 90_000, 5],
    ...                       "obyt": [100, 90, 100, 110, 95, 100, 0]})
    >>> found = flow.delivery_ratio(flows, "sa")
    >>> found.filter(found["is_unusual_ratio"])["sa"].to_list()
    ['f']
    """
    import narwhals.stable.v2 as nw

    check_threshold(threshold)
    frame = table(flows, ("ibyt", "obyt"), "delivery ratio")
    coming, going = nw.col("ibyt").cast(nw.Int64), nw.col("obyt").cast(nw.Int64)
    if by is not None:
        by = keys(by)
        require(columns_of(frame), by, "group")
        sums = {"bytes_in": coming, "bytes_out": going}
        frame = group(frame, by, sums)
        coming, going = nw.col("bytes_in"), nw.col("bytes_out")
    frame = frame.with_columns(
        byte_delivery_ratio=ratio(coming, going) if by is None else share(coming, going),
        is_one_way=(coming == 0) | (going == 0),
    )
    frame = flag(frame, coming, going, threshold)
    return back(frame.sort(by) if by is not None else frame, flows)


def flag(frame, above, below, threshold):
    """`frame` with ``ratio_zscore`` and ``is_unusual_ratio`` of above / below."""
    import narwhals.stable.v2 as nw

    positive = (above > 0) & (below > 0)
    # A logarithm of 1 stands in: pandas computes, and warns of, what is missing too.
    logs = [nw.when(positive).then(each).otherwise(1).cast(nw.Float64) for each in (above, below)]
    frame = frame.with_columns(_log=nw.when(positive).then(logs[0].log() - logs[1].log()))
    frame = with_scalars(frame, _center=nw.col("_log").median())
    off = nw.col("_log") - nw.col("_center").cast(nw.Float64)
    frame = frame.with_columns(_off=off, _far=off.abs())
    frame = with_scalars(frame, _mad=nw.col("_far").median(), _mean=nw.col("_far").mean())
    mad, mean = nw.col("_mad").cast(nw.Float64), nw.col("_mean").cast(nw.Float64)
    scale = nw.when(mad > 0).then(mad * MAD_TO_STD).otherwise(mean * MEAN_TO_STD)
    zero = nw.when(nw.col("_far") == 0).then(nw.lit(0.0))
    frame = frame.with_columns(_scale=nw.when(scale > 0).then(scale))
    frame = frame.with_columns(
        ratio_zscore=nw.when(~nw.col("_scale").is_null())
        .then(nw.col("_off") / nw.col("_scale"))
        .otherwise(zero)
    )
    unusual = nw.col("ratio_zscore").abs() > threshold
    frame = frame.with_columns(
        is_unusual_ratio=nw.when(nw.col("ratio_zscore").is_null())
        .then(nw.lit(False))
        .otherwise(unusual)
    )
    return frame.drop("_log", "_center", "_off", "_far", "_mad", "_mean", "_scale")


def check_threshold(threshold, name="threshold"):
    """A number above zero."""
    if isinstance(threshold, bool) or not isinstance(threshold, int | float):
        raise TypeError(f"{name} must be a number, got {threshold!r}")
    if not 0 < threshold < float("inf"):
        raise ValueError(f"{name} must be above 0, got {threshold!r}")
