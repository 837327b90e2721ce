"""Recall from the span of all patterns that were added up (our construction, derived here).

The aware Gaussian knows how pairs of weights covary, but not that T patterns leave a matrix of low rank:
    W = sum_s table[x_s, x_s'] + noise,    (W + W^T) / 2 = [1, Phi] K [1, Phi]^T + noise of half the variance,
Phi [neuron, pattern] the standardised patterns phi = (x - f) / sqrt(f (1 - f)), K of mu, (alpha + beta) / 2 and gamma
(``theory.pairs``). The diagonal is not there (no self-connections); it is filled in until a matrix of K's rank fits,
as in principal factor analysis. Every stored phi lies in the span of its eigenvectors and 1, projection P, up to what
noise turns out of it, a share 1 - c of its square: c = 1 - sigma^2 / (2 gamma^2 N). So with <phi> the answer so far and
q the mean of its square, the field of the others at a neuron is a known share of its phi plus noise,

    (P <phi>)_i - P_ii <phi>_i = (c - P_ii) phi_i + Normal(0, P_ii (1 - P_ii) (1 - q) + c (1 - c)),

whatever the other patterns are: their crosstalk is gone, as in the pseudo-inverse network (Personnaz, Guyon & Dreyfus
1985, J Physique Lett 46:L359). An answer that is not in the span is no stored pattern; then the cue is the answer.
"""

import numpy as np
from scipy.special import expit

from fusi_models.checks import MOST_COUNT, finite, finites, whole
from fusi_models.synapse import Values
from fusi_models.theory.pairs import Rule, standard

ROUNDS = 100
"""At most, of filling in the diagonal, and of the answer."""
OUTSIDE = 2.0, 0.01
"""An answer is refused that leaves the span by so many times what the noise explains, and so much of its square."""


def span(weights: Values, rule: Rule, coding: float, patterns: int) -> Values:
    """[neuron, dimension]: an orthonormal basis of 1 and the ``patterns`` added to ``weights`` [post, pre] by ``rule``.

    O(N^3) a round, some ten of them. With too many patterns for N neurons it is everything, and says nothing. Raises
    ``ValueError`` for weights that are not square or not finite, and for patterns that are no whole number above 0.

    >>> from fusi_models.networks.storage import additive_weights, random_patterns
    >>> from fusi_models.theory.pairs import additive_rule
    >>> rule, rng = additive_rule("hebb", 0.5), np.random.default_rng(0)
    >>> x = random_patterns(3, 50, 0.5, rng)
    >>> basis = span(additive_weights(x, rule, 0.0, rng), rule, 0.5, 3)
    >>> bool(np.allclose(x[0] @ basis @ basis.T, x[0], atol=1e-3))
    True
    """
    patterns = whole("patterns", patterns, 1, MOST_COUNT)
    weights = finites("weights", weights)
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1]:
        raise ValueError(f"weights must be [post, pre] of one network, got shape {weights.shape}.")
    n, f = len(weights), coding
    if patterns > n - 3:
        return np.eye(n)
    full = (weights + weights.T) / 2
    rank = _rank(rule, coding, patterns)
    own = np.full(n, patterns * ((1 - f) * rule.table[0, 0] + f * rule.table[1, 1]))
    for _ in range(ROUNDS):
        np.fill_diagonal(full, own)
        values, vectors = np.linalg.eigh(full)
        top = np.argsort(-np.abs(values))[:rank]
        before, own = own, vectors[:, top] ** 2 @ values[top]
        if np.abs(own - before).max() <= 1e-4 * np.abs(own).max():
            break
    return np.asarray(np.linalg.qr(np.column_stack([np.ones(n), vectors[:, top]]))[0])


def _rank(rule: Rule, coding: float, patterns: int) -> int:
    """Of K, [1, Phi] twice: gamma for every pattern, and what 1 and the sum of the patterns make of it."""
    mu, alpha, beta, gamma = rule.components(coding)
    mixed = (alpha + beta) / 2 * np.sqrt(patterns)
    return patterns - 1 + int(np.linalg.matrix_rank([[patterns * mu, mixed], [mixed, gamma]], tol=1e-9))


def recall(basis: Values, rule: Rule, coding: float, noise: float, evidence: Values) -> Values:
    """[neuron]: probability of being active, from the ``evidence`` [neuron] of prior and cue and the ``span``.

    ``noise``: standard deviation, of each weight. Raises ``ValueError`` for a noise below 0.
    """
    finite("noise", noise, 0)
    (off, on), gamma = standard(np.arange(2), coding), rule.components(coding)[3]
    share = np.sum(basis**2, axis=1)
    kept = 1 - noise**2 / (2 * gamma**2 * len(basis)) if gamma else 0.0
    signal = np.maximum(kept - share, 0)
    alone = answer = expit(evidence)
    if kept <= 0 or not signal.any():
        return np.asarray(alone)
    for _ in range(ROUNDS):
        phi = off + (on - off) * answer
        doubt = share * (1 - share) * max(1 - np.mean(phi**2), 0) + kept * (1 - kept) + 1e-9
        field = basis @ (basis.T @ phi) - share * phi
        gain = signal * ((on - off) * field - signal * (on**2 - off**2) / 2) / doubt
        before, answer = answer, expit(evidence + gain)
        if np.abs(answer - before).max() < 1e-6:
            break
    phi = off + (on - off) * answer
    outside = 1 - np.sum((basis.T @ phi) ** 2) / np.sum(phi**2)
    return np.asarray(answer if outside <= OUTSIDE[0] * (1 - kept) + OUTSIDE[1] else alone)
