import numpy as np
import pytest

import fusi_models as fm
from fusi_models.theory.partitioned import covariance, hyperbolic, lifetime, signals, snr


def test_five_populations_of_a_million_synapses_and_a_homogeneous_one():
    rates = hyperbolic(5, 0.727, 100)
    assert snr(rates, np.array([0]), 1e6)[0] == pytest.approx(325, abs=0.5)
    assert lifetime(rates, 1e6, "all") == 327 and lifetime(rates, 1e6) == 323
    alone = [np.e / 1e3]
    assert snr(alone, np.array([0]), 1e6)[0] == pytest.approx(np.e)
    assert lifetime(alone, 1e6, events="poisson") == pytest.approx(368, abs=0.5)


def test_one_population_is_the_plain_synapse():
    """``plain(q)`` obeys with probability q: the same curve, events of both signs being equally likely."""
    times = np.array([0, 1, 10, 50])
    np.testing.assert_allclose(signals([0.1], times)[:, 0], fm.memory_curve(fm.plain(0.1), times, 1).signal)
    assert lifetime([0.1], 1e4) == fm.lifetime(fm.plain(0.1), 1e4)


def test_signals_and_covariances_of_copied_synapses():
    rates, rng, times = np.array([0.6, 0.3, 0.2]), np.random.default_rng(0), 12
    n, w = 100_000, rng.choice([-1, 1], (3, 100_000))
    for t in range(40 + times):
        sign = rng.choice([-1, 1], n)
        w = np.where(rng.random(w.shape) < rates[:, None], np.vstack([sign, w[:-1]]), w)
        if t == 39:
            memory, seen = sign, []
        if t >= 39:
            seen.append(w @ memory / n)
    np.testing.assert_allclose(seen, signals(rates, np.arange(times + 1)), atol=4.5 / np.sqrt(n))
    np.testing.assert_allclose(w @ w.T / n, covariance(rates), atol=4.5 / np.sqrt(n))


def test_a_step_of_poisson_events_is_small_discrete_ones():
    rates = hyperbolic(4, 0.02, 10)
    discrete = covariance(rates / 1000), snr(rates / 1000, np.array([30_000]), 1e4, "all")
    np.testing.assert_allclose(covariance(rates, "poisson"), discrete[0], rtol=1e-3)
    np.testing.assert_allclose(1e3 * discrete[1], snr(rates, np.array([30.0]), 1e4, "all", "poisson"), rtol=1e-3)


def test_reading_all_populations_is_better_than_the_best():
    rates, times = hyperbolic(5, 0.5, 30), np.arange(200)
    assert np.all(snr(rates, times, 1e6, "all") >= snr(rates, times, 1e6) - 1e-9)


def test_mistakes_are_named():
    for rates in ([0.0, 0.1], [1.5], [[0.1]]):
        with pytest.raises(ValueError, match="rates must be"):
            signals(rates, np.array([0]))
    with pytest.raises(ValueError, match="readout must be"):
        snr([0.1], np.array([0]), 100, "worst")
    with pytest.raises(ValueError, match="ratio must be"):
        hyperbolic(3, 0.5, 0.5)
    with pytest.raises(ValueError, match="ratio must be"):
        hyperbolic(3, 0.5, np.inf)
    with pytest.raises(ValueError, match="rates must be"):
        lifetime([], 1e4)
    with pytest.raises(ValueError, match="synapses must be"):
        snr([0.1], np.array([0]), -1)
    for threshold in (0.0, np.nan):
        with pytest.raises(ValueError, match="threshold must be"):
            lifetime([0.1], 1e4, threshold=threshold)
