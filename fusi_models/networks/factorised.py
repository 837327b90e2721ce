"""Recall that takes the synapses as independent given the pattern.

    log P(x | W, cue) = sum_i x_i e_i + sum_{i != j} log P(W_ij | x_i, x_j) + const = sum_i x_i h_i + x J x / 2 + const

with e the evidence of prior and cue: a Boltzmann machine, sampled by Gibbs or solved by mean field. P(W | x_i, x_j) is
Bernoulli for binary and Gaussian for additive weights, with the exact mean (``memory``). The terms of J and h are those
of Savin, Dayan & Lengyel (2014, PLoS CB 10:e1003489) as derived here: recurrent drive, the mean of a neuron's incoming
and outgoing weights, and the total activity.

Synapses that share a neuron are not independent: where they are correlated, this is worse than the cue alone, an
expected negative result (Savin, Dayan & Lengyel 2013, NIPS). ``attractor`` knows not even the statistics: it is the
network of Hopfield (1982, PNAS 79:2554), started at the cue.
"""

from math import exp

import numpy as np
from scipy.special import expit

from fusi_models.networks.memory import Memory
from fusi_models.synapse import Values
from fusi_models.theory.pairs import standard


def log_tables(weights: Values, memory: Memory) -> Values:
    """[x_post, x_pre, post, pre]: log P(W_ij | x_i, x_j) up to a constant; 0 on the diagonal."""
    mean = memory.mean[..., None, None]
    if memory.binary:
        up = np.clip((1 + mean) / 2, 1e-9, 1 - 1e-9)
        logs = np.where(weights > 0, np.log(up), np.log1p(-up))
    else:
        logs = -((weights - mean) ** 2) / 2 / memory.pairs.variance
    return np.asarray(logs * (1 - np.eye(len(weights))))


def couplings(weights: Values, memory: Memory) -> tuple[Values, Values]:
    """J [neuron, neuron], symmetric without diagonal, and h [neuron] without the evidence."""
    logs = log_tables(weights, memory)
    both = logs[1, 1] - logs[1, 0] - logs[0, 1] + logs[0, 0]
    return both + both.T, (logs[1, 0] - logs[0, 0]).sum(1) + (logs[0, 1] - logs[0, 0]).sum(0)


def log_posterior(x: Values, weights: Values, memory: Memory, evidence: Values) -> Values:
    """[...]: log P(x | W, cue) up to a constant, for patterns ``x`` [..., neuron]."""
    j, h = couplings(weights, memory)
    return np.asarray(x @ (h + evidence) + 0.5 * np.einsum("...i,ij,...j->...", x, j, x))


def gibbs(
    weights: Values,
    memory: Memory,
    evidence: Values,
    rng: np.random.Generator,
    sweeps: int = 60,
    burn: int = 20,
) -> Values:
    """[neuron]: probability of being active, the mean of the conditional ones over ``sweeps`` after ``burn``."""
    j, h = couplings(weights, memory)
    x = (evidence > 0).astype(float)
    field, total = j @ x + h + evidence, np.zeros(len(h))
    for sweep in range(burn + sweeps):
        for i, u in enumerate(rng.random(len(h))):
            chance = 1 / (1 + exp(-min(max(field[i], -500.0), 500.0)))
            new = float(u < chance)
            if new != x[i]:
                field += j[i] * (new - x[i])
                x[i] = new
            if sweep >= burn:
                total[i] += chance
    return total / sweeps


def mean_field(weights: Values, memory: Memory, evidence: Values, steps: int = 200) -> Values:
    """[neuron]: probability of being active at a fixed point p = logistic(evidence + h + J p), damped by 1/2."""
    j, h = couplings(weights, memory)
    p = expit(evidence)
    for _ in range(steps):
        new = expit(evidence + h + j @ p)
        if np.abs(new - p).max() < 1e-6:
            break
        p = (p + new) / 2
    return np.asarray(p)


def attractor(weights: Values, cue: Values, coding: float, steps: int = 50) -> Values:
    """[neuron] in {0, 1}: x_i is on where sum_j (W_ij - <W>) phi_j > 0, all at once, until nothing changes."""
    n = len(weights)
    lean = (weights - weights.sum() / n / (n - 1)) * (1 - np.eye(n))
    x = np.asarray(cue, float)
    for _ in range(steps):
        new = (lean @ standard(x, coding) > 0).astype(float)
        if np.array_equal(new, x):
            break
        x = new
    return x
