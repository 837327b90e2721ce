import numpy as np
import pytest

from neuromorph.data import load
from neuromorph.learners.clp import ClpLearner, LavaClpLearner
from neuromorph.learners.methods import LearnerWords
from neuromorph.local_rule.clp import Novelty
from neuromorph.local_rule.codes import Winners

CODE = Winners(40, 0.2)
X, Y = (a[:300] for a in load("digits").train)
X = X.reshape(len(X), -1)
ORDER = np.argsort(Y // 2, kind="stable")


def fitted(kind, n, novelty=None):
    learner = kind(64, 10, CODE, novelty or Novelty(12, 0.6))
    learner.partial_fit(X[ORDER[:n]], Y[ORDER[:n]])
    return learner


def test_lavas_own_processes_store_and_answer_the_same():
    one, two = fitted(ClpLearner, 30), fitted(LavaClpLearner, 30)
    for learner in (one, two):
        learner.partial_fit(X[ORDER[280:290]], Y[ORDER[280:290]])
    assert 10 < len(one.memory.stored) < 40
    np.testing.assert_array_equal(two.memory.stored, one.memory.stored)
    np.testing.assert_array_equal(two.memory.classes, one.memory.classes)
    np.testing.assert_array_equal(two.predict(X[:40]), one.predict(X[:40]))


def test_a_prototype_is_a_sample_and_none_is_lost():
    learner = fitted(ClpLearner, 200)
    spikes = CODE.raster(X[ORDER[:200]], 1, 0, 0, False)[:, 0]
    assert all((spikes == one).all(1).any() for one in learner.memory.stored)
    before = learner.memory.stored
    learner.partial_fit(X[ORDER[200:]], Y[ORDER[200:]])
    np.testing.assert_array_equal(learner.memory.stored[: len(before)], before)


def test_what_is_shown_again_is_known_and_old_classes_stay():
    learner = ClpLearner(64, 10, Winners(300), Novelty(64, 1.0))  # whatever differs is new
    learner.partial_fit(X[ORDER], Y[ORDER])
    assert (learner.predict(X) == Y).all()


def test_memory_is_counted():
    learner = fitted(ClpLearner, 50)
    assert learner.nbytes == -(-len(learner.memory.stored) * 40 // 8) + len(learner.memory.stored)


def test_nothing_learned_says_the_first_class():
    assert ClpLearner(64, 10, CODE).predict(X[:3]).tolist() == [0, 0, 0]


def test_it_is_a_method_of_the_benchmark():
    learner = LearnerWords("clp:features=40,active=0.2,window=12,alike=0.6", (64, 20, 10))(0)
    assert learner.description == fitted(ClpLearner, 0).description
    with pytest.raises(ValueError, match="clp takes no parts"):
        LearnerWords("clp+ewc", (64, 20, 10))(0)
    with pytest.raises(ValueError, match="clp runs on no substrate 'brian2'"):
        LearnerWords("clp:substrate=brian2", (64, 20, 10))(0)


def test_an_inference_costs_active_inputs_times_prototypes_until_one_has_crossed():
    learner = ClpLearner(64, 10, CODE, Novelty(12, 0.6))
    assert learner.cost(X[:3]) is None
    learner.partial_fit(X[:2], np.array([0, 1]))
    found = learner.cost(X[:1])  # the first prototype itself: it crosses as early as one can
    step = learner.membrane.threshold // (252 * 8 >> learner.membrane.shift) + 1
    assert (found.synapses, found.weight_bytes, found.spikes) == (80, 10, 1)
    assert found.accumulates == 8 * 2 * step
    assert found.multiply_accumulates == (X[0] != 0).sum() * 40
