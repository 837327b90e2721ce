"""A perceptron whose weights are distributions, computed for several samples of them side by side.

x <- (x - mean) / sd of the data set;   z = W_s x of each sample s;   normed: z <- (z - <z>) / sqrt(var z + 1e-5)
(of one or two units, of which that would leave a sign: z / sqrt(fan-in));
h = max(0, z) (relu),  h = 1 where |z| > 1, else 0 (gate; slope: +1 in 1/2 < z < 3/2, -1 in -3/2 < z < -1/2)

Sources: the networks of Bonnet et al. 2025 (Nat Commun 16:9614; relu, no norm) and Cottart et al. 2026
(arXiv:2605.30198; "reverse binary gate" and a layer norm without parameters, also behind the last layer). No biases.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from fusi_models.checks import LARGEST, count, finite, whole
from neuromorph.snn.layered import Layered
from neuromorph.snn.layers import FEWEST_NORMED, BinaryLinear
from neuromorph.snn.posterior import Drawn, DrawnConfig, GaussianConfig

ACTIVATIONS = ("relu", "gate")
EPSILON = 1e-5  # of the layer norm


class _Gate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        ctx.save_for_backward(z)
        return (z.abs() > 1).to(z.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (z,) = ctx.saved_tensors
        return grad * torch.sign(z) * ((z.abs() > 0.5) & (z.abs() < 1.5))


def gate(z: Tensor) -> Tensor:
    """1 where ``z`` (any shape) is below -1 or above 1, else 0; the slope is that of the module's head."""
    return _Gate.apply(z)


@dataclass(frozen=True)
class SampledConfig:
    """Every choice of a ``SampledNetwork``. Raises ValueError for impossible ones.

    >>> SampledConfig((784, 50, 10)).samples
    10
    """

    sizes: tuple[int, ...] = (784, 50, 10)
    """Features, hidden layers, classes."""
    weights: DrawnConfig = GaussianConfig()
    """``snn.posterior``: Gaussian or Bernoulli."""
    samples: int = 10
    """Samples of the weights, of a step and of a prediction."""
    activation: str = "relu"
    """relu or gate."""
    normed: bool = False
    """A layer norm without parameters behind each layer."""
    init: float = 4.0
    """Half width of the initial stored numbers, in units of 1 / sqrt(fan-in)."""
    standard: tuple[float, float] = (0.1307, 0.3081)
    """Mean and standard deviation of a pixel, by default MNIST's; (0, 1) leaves the pixels as they are."""
    fast: bool | None = None
    """None: a step of one sample runs as one compiled loop, with the numbers of False but for rounding. True: it has
    to be possible."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", tuple(whole("each of sizes", n, 1) for n in self.sizes))
        if len(self.sizes) < 2:
            raise ValueError(f"sizes must list at least inputs and classes, got {self.sizes}.")
        count("samples", self.samples)
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"There is no activation '{self.activation}': choose one of {', '.join(ACTIVATIONS)}.")
        finite("init", self.init, 0, LARGEST, above=True)
        finite("the deviation of a pixel", self.standard[1], 0, LARGEST, above=True)

    @property
    def norm(self) -> str:
        """Nothing is normalised over a batch."""
        return "none"

    @property
    def sample(self) -> tuple[int, ...]:
        """Shape of one sample: (feature,)."""
        return self.sizes[:1]

    def build(self, generator: torch.Generator) -> SampledNetwork:
        """The network, its weights and keys drawn by ``generator``."""
        return SampledNetwork(self, generator)


class SampledNetwork(Layered):
    """``forward(x)`` [batch, feature] gives the scores of each sample, [sample, batch, class]."""

    def __init__(self, config: SampledConfig, generator: torch.Generator | None = None):
        super().__init__()
        self.config = config
        pairs = zip(config.sizes, config.sizes[1:], strict=False)
        self.layers = nn.ModuleList(
            BinaryLinear(a, b, init=config.init * a**-0.5, weights=config.weights, generator=generator)
            for a, b in pairs
        )
        self.norms = nn.ModuleList(nn.Identity() for _ in self.layers)
        self._gates.extend([None] * (len(self.layers) - 1))

    @property
    def forms(self) -> list[Drawn]:
        """Of each layer."""
        return [cast(Drawn, layer.form) for layer in self.layers]

    def forward(self, x: Tensor) -> Tensor:
        """Scores [sample, batch, class] of x [batch, feature] in [0, 1]."""
        mean, deviation = self.config.standard
        h = ((x - mean) / deviation).expand(self.config.samples, *x.shape)
        for k, (form, stored) in enumerate(zip(self.forms, self.weights(), strict=True)):
            self.watched(k, h)
            h = form.sampled(h, stored)
            if self.config.normed:
                few = len(stored) < FEWEST_NORMED
                h = h * stored.shape[1] ** -0.5 if few else functional.layer_norm(h, h.shape[-1:], eps=EPSILON)
            if k < len(self.layers) - 1:
                h = functional.relu(h) if self.config.activation == "relu" else gate(h)
                h, _ = self.gated(k, h, None)
        return h

    def scores(self, x: Tensor) -> Tensor:
        """Logarithms of class probabilities [batch, class], see ``logarithms``."""
        return logarithms(self(x), self.training)


def logarithms(logits: Tensor, learning: bool) -> Tensor:
    """Logarithms of class probabilities [batch, class] of the scores of each sample [sample, batch, class].

    While it learns their mean over the samples, whose error is that of the samples on average; in a prediction those of
    the mean probability.
    """
    logs = functional.log_softmax(logits, -1)
    return logs.mean(0) if learning else logs.logsumexp(0) - math.log(len(logs))
