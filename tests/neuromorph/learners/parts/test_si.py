"""Synaptic intelligence against its equations written out beside the learner."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from neuromorph import data, streams
from neuromorph.learners.composed import ComposedLearner, TrainingConfig
from neuromorph.learners.deep import DeepConfig, DeepLearner
from neuromorph.learners.parts.si import SI
from neuromorph.learners.rules import Metaplasticity
from neuromorph.snn.baselines import ControlConfig

torch.set_num_threads(1)

REAL = TrainingConfig(
    ControlConfig((64, 12, 10), binary=False, norm="none"), Metaplasticity(weight_decay=0.0), batch=20
)
STREAM = streams.permuted(data.load("digits").limited(100, 50), 2, 0)


def test_the_path_integral_and_the_importance_follow_the_equations():
    """Mini-batch by mini-batch; the gradient of the cross entropy alone is taken anew."""
    settings = SI(strength=2.0, damping=0.01)
    learner = ComposedLearner(replace(REAL, parts=(settings,)))
    (part,), weights = learner.parts, learner.network.weights()
    importance = [torch.zeros_like(w) for w in weights]
    for k in range(2):
        start, path = [w.detach().clone() for w in weights], [torch.zeros_like(w) for w in weights]
        x, y = STREAM[k].train
        for batch in (slice(0, 20), slice(20, 40), slice(40, 60)):
            images, labels = torch.from_numpy(x[batch]), torch.from_numpy(y[batch])
            gradient = torch.autograd.grad(learner.error(learner.scores(images), labels), weights)
            before = [w.detach().clone() for w in weights]
            learner.partial_fit(x[batch], y[batch])
            for p, g, w, old in zip(path, gradient, weights, before, strict=True):
                p -= g * (w.detach() - old)
        for ours, by_hand in zip(part.path, path, strict=True):
            torch.testing.assert_close(ours, by_hand, rtol=1e-3, atol=1e-7)
        learner.end_task(STREAM[k])
        for o, p, w, a in zip(importance, path, weights, start, strict=True):
            o += p.clamp(min=0) / ((w.detach() - a) ** 2 + 0.01)
        for ours, by_hand in zip(part.importance, importance, strict=True):
            torch.testing.assert_close(ours, by_hand, rtol=1e-3, atol=1e-5)
            assert by_hand.max() > 0
    with torch.no_grad():
        weights[0] += 0.1
    penalty = part.loss(images, labels, learner.scores(images))
    assert penalty.item() == pytest.approx(2 * 0.01 * importance[0].sum().item(), rel=1e-3)


def test_without_strength_it_only_watches():
    free, watched = ComposedLearner(REAL), ComposedLearner(replace(REAL, parts=(SI(0.0),)))
    for k in range(2):
        for learner in (free, watched):
            learner.partial_fit(*STREAM[k].train)
            learner.end_task(STREAM[k])
    for a, b in zip(free.network.parameters(), watched.network.parameters(), strict=True):
        assert torch.equal(a, b)


def test_it_holds_the_weights_of_the_spiking_network_too():
    """The hidden weights that mattered most move less in the second task than without it."""
    moved = []
    for strength in (0.0, 100.0):
        learner = DeepLearner(
            DeepConfig((64, 30, 10), m=0.0, num_steps=4, parts=(f"si:strength={strength},damping=0.001",))
        )
        for _ in range(5):
            learner.partial_fit(*STREAM[0].train)
        learner.end_task(STREAM[0])
        important = learner.parts[0].importance[0] > learner.parts[0].importance[0].quantile(0.9)
        before = learner.network.weights()[0].detach().clone()
        for _ in range(5):
            learner.partial_fit(*STREAM[1].train)
        moved.append((learner.network.weights()[0].detach() - before)[important].abs().mean().item())
    assert moved[1] < 0.8 * moved[0]


@pytest.mark.parametrize("wrong", [{"strength": -1.0}, {"damping": 0.0}, {"strength": np.nan}])
def test_impossible_choices_are_refused(wrong):
    with pytest.raises(ValueError, match="(strength|damping) must be a finite number"):
        SI(**wrong)
