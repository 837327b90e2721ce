import numpy as np
import pytest

from fusi_models.models.bayesian import Bayesian, Belief


def test_small_steps_are_the_published_equations():
    rule, belief, x, dt = Bayesian(0.2, 2.0, 50.0, noise=30.0), Belief(np.array([0.7]), np.array([1.3])), 0.8, 1e-3
    after = rule.drifted(rule.taught(belief, np.array([x]), np.array(1.5)), dt)
    spread, delta = 30.0**2 + 1.3 * x**2, 1.5 - 0.7 * x
    mean = 1.3 / spread * x * delta - (0.7 - 0.2) * dt / 50
    variance = -(1.3**2) / spread * x**2 - 2 / 50 * (1.3 - 2.0) * dt
    assert after.mean[0] - 0.7 == pytest.approx(mean, rel=2e-2)
    assert after.variance[0] - 1.3 == pytest.approx(variance, rel=2e-2)


def test_one_synapse_is_the_exact_posterior():
    """Without drift: Gaussian regression on all the data at once."""
    rng, rule = np.random.default_rng(0), Bayesian(0.5, 2.0, noise=0.7)
    x = rng.standard_normal(40)
    y = 1.2 * x + 0.7 * rng.standard_normal(40)
    belief = rule.init(1)
    for a, b in zip(x, y, strict=True):
        belief = rule.taught(belief, np.array([a]), np.array(b))
    precision = 1 / 2 + np.sum(x**2) / 0.49
    assert belief.variance[0] == pytest.approx(1 / precision)
    assert belief.mean[0] == pytest.approx((0.5 / 2 + np.sum(x * y) / 0.49) / precision)


def test_the_uncertainty_is_the_error_made_and_depends_on_use():
    """Drifting weights, 300 neurons: the mean squared error equals s^2, and both fall with the rate of the input."""
    rng, rule, neurons = np.random.default_rng(1), Bayesian(0.0, 1.0, 200.0, 1.0), 300
    rates = np.array([0.05, 0.5])
    weights, belief = rng.standard_normal((neurons, 2)), rule.init((neurons, 2))
    errors, said, keep = [], [], np.exp(-1 / 200.0)
    for t in range(600):
        weights = keep * weights + np.sqrt(1 - keep**2) * rng.standard_normal(weights.shape)
        x = (rng.random(weights.shape) < rates) * 1.0
        belief = rule.drifted(belief, 1.0)
        belief = rule.taught(belief, x, (weights * x).sum(1) + rng.standard_normal(neurons))
        if t > 300:
            errors.append(((belief.mean - weights) ** 2).mean(0))
            said.append(belief.variance.mean(0))
    error, variance = np.mean(errors, 0), np.mean(said, 0)
    np.testing.assert_allclose(error, variance, rtol=0.1)
    assert variance[0] > 2 * variance[1]
    assert variance[1] == pytest.approx(rule.settled(0.5, 1 + variance[1] / 2), rel=0.1)
    draws = rule.sample(Belief(np.zeros(100_000), np.full(100_000, 0.3)), rng)
    assert draws.var() == pytest.approx(0.3, rel=0.02)


def test_what_settles():
    rule = Bayesian(0.0, 1.0, 100.0)
    assert rule.settled(0.0) == 1.0
    s = rule.settled(3.0)
    assert s**2 * 3.0 == pytest.approx(0.02 * (1 - s))
    assert rule.settled(400.0) == pytest.approx(np.sqrt(0.02 / 400), rel=0.01)  # frequent use: s^2 as 1 / sqrt(rate)


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="noise must be above 0"):
        Bayesian(noise=0.0)
