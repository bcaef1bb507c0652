"""Paper: sheets and envelopes by name, and sizes in millimetres."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from ..files import InputError

__all__ = ["FIT", "Paper", "find_paper", "paper_names"]

#: A page as large as its ink and the margin.
FIT = "fit"

_LEAST_MM, _MOST_MM = 10.0, 3000.0


@dataclass(frozen=True)
class Paper:
    """A sheet.

    Args:
        name: as it was asked for.
        width: in millimetres.
        height: in millimetres.
        envelope: whether it has a sender and a recipient instead of a text.
    """

    name: str
    width: float
    height: float
    envelope: bool = False


def paper_names() -> tuple[str, ...]:
    """The names that `find_paper` knows, envelopes last."""
    return tuple(_papers())


def find_paper(name: str, *, landscape: bool = False) -> Paper:
    """Paper by its name or its size.

    Args:
        name: one of `paper_names()`, in any case, or WxH with an optional unit: "210x297mm", "8.5x11in".
        landscape: whether the longer side lies.

    Raises:
        InputError: there is no such paper.
    """
    paper = _papers().get(name.strip().lower()) or _custom(name)
    if landscape and paper.height > paper.width:
        return Paper(paper.name, paper.height, paper.width, paper.envelope)
    return paper


def _custom(name: str) -> Paper:
    size = re.fullmatch(r"\s*([\d.]{1,12})\s*[x×]\s*([\d.]{1,12})\s*(mm|cm|in)?\s*", name.lower(), re.ASCII)
    shown = ascii(name[:40])
    try:
        unit = {"cm": 10.0, "in": 25.4}.get(size[3] or "mm", 1.0) if size else 0.0
        width, height = (float(size[i]) * unit for i in (1, 2)) if size else (0.0, 0.0)
    except ValueError:
        size = None
    if not size:
        raise InputError(
            f"there is no paper {shown}; give {FIT}, a size such as 210x297mm, or one of {', '.join(paper_names())}"
        )
    if not (_LEAST_MM <= width <= _MOST_MM and _LEAST_MM <= height <= _MOST_MM):
        raise InputError(f"paper of {shown} is out of range; sides are from {_LEAST_MM:g} to {_MOST_MM:g} mm")
    return Paper(name.strip().lower(), width, height)


@functools.cache
def _papers() -> dict[str, Paper]:
    import tomllib
    from importlib import resources

    document = tomllib.loads(resources.files(__package__).joinpath("paper.toml").read_text("utf-8"))
    return {
        name: Paper(name, float(width), float(height), kind == "envelopes")
        for kind, sizes in document.items()
        for name, (width, height) in sizes.items()
    }
