"""Weights that are distributions: a product is made with samples of them; the gradient reaches what they are made of.

Gaussian   w = mu + sigma eps,  eps normal
Bernoulli  w = -1 or +1, mean t = tanh(lambda);  while it learns w = tanh(lambda + artanh r) = (t + r) / (1 + t r),
           r uniform in (-1, 1)
local      z = m x + sqrt(v x^2) eps, eps normal, one number a sum z; m, v: mean and variance of a weight; for signs
           q = 1/t^2 - 1,  p = lambda/t - 1,  m = 1/t - lambda q,  dm/dlambda = E[1 - w^2] = 2 q p,  v = 1 - 2 q p - m^2

Sources: Bonnet et al. 2025, Nat Commun 16:9614 (Gaussian); Cottart et al. 2026, arXiv:2605.30198, and the authors' code
(Bernoulli: their relaxation at temperature 1, artanh r being half the logit of a uniform number). ``local`` is Kingma,
Salimans & Welling 2015 (NIPS): with a mini-batch of one sample, Gaussian sums have the same distribution as with one
eps a weight, so have the gradients of mu, and those of sigma have the same mean and a smaller variance; in a larger
mini-batch each sample has weights of its own. For signs the sum is taken to be Gaussian, which is derived here: the
integrals over r are exact, the shape of the sum is the central limit. Everything is dimensionless.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, final

import torch
from torch import Tensor, nn

from fusi_models.checks import LARGEST, finite
from neuromorph.snn.weights import Weights, WeightsConfig

TINY = 1e-30  # added to a variance: its root has a finite slope where no input is active
KEYS = 2**31  # torch draws keys below it
NEAR = 0.4  # of relaxed signs: below, moments are a series, good to 3e-8


class Drawn(Weights):
    """A form that draws; state: two keys, and how many draws it has made while it learned.

    A prediction draws with a key of its own, the same numbers each time, so it depends on no other and moves no state.
    """

    key: Tensor
    test_key: Tensor
    draws: Tensor

    def __init__(self, local: bool, generator: torch.Generator | None = None):
        super().__init__()
        self.local = local
        for name in ("key", "test_key"):
            self.register_buffer(name, torch.randint(KEYS, (), generator=generator))
        self.register_buffer("draws", torch.zeros((), dtype=torch.int64))

    def noise(self, shape: Sequence[int], like: Tensor, gaussian: bool) -> Tensor:
        """The next draw, of that shape and on the device of ``like``: standard normal, or uniform in (-1, 1)."""
        from neuromorph.local_rule.draws import drawn  # loads numba

        if self.training:
            self.draws += 1
        key, count = (self.key, self.draws) if self.training else (self.test_key, torch.zeros(()))
        return torch.from_numpy(drawn(int(key), int(count), shape, gaussian)).to(like.device)

    @abstractmethod
    def some(self, stored: Tensor, samples: int) -> Tensor:
        """So many samples of the weights, [sample, *stored.shape]; a draw."""

    @abstractmethod
    def moments(self, stored: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of each weight, as it learns, shaped as ``stored``."""

    def forward(self, stored: Tensor) -> Tensor:
        return self.some(stored, 1)[0]

    def sampled(self, messages: Tensor, stored: Tensor) -> Tensor:
        """messages [sample, batch, in] times a sample of the weights each: [sample, batch, out]; a draw."""
        if not (self.training and self.local):
            return torch.bmm(messages, self.some(stored, len(messages)).transpose(1, 2))
        mean, variance = self.moments(stored)
        wide = messages.square() @ variance.T + TINY
        return messages @ mean.T + wide.sqrt() * self.noise(wide.shape, stored, True)


@final
class Gaussian(Drawn):
    """Mean mu, the stored number, and ``deviation`` sigma, a parameter of its own."""

    def __init__(self, shape: Sequence[int], config: GaussianConfig, generator: torch.Generator | None = None):
        super().__init__(config.local, generator)
        self.deviation = nn.Parameter(torch.full(tuple(shape), config.deviation * prod(shape[1:]) ** -0.5))

    def some(self, stored: Tensor, samples: int) -> Tensor:
        return stored + self.deviation * self.noise((samples, *stored.shape), stored, True)

    def moments(self, stored: Tensor) -> tuple[Tensor, Tensor]:
        return stored, self.deviation.square()


