"""Experiments on single synapses of ``models/calcium.py``: pairs of spikes, a held voltage, trains of one frequency.

The three inductions of Shouval, Bear & Cooper 2002 (PNAS 99:10831), and the mean drift under Poisson spikes on both
sides, whose zero is the threshold between depression and potentiation. Numbers of pulses are ours where not said.
"""

from typing import NamedTuple

import numpy as np

from fusi_models.checks import MOST_COUNT, finite, finites, whole
from fusi_models.engines.calcium_synapse import follow, trains
from fusi_models.models.calcium import CalciumSynapse
from fusi_models.synapse import Values


class Pairing(NamedTuple):
    """``peak``: largest calcium, uM. ``change``: of the weight by one pair, the weight held where it is. [delay]."""

    peak: Values
    change: Values


def pairing(synapse: CalciumSynapse, delays: Values, weight: float = 0.25, dt: float = 0.1) -> Pairing:
    """One presynaptic spike and one of the cell ``delays`` ms later (negative: before), far from all others.

    Raises ``ValueError`` for no delay or one that is not finite.
    """
    delays = np.ravel(finites("delays", delays, unit="ms"))
    if not delays.size:
        raise ValueError("give at least one delay in ms, got none.")
    first = max(0.0, -delays.min()) + 50
    duration = first + max(0.0, delays.max()) + 20 * max(synapse.tau_calcium, synapse.receptor.tau_slow)
    pre, post = (trains(first + x[:, None], duration, dt) for x in (0 * delays, delays))
    calcium = follow(synapse, pre, post, dt, weight).calcium
    return Pairing(calcium.max(0), dt * synapse.drift(calcium, weight).sum(0))


def clamped(
    synapse: CalciumSynapse, voltages: Values, pulses: int = 100, rate: float = 1.0, weight: float = 0.25,
    dt: float = 0.5,
) -> Values:  # fmt: skip
    """Change of the weight by ``pulses`` presynaptic spikes at ``rate`` Hz, the dendrite held at ``voltages`` (mV)."""
    voltages = np.ravel(finites("voltages", voltages, unit="mV"))
    pre = _regular(np.full(len(voltages), rate), pulses, synapse, dt)
    return follow(synapse, pre, np.zeros_like(pre), dt, weight, held=voltages, every=len(pre)).final - weight


def frequency(
    synapse: CalciumSynapse, rates: Values, pulses: int = 900, weight: float = 0.25, dt: float = 0.5
) -> Values:
    """Change of the weight by ``pulses`` presynaptic spikes at each of ``rates`` (Hz); the cell does not fire."""
    changes = []
    for rate in np.ravel(finites("rates", rates, 0, above=True, unit="Hz")):
        pre = _regular(np.array([rate]), pulses, synapse, dt)
        changes.append(follow(synapse, pre, np.zeros_like(pre), dt, weight, every=len(pre)).final[0] - weight)
    return np.array(changes)


def drift(
    synapse: CalciumSynapse,
    pre_rates: Values,
    post_rate: float,
    conductance: float,
    rng: np.random.Generator,
    copies: int = 20,
    seconds: float = 50.0,
    weight: float = 0.0,
    dt: float = 1.0,
) -> tuple[Values, Values]:
    """Mean dW/dt in 1/s and its standard error, [pre_rate], under Poisson spikes of both cells (Hz); g stays put.

    ``copies`` independent synapses a rate, the first 2 s left out. Raises ``ValueError`` for fewer than 2 copies, no
    time, and rates below 0 or above one spike a step.
    """
    copies = whole("copies", copies, 2, MOST_COUNT)
    most = finites("rates", np.append(np.ravel(pre_rates), post_rate), 0, unit="Hz")
    finite("seconds", seconds, 0, above=True)
    if not np.all(most * finite("dt", dt, 0, above=True, unit="ms") <= 1000):
        raise ValueError(f"rates must be at most one spike a step, {1000 / dt:g} Hz, got {most.tolist()}.")
    still = synapse.fixed(conductance)
    rates = np.repeat(np.asarray(pre_rates, float), copies)
    shape = int((seconds + 2) * 1000 / dt), len(rates)
    pre, post = rng.random(shape) < rates * dt / 1000, rng.random(shape) < post_rate * dt / 1000
    calcium = follow(still, pre, post, dt, weight).calcium[int(2000 / dt) :]
    means = 1000 * still.drift(calcium, weight).mean(0).reshape(-1, copies)
    return means.mean(1), means.std(1, ddof=1) / np.sqrt(copies)


def crossing(x: Values, y: Values) -> float:
    """Where ``y`` last rises through zero, by linear interpolation; nan where it never does."""
    rises = np.flatnonzero((y[:-1] < 0) & (y[1:] >= 0))
    if not rises.size:
        return float("nan")
    k = rises[-1]
    return float(x[k] - y[k] * (x[k + 1] - x[k]) / (y[k + 1] - y[k]))


def _regular(rates: Values, pulses: int, synapse: CalciumSynapse, dt: float) -> Values:
    """Trains of ``pulses`` spikes at ``rates``, 100 ms to begin with, and the time for all currents to end."""
    pulses = whole("pulses", pulses, 1, MOST_COUNT)
    rates = finites("rates of a train", rates, 0, above=True, unit="Hz")
    if not rates.size:
        raise ValueError("give at least one train, got none.")
    duration = 100 + pulses * 1000 / rates.min() + 10 * max(synapse.tau_calcium, synapse.receptor.tau_slow)
    return trains([100 + np.arange(pulses) * 1000 / rate for rate in rates], duration, dt)
