"""The chip's leaky neuron inside snnTorch.

v <- clip(trunc(v * (4096 - dv) / 4096) + I, +-(2^23 - 1))
s  = v > 64 * vth,   then v <- 0 where s = 1

Source: Lava 0.10.0, ``PyLifModelBitAcc`` with du = 4095 (no memory of the current). ``v`` and ``I`` are integers in the
chip's membrane units, of which one unit of weight or of threshold has 64; dv is the 12-bit decay, beta = 1 - dv/4096.
Gradient: beta through the decay, 1 through the clip, none through the reset, and the arctangent surrogate
ds/dv = 1 / (theta (1 + (pi (v - theta) / theta)^2)), theta = 64 * vth (snnTorch's default in units of the threshold).
"""

from __future__ import annotations

import math
from typing import Any

import snntorch
import torch
from snntorch import surrogate
from snntorch._neurons.neurons import SpikingNeuron
from torch import Tensor

UNITS = 64  # membrane units per unit of weight or threshold
DECAY_UNITY = 4096
MEMBRANE_LIMIT = 2**23 - 1
THRESHOLD_LIMIT = 2**17 - 1


class _Integrate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, mem: Tensor, current: Tensor, beta: float) -> Tensor:
        ctx.beta = beta
        return _integrate(mem.double(), current, beta).to(mem.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        return grad * ctx.beta, grad, None


def _integrate(mem: Tensor, current: Tensor, beta: float) -> Tensor:
    """One step from ``mem``, in float64 because the decayed product needs 36 bits; ``mem`` is overwritten."""
    return mem.mul_(beta).trunc_().add_(current).clamp_(-MEMBRANE_LIMIT, MEMBRANE_LIMIT)


class _Sequence(torch.autograd.Function):
    """All time steps in one node of the graph: ten times fewer calls than a loop of single steps, the same numbers."""

    @staticmethod
    def forward(ctx: Any, current: Tensor, beta: float, theta: float) -> tuple[Tensor, Tensor]:
        mem_rec = torch.empty_like(current, memory_format=torch.contiguous_format)
        mem = torch.zeros_like(current[0], dtype=torch.float64, memory_format=torch.contiguous_format)
        for step, seen in zip(current.unbind(0), mem_rec.unbind(0), strict=True):
            seen.copy_(_integrate(mem, step, beta))
            mem.masked_fill_(mem > theta, 0)
        spk_rec = (mem_rec > theta).to(current.dtype)
        ctx.save_for_backward(spk_rec, mem_rec)
        ctx.beta, ctx.theta = beta, theta
        return spk_rec, mem_rec

    @staticmethod
    def backward(ctx: Any, grad_spk: Tensor, grad_mem: Tensor) -> tuple[Tensor, None, None]:
        spk_rec, mem_rec = ctx.saved_tensors
        surrogate_grad = ((mem_rec - ctx.theta) * (math.pi / ctx.theta)).square_().add_(1).mul_(ctx.theta).reciprocal_()
        grad = surrogate_grad.mul_(grad_spk).add_(grad_mem)
        kept = (1 - spk_rec).mul_(ctx.beta)
        for t in range(len(grad) - 2, -1, -1):
            grad[t].addcmul_(kept[t], grad[t + 1])
        return grad, None, None


class ChipLeaky(snntorch.Leaky):
    """``snntorch.Leaky`` with hard reset whose decay rounds as the chip does, so that its spikes are the chip's.

    ``dv`` 0..4095 is the decay (0: none), ``vth`` 1..131071 the integer threshold in units of weight. State is
    explicit: ``forward(current, mem)`` takes and returns tensors of one shape, in membrane units and integer-valued,
    and keeps nothing. Raises ValueError for a value the chip has no register for.
    """

    def __init__(self, dv: int, vth: int):
        if not 0 <= dv < DECAY_UNITY:
            raise ValueError(f"dv has 12 bits, 0 to 4095 (beta = 1 - dv/4096 from 1 down to 1/4096), got {dv}")
        if not 1 <= vth <= THRESHOLD_LIMIT:
            raise ValueError(f"vth must lie between 1 and {THRESHOLD_LIMIT} (17 bits), got {vth}")
        self.dv, self.vth = dv, vth
        gradient, theta = surrogate.atan(), float(UNITS * vth)
        super().__init__(
            beta=1 - dv / DECAY_UNITY,
            threshold=theta,
            spike_grad=lambda shift: gradient(shift / theta),
            reset_mechanism="zero",
        )
        SpikingNeuron.instances.pop()  # snnTorch's list of every neuron ever made would keep this one for ever

    def forward(self, input_: Tensor, mem: Tensor) -> tuple[Tensor, Tensor]:
        spk, mem = super().forward(input_, mem)
        self.mem = mem.new_zeros(0)  # the hidden copy would keep the graph alive
        return spk, mem

    def sequence(self, current: Tensor) -> tuple[Tensor, Tensor]:
        """Spikes and membranes before reset, [time, batch, neuron], for a ``current`` of that shape, from rest."""
        return _Sequence.apply(current, 1 - self.dv / DECAY_UNITY, float(UNITS * self.vth))

    def _base_state_function(self, input_: Tensor) -> Tensor:
        return _Integrate.apply(self.mem, input_, 1 - self.dv / DECAY_UNITY)
