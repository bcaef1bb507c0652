"""The network one point at a time, in numpy: what writes a line without waiting for torch.

The same equations as `strokes.network`, which tests hold it to. A block of rows always has the same
number of rows, used or not, so that a line's numbers never depend on what is written beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..model import Model

__all__ = ["BLOCK", "Engine", "State"]

#: Rows computed together.
BLOCK = 8

_MAX_CORRELATION = 1 - 2e-4


@dataclass
class State:
    """As `strokes.network.RecurrentState`, in numpy, for BLOCK rows; `Engine.step` changes it in place."""

    h1: np.ndarray
    c1: np.ndarray
    h2: np.ndarray
    c2: np.ndarray
    h3: np.ndarray
    c3: np.ndarray
    window: np.ndarray
    kappa: np.ndarray


class Engine:
    """A model's network, ready to step.

    Args:
        model: weights and sizes.

    Raises:
        KeyError: the weights are not those of a stroke network.
    """

    def __init__(self, model: Model) -> None:
        w = {k: np.ascontiguousarray(v, np.float32) for k, v in model.weights.items()}
        self.symbols = len(model.alphabet)
        self.hidden = w["layer1_hidden"].shape[1]
        self.components = w["window_bias"].shape[0] // 3
        self.scale_floor = float(model.network.get("scale_floor", 0.0))

        def stacked(*parts: np.ndarray) -> np.ndarray:
            return np.ascontiguousarray(np.concatenate(parts, axis=1).T)

        self._layers = [
            (stacked(w["layer1_offsets"], w["layer1_window"], w["layer1_hidden"]), w["layer1_bias"]),
            (stacked(w["layer2_input"], w["layer2_hidden"]), w["layer2_bias"]),
            (stacked(w["layer3_input"], w["layer3_hidden"]), w["layer3_bias"]),
        ]
        self._projection = stacked(w["window_projection"]), w["window_bias"]
        self._output = stacked(w["output_weight"]), w["output_bias"]

    def initial_state(self) -> State:
        def zeros(n: int) -> np.ndarray:
            return np.zeros((BLOCK, n), np.float32)

        cells = [zeros(self.hidden) for _ in range(6)]
        return State(*cells, window=zeros(self.symbols), kappa=zeros(self.components))

    def encode(self, texts: list[np.ndarray]) -> np.ndarray:
        """One-hot (BLOCK, U, A) of up to BLOCK arrays of ids; zero rows past the end of a text."""
        out = np.zeros((BLOCK, max(map(len, texts)), self.symbols), np.float32)
        for row, ids in zip(out, texts, strict=False):
            row[np.arange(len(ids)), ids] = 1.0
        return out

    def step(self, offsets: np.ndarray, text: np.ndarray, state: State) -> tuple[np.ndarray, np.ndarray]:
        """Read one point a row, (BLOCK, 3); text one-hot (BLOCK, U, A).

        Returns:
            outputs (BLOCK, 1 + 6M), raw, for the next point, and phi (BLOCK, U + 1) at the positions
            1 ... U + 1, the last of which lies past the end of the longest text.
        """
        s = state
        x = offsets.astype(np.float32)
        _cell(np.concatenate([x, s.window, s.h1], axis=1), *self._layers[0], s.h1, s.c1)
        matrix, bias = self._projection
        p = np.exp(s.h1 @ matrix + bias)
        k = self.components
        s.kappa += p[:, 2 * k :]
        u = np.arange(1, text.shape[1] + 2, dtype=np.float32)
        distance = s.kappa[:, :, None] - u
        phi = (p[:, :k, None] * np.exp(-p[:, k : 2 * k, None] * distance**2)).sum(axis=1)
        s.window[:] = (phi[:, None, :-1] @ text)[:, 0]
        skip = np.concatenate([x, s.window], axis=1)
        _cell(np.concatenate([skip, s.h1, s.h2], axis=1), *self._layers[1], s.h2, s.c2)
        _cell(np.concatenate([skip, s.h2, s.h3], axis=1), *self._layers[2], s.h3, s.c3)
        matrix, bias = self._output
        return np.concatenate([s.h1, s.h2, s.h3], axis=1) @ matrix + bias, phi

    def draw(self, output: np.ndarray, bias: float, rng: np.random.Generator) -> tuple[float, float, float]:
        """One offset from one row of outputs, (1 + 6M,): Graves 2013, eqs. 18-25, 61 and 62."""
        m = (len(output) - 1) // 6
        y = output.astype(np.float64)
        weights = np.exp((y[1 : 1 + m] - y[1 : 1 + m].max()) * (1 + bias))
        pick, end = rng.random(2)
        j = min(int(np.searchsorted(np.cumsum(weights), pick * weights.sum(), side="right")), m - 1)
        a, b = rng.standard_normal(2)
        mean_x, mean_y = y[1 + m + j], y[1 + 2 * m + j]
        scale_x, scale_y = np.maximum(np.exp(y[[1 + 3 * m + j, 1 + 4 * m + j]]), self.scale_floor) * np.exp(
            -bias
        )
        rho = np.tanh(y[1 + 5 * m + j]) * _MAX_CORRELATION
        return (
            mean_x + scale_x * a,
            mean_y + scale_y * (rho * a + np.sqrt(1 - rho * rho) * b),
            float(end < 1 / (1 + np.exp(-y[0]))),
        )


def _cell(z: np.ndarray, matrix: np.ndarray, bias: np.ndarray, h: np.ndarray, c: np.ndarray) -> None:
    """One LSTM step on inputs and hidden state side by side, z (BLOCK, n); h and c in place."""
    gates = z @ matrix
    gates += bias
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
