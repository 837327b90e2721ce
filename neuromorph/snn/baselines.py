"""Networks to compare the spiking one with: binarized without spikes, and full precision, both normalised.

z = norm(W_b x),   x' = sign(z),     dx'/dz = 1 where |z| <= 1, else 0     (binary; W_b: see ``layers.py``)
z = norm(W x),     x' = max(0, z)                                          (full precision)

The last layer's z are the class scores. A convolution has z = norm(pool(W_b * x)), pool the mean of 2x2.
Source: Laborieux, Ernoult, Hirtzlin, Querlioz 2021, Nat Commun 12:2549, and the authors' code; sign(0) = +1 is ours.
Everything is dimensionless; x lies in [0, 1].
"""

from __future__ import annotations

import math
from abc import ABC
from dataclasses import dataclass, fields
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from fusi_models.checks import LARGEST, finite
from neuromorph.snn.layered import Layered
from neuromorph.snn.layers import FEWEST_NORMED, BinaryConv2d, BinaryLinear
from neuromorph.snn.network import Convolution, SpikingBNN
from neuromorph.snn.weights import REALS, SIGNS, WeightsConfig, binarize

NORMS = ("batch-running", "batch-statistics", "instance", "none")


class Classifier(Layered, ABC):
    """A ``Layered`` network that returns its scores: ``forward(x)`` [batch, feature] -> scores [batch, class]."""

    def scores(self, x: Tensor) -> Tensor:
        return self(x)


