"""Every command block of the documents runs, or says above itself why it does not."""

from __future__ import annotations

import gzip
import os
import re
import shlex
import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import iam_files
import numpy as np
import pytest
from PIL import Image, ImageDraw

import strokes
from strokes.cli import main

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
PACKAGED = Path(strokes.__file__).parent / "models"


@dataclass(frozen=True)
class Block:
    """A fenced block: its place, its language, its lines, and why it is not run."""

    place: str
    language: str
    code: str
    reason: str


def blocks(document: Path) -> list[Block]:
    """The sh and python blocks of a document; <!-- not run: REASON --> directly above one holds it back."""
    text = document.read_text(encoding="utf-8")
    found = []
    for fence in re.finditer(
        r"((?:^<!--[^\n]*-->\n)*)^```(sh|python)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL
    ):
        reason = re.search(r"<!-- not run: (.*?) -->", fence[1])
        place = f"{document.relative_to(ROOT).as_posix()}:{text.count(chr(10), 0, fence.start(2)) + 1}"
        found.append(Block(place, fence[2], fence[3], reason[1] if reason else ""))
    return found


def commands(block: Block) -> list[list[str]]:
    """The calls of strokes in a block, as lists of arguments."""
    lines = block.code.replace("\\\n", " ").splitlines()
    calls = [re.split(r"&&|\||;", re.sub(r"\s#.*", "", line)) for line in lines]
    words = [
        shlex.split(part.replace("-m strokes", "; strokes").rpartition(";")[2]) for c in calls for part in c
    ]
    return [call[1:] for call in words if call[:1] == ["strokes"]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the documents speak of, as small as it can be."""
    place = tmp_path_factory.mktemp("docs")
    (place / "letter.txt").write_text("Dear Ada,\nyours")
    iam_files.write_archives(iam_files.data_set(), place / "iam-ondb")
    (place / "runs" / "mine").mkdir(parents=True)
    shutil.copytree(PACKAGED / "default", place / "runs" / "mine" / "best")
    rng = np.random.default_rng(0)
    for name in ("photo.jpg", "scan.png", "a.png", "k.png", "7.png"):
        image = Image.new("L", (60, 60), 255)
        ImageDraw.Draw(image).line([tuple(p) for p in rng.integers(10, 50, (3, 2)).tolist()], fill=0, width=5)
        image.save(place / name)
    letters = [[n % 26, *rng.integers(0, 256, 784)] for n in range(104)]
    rows = "\n".join(",".join(map(str, row)) for row in letters)
    (place / "A_Z Handwritten Data.csv").write_text(rows)
    (place / "mnist").mkdir()
    for part, count in (("train", 100), ("t10k", 50)):
        images = rng.integers(0, 256, (count, 28, 28), np.uint8)
        write_idx(place / "mnist" / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(place / "mnist" / f"{part}-labels-idx1-ubyte.gz", np.arange(count, dtype=np.uint8) % 10)
    programs = place / "bin"
    programs.mkdir()
    (programs / "strokes").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m strokes "$@"\n')
    (programs / "strokes").chmod(0o755)
    return place


def write_idx(path: Path, values: np.ndarray) -> None:
    head = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    path.write_bytes(gzip.compress(head + values.tobytes()))


def run_shell(block: Block, folder: Path) -> None:
    """Run the lines of a block: calls of strokes in this process, which has torch already, the rest in a shell."""
    for line in block.code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["strokes"] and not {"|", "&&", ";", ">"} & set(words):
            assert main(words[1:]) == 0, f"{block.place}: {line}"
        elif words:
            path = os.pathsep.join((str(folder / "bin"), os.environ["PATH"]))
            environment = {**os.environ, "PATH": path, "PYTHONPATH": str(PACKAGED.parent.parent)}
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", line], env=environment, capture_output=True
            )
            assert done.returncode == 0, f"{block.place}: {line}: {done.stderr.decode()}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_every_block_runs(document, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    for block in blocks(document):
        if block.reason:
            continue
        if block.language == "python":
            exec(compile(block.code, block.place, "exec"), {"__name__": "__main__"})
        else:
            run_shell(block, folder)
    assert "Traceback" not in capsys.readouterr().err


HELD_BACK = [(b, call) for d in DOCUMENTS for b in blocks(d) if b.reason for call in commands(b)]


@pytest.mark.parametrize(("block", "call"), HELD_BACK, ids=[f"{b.place} {' '.join(c)}" for b, c in HELD_BACK])
def test_options_of_blocks_that_are_not_run_are_known(block, call, capsys):
    depth = 2 if call[0] in ("prepare", "characters") else 1
    with pytest.raises(SystemExit) as e:
        main([*call[:depth], "--help"])
    assert e.value.code == 0
    known = set(re.findall(r"(?<![\w-])--?[a-z][\w.-]*", capsys.readouterr().out))
    assert {word.partition("=")[0] for word in call if word.startswith("-")} <= known


def test_blocks_are_found():
    found = blocks(ROOT / "README.md")
    assert sum(b.language == "python" for b in found) >= 2 and sum(not b.reason for b in found) >= 6
    assert any("torchrun" in b.code for b in found if b.reason) and len(HELD_BACK) >= 5


def test_code_stands_in_fences_that_are_tested():
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        languages = re.findall(r"^ *```(.*)$", text, re.MULTILINE)[::2]
        assert set(languages) <= {"sh", "python", "text", "json", "toml", "yaml"}, document
        assert not re.search(r"^    (strokes|python|pip) ", text, re.MULTILINE), document


def test_links_lead_to_files():
    for document in (*DOCUMENTS, *PACKAGED.rglob("*.md")):
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / link).exists(), f"{document}: {link}"
