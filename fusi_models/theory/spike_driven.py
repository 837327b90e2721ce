"""How likely a stimulus changes a spike-driven synapse (``models.brader``): gates and transitions against rates.

* V, constant leak and floor, driven by Poisson spikes with drift mu (thresholds a second) and variance s2 a second, as
  a diffusion between floor 0 and threshold 1, reset to 0 (Fusi & Mattia 1999, Neural Comput. 11:633), z = 2 mu/s2:
      1/rate = 1/mu - (1 - exp(-z)) / (z mu),        P(V > v) = (rate/mu) (1 - v - (1 - exp(-z (1 - v))) / z).
* C under Poisson postsynaptic spikes, k = rate tau: the shot noise of unit jumps, with C dF/dC = k (F(C) - F(C - 1)):
      F(c) = c^k (A - k int_1^c F(u - 1) u^(-k-1) du),      A = exp(-Euler k) / Gamma(k + 1).
* X under up and down jumps that come independently in each step: its exact law on a lattice, and with it the
  probability that J has changed at the end of the stimulus.

Two limits put these together. ``poisson_limit``: V, C and presynaptic spikes are independent of each other and of what
they were a step before. ``regular_limit``: the neuron is a clock, V a ramp from 0 to 1, so V and C are functions of the
phase and jumps come in clusters; C starts at 0, as in a presentation. ``measured`` counts in the simulated layer, whose
neurons are near the clock. The diffusion knows no overshoot: in steps of dt a spike loses what V has above threshold.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from fusi_models.models.brader import Gates, Internal
from fusi_models.networks.spike_driven import Circuit, present_rates
from fusi_models.seeds import generator
from fusi_models.synapse import Values

LATTICE = 2000
"""Steps of X from 0 to 1 in ``switch_probability``."""


def firing_rate(mu: float, s2: float) -> float:
    """Rate in Hz for drift ``mu`` and variance ``s2`` > 0 a second; 1 / s2 in the limit mu = 0."""
    z = 2 * mu / s2
    if abs(z) < 1e-4:
        return s2 / (1 - z / 3)
    if z < -500:
        return 0.0
    return float(mu / (1 - -np.expm1(-z) / z))


def depolarised(v: float, mu: float, s2: float) -> float:
    """P(V > v) of the driven neuron."""
    z = 2 * mu / s2
    if abs(z) < 1e-4:
        return (1 - v) ** 2
    if z < -500:  # the same with exp(-z) beyond the numbers; V rests at the floor
        return float(np.exp(z * v))
    return float(firing_rate(mu, s2) / mu * (1 - v + np.expm1(-z * (1 - v)) / z))


def calcium_law(c: Values, rate: float, tau: float, fine: int = 2000) -> Values:
    """P(C < c) for Poisson spikes at ``rate`` Hz, elementwise; ``fine`` grid points a unit of C."""
    k = rate * tau
    top = int(np.ceil(np.max(c, initial=1.0))) + 1
    grid = np.arange(top * fine + 1) / fine
    start = np.exp(-np.euler_gamma * k - gammaln(k + 1))
    law = np.zeros(len(grid))
    law[: fine + 1] = start * grid[: fine + 1] ** k
    integral = 0.0
    for unit in range(1, top):
        at = grid[unit * fine : (unit + 1) * fine + 1]
        inner = law[(unit - 1) * fine : unit * fine + 1] * at ** (-k - 1)
        sums = integral + np.append(0, np.cumsum(inner[1:] + inner[:-1]) / (2 * fine))
        law[unit * fine : (unit + 1) * fine + 1] = at**k * (start - k * sums)
        integral = sums[-1]
    return np.interp(c, grid, np.clip(law, 0, 1))


def gate_probabilities(gates: Gates, rate: float, above: float) -> tuple[float, float]:
    """P(gate = +1), P(gate = -1) at a presynaptic spike, for Poisson postsynaptic spikes and P(V > theta_v) = above."""
    edges = np.array([gates.up_low, gates.up_high, gates.down_low, gates.down_high])
    law = calcium_law(edges, rate, gates.tau)
    return above * (law[1] - law[0]), (1 - above) * (law[3] - law[2])


def switch_probability(rule: Internal, up: Values, down: Values, dt: float, potentiated: bool) -> float:
    """P(J differs at the end), from rest: J = 1 where ``potentiated``; exact on a lattice.

    ``up``, ``down``: probability of a jump in each step of ``dt`` seconds, [step]. Constants of ``rule`` are rounded to
    the lattice.
    """
    jump_up, jump_down, rise, fall, middle = (
        round(v * LATTICE) for v in (rule.up, rule.down, rule.alpha * dt, rule.beta * dt, rule.theta)
    )
    place = np.arange(LATTICE + 1)
    drifted = np.clip(place + np.where(place > middle, rise, -fall), 0, LATTICE)
    above, below = np.clip(drifted + jump_up, 0, LATTICE), np.clip(drifted - jump_down, 0, LATTICE)
    law = np.zeros(LATTICE + 1)
    law[LATTICE if potentiated else 0] = 1
    for more, less in zip(up, down, strict=True):
        stay = (1 - more - less) * np.bincount(drifted, law, LATTICE + 1)
        moved = more * np.bincount(above, law, LATTICE + 1) if more else 0
        law = stay + moved + (less * np.bincount(below, law, LATTICE + 1) if less else 0)
    return float(law[: middle + 1].sum() if potentiated else law[middle + 1 :].sum())


@dataclass(frozen=True)
class Stimulus:
    """``inputs`` synapses, ``active`` of them at ``high`` Hz and the others at ``low``, half of each with J = 1."""

    inputs: int = 640
    active: int = 320
    high: float = 50.0
    low: float = 2.0

    def drive(self, circuit: Circuit, teacher: float) -> tuple[float, float]:
        """Drift and variance a second of V, the instructor driving by ``teacher`` thresholds a second."""
        total = self.active * self.high + (self.inputs - self.active) * self.low
        w, minus = circuit.weight, circuit.weight * circuit.inhibition
        mu = total * (w / 2 - minus) + teacher - circuit.leak
        return mu, total / 2 * ((w - minus) ** 2 + minus**2)


def poisson_limit(circuit: Circuit, rule: Internal, stimulus: Stimulus, teacher: float) -> tuple[float, float, float]:
    """Rate of the neuron in Hz, P(LTP) and P(LTD) of an active synapse in one presentation; see the module's head."""
    mu, s2 = stimulus.drive(circuit, teacher)
    rate = firing_rate(mu, s2)
    up, down = gate_probabilities(circuit.gates, rate, depolarised(circuit.gates.theta_v, mu, s2))
    jumps = np.full((2, circuit.steps), [[up], [down]]) * stimulus.high * circuit.dt
    ltp, ltd = (switch_probability(rule, jumps[0], jumps[1], circuit.dt, p) for p in (False, True))
    return rate, ltp, ltd


