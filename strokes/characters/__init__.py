"""Character images: 28x28 pictures of single characters, and the models that draw, read and imitate them.

>>> from strokes.characters import load_model
>>> model = load_model("cgan")
>>> images = model.draw(model.labels("HELLO"))  # (5, 1, 28, 28), 0 paper to 1 ink
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .classifier import Classifier
    from .data import CharacterSet
    from .distortion import Distortion
    from .gan import GAN, ConditionalGAN
    from .image import load_image, normalise_image
    from .imitation import imitate, style_report
    from .model import KINDS, CharacterModel, load_model
    from .training import CharacterTrainingConfig, default_config, train
    from .vae import ConditionalVAE, SemiSupervisedVAE

_HOMES = {
    "classifier": ("Classifier",),
    "data": ("CharacterSet",),
    "distortion": ("Distortion",),
    "gan": ("GAN", "ConditionalGAN"),
    "image": ("load_image", "normalise_image"),
    "imitation": ("imitate", "style_report"),
    "model": ("KINDS", "CharacterModel", "load_model"),
    "training": ("CharacterTrainingConfig", "default_config", "train"),
    "vae": ("ConditionalVAE", "SemiSupervisedVAE"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: reading a set of characters need not wait for torch."""
    if name not in _HOME:
        raise AttributeError(f"module 'strokes.characters' has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
