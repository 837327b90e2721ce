"""Weights in multi-level memristive devices: a level a weight, programmed by pulses that spread, fail and wear out.

target = number of boundaries that the stored number has passed;   boundaries half-way between neighbouring levels
pulses = |target - level| of one level each; a pulse up fails with ``up_failed``, one down with ``down_failed``
value  = mean of the level + its spread times a normal number, drawn anew when the level has changed
read   = value (1 + age)^-drift + read_noise times a normal number;   dL/d stored = dL/d read (straight-through)

*Reconstruction* after D'Agostino, Moro, Hirtzlin, Arcamone, Castellani, Querlioz, Payvand & Vianello 2023 (AICAS,
arXiv:2306.12142), of which the abstract and summaries could be read: hidden numbers in a digital unit, quantised
weights in multi-level devices. The device's numbers are ours: levels lie in [-1, 1], without a unit (a differential
pair's conductance over half its range); ages are in updates; ``reach`` is the stored number of the outermost level.
With two levels and no noise the value is the sign of the stored number, bit for bit.

A device is programmed once after its stored numbers have changed, at the next read: what failed is tried again after
the next change. All draws are functions of the seed, the layer and the number of programmings, so a state that is saved
and loaded goes on bit for bit; predictions between two updates see one draw of the read noise.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any, final

import torch
from torch import Tensor

from fusi_models.checks import finite, whole
from fusi_models.seeds import integer
from neuromorph.snn.weights import Weights, WeightsConfig

MOST_LEVELS = 2**15 - 1  # a level is kept in 16 bits
FEW = 20  # boundaries: below, comparing with each is faster than a search
LARGEST = 10  # half ranges, or powers of the age: beyond it no level is told from another


@final
@dataclass(frozen=True)
class MemristorConfig(WeightsConfig):
    """A device a weight. Raises ValueError for fewer than 2 or too many levels, chances outside [0, 1], numbers that
    are negative or NaN, and for ``spread``, ``read_noise`` or ``drift`` above 10.

    >>> MemristorConfig(5).level_means
    (-1.0, -0.5, 0.0, 0.5, 1.0)
    """

    levels: int = 2
    """Levels of a device."""
    reach: float = 1.0
    """Stored number of the outermost level, in units of the hidden weight; with 2 levels it makes no difference."""
    spread: float = 0.0
    """Standard deviation of a programmed level, in units of half the range."""
    read_noise: float = 0.0
    """Standard deviation of a read, in units of half the range."""
    up_failed: float = 0.0
    """Chance that a pulse to a higher level does nothing."""
    down_failed: float = 0.0
    """Chance that a pulse to a lower level does nothing."""
    drift: float = 0.0
    """Exponent with which a value decays over its age in updates."""
    stuck: float = 0.0
    """Fraction of the devices that stand at a random level for ever."""
    endurance: int = 0
    """Pulses after which a device is stuck where it is; 0: no limit."""
    means: tuple[float, ...] = ()
    """Measured means of the levels, rising; empty: evenly from -1 to 1."""
    spreads: tuple[float, ...] = ()
    """Measured standard deviations of the levels; empty: ``spread`` for each."""
    seed: int = 0
    """Of everything that is drawn."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", whole("levels", self.levels, 2, MOST_LEVELS))
        object.__setattr__(self, "endurance", whole("endurance", self.endurance))
        for name in ("up_failed", "down_failed", "stuck"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie between 0 and 1, got {getattr(self, name)}")
        for name in ("spread", "read_noise", "drift"):
            finite(name, getattr(self, name), 0, LARGEST)
        finite("reach", self.reach, 0, 1e6, above=True)
        for name in ("means", "spreads"):
            given = getattr(self, name)
            if len(given) not in (0, self.levels):
                raise ValueError(f"{name} must be one number for each of {self.levels} levels, got {given}")
        if not all(map(math.isfinite, self.means)) or any(b <= a for a, b in pairwise(self.means)):
            raise ValueError(f"means of the levels must be finite and rise, got {self.means}")
        if not all(0 <= s < float("inf") for s in self.spreads):
            raise ValueError(f"spreads of the levels must be finite and not negative, got {self.spreads}")

    @property
    def level_means(self) -> tuple[float, ...]:
        """Of each level."""
        return self.means or tuple(2 * i / (self.levels - 1) - 1 for i in range(self.levels))

    @property
    def level_spreads(self) -> tuple[float, ...]:
        """Of each level."""
        return self.spreads or (self.spread,) * self.levels

    @property
    def exact(self) -> bool:
        """Nothing about it is drawn or wears out."""
        plain = {f.name: f.default for f in fields(self) if f.name not in ("levels", "reach", "means", "seed")}
        return all(getattr(self, name) == default for name, default in plain.items())

    def build(self, shape: Sequence[int], generator: torch.Generator | None = None) -> Memristor:
        return Memristor(self, tuple(shape), generator)


@final
class Memristor(Weights):
    """The devices of a layer: ``level`` int16, ``value``, ``writes`` (pulses), ``stuck``, all of the weight's shape.

    ``programmings``: how often any of them was programmed.
    """

    level: Tensor
    value: Tensor
    writes: Tensor
    stuck: Tensor
    programmed: Tensor
    born: Tensor
    programmings: Tensor

    def __init__(self, config: MemristorConfig, shape: tuple[int, ...], generator: torch.Generator | None):
        super().__init__()
        self.config = config
        self.signs = config.exact and config.levels == 2 and not config.means
        drawn = torch.get_rng_state() if generator is None else generator.get_state()  # read, not drawn from
        self.key = int.from_bytes(hashlib.sha256(drawn.numpy().tobytes()).digest()[:6], "big")
        self.register_buffer("programmings", torch.zeros((), dtype=torch.int64))
        self.register_buffer("level", torch.zeros(shape, dtype=torch.int16))
        self.register_buffer("value", torch.zeros(shape))
        self.register_buffer("writes", torch.zeros(shape, dtype=torch.int32))
        self.register_buffer("programmed", torch.zeros(shape))
        self.register_buffer("born", torch.zeros(shape, dtype=torch.int32))
        stuck = torch.zeros(shape, dtype=torch.bool)
        if config.stuck:
            stuck = torch.rand(shape, generator=self._draws("stuck devices")) < config.stuck
        self.register_buffer("stuck", stuck)

    @property
    def packed_bits(self) -> int:
        """Of the number of a level."""
        return (self.config.levels - 1).bit_length()

    def forward(self, stored: Tensor) -> Tensor:
        with torch.no_grad():
            if not self.programmings or not torch.equal(stored, self.programmed):
                self._program(stored)
            read = self.value
            if self.config.drift:
                read = read * (1 + self.programmings - self.born).float().pow(-self.config.drift)
            if self.config.read_noise:
                what = "noise of a read while learning" if self.training else "noise of a read while predicting"
                read = read + self.config.read_noise * self._normal(what, read)
        return _Through.apply(stored, read.to(stored.dtype))

    def _program(self, stored: Tensor) -> None:
        """One round of pulses towards the levels of the stored numbers."""
        config, first = self.config, not self.programmings
        self.programmings += 1
        means = torch.tensor(config.level_means, device=stored.device)
        boundaries = config.reach * (means[1:] + means[:-1]) / 2
        target = passed(stored.detach().float(), boundaries)
        if first:
            level = torch.where(self.stuck, self._random_level(target), target)
            changed = torch.ones_like(self.stuck)
        else:
            wanted = torch.where(self.stuck, 0, target - self.level)
            if config.endurance:
                left = (config.endurance - self.writes).clamp(0, MOST_LEVELS).to(wanted.dtype)
                wanted = wanted.clamp(-left, left)  # the last pulse may come half-way to the target
            self.writes += wanted.abs()
            level = self.level + (wanted - wanted.sign() * self._failures(wanted))
            changed = level != self.level
        which = changed.nonzero(as_tuple=True)  # few
        at = level[which].long()
        fresh = means[at]
        if any(config.level_spreads):
            spreads = torch.tensor(config.level_spreads, device=stored.device)
            fresh = fresh + spreads[at] * self._normal("value of a programmed device", self.value)[which]
        self.value[which] = fresh
        self.born[which] = self.programmings.int()
        self.level.copy_(level)
        if config.endurance:
            self.stuck |= self.writes >= config.endurance
        self.programmed.copy_(stored)

    def _failures(self, wanted: Tensor) -> Tensor:
        """How many of the pulses ``wanted`` do nothing."""
        config = self.config
        if not config.up_failed and not config.down_failed:
            return torch.zeros_like(wanted)
        chance = torch.where(wanted > 0, config.up_failed, config.down_failed).cpu()
        pulses, draws = wanted.abs().float().cpu(), self._draws("pulses that fail")
        return torch.binomial(pulses, chance, generator=draws).to(wanted.dtype).to(wanted.device)

    def _random_level(self, like: Tensor) -> Tensor:
        draws = self._draws("levels of stuck devices")
        return torch.randint(self.config.levels, like.shape, generator=draws).to(like.dtype).to(like.device)

    def _normal(self, purpose: str, like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=self._draws(purpose)).to(like.device)

    def _draws(self, purpose: str) -> torch.Generator:
        seed = integer(purpose, self.config.seed, self.key, int(self.programmings))
        return torch.Generator().manual_seed(seed)


def passed(numbers: Tensor, boundaries: Tensor) -> Tensor:
    """How many of the rising boundaries each number has passed, int16.

    >>> passed(torch.tensor([-2.0, 0.0, 3.0]), torch.tensor([-1.0, 0.0])).tolist()
    [0, 2, 2]
    """
    if len(boundaries) > FEW:
        return torch.bucketize(numbers, boundaries, right=True).to(torch.int16)
    found = torch.zeros(numbers.shape, dtype=torch.int8, device=numbers.device)
    for boundary in boundaries:
        found += (numbers >= boundary).view(torch.int8)
    return found.to(torch.int16)


class _Through(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, stored: Tensor, read: Tensor) -> Tensor:
        return read.clone()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad, None
