import numpy as np
import pytest

from fusi_models.models.tagging import DEPRESSED, POTENTIATED, REST, Regime, Tagging, course, regime

RULE = Tagging()
PULSES = np.array([10, 20, 30, 40, 50, 60, 100]) / 1e3
FOUR_HOURS = Regime(np.array([0, 14400.0]), np.array([POTENTIATED, REST]))


def test_calcium_crosses_its_thresholds_where_a_fine_grid_says():
    found = regime(RULE, PULSES, np.array([0.033, 0.15]))
    grid = np.linspace(0, 0.4, 40_001)
    calcium = sum(
        size * np.where(grid >= at, np.exp(-np.maximum(grid - at, 0) / RULE.tau_c), 0)
        for size, times in ((RULE.c_pre, PULSES + RULE.delay), (RULE.c_post, np.array([0.033, 0.15])))
        for at in times
    )
    level = (calcium > RULE.theta_d) * 1 + (calcium > RULE.theta_p)
    there = found.level[np.searchsorted(found.start, grid, side="right") - 1]
    assert np.mean(level != there) < 5e-4


def test_the_early_phase_of_the_public_figure():
    h = course(RULE, [regime(RULE, PULSES, np.array([]))], np.array([0.069, 0.091, 0.159]), 0.01).h[:, 0]
    np.testing.assert_allclose(100 * h / RULE.h0, [98.75, 103.9, 100.8], atol=0.1)


def test_the_late_phase_of_the_public_figure():
    at = np.array([120, 240, 312, 320, 480]) * 60.0
    window = 14400 + RULE.tau_c * np.log(RULE.theta_p / RULE.theta_d)  # calcium falls through the depression window
    found = course(RULE, [Regime(np.array([0, 14400, window]), np.array([POTENTIATED, DEPRESSED, REST]))], at)
    h, z = 100 * found.h[:, 0] / RULE.h0, 100 * found.z[:, 0]
    np.testing.assert_allclose(h[[0, 1, 4]], [200, 200, 112], atol=1)
    np.testing.assert_allclose(z[[1, 4]], [95, 99.5], atol=0.5)
    np.testing.assert_allclose(found.p[[0, 4]], [0.865, 0.065], atol=0.01)
    assert found.p[2] > 0.99 > found.p[3] > found.p[4]  # protein ends at about 312 minutes


def test_p_and_z_in_closed_form():
    """Protein p = 1 - exp(-t/tau), and z = 1 - exp(-integral of p / tau), from the moment that protein is made."""
    t = np.array([3600.0, 10_000.0])
    found, x = course(RULE, [FOUR_HOURS], t, 0.2), t / 3600
    np.testing.assert_allclose(found.p, 1 - np.exp(-x), atol=1e-4)
    np.testing.assert_allclose(found.z[:, 0], 1 - np.exp(-(x - 1 + np.exp(-x))), atol=1e-4)


def test_a_weak_synapse_captures_only_beside_a_strong_one():
    weak, end = Regime(np.array([0, 0.15]), np.array([POTENTIATED, REST])), np.array([6 * 3600.0])
    strong = Regime(np.array([0, 60.0]), np.array([POTENTIATED, REST]))
    assert course(RULE, [weak], end, 20).z[0, 0] == 0
    assert course(RULE, [weak, strong], end, 20).z[0, 0] > 0.2
    late = Regime(np.array([0, 7200.0, 7260.0]), np.array([REST, POTENTIATED, REST]))
    assert course(RULE, [weak, late], end, 20).z[0, 0] == 0
    depressed = Regime(np.array([0, 2.0]), np.array([DEPRESSED, REST]))
    assert course(RULE, [depressed, strong], end, 20).z[0, 0] < -0.1


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="times must increase"):
        course(RULE, [FOUR_HOURS], np.array([5.0, 5.0]))
    with pytest.raises(ValueError, match="at least one regime"):
        course(RULE, [], np.array([0.0, 5.0]))
    with pytest.raises(ValueError, match="a step above 0"):
        course(RULE, [FOUR_HOURS], np.array([0.0, 5.0]), 0.0)
    with pytest.raises(ValueError, match="spikes must come"):
        regime(RULE, np.array([-0.1]), [])
    for name, value in (("tau_h", 0.0), ("tau_z", -3.0), ("leak", np.inf), ("sigma", np.nan), ("delay", -1.0)):
        with pytest.raises(ValueError, match=name):
            Tagging(**{name: value})
