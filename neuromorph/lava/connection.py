"""The synapses between two populations, as plain data: W in the chip's 8 bits and where the spikes come from.

a = (2 W s) * 2^weight_exp   (see ``reference.py``): mixed-sign 8-bit weights lose their lowest bit on the chip (+1
would become 0 and -1 would become -2), hence the factor 2, so that W takes -128 to 127.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.lava.convolution import Pair, output_shape, unrolled

INPUT = 0  # source: the input of the network; k is layer k
ALWAYS = -1  # source: one axon that spikes at every step, for a bias that enters the current


@dataclass(frozen=True, eq=False)
class Synapses:
    """weights: int8 [out, in], or [out channel, in channel, rows, columns] of a convolution over ``image``.

    ``image``: (channels, rows, columns), with ``stride`` and zeros of width ``padding`` around it, a number or one each
    for rows and columns. ``source``: ``INPUT``, ``ALWAYS``, or the number of a layer (from 1); of the layer itself for
    a recurrent connection, whose spikes arrive one step later.
    """

    weights: NDArray[np.int8]
    weight_exp: int = -1
    image: tuple[int, ...] = ()
    stride: Pair = 1
    padding: Pair = 0
    source: int = INPUT

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the neurons: (out,), or (channels, rows, columns) of a convolution."""
        if not self.image:
            return (len(self.weights),)
        return output_shape(self.weights, self.image, self.stride, self.padding)

    @property
    def neurons(self) -> int:
        """Number of neurons, a convolution's channel after channel."""
        return math.prod(self.shape)

    @property
    def inputs(self) -> int:
        """Number of inputs, those of an image channel after channel."""
        return math.prod(self.image or self.weights.shape[1:])

    @property
    def fan_in(self) -> int:
        """Synapses of one neuron; at the edges of a padded image it has fewer."""
        return math.prod(self.weights.shape[1:])

    @cached_property
    def matrix(self) -> Any:
        """All synapses, int8 [neuron, input]: the weights, or a ``scipy.sparse.csr_matrix`` of a convolution."""
        return unrolled(self.weights, self.image, self.stride, self.padding) if self.image else self.weights

    @property
    def stored_weights(self) -> NDArray[np.int32]:
        """The weights as they are handed to the chip, 2 W."""
        return 2 * self.weights.astype(np.int32)

    @property
    def largest_activation(self) -> float:
        """What binary spikes can drive a neuron to at most, up or down, in units of activation."""
        flat = self.weights.reshape(len(self.weights), -1).astype(np.int64)
        one_sided = max(np.maximum(flat, 0).sum(1).max(initial=0), np.maximum(-flat, 0).sum(1).max(initial=0))
        return float(one_sided * 2.0 ** (self.weight_exp + 1))
