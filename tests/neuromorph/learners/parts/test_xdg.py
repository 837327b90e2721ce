"""Masks by task: their size, what they silence, and that they hold while their task is learned or tested."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from neuromorph import data, streams
from neuromorph.learners.composed import ComposedLearner, TrainingConfig
from neuromorph.learners.parts.xdg import XdG
from neuromorph.learners.rules import Metaplasticity
from neuromorph.snn import Convolution, NetworkConfig
from neuromorph.snn.baselines import ControlConfig

torch.set_num_threads(1)

REAL = TrainingConfig(
    ControlConfig((64, 20, 15, 10), binary=False, norm="none"),
    Metaplasticity(weight_decay=0.0),
    batch=20,
    parts=(XdG(0.8),),
)
STREAM = streams.permuted(data.load("digits").limited(100, 50), 2, 0)


def test_a_task_leaves_a_fifth_of_each_layer_open_and_always_the_same():
    ours, again = (ComposedLearner(REAL).parts[0] for _ in "ab")
    other = ComposedLearner(replace(REAL, seed=1)).parts[0]
    for k in range(3):
        assert [int(mask.sum()) for mask in ours.masks(k)] == [4, 3]
        assert all(map(torch.equal, ours.masks(k), again.masks(k)))
        assert not all(map(torch.equal, ours.masks(k), ours.masks(k + 1)))
        assert not all(map(torch.equal, ours.masks(k), other.masks(k)))


def test_weights_of_silent_units_stay_as_they_are_to_the_bit():
    learner = ComposedLearner(REAL)
    first, second = learner.parts[0].masks(0)
    before = [w.detach().clone() for w in learner.network.weights()]
    learner.begin_task(0)
    learner.partial_fit(*STREAM[0].train)
    moved = [w.detach() != old for w, old in zip(learner.network.weights(), before, strict=True)]
    assert not moved[0][~first].any() and moved[0][first].any()
    assert not moved[1][~second].any() and not moved[1][:, ~first].any() and moved[1].any()
    assert not moved[2][:, ~second].any() and moved[2][:, second].any()


def test_the_tested_task_is_seen_through_its_own_mask():
    learner = ComposedLearner(REAL)
    part, x = learner.parts[0], STREAM[0].test[0]
    learner.begin_task(0)
    learner.partial_fit(*STREAM[0].train)
    learner.begin_test(1)
    by_hand = torch.from_numpy(x)
    for mask, layer in zip((*part.masks(1), None), learner.network.layers, strict=True):
        by_hand = by_hand @ layer.weight.T
        by_hand = by_hand if mask is None else by_hand.relu() * mask
    np.testing.assert_array_equal(learner.predict(x), by_hand.argmax(1))
    assert all(map(torch.equal, learner.network.gates, part.masks(0)))  # learning goes on behind its own


def test_masks_are_there_again_in_a_learner_that_goes_on():
    learner, twin = ComposedLearner(REAL), ComposedLearner(REAL)
    learner.begin_task(1)
    twin.load_state_dict(learner.state_dict())
    for one in (learner, twin):
        one.partial_fit(*STREAM[1].train)
    assert all(map(torch.equal, learner.network.weights(), twin.network.weights()))


def test_channels_of_a_convolution_are_masked():
    network = NetworkConfig((64, 10, 10), num_steps=2, image=(1, 8, 8), convolutions=(Convolution(4, 3, 2, 1),))
    learner = ComposedLearner(replace(REAL, network=network, parts=("xdg:gated=0.5",)))
    assert [tuple(mask.shape) for mask in learner.parts[0].masks(0)] == [(4, 1, 1), (10,)]
    learner.begin_task(0)
    learner.partial_fit(*STREAM[0].train)


def test_networks_and_choices_that_are_impossible_are_refused():
    with pytest.raises(ValueError, match="give the network a hidden layer"):
        ComposedLearner(replace(REAL, network=ControlConfig((64, 10))))
    for gated in (-0.1, 1.0, np.nan):
        with pytest.raises(ValueError, match="gated must be at least 0 and below 1"):
            XdG(gated)
