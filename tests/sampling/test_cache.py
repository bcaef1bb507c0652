from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from strokes.sampling.cache import cache_folder, cached, keep


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("STROKES_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_what_is_kept_is_found_again(folder):
    assert cached("a") is None
    keep("a", b"one")
    keep("b", b"")
    assert cached("a") == b"one"
    assert cached("b") == b""
    keep("a", b"two")
    assert cached("a") == b"two"
    assert len(list(folder.iterdir())) == 2  # no temporary file is left


def test_a_damaged_file_is_not_read(folder):
    keep("a", bytes(1000))
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[500] ^= 1
    for damaged in (b"", whole[:40], whole[:-1], whole + b"x", bytes(flipped), whole[:3] + b"x" + whole[4:]):
        path.write_bytes(damaged)
        assert cached("a") is None
    path.write_bytes(whole)
    assert cached("a") == bytes(1000)


def test_a_file_under_another_name_is_not_read(folder):
    keep("a", b"of a")
    keep("b", b"of b")
    a, b = sorted(folder.iterdir())
    a.replace(b)
    assert cached("b") is None


def test_no_folder_can_be_made_and_nobody_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("STROKES_CACHE", str(tmp_path / "file" / "cache"))
    keep("a", b"one")
    assert cached("a") is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only(folder):
    folder.mkdir()
    folder.chmod(0o500)
    keep("a", b"one")
    assert cached("a") is None


def test_the_files_used_last_stay(folder):
    for i in range(8):
        keep(f"{i}", b"content")
        os.utime(next(folder.glob(f"{i}.*")), (i, i))
    assert cached("0") == b"content"  # and is the latest now
    keep("8", b"content")
    assert sorted(p.stem for p in folder.iterdir()) == ["0", "2", "3", "4", "5", "6", "7", "8"]


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/strokes"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "/home/ada/.cache/strokes"),
        ("linux", {}, "/home/ada/.cache/strokes"),
        ("darwin", {"XDG_CACHE_HOME": "/x"}, "/home/ada/Library/Caches/strokes"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/strokes/cache"),
        ("win32", {}, "/home/ada/AppData/Local/strokes/cache"),
        ("win32", {"STROKES_CACHE": "/chosen"}, "/chosen"),
    ],
)
def test_where_it_is(platform, variables, expected, monkeypatch):
    for name in ("STROKES_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/ada"))
    assert cache_folder() == Path(expected)


def test_without_a_home(monkeypatch):
    def no_home() -> Path:
        raise RuntimeError("could not determine home directory")

    for name in ("STROKES_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(Path, "home", no_home)
    assert cache_folder() is None
    keep("a", b"one")
    assert cached("a") is None
