"""The chip's leaky neuron inside snnTorch.

v <- clip(trunc(v * (4096 - dv) / 4096) + I + bias, +-(2^23 - 1))
s  = v > 64 * vth,   then v <- 0 where s = 1

Source: Lava 0.10.0, ``PyLifModelBitAcc`` with du = 4095 (no memory of the current). ``v`` and ``I`` are integers in the
chip's membrane units, of which one unit of weight or of threshold has 64; dv is the 12-bit decay, beta = 1 - dv/4096.
Gradient: beta through the decay, 1 through the clip, none through the reset, and the arctangent surrogate
ds/dv = 1 / (theta (1 + (pi (v - theta) / theta)^2)), theta = 64 * vth (snnTorch's default in units of the threshold).
"""

from __future__ import annotations

import math
from typing import Any, cast

import snntorch
import torch
from snntorch import surrogate
from snntorch._neurons.neurons import SpikingNeuron
from torch import Tensor

from neuromorph.chip import DECAY_LIMIT, DECAY_UNITY, MEMBRANE_LIMIT, THRESHOLD_LIMIT, UNITS
from neuromorph.snn import native
from neuromorph.snn.compiling import run_compiled


def _integrate(mem: Tensor, current: Tensor, beta: float) -> Tensor:
    """One step from ``mem``, in float64 because the decayed product needs 36 bits; ``mem`` is overwritten."""
    return mem.mul_(beta).trunc_().add_(current).clamp_(-MEMBRANE_LIMIT, MEMBRANE_LIMIT)


class _Integrate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, mem: Tensor, current: Tensor, beta: float) -> Tensor:
        ctx.beta = beta
        return _integrate(mem.to(torch.float64, copy=True), current, beta).to(mem.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        return grad * ctx.beta, grad, None


def _forward_steps(
    activation: Tensor, bias: Tensor, theta: Tensor, beta: float, units: float, steps: int
) -> tuple[Tensor, Tensor]:
    mem = torch.zeros_like(activation[0], dtype=torch.float64)
    seen = []
    for t in range(steps):
        current = activation[t % len(activation)] * units + bias
        _integrate(mem, current, beta)
        seen.append(mem.to(torch.float32))
        mem.masked_fill_(mem > theta, 0)
    mem_rec = torch.stack(seen)
    return (mem_rec > theta).to(torch.float32), mem_rec


def _backward_steps(
    mem_rec: Tensor,
    grad_spk: Tensor | None,
    grad_mem: Tensor | None,
    theta: Tensor,
    slope: Tensor,
    beta: float,
    units: float,
    constant: bool,
) -> Tensor:
    """Gradient of the activation [time, ...], or its sum over time [1, ...] where the activation was constant.

    ``grad_spk`` or ``grad_mem`` is None where the loss does not look at spikes, or at membranes.
    """
    grad, total = torch.zeros_like(mem_rec[0]), torch.zeros_like(mem_rec[0])
    grads = []
    for t in range(len(mem_rec) - 1, -1, -1):
        mem = mem_rec[t]
        grad = torch.where(mem > theta, 0.0, grad * beta)
        if grad_mem is not None:
            grad = grad + grad_mem[t]
        if grad_spk is not None:
            grad = grad + grad_spk[t] / (((mem - theta) * slope).square() * theta + theta)
        if constant:
            total = total + grad  # step by step, as in C: another order has other bits
        else:
            grads.append(grad)
    return (total[None] if constant else torch.stack(grads[::-1])) * units


class _Sequence(torch.autograd.Function):
    """All time steps in one node of the graph; in C or, on another device than a CPU, in kernels, if wanted."""

    @staticmethod
    def forward(
        ctx: Any,
        activation: Tensor,
        bias: Tensor,
        theta: Tensor,
        beta: float,
        units: float,
        steps: int,
        fast: bool | None,
    ) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)  # of hidden layers nobody looks at the membranes
        ctx.case, ctx.native = (activation.dim(), len(activation), steps), native.available(activation, steps, fast)
        ctx.compiled = bool(fast) and activation.device.type != "cpu"
        arguments = activation, bias, theta, beta, units, steps
        if ctx.native:
            spk_rec, mem_rec = native.forward(*arguments, MEMBRANE_LIMIT)
        elif ctx.compiled:
            spk_rec, mem_rec = run_compiled(_forward_steps, ctx.case, lambda: _forward_steps(*arguments), *arguments)
        else:
            spk_rec, mem_rec = _forward_steps(*arguments)
        ctx.save_for_backward(mem_rec, theta)
        ctx.settings = beta, units, len(activation) < steps
        return spk_rec, mem_rec

    @staticmethod
    def backward(ctx: Any, grad_spk: Tensor | None, grad_mem: Tensor | None) -> tuple[Tensor | None, ...]:
        mem_rec, theta = ctx.saved_tensors
        grad_spk, grad_mem = (None if g is None else g.contiguous() for g in (grad_spk, grad_mem))
        arguments = mem_rec, grad_spk, grad_mem, theta, math.pi / theta, *ctx.settings
        if ctx.native:
            grad = native.backward(*arguments)
        elif ctx.compiled:
            case = *ctx.case, grad_spk is None, grad_mem is None
            grad = run_compiled(_backward_steps, case, lambda: _backward_steps(*arguments), *arguments)
        else:
            grad = _backward_steps(*arguments)
        return grad, *(None,) * 6


