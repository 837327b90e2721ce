"""Compiled loops over time for synapses of ``models/calcium.py`` (loads numba; arrays are changed in place).

One step of dt, as Brian2 takes it with exponential Euler: every variable relaxes towards where the others' old values
send it, exactly for a decay; then spikes are seen. Units: ms, mV, uM.
"""

from collections.abc import Callable
from math import exp
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np

from fusi_models.checks import finite
from fusi_models.models.calcium import CalciumSynapse
from fusi_models.synapse import Values

F = TypeVar("F", bound=Callable[..., Any])

# Rows of the state of synapses, [row, synapse]; the last five are used where every synapse has a cell of its own.
FAST, SLOW, CALCIUM, WEIGHT, CONDUCTANCE, BPAP_FAST, BPAP_SLOW, EPSP_RISE, EPSP_FALL = range(9)
# The state of a cell with many synapses.
VOLTAGE, RESET, EXCITED, INHIBITED, CELL_FAST, CELL_SLOW, CELL_CONDUCTANCE = range(7)


class Constants(NamedTuple):
    """Numbers of a synapse at a step of ``dt``: ``keep_x`` is what a step leaves of x."""

    dt: float
    base: float
    dip: float
    low: float
    depress: float
    high: float
    potentiate: float
    rate: float
    half: float
    scale: float
    cubic: bool
    floor: float
    shift: float
    decay: float
    lowest: float
    highest: float
    tau_calcium: float
    keep_calcium: float
    opening: float
    open_fast: float
    open_slow: float
    keep_fast: float
    keep_slow: float
    spike_fast: float
    spike_slow: float
    keep_spike_fast: float
    keep_spike_slow: float
    epsp: float
    keep_rise: float
    keep_fall: float
    rest: float
    reversal: float
    block: float
    target: float
    recover: float
    suppress: float


class CellConstants(NamedTuple):
    """Numbers of an integrate-and-fire cell, at the same step."""

    tau: float
    threshold: float
    excite: float
    inhibit: float
    keep_excited: float
    keep_inhibited: float
    reversal_excited: float
    reversal_inhibited: float
    drop: float
    keep_reset: float


def constants(synapse: CalciumSynapse, dt: float) -> Constants:
    """The numbers of ``synapse`` for steps of ``dt`` ms.

    Raises ``ValueError`` for steps in which a weight could move by a tenth of its way at 10 uM of calcium.
    """
    finite("dt", dt, 0, above=True, unit="ms")
    if float(synapse.rate(10.0)) * synapse.decay * dt > 0.1:
        raise ValueError(f"steps of {dt} ms do not suit this learning rate: give shorter ones.")
    s, omega, rate, meta = synapse, synapse.omega, synapse.rate, synapse.meta
    nmda, bpap = s.receptor, s.bpap
    return Constants(
        dt, omega.base, omega.dip, omega.low, omega.depress, omega.high, omega.potentiate,
        rate.rate, rate.half, rate.scale, rate.power == 3, rate.floor, rate.shift, s.decay, s.lowest, s.highest,
        s.tau_calcium, exp(-dt / s.tau_calcium),
        s.opening, nmda.size * nmda.fast, nmda.size * nmda.slow, exp(-dt / nmda.tau_fast), exp(-dt / nmda.tau_slow),
        bpap.size * bpap.fast, bpap.size * bpap.slow, exp(-dt / bpap.tau_fast), exp(-dt / bpap.tau_slow),
        s.epsp, exp(-dt / s.tau_rise), exp(-dt / s.tau_fall),
        s.rest, s.reversal, s.magnesium / 3.57, meta.target, meta.recover, meta.suppress,
    )  # fmt: skip


def compiled(function: F) -> F:
    """Machine code for ``function``, kept on disk; a division by zero gives inf, as in numpy."""
    return cast(F, numba.njit(cache=True, error_model="numpy")(function))


@compiled
def exponential(x: float) -> float:
    """e^x for -50 <= x <= 50 (beyond, the value at the end) to 2e-13 of itself; plain arithmetic vectorises."""
    r = min(max(x, -50.0), 50.0) / 1024
    y = 1 + r * (1 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720 + r / 5040))))))
    for _ in range(10):
        y *= y
    return y


@compiled
def relaxation(a: float, dt: float) -> float:
    """(1 - e^(-a dt)) / a, also for a = 0, by its series: to 2e-10 of itself for a dt < 0.1, see ``constants``."""
    x = a * dt
    return dt * (1 - x * (1 / 2 - x * (1 / 6 - x * (1 / 24 - x * (1 / 120 - x / 720)))))


@compiled
def driving(voltage: float, k: Constants) -> float:
    """The NMDA current's driving force at ``voltage`` times the share without magnesium's block, in mV."""
    return (voltage - k.reversal) / (1 + exp(-0.062 * voltage) * k.block)


@compiled
def learn(calcium: Values, weight: Values, k: Constants) -> None:
    """All weights one step on, at ``calcium``; both [synapse]."""
    for i in range(len(weight)):
        c, w = calcium[i], weight[i]
        rise = 1 / (1 + exponential(-k.potentiate * (c - k.high)))
        fall = 1 / (1 + exponential(-k.depress * (c - k.low)))
        x = c + k.shift
        if k.cubic:
            x = x * x * x
        x += k.floor
        rate = k.rate * x / (k.half + k.scale * x)
        w += rate * (k.base + rise - k.dip * fall - k.decay * w) * relaxation(rate * k.decay, k.dt)
        weight[i] = min(max(w, k.lowest), k.highest)


