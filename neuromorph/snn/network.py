"""A norm-free binarized spiking network that computes in the chip's integers while it trains.

current = 64 W_b s,   vth = round(scale * sqrt(fan_in) / gain)

which is current = W_b s * gain / sqrt(fan_in) with threshold 1, multiplied by its threshold: the scalar gain of a layer
is folded into an integer threshold, so training, the integer reference and the chip see the same numbers. ``scale`` is
the largest input message (2^bits - 1) in the first layer and 1 elsewhere. Neuron: see ``neuron.py``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from neuromorph.snn.layers import BinaryLinear
from neuromorph.snn.neuron import DECAY_UNITY, MEMBRANE_LIMIT, UNITS, ChipLeaky


@dataclass(frozen=True)
class NetworkConfig:
    """Every choice of a ``SpikingBNN``.

    sizes: features, hidden layers, classes. num_steps: steps per sample. beta: decay per step, rounded to the chip's
    grid of 1/4096. gains: one per layer; () means 2 for the first and the last, else 1. input_bits: n >= 1 shows the
    pixels, rounded to 0..2^n - 1, at every step (graded spikes; n = 1 are binary spikes); 0 takes a binary raster
    [time, batch, feature] as it is. init: half width of the initial hidden weights. Raises ValueError for what the
    chip cannot hold.
    """

    sizes: tuple[int, ...]
    num_steps: int = 8
    beta: float = 0.9
    gains: tuple[float, ...] = ()
    input_bits: int = 4
    init: float = 0.05

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", tuple(int(n) for n in self.sizes))
        if len(self.sizes) < 2 or min(self.sizes) < 1:
            raise ValueError(f"sizes must list at least inputs and classes, all positive, got {self.sizes}")
        layers = len(self.sizes) - 1
        default = tuple(2.0 if k in (0, layers - 1) else 1.0 for k in range(layers))
        gains = tuple(float(g) for g in self.gains) or default
        object.__setattr__(self, "gains", gains)
        if len(gains) != layers or not min(gains) > 0:
            raise ValueError(f"gains must be one positive number for each of {layers} layers, got {gains}")
        if self.num_steps < 1:
            raise ValueError(f"num_steps must be at least 1, got {self.num_steps}")
        if not 1 / DECAY_UNITY <= self.beta <= 1:
            raise ValueError(f"beta must lie between 1/4096 and 1, got {self.beta}")
        if not 0 <= self.input_bits <= 16:
            raise ValueError(f"input_bits must lie between 0 and 16, got {self.input_bits}")
        for layer, (fan_in, message) in enumerate(zip(self.sizes[:-1], self.messages, strict=True), 1):
            if UNITS * fan_in * message > MEMBRANE_LIMIT:
                raise ValueError(
                    f"layer {layer}: 64 * {fan_in} inputs * largest message {message} exceeds the chip's current, "
                    f"{MEMBRANE_LIMIT}; use fewer input_bits or a smaller layer"
                )

    @property
    def messages(self) -> tuple[int, ...]:
        """Largest value that one input of each layer can send in one step."""
        return (max(1, 2**self.input_bits - 1),) + (1,) * (len(self.sizes) - 2)

    @property
    def dv(self) -> int:
        """The 12-bit decay of the chip."""
        return round((1 - self.beta) * DECAY_UNITY)

    @property
    def thresholds(self) -> tuple[int, ...]:
        """Integer threshold of each layer, in units of weight."""
        pairs = zip(self.messages, self.sizes, self.gains, strict=False)
        return tuple(max(1, round(scale * math.sqrt(fan_in) / gain)) for scale, fan_in, gain in pairs)


class SpikingBNN(nn.Module):
    """Binarized spiking multi-layer perceptron without normalisation or bias.

    ``SpikingBNN(sizes, num_steps=8, beta=0.9, ...)`` takes the fields of ``NetworkConfig``, kept in ``config``;
    ``generator`` draws the initial hidden weights. ``layers`` are ``BinaryLinear``, ``neurons`` are ``ChipLeaky``.
    """

    def __init__(self, sizes: Sequence[int], *, generator: torch.Generator | None = None, **options: object):
        super().__init__()
        self.config = config = NetworkConfig(tuple(sizes), **options)  # type: ignore[arg-type]
        layers = [BinaryLinear(a, b, init=config.init) for a, b in zip(config.sizes, config.sizes[1:], strict=False)]
        self.layers = nn.ModuleList(layers)
        self.neurons = nn.ModuleList(ChipLeaky(config.dv, vth) for vth in config.thresholds)
        for layer in layers:
            layer.reset_parameters(generator)

    def encode(self, x: Tensor) -> Tensor:
        """Input as the integers that the network and the chip receive, float-typed.

        x [batch, feature] in [0, 1] gives [batch, feature]; with ``input_bits=0`` a raster of 0 and 1
        [time, batch, feature] is returned as it is. Raises ValueError for another shape or range, or NaN.
        """
        raster = self.config.input_bits == 0
        expected = (self.config.num_steps, "batch", self.config.sizes[0]) if raster else ("batch", self.config.sizes[0])
        if x.dim() != len(expected) or any(
            isinstance(n, int) and n != m for n, m in zip(expected, x.shape, strict=True)
        ):
            raise ValueError(
                f"x must have shape {expected} for input_bits={self.config.input_bits}, got {tuple(x.shape)}"
            )
        if x.numel() and not (x.min() >= 0 and x.max() <= 1):
            raise ValueError(f"x must lie in [0, 1] without NaN, got {x.min().item():g} to {x.max().item():g}")
        x = x.float()
        if raster:
            if not ((x == 0) | (x == 1)).all():
                raise ValueError("a spike raster may hold only 0 and 1")
            return x
        return (x * self.config.messages[0]).round()

    def record(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        """(spikes, membranes) of each layer, [time, batch, neuron]; membranes before reset, 1/64 of a weight each."""
        spikes = self.encode(x)
        records = []
        for layer, neuron in zip(self.layers, self.neurons, strict=True):
            # One product per layer: all steps at once, or a single one where the input is constant over time.
            current = UNITS * layer(spikes)
            if current.dim() == 2:
                current = current.expand(self.config.num_steps, *current.shape)
            spikes, membranes = cast(ChipLeaky, neuron).sequence(current)
            records.append((spikes, membranes))
        return records

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Output spikes (0 or 1) and membranes, each [time, batch, class]; x as ``encode`` takes it."""
        return self.record(x)[-1]

    def readout(self, spk_rec: Tensor, mem_rec: Tensor) -> Tensor:
        """Class scores [batch, class] of what ``forward`` returns: spike count plus time-mean membrane over threshold.

        The membrane tells apart equal counts and carries a gradient where an output neuron is silent.
        """
        return spk_rec.sum(0) + mem_rec.mean(0) / cast(Tensor, self.neurons[-1].threshold)
