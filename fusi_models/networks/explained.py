"""Recall that explains the newer patterns away (our construction, derived here; not in the literature we could read).

A weight that was last changed by a newer pattern says nothing about the one to recall, and the newest pattern is what
captures a network's dynamics. But the newest pattern can be read off the weights without any cue, and then the next:

1. R_ij[state] is the mean efficacy that a synapse ends with, from a state and the patterns explained so far; at first
   the efficacy w. The next older pattern x gives W_ij the mean m_ij(x_i, x_j) = pi M_e(x_i, x_j) R_ij.
2. With v_ij the variance, rho_ij = W_ij - <m_ij>, less what neurons share (a weighted fit of tau_ij A_i + tau_ij B_j,
   tau_ij = pi (M+ - M-) R_ij), and gamma_ij the part of m_ij that multiplies phi_i phi_j, scores and information are
       S_ij = (s_ij + s_ji) / (1 + k), s = gamma rho / v,    I_ij = (i_ij + i_ji) / (1 + k), i = gamma^2 / v,
   k the correlation of W_ij and W_ji beyond what neurons share.
3. The pattern follows from the top eigenvector of S by the equations of Thouless, Anderson & Palmer (1977, Phil Mag
   35:593), in the form for rank-one matrices: log-odds = evidence + delta B - kappa A / 2, A = I <phi>^2,
       B = S <phi> - (S^2 Var(phi)) <phi>,    delta = 1 / sqrt(f (1 - f)), kappa = (1 - 2 f) / (f (1 - f)).
4. R_ij <- sum_x P(x) M_e(x_i, x_j) R_ij, and so on, until the top eigenvalue does not stand out.

A cue then picks its pattern among those explained, whatever its age; an older one is inferred from the cue, with the
gain of the network's part set by how well that part predicts the cue itself, so that it can fall back on the cue alone.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import eigsh
from scipy.special import expit, logit

from fusi_models.models.markov import MarkovSynapse
from fusi_models.synapse import Values
from fusi_models.theory.pairs import PairLaw, Pairs, Rule, activity, chain_pairs, standard

STANDS_OUT = 1.33
"""A pattern is explained if the top eigenvalue is this many times a random matrix's, 2 sqrt(sum of squares / N)."""
MATCH = 10.0
"""Log-likelihood ratio above which a cue belongs to an explained pattern."""
GAINS = np.linspace(0, 1, 21)


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the weights say about one pattern: ``scores`` and ``information`` [neuron, neuron], ``bias`` [neuron]."""

    scores: Values
    information: Values
    bias: Values


@dataclass(frozen=True, eq=False)
class Explained:
    """``patterns``: [slot, neuron], probabilities, newest first; ``evidence``: of each slot. ``ahead``: R [post, pre,
    state] for the next older pattern, of the ``model`` whose ``weights`` these are."""

    patterns: Values
    evidence: tuple[Evidence, ...]
    ahead: Values
    model: "Model"
    weights: Values


class Model:
    """A chain, a rule and a coding level, as the arrays that inference needs (single precision)."""

    def __init__(self, syn: MarkovSynapse, rule: Rule, coding: float):
        law, self.pairs, self.rule, self.coding = (
            PairLaw(syn, rule, coding),
            chain_pairs(syn, rule, coding),
            rule,
            coding,
        )
        law.check_changes(syn.name)
        self.up, self.down = syn.potentiation.astype(np.float32), syn.depression.astype(np.float32)
        self.efficacy = syn.strength.astype(np.float32)
        self.equilibrium, self.step = law.equilibrium.astype(np.float32), law.step.astype(np.float32)
        self.prior = activity(coding)
        self.phi = standard(np.arange(2), coding)
        self.delta, self.kappa = 1 / np.sqrt(coding * (1 - coding)), (1 - 2 * coding) / (coding * (1 - coding))

    def older(self, ahead: Values, pattern: Values) -> Values:
        """R before a pattern with the probabilities ``pattern``."""
        q = np.stack([1 - pattern, pattern], 1).astype(np.float32)
        up, down = ((q @ np.maximum(sign * self.rule.table, 0) @ q.T).astype(np.float32)[..., None] for sign in (1, -1))
        return np.asarray(ahead + up * (ahead @ self.up.T - ahead) + down * (ahead @ self.down.T - ahead))

    def unknown(self, ahead: Values, chance: Values) -> Values:
        """R before as many random patterns as ``chance`` [number] says."""
        total, power = np.zeros_like(self.step), np.eye(len(self.step), dtype=np.float32)
        for c in chance:
            total += np.float32(c) * power
            power = power @ self.step
        return np.asarray(ahead @ total.T)

    def evidence(self, weights: Values, ahead: Values) -> Evidence:
        """What ``weights`` say about the pattern before ``ahead``."""
        n, pi = len(weights), self.equilibrium
        off = 1 - np.eye(n, dtype=np.float32)
        raised, lowered, kept = (ahead @ (pi @ m) for m in (self.up, self.down, np.eye(len(pi), dtype=np.float32)))
        size = np.abs(self.rule.table)[..., None, None]
        mean = size * np.where(self.rule.table[..., None, None] > 0, raised, lowered) + (1 - size) * kept
        expected = np.einsum("a,b,abij->ij", self.prior, self.prior, mean)
        variance = np.maximum(1 - expected**2, 0.05)  # a weight that is all but certain must not outvote the others
        alpha, beta, gamma = (
            np.einsum("a,b,abij->ij", self.prior * x, self.prior * y, mean)
            for x, y in ((self.phi, 1), (1, self.phi), (self.phi, self.phi))
        )
        residual = (weights - expected) * off
        lean = _unshared(residual, (raised - lowered) * off, variance, self.pairs)
        temper = 1 / (1 + self._exchange())
        score, information = gamma * lean / variance * off, gamma**2 / variance * off
        bias = (alpha * residual / variance).sum(1) + (beta * residual / variance).sum(0)
        weight = 1 + n * (self.pairs.post + self.pairs.pre) / self.pairs.variance
        return Evidence(temper * (score + score.T), temper * (information + information.T), bias / weight)

    def _exchange(self) -> float:
        p = self.pairs
        return max((p.reciprocal - 2 * p.chain) / (p.variance - p.post - p.pre), 0.0)


def explain(weights: Values, model: Model, last: int = 20) -> Explained:
    """The newest patterns that ``weights`` [post, pre], -1 or +1, give away without a cue: at most ``last``.

    Memory: N^2 * (states + 3 per slot) single-precision numbers.
    """
    weights = np.asarray(weights, np.float32)
    ahead = np.broadcast_to(model.efficacy, (*weights.shape, len(model.efficacy)))
    patterns: list[Values] = []
    found: list[Evidence] = []
    for _ in range(last):
        evidence = model.evidence(weights, ahead)
        pattern = _blind(evidence, model)
        if pattern is None:
            break
        patterns.append(pattern)
        found.append(evidence)
        ahead = model.older(ahead, pattern)
    return Explained(np.array(patterns).reshape(-1, len(weights)), tuple(found), ahead, model, weights)


def recall(explained: Explained, cue: Values, flip: float, evidence: Values, age: int | Values) -> Values:
    """[neuron]: probability of being active in the pattern of which ``cue`` is the noisy copy.

    ``evidence``: log-odds of prior and cue (``memory.evidence``). ``age``: patterns stored since, or [age] the
    probability of 0, 1, ...; it counts only where the cue is not that of an explained pattern.
    """
    model, slots = explained.model, len(explained.patterns)
    ratios, starts = _match(explained.patterns, cue, flip, model.coding)
    if slots and ratios.max() > MATCH:
        slot = int(np.argmax(ratios))
        start = expit(evidence + logit(np.clip(starts[slot], 1e-3, 1 - 1e-3)))
        return _solve(explained.evidence[slot], model, evidence, start)
    if np.ndim(age) == 0 and int(age) < slots:
        return np.asarray(_guided(explained.evidence[int(age)], model, cue, flip, evidence))
    chance = np.eye(int(age) + 1)[int(age)] if np.ndim(age) == 0 else np.asarray(age, float)
    later = chance[slots:] if chance[slots:].sum() > 0 else np.ones(1)
    ahead = model.unknown(explained.ahead, later / later.sum())
    return np.asarray(_guided(model.evidence(explained.weights, ahead), model, cue, flip, evidence))


def _unshared(residual: Values, reach: Values, variance: Values, pairs: Pairs) -> Values:
    """``residual`` less reach * (A_i + B_j), each fitted by weighted least squares where it exists."""
    weight = reach / variance
    rows, columns = np.maximum((reach * weight).sum(1), 1e-9), np.maximum((reach * weight).sum(0), 1e-9)
    post = pairs.post > 1e-9 * pairs.variance
    pre = pairs.pre > 1e-9 * pairs.variance
    for _ in range(4 if post and pre else 1):
        if post:
            residual = residual - reach * ((weight * residual).sum(1) / rows)[:, None]
        if pre:
            residual = residual - reach * ((weight * residual).sum(0) / columns)
    return residual


def _field(evidence: Evidence, model: Model, phi: Values, last: Values, spread: Values) -> Values:
    """Log-odds that the network adds; ``last``: the <phi> and ``spread`` the Var(phi) of the reaction term."""
    b = evidence.scores @ phi - (evidence.scores**2 @ spread) * last
    return np.asarray(model.delta * b - model.kappa * (evidence.information @ phi**2) / 2)


def _solve(evidence: Evidence, model: Model, field: Values, p: Values, steps: int = 100) -> Values:
    """Fixed point from the probabilities ``p``, damped by 1/2."""
    for _ in range(steps):
        phi, spread = standard(p, model.coding), p * (1 - p) * model.delta**2
        new = expit(field + _field(evidence, model, phi, phi, spread))
        if np.abs(new - p).max() < 1e-3:
            break
        p = (p + new) / 2
    return p


def _blind(evidence: Evidence, model: Model) -> Values | None:
    """The pattern without a cue, from both signs of the top eigenvector; ``None`` where that does not stand out."""
    scores, n = evidence.scores, len(evidence.bias)
    start = scores[np.argmax((scores**2).sum(1))].astype(float)
    if not start.any():  # no synapse says anything of a pattern
        return None
    values, vectors = eigsh(scores.astype(float), 1, which="LA", tol=1e-3, v0=start)
    if values[0] < STANDS_OUT * 2 * np.sqrt((scores**2).sum() / n):
        return None
    prior, top = logit(model.coding), vectors[:, 0] * np.sqrt(n)
    found = []
    for sign in (1, -1):
        p = _solve(evidence, model, np.full(n, prior), expit(prior + 2 * sign * model.delta * top))
        phi = standard(np.round(p), model.coding)
        worth = phi @ scores @ phi / 2 - phi**2 @ evidence.information @ phi**2 / 4 + evidence.bias @ phi
        found.append((float(worth + prior * np.round(p).sum()), p))
    return max(found, key=lambda pair: pair[0])[1]


def _guided(evidence: Evidence, model: Model, cue: Values, flip: float, field: Values, steps: int = 30) -> Values:
    """From the cue, with the gain at each step under which the network's part predicts the cue best.

    The reaction term uses the step before, so that the network's part holds nothing of the cue bit that it predicts.
    """
    prior, last, spread = logit(model.coding), np.zeros(len(field)), np.zeros(len(field))
    p = expit(field)
    for _ in range(steps):
        phi = standard(p, model.coding)
        inner = _field(evidence, model, phi, last, spread)
        guess = expit(prior + GAINS[:, None] * inner)
        right = np.log(np.where(cue > 0, guess * (1 - 2 * flip) + flip, 1 - flip - guess * (1 - 2 * flip))).sum(1)
        gain = GAINS[np.argmax(right)]
        new = expit(field + gain * inner)
        last, spread = phi, gain * new * (1 - new) * model.delta**2
        if np.abs(new - p).max() < 1e-3:
            break
        p = new
    return np.asarray(p)


def _match(patterns: Values, cue: Values, flip: float, coding: float) -> tuple[Values, Values]:
    """[slot]: log-likelihood ratio of the cue, given the pattern against none; and the patterns, the other way up where
    that fits better (at coding level 1/2 a rule may not tell a pattern from its complement)."""

    def ratio(p: Values) -> Values:
        on, base = p * (1 - 2 * flip) + flip, coding * (1 - 2 * flip) + flip
        return np.asarray(np.where(cue > 0, np.log(on / base), np.log((1 - on) / (1 - base))).sum(1))

    here = ratio(patterns)
    if coding != 0.5:
        return here, patterns
    there = ratio(1 - patterns)
    return np.maximum(here, there), np.where((there > here)[:, None], 1 - patterns, patterns)
