"""What the files of IAM-OnDB hold: ink, transcriptions, writers and splits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from lxml import etree

from strokes.files import InputError
from strokes.ink import Ink

from ..reports import RejectedError

__all__ = ["FORM", "SPLITS", "parse_line", "parse_transcription", "parse_writer", "read_splits"]

#: The official split files, without .txt.
SPLITS = ("trainset", "testset_v", "testset_t", "testset_f")

#: The name of a form: a01-000u.
FORM = re.compile(r"[a-z]\d\d-\d{3}[a-z]?", re.ASCII)

# A whiteboard has some 10,000 units. Far beyond, float32 no longer holds every whole number.
_COORDINATE_LIMIT = 1e6

_DOCUMENT_TYPE = ("document type", "its XML declares a document type, which no file of this data set does")
# No entities, no DTD, no network; huge_tree=False keeps libxml2's own bounds on depth and size.
_SAFE: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "huge_tree": False,
}


class _LineTarget:
    """Takes the points out of a lineStrokes file while it is parsed: no tree is built."""

    def __init__(self) -> None:
        self.x: list[str | None] = []
        self.y: list[str | None] = []
        self.starts: list[int] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "Point":
            self.x.append(attributes.get("x"))
            self.y.append(attributes.get("y"))
        elif tag == "Stroke":
            self.starts.append(len(self.x))

    def doctype(self, *_: object) -> None:
        raise RejectedError(*_DOCUMENT_TYPE)

    def close(self) -> _LineTarget:
        return self


def parse_line(content: bytes) -> Ink:
    """The ink of one lineStrokes file, in raw units. Strokes without points are no ink and left out.

    Raises:
        RejectedError: not XML, a document type, no points, a coordinate that is missing, no number, or
            far off any whiteboard.
    """
    if b"<!DOCTYPE" in content:
        raise RejectedError(*_DOCUMENT_TYPE)
    try:
        parser = etree.XMLParser(target=cast(Any, _LineTarget()), **_SAFE)
        found = cast(_LineTarget, etree.fromstring(content, parser))
    except etree.XMLSyntaxError as e:
        raise RejectedError("not XML", f"not well-formed XML: {e.msg}") from None
    if not found.x:
        raise RejectedError("no ink", "there is no point in it")
    try:
        points = np.array([list(map(float, cast(list[str], axis))) for axis in (found.x, found.y)]).T
    except (TypeError, ValueError):
        raise RejectedError("bad coordinate", "a point has a coordinate that is not a number") from None
    if not (np.abs(points) <= _COORDINATE_LIMIT).all():  # so written, nan is out as well
        raise RejectedError("bad coordinate", "a point has a coordinate that is on no whiteboard")
    starts = [0, *found.starts]  # points before any stroke would be one
    strokes = (points[a:b] for a, b in zip(starts, [*starts[1:], len(points)], strict=True))
    return Ink(tuple(s for s in strokes if len(s)))


def parse_transcription(content: bytes) -> list[str]:
    """The lines under `CSR:`, in order, stripped, blank ones left out; none if there is no `CSR:`."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("iso-8859-1")
    lines = [line.strip() for line in re.split(r"\r\n|\r|\n", text)]
    if "CSR:" not in lines:
        return []
    return [line for line in lines[lines.index("CSR:") + 1 :] if line]


def parse_writer(content: bytes) -> tuple[str, str] | None:
    """(form id, writer id) of an original form, or None where it names no writer.

    Reading stops at the `Form` element near the start, so a form that breaks off later still tells.

    Raises:
        RejectedError: not XML, or a document type.
    """
    if b"<!DOCTYPE" in content:
        raise RejectedError(*_DOCUMENT_TYPE)
    parser = etree.XMLPullParser(events=("start",), **_SAFE)
    try:
        for at in range(0, len(content), 4096):
            parser.feed(content[at : at + 4096])
            for _, found in parser.read_events():
                element = cast(etree._Element, found)
                if element.getroottree().docinfo.internalDTD is not None:
                    raise RejectedError(*_DOCUMENT_TYPE)
                if element.tag == "Form":
                    form, writer = element.get("id", ""), element.get("writerID", "")
                    return (form, writer) if writer else None
                if element.tag == "StrokeSet":
                    return None
    except etree.XMLSyntaxError as e:
        raise RejectedError("not XML", f"not well-formed XML: {e.msg}") from None
    return None


def read_splits(root: Path) -> dict[str, str]:
    """Form -> split, from the split files that are there.

    Raises:
        InputError: none is there, or one is not a list of forms.
    """
    forms: dict[str, str] = {}
    for split in SPLITS:
        path = root / f"{split}.txt"
        if not path.is_file():
            continue
        for number, row in enumerate(path.read_text("iso-8859-1").splitlines(), 1):
            if not (form := row.strip()):
                continue
            if not FORM.fullmatch(form):
                raise InputError(f"{path}: row {number} names no form; get the official split file")
            forms.setdefault(form, split)
    if not forms:
        raise InputError(f"{root}: none of the split files {', '.join(s + '.txt' for s in SPLITS)} is there")
    return forms
