from math import comb

import numpy as np
import pytest

from fusi_models.models.brader import Gates, Internal
from fusi_models.networks.spike_driven import Circuit
from fusi_models.theory.spike_driven import (
    Stimulus,
    calcium_law,
    depolarised,
    firing_rate,
    gate_probabilities,
    measured,
    poisson_limit,
    regular_limit,
    switch_probability,
)

CLASSIFIER = Circuit(Gates(up_low=5, up_high=7.5, down_low=2, down_high=5), weight=0.04), Internal(0.17, 0.065)


def test_the_rate_without_noise_is_the_drift_and_without_drift_the_noise():
    assert firing_rate(50.0, 1e-3) == pytest.approx(50, rel=1e-4)
    assert firing_rate(1e-9, 20.0) == pytest.approx(20)
    assert firing_rate(-100.0, 0.1) == 0


def test_the_depolarisation_is_a_law_and_a_ramp_without_noise():
    mu, s2 = 30.0, 10.0
    assert depolarised(0.0, mu, s2) == pytest.approx(1) and depolarised(1.0, mu, s2) == 0
    assert depolarised(0.8, 1000.0, 0.1) == pytest.approx(0.2, abs=1e-3)
    assert depolarised(0.8, 1e-9, 10.0) == pytest.approx(0.04)
    near, far = (depolarised(0.01, mu, 0.02) for mu in (-4.999, -5.001))  # beyond, exp(10000) was not a number
    assert near == pytest.approx(far, rel=1e-2) and depolarised(0.5, -5.0, 0.001) == 0.0


def test_the_diffusion_agrees_with_a_simulated_neuron():
    rng, mu, s2, dt = np.random.default_rng(0), 20.0, 30.0, 2e-5
    v, spikes, above = rng.random(300), 0, 0.0
    for _ in range(10000):
        v = np.abs(v + mu * dt + np.sqrt(s2 * dt) * rng.standard_normal(300))  # reflected at the floor
        spikes += (v >= 1).sum()
        v[v >= 1] = 0
        above += (v > 0.5).mean()
    assert spikes / 300 / 0.2 == pytest.approx(firing_rate(mu, s2), rel=0.06)
    assert above / 10000 == pytest.approx(depolarised(0.5, mu, s2), rel=0.08)


def test_the_calcium_law_below_one_is_the_power_law_and_its_mean_the_rate():
    k = 3.0
    law = calcium_law(np.array([0.5, 1.0]), 50, 0.06)
    assert law[1] == pytest.approx(np.exp(-np.euler_gamma * k) / 6, rel=1e-6)
    assert law[0] / law[1] == pytest.approx(0.5**k, rel=1e-6)
    grid = np.linspace(0, 20, 20001)
    below = calcium_law(grid, 50, 0.06)
    mean = np.trapezoid(1 - below, grid) if hasattr(np, "trapezoid") else np.trapz(1 - below, grid)
    assert mean == pytest.approx(k, abs=1e-3) and (np.diff(below) >= -1e-9).all()
    # Dickman's function at k = 1: F(2) = exp(-Euler) times the integral of rho over (0, 2) = 2 - (2 log 2 - 1) ...
    assert calcium_law(np.array([2.0]), 10, 0.1)[0] == pytest.approx(np.exp(-np.euler_gamma) * (3 - 2 * np.log(2)))


def test_gates_share_the_presynaptic_spikes():
    gates = Gates(up_low=0, up_high=50, down_low=0, down_high=50)
    up, down = gate_probabilities(gates, 60.0, 0.3)
    assert up == pytest.approx(0.3, abs=1e-6) and down == pytest.approx(0.7, abs=1e-6)


def test_the_switch_without_drift_is_binomial():
    rule = Internal(up=0.17, down=0.1, alpha=1e-9, beta=1e-9)  # three jumps of .17 pass .5
    steps, p = 40, 0.05
    expected = 1 - sum(comb(steps, k) * p**k * (1 - p) ** (steps - k) for k in range(3))
    found = switch_probability(rule, np.full(steps, p), np.zeros(steps), 0.001, potentiated=False)
    assert found == pytest.approx(expected, rel=1e-9)


def test_mirrored_rules_switch_alike():
    rule, steps = Internal(up=0.2, down=0.2, theta=0.5), np.full(100, 0.03)
    other = np.full(100, 0.01)
    up = switch_probability(rule, steps, other, 0.001, potentiated=False)
    down = switch_probability(rule, other, steps, 0.001, potentiated=True)
    assert up == pytest.approx(down, rel=0.1)  # X > theta to switch up, X <= theta to switch down


def test_transitions_against_rates():
    """The clock is within a factor of two of what is counted where transitions matter; both stop where they should."""
    counted = np.array([measured(*CLASSIFIER, Stimulus(), drive, 4, 0) for drive in (25.0, 75.0, 125.0, 220.0)])
    clock = np.array([regular_limit(*CLASSIFIER, Stimulus(), rate, 10) for rate in counted[:, 0]])
    ltp, ltd = counted[:, 1], counted[:, 2]
    assert ltp[2] > 5e-3 and ltd[1] > 3e-3  # LTP at high, LTD at low rates
    assert ltp[[0, 1]].max() < 2e-4 and ltd[[0, 2, 3]].max() < 3e-4 and ltp[3] < 0.1 * ltp[2]
    assert 0.5 < clock[2, 0] / ltp[2] < 2 and 0.5 < clock[1, 1] / ltd[1] < 2
    rate, up, _ = poisson_limit(*CLASSIFIER, Stimulus(), 125.0)
    assert rate == pytest.approx(counted[2, 0], rel=0.2) and up < 0.5 * ltp[2]
