"""BiMU: the latent number of a binary weight, with a step that its own certainty and gradient bound, and a window N.

lambda <- lambda - (lr g + lambda k (1 - t^2) / N) / (k (1 - t^2) + 2 g t + 2 |g| + 1 / lr_max)
t = tanh(lambda),   g = likelihood dC/dlambda;   nothing moves where every gradient is 0

Source: Cottart et al. 2026, arXiv:2605.30198, in the authors' code (k: ``kl``). C is summed over the mini-batch and
averaged over the samples of the weights, in nats; lambda is half the log odds of +1. N is no number of mini-batches:
with 1 / lr_max above the rest, an unused lambda decays by k (1 - t^2) lr_max / N a step, so the window is about
N / (k lr_max) mini-batches, 116 N with the constants of the paper.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, final

import torch
from torch import Tensor

from neuromorph.snn.optim.checked import CheckedOptimizer


def bimu(latent: Any, tilt: Any, gradient: Any, lr: Any, stiffness: Any, likelihood: Any, kl: Any, rate: Any) -> Any:
    """The move of lambda, tensor or number; ``tilt``: tanh(lambda), ``stiffness``: 1 / lr_max, ``rate``: 1 / N."""
    width, drive = kl - kl * tilt * tilt, likelihood * gradient
    bound = drive * tilt + abs(drive)  # no literal: a compiled float32 would become a double
    return -(lr * drive + latent * width * rate) / (width + bound + bound + stiffness)


@final
class Bimu(CheckedOptimizer):
    """The constants of the module's head; it keeps no state.

    Raises ValueError for a window or a largest rate that is not positive, and as ``CheckedOptimizer`` does.
    """

    numbers = ("lr", "largest", "likelihood", "kl")

    def __init__(
        self,
        params: Iterable[Tensor],
        window: float = 700.0,
        lr: float = 4.9,
        largest: float = 0.0023,
        likelihood: float = 161.3,
        kl: float = 3.76,
    ):
        if not (window > 0 and largest > 0):
            raise ValueError(f"window and largest rate must be positive, got {window} and {largest}")
        scales = {"lr": lr, "largest": largest, "likelihood": likelihood, "kl": kl}
        super().__init__(params, {"window": window, **scales})

    def _update_group(self, params: list[Tensor], group: dict[str, Any]) -> None:
        gradients = [p.grad for p in params if p.grad is not None]
        if not any(bool(g.any()) for g in gradients):
            return
        for latent, gradient in zip(params, gradients, strict=True):
            latent.add_(bimu(latent, torch.tanh(latent), gradient, *constants(group)))


def constants(group: dict[str, Any]) -> tuple[float, float, float, float, float]:
    """What ``bimu`` takes behind the gradient."""
    return group["lr"], 1 / group["largest"], group["likelihood"], group["kl"], 1 / group["window"]
