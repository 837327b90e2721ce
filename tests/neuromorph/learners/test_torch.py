"""The torch learner against its earlier loop, over snn.Leaky and three indices a synapse: the same bits."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import snntorch as snn
import torch

from fusi_models import BennaFusi, HiddenWeight, cascade
from fusi_models.models.integer import IntegerHiddenWeight
from neuromorph.learners.torch import TorchLearner, leaky
from neuromorph.local_rule.rule import LocalRule

PAGE = Path(__file__).parents[3] / "experiments" / "bench_learners.py"
RULE = LocalRule(units_per_class=3, code="bernoulli")


@pytest.mark.parametrize("beta", [0.0, 0.5, 3686 / 4096, 1.0])
def test_the_recurrence_is_that_of_snntorch(beta):
    current = np.random.default_rng(1).normal(1, 3, (12, 2, 50)).astype(np.float32)
    lif = snn.Leaky(beta=beta, threshold=4 + 1 / 128, reset_mechanism="zero")
    snn.SpikingNeuron.instances.remove(lif)
    mem, expected = torch.zeros(2, 50), []
    for cur in torch.from_numpy(current):
        spk, mem = lif(cur, mem)
        expected.append(spk.detach().numpy() > 0)
    assert 0.05 < np.mean(expected) < 0.6
    np.testing.assert_array_equal(leaky(current, beta, 4 + 1 / 128), expected)


@pytest.mark.parametrize(
    "synapse",
    [
        HiddenWeight(2.0),
        cascade(4).slowed(0.3),
        IntegerHiddenWeight(HiddenWeight(3.0), 6, stochastic=True),
        BennaFusi(3, values=(16, 16, 16), binary=True),
    ],
    ids=lambda s: type(s).__name__,
)
@pytest.mark.parametrize("seeds", [3, (3, 5, 8)])
def test_the_same_bits_as_the_earlier_loop(synapse, seeds):
    earlier = runpy.run_path(str(PAGE))["Looped"]
    rng, replicas = np.random.default_rng(0), () if seeds == 3 else (3,)
    x, y = rng.random((60, *replicas, 30)), rng.integers(0, 4, (60, *replicas))
    one, other = (kind(synapse, 30, 4, RULE, seeds) for kind in (TorchLearner, earlier))
    before = one.states()
    np.testing.assert_array_equal(one.present(x, y), other.present(x, y))
    np.testing.assert_array_equal(one.states(), other.states())
    assert one.random.get_state().equal(other.random.get_state()) and (one.states() != before).mean() > 0.1
    np.testing.assert_array_equal(one.weight, synapse.efficacy(one.state).float())
