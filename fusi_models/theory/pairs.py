"""Synapses that share a neuron are correlated: the exact stationary covariances of a network that stores patterns.

Neurons x_i are independent, 1 with probability f. A pattern drives the synapse W_ij (onto i, from j) by
``table[x_i, x_j]``. The effect is that of Savin, Dayan & Lengyel (2014, PLoS CB 10:e1003489); derived here.

Finite chains (Fusi's cascade and any other): M_e(a, b) is M+, M- or no change as the table says for post a, pre b; two
synapses under the same patterns are one chain with the step sum_x P(x) M_e1(x) (x) M_e2(x) (Kronecker product). With
its stationary law pi2, c = pi2 (w (x) w) - mean^2.

Additive synapses (W is the sum of the tables of all stored patterns): with phi = (x - f) / sqrt(f (1 - f)) and
table = mu + alpha phi_post + beta phi_pre + gamma phi_post phi_pre, per stored pattern
    var = alpha^2 + beta^2 + gamma^2, reciprocal: 2 alpha beta + gamma^2,
    shared post: alpha^2, shared pre: beta^2, chain: alpha beta.

Efficacies are -1 and +1 for chains; everything is dimensionless.
"""

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np

from fusi_models.checks import finites, whole
from fusi_models.models.markov import LEAST_VARIANCE, MarkovSynapse
from fusi_models.synapse import Values

KINDS = {"post": (0, 1, 0, 2), "pre": (0, 1, 2, 1), "chain": (0, 1, 1, 2), "reciprocal": (0, 1, 1, 0)}
"""Which neurons two synapses connect: post and pre of the first, post and pre of the second."""
MOST_STATES = 64
"""Of a chain whose pairs are followed: a matrix of them has as many numbers to the fourth power."""


@dataclass(frozen=True, eq=False)
class Rule:
    """What a pattern does to a synapse: ``table[post, pre]`` for inactive (0) and active (1) neurons.

    Additive synapses add the entry. A finite chain takes it as a candidate event: the sign potentiates or depresses,
    the size is the probability that the event happens. Raises ``ValueError`` for a shape other than (2, 2).
    """

    table: Values
    name: str = "rule"

    def __post_init__(self) -> None:
        table = finites("a rule", self.table)
        if table.shape != (2, 2):
            raise ValueError(f"a rule needs four finite numbers, table[post, pre], got shape {table.shape}.")
        object.__setattr__(self, "table", table)

    def components(self, coding: float) -> tuple[float, float, float, float]:
        """mu, alpha (post), beta (pre), gamma (both) of the table over phi = (x - f) / sqrt(f (1 - f))."""
        check_coding(coding)
        basis = np.stack([np.ones(2), standard(np.arange(2), coding)]) * activity(coding)
        (mu, beta), (alpha, gamma) = basis @ self.table @ basis.T
        return float(mu), float(alpha), float(beta), float(gamma)


GATING = {
    "pre": Rule(np.array([[0, -1], [0, 1]]), "pre"),
    "post": Rule(np.array([[0, 0], [-1, 1]]), "post"),
    "symmetric": Rule(np.array([[1, -1], [-1, 1]]), "symmetric"),
    "coincidence": Rule(np.array([[0, -1], [-1, 1]]), "coincidence"),
}
"""Rules for finite chains, named as in ``fusi_models.coding``."""


def additive_rule(name: str, coding: float) -> Rule:
    """Rules for additive synapses: "hebb" x x', "pre" x' (x - f), "post" x (x' - f), "covariance" (x - f)(x' - f).

    x: post, x': pre, f: ``coding``. Raises ``ValueError`` for another name.
    """
    check_coding(coding)
    plain, centred = np.arange(2.0), np.arange(2.0) - coding
    factors = {"hebb": (plain, plain), "pre": (centred, plain), "post": (plain, centred), "covariance": (centred,) * 2}
    if name not in factors:
        raise ValueError(f"an additive rule is one of {', '.join(factors)}, got {name!r}.")
    return Rule(np.outer(*factors[name]), name)


class Pairs(NamedTuple):
    """Mean and variance of an efficacy, and its covariance with one that shares its post- or its presynaptic neuron,
    whose pre is its post (``chain``), or that runs the other way (``reciprocal``)."""

    mean: float
    variance: float
    post: float
    pre: float
    chain: float
    reciprocal: float

    def correlation(self) -> "Pairs":
        """The same in units of the variance; the mean as it is. Raises ``ValueError`` for a variance of 0."""
        if not self.variance > 0:
            raise ValueError("efficacies that never change have no correlation: use a rule that changes them.")
        return Pairs(self.mean, *(value / self.variance for value in self[1:]))


def additive_pairs(rule: Rule, coding: float, patterns: float = 1.0) -> Pairs:
    """Covariances of additive synapses that hold ``patterns`` stored patterns."""
    mu, alpha, beta, gamma = rule.components(coding)
    chain, both = alpha * beta, gamma**2
    each = (mu, alpha**2 + beta**2 + both, alpha**2, beta**2, chain, 2 * chain + both)
    return Pairs(*(patterns * value for value in each))


