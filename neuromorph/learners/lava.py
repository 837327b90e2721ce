"""The local rule on Lava: synapses learn inside the running process network (``neuromorph.lava.graphs.local_rule``).

A call of ``partial_fit`` is one compiled run that streams all its samples. Spikes are those of the other substrates.
"""

from collections.abc import Sequence

import numpy as np

from fusi_models import SynapseModel
from fusi_models.models.integer import fixed_point
from neuromorph.learners.local import LocalLearner, checked_synapse
from neuromorph.local_rule import chance
from neuromorph.local_rule.layer import LayerRule
from neuromorph.local_rule.rule import LocalRule

ARITHMETIC = ("fixed", "float")


class LavaLearner(LocalLearner):
    """``LocalLearner`` on Lava.

    ``arithmetic``: ``fixed`` is the chip's (integer membranes, integer synaptic states: hidden weights of
    ``state_bits`` bits, transition probabilities of 16 bits); ``float`` runs Lava's floating-point models.
    Raises ``ValueError`` for unknown arithmetic and for a rule that the chip's integers cannot hold, ``ImportError``
    with the remedy where Lava is not installed.
    """

    def __init__(
        self,
        synapse: SynapseModel,
        inputs: int,
        classes: int,
        rule: LayerRule = LocalRule(),
        seeds: int | Sequence[int] = 0,
        arithmetic: str = "fixed",
        state_bits: int = 12,
    ):
        if arithmetic not in ARITHMETIC:
            raise ValueError(f"There is no Lava arithmetic '{arithmetic}': choose one of {', '.join(ARITHMETIC)}.")
        from neuromorph.lava import compat  # noqa: F401  says how to install Lava where it is missing

        self.arithmetic, self.state_bits = arithmetic, state_bits
        given, integers = checked_synapse(synapse), arithmetic == "fixed"
        super().__init__(fixed_point(given, state_bits) if integers else given, inputs, classes, rule, seeds)
        self.given = given
        if integers:
            rule.on_chip(self.sources)

    def configuration(self):
        return {
            **super().configuration(),
            "synapse": self.given,
            "arithmetic": self.arithmetic,
            "state_bits": self.state_bits,
        }

    def states(self):
        return np.array(self._states)

    def _set_states(self, states):
        from neuromorph.lava.processes.io import shared_array

        self._states = shared_array(states)

    def _learn(self, raster, labels):
        from neuromorph.lava.graphs.local_rule import learn

        return learn(self.synapse, self._states, self.rule, raster, labels, self.seeds, self.presented, self.arithmetic)

    def spikes(self, raster):
        from neuromorph.lava.graphs.local_rule import infer

        return infer(self.synapse.efficacy(self.states()), self.rule, raster, self.arithmetic)

    def drives(self, raster):
        from neuromorph.lava.graphs.local_rule import drives

        return drives(self.synapse.efficacy(self.states()), raster, self.arithmetic)


def imprint(synapse: SynapseModel, events: np.ndarray, seed: int, arithmetic: str = "fixed") -> np.ndarray:
    """Efficacies int8 [time, synapse] right after each of ``events`` [time, synapse] in {-1, +1}, in a Lava process."""
    from neuromorph.lava.graphs import local_rule

    model = fixed_point(synapse) if arithmetic == "fixed" else synapse
    states = model.init(events.shape[1:], chance.initial_states(seed))
    return local_rule.imprint(model, states, events, seed, arithmetic)
