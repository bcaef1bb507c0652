"""The model in the package: what a user has after installation."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import strokes.models
from strokes import SamplingOptions, Writer, load_model
from strokes.page import MM_PER_UNIT

MODELS = ("default", "graves")
FOLDER = Path(strokes.models.__file__).parent
SENTENCES = (
    "You know nothing Jon Snow",
    "The meeting was moved to Thursday afternoon.",
    "Can you bring 12 chairs and a table?",
    "It was, he said, the best of all possible days!",
)


@pytest.fixture(scope="module")
def writer():
    return Writer()


@pytest.mark.parametrize("name", MODELS)
def test_it_is_small_and_writes_what_people_type(name):
    assert (FOLDER / name / "model.safetensors").stat().st_size <= 8 * 2**20
    assert set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,;:!?'\"()-") <= set(
        load_model(name).alphabet.characters
    )


@pytest.mark.parametrize("name", MODELS)
def test_its_card_gives_the_figures_of_its_config(name):
    model, card = load_model(name), (FOLDER / name / "README.md").read_text(encoding="utf-8")
    validation = model.info["validation"]
    assert f"{validation['nats_per_point']:.3f} nats/point" in card
    assert f"{validation['nats_per_line']:.1f} nats/line" in card
    trained, points = model.info, 0
    while trained:  # and the models that it began with
        points += trained["points"]
        trained = trained.get("start")
    assert f"{points / 1e6:.1f} M points" in card
    assert "non-commercial" in card


def test_sentences_are_written_from_the_first_character_to_the_last(writer):
    samples = writer.write("\n".join(SENTENCES), SamplingOptions(seed=5)).samples
    for text, sample in zip(SENTENCES, samples, strict=True):
        assert sample.text == text and sample.sound
        place = sample.window.argmax(1)
        assert place[0] == 0 and place[-1] >= len(text) - 1
        # real hands take 11 to 45 points a character, and 0.6 to 3 heights of width
        assert 10 < sample.ink.point_count / len(text) < 50
        x0, _, x1, _ = sample.ink.bounds
        assert 0.5 < (x1 - x0) / sample.ink.points[:, 1].std() / len(text) < 3


@pytest.mark.parametrize("name", MODELS)
def test_ink_is_of_the_size_that_pages_give_it(writer, name):
    """A line's y has a deviation of about one unit of the page, or MM_PER_UNIT would not be what it says."""
    writer = writer if name == "default" else Writer(name)
    written = writer.write("\n".join(SENTENCES))
    heights = [line.points[:, 1].std() / MM_PER_UNIT for line in written.page.lines]
    assert 0.7 < np.median(heights) < 1.4


@pytest.mark.parametrize("name", MODELS)
def test_hyphens_are_no_larger_than_in_a_sentence(name):
    """Ink as recorded is divided by its height, and a hyphen has none."""
    written = Writer(name).write("-").page.lines[0]
    assert np.ptp(written.points, axis=0).max() < 4 * MM_PER_UNIT


def test_a_line_is_written_from_anywhere_without_torch(tmp_path):
    program = (
        "import sys\nfrom strokes.cli import main\n"
        "assert main(['write', 'Dear Ada', '-o', 'ada.svg']) == 0\n"
        "assert 'torch' not in sys.modules and 'matplotlib' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    assert (tmp_path / "ada.svg").read_text(encoding="utf-8").count("<path") >= 4
