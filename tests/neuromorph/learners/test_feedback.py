"""Two layers that learn: Lava equals numpy state for state; what the hidden layer learns is worth having."""

import numpy as np
import pytest

from fusi_models import HiddenWeight, cascade
from neuromorph import streams
from neuromorph.learners.feedback import FeedbackLearner, LavaFeedbackLearner
from neuromorph.local_rule.random_feedback import Feedback, hidden_error
from neuromorph.local_rule.rule import LocalRule

RULE = LocalRule(units_per_class=2)


def samples(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((n, 20)), rng.integers(0, 3, n)


@pytest.mark.parametrize("synapse", [HiddenWeight(5.0), cascade(4).slowed(0.3)], ids=lambda s: s.name)
def test_lava_learns_the_same_states_in_both_layers(synapse):
    pytest.importorskip("lava.magma", reason="lava-nc is not installed")
    ours, chip = (
        kind((synapse, synapse), 20, 15, 3, RULE, Feedback(1), seed=3)
        for kind in (FeedbackLearner, LavaFeedbackLearner)
    )
    start = [state.copy() for state in ours.states]
    x, y = samples(25)
    for learner in (ours, chip):
        learner.partial_fit(x[:10], y[:10])
        learner.partial_fit(x[10:], y[10:])
    for before, a, b in zip(start, ours.states, chip.states, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a != before).mean() > 0.1
    test = samples(9, seed=1)[0]
    np.testing.assert_array_equal(ours.predict(test), chip.predict(test))


def test_cutting_the_samples_leaves_the_same_bits():
    x, y = samples(12)
    whole, parts = (FeedbackLearner((cascade(4), HiddenWeight(2.0)), 20, 15, 3, RULE) for _ in range(2))
    whole.partial_fit(x, y)
    saved = parts.state_dict()
    parts.partial_fit(x[:5], y[:5])
    parts.load_state_dict(saved)
    parts.partial_fit(x[:7], y[:7])
    parts.partial_fit(x[7:], y[7:])
    for a, b in zip(whole.states, parts.states, strict=True):
        np.testing.assert_array_equal(a, b)


def test_hidden_errors_by_hand():
    weights = np.array([[1, 1, -1], [-1, 1, 1], [1, -1, 1]])
    errors = np.array([1, 1, -1])  # delta = 3, -1, -1
    assert hidden_error(errors, np.array([2, 2, 0]), weights, 0, 5).tolist() == [1, -1, 0]  # a silent one is left
    assert hidden_error(errors, np.array([5, 2, 2]), weights, 0, 5).tolist() == [0, -1, -1]  # a saturated one too
    assert hidden_error(errors, np.array([2, 2, 2]), weights, 1, 5).tolist() == [1, 0, 0]
    with pytest.raises(ValueError, match="margin"):
        Feedback(-1)


def test_a_hidden_layer_that_learns_beats_a_random_one():
    """Forty hidden neurons on digits, three seeds; a margin that no error reaches leaves them as they were drawn."""
    accuracy = {6: [], 10_000: []}
    for seed in range(3):
        task = streams.by_name("permuted-digits", 1, seed, 500, 200)[0]
        for margin, found in accuracy.items():
            synapses = HiddenWeight(2.0, 0.002), HiddenWeight(5.0)
            rule = LocalRule(units_per_class=10)
            learner = FeedbackLearner(synapses, 64, 40, 10, rule, Feedback(margin, seed), seed)
            start = learner.states[0].copy()
            for _ in range(3):
                learner.partial_fit(*task.train)
            found.append((learner.predict(task.test[0]) == task.test[1]).mean())
            assert np.array_equal(start, learner.states[0]) == (margin == 10_000)
    gain = np.subtract(accuracy[6], accuracy[10_000])
    assert np.mean(accuracy[6]) > 0.65 and gain.mean() > 0.05 and gain.min() > 0, accuracy


def learner(**changed):
    given = {"synapses": (HiddenWeight(2.0), cascade(3)), "inputs": 20, "hidden": 15, "classes": 3, "rule": RULE}
    return FeedbackLearner(**given | changed)


OTHERS = [
    {"synapses": (HiddenWeight(3.0), cascade(3))},
    {"synapses": (cascade(3), HiddenWeight(2.0))},
    {"hidden": 16},
    {"inputs": 21},
    {"classes": 4},
    {"rule": LocalRule(units_per_class=2, beta=0.25)},
    {"feedback": Feedback(5)},
    {"seed": 1},
]


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_the_state_of_another_configuration_is_refused(other):
    """The checkpoint of a learner with other m and seed was accepted as one's own."""
    one, two = learner(), learner(**other)
    assert one.description == learner().description != two.description
    with pytest.raises(ValueError, match=r"the state was saved by FeedbackLearner\(.*, not by FeedbackLearner\("):
        two.load_state_dict(one.state_dict())


def test_a_state_of_wrong_shape_is_refused():
    state = learner().state_dict()
    state["states"][0] = state["states"][0][:-1]
    with pytest.raises(ValueError, match=r"saved states have shape \(14, 20\) and \(6, 15\), this learner's have \(15"):
        learner().load_state_dict(state)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.full((2, 20), 7.0), [0, 1], "between 0 and 1"),
        (np.full((2, 20), np.nan), [0, 1], "NaN"),
        (np.full((2, 19), 0.5), [0, 1], r"x has shape \(2, 19\)"),
        (np.full((2, 20), 0.5), [99, -3], "labels run from -3 to 99"),
        (np.full((2, 20), 0.5), [0], r"y has shape \(1,\)"),
    ],
)
def test_wrong_samples_are_refused_before_anything_is_learned(x, y, message):
    one = learner()
    before = [state.copy() for state in one.states]
    with pytest.raises(ValueError, match=message):
        one.partial_fit(x, np.array(y))
    for state, now in zip(before, one.states, strict=True):
        np.testing.assert_array_equal(state, now)
    if "y has" not in message and "labels" not in message:
        with pytest.raises(ValueError, match=message):
            one.predict(x)


def test_test_rasters_are_not_those_of_training():
    """With the Bernoulli code they were."""
    rasters = []

    class Watched(FeedbackLearner):
        def _learn(self, raster, labels):
            rasters.append(raster)
            return super()._learn(raster, labels)

        def spikes(self, raster):
            rasters.append(raster)
            return super().spikes(raster)

    one = Watched((HiddenWeight(2.0), HiddenWeight(2.0)), 20, 15, 3, LocalRule(units_per_class=2, code="bernoulli"))
    x = np.full((9, 20), 0.5)
    one.partial_fit(x, np.zeros(9, int))
    one.predict(x)
    train, test = rasters
    assert train.shape == test.shape and (train != test).mean() > 0.4


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"hidden": 0}, "hidden must be at least 1, got 0"),
        ({"inputs": -1}, "inputs must be at least 1, got -1"),
        ({"classes": 0}, "classes must be at least 1, got 0"),
        ({"seed": 1.5}, "a seed must be a whole number"),
        ({"synapses": (HiddenWeight(2.0),)}, "synapses must name two models"),
        ({"synapses": ("cascade", "cascade")}, "must be a synapse model .* got 'cascade'"),
        ({"rule": LocalRule(beta=0.0)}, "beta = 0 needs dv = 4096"),
    ],
)
def test_wrong_arguments_give_one_sentence(wrong, message):
    with pytest.raises(ValueError, match=message):
        learner(**wrong)
