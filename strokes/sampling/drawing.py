"""Drawing the next point of every row from its mixture density, and the random numbers for it."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["MAX_CORRELATION", "RowRandoms", "draw_offsets"]

#: Greatest correlation, as `strokes.network.mixture` has it: the density has a pole at 1.
MAX_CORRELATION = 1 - 2e-4


def draw_offsets(
    outputs: np.ndarray, bias: float, scale_floor: float, uniforms: np.ndarray, normals: np.ndarray
) -> np.ndarray:
    """One offset a row: Graves 2013, eqs. 18-25, with the bias of eqs. 61 and 62.

    Args:
        outputs: (rows, 1 + 6M), raw outputs of the network.
        bias: 0 or more.
        scale_floor: least standard deviation of a component, before the bias acts.
        uniforms: (rows, 2) in 0..1: the component, and the end of the stroke.
        normals: (rows, 2), standard normal.

    Returns:
        (rows, 3) float64: dx, dy in standard deviations, and end_of_stroke (0 or 1).
    """
    y = outputs.astype(np.float64)
    m = (y.shape[1] - 1) // 6
    logits = y[:, 1 : 1 + m]
    weights = np.exp((logits - logits.max(axis=1, keepdims=True)) * (1 + bias)).cumsum(axis=1)
    component = (weights[:, :-1] <= uniforms[:, :1] * weights[:, -1:]).sum(axis=1)
    # mean x and y, log scale x and y, raw correlation of the component
    chosen = y[:, 1 + m :].reshape(len(y), 5, m)[np.arange(len(y)), :, component]
    scales = np.maximum(np.exp(chosen[:, 2:4]), scale_floor) * math.exp(-bias)
    rho = np.tanh(chosen[:, 4]) * MAX_CORRELATION
    out = np.empty((len(y), 3))
    out[:, 0] = normals[:, 0]
    out[:, 1] = rho * normals[:, 0] + np.sqrt(1 - rho * rho) * normals[:, 1]
    out[:, :2] *= scales
    out[:, :2] += chosen[:, :2]
    out[:, 2] = uniforms[:, 1] < 1 / (1 + np.exp(-y[:, 0]))
    return out


# Steps for which random numbers are drawn at once.
_AHEAD = 64


class RowRandoms:
    """Random numbers of every row, each from generators of its own, so that none depends on the other rows.

    Args:
        rows: rows of a block.
    """

    def __init__(self, rows: int) -> None:
        self._generators: list[tuple[np.random.Generator, np.random.Generator] | None] = [None] * rows
        self._uniforms = np.zeros((_AHEAD, rows, 2))
        self._normals = np.zeros((_AHEAD, rows, 2))
        self._now = 0

    def begin(self, row: int, entropy: tuple[int, ...]) -> None:
        """A row takes its numbers from a new seed from now on."""
        sequence = np.random.SeedSequence(entropy)
        one, two = (np.random.Generator(np.random.PCG64(s)) for s in sequence.spawn(2))
        self._generators[row] = one, two
        self._fill(row)

    def take(self, keep: list[int]) -> None:
        """Go on with these rows alone, in this order."""
        self._generators = [self._generators[row] for row in keep]
        self._uniforms, self._normals = self._uniforms[:, keep], self._normals[:, keep]

    def step(self) -> tuple[np.ndarray, np.ndarray]:
        """Uniform numbers and standard normal ones for one step, (rows, 2) each; until the next step."""
        if self._now == _AHEAD:
            self._now = 0
            for row in range(len(self._generators)):
                self._fill(row)
        self._now += 1
        return self._uniforms[self._now - 1], self._normals[self._now - 1]

    def _fill(self, row: int) -> None:
        # Each kind of number has its own generator: how many are drawn at once then changes none.
        generators = self._generators[row]
        if generators is not None:
            self._uniforms[self._now :, row] = generators[0].random((_AHEAD - self._now, 2))
            self._normals[self._now :, row] = generators[1].standard_normal((_AHEAD - self._now, 2))
