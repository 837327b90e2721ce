"""One output layer a task: the network has the outputs of all tasks, and only those of the told task are read.

s = (s_j) for j from k C to (k + 1) C - 1     of the task k that is learned or tested, C outputs each

The usual reading of task-incremental learning (van de Ven, Tuytelaars & Tolias 2022, Nat. Mach. Intell. 4:1185): the
label is a place within its task, the loss and the answer look at that task's outputs alone. The outputs of a task need
no protection; what is shared is the layers below.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor

from fusi_models.checks import count
from neuromorph.learners.methods import NoHeads
from neuromorph.snn.parts import Host, Part, PartConfig

NONE = -1  # no task was told yet


@final
@dataclass(frozen=True)
class Heads(PartConfig):
    """The choices of output layers a task. Raises ValueError for fewer than one task.

    >>> Heads(5).tasks
    5
    """

    tasks: int = 2
    """How many tasks there will be: the outputs of the network are shared out among them."""

    def __post_init__(self) -> None:
        count("tasks", self.tasks)

    def build(self, learner: Host) -> OutputLayers:
        return OutputLayers(learner, self)


CONFIG = Heads


@final
class OutputLayers(Part):
    """``task``: the one being learned; ``tested``: the one being tested; -1 for none.

    Raises ValueError for outputs that cannot be shared out evenly, and ``NoHeads`` in the first task for a part that
    looks at the outputs of several tasks at once.
    """

    needs = frozenset({"task", "test task"})

    def __init__(self, learner: Host, config: Heads):
        super().__init__(learner)
        outputs = len(learner.network.weights()[-1])
        if outputs % config.tasks:
            raise ValueError(f"{outputs} outputs cannot be shared out among {config.tasks} tasks: give a multiple.")
        self.config, self.each = config, outputs // config.tasks
        self.task, self.tested = NONE, NONE
        self.rows: Tensor | None = None  # tasks of the samples of this mini-batch, where not all are of ``task``

    def classes(self, outputs: int) -> int:
        return self.each

    def begin_task(self, task: int) -> None:
        for part in self.learner.parts:
            if part.all_outputs:
                raise NoHeads(f"{type(part).__name__} looks at the outputs of all tasks: it cannot have heads.")
        self._check(task)
        self.task = task

    def begin_test(self, task: int) -> None:
        self._check(task)
        self.tested = task

    def read(self, scores: Tensor) -> Tensor:
        if self.task == NONE and len(scores):
            raise ValueError("which task is learned was not told: call begin_task(0) first.")
        if self.rows is not None:
            return scores.unflatten(1, (self.config.tasks, self.each))[torch.arange(len(scores)), self.rows]
        first = max(self.task, 0) * self.each
        return scores[:, first : first + self.each]

    def mixed(self, tasks: Tensor) -> None:
        self.rows = tasks

    def after_step(self) -> None:
        self.rows = None

    @contextmanager
    def predicting(self, images: Tensor) -> Iterator[None]:
        learned, self.task, self.rows = self.task, self.tested, None
        try:
            yield
        finally:
            self.task = learned

    def state_dict(self) -> dict[str, Any]:
        return {"task": self.task, "tested": self.tested}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.task, self.tested = state["task"], state["tested"]

    def _check(self, task: int) -> None:
        if not 0 <= task < self.config.tasks:
            raise ValueError(f"task {task} has no outputs: heads were made for {self.config.tasks} tasks, from 0.")
