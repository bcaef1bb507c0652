"""From a recorded line to one that is good to learn from: small pure functions, each with its reason.

`clean` composes them as `CleaningOptions` says; `PRESETS` names the two sets of options we use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields

import numpy as np

from strokes.ink import Ink

__all__ = [
    "PRESETS",
    "CleaningOptions",
    "clean",
    "clean_text",
    "cut_leaps",
    "drop_long_steps",
    "drop_spikes",
    "drop_strays",
    "level",
    "line_slope",
    "mismatch",
    "rescale",
    "resample",
]


@dataclass(frozen=True)
class CleaningOptions:
    """What is done to every line. The defaults make the corpus of the packaged model.

    Attributes:
        spike: raw units; a point that leaps out of its stroke and back by more than this on an axis is
            dropped, and a stroke is cut at a lasting leap. The pen is read every 10 to 20 ms: 99.998 %
            of the steps within strokes are shorter, the rest are the sensor's. 0: leave them.
        longest_step: raw units; a step longer than this on an axis, pen up or down, is taken out and the
            ink after it moved up. The outlier rule of Graves 2013, who does not give the number. 0: none.
        slope: turn each line level. A line's slope is the writer's stance at the whiteboard, not his
            hand, and pages are set on level baselines.
        scale: divide each line by the standard deviation of its y, so that 1 is the same part of the
            height of the writing for every writer; sizes differ three-fold and say nothing.
        every: keep every n-th point of a stroke and its two ends. The pen is sampled more densely than
            handwriting needs; half the points train and sample twice as fast.
        phases: how many of the `every` ways to choose the points are put in the corpus, for training
            lines: ink that is new to the network at no cost.
        text: write the transcription as people type it: "Mr. Smith," for "Mr . Smith ,".
        unit: ink units; points are rounded to multiples of it. 1 keeps raw points exact; 1/512 of a
            line's deviation is a third of a raw unit or less.
        min_count: characters rarer than this in the training lines are not in the alphabet: fewer
            examples teach no shape.
    """

    spike: float = 400.0
    longest_step: float = 0.0
    slope: bool = True
    scale: bool = True
    every: int = 2
    phases: int = 2
    text: bool = True
    unit: float = 1 / 512
    min_count: int = 3

    def __post_init__(self) -> None:
        for name in ("spike", "longest_step"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} must be 0 or more")
        if not 0 < self.unit < float("inf"):
            raise ValueError("unit must be more than 0")
        if self.every < 1 or self.min_count < 1:
            raise ValueError("every and min_count must be 1 or more")
        if not 1 <= self.phases <= self.every:
            raise ValueError(f"phases must be 1 to {self.every}, the number of ways to keep every n-th point")

    def as_dict(self) -> dict[str, object]:
        return {f.name: getattr(self, f.name) for f in fields(self)}


PRESETS = {
    "default": CleaningOptions(),
    # Every point at its recorded place: likelihoods compare with the paper's.
    "graves": CleaningOptions(
        spike=0.0, longest_step=1000.0, slope=False, scale=False, every=1, phases=1, text=False, unit=1.0
    ),
}


def drop_spikes(ink: Ink, limit: float) -> Ink:
    """Without single points that leap out of their stroke and straight back.

    A point goes if its steps from and to its neighbours in the stroke are both over `limit` on an axis
    while the neighbours are nearer to each other than that.
    """
    strokes = []
    for stroke in ink.strokes:
        if len(stroke) >= 3:
            long = np.abs(np.diff(stroke, axis=0)).max(axis=1) > limit
            if long.any():
                near = np.abs(stroke[2:] - stroke[:-2]).max(axis=1) <= limit
                stroke = stroke[~np.r_[False, long[:-1] & long[1:] & near, False]]
        strokes.append(stroke)
    return Ink(tuple(strokes))


def drop_strays(ink: Ink, limit: float = 8.0) -> Ink:
    """Without strokes that lie wholly over `limit` deviations of y above or below the line's middle.

    The tallest letters and the boldest loops reach 6.5.
    """
    y = ink.points[:, 1].astype(np.float64)
    if len(y) == 0:
        return ink
    middle, reach = np.median(y), limit * y.std()
    return Ink(tuple(s for s in ink.strokes if np.abs(s[:, 1] - middle).min() <= reach))


def cut_leaps(ink: Ink, limit: float) -> Ink:
    """With strokes cut in two where the pen leaps by more than `limit` on an axis.

    No pen moves so far between two readings: the sensor missed that it was lifted.
    """
    strokes = []
    for stroke in ink.strokes:
        leaps = np.flatnonzero(np.abs(np.diff(stroke, axis=0)).max(axis=1, initial=0) > limit) + 1
        strokes += np.split(stroke, leaps) if len(leaps) else [stroke]
    return Ink(tuple(strokes))


def drop_long_steps(ink: Ink, limit: float) -> Ink:
    """Without the steps that are over `limit` on an axis: the ink after each is moved up to it.

    The point a long step leads to goes; if it was the last of its stroke, the one before it becomes so.
    """
    offsets = ink.to_offsets()
    long = np.abs(offsets[:, :2]).max(axis=1, initial=0) > limit
    long[:1] = False  # where the line starts is no step
    if not long.any():
        return ink
    for i in np.flatnonzero(long):
        offsets[i - 1, 2] = max(offsets[i - 1, 2], offsets[i, 2])
        # a run of long steps hands the end back to the last point that stays
        j = i - 1
        while long[j]:
            offsets[j - 1, 2] = max(offsets[j - 1, 2], offsets[j, 2])
            j -= 1
    return Ink.from_offsets(offsets[~long])


def line_slope(ink: Ink) -> float:
    """The slope dy/dx of a line of writing, by a robust straight fit through its points (Huber).

    0 where the ink is too short for its height to tell a slope from the shapes of letters.
    """
    points = ink.points.astype(np.float64)
    if len(points) < 8:
        return 0.0
    x, y = (points - points.mean(axis=0)).T
    if np.ptp(x) < 6 * y.std() or x.std() == 0:
        return 0.0
    slope, shift, weight = 0.0, 0.0, np.ones(len(x))
    for _ in range(8):
        wx, wy = np.average(x, weights=weight), np.average(y, weights=weight)
        slope = float(np.sum(weight * (x - wx) * (y - wy)) / np.sum(weight * (x - wx) ** 2))
        shift = wy - slope * wx
        error = np.abs(y - shift - slope * x)
        knee = 1.345 * 1.4826 * np.median(error)
        if knee == 0:
            break
        weight = np.minimum(1.0, knee / np.maximum(error, knee))
    return slope


def level(ink: Ink) -> Ink:
    """Turned about the origin so that `line_slope` is taken out; shapes stay as they are."""
    angle = np.arctan(line_slope(ink))
    if angle == 0:
        return ink
    c, s = np.cos(angle), np.sin(angle)
    return ink.transformed(np.array([[c, s], [-s, c]]))


def rescale(ink: Ink) -> Ink:
    """Divided by the standard deviation of y.

    Raises:
        ValueError: all points are at one height.
    """
    deviation = float(ink.points[:, 1].astype(np.float64).std())
    if deviation == 0:
        raise ValueError("the ink has no height")
    return ink.scaled(1 / deviation)


def resample(ink: Ink, every: int, phase: int = 0) -> Ink:
    """Every n-th point of each stroke, its first and last always: dots and ends stay.

    Phase 0 keeps points 0, n, 2n, ...; phase p keeps 0, p, p + n, ...
    """
    if every == 1:
        return ink
    strokes = []
    for stroke in ink.strokes:
        keep = np.zeros(len(stroke), bool)
        keep[phase::every] = True
        keep[[0, -1]] = True
        strokes.append(stroke[keep])
    return Ink(tuple(strokes))


def clean(ink: Ink, options: CleaningOptions, phase: int = 0) -> Ink:
    """Recorded ink as `options` wants it: spikes, long steps, slope, scale, points, in this order.

    Raises:
        ValueError: the ink cannot be scaled.
    """
    if options.spike:
        ink = cut_leaps(drop_spikes(drop_strays(ink), options.spike), options.spike)
    if options.longest_step:
        ink = drop_long_steps(ink, options.longest_step)
    if options.slope:
        ink = level(ink)
    if options.scale:
        ink = rescale(ink)
    return resample(ink, options.every, phase)


_SPACED = (
    (re.compile(r"\s+"), " "),
    # Part of the transcriptions split words as linguists do: "Mr . Smith 's 2 , 415".
    (re.compile(r"(?<=\d) , (?=\d{3}\b)"), ","),
    (re.compile(r" (?=[.,;:!?)](?!,))"), ""),  # two commas open a quotation: they stand apart
    (re.compile(r"(?<=\() "), ""),
    (re.compile(r"(?<=\w) ?' ?(?=(?:s|d|m|t|ll|re|ve)\b)"), "'"),
    (re.compile(r" (?=n't\b)"), ""),
)


def clean_text(text: str) -> str:
    """White space collapsed, no space before . , ; : ! ? ), after ( and in "it 's", "it ' s", "do n't".

    The ink has none there either. Double quotes stay as they are: which way one leans is unknown.
    """
    for pattern, replacement in _SPACED:
        text = pattern.sub(replacement, text)
    return text.strip()


# What the recording program puts where nobody typed a transcription.
_PLACEHOLDER = "please enter transcription"
# Real lines have 9 to 58 points and 0.59 to 6.0 deviations of y in width for each character.
_POINTS = (6.0, 80.0)
_WIDTH = (0.4, 8.0)


def mismatch(ink: Ink, text: str) -> str | None:
    """Why this text cannot be what this (recorded) ink says, or None if it can.

    Text and ink that do not belong together teach a network to ignore the text.
    """
    if text.lower().startswith(_PLACEHOLDER):
        return "the transcription is the recording program's placeholder"
    points = ink.points
    height = float(points[:, 1].std())
    width = float(np.ptp(points[:, 0])) / height if height else 0.0
    for value, (low, high), what in (
        (len(points) / len(text), _POINTS, "points a character"),
        (width / len(text), _WIDTH, "heights of width a character"),
    ):
        if not low <= value <= high:
            return f"{value:.1f} {what} where writing has {low:g} to {high:g}"
    return None
