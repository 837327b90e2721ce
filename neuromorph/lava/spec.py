"""The integer network: everything that a chip needs to run a binarized spiking network, as plain data.

W in {-1, +1}, stored as 2 W with ``weight_exp``:   a = (2 W s) * 2^weight_exp,   u = 64 a   (see ``reference.py``)

Mixed-sign 8-bit weights lose their lowest bit on the chip (+1 would become 0 and -1 would become -2), hence the factor
2. Widths: Lava 0.10.0, ``PyLifModelBitAcc`` and ``PyDenseModelBitAcc`` (thresholds 17 bits, decay 12, bias 13 with sign
and an exponent of 3, current and membrane 24 with sign); the simulator does not enforce them, this module does.
Connections carry no delay beyond the chip's own step, so the six bits of a delay are not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

CURRENT_LIMIT = 2**23 - 1
THRESHOLD_LIMITS = (0, 2**17 - 1)
DECAY_LIMITS = (0, 2**12 - 1)
BIAS_MANTISSA_LIMITS = (-(2**12), 2**12 - 1)
BIAS_EXPONENT_LIMITS = (0, 7)
WEIGHT_EXPONENT_LIMITS = (-8, 7)
MESSAGE_BITS_LIMIT = 24


@dataclass(frozen=True, eq=False)
class LayerSpec:
    """One Dense connection and its neurons, in the chip's integers.

    weights: int8 [out, in] of -1 and +1. threshold: in units of weight, one for all neurons or [out]. dv: 12-bit decay,
    beta = 1 - dv/4096. bias_mant, bias_exp: ``bias_mant << bias_exp`` enters the membrane at every step, in units of
    1/64 weight; the mantissa is one number or [out].
    """

    weights: NDArray[np.int8]
    threshold: int | NDArray[np.int32]
    dv: int
    weight_exp: int = -1
    bias_mant: int | NDArray[np.int32] = 0
    bias_exp: int = 0

    @property
    def stored_weights(self) -> NDArray[np.int32]:
        """The weights as they are handed to the chip, 2 W [out, in]."""
        return 2 * self.weights.astype(np.int32)

    @property
    def bias(self) -> NDArray[np.int64]:
        """What enters the membrane at every step, [] or [out], in units of 1/64 weight."""
        return np.asarray(self.bias_mant, np.int64) << self.bias_exp


@dataclass(frozen=True, eq=False)
class NetworkSpec:
    """A checked integer network. ``input_bits`` and ``num_steps`` as in ``snn.NetworkConfig``.

    Raises ValueError naming the layer (from 1) and the limit of the chip that it breaks.
    """

    layers: tuple[LayerSpec, ...]
    num_steps: int
    input_bits: int

    def __post_init__(self) -> None:
        if not self.layers:
            raise ValueError("an integer network needs at least one layer, got none")
        if self.num_steps < 1:
            raise ValueError(f"num_steps must be at least 1, got {self.num_steps}")
        if not 0 <= self.input_bits <= MESSAGE_BITS_LIMIT:
            raise ValueError(f"graded spikes carry 0 to {MESSAGE_BITS_LIMIT} bits, got input_bits={self.input_bits}")
        for number, layer in enumerate(self.layers, 1):
            _check_layer(f"layer {number}", layer, self.largest_message if number == 1 else 1)
        for number, (one, two) in enumerate(zip(self.layers, self.layers[1:], strict=False), 2):
            if one.weights.shape[0] != two.weights.shape[1]:
                raise ValueError(
                    f"layer {number} takes {two.weights.shape[1]} inputs but layer {number - 1} has "
                    f"{one.weights.shape[0]} neurons"
                )

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
        """Steps for which one row of input stays the same: all of them, unless the input is a raster."""
        return self.num_steps if self.input_bits else 1

    @property
    def sizes(self) -> tuple[int, ...]:
        """Inputs, hidden neurons, classes."""
        return (self.layers[0].weights.shape[1], *(layer.weights.shape[0] for layer in self.layers))

    def encode(self, x: ArrayLike) -> NDArray[np.int32]:
        """Input messages [batch, time, feature], read-only, the integers of training.

        x [batch, feature] in [0, 1], or with ``input_bits=0`` a binary raster [time, batch, feature]. Raises ValueError
        for another shape or range, or NaN.
        """
        values = np.asarray(x, dtype=np.float32)
        raster, features = self.input_bits == 0, self.sizes[0]
        if values.ndim != 2 + raster or values.shape[-1] != features or (raster and len(values) != self.num_steps):
            expected = f"[{self.num_steps} steps, batch, {features}]" if raster else f"[batch, {features}]"
            raise ValueError(f"x must have shape {expected} for input_bits={self.input_bits}, got {list(values.shape)}")
        if values.size and not (values.min() >= 0 and values.max() <= 1):
            raise ValueError(f"x must lie in [0, 1] without NaN, got {values.min():g} to {values.max():g}")
        if raster:
            if not np.isin(values, (0, 1)).all():
                raise ValueError("a spike raster may hold only 0 and 1")
            return values.astype(np.int32).swapaxes(0, 1)
        messages = np.rint(values * np.float32(self.largest_message)).astype(np.int32)
        return np.broadcast_to(messages[:, None], (len(messages), self.num_steps, features))


def _check_layer(name: str, layer: LayerSpec, largest_message: int) -> None:
    weights = layer.weights
    if weights.ndim != 2 or weights.dtype != np.int8:
        raise ValueError(f"{name}: weights must be an int8 matrix [out, in], got {weights.dtype} {weights.shape}")
    _check_each(f"{name}: weights", np.isin(weights, (-1, 1)).all(1), weights, "must be -1 or +1")
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
    largest_current = 64 * weights.shape[1] * largest_message * 2.0 ** (layer.weight_exp + 1)
    if largest_current > CURRENT_LIMIT:
        raise ValueError(
            f"{name}: {weights.shape[1]} inputs of up to {largest_message} can drive the current u to "
            f"{largest_current:.0f}, which wraps beyond {CURRENT_LIMIT}; use fewer input bits, a smaller weight_exp or "
            "a smaller layer"
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


def integer_network(network: Any) -> NetworkSpec:
    """The integer network that computes the same spikes as ``network``, a ``neuromorph.snn.SpikingBNN``."""
    config = network.config
    hidden: Sequence[NDArray[Any]] = [layer.weight.detach().cpu().numpy() for layer in network.layers]
    layers = tuple(
        LayerSpec(np.where(h >= 0, 1, -1).astype(np.int8), threshold, config.dv)
        for h, threshold in zip(hidden, config.thresholds, strict=True)
    )
    return NetworkSpec(layers, config.num_steps, config.input_bits)
