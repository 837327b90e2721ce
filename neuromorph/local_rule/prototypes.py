"""Prototypes: each class writes into its own synapses only, so that a new class erases none before it.

The neurons and the words for an event stand in ``layer``. Only the units of the label's class learn:

    e_j = 1 if the unit stands for the label, 0 otherwise;   silent = f / (1 - f),

f the fraction of inputs that spike (``codes.Winners``): an input that has spiked gives a potentiating event, a silent
one a depressing event that is thinned, f : 1 - f to the others. With p_i the probability that input i spikes in this
class, the mean event is (p_i - f) / (1 - f), and the synapse is pulled towards sign(p_i - f): a binary prototype. The
class with the largest drive wins,

    sum over its units j, inputs i and steps t of w_ji s_i(t),

or that with most spikes. A class never learned keeps the synapses it was born with. No boundary, no replay.
The rule is ours; nearest to it are the prototypes of Hajizada et al. 2025 (CLP-SNN, arXiv:2511.01553), which are real
vectors and are allocated one by one.
"""

from dataclasses import dataclass, field

import numpy as np

from neuromorph.local_rule.codes import Winners
from neuromorph.local_rule.layer import LayerRule

READOUTS = ("drive", "spikes")


@dataclass(frozen=True)
class Prototypes(LayerRule):
    """Constants of the rule.

    ``num_steps``, ``beta``, ``units_per_class``: as in ``rule.LocalRule``; one step is enough for the drive.
    ``threshold_scale``: the threshold is floor(threshold_scale * winners). ``code``: its ``active`` is f, at most 1/2.
    ``readout``: ``drive`` or ``spikes``. Raises ``ValueError`` for impossible constants.
    """

    num_steps: int = 1
    beta: float = 0.5
    threshold_scale: float = 0.5
    units_per_class: int = 10
    code: Winners = field(default_factory=Winners)
    readout: str = "drive"

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.code, Winners) or self.code.active > 0.5:
            raise ValueError(
                f"prototypes need to know the fraction of inputs that spike, at most 1/2: give code=Winners(), "
                f"got {self.code!r}."
            )
        if self.readout not in READOUTS:
            raise ValueError(f"There is no readout '{self.readout}': choose one of {', '.join(READOUTS)}.")

    @property
    def coder(self):
        return self.code

    def threshold(self, sources):
        return int(self.threshold_scale * self.code.winners)

    def error(self, counts, labels):
        return self.own(counts.shape[-1], labels).astype(np.int8)

    @property
    def brian_error(self):
        return "own"

    @property
    def silent(self):
        return self.code.active / (1 - self.code.active)

    @property
    def by_drive(self):
        return self.readout == "drive"
