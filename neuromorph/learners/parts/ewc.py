"""Elastic weight consolidation: past tasks hold the weights that mattered to them.

loss = cross entropy + strength / 2 sum over past tasks k, weights i of F_ki (w_i - w_ki)^2

w: the weights that are multiplied (binarized ones where the network is binary), w_k: those at the end of task k.
F_k: the empirical Fisher information, the squared gradient of -log p(label) averaged over samples of task k, taken one
by one with the network as it predicts. Random consolidation permutes F_k inside each weight matrix. Kirkpatrick et al.
2017 (PNAS 114:3521) as in the code of Laborieux et al. 2021, Nat Commun 12:2549 (lambda 5000, the first 5000 samples),
except that there random consolidation also adds the unpermuted F_k. Norm parameters are not protected. F has the units
of 1/w^2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from fusi_models.checks import MOST, count, finite
from fusi_models.seeds import generator
from neuromorph.snn.anchored import check_measurable, mean_over_samples
from neuromorph.snn.parts import Host, Part, PartConfig
from neuromorph.streams import Task


@final
@dataclass(frozen=True)
class EWC(PartConfig):
    """The choices of elastic weight consolidation. Raises ValueError for a negative strength or fewer than 1 sample.

    >>> EWC(strength=100.0, samples=20).shuffled
    False
    """

    strength: float = 5000.0
    """Lambda, in nats: the loss is in nats and F (w - w_k)^2 has no unit."""
    samples: int = 5000
    """Samples of the Fisher information, at most."""
    shuffled: bool = False
    """Random consolidation, the control: the same numbers in random places."""

    def __post_init__(self) -> None:
        finite("strength", self.strength, 0)
        count("samples", self.samples, MOST)

    def build(self, learner: Host) -> Penalties:
        return Penalties(learner, self)


CONFIG = EWC


@final
class Penalties(Part):
    """The penalties of all past tasks, which are quadratic in w.

    Their sum is kept in three numbers a weight: ``fisher`` sum F, ``pull`` sum F w_k, ``constant`` sum F w_k^2.
    Raises ValueError as ``snn.anchored.check_measurable``.
    """

    needs = frozenset({"boundary"})

    def __init__(self, learner: Host, config: EWC):
        super().__init__(learner)
        check_measurable(learner, "the Fisher information", "EWC holds")
        self.config, self.ended = config, 0
        weights = learner.network.weights()
        self.fisher, self.pull, self.constant = ([torch.zeros_like(w) for w in weights] for _ in "abc")

    def loss(self, images: Tensor, targets: Tensor, scores: Tensor) -> Tensor | None:
        return self.penalty() if self.ended else None

    def penalty(self) -> Tensor:
        """In nats."""
        kept = zip(self.learner.network.multiplied(), self.fisher, self.pull, self.constant, strict=True)
        sums = [(f * used.square() - 2 * pull * used + constant).sum() for used, f, pull, constant in kept]
        return self.config.strength / 2 * torch.stack(sums).sum()

    def end_task(self, task: Task) -> None:
        """Add the penalty of this task."""
        information = self.information(task)
        if self.config.shuffled:
            rng = generator("shuffled importance", self.learner.seed, self.ended)
            information = [permuted(f, rng) for f in information]
        for k, (anchor, f) in enumerate(zip(self.learner.network.multiplied(), information, strict=True)):
            self.fisher[k] += f
            self.pull[k] += f * anchor.detach()
            self.constant[k] += f * anchor.detach().square()
        self.ended += 1

    def information(self, task: Task) -> list[Tensor]:
        """The empirical Fisher information of each weight, in their shapes, from the first samples of ``task``."""
        samples = self.learner.samples(task, self.config.samples)
        return mean_over_samples(self.learner, *samples, self.learner.error, lambda total, g: total.addcmul_(g, g))

    def state_dict(self) -> dict[str, Any]:
        return {"fisher": self.fisher, "pull": self.pull, "constant": self.constant, "ended": self.ended}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        places = [w.device for w in self.learner.network.weights()]
        self.fisher, self.pull, self.constant = (
            [sum_.to(place) for sum_, place in zip(state[name], places, strict=True)]
            for name in ("fisher", "pull", "constant")
        )
        self.ended = state["ended"]


def permuted(values: Tensor, rng: np.random.Generator) -> Tensor:
    """The same numbers in random places."""
    order = torch.from_numpy(rng.permutation(values.numel())).to(values.device)
    return values.flatten()[order].reshape(values.shape)
