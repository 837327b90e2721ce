"""The metaplastic optimiser: Adam whose steps towards a sign switch are damped by the size of the hidden weight.

g  <- gradient + wd W_h;   mu <- b1 mu + (1 - b1) g;   nu <- b2 nu + (1 - b2) g^2
s   = lr sqrt(1 - b2^t) / (1 - b1^t);   step = s mu / (sqrt(nu) + eps)
W_h <- W_h - step (1 - tanh^2(m |W_h|))   where sign(W_h) mu > 0   (the step would shrink |W_h|)
W_h <- W_h - step                         elsewhere

Source: Laborieux, Ernoult, Hirtzlin, Querlioz 2021, Nat Commun 12:2549, and the authors' ``Adam_meta``. eps enters
before the bias correction and the condition uses the momentum mu, as there. m is in units of 1/|W_h|: hidden weights
drift by about lr per consistent step, so the longer the training, the smaller the m (1.35 for 40 epochs of MNIST).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


class Metaplastic(torch.optim.Optimizer):
    """Metaplastic Adam for hidden weights; biases and other one-dimensional parameters take ordinary Adam steps.

    ``params``: tensors or parameter groups, each group with its own ``m`` if given. m = 0 is the same update without
    damping (a plain binarized network). ``weight_decay`` is added to the gradient, not decoupled. Raises ValueError
    for a negative m, lr, eps or weight_decay and for betas outside [0, 1).
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 0.005,
        m: float = 0.0,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ):
        super().__init__(params, {"lr": lr, "m": m, "betas": betas, "eps": eps, "weight_decay": weight_decay})
        for group in self.param_groups:
            for name in ("lr", "m", "eps", "weight_decay"):
                if not group[name] >= 0:
                    raise ValueError(f"{name} must not be negative, got {group[name]}")
            if not all(0 <= b < 1 for b in group["betas"]):
                raise ValueError(f"betas must lie in [0, 1), got {group['betas']}")

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update of every parameter that has a gradient; returns the closure's loss, if a closure is given."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    self._update(param, group)
        return loss

    def _update(self, hidden: Tensor, group: dict[str, Any]) -> None:
        state = self.state[hidden]
        if not state:
            state.update(step=0, momentum=torch.zeros_like(hidden), variance=torch.zeros_like(hidden))
        state["step"] += 1
        b1, b2 = group["betas"]
        grad = hidden.grad
        assert grad is not None
        if group["weight_decay"]:
            grad = grad.add(hidden, alpha=group["weight_decay"])
        momentum = state["momentum"].mul_(b1).add_(grad, alpha=1 - b1)
        variance = state["variance"].mul_(b2).addcmul_(grad, grad, value=1 - b2)
        size = group["lr"] * math.sqrt(1 - b2 ** state["step"]) / (1 - b1 ** state["step"])
        step = momentum / variance.sqrt().add_(group["eps"])
        if group["m"] and hidden.dim() > 1:
            damping = 1 - torch.tanh(group["m"] * hidden).square_()  # even in the hidden weight
            step = torch.where(hidden * momentum > 0, step * damping, step)
        hidden.sub_(step, alpha=size)
