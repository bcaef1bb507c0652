"""Pictures of characters: sheets, imitations, maps of the latent space, and training curves. Ink is black on white."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from msgspec import Meta
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..documents import decode_json
from ..figures.canvas import HUES, new_figure, save
from ..files import InputError, atomic_path
from .evaluation import draw_evenly
from .imitation import STYLES, alter, imitate
from .model import CharacterModel

__all__ = [
    "curves",
    "grey",
    "imitation_sheet",
    "model_sheet",
    "save_picture",
    "sheet",
    "typeset",
]

_SIZE = 28
_ZOOM = 3
# At most this many losses and scores of a run are drawn.
_MOST_NAMES = 50
_Value = Annotated[float, Meta(ge=-1e30, le=1e30)]
_Row = dict[str, _Value | str | None]


def sheet(images: Tensor | np.ndarray, columns: int) -> np.ndarray:
    """Images side by side in rows of `columns`, (H, W) uint8, black on white.

    Args:
        images: (N, 1, 28, 28) in 0..1, or (N, 28, 28) uint8, white on black.
    """
    tiles = grey(images)
    rows = -(-len(tiles) // columns)
    tiles = np.concatenate([tiles, np.zeros((rows * columns - len(tiles), _SIZE, _SIZE), np.uint8)])
    return 255 - tiles.reshape(rows, columns, _SIZE, _SIZE).transpose(0, 2, 1, 3).reshape(
        rows * _SIZE, columns * _SIZE
    )


def typeset(text: str, draw: Callable[[str], Tensor], columns: int = 24) -> np.ndarray:
    """Characters set in lines, (H, W) uint8, black on white; blanks and line breaks are kept, words are wrapped.

    Args:
        draw: characters without blanks -> their images, (N, 1, 28, 28) in 0..1.
        columns: most characters a line; a longer word is broken.
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for blanks, word in re.findall(r"(\s*)(\S+)", paragraph):
            if len(line) + len(blanks) + len(word) > columns:
                lines += [line] if line else []
                line = word  # the blanks before it are where the line breaks
            else:
                line += " " * len(blanks) + word
            while len(line) > columns:
                lines.append(line[:columns])
                line = line[columns:]
        lines.append(line)
    width = max(map(len, lines), default=0)
    characters = "".join("".join(lines).split())
    if not characters:
        raise InputError("there is no character to draw; give some text")
    drawn = iter(grey(draw(characters)))
    blank = np.zeros((_SIZE, _SIZE), np.uint8)
    tiles = [next(drawn) if c != " " else blank for line in lines for c in line.ljust(width)]
    return sheet(np.stack(tiles), width)


def save_picture(picture: np.ndarray, path: str | os.PathLike[str], zoom: int = _ZOOM) -> None:
    """Write (H, W) or (H, W, 3) uint8, enlarged.

    Raises:
        InputError: it cannot be written there, or not in that format.
    """
    image = Image.fromarray(picture)
    image = image.resize((image.width * zoom, image.height * zoom), Image.Resampling.BICUBIC)
    suffixes = Image.registered_extensions()
    if suffixes.get(Path(path).suffix.lower()) not in ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP", "PDF"):
        raise InputError(f"{path}: pictures have no format {Path(path).suffix!r}; end the name in .png")
    with atomic_path(path) as tmp:
        try:
            image.save(tmp)
        except (OSError, ValueError, struct.error) as e:  # a format's limit of size has no error number
            if getattr(e, "errno", None):
                raise
            raise InputError(
                f"{path}: this picture of {image.width} x {image.height} pixels does not fit that format ({e}); "
                "end the name in .png"
            ) from None


def model_sheet(model: CharacterModel, rows: int = 8, seed: int = 0) -> np.ndarray:
    """`rows` images of every class, a column a class (of a model that cannot be asked, just images)."""
    if model.on_demand:
        drawn = draw_evenly(model, model.classes, rows, seed).images
        return sheet(drawn.unflatten(0, (-1, rows)).transpose(0, 1).flatten(0, 1), len(model.classes))
    labels = torch.zeros(rows * len(model.classes), dtype=torch.int64)
    return sheet(model.draw(labels, torch.Generator().manual_seed(seed)), len(model.classes))


