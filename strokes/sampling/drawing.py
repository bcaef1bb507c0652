"""Drawing the next point of every row from its mixture density."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["MAX_CORRELATION", "draw_offsets"]

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
