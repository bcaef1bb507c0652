"""Pen strokes: drawn upright, and files that are none."""

from __future__ import annotations

import gzip
import json

import pytest
from character_files import STROKES, prepare, read_all

from data_prep.characters.pen_strokes import read_char74k
from strokes.characters.data import TEST
from strokes.files import InputError


def test_pen_strokes_are_drawn_upright(tmp_path):
    path = tmp_path / "char74k.json.gz"
    path.write_bytes(gzip.compress(json.dumps(STROKES).encode()))
    read, text = read_all(read_char74k(path, pen_width=2, reject=pytest.fail))
    assert text == "77T"
    assert read[2][:14].sum(dtype=int) > 1.2 * read[2][14:].sum(dtype=int)  # the bar of the T is above
    bold = read_all(read_char74k(path, pen_width=4, reject=pytest.fail))[0]
    assert (bold.sum(axis=(1, 2), dtype=int) > 1.5 * read.sum(axis=(1, 2), dtype=int)).all()
    characters = prepare([path], validation=0, test=1)[0]
    assert characters.classes == "7T" and (characters.splits == TEST).all()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "damaged"),
        ("[" * 99999, "damaged"),
        ("[]", "Expected `object`"),
        ('{"AB": []}', "'AB' is not one character"),
        ('{"": []}', "'' is not one character"),
        ('{"A": 5}', "Expected `array`"),
        ('{"A": [[[[0, 0], [1, 1]]], [[[0, 0, 0]]]]}', r"length 2.*\$\[\.\.\.\]\[1\]\[0\]\[0\]"),
        ('{"A": [[[[0, "x"]]]]}', "Expected `float`"),
        ('{"A": [[[[0, NaN]]]]}', "damaged"),
        ('{"A": [[[[0, 1e400]]]]}', "damaged"),
        ('{"A": [5]}', "Expected `array`"),
        ('{"A": [[[[0, 0], [1]]]]}', "length 2"),
        ('{"A": [{"x": 5}]}', "Expected `array`"),
    ],
)
def test_a_file_of_something_else_is_named(content, says, tmp_path):
    path = tmp_path / "strokes.json"
    path.write_text(content)
    with pytest.raises(InputError, match=rf"strokes\.json: .*{says}|strokes\.json: {says}") as caught:
        list(read_char74k(path, reject=pytest.fail))
    assert "\n" not in str(caught.value)


def test_drawings_without_ink_are_named_and_left_out(tmp_path):
    path = tmp_path / "strokes.json"
    bar = "[[[0, 0], [1, 1]]]"
    path.write_text(f'{{"A": [[], {bar}, [[]], [[[-1.7e308, 0], [1.7e308, 0]]]], "B": [[]]}}')
    said = []
    read, text = read_all(read_char74k(path, reject=said.append))
    assert text == "A" and len(read) == 1
    assert [s.split(": ")[1] for s in said] == [
        f"drawing {n} of {c!r} cannot be drawn" for n, c in ((1, "A"), (3, "A"), (4, "A"), (1, "B"))
    ]
    characters, report = prepare([path])
    assert len(characters) == 1 and report.counts[0] == {"read": 5, "kept": 1, "unusable picture": 4}
