"""The integer network: everything that a chip needs to run a spiking network, as plain data.

A network is a row of layers, each some synapses onto a population of neurons. The first synapses of a layer come from
the layer before, unless it says otherwise; ``more`` holds those that skip layers, come back to the layer itself, or
carry a bias into the current. A connection is a full matrix (Lava's ``Dense``) or a convolution (Lava's ``Conv``); see
``connection.py``, and for the recurrences ``reference.py``. The chip's widths, which the simulator does not enforce,
are checked here (``limits.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromorph.chip import NO_CURRENT_MEMORY, UNITS
from neuromorph.lava.connection import ALWAYS, INPUT, Synapses
from neuromorph.lava.layer import RESETS as RESETS
from neuromorph.lava.layer import LayerSpec as LayerSpec
from neuromorph.lava.limits import MESSAGE_BITS_LIMIT, THRESHOLD_LIMITS, bias_words, check_layer
from neuromorph.local_rule.codes import ENCODINGS, spike_steps


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
            messages = [self.largest_message if one.source == INPUT else 1 for one in self.synapses(number)]
            check_layer(f"layer {number}", layer, messages)
            self._check_sources(number, layer)
            if layer.reset not in RESETS:
                raise ValueError(f"layer {number}: unknown reset {layer.reset!r}; known: {', '.join(RESETS)}")

        if self.recurrent and any(np.any(layer.bias) for layer in self.layers):
            raise ValueError(
                "in a recurrent network a bias enters by a connection from ALWAYS: the chip's own would send spikes "
                "round before the first sample"
            )

    def _check_sources(self, number: int, layer: LayerSpec) -> None:
        for one in self.synapses(number):
            if not ALWAYS <= one.source <= number:
                raise ValueError(
                    f"layer {number} takes spikes of layer {one.source}, which comes later: only a connection of a "
                    "layer to itself keeps its delay of one step on the chip; put both populations into one layer"
                )
            if one.source == INPUT and one.inputs != self.layers[0].inputs:
                raise ValueError(
                    f"layer {number} takes {one.inputs} inputs but the network has {self.layers[0].inputs}"
                )
            if one.source > INPUT:
                before = self.layers[one.source - 1]
                if before.neurons != one.inputs:
                    raise ValueError(
                        f"layer {number} takes {one.inputs} inputs but layer {one.source} has {before.neurons} neurons"
                    )
                if before.image and one.image and before.shape != one.image:
                    raise ValueError(
                        f"layer {number} takes images of {one.image} but layer {one.source} gives {before.shape}"
                    )
            if one.neurons != layer.neurons:
                raise ValueError(
                    f"layer {number} has {layer.neurons} neurons, a further connection reaches {one.neurons}"
                )
        if number == 1 and self.synapses(1)[0].source != INPUT:
            raise ValueError("layer 1: the first connection comes from the input")

    def synapses(self, number: int) -> tuple[Synapses, ...]:
        """All connections onto layer ``number`` (from 1), each with its source."""
        return self._synapses[number - 1]

    @cached_property
    def _synapses(self) -> tuple[tuple[Synapses, ...], ...]:
        firsts = [
            layer.first if layer.source is not None else replace(layer.first, source=place)
            for place, layer in enumerate(self.layers)
        ]
        return tuple((first, *layer.more) for first, layer in zip(firsts, self.layers, strict=True))

    @property
    def connections(self) -> list[tuple[int, Synapses]]:
        """Every connection with the layer (from 1) that it reaches."""
        return [(number, one) for number, each in enumerate(self._synapses, 1) for one in each]

    @cached_property
    def depths(self) -> tuple[int, ...]:
        """Steps from the input to each source: 0 for the input, then layer by layer; the chip's one step a connection.

        A connection that skips layers waits ``depths[target] - depths[source] - 1`` steps more.
        """
        depths = [0]
        for number in range(1, len(self.layers) + 1):
            sources = [one.source for one in self.synapses(number) if one.source not in (ALWAYS, number)]
            depths.append(1 + max(depths[source] for source in sources))
        return tuple(depths)

    @property
    def recurrent(self) -> bool:
        """Whether a layer sends spikes to itself, so that a sample's last spikes would reach the next sample."""
        return any(one.source == number for number, one in self.connections)

    @property
    def stock(self) -> bool:
        """Whether Lava's own processes run all of it; a reset other than to zero needs a process of this project."""
        return all(layer.reset == "zero" for layer in self.layers)

    @property
    def weight_bits(self) -> int:
        """Bits of a sign-mixed weight on the chip that hold every weight, 2 at least."""
        most = max(int(np.abs(one.weights).max(initial=0)) for _, one in self.connections)
        return next(bits for bits in (2, 3, 4, 5, 6, 8) if bits > most.bit_length())

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
        if np.all(np.asarray(self.layers[-1].threshold) == THRESHOLD_LIMITS[1]):
            return self  # it does so already, with the leak that it was given
        last = replace(self.layers[-1], threshold=THRESHOLD_LIMITS[1], dv=0)
        if np.any(np.asarray(last.du) != NO_CURRENT_MEMORY) or not self.stock:
            raise ValueError("the outputs' currents have a memory or their reset is not the chip's: read their spikes")
        largest = np.abs(last.bias).max() / UNITS
        for one in self.synapses(len(self.layers)):
            largest += one.largest_activation * (self.largest_message if one.source == INPUT else 1)
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
