"""A segment file's ink: the components of all files it includes, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .ink_files import InkFile, Reference

__all__ = ["MissingInkError", "Part", "Tape", "join"]

_DEPTH_LIMIT = 16
_PART_LIMIT = 1000


class MissingInkError(ValueError):
    """Ink that a segment names is not there; the message is one sentence."""


@dataclass(frozen=True)
class Part:
    """Components of one file that follow each other: `first` is the number of its first one on the tape."""

    path: str
    ink: InkFile
    first: int
    begin: int
    end: int


@dataclass(frozen=True)
class Tape:
    """The components that segments of one file count, over all the files it includes.

    Attributes:
        parts: in order.
        writers: (first component, writer id), in order.
        aspect: length of a y unit over that of an x unit.
        missing: included files that are not there.
    """

    parts: tuple[Part, ...]
    writers: tuple[tuple[int, str], ...]
    aspect: float
    missing: tuple[str, ...]

    def writer(self, component: int) -> str:
        """The writer of a component: the last one named before it, or else the first named at all."""
        found = self.writers[0][1] if self.writers else ""
        for first, writer in self.writers:
            if first > component:
                break
            found = writer
        return found

    def strokes(self, references: Sequence[Reference]) -> Iterator[tuple[str, int, np.ndarray]]:
        """(file, component in it, (n, 2) points with y up) of the pen-down components, in the order given.

        Raises:
            MissingInkError: a component is not there or its numbers cannot be read.
        """
        firsts = [p.first for p in self.parts]
        for ref in references:
            total = self.parts[-1].first + self.parts[-1].end - self.parts[-1].begin if self.parts else 0
            if ref.last >= total:
                why = f"component {ref.last} is not among the {total} of its ink"
                raise MissingInkError(why + (f"; {self.missing[0]} is missing" if self.missing else ""))
            for number in range(ref.first, ref.last + 1):
                part = self.parts[int(np.searchsorted(firsts, number, side="right")) - 1]
                local = number - part.first + part.begin
                if not part.ink.down[local]:
                    continue
                if not part.ink.valid[local]:
                    raise MissingInkError(f"component {number} holds something else than rows of coordinates")
                points = part.ink.points[part.ink.starts[local] : part.ink.starts[local + 1]]
                start = ref.start if number == ref.first else 0
                stop = ref.stop + 1 if number == ref.last and ref.stop is not None else len(points)
                if start < min(stop, len(points)):
                    yield part.path, local, points[start:stop]


def join(includes: Sequence[str], files: Mapping[str, InkFile]) -> Tape:
    """The tape of a file that includes these; nested includes are followed.

    A path that leaves the data set is missing like any other that is not among `files`.

    Raises:
        MissingInkError: files include each other in a circle, or are nested too deep.
    """
    parts: list[Part] = []
    writers: list[tuple[int, str]] = []
    missing: list[str] = []
    aspect, total = 1.0, 0

    def add(path: str, above: tuple[str, ...]) -> None:
        nonlocal aspect, total
        if path in above:
            raise MissingInkError(f"{path} includes itself")
        if len(above) >= _DEPTH_LIMIT or len(parts) >= _PART_LIMIT:
            raise MissingInkError(
                f"includes are nested over {_DEPTH_LIMIT} deep or over {_PART_LIMIT} files long"
            )
        file = files.get(path)
        if file is None:
            missing.append(path)
            return
        if file.aspect is not None:
            aspect = file.aspect
        at = 0
        for stop, kind, value in (*file.events, (len(file), "end", "")):
            if stop > at:
                parts.append(Part(path, file, total, at, stop))
                total += stop - at
                at = stop
            if kind == "writer":
                writers.append((total, value))
            elif kind == "include":
                add(value, (*above, path))

    for path in includes:
        add(path, ())
    return Tape(tuple(parts), tuple(writers), aspect, tuple(missing))
