"""Captures: equal to tshark field by field, in every container, whole or damaged."""

import gzip
import io
import os
import random
import struct
import subprocess
import sys
import warnings
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from linewatch import packets

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = [
    "time",
    "length",
    "captured_length",
    "source_address",
    "destination_address",
    "source_port",
    "destination_port",
    "protocol",
    "tcp_flags",
    "vlan",
    "ttl",
    "malformed",
]

FRAME = bytes.fromhex(
    "020000000001020000000002"  # Ethernet addresses
    "0800"
    "4500002c000040004006"  # IPv4, 44 bytes, TTL 64, TCP
    "0000c0000201c6336407"  # 192.0.2.1 to 198.51.100.7
    "04d201bb0000000000000000501200000000000001020304"  # 1234 to 443, SYN and ACK
)


def pcap(frames, *, link=1, order="<", magic=0xA1B2C3D4, lengths=None):
    """A capture of `frames`, a second apart."""
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for i, frame in enumerate(frames):
        length = lengths[i] if lengths else len(frame)
        out += struct.pack(order + "IIII", 1000 + i, 5, len(frame), length) + frame
    return out


def block(kind, body):
    body += bytes(-len(body) % 4)
    size = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + size + body + size


def pcapng(frames):
    out = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    out += block(1, struct.pack("<HHI", 1, 0, 65535))
    out += block(0x0BADCAFE, b"an unknown block")
    for i, frame in enumerate(frames):
        head = struct.pack("<IIIII", 0, 0, 1_000_000 * i, len(frame), len(frame))
        out += block(6, head + frame)
    return out


