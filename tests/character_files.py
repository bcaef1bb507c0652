"""Files of characters made up for tests, and what came of them."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
from PIL import Image

from data_prep.characters.options import PreparationOptions
from data_prep.characters.prepare import prepare_characters
from data_prep.characters.report import Report
from strokes.characters.data import SPLITS, CharacterSet
from strokes.characters.scaling import conform


def prepare(sources, progress=None, **options) -> tuple[CharacterSet, Report]:
    chosen = PreparationOptions(**options)
    return prepare_characters(sources, chosen, progress) if progress else prepare_characters(sources, chosen)


def made_images(count: int, seed: int = 0) -> np.ndarray:
    """(n, 28, 28) uint8, all different, not symmetric, scaled and centred as MNIST's."""
    rng = np.random.default_rng(seed)
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 4:24, 5:21] = rng.integers(1, 256, (count, 20, 16))
    images[:, 4:24, 5:12] //= 2
    return conform(images)


def idx(array: np.ndarray, magic: int | None = None, **header: int) -> bytes:
    """An idx file of images (n, h, w) or labels (n,)."""
    magic = magic if magic is not None else 0x800 + array.ndim
    sizes = [header.get("count", array.shape[0]), *array.shape[1:]]
    return struct.pack(f">{1 + len(sizes)}I", magic, *sizes) + array.astype(np.uint8).tobytes()


def write_idx(
    folder: Path, images: np.ndarray, labels: np.ndarray, prefix: str = "train-", packed: bool = True
) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in (("images-idx3-ubyte", idx(images)), ("labels-idx1-ubyte", idx(np.asarray(labels)))):
        if packed:
            (folder / f"{prefix}{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / f"{prefix}{name}").write_bytes(content)
    return folder


def csv_lines(images: np.ndarray, labels: np.ndarray) -> list[str]:
    rows = np.concatenate([np.asarray(labels)[:, None], images.reshape(len(images), -1)], axis=1)
    return [",".join(map(str, row)) for row in rows.tolist()]


def write_csv(path: Path, lines: list[str], end: str = "\n") -> Path:
    content = "".join(line + end for line in lines).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def read_all(blocks) -> tuple[np.ndarray, str]:
    images, codes = zip(*blocks, strict=True)
    return np.concatenate(images), "".join(map(chr, np.concatenate(codes).tolist()))


def rows(characters: CharacterSet) -> set[tuple[bytes, str, str, str]]:
    """Image, class, split and source of every row: the set without its order."""
    return {
        (image.tobytes(), characters.classes[label], SPLITS[split], characters.sources[origin])
        for image, label, split, origin in zip(
            characters.images,
            characters.labels.tolist(),
            characters.splits.tolist(),
            characters.origins.tolist(),
            strict=True,
        )
    }


def same(a: CharacterSet, b: CharacterSet) -> bool:
    arrays = all(
        np.array_equal(getattr(a, k), getattr(b, k)) for k in ("images", "labels", "splits", "origins")
    )
    return arrays and (a.classes, a.sources) == (b.classes, b.sources)


def draw(path: Path, thick: int, dark: bool = True) -> None:
    """A bar with a foot."""
    picture = np.full((90, 70, 3), 240 if dark else 15, np.uint8)
    picture[10:80, 30 : 30 + thick] = picture[80 - thick : 80, 30:60] = (
        (20, 20, 90) if dark else (230, 240, 200)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)


DIGITS, LETTERS = dict(enumerate("0123456789")), dict(enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
IMAGES, LABELS = made_images(9), np.arange(9)
STROKES = {
    "7": [[[[0, 0], [60, 0], [20, 100]]], [[[5, 5]]]],
    "b": [],
    "T": [[[[0, 0], [80, 0]], [[40, 0], [40, 100]]]],
}
