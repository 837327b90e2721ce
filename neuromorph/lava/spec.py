"""The integer network: everything that a chip needs to run a binarized spiking network, as plain data.

W in {-1, +1}, stored as 2 W with ``weight_exp``:   a = (2 W s) * 2^weight_exp,   u = 64 a   (see ``reference.py``)

A layer is a full matrix (Lava's ``Dense``) or a convolution (Lava's ``Conv``, see ``convolution.py``). Mixed-sign 8-bit
weights lose their lowest bit on the chip (+1 would become 0 and -1 would become -2), hence the factor 2. The chip's
widths, which the simulator does not enforce, are checked here (``limits.py``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromorph.chip import UNITS
from neuromorph.lava.convolution import output_shape, unrolled
from neuromorph.lava.limits import MESSAGE_BITS_LIMIT, THRESHOLD_LIMITS, bias_words, check_layer
from neuromorph.local_rule.codes import ENCODINGS, spike_steps


@dataclass(frozen=True, eq=False)
class LayerSpec:
    """One connection and its neurons, in the chip's integers.

    weights: int8 of -1 and +1, [out, in], or [out channel, in channel, rows, columns] of a convolution over ``image``
    (channels, rows, columns) with ``stride`` and zeros of width ``padding`` around it. threshold: in units of weight,
    one for all neurons or [out]. dv: 12-bit decay, beta = 1 - dv/4096. bias_mant, bias_exp: ``bias_mant << bias_exp``
    enters the membrane at every step, in units of 1/64 weight; the mantissa is one number or [out].
    """

    weights: NDArray[np.int8]
    threshold: int | NDArray[np.int32]
    dv: int
    weight_exp: int = -1
    bias_mant: int | NDArray[np.int32] = 0
    bias_exp: int = 0
    image: tuple[int, ...] = ()
    stride: int = 1
    padding: int = 0

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
    def bias(self) -> NDArray[np.int64]:
        """What enters the membrane at every step, [] or [out], in units of 1/64 weight."""
        return np.asarray(self.bias_mant, np.int64) << self.bias_exp

    def each(self, values: ArrayLike) -> NDArray[Any]:
        """``values`` [] or [out] of all neurons, [neuron]."""
        return np.repeat(np.broadcast_to(values, len(self.weights)), self.neurons // len(self.weights))


@dataclass(frozen=True, eq=False)
class NetworkSpec:
    """A checked integer network. ``num_steps``, ``input_bits`` and ``encoding`` as in ``snn.NetworkConfig``.

    ``encoding`` may be left open: "current" where there are input bits, else "raster". Raises ValueError naming the
    layer (from 1) and the limit of the chip that it breaks.
    """

    layers: tuple[LayerSpec, ...]
    num_steps: int
    input_bits: int
    encoding: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoding", self.encoding or ("current" if self.input_bits else "raster"))
        if not self.layers:
            raise ValueError("an integer network needs at least one layer, got none")
        if self.num_steps < 1:
            raise ValueError(f"num_steps must be at least 1, got {self.num_steps}")
        if not 0 <= self.input_bits <= MESSAGE_BITS_LIMIT:
            raise ValueError(f"graded spikes carry 0 to {MESSAGE_BITS_LIMIT} bits, got input_bits={self.input_bits}")
        if self.encoding not in ENCODINGS or (self.encoding == "current") != (self.input_bits > 0):
            raise ValueError(
                f"encoding is current with input bits, or one of {', '.join(ENCODINGS[1:])} without, got "
                f"{self.encoding!r} with {self.input_bits} bits"
            )
        for number, layer in enumerate(self.layers, 1):
            check_layer(f"layer {number}", layer, self.largest_message if number == 1 else 1)
        for number, (one, two) in enumerate(zip(self.layers, self.layers[1:], strict=False), 2):
            if one.neurons != two.inputs:
                raise ValueError(
                    f"layer {number} takes {two.inputs} inputs but layer {number - 1} has {one.neurons} neurons"
                )
            if one.image and two.image and one.shape != two.image:
                raise ValueError(f"layer {number} takes images of {two.image} but layer {number - 1} gives {one.shape}")

    @property
    def largest_message(self) -> int:
        """Largest integer that one input sends in one step."""
        return max(1, 2**self.input_bits - 1)

    @property
    def message_bits(self) -> int:
        """``num_message_bits`` of the first Dense: 0 for binary spikes (both chips), else graded spikes (Loihi 2)."""
        return self.input_bits if self.input_bits > 1 else 0

    @property
    def hold(self) -> int:
        """Steps for which one row of input stays the same: all of them, unless the input is spikes."""
        return self.num_steps if self.encoding == "current" else 1

    @property
    def sizes(self) -> tuple[int, ...]:
        """Inputs, neurons of each hidden layer, classes."""
        return (self.layers[0].inputs, *(layer.neurons for layer in self.layers))

    @property
    def title(self) -> str:
        """The sizes in words, such as 784-8x14x14-10."""
        shapes = [self.layers[0].image or (self.sizes[0],), *(layer.shape for layer in self.layers)]
        return "-".join("x".join(map(str, shape)) for shape in shapes)

    @property
    def integrating(self) -> NetworkSpec:
        """The same network whose output neurons add up what they receive: no leak, and a threshold out of reach.

        Raises ValueError where it is not, that is where ``num_steps`` times the largest current exceeds it.
        """
        last = replace(self.layers[-1], threshold=THRESHOLD_LIMITS[1], dv=0)
        message = self.largest_message if len(self.layers) == 1 else 1
        largest = last.fan_in * message * 2.0 ** (last.weight_exp + 1) + np.abs(last.bias).max() / UNITS
        if self.num_steps * largest > THRESHOLD_LIMITS[1]:
            raise ValueError(
                f"{self.num_steps} steps of up to {largest:g} exceed the largest threshold, {THRESHOLD_LIMITS[1]}: the "
                "output neurons cannot add them up without a spike"
            )
        return replace(self, layers=(*self.layers[:-1], last))

    def encode(self, x: ArrayLike) -> NDArray[np.int32]:
        """Input messages [batch, time, feature], read-only, the integers of training.

        x [batch, feature] in [0, 1], or with the encoding "raster" binary spikes [time, batch, feature]. Raises
        ValueError for another shape or range, or NaN.
        """
        values = np.asarray(x, dtype=np.float32)
        raster, features = self.encoding == "raster", self.sizes[0]
        if values.ndim != 2 + raster or values.shape[-1] != features or (raster and len(values) != self.num_steps):
            expected = f"[{self.num_steps} steps, batch, {features}]" if raster else f"[batch, {features}]"
            raise ValueError(f"x must have shape {expected} for encoding={self.encoding!r}, got {list(values.shape)}")
        if values.size and not (values.min() >= 0 and values.max() <= 1):
            raise ValueError(f"x must lie in [0, 1] without NaN, got {values.min():g} to {values.max():g}")
        if raster:
            if not np.isin(values, (0, 1)).all():
                raise ValueError("a spike raster may hold only 0 and 1")
            return values.astype(np.int32).swapaxes(0, 1)
        if self.encoding != "current":
            return np.stack(spike_steps(values, self.num_steps, self.encoding), 1).astype(np.int32)
        messages = np.rint(values * np.float32(self.largest_message)).astype(np.int32)
        return np.broadcast_to(messages[:, None], (len(messages), self.num_steps, features))


def integer_network(network: Any) -> NetworkSpec:
    """The integer network that computes the same spikes as ``network``, a ``neuromorph.snn.SpikingBNN``.

    Raises ValueError for a batch norm that is not folded, and naming the layer and the limit that do not fit.
    """
    config, image, layers = network.config, network.config.image, []
    if config.norm != "none":
        raise ValueError(f"the chip has no layer for norm={config.norm!r}: train without, or deploy network.folded()")
    for number, (layer, neuron) in enumerate(zip(network.layers, network.neurons, strict=True), 1):
        if not layer.form.signs:
            raise ValueError(
                f"layer {number} multiplies {type(layer.form).__name__}; the integer network holds weights of -1 and +1"
            )
        signs = layer.multiplied().detach().cpu().numpy()
        mantissa, shift = bias_words(f"layer {number}", _one_or_each(neuron.bias))
        convolution = {}
        if signs.ndim == 4:
            convolution = {"image": image, "stride": layer.stride[0], "padding": layer.padding[0]}
        layers.append(
            LayerSpec(
                signs.astype(np.int8),
                _one_or_each(neuron.vth),
                neuron.dv,
                weight_exp=neuron.weight_exp - 1,
                bias_mant=mantissa,
                bias_exp=shift,
                **convolution,
            )
        )
        image = layers[-1].shape
    return NetworkSpec(tuple(layers), config.num_steps, config.input_bits, config.encoding)


def _one_or_each(values: Any) -> Any:
    """A tensor of integers as a number, or as an array with one entry for each output."""
    return int(values) if values.dim() == 0 else values.cpu().numpy().ravel().astype(np.int64)
