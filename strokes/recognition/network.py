"""Networks that read the pen's path: convolutions and bidirectional LSTMs, and the recogniser on top of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .config import ReaderConfig
from .features import FEATURES

__all__ = ["PathEncoder", "ReaderNetwork"]


class PathEncoder(nn.Module):
    """Rows of a path -> one vector a frame that knows the whole line.

    Args:
        config: sizes.
    """

    def __init__(self, config: ReaderConfig) -> None:
        super().__init__()
        self.config = config
        c, h = config.channels, config.hidden
        self.conv1 = nn.Conv1d(FEATURES, c, 5, padding=2)
        self.conv2 = nn.Conv1d(c, 2 * c, 5, padding=2, stride=config.stride)
        sizes = [2 * c] + [2 * h] * (config.layers - 1)
        self.forwards = nn.ModuleList(nn.LSTM(n, h, batch_first=True) for n in sizes)
        self.backwards = nn.ModuleList(nn.LSTM(n, h, batch_first=True) for n in sizes)

    def frames(self, lengths: Tensor) -> Tensor:
        """How many frames so many rows give, (B,)."""
        return (lengths - 1) // self.config.stride + 1

    def forward(self, rows: Tensor, lengths: Tensor, dropout: float = 0.0) -> Tensor:
        """Read paths.

        Args:
            rows: (B, T, FEATURES), padded.
            lengths: (B,) rows of each line; a line's vectors do not depend on its padding.
            dropout: share of the inputs of each layer but the first, and of the result, that is dropped.

        Returns:
            (B, frames, 2 * hidden).
        """
        rows = rows * (torch.arange(rows.shape[1]) < lengths[:, None])[:, :, None]
        z = nn.functional.silu(self.conv1(rows.transpose(1, 2)))
        z = z * (torch.arange(z.shape[2]) < lengths[:, None])[:, None]
        z = nn.functional.silu(self.conv2(z)).transpose(1, 2)
        frames, t = self.frames(lengths)[:, None], torch.arange(z.shape[1])
        # Each line from its own end: padding must not come first.
        order = torch.where(t < frames, frames - 1 - t, t)[:, :, None]
        for i, (ahead, back) in enumerate(zip(self.forwards, self.backwards, strict=True)):
            z = nn.functional.dropout(z, dropout, dropout > 0 and i > 0)
            turned = back(z.gather(1, order.expand(-1, -1, z.shape[2])))[0]
            z = torch.cat([ahead(z)[0], turned.gather(1, order.expand(-1, -1, turned.shape[2]))], dim=2)
        return nn.functional.dropout(z, dropout, dropout > 0)


class ReaderNetwork(nn.Module):
    """Rows of a path -> log-probabilities of characters, frame by frame, for connectionist temporal classification.

    Graves et al. 2006, "Connectionist Temporal Classification".

    Args:
        symbols: characters of its alphabet; the blank is one more, at index 0.
        config: sizes.
    """

    def __init__(self, symbols: int, config: ReaderConfig) -> None:
        super().__init__()
        self.path = PathEncoder(config)
        self.output = nn.Linear(2 * config.hidden, symbols + 1)

    def forward(
        self, rows: Tensor, lengths: Tensor, dropout: float = 0.0, dtype: torch.dtype = torch.float32
    ) -> Tensor:
        """(B, frames, symbols + 1) log-probabilities, float32; see `PathEncoder.forward`.

        Args:
            rows, lengths, dropout: as there.
            dtype: of the operands of large matmuls.
        """
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
            scores = self.output(self.path(rows, lengths, dropout))
        found: Tensor = scores.float().log_softmax(dim=2)
        return found
