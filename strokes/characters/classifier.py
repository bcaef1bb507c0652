"""The judge: a small convolutional network, trained apart, that says which character an image shows."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["Classifier"]


class Classifier(nn.Module):
    """Images -> the logits of their classes.

    Three blocks of 3x3 convolutions (one, two and two) with batch normalisation, halved between blocks by the
    mean over 2x2, then a layer whose activations are the judge's features.

    Args:
        classes: how many.
        width: channels of the first block; the second and third have twice and four times as many.
        features: units of the penultimate layer.
        dropout: share of the features dropped in training.
    """

    def __init__(self, classes: int, width: int = 24, features: int = 128, dropout: float = 0.3) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 1
        for block, channels in enumerate((width, 2 * width, 4 * width)):
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
        self.hidden = nn.Linear(before * 7 * 7, features)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(features, classes)

    def features(self, images: Tensor) -> Tensor:
        """(N, 1, 28, 28) in 0..1 -> activations of the penultimate layer, (N, features)."""
        return F.relu(self.hidden(self.convolutions(images).flatten(1)))

    def forward(self, images: Tensor) -> Tensor:
        """(N, 1, 28, 28) in 0..1 -> logits (N, classes)."""
        return self.head(self.dropout(self.features(images)))

    def losses(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """What to minimise ("loss", cross-entropy in nats) and what to watch ("accuracy").

        Args:
            images: (N, 1, 28, 28) in 0..1.
            labels: (N,).
        """
        logits = self(images)
        accuracy = (logits.argmax(1) == labels).float().mean()
        return {"loss": F.cross_entropy(logits, labels), "accuracy": accuracy}
