"""Storing sequences of random patterns in a fully connected network without self-connections.

A pattern x [neuron] in {0, 1} drives the synapse W[post, pre] by ``rule.table[x_post, x_pre]`` (``theory.pairs``).
Bounded synapses take it as a candidate plasticity event (Savin, Dayan & Lengyel 2014, PLoS CB 10:e1003489, for the
cascade); additive synapses add it (Hopfield 1982, PNAS 79:2554, and its variants). Sequences run from old to new:
the pattern of age t is ``patterns[-1 - t]``. Dimensionless.
"""

import numpy as np

from fusi_models.synapse import SynapseModel, Values
from fusi_models.theory.pairs import Rule, check_coding


def random_patterns(count: int, neurons: int, coding: float, rng: np.random.Generator) -> Values:
    """[pattern, neuron] in {0, 1}, int8: neurons are active independently with probability ``coding``."""
    check_coding(coding)
    if count < 0 or neurons < 2:
        raise ValueError(f"a sequence needs count >= 0 patterns of at least 2 neurons, got {count} and {neurons}.")
    return (rng.random((count, neurons)) < coding).astype(np.int8)


def blank(syn: SynapseModel, rule: Rule, neurons: int, coding: float, burn_in: int, rng: np.random.Generator) -> Values:
    """States [post, pre] of a network that has already stored ``burn_in`` random patterns.

    The correlations of synapses that share a neuron need a few of the model's longest time constants to build up.
    """
    state = syn.init((neurons, neurons), rng)
    return store(syn, state, random_patterns(burn_in, neurons, coding, rng), rule, rng)


def store(syn: SynapseModel, state: Values, patterns: Values, rule: Rule, rng: np.random.Generator) -> Values:
    """States [post, pre] after ``patterns`` [pattern, neuron], oldest first; pure.

    Raises ``ValueError`` where patterns and state name different numbers of neurons, or a rule exceeds +-1.
    """
    patterns = np.asarray(patterns)
    if patterns.ndim != 2 or state.shape[:2] != (patterns.shape[1],) * 2:
        raise ValueError(f"patterns {patterns.shape} must be [pattern, neuron] for the synapses {state.shape}.")
    if np.abs(rule.table).max() > 1:
        raise ValueError("bounded synapses need a rule with entries between -1 and 1: sign and probability.")
    sure = np.all(np.isin(rule.table, (-1, 0, 1)))
    state = state.copy()
    for x in patterns:
        drive = rule.table[x[:, None], x[None, :]]
        if not sure:
            drive = np.sign(drive) * (rng.random(drive.shape) < np.abs(drive))
        hit = drive != 0
        state[hit] = syn.update(state[hit], drive[hit].astype(np.int8), rng)
    return state


def weights(syn: SynapseModel, state: Values, dtype: type = float) -> Values:
    """Efficacies [post, pre] as floats, 0 on the diagonal."""
    efficacy: Values = np.array(syn.efficacy(state), dtype)
    np.fill_diagonal(efficacy, 0)
    return efficacy


def additive_weights(patterns: Values, rule: Rule, noise: float, rng: np.random.Generator) -> Values:
    """Sum of the rule over ``patterns`` [pattern, neuron], plus Gaussian noise of standard deviation ``noise``."""
    x = np.stack([1 - np.asarray(patterns), patterns]).astype(float)  # [activity, pattern, neuron]
    total = np.einsum("api,ab,bpj->ij", x, rule.table, x, optimize=True)
    return np.asarray((total + noise * rng.standard_normal(total.shape)) * (1 - np.eye(len(total))))
