"""The network on onnxruntime: an `Engine` whose rows do not know of each other.

`StepSession` holds the compiled step of one model; engines of any number of rows, in any number of threads, share it.
onnxruntime lets go of the interpreter while it computes, so two engines in two threads use two cores.

What a row computes is the same, bit for bit, however many rows an engine has, whatever stands in them, and in whatever
thread it is stepped: see `step_graph`. Each run of the session has one thread.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from .cache import cached, keep
from .engine import Mixtures, RowState

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["OnnxEngine", "Precision", "StepSession"]

#: "int8": exact sums of integers; "fp32": floating-point numbers.
Precision = Literal["int8", "fp32"]

# Positions of a text are padded to multiples of this; see `step_graph`.
_POSITIONS = 16
# The graph's builders; cached graphs are those of this source code. The number is for installations without it.
_VERSION = b"1"
_BUILDERS = ("step_graph.py", "graph_arithmetic.py", "fixed_point.py")

_TYPES: dict[str, type[np.generic]] = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8}
# The byte that stands for 0.
_ZERO = 128


class _Part(NamedTuple):
    """Of the state: its name, type, and shape (of a row)."""

    name: str
    type: type[np.generic]
    shape: tuple[int, ...]

    @property
    def zero(self) -> int:
        return _ZERO if self.type is np.uint8 else 0


class StepSession:
    """A network's step, compiled.

    Args:
        graph: from `step_graph.build_step_graph`.
        weights: gives the network's weights when a style asks for them.
    """

    def __init__(self, graph: bytes, weights: Callable[[], Mapping[str, np.ndarray]] | None = None) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        # The graph is as it should be; to look for improvements takes longer than to load it.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 3
        # Its kernels differ between one row and several.
        options.add_session_config_entry("mlas.disable_kleidiai", "1")
        self.session: onnxruntime.InferenceSession = onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"]
        )
        inputs = {node.name: node for node in self.session.get_inputs()}
        outputs = {node.name: node for node in self.session.get_outputs()}
        self.symbols: int = inputs["text"].shape[2]
        self.output_size: int = outputs["outputs"].shape[1]
        self.state = tuple(
            _Part(name, _TYPES[node.type], tuple(node.shape[1:]))
            for name, node in inputs.items()
            if f"{name}_next" in outputs
        )
        #: Columns of what a style adds to the gates of a layer; 0 for a network without styles.
        self.style_size: int = inputs["style1"].shape[1] if "style1" in inputs else 0
        self._weights = weights
        self._style_weights: list[np.ndarray] = []

    def style_biases(self, style: np.ndarray) -> list[np.ndarray]:
        """What a style vector (S,) adds to the gates of each layer, (4H,) each, in the graph's order and padding."""
        if not self._style_weights:
            assert self._weights is not None
            named = self._weights()
            self._style_weights = [np.asarray(named[f"layer{i}_style"], np.float32) for i in (1, 2, 3)]
        if np.shape(style) != (self._style_weights[0].shape[1],):
            raise ValueError(
                f"the style has shape {np.shape(style)}; this model's have {self._style_weights[0].shape[1]} numbers"
            )
        gates = [
            (w @ np.asarray(style, np.float32)).reshape(4, -1)[[0, 1, 3, 2]] for w in self._style_weights
        ]
        padding = self.style_size // 4 - gates[0].shape[1]
        return [np.pad(g, ((0, 0), (0, padding))).ravel() for g in gates]

    @classmethod
    def from_file(
        cls,
        path: Path,
        weights: Callable[[], Mapping[str, np.ndarray]],
        precision: Precision = "int8",
    ) -> StepSession:
        """Compile the network of a file of weights.

        Args:
            path: model.safetensors; only its bytes are looked at, to know it again.
            weights: called for the content of the file if its graph is not in the cache.
            precision: see `Precision`.

        Raises:
            OSError: the file cannot be read.
        """
        return cls._from_digest(hashlib.blake2b(path.read_bytes()).digest(), weights, precision)

    @classmethod
    def from_weights(
        cls, weights: Mapping[str, np.ndarray], precision: Precision = "int8", *, cache: bool = False
    ) -> StepSession:
        """Compile the network of a model in memory.

        Args:
            weights: as `StrokeNetwork.state_dict()` names them, float32.
            precision: see `Precision`.
            cache: whether its graph is kept; those of a training would push out those that are used every day.
        """
        if not cache:
            from .step_graph import build_step_graph

            return cls(build_step_graph(weights, precision))
        digest = hashlib.blake2b()
        for name in sorted(weights):
            values = np.ascontiguousarray(weights[name], np.float32)
            digest.update(f"{name} {values.shape} ".encode())
            digest.update(values.data)
        return cls._from_digest(digest.digest(), lambda: weights, precision)

    @classmethod
    def _from_digest(
        cls, digest: bytes, weights: Callable[[], Mapping[str, np.ndarray]], precision: Precision
    ) -> StepSession:
        key = hashlib.blake2b(b" ".join([digest, _builders(), precision.encode()]), digest_size=20)
        name = f"step-{precision}-{key.hexdigest()}"
        graph = cached(name)
        if graph is not None:
            return cls(graph, weights)
        from .step_graph import build_step_graph

        graph = build_step_graph(weights(), precision)
        keep(name, graph)
        return cls(graph, weights)


