"""Context-dependent gating: each task has its own random units, the others are silent; told the task, always.

x'_j = x_j g_kj,   g_kj = 1 for round((1 - gated) J) of the J units of a hidden layer, drawn once for task k, else 0

Source: Masse, Grant & Freedman 2018, PNAS 115:E10467, who silence 80 % of the units. It is a control: the mask of the
tested task is loaded when it is tested, so what it reaches is task-incremental. At least one unit stays open. Masks
hold channels of a convolution. They depend on the seed, the task's number and the layer alone; nothing is rescaled.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor

from fusi_models.seeds import generator
from neuromorph.snn.parts import Host, Part, PartConfig, check_gates

NONE = -1  # no task was told yet: all units are open


@final
@dataclass(frozen=True)
class XdG(PartConfig):
    """The choices of context-dependent gating. Raises ValueError for a fraction outside [0, 1).

    >>> XdG()
    XdG(gated=0.8)
    """

    gated: float = 0.8
    """Fraction of the units of a hidden layer that a task silences, without a unit."""

    def __post_init__(self) -> None:
        if not 0 <= self.gated < 1:
            raise ValueError(f"gated must be at least 0 and below 1, got {self.gated}.")

    def build(self, learner: Host) -> Masks:
        return Masks(learner, self)


CONFIG = XdG


@final
class Masks(Part):
    """``task``: the one being learned; ``tested``: the one being tested; -1 for none.

    Raises ValueError for a network without hidden layers.
    """

    needs = frozenset({"task", "test task"})
    sets_gates = True

    def __init__(self, learner: Host, config: XdG):
        super().__init__(learner)
        check_gates(learner, "context-dependent gating silences")
        self.config, self.task, self.tested = config, NONE, NONE

    def begin_task(self, task: int) -> None:
        self.task = task
        self.learner.network.gates = self.masks(task)

    def begin_test(self, task: int) -> None:
        self.tested = task

    def masks(self, task: int) -> list[Tensor | None]:
        """The gates of a task, bool, one a hidden layer: [unit], or [channel, 1, 1] of a convolution."""
        seed, hidden = self.learner.seed, self.learner.network.weights()[:-1]
        return [mask(seed, task, self.config.gated, k, w) if task != NONE else None for k, w in enumerate(hidden)]

    @contextmanager
    def predicting(self, images: Tensor) -> Iterator[None]:
        learned = list(self.learner.network.gates)
        self.learner.network.gates = self.masks(self.tested)
        try:
            yield
        finally:
            self.learner.network.gates = learned

    def state_dict(self) -> dict[str, Any]:
        return {"task": self.task, "tested": self.tested}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.task, self.tested = state["task"], state["tested"]
        self.learner.network.gates = self.masks(self.task)


def mask(seed: int, task: int, gated: float, layer: int, weight: Tensor) -> Tensor:
    """The units of a hidden ``layer`` with this ``weight`` that a task leaves open, bool [unit] or [channel, 1, 1]."""
    units = len(weight)
    count = max(1, round((1 - gated) * units))
    rng = generator("hidden units that a task leaves open", seed, task, layer)
    mask = torch.zeros(units, dtype=torch.bool)
    mask[torch.from_numpy(rng.permutation(units)[:count])] = True
    return mask.reshape(units, *(1,) * (weight.dim() - 2)).to(weight.device)
