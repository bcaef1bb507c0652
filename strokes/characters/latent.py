"""A picture of a variational autoencoder's latent space."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..figures.canvas import HUES, Axes, new_figure, save
from ..files import InputError
from .arrays import as_tensor
from .evaluation import draw_evenly
from .figures import sheet
from .kinds import KINDS
from .kinds.variational import VariationalNetwork
from .model import CharacterModel

__all__ = ["LatentDirections", "latent_map"]

# How far a map reaches from its middle, in standard deviations, and how many characters it has a side.
_REACH, _SIDE = 2.5, 13
# Most of the widest directions that are shown, characters of each, and images that are placed.
_SHOWN, _STEPS, _MOST_IMAGES = 7, 9, 3000


@dataclass(frozen=True)
class LatentDirections:
    """The principal directions of posterior means.

    Attributes:
        centre: (latent,).
        directions: unit vectors, the widest first, (k, latent).
        spreads: the standard deviation along each, (k,).
        places: the means themselves, in standard deviations along each direction, (N, k).
    """

    centre: Tensor
    directions: Tensor
    spreads: Tensor
    places: Tensor

    @classmethod
    def of(cls, means: Tensor) -> LatentDirections:
        """Those of means (N, latent), by singular value decomposition."""
        means = means.double()
        centre = means.mean(0)
        _, values, directions = torch.linalg.svd(means - centre, full_matrices=False)
        spreads = (values / max(1, len(means) - 1) ** 0.5).clamp(min=1e-6)
        return cls(centre, directions, spreads, (means - centre) @ directions.T / spreads)

    def plane(self, right: Tensor, up: Tensor) -> Tensor:
        """Places (n,) on the two widest directions -> z, (n, latent)."""
        return self.centre + torch.stack([right, up], 1) * self.spreads[:2] @ self.directions[:2]

    def along(self, direction: int, steps: Tensor) -> Tensor:
        """Places (n,) on one direction -> z, (n, latent)."""
        return self.centre + steps[:, None] * self.spreads[direction] * self.directions[direction]


def latent_map(
    model: CharacterModel,
    path: str | os.PathLike[str],
    *,
    character: str = "",
    images: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    seed: int = 0,
) -> None:
    """The latent space of a variational autoencoder: where images lie on its two widest directions, a map of
    one character over them, and what the widest directions do to several characters.

    Args:
        model: of a kind that has a posterior.
        path: of the picture.
        character: the map's; the first class if empty.
        images: whose posterior means give the directions, (N, 28, 28) uint8; images that the model draws itself if
            None.
        labels: of the images, (N,).
        seed: of the images drawn or chosen.

    Raises:
        InputError: the model has no latent space to look at, or it cannot be written there.
    """
    found, y = _directions(model, images, labels, seed)
    character = character or model.classes[0]
    shown = min(_SHOWN, len(found.spreads))
    figure = new_figure(13, 9.6)
    grid = figure.add_gridspec(
        2, 2, height_ratios=(6, 2.9), left=0.05, right=0.98, top=0.95, bottom=0.02, hspace=0.14, wspace=0.1
    )
    _plot_places(figure.add_subplot(grid[0, 0]), found.places[:, :2].numpy(), y.numpy(), model.classes)
    for where, picture, title in (
        (
            grid[0, 1],
            _field(model, found, character),
            f"{character} over the same two directions, -{_REACH} to {_REACH}",
        ),
        (
            grid[1, :],
            _directions_sheet(model, found, shown),
            f"the {shown} widest directions, a row each, -{_REACH} to {_REACH}",
        ),
    ):
        axes = figure.add_subplot(where)
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="bilinear")
        axes.set_title(title, fontsize=10)
        axes.set_axis_off()
    save(figure, path, dpi=110)


@torch.no_grad()
def _directions(
    model: CharacterModel, images: np.ndarray | None, labels: np.ndarray | None, seed: int
) -> tuple[LatentDirections, Tensor]:
    """The principal directions of images, or of what the model draws, and the labels (N,) of these."""
    network = model.network
    if not isinstance(network, VariationalNetwork):
        can = " or ".join(name for name, kind in KINDS.items() if issubclass(kind, VariationalNetwork))
        raise InputError(f"a {model.kind} has no posterior to map; name a model of the kind {can}")
    if images is None or labels is None:
        drawn = draw_evenly(model, model.classes, -(-2000 // len(model.classes)), seed)
        x, y = drawn.images, drawn.labels
    else:
        rows = np.random.default_rng(seed).permutation(len(images))[:_MOST_IMAGES]
        x, y = as_tensor(images[rows]), torch.from_numpy(labels[rows])
    if len(x) < 3:
        raise InputError(f"there are {len(x)} images of this model's classes; a map needs at least 3")
    found = LatentDirections.of(network.posterior(x, y).mean)
    if len(found.spreads) < 2:
        raise InputError(
            "a map needs a latent space of at least two dimensions; train with a larger --sizes.latent"
        )
    return found, y


def _drawn(model: CharacterModel, character: str, z: Tensor, columns: int) -> np.ndarray:
    """The character with each z (n, latent), (H, W) uint8."""
    return sheet(model.draw(model.labels(character * len(z)), z=z.float()), columns)


def _field(model: CharacterModel, found: LatentDirections, character: str) -> np.ndarray:
    """One character over the two widest directions, (H, W) uint8."""
    steps = torch.linspace(-_REACH, _REACH, _SIDE, dtype=torch.float64)
    up, right = torch.meshgrid(-steps, steps, indexing="ij")
    return _drawn(model, character, found.plane(right.flatten(), up.flatten()), _SIDE)


def _directions_sheet(model: CharacterModel, found: LatentDirections, shown: int) -> np.ndarray:
    """A row a direction: four characters, each from one end of it to the other, (H, W) uint8."""
    steps = torch.linspace(-_REACH, _REACH, _STEPS, dtype=torch.float64)
    classes = model.classes
    characters = (classes * 4)[:: max(1, len(classes) // 4)][:4]
    rows = []
    for direction in range(shown):
        z = found.along(direction, steps)
        lines = [_drawn(model, c, z, _STEPS) for c in characters]
        gap = np.full((lines[0].shape[0], 14), 255, np.uint8)
        rows.append(np.hstack([part for line in lines for part in (line, gap)]))
    return np.vstack(rows)


def _plot_places(axes: Axes, places: np.ndarray, labels: np.ndarray, classes: str) -> None:
    """Where images lie on the two widest directions (N, 2): all as dots, some as their characters."""
    axes.set_title(
        f"{len(labels)} images on the two widest directions of z (standard deviations)", fontsize=10
    )
    for i, c in enumerate(classes):
        own = places[labels == i]
        axes.plot(*own.T, ".", color="#dddddd", markersize=2, zorder=0)
        for x, y in own[:12]:
            axes.text(x, y, c, color=HUES[i % len(HUES)], fontsize=7, ha="center", va="center", clip_on=True)
    axes.set(xlim=(-3.2, 3.2), ylim=(-3.2, 3.2))
    axes.grid(color="#eeeeee", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
