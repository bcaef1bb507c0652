"""Sizes of the recogniser's network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from ..documents import check_fields

__all__ = ["ReaderConfig"]


@dataclass(frozen=True)
class ReaderConfig:
    """Sizes of the recogniser's network.

    Args:
        channels: of the first convolution; the second has twice as many.
        hidden: cells of each direction of a layer.
        layers: bidirectional LSTMs.
        stride: rows that become one frame.

    Raises:
        ValueError: a number is out of range.
    """

    channels: Annotated[int, Meta(ge=1, le=4096)] = 64
    hidden: Annotated[int, Meta(ge=1, le=4096)] = 128
    layers: Annotated[int, Meta(ge=1, le=16)] = 3
    stride: Annotated[int, Meta(ge=1, le=16)] = 3

    def __post_init__(self) -> None:
        check_fields(self)
