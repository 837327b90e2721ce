"""One presentation of a spiking network of one hidden layer that learns by error-driven steps of devices (loads numba).

Neurons, error neurons, traces and m: ``error_neurons``. After them, in each step of 1 ms:
where |U| > u_th and |I| < window, and an input spikes: s = sign U, U <- 0; each synapse of a spiking input is a
candidate, taken where r <= exp(-m |w|), r one uniform number for the layer and step; its weight goes one level by -s

Source: Zohora et al. 2024, Sci Rep 14 (s41598-024-78290-w), in the authors' code. Weights and devices: ``devices.py``.
State and what is drawn are arguments; arrays change in place.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# numba finds the types of its functions' arguments when it compiles them

import math
from typing import NamedTuple

import numpy as np

from neuromorph.local_rule.draws import compiled, normal, salts, signed
from neuromorph.local_rule.error_neurons import (
    CHOICES,
    WRITES,
    Layer,
    at_rest,
    blamed,
    consolidated,
    fired,
    moved,
    shown,
    silent,
    weight,
)

__all__ = ["Layer", "Writing", "present"]  # numba's files of an earlier checkout look for Layer here

f32 = np.float32


class Writing(NamedTuple):
    """What the compiled code needs of a layer's devices; ``scale``: A and B."""

    u_th: float
    scale: tuple[float, float]


@compiled
def _plastic(layer, writing, units, w, r, m, spikes, count, turn, table, chance, salt, drawn):
    """Writes of a step; ``turn`` [1]: devices' counter. Returns how many normal numbers have been drawn."""
    if count == 0:
        return drawn
    direction, some, u = np.zeros(len(units.u), np.int64), False, units.u
    for i in range(len(u)):
        if abs(u[i]) > writing.u_th and abs(units.current[i]) < layer.window:
            direction[i] = -1 if u[i] > 0 else 1
            u[i] = 0
            for k in range(count):
                some = some or chance <= math.exp(-m[spikes[k], i] * abs(w[spikes[k], i]))
    if not some:
        return drawn
    turn[0] += 1
    device = turn[0] % r.shape[2]
    for i in range(len(u)):
        for k in range(count if direction[i] else 0):
            j = spikes[k]
            if chance <= math.exp(-m[j, i] * abs(w[j, i])):
                noise = normal(salt, WRITES // 2 + drawn)
                r[j, i, device] = moved(r[j, i, device], direction[i], table, noise)
                w[j, i] = weight(r[j, i], writing.scale)
                drawn += 1
    return drawn


@compiled
def present(layers, writing, w, r, m, turns, back, table, thresholds, rates, label_rate, steps, target, key, count):
    """Show one sample; ``target`` -1 learns nothing. Returns output spikes [class], and writes of each layer [2].

    ``w``, ``m``: of the hidden and the output layer, [before, after]; ``r`` [before, after, device]; ``turns`` two
    counters [1]; ``back`` B [hidden, class]; ``table``: ``Devices.table``; ``rates``: chance of an input spike a step
    [input]; ``thresholds`` of the traces: inputs, hidden, output. ``key`` and ``count`` name the draws.
    """
    hidden, output, inputs = at_rest(back.shape[0]), at_rest(back.shape[1]), silent(rates)
    salt, error = salts(key, count), np.zeros((2, back.shape[1]), f32)
    counts, writes = np.zeros(back.shape[1], np.int64), np.zeros(2, np.int64)
    for t in range(steps):
        lit = shown(rates, t, salt, inputs)
        spiking = fired(layers[0], t, w[0], inputs.spikes, lit, hidden)
        answers = fired(layers[1], t, w[1], hidden.spikes, spiking, output)
        counts[output.spikes[:answers]] += 1
        if target < 0:
            continue
        blamed(t, target, label_rate, salt, error, answers, back, hidden, output)
        before = (inputs.spikes, lit), (hidden.spikes, spiking)
        for k, units in ((0, hidden), (1, output)):
            chance, drawn = 0.5 * (1 + signed(salt, CHOICES + 2 * t + k)), writes[0] + writes[1]
            after = _plastic(
                layers[k], writing[k], units, w[k], r[k], m[k], *before[k], turns[k], table, chance, salt, drawn
            )
            writes[k] += after - drawn
    if target >= 0:
        consolidated(layers[0], m[0], inputs.trace, hidden.trace, thresholds[:2])
        consolidated(layers[1], m[1], hidden.trace, output.trace, thresholds[1:])
    return counts, writes
