"""A new optimiser at each task, as in the code of Laborieux et al. 2021, Nat Commun 12:2549, and Zenke et al. 2017."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from neuromorph.snn.parts import Host, Part, PartConfig
from neuromorph.streams import Task


@final
@dataclass(frozen=True)
class Reset(PartConfig):
    """Nothing to choose.

    >>> Reset()
    Reset()
    """

    def build(self, learner: Host) -> NewOptimiser:
        return NewOptimiser(learner)


CONFIG = Reset


@final
class NewOptimiser(Part):
    """Forgets the optimiser's momenta at the end of a task."""

    needs = frozenset({"boundary"})

    def end_task(self, task: Task) -> None:
        self.learner.renew_optimiser()