@pytest.fixture
def write(tmp_path):
    def write(data, name="capture.pcap"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def test_a_packet_has_the_columns_of_its_headers(write):
    table = packets.read_pcap(write(pcap([FRAME])))
    assert table.columns == COLUMNS
    row = table.row(0, named=True)
    assert row.pop("time").isoformat() == "1970-01-01T00:16:40.000005"
    assert row == {
        "length": 58,
        "captured_length": 58,
        "source_address": "192.0.2.1",
        "destination_address": "198.51.100.7",
        "source_port": 1234,
        "destination_port": 443,
        "protocol": 6,
        "tcp_flags": 0x12,
        "vlan": None,
        "ttl": 64,
        "malformed": False,
    }


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("magic", [0xA1B2C3D4, 0xA1B23C4D])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_byte_order_unit_and_compression_do_not_matter(write, order, magic, compress):
    table = packets.read_pcap(write(compress(pcap([FRAME], order=order, magic=magic))))
    unit = 1000 if magic == 0xA1B2C3D4 else 1
    assert table["time"].cast(pl.Int64).to_list() == [1000 * 10**9 + 5 * unit]
    assert table["source_address"].to_list() == ["192.0.2.1"]


# --- tshark ------------------------------------------------------------------------------------

CAPTURES = [
    "1kxun.pcap",
    "BGP_redist.pcap",
    "KakaoTalk_chat.pcap",
    "alexa-app.pcapng",
    "dlt_ppp.pcap",
    "dns_fragmented.pcap",
    "ftp.pcap",
    "raw.pcap",
    "rdp.pcap",
    "skype.pcap",
    "synscan.pcap",
]
EXTENSION_HEADERS = ("0", "43", "44", "60")
ICMP = ("1", "58")


def data_folder():
    folder = os.environ.get("LINEWATCH_DATA")
    if folder is None or not (Path(folder) / "pcap").is_dir():
        pytest.skip("the captures with tshark's answers are not in LINEWATCH_DATA")
    return Path(folder) / "pcap"


@pytest.mark.parametrize("name", CAPTURES)
def test_every_field_is_what_tshark_says(name):
    folder = data_folder()
    table = packets.read_pcap(folder / name)
    with gzip.open(folder / f"{name.partition('.')[0]}.tshark.csv.gz") as file:
        truth = pl.read_csv(file.read(), infer_schema=False)

    def either(*names):
        return truth.select(pl.coalesce(*names)).to_series()

    assert table["time"].cast(pl.Int64).to_list() == [
        int(Decimal(text) * 10**9) for text in truth["frame.time_epoch"]
    ]
    assert table["length"].cast(pl.String).to_list() == truth["frame.len"].to_list()
    for side, place in (("source", "src"), ("destination", "dst")):
        addresses = either(f"ip.{place}", f"ipv6.{place}")
        assert table[f"{side}_address"].to_list() == addresses.to_list()
    # Version 6 is that of the addresses with colons, 4 that of the others.
    versions = [None if a is None else "6" if ":" in a else "4" for a in table["source_address"]]
    assert versions == truth["ip.version"].to_list()
    flags = [int(text, 16) if text else None for text in truth["tcp.flags"]]
    assert table["tcp_flags"].to_list() == flags
    assert not table["malformed"].any()
    # tshark names the first header behind IPv6, which may be an extension header.
    protocol = table["protocol"].cast(pl.String)
    expected = either("ip.proto", "ipv6.nxt")
    plain = ~expected.is_in(EXTENSION_HEADERS).fill_null(False)
    assert protocol.filter(plain).to_list() == expected.filter(plain).to_list()
    # tshark puts fragments together and then shows the ports with the last one, and it shows those
    # of the packet that an ICMP error quotes. Here the first fragment has them, and ICMP has none.
    pairs = []
    for side, place in (("source", "src"), ("destination", "dst")):
        got = table[f"{side}_port"].cast(pl.String)
        want = either(f"tcp.{place}port", f"udp.{place}port")
        differ = (~got.eq_missing(want)).arg_true().to_list()
        quoted = [row for row in differ if protocol[row] in ICMP]
        assert [got[row] for row in quoted] == [None] * len(quoted)
        fragments = [row for row in differ if protocol[row] not in ICMP]
        assert bool(fragments) == (name == "dns_fragmented.pcap")
        first = [got[row] for row in fragments if got[row] is not None]
        last = [want[row] for row in fragments if want[row] is not None]
        pairs.append((first, last))
    assert all(sorted(first) == sorted(last) for first, last in pairs)


def test_dpkt_reads_a_written_capture_as_we_do(tmp_path):
    dpkt = pytest.importorskip("dpkt", reason="dpkt is not installed")
    path = tmp_path / "simulated.pcap"
    packets.write_pcap(packets.simulate(n_flows=60, duration="1min", seed=2), path)
    table = packets.read_pcap(path)
    with open(path, "rb") as file:
        for (_, data), row in zip(dpkt.pcap.Reader(file), table.iter_rows(named=True), strict=True):
            ip = dpkt.ethernet.Ethernet(data).data
            assert ".".join(map(str, ip.src)) == row["source_address"]
            assert (ip.p, ip.ttl) == (row["protocol"], row["ttl"])
            assert (ip.data.sport, ip.data.dport) == (row["source_port"], row["destination_port"])


# --- streams -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def simulated():
    return packets.simulate(n_flows=150, duration="1min", seed=3)


@pytest.fixture(scope="module")
def capture(simulated, tmp_path_factory):
    path = tmp_path_factory.mktemp("packets") / "simulated.pcap"
    packets.write_pcap(simulated, path)
    return path


def test_a_written_capture_reads_back_as_the_table(simulated, capture):
    read = packets.read_pcap(capture)
    assert read.equals(simulated.select(COLUMNS))


def test_a_snap_length_cuts_packets_but_not_what_they_say(simulated, tmp_path):
    path = tmp_path / "snapped.pcap"
    packets.write_pcap(simulated, path, snap_length=60)
    read = packets.read_pcap(path)
    assert read["captured_length"].max() == 60
    assert not read["malformed"].any()
    others = [name for name in COLUMNS if name != "captured_length"]
    assert read.select(others).equals(simulated.select(others))


def test_ipv6_vlan_and_frames_without_addresses_survive_a_round_trip(tmp_path):
    table = {
        "time": np.array(["2026-01-05", "2026-01-06"], dtype="datetime64[ns]"),
        "length": [90, 60],
        "source_address": ["2001:db8::1", None],
        "destination_address": ["2001:db8::2", None],
        "source_port": [9, None],
        "destination_port": [10, None],
        "protocol": [132, None],
        "vlan": [7, 9],
    }
    packets.write_pcap(table, tmp_path / "v6.pcap")
    read = packets.read_pcap(tmp_path / "v6.pcap")
    names = [name for name in table if name != "time"]
    assert read.select(names).to_dict(as_series=False) == {name: table[name] for name in names}
    assert read["ttl"].to_list() == [64, None]


def test_a_scan_can_be_read_again_and_again(simulated, capture):
    scan = packets.scan_pcap(capture, batch_rows=500)
    for _ in range(2):
        frames = list(scan)
        assert max(frame.height for frame in frames) == 500
        assert pl.concat(frames).equals(simulated.select(COLUMNS))
        assert pl.DataFrame(scan).equals(simulated.select(COLUMNS))
    assert repr(scan) == (f"<linewatch Capture of {capture}: iterate, or read as an Arrow stream>")


def test_duckdb_and_pyarrow_read_the_stream(simulated, capture):
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    reader = pa.RecordBatchReader.from_stream(packets.scan_pcap(capture))
    assert reader.schema.names == COLUMNS
    assert reader.read_all().num_rows == simulated.height
    assert packets.read_pcap(capture, backend="pyarrow").num_rows == simulated.height
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = packets.read_pcap(capture, backend="pandas")
    assert isinstance(frame, pandas.DataFrame) and len(frame) == simulated.height


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_standard_input_and_file_objects_are_read_as_they_come(simulated, capture, compress):
    data = compress(capture.read_bytes())
    assert packets.read_pcap(io.BytesIO(data)).equals(simulated.select(COLUMNS))
    code = (
        "import polars as pl; from linewatch import packets\n"
        "print(pl.concat(list(packets.scan_pcap('-')))['length'].sum())"
    )
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=data,
        capture_output=True,
        env=os.environ | {"PYTHONPATH": path},
        check=True,
    )
    assert int(done.stdout) == simulated["length"].sum()


