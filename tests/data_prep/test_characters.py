"""Sets of characters: every format, bad files that are named by row, splits that hang on images and seed alone."""

from __future__ import annotations

import gzip
import json
import os
import random
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from data_prep import character_files
from data_prep.character_files import read_char74k, read_csv, read_folder, read_idx
from data_prep.characters import ALL, find_data_sets, prepare_characters
from strokes.characters.data import SPLITS, TEST, TRAIN, VALIDATION, CharacterSet
from strokes.characters.scaling import conform
from strokes.cli import main
from strokes.files import InputError

DIGITS, LETTERS = dict(enumerate("0123456789")), dict(enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))


# -- made-up files ---------------------------------------------------------------------------------


def made_images(count: int, seed: int = 0) -> np.ndarray:
    """(n, 28, 28) uint8, all different, not symmetric, scaled and centred as MNIST's."""
    rng = np.random.default_rng(seed)
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 4:24, 5:21] = rng.integers(1, 256, (count, 20, 16))
    images[:, 4:24, 5:12] //= 2
    return conform(images)


def idx(array: np.ndarray, magic: int | None = None, **header: int) -> bytes:
    """An idx file of images (n, h, w) or labels (n,)."""
    magic = magic if magic is not None else 0x800 + array.ndim
    sizes = [header.get("count", array.shape[0]), *array.shape[1:]]
    return struct.pack(f">{1 + len(sizes)}I", magic, *sizes) + array.astype(np.uint8).tobytes()


