"""Drawing lines of ink from a model."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .block import OnPoints
    from .options import SamplingOptions
    from .quality import QualityReport
    from .reader import AlignedReader, Reader
    from .sample import Sample
    from .sampler import Sampler
    from .words import Word, WordReading

__all__ = [
    "AlignedReader",
    "OnPoints",
    "QualityReport",
    "Reader",
    "Sample",
    "Sampler",
    "SamplingOptions",
    "Word",
    "WordReading",
]

_HOMES = {
    "block": ("OnPoints",),
    "options": ("SamplingOptions",),
    "quality": ("QualityReport",),
    "reader": ("AlignedReader", "Reader"),
    "sample": ("Sample",),
    "sampler": ("Sampler",),
    "words": ("Word", "WordReading"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: reading a command line needs the options alone."""
    if name not in _HOME:
        raise AttributeError(f"module 'strokes.sampling' has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
