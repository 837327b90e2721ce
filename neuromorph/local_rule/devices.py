"""A weight made of several resistive devices of a few levels each.

w = A sum_k 1 / r_k - B,   A and B such that all devices at the lowest (highest) level give -w_max (+w_max)
write: one device moves one level up or down from the level nearest to its r, then r ~ normal(mean, sd) of that level

Source: Zohora, Karia, Soures & Kudithipudi 2024, Sci Rep 14 (s41598-024-78290-w), and their public code. Its table of
levels (hafnium oxide, Liehr et al. 2020) is not public: the levels here are ours, equal steps of conductance from 1 to
``levels`` and one relative spread of the resistance; the defaults were chosen on held-out images
(experiments/probabilistic.py). r in units of the resistance of the lowest level.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusi_models import checks


@dataclass(frozen=True)
class Devices:
    """Raises ``ValueError`` for fewer than 1 device or 2 levels, or a negative spread.

    >>> Devices(count=1, levels=3).resistances
    array([1.        , 0.5       , 0.33333334], dtype=float32)
    """

    count: int = 7
    """Devices of a weight, written in turn."""
    levels: int = 20
    """Of a device."""
    spread: float = 0.1
    """Standard deviation of a written resistance over its mean."""

    def __post_init__(self) -> None:
        checks.count("the number of devices", self.count)
        checks.whole("levels", self.levels, 2, 2**15 - 1)
        checks.finite("spread", self.spread, 0, 10)

    @property
    def bits(self) -> int:
        """Of the numbers of a weight's levels."""
        return self.count * (self.levels - 1).bit_length()

    @property
    def resistances(self) -> NDArray[np.float32]:
        """Mean of each level, [level], the weight growing with the level."""
        return (1 / np.arange(1, self.levels + 1)).astype(np.float32)

    def scale(self, w_max: float) -> tuple[float, float]:
        """A and B for weights from -w_max to w_max."""
        a = 2 * w_max / (self.count * (self.levels - 1))
        return a, w_max + a * self.count

    def weights(self, r: NDArray[np.float32], w_max: float) -> NDArray[np.float32]:
        """w [...] of resistances r [..., device]."""
        a, b = self.scale(w_max)
        return (a * (1 / r).sum(-1) - b).astype(np.float32)

    def initial(
        self, shape: tuple[int, ...], w_max: float, largest: float, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Resistances [*shape, device] of weights that are spread evenly over the states within +-``largest``.

        Raises ``ValueError`` where there is no such state.
        """
        total = np.arange(self.count * (self.levels - 1) + 1)  # levels of all devices together
        a, b = self.scale(w_max)
        weight = a * (total + self.count) - b
        states = total[np.abs(weight) <= largest + 1e-9]
        if not len(states):
            raise ValueError(
                f"{self.count} devices of {self.levels} levels have no weight within +-{largest:g}, the smallest is "
                f"{np.abs(weight).min():g}: take more levels or devices, or larger initial weights."
            )
        chosen = rng.choice(states, shape)
        level = chosen[..., None] // self.count + (np.arange(self.count) < chosen[..., None] % self.count)
        noise = rng.standard_normal((*shape, self.count), np.float32)
        return (self.resistances[level] * (1 + np.float32(self.spread) * noise)).astype(np.float32)
