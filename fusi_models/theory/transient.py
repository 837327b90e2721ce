"""Memory curves of synapses that are not at equilibrium, by the exact chain.

A memory stored at age a, in synapses whose states were distributed as start at age 0, leaves after t later memories

    S(t | a) = 2 f+ f- start Mbar^a (M+ - M-) Mbar^t w.

Averaged over ages 0..A-1 (every memory of a stream is tracked in turn) the start is the mean of start Mbar^a. At
equilibrium this is ``theory.memory_curve``. A bounded hidden weight stays far from equilibrium for very long, so its
curve means something only with the age.
"""

import numpy as np

from fusi_models.checks import whole
from fusi_models.models.markov import MarkovSynapse
from fusi_models.synapse import FreshChain, SynapseModel, Values, need


def fresh_chain(synapse: SynapseModel, levels: int = 801) -> tuple[MarkovSynapse, Values]:
    """The model as a finite chain, and the distribution [state] of the states that ``init`` draws.

    A hidden variable is put on ``levels`` levels. Raises ``ValueError`` for a model without a finite chain.
    """
    return need(synapse, FreshChain).fresh_chain(levels)


def transient_curve(
    synapse: SynapseModel, lags: Values, ages: int, f_pot: float | None = None, first: int = 0
) -> Values:
    """S [lag] after ``lags`` later memories (whole numbers), averaged over ``ages`` memories, stored at the ages
    ``first``, ``first`` + 1, ...

    Discrete events, one a synapse and memory, a fraction ``f_pot`` of which potentiate (by default the model's).
    Raises ``ValueError`` for negative lags, ages < 1 or first < 0.
    """
    whole("first", first)
    lags = np.asarray(lags)
    if ages < 1 or (lags < 0).any() or (lags != np.round(lags)).any():
        raise ValueError(f"lags must be whole numbers >= 0 and ages >= 1, got ages={ages}, lags from {lags.min()}.")
    f_pot = synapse.f_pot if f_pot is None else f_pot
    chain, now = fresh_chain(synapse)
    step = chain.mean_step(f_pot)
    for _ in range(first):
        now = now @ step
    mean = np.zeros(chain.states)
    for _ in range(ages):
        mean += now / ages
        now = now @ step
    trace = 2 * f_pot * (1 - f_pot) * mean @ (chain.potentiation - chain.depression)
    curve = []
    for _ in range(int(lags.max()) + 1):
        curve.append(trace @ chain.strength)
        trace = trace @ step
    values: Values = np.array(curve)[lags.astype(int)]
    return values
