"""Learning inside the Lava graph, checked against numpy: spikes, errors, and states by the same random numbers."""

import numpy as np
import pytest

pytest.importorskip("lava.magma", reason="lava-nc is not installed")

from fusi_models import BennaFusi, HiddenWeight, cascade
from fusi_models.models.integer import IntegerHiddenWeight
from neuromorph.learners.lava import LavaLearner
from neuromorph.local_rule import chance
from neuromorph.local_rule.rule import LocalRule, encode, error

RULE = LocalRule(units_per_class=2)
SYNAPSES = [
    HiddenWeight(3.0),
    IntegerHiddenWeight(HiddenWeight(3.0), 6, stochastic=True),
    cascade(4).slowed(0.3),
    BennaFusi(4, values=(16, 16, 16, 16), binary=True),
]


def spikes_of(weights, raster, rule):
    """Output spikes [time, unit] of one presentation by the equations of the local rule."""
    v, spikes = np.zeros(len(weights)), np.zeros((len(raster), len(weights)), bool)
    for t, s in enumerate(raster):
        v = np.trunc(v * 64 * rule.beta) / 64 + weights @ s  # the chip's membranes are whole 64ths
        spikes[t] = v > rule.threshold(raster.shape[1])
        v[spikes[t]] = 0
    return spikes


@pytest.mark.parametrize("synapse", SYNAPSES, ids=lambda s: f"{type(s).__name__}-{s.name}")
def test_every_spike_and_state_is_that_of_the_rule(synapse):
    rng = np.random.default_rng(0)
    x, y = rng.random((15, 20)), rng.integers(0, 3, 15)
    learner = LavaLearner(synapse, 20, 3, RULE, seeds=2)
    states, model = learner.states()[0], learner.synapse
    start = states.copy()
    found = learner.present(x, y)[:, :, 0]
    for k, (raster, label) in enumerate(zip(encode(x, RULE, 2), y, strict=True)):
        expected = spikes_of(model.efficacy(states), raster.astype(int), RULE)
        np.testing.assert_array_equal(found[k], expected)
        e = error(expected.sum(0), label, RULE)
        unit, source = np.nonzero((e != 0)[:, None] & raster.any(0)[None, :])
        states[unit, source] = model.update(states[unit, source], e[unit], chance.transitions((2,), k))
    np.testing.assert_array_equal(learner.states()[0], states)
    assert (states != start).mean() > 0.1
