"""Plain descent of the means of Gaussian weights, the unprotected control of MESU, as a learner.

Equation: ``snn.optim.plain``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from neuromorph.learner import Learner
from neuromorph.learners.composed import TrainingConfig
from neuromorph.learners.mesu import gaussian_steps
from neuromorph.learners.sampled import SampledLearner, Steps
from neuromorph.snn.optim.plain import Plain
from neuromorph.snn.posterior import GaussianConfig
from neuromorph.snn.sampled import SampledConfig


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
        return gaussian_steps("PLAIN", (self.lr, 0, 0, 0, 0, 0), parameters, steps)


@final
@dataclass(frozen=True)
class PlainMethod:
    """A common network with ReLU and stochastic gradient descent, one sample at a time unless ``batch`` says more."""

    lr: float = 0.002
    """Learning rate."""
    batch: int = 1
    """Samples of an update."""

    def build(self, sizes: tuple[int, ...], seed: int, device: str, parts: tuple[str, ...]) -> Learner:
        """The learner for ``sizes``."""
        network = SampledConfig(sizes, GaussianConfig(deviation=0.0), samples=1, init=1.0)
        return SampledLearner(TrainingConfig(network, PlainRule(self.lr), self.batch, seed, device, parts))


METHOD = PlainMethod


def example(inputs: int, classes: int, seed: int) -> tuple[type[Learner], dict[str, Any]]:
    """A small one for the catalogue."""
    network = SampledConfig((inputs, 6, classes), GaussianConfig(deviation=0.0), samples=1, standard=(0.5, 0.5))
    return SampledLearner, {"config": TrainingConfig(network, PlainRule(), batch=4, seed=seed)}
