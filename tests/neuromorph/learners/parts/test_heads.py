"""Output layers a task: which outputs are read, which move, and what cannot be."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from neuromorph import data, run, streams
from neuromorph.learners.composed import ComposedLearner, TrainingConfig
from neuromorph.learners.parts.heads import Heads
from neuromorph.learners.rules import Metaplasticity
from neuromorph.snn.baselines import ControlConfig

torch.set_num_threads(1)

STREAM = streams.split(data.load("digits").limited(800, 400), 2, "task")
NETWORK = ControlConfig((64, 20, 10), binary=False, norm="none")
REAL = TrainingConfig(NETWORK, Metaplasticity(weight_decay=0.0), batch=20, parts=(Heads(5),))


def test_only_the_outputs_of_the_task_learned_move():
    learner = ComposedLearner(REAL)
    before = learner.network.weights()[-1].detach().clone()
    learner.begin_task(2)
    learner.partial_fit(*STREAM[2].train)
    moved = (learner.network.weights()[-1].detach() != before).any(1)
    assert moved.tolist() == [k in (4, 5) for k in range(10)]


def test_the_tested_task_is_answered_by_its_own_outputs():
    learner, x = ComposedLearner(REAL), STREAM[0].test[0]
    learner.begin_task(0)
    learner.begin_test(3)
    with torch.no_grad():
        whole = learner.network.scores(torch.from_numpy(x))
    np.testing.assert_array_equal(learner.predict(x), whole[:, 6:8].argmax(1))
    assert learner.parts[0].task == 0  # learning goes on where it was


@pytest.mark.parametrize("parts", [("replay:capacity=9", Heads(5)), (Heads(5), "replay:capacity=9")])
def test_a_replayed_sample_is_one_of_its_own_task(parts):
    learner = ComposedLearner(replace(REAL, parts=parts))
    learner.begin_task(1)
    learner.partial_fit(*(a[:9] for a in STREAM[1].train))
    learner.begin_task(3)
    images, targets = (torch.from_numpy(a[:6]) for a in STREAM[3].train)
    for part in learner.parts:
        images, targets = part.before_batch(images, targets)
    whole = learner.network.scores(images)
    torch.testing.assert_close(learner.scores(images), torch.cat([whole[:6, 6:8], whole[6:, 2:4]]))
    assert len(targets) == 12 and learner.replay_bytes == 9 * (64 * 4 + 8 + 8)
    before = learner.network.weights()[-1].detach().clone()
    learner.partial_fit(*(a[:6] for a in STREAM[3].train))
    moved = (learner.network.weights()[-1].detach() != before).any(1)
    assert moved.tolist() == [k in (2, 3, 6, 7) for k in range(10)]


def test_with_heads_little_is_forgotten_where_one_output_layer_forgets():
    """Task- against domain-incremental, the same network and samples."""
    shared = replace(REAL, network=replace(NETWORK, sizes=(64, 20, 2)), parts=())
    told, untold = (run.learn_stream(ComposedLearner(c), STREAM, 5, progress=False) for c in (REAL, shared))
    assert told.average_accuracy > untold.average_accuracy + 0.1


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: Heads(0), "tasks must be at least 1"),
        (lambda: ComposedLearner(replace(REAL, parts=(Heads(3),))), "10 outputs cannot be shared out among 3 tasks"),
        (lambda: ComposedLearner(replace(REAL, parts=("lwf", Heads(5)))).begin_task(0), "Distillation looks at"),
        (lambda: ComposedLearner(replace(REAL, parts=(Heads(5), "lwf"))).begin_task(0), "Distillation looks at"),
        (lambda: ComposedLearner(REAL).begin_task(5), "task 5 has no outputs: heads were made for 5 tasks"),
        (lambda: ComposedLearner(REAL).partial_fit(*STREAM[0].train), "not told: call begin_task"),
        (lambda: ComposedLearner(REAL).partial_fit(STREAM[0].train[0], STREAM[0].train[1] + 2), "classes 0..1"),
    ],
)
def test_what_cannot_be_is_one_sentence(call, match):
    with pytest.raises(ValueError, match=match):
        call()
