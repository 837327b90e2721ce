"""What the step rules of Gaussian weights share: parameters in pairs, a mean and its deviation."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from neuromorph.snn.optim.checked import CheckedOptimizer


class PairedOptimizer(CheckedOptimizer):
    """Steps of Gaussian weights; the parameters are mean, deviation, mean, deviation, ... as networks list them.

    ``clamp``: gradients are kept within +-clamp / deviation; 0 does not bound them. Raises ValueError for an odd number
    of tensors or a pair of two shapes, and as ``CheckedOptimizer`` does.
    """

    def __init__(self, params: Iterable[Tensor], defaults: dict[str, Any]):
        listed = list(params)
        if len(listed) % 2 or any(a.shape != b.shape for a, b in zip(listed[::2], listed[1::2], strict=False)):
            raise ValueError(
                f"give mean, deviation, mean, deviation, ... of equal shapes, got {[tuple(p.shape) for p in listed]}: "
                "the network needs Gaussian weights and no other parameters"
            )
        super().__init__(listed, defaults)

    def _update_group(self, params: list[Tensor], group: dict[str, Any]) -> None:
        for mean, deviation in zip(params[::2], params[1::2], strict=True):
            assert mean.grad is not None and deviation.grad is not None
            gradients = [mean.grad, deviation.grad]
            if group["clamp"]:
                bound = group["clamp"] / deviation
                gradients = [torch.clamp(g, -bound, bound) for g in gradients]
            moves = self.moves(mean, deviation, gradients[0], gradients[1], group)
            mean.add_(moves[0])
            deviation.add_(moves[1])

    @abstractmethod
    def moves(
        self, mean: Tensor, deviation: Tensor, by_mean: Tensor, by_deviation: Tensor, group: dict[str, Any]
    ) -> tuple[Tensor, Tensor]:
        """What is added to both, from the gradients of the loss, all of one shape."""
