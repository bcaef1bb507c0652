"""The sizes of a network; no torch needed to read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from ..documents import check_fields

__all__ = ["NetworkConfig"]


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of the network, and where its window starts.

    Args:
        hidden: cells in each of the three LSTM layers.
        window_components: Gaussians in the window over the text (K).
        mixture_components: bivariate Gaussians in the output density (M).
        scale_floor: least standard deviation of a mixture component, in standard deviations of the data.
            Pens record on a grid; a narrower density would earn likelihood for nothing.
        kappa_bias: initial log of the window's step, in characters a point. -3.2 suits every point
            (about 0.04), -2.5 every second.
        style: numbers in a style vector that conditions every layer; 0 for a network without styles, as the paper's.

    Raises:
        ValueError: a number is out of range.
    """

    hidden: Annotated[int, Meta(ge=1, le=8192)] = 400
    window_components: Annotated[int, Meta(ge=1, le=1000)] = 10
    mixture_components: Annotated[int, Meta(ge=1, le=1000)] = 20
    scale_floor: Annotated[float, Meta(ge=0, le=1)] = 0.01
    kappa_bias: Annotated[float, Meta(ge=-20, le=5)] = -3.2
    style: Annotated[int, Meta(ge=0, le=4096)] = 0

    def __post_init__(self) -> None:
        check_fields(self)
