"""One equation, three substrates: the same spikes and states, or the same statistics of stochastic synapses."""

from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pytest

from fusi_models import HiddenWeight, cascade, plain
from fusi_models.models.integer import fixed_point
from fusi_models.theory.transient import transient_curve
from neuromorph import streams
from neuromorph.data import load
from neuromorph.lava import reference
from neuromorph.learners import BrianLearner, LavaLearner, TorchLearner
from neuromorph.local_rule.codes import Winners
from neuromorph.local_rule.prototypes import Prototypes
from neuromorph.local_rule.rule import LocalRule, encode
from neuromorph.metrics import memory_signal

LAVA = [
    pytest.mark.skipif(find_spec("lava") is None, reason="lava-nc is not installed"),
    pytest.mark.timeout(120),
]
MAKERS = {
    "torch": TorchLearner,
    "brian2": BrianLearner,
    "lava-float": lambda *a, **k: LavaLearner(*a, **k, arithmetic="float"),
    "lava": LavaLearner,
}
EVERY = [pytest.param(name, marks=LAVA if name.startswith("lava") else []) for name in MAKERS]
HIDDEN = HiddenWeight(2.0)


@pytest.fixture(scope="module")
def task():
    return streams.permuted(load("digits"), 1, seed=3)[0]


def presented(learner, task, samples):
    """Spikes while learning, states, and classes of test samples, after some samples of a task."""
    spikes = learner.present(task.train[0][:samples], task.train[1][:samples])
    return spikes, learner.states(), learner.predict(task.test[0][:60])


