"""The models in the package: what a user has after installation."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from strokes import SamplingOptions, Writer, load_model
from strokes.ink.metrics import LineMetrics
from strokes.model import packaged_models
from strokes.sampling import Sample

MODELS = ("default", "graves", "open")
SENTENCES = (
    "You know nothing Jon Snow",
    "The meeting was moved to Thursday afternoon.",
    "Can you bring 12 chairs and a table?",
    "It was, he said, the best of all possible days!",
)


@pytest.fixture(scope="module", params=MODELS)
def written(request) -> tuple[float, tuple[Sample, ...]]:
    """Points a character of the model's training lines, and lines that it wrote."""
    writer = Writer(request.param)
    samples = writer.write("\n".join(SENTENCES), SamplingOptions(seed=5)).samples
    return writer.model.preprocessing.points_per_character, samples


@pytest.fixture(scope="module")
def samples(written) -> tuple[Sample, ...]:
    return written[1]


@pytest.mark.parametrize("name", MODELS)
def test_it_is_small_and_writes_what_people_type(name):
    assert (packaged_models() / name / "model.safetensors").stat().st_size <= 8 * 2**20
    assert set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,;:!?'\"()-") <= set(
        load_model(name).alphabet.characters
    )


@pytest.mark.parametrize("name", MODELS)
def test_its_card_gives_the_figures_of_its_config(name):
    model = load_model(name)
    card = (packaged_models() / name / "README.md").read_text(encoding="utf-8")
    validation = model.info["validation"]
    assert f"{validation['nats_per_point']:.3f} nats/point" in card
    assert f"{validation['nats_per_line']:.1f} nats/line" in card
    trained, points = model.info, 0
    while trained:  # and the models that it began with
        points += trained["points"]
        trained = trained.get("start")
    assert f"{points / 1e6:.1f} M points" in card
    assert ("CC BY 4.0" if name == "open" else "non-commercial") in card


def test_sentences_are_written_from_the_first_character_to_the_last(written):
    usual, samples = written
    for text, sample in zip(SENTENCES, samples, strict=True):
        assert sample.text == text and sample.sound
        place = sample.window.argmax(1)
        assert place[0] == 0 and place[-1] >= len(text) - 1
        # Hands of IAM-OnDB take half to twice as many points a character as a usual one.
        assert 0.45 < sample.ink.point_count / len(text) / usual < 2.3
        x0, _, x1, _ = sample.ink.bounds
        assert 0.7 < (x1 - x0) / len(text) < 3


def test_ink_is_canonical(samples):
    """Its lines are level, stand on y = 0, and are of the size that pages expect."""
    metrics = [LineMetrics.of(sample.ink) for sample in samples]
    assert np.abs([m.slope for m in metrics]).max() < 0.01
    assert np.abs([m.baseline for m in metrics]).max() < 0.15
    heights = [m.x_height for m in metrics]
    assert 0.7 < np.median(heights) < 1.4 and max(heights) / min(heights) < 1.7


@pytest.mark.parametrize("name", MODELS)
def test_hyphens_are_no_larger_than_in_a_sentence(name):
    """A hyphen has no height to be scaled by."""
    ink = Writer(name).sample("-").ink
    assert 0.2 < np.ptp(ink.points, axis=0).max() < 3


def test_a_line_is_written_from_anywhere_without_torch(tmp_path):
    program = (
        "import sys\nfrom strokes.cli import main\n"
        "assert main(['write', 'Dear Ada', '-o', 'ada.svg']) == 0\n"
        "assert 'torch' not in sys.modules and 'matplotlib' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    assert (tmp_path / "ada.svg").read_text(encoding="utf-8").count("<path") >= 4
