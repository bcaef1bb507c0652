"""Corpus: what goes in comes out, and what is no corpus is told in one sentence."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from handwriting import write
from hypothesis import given, settings
from hypothesis import strategies as st

from strokes.alphabet import Alphabet
from strokes.corpus import Corpus, CorpusError
from strokes.files import InputError
from strokes.ink import Ink, Line
from strokes.ink.metrics import LineMetrics
from strokes.model import Model
from strokes.network import NetworkConfig
from strokes.preprocessing import Preprocessing, Statistics

_POINT = st.tuples(st.integers(-3000, 3000), st.integers(-3000, 3000))
_STROKES = st.lists(st.lists(_POINT, min_size=1, max_size=6), min_size=1, max_size=5)
_TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
_SPLIT = st.sampled_from(["trainset", "testset_v", "testset_t", "testset_f", ""])
LINES = st.lists(
    st.builds(
        lambda strokes, *rest: Line(Ink(tuple(map(np.array, strokes))), *rest),
        _STROKES,
        _TEXT,
        _TEXT,
        _TEXT,
        _SPLIT,
    ),
    max_size=6,
)
MOVING = Line(Ink((np.array([[3, 4], [8, 1]]), np.array([[9, 9]]))), "hi", "first", "w", "trainset")


# -- what goes in comes out ---------------------------------------------------------------------


@settings(deadline=None)
@given(LINES, st.sampled_from([1.0, 0.5, 1 / 512]))
def test_lines_come_out_as_they_went_in(tmp_path_factory, lines, unit):
    lines = [MOVING, *lines]
    if unit == 1 / 512:  # steps of a 512th reach 64
        lines = [replace(line, ink=line.ink.scaled(0.01)) for line in lines]
    path = tmp_path_factory.mktemp("corpus") / "c.npz"
    preprocessing = Preprocessing(scale="spread", every=2)
    built = Corpus.build(
        lines, unit=unit, preprocessing=preprocessing, options={"every": 2}, rejected={"no text": 3}
    )
    built.save(path)
    corpus = Corpus.load(path)
    assert len(corpus) == len(lines) and corpus.point_count == sum(line.ink.point_count for line in lines)
    for i, line in enumerate(lines):
        got = corpus.line(i)
        assert got == built.line(i)
        assert (got.text, got.name, got.writer, got.split) == (line.text, line.name, line.writer, line.split)
        assert [len(s) for s in got.ink.strokes] == [len(s) for s in line.ink.strokes]
        moved = line.ink.points.astype(float) - line.ink.points[0]
        assert np.abs(got.ink.points - moved).max() <= unit / 2 + 1e-5
        if unit != 1 / 512:
            assert np.array_equal(got.ink.points, moved)
        assert np.allclose(np.cumsum(corpus.offsets(i)[:, :2], axis=0), got.ink.points, atol=1e-2)
    assert (corpus.options, corpus.rejected) == ({"every": 2}, {"no text": 3})
    assert (corpus.preprocessing, corpus.alphabet, corpus.unit) == (built.preprocessing, built.alphabet, unit)
    assert corpus.preprocessing.geometry == preprocessing.geometry


def test_rounding_does_not_add_up():
    ink = Ink((np.cumsum(np.full((500, 2), 0.301), axis=0),))
    corpus = Corpus.build([Line(ink, "x", split="trainset"), MOVING], unit=0.25)
    assert np.abs(corpus.line(0).ink.points[-1] - (ink.points[-1] - ink.points[0])).max() <= 0.125 + 1e-4


def test_statistics_and_alphabet_are_those_of_the_training_lines():
    other = Line(Ink((np.array([[0, 0], [900, 900]]),)), "zzz", "v", "w", "testset_v")
    late = Line(Ink((np.array([[0, 0], [2, -2]]),)), "hh", "t", "w", "testset_f")
    corpus = Corpus.build([MOVING, other, late], min_count=2)
    steps = np.array([[5, -3], [1, 8], [2, -2]])  # first points are no steps
    assert corpus.statistics.mean == pytest.approx(tuple(steps.mean(axis=0)))
    assert corpus.statistics.std == pytest.approx(tuple(steps.std(axis=0)))
    assert corpus.alphabet.characters == "h"
    assert corpus.preprocessing.points_per_character == 5 / 4
    assert corpus.select("testset_v").tolist() == [1]
    assert corpus.select("trainset", "testset_f").tolist() == [0, 2]
    assert corpus.lengths().tolist() == [3, 2, 2]
    normalised = np.concatenate([corpus.normalised(i)[1:, :2] for i in (0, 2)])
    assert normalised.mean(axis=0) == pytest.approx([0, 0], abs=1e-6)
    assert normalised.std(axis=0) == pytest.approx([1, 1], rel=1e-5)
    assert corpus.normalised(0)[0].tolist() == [0, 0, 0] and corpus.normalised(0)[:, 2].tolist() == [0, 1, 1]


def hand(*sizes: float, split: str = "trainset") -> list[Line]:
    text = "a usual line of writing"
    return [Line(write(text, size), text, f"line-{size}", "w", split) for size in sizes]


def test_the_usual_x_height_is_the_median_of_training_lines():
    corpus = Corpus.build([*hand(40, 60, 50, 55, 30), *hand(500, 600, 700, split="testset_v")], unit=0.125)
    assert corpus.preprocessing.x_height == pytest.approx(LineMetrics.of(hand(50)[0].ink).x_height, rel=0.01)


def test_other_splits_can_be_those_to_train_on():
    lines = [replace(MOVING, split="mine"), replace(MOVING, text="zz", split="trainset")]
    corpus = Corpus.build(lines, training_splits=["mine"])
    assert corpus.alphabet.characters == "hi"


def test_lines_read_as_a_model_has_its_alphabet_and_statistics(corpus):
    preprocessing = Preprocessing(Statistics((1.0, 2.0), (3.0, 4.0)), x_height=7.0)
    model = Model({}, NetworkConfig(), Alphabet("oi"), preprocessing)
    as_model = corpus.read_as(model)
    assert as_model.alphabet == model.alphabet and as_model.statistics == model.statistics
    assert as_model.line(3) == corpus.line(3)
    assert as_model.preprocessing == replace(corpus.preprocessing, statistics=model.statistics)


def test_what_cannot_be_a_corpus_is_refused():
    dot = Line(Ink((np.array([[1, 1]]),)), "x", "dot", "w", "trainset")
    validation = Line(MOVING.ink, "x", "v", "w", "testset_v")
    far = Line(Ink((np.array([[0, 0], [40_000, 0]]),)), "x", "far", "w", "trainset")
    even = Line(Ink((np.array([[0, 0], [1, 2], [2, 4]]),)), "x", "even", "w", "trainset")
    for lines, why in (
        ([], "no line"),
        ([validation], "training split"),
        ([dot], "no movement"),
        ([even], "no movement"),
        ([far], "'far' has a step"),
        ([replace(MOVING, ink=Ink())], "'first' has no ink"),
        ([replace(MOVING, text="")], "no character occurs"),
    ):
        with pytest.raises(CorpusError, match=why):
            Corpus.build(lines)
    for unit in (0, -1, float("nan"), 1e7):
        with pytest.raises(ValueError, match="unit is"):
            Corpus.build([MOVING], unit=unit)


# -- format 1 -----------------------------------------------------------------------------------


def version1(path: Path, lines: list[Line], unit: float = 0.25, **meta: object) -> Path:
    """A file as format 1 had it: statistics beside the alphabet, geometry in the options."""
    steps = [
        np.diff(np.rint((p - p[:1]) / unit), axis=0, prepend=np.zeros((1, 2)))
        for p in (line.ink.points.astype(float) for line in lines)
    ]
    document = {
        "format": "strokes-corpus-1",
        "unit": unit,
        "mean": [8.25, -0.5],
        "std": [41.0, 37.5],
        "alphabet": " aefghilnorstuw",
        "options": {"slope": True, "scale": False, "every": 1, "spike": 400.0},
        "rejected": {"no text": 8},
    } | meta
    np.savez_compressed(
        path,
        meta=np.array(json.dumps(document, ensure_ascii=False)),
        steps=np.concatenate(steps).astype(np.int16),
        ends=np.packbits(np.concatenate([line.ink.ends for line in lines])),
        starts=np.cumsum([0, *map(len, steps)]),
        **{
            k: np.array([getattr(line, k[:-1]) for line in lines])
            for k in ("texts", "names", "writers", "splits")
        },
    )
    return path


def test_format_1_is_read(tmp_path):
    lines = [*hand(40, 50, 60), *hand(500, split="testset_v")]
    corpus = Corpus.load(version1(tmp_path / "c.npz", lines))
    assert corpus.statistics == Statistics((8.25, -0.5), (41.0, 37.5))
    assert corpus.preprocessing.geometry == Preprocessing(deskew=True).geometry
    assert corpus.preprocessing.x_height == pytest.approx(LineMetrics.of(lines[1].ink).x_height, rel=0.01)
    points = sum(line.ink.point_count for line in lines[:3])
    assert corpus.preprocessing.points_per_character == points / (3 * len(lines[0].text))
    assert corpus.options["spike"] == 400.0 and corpus.rejected == {"no text": 8}
    for i, line in enumerate(lines):
        got = corpus.line(i)
        assert (got.text, got.name, got.writer, got.split) == (line.text, line.name, line.writer, line.split)
        assert np.abs(got.ink.points - (line.ink.points - line.ink.points[0])).max() < 0.13
    # and what it is saved as is read again
    corpus.save(tmp_path / "again.npz")
    again = Corpus.load(tmp_path / "again.npz")
    assert again.preprocessing == corpus.preprocessing and again.line(2) == corpus.line(2)


@pytest.mark.parametrize(
    ("options", "geometry"),
    [
        ({"slope": True, "scale": True, "every": 2}, Preprocessing(deskew=True, scale="spread", every=2)),
        ({"slope": False, "scale": False, "every": 1}, Preprocessing(deskew=False)),
        ({}, Preprocessing(deskew=False)),
    ],
)
def test_geometry_of_format_1_stands_in_its_options(tmp_path, options, geometry):
    corpus = Corpus.load(version1(tmp_path / "c.npz", hand(40), options=options))
    assert corpus.preprocessing.geometry == geometry.geometry


# -- hostile files ------------------------------------------------------------------------------


def changed(path: Path, **arrays: object) -> Path:
    """A good corpus of two lines, six points, with some of its arrays replaced."""
    Corpus.build([MOVING, replace(MOVING, name="second")]).save(path)
    with np.load(path) as z:
        stored = dict(z)
    for name, value in arrays.items():
        stored[name] = value if isinstance(value, np.ndarray) else np.array(value, stored[name].dtype)
    np.savez(path, **stored)
    return path


def document(path: Path, **fields: object) -> Path:
    """The same, with some fields of its document replaced; None takes one out."""
    Corpus.build([MOVING]).save(path)
    with np.load(path) as z:
        meta = json.loads(str(z["meta"])) | fields
    return changed(path, meta=np.array(json.dumps({k: v for k, v in meta.items() if v is not None})))


def refusal(path: Path) -> str:
    with pytest.raises(CorpusError) as caught:
        Corpus.load(path)
    message = str(caught.value)
    assert message.startswith(str(path)) and "\n" not in message and len(message) < 600
    assert "allow_pickle" not in message
    return message


_MOST = 2**63 - 1


@pytest.mark.parametrize(
    "arrays",
    [
        {"starts": [0, 3, 7]},
        {"starts": [0, 3, 5]},
        {"starts": [1, 3, 6]},
        {"starts": [-1, 3, 6]},
        {"starts": [0, 0, 6]},
        {"starts": [0, 6, 3]},
        {"starts": [0, -3, 6]},
        {"starts": [0, _MOST, 6]},
        {"starts": [0, _MOST, -_MOST - 1, -1, 6]},  # every difference is positive in 64 bits
        {"starts": [0, 1, 6]},  # the first line does not end where a stroke does
        {"starts": [0, 6]},
        {"starts": [0]},
        {"starts": []},
        {"starts": [[0, 3, 6]]},
        {"starts": np.array([0.0, 3.0, 6.0])},
        {"ends": []},
        {"ends": np.zeros(1, np.uint8)},
        {"ends": np.zeros(2, np.uint8)},
        {"ends": np.ones(6, bool)},
        {"steps": np.zeros((6, 1), np.int16)},
        {"steps": np.zeros((6, 3), np.int16)},
        {"steps": np.zeros((0, 2), np.int16)},
        {"steps": np.zeros(12, np.int16)},
        {"steps": np.zeros((6, 2), np.int32)},
        {"steps": np.zeros((6, 2), np.float16)},
        {"texts": ["a"]},
        {"texts": ["a", "b", "c"]},
        {"texts": np.array([b"a", b"b"])},
        {"texts": np.array([1, 2])},
        {"texts": np.array(["a", "\ud800"])},
        {"names": np.array([0x110000, 0x110000], np.uint32).view("<U1")},
        {"writers": np.array("w")},
        {"splits": np.array(["trainset", None], object)},
    ],
    ids=lambda arrays: next(iter(arrays)),
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, arrays):
    refusal(changed(tmp_path / "c.npz", **arrays))


_STATISTICS = {"mean": [0.0, 0.0], "std": [1.0, 1.0]}


@pytest.mark.parametrize(
    "fields",
    [
        {"format": "strokes-corpus-9"},
        {"format": None},
        {"format": 2},
        {"unit": 0},
        {"unit": -1},
        {"unit": 1e400},
        {"unit": "one"},
        {"alphabet": ""},
        {"alphabet": "abca"},
        {"alphabet": None},
        {"alphabet": ["a", "b"]},
        {"alphabet": "".join(map(chr, range(0x4E00, 0x4E00 + 6000)))},
        {"preprocessing": None},
        {"preprocessing": {"statistics": _STATISTICS | {"std": [0.0, 1.0]}}},
        {"preprocessing": {"statistics": _STATISTICS | {"std": [-1.0, 1.0]}}},
        {"preprocessing": {"statistics": _STATISTICS | {"std": [1.0]}}},
        {"preprocessing": {"statistics": _STATISTICS | {"mean": [1e300, 0.0]}}},
        {"preprocessing": {"every": 0}},
        {"preprocessing": {"scale": "deviation"}},
        {"preprocessing": {"x_height": -3}},
        {"options": [1]},
        {"rejected": {"no text": "many"}},
        {"rejected": {"no text": 10**30}},
    ],
    ids=str,
)
def test_documents_that_are_none_are_refused(tmp_path, fields):
    refusal(document(tmp_path / "c.npz", **fields))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{",
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"format": "strokes-corpus-2", "unit": NaN}',
        "\ud800",
    ],
    ids=lambda text: text[:30] or "empty",
)
def test_descriptions_that_are_no_documents_are_refused(tmp_path, text):
    refusal(changed(tmp_path / "c.npz", meta=np.array(text)))


@pytest.mark.parametrize(
    "meta",
    [
        {"std": [0.0, 1.0]},
        {"std": [1.0, -1.0]},
        {"std": [1.0, 1e-10]},
        {"std": 3},
        {"mean": [1e400, 0]},
        {"mean": None},
        {"options": {"every": "two"}},
        {"options": {"every": 0}},
        {"alphabet": "aa"},
        {"unit": 0.0},
    ],
    ids=str,
)
def test_hostile_files_of_format_1_are_refused(tmp_path, meta):
    path = version1(tmp_path / "c.npz", hand(40))
    with np.load(path) as z:
        stored = dict(z)
    stored["meta"] = np.array(json.dumps(json.loads(str(stored["meta"])) | meta))
    np.savez(path, **stored)
    refusal(path)


def test_a_missing_or_damaged_file_is_told(tmp_path):
    assert "no such file" in refusal(tmp_path / "none.npz")
    good = changed(tmp_path / "good.npz").read_bytes()
    bad = {
        "empty": b"",
        "text": b"hello",
        "cut": good[: len(good) // 2],
        "flipped": good[:200] + bytes(60) + good[260:],
    }
    for name, content in bad.items():
        path = tmp_path / f"{name}.npz"
        path.write_bytes(content)
        refusal(path)
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    assert "not a corpus" in refusal(tmp_path / "other.npz")
    refusal(tmp_path)


def test_no_pickle_is_written_or_read(tmp_path):
    path = changed(tmp_path / "c.npz")
    with zipfile.ZipFile(path) as z:
        for name in z.namelist():
            assert b"|O" not in z.read(name)[:128]
    np.savez(path, meta=np.array([{"format": "strokes-corpus-1"}], object))
    refusal(path)


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = changed(tmp_path / "c.npz")
    before = path.read_bytes()

    def fail(file, **_):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(InputError, match="No space left"):
        Corpus.build([MOVING]).save(path)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["c.npz"]