def regular_limit(
    circuit: Circuit, rule: Internal, stimulus: Stimulus, rate: float, phases: int = 20
) -> tuple[float, float]:
    """P(LTP), P(LTD) of an active synapse in one presentation for a neuron that fires at ``rate`` like a clock."""
    arrives, found = stimulus.high * circuit.dt, np.zeros(2)
    for phase in (np.arange(phases) + 0.5) / phases:
        turns = phase + rate * circuit.dt * np.arange(circuit.steps)
        spikes = np.diff(np.floor(turns), prepend=0)
        c, calcium, decay = 0.0, np.empty(circuit.steps), np.exp(-circuit.dt / circuit.gates.tau)
        for t in range(circuit.steps):
            c = (c + spikes[t]) * decay
            calcium[t] = c
        gate = circuit.gates.gate(turns % 1, calcium)
        jumps = arrives * (gate > 0), arrives * (gate < 0)
        found += [switch_probability(rule, *jumps, circuit.dt, p) for p in (False, True)]
    ltp, ltd = found / phases
    return float(ltp), float(ltd)


def measured(
    circuit: Circuit, rule: Internal, stimulus: Stimulus, teacher: float, trials: int, seed: int, units: int = 20
) -> tuple[float, float, float]:
    """Rate, P(LTP) and P(LTD) of an active synapse, counted in ``units`` neurons over ``trials`` presentations."""
    active = np.arange(stimulus.inputs) < stimulus.active
    rates = np.where(active, stimulus.high, stimulus.low) * circuit.dt
    found, drive = np.zeros(3), np.full((1, units), teacher)
    for trial in range(trials):
        rng = generator("trial of a synapse", seed, trial)
        state = np.empty((stimulus.inputs, units), np.int8)
        for part in (active, ~active):
            half = np.arange(part.sum()) % 2
            state[part] = rng.permuted(np.tile(half[:, None], units), axis=0)
        counts, after = present_rates(circuit, rule, state, rates[None], drive, rng.integers(0, 2**31, 1))
        before, after = state[active] > 0, after[active] > 0
        found += counts.mean() / (circuit.steps * circuit.dt), after[~before].mean(), (~after)[before].mean()
    rate, ltp, ltd = found / trials
    return float(rate), float(ltp), float(ltd)
