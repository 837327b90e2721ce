"""One presentation of a spiking network with error neurons and protected real weights (loads numba).

Neurons, error neurons F+ and F-, and traces: ``error_driven``. After them, in each step of 1 ms:
U <- U - U / 15 + push;   push of an output (F+ - F-) / 3, of a hidden unit B (F+ - F-) / 3, B fixed and random
w_ji <- w_ji - f eta S_j U_i   where |I_i| < window;   f = exp(-|m_ji w_ji|)              (metaplasticity)
w_ji <- w_ji - alpha (w_ji - w0_ji)   for every j, where unit i spikes                     (heterosynaptic drift)
After the presentation:   w0 <- w0 + (w - w0) / tau_ref
m <- min(m + dm, cap) where both traces exceed their thresholds, and the label's unit had most spikes (neuromodulation)
``grid`` > 0: every change of w is rounded to a multiple of it, up or down at random, without bias (fixed point)

Source: Soures, Helfer, Daram, Pandit & Kudithipudi 2024 (TACOS, arXiv:2409.00021), equations second-hand; constants of
the same group's public code (Zohora et al. 2024). How w0 follows w, and what neuromodulation gates, were not in our
sources: ours, a *reconstruction*. w, w0 and m are without a unit; times in steps of 1 ms.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# numba finds the types of its functions' arguments when it compiles them

import math
from typing import NamedTuple

import numpy as np

from neuromorph.local_rule.draws import compiled, salts, signed
from neuromorph.local_rule.error_driven import LABELS, WRITES, Layer, _consolidated, _drive, _neurons

f32 = np.float32
LEAK = f32(15)


class Rates(NamedTuple):
    """What the compiled code needs of a layer beside ``error_driven.Layer``; 0 switches a mechanism off."""

    eta: float
    alpha: float
    tau_ref: float
    w_max: float
    grid: float


@compiled
def _changed(w, change, rates, salt, number):
    """The weight after a change, within +-w_max, on the grid where there is one."""
    new = min(max(w + change, f32(-rates.w_max)), f32(rates.w_max))
    if rates.grid > 0:
        level = new / f32(rates.grid)
        low = math.floor(level)
        up = 0.5 * (1 + signed(salt, number)) < level - low
        new = f32((low + up) * rates.grid)
    return new


@compiled
def _learned(layer, rates, u, current, w, m, spikes, count, protects, salt, number):
    """Steps down the error of the synapses that just had a spike; returns how many draws have been named."""
    for i in range(len(u)):
        if count == 0 or u[i] == 0 or abs(current[i]) >= layer.window:
            continue
        for k in range(count):
            j = spikes[k]
            step = f32(rates.eta) * u[i]
            if protects:
                step *= f32(math.exp(-abs(m[j, i] * w[j, i])))
            w[j, i] = _changed(w[j, i], -step, rates, salt, number)
            number += 1
    return number


@compiled
def _drifted(rates, w, reference, fired, count, salt, number):
    """Towards the reference weight, all synapses of the units that spike."""
    if rates.alpha == 0:
        return number
    for k in range(count):
        i = fired[k]
        for j in range(len(w)):
            change = -f32(rates.alpha) * (w[j, i] - reference[j, i])
            if change != 0:
                w[j, i] = _changed(w[j, i], change, rates, salt, number)
                number += 1
    return number


@compiled
def present(layers, rates, w, reference, m, back, thresholds, chances, label_rate, steps, target, switches, key, count):
    """Show one sample; ``target`` -1 learns nothing. Returns output spikes [class].

    ``w``, ``reference``, ``m``: of the hidden and the output layer, [before, after]; ``back`` B [hidden, class];
    ``chances`` of an input spike a step [input]; ``thresholds`` of the traces: inputs, hidden, output;
    ``switches``: metaplasticity, neuromodulation. ``key`` and ``count`` name the draws, which are those of
    ``error_driven.present``.
    """
    protects, modulated = switches
    hidden, classes = back.shape
    salt, number = salts(key, count), WRITES
    active = np.nonzero(chances > 0)[0]
    shown, fired, answered = np.empty(len(chances), np.int64), np.empty(hidden, np.int64), np.empty(classes, np.int64)
    current, v, last, u = np.zeros(hidden, f32), np.zeros(hidden, f32), np.full(hidden, -4), np.zeros(hidden, f32)
    current2, v2 = np.zeros(classes, f32), np.zeros(classes, f32)
    last2, u2 = np.full(classes, -4), np.zeros(classes, f32)
    trace0, trace1, trace2 = np.zeros(len(chances), f32), np.zeros(hidden, f32), np.zeros(classes, f32)
    error, counts = np.zeros((2, classes), f32), np.zeros(classes, np.int64)
    for t in range(steps):
        inputs = 0
        for k in range(len(active)):
            j = active[k]
            trace0[j] -= trace0[j] / f32(25)
            if signed(salt, t * len(chances) + j) < 2 * chances[j] - 1:
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
        u -= u / LEAK
        u2 -= u2 / LEAK
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
        number = _learned(layers[0], rates[0], u, current, w[0], m[0], shown, inputs, protects, salt, number)
        number = _learned(layers[1], rates[1], u2, current2, w[1], m[1], fired, spiking, protects, salt, number)
        number = _drifted(rates[0], w[0], reference[0], fired, spiking, salt, number)
        number = _drifted(rates[1], w[1], reference[1], answered, answers, salt, number)
    if target >= 0:
        for k in range(2):
            if rates[k].alpha > 0:
                reference[k][:] += (w[k] - reference[k]) / f32(rates[k].tau_ref)
        best = counts[target] > 0
        for c in range(classes):
            best = best and (c == target or counts[c] < counts[target])
        if best or not modulated:
            _consolidated(layers[0], m[0], trace0, trace1, thresholds[:2])
            _consolidated(layers[1], m[1], trace1, trace2, thresholds[1:])
    return counts


__all__ = ["Layer", "Rates", "present"]
