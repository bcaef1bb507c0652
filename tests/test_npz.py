"""Arrays in one file: a round trip, and every way in which a stranger's file can lie."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from strokes.npz import read_npz, save_npz

GOOD = {
    "steps": np.arange(12, dtype=np.int16).reshape(6, 2),
    "texts": np.array(["a", "", "é\u20ac"]),
    "note": np.array("one"),
}
EXPECTED = {"steps": ("i2", 2), "texts": ("U", 1), "note": ("U", 0)}


def header(descr: object = "<i2", shape: object = (6, 2), fortran: bool = False, version: int = 1) -> bytes:
    """The start of a .npy file that says what it likes."""
    text = repr({"descr": descr, "fortran_order": fortran, "shape": shape}).encode() + b"\n"
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + size + text


def packed(path: Path, steps: bytes, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """A file whose array "steps" is these bytes."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("steps.npy", steps)
    return path


def refusal(path: Path, **limit: int) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # its message is looked at below
        read_npz(path, {"steps": ("i2", 2)}, **limit)
    message = str(caught.value)
    assert message and "\n" not in message and len(message) < 400
    assert "pickle" not in message
    return message


@settings(deadline=None)
@given(
    arrays(np.int16, array_shapes(min_dims=2, max_dims=2, min_side=0)),
    st.lists(
        st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=9), max_size=9
    ),
)
def test_a_round_trip(tmp_path_factory, steps, texts):
    path = tmp_path_factory.mktemp("npz") / "a.npz"
    save_npz(path, {"steps": steps, "texts": np.array(texts, np.str_), "note": np.array("é")})
    back = read_npz(path, EXPECTED)
    np.testing.assert_array_equal(back["steps"], steps)
    assert back["steps"].dtype == np.int16 and back["texts"].tolist() == texts and str(back["note"]) == "é"
    back["steps"][...] = 0  # one's own to write to


def test_numpy_reads_what_is_written(tmp_path):
    save_npz(tmp_path / "a.npz", GOOD)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as stored:
        for name, array in GOOD.items():
            np.testing.assert_array_equal(stored[name], array)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_writes_is_read(tmp_path, save):
    save(tmp_path / "a.npz", **GOOD)
    back = read_npz(tmp_path / "a.npz", EXPECTED)
    assert all(np.array_equal(back[name], array) for name, array in GOOD.items())


def test_columns_one_after_the_other_are_read(tmp_path):
    """As they lie in an array that was transposed."""
    save_npz(tmp_path / "a.npz", {"steps": np.asfortranarray(GOOD["steps"])})
    back = read_npz(tmp_path / "a.npz", {"steps": ("i2", 2)})["steps"]
    assert back.flags.c_contiguous and np.array_equal(back, GOOD["steps"])


def test_another_byte_order_is_turned(tmp_path):
    np.savez(tmp_path / "a.npz", steps=GOOD["steps"].astype(">i2"))
    back = read_npz(tmp_path / "a.npz", {"steps": ("i2", 2)})["steps"]
    assert back.dtype.isnative and np.array_equal(back, GOOD["steps"])


def test_newer_headers_are_read(tmp_path):
    data = GOOD["steps"].tobytes()
    for version in (1, 2, 3):
        path = packed(tmp_path / f"{version}.npz", header(version=version) + data)
        np.testing.assert_array_equal(read_npz(path, {"steps": ("i2", 2)})["steps"], GOOD["steps"])


