"""SVG: lines, polylines, polygons and paths under any transforms, ours or others'."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..files import InputError
from .document import MOST_POINTS, InkDocument, checked_ink, text_lines

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["svg_document"]

_MM_PER_PIXEL = 25.4 / 96
_UNITS = {
    "": _MM_PER_PIXEL,
    "px": _MM_PER_PIXEL,
    "mm": 1.0,
    "cm": 10.0,
    "in": 25.4,
    "pt": 25.4 / 72,
    "pc": 25.4 / 6,
}
_OURS = "{urn:strokes}page"
_LABEL = "{http://www.inkscape.org/namespaces/inkscape}label"
_HELD = {
    "defs",
    "symbol",
    "clipPath",
    "mask",
    "pattern",
    "marker",
    "metadata",
    "style",
    "script",
    "title",
    "desc",
}
_DEEPEST = 200
# Millimetres by which a flattened curve may stray, and the length of a dot of ours.
_FLATNESS_MM, _DOT_MM = 0.02, 0.1001
_MOST_PIECES = 500  # of a curve
_TRANSPARENT = re.compile(r"(?:0+(?:\.0*)?|\.0+)%?", re.ASCII)
_FLOAT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


@dataclass
class _Drawing:
    where: str
    ours: bool
    strokes: list[np.ndarray]
    points: int = 0

    def add(self, points: np.ndarray) -> None:
        self.points += len(points)
        if self.points > MOST_POINTS:
            raise InputError(
                f"{self.where}: holds more than {MOST_POINTS} points; give fewer pages at a time"
            )
        if self.ours and len(points) == 2 and np.hypot(*(points[1] - points[0])) <= _DOT_MM:
            points = points.mean(axis=0, keepdims=True)
        self.strokes.append(points)


def svg_document(root: _Element, where: str) -> InkDocument:
    """The ink of SVG in millimetres, its lines told by position.

    Curves are flattened to 0.02 mm; of a file of ours the points are those that were drawn, dots one point each. Guides
    (layers whose labels begin with "%"), what is not displayed and what is only defined are left out.

    Raises:
        InputError: it is no SVG, a number is damaged, or there is no ink.
    """
    if _tag(root) != "svg":
        raise InputError(f"{where}: not SVG (its root is {_tag(root)[:40]!r}); give a file of ink")
    ours = root.find(f".//{_OURS}") is not None
    drawing = _Drawing(where, ours, [])
    try:
        # What overflows is refused by checked_ink.
        with np.errstate(over="ignore", invalid="ignore"):
            _walk(root, _viewport(root), drawing)
    except (
        ValueError,
        OverflowError,
        ZeroDivisionError,
        IndexError,
        AttributeError,
        TypeError,
        RecursionError,
    ) as e:
        if isinstance(e, InputError):
            raise
        raise InputError(f"{where}: a shape or a transform is damaged ({str(e)[:100]})") from None
    ink = checked_ink(drawing.strokes, where)
    said = next((child.text or "" for child in root if _tag(child) == "desc"), "") if ours else ""
    return InkDocument(text_lines(ink, said, where), 1.0)


def _tag(element: _Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _length(text: str | None) -> float | None:
    """Millimetres; None for what is relative or not said."""
    match = re.fullmatch(rf"\s*({_FLOAT.pattern})\s*(px|mm|cm|in|pt|pc|)\s*", text or "")
    return float(match[1]) * _UNITS[match[2]] if match else None


def _viewport(root: _Element) -> np.ndarray:
    """The (3, 3) matrix from user units to millimetres, aspect kept as the default of SVG says."""
    width, height = _length(root.get("width")), _length(root.get("height"))
    box = [float(n) for n in _FLOAT.findall(root.get("viewBox") or "")]
    if len(box) != 4 or not (box[2] > 0 and box[3] > 0):
        return np.diag([_MM_PER_PIXEL, _MM_PER_PIXEL, 1.0])
    scales = [size / side for size, side in ((width, box[2]), (height, box[3])) if size is not None]
    scale = min(scales) if scales else _MM_PER_PIXEL
    left = ((width if width is not None else box[2] * scale) - box[2] * scale) / 2
    top = ((height if height is not None else box[3] * scale) - box[3] * scale) / 2
    return np.array([[scale, 0, left - box[0] * scale], [0, scale, top - box[1] * scale], [0, 0, 1.0]])


def _walk(
    element: _Element, matrix: np.ndarray, drawing: _Drawing, depth: int = 0, visible: bool = True
) -> None:
    if depth > _DEEPEST:
        raise InputError(f"{drawing.where}: groups are nested deeper than {_DEEPEST}; ungroup some")
    tag = _tag(element)
    if tag in _HELD or (element.get(_LABEL) or "").startswith("%"):
        return
    look = _look(element)
    if look.get("display") == "none" or _TRANSPARENT.fullmatch(look.get("opacity", "")):
        return
    # A child of what is hidden may be visible.
    if (said := look.get("visibility", "inherit")) != "inherit":
        visible = said == "visible"
    if transform := element.get("transform"):
        matrix = matrix @ _matrix(transform)
    for points in _shape(element, tag, _scale(matrix), drawing.ours) if visible else ():
        drawing.add(points @ matrix[:2, :2].T + matrix[:2, 2])
    for child in element:
        _walk(child, matrix, drawing, depth + 1, visible)


def _look(element: _Element) -> dict[str, str]:
    """What an element says of whether it is seen; its style goes before its attributes."""
    names = ("display", "opacity", "visibility")
    look = {name: said.strip() for name in names if (said := element.get(name)) is not None}
    for declaration in (element.get("style") or "").split(";"):
        name, _, said = declaration.partition(":")
        if name.strip() in names:
            look[name.strip()] = said.partition("!")[0].strip()
    return look


def _matrix(transform: str) -> np.ndarray:
    from svgelements import Matrix

    m = Matrix(transform)
    return np.array([[m.a, m.c, m.e], [m.b, m.d, m.f], [0, 0, 1]], np.float64)


def _scale(matrix: np.ndarray) -> float:
    return math.sqrt(abs(float(np.linalg.det(matrix[:2, :2])))) or 1.0


def _shape(element: _Element, tag: str, scale: float, ours: bool) -> list[np.ndarray]:
    """The polylines of one element, (n, 2) each, in its own units."""
    if tag in ("polyline", "polygon"):
        numbers = [float(n) for n in _FLOAT.findall(element.get("points") or "")]
        points = np.array(numbers[: len(numbers) // 2 * 2], np.float64).reshape(-1, 2)
        if len(points) == 0:
            return []
        return [np.concatenate([points, points[:1]]) if tag == "polygon" else points]
    if tag == "line":
        ends = [float(element.get(name) or 0) for name in ("x1", "y1", "x2", "y2")]
        return [np.array(ends, np.float64).reshape(2, 2)]
    if tag == "path" and (d := element.get("d")):
        return _path(d, scale, ours)
    return []


def _path(d: str, scale: float, ours: bool) -> list[np.ndarray]:
    """The subpaths of a path; curves as polylines, or their ends alone if they are ours."""
    from svgelements import Arc, CubicBezier, Move, Path, QuadraticBezier

    out: list[list[Any]] = []
    for segment in Path(d):
        if segment.end is None:
            continue
        end = [float(segment.end.x), float(segment.end.y)]
        if isinstance(segment, Move) or not out:
            out.append([end])
        elif ours:
            out[-1].append(end)
        elif isinstance(segment, (CubicBezier, QuadraticBezier)):
            control = [segment.start, *_controls(segment), segment.end]
            out[-1] += _bezier(np.array([(p.x, p.y) for p in control], np.float64), scale)
        elif isinstance(segment, Arc):
            for cubic in segment.as_cubic_curves():
                control = [cubic.start, cubic.control1, cubic.control2, cubic.end]
                out[-1] += _bezier(np.array([(p.x, p.y) for p in control], np.float64), scale)
        else:
            out[-1].append(end)
    return [np.array(points, np.float64) for points in out]


def _controls(segment: Any) -> list[Any]:
    return [segment.control1, segment.control2] if hasattr(segment, "control1") else [segment.control]


def _bezier(control: np.ndarray, scale: float) -> list[list[float]]:
    """Points along a Bezier curve of degree 2 or 3, its first left out."""
    degree = len(control) - 1
    bend = float(np.linalg.norm(np.diff(control, n=2, axis=0), axis=1).max()) * scale
    if not math.isfinite(bend):
        raise ValueError("a coordinate is not finite")
    # A chord over a step h of the parameter strays at most h^2 / 8 times the second derivative.
    pieces = math.ceil(min(math.sqrt(degree * (degree - 1) / 8 * bend / _FLATNESS_MM), _MOST_PIECES)) or 1
    u = (np.arange(1, pieces + 1) / pieces)[:, None]
    weights = [math.comb(degree, k) * (1 - u) ** (degree - k) * u**k for k in range(degree + 1)]
    curve = sum(w * c for w, c in zip(weights, control, strict=True))
    return np.asarray(curve).tolist()  # type: ignore[no-any-return]
