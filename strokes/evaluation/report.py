"""What an evaluation finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import Levenshtein

from ..ink import Ink

__all__ = [
    "CharacterCount",
    "Legibility",
    "Shapes",
    "WritingReport",
    "character_counts",
    "legibility",
    "shapes",
]

# Tangent of the steepest slant that counts as a downstroke.
_STEEP = 1.0


@dataclass(frozen=True)
class Legibility:
    """How well lines are read.

    Attributes:
        bias: of sampling; None for ink of another's.
        mode: "raw" (first tries), "checked" (quality checks), "corrected" (and read back); "ink" for ink of another's.
        texts: which texts.
        lines, characters, words: how many were read.
        cer, wer: edit distance to the text over its length, in characters and in words (spaces split words).
        sound: share of lines that ended by the stopping rule and passed the quality checks.
        drawn_per_kept: points drawn for each point kept.
    """

    bias: float | None
    mode: str
    texts: str
    lines: int
    characters: int
    words: int
    cer: float
    wer: float
    sound: float | None = None
    drawn_per_kept: float | None = None


@dataclass(frozen=True)
class CharacterCount:
    """How often a character was read right, of how many times it was written."""

    character: str
    right: int
    total: int


@dataclass(frozen=True)
class Shapes:
    """How lines differ: standard deviations over the lines of one page (mean over pages), and over pages' means.

    Attributes:
        bias: of sampling.
        slant_within, slant_between: of the tangent of the downstrokes' slant.
        width_within, width_between: of the width of a character, in x-heights.
    """

    bias: float
    slant_within: float
    slant_between: float
    width_within: float
    width_between: float


@dataclass(frozen=True)
class WritingReport:
    """All figures of an evaluation.

    Attributes:
        model, judge: names.
        reader: name of the recogniser that corrected; None if none did.
        independent: whether the judge has other weights than the reader, true without a reader; None for ink of
            another's, of which it is not known.
        seed: of all sampling.
        legibility, characters, shapes: see there.
    """

    model: str
    judge: str
    reader: str | None
    independent: bool | None
    seed: int
    legibility: tuple[Legibility, ...]
    characters: tuple[CharacterCount, ...] = ()
    shapes: tuple[Shapes, ...] = ()


def legibility(
    bias: float | None,
    mode: str,
    name: str,
    texts: Sequence[str],
    read: Sequence[str],
    sound: float | None = None,
    drawn_per_kept: float | None = None,
) -> Legibility:
    """Count errors.

    Args:
        bias, mode, name: see `Legibility`.
        texts: what each line says.
        read: what was read in it.
        sound, drawn_per_kept: see `Legibility`.
    """
    characters, words = sum(map(len, texts)), sum(len(t.split()) for t in texts)
    wrong = sum(Levenshtein.distance(t, r) for t, r in zip(texts, read, strict=True))
    wrong_words = sum(Levenshtein.distance(t.split(), r.split()) for t, r in zip(texts, read, strict=True))
    cer, wer = wrong / max(1, characters), wrong_words / max(1, words)
    return Legibility(bias, mode, name, len(texts), characters, words, cer, wer, sound, drawn_per_kept)


def character_counts(texts: Sequence[str], read: Sequence[str]) -> tuple[CharacterCount, ...]:
    """How often each character of the texts was read as itself, by the alignment of least edit distance."""
    counts: dict[str, list[int]] = {}
    for text, found in zip(texts, read, strict=True):
        right = np.zeros(len(text), bool)
        for block in Levenshtein.opcodes(text, found):
            right[block.src_start : block.src_end] |= block.tag == "equal"
        for character, is_right in zip(text, right.tolist(), strict=True):
            count = counts.setdefault(character, [0, 0])
            count[0] += is_right
            count[1] += 1
    return tuple(CharacterCount(c, right, of) for c, (right, of) in sorted(counts.items()))


def shapes(bias: float, pages: Sequence[Sequence[tuple[Ink, str]]]) -> Shapes:
    """How the lines of pages differ, each page of one seed; canonical ink and its text."""
    measured = [np.array([(_slant(ink), _width(ink, text)) for ink, text in page]) for page in pages]
    within = np.mean([page.std(axis=0) for page in measured], axis=0)
    between = np.std([page.mean(axis=0) for page in measured], axis=0)
    return Shapes(
        bias,
        slant_within=float(within[0]),
        slant_between=float(between[0]),
        width_within=float(within[1]),
        width_between=float(between[1]),
    )


def _slant(ink: Ink) -> float:
    """The tangent of the slant of downstrokes, positive to the right; each piece weighs by its height."""
    moves = np.concatenate([np.diff(s.astype(np.float64), axis=0) for s in ink.strokes])
    down = moves[(moves[:, 1] > 0) & (np.abs(moves[:, 0]) < _STEEP * moves[:, 1])]
    return float(-down[:, 0].sum() / down[:, 1].sum()) if len(down) else 0.0


def _width(ink: Ink, text: str) -> float:
    x0, _, x1, _ = ink.bounds
    return (x1 - x0) / max(1, len(text))
