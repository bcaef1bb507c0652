"""What is done with UNIPEN's segments, each choice with its reason."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated

from msgspec import Meta

from strokes.documents import check_fields
from strokes.preprocessing import Preprocessing

__all__ = ["UnipenOptions"]

_Limit = Annotated[float, Meta(ge=0, le=1000)]
_Count = Annotated[int, Meta(ge=1, le=1_000_000)]
_Share = Annotated[float, Meta(ge=0, lt=1)]
_Sources = tuple[Annotated[str, Meta(min_length=1, max_length=100)], ...]


@dataclass(frozen=True)
class UnipenOptions:
    """What becomes of the segments. Lengths are in x-heights of the writer.

    Args:
        texts: take category 8: natural text, with the writer's own spaces.
        words: take the words of category 7 that are part of no text used, set side by side into lines: most writers
            wrote words only.
        characters: take digits, letters and symbols written one by one (1a to 1d) that are part of no text or word
            used, set together in short groups (Q7 #4): so rare characters get context.
        bad: leave out segments whose quality is BAD: their labels are wrong.
        rows: leave out segments whose ink stands in several rows (lists of words one below another in apc, apd and
            ape, sentences that go on below in cec and others): a line of text has one.
        tokens: sources whose labels are separate tokens (wasn ' t, physics .), joined as the ink has them. att writes
            each token in a box of its own and keeps its spaces.
        joins: sources whose labels mark the end of each joined letter by @ (q@u@i@c@k@): the marks are taken out.
        mislabelled: sources left out: pcl's labels are in small letters without marks, its ink is not (whereis for
            Where's).
        shortest: texts of fewer characters are set side by side like words: a network learns little from a line of
            one word.
        longest: leave out longer texts: few, and nobody asks for such a line (bbd has lines of 116 characters).
        most_characters: characters of texts and words taken of a writer, longest texts first: bbd's seven writers
            would make a quarter of all texts.
        misfit: leave out texts (words: at 1.5 times as much) with this many times more, or less, pen points, pen
            travel and width a letter than the writer's median: text and ink differ. 0 keeps all, else over 1.
        size: leave out segments whose small letters are this many times larger or smaller than the writer's: another
            pen or form. 0 keeps all, else over 1.
        word_size: words set side by side are brought within this many times their writer's x-height, as those of a
            line are. 0 leaves them, else over 1.
        leap: cut strokes at single steps that long (the tablet missed that the pen was lifted) and drop points that
            leap out and back. 0 leaves them.
        word_gap: gaps between words are narrowed to it: att has a box a word, words were added later. 0 leaves them.
        letter_gap: likewise gaps within words: ced, apa, app and scr have a box a letter. 0 leaves them.
        step: points are first laid this far apart along the stroke, which takes out how fast the pen was.
        smoothing: times each of these points is averaged with its neighbours (1, 2, 1), which takes out the tremor of
            the tablet.
        jagged: sources whose tablet jumps from point to point: averaged three times as often as the others.
        grid: smooth by a Gaussian of at least this many steps of the tablet's grid: apa, app, lou and a writer of hpb
            have six to ten steps an x-height, and their ink is stairs.
        tolerance: then only points are kept that the stroke needs to stay within this: 0.03 is 0.08 mm on paper, and
            leaves 13 points a character of 25 to 90.
        longest_step: no step within a stroke is longer.
        min_count: a character rarer than this in the training lines is not in the alphabet.
        validation: share of the writers, by a hash of their ids, whose lines are for validation.
        test: share of the writers whose lines are for tests.

    Raises:
        ValueError: a number is out of its range.
    """

    texts: bool = True
    words: bool = True
    characters: bool = True
    bad: bool = True
    rows: bool = True
    tokens: _Sources = ("cea", "ceb", "cec", "dar", "hpb", "hpp", "sta")
    joins: _Sources = ("kai",)
    mislabelled: _Sources = ("pcl",)
    shortest: _Count = 12
    longest: _Count = 130
    most_characters: _Count = 15000
    misfit: _Limit = 2.0
    size: _Limit = 2.0
    word_size: _Limit = 1.25
    leap: _Limit = 1.5
    word_gap: _Limit = 2.0
    letter_gap: _Limit = 1.0
    step: Annotated[float, Meta(ge=0.005, le=10)] = 0.04
    smoothing: Annotated[int, Meta(ge=0, le=100)] = 2
    jagged: _Sources = ("hpp", "not")
    grid: Annotated[float, Meta(ge=0, le=10)] = 0.7
    tolerance: Annotated[float, Meta(ge=0.001, le=1)] = 0.03
    longest_step: Annotated[float, Meta(ge=0.01, le=100)] = 0.8
    min_count: _Count = 3
    validation: _Share = 0.06
    test: _Share = 0.06

    def __post_init__(self) -> None:
        check_fields(self)
        for name in ("misfit", "size", "word_size"):
            if not (getattr(self, name) == 0 or getattr(self, name) > 1):
                raise ValueError(f"{name} must be more than 1, or 0 for none")
        if self.validation + self.test >= 1:
            raise ValueError("validation and test must leave some writers to train on")

    @property
    def preprocessing(self) -> Preprocessing:
        """The geometry that lines have after preparation."""
        return Preprocessing(
            deskew=True, scale="x_height", tolerance=self.tolerance, longest_step=self.longest_step
        )

    def as_dict(self) -> dict[str, object]:
        return asdict(self)
