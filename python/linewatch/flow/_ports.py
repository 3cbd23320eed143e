"""Services, categories and classes of ports, from the registries of IANA."""

import functools

import numpy as np

from linewatch import _core
from linewatch._libraries import is_narwhals, pandas, polars

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
_USUAL = ("source_service", "destination_service", "service_side", "service", "category")
# What nfdump calls protocols where it does not call them as IANA does.
_NFDUMP = {
    "IPIP": 4, "BBN": 10, "NVPII": 11, "ENCOM": 14, "DCN": 19, "XNS": 22, "TRNK1": 23, "TRNK2": 24,
    "LEAF1": 25, "LEAF2": 26, "ISO-4": 29, "NETBK": 30, "MFESP": 31, "MEINP": 32, "RTE6": 43,
    "FRAG6": 44, "MHRP": 48, "INLSP": 52, "MOBIL": 55, "ICMP6": 58, "NOHE6": 59, "OPTS6": 60,
    "SATNT": 64, "KLAN": 65, "SATM": 69, "BSATM": 76, "SUNND": 77, "WBMON": 78, "WBEXP": 79,
    "ISOIP": 80, "SVMTP": 82, "NSIGP": 85, "OSPF": 89, "S-RPC": 90, "SCCSP": 96, "ETHIP": 97,
    "CPQPP": 110, "IPXIP": 111, "ISIS4": 124, "MHEAD": 135, "UDP-L": 136, "MPLS": 137,
}  # fmt: skip
_TRANSPORTS = {"TCP": 6, "UDP": 17, "SCTP": 132, "DCCP": 33}
_NO_PROTOCOL = -1


def classify_ports(flows, columns=_USUAL, *, registry="full", names=None):
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
        nothing to say: a port that is not registered, a protocol without ports. A lazy frame stays
        lazy; DuckDB and PySpark join with `port_table`, and their rows may come in another order.

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
            has = ", ".join(f'"{column}"' for column in schema)
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
        out = _classify(frame, ports, wanted, literal)
    elif frame.implementation.is_polars():
        out = _classify_lazily(native, ports, wanted, literal)
    else:
        out = _join(frame, ports, wanted, literal)
    if not is_narwhals(flows):
        return out
    return (
        type(flows).from_native(out) if hasattr(type(flows), "from_native") else nw.from_native(out)
    )


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
    return _of_port(port, protocol, "dp_service", _is_literal(registry))


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
    return _of_port(port, protocol, "dp_category", False)


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
    return _of_port(port, 6, "dp_class", False)


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

    if backend not in ("polars", "pandas", "pyarrow"):
        raise ValueError(f'backend must be "polars", "pandas" or "pyarrow", got {backend!r}')
    frame = pl.DataFrame(_core.port_table(_is_literal(registry)))
    if backend == "pandas":
        return frame.to_pandas()
    return frame.to_arrow() if backend == "pyarrow" else frame


def protocol_number(protocol):
    """Numbers of IP protocols from their keywords.

    Parameters
    ----------
    protocol : str or array-like of str
        Keywords of IANA (``IPv6-ICMP``) or nfdump's (``ICMP6``), of any case, or numbers in text.

    Returns
    -------
    int or ndarray of int64
        -1 for what is not known.

    References
    ----------
    .. [1] IANA, Protocol Numbers, https://www.iana.org/assignments/protocol-numbers.

    Examples
    --------
    >>> from linewatch import flow
    >>> flow.protocol_number("tcp"), flow.protocol_number(["ICMP6", "sctp", "47", "?"])
    (6, array([ 58, 132,  47,  -1]))
    """
    if isinstance(protocol, str):
        return _number(protocol)
    return np.array([_number(one) for one in protocol], dtype=np.int64)


def protocol_keyword(number):
    """Keywords of IP protocols from their numbers.

    Parameters
    ----------
    number : int or array-like of int
        From 0 to 255.

    Returns
    -------
    str, or ndarray of objects
        IANA's keyword; None for a number that has none.

    Raises
    ------
    ValueError
        If a number is not from 0 to 255.

    Examples
    --------
    >>> from linewatch import flow
    >>> flow.protocol_keyword(58), flow.protocol_keyword([6, 132, 253])
    ('IPv6-ICMP', array(['TCP', 'SCTP', None], dtype=object))
    """
    keywords = _protocols()[0]
    values = [number] if np.ndim(number) == 0 else list(number)
    for value in values:
        if not 0 <= value <= 255 or value != int(value):
            raise ValueError(f"number must be from 0 to 255, got {value}")
    found = np.array([keywords.get(int(value)) for value in values], dtype=object)
    return found[0] if np.ndim(number) == 0 else found


