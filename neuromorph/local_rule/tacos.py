"""One presentation of a spiking network with error neurons and protected real weights (loads numba).

Neurons, error neurons F+ and F-, and traces: ``error_neurons``. In each step of 1 ms the hidden layer takes the input
spikes of this step, the outputs the hidden spikes of this step; then error neurons; then, the hidden layer first:
U <- U - U / 15 + push;   push of an output (F+ - F-) / 3, of a hidden unit B (F+ - F-) / 3, B fixed and random
w_ji <- w_ji - f eta S_j U_i   where |I_i| < window;   f = exp(-|m_ji w_ji|)              (metaplasticity)
w_ji <- w_ji - alpha (w_ji - w0_ji)   for every j, where unit i spikes                     (heterosynaptic drift)
After the presentation:   w0 <- w0 + (w - w0) / tau_ref
m <- min(m + dm, cap) where both traces exceed their thresholds, and the label's unit had most spikes (neuromodulation)
``grid`` > 0: every change of w is rounded to a multiple of it, up or down at random, without bias (fixed point)
``gather`` > 0: w is made of devices (``devices``), without drift: steps are summed in g_ji, 0 at the start of a
presentation; where |g_ji| >= gather a device goes one level by its sign, g_ji <- 0; all that are written in a step are
the same device of their synapse, in the next step with a write the next

Source: Soures, Helfer, Daram, Pandit & Kudithipudi 2024 (TACOS, arXiv:2409.00021), equations second-hand; constants of
the same group's public code (Zohora et al. 2024), and so are devices and g. How w0 follows w, and what neuromodulation
gates, were not in our sources: ours, a *reconstruction*.
w, w0, g and m are without a unit; times in steps of 1 ms.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# numba finds the types of its functions' arguments when it compiles them

import math
from typing import NamedTuple

import numba
import numpy as np

from neuromorph.local_rule.draws import U32, compiled, normal, salts, signed
from neuromorph.local_rule.error_neurons import (
    WRITES,
    at_rest,
    blamed,
    consolidated,
    fired,
    moved,
    shown,
    silent,
    weight,
)

f32 = np.float32
LEAK = f32(15)


class Rates(NamedTuple):
    """What the compiled code needs of a layer beside ``error_neurons.Layer``; 0 switches a mechanism off."""

    eta: float
    alpha: float
    tau_ref: float
    w_max: float
    grid: float
    gather: float = 0.0
    scale: tuple[float, float] = (0.0, 0.0)


class Cells(NamedTuple):
    """The devices of a layer: ``r`` [before, after, device], ``turn`` [1]: steps with a write, ``Devices.table``."""

    r: np.ndarray
    turn: np.ndarray
    table: tuple[np.ndarray, np.ndarray]


@compiled
def rounding(salt, t, place, drifts):
    """The number that rounds a change of synapse ``place`` of all in step ``t``, by learning or by drift."""
    return signed(salt, WRITES + 2 * (t * place[1] + place[0]) + drifts)


@compiled
def _changed(w, change, rates, salt, t, place, drifts):
    """The weight after a change, within +-w_max, on the grid where there is one."""
    new = min(max(w + change, f32(-rates.w_max)), f32(rates.w_max))
    if rates.grid > 0:
        level = new / f32(rates.grid)
        low = math.floor(level)
        up = 0.5 * (1 + rounding(salt, t, place, drifts)) < level - low
        new = f32((low + up) * rates.grid)
    return new


@compiled
def noise(salt, t, place):
    """The normal number of a write of synapse ``place`` of all in step ``t``."""
    return normal(salt, WRITES // 2 + t * place[1] + place[0])


@compiled
def _damping(m, w):
    return f32(math.exp(-abs(m * w)))


@compiled
def _steps(layer, rates, units):
    """eta U of the units in their window."""
    steps = np.empty_like(units.u)
    for i in range(len(steps)):
        steps[i] = f32(rates.eta) * units.u[i] if abs(units.current[i]) < layer.window else f32(0)
    return steps


@compiled
def _learned(layer, rates, units, w, m, spikes, count, place, protects, salt, t):
    """Steps down the error of the synapses that just had a spike."""
    steps = _steps(layer, rates, units)
    for k in range(count):
        j = spikes[k]
        damped = steps.copy()
        if protects:
            for i in range(len(steps)):
                if m[j, i] > 0 and steps[i] != 0:  # exp(0) is 1
                    damped[i] *= _damping(m[j, i], w[j, i])
        for i in range(len(steps)):
            if rates.grid > 0:
                if damped[i] != 0:
                    here = (place[0] + j * w.shape[1] + i, place[1])
                    w[j, i] = _changed(w[j, i], -damped[i], rates, salt, t, here, 0)
            else:
                w[j, i] = min(max(w[j, i] - damped[i], f32(-rates.w_max)), f32(rates.w_max))


@compiled
def _empty(gathers, w, m, before, protects):
    """g and f [before, after] of a presentation with inputs ``before``; no array where nothing gathers."""
    shape = w.shape if gathers else (0, 0)
    gathered, damping = np.zeros(shape, f32), np.ones(shape, f32)
    for j in before if gathers and protects else before[:0]:
        for i in range(w.shape[1]):
            damping[j, i] = _damping(m[j, i], w[j, i])
    return gathered, damping


@compiled
def _gathered(layer, rates, units, w, m, cells, sums, spikes, count, place, protects, salt, t):
    """As ``_learned``, with devices; ``sums``: g, and f, which changes with a write only."""
    steps, (gathered, damping), some = _steps(layer, rates, units), sums, False
    for k in range(count):
        j = spikes[k]
        total, factor, largest = gathered[j], damping[j], f32(0)
        for i in range(len(steps)):
            total[i] -= steps[i] * factor[i]
            largest = max(largest, abs(total[i]))
        for i in range(len(steps) if largest >= f32(rates.gather) else 0):
            if abs(gathered[j, i]) >= f32(rates.gather):
                here, device = (place[0] + j * w.shape[1] + i, place[1]), cells.turn[0] % cells.r.shape[2]
                direction = 1 if gathered[j, i] > 0 else -1
                new = moved(cells.r[j, i, device], direction, cells.table, noise(salt, t, here))
                cells.r[j, i, device] = new
                w[j, i] = weight(cells.r[j, i], rates.scale)
                damping[j, i] = _damping(m[j, i], w[j, i]) if protects else f32(1)
                gathered[j, i], some = f32(0), True
    cells.turn[0] += some


@compiled
def _drifted(rates, w, reference, fired, count, salt, t, place):
    """Towards the reference weight, all synapses of the units that spike."""
    if rates.alpha == 0:
        return
    for k in range(count):
        i = fired[k]
        for j in range(len(w)):
            here = (place[0] + j * w.shape[1] + i, place[1])
            change = -f32(rates.alpha) * (w[j, i] - reference[j, i])
            w[j, i] = _changed(w[j, i], change, rates, salt, t, here, 1)


@compiled
def present(
    layers, rates, w, reference, m, cells, back, thresholds, chances, label_rate, steps, target, switches, key, count
):
    """Show one sample; ``target`` -1 learns nothing. Returns output spikes [class].

    ``w``, ``reference``, ``m``: of the hidden and the output layer, [before, after], and their ``cells``; ``back`` B
    [hidden, class]; ``chances`` of an input spike a step [input]; ``thresholds`` of the traces: inputs, hidden, output;
    ``switches``: metaplasticity, neuromodulation. ``key`` and ``count`` name the draws, which are those of
    ``error_driven.present``; a draw that rounds a weight or writes a device is named by its step and synapse.
    """
    protects, modulated = switches
    hidden, output, inputs = at_rest(back.shape[0]), at_rest(back.shape[1]), silent(chances)
    salt, error = salts(key, count), np.zeros((2, back.shape[1]), f32)
    first, second = (0, w[0].size + w[1].size), (w[0].size, w[0].size + w[1].size)  # where a layer's synapses begin
    counts = np.zeros(back.shape[1], np.int64)
    gathers = target >= 0 and rates[0].gather > 0
    first_sums = _empty(gathers, w[0], m[0], inputs.active, protects)
    second_sums = _empty(gathers, w[1], m[1], np.arange(len(w[1])), protects)
    for t in range(steps):
        lit = shown(chances, t, salt, inputs)
        spiking = fired(layers[0], t, w[0], inputs.spikes, lit, hidden)
        answers = fired(layers[1], t, w[1], hidden.spikes, spiking, output)
        counts[output.spikes[:answers]] += 1
        if target < 0:
            continue
        hidden.u[:] -= hidden.u / LEAK
        output.u[:] -= output.u / LEAK
        blamed(t, target, label_rate, salt, error, answers, back, hidden, output)
        how = protects, salt, t
        if gathers:
            _gathered(layers[0], rates[0], hidden, w[0], m[0], cells[0], first_sums, inputs.spikes, lit, first, *how)
            _gathered(
                layers[1], rates[1], output, w[1], m[1], cells[1], second_sums, hidden.spikes, spiking, second, *how
            )
        else:
            _learned(layers[0], rates[0], hidden, w[0], m[0], inputs.spikes, lit, first, *how)
            _learned(layers[1], rates[1], output, w[1], m[1], hidden.spikes, spiking, second, *how)
        _drifted(rates[0], w[0], reference[0], hidden.spikes, spiking, salt, t, first)
        _drifted(rates[1], w[1], reference[1], output.spikes, answers, salt, t, second)
    if target >= 0:
        for k in range(2):
            if rates[k].alpha > 0:
                reference[k][:] += (w[k] - reference[k]) / f32(rates[k].tau_ref)
        best = counts[target] > 0
        for c in range(len(counts)):
            best = best and (c == target or counts[c] < counts[target])
        if best or not modulated:
            consolidated(layers[0], m[0], inputs.trace, hidden.trace, thresholds[:2])
            consolidated(layers[1], m[1], hidden.trace, output.trace, thresholds[1:])
    return counts


@numba.vectorize(cache=True)
def roundings(first, second, t, place, total, drifts):
    """``rounding`` for arrays, of synapses ``place`` of ``total``, float64."""
    return np.float64(rounding((U32(np.int64(first)), U32(np.int64(second))), t, (place, total), drifts))


@numba.vectorize(cache=True)
def noises(first, second, t, place, total):
    """``noise`` for arrays, float64."""
    return np.float64(noise((U32(np.int64(first)), U32(np.int64(second))), t, (place, total)))


@compiled
def all_moved(r, directions, noises, table):
    """``moved`` for arrays [n], float64, as they are kept in float32; direction 0 moves nothing."""
    new = r.astype(np.float64)
    for k in range(len(r)):
        if directions[k] != 0:
            new[k] = f32(moved(f32(r[k]), int(directions[k]), table, f32(noises[k])))
    return new
