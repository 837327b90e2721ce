"""A chain of beakers behind each hidden weight: Adam moves the first level, the others follow and pull it back.

u_0 <- u_0 - step + (g_0 / A_0) (u_1 - u_0) + fb [u_{n-1} - u_0]
u_k <- u_k + (g_{k-1} / A_k) (u_{k-1} - u_k) + (g_k / A_k) (u_{k+1} - u_k)          0 < k < n,   u_n = 0
[x] = x where x sign(u_{n-1}) > 0, else 0; in the last beaker the inflow (k - 1 to k) is multiplied by
1 - tanh^2(m u_{n-1}) where it would shrink |u_{n-1}|. step: Adam's (``adam.py``) with
``published_eps``. All levels on the right are those before the update. Beakers start at the initial weight.

Source: the authors' code (``Adam_bk``) of Laborieux et al. 2021, Nat Commun 12:2549, after Benna & Fusi 2016, Nat.
Neurosci. 19:1697; the paper's own text was not at hand. (From its second step on, that code's "old" u_0 is a view of
the new one; here it is the old one.) Levels are in units of the hidden weight, g / A per update.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from neuromorph.snn.optim.adam import adam_step
from neuromorph.snn.optim.checked import CheckedOptimizer


class Beakers(CheckedOptimizer):
    """Adam on the first of n beakers a weight; one-dimensional parameters take ordinary Adam steps.

    ``couplings`` g and ``areas`` A: n numbers each, n >= 2. ``feedback``: from the last beaker to the first. ``m``:
    metaplasticity of the last beaker. State of a weight: ``levels`` [n - 1, ...], the beakers behind the visible one.
    Raises ValueError for fewer than two beakers, unequal counts, negative numbers, or areas that are not positive.
    """

    numbers = ("lr", "feedback", "m", "eps", "weight_decay")

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 0.005,
        couplings: Sequence[float] = (1e-2, 1e-3, 1e-4, 1e-5),
        areas: Sequence[float] = (1.0, 2.0, 4.0, 8.0),
        feedback: float = 5e-3,
        m: float = 0.0,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ):
        if len(couplings) < 2 or len(couplings) != len(areas):
            raise ValueError(f"give one coupling and one area for each of at least 2 beakers, got {couplings}, {areas}")
        if not (min(couplings) >= 0 and min(areas) > 0):
            raise ValueError(f"couplings must not be negative and areas positive, got {couplings}, {areas}")
        chain = {"couplings": tuple(couplings), "areas": tuple(areas), "feedback": feedback, "m": m}
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, **chain})

    def _update_group(self, params: list[Tensor], group: dict[str, Any]) -> None:
        for param in params:
            state = self.state[param]
            if not state and param.dim() > 1:
                state["levels"] = param.detach().expand(len(group["areas"]) - 1, *param.shape).clone()
            assert param.grad is not None
            grad = param.grad.add(param, alpha=group["weight_decay"])
            step = adam_step(state, grad, group, published_eps=True)
            if param.dim() > 1:
                self._flow(param, step, group)
            else:
                param.sub_(step)

    def _flow(self, hidden: Tensor, step: Tensor, group: dict[str, Any]) -> None:
        """One Euler step of the chain, from the old levels."""
        levels = self.state[hidden]["levels"]
        g, areas, last = group["couplings"], group["areas"], levels[-1]
        old = torch.cat([hidden[None], levels, torch.zeros_like(levels[:1])])
        down = old[1:] - old[:-1]  # from each beaker to the next; the last one leads to the clamped zero
        back = last - old[0]
        pull = torch.where(back * torch.sign(last) > 0, group["feedback"] * back, 0.0)
        hidden.add_(g[0] / areas[0] * down[0] + pull - step)
        for k in range(1, len(areas)):
            inflow = -g[k - 1] / areas[k] * down[k - 1]
            if k == len(areas) - 1:
                damping = 1 - torch.tanh(group["m"] * old[k]).square()
                inflow = torch.where(inflow * old[k] < 0, damping * inflow, inflow)
            levels[k - 1] = old[k] + inflow + g[k] / areas[k] * down[k]
