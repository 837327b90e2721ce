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
from typing import Literal

import numpy as np
from scipy.linalg import expm

from fusi_models.models.markov import MarkovSynapse, cascade
from fusi_models.synapse import Response, SynapseModel, check_fraction

Events = Literal["discrete", "poisson"]


@dataclass(frozen=True, eq=False)
class MemoryCurve:
    """A memory's fate. All arrays have the shape of ``times`` (in candidate events per synapse).

    ``signal``: mean overlap S(t). ``noise``: standard deviation of the overlap with a pattern that was never stored.
    ``snr``: ``signal / noise``. ``spread``: exact standard deviation of the tracked overlap at that time from trial to
    trial (theory) or the one found (simulation). ``error``: standard error of ``signal``, zero in theory.
    """

    times: np.ndarray
    signal: np.ndarray
    noise: np.ndarray
    snr: np.ndarray
    spread: np.ndarray
    error: np.ndarray
    name: str = ""


def equilibrium(syn: MarkovSynapse, f_pot: float | None = None) -> np.ndarray:
    """[state]: the stationary distribution. Raises ``ValueError`` where it is not unique."""
    return syn.equilibrium(f_pot)


def memory_curve(
    syn: SynapseModel,
    times: np.ndarray,
    synapses: float,
    events: Events = "discrete",
    f_pot: float | None = None,
    active: float = 1.0,
) -> MemoryCurve:
    """The exact memory curve of ``synapses`` independent synapses.

    ``times``: [time], >= 0, whole numbers where events are discrete. ``f_pot``: fraction of potentiating events, by
    default that of the model. ``active``: fraction of the synapses that a memory touches.
    Raises ``ValueError`` for negative or fractional times, ``synapses`` < 1 or a model without a linear theory.
    """
    times = check_times(times, events)
    count = tracked(synapses, active)
    response = syn.response(events, f_pot)
    signal = Propagator(response, events, active).signal(times)
    noise = np.full(times.shape, np.sqrt(response.variance / count))
    spread = np.sqrt(np.maximum(response.variance - response.share * signal**2, 0) / count)
    return MemoryCurve(times, signal, noise, signal / noise, spread, np.zeros(times.shape), syn.name)


