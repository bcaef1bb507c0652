"""What is evaluated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from ..documents import Seed, check_fields

__all__ = ["EvaluationOptions"]

_Bias = Annotated[float, Meta(ge=0, le=20)]


@dataclass(frozen=True)
class EvaluationOptions:
    """What is evaluated.

    Args:
        biases: of sampling.
        seed: of all sampling.
        contexts: in which each character of the alphabet is tried; 0 for none.
        quick: a dozen sentences, biases 0.5 and 1, no contexts: a look, not a figure to report.

    Raises:
        ValueError: a number is out of range.
    """

    biases: tuple[_Bias, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
    seed: Seed = 0
    contexts: Annotated[int, Meta(ge=0, le=1000)] = 20
    quick: bool = False

    def __post_init__(self) -> None:
        check_fields(self)
