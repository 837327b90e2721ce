"""MESU, Bayesian gradient descent and the unprotected control as learners of Gaussian weights: rules and an example.

Equations: ``snn.optim.mesu``, ``snn.optim.bgd``, ``snn.optim.plain``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from neuromorph.learner import Learner
from neuromorph.learners.composed import TrainingConfig
from neuromorph.learners.sampled import SampledLearner, Steps
from neuromorph.snn.optim.bgd import BGD
from neuromorph.snn.optim.mesu import Mesu, constants
from neuromorph.snn.optim.plain import Plain
from neuromorph.snn.sampled import SampledConfig


@final
@dataclass(frozen=True)
class MesuRule:
    """The arguments of ``snn.optim.mesu.Mesu``.

    >>> MesuRule(window=1e15).prior
    1.0
    """

    window: float = 3e5
    """N in mini-batches; infinity forgets nothing."""
    prior: float = 1.0
    """sigma_p, in units of the weight."""
    prior_mean: float = 0.0
    """mu_p, in units of the weight."""
    lr: float = 1.0
    """Of the means, without a unit."""
    lr_deviation: float = 1.0
    """Of the deviations, without a unit."""
    clamp: float = 0.0
    """Gradients are kept within +-clamp / sigma; 0 does not bound them."""

    def build(self, params: Iterable[Tensor]) -> Mesu:
        """The optimiser of mean, deviation, mean, deviation..."""
        return Mesu(params, **asdict(self))

    def learn(self, parameters: list[NDArray[np.float32]], steps: Steps) -> float:
        """Sample by sample, compiled."""
        return _gaussian("MESU", (*constants(asdict(self)), self.clamp), parameters, steps)


@final
@dataclass(frozen=True)
class BGDRule:
    """The arguments of ``snn.optim.bgd.BGD``."""

    lr: float = 1.0
    """Of the means, without a unit."""
    lr_deviation: float = 1.0
    """Of the deviations, without a unit."""
    clamp: float = 0.0
    """Gradients are kept within +-clamp / sigma; 0 does not bound them."""

    def build(self, params: Iterable[Tensor]) -> BGD:
        """The optimiser of mean, deviation, mean, deviation..."""
        return BGD(params, **asdict(self))

    def learn(self, parameters: list[NDArray[np.float32]], steps: Steps) -> float:
        """Sample by sample, compiled."""
        return _gaussian("BGD", (self.lr, self.lr_deviation, 0, 0, 0, self.clamp), parameters, steps)


@final
@dataclass(frozen=True)
class PlainRule:
    """The arguments of ``snn.optim.plain.Plain``; with ``GaussianConfig(deviation=0)`` a common network."""

    lr: float = 0.002
    """Learning rate."""

    def build(self, params: Iterable[Tensor]) -> Plain:
        """The optimiser of mean, deviation, mean, deviation..."""
        return Plain(params, self.lr)

    def learn(self, parameters: list[NDArray[np.float32]], steps: Steps) -> float:
        """Sample by sample, compiled."""
        return _gaussian("PLAIN", (self.lr, 0, 0, 0, 0, 0), parameters, steps)


def _gaussian(rule: str, constants: Sequence[float], parameters: list[NDArray[np.float32]], steps: Steps) -> float:
    from neuromorph.snn import fused  # loads numba

    means, deviations = tuple(parameters[::2]), tuple(parameters[1::2])
    numbers = np.array(constants, np.float32)
    return fused.gaussian_steps(getattr(fused, rule), numbers, means, deviations, *steps.arguments)


def example(inputs: int, classes: int, seed: int) -> tuple[type[Learner], dict[str, Any]]:
    """A small one for the catalogue."""
    network = SampledConfig((inputs, 6, classes), samples=3, standard=(0.5, 0.5))
    return SampledLearner, {"config": TrainingConfig(network, MesuRule(window=50.0), batch=4, seed=seed)}