@dataclass(frozen=True)
class ControlConfig:
    """Every choice of a ``ControlNetwork``.

    sizes: features, hidden layers, classes. binary: weights and activations of one bit. norm: ``batch-running`` (batch
    norm that predicts with running statistics), ``batch-statistics`` (it predicts with those of the samples in the same
    call, so neighbours matter), ``instance`` (over the units of a layer, or the pixels of a channel, of one sample; one
    or two units, of which it would leave a sign without a gradient, have ``none``) or ``none`` (binary sums divided by
    sqrt(fan-in)). affine: the norm learns a scale and a shift. init: half width of the initial weights. channels: of
    square images, then of convolutions (padding 1, ``kernel`` wide) before the first of ``sizes``' layers,
    (1, 12, 20, 30) for the paper's MNIST-USPS network. threshold: inputs above it count 1, others 0; None leaves them
    real. fast: gradients of binary products may be rounded to bfloat16, on processors that multiply such numbers.
    weights: what a stored number becomes when it is multiplied; None: its sign where ``binary``, else itself. Raises
    ValueError for impossible choices.
    """

    sizes: tuple[int, ...]
    binary: bool = True
    norm: str = "batch-running"
    affine: bool = True
    init: float = 0.05
    channels: tuple[int, ...] = ()
    kernel: int = 4
    threshold: float | None = None
    fast: bool = False
    weights: WeightsConfig | None = None

    def __post_init__(self) -> None:
        if len(self.sizes) < 2 or min(self.sizes + self.channels) < 1:
            raise ValueError(
                f"sizes must list at least inputs and classes, sizes and channels be positive, got {self.sizes} and "
                f"{self.channels}"
            )
        if self.norm not in NORMS:
            raise ValueError(f"There is no norm '{self.norm}': choose one of {', '.join(NORMS)}.")
        if self.fast and not self.binary:
            raise ValueError("fast multiplies bits: it needs binary=True")
        finite("init, the half width of the initial weights,", self.init, 0, LARGEST, above=True)
        if self.channels and (self.side**2 * self.channels[0] != self.sizes[0] or self.pooled < 1):
            raise ValueError(
                f"{self.sizes[0]} features are no square images of {self.channels[0]} channels, or too small for "
                f"{len(self.channels) - 1} convolutions of {self.kernel}x{self.kernel}"
            )
        if self.channels and self.norm == "instance" and self.pooled == 1:
            raise ValueError("a channel of one pixel cannot be normalised over its pixels: use larger images")

    @property
    def side(self) -> int:
        """Pixels of a side of the image."""
        return math.isqrt(self.sizes[0] // self.channels[0])

    @property
    def pooled(self) -> int:
        """Pixels of a side behind the convolutions, each of which is followed by a pooling."""
        side = self.side
        for _ in self.channels[1:]:
            side = (side + 3 - self.kernel) // 2
        return side

    @property
    def flat(self) -> int:
        """Inputs of the first layer behind the convolutions."""
        return self.channels[-1] * self.pooled**2 if self.channels else self.sizes[0]

    @property
    def sample(self) -> tuple[int, ...]:
        """Shape of one sample: (feature,)."""
        return self.sizes[:1]

    def build(self, generator: torch.Generator) -> ControlNetwork:
        """The network, its weights drawn by ``generator``."""
        return ControlNetwork(self, generator)


@dataclass(frozen=True)
class DrawnGainConfig(ControlConfig):
    """A control whose norms' scales start uniform in (0, 1), as torch 1.1 had it when the rule was published; now ones.

    Raises ValueError also for a norm without a scale.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.norm == "none" or not self.affine:
            raise ValueError(f"drawn gains need a norm with a scale, got norm '{self.norm}', affine {self.affine}.")

    def build(self, generator: torch.Generator) -> ControlNetwork:
        network = super().build(generator)
        for norm in network.norms:
            nn.init.uniform_(cast(nn.BatchNorm1d, norm).weight, generator=generator)
        return network


class ControlNetwork(Classifier):
    """A multi-layer perceptron, or a small convolutional network, as ``ControlConfig`` says; no biases."""

    def __init__(self, config: ControlConfig, generator: torch.Generator | None = None):
        super().__init__()
        self.config = config
        form = config.weights or (SIGNS if config.binary else REALS)
        options: dict[str, Any] = {"init": config.init, "weights": form, "generator": generator}
        channels, sizes = config.channels, (config.flat, *config.sizes[1:])
        self.layers = nn.ModuleList(
            [
                BinaryConv2d(a, b, config.kernel, padding=1, **options)
                for a, b in zip(channels, channels[1:], strict=False)
            ]
            + [BinaryLinear(a, b, **options) for a, b in zip(sizes, sizes[1:], strict=False)]
        )
        self.norms = nn.ModuleList(_norm(config, weight) for weight in self.weights())
        self._gates.extend([None] * (len(self.layers) - 1))

    def forward(self, x: Tensor) -> Tensor:
        """Scores [batch, class] of x [batch, feature]."""
        config, largest = self.config, None
        if config.threshold is not None:
            x, largest = (x > config.threshold).to(x.dtype), 1
        if config.channels:
            x = x.reshape(len(x), config.channels[0], config.side, config.side)
        for k, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            dense = k >= len(config.channels) - 1
            x = x.flatten(1) if dense else x
            self.watched(k, x)
            z = cast(BinaryLinear, layer).product(x, largest, config.fast)
            x = norm(z if dense else functional.avg_pool2d(z, 2))
            if k < len(self.layers) - 1:
                x = sign(x) if config.binary else functional.relu(x)
                x, largest = self.gated(k, x, 1 if config.binary else None)
        return x


@dataclass(frozen=True)
class SpikingConfig:
    """A ``SpikingBNN`` in the place of a control, for the same learners. Fields as in ``snn.NetworkConfig``."""

    sizes: tuple[int, ...]
    num_steps: int = 6
    beta: float = 0.9
    input_bits: int = 4
    init: float = 0.05
    image: tuple[int, ...] = ()
    convolutions: tuple[Convolution, ...] = ()
    norm: str = "none"
    fast: bool | None = None
    weights: WeightsConfig = SIGNS

    @property
    def sample(self) -> tuple[int, ...]:
        """Shape of one sample: (feature,)."""
        return self.sizes[:1]

    def build(self, generator: torch.Generator) -> SpikingClassifier:
        """The network, its weights drawn by ``generator``."""
        return SpikingClassifier(self, generator)


class SpikingClassifier(Classifier):
    """A ``SpikingBNN`` that returns the class scores of its read-out."""

    def __init__(self, config: SpikingConfig, generator: torch.Generator | None = None):
        super().__init__()
        options: dict[str, Any] = {field.name: getattr(config, field.name) for field in fields(config)}
        self.network = SpikingBNN(**options, generator=generator)
        self.layers, self.norms, self._gates = self.network.layers, self.network.norms, self.network.gates
        self.watchers = self.network.watchers

    def forward(self, x: Tensor) -> Tensor:
        """Scores [batch, class] of x [batch, feature] in [0, 1]."""
        return self.network.readout(*self.network(x))


class _SignActivation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        ctx.save_for_backward(z)
        return binarize(z)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (z,) = ctx.saved_tensors
        return grad * (z.abs() <= 1)


def sign(z: Tensor) -> Tensor:
    """Sign of ``z`` (any shape), sign(0) = +1, with the gradient of the hard tanh."""
    return _SignActivation.apply(z)


class _Scaled(nn.Module):
    def __init__(self, factor: float):
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


def _norm(config: ControlConfig, weight: Tensor) -> nn.Module:
    """The norm behind the layer of that weight: two dimensions, or four of a convolution."""
    units, fan_in, dims = len(weight), weight[0].numel(), weight.dim()
    if config.norm == "none" or (config.norm == "instance" and dims == 2 and units < FEWEST_NORMED):
        return _Scaled(fan_in**-0.5 if config.binary else 1.0)
    if config.norm == "instance":
        if dims == 4:
            return nn.InstanceNorm2d(units, affine=config.affine)
        return nn.LayerNorm(units, elementwise_affine=config.affine)
    kind = nn.BatchNorm2d if dims == 4 else nn.BatchNorm1d
    return kind(units, affine=config.affine, track_running_stats=config.norm == "batch-running")
