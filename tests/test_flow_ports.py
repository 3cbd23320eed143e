"""Services, categories and classes of ports; the side of a flow that serves."""

import csv
import gzip
import io
import os
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from linewatch import flow

COLUMNS = [
    "source_service",
    "destination_service",
    "source_category",
    "destination_category",
    "source_port_class",
    "destination_port_class",
    "service_side",
    "service",
    "category",
]
TRANSPORTS = {"tcp": 6, "udp": 17, "sctp": 132, "dccp": 33}


@pytest.fixture(scope="module")
def registry():
    """Rows of the registry as IANA publishes it."""
    folder = os.environ.get("LINEWATCH_DATA")
    path = Path(folder or "") / "iana_service_names.csv.gz"
    if not folder or not path.exists():
        pytest.skip("set LINEWATCH_DATA to the folder with iana_service_names.csv.gz")
    return list(csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode())))


def by_hand(registry, literal):
    """The first row that has the port, row by row."""
    found = {}
    for row in registry:
        port, transport = row["Port Number"], row["Transport Protocol"]
        first, _, last = port.partition("-")
        if not port or (last and literal):
            continue
        for number in range(int(first), int(last or first) + 1):
            found.setdefault((number, transport), row["Service Name"] or None)
    return found


def flows_of(n, rng):
    known = [22, 25, 53, 80, 443, 2123, 2152, 5060, 6001, 8805, 36412, 38412, 51820, 65535]
    ports = lambda: np.where(rng.random(n) < 0.5, rng.choice(known, n), rng.integers(0, 65_536, n))
    names = ["TCP", "udp", "SCTP", "DCCP", "ICMP", "17", "132", "ICMP6", "47"]
    return pl.DataFrame(
        {
            "flow": np.arange(n),
            "sp": ports(),
            "dp": ports(),
            "pr": rng.choice(names, n, p=[0.5, 0.2, 0.1, 0.02, 0.05, 0.05, 0.03, 0.03, 0.02]),
        }
    )


# --- the registry ------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["full", "literal"])
def test_every_port_has_the_name_of_its_first_row(registry, mode):
    expected = by_hand(registry, mode == "literal")
    for transport in TRANSPORTS:
        found = flow.port_service(np.arange(65_536), transport, registry=mode)
        assert found.tolist() == [expected.get((p, transport)) for p in range(65_536)], transport


def test_the_registry_is_that_of_the_file(registry):
    dates = [row[name] for row in registry for name in ("Registration Date", "Modification Date")]
    assert flow.registry_date() == max(dates)


def test_a_range_names_its_ports_in_full_only():
    assert flow.port_service([6000, 6001, 6063], "TCP").tolist() == ["x11"] * 3
    assert flow.port_service([6000, 6001, 6063], "TCP", registry="literal").tolist() == [None] * 3


@pytest.mark.parametrize(
    ("port", "protocol", "service", "category"),
    [
        (2123, "UDP", "gtp-control", "mobile core"),
        (2152, "UDP", "gtp-user", "mobile core"),
        (8805, "UDP", "pfcp", "mobile core"),
        (36412, "SCTP", "s1-control", "mobile core"),
        (38412, "SCTP", "ng-control", "mobile core"),
        (3868, "TCP", "diameter", "signalling"),
        (2905, "SCTP", "m3ua", "signalling"),
        (5060, "UDP", "sip", "signalling"),
        (443, "UDP", "https", "web"),
        (25, "TCP", "smtp", "mail"),
        (53, "UDP", "domain", "name service"),
        (1935, "TCP", "macromedia-fcs", "streaming"),
        (5432, "TCP", "postgresql", "database"),
        (3389, "TCP", "ms-wbt-server", "remote access"),
        (51820, "UDP", None, "VPN"),
        (443, "ICMP", None, None),
        (4, "TCP", None, None),
    ],
)
def test_well_known_ports(port, protocol, service, category):
    assert flow.port_service([port], protocol)[0] == service
    assert flow.port_category([port], protocol)[0] == category


def test_protocols_by_number_and_by_keyword():
    names = ["TCP", "icmp6", "IPv6-ICMP", " 132 ", "IPIP", "nonsense"]
    assert flow.protocol_number(names).tolist() == [6, 58, 58, 132, 4, -1]
    for number in range(256):
        keyword = flow.protocol_keyword(number)
        # IP within IP (94) is called as nfdump calls 4.
        if keyword is not None and keyword != "IPIP":
            assert flow.protocol_number(keyword) in (number, 84), keyword
    with pytest.raises(ValueError, match="number must be from 0 to 255, got 256"):
        flow.protocol_keyword(256)


# --- flows -------------------------------------------------------------------------------------


