"""Experience replay: each mini-batch is learned together with as many samples out of a reservoir of the past.

Sample number n (from 0) takes place n of the reservoir if n < capacity, else with the probability capacity / (n + 1)
a uniform place: at any time every sample so far lies in it with the same probability. A mini-batch is learned with
``replayed`` samples drawn from the reservoir without replacement, in one mean of the loss; afterwards its own samples
are offered to the reservoir.

Sources: Vitter 1985, ACM Trans. Math. Softw. 11:37 (algorithm R); Chaudhry et al. 2019, arXiv:1902.10486 (ER with a
reservoir). No boundary is used; where a task is told (``heads`` wants it), each sample is replayed as one of its own
task. The memory is counted in bytes: samples are kept as the network takes them, 4 bytes a value, with 8 bytes of label
and, where told, 8 of task. The draws of an update depend on the seed and the update's number alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from fusi_models.checks import MOST, count, whole
from fusi_models.seeds import generator
from neuromorph.snn.parts import Host, Part, PartConfig


@final
@dataclass(frozen=True)
class Replay(PartConfig):
    """The choices of experience replay. Raises ValueError for a capacity below 1 or a negative number of samples.

    >>> Replay(capacity=200).replayed
    0
    """

    capacity: int = 1000
    """Samples of the reservoir."""
    replayed: int = 0
    """Samples replayed with a mini-batch, at most those that are there; 0: as many as the mini-batch has."""

    def __post_init__(self) -> None:
        count("capacity", self.capacity, MOST)  # to replay nothing, the part is left out
        whole("replayed", self.replayed)

    def build(self, learner: Host) -> Reservoir:
        return Reservoir(learner, self)


CONFIG = Replay
UNTOLD = -1


@final
class Reservoir(Part):
    """``images`` [kept, ...], ``labels`` and ``tasks`` [kept] of the reservoir; ``met`` samples and ``updates`` so far.

    ``task``: the one whose samples come now; -1 where none was told.
    """

    needs = frozenset({"replay"})

    def __init__(self, learner: Host, config: Replay):
        super().__init__(learner)
        self.config, self.met, self.updates, self.task = config, 0, 0, UNTOLD
        self.place = learner.network.weights()[0].device
        self.images = torch.empty(0, device=self.place)
        self.labels = torch.empty(0, dtype=torch.int64, device=self.place)
        self.tasks = torch.empty_like(self.labels)
        self.offered = (self.images, self.labels, self.tasks)

    @property
    def bytes(self) -> int:
        """Of the samples and labels that are kept now."""
        kept = (self.images, self.labels, self.tasks) if self.task != UNTOLD else (self.images, self.labels)
        return sum(one.numel() * one.element_size() for one in kept)

    def begin_task(self, task: int) -> None:
        self.task = task

    def before_batch(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        now = torch.full_like(targets, self.task)
        self.offered = (images, targets, now)
        count = min(self.config.replayed or len(images), len(self.labels))
        if not count:
            return images, targets
        rng = generator("samples replayed with a mini-batch", self.learner.seed, self.updates)
        drawn = torch.from_numpy(rng.choice(len(self.labels), count, replace=False)).to(self.place)
        for part in self.learner.parts:
            part.mixed(torch.cat([now, self.tasks[drawn]]))
        return torch.cat([images, self.images[drawn]]), torch.cat([targets, self.labels[drawn]])

    def after_step(self) -> None:
        """Offer the mini-batch's own samples to the reservoir."""
        images, labels, tasks = self.offered
        rng = generator("places of samples in a reservoir", self.learner.seed, self.updates)
        taken = places(self.met, len(labels), self.config.capacity, rng)
        if taken:
            filled = max(len(self.labels), *(place + 1 for place in taken))
            pairs = ((self.images, images), (self.labels, labels), (self.tasks, tasks))
            self.images, self.labels, self.tasks = (_with(kept, new, filled, taken) for kept, new in pairs)
        self.met += len(labels)
        self.updates += 1

    def state_dict(self) -> dict[str, Any]:
        told = self.tasks if self.task != UNTOLD else self.tasks[:0]
        kept = {"images": self.images, "labels": self.labels, "tasks": told}
        return {**kept, "met": self.met, "updates": self.updates, "task": self.task}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.images, self.labels = state["images"].to(self.place), state["labels"].to(self.place)
        self.met, self.updates, self.task = state["met"], state["updates"], state["task"]
        self.tasks = state["tasks"].to(self.place) if self.task != UNTOLD else torch.full_like(self.labels, UNTOLD)


def places(met: int, count: int, capacity: int, rng: np.random.Generator) -> dict[int, int]:
    """Places of a reservoir and which of ``count`` new samples lies there in the end, after ``met`` earlier ones."""
    number = met + np.arange(count)
    place = np.where(number < capacity, number, rng.integers(0, number + 1))
    return {int(p): k for k, p in enumerate(place) if p < capacity}  # of two in one place the later one stays


def _with(kept: Tensor, new: Tensor, filled: int, taken: dict[int, int]) -> Tensor:
    """``kept`` at the length ``filled``, with the samples of ``new`` in the places that they have ``taken``."""
    if len(kept) < filled:
        grown = new.new_empty((filled, *new.shape[1:]))
        grown[: len(kept)] = kept.reshape(len(kept), *new.shape[1:])
        kept = grown
    kept[list(taken)] = new[list(taken.values())]
    return kept
