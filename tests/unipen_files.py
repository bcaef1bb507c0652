"""A small UNIPEN of our own: letters drawn by rule, files in the format of train_r01_v07."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

#: x-height of the made-up writers, in tablet units.
X = 40

# Strokes of a letter, x from 0, y up, in x-heights; every letter is about one x-height wide.
_SHAPES: dict[str, list[list[tuple[float, float]]]] = {
    "n": [[(0, 1), (0.05, 0), (0.1, 0.8), (0.4, 1), (0.6, 0.8), (0.65, 0)]],
    "o": [[(0.3, 1), (0, 0.6), (0.05, 0.2), (0.3, 0), (0.6, 0.3), (0.55, 0.8), (0.3, 1)]],
    "i": [[(0.2, 1), (0.2, 0)], [(0.2, 1.5)]],
    "l": [[(0.2, 1.9), (0.2, 0)]],
    "g": [[(0.5, 0.9), (0.2, 1), (0, 0.5), (0.3, 0), (0.5, 0.9), (0.5, -0.8), (0.1, -0.6)]],
    "A": [[(0, 0), (0.4, 1.75), (0.8, 0)], [(0.2, 0.7), (0.6, 0.7)]],
    "7": [[(0, 1.7), (0.7, 1.75), (0.2, 0)]],
    "#": [[(0.2, 1.5), (0.2, 0.2)], [(0.5, 1.5), (0.5, 0.2)], [(0, 1.1), (0.7, 1.1)], [(0, 0.6), (0.7, 0.6)]],
    ",": [[(0.1, 0.1), (0, -0.3)]],
    ".": [[(0.1, 0.05)]],
    "'": [[(0.1, 1.8), (0.05, 1.4)]],
    "t": [[(0.3, 1.7), (0.3, 0.05), (0.5, 0)], [(0, 1), (0.6, 1)]],
}


def strokes_of(text: str, x: float = 0.0, y: float = 0.0, size: float = X) -> list[list[tuple[float, float]]]:
    """Strokes in tablet units, y up, points some 0.1 x-heights apart; a space is 1.2 x-heights wide."""
    out = []
    at = x
    for c in text:
        for stroke in _SHAPES.get(c, []):
            dense = [stroke[0]]
            for (ax, ay), (bx, by) in pairwise(stroke):
                dense += [(ax + (bx - ax) * k / 8, ay + (by - ay) * k / 8) for k in range(1, 9)]
            out.append([(at + px * size, y + py * size) for px, py in dense])
        at += (1.2 if c == " " else 0.9) * size
    return out


def block(stroke: Sequence[tuple[float, float]], keyword: str = ".PEN_DOWN", more: str = "") -> str:
    """One component: `more` is appended to each row, as a time or pressure would be."""
    return keyword + "\n" + "".join(f"{round(x)} {round(y)}{more}\n" for x, y in stroke)


def ink(strokes: Sequence[Sequence[tuple[float, float]]], writer: str = "ann", head: str = "") -> str:
    """An ink file: each stroke is a component."""
    return f".WRITER_ID {writer}\n{head}" + "".join(block(s) for s in strokes)


def segments(include: str, *rows: str) -> str:
    """A segment file: rows such as `TEXT 0-3 OK "no"`."""
    return f".VERSION 1.0\n.INCLUDE {include}\n" + "".join(f".SEGMENT {row}\n" for row in rows)


class Distribution:
    """Files by path, to be written as a folder or an archive."""

    def __init__(self) -> None:
        self.files: dict[str, str | bytes] = {}

    def add(self, category: str, source: str, name: str, labels: Sequence[str], writer: str = "ann") -> None:
        """One file of lines written one below another, with their segments; every label is whole and good."""
        kind = {"7": "WORD", "8": "TEXT"}.get(category, "CHARACTER")
        strokes, rows = [], []
        for i, label in enumerate(labels):
            made = strokes_of(label, y=-4.0 * X * i)
            rows.append(f'{kind} {len(strokes)}-{len(strokes) + len(made) - 1} OK "{label}"')
            strokes += made
        self.files[f"include/{source}/data/{name}.dat"] = ink(strokes, writer)
        self.files[f"data/{category}/{source}/{name}.dat"] = segments(f"{source}/data/{name}.dat", *rows)

    def folder(self, root: Path) -> Path:
        for part in ("data", "include"):
            (root / part).mkdir(parents=True, exist_ok=True)
        for path, content in self.files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode("latin-1") if isinstance(content, str) else content)
        return root

    def archive(
        self, path: Path, mode: str = "w:xz", more: Mapping[str, tarfile.TarInfo] | None = None
    ) -> Path:
        with tarfile.open(path, mode) as archive:
            for name, content in self.files.items():
                data = content.encode("latin-1") if isinstance(content, str) else content
                member = tarfile.TarInfo(f"train_r01_v07/{name}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
            for member in (more or {}).values():
                archive.addfile(member)
        return path
