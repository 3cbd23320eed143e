"""Runs on real data of others, where a folder of it is named by LINEWATCH_DATA."""

import os
from pathlib import Path

import pytest

from linewatch import cli, datasets, kpi

FOLDER = os.environ.get("LINEWATCH_DATA")

pytestmark = pytest.mark.skipif(
    FOLDER is None, reason="LINEWATCH_DATA names no folder with the data of NAB and the LTE cells"
)


def test_the_series_of_nab_are_scored(tmp_path, capsys):
    path = str(Path(FOLDER) / "nab_dev.parquet")
    assert cli.main(["kpi", path, "--out", str(tmp_path / "out"), "--no-picture"]) == 0
    printed = capsys.readouterr().out
    assert "191,457 rows, 30 cells" in printed
    assert "AUROC" in printed


def test_cells_without_dates_are_scored_row_by_row_and_the_output_says_so(tmp_path, capsys):
    path = str(Path(FOLDER) / "lte_kpi_unusual_dev.csv.gz")
    assert cli.main(["kpi", path, "--out", str(tmp_path / "out"), "--no-picture"]) == 0
    printed = capsys.readouterr().out
    assert "times of day without dates: rows are scored one by one, without order" in printed
    assert "AUROC" in printed


def test_a_series_of_nab_has_its_anomalies():
    nab = datasets.load_nab(FOLDER)
    scored = kpi.score(nab, time="timestamp", cell="file", value="value")
    assert len(scored) == len(nab)
    assert 0 < scored["is_anomaly"].sum() < len(nab) // 50
