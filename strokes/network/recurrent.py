"""Layer 1 and the window, the one loop that must step in time with attention.

The window depends on layer 1 alone, so this is all that cannot run as a whole sequence. There is a
plain version, one line an equation, and a fast one with the same numbers whose backward pass is
written by hand: it stores the gate gradients and forms each weight gradient with one product at the
end, where autograd would add up one product a step.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .window import WindowParameters, window_parameters, window_weights

__all__ = ["AttentionWeights", "RecurrentState", "attention_layer", "attention_layer_plain"]


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
    The window's parameters and the last cell come without gradient, and none flows into `state`:
    truncated back-propagation needs none. Pass it detached, or layer 1 alone is cut here.
    """
    gates = offsets @ weights.offsets.T + weights.bias
    hidden, window, alpha, beta, kappa, cell = _AttentionLoop.apply(
        gates,
        torch.cat([weights.window, weights.hidden], dim=1),
        weights.projection,
        weights.projection_bias,
        text,
        state.h1,
        state.c1,
        state.window,
        state.kappa,
        dtype,
    )
    return AttentionOutputs(hidden, window, WindowParameters(alpha, beta, kappa), cell)


class _AttentionLoop(torch.autograd.Function):
    @staticmethod
    def forward(ctx, gates_x, recurrent, projection, projection_bias, text, h, c, w, kappa, dtype):  # noqa: ANN001
        steps, batch, four_h = gates_x.shape
        size, k = four_h // 4, kappa.shape[-1]
        symbols = text.shape[2]
        new = gates_x.new_empty
        # One row a step of [window, hidden], the operand of the recurrent product; row t + 1 is
        # what step t leaves behind.
        inputs = new((steps + 1, batch, symbols + size), dtype=dtype)
        inputs[0, :, :symbols] = w
        inputs[0, :, symbols:] = h
        gates = new((steps, batch, four_h))
        cells = new((steps + 1, batch, size))
        cells[0] = c
        hidden, windows = new((steps, batch, size)), new((steps, batch, symbols))
        parameters, kappas = new((steps, batch, 3 * k)), new((steps + 1, batch, k))
        kappas[0] = kappa
        u = torch.arange(1, text.shape[1] + 1, dtype=gates_x.dtype, device=gates_x.device)
        recurrent_t, projection_t = recurrent.to(dtype).T, projection.T
        for t in range(steps):
            g = gates[t]
            torch.add(gates_x[t], inputs[t] @ recurrent_t, out=g)
            g[:, : 2 * size].sigmoid_()
            g[:, 2 * size : 3 * size].tanh_()
            g[:, 3 * size :].sigmoid_()
            i, f, z, o = g.chunk(4, dim=1)
            torch.mul(f, cells[t], out=cells[t + 1]).addcmul_(i, z)
            torch.mul(o, cells[t + 1].tanh(), out=hidden[t])
            p = parameters[t]
            torch.addmm(projection_bias, hidden[t], projection_t, out=p).exp_()
            torch.add(kappas[t], p[:, 2 * k :], out=kappas[t + 1])
            e = kappas[t + 1].unsqueeze(-1) - u
            e.square_().mul_(p[:, k : 2 * k].unsqueeze(-1)).neg_().exp_()
            phi = torch.bmm(p[:, :k].unsqueeze(1), e)
            torch.bmm(phi, text, out=windows[t].unsqueeze(1))
            inputs[t + 1, :, :symbols] = windows[t]
            inputs[t + 1, :, symbols:] = hidden[t]
        ctx.save_for_backward(inputs, gates, cells, hidden, parameters, kappas, recurrent, projection, text)
        ctx.dtype = dtype
        alpha, beta, last = parameters[..., :k], parameters[..., k : 2 * k], cells[steps]
        outputs = hidden, windows, alpha.clone(), beta.clone(), kappas[1:].clone(), last.clone()
        ctx.mark_non_differentiable(*outputs[2:])
        return outputs

    @staticmethod
    def backward(ctx, d_hidden, d_windows, *_):  # noqa: ANN001
        inputs, gates, cells, hidden, parameters, kappas, recurrent, projection, text = ctx.saved_tensors
        steps, batch, four_h = gates.shape
        size, k, symbols = four_h // 4, kappas.shape[-1], text.shape[2]
        dtype = ctx.dtype
        u = torch.arange(1, text.shape[1] + 1, dtype=gates.dtype, device=gates.device)
        weight = recurrent.to(dtype)
        d_gates = torch.empty_like(gates)
        d_gates_low = d_gates if dtype == gates.dtype else torch.empty_like(gates, dtype=dtype)
        d_projection = torch.empty_like(parameters)
        d_cell = torch.zeros_like(cells[0])
        d_kappa = torch.zeros_like(kappas[0])
        d_inputs = torch.zeros_like(inputs[0], dtype=gates.dtype)
        text_t = text.transpose(1, 2)
        # What does not depend on the recursion, for all steps at once. (1 - s) s is the slope of a
        # sigmoid of value s, 1 - s^2 that of a tanh.
        tanh_cells = cells[1:].tanh()
        slope_cell = gates[..., 3 * size :] * (1 - tanh_cells * tanh_cells)
        slopes = gates * (1 - gates)
        cell_gate = gates[..., 2 * size : 3 * size]
        slopes[..., 2 * size : 3 * size] = 1 - cell_gate * cell_gate
        slopes[..., :size] *= cell_gate
        slopes[..., size : 2 * size] *= cells[:-1]
        slopes[..., 2 * size : 3 * size] *= gates[..., :size]
        slopes[..., 3 * size :] *= tanh_cells
        for t in range(steps - 1, -1, -1):
            p, g = parameters[t], gates[t]
            alpha, beta = p[:, :k], p[:, k : 2 * k]
            # eqs. 46-51 backwards
            d_phi = torch.bmm((d_windows[t] + d_inputs[:, :symbols]).unsqueeze(1), text_t)
            distance = kappas[t + 1].unsqueeze(-1) - u
            square = distance * distance
            e = (square * beta.unsqueeze(-1)).neg_().exp_().mul_(d_phi)
            dp = d_projection[t]
            torch.mul(e.sum(-1), alpha, out=dp[:, :k])
            alpha_beta = alpha * beta
            torch.mul((e * square).sum(-1), alpha_beta, out=dp[:, k : 2 * k]).neg_()
            d_kappa.addcmul_((e * distance).sum(-1), alpha_beta, value=-2)
            torch.mul(d_kappa, p[:, 2 * k :], out=dp[:, 2 * k :])
            # the LSTM backwards
            d_h = torch.addmm(d_hidden[t] + d_inputs[:, symbols:], dp, projection)
            d_cell.addcmul_(d_h, slope_cell[t])
            dg = d_gates[t]
            torch.mul(slopes[t, :, : 3 * size].unflatten(1, (3, size)), d_cell.unsqueeze(1),
                      out=dg[:, : 3 * size].unflatten(1, (3, size)))  # fmt: skip
            torch.mul(slopes[t, :, 3 * size :], d_h, out=dg[:, 3 * size :])
            d_cell.mul_(g[:, size : 2 * size])
            low = d_gates_low[t]
            if low.dtype != dg.dtype:
                low.copy_(dg)
            d_inputs = (low @ weight).to(gates.dtype)
        flat = d_gates_low.flatten(0, 1)
        d_recurrent = (flat.T @ inputs[:-1].flatten(0, 1)).to(recurrent.dtype)
        flat_p = d_projection.flatten(0, 1)
        return (
            d_gates,
            d_recurrent,
            flat_p.T @ hidden.flatten(0, 1),
            flat_p.sum(0),
            *([None] * 6),
        )