def test_a_live_capture_gives_each_packet_as_it_arrives():
    """The first batch is there before the second packet is written."""
    head, second = pcap([FRAME]), pcap([FRAME])[24:]
    end_in, end_out = os.pipe()
    with open(end_in, "rb") as source, open(end_out, "wb", buffering=0) as sink:
        sink.write(head)
        batches = iter(packets.scan_pcap(source))
        assert next(batches).height == 1
        sink.write(second * 3)
        assert next(batches).height == 3
        sink.close()
        assert list(batches) == []


def test_progress_counts_packets(simulated, capture):
    told = []
    packets.read_pcap(capture, progress=told.append)
    assert sum(told) == simulated.height


# --- bad input ---------------------------------------------------------------------------------

EXPECTED = "path must be a capture in pcap or pcapng, plain or gzip, got "


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "nothing: it is empty"),
        (pcap([])[:20], "a pcap that ends within its header, after 20 bytes"),
        (pcapng([])[:9], "a pcapng that ends within its header, after 9 bytes"),
        (pcapng([])[:8] + b"\0" * 20, "a pcapng whose header has no byte order"),
        (b"time,length\n", "a file that begins with the bytes 74 69 6d 65 2c 6c 65 6e"),
        (b"PK\x03\x04", "zip data (decompress them first)"),
        (gzip.compress(b""), "gzip data that hold nothing"),
        (gzip.compress(b"hello"), "a file that begins with the bytes 68 65 6c 6c 6f"),
    ],
)
def test_what_is_no_capture_is_refused(write, data, found):
    path = write(data)
    for read in (packets.read_pcap, packets.scan_pcap):
        with pytest.raises(ValueError) as error:
            read(path)
        assert str(error.value) == f"{path}: {EXPECTED}{found}"


