"""A population and its connections at a given scale, in the chip's integers; the equations are in ``quantise.py``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.chip import BIAS_EXPONENT_LIMIT, BIAS_MANTISSA_LIMIT, DECAY_LIMIT, DECAY_UNITY, UNITS
from neuromorph.importers.graph import Neurons
from neuromorph.importers.maps import Form
from neuromorph.lava.connection import ALWAYS, Synapses
from neuromorph.lava.limits import THRESHOLD_LIMITS
from neuromorph.lava.spec import LayerSpec

EXPONENTS = range(8, -8, -1)


@dataclass(frozen=True)
class Choice:
    """``weight_bits``: 16 (two synapses), 8, 4, 2 or 1. ``scales``: "layer", "channel" or "best" of both."""

    weight_bits: int = 8
    scales: str = "best"

    def __post_init__(self) -> None:
        if self.weight_bits not in (1, 2, 3, 4, 5, 6, 8, 16):
            raise ValueError(f"weights take 1, 2, 3, 4, 5, 6, 8 or 16 bits, got weight_bits={self.weight_bits}")
        if self.scales not in ("layer", "channel", "best"):
            raise ValueError(f"scales must be layer, channel or best, got {self.scales!r}")

    @property
    def largest(self) -> int:
        """Q; 1 for one bit, whose weights are the signs."""
        return max(1, 2 ** (min(self.weight_bits, 8) - 1) - 1)


@dataclass(frozen=True, eq=False)
class Part:
    """A population and the forms of its connections, the first from another source; ``sources`` as numbers."""

    neurons: Neurons
    forms: list[Form]
    sources: list[int]
    looped: bool  # whether the network is recurrent, so that no bias may run before the first sample
    choice: Choice

    @property
    def current_bias(self) -> NDArray[np.float64]:
        """What the layers' biases add to the current at every step, [neuron]."""
        return np.sum([form.bias for form in self.forms], axis=0)

    def each(self, values: Any) -> NDArray[np.float64]:
        """A parameter of the neurons, [neuron]."""
        return np.broadcast_to(np.asarray(values, np.float64), self.neurons.shape).ravel()

    def outputs(self) -> int:
        """Channels or neurons that may have a scale of their own."""
        return len(self.forms[0].weights)


def layer_of(part: Part, scale: NDArray[np.float64], k: int, exact: bool) -> LayerSpec:
    """The population with its connections in integers. Raises ValueError where a limit is exceeded."""
    neurons, forms = part.neurons, part.forms
    synapses: list[Synapses] = []
    for place, (form, source) in enumerate(zip(forms, part.sources, strict=True)):
        synapses += _synapses(form, source, scale, part.choice, None if place else k)
    each = np.repeat(scale, neurons.size // len(scale))
    bias, always = part.each(neurons.bias).copy(), np.zeros(neurons.size)
    if part.looped or neurons.alpha.any():
        always = part.current_bias
        if part.looped and bias.any():
            if neurons.alpha.any():
                raise ValueError(
                    "a leak potential beside a current that remembers, in a recurrent network, has no place"
                )
            always, bias = always + bias, np.zeros(neurons.size)
    else:
        bias = bias + part.current_bias
    more = synapses[1:]
    if always.any():
        column = Form(always[:, None], np.zeros(neurons.size), neurons.shape)
        more += _synapses(column, ALWAYS, each, Choice(16))
    mantissa, shift = _bias(bias * each * UNITS)
    theta = part.each(neurons.threshold if neurons.threshold is not None else 0.0) * each
    whole = np.floor(theta * (1 + 1e-12) + 1e-9) if exact else np.rint(theta)
    threshold = np.full(1, THRESHOLD_LIMITS[1]) if neurons.threshold is None else whole.astype(np.int64)
    first = synapses[0]
    return LayerSpec(
        first.weights,
        _short(threshold, len(first.weights)),
        _short(_decay(part.each(neurons.beta), 0), len(first.weights)),
        first.weight_exp,
        _short(mantissa, len(first.weights)),
        shift,
        first.image,
        first.stride,
        first.padding,
        _short(_decay(part.each(neurons.alpha), 1), len(first.weights)),
        neurons.reset if neurons.threshold is not None else "zero",
        first.source,
        tuple(more),
    )


def _synapses(
    form: Form, source: int, scale: NDArray[np.float64], choice: Choice, k: int | None = None
) -> list[Synapses]:
    """One connection in integers, with the exponent of ``k``, or the least with which no weight is cut off."""
    weights, count = form.weights, len(form.weights)
    rows = scale if len(scale) == count else np.repeat(scale, count // len(scale))
    wanted = weights * rows.reshape(-1, *[1] * (weights.ndim - 1))
    if k is None:
        most = float(np.abs(wanted).max(initial=0.0)) or 1.0
        k = max(int(np.ceil(np.log2(most / choice.largest) - 1e-9)), EXPONENTS[-1])
        if k > EXPONENTS[0]:
            raise ValueError(f"weights of one connection are {most:.3g} times those that it is stored beside")
    k = max(k, 0) if form.image else k  # Lava's Conv has no exponent below that
    if choice.weight_bits == 1:
        integers = np.sign(wanted)
    else:
        integers = np.clip(np.rint(wanted / 2.0**k), -choice.largest, choice.largest)
    made = [Synapses(integers.astype(np.int8), k - 1, form.image, form.stride, form.padding, source)]
    fine = max(k - 7, 0)  # below, the chip rounds the sum of what arrives down
    if choice.weight_bits == 16 and fine < k:
        rest = np.clip(np.rint((wanted - integers * 2.0**k) / 2.0**fine), -choice.largest, choice.largest)
        made.append(Synapses(rest.astype(np.int8), fine - 1, form.image, form.stride, form.padding, source))
    return made


def _bias(units: NDArray[np.float64]) -> tuple[NDArray[np.int64], int]:
    """Mantissas and the least exponent that holds them, to the nearest."""
    most = np.abs(units).max(initial=0.0)
    shift = next((n for n in range(BIAS_EXPONENT_LIMIT + 1) if np.rint(most / 2**n) <= BIAS_MANTISSA_LIMIT), None)
    if shift is None:
        raise ValueError(f"a bias of {most:g}/64 is larger than the chip's")
    return np.rint(units / 2**shift).astype(np.int64), shift


def _decay(kept: NDArray[np.float64], offset: int) -> NDArray[np.int64]:
    """dv (``offset`` 0) or du (1) of what a step keeps."""
    return np.clip(np.rint(DECAY_UNITY * (1 - kept)) - offset, 0, DECAY_LIMIT).astype(np.int64)


def _short(values: NDArray[np.int64], outputs: int) -> Any:
    """One number where all agree, one a channel where its neurons do, else one a neuron."""
    if np.all(values == values[0]):
        return int(values[0])
    each = values.reshape(outputs, -1)
    return (each[:, 0] if np.all(each == each[:, :1]) else values).astype(np.int32)
