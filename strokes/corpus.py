"""Corpus: prepared offsets, texts, splits and statistics in one file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta

from .alphabet import Alphabet
from .documents import decode_json
from .files import InputError
from .ink import Ink, Line
from .ink.metrics import LineMetrics
from .npz import read_npz, save_npz
from .preprocessing import Preprocessing, Statistics

if TYPE_CHECKING:
    from .model import Model

__all__ = ["TRAINING_SPLITS", "VALIDATION_SPLIT", "Corpus", "CorpusError"]

#: Graves 2013, section 5: trained on these, stopped early and reported on validation 1.
TRAINING_SPLITS = ("trainset", "testset_f", "testset_t")
VALIDATION_SPLIT = "testset_v"

# Lines whose x-height is measured to know the usual one.
_MEASURED = 1000


class CorpusError(InputError):
    """A corpus file or the lines for one cannot be used; the message says why and what to do."""


@dataclass(frozen=True, eq=False)
class Corpus:
    """Lines of ink, ready to train on.

    Points are kept as whole multiples of `unit`, relative to the first point of their line, so that
    a file is small and exact: what `build` rounded once never moves again.

    Attributes:
        steps: (N, 2) int16, offsets of all lines one after the other, in units.
        ends: (N,) bool, end of stroke.
        starts: (L + 1,) int64, line i is rows starts[i] to starts[i + 1].
        texts, names, writers, splits: one string a line.
        unit: the length of one step in ink units.
        preprocessing: what made offsets of the ink, with statistics over the training splits.
        alphabet: the characters that the training splits show often enough.
        options: how the ink was cleaned. For people.
        rejected: how many lines each rule rejected.
    """

    steps: np.ndarray
    ends: np.ndarray
    starts: np.ndarray
    texts: tuple[str, ...]
    names: tuple[str, ...]
    writers: tuple[str, ...]
    splits: tuple[str, ...]
    unit: float
    preprocessing: Preprocessing
    alphabet: Alphabet
    options: Mapping[str, object]
    rejected: Mapping[str, int]

    @property
    def statistics(self) -> Statistics:
        """Mean and standard deviation of the offsets over the training splits."""
        return self.preprocessing.statistics

    @classmethod
    def build(
        cls,
        lines: Iterable[Line],
        *,
        unit: float = 1.0,
        min_count: int = 1,
        preprocessing: Preprocessing | None = None,
        options: Mapping[str, object] | None = None,
        rejected: Mapping[str, int] | None = None,
        training_splits: Sequence[str] = TRAINING_SPLITS,
    ) -> Corpus:
        """Gather cleaned lines.

        Args:
            lines: ink in ink units; each is moved so that its first point is the origin.
            unit: points are rounded to multiples of it (positions, not offsets: errors do not add up).
            min_count: characters rarer than this in the training splits stay out of the alphabet.
            preprocessing: what was done to the lines; its statistics, x-height and points a character are measured
                here.
            options, rejected: see the attributes.
            training_splits: splits that the statistics and the alphabet are taken from.

        Raises:
            CorpusError: no line, none in the training splits, none that moves, no character that is frequent enough,
                or a step too long for 16 bits.
            ValueError: the unit is out of range.
        """
        if not 1e-6 <= unit <= 1e6:
            raise ValueError(f"unit is {unit}; it must be a number from 1e-06 to 1e+06")
        steps, ends, counts, kept, kept_ink = [], [], [0], [], []
        for line in lines:
            steps.append(_steps(line, unit))
            ends.append(line.ink.ends)
            kept_ink.append(line.ink)
            counts.append(len(steps[-1]))
            kept.append((line.text, line.name, line.writer, line.split))
        if not kept:
            raise CorpusError("there is no line to prepare")
        texts, names, writers, splits = map(tuple, zip(*kept, strict=True))
        training = [i for i, s in enumerate(splits) if s in training_splits]
        if not training:
            raise CorpusError(f"no line belongs to a training split ({', '.join(training_splits)})")
        moves = np.concatenate([steps[i][1:] for i in training]).astype(np.float64) * unit
        if len(moves) == 0 or not (moves.std(axis=0) >= 1e-6).all():
            raise CorpusError("the training lines hold no movement to take statistics from")
        alphabet = Alphabet.of((texts[i] for i in training), min_count)
        if not alphabet.characters:
            raise CorpusError(f"no character occurs {min_count} times in the training lines")
        (mean_x, mean_y), (std_x, std_y) = moves.mean(axis=0).tolist(), moves.std(axis=0).tolist()
        measured = replace(
            preprocessing or Preprocessing(deskew=False),
            statistics=Statistics((mean_x, mean_y), (std_x, std_y)),
            x_height=_usual_x_height([(kept_ink[i], texts[i]) for i in training]),
            points_per_character=_points_per_character([(counts[i + 1], texts[i]) for i in training]),
        )
        return cls(
            steps=np.concatenate(steps),
            ends=np.concatenate(ends),
            starts=np.cumsum(counts),
            texts=texts,
            names=names,
            writers=writers,
            splits=splits,
            unit=float(unit),
            preprocessing=measured,
            alphabet=alphabet,
            options=dict(options or {}),
            rejected=dict(rejected or {}),
        )

    def __len__(self) -> int:
        """The number of lines."""
        return len(self.texts)

    @property
    def point_count(self) -> int:
        return len(self.steps)

    def lengths(self) -> np.ndarray:
        """Points of each line, (L,) int64."""
        return np.diff(self.starts)

    def offsets(self, i: int) -> np.ndarray:
        """Offsets of line i in ink units, (T, 3) float32; the first row is (0, 0, end)."""
        rows = slice(self.starts[i], self.starts[i + 1])
        out = np.empty((rows.stop - rows.start, 3), np.float32)
        out[:, :2] = self.steps[rows] * self.unit
        out[:, 2] = self.ends[rows]
        return out

    def normalised(self, i: int) -> np.ndarray:
        """Offsets of line i as the network reads them, (T, 3) float32."""
        return self.statistics.normalise(self.offsets(i))

    def read_as(self, model: Model) -> Corpus:
        """The same lines in a model's alphabet and with its statistics."""
        preprocessing = replace(self.preprocessing, statistics=model.statistics)
        return replace(self, alphabet=model.alphabet, preprocessing=preprocessing)

    def line(self, i: int) -> Line:
        rows = slice(self.starts[i], self.starts[i + 1])
        points = np.cumsum(self.steps[rows], axis=0, dtype=np.int64) * self.unit
        strokes = np.split(points, np.flatnonzero(self.ends[rows])[:-1] + 1)
        return Line(Ink(tuple(strokes)), self.texts[i], self.names[i], self.writers[i], self.splits[i])

    def select(self, *splits: str) -> np.ndarray:
        """Indices of the lines in any of these splits, (n,) int64."""
        return np.array([i for i, s in enumerate(self.splits) if s in splits], np.int64)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one compressed .npz without pickled objects, whole or not at all.

        Raises:
            InputError: the file cannot be written there.
        """
        meta = _Meta(
            self.unit, self.preprocessing, self.alphabet.characters, dict(self.options), dict(self.rejected)
        )
        columns = {k: np.array(getattr(self, k), np.str_) for k in _COLUMNS}
        arrays = {"steps": self.steps, "ends": np.packbits(self.ends), "starts": self.starts, **columns}
        save_npz(path, {"meta": np.array(msgspec.json.encode(meta).decode()), **arrays})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Corpus:
        """Read a file that `save` wrote.

        Raises:
            CorpusError: the file is missing, damaged, or something else than a corpus.
        """
        try:
            arrays = read_npz(path, {"meta": ("U", 0), **_ARRAYS, **dict.fromkeys(_COLUMNS, ("U", 1))})
            document = str(arrays["meta"]).encode()
            steps, starts = arrays["steps"], arrays["starts"]
            _check_arrays(arrays)
            ends = np.unpackbits(arrays["ends"], count=len(steps)).astype(bool)
            if not ends[starts[1:] - 1].all():
                raise ValueError("a line does not end with a stroke's end")
            columns: dict[str, Any] = {k: tuple(arrays[k].tolist()) for k in _COLUMNS}
            meta: Any = decode_json(document, _DOCUMENT, "its description")
            rest = {"steps": steps, "ends": ends, "starts": starts, **columns}
            return _current(meta, rest) if isinstance(meta, _MetaOfVersion1) else _assembled(meta, rest)
        except FileNotFoundError:
            raise CorpusError(f"{path}: no such file; make one with 'strokes prepare'") from None
        except ValueError as e:
            raise CorpusError(f"{path}: not a corpus that 'strokes prepare' made, or damaged ({e})") from None


_Count = Annotated[int, Meta(ge=0, le=2**53)]
_COLUMNS = ("texts", "names", "writers", "splits")
_ARRAYS = {"steps": ("i2", 2), "ends": ("u1", 1), "starts": ("i8", 1)}


class _Meta(msgspec.Struct, frozen=True, tag_field="format", tag="strokes-corpus-2"):
    """The document inside a corpus."""

    unit: Annotated[float, Meta(ge=1e-6, le=1e6)]
    preprocessing: Preprocessing
    alphabet: Annotated[str, Meta(min_length=1, max_length=5000)]
    options: dict[str, Any] = field(default_factory=dict)
    rejected: dict[str, _Count] = field(default_factory=dict)


class _MetaOfVersion1(msgspec.Struct, frozen=True, tag_field="format", tag="strokes-corpus-1"):
    """Geometry stood in the cleaning options; x-height and points a character were not measured."""

    unit: Annotated[float, Meta(ge=1e-6, le=1e6)]
    mean: tuple[float, float]
    std: tuple[float, float]
    alphabet: Annotated[str, Meta(min_length=1, max_length=5000)]
    options: dict[str, Any]
    rejected: dict[str, _Count]


_DOCUMENT: Any = _Meta | _MetaOfVersion1


def _assembled(meta: _Meta, arrays: dict[str, Any]) -> Corpus:
    return Corpus(
        unit=meta.unit,
        preprocessing=meta.preprocessing,
        alphabet=Alphabet(meta.alphabet),
        options=meta.options,
        rejected=meta.rejected,
        **arrays,
    )


def _current(meta: _MetaOfVersion1, arrays: dict[str, Any]) -> Corpus:
    geometry = Preprocessing(
        statistics=Statistics(meta.mean, meta.std),
        deskew=bool(meta.options.get("slope", False)),
        scale="spread" if meta.options.get("scale") else "none",
        every=meta.options.get("every", 1),
    )
    made = _assembled(_Meta(meta.unit, geometry, meta.alphabet, meta.options, meta.rejected), arrays)
    training = [i for i, s in enumerate(made.splits) if s in TRAINING_SPLITS] or list(range(len(made)))
    sampled = [training[i] for i in _evenly(len(training), _MEASURED)]
    lengths = made.lengths().tolist()
    measured = replace(
        geometry,
        x_height=_usual_x_height([(made.line(i).ink, made.texts[i]) for i in sampled]),
        points_per_character=_points_per_character([(lengths[i], made.texts[i]) for i in training]),
    )
    return replace(made, preprocessing=measured)


def _steps(line: Line, unit: float) -> np.ndarray:
    """Steps of a line in whole units, (N, 2) int16; the first is zero."""
    points = line.ink.points.astype(np.float64)
    if len(points) == 0:
        raise CorpusError(f"line {line.name!r} has no ink; leave it out")
    grid = np.rint((points - points[:1]) / unit)
    step = np.diff(grid, axis=0, prepend=grid[:1])
    if np.abs(step).max() > 32767:
        raise CorpusError(f"line {line.name!r} has a step of over {32767 * unit:g} ink units")
    return step.astype(np.int16)


def _check_arrays(arrays: Mapping[str, np.ndarray]) -> None:
    steps, ends, starts = arrays["steps"], arrays["ends"], arrays["starts"]
    if steps.shape[1:] != (2,) or len(ends) != -(-len(steps) // 8):
        raise ValueError("its steps are not pairs with an end each")
    within = len(starts) >= 2 and starts.min() == 0 and starts.max() == len(steps)
    if not within or starts[0] != 0 or starts[-1] != len(steps) or not (np.diff(starts) > 0).all():
        raise ValueError("its lines do not begin one after the other")
    if any(len(arrays[k]) != len(starts) - 1 for k in _COLUMNS):
        raise ValueError("its arrays do not fit together")


def _evenly(count: int, most: int) -> list[int]:
    """At most `most` of `count` indices, evenly spread."""
    return [int(i) for i in np.linspace(0, count - 1, min(count, most))] if count else []


def _usual_x_height(lines: Sequence[tuple[Ink, str]]) -> float:
    measured = [LineMetrics.of(*lines[i]).x_height for i in _evenly(len(lines), _MEASURED)]
    return float(np.clip(np.median(measured), 1e-5, 1e6))


def _points_per_character(lines: Sequence[tuple[int, str]]) -> float:
    points, characters = sum(n for n, _ in lines), sum(len(text) for _, text in lines)
    return float(np.clip(points / max(1, characters), 1, 1000))
