"""Bayesian gradient descent (FOO-VB, diagonal): the fixed point of the variational update, with no window.

mu    <- mu - lr sigma^2 dC/dmu
sigma <- sigma sqrt(1 + (sigma dC/dsigma / 2)^2) - sigma^2 dC/dsigma / 2

Source: Zeno, Golan, Hoffer & Soudry 2021, Neural Comput. 33:3139. The root is added; public code of a later paper
subtracts it, by which sigma shrinks faster (third order in the gradient). sigma stays positive by itself. Units as in
``mesu.py``. sqrt(1 + h^2) - 1 is computed as h^2 / (1 + sqrt(1 + h^2)), which does not lose small h.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, final

from torch import Tensor

from neuromorph.snn.optim.pairs import PairedOptimizer


def bgd(
    mean: Any,
    deviation: Any,
    by_mean: Any,
    by_deviation: Any,
    lr_mean: Any,
    lr_deviation: Any,
    root: Callable[[Any], Any],
) -> tuple[Any, Any]:
    """The moves of mean and deviation, of tensors or of numbers; ``root``: their square root."""
    half = deviation * by_deviation / 2
    grown = half * half
    stretch = deviation * (grown / (1 + root(1 + grown)) - half)
    return -lr_mean * (deviation * deviation) * by_mean, lr_deviation * stretch


@final
class BGD(PairedOptimizer):
    """``lr`` of the means, ``lr_deviation`` of the deviations (1 in the paper); it keeps no state."""

    numbers = ("lr", "lr_deviation", "clamp")

    def __init__(self, params: Iterable[Tensor], lr: float = 1.0, lr_deviation: float = 1.0, clamp: float = 0.0):
        super().__init__(params, {"lr": lr, "lr_deviation": lr_deviation, "clamp": clamp})

    def moves(
        self, mean: Tensor, deviation: Tensor, by_mean: Tensor, by_deviation: Tensor, group: dict[str, Any]
    ) -> tuple[Tensor, Tensor]:
        return bgd(mean, deviation, by_mean, by_deviation, group["lr"], group["lr_deviation"], Tensor.sqrt)
