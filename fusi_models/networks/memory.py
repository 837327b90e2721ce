"""What a network that recalls knows before it sees a weight: how patterns were stored, and a noisy cue.

A pattern x of age t was stored; W_ij has the mean m_t(x_i, x_j) = pi M_e(x_i, x_j) Mbar^t w (finite chains) or
(T - 1) mu + table[x_i, x_j] (T patterns added up). If the age is unknown, m is averaged over what is known about it: a
prior (geometric), or the familiarity of the cue c (derived here; the two modules are those of Savin, Dayan & Lengyel
2011, NIPS). With psi the standardised cue, W~ the weights less their row and column means, gamma_t the part of m_t that
multiplies phi_post phi_pre, rho = Corr(c, x), g_u as in ``theory.correlated``:

    F = sum_{i<j} (W~_ij + W~_ji) psi_i psi_j  ~  Normal(n gamma_t rho^2, n g_u + (n gamma_t)^2 4 rho^2 (1 - rho^2) / N)

at age t, n = N (N - 1); the second part of the variance is that of the share of the cue's bits that are right.

Every bit of the cue is flipped with probability ``flip``. Activities are 0 and 1; log-odds are natural.
"""

from dataclasses import dataclass

import numpy as np

from fusi_models.checks import MOST_COUNT, finite, whole
from fusi_models.models.markov import MarkovSynapse
from fusi_models.synapse import Values
from fusi_models.theory.correlated import inverse_form
from fusi_models.theory.pairs import PairLaw, Pairs, Rule, additive_pairs, chain_pairs, check_coding


@dataclass(frozen=True, eq=False)
class Memory:
    """``mean``: [post, pre], of a weight given the activities in the pattern to recall. ``pairs``: background
    covariances. ``coding``: fraction of active neurons. ``binary``: weights are -1 or +1, not real numbers."""

    mean: Values
    pairs: Pairs
    coding: float
    binary: bool

    @property
    def gamma(self) -> float:
        """The part of the mean that multiplies phi_post phi_pre."""
        return Rule(self.mean).components(self.coding)[3]


def chain_memory(syn: MarkovSynapse, rule: Rule, coding: float, age: int | Values) -> Memory:
    """For synapses of one finite chain. ``age``: patterns stored since, or [age] the probability of 0, 1, ...

    Raises ``ValueError`` for an age that is no whole number of 0 or more, probabilities that are not (up to their sum),
    and a rule under which all synapses end with the same strength.
    """
    law = PairLaw(syn, rule, coding)
    law.check_changes(syn.name)
    if np.ndim(age) == 0:
        ages, weight = np.array([whole("the age", age)]), np.ones(1)
    else:
        chance = np.asarray(age, float)
        if not (np.all(chance >= 0) and 0 < chance.sum() < np.inf):
            raise ValueError(f"the probabilities of the ages must not be negative, nor all 0, got {age}.")
        ages = np.flatnonzero(chance)
        weight = chance[ages] / chance.sum()
    means = law.means(ages)
    return Memory(np.einsum("t,tab->ab", weight, means), chain_pairs(syn, rule, coding), coding, True)


def additive_memory(rule: Rule, coding: float, patterns: int, noise: float = 0.0) -> Memory:
    """For the sum of ``patterns`` stored patterns, plus Gaussian noise of standard deviation ``noise``."""
    whole("patterns", patterns, 1, MOST_COUNT)
    finite("noise", noise, 0)
    others = additive_pairs(rule, coding, patterns - 1)
    pairs = others._replace(variance=others.variance + max(noise, 1e-6) ** 2)
    return Memory(others.mean + rule.table, pairs, coding, False)


def geometric(mean_age: float, last: int) -> Values:
    """[age]: the prior over ages 0..``last`` of a memory that is recalled after ``mean_age`` others on average.

    Raises ``ValueError`` for a mean below 0 or a ``last`` that is no whole number of 0 or more.
    """
    last = whole("last", last, most=MOST_COUNT)
    finite("the mean age of a recalled memory", mean_age, 0)
    ratio = mean_age / (1 + mean_age)
    chance = ratio ** np.arange(last + 1)
    return np.asarray(chance / chance.sum())


def noisy_cue(pattern: Values, flip: float, rng: np.random.Generator) -> Values:
    """``pattern`` with each bit flipped with probability ``flip``."""
    check_flip(flip)
    return np.where(rng.random(np.shape(pattern)) < flip, 1 - pattern, pattern)


def evidence(cue: Values, flip: float, coding: float) -> Values:
    """[neuron]: log-odds of being active from the prior and the cue."""
    check_flip(flip)
    check_coding(coding)
    return np.asarray(np.log(coding / (1 - coding)) + (2 * np.asarray(cue) - 1) * np.log((1 - flip) / flip))


def age_posterior(weights: Values, cue: Values, flip: float, law: PairLaw, pairs: Pairs, prior: Values) -> Values:
    """[age]: probability of each age of ``prior`` [age] given how familiar the cue is (F above)."""
    n, f = len(weights), float(law.prior[1])
    active = f * (1 - flip) + (1 - f) * flip
    psi = (cue - active) / np.sqrt(active * (1 - active))
    rho = (1 - 2 * flip) * np.sqrt(f * (1 - f) / (active * (1 - active)))
    gamma = np.array([Rule(mean).components(f)[3] for mean in law.means(np.arange(len(prior)))])
    seen = psi @ centred(weights) @ psi
    size = n * (n - 1)
    variance = size * inverse_form(pairs, n)[0] + (size * gamma) ** 2 * 4 * rho**2 * (1 - rho**2) / n
    log = np.log(np.maximum(prior, 1e-300)) - (seen - size * gamma * rho**2) ** 2 / 2 / variance - np.log(variance) / 2
    chance = np.exp(log - log.max())
    return np.asarray(chance / chance.sum())


def centred(weights: Values) -> Values:
    """W~: ``weights`` [post, pre] less their row and column means, 0 on the diagonal, which does not count."""
    n = len(weights)
    rows, columns = weights.sum(1) / (n - 1), weights.sum(0) / (n - 1)
    return np.asarray((weights - rows[:, None] - columns + weights.sum() / n / (n - 1)) * (1 - np.eye(n)))


def rmse(probability: Values, pattern: Values) -> float:
    """Root mean square error of the answer, over the neurons."""
    return float(np.sqrt(np.mean((probability - pattern) ** 2)))


def check_flip(flip: float) -> None:
    """Raise ``ValueError`` unless 0 < flip <= 1/2."""
    if not 0 < flip <= 0.5:
        raise ValueError(f"the chance that a bit of the cue is wrong must lie above 0 and not above 1/2, got {flip}.")
