"""Memory aware synapses against the closed form of a linear network."""

import numpy as np
import pytest
import torch

from neuromorph.learners.composed import ComposedLearner, TrainingConfig
from neuromorph.learners.parts.mas import MAS
from neuromorph.learners.rules import Metaplasticity
from neuromorph.snn.baselines import ControlConfig
from neuromorph.streams import Task

torch.set_num_threads(1)

LINEAR = ControlConfig((3, 2), binary=False, norm="none")  # s = W x
X = np.random.default_rng(2).random((6, 3), np.float32)
Y = np.array([0, 1, 1, 0, 1, 0])
TASK = Task("task", (X, Y), (X, Y), 2)


def learned(settings: MAS, labels: np.ndarray = Y) -> ComposedLearner:
    learner = ComposedLearner(TrainingConfig(LINEAR, Metaplasticity(lr=0.1), batch=6, parts=(settings,)))
    learner.partial_fit(X, Y)
    learner.end_task(Task("task", (X, labels), (X, labels), 2))
    return learner


def test_the_importance_is_the_mean_size_of_the_gradient_of_the_squared_scores():
    """d sum_c s_c^2 / d W_ci = 2 s_c x_i."""
    learner = learned(MAS(strength=3.0, samples=4))
    (part,), (weight,) = learner.parts, learner.network.weights()
    anchor = weight.detach().numpy().copy()
    omega = np.abs(2 * (X[:4] @ anchor.T)[:, :, None] * X[:4, None, :]).mean(0)
    np.testing.assert_allclose(part.importance[0], omega, rtol=1e-4)
    learner.partial_fit(X, Y)
    moved = weight.detach().numpy() - anchor
    assert part.penalty().item() == pytest.approx(3.0 * (omega * moved**2).sum(), rel=1e-4)
    learner.end_task(TASK)
    omega += np.abs(2 * (X[:4] @ weight.detach().numpy().T)[:, :, None] * X[:4, None, :]).mean(0)
    np.testing.assert_allclose(part.importance[0], omega, rtol=1e-4)


def test_labels_do_not_matter_for_it():
    ours, other = (learned(MAS(), labels).parts[0].importance[0] for labels in (Y, 1 - Y))
    assert torch.equal(ours, other)


@pytest.mark.parametrize("wrong", [{"strength": -1.0}, {"strength": np.nan}, {"samples": 0}])
def test_impossible_choices_are_refused(wrong):
    with pytest.raises(ValueError, match="strength must be a finite number of at least 0|samples must be at least 1"):
        MAS(**wrong)
