from dataclasses import replace

import numpy as np
import pytest

from neuromorph.learners.methods import LearnerWords
from neuromorph.learners.probabilistic import ProbabilisticConfig, ProbabilisticLearner
from neuromorph.local_rule.devices import Devices

SMALL = ProbabilisticConfig(30, Devices(7, 10, 0.02), steps=100, u_th=(0.1, 1.0), traces=(2.0, 1.0, 1.0))


def samples(n, seed=0):
    """Two classes, each with its own half of the inputs."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    active = (np.arange(20) // 10 == y[:, None]) * 0.8
    return (active * rng.uniform(0.5, 1, (n, 20))).astype(np.float32), y


def learned(config, n=150, **options):
    learner = ProbabilisticLearner(20, 2, config, **options)
    learner.partial_fit(*samples(n))
    return learner


def test_two_classes_are_learned_by_writing_devices():
    learner, (x, y) = learned(SMALL), samples(60, seed=1)
    assert (learner.predict(x) == y).mean() > 0.9
    assert min(n[0] for n in learner.writes) > 100


def test_metaplasticity_saves_writes_and_only_grows():
    free, kept = learned(replace(SMALL, dm=(0.0, 0.0))), learned(replace(SMALL, dm=(0.05, 0.05)))
    assert not free.m[0].any() and kept.m[0].max() > 0 and kept.m[0].min() == 0
    assert kept.writes[0][0] < 0.8 * free.writes[0][0]


def test_the_weights_are_those_of_their_devices_and_stay_within_their_range():
    learner = learned(SMALL)
    for w, r, w_max in zip(learner.w, learner.r, SMALL.w_max, strict=True):
        np.testing.assert_allclose(w, SMALL.devices.weights(r, w_max), atol=1e-4)
        assert np.abs(w).max() < 1.3 * w_max  # a spread of the last level leads a little beyond


def test_a_silent_sample_writes_nothing_and_a_prediction_depends_on_no_other():
    learner = ProbabilisticLearner(20, 2, SMALL)
    before = [w.copy() for w in learner.w]
    learner.partial_fit(np.zeros((3, 20), np.float32), np.zeros(3, np.int64))
    assert all((a == b).all() for a, b in zip(before, learner.w, strict=True))
    x, _ = samples(5)
    np.testing.assert_array_equal(learner.counts(x)[3:], learner.counts(x[3:]))


def test_impossible_choices_are_refused():
    for options in ({"hidden": 0}, {"rate": 2000.0}, {"dm": (-1.0, 0.0)}, {"u_th": (0.0, 1.0)}, {"steps": 0}):
        with pytest.raises(ValueError):
            ProbabilisticConfig(**options)


def test_a_benchmark_has_it_in_words():
    learner = LearnerWords("probabilistic:devices=2,protects=no", (20, 30, 2))(1)
    assert learner.config.devices.count == 2 and learner.config.dm == (0.0, 0.0)
    one, two = (20, 30, 2), (20, 30, 30, 2)
    for words, sizes, match in (("probabilistic+si", one, "no parts"), ("probabilistic", two, "one hidden layer")):
        with pytest.raises(ValueError, match=match):
            LearnerWords(words, sizes)(0)


def test_an_inference_costs_its_spikes_and_a_weight_its_devices():
    (x, _), learner = samples(5, seed=1), learned(SMALL, 20)
    before, found = learner.counts(x), learner.cost(x)
    assert found.synapses == 20 * 30 + 30 * 2 and found.weight_bytes == found.synapses * 7 * 4 / 8  # ten levels
    assert found.spikes > before.sum() / 5 and found.accumulates > 30 * 0.9 * x.sum() / 5 * 0.25 * 100
    np.testing.assert_array_equal(learner.counts(x), before)