class Evil:
    """Unpickling this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_objects_are_not_unpickled(tmp_path):
    trap = tmp_path / "trap"
    np.savez(tmp_path / "a.npz", steps=np.array([Evil(trap)], object))
    assert "what belongs there" in refusal(tmp_path / "a.npz")
    packed(tmp_path / "b.npz", pickle.dumps(Evil(trap)))
    assert "damaged header" in refusal(tmp_path / "b.npz")
    packed(tmp_path / "c.npz", header("|O") + pickle.dumps(Evil(trap)))
    refusal(tmp_path / "c.npz")
    assert not trap.exists()


DATA = bytes(24)
HOSTILE = {
    "empty": b"",
    "no header": b"\x93NUMPY",
    "not npy": b"hello, world" * 9,
    "version 9": b"\x93NUMPY\x09\x00" + header()[8:] + DATA,
    "header cut": header()[:-20],
    "header endless": b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + b" " * 99,
    "header a call": header().replace(b"'<i2'", b"exit()") + DATA,
    "header deep": b"\x93NUMPY\x01\x00" + struct.pack("<H", 6000) + b"(" * 6000,
    "no shape": b"\x93NUMPY\x01\x00" + struct.pack("<H", 17) + b"{'descr': '<i2'}\n",
    "floats": header("<f8") + bytes(96),
    "wider": header("<i4") + bytes(48),
    "unsigned": header("<u2") + DATA,
    "bytes": header("|S2") + DATA,
    "fields": header([("a", "<i2")]) + DATA,
    "a part of an array": header(("<i2", (2,)), (6,)) + DATA,
    "no such type": header("<q9") + DATA,
    "one dimension": header(shape=(12,)) + DATA,
    "no dimension": header(shape=()) + bytes(2),
    "negative": header(shape=(-6, 2)) + DATA,
    "negative twice": header(shape=(-6, -2)) + DATA,
    "huge": header(shape=(2**40, 2)) + DATA,
    "over 64 bits": header(shape=(2**70, 2**70)) + DATA,
    "huge and empty": header(shape=(2**62, 0)) + DATA,
    "no whole number": header(shape=(6.0, 2)) + DATA,
    "short": header() + DATA[:-1],
    "long": header() + DATA + b"x",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_headers_are_refused(tmp_path, case):
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        assert "'steps'" in refusal(packed(tmp_path / f"{compression}.npz", HOSTILE[case], compression))


def test_texts_of_no_width_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("texts.npy", header("<U0", (10**9,)))
    with pytest.raises(ValueError, match="what belongs there"):
        read_npz(tmp_path / "a.npz", {"texts": ("U", 1)})


@pytest.mark.parametrize("code", [0x110000, 0xFFFFFFFF, 0xD800])
@pytest.mark.parametrize("order", "<>")
def test_numbers_that_are_no_characters_are_refused(tmp_path, code, order):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr(
            "texts.npy", header(f"{order}U2", (2,)) + np.array([65, 0, 66, code], f"{order}u4").tobytes()
        )
    with pytest.raises(ValueError, match="no characters"):
        read_npz(tmp_path / "a.npz", {"texts": ("U", 1)})


def test_a_missing_array_is_named(tmp_path):
    save_npz(tmp_path / "a.npz", {"other": np.zeros(3)})
    assert refusal(tmp_path / "a.npz") == "it has no array 'steps'"


def test_bombs_are_not_unpacked(tmp_path):
    """A few kilobytes that would fill the memory, and a member beside those that are wanted."""
    zeros = np.zeros((2**24, 4), np.int16)
    save_npz(tmp_path / "a.npz", {"steps": zeros})
    assert (tmp_path / "a.npz").stat().st_size < 2**18
    assert "128 MiB" in refusal(tmp_path / "a.npz")
    save_npz(tmp_path / "b.npz", {"steps": zeros[:6, :2], "other": zeros})
    assert "MiB" in refusal(tmp_path / "b.npz")
    save_npz(tmp_path / "c.npz", {"steps": zeros[:100, :2]})
    assert "MiB" in refusal(tmp_path / "c.npz", limit=300)
    assert read_npz(tmp_path / "c.npz", {"steps": ("i2", 2)}, limit=2000)["steps"].shape == (100, 2)


def lying(path: Path, offset_local: int, offset_central: int, value: bytes) -> Path:
    """A good file with some bytes of its one member's two headers overwritten."""
    data = bytearray(packed(path, header() + DATA).read_bytes())
    central = data.rindex(b"PK\x01\x02")
    for at in (offset_local, central + offset_central):
        data[at : at + len(value)] = value
    path.write_bytes(data)
    return path


def test_encrypted_and_foreign_packing_is_refused(tmp_path):
    assert "unknown way" in refusal(lying(tmp_path / "a.npz", 6, 8, b"\x01\x00"))  # encrypted
    assert "unknown way" in refusal(lying(tmp_path / "b.npz", 8, 10, b"\x63\x00"))  # a method of AES
    for name, method in (("c", zipfile.ZIP_BZIP2), ("d", zipfile.ZIP_LZMA)):
        assert "unknown way" in refusal(packed(tmp_path / f"{name}.npz", header() + DATA, method))


def test_a_size_that_is_not_true_is_noticed(tmp_path):
    refusal(lying(tmp_path / "a.npz", 22, 24, struct.pack("<I", 2**31)))
    refusal(lying(tmp_path / "b.npz", 22, 24, struct.pack("<I", 9)))
    refusal(lying(tmp_path / "c.npz", 14, 16, bytes(4)))  # its checksum


def test_what_is_no_archive_is_refused(tmp_path):
    for name, content in (
        ("empty", b""),
        ("text", b"hello"),
        ("pickle", pickle.dumps(Evil(tmp_path / "trap"))),
    ):
        (tmp_path / name).write_bytes(content)
        refusal(tmp_path / name)
    refusal(tmp_path)  # a folder
    assert not (tmp_path / "trap").exists()
    with pytest.raises(FileNotFoundError):
        read_npz(tmp_path / "none.npz", EXPECTED)


def good_bytes() -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, **GOOD)
    return out.getvalue()


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_damaged_file_is_refused_or_read_whole(tmp_path_factory, data):
    """Cut anywhere, or with any few bytes changed."""
    content = bytearray(good_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    for _ in range(data.draw(st.integers(0, 4))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    path.write_bytes(content)
    try:
        back = read_npz(path, EXPECTED)
    except ValueError:
        return
    assert {name: a.shape for name, a in back.items()} == {"steps": (6, 2), "texts": (3,), "note": ()}
