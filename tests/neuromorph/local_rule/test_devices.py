import numpy as np
import pytest

from fusi_models.seeds import generator
from neuromorph.local_rule import devices
from neuromorph.local_rule.devices import MEASURED, Devices


@pytest.mark.parametrize(("count", "levels"), [(1, 2), (1, 10), (7, 10)])
def test_extremes_and_steps_of_one_level(count, levels):
    made = Devices(count, levels)
    low, high = (np.full(count, made.resistances[k]) for k in (0, -1))
    assert made.weights(np.stack([low, high]), 3.0) == pytest.approx([-3, 3], abs=1e-5)
    one = low.copy()
    one[0] = made.resistances[1]
    step = made.weights(np.stack([low, one]), 3.0)
    assert step[1] - step[0] == pytest.approx(6 / (count * (levels - 1)), abs=1e-5)


def test_initial_weights_are_states_within_the_bound():
    exact, spread = Devices(7, 10, 0.0), Devices(7, 10, 0.02)
    w = exact.weights(exact.initial((50, 40), 3.0, 1.0, generator("example", 0)), 3.0)
    assert np.abs(w).max() <= 1 + 1e-5 and abs(w.mean()) < 0.05 and w.std() == pytest.approx(1 / 3**0.5, rel=0.1)
    np.testing.assert_allclose(w / (6 / 63) - 0.5, np.round(w / (6 / 63) - 0.5), atol=1e-3)
    noisy = spread.weights(spread.initial((50, 40), 3.0, 1.0, generator("example", 0)), 3.0)
    assert 0 < np.abs(noisy - w).mean() < 0.1


def test_measured_levels_are_those_of_the_authors_table():
    made, (ohm, sd) = Devices(), MEASURED
    means, spreads = made.table
    np.testing.assert_allclose(means * ohm[0], ohm, rtol=1e-6)
    np.testing.assert_allclose(means * spreads * ohm[0], sd, rtol=1e-6)
    feedback, bias = np.linalg.solve([[7 / ohm[-1], -1], [7 / ohm[0], -1]], [3, -3])  # of the authors' circuit
    r = np.random.default_rng(0).choice(ohm, (20, 7))
    np.testing.assert_allclose(made.weights(r / ohm[0], 3.0), feedback * (1 / r).sum(1) - bias, atol=1e-5)
    assert made.bits == 28


@pytest.mark.parametrize(("count", "shares"), [(7, [0.25] * 4), (2, [0.25] * 4), (1, [0, 0.5, 0, 0.5])])
def test_initial_weights_of_measured_levels_fill_the_quarters_that_have_a_state(count, shares, monkeypatch):
    monkeypatch.setattr(devices, "MEASURED", (MEASURED[0], [0.0] * 10))
    exact = Devices(count)
    r = exact.initial((300, 200), 3.0, 1.0, generator("example", 0))
    assert set(r.ravel()) <= set(exact.resistances)
    found = np.histogram(exact.weights(r, 3.0), [-1, -0.5, 0, 0.5, 1])[0] / (300 * 200)
    np.testing.assert_allclose(found, shares, atol=0.01)  # one device: -.257 and .596 alone


def test_impossible_devices_are_refused():
    for options in ({"count": 0}, {"levels": 1}, {"levels": -1}, {"levels": 3, "spread": -0.1}):
        with pytest.raises(ValueError, match="must be"):
            Devices(**options)
    with pytest.raises(ValueError, match="measured levels have their own spread: a spread of 0.1 needs levels"):
        Devices(spread=0.1)


def test_initial_weights_that_no_state_has_are_refused():
    with pytest.raises(ValueError, match="1 devices of 2 levels have no weight within .-1, the smallest is 3"):
        Devices(1, 2).initial((2, 2), 3.0, 1.0, np.random.default_rng(0))
