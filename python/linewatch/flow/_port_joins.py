"""Services of ports on frames that hold no data yet: calls batch by batch, and joins."""

from linewatch import _core
from linewatch.flow._port_answers import COLUMNS, answers, polars_ports

_TRANSPORTS = {"TCP": 6, "UDP": 17, "SCTP": 132, "DCCP": 33}


def called(native, ports, wanted, literal):
    """A Polars LazyFrame with the columns added: one call of the kernel for each batch."""
    import polars as pl

    internal = [COLUMNS[name] for name in wanted]

    def call(series):
        sp, dp, pr = series
        found = answers(polars_ports(sp), polars_ports(dp), pr, internal, literal, "views")
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


def joined(frame, ports, wanted, literal):
    """A frame of an engine that runs no functions of ours, joined with the registry twice."""
    import narwhals.stable.v2 as nw

    own = frame.collect_schema().names()
    registry = _registry_like(frame, literal)
    transports = [*_TRANSPORTS, *map(str, _TRANSPORTS.values())]
    protocol = nw.col(ports["pr"]).cast(nw.String).str.strip_chars().str.to_uppercase()
    frame = frame.with_columns(protocol.alias(_name("protocol")))
    for end, key in (("source", "sp"), ("destination", "dp")):
        port, rank = nw.col(_name(end, "port")), nw.col(_name(end, "rank"))
        frame = frame.with_columns(nw.col(ports[key]).cast(nw.Int64).alias(_name(end, "port")))
        is_port = (port >= 0) & (port <= 65_535)
        frame = frame.with_columns(nw.when(is_port).then(port).alias(_name(end, "port")))
        frame = frame.join(
            registry.rename({name: _name(end, name) for name in _REGISTRY}),
            how="left",
            left_on=[_name(end, "port"), _name("protocol")],
            right_on=[_name(end, "number"), _name(end, "transport")],
        )
        # What no row of the registry ranks has the rank of its number.
        guessed = nw.when(port < 49_152).then(nw.lit(1)).otherwise(nw.lit(0))
        guessed = nw.when(port < 32_768).then(nw.lit(2)).otherwise(guessed)
        has_ports = nw.col(_name("protocol")).is_in(transports)
        classes = nw.when(port < 49_152).then(nw.lit("user")).otherwise(nw.lit("dynamic"))
        classes = nw.when(port < 1_024).then(nw.lit("system")).otherwise(classes)
        frame = frame.with_columns(
            nw.when(has_ports).then(nw.coalesce(rank, guessed)).otherwise(nw.lit(0))
            .alias(_name(end, "rank")),
            nw.when(~port.is_null()).then(classes).alias(_name(end, "port_class")),
        )  # fmt: skip
    source, destination = nw.col(_name("source", "rank")), nw.col(_name("destination", "rank"))
    first, second = nw.col(_name("source", "port")), nw.col(_name("destination", "port"))
    is_source = (source > destination) | ((source == destination) & (second > first))
    is_known = ~first.is_null() & ~second.is_null() & ((source >= 2) | (destination >= 2))
    side = nw.when(is_source).then(nw.lit("source")).otherwise(nw.lit("destination"))
    frame = frame.with_columns(nw.when(is_known).then(side).alias(_name("service_side")))
    side = nw.col(_name("service_side"))
    for what in ("service", "category"):
        of_side = nw.when(side == "source").then(nw.col(_name("source", what)))
        of_side = of_side.otherwise(nw.col(_name("destination", what)))
        frame = frame.with_columns(nw.when(~side.is_null()).then(of_side).alias(_name(what)))
    answers = [nw.col(_name(name)).alias(name) for name in wanted]
    return frame.select(*map(nw.col, own), *answers).to_native()


# Columns of the registry as it is joined.
_REGISTRY = ["number", "transport", "service", "category", "rank"]


def _name(*parts):
    """The name of a column that no table of flows has."""
    return "__".join(["linewatch", "_".join(parts)])


def _registry_like(frame, literal):
    """The registry on the engine of `frame`, with protocols by name and by number in text."""
    import narwhals.stable.v2 as nw
    import polars as pl

    table = pl.DataFrame(_core.port_table(literal))
    named = table.select(
        number=pl.col("port").cast(pl.Int64),
        transport="protocol",
        service="service",
        category="category",
        rank="rank",
    )
    numbered = named.with_columns(transport=table["protocol_number"].cast(pl.String))
    registry = pl.concat([named, numbered]).to_arrow()
    native = frame.to_native()
    if frame.implementation.is_duckdb():
        # DuckDB finds the variable by its name, on the connection of the flows.
        return nw.from_native(native.query("linewatch_registry", "select * from registry"))
    if frame.implementation.is_pyspark():
        try:
            return nw.from_native(native.sparkSession.createDataFrame(registry))
        except TypeError:
            # Spark 3 takes no Arrow table.
            rows = [tuple(row.values()) for row in registry.to_pylist()]
            types = "number long, transport string, service string, category string, rank int"
            return nw.from_native(native.sparkSession.createDataFrame(rows, types))
    raise TypeError(
        f"flows is a frame of {frame.implementation}; expected pandas, Polars, pyarrow, DuckDB or "
        "PySpark (join with flow.port_table() on other engines)"
    )
