"""The chip's integer recurrences in numpy: the truth that every other way of running a network is compared with.

a = (We s) << weight_exp, or >> -weight_exp (floor);   We: the stored weights (mixed signs must be even)
u = 64 a                  (du = 4095: no memory of the current; wraps once by 2^24 beyond +-2^23)
v = clip(sgn(v) ((|v| (4096 - dv)) >> 12) + u, +-(2^23 - 1))
s = v > 64 vth,   then v <- 0 where s = 1

With ``local_rule`` the same neurons learn: one layer under the rule of ``neuromorph.protocols``.

Source: Lava 0.10.0, ``PyDenseModelBitAcc`` and ``PyLifModelBitAcc``, without bias. The lag of one step per connection
of a Lava graph is not part of these equations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromorph.lava.spec import CURRENT_LIMIT, LayerSpec, NetworkSpec

if TYPE_CHECKING:
    from fusi_models.integer import IntegerHiddenWeight
    from neuromorph.protocols import LocalRule

Integers = NDArray[np.int64]


class Record(NamedTuple):
    """One layer's spikes (bool) and membranes before reset (int64), each [time, batch, neuron]."""

    spikes: NDArray[np.bool_]
    membranes: Integers


def synapse(messages: Integers, layer: LayerSpec) -> Integers:
    """Activation a [..., out] for ``messages`` [..., in]."""
    # float64 products of integers below 2^53 are exact and use BLAS.
    total = (messages.astype(np.float64) @ layer.stored_weights.T.astype(np.float64)).astype(np.int64)
    return total << layer.weight_exp if layer.weight_exp > 0 else total >> -layer.weight_exp


def neuron(v: Integers, a: Integers, dv: int, vth: int) -> tuple[NDArray[np.bool_], Integers, Integers]:
    """One step from membrane ``v`` and activation ``a``: spikes, membrane before reset, membrane after reset."""
    u = a << 6
    u = np.where(u > 2**23, u - 2**24, np.where(u <= -(2**23), u + 2**24, u))
    decayed = np.sign(v) * ((np.abs(v) * (4096 - dv)) >> 12)
    before = np.clip(decayed + u, -CURRENT_LIMIT, CURRENT_LIMIT)
    spikes = before > (vth << 6)
    return spikes, before, np.where(spikes, 0, before)


def simulate(spec: NetworkSpec, x: ArrayLike) -> list[Record]:
    """Records of every layer for the input ``x`` as ``spec.encode`` takes it."""
    messages = spec.encode(x).swapaxes(0, 1).astype(np.int64)  # [time, batch, feature]
    records = []
    for layer in spec.layers:
        activation = synapse(messages, layer)
        v = np.zeros_like(activation[0])
        spikes, membranes = np.empty(activation.shape, bool), np.empty_like(activation)
        for t, a in enumerate(activation):
            spikes[t], membranes[t], v = neuron(v, a, layer.dv, layer.threshold)
        records.append(Record(spikes, membranes))
        messages = spikes.astype(np.int64)
    return records


def local_rule(
    raster: NDArray[np.bool_], labels: Integers, states: Integers, synapse: IntegerHiddenWeight, rule: LocalRule
) -> tuple[NDArray[np.bool_], Integers]:
    """Output spikes, bool [n, time, unit], and the states afterwards, of a layer that learns one sample after another.

    ``raster`` [n, time, input] with ``labels`` [n]; ``states`` [unit, input]: integers of ``synapse`` before learning.
    """
    states = states.copy()
    units, inputs = states.shape
    unit_class = np.arange(units) // rule.units_per_class
    spikes = np.zeros((*raster.shape[:2], units), bool)
    for sample, label, out in zip(raster, labels, spikes, strict=True):
        v = np.zeros(units, np.int64)
        for t, s in enumerate(sample):
            a = np.where(states >= 0, 1, -1) @ s.astype(np.int64)
            out[t], _, v = neuron(v, a, 4096 - int(4096 * rule.beta), rule.threshold(inputs))
        count, own = out.sum(0), unit_class == label
        potentiated = np.outer(own & (count < rule.high), sample.any(0))
        depressed = np.outer(~own & (count > rule.low), sample.any(0))
        down, up = synapse.tables
        place = states + synapse.largest
        states = np.where(potentiated, up[place], np.where(depressed, down[place], states))
    return spikes, states
