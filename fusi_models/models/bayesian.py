"""Synapses that know how sure they are of their weight (Aitchison et al. 2021, Nat. Neurosci. 24:565).

A synapse believes its best weight to be Normal(mu, s^2); the best weight drifts as an Ornstein-Uhlenbeck process of
mean mu_0, variance s_0^2 and time constant tau. With input x and feedback error delta of variance s_delta^2,

    d mu  = (s^2 / s_delta^2) x delta - (mu - mu_0) dt / tau
    d s^2 = -(s^4 / s_delta^2) x^2 - (2 / tau) (s^2 - s_0^2) dt,    s_delta^2 = s_y^2 + sum_i s_i^2 x_i^2

for each feedback; s_y: noise of the teaching signal. The learning rate is the uncertainty: a synapse that is rarely
used learns fast. As MESU (``neuromorph`` has it as a step rule): sigma^2 is the step, x delta / s_delta^2 the gradient,
1/tau its forgetting. Here the two terms of a step are taken one after another, drift exactly, feedback as a Kalman
gain, which agrees with the equations to first order and keeps s^2 above 0 for any step.

Equations from a secondary source; the exact step is derived here. Weights and x without units, times as tau.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fusi_models.synapse import Values


class Belief(NamedTuple):
    """Mean and variance of each weight, [..., synapse]."""

    mean: Values
    variance: Values


@dataclass(frozen=True)
class Bayesian:
    """What a synapse assumes of its world.

    mean: mu_0, of the weights' stationary distribution.
    variance: s_0^2, of that distribution; above 0.
    tau: time constant of the weights' drift, in the units of dt; may be inf.
    noise: s_y, standard deviation of the noise of the feedback; above 0.

    Raises ``ValueError`` for numbers that are not above 0.

    >>> Bayesian(variance=4.0).init(2)
    Belief(mean=array([0., 0.]), variance=array([4., 4.]))
    """

    mean: float = 0.0
    variance: float = 1.0
    tau: float = np.inf
    noise: float = 1.0

    def __post_init__(self) -> None:
        for name in ("variance", "tau", "noise"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}.")

    def init(self, shape: int | tuple[int, ...]) -> Belief:
        """What is believed before any feedback."""
        return Belief(np.full(shape, float(self.mean)), np.full(shape, float(self.variance)))

    def drifted(self, belief: Belief, dt: float) -> Belief:
        """The belief after a time ``dt`` without feedback."""
        keep = np.exp(-dt / self.tau)
        return Belief(
            self.mean + keep * (belief.mean - self.mean), self.variance + keep**2 * (belief.variance - self.variance)
        )

    def taught(self, belief: Belief, x: Values, target: Values) -> Belief:
        """The belief after one feedback: ``target`` [...] for the input ``x`` [..., synapse].

        The error is delta = target - sum mu x; correlations between synapses, which a full filter has, are dropped.
        """
        x = np.asarray(x, float)
        gain = belief.variance * x / self.uncertainty(belief, x)[..., None]
        delta = np.asarray(target) - (belief.mean * x).sum(-1)
        return Belief(belief.mean + gain * delta[..., None], belief.variance * (1 - gain * x))

    def uncertainty(self, belief: Belief, x: Values) -> Values:
        """s_delta^2 [...]: of the feedback, given the belief."""
        return np.asarray(self.noise**2 + (belief.variance * np.asarray(x) ** 2).sum(-1))

    def settled(self, power: float, spread: float | None = None) -> float:
        """s^2 where feedback, at a mean ``power`` = <x^2> / dt a unit of time, and drift balance (slow changes).

        ``spread``: s_delta^2, by default that of one synapse alone, noise^2. The root of
        s^4 power / s_delta^2 = (2 / tau) (s_0^2 - s^2).
        """
        rate = power / (self.noise**2 if spread is None else spread)
        if rate == 0:
            return self.variance
        pull = 2 / self.tau
        return float((np.sqrt(pull**2 + 4 * rate * pull * self.variance) - pull) / (2 * rate))

    def sample(self, belief: Belief, rng: np.random.Generator) -> Values:
        """Weights drawn from the belief: a synapse whose variability tells its uncertainty (synaptic sampling)."""
        return np.asarray(belief.mean + np.sqrt(belief.variance) * rng.standard_normal(np.shape(belief.mean)))
