"""The training of the recogniser: connectionist temporal classification over lines of corpora.

Graves et al. 2006, "Connectionist Temporal Classification".
"""

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
from rapidfuzz.distance import Levenshtein
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ..alphabet import Alphabet
from ..documents import Seed, check_fields
from ..ink import Ink
from ..runs.averaging import averaged
from ..runs.checkpoints import resume_from
from ..runs.folder import hold_folder
from ..runs.hardware import compute_dtype, flush_denormals, keep_freed_memory
from ..runs.progress import Count, Progress, check_identity
from ..runs.run import Run
from ..runs.schedule import warmup_cosine
from ..runs.seeds import derived_seed
from ..runs.state import restore_state, state_tensors
from .augmentation import PathAugmentation, composed
from .config import ReaderConfig
from .decoding import greedy
from .features import STEP, line_frame, path_features
from .model import ReaderModel
from .network import ReaderNetwork

__all__ = ["ReaderLine", "ReaderTraining", "padded", "read_lines", "train_reader"]

# Batches whose lines are sorted by length together.
_POOL = 32
_LOG_EVERY = 20
# Rows of a batch are a multiple of this.
_PADDING = 96


@dataclass(frozen=True)
class ReaderTraining:
    """One training run of the recogniser.

    Args:
        network: sizes.
        epochs: how often every training line is read.
        batch: lines read side by side.
        learning_rate: of Adam, its peak.
        warmup: steps over which it rises from 0.
        clip: largest norm of the gradient.
        dropout: share of the inputs of layers that is dropped.
        ema: decay, a step, of the averaged weights.
        augmentation: small changes of each line.
        precision: of the operands of large matmuls.
        seed: of initial weights, order, augmentation and dropout.
        validate_every: batches between validations.
        checkpoint_every: batches between checkpoints.

    Raises:
        ValueError: a number is out of range.
    """

    network: ReaderConfig = field(default_factory=ReaderConfig)
    epochs: Annotated[float, Meta(gt=0, le=1e6)] = 10.0
    batch: Annotated[int, Meta(ge=1, le=2**16)] = 48
    learning_rate: Annotated[float, Meta(gt=0, le=1)] = 2e-3
    warmup: Annotated[int, Meta(ge=0, le=10**9)] = 200
    clip: Annotated[float, Meta(gt=0, le=1e30)] = 2.0
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.15
    ema: Annotated[float, Meta(ge=0, lt=1)] = 0.999
    augmentation: PathAugmentation = field(default_factory=PathAugmentation)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    seed: Seed = 1
    validate_every: Annotated[int, Meta(ge=1, le=10**9)] = 300
    checkpoint_every: Annotated[int, Meta(ge=1, le=10**9)] = 150

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class ReaderLine:
    """A line to read: its ink, what it says, where it is from, and how often an epoch reads it."""

    ink: Ink
    text: str
    source: str = ""
    times: int = 1


@dataclass(frozen=True)
class _Identity:
    """What the order of lines depends on."""

    lines: Count
    batch: Count
    seed: Seed


@dataclass(kw_only=True)
class _Progress(Progress):
    """How far a run has come; `read` counts lines."""

    identity: _Identity
    read: Count = 0


