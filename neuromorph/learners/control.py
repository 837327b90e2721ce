"""Learners of the control networks: boundary-free by default, and the published protocol that knows the tasks.

Cross entropy of the scores, one step of one optimiser a mini-batch. ``ControlLearner`` resets nothing and has one norm
state for all tasks. ``TaskControlLearner`` adds what the code of Laborieux et al. 2021 does at task boundaries: a new
optimiser for each task, and one norm state a task, loaded when that task is tested.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from neuromorph.run import Learner, ToldLearner
from neuromorph.snn import Metaplastic
from neuromorph.snn.beakers import Beakers
from neuromorph.snn.controls import ControlConfig, SpikingConfig
from neuromorph.snn.device import checked_device
from neuromorph.streams import Task

PREDICT_BATCH = 1000


@dataclass(frozen=True)
class Metaplasticity:
    """The arguments of ``snn.Metaplastic``, by default the published rule; m = 0 protects nothing."""

    m: float = 0.0
    lr: float = 0.005
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 1e-7
    relative: bool = False
    variance: str = "weight"
    published_eps: bool = True

    def build(self, params: Iterable[Tensor]) -> torch.optim.Optimizer:
        """The optimiser of these parameters."""
        return Metaplastic(params, **asdict(self))


@dataclass(frozen=True)
class BeakerChain:
    """The arguments of ``snn.beakers.Beakers``."""

    m: float = 0.0
    lr: float = 0.005
    couplings: tuple[float, ...] = (1e-2, 1e-3, 1e-4, 1e-5)
    areas: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)
    feedback: float = 5e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 1e-7

    def build(self, params: Iterable[Tensor]) -> torch.optim.Optimizer:
        """The optimiser of these parameters."""
        return Beakers(params, **asdict(self))


@dataclass(frozen=True)
class TrainingConfig:
    """What is trained and how. network: of ``snn.controls``. rule: the optimiser. batch: samples of an update.

    seed: draws the weights. device: where torch computes.
    """

    network: ControlConfig | SpikingConfig
    rule: Metaplasticity | BeakerChain = Metaplasticity()
    batch: int = 100
    seed: int = 0
    device: str = "cpu"


class NetworkLearner(Learner):
    """What the learners of one network and one optimiser share. Attributes: ``config``, ``network``, ``optimiser``."""

    def __init__(self, config: TrainingConfig):
        if config.batch < 1:
            raise ValueError(f"batch must be at least 1, got {config.batch}")
        self.config, self.batch_size = config, config.batch
        generator = torch.Generator().manual_seed(config.seed)
        self.network = config.network.build(generator).to(checked_device(config.device))
        self.optimiser = config.rule.build(self.network.parameters())

    @property
    def description(self) -> str:
        return f"{type(self).__name__} {self.config.network} {self.config.rule} {self.config.batch} {self.config.seed}"

    def partial_fit(self, x: NDArray[np.float32], y: NDArray[np.int64]) -> None:
        """Learn once from x [n, ...] in [0, 1] and y [n] (classes from 0), in this order, one step per mini-batch.

        A rest shorter than a mini-batch is learned as one smaller one. Raises ValueError for wrong shapes, values or
        labels, and for a mini-batch of one sample where the norm is over the batch, before anything is learned.
        """
        images, targets = self._images(x), self._targets(y, len(x))
        self._refuse_one(len(images), self.config.batch, ("batch-running", "batch-statistics"))
        self.network.train()
        for some, wanted in zip(images.split(self.config.batch), targets.split(self.config.batch), strict=True):
            if len(some):
                loss = functional.cross_entropy(self.network(some), wanted) + self._penalty()
                self.optimiser.zero_grad()
                loss.backward()
                self.optimiser.step()

    @torch.no_grad()
    def predict(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        """Most likely class of each x [n, ...], int64 [n]; with batch statistics it depends on the other samples."""
        self._refuse_one(len(x), PREDICT_BATCH, ("batch-statistics",))
        self.network.eval()
        return torch.cat([self.network(s) for s in self._images(x).split(PREDICT_BATCH)]).argmax(1).cpu().numpy()

    def state_dict(self) -> dict[str, Any]:
        """A copy of everything needed to go on bit by bit; loads with ``torch.load(weights_only=True)``."""
        state = {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict(), **self._more()}
        return {"description": self.description, **copy.deepcopy(state)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state``; raises ValueError when it was saved with another configuration."""
        if state["description"] != self.description:
            raise ValueError(f"the state was saved by {state['description']}, not by {self.description}")
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(copy.deepcopy(state["optimiser"]))  # torch would share the tensors
        self._load_more(copy.deepcopy(state))

    def _penalty(self) -> Tensor | float:
        """Added to the loss of every mini-batch."""
        return 0.0

    def _more(self) -> dict[str, Any]:
        """State beside network and optimiser."""
        return {}

    def _load_more(self, state: dict[str, Any]) -> None:
        pass

    def _refuse_one(self, count: int, batch: int, norms: tuple[str, ...]) -> None:
        if self.config.network.norm in norms and (batch == 1 or count % batch == 1):
            raise ValueError(
                f"the norm '{self.config.network.norm}' needs 2 samples or more: {count} samples in batches of {batch} "
                "leave one alone"
            )

    def _images(self, x: NDArray[np.float32]) -> Tensor:
        values, features = np.asarray(x, dtype=np.float32), self.config.network.sizes[0]
        if values.ndim < 2 or math.prod(values.shape[1:]) != features:
            raise ValueError(f"x must hold {features} features a sample, [n, ...], got shape {list(values.shape)}")
        if not ((values >= 0) & (values <= 1)).all():
            raise ValueError("x must lie in [0, 1] without NaN; scale the pixels by their largest value")
        return torch.from_numpy(np.ascontiguousarray(values)).reshape(len(values), features).to(self.config.device)

    def _targets(self, y: NDArray[np.int64], count: int) -> Tensor:
        labels, classes = np.asarray(y), self.config.network.sizes[-1]
        if labels.shape != (count,) or not np.issubdtype(labels.dtype, np.integer):
            raise ValueError(f"y must hold {count} integer labels, got {labels.dtype} of shape {labels.shape}")
        if labels.size and not (labels.min() >= 0 and labels.max() < classes):
            raise ValueError(f"labels must lie in 0..{classes - 1}, got {labels.min()} to {labels.max()}")
        return torch.from_numpy(labels.astype(np.int64)).to(self.config.device)