def _number(text):
    if not isinstance(text, str):
        return _NO_PROTOCOL
    text = text.strip().upper()
    if text.isascii() and text.isdigit():
        return int(text) if int(text) <= 255 else _NO_PROTOCOL
    return _protocols()[1].get(text, _NO_PROTOCOL)


@functools.cache
def _protocols():
    """Keywords by number, and numbers by keyword in upper case."""
    keywords, numbers = {}, {}
    for number, keyword in _core.port_registry()[1]:
        keywords.setdefault(number, keyword)
        numbers.setdefault(keyword.upper(), number)
    # What nfdump prints comes first: its IPIP is 4, which IANA calls IPv4, and not 94.
    return keywords, numbers | _NFDUMP


def registry_date():
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


# --- columns that hold their data ---------------------------------------------------------------


def _answers(sp, dp, pr, wanted, literal, form):
    """The kernel's answer about Polars series, as a Polars frame."""
    import polars as pl

    columns = {"sp": sp, "dp": dp, "pr": pr}
    frame = pl.DataFrame([s.alias(name) for name, s in columns.items() if s is not None])
    return pl.DataFrame(_core.classify_ports(frame, wanted, literal, form))


def _classify(frame, ports, wanted, literal):
    """The native frame with the columns added."""
    native = frame.to_native()
    internal = [COLUMNS[name] for name in wanted]
    if frame.implementation.is_polars():
        series = [_polars_ports(native[ports[k]]) for k in ("sp", "dp")]
        found = _answers(*series, native[ports["pr"]], internal, literal, "views")
        found.columns = wanted
        return native.with_columns(found.get_columns())
    if frame.implementation.is_pandas():
        series = [_pandas_ports(native[ports[k]], ports[k]) for k in ("sp", "dp")]
        protocol = _pandas_protocol(native[ports["pr"]])
        found = _answers(*series, protocol, internal, literal, "codes")
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


def _polars_ports(series):
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
    numbers = np.append([_number(text) for text in texts], _NO_PROTOCOL).astype(np.int16)
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


def _of_port(port, protocol, what, literal):
    """One answer about ports of any kind."""
    import polars as pl

    pd, is_polars = pandas(), isinstance(port, pl.Series)
    if polars() is not None and isinstance(port, pl.Expr):
        raise TypeError("port is a Polars expression; import linewatch.polars and use .lw on it")
    native = port.to_native() if is_narwhals(port) else port
    if is_narwhals(port):
        import narwhals.stable.v2 as nw

        inner = protocol.to_native() if is_narwhals(protocol) else protocol
        return nw.from_native(_of_port(native, inner, what, literal), series_only=True)
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
    found = _answers(None, ports, protocols, [what], literal, form)[what]
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
        number = _number(protocol) if isinstance(protocol, str) else int(protocol)
        return pl.Series(np.full(n, number, np.int64))
    if isinstance(protocol, pl.Series):
        return protocol
    if pd is not None and isinstance(protocol, pd.Series):
        return _pandas_protocol(protocol)
    array = np.asarray(protocol)
    if array.dtype.kind in "iu":
        return pl.Series(array)
    texts, codes = np.unique(array.astype(str), return_inverse=True)
    return pl.Series(np.array([_number(str(text)) for text in texts], dtype=np.int16)[codes])


# --- lazy frames --------------------------------------------------------------------------------


def _classify_lazily(native, ports, wanted, literal):
    """A Polars LazyFrame with the columns added: one call of the kernel for each batch."""
    import polars as pl

    internal = [COLUMNS[name] for name in wanted]

    def call(series):
        sp, dp, pr = series
        found = _answers(_polars_ports(sp), _polars_ports(dp), pr, internal, literal, "views")
        found.columns = wanted
        return found.to_struct("classified")

    fields = pl.map_batches(
        [pl.col(ports[k]) for k in ("sp", "dp", "pr")],
        call,
        return_dtype=pl.Struct({name: pl.String for name in wanted}),
        is_elementwise=True,
    )
    helper = "__linewatch_ports"
    native = native.with_columns(fields.alias(helper))
    added = [pl.col(helper).struct.field(name).alias(name) for name in wanted]
    return native.with_columns(added).drop(helper)


