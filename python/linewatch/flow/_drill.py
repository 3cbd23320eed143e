"""One source from all sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linewatch.flow._columns import back, keys, table
from linewatch.flow._columns import names as columns_of
from linewatch.flow._peaks import by_time
from linewatch.flow._usage import protocol_table, top_talkers, usage_by_source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from linewatch._typing import TableT


def drill_down(
    flows: TableT,
    source: str | int | tuple[Any, ...],
    *,
    by: str | Sequence[str] = "sa",
    every: str = "minute",
    n: int = 20,
) -> dict[str, TableT]:
    """What one source did: its usage, its minutes, its destinations, ports, services, protocols.

    Parameters
    ----------
    flows : frame of pandas, Polars (eager or lazy), pyarrow, DuckDB or PySpark
        As for `usage_by_source`; the columns that `classify_ports` adds serve where they are
        there.
    source : str, int or tuple
        The key of the source; a tuple where `by` names several columns.
    by : str or sequence of str, default="sa"
        Columns that make a customer.
    every : str, default="minute"
        Length of a stretch of the series, as for `by_time`.
    n : int, default=20
        Destinations and ports that are listed.

    Returns
    -------
    dict of str to frame of the kind of `flows`
        ``usage`` (one row of `usage_by_source`), ``by_time``, ``destinations``,
        ``destination_ports``, ``destination_services`` and ``source_services`` (of classified
        flows), ``protocols``: those that the columns allow, by bytes descending.

    Raises
    ------
    ValueError
        If no flow has the key (a lazy frame is not asked).

    Examples
    --------
    >>> from linewatch import flow
    >>> flows = flow.simulate(n_flows=500, anomalies=["host_scan"], seed=1)
    >>> busy = flow.top_talkers(flows, 1, measure="flows")["sa"][0]
    >>> flow.drill_down(flows, busy)["destination_ports"].select("dp", "pr", "flows").row(0)
    (443, 'TCP', 5)
    """
    import narwhals.stable.v2 as nw

    by = keys(by)
    frame = table(flows, [*by, "ibyt"], "drill-down")
    key = source if isinstance(source, tuple) else (source,)
    if len(key) != len(by):
        raise ValueError(f"source must have a value for each of {', '.join(by)}, got {source!r}")
    frame = frame.filter(*[nw.col(name) == value for name, value in zip(by, key, strict=True)])
    if isinstance(frame, nw.DataFrame) and not len(frame):
        wanted = " and ".join(f'{name} = "{value}"' for name, value in zip(by, key, strict=True))
        raise ValueError(f"no flow has {wanted}")
    present = columns_of(frame)
    sides = {
        "destinations": ["da"],
        "destination_ports": ["dp", "pr"],
        "destination_services": ["destination_service"],
        "source_services": ["source_service"],
    }
    found = {"usage": usage_by_source(frame, by)}
    if "ts" in present:
        found["by_time"] = by_time(frame, every)
    for name, columns in sides.items():
        if all(column in present for column in columns):
            found[name] = top_talkers(frame, n, by=columns)
    if "pr" in present:
        found["protocols"] = protocol_table(frame)
    return {name: back(each, flows) for name, each in found.items()}
