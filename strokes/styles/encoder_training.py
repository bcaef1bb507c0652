"""The training of the style encoder: telling the writers of a corpus apart."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from msgspec import Meta
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from ..documents import Seed, check_fields
from ..ink import Ink, Line
from ..recognition.augmentation import PathAugmentation, composed
from ..recognition.config import ReaderConfig
from ..recognition.features import STEP, line_frame, path_features
from ..recognition.training import padded
from ..runs.averaging import averaged
from ..runs.checkpoints import resume_from
from ..runs.folder import hold_folder
from ..runs.hardware import compute_dtype, flush_denormals, keep_freed_memory
from ..runs.progress import Count, Progress, check_identity
from ..runs.run import Run
from ..runs.schedule import warmup_cosine
from ..runs.seeds import derived_seed
from ..runs.state import restore_state, state_tensors
from .encoder_model import StyleEncoderModel
from .encoder_network import StyleNetwork, margin_loss

__all__ = ["StyleTraining", "embed_lines", "identified", "train_style_encoder"]

_LOG_EVERY = 20


@dataclass(frozen=True)
class StyleTraining:
    """One training run of the style encoder.

    Args:
        network: sizes of the path encoder.
        size: of the embedding.
        steps: batches in all.
        batch: lines side by side.
        learning_rate: of Adam, its peak.
        warmup: steps over which it rises from 0.
        clip: largest norm of the gradient.
        dropout: share of the inputs of layers that is dropped.
        ema: decay of the averaged weights.
        margin: between the right writer's cosine and the others.
        shortest: share of a line's rows that a reading of it has at least.
        augmentation: small changes; slant and proportions are style and stay nearly as they are.
        precision: of the operands of large matmuls.
        seed: of initial weights, order and augmentation.
        validate_every: batches between validations.
        checkpoint_every: batches between checkpoints.

    Raises:
        ValueError: a number is out of range.
    """

    network: ReaderConfig = field(default_factory=lambda: ReaderConfig(channels=48, hidden=96, layers=2))
    size: Annotated[int, Meta(ge=2, le=4096)] = 128
    steps: Annotated[int, Meta(ge=1, le=10**9)] = 3000
    batch: Annotated[int, Meta(ge=2, le=2**16)] = 48
    learning_rate: Annotated[float, Meta(gt=0, le=1)] = 2e-3
    warmup: Annotated[int, Meta(ge=0, le=10**9)] = 100
    clip: Annotated[float, Meta(gt=0, le=1e30)] = 2.0
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.1
    ema: Annotated[float, Meta(ge=0, lt=1)] = 0.998
    margin: Annotated[float, Meta(ge=0, le=1)] = 0.2
    shortest: Annotated[float, Meta(gt=0, le=1)] = 0.4
    augmentation: PathAugmentation = field(
        default_factory=lambda: PathAugmentation(
            size=0.08, width=0.04, shear=0.04, rotation=0.02, shift=0.1, step=0.05
        )
    )
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    seed: Seed = 1
    validate_every: Annotated[int, Meta(ge=1, le=10**9)] = 500
    checkpoint_every: Annotated[int, Meta(ge=1, le=10**9)] = 250

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class _Identity:
    """What the order of lines depends on."""

    lines: Count
    writers: Count
    batch: Count
    seed: Seed


@dataclass(kw_only=True)
class _Progress(Progress):
    """How far a run has come."""

    identity: _Identity


def train_style_encoder(
    lines: Sequence[Line],
    validation: Sequence[Line],
    folder: Path,
    config: StyleTraining,
    *,
    resume: bool = False,
    stop_after: int | None = None,
) -> bool:
    """Train until `config.steps` are done or Ctrl-C; the folder gets config.json, metrics.jsonl, checkpoints, best/.

    Args:
        lines: to train on, with their writers.
        validation: lines of writers that are not in `lines`.
        folder: of the run.
        config: settings.
        resume: go on from the last checkpoint.
        stop_after: stop, as Ctrl-C does, after so many steps.

    Returns:
        False if it was interrupted.

    Raises:
        InputError: the folder is in use, or there is no checkpoint that fits.
        DivergedError: gradients stay non-finite.
    """
    torch.manual_seed(config.seed)
    keep_freed_memory()
    with hold_folder(folder, resume), flush_denormals():
        trainer = _Trainer(lines, validation, config)
        progress = _Progress(identity=_Identity(len(lines), len(trainer.writers), config.batch, config.seed))
        if resume:
            kept = resume_from(folder, _Progress)
            check_identity(folder, kept.progress.identity, progress.identity)
            restore_state(folder, kept.tensors, trainer.network, trainer.mean, [trainer.optimizer])
            progress = kept.progress
        run = Run(
            folder,
            progress,
            config,
            resumed=resume,
            total=config.steps,
            at=progress.step,
            stop_after=stop_after,
        )
        with run:
            return trainer.train(run)


class _Classifier(nn.Module):
    """The encoder and a direction a writer."""

    def __init__(self, config: StyleTraining, writers: int) -> None:
        super().__init__()
        self.encoder = StyleNetwork(config.network, config.size)
        self.centres = nn.Parameter(torch.randn(writers, config.size))


class _Trainer:
    """Network, averaged weights, optimiser and the lines of each writer."""

    def __init__(self, lines: Sequence[Line], validation: Sequence[Line], config: StyleTraining) -> None:
        self.lines, self.validation, self.config = lines, validation, config
        self.frames = [line_frame(line.ink) for line in lines]
        self.writers = sorted({line.writer for line in lines})
        number = {writer: i for i, writer in enumerate(self.writers)}
        self.writer = np.array([number[line.writer] for line in lines])
        self.by_writer = [np.flatnonzero(self.writer == i) for i in range(len(self.writers))]
        # A writer of many lines is met more often, but not as often as they are many.
        sizes = np.sqrt([len(own) for own in self.by_writer])
        self.share = sizes / sizes.sum()
        self.dtype = compute_dtype(config.precision, torch.device("cpu"))
        self.network = _Classifier(config, len(self.writers))
        self.mean = averaged(self.network, config.ema)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=0.01, fused=True
        )

    @property
    def encoder(self) -> StyleNetwork:
        """The encoder with the averaged weights."""
        classifier = self.mean.module
        assert isinstance(classifier, _Classifier)
        return classifier.encoder

    def train(self, run: Run[_Progress]) -> bool:
        """Step after step."""
        config, progress, losses = self.config, run.progress, []
        for batch in self._batches(progress.step):
            losses.append(self._step(batch, run))
            run.advance(1)
            if progress.step % _LOG_EVERY == 0:
                run.log("train", loss=float(np.mean(losses)))
                run.note(f"{np.mean(losses):.3f} nats")
                losses.clear()
            if run.stop_requested:
                run.checkpoint(state_tensors(self.network, self.mean, [self.optimizer]))
                run.keep_latest(lambda place: self.model().save(place))
                return False
            ended = progress.step >= config.steps
            if ended or progress.step % config.validate_every == 0:
                self._validate(run)
            if ended or progress.step % config.checkpoint_every == 0:
                run.checkpoint(state_tensors(self.network, self.mean, [self.optimizer]))
        return True

    def model(self, **info: object) -> StyleEncoderModel:
        """The averaged weights as a model."""
        weights = {name: value.cpu().numpy() for name, value in self.encoder.state_dict().items()}
        return StyleEncoderModel(weights, self.config.network, self.config.size, info)

    def _step(self, batch: tuple[Tensor, Tensor, Tensor], run: Run[_Progress]) -> float:
        config, progress = self.config, run.progress
        rows, lengths, writers = batch
        torch.manual_seed(derived_seed(config.seed, progress.step))
        rate = warmup_cosine(
            progress.step,
            progress.step / config.steps,
            peak=config.learning_rate,
            warmup=config.warmup,
            final_rate=0.02,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        embeddings = self.network.encoder(rows, lengths, config.dropout, self.dtype)
        # The margin grows from nothing: with all of it from the start nothing is learned at first.
        margin = config.margin * min(1.0, progress.step / (0.3 * config.steps))
        loss = margin_loss(embeddings, writers, self.network.centres, margin)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = float(torch.nn.utils.clip_grad_norm_(self.network.parameters(), config.clip))
        finite = math.isfinite(norm) and math.isfinite(float(loss.detach()))
        if finite:
            self.optimizer.step()
            self.mean.update_parameters(self.network)
        run.count_step(finite)
        return float(loss.detach())

    def _validate(self, run: Run[_Progress]) -> None:
        """Identify held-out writers; keep the best weights."""
        embeddings = embed_lines(self.encoder, [line.ink for line in self.validation], self.dtype)
        share = identified(embeddings, [line.writer for line in self.validation])
        run.log("validation", identified=share)
        if run.progress.count_validation(-share):
            info = {"training": asdict(self.config), "writers": len(self.writers), "identified": share}
            run.keep_best(lambda place: self.model(**info).save(place))
        run.say(f"step {run.progress.step}: {100 * share:.1f} % identified of 20, {run.seconds / 60:.0f} min")

    def _batches(self, first: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """The batches from step `first` on; a thread makes the next as one is read."""
        with ThreadPoolExecutor(1) as ahead:
            upcoming = ahead.submit(self._make, first)
            for step in range(first, self.config.steps):
                batch = upcoming.result()
                upcoming = ahead.submit(self._make, step + 1)
                yield batch

    def _make(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        config = self.config
        rng = np.random.default_rng([config.seed, 3, step])
        rows, writers = [], rng.choice(len(self.writers), config.batch, p=self.share)
        for writer in writers:
            i = int(rng.choice(self.by_writer[writer]))
            change, factor = config.augmentation.draw(rng)
            frame = composed(change, self.frames[i])
            whole = path_features(self.lines[i].ink, frame, STEP * factor).rows
            size = math.ceil(len(whole) * rng.uniform(config.shortest, 1.0))
            begin = int(rng.integers(len(whole) - size + 1))
            rows.append(torch.from_numpy(whole[begin : begin + size]))
        lengths = torch.tensor([len(r) for r in rows])
        return padded(rows), lengths, torch.from_numpy(writers)


@torch.inference_mode()
def embed_lines(
    network: StyleNetwork, inks: Sequence[Ink], dtype: torch.dtype = torch.float32, batch: int = 64
) -> np.ndarray:
    """Embeddings of lines, (n, size) float32."""
    rows = [torch.from_numpy(path_features(ink, line_frame(ink)).rows) for ink in inks]
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    out = np.zeros((len(rows), network.projection.out_features), np.float32)
    for start in range(0, len(order), batch):
        part = order[start : start + batch]
        lengths = torch.tensor([len(rows[i]) for i in part])
        padded = pad_sequence([rows[i] for i in part], batch_first=True)
        out[part] = network(padded, lengths, dtype=dtype).numpy()
    return out


def identified(
    embeddings: np.ndarray, writers: Sequence[str], among: int = 20, known: int = 3, rounds: int = 400
) -> float:
    """Share of lines whose writer is found among some, by the nearest mean of a few lines of each.

    Args:
        embeddings: (n, size), of length 1.
        writers: of each.
        among: writers to choose from.
        known: lines of each writer that are known.
        rounds: draws, from a fixed seed.
    """
    rng = np.random.default_rng(0)
    lines = {w: np.flatnonzero([x == w for x in writers]) for w in sorted(set(writers))}
    able = [w for w, own in lines.items() if len(own) > known]
    right = 0
    for _ in range(rounds):
        chosen = rng.permutation(len(able))[:among]
        orders = [rng.permutation(lines[able[i]]) for i in chosen]
        means = np.stack([embeddings[order[:known]].mean(axis=0) for order in orders])
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        asked = embeddings[orders[0][known]]
        right += int((means @ asked).argmax() == 0)
    return right / rounds
