"""The local rule on Lava's own learning synapse: source -> LearningDense -> LIFReset -> error -> LearningDense.

Nothing but the source and the error read-out is ours. One presentation is two learning epochs of num_steps + 1 steps:
the first ends in the step in which the error arrives and changes the tags, the second is blank and lets the weights
follow the tags' signs, since every target of the learning engine sees the old values of the others.
"""

from collections.abc import Sequence

import numpy as np

from fusi_models.models.staircase import Staircase
from neuromorph.learners.lava import LavaLearner
from neuromorph.local_rule.rule import LocalRule


class StockLavaLearner(LavaLearner):
    """``LavaLearner`` whose synapses are a stock ``LearningDense`` with a ``Staircase``; one seed only.

    Raises ``ValueError`` for another synapse or several seeds.
    """

    def __init__(
        self,
        synapse: Staircase,
        inputs: int,
        classes: int,
        rule: LocalRule = LocalRule(),
        seeds: int | Sequence[int] = 0,
    ):
        if not isinstance(synapse, Staircase) or not isinstance(seeds, int):
            raise ValueError(
                f"Lava's own learning synapse runs a Staircase with one seed, got {synapse.name} with seeds {seeds}."
            )
        self.staircase = synapse
        super().__init__(synapse, inputs, classes, rule, seeds)

    def _learn(self, raster, labels):
        from lava.proc.dense.process import LearningDense

        from neuromorph.lava.learning_engine import ERROR, staircase_rule
        from neuromorph.lava.processes.io import MessageSource, shared_array
        from neuromorph.lava.processes.third_factor import ThirdFactors

        epoch = self.rule.num_steps + 1
        frames = np.zeros((len(raster), 2 * epoch, self.inputs), np.int32)
        frames[:, : self.rule.num_steps] = raster[:, :, 0]
        spikes = shared_array(np.zeros((len(raster), self.rule.num_steps, self.units), bool))
        tags = self.states()[0]
        source = MessageSource(messages=frames.reshape(-1, self.inputs))
        synapses = LearningDense(
            weights=2 * self.synapse.efficacy(tags),
            tag_1=tags,
            weight_exp=-1,
            learning_rule=staircase_rule(self.staircase, epoch),
        )
        neurons = self._lif((self.units,), 2 * epoch)
        factors = ThirdFactors(labels=labels[:, 0], spikes=spikes, rule=self.rule, period=2 * epoch, size=ERROR)
        source.s_out.connect(synapses.s_in)
        synapses.a_out.connect(neurons.a_in)
        neurons.s_out.connect(factors.s_in)
        factors.y2_out.connect(synapses.s_in_y2)
        factors.y3_out.connect(synapses.s_in_y3)
        self._run(source, frames.shape[0] * frames.shape[1], lambda: self._read(synapses))
        return spikes[:, :, None]

    def _read(self, synapses) -> None:
        tags, weights = synapses.tag_1.get().astype(np.int64), synapses.weights.get()
        assert np.array_equal(weights, 2 * self.synapse.efficacy(tags))
        self._set_states(tags[None])
