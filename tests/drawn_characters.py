"""Characters that are drawn for tests of the command line, and networks that are too small to learn them well."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from strokes.characters.arrays import as_tensor
from strokes.characters.distortion import Distortion, distort
from strokes.characters.model import CharacterModel, build
from strokes.characters.scaling import draw_strokes

#: Four characters that nobody confuses, in a unit square.
SHAPES = {
    "0": [[(0.5 + 0.35 * np.cos(t), 0.5 * (1 + np.sin(t))) for t in np.linspace(0, 6.3, 40)]],
    "7": [[(0, 0), (0.7, 0), (0.25, 1)]],
    "L": [[(0, 0), (0, 1), (0.6, 1)]],
    "T": [[(0, 0), (0.8, 0)], [(0.4, 0), (0.4, 1)]],
}
CLASSES = "".join(SHAPES)
SIZES = {
    "ssvae": {"latent": 3, "channels": 2, "hidden": 4},
    "cvae": {"hidden": 6, "latent": 3},
    "gan": {"latent": 3, "hidden": 6},
    "cgan": {"latent": 3, "width": 4},
    "classifier": {"width": 4, "features": 16},
}
#: Logits of the pixels of each class that the untrained cvae draws.
LEVELS = (-1.0, 0.0, 1.0, 2.0)


def examples(each: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """So many of every shape, distorted at random."""
    generator = torch.Generator().manual_seed(seed)
    ranges = Distortion(rotate=0.15, scale=0.1, aspect=0.2, shear=0.2, shift=1.0, weight=0.4)
    plain = np.stack([draw_strokes([np.array(s) for s in SHAPES[c]]) for c in CLASSES])
    images = distort(as_tensor(np.repeat(plain, each, 0)), ranges, generator).squeeze(1)
    return (images * 255).round().clamp(0, 255).byte().numpy(), np.repeat(np.arange(len(CLASSES)), each)


def hearing(classes: str) -> CharacterModel:
    """An untrained ssvae whose posteriors are narrow, and to whose decoder z matters."""
    torch.manual_seed(1)
    network = build("ssvae", len(classes), SIZES["ssvae"])
    for p in network.posterior_head.parameters():
        p.data[:3] *= 20
        p.data[3:] = 0
    network.posterior_head.bias.data[3:] = -3
    network.from_latent.weight.data *= 5
    network.draw[-1].weight.data *= 20
    network.draw[-1].bias.data.zero_()
    return CharacterModel(network.eval().requires_grad_(False), classes)


def photograph(path: Path, character: str, ink=(40, 40, 60), paper=(225, 220, 205), seed: int = 0) -> Path:
    """A character of 200x300 pixels with a little noise, somewhere on it."""
    image = Image.new("RGB", (200, 300), paper)
    draw = ImageDraw.Draw(image)
    for stroke in SHAPES[character]:
        points = [(45 + 110 * x, 70 + 150 * y) for x, y in stroke]
        draw.line(points, fill=ink, width=14, joint="curve")
    pixels = np.asarray(image) + np.random.default_rng(seed).normal(0, 4, (300, 200, 3))
    Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8)).save(path)
    return path
