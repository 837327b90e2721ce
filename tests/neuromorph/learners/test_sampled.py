from dataclasses import replace

import numpy as np
import pytest
import torch

from neuromorph import data, run, streams
from neuromorph.learners.bgd import BGDRule
from neuromorph.learners.bimu import BimuRule, bimu_network
from neuromorph.learners.composed import TrainingConfig
from neuromorph.learners.mesu import MesuRule
from neuromorph.learners.methods import LearnerWords
from neuromorph.learners.plain import PlainRule
from neuromorph.learners.sampled import SampledLearner
from neuromorph.snn.posterior import BernoulliConfig, GaussianConfig
from neuromorph.snn.sampled import SampledConfig

torch.set_num_threads(1)
SMALL = SampledConfig((9, 7, 6, 3), GaussianConfig(deviation=0.5), samples=3, init=2.0, standard=(0.4, 0.5))
RULES = {
    "mesu": (SMALL, MesuRule(window=40.0, prior=0.7, prior_mean=0.1, lr=0.8, lr_deviation=1.2)),
    "clamped": (replace(SMALL, normed=True), MesuRule(clamp=0.05)),
    "bgd": (replace(SMALL, activation="gate"), BGDRule()),
    "plain": (replace(SMALL, weights=GaussianConfig(deviation=0.0)), PlainRule(0.05)),
    "bimu": (bimu_network((9, 7, 6, 3), standard=(0.4, 0.5)), BimuRule(window=20.0)),
    "bimu, two outputs": (bimu_network((9, 7, 2), standard=(0.4, 0.5)), BimuRule(window=20.0)),
    "clamped, two outputs": (replace(SMALL, sizes=(9, 7, 2), normed=True), MesuRule(clamp=0.05)),
    "bimu without norm": (bimu_network((9, 7, 3), normed=False, activation="relu", init=3.0), BimuRule()),
}


def learner(network, rule, batch=1, **options):
    return SampledLearner(TrainingConfig(network, rule, batch, seed=3, **options))


def samples(n=40, classes=3):
    rng = np.random.default_rng(0)
    return rng.random((n, 9), np.float32), rng.integers(0, classes, n)


def numbers(one):
    return {k: v.clone() for k, v in one.network.state_dict().items()}


@pytest.mark.parametrize("name", RULES)
def test_the_compiled_loop_does_the_steps_of_torch(name):
    network, rule = RULES[name]
    fast, slow = learner(network, rule), learner(replace(network, fast=False), rule)
    assert fast.fast and not slow.fast
    before = numbers(fast)
    for one in (fast, slow):
        one.partial_fit(*samples(15, network.sizes[-1]))
    for key, value in numbers(fast).items():
        torch.testing.assert_close(value, numbers(slow)[key], rtol=2e-4, atol=2e-5, msg=lambda m, k=key: f"{k}: {m}")
    assert any((v != before[k]).any() for k, v in numbers(fast).items() if k.endswith("weight"))


@pytest.mark.parametrize("name", ["mesu", "bimu"])
def test_cutting_the_samples_of_the_compiled_loop_and_going_on_elsewhere_leave_the_same_bits(name):
    x, y = samples()
    whole, cut = (learner(*RULES[name]) for _ in range(2))
    whole.partial_fit(x, y)
    cut.partial_fit(x[:7], y[:7])
    cut.predict(x)
    other = learner(*RULES[name])
    other.load_state_dict(cut.state_dict())
    for one in (cut, other):
        one.partial_fit(x[7:], y[7:])
        assert all(torch.equal(v, numbers(whole)[k]) for k, v in numbers(one).items())


def test_an_error_that_is_no_number_is_refused_before_a_weight_moves():
    one = learner(*RULES["plain"])
    one.network.weights()[0].data[0, 0] = np.nan
    before = numbers(one)
    with pytest.raises(ValueError, match="the loss became"):
        one.partial_fit(*samples(3))
    assert all(torch.equal(v, before[k]) or "draws" in k for k, v in numbers(one).items() if not v.isnan().any())


