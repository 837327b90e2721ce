"""The local rule on Lava's own learning synapse (``neuromorph.lava.graphs.stock_local_rule``)."""

from collections.abc import Sequence

from fusi_models.models.staircase import Staircase
from neuromorph.learners.lava import LavaLearner
from neuromorph.learners.local import active_only
from neuromorph.local_rule.layer import LayerRule
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
        rule: LayerRule = LocalRule(),
        seeds: int | Sequence[int] = 0,
    ):
        if not isinstance(synapse, Staircase):
            raise ValueError(f"Lava's own learning synapse runs a Staircase with one seed, got {synapse!r}.")
        self.staircase = synapse
        super().__init__(synapse, inputs, classes, active_only(rule), seeds)
        if not self.single:
            raise ValueError(f"Lava's own learning synapse runs a Staircase with one seed, got the seeds {self.seeds}.")

    def _learn(self, raster, labels):
        from neuromorph.lava.graphs.stock_local_rule import learn

        spikes, tags = learn(self.staircase, self.states()[0], self.rule, raster[:, :, 0], labels[:, 0])
        self._set_states(tags[None])
        return spikes[:, :, None]
