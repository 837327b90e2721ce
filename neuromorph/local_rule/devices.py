"""A weight made of several resistive devices of a few levels each.

w = A sum_k 1 / r_k - B,   A and B such that all devices at the lowest (highest) level give -w_max (+w_max)
write: one device moves one level up or down from the level nearest to its r, then r ~ normal(mean, sd) of that level

Source: Zohora, Karia, Soures & Kudithipudi 2024, Sci Rep 14 (s41598-024-78290-w), and their public code. ``MEASURED``:
levels of hafnium oxide devices (Liehr et al. 2020, IEEE International Integrated Reliability Workshop), as they stand
in an earlier revision of that code; its last one names the paper in place of the numbers. r in units of the resistance
of the lowest level.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusi_models import checks

MEASURED = (
    (25014.0, 18022.0, 13360.0, 11085.0, 9118.0, 6620.0, 5387.0, 4670.0, 4008.0, 3534.0),
    (2969.0, 2332.0, 917.1, 1110.0, 805.6, 726.2, 412.9, 234.0, 198.4, 237.5),
)
"""Mean and standard deviation of the resistance of each level, in ohm."""


@dataclass(frozen=True)
class Devices:
    """Raises ``ValueError`` for fewer than 1 device or 2 levels, a negative spread, or one for the measured levels.

    >>> Devices(count=1, levels=3).resistances
    array([1.        , 0.5       , 0.33333334], dtype=float32)
    >>> round(float(Devices().resistances[-1]), 3)
    0.141
    """

    count: int = 7
    """Devices of a weight, written in turn."""
    levels: int = 0
    """Of a device, in equal steps of conductance; 0 takes the ten measured ones."""
    spread: float = 0.0
    """Standard deviation of a written resistance over its mean; the measured levels have their own."""

    def __post_init__(self) -> None:
        checks.count("the number of devices", self.count)
        checks.finite("spread", self.spread, 0, 10)
        if self.levels != 0:
            checks.whole("levels, unless 0 for the measured ones,", self.levels, 2, 2**15 - 1)
        elif self.spread:
            raise ValueError(f"the measured levels have their own spread: a spread of {self.spread:g} needs levels.")

    @property
    def bits(self) -> int:
        """Of the numbers of a weight's levels."""
        return self.count * (len(self.resistances) - 1).bit_length()

    @property
    def resistances(self) -> NDArray[np.float32]:
        """Mean of each level, [level], the weight growing with the level."""
        return self.table[0]

    @property
    def table(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """``resistances``, and of each its standard deviation over its mean, [level]."""
        if self.levels:
            means, spreads = 1 / np.arange(1, self.levels + 1), np.full(self.levels, self.spread)
        else:
            ohm, deviations = np.array(MEASURED)
            means, spreads = ohm / ohm[0], deviations / ohm
        return means.astype(np.float32), spreads.astype(np.float32)

    def scale(self, w_max: float) -> tuple[float, float]:
        """A and B for weights from -w_max to w_max."""
        a = 2 * w_max / (self.count * (float(1 / self.resistances[-1]) - 1))
        return a, w_max + a * self.count

    def weights(self, r: NDArray[np.float32], w_max: float) -> NDArray[np.float32]:
        """w [...] of resistances r [..., device]."""
        a, b = self.scale(w_max)
        return (a * (1 / r).sum(-1) - b).astype(np.float32)

    def initial(
        self, shape: tuple[int, ...], w_max: float, largest: float, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Resistances [*shape, device] of weights within +-``largest``, each quarter of this range as likely.

        Raises ``ValueError`` where there is no such state.
        """
        total = np.arange(self.count * (len(self.resistances) - 1) + 1)  # levels of all devices together
        level = total[:, None] // self.count + (np.arange(self.count) < total[:, None] % self.count)
        weight = self.weights(self.resistances[level], w_max)
        inside = np.flatnonzero(np.abs(weight) <= largest + 1e-6)
        if not len(inside):
            raise ValueError(
                f"{self.count} devices of {len(self.resistances)} levels have no weight within +-{largest:g}, the "
                f"smallest is {np.abs(weight).min():g}: take more levels or devices, or larger initial weights."
            )
        quarter = np.minimum(2 * weight[inside] // largest, 1)
        _, which, size = np.unique(quarter, return_inverse=True, return_counts=True)
        chosen = level[rng.choice(inside, shape, p=1 / (len(size) * size[which]))]
        means, spreads = self.table
        return means[chosen] * (1 + spreads[chosen] * rng.standard_normal(chosen.shape, np.float32))
