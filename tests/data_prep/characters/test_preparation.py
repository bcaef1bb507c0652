"""Classes, options, the table and the progress of preparing characters."""

from __future__ import annotations

import numpy as np
import pytest
from character_files import csv_lines, draw, made_images, prepare, write_csv, write_idx

from data_prep.characters.options import PreparationOptions
from strokes.characters.data import TRAIN
from strokes.characters.scaling import conform
from strokes.files import InputError


def test_classes_are_those_that_are_there_or_those_asked_for(letters, tmp_path):
    assert prepare([letters])[0].classes == "ABC"
    chosen = prepare([letters], classes="CA")[0]
    assert chosen.classes == "CA" and chosen.counts().sum(axis=1).tolist() == [60, 20]
    with pytest.raises(InputError, match="no image of the classes DEFGHIJKLMNOPQRSTUVWXYZ"):
        prepare([letters], classes="letters")
    with pytest.raises(InputError, match=r"no image of the classes 0123456789 .*120 images of others"):
        prepare([letters], classes="digits")
    for wrong in ("AA", "A B", "A\n"):
        with pytest.raises(InputError, match="classes must be"):
            prepare([letters], classes=wrong)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"validation": -0.1}, "validation is -0.1; it must be a number from 0 to 1"),
        ({"test": float("nan")}, "test is nan"),
        ({"validation": 0.6, "test": 0.5}, "shares"),
        ({"cap": -1}, "cap is -1"),
        ({"cap": 10**30}, "cap is 1"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**70}, "seed is 1180591620717411303424"),
        ({"pen_width": 0.0}, "pen_width is 0.0"),
        ({"pen_width": float("inf")}, "pen_width is inf"),
        ({"transposed": "maybe"}, "transposed is 'maybe'"),
        ({"classes": ""}, "classes is ''"),
        ({"classes": "x" * 1000}, "classes is 'xxx"),
    ],
)
def test_options_out_of_range(options, says):
    with pytest.raises(ValueError, match=f"^{says}|^the {says}"):
        PreparationOptions(**options)


@pytest.mark.parametrize("deduplicate", [True, False])
@pytest.mark.parametrize("level", [0, 200])
def test_images_that_are_all_the_same_are_told(deduplicate, level, tmp_path):
    """Blank or not: of two classes, so that none is left where the same image may not be there twice."""
    images = np.zeros((6, 28, 28), np.uint8)
    images[:, 8:20, 12:16] = level
    write_idx(tmp_path, images, [0, 1] * 3)
    if deduplicate:
        with pytest.raises(
            InputError, match=r"no image is left of 6 \(one image, two classes: 6\)"
        ) as caught:
            prepare([tmp_path])
        assert "--no-deduplicate" in str(caught.value) and "\n" not in str(caught.value)
    else:
        characters, report = prepare([tmp_path], deduplicate=False)
        assert len(characters) == 6 and report.counts[0] == {"read": 6, "kept": 6}


def test_images_are_made_to_conform_unless_told_otherwise(tmp_path):
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 4:24, 4:6] = 250
    image[0, 22:24, 4:18] = 250
    path = write_csv(tmp_path / "l.csv", csv_lines(image, [11]))
    assert np.array_equal(prepare([path])[0].images, conform(image)) and (conform(image) != image).any()
    assert np.array_equal(prepare([path], conform=False)[0].images, image)


def test_the_table_adds_up(letters, tmp_path):
    other = write_idx(tmp_path / "digits", made_images(30), np.arange(30) % 10)
    report = prepare([letters, other], cap=12)[1]
    for count in report.counts:
        assert count["read"] == count.total() - count["read"]
    table = {line.split("  ")[0]: line.split() for line in report.table().splitlines() if line}
    assert table["read"][1:] == ["120", "30", "150"]
    assert table["left out: over the cap"][-1] == str(150 - int(table["kept"][-1]))
    assert table["train"][1] == str(report.splits[:, TRAIN].sum())


def test_progress_tells_every_byte_and_picture(letters, tmp_path):
    for n in range(3):
        draw(tmp_path / "mine" / "L" / f"{n}.png", 6 + n)
    seen = {}

    def progress(what, total):
        seen[what] = [total, 0]

        def tick(done):
            seen[what][1] += done

        return tick

    prepare([letters, tmp_path / "mine"], progress=progress)
    assert seen == {"letters.csv": [letters.stat().st_size] * 2, "pictures": [3, 3]}
