"""The scoring of the NAB bench, by hand."""

import importlib.util
import json
import math
from pathlib import Path

import numpy as np
import pytest

PATH = Path(__file__).parents[1] / "benches" / "nab.py"
spec = importlib.util.spec_from_file_location("benches_nab", PATH)
nab = importlib.util.module_from_spec(spec)
spec.loader.exec_module(nab)

STANDARD = nab.PROFILES["standard"]
BEST = 2 / (1 + np.exp(-5)) - 1  # an alarm at the start of a window


def series(n, windows):
    return nab.Series("a", np.arange(n), np.zeros(n), windows)


def alarms(n, rows):
    score = np.zeros(n)
    score[list(rows)] = 1.0
    return score


def raw(n, windows, rows, profile=STANDARD):
    """Score at the threshold 1 in weights, not in percent, with the misses in it."""
    score, _ = nab.nab_score([series(n, windows)], [alarms(n, rows)], profile)
    perfect = len(windows) * (profile.true_positive + profile.false_negative)
    return score * perfect / 100 - len(windows) * profile.false_negative


def test_the_sigmoid_is_that_of_the_paper():
    expected = [BEST, 0.848283639957513, 0.0, -0.848283639957513, -0.999999388195546, -1.0]
    found = nab.sigmoid([-1.0, -0.5, 0.0, 0.5, 3.0, 3.01])
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_the_probation_is_15_percent_of_5000_rows_at_most():
    assert [nab.probation(n) for n in (100, 4032, 5000, 22695)] == [15, 604, 750, 750]


def test_an_alarm_at_the_start_of_a_window_is_perfect():
    assert nab.nab_score([series(100, [(50, 59)])], [alarms(100, [50])], STANDARD) == (100.0, 1.0)


def test_a_later_alarm_earns_less_and_only_the_best_one_counts():
    # Row 57 of 50..59: position -(59 - 57 + 1) / 10.
    late = (2 / (1 + np.exp(-1.5)) - 1) / BEST
    assert raw(100, [(50, 59)], [57]) == pytest.approx(late)
    assert raw(100, [(50, 59)], [57, 58, 59]) == pytest.approx(late)
    assert raw(100, [(50, 59)], [50, 57]) == pytest.approx(1.0)


def test_an_alarm_outside_costs_less_just_after_a_window():
    near = 0.11 * (2 / (1 + np.exp(5 * 2 / 9)) - 1)  # two rows past a window of ten
    assert raw(100, [(50, 59)], [50, 61]) == pytest.approx(1.0 + near)
    assert raw(100, [(50, 59)], [50, 95]) == pytest.approx(1.0 - 0.11)
    assert raw(100, [(50, 59)], [50, 30]) == pytest.approx(1.0 - 0.11)
    low_fp = nab.PROFILES["low FP"]
    assert raw(100, [(50, 59)], [50, 30], low_fp) == pytest.approx(1.0 - 0.22)


def test_the_probation_does_not_count():
    assert raw(100, [(50, 59)], [50, 3, 14]) == pytest.approx(1.0)
    assert raw(100, [(50, 59)], [50, 15]) == pytest.approx(1.0 - 0.11)


def test_a_missed_window_costs_twice_where_misses_do():
    windows = [(50, 59), (80, 89)]
    assert raw(100, windows, [50]) == pytest.approx(0.0)
    low_fn = nab.PROFILES["low FN"]
    assert raw(100, windows, [50], low_fn) == pytest.approx(1.0 - 2.0)
    # 100 * (raw - none) / (all - none) = 100 * (-1 + 4) / (2 + 4)
    corpus, scores = [series(100, windows)], [alarms(100, [50])]
    assert nab.nab_score(corpus, scores, low_fn)[0] == pytest.approx(50.0)


