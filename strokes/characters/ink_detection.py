"""Find the ink of one character in a photograph or scan.

The background is modelled as one tone, as a quadratic surface (uneven light), or as paper with shadows. The simplest
model that leaves the border empty is used. Of what differs from it, connected components that belong to the character
are kept.
"""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

from .pixels import border_of
from .scaling import BLANK

__all__ = ["find_ink"]

# Least contrast of ink, in grey levels of 255 and in standard deviations of the paper's noise.
_LEAST_CONTRAST, _LEAST_SIGNAL = 12.0, 6.0


class _Contrast(NamedTuple):
    """What differs from a background, in grey levels: ink (H, W), the paper's noise, the level of full ink."""

    ink: np.ndarray
    noise: float
    peak: float


def find_ink(pixels: np.ndarray) -> np.ndarray:
    """(H, W, C) -> (H, W) float32, 0 paper to 1 ink.

    Raises:
        ValueError: blank.
    """
    if max(pixels.shape[:2]) >= 256 and np.median(np.abs(np.diff(pixels, axis=1))) > 0:
        # Suppress the sensor's noise, which is finer than strokes.
        pixels = ndimage.gaussian_filter(pixels, (1, 1, 0))
    ink, noise, peak = _best_contrast(pixels)
    if peak < max(_LEAST_CONTRAST, _LEAST_SIGNAL * noise):
        raise ValueError(BLANK)
    full = np.percentile(ink[ink > peak / 2], 90)
    ink = ink * _character(ink, max(0.12 * peak, 3 * noise), peak / 2)
    floor = 2.5 * noise
    found: np.ndarray = np.clip((ink - floor) / (full - floor), 0, 1).astype(np.float32)
    return found


def _best_contrast(pixels: np.ndarray) -> _Contrast:
    """The contrast with the simplest background that leaves the border empty, or with the best of all.

    None does where the character fills its picture, or rules run through it. A background that leaves
    no ink at all is the whole picture.
    """
    small = _reduced(pixels, 64).astype(np.float64)
    colour = _paper_colour(_reduced(pixels, 256))
    found: list[_Contrast] = []
    # From the simplest model to the most flexible.
    for background in (_flat, _bowed, _shadowed):
        contrast = _contrast(pixels, background(pixels, small, colour))
        if contrast[1] > 0:  # soft shadows
            contrast = min(contrast, _contrast(pixels, _local_mean(pixels, *contrast)), key=_unclear)
        ink, noise, peak = contrast
        if _is_noise(contrast) or (_marked(ink, peak).mean() < 0.02 and peak >= _LEAST_SIGNAL * noise):
            return contrast
        if (
            not found
            and max(ink.shape) <= 64
            and (np.abs(ink) <= 0.25).sum() > 0.5 * (np.abs(ink) < peak / 2).sum()
        ):
            return contrast  # small, and paper of one tone to a quarter of a grey level: not a photograph
        found.append(contrast)
    return min(found, key=_unclear)


def _is_noise(contrast: _Contrast) -> bool:
    """Whether what differs from the background is faint, or without any shape."""
    ink, noise, peak = contrast
    if peak < _LEAST_CONTRAST:
        return True
    return peak < _LEAST_SIGNAL * noise and float(_reduced(ink[:, :, None], 8).std()) < 0.4 * noise


def _border(pixels: np.ndarray) -> np.ndarray:
    """Which pixels (H, W) lie at the edge of the picture."""
    return border_of((pixels.shape[0], pixels.shape[1]))


def _marked(ink: np.ndarray, peak: float) -> np.ndarray:
    """Which pixels of the border are not paper."""
    marked: np.ndarray = np.abs(ink[_border(ink)]) > 0.15 * peak
    return marked


def _unclear(contrast: _Contrast) -> float:
    """A penalty: pixels that are neither paper nor ink, relative to the ink, and border pixels that are not paper."""
    ink, _, peak = contrast
    if peak <= 0:
        return np.inf
    middling = (ink > 0.15 * peak) & (ink < 0.6 * peak) | (ink < -0.15 * peak)
    return float(middling.sum() / max((ink >= 0.6 * peak).sum(), 1) + 4 * _marked(ink, peak).mean())


