"""The chip's recurrences in numpy: the truth that every other way of running a network is compared with.

Fixed point:
    a = (We s) << weight_exp, or >> -weight_exp (floor);   We: the stored weights (mixed signs must be even), of a
        convolution every connection that it stands for
    u = 64 a                  (du = 4095: no memory of the current; wraps once by 2^24 beyond +-2^23)
    v = clip(sgn(v) ((|v| (4096 - dv)) >> 12) + u + (bias_mant << bias_exp), +-(2^23 - 1))
    s = v > 64 vth,   then v <- 0 where s = 1
Floating point, in units of weight:
    v = beta v + W 2^(weight_exp + 1) s + bias / 64,   beta = 1 - dv / 4096
    s = v > vth,   then v <- 0 where s = 1

With ``local_rule`` the same neurons learn: one layer under the rule of ``neuromorph.local_rule.rule``.

Source: Lava 0.10.0, ``PyDenseModelBitAcc``, ``PyConvModelFixed`` and ``PyLifModelBitAcc``; ``PyDenseModelFloat``,
``PyConvModelFloat`` and ``PyLifModelFloat`` with du = 1. The lag of one step per connection of a Lava graph is not part
of these equations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromorph.chip import DECAY_BITS, DECAY_UNITY, MEMBRANE_LIMIT, UNITS
from neuromorph.lava.spec import LayerSpec, NetworkSpec

if TYPE_CHECKING:
    from fusi_models.models.integer import IntegerHiddenWeight
    from neuromorph.local_rule.rule import LocalRule

Integers = NDArray[np.int64]


class Record(NamedTuple):
    """One layer's spikes (bool) and membranes before reset (int64), each [time, batch, neuron]."""

    spikes: NDArray[np.bool_]
    membranes: Integers


def synapse(messages: Integers, layer: LayerSpec) -> Integers:
    """Activation a [..., neuron] for ``messages`` [..., input]."""
    # float64 products of integers below 2^53 are exact and use BLAS.
    flat = messages.reshape(-1, layer.inputs).astype(np.float64)
    total = 2 * (flat @ layer.matrix.T.astype(np.float64)).astype(np.int64)
    total = total.reshape(*messages.shape[:-1], layer.neurons)
    return total << layer.weight_exp if layer.weight_exp > 0 else total >> -layer.weight_exp


def neuron(v: Integers, a: Integers, dv: int, vth: Any, bias: Any = 0) -> tuple[NDArray[np.bool_], Integers, Integers]:
    """One step from membrane ``v`` and activation ``a``: spikes, membrane before reset, membrane after reset."""
    u = a * UNITS
    u = np.where(u > 2**23, u - 2**24, np.where(u <= -(2**23), u + 2**24, u))
    decayed = np.sign(v) * ((np.abs(v) * (DECAY_UNITY - dv)) >> DECAY_BITS)
    before = np.clip(decayed + u + bias, -MEMBRANE_LIMIT, MEMBRANE_LIMIT)
    spikes = before > np.asarray(vth, np.int64) * UNITS
    return spikes, before, np.where(spikes, 0, before)


def simulate(spec: NetworkSpec, x: ArrayLike) -> list[Record]:
    """Records of every layer for the input ``x`` as ``spec.encode`` takes it."""
    messages = spec.encode(x).swapaxes(0, 1)  # [time, batch, feature]
    if spec.hold > 1:
        messages = messages[:1]  # the same at every step: one product serves them all
    records = []
    for layer in spec.layers:
        activation = synapse(messages.astype(np.int64), layer)
        shape = (spec.num_steps, *activation.shape[1:])
        v, vth, bias = np.zeros(shape[1:], np.int64), layer.each(layer.threshold), layer.each(layer.bias)
        spikes, membranes = np.empty(shape, bool), np.empty(shape, np.int64)
        for t, a in enumerate(np.broadcast_to(activation, shape)):
            spikes[t], membranes[t], v = neuron(v, a, layer.dv, vth, bias)
        records.append(Record(spikes, membranes))
        messages = spikes
    return records


def local_rule(
    raster: NDArray[np.bool_], labels: Integers, states: Integers, synapse: IntegerHiddenWeight, rule: LocalRule
) -> tuple[NDArray[np.bool_], Integers]:
    """Output spikes, bool [n, time, unit], and the states afterwards, of a layer that learns one sample after another.

    ``raster`` [n, time, input] with ``labels`` [n]; ``states`` [unit, input]: integers of ``synapse`` before learning.
    """
    states = states.copy()
    units, inputs = states.shape
    unit_class, (dv, vth) = np.arange(units) // rule.units_per_class, rule.on_chip(inputs)
    spikes = np.zeros((*raster.shape[:2], units), bool)
    for sample, label, out in zip(raster, labels, spikes, strict=True):
        v = np.zeros(units, np.int64)
        for t, s in enumerate(sample):
            a = np.where(states >= 0, 1, -1) @ s.astype(np.int64)
            out[t], _, v = neuron(v, a, dv, vth)
        count, own = out.sum(0), unit_class == label
        potentiated = np.outer(own & (count < rule.high), sample.any(0))
        depressed = np.outer(~own & (count > rule.low), sample.any(0))
        down, up = synapse.tables
        place = states + synapse.largest
        states = np.where(potentiated, up[place], np.where(depressed, down[place], states))
    return spikes, states


def simulate_float(spec: NetworkSpec, x: ArrayLike) -> list[NDArray[np.bool_]]:
    """Spikes [time, batch, neuron] of every layer by the floating-point recurrence (float64)."""
    messages = spec.encode(x).swapaxes(0, 1)
    layers = []
    for layer in spec.layers:
        weights = layer.matrix * 2.0 ** (layer.weight_exp + 1)
        spikes = np.empty((*messages.shape[:2], layer.neurons), bool)
        v, vth, bias = np.zeros(spikes.shape[1:]), layer.each(layer.threshold), layer.each(layer.bias / UNITS)
        for t, s in enumerate(messages):
            v = v * (1 - layer.dv / DECAY_UNITY) + s @ weights.T + bias
            spikes[t] = v > vth
            v[spikes[t]] = 0
        layers.append(spikes)
        messages = spikes
    return layers
