"""What is possible for a synapse with M states, and where a model's memory sits in its states.

Modes (Lahiri & Ganguli 2013, NIPS): S(t) = Re sum_a I_a lambda_a^t, or exp(-t / tau_a) with tau_a = 1 / (1 - lambda_a)
under Poisson events. From sum_a I_a <= 1 and sum_a I_a tau_a <= M - 1 follows the envelope over all models:

    S(t) <= exp(-t / (M-1))   for t <= M-1,        S(t) <= (M-1) / (e t)   after.

Discrete events (our own derivation, for modes with lambda in [0, 1) only; a shift register breaks it):

    S(t) <= (1 - 1/(M-1))^t   for t <= M-2,        S(t) <= (M-1)/(t+1) (t/(t+1))^t   after.

First passage: T_ij is the mean number of events from i to j; eta_i = sum_{j strong} T_ij pi_j orders the states.
"""

from dataclasses import dataclass

import numpy as np

from fusi_models.models.markov import MarkovSynapse
from fusi_models.synapse import Linear, SynapseModel, Values, need
from fusi_models.theory.curve import memory_curve
from fusi_models.theory.propagator import Events, check_times


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Modes of a memory curve, slowest first; [mode] each, real where every mode is.

    ``eigenvalues``: lambda of one random event. ``weights``: I_a. ``time_constants``: tau_a in mean Poisson intervals.
    """

    eigenvalues: np.ndarray
    weights: np.ndarray
    time_constants: np.ndarray

    def signal(self, times: np.ndarray, events: Events = "discrete") -> np.ndarray:
        """S(t) from the modes, shape of ``times``; less precise than ``memory_curve`` where modes nearly coincide."""
        times = check_times(times, events)[..., None]
        decay = self.eigenvalues**times if events == "discrete" else np.exp(-times / self.time_constants)
        return np.real(decay @ self.weights)


def spectrum(syn: SynapseModel, f_pot: float | None = None) -> Spectrum:
    """Modes of the memory curve; complex modes come in conjugate pairs.

    Raises ``ValueError`` where modes coincide so closely that the matrix cannot be diagonalised (cascade of depth 2).
    """
    response = need(syn, Linear).response("poisson", f_pot)
    values, right = np.linalg.eig(response.step)
    if not np.linalg.cond(right) < 1e7:
        raise ValueError(f"{syn.name} has modes that coincide, so it has no spectrum: use memory_curve instead.")
    weights = (response.start @ right) * np.linalg.solve(right, response.readout)
    order = np.argsort(-values.real, kind="stable")
    return Spectrum(values[order], weights[order], 1 / (1 - values[order]))


def envelope(times: np.ndarray, states: int, events: Events = "poisson") -> np.ndarray:
    """Largest S(t) that any synapse with ``states`` states can have, shape of ``times``; times sqrt(N) for the SNR.

    Raises ``ValueError`` for fewer than 2 states or bad times.
    """
    if states < 2:
        raise ValueError(f"states must be at least 2, got {states}.")
    t, m = check_times(times, events), states - 1.0
    if events == "poisson":
        return np.where(t <= m, np.exp(-t / m), m / (np.e * np.maximum(t, m)))
    return np.where(t <= m - 1, (1 - 1 / m) ** t, m / (t + 1) * (t / (t + 1)) ** t)


def envelope_lifetime(synapses: float, states: int, threshold: float = 1.0) -> float:
    """Longest Poisson lifetime of any synapse with ``states`` states: where the envelope meets the threshold."""
    peak = np.sqrt(synapses) / threshold
    m = states - 1
    return float(m * peak / np.e if peak >= np.e else m * max(np.log(peak), 0.0))


def envelope_share(syn: MarkovSynapse, times: np.ndarray, events: Events = "poisson") -> np.ndarray:
    """Fraction of the envelope that the model reaches at each time."""
    return memory_curve(syn, times, 1, events).signal / envelope(times, syn.states, events)


def first_passage(syn: MarkovSynapse, f_pot: float | None = None) -> np.ndarray:
    """[from, to]: mean number of candidate events to the first visit; 0 on the diagonal, inf where it never comes."""
    pi = syn.equilibrium(f_pot)
    z = _fundamental(syn, f_pot, pi)
    with np.errstate(divide="ignore", invalid="ignore"):
        times = (np.diag(z)[None, :] - z) / pi[None, :]
    times[:, pi == 0] = np.inf
    np.fill_diagonal(times, 0.0)
    return times


def passage_order(syn: MarkovSynapse, f_pot: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """States from the one farthest from strong to the nearest, and eta [state], the mean distance of each."""
    z = _fundamental(syn, f_pot, syn.equilibrium(f_pot))
    eta = (np.diag(z)[None, :] - z)[:, syn.strength > 0].sum(1)
    return np.argsort(-eta, kind="stable"), eta


def _fundamental(syn, f_pot, pi):
    return np.linalg.inv(np.eye(syn.states) - syn.mean_step(f_pot) + pi[None, :])
