"""``linewatch flows``, as a user types it."""

# Messages stand here as they are printed, on one line.
# ruff: noqa: E501

import polars as pl
import pytest

from linewatch import _results, cli, flow, privacy


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Runs the command in an empty folder: its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = cli.main(["flows", *map(str, arguments)])
        return code, *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def flows():
    return flow.simulate(n_flows=4_000, n_customers=60, anomalies=["port_scan"], seed=3)


@pytest.fixture(scope="module")
def files(tmp_path_factory, flows):
    """One file with 48 columns, and its later half in the layout with 10."""
    folder = tmp_path_factory.mktemp("flows")
    flow.write_nfdump(flows, folder / "whole.csv.gz")
    names = {"ts": "firstSeen", "td": "duration", "pr": "proto", "sa": "srcAddr", "sp": "srcPort"}
    names |= {"da": "dstAddr", "dp": "dstPort", "ipkt": "packets", "ibyt": "bytes"}
    time = pl.col("ts").dt.strftime("%Y-%m-%d %H:%M:%S.%3f")
    short = flows.tail(2_000).with_columns(time, pl.col("td").round(3))
    short.select(*names).rename(names).with_columns(flows=1).write_csv(folder / "short.csv")
    return folder


def test_a_scan_comes_first_and_the_tables_are_whole(run, files, flows, tmp_path):
    code, out, err = run(files / "whole.csv.gz", "--out", "found", "--top", 3, "--exports")
    assert (code, err) == (0, "")
    n_bytes = flows["ibyt"].sum() + flows["obyt"].sum()
    assert out.startswith(f"whole.csv.gz: 4,800 flows, {n_bytes:,} bytes, ")
    manifest, tables = _results.read(tmp_path / "found")
    assert manifest["kind"] == "flows" and manifest["summary"]["flows"] == 4_800
    assert tables["flows_by_minute"]["total_bytes"].sum() == n_bytes
    assert tables["sources"]["total_bytes"].sum() == n_bytes
    assert tables["segments"].height == tables["sources"].height == flows["sa"].n_unique()
    scores = tables["source_windows"]
    scanner = flows.filter("is_anomaly")["sa"][0]
    assert scores["source"][0] == scanner and scores["is_anomaly"][0]
    assert scores["score"].is_sorted(descending=True)
    names = tables["scores"].filter(pl.col("name").str.starts_with(scanner + " "))
    first = tables["score_reasons"].filter(pl.col("row").is_in(names["row"].implode()))
    assert first["rank"][0] == 1 and first["reason"].str.contains("ports = ").any()
    assert f"  {scanner} " in out[out.index("anomalies: ") :]
    segments = pl.read_csv(tmp_path / "found" / "segments.csv")
    assert segments["customers"].sum() == tables["segments"].height
    names = "new_sample protoccol prflg data dist2 usage_freq frequency_freq mac_freq segments"
    for name in names.split():
        assert (tmp_path / "found" / f"{name}.csv").exists()
        assert f"  found/{name}.csv\n" in out
    assert (tmp_path / "found" / "flows.png").read_bytes().startswith(b"\x89PNG")


def test_a_layout_without_bytes_out_has_no_delivery_ratio(run, files, tmp_path):
    code, out, _ = run(files / "short.csv", "--no-picture")
    assert code == 0
    assert "note: the layout has no obyt (bytes out), so there is no delivery ratio" in out
    assert "unusual delivery ratios" not in out
    _, tables = _results.read(tmp_path / "results")
    assert tables["sources"]["delivery_ratio"].null_count() == tables["sources"].height
    assert tables["flows_by_minute"]["bytes_out"].null_count() == tables["flows_by_minute"].height
    assert tables["sources"]["total_bytes"].sum() > 0


def test_no_real_address_is_in_a_pseudonymised_folder(run, files, flows, tmp_path):
    key = privacy.Key.generate()
    key.save(tmp_path / "a.key")
    code, out, _ = run(
        files / "whole.csv.gz", "--anonymize-key", "a.key", "--exports", "--out", "found"
    )
    assert code == 0
    assert "addresses are pseudonymised: the key links them back, so they stay personal data" in out
    real = set(flows["sa"]) | set(flows["da"]) | set(flows["ismc"].cast(pl.String))
    secret = (tmp_path / "a.key").read_text().strip()
    _, tables = _results.read(tmp_path / "found")
    texts = [table.write_csv() for table in tables.values()]
    texts += [path.read_text() for path in (tmp_path / "found").glob("*.csv")]
    texts += [out, (tmp_path / "found" / "manifest.json").read_text()]
    for text in texts:
        assert secret not in text
        assert real.isdisjoint(
            text.replace('"', "").replace("\n", ",").replace(" ", ",").split(",")
        )
    pan = privacy.CryptoPan(key)
    assert set(pan.restore(tables["sources"]["source"])) == set(flows["sa"])


