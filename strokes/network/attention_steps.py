"""Layer 1 and the window, N steps forwards and N steps backwards, on buffers that the caller owns.

Everything is written in place, so that the same code runs over a whole sequence on a CPU and over a
block of one inside a CUDA graph.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .lstm import CellTape, GateViews, cell_backward, cell_forward
from .matmul import RepeatedMatmul

__all__ = ["Tape", "steps_backward", "steps_forward"]

_LOG2_E = 1 / math.log(2)


class Tape(NamedTuple):
    """What the backward pass needs of N steps. Row t of N + 1 is from before step t.

    inputs (N + 1, B, A + H + 3 + S), the operand of the recurrent matmul: window, hidden, offset, style; the
    tape of the cells; hidden (N, B, H), windows (N, B, A), parameters (N, B, 3K): alpha, beta and the
    step of kappa; kappas (N + 1, B, K).
    """

    inputs: Tensor
    gates: Tensor
    cells: Tensor
    tanhs: Tensor
    hidden: Tensor
    windows: Tensor
    parameters: Tensor
    kappas: Tensor

    @property
    def cell_tape(self) -> CellTape:
        return CellTape(self.gates, self.cells, self.tanhs)

    @classmethod
    def new(
        cls,
        steps: int,
        batch: int,
        symbols: int,
        size: int,
        k: int,
        like: Tensor,
        dtype: torch.dtype,
        offsets: int = 3,
    ) -> Tape:
        """An empty one; `inputs` in `dtype`, with so many columns of offsets and style, the rest as `like` is."""

        def new(rows: int, columns: int, dtype: torch.dtype = like.dtype) -> Tensor:
            return like.new_empty((rows, batch, columns), dtype=dtype)

        return cls(
            new(steps + 1, symbols + size + offsets, dtype),
            new(steps, 4 * size),
            new(steps + 1, size),
            new(steps, size),
            new(steps, size),
            new(steps, symbols),
            new(steps, 3 * k),
            new(steps + 1, k),
        )

    @property
    def carried(self) -> int:
        """Columns of `inputs` that a step hands to the next: window and hidden."""
        return self.windows.shape[2] + self.hidden.shape[2]

    def no_gradient(self) -> tuple[Tensor, Tensor, Tensor]:
        """Where `steps_backward` starts: zeros for the cell, kappa and [window, hidden] after the last step."""
        zeros = self.cells.new_zeros
        return (
            torch.zeros_like(self.cells[0]),
            torch.zeros_like(self.kappas[0]),
            zeros((self.cells.shape[1], self.carried)),
        )


def steps_forward(
    tape: Tape, matmul: RepeatedMatmul, projection_t: Tensor, projection_bias: Tensor, text: Tensor
) -> None:
    """Fill `tape` from its first rows. `matmul` is with the weights of all inputs, the cell gate doubled."""
    symbols, size, k = tape.windows.shape[2], tape.hidden.shape[2], tape.kappas.shape[2]
    u = _positions(tape, text)
    views = zip(
        tape.cell_tape.views(),
        tape.inputs.unbind(0),
        tape.hidden.unbind(0),
        tape.parameters.unbind(0),
        tape.kappas.unbind(0),
        tape.kappas[1:].unbind(0),
        tape.windows.unbind(0),
        tape.inputs[1:, :, :symbols].unbind(0),
        tape.inputs[1:, :, symbols : symbols + size].unbind(0),
    )
    for cell, row, hidden, p, kappa, next_kappa, window, next_window, next_hidden in views:
        cell_forward(cell, matmul(row), out=hidden)
        next_hidden.copy_(hidden)
        # eqs. 48-51, 46 and 47
        torch.addmm(projection_bias, hidden, projection_t, out=p).exp_()
        alpha, beta, step = p.split(k, dim=1)
        torch.add(kappa, step, out=next_kappa)
        e = next_kappa.unsqueeze(-1) - u
        e.square_().mul_((beta * -_LOG2_E).unsqueeze(-1)).exp2_()
        torch.bmm(torch.bmm(alpha.unsqueeze(1), e), text, out=window.unsqueeze(1))
        next_window.copy_(window)


def steps_backward(
    tape: Tape,
    d_hidden: Tensor,
    d_windows: Tensor,
    state: tuple[Tensor, Tensor, Tensor],
    matmul: RepeatedMatmul,
    projection: Tensor,
    text: Tensor,
    d_gates: Tensor,
    d_parameters: Tensor,
) -> None:
    """Fill `d_gates` (N, B, 4H) and `d_parameters` (N, B, 3K), the gradients before activation.

    `state` holds the gradients of the cell, kappa and [window, hidden] after the last step, and on
    return those before the first. `matmul` takes gradients of gates to those of [window, hidden].
    """
    symbols, k = tape.windows.shape[2], tape.kappas.shape[2]
    d_cell, d_kappa, d_carried = state
    d_next_window, d_next_hidden = d_carried[:, :symbols], d_carried[:, symbols:]
    text_t, u = text.transpose(1, 2), _positions(tape, text)
    d_step = GateViews.of(torch.empty_like(tape.gates[0]))
    views = zip(
        tape.cell_tape.views(),
        tape.parameters.unbind(0),
        tape.kappas[1:].unbind(0),
        d_hidden.unbind(0),
        d_windows.unbind(0),
        d_gates.unbind(0),
        d_parameters.unbind(0),
    )
    for cell, p, kappa, d_h, d_window, d_row, dp in reversed(list(views)):
        alpha, beta, step = p.split(k, dim=1)
        d_alpha, d_beta, d_pace = dp.split(k, dim=1)
        # eqs. 46-51 backwards
        d_phi = torch.bmm((d_window + d_next_window).unsqueeze(1), text_t)
        distance = kappa.unsqueeze(-1) - u
        square = distance.square()
        e = (square * (beta * -_LOG2_E).unsqueeze(-1)).exp2_().mul_(d_phi)
        torch.mul(e.sum(-1), alpha, out=d_alpha)
        alpha_beta = alpha * beta
        torch.mul(square.mul_(e).sum(-1), alpha_beta, out=d_beta).neg_()
        d_kappa.addcmul_(distance.mul_(e).sum(-1), alpha_beta, value=-2)
        torch.mul(d_kappa, step, out=d_pace)
        # the LSTM backwards
        cell_backward(cell, torch.addmm(d_h + d_next_hidden, dp, projection), d_cell, out=d_step)
        d_row.copy_(d_step.all)
        d_carried.copy_(matmul(d_row))


def _positions(tape: Tape, text: Tensor) -> Tensor:
    return torch.arange(1, text.shape[1] + 1, dtype=tape.kappas.dtype, device=text.device)
