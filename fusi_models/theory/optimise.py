"""The best synapse for a time scale: a search over all finite chains with a given number of states.

Maximised over the rows of M+ and M- (Lahiri & Ganguli 2013, NIPS, draw such a numeric envelope):

    signal    S(t) = 2 f+ f- pi (M+ - M-) exp(t (Mbar - 1)) w, or Mbar^t where events are discrete
    laplace   (1/t) integral of exp(-x / t) S(x) dx: the mean signal of memories of exponentially distributed age,
              mean t; at most (M-1) / (M-1 + t) by the same authors' constraints on the modes

Half the states are weak. A row is y^2 / sum y^2, so that a transition may vanish; L-BFGS with exact gradients from
sticky chains and random starts. The derivative of pi is that of Schweitzer (1968, J. Appl. Prob. 5:401),
d pi = pi dMbar (1 - Mbar + 1 pi)^-1; those of exp and powers are the corner of a block matrix (Van Loan 1978). What is
found is a lower bound on the best: a search can miss. Times: candidate events a synapse.
"""

from typing import Literal

import numpy as np
from scipy.linalg import expm
from scipy.optimize import minimize

from fusi_models.checks import MOST_COUNT, check_fraction, whole
from fusi_models.models.markov import MarkovSynapse
from fusi_models.seeds import generator
from fusi_models.synapse import Values
from fusi_models.theory.propagator import Events, check_times

Goal = Literal["signal", "laplace"]

SEARCH = {"maxiter": 3000, "maxfun": 4000, "ftol": 1e-11, "gtol": 1e-7}

MOST_STATES = 100
"""Beyond, a search takes hours: each of its thousands of steps costs the cube of them."""

STICKY = (1.0, 0.5, 0.2, 0.1, 0.03)
"""Probabilities to leave the ends of the chains that the search starts from."""


def optimise(
    states: int,
    t: float,
    goal: Goal = "signal",
    events: Events = "poisson",
    f_pot: float = 0.5,
    starts: int = 6,
    seed: int = 0,
) -> MarkovSynapse:
    """The chain of ``states`` states whose memory is strongest at age ``t``, as far as the search finds it.

    ``t``: events since storage; a whole number where events are discrete (goal "signal" only). ``starts``: random
    starts beside the sticky chains; ``seed``: of their numbers.
    Six states take about half a second. Discrete optima (shift registers, modes that turn over) need more starts.
    Raises ``ValueError`` for fewer than 2 or more than 100 states, a bad time, goal or fraction.

    >>> from fusi_models.theory.curve import memory_curve
    >>> best = optimise(2, 3.0)  # a slow binary synapse, on the envelope 1 / (3 e)
    >>> round(float(memory_curve(best, np.array([3.0]), 1, "poisson").signal[0]), 4)
    0.1226
    """
    states, starts = whole("states", states, 2), whole("starts", starts, most=MOST_COUNT)
    if states > MOST_STATES:
        raise ValueError(f"a search over chains of {states} states takes hours: give states of at most {MOST_STATES}.")
    t = float(check_times(np.array(t), events))
    check_fraction("f_pot", f_pot, below_one=True)
    if goal not in ("signal", "laplace"):
        raise ValueError(f"goal must be 'signal' or 'laplace', got {goal!r}.")
    if goal == "laplace" and (events != "poisson" or t == 0):
        raise ValueError("the goal 'laplace' is a mean over Poisson ages: give events='poisson' and t above 0.")
    strength = np.repeat([-1, 1], [states // 2, states - states // 2])
    rng = generator("starts of the search for a synapse", seed)
    chains = [_sticky(states, eps) for eps in STICKY]
    chains += [rng.dirichlet(np.full(states, (0.5, 0.1)[k % 2]), (2, states)) for k in range(starts)]

    scale = states / (states + t)  # of the order of what is sought: the stopping rule is an absolute one

    def loss(flat: Values) -> tuple[float, Values]:
        y = flat.reshape(2, states, states)
        norm = (y**2).sum(-1, keepdims=True)
        matrices = y**2 / norm
        value, slope = value_and_slope(matrices, strength, t, goal, events, f_pot)
        inner = slope - (slope * matrices).sum(-1, keepdims=True)
        return -value / scale, np.ravel(-2 * y * inner / norm) / scale

    best, least = chains[0], np.inf
    for chain in chains:
        begin = np.sqrt(0.98 * chain + 0.02 / states).ravel()
        run = minimize(loss, begin, jac=True, method="L-BFGS-B", options=SEARCH)
        if run.fun < least:
            best, least = run.x.reshape(2, states, states) ** 2, run.fun
    potentiation, depression = best / best.sum(-1, keepdims=True)
    name = f"{'best' if goal == 'signal' else 'best mean'}({states}, t={t:g})"
    return MarkovSynapse(potentiation, depression, strength, f_pot, name)


def value_and_slope(
    matrices: Values, strength: Values, t: float, goal: Goal, events: Events, f_pot: float
) -> tuple[float, Values]:
    """The goal, and its derivatives [2, state, state] by the entries of ``matrices``, M+ and M-, taken as free."""
    f, size = f_pot, len(strength)
    step = f * matrices[0] + (1 - f) * matrices[1]
    fundamental = np.linalg.inv(np.eye(size) - step + np.ones((size, size)) / size)
    pi = fundamental.sum(0) / fundamental.sum(0).sum()
    change = 2 * f * (1 - f) * (matrices[0] - matrices[1])
    row = pi @ change
    after, by_step = _carried(step, row, strength.astype(float), t, goal, events)
    gain = change @ after
    # what a change of the step does to pi; what is summed over all states drops out, for rows keep their sums
    by_step = by_step + np.outer(pi, fundamental @ (gain - pi @ gain))
    direct = 2 * f * (1 - f) * np.outer(pi, after)
    return float(row @ after), np.stack([f * by_step + direct, (1 - f) * by_step - direct])


def _carried(step: Values, row: Values, w: Values, t: float, goal: Goal, events: Events) -> tuple[Values, Values]:
    """K w, for the kernel K of the goal, and the derivative of ``row`` K w by the step."""
    size = len(step)
    flow = step - np.eye(size)
    if goal == "laplace":
        resolvent = np.linalg.inv(np.eye(size) / t - flow) / t
        after = resolvent @ w
        return after, t * np.outer(row @ resolvent, after)
    corner = np.outer(row, w)
    if events == "poisson":
        block = expm(t * np.block([[flow.T, corner], [np.zeros((size, size)), flow.T]]))
    else:
        block = np.linalg.matrix_power(np.block([[step.T, corner], [np.zeros((size, size)), step.T]]), int(t))
    return block[:size, :size].T @ w, block[:size, size:]


def _sticky(states: int, eps: float) -> Values:
    """M+ and M- of the sticky chain, also for an odd number of states."""
    leave = np.append(eps, np.ones(states - 2))
    up = np.diag(np.append(1 - leave, 1.0)) + np.diag(leave, 1)
    return np.stack([up, up[::-1, ::-1]])
