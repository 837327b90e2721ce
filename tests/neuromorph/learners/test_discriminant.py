import numpy as np
import pytest

from neuromorph.data import load
from neuromorph.learners.discriminant import DiscriminantLearner
from neuromorph.learners.methods import LearnerWords
from neuromorph.local_rule.codes import Winners

CODE = Winners(60, 0.2)
X, Y = (a[:400] for a in load("digits").train)
X = X.reshape(len(X), -1)
TEST, WANTED = load("digits").test
TEST = TEST.reshape(len(TEST), -1)


def made(**options):
    return DiscriminantLearner(**{"inputs": 64, "classes": 10, "code": CODE, **options})


def class_means():
    return np.stack([spikes(X[np.equal(Y, k)]).mean(0) for k in range(10)])


def spikes(x):
    return CODE.raster(x, 1, 0, 0, False)[:, 0].astype(float)


def test_predictions_are_those_of_the_definition():
    learner = made(shrinkage=0.05)
    learner.partial_fit(X, Y)
    z, means = spikes(X), class_means()
    rest = z - means[Y]
    inverse = np.linalg.inv(0.95 * rest.T @ rest / len(z) + 0.05 * np.eye(60))
    scores = spikes(TEST) @ inverse @ means.T - np.einsum("ki,ij,kj->k", means, inverse, means) / 2
    np.testing.assert_array_equal(learner.predict(TEST), scores.argmax(1))
    assert (scores.argmax(1) == WANTED).mean() > 0.6


def test_full_shrinkage_is_the_nearest_class_mean():
    learner = made(shrinkage=1.0)
    learner.partial_fit(X, Y)
    means = class_means()
    distance = ((spikes(TEST)[:, None] - means) ** 2).sum(2)
    np.testing.assert_array_equal(learner.predict(TEST), distance.argmin(1))


def test_neither_order_nor_cutting_changes_a_bit():
    one, two = made(), made()
    one.partial_fit(X, Y)
    order = np.argsort(Y, kind="stable")
    for some in np.array_split(order, 7):
        two.partial_fit(X[some], Y[some])
    assert one.products.equal(two.products) and one.sums.equal(two.sums) and one.counts.equal(two.counts)


def test_a_class_without_samples_is_never_chosen():
    learner = made()
    learner.partial_fit(X[Y < 4], Y[Y < 4])
    assert set(learner.predict(TEST)) == {0, 1, 2, 3}


def test_it_is_a_method_of_the_benchmark():
    learner = LearnerWords("discriminant:features=60,active=0.2,shrinkage=0.05", (64, 20, 10))(0)
    assert learner.description == made(shrinkage=0.05).description
    with pytest.raises(ValueError, match="The discriminant takes no parts and keeps no outputs a task, got ewc"):
        LearnerWords("discriminant+ewc", (64, 20, 10))(0)


@pytest.mark.parametrize("shrinkage", [0, -1, 1.1, np.nan])
def test_impossible_shrinkage_is_refused(shrinkage):
    with pytest.raises(ValueError, match="shrinkage must lie above 0 and at most at 1"):
        made(shrinkage=shrinkage)


def test_an_inference_costs_its_active_inputs_times_the_classes():
    found = made().cost(X[:9])
    assert (found.synapses, found.accumulates) == (600, 12 * 10)
    assert found.multiply_accumulates == pytest.approx((X[:9] != 0).sum(1).mean() * 60)  # the projection of the code
    assert found.weight_bytes == 2400 and np.isnan(found.spikes)
