"""The training of the network: truncated back-propagation through time over lines of a corpus."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..corpus import Corpus
from ..model import Model
from ..network import StrokeNetwork
from ..runs.checkpoints import resume_from
from ..runs.folder import hold_folder
from ..runs.hardware import flush_denormals, keep_freed_memory
from ..runs.processes import Group
from ..runs.progress import DivergedError, check_identity
from ..runs.run import Run
from .config import TrainingConfig
from .evaluation import Evaluation, evaluate
from .lines import TrainingLines, validation_lines
from .mixing import mixed
from .progress import Identity, Means, PenProgress, Plan, Start
from .styles import LineStyles
from .trainer import Trainer

__all__ = ["DivergedError", "TrainingResult", "train"]

#: Draws samples of a model into a file.
Draw = Callable[[Model, Path], None]


@dataclass(frozen=True)
class TrainingResult:
    """The end of `train`.

    Attributes:
        progress: counters, with the best validation's nats a point.
        finished: False if it was interrupted.
        seconds: of training, this and earlier sessions of the run.
    """

    progress: PenProgress
    finished: bool
    seconds: float


def train(
    corpus: Corpus | Sequence[Corpus],
    folder: Path,
    config: TrainingConfig,
    *,
    group: Group,
    resume: bool = False,
    start: Model | None = None,
    styles: LineStyles | None = None,
    draw: Draw | None = None,
    stop_after: int | None = None,
) -> TrainingResult:
    """Train until `config.epochs` are read, patience ends, or Ctrl-C; write everything into `folder`.

    The folder gets config.json, metrics.jsonl, checkpoint-STEP folders, best/ (the model with the best validation;
    latest/ if a run is interrupted before its first one) and, if `draw(model, path)` is given, samples-STEP.png at
    every validation. Resuming continues bit for bit: order, augmentation and dropout are drawn from
    (seed, epoch, batch), never from a state.

    Args:
        corpus: lines to train and to validate on; several corpora are read as `config.weights` says.
        folder: of the run; no other training can write there meanwhile.
        config: the settings.
        group: this process among its like.
        resume: go on from the last checkpoint in `folder`.
        start: a model whose weights to begin with; its alphabet, statistics and `config.network` hold.
        styles: vectors of the lines, for a network that is conditioned on styles; `config.network.style` is their size.
        draw: draws samples.
        stop_after: stop, as Ctrl-C does, once this many steps are done (for tests).

    Raises:
        InputError: the folder is in use, there is no checkpoint to resume from, or none that fits, or none can be
            written, or the network does not fit in memory.
        CorpusError: the corpus has no lines to train or to validate on.
        DivergedError: gradients stay non-finite.
    """
    torch.manual_seed(config.seed)
    keep_freed_memory()
    with hold_folder(folder, resume, group.first), flush_denormals():
        kept = resume_from(folder, PenProgress, speak=group.first) if resume else None
        begun_with = kept.progress.start if kept else Start.of(start) if start else None
        corpora = [corpus] if isinstance(corpus, Corpus) else corpus
        whole, times = mixed(corpora, config.weights, config.training_splits)
        if begun_with is not None:
            whole = begun_with.as_read_by_it(whole)
        validation = validation_lines(whole, config)
        own = styles.of_corpus(whole) if styles is not None else None
        lines = TrainingLines(whole, config, group, times, own)
        trainer = Trainer(len(whole.alphabet), config, group)
        progress = PenProgress(identity=Identity.of(whole, config), start=begun_with)
        if kept is not None:
            check_identity(folder, kept.progress.identity, progress.identity)
            trainer.restore(folder, kept.tensors)
            progress = kept.progress
        elif start is not None:
            trainer.begin_with(start.weights)
        plan = Plan(config, lines.points_per_epoch)
        run = Run(
            folder,
            progress,
            config,
            resumed=resume,
            total=plan.total_points,
            at=progress.points,
            unit="pt",
            group=group,
            stop_after=stop_after,
        )
        with run, lines:
            session = _Session(run, plan, trainer, lines, validation, draw)
            return TrainingResult(progress, session.train(), run.seconds)


class _Session:
    """A run's batches, validations and checkpoints, in their order."""

    def __init__(
        self,
        run: Run[PenProgress],
        plan: Plan,
        trainer: Trainer,
        lines: TrainingLines,
        validation: np.ndarray,
        draw: Draw | None,
    ) -> None:
        self.run, self.plan, self.trainer, self.lines = run, plan, trainer, lines
        self.validation, self.draw = validation, draw

    def train(self) -> bool:
        """Read batch after batch; True at the end of the run, False if it was interrupted."""
        run, plan, progress = self.run, self.plan, self.run.progress
        means = Means(progress.recent)
        if plan.validation_due(progress) or (plan.ended(progress) and progress.validated < progress.points):
            self.validate()  # the run was interrupted before it could
        while not plan.ended(progress):
            for batch in self.lines.batches(progress.epoch, progress.batch):
                step_before = progress.step
                self.trainer.read(batch, run, plan, means)
                progress.batch += 1
                if run.stop_requested:  # without a validation, which takes long
                    run.checkpoint(self.trainer.tensors())
                    run.keep_latest(lambda folder: self.model(None).save(folder))
                    return False
                if plan.validation_due(progress) or plan.ended(progress):
                    self.validate()
                ended = plan.ended(progress)
                if ended or plan.checkpoint_due(progress, step_before):
                    run.checkpoint(self.trainer.tensors())
                if ended:
                    return True
            progress.epoch += 1
            progress.batch = 0
        return True

    def validate(self) -> None:
        """Measure the averaged weights on the validation lines, log it, keep the best, draw samples."""
        run, plan, trainer, progress = self.run, self.plan, self.trainer, self.run.progress
        corpus = self.lines.corpus
        network = trainer.averaged_network
        result = evaluate(
            network,
            corpus,
            self.validation,
            dtype=trainer.dtype,
            group=trainer.group,
            styles=self.lines.styles,
        )
        better = progress.count_validation(result.nats_per_point)
        progress.validated = progress.points
        if not run.group.first:
            return
        values = asdict(result)
        read = {f"validation_{name}": values.pop(name) for name in ("lines", "points")}
        run.log("validation", **plan.place(progress), ema=True, **values, **read)
        model = self.model(result)
        if better:
            run.keep_best(model.save)
        run.say(
            f"epoch {plan.epochs(progress):.2f}: validation {result.nats_per_point:.4f} nats/point"
            f"{' (best)' if better else ''}, {run.seconds / 60:.0f} min"
        )
        if self.draw is not None:
            draw = self.draw
            run.draw(lambda path: draw(model, path), f"samples-{progress.step:08d}.png")

    def model(self, result: Evaluation | None) -> Model:
        """The averaged weights as a model, which says how it was trained."""
        progress, config, corpus = self.run.progress, self.plan.config, self.lines.corpus
        info: dict[str, Any] = {
            "preset": dict(corpus.options),
            "training": asdict(config),
            "epochs": round(self.plan.epochs(progress), 3),
            "points": progress.points,
            "steps": progress.step,
            "hours": round(self.run.seconds / 3600, 3),
            "hardware": platform.processor() or platform.machine(),
            "validation": asdict(result) if result else None,
        }
        if progress.start is not None:
            info["start"] = dict(progress.start.trained)
        network: StrokeNetwork = self.trainer.averaged_network
        return Model(
            weights={name: value.cpu().numpy() for name, value in network.state_dict().items()},
            network=config.network,
            alphabet=corpus.alphabet,
            preprocessing=corpus.preprocessing,
            info=info,
        )
