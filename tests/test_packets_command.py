"""``linewatch packets``, as a user types it."""

import io
import json
import os
import subprocess
import sys

import polars as pl
import pytest

from linewatch import _results, cli, packets
from linewatch.packets import _moments


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
    names = ["manifest.json", "packets_by_source.parquet", "packets.png"]
    assert lines[-3:] == [f"  found/{name}" for name in names]
    assert (tmp_path / "found" / "packets.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_capture_gives_the_same_folder(run, capture, tmp_path):
    for name in ("a", "b"):
        assert run(capture, "--out", name, "--no-picture")[0] == 0
        assert not (tmp_path / name / "packets.png").exists()
    tables = [pl.read_parquet(tmp_path / name / "packets_by_source.parquet") for name in "ab"]
    assert tables[0].equals(tables[1])


def moments_of(frames, folder, window="5s"):
    moments = _moments.Moments(folder, window, 5 * 10**9)
    for frame in frames:
        moments.add(frame)
    moments.close()
    return moments


def all_moments(moments):
    return pl.concat(table for _, table in moments.tables()).sort("at", "source_address")


def test_a_capture_in_pieces_has_the_moments_of_the_whole(capture, tmp_path, monkeypatch):
    """Memory holds a window and a piece; no moment is lost or seen twice where pieces meet."""
    table = packets.read_pcap(capture)
    (tmp_path / "whole").mkdir()
    whole = moments_of([table], tmp_path / "whole")
    monkeypatch.setattr(_moments, "BATCH", 700)
    (tmp_path / "pieces").mkdir()
    pieces = moments_of(table.iter_slices(90), tmp_path / "pieces")
    assert pieces.files > 5 and whole.files == 1
    assert all_moments(pieces).equals(all_moments(whole))
    assert pieces.totals().equals(whole.totals())
    assert pieces.visits().equals(whole.visits())
    assert pieces.counts == whole.counts
    assert pieces._kept is None
    # By the definition: the last packet of each source in each second.
    rows = table.with_columns(packets.features(table, "5s", features=_moments.LOOKED_AT))
    last = rows.group_by("source_address", pl.col("time").dt.truncate("1s")).last()
    assert last.height == whole.n == whole.visits()["n"].sum()
    assert last["packet_count_5s"].sum() == all_moments(whole)["packet_count"].sum()


def test_a_clock_that_goes_back_begins_new_windows(capture, tmp_path, monkeypatch):
    monkeypatch.setattr(_moments, "BATCH", 700)
    table = packets.read_pcap(capture)
    early = table.with_columns((pl.col("time") - pl.duration(days=1)).cast(pl.Datetime("ns")))
    moments = moments_of([table, early], tmp_path)
    assert moments.counts["restarts"] == 1 and moments.counts["late"] == 0
    assert moments.totals()["n_packets"].sum() == 2 * table.height
    # A single packet from the far future costs the others nothing but one new beginning.
    (tmp_path / "future").mkdir()
    odd = table.head(1).with_columns(
        (pl.col("time") + pl.duration(days=9999)).cast(pl.Datetime("ns"))
    )
    pieces = [*table[:1000].iter_slices(90), odd, *table[1000:].iter_slices(90)]
    found = moments_of(pieces, tmp_path / "future")
    assert found.counts["restarts"] == 1
    assert found.n > 0.95 * moments.n / 2


def test_many_moments_are_drawn_from_with_the_same_chance_for_each_source(
    capture, tmp_path, monkeypatch
):
    moments = moments_of([packets.read_pcap(capture)], tmp_path)
    whole = _moments.worst(moments, _moments.fit(moments, 0))
    monkeypatch.setattr(_moments, "SAMPLE", moments.n - 1)
    drawn = _moments.worst(moments, _moments.fit(moments, 0))
    assert set(drawn["source_address"][:2]) == set(whole["source_address"][:2])
    both = whole.join(drawn, on="source_address", suffix="_drawn")
    assert both.height == whole.height
    assert (both["score"] - both["score_drawn"]).abs().max() < 0.1


def test_standard_input_and_progress(capture, tmp_path):
    command = [sys.executable, "-m", "linewatch.cli", "packets", "-"]
    with open(capture, "rb") as file:
        done = subprocess.run(
            [*command, "--progress", "--no-picture"],
            stdin=file,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
        )
    assert done.stdout.startswith("standard input: ")
    assert "linewatch: scoring " in done.stderr and done.stderr.endswith("linewatch: writing\n")
    manifest, _ = _results.read(tmp_path / "results")
    assert manifest["parameters"]["source"] == "standard input"


def test_one_packet_and_one_source_are_told_as_one(run, capture, tmp_path):
    packets.write_pcap(packets.read_pcap(capture).head(1), tmp_path / "one.pcap")
    code, out, _ = run(tmp_path / "one.pcap", "--no-picture")
    assert code == 0
    assert out.startswith("one.pcap: 1 packet, ")
    assert "\n1 source, each in its most unusual " in out


def test_packets_out_of_order_are_sorted_and_a_cut_is_told(run, capture, tmp_path):
    table = packets.read_pcap(capture).head(500).reverse()
    packets.write_pcap(table, tmp_path / "back.pcap")
    whole = (tmp_path / "back.pcap").read_bytes()
    (tmp_path / "back.pcap").write_bytes(whole[:-3])
    code, out, _ = run(tmp_path / "back.pcap", "--no-picture")
    assert code == 0
    assert "packets were not in order of time (498 steps back): sorted" in out
    assert "packet 500 at byte" in out and "is cut short: the capture ends within it" in out
    assert (
        json.loads((tmp_path / "results" / "manifest.json").read_text())["summary"]["packets"]
        == 499
    )


def test_standard_input_that_is_no_capture_is_one_line(run, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"hello")))
    code, out, err = run("-")
    assert (code, out) == (2, "")
    assert err == (
        "linewatch: error: standard input: path must be a capture in pcap or pcapng, plain or "
        "gzip, got a file that begins with the bytes 68 65 6c 6c 6f\n"
    )
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.pcap"], "missing.pcap: No such file or directory"),
        (["."], ".: Is a directory"),
        (
            ["empty.pcap"],
            "empty.pcap: path must be a capture in pcap or pcapng, plain or gzip, got nothing: "
            "it is empty",
        ),
        (
            ["header.pcap"],
            "header.pcap: no packet has a time and an IP address, so there is no source",
        ),
        (
            ["header.pcap", "--window", "5x"],
            "--window must be a span of time such as \"5s\", got '5x'",
        ),
    ],
)
def test_what_cannot_be_read_is_one_line_and_leaves_nothing(run, tmp_path, arguments, message):
    (tmp_path / "empty.pcap").write_bytes(b"")
    empty = packets.simulate(n_flows=1, attacks=[], seed=0).head(0)
    packets.write_pcap(empty, tmp_path / "header.pcap")
    code, _, err = run(*arguments)
    assert code == 2
    assert err == f"linewatch: error: {message}\n"
    assert not (tmp_path / "results").exists()
