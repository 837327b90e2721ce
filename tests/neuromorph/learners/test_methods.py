"""Learners in words."""

import pytest

from neuromorph.learners.methods import LearnerWords, names
from neuromorph.streams import by_name


@pytest.mark.parametrize("words", [*names(), "snntorch/hidden", "snntorch/prototypes/hidden"])
def test_two_outputs_learn_two_classes(words):
    """As in domain-incremental streams; a network that normalises two scores over each other stays at chance."""
    task = by_name("split-digits", 5, 0)[0]
    (x, y), (x_test, y_test) = task.train, task.test
    learner = LearnerWords(words, (64, 30, 2))(0)
    for _ in range(2):
        learner.partial_fit(x, y)
    assert (learner.predict(x_test) == y_test).mean() > 0.75
