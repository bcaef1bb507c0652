"""How text is set on paper: typed, checked when it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from ..documents import check_fields
from ..files import InputError
from .paper import FIT, Paper, find_paper

__all__ = ["PageOptions"]

_X_HEIGHT = 2.0
# With this many x-heights between baselines, neighbouring lines hardly ever touch.
_X_HEIGHTS_A_LINE = 4.4
_FIT_MARGIN = 5.0
_MARGIN, _LEAST_MARGIN, _MARGIN_SHARE = 20.0, 5.0, 0.1

_Millimetres = Annotated[float, Meta(ge=0, le=1000)]


@dataclass(frozen=True)
class PageOptions:
    """How lines are set on paper.

    Args:
        page: fit (as large as the ink and its margin), a name such as a4, a6, letter, dl or c6, or a size as 210x297mm.
        landscape: the longer side of the paper lies.
        margin: millimetres of paper that stay free on each side; if not given 5 for fit, else a tenth of the shorter
            side and at most 20.
        x_height: millimetres from the baseline to the top of small letters; if not given 2, or what goes with the
            line height.
        line_height: millimetres from one baseline to the next; if not given the least at which no two lines touch.
        align: where lines stand between the margins.
        vertical: where the text stands on a page that it does not fill.
        indent: millimetres by which the first line of a paragraph begins further right.
        word_space: every word space in x-heights; if not given they are as they were written.
        edge_wander: standard deviation in millimetres by which the left ends of lines vary; 0 for none. Not for fit.
        baseline_wander: standard deviation in millimetres by which baselines leave the ruling; 0 for none. Not for fit.
        hyphenate: break words at the ends of lines by the rules of a language, such as en_GB or de_DE.
        ruled: draw the ruling as a layer that plotters skip.
        guides: draw the margins as a layer that plotters skip.

    Raises:
        ValueError: a number is out of range.
        InputError: there is no such paper.
    """

    page: str = FIT
    landscape: bool = False
    margin: _Millimetres | None = None
    x_height: Annotated[float, Meta(ge=0.2, le=300)] | None = None
    line_height: Annotated[float, Meta(ge=1, le=1000)] | None = None
    align: Literal["left", "center", "right", "justify"] = "left"
    vertical: Literal["top", "center", "bottom"] = "top"
    indent: _Millimetres = 0.0
    word_space: Annotated[float, Meta(ge=0.1, le=20)] | None = None
    edge_wander: Annotated[float, Meta(ge=0, le=10)] = 0.4
    baseline_wander: Annotated[float, Meta(ge=0, le=10)] = 0.08
    hyphenate: str | None = None
    ruled: bool = False
    guides: bool = False

    def __post_init__(self) -> None:
        check_fields(self)
        paper = self.paper
        if paper is not None and 2 * self.margin_mm >= min(paper.width, paper.height):
            raise InputError(
                f"margins of {self.margin_mm:g} mm leave nothing of a page of"
                f" {paper.width:g} x {paper.height:g} mm; give a smaller --margin"
            )

    @property
    def paper(self) -> Paper | None:
        """The paper; None if it fits the ink."""
        return None if self.page == FIT else find_paper(self.page, landscape=self.landscape)

    @property
    def margin_mm(self) -> float:
        """Millimetres of paper that stay free on each side."""
        if self.margin is not None:
            return self.margin
        paper = self.paper
        if paper is None:
            return _FIT_MARGIN
        return max(_LEAST_MARGIN, min(_MARGIN, _MARGIN_SHARE * min(paper.width, paper.height)))

    @property
    def x_height_mm(self) -> float:
        """Millimetres for one x-height, the unit of canonical ink."""
        if self.x_height is not None:
            return self.x_height
        return _X_HEIGHT if self.line_height is None else self.line_height / _X_HEIGHTS_A_LINE
