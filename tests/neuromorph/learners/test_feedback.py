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
    """Forty hidden neurons on digits; a margin that no error reaches leaves the hidden layer as it was drawn."""
    task = streams.by_name("permuted-digits", 1, 0, 500, 200)[0]
    accuracy = {}
    for margin in (6, 10_000):
        synapses = HiddenWeight(2.0, 0.002), HiddenWeight(5.0)
        learner = FeedbackLearner(synapses, 64, 40, 10, LocalRule(units_per_class=10), Feedback(margin))
        start = learner.states[0].copy()
        for _ in range(2):
            learner.partial_fit(*task.train)
        accuracy[margin] = (learner.predict(task.test[0]) == task.test[1]).mean()
        assert np.array_equal(start, learner.states[0]) == (margin == 10_000)
    assert accuracy[6] > 0.6 and accuracy[6] > accuracy[10_000] + 0.05, accuracy
