"""Learning in Lava's own synapse against the torch learner: the same spikes and states, one by one."""

import numpy as np
import pytest

pytest.importorskip("lava.magma", reason="lava-nc is not installed")

from fusi_models import HiddenWeight
from fusi_models.models.staircase import Staircase
from neuromorph.learners.lava_stock import StockLavaLearner
from neuromorph.learners.torch import TorchLearner
from neuromorph.local_rule.rule import LocalRule

RULE = LocalRule(units_per_class=2)


def samples(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((n, 20)), rng.integers(0, 3, n)


def test_stock_synapse_equals_torch_spike_for_spike_and_state_for_state():
    chip, torch = (kind(Staircase(), 20, 3, RULE, seeds=4) for kind in (StockLavaLearner, TorchLearner))
    start = chip.states()
    x, y = samples(30)
    found, expected = chip.present(x, y), torch.present(x, y)
    assert 0.1 < expected.mean() < 0.8
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(chip.states(), torch.states())
    assert (chip.states() != start).mean() > 0.5
    test = samples(9, seed=1)[0]
    np.testing.assert_array_equal(chip.predict(test), torch.predict(test))


def test_cutting_the_samples_leaves_the_same_state():
    x, y = samples(8)
    whole, parts = (StockLavaLearner(Staircase(), 20, 3, RULE) for _ in range(2))
    whole.partial_fit(x, y)
    parts.partial_fit(x[:3], y[:3])
    parts.partial_fit(x[3:], y[3:])
    np.testing.assert_array_equal(whole.states(), parts.states())


def test_other_synapses_and_several_seeds_are_refused():
    for synapse, seeds in ((HiddenWeight(2), 0), (Staircase(), (0, 1))):
        with pytest.raises(ValueError, match="runs a Staircase with one seed"):
            StockLavaLearner(synapse, 20, 3, RULE, seeds=seeds)
