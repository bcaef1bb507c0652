"""Everything that decides a training run, each setting with its range and reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from msgspec import Meta

from ..corpus import TRAINING_SPLITS, VALIDATION_SPLIT
from ..documents import Seed, check_fields
from ..network.config import NetworkConfig

__all__ = ["Augmentation", "TrainingConfig"]

_Share = Annotated[float, Meta(ge=0, le=1)]
_ShareBelow1 = Annotated[float, Meta(ge=0, lt=1)]
_Epochs = Annotated[float, Meta(gt=0, le=1e6)]
_Steps = Annotated[int, Meta(ge=1, le=10**9)]
_Weight = Annotated[float, Meta(ge=0.01, le=1000)]
_Change = Annotated[float, Meta(ge=0, le=10)]


@dataclass(frozen=True)
class Augmentation:
    """Small changes of each line, drawn anew each time it is read.

    Args:
        scale_x: widths vary by up to this share, up and down.
        scale_y: heights likewise.
        shear: the slant varies by up to this tangent, left and right.
        subsample: share of the lines that are read with every second point of a stroke only, as from a pen
            twice as fast (temporal subsampling). For corpora that have every point. They stand beside lines of
            their whole length, so no time is saved.

    Raises:
        ValueError: a field is out of its range.
    """

    scale_x: _Change = 0.08
    scale_y: _Change = 0.06
    shear: _Change = 0.08
    subsample: _Share = 0.0

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class TrainingConfig:
    """One training run.

    Args:
        network: sizes of the network.
        epochs: how often every training line is read.
        batch: lines read side by side (over all processes).
        chunk: points after which back-propagation is truncated; the state is carried on. Runs with 100 begin to
            read earlier, runs with 200 and more keep a style.
        optimizer: adam, or the RMSProp of Graves 2013, eqs. 38-41.
        learning_rate: its peak. 2e-3 suits Adam, 1e-4 the paper's RMSProp.
        beta2: of Adam; 0.98 forgets the steep first gradients sooner than 0.999.
        warmup: steps over which the learning rate rises from 0.
        final_rate: the learning rate at the end of the cosine, as a share of its peak.
        clip: largest norm of the gradient of all weights; larger ones are scaled down to it.
        dropout: share of the layers' outputs dropped on their way up.
        weight_noise: standard deviation of the noise that is added to all weights, drawn anew at every step.
        regularise_after: epochs that are read before dropout and weight noise set in. With dropout the
            window takes several times as long to find the text; without it the network begins to overfit some
            time later: after ten epochs of every line once, three of the preset half.
        ema: decay, a step, of the averaged weights that are validated and packaged.
        augmentation: small changes of each line.
        rare: lines whose rarest character occurs in fewer training lines than this are read more
            often, up to `rare_repeats` times an epoch; 0 reads every line once.
        rare_repeats: see `rare`.
        precision: of the operands of large matmuls; auto takes bf16 where it is faster.
        seed: of initial weights, order, augmentation and dropout.
        validate_every: epochs between validations.
        validation_lines: lines of the validation split that a validation reads (0: all).
        checkpoint_every: steps between checkpoints.
        patience: validations without a better one after which training stops (0: never).
        without_style: share of readings of a line without the style of its writer, where lines have styles.
        weights: how often an epoch reads the lines of each corpus, if there are several (none: all once).
        training_splits: splits trained on.
        validation_split: the split that decides which weights are best.

    Raises:
        ValueError: a field is out of its range.
    """

    network: NetworkConfig = field(default_factory=NetworkConfig)
    epochs: _Epochs = 16.0
    batch: Annotated[int, Meta(ge=1, le=2**16)] = 64
    chunk: Annotated[int, Meta(ge=1, le=10**6)] = 200
    optimizer: Literal["adam", "rmsprop"] = "adam"
    learning_rate: Annotated[float, Meta(gt=0, le=1e30)] = 2e-3
    beta2: _ShareBelow1 = 0.98
    warmup: Annotated[int, Meta(ge=0, le=10**9)] = 300
    final_rate: Annotated[float, Meta(ge=0, le=1e3)] = 0.05
    clip: Annotated[float, Meta(gt=0, le=1e30)] = 2.0
    dropout: _ShareBelow1 = 0.1
    weight_noise: Annotated[float, Meta(ge=0, le=100)] = 0.0
    regularise_after: Annotated[float, Meta(ge=0, le=1e6)] = 8.0
    ema: _ShareBelow1 = 0.999
    augmentation: Augmentation = field(default_factory=Augmentation)
    rare: Annotated[int, Meta(ge=0, le=10**9)] = 400
    rare_repeats: Annotated[int, Meta(ge=1, le=1000)] = 4
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    seed: Seed = 1
    validate_every: _Epochs = 0.5
    validation_lines: Annotated[int, Meta(ge=0, le=10**9)] = 400
    checkpoint_every: _Steps = 250
    patience: Annotated[int, Meta(ge=0, le=10**9)] = 0
    without_style: _Share = 0.1
    weights: tuple[_Weight, ...] = ()
    training_splits: tuple[str, ...] = TRAINING_SPLITS
    validation_split: str = VALIDATION_SPLIT

    def __post_init__(self) -> None:
        check_fields(self)
