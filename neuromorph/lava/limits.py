"""What the chip can hold (widths: ``neuromorph/chip.py``), which Lava's simulator does not enforce.

Connections carry no delay beyond the chip's own step, so the six bits of a delay are not used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromorph.chip import (
    BIAS_EXPONENT_LIMIT,
    BIAS_MANTISSA_LIMIT,
    CONVOLUTION_EXPONENT_LIMIT,
    DECAY_LIMIT,
    MEMBRANE_LIMIT,
    THRESHOLD_LIMIT,
    UNITS,
)

if TYPE_CHECKING:
    from neuromorph.lava.spec import LayerSpec

THRESHOLD_LIMITS = (0, THRESHOLD_LIMIT)
DECAY_LIMITS = (0, DECAY_LIMIT)
BIAS_MANTISSA_LIMITS = (-BIAS_MANTISSA_LIMIT - 1, BIAS_MANTISSA_LIMIT)
BIAS_EXPONENT_LIMITS = (0, BIAS_EXPONENT_LIMIT)
WEIGHT_EXPONENT_LIMITS = (-8, 7)
MESSAGE_BITS_LIMIT = 24


def check_layer(name: str, layer: LayerSpec, largest_message: int) -> None:
    """Raise ValueError, beginning with ``name``, for what the chip cannot hold of ``layer``."""
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
    largest_current = UNITS * layer.fan_in * largest_message * 2.0 ** (layer.weight_exp + 1)
    if largest_current > MEMBRANE_LIMIT:
        raise ValueError(
            f"{name}: {layer.fan_in} inputs of up to {largest_message} can drive the current u to "
            f"{largest_current:.0f}, which wraps beyond {MEMBRANE_LIMIT}; use fewer input bits, a smaller weight_exp "
            "or a smaller layer"
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
