"""Online elastic weight consolidation: one running Fisher information and one anchor, whatever the number of tasks.

loss = cross entropy + strength / 2 sum_i gamma F_i (w_i - w~_i)^2
F <- gamma F + F_k,   w~ <- w     at the end of task k

F_k: the empirical Fisher information of task k, the squared gradient of -log p(label) averaged over samples taken one
by one with the network as it predicts, as in ``ewc``; w, w~: see ``snn.anchored``. Source: Schwarz et al. 2018
(Progress & Compress), ICML, section 3.2; gamma = 1 is the sum of all tasks' information. F has the units of 1/w^2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from torch import Tensor

from fusi_models.checks import MOST, check_fraction, count, finite
from neuromorph.snn.anchored import Anchored, mean_over_samples
from neuromorph.snn.parts import Host, PartConfig
from neuromorph.streams import Task


@final
@dataclass(frozen=True)
class OnlineEWC(PartConfig):
    """The choices of online EWC. Raises ValueError for a negative strength, gamma outside (0, 1], or no sample.

    >>> OnlineEWC(strength=100.0, gamma=0.9).samples
    5000
    """

    strength: float = 5000.0
    """Lambda, in nats: the loss is in nats and F (w - w~)^2 has no unit."""
    gamma: float = 1.0
    """What a boundary leaves of the information of earlier tasks, without a unit."""
    samples: int = 5000
    """Samples of the Fisher information, at most."""

    def __post_init__(self) -> None:
        finite("strength", self.strength, 0)
        check_fraction("gamma", self.gamma)
        count("samples", self.samples, MOST)

    def build(self, learner: Host) -> RunningFisher:
        return RunningFisher(learner, self)


CONFIG = OnlineEWC


@final
class RunningFisher(Anchored):
    """The running penalty; ``importance`` is F."""

    def __init__(self, learner: Host, config: OnlineEWC):
        super().__init__(learner, config.strength * config.gamma / 2, config.gamma)
        self.config = config

    def information(self, task: Task) -> list[Tensor]:
        """The empirical Fisher information of each weight, in their shapes, from the first samples of ``task``."""
        samples = self.learner.samples(task, self.config.samples)
        return mean_over_samples(self.learner, *samples, self.learner.error, lambda total, g: total.add_(g.square()))