def write_idx(
    folder: Path, images: np.ndarray, labels: np.ndarray, prefix: str = "train-", packed: bool = True
) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in (("images-idx3-ubyte", idx(images)), ("labels-idx1-ubyte", idx(np.asarray(labels)))):
        if packed:
            (folder / f"{prefix}{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / f"{prefix}{name}").write_bytes(content)
    return folder


def csv_lines(images: np.ndarray, labels: np.ndarray) -> list[str]:
    rows = np.concatenate([np.asarray(labels)[:, None], images.reshape(len(images), -1)], axis=1)
    return [",".join(map(str, row)) for row in rows.tolist()]


def write_csv(path: Path, lines: list[str], end: str = "\n") -> Path:
    content = "".join(line + end for line in lines).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def read_all(blocks) -> tuple[np.ndarray, str]:
    images, codes = zip(*blocks, strict=True)
    return np.concatenate(images), "".join(map(chr, np.concatenate(codes).tolist()))


def rows(characters: CharacterSet) -> set[tuple[bytes, str, str, str]]:
    """Image, class, split and source of every row: the set without its order."""
    return {
        (image.tobytes(), characters.classes[label], SPLITS[split], characters.sources[origin])
        for image, label, split, origin in zip(
            characters.images,
            characters.labels.tolist(),
            characters.splits.tolist(),
            characters.origins.tolist(),
            strict=True,
        )
    }


def same(a: CharacterSet, b: CharacterSet) -> bool:
    arrays = all(
        np.array_equal(getattr(a, k), getattr(b, k)) for k in ("images", "labels", "splits", "origins")
    )
    return arrays and (a.classes, a.sources) == (b.classes, b.sources)


# -- idx -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("dot", [True, False])
def test_mnist_keeps_its_images_labels_and_test_split(packed, dot, tmp_path):
    train, test = made_images(50), made_images(20, 1)
    write_idx(tmp_path, train, np.arange(50) % 10, "train-", packed)
    write_idx(tmp_path, test, np.arange(20) % 10, "t10k-", packed)
    if dot:  # as some unpackers name them
        for path in list(tmp_path.iterdir()):
            path.rename(path.with_name(path.name.replace("-idx", ".idx")))
    characters, report = prepare_characters([tmp_path], validation=0.2)
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
    whole = prepare_characters([tmp_path])[0]
    names = ["train-labels-idx1-ubyte.gz", "train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"]
    assert same(whole, prepare_characters([tmp_path / n for n in names])[0])
    alone = prepare_characters([tmp_path / names[1]], test=0.5, validation=0)[0]
    assert alone.counts().sum(axis=0).tolist() == [10, 0, 20]  # 3 a class, half and half rounds up


def test_a_file_that_is_there_packed_and_unpacked_is_read_once(tmp_path):
    write_idx(tmp_path, made_images(30), np.arange(30) % 10, "t10k-", packed=True)
    write_idx(tmp_path, made_images(30), np.arange(30) % 10, "t10k-", packed=False)
    assert len(prepare_characters([tmp_path])[0]) == 30


def test_blocks_join_without_a_seam(tmp_path, monkeypatch):
    images, labels = made_images(50), np.arange(50) % 10
    write_idx(tmp_path, images, labels)
    monkeypatch.setattr(character_files, "_ROWS_A_BLOCK", 7)
    files = [tmp_path / f"train-{n}-ubyte.gz" for n in ("images-idx3", "labels-idx1")]
    blocks = list(read_idx(*files, DIGITS))
    assert [len(b[0]) for b in blocks] == [7] * 7 + [1]
    read, text = read_all(blocks)
    assert np.array_equal(read, images) and text == "0123456789" * 5


def test_emnist_is_turned_upright_and_its_letters_count_from_one(tmp_path):
    images = made_images(52)
    labels = np.arange(52) % 26 + 1
    write_idx(tmp_path, images.transpose(0, 2, 1), labels, "emnist-letters-train-")
    characters, report = prepare_characters([tmp_path], validation=0, test=0)
    assert characters.classes == "".join(LETTERS.values()) and characters.sources == ("emnist-letters",)
    of = {image.tobytes(): LETTERS[i % 26] for i, image in enumerate(images)}
    assert {(i, c) for i, c, _, _ in rows(characters)} == set(of.items())
    assert report.merged == ("emnist-letters",) and "upper and lower case" in report.table()
    lying = prepare_characters([tmp_path], transposed=False, conform=False)[0]
    assert {i.tobytes() for i in lying.images} == {np.ascontiguousarray(i.T).tobytes() for i in images}


def test_orientation_can_be_forced(tmp_path):
    images = made_images(10)
    write_idx(tmp_path, images.transpose(0, 2, 1), np.arange(10))
    turned = prepare_characters([tmp_path], transposed=True)[0]
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
    characters = prepare_characters([tmp_path], classes=expected)[0]
    by_image = {image: c for image, c, split, _ in rows(characters)}
    images = conform(made_images(len(labels)).transpose(0, 2, 1))
    assert [by_image[np.ascontiguousarray(i).tobytes()] for i in images] == list(expected)
    assert (characters.splits == TEST).all()


def test_lower_case_is_left_out_and_counted(tmp_path):
    labels = [3, 10, 11, 36, 37, 37]
    write_idx(tmp_path, made_images(6), labels, "emnist-byclass-train-")
    characters, report = prepare_characters([tmp_path])
    assert characters.classes == "3AB" and len(characters) == 3
    assert report.counts[0] == {"read": 6, "kept": 3, "lower case": 3}
    assert "left out: lower case" in report.table()
    letters, report = prepare_characters([tmp_path], classes="AB")
    assert report.counts[0] == {"read": 6, "kept": 2, "lower case": 3, "other class": 1}


@pytest.mark.parametrize("name", ["emnist-letters-mapping.txt", "mapping.txt"])
def test_a_mapping_beside_the_files_wins(name, tmp_path):
    write_idx(tmp_path, made_images(3), [0, 1, 7], "emnist-letters-train-")
    (tmp_path / name).write_text("0 81 113\n1 55\n\n7 88 120\n")
    assert prepare_characters([tmp_path])[0].classes == "7QX"


@pytest.mark.parametrize("mapping", ["", "0\n", "0 x\n", "300 65\n", "0 65\n0 66\n", "0 10\n", "-1 65\n"])
def test_a_mapping_that_is_none_is_told(mapping, tmp_path):
    write_idx(tmp_path, made_images(3), [0, 0, 0])
    (tmp_path / "mapping.txt").write_text(mapping)
    with pytest.raises(InputError, match=r"mapping\.txt: (row \d|it is empty)"):
        prepare_characters([tmp_path])


def test_a_part_of_emnist_that_nobody_knows_asks_for_a_mapping(tmp_path):
    write_idx(tmp_path, made_images(3), [0, 0, 0], "emnist-kanji-train-")
    with pytest.raises(InputError, match=r"emnist-kanji.*mapping\.txt"):
        prepare_characters([tmp_path])


IMAGES, LABELS = made_images(9), np.arange(9)


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
        prepare_characters([tmp_path])
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)


def test_half_a_pair_is_told(tmp_path):
    write_idx(tmp_path, IMAGES, LABELS)
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(InputError, match="train-images.*the file of labels is not beside it"):
        prepare_characters([tmp_path])


# -- CSV -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["letters.csv", "letters.csv.gz"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("block", [100, 5000, 2**20])
def test_rows_come_back_as_they_are(name, end, block, tmp_path, monkeypatch):
    monkeypatch.setattr(character_files, "_CSV_BLOCK", block)
    images, labels = made_images(30), np.arange(30) % 26
    path = write_csv(tmp_path / name, csv_lines(images, labels), end)
    ticks = []
    read, text = read_all(read_csv(path, LETTERS, tick=ticks.append))
    assert np.array_equal(read, images) and text == "".join(LETTERS[i] for i in labels)
    assert sum(ticks) == path.stat().st_size


