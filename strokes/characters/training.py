"""The training loop of the character models: one page for all kinds."""

from __future__ import annotations

import copy
import math
import platform
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch.optim.swa_utils import AveragedModel

from ..documents import convert, read_json
from ..files import InputError
from ..runs.averaging import averaged
from ..runs.checkpoints import resume_from
from ..runs.folder import hold_folder
from ..runs.hardware import compute_dtype, flush_denormals, keep_freed_memory
from ..runs.progress import Count, Progress, check_identity
from ..runs.run import Run
from ..runs.schedule import warmup_cosine
from ..runs.seeds import derived_seed
from ..runs.state import restore_state, state_tensors
from .arrays import as_tensor, batches
from .config import CharacterTrainingConfig
from .data import CharacterSet
from .distortion import distort
from .examples import Examples, Place
from .kinds import KINDS, CharacterNetwork
from .kinds.base import Batch
from .model import CharacterModel, build

__all__ = ["CharacterProgress", "TrainingResult", "config_of_run", "default_config", "train"]


def default_config(kind: str, **changes: Any) -> Any:
    """Settings that suit a kind, with changes."""
    return replace(KINDS[kind].default_config(), **changes)


def config_of_run(kind: str, run: Path) -> Any:
    """The settings that a run of this kind began with, as its config.json keeps them.

    Raises:
        InputError: the file is missing, damaged or of another version, or the run is of another kind.
    """
    place = run / "config.json"
    try:
        kept = read_json(place, dict[str, Any])
    except FileNotFoundError:
        raise InputError(f"{run}: it has no config.json; it cannot be resumed") from None
    if kept.get("kind") != kind:
        raise InputError(
            f"{run}: it was begun with another kind ({kept.get('kind')}, now {kind}); resume with that"
        )
    return convert(kept, type(default_config(kind)), str(place))


@dataclass(frozen=True)
class Identity:
    """What a run's place in its data depends on."""

    kind: str
    classes: str
    images: int
    data: int
    sizes: dict[str, Any]
    seed: int
    batch: int
    balance: float
    labelled: float


@dataclass(kw_only=True)
class CharacterProgress(Progress):
    """How far a run has come.

    Attributes:
        identity: what it began with.
        sums: of each loss since the epoch began, a weighted by the images of its batch.
        count: images that `sums` are over.
    """

    identity: Identity
    sums: dict[str, float] = field(default_factory=dict)
    count: Count = 0

    def add(self, values: dict[str, float], images: int) -> None:
        """Add the means of a batch."""
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value * images
        self.count += images

    def end_epoch(self) -> dict[str, float]:
        """The means over the epoch; the next one begins."""
        means = {name: total / max(1, self.count) for name, total in self.sums.items()}
        self.sums, self.count, self.batch = {}, 0, 0
        self.epoch += 1
        return means


@dataclass(frozen=True)
class TrainingResult:
    """Where a run stands at the end of `train`.

    Attributes:
        step: steps taken.
        epoch: epochs that are complete.
        seconds: of training, earlier sessions included.
        best: the lowest validation loss; None where no loss compares models.
        skipped: steps without a finite loss.
        finished: whether all epochs were read.
    """

    step: int
    epoch: int
    seconds: float
    best: float | None
    skipped: int
    finished: bool


