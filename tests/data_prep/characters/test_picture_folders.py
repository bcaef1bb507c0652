"""Folders of pictures: what is read, and bad pictures, which are named and left out."""

from __future__ import annotations

import numpy as np
import pytest
from character_files import draw, prepare, read_all
from PIL import Image

from data_prep.characters.picture_folders import read_folder
from strokes.files import InputError


def test_pictures_are_read_by_the_folder_they_are_in(tmp_path):
    for n in range(4):
        draw(tmp_path / "L" / f"{n}.png", 6 + n)
        draw(tmp_path / "7" / f"{n}.JPG", 6 + n, dark=False)
    draw(tmp_path / "a" / "small.bmp", 9)
    draw(tmp_path / "spare" / "x.png", 9)
    (tmp_path / "L" / "notes.txt").write_text("not a picture by its name")
    (tmp_path / "L" / "._0.png").write_text("hidden")
    read, text = read_all(read_folder(tmp_path, reject=pytest.fail))
    assert text == "7777LLLLa" and read.shape == (9, 28, 28)
    assert (read.max(axis=(1, 2)) == 255).all() and (np.median(read, axis=(1, 2)) == 0).all()
    bold, thin = read[7].sum(dtype=int), read[4].sum(dtype=int)
    assert bold > 1.2 * thin
    characters, report = prepare([tmp_path], test=0.25, validation=0)
    assert characters.classes == "7L" and characters.counts().tolist() == [[3, 0, 1], [3, 0, 1]]
    assert report.counts[0] == {"read": 9, "kept": 8, "lower case": 1}
    assert characters.sources == (tmp_path.name,)


def test_bad_pictures_are_named_counted_and_left_out(tmp_path):
    for n in (0, 3):
        draw(tmp_path / "L" / f"{n}.png", 8 + n)
    Image.new("L", (30, 30), 200).save(tmp_path / "L" / "1.png")
    (tmp_path / "L" / "2.png").write_bytes(b"no picture")
    (tmp_path / "T").mkdir()
    (tmp_path / "T" / "only.png").write_bytes(b"")
    characters, report = prepare([tmp_path])
    assert characters.classes == "L" and len(characters) == 2
    assert report.counts[0] == {"read": 5, "kept": 2, "unusable picture": 3}
    assert "left out: unusable picture" in report.table()
    blank, damaged, empty = report.warnings()
    assert (
        "1.png: " in blank and "blank" in blank and "2.png: not a picture" in damaged and "only.png" in empty
    )
    assert report.warnings(most=1) == [blank, "2 more pictures are left out"]


def test_a_folder_without_a_good_picture_is_refused(tmp_path):
    (tmp_path / "L").mkdir()
    for n in range(3):
        (tmp_path / "L" / f"{n}.png").write_bytes(b"no picture")
    with pytest.raises(
        InputError, match=r"none of 3 pictures can be used; the first: .*0\.png: not a picture"
    ):
        prepare([tmp_path])