@final
class Bernoulli(Drawn):
    """A sign whose log odds are twice the stored number lambda; relaxed to (-1, 1) while the network learns."""

    def some(self, stored: Tensor, samples: int) -> Tensor:
        tilt, noise = torch.tanh(stored), self.noise((samples, *stored.shape), stored, False)
        if self.training:
            return (tilt + noise) / (1 + tilt * noise)
        return (noise < tilt).to(stored.dtype) * 2 - 1

    def moments(self, stored: Tensor) -> tuple[Tensor, Tensor]:
        return _RelaxedMoments.apply(stored)


def relaxed_moments(latent: Any, tilt: Any) -> tuple[Any, Any, Any, Any]:
    """Mean of a relaxed sign, its slope, half the slope of its variance, and its variance, of tensors or of numbers;
    ``tilt``: tanh(latent). For |latent| >= ``NEAR``; below, the terms cancel: ``relaxed_series``."""
    q, p = 1 / (tilt * tilt) - 1, latent / tilt - 1
    mean, slope = 1 / tilt - latent * q, 2 * q * p
    curve = 2 * q * (mean - 2 * p / tilt)
    return mean, slope, -curve / 2 - mean * slope, 1 - slope - mean * mean


def relaxed_series(latent: Any) -> tuple[Any, Any, Any, Any]:
    """As ``relaxed_moments``, for |latent| <= ``NEAR``: the powers up to the ninth; the radius of convergence is pi."""
    s = latent * latent
    mean = latent * (2 / 3 + s * (-4 / 45 + s * (4 / 315 + s * (-8 / 4725 + s * 4 / 18711))))
    slope = 2 / 3 + s * (-4 / 15 + s * (4 / 63 + s * (-8 / 675 + s * 4 / 2079)))
    half = latent * (-8 / 45 + s * (104 / 945 + s * (-184 / 4725 + s * 1616 / 155925)))
    return mean, slope, half, 1 - slope - mean * mean


class _RelaxedMoments(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, latent: Tensor) -> tuple[Tensor, Tensor]:
        small = latent.abs() < NEAR
        far = torch.where(small, 1.0, latent)  # no 0 / 0 in what is not taken
        pairs = zip(relaxed_series(latent), relaxed_moments(far, torch.tanh(far)), strict=True)
        mean, slope, half, variance = (torch.where(small, near, value) for near, value in pairs)
        ctx.save_for_backward(slope, half)
        return mean, variance.clamp_min(0.0)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        slope, half = ctx.saved_tensors
        return grads[0] * slope + 2 * grads[1] * half


@dataclass(frozen=True)
class DrawnConfig(WeightsConfig):
    """The choices of a form that draws.

    ``local``: while it learns, draw one number for each sum in place of one for each weight.
    """

    local: bool = True

    @abstractmethod
    def build(self, shape: Sequence[int], generator: torch.Generator | None = None) -> Drawn:
        """The form of a layer; ``generator`` draws its keys."""


@final
@dataclass(frozen=True)
class GaussianConfig(DrawnConfig):
    """Raises ValueError for a negative deviation.

    >>> GaussianConfig().build((50, 784)).deviation[0, 0].item() < 0.072
    True
    """

    deviation: float = 2.0
    """sigma at the start in units of 1 / sqrt(fan-in); 0: no sample differs from the mean."""

    def __post_init__(self) -> None:
        finite("deviation", self.deviation, 0, LARGEST)

    def build(self, shape: Sequence[int], generator: torch.Generator | None = None) -> Gaussian:
        return Gaussian(shape, self, generator)


@final
@dataclass(frozen=True)
class BernoulliConfig(DrawnConfig):
    """Signs.

    >>> BernoulliConfig().build((2, 3)).signs
    False
    """

    def build(self, shape: Sequence[int], generator: torch.Generator | None = None) -> Bernoulli:
        return Bernoulli(self.local, generator)
