"""Products with binary weights in few bits: the forward one exact, those of the gradient rounded.

a = s W_b^T,   W_b = sign(W_h);   dL/ds = g W_b,   dL/dW_h = g^T s   (straight-through)

Signs and integer messages up to 127 are exact in 8 bits and their sums in 32, so ``a`` is what a float32 product gives.
The gradient g is rounded to bfloat16 (8 bits of mantissa) before its two products; sums are kept in float32.
"""

from typing import Any

import torch
from torch import Tensor

LARGEST_MESSAGE = 127


def _integer_products(device: torch.device) -> bool:
    """Whether 8-bit products are quick there: on a processor with vector instructions for them."""
    return device.type == "cpu" and torch.cpu._is_vnni_supported()


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