def same_as_torch(make, rule, task, samples=300):
    """Spikes identical, hidden states equal to 1e-6, and neither trivially so."""
    spikes, states, classes = presented(TorchLearner(HIDDEN, 64, 10, rule, seeds=7), task, samples)
    fresh = TorchLearner(HIDDEN, 64, 10, rule, seeds=7).states()
    assert 0.02 < spikes.mean() < 0.9
    assert (HIDDEN.efficacy(states) != HIDDEN.efficacy(fresh)).mean() > 0.05
    other_spikes, other_states, other_classes = presented(make(HIDDEN, 64, 10, rule, seeds=7), task, samples)
    np.testing.assert_array_equal(other_spikes, spikes)
    np.testing.assert_allclose(other_states, states, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(other_classes, classes)


RULES = {
    "rate": LocalRule(units_per_class=3),
    "bernoulli": LocalRule(units_per_class=3, num_steps=8, high=6, low=4, code="bernoulli"),
    "slow-leak": LocalRule(units_per_class=3, num_steps=10, high=6, low=4, beta=1 - 410 / 4096),
}


@pytest.mark.parametrize("rule", RULES)
def test_brian2_equals_torch_over_a_task(rule, task):
    same_as_torch(BrianLearner, RULES[rule], task)


@pytest.mark.parametrize("rule", [pytest.param(name, marks=LAVA) for name in RULES])
def test_lava_float_equals_torch_over_a_task(rule, task):
    same_as_torch(MAKERS["lava-float"], RULES[rule], task)


@pytest.mark.parametrize("target", ["cython", "cpp_standalone"])
def test_compiled_brian2_equals_torch(target, task):
    rule = LocalRule(units_per_class=2)
    x, y = task.train[0][:100], task.train[1][:100]
    here = TorchLearner(HIDDEN, 64, 10, rule, seeds=7)
    compiled = BrianLearner(HIDDEN, 64, 10, rule, seeds=7, target=target)
    before = here.states()
    spikes = here.present(x, y)
    assert spikes.any() and (HIDDEN.efficacy(here.states()) != HIDDEN.efficacy(before)).any()
    np.testing.assert_array_equal(compiled.present(x, y), spikes)
    np.testing.assert_allclose(compiled.states(), here.states(), rtol=0, atol=1e-6)


# 64 * 3686 is no multiple of 4096: with this beta, the chip cuts something off the membrane at every decay.
INTEGER_RULES = RULES | {
    "long": LocalRule(units_per_class=3, num_steps=20, high=12, low=8, beta=1 - 410 / 4096, threshold_scale=1.5),
    "one-step": LocalRule(units_per_class=3, num_steps=1, high=1, low=0),
}


@pytest.mark.parametrize("rule", [pytest.param(name, marks=LAVA) for name in INTEGER_RULES])
def test_lava_fixed_point_equals_the_integer_reference(rule, task):
    rule, model = INTEGER_RULES[rule], fixed_point(HIDDEN)
    x, y = task.train[0][:300], task.train[1][:300]
    learner = LavaLearner(HIDDEN, 64, 10, rule, seeds=7)
    before = learner.states()[0]
    spikes, states = reference.local_rule(encode(x, rule, seed=7), y, before, model, rule)
    found = learner.present(x, y)
    assert learner.states().dtype == np.int32
    np.testing.assert_array_equal(found[:, :, 0], spikes)
    np.testing.assert_array_equal(learner.states()[0], states)
    assert 0.01 < spikes.mean() < 0.9 and ((states >= 0) != (before >= 0)).mean() > 0.03


@pytest.mark.parametrize("name", [pytest.param(name, marks=LAVA) for name in ("lava-float", "lava")] + ["brian2"])
def test_prototypes_are_the_same_on_every_substrate(name, task):
    """Two replicas of two seeds: spikes, drives, states and classes; on Lava's integers against torch with these."""
    rule = Prototypes(2, 1 - 1 / 64, 0.1, 3, Winners(60, 0.15))
    x, y = (np.stack([a[:60], a[60:120]], 1) for a in task.train)
    test = np.stack([task.test[0][:60]] * 2, 1)
    synapse = fixed_point(HIDDEN) if name == "lava" else HIDDEN
    one, two = TorchLearner(synapse, 64, 10, rule, (7, 8)), MAKERS[name](HIDDEN, 64, 10, rule, (7, 8))
    before = synapse.efficacy(one.states())
    spikes = one.present(x, y)
    assert 0.1 < spikes.mean() < 0.9 and (synapse.efficacy(one.states()) != before).mean() > 0.05
    np.testing.assert_array_equal(two.present(x, y), spikes)
    np.testing.assert_allclose(two.states(), one.states(), rtol=0, atol=1e-9)
    raster = one._raster(test, 0, True)
    np.testing.assert_array_equal(two.drives(raster), one.drives(raster))
    np.testing.assert_array_equal(two.predict(test), one.predict(test))


@pytest.mark.parametrize("name", EVERY)
def test_replicas_equal_the_runs_alone(name, task):
    """Deterministic synapse: a network of several seeds is the networks of each."""
    rule = LocalRule(units_per_class=2, code="bernoulli")
    x = np.stack([task.train[0][:60], task.train[0][60:120]], 1)
    y = np.stack([task.train[1][:60], task.train[1][60:120]], 1)
    both = MAKERS[name](HIDDEN, 64, 10, rule, seeds=(4, 9))
    spikes = both.present(x, y)
    classes = both.predict(x[:20])
    assert classes.shape == (20, 2)
    for r, seed in enumerate((4, 9)):
        alone = MAKERS[name](HIDDEN, 64, 10, rule, seeds=seed)
        np.testing.assert_array_equal(alone.present(x[:, r], y[:, r])[:, :, 0], spikes[:, :, r])
        np.testing.assert_array_equal(alone.states()[0], both.states()[r])
        np.testing.assert_array_equal(alone.predict(x[:20, r]), classes[:, r])


# Stochastic synapses ------------------------------------------------------------------------------------------------

SEEDS = tuple(range(6))
STOCHASTIC = {"plain": plain(0.1), "cascade": cascade(4).slowed(0.1)}


@pytest.mark.skipif(find_spec("lava") is None, reason="lava-nc is not installed")
@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", STOCHASTIC)
def test_stochastic_synapses_agree_in_occupancy_and_accuracy(name):
    """Six seeds on each substrate; mean occupancies and accuracies differ by less than 4 standard errors.

    A seed has the same samples and initial states everywhere, so the error of a difference is sqrt(2 var / 6) with var
    the residual variance of (substrate, seed); it is at most 0.005 for an occupancy and 0.05 for the accuracy.
    """
    synapse, rule = STOCHASTIC[name], LocalRule(units_per_class=6)
    task = streams.parallel([streams.permuted(load("digits"), 1, seed) for seed in SEEDS])[0]
    x, y = (a[:300] for a in task.train)
    x_test, y_test = task.test
    found = []
    for make in MAKERS.values():
        learner = make(synapse, 64, 10, rule, seeds=SEEDS)
        learner.partial_fit(x, y)
        occupancy = [np.bincount(s.ravel(), minlength=synapse.states) / s.size for s in learner.states()]
        accuracy = (learner.predict(x_test) == y_test).mean(0)
        found.append(np.column_stack([occupancy, accuracy]))
    values = np.array(found)  # [substrate, seed, state..., accuracy]
    residual = values - values.mean(0) - values.mean(1, keepdims=True) + values.mean((0, 1))
    variance = (residual**2).sum((0, 1)) / (len(MAKERS) - 1) / (len(SEEDS) - 1)
    error = np.sqrt(2 * variance / len(SEEDS))
    assert error[:-1].max() < 0.005 and error[-1] < 0.05, error
    assert values[..., -1].mean() > 0.2  # chance is 0.1
    mean = values.mean(1)
    assert (abs(mean[:, None] - mean[None]) < 4 * error).all(), (mean, error)


@pytest.mark.parametrize("name", EVERY)
def test_transitions_do_not_depend_on_the_raster(name):
    """Plain synapses under the Bernoulli code flip with probability q, whatever random numbers made the raster."""
    q, inputs = 0.05, 20_000
    rule = LocalRule(num_steps=1, high=1, low=0, code="bernoulli", units_per_class=1, threshold_scale=9e2)
    x = np.full((2, inputs), 0.1, np.float32)
    learner = MAKERS[name](plain(q), inputs, 2, rule, seeds=5)
    for k in range(2):
        before = np.array(learner.states()[0, 0])
        assert not learner.present(x[k : k + 1], np.zeros(1, int)).any()  # a silent unit: all candidates potentiate
        active = encode(x[k : k + 1], rule, 5, k)[0, 0]
        flipped = learner.states()[0, 0] != before
        may = active & (before == 0)
        assert not flipped[~may].any() and may.sum() > 500
        assert abs(flipped[may].mean() - q) < 4 * np.sqrt(q * (1 - q) / may.sum())


IMPRINTS = {
    "torch": ("snn", {}),
    "brian2": ("brian", {"target": "numpy"}),
    "lava-float": ("lava", {"arithmetic": "float"}),
    "lava": ("lava", {"arithmetic": "fixed"}),
}


@pytest.mark.parametrize("synapse", [plain(0.2), cascade(4), HIDDEN], ids=["plain", "cascade", "hidden"])
@pytest.mark.parametrize("name", EVERY)
def test_memory_curve_of_every_substrate_is_that_of_the_chain(name, synapse):
    """The ideal observer's signal over 60 patterns, within 4 standard errors (50 groups of synapses) at each lag."""
    module, options = IMPRINTS[name]
    events = np.random.default_rng(11).choice(np.array([-1, 1], np.int8), (90, 10_000))
    lags = np.array([0, 1, 2, 4, 8, 16, 30])
    efficacy = import_module(f"neuromorph.learners.{module}").imprint(synapse, events, seed=1, **options)
    assert efficacy.shape == events.shape and set(np.unique(efficacy)) == {-1, 1}
    signal, error = memory_signal(events, efficacy, lags, tracked=60, blocks=50)
    theory = transient_curve(synapse, lags, ages=60)
    assert error.max() < 0.002 and theory[0] > 20 * error[0]
    assert (abs(signal - theory) < 4 * error).all(), (signal - theory) / error
