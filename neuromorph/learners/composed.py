"""A learner composed of a network, a step rule and parts; the only loop over mini-batches of gradient-trained networks.

Cross entropy of the network's scores times ``logit_scale``, plus what parts add; one step of one optimiser a
mini-batch. Nothing is ever reset here but by a part that says so.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, fields
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from fusi_models.checks import MOST, count, finite
from fusi_models.seeds import whole
from neuromorph.learner import Learner, check_kind, checked_labels, checked_samples, described
from neuromorph.learners import parts as catalogue
from neuromorph.learners.rules import Metaplasticity, Rule
from neuromorph.metrics import Cost
from neuromorph.snn.cost import inference_cost
from neuromorph.snn.device import checked_device
from neuromorph.snn.layered import Layered
from neuromorph.snn.parts import Part, PartConfig
from neuromorph.streams import Task
from neuromorph.threads import for_widths

OVER_THE_BATCH = ("batch-running", "batch-statistics")  # norms that one sample alone has none of
PREDICT_BATCH = 1000  # samples at a time, which bounds the memory of the recorded membranes


class NetworkChoice(Protocol):
    """What a network's configuration offers; a frozen dataclass."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Features, hidden layers, classes."""

    @property
    def norm(self) -> str:
        """``batch-running`` or ``batch-statistics`` where the samples of a batch are normalised together."""

    @property
    def sample(self) -> tuple[int, ...]:
        """Shape of one sample: (feature,), or (time, feature) of a raster, which the network takes time first."""

    def build(self, generator: torch.Generator) -> Layered:
        """The network, its weights drawn by ``generator``."""


