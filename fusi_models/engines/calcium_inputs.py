"""Poisson inputs for a cell: patterns of rates, and groups that fire together.

In every step of dt an input fires with probability p = rate dt. Inputs of a group with correlation c copy, with
probability sqrt(c), one event that the group shares, so that the counts of any two of them correlate with coefficient c
(the construction of Guetig, Aharonov, Rotter & Sompolinsky 2003, J Neurosci 23:3697).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fusi_models.checks import finite, finites, numbers, whole
from fusi_models.synapse import Values


@dataclass(frozen=True, eq=False)
class Inputs:
    """``rates``: [pattern, input] in Hz. ``correlation``: [input], 0 to 1. ``group``: [input], the number of its event.

    Without ``correlation`` all are independent; without ``group`` all share one event.
    Inputs of a group must have one rate, for the correlation to be c. ``dwell``: ms a pattern lasts.
    ``inhibitory`` inputs fire at ``inhibitory_rate`` Hz. Raises ``ValueError`` for other shapes or numbers.
    """

    rates: Values
    correlation: Values | None = None
    group: Values | None = None
    dwell: float = 500.0
    inhibitory: int = 20
    inhibitory_rate: float = 10.0

    def __post_init__(self) -> None:
        rates = finites("rates", self.rates, 0, unit="Hz")
        if rates.ndim != 2 or not rates.size:
            raise ValueError(f"rates must be [pattern, input] in Hz, got shape {rates.shape}.")
        whole("inhibitory", self.inhibitory)
        finite("dwell", self.dwell, 0, above=True, unit="ms")
        finite("inhibitory_rate", self.inhibitory_rate, 0, unit="Hz")
        inputs = rates.shape[1]
        correlation = np.zeros(inputs) if self.correlation is None else numbers("correlation", self.correlation)
        group = np.zeros(inputs, int) if self.group is None else np.asarray(self.group)
        if correlation.shape != (inputs,) or group.shape != (inputs,):
            raise ValueError(f"correlation and group need one number for each of {inputs} inputs.")
        if not np.all((correlation >= 0) & (correlation <= 1)):
            raise ValueError("correlations lie between 0 and 1.")
        object.__setattr__(self, "rates", rates)

    def draw(self, pattern: int, steps: int, dt: float, rng: np.random.Generator) -> tuple[Values, Values]:
        """Spikes of ``steps`` steps of ``dt`` ms: excitatory [step, input] bool; number of inhibitory ones [step].

        Raises ``ValueError`` where an input would have to fire more than once a step.
        """
        chance = self.rates[pattern] * dt / 1000
        if chance.max() > 1:
            raise ValueError(f"a rate of {self.rates[pattern].max():g} Hz needs steps below {dt:g} ms: shorten them.")
        inhibit = rng.binomial(self.inhibitory, self.inhibitory_rate * dt / 1000, steps)
        shape = steps, len(chance)
        if self.correlation is None:
            return rng.random(shape, dtype=np.float32) < chance.astype(np.float32), inhibit
        root = np.sqrt(self.correlation)
        group = np.zeros(len(chance), int) if self.group is None else np.asarray(self.group)
        shared = rng.random((steps, int(group.max()) + 1))[:, group] < chance
        own = rng.random(shape) < chance
        return np.where(rng.random(shape) < root, shared, own), inhibit


def patterns(count: int = 4, size: int = 25, high: float = 50.0, low: float = 5.0, **more: Any) -> Inputs:
    """``count`` patterns: each drives its own ``size`` inputs at ``high`` Hz and all others at ``low``."""
    rates = np.where(np.kron(np.eye(count), np.ones(size)) > 0, high, low)
    return Inputs(rates, **more)


def correlated(
    inputs: int = 100, share: float = 0.5, correlation: float = 0.8, rate: float = 10.0, **more: Any
) -> Inputs:
    """One pattern: all inputs at ``rate`` Hz, the first ``share`` of them correlated, the others independent."""
    together = np.arange(inputs) < share * inputs
    return Inputs(np.full((1, inputs), rate), np.where(together, correlation, 0.0), **more)