PANDAS = ",".join(["0", "0.1", *(f"0.{n}" for n in range(2, 785))][:785])


@pytest.mark.parametrize(
    "header", ["label," + ",".join(f"{r}x{c}" for r in range(28) for c in range(28)), PANDAS]
)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_header_is_skipped(header, mark, tmp_path):
    path = write_csv(tmp_path / "l.csv", [mark + header, *csv_lines(IMAGES, LABELS)])
    read, text = read_all(read_csv(path, LETTERS))
    assert np.array_equal(read, IMAGES) and text == "ABCDEFGHI"
    lines = csv_lines(IMAGES, LABELS)
    lines[4] += ",0"
    with pytest.raises(InputError, match="row 6 has 786 values"):  # as an editor counts lines
        list(read_csv(write_csv(path, [mark + header, *lines]), LETTERS))


def test_a_file_of_a_header_only_holds_no_image(tmp_path):
    path = write_csv(tmp_path / "l.csv", [PANDAS])
    assert list(read_csv(path, LETTERS)) == []
    with pytest.raises(InputError, match="no image of the classes"):
        prepare_characters([path])


def test_blank_last_lines_spaces_and_quotes_are_borne_with(tmp_path):
    lines = csv_lines(IMAGES, LABELS)
    lines[3] = lines[3].replace(",", " , ")
    lines[5] = ",".join(f'"{v}"' for v in lines[5].split(","))
    path = tmp_path / "l.csv"
    path.write_text("\ufeff" + "\n".join(lines) + "\n\r\n  \n\n", "utf-8")
    read, text = read_all(read_csv(path, LETTERS))
    assert np.array_equal(read, IMAGES) and text == "ABCDEFGHI"
    path.write_text("\n".join(lines))  # no line feed at the end
    assert np.array_equal(read_all(read_csv(path, LETTERS))[0], IMAGES)


def broken(row: int, change) -> list[str]:
    lines = csv_lines(IMAGES, LABELS)
    lines[row - 1] = change(lines[row - 1])
    return lines


def with_value(at: int, value: str):
    def change(line: str) -> str:
        values = line.split(",")
        values[at] = value
        return ",".join(values)

    return change


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (broken(4, lambda line: line.rsplit(",", 2)[0]), "row 4 has 783 values"),
        (broken(9, lambda line: line + ","), "row 9 has 786 values"),
        (broken(2, lambda line: ""), "row 2 is blank"),
        (broken(1, with_value(700, "256")), "row 1 has the pixel 700 '256'"),
        (broken(5, with_value(784, "1000")), "row 5 has the pixel 784 '1000'"),
        (broken(5, with_value(1, "-1")), "row 5 has the pixel 1 '-1'"),
        (broken(5, with_value(3, "1.5")), "row 5 has the pixel 3 '1.5'"),
        (broken(6, with_value(3, "x")), "row 6 has the pixel 3 'x'"),
        (broken(6, with_value(3, "")), "row 6 has the pixel 3 ''"),
        (broken(6, with_value(3, "nan")), "row 6 has the pixel 3 'nan'"),
        (broken(6, with_value(3, "1_0")), "row 6 has the pixel 3 '1_0'"),
        (broken(6, with_value(3, "٣")), "row 6 has the pixel 3"),
        (broken(7, with_value(0, "26")), "row 7 has the label 26.*0 to 25"),
        (broken(7, with_value(0, "A")), "row 7 has the label 'A'"),
        (broken(1, with_value(0, "A")), "row 1 has the label 'A'"),
        (broken(8, lambda line: "0" * 50000), "row 8"),
        ([], "it is empty"),
        ([""], "it is empty"),
        (["hello, world"], "no image"),
    ],
)
@pytest.mark.parametrize("block", [2000, 2**20])
def test_bad_rows_are_named(lines, says, block, tmp_path, monkeypatch):
    monkeypatch.setattr(character_files, "_CSV_BLOCK", block)
    with pytest.raises(InputError, match=says) as caught:
        prepare_characters([write_csv(tmp_path / "l.csv", lines)])
    assert "\n" not in str(caught.value)
    if lines != ["hello, world"]:
        assert "l.csv: " in str(caught.value)


