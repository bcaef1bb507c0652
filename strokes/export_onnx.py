"""The step network for other runtimes: step.onnx, and step.json, which says how to write with it.

The graph is of the ONNX standard alone. In the precision "int8" it computes, bit for bit, what `strokes` writes with.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import onnx

from .documents import encode_json
from .files import make_folder, write_whole
from .model import Model
from .network.config import NetworkConfig
from .preprocessing import Preprocessing
from .sampling.drawing import MAX_CORRELATION
from .sampling.step_graph import build_step_graph
from .sampling.stopping import StoppingRules

__all__ = ["DESCRIPTION", "GRAPH", "StepDescription", "TensorDescription", "export_onnx"]

#: The two files.
GRAPH, DESCRIPTION = "step.onnx", "step.json"

# Types of tensors, and what stands for 0 in a state of that type.
_TYPES: dict[int, tuple[str, int]] = {
    onnx.TensorProto.FLOAT: ("float32", 0),
    onnx.TensorProto.UINT8: ("uint8", 128),
}
_MEANINGS = {
    "offsets": "the point drawn last: dx, dy, end_of_stroke, normalised; zeros, the starting point, at first",
    "text": "one-hot characters, 0 from the end of a text on; U is a multiple of 16, larger than any text",
    "positions": "1, 2, ..., U",
    "outputs": "raw parameters of the density of the next point; see writing",
    "phi": "the weights of the window that led to outputs, at the positions 1 ... U",
}
_WRITING = """
Text: the id of a character is 1 + its index in alphabet, or 0 if it is not there. Append stopping.next_word to the
text of a line (n characters), so that the network knows that words may follow, and make it one-hot.

Begin: every part of the state is filled with its `begin`, offsets are 0. The lines of a batch are independent.

Step: run the graph, draw a point from outputs, and feed it as offsets with the state that came with it.

Draw: with M = network.mixture_components and a bias b (0: as varied as the data, 1: neat), outputs hold the logit e of
the end of a stroke, and M values each of: component logits p, means mx, means my, log scales lx, log scales ly,
correlations r. Choose a component j with probability softmax((1 + b) p)[j]. Let sx = max(exp(lx[j]),
network.scale_floor) exp(-b), sy likewise, rho = max_correlation tanh(r[j]), and u, v standard normal. Then dx = mx[j] +
sx u, dy = my[j] + sy (rho u + sqrt(1 - rho^2) v), and end_of_stroke is 1 with probability 1 / (1 + exp(-e)), else 0.

Random numbers: for the ink of strokes with the same seed, spawn two of numpy.random.SeedSequence((seed, line, word,
try)), all counted from 0, and a numpy.random.PCG64 generator of each. At each step take two uniform numbers from the
first (for the component, by its cumulative probability, and for the end of the stroke) and two normal ones from the
second (u and v). A line begins with word 0, try 0; where strokes goes back because a word went wrong, it goes on with
that word and its next try.

Ink: the pen begins at the origin. A point moves it by dx preprocessing.statistics.std[0] +
preprocessing.statistics.mean[0] to the right and by dy std[1] + mean[1] down. A point with end_of_stroke is the last of
its stroke. The x-height of a usual line is preprocessing.x_height.

Stop: the window is past the text when phi at the positions of next_word adds up to more than phi has at any position of
the text. A line ends before a point that begins a stroke past the text if that moves the pen more than
stopping.next_word_step spreads (standard deviations of y) to the right while phi is largest past the text; if it begins
more than stopping.late_strokes strokes past the text, or more than stopping.late_right to the right of where the pen
was lifted. If the text ends in a full stop, and a dot smaller than stopping.dot spreads is drawn with the window at its
end, the next stroke to the right ends the line. If phi becomes largest at n + 3 or later, the line ended where the
window first went past the text. A line has failed after stopping.longest preprocessing.points_per_character n +
stopping.margin points.
"""


@dataclass(frozen=True)
class TensorDescription:
    """An input or output of the graph.

    Attributes:
        name: in the graph.
        type: "float32" or "uint8".
        shape: numbers, or "B", the number of lines, and "U", the number of positions.
        meaning: in words.
        begin: what a part of the state is filled with where a line begins.
    """

    name: str
    type: str
    shape: tuple[int | str, ...]
    meaning: str
    begin: int | None = None


@dataclass(frozen=True)
class StepDescription:
    """step.json.

    Attributes:
        precision: of the graph, "int8" or "fp32".
        alphabet: characters, in the order of their ids, from 1.
        network: sizes.
        preprocessing: how ink comes from offsets.
        stopping: constants of stopping.
        max_correlation: of a component.
        inputs, outputs: of the graph.
        writing: how to write with it.
        format: version of this document.
    """

    precision: str
    alphabet: str
    network: NetworkConfig
    preprocessing: Preprocessing
    stopping: StoppingRules
    max_correlation: float
    inputs: tuple[TensorDescription, ...]
    outputs: tuple[TensorDescription, ...]
    writing: tuple[str, ...] = tuple(" ".join(part.split()) for part in _WRITING.split("\n\n"))
    format: str = "strokes-step-1"


def export_onnx(
    model: Model,
    folder: str | os.PathLike[str],
    *,
    precision: str = "int8",
    rules: StoppingRules | None = None,
) -> StepDescription:
    """Write step.onnx and step.json into a folder, which is made if need be.

    Args:
        model: whose network.
        folder: where to.
        precision: "int8", as `strokes` writes with, or "fp32".
        rules: constants of stopping; the usual ones if None.

    Returns:
        What step.json says.

    Raises:
        InputError: the folder cannot be made or written to.
        ValueError: the precision is unknown.
    """
    graph = build_step_graph(model.weights, precision)
    body = onnx.load_from_string(graph).graph
    description = StepDescription(
        precision=precision,
        alphabet=model.alphabet.characters,
        network=model.network,
        preprocessing=model.preprocessing,
        stopping=rules or StoppingRules(),
        max_correlation=MAX_CORRELATION,
        inputs=tuple(map(_input, body.input)),
        outputs=tuple(map(_output, body.output)),
    )
    folder = make_folder(folder)
    write_whole(folder / GRAPH, graph)
    write_whole(folder / DESCRIPTION, encode_json(description))
    return description


def _input(value: onnx.ValueInfoProto) -> TensorDescription:
    kind, zero = _TYPES[value.type.tensor_type.elem_type]
    if value.name in _MEANINGS:
        return TensorDescription(value.name, kind, _shape(value), _MEANINGS[value.name])
    meaning = f"state: what the step before gave as {value.name}_next"
    return TensorDescription(value.name, kind, _shape(value), meaning, begin=zero)


def _output(value: onnx.ValueInfoProto) -> TensorDescription:
    kind, _ = _TYPES[value.type.tensor_type.elem_type]
    carried = f"state: to be fed to the next step as {value.name.removesuffix('_next')}"
    return TensorDescription(value.name, kind, _shape(value), _MEANINGS.get(value.name, carried))


def _shape(value: onnx.ValueInfoProto) -> tuple[int | str, ...]:
    return tuple(d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim)
