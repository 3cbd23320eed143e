"""Reading what nfdump prints."""

import gzip
import io
import os
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linewatch import flow

WIDE = (
    "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out,sas,das,smk,dmk,dtos,dir,nh,"
    "nhb,svln,dvln,ismc,odmc,idmc,osmc,mpls1,mpls2,mpls3,mpls4,mpls5,mpls6,mpls7,mpls8,mpls9,"
    "mpls10,cl,sl,al,ra,eng,exid,tr"
)
TRAILER = "Summary\nflows,bytes,packets,avg_bps,avg_pps,avg_bpp\n2,300,4,5,6,7\n"
NARROW = "firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes,flows"
FAST = (
    "cnt,af,firstSeen,lastSeen,proto,srcAddr,srcPort,dstAddr,dstPort,srcAS,dstAS,input,output,"
    "flags,srcTos,packets,bytes"
)


def wide(**changes):
    """A line of the layout with 48 columns."""
    fields = dict.fromkeys(WIDE.split(","), "0")
    fields.update(
        ts="2026-01-31 12:00:00",
        te="2026-01-31 12:00:02",
        td="1.750",
        sa="192.0.2.1",
        da="2001:db8::9",
        sp="50000",
        dp="443",
        pr="TCP",
        flg="...AP.SF",
        ipkt="10",
        ibyt="4200",
        nh="0.0.0.0",
        nhb="0.0.0.0",
        ismc="18:5e:0f:52:e8:01",
        cl="    0.125",
        ra="10.0.0.1",
        eng="17/1",
        tr="2026-01-31 12:05:00.511",
        **{f"mpls{i}": "0-0-0" for i in range(1, 11)},
    )
    fields.update(changes)
    return ",".join(fields.values())