def test_a_line_without_end_is_not_kept_in_memory(tmp_path):
    path = tmp_path / "l.csv.gz"
    path.write_bytes(gzip.compress(csv_lines(IMAGES[:1], [0])[0].encode() + b"\n" + b"0," * 2**22))
    with pytest.raises(InputError, match="row 2 is longer than 785 values can be"):
        prepare_characters([path])
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in csv_lines(IMAGES, LABELS)).encode())[:-20])
    with pytest.raises(InputError, match="gzip"):
        prepare_characters([path])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 255), min_size=1, max_size=30), min_size=1, max_size=4), st.randoms())
def test_the_fast_way_reads_what_the_plain_way_reads(values, chance):
    table = np.array([(row * 785)[:785] for row in values])
    block = "".join(",".join(map(str, row)) + "\n" for row in table.tolist()).encode()
    assert np.array_equal(character_files._parse_rows(block), table)
    assert np.array_equal(character_files._parse_slowly(block, Path("x"), 1), table)
    damaged = bytearray(block)
    damaged[chance.randrange(len(block) - 1)] = chance.choice(b"0123456789,,\n\r x-.\x00\xff")
    fast = character_files._parse_rows(bytes(damaged))
    if fast is not None:  # it never guesses
        assert np.array_equal(fast, character_files._parse_slowly(bytes(damaged), Path("x"), 1))


def test_names_say_what_the_labels_of_a_csv_are(tmp_path):
    lines = csv_lines(IMAGES, LABELS)
    for name, classes in (("A_Z Handwritten Data.csv", "ABCDEFGHI"), ("mnist_train.csv", "012345678")):
        assert prepare_characters([write_csv(tmp_path / name, lines)])[0].classes == classes
    lines = csv_lines(IMAGES.transpose(0, 2, 1), LABELS + 1)
    write_csv(tmp_path / "emnist-letters-test.csv", lines)
    characters = prepare_characters([tmp_path / "emnist-letters-test.csv"])[0]
    assert characters.classes == "ABCDEFGHI" and (characters.splits == TEST).all()
    assert {i.tobytes() for i in characters.images} == {i.tobytes() for i in IMAGES}


# -- pictures --------------------------------------------------------------------------------------


def draw(path: Path, thick: int, dark: bool = True) -> None:
    """A bar with a foot."""
    picture = np.full((90, 70, 3), 240 if dark else 15, np.uint8)
    picture[10:80, 30 : 30 + thick] = picture[80 - thick : 80, 30:60] = (
        (20, 20, 90) if dark else (230, 240, 200)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)


def test_pictures_are_read_by_the_folder_they_are_in(tmp_path):
    for n in range(4):
        draw(tmp_path / "L" / f"{n}.png", 6 + n)
        draw(tmp_path / "7" / f"{n}.JPG", 6 + n, dark=False)
    draw(tmp_path / "a" / "small.bmp", 9)
    draw(tmp_path / "spare" / "x.png", 9)
    (tmp_path / "L" / "notes.txt").write_text("not a picture by its name")
    (tmp_path / "L" / "._0.png").write_text("hidden")
    read, text = read_all(read_folder(tmp_path))
    assert text == "7777LLLLa" and read.shape == (9, 28, 28)
    assert (read.max(axis=(1, 2)) == 255).all() and (np.median(read, axis=(1, 2)) == 0).all()
    bold, thin = read[7].sum(dtype=int), read[4].sum(dtype=int)
    assert bold > 1.2 * thin
    characters, report = prepare_characters([tmp_path], test=0.25, validation=0)
    assert characters.classes == "7L" and characters.counts().tolist() == [[3, 0, 1], [3, 0, 1]]
    assert report.counts[0] == {"read": 9, "kept": 8, "lower case": 1}
    assert characters.sources == (tmp_path.name,)


