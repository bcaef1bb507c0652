"""Matmuls with one weight, repeated at every step of a loop."""

from __future__ import annotations

from typing import Protocol, cast

import torch
from torch import Tensor

__all__ = ["RepeatedMatmul", "repeated_matmul"]


class RepeatedMatmul(Protocol):
    """x (rows, k) -> x @ weight.T + bias + addend, (rows, n)."""

    def __call__(self, x: Tensor, addend: Tensor | None = None) -> Tensor: ...


def repeated_matmul(weight: Tensor, rows: int, bias: Tensor | None = None) -> RepeatedMatmul:
    """The matmul with a weight, prepared once; not for autograd.

    On a CPU a matmul of this size spends a fifth of its time on laying out the weight for the processor. oneDNN can
    do that beforehand; torch uses it in compiled models under a private name, so its absence is no error.

    Args:
        weight: (n, k); its type is that of all operands.
        rows: of the x to come.
        bias: (n,).
    """
    weight = weight.detach()
    if _packs(weight):
        packed = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), rows)
        matmul = torch.ops.mkldnn._linear_pointwise

        def fast(x: Tensor, addend: Tensor | None = None) -> Tensor:
            if addend is None:
                return cast(Tensor, matmul(x, packed, bias, "none", [], ""))
            return cast(Tensor, matmul.binary(x, addend, packed, bias, "add"))

        return fast
    transposed = weight.T

    def plain(x: Tensor, addend: Tensor | None = None) -> Tensor:
        y = x @ transposed if bias is None else torch.addmm(bias, x, transposed)
        return y if addend is None else y.add_(addend)

    return plain


def _packs(weight: Tensor) -> bool:
    if weight.device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    if weight.dtype == torch.bfloat16:
        return _has("_is_avx512_bf16_supported") or _has("_is_amx_tile_supported")
    return weight.dtype == torch.float32 and _OPS


def _has(feature: str) -> bool:
    test = getattr(torch.cpu, feature, None)
    return _OPS and bool(test and test())


_OPS = hasattr(torch.ops.mkldnn, "_linear_pointwise") and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")
