"""Images as the networks take them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

__all__ = ["as_tensor", "batches"]


def as_tensor(images: np.ndarray) -> Tensor:
    """(N, 28, 28) uint8 -> (N, 1, 28, 28) float32 in 0..1."""
    return torch.from_numpy(images).unsqueeze(1).float() / 255


def batches(count: int, size: int = 500) -> Iterator[slice]:
    """Slices of at most `size` that cover `count` rows."""
    return (slice(i, min(i + size, count)) for i in range(0, count, size))
