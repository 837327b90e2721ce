"""The local rule on Lava's own learning synapse: source -> LearningDense -> LIFReset -> error -> LearningDense.

Nothing but the source and the error read-out is ours. One presentation is two learning epochs of num_steps + 1 steps:
the first ends in the step in which the error arrives and changes the tags, the second is blank and lets the weights
follow the tags' signs, since every target of the learning engine sees the old values of the others.
"""

from __future__ import annotations

import numpy as np

from fusi_models.models.staircase import Staircase
from neuromorph.lava.compat import running as running  # before any lava module
from neuromorph.lava.graphs.local_rule import neurons, run
from neuromorph.lava.learning_engine import ERROR, staircase_rule
from neuromorph.local_rule.layer import LayerRule

from lava.proc.dense.process import LearningDense  # isort: skip
from neuromorph.lava.processes.io import MessageSource, shared_array  # isort: skip
from neuromorph.lava.processes.plastic import LAG  # isort: skip
from neuromorph.lava.processes.third_factor import ThirdFactors  # isort: skip


def learn(
    staircase: Staircase, tags: np.ndarray, rule: LayerRule, raster: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Spikes bool [n, time, unit] and tags [unit, input] afterwards, of raster [n, time, input] with labels [n]."""
    epoch, (units, inputs) = rule.num_steps + 1, tags.shape
    frames = np.zeros((len(raster), 2 * epoch, inputs), np.int32)
    frames[:, : rule.num_steps] = raster
    spikes = shared_array(np.zeros((len(raster), rule.num_steps, units), bool))
    source = MessageSource(messages=frames.reshape(-1, inputs))
    synapses = LearningDense(
        weights=2 * staircase.efficacy(tags),
        tag_1=tags,
        weight_exp=-1,
        learning_rule=staircase_rule(staircase, epoch),
    )
    lif = neurons(rule, inputs, (units,), "fixed", 2 * epoch)
    factors = ThirdFactors(labels=labels, spikes=spikes, rule=rule, period=2 * epoch, size=ERROR)
    source.s_out.connect(synapses.s_in)
    synapses.a_out.connect(lif.a_in)
    lif.s_out.connect(factors.s_in)
    factors.y2_out.connect(synapses.s_in_y2)
    factors.y3_out.connect(synapses.s_in_y3)
    found = []
    run(source, "fixed", frames.shape[0] * frames.shape[1] + LAG, lambda: found.append(_tags(synapses, staircase)))
    return spikes, found[0]


def _tags(synapses: LearningDense, staircase: Staircase) -> np.ndarray:
    tags, weights = synapses.tag_1.get().astype(np.int64), synapses.weights.get()
    assert np.array_equal(weights, 2 * staircase.efficacy(tags))
    return tags