def test_the_same_flows_give_the_same_folder(run, files, tmp_path):
    for name in ("a", "b"):
        assert run(files / "whole.csv.gz", "--no-picture", "--out", name)[0] == 0
    for name in ("scores", "sources", "segments"):
        tables = [pl.read_parquet(tmp_path / x / f"{name}.parquet") for x in "ab"]
        assert tables[0].equals(tables[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.csv"], "missing.csv: No such file or directory"),
        (["empty.csv"], "empty.csv: no flows in it"),
        (["short.csv", "--by", "ismc"], '--by ismc: column "ismc" (MAC address of the source) is missing; it comes from nfdump -o csv up to 1.7.3, or %ismc in a csv: layout; the table has "ts", "td", "pr", "sa", "sp", "da", "dp", "ipkt", "ibyt", "fl"'),
        (["short.csv", "--connections", "mac"], '--connections mac: column "ismc" (MAC address of the source) is missing; it comes from nfdump -o csv up to 1.7.3, or %ismc in a csv: layout; the table has "ts", "td", "pr", "sa", "sp", "da", "dp", "ipkt", "ibyt", "fl"'),
        (["short.csv", "--by", "nosuch"], '--by nosuch: column "nosuch" is missing; the table has "ts", "td", "pr", "sa", "sp", "da", "dp", "ipkt", "ibyt", "fl"'),
        (["bad.csv"], 'bad.csv, line 2: ipkt (packets) must not be negative, got "-7" (--bad-rows skip leaves such rows out)'),
        (["narrow.csv", "short.csv"], "short.csv has other columns (ts, td, pr, sa, sp, da, dp, ipkt, ibyt, fl) than narrow.csv (ts, td, pr, sa, sp, da, dp, ipkt, ibyt); give files of one layout at a time"),
        (["short.csv", "--anonymize-key", "no.key"], "no.key: No such file or directory"),
    ],
)  # fmt: skip
def test_what_a_user_can_mend_is_one_line_and_nothing_is_written(
    run, files, tmp_path, arguments, message
):
    (tmp_path / "short.csv").write_text((files / "short.csv").read_text())
    header = (files / "short.csv").read_text().splitlines()[0]
    (tmp_path / "empty.csv").write_text(header + "\n")
    narrow = header.rsplit(",", 1)[0]
    (tmp_path / "narrow.csv").write_text(narrow + "\n")
    row = "2026-01-31 12:00:00.250,1.5,TCP,192.0.2.1,50000,192.0.2.9,443,-7,4200,1"
    (tmp_path / "bad.csv").write_text(f"{header}\n{row}\n")
    code, _, err = run(*arguments, "--no-picture")
    assert (code, err) == (2, f"linewatch: error: {message}\n")
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--threshold", "0"], "--threshold must be above 0 and up to 1, got 0.0"),
        (["--threshold", "7"], "--threshold must be above 0 and up to 1, got 7.0"),
        (["--ratio-threshold", "-1"], "--ratio-threshold must be above 0, got -1.0"),
        (["--window", "5x"], "--window must be a number with s, m, h or d, such as 30s, 10m or 1h, got '5x'"),
        (["--time-zone", "Mars"], "--time-zone: time zone 'Mars' is not known; write it as in Africa/Casablanca"),
        (["--out", "file.txt/x"], "file.txt/x cannot be written: Not a directory"),
    ],
)  # fmt: skip
def test_an_option_that_cannot_be_is_named_before_the_flows_are_read(
    run, tmp_path, monkeypatch, arguments, message
):
    (tmp_path / "file.txt").write_text("text")
    monkeypatch.setattr(flow, "scan_nfdump", lambda *_: pytest.fail("the flows were read"))
    code, out, err = run("flows.csv", *arguments, "--no-picture")
    assert (code, out, err) == (2, "", f"linewatch: error: {message}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


def test_one_of_a_thing_is_told_as_one(run, tmp_path):
    header = "firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes,flows"
    row = "2026-01-31 12:00:00.250,1.5,TCP,192.0.2.1,50000,192.0.2.9,443,7,1,1"
    (tmp_path / "one.csv").write_text(f"{header}\n{row}\n")
    code, out, _ = run("one.csv", "--no-picture")
    assert code == 0
    assert out.startswith("one.csv: 1 flow, 1 byte, 1 source\n")
    assert " of 1 stretch of 10m scores 0.7 or more" in out
