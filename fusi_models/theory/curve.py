"""How long a population of synapses remembers: the exact memory curve and what follows from it.

N synapses are at equilibrium. The tracked memory gives each one an event of sign s (+1 with probability f+); then one
event for each later memory. The ideal observer knows s and reads the overlap mean_i s_i (w_i - <w>). Its mean is

    S(t) = 2 f+ f- pi (M+ - M-) Mbar^t w             discrete: one event per step, t = 0 right after storage
    S(t) = 2 f+ f- pi (M+ - M-) exp(t (Mbar - 1)) w  Poisson events, t in mean intervals (multiply by 1/rate)

with Mbar = f+ M+ + f- M- (Fusi, Drew & Abbott 2005; Lahiri & Ganguli 2013). Background variance of one synapse:
v = 1 - (pi w)^2; SNR(t) = sqrt(N) S(t) / sqrt(v). The exact variance of the overlap at time t is (v - S^2) / N where
every trial draws its pattern anew, (v - S^2 / (4 f+ f-)) / N given the pattern (law of total variance).
Where a memory touches a fraction a of the synapses only: Mbar -> (1-a) + a Mbar and N -> a N.

Numerics: pi (M+ - M-) sums to zero, so S lives in the space orthogonal to the stationary mode. Everything is computed
there (``MarkovSynapse.response``): a decaying S keeps its relative precision, with no floor at 1e-17 of S(0).
"""

from dataclasses import dataclass

import numpy as np

from fusi_models.checks import check_fraction, finite, finites, real
from fusi_models.models.cascade import cascade
from fusi_models.models.markov import MarkovSynapse
from fusi_models.synapse import Chain, Linear, SynapseModel, Values, need
from fusi_models.theory.propagator import Events as Events
from fusi_models.theory.propagator import Propagator as Propagator
from fusi_models.theory.propagator import check_times as check_times


@dataclass(frozen=True, eq=False)
class MemoryCurve:
    """A memory's fate. All arrays have the shape of ``times`` (in candidate events per synapse).

    ``signal``: mean overlap S(t). ``noise``: standard deviation of the overlap with a pattern that was never stored.
    ``snr``: ``signal / noise``. ``spread``: exact standard deviation of the tracked overlap at that time from trial to
    trial (theory) or the one found (simulation). ``error``: standard error of ``signal``, zero in theory.
    """

    times: Values
    signal: Values
    noise: Values
    snr: Values
    spread: Values
    error: Values
    name: str = ""


def equilibrium(syn: MarkovSynapse, f_pot: float | None = None) -> Values:
    """[state]: the stationary distribution. Raises ``ValueError`` where it is not unique."""
    return need(syn, Chain).chain().equilibrium(f_pot)


def memory_curve(
    syn: SynapseModel,
    times: Values,
    synapses: float,
    events: Events = "discrete",
    f_pot: float | None = None,
    active: float = 1.0,
) -> MemoryCurve:
    """The exact memory curve of ``synapses`` independent synapses.

    ``times``: [time], >= 0, whole numbers where events are discrete. ``f_pot``: fraction of potentiating events, by
    default that of the model. ``active``: fraction of the synapses that a memory touches.
    Relative error below 1e-12 for times below 1e3, and up to 1e-15 t after (see ``propagator``).
    Raises ``ValueError`` for negative or fractional times, ``synapses`` < 1 or a model without a linear theory.
    """
    times = check_times(times, events)
    count = tracked(synapses, active)
    response = need(syn, Linear).response(events, f_pot)
    signal = Propagator(response, events, active).signal(times)
    noise = np.full(times.shape, np.sqrt(response.variance / count))
    spread = np.sqrt(np.maximum(response.variance - response.share * signal**2, 0) / count)
    return MemoryCurve(times, signal, noise, signal / noise, spread, np.zeros(times.shape), syn.name)


def tracked_means(
    syn: MarkovSynapse, times: Values, events: Events = "discrete", f_pot: float | None = None
) -> tuple[Values, Values]:
    """Mean strength, [time] each, of the synapses that the memory potentiated and of those that it depressed."""
    f = syn.f_pot if f_pot is None else f_pot
    signal = memory_curve(syn, times, 1, events, f).signal
    mean = float(syn.equilibrium(f) @ syn.strength)
    return mean + signal / (2 * f), mean - signal / (2 * (1 - f))


def initial_snr(syn: SynapseModel, synapses: float, f_pot: float | None = None, active: float = 1.0) -> float:
    """SNR right after storage."""
    return float(memory_curve(syn, np.array([0]), synapses, "discrete", f_pot, active).snr[0])


