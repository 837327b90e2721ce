import numpy as np
import pytest

from fusi_models.engines.tagging_brian import follow_brian
from fusi_models.models.tagging import POTENTIATED, REST, Regime, Tagging, course, regime

RULE = Tagging()
PULSES = np.array([10, 20, 30, 40, 50, 60, 100]) / 1e3


def test_spikes_without_noise_follow_the_closed_form():
    quiet, post = Tagging(sigma=0.0), np.array([0.0451])
    times, (run,) = follow_brian(quiet, [PULSES, PULSES[:3]], post, 0.2, 1e-4)
    exact = course(quiet, [regime(quiet, PULSES, post), regime(quiet, PULSES[:3], post)], times[1:], 0.01)
    # every crossing is known to a step, in which h moves by up to 0.0012 mV
    np.testing.assert_allclose(run.h[1:], exact.h, atol=0.008)
    assert np.all(run.z == 0)


def test_noise_has_the_mean_and_the_spread_of_the_theory():
    held = [Regime(np.array([0.0]), np.array([POTENTIATED]))] * 200
    _, (run,) = follow_brian(RULE, [np.array([])] * 200, np.array([]), 20, 0.05, held=held, every=2.0)
    h = run.h[5:]
    assert h.mean() == pytest.approx(RULE.pull(np.array(POTENTIATED))[1], abs=0.01)
    assert h.std() == pytest.approx(RULE.spread(POTENTIATED), rel=0.1)


def test_protein_and_capture_of_two_synapses():
    fast = Tagging(tau_p=20.0, tau_z=20.0, sigma=0.0)
    held = [Regime(np.array([0, 0.2]), np.array([POTENTIATED, REST])), Regime(np.array([0, 10.0]), np.array([2, 0]))]
    times, runs = follow_brian(fast, [np.array([])] * 2, np.array([]), 40, 0.05, 2, held=held, every=5.0)
    exact = course(fast, held, times[1:], 0.01)
    for run in runs:
        np.testing.assert_allclose(run.p[1:], exact.p, atol=0.01)
        np.testing.assert_allclose(run.z[1:], exact.z, atol=0.01)
    assert exact.z[-1].min() > 0.3


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="held names 0 synapses"):
        follow_brian(RULE, [PULSES], np.array([]), 0.1, 1e-3, held=[])