@pytest.mark.parametrize(
    ("batch", "options"),
    [(2, {}), (1, {"parts": ("si",)}), (1, {"local": False})],
)
def test_where_the_compiled_loop_is_impossible_fast_is_refused(batch, options):
    network = replace(SMALL, fast=True, weights=GaussianConfig(local=options.pop("local", True)))
    with pytest.raises(ValueError, match="fast=True"):
        learner(network, MesuRule(), batch, **options)


@pytest.mark.parametrize(("name", "batch"), [("mesu", 1), ("mesu", 4), ("bgd", 1), ("bimu", 1)])
def test_a_data_set_is_learned(name, batch):
    digits = data.load("digits")
    network = {
        "bimu": bimu_network((64, 40, 10), standard=(0.3, 0.38)),
        "mesu": SampledConfig((64, 20, 10), GaussianConfig(deviation=0.5), samples=4, init=1.5, standard=(0.3, 0.38)),
    }
    rule = {"bimu": BimuRule(likelihood=800.0 / batch), "mesu": MesuRule(window=1e4), "bgd": BGDRule()}[name]
    one = learner(network.get(name, network["mesu"]), rule, batch)
    x, y = digits.train[0].reshape(-1, 64), digits.train[1]
    one.partial_fit(np.concatenate([x, x]), np.concatenate([y, y]))
    assert (one.predict(digits.test[0].reshape(-1, 64)) == digits.test[1]).mean() > 0.8


@pytest.mark.parametrize(("weights", "rule"), [(GaussianConfig(), MesuRule()), (BernoulliConfig(), BimuRule())])
def test_entropy_is_ambiguity_and_disagreement(weights, rule):
    one = learner(replace(SMALL, weights=weights, samples=8), rule)
    x, _ = samples()
    p, found = one.probabilities(x), one.uncertainty(x)
    assert p.shape == (8, 40, 3) and (one.predict(x) == p.mean(0).argmax(1)).all()
    np.testing.assert_allclose(found.total, found.ambiguity + found.disagreement, rtol=1e-5)
    assert (found.disagreement > 0).all() and (found.total <= np.log(3) + 1e-6).all()
    sure = learner(replace(SMALL, weights=GaussianConfig(deviation=0.0)), MesuRule())
    np.testing.assert_allclose(sure.uncertainty(x).disagreement, 0, atol=1e-6)


def test_mini_batches_add_their_gradients():
    # a step on a pair equals, to first order in a small lr, the two steps one after another
    x, y = samples(2)
    network = replace(SMALL, weights=GaussianConfig(deviation=0.0), samples=1, fast=False)
    moved = []
    for batch in (1, 2):
        one = learner(network, PlainRule(1e-4), batch)
        start = one.network.weights()[0].detach().clone()
        one.partial_fit(x, y)
        moved.append(one.network.weights()[0].detach() - start)
    torch.testing.assert_close(moved[0], moved[1], rtol=0.02, atol=1e-7)


@pytest.mark.parametrize("words", ["mesu:window=100,clamp=0", "bgd:samples=2", "plain", "bimu:batch=4"])
def test_a_benchmark_has_it_in_words(words):
    one = LearnerWords(words, (9, 7, 3))(0)
    one.partial_fit(*samples(8))
    assert one.predict(samples(5)[0]).shape == (5,) and one.fast == ("batch" not in words)
    assert one.cost(samples(5)[0]).synapses == 9 * 7 + 7 * 3


@pytest.mark.parametrize("words", ["mesu", "bimu", "bgd"])
def test_probabilities_are_of_the_outputs_that_predict(words):
    """With an output layer a task, and samples of the past in a mini-batch."""
    stream = streams.by_name("split-task-digits", 2, 0, 100, 40)
    ours = LearnerWords(f"{words}+replay:capacity=20", (64, 12, 5), heads=2)(0)
    run.learn_stream(ours, stream, progress=False)
    for task in range(2):
        ours.begin_test(task)
        x = stream[task].test[0]
        np.testing.assert_array_equal(ours.probabilities(x).mean(0).argmax(1), ours.predict(x))
