"""Memory curves of synapses that are not at equilibrium, by the exact chain.

A memory stored at age a, in synapses whose states were distributed as start at age 0, leaves after t later memories

    S(t | a) = 2 f+ f- start Mbar^a (M+ - M-) Mbar^t w.

Averaged over ages 0..A-1 (every memory of a stream is tracked in turn) the start is the mean of start Mbar^a. At
equilibrium this is ``theory.memory_curve``. A bounded hidden weight stays far from equilibrium for very long, so its
curve means something only with the age.
"""

from functools import singledispatch

import numpy as np

from fusi_models.models.hidden import HiddenVariable
from fusi_models.models.integer import IntegerHiddenWeight
from fusi_models.models.markov import MarkovSynapse
from fusi_models.synapse import SynapseModel


@singledispatch
def fresh_chain(synapse: SynapseModel, levels: int = 801) -> tuple[MarkovSynapse, np.ndarray]:
    """The model as a finite chain, and the distribution [state] of the states that ``init`` draws.

    A hidden variable is put on ``levels`` levels. Raises ``TypeError`` for a model without a finite chain.
    """
    raise TypeError(f"{type(synapse).__name__} has no finite chain.")


@fresh_chain.register(MarkovSynapse)
def _(synapse: MarkovSynapse, levels: int = 801) -> tuple[MarkovSynapse, np.ndarray]:
    return synapse, synapse.equilibrium()


@fresh_chain.register(HiddenVariable)
def _(synapse: HiddenVariable, levels: int = 801) -> tuple[MarkovSynapse, np.ndarray]:
    chain = synapse.lattice(levels)
    inside = np.abs(np.linspace(-synapse.bound, synapse.bound, levels)) <= synapse.width
    return chain, inside / inside.sum()


@fresh_chain.register(IntegerHiddenWeight)
def _(synapse: IntegerHiddenWeight, levels: int = 801) -> tuple[MarkovSynapse, np.ndarray]:
    return fresh_chain(synapse.model, levels)


def transient_curve(synapse: SynapseModel, lags: np.ndarray, ages: int, f_pot: float = 0.5) -> np.ndarray:
    """S [lag] after ``lags`` later memories (whole numbers), averaged over memories stored at ages 0..``ages`` - 1.

    Discrete events, one a synapse and memory. Raises ``ValueError`` for negative lags or ages < 1.
    """
    lags = np.asarray(lags)
    if ages < 1 or (lags < 0).any() or (lags != np.round(lags)).any():
        raise ValueError(f"lags must be whole numbers >= 0 and ages >= 1, got ages={ages}, lags from {lags.min()}.")
    chain, now = fresh_chain(synapse)
    step = chain.mean_step(f_pot)
    mean = np.zeros(chain.states)
    for _ in range(ages):
        mean += now / ages
        now = now @ step
    trace = 2 * f_pot * (1 - f_pot) * mean @ (chain.potentiation - chain.depression)
    curve = []
    for _ in range(int(lags.max()) + 1):
        curve.append(trace @ chain.strength)
        trace = trace @ step
    return np.array(curve)[lags.astype(int)]
