"""The segments of a distribution with their ink: what was written, by whom, and why the rest cannot be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from strokes.files import InputError

from ..reports import Remark
from .geometry import without_repeats
from .ink_files import (
    InkFile,
    Segment,
    SegmentFile,
    parse_components,
    parse_ink,
    parse_segments,
)
from .labels import printable
from .sources import Files, Progress
from .tape import MissingInkError, Tape, join

__all__ = ["Dataset", "Item", "read"]


@dataclass(frozen=True)
class Item:
    """A segment and its ink in tablet units, x right, y down, without pen-up components.

    Attributes:
        name: category/path:components.
        source: three letters, the contributor.
        writer: source/writer id.
        text: the label as it stands.
        strokes: (n, 2) float64 each.
        components: (file, component) of each of its pen-down components.
    """

    name: str
    source: str
    writer: str
    text: str
    strokes: tuple[np.ndarray, ...]
    components: frozenset[tuple[str, int]]


@dataclass
class Dataset:
    """What a distribution holds: segment files by path (data/...), ink files by path as includes name them."""

    segments: dict[str, SegmentFile] = field(default_factory=dict)
    inks: dict[str, InkFile] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)
    broken: list[Remark] = field(default_factory=list)

    def items(
        self, category: str, sources: frozenset[str], bad: bool, counts: Counter[str]
    ) -> Iterator[Item]:
        """The usable segments of a category in the order of their files; others are remarked and counted by rule.

        Args:
            category: 1a to 8.
            sources: contributors to take; empty for all.
            bad: leave out segments of quality BAD.
            counts: receives "read" and each rule.
        """
        for path in sorted(self.segments):
            place, _, inside = path.removeprefix("data/").partition("/")
            source = inside.split("/")[0]
            if place != category or (sources and source not in sources):
                continue
            file = self.segments[path]
            label = f"{category}/{inside.removesuffix('.dat')}"
            counts["read"] += len(file.segments)
            if file.unread:
                why = f'{file.unread} of its .SEGMENT statements are not of the form: kind components quality "label"'
                self.remarks.append(Remark(path, "not a segment", why))
            try:
                tape = join(file.includes, self.inks)
            except MissingInkError as e:
                counts["circular include"] += len(file.segments)
                self.remarks.append(Remark(path, "circular include", str(e)))
                continue
            for missing in tape.missing:
                self.remarks.append(Remark(path, "missing include", f"{missing} is not in the distribution"))
            for segment in file.segments:
                name = f"{label}:{segment.components}"
                item = _item(name, source, segment, tape, bad)
                if isinstance(item, Remark):
                    counts[item.rule] += 1
                    self.remarks.append(item)
                else:
                    yield item


def _item(name: str, source: str, segment: Segment, tape: Tape, bad: bool) -> Item | Remark:
    if bad and segment.quality == "BAD":
        return Remark(name, "quality BAD", f"its label {segment.label!r} is marked as wrong")
    text = " ".join(segment.label.split())
    if not printable(text):
        return Remark(
            name, "label", f"its label {segment.label!r} has nothing to see, or other characters than ASCII's"
        )
    try:
        references = parse_components(segment.components)
        found = list(tape.strokes(references))
    except MissingInkError as e:
        return Remark(name, "missing ink", str(e))
    except ValueError as e:
        return Remark(name, "components", str(e))
    strokes: list[np.ndarray] = []
    for _, _, points in found:
        stroke = points.astype(np.float64) * (1.0, -tape.aspect)
        touching = ~np.isnan(stroke[:, 0])
        if touching.all():
            strokes.append(without_repeats(stroke))
        else:  # lifted within a component
            pieces = np.split(stroke, np.flatnonzero(np.diff(touching)) + 1)
            strokes += [without_repeats(p) for p in pieces if not np.isnan(p[0, 0])]
    if not strokes:
        return Remark(name, "no ink", "none of its components is ink")
    writer = f"{source}/{tape.writer(references[0].first)}"
    return Item(name, source, writer, text, tuple(strokes), frozenset((path, n) for path, n, _ in found))


def read(root: str | Path, progress: Progress, sources: frozenset[str] = frozenset()) -> Dataset:
    """Read all segment and ink files of an archive or folder.

    Args:
        root: the archive, or the folder that holds `data` and `include`.
        sources: contributors to read; empty for all.

    Raises:
        InputError: there is no such archive or folder, or no file of UNIPEN in it.
    """
    files, data = Files(Path(root)), Dataset()
    for path, content in files.read(progress):
        parts = path.split("/")
        source = parts[2 if parts[0] == "data" else 1] if len(parts) > 2 else ""
        if sources and source not in sources:
            continue
        if parts[0] == "data":
            data.segments[path] = parse_segments(content)
        else:
            data.inks[path.removeprefix("include/")] = parse_ink(content)
    data.remarks += [Remark(name, "refused", why) for name, why in files.refused]
    if files.broken:
        data.broken.append(Remark(files.root.name, "broken archive", files.broken))
    if not data.segments or not data.inks:
        what = f" of the sources {' '.join(sorted(sources))}" if sources else ""
        why = f" ({files.broken})" if files.broken else ""
        raise InputError(
            f"{root}: there are no files data/CATEGORY/SOURCE/... and include/SOURCE/...{what} in it{why}; "
            "give UNIPEN's archive or folder"
        )
    return data