def train(
    kind: str,
    characters: CharacterSet,
    run: Path,
    config: CharacterTrainingConfig,
    *,
    resume: bool = False,
    device: str = "cpu",
    draw: Callable[[CharacterModel, Path], None] | None = None,
    stop_after: int | None = None,
) -> TrainingResult:
    """Train until `config.epochs` are read, or Ctrl-C; write everything into `run`.

    `run` gets config.json, metrics.jsonl (a row an epoch, one a validation), checkpoint-STEP folders, best/ (the
    model with the lowest validation loss; the last one of a GAN, or where nothing is to validate on) and, if
    `draw(model, path)` is given, samples-EPOCH.png. Resuming continues bit for bit on a CPU: order, distortion and
    noise are drawn from (seed, epoch, batch), never from a state.

    Args:
        kind: one of `KINDS`.
        characters: what to learn from.
        run: the folder of the run; made if need be.
        config: of this kind.
        resume: go on from the last checkpoint in `run`.
        device: "cpu" or "cuda".
        draw: draws samples of a model into a file.
        stop_after: stop, as Ctrl-C does, once this many steps are done (for tests).

    Raises:
        InputError: an image class is missing, the folder is in use, or there is no checkpoint to resume from, none
            that fits, or none can be written.
        DivergedError: losses stay non-finite.
    """
    examples = Examples.select(characters, config, KINDS[kind].learns_unlabelled)
    identity = _identity(kind, examples, config)
    with hold_folder(run, resume), flush_denormals():
        learner = _Learner(kind, examples, config, device)
        progress = CharacterProgress(identity=identity)
        if resume:
            checkpoint = resume_from(run, CharacterProgress)
            progress = checkpoint.progress
            check_identity(run, progress.identity, identity)
            if progress.batch >= examples.batches_per_epoch(config):
                raise InputError(f"{run}: its checkpoint is damaged (batch {progress.batch}); start it again")
            restore_state(run, checkpoint.tensors, learner.network, learner.mean, learner.optimizers)
        total = config.epochs * examples.batches_per_epoch(config)
        settings = {"kind": kind} | asdict(config)
        with Run(
            run,
            progress,
            settings,
            resumed=resume,
            total=total,
            at=progress.step,
            name=kind,
            stop_after=stop_after,
        ) as session:
            for place in examples.places(config, progress.epoch, progress.batch):
                rate, values = learner.step(place, progress.step / total)
                finite = all(map(math.isfinite, values.values()))
                progress.batch += 1
                session.count_step(finite)
                if finite:
                    progress.add(values, len(place.rows))
                session.advance(1)
                if place.last:
                    _end_epoch(session, learner, characters, rate, draw)
                if session.stop_requested:
                    break
            finished = progress.epoch >= config.epochs
            if not finished:
                session.checkpoint(learner.tensors())
                session.keep_latest(learner.model(session, characters, {}).save)
        seconds = session.seconds
    return TrainingResult(progress.step, progress.epoch, seconds, progress.best, progress.skipped, finished)


def _end_epoch(
    session: Run[CharacterProgress],
    learner: _Learner,
    characters: CharacterSet,
    rate: float,
    draw: Callable[[CharacterModel, Path], None] | None,
) -> None:
    """Log the epoch; validate and write a checkpoint where they are due."""
    config, progress = learner.config, session.progress
    means = progress.end_epoch()
    session.log("train", epoch=progress.epoch, learning_rate=rate, skipped=progress.skipped, **means)
    session.note(", ".join(f"{name} {value:.3f}" for name, value in means.items()))
    last = progress.epoch == config.epochs
    if last or progress.epoch % config.validate_every == 0:
        _validate(session, learner, characters, draw)
    if last or progress.epoch % config.checkpoint_every == 0:
        session.checkpoint(learner.tensors())


def _validate(
    session: Run[CharacterProgress],
    learner: _Learner,
    characters: CharacterSet,
    draw: Callable[[CharacterModel, Path], None] | None,
) -> None:
    """Measure the averaged weights, keep them if they are the best so far, and draw samples."""
    progress = session.progress
    result = validation_means(learner.averaged, learner.examples, learner.config, learner.device)
    # With few labels, to choose by all of the validation images' would be to use more than were given.
    chosen = "loss" in result and learner.config.labelled == 1
    better = progress.count_validation(result["loss"]) if chosen else True
    if result:
        session.log("validation", epoch=progress.epoch, **result)
    shown = ", ".join(f"{name} {value:.4f}" for name, value in result.items()) or "not validated"
    best = " (best)" if chosen and better else ""
    session.say(f"epoch {progress.epoch}: {shown}{best}, {session.seconds / 60:.1f} min")
    model = learner.model(session, characters, result)
    if better:
        session.keep_best(model.save)
    if draw is not None:
        session.draw(lambda path: draw(model, path), f"samples-{progress.epoch:04d}.png")


