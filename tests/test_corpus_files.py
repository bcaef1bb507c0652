"""Corpus files of format 1, and every way in which a file can lie."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from handwriting import write

from strokes.corpus import Corpus, CorpusError
from strokes.files import InputError
from strokes.ink import Ink, Line
from strokes.ink.metrics import LineMetrics
from strokes.preprocessing import Preprocessing, Statistics

MOVING = Line(Ink((np.array([[3, 4], [8, 1]]), np.array([[9, 9]]))), "hi", "first", "w", "trainset")


def hand(*sizes: float, split: str = "trainset") -> list[Line]:
    text = "a usual line of writing"
    return [Line(write(text, size), text, f"line-{size}", "w", split) for size in sizes]


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


def test_starts_that_overflow_are_refused(tmp_path):
    """Every difference of these is positive in 64 bits."""
    four = dict.fromkeys(("texts", "names", "writers", "splits"), ["a"] * 4)
    refusal(changed(tmp_path / "c.npz", starts=[0, _MOST, -_MOST - 1, -1, 6], **four))


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
