"""What a stored number becomes when it is multiplied, and in how many bits it is multiplied.

Signs   W = sign(W_h), sign(0) = +1;   dL/dW_h = dL/dW   (straight-through, never clipped)
Reals   W = W_h

Source: Laborieux et al. 2021, Nat Commun 12:2549; the sign of zero is this project's convention on every substrate.
Both are dimensionless. The magnitude of W_h is the metaplastic state, so nothing here bounds it.

A further form (levels of a device, a sample of a posterior) is one file: a final ``Weights`` and a frozen
``WeightsConfig`` that builds it, named as ``weights`` in the configuration of a network.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from neuromorph.snn.products import LARGEST_MESSAGE, convolution_of_signs, product_of_signs


class _Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor) -> Tensor:
        bits = torch.ge(hidden, 0, out=torch.empty_like(hidden))  # ten times as fast as torch.where
        return bits.mul_(2).sub_(1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad


def binarize(hidden: Tensor) -> Tensor:
    """Sign of ``hidden`` (any shape) as -1.0 or +1.0, sign(0) = +1, with the identity as gradient."""
    return _Sign.apply(hidden)


class Weights(nn.Module, ABC):
    """The form of one layer's weights: a layer has its own, which may own parameters, buffers and a generator.

    ``forward(stored)`` is the multiplied value, of the shape of ``stored``; the gradient reaches ``stored``. It is
    called once a forward pass of the layer, so a form that draws draws once for all samples and steps of that pass.
    ``signs``: the values are -1 and +1 and nothing else, so that few bits hold a product and a chip holds the weight.
    """

    signs: bool = False

    @property
    def packed_bits(self) -> int:
        """Of a value that is multiplied, packed."""
        return 1 if self.signs else 32

    @abstractmethod
    def forward(self, stored: Tensor) -> Tensor:
        """The value that is multiplied, shaped as ``stored``."""

    def linear(self, messages: Tensor, stored: Tensor, largest: int | None = None, rounded: bool = False) -> Tensor:
        """messages [..., in_features] times the value of stored [out_features, in_features].

        ``largest``: messages are whole numbers from -largest to largest; None: real ones. The sums are exact in both
        cases where the values are signs. ``rounded``: the products of the gradient may be rounded to bfloat16.
        """
        if self._few_bits(largest):
            return product_of_signs(messages, self(stored), rounded)
        return functional.linear(messages, self(stored))

    def convolve(
        self,
        messages: Tensor,
        stored: Tensor,
        largest: int | None = None,
        stride: int = 1,
        padding: int = 0,
        rounded: bool = False,
    ) -> Tensor:
        """messages [batch, in_channels, height, width] convolved with the value of stored [out_channels, in_channels,
        height, width]; ``stride`` and zero ``padding`` in pixels, ``largest`` and ``rounded`` as for ``linear``."""
        if self._few_bits(largest):
            assert largest is not None
            return convolution_of_signs(messages, self(stored), largest, stride, padding, rounded)
        return functional.conv2d(messages, self(stored), None, stride, padding)

    def _few_bits(self, largest: int | None) -> bool:
        return self.signs and largest is not None and largest <= LARGEST_MESSAGE


@final
class Signs(Weights):
    """The sign of the hidden weight."""

    signs = True

    def forward(self, stored: Tensor) -> Tensor:
        return binarize(stored)


@final
class Reals(Weights):
    """The stored number itself."""

    def forward(self, stored: Tensor) -> Tensor:
        return stored


@dataclass(frozen=True)
class WeightsConfig(ABC):
    """The choices of a form; what a network's configuration names."""

    @abstractmethod
    def build(self, shape: Sequence[int], generator: torch.Generator | None = None) -> Weights:
        """The form of a layer whose stored numbers have ``shape``; ``generator`` draws what is drawn at the start."""


@final
@dataclass(frozen=True)
class SignsConfig(WeightsConfig):
    """The sign of the hidden weight."""

    def build(self, shape: Sequence[int], generator: torch.Generator | None = None) -> Signs:
        return Signs()


@final
@dataclass(frozen=True)
class RealsConfig(WeightsConfig):
    """The stored number itself."""

    def build(self, shape: Sequence[int], generator: torch.Generator | None = None) -> Reals:
        return Reals()


SIGNS, REALS = SignsConfig(), RealsConfig()
