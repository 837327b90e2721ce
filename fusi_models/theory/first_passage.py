"""How long one population remembers one memory: the first time at which its own signal falls to a threshold.

The lifetime of ``theory.curve`` is where the mean signal meets the noise. Here (Elliott 2014, Neural Comput. 26:1924,
and after; from abstracts, the equations are derived here) a perceptron's activation h = mean_i s_i (w_i - <w>) is
followed, and T = min{t : h(t) <= theta}, 0 where h is that low right after storage; theta = threshold sqrt(v / N).

Binary synapses, half of the events potentiating: the number k of synapses that agree with the memory is a chain,
    k(0) ~ Bin(N, (1 + q)/2),    k' ~ Bin(k, 1 - q/2) + Bin(N - k, q/2),
and with Q its part above the threshold, (1 - Q) E[T] = 1, (1 - Q) E[T^2] = 1 + 2 Q E[T]. Other chains: counts of states
are drawn exactly, one multinomial a state and step. Times in memories, one candidate event a synapse each.
"""

from typing import NamedTuple

import numpy as np
from scipy.signal import fftconvolve
from scipy.stats import binom
from tqdm.auto import tqdm

from fusi_models.checks import check_fraction, real, whole
from fusi_models.synapse import Chain, SynapseModel, Values, need


class Passage(NamedTuple):
    """Mean and standard deviation of T over memories."""

    mean: float
    spread: float


def binary_passage(synapses: int, q: float, threshold: float = 0.0) -> Passage:
    """Exact, for ``plain(q)``; takes N^2 numbers.

    Raises ``ValueError`` for fewer than 2 synapses or more than 5000, q outside (0, 1], and a threshold so low that the
    activation practically never falls to it.

    >>> round(binary_passage(1000, 0.1).mean, 2)
    20.33
    """
    n = whole("synapses", synapses, 2)
    check_fraction("q", q)
    if n > 5000:
        raise ValueError(f"the exact time needs N^2 numbers, too many for N = {n}: use passage_times.")
    k = np.arange(n + 1)
    alive = (2 * k - n) > real("threshold", threshold) * np.sqrt(n) + 1e-9
    start = binom.pmf(k, n, (1 + q) / 2)[alive]
    rows = [_next(n, int(j), q)[alive] for j in k[alive]]
    if not rows:
        return Passage(0.0, 0.0)
    inside = np.stack(rows)
    out = np.eye(len(inside)) - inside
    try:
        mean = np.linalg.solve(out, np.ones(len(inside)))
    except np.linalg.LinAlgError:
        mean = np.full(len(inside), np.inf)
    if not np.all((mean > 0) & (mean < 1e12)):  # a chance to end of 1e-12 a step is rounding
        raise ValueError(f"the memory practically never falls to a threshold of {threshold:g}: give a higher one.")
    square = np.linalg.solve(out, 1 + 2 * inside @ mean)
    first = float(start @ mean)
    return Passage(first, float(np.sqrt(start @ square - first**2)))


def _next(n: int, k: int, q: float) -> Values:
    """[k']: law of the agreeing synapses one memory later."""
    stay, come = binom.pmf(np.arange(k + 1), k, 1 - q / 2), binom.pmf(np.arange(n - k + 1), n - k, q / 2)
    return np.asarray(np.maximum(fftconvolve(stay, come), 0))


def passage_times(
    syn: SynapseModel,
    synapses: int,
    trials: int,
    rng: np.random.Generator,
    threshold: float = 0.0,
    last: int = 100_000,
    progress: bool = False,
) -> Values:
    """[trial]: T of ``trials`` populations of ``synapses`` synapses, inf where still above after ``last`` memories.

    ``threshold``: theta in units of the noise, as in ``lifetime``. The cost does not depend on N.
    Raises ``ValueError`` for a model without a finite chain, counts below 1, more than 1e15 synapses and a
    threshold that is no number.
    """
    chain = need(syn, Chain).chain()
    n, trials = whole("synapses", synapses, 1, 10**15), whole("trials", trials, 1)
    last = whole("last", last, 1)
    pi, step, f = chain.equilibrium(), chain.mean_step(), chain.f_pot
    w = chain.strength - float(pi @ chain.strength)
    level = real("threshold", threshold) * np.sqrt(chain.variance() * n)
    up = rng.binomial(n, f, trials)
    counts = np.stack([rng.multinomial(up, pi @ chain.potentiation), rng.multinomial(n - up, pi @ chain.depression)], 1)
    times, alive = np.full(trials, np.inf), np.arange(trials)
    for t in tqdm(range(last + 1), desc=f"{chain.name}, first passage", disable=not progress or None):
        above = (counts[:, 0] - counts[:, 1]) @ w > level + 1e-9
        times[alive[~above]] = t
        alive, counts = alive[above], counts[above]
        if not len(alive):
            break
        counts = rng.multinomial(counts, step).sum(2)
    return times


def survival(times: Values, at: Values) -> Values:
    """[at]: the share of ``times`` that lie above each of ``at``."""
    found: Values = 1 - np.searchsorted(np.sort(times), at, side="right") / len(times)
    return found
