"""Loading NSL-KDD: what is read, and every way in which a file is not what it should be."""

import hashlib
import os
import re

import polars as pl
import pytest

from linewatch import _nsl_kdd, datasets, intrusion

FOLDER = os.environ.get("LINEWATCH_DATA")
needs_data = pytest.mark.skipif(
    FOLDER is None, reason="LINEWATCH_DATA names no folder with NSL-KDD; its own rows are not read"
)
NORMAL = "0,tcp,http,SF,215,4507" + ",0" * 5 + ",1" + ",0" * 10 + ",8,9" + ",0" * 4
NORMAL += ",1.00,0.00,0.00,151,255,1.00" + ",0.00" * 7
NEPTUNE = "0,tcp,private,S0,0,0" + ",0" * 16 + ",123,6,1.00,1.00,0.00,0.00,0.05,0.07,0.00,255,26"
NEPTUNE += ",0.10,0.05,0.00,0.00,1.00,1.00,0.00,0.00"


@pytest.fixture(autouse=True)
def own_records(tmp_path, monkeypatch):
    """Checksums of this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def lines(normal=2_152, attacks=9_698):
    """As many lines as KDDTest-21 has, two of them in turn."""
    return [NORMAL + ",normal,21"] * normal + [NEPTUNE + ",neptune,18"] * attacks


def write(folder, rows):
    path = folder / "KDDTest-21.txt"
    path.write_text("".join(row + "\n" for row in rows))
    return path


def refused(folder, message, error=ValueError):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        datasets.load_nsl_kdd("test21", folder)


def replaced(row, field, value):
    fields = row.split(",")
    fields[field] = value
    return ",".join(fields)


def test_an_official_text_file_is_read_with_its_43_names(tmp_path):
    write(tmp_path, lines())
    frame = datasets.load_nsl_kdd("test21", tmp_path)
    assert frame.columns == [*intrusion.FEATURES, "label", "difficulty", "attack"]
    assert len(intrusion.FEATURES) == 41
    first = frame.row(0, named=True)
    assert first["service"] == "http" and first["src_bytes"] == 215 and first["dst_bytes"] == 4507
    assert first["logged_in"] == 1 and first["count"] == 8 and first["same_srv_rate"] == 1.0
    assert first["dst_host_count"] == 151 and first["difficulty"] == 21 and first["attack"] == 0
    last = frame.row(-1, named=True)
    assert last["flag"] == "S0" and last["diff_srv_rate"] == 0.07
    assert last["dst_host_srv_serror_rate"] == 1.0 and last["dst_host_srv_rerror_rate"] == 0.0
    assert last["label"] == "neptune" and last["attack"] == 1


@pytest.mark.parametrize(("backend", "module"), [("pandas", "pandas"), ("pyarrow", "pyarrow")])
def test_the_frame_is_of_the_kind_asked_for(tmp_path, backend, module):
    write(tmp_path, lines())
    frame = datasets.load_nsl_kdd("test21", tmp_path, backend=backend)
    assert type(frame).__module__.startswith(module)


def test_a_parquet_file_that_knows_only_attack_or_not_has_no_other_names(tmp_path):
    write(tmp_path, lines())
    frame = datasets.load_nsl_kdd("test21", tmp_path)
    (tmp_path / "KDDTest-21.txt").unlink()
    frame.drop("label", "difficulty").write_parquet(tmp_path / "nsl_kdd_test21.parquet")
    again = datasets.load_nsl_kdd("test21", tmp_path)
    assert again["label"].null_count() == 9_698
    assert again["difficulty"].null_count() == 11_850
    assert again.drop("label", "difficulty").equals(frame.drop("label", "difficulty"))


def test_a_parquet_file_may_have_its_columns_in_any_order(tmp_path):
    write(tmp_path, lines())
    frame = datasets.load_nsl_kdd("test21", tmp_path)
    (tmp_path / "KDDTest-21.txt").unlink()
    frame.select(reversed(frame.columns)).write_parquet(tmp_path / "nsl_kdd_test21.parquet")
    assert datasets.load_nsl_kdd("test21", tmp_path).equals(frame)


def test_a_missing_column_of_a_parquet_file_is_named(tmp_path):
    write(tmp_path, lines())
    frame = datasets.load_nsl_kdd("test21", tmp_path)
    (tmp_path / "KDDTest-21.txt").unlink()
    frame.drop("flag").write_parquet(tmp_path / "nsl_kdd_test21.parquet")
    refused(
        tmp_path,
        'column "flag" is missing; nsl_kdd_test21.parquet has 43 columns, expected the 41 features '
        "of NSL-KDD",
    )


def test_a_text_file_with_a_missing_column_is_refused(tmp_path):
    write(tmp_path, [row.replace(",http", "").replace(",private", "") for row in lines()])
    refused(
        tmp_path,
        "KDDTest-21.txt has 42 fields in line 1; expected 43: 41 features, the label and the "
        "difficulty",
    )


def test_a_line_that_is_cut_is_refused(tmp_path):
    rows = lines()
    rows[500] = rows[500] + ",1,2"
    write(tmp_path, rows)
    refused(tmp_path, "KDDTest-21.txt has lines that do not hold 43 fields")


def test_wrong_rows_are_counted(tmp_path):
    write(tmp_path, lines()[:-1])
    refused(tmp_path, "KDDTest-21.txt has 11,849 rows; 'test21' of NSL-KDD has 11,850")


def test_wrong_class_totals_are_counted(tmp_path):
    write(tmp_path, lines(2_153, 9_697))
    refused(
        tmp_path,
        "KDDTest-21.txt has 2,153 normal rows and 9,697 attacks; 'test21' of NSL-KDD has 2,152 and "
        "9,698",
    )


def test_one_row_is_refused(tmp_path):
    write(tmp_path, lines()[:1])
    refused(tmp_path, "KDDTest-21.txt has 1 rows; 'test21' of NSL-KDD has 11,850")


def test_an_empty_file_is_refused(tmp_path):
    write(tmp_path, [])
    refused(tmp_path, "KDDTest-21.txt is empty")


def test_columns_in_another_order_are_noticed(tmp_path):
    def swapped(row):
        fields = row.split(",")
        return ",".join([fields[0], fields[2], fields[1], *fields[3:]])

    write(tmp_path, [swapped(row) for row in lines()])
    refused(
        tmp_path,
        "KDDTest-21.txt: column \"protocol_type\" holds 'http' in row 1; expected one of icmp, "
        "tcp, udp (are the 43 columns in their order?)",
    )


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (4, "many", "\"src_bytes\" holds 'many' in row 7; expected a finite number from 0"),
        (4, "inf", "\"src_bytes\" holds 'inf' in row 7; expected a finite number from 0"),
        (4, "NaN", "\"src_bytes\" holds 'NaN' in row 7; expected a finite number from 0"),
        (4, "-3", "\"src_bytes\" holds '-3' in row 7; expected a finite number from 0"),
        (4, "", '"src_bytes" holds None in row 7; expected a finite number from 0'),
        (24, "1.2", "\"serror_rate\" holds '1.2' in row 7; expected a rate from 0 to 1"),
        (2, "17", "\"service\" holds '17' in row 7; expected a service name"),
    ],
)
def test_a_field_that_cannot_be_is_named_with_its_row(tmp_path, field, value, message):
    rows = lines()
    rows[6] = replaced(rows[6], field, value)
    write(tmp_path, rows)
    refused(tmp_path, f"KDDTest-21.txt: column {message} (are the 43 columns in their order?)")


def test_an_unknown_label_is_refused(tmp_path):
    rows = lines()
    rows[6] = replaced(rows[6], 41, "slowloris")
    write(tmp_path, rows)
    refused(
        tmp_path,
        'KDDTest-21.txt: label "slowloris" is not a name of NSL-KDD; are its 43 columns in their '
        "order?",
    )


def test_a_changed_file_is_noticed_by_its_recorded_checksum(tmp_path):
    path = write(tmp_path, lines())
    datasets.load_nsl_kdd("test21", tmp_path)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    records = tmp_path / "cache" / "linewatch" / "nsl_kdd.sha256"
    assert records.read_text() == f"{before}  {path.resolve()}\n"
    datasets.load_nsl_kdd("test21", tmp_path)
    assert len(records.read_text().splitlines()) == 1
    write(tmp_path, lines()[::-1])
    after = hashlib.sha256(path.read_bytes()).hexdigest()
    refused(
        tmp_path,
        f"KDDTest-21.txt has changed since it was first read: its SHA-256 was {before[:12]}…, now "
        f"it is {after[:12]}…; if you replaced it, delete its line in {records}",
    )


def test_no_checksum_is_recorded_of_a_file_that_was_refused(tmp_path):
    write(tmp_path, lines()[:-1])
    with pytest.raises(ValueError):
        datasets.load_nsl_kdd("test21", tmp_path)
    assert not (tmp_path / "cache" / "linewatch" / "nsl_kdd.sha256").exists()


def test_a_checksum_that_cannot_be_recorded_is_a_warning(tmp_path):
    write(tmp_path, lines())
    (tmp_path / "cache").write_text("not a folder")
    with pytest.warns(UserWarning, match=r"^the SHA-256 of KDDTest-21.txt could not be recorded"):
        datasets.load_nsl_kdd("test21", tmp_path)


def test_a_file_is_fetched_once_from_an_address_the_caller_gives(tmp_path, http_folder):
    folder, address, asked = http_folder
    write(folder, lines())
    mine = tmp_path / "mine"
    frame = datasets.load_nsl_kdd("test21", mine, url=address)
    assert len(frame) == 11_850
    datasets.load_nsl_kdd("test21", mine, url=address)
    assert asked == ["/KDDTest-21.txt"]


def test_an_address_without_the_file_is_said_and_leaves_nothing(tmp_path, http_folder):
    _, address, _ = http_folder
    mine = tmp_path / "mine"
    with pytest.raises(
        FileNotFoundError,
        match=r"/KDDTest%2B.txt could not be fetched: .* 404|/KDDTest\+.txt .* 404",
    ):
        datasets.load_nsl_kdd("test", mine, url=address)
    assert list(mine.iterdir()) == []


def test_an_address_that_is_none_is_refused(tmp_path):
    with pytest.raises(
        ValueError,
        match=r"^url must begin with http:// or https://, got 'file:///x/KDDTest\+.txt'$",
    ):
        datasets.load_nsl_kdd("test", tmp_path, url="file:///x")


def test_a_part_that_is_none_is_refused(tmp_path):
    message = 'part must be one of "train", "train20", "test", "test21", got \'validation\''
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        datasets.load_nsl_kdd("validation", tmp_path)


def test_a_folder_without_the_file_says_what_was_looked_for(tmp_path):
    refused(
        tmp_path,
        f"{tmp_path} has neither KDDTest-21.txt nor nsl_kdd_test21.parquet; get NSL-KDD from the "
        "Canadian Institute for Cybersecurity, or say where to fetch it from with url=",
        FileNotFoundError,
    )


def test_no_folder_at_all_says_how_to_name_one(monkeypatch):
    monkeypatch.delenv("LINEWATCH_DATA", raising=False)
    message = (
        "KDDTrain+.txt: say which folder it is in, with folder= or the environment variable "
        "LINEWATCH_DATA"
    )
    with pytest.raises(FileNotFoundError, match=f"^{re.escape(message)}$"):
        datasets.load_nsl_kdd()


@needs_data
@pytest.mark.parametrize("part", list(_nsl_kdd.PARTS))
def test_the_real_files_pass_every_check(part):
    frame = datasets.load_nsl_kdd(part, FOLDER)
    normal, attacks = _nsl_kdd.PARTS[part][2:]
    assert frame["attack"].value_counts().sort("attack")["count"].to_list() == [normal, attacks]
    assert not any(intrusion.missing_counts(frame.select(intrusion.FEATURES)).values())


@needs_data
def test_the_20_percent_file_begins_the_training_file():
    train = datasets.load_nsl_kdd("train", FOLDER)
    part = datasets.load_nsl_kdd("train20", FOLDER)
    columns = [*intrusion.FEATURES, "attack"]
    assert train[: len(part)].select(columns).equals(part.select(columns))


@needs_data
def test_nsl_kdd_has_no_record_of_the_core_and_gets_no_column_of_it():
    part = datasets.load_nsl_kdd("train20", FOLDER)
    counts, note = intrusion.network_functions(part)
    assert not any(counts.values()) and note.startswith("No record of AMF")
    added = intrusion.telecom_features(part).columns[part.width :]
    assert added == ["burstiness", "symmetry_ratio"]


@needs_data
def test_a_family_left_out_of_training_is_found_by_the_detector():
    part = datasets.load_nsl_kdd("train20", FOLDER)
    rows, new = part[:8000], part[8000:12000]
    known = rows.filter(pl.col("label") != "neptune")
    new = new.filter(pl.col("label").is_in(["normal", "neptune"]))
    detector = intrusion.IntrusionDetector(n_estimators=30, random_state=0)
    detector.fit(known, known["attack"])
    found = intrusion.evaluate(new["attack"], detector.score_samples(new), detector.predict(new))
    assert found["auroc"] > 0.97 and found["recall"] > 0.9
    assert found["false_positive_rate"] < 0.1


@pytest.fixture
def http_folder(tmp_path):
    """A folder served on this machine, its address, and the paths asked for."""
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread
    from urllib.parse import unquote

    folder, asked = tmp_path / "served", []
    folder.mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            asked.append(unquote(self.path))
            super().do_GET()

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}/", asked
        server.shutdown()
        thread.join()