@compiled
def adapt(g: float, square: float, k: Constants) -> float:
    """The conductance one step on, where (V - V_rest)^2 is ``square``."""
    a = k.recover + k.suppress * square
    return g + (k.recover * k.target - a * g) * relaxation(a, k.dt)


@compiled
def flow(calcium: Values, fast: Values, slow: Values, influx: float, k: Constants) -> None:
    """Calcium and open receptors one step on; ``influx``: what fully open receptors would add in tau_calcium."""
    for i in range(len(calcium)):
        enters = influx * (fast[i] + slow[i])
        calcium[i] = enters + (calcium[i] - enters) * k.keep_calcium
        fast[i] *= k.keep_fast
        slow[i] *= k.keep_slow


@compiled
def follow(pre: Values, post: Values, held: Values, state: Values, k: Constants, every: int, record: Values) -> None:
    """Synapses with a cell each. pre, post: [step, synapse] bool; held: [synapse], voltage or nan; state: [9, synapse].

    record: [3, reading, synapse], calcium, weight and conductance at the start of every ``every``-th step.
    """
    for n in range(pre.shape[0]):
        if n % every == 0:
            record[:, n // every] = state[CALCIUM : CONDUCTANCE + 1]
        learn(state[CALCIUM], state[WEIGHT], k)
        for i in range(pre.shape[1]):
            g = state[CONDUCTANCE, i]
            rise = state[EPSP_FALL, i] - state[EPSP_RISE, i] + state[BPAP_FAST, i] + state[BPAP_SLOW, i]
            if not np.isnan(held[i]):
                rise = held[i] - k.rest
            one = slice(i, i + 1)
            influx = g * driving(k.rest + rise, k) * k.tau_calcium
            flow(state[CALCIUM, one], state[FAST, one], state[SLOW, one], influx, k)
            state[CONDUCTANCE, i] = adapt(g, rise * rise, k)
            state[BPAP_FAST, i] *= k.keep_spike_fast
            state[BPAP_SLOW, i] *= k.keep_spike_slow
            state[EPSP_RISE, i] *= k.keep_rise
            state[EPSP_FALL, i] *= k.keep_fall
            if pre[n, i]:
                state[FAST, i] += k.opening * (k.open_fast - state[FAST, i])
                state[SLOW, i] += k.opening * (k.open_slow - state[SLOW, i])
                state[EPSP_RISE, i] += k.epsp
                state[EPSP_FALL, i] += k.epsp
            if post[n, i]:
                state[BPAP_FAST, i], state[BPAP_SLOW, i] = k.spike_fast, k.spike_slow


@compiled
def fire(cell: Values, drive: float, inhibit: float, k: Constants, m: CellConstants) -> bool:
    """The cell one step on, with the weights ``drive`` and so many inhibitory spikes at its end; whether it fired."""
    leak = 1 + cell[EXCITED] + cell[INHIBITED]
    goal = (cell[RESET] + cell[EXCITED] * m.reversal_excited + cell[INHIBITED] * m.reversal_inhibited) / leak
    cell[VOLTAGE] = goal + (cell[VOLTAGE] - goal) * exp(-leak * k.dt / m.tau)
    cell[RESET] = k.rest + (cell[RESET] - k.rest) * m.keep_reset
    cell[EXCITED] = cell[EXCITED] * m.keep_excited + m.excite * drive
    cell[INHIBITED] = cell[INHIBITED] * m.keep_inhibited + m.inhibit * inhibit
    cell[CELL_FAST] *= k.keep_spike_fast
    cell[CELL_SLOW] *= k.keep_spike_slow
    if cell[VOLTAGE] <= m.threshold:
        return False
    cell[RESET] -= m.drop
    cell[VOLTAGE] = cell[RESET]
    cell[CELL_FAST], cell[CELL_SLOW] = k.spike_fast, k.spike_slow
    return True


@compiled
def advance(
    excite: Values,
    inhibit: Values,
    state: Values,
    cell: Values,
    k: Constants,
    m: CellConstants,
    plastic: bool,
    fired: Values,
) -> None:
    """One cell with many synapses. excite: [step, input]; inhibit: [step], number of spikes; fired: [step], filled.

    state: [4, input]; cell: [7]. Without ``plastic`` calcium flows, but weights and conductance stay.
    """
    fast, slow, calcium, weight = state[FAST], state[SLOW], state[CALCIUM], state[WEIGHT]
    for n in range(len(fired)):
        spike = cell[CELL_FAST] + cell[CELL_SLOW]
        influx = cell[CELL_CONDUCTANCE] * driving(cell[RESET] + spike, k) * k.tau_calcium
        if plastic:
            learn(calcium, weight, k)
            cell[CELL_CONDUCTANCE] = adapt(cell[CELL_CONDUCTANCE], spike * spike, k)
        flow(calcium, fast, slow, influx, k)
        drive = 0.0
        for i in range(len(weight)):
            if excite[n, i]:
                drive += weight[i]
                fast[i] += k.opening * (k.open_fast - fast[i])
                slow[i] += k.opening * (k.open_slow - slow[i])
        fired[n] = fire(cell, drive, inhibit[n], k, m)