def test_the_side_that_serves():
    cases = [
        # A web server answers a client, and a client asks it.
        (443, 50_000, "TCP", "source", "https"),
        (50_000, 443, "TCP", "destination", "https"),
        # A registered system port ranks above a registered port beyond.
        (7, 5000, "TCP", "source", "echo"),
        # Two ports of the same rank: the lower one; the same port: the destination.
        (443, 80, "TCP", "destination", "http"),
        (2152, 2152, "UDP", "destination", "gtp-user"),
        # A port that nobody registered, and one that Linux hands to clients.
        (40_000, 1500, "TCP", "destination", "vlsi-lm"),
        # Both are ports of clients.
        (50_000, 60_000, "TCP", None, None),
        # No ports.
        (0, 771, "ICMP", None, None),
    ]
    frame = pl.DataFrame([case[:3] for case in cases], schema=["sp", "dp", "pr"], orient="row")
    found = flow.classify_ports(frame)
    assert found["service_side"].to_list() == [case[3] for case in cases]
    assert found["service"].to_list() == [case[4] for case in cases]


def engines():
    yield "polars", lambda frame: frame
    yield "polars, categorical", lambda f: f.with_columns(pl.col("pr").cast(pl.Categorical))
    yield "polars, small ports", lambda f: f.with_columns(pl.col("sp", "dp").cast(pl.UInt16))
    yield "polars lazy", lambda frame: frame.lazy()
    yield "pandas", lambda frame: frame.to_pandas()
    yield "pandas, plain text", lambda f: pd.DataFrame(f.to_dict(as_series=False))
    yield "pandas, categorical", lambda f: f.to_pandas().astype({"pr": "category"})
    yield "pandas, with gaps", lambda f: f.to_pandas().astype({"sp": float, "dp": "Int64"})
    yield "pyarrow", lambda frame: frame.to_arrow()
    yield "duckdb", to_duckdb


def to_duckdb(frame):
    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect()
    connection.register("flows", frame.to_arrow())
    return connection.table("flows")


def collected(frame):
    """Rows of any engine in Polars, in the order of the flows, with text as text."""
    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect(engine="streaming")
    elif isinstance(frame, pd.DataFrame):
        texts = frame[COLUMNS].astype(object)
        texts = texts.where(texts.notna(), None)
        data = {name: pl.Series(texts[name].tolist(), dtype=pl.String) for name in COLUMNS}
        frame = pl.DataFrame({"flow": frame["flow"].to_numpy(), **data})
    elif not isinstance(frame, pl.DataFrame):
        frame = pl.DataFrame(frame.to_arrow_table() if hasattr(frame, "to_arrow_table") else frame)
    return frame.sort("flow").select(pl.col(COLUMNS).cast(pl.String))


@pytest.mark.parametrize(("name", "convert"), list(engines()), ids=[name for name, _ in engines()])
@pytest.mark.parametrize("mode", ["full", "literal"])
def test_every_engine_gives_the_same(name, convert, mode, rng):
    frame = flows_of(3000, rng)
    expected = flow.classify_ports(frame, COLUMNS, registry=mode)
    found = flow.classify_ports(convert(frame), COLUMNS, registry=mode)
    assert collected(found).equals(expected.select(COLUMNS)), name


def test_relations_of_several_own_connections_are_joined_each_on_its_own(rng):
    duckdb = pytest.importorskip("duckdb")
    connections = [duckdb.connect(), duckdb.connect()]
    for connection in connections:
        frame = flows_of(300, rng)
        expected = flow.classify_ports(frame, COLUMNS).select(COLUMNS)
        for relation in (
            connection.from_arrow(frame.to_arrow()),
            connection.from_arrow(frame.to_arrow()).filter("dp is null or dp is not null"),
        ):
            assert collected(flow.classify_ports(relation, COLUMNS)).equals(expected)


@pytest.mark.parametrize("convert", [lambda frame: frame.lazy(), to_duckdb])
def test_columns_that_are_there_already_stay(convert, rng):
    frame = flows_of(50, rng).with_columns(source_service=pl.lit("mine"))
    found = flow.classify_ports(convert(frame), ["category"])
    found = found.collect() if isinstance(found, pl.LazyFrame) else found.pl()
    assert found.columns == [*frame.columns, "category"]
    assert found["source_service"].to_list() == ["mine"] * 50


def test_columns_agree_with_the_functions_of_one_port(rng):
    frame = flows_of(500, rng)
    found = flow.classify_ports(frame, COLUMNS)
    for end, port in (("source", "sp"), ("destination", "dp")):
        ports, protocols = frame[port], frame["pr"]
        assert found[f"{end}_service"].equals(flow.port_service(ports, protocols))
        assert found[f"{end}_category"].equals(flow.port_category(ports, protocols))
        assert found[f"{end}_port_class"].equals(flow.port_class(ports))
        arrays = flow.port_service(ports.to_numpy(), protocols.to_numpy())
        assert arrays.tolist() == found[f"{end}_service"].to_list()


def test_a_join_with_the_table_gives_the_same(rng):
    frame = flows_of(2000, rng).filter(pl.col("pr").is_in(["TCP", "SCTP", "DCCP"]))
    table = flow.port_table()
    joined = frame.join(
        table,
        how="left",
        left_on=["dp", "pr"],
        right_on=["port", "protocol"],
        maintain_order="left",
    )
    found = flow.classify_ports(frame, ["destination_service", "destination_category"])
    assert joined["service"].equals(found["destination_service"].alias("service"))
    assert joined["category"].equals(found["destination_category"].alias("category"))