def train_reader(
    lines: Sequence[ReaderLine],
    validation: Sequence[ReaderLine],
    alphabet: Alphabet,
    folder: Path,
    config: ReaderTraining,
    *,
    resume: bool = False,
    stop_after: int | None = None,
) -> bool:
    """Train until `config.epochs` are read or Ctrl-C; the folder gets config.json, metrics.jsonl, checkpoints, best/.

    Args:
        lines: to train on.
        validation: lines of other writers; the weights with the fewest misread characters in them are best.
        alphabet: characters that the recogniser knows; others count as unreadable and their lines should stay out.
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
        trainer = _Trainer(lines, validation, alphabet, config)
        progress = _Progress(identity=_Identity(len(lines), config.batch, config.seed))
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
            total=trainer.total,
            at=progress.read,
            unit="line",
            stop_after=stop_after,
        )
        with run:
            return trainer.train(run)


class _Trainer:
    """Network, averaged weights and optimiser, and the order in which lines are read."""

    def __init__(
        self,
        lines: Sequence[ReaderLine],
        validation: Sequence[ReaderLine],
        alphabet: Alphabet,
        config: ReaderTraining,
    ) -> None:
        self.lines, self.validation, self.alphabet, self.config = lines, validation, alphabet, config
        self.frames = [line_frame(line.ink) for line in lines]
        self.sizes = np.array([len(line.text) for line in lines])
        self.times = np.array([line.times for line in lines])
        self.per_epoch = int(sum(line.times for line in lines))
        self.total = max(1, int(config.epochs * self.per_epoch))
        self.dtype = compute_dtype(config.precision, torch.device("cpu"))
        self.network = ReaderNetwork(len(alphabet.characters), config.network)
        self.mean = averaged(self.network, config.ema)
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), lr=config.learning_rate, betas=(0.9, 0.98), fused=True
        )

    def train(self, run: Run[_Progress]) -> bool:
        """Read batch after batch."""
        progress, config, losses = run.progress, self.config, []
        while progress.read < self.total:
            for batch in self._batches(progress.epoch, progress.batch):
                loss, count = self._step(batch, run)
                losses.append(loss)
                progress.batch += 1
                progress.read += count
                run.advance(count)
                if progress.step % _LOG_EVERY == 0:
                    run.log("train", loss=float(np.mean(losses)), epoch=progress.read / self.per_epoch)
                    run.note(f"{np.mean(losses):.3f} nats/character")
                    losses.clear()
                if run.stop_requested:
                    run.checkpoint(state_tensors(self.network, self.mean, [self.optimizer]))
                    run.keep_latest(lambda place: self.model().save(place))
                    return False
                ended = progress.read >= self.total
                if ended or progress.step % config.validate_every == 0:
                    self._validate(run)
                if ended or progress.step % config.checkpoint_every == 0:
                    run.checkpoint(state_tensors(self.network, self.mean, [self.optimizer]))
                if ended:
                    return True
            progress.epoch += 1
            progress.batch = 0
        return True

    def model(self, **info: object) -> ReaderModel:
        """The averaged weights as a model."""
        weights = {name: value.cpu().numpy() for name, value in self.mean.module.state_dict().items()}
        return ReaderModel(weights, self.config.network, self.alphabet, info)

    def _step(self, batch: _Batch, run: Run[_Progress]) -> tuple[float, int]:
        config, progress = self.config, run.progress
        torch.manual_seed(derived_seed(config.seed, progress.epoch, progress.batch))
        rate = warmup_cosine(
            progress.step,
            progress.read / self.total,
            peak=config.learning_rate,
            warmup=config.warmup,
            final_rate=0.02,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        scores = self.network(batch.rows, batch.lengths, config.dropout, self.dtype)
        losses = torch.nn.functional.ctc_loss(
            scores.transpose(0, 1),
            batch.targets,
            self.network.path.frames(batch.lengths),
            batch.target_lengths,
            reduction="none",
            zero_infinity=True,
        )
        loss = losses.sum() / batch.target_lengths.sum()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = float(torch.nn.utils.clip_grad_norm_(self.network.parameters(), config.clip))
        finite = math.isfinite(norm) and math.isfinite(float(loss.detach()))
        if finite:
            self.optimizer.step()
            self.mean.update_parameters(self.network)
        run.count_step(finite)
        return float(loss.detach()), len(batch.lengths)

    def _validate(self, run: Run[_Progress]) -> None:
        """Read the validation lines greedily, source by source; keep the best weights."""
        network = self.mean.module
        assert isinstance(network, ReaderNetwork)
        read = read_lines(network, self.alphabet, [line.ink for line in self.validation], self.dtype)
        errors: dict[str, list[int]] = {}
        for line, text in zip(self.validation, read, strict=True):
            seen = errors.setdefault(line.source, [0, 0])
            seen[0] += Levenshtein.distance(line.text, text)
            seen[1] += len(line.text)
        rates = {source: wrong / max(1, of) for source, (wrong, of) in errors.items()}
        mean = float(np.mean(list(rates.values())))
        epoch = run.progress.read / self.per_epoch
        run.log("validation", epoch=epoch, cer=mean, **{f"cer_{k}": v for k, v in rates.items()})
        better = run.progress.count_validation(mean)
        if better:
            info = {"training": asdict(self.config), "epochs": round(epoch, 3), "cer": rates}
            run.keep_best(lambda place: self.model(**info).save(place))
        shown = ", ".join(f"{k} {100 * v:.2f} %" for k, v in sorted(rates.items()))
        run.say(f"epoch {epoch:.2f}: {shown}{' (best)' if better else ''}, {run.seconds / 60:.0f} min")

    def _batches(self, epoch: int, first: int) -> Iterator[_Batch]:
        """The batches of an epoch from number `first` on; a thread makes the next as one is read."""
        rng = np.random.default_rng([self.config.seed, epoch, 1])
        order, size = rng.permutation(np.repeat(np.arange(len(self.lines)), self.times)), self.config.batch
        chosen = []
        for start in range(0, len(order), size * _POOL):
            pool = order[start : start + size * _POOL]
            pool = pool[np.argsort(self.sizes[pool], kind="stable")]
            chosen += [pool[i : i + size] for i in range(0, len(pool), size)]
        chosen = [chosen[i] for i in rng.permutation(len(chosen))]
        with ThreadPoolExecutor(1) as ahead:
            upcoming = (
                ahead.submit(self._make, chosen[first], (epoch, first)) if first < len(chosen) else None
            )
            for n in range(first, len(chosen)):
                assert upcoming is not None
                batch = upcoming.result()
                if n + 1 < len(chosen):
                    upcoming = ahead.submit(self._make, chosen[n + 1], (epoch, n + 1))
                yield batch

    def _make(self, chosen: np.ndarray, key: tuple[int, int]) -> _Batch:
        rng = np.random.default_rng([self.config.seed, 2, *key])
        rows = []
        for i in chosen:
            change, factor = self.config.augmentation.draw(rng)
            frame = composed(change, self.frames[i])
            rows.append(torch.from_numpy(path_features(self.lines[i].ink, frame, STEP * factor).rows))
        targets = [torch.from_numpy(self.alphabet.encode(self.lines[i].text)) for i in chosen]
        return _Batch(
            padded(rows),
            torch.tensor([len(r) for r in rows]),
            torch.cat(targets),
            torch.tensor([len(t) for t in targets]),
        )


@dataclass(frozen=True)
class _Batch:
    """rows (B, T, FEATURES), lengths (B,), targets one after the other, target_lengths (B,)."""

    rows: Tensor
    lengths: Tensor
    targets: Tensor
    target_lengths: Tensor


def padded(rows: Sequence[Tensor]) -> Tensor:
    """Rows of several lines side by side, (B, T, FEATURES); few lengths T occur, so that memory can be used again."""
    whole = pad_sequence(list(rows), batch_first=True)
    return torch.nn.functional.pad(whole, (0, 0, 0, -whole.shape[1] % _PADDING))


@torch.inference_mode()
def read_lines(
    network: ReaderNetwork, alphabet: Alphabet, inks: Sequence[Ink], dtype: torch.dtype, batch: int = 64
) -> list[str]:
    """What the network reads, greedily, lines of like length side by side."""
    rows = [torch.from_numpy(path_features(ink, line_frame(ink)).rows) for ink in inks]
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    out = [""] * len(rows)
    for start in range(0, len(order), batch):
        part = order[start : start + batch]
        lengths = torch.tensor([len(rows[i]) for i in part])
        scores = network(pad_sequence([rows[i] for i in part], batch_first=True), lengths, dtype=dtype)
        for i, line, frames in zip(part, scores.numpy(), network.path.frames(lengths).tolist(), strict=True):
            out[i] = "".join(alphabet.characters[k - 1] for k, _, _ in greedy(line[:frames]))
    return out
