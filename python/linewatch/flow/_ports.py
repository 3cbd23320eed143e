"""Services, categories and classes of ports, from the registries of IANA."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from linewatch import _core
from linewatch._arguments import quoted
from linewatch._frames import as_backend, check_backend
from linewatch._libraries import is_narwhals
from linewatch.flow._port_answers import COLUMNS, classified, of_port
from linewatch.flow._port_joins import called, joined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal

    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from numpy.typing import ArrayLike

    from linewatch._typing import Column, SeriesT, TableT, Texts


_USUAL = ("source_service", "destination_service", "service_side", "service", "category")


def classify_ports(
    flows: TableT,
    columns: Sequence[str] = _USUAL,
    *,
    registry: Literal["full", "literal"] = "full",
    names: Mapping[str, str] | None = None,
) -> TableT:
    """Add what the ports of flows stand for: services, categories, the side that serves.

    Parameters
    ----------
    flows : frame of pandas, Polars (lazy as well), pyarrow, DuckDB or PySpark
        With the columns ``sp``, ``dp`` and ``pr``: ports as whole numbers, the protocol as text of
        any case (``TCP``) or as its number.
    columns : list of str, default=("source_service", "destination_service", "service_side", \
"service", "category")
        Which to add, of

        ``source_service``, ``destination_service``
            The name that the IANA registry gives the port with this protocol.
        ``source_category``, ``destination_category``
            What the port is used for in practice: web, mail, name service, time, address
            assignment, discovery, streaming, signalling, mobile core, VPN, remote access, file
            transfer, file sharing, database, directory, network management, routing, messaging,
            printing, peer to peer, gaming, proxy.
        ``source_port_class``, ``destination_port_class``
            ``system``, ``user`` or ``dynamic``, as `port_class` has it.
        ``service_side``
            ``source`` or ``destination``: the likelier one to be the server (see Notes).
        ``service``, ``category``
            Those of that side.
    registry : {"full", "literal"}, default="full"
        Whether a row of the registry with a range of ports names all of them, or only rows with
        literally that port count. The first row wins.
    names : dict, optional
        What the table calls ``sp``, ``dp`` and ``pr``, such as ``{"pr": "protocol"}``.

    Returns
    -------
    Frame of the caller's kind
        With the columns added, text (categorical in pandas and pyarrow), null where there is
        nothing to say: a port that is not registered, a number outside 0 to 65,535 (no port, and
        no error), a protocol without ports. A lazy frame stays lazy; DuckDB and PySpark join with
        the registry, and their rows may come in another order.

    Raises
    ------
    ValueError
        If a column is missing, or there is one already with the name of an answer.
    TypeError
        If the ports are not whole numbers, or `flows` is no frame.

    Notes
    -----
    The side that serves is the one whose port ranks higher: a port with a category, then a
    registered one below 1,024, a registered one below 32,768, another one below, one below 49,152
    (Linux hands out 32,768 to 60,999 to clients), a dynamic one. Of equal ranks the lower port, of
    equal ports the destination. If both are such as clients get, there is none. This is a guess
    from the ports alone, whichever side spoke first.

    References
    ----------
    .. [1] IANA, Service Name and Transport Protocol Port Number Registry,
       https://www.iana.org/assignments/service-names-port-numbers. `registry_date` says of when.
    .. [2] RFC 6335, Internet Assigned Numbers Authority (IANA) Procedures for the Management of
       the Service Name and Transport Protocol Port Number Registry.

    Examples
    --------
    >>> import polars as pl
    >>> from linewatch import flow
    >>> flows = pl.DataFrame({"sp": [50000, 2152], "dp": [443, 2152], "pr": ["TCP", "UDP"]})
    >>> found = flow.classify_ports(flows)
    >>> found.select("service_side", "service", "category").rows()
    [('destination', 'https', 'web'), ('destination', 'gtp-user', 'mobile core')]
    """
    import narwhals.stable.v2 as nw

    literal = _is_literal(registry)
    wanted = [columns] if isinstance(columns, str) else list(columns)
    for name in wanted:
        if name not in COLUMNS:
            raise ValueError(f"columns has {name!r}; known are {', '.join(COLUMNS)}")
    if not wanted:
        raise ValueError("columns names none; leave it out for the usual ones")
    ports = {"sp": "sp", "dp": "dp", "pr": "pr"}
    for name in names or {}:
        if name not in ports:
            raise ValueError(f"names has {name!r}; known are sp, dp, pr")
    ports |= names or {}
    native = flows.to_native() if is_narwhals(flows) else flows
    try:
        frame = nw.from_native(native)
    except TypeError:
        raise TypeError(
            f"flows has type {type(flows).__name__}; expected a frame of pandas, Polars, pyarrow, "
            "DuckDB or PySpark"
        ) from None
    schema = frame.collect_schema()
    for key, name in ports.items():
        if name not in schema:
            has = quoted(schema, most=None)
            raise ValueError(
                f'column "{name}" is missing; the table has {has} (say what it is called with '
                f'names={{"{key}": ...}})'
            )
        if key != "pr" and not _may_be_port(schema[name]):
            raise TypeError(f'column "{name}" has dtype {schema[name]}; expected whole numbers')
    for name in wanted:
        if name in schema:
            raise ValueError(f'flows has a column "{name}" already (drop or rename it first)')
    if isinstance(frame, nw.DataFrame):
        out = classified(frame, ports, wanted, literal)
    elif frame.implementation.is_polars():
        out = called(native, ports, wanted, literal)
    else:
        out = joined(frame, ports, wanted, literal)
    if not is_narwhals(flows):
        return out
    return (
        type(flows).from_native(out) if hasattr(type(flows), "from_native") else nw.from_native(out)
    )


@overload
def port_service(
    port: SeriesT, protocol: Column | str | int, *, registry: Literal["full", "literal"] = ...
) -> SeriesT: ...
@overload
def port_service(
    port: ArrayLike, protocol: Column | str | int, *, registry: Literal["full", "literal"] = ...
) -> Texts: ...
def port_service(port, protocol, *, registry="full"):
    """Names of the services of ports.

    Parameters
    ----------
    port : array-like of int, shape (n,)
        Array, list, or Series of pandas or Polars. Missing ones, and numbers that are no ports,
        have no service.
    protocol : array-like of str or int, shape (n,), or one for all
        ``TCP``, ``udp``, 6, ...
    registry : {"full", "literal"}, default="full"
        As `classify_ports` has it.

    Returns
    -------
    Series of the caller's kind, or array of objects
        Text (categorical in pandas), missing where there is none.

    Raises
    ------
    ValueError
        If there is not one protocol for each port.
    TypeError
        If `port` does not hold whole numbers.

    Examples
    --------
    >>> from linewatch import flow
    >>> flow.port_service([443, 53, 38412, 443], ["tcp", "UDP", "SCTP", "ICMP"])
    array(['https', 'domain', 'ng-control', None], dtype=object)
    """
    return of_port(port, protocol, "dp_service", _is_literal(registry))


@overload
def port_category(port: SeriesT, protocol: Column | str | int) -> SeriesT: ...
@overload
def port_category(port: ArrayLike, protocol: Column | str | int) -> Texts: ...
def port_category(port, protocol):
    """What ports are used for in practice: web, mail, mobile core, ...

    Parameters
    ----------
    port, protocol
        As `port_service` has them.

    Returns
    -------
    Series of the caller's kind, or array of objects
        One of the categories that `classify_ports` lists, missing where there is none.

    Raises
    ------
    ValueError
        If there is not one protocol for each port.
    TypeError
        If `port` does not hold whole numbers.

    Examples
    --------
    >>> from linewatch import flow
    >>> flow.port_category([443, 8805, 51820], "UDP")
    array(['web', 'mobile core', 'VPN'], dtype=object)
    """
    return of_port(port, protocol, "dp_category", False)


@overload
def port_class(port: SeriesT) -> SeriesT: ...
@overload
def port_class(port: ArrayLike) -> Texts: ...
def port_class(port):
    """The class of ports: ``system`` 0 to 1023, ``user`` to 49151, ``dynamic`` to 65535.

    Parameters
    ----------
    port : array-like of int, shape (n,)
        As `port_service` has it.

    Returns
    -------
    Series of the caller's kind, or array of objects
        Missing for what is no port.

    Raises
    ------
    TypeError
        If `port` does not hold whole numbers.

    References
    ----------
    .. [1] RFC 6335, section 6.

    Examples
    --------
    >>> from linewatch import flow
    >>> flow.port_class([22, 3868, 50000])
    array(['system', 'user', 'dynamic'], dtype=object)
    """
    return of_port(port, 6, "dp_class", False)


@overload
def port_table(
    registry: Literal["full", "literal"] = ..., *, backend: Literal["polars"] = ...
) -> pl.DataFrame: ...
@overload
def port_table(
    registry: Literal["full", "literal"] = ..., *, backend: Literal["pandas"]
) -> pd.DataFrame: ...
@overload
def port_table(
    registry: Literal["full", "literal"] = ..., *, backend: Literal["pyarrow"]
) -> pa.Table: ...
def port_table(registry="full", *, backend="polars"):
    """The registry as a table, to join flows with on any engine.

    Parameters
    ----------
    registry : {"full", "literal"}, default="full"
        As `classify_ports` has it.
    backend : {"polars", "pandas", "pyarrow"}, default="polars"
        The kind of frame.

    Returns
    -------
    DataFrame
        One row for each port and protocol with a service or a category: ``port``, ``protocol``
        (TCP, UDP, SCTP or DCCP), ``protocol_number``, ``service``, ``category`` and ``rank``, by
        which `classify_ports` finds the side that serves.

    Examples
    --------
    >>> import polars as pl
    >>> from linewatch import flow
    >>> flow.port_table().filter(port=2905).select("protocol", "service", "category").rows()
    [('TCP', 'm3ua', 'signalling'), ('SCTP', 'm3ua', 'signalling')]
    """
    import polars as pl

    check_backend(backend)
    frame = pl.DataFrame(_core.port_table(_is_literal(registry)))
    return as_backend(frame, backend)


def registry_date() -> str:
    """The day on which IANA last changed the registry that comes with linewatch.

    Returns
    -------
    str
        As ``2025-03-28``.

    Examples
    --------
    >>> from linewatch import flow
    >>> len(flow.registry_date())
    10
    """
    return _core.port_registry()[0]


def _is_literal(registry):
    if registry not in ("full", "literal"):
        raise ValueError(f'registry must be "full" or "literal", got {registry!r}')
    return registry == "literal"


def _may_be_port(dtype):
    import narwhals.stable.v2 as nw

    # Floats are how pandas keeps whole numbers with gaps.
    return dtype.is_integer() or dtype.is_float() or dtype in (nw.Unknown,)
