"""Character images: 28x28 pictures of single characters, and the models that draw, read and imitate them.

>>> from strokes.characters import load_model
>>> model = load_model("cgan")
>>> images = model.draw(model.labels("HELLO"))  # (5, 1, 28, 28), 0 paper to 1 ink
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .config import CharacterTrainingConfig
    from .data import CharacterSet
    from .distortion import Distortion
    from .drawing import draw_imitation, draw_text
    from .evaluation import evaluate
    from .image import load_image, normalise_image
    from .imitation import imitate, style_report
    from .kinds import KINDS, CharacterNetwork
    from .model import CharacterModel, load_model
    from .options import DrawingOptions, EvaluationOptions, ImitationOptions
    from .reading import read_character
    from .training import default_config, train

_HOMES = {
    "config": ("CharacterTrainingConfig",),
    "data": ("CharacterSet",),
    "distortion": ("Distortion",),
    "drawing": ("draw_imitation", "draw_text"),
    "evaluation": ("evaluate",),
    "image": ("load_image", "normalise_image"),
    "imitation": ("imitate", "style_report"),
    "kinds": ("KINDS", "CharacterNetwork"),
    "model": ("CharacterModel", "load_model"),
    "options": ("DrawingOptions", "EvaluationOptions", "ImitationOptions"),
    "reading": ("read_character",),
    "training": ("default_config", "train"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "KINDS",
    "CharacterModel",
    "CharacterNetwork",
    "CharacterSet",
    "CharacterTrainingConfig",
    "Distortion",
    "DrawingOptions",
    "EvaluationOptions",
    "ImitationOptions",
    "default_config",
    "draw_imitation",
    "draw_text",
    "evaluate",
    "imitate",
    "load_image",
    "load_model",
    "normalise_image",
    "read_character",
    "style_report",
    "train",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: reading a set of characters need not wait for torch."""
    if name not in _HOME:
        raise AttributeError(f"module 'strokes.characters' has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