def test_bad_pictures_are_named(tmp_path):
    draw(tmp_path / "L" / "0.png", 8)
    Image.new("L", (30, 30), 200).save(tmp_path / "L" / "1.png")
    with pytest.raises(InputError, match=r"1\.png: .*blank"):
        prepare_characters([tmp_path])
    (tmp_path / "L" / "1.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"1\.png: not a picture"):
        prepare_characters([tmp_path])


# -- pen strokes -----------------------------------------------------------------------------------

STROKES = {
    "7": [[[[0, 0], [60, 0], [20, 100]]], [[[5, 5]]]],
    "b": [],
    "T": [[[[0, 0], [80, 0]], [[40, 0], [40, 100]]]],
}


def test_pen_strokes_are_drawn_upright(tmp_path):
    path = tmp_path / "char74k.json.gz"
    path.write_bytes(gzip.compress(json.dumps(STROKES).encode()))
    read, text = read_all(read_char74k(path, pen_width=2))
    assert text == "77T"
    assert read[2][:14].sum(dtype=int) > 1.2 * read[2][14:].sum(dtype=int)  # the bar of the T is above
    bold = read_all(read_char74k(path, pen_width=4))[0]
    assert (bold.sum(axis=(1, 2), dtype=int) > 1.5 * read.sum(axis=(1, 2), dtype=int)).all()
    characters = prepare_characters([path], validation=0, test=1)[0]
    assert characters.classes == "7T" and (characters.splits == TEST).all()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not JSON"),
        ("[" * 99999, "not JSON"),
        ("[]", "not an object"),
        ('{"AB": []}', "not an object"),
        ('{"A": 5}', "not an object"),
        ('{"A": [[[[0, 0], [1, 1]]], [[[0, 0, 0]]]]}', "drawing 2 of 'A'"),
        ('{"A": [[[[0, "x"]]]]}', "drawing 1 of 'A'"),
        ('{"A": [[]]}', "drawing 1 of 'A' .*no point"),
        ('{"A": [[[[0, NaN]]]]}', "drawing 1 of 'A' .*finite"),
        ('{"A": [5]}', "drawing 1 of 'A'"),
        ('{"A": [[[[0, 0], [1]]]]}', "drawing 1 of 'A'"),
        ('{"A": [{"x": 5}]}', "drawing 1 of 'A'"),
    ],
)
def test_bad_strokes_are_named(content, says, tmp_path):
    path = tmp_path / "strokes.json"
    path.write_text(content)
    with pytest.raises(InputError, match=rf"strokes\.json: .*{says}|strokes\.json: {says}"):
        list(read_char74k(path))


# -- what is a source ------------------------------------------------------------------------------


def test_a_folder_may_hold_several_data_sets(tmp_path):
    write_idx(tmp_path, made_images(20), np.arange(20) % 10)
    write_csv(tmp_path / "A_Z Handwritten Data.csv.gz", csv_lines(made_images(26, 5), np.arange(26)))
    (tmp_path / "strokes.json").write_text(json.dumps(STROKES))  # only when named
    found = find_data_sets([tmp_path])
    assert [d.name for d in found] == ["a_z handwritten data", "mnist"]
    characters, report = prepare_characters([tmp_path])
    assert characters.classes == ALL and report.counts[0]["read"] == 26 and report.counts[1]["read"] == 20
    for label, origin in zip(characters.labels, characters.origins, strict=True):
        assert (label >= 10) == (origin == 0)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ([], "no source"),
        (["nowhere"], "nowhere: no such file or folder"),
        (["empty"], "empty: no idx file"),
        (["archive.zip"], r"archive\.zip: neither .* unpack archives first"),
        (["data.bin"], r"data\.bin: an idx file must be named"),
        (["both"], "both: both data files and folders of pictures"),
    ],
)
def test_what_is_no_source_is_told(made, says, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "archive.zip").write_bytes(b"PK\x03\x04" + bytes(50))
    (tmp_path / "data.bin").write_bytes(idx(IMAGES))
    write_idx(tmp_path / "both", IMAGES, LABELS)
    draw(tmp_path / "both" / "A" / "0.png", 9)
    with pytest.raises(InputError, match=says):
        prepare_characters([tmp_path / name for name in made])


