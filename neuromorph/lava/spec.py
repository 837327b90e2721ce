"""The integer network: everything that a chip needs to run a binarized spiking network, as plain data.

W in {-1, +1}, stored as 2 W with ``weight_exp``:   a = (2 W s) * 2^weight_exp,   u = 64 a   (see ``reference.py``)

A layer is a full matrix (Lava's ``Dense``) or a convolution (Lava's ``Conv``, see ``convolution.py``). Mixed-sign 8-bit
weights lose their lowest bit on the chip (+1 would become 0 and -1 would become -2), hence the factor 2. Widths: Lava
0.10.0, ``PyLifModelBitAcc`` and ``PyDenseModelBitAcc`` (thresholds 17 bits, decay 12, bias 13 with sign and an exponent
of 3, current and membrane 24 with sign); the simulator does not enforce them, this module does. Connections carry no
delay beyond the chip's own step, so the six bits of a delay are not used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromorph.lava.convolution import output_shape, unrolled
from neuromorph.protocols import spike_steps

CURRENT_LIMIT = 2**23 - 1
THRESHOLD_LIMITS = (0, 2**17 - 1)
DECAY_LIMITS = (0, 2**12 - 1)
BIAS_MANTISSA_LIMITS = (-(2**12), 2**12 - 1)
BIAS_EXPONENT_LIMITS = (0, 7)
CONVOLUTION_EXPONENT_LIMIT = 5
WEIGHT_EXPONENT_LIMITS = (-8, 7)
MESSAGE_BITS_LIMIT = 24
ENCODINGS = ("current", "rate", "latency", "raster")


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
            _check_layer(f"layer {number}", layer, self.largest_message if number == 1 else 1)
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
        largest = last.fan_in * message * 2.0 ** (last.weight_exp + 1) + np.abs(last.bias).max() / 64
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


def _check_layer(name: str, layer: LayerSpec, largest_message: int) -> None:
    weights = layer.weights
    if weights.ndim != (4 if layer.image else 2) or weights.dtype != np.int8:
        kind = "array [out, in, rows, columns]" if layer.image else "matrix [out, in]"
        raise ValueError(f"{name}: weights must be an int8 {kind}, got {weights.dtype} {weights.shape}")
    flat = weights.reshape(len(weights), -1)
    _check_each(f"{name}: weights", np.isin(flat, (-1, 1)).all(1), flat, "must be -1 or +1")
    if layer.image:
        _check_convolution(name, layer)
    limits = {
        "threshold": THRESHOLD_LIMITS,
        "dv": DECAY_LIMITS,
        "weight_exp": WEIGHT_EXPONENT_LIMITS,
        "bias_mant": BIAS_MANTISSA_LIMITS,
        "bias_exp": BIAS_EXPONENT_LIMITS,
    }
    for field, (low, high) in limits.items():
        values = np.asarray(getattr(layer, field))
        shapes = [(), (len(weights),)] if field in ("threshold", "bias_mant") else [()]
        if values.shape not in shapes:
            raise ValueError(f"{name}: {field} has shape {values.shape}, allowed: {' or '.join(map(str, shapes))}")
        fits = (values == np.floor(values)) & (low <= values) & (values <= high)
        _check_each(f"{name}: {field}", fits, values, f"must be an integer from {low} to {high}")
    largest_current = 64 * layer.fan_in * largest_message * 2.0 ** (layer.weight_exp + 1)
    if largest_current > CURRENT_LIMIT:
        raise ValueError(
            f"{name}: {layer.fan_in} inputs of up to {largest_message} can drive the current u to "
            f"{largest_current:.0f}, which wraps beyond {CURRENT_LIMIT}; use fewer input bits, a smaller weight_exp or "
            "a smaller layer"
        )


def _check_convolution(name: str, layer: LayerSpec) -> None:
    if len(layer.image) != 3 or layer.image[0] != layer.weights.shape[1]:
        raise ValueError(
            f"{name}: weights of shape {layer.weights.shape} take an image of ({layer.weights.shape[1]}, rows, "
            f"columns), got {layer.image}"
        )
    kernel = layer.weights.shape[2:]
    if layer.stride < 1 or not 0 <= layer.padding < min(kernel) or min(layer.shape) < 1:
        raise ValueError(
            f"{name}: a kernel of {kernel} does not fit an image of {layer.image} with stride {layer.stride} and "
            f"padding {layer.padding} (stride at least 1, padding below the kernel)"
        )
    if not -1 <= layer.weight_exp <= CONVOLUTION_EXPONENT_LIMIT:
        raise ValueError(
            f"{name}: a convolution needs a weight_exp from -1 to {CONVOLUTION_EXPONENT_LIMIT}, got "
            f"{layer.weight_exp}: Lava's Conv has none, so that it goes into the 8-bit weights"
        )


def _check_each(name: str, fits: Any, values: NDArray[Any], rule: str) -> None:
    """Raise ValueError for the first neuron (from 1) whose ``fits`` is False, or for the one value of all."""
    if np.all(fits):
        return
    if np.ndim(fits) == 0:
        raise ValueError(f"{name} {rule}, got {values}")
    first = int(np.argmin(fits))
    wrong = values[first] if values.ndim == 1 else values[first][~np.isin(values[first], (-1, 1))][0]
    raise ValueError(f"{name} {rule}, got {wrong} in neuron {first + 1}")


def bias_words(name: str, units: ArrayLike) -> tuple[NDArray[np.int32], int]:
    """Mantissa and exponent of a bias in 1/64 weight, with the least exponent that is exact; ValueError if none is."""
    units = np.asarray(units, np.float64)
    low, high = BIAS_MANTISSA_LIMITS
    for shift in range(BIAS_EXPONENT_LIMITS[1] + 1):
        mantissa = units / 2**shift
        if np.all((mantissa == np.rint(mantissa)) & (low <= mantissa) & (mantissa <= high)):
            return mantissa.astype(np.int32), shift
    raise ValueError(
        f"{name}: the chip holds a bias as 13 bits with an exponent of 3, in 1/64 weight; got {units.flat[:5]}/64"
    )


def integer_network(network: Any) -> NetworkSpec:
    """The integer network that computes the same spikes as ``network``, a ``neuromorph.snn.SpikingBNN``.

    Raises ValueError for a batch norm that is not folded, and naming the layer and the limit that do not fit.
    """
    config, image, layers = network.config, network.config.image, []
    if config.norm != "none":
        raise ValueError(f"the chip has no layer for norm={config.norm!r}: train without, or deploy network.folded()")
    for number, (layer, neuron) in enumerate(zip(network.layers, network.neurons, strict=True), 1):
        hidden = layer.weight.detach().cpu().numpy()
        mantissa, shift = bias_words(f"layer {number}", _one_or_each(neuron.bias))
        convolution = {}
        if hidden.ndim == 4:
            convolution = {"image": image, "stride": layer.stride[0], "padding": layer.padding[0]}
        layers.append(
            LayerSpec(
                np.where(hidden >= 0, 1, -1).astype(np.int8),
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
