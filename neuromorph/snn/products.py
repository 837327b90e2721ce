"""Products with weights of -1 and +1 in few bits: the forward one exact, those of the gradient exact or rounded.

a = s W^T;   dL/ds = g W;   dL/dW = g^T s   (a convolution likewise)

Signs and integer messages up to 127 are exact in 8 bits and their sums in 32, so ``a`` is what a float32 product gives.
A convolution has no 8-bit form in torch: it takes bfloat16, in parts whose sums stay within the whole numbers that
bfloat16 holds, or float32 where one kernel's sum does not. ``rounded``: the gradient g is rounded to bfloat16 (8 bits
of mantissa) before its two products, on processors that multiply such numbers; sums are kept in float32.
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

LARGEST_MESSAGE = 127
EXACT = 256  # bfloat16 holds every whole number up to this one


@cache
def _integer_products(device: str) -> bool:
    """Whether 8-bit products are quick there: on a processor with vector instructions for them."""
    return device == "cpu" and getattr(torch.cpu, "_is_vnni_supported", bool)()


@cache
def _short_products(device: str) -> bool:
    """Whether bfloat16 products are quick there."""
    return device != "cpu" or getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, messages: Tensor, signs: Tensor, rounded: bool) -> Tensor:
        ctx.rounded = rounded and _short_products(messages.device.type)
        if _integer_products(messages.device.type):
            messages, signs = messages.to(torch.int8), signs.to(torch.int8)
            product = torch._int_mm(messages, signs.T).float()
        else:
            product = messages @ signs.T
        ctx.save_for_backward(messages, signs)
        return product

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        dtype = torch.bfloat16 if ctx.rounded else torch.float32
        messages, signs = ctx.saved_tensors
        grad = grad.to(dtype)
        grad_messages = (grad @ signs.to(dtype)).float() if ctx.needs_input_grad[0] else None
        grad_signs = (grad.T @ messages.to(dtype)).float() if ctx.needs_input_grad[1] else None
        return grad_messages, grad_signs, None


def product_of_signs(messages: Tensor, signs: Tensor, rounded: bool = False) -> Tensor:
    """messages [..., in_features], integers from -127 to 127, times signs [out_features, in_features] of -1 and +1."""
    flat = messages.reshape(-1, messages.shape[-1])
    return _Product.apply(flat, signs, rounded).reshape(*messages.shape[:-1], len(signs))


def _pixels_last(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return tensor.to(dtype, memory_format=torch.channels_last)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, messages: Tensor, signs: Tensor, largest: int, stride: int, padding: int, rounded: bool
    ) -> Tensor:
        short = _short_products(messages.device.type)
        channels = EXACT // (largest * signs[0, 0].numel()) if short else 0
        dtype, channels = (torch.bfloat16, channels) if channels else (torch.float32, signs.shape[1])
        small, signs = _pixels_last(messages, dtype), _pixels_last(signs, dtype)
        parts = zip(small.split(channels, 1), signs.split(channels, 1), strict=True)
        product, *others = (functional.conv2d(s, w, None, stride, padding).float() for s, w in parts)
        for other in others:
            product += other
        ctx.save_for_backward(small, signs)
        ctx.dtype = torch.bfloat16 if rounded and short else torch.float32
        ctx.geometry = [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1
        return product

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        small, signs, grad = (_pixels_last(t, ctx.dtype) for t in (*ctx.saved_tensors, grad))
        wanted = [*ctx.needs_input_grad[:2], False]
        found = torch.ops.aten.convolution_backward(grad, small, signs, None, *ctx.geometry, wanted)
        return *(None if g is None else g.float() for g in found[:2]), None, None, None, None


def convolution_of_signs(
    messages: Tensor, signs: Tensor, largest: int, stride: int, padding: int, rounded: bool = False
) -> Tensor:
    """messages [batch, in_channels, height, width], integers from -``largest`` to ``largest``, convolved with signs
    [out_channels, in_channels, height, width] of -1 and +1; ``stride`` and zero ``padding`` in pixels."""
    return _Convolution.apply(messages, signs, largest, stride, padding, rounded)
