"""Which character an image shows."""

from __future__ import annotations

import numpy as np
import torch

from ..files import InputError
from .arrays import as_tensor
from .kinds import KINDS
from .model import CharacterModel

__all__ = ["read_character"]


@torch.no_grad()
def read_character(
    model: CharacterModel, image: np.ndarray, among: str | None = None, most: int = 5
) -> dict[str, float]:
    """The likeliest characters of an image with their probabilities, the likeliest first.

    Args:
        model: one that classifies.
        image: (28, 28) uint8, as `image.load_image` makes it.
        among: the characters that it can be; any of the model if None.
        most: of them.

    Raises:
        InputError: the model does not classify, or does not know a character.
    """
    if not model.classifies:
        can = ", ".join(name for name, kind in KINDS.items() if kind.classifies)
        raise InputError(f"a {model.kind} cannot read; name a model that can ({can})")
    labels = torch.arange(len(model.classes)) if among is None else model.labels(among).unique()
    logits = model.network(as_tensor(image[None]))[0, labels]
    shares, order = torch.softmax(logits, 0).sort(descending=True)
    return {model.classes[int(labels[i])]: float(p) for p, i in zip(shares[:most], order[:most], strict=True)}
