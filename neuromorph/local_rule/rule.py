"""The local rule: one spiking layer that learns with binary synapses, the same on every substrate.

Input spikes s_i(t) in {0, 1}, t = 1..num_steps, made once by numpy and fed to all substrates. ``units_per_class``
leaky integrate-and-fire units vote for each class; efficacies w_ji = +-1 reach every unit from every input:

    v_j <- beta v_j + sum_i w_ji s_i;   spike and v_j <- 0 if v_j > threshold;   v_j = 0 when a presentation starts.

When a presentation ends, unit j with n_j spikes has the error (stop learning by a margin, as in Brader, Senn & Fusi
2007, Neural Comput. 19:2881)

    e_j = +1 if the unit stands for the label and n_j < high;   -1 if it does not and n_j > low;   0 otherwise,

and every synapse of a unit in error whose input has spiked receives the candidate event e_j. What becomes of it is the
synapse model's. The class with most spikes wins. The rule, its constants and the target counts are ours.
"""

from dataclasses import dataclass

import numpy as np

from fusi_models.seeds import whole
from neuromorph.chip import THRESHOLD_LIMIT, decay, kept
from neuromorph.local_rule.codes import CODES, ENCODINGS, encode, spike_steps

__all__ = ["CODES", "ENCODINGS", "LocalRule", "encode", "error", "spike_steps", "vote"]


@dataclass(frozen=True)
class LocalRule:
    """Constants of the local rule.

    ``num_steps``: steps of a presentation. ``beta``: membrane decay a step, a multiple of 1/4096 (the chip's grid; 0,
    no memory, is not on the chip). ``threshold_scale``: the threshold is floor(threshold_scale * sqrt(inputs)), so that
    inputs of +-1 reach it. ``units_per_class``: units that vote for a class. ``high``, ``low``: target counts, see the
    module's head. ``code``: ``rate`` or ``bernoulli``, see ``codes``. Raises ``ValueError`` for impossible constants.
    """

    num_steps: int = 5
    beta: float = 0.5
    threshold_scale: float = 0.5
    units_per_class: int = 20
    high: int = 4
    low: int = 3
    code: str = "rate"

    def __post_init__(self):
        for name in ("num_steps", "units_per_class", "high", "low"):
            object.__setattr__(self, name, whole(getattr(self, name), name))
        if self.num_steps < 1 or self.units_per_class < 1:
            raise ValueError(
                f"num_steps and units_per_class must be at least 1, got {self.num_steps} and {self.units_per_class}."
            )
        kept(self.beta)
        if not 0 <= self.threshold_scale < np.inf:
            raise ValueError(f"threshold_scale must be a finite number of at least 0, got {self.threshold_scale}.")
        if not 0 <= self.low <= self.num_steps or not 0 < self.high <= self.num_steps:
            raise ValueError(
                f"high and low must be spike counts of a presentation of {self.num_steps} steps, "
                f"got {self.high} and {self.low}."
            )
        if self.code not in CODES:
            raise ValueError(f"There is no code '{self.code}': choose one of {', '.join(CODES)}.")

    def threshold(self, inputs: int) -> int:
        """The integer threshold for a number of inputs."""
        return int(self.threshold_scale * np.sqrt(inputs))

    def on_chip(self, inputs: int) -> tuple[int, int]:
        """The chip's dv and vth for a number of inputs. Raises ``ValueError`` where its words are too short."""
        if self.threshold(inputs) > THRESHOLD_LIMIT:
            raise ValueError(
                f"a threshold of {self.threshold(inputs)} exceeds the chip's {THRESHOLD_LIMIT}: lower threshold_scale."
            )
        return decay(self.beta), self.threshold(inputs)

    def tie_free_threshold(self, inputs: int) -> float:
        """The threshold for floating-point membranes: half a unit of the chip's membrane (1/64) above.

        Where v is a whole number of such units, v > threshold decides the same, and a rounding error cannot
        turn a tie into a spike.
        """
        return self.threshold(inputs) + 1 / 128


def error(counts: np.ndarray, labels: np.ndarray, rule: LocalRule) -> np.ndarray:
    """e_j in {-1, 0, 1}, int8 [..., unit], from spike counts [..., unit] and labels [...]."""
    unit_class = np.arange(counts.shape[-1]) // rule.units_per_class
    own = unit_class == np.asarray(labels)[..., None]
    return (own & (counts < rule.high)).astype(np.int8) - (~own & (counts > rule.low)).astype(np.int8)


def vote(counts: np.ndarray, rule: LocalRule) -> np.ndarray:
    """The class with most spikes, int64 [...], from counts [..., unit]; the first of equals."""
    return counts.reshape(*counts.shape[:-1], -1, rule.units_per_class).sum(-1).argmax(-1)
