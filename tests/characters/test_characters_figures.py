"""Pictures of characters: what stands where, black on white, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from strokes.characters import figures, latent
from strokes.characters.figures import (
    curves,
    imitation_sheet,
    model_sheet,
    save_picture,
    sheet,
    typeset,
)
from strokes.characters.imitation import STYLES, alter
from strokes.characters.kinds.cgan import ConditionalGAN, ConditionalGANSizes
from strokes.characters.latent import LatentDirections, latent_map
from strokes.characters.model import CharacterModel, build
from strokes.files import InputError


def model(kind: str, classes: str = "ABC") -> CharacterModel:
    sizes = {
        "ssvae": {"latent": 3, "channels": 2, "hidden": 4},
        "cvae": {"hidden": 6, "latent": 3},
        "gan": {"latent": 3, "hidden": 6},
        "cgan": {"latent": 3, "width": 4},
        "classifier": {"width": 2, "features": 4},
    }[kind]
    torch.manual_seed(2)
    return CharacterModel(build(kind, len(classes), sizes).eval().requires_grad_(False), classes)


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8)


def tile(picture: np.ndarray, row: int, column: int) -> np.ndarray:
    return picture[28 * row : 28 * (row + 1), 28 * column : 28 * (column + 1)]


# -- sheets and lines -----------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "columns"), [(6, 3), (7, 3), (1, 1), (2, 5)])
def test_images_stand_in_rows_black_on_white_and_what_is_left_stays_white(count, columns):
    images = noise(count)
    picture = sheet(images, columns)
    rows = -(-count // columns)
    assert picture.dtype == np.uint8 and picture.shape == (28 * rows, 28 * columns)
    for i in range(rows * columns):
        wanted = 255 - images[i] if i < count else np.full((28, 28), 255)
        assert np.array_equal(tile(picture, i // columns, i % columns), wanted)
    as_shares = torch.from_numpy(images)[:, None].float() / 255
    assert np.array_equal(sheet(as_shares, columns), picture)


def spell(characters: str) -> torch.Tensor:
    """Images whose every pixel is the character's code."""
    codes = torch.tensor([ord(c) for c in characters], dtype=torch.float32)
    return (codes / 255)[:, None, None, None].expand(-1, 1, 28, 28)


def read(picture: np.ndarray) -> list[str]:
    """The lines of what `spell` drew, blanks as blanks."""
    codes = 255 - picture[::28, ::28]
    assert np.array_equal(np.kron(codes, np.ones((28, 28), np.uint8)), 255 - picture)
    return ["".join(chr(c) if c else " " for c in row) for row in codes]


@pytest.mark.parametrize(
    ("text", "columns", "lines"),
    [
        ("A", 24, ["A"]),
        ("AB CD", 24, ["AB CD"]),
        ("AB CD", 5, ["AB CD"]),
        ("AB CD", 4, ["AB", "CD"]),
        ("AAA BB C", 6, ["AAA BB", "C     "]),
        ("A\n\nBC", 24, ["A ", "  ", "BC"]),
        ("A B\nC", 24, ["A B", "C  "]),
        ("ABCDEFG", 3, ["ABC", "DEF", "G  "]),
        ("ABCDEF", 3, ["ABC", "DEF"]),
        ("A BCDEFG", 3, ["A  ", "BCD", "EFG"]),
        ("ABCDE F", 3, ["ABC", "DE ", "F  "]),
        ("ABCD F", 3, ["ABC", "D F"]),
        ("AB C", 1, ["A", "B", "C"]),
    ],
)
def test_lines_are_kept_words_wrapped_and_long_ones_broken(text, columns, lines):
    assert read(typeset(text, spell, columns)) == lines


def test_several_blanks_are_several():
    assert read(typeset("A  B", spell)) == ["A  B"]


@settings(max_examples=60, deadline=None)
@given(st.text("ABCD \n", max_size=40), st.integers(1, 9))
def test_every_character_is_drawn_once_in_its_order(text, columns):
    asked = []

    def draw(characters: str) -> torch.Tensor:
        asked.append(characters)
        return spell(characters)

    wanted = "".join(text.split())
    if not wanted:
        with pytest.raises(InputError, match="no character to draw"):
            typeset(text, draw, columns)
        assert not asked
        return
    lines = read(typeset(text, draw, columns))
    assert asked == [wanted] and "".join("".join(lines).split()) == wanted
    assert max(map(len, lines)) <= columns and any(not line.endswith(" ") for line in lines)
    for word in text.split():
        assert len(word) > columns or any(word in line for line in lines)


# -- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.png", "a.PNG", "a.jpg", "a.jpeg", "a.gif", "a.tif", "a.webp", "a.bmp"])
def test_a_picture_is_written_enlarged(name, tmp_path):
    picture = np.kron(np.array([[0, 255], [255, 255]], np.uint8), np.ones((28, 28), np.uint8))
    save_picture(picture, tmp_path / name, 2)
    image = Image.open(tmp_path / name).convert("L")
    assert image.size == (112, 112) and [p.name for p in tmp_path.iterdir()] == [name]
    pixels = np.asarray(image).astype(int)
    assert pixels[20:36, 20:36].max() < 40 and pixels[76:92].min() > 215 and pixels[20:36, 76:92].min() > 215


