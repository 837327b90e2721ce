"""One presentation of a spiking network of one hidden layer that learns by error-driven steps of devices (loads numba).

Each step of 1 ms, layer by layer (tau in steps; all potentials without a unit):
I <- I + (W S - I) / tau_syn;   V <- max(V + (R I - V) / tau_m, -vth / 10), 0 within 4 steps of a spike
S = 1 where V >= vth, then V <- 0                                          x <- x + S - x / 25   (trace of each unit)
E <- max(E + 2.5 (S_out - S_label), -1/4) (false positives; false negatives with the other sign), a spike and E - 2.5
where E >= 2.5;  U_out <- U_out + (F+ - F-) / 3,  U_hid <- U_hid + B (F+ - F-) / 3,  B fixed and random, never learned
where |U| > u_th and |I| < window, and an input spikes: s = sign U, U <- 0; each synapse of a spiking input is a
candidate, taken where r <= exp(-m |w|), r one uniform number for the layer and step; its weight goes one level by -s
after the presentation:  m <- min(m + dm, cap) where both traces exceed their thresholds

Source: Zohora et al. 2024, Sci Rep 14 (s41598-024-78290-w), in the authors' code; eRBP: Neftci et al. 2017, Front.
Neurosci. 11:324. Weights and devices: ``devices.py``. State and what is drawn are arguments; arrays change in place.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# numba finds the types of its functions' arguments when it compiles them

import math
from typing import NamedTuple

import numpy as np

from neuromorph.local_rule.draws import compiled, normal, salts, signed

f32 = np.float32
REFRACTORY, TRACE = 4, f32(25)
LABELS, CHOICES, WRITES = 1 << 28, 1 << 29, 1 << 30  # where the numbers of a presentation's draws begin


class Layer(NamedTuple):
    """What the compiled code needs of a layer; ``scale``: A and B of its devices."""

    tau_syn: float
    tau_m: float
    resistance: float
    vth: float
    u_th: float
    window: float
    dm: float
    cap: float
    scale: tuple[float, float]


@compiled
def _neurons(layer, t, current, v, last, spikes, trace):
    """One step of a layer's membranes; fills ``spikes`` with the units that fire and returns how many."""
    count = 0
    for i in range(len(v)):
        v[i] = max(v[i] + (current[i] * f32(layer.resistance) - v[i]) / f32(layer.tau_m), f32(-layer.vth / 10))
        if t - last[i] <= REFRACTORY:
            v[i] = 0
        trace[i] -= trace[i] / TRACE
        if v[i] >= layer.vth:
            v[i], last[i] = 0, t
            trace[i] += 1
            spikes[count] = i
            count += 1
    return count


@compiled
def _drive(layer, w, spikes, count, current):
    """Synaptic currents after spikes of the layer before."""
    for i in range(len(current)):
        current[i] -= current[i] / f32(layer.tau_syn)
    for k in range(count):
        row = w[spikes[k]]
        for i in range(len(current)):
            current[i] += row[i] / f32(layer.tau_syn)


@compiled
def _moved(r, direction, means, spread, noise):
    """The resistance of a device after a step of one level."""
    level, nearest = 0, abs(r - means[0])
    for n in range(1, len(means)):
        if abs(r - means[n]) < nearest:
            level, nearest = n, abs(r - means[n])
    level = min(max(level + direction, 0), len(means) - 1)
    return means[level] * (1 + spread * noise)


@compiled
def _plastic(layer, u, current, w, r, m, spikes, count, turn, means, spread, chance, salt, drawn):
    """Writes of a step; ``turn`` [1]: devices' counter. Returns how many normal numbers have been drawn."""
    if count == 0:
        return drawn
    direction, some = np.zeros(len(u), np.int64), False
    for i in range(len(u)):
        if abs(u[i]) > layer.u_th and abs(current[i]) < layer.window:
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
                r[j, i, device] = _moved(r[j, i, device], direction[i], means, spread, noise)
                total = f32(0)
                for n in range(r.shape[2]):
                    total += 1 / r[j, i, n]
                w[j, i] = layer.scale[0] * total - layer.scale[1]
                drawn += 1
    return drawn