@dataclass(frozen=True)
class TrainingConfig:
    """What is trained and how: a network, a rule, and parts. Raises ValueError for a part in words that is
    unknown, a part given twice, and a ``logit_scale`` that is not positive.

    >>> from neuromorph.snn.baselines import ControlConfig
    >>> TrainingConfig(ControlConfig((64, 20, 10)), parts=("ewc:strength=100",)).parts
    (EWC(strength=100.0, samples=5000, shuffled=False),)
    """

    network: NetworkChoice
    """``snn.NetworkConfig``, or a control of ``snn.baselines``."""
    rule: Rule = Metaplasticity()
    """The optimiser, of ``learners.rules``."""
    batch: int = 100
    """Samples of an update."""
    seed: int = 0
    """Draws the weights."""
    device: str = "cpu"
    """Where torch computes; no part of what a saved state must agree in."""
    parts: tuple[PartConfig | str, ...] = ()
    """What is added, in this order: configurations, or words as in ``learners.parts``."""
    logit_scale: float = 1.0
    """Inverse temperature of the softmax, without a unit."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", catalogue.settled(self.parts))
        finite("logit_scale", self.logit_scale, 0, above=True)


class ComposedLearner(Learner):
    """Learns with one optimiser; it needs to be told what its parts need, without parts nothing.

    Attributes: ``config``; ``network``; ``optimiser``; ``parts``, in the order of the configuration. Raises ValueError
    for a ``batch`` below 1, a device that is not there, and what a part cannot serve.
    """

    config: Any
    """The configuration that it was made of."""

    def __init__(self, config: TrainingConfig):
        check_kind("config", config, TrainingConfig)
        count("batch", config.batch, MOST)
        self.config, self.training = config, config
        self.batch_size, self.device = config.batch, checked_device(config.device)
        generator = torch.Generator().manual_seed(_seed(config.seed))
        self.network = config.network.build(generator).to(self.device)
        self.optimiser = config.rule.build(self.network.parameters())
        self.parts: list[Part] = []
        for part in cast("tuple[PartConfig, ...]", config.parts):
            self.parts.append(part.build(self))
        self.threads = for_widths(config.network.sizes[1:])
        self.needs = frozenset().union(*(part.needs for part in self.parts))
        if self.norm == "batch-statistics":
            self.needs |= {"test task"}  # neighbours' statistics predict a sample, so they must be of its task

    @property
    def description(self) -> str:
        settings = {f.name: getattr(self.training, f.name) for f in fields(TrainingConfig) if f.name != "device"}
        return described(type(self).__name__, **settings)

    @property
    def seed(self) -> int:
        """Of the configuration."""
        return self.training.seed

    @property
    def norm(self) -> str:
        """Of the network."""
        return self.training.network.norm

    @property
    def classes(self) -> int:
        """How many classes a sample may have."""
        classes = self.training.network.sizes[-1]
        for part in self.parts:
            classes = part.classes(classes)
        return classes

    def partial_fit(self, x: NDArray[np.float32], y: NDArray[np.int64]) -> None:
        """Learn once from x [n, ...] in [0, 1] and y [n] (classes from 0), in this order, one step per mini-batch.

        A rest shorter than a mini-batch is learned as one smaller one; a single sample, which a norm over the batch
        cannot take, with the mini-batch before it. Raises ValueError for wrong shapes, values or labels, and for a
        single sample where the norm is over the batch, before anything is learned; for a loss that is not finite,
        before it moves a weight; and for weights that are not finite, at the end.
        """
        images, targets = self._tensors(x, y)
        self._refuse(len(images), learning=True)
        self.network.train()
        if len(images):
            self._learn(images, targets)
        if not all(values.isfinite().all() for values in self._numbers()):
            raise ValueError(
                f"the weights are no longer finite numbers: {_REMEDY}; this network is spoilt, go on from a saved state"
            )

    @torch.no_grad()
    def predict(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        """Most likely class of each x [n, ...], int64 [n]; only with batch statistics it depends on the others."""
        images = self._images(x)
        self._refuse(len(images), learning=False)
        self.network.eval()
        scores = []
        for some in images.split(PREDICT_BATCH):
            with self._predicting(some):
                scores.append(self.scores(some))
        return torch.cat(scores).argmax(1).cpu().numpy()

    @torch.no_grad()
    def cost(self, x: NDArray[np.float32]) -> Cost:
        images = self._images(x)
        self.network.eval()
        with self._predicting(images):
            return inference_cost(self.network, images.movedim(1, 0) if images.dim() == 3 else images)

    @property
    def replay_bytes(self) -> int:
        return sum(part.bytes for part in self.parts)

    def begin_task(self, task: int) -> None:
        for part in self.parts:
            part.begin_task(task)

    def end_task(self, task: Task) -> None:
        for part in self.parts:
            part.end_task(task)

    def begin_test(self, task: int) -> None:
        for part in self.parts:
            part.begin_test(task)

    def state_dict(self) -> dict[str, Any]:
        """A copy of everything needed to go on bit by bit; loads with ``torch.load(weights_only=True)``."""
        parts = [part.state_dict() for part in self.parts]
        state = {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict(), "parts": parts}
        return {**self._identity(), **copy.deepcopy(state)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state``, from any device; raises ValueError when it was saved with another configuration."""
        self.check_saved(state)
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(copy.deepcopy(state["optimiser"]))  # torch would share the tensors
        for part, saved in zip(self.parts, copy.deepcopy(state["parts"]), strict=True):
            part.load_state_dict(saved)

    def scores(self, images: Tensor) -> Tensor:
        """Class scores [batch, class] of images [batch, feature] or [batch, time, feature], a raster."""
        return self._read(self.network.scores(images.movedim(1, 0) if images.dim() == 3 else images))

    def error(self, scores: Tensor, targets: Tensor) -> Tensor:
        """Mean cross entropy in nats, without what parts add."""
        return functional.cross_entropy(self.training.logit_scale * scores, targets)

    def samples(self, task: Task, count: int) -> tuple[Tensor, Tensor]:
        """The first ``count`` training samples of ``task``."""
        return self._tensors(task.train[0][:count], task.train[1][:count])

    def recalled(self, images: Tensor) -> Tensor:
        """As ``scores``, of images of the task that was just learned, as its parts find them again."""
        with _entered(part.recalling(images) for part in self.parts):
            return self.scores(images)

    def renew_optimiser(self) -> None:
        """Go on with an optimiser that remembers nothing."""
        self.optimiser = self.training.rule.build(self.network.parameters())

    def _learn(self, images: Tensor, targets: Tensor) -> None:
        """One step for each mini-batch, in this order."""
        parts = [self.batch_size] * (len(images) // self.batch_size)
        if rest := len(images) % self.batch_size:
            parts.append(rest)
        if rest == 1 and self.norm in OVER_THE_BATCH:
            parts[-2:] = [self.batch_size + 1]
        for some, wanted in zip(images.split(parts), targets.split(parts), strict=True):
            self._update(some, wanted)

    def _update(self, images: Tensor, targets: Tensor) -> None:
        for part in self.parts:
            images, targets = part.before_batch(images, targets)
        scores = self.scores(images)
        loss = self.error(scores, targets)
        for part in self.parts:
            more = part.loss(images, targets, scores)
            loss = loss if more is None else loss + more
        self._refuse_infinite(loss.item())
        self.optimiser.zero_grad()
        loss.backward()
        for part in self.parts:
            part.before_step()
        self.optimiser.step()
        for part in self.parts:
            part.after_step()

    def _predicting(self, images: Tensor) -> AbstractContextManager[None]:
        return _entered(part.predicting(images) for part in self.parts)

    def _read(self, scores: Tensor) -> Tensor:
        """Of scores [batch, output], those that count."""
        for part in self.parts:
            scores = part.read(scores)
        return scores

    def _refuse_infinite(self, loss: float) -> None:
        """Raise ValueError for the loss of a mini-batch, in nats, that is not finite, before a weight has moved."""
        if not math.isfinite(loss):
            raise ValueError(f"the loss became {loss}: {_REMEDY}; the weights are those before this mini-batch")

    def _numbers(self) -> Iterator[Tensor]:
        return (values for values in self.network.state_dict().values() if values.is_floating_point())

    def _identity(self) -> dict[str, Any]:
        """What a state must agree in, under keys of its own."""
        return {"description": self.description}

    def _refuse(self, count: int, learning: bool) -> None:
        """Raise ValueError for a sample that is alone where the norm is over the batch."""
        norms = OVER_THE_BATCH if learning else ("batch-statistics",)
        batch = self.batch_size if learning else PREDICT_BATCH
        if self.norm in norms and (batch == 1 or (count == 1 if learning else count % batch == 1)):
            raise ValueError(
                f"the norm '{self.norm}' needs 2 samples or more: {count} samples in batches of {batch} leave one alone"
            )

    def _images(self, x: Any) -> Tensor:
        values = checked_samples(x, self.training.network.sample, flat=True, dtype=np.float32)
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device)

    def _tensors(self, x: Any, y: Any) -> tuple[Tensor, Tensor]:
        images = self._images(x)
        labels = checked_labels(y, (len(images),), self.classes)
        return images, torch.from_numpy(labels).to(self.device)


_REMEDY = "use a smaller lr, logit_scale or strength"


@contextmanager
def _entered(contexts: Iterable[AbstractContextManager[None]]) -> Iterator[None]:
    with ExitStack() as stack:
        for one in contexts:
            stack.enter_context(one)
        yield


def _seed(value: int) -> int:
    """What torch takes for a seed; raises ``ValueError`` for others."""
    if whole(value) >= 2**64:
        raise ValueError(f"a seed must be below 2^64, got {value}.")
    return int(value)