@pytest.fixture
def write(tmp_path):
    def write(text, name="flows.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


# --- layouts -----------------------------------------------------------------------------------


def test_a_flow_of_48_columns(write):
    path = write(f"{WIDE}\n{wide()}\n{TRAILER}")
    table = flow.read_nfdump(path)
    assert table.columns == WIDE.split(",")
    row = table.row(0, named=True)
    assert str(row["ts"]) == "2026-01-31 12:00:00"
    assert str(row["tr"]) == "2026-01-31 12:05:00.511000"
    assert (row["td"], row["cl"]) == (1.75, 0.125)
    assert (row["sa"], row["da"], row["sp"], row["dp"]) == (
        "192.0.2.1",
        "2001:db8::9",
        50000,
        443,
    )
    assert (row["pr"], row["flg"], row["ismc"]) == ("TCP", "...AP.SF", "18:5e:0f:52:e8:01")
    assert table.height == 1
    assert table.schema["ts"] == pl.Datetime("us")
    assert table.schema["ibyt"] == pl.Int64
    assert table.schema["dp"] == pl.Int32
    assert isinstance(table.schema["pr"], pl.Categorical)
    assert table.schema["sa"] == pl.String


@pytest.mark.parametrize("header", [WIDE + "\n", "\ufeff" + WIDE + "\r\n", ""])
@pytest.mark.parametrize("trailer", [TRAILER, ""])
def test_header_and_trailer_may_be_missing(write, header, trailer):
    lines = [wide(dp=str(port)) for port in range(5)]
    end = "\r\n" if "\r" in header else "\n"
    table = flow.read_nfdump(write(header + end.join(lines) + end + trailer))
    assert table["dp"].to_list() == [0, 1, 2, 3, 4]
    assert table["tr"].null_count() == 0


def test_the_layout_of_10_columns(write):
    path = write(
        f"{NARROW}\n2026-01-31 12:00:00.250,00:01:30.500,ICMP,10.0.0.1,0,10.0.0.2,8.0,1,84,1\n"
    )
    table = flow.read_nfdump(path)
    assert table.columns == ["ts", "td", "pr", "sa", "sp", "da", "dp", "ipkt", "ibyt", "fl"]
    row = table.row(0, named=True)
    assert row["td"] == 90.5
    assert row["dp"] == 2048
    assert row["ts"].microsecond == 250_000


def test_csv_fast_counts_milliseconds(write):
    path = write(
        f"{FAST}\n1,10,1470104408000,1470104408511,UDP,fe80::1,5,ff02::1:3,53,0,0,0,0,........,0,2,156\n"
    )
    row = flow.read_nfdump(path).row(0, named=True)
    assert str(row["ts"]) == "2016-08-02 02:20:08"
    assert str(row["te"]) == "2016-08-02 02:20:08.511000"
    assert (row["af"], row["ipkt"], row["ibyt"]) == (10, 2, 156)


def test_columns_of_ones_own_with_long_names(write):
    path = write(
        "srcAddr,inSrcMac,inBytes,outBytes,packets,inPackets,nbarName,sniName\n10.0.0.1,0a:00:00:00:00:01,5,6,7,7,https,example.org\n"
    )
    table = flow.read_nfdump(path)
    assert table.columns == ["sa", "ismc", "ibyt", "obyt", "packets", "ipkt", "nbarName", "sniName"]
    assert flow.read_nfdump(path, columns=["obyt", "srcAddr"]).rows() == [(6, "10.0.0.1")]


def test_a_column_that_the_layout_lacks_is_named(write):
    path = write(f"{NARROW}\n")
    with pytest.raises(ValueError) as error:
        flow.read_nfdump(path, columns=["sa", "obyt"])
    assert str(error.value) == (
        f"{path} has no column obyt; it has ts, td, pr, sa, sp, da, dp, ipkt, ibyt, fl"
    )


# --- files -------------------------------------------------------------------------------------


def test_several_files_compressed_or_not(write, tmp_path):
    import pyarrow

    texts = [f"{WIDE}\n{wide(dp=str(i))}\n" for i in range(3)]
    write(texts[0], "a.csv")
    write(gzip.compress(texts[1].encode()), "b.csv")
    write(pyarrow.Codec("zstd").compress(texts[2].encode(), asbytes=True), "c.csv")
    pattern = str(tmp_path / "*.csv")
    assert flow.read_nfdump(pattern)["dp"].to_list() == [0, 1, 2]
    paths = [tmp_path / name for name in ("c.csv", "a.csv")]
    assert flow.read_nfdump(paths, ["dp"])["dp"].to_list() == [2, 0]


def test_files_of_different_layouts_share_named_columns(write):
    first = write(f"{WIDE}\n{wide()}\n", "a.csv")
    second = write(f"{NARROW}\n2026-01-31 12:00:01,0,UDP,10.0.0.1,1,10.0.0.2,53,1,84,1\n", "b.csv")
    table = flow.read_nfdump([first, second], columns=["ts", "sa", "pr", "ibyt"])
    assert table["ibyt"].to_list() == [4200, 84]
    assert table["pr"].to_list() == ["TCP", "UDP"]
    with pytest.raises(ValueError, match=r"a\.csv has other columns .* name the columns"):
        flow.read_nfdump([second, first])


def test_files_put_one_after_another(write):
    one = f"{WIDE}\n{wide()}\n{TRAILER}"
    path = write(one + one)
    assert flow.read_nfdump(path).height == 2


def test_only_header_and_trailer_is_a_table_of_no_flows(write):
    table = flow.read_nfdump(write(f"{WIDE}\n{TRAILER}"))
    assert table.height == 0
    assert table.columns == WIDE.split(",")
    assert table.schema["ts"] == pl.Datetime("us")


@pytest.mark.parametrize("addresses", ["text", "category", "integer", "bytes"])
def test_addresses_as_they_are_wanted(write, addresses):
    path = write(f"{WIDE}\n{wide()}\n{wide(sa='10.0.0.255')}\n")
    column = flow.read_nfdump(path, columns=["sa"], addresses=addresses)["sa"]
    texts = ["192.0.2.1", "10.0.0.255"]
    if addresses in ("text", "category"):
        assert column.to_list() == texts
    else:
        assert flow.address_text(column).to_list() == texts
    if addresses == "integer":
        assert column.to_list() == [0xC0000201, 0x0A0000FF]


def test_ipv6_addresses_as_bytes(write):
    path = write(f"{WIDE}\n{wide()}\n")
    column = flow.read_nfdump(path, ["da"], addresses="bytes")["da"]
    assert flow.address_text(column).to_list() == ["2001:db8::9"]
    with pytest.raises(ValueError) as error:
        flow.read_nfdump(path, ["da"], addresses="integer")
    assert str(error.value) == (
        f'{path}, line 2: da must be an IPv4 address for addresses="integer" (read it with '
        'addresses="bytes"), got "2001:db8::9" (on_bad_row="skip" leaves such rows out)'
    )


def test_scope_ids_stay_in_text_and_are_refused_as_bytes(write):
    path = write("srcAddr,bytes\nfe80::1%eth0,5\n")
    assert flow.read_nfdump(path)["sa"].to_list() == ["fe80::1%eth0"]
    with pytest.raises(ValueError, match="sa \\(srcAddr\\) must be an address without a zone"):
        flow.read_nfdump(path, addresses="bytes")


def test_missing_fields_and_times_of_zeros_are_null(write):
    line = wide(ts="0000-00-00 00:00:00", sa="", pr="", obyt="", tr="")
    table = flow.read_nfdump(write(f"{WIDE}\n{wide()}\n{line}\n"))
    row = table.row(1, named=True)
    assert all(row[name] is None for name in ("ts", "sa", "pr", "obyt", "tr"))
    assert row["ibyt"] == 4200


def test_pandas_and_pyarrow_frames(write):
    path = write(f"{WIDE}\n{wide()}\n")
    table = flow.read_nfdump(path, backend="pandas")
    assert table["pr"].astype(str).tolist() == ["TCP"]
    assert table["ts"].dtype.kind == "M"
    assert flow.read_nfdump(path, backend="pyarrow").column("dp").to_pylist() == [443]


# --- streams -----------------------------------------------------------------------------------


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_stream_has_the_same_flows_each_time(write, n_jobs):
    import pyarrow

    lines = [wide(dp=str(i % 65536), sa=f"10.0.{i // 250}.{i % 250}") for i in range(3000)]
    path = write("\n".join([WIDE, *lines]) + "\n")
    whole = flow.read_nfdump(path, n_jobs=n_jobs)
    assert whole["dp"].to_list() == list(range(3000))
    flows = flow.scan_nfdump(path, batch_rows=700, n_jobs=n_jobs)
    for _ in range(2):
        frames = list(flows)
        assert max(frame.height for frame in frames) <= 700
        assert pl.concat(frames).equals(whole)
    streamed = pl.DataFrame(pyarrow.RecordBatchReader.from_stream(flows).read_all())
    assert streamed["sa"].to_list() == whole["sa"].to_list()
    assert streamed["pr"].to_list() == whole["pr"].to_list()


def test_two_threads_read_as_one_does(tmp_path):
    path = tmp_path / "flows.csv"
    lines = [
        wide(dp=str(i % 65_536), sa=f"10.{i // 65_536}.{i // 256 % 256}.{i % 256}")
        for i in range(256)
    ]
    # Three shares of 8 MiB, and a row that is too short near the end.
    block = "\n".join(lines) + "\n"
    path.write_text(f"{WIDE}\n{block * 300}half a line\n{block}{TRAILER}")
    found, bad = {}, {}
    for n_jobs in (1, 2):
        bad[n_jobs] = []
        found[n_jobs] = flow.read_nfdump(
            path, ["sa", "dp", "pr"], on_bad_row=bad[n_jobs], n_jobs=n_jobs
        )
    assert found[1].height == 301 * 256
    assert found[1].equals(found[2])
    assert bad[1] == bad[2] == [(str(path), 2 + 300 * 256, "has 1 field, expected 48")]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_progress_counts_the_flows(write, n_jobs):
    path = write("\n".join([WIDE, *[wide()] * 500]) + "\n")
    told = []
    flow.read_nfdump(path, ["dp"], progress=told.append, n_jobs=n_jobs)
    assert sum(told) == 500
    with pytest.raises(ValueError, match="n_jobs must be a number of threads"):
        flow.read_nfdump(path, n_jobs=0)


def test_an_exception_in_progress_ends_the_reading(write):
    def stop(_):
        raise KeyboardInterrupt

    path = write("\n".join([WIDE, *[wide()] * 500]) + "\n")
    with pytest.raises(KeyboardInterrupt):
        flow.read_nfdump(path, ["dp"], progress=stop)


def test_duckdb_reads_a_stream(write):
    duckdb = pytest.importorskip("duckdb")
    import pyarrow

    flows = flow.scan_nfdump(write(f"{WIDE}\n{wide()}\n{wide()}\n"))
    stream = pyarrow.RecordBatchReader.from_stream(flows)  # noqa: F841, the query reads it by its name
    assert duckdb.sql("select pr, sum(ibyt) from stream group by pr").fetchall() == [("TCP", 8400)]


# --- faults ------------------------------------------------------------------------------------

BAD_ROWS = [
    (wide(dp="https"), 'dp must be a port from 0 to 65535, got "https"'),
    (wide(dp="65536"), 'dp must be a port from 0 to 65535, got "65536"'),
    (wide(ibyt="-5"), 'ibyt must not be negative, got "-5"'),
    (wide(ibyt="1.5"), 'ibyt must be a whole number below 2**63, got "1.5"'),
    (wide(td="-0.001"), 'td must not be negative, got "-0.001"'),
    (wide(td="fast"), 'td must be a number of seconds, got "fast"'),
    (wide(sa="192.0.2.256"), 'sa must be an IPv4 or IPv6 address, got "192.0.2.256"'),
    (wide(sa="gateway"), 'sa must be an IPv4 or IPv6 address, got "gateway"'),
    (
        wide(ts="31.01.2026 12:00:00"),
        "ts must be a time such as 2026-01-31 12:00:00 or milliseconds since 1970, got "
        '"31.01.2026 12:00:00"',
    ),
    (
        wide(te="2026-01-31 11:59:59"),
        'te "2026-01-31 11:59:59" is before ts "2026-01-31 12:00:00"',
    ),
    (wide(pr='"TCP"'), "has quotes, which nfdump does not write (remove them)"),
    (wide() + ",0", "has 49 fields, expected 48"),
    (wide()[:60], "has 5 fields, expected 48"),
    ("half", "has 1 field, expected 48"),
    ("1,2,3,4,5,6", "has 6 fields, expected 48"),
]


@pytest.mark.parametrize(("line", "reason"), BAD_ROWS)
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_bad_row_is_named_with_file_and_line(write, line, reason, n_jobs):
    path = write(f"{WIDE}\n{wide()}\n{line}\n{wide()}\n{TRAILER}")
    with pytest.raises(ValueError) as error:
        flow.read_nfdump(path, n_jobs=n_jobs)
    assert str(error.value) == (
        f'{path}, line 3: {reason} (on_bad_row="skip" leaves such rows out)'
    )


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_bad_rows_are_counted_and_left_out(write, n_jobs):
    lines = [wide(dp="1")]
    for line, _ in BAD_ROWS:
        lines += [line, wide(dp="2")]
    path = write("\n".join([WIDE, *lines]) + "\n" + TRAILER)
    bad = []
    table = flow.read_nfdump(path, on_bad_row=bad, n_jobs=n_jobs)
    assert table["dp"].to_list() == [1] + [2] * len(BAD_ROWS)
    assert bad == [(str(path), 3 + 2 * i, reason) for i, (_, reason) in enumerate(BAD_ROWS)]
    with pytest.warns(UserWarning, match="15 rows of 31 left out") as warned:
        flow.read_nfdump(path, on_bad_row="skip")
    assert str(warned[0].message).endswith(f"the first: {path}, line 3: {BAD_ROWS[0][1]}")
    with pytest.warns(UserWarning, match=f"15 rows left out, the first: {path}, line 3: dp must"):
        assert pl.DataFrame(flow.scan_nfdump(path, on_bad_row="skip")).height == 16
    flows = flow.scan_nfdump(path, on_bad_row=[])
    assert sum(frame.height for frame in flows) == 16
    assert flows.bad_rows == 15


def test_te_before_ts_is_not_looked_for_when_only_one_is_read(write):
    path = write(f"{WIDE}\n{wide(te='2026-01-31 11:59:59')}\n")
    assert flow.read_nfdump(path, ["ts", "ibyt"]).height == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty; expected a CSV that nfdump printed"),
        ("\n", "begins with an empty line; expected a header of nfdump"),
        (TRAILER, "has only the trailer of nfdump, no header and no flows"),
        (
            "Flow ID,Source IP,Source Port\n1,2,3\n",
            'has a header that nfdump does not print: "Flow ID,Source IP,Source Port" (expected '
            "columns such as ts,te,td,sa,da,sp,dp,pr or firstSeen,duration,proto,srcAddr)",
        ),
        ("ts,sa,ts\n", 'has the column "ts" twice in its header'),
        (b"\xff\xfe\x00\n", "is no text: expected a CSV that nfdump printed"),
        (
            "ts,sa,bytes\n" + "x" * (10 << 20),
            "has a line of more than 1,048,576 bytes; it is no CSV",
        ),
    ],
)
def test_a_file_of_something_else(write, text, reason):
    path = write(text)
    with pytest.raises(ValueError) as error:
        flow.read_nfdump(path)
    assert str(error.value) == f"{path} {reason}"


