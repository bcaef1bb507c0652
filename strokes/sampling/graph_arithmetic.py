"""The sums of a step, in floating-point numbers or in integers, as nodes of an ONNX graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .fixed_point import (
    HIDDEN_UNIT,
    OFFSET_UNIT,
    RADIX,
    WINDOW_UNIT,
    IntegerWeights,
    offset_copies,
    quantise_gates,
    quantise_readout,
)

__all__ = [
    "PHI_UNIT",
    "Arithmetic",
    "FixedPoint",
    "Float32",
    "Graph",
    "Hidden",
    "Layer",
    "Readout",
]

#: Of phi within a graph.
PHI_UNIT = 2.0**-18

_ZERO = 128  # the byte that stands for 0


class Layer(NamedTuple):
    """offsets (3, 4H), window (A, 4H), hidden (n H, 4H) and bias (4H,): gates in the order i, f, o, g.

    H is padded with cells whose weights are 0, and so is what they give.
    """

    offsets: np.ndarray
    window: np.ndarray
    hidden: np.ndarray
    bias: np.ndarray


class Readout(NamedTuple):
    """weight (n H, N) and bias (N,) of what is read from n layers."""

    weight: np.ndarray
    bias: np.ndarray


class Hidden(NamedTuple):
    """What a layer gives: h (B, H) float32, and h as it is carried and multiplied within the layers."""

    real: str
    state: str


class Arithmetic(Protocol):
    """All that is a sum over weights, and the form of what is multiplied by them."""

    type: int
    """Of the state's h and window."""
    window_state: Mapping[str, int]
    """Names of the state's window, with columns."""
    cells: int

    def offsets(self, name: str) -> tuple[str, ...]: ...

    def hidden(self, gate: str, tanh: str, name: str) -> Hidden:
        """The output gate times tanh of the cell."""

    def window(self, total: str) -> tuple[str, ...]:
        """The state's window from sums (B, A) in units of phi."""

    def gates(
        self, layer: Layer, hidden: Sequence[str], offsets: tuple[str, ...], window: tuple[str, ...]
    ) -> str:
        """(B, 4H) before activation."""

    def readout(self, hidden: Sequence[Hidden], weights: Readout, name: str | None = None) -> str: ...


class Float32:
    """Floating-point sums."""

    type: int = TensorProto.FLOAT

    def __init__(self, graph: Graph, layers: Sequence[Layer], symbols: int) -> None:
        self._graph = graph
        self.window_state: Mapping[str, int] = {"window": symbols}
        self.cells = len(layers[0].hidden)

    def offsets(self, name: str) -> tuple[str, ...]:
        return (name,)

    def hidden(self, gate: str, tanh: str, name: str) -> Hidden:
        h = self._graph.op("Mul", gate, tanh, name=name)
        return Hidden(h, h)

    def window(self, total: str) -> tuple[str, ...]:
        return (self._graph.op("Mul", total, self._graph.scalar(PHI_UNIT), name="window_next"),)

    def gates(
        self, layer: Layer, hidden: Sequence[str], offsets: tuple[str, ...], window: tuple[str, ...]
    ) -> str:
        inputs = self._graph.concat(*hidden, *offsets, *window)
        return self._product(inputs, np.concatenate([layer.hidden, layer.offsets, layer.window]), layer.bias)

    def readout(self, hidden: Sequence[Hidden], weights: Readout, name: str | None = None) -> str:
        return self._product(self._graph.concat(*(h.real for h in hidden)), *weights, name=name)

    def _product(self, x: str, weight: np.ndarray, bias: np.ndarray, name: str | None = None) -> str:
        graph = self._graph
        product = graph.op("MatMul", x, graph.constant(weight.astype(np.float32)))
        return graph.op("Add", product, graph.constant(bias.astype(np.float32)), name=name)


