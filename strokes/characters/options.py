"""Options of drawing, imitating and evaluating; nothing here needs torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from ..documents import Seed, check_fields
from ..files import InputError

__all__ = ["MOST_CHARACTERS", "DrawingOptions", "EvaluationOptions", "ImitationOptions"]

#: Characters in one picture.
MOST_CHARACTERS = 50_000
_Columns = Annotated[int, Meta(ge=1, le=MOST_CHARACTERS)]
_Spread = Annotated[float, Meta(ge=0, le=10)]


@dataclass(frozen=True)
class DrawingOptions:
    """How characters are drawn.

    Args:
        count: how often the text is drawn.
        columns: most characters a line.
        seed: another seed, other characters.
        spread: below 1 characters are more alike and more legible, above 1 stranger.
    """

    count: Annotated[int, Meta(ge=1, le=MOST_CHARACTERS)] = 1
    columns: _Columns = 24
    seed: Seed = 0
    spread: _Spread = 1.0

    def __post_init__(self) -> None:
        check_fields(self)

    def check_text(self, text: str) -> None:
        """Refuse a text that is too long for one picture.

        Raises:
            InputError: it is.
        """
        if len(text) * self.count > MOST_CHARACTERS:
            raise InputError(
                f"--count {self.count}: that is more than {MOST_CHARACTERS:,} characters in one picture; "
                "ask for fewer"
            )


@dataclass(frozen=True)
class ImitationOptions:
    """How characters are imitated.

    Args:
        variety: how far characters differ from each other, in standard deviations.
        seed: of these differences.
        columns: most characters a line.
    """

    variety: _Spread = 0.0
    seed: Seed = 0
    columns: _Columns = 24

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class EvaluationOptions:
    """What is measured.

    Args:
        split: of the images.
        source: the images of one data set only, as mnist; all without it.
        judge: the classifier that judges drawn images, packaged or a folder.
        classes: digits, letters, or the characters to look at; all of the model without it.
        each: images drawn a class; 0 for as many as are real.
        spread: standard deviation of z in drawing.
        styles: also measure imitation, over this many prompts; 0 leaves it out.
    """

    split: Literal["train", "validation", "test"] = "test"
    source: str | None = None
    judge: str = "classifier"
    classes: str | None = None
    each: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    spread: _Spread = 1.0
    styles: Annotated[int, Meta(ge=0, le=1_000_000)] = 0

    def __post_init__(self) -> None:
        check_fields(self)
