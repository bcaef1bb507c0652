"""The UNIPEN 1.0 text format: pen components in ink files, labelled segments in segment files.

A file is a sequence of statements, `.KEYWORD value`, each from a dot at the start of a line to the next one.
`.PEN_DOWN` and `.PEN_UP` hold rows of numbers, of which the first two are x and y (up); `.SEGMENT` names
components by number over everything that was read so far, included files among it.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass

import numpy as np

__all__ = [
    "InkFile",
    "Reference",
    "Segment",
    "SegmentFile",
    "parse_components",
    "parse_ink",
    "parse_segments",
]

# Tablets have some 10,000 units. Far beyond, float32 no longer holds every whole number.
_COORDINATE_LIMIT = 1e6

_STATEMENT = re.compile(rb"^\.", re.MULTILINE)
_SEGMENT = re.compile(r'SEGMENT\s+(\S+)\s+(\S+)\s+(\S+)\s+"((?:[^"\\]|\\.)*)"', re.DOTALL)
_RANGE = re.compile(r"(\d{1,9})(?::(\d{1,9}))?(?:-(\d{1,9})(?::(\d{1,9}))?)?", re.ASCII)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True)
class InkFile:
    """The pen components of one file, in its order.

    Attributes:
        points: (N, 2) float32, tablet units, y up as recorded; NaN where the tablet felt no pressure.
        starts: (C + 1,) int64, component i is rows starts[i] to starts[i + 1].
        down: (C,) bool, whether the pen was down; a component with the pen up is no ink.
        valid: (C,) bool, false where a component's numbers cannot be read.
        aspect: length of a y unit over that of an x unit, or None where the file does not say.
        events: (number of components before it, "writer" or "include", id or path) for each `.WRITER_ID` and
            `.INCLUDE`, in order.
    """

    points: np.ndarray
    starts: np.ndarray
    down: np.ndarray
    valid: np.ndarray
    aspect: float | None
    events: tuple[tuple[int, str, str], ...]

    def __len__(self) -> int:
        """The number of components."""
        return len(self.down)


@dataclass(frozen=True)
class Reference:
    """Components `first` to `last`, both included; from point `start` of the first to point `stop` of the last.

    `stop` is the last point that belongs to it; None takes a component whole.
    """

    first: int
    last: int
    start: int = 0
    stop: int | None = None


@dataclass(frozen=True)
class Segment:
    """One `.SEGMENT` statement: kind (TEXT, WORD, CHARACTER), components, quality (OK, GOOD, BAD, ?) and label.

    `components` is as written; `parse_components` reads it.
    """

    kind: str
    components: str
    quality: str
    label: str


@dataclass(frozen=True)
class SegmentFile:
    """The segments of one file and the files it includes, in order; `unread` counts statements that are no segment."""

    includes: tuple[str, ...]
    segments: tuple[Segment, ...]
    unread: int


def _statements(content: bytes) -> list[bytes]:
    return _STATEMENT.split(content)[1:]


def _value(statement: bytes) -> str:
    """The first word after the keyword."""
    words = statement.split(None, 2)
    return words[1].decode("latin-1") if len(words) > 1 else ""


def _component(body: bytes, pressure: int | None) -> np.ndarray | None:
    """(n, 2) float64 of the rows of one component, or None where they are not rows of as many numbers each.

    A row without pressure, where column `pressure` tells, is NaN: the pen is in the air within a component.
    """
    try:
        numbers = np.fromstring(body, np.float64, sep=" ")
    except (ValueError, DeprecationWarning):
        return None
    columns = len(body.lstrip().split(b"\n", 1)[0].split())
    if columns < 2 or len(numbers) % columns:
        return None
    rows = numbers.reshape(-1, columns)
    points = rows[:, :2]
    if not (np.abs(points) <= _COORDINATE_LIMIT).all():
        return None
    if pressure is not None and pressure < columns:
        points[rows[:, pressure] == 0] = np.nan
    return points


def parse_ink(content: bytes) -> InkFile:
    """Read the components of a file. A block without points is no component."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # older numpy stops at what is no number
        return _parse_ink(content)


def _parse_ink(content: bytes) -> InkFile:
    parts: list[np.ndarray] = []
    counts, down, valid = [0], [], []
    events: list[tuple[int, str, str]] = []
    resolution: dict[bytes, float] = {}
    pressure: int | None = None
    for statement in _statements(content):
        if statement.startswith((b"PEN_DOWN", b"PEN_UP")):
            is_down = statement.startswith(b"PEN_DOWN")
            body = statement[8 if is_down else 6 :]
            if not body.strip():
                continue
            points = _component(body, pressure if is_down else None)
            parts.append(np.zeros((0, 2)) if points is None else points)
            counts.append(len(parts[-1]))
            down.append(is_down)
            valid.append(points is not None)
        elif statement.startswith(b"WRITER_ID"):
            events.append((len(down), "writer", _value(statement)))
        elif statement.startswith(b"COORD"):
            names = statement.split()[1:]
            pressure = names.index(b"P") if b"P" in names else None
        elif statement.startswith(b"INCLUDE"):
            events.append((len(down), "include", _value(statement)))
        elif statement.startswith((b"X_POINTS_PER_", b"Y_POINTS_PER_")):
            try:
                resolution[statement[:1]] = float(_value(statement))
            except ValueError:
                continue
    x, y = resolution.get(b"X", 0.0), resolution.get(b"Y", 0.0)
    return InkFile(
        points=np.concatenate(parts).astype(np.float32) if parts else np.zeros((0, 2), np.float32),
        starts=np.cumsum(counts, dtype=np.int64),
        down=np.array(down, bool),
        valid=np.array(valid, bool),
        aspect=x / y if 0.2 < x / max(y, 1e-9) < 5 else None,
        events=tuple(events),
    )


def parse_segments(content: bytes) -> SegmentFile:
    """Read the segments of a file. Labels are unescaped: a backslash stands before a quote or a backslash."""
    includes, segments, unread = [], [], 0
    for statement in _statements(content):
        if statement.startswith(b"INCLUDE"):
            includes.append(_value(statement))
        elif statement.startswith(b"SEGMENT"):
            match = _SEGMENT.match(statement.decode("latin-1"))
            if match is None:
                unread += 1
                continue
            kind, components, quality, label = match.groups()
            segments.append(Segment(kind, components, quality, _ESCAPE.sub(r"\1", label)))
    return SegmentFile(tuple(includes), tuple(segments), unread)


def parse_components(text: str) -> list[Reference]:
    """Read a list of components: `7`, `0-19`, `3-5,7`, `4:10-6:31` (from point 10 of 4 to point 31 of 6).

    Raises:
        ValueError: it is something else, or runs backwards.
    """
    out = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} names no components")
        first, start, last, stop = match.groups()
        a, b = int(first), int(last if last is not None else first)
        if last is None and start is not None:  # 7:3 is one point
            stop = start
        if b < a:
            raise ValueError(f"{part!r} runs backwards")
        out.append(Reference(a, b, int(start or 0), None if stop is None else int(stop)))
    return out