def test_compressed_data_that_break_off(write):
    text = "\n".join([WIDE, *(wide(ibyt=str(i * i)) for i in range(2000))])
    path = write(gzip.compress(text.encode())[:-100])
    with pytest.raises(ValueError, match="is damaged or breaks off"):
        flow.read_nfdump(path)


def test_arguments_that_make_no_sense(write, tmp_path):
    path = write(f"{WIDE}\n{wide()}\n")
    cases = [
        ({"columns": []}, "columns names none; leave it out for all"),
        ({"columns": ["sa", "sa"]}, "columns names sa twice"),
        (
            {"addresses": "hex"},
            'addresses must be "text", "category", "integer" or "bytes", got \'hex\'',
        ),
        ({"on_bad_row": "ignore"}, 'on_bad_row must be "error", "skip" or a list, got \'ignore\''),
        ({"backend": "dask"}, 'backend must be "polars", "pandas" or "pyarrow", got \'dask\''),
    ]
    for arguments, message in cases:
        with pytest.raises(ValueError) as error:
            flow.read_nfdump(path, **arguments)
        assert str(error.value) == message
    with pytest.raises(ValueError, match="batch_rows must be from 1 to 16,777,216, got 0"):
        flow.scan_nfdump(path, batch_rows=0)
    with pytest.raises(FileNotFoundError):
        flow.read_nfdump(tmp_path / "none.csv")
    with pytest.raises(FileNotFoundError, match="no file matches"):
        flow.read_nfdump(str(tmp_path / "*.txt"))
    with pytest.raises(IsADirectoryError):
        flow.read_nfdump(tmp_path)
    with pytest.raises(TypeError, match="path is of type int; expected a path or a list of paths"):
        flow.read_nfdump(5)