def test_missing_and_impossible_ports_have_no_answer():
    frame = pl.DataFrame({"sp": [None, -1, 65_536, 443], "dp": [80, 80, 80, None], "pr": "TCP"})
    found = flow.classify_ports(frame, COLUMNS)
    assert found["source_service"].to_list() == [None, None, None, "https"]
    assert found["source_port_class"].to_list() == [None, None, None, "system"]
    assert found["service_side"].to_list() == [None] * 4
    assert found["service"].to_list() == [None] * 4
    pandas_found = flow.classify_ports(frame.to_pandas(), COLUMNS)
    assert pandas_found["source_service"].isna().tolist() == [True, True, True, False]


def test_kinds_and_names_stay():
    series = pd.Series([443, 53], index=[7, 8], name="dp")
    found = flow.port_service(series, pd.Series(["TCP", "UDP"]))
    assert (found.index.tolist(), found.name, found.tolist()) == ([7, 8], "dp", ["https", "domain"])
    assert flow.port_service(pl.Series("x", [443]), "TCP").name == "x"
    assert flow.port_service([], "TCP").tolist() == []
    assert flow.port_service([443, None], [6, 6]).tolist() == ["https", None]


def test_columns_may_have_other_names():
    frame = pl.DataFrame({"srcPort": [5], "dstPort": [443], "proto": [6]})
    names = {"sp": "srcPort", "dp": "dstPort", "pr": "proto"}
    assert flow.classify_ports(frame, "service", names=names)["service"].to_list() == ["https"]


def test_an_empty_table_keeps_its_columns():
    frame = pl.DataFrame(
        {"sp": [], "dp": [], "pr": []}, schema={"sp": pl.Int32, "dp": pl.Int32, "pr": pl.String}
    )
    assert flow.classify_ports(frame).schema["service"] == pl.String


def test_what_cannot_be_classified_is_refused():
    frame = pl.DataFrame({"sp": [1], "dp": [2], "pr": ["TCP"], "service": ["x"]})
    cases = [
        (
            ValueError,
            {"columns": ["nonsense"]},
            f"columns has 'nonsense'; known are {', '.join(COLUMNS)}",
        ),
        (ValueError, {"columns": []}, "columns names none; leave it out for the usual ones"),
        (ValueError, {"registry": "new"}, 'registry must be "full" or "literal", got \'new\''),
        (ValueError, {"names": {"x": "y"}}, "names has 'x'; known are sp, dp, pr"),
        (
            ValueError,
            {"names": {"pr": "proto"}},
            'column "proto" is missing; the table has "sp", "dp", "pr", "service" (say what it is '
            'called with names={"pr": ...})',
        ),
        (ValueError, {}, 'flows has a column "service" already (drop or rename it first)'),
        (
            TypeError,
            {"names": {"dp": "pr"}},
            'column "pr" has dtype String; expected whole numbers',
        ),
    ]
    for kind, arguments, message in cases:
        with pytest.raises(kind) as error:
            flow.classify_ports(frame, **arguments)
        assert str(error.value) == message
    with pytest.raises(TypeError, match="flows has type list; expected a frame of pandas"):
        flow.classify_ports([1, 2])
    with pytest.raises(ValueError, match="protocol has 1 values, expected 2"):
        flow.port_service([1, 2], ["TCP"])
    with pytest.raises(TypeError, match="port has dtype String; expected whole numbers"):
        flow.port_service(["https"], "TCP")


# --- expressions -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def expressions():
    from linewatch.interop import _polars_plugin, polars  # noqa: F401, registers pl.Expr.lw

    try:
        _polars_plugin.library()
    except ImportError:
        pytest.skip("built without the Polars expressions")


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_expressions_give_the_same(expressions, engine, rng):
    frame = flows_of(5000, rng)
    expected = flow.classify_ports(frame, COLUMNS)
    for pr in (pl.col("pr"), pl.col("pr").cast(pl.Categorical)):
        lazy = frame.lazy().select(
            pl.col("dp").lw.port_service(pr).alias("destination_service"),
            pl.col("dp").lw.port_category(pr).alias("destination_category"),
            pl.col("sp").lw.port_service(pr).alias("source_service"),
            pl.col("sp").lw.port_class().alias("source_port_class"),
        )
        found = lazy.collect(engine=engine)
        assert found.equals(expected.select(found.columns))


def test_expressions_take_one_protocol_for_all(expressions):
    frame = pl.DataFrame({"dp": [443, None, 70_000, 6001], "n": 6})
    found = frame.select(
        name=pl.col("dp").lw.port_service(pl.lit("TCP")),
        literal=pl.col("dp").lw.port_service(pl.col("n"), registry="literal"),
    )
    assert found["name"].to_list() == ["https", None, None, "x11"]
    assert found["literal"].to_list() == ["https", None, None, None]
