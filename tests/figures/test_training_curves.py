from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from strokes.figures import MetricsRow, read_metrics, training_curves
from strokes.files import InputError


def log(steps=200):
    rows = []
    for i in range(steps):
        common = {"step": i * 10, "points": i * 1000, "epoch": i / 50, "seconds": i * 60.0}
        rows.append(
            common
            | {
                "event": "train",
                "loss": float(np.exp(-i / 30)) - 1,
                "points_per_second": 1e4,
                "learning_rate": 1e-3,
                "gradient_norm": 1.0 + i % 3,
            }
        )
        if i % 40 == 39:
            rows.append(common | {"event": "validation", "nats_per_point": -0.5, "nats_per_line": -1.0})
    return rows


def test_a_log_cut_off_in_its_last_line_is_read(tmp_path):
    rows = log()
    path = tmp_path / "metrics.jsonl"
    lines = "\n".join(map(json.dumps, rows))
    path.write_text(lines)
    whole = read_metrics(path)
    assert whole == read_metrics(rows) and len(whole) == len(rows)
    assert [row.step for row in whole] == sorted(row["step"] for row in rows)
    assert whole[3] == MetricsRow("train", 30, 0.06, 180.0, rows[3]["loss"], None, 1e-3, 1.0)
    path.write_text(lines + '\n{"event": "train", "st')
    assert read_metrics(path) == whole


def test_numbers_that_are_not_finite_are_left_out(tmp_path):
    path = tmp_path / "metrics.jsonl"
    row = {"event": "validation", "step": 3, "epoch": 0.1, "nats_per_point": float("nan"), "seconds": -0.0}
    path.write_text(json.dumps(row | {"loss": float("-inf")}) + "\n")
    assert read_metrics(path) == [MetricsRow("validation", 3, 0.1, -0.0)]
    assert read_metrics([row]) == read_metrics(path)


@pytest.mark.parametrize(
    "line",
    [
        b'{"event": "tr',
        b"[1, 2]",
        b"null",
        b"\x93NUMPY\x01\x00",
        b'{"step": 3}',
        b'{"event": "train", "step": "3"}',
        b'{"event": "train", "step": -1}',
        b'{"event": "train", "step": 1e400}',
        b'{"event": "train", "epoch": 1e300}',
        b'{"event": "train", "loss": [1]}',
        b'{"event": "train", "loss": 1e31}',
        b'{"event": ' + b"[" * 100_000,
    ],
)
def test_odd_rows_are_named_in_one_sentence(tmp_path, line):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"event": "start"}\n' + line + b"\n" + json.dumps(log()[0]).encode())
    with pytest.raises(InputError, match=r"metrics\.jsonl: line 2: ") as e:
        read_metrics(path)
    assert "\n" not in str(e.value) and len(str(e.value)) < 400
    with pytest.raises(InputError, match="cannot be read"):
        read_metrics(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="row 1"):
        read_metrics([{"event": "train", "loss": "low"}])


def test_a_resumed_run_replaces_the_rows_that_it_wrote_again():
    rows = log(5)
    again = [row | {"loss": 7.0} for row in rows[3:]]
    assert read_metrics(rows + again) == read_metrics(rows[:3] + again)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rows", [log(), log(1), log(3), [r for r in log() if r["event"] == "validation"]])
def test_training_curves_of_many_and_few_rows(rows, tmp_path):
    training_curves(rows, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as image:
        assert image.size == (1350, 930)
        assert len(image.convert("RGB").getcolors(10**6)) > 20


@pytest.mark.filterwarnings("error")
def test_values_at_their_limits_are_drawn(tmp_path):
    row = {
        "event": "train",
        "step": 2**53,
        "epoch": 1e9,
        "seconds": 1e12,
        "loss": -1e30,
        "gradient_norm": 1e30,
    }
    training_curves([row, row | {"step": 1, "loss": 1e30, "epoch": 0.0}], tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000


def test_curves_of_nothing_say_why(tmp_path):
    for rows in ([], [{"event": "start"}]):
        with pytest.raises(InputError, match=r"no rows.*after 20 steps"):
            training_curves(rows, tmp_path / "curves.png")
    broken = {"event": "train", "step": 0, "epoch": 0.0, "loss": float("nan"), "gradient_norm": 1e9}
    ended = {"event": "diverged", "step": 20, "seconds": 1.0, "skipped": 20}
    for rows in (
        [ended],
        [broken],
        [broken, {"event": "validation", "epoch": 0.1, "nats_per_point": float("inf")}],
    ):
        with pytest.raises(InputError, match=r"diverged before its first row.*lower --learning-rate"):
            training_curves(rows, tmp_path / "curves.png")
    assert list(tmp_path.iterdir()) == []