def test_one_threshold_serves_all_files_and_no_alarm_gives_0():
    corpus = [series(100, [(50, 59)]), series(100, [])]
    first, second = alarms(100, [50]) * 0.9, alarms(100, range(20, 60)) * 0.8
    score, threshold = nab.nab_score(corpus, [first, second], STANDARD)
    assert (score, threshold) == (100.0, 0.9)
    # 40 false alarms above it cost 4.4, more than the window is worth.
    score, threshold = nab.nab_score(corpus, [first, second * 2], STANDARD)
    assert (score, threshold) == (0.0, np.inf)
    assert nab.nab_score(corpus, [np.full(100, np.nan)] * 2, STANDARD) == (0.0, np.inf)


def test_the_best_threshold_is_that_of_a_search_over_all(rng):
    corpus = [series(200, [(60, 79), (120, 129)]), series(150, [(100, 119)])]
    scores = [rng.random(200).round(2), rng.random(150).round(2)]
    found, _ = nab.nab_score(corpus, scores, STANDARD)
    values = np.unique(np.concatenate(scores))
    by_hand = []
    for threshold in values:
        total = 0.0
        for s, score in zip(corpus, scores, strict=True):
            worth, window = nab.worth(len(score), s.windows)
            rows = np.flatnonzero(score >= threshold)
            rows = rows[rows >= nab.probation(len(score))]
            total += 0.11 * worth[rows][window[rows] < 0].sum()
            for number in range(len(s.windows)):
                hits = worth[rows][window[rows] == number]
                total += hits.max() / BEST if len(hits) else -1.0
        by_hand.append(total)
    assert found == pytest.approx(max(0.0, 100 * (max(by_hand) + 3) / 6))


def test_a_detector_that_holds_its_peace_alarms_once():
    score = np.array([0.0, 3.0, 2.0, 3.0, 4.0, 0.0, 0.0, 1.0])
    np.testing.assert_array_equal(nab.held(score, 2), [0, 3, 0, 0, 4, 0, 0, 1])
    np.testing.assert_array_equal(nab.held(score, 0), score)


def test_the_windowed_gaussian_by_hand():
    found = nab.windowed_gaussian(nab.Series("a", None, np.array([1.0, 3.0, 2.0, 4.0]), []))
    # After 1 and 3: mean 2, std 1. After 2: mean 2, std sqrt(2/3), so 4 is at 2.449.
    np.testing.assert_allclose(found, [0.0, 1.0, 0.5, 0.992857], atol=1e-5)


def test_the_windowed_gaussian_moves_its_window_in_steps(rng):
    x = rng.normal(size=60)
    found = nab.windowed_gaussian(nab.Series("a", None, x, []), window=20, step=10)
    for row, start in ((5, 0), (19, 0), (20, 0), (29, 0), (30, 10), (59, 30)):
        past = x[start : min(row, start + 20)]
        z = abs(x[row] - past.mean()) / past.std()
        assert found[row] == pytest.approx(1 - 0.5 * math.erfc(z / math.sqrt(2)))


def test_a_corpus_in_the_layout_of_nab_is_read(tmp_path):
    (tmp_path / "data" / "real").mkdir(parents=True)
    (tmp_path / "labels").mkdir()
    rows = [f"2014-01-01 00:{m:02}:00,{m}.5" for m in range(30)]
    text = "\n".join(["timestamp,value", *rows])
    (tmp_path / "data" / "real" / "a.csv").write_text(text)
    window = ["2014-01-01 00:20:00.000000", "2014-01-01 00:22:00.000000"]
    labels = tmp_path / "labels" / "combined_windows.json"
    labels.write_text(json.dumps({"real/a.csv": [window]}))
    [read] = nab.read_corpus(tmp_path)
    assert read.windows == [(20, 22)] and read.value[:2].tolist() == [0.5, 1.5]
    labels.write_text(json.dumps({"real/a.csv": [["2014-01-01 00:20:30", window[1]]]}))
    with pytest.raises(ValueError, match="real/a.csv: a window begins or ends at no row"):
        nab.read_corpus(tmp_path)
