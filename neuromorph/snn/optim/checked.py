"""What the optimisers of this package share: the walk over parameters, and the checks of a group."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from fusi_models.checks import LARGEST, finite, finites

FASTEST = 1e3  # hidden weights start within 1, and a step moves them by lr
VARIANCES = ("weight", "layer")


class CheckedOptimizer(torch.optim.Optimizer):
    """An optimiser whose groups are checked; ``numbers`` names the options that must be finite and not negative.

    Raises ValueError for a negative or NaN number, a rate (``lr``, ``lr_...``) above 1000 and another number above 1e6,
    which no weight survives, betas outside [0, 1), complex parameters, and, at a step, sparse gradients.
    """

    numbers: tuple[str, ...]

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group; raises ValueError as the class does."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        for name in self.numbers:
            finite(name, group[name], 0, FASTEST if name.startswith("lr") else LARGEST)
        if (finites("betas", group.get("betas", ()), 0) >= 1).any():
            raise ValueError(f"betas must lie in [0, 1), got {group['betas']}")
        if any(p.is_complex() for p in group["params"]):
            raise ValueError("a complex parameter has no sign: optimise its real and imaginary part as two tensors")

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update of every parameter that has a gradient; returns the closure's loss, if a closure is given."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            if any(p.grad.is_sparse for p in params):
                raise ValueError("sparse gradients are not supported: build the layer without sparse=True")
            self._update_group(params, group)
        return loss

    @abstractmethod
    def _update_group(self, params: list[Tensor], group: dict[str, Any]) -> None:
        """Update ``params``, those of the group that have a gradient."""


def check_variance(name: str) -> None:
    """Raise ValueError unless ``name`` is "weight" or "layer"."""
    if name not in VARIANCES:
        raise ValueError(f"variance must be 'weight' or 'layer', got {name!r}")
