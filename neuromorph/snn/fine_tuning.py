"""Fine-tuning of an snnTorch network with the chip's weights and neurons in the forward pass.

w = step clip(round(W / step), +-Q),  Q = 2^(bits - 1) - 1   (one bit: w = step sign(W));   dL/dW = dL/dw

straight-through (Bengio, Leonard & Courville 2013, arXiv:1308.3432); ``step`` is the one with the least mean square of
w - W when the network is converted, and stays. The neuron is ``ChipLeaky`` in membrane units of 64 S = 64 2^k L / step,
L the largest input message in the first layer and 1 elsewhere, so that every current is a whole number of units.
The user's loop, loss and optimiser stay, and nothing is reset: tasks may follow each other without a boundary.
"""

from __future__ import annotations

import copy
import math
from typing import Any, final

import snntorch
import torch
from torch import Tensor, nn
from torch.func import functional_call

from neuromorph.chip import DECAY_UNITY, UNITS
from neuromorph.snn.neuron import ChipLeaky
from neuromorph.snn.weights import Weights, binarize

FINEST = 8  # largest exponent of a weight
LARGEST_THRESHOLD = 2**14  # in units of weight: the membrane holds eight of them
STEPS_TRIED = 200


class _Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return values.round()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad


@final
class Levels(Weights):
    """Weights of ``bits``, whole multiples of ``step``; the gradient goes through."""

    def __init__(self, bits: int, stored: Tensor):
        super().__init__()
        self.bits, self.largest = bits, max(1, 2 ** (bits - 1) - 1)
        whole = stored.detach()
        tried = whole.abs().max() / self.largest * torch.linspace(1 / STEPS_TRIED, 1, STEPS_TRIED)
        if bits == 1:
            tried = whole.abs().mean()[None]
        errors = [(self._multiples(whole / step) * step - whole).square().sum() for step in tried]
        self.step = float(tried[int(torch.stack(errors).argmin())]) or 1.0

    @property
    def packed_bits(self) -> int:
        return self.bits

    def forward(self, stored: Tensor) -> Tensor:
        return self._multiples(stored / self.step) * self.step

    def _multiples(self, values: Tensor) -> Tensor:
        if self.bits == 1:
            return binarize(values)
        whole = _Round.apply(values)
        return whole + (whole.clamp(-self.largest, self.largest) - whole).detach()


@final
class ChipLayer(nn.Module):
    """A Linear or Conv layer of the user's, ``layer``, multiplying by its rounded weights.

    ``messages``: what it is given is rounded to multiples of 1 / messages; 0: not.
    """

    def __init__(self, layer: nn.Module, bits: int, messages: int):
        super().__init__()
        self.layer, self.form, self.messages = layer, Levels(bits, _weight(layer)), messages

    def forward(self, x: Tensor) -> Tensor:
        """As the layer's."""
        shown = _Round.apply(x * self.messages) / self.messages if self.messages else x
        return functional_call(self.layer, {"weight": self.form(_weight(self.layer))}, (shown,))


def _weight(layer: nn.Module) -> Tensor:
    return layer.get_parameter("weight")


@final
class ChipNeuron(nn.Module):
    """``ChipLeaky`` for an ``snntorch.Leaky``: currents and membranes in the user's units, spikes of the chip."""

    def __init__(self, leaky: snntorch.Leaky, unit: float):
        super().__init__()
        self.beta, self.threshold, self.spike_grad = float(leaky.beta), float(leaky.threshold), leaky.spike_grad
        self.unit = unit
        kept = min(max(self.beta, 1 / DECAY_UNITY), 1)
        self.chip = ChipLeaky(round((1 - kept) * DECAY_UNITY), max(1, math.floor(self.threshold * unit / UNITS + 1e-6)))

    def forward(self, current: Tensor, mem: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Spikes and membranes, shaped as ``current``; ``mem`` None: from rest."""
        whole = _Round.apply(current * self.unit)
        before = torch.zeros_like(whole) if mem is None or not mem.numel() else _Round.apply(mem * self.unit)
        spk, mem = self.chip(whole, before)
        return spk, mem / self.unit


def chip_aware(network: nn.Sequential, weight_bits: int, input_bits: int = 0) -> nn.Sequential:
    """A copy of ``network`` to be trained on, in place of it in the same loop: see the module's head.

    ``network``: Linear or Conv layers, each followed by an ``snntorch.Leaky`` with one beta and one threshold, reset
    to zero; other layers without weights (Flatten, AvgPool2d) may stand between them.
    ``weight_bits``: 8, 4, 2, 1... ``input_bits``: of values in [0, 1], which the copy rounds; 0 for spikes. Raises
    ValueError naming the layer that has no place on the chip.
    """
    if not 1 <= weight_bits <= 8 or not 0 <= input_bits <= 16:
        raise ValueError(f"weight_bits must lie in 1..8, input_bits in 0..16, got {weight_bits} and {input_bits}")
    largest, waiting, made = max(1, 2**input_bits - 1), None, []
    for place, one in enumerate(network):
        layer = one if isinstance(one, snntorch.Leaky) else copy.deepcopy(one)  # its last membrane has a graph
        if isinstance(layer, (nn.Linear, nn.Conv1d, nn.Conv2d)):
            layer = waiting = ChipLayer(layer, weight_bits, largest if largest > 1 else 0)
        elif isinstance(layer, snntorch.Leaky):
            layer = _neuron(place, layer, waiting, largest)
            largest, waiting = 1, None
        elif any(True for _ in layer.parameters()):
            raise ValueError(
                f"module {place} is a {type(layer).__name__}: only Linear and Conv layers have weights here"
            )
        made.append(layer)
    return nn.Sequential(*made)


def settled(network: nn.Sequential) -> nn.Sequential:
    """A copy of a ``chip_aware`` network with the rounded weights as plain ones and the user's neurons, to deploy.

    ``lava.deploy(settled(network), ..., weight_bits=...)`` keeps these weights exactly.
    """
    return nn.Sequential(*map(_settled, network))


@torch.no_grad()
def _settled(layer: nn.Module) -> nn.Module:
    if isinstance(layer, ChipNeuron):
        return snntorch.Leaky(
            layer.beta, threshold=layer.threshold, spike_grad=layer.spike_grad, reset_mechanism="zero"
        )
    if not isinstance(layer, ChipLayer):
        return copy.deepcopy(layer)
    made = copy.deepcopy(layer.layer)
    _weight(made).copy_(layer.form(_weight(made)))
    return made


def _neuron(place: int, leaky: snntorch.Leaky, layer: ChipLayer | None, largest: int) -> ChipNeuron:
    name = f"module {place}, a {type(leaky).__name__},"
    if layer is None:
        raise ValueError(f"{name} follows no Linear or Conv layer of its own")
    if type(leaky) is not snntorch.Leaky or leaky.init_hidden or leaky.inhibition:
        raise ValueError(f"{name} is no plain snntorch.Leaky whose state the loop keeps (init_hidden=False)")
    if leaky.reset_mechanism != "zero":
        raise ValueError(f"{name} resets by {leaky.reset_mechanism!r}: the chip resets to zero; train with that")
    if leaky.beta.numel() != 1 or leaky.threshold.numel() != 1 or not leaky.threshold > 0:
        raise ValueError(f"{name} has no single beta and no single positive threshold")
    one = largest / layer.form.step
    k = math.floor(math.log2(LARGEST_THRESHOLD / (one * float(leaky.threshold))))
    return ChipNeuron(leaky, UNITS * one * 2.0 ** min(max(k, 0), FINEST))
