from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from strokes.figures import (
    attention_columns,
    attention_heatmap,
    attention_shares,
    read_metrics,
    samples_sheet,
    skipped,
    training_curves,
)
from strokes.files import InputError
from strokes.ink import Ink

TEXT = "a$ib$ c"


def written(text=TEXT, points=8):
    """A zigzag of `points` points a character and the window that attended to it, one stroke a character."""
    n = len(text) * points
    xy = np.stack([np.arange(n) * 0.3, np.arange(n) % 2 * 1.0], axis=1)
    window = np.zeros((n, len(text) + 1))
    window[np.arange(n), np.arange(n) // points] = 0.8
    return Ink(tuple(np.split(xy, len(text)))), window


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


def test_shares_sum_to_one_unless_the_window_faded():
    window = np.array([[2.0, 2, 0], [0, 1, 3], [0, 0, 0.04], [0, 0, 0]])
    shares = attention_shares(window)  # the median total is 2.02
    np.testing.assert_allclose(shares[:2], [[0.5, 0.5, 0], [0, 0.25, 0.75]])
    np.testing.assert_allclose(shares[2], [0, 0, 0.04 / 0.202])
    np.testing.assert_array_equal(shares[3], 0)
    np.testing.assert_array_equal(attention_shares(np.zeros((2, 3))), 0)


def test_columns_stand_above_the_ink_that_was_drawn_meanwhile():
    ink = Ink((np.array([[0.5, 0], [2.5, 1]]), np.array([[5.5, 0]]), np.array([[2.5, 0], [1.5, 0]])))
    weights = np.array([[9, 0], [1, 0], [4, 0], [0, 2], [0.5, 3]])
    columns = attention_columns(weights, ink, np.arange(8.0))
    nan = np.nan
    np.testing.assert_array_equal(
        columns, [[9, 0], [1, 3], [1, 3], [nan, nan], [nan, nan], [4, 0], [nan, nan]]
    )  # 1, 2: a late stroke to the left adds its mark and takes none away; 3, 4: no ink between strokes


def test_columns_widen_by_the_pen_and_stay_on_the_page():
    ink = Ink((np.array([[3.5, 0]]),))
    columns = attention_columns(np.ones((1, 1)), ink, np.arange(8.0), spread=1.0)
    np.testing.assert_array_equal(np.isfinite(columns[:, 0]), [0, 0, 1, 1, 1, 0, 0])
    edge = attention_columns(np.ones((1, 1)), ink, np.arange(3.0, 5.0), spread=9.0)
    assert edge.tolist() == [[1.0]]
    with pytest.raises(ValueError, match="1 points"):
        attention_columns(np.ones((2, 1)), ink, np.arange(8.0))


def test_skipped_names_characters_that_drew_nothing():
    _, window = written()
    assert skipped(TEXT, window) == []
    window[16:24] = 0
    window[16:24, 1] = 1  # the pen stayed on the '$' while it should have drawn the 'i'
    window[40:48] = 0
    window[40:48, 6] = 1  # and left out the space, which is no fault
    assert skipped(TEXT, window) == [2]


def test_the_heatmap_grows_with_the_text_and_shows_where_attention_was(tmp_path):
    sizes = []
    for text in (TEXT, TEXT * 5):
        ink, window = written(text)
        attention_heatmap(text, window, ink, tmp_path / "heat.png")
        with Image.open(tmp_path / "heat.png") as opened:
            image = opened.convert("RGB")
        sizes.append(image.size)
    assert sizes[1][0] > 1.5 * sizes[0][0] and sizes[1][1] > 2 * sizes[0][1]
    # Saturated colour lies along the diagonal of the heat and nowhere in its other two corners.
    pixels = np.asarray(image, int)
    colour = pixels.max(axis=2) - pixels.min(axis=2) > 100
    height, width = colour.shape
    heat = colour[: int(height * 0.85), int(width * 0.08) : int(width * 0.88)]
    h, w = heat.shape
    corners = heat[: h // 3, w // 2 :].mean(), heat[h // 2 :, : w // 3].mean()
    assert heat[: h // 3, : w // 3].mean() > 0.02 and max(corners) < 0.002


def test_the_heatmap_refuses_what_does_not_go_together(tmp_path):
    ink, window = written()
    for bad in (window[:-1], window[:, :-1], window[0]):
        with pytest.raises(ValueError, match="shape"):
            attention_heatmap(TEXT, bad, ink, tmp_path / "heat.png")
    with pytest.raises(InputError, match="needs a text and ink"):
        attention_heatmap("", np.zeros((0, 1)), Ink(), tmp_path / "heat.png")
    with pytest.raises(InputError, match="no format 'doc'"):
        attention_heatmap(TEXT, window, ink, tmp_path / "heat.doc")
    with pytest.raises(InputError, match="folder"):
        attention_heatmap(TEXT, window, ink, tmp_path / "missing" / "heat.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("error")
def test_a_dot_alone_and_a_window_of_zeros_can_be_drawn(tmp_path):
    attention_heatmap(".", np.zeros((1, 2)), Ink((np.array([[1.0, 1.0]]),)), tmp_path / "heat.png")
    assert (tmp_path / "heat.png").stat().st_size > 1000


def test_a_log_cut_off_in_its_last_line_is_read(tmp_path):
    rows = log()
    path = tmp_path / "metrics.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)) + '\n{"event": "train", "st')
    assert read_metrics(path) == sorted(rows, key=lambda row: row["step"])
    path.write_text('{"event": "tr\n' + json.dumps(rows[0]))
    with pytest.raises(InputError, match="line 1"):
        read_metrics(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_metrics(tmp_path / "none.jsonl")


def test_a_resumed_run_replaces_the_rows_that_it_wrote_again():
    rows = log(5)
    again = [row | {"loss": 7.0} for row in rows[3:]]
    assert read_metrics(rows + again) == rows[:3] + again


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rows", [log(), log(1), log(3), [r for r in log() if r["event"] == "validation"]])
def test_training_curves_of_many_and_few_rows(rows, tmp_path):
    training_curves(rows, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as image:
        assert image.size == (1350, 930)
        assert len(image.convert("RGB").getcolors(10**6)) > 20


def test_training_curves_of_nothing_are_refused(tmp_path):
    broken = {"event": "train", "step": 0, "epoch": 0.0, "loss": float("nan")}
    for rows in ([], [{"event": "start"}], [broken]):
        with pytest.raises(InputError, match="no rows"):
            training_curves(rows, tmp_path / "curves.png")


@pytest.mark.filterwarnings("error")
def test_samples_sheet_has_a_place_for_every_line(tmp_path):
    ink, _ = written()
    sizes = []
    for n in (1, 8):
        lines = [(f"${i}$ line", ink) for i in range(n)]
        lines += [("lost", Ink()), (".", Ink((np.zeros((1, 2)),)))]
        samples_sheet(lines, tmp_path / "sheet.png", "step 100")
        with Image.open(tmp_path / "sheet.png") as image:
            sizes.append(image.size)
    assert sizes[0][0] == sizes[1][0] == 1500 and sizes[1][1] > 2 * sizes[0][1]
    with pytest.raises(InputError, match="no lines"):
        samples_sheet([], tmp_path / "sheet.png")


def test_figures_leave_pyplot_alone():
    unwanted = "{'matplotlib.pyplot', 'torch'}"
    code = f"import sys, strokes.figures; sys.exit(bool({unwanted} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
