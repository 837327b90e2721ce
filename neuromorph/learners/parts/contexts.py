"""Context-dependent gating without being told a task: contexts are inferred from the images alone.

m: mean image of a mini-batch of n samples, p_c: prototype of context c, S: mean squared distance of a sample from the
m of its mini-batch, over all samples so far
    c = argmin_c |m - p_c|^2;   a new context, p_c = m, where that is above S (novelty + 4 / n)
    p_c <- p_c + (m - p_c) n / n_c,   n_c: samples of the context so far, these included
    x'_j = x_j g_cj,   g_c the random units of ``parts.xdg`` for task number c
A sample that is predicted takes the gates of the prototype nearest to it.

After Iyer et al. 2022, Front. Neurorobot. 16:846219 (active dendrites), who gate units by the prototype nearest to the
input and cluster statistically while training: a *reconstruction*; ours are the test of novelty and the gates of Masse,
Grant & Freedman 2018 in place of dendrites. Contexts are what differs in the mean image: permutations, or classes that
come apart; not a change of labels. A mini-batch should be of one context: where tasks overlap in it, or samples are
replayed in it, a mixture becomes a context. Needs n well above 4 / novelty to tell contexts apart; no unit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor

from fusi_models.checks import MOST, count, finite
from neuromorph.learners.parts.xdg import mask
from neuromorph.snn.parts import Host, Part, PartConfig, check_gates


@final
@dataclass(frozen=True)
class Contexts(PartConfig):
    """Raises ValueError for a fraction outside [0, 1), a novelty that is not above 0, and no context at most.

    >>> Contexts(gated=0.5).novelty
    0.1
    """

    gated: float = 0.8
    """Fraction of the units of a hidden layer that a context silences, without a unit."""
    novelty: float = 0.1
    """Squared distance of a mini-batch's mean from every prototype, in units of its variance, that is a new context."""
    most: int = 1000
    """Contexts at most; later ones take the gates of the nearest."""

    def __post_init__(self) -> None:
        if not 0 <= self.gated < 1:
            raise ValueError(f"gated must be at least 0 and below 1, got {self}")
        finite("novelty", self.novelty, 0, above=True)
        count("most", self.most, MOST)

    def build(self, learner: Host) -> Inferred:
        return Inferred(learner, self)


CONFIG = Contexts


@final
class Inferred(Part):
    """``prototypes`` [context, value], float32; ``met`` [context], the samples of each; ``spread``, S.

    Raises ValueError for a network without hidden layers, and for updates of single samples, whose spread S is 0.
    """

    sets_gates = True

    def __init__(self, learner: Host, config: Contexts):
        super().__init__(learner)
        check_gates(learner, "contexts silence")
        if learner.batch_size == 1:
            raise ValueError("contexts are told apart by the mean of a mini-batch of many samples: use batch=100")
        self.config, self.place = config, learner.network.weights()[0].device
        self.prototypes = torch.empty(0, device=self.place)
        self.met: list[int] = []
        self.spread = 0.0
        self._drawn: list[list[Tensor]] = []

    def nearest(self, images: Tensor) -> Tensor:
        """[sample]: the context of each of images [sample, ...]."""
        x = images.flatten(1)
        return ((self.prototypes**2).sum(1) - 2 * x @ self.prototypes.T).argmin(1)

    def before_batch(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        context = self._place(images.flatten(1))
        self.learner.network.gates = self._masks()[context]
        return images, targets

    def after_step(self) -> None:
        self._close()

    @contextmanager
    def predicting(self, images: Tensor) -> Iterator[None]:
        if self.met:
            nearest = self.nearest(images)
            self.learner.network.gates = [torch.stack(layer)[nearest] for layer in zip(*self._masks(), strict=True)]
        try:
            yield
        finally:
            self._close()

    def recalling(self, images: Tensor) -> AbstractContextManager[None]:
        return self.predicting(images)

    def state_dict(self) -> dict[str, Any]:
        return {"prototypes": self.prototypes, "met": self.met, "spread": self.spread}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.prototypes, self.met = state["prototypes"].to(self.place), list(state["met"])
        self.spread = state["spread"]

    def _place(self, x: Tensor) -> int:
        """The context of a mini-batch x [sample, value], whose prototype learns; a new one where none is near."""
        n, mean, config = len(x), x.mean(0), self.config
        self.spread += (float(((x - mean) ** 2).sum()) / n - self.spread) * n / (sum(self.met) + n)
        if self.met:
            distance = ((self.prototypes - mean) ** 2).sum(1)
            context, bound = int(distance.argmin()), self.spread * (config.novelty + 4 / n)
            if float(distance[context]) <= bound or len(self.met) >= config.most:
                self.met[context] += n
                self.prototypes[context].lerp_(mean, n / self.met[context])
                return context
        self.prototypes = torch.cat([self.prototypes.view(len(self.met), x.shape[1]), mean[None]])
        self.met.append(n)
        return len(self.met) - 1

    def _masks(self) -> list[list[Tensor]]:
        """[context][hidden layer]: the gates [unit], or [channel, 1, 1]; drawn once, as they never change."""
        hidden = self.learner.network.weights()[:-1]
        for c in range(len(self._drawn), len(self.met)):
            self._drawn.append([mask(self.learner.seed, c, self.config.gated, k, w) for k, w in enumerate(hidden)])
        return self._drawn

    def _close(self) -> None:
        self.learner.network.gates = [None] * len(self.learner.network.gates)
