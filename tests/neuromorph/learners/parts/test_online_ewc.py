"""Online EWC against the closed form of softmax regression."""

import numpy as np
import pytest
import torch

from neuromorph.learners.composed import ComposedLearner, TrainingConfig
from neuromorph.learners.parts.online_ewc import OnlineEWC
from neuromorph.learners.rules import Metaplasticity
from neuromorph.snn.baselines import ControlConfig
from neuromorph.streams import Task

torch.set_num_threads(1)

REGRESSION = ControlConfig((3, 2), binary=False, norm="none")  # s = W x
RNG = np.random.default_rng(1)
TASKS = []
for k in range(3):
    pair = RNG.random((7, 3), np.float32), RNG.integers(0, 2, 7)
    TASKS.append(Task(f"task {k}", pair, pair, 2))


def fisher(weights: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """d -log p(y) / d W_ci = (p_c - [c = y]) x_i."""
    scores = x @ weights.T
    p = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    return (((p - np.eye(2)[y])[:, :, None] * x[:, None, :]) ** 2).mean(0)


def test_one_running_information_and_one_anchor():
    settings = OnlineEWC(strength=6.0, gamma=0.5, samples=5)
    learner = ComposedLearner(TrainingConfig(REGRESSION, Metaplasticity(lr=0.1), batch=7, parts=(settings,)))
    (part,), (weight,) = learner.parts, learner.network.weights()
    running = np.zeros((2, 3))
    for task in TASKS[:2]:
        assert part.ended or part.loss(*map(torch.as_tensor, task.train), None) is None
        learner.partial_fit(*task.train)
        learner.end_task(task)
        anchor = weight.detach().numpy().copy()
        running = 0.5 * running + fisher(anchor, *(a[:5] for a in task.train))
        np.testing.assert_allclose(part.importance[0], running, rtol=1e-4)
        np.testing.assert_array_equal(part.anchor[0], anchor)
        assert part.penalty().item() == 0
    learner.partial_fit(*TASKS[2].train)
    moved = weight.detach().numpy() - anchor
    assert part.penalty().item() == pytest.approx(6.0 / 2 * 0.5 * (running * moved**2).sum(), rel=1e-4)


@pytest.mark.parametrize("wrong", [{"strength": -1.0}, {"gamma": 0.0}, {"gamma": 1.1}, {"samples": 0}])
def test_impossible_choices_are_refused(wrong):
    with pytest.raises(ValueError, match="strength must be a finite|gamma must lie between|samples must be at least"):
        OnlineEWC(**wrong)


def test_batch_statistics_are_refused():
    network = ControlConfig((3, 4, 2), norm="batch-statistics")
    with pytest.raises(ValueError, match="one sample at a time"):
        ComposedLearner(TrainingConfig(network, parts=("online-ewc",)))
