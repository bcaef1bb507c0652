"""The recogniser as an ONNX graph: one line in, log-probabilities of its frames out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from .config import ReaderConfig
from .features import FEATURES

__all__ = ["build_reader_graph"]

_OPSET, _IR_VERSION = 18, 9


def build_reader_graph(weights: Mapping[str, np.ndarray], config: ReaderConfig) -> bytes:
    """The graph of a recogniser.

    Input: rows (1, FEATURES, T) float32. Output: scores (frames, symbols + 1) float32, log-probabilities.

    Args:
        weights: as `ReaderNetwork.state_dict()` names them.
        config: sizes.

    Returns:
        The serialised model.
    """
    nodes, constants = [], []

    def constant(name: str, value: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(kind: str, *inputs: str, name: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    z = "rows"
    for name, stride in (("conv1", 1), ("conv2", config.stride)):
        kernel = [constant(f"{name}.{part}", weights[f"path.{name}.{part}"]) for part in ("weight", "bias")]
        size = {"kernel_shape": [5], "pads": [2, 2], "strides": [stride]}
        z = node("Conv", z, *kernel, name=name, **size)
        z = node("Mul", z, node("Sigmoid", z, name=f"{name}.sigmoid"), name=f"{name}.silu")
    z = node("Transpose", z, name="frames", perm=[2, 0, 1])  # (frames, 1, 2 channels)
    shape = constant("shape", np.array([0, 0, -1], np.int64))
    for i in range(config.layers):
        w, r, b = (
            constant(f"{part}{i}", value) for part, value in zip("WRB", _lstm(weights, i), strict=True)
        )
        z = node("LSTM", z, w, r, b, name=f"lstm{i}", direction="bidirectional", hidden_size=config.hidden)
        z = node("Transpose", z, name=f"turned{i}", perm=[0, 2, 1, 3])  # (frames, 1, 2, hidden)
        z = node("Reshape", z, shape, name=f"layer{i}")
    z = node("Squeeze", z, constant("axis", np.array([1], np.int64)), name="line")
    z = node("MatMul", z, constant("output", weights["output.weight"].T), name="product")
    z = node("Add", z, constant("bias", weights["output.bias"]), name="sums")
    node("LogSoftmax", z, name="scores", axis=1)
    symbols = len(weights["output.bias"])
    graph = helper.make_graph(
        nodes,
        "reader",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [1, FEATURES, "T"])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["frames", symbols])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    serialised: bytes = model.SerializeToString()
    return serialised


def _lstm(weights: Mapping[str, np.ndarray], layer: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights of both directions, (2, 4H, inputs), (2, 4H, H) and (2, 8H), gates in ONNX's order i, o, f, c."""
    parts: tuple[list[np.ndarray], ...] = ([], [], [])
    for way in ("forwards", "backwards"):
        name = f"path.{way}.{layer}"
        biases = [_reordered(weights[f"{name}.bias_{part}_l0"]) for part in ("ih", "hh")]
        parts[0].append(_reordered(weights[f"{name}.weight_ih_l0"]))
        parts[1].append(_reordered(weights[f"{name}.weight_hh_l0"]))
        parts[2].append(np.concatenate(biases))
    w, r, b = (np.stack(part) for part in parts)
    return w, r, b


def _reordered(gates: np.ndarray) -> np.ndarray:
    """Blocks of rows in the order i, f, g, o (torch) as i, o, f, g (ONNX)."""
    i, f, g, o = np.split(np.asarray(gates, np.float32), 4)
    return np.concatenate([i, o, f, g])
