"""Which engine computes a model's network."""

from __future__ import annotations

from collections.abc import Callable

from ..artifacts import TensorFile
from ..model import Model
from .engine import Engine
from .onnx_engine import OnnxEngine, Precision, StepSession

__all__ = ["Precision", "make_engines"]


def make_engines(model: Model, precision: Precision = "int8") -> Callable[[int], Engine]:
    """What makes engines of a model, for so many rows each; they share its compiled step.

    Args:
        model: weights and sizes.
        precision: "int8" multiplies hidden states as bytes; "fp32" takes floating-point numbers for everything.

    Raises:
        InputError: the weights are damaged.
    """
    weights = model.weights
    if isinstance(weights, TensorFile):
        session = StepSession.from_file(weights.path, lambda: weights, precision)
    else:
        session = StepSession.from_weights(weights, precision)
    return lambda rows: OnnxEngine(session, rows)