class ChipLeaky(snntorch.Leaky):
    """``snntorch.Leaky`` with hard reset whose decay rounds as the chip does, so that its spikes are the chip's.

    ``dv`` 0..4095 is the decay (0: none), ``vth`` 1..131071 the integer threshold in units of weight; ``bias``, an
    integer in membrane units, enters at every step. Threshold and bias are one number or a tensor of numbers, one a
    neuron. ``weight_exp``: a weight counts 2^weight_exp, which makes the steps of the threshold finer. State is
    explicit: ``forward(current, mem)`` takes and returns tensors of one shape, in membrane units and integer-valued,
    and keeps nothing. Raises ValueError for a value the chip has no register for.
    """

    bias: Tensor

    def __init__(self, dv: int, vth: int | Tensor, bias: int | Tensor = 0, weight_exp: int = 0):
        if not 0 <= dv <= DECAY_LIMIT:
            raise ValueError(f"dv must lie between 0 and {DECAY_LIMIT}, beta = 1 - dv/{DECAY_UNITY}, got {dv}")
        vth, bias = torch.as_tensor(vth), torch.as_tensor(bias)
        if vth.is_floating_point() or not ((vth >= 1) & (vth <= THRESHOLD_LIMIT)).all():
            raise ValueError(f"vth must be an integer between 1 and {THRESHOLD_LIMIT} (17 bits), got {vth.tolist()}")
        if bias.is_floating_point():
            raise ValueError(f"bias must be an integer in membrane units, got {bias.dtype}")
        self.dv, self.vth, self.weight_exp = dv, vth.clone(), weight_exp
        super().__init__(beta=1 - dv / DECAY_UNITY, threshold=(UNITS * vth).float(), reset_mechanism="zero")
        self.register_buffer("bias", bias.float())
        SpikingNeuron.instances.pop()  # snnTorch's list of every neuron ever made would keep this one for ever

    def forward(self, input_: Tensor, mem: Tensor) -> tuple[Tensor, Tensor]:
        spk, mem = super().forward(input_ + self.bias, mem)
        self.mem = mem.new_zeros(0)  # the hidden copy would keep the graph alive
        return spk, mem

    def fire(self, mem: Tensor) -> Tensor:
        return surrogate.atan()((mem - self.threshold) / self.threshold)

    def sequence(self, activation: Tensor, num_steps: int, fast: bool | None = None) -> tuple[Tensor, Tensor]:
        """Spikes and membranes before reset, each [time, batch, neuron], from rest.

        ``activation`` in weights (64 * 2^weight_exp membrane units): [time, batch, neuron], or [1, batch, neuron] for
        the same at each of ``num_steps`` steps; [time or 1, batch, channel, height, width] after a convolution.
        ``fast``: the loop over time compiled, with the same bits on a CPU (``native.py``); None: as soon as that pays.
        """
        theta, bias, units = cast(Tensor, self.threshold), self.bias, float(UNITS * 2**self.weight_exp)
        if activation.dim() == 5:  # convolutions keep channels last: so does everything here, to walk memory in order
            activation, theta, bias = (t.movedim(-3, -1) if t.dim() > 2 else t for t in (activation, theta, bias))
        records = _Sequence.apply(activation, bias, theta, 1 - self.dv / DECAY_UNITY, units, num_steps, fast)
        return records if activation.dim() != 5 else tuple(r.movedim(-1, -3) for r in records)

    def _base_state_function(self, input_: Tensor) -> Tensor:
        return _Integrate.apply(self.mem, input_, 1 - self.dv / DECAY_UNITY)