def imitation_sheet(model: CharacterModel, images: np.ndarray, text: str) -> np.ndarray:
    """A row for every style: the prompts, altered, then `text` drawn in their style.

    Args:
        images: the prompts, (n, 28, 28) uint8.
    """
    rows = []
    for name, changes in STYLES.items():
        prompts = alter(images, **changes)
        rows.append(
            np.hstack(
                [
                    _caption(name),
                    sheet(prompts, len(prompts)),
                    np.full((_SIZE, _SIZE // 2), 255, np.uint8),
                    sheet(imitate(model, prompts, text), len(text)),
                ]
            )
        )
    return np.vstack(rows)


def _caption(text: str, width: int = 64) -> np.ndarray:
    image = Image.new("L", (width, _SIZE), 255)
    ImageDraw.Draw(image).text((2, _SIZE // 2), text, fill=60, anchor="lm", font=ImageFont.load_default(11))
    return np.asarray(image)


def curves(run: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Every figure of a run's metrics.jsonl over its epochs, training and validation together.

    Raises:
        InputError: there is no log, it is damaged, or nothing is in it yet.
    """
    log = Path(run) / "metrics.jsonl"
    rows = _read_rows(log)
    known = {"event", "step", "epoch", "seconds", "learning_rate", "skipped"}
    names = list(dict.fromkeys(name for row in rows for name in row if name not in known))[:_MOST_NAMES]
    if not names:
        raise InputError(f"{log}: nothing is in it yet; train for an epoch first")
    # Losses of one pair, and scores of one pair, belong together.
    panels: dict[str, list[str]] = {}
    for name in names:
        panels.setdefault(name.split("_")[-1] if name.endswith("_loss") else name.split("_")[0], []).append(
            name
        )
    figure = new_figure(9, 0.6 + 2.2 * len(panels))
    for i, (title, members) in enumerate(panels.items()):
        axes = figure.add_subplot(len(panels), 1, i + 1)
        hue = 0
        for name in members:
            for event, style in (("train", "-"), ("validation", "o-")):
                at = _series(rows, event, name)
                if len(at):
                    label = f"{name.replace('_', ' ')}, {event}"
                    axes.plot(*at.T, style, color=HUES[hue % 6], markersize=3, linewidth=1.3, label=label)
                    hue += 1
        axes.set_ylabel(title.replace("_", " "))
        axes.legend(frameon=False, fontsize=8)
        axes.grid(color="#e6e6e6", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("epochs")
    figure.tight_layout()
    save(figure, path, dpi=110)


def _read_rows(log: Path) -> list[_Row]:
    """The rows of a log; a last one that was cut off is passed over."""
    try:
        lines = [line for line in log.read_bytes().split(b"\n") if line.strip()]
    except OSError as e:
        raise InputError(f"{log}: cannot be read ({e.strerror})") from None
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            rows.append(decode_json(line, _Row, f"{log}: row {number}"))
        except InputError:
            if number < len(lines) or not rows:
                raise
    return rows


def _series(rows: Sequence[_Row], event: str, name: str) -> np.ndarray:
    """Epochs and values of one figure, (n, 2)."""
    places = [
        (epoch, value)
        for row in rows
        if row.get("event") == event
        and isinstance(value := row.get(name), int | float)
        and isinstance(epoch := row.get("epoch"), int | float)
    ]
    return np.array(places, np.float64).reshape(-1, 2)


def grey(images: Tensor | np.ndarray) -> np.ndarray:
    """(N, 1, 28, 28) in 0..1, or what is (N, 28, 28) uint8 already, as (N, 28, 28) uint8."""
    if isinstance(images, np.ndarray):
        return images
    return (images.detach().squeeze(1) * 255).round().clamp(0, 255).to(torch.uint8).numpy()
