"""Pictures of a text: drawn from the prior, or in the style of a few characters."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .arrays import batches
from .figures import sheet, typeset
from .imitation import imitate
from .model import CharacterModel
from .options import DrawingOptions, ImitationOptions

__all__ = ["draw_imitation", "draw_text"]

# The line that parts prompts from what is drawn: the rows that it stands in, and its grey.
_GAP, _GREY = 6, 160


def draw_text(model: CharacterModel, text: str, options: DrawingOptions | None = None) -> np.ndarray:
    """A text drawn into a picture, (H, W) uint8, black on white; blanks and line breaks are kept.

    A model that cannot be asked for a class draws as many characters as the text has.

    Args:
        model: one that draws.
        text: characters of its classes; one character with a count fills lines.
        options: how; the defaults if None.

    Raises:
        InputError: the model does not draw or does not know a character, or the picture would be too large.
    """
    options = options or DrawingOptions()
    options.check_text(text)
    generator = torch.Generator().manual_seed(options.seed)

    def draw(characters: str) -> Tensor:
        count = len(characters)
        labels = model.labels(characters) if model.on_demand else torch.zeros(count, dtype=torch.int64)
        return torch.cat([model.draw(labels[rows], generator, options.spread) for rows in batches(count)])

    if len(text.strip()) == 1 and options.count > 1:
        return sheet(draw(text.strip() * options.count), min(options.columns, options.count))
    return typeset("\n".join([text] * options.count), draw, options.columns)


def draw_imitation(
    model: CharacterModel,
    prompts: np.ndarray,
    text: str | None = None,
    options: ImitationOptions | None = None,
) -> np.ndarray:
    """Prompts, and below a line a text in their style, (H, W) uint8, black on white.

    Args:
        model: one that imitates.
        prompts: (N, 28, 28) uint8, as `image.load_image` makes them.
        text: characters of the model's classes; all of them if None.
        options: how; the defaults if None.

    Raises:
        InputError: the model cannot imitate, there is no prompt, or a character is unknown.
    """
    options = options or ImitationOptions()

    def draw(characters: str) -> Tensor:
        return imitate(model, prompts, characters, options.variety, options.seed)

    drawn = typeset(text if text is not None else model.classes, draw, options.columns)
    above = sheet(prompts, min(len(prompts), max(1, drawn.shape[1] // 28)))
    width = max(above.shape[1], drawn.shape[1])
    line = np.full((_GAP, width), 255, np.uint8)
    line[_GAP // 2] = _GREY
    wide = [np.pad(p, ((0, 0), (0, width - p.shape[1])), constant_values=255) for p in (above, drawn)]
    return np.vstack([wide[0], line, wide[1]])