def _reduced(pixels: np.ndarray, side: int) -> np.ndarray:
    """Downsample (H, W, C) by averaging squares, to at most `side` a side."""
    factor = ceil(max(pixels.shape[:2]) / side)
    if factor == 1:
        return pixels
    pad = [(0, -n % factor) for n in pixels.shape[:2]]
    pixels = np.pad(pixels, [*pad, (0, 0)], mode="edge")
    height, width = (n // factor for n in pixels.shape[:2])
    means: np.ndarray = pixels.reshape(height, factor, width, factor, -1).mean(axis=(1, 3))
    return means


def _enlarged(small: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Upsample (h, w, C) that `_reduced` made to (H, W, C), bilinearly."""
    height, width = shape
    factor = ceil(max(shape) / max(small.shape[:2]))
    box = (0, 0, width / factor, height / factor)
    planes = [
        Image.fromarray(np.ascontiguousarray(plane)).resize((width, height), Image.Resampling.BILINEAR, box)
        for plane in np.moveaxis(np.asarray(small, np.float32), 2, 0)
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=2)


def _paper_colour(pixels: np.ndarray) -> np.ndarray:
    """The commonest colour of the border, (C,), unless the character fills its picture and that is its ink."""
    border = pixels[_border(pixels)]
    order = border[np.argsort(border.mean(axis=1))]
    half = (len(order) + 1) // 2
    tones = order.mean(axis=1)
    at = int(
        np.argmin(tones[half - 1 :] - tones[: len(tones) - half + 1])
    )  # the shortest interval that holds half of them
    colour: np.ndarray = np.median(order[at : at + half], axis=0)
    away = np.abs(pixels - colour).max(axis=2)
    other = away > away.max() / 2
    share = other[_border(pixels)].mean()
    if share < 0.1 or other.all():
        return colour
    between = (away[other].mean() - away[~other].mean()) / max(away.std(), 1e-9)
    if (
        share + 1.5 * other.mean() > 1.25 and between > 1.8
    ):  # two distinct tones, and the other one covers more
        colour = np.median(pixels[other], axis=0)
    return colour


def _flat(pixels: np.ndarray, small: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """A background (H, W, C) of one colour."""
    return np.broadcast_to(colour, pixels.shape)


def _surface(shape: tuple[int, int], degree: int) -> np.ndarray:
    """Terms of a polynomial of degree 1 or 2 over the picture, (H, W, 3 or 6)."""
    y, x = ((np.arange(n) + 0.5) * 2 / n - 1 for n in shape)
    y, x = np.broadcast_arrays(y[:, None], x[None, :])
    one = np.ones(shape)
    terms = [one, y, x] if degree == 1 else [one, y, x, y * y, x * y, x * x]
    return np.stack(terms, axis=-1)


def _bowed(pixels: np.ndarray, small: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """A background (H, W, C) that is quadratic in x and y.

    A robust fit: it starts with the pixels near the paper's colour, and repeats with all pixels near the fit, which
    excludes ink.
    """
    away = np.abs(small - colour).max(axis=2)
    near = away < 0.35 * max(away.max(), 1e-9)
    for step in range(8):
        if near.mean() < 0.25:  # too few pixels to be paper
            return _flat(pixels, small, colour)
        terms = _surface(small.shape[:2], 1 if step < 3 else 2)
        weights = np.linalg.lstsq(terms[near], small[near], rcond=None)[0]
        away = np.abs(small - terms @ weights).max(axis=2)
        near = away <= max(3.5 * 1.4826 * np.median(away[near]), 1.0)
    bowed: np.ndarray = _surface(pixels.shape[:2], 2) @ weights
    return bowed


def _shadowed(pixels: np.ndarray, small: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """A background (H, W, C) without anything narrower than 0.3 of the shorter side, by closing or opening."""
    small = _reduced(pixels, 128).astype(np.float64)
    grey = small.mean(axis=2)
    # Strokes are narrower than the gaps between them, so what narrow windows remove is ink: dark or light.
    dark = 0.0
    for window in (3, 5, 9, 17):
        dark += ((ndimage.grey_closing(grey, (window, window)) - grey) ** 2).sum()
        dark -= ((grey - ndimage.grey_opening(grey, (window, window))) ** 2).sum()
    size = max(3, round(0.3 * min(grey.shape)))
    fill = ndimage.grey_closing if dark > 0 else ndimage.grey_opening
    return _enlarged(fill(small, (size, size, 1)), pixels.shape[:2])


def _local_mean(pixels: np.ndarray, ink: np.ndarray, noise: float, peak: float) -> np.ndarray:
    """A background (H, W, C): the local mean of the paper."""
    drawn = ink > max(0.25 * peak, 3 * noise)
    reach = max(1, round(max(ink.shape) / 100))
    paper = ~ndimage.binary_dilation(drawn, iterations=reach)[:, :, None]
    small = _reduced(np.concatenate([pixels * paper, paper], axis=2, dtype=np.float32), 128)
    sigma = max(small.shape[:2]) / 12
    small = ndimage.gaussian_filter(small, (sigma, sigma, 0), mode="nearest", truncate=3)
    return _enlarged(small[:, :, :-1] / np.maximum(small[:, :, -1:], 1e-3), ink.shape)


def _contrast(pixels: np.ndarray, paper: np.ndarray) -> _Contrast:
    """A picture and its background, (H, W, C) each -> what differs."""
    away = pixels - paper
    light = paper.mean(axis=2)
    if (
        np.ptp(light) > 0 and light.mean() > pixels.mean()
    ):  # the contrast of dark ink is proportional to the light
        away = away * np.clip(light.max() / np.maximum(light, 1), 1, 4)[:, :, None]
    if away.shape[2] == 1:
        ink = away[:, :, 0].astype(np.float64)
    else:  # along the principal colour of the differences: red ink on green paper has no grey contrast
        flat = away.reshape(-1, 3).astype(np.float64)
        length = np.einsum("ij,ij->i", flat, flat)
        strong = flat[length >= 0.25 * length.max()]
        axis = np.linalg.eigh(strong.T @ strong)[1][:, -1]
        ink = away @ (axis / np.abs(axis).sum())
    if (ink**3).sum() < 0:
        ink = -ink
    rank = max(1, round(0.0005 * ink.size))  # not the maximum, which a dead pixel may be
    peak = float(np.partition(ink.ravel(), -rank)[-rank])
    # From the lowest quarter of the differences, since pixels around ink are half paper, half ink.
    rest = np.abs(ink[np.abs(ink) < peak / 2])
    noise = float(np.percentile(rest, 25)) / 0.3186 if len(rest) else 0.0
    return _Contrast(ink, noise if noise > 1e-3 else 0.0, peak)


def _character(ink: np.ndarray, faint: float, strong: float) -> np.ndarray:
    """(H, W) bool: the connected parts that belong to the character.

    A part is connected by faint ink and has strong ink in it; specks are not, and neither is what
    spans the border (rules, the page's edge) beside a character that touches none.
    """
    labels, count = ndimage.label(ink > faint, np.ones((3, 3)))
    parts = np.arange(1, count + 1)
    mass = np.r_[0.0, ndimage.sum_labels(ink, labels, parts)]
    mass[1:][ndimage.maximum(ink, labels, parts) < strong] = 0
    sides = np.zeros(count + 1, int)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        sides[np.unique(edge)] += 1
    if mass[sides == 0].max(initial=0) > 0.05 * mass.max():
        mass[sides >= 2] = 0
    keep = (mass >= 0.03 * mass.max()) & (mass > 0)
    # With the fainter fringe around them.
    fringe = ndimage.binary_dilation(keep[labels], np.ones((3, 3), bool))
    belongs: np.ndarray = keep[labels] | ((labels == 0) & fringe)
    return belongs
