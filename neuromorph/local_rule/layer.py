"""One spiking layer with binary synapses: its neurons, and what a learning rule of it decides.

Input spikes s_i(t) in {0, 1}, t = 1..num_steps, made once by numpy and fed to all substrates. ``units_per_class``
leaky integrate-and-fire units vote for each class; efficacies w_ji = +-1 reach every unit from every input:

    v_j <- beta v_j + sum_i w_ji s_i;   spike and v_j <- 0 if v_j > threshold;   v_j = 0 when a presentation starts.

When a presentation ends, the rule gives unit j, with n_j spikes, a sign e_j in {-1, 0, 1}, and its synapse from input i
receives the candidate event

    e_j if the input has spiked;   -e_j if it has not and m_ji = 1;   0 otherwise.

m_ji is 1 with probability ``silent``, drawn with the raster. What becomes of an event is the synapse model's. A rule
is a file of this folder: ``rule`` (the first one, which corrects errors), ``prototypes``.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fusi_models.checks import count, finite
from neuromorph.chip import THRESHOLD_LIMIT, decay, kept
from neuromorph.local_rule import chance
from neuromorph.local_rule.codes import Code


@dataclass(frozen=True)
class LayerRule(ABC):
    """What every rule has: constants of the neurons, as ``rule.LocalRule`` describes them, and its decisions."""

    num_steps: int
    beta: float
    threshold_scale: float
    units_per_class: int

    def __post_init__(self):
        for name in ("num_steps", "units_per_class"):
            object.__setattr__(self, name, count(name, getattr(self, name)))
        kept(self.beta)
        finite("threshold_scale", self.threshold_scale, 0)

    @property
    @abstractmethod
    def coder(self) -> Code:
        """The input code."""

    @abstractmethod
    def threshold(self, sources: int) -> int:
        """The integer threshold of a unit with so many synapses."""

    @abstractmethod
    def error(self, counts: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """e_j, int8 [..., unit], from spike counts [..., unit] and labels [...]."""

    @property
    @abstractmethod
    def brian_error(self) -> str:
        """e_j as a Brian2 expression over ``count`` (n_j) and ``own`` (1 where the unit stands for the label)."""

    @property
    def silent(self) -> float:
        """Probability of m_ji = 1."""
        return 0.0

    @property
    def by_drive(self) -> bool:
        """Whether the class with the largest summed drive wins, in place of that with most spikes."""
        return False

    def sources(self, inputs: int) -> int:
        """Synapses of a unit for samples of so many numbers."""
        return self.coder.sources(inputs)

    def opposed(self, seed: int, presented: int, sources: int) -> np.ndarray:
        """m, bool [row, source], of the replica ``seed`` at a presentation; unit j has row j modulo rows."""
        if not self.silent:
            return np.zeros((1, sources), bool)
        drawn = chance.opposed(seed, presented).random((self.units_per_class, sources), np.float32)
        return np.asarray(drawn < self.silent)

    def own(self, units: int, labels: np.ndarray) -> np.ndarray:
        """Which of the units stand for the labels [...], bool [..., unit]."""
        return np.asarray(np.arange(units) // self.units_per_class == np.asarray(labels)[..., None])

    def vote(self, evidence: np.ndarray) -> np.ndarray:
        """The class with most of ``evidence`` [..., unit], int64 [...]; the first of equals."""
        return evidence.reshape(*evidence.shape[:-1], -1, self.units_per_class).sum(-1).argmax(-1)

    def on_chip(self, sources: int) -> tuple[int, int]:
        """The chip's dv and vth for a number of synapses. Raises ``ValueError`` where its words are too short."""
        if self.threshold(sources) > THRESHOLD_LIMIT:
            raise ValueError(
                f"a threshold of {self.threshold(sources)} exceeds the chip's {THRESHOLD_LIMIT}: lower threshold_scale."
            )
        return decay(self.beta), self.threshold(sources)

    def tie_free_threshold(self, sources: int) -> float:
        """The threshold for floating-point membranes: half a unit of the chip's membrane (1/64) above.

        Where v is a whole number of such units, v > threshold decides the same, and a rounding error cannot
        turn a tie into a spike.
        """
        return self.threshold(sources) + 1 / 128


def events(e: np.ndarray, active: np.ndarray, opposed: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Number and sign of every candidate event of a presentation, in the order of the numbers.

    ``e`` [replica, unit]; ``active`` bool [replica, source]: inputs that have spiked; ``opposed``: of each replica bool
    [row, source], see the head. A synapse's number counts through [replica, unit, source].
    """
    units, sources = e.shape[1], active.shape[1]
    spiked = active[:, None]
    signs = spiked.astype(np.int8) - (np.stack(opposed) & ~spiked)
    taught = np.flatnonzero(e)
    replica, unit = np.divmod(taught, units)
    signs = signs[replica, unit % signs.shape[1]].ravel()
    kept = np.flatnonzero(signs != 0)
    row = kept // sources
    return kept + (sources * (taught - np.arange(len(taught))))[row], e.ravel()[taught][row] * signs[kept]
