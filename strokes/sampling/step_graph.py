"""One step of the network as an ONNX graph whose numbers do not depend on what is computed beside them.

A line's ink must be bit for bit the same whatever stands in the other rows, and however many there are. Floating-point
sums depend on their order, and the order within a matmul depends on its shape and on the processor. So in the precision
"int8" every sum is one of integers (`fixed_point`), and what is not a sum is computed element by element:

- matmuls with weights multiply bytes and add in int32;
- phi, the weights of the window, is made of terms that are rounded to multiples of 2^-18: integers in float32, whose
  sums over components and over equal characters are exact as long as phi adds up to less than 64;
- tanh, the logistic function and exp are vectorised, with other code for what is left over at the end of an array.
  Cells and positions are padded to multiples of 16, so that nothing is left over.

In the precision "fp32" the matmuls are floating-point. The kernels for packed weights of onnxruntime add in the
order of the inner dimension however many rows there are; that is observed by tests, not constructed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from onnx import TensorProto, helper

from .graph_arithmetic import (
    PHI_UNIT,
    Arithmetic,
    FixedPoint,
    Float32,
    Graph,
    Hidden,
    Layer,
    Readout,
)

__all__ = ["build_step_graph"]

# exp of less is 0 in units of phi, and of more its sums would not be exact.
_EXPONENTS = -20.0, 20.0
# Floats that the widest vectors hold.
_VECTOR = 16
_OPSET, _IR_VERSION = 18, 9


def build_step_graph(weights: Mapping[str, np.ndarray], precision: str = "int8") -> bytes:
    """The graph of a step: the state and a point a row in, the state and the density of the next point out.

    Inputs, for B rows, A characters, H cells (padded), K components, and positions 1 ... U, of which the last lies
    past the end of every text; U is a multiple of 16:
        offsets (B, 3) float32, normalised; text (B, U, A) float32, one-hot, zero past the end of a text; positions
        (U,) float32: 1 ... U; and the state: h1, h2, h3 (B, H); c1, c2, c3 (B, H); kappa (B, K, 1); and the window
        (B, A), as `window` or as `window_high` and `window_low`, its digits. A line begins where all of it is 0; of
        the parts that are uint8, where they are 128.

    Outputs: outputs (B, 1 + 6M), raw; phi (B, 1, U), the window's weights; and the state after the step, under its
    names with `_next`.

    A network that is conditioned on styles has three inputs more, style1, style2 and style3, (B, 4H) float32: what
    the style of a row adds to the gates of each layer, in the order and with the padding of `Layer`.

    Args:
        weights: as `StrokeNetwork.state_dict()` names them.
        precision: "int8" or "fp32".

    Returns:
        The serialised model.

    Raises:
        KeyError: the weights are not those of a stroke network.
        ValueError: the precision is unknown.
    """
    network = _Network.of(weights)
    graph = Graph()
    arithmetic: Arithmetic
    if precision == "int8":
        arithmetic = FixedPoint(graph, network.layers, network.symbols)
    elif precision == "fp32":
        arithmetic = Float32(graph, network.layers, network.symbols)
    else:
        raise ValueError(f"the precision is {precision!r}; it must be 'int8' or 'fp32'")
    _step(graph, arithmetic, network)
    return _serialised(graph, arithmetic, network)


def _step(graph: Graph, arithmetic: Arithmetic, network: _Network) -> None:
    """Graves 2013, eqs. 46-53, without peephole weights."""
    x = arithmetic.offsets("offsets")
    layer1, layer2, layer3 = network.layers

    def cell(number: int, gates: str) -> Hidden:
        if network.styled:
            gates = graph.op("Add", gates, f"style{number}")
        return _cell(graph, arithmetic, number, gates)

    h1 = cell(1, arithmetic.gates(layer1, ("h1",), x, tuple(arithmetic.window_state)))
    window = _window(graph, arithmetic, network, h1)
    h2 = cell(2, arithmetic.gates(layer2, (h1.state, "h2"), x, window))
    h3 = cell(3, arithmetic.gates(layer3, (h2.state, "h3"), x, window))
    arithmetic.readout((h1, h2, h3), network.output, name="outputs")


def _cell(graph: Graph, arithmetic: Arithmetic, layer: int, gates: str) -> Hidden:
    """One LSTM step from gates before activation."""
    cells = arithmetic.cells
    sigmoids, tanh = graph.split(gates, 3 * cells, cells)
    i, f, o = graph.split(graph.op("Sigmoid", sigmoids), cells, cells, cells)
    kept, new = graph.op("Mul", f, f"c{layer}"), graph.op("Mul", i, graph.op("Tanh", tanh))
    cell = graph.op("Add", kept, new, name=f"c{layer}_next")
    return arithmetic.hidden(o, graph.op("Tanh", cell), name=f"h{layer}_next")


def _window(graph: Graph, arithmetic: Arithmetic, network: _Network, h1: Hidden) -> tuple[str, ...]:
    """Eqs. 46-51: phi and kappa, and the window as the layers read it."""
    k = network.components
    padding = network.projection.weight.shape[1] - 3 * k
    # (B, n, 1), to be spread over the positions
    parameters = graph.op("Unsqueeze", arithmetic.readout((h1,), network.projection), graph.integers(2))
    alpha_hat, others = graph.split(parameters, k, 2 * k + padding)
    beta, step, *_ = graph.split(graph.op("Exp", others), k, k, padding)
    distance = graph.op("Sub", graph.op("Add", "kappa", step, name="kappa_next"), "positions")
    decay = graph.op("Mul", graph.op("Mul", distance, distance), beta)
    # alpha is within the exponential; so is 1 / unit, in its bias.
    exponent = graph.op("Clip", graph.op("Sub", alpha_hat, decay), *map(graph.scalar, _EXPONENTS))
    terms = graph.op("Round", graph.op("Exp", exponent))
    phi = graph.op("ReduceSum", terms, graph.integers(1), keepdims=1)
    graph.op("Mul", phi, graph.scalar(PHI_UNIT), name="phi")
    return arithmetic.window(graph.op("Squeeze", graph.op("MatMul", phi, "text"), graph.integers(1)))


@dataclass(frozen=True)
class _Network:
    """A network's weights in float64, the way the graph multiplies by them."""

    symbols: int
    components: int
    styled: bool
    layers: tuple[Layer, Layer, Layer]
    projection: Readout
    output: Readout

    @classmethod
    def of(cls, weights: Mapping[str, np.ndarray]) -> _Network:
        w = {name: np.asarray(values, np.float64) for name, values in weights.items()}
        size, symbols = w["layer1_hidden"].shape[1], w["layer1_window"].shape[1]
        k = len(w["window_bias"]) // 3

        def upper(layer: int) -> Layer:
            below = w[f"layer{layer}_input"]
            hidden = np.concatenate([below[:, 3 + symbols :], w[f"layer{layer}_hidden"]], axis=1)
            offsets, window = below[:, :3], below[:, 3 : 3 + symbols]
            return _layer(size, offsets, window, hidden, w[f"layer{layer}_bias"])

        layer1 = (w[f"layer1_{name}"] for name in ("offsets", "window", "hidden", "bias"))
        # alpha_hat; beta_hat and kappa_hat, of which exp is taken, padded for it
        padding = -2 * k % _VECTOR
        projection_bias = np.pad(w["window_bias"], (0, padding))
        projection_bias[:k] -= np.log(PHI_UNIT)
        return cls(
            symbols=symbols,
            components=k,
            styled="layer1_style" in w,
            layers=(_layer(size, *layer1), upper(2), upper(3)),
            projection=Readout(
                np.pad(_by_cell(w["window_projection"], size), ((0, 0), (0, padding))), projection_bias
            ),
            output=Readout(_by_cell(w["output_weight"], size), w["output_bias"]),
        )


