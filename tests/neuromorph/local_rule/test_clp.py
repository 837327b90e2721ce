import numpy as np
import pytest

from neuromorph.chip import THRESHOLD_LIMIT
from neuromorph.local_rule.clp import NOBODY, STORED, Membrane, Novelty


@pytest.mark.parametrize(("window", "alike", "active"), [(64, 0.35, 100), (2, 1.0, 1), (1000, 0.5, 10), (64, 0.9, 400)])
def test_the_least_likeness_crosses_in_the_last_step_of_the_window(window, alike, active):
    membrane = Novelty(window, alike).membrane(active)
    lowest = int(np.ceil(alike * active))
    assert 0 < membrane.threshold <= THRESHOLD_LIMIT
    gain = STORED * lowest >> membrane.shift
    assert (window - 1) * gain <= membrane.threshold < window * gain
    assert membrane.winners(np.array([[lowest], [0]])).tolist() == [0, NOBODY]


def test_winners_are_those_of_the_membranes_step_by_step():
    membrane, rng = Membrane(20, 3000, 1), np.random.default_rng(0)
    shared = rng.integers(0, 4, (200, 3))
    wanted = []
    for row in shared:
        v, winner = np.zeros(3, int), NOBODY
        for _ in range(20):
            v += 252 * row >> 1
            if (v > 3000).any():
                winner = int((v > 3000).argmax())
                break
        wanted.append(winner)
    assert membrane.winners(shared).tolist() == wanted and NOBODY in wanted


def test_no_prototypes_have_no_winner():
    assert Membrane(20, 3000, 1).winners(np.zeros((3, 0), np.int64)).tolist() == [NOBODY] * 3


@pytest.mark.parametrize(("window", "alike"), [(1, 0.5), (2000, 0.5), (64, 0), (64, 1.5), (64, np.nan)])
def test_impossible_novelty_is_refused(window, alike):
    with pytest.raises(ValueError, match="window must lie between 2 and 1000 and alike"):
        Novelty(window, alike)


def test_too_many_inputs_for_the_membrane_are_refused():
    with pytest.raises(ValueError, match="100000 active inputs for 1000 steps do not fit"):
        Novelty(1000).membrane(100_000)