def test_a_picture_may_be_a_page_and_may_have_colours(tmp_path):
    save_picture(noise(1)[0], tmp_path / "a.pdf")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    save_picture(np.full((5, 4, 3), (255, 0, 0), np.uint8), tmp_path / "a.png", 1)
    assert Image.open(tmp_path / "a.png").getpixel((2, 2)) == (255, 0, 0)


@pytest.mark.parametrize("name", ["a.xyz", "a", "a.txt", "a.svg", "none/a.png", ""])
def test_what_is_no_format_or_no_place_is_refused(name, tmp_path):
    with pytest.raises(InputError):
        save_picture(noise(1)[0], tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_picture_too_long_for_its_format_is_refused(tmp_path):
    tall = np.full((33000, 1), 255, np.uint8)
    with pytest.raises(InputError):
        save_picture(tall, tmp_path / "a.jpg", 2)
    assert not list(tmp_path.iterdir())
    save_picture(tall, tmp_path / "a.png", 2)


# -- models ---------------------------------------------------------------------------------------


class Levels(ConditionalGAN):
    """Draws each class in a grey of its own, a little lighter each time."""

    def __init__(self) -> None:
        super().__init__(4, ConditionalGANSizes(latent=3, width=4))

    def sample(self, labels, generator=None, z=None):
        return (labels / 10 + torch.arange(len(labels)) / 1000)[:, None, None, None].expand(-1, 1, 28, 28)


def test_a_sheet_has_a_column_a_class():
    picture = model_sheet(CharacterModel(Levels(), "ABCD"), rows=3)
    assert picture.shape == (3 * 28, 4 * 28)
    for row in range(3):
        for column in range(4):
            wanted = 255 - round(255 * (column / 10 + (3 * column + row) / 1000))
            assert (tile(picture, row, column) == wanted).all()


@pytest.mark.parametrize("kind", ["ssvae", "cvae", "cgan", "gan"])
def test_every_model_that_draws_has_a_sheet(kind):
    one, again, other = (model_sheet(model(kind), rows=2, seed=seed) for seed in (1, 1, 2))
    assert one.shape == (2 * 28, 3 * 28)
    assert np.array_equal(one, again) and not np.array_equal(one, other)


def test_an_imitation_sheet_has_a_row_a_style_with_the_altered_prompts():
    prompts = np.zeros((2, 28, 28), np.uint8)
    prompts[:, 4:24, 12:16] = 255
    picture = imitation_sheet(model("ssvae"), prompts, "ABCA")
    assert picture.shape[0] == 28 * len(STYLES) and picture.dtype == np.uint8
    for row, changes in enumerate(STYLES.values()):
        line = picture[28 * row : 28 * (row + 1)]
        wanted = sheet(alter(prompts, **changes), 2)
        assert any(np.array_equal(line[:, x : x + 56], wanted) for x in range(line.shape[1] - 55))
    with pytest.raises(InputError, match="cannot imitate"):
        imitation_sheet(model("cvae"), prompts, "A")


# -- maps -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ssvae", "cvae"])
def test_a_map_of_the_latent_space_is_drawn(kind, tmp_path):
    images, labels = noise(40), np.arange(40) % 3
    latent_map(model(kind), tmp_path / "map.png", character="B", images=images, labels=labels)
    image = Image.open(tmp_path / "map.png")
    assert image.format == "PNG" and min(image.size) > 500
    assert np.ptp(np.asarray(image.convert("L"))) > 100
    assert [p.name for p in tmp_path.iterdir()] == ["map.png"]


def test_a_map_without_images_shows_what_the_model_draws(tmp_path, monkeypatch):
    kept = []
    monkeypatch.setattr(latent, "save", lambda figure, path, **_: kept.append((figure, path)))
    latent_map(model("cvae"), tmp_path / "map.png")
    figure, path = kept[0]
    titles = [axes.get_title() for axes in figure.axes]
    assert path == tmp_path / "map.png" and len(titles) == 3
    assert titles[0].startswith("2001 images") and titles[1].startswith("A over")
    letters = {t.get_text() for t in figure.axes[0].texts}
    assert letters == set("ABC")


def test_directions_are_the_principal_ones_of_the_means():
    rng = np.random.default_rng(3)
    means = torch.from_numpy(rng.normal(size=(200, 4)) * [1.0, 5.0, 2.0, 0.1] + [3.0, 0.0, 1.0, 2.0])
    found = LatentDirections.of(means)
    values, vectors = np.linalg.eigh(np.cov(means.numpy(), rowvar=False))
    assert found.spreads.numpy() == pytest.approx(np.sqrt(values[::-1]))
    assert np.abs((found.directions.numpy() * vectors.T[::-1]).sum(1)) == pytest.approx(np.ones(4))
    assert found.places.std(0).numpy() == pytest.approx(np.ones(4))
    steps = torch.tensor([-1.0, 0.5], dtype=torch.float64)
    for direction in range(4):  # a place on a direction is found again there
        back = (found.along(direction, steps) - found.centre) @ found.directions.T / found.spreads
        expected = torch.zeros(2, 4, dtype=torch.float64)
        expected[:, direction] = steps
        assert torch.allclose(back, expected, atol=1e-9)
    assert torch.allclose(
        found.plane(steps, 2 * steps), found.along(0, steps) + found.along(1, 2 * steps) - found.centre
    )


@pytest.mark.parametrize("kind", ["gan", "cgan", "classifier"])
def test_what_has_no_posterior_has_no_map(kind, tmp_path):
    with pytest.raises(InputError, match=f"a {kind} has no posterior to map.*ssvae or cvae"):
        latent_map(model(kind), tmp_path / "map.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "character"), [("map.xyz", "A"), ("none/map.png", "A"), ("map.png", "X")])
def test_a_map_that_cannot_be_drawn_leaves_nothing(name, character, tmp_path):
    with pytest.raises(InputError):
        latent_map(
            model("cvae"), tmp_path / name, character=character, images=noise(9), labels=np.arange(9) % 3
        )
    assert not list(tmp_path.iterdir())


# -- curves ---------------------------------------------------------------------------------------


def logged(folder, *rows) -> None:
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


ROWS = [
    {
        "event": "train",
        "step": 5,
        "epoch": 1,
        "seconds": 1.0,
        "learning_rate": 1e-3,
        "skipped": 0,
        "loss": 3.0,
        "accuracy": 0.2,
    },
    {"event": "validation", "step": 5, "epoch": 1, "seconds": 1.0, "loss": 2.5, "accuracy": 0.3},
    {
        "event": "train",
        "step": 10,
        "epoch": 2,
        "seconds": 2.0,
        "learning_rate": 1e-3,
        "skipped": 0,
        "loss": 2.0,
        "accuracy": 0.4,
    },
]


def test_every_figure_of_a_run_is_drawn_over_its_epochs(tmp_path, monkeypatch):
    logged(tmp_path, *ROWS)
    curves(tmp_path, tmp_path / "curves.png")
    assert Image.open(tmp_path / "curves.png").format == "PNG"
    assert {p.name for p in tmp_path.iterdir()} == {"metrics.jsonl", "curves.png"}
    kept = []
    monkeypatch.setattr(figures, "save", lambda figure, path, **_: kept.append(figure))
    curves(tmp_path, tmp_path / "curves.png")
    lines = {
        (axes.get_ylabel(), line.get_label()): line.get_xydata().tolist()
        for axes in kept[0].axes
        for line in axes.get_lines()
    }
    assert lines == {
        ("loss", "loss, train"): [[1, 3.0], [2, 2.0]],
        ("loss", "loss, validation"): [[1, 2.5]],
        ("accuracy", "accuracy, train"): [[1, 0.2], [2, 0.4]],
        ("accuracy", "accuracy, validation"): [[1, 0.3]],
    }


def test_both_losses_of_a_pair_of_networks_share_a_panel(tmp_path, monkeypatch):
    row = {
        "event": "train",
        "epoch": 1,
        "generator_loss": 1.0,
        "discriminator_loss": 2.0,
        "score_real": 0.6,
        "score_drawn": 0.4,
    }
    logged(tmp_path, row)
    kept = []
    monkeypatch.setattr(figures, "save", lambda figure, path, **_: kept.append(figure))
    curves(tmp_path, "curves.png")
    assert [len(axes.get_lines()) for axes in kept[0].axes] == [2, 2]


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "\n",
        "{oh\n",
        '{"event": "train", "epoch": 1, "seconds": 2.0}\n',
        "[]\n",
        "3\n" * 3,
        '{"loss": [1]}\n{"loss": 1}\n',
        '{"loss": 1e400}\n',
        "[" * 10_000,
        "\xff\xfe\n",
    ],
)
def test_a_run_without_figures_has_no_curves(content, tmp_path):
    if content is not None:
        (tmp_path / "metrics.jsonl").write_text(content)
    with pytest.raises(InputError, match=r"metrics\.jsonl") as caught:
        curves(tmp_path, tmp_path / "curves.png")
    assert "\n" not in str(caught.value) and not (tmp_path / "curves.png").exists()


@pytest.mark.parametrize("last", ['{"event": "train", "ep', '{"event": "train", "loss": "high"}\n', "{}\n"])
def test_a_row_that_was_cut_off_or_says_nothing_is_passed_over(last, tmp_path):
    logged(tmp_path, *ROWS)
    curves(tmp_path, tmp_path / "whole.png")
    with open(tmp_path / "metrics.jsonl", "a") as f:
        f.write(last)
    curves(tmp_path, tmp_path / "more.png")
    assert (tmp_path / "more.png").read_bytes() == (tmp_path / "whole.png").read_bytes()


def test_curves_in_no_format_are_refused(tmp_path):
    logged(tmp_path, *ROWS)
    with pytest.raises(InputError, match="xyz"):
        curves(tmp_path, tmp_path / "curves.xyz")
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.jsonl"]