@compiled
def _consolidated(layer, m, before, after, thresholds):
    for j in range(len(before)):
        if before[j] > thresholds[0]:
            for i in range(len(after)):
                if after[i] > thresholds[1]:
                    m[j, i] = min(m[j, i] + f32(layer.dm), f32(layer.cap))


@compiled
def present(layers, w, r, m, turns, back, means, spread, thresholds, rates, label_rate, steps, target, key, count):
    """Show one sample; ``target`` -1 learns nothing. Returns output spikes [class], and writes of each layer [2].

    ``w``, ``m``: of the hidden and the output layer, [before, after]; ``r`` [before, after, device]; ``turns`` two
    counters [1]; ``back`` B [hidden, class]; ``rates``: chance of an input spike a step [input]; ``thresholds`` of
    the traces: inputs, hidden, output. ``key`` and ``count`` name the draws.
    """
    hidden, classes = back.shape
    salt = salts(key, count)
    active = np.nonzero(rates > 0)[0]
    shown, fired, answered = np.empty(len(rates), np.int64), np.empty(hidden, np.int64), np.empty(classes, np.int64)
    current, v, last, u = np.zeros(hidden, f32), np.zeros(hidden, f32), np.full(hidden, -4), np.zeros(hidden, f32)
    current2, v2 = np.zeros(classes, f32), np.zeros(classes, f32)
    last2, u2 = np.full(classes, -4), np.zeros(classes, f32)
    trace0, trace1, trace2 = np.zeros(len(rates), f32), np.zeros(hidden, f32), np.zeros(classes, f32)
    error, counts, writes = np.zeros((2, classes), f32), np.zeros(classes, np.int64), np.zeros(2, np.int64)
    for t in range(steps):
        inputs = 0
        for k in range(len(active)):
            j = active[k]
            trace0[j] -= trace0[j] / TRACE
            if signed(salt, t * len(rates) + j) < 2 * rates[j] - 1:
                shown[inputs] = j
                inputs += 1
                trace0[j] += 1
        _drive(layers[0], w[0], shown, inputs, current)
        spiking = _neurons(layers[0], t, current, v, last, fired, trace1)
        _drive(layers[1], w[1], fired, spiking, current2)
        answers = _neurons(layers[1], t, current2, v2, last2, answered, trace2)
        counts[answered[:answers]] += 1
        if target < 0:
            continue
        for c in range(classes):
            wrong = f32(np.any(answered[:answers] == c))
            if c == target and signed(salt, LABELS + t) < 2 * label_rate - 1:
                wrong -= 1
            push = f32(0)
            for k in range(2):
                error[k, c] = max(error[k, c] + (1 - 2 * k) * f32(2.5) * wrong, f32(-0.25))
                if error[k, c] >= 2.5:
                    error[k, c] -= f32(2.5)
                    push += f32((1 - 2 * k) / 3)
            if push != 0:
                u2[c] += push
                for i in range(hidden):
                    u[i] += back[i, c] * push
        for k in range(2):
            chance, drawn = 0.5 * (1 + signed(salt, CHOICES + 2 * t + k)), writes[0] + writes[1]
            if k == 0:
                after = _plastic(
                    layers[0], u, current, w[0], r[0], m[0], shown, inputs, turns[0], means, spread, chance, salt, drawn
                )
            else:
                after = _plastic(
                    layers[1],
                    u2,
                    current2,
                    w[1],
                    r[1],
                    m[1],
                    fired,
                    spiking,
                    turns[1],
                    means,
                    spread,
                    chance,
                    salt,
                    drawn,
                )
            writes[k] += after - drawn
    if target >= 0:
        _consolidated(layers[0], m[0], trace0, trace1, thresholds[:2])
        _consolidated(layers[1], m[1], trace1, trace2, thresholds[1:])
    return counts, writes
