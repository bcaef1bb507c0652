"""idx files and what their labels mean: what is read, and damage that is named with its row."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from character_files import (
    DIGITS,
    IMAGES,
    LABELS,
    LETTERS,
    idx,
    made_images,
    prepare,
    read_all,
    rows,
    same,
    write_idx,
)

from data_prep.characters import idx_files
from data_prep.characters.idx_files import read_idx
from strokes.characters.data import TEST
from strokes.characters.scaling import conform
from strokes.files import InputError


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("dot", [True, False])
def test_mnist_keeps_its_images_labels_and_test_split(packed, dot, tmp_path):
    train, test = made_images(50), made_images(20, 1)
    write_idx(tmp_path, train, np.arange(50) % 10, "train-", packed)
    write_idx(tmp_path, test, np.arange(20) % 10, "t10k-", packed)
    if dot:  # as some unpackers name them
        for path in list(tmp_path.iterdir()):
            path.rename(path.with_name(path.name.replace("-idx", ".idx")))
    characters, report = prepare([tmp_path], validation=0.2)
    assert characters.classes == "0123456789" and characters.sources == ("mnist",)
    assert (characters.counts() == [4, 1, 2]).all()
    of = {image.tobytes(): str(i % 10) for images in (train, test) for i, image in enumerate(images)}
    tested = {image.tobytes() for image in test}
    for image, label, split, _ in rows(characters):
        assert of[image] == label and (split == "test") == (image in tested)
    assert len(characters) == 70 and report.counts[0] == {"read": 70, "kept": 70}


def test_a_pair_may_be_named_by_either_file(tmp_path):
    write_idx(tmp_path, made_images(30), np.arange(30) % 10)
    write_idx(tmp_path, made_images(10, 1), np.arange(10), "t10k-")
    whole = prepare([tmp_path])[0]
    names = ["train-labels-idx1-ubyte.gz", "train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"]
    assert same(whole, prepare([tmp_path / n for n in names])[0])
    alone = prepare([tmp_path / names[1]], test=0.5, validation=0)[0]
    assert alone.counts().sum(axis=0).tolist() == [10, 0, 20]  # 3 a class, half and half rounds up


def test_a_file_that_is_there_packed_and_unpacked_is_read_once(tmp_path):
    write_idx(tmp_path, made_images(30), np.arange(30) % 10, "t10k-", packed=True)
    write_idx(tmp_path, made_images(30), np.arange(30) % 10, "t10k-", packed=False)
    assert len(prepare([tmp_path])[0]) == 30


def test_blocks_join_without_a_seam(tmp_path, monkeypatch):
    images, labels = made_images(50), np.arange(50) % 10
    write_idx(tmp_path, images, labels)
    monkeypatch.setattr(idx_files, "_ROWS_A_BLOCK", 7)
    files = [tmp_path / f"train-{n}-ubyte.gz" for n in ("images-idx3", "labels-idx1")]
    blocks = list(read_idx(*files, DIGITS))
    assert [len(b[0]) for b in blocks] == [7] * 7 + [1]
    read, text = read_all(blocks)
    assert np.array_equal(read, images) and text == "0123456789" * 5


def test_emnist_is_turned_upright_and_its_letters_count_from_one(tmp_path):
    images = made_images(52)
    labels = np.arange(52) % 26 + 1
    write_idx(tmp_path, images.transpose(0, 2, 1), labels, "emnist-letters-train-")
    characters, report = prepare([tmp_path], validation=0, test=0)
    assert characters.classes == "".join(LETTERS.values()) and characters.sources == ("emnist-letters",)
    of = {image.tobytes(): LETTERS[i % 26] for i, image in enumerate(images)}
    assert {(i, c) for i, c, _, _ in rows(characters)} == set(of.items())
    assert report.merged == ("emnist-letters",) and "upper and lower case" in report.table()
    lying = prepare([tmp_path], transposed="no", conform=False)[0]
    assert {i.tobytes() for i in lying.images} == {np.ascontiguousarray(i.T).tobytes() for i in images}


def test_orientation_can_be_forced(tmp_path):
    images = made_images(10)
    write_idx(tmp_path, images.transpose(0, 2, 1), np.arange(10))
    turned = prepare([tmp_path], transposed="yes")[0]
    assert {i.tobytes() for i in turned.images} == {i.tobytes() for i in images}


@pytest.mark.parametrize(
    ("part", "labels", "expected"),
    [
        ("byclass", [0, 9, 10, 35, 36, 61], "09AZaz"),
        ("balanced", [0, 10, 35, 36, 46], "0AZat"),
        ("bymerge", [36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46], "abdefghnqrt"),
        ("digits", [0, 9], "09"),
        ("mnist", [0, 9], "09"),
    ],
)
def test_the_parts_of_emnist_have_their_own_labels(part, labels, expected, tmp_path):
    write_idx(tmp_path, made_images(len(labels)), labels, f"emnist-{part}-test-")
    characters = prepare([tmp_path], classes=expected)[0]
    by_image = {image: c for image, c, split, _ in rows(characters)}
    images = conform(made_images(len(labels)).transpose(0, 2, 1))
    assert [by_image[np.ascontiguousarray(i).tobytes()] for i in images] == list(expected)
    assert (characters.splits == TEST).all()


def test_lower_case_is_left_out_and_counted(tmp_path):
    labels = [3, 10, 11, 36, 37, 37]
    write_idx(tmp_path, made_images(6), labels, "emnist-byclass-train-")
    characters, report = prepare([tmp_path])
    assert characters.classes == "3AB" and len(characters) == 3
    assert report.counts[0] == {"read": 6, "kept": 3, "lower case": 3}
    assert "left out: lower case" in report.table()
    _, report = prepare([tmp_path], classes="AB")
    assert report.counts[0] == {"read": 6, "kept": 2, "lower case": 3, "other class": 1}


@pytest.mark.parametrize("name", ["emnist-letters-mapping.txt", "mapping.txt"])
def test_a_mapping_beside_the_files_wins(name, tmp_path):
    write_idx(tmp_path, made_images(3), [0, 1, 7], "emnist-letters-train-")
    (tmp_path / name).write_text("0 81 113\n1 55\n\n7 88 120\n")
    assert prepare([tmp_path])[0].classes == "7QX"


@pytest.mark.parametrize("mapping", ["", "0\n", "0 x\n", "300 65\n", "0 65\n0 66\n", "0 10\n", "-1 65\n"])
def test_a_mapping_that_is_none_is_told(mapping, tmp_path):
    write_idx(tmp_path, made_images(3), [0, 0, 0])
    (tmp_path / "mapping.txt").write_text(mapping)
    with pytest.raises(InputError, match=r"mapping\.txt: (row \d|it is empty)"):
        prepare([tmp_path])


def test_a_part_of_emnist_that_nobody_knows_asks_for_a_mapping(tmp_path):
    write_idx(tmp_path, made_images(3), [0, 0, 0], "emnist-kanji-train-")
    with pytest.raises(InputError, match=r"emnist-kanji.*mapping\.txt"):
        prepare([tmp_path])


@pytest.mark.parametrize(
    ("images", "labels", "says"),
    [
        (idx(IMAGES, magic=0x802), None, r"images.*magic number is 0x00000802.*0x00000803"),
        (idx(IMAGES, magic=0xD03), None, r"images.*magic number is 0x00000d03"),
        (idx(LABELS), None, r"images.*magic number is 0x00000801.*\(it is a file of labels\)"),
        (None, idx(IMAGES), r"labels.*magic number is 0x00000803.*\(it is a file of images\)"),
        (None, idx(LABELS[:8]), r"images.*9 images.*labels.* 8 labels"),
        (idx(IMAGES)[:-1], None, r"images.*breaks off at image 9 of 9"),
        (idx(IMAGES)[: 16 + 784 * 4], None, r"images.*breaks off at image 5 of 9"),
        (None, idx(LABELS)[:-2], r"labels.*breaks off at label 8 of 9"),
        (idx(IMAGES)[:11], None, "images.*within its header"),
        (b"", None, "images.*within its header"),
        (idx(IMAGES) + b"\0", None, "images.*goes on after the 9 images"),
        (None, idx(LABELS) + b"\0\0", "labels.*goes on after the 9 labels"),
        (idx(IMAGES[:, :14, :14]), None, "images.*14 x 14 pixels, not 28 x 28"),
        (None, idx(np.r_[LABELS[:6], 10, 7, 8]), "labels.*row 7 has the label 10.*0 to 9"),
        (idx(IMAGES, count=2**31), None, "images.*counts 2,147,483,648"),
        (gzip.compress(idx(IMAGES))[:-30], None, "images.*gzip data are damaged or break off"),
        (gzip.compress(idx(IMAGES))[:-8] + bytes(8), None, "images.*gzip data are damaged"),
        (b"\x1f\x8b" + bytes(90), None, "images.*gzip data are damaged"),
    ],
)
def test_bad_idx_files_are_named_with_the_row(images, labels, says, tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(IMAGES) if images is None else images)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(LABELS) if labels is None else labels)
    with pytest.raises(InputError, match=says) as caught:
        prepare([tmp_path])
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)


def test_half_a_pair_is_told(tmp_path):
    write_idx(tmp_path, IMAGES, LABELS)
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(InputError, match="train-images.*the file of labels is not beside it"):
        prepare([tmp_path])
