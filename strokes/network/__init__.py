"""The network: its equations, nothing about training."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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

_HOME = {
    "Mixture": "mixture",
    "NetworkConfig": "config",
    "NetworkOutput": "network",
    "RecurrentState": "recurrent",
    "StrokeNetwork": "network",
    "WindowParameters": "window",
    "window_weights": "window",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: the sizes of a network are read without torch."""
    if name not in _HOME:
        raise AttributeError(f"module 'strokes.network' has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
