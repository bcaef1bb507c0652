"""CSV files: what is read, and damage that is named with its row."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from character_files import IMAGES, LABELS, LETTERS, csv_lines, made_images, prepare, read_all, write_csv
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.characters import csv_files
from data_prep.characters.csv_files import read_csv
from strokes.characters.data import TEST
from strokes.files import InputError


@pytest.mark.parametrize("name", ["letters.csv", "letters.csv.gz"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("block", [100, 5000, 2**20])
def test_rows_come_back_as_they_are(name, end, block, tmp_path, monkeypatch):
    monkeypatch.setattr(csv_files, "_BLOCK_BYTES", block)
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
        prepare([path])


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
    monkeypatch.setattr(csv_files, "_BLOCK_BYTES", block)
    with pytest.raises(InputError, match=says) as caught:
        prepare([write_csv(tmp_path / "l.csv", lines)])
    assert "\n" not in str(caught.value)
    if lines != ["hello, world"]:
        assert "l.csv: " in str(caught.value)


def test_a_line_without_end_is_not_kept_in_memory(tmp_path):
    path = tmp_path / "l.csv.gz"
    path.write_bytes(gzip.compress(csv_lines(IMAGES[:1], [0])[0].encode() + b"\n" + b"0," * 2**22))
    with pytest.raises(InputError, match="row 2 is longer than 785 values can be"):
        prepare([path])
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in csv_lines(IMAGES, LABELS)).encode())[:-20])
    with pytest.raises(InputError, match="gzip"):
        prepare([path])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 255), min_size=1, max_size=30), min_size=1, max_size=4), st.randoms())
def test_the_fast_way_reads_what_the_plain_way_reads(values, chance):
    table = np.array([(row * 785)[:785] for row in values])
    block = "".join(",".join(map(str, row)) + "\n" for row in table.tolist()).encode()
    assert np.array_equal(csv_files._parse_rows(block), table)
    assert np.array_equal(csv_files._parse_slowly(block, Path("x"), 1), table)
    damaged = bytearray(block)
    damaged[chance.randrange(len(block) - 1)] = chance.choice(b"0123456789,,\n\r x-.\x00\xff")
    fast = csv_files._parse_rows(bytes(damaged))
    if fast is not None:  # it never guesses
        assert np.array_equal(fast, csv_files._parse_slowly(bytes(damaged), Path("x"), 1))


def test_names_say_what_the_labels_of_a_csv_are(tmp_path):
    lines = csv_lines(IMAGES, LABELS)
    for name, classes in (("A_Z Handwritten Data.csv", "ABCDEFGHI"), ("mnist_train.csv", "012345678")):
        assert prepare([write_csv(tmp_path / name, lines)])[0].classes == classes
    lines = csv_lines(IMAGES.transpose(0, 2, 1), LABELS + 1)
    write_csv(tmp_path / "emnist-letters-test.csv", lines)
    characters = prepare([tmp_path / "emnist-letters-test.csv"])[0]
    assert characters.classes == "ABCDEFGHI" and (characters.splits == TEST).all()
    assert {i.tobytes() for i in characters.images} == {i.tobytes() for i in IMAGES}