def _join(frame, ports, wanted, literal):
    """A frame of an engine that runs no functions of ours, joined with the registry twice."""
    import narwhals.stable.v2 as nw

    for key in ("sp", "dp"):
        side, table = ("source", "destination")[key == "dp"], _registry_like(frame, literal, key)
        frame = frame.with_columns(
            nw.col(ports[key]).cast(nw.Int64).alias(f"_{key}_port"),
            nw.col(ports["pr"]).cast(nw.String).str.strip_chars().str.to_uppercase().alias("_pr"),
        )
        frame = frame.join(
            table, how="left", left_on=[f"_{key}_port", "_pr"], right_on=[f"_{key}_p", f"_{key}_t"]
        )
        port = nw.col(f"_{key}_port")
        is_port = (port >= 0) & (port <= 65_535)
        transports = [*_TRANSPORTS, *map(str, _TRANSPORTS.values())]
        guessed = nw.when(port < 32_768).then(nw.lit(2))
        guessed = guessed.otherwise(nw.when(port < 49_152).then(nw.lit(1)).otherwise(nw.lit(0)))
        rank = nw.when(nw.col("_pr").is_in(transports)).then(
            nw.coalesce(nw.col(f"_{key}_rank"), guessed)
        )
        classes = nw.when(port < 49_152).then(nw.lit("user")).otherwise(nw.lit("dynamic"))
        classes = nw.when(port < 1_024).then(nw.lit("system")).otherwise(classes)
        frame = frame.with_columns(
            rank.otherwise(nw.lit(0)).alias(f"_{key}_rank"),
            nw.when(is_port).then(classes).alias(f"{side}_port_class"),
            nw.when(is_port).then(port).alias(f"_{key}_port"),
        ).rename({f"_{key}_service": f"{side}_service", f"_{key}_category": f"{side}_category"})
    source, destination = nw.col("_sp_rank"), nw.col("_dp_rank")
    is_source = (source > destination) | (
        (source == destination) & (nw.col("_dp_port") > nw.col("_sp_port"))
    )
    known = ~nw.col("_sp_port").is_null() & ~nw.col("_dp_port").is_null()
    known = known & ((source >= 2) | (destination >= 2))
    side = nw.when(is_source).then(nw.lit("source")).otherwise(nw.lit("destination"))
    frame = frame.with_columns(nw.when(known).then(side).alias("service_side"))
    is_source, is_known = nw.col("service_side") == "source", ~nw.col("service_side").is_null()
    for what in ("service", "category"):
        of_side = nw.when(is_source).then(nw.col(f"source_{what}"))
        of_side = of_side.otherwise(nw.col(f"destination_{what}"))
        frame = frame.with_columns(nw.when(is_known).then(of_side).alias(what))
    helpers = {"_pr", *(f"_{k}_{n}" for k in ("sp", "dp") for n in ("port", "rank", "p", "t"))}
    drop = [
        name
        for name in frame.collect_schema().names()
        if name in helpers or (name in COLUMNS and name not in wanted)
    ]
    frame = frame.drop(drop)
    order = [name for name in frame.collect_schema().names() if name not in wanted]
    return frame.select(*order, *wanted).to_native()


def _registry_like(frame, literal, key):
    """The registry on the engine of `frame`, with protocols by name and by number in text."""
    import narwhals.stable.v2 as nw
    import polars as pl

    table = pl.DataFrame(_core.port_table(literal))
    named = table.select(
        pl.col("port").cast(pl.Int64).alias(f"_{key}_p"),
        pl.col("protocol").alias(f"_{key}_t"),
        pl.col("service").alias(f"_{key}_service"),
        pl.col("category").alias(f"_{key}_category"),
        pl.col("rank").alias(f"_{key}_rank"),
    )
    numbers = named.with_columns(table["protocol_number"].cast(pl.String).alias(f"_{key}_t"))
    both = pl.concat([named, numbers])
    if frame.implementation.is_duckdb():
        import duckdb

        return nw.from_native(duckdb.from_arrow(both.to_arrow()))
    if frame.implementation.is_pyspark():
        native = frame.to_native()
        pandas_table = both.to_pandas().astype(object)
        pandas_table = pandas_table.where(pandas_table.notna(), None)
        schema = f"_{key}_p long, _{key}_t string, _{key}_service string, "
        schema += f"_{key}_category string, _{key}_rank int"
        return nw.from_native(native.sparkSession.createDataFrame(pandas_table, schema))
    raise TypeError(
        f"flows is a frame of {frame.implementation}; expected pandas, Polars, pyarrow, DuckDB or "
        "PySpark (join with flow.port_table() on other engines)"
    )
