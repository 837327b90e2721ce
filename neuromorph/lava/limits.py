"""What the chip can hold (widths: ``neuromorph/chip.py``), which Lava's simulator does not enforce.

Of the six bits of a delay only a connection that skips layers uses some (``NetworkSpec.depths``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromorph.chip import (
    BIAS_EXPONENT_LIMIT,
    BIAS_MANTISSA_LIMIT,
    DECAY_LIMIT,
    DECAY_UNITY,
    MEMBRANE_LIMIT,
    THRESHOLD_LIMIT,
    UNITS,
)
from neuromorph.lava.connection import Synapses
from neuromorph.lava.convolution import pair

if TYPE_CHECKING:
    from neuromorph.lava.layer import LayerSpec

THRESHOLD_LIMITS = (0, THRESHOLD_LIMIT)
DECAY_LIMITS = (0, DECAY_LIMIT)
BIAS_MANTISSA_LIMITS = (-BIAS_MANTISSA_LIMIT - 1, BIAS_MANTISSA_LIMIT)
BIAS_EXPONENT_LIMITS = (0, BIAS_EXPONENT_LIMIT)
WEIGHT_EXPONENT_LIMITS = (-8, 7)
MESSAGE_BITS_LIMIT = 24


def check_layer(name: str, layer: LayerSpec, largest_messages: Sequence[int]) -> None:
    """Raise ValueError, beginning with ``name``, for what the chip cannot hold of ``layer``.

    ``largest_messages``: the largest integer that a source sends, of each connection, the first one first.
    """
    connections = (layer.first, *layer.more)
    for one in connections:
        _check_synapses(name, one)
    limits = {
        "threshold": THRESHOLD_LIMITS,
        "dv": DECAY_LIMITS,
        "du": DECAY_LIMITS,
        "bias_mant": BIAS_MANTISSA_LIMITS,
        "bias_exp": BIAS_EXPONENT_LIMITS,
    }
    for field, (low, high) in limits.items():
        values = np.asarray(getattr(layer, field))
        shapes = [()] if field == "bias_exp" else [(), *dict.fromkeys([(len(layer.weights),), (layer.neurons,)])]
        if values.shape not in shapes:
            raise ValueError(f"{name}: {field} has shape {values.shape}, allowed: {' or '.join(map(str, shapes))}")
        fits = (values == np.floor(values)) & (low <= values) & (values <= high)
        _check_each(f"{name}: {field}", fits, values, f"must be an integer from {low} to {high}")
    largest = sum(one.largest_activation * most for one, most in zip(connections, largest_messages, strict=True))
    largest *= UNITS * DECAY_UNITY / (np.min(layer.du) + 1)  # what a current that remembers adds up to
    if largest > MEMBRANE_LIMIT:
        raise ValueError(
            f"{name}: {layer.fan_in} inputs of up to {largest_messages[0]} can drive the current u to "
            f"{largest:.0f}, which wraps beyond {MEMBRANE_LIMIT}; use fewer input bits, a smaller weight_exp "
            "or a smaller layer"
        )


def _check_synapses(name: str, one: Synapses) -> None:
    if one.weights.ndim != (4 if one.image else 2) or one.weights.dtype != np.int8:
        kind = "array [out, in, rows, columns]" if one.image else "matrix [out, in]"
        raise ValueError(f"{name}: weights must be an int8 {kind}, got {one.weights.dtype} {one.weights.shape}")
    if one.weights.min(initial=0) == -128:
        raise ValueError(
            f"{name}: weights must lie in -127 to 127, got -128, which inhibition alone cannot store twice"
        )
    if one.image:
        _check_convolution(name, one)
    low, high = WEIGHT_EXPONENT_LIMITS
    if one.weight_exp != int(one.weight_exp) or not low <= one.weight_exp <= high:
        raise ValueError(f"{name}: weight_exp must be an integer from {low} to {high}, got {one.weight_exp}")


def _check_convolution(name: str, one: Synapses) -> None:
    if len(one.image) != 3 or one.image[0] != one.weights.shape[1]:
        raise ValueError(
            f"{name}: weights of shape {one.weights.shape} take an image of ({one.weights.shape[1]}, rows, "
            f"columns), got {one.image}"
        )
    kernel = one.weights.shape[2:]
    padded = all(0 <= zeros < size for zeros, size in zip(pair(one.padding), kernel, strict=True))
    if min(pair(one.stride)) < 1 or not padded or min(one.shape) < 1:
        raise ValueError(
            f"{name}: a kernel of {kernel} does not fit an image of {one.image} with stride {one.stride} and "
            f"padding {one.padding} (stride at least 1, padding below the kernel)"
        )
    if not -1 <= one.weight_exp <= WEIGHT_EXPONENT_LIMITS[1]:
        raise ValueError(
            f"{name}: a convolution needs a weight_exp from -1 to {WEIGHT_EXPONENT_LIMITS[1]}, got "
            f"{one.weight_exp}: Lava's Conv has none, so that it goes into the weights handed to it"
        )


def _check_each(name: str, fits: Any, values: NDArray[Any], rule: str) -> None:
    """Raise ValueError for the first neuron (from 1) whose ``fits`` is False, or for the one value of all."""
    if np.all(fits):
        return
    if np.ndim(fits) == 0:
        raise ValueError(f"{name} {rule}, got {values}")
    first = int(np.argmin(fits))
    raise ValueError(f"{name} {rule}, got {values[first]} in neuron {first + 1}")


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
