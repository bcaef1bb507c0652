"""Small changes of images of characters: rotation, slant, aspect, scale, shift and weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor
from torch.nn import functional as F

from ..documents import check_fields

__all__ = ["Distortion", "distort", "embolden", "warp"]


@dataclass(frozen=True)
class Distortion:
    """Ranges of random changes, drawn anew for each image; 0 leaves one out.

    Args:
        rotate: largest angle, in radians, either way.
        scale: largest share by which the size varies.
        aspect: largest share by which width varies against height.
        shear: largest tangent of the slant, either way.
        shift: largest move in pixels, either way.
        weight: largest share of a pixel by which strokes grow or shrink on each side.
        fit: whether what `aspect` and `shear` do is followed by scaling, so that the longer side stays as long
            as it was, as in images that are scaled to a box.
    """

    rotate: Annotated[float, Meta(ge=0, le=4)] = 0.0
    scale: Annotated[float, Meta(ge=0, le=1)] = 0.0
    aspect: Annotated[float, Meta(ge=0, le=1)] = 0.0
    shear: Annotated[float, Meta(ge=0, le=10)] = 0.0
    shift: Annotated[float, Meta(ge=0, le=28)] = 0.0
    weight: Annotated[float, Meta(ge=0, le=1)] = 0.0
    fit: bool = False

    def __post_init__(self) -> None:
        check_fields(self)


def distort(images: Tensor, ranges: Distortion, generator: torch.Generator | None = None) -> Tensor:
    """Each image changed within `ranges`; differentiable in the images.

    Args:
        images: (N, 1, 28, 28) in 0..1.
        generator: on the CPU; the changes are the same whatever device the images are on.
    """
    n, device = len(images), images.device
    u = (torch.rand(6, n, generator=generator) * 2 - 1).to(device)
    if ranges.weight:
        images = embolden(images, u[5] * ranges.weight)
    if not (ranges.rotate or ranges.scale or ranges.aspect or ranges.shear or ranges.shift):
        return images
    size, aspect, shear = u[1] * ranges.scale, u[2] * ranges.aspect / 2, u[3] * ranges.shear
    if ranges.fit:
        width, height = _extents(images)
        wider = width * torch.exp(aspect) + shear.abs() * height * torch.exp(-aspect)
        size = size + torch.log(
            torch.maximum(width, height) / torch.maximum(wider, height * torch.exp(-aspect))
        )
    return warp(
        images,
        torch.exp(size + aspect),
        torch.exp(size - aspect),
        shear,
        u[0] * ranges.rotate,
        u[4] * ranges.shift,
        (torch.rand(n, generator=generator) * 2 - 1).to(device) * ranges.shift,
    )


def _extents(images: Tensor) -> tuple[Tensor, Tensor]:
    """Pixels that the ink spans across and down, at least 1, (N,) each."""
    ink = images.detach().squeeze(1) > 0.1
    spans = []
    for along in (1, 2):
        filled = ink.any(along).float()
        place = torch.arange(1, filled.shape[1] + 1, device=images.device, dtype=torch.float32)
        last = (filled * place).amax(1)
        first = (filled * place.flip(0)).amax(1)  # counted from the other end
        spans.append((last + first - filled.shape[1]).clamp(min=1).to(images.dtype))
    return spans[0], spans[1]


def warp(
    images: Tensor,
    width: Tensor | float = 1.0,
    height: Tensor | float = 1.0,
    shear: Tensor | float = 0.0,
    angle: Tensor | float = 0.0,
    right: Tensor | float = 0.0,
    down: Tensor | float = 0.0,
) -> Tensor:
    """Images scaled, then slanted, rotated and moved, about their centre; bilinear, black beyond the edge.

    Args:
        images: (N, 1, H, W).
        width, height: factors.
        shear: tangent of the slant, positive to the right at the top (as italics are).
        angle: in radians, clockwise.
        right, down: in pixels.
    """
    with torch.autocast(images.device.type, enabled=False):  # places need more digits than bfloat16 has
        n, _, h, w = images.shape
        values = (width, height, shear, angle, right, down)
        sx, sy, k, a, tx, ty = (
            torch.as_tensor(v, dtype=images.dtype, device=images.device).expand(n) for v in values
        )
        cos, sin = torch.cos(a), torch.sin(a)
        # A point p goes to R S D p + t; grid_sample wants, for each new place, the old one. y points down.
        zero = torch.zeros_like(sx)
        scaled = torch.stack([torch.stack([sx, -k * sy], 1), torch.stack([zero, sy], 1)], 1)
        turned = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)
        back = torch.linalg.inv(turned @ scaled) * torch.tensor(
            [[1, h / w], [w / h, 1]], dtype=images.dtype, device=images.device
        )
        moved = torch.stack([tx * 2 / w, ty * 2 / h], 1)[:, :, None]
        theta = torch.cat([back, -back @ moved], 2)
        grid = F.affine_grid(theta, list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, align_corners=False)


def embolden(images: Tensor, amount: Tensor | float) -> Tensor:
    """Strokes wider (or, below 0, narrower) by up to one pixel on each side.

    Args:
        images: (N, 1, H, W) in 0..1.
        amount: -1 to 1, one for all or (N,).
    """
    amount = torch.as_tensor(amount, dtype=images.dtype, device=images.device).expand(len(images))[
        :, None, None, None
    ]
    # A cross, not a square: strokes grow by about one pixel in every direction.
    wider = torch.maximum(F.max_pool2d(images, (3, 1), 1, (1, 0)), F.max_pool2d(images, (1, 3), 1, (0, 1)))
    paper = 1 - images
    thinner = 1 - torch.maximum(
        F.max_pool2d(paper, (3, 1), 1, (1, 0)), F.max_pool2d(paper, (1, 3), 1, (0, 1))
    )
    return images + amount.clamp(min=0) * (wider - images) - (-amount).clamp(min=0) * (images - thinner)
