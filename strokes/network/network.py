"""The synthesis network: Graves 2013, sections 4 and 5, figure 12."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from .config import NetworkConfig
from .lstm import lstm_layer, lstm_layer_plain
from .mixture import Mixture, output_size
from .recurrent import AttentionWeights, RecurrentState, attention_layer, attention_layer_plain
from .window import WindowParameters, one_hot_text

if TYPE_CHECKING:
    from ..model import Model

__all__ = ["NetworkOutput", "StrokeNetwork"]


@dataclass(frozen=True)
class NetworkOutput:
    """outputs (B, T, 1 + 6M), raw; the state after the last point; the window's parameters (B, T, K)."""

    outputs: Tensor
    state: RecurrentState
    window: WindowParameters


class StrokeNetwork(nn.Module):
    """Three LSTM layers, the window between the first and the second, a mixture on top of all.

    The input (offset and window) skips to every layer and all layers lead to the output. No peephole
    connections: the library's LSTMs have none.

    One addition to the paper: a network with `config.style` is conditioned on a style vector, which adds a bias of its
    own to the gates of each layer. A vector of zeros adds nothing.

    Args:
        symbols: the number of character ids, `len(alphabet)`.
        config: sizes.
    """

    def __init__(self, symbols: int, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.symbols = symbols
        self.config = config = config or NetworkConfig()
        h, k = config.hidden, config.window_components

        def parameter(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.empty(shape).uniform_(-1 / math.sqrt(h), 1 / math.sqrt(h)))

        self.layer1_offsets = parameter(4 * h, 3)
        self.layer1_window = parameter(4 * h, symbols)
        self.layer1_hidden = parameter(4 * h, h)
        self.layer2_input = parameter(4 * h, 3 + symbols + h)
        self.layer2_hidden = parameter(4 * h, h)
        self.layer3_input = parameter(4 * h, 3 + symbols + h)
        self.layer3_hidden = parameter(4 * h, h)
        bias = torch.zeros(4 * h)
        bias[h : 2 * h] = 1.0  # the forget gate: remember at first
        self.layer1_bias = nn.Parameter(bias.clone())
        self.layer2_bias = nn.Parameter(bias.clone())
        self.layer3_bias = nn.Parameter(bias.clone())
        if config.style:
            for layer in (1, 2, 3):
                setattr(self, f"layer{layer}_style", nn.Parameter(torch.zeros(4 * h, config.style)))
        self.window_projection = parameter(3 * k, h)
        start = torch.cat([torch.full((k,), v) for v in (-1.0, -0.5, config.kappa_bias)])
        self.window_bias = nn.Parameter(start)
        size = output_size(config.mixture_components)
        self.output_weight = nn.Parameter(torch.randn(size, 3 * h) * 0.02)
        self.output_bias = nn.Parameter(torch.zeros(size))

    @classmethod
    def from_model(cls, model: Model) -> StrokeNetwork:
        """A network with a model's weights, in evaluation mode."""
        network = cls(len(model.alphabet), model.network)
        network.load_state_dict({name: torch.from_numpy(w) for name, w in model.weights.items()})
        return network.eval()

    def initial_state(self, batch: int) -> RecurrentState:
        """The state before the first point: all zeros."""
        zeros = self.output_bias.new_zeros
        h = self.config.hidden
        h1, c1, h2, c2, h3, c3 = (zeros(batch, h) for _ in range(6))
        window, kappa = zeros(batch, self.symbols), zeros(batch, self.config.window_components)
        return RecurrentState(h1, c1, h2, c2, h3, c3, window, kappa)

    def encode(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Text ids (B, U) and lengths (B,) as the one-hot (B, U, A) that `forward` reads."""
        return one_hot_text(ids, lengths, self.symbols, self.output_bias.dtype)

    def attention_weights(self) -> AttentionWeights:
        """Weights of layer 1; those of the style, if there is one, stand beside those of the offsets."""
        style = (self.layer1_style,) if self.config.style else ()
        return AttentionWeights(
            torch.cat([self.layer1_offsets, *style], dim=1),
            self.layer1_window,
            self.layer1_hidden,
            self.layer1_bias,
            self.window_projection,
            self.window_bias,
        )

    def lstm_weights(self, layer: int) -> tuple[Tensor, Tensor, Tensor]:
        """Input (4H, 3 + S + A + H), hidden (4H, H) and bias (4H,) of layer 2 or 3."""
        w_input, hidden, bias = (
            getattr(self, f"layer{layer}_{name}") for name in ("input", "hidden", "bias")
        )
        if self.config.style:
            w_input = torch.cat([w_input[:, :3], getattr(self, f"layer{layer}_style"), w_input[:, 3:]], dim=1)
        return w_input, hidden, bias

    def forward(
        self,
        offsets: Tensor,
        text: Tensor,
        state: RecurrentState | None = None,
        *,
        dtype: torch.dtype | None = None,
        plain: bool = False,
        dropout: float = 0.0,
        generators: Sequence[torch.Generator] | None = None,
        style: Tensor | None = None,
    ) -> NetworkOutput:
        """Read points, predict the next of each: a chunk in training and priming, or one step.

        Args:
            offsets: (B, T, 3), normalised.
            text: one-hot (B, U, A), from `encode`.
            state: where an earlier call left off, detached (no gradient flows into it through layer 1);
                the beginning of a line if None.
            dtype: of the operands of large matmuls (bfloat16 is faster), default the weights' own.
            plain: take the reference loops of all layers instead of the fast ones (for tests).
            dropout: share of each layer's outputs set to 0 on the way up, in training mode alone.
            generators: B of them, one for each line's dropout, so that it does not depend on the other lines;
                torch's own for all lines if None.
            style: (B, S), the style of each line; zeros if None.
        """
        state = state or self.initial_state(len(offsets))
        own = self.output_bias.dtype
        dtype = dtype or own
        if plain and dtype != own:
            raise ValueError("the plain loops know no other type than the weights' own")
        x = offsets.transpose(0, 1)  # (T, B, 3)
        if self.config.style:
            # A bias a row is the same as inputs that stay the same.
            given = x.new_zeros(x.shape[1], self.config.style) if style is None else style.to(x.dtype)
            x = torch.cat([x, given.expand(len(x), -1, -1)], dim=2)  # (T, B, 3 + S)
        weights = self.attention_weights()
        if plain:
            layer1 = attention_layer_plain(weights, x, text, state)
        else:
            layer1 = attention_layer(weights, x, text, state, dtype)

        def drop(t: Tensor) -> Tensor:
            if not dropout or not self.training:
                return t
            if generators is None:
                return nn.functional.dropout(t, dropout)
            kept = t.new_empty(t.shape[1], t.shape[0], t.shape[2])
            for line, generator in zip(kept, generators, strict=True):
                line.bernoulli_(1 - dropout, generator=generator)
            return t * kept.div_(1 - dropout).transpose(0, 1)

        skip = torch.cat([x, layer1.window], dim=-1).to(dtype)
        y1 = drop(layer1.hidden.to(dtype))
        layer = lstm_layer_plain if plain else lstm_layer
        y2, h2, c2 = layer(torch.cat([skip, y1], -1), state.h2, state.c2, *self.lstm_weights(2))
        y2 = drop(y2)
        y3, h3, c3 = layer(torch.cat([skip, y2], -1), state.h3, state.c3, *self.lstm_weights(3))
        top = torch.cat([y1, y2, drop(y3)], dim=-1)
        outputs = (top @ self.output_weight.T.to(dtype)).to(own) + self.output_bias
        last = RecurrentState(
            layer1.hidden[-1],
            layer1.last_cell,
            h2,
            c2,
            h3,
            c3,
            layer1.window[-1],
            layer1.parameters.kappa[-1],
        )
        by_line = WindowParameters(*(p.transpose(0, 1) for p in layer1.parameters))
        return NetworkOutput(outputs.transpose(0, 1), last, by_line)

    def mixture(self, outputs: Tensor, bias: float = 0.0) -> Mixture:
        """The density that raw outputs (..., 1 + 6M) stand for."""
        return Mixture.from_outputs(outputs, bias=bias, scale_floor=self.config.scale_floor)
