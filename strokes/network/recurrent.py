"""Layer 1 and the window, the one loop that must step in time with attention.

The window depends on layer 1 alone, so this is all that cannot run as a whole sequence. There is a
plain version, one line an equation, and a fast one with the same numbers whose backward pass is
written by hand: it stores the gate gradients and forms each weight gradient with one product at the
end, where autograd would add up one product a step.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .lstm import CellTape, GateViews, cell_backward, cell_forward, double_cell_gate
from .products import Product, repeated_product
from .window import WindowParameters, window_parameters, window_weights

__all__ = ["AttentionWeights", "RecurrentState", "attention_layer", "attention_layer_plain"]


_LOG2_E = 1 / math.log(2)


class RecurrentState(NamedTuple):
    """Everything that the network carries from point to point; the first dimension is the batch.

    h1, c1, h2, c2, h3, c3 (B, H); window (B, A), the soft character; kappa (B, K).
    """

    h1: Tensor
    c1: Tensor
    h2: Tensor
    c2: Tensor
    h3: Tensor
    c3: Tensor
    window: Tensor
    kappa: Tensor

    def detach(self) -> RecurrentState:
        """The same numbers, cut from the graph: where truncated back-propagation stops."""
        return RecurrentState(*(t.detach() for t in self))


class AttentionWeights(NamedTuple):
    """Layer 1: gates in the order input, forget, cell, output.

    offsets (4H, 3), window (4H, A), hidden (4H, H), bias (4H,); projection (3K, H) and its bias
    (3K,) give the window's parameters.
    """

    offsets: Tensor
    window: Tensor
    hidden: Tensor
    bias: Tensor
    projection: Tensor
    projection_bias: Tensor


class AttentionOutputs(NamedTuple):
    """hidden (T, B, H), window (T, B, A), parameters (T, B, K each), and the cell (B, H) after the last step."""

    hidden: Tensor
    window: Tensor
    parameters: WindowParameters
    last_cell: Tensor


def attention_layer_plain(
    weights: AttentionWeights, offsets: Tensor, text: Tensor, state: RecurrentState
) -> AttentionOutputs:
    """The equations, a step at a time, for autograd: the reference for the fast version.

    Args:
        offsets: (T, B, 3).
        text: one-hot, (B, U, A).
        state: h1, c1, window and kappa are read.
    """
    h, c, w, kappa = state.h1, state.c1, state.window, state.kappa
    hidden, windows, parameters = [], [], []
    for x in offsets:
        gates = (
            x @ weights.offsets.T + w @ weights.window.T + h @ weights.hidden.T + weights.bias
        )
        i, f, g, o = gates.chunk(4, dim=-1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        p = window_parameters(h @ weights.projection.T + weights.projection_bias, kappa)
        kappa = p.kappa
        w = torch.bmm(window_weights(p, text.shape[1]).unsqueeze(1), text).squeeze(1)
        hidden.append(h)
        windows.append(w)
        parameters.append(p)
    stacked = WindowParameters(*(torch.stack(ps) for ps in zip(*parameters, strict=True)))
    return AttentionOutputs(torch.stack(hidden), torch.stack(windows), stacked, c)


def attention_layer(
    weights: AttentionWeights,
    offsets: Tensor,
    text: Tensor,
    state: RecurrentState,
    dtype: torch.dtype = torch.float32,
) -> AttentionOutputs:
    """As `attention_layer_plain`, several times faster in training.

    `dtype` is that of the operands of the large products; all else stays in the weights' own type.
    The window's parameters and the last cell come without gradient, and none flows into `offsets`
    or `state`: truncated back-propagation needs none. Pass the state detached, or layer 1 alone is
    cut here.
    """
    hidden, window, alpha, beta, kappa, cell = _AttentionLoop.apply(
        torch.cat([weights.window, weights.hidden, weights.offsets], dim=1),
        weights.bias,
        weights.projection,
        weights.projection_bias,
        offsets,
        text,
        state.h1,
        state.c1,
        state.window,
        state.kappa,
        dtype,
    )
    return AttentionOutputs(hidden, window, WindowParameters(alpha, beta, kappa), cell)


class _Tape(NamedTuple):
    """What the backward pass needs of N steps. Row t of N + 1 is from before step t.

    inputs (N + 1, B, A + H + 3), the operand of the recurrent product: window, hidden, offset; the
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


