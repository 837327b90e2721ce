"""Learners of the control networks: boundary-free by default, and the published protocol that knows the tasks.

``ControlLearner`` resets nothing and has one norm state for all tasks. ``TaskControlLearner`` adds what the code of
Laborieux et al. 2021 does at task boundaries: a new optimiser for each task, and one norm state a task, loaded when
that task is tested.
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from neuromorph.learner import ToldLearner
from neuromorph.learners.composed import ComposedLearner, TrainingConfig
from neuromorph.learners.parts.norm_per_task import KeptNorms, NormPerTask
from neuromorph.learners.parts.reset import Reset
from neuromorph.learners.rules import BeakerChain, Metaplasticity

__all__ = [
    "BeakerChain",
    "ClassifierLearner",
    "ControlLearner",
    "Metaplasticity",
    "TaskControlLearner",
    "TrainingConfig",
]

ClassifierLearner = ComposedLearner


class ControlLearner(ComposedLearner):
    """Boundary-free: cutting the same samples into other calls, at multiples of the mini-batch, leaves the same bits.

    Raises ValueError for the norm ``batch-statistics``, which needs to be tested on one task at a time.
    """

    def __init__(self, config: TrainingConfig):
        if config.network.norm == "batch-statistics":
            raise ValueError(
                "batch statistics at test time tell which task is tested: use TaskControlLearner, or 'batch-running'"
            )
        super().__init__(config)


class TaskControlLearner(ComposedLearner, ToldLearner):
    """The published protocol: told where tasks end and which one is tested, so task-incremental with one output layer.

    ``reset_per_task``: a new optimiser at each task. ``norm_per_task``: the norm's state at the end of a task is kept
    and loaded when that task is tested; the task being learned and later ones are tested with the current state.
    """

    def __init__(self, config: TrainingConfig, reset_per_task: bool = True, norm_per_task: bool = True):
        kept = norm_per_task and config.network.norm != "none"
        added = (NormPerTask(),) * kept + (Reset(),) * reset_per_task
        super().__init__(replace(config, parts=(*config.parts, *added)))
        self.needs |= ToldLearner.needs

    @property
    def kept(self) -> list[dict[str, Tensor]]:
        """The norms' state at the end of each task, where it is kept."""
        return [norms for part in self.parts if isinstance(part, KeptNorms) for norms in part.kept]
