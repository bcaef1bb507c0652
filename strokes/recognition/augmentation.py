"""Changes of a line of ink under which it says the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta

from ..documents import check_fields

__all__ = ["PathAugmentation", "composed"]

_Change = Annotated[float, Meta(ge=0, le=2)]


@dataclass(frozen=True)
class PathAugmentation:
    """Small changes of each line, drawn anew each time it is read.

    Args:
        size: the size varies by up to this share, up and down: how wrong the measured x-height may be.
        width: widths likewise, on top of that.
        shear: the slant varies by up to this tangent, left and right.
        rotation: the slope likewise.
        shift: the baseline varies by up to this, in x-heights.
        step: the distance between rows varies by up to this share.

    Raises:
        ValueError: a number is out of range.
    """

    size: _Change = 0.25
    width: _Change = 0.2
    shear: _Change = 0.5
    rotation: _Change = 0.04
    shift: _Change = 0.3
    step: _Change = 0.15

    def __post_init__(self) -> None:
        check_fields(self)

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, float]:
        """A change of the plane (2, 3), in x-heights, and a factor for the distance between rows."""
        size, width, shear, rotation, shift, step = rng.uniform(-1, 1, 6)
        shape = np.array([[(1 + self.width) ** width, self.shear * shear], [self.rotation * rotation, 1.0]])
        matrix = (1 + self.size) ** size * shape
        return np.column_stack([matrix, [0.0, self.shift * shift]]), (1 + self.step) ** step


def composed(change: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """The affine map (2, 3) that is `frame` and then `change`."""
    linear = change[:, :2] @ frame[:, :2]
    return np.column_stack([linear, change[:, :2] @ frame[:, 2] + change[:, 2]])
