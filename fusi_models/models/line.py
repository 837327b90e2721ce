"""Synapses whose states stand in a line: plain binary, multistate with hard ends, serial with sticky ends.

Plain binary synapse: an event of the opposite sign flips the efficacy with probability q.
Multistate: each event moves one state towards its sign with probability q. Serial (Lahiri & Ganguli 2013, NIPS): with
probability 1, but for the end states, which are left with probability eps.
"""

import numpy as np

from fusi_models.catalogue import Entry
from fusi_models.checks import MOST_STATES, check_fraction, whole
from fusi_models.models.markov import MarkovSynapse
from fusi_models.synapse import Values


def plain(q: float = 1.0) -> MarkovSynapse:
    """Binary synapse without hidden state: an event of the opposite sign flips it with probability ``q``."""
    check_fraction("q", q)
    return MarkovSynapse(
        np.array([[1 - q, q], [0, 1]]), np.array([[1, 0], [q, 1 - q]]), np.array([-1, 1]), name=f"plain(q={q:g})"
    )


def multistate(states: int, q: float = 1.0) -> MarkovSynapse:
    """Chain of ``states`` states with hard ends: each event moves one state towards its sign with probability ``q``.

    The weaker half of the states has efficacy -1. Raises ``ValueError`` for an odd number of states.
    """
    states = _even(states)
    check_fraction("q", q)
    return _line(states, np.full(states - 1, q), f"multistate({states}, q={q:g})")


def serial(states: int, eps: float = 0.01) -> MarkovSynapse:
    """Chain of states with sticky ends (Lahiri & Ganguli 2013): an end state is left with probability ``eps``.

    As ``eps`` goes to 0 its area reaches the largest possible, states - 1. Raises ``ValueError`` for an odd number.
    """
    states = _even(states)
    check_fraction("eps", eps)
    return _line(states, np.append(eps, np.ones(states - 2)), f"serial({states}, eps={eps:g})")


def _line(states: int, leave: Values, name: str) -> MarkovSynapse:
    """``leave``: [state - 1], probability that potentiation moves state i to i + 1; depression is the mirror image."""
    potentiation = np.diag(np.append(1 - leave, 1.0)) + np.diag(leave, 1)
    return MarkovSynapse(potentiation, potentiation[::-1, ::-1], np.repeat([-1, 1], states // 2), name=name)


def _even(states: int) -> int:
    if whole("states", states, most=MOST_STATES) < 2 or states % 2:
        raise ValueError(f"states must be an even number of at least 2, got {states}.")
    return int(states)


def _plain(q: float = 1.0) -> MarkovSynapse:
    return plain(q)


def _multistate(states: int, q: float = 1.0, rate: float = 1.0) -> MarkovSynapse:
    return multistate(states, q).slowed(rate)


def _serial(states: int, eps: float = 0.01, rate: float = 1.0) -> MarkovSynapse:
    return serial(states, eps).slowed(rate)


CATALOGUE = (
    Entry("plain", _plain, {"theory": {}, "local": {"q": 0.03}}),
    Entry("multistate", _multistate, {"theory": {}, "local": {"states": 10, "rate": 0.1}}),
    Entry("serial", _serial, {"theory": {}, "local": {"states": 10, "eps": 0.1, "rate": 0.1}}),
)
