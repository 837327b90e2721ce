"""Faults that public code has had: a penalty that stays 0 after a task, a method that equals no method at all."""

import pytest
import torch

from neuromorph import data, streams
from neuromorph.learners.composed import ComposedLearner, TrainingConfig
from neuromorph.snn import NetworkConfig
from neuromorph.snn.baselines import ControlConfig

torch.set_num_threads(1)

NETWORKS = {
    "spiking": NetworkConfig((64, 12, 10), num_steps=3),
    "binary": ControlConfig((64, 12, 10)),
    "full precision": ControlConfig((64, 12, 10), binary=False),
}
STREAM = streams.permuted(data.load("digits").limited(80, 40), 2, 0)
PENALTIES = ("ewc:samples=20", "online-ewc:samples=20", "si:strength=10,damping=0.001", "mas:samples=20", "lwf")


def through_both(network: str, *parts: str) -> ComposedLearner:
    learner = ComposedLearner(TrainingConfig(NETWORKS[network], batch=20, parts=parts))
    for k in range(2):
        if k:
            learner.end_task(STREAM[k - 1])
        for _ in range(2):
            learner.partial_fit(*STREAM[k].train)
    return learner


@pytest.fixture(scope="module")
def naive():
    return {name: through_both(name) for name in NETWORKS}


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("part", PENALTIES)
def test_a_penalty_is_above_0_in_the_second_task_and_moves_the_weights(part, network, naive):
    learner = through_both(network, part)
    images, targets = (torch.from_numpy(a) for a in STREAM[1].train)
    penalty = learner.parts[0].loss(images, targets, learner.scores(images))
    assert penalty.isfinite() and penalty > 1e-4
    (gradient, *_) = torch.autograd.grad(penalty, learner.network.weights())
    assert gradient.abs().max() > 0
    ours, theirs = learner.network.weights(), naive[network].network.weights()
    assert not any(map(torch.equal, ours, theirs))


@pytest.mark.parametrize("part", ["ewc:strength=0", "online-ewc:strength=0", "mas:strength=0", "lwf:strength=0"])
def test_without_strength_it_is_naive_to_the_bit(part, naive):
    more = "" if "lwf" in part else ",samples=20"
    ours = through_both("full precision", part + more)
    assert all(map(torch.equal, ours.network.weights(), naive["full precision"].network.weights()))
