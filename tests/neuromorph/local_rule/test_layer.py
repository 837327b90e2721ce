import numpy as np

from neuromorph.local_rule.layer import events
from neuromorph.local_rule.rule import LocalRule


def test_events_follow_their_definition():
    rng = np.random.default_rng(0)
    e, active, opposed = rng.integers(-1, 2, 12), rng.random(9) < 0.4, rng.random((3, 9)) < 0.5
    expected = np.zeros((12, 9), int)
    for j in range(12):
        for i in range(9):
            expected[j, i] = e[j] if active[i] else -e[j] * opposed[j % 3, i]
    unit, source, event = events(e, active, opposed)
    found = np.zeros_like(expected)
    found[unit, source] = event
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.transpose([unit, source]), np.argwhere(expected))  # ordered, and none of 0


def test_a_rule_without_events_of_silent_inputs_draws_nothing():
    opposed = LocalRule().opposed(0, 5, 7)
    assert opposed.shape == (1, 7) and not opposed.any()
    assert all(len(found) == 0 for found in events(np.zeros(4, int), np.ones(7, bool), opposed))
