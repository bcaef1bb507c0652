"""The kinds of character models, a module each.

To add one, write a module with a subclass of `CharacterNetwork` and enter the class in `KINDS`.
"""

from __future__ import annotations

from typing import Any

from .base import CharacterNetwork, DrawingNetwork
from .cgan import ConditionalGAN
from .classifier import Classifier
from .cvae import ConditionalVAE
from .gan import GAN
from .ssvae import SemiSupervisedVAE

__all__ = ["KINDS", "CharacterNetwork", "DrawingNetwork"]

#: Every kind by its name.
KINDS: dict[str, type[CharacterNetwork[Any]]] = {
    kind.name: kind for kind in (SemiSupervisedVAE, ConditionalVAE, GAN, ConditionalGAN, Classifier)
}
