"""The local rule, which corrects errors: the same on every substrate.

The neurons and the words for an event stand in ``layer``. When a presentation ends, unit j with n_j spikes has the
error (stop learning by a margin, as in Brader, Senn & Fusi 2007, Neural Comput. 19:2881)

    e_j = +1 if the unit stands for the label and n_j < high;   -1 if it does not and n_j > low;   0 otherwise,

and every synapse of a unit in error whose input has spiked receives the candidate event e_j (``silent`` is 0). The
class with most spikes wins. The rule, its constants and the target counts are ours.
"""

from dataclasses import dataclass

import numpy as np

from fusi_models.seeds import whole
from neuromorph.local_rule.codes import CODES, ENCODINGS, Code, encode, named, spike_steps
from neuromorph.local_rule.layer import LayerRule

__all__ = ["CODES", "ENCODINGS", "LocalRule", "encode", "error", "spike_steps", "vote"]


@dataclass(frozen=True)
class LocalRule(LayerRule):
    """Constants of the local rule.

    ``num_steps``: steps of a presentation. ``beta``: membrane decay a step, a multiple of 1/4096 (the chip's grid; 0,
    no memory, is not on the chip). ``threshold_scale``: the threshold is floor(threshold_scale * sqrt(synapses)), so
    that inputs of +-1 reach it. ``units_per_class``: units that vote for a class. ``high``, ``low``: target counts, see
    the module's head. ``code``: ``rate``, ``bernoulli`` or another of ``codes``. Raises ``ValueError`` for impossible
    constants.
    """

    num_steps: int = 5
    beta: float = 0.5
    threshold_scale: float = 0.5
    units_per_class: int = 20
    high: int = 4
    low: int = 3
    code: str | Code = "rate"

    def __post_init__(self):
        super().__post_init__()
        for name in ("high", "low"):
            object.__setattr__(self, name, whole(getattr(self, name), name))
        if not 0 <= self.low <= self.num_steps or not 0 < self.high <= self.num_steps:
            raise ValueError(
                f"high and low must be spike counts of a presentation of {self.num_steps} steps, "
                f"got {self.high} and {self.low}."
            )
        named(self.code)

    @property
    def coder(self):
        return named(self.code)

    def threshold(self, sources):
        return int(self.threshold_scale * np.sqrt(sources))

    def error(self, counts, labels):
        own = self.own(counts.shape[-1], labels)
        return (own & (counts < self.high)).astype(np.int8) - (~own & (counts > self.low)).astype(np.int8)

    @property
    def brian_error(self):
        return f"own*int(count < {self.high}) - (1 - own)*int(count > {self.low})"


def error(counts: np.ndarray, labels: np.ndarray, rule: LayerRule) -> np.ndarray:
    """e_j in {-1, 0, 1}, int8 [..., unit], from spike counts [..., unit] and labels [...]."""
    return rule.error(counts, labels)


def vote(counts: np.ndarray, rule: LayerRule) -> np.ndarray:
    """The class with most spikes, int64 [...], from counts [..., unit]; the first of equals."""
    return rule.vote(counts)
