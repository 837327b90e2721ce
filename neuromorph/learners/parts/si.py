"""Synaptic intelligence: a weight is held by how much its own movement has lowered the loss.

loss = cross entropy + strength sum_i Omega_i (w_i - w~_i)^2
omega_i <- omega_i - g_i (change of w_i)     at every step;   g: gradient of the loss without this penalty
Omega_i <- Omega_i + max(0, omega_i) / (D_i^2 + damping),   w~ <- w,   omega <- 0     at the end of a task

D_i: the change of w_i over the task. Source: Zenke, Poole & Ganguli 2017, ICML, eq. 3-5 (strength c = 0.1 and damping
xi = 0.1 for permuted MNIST). w are the stored weights, which the optimiser moves: hidden ones in a binary network, and
real there as well as in the paper; for them g passes the sign straight through, which is our reading. An omega below 0
(a weight that moved uphill) counts as 0, so that no weight is driven away from w~. Omega has the units of nats / w^2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor

from fusi_models.checks import finite
from neuromorph.snn.parts import Host, Part, PartConfig
from neuromorph.streams import Task

KEPT = ("path", "importance", "anchor")


@final
@dataclass(frozen=True)
class SI(PartConfig):
    """The choices of synaptic intelligence. Raises ValueError for a negative strength or a damping that is not above 0.

    >>> SI(strength=0.5).damping
    0.1
    """

    strength: float = 0.1
    """c, without a unit."""
    damping: float = 0.1
    """xi, in w^2: keeps Omega finite where a weight ends where it began. Weights of width 0.05 want about 0.001."""

    def __post_init__(self) -> None:
        finite("strength", self.strength, 0)
        finite("damping", self.damping, 0, above=True)

    def build(self, learner: Host) -> PathIntegrals:
        return PathIntegrals(learner, self)


CONFIG = SI


@final
class PathIntegrals(Part):
    """``path`` omega, ``importance`` Omega and ``anchor`` w~, each a list of tensors shaped as the weights."""

    needs = frozenset({"boundary"})

    def __init__(self, learner: Host, config: SI):
        super().__init__(learner)
        self.config = config
        weights = learner.network.weights()
        self.path, self.importance = ([torch.zeros_like(w) for w in weights] for _ in "ab")
        self.anchor = [w.detach().clone() for w in weights]
        self.before: list[tuple[Tensor, Tensor]] = []

    def loss(self, images: Tensor, targets: Tensor, scores: Tensor) -> Tensor:
        kept = zip(self.learner.network.weights(), self.importance, self.anchor, strict=True)
        return self.config.strength * torch.stack([(o * (w - a).square()).sum() for w, o, a in kept]).sum()

    @torch.no_grad()
    def before_step(self) -> None:
        """Remember each weight and its gradient, less this penalty's."""
        kept = zip(self.learner.network.weights(), self.importance, self.anchor, strict=True)
        self.before = []
        for w, o, a in kept:
            assert w.grad is not None
            self.before.append((w.clone(), w.grad - 2 * self.config.strength * o * (w - a)))

    @torch.no_grad()
    def after_step(self) -> None:
        for path, w, (old, grad) in zip(self.path, self.learner.network.weights(), self.before, strict=True):
            path.addcmul_(grad, w - old, value=-1)

    @torch.no_grad()
    def end_task(self, task: Task) -> None:
        for k, w in enumerate(self.learner.network.weights()):
            moved = (w - self.anchor[k]).square()
            self.importance[k] += self.path[k].clamp(min=0) / (moved + self.config.damping)
            self.anchor[k] = w.detach().clone()
            self.path[k].zero_()

    def state_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in KEPT}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name in KEPT:
            ours = getattr(self, name)
            setattr(self, name, [kept.to(w.device) for kept, w in zip(state[name], ours, strict=True)])
