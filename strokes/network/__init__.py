"""The network: its equations, nothing about training."""

from .config import NetworkConfig
from .mixture import Mixture
from .network import NetworkOutput, StrokeNetwork
from .recurrent import RecurrentState
from .window import WindowParameters, window_weights

__all__ = [
    "Mixture",
    "NetworkConfig",
    "NetworkOutput",
    "RecurrentState",
    "StrokeNetwork",
    "WindowParameters",
    "window_weights",
]
