"""Who uses how much, over what, through which device: group-bys written once for every engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linewatch.flow._columns import (
    back,
    check_count,
    group,
    keys,
    require,
    table,
    total_bytes,
)
from linewatch.flow._columns import names as columns_of
from linewatch.flow._derive import ratio, share

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from linewatch._typing import TableT


def usage_by_source(flows: TableT, by: str | Sequence[str] = "sa") -> TableT:
    """Bytes, flows, devices, time and delivery ratio of each source.

    Parameters
    ----------
    flows : frame of pandas, Polars (eager or lazy), pyarrow, DuckDB or PySpark
        With the key and ``ibyt`` (bytes in); ``obyt``, ``ipkt``, ``opkt``, ``ts``, ``td`` and
        ``ismc`` serve where they are there.
    by : str or sequence of str, default="sa"
        Columns that make a customer. Flows without a key are left out.

    Returns
    -------
    frame of the kind of `flows`, sorted by key
        The key and, as far as the layout has what they need:

        ======================== ==================================================
        ``flows``                rows
        ``total_bytes``          sum of ibyt + obyt; of ibyt where there is no obyt
        ``bytes_in bytes_out``   sums of ibyt and of obyt
        ``packets``              sum of ipkt + opkt
        ``distinct_ismc``        MAC addresses
        ``distinct_ts``          start times
        ``total_td``             sum of td (s)
        ``avg_bytes_per_mac``    total_bytes / flows, as the original notebook has it: it
                                 counts rows, not devices
        ``bytes_per_second``     total_bytes / total_td, by IEEE 754
        ``delivery_ratio``       bytes_in / bytes_out; null where nothing went out
        ======================== ==================================================

    Raises
    ------
    ValueError
        If the key or ``ibyt`` is missing, or a counter is below zero in a frame that holds its
        rows. Lazy frames, DuckDB and PySpark are not read for that: filter such rows there.
    TypeError
        If a counter is text.

    Examples
    --------
    >>> import polars as pl
    >>> from linewatch import flow
    >>> flows = pl.DataFrame({"sa": ["10.0.0.1", "10.0.0.1", "10.0.0.2"], "td": [1.0, 3.0, 0.0],
    ...                       "ibyt": [100, 200, 50], "obyt": [400, 500, 0]})
    >>> flow.usage_by_source(flows).select("sa", "flows", "total_bytes", "delivery_ratio").rows()
    [('10.0.0.1', 2, 1200, 0.3333333333333333), ('10.0.0.2', 1, 50, None)]
    """
    by = keys(by)
    frame = table(flows, [*by, "ibyt"], "usage by source")
    return back(usage(frame, by).sort(by), flows)


def usage(frame, by):
    """`usage_by_source` of narwhals frames, in no order."""
    import narwhals.stable.v2 as nw

    present = columns_of(frame)
    has = present.__contains__
    sums = {"total_bytes": total_bytes(present)}
    if has("obyt"):
        sums |= {"bytes_in": nw.col("ibyt"), "bytes_out": nw.col("obyt")}
    if has("ipkt"):
        packets = nw.col("ipkt").cast(nw.Int64)
        sums["packets"] = packets + nw.col("opkt").cast(nw.Int64) if has("opkt") else packets
    distinct = {f"distinct_{name}": name for name in ("ismc", "ts") if has(name)}
    found = group(frame, by, sums, distinct, seconds=has("td"))
    made = {"avg_bytes_per_mac": nw.col("total_bytes") / nw.col("flows")}
    if has("td"):
        made["bytes_per_second"] = ratio(nw.col("total_bytes"), nw.col("total_td"))
    if has("obyt"):
        made["delivery_ratio"] = share(nw.col("bytes_in"), nw.col("bytes_out"))
    return found.with_columns(**made)


def protocol_table(flows: TableT, by: str | Sequence[str] = ("pr",)) -> TableT:
    """Flows and bytes of each protocol.

    Parameters
    ----------
    flows : frame of pandas, Polars (eager or lazy), pyarrow, DuckDB or PySpark
        With ``pr`` (protocol) and ``ibyt``; ``obyt`` counts where it is there.
    by : sequence of str, default=("pr",)
        ``("pr", "flg")`` counts each set of TCP flags apart.

    Returns
    -------
    frame of the kind of `flows`
        The columns of `by`, ``flows`` and ``total_bytes``; by bytes descending, then by name.

    Examples
    --------
    >>> import polars as pl
    >>> from linewatch import flow
    >>> flows = pl.DataFrame({"pr": ["TCP", "UDP", "TCP"], "ibyt": [1, 2, 3], "obyt": [5, 2, 5]})
    >>> flow.protocol_table(flows).rows()
    [('TCP', 2, 14), ('UDP', 1, 4)]
    """
    by = keys(by)
    frame = table(flows, [*by, "ibyt"], "table of protocols")
    return back(ranked(_flows_and_bytes(frame, by), "total_bytes", by), flows)


def distribution_by_mac(flows: TableT, by: str | Sequence[str] = "sa") -> TableT:
    """Bytes of each MAC address at each source.

    Parameters
    ----------
    flows : frame of pandas, Polars (eager or lazy), pyarrow, DuckDB or PySpark
        With ``ismc`` (MAC address), the key and ``ibyt``; ``obyt`` counts where it is there.
    by : str or sequence of str, default="sa"
        Columns that make a customer.

    Returns
    -------
    frame of the kind of `flows`
        ``ismc``, the key, ``flows`` and ``total_bytes``; by bytes descending, then by name.

    Examples
    --------
    >>> import polars as pl
    >>> from linewatch import flow
    >>> flows = pl.DataFrame({"ismc": ["02:00", "02:01", "02:00"], "sa": ["a", "a", "a"],
    ...                       "ibyt": [1, 20, 3]})
    >>> flow.distribution_by_mac(flows).rows()
    [('02:01', 'a', 1, 20), ('02:00', 'a', 2, 4)]
    """
    by = ["ismc", *keys(by)]
    frame = table(flows, [*by, "ibyt"], "distribution by MAC address")
    return back(ranked(_flows_and_bytes(frame, by), "total_bytes", by), flows)


def top_talkers(
    flows: TableT,
    n: int = 10,
    *,
    by: str | Sequence[str] = "sa",
    measure: Literal["total_bytes", "flows"] = "total_bytes",
) -> TableT:
    """The sources (or destinations, ports, services) with the most bytes or flows.

    Parameters
    ----------
    flows : frame of pandas, Polars (eager or lazy), pyarrow, DuckDB or PySpark
        With the columns of `by` and ``ibyt``; ``obyt`` counts where it is there.
    n : int, default=10
        How many.
    by : str or sequence of str, default="sa"
        What is counted: ``"da"``, ``["pr", "dp"]``, a column of `classify_ports`.
    measure : {"total_bytes", "flows"}, default="total_bytes"
        What decides the order.

    Returns
    -------
    frame of the kind of `flows`
        The columns of `by`, ``flows`` and ``total_bytes``; by `measure` descending, then by name.

    Examples
    --------
    >>> import polars as pl
    >>> from linewatch import flow
    >>> flows = pl.DataFrame({"sa": ["b", "a", "c"], "ibyt": [5, 5, 1], "obyt": [0, 0, 0]})
    >>> flow.top_talkers(flows, 2)["sa"].to_list()
    ['a', 'b']
    """
    by = keys(by)
    n = check_count("n", n)
    if measure not in ("total_bytes", "flows"):
        raise ValueError(f'measure must be "total_bytes" or "flows", got {measure!r}')
    frame = table(flows, [*by, "ibyt"], "list of top talkers")
    return back(ranked(_flows_and_bytes(frame, by), measure, by).head(n), flows)


def _flows_and_bytes(frame, by):
    present = columns_of(frame)
    require(present, by, "group")
    return group(frame, by, {"total_bytes": total_bytes(present)})


def ranked(frame, measure, by):
    """By a measure descending, then by name ascending."""
    return frame.sort(measure, *by, descending=[True] + [False] * len(by))