def _layer(size: int, offsets: np.ndarray, window: np.ndarray, hidden: np.ndarray, bias: np.ndarray) -> Layer:
    def by_gate(weight: np.ndarray) -> np.ndarray:
        """(n, 4 size), gates in the order i, f, g, o -> (n, 4H)."""
        gates = weight.reshape(len(weight), 4, size)[:, [0, 1, 3, 2]]
        return np.pad(gates, ((0, 0), (0, 0), (0, -size % _VECTOR))).reshape(len(weight), -1)

    return Layer(
        by_gate(offsets.T), by_gate(window.T), by_gate(_by_cell(hidden, size)), by_gate(bias[None])[0]
    )


def _by_cell(weight: np.ndarray, size: int) -> np.ndarray:
    """(N, n size) -> (n H, N)."""
    parts = weight.T.reshape(-1, size, len(weight))
    return np.pad(parts, ((0, 0), (0, -size % _VECTOR), (0, 0))).reshape(-1, len(weight))


def _serialised(graph: Graph, arithmetic: Arithmetic, network: _Network) -> bytes:
    info, real = helper.make_tensor_value_info, TensorProto.FLOAT
    state: dict[str, tuple[int, ...]] = {
        f"h{layer}": (arithmetic.type, arithmetic.cells) for layer in (1, 2, 3)
    }
    state |= {f"c{layer}": (real, arithmetic.cells) for layer in (1, 2, 3)}
    state |= {"kappa": (real, network.components, 1)}
    state |= {name: (arithmetic.type, columns) for name, columns in arithmetic.window_state.items()}
    inputs = [
        info("offsets", real, ["B", 3]),
        info("text", real, ["B", "U", network.symbols]),
        info("positions", real, ["U"]),
        *(
            info(f"style{layer}", real, ["B", 4 * arithmetic.cells])
            for layer in ((1, 2, 3) if network.styled else ())
        ),
        *(info(name, kind, ["B", *shape]) for name, (kind, *shape) in state.items()),
    ]
    outputs = [
        info("outputs", real, ["B", len(network.output.bias)]),
        info("phi", real, ["B", 1, "U"]),
        *(info(f"{name}_next", kind, ["B", *shape]) for name, (kind, *shape) in state.items()),
    ]
    body = helper.make_graph(graph.nodes, "step", inputs, outputs, list(graph.constants.values()))
    opset = helper.make_opsetid("", _OPSET)
    model = helper.make_model(body, opset_imports=[opset], ir_version=_IR_VERSION, producer_name="strokes")
    return bytes(model.SerializeToString())
