"""The sizes of a network; no torch needed to read them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NetworkConfig"]


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of the network, and where its window starts.

    Args:
        hidden: cells in each of the three LSTM layers.
        window_components: Gaussians in the window over the text (K).
        mixture_components: bivariate Gaussians in the output density (M).
        scale_floor: least standard deviation of a mixture component, in deviations of the data.
            Pens record on a grid; a narrower density would earn likelihood for nothing.
        kappa_bias: initial log of the window's step, in characters a point. -3.2 suits every point
            (about 0.04), -2.5 every second.
    """

    hidden: int = 400
    window_components: int = 10
    mixture_components: int = 20
    scale_floor: float = 0.01
    kappa_bias: float = -3.2

    def __post_init__(self) -> None:
        if min(self.hidden, self.window_components, self.mixture_components) < 1:
            raise ValueError("hidden, window_components and mixture_components must be at least 1")
