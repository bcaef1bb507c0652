"""What generative adversarial networks share: a generator and a discriminator that take turns."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

import torch
from msgspec import Meta
from torch import Tensor, nn

from ..config import CharacterTrainingConfig
from .base import Autocast, Batch, DrawingNetwork, adam, descend, to_floats

__all__ = ["AdversarialConfig", "AdversarialNetwork"]


@dataclass(frozen=True)
class AdversarialConfig(CharacterTrainingConfig):
    """One training run of a generative adversarial network.

    Args:
        discriminator_rate: learning rate of the discriminator, as a share of the generator's.
    """

    discriminator_rate: Annotated[float, Meta(gt=0, le=1000)] = 1.0


Config = TypeVar("Config", bound=AdversarialConfig)


class AdversarialNetwork(DrawingNetwork[Config]):
    """A generator that draws and a discriminator that tells drawn images from real ones."""

    generator: nn.Module
    discriminator: nn.Module

    @abstractmethod
    def discriminator_losses(
        self, images: Tensor, labels: Tensor, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """What to minimise ("discriminator_loss") and scores to watch.

        Args:
            images: (N, 1, 28, 28) in 0..1.
            labels: (N,).
            generator: of z and distortion.
        """

    @abstractmethod
    def generator_losses(self, labels: Tensor, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """What to minimise ("generator_loss"), of images of these classes."""

    def optimizers(self, config: Config) -> list[torch.optim.Optimizer]:
        """The generator's and the discriminator's."""
        return [
            adam(self.generator.parameters(), config.learning_rate, config),
            adam(self.discriminator.parameters(), config.learning_rate * config.discriminator_rate, config),
        ]

    def validation_losses(
        self, batch: Batch, generator: torch.Generator, config: Config
    ) -> dict[str, Tensor]:
        """Nothing: adversarial losses measure one network against the other."""
        return {}

    def _update(
        self,
        batch: Batch,
        optimizers: Sequence[torch.optim.Optimizer],
        generator: torch.Generator,
        config: Config,
        autocast: Autocast,
    ) -> dict[str, float]:
        of_generator, of_discriminator = optimizers
        with autocast():
            seen = self.discriminator_losses(batch.images, batch.labels, generator)
        stepped = descend(seen["discriminator_loss"], of_discriminator)
        with autocast():  # asked for as often as they are read: the labels of the batch
            drawn = self.generator_losses(batch.labels, generator)
        return to_floats(seen | drawn, stepped and descend(drawn["generator_loss"], of_generator))
