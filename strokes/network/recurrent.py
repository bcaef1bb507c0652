"""Layer 1 and the window, the one loop that must step in time with attention.

The window depends on layer 1 alone, so this is all that cannot run as a whole sequence. There is a
plain version, one line an equation, and a fast one with the same numbers whose backward pass is
hand-written: it stores the gate gradients and forms each weight gradient with one matmul at the end,
where autograd would add up one matmul a step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from .attention_steps import Tape, steps_backward, steps_forward
from .cuda_graphs import block_graphs, use_graphs
from .lstm import double_cell_gate
from .matmul import repeated_matmul
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

    offsets (4H, 3 + S), with those of the style, window (4H, A), hidden (4H, H), bias (4H,); projection (3K, H) and its
    bias (3K,) give the window's parameters.
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
        offsets: (T, B, 3 + S), each with the style of its line beside it.
        text: one-hot, (B, U, A).
        state: h1, c1, window and kappa are read.
    """
    h, c, w, kappa = state.h1, state.c1, state.window, state.kappa
    hidden, windows, parameters = [], [], []
    for x in offsets:
        gates = x @ weights.offsets.T + w @ weights.window.T + h @ weights.hidden.T + weights.bias
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

    `dtype` is that of the operands of the large matmuls; all else stays in the weights' own type.
    The window's parameters and the last cell come without gradient, and none flows into `offsets`
    or `state`: truncated back-propagation needs none. Pass the state detached, or layer 1 alone is
    cut here.
    """
    hidden, window, alpha, beta, kappa, cell = _apply(
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


class _AttentionLoop(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        weight: Tensor,
        bias: Tensor,
        projection: Tensor,
        projection_bias: Tensor,
        offsets: Tensor,
        text: Tensor,
        h: Tensor,
        c: Tensor,
        w: Tensor,
        kappa: Tensor,
        dtype: torch.dtype,
    ) -> tuple[Tensor, ...]:
        (steps, batch, n), symbols, size, k = offsets.shape, w.shape[1], h.shape[1], kappa.shape[1]
        tape = Tape.new(steps, batch, symbols, size, k, weight, dtype, n)
        tape.inputs[:-1, :, symbols + size :] = offsets
        tape.inputs[0, :, :symbols] = w
        tape.inputs[0, :, symbols : symbols + size] = h
        tape.cells[0] = c
        tape.kappas[0] = kappa
        doubled, doubled_bias = double_cell_gate(weight).to(dtype), double_cell_gate(bias).to(dtype)
        if use_graphs(weight.device):
            graphs = block_graphs(tape, text)
            graphs.forward(tape, doubled, doubled_bias, projection, projection_bias, text)
        else:
            matmul = repeated_matmul(doubled, batch, doubled_bias)
            steps_forward(tape, matmul, projection.T, projection_bias, text)
        ctx.save_for_backward(*tape, weight, projection, text)
        ctx.dtype = dtype
        alpha, beta, _ = tape.parameters.split(k, dim=-1)
        apart = alpha.clone(), beta.clone(), tape.kappas[1:].clone(), tape.cells[-1].clone()
        ctx.mark_non_differentiable(*apart)
        return tape.hidden, tape.windows, *apart

    @staticmethod
    def backward(ctx: Any, d_hidden: Tensor, d_windows: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        *saved, weight, projection, text = ctx.saved_tensors
        tape = Tape(*saved)
        dtype = ctx.dtype
        d_gates = torch.empty_like(tape.gates, dtype=dtype)
        d_parameters = torch.empty_like(tape.parameters)
        recurrent = weight[:, : tape.carried].to(dtype)
        if use_graphs(weight.device):
            graphs = block_graphs(tape, text)
            graphs.backward(tape, d_hidden, d_windows, recurrent, projection, text, d_gates, d_parameters)
        else:
            matmul = repeated_matmul(recurrent.T, len(text))
            state = tape.no_gradient()
            steps_backward(tape, d_hidden, d_windows, state, matmul, projection, text, d_gates, d_parameters)
        flat, flat_p = d_gates.flatten(0, 1), d_parameters.flatten(0, 1)
        return (
            (flat.T @ tape.inputs[:-1].flatten(0, 1)).to(weight.dtype),
            flat.sum(0, dtype=weight.dtype),
            flat_p.T @ tape.hidden.flatten(0, 1),
            flat_p.sum(0),
            *([None] * 7),
        )


_apply = cast("Callable[..., tuple[Tensor, ...]]", _AttentionLoop.apply)  # torch leaves it untyped
