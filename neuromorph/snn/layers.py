"""Binary layers with a latent hidden weight.

W_b = sign(W_h), sign(0) = +1;   dL/dW_h = dL/dW_b   (straight-through, never clipped)

Source: Laborieux et al. 2021, Nat Commun 12:2549; the sign of zero is this project's convention on every substrate.
W_h is dimensionless; its magnitude is the metaplastic state, so nothing here bounds it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class _Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor) -> Tensor:
        return torch.where(hidden >= 0, 1.0, -1.0).to(hidden.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad


def binarize(hidden: Tensor) -> Tensor:
    """Sign of ``hidden`` (any shape) as -1.0 or +1.0, with the identity as gradient."""
    return _Sign.apply(hidden)


def _half_width(init: float) -> float:
    if not init > 0:
        raise ValueError(f"init is the half width of the initial hidden weights and must be positive, got {init}")
    return init


@torch.no_grad()
def _draw(layer: BinaryLinear | BinaryConv2d, generator: torch.Generator | None) -> None:
    layer.weight.uniform_(-layer.init, layer.init, generator=generator)
    if layer.bias is not None:
        layer.bias.zero_()


class BinaryLinear(nn.Linear):
    """``nn.Linear`` that multiplies by the signs of its weight; a drop-in for snnTorch networks.

    ``weight`` [out_features, in_features] is the hidden weight, drawn uniformly from [-init, init]. No bias by default,
    since a chip adds a bias at every step. ``forward(x)`` takes [..., in_features] and returns [..., out_features].
    Raises ValueError when ``init`` is not positive.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = False, init: float = 0.05, **factory: Any):
        self.init = _half_width(init)  # nn.Linear.__init__ calls reset_parameters
        super().__init__(in_features, out_features, bias=bias, **factory)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw new hidden weights from ``generator`` (torch's global one if None) and set the bias to 0."""
        _draw(self, generator)

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, binarize(self.weight), self.bias)


class BinaryConv2d(nn.Conv2d):
    """``nn.Conv2d`` that convolves with the signs of its weight; a drop-in for snnTorch networks.

    ``weight`` [out_channels, in_channels / groups, height, width] is the hidden weight, drawn uniformly from
    [-init, init]; further arguments as in ``nn.Conv2d``, no bias by default. A padded pixel is 0, whatever the weight.
    ``forward(x)`` takes [batch, in_channels, height, width]. Raises ValueError when ``init`` is not positive.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        bias: bool = False,
        init: float = 0.05,
        **options: Any,
    ):
        self.init = _half_width(init)
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, bias=bias, **options)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw new hidden weights from ``generator`` (torch's global one if None) and set the bias to 0."""
        _draw(self, generator)

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, binarize(self.weight), self.bias)
