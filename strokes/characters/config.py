"""Settings of a training run of a character model; each kind adds its own fields to these."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from msgspec import Meta

from ..documents import Seed, check_fields
from .distortion import Distortion

__all__ = ["CharacterTrainingConfig", "Sizes", "Units", "Weight"]

#: A number of units, channels or latent dimensions.
Units = Annotated[int, Meta(ge=1, le=4096)]
#: The weight of a term of a loss.
Weight = Annotated[float, Meta(ge=0, le=1e6)]


@dataclass(frozen=True)
class Sizes:
    """The sizes of a network; each kind has its own fields."""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class CharacterTrainingConfig:
    """One training run.

    Args:
        classes: trained on: digits, letters, the characters themselves, or nothing for all in the file.
        epochs: how often as many images as there are to train on are read.
        batch: images a step.
        learning_rate: of Adam, at its peak.
        final_rate: the learning rate at the end of the cosine, as a share of its peak; 1 keeps it.
        beta1: of Adam.
        balance: share of the images drawn so that every class is as likely as any other; the rest as they
            come. 0 reads every image once an epoch, 1 is fully balanced.
        labelled: share of each class's labels that is used (at least one label); ssvae alone learns from
            the others too.
        distortion: small changes of the images, drawn anew each time.
        precision: of the operands of large matrix multiplications; auto takes bf16 where it is faster.
        ema: decay, a step, of the running mean of the weights that is validated and saved; 0 for the
            weights themselves.
        seed: of initial weights, order, distortion and noise.
        validate_every: epochs between validations, each with a sheet of samples.
        checkpoint_every: epochs between checkpoints.
        sizes: of the network.
    """

    classes: str = ""
    epochs: Annotated[int, Meta(ge=1, le=1_000_000)] = 20
    batch: Annotated[int, Meta(ge=1, le=1_000_000)] = 128
    learning_rate: Annotated[float, Meta(gt=0, le=1000)] = 1e-3
    final_rate: Annotated[float, Meta(ge=0, le=1000)] = 1.0
    beta1: Annotated[float, Meta(ge=0, lt=1)] = 0.9
    balance: Annotated[float, Meta(ge=0, le=1)] = 0.0
    labelled: Annotated[float, Meta(gt=0, le=1)] = 1.0
    distortion: Distortion = field(default_factory=Distortion)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    ema: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    seed: Seed = 1
    validate_every: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    checkpoint_every: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    sizes: Sizes = field(default_factory=Sizes)

    def __post_init__(self) -> None:
        check_fields(self)
