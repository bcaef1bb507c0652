"""Weights as integers, so that sums over them are exact in any order.

Numbers are written with one or two digits of base 127, each of which fits a byte: v = unit (127 a + b) with
|a| <= 127 and |b| <= 63.

- Where a hidden state is multiplied within the LSTM layers it has one digit, h = a / 127, and so has the weight, with
  a scale for each output channel: most of the arithmetic.
- Offsets, the window, and the hidden states that the window's parameters and the output are read from have two
  digits, and so have their weights, W = unit (127 C + D) with |C| <= 64 and |D| <= 63. Of the four products of digits
  the least is dropped: v W = s (127 a C + (a D + b C)). The sums of a D + b C share an accumulator with those of the
  hidden states ("fine"), those of a C have their own ("coarse").

Kernels for x86 without VNNI add products of a uint8 and an int8 in pairs, in int16, and saturate. Here no two weights
that are neighbours in a sum add up to more than 128 in magnitude, nor does one alone, and 255 * 128 < 2^15, so they
cannot. On arm64 products are added in int32 (SDOT, UDOT), or in pairs of signed bytes in int16, and 2 * 128 * 127 is
less than 2^15, too. So weights are the same everywhere, and so are sums.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = [
    "HIDDEN_UNIT",
    "OFFSET_UNIT",
    "RADIX",
    "WINDOW_UNIT",
    "IntegerWeights",
    "offset_copies",
    "quantise_gates",
    "quantise_readout",
]

RADIX = 127
#: Of the second digit. Offsets reach 63 standard deviations and the window 15.8; what is beyond is taken for that.
#: In 64 lines of validation 1 offsets reach 49 and the window 9.1.
OFFSET_UNIT, WINDOW_UNIT, HIDDEN_UNIT = 1 / 254, 1 / 1024, 1 / RADIX**2

# The largest sum of neighbouring weights before rounding, which adds at most 1.
_LARGEST_PAIR = 127
# The largest weight of two digits.
_LARGEST = RADIX * 64
_MOST_COPIES = 8


@dataclass(frozen=True)
class IntegerWeights:
    """Of a matmul with N output channels: y = scale (fine sum) + 127 scale (coarse sum).

    Attributes:
        fine: (n, N) int8, for the digits of hidden states and both digits of the rest.
        coarse: (m, N) int8, for the first digits alone.
        scale: (N,) float32.
    """

    fine: np.ndarray
    coarse: np.ndarray
    scale: np.ndarray

    @property
    def coarse_scale(self) -> np.ndarray:
        """(N,) float32."""
        return np.float32(RADIX) * self.scale


def offset_copies(layers: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> int:
    """How often the columns of offsets are repeated in a sum.

    Offsets have few columns but large weights. If a column is repeated, the first digit of its weight may be a sum of
    as many.

    Args:
        layers: offsets (3, N), window (A, N) and hidden (n, N) weights of each.
    """
    most = 1.0
    for offsets, window, hidden in layers:
        needed = _two_digit_scale(offsets, OFFSET_UNIT) / _scale(hidden, window)
        most = max(most, float(needed.max()))
    return min(int(np.ceil(most)), _MOST_COPIES)


def quantise_gates(
    offsets: np.ndarray, window: np.ndarray, hidden: np.ndarray, copies: int
) -> IntegerWeights:
    """The weights of an LSTM layer.

    Fine sums run over the hidden states, the offsets' first digits, `copies` of their second digits, and the window's
    first and second digits; coarse sums over `copies` of the offsets' first digits and the window's first digits.

    Args:
        offsets: (3, N).
        window: (A, N).
        hidden: (n, N), n even, so that no weight of a hidden state is a neighbour of another kind.
        copies: see `offset_copies`.
    """
    if len(hidden) % 2:
        raise ValueError("the number of hidden states is odd")
    scale = np.maximum(_scale(hidden, window), _two_digit_scale(offsets, OFFSET_UNIT) / copies)
    scale = scale.astype(np.float32)
    from_hidden = np.rint(hidden / (RADIX * scale.astype(np.float64)))
    first, second = _digits(_integers(offsets, OFFSET_UNIT, scale, copies))
    # floor((v + i) / n) for i = 0 ... n - 1 adds up to v
    first = ((first + np.arange(copies)[:, None, None]) // copies).reshape(-1, offsets.shape[1])
    window_first, window_second = _digits(_integers(window, WINDOW_UNIT, scale, 1))
    return IntegerWeights(
        fine=np.concatenate([from_hidden, second, first, window_second, window_first]).astype(np.int8),
        coarse=np.concatenate([first, window_first]).astype(np.int8),
        scale=scale,
    )


def quantise_readout(weight: np.ndarray) -> IntegerWeights:
    """The weights (n, N) of what is read from n hidden states.

    Fine sums run over the hidden states' first digits, then their second digits; coarse sums over the first.
    """
    scale = _nonzero(_two_digit_scale(weight, HIDDEN_UNIT)).astype(np.float32)
    first, second = _digits(_integers(weight, HIDDEN_UNIT, scale, 1))
    fine = np.concatenate([second, first]).astype(np.int8)
    return IntegerWeights(fine, first.astype(np.int8), scale)


def _scale(hidden: np.ndarray, window: np.ndarray) -> np.ndarray:
    """(N,), large enough for these weights."""
    one, other = hidden[::2], hidden[1::2]
    largest = np.abs(np.concatenate([one, other, one + other])).max(axis=0)
    return _nonzero(np.maximum(largest / (_LARGEST_PAIR * RADIX), _two_digit_scale(window, WINDOW_UNIT)))


def _two_digit_scale(weight: np.ndarray, unit: float) -> np.ndarray:
    """(N,), the least at which weights (n, N) of numbers with two digits can be written."""
    largest: np.ndarray = np.abs(weight).max(axis=0)
    return largest * (RADIX * unit / _LARGEST)


def _nonzero(scale: np.ndarray) -> np.ndarray:
    """1 for channels without weights, and nothing that float32 or its 127th part could not tell from 0."""
    return np.where(scale > 0, np.maximum(scale, 1e-30), 1.0)


def _integers(weight: np.ndarray, unit: float, scale: np.ndarray, copies: int) -> np.ndarray:
    """Weights (n, N) in units of the second digit, of numbers with `unit`; int64."""
    integers = np.rint(weight * (RADIX * unit / scale.astype(np.float64)))
    return np.clip(integers, -_LARGEST * copies, _LARGEST * copies).astype(np.int64)


def _digits(integers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and second digit, of at most 64 and 63 in magnitude."""
    first = np.rint(integers / RADIX).astype(np.int64)
    return first, integers - RADIX * first
