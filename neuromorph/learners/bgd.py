"""Bayesian gradient descent as a learner of Gaussian weights: rule, method, example. Equations: ``snn.optim.bgd``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from neuromorph.learner import Learner
from neuromorph.learners.composed import TrainingConfig
from neuromorph.learners.mesu import check_deviation, gaussian_steps
from neuromorph.learners.sampled import SampledLearner, Steps
from neuromorph.snn.optim.bgd import BGD
from neuromorph.snn.posterior import GaussianConfig
from neuromorph.snn.sampled import SampledConfig


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
        return gaussian_steps("BGD", (self.lr, self.lr_deviation, 0, 0, 0, self.clamp), parameters, steps)


@final
@dataclass(frozen=True)
class BGDMethod:
    """Bayesian gradient descent, one sample at a time unless ``batch`` says more; the network of MESU."""

    samples: int = 10
    """Of the weights."""
    deviation: float = 2.0
    """sigma at the start in units of 1 / sqrt(fan-in)."""
    batch: int = 1
    """Samples of an update."""

    def build(self, sizes: tuple[int, ...], seed: int, device: str, parts: tuple[str, ...]) -> Learner:
        """The learner for ``sizes``. Raises ``ValueError`` for a deviation of 0, with which nothing would move."""
        check_deviation(self.deviation)
        network = SampledConfig(sizes, GaussianConfig(deviation=self.deviation), self.samples)
        return SampledLearner(TrainingConfig(network, BGDRule(), self.batch, seed, device, parts))


METHOD = BGDMethod


def example(inputs: int, classes: int, seed: int) -> tuple[type[Learner], dict[str, Any]]:
    """A small one for the catalogue."""
    network = SampledConfig((inputs, 6, classes), samples=3, activation="gate", standard=(0.5, 0.5))
    return SampledLearner, {"config": TrainingConfig(network, BGDRule(), batch=4, seed=seed)}