def _builders() -> bytes:
    """The version of the code that builds graphs."""
    try:
        return b" ".join(Path(__file__).with_name(name).read_bytes() for name in _BUILDERS)
    except OSError:
        return _VERSION


class OnnxEngine:
    """A block of rows of one network; see `Engine`. To be used by one thread at a time.

    Args:
        session: the network.
        rows: rows stepped together.

    Raises:
        ValueError: there is no row.
    """

    def __init__(self, session: StepSession, rows: int = 8) -> None:
        if rows < 1:
            raise ValueError(f"an engine of {rows} rows; it needs at least 1")
        self._session = session
        self._rows = rows
        self._lengths = np.zeros(rows, np.int64)
        self._offsets = np.zeros((rows, 3), np.float32)
        self._outputs = np.zeros((rows, session.output_size), np.float32)
        layers = (1, 2, 3) if session.style_size else ()
        self._styles = {f"style{i}": np.zeros((rows, session.style_size), np.float32) for i in layers}
        # A step reads one of the two states and writes the other.
        self._states = tuple(
            tuple(np.full((rows, *part.shape), part.zero, part.type) for part in session.state)
            for _ in range(2)
        )
        self._now = 0
        self._text = np.zeros((rows, 0, session.symbols), np.float32)
        self._make_room(0)

    @property
    def rows(self) -> int:
        """How many rows are stepped together."""
        return self._rows

    def load(
        self, row: int, ids: np.ndarray, style: np.ndarray | None = None, state: RowState | None = None
    ) -> None:
        """See `Engine`.

        Raises:
            IndexError: there is no such row.
            ValueError: the text is not of the network's characters, or the state is of another network; the row
                stays as it is.
        """
        if style is not None and not self._styles:
            raise ValueError("this model has no styles")
        self._check_row(row)
        if self._styles:
            biases: Sequence[np.ndarray | float] = (0.0, 0.0, 0.0)
            if style is not None:
                biases = self._session.style_biases(style)
            for array, bias in zip(self._styles.values(), biases, strict=True):
                array[row] = bias
        ids = np.asarray(ids, np.int64)
        if ids.ndim != 1 or (ids.size and not 0 <= ids.min() <= ids.max() < self._session.symbols):
            raise ValueError(f"a text must be characters from 0 to {self._session.symbols - 1}")
        if state is not None:
            self.restore(row, state)
        else:
            for part, values in zip(self._session.state, self._states[self._now], strict=True):
                values[row] = part.zero
        self._text[row] = 0.0
        self._lengths[row] = len(ids)
        self._make_room(int(self._lengths.max()))
        self._text[row, np.arange(len(ids)), ids] = 1.0

    def step(self, offsets: np.ndarray) -> Mixtures:
        """See `Engine`. What is returned is overwritten by the next step."""
        np.copyto(self._offsets, offsets)
        self._session.session.run_with_iobinding(self._bindings[self._now])
        self._now = 1 - self._now
        return Mixtures(self._outputs, self._visible_phi)

    def snapshot(self, row: int) -> RowState:
        """See `Engine`."""
        self._check_row(row)
        return RowState(tuple(values[row].copy() for values in self._states[self._now]))

    def restore(self, row: int, state: RowState) -> None:
        """See `Engine`.

        Raises:
            ValueError: the state is of another network; the row stays as it is.
        """
        self._check_row(row)
        expected = [(part.shape, np.dtype(part.type)) for part in self._session.state]
        if [(values.shape, values.dtype) for values in state.arrays] != expected:
            raise ValueError("this state is not one of this network in this precision")
        for values, kept in zip(self._states[self._now], state.arrays, strict=True):
            values[row] = kept

    def _check_row(self, row: int) -> None:
        if not 0 <= row < self._rows:
            raise IndexError(f"row {row} of an engine of {self._rows}")

    def _make_room(self, longest: int) -> None:
        """Give the texts the positions that the longest needs, and one more."""
        width = -(-(longest + 1) // _POSITIONS) * _POSITIONS
        if width != self._text.shape[1]:
            kept = self._text[:, :width]
            self._text = np.zeros((self._rows, width, self._session.symbols), np.float32)
            self._text[:, : kept.shape[1]] = kept
            self._phi = np.zeros((self._rows, 1, width), np.float32)
            self._positions = np.arange(1, width + 1, dtype=np.float32)
            self._bindings = tuple(self._bind(now) for now in range(2))
        self._visible_phi = self._phi[:, 0, : longest + 1]

    def _bind(self, now: int) -> Any:
        """Where onnxruntime finds and puts the arrays of a step that reads the state `now`."""
        from onnxruntime import OrtValue

        state = self._session.state
        inputs = {"offsets": self._offsets, "text": self._text, "positions": self._positions} | self._styles
        inputs |= {part.name: values for part, values in zip(state, self._states[now], strict=True)}
        outputs = {"outputs": self._outputs, "phi": self._phi}
        written = zip(state, self._states[1 - now], strict=True)
        outputs |= {f"{part.name}_next": values for part, values in written}
        binding = self._session.session.io_binding()
        for name, array in inputs.items():
            binding.bind_ortvalue_input(name, OrtValue.ortvalue_from_numpy(array))
        for name, array in outputs.items():
            binding.bind_ortvalue_output(name, OrtValue.ortvalue_from_numpy(array))
        return binding
