"""Pictures of texts: what stands where, and the readings of images."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from strokes.characters.drawing import draw_imitation, draw_text
from strokes.characters.figures import sheet
from strokes.characters.kinds.classifier import Classifier, ClassifierSizes
from strokes.characters.model import CharacterModel, build
from strokes.characters.options import DrawingOptions, ImitationOptions
from strokes.characters.reading import read_character
from strokes.files import InputError

SIZES = {"cvae": {"hidden": 6, "latent": 3}, "gan": {"hidden": 6, "latent": 3}, "ssvae": {"channels": 2}}


def model(kind: str = "cvae") -> CharacterModel:
    torch.manual_seed(2)
    return CharacterModel(build(kind, 3, SIZES.get(kind)).eval().requires_grad_(False), "ABC")


def tile(picture: np.ndarray, row: int, column: int) -> np.ndarray:
    return picture[28 * row : 28 * (row + 1), 28 * column : 28 * (column + 1)]


def test_a_text_is_drawn_line_by_line_with_its_blanks():
    m = model()
    picture = draw_text(m, "A B\nC", DrawingOptions(seed=4))
    assert picture.shape == (56, 84)
    drawn = m.draw(m.labels("ABC"), torch.Generator().manual_seed(4))
    for (row, column), image in zip([(0, 0), (0, 2), (1, 0)], drawn, strict=True):
        assert np.array_equal(tile(picture, row, column), sheet(image[None], 1))
    for row, column in [(0, 1), (1, 1), (1, 2)]:
        assert (tile(picture, row, column) == 255).all()


def test_a_count_repeats_the_text_and_one_character_fills_lines():
    assert draw_text(model(), "AB", DrawingOptions(count=3)).shape == (84, 56)
    picture = draw_text(model(), " A ", DrawingOptions(count=5, columns=2))
    assert picture.shape == (84, 56) and (tile(picture, 2, 1) == 255).all()
    assert not np.array_equal(tile(picture, 0, 0), tile(picture, 0, 1))


def test_a_model_that_cannot_be_asked_draws_any_text():
    assert draw_text(model("gan"), "XYZ").shape == (28, 84)


def test_what_cannot_be_drawn_is_told():
    with pytest.raises(InputError, match="'X' cannot be drawn"):
        draw_text(model(), "AX")
    with pytest.raises(InputError, match="a classifier draws nothing; name a model that does"):
        draw_text(model("classifier"), "A")
    with pytest.raises(InputError, match="--count 30000: that is more than 50,000 characters"):
        DrawingOptions(count=30_000).check_text("AB")
    with pytest.raises(ValueError, match="spread is inf"):
        DrawingOptions(spread=float("inf"))
    with pytest.raises(ValueError, match="variety is -1"):
        ImitationOptions(variety=-1.0)


def test_an_imitation_stands_below_its_prompts_and_a_line():
    prompts = np.random.default_rng(0).integers(0, 256, (2, 28, 28), dtype=np.uint8)
    picture = draw_imitation(model("ssvae"), prompts, "ABCA", ImitationOptions(columns=3))
    assert picture.shape == (28 + 6 + 56, 84)
    assert (
        np.array_equal(picture[:28, :56], 255 - np.hstack(list(prompts))) and (picture[:28, 56:] == 255).all()
    )
    assert (picture[31] == 160).all() and (np.delete(picture[28:34], 3, 0) == 255).all()
    every = draw_imitation(model("ssvae"), prompts)
    assert every.shape == (28 + 6 + 28, 84)


class Brightest(Classifier):
    """The brightness of the first three pixels are the logits of three classes."""

    def __init__(self) -> None:
        super().__init__(3, ClassifierSizes(width=2, features=4))

    def forward(self, images):
        return images.flatten(1)[:, :3] * 10


def test_a_reading_is_the_likeliest_first_among_those_that_it_can_be():
    m = CharacterModel(Brightest(), "ABC")
    image = np.zeros((28, 28), np.uint8)
    image[0, :3] = 51, 102, 0
    e = np.exp([2.0, 4.0, 0.0])
    found = read_character(m, image)
    assert list(found) == ["B", "A", "C"] and sum(found.values()) == pytest.approx(1)
    assert found["A"] == pytest.approx(e[0] / e.sum(), rel=1e-5)
    assert list(read_character(m, image, most=2)) == ["B", "A"]
    assert read_character(m, image, "CAA") == pytest.approx(
        {"A": e[0] / (e[0] + e[2]), "C": e[2] / (e[0] + e[2])}
    )
    with pytest.raises(InputError, match="a cvae cannot read; name a model that can"):
        read_character(model(), image)
