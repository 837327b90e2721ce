"""How many sparse patterns a network of binary synapses holds (Amit & Fusi 1994, Neural Comput. 6:957; Willshaw 1969).

N neurons, active with probability f in a pattern. A synapse (0 or 1) goes up with probability q+ where both neurons are
active, down with q- where only the presynaptic one is (Tsodyks 1990, Mod. Phys. Lett. B 4:713: q+ and q- small):

    a = f^2 q+,  b = f (1-f) q-,  pi+ = a / (a + b),  each pattern shrinks what is left by lambda = 1 - a - b
    SNR^2(t) = N f lambda^2t [(1 - pi+) q+ + pi+ q-]^2 / (pi+ (1 - pi+))

compares the input of a neuron that was active t patterns ago with that of one that was not, over N f active inputs.
With q- = q+ f / (1-f) the synapses are half up and a memory lasts some 1 / (2 f^2 q+) patterns: with f = ln N / N as
many as (N / ln N)^2, where dense coding (f = 1/2) keeps ln N. Derived here; synapses taken as independent.

Willshaw (q- = 0, patterns stored once): after P patterns a synapse is up with chance c = 1 - (1 - f^2)^P.
Times in patterns; information in bits a synapse.
"""

from dataclasses import dataclass

import numpy as np

from fusi_models.checks import check_fraction, whole
from fusi_models.models.markov import MarkovSynapse
from fusi_models.synapse import Values
from fusi_models.theory.propagator import check_times


@dataclass(frozen=True)
class Sparse:
    """A network that stores sparse patterns in bounded binary synapses.

    neurons: N.
    coding: f, fraction of active neurons in a pattern, above 0 and below 1.
    up: q+, chance of potentiation where both neurons are active.
    down: q-, chance of depression where only the presynaptic one is; None for half of the synapses up.

    Raises ``ValueError`` for numbers outside (0, 1], or a ``down`` above 1 that balance would need.

    >>> round(Sparse(1000, 0.01, 1.0).lifetime(2.0))
    2341
    """

    neurons: int
    coding: float
    up: float = 1.0
    down: float | None = None

    def __post_init__(self) -> None:
        whole("neurons", self.neurons, 2)
        check_fraction("coding", self.coding, below_one=True)
        check_fraction("up", self.up)
        if self.down is None:
            object.__setattr__(self, "down", self.up * self.coding / (1 - self.coding))
        check_fraction("down", self.rates[1] / (self.coding * (1 - self.coding)))

    @property
    def rates(self) -> tuple[float, float]:
        """a and b: chances that a pattern moves a synapse that is down up, and one that is up down."""
        down = 0.0 if self.down is None else self.down
        return self.coding**2 * self.up, self.coding * (1 - self.coding) * down

    def synapse(self) -> MarkovSynapse:
        """The synapse itself, given that a candidate event comes: potentiation with chance f, presynaptic gating."""
        q, d = self.up, 0.0 if self.down is None else self.down
        up, down = np.array([[1 - q, q], [0, 1]]), np.array([[1, 0], [d, 1 - d]])
        return MarkovSynapse(up, down, np.array([-1, 1]), self.coding, f"sparse(f={self.coding:g}, q={q:g}/{d:g})")

    def snr(self, times: Values) -> Values:
        """Of one neuron's input, shape of ``times`` (patterns stored since).

        Raises ``ValueError`` for times below 0.
        """
        times = check_times(times, "poisson")
        a, b = self.rates
        share, down = a / (a + b), b / (self.coding * (1 - self.coding))
        gap = (1 - share) * self.up + share * down
        scale = np.sqrt(self.neurons * self.coding / (share * (1 - share)))
        return np.asarray(scale * gap * (1 - a - b) ** times)

    def lifetime(self, threshold: float | None = None) -> float:
        """Patterns until the SNR is ``threshold``; by default sqrt(2 ln(1/f)): as many false alarms as hits.

        0 where it is below from the start.
        """
        level = np.sqrt(2 * np.log(1 / self.coding)) if threshold is None else threshold
        if not level > 0:
            raise ValueError(f"threshold must be above 0, got {threshold}.")
        a, b = self.rates
        return float(max(np.log(self.snr(np.array(0.0)) / level) / -np.log1p(-(a + b)), 0.0))

    def information(self, threshold: float | None = None) -> float:
        """Bits a synapse: patterns within their lifetime, times the entropy of a pattern, over N synapses a neuron."""
        f = self.coding
        entropy = -(f * np.log2(f) + (1 - f) * np.log2(1 - f))
        return float(self.lifetime(threshold) * entropy / self.neurons)


def sparse_coding(neurons: int) -> float:
    """The coding level ln N / N, below which a pattern has too few active neurons to be told from noise."""
    return float(np.log(whole("neurons", neurons, 3)) / neurons)


def best_coding(neurons: int, up: float = 1.0, threshold: float | None = None) -> Sparse:
    """The balanced network of that size that keeps most patterns, over a grid of coding levels."""
    least = max(sparse_coding(neurons) / 30, 1.0 / neurons)
    candidates = [Sparse(neurons, float(f), up) for f in np.geomspace(least, 0.5, 400)]
    return max(candidates, key=lambda network: network.lifetime(threshold))


def willshaw_capacity(neurons: int, coding: float) -> tuple[float, float]:
    """P and bits a synapse of a Willshaw network filled until no false alarm is expected: N c^(N f) = 1.

    Raises ``ValueError`` for fewer than 3 neurons or a coding level outside (0, 1). Tends to ln 2 = .69 bits.
    """
    n = whole("neurons", neurons, 3)
    check_fraction("coding", coding, below_one=True)
    filled = np.exp(-np.log(n) / (n * coding))
    patterns = np.log1p(-filled) / np.log1p(-(coding**2))
    entropy = -(coding * np.log2(coding) + (1 - coding) * np.log2(1 - coding))
    return float(patterns), float(patterns * entropy / n)
