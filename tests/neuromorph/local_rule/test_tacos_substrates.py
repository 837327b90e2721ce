"""TACOS in Brian2 and in plain torch: the spikes and the weights of the compiled loops."""

from dataclasses import replace

import numpy as np
import pytest

from neuromorph.learners.methods import LearnerWords
from neuromorph.learners.tacos import SUBSTRATES, TacosConfig, TacosLearner
from neuromorph.local_rule import error_neurons, tacos, tacos_brian, tacos_torch

FLOAT = TacosConfig(12, False, (0.01, 0.02), 10.0, True, (0.3, 0.1), (6.0, 6.0), 6.0, rate=800.0, label_rate=300.0)
FLOAT = replace(FLOAT, dm=(0.1, 0.1), traces=(1.0, 0.5, 0.1), steps=60)
FIXED = replace(FLOAT, metaplastic=True, bits=6)
BY_NAME = {"brian2": tacos_brian.present, "torch": lambda *a: tacos_torch.present(*a, "cpu")}


def samples(n):
    """Three classes, each with a third of the inputs."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 3
    active = np.arange(9) // 3 == y[:, None]
    return (active * rng.uniform(0.6, 1, (n, 9))).astype(np.float32), y


def state(learner):
    return np.concatenate([array.ravel() for name in learner.arrays for array in getattr(learner, name)])


@pytest.mark.parametrize("substrate", ["brian2", "torch"])
@pytest.mark.parametrize("config", [FLOAT, FIXED], ids=["float", "fixed point, damped"])
def test_the_same_weights_whatever_the_substrate_and_the_cuts(substrate, config):
    (x, y), compiled = samples(8), TacosLearner(9, 3, config, 6)
    other = SUBSTRATES[substrate](9, 3, config, 6)
    before = state(compiled).copy()
    compiled.partial_fit(x, y)
    other.partial_fit(x[:3], y[:3])
    other.partial_fit(x[3:], y[3:])
    np.testing.assert_allclose(state(other), state(compiled), rtol=0, atol=0 if substrate == "brian2" else 1e-5)
    assert (state(compiled) != before).mean() > 0.4 and compiled.m[0].any() and compiled.m[1].any()


@pytest.mark.parametrize("substrate", ["brian2", "torch"])
def test_every_neuron_has_the_same_spikes(substrate):
    learner = TacosLearner(9, 3, FLOAT, 6)
    x, layers, steps = samples(4)[0], error_neurons.layers(4.0, (0.0, 0.0), 1.0), FLOAT.steps
    rates = (tacos.Rates(0.0, 0.0, 1.0, 3.0, 0.0),) * 2
    chances, counts = x, np.arange(4)
    arguments = (rates, learner.w, learner.reference, learner.m, learner.back, np.zeros(3), chances, 0.3, steps)
    found = BY_NAME[substrate](layers, *arguments, np.full(4, -1), (False, False), 7, counts)
    for n, salt in enumerate(error_neurons.salted(7, counts).astype(np.uint32)):
        inputs, units = error_neurons.silent(chances[n]), [error_neurons.at_rest(k) for k in (12, 3)]
        for t in range(steps):
            before, count = inputs.spikes, error_neurons.shown(chances[n], t, tuple(salt), inputs)
            for k, unit in enumerate(units):
                count = error_neurons.fired(layers[k], t, learner.w[k], before, count, unit)
                before = unit.spikes
                np.testing.assert_array_equal(np.flatnonzero(found[k][n, t]), np.sort(before[:count]))
    assert all(spikes.any() for spikes in found)


def test_a_benchmark_chooses_the_substrate_in_words():
    for name, kind in SUBSTRATES.items():
        assert isinstance(LearnerWords(f"tacos:substrate={name}", (9, 12, 3))(0), kind)
    with pytest.raises(ValueError, match="no substrate 'lava': choose one of compiled, torch, brian2"):
        LearnerWords("tacos:substrate=lava", (9, 12, 3))(0)
