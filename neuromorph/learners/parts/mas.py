"""Memory aware synapses: a weight is held by how much the scores would change with it; no label is used.

loss = cross entropy + strength sum_i Omega_i (w_i - w~_i)^2
Omega_i <- Omega_i + mean over samples of |d sum_c s_c^2 / d w_i|,   w~ <- w     at the end of a task

s_c: the class scores of one sample, as the network predicts; w, w~: see ``snn.anchored``. Source: Aljundi, Babiloni,
Elhoseiny, Rohrbach & Tuytelaars 2018, ECCV, the squared l2 norm of the outputs. Omega has the units of s^2 / w, so
strength those of nats / (s^2 w). Code that takes the mean over the classes, or the gradient of a whole mini-batch
before its size, has smaller Omegas and wants a larger strength.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from torch import Tensor

from fusi_models.checks import MOST, count, finite
from neuromorph.snn.anchored import Anchored, mean_over_samples
from neuromorph.snn.parts import Host, PartConfig
from neuromorph.streams import Task


@final
@dataclass(frozen=True)
class MAS(PartConfig):
    """The choices of memory aware synapses. Raises ValueError for a negative strength or fewer than 1 sample.

    >>> MAS(samples=20).strength
    1.0
    """

    strength: float = 1.0
    """Lambda, in nats / (s^2 w)."""
    samples: int = 5000
    """Samples of the importance, at most."""

    def __post_init__(self) -> None:
        finite("strength", self.strength, 0)
        count("samples", self.samples, MOST)

    def build(self, learner: Host) -> Sensitivities:
        return Sensitivities(learner, self)


CONFIG = MAS


@final
class Sensitivities(Anchored):
    """The running penalty; ``importance`` is Omega."""

    def __init__(self, learner: Host, config: MAS):
        super().__init__(learner, config.strength)
        self.config = config

    def information(self, task: Task) -> list[Tensor]:
        """The sensitivity of the scores to each weight, in their shapes, from the first samples of ``task``."""
        samples = self.learner.samples(task, self.config.samples)
        return mean_over_samples(self.learner, *samples, _squared_norm, lambda total, g: total.add_(g.abs()))


def _squared_norm(scores: Tensor, label: Tensor) -> Tensor:
    return scores.square().sum()
