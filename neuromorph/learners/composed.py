"""What the learners of one network and one optimiser share: mini-batches, checks of samples, and state."""

from __future__ import annotations

import copy
import math
from abc import abstractmethod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from neuromorph.learner import Learner

PREDICT_BATCH = 1000  # samples at a time, which bounds the memory of the recorded membranes


class NetworkLearner(Learner):
    """Cross entropy of a network's scores, one step of one optimiser a mini-batch; nothing is ever reset here.

    Attributes: ``network``, ``optimiser``, which a subclass makes. Raises ValueError for a ``batch`` below 1.
    """

    network: nn.Module
    optimiser: torch.optim.Optimizer

    def __init__(self, batch: int, device: str):
        if batch < 1:
            raise ValueError(f"batch must be at least 1, got {batch}")
        self.batch_size, self.device = batch, device

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample as the network takes it."""

    @property
    @abstractmethod
    def classes(self) -> int:
        """Number of classes."""

    def partial_fit(self, x: NDArray[np.float32], y: NDArray[np.int64]) -> None:
        """Learn once from x [n, ...] in [0, 1] and y [n] (classes from 0), in this order, one step per mini-batch.

        A rest shorter than a mini-batch is learned as one smaller one. Raises ValueError for wrong shapes, values or
        labels, before anything is learned.
        """
        images, targets = self._images(x), self._targets(y, len(x))
        self._refuse(len(images), learning=True)
        self.network.train()
        for some, wanted in zip(images.split(self.batch_size), targets.split(self.batch_size), strict=True):
            if len(some):
                loss = self._loss(some, wanted)
                self.optimiser.zero_grad()
                loss.backward()
                self.optimiser.step()

    @torch.no_grad()
    def predict(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        """Most likely class of each x [n, ...], int64 [n]; only with batch statistics it depends on the others."""
        self._refuse(len(x), learning=False)
        self.network.eval()
        return torch.cat([self._scores(some) for some in self._images(x).split(PREDICT_BATCH)]).argmax(1).cpu().numpy()

    def state_dict(self) -> dict[str, Any]:
        """A copy of everything needed to go on bit by bit; loads with ``torch.load(weights_only=True)``."""
        state = {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict(), **self._more()}
        return {**self._identity(), **copy.deepcopy(state)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state``; raises ValueError when it was saved with another configuration."""
        self._check_identity(state)
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(copy.deepcopy(state["optimiser"]))  # torch would share the tensors
        self._load_more(copy.deepcopy(state))

    @abstractmethod
    def _scores(self, images: Tensor) -> Tensor:
        """Class scores [batch, class]."""

    @abstractmethod
    def _identity(self) -> dict[str, Any]:
        """What a state must agree in, under keys of its own."""

    @abstractmethod
    def _check_identity(self, state: dict[str, Any]) -> None:
        """Raise ValueError for a state of another configuration."""

    def _loss(self, images: Tensor, targets: Tensor) -> Tensor:
        return functional.cross_entropy(self._scores(images), targets)

    def _refuse(self, count: int, learning: bool) -> None:
        """Raise ValueError for a number of samples that the network cannot take."""

    def _more(self) -> dict[str, Any]:
        """State beside network and optimiser."""
        return {}

    def _load_more(self, state: dict[str, Any]) -> None:
        """Take back what ``_more`` gave."""

    def _images(self, x: NDArray[np.float32]) -> Tensor:
        values, shape = np.asarray(x, dtype=np.float32), self.shape
        if values.ndim < 2 or math.prod(values.shape[1:]) != math.prod(shape):
            raise ValueError(
                f"x must hold {' x '.join(map(str, shape))} features a sample, [n, ...], got shape {list(values.shape)}"
            )
        if not ((values >= 0) & (values <= 1)).all():
            raise ValueError("x must lie in [0, 1] without NaN; scale the pixels by their largest value")
        return torch.from_numpy(np.ascontiguousarray(values)).reshape(len(values), *shape).to(self.device)

    def _targets(self, y: NDArray[np.int64], count: int) -> Tensor:
        labels = np.asarray(y)
        if labels.shape != (count,) or not np.issubdtype(labels.dtype, np.integer):
            raise ValueError(f"y must hold {count} integer labels, got {labels.dtype} of shape {labels.shape}")
        if labels.size and not (labels.min() >= 0 and labels.max() < self.classes):
            raise ValueError(f"labels must lie in 0..{self.classes - 1}, got {labels.min()} to {labels.max()}")
        return torch.from_numpy(labels.astype(np.int64)).to(self.device)
