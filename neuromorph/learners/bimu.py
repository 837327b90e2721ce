"""BiMU as a learner of binary weights: its rule and an example. Equations: ``snn.optim.bimu``, ``snn.posterior``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from neuromorph.learner import Learner
from neuromorph.learners.composed import TrainingConfig
from neuromorph.learners.sampled import SampledLearner, Steps
from neuromorph.snn.optim.bimu import Bimu, constants
from neuromorph.snn.posterior import BernoulliConfig
from neuromorph.snn.sampled import SampledConfig


@final
@dataclass(frozen=True)
class BimuRule:
    """The arguments of ``snn.optim.bimu.Bimu``, by default the published ones for one permuted image at a time.

    >>> BimuRule(window=1600).kl
    3.76
    """

    window: float = 700.0
    """N; in mini-batches the window is about N / (kl largest)."""
    lr: float = 4.9
    """Of the likelihood."""
    largest: float = 0.0023
    """lr_max: the largest step of lambda a unit of drive."""
    likelihood: float = 161.3
    """Scale of the gradient."""
    kl: float = 3.76
    """Scale of the distance to the prior."""

    def build(self, params: Iterable[Tensor]) -> Bimu:
        """The optimiser of latent numbers."""
        return Bimu(params, **asdict(self))

    def learn(self, parameters: list[NDArray[np.float32]], steps: Steps) -> float:
        """Sample by sample, compiled."""
        from neuromorph.snn import fused  # loads numba

        numbers = np.array(constants(asdict(self)), np.float32)
        return fused.bernoulli_steps(numbers, tuple(parameters), *steps.arguments)


def bimu_network(sizes: tuple[int, ...], **options: Any) -> SampledConfig:
    """The published network: five samples of binary weights, gates, layer norms without parameters.

    >>> bimu_network((784, 100, 10)).activation
    'gate'
    """
    shared = {"weights": BernoulliConfig(), "samples": 5, "activation": "gate", "normed": True, "init": 1.0}
    return SampledConfig(sizes, **{**shared, **options})


@final
@dataclass(frozen=True)
class BimuMethod:
    """BiMU on the published network, one sample at a time unless ``batch`` says more."""

    window: float = 700.0
    """N."""
    samples: int = 5
    """Of the weights."""
    batch: int = 1
    """Samples of an update."""

    def build(self, sizes: tuple[int, ...], seed: int, device: str, parts: tuple[str, ...]) -> Learner:
        """The learner for ``sizes``."""
        network = bimu_network(sizes, samples=self.samples)
        return SampledLearner(TrainingConfig(network, BimuRule(self.window), self.batch, seed, device, parts))


METHOD = BimuMethod


def example(inputs: int, classes: int, seed: int) -> tuple[type[Learner], dict[str, Any]]:
    """A small one for the catalogue."""
    network = bimu_network((inputs, 6, classes), samples=3, standard=(0.5, 0.5))
    return SampledLearner, {"config": TrainingConfig(network, BimuRule(), batch=4, seed=seed)}