class FixedPoint:
    """Sums of integers; see `fixed_point`."""

    type: int = TensorProto.UINT8

    def __init__(self, graph: Graph, layers: Sequence[Layer], symbols: int) -> None:
        self._graph = graph
        self.window_state: Mapping[str, int] = {"window_high": symbols, "window_low": symbols}
        self.cells = len(layers[0].hidden)
        self._copies = offset_copies([layer[:3] for layer in layers])

    def offsets(self, name: str) -> tuple[str, ...]:
        return self._digits(name, OFFSET_UNIT)

    def hidden(self, gate: str, tanh: str, name: str) -> Hidden:
        h = self._graph.op("Mul", gate, tanh)
        return Hidden(h, self._quantised(h, RADIX * HIDDEN_UNIT, name))

    def window(self, total: str) -> tuple[str, ...]:
        return self._digits(total, WINDOW_UNIT / PHI_UNIT, *(f"{name}_next" for name in self.window_state))

    def gates(
        self, layer: Layer, hidden: Sequence[str], offsets: tuple[str, ...], window: tuple[str, ...]
    ) -> str:
        weights = quantise_gates(*layer[:3], copies=self._copies)
        (high, low), copies = offsets, self._copies
        fine = self._graph.concat(*hidden, high, *[low] * copies, *window)
        return self._sums(fine, self._graph.concat(*[high] * copies, window[0]), weights, layer.bias)

    def readout(self, hidden: Sequence[Hidden], weights: Readout, name: str | None = None) -> str:
        high = self._graph.concat(*(h.state for h in hidden))
        low = (self._remainder(h.real, h.state, HIDDEN_UNIT) for h in hidden)
        quantised = quantise_readout(weights.weight)
        return self._sums(self._graph.concat(high, *low), high, quantised, weights.bias, name)

    def _quantised(self, x: str, unit: float, name: str | None = None) -> str:
        return self._graph.op(
            "QuantizeLinear", x, self._graph.scalar(unit), self._graph.zero_point, name=name
        )

    def _remainder(self, x: str, high: str, unit: float, name: str | None = None) -> str:
        """The second digit of x, whose first is `high`."""
        graph = self._graph
        rounded = graph.op("DequantizeLinear", high, graph.scalar(RADIX * unit), graph.zero_point)
        return self._quantised(graph.op("Sub", x, rounded), unit, name)

    def _digits(
        self, x: str, unit: float, high_name: str | None = None, low_name: str | None = None
    ) -> tuple[str, str]:
        high = self._quantised(x, RADIX * unit, high_name)
        return high, self._remainder(x, high, unit, low_name)

    def _sums(
        self, fine: str, coarse: str, weights: IntegerWeights, bias: np.ndarray, name: str | None = None
    ) -> str:
        graph = self._graph
        small = graph.integer_matmul(fine, weights.fine, weights.scale, bias.astype(np.float32))
        large = graph.integer_matmul(coarse, weights.coarse, weights.coarse_scale)
        return graph.op("Add", small, large, name=name)


class Graph:
    """Nodes and constants, as they are added."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[bytes, onnx.TensorProto] = {}
        self._known: dict[tuple[object, ...], str] = {}

    def op(self, kind: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """Add a node with one output, unless the same is there already, and return the output's name."""
        key = (kind, inputs, tuple(attributes.items()))
        if name is None and key in self._known:
            return self._known[key]
        output = name or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        self._known[key] = output
        return output

    def split(self, x: str, *sizes: int) -> list[str]:
        """Parts of x along its second dimension; none for sizes of 0."""
        present = [size for size in sizes if size]
        outputs = [f"Split_{len(self.nodes)}_{i}" for i in range(len(present))]
        self.nodes.append(helper.make_node("Split", [x, self.integers(*present)], outputs, axis=1))
        return outputs

    def concat(self, *parts: str) -> str:
        """Along the second dimension."""
        return self.op("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]

    @property
    def zero_point(self) -> str:
        return self.constant(np.array(_ZERO, np.uint8))

    def constant(self, array: np.ndarray) -> str:
        key = b"%r %r " % (array.dtype.str, array.shape) + array.tobytes()
        if key not in self.constants:
            name = f"constant_{len(self.constants)}"
            self.constants[key] = numpy_helper.from_array(np.array(array, order="C"), name)
        return str(self.constants[key].name)

    def scalar(self, value: float) -> str:
        return self.constant(np.array(value, np.float32))

    def integers(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def integer_matmul(
        self, x: str, weight: np.ndarray, scale: np.ndarray, bias: np.ndarray | None = None
    ) -> str:
        """Sums over bytes x (B, n), of which 128 is 0, times weight (n, N) int8, times scale (N,), plus bias (N,)."""
        sums = self.op("MatMulInteger", x, self.constant(weight), self.zero_point)
        # Not onnxruntime's operator for all of this: on arm64 it rounds once where there are two operations.
        scaled = self.op("Mul", self.op("Cast", sums, to=TensorProto.FLOAT), self.constant(scale))
        return scaled if bias is None else self.op("Add", scaled, self.constant(bias))
