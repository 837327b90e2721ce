"""Distillation against numbers written out, and the teacher of the last boundary."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from neuromorph import data, streams
from neuromorph.learners.composed import ComposedLearner, TrainingConfig
from neuromorph.learners.parts.lwf import LwF, distance
from neuromorph.snn import NetworkConfig
from neuromorph.snn.baselines import ControlConfig

torch.set_num_threads(1)

STREAM = streams.split(data.load("digits").limited(200, 100), 2, "class")
CONTROL = TrainingConfig(ControlConfig((64, 12, 10)), batch=20, parts=("lwf",))


def test_the_distance_of_two_known_distributions():
    """Odds of 1:1 taught against 3:1 at T = 2: scores differ by 2 log 3; class 2 was never seen."""
    taught, scores = torch.tensor([[0.0, 0.0, 9.0]]), torch.tensor([[2 * math.log(3), 0.0, -4.0]])
    seen = torch.tensor([True, True, False])
    by_hand = 4 * (0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25))
    assert distance(taught, scores, seen, 2.0).item() == pytest.approx(by_hand, rel=1e-5)
    assert distance(scores, scores, seen, 2.0).item() == pytest.approx(0, abs=1e-6)


def test_its_gradient_is_that_of_the_distilled_cross_entropy():
    """T^2 (q - p) / T in each sample's mean."""
    taught, scores = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    scores.requires_grad_()
    distance(taught, scores, torch.ones(3, dtype=torch.bool), 2.0).backward()
    torch.testing.assert_close(scores.grad, 2 * ((scores / 2).softmax(1) - (taught / 2).softmax(1)).detach() / 5)


@pytest.mark.parametrize("network", [CONTROL.network, NetworkConfig((64, 12, 10), num_steps=3)], ids=["control", "snn"])
def test_the_teacher_is_the_network_at_the_boundary_and_holds_the_classes_seen(network):
    learner = ComposedLearner(replace(CONTROL, network=network))
    part = learner.parts[0]
    learner.partial_fit(*STREAM[0].train)
    learner.end_task(STREAM[0])
    assert part.seen.tolist() == [True, True] + [False] * 8
    x = torch.from_numpy(STREAM[1].test[0])
    learner.network.eval()
    before = learner.scores(x).detach()
    learner.partial_fit(*STREAM[1].train)
    torch.testing.assert_close(part._taught(x), before, rtol=0, atol=0)
    learner.network.eval()
    now = learner.scores(x)
    assert not torch.equal(now, before)
    assert part.loss(x, None, now).item() == pytest.approx(distance(before, now, part.seen, 2.0).item())


@pytest.mark.parametrize("wrong", [{"strength": -1.0}, {"temperature": 0.0}, {"strength": np.nan}])
def test_impossible_choices_are_refused(wrong):
    with pytest.raises(ValueError, match="(strength|temperature) must be a finite number"):
        LwF(**wrong)
