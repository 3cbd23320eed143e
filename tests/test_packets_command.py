"""``linewatch packets``, as a user types it."""

# Messages stand here as they are printed, on one line.
# ruff: noqa: E501

import json

import polars as pl
import pytest

from linewatch import _results, cli, packets


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Runs the command in an empty folder: its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = cli.main(["packets", *map(str, arguments)])
        return code, *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def capture(tmp_path_factory):
    path = tmp_path_factory.mktemp("packets") / "office.pcap"
    table = packets.simulate(n_flows=400, duration="3min", attacks=["syn_scan"], seed=3)
    packets.write_pcap(table, path)
    return path


def test_a_scanner_and_the_host_that_answers_it_come_first_with_reasons(run, capture, tmp_path):
    code, out, err = run(capture, "--out", "found", "--top", 3)
    assert code == 0 and err == ""
    assert out.startswith("office.pcap: ")
    assert "; 0 malformed; 0 not captured whole\n" in out
    lines = out.splitlines()
    head = next(k for k, line in enumerate(lines) if line.startswith("  source "))
    pair = {"192.0.2.1", "10.1.0.80"}
    assert {line.split()[0] for line in lines[head + 1 : head + 3]} == pair
    assert all("destination_port_" in line for line in lines[head + 1 : head + 3])
    assert lines[head + 4].startswith("  ... and ")
    manifest, tables = _results.read(tmp_path / "found")
    sources = tables["packets_by_source"]
    assert set(sources["source"][:2]) == pair and sources["is_anomaly"][:2].all()
    assert sources["score"].is_sorted(descending=True)
    assert sources["n_packets"].sum() == manifest["summary"]["packets"]
    assert manifest["kind"] == "packets"
    assert manifest["parameters"]["window"] == "5s"
    assert lines[-2:] == ["  found/manifest.json", "  found/packets_by_source.parquet"]


def test_the_same_capture_gives_the_same_folder(run, capture, tmp_path):
    for name in ("a", "b"):
        assert run(capture, "--out", name)[0] == 0
    tables = [pl.read_parquet(tmp_path / name / "packets_by_source.parquet") for name in "ab"]
    assert tables[0].equals(tables[1])


def test_packets_out_of_order_are_sorted_and_a_cut_is_told(run, capture, tmp_path):
    table = packets.read_pcap(capture).head(500).reverse()
    packets.write_pcap(table, tmp_path / "back.pcap")
    whole = (tmp_path / "back.pcap").read_bytes()
    (tmp_path / "back.pcap").write_bytes(whole[:-3])
    code, out, _ = run(tmp_path / "back.pcap")
    assert code == 0
    assert "packets were not in order of time (498 steps back): sorted" in out
    assert "packet 500 at byte" in out and "is cut short: the capture ends within it" in out
    assert (
        json.loads((tmp_path / "results" / "manifest.json").read_text())["summary"]["packets"]
        == 499
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.pcap"], "missing.pcap: No such file or directory"),
        (["."], ".: Is a directory"),
        (
            ["empty.pcap"],
            "empty.pcap: path must be a capture in pcap or pcapng, plain or gzip, got nothing: it is empty",
        ),
        (["header.pcap"], "header.pcap: no packet has a time and an IP address, so there is no source"),
        (["header.pcap", "--window", "5x"], '--window must be a number of rows or a span such as "5s", got \'5x\''),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_line_and_leaves_nothing(run, tmp_path, arguments, message):
    (tmp_path / "empty.pcap").write_bytes(b"")
    empty = packets.simulate(n_flows=1, attacks=[], seed=0).head(0)
    packets.write_pcap(empty, tmp_path / "header.pcap")
    code, _, err = run(*arguments)
    assert code == 2
    assert err == f"linewatch: error: {message}\n"
    assert not (tmp_path / "results").exists()