def test_a_folder_or_nothing_is_no_capture(tmp_path):
    with pytest.raises(IsADirectoryError) as error:
        packets.read_pcap(tmp_path)
    assert error.value.filename == str(tmp_path)
    with pytest.raises(FileNotFoundError) as error:
        packets.scan_pcap(tmp_path / "missing.pcap")
    assert error.value.filename == str(tmp_path / "missing.pcap")
    with pytest.raises(TypeError) as error:
        packets.read_pcap(7.5)
    assert str(error.value) == (
        'path is of type float; expected a path, "-" or a binary file object'
    )
    with pytest.raises(TypeError) as error:
        packets.read_pcap(io.StringIO("text"))
    assert str(error.value) == 'path must give bytes when it is read (open it in mode "rb")'


def test_a_header_alone_is_an_empty_table(write):
    for data in (pcap([]), pcapng([])):
        table = packets.read_pcap(write(data))
        assert table.columns == COLUMNS and table.height == 0
        assert packets.features(table).height == 0


def test_a_capture_that_breaks_off_warns_and_gives_the_packets_before(write):
    whole = pcap([FRAME, FRAME])
    path = write(whole[:-10])
    note = f"{path}: packet 2 at byte 98 is cut short: the capture ends within it"
    with pytest.warns(UserWarning, match="cut short") as caught:
        table = packets.read_pcap(path)
    assert [str(warning.message) for warning in caught] == [note]
    assert table.height == 1
    with pytest.warns(UserWarning, match="cut short") as caught:
        assert len(list(packets.scan_pcap(path))) == 1
    assert [str(warning.message) for warning in caught] == [note]
    with pytest.warns(UserWarning, match="cut short") as caught:
        assert pl.DataFrame(packets.scan_pcap(path)).height == 1
    assert [str(warning.message) for warning in caught] == [note]


def test_a_pcapng_with_unknown_blocks_gives_its_packets(write):
    """Blocks of other kinds before, between and behind the packets are passed over."""
    odd = block(0x0BADCAFE, bytes(range(200))) + block(0x40000BAD, b"")
    whole = pcapng([FRAME, FRAME[:40]])
    first = whole.index(FRAME) - 28
    second = first + 32 + len(FRAME) + 2
    data = whole[:first] + odd + whole[first:second] + odd + whole[second:] + odd
    table = packets.read_pcap(write(data))
    assert table["captured_length"].to_list() == [58, 40]
    assert table["time"].cast(pl.Int64).to_list() == [0, 10**9]
    # One that is longer than what is left ends the reading.
    path = write(whole + struct.pack("<II", 0x0BADCAFE, 4000) + b"cut" * 9)
    with pytest.warns(UserWarning, match="cut short") as caught:
        assert packets.read_pcap(path).height == 2
    at = len(whole)
    text = f"{path}: the block at byte {at} is cut short: the capture ends within it"
    assert [str(warning.message) for warning in caught] == [text]


def test_absurd_lengths_end_the_reading_with_a_warning(write):
    absurd = bytearray(pcap([FRAME, FRAME]))
    absurd[98 + 8 : 98 + 12] = b"\xff" * 4
    with pytest.warns(UserWarning, match="packet 2 at byte 98 claims 4294967295 captured bytes"):
        assert packets.read_pcap(write(bytes(absurd))).height == 1
    bad = bytearray(pcapng([FRAME]))
    bad[32:36] = struct.pack("<I", 7)
    with pytest.warns(UserWarning, match="packet 1 at byte 28 is in a block of 7 bytes"):
        assert packets.read_pcap(write(bytes(bad))).height == 0