def test_links_are_known_by_their_own_names(tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    (tmp_path / "links").mkdir()
    for name, content in (("images-idx3-ubyte", idx(IMAGES)), ("labels-idx1-ubyte", idx(LABELS))):
        (store / str(len(name + name[0]) * len(content))).write_bytes(content)
        (tmp_path / "links" / f"t10k-{name}").symlink_to(store / str(len(name + name[0]) * len(content)))
    assert (prepare_characters([tmp_path / "links"])[0].splits == TEST).all()


# -- splits, caps, seeds ---------------------------------------------------------------------------


@pytest.fixture
def letters(tmp_path) -> Path:
    """20 A, 40 B, 60 C in mixed order."""
    labels = np.random.default_rng(1).permutation(np.repeat([0, 1, 2], [20, 40, 60]))
    return write_csv(tmp_path / "letters.csv", csv_lines(made_images(120, 9), labels))


def test_splits_are_stratified(letters):
    characters = prepare_characters([letters], validation=0.2, test=0.1)[0]
    assert characters.counts().tolist() == [[14, 4, 2], [28, 8, 4], [42, 12, 6]]
    assert prepare_characters([letters], validation=0, test=0)[0].counts()[:, TRAIN].tolist() == [20, 40, 60]
    assert prepare_characters([letters], validation=0.5, test=0.5)[0].counts()[:, TRAIN].sum() == 0


@settings(max_examples=25, deadline=None)
@given(
    counts=st.lists(st.integers(0, 25), min_size=1, max_size=5).filter(any),
    validation=st.floats(0, 0.5),
    test=st.floats(0, 0.5),
    seed=st.integers(0, 2**64 - 1),
)
def test_every_class_has_its_share_in_every_split(counts, validation, test, seed, tmp_path_factory):
    labels = np.repeat(np.arange(len(counts)), counts)
    path = write_csv(tmp_path_factory.mktemp("c") / "l.csv", csv_lines(made_images(len(labels)), labels))
    characters, report = prepare_characters([path], validation=validation, test=test, seed=seed)
    assert characters.classes == "".join(LETTERS[i] for i, n in enumerate(counts) if n)
    found = characters.counts()
    assert found.sum(axis=1).tolist() == [n for n in counts if n]
    for n, row in zip([n for n in counts if n], found, strict=True):
        assert abs(row[TEST] - n * test) <= 0.5 and abs(row[VALIDATION] - n * validation) <= 1
    assert np.array_equal(report.splits, found)


def test_the_order_of_rows_says_nothing_and_the_seed_all(letters, tmp_path):
    lines = letters.read_text().splitlines()
    random.Random(3).shuffle(lines)
    (tmp_path / "other").mkdir()
    shuffled = write_csv(tmp_path / "other" / "letters.csv", lines)
    options = {"cap": 10, "validation": 0.15, "test": 0.15}
    one = prepare_characters([letters], **options)[0]
    assert same(one, prepare_characters([letters], **options)[0])
    assert same(one, prepare_characters([shuffled], **options)[0])
    other = prepare_characters([letters], **options, seed=2)[0]
    assert rows(one) != rows(other) and one.counts().tolist() == other.counts().tolist()
    assert not np.all(np.diff(one.labels[one.splits == TRAIN]) >= 0)  # mixed, not class by class


def test_splits_are_drawn_anew_for_every_seed_and_do_not_lean_on_the_cap(letters):
    """The rows kept under a cap are as likely to come from anywhere as others."""
    tested = [prepare_characters([letters], test=0.5, validation=0, seed=s)[0] for s in range(8)]
    sets = [frozenset(i for i, _, split, _ in rows(c) if split == "test") for c in tested]
    assert len(set(sets)) == 8
    assert all(20 < len(a & b) < 40 for a in sets for b in sets if a is not b)  # 30 of 60 by chance


def test_a_cap_takes_from_training_only(letters):
    free = prepare_characters([letters], validation=0.2, test=0.1)[0]
    capped, report = prepare_characters([letters], validation=0.2, test=0.1, cap=15)
    assert capped.counts().tolist() == [[14, 4, 2], [15, 8, 4], [15, 12, 6]]
    assert rows(capped) <= rows(free)
    assert report.counts[0] == {"read": 120, "kept": 80, "over the cap": 40}
    tighter = prepare_characters([letters], validation=0.2, test=0.1, cap=5)[0]
    assert rows(tighter) <= rows(capped)


def test_a_cap_is_shared_fairly_by_the_sources(tmp_path):
    for n, name in enumerate(("one.csv", "two.csv")):
        write_csv(tmp_path / name, csv_lines(made_images(300, n), np.zeros(300, int)))
    characters = prepare_characters(
        [tmp_path / "one.csv", tmp_path / "two.csv"], test=0.4, validation=0, cap=100
    )[0]
    share = (characters.origins[characters.splits == TRAIN] == 0).mean()
    assert 0.35 < share < 0.65


def test_another_source_does_not_move_the_first_ones_rows(letters, tmp_path):
    other = write_csv(tmp_path / "more.csv", csv_lines(made_images(30, 77), np.arange(30) % 3))
    alone = prepare_characters([letters])[0]
    both = prepare_characters([letters, other])[0]
    assert rows(alone) <= rows(both) and len(both) == 150


def test_the_file_brings_back_what_was_prepared(letters, tmp_path):
    characters = prepare_characters([letters], cap=9, seed=5)[0]
    characters.save(tmp_path / "c.npz")
    again = CharacterSet.load(tmp_path / "c.npz")
    assert same(characters, again) and again.options == characters.options
    assert again.options["cap"] == 9 and again.options["seed"] == 5


# -- images that are there twice -------------------------------------------------------------------


def test_repeated_images_are_there_once(tmp_path):
    images = made_images(40)
    lines = csv_lines(images, np.zeros(40, int))
    path = write_csv(tmp_path / "l.csv", lines + lines[:25])
    characters, report = prepare_characters([path], test=0.5, validation=0.2)
    assert len({i.tobytes() for i in characters.images}) == len(characters) == 40
    assert report.counts[0] == {"read": 65, "kept": 40, "repeated": 25}
    all_, report = prepare_characters([path], deduplicate=False)
    assert len(all_) == 65 and report.counts[0] == {"read": 65, "kept": 65}


def test_what_is_tested_on_is_not_trained_on(tmp_path):
    train, test = made_images(40), made_images(30, 1)
    train[:7] = test[:7]
    test[20:22] = test[22:24]  # an official test set stays as it is
    write_idx(tmp_path / "mnist", train, np.arange(40) % 10)
    write_idx(tmp_path / "mnist", test, np.r_[np.arange(20), 0, 1, 0, 1, np.arange(6)] % 10, "t10k-")
    other = write_csv(tmp_path / "mnist_more.csv", csv_lines(test[10:15], np.arange(5)))
    characters, report = prepare_characters([other, tmp_path / "mnist"])
    tested = {image for image, _, split, _ in rows(characters) if split == "test"}
    trained = {image for image, _, split, _ in rows(characters) if split != "test"}
    assert not tested & trained
    assert report.counts[0] == {"read": 5, "kept": 0, "also a test image": 5}
    assert report.counts[1] == {"read": 70, "kept": 63, "also a test image": 7}
    assert (characters.splits == TEST).sum() == 30


def test_one_image_of_two_classes_is_in_neither(tmp_path):
    images = made_images(6)
    images[3] = images[0]
    path = write_csv(tmp_path / "l.csv", csv_lines(images, np.arange(6)))
    characters, report = prepare_characters([path])
    assert characters.classes == "BCEF" and report.counts[0]["one image, two classes"] == 2


def test_between_sources_the_first_keeps_what_both_have(tmp_path):
    one = write_csv(tmp_path / "one.csv", csv_lines(IMAGES, LABELS))
    two = write_csv(tmp_path / "two.csv", csv_lines(IMAGES[4:], LABELS[4:]))
    report = prepare_characters([one, two])[1]
    assert [c["kept"] for c in report.counts] == [9, 0]
    report = prepare_characters([two, one])[1]
    assert [c["kept"] for c in report.counts] == [5, 4]


# -- classes and options ---------------------------------------------------------------------------


def test_classes_are_those_that_are_there_or_those_asked_for(letters, tmp_path):
    assert prepare_characters([letters])[0].classes == "ABC"
    chosen = prepare_characters([letters], classes="CA")[0]
    assert chosen.classes == "CA" and chosen.counts().sum(axis=1).tolist() == [60, 20]
    with pytest.raises(InputError, match="no image of the classes DEFGHIJKLMNOPQRSTUVWXYZ"):
        prepare_characters([letters], classes="letters")
    with pytest.raises(InputError, match=r"no image of the classes 0123456789 .*120 images of others"):
        prepare_characters([letters], classes="digits")
    for wrong in ("", "AA", "A B", "A\n"):
        with pytest.raises(InputError, match="classes must be"):
            prepare_characters([letters], classes=wrong)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"validation": -0.1}, "shares"),
        ({"test": float("nan")}, "shares"),
        ({"validation": 0.6, "test": 0.5}, "shares"),
        ({"cap": -1}, "cap"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**64}, "seed"),
        ({"pen_width": 0.0}, "pen"),
    ],
)
def test_options_out_of_range(options, says, letters):
    with pytest.raises(InputError, match=says):
        prepare_characters([letters], **options)


