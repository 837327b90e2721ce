"""The chip's recurrences in numpy: the truth that every other way of running a network is compared with.

Fixed point:
    a = (We s) << weight_exp, or >> -weight_exp (floor);   We: the stored weights (mixed signs must be even), of a
        convolution every connection that it stands for; a layer adds up the a of its connections
    u = sgn(u) ((|u| (4095 - du)) >> 12) + 64 a    (du = 4095: no memory; wraps once by 2^24 beyond +-2^23)
    v = clip(sgn(v) ((|v| (4096 - dv)) >> 12) + u + (bias_mant << bias_exp), +-(2^23 - 1))
    s = v > 64 vth,   then v <- 0 where s = 1
Floating point, in units of weight:
    u = alpha u + W 2^(weight_exp + 1) s,   v = beta v + u + bias / 64
    alpha = 1 - (du + 1) / 4096,   beta = 1 - dv / 4096
    s = v > vth,   then v <- 0 where s = 1
Other resets, which stock Lava lacks, with r = 1 where the membrane kept from the step before exceeds the threshold:
    "subtract":      v <- v - r theta before s is taken;  v is kept                    (snnTorch, reset_delay=True)
    "subtract now":  the same, then v <- v - (s - r) theta                             (snnTorch, reset_delay=False)
    "hold":          v <- 0 instead where r = 1;  v is kept          (snnTorch's Synaptic and RLeaky, "zero", late)
    "none":          v is kept
Within a sample spikes reach a later layer in their own step and the layer itself in the next one.

With ``local_rule`` the same neurons learn: one layer under the rule of ``neuromorph.local_rule.rule``.

Source: Lava 0.10.0, ``PyDenseModelBitAcc``, ``PyConvModelFixed`` and ``PyLifModelBitAcc``; ``PyDenseModelFloat``,
``PyConvModelFloat`` and ``PyLifModelFloat`` with du = 1. The lag of one step per connection of a Lava graph is not part
of these equations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromorph.chip import DECAY_BITS, DECAY_UNITY, MEMBRANE_LIMIT, NO_CURRENT_MEMORY, UNITS
from neuromorph.lava.connection import ALWAYS, Synapses
from neuromorph.lava.spec import LayerSpec, NetworkSpec

if TYPE_CHECKING:
    from fusi_models.models.integer import IntegerHiddenWeight
    from neuromorph.local_rule.rule import LocalRule

Integers = NDArray[np.int64]


class Record(NamedTuple):
    """One layer's spikes (bool) and membranes before reset (int64), each [time, batch, neuron]."""

    spikes: NDArray[np.bool_]
    membranes: Integers


def synapse(messages: Integers, layer: LayerSpec | Synapses) -> Integers:
    """Activation a [..., neuron] of one connection (a layer's first) for ``messages`` [..., input]."""
    # float64 products of integers below 2^53 are exact and use BLAS.
    flat = messages.reshape(-1, layer.inputs).astype(np.float64)
    total = 2 * (flat @ layer.matrix.T.astype(np.float64)).astype(np.int64)
    total = total.reshape(*messages.shape[:-1], layer.neurons)
    return total << layer.weight_exp if layer.weight_exp > 0 else total >> -layer.weight_exp


def neuron(v: Integers, a: Integers, dv: int, vth: Any, bias: Any = 0) -> tuple[NDArray[np.bool_], Integers, Integers]:
    """One step from membrane ``v`` and activation ``a``: spikes, membrane before reset, membrane after reset."""
    before = _membrane(v, _current(np.zeros_like(v), a, NO_CURRENT_MEMORY), dv, bias)
    return _fired(before, np.asarray(vth, np.int64) * UNITS)


def _current(u: Integers, a: Integers, du: Any) -> Integers:
    u = np.sign(u) * ((np.abs(u) * (DECAY_UNITY - 1 - du)) >> DECAY_BITS) + a * UNITS
    return np.where(u > 2**23, u - 2**24, np.where(u <= -(2**23), u + 2**24, u))


