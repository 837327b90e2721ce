"""One layer of the integer network: some synapses and the neurons that they reach, in the chip's integers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromorph.chip import NO_CURRENT_MEMORY
from neuromorph.lava.connection import INPUT, Synapses
from neuromorph.lava.convolution import Pair

RESETS = ("zero", "subtract", "subtract now", "hold", "none")  # the first is the chip's own


@dataclass(frozen=True, eq=False)
class LayerSpec:
    """Synapses and the neurons they reach, in the chip's integers.

    weights, weight_exp, image, stride, padding: as in ``Synapses``, of the layer's first connection, which comes from
    ``source``, or the layer before where that is None; ``more``: further connections onto the same neurons. threshold:
    in units of weight. dv, du: 12-bit decays, beta = 1 - dv/4096 of the membrane, alpha = 1 - (du + 1)/4096 of the
    current (4095: none is kept). bias_mant, bias_exp: ``bias_mant << bias_exp`` enters the membrane at every step, in
    units of 1/64 weight. Threshold, decays and mantissa are one number for all neurons, [out] (of a convolution one a
    channel), or [neuron]. reset: "zero", the chip's own, or one that stock Lava lacks (see ``reference.py``).
    """

    weights: NDArray[np.int8]
    threshold: int | NDArray[np.int32]
    dv: int | NDArray[np.int32]
    weight_exp: int = -1
    bias_mant: int | NDArray[np.int32] = 0
    bias_exp: int = 0
    image: tuple[int, ...] = ()
    stride: Pair = 1
    padding: Pair = 0
    du: int | NDArray[np.int32] = NO_CURRENT_MEMORY
    reset: str = "zero"
    source: int | None = None
    more: tuple[Synapses, ...] = ()

    @cached_property
    def first(self) -> Synapses:
        """The layer's first connection; its ``source`` says INPUT where the layer leaves it open."""
        source = INPUT if self.source is None else self.source
        return Synapses(self.weights, self.weight_exp, self.image, self.stride, self.padding, source)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the neurons: (out,), or (channels, rows, columns) of a convolution."""
        return self.first.shape

    @property
    def neurons(self) -> int:
        """Number of neurons, a convolution's channel after channel."""
        return self.first.neurons

    @property
    def inputs(self) -> int:
        """Number of inputs of the first connection, those of an image channel after channel."""
        return self.first.inputs

    @property
    def fan_in(self) -> int:
        """First connection's synapses of one neuron; at the edges of a padded image it has fewer."""
        return self.first.fan_in

    @property
    def matrix(self) -> Any:
        """The first connection's ``Synapses.matrix``."""
        return self.first.matrix

    @property
    def stored_weights(self) -> NDArray[np.int32]:
        """The first connection's weights as they are handed to the chip, 2 W."""
        return self.first.stored_weights

    @property
    def bias(self) -> NDArray[np.int64]:
        """What enters the membrane at every step, in units of 1/64 weight; shaped as ``bias_mant``."""
        return np.asarray(self.bias_mant, np.int64) << self.bias_exp

    def each(self, values: ArrayLike) -> NDArray[Any]:
        """``values`` [], [out] or [neuron] of all neurons, [neuron]."""
        values = np.asarray(values)
        if values.shape == (self.neurons,):
            return values
        return np.repeat(np.broadcast_to(values, len(self.weights)), self.neurons // len(self.weights))