def tracked_means(
    syn: MarkovSynapse, times: np.ndarray, events: Events = "discrete", f_pot: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Mean strength, [time] each, of the synapses that the memory potentiated and of those that it depressed."""
    f = syn.f_pot if f_pot is None else f_pot
    signal = memory_curve(syn, times, 1, events, f).signal
    mean = float(syn.equilibrium(f) @ syn.strength)
    return mean + signal / (2 * f), mean - signal / (2 * (1 - f))


class Propagator:
    """Row vectors carried through time by binary powers of one step: any t costs log2(t) products.

    ``events``, ``active``: see ``memory_curve``. The fractional part of a Poisson time is a Taylor series.
    """

    def __init__(self, response: Response, events: Events, active: float = 1.0):
        self.response = response
        one = np.eye(len(response.step))
        self.generator = active * (response.step - one)
        self.continuous = events == "poisson"
        self.ladder = [expm(self.generator) if self.continuous else one + self.generator]

    def rows(self, times: np.ndarray, start: np.ndarray | None = None) -> np.ndarray:
        """[time, mode]: ``start`` (default: the stored memory) after each of ``times``, a flat array."""
        whole = np.floor(times).astype(np.int64)
        rows = np.tile(self.response.start if start is None else start, (len(times), 1))
        for bit in range(int(whole.max(initial=0)).bit_length()):
            if bit == len(self.ladder):
                self.ladder.append(self.ladder[-1] @ self.ladder[-1])
            taken = (whole >> bit & 1).astype(bool)
            rows[taken] = rows[taken] @ self.ladder[bit]
        if self.continuous:
            rest, term = (times - whole)[:, None], rows
            for k in range(1, 31):  # |generator| <= 2, so 30 terms reach machine precision
                term = term @ self.generator * (rest / k)
                rows = rows + term
        return rows

    def signal(self, times: np.ndarray) -> np.ndarray:
        """S at ``times``, any shape."""
        return (self.rows(np.ravel(times)) @ self.response.readout).reshape(np.shape(times))

    def bound(self, time: float) -> float:
        """A number, never increasing in time, that S stays below from ``time`` on."""
        return self.response.bound(self.rows(np.array([time]))[0])


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
    """
    if not threshold > 0:
        raise ValueError(f"threshold must be above 0, got {threshold}.")
    response = syn.response(events, f_pot)
    level = threshold * np.sqrt(response.variance / tracked(synapses, active))
    go = Propagator(response, events, active)
    end = 1.0
    while go.bound(end) >= level:
        end *= 2
        if end > 1e17:
            raise ValueError("the memory does not fade within 1e17 events: choose a lower N or a higher threshold.")
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
    starts = np.arange(0, end + 1, block)[::-1]
    for part in np.array_split(starts, len(starts) // 64 + 1):
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
    """Sum over all steps of S(t) = integral of S under Poisson events; at most states - 1 (Lahiri & Ganguli 2013)."""
    return float(laplace(syn, np.array(0.0), f_pot))


def laplace(syn: SynapseModel, s: np.ndarray, f_pot: float | None = None) -> np.ndarray:
    """Integral of exp(-s t) S(t) dt under Poisson events, shape of ``s`` >= 0 (per mean interval).

    ``s * laplace(syn, s)`` is the mean signal of memories whose age is exponential with mean 1/s.
    """
    s = np.asarray(s, float)
    if np.any(s < 0):
        raise ValueError(f"s must not be negative, got {s.min():g}.")
    response = syn.response("poisson", f_pot)
    one = np.eye(len(response.step))
    values = [response.start @ np.linalg.solve((1 + x) * one - response.step, response.readout) for x in s.ravel()]
    return np.reshape(values, s.shape)


def optimal_depth(
    synapses: float, x: float = 0.5, f_pot: float = 0.5, threshold: float = 1.0, events: Events = "poisson"
) -> tuple[int, float]:
    """Depth of the cascade that lives longest with ``synapses`` synapses, and that lifetime."""
    best, depth = (1, lifetime(cascade(1, x, f_pot), synapses, threshold, events)), 1
    while depth < best[0] + 4:  # lifetime rises to one maximum in depth; four worse depths end the search
        depth += 1
        best = max(best, (depth, lifetime(cascade(depth, x, f_pot), synapses, threshold, events)), key=lambda b: b[1])
    return best


def lifetime_exponent(synapses: np.ndarray, lifetimes: np.ndarray) -> np.ndarray:
    """Local exponent d ln(lifetime) / d ln(N), shape of ``synapses``: 1/2 for cascades, towards 1 for chains."""
    return np.gradient(np.log(lifetimes), np.log(synapses))


def decay_exponent(curve: MemoryCurve) -> np.ndarray:
    """Local exponent -d ln(S) / d ln(t) of a curve whose times are above 0: constant for a power law."""
    return -np.gradient(np.log(curve.signal), np.log(curve.times))


def check_times(times: np.ndarray, events: Events) -> np.ndarray:
    """``times`` as floats. Raises ``ValueError`` for negative ones, fractions of a step or an unknown ``events``."""
    if events not in ("discrete", "poisson"):
        raise ValueError(f"events must be 'discrete' or 'poisson', got {events!r}.")
    times = np.asarray(times, float)
    if not np.all(times >= 0):
        raise ValueError("times must be 0 or later and finite.")
    if not np.all(times < 2.0**62):
        raise ValueError("times must stay below 2^62 events.")
    if events == "discrete" and np.any(times != np.floor(times)):
        raise ValueError("discrete events need whole numbers as times: round them or use events='poisson'.")
    return times


def tracked(synapses: float, active: float = 1.0) -> float:
    """Number of synapses that one memory touches. Raises ``ValueError`` for fewer than one synapse."""
    check_fraction("active", active)
    if not synapses >= 1:
        raise ValueError(f"synapses must be at least 1, got {synapses:g}.")
    return synapses * active
