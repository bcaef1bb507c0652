"""How far a run of the pen's training has come, and what is due when."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..alphabet import Alphabet
from ..corpus import Corpus
from ..documents import Seed
from ..model import Model
from ..preprocessing import Statistics
from ..runs.progress import Count, Progress
from ..runs.schedule import warmup_cosine
from .config import TrainingConfig

__all__ = ["Identity", "Means", "PenProgress", "Plan", "Start"]


@dataclass(frozen=True)
class Identity:
    """What the order of lines and the meaning of weights depend on: a resumed run must share it.

    Attributes:
        corpus: its number of lines and points, and a check sum of both ink and texts.
        alphabet: its characters.
        batch, optimizer, seed, rare, rare_repeats, weights, training_splits: of the `TrainingConfig`.
    """

    corpus: str
    alphabet: str
    batch: int
    optimizer: str
    seed: Seed
    rare: int
    rare_repeats: int
    weights: tuple[float, ...]
    training_splits: tuple[str, ...]

    @classmethod
    def of(cls, corpus: Corpus, config: TrainingConfig) -> Identity:
        check = zlib.crc32("\n".join(corpus.texts).encode(), zlib.crc32(corpus.steps.tobytes()))
        return cls(
            corpus=f"{len(corpus)} lines, {corpus.point_count} points, check sum {check:08x}",
            alphabet=corpus.alphabet.characters,
            batch=config.batch,
            optimizer=config.optimizer,
            seed=config.seed,
            rare=config.rare,
            rare_repeats=config.rare_repeats,
            weights=config.weights,
            training_splits=config.training_splits,
        )


@dataclass(frozen=True)
class Start:
    """The model that a run began with.

    Attributes:
        alphabet: the characters of its alphabet.
        statistics: of its offsets.
        trained: on what and how long it had been trained, for people.
    """

    alphabet: str
    statistics: Statistics
    trained: Mapping[str, Any]

    @classmethod
    def of(cls, model: Model) -> Start:
        names = ("preset", "epochs", "points", "steps", "hours", "start")
        trained = {name: model.info[name] for name in names if name in model.info}
        return cls(model.alphabet.characters, model.statistics, trained)

    def as_read_by_it(self, corpus: Corpus) -> Corpus:
        """The same lines in the alphabet and with the statistics of this model."""
        preprocessing = replace(corpus.preprocessing, statistics=self.statistics)
        return replace(corpus, alphabet=Alphabet(self.alphabet), preprocessing=preprocessing)


@dataclass(kw_only=True)
class PenProgress(Progress):
    """How far a run has come.

    Attributes:
        identity: what a resumed run must share.
        start: the model it began with, if any.
        points: predicted in training.
        validated: of these, up to the last validation.
        recent: loss, gradient norm and points of each step since the last row of the log.
    """

    identity: Identity
    start: Start | None = None
    points: Count = 0
    validated: Count = 0
    recent: list[tuple[float, float, Count]] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """What is due when, as functions of a run's progress.

    Attributes:
        config: the settings.
        points_per_epoch: predictions in one reading of the training lines.
    """

    config: TrainingConfig
    points_per_epoch: int

    @property
    def total_points(self) -> int:
        return max(1, int(self.config.epochs * self.points_per_epoch))

    def epochs(self, progress: PenProgress) -> float:
        """Epochs read, with their fraction."""
        return progress.points / self.points_per_epoch

    def place(self, progress: PenProgress) -> dict[str, float]:
        """Points and epochs for a row of the log."""
        return {"points": progress.points, "epoch": self.epochs(progress)}

    def learning_rate(self, progress: PenProgress) -> float:
        config = self.config
        return warmup_cosine(
            progress.step,
            progress.points / self.total_points,
            peak=config.learning_rate,
            warmup=config.warmup,
            final_rate=config.final_rate,
        )

    def regularised(self, progress: PenProgress) -> bool:
        """Whether dropout and weight noise have set in."""
        return progress.points >= self.config.regularise_after * self.points_per_epoch

    def ended(self, progress: PenProgress) -> bool:
        """Whether all epochs are read, or patience is at its end."""
        impatient = 0 < self.config.patience <= progress.bad_validations
        return progress.points >= self.total_points or impatient

    def validation_due(self, progress: PenProgress) -> bool:
        every = self.config.validate_every * self.points_per_epoch
        return progress.points // every > progress.validated // every

    def checkpoint_due(self, progress: PenProgress, step_before: int) -> bool:
        """Whether a multiple of `checkpoint_every` lies after `step_before`."""
        every = self.config.checkpoint_every
        return progress.step // every > step_before // every


class Means:
    """Means over the steps since the last row of the log.

    Args:
        recent: `PenProgress.recent`, changed in place.
    """

    def __init__(self, recent: list[tuple[float, float, int]]) -> None:
        self._recent = recent
        self._since: float | None = None

    def add(self, loss: float, norm: float, points: int) -> None:
        self._recent.append((loss, norm, points))

    def take(self, seconds: float) -> dict[str, float | None]:
        """Loss, gradient norm and points per second since this was last called, at `seconds` of the run."""
        rows, since = list(self._recent), self._since
        self._recent.clear()
        self._since = seconds
        points = sum(n for *_, n in rows)
        return {
            "loss": sum(loss * n for loss, _, n in rows) / points if points else None,
            "gradient_norm": math.fsum(norm for _, norm, _ in rows) / len(rows) if rows else None,
            "points_per_second": points / (seconds - since)
            if since is not None and seconds > since
            else None,
        }
