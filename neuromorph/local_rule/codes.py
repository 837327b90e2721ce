"""Input codes: how a number in [0, 1] becomes spikes, the same on every substrate.

rate        round(num_steps * x) spikes, evenly spaced
latency     one spike, the sooner the brighter: at step round((1 - x) (num_steps - 1)), none where x is 0
bernoulli   independent spikes of probability x a step
winners     the k = round(active * features) most driven of ``features`` units spike, at every step; the drive is
            a = W q, W = +-1 drawn once, q = round(255 x): whole numbers, so that every machine has the same winners
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from fusi_models.seeds import generator, whole
from neuromorph.local_rule import chance

if TYPE_CHECKING:
    from neuromorph.local_rule.layer import LayerRule

ENCODINGS = ("current", "rate", "latency", "raster")
"""How a deep network is shown its input: the same value at every step, one of ``spike_steps``, or spikes as given."""


def _floor(x: Any) -> Any:
    return x // 1


def spike_steps(x: Any, num_steps: int, code: str, floor: Callable[[Any], Any] = _floor) -> list[Any]:
    """Which inputs spike at each of ``num_steps`` steps, bool arrays like x in [0, 1], numpy or torch; not random.

    ``code``: rate or latency. ``floor``: a faster one for what x is, if there is one.
    Raises ``ValueError`` for another code.
    """
    if code == "latency":
        when = floor((1 - x) * (num_steps - 1) + 0.5)
        return [(when == step) & (x > 0) for step in range(num_steps)]
    if code != "rate":
        raise ValueError(f"There is no code '{code}' without chance: choose rate or latency.")
    charge = [floor(step * x + 0.5) for step in range(num_steps + 1)]
    return [after > before for before, after in zip(charge, charge[1:], strict=False)]


class Code(ABC):
    """How samples of the local rules become spikes; a frozen dataclass."""

    @abstractmethod
    def raster(self, x: np.ndarray, num_steps: int, seed: int, first: int, testing: bool) -> np.ndarray:
        """As ``encode``."""

    def sources(self, inputs: int) -> int:
        """Spiking inputs for samples of so many numbers."""
        return inputs

    def multiplied(self, x: np.ndarray) -> float:
        """Multiply-accumulates that the code itself takes, a sample of x [n, ...]."""
        return 0.0


@dataclass(frozen=True)
class Rate(Code):
    """``rate`` of the module's head."""

    def raster(self, x, num_steps, seed, first, testing):
        return np.stack(spike_steps(x, num_steps, "rate", np.floor), 1)


@dataclass(frozen=True)
class Bernoulli(Code):
    """``bernoulli`` of the module's head."""

    def raster(self, x, num_steps, seed, first, testing):
        purpose = "raster of a test sample" if testing else "raster of a training sample"
        raster = np.empty((len(x), num_steps, *x.shape[1:]), bool)
        for k, sample in enumerate(x):
            raster[k] = generator(purpose, seed, first + k).random(raster.shape[1:]) < sample
        return raster


@dataclass(frozen=True)
class Winners(Code):
    """``winners`` of the module's head, for samples [n, inputs].

    ``features``: units of the projection, which the replica's seed draws. ``active``: fraction of them that spike,
    above 0 and at most 1; of equally driven ones the first. Raises ``ValueError`` for other numbers.

    >>> Winners(features=20).raster(np.eye(3), 2, seed=0, first=0, testing=False).sum(-1).tolist()
    [[2, 2], [2, 2], [2, 2]]
    """

    features: int = 1000
    active: float = 0.1

    def __post_init__(self):
        object.__setattr__(self, "features", whole(self.features, "features"))
        if not (self.features and 0 < self.active <= 1):
            raise ValueError(
                f"winners need features of at least 1 and active in (0, 1], got {self.features} and {self.active}."
            )

    @property
    def winners(self) -> int:
        """k."""
        return max(1, round(self.active * self.features))

    def sources(self, inputs):
        return self.features

    def multiplied(self, x):
        """Each number that is not 0 with each unit."""
        return np.count_nonzero(x) / max(1, len(x)) * self.features

    def drive(self, x: np.ndarray, seed: int) -> np.ndarray:
        """a, whole numbers as float [n, feature], of x [n, inputs]."""
        matrix = _projection(seed, x.shape[1], self.features)
        return np.floor(255 * x + 0.5).astype(matrix.dtype) @ matrix

    def raster(self, x, num_steps, seed, first, testing):
        rank = self.drive(x, seed).astype(np.int64) * self.features - np.arange(self.features)  # no two are equal
        spikes = np.zeros(rank.shape, bool)
        np.put_along_axis(spikes, np.argpartition(rank, -self.winners)[:, -self.winners :], True, -1)
        return np.repeat(spikes[:, None], num_steps, 1)


@lru_cache(maxsize=8)
def _projection(seed: int, inputs: int, features: int) -> np.ndarray:
    """W, [input, feature], in the shortest float that adds up 255 times as many ones exactly."""
    kind = np.float32 if 255 * inputs < 2**24 else np.float64
    return chance.projection(seed).choice(np.array([-1, 1], kind), (inputs, features))


CODES = {"rate": Rate(), "bernoulli": Bernoulli()}
"""Of the local rule: those without numbers, by name."""


def named(code: str | Code) -> Code:
    """The code of that name, or the code itself. Raises ``ValueError`` naming the known ones."""
    found = CODES.get(code) if isinstance(code, str) else code
    if not isinstance(found, Code):
        raise ValueError(f"There is no code '{code}': choose one of {', '.join(CODES)}, or give Winners().")
    return found


def encode(x: np.ndarray, rule: LayerRule, seed: int, first: int = 0, testing: bool = False) -> np.ndarray:
    """Spike raster, bool [n, num_steps, ...], of x [n, ...] in [0, 1].

    The Bernoulli code of sample ``first`` + k depends on ``seed``, on that number and on ``testing`` only, so cutting
    the samples into calls does not change it, and a test sample never gets the raster of a training sample.
    """
    return rule.coder.raster(x, rule.num_steps, seed, first, testing)
