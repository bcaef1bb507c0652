"""One LSTM layer over a whole sequence: the equations, and a CPU version with a hand-written backward pass.

Graves 2013, eqs. 7-11, without the peephole weights, which the libraries' LSTMs do not have either.

On CUDA the library's (cuDNN) is the fast one. On a CPU the library's backward pass (oneDNN) reaches
half the speed of a matmul, so here it is written out: it stores the activated gates, and one matmul at
the end forms each weight gradient (`scripts/bench_training.py` measures both).

Two facts about elementary functions in torch on a CPU shape the code: sigmoid takes a fifth of the
time of tanh, so tanh(x) = 2 sigmoid(2x) - 1 throughout; and exp, but not exp2, becomes thirty times
slower where it underflows, as it does over most of the window.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from .matmul import repeated_matmul

__all__ = [
    "CellTape",
    "GateViews",
    "cell_backward",
    "cell_forward",
    "double_cell_gate",
    "lstm_layer",
    "lstm_layer_plain",
]

# Points whose input matmuls are done at once: enough for full speed, few enough for the cache.
_BLOCK = 16


def lstm_layer_plain(
    x: Tensor, h: Tensor, c: Tensor, w_input: Tensor, w_hidden: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The equations, a step at a time, for autograd: the reference.

    Args:
        x: (T, B, n).
        h: (B, H), with `c` the state before the first step.
        w_input: (4H, n), gates in the order input, forget, cell, output; `w_hidden` (4H, H), `bias` (4H,).

    Returns:
        Outputs (T, B, H), and h and c (B, H) after the last step.
    """
    outputs = []
    for row in x:
        i, f, g, o = (row @ w_input.T + h @ w_hidden.T + bias).chunk(4, dim=-1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        outputs.append(h)
    return torch.stack(outputs), h, c


def lstm_layer(
    x: Tensor,
    h: Tensor,
    c: Tensor,
    w_input: Tensor,
    w_hidden: Tensor,
    bias: Tensor,
    *,
    library: bool | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """As `lstm_layer_plain`, fast. Matmuls are done in the type of `x`; the state may have another.

    No gradient flows into `h` and `c`, nor out of the last state: truncated back-propagation has none.

    Args:
        library: use torch's own LSTM; default on every device but a CPU.
    """
    if library is None:
        library = x.device.type != "cpu"
    if not library:
        y, c = _apply(x, h.detach(), c.detach(), w_input, w_hidden, bias)
        return y, y[-1].detach().to(h.dtype), c
    low = torch.float32 if x.dtype == torch.bfloat16 and not _library_runs_bf16(x.device) else x.dtype
    # The library has two biases, one too many. cuDNN wants all of them in one piece.
    given = (w_input, w_hidden, bias, torch.zeros_like(bias))
    flat = torch.cat([w.reshape(-1) for w in given]).to(low).split([w.numel() for w in given])
    parameters = [piece.view(w.shape) for piece, w in zip(flat, given, strict=True)]
    state = (h.detach().to(low).unsqueeze(0), c.detach().to(low).unsqueeze(0))
    y, h_last, c_last = torch.lstm(x.to(low), state, parameters, True, 1, 0.0, True, False, False)
    return y.to(x.dtype), h_last[0].detach().to(h.dtype), c_last[0].detach().to(c.dtype)


def _library_runs_bf16(device: torch.device) -> bool:
    """Whether torch hands a bfloat16 LSTM to cuDNN; where it doesn't, it steps through it kernel by kernel."""
    if device.type != "cuda" or torch.version.hip:
        return True
    version = tuple(int(n) for n in re.findall(r"\d+", torch.__version__)[:2])
    return version >= (2, 10) and (torch.backends.cudnn.version() or 0) >= 91300


class _Loop(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, h: Tensor, c: Tensor, w_input: Tensor, w_hidden: Tensor, bias: Tensor
    ) -> tuple[Tensor, Tensor]:
        (steps, batch, _), size, low = x.shape, h.shape[1], x.dtype
        hidden = x.new_empty((steps + 1, batch, size))  # row t + 1 is what step t gives
        hidden[0] = h
        tape = CellTape.new(c, steps)
        low_input, low_bias = double_cell_gate(w_input).to(low), double_cell_gate(bias).to(low)
        matmul = repeated_matmul(double_cell_gate(w_hidden).to(low), batch)
        rows, views = hidden.unbind(0), tape.views()
        for start in range(0, steps, _BLOCK):
            block = x[start : start + _BLOCK]
            from_input = torch.addmm(low_bias, block.flatten(0, 1), low_input.T).view(*block.shape[:2], -1)
            for t, row in enumerate(from_input.unbind(0), start):
                cell_forward(views[t], matmul(rows[t], row), out=rows[t + 1])
        ctx.save_for_backward(x, hidden, *tape, w_input, w_hidden)
        last = tape.cells[steps].clone()
        ctx.mark_non_differentiable(last)
        return hidden[1:], last

    @staticmethod
    def backward(ctx: Any, d_outputs: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        x, hidden, *saved, w_input, w_hidden = ctx.saved_tensors
        tape = CellTape(*saved)
        own, low = tape.gates.dtype, x.dtype
        matmul = repeated_matmul(w_hidden.T.to(low), x.shape[1])
        d_gates = torch.empty_like(tape.gates, dtype=low)
        d_rows, d_steps, views = d_gates.unbind(0), d_outputs.unbind(0), tape.views()
        d_step, d_cell = GateViews.of(torch.empty_like(tape.gates[0])), torch.zeros_like(tape.cells[0])
        d_hidden = torch.zeros_like(tape.cells[0])
        for t in range(len(d_rows) - 1, -1, -1):
            d_hidden.add_(d_steps[t])
            cell_backward(views[t], d_hidden, d_cell, out=d_step)
            d_rows[t].copy_(d_step.all)
            d_hidden.copy_(matmul(d_rows[t]))
        flat = d_gates.flatten(0, 1)
        d_x = (flat @ w_input.to(low)).view_as(x) if ctx.needs_input_grad[0] else None
        d_input = (flat.T @ x.flatten(0, 1)).to(own)
        d_recurrent = (flat.T @ hidden[:-1].flatten(0, 1)).to(own)
        return d_x, None, None, d_input, d_recurrent, flat.sum(0, dtype=own)


_apply = cast("Callable[..., tuple[Tensor, Tensor]]", _Loop.apply)  # torch leaves it untyped


class GateViews(NamedTuple):
    """Gates (B, 4H), and input, forget, cell and output gate (B, H each) as views of them."""

    all: Tensor
    i: Tensor
    f: Tensor
    g: Tensor
    o: Tensor

    @classmethod
    def of(cls, gates: Tensor) -> GateViews:
        return cls(gates, *gates.chunk(4, dim=-1))


class CellTape(NamedTuple):
    """What the backward pass needs of N steps.

    gates (N, B, 4H), activated: sigmoid of the input, forget and output gate, and of twice the cell
    gate g, so that tanh(g) is twice that less 1. cells (N + 1, B, H), row t from before step t. tanhs
    (N, B, H), of the cells after each step.
    """

    gates: Tensor
    cells: Tensor
    tanhs: Tensor

    @classmethod
    def new(cls, cell: Tensor, steps: int) -> CellTape:
        """An empty tape whose first cell is `cell` (B, H)."""
        batch, size = cell.shape
        tape = cls(
            *(cell.new_empty((n, batch, k)) for n, k in ((steps, 4 * size), (steps + 1, size), (steps, size)))
        )
        tape.cells[0] = cell
        return tape

    def views(self) -> list[tuple[GateViews, Tensor, Tensor, Tensor]]:
        """For each step its gates, the cell before it, the cell after it and the tanh of that.

        Taken all at once: indexing at every step takes as long as arithmetic of this size.
        """
        gates = map(GateViews, self.gates.unbind(0), *(g.unbind(0) for g in self.gates.chunk(4, dim=-1)))
        cells = self.cells.unbind(0)
        return list(zip(gates, cells[:-1], cells[1:], self.tanhs.unbind(0), strict=True))


def double_cell_gate(weight: Tensor) -> Tensor:
    """A copy of `weight` (4H, ...) with the cell gate's rows doubled, for `cell_forward`."""
    size = len(weight) // 4
    weight = weight.detach().clone()
    weight[2 * size : 3 * size] *= 2
    return weight


def cell_forward(step: tuple[GateViews, Tensor, Tensor, Tensor], gates: Tensor, out: Tensor) -> None:
    """One step: `gates` (B, 4H) before activation, the cell gate doubled -> h in `out` (B, H)."""
    (s, i, f, g, o), cell, after, tanh = step
    s.copy_(gates).sigmoid_()
    torch.mul(f, cell, out=after).addcmul_(i, g, value=2).sub_(i)
    torch.add(after, after, out=tanh).sigmoid_().mul_(2).sub_(1)
    torch.mul(o, tanh, out=out)


def cell_backward(
    step: tuple[GateViews, Tensor, Tensor, Tensor], d_h: Tensor, d_cell: Tensor, out: GateViews
) -> None:
    """One step backwards.

    Args:
        d_h: (B, H), the gradient of h after the step.
        d_cell: (B, H), that of the cell after the step; on return, that of the cell before it.
        out: receives the gradient of the gates before activation, none of them doubled.
    """
    (s, i, f, g, o), cell, _, tanh = step
    torch.mul(d_h, tanh, out=out.o)
    spare = torch.mul(d_h, o, out=out.i)
    d_cell.add_(spare)
    d_cell.addcmul_(spare.mul_(tanh), tanh, value=-1)
    torch.add(g, g, out=out.i).sub_(1).mul_(d_cell)
    torch.mul(cell, d_cell, out=out.f)
    torch.mul(i, d_cell, out=out.g).mul_(4)  # tanh'(g) = 4 s (1 - s) where s = sigmoid(2g)
    torch.ops.aten.sigmoid_backward.grad_input(out.all, s, grad_input=out.all)
    d_cell.mul_(f)
