"""The seam between drawing lines and computing the network: a block of rows, stepped one point at a time.

`Engine` is what the sampler knows. `NumpyEngine` computes the equations of `strokes.network` in float32 with numpy
alone, and is the reference for faster ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..model import Model

__all__ = ["Engine", "Mixtures", "NumpyEngine", "RowState"]


@dataclass(frozen=True)
class RowState:
    """All that the network carries from point to point in one row. Only an engine looks inside."""

    arrays: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Mixtures:
    """The densities of the next point of every row, and the window that gave them; valid until the next step.

    Attributes:
        outputs: (rows, 1 + 6M) float32, raw outputs of the network.
        phi: (rows, U + 1) float32, window weights at the positions 1 ... U + 1, where U is at least the length of the
            longest text. A row whose text is shorter has weights past its end, too.
    """

    outputs: np.ndarray
    phi: np.ndarray


class Engine(Protocol):
    """A block of rows. A row's numbers must not depend on what stands in the others, nor on how many there are."""

    @property
    def rows(self) -> int:
        """How many rows are stepped together."""

    def load(
        self, row: int, ids: np.ndarray, style: np.ndarray | None = None, state: RowState | None = None
    ) -> None:
        """Put a text into a row.

        Args:
            row: which one.
            ids: (U,) int64, the characters.
            style: a style vector, for models that have one.
            state: where to go on from; the beginning of a line if None.
        """

    def step(self, offsets: np.ndarray) -> Mixtures:
        """Read one point a row, (rows, 3) normalised; rows that hold no text may have any."""

    def snapshot(self, row: int) -> RowState:
        """A copy of what the network carries in a row."""

    def restore(self, row: int, state: RowState) -> None:
        """Put back what `snapshot` gave; the row's text stays."""


# Rows that a matmul has: BLAS adds in another order for another number of rows.
_CHUNK = 8


class NumpyEngine:
    """The network in float32, in numpy.

    The reference for faster engines. Its numbers do not depend on the number of rows as long as BLAS has one thread.

    Args:
        model: weights and sizes.
        rows: rows stepped together.
    """

    def __init__(self, model: Model, rows: int = 8) -> None:
        w = {k: np.ascontiguousarray(v, np.float32) for k, v in model.weights.items()}
        self._rows = rows
        padded = -(-rows // _CHUNK) * _CHUNK
        self._symbols = len(model.alphabet)
        self._components = model.network.window_components

        def stacked(*parts: np.ndarray) -> np.ndarray:
            return np.ascontiguousarray(np.concatenate(parts, axis=1).T)

        self._layers = (
            (stacked(w["layer1_offsets"], w["layer1_window"], w["layer1_hidden"]), w["layer1_bias"]),
            (stacked(w["layer2_input"], w["layer2_hidden"]), w["layer2_bias"]),
            (stacked(w["layer3_input"], w["layer3_hidden"]), w["layer3_bias"]),
        )
        names = [f"layer{i}_style" for i in (1, 2, 3)] if model.network.style else []
        self._style_weights = [w[name] for name in names]
        self._style_biases = [np.zeros((padded, len(weight)), np.float32) for weight in self._style_weights]
        self._projection = stacked(w["window_projection"]), w["window_bias"]
        self._output = stacked(w["output_weight"]), w["output_bias"]
        hidden = model.network.hidden
        sizes = (*[hidden] * 6, self._symbols, self._components)
        # h1, c1, h2, c2, h3, c3, window, kappa
        self._state = tuple(np.zeros((padded, n), np.float32) for n in sizes)
        self._ids: list[np.ndarray] = [np.zeros(0, np.int64)] * padded
        self._offsets = np.zeros((padded, 3), np.float32)

    @property
    def rows(self) -> int:
        """How many rows are stepped together."""
        return self._rows

    def load(
        self, row: int, ids: np.ndarray, style: np.ndarray | None = None, state: RowState | None = None
    ) -> None:
        """See `Engine`."""
        self._ids[row] = ids
        for bias, weight in zip(self._style_biases, self._style_weights, strict=True):
            bias[row] = 0.0 if style is None else weight @ np.asarray(style, np.float32)
        if style is not None and not self._style_weights:
            raise ValueError("this model has no styles")
        if state is not None:
            self.restore(row, state)
        else:
            for part in self._state:
                part[row] = 0.0

    def snapshot(self, row: int) -> RowState:
        """See `Engine`."""
        return RowState(tuple(part[row].copy() for part in self._state))

    def restore(self, row: int, state: RowState) -> None:
        """See `Engine`."""
        for part, kept in zip(self._state, state.arrays, strict=True):
            part[row] = kept

    def step(self, offsets: np.ndarray) -> Mixtures:
        """See `Engine`; Graves 2013, eqs. 46-53."""
        h1, c1, h2, c2, h3, c3, window, kappa = self._state
        x = self._offsets
        x[: self._rows] = offsets
        own: Sequence[np.ndarray | float] = self._style_biases or (0.0, 0.0, 0.0)
        _cell(np.concatenate([x, window, h1], axis=1), *self._layers[0], own[0], h1, c1)
        matrix, bias = self._projection
        p = np.exp(_matmul(h1, matrix) + bias)
        k = self._components
        kappa += p[:, 2 * k :]
        u = np.arange(1, max(map(len, self._ids)) + 2, dtype=np.float32)
        distance = kappa[:, :, None] - u
        phi = (p[:, :k, None] * np.exp(-p[:, k : 2 * k, None] * distance**2)).sum(axis=1)
        # Character by character, in the order of the row's own text, whatever the width of the block.
        for row, ids in enumerate(self._ids):
            window[row] = np.bincount(ids, phi[row, : len(ids)], self._symbols)
        skip = np.concatenate([x, window], axis=1)
        _cell(np.concatenate([skip, h1, h2], axis=1), *self._layers[1], own[1], h2, c2)
        _cell(np.concatenate([skip, h2, h3], axis=1), *self._layers[2], own[2], h3, c3)
        matrix, bias = self._output
        outputs = _matmul(np.concatenate([h1, h2, h3], axis=1), matrix) + bias
        return Mixtures(outputs[: self._rows], phi[: self._rows])


def _matmul(z: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The matmul, always so many rows at a time."""
    out = np.empty((len(z), matrix.shape[1]), np.float32)
    for i in range(0, len(z), _CHUNK):
        np.matmul(z[i : i + _CHUNK], matrix, out=out[i : i + _CHUNK])
    return out


def _cell(
    z: np.ndarray,
    matrix: np.ndarray,
    bias: np.ndarray,
    style: np.ndarray | float,
    h: np.ndarray,
    c: np.ndarray,
) -> None:
    """One LSTM step on inputs and hidden state side by side, z (rows, n); `style` is a bias a row; h and c in place."""
    gates = _matmul(z, matrix)
    gates += bias
    gates += style
    n = h.shape[1]
    # sigmoid(x) = (1 + tanh(x / 2)) / 2 never overflows
    gates[:, : 2 * n] *= 0.5
    gates[:, 3 * n :] *= 0.5
    np.tanh(gates, out=gates)
    gates[:, : 2 * n] = 0.5 + 0.5 * gates[:, : 2 * n]
    gates[:, 3 * n :] = 0.5 + 0.5 * gates[:, 3 * n :]
    i, f, g, o = (gates[:, j * n : (j + 1) * n] for j in range(4))
    np.multiply(f, c, out=c)
    c += i * g
    np.multiply(o, np.tanh(c), out=h)
