"""Attractor memories in networks of bounded synapses that store one pattern after another (palimpsests).

N binary neurons, all connected. Schemes, x in {0, 1} active with probability f in a pattern (table[post, pre]: sign and
probability of the event that a synapse gets):

    hopfield   f = 1/2, potentiation where the two neurons agree, depression where not (Hopfield 1982, PNAS 79:2554)
    willshaw   potentiation where both are active, nothing else, from weak synapses (Willshaw et al. 1969, Nature 222)
    amit-fusi  both active: potentiation; only pre: depression, chance f / (1-f) (Amit & Fusi 1994, Neural Comput. 6)
    tsodyks    rare: chance q where both are active, q f / (2 (1-f)) where one is (Tsodyks 1990, Mod. Phys. Lett. B 4)

Zero temperature, all neurons at once: x = sign(W x) over x = +-1 (hopfield), else the f N neurons of largest input stay
active. Any synapse model may stand in any scheme. Rates of amit-fusi and tsodyks are those that keep the two strengths
of a binary synapse equally frequent: a reconstruction. Ages: patterns stored since. Memory: N^2 states of 1 byte
(finite chains) or of 4 bytes a level (Benna-Fusi), and N^2 weights of 4 bytes: .13 GB and .7 GB (6 levels) for
N = 5000, where a pattern takes .2 to .5 s of one core.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from fusi_models.checks import MOST_COUNT, check_fraction, whole
from fusi_models.models.benna_fusi import BennaFusi
from fusi_models.models.markov import MarkovSynapse
from fusi_models.networks.storage import random_patterns, store, weights
from fusi_models.synapse import Chain, SynapseModel, Values, find
from fusi_models.theory.curve import memory_curve
from fusi_models.theory.pairs import GATING, PairLaw, Rule


class Scheme(NamedTuple):
    """How patterns are stored and recalled. ``coding``: f. ``empty``: all synapses begin weak. ``sparse``: the number
    of active neurons is kept, over x in {0, 1}; else neurons take the sign of their input, over x = +-1."""

    name: str
    rule: Rule
    coding: float
    empty: bool = False
    sparse: bool = True


HOPFIELD = Scheme("hopfield", GATING["symmetric"], 0.5, sparse=False)


def willshaw(coding: float) -> Scheme:
    """Potentiation only, from weak synapses. Raises ``ValueError`` for a coding level outside (0, 1)."""
    check_fraction("coding", coding, below_one=True)
    return Scheme("willshaw", Rule(np.array([[0, 0], [0, 1]]), "willshaw"), coding, empty=True)


def amit_fusi(coding: float, up: float = 1.0) -> Scheme:
    """Potentiation with chance ``up``, balanced presynaptic depression. Raises ``ValueError`` for coding above 1/2."""
    return Scheme("amit-fusi", Rule(_balanced(coding, up, np.array([[0, 1], [0, 0]])), "amit-fusi"), coding)


def tsodyks(coding: float, q: float = 0.5) -> Scheme:
    """Rare events of both kinds, depression by either neuron. Raises as ``amit_fusi``."""
    return Scheme("tsodyks", Rule(_balanced(coding, q, np.array([[0, 0.5], [0.5, 0]])), "tsodyks"), coding)


def _balanced(coding: float, up: float, where: Values) -> Values:
    check_fraction("up", up)
    if not 0 < coding <= 0.5:
        raise ValueError(f"coding must lie above 0 and not above 1/2 for balanced events, got {coding}.")
    return np.asarray(np.array([[0, 0], [0, up]]) - up * coding / (1 - coding) * where)


class Grown(NamedTuple):
    """A network after its last pattern. ``weights``: [post, pre], float32. ``patterns``: [pattern, neuron] of 0 and 1,
    those that it may be asked for, oldest first. ``size``: bytes of the states."""

    weights: Values
    patterns: Values
    size: int


def grow(
    syn: SynapseModel, scheme: Scheme, neurons: int, stored: int, rng: np.random.Generator, burn_in: int = 20
) -> Grown:
    """A network of ``neurons`` that has stored ``burn_in`` and then ``stored`` random patterns.

    It begins at each synapse's equilibrium (``init``), so ``burn_in`` serves only what synapses share; where the two
    directions of a connection get the same events and no chance is involved, they begin equal.
    Finite chains and real-valued Benna-Fusi chains have compiled loops; other models are stepped by ``storage.store``.
    Raises ``ValueError`` for counts that are too small, patterns without an inactive neuron, and an empty start of a
    model that is no finite chain.
    """
    n, count = whole("neurons", neurons, 4), whole("stored", stored, 1, MOST_COUNT)
    past = _patterns(scheme, 0 if scheme.empty else whole("burn_in", burn_in, most=MOST_COUNT), n, rng)
    patterns = _patterns(scheme, count, n, rng)
    sequence, found = np.concatenate([past, patterns]), find(syn, Chain)
    if found is not None and found.chain().depth.max() < 128:
        state, strengths = _chain(found.chain(), scheme, sequence, rng)
    elif scheme.empty:
        raise ValueError(f"the scheme '{scheme.name}' begins with weak synapses, so it needs a finite chain.")
    elif isinstance(syn, BennaFusi) and not syn.values:
        state, strengths = _beakers(syn, scheme, sequence, rng)
    else:
        state = store(syn, syn.init((n, n), rng), sequence, scheme.rule, rng)
        strengths = weights(syn, state, np.float32)
    np.fill_diagonal(strengths, 0)
    return Grown(strengths, patterns, state.nbytes)


def _chain(syn: MarkovSynapse, scheme: Scheme, sequence: Values, rng: np.random.Generator) -> tuple[Values, Values]:
    from fusi_models.networks.attractor_loops import store_chain  # numba is loaded where it is needed

    n, names = sequence.shape[1], (syn.strength * syn.depth).astype(np.int8)
    if scheme.empty:
        state = np.full((n, n), -1, np.int8)
    else:
        _, f_pot = _events(scheme)
        pi = np.cumsum(syn.equilibrium(f_pot))
        state = np.empty((n, n), np.int8)
        for row in state:  # a row at a time: a choice for all at once takes 8 bytes and more a synapse
            row[:] = names[np.searchsorted(pi[:-1], rng.random(n), side="right")]
    upper, shift = syn.tables()
    store_chain(state, sequence, scheme.rule.table, upper, shift, int(rng.integers(2**32)))
    return state, np.sign(state).astype(np.float32)


def _beakers(syn: BennaFusi, scheme: Scheme, sequence: Values, rng: np.random.Generator) -> tuple[Values, Values]:
    from fusi_models.networks.attractor_loops import store_beakers

    n = sequence.shape[1]
    _, f_pot = _events(scheme)
    balanced, state = replace(syn, f_pot=f_pot), np.empty((n, n, syn.levels), np.float32)
    for row in state:
        row[:] = balanced.init(n, rng)
    table = scheme.rule.table
    if np.array_equal(table, table.T) and np.all(np.isin(table, (-1, 0, 1))):
        for i in range(1, n):
            state[i, :i] = state[:i, i]
    store_beakers(state, sequence, table, syn.transfer.astype(np.float32), int(rng.integers(2**32)))
    return state, np.array(syn.efficacy(state), np.float32)


def _events(scheme: Scheme) -> tuple[float, float]:
    """Chance that a pattern gives a synapse an event, and that this potentiates."""
    law = np.array([1 - scheme.coding, scheme.coding])
    up, down = (float(law @ np.maximum(sign * scheme.rule.table, 0) @ law) for sign in (1, -1))
    return up + down, up / (up + down)


def _patterns(scheme: Scheme, count: int, n: int, rng: np.random.Generator) -> Values:
    """Sparse patterns have exactly f N active neurons."""
    if not scheme.sparse:
        return random_patterns(count, n, scheme.coding, rng)
    if active(scheme, n) == n:
        raise ValueError(f"a pattern would make all {n} neurons active: take a coding level below {scheme.coding:g}.")
    order = rng.random((count, n)).argsort(1)
    return (order < active(scheme, n)).astype(np.int8)


def active(scheme: Scheme, neurons: int) -> int:
    """Number of active neurons in a sparse pattern."""
    return max(round(scheme.coding * neurons), 1)


def noisy(patterns: Values, scheme: Scheme, flip: float, rng: np.random.Generator) -> Values:
    """Cues: a fraction ``flip`` of the bits inverted (hopfield), or of the active neurons replaced by inactive ones.

    Raises ``ValueError`` for a fraction outside [0, 1].
    """
    if not 0 <= flip <= 1:
        raise ValueError(f"flip must lie between 0 and 1, got {flip}.")
    if not scheme.sparse:
        return np.where(_chosen(np.ones(patterns.shape, bool), flip, rng), 1 - patterns, patterns)
    off = _chosen(patterns == 1, flip, rng)
    moved = off.sum(1) / np.maximum((patterns == 0).sum(1), 1)
    return np.where(off, 0, np.where(_chosen(patterns == 0, moved, rng), 1, patterns))


def _chosen(among: Values, share: float | Values, rng: np.random.Generator) -> Values:
    """[pattern, neuron]: a random set, a fraction ``share`` (to the nearest whole) of each row of ``among``."""
    place = np.where(among, rng.random(among.shape), 2.0).argsort(1).argsort(1)
    return np.asarray(place < np.round(np.asarray(share) * among.sum(1))[:, None])


def retrieve(connections: Values, cues: Values, scheme: Scheme, steps: int = 30) -> Values:
    """[cue, neuron] of 0 and 1: where the dynamics are after ``steps``, or before if nothing moves any more."""
    x = np.asarray(cues, np.int8)
    for _ in range(whole("steps", steps, 1, MOST_COUNT)):
        if scheme.sparse:
            field = x.astype(connections.dtype) @ connections.T
            winners = np.argpartition(-field, active(scheme, x.shape[1]) - 1, 1)[:, : active(scheme, x.shape[1])]
            after = np.zeros_like(x)
            np.put_along_axis(after, winners, 1, 1)
        else:
            field = (2 * x - 1).astype(connections.dtype) @ connections.T
            after = np.where(field == 0, x, field > 0).astype(np.int8)
        if np.array_equal(after, x):
            break
        x = after
    return x


def overlap(states: Values, patterns: Values, scheme: Scheme) -> Values:
    """[pattern]: 1 for the pattern itself, 0 on average for another one."""
    if scheme.sparse:
        f = patterns.mean(-1)
        return np.asarray(((states * patterns).mean(-1) / f - f) / (1 - f))
    return np.asarray(((2.0 * states - 1) * (2.0 * patterns - 1)).mean(-1))


def retention(network: Grown, scheme: Scheme, flips: Values, rng: np.random.Generator, steps: int = 30) -> Values:
    """[flip, age]: overlap of what is recalled with the pattern of each age, from cues with that much noise."""
    x = network.patterns[::-1]
    cues = np.concatenate([noisy(x, scheme, float(flip), rng) for flip in np.ravel(flips)])
    found = retrieve(network.weights, cues, scheme, steps).reshape(-1, *x.shape)
    return overlap(found, x[None], scheme)


def oldest(overlaps: Values, level: float = 0.9) -> int:
    """The last age [age] of which the overlap reaches ``level``; -1 if there is none."""
    above = np.flatnonzero(np.asarray(overlaps) >= level)
    return int(above[-1]) if len(above) else -1


def basin(overlaps: Values, flips: Values, level: float = 0.9) -> Values:
    """[age]: the largest of the increasing ``flips`` [flip] up to which every cue is completed; nan if none is."""
    good = np.logical_and.accumulate(np.asarray(overlaps) >= level, 0).sum(0)
    return np.asarray(np.append(np.nan, flips)[good])


def input_snr(syn: SynapseModel, scheme: Scheme, neurons: int, ages: Values) -> Values:
    """[age]: how well the input of one neuron, under the stored pattern, tells its two states apart.

    Hopfield: sqrt(N) S(t) / sqrt(v) of ``memory_curve``. Sparse: sqrt(f N) times the difference of the mean weights
    onto active and inactive neurons, over their standard deviation (finite chains only). Synapses independent.
    Raises ``ValueError`` for a model without the theory, and for synapses that only go up.
    """
    whole("neurons", neurons, 1)
    if not scheme.sparse:
        return memory_curve(syn, ages, neurons).snr
    if scheme.empty:
        raise ValueError("synapses that only go up have no equilibrium: see theory.sparse.willshaw_capacity.")
    found = find(syn, Chain)
    if found is None:
        raise ValueError(f"{syn.name} has no finite chain: the input of a sparse network is known for chains only.")
    law = PairLaw(found.chain(), scheme.rule, scheme.coding)
    means, mean = law.means(np.asarray(ages)), float(law.equilibrium @ law.strength)
    return np.asarray(np.sqrt(scheme.coding * neurons / (1 - mean**2)) * (means[:, 1, 1] - means[:, 0, 1]))
