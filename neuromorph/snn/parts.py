"""What may be added to a learner of one network and one optimiser: a penalty, a gate, a consolidation, replay.

A part is one file: a final ``Part`` and its frozen ``PartConfig``. The learner (``learners.composed``) calls its hooks
in the order of its parts; one that says nothing does nothing:

    before_batch -> (scores) -> read -> loss -> (backward) -> before_step -> (the optimiser's step) -> after_step
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor
from torch.optim import Optimizer

if TYPE_CHECKING:
    from neuromorph.snn.layered import Layered
    from neuromorph.streams import Task


class Host(Protocol):
    """What a part may use of its learner."""

    @property
    def network(self) -> Layered:
        """The network: ``weights()``, ``multiplied()``, ``norms``, ``gates``, ``watchers``."""

    @property
    def norm(self) -> str:
        """The network's: "none", "batch-running", "batch-statistics" or "instance"."""

    @property
    def optimiser(self) -> Optimizer:
        """The optimiser now; ``renew_optimiser`` makes another one."""

    @property
    def parts(self) -> Sequence[Part]:
        """All parts, in their order; while they are built, those before this one."""

    @property
    def batch_size(self) -> int:
        """Samples of an update."""

    @property
    def seed(self) -> int:
        """Of the learner; what a part draws has generators of its own (``fusi_models.seeds``)."""

    def scores(self, images: Tensor) -> Tensor:
        """Class scores [batch, class] of images [batch, ...]."""

    def error(self, scores: Tensor, targets: Tensor) -> Tensor:
        """Mean cross entropy in nats, without what parts add."""

    def samples(self, task: Task, count: int) -> tuple[Tensor, Tensor]:
        """The first ``count`` training samples of a task, checked, as the network takes them, and their classes."""

    def recalled(self, images: Tensor) -> Tensor:
        """Class scores of images of the task that was just learned, with which a part measures what mattered to it."""

    def renew_optimiser(self) -> None:
        """Go on with an optimiser that remembers nothing."""


class Part:
    """The hooks of a part; each does nothing unless a part says otherwise.

    Attributes: ``learner``, what it is added to; ``needs``, what it has to be told (``neuromorph.learner.NEEDS``);
    ``all_outputs``, whether it looks at outputs of other tasks than the one that is learned; ``sets_gates``, whether it
    closes hidden units.
    """

    needs: frozenset[str] = frozenset()
    all_outputs: bool = False
    sets_gates: bool = False

    def __init__(self, learner: Host):
        self.learner = learner

    @property
    def bytes(self) -> int:
        """Of the samples of the past that it keeps (needs "replay")."""
        return 0

    def classes(self, outputs: int) -> int:
        """How many classes there are for a network of so many outputs."""
        return outputs

    def read(self, scores: Tensor) -> Tensor:
        """The scores [batch, class] that count, of the network's [batch, output]."""
        return scores

    def before_batch(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """The samples to learn in place of images [batch, ...] and targets [batch]; gates may be set here."""
        return images, targets

    def mixed(self, tasks: Tensor) -> None:
        """The samples of this mini-batch belong to ``tasks`` [batch]; told by a part that adds samples of the past."""

    def loss(self, images: Tensor, targets: Tensor, scores: Tensor) -> Tensor | None:
        """A number added to the loss of this mini-batch, in nats; ``scores`` [batch, class] carry a gradient."""
        return None

    def before_step(self) -> None:
        """The gradients are there, the weights have not moved."""

    def after_step(self) -> None:
        """The weights have moved; the gradients are still there."""

    def begin_task(self, task: int) -> None:
        """The next samples belong to task number ``task``, from 0 (needs "task")."""

    def end_task(self, task: Task) -> None:
        """The last sample of ``task`` has been learned (needs "boundary")."""

    def begin_test(self, task: int) -> None:
        """The samples predicted next belong to task number ``task``, from 0 (needs "test task")."""

    def predicting(self, images: Tensor) -> AbstractContextManager[None]:
        """What holds while images [batch, ...] are predicted, undone behind them."""
        return nullcontext()

    def recalling(self, images: Tensor) -> AbstractContextManager[None]:
        """What holds, beside what is set, while images of the task that was just learned are recalled."""
        return nullcontext()

    def state_dict(self) -> dict[str, Any]:
        """Everything of the part that is needed to go on bit for bit; the learner copies it."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back a ``state_dict``, which is the part's own to keep; tensors may lie on another device."""


class PartConfig(ABC):
    """The choices of a part: a frozen dataclass whose fields are numbers, texts and booleans."""

    @abstractmethod
    def build(self, learner: Host) -> Part:
        """The part of this learner, whose network exists. Raises ValueError for a network that it cannot serve."""


def check_gates(learner: Host, what: str) -> None:
    """Raise ValueError where ``what`` ("engrams silence") has no hidden units to close, or another part closes them."""
    if not learner.network.gates:
        raise ValueError(f"{what} hidden units: give the network a hidden layer")
    for part in learner.parts:
        if part.sets_gates:
            raise ValueError(f"{what} hidden units, and so does the part {type(part).__name__}: take one of the two")
