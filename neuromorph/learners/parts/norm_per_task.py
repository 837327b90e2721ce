"""One norm state a task, kept at its end and loaded when it is tested: a task label in disguise.

As in the code of Laborieux et al. 2021, Nat Commun 12:2549: what it reaches is task-incremental with one output layer.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, final

from torch import Tensor

from neuromorph.snn.parts import Host, Part, PartConfig
from neuromorph.streams import Task


@final
@dataclass(frozen=True)
class NormPerTask(PartConfig):
    """Nothing to choose.

    >>> NormPerTask()
    NormPerTask()
    """

    def build(self, learner: Host) -> KeptNorms:
        return KeptNorms(learner)


CONFIG = NormPerTask


@final
class KeptNorms(Part):
    """``kept``: the norms' state at the end of each task; the current one serves the task being learned and later ones.

    It is the state of ``network.norms``: scales and shifts that are learned, and running statistics. Raises ValueError
    for a network without a norm.
    """

    needs = frozenset({"boundary", "test task"})

    def __init__(self, learner: Host):
        super().__init__(learner)
        if learner.norm == "none":
            raise ValueError("a network without a norm has none to keep for each task: leave norm-per-task out")
        self.kept: list[dict[str, Tensor]] = []
        self.tested: int | None = None

    def end_task(self, task: Task) -> None:
        self.kept.append(copy.deepcopy(self.learner.network.norms.state_dict()))

    def begin_test(self, task: int) -> None:
        self.tested = task

    @contextmanager
    def predicting(self, images: Tensor) -> Iterator[None]:
        if self.tested is None or self.tested >= len(self.kept):
            yield
            return
        norms = self.learner.network.norms
        current = copy.deepcopy(norms.state_dict())
        norms.load_state_dict(self.kept[self.tested])
        try:
            yield
        finally:
            norms.load_state_dict(current)

    def state_dict(self) -> dict[str, Any]:
        return {"kept": self.kept}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.kept = list(state["kept"])
