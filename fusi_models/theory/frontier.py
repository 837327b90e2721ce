"""What is possible for a synapse with M states, and where a model's memory sits in its states.

Modes (Lahiri & Ganguli 2013, NIPS): S(t) = Re sum_a I_a lambda_a^t, or exp(-t / tau_a) with tau_a = 1 / (1 - lambda_a)
under Poisson events. From sum_a I_a <= 1 and sum_a I_a tau_a <= M - 1 follows the envelope over all models:

    S(t) <= exp(-t / (M-1))   for t <= M-1,        S(t) <= (M-1) / (e t)   after.

This is a bound on Poisson curves only: it needs modes that decay without turning over, in continuous time. Discrete
events have modes that change sign and finish in finite time (a shift register shows a memory in full at t = M/2 - 1),
and chains beat every discrete analogue we know (by 1.8 at M = 2, t = 5). No bound is offered for them.

First passage: T_ij is the mean number of events from i to j; eta_i = sum_{j strong} T_ij pi_j orders the states.
"""

import math
from dataclasses import dataclass

import numpy as np

from fusi_models.checks import finite, whole
from fusi_models.models.markov import MarkovSynapse
from fusi_models.reduction import occupation
from fusi_models.synapse import Chain, Linear, SynapseModel, Values, need
from fusi_models.theory.curve import memory_curve, tracked
from fusi_models.theory.propagator import Events, check_times


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Modes of a memory curve, slowest first; [mode] each, real where every mode is.

    ``eigenvalues``: lambda of one random event. ``weights``: I_a. ``time_constants``: tau_a in mean Poisson intervals.
    """

    eigenvalues: Values
    weights: Values
    time_constants: Values

    def signal(self, times: Values, events: Events = "discrete") -> Values:
        """S(t) from the modes, shape of ``times``; less precise than ``memory_curve`` where modes nearly coincide."""
        times = check_times(times, events)[..., None]
        decay = self.eigenvalues**times if events == "discrete" else np.exp(-times / self.time_constants)
        return np.real(decay @ self.weights)


def spectrum(syn: SynapseModel, f_pot: float | None = None) -> Spectrum:
    """Modes of the memory curve; complex modes come in conjugate pairs.

    Raises ``ValueError`` where modes coincide so closely that the matrix cannot be diagonalised (cascade of depth 2),
    and where a mode lasts longer than double precision resolves to a millionth (cascades from depth 32 on).
    """
    response = need(syn, Linear).response("poisson", f_pot)
    values, right = np.linalg.eig(response.step)
    if not np.linalg.cond(right) < 1e7:
        raise ValueError(f"{syn.name} has modes that coincide, so it has no spectrum: use memory_curve instead.")
    if not np.abs(1 - values).min() > 4e6 * np.finfo(float).eps:
        raise ValueError(
            f"{syn.name} has modes that last too long for double precision, so it has no spectrum: use memory_curve, "
            "area or laplace instead."
        )
    weights = (response.start @ right) * np.linalg.solve(right, response.readout)
    order = np.argsort(-values.real, kind="stable")
    return Spectrum(values[order], weights[order], 1 / (1 - values[order]))


def envelope(times: Values, states: int, events: Events = "poisson") -> Values:
    """Upper bound on S(t) of every synapse with ``states`` states, shape of ``times``; times sqrt(N) for the SNR.

    Poisson events, t in mean intervals. Not tight: no synapse is known that reaches it for small t.
    Raises ``ValueError`` for fewer than 2 states, bad times, and discrete events, for which no bound is known.
    """
    whole("states", states, 2)
    if events != "poisson":
        raise ValueError("the envelope bounds Poisson events only: no bound is known for discrete events.")
    t, m = check_times(times, events), states - 1.0
    return np.where(t <= m, np.exp(-t / m), m / (math.e * np.maximum(t, m)))


def envelope_lifetime(synapses: float, states: int, threshold: float = 1.0) -> float:
    """Upper bound on Poisson lifetimes of synapses with ``states`` states: where the envelope meets the threshold."""
    peak = np.sqrt(tracked(synapses)) / finite("threshold", threshold, 0, above=True)
    m = whole("states", states, 2) - 1
    return float(m * peak / math.e if peak >= math.e else m * max(np.log(peak), 0.0))


def envelope_share(syn: MarkovSynapse, times: Values, events: Events = "poisson") -> Values:
    """Fraction of the envelope that the model's Poisson curve reaches at each time; raises as ``envelope``."""
    share: Values = memory_curve(syn, times, 1, events).signal / envelope(times, syn.states, events)
    return share


def first_passage(syn: MarkovSynapse, f_pot: float | None = None) -> Values:
    """[from, to]: mean number of candidate events to the first visit; 0 on the diagonal, inf where it never comes."""
    syn = need(syn, Chain).chain()
    pi, step, times = syn.equilibrium(f_pot), syn.mean_step(f_pot), np.full((syn.states, syn.states), np.inf)
    for to in np.flatnonzero(pi > 0):
        others = np.arange(syn.states) != to
        spent = occupation(step[np.ix_(others, others)], step[others, to], np.ones((syn.states - 1, 1)))
        times[others, to] = spent[:, 0]
    np.fill_diagonal(times, 0.0)
    return times


def passage_order(syn: MarkovSynapse, f_pot: float | None = None) -> tuple[Values, Values]:
    """States from the one farthest from strong to the nearest, and eta [state], the mean distance of each."""
    pi = syn.equilibrium(f_pot)
    strong = (syn.strength > 0) & (pi > 0)
    eta: Values = first_passage(syn, f_pot)[:, strong] @ pi[strong]
    return np.argsort(-eta, kind="stable"), eta
