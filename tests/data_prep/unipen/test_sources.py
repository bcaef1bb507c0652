"""Reading archives and folders of strangers: every compression, damage, and what is refused."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from pathlib import Path

import numpy as np
import pytest
from unipen_files import Distribution

from data_prep.unipen import sources
from data_prep.unipen.segments import read
from data_prep.unipen.sources import Files
from strokes.files import InputError


def silent(_what, _total):
    return lambda _done: None


def contents(root: Path) -> tuple[dict[str, bytes], Files]:
    files = Files(root)
    return dict(files.read(silent)), files


@pytest.fixture
def made() -> Distribution:
    out = Distribution()
    out.add("8", "aaa", "one", ["no lion", "go on"])
    return out


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_every_compression_and_the_folder_read_the_same(mode, made, tmp_path):
    packed, _ = contents(made.archive(tmp_path / "some.name", mode))
    unpacked, _ = contents(made.folder(tmp_path / "folder"))
    assert packed == unpacked and set(packed) == set(made.files)


def test_an_archive_is_told_by_its_content_not_its_name(made, tmp_path):
    plain = made.archive(tmp_path / "a.tar.gz", "w")
    assert set(contents(plain)[0]) == set(made.files)
    twice = tmp_path / "b.tar"
    raw = lzma.compress(plain.read_bytes()[:5000]) + lzma.compress(plain.read_bytes()[5000:])
    twice.write_bytes(raw)  # several streams in one file
    assert set(contents(twice)[0]) == set(made.files)


def test_links_devices_and_paths_outside_are_refused(made, tmp_path):
    link = tarfile.TarInfo("data/8/aaa/link.dat")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    up = tarfile.TarInfo("../data/8/aaa/up.dat")
    absolute = tarfile.TarInfo("/data/8/aaa/abs.dat")
    device = tarfile.TarInfo("include/aaa/null")
    device.type = tarfile.CHRTYPE
    more = {str(i): m for i, m in enumerate((link, up, absolute, device))}
    read_, files = contents(made.archive(tmp_path / "a.tar", "w", more))
    assert set(read_) == set(made.files)
    assert [name for name, _ in files.refused] == [m.name for m in more.values()]
    assert list(tmp_path.iterdir()) == [tmp_path / "a.tar"]  # nothing was written


def test_a_link_in_a_folder_is_refused(made, tmp_path):
    root = made.folder(tmp_path / "set")
    (tmp_path / "secret").write_text(".WRITER_ID eve\n.PEN_DOWN\n1 1\n")
    (root / "include/aaa/data/link.dat").symlink_to(tmp_path / "secret")
    read_, files = contents(root)
    assert set(read_) == set(made.files)
    assert files.refused == [("include/aaa/data/link.dat", "no regular file")]


def test_a_truncated_archive_gives_what_comes_before_the_break(made, tmp_path):
    rng = np.random.default_rng(0)
    for i in range(40):
        rows = "".join(f".PEN_DOWN\n{x} {y}\n" for x, y in rng.integers(0, 9999, (500, 2)))
        made.files[f"include/aaa/data/more{i}.dat"] = f".WRITER_ID w{i}\n" + rows
    for mode in ("w", "w:gz", "w:bz2", "w:xz"):
        path = made.archive(tmp_path / "a", mode)
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 5])
        refusal = ""
        try:
            found = read(path, silent)
        except InputError as e:  # a block of bzip2 is whole or nothing
            refusal = str(e)
        if mode == "w:bz2":
            assert "not a tar archive" in refusal or "before the break" in refusal
        else:
            assert not refusal and [r.rule for r in found.broken] == ["broken archive"]
            assert 2 < len(found.inks) < 41


def test_what_is_no_archive_says_so_in_one_sentence(tmp_path):
    for name, content in {
        "empty": b"",
        "text": b"hello " * 500,
        "gz": gzip.compress(b"no tar" * 1000),
        "bz2": bz2.compress(b"no tar" * 1000),
        "xz": lzma.compress(b"no tar" * 1000),
        "broken xz": b"\xfd7zXZ\x00" + b"\x01" * 400,
        "zip": b"PK\x03\x04" + bytes(2000),
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(InputError) as e:
            read(path, silent)
        assert str(path) in str(e.value) and "\n" not in str(e.value), name


def test_nothing_there(tmp_path):
    with pytest.raises(InputError, match="no such file or folder"):
        Files(tmp_path / "nowhere")
    (tmp_path / "data").mkdir()
    with pytest.raises(InputError, match="data and include"):
        Files(tmp_path)
    other = tmp_path / "other.tar"
    with tarfile.open(other, "w") as archive:
        archive.addfile(tarfile.TarInfo("readme"), io.BytesIO())
    with pytest.raises(InputError, match=r"no files data/CATEGORY/SOURCE"):
        read(other, silent)


def test_a_huge_member_is_refused_and_a_bomb_stopped(made, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_FILE_LIMIT", 3000)
    made.files["include/aaa/data/huge.dat"] = ".PEN_DOWN\n" + "1 2\n" * 2000
    read_, files = contents(made.archive(tmp_path / "a.tar.xz"))
    assert "include/aaa/data/huge.dat" not in read_ and "more than any file" in files.refused[0][1]
    monkeypatch.setattr(sources, "_FILE_LIMIT", 2**25)
    monkeypatch.setattr(sources, "_ARCHIVE_LIMIT", 20_000)
    made.files["include/aaa/data/bomb.dat"] = bytes(100_000)
    _, files = contents(made.archive(tmp_path / "b.tar.xz"))
    assert files.broken and "only what comes before" in files.broken


def test_an_xz_file_may_not_ask_for_endless_memory(made, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_MEMORY_LIMIT", 2**16)
    with pytest.raises(InputError, match="not a tar archive"):
        contents(made.archive(tmp_path / "a.tar.xz"))


def test_too_many_members_end_it(made, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_MEMBER_LIMIT", 1)
    _, files = contents(made.archive(tmp_path / "a.tar", "w"))
    assert files.broken and "more than 1 members" in files.broken