def test_gzip_data_cut_short_give_what_could_be_unpacked(write):
    frames = [random.Random(i).randbytes(1000) for i in range(500)]
    data = gzip.compress(pcap(frames, link=147))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = packets.read_pcap(write(data[: len(data) // 2]))
    texts = [str(warning.message).partition(": ")[2] for warning in caught]
    assert 0 < table.height < 500
    assert texts[0] == ("link type 147 is not taken apart: its packets have times and lengths only")
    assert texts[1].startswith("the gzip data are damaged or cut short after ")
    assert texts[2].endswith("is cut short: the capture ends within it")


def test_empty_and_short_packets_are_flagged_and_the_next_one_read(write):
    frames = [b"", FRAME[:20], FRAME]
    table = packets.read_pcap(write(pcap(frames)))
    assert table["malformed"].to_list() == [True, True, False]
    assert table["source_address"].to_list() == [None, None, "192.0.2.1"]
    cut = packets.read_pcap(write(pcap(frames, lengths=[58, 58, 58])))
    assert cut["malformed"].to_list() == [False, False, False]
    assert cut["captured_length"].to_list() == [0, 20, 58]


def test_mutated_captures_never_panic():
    """Bytes of small captures changed at random: a table, a warning or a ValueError."""
    draw = random.Random(7)
    seeds = [pcap([FRAME] * 3), pcapng([FRAME] * 3), gzip.compress(pcapng([FRAME] * 3))]
    read = refused = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for round_ in range(3_000):
            data = bytearray(seeds[round_ % 3])
            for _ in range(draw.randint(1, 6)):
                data[draw.randrange(len(data))] = draw.choice([0, 255, draw.randrange(256)])
            if draw.random() < 0.3:
                del data[draw.randrange(len(data)) :]
            try:
                table = packets.read_pcap(io.BytesIO(bytes(data)))
            except ValueError as error:
                refused += EXPECTED in str(error)
            else:
                read += table.columns == COLUMNS
    assert refused + read == 3_000 and read > 1_000


def test_arguments_out_of_range_are_named(capture):
    for call, text in [
        (lambda: packets.scan_pcap(capture, batch_rows=0),
         "batch_rows must be from 1 to 16,777,216, got 0"),
        (lambda: packets.read_pcap(capture, backend="dask"),
         'backend must be "polars", "pandas" or "pyarrow", got \'dask\''),
    ]:  # fmt: skip
        with pytest.raises(ValueError) as error:
            call()
        assert str(error.value) == text
    scan = packets.scan_pcap(io.BytesIO(capture.read_bytes()))
    assert len(list(scan)) > 0
    with pytest.raises(ValueError) as error:
        list(scan)
    assert str(error.value) == "standard input and file objects are read once; they are used up"
    with pytest.raises(ValueError) as error:
        scan.__arrow_c_stream__()
    assert str(error.value) == "a file object is not an Arrow stream here; iterate over it"


def test_a_table_that_makes_no_capture_is_refused_and_nothing_is_written(tmp_path):
    path = tmp_path / "never.pcap"
    good = {
        "time": [5],
        "length": [60],
        "source_address": ["192.0.2.1"],
        "destination_address": ["192.0.2.2"],
    }
    for change, text in [
        ({"time": [-1]}, 'column "time" must lie in the years 1970 to 2106, not so in row 0'),
        ({"length": [None]}, 'column "length" is missing in row 0; every packet needs one'),
        (
            {"source_address": ["192.0.2"]},
            'column "source_address" must hold IPv4 or IPv6 addresses, got "192.0.2" in row 0',
        ),
        (
            {"source_port": [-1]},
            'column "source_port" must be from 0 to 2**32 - 2, got -1 in row 0',
        ),
    ]:
        with pytest.raises(ValueError) as error:
            packets.write_pcap(good | change, path)
        assert str(error.value) == text
        assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError) as error:
        packets.write_pcap({"time": [1]}, path)
    assert str(error.value).startswith('column "length" is missing; the table has "time"')