class _AttentionLoop(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight, bias, projection, projection_bias, offsets, text, h, c, w, kappa, dtype):  # noqa: ANN001
        (steps, batch, _), symbols, size, k = offsets.shape, w.shape[1], h.shape[1], kappa.shape[1]
        new = weight.new_empty
        tape = _Tape(
            new((steps + 1, batch, symbols + size + 3), dtype=dtype),
            *CellTape.new(c, steps),
            hidden=new((steps, batch, size)),
            windows=new((steps, batch, symbols)),
            parameters=new((steps, batch, 3 * k)),
            kappas=new((steps + 1, batch, k)),
        )
        tape.inputs[:-1, :, symbols + size :] = offsets
        tape.inputs[0, :, :symbols] = w
        tape.inputs[0, :, symbols : symbols + size] = h
        tape.kappas[0] = kappa
        product = repeated_product(double_cell_gate(weight).to(dtype), batch, double_cell_gate(bias).to(dtype))
        _steps_forward(tape, product, projection.T, projection_bias, text)
        ctx.save_for_backward(*tape, weight, projection, text)
        ctx.dtype = dtype
        alpha, beta, _ = tape.parameters.split(k, dim=-1)
        apart = alpha.clone(), beta.clone(), tape.kappas[1:].clone(), tape.cells[-1].clone()
        ctx.mark_non_differentiable(*apart)
        return tape.hidden, tape.windows, *apart

    @staticmethod
    def backward(ctx, d_hidden, d_windows, *_):  # noqa: ANN001
        *tape, weight, projection, text = ctx.saved_tensors
        tape = _Tape(*tape)
        dtype = ctx.dtype
        carried = tape.windows.shape[2] + tape.hidden.shape[2]
        d_gates = torch.empty_like(tape.gates, dtype=dtype)
        d_parameters = torch.empty_like(tape.parameters)
        state = torch.zeros_like(tape.cells[0]), torch.zeros_like(tape.kappas[0]), weight.new_zeros(len(text), carried)
        product = repeated_product(weight[:, :carried].T.to(dtype), len(text))
        _steps_backward(tape, d_hidden, d_windows, state, product, projection, text, d_gates, d_parameters)
        flat, flat_p = d_gates.flatten(0, 1), d_parameters.flatten(0, 1)
        return (
            (flat.T @ tape.inputs[:-1].flatten(0, 1)).to(weight.dtype),
            flat.sum(0, dtype=weight.dtype),
            flat_p.T @ tape.hidden.flatten(0, 1),
            flat_p.sum(0),
            *([None] * 7),
        )


def _steps_forward(
    tape: _Tape, product: Product, projection_t: Tensor, projection_bias: Tensor, text: Tensor
) -> None:
    """Fill `tape` from its first rows. `product` is with the weights of all inputs, the cell gate doubled."""
    symbols, size, k = tape.windows.shape[2], tape.hidden.shape[2], tape.kappas.shape[2]
    u = _positions(tape, text)
    views = zip(
        tape.cell_tape.views(), tape.inputs.unbind(0), tape.hidden.unbind(0), tape.parameters.unbind(0),
        tape.kappas.unbind(0), tape.kappas[1:].unbind(0), tape.windows.unbind(0),
        tape.inputs[1:, :, :symbols].unbind(0), tape.inputs[1:, :, symbols : symbols + size].unbind(0),
    )  # fmt: skip
    for cell, row, hidden, p, kappa, next_kappa, window, next_window, next_hidden in views:
        cell_forward(cell, product(row), out=hidden)
        next_hidden.copy_(hidden)
        # eqs. 48-51, 46 and 47
        torch.addmm(projection_bias, hidden, projection_t, out=p).exp_()
        alpha, beta, step = p.split(k, dim=1)
        torch.add(kappa, step, out=next_kappa)
        e = next_kappa.unsqueeze(-1) - u
        e.square_().mul_((beta * -_LOG2_E).unsqueeze(-1)).exp2_()
        torch.bmm(torch.bmm(alpha.unsqueeze(1), e), text, out=window.unsqueeze(1))
        next_window.copy_(window)


def _steps_backward(
    tape: _Tape,
    d_hidden: Tensor,
    d_windows: Tensor,
    state: tuple[Tensor, Tensor, Tensor],
    product: Product,
    projection: Tensor,
    text: Tensor,
    d_gates: Tensor,
    d_parameters: Tensor,
) -> None:
    """Fill `d_gates` (N, B, 4H) and `d_parameters` (N, B, 3K), the gradients before activation.

    `state` holds the gradients of the cell, kappa and [window, hidden] after the last step, and on
    return those before the first. `product` takes gradients of gates to those of [window, hidden].
    """
    symbols, k = tape.windows.shape[2], tape.kappas.shape[2]
    d_cell, d_kappa, d_carried = state
    d_next_window, d_next_hidden = d_carried[:, :symbols], d_carried[:, symbols:]
    text_t, u = text.transpose(1, 2), _positions(tape, text)
    d_step = GateViews.of(torch.empty_like(tape.gates[0]))
    views = zip(
        tape.cell_tape.views(), tape.parameters.unbind(0), tape.kappas[1:].unbind(0),
        d_hidden.unbind(0), d_windows.unbind(0), d_gates.unbind(0), d_parameters.unbind(0),
    )  # fmt: skip
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
        d_carried.copy_(product(d_row))


def _positions(tape: _Tape, text: Tensor) -> Tensor:
    return torch.arange(1, text.shape[1] + 1, dtype=tape.kappas.dtype, device=text.device)
