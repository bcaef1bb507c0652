"""Everything that decides a training run, each setting with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ..corpus import TRAINING_SPLITS, VALIDATION_SPLIT
from ..network.config import NetworkConfig

__all__ = ["Augmentation", "TrainingConfig"]


@dataclass(frozen=True)
class Augmentation:
    """Small changes of hand, drawn anew for each line each time it is read.

    Args:
        scale_x: widths vary by up to this share, up and down.
        scale_y: heights likewise.
        shear: the slant varies by up to this tangent, left and right.
        hurried: share of the lines that are read with every second point of a stroke only, as from a pen
            twice as fast. For corpora that have every point. They stand beside lines of their whole length, so
            no time is saved.
    """

    scale_x: float = 0.08
    scale_y: float = 0.06
    shear: float = 0.08
    hurried: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.hurried <= 1:
            raise ValueError("hurried must be 0 to 1, a share of the lines")
        if not (self.scale_x >= 0 and self.scale_y >= 0 and self.shear >= 0):
            raise ValueError("scale_x, scale_y and shear must be at least 0")


@dataclass(frozen=True)
class TrainingConfig:
    """One training run.

    Args:
        network: sizes of the network.
        epochs: how often every training line is read.
        batch: lines read side by side (over all processes).
        chunk: points after which back-propagation is truncated; the state is carried on. 100 learn to read sooner,
            200 and more to keep a hand.
        optimizer: adam, or the RMSProp of Graves 2013, eqs. 38-41.
        learning_rate: its peak. 2e-3 suits Adam, 1e-4 the paper's RMSProp.
        beta2: of Adam; 0.98 forgets the steep first gradients sooner than 0.999.
        warmup: steps over which the learning rate rises from 0.
        final_rate: the learning rate at the end of the cosine, as a share of its peak.
        clip: largest norm of the gradient of all weights; larger ones are scaled down to it.
        dropout: share of the layers' outputs dropped on their way up.
        weight_noise: deviation of the noise that is added to all weights, drawn anew at every step.
        regularise_after: epochs that are read before dropout and weight noise set in. With dropout the
            window takes several times as long to find the text; without it the network begins to learn
            lines by heart some time later: after ten epochs of every line once, three of the preset half.
        ema: decay, a step, of the running mean of the weights that is validated and packaged.
        augmentation: small changes of hand.
        rare: lines whose rarest character occurs in fewer training lines than this are read more
            often, up to `rare_repeats` times an epoch; 0 reads every line once.
        rare_repeats: see `rare`.
        precision: of the operands of large products; auto takes bf16 where it is faster.
        seed: of initial weights, order, augmentation and dropout.
        validate_every: epochs between validations.
        validation_lines: lines of the validation split that a validation reads (0: all).
        checkpoint_every: steps between checkpoints.
        patience: validations without a better one after which training stops (0: never).
        training_splits: splits trained on.
        validation_split: the split that decides which weights are best.
    """

    network: NetworkConfig = field(default_factory=NetworkConfig)
    epochs: float = 16.0
    batch: int = 64
    chunk: int = 200
    optimizer: Literal["adam", "rmsprop"] = "adam"
    learning_rate: float = 2e-3
    beta2: float = 0.98
    warmup: int = 300
    final_rate: float = 0.05
    clip: float = 2.0
    dropout: float = 0.1
    weight_noise: float = 0.0
    regularise_after: float = 8.0
    ema: float = 0.999
    augmentation: Augmentation = field(default_factory=Augmentation)
    rare: int = 400
    rare_repeats: int = 4
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    seed: int = 1
    validate_every: float = 0.5
    validation_lines: int = 400
    checkpoint_every: int = 250
    patience: int = 0
    training_splits: tuple[str, ...] = TRAINING_SPLITS
    validation_split: str = VALIDATION_SPLIT

    def __post_init__(self) -> None:
        for name in (
            "epochs",
            "batch",
            "chunk",
            "learning_rate",
            "clip",
            "rare_repeats",
            "validate_every",
            "checkpoint_every",
        ):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be greater than 0")
        for name in (
            "warmup",
            "final_rate",
            "regularise_after",
            "weight_noise",
            "rare",
            "seed",
            "validation_lines",
            "patience",
        ):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be at least 0")
        for name in ("dropout", "ema", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 0 and less than 1")
