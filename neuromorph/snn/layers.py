"""Layers whose multiplied weight is made of a stored one, by default its sign (``weights.py``).

W_h is dimensionless; its magnitude is the metaplastic state, so nothing here bounds it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from fusi_models.checks import LARGEST, check_widths, finite, wholes
from neuromorph.snn.weights import SIGNS, WeightsConfig, binarize

FEWEST_NORMED = 3
"""Units of a layer that a norm over the units of one sample leaves more of than a sign without a gradient."""

__all__ = ["BinaryConv2d", "BinaryLinear", "binarize"]


def _check_widths(name: str, *given: Any) -> None:
    check_widths(name, wholes(name, given))


def _half_width(init: float) -> float:
    return finite("init, the half width of the initial hidden weights,", init, 0, LARGEST, above=True)


@torch.no_grad()
def _draw(layer: BinaryLinear | BinaryConv2d, generator: torch.Generator | None) -> None:
    layer.weight.uniform_(-layer.init, layer.init, generator=generator)
    if layer.bias is not None:
        layer.bias.zero_()


class BinaryLinear(nn.Linear):
    """``nn.Linear`` that multiplies by the signs of its weight; a drop-in for snnTorch networks.

    ``weight`` [out_features, in_features] is the hidden weight, drawn uniformly from [-init, init]. No bias by default,
    since a chip adds a bias at every step. ``forward(x)`` takes [..., in_features] and returns [..., out_features].
    ``weights`` names another form than signs, built in ``form``. Raises ValueError for an ``init`` that is not
    above 0 and at most 1e6, and for widths that are no whole numbers of at least 1.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = False,
        init: float = 0.05,
        weights: WeightsConfig = SIGNS,
        generator: torch.Generator | None = None,
        **factory: Any,
    ):
        _check_widths("in_features and out_features", in_features, out_features)
        self.init = _half_width(init)  # nn.Linear.__init__ calls reset_parameters
        super().__init__(in_features, out_features, bias=bias, **factory)
        if generator is not None:
            self.reset_parameters(generator)
        self.form = weights.build(self.weight.shape, generator)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw new hidden weights from ``generator`` (torch's global one if None) and set the bias to 0."""
        _draw(self, generator)

    def multiplied(self) -> Tensor:
        """The weight as it is multiplied, [out_features, in_features]; the gradient reaches ``weight``."""
        return self.form(self.weight)

    def product(self, messages: Tensor, largest: int | None = None, rounded: bool = False) -> Tensor:
        """``forward`` of whole numbers up to ``largest``, in few bits; see ``Weights.linear``."""
        product = self.form.linear(messages, self.weight, largest, rounded)
        return product if self.bias is None else product + self.bias

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.multiplied(), self.bias)


class BinaryConv2d(nn.Conv2d):
    """``nn.Conv2d`` that convolves with the signs of its weight; a drop-in for snnTorch networks.

    ``weight`` [out_channels, in_channels / groups, height, width] is the hidden weight, drawn uniformly from
    [-init, init]; further arguments as in ``nn.Conv2d``, no bias by default. A padded pixel is 0, whatever the weight.
    ``forward(x)`` takes [batch, in_channels, height, width]. ``weights`` names another form than signs, built in
    ``form``. Raises ValueError for an ``init`` that is not above 0 and at most 1e6, and for widths that are no whole
    numbers of at least 1.
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
        weights: WeightsConfig = SIGNS,
        generator: torch.Generator | None = None,
        **options: Any,
    ):
        _check_widths("in_channels and out_channels", in_channels, out_channels)
        _check_widths("kernel_size", *(kernel_size if isinstance(kernel_size, tuple) else (kernel_size,)))
        self.init = _half_width(init)
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, bias=bias, **options)
        if generator is not None:
            self.reset_parameters(generator)
        self.form = weights.build(self.weight.shape, generator)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw new hidden weights from ``generator`` (torch's global one if None) and set the bias to 0."""
        _draw(self, generator)

    def multiplied(self) -> Tensor:
        """The weight as it is multiplied, shaped as ``weight``, which the gradient reaches."""
        return self.form(self.weight)

    def product(self, messages: Tensor, largest: int | None = None, rounded: bool = False) -> Tensor:
        """``forward`` of whole numbers up to ``largest``, in few bits; see ``Weights.convolve``.

        Only for one stride, one zero padding, no dilation, no groups and no bias, as ``SpikingBNN`` builds it.
        """
        return self.form.convolve(messages, self.weight, largest, self.stride[0], int(self.padding[0]), rounded)

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, self.multiplied(), self.bias)
