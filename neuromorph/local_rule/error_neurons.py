"""A spiking network of one hidden layer with error neurons: what its learning rules share (loads numba).

Each step of 1 ms, layer by layer (tau in steps; all potentials without a unit):
I <- I + (W S - I) / tau_syn;   V <- max(V + (R I - V) / tau_m, -vth / 10), 0 within 4 steps of a spike
S = 1 where V >= vth, then V <- 0                                          x <- x + S - x / 25   (trace of each unit)
E <- max(E + 2.5 (S_out - S_label), -1/4) (false positives; false negatives with the other sign), a spike and E - 2.5
where E >= 2.5;  U_out <- U_out + (F+ - F-) / 3,  U_hid <- U_hid + B (F+ - F-) / 3,  B fixed and random, never learned
after the presentation:  m <- min(m + dm, cap) where both traces exceed their thresholds

Source: Zohora et al. 2024, Sci Rep 14 (s41598-024-78290-w), in the authors' code; eRBP: Neftci et al. 2017, Front.
Neurosci. 11:324. State and what is drawn are arguments; arrays change in place.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# numba finds the types of its functions' arguments when it compiles them

from typing import NamedTuple

import numba
import numpy as np

from neuromorph.local_rule.draws import U32, compiled, salts, signed

f32 = np.float32
REFRACTORY, TRACE = 4, f32(25)
LABELS, CHOICES, WRITES = 1 << 28, 1 << 29, 1 << 30  # where the numbers of a presentation's draws begin


class Layer(NamedTuple):
    """What the compiled code needs of a layer."""

    tau_syn: float
    tau_m: float
    resistance: float
    vth: float
    window: float
    dm: float
    cap: float


def layers(window, dm, cap):
    """The hidden and the output layer with the published time constants; ``dm`` of each."""
    fixed = ((10.0, 25.0), (15.0, 25.0), (1.0, 5.0), (1.0, 2.0), (window, window), dm, (cap, cap))
    return tuple(Layer(*values) for values in zip(*fixed, strict=True))


class Units(NamedTuple):
    """A layer's units, [unit]; ``spikes``: the numbers of those that fire in this step come first."""

    current: np.ndarray
    v: np.ndarray
    last: np.ndarray
    u: np.ndarray
    trace: np.ndarray
    spikes: np.ndarray


class Inputs(NamedTuple):
    """Input spikes: ``active`` inputs of some rate, and as in ``Units``."""

    active: np.ndarray
    trace: np.ndarray
    spikes: np.ndarray


@compiled
def at_rest(count):
    """Units at the start of a presentation."""
    zeros = np.zeros(count, f32)
    return Units(zeros, zeros.copy(), np.full(count, -4), zeros.copy(), zeros.copy(), np.empty(count, np.int64))


@compiled
def silent(chances):
    """Inputs at the start of a presentation, of their ``chances`` of a spike a step."""
    return Inputs(np.nonzero(chances > 0)[0], np.zeros(len(chances), f32), np.empty(len(chances), np.int64))


@compiled
def shown(chances, t, salt, inputs):
    """The input spikes of a step; returns how many."""
    count = 0
    for k in range(len(inputs.active)):
        j = inputs.active[k]
        inputs.trace[j] -= inputs.trace[j] / TRACE
        if signed(salt, t * len(chances) + j) < 2 * chances[j] - 1:
            inputs.spikes[count] = j
            count += 1
            inputs.trace[j] += 1
    return count


@compiled
def neurons(layer, t, units):
    """One step of a layer's membranes; returns how many units fire."""
    count, v = 0, units.v
    for i in range(len(v)):
        v[i] = max(v[i] + (units.current[i] * f32(layer.resistance) - v[i]) / f32(layer.tau_m), f32(-layer.vth / 10))
        if t - units.last[i] <= REFRACTORY:
            v[i] = 0
        units.trace[i] -= units.trace[i] / TRACE
        if v[i] >= layer.vth:
            v[i], units.last[i] = 0, t
            units.trace[i] += 1
            units.spikes[count] = i
            count += 1
    return count


