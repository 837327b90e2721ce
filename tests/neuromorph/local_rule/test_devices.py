import numpy as np
import pytest

from fusi_models.seeds import generator
from neuromorph.local_rule.devices import Devices


@pytest.mark.parametrize(("count", "levels"), [(1, 2), (1, 10), (7, 10)])
def test_extremes_and_steps_of_one_level(count, levels):
    devices = Devices(count, levels)
    low, high = (np.full(count, devices.resistances[k]) for k in (0, -1))
    assert devices.weights(np.stack([low, high]), 3.0) == pytest.approx([-3, 3], abs=1e-5)
    one = low.copy()
    one[0] = devices.resistances[1]
    step = devices.weights(np.stack([low, one]), 3.0)
    assert step[1] - step[0] == pytest.approx(6 / (count * (levels - 1)), abs=1e-5)


def test_initial_weights_are_states_within_the_bound():
    exact, spread = Devices(7, 10, 0.0), Devices(7, 10, 0.02)
    w = exact.weights(exact.initial((50, 40), 3.0, 1.0, generator("example", 0)), 3.0)
    assert np.abs(w).max() <= 1 + 1e-5 and abs(w.mean()) < 0.05 and w.std() == pytest.approx(1 / 3**0.5, rel=0.1)
    np.testing.assert_allclose(w / (6 / 63) - 0.5, np.round(w / (6 / 63) - 0.5), atol=1e-3)
    noisy = spread.weights(spread.initial((50, 40), 3.0, 1.0, generator("example", 0)), 3.0)
    assert 0 < np.abs(noisy - w).mean() < 0.1


def test_impossible_devices_are_refused():
    for options in ({"count": 0}, {"levels": 1}, {"spread": -0.1}):
        with pytest.raises(ValueError, match="must be"):
            Devices(**options)


def test_initial_weights_that_no_state_has_are_refused():
    with pytest.raises(ValueError, match="1 devices of 2 levels have no weight within .-1, the smallest is 3"):
        Devices(1, 2).initial((2, 2), 3.0, 1.0, np.random.default_rng(0))
