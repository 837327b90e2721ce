"""Deep learning with any continuous synapse model: the optimiser's step is the drive of the model's own equation.

drive = -Adam step;   state <- model(state, drive),   the text of ``model.on_event`` run on tensors, as Brian2 runs it

    mu <- b1 mu + (1 - b1) g;  nu <- b2 nu + (1 - b2) g^2
    Adam step = lr mu / (1 - b1^t) / (sqrt(nu / (1 - b2^t)) + eps)

The parameter is the model's first variable (h of a hidden weight, u1 of a Benna-Fusi chain), whose sign a
``BinaryLinear`` shows to the network; further variables are state of the optimiser. The equation is linear in the drive
for these two, so lr sets the scale of the weights only; a bound, a leak or uncertainty relates h to that scale.
Consolidating Adam's step follows Laborieux et al. 2021 (Nat Commun 12:2549; hidden weight) and their public code
(chains of beakers); models of candidate events have no published form for gradients, so this is our reading.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from fusi_models import SynapseModel
from fusi_models.equations import evaluate


class Consolidated(torch.optim.Optimizer):
    """Steps that a synapse model consolidates: ``Consolidated(net.parameters(), HiddenWeight(25, 1, math.inf))``.

    ``synapse``: a deterministic model of real variables (``HiddenWeight``, ``BinaryUncertainty``, ``BennaFusi``).
    A hidden weight wants ``step_size`` 1 and a bound far above its drift; it is then ``Metaplastic``. All variables
    start at the parameter's value (a chain in balance, but for its leak). The model makes one step at each update of a
    parameter that has a gradient. One-dimensional parameters take plain Adam steps.
    ``drive``: "adam", or "gradient" for lr times the negative gradient as it is. ``variance``: Adam's, of each "weight"
    or the mean over the "layer", as in ``Metaplastic``.

    Raises ValueError for a synapse that draws random numbers or holds whole numbers, NaN or negative numbers, complex
    parameters, and, at a step, sparse gradients.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        synapse: SynapseModel,
        lr: float = 0.005,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        *,
        drive: str = "adam",
        variance: str = "weight",
    ):
        variables = [line.partition(" : ") for line in synapse.declarations.splitlines()]
        if synapse.stochastic or any(kind != "1" for _, _, kind in variables):
            raise ValueError(
                f"{synapse.name} is no continuous deterministic synapse: it takes events of -1, 0 and +1, not an "
                "optimiser's step; choose HiddenWeight, BinaryUncertainty or BennaFusi without values."
            )
        if drive not in ("adam", "gradient"):
            raise ValueError(f"drive must be 'adam' or 'gradient', got {drive!r}")
        if variance not in ("weight", "layer"):
            raise ValueError(f"variance must be 'weight' or 'layer', got {variance!r}")
        self.synapse, self.drive, self.variance = synapse, drive, variance
        self.visible, *self.deeper = (name for name, _, _ in variables)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group; raises ValueError as the class does."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        for name in ("lr", "eps"):
            if not 0 <= group[name] < math.inf:
                raise ValueError(f"{name} must not be negative and must be finite, got {group[name]}")
        if not all(0 <= b < 1 for b in group["betas"]):
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
            for param in group["params"]:
                if param.grad is None:
                    continue
                if param.grad.is_sparse:
                    raise ValueError("sparse gradients are not supported: build the layer without sparse=True")
                drive = self._drive(param, group)
                if param.dim() > 1:
                    self._consolidate(param, drive)
                else:
                    param.add_(drive)
        return loss

    def _drive(self, param: Tensor, group: dict[str, Any]) -> Tensor:
        """Minus the step, for one parameter."""
        state, (b1, b2), grad = self.state[param], group["betas"], param.grad
        assert grad is not None
        if self.drive == "gradient":
            return grad * -group["lr"]
        if "step" not in state:
            state["step"] = torch.tensor(0.0)
            state["exp_avg"] = torch.zeros_like(param)
            state["exp_avg_sq"] = param.new_zeros(()) if self.variance == "layer" else torch.zeros_like(param)
        state["step"] += 1
        t = state["step"].item()
        mean = state["exp_avg"].lerp_(grad, 1 - b1)
        square = state["exp_avg_sq"].lerp_(grad.square().mean() if self.variance == "layer" else grad.square(), 1 - b2)
        return (mean * (-group["lr"] / (1 - b1**t))).div_((square.sqrt() / (1 - b2**t) ** 0.5).add_(group["eps"]))

    def _consolidate(self, param: Tensor, drive: Tensor) -> None:
        state = self.state[param]
        for name in self.deeper:
            if name not in state:
                state[name] = param.clone()
        before = {self.visible: param.detach(), **{name: state[name] for name in self.deeper}, "drive": drive}
        after = evaluate(self.synapse.on_event, before)
        param.copy_(after[self.visible])
        for name in self.deeper:
            state[name].copy_(after[name])