@compiled
def fired(layer, t, w, before, count, units):
    """A step of a layer after ``count`` spikes ``before`` it; returns how many of its units fire."""
    for i in range(len(units.current)):
        units.current[i] -= units.current[i] / f32(layer.tau_syn)
    for k in range(count):
        row = w[before[k]]
        for i in range(len(units.current)):
            units.current[i] += row[i] / f32(layer.tau_syn)
    return neurons(layer, t, units)


@compiled
def blamed(t, target, label_rate, salt, error, answers, back, hidden, output):
    """A step of the error neurons ``error`` [2, class] after ``answers`` output spikes; moves every U."""
    for c in range(len(output.u)):
        wrong = f32(np.any(output.spikes[:answers] == c))
        if c == target and signed(salt, LABELS + t) < 2 * label_rate - 1:
            wrong -= 1
        push = f32(0)
        for k in range(2):
            error[k, c] = max(error[k, c] + (1 - 2 * k) * f32(2.5) * wrong, f32(-0.25))
            if error[k, c] >= 2.5:
                error[k, c] -= f32(2.5)
                push += f32((1 - 2 * k) / 3)
        if push != 0:
            output.u[c] += push
            for i in range(len(hidden.u)):
                hidden.u[i] += back[i, c] * push


@compiled
def consolidated(layer, m, before, after, thresholds):
    """m of a layer after the presentation, from the traces ``before`` and ``after`` it."""
    for j in range(len(before)):
        if before[j] > thresholds[0]:
            for i in range(len(after)):
                if after[i] > thresholds[1]:
                    m[j, i] = min(m[j, i] + f32(layer.dm), f32(layer.cap))


@compiled
def moved(r, direction, table, noise):
    """The resistance of a device after a step of one level; ``table``: ``Devices.table``."""
    means, spreads = table
    level, nearest = 0, abs(r - means[0])
    for n in range(1, len(means)):
        if abs(r - means[n]) < nearest:
            level, nearest = n, abs(r - means[n])
    level = min(max(level + direction, 0), len(means) - 1)
    return means[level] * (1 + spreads[level] * noise)


@compiled
def weight(r, scale):
    """The weight of devices of resistances ``r`` [device]; ``scale``: A and B."""
    total = f32(0)
    for n in range(len(r)):
        total += 1 / r[n]
    return scale[0] * total - scale[1]


@compiled
def passed(layers, w, chances, steps, key, count):
    """Spikes of inputs, hidden and output units, [3], while a sample is shown and nothing is learned.

    ``w``: of the hidden and the output layer, [before, after]; ``chances`` of an input spike a step [input]; ``key``
    and ``count`` name the draws.
    """
    hidden, output, inputs = at_rest(w[0].shape[1]), at_rest(w[1].shape[1]), silent(chances)
    salt, spikes = salts(key, count), np.zeros(3, np.int64)
    for t in range(steps):
        lit = shown(chances, t, salt, inputs)
        spiking = fired(layers[0], t, w[0], inputs.spikes, lit, hidden)
        spikes += np.array([lit, spiking, fired(layers[1], t, w[1], hidden.spikes, spiking, output)])
    return spikes


@numba.vectorize(cache=True)
def numbered(first, second, number):
    """``signed`` for arrays: numbers of the draws with these salts, float64."""
    return np.float64(signed((U32(np.int64(first)), U32(np.int64(second))), number))


def salted(key, counts):
    """Salts of presentations ``counts`` [n], float64 [n, 2]."""
    return np.array([salts(U32(key), U32(count)) for count in counts], np.uint32).astype(float)


def told(salt, targets, label_rate, steps, classes):
    """The label's spikes of presentations with these salts [n, 2] and ``targets`` [n], bool [n, step, class]."""
    spikes = numbered(salt[:, :1], salt[:, 1:], LABELS + np.arange(steps)) < 2 * label_rate - 1
    return spikes[:, :, None] & (np.arange(classes) == np.asarray(targets)[:, None])[:, None]