class ControlLearner(NetworkLearner):
    """Boundary-free: cutting the same samples into other calls, at multiples of the mini-batch, leaves the same bits.

    Raises ValueError for the norm ``batch-statistics``, which needs to be tested on one task at a time.
    """

    def __init__(self, config: TrainingConfig):
        if config.network.norm == "batch-statistics":
            raise ValueError(
                "batch statistics at test time tell which task is tested: use TaskControlLearner, or 'batch-running'"
            )
        super().__init__(config)


class TaskControlLearner(NetworkLearner, ToldLearner):
    """The published protocol: told where tasks end and which one is tested, so task-incremental with one output layer.

    ``reset_per_task``: a new optimiser at each task. ``norm_per_task``: the norm's state at the end of a task is kept
    and loaded when that task is tested; the task being learned and later ones are tested with the current state.
    """

    def __init__(self, config: TrainingConfig, reset_per_task: bool = True, norm_per_task: bool = True):
        super().__init__(config)
        self.reset_per_task, self.norm_per_task = reset_per_task, norm_per_task
        self.kept: list[dict[str, Tensor]] = []
        self.tested: int | None = None

    @property
    def description(self) -> str:
        return f"{super().description} {self.reset_per_task} {self.norm_per_task}"

    def end_task(self, task: Task) -> None:
        """Keep the norm's state, and start a new optimiser, as configured."""
        self.kept.append(copy.deepcopy(self.network.norms.state_dict()))
        if self.reset_per_task:
            self.optimiser = self.config.rule.build(self.network.parameters())

    def begin_test(self, task: int) -> None:
        self.tested = task

    def predict(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        """Most likely class of each x, int64 [n], with the norm of the task named by ``begin_test``."""
        if not (self.norm_per_task and self.tested is not None and self.tested < len(self.kept)):
            return super().predict(x)
        current = copy.deepcopy(self.network.norms.state_dict())
        self.network.norms.load_state_dict(self.kept[self.tested])
        try:
            return super().predict(x)
        finally:
            self.network.norms.load_state_dict(current)

    def _more(self) -> dict[str, Any]:
        return {"kept": self.kept}

    def _load_more(self, state: dict[str, Any]) -> None:
        self.kept = list(state["kept"])
