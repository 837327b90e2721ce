"""Quadratic penalties with one importance and one anchor, the seam of online EWC and MAS.

penalty = factor sum_i Omega_i (w_i - w~_i)^2
Omega <- decay Omega + information of the task,   w~ <- w     at the end of a task

w: the weights as they are multiplied (binarized ones where the network is binary), whose gradient reaches the stored
ones straight through; w~: those at the last boundary. factor Omega has the units of nats / w^2. Norm parameters are
not protected.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from neuromorph.snn.parts import Host, Part
from neuromorph.snn.posterior import Drawn
from neuromorph.streams import Task

KEPT = ("importance", "anchor")


class Anchored(Part, ABC):
    """``importance`` Omega and ``anchor`` w~, each a list of tensors shaped as the weights; ``ended`` tasks.

    Raises ValueError as ``check_measurable``.
    """

    needs = frozenset({"boundary"})

    def __init__(self, learner: Host, factor: float, decay: float = 1.0):
        super().__init__(learner)
        check_measurable(learner, "the importance", "online EWC and MAS hold")
        self.factor, self.decay, self.ended = factor, decay, 0
        self.importance = [torch.zeros_like(w) for w in learner.network.weights()]
        self.anchor = [torch.zeros_like(w) for w in learner.network.weights()]

    @abstractmethod
    def information(self, task: Task) -> list[Tensor]:
        """What this task adds to the importance of each weight, in their shapes."""

    def loss(self, images: Tensor, targets: Tensor, scores: Tensor) -> Tensor | None:
        return self.penalty() if self.ended else None

    def penalty(self) -> Tensor:
        """In nats."""
        kept = zip(self.learner.network.multiplied(), self.importance, self.anchor, strict=True)
        return self.factor * torch.stack([(o * (w - a).square()).sum() for w, o, a in kept]).sum()

    def end_task(self, task: Task) -> None:
        """Add the importance for this task, and hold the weights where they are now."""
        for k, added in enumerate(self.information(task)):
            self.importance[k] = self.decay * self.importance[k] + added
        self.anchor = [w.detach().clone() for w in self.learner.network.multiplied()]
        self.ended += 1

    def state_dict(self) -> dict[str, Any]:
        return {**{name: getattr(self, name) for name in KEPT}, "ended": self.ended}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        places = [w.device for w in self.learner.network.weights()]
        for name in KEPT:
            setattr(self, name, [kept.to(place) for kept, place in zip(state[name], places, strict=True)])
        self.ended = state["ended"]


def check_measurable(learner: Host, what: str, who: str) -> None:
    """Raise ValueError where ``what`` ("the importance") cannot be measured, sample by sample and weight by weight.

    That is for the norm ``batch-statistics``, which does not exist for one sample, and for weights that are
    distributions, while ``who`` ("EWC holds") needs one number each.
    """
    if learner.norm == "batch-statistics":
        raise ValueError(f"{what} is taken one sample at a time: use the norm 'batch-running'")
    if any(isinstance(module, Drawn) for module in learner.network.modules()):
        raise ValueError(
            f"{who} weights that are one number each, these are distributions (mesu, bgd, bimu): leave it out"
        )


def mean_over_samples(
    learner: Host,
    images: Tensor,
    labels: Tensor,
    objective: Callable[[Tensor, Tensor], Tensor],
    add: Callable[[Tensor, Tensor], object],
) -> list[Tensor]:
    """Mean over samples of what ``add(sum, gradient)`` makes of the gradient for each weight, in place.

    It is that of ``objective(scores [1, class], label [1])``. The network predicts each sample alone, as in a test; at
    least one sample.
    """
    learner.network.eval()
    weights = learner.network.weights()
    total = [torch.zeros_like(w) for w in weights]
    for image, label in zip(images.split(1), labels.split(1), strict=True):
        gradients = torch.autograd.grad(objective(learner.recalled(image), label), weights)
        for sum_, gradient in zip(total, gradients, strict=True):
            add(sum_, gradient)
    return [sum_ / len(images) for sum_ in total]