def chain_pairs(syn: MarkovSynapse, rule: Rule, coding: float) -> Pairs:
    """Covariances of two synapses of a network that has stored infinitely many patterns of coding level ``coding``.

    Dense in pairs of states: a second for 40 states. Raises ``ValueError`` where the equilibrium is not unique, and for
    more than ``MOST_STATES`` states.
    """
    law = PairLaw(syn, rule, coding)
    w = law.strength
    mean = float(law.equilibrium @ w)
    shared = (float(law.pair_equilibrium(kind) @ np.kron(w, w)) - mean**2 for kind in KINDS)
    return Pairs(mean, float(law.equilibrium @ w**2) - mean**2, *shared)


class PairLaw:
    """One and two synapses of a network as chains. ``step``: [state, state] for one random pattern."""

    def __init__(self, syn: MarkovSynapse, rule: Rule, coding: float):
        check_coding(coding)
        if np.abs(rule.table).max() > 1:
            raise ValueError("a finite chain needs a rule with entries between -1 and 1: sign and probability.")
        self.rule, self.prior = rule, activity(coding)
        self.strength = syn.strength.astype(float)
        one = np.eye(syn.states)
        chance = np.abs(rule.table)[..., None, None]
        change = np.where(rule.table[..., None, None] > 0, syn.potentiation, syn.depression)
        self.event = chance * change + (1 - chance) * one  # [post, pre, state, state]
        self.signed = rule.table[..., None, None] * change  # the same, times the sign, over actual events only
        self.step = np.einsum("a,b,abst->st", self.prior, self.prior, self.event)
        self.equilibrium = _stationary(self.step, syn.strength)

    def means(self, ages: Values) -> Values:
        """[age, post, pre]: mean efficacy given the activities of a pattern followed by ``ages`` random ones.

        Raises ``ValueError`` for ages that are not whole numbers of 0 or more.
        """
        steps = [whole("an age", t) for t in np.ravel(ages)]
        start = np.einsum("s,abst->abt", self.equilibrium, self.event)
        return np.stack([start @ np.linalg.matrix_power(self.step, t) @ self.strength for t in steps])

    def pair_step(self, kind: str, tracked: bool = False) -> Values:
        """[pair, pair]: both synapses after one pattern; ``tracked``: weighted by the product of their events."""
        if len(self.strength) > MOST_STATES:
            raise ValueError(
                f"pairs of synapses can be followed for chains of at most {MOST_STATES} states, got "
                f"{len(self.strength)}: take a shorter chain."
            )
        p1, q1, p2, q2 = KINDS[kind]
        matrices = self.signed if tracked else self.event
        step = np.zeros((len(self.strength) ** 2,) * 2)
        for x in product(range(2), repeat=max(KINDS[kind]) + 1):
            step = step + np.prod(self.prior[list(x)]) * np.kron(matrices[x[p1], x[q1]], matrices[x[p2], x[q2]])
        return step

    def pair_equilibrium(self, kind: str) -> Values:
        """[pair]: the stationary law of two synapses."""
        return _stationary(self.pair_step(kind), np.kron(self.strength, self.strength))

    def check_changes(self, name: str) -> None:
        """Raise ``ValueError`` where this rule leaves (nearly) all synapses at one strength: nothing can be read."""
        strong = float(self.equilibrium[self.strength > 0].sum())
        if not 4 * strong * (1 - strong) > LEAST_VARIANCE:
            raise ValueError(
                f"{name} keeps no memory under the rule '{self.rule.name}': all its synapses end with the same "
                "strength. Take a rule that both potentiates and depresses."
            )

    def template_covariance(self, kind: str) -> float:
        """Mean product of the events that one pattern gives to two synapses."""
        p1, q1, p2, q2 = KINDS[kind]
        table = self.rule.table
        return float(
            sum(
                np.prod(self.prior[list(x)]) * table[x[p1], x[q1]] * table[x[p2], x[q2]]
                for x in product(range(2), repeat=max(KINDS[kind]) + 1)
            )
        )


def check_coding(coding: float) -> None:
    """Raise ``ValueError`` unless 0 < coding < 1."""
    if not 0 < coding < 1:
        raise ValueError(f"the coding level, the fraction of active neurons, must lie between 0 and 1, got {coding}.")


def activity(coding: float) -> Values:
    """[2]: probability of an inactive and of an active neuron."""
    return np.array([1 - coding, coding])


def standard(x: Values, coding: float) -> Values:
    """phi: activities with mean 0 and variance 1."""
    return np.asarray((x - coding) / np.sqrt(coding * (1 - coding)))


def _stationary(step: Values, strength: Values) -> Values:
    rows = step / step.sum(1, keepdims=True)
    return MarkovSynapse(rows, rows, np.sign(strength), name="a pair of synapses").equilibrium()