@torch.no_grad()
def validation_means(
    network: CharacterNetwork[Any], examples: Examples, config: CharacterTrainingConfig, device: str
) -> dict[str, float]:
    """Means over the validation images; nothing where there are none, or no loss compares models."""
    sums: dict[str, float] = {}
    generator = torch.Generator().manual_seed(0)
    for rows in batches(len(examples.held_labels)):
        images = as_tensor(examples.held_images[rows]).to(device)
        labels = torch.from_numpy(examples.held_labels[rows]).to(device)
        for name, value in network.validation_losses(Batch(images, labels), generator, config).items():
            sums[name] = sums.get(name, 0.0) + value.item() * len(labels)
    return {name: total / len(examples.held_labels) for name, total in sums.items()}


class _Learner:
    """A network in training, its averaged weights and its optimizers."""

    def __init__(self, kind: str, examples: Examples, config: CharacterTrainingConfig, device: str) -> None:
        torch.manual_seed(config.seed)
        keep_freed_memory()
        self.examples, self.config, self.device = examples, config, device
        network: Any = build(kind, len(examples.classes), config.sizes).to(device)
        self.network: CharacterNetwork[Any] = network.to(memory_format=KINDS[kind].memory_format)
        self.mean: AveragedModel = averaged(self.network, config.ema)
        self.optimizers = self.network.optimizers(config)
        self._peaks = [group["lr"] for o in self.optimizers for group in o.param_groups]
        self._bf16 = compute_dtype(config.precision, torch.device(device)) == torch.bfloat16
        self._images = torch.from_numpy(examples.images).to(device)

    def step(self, place: Place, done: float) -> tuple[float, dict[str, float]]:
        """One training step; the learning rate and what `CharacterNetwork.training_step` returns.

        Args:
            place: the batch.
            done: the share of the run that is done.
        """
        seed = derived_seed(self.config.seed, place.epoch, place.batch)
        torch.manual_seed(seed)  # dropout draws from the global generator
        generator = torch.Generator().manual_seed(seed)
        rows = torch.from_numpy(place.rows).to(self.device)
        images = self._images[rows].unsqueeze(1).float() / 255
        images = distort(images, self.config.distortion, generator)
        labels = torch.from_numpy(self.examples.labels[place.rows]).to(self.device)
        share = warmup_cosine(0, done, peak=1.0, final_rate=self.config.final_rate)
        groups = [group for o in self.optimizers for group in o.param_groups]
        for group, peak in zip(groups, self._peaks, strict=True):
            group["lr"] = peak * share
        self.network.train()
        values = self.network.training_step(
            Batch(images, labels), self.optimizers, generator, self.config, self._autocast
        )
        if all(map(math.isfinite, values.values())):
            self.mean.update_parameters(self.network)
        return self.config.learning_rate * share, values

    def _autocast(self) -> AbstractContextManager[object]:
        return torch.autocast(self.device, torch.bfloat16, enabled=self._bf16)

    @property
    def averaged(self) -> CharacterNetwork[Any]:
        """The averaged weights, which are validated and saved."""
        network: Any = self.mean.module
        averaged: CharacterNetwork[Any] = network
        return averaged

    def tensors(self) -> dict[str, dict[str, torch.Tensor]]:
        """All that a run needs to go on."""
        return state_tensors(self.network, self.mean, self.optimizers)

    def model(
        self, session: Run[CharacterProgress], characters: CharacterSet, validation: dict[str, float]
    ) -> CharacterModel:
        """The averaged weights as a model that says where it comes from."""
        info = {
            "data": {
                "sources": list(characters.sources),
                "images": len(self.examples),
                "options": dict(characters.options),
            },
            "training": asdict(self.config),
            "epochs": session.progress.epoch,
            "steps": session.progress.step,
            "minutes": round(session.seconds / 60, 1),
            "validation": validation,
            "hardware": platform.processor() or platform.machine(),
        }
        return CharacterModel(copy.deepcopy(self.averaged).cpu(), self.examples.classes, info)


def _identity(kind: str, examples: Examples, config: CharacterTrainingConfig) -> Identity:
    return Identity(
        kind=kind,
        classes=examples.classes,
        images=len(examples),
        data=examples.checksum(),
        sizes=asdict(config.sizes),
        seed=config.seed,
        batch=config.batch,
        balance=config.balance,
        labelled=config.labelled,
    )
