"""The memory curve of a network: what the ideal observer sees where synapses share neurons.

The tracked pattern gives the synapse W_ij an event s_ij. The observer reads
O = sum_ij s_ij (W_ij - <W>) / (a N (N - 1)), a = <|s|>. All N (N - 1) synapses of N neurons count, or (scope "neuron")
the N synapses onto one. With k_kind = <s s'> and c_kind = Cov(W, W') of two synapses that share a neuron (``pairs``),
v the variance of one:

    noise^2 = [a v + (N - 2) (k_post c_post + k_pre c_pre + 2 k_chain c_chain) + k_rec c_rec] / (a^2 N (N - 1))

The usual curve sets every c to 0. The observer who knows them ("aware") weighs the synapses by the inverse of their
covariance: SNR^2 = < d^T C^-1 d >, d = <W | x> - <W>, mean over the tracked pattern x. C^-1 is known in closed form: a
synapse is W_ij = m + A_i + B_j + G_ij with G exchangeable (see ``inverse_form``).

Derived here; the effect is that of Savin, Dayan & Lengyel (2014, PLoS CB 10:e1003489). Time: patterns stored since.
"""

from typing import Literal, NamedTuple

import numpy as np
from scipy.stats import binom

from fusi_models.models.markov import MarkovSynapse
from fusi_models.synapse import Response, Values
from fusi_models.theory.curve import Events, MemoryCurve, Propagator, check_times
from fusi_models.theory.pairs import PairLaw, Pairs, Rule, chain_pairs

Scope = Literal["network", "neuron"]
FLOOR = 1e-3
"""Least part of the variance left to the differences W_ij - W_ji, which vanish where both get the same events."""


def correlated_curve(
    syn: MarkovSynapse,
    times: Values,
    neurons: int,
    rule: Rule,
    coding: float = 0.5,
    events: Events = "discrete",
    scope: Scope = "network",
) -> MemoryCurve:
    """The curve of ``memory_curve``, with the noise and the spread that shared neurons cause; exact.

    ``times``: [time], patterns since storage. ``neurons``: N, of the network or of the inputs of one neuron.
    Raises ``ValueError`` for bad times, fewer than 3 neurons, a rule without events or one under which all synapses end
    with the same strength, and chains too long for ``pairs``.
    """
    times = check_times(times, events)
    law, w, count, partners = _network(syn, rule, coding, neurons, scope)
    first = np.einsum("a,b,s,abst->t", law.prior, law.prior, law.equilibrium, law.signed)
    touched = np.einsum(
        "a,b,s,abst->t", law.prior, law.prior, law.equilibrium, law.signed * np.sign(rule.table)[..., None, None]
    )
    signal = _carried(first, law.step, w, events, times)
    noise = touched.sum() * float(law.equilibrium @ w**2)
    spread = _carried(touched, law.step, w**2, events, times) - signal**2
    for kind, number in partners.items():
        pair, both = law.pair_equilibrium(kind), np.kron(w, w)
        noise += number * law.template_covariance(kind) * float(pair @ both)
        stored = pair @ law.pair_step(kind, tracked=True)
        spread += number * (_carried(stored, law.pair_step(kind), both, events, times) - signal**2)
    a = touched.sum()
    noise = np.full(times.shape, np.sqrt(noise / count) / a)
    return MemoryCurve(
        times, signal / a, noise, signal / a / noise, np.sqrt(np.maximum(spread, 0) / count) / a, 0 * times, syn.name
    )


def aware_curve(
    syn: MarkovSynapse, times: Values, neurons: int, rule: Rule, coding: float = 0.5, scope: Scope = "network"
) -> MemoryCurve:
    """The same for the best linear observer who knows the covariances; discrete events. ``spread`` is not known (NaN).

    Raises ``ValueError`` as ``correlated_curve``.
    """
    times = check_times(times, "discrete")
    law, w, _, _ = _network(syn, rule, coding, neurons, scope)
    pairs, mean = chain_pairs(syn, rule, coding), float(law.equilibrium @ law.strength)
    on = np.arange(neurons + 1)
    chance = binom.pmf(on, neurons, coding)
    on, chance = on[chance > 1e-15], chance[chance > 1e-15]
    squared: list[float] = []
    for difference in law.means(times) - mean:
        if scope == "neuron":
            squares = _onto_one(difference, on, neurons, pairs, law.prior)
        else:
            squares = two_group_form(difference, on, neurons, pairs)
        squared.append(float(chance @ squares))
    a = float(np.abs(rule.table).ravel() @ np.outer(law.prior, law.prior).ravel())
    signal = np.einsum("a,b,ab,tab->t", law.prior, law.prior, rule.table, law.means(times) - mean) / a
    snr = np.sqrt(squared)
    left = (snr > 0) & (signal != 0)  # once nothing is left, the noise is not known
    noise = np.divide(np.abs(signal), snr, out=np.full(times.shape, np.nan), where=left)
    return MemoryCurve(times, signal, noise, snr, np.full(times.shape, np.nan), 0 * times, syn.name)


