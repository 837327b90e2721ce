"""Learning without forgetting: the network at the last boundary says what new samples should look like to old classes.

loss = cross entropy + strength T^2 mean over samples of sum_c p_c (log p_c - log q_c)
p = softmax of s~ / T,   q = softmax of s / T     over the classes c of past tasks

s: the class scores, s~: those of the network as it was at the end of the last task, predicting; T: temperature, in
units of the scores (of a learner with a ``logit_scale`` c the paper's T is T/c). Source: Li & Hoiem 2016, ECCV, T = 2;
the sum differs from their cross entropy by the entropy of p, which has no gradient. T^2 is Hinton et al. 2015
(arXiv:1503.02531), which leaves the gradient's size alone; strength = 1/T^2 is without it. One output layer in place
of their one a task, so that only classes seen in past tasks are held. The loss is in nats.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor
from torch.nn import functional

from fusi_models.checks import finite
from neuromorph.snn.parts import Host, Part, PartConfig
from neuromorph.streams import Task


@final
@dataclass(frozen=True)
class LwF(PartConfig):
    """The choices of learning without forgetting. Raises ValueError for a negative strength or a T not above 0.

    >>> LwF().temperature
    2.0
    """

    strength: float = 1.0
    """Lambda, without a unit."""
    temperature: float = 2.0
    """T, in units of the scores."""

    def __post_init__(self) -> None:
        finite("strength", self.strength, 0)
        finite("temperature", self.temperature, 0, above=True)

    def build(self, learner: Host) -> Distillation:
        return Distillation(learner, self)


CONFIG = LwF


@final
class Distillation(Part):
    """``teacher``: the network at the last boundary; ``seen`` [class]: classes of past tasks; ``ended`` tasks."""

    needs = frozenset({"boundary"})
    all_outputs = True

    def __init__(self, learner: Host, config: LwF):
        super().__init__(learner)
        self.config, self.ended = config, 0
        self.teacher = copy.deepcopy(learner.network).eval().requires_grad_(False)
        last = learner.network.weights()[-1]
        self.seen = torch.zeros(len(last), dtype=torch.bool, device=last.device)

    def loss(self, images: Tensor, targets: Tensor, scores: Tensor) -> Tensor | None:
        if not self.ended:
            return None
        return self.config.strength * distance(self._taught(images), scores, self.seen, self.config.temperature)

    @torch.no_grad()
    def _taught(self, images: Tensor) -> Tensor:
        """The teacher's scores, through the units that are open now."""
        self.teacher.gates = self.learner.network.gates
        return self.teacher.scores(images.movedim(1, 0) if images.dim() == 3 else images)  # a raster is time first

    def end_task(self, task: Task) -> None:
        """Make the network of this moment the teacher."""
        self.teacher.load_state_dict(self.learner.network.state_dict())
        self.seen[torch.as_tensor(task.train[1], device=self.seen.device).unique()] = True
        self.ended += 1

    def state_dict(self) -> dict[str, Any]:
        return {"teacher": self.teacher.state_dict(), "seen": self.seen, "ended": self.ended}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.teacher.load_state_dict(state["teacher"])
        self.seen = state["seen"].to(self.seen.device)
        self.ended = state["ended"]


def distance(taught: Tensor, scores: Tensor, seen: Tensor, temperature: float) -> Tensor:
    """T^2 sum_c p_c (log p_c - log q_c) over ``seen`` classes [class], mean over samples [batch, class]; in nats."""
    wanted, ours = (functional.log_softmax(s[:, seen] / temperature, 1) for s in (taught, scores))
    return temperature**2 * functional.kl_div(ours, wanted, reduction="batchmean", log_target=True)