# --- against others ----------------------------------------------------------------------------


def sample(name):
    folder = os.environ.get("LINEWATCH_DATA")
    if not folder or not (Path(folder) / name).exists():
        pytest.skip("set LINEWATCH_DATA to the folder with the sample flows")
    return Path(folder) / name


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_real_flows_are_as_polars_reads_them(n_jobs):
    path = sample("flows_nfdump_48col.csv.gz")
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()[:-3]
    expected = pl.read_csv(io.StringIO("\n".join(lines)), infer_schema=False)
    table = flow.read_nfdump(path, n_jobs=n_jobs)
    assert table.height == expected.height == 5121
    assert table.columns == expected.columns
    for name in table.columns:
        theirs, ours = expected[name].str.strip_chars(), table[name]
        if ours.dtype == pl.Datetime("us"):
            theirs = theirs.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us")
        elif isinstance(ours.dtype, pl.Categorical):
            ours = ours.cast(pl.String)
        else:
            theirs = theirs.cast(ours.dtype)
        assert ours.equals(theirs), name


def test_the_layouts_of_the_same_flows_agree():
    wide = flow.read_nfdump(sample("flows_nfdump_48col.csv.gz"))
    narrow = flow.read_nfdump(sample("flows_nfdump_10col_sample.csv"))
    fast = flow.read_nfdump(sample("flows_nfdump_fast_sample.csv"))
    for name in ("ts", "sa", "da", "sp", "dp", "pr", "ipkt", "ibyt"):
        assert wide[name].head(300).to_list() == narrow[name].to_list(), name
        assert wide[name].head(300).to_list() == fast[name].to_list(), name


