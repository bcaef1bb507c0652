"""The real files, where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from character_files import prepare, same

from strokes.characters.data import TEST, TRAIN, VALIDATION


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder that STROKES_CHARACTERS names, or shared/data/characters beside the repository."""
    given = os.environ.get("STROKES_CHARACTERS")
    root = Path(given or Path(__file__).parents[3] / "../shared/data/characters")
    if not (root / "train-images-idx3-ubyte.gz").is_file():
        pytest.skip("MNIST and the letters are not here: name their folder in STROKES_CHARACTERS")
    return root


def test_real_mnist_has_the_counts_that_all_know_and_comes_out_unchanged(real):
    files = [real / f"{part}-images-idx3-ubyte.gz" for part in ("train", "t10k")]
    characters, report = prepare(files, validation=1 / 12)
    assert report.counts[0] == {"read": 70000, "kept": 70000} and characters.classes == "0123456789"
    counts = characters.counts()
    assert counts[:, TEST].tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    trained = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert (counts[:, TRAIN] + counts[:, VALIDATION]).tolist() == trained
    assert abs(counts[:, VALIDATION].sum() - 5000) <= 10
    raw = prepare(files, validation=1 / 12, conform=False)[0]
    assert same(raw, characters)


def test_the_real_letters_are_all_there_upright_and_centred(real):
    path = next(real.glob("A_Z*.csv.gz"))
    characters, report = prepare([path], cap=100)
    assert report.counts[0]["read"] == 5352
    every = prepare([path])[0]
    totals = dict(zip(every.classes, every.counts().sum(axis=1).tolist(), strict=True))
    assert len(totals) == 26 and sum(totals.values()) == 5352
    assert max(totals.values()) == totals["O"] == 985 and min(totals.values()) == totals["V"] == 103
    assert (totals["A"], totals["F"], totals["G"], totals["Z"]) == (161, 106, 110, 113)
    assert characters.counts()[:, TRAIN].max() == 100
    index = np.arange(28)
    mass = every.images.sum(axis=(1, 2), dtype=float)
    for axis in (1, 2):
        middle = (every.images.sum(axis=axis, dtype=float) @ index) / mass
        assert abs(middle.mean() - 14) < 0.05 and np.abs(middle - 14).max() < 1.6
    # L has its foot below and its stem to the left, T its bar above.
    mean = {c: every.images[every.labels == every.classes.index(c)].mean(axis=0) for c in "LT"}
    assert (
        mean["L"][18:].sum() > 1.3 * mean["L"][:10].sum()
        and mean["T"][:11].sum() > 1.15 * mean["T"][18:].sum()
    )
    assert mean["L"][18:, 16:].sum() > 3 * mean["L"][:12, 18:].sum()  # the foot points to the right


def test_real_pen_strokes_look_like_the_real_images(real):
    """Drawn digits and letters lie nearest to images of their own class, far above chance."""
    path = real / "char74k.json.gz"
    if not path.is_file():
        pytest.skip("char74k.json.gz is not beside MNIST")
    drawn, report = prepare([path], validation=0, test=1)
    assert report.counts[0] == {"read": 62 * 55, "kept": 36 * 55, "lower case": 26 * 55}
    known = prepare([real], cap=150)[0]
    known_images, known_labels = known.subset("train")

    def unit(images):
        flat = images.reshape(len(images), -1).astype(np.float32)
        return flat / np.linalg.norm(flat, axis=1, keepdims=True)

    nearest = known_labels[(unit(drawn.images[::4]) @ unit(known_images).T).argmax(axis=1)]
    assert known.classes == drawn.classes and (nearest == drawn.labels[::4]).mean() > 0.6
