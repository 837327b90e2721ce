"""Memory systems in parts: a fast population stores, slower ones copy it (Roxin & Fusi 2013, PLoS CB 9:e1003146).

N synapses stand in n populations of N / n. A memory gives every synapse of the first its sign with probability q_1; at
the same time each synapse of population k + 1 takes the value of its partner in population k with probability q_{k+1}:

    S_1(0) = q_1,    S_k(t+1) = (1 - q_k) S_k(t) + q_k S_{k-1}(t)  (S_0 = 0 after storage),    SNR_k = sqrt(N/n) S_k.

Poisson: the same rates in continuous time. Read-outs: the best population at each age; or ("all") the best weighted
sum, SNR^2 = (N/n) S^T C^-1 S, with C the covariances of partners, since copies share their noise.

The paper's abstract was at hand, its equations were not: this is a reconstruction, C is derived here. Ages in memories.
"""

from typing import Literal

import numpy as np

from fusi_models.checks import check_fraction, finite, numbers, one_of, whole
from fusi_models.synapse import Response, Values
from fusi_models.theory.propagator import Events, Propagator, check_times

Readout = Literal["best", "all"]


def hyperbolic(populations: int, first: float, ratio: float) -> Values:
    """[population]: rates q_k = first / (1 + (ratio - 1) (k - 1) / (n - 1)), from ``first`` to ``first / ratio``.

    Raises ``ValueError`` for no population, a first rate outside (0, 1] or a ratio below 1.
    """
    n = whole("populations", populations, 1)
    check_fraction("first", first)
    finite("ratio", ratio, 1)
    return np.asarray(first / (1 + (ratio - 1) * np.arange(n) / max(n - 1, 1)))


def signals(rates: Values, times: Values, events: Events = "discrete") -> Values:
    """[time, population]: S_k at ``times``. Raises ``ValueError`` for rates outside (0, 1] or bad times."""
    q, times = _rates(rates), check_times(times, events)
    start = q[0] * np.eye(len(q))[0]
    return Propagator(Response(start, _copying(q), start, 1.0, 0.0, start, 1), events).rows(np.ravel(times))


def covariance(rates: Values, events: Events = "discrete") -> Values:
    """[population, population]: of partners at equilibrium; 1 on the diagonal."""
    q = _rates(rates)
    n = len(q)
    c = np.eye(n + 1)  # row 0: the signs of the next memory, which no synapse knows yet
    for k in range(1, n + 1):
        for j in range(k + 1, n + 1):
            a, b = q[k - 1], q[j - 1]
            both = a * b if events == "discrete" else 0.0
            into = (1 - a) * b if events == "discrete" else b
            other = a * (1 - b) if events == "discrete" else a
            gain = into * c[k, j - 1] + other * c[k - 1, j] + both * c[k - 1, j - 1]
            c[k, j] = c[j, k] = gain / (a + b - both)
    return np.asarray(c[1:, 1:])


def snr(
    rates: Values, times: Values, synapses: float, readout: Readout = "best", events: Events = "discrete"
) -> Values:
    """[time]: signal-to-noise ratio of ``synapses`` synapses in all.

    Raises as ``signals``, and ``ValueError`` for another read-out or fewer than one synapse.
    """
    finite("synapses", synapses, 1)
    one_of("readout", readout, ("best", "all"))
    s = signals(rates, times, events)
    scale = np.sqrt(synapses / s.shape[1])
    if readout == "best":
        return np.asarray(scale * s.max(1))
    weighted = np.linalg.solve(covariance(rates, events), s.T).T
    return np.asarray(scale * np.sqrt(np.maximum((s * weighted).sum(1), 0)))


def lifetime(
    rates: Values, synapses: float, readout: Readout = "best", events: Events = "discrete", threshold: float = 1.0
) -> float:
    """The last age with SNR >= ``threshold``, to a thousandth (discrete: exact where below 1e4); 0 if there is none.

    Raises as ``snr``, and ``ValueError`` for a threshold that is not finite and above 0.
    """
    finite("threshold", threshold, 0, above=True)
    end = 2 * np.sum(1 / _rates(rates)) + 2 * np.log(synapses + np.e) / np.min(rates)
    grid = np.append(0, np.geomspace(0.1, end, 400))
    for _ in range(2):  # between two neighbours of a grid the curves are smooth
        grid = np.unique(grid.round()) if events == "discrete" else grid
        above = np.flatnonzero(snr(rates, grid, synapses, readout, events) >= threshold)
        if not len(above):
            return 0.0
        found = grid[above[-1]]
        grid = np.linspace(found, grid[min(above[-1] + 1, len(grid) - 1)], 100)
    return float(found)


def _copying(q: Values) -> Values:
    """[from, to] of one memory, for rows of signals."""
    return np.asarray(np.diag(1 - q) + np.diag(q[1:], 1))


def _rates(rates: Values) -> Values:
    q = np.atleast_1d(numbers("rates", rates))
    if q.ndim != 1 or not len(q) or not np.all((q > 0) & (q <= 1)):
        raise ValueError(f"rates must be a flat list of numbers above 0 and at most 1, got {rates}.")
    return np.asarray(q)
