import numpy as np

from neuromorph.local_rule.layer import events
from neuromorph.local_rule.rule import LocalRule


def test_events_follow_their_definition():
    rng = np.random.default_rng(0)
    e, active, opposed = rng.integers(-1, 2, (2, 12)), rng.random((2, 9)) < 0.4, rng.random((2, 3, 9)) < 0.5
    expected = np.zeros((2, 12, 9), int)
    for r, j, i in np.ndindex(expected.shape):
        expected[r, j, i] = e[r, j] if active[r, i] else -e[r, j] * opposed[r, j % 3, i]
    place, event = events(e, active, opposed)
    found = np.zeros(expected.size, int)
    found[place] = event
    np.testing.assert_array_equal(found, expected.ravel())
    np.testing.assert_array_equal(place, np.flatnonzero(expected))  # ordered, and none of 0


def test_a_rule_without_events_of_silent_inputs_draws_nothing():
    opposed = LocalRule().opposed(0, 5, 7)
    assert opposed.shape == (1, 7) and not opposed.any()
    assert all(len(found) == 0 for found in events(np.zeros((1, 4), int), np.ones((1, 7), bool), [opposed]))