def _membrane(v: Integers, u: Integers, dv: Any, bias: Any) -> Integers:
    decayed = np.sign(v) * ((np.abs(v) * (DECAY_UNITY - dv)) >> DECAY_BITS)
    return np.clip(decayed + u + bias, -MEMBRANE_LIMIT, MEMBRANE_LIMIT)


def _fired(before: Any, theta: Any) -> tuple[NDArray[np.bool_], Any, Any]:
    spikes = before > theta
    return spikes, before, np.where(spikes, 0, before)


def _reset(kind: str, v: Any, before: Any, theta: Any) -> tuple[NDArray[np.bool_], Any, Any]:
    """Spikes, membrane before and after the reset, from the kept membrane ``v`` and the one it became, ``before``."""
    if kind == "zero":
        return _fired(before, theta)
    late = v > theta
    if kind == "hold":
        before = np.where(late, 0, before)
    elif kind != "none":
        before = before - late * theta
    spikes = before > theta
    after = before - (spikes.astype(np.int8) - late) * theta if kind == "subtract now" else before
    return spikes, before, after


def simulate(spec: NetworkSpec, x: ArrayLike) -> list[Record]:
    """Records of every layer for the input ``x`` as ``spec.encode`` takes it."""
    messages = spec.encode(x).swapaxes(0, 1)  # [time, batch, feature]
    if spec.hold > 1:
        messages = messages[:1]  # the same at every step: one product serves them all
    sent: list[Any] = [messages.astype(np.int64)]
    records: list[Record] = []
    for number in range(1, len(spec.layers) + 1):
        records.append(simulate_layer(spec, number, sent))
        sent.append(records[-1].spikes)
    return records


def simulate_layer(spec: NetworkSpec, number: int, sent: list[Any]) -> Record:
    """Record of layer ``number`` (from 1); ``sent``: by source, what it sends, [time, batch, output], or [1, ...]."""
    layer, batch = spec.layers[number - 1], sent[0].shape[1]
    shape = (spec.num_steps, batch, layer.neurons)
    activation, own = np.zeros((1, batch, layer.neurons), np.int64), []
    for one in spec.synapses(number):
        if one.source == number:
            own.append(one)
        else:
            always = one.source == ALWAYS
            messages = np.ones((1, 1, 1), np.int64) if always else sent[one.source].astype(np.int64)
            activation = activation + synapse(messages, one)
    dv, du, theta, bias = (layer.each(values) for values in (layer.dv, layer.du, layer.threshold, layer.bias))
    theta = theta.astype(np.int64) * UNITS
    u, v = np.zeros(shape[1:], np.int64), np.zeros(shape[1:], np.int64)
    spikes, membranes = np.zeros(shape, bool), np.empty(shape, np.int64)
    for t, a in enumerate(np.broadcast_to(activation, shape)):
        for one in own:
            a = a + synapse(spikes[t - 1].astype(np.int64), one) if t else a
        u = _current(u, a, du)
        spikes[t], membranes[t], v = _reset(layer.reset, v, _membrane(v, u, dv, bias), theta)
    return Record(spikes, membranes)


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
    sent: list[Any] = [spec.encode(x).swapaxes(0, 1)]
    batch = sent[0].shape[1]
    for number, layer in enumerate(spec.layers, 1):
        alpha, beta = 1 - (layer.each(layer.du) + 1) / DECAY_UNITY, 1 - layer.each(layer.dv) / DECAY_UNITY
        theta, bias = layer.each(layer.threshold).astype(float), layer.each(layer.bias / UNITS)
        weights = [(one, one.matrix * 2.0 ** (one.weight_exp + 1)) for one in spec.synapses(number)]
        spikes = np.zeros((spec.num_steps, batch, layer.neurons), bool)
        u, v = np.zeros(spikes.shape[1:]), np.zeros(spikes.shape[1:])
        for t in range(spec.num_steps):
            u = alpha * u
            for one, matrix in weights:
                if one.source == ALWAYS:
                    u = u + matrix[:, 0]
                elif one.source != number:
                    u = u + sent[one.source][t] @ matrix.T
                elif t:
                    u = u + spikes[t - 1] @ matrix.T
            spikes[t], _, v = _reset(layer.reset, v, beta * v + u + bias, theta)
        sent.append(spikes)
    return sent[1:]
