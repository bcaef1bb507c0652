"""The network that says whose writing a line is."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..recognition.config import ReaderConfig
from ..recognition.network import PathEncoder

__all__ = ["StyleNetwork", "margin_loss"]


class StyleNetwork(nn.Module):
    """Rows of a path -> a point on the unit sphere, near those of other lines of the same writer.

    As speaker encoders in speech synthesis (Jia et al. 2018, arXiv:1806.04558): trained to tell writers apart,
    applied to writers that it never saw.

    Args:
        config: sizes of the path encoder.
        size: of the embedding.
    """

    def __init__(self, config: ReaderConfig, size: int = 128) -> None:
        super().__init__()
        self.path = PathEncoder(config)
        self.attention = nn.Linear(2 * config.hidden, 1)
        self.projection = nn.Linear(4 * config.hidden, size)
        # All lines are much alike at first; without it they stay a point.
        self.norm = nn.BatchNorm1d(size, affine=False)

    def forward(
        self, rows: Tensor, lengths: Tensor, dropout: float = 0.0, dtype: torch.dtype = torch.float32
    ) -> Tensor:
        """(B, size) float32 embeddings of length 1; see `PathEncoder.forward`.

        The mean over frames, weighted by attention, and the standard deviation beside it, projected.
        """
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
            z: Tensor = self.path(rows, lengths, dropout)
        z = z.to(self.projection.weight.dtype)
        inside = torch.arange(z.shape[1]) < self.path.frames(lengths)[:, None]
        scores = self.attention(z).squeeze(2).masked_fill(~inside, -torch.inf)
        weights = scores.softmax(dim=1)[:, :, None]
        mean = (weights * z).sum(dim=1)
        spread = ((weights * (z - mean[:, None]) ** 2).sum(dim=1) + 1e-5).sqrt()
        return nn.functional.normalize(self.norm(self.projection(torch.cat([mean, spread], dim=1))), dim=1)


def margin_loss(
    embeddings: Tensor, writers: Tensor, centres: Tensor, margin: float = 0.2, scale: float = 24.0
) -> Tensor:
    """Cross entropy over cosines, that of the right writer less a margin (Wang et al. 2018, arXiv:1801.09414, eq. 4).

    Args:
        embeddings: (B, n) of length 1.
        writers: (B,) int64.
        centres: (W, n), one direction a writer.
        margin, scale: of the cosines.
    """
    cosines = embeddings @ nn.functional.normalize(centres, dim=1).T
    right = nn.functional.one_hot(writers, len(centres)).to(cosines.dtype)
    return nn.functional.cross_entropy(scale * (cosines - margin * right), writers)