FIELDS = st.sampled_from(
    [
        "0",
        "7",
        "65535",
        "-1",
        "",
        " ",
        "TCP",
        "10.0.0.1",
        "fe80::1%a",
        "2026-01-31 12:00:00",
        '"',
        "é",
    ]
    + ["1e9", "99999999999999999999", "0.5", "\0", "Summary", "12:00", "9d 1:2:3", "\r"]
)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.lists(FIELDS, min_size=1, max_size=9), max_size=12),
    tail=st.binary(max_size=40),
    header=st.sampled_from([NARROW, "srcAddr,bytes,flags", "ts,te,td,sa,sp,ibyt"]),
)
def test_no_text_makes_it_fail_otherwise_than_by_value_error(tmp_path_factory, rows, tail, header):
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    lines = "\n".join(",".join(row) for row in rows).encode()
    path.write_bytes(header.encode() + b"\n" + lines + tail)
    for addresses in ("text", "bytes"):
        bad = []
        table = flow.read_nfdump(path, on_bad_row=bad, addresses=addresses)
        # Every line is a row, a bad row or no row at all.
        assert table.height + len(bad) <= lines.count(b"\n") + tail.count(b"\n") + 2
        _ = table.rows()
        if bad:
            with pytest.raises(ValueError, match=f"line {bad[0][1]}"):
                flow.read_nfdump(path, addresses=addresses)
        else:
            assert flow.read_nfdump(path, addresses=addresses).equals(table)
