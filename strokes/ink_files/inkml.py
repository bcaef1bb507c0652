"""InkML (W3C Recommendation, 2011): traces, groups of them, channels, differences."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..files import InputError
from ..ink import Line
from .document import InkDocument, checked_ink, text_lines

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["inkml_document"]

_ID = "{http://www.w3.org/XML/1998/namespace}id"
_VALUE = re.compile(
    r"\s*([!'\"]?)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|#[0-9a-fA-F]+|[TF*?])", re.ASCII
)
_MM = {"m": 1000.0, "cm": 10.0, "mm": 1.0, "in": 25.4, "pt": 25.4 / 72, "pc": 25.4 / 6}
_TEXTS = ("truth", "transcription", "text", "label", "groundtruth")


@dataclass(frozen=True)
class _Format:
    """Where x and y stand among the values of a point."""

    x: int = 0
    y: int = 1
    x_sign: float = 1.0
    y_sign: float = 1.0
    unit: str = ""


def inkml_document(root: _Element, where: str) -> InkDocument:
    """The ink of InkML: outermost groups that say their text are lines or pages; else lines are told by position.

    Raises:
        InputError: it is no InkML, a trace is damaged, or there is none.
    """
    if _tag(root) != "ink":
        raise InputError(f"{where}: not InkML (its root is {_tag(root)[:40]!r}); give a file of ink")
    formats, default = _formats(root, where)
    groups = _said_groups(root)
    if groups:
        lines: list[Line] = []
        for group in groups:
            strokes = _strokes(group, formats, default, where)
            if strokes:
                ink, text = checked_ink(strokes, where), _text(group)
                lines += text_lines(ink, text, where) if _is_page(group) else [Line(ink, text, where)]
        inside = sum(1 for g in groups for e in g.iter() if _tag(e) == "trace")
        if lines and inside == sum(1 for e in root.iter() if _tag(e) == "trace"):
            return InkDocument(tuple(lines), _MM.get(default.unit))
    ink = checked_ink(_strokes(root, formats, default, where), where)
    return InkDocument(text_lines(ink, _text(root), where), _MM.get(default.unit))


def _tag(element: _Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _text(element: _Element) -> str:
    """What the annotations of an element itself say that it says."""
    for child in element:
        if _tag(child) == "annotation" and (child.get("type") or "").lower() in _TEXTS:
            return (child.text or "").strip()
    return ""


def _said_groups(root: _Element) -> list[_Element]:
    """The outermost groups of traces with a text."""
    found: list[_Element] = []
    waiting = list(reversed(root))
    while waiting:
        element = waiting.pop()
        if _tag(element) == "traceGroup":
            if _text(element):
                found.append(element)
            else:
                waiting += reversed(element)
    return found


def _is_page(group: _Element) -> bool:
    """Whether a group may hold several lines: it says how high its paper is, or its text has several lines."""
    kinds = {child.get("type") for child in group if _tag(child) == "annotation"}
    return "height" in kinds or len(_text(group).splitlines()) > 1


def _formats(root: _Element, where: str) -> tuple[dict[str, _Format], _Format]:
    """Formats by the ids of them and of the contexts that hold them or refer to them, and the one that holds unsaid."""
    formats: dict[str, _Format] = {}
    first = None
    for element in root.iter():
        if _tag(element) == "traceFormat":
            made = _format(element, where)
            first = first or made
            owner: _Element | None = element
            while owner is not None:
                if name := owner.get(_ID) or owner.get("id"):
                    formats.setdefault(name, made)
                owner = owner.getparent()
    for element in root.iter():
        if _tag(element) == "context" and (name := element.get(_ID) or element.get("id")):
            for attribute in ("traceFormatRef", "inkSourceRef", "contextRef"):
                refers = (element.get(attribute) or "").lstrip("#")
                if refers in formats:
                    formats.setdefault(name, formats[refers])
    return formats, first or _Format()


def _format(element: _Element, where: str) -> _Format:
    channels = [c for c in element.iter() if _tag(c) == "channel"]
    names = [(c.get("name") or "").upper() for c in channels]
    if "X" not in names or "Y" not in names:
        raise InputError(f"{where}: a traceFormat has no channels X and Y; give ink with positions of a pen")
    x, y = names.index("X"), names.index("Y")
    x_sign, y_sign = (-1.0 if channels[i].get("orientation") == "-ve" else 1.0 for i in (x, y))
    return _Format(x, y, x_sign, y_sign, (channels[x].get("units") or "").lower())


def _strokes(
    element: _Element, formats: dict[str, _Format], default: _Format, where: str
) -> list[np.ndarray]:
    strokes: list[np.ndarray] = []
    for trace in element.iter():
        if _tag(trace) != "trace" or trace.get("type") == "penUp":
            continue
        kind = formats.get((trace.get("contextRef") or "").lstrip("#"), default)
        parent = trace.getparent()
        while not trace.get("contextRef") and parent is not None:
            if (name := (parent.get("contextRef") or "").lstrip("#")) in formats:
                kind = formats[name]
                break
            parent = parent.getparent()
        points = _points(trace.text or "", kind, where)
        if len(points) == 0:
            continue
        if trace.get("continuation") in ("middle", "end") and strokes:
            strokes[-1] = np.concatenate([strokes[-1], points])
        else:
            strokes.append(points)
    return strokes


def _points(text: str, kind: _Format, where: str) -> np.ndarray:
    """The points of a trace, (n, 2): values or, behind single and double quotes, differences."""
    orders: dict[int, str] = {}
    values: dict[int, float] = {}
    speeds: dict[int, float] = {}
    points = []
    for part in text.split(","):
        at, channel = 0, 0
        point = part.rstrip()
        if not point:
            continue
        while at < len(point):
            match = _VALUE.match(point, at)
            if match is None:
                raise InputError(
                    f"{where}: a trace holds {point[at : at + 20].strip()!r}, which is no number of InkML"
                )
            at = match.end()
            if match[1]:
                orders[channel] = match[1]
            if channel in (kind.x, kind.y) and match[2] not in ("*", "?"):
                number = _number(match[2])
                order = orders.get(channel, "!")
                if order == '"':
                    speeds[channel] = speeds.get(channel, 0.0) + number
                elif order == "'":
                    speeds[channel] = number
                moved = values.get(channel, 0.0) + speeds.get(channel, 0.0)
                values[channel] = number if order == "!" else moved
            channel += 1
        if kind.x not in values or kind.y not in values or channel <= max(kind.x, kind.y):
            raise InputError(f"{where}: the point {point.strip()[:40]!r} has no x and y; mend the trace")
        points.append((values[kind.x] * kind.x_sign, values[kind.y] * kind.y_sign))
    return np.array(points, np.float64).reshape(-1, 2)


def _number(text: str) -> float:
    if text in "TF":
        return float(text == "T")
    return float(int(text[1:], 16)) if text[0] == "#" else float(text)