class Shared(NamedTuple):
    """What the neurons' own contributions A_i and B_j take off the quadratic form; b: see ``inverse_form``.

    ``own``, ``common``: [2, 2] for each neuron and for the sum over neurons. ``scale``: [2], from row sums to b.
    """

    own: Values
    common: Values
    scale: Values

    def __call__(self, u: Values, v: Values) -> Values:
        """[...], for sums over the row of each neuron, [..., neuron]."""
        b = np.stack([u, v], -1) * self.scale
        sums = b.sum(-2)
        own = np.einsum("...ix,xy,...iy->...", b, self.own, b)
        return np.asarray(own + np.einsum("...x,xy,...y->...", sums, self.common, sums))


def inverse_form(pairs: Pairs, neurons: int) -> tuple[float, float, Shared]:
    """C^-1 of all synapses between ``neurons`` neurons, as (g_u, g_v, shared).

    For residuals R (no diagonal), u = (R + R^T)/sqrt(2), v = (R - R^T)/sqrt(2):
    R^T C^-1 R = sum_{i<j} (u_ij^2 / g_u + v_ij^2 / g_v) - shared(row sums of u, row sums of v),
    shared = sum_i b_i own b_i + (sum_i b_i) common (sum_i b_i), b_i = scale * (row sums of u, v).
    """
    each, exchange = pairs.variance - pairs.post - pairs.pre, pairs.reciprocal - 2 * pairs.chain
    g_u, g_v = (max(g, FLOOR * pairs.variance) for g in (each + exchange, each - exchange))
    total, lean, chain = pairs.post + pairs.pre, pairs.post - pairs.pre, 2 * pairs.chain
    prior = np.array([[total + chain, lean], [lean, total - chain]]) + 1e-9 * pairs.variance * np.eye(2)
    local = np.linalg.inv(prior) + np.diag([(neurons - 2) / 2 / g_u, neurons / 2 / g_v])
    own = np.linalg.inv(local)
    common = (np.linalg.inv(local + neurons * np.diag([0.5 / g_u, -0.5 / g_v])) - own) / neurons
    return g_u, g_v, Shared(own, common, np.array([1 / g_u, 1 / g_v]) / np.sqrt(2))


def quadratic_form(residual: Values, pairs: Pairs) -> Values:
    """R^T C^-1 R, [...], for residuals [..., post, pre]; the diagonal does not count. O(N^2)."""
    n = residual.shape[-1]
    r = residual * (1 - np.eye(n))
    u, v = (r + r.swapaxes(-1, -2)) / np.sqrt(2), (r - r.swapaxes(-1, -2)) / np.sqrt(2)
    g_u, g_v, shared = inverse_form(pairs, n)
    return np.asarray((u**2).sum((-1, -2)) / 2 / g_u + (v**2).sum((-1, -2)) / 2 / g_v - shared(u.sum(-1), v.sum(-1)))


def two_group_form(values: Values, on: Values, neurons: int, pairs: Pairs) -> Values:
    """``quadratic_form`` of the residual ``values[x_i, x_j]``, [2, 2], for each number ``on`` of active neurons."""
    g_u, g_v, shared = inverse_form(pairs, neurons)
    sizes = np.stack([neurons - on, on], -1).astype(float)
    u, v = (values + values.T) / np.sqrt(2), (values - values.T) / np.sqrt(2)
    squares = u**2 / g_u + v**2 / g_v
    local = 0.5 * (np.einsum("ka,kb,ab->k", sizes, sizes, squares) - sizes @ np.diag(squares))
    row_u, row_v = sizes @ u.T - np.diag(u), sizes @ v.T - np.diag(v)  # [number, group of the neuron]
    member = np.arange(neurons) < on[:, None]
    pick = [np.where(member, row[:, 1:], row[:, :1]) for row in (row_u, row_v)]
    return np.asarray(local - shared(*pick))


def _onto_one(values: Values, on: Values, neurons: int, pairs: Pairs, prior: Values) -> Values:
    """d^T C^-1 d over the inputs of one neuron, whose covariance is (v - c) 1 + c J."""
    own, c = pairs.variance - pairs.post, pairs.post
    sizes = np.stack([neurons - on, on], -1)
    squares, sums = sizes @ (values**2).T, sizes @ values.T
    return np.asarray((squares / own - sums**2 * c / own / (own + neurons * c)) @ prior)


def _network(
    syn: MarkovSynapse, rule: Rule, coding: float, neurons: int, scope: Scope
) -> tuple[PairLaw, Values, int, dict[str, int]]:
    """The law, centred strengths, the number of synapses and how many partners of each kind one has."""
    if not np.isfinite(neurons) or neurons != int(neurons) or neurons < 3:
        raise ValueError(f"a network needs a whole number of at least 3 neurons, got {neurons}.")
    if scope not in ("network", "neuron"):
        raise ValueError(f"scope must be 'network' or 'neuron', got {scope!r}.")
    if not np.any(rule.table):
        raise ValueError("the rule has no events: give at least one entry that is not 0.")
    law = PairLaw(syn, rule, coding)
    law.check_changes(syn.name)
    w = law.strength - law.equilibrium @ law.strength
    if scope == "neuron":
        return law, w, neurons, {"post": neurons - 1}
    partners = {"post": neurons - 2, "pre": neurons - 2, "chain": 2 * (neurons - 2), "reciprocal": 1}
    return law, w, neurons * (neurons - 1), partners


def _carried(start: Values, step: Values, readout: Values, events: Events, times: Values) -> Values:
    """start @ step^t @ readout, [time]; exp(t (step - 1)) where events are Poisson."""
    return Propagator(Response(start, step, readout, 1.0, 0.0, readout, 1), events).signal(times)
