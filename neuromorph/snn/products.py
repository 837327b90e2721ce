"""Products with binary weights in few bits: the forward one exact, those of the gradient rounded.

a = s W_b^T,   W_b = sign(W_h);   dL/ds = g W_b,   dL/dW_h = g^T s   (straight-through; a convolution likewise)

Signs and integer messages up to 127 are exact in 8 bits and their sums in 32, so ``a`` is what a float32 product gives.
A convolution has no 8-bit form in torch: it takes bfloat16, in parts whose sums stay within the whole numbers that
bfloat16 holds, or float32 where one kernel's sum does not. The gradient g is rounded to bfloat16 (8 bits of mantissa)
before its two products; sums are kept in float32.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

LARGEST_MESSAGE = 127
EXACT = 256  # bfloat16 holds every whole number up to this one


def _integer_products(device: torch.device) -> bool:
    """Whether 8-bit products are quick there: on a processor with vector instructions for them."""
    return device.type == "cpu" and getattr(torch.cpu, "_is_vnni_supported", bool)()


def _short_products(device: torch.device) -> bool:
    """Whether bfloat16 products are quick there."""
    return device.type != "cpu" or getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, messages: Tensor, hidden: Tensor) -> Tensor:
        if _integer_products(messages.device):
            signs = (hidden >= 0).to(torch.int8).mul_(2).sub_(1)
            small = messages.to(torch.int8)
            product = torch._int_mm(small, signs.T).float()
        else:
            signs = torch.where(hidden >= 0, 1.0, -1.0)
            small = messages
            product = messages @ signs.T
        ctx.save_for_backward(small, signs)
        return product

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor]:
        small, signs = ctx.saved_tensors
        rounded = grad.bfloat16()
        grad_messages = (rounded @ signs.bfloat16()).float() if ctx.needs_input_grad[0] else None
        return grad_messages, (rounded.T @ small.bfloat16()).float()


def binary_product(messages: Tensor, hidden: Tensor) -> Tensor:
    """messages [..., in_features], integers from -127 to 127, times the signs of hidden [out_features, in_features]."""
    flat = messages.reshape(-1, messages.shape[-1])
    return _Product.apply(flat, hidden).reshape(*messages.shape[:-1], len(hidden))


def _pixels_last(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return tensor.to(dtype, memory_format=torch.channels_last)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, messages: Tensor, hidden: Tensor, largest: int, stride: int, padding: int) -> Tensor:
        signs = torch.where(hidden >= 0, 1.0, -1.0)
        channels = EXACT // (largest * hidden[0, 0].numel()) if _short_products(messages.device) else 0
        dtype, channels = (torch.bfloat16, channels) if channels else (torch.float32, hidden.shape[1])
        small, signs = _pixels_last(messages, dtype), _pixels_last(signs, dtype)
        parts = zip(small.split(channels, 1), signs.split(channels, 1), strict=True)
        product, *others = (functional.conv2d(s, w, None, stride, padding).float() for s, w in parts)
        for other in others:
            product += other
        ctx.save_for_backward(small, signs)
        ctx.geometry = [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1
        return product

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        small, signs, rounded = (_pixels_last(t, torch.bfloat16) for t in (*ctx.saved_tensors, grad))
        wanted = [*ctx.needs_input_grad[:2], False]
        found = torch.ops.aten.convolution_backward(rounded, small, signs, None, *ctx.geometry, wanted)
        return *(None if g is None else g.float() for g in found[:2]), None, None, None


def binary_convolution(messages: Tensor, hidden: Tensor, largest: int, stride: int, padding: int) -> Tensor:
    """messages [batch, in_channels, height, width], integers from -``largest`` to ``largest``, convolved with the signs
    of hidden [out_channels, in_channels, height, width]; ``stride`` and zero ``padding`` in pixels."""
    return _Convolution.apply(messages, hidden, largest, stride, padding)
