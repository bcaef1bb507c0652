"""What the commands of characters have in common: the option --model, and the images of a set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...files import InputError
from ..console import say
from ..parser import Parser

if TYPE_CHECKING:
    import numpy as np

    from ...characters.model import CharacterModel

__all__ = ["add_model", "images_of"]


def add_model(parser: Parser, default: str, what: str) -> None:
    """The option --model."""
    parser.add_argument(
        "--model", default=default, metavar="M", help=f"{what}: packaged, or a folder (default: {default})"
    )


def images_of(
    path: str, model: CharacterModel, split: str, source: str | None = None
) -> tuple[np.ndarray, np.ndarray, bool | None]:
    """Images and the model's labels of the classes that it knows, and whether it was trained without them.

    That is known (true) of the test images of the very set that the model was trained on, and of its training
    images (false); of other sets it is not (None).

    Raises:
        InputError: the set cannot be read, or has no such source.
    """
    import numpy as np

    from ...characters.data import SPLITS, CharacterSet

    characters = CharacterSet.load(path)
    rows = characters.splits == SPLITS.index(split)
    if source is not None:
        if source not in characters.sources:
            raise InputError(f"--source {source}: {path} has {', '.join(characters.sources)}")
        rows &= characters.origins == characters.sources.index(source)
    table = np.array([model.classes.find(c) for c in characters.classes])
    labels = table[characters.labels]
    rows &= labels >= 0
    data = model.info.get("data")
    data = data if isinstance(data, dict) else {}
    same = data.get("options") == dict(characters.options) and data.get("sources") == list(characters.sources)
    held_out = None if not same else split == "test"
    if held_out is False:
        say(f"the split {split} is not held out: the model was trained or chosen with it")
    return characters.images[rows], labels[rows], held_out
