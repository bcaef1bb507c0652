"""The loop over layer 1 and the window on CUDA: blocks of steps, each one graph.

A step is some thirty small kernels. Launched one by one they would keep the processor busy and the GPU
waiting; a captured graph of a block of steps is launched at once. A graph reads and writes fixed
memory, so a block's operands are copied in and its results out, which takes a GPU little time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from .attention_steps import Tape, steps_backward, steps_forward
from .matmul import repeated_matmul

__all__ = ["GRAPH_STEPS", "BlockGraphs", "block_graphs", "forget", "use_graphs"]

# Steps a graph. The last block of a sequence runs past its end, which costs time and changes nothing:
# chunks of a multiple of this length are best.
_STEPS = GRAPH_STEPS = 25
# Texts are padded to a multiple of this many characters, so that few graphs serve all.
_CHARACTERS = 16
# Graphs kept, each for one number of lines and of characters; the one used longest ago goes first.
_KEPT = 8


def use_graphs(device: torch.device) -> bool:
    """Whether the loop runs in graphs on `device`."""
    return device.type == "cuda"


def block_graphs(tape: Tape, text: Tensor) -> BlockGraphs:
    """The graphs for sequences such as `tape` with texts such as `text` (B, U, A), captured or kept."""
    characters = -(-text.shape[1] // _CHARACTERS) * _CHARACTERS
    key = (
        text.device,
        *tape.inputs.shape[1:],
        tape.inputs.dtype,
        tape.gates.dtype,
        tape.kappas.shape[2],
        text.shape[2],
        characters,
    )
    if key in _graphs:
        _graphs.move_to_end(key)
    else:
        while len(_graphs) >= _KEPT:
            _graphs.popitem(last=False)
        _graphs[key] = BlockGraphs(tape, characters)
    return _graphs[key]


def forget() -> None:
    """Give the memory of all graphs back."""
    _graphs.clear()


class BlockGraphs:
    """The forward and the backward pass over a block, with their own memory.

    Args:
        like: a tape with the batch, sizes and types of those to come.
        characters: length of the padded texts.
    """

    def __init__(self, like: Tape, characters: int) -> None:
        batch, symbols = like.windows.shape[1:]
        size, k = like.hidden.shape[2], like.kappas.shape[2]
        low = like.inputs.dtype
        new = like.gates.new_zeros
        columns = like.inputs.shape[2]
        self.tape = Tape.new(_STEPS, batch, symbols, size, k, like.gates, low, columns - symbols - size)
        for t in self.tape:
            t.zero_()
        self.text = new((batch, characters, symbols))
        self.weight = new((4 * size, columns), dtype=low)
        self.bias = new(4 * size, dtype=low)
        self.projection, self.projection_bias = new((3 * k, size)), new(3 * k)
        matmul = repeated_matmul(self.weight, batch, self.bias)
        self._forward = _capture(
            lambda: steps_forward(self.tape, matmul, self.projection.T, self.projection_bias, self.text)
        )
        # The backward pass has a tape of its own: another chunk may go forwards in between.
        self.back_tape = Tape(*(torch.zeros_like(t) for t in self.tape))
        self.recurrent = new((4 * size, symbols + size), dtype=low)
        self.d_hidden, self.d_windows = (
            torch.zeros_like(self.tape.hidden),
            torch.zeros_like(self.tape.windows),
        )
        self.d_gates = torch.zeros_like(self.tape.gates, dtype=low)
        self.d_parameters = torch.zeros_like(self.tape.parameters)
        self.d_state = self.tape.no_gradient()
        back = repeated_matmul(self.recurrent.T, batch)
        self._backward = _capture(
            lambda: steps_backward(
                self.back_tape,
                self.d_hidden,
                self.d_windows,
                self.d_state,
                back,
                self.projection,
                self.text,
                self.d_gates,
                self.d_parameters,
            )
        )

    def forward(
        self,
        tape: Tape,
        weight: Tensor,
        bias: Tensor,
        projection: Tensor,
        projection_bias: Tensor,
        text: Tensor,
    ) -> None:
        """As `steps_forward` on the whole `tape`, however long."""
        here, carried = self.tape, tape.carried
        self._set_text(text)
        for mine, theirs in (
            (self.weight, weight),
            (self.bias, bias),
            (self.projection, projection),
            (self.projection_bias, projection_bias),
        ):
            mine.copy_(theirs)
        here.inputs[0, :, :carried] = tape.inputs[0, :, :carried]
        here.cells[0], here.kappas[0] = tape.cells[0], tape.kappas[0]
        for start, n in _blocks(len(tape.gates)):
            here.inputs[:n, :, carried:] = tape.inputs[start : start + n, :, carried:]
            self._forward()
            for name in ("gates", "tanhs", "hidden", "windows", "parameters"):
                getattr(tape, name)[start : start + n] = getattr(here, name)[:n]
            for name in ("cells", "kappas"):
                getattr(tape, name)[start + 1 : start + n + 1] = getattr(here, name)[1 : n + 1]
            tape.inputs[start + 1 : start + n + 1, :, :carried] = here.inputs[1 : n + 1, :, :carried]
            for name in ("inputs", "cells", "kappas"):
                rows = getattr(here, name)
                rows[0] = rows[_STEPS]

    def backward(
        self,
        tape: Tape,
        d_hidden: Tensor,
        d_windows: Tensor,
        recurrent: Tensor,
        projection: Tensor,
        text: Tensor,
        d_gates: Tensor,
        d_parameters: Tensor,
    ) -> None:
        """As `steps_backward` on the whole `tape`, from no gradient after the last step."""
        here = self.back_tape
        self._set_text(text)
        self.recurrent.copy_(recurrent)
        self.projection.copy_(projection)
        for t in self.d_state:
            t.zero_()
        for start, n in reversed(list(_blocks(len(tape.gates)))):
            for name in ("gates", "tanhs", "parameters"):
                getattr(here, name)[:n] = getattr(tape, name)[start : start + n]
            for name in ("cells", "kappas"):
                getattr(here, name)[: n + 1] = getattr(tape, name)[start : start + n + 1]
            self.d_hidden[:n] = d_hidden[start : start + n]
            self.d_windows[:n] = d_windows[start : start + n]
            if n < _STEPS:  # no gradient comes from past the end, nor what an earlier sequence left there
                for t in (*here, self.d_hidden, self.d_windows):
                    t[n + len(t) - _STEPS :] = 0
            self._backward()
            d_gates[start : start + n] = self.d_gates[:n]
            d_parameters[start : start + n] = self.d_parameters[:n]

    def _set_text(self, text: Tensor) -> None:
        self.text.copy_(F.pad(text, (0, 0, 0, self.text.shape[1] - text.shape[1])))


_graphs: OrderedDict[tuple[object, ...], BlockGraphs] = OrderedDict()


def _blocks(steps: int) -> list[tuple[int, int]]:
    """(first step, steps) of each block."""
    return [(start, min(_STEPS, steps - start)) for start in range(0, steps, _STEPS)]


def _capture(work: Callable[[], None]) -> Callable[[], None]:
    """`work` as a graph to replay. It is run a few times first: libraries choose their kernels then."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    # thread_local: NCCL's own thread may ask for the state of its events meanwhile.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        work()
    return graph.replay
