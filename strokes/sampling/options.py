"""How to draw from the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from ..documents import Seed, check_fields

__all__ = ["SamplingOptions"]


@dataclass(frozen=True)
class SamplingOptions:
    """How to draw from the network.

    Args:
        bias: 0 draws as lively as the data are, with all their accidents; towards 1 and above, neater and more alike
            (Graves 2013, eqs. 61-62).
        seed: the same seed gives the same ink.
        best_of: a word that goes wrong is written again, and so is the line from there on, up to this often in all,
            and the best is kept; 1 keeps whatever comes first, and reads nothing.

    Raises:
        ValueError: a number is out of range.
    """

    bias: Annotated[float, Meta(ge=0, le=20)] = 1.0
    seed: Seed = 0
    best_of: Annotated[int, Meta(ge=1, le=1000)] = 8

    def __post_init__(self) -> None:
        check_fields(self)
