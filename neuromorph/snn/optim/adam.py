"""Adam's step, in the one form that every optimiser of this package takes, also compiled.

mu <- b1 mu + (1 - b1) g;   nu <- b2 nu + (1 - b2) g^2   (variance "layer": the mean of g^2 over the tensor)
step = lr mu / (1 - b1^t) / (sqrt(nu / (1 - b2^t)) + eps)

Source: Kingma & Ba 2015 (ICLR), operation by operation as in PyTorch, so that the bits are those of
``torch.optim.Adam``; the layer's variance is ours. ``published_eps``: eps enters before the bias correction of nu.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from neuromorph.snn.optim.checked import VARIANCES, CheckedOptimizer, check_variance

__all__ = ["VARIANCES", "CheckedOptimizer", "adam_move", "adam_step", "bias_corrections", "check_variance"]


def bias_corrections(group: dict[str, Any], t: float, published_eps: bool) -> tuple[float, float, float]:
    """Step size lr / (1 - b1^t), sqrt(1 - b2^t) and eps at step ``t`` = 1, 2, ... of a group with lr, betas and eps."""
    (b1, b2), eps = group["betas"], group["eps"]
    root = (1 - b2**t) ** 0.5
    return float(group["lr"]) / (1 - b1**t), root, eps / root if published_eps else eps


def adam_move(
    grad: Tensor, mean: Tensor, square: Tensor, betas: tuple[float, float], size: Any, root: Any, eps: Any
) -> Tensor:
    """The step to be subtracted, shaped as ``grad``; ``mean`` and ``square`` (mu, nu) change in place.

    size, root, eps: of ``bias_corrections``, floats or 0-dim tensors. A 0-dim ``square`` beside a larger ``grad`` is
    the layer's, already up to date.
    """
    mean.lerp_(grad, 1 - betas[0])
    if square.dim() < grad.dim():
        return mean * (size / (square.sqrt() / root + eps))
    square.mul_(betas[1]).addcmul_(grad, grad, value=1 - betas[1])
    return (mean * size).div_((square.sqrt() / root).add_(eps))


def adam_step(
    state: dict[str, Any], grad: Tensor, group: dict[str, Any], variance: str = "weight", published_eps: bool = False
) -> Tensor:
    """Adam's step, to be subtracted, shaped as ``grad``; ``state`` keeps step, exp_avg and exp_avg_sq.

    ``group``: lr, betas and eps.
    """
    layer = variance == "layer" and grad.dim() > 0
    if "step" not in state:
        state["step"] = torch.tensor(0.0)
        state["exp_avg"] = torch.zeros_like(grad)
        state["exp_avg_sq"] = grad.new_zeros(()) if layer else torch.zeros_like(grad)
    state["step"] += 1
    if layer:
        state["exp_avg_sq"].lerp_(grad.square().mean(), 1 - group["betas"][1])
    corrections = bias_corrections(group, state["step"].item(), published_eps)
    return adam_move(grad, state["exp_avg"], state["exp_avg_sq"], group["betas"], *corrections)
