"""Engram-style gating: for each mini-batch, a random set of the hidden units takes part, the others are silent.

z_i ~ Bernoulli(p_i) for unit i of a hidden layer, one draw a mini-batch;   x_i <- z_i x_i while it learns
(a) p_i = p        (b) p_i = 1 / (1 + exp(-beta (u_i - theta))),   u_i <- decay u_i + (1 - decay) a_i where z_i = 1
a_i: fraction of the mini-batch (and of the steps) in which unit i is active, +1 or a spike

After Aguilar, Herbozo Contreras & Kavehei 2025, arXiv:2503.21436 (engramBNN), of which only the idea was at hand,
stochastically activated engrams that gate a metaplastic binarized network: a *reconstruction*. Ours are both forms of
p, that a prediction uses all units, and no rescaling. Weights of silent units get no gradient. Form (c), a fixed set
for each task, is the part ``xdg``, which is told the task. p = 1 is the network without gates, bit for bit. No unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from fusi_models.seeds import generator
from neuromorph.snn.parts import Host, Part, PartConfig, check_gates


@final
@dataclass(frozen=True)
class Engrams(PartConfig):
    """Raises ValueError for a probability outside (0, 1], a negative beta, or a decay outside [0, 1).

    >>> Engrams(p=0.8).beta
    0.0
    """

    p: float = 0.5
    """Chance of a unit to take part, where ``beta`` is 0."""
    beta: float = 0.0
    """Slope of that chance over the unit's trace; 0: the same chance for all, ``p``."""
    theta: float = 0.5
    """Trace of a unit that takes part in every second mini-batch."""
    decay: float = 0.99
    """Of the trace, a mini-batch."""

    def __post_init__(self) -> None:
        if not (0 < self.p <= 1 and self.beta >= 0 and 0 <= self.decay < 1):
            raise ValueError(f"engrams need 0 < p <= 1, beta >= 0 and 0 <= decay < 1, got {self}")

    def build(self, learner: Host) -> Gates:
        return Gates(learner, self)


CONFIG = Engrams


@final
class Gates(Part):
    """``traces``: u of each hidden layer, shaped as its gate; ``open``: mean fraction of units that took part.

    Raises ValueError for a network without hidden layers.
    """

    sets_gates = True

    def __init__(self, learner: Host, config: Engrams):
        super().__init__(learner)
        check_gates(learner, "engrams silence")
        self.config, self.drawn, self.total = config, 0, 0.0
        hidden = learner.network.weights()[:-1]
        self.traces = [torch.full((len(w), *(1,) * (w.dim() - 2)), config.theta, device=w.device) for w in hidden]
        if config.beta:
            learner.network.watchers.append(self._seen)

    @property
    def open(self) -> float:
        """1 before anything was learned."""
        return self.total / self.drawn if self.drawn else 1.0

    def before_batch(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        self.drawn += 1
        gates = [self._drawn(k, trace) for k, trace in enumerate(self.traces)]
        self.total += float(np.mean([float(gate.float().mean()) for gate in gates]))
        self.learner.network.gates = gates
        return images, targets

    def after_step(self) -> None:
        self.learner.network.gates = [None] * len(self.traces)

    def state_dict(self) -> dict[str, Any]:
        return {"drawn": self.drawn, "total": self.total, "traces": list(self.traces)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.drawn, self.total = state["drawn"], state["total"]
        for trace, kept in zip(self.traces, state["traces"], strict=True):
            trace.copy_(kept)

    def _drawn(self, layer: int, trace: Tensor) -> Tensor:
        config, rng = self.config, generator("units of an engram", self.learner.seed, layer, self.drawn)
        chance = (
            torch.sigmoid(config.beta * (trace - config.theta)) if config.beta else torch.full_like(trace, config.p)
        )
        uniform = torch.from_numpy(rng.random(trace.shape, np.float32)).to(trace.device)
        gate = uniform < chance
        if not gate.any():
            gate.view(-1)[int(rng.integers(gate.numel()))] = True  # a layer that says nothing learns nothing
        return gate

    def _seen(self, layer: int, messages: Tensor) -> None:
        """What a layer multiplies; units that take part in learning leave a trace."""
        gate = self.learner.network.gates[layer - 1] if layer else None
        if gate is None or not self.learner.network.training:
            return
        trace, following = self.traces[layer - 1], self.learner.network.weights()[layer]
        each = following.shape[1] // len(trace) if following.dim() == 2 else messages[..., 0, :, :].shape[-2:].numel()
        active = (messages.detach() > 0).float().reshape(-1, len(trace), each).mean((0, 2))
        trace.copy_(torch.where(gate, trace.lerp(active.view_as(trace), 1 - self.config.decay), trace))
