"""``linewatch score``: a saved detector applied to a file."""

import gzip
import json

import numpy as np
import pandas as pd
import polars as pl
import pytest

import linewatch as lw
from linewatch import cli


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(4)
    frame = pl.DataFrame(
        {
            "time": pl.datetime_range(
                pl.datetime(2026, 11, 1), pl.datetime(2026, 11, 21), "1h", eager=True
            ),
            "cell": rng.choice(["A", "B"], 481),
            "prb": rng.normal(50, 5, 481),
            "users": rng.integers(10, 40, 481),
        }
    )
    return frame.with_columns(
        prb=pl.when(pl.col("time").dt.day() == 20).then(99.5).otherwise("prb")
    )


@pytest.fixture
def run(capsys, tmp_path, monkeypatch, table):
    """Runs ``linewatch score`` in a folder with a model and its data: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    features = table.select("prb", "users")
    forest = lw.IsolationForest(random_state=0, contamination=0.06).fit(features)
    forest.save("model.lw")
    lw.IsolationForest(random_state=0, contamination=0.06).fit(features.to_numpy()).save("plain.lw")
    table.write_parquet("cells.parquet")
    table.write_csv("cells.csv")

    def run(*arguments):
        code = cli.main(["score", *map(str, arguments)])
        return code, *capsys.readouterr()

    return run


def fails(run, *arguments):
    """The one line of an error that leaves nothing behind."""
    code, out, err = run(*arguments)
    assert code == 2 and out == ""
    assert err.startswith("linewatch: error: ") and err.count("\n") == 1
    return err.removeprefix("linewatch: error: ").strip()


def test_scores_verdicts_and_reasons_are_written(run, table):
    code, out, err = run("--model", "model.lw", "--input", "cells.parquet")
    assert code == 0 and err == ""
    written = pl.read_parquet("cells.scores.parquet")
    assert written.columns == ["time", "cell", "row", "score", "is_anomaly", "reason_1", "reason_2"]
    forest = lw.load("model.lw")
    features = table.select("prb", "users")
    assert (written["score"].to_numpy() == forest.score_samples(features)).all()
    assert (written["is_anomaly"].to_numpy() == (forest.predict(features) == -1)).all()
    found = written.filter("is_anomaly")
    assert found["reason_1"].str.starts_with("prb = 99.5").sum() >= 20
    assert written.filter(~pl.col("is_anomaly"))["reason_1"].null_count() == 481 - found.height
    assert written["row"].to_list() == list(range(1, 482))
    assert out.splitlines()[0] == f"cells.parquet: 481 rows, {found.height} anomalies " + (
        f"({found.height / 481:.2%})"
    )
    assert out.splitlines()[1].startswith("IsolationForest: a row scoring below -0.")
    assert out.splitlines()[2].startswith("first reasons: prb (")
    assert out.splitlines()[3] == "written: cells.scores.parquet"


def test_a_scores_file_that_is_replaced_is_named_on_stderr(run):
    for expected in ("", "linewatch: replaced cells.scores.csv, which was there before\n"):
        code, out, err = run("--model", "model.lw", "--input", "cells.csv")
        assert code == 0 and out.endswith("written: cells.scores.csv\n")
        assert err == expected


def test_csv_gzip_and_parquet_say_the_same(run):
    with open("cells.csv", "rb") as file:
        data = file.read()
    with gzip.open("cells2.csv.gz", "wb") as file:
        file.write(data)
    assert run("--model", "model.lw", "--input", "cells.parquet")[0] == 0
    assert run("--model", "model.lw", "--input", "cells.csv")[0] == 0
    assert run("--model", "model.lw", "--input", "cells2.csv.gz")[0] == 0
    expected = pl.read_parquet("cells.scores.parquet")
    for name in ("cells.scores.csv", "cells2.scores.csv"):
        found = pl.read_csv(name)
        assert found["score"].to_list() == expected["score"].to_list()
        assert found["reason_1"].to_list() == expected["reason_1"].to_list()


def test_columns_may_come_in_any_order_with_others(run, table):
    table.select("users", "cell", "prb").write_csv("turned.csv")
    assert run("--model", "model.lw", "--input", "turned.csv", "--output", "o.csv")[0] == 0
    assert run("--model", "model.lw", "--input", "cells.csv")[0] == 0
    assert pl.read_csv("o.csv")["score"].equals(pl.read_csv("cells.scores.csv")["score"])


def test_a_model_without_names_takes_columns_by_place(run, table):
    table.select("prb", "users").write_csv("plain.csv")
    assert run("--model", "plain.lw", "--input", "plain.csv")[0] == 0
    columns = ["--columns", "prb,users", "--output", "b.csv", "--top", 1]
    assert run("--model", "plain.lw", "--input", "cells.csv", *columns)[0] == 0
    one, two = pl.read_csv("plain.scores.csv"), pl.read_csv("b.csv")
    assert one["score"].equals(two["score"])
    assert two.filter("is_anomaly")["reason_1"].str.contains(r"^(prb|users) = ").all()
    assert "reason_2" not in two.columns


def test_the_summary_is_json(run):
    code, out, _ = run("--model", "model.lw", "--input", "cells.csv", "--json")
    found = json.loads(out)
    assert code == 0 and found["rows"] == 481 and found["detector"] == "IsolationForest"
    written = pl.read_csv(found["output"])
    assert written["is_anomaly"].sum() == found["anomalies"]
    assert written["score"].min() == found["score_min"] < found["threshold"]
    assert sum(found["first_reasons"].values()) <= found["anomalies"]


def test_other_detectors_and_categories_are_scored_too(run, table):
    features = table.select("cell", "prb")
    forest = lw.IsolationForest(categorical_features=["cell"], random_state=0)
    rule = {"contamination": 0.05}
    lw.ThresholdedDetector(forest, rule).fit(features).save("t.lw")
    lw.AutoencoderDetector(epochs=2).fit(table.select("prb", "users")).save("a.lw")
    for model in ("t.lw", "a.lw"):
        assert run("--model", model, "--input", "cells.csv", "--output", "o.csv")[0] == 0
        detector = lw.load(model)
        data = table.select(list(detector.feature_names_in_))
        assert pl.read_csv("o.csv")["score"].to_list() == detector.score_samples(data).tolist()
    codes = pd.DataFrame({"cell": [1, 2, 3, 1] * 30, "prb": np.arange(120.0)})
    forest.fit(codes).save("n.lw")
    codes.to_csv("codes.csv", index=False)
    assert run("--model", "n.lw", "--input", "codes.csv")[0] == 0
    scores = pl.read_csv("codes.scores.csv")["score"].to_list()
    assert scores == forest.score_samples(codes).tolist()


def test_what_a_user_can_mend_is_one_line(run, table, tmp_path):
    model = ["--model", "model.lw", "--input"]
    assert fails(run, *model, "none.csv") == "none.csv does not exist"
    assert fails(run, "--model", "no.lw", "--input", "cells.csv") == "no.lw does not exist"
    table.drop("prb").write_csv("less.csv")
    assert fails(run, *model, "less.csv") == (
        'less.csv: column "prb" of the model is missing; the table has "time", "cell", "users"'
    )
    table.write_csv("text.csv")
    text = (tmp_path / "text.csv").read_text().splitlines()
    text[3] = text[3].rsplit(",", 2)[0] + ",high,11"
    (tmp_path / "text.csv").write_text("\n".join(text))
    assert fails(run, *model, "text.csv") == (
        "text.csv, line 4: column \"prb\" holds 'high'; expected a number"
    )
    assert fails(run, *model, "cells.csv", "--output", "cells.csv") == (
        "cells.csv is the file that is read; choose another --output"
    )
    assert fails(run, *model, "cells.csv", "--output", "o.txt") == (
        "o.txt must end in .csv or .parquet"
    )
    assert fails(run, "--model", "plain.lw", "--input", "cells.csv") == (
        "cells.csv: the model takes 2 columns and knows no names, but there are 4; name them in "
        "order with --columns a,b,c"
    )
    assert fails(run, "--model", "plain.lw", "--input", "cells.csv", "--columns", "prb,x") == (
        'cells.csv: column "x" is missing; the table has "time", "cell", "prb", "users"'
    )
    assert fails(run, *model, "cells.csv", "--columns", "prb,users") == (
        "--columns is for a model without column names; this one knows them"
    )
    table.with_columns(score=1.0).write_csv("twice.csv")
    assert fails(run, *model, "twice.csv") == (
        'column "score" of the file would be written twice; rename it in the file'
    )
    data = (tmp_path / "model.lw").read_bytes()
    (tmp_path / "half.lw").write_bytes(data[: len(data) // 2])
    assert fails(run, "--model", "half.lw", "--input", "cells.csv").startswith("half.lw")
    before = sorted(path.name for path in tmp_path.iterdir())
    assert fails(run, *model, "cells.csv", "--output", "no/o.csv").startswith(
        "no/o.csv cannot be written: No such file"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert not any("scores" in name for name in before)


def test_a_write_that_fails_leaves_the_old_file(run, monkeypatch, tmp_path):
    (tmp_path / "o.csv").write_text("old")

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_csv", full)
    arguments = ["--model", "model.lw", "--input", "cells.parquet", "--output", "o.csv"]
    assert fails(run, *arguments) == "No space left on device"
    assert (tmp_path / "o.csv").read_text() == "old"
    assert not list(tmp_path.glob(".o.csv*"))


def test_neighbors_give_reasons_too(run, table):
    lw.KNNDetector(contamination=0.05).fit(table.select("prb", "users")).save("knn.lw")
    code, out, _ = run("--model", "knn.lw", "--input", "cells.csv", "--output", "o.csv")
    assert code == 0 and "first reasons: " in out
    found = pl.read_csv("o.csv").filter("is_anomaly")
    assert found["reason_1"].str.contains(r"^(prb|users) = ").all()


def test_values_that_the_detector_cannot_take_are_named_by_row(run, table):
    lw.KNNDetector().fit(table.select("prb", "users")).save("knn.lw")
    gap = pl.int_range(pl.len()) == 4
    table.with_columns(prb=pl.when(~gap).then("prb")).write_csv("gap.csv")
    assert fails(run, "--model", "knn.lw", "--input", "gap.csv") == (
        'gap.csv, row 5: column "prb" has no value, and KNNDetector has no rule for missing '
        "values (fill or drop them)"
    )
    assert run("--model", "model.lw", "--input", "gap.csv", "--output", "o.csv")[0] == 0
    infinite = pl.when(gap).then(float("inf")).otherwise("prb")
    table.with_columns(prb=infinite).write_csv("infinite.csv")
    expected = 'infinite.csv, row 5: column "prb" is infinite'
    assert fails(run, "--model", "model.lw", "--input", "infinite.csv") == expected


def test_one_row_is_one_row(run, table):
    table.head(1).write_csv("one.csv")
    code, out, _ = run("--model", "model.lw", "--input", "one.csv")
    assert code == 0 and out.startswith("one.csv: 1 row, 0 anomalies (0.00%)")


def test_a_folder_as_model_is_refused(run):
    expected = ". is a folder; expected a file that save() wrote"
    assert fails(run, "--model", ".", "--input", "cells.csv") == expected


def test_a_scorer_of_streams_is_sent_to_follow(run):
    scorer = lw.streaming.OnlineScorer(lw.load("model.lw"))
    scorer.save("scorer.lw")
    assert fails(run, "--model", "scorer.lw", "--input", "cells.csv") == (
        "scorer.lw holds a detector (OnlineScorer) that scores lines as they come: use --follow"
    )


def test_a_factor_of_the_rows_of_its_fit_is_sent_to_novelty(run, table):
    lw.LocalOutlierFactor().fit(table.select("prb", "users")).save("lof.lw")
    assert fails(run, "--model", "lof.lw", "--input", "cells.csv") == (
        "lof.lw holds a detector (LocalOutlierFactor) that judged the rows of its fit only: fit it "
        "with novelty=True"
    )


@pytest.mark.parametrize(("values", "what"), [([1, 2], "List(Int64)"), (b"x", "Binary")])
def test_what_no_csv_can_hold_is_sent_to_parquet(run, table, values, what):
    pl.DataFrame({"odd": [values] * len(table)}).hstack(table).write_parquet("odd.parquet")
    message = fails(run, "--model", "model.lw", "--input", "odd.parquet", "--out", "odd.csv")
    assert message == (
        f'odd.parquet: column "odd" holds {what}, which CSV cannot; write to a .parquet file '
        "(--output)"
    )
    assert run("--model", "model.lw", "--input", "odd.parquet")[0] == 0


def test_a_column_named_twice_is_refused(run):
    message = fails(run, "--model", "plain.lw", "--input", "cells.csv", "--columns", "prb,prb")
    assert message == '--columns names "prb" twice'
