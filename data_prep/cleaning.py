"""Cleaning of recorded lines for training: small pure functions.

`clean` composes them as `CleaningOptions` says; `PRESETS` names sets of options.
Ink comes in raw units (those of the whiteboard, some 40 to 150 a letter) unless it says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from strokes.documents import check_fields
from strokes.ink import Ink
from strokes.preprocessing import Preprocessing

__all__ = [
    "PRESETS",
    "CleaningOptions",
    "amounts",
    "clean",
    "clean_text",
    "cut_leaps",
    "drop_long_steps",
    "drop_spikes",
    "drop_strays",
    "misfits",
    "unreadable",
]


@dataclass(frozen=True)
class CleaningOptions:
    """What is done to every line. The defaults make the corpus of the packaged model.

    Args:
        unreadable: reject lines with a word that nobody could read (# or %%): ink that no text stands for.
        misfit: reject lines with this many times more, or less, pen points, pen travel and width per character
            than the form's median line: words are missing from their text; correct lines reach 1.65; 0 keeps all.
        text: normalise texts to what people type and what the ink has: 'Mr. Smith,' for 'Mr . Smith ,'.
        spike: raw units; remove single points that leap this far out of their stroke and back, cut strokes at
            lasting leaps, remove strokes far above or below the line; only 60 of 7.3 million steps within strokes
            are as long, all of them sensor errors; long jumps between strokes are real (the dot of an i, drawn
            later); 0 leaves them all.
        longest_step: raw units; remove every step longer than this on an axis, pen up or down, and move up the ink
            after it: the outlier rule of Graves 2013, who does not give the threshold; it misplaces late dots and
            bars, so it is for comparison only; 0 removes none.
        slope: deskew lines: slope is a stance at the whiteboard, and pages have baselines.
        scale: divide each line by the standard deviation of its y: sizes differ three-fold, and scaled lines leave
            less to learn; but letters shrank along the lines of the one model that was trained so.
        every: keep every n-th point of a stroke and its two ends: half the points train and write twice as fast,
            and splines bring the curves back; every point writes better.
        phases: include training lines once for each of this many ways to choose every n-th point.
        min_count: a character rarer than this in the training lines is not in the alphabet: too few to learn from.

    Raises:
        ValueError: a number is out of its range.
    """

    unreadable: bool = True
    misfit: Annotated[float, Meta(ge=0, le=1000)] = 1.75
    text: bool = True
    spike: Annotated[float, Meta(ge=0, le=1e6)] = 400.0
    longest_step: Annotated[float, Meta(ge=0, le=1e6)] = 0.0
    slope: bool = True
    scale: bool = False
    every: Annotated[int, Meta(ge=1, le=100)] = 1
    phases: Annotated[int, Meta(ge=1, le=100)] = 1
    min_count: Annotated[int, Meta(ge=1, le=1_000_000)] = 3

    def __post_init__(self) -> None:
        check_fields(self)
        if 0 < self.misfit <= 1:
            raise ValueError(f"misfit is {self.misfit:g}; it must be more than 1, or 0 to keep all lines")
        if self.phases > self.every:
            raise ValueError(f"phases must be 1 to {self.every}, the ways to choose every n-th point")

    @property
    def unit(self) -> float:
        """What a corpus rounds points to, in ink units: raw points stay exact, others are within a
        sixth of a raw unit, and the longest step fits 16 bits.
        """
        return 1 / 512 if self.scale else 1 / 8 if self.slope else 1.0

    @property
    def preprocessing(self) -> Preprocessing:
        """The geometry that lines have after cleaning."""
        scale: Literal["spread", "none"] = "spread" if self.scale else "none"
        return Preprocessing(deskew=self.slope, scale=scale, every=self.every)

    def as_dict(self) -> dict[str, object]:
        return {f.name: getattr(self, f.name) for f in fields(self)}


PRESETS = {
    "default": CleaningOptions(),
    # Half the points and less to learn: for training on a laptop.
    "half": CleaningOptions(scale=True, every=2, phases=2),
    # Every line that has a text, every point, both as recorded but for the paper's outlier rule:
    # likelihoods compare with the paper's only over the same lines and points.
    "graves": CleaningOptions(
        unreadable=False,
        misfit=0.0,
        text=False,
        spike=0.0,
        longest_step=1000.0,
        slope=False,
        scale=False,
        every=1,
        phases=1,
    ),
}


# -- ink ----------------------------------------------------------------------------------------


def _leaps(points: np.ndarray, ends: np.ndarray, limit: float) -> np.ndarray:
    """(N - 1,) bool: the step from point i to i + 1 is within a stroke and over the limit on an axis."""
    return (np.abs(np.diff(points, axis=0)) > limit).any(axis=1) & ~ends[:-1]


def drop_spikes(ink: Ink, limit: float) -> Ink:
    """Without single points that leap out of their stroke and straight back.

    A point goes if its steps from and to its neighbours in the stroke are both over `limit` on an axis
    while the neighbours are nearer to each other than that: the sensor misread one reading.
    """
    points, ends = ink.points, ink.ends
    leaps = _leaps(points, ends, limit)
    if not leaps.any():
        return ink
    near = (np.abs(points[2:] - points[:-2]) <= limit).all(axis=1)
    keep = np.r_[True, ~(leaps[:-1] & leaps[1:] & near), True]
    return Ink.from_points(points[keep], ends[keep])  # ends are never spikes


def cut_leaps(ink: Ink, limit: float) -> Ink:
    """With strokes cut in two where the pen leaps by more than `limit` on an axis.

    No pen moves so far between two readings: the sensor missed that it was lifted.
    """
    points, ends = ink.points, ink.ends
    leaps = _leaps(points, ends, limit)
    return Ink.from_points(points, ends | np.append(leaps, True)) if leaps.any() else ink


def drop_strays(ink: Ink, limit: float = 8.0) -> Ink:
    """Without strokes that lie wholly over `limit` standard deviations of y above or below the median y.

    The tallest letters and the longest loops reach 6.5; what lies beyond is no part of the line.
    """
    y = ink.points[:, 1].astype(np.float64)
    if len(y) == 0:
        return ink
    middle, reach = np.median(y), limit * y.std()
    if (np.abs(y - middle) <= reach).all():
        return ink
    return Ink(tuple(s for s in ink.strokes if np.abs(s[:, 1] - middle).min() <= reach))


def drop_long_steps(ink: Ink, limit: float) -> Ink:
    """Without the steps that are over `limit` on an axis: the ink after each is moved up to it.

    The point a long step leads to goes; if it was the last of its stroke, the one before it becomes so.
    """
    offsets = ink.to_offsets()
    long = (np.abs(offsets[:, :2]) > limit).any(axis=1)
    long[:1] = False  # where the line starts is no step
    if not long.any():
        return ink
    for i in np.flatnonzero(long)[::-1]:  # from the last, so that the end of a stroke passes a run of them
        offsets[i - 1, 2] = max(offsets[i - 1, 2], offsets[i, 2])
    return Ink.from_offsets(offsets[~long])


def clean(ink: Ink, options: CleaningOptions, phase: int = 0) -> Ink:
    """Recorded ink cleaned as `options` says: outliers removed, deskewed, scaled, subsampled, in this order.

    Raises:
        ValueError: the ink cannot be scaled.
    """
    if options.spike:
        ink = cut_leaps(drop_spikes(drop_strays(ink), options.spike), options.spike)
    if options.longest_step:
        ink = drop_long_steps(ink, options.longest_step)
    return options.preprocessing.apply(ink, phase)


# -- text ---------------------------------------------------------------------------------------

# Part of the transcriptions split words as linguists do: "Mr . Smith 's 2 , 415".
_SPACED = (
    (re.compile(r"(?<=\d) , (?=\d{3}\b)"), ","),
    (re.compile(r" (?=[.,;:!?)](?!,))"), ""),  # two commas open a quotation: they stand apart
    (re.compile(r"(?<=\() "), ""),
    (re.compile(r"(?<=\w) ?' ?(?=(?:s|d|m|t|ll|re|ve)\b)"), "'"),
    (re.compile(r" (?=n't\b)"), ""),
)


def clean_text(text: str) -> str:
    """White space collapsed; no space before . , ; : ! ? ), after ( and in "it 's", "it ' s", "do n't".

    The ink has none there either. Double quotes stay as they are: which way one leans is unknown.
    """
    text = " ".join(text.split())
    for pattern, replacement in _SPACED:
        text = pattern.sub(replacement, text)
    return text


def unreadable(text: str) -> bool:
    """Whether the transcription marks a word that nobody could read: ink that no text stands for."""
    return "#" in text or "%%" in text


# -- ink and text -------------------------------------------------------------------------------


def amounts(ink: Ink, text: str) -> np.ndarray:
    """Points, pen-down travel and width of the ink for each character that is not a space, (3,) float64.

    Raises:
        ValueError: the text is blank.
    """
    letters = sum(not c.isspace() for c in text)
    if not letters:
        raise ValueError("the text is blank")
    points = ink.points.astype(np.float64)
    if len(points) == 0:
        return np.zeros(3)
    travel = np.hypot(*np.diff(points, axis=0).T)[~ink.ends[:-1]].sum()
    return np.array([len(points), travel, np.ptp(points[:, 0])]) / letters


def misfits(values: np.ndarray, forms: Sequence[str], limit: float) -> np.ndarray:
    """Which lines' text cannot be what their ink says, (L,) bool.

    Text that lacks words of the ink, or has words that the ink lacks, trains a network to let its window drift. One
    measure alone varies too much (large writing, a slow start); a line that deviates in all three from the other lines
    of its form has the wrong text.

    Args:
        values: (L, 3), `amounts` of each line.
        forms: the form each line belongs to; one with fewer than four lines is compared with all lines.
        limit: how many times more, or less, than the median.
    """
    values, names = np.asarray(values, np.float64).reshape(-1, 3), np.asarray(forms, np.str_)
    if len(values) == 0:
        return np.zeros(0, bool)
    _, of, counts = np.unique(names, return_inverse=True, return_counts=True)
    median = np.tile(np.median(values, axis=0), (len(counts), 1))
    order = np.argsort(of, kind="stable")
    for form, rows in enumerate(np.split(order, np.cumsum(counts)[:-1])):
        if len(rows) >= 4:
            median[form] = np.median(values[rows], axis=0)
    ratio = values / np.maximum(median[of], 1e-9)
    return np.asarray((ratio > limit).all(axis=1) | (ratio < 1 / limit).all(axis=1))
