"""What is done with UNIPEN's segments, each choice with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

__all__ = ["UnipenOptions"]


def _option(default: object, why: str):  # type: ignore[no-untyped-def]  # its type is the field's
    return field(default=default, metadata={"why": why})


@dataclass(frozen=True)
class UnipenOptions:
    """Each field's metadata says `why`, as does `strokes prepare unipen --help`.

    Raises:
        ValueError: a number is out of its range.
    """

    texts: bool = _option(True, "lines of category 8: natural text, with the writer's own spaces")
    words: bool = _option(
        True,
        "words of category 7 that are part of no text used, set side by side into lines: most writers wrote words "
        "only",
    )
    characters: bool = _option(
        True,
        "digits, capitals, small letters and symbols written one by one (1a to 1d) that are part of no word or text used, "
        "set together in short groups (Q7 #4): so rare characters get context",
    )
    bad: bool = _option(True, "leave out segments whose quality is BAD: their labels are wrong")
    rows: bool = _option(
        True,
        "leave out segments whose ink stands in several rows (lists of words one below another in apc, apd, ape; "
        "sentences that went on below in cec and others): a line of text has one",
    )
    tokens: str = _option(
        "cea ceb cec dar hpb hpp sta",
        "sources whose labels are separate tokens (wasn ' t, physics .): joined as the ink has them; att writes each "
        "token in a box of its own and keeps its spaces",
    )
    joins: str = _option(
        "kai", "sources whose labels mark the end of each joined letter by @ (q@u@i@c@k@): the marks are taken out"
    )
    mislabelled: str = _option(
        "pcl", "sources left out: pcl's labels are in small letters without marks, its ink is not (whereis for Where's)"
    )
    shortest: int = _option(
        12, "texts of fewer characters are set side by side like words: a network learns little from a line of one word"
    )
    longest: int = _option(
        130, "leave out longer texts: few, and nobody asks for such a line (bbd has some of 116 characters)"
    )
    most_characters: int = _option(
        15000, "characters taken of a writer, longest texts first: bbd's seven would make a quarter of all texts"
    )
    misfit: float = _option(
        2.0,
        "leave out lines with this many times more, or less, pen points, pen travel and width a letter than the "
        "writer's median: text and ink differ; 0 keeps all",
    )
    size: float = _option(
        2.0,
        "leave out lines whose small letters are this many times larger or smaller than the writer's: another pen or "
        "form; 0 keeps all",
    )
    word_size: float = _option(
        1.25,
        "words set side by side are brought within this many times their writer's x-height, as those of a line are; "
        "0 leaves them",
    )
    leap: float = _option(
        1.5, "x-heights: cut strokes at single steps that long (the tablet missed a lift) and drop points that leap "
        "out and back; 0 leaves them"
    )  # fmt: skip
    word_gap: float = _option(
        2.0, "x-heights: gaps between words are narrowed to it (att has a box a word, words were added later); 0 leaves them"
    )
    letter_gap: float = _option(
        1.0, "x-heights: likewise gaps within words (forms with a box a letter: ced, apa, app, scr)"
    )
    jagged: str = _option(
        "hpp not", "sources whose tablet jumps from point to point: smoothed three times as much as the others"
    )
    grid: float = _option(
        0.7,
        "smooth by a Gaussian of at least this many steps of the tablet's grid: apa, app, lou and a writer of hpb have "
        "six to ten steps an x-height, and their ink is stairs",
    )
    step: float = _option(
        0.04, "x-heights: points are first laid this far apart along the stroke, which takes out how fast the pen was"
    )
    smoothing: int = _option(
        2, "times each of these points is averaged with its neighbours (1, 2, 1): takes out the tablet's grid"
    )
    tolerance: float = _option(
        0.03,
        "x-heights: then only points are kept that the stroke needs to stay within this; 0.03 is 0.08 mm on paper and "
        "leaves 13 points a character of 25 to 90",
    )
    longest_step: float = _option(0.8, "x-heights: no step within a stroke is longer")
    min_count: int = _option(3, "a character rarer than this in the training lines is not in the alphabet")
    validation: float = _option(0.06, "share of the writers, by a hash of their ids, whose lines are for validation")
    test: float = _option(0.06, "share of the writers whose lines are for tests")

    def __post_init__(self) -> None:
        for name in ("leap", "word_gap", "letter_gap", "grid"):
            if not 0 <= getattr(self, name) < 1000:
                raise ValueError(f"{name} must be 0 or more")
        for name in ("misfit", "size", "word_size"):
            value = getattr(self, name)
            if not (value == 0 or 1 < value < 1000):
                raise ValueError(f"{name} must be more than 1, or 0 for none")
        for name in ("step", "tolerance", "longest_step"):
            if not 0.001 <= getattr(self, name) <= 100:
                raise ValueError(f"{name} must be 0.001 to 100 x-heights")
        for name in ("shortest", "longest", "most_characters", "min_count"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more")
        if not 0 <= self.smoothing <= 100:
            raise ValueError("smoothing must be 0 to 100")
        if not (self.validation >= 0 and self.test >= 0 and self.validation + self.test < 1):
            raise ValueError("validation and test are shares that leave some writers to train on")

    def as_dict(self) -> dict[str, object]:
        return {f.name: getattr(self, f.name) for f in fields(self)}
