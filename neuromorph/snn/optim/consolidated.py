"""Deep learning with any continuous synapse model: the optimiser's step is the drive of the model's own equation.

drive = -Adam's step (``adam.py``);   state <- model(state, drive): ``model.on_event`` run on tensors, as in Brian2

The parameter is the model's first variable (h of a hidden weight, u1 of a Benna-Fusi chain), whose sign a
``BinaryLinear`` shows to the network; further variables are state of the optimiser. The equation is linear in the drive
for these two, so lr sets the scale of the weights only; a bound, a leak or uncertainty relates h to that scale.
Consolidating Adam's step follows Laborieux et al. 2021 (Nat Commun 12:2549; hidden weight) and their public code
(chains of beakers); models of candidate events have no published form for gradients, so this is our reading.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import Tensor

from fusi_models import SynapseModel
from fusi_models.equations import evaluate
from fusi_models.synapse import BrianText, find
from neuromorph.snn.optim.adam import adam_step
from neuromorph.snn.optim.checked import CheckedOptimizer, check_variance


class Consolidated(CheckedOptimizer):
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

    numbers = ("lr", "eps")

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
        if not isinstance(synapse, SynapseModel):
            raise TypeError(f"synapse must be a synapse model such as HiddenWeight(25), got {synapse!r:.80}.")
        text = find(synapse, BrianText)
        variables = [line.partition(" : ") for line in text.declarations.splitlines()] if text else []
        if text is None or synapse.stochastic or any(kind != "1" for _, _, kind in variables):
            raise ValueError(
                f"{synapse.name} is no continuous deterministic synapse: it takes events of -1, 0 and +1, not an "
                "optimiser's step; choose HiddenWeight, BinaryUncertainty or BennaFusi without values."
            )
        if drive not in ("adam", "gradient"):
            raise ValueError(f"drive must be 'adam' or 'gradient', got {drive!r}")
        check_variance(variance)
        self.synapse, self.drive, self.variance = text, drive, variance
        self.visible, *self.deeper = (name for name, _, _ in variables)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def _update_group(self, params: list[Tensor], group: dict[str, Any]) -> None:
        for param in params:
            assert param.grad is not None
            if self.drive == "gradient":
                drive = param.grad * -group["lr"]
            else:
                drive = -adam_step(self.state[param], param.grad, group, self.variance)
            if param.dim() > 1:
                self._consolidate(param, drive)
            else:
                param.add_(drive)

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