def lifetime(
    syn: SynapseModel,
    synapses: float,
    threshold: float = 1.0,
    events: Events = "discrete",
    f_pot: float | None = None,
    active: float = 1.0,
) -> float:
    """The last time at which SNR >= ``threshold``; 0.0 where it is below from the start.

    Discrete curves are not monotone (cascade: S(1) < S(2)), so the search runs backwards from a time after which a
    contraction bound forbids a crossing, over every step. Poisson: over a grid of 1 % in time, then by bisection.
    Raises ``ValueError`` for a threshold <= 0, a model without a linear theory, a memory that lasts more than 1e13
    events (beyond, rates are not known well enough), and discrete lifetimes that take more than 3e9 steps to find.
    """
    finite("threshold", threshold, 0, above=True)
    response = need(syn, Linear).response(events, f_pot)
    level = threshold * np.sqrt(response.variance / tracked(synapses, active))
    go = Propagator(response, events, active)
    end = 1.0
    while go.bound(end) >= level:
        end *= 2
        if end > 2e13:
            raise ValueError("the memory does not fade within 1e13 events: choose a lower N or a higher threshold.")
    low = end / 2 if end > 1 else 0.0
    while end - low > max(1.0, 1e-3 * end):
        middle = np.floor((low + end) / 2)
        low, end = (middle, end) if go.bound(middle) >= level else (low, middle)
    return _last_poisson(go, level, end) if events == "poisson" else _last_step(go, level, int(end))


def _last_step(go: Propagator, level: float, end: int, block: int = 4096) -> float:
    """Backwards in blocks: S(t0 + k) = row(t0) V[:, k] with V[:, k] = step^k readout."""
    ahead = go.response.readout[:, None]
    while ahead.shape[1] < block:
        go.rows(np.array([ahead.shape[1]]))  # makes the ladder reach this power of two
        ahead = np.hstack([ahead, go.ladder[ahead.shape[1].bit_length() - 1] @ ahead])
    last = end // block
    for top in range(last, -1, -64):
        if (last - top) * block > 3e9:
            raise ValueError(f"the last crossing lies far below {end:g} events, too far to search every step: take "
                             "events='poisson'.")  # fmt: skip
        part = block * np.arange(top, max(top - 64, -1), -1)
        for begin, row in zip(part, go.rows(part) @ ahead, strict=True):
            above = np.flatnonzero(row >= level)
            if len(above):
                return float(begin + above[-1])
    return 0.0


def _last_poisson(go: Propagator, level: float, end: float) -> float:
    grid = np.append(0.0, np.geomspace(1e-3, end, int(100 * np.log(end / 1e-3))))
    above = np.flatnonzero(go.signal(grid) >= level)
    if not len(above):
        return 0.0
    low, high = grid[above[-1]], grid[min(above[-1] + 1, len(grid) - 1)]
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if go.signal(np.array([middle]))[0] >= level else (low, middle)
    return float(low)


def area(syn: SynapseModel, f_pot: float | None = None) -> float:
    """Sum over all steps of S(t) = integral of S under Poisson events; at most states - 1 (Lahiri & Ganguli 2013).

    To 1e-12 for finite chains however slow (a cascade of depth n with x = f+ = 1/2 has (n - 1)/2 + 1/n).

    >>> round(area(cascade(100)), 9)
    49.51
    """
    return float(laplace(syn, np.array(0.0), f_pot))


def laplace(syn: SynapseModel, s: Values, f_pot: float | None = None) -> Values:
    """Integral of exp(-s t) S(t) dt under Poisson events, shape of ``s`` >= 0 (per mean interval).

    ``s * laplace(syn, s)`` is the mean signal of memories whose age is exponential with mean 1/s.
    """
    s = finites("s", s, 0)
    response = need(syn, Linear).response("poisson", f_pot)
    return np.reshape([response.laplace(float(x)) for x in s.ravel()], s.shape)


def optimal_depth(
    synapses: float, x: float = 0.5, f_pot: float = 0.5, threshold: float = 1.0, events: Events = "poisson"
) -> tuple[int, float]:
    """Depth of the cascade that lives longest with ``synapses`` synapses, and that lifetime."""
    best, depth = (1, lifetime(cascade(1, x, f_pot), synapses, threshold, events)), 1
    while depth < best[0] + 4:  # lifetime rises to one maximum in depth; four worse depths end the search
        depth += 1
        best = max(best, (depth, lifetime(cascade(depth, x, f_pot), synapses, threshold, events)), key=lambda b: b[1])
    return best


def lifetime_exponent(synapses: Values, lifetimes: Values) -> Values:
    """Local exponent d ln(lifetime) / d ln(N), shape of ``synapses``: 1/2 for cascades, towards 1 for chains."""
    return np.asarray(np.gradient(np.log(lifetimes), np.log(synapses)))


def decay_exponent(curve: MemoryCurve) -> Values:
    """Local exponent -d ln(S) / d ln(t) of a curve whose times are above 0: constant for a power law."""
    return np.asarray(-np.gradient(np.log(curve.signal), np.log(curve.times)))


def tracked(synapses: float, active: float = 1.0) -> float:
    """Number of synapses that one memory touches. Raises ``ValueError`` for fewer than one synapse."""
    check_fraction("active", active)
    if not real("synapses", synapses) >= 1:
        raise ValueError(f"synapses must be at least 1, got {synapses:g}.")
    return synapses * active
