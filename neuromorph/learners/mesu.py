"""MESU as a learner of Gaussian weights: its rule, a method and an example. Equations: ``snn.optim.mesu``."""

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
from neuromorph.snn.optim.mesu import Mesu, constants
from neuromorph.snn.posterior import GaussianConfig
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
        return gaussian_steps("MESU", (*constants(asdict(self)), self.clamp), parameters, steps)


def gaussian_steps(rule: str, constants: Sequence[float], parameters: list[NDArray[np.float32]], steps: Steps) -> float:
    """Sample by sample, compiled, by the ``rule`` of ``snn.fused`` with its constants and the clamp."""
    from neuromorph.snn import fused  # loads numba

    means, deviations = tuple(parameters[::2]), tuple(parameters[1::2])
    numbers = np.array(constants, np.float32)
    return fused.gaussian_steps(getattr(fused, rule), numbers, means, deviations, *steps.arguments)


def check_deviation(deviation: float) -> None:
    """Raise ``ValueError`` for the deviation 0: steps are in proportion to it."""
    if deviation == 0:
        raise ValueError(
            "deviation must be positive, got 0: steps are in proportion to it, so nothing would be learned."
        )


@final
@dataclass(frozen=True)
class MesuMethod:
    """MESU, one sample at a time unless ``batch`` says more; the published network."""

    window: float = 3e5
    """N in mini-batches."""
    prior: float = 1.0
    """sigma_p."""
    samples: int = 10
    """Of the weights."""
    deviation: float = 2.0
    """sigma at the start in units of 1 / sqrt(fan-in)."""
    clamp: float = 0.1
    """Gradients are kept within +-clamp / sigma, so that small networks do not diverge; 0, as published, does not."""
    batch: int = 1
    """Samples of an update."""

    def build(self, sizes: tuple[int, ...], seed: int, device: str, parts: tuple[str, ...]) -> Learner:
        """The learner for ``sizes``. Raises ``ValueError`` for a deviation of 0, with which nothing would move."""
        check_deviation(self.deviation)
        network = SampledConfig(sizes, GaussianConfig(deviation=self.deviation), self.samples)
        rule = MesuRule(self.window, self.prior, clamp=self.clamp)
        return SampledLearner(TrainingConfig(network, rule, self.batch, seed, device, parts))


METHOD = MesuMethod


def example(inputs: int, classes: int, seed: int) -> tuple[type[Learner], dict[str, Any]]:
    """A small one for the catalogue."""
    network = SampledConfig((inputs, 6, classes), samples=3, standard=(0.5, 0.5))
    return SampledLearner, {"config": TrainingConfig(network, MesuRule(window=50.0), batch=4, seed=seed)}
