"""Drawing any character in the style of a few: the posterior of one z behind them, and how style is measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from ..files import InputError
from .arrays import as_tensor
from .distortion import embolden, warp
from .kinds import KINDS
from .kinds.variational import Posterior, VariationalNetwork, combine
from .model import CharacterModel
from .scaling import conform, scale_and_centre

__all__ = ["STYLES", "StyleReport", "alter", "imitate", "measure", "style_of", "style_report"]

#: Styles as arguments of `alter`.
STYLES: dict[str, dict[str, float]] = {
    "as it is": {},
    "narrow": {"width": 0.7},
    "wide": {"width": 1.35},
    "thin": {"weight": -0.7},
    "bold": {"weight": 0.7},
    "italic": {"slant": 0.35},
}

#: The columns of `measure`.
MEASURES = ("width", "thickness", "slant")


def alter(images: np.ndarray, width: float = 1.0, slant: float = 0.0, weight: float = 0.0) -> np.ndarray:
    """Characters made narrower or wider, slanted, bolder or thinner, then scaled and centred as MNIST's.

    Args:
        images: (N, 28, 28) uint8.
        width: a factor of the width, at most 1.4.
        slant: tangent, positive to the right at the top.
        weight: pixels by which strokes grow on each side, -1 to 1.
    """
    if not (width != 1 or slant or weight):
        return conform(images)
    x = embolden(F.pad(as_tensor(images), (14, 14, 14, 14)), weight)  # with room to grow
    warped = warp(x, width, 1.0, slant).squeeze(1).numpy()
    blank = np.zeros((28, 28), np.uint8)
    return np.stack([scale_and_centre(image) if image.max() > 0.1 else blank for image in warped])


def measure(images: np.ndarray) -> np.ndarray:
    """The style of each image: width, thickness and slant, (N, 3); NaN where there is no ink.

    Width is the spread of the ink across, once its slant is undone, over its spread in height; thickness is
    twice the distance from the middle line of the strokes to the paper, in pixels; slant is the tangent by which the
    ink leans to the right, the regression of x on height.

    Args:
        images: (N, 28, 28) uint8.
    """
    return np.array([_measure(image) for image in images]).reshape(-1, 3)


def _measure(image: np.ndarray) -> tuple[float, float, float]:
    ink = image.astype(float) / 255
    total = ink.sum()
    if total < 1:
        return (np.nan,) * 3
    y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(float)
    x, y = x - (x * ink).sum() / total, y - (y * ink).sum() / total
    xx, xy, yy = ((a * b * ink).sum() / total for a, b in ((x, x), (x, y), (y, y)))
    slant = -xy / max(yy, 1e-6)
    width = np.sqrt(max(xx - xy * xy / max(yy, 1e-6), 0.0) / max(yy, 1e-6))
    return float(width), _thickness(ink), float(slant)


def _thickness(ink: np.ndarray) -> float:
    """Stroke thickness in pixels, from the ridge of the distance to the paper, at four times the resolution."""
    fine = ndimage.zoom(ink, 4, order=1, grid_mode=True, mode="nearest") > 0.5
    if not fine.any():
        return float("nan")
    depth = ndimage.distance_transform_edt(np.pad(fine, 1))[1:-1, 1:-1]
    ridge = fine & (depth >= ndimage.maximum_filter(depth, 3) - 1e-9)
    return float(2 * depth[ridge].mean() / 4)


def style_of(model: CharacterModel, images: np.ndarray) -> Posterior:
    """The posterior of the z behind all of these images together, (1, latent).

    Args:
        images: (N, 28, 28) uint8, as `image.load_image` makes them.

    Raises:
        InputError: the model cannot imitate, or there is no image.
    """
    network = model.network
    if not (isinstance(network, VariationalNetwork) and network.imitates):
        can = ", ".join(name for name, kind in KINDS.items() if kind.imitates)
        raise InputError(f"a {model.kind} cannot imitate; name a model of the kind {can}")
    if len(images) == 0:
        raise InputError("there is no character to imitate; give at least one image")
    with torch.no_grad():
        return combine(network.posterior(as_tensor(images), None))


def imitate(
    model: CharacterModel, images: np.ndarray, text: str, variety: float = 0.0, seed: int = 0
) -> Tensor:
    """Draw the characters of `text` in the style of `images`.

    Args:
        images: (N, 28, 28) uint8.
        text: characters of the model's classes, without spaces.
        variety: how far characters differ from each other, in standard deviations of the combined posterior;
            0 draws all from its mean.
        seed: of these differences.

    Returns:
        (len(text), 1, 28, 28) in 0..1.

    Raises:
        InputError: the model cannot imitate, there is no image, or a character is unknown.
    """
    style = style_of(model, images)
    labels = model.labels(text)
    noise = torch.randn(len(text), style.mean.shape[1], generator=torch.Generator().manual_seed(seed))
    return model.draw(labels, z=style.mean + variety * torch.exp(style.log_var / 2) * noise)


@dataclass(frozen=True)
class StyleReport:
    """How well styles carry over, over many prompts.

    Attributes:
        styles: the names of the styles, the first the unaltered one.
        prompts: mean measures of the prompts, (styles, 3).
        drawn: mean measures of what was drawn from them, (styles, 3).
        errors: standard errors of the means of `drawn`, (styles, 3), over the prompts.
        kept: share of the prompts whose change of the one measure that a style is named for went the same way in
            what was drawn, (styles - 1,).
        correlation: over all prompts, of each measure of the prompts with that of what was drawn, (3,).
        count: prompts of each style.
    """

    styles: tuple[str, ...]
    prompts: np.ndarray
    drawn: np.ndarray
    errors: np.ndarray
    kept: np.ndarray
    correlation: np.ndarray
    count: int

    def as_dict(self) -> dict[str, Any]:
        """All of it but the errors, as JSON takes it: what is not a number is None."""
        return {
            "prompts": self.count,
            "correlation": dict(zip(MEASURES, _for_json(self.correlation), strict=True)),
            "kept": dict(zip(self.styles[1:], self.kept.tolist(), strict=True)),
            "measured": {
                name: {"prompts": _for_json(given), "drawn": _for_json(drawn)}
                for name, given, drawn in zip(self.styles, self.prompts, self.drawn, strict=True)
            },
        }

    def table(self) -> str:
        """Lines of text, one a style."""
        rows = ["style     prompts: width  thickness  slant   drawn: width  thickness  slant   kept its way"]
        for i, name in enumerate(self.styles):
            p, d = self.prompts[i], self.drawn[i]
            kept = f"{100 * self.kept[i - 1]:11.1f} %" if i else ""
            rows.append(
                f"{name:<10}{p[0]:14.2f}{p[1]:11.2f}{p[2]:7.2f}{d[0]:14.2f}{d[1]:11.2f}{d[2]:7.2f}   {kept}"
            )
        rows.append(
            "correlation of prompts with drawn: "
            + ", ".join(f"{name} {r:.2f}" for name, r in zip(MEASURES, self.correlation, strict=True))
        )
        return "\n".join(rows)


def _for_json(values: np.ndarray) -> list[float | None]:
    return [None if np.isnan(v) else v for v in values.tolist()]


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    """The mean over an axis without NaN; NaN if nothing is left."""
    there = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        mean: np.ndarray = np.where(there, values, 0).sum(axis) / there.sum(axis)
    return mean


#: The measure that each style changes, an index into `MEASURES`.
_NAMED_FOR = {"narrow": 0, "wide": 0, "thin": 1, "bold": 1, "italic": 2}


def style_report(
    model: CharacterModel,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    prompts: int = 100,
    of: int = 4,
    seed: int = 0,
    tick: Callable[[int], object] = lambda done: None,
) -> StyleReport:
    """Alter many prompts in every style, draw every class from each, and measure both.

    Args:
        images, labels: real characters to prompt with, (N, 28, 28) uint8 and (N,) of the model's classes.
        prompts: how many.
        of: characters of a prompt, of different classes.
        tick: called with 1 after every prompt of every style.
    """
    rng = np.random.default_rng(seed)
    classes = np.unique(labels)
    of = min(of, len(classes))
    chosen = np.array(
        [
            [rng.choice(np.flatnonzero(labels == c)) for c in rng.permutation(classes)[:of]]
            for _ in range(prompts)
        ]
    )
    of_prompts = np.empty((len(STYLES), prompts, 3))
    of_drawn = np.empty_like(of_prompts)
    for i, changes in enumerate(STYLES.values()):
        altered = alter(images[chosen.ravel()], **changes)
        of_prompts[i] = _mean(measure(altered).reshape(prompts, -1, 3), 1)
        for j in range(prompts):
            drawn = imitate(model, altered[j * of : (j + 1) * of], model.classes)
            tick(1)
            of_drawn[i, j] = _mean(measure((drawn.squeeze(1) * 255).round().to(torch.uint8).numpy()), 0)
    names = tuple(STYLES)
    kept = [
        float(
            (
                np.sign((of_drawn[i] - of_drawn[0])[:, m]) == np.sign((of_prompts[i] - of_prompts[0])[:, m])
            ).mean()
        )
        for i, m in ((names.index(name), m) for name, m in _NAMED_FOR.items())
    ]
    flat_p, flat_d = of_prompts.reshape(-1, 3), of_drawn.reshape(-1, 3)
    with np.errstate(invalid="ignore", divide="ignore"):  # NaN where a measure never changes
        correlation = np.array([np.corrcoef(flat_p[:, m], flat_d[:, m])[0, 1] for m in range(3)])
    return StyleReport(
        styles=names,
        prompts=of_prompts.mean(1),
        drawn=of_drawn.mean(1),
        errors=of_drawn.std(1) / np.sqrt(prompts),
        kept=np.array(kept),
        correlation=correlation,
        count=prompts,
    )