def test_images_are_made_to_conform_unless_told_otherwise(tmp_path):
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 4:24, 4:6] = 250
    image[0, 22:24, 4:18] = 250
    path = write_csv(tmp_path / "l.csv", csv_lines(image, [11]))
    assert (
        np.array_equal(prepare_characters([path])[0].images, conform(image))
        and (conform(image) != image).any()
    )
    assert np.array_equal(prepare_characters([path], conform=False)[0].images, image)


def test_the_table_adds_up(letters, tmp_path):
    other = write_idx(tmp_path / "digits", made_images(30), np.arange(30) % 10)
    report = prepare_characters([letters, other], cap=12)[1]
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

    prepare_characters([letters, tmp_path / "mine"], progress=progress)
    assert seen == {"letters.csv": [letters.stat().st_size] * 2, "pictures": [3, 3]}


# -- the command line ------------------------------------------------------------------------------


def run(*argv: object) -> int:
    return main(["prepare", "characters", *map(str, argv)])


def test_the_command_prepares_a_set_and_a_table(letters, tmp_path, capsys):
    output = tmp_path / "c.npz"
    assert run(letters, "-o", output, "--cap", 15, "--validation", 0.2, "--test", 0.1, "--seed", 1) == 0
    out, err = capsys.readouterr()
    assert err == "" and str(output) in out and "left out: over the cap" in out and "3 classes  ABC" in out
    assert same(CharacterSet.load(output), prepare_characters([letters], cap=15, validation=0.2, test=0.1)[0])
    assert (
        run(
            letters,
            "-o",
            output,
            "--classes",
            "AB",
            "--transposed",
            "yes",
            "--no-deduplicate",
            "--no-conform",
        )
        == 0
    )
    options = CharacterSet.load(output).options
    assert options["transposed"] is True and options["deduplicate"] is False and options["conform"] is False
    assert CharacterSet.load(output).classes == "AB"


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ([], "SOURCE"),
        (["LETTERS"], "-o"),
        (["NOWHERE", "-o", "OUT"], "no such file or folder"),
        (["LETTERS", "-o", "NOWHERE/c.npz"], "does not exist"),
        (["LETTERS", "-o", "OUT", "--cap", "many"], "--cap"),
        (["LETTERS", "-o", "OUT", "--cap", "-3"], "cap"),
        (["LETTERS", "-o", "OUT", "--classes", "digits"], "no image of the classes"),
        (["LETTERS", "-o", "OUT", "--transposed", "maybe"], "--transposed"),
        (["LETTERS", "-o", "OUT", "--validation", "2"], "--validation is 2"),
    ],
)
def test_bad_usage_is_one_line_and_status_2(argv, says, letters, tmp_path, capsys):
    places = {"LETTERS": letters, "OUT": tmp_path / "c.npz", "NOWHERE": tmp_path / "nowhere"}
    for word, place in places.items():
        argv = [a.replace(word, str(place)) for a in argv]
    assert run(*argv) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("strokes: ") and err.count("\n") == 1 and says in err
    assert not list(tmp_path.glob("*.npz"))


