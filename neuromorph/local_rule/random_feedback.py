"""Errors for a hidden layer by fixed random feedback, in the words of the local rule (``neuromorph.local_rule.rule``).

    delta_i = sum_j B_ij e_j,   B_ij = +-1 drawn once, e_j the output errors of a presentation;
    hidden neuron i with n_i spikes has the error  +1 if delta_i > margin and n_i < num_steps,
    -1 if delta_i < -margin and n_i > 0,  0 otherwise,

and every synapse of a neuron in error whose input has spiked receives that candidate event. Direct feedback alignment
(Nokland 2016, NeurIPS 29) with event-driven gating by the neuron's own activity (Neftci et al. 2017, Front. Neurosci.
11:324), reduced by us to signs, since a binary synapse knows no more.
"""

from dataclasses import dataclass

import numpy as np

from fusi_models.seeds import whole
from neuromorph.local_rule import chance


@dataclass(frozen=True)
class Feedback:
    """``margin``: how far the fed-back errors must agree; ``seed``: draws B.

    Raises ``ValueError`` unless both are whole numbers of at least 0.
    """

    margin: int = 6
    seed: int = 0

    def __post_init__(self):
        for name in ("margin", "seed"):
            object.__setattr__(self, name, whole(getattr(self, name), name))

    def weights(self, hidden: int, units: int) -> np.ndarray:
        """B, int32 [hidden, unit] of -1 and +1."""
        return chance.feedback(self.seed).choice(np.array([-1, 1], np.int32), (hidden, units))


def hidden_error(
    errors: np.ndarray, counts: np.ndarray, weights: np.ndarray, margin: int, num_steps: int
) -> np.ndarray:
    """Hidden errors int32 [..., hidden] of output ``errors`` [..., unit] and hidden spike ``counts`` [..., hidden]."""
    delta = errors.astype(np.int32) @ weights.T
    return ((delta > margin) & (counts < num_steps)).astype(np.int32) - ((delta < -margin) & (counts > 0))
