"""Elastic weight consolidation (Kirkpatrick et al. 2017, PNAS 114:3521), and its random control.

loss <- loss + (lambda / 2) sum over past tasks k, weights i of F_ki (w_i - w_ki)^2

w: the weights that are multiplied (binarized ones where the network is binary), w_k: those at the end of task k.
F_k: the empirical Fisher information, the squared gradient of -log p(label) averaged over samples of task k, taken one
by one with the network as it predicts. Random consolidation permutes F_k inside each weight matrix. As in the code of
Laborieux et al. 2021, Nat Commun 12:2549 (lambda 5000, the first 5000 samples), except that there random consolidation
also adds the unpermuted F_k. Norm parameters are not protected. F has the units of 1/w^2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from neuromorph.learner import BoundaryLearner
from neuromorph.learners.control import ClassifierLearner, TrainingConfig
from neuromorph.streams import Task


@dataclass(frozen=True)
class Consolidation:
    """strength: lambda. samples: of the Fisher information, at most. shuffled: random consolidation.

    Raises ValueError for a negative strength or fewer than 1 sample.
    """

    strength: float = 5000.0
    samples: int = 5000
    shuffled: bool = False

    def __post_init__(self) -> None:
        if self.strength < 0 or self.samples < 1:
            raise ValueError(f"strength must not be negative and samples at least 1, got {self}")


class EWCLearner(ClassifierLearner, BoundaryLearner):
    """EWC on a control network or a spiking one; told where tasks end, not which is tested.

    ``reset_per_task``: a new optimiser at each task, as published. The penalties of all past tasks are quadratic in w,
    so their sum is kept in three numbers a weight: ``fisher`` sum F, ``pull`` sum F w_k, and the constant sum F w_k^2.
    Raises ValueError for the norm ``batch-statistics``, which does not exist for one sample.
    """

    def __init__(
        self, config: TrainingConfig, consolidation: Consolidation | None = None, reset_per_task: bool = False
    ):
        if config.network.norm == "batch-statistics":
            raise ValueError("the Fisher information is taken one sample at a time: use the norm 'batch-running'")
        super().__init__(config)
        self.consolidation, self.reset_per_task = consolidation or Consolidation(), reset_per_task
        self.fisher, self.pull, self.constant = ([torch.zeros_like(w) for w in self.network.weights()] for _ in "abc")
        self.ended = 0

    @property
    def description(self) -> str:
        return f"{super().description} {self.consolidation} {self.reset_per_task}"

    def end_task(self, task: Task) -> None:
        """Add the penalty of this task."""
        information = self.information(task)
        if self.consolidation.shuffled:
            rng = np.random.default_rng([self.config.seed, self.ended])
            information = [permuted(f, rng) for f in information]
        for k, (weight, f) in enumerate(zip(self.network.weights(), information, strict=True)):
            anchor = self.network.used(weight).detach()
            self.fisher[k] += f
            self.pull[k] += f * anchor
            self.constant[k] += f * anchor.square()
        self.ended += 1
        if self.reset_per_task:
            self.optimiser = self.config.rule.build(self.network.parameters())

    def information(self, task: Task) -> list[Tensor]:
        """The empirical Fisher information of each weight, in their shapes, from the first samples of ``task``."""
        count = min(self.consolidation.samples, len(task.train[1]))
        images, labels = self._images(task.train[0][:count]), self._targets(task.train[1][:count], count)
        self.network.eval()
        weights = self.network.weights()
        total = [torch.zeros_like(w) for w in weights]
        for image, label in zip(images.split(1), labels.split(1), strict=True):
            loss = functional.cross_entropy(self.network(image), label)
            for part, grad in zip(total, torch.autograd.grad(loss, weights), strict=True):
                part.addcmul_(grad, grad)
        return [t / count for t in total]

    def _loss(self, images: Tensor, targets: Tensor) -> Tensor:
        return super()._loss(images, targets) + self._penalty()

    def _penalty(self) -> Tensor | float:
        """Added to the loss of every mini-batch."""
        if not self.ended:
            return 0.0
        parts = []
        for weight, f, pull, constant in zip(
            self.network.weights(), self.fisher, self.pull, self.constant, strict=True
        ):
            used = self.network.used(weight)
            parts.append((f * used.square() - 2 * pull * used + constant).sum())
        return self.consolidation.strength / 2 * torch.stack(parts).sum()

    def _more(self) -> dict[str, Any]:
        return {"fisher": self.fisher, "pull": self.pull, "constant": self.constant, "ended": self.ended}

    def _load_more(self, state: dict[str, Any]) -> None:
        self.fisher, self.pull, self.constant = (list(state[name]) for name in ("fisher", "pull", "constant"))
        self.ended = state["ended"]


def permuted(values: Tensor, rng: np.random.Generator) -> Tensor:
    """The same numbers in random places."""
    order = torch.from_numpy(rng.permutation(values.numel())).to(values.device)
    return values.flatten()[order].reshape(values.shape)
