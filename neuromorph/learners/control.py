"""Learners of the control networks: boundary-free by default, and the published protocol that knows the tasks.

Cross entropy of the scores, one step of one optimiser a mini-batch. ``ControlLearner`` resets nothing and has one norm
state for all tasks. ``TaskControlLearner`` adds what the code of Laborieux et al. 2021 does at task boundaries: a new
optimiser for each task, and one norm state a task, loaded when that task is tested.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuromorph.learner import ToldLearner
from neuromorph.learners.composed import PREDICT_BATCH, NetworkLearner
from neuromorph.snn import Metaplastic
from neuromorph.snn.baselines import Classifier, ControlConfig, SpikingConfig
from neuromorph.snn.device import checked_device
from neuromorph.snn.optim.beakers import Beakers
from neuromorph.streams import Task


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
    compiled: bool = False

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


class ClassifierLearner(NetworkLearner):
    """A learner of a ``snn.controls.Classifier``. Attributes: ``config``, ``network``, ``optimiser``.

    Raises ValueError, before anything is learned, for a mini-batch of one sample where the norm is over the batch.
    """

    network: Classifier

    def __init__(self, config: TrainingConfig):
        super().__init__(config.batch, config.device)
        self.config = config
        generator = torch.Generator().manual_seed(config.seed)
        self.network = config.network.build(generator).to(checked_device(config.device))
        self.optimiser = config.rule.build(self.network.parameters())

    @property
    def description(self) -> str:
        return f"{type(self).__name__} {self.config.network} {self.config.rule} {self.config.batch} {self.config.seed}"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.config.network.sizes[:1]

    @property
    def classes(self) -> int:
        return self.config.network.sizes[-1]

    def _scores(self, images: Tensor) -> Tensor:
        return self.network(images)

    def _identity(self) -> dict[str, Any]:
        return {"description": self.description}

    def _check_identity(self, state: dict[str, Any]) -> None:
        if state["description"] != self.description:
            raise ValueError(f"the state was saved by {state['description']}, not by {self.description}")

    def _refuse(self, count: int, learning: bool) -> None:
        norms = ("batch-running", "batch-statistics") if learning else ("batch-statistics",)
        batch = self.batch_size if learning else PREDICT_BATCH
        if self.config.network.norm in norms and (batch == 1 or count % batch == 1):
            raise ValueError(
                f"the norm '{self.config.network.norm}' needs 2 samples or more: {count} samples in batches of {batch} "
                "leave one alone"
            )


class ControlLearner(ClassifierLearner):
    """Boundary-free: cutting the same samples into other calls, at multiples of the mini-batch, leaves the same bits.

    Raises ValueError for the norm ``batch-statistics``, which needs to be tested on one task at a time.
    """

    def __init__(self, config: TrainingConfig):
        if config.network.norm == "batch-statistics":
            raise ValueError(
                "batch statistics at test time tell which task is tested: use TaskControlLearner, or 'batch-running'"
            )
        super().__init__(config)


class TaskControlLearner(ClassifierLearner, ToldLearner):
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
