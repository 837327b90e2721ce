"""Elastic weight consolidation of a control network or a spiking one, as a learner; see ``parts.ewc``."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from torch import Tensor

from neuromorph.learner import BoundaryLearner
from neuromorph.learners.composed import ComposedLearner, TrainingConfig
from neuromorph.learners.parts.ewc import EWC, Penalties, permuted
from neuromorph.learners.parts.reset import Reset
from neuromorph.streams import Task

__all__ = ["Consolidation", "EWCLearner", "permuted"]

Consolidation = EWC


class EWCLearner(ComposedLearner, BoundaryLearner):
    """A learner with the part ``EWC``; told where tasks end, not which is tested.

    ``reset_per_task``: a new optimiser at each task, as published. ``fisher``, ``pull``, ``constant``: of the part.
    Raises ValueError for the norm ``batch-statistics``, which does not exist for one sample.
    """

    def __init__(self, config: TrainingConfig, consolidation: EWC | None = None, reset_per_task: bool = False):
        added = (consolidation or EWC(), *(Reset(),) * reset_per_task)
        super().__init__(replace(config, parts=(*config.parts, *added)))
        self.penalties = cast(Penalties, self.parts[len(config.parts)])

    @property
    def fisher(self) -> list[Tensor]:
        """Sum of the past tasks' information, a tensor a weight."""
        return self.penalties.fisher

    @property
    def pull(self) -> list[Tensor]:
        """Sum of information times weight."""
        return self.penalties.pull

    @property
    def constant(self) -> list[Tensor]:
        """Sum of information times squared weight."""
        return self.penalties.constant

    def information(self, task: Task) -> list[Tensor]:
        """The empirical Fisher information of each weight, in their shapes, from the first samples of ``task``."""
        return self.penalties.information(task)

    def _penalty(self) -> Tensor | float:
        return self.penalties.penalty() if self.penalties.ended else 0.0
