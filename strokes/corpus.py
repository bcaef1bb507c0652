"""Corpus: prepared offsets, texts, splits and statistics in one file."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .alphabet import Alphabet
from .files import InputError, atomic_path
from .ink import Ink, Line

__all__ = ["TRAINING_SPLITS", "VALIDATION_SPLIT", "Corpus", "CorpusError", "Statistics"]

#: Graves 2013, section 5: trained on these, stopped early and reported on validation 1.
TRAINING_SPLITS = ("trainset", "testset_f", "testset_t")
VALIDATION_SPLIT = "testset_v"

_FORMAT = "strokes-corpus-1"


class CorpusError(InputError):
    """A corpus file or the lines for one cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation of the offsets, (x, y), in ink units."""

    mean: tuple[float, float]
    std: tuple[float, float]

    def normalise(self, offsets: np.ndarray) -> np.ndarray:
        """(T, 3) offsets in ink units -> (T, 3) float32, each axis with mean 0 and deviation 1.

        The first row is the pen at its starting point, which is not an offset: it becomes zeros
        (its end_of_stroke stays).
        """
        out = np.array(offsets, np.float64)
        out[:, :2] = (out[:, :2] - self.mean) / self.std
        out[:1, :2] = 0.0
        return out.astype(np.float32)

    def restore(self, offsets: np.ndarray) -> np.ndarray:
        """The inverse of `normalise`, with the pen starting at the origin; (T, 3) float64."""
        out = np.array(offsets, np.float64)
        out[:, :2] = out[:, :2] * self.std + self.mean
        out[:1, :2] = 0.0
        return out


@dataclass(frozen=True)
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
        statistics: over the training splits.
        alphabet: the characters that the training splits show often enough.
        options: the cleaning options that made this corpus.
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
    statistics: Statistics
    alphabet: Alphabet
    options: Mapping[str, object]
    rejected: Mapping[str, int]

    @classmethod
    def build(
        cls,
        lines: Iterable[Line],
        *,
        unit: float = 1.0,
        min_count: int = 1,
        options: Mapping[str, object] | None = None,
        rejected: Mapping[str, int] | None = None,
        training_splits: Sequence[str] = TRAINING_SPLITS,
    ) -> Corpus:
        """Gather cleaned lines.

        Args:
            lines: ink in ink units; each is moved so that its first point is the origin.
            unit: points are rounded to multiples of it (positions, not offsets: errors do not add up).
            min_count: characters rarer than this in the training splits stay out of the alphabet.
            training_splits: splits that the statistics and the alphabet are taken from.

        Raises:
            CorpusError: no line, none in the training splits, or a step too long for 16 bits.
        """
        steps, ends, counts, kept = [], [], [0], []
        for line in lines:
            points = line.ink.points.astype(np.float64)
            if len(points) == 0:
                raise CorpusError(f"line {line.name!r} has no ink; leave it out")
            grid = np.rint((points - points[:1]) / unit)
            step = np.diff(grid, axis=0, prepend=grid[:1])
            if np.abs(step).max(initial=0) > 32767:
                raise CorpusError(f"line {line.name!r} has a step of over {32767 * unit:g} ink units")
            steps.append(step.astype(np.int16))
            end = np.zeros(len(points), bool)
            end[np.cumsum([len(s) for s in line.ink.strokes]) - 1] = True
            ends.append(end)
            counts.append(len(points))
            kept.append((line.text, line.name, line.writer, line.split))
        if not kept:
            raise CorpusError("there is no line to prepare")
        texts, names, writers, splits = map(tuple, zip(*kept, strict=True))
        training = [i for i, s in enumerate(splits) if s in training_splits]
        if not training:
            raise CorpusError(f"no line belongs to a training split ({', '.join(training_splits)})")
        moves = np.concatenate([steps[i][1:] for i in training]).astype(np.float64) * unit
        if len(moves) == 0 or not (moves.std(axis=0) > 0).all():
            raise CorpusError("the training lines hold no movement to take statistics from")
        return cls(
            steps=np.concatenate(steps),
            ends=np.concatenate(ends),
            starts=np.cumsum(counts),
            texts=texts,
            names=names,
            writers=writers,
            splits=splits,
            unit=float(unit),
            statistics=Statistics(tuple(moves.mean(axis=0).tolist()), tuple(moves.std(axis=0).tolist())),
            alphabet=Alphabet.of((texts[i] for i in training), min_count),
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

    def line(self, i: int) -> Line:
        rows = slice(self.starts[i], self.starts[i + 1])
        points = np.cumsum(self.steps[rows], axis=0, dtype=np.int64) * self.unit
        strokes = np.split(points, np.flatnonzero(self.ends[rows])[:-1] + 1)
        return Line(Ink(tuple(strokes)), self.texts[i], self.names[i], self.writers[i], self.splits[i])

    def select(self, *splits: str) -> np.ndarray:
        """Indices of the lines in any of these splits, (n,) int64."""
        return np.array([i for i, s in enumerate(self.splits) if s in splits], np.int64)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one compressed .npz without pickled objects, whole or not at all."""
        meta = {
            "format": _FORMAT,
            "unit": self.unit,
            "mean": self.statistics.mean,
            "std": self.statistics.std,
            "alphabet": self.alphabet.characters,
            "options": dict(self.options),
            "rejected": dict(self.rejected),
        }
        columns = {k: np.array(getattr(self, k), np.str_) for k in ("texts", "names", "writers", "splits")}
        with atomic_path(path) as tmp, open(tmp, "wb") as f:
            np.savez_compressed(
                f,
                meta=np.array(json.dumps(meta, ensure_ascii=False)),
                steps=self.steps,
                ends=np.packbits(self.ends),
                starts=self.starts,
                **columns,
            )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Corpus:
        """Read a file that `save` wrote.

        Raises:
            CorpusError: the file is missing, damaged, or something else than a corpus.
        """
        try:
            with np.load(path, allow_pickle=False) as z:
                meta = json.loads(str(z["meta"]))
                if meta.get("format") != _FORMAT:
                    raise CorpusError(
                        f"{path}: this corpus has format {meta.get('format')!r}; prepare it again"
                    )
                steps, starts = z["steps"], z["starts"]
                ends = np.unpackbits(z["ends"], count=len(steps)).astype(bool)
                columns = {k: tuple(z[k].tolist()) for k in ("texts", "names", "writers", "splits")}
            if starts[-1] != len(steps) or any(len(c) != len(starts) - 1 for c in columns.values()):
                raise ValueError("its arrays do not fit together")
            return cls(
                steps=steps,
                ends=ends,
                starts=starts,
                unit=meta["unit"],
                statistics=Statistics(tuple(meta["mean"]), tuple(meta["std"])),
                alphabet=Alphabet(meta["alphabet"]),
                options=meta["options"],
                rejected=meta["rejected"],
                **columns,
            )
        except FileNotFoundError:
            raise CorpusError(f"{path}: no such file; make one with 'strokes prepare'") from None
        except CorpusError:
            raise
        except (
            OSError,
            EOFError,
            LookupError,
            ValueError,
            TypeError,
            AttributeError,
            zipfile.BadZipFile,
            zlib.error,
        ) as e:
            raise CorpusError(f"{path}: not a corpus that 'strokes prepare' made, or damaged ({e})") from None
