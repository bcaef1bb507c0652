"""CharacterSet: what it takes, what comes back from a file, and damage that is told in one sentence."""

from __future__ import annotations

import io
import json
import zipfile
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strokes.characters.data import SPLITS, TEST, TRAIN, VALIDATION, CharacterSet, resolve_classes
from strokes.files import InputError


def made(count: int = 9) -> CharacterSet:
    rng = np.random.default_rng(3)
    return CharacterSet(
        images=rng.integers(0, 256, (count, 28, 28), dtype=np.uint8),
        labels=np.arange(count, dtype=np.int64) % 3,
        classes="7Aß",
        splits=(np.arange(count) // 3 % 3).astype(np.uint8),
        sources=("mnist", "naïve letters"),
        origins=(np.arange(count) % 2).astype(np.uint16),
        options={"seed": 1, "classes": None},
    )


def test_a_file_brings_back_every_field(tmp_path):
    characters = made()
    characters.save(tmp_path / "c.npz")
    again = CharacterSet.load(tmp_path / "c.npz")
    for name in ("images", "labels", "splits", "origins"):
        a, b = getattr(characters, name), getattr(again, name)
        assert np.array_equal(a, b) and a.dtype == b.dtype, name
    assert (again.classes, again.sources, again.options) == (
        characters.classes,
        characters.sources,
        characters.options,
    )
    assert [p.name for p in tmp_path.iterdir()] == ["c.npz"]


def test_an_empty_set_is_one(tmp_path):
    made(0).save(tmp_path / "c.npz")
    again = CharacterSet.load(tmp_path / "c.npz")
    assert len(again) == 0 and again.counts().sum() == 0 and again.subset("train")[0].shape == (0, 28, 28)


def test_subsets_and_counts():
    characters = made()
    assert SPLITS == ("train", "validation", "test") and (TRAIN, VALIDATION, TEST) == (0, 1, 2)
    seen = 0
    for number, split in enumerate(SPLITS):
        images, labels = characters.subset(split)
        assert np.array_equal(images, characters.images[characters.splits == number])
        assert np.array_equal(labels, characters.labels[characters.splits == number])
        seen += len(images)
    assert seen == len(characters) == 9
    counts = characters.counts()
    assert counts.shape == (3, 3)
    for label in range(3):
        for split in range(3):
            assert counts[label, split] == ((characters.labels == label) & (characters.splits == split)).sum()
    with pytest.raises(ValueError, match="no split 'training'"):
        characters.subset("training")


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("images", np.zeros((9, 28, 27), np.uint8), "images"),
        ("images", np.zeros((9, 28, 28), np.float32), "images"),
        ("labels", np.zeros(8, np.int64), "labels"),
        ("labels", np.zeros(9, np.int32), "labels"),
        ("labels", np.full(9, 3), "labels must be 0 to 2"),
        ("labels", np.full(9, -1), "labels must be 0 to 2"),
        ("splits", np.full(9, 3, np.uint8), "splits must be 0 to 2"),
        ("origins", np.full(9, 2, np.uint16), "origins must be 0 to 1"),
        ("classes", "77A", "different"),
        ("classes", "", "classes"),
    ],
)
def test_what_does_not_fit_together_is_no_set(field, value, says):
    fields = {name: getattr(made(), name) for name in CharacterSet.__dataclass_fields__}
    with pytest.raises(ValueError, match=says):
        CharacterSet(**{**fields, field: value})


def rewritten(path, **changes):
    """The file with arrays replaced, or left out where the change is None."""
    with np.load(path) as z:
        arrays = {name: z[name] for name in z.files}
    arrays = {name: a for name, a in {**arrays, **changes}.items() if a is not None}
    with open(path, "wb") as f:
        np.savez_compressed(f, **arrays)


def meta(**changes) -> np.ndarray:
    return np.array(
        json.dumps(
            {
                "format": "strokes-characters-1",
                "classes": "7Aß",
                "sources": ["a", "b"],
                "options": {},
                **changes,
            }
        )
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"images": None},
        {"meta": None},
        {"meta": np.array("no JSON")},
        {"meta": np.array("[]")},
        {"meta": meta(format="strokes-characters-9")},
        {"meta": meta(classes=7)},
        {"meta": meta(classes="7A")},
        {"meta": meta(sources="ab")},
        {"meta": meta(sources=[1, 2])},
        {"meta": meta(options=[])},
        {"images": np.array(5, np.uint8)},
        {"images": np.zeros((9, 784), np.uint8)},
        {"labels": np.full(9, 200)},
        {"labels": np.array([None] * 9, object)},  # would have to be unpickled
        {"splits": np.zeros((9, 1), np.uint8)},
    ],
)
def test_files_of_another_making_are_one_sentence(changes, tmp_path):
    path = tmp_path / "c.npz"
    made().save(path)
    rewritten(path, **changes)
    with pytest.raises(InputError, match=r"c\.npz: not a set of characters") as caught:
        CharacterSet.load(path)
    assert "\n" not in str(caught.value)


def test_other_files_and_none(tmp_path):
    with pytest.raises(InputError, match="no such file; make one with 'strokes prepare characters'"):
        CharacterSet.load(tmp_path / "none.npz")
    for content in (b"", b"hello", b"\x93NUMPY", b"PK\x03\x04" + bytes(60)):
        (tmp_path / "c.npz").write_bytes(content)
        with pytest.raises(InputError, match="not a set of characters"):
            CharacterSet.load(tmp_path / "c.npz")
    with pytest.raises(InputError, match="not a set of characters"):
        CharacterSet.load(tmp_path)


def test_a_small_file_that_unpacks_to_gigabytes_is_refused_unread(tmp_path, monkeypatch):
    path = tmp_path / "c.npz"
    made().save(path)
    monkeypatch.setattr("strokes.characters.data._UNPACKED_LIMIT", 2**20)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (2000, 28, 28)}
    )
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.npy", header.getvalue() + bytes(2000 * 784))
    assert path.stat().st_size < 2**15
    with pytest.raises(InputError, match="unpacks to 2 MiB, more than"):
        CharacterSet.load(path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cut=st.none() | st.integers(0, 2**13),
    damage=st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=4),
)
def test_no_damage_is_more_than_an_error(cut, damage, tmp_path):
    path = tmp_path / "c.npz"
    made().save(path)
    content = bytearray(path.read_bytes()[:cut])
    for at, value in damage:
        if content:
            content[-1 - at % len(content)] = value  # the directory at the end is the sore spot
    path.write_bytes(content)
    with suppress(InputError):
        assert len(CharacterSet.load(path)) == 9


def test_saving_where_none_can_is_told(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        made().save(tmp_path / "nowhere" / "c.npz")


@pytest.mark.parametrize(
    ("asked", "means"),
    [("digits", "0123456789"), ("ABA7", "AB7"), ("abc", "abc"), ("letters", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")],
)
def test_classes_by_name_or_by_themselves(asked, means):
    assert resolve_classes(asked, "--classes") == means


@pytest.mark.parametrize("asked", ["digit", "Letters", "ALL", " ", ""])
def test_what_is_nearly_a_name_of_classes_is_told(asked):
    with pytest.raises(
        InputError, match="--among .*: give digits, letters, all, or the characters themselves"
    ):
        resolve_classes(asked, "--among")
