"""Gradient descent of the mean alone: what a Gaussian weight does without uncertainty, the unprotected control.

mu <- mu - lr dC/dmu,   sigma stays                                   lr in units of weight^2 a nat
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, final

import torch
from torch import Tensor

from neuromorph.snn.optim.pairs import PairedOptimizer


@final
class Plain(PairedOptimizer):
    """``lr``; with a deviation of 0 at the start it is stochastic gradient descent of a common network."""

    numbers = ("lr", "clamp")

    def __init__(self, params: Iterable[Tensor], lr: float = 0.002):
        super().__init__(params, {"lr": lr, "clamp": 0.0})

    def moves(
        self, mean: Tensor, deviation: Tensor, by_mean: Tensor, by_deviation: Tensor, group: dict[str, Any]
    ) -> tuple[Tensor, Tensor]:
        return -group["lr"] * by_mean, torch.zeros_like(deviation)
