"""Contexts that nobody tells: found on a stream, the same network as with XdG, which is told; what is no context."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from neuromorph import data, streams
from neuromorph.learners.composed import ComposedLearner, TrainingConfig
from neuromorph.learners.parts.contexts import Contexts
from neuromorph.learners.rules import Metaplasticity
from neuromorph.run import learn_stream
from neuromorph.snn import Convolution, NetworkConfig
from neuromorph.snn.baselines import ControlConfig

torch.set_num_threads(1)

BINARY = TrainingConfig(ControlConfig((64, 40, 30, 10), norm="none"), Metaplasticity(3.0), 50, parts=(Contexts(0.5),))
STREAM = streams.permuted(data.load("digits").limited(400, 100), 3, 0)


def test_on_permutations_it_is_the_network_that_is_told_the_task():
    """Weights and accuracies of XdG, bit for bit, though it is told nothing, and cut into other calls."""
    ours, cut, whole = (ComposedLearner(BINARY) for _ in range(3))
    told = ComposedLearner(replace(BINARY, parts=("xdg:gated=0.5",)))
    assert ours.needs == frozenset() and told.needs
    found, known = learn_stream(ours, STREAM, epochs=2, seed=3), learn_stream(told, STREAM, epochs=2, seed=3)
    assert ours.parts[0].met == [800, 800, 800]
    assert all(map(torch.equal, ours.network.weights(), told.network.weights()))
    learned = np.tril(np.ones((3, 3), bool))
    np.testing.assert_allclose(found.accuracy[learned], known.accuracy[learned], atol=0.05)  # 2 of 100 go astray
    for task in STREAM:
        for x, y in zip(*(np.split(part, [50, 250]) for part in task.train), strict=True):
            cut.partial_fit(x, y)
    for task in STREAM:
        whole.partial_fit(*task.train)
    assert all(map(torch.equal, cut.network.weights(), whole.network.weights()))
    np.testing.assert_allclose(cut.parts[0].prototypes, whole.parts[0].prototypes)


def test_prototypes_are_mean_images_and_a_sample_takes_the_gates_of_the_nearest():
    learner = ComposedLearner(BINARY)
    part = learner.parts[0]
    for task in STREAM:
        learner.partial_fit(*task.train)
    np.testing.assert_allclose(part.prototypes, [task.train[0].mean(0) for task in STREAM], atol=1e-5)
    x = np.concatenate([task.test[0][:20] for task in STREAM])
    context = ((x[:, None] - part.prototypes.numpy()) ** 2).sum(-1).argmin(1)
    np.testing.assert_array_equal(part.nearest(torch.from_numpy(x)), context)
    one_by_one = [learner.predict(sample[None])[0] for sample in x]
    np.testing.assert_array_equal(learner.predict(x), one_by_one)
    assert learner.network.gates == [None, None]
    with part.predicting(torch.from_numpy(x)):
        assert all(not torch.equal(gate[0], gate[-1]) for gate in learner.network.gates)


def test_what_is_no_context_a_rest_of_one_and_other_labels():
    learner = ComposedLearner(BINARY)
    x, y = STREAM[0].train
    for count in (200, 1, 3, 51):
        learner.partial_fit(x[:count], (y[:count] + 1) % 10)
    assert learner.parts[0].met == [255]
    few = ComposedLearner(replace(BINARY, parts=("contexts:gated=0.5,most=2",)))
    for task in STREAM:
        few.partial_fit(*task.train)
    assert len(few.parts[0].met) == 2


def test_it_goes_on_bit_for_bit():
    learner, twin = ComposedLearner(BINARY), ComposedLearner(BINARY)
    learner.partial_fit(*STREAM[0].train)
    learner.partial_fit(*STREAM[1].train)
    twin.load_state_dict(learner.state_dict())
    for one in (learner, twin):
        one.partial_fit(*STREAM[2].train)
    assert all(map(torch.equal, learner.network.weights(), twin.network.weights()))
    np.testing.assert_array_equal(learner.predict(STREAM[1].test[0]), twin.predict(STREAM[1].test[0]))


@pytest.mark.parametrize("fast", [False, True])
def test_spiking_networks_with_convolutions(fast):
    network = NetworkConfig(
        (64, 10, 10), num_steps=2, image=(1, 8, 8), convolutions=(Convolution(4, 3, 2, 1),), fast=fast
    )
    learner = ComposedLearner(replace(BINARY, network=network))
    for task in STREAM:
        learner.partial_fit(*task.train)
    assert len(learner.parts[0].met) == 3
    x = STREAM[0].test[0][:4]
    np.testing.assert_array_equal(learner.predict(x), [learner.predict(sample[None])[0] for sample in x])
    assert learner.cost(x).accumulates > 0


def test_impossible_choices_are_refused():
    for wrong in ({"gated": 1.0}, {"gated": -0.1}, {"novelty": 0.0}, {"novelty": float("nan")}, {"most": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Contexts(**wrong)
    with pytest.raises(ValueError, match="hidden layer"):
        ComposedLearner(replace(BINARY, network=ControlConfig((64, 10), norm="none")))


def test_importance_is_that_of_the_open_units():
    """EWC and MAS look at the network as it predicts the task that was learned: closed units do not matter."""
    for part in ("ewc:samples=20", "mas:samples=20"):
        learner = ComposedLearner(replace(BINARY, parts=(Contexts(0.5), part)))
        learner.partial_fit(*STREAM[0].train)
        mask = learner.parts[0]._masks()[0][0]
        information = learner.parts[1].information(STREAM[0])[0]
        assert (information[~mask] == 0).all() and (information[mask] > 0).any()
        assert learner.network.gates == [None, None]


def test_updates_of_single_samples_have_no_context():
    with pytest.raises(ValueError, match="mini-batch of many"):
        ComposedLearner(replace(BINARY, batch=1))