def test_help_has_an_example_and_every_option(capsys):
    with pytest.raises(SystemExit) as ended:
        run("--help")
    assert ended.value.code == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "example: strokes prepare characters mnist" in out
    for flag in [
        "--classes",
        "--cap",
        "--validation",
        "--test",
        "--seed",
        "--transposed",
        "--deduplicate",
        "--conform",
        "--pen-width",
    ]:
        assert flag in out


def test_the_command_starts_without_torch(letters, tmp_path):
    code = (
        "import sys; from strokes.cli import main; "
        f"main(['prepare', 'characters', {str(letters)!r}, '-o', {str(tmp_path / 'c.npz')!r}]); "
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "c.npz").is_file()


# -- the real files --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder that STROKES_CHARACTERS names, or the place this project's own machines have it in."""
    given = os.environ.get("STROKES_CHARACTERS")
    root = Path(given or Path(__file__).parents[2] / "../shared/data/characters")
    if not (root / "train-images-idx3-ubyte.gz").is_file():
        pytest.skip("MNIST and the letters are not here: name their folder in STROKES_CHARACTERS")
    return root


def test_real_mnist_has_the_counts_that_all_know_and_comes_out_unchanged(real):
    files = [real / f"{part}-images-idx3-ubyte.gz" for part in ("train", "t10k")]
    characters, report = prepare_characters(files, validation=1 / 12)
    assert report.counts[0] == {"read": 70000, "kept": 70000} and characters.classes == "0123456789"
    counts = characters.counts()
    assert counts[:, TEST].tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    trained = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert (counts[:, TRAIN] + counts[:, VALIDATION]).tolist() == trained
    assert abs(counts[:, VALIDATION].sum() - 5000) <= 10
    raw = prepare_characters(files, validation=1 / 12, conform=False)[0]
    assert same(raw, characters)


def test_the_real_letters_are_all_there_upright_and_centred(real):
    path = next(real.glob("A_Z*.csv.gz"))
    characters, report = prepare_characters([path], cap=100)
    assert report.counts[0]["read"] == 5352
    every = prepare_characters([path])[0]
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
    drawn, report = prepare_characters([path], validation=0, test=1)
    assert report.counts[0] == {"read": 62 * 55, "kept": 36 * 55, "lower case": 26 * 55}
    known = prepare_characters([real], cap=150)[0]
    known_images, known_labels = known.subset("train")

    def unit(images):
        flat = images.reshape(len(images), -1).astype(np.float32)
        return flat / np.linalg.norm(flat, axis=1, keepdims=True)

    nearest = known_labels[(unit(drawn.images[::4]) @ unit(known_images).T).argmax(axis=1)]
    assert known.classes == drawn.classes and (nearest == drawn.labels[::4]).mean() > 0.6
