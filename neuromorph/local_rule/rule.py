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
from typing import Any

import numpy as np

CODES = ("rate", "bernoulli")
ENCODINGS = ("current", "rate", "latency", "raster")
"""How a deep network is shown its input: the same value at every step, one of ``spike_steps``, or spikes as given."""


@dataclass(frozen=True)
class LocalRule:
    """Constants of the local rule.

    ``num_steps``: steps of a presentation. ``beta``: membrane decay a step; a multiple of 1/4096 runs on the chip.
    ``threshold_scale``: the threshold is floor(threshold_scale * sqrt(inputs)), so that inputs of +-1 reach it.
    ``high``, ``low``: target counts, see the module's head. ``code``: ``rate``, the deterministic code with
    round(num_steps * x) evenly spaced spikes, or ``bernoulli``, independent spikes of probability x a step.
    Raises ``ValueError`` for impossible constants.
    """

    num_steps: int = 5
    beta: float = 0.5
    threshold_scale: float = 0.5
    units_per_class: int = 20
    high: int = 4
    low: int = 3
    code: str = "rate"

    def __post_init__(self):
        if self.num_steps < 1 or self.units_per_class < 1:
            raise ValueError(
                f"num_steps and units_per_class must be at least 1, got {self.num_steps} and {self.units_per_class}."
            )
        if not 0 <= self.beta <= 1 or self.beta * 4096 != int(self.beta * 4096):
            raise ValueError(f"beta must be a multiple of 1/4096 between 0 and 1 (the chip's grid), got {self.beta}.")
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

    def tie_free_threshold(self, inputs: int) -> float:
        """The threshold for floating-point membranes: half a unit of the chip's membrane (1/64) above.

        Where v is a whole number of such units, v > threshold decides the same, and a rounding error cannot
        turn a tie into a spike.
        """
        return self.threshold(inputs) + 1 / 128


def spike_steps(x: Any, num_steps: int, code: str) -> list[Any]:
    """Which inputs spike at each of ``num_steps`` steps, bool arrays like x in [0, 1], numpy or torch; not random.

    ``rate``: round(num_steps * x) spikes, evenly spaced. ``latency``: one spike, the sooner the brighter
    (step round((1 - x) (num_steps - 1))), none where x is 0. Raises ``ValueError`` for another code.
    """
    if code == "latency":
        when = ((1 - x) * (num_steps - 1) + 0.5) // 1
        return [(when == step) & (x > 0) for step in range(num_steps)]
    if code != "rate":
        raise ValueError(f"There is no code '{code}' without chance: choose rate or latency.")
    charge = [(step * x + 0.5) // 1 for step in range(num_steps + 1)]
    return [after > before for before, after in zip(charge, charge[1:], strict=False)]


def encode(x: np.ndarray, rule: LocalRule, seed: int, first: int = 0) -> np.ndarray:
    """Spike raster, bool [n, num_steps, ...], of x [n, ...] in [0, 1].

    The Bernoulli code of sample ``first`` + k depends on ``seed`` and that number only, so cutting the samples
    into calls does not change it.
    """
    if rule.code == "rate":
        return np.stack(spike_steps(x, rule.num_steps, "rate"), 1)
    raster = np.empty((len(x), rule.num_steps, *x.shape[1:]), bool)
    for k, sample in enumerate(x):
        raster[k] = np.random.default_rng([seed, first + k]).random(raster.shape[1:]) < sample
    return raster


def error(counts: np.ndarray, labels: np.ndarray, rule: LocalRule) -> np.ndarray:
    """e_j in {-1, 0, 1}, int8 [..., unit], from spike counts [..., unit] and labels [...]."""
    unit_class = np.arange(counts.shape[-1]) // rule.units_per_class
    own = unit_class == np.asarray(labels)[..., None]
    return (own & (counts < rule.high)).astype(np.int8) - (~own & (counts > rule.low)).astype(np.int8)


def vote(counts: np.ndarray, rule: LocalRule) -> np.ndarray:
    """The class with most spikes, int64 [...], from counts [..., unit]; the first of equals."""
    return counts.reshape(*counts.shape[:-1], -1, rule.units_per_class).sum(-1).argmax(-1)
