"""The reference classifier: a small convolutional network that says which character an image shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor, nn
from torch.nn import functional as F

from ..config import CharacterTrainingConfig, Sizes, Units
from ..distortion import Distortion
from .base import Batch, CharacterNetwork

__all__ = ["Classifier", "ClassifierConfig", "ClassifierSizes"]


@dataclass(frozen=True)
class ClassifierSizes(Sizes):
    """Sizes of the classifier.

    Args:
        width: channels of the first block; the second and third have twice and four times as many.
        features: units of the penultimate layer.
        dropout: share of the features dropped in training.
    """

    width: Annotated[int, Meta(ge=1, le=1024)] = 24
    features: Units = 128
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.3


@dataclass(frozen=True)
class ClassifierConfig(CharacterTrainingConfig):
    """One training run of the classifier."""

    sizes: ClassifierSizes = field(default_factory=ClassifierSizes)


class Classifier(CharacterNetwork[ClassifierConfig]):
    """Images -> the logits of their classes.

    Three blocks of 3x3 convolutions (one, two and two) with batch normalisation, halved between blocks by the
    mean over 2x2, then a layer whose activations are the features in which drawn images are compared with real ones.

    Args:
        classes: how many.
        sizes: of its layers.
    """

    name = "classifier"
    description = "the judge: says which character an image shows"
    classifies = True
    memory_format = torch.channels_last  # halves the time of a step on a CPU
    sizes_type = ClassifierSizes

    def __init__(self, classes: int, sizes: ClassifierSizes | None = None) -> None:
        sizes = sizes or ClassifierSizes()
        super().__init__(classes, sizes)
        layers: list[nn.Module] = []
        before = 1
        for block, channels in enumerate((sizes.width, 2 * sizes.width, 4 * sizes.width)):
            if block:
                layers.append(nn.AvgPool2d(2))
            # At full size one convolution: a second costs as much as all that follow.
            for _ in range(1 if block == 0 else 2):
                layers += [
                    nn.Conv2d(before, channels, 3, padding=1, bias=False),
                    nn.BatchNorm2d(channels),
                    nn.ReLU(),
                ]
                before = channels
        self.convolutions = nn.Sequential(*layers)
        self.hidden = nn.Linear(before * 7 * 7, sizes.features)
        self.dropout = nn.Dropout(sizes.dropout)
        self.head = nn.Linear(sizes.features, classes)

    @classmethod
    def default_config(cls) -> ClassifierConfig:
        """Rotated, slanted and bolder copies stand in for writers that the data lack."""
        return ClassifierConfig(
            epochs=16,
            learning_rate=2e-3,
            final_rate=0.01,
            balance=0.5,
            ema=0.998,
            distortion=Distortion(rotate=0.15, scale=0.1, aspect=0.2, shear=0.2, shift=1.5, weight=0.5),
        )

    def features(self, images: Tensor) -> Tensor:
        """(N, 1, 28, 28) in 0..1 -> activations of the penultimate layer, (N, features)."""
        return F.relu(self.hidden(self.convolutions(images).flatten(1)))

    def forward(self, images: Tensor) -> Tensor:
        """(N, 1, 28, 28) in 0..1 -> logits (N, classes)."""
        logits: Tensor = self.head(self.dropout(self.features(images)))
        return logits

    def losses(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """What to minimise ("loss", cross-entropy in nats) and what to watch ("accuracy").

        Args:
            images: (N, 1, 28, 28) in 0..1.
            labels: (N,).
        """
        logits = self(images)
        accuracy = (logits.argmax(1) == labels).float().mean()
        return {"loss": F.cross_entropy(logits, labels), "accuracy": accuracy}

    def training_losses(
        self, batch: Batch, generator: torch.Generator, config: ClassifierConfig
    ) -> dict[str, Tensor]:
        """See `losses`."""
        return self.losses(batch.images, batch.labels)
