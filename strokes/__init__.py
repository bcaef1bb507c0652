"""Handwriting synthesis: text in, pen strokes out (Graves 2013, arXiv:1308.0850, sections 4 and 5).

>>> from strokes import Writer
>>> Writer().write("Dear Ada").save("dear-ada.svg")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .alphabet import Alphabet
    from .corpus import Corpus
    from .files import InputError
    from .ink import Ink, Line
    from .model import Model, load_model
    from .network import Mixture, NetworkConfig, RecurrentState, StrokeNetwork
    from .page import Layer, Page, PageOptions, fit_page
    from .preprocessing import Preprocessing, Statistics
    from .recognition import ReadCharacter, Reading, Recognizer
    from .sampling import QualityReport, Sample, Sampler, SamplingOptions
    from .writer import Writer, Written

    __version__: str

__all__ = [
    "Alphabet",
    "Corpus",
    "Ink",
    "InputError",
    "Layer",
    "Line",
    "Mixture",
    "Model",
    "NetworkConfig",
    "Page",
    "PageOptions",
    "Preprocessing",
    "QualityReport",
    "ReadCharacter",
    "Reading",
    "Recognizer",
    "RecurrentState",
    "Sample",
    "Sampler",
    "SamplingOptions",
    "Statistics",
    "StrokeNetwork",
    "Writer",
    "Written",
    "__version__",
    "fit_page",
    "load_model",
]

_HOMES = {
    "alphabet": ("Alphabet",),
    "corpus": ("Corpus",),
    "files": ("InputError",),
    "ink": ("Ink", "Line"),
    "model": ("Model", "load_model"),
    "network": ("Mixture", "NetworkConfig", "RecurrentState", "StrokeNetwork"),
    "page": ("Layer", "Page", "PageOptions", "fit_page"),
    "preprocessing": ("Preprocessing", "Statistics"),
    "recognition": ("ReadCharacter", "Reading", "Recognizer"),
    "sampling": ("QualityReport", "Sample", "Sampler", "SamplingOptions"),
    "writer": ("Writer", "Written"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: writing a line need not wait for torch."""
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("strokes")
    if name not in _HOME:
        raise AttributeError(f"module 'strokes' has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
