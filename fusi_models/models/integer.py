"""Synapse models in the integers of a neuromorphic chip.

Hidden variable (``hidden``): the state is a whole number n = -B..B, B = 2^(state_bits-1) - 1, that stands for
h = bound * n / B; an event reads its new state from a table, n' = round(B/bound * h'), so nothing but look-ups is left
on the chip. A step smaller than half a level does not move: protection then is complete.

With stochastic rounding h' goes to one of its two neighbouring levels, by chance so that its mean is exact; the chance
is kept in 16 bits. Small steps then survive short words.

Benna-Fusi chain with counted values: u_k = n/2 with whole n, tubes and areas that are powers of two, so every flow is a
whole number of 2^-(2 m + 2) and the chance to round up has at most 16 bits up to m = 7; its float64 form is exact.

Markov chain: states are whole numbers already; a transition of probability p compares p with a random number of
``random_bits`` bits, so p is rounded to a multiple of 2^-random_bits.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fusi_models.checks import whole
from fusi_models.equations import Array, like, where
from fusi_models.models.hidden import HiddenVariable, check_bound
from fusi_models.models.markov import MarkovSynapse
from fusi_models.synapse import FixedPoint, FreshChain, Linear, Response, SynapseModel, Values, need

RANDOM = 2**16


def fixed_point(synapse: SynapseModel, state_bits: int = 12, random_bits: int = 16) -> SynapseModel:
    """The same model in integers.

    Raises ``ValueError`` for a width that a chip does not have (2..16 bits), and for a model without such a form.
    """
    return need(synapse, FixedPoint).fixed_point(state_bits, random_bits)


@dataclass(frozen=True)
class IntegerHiddenWeight(SynapseModel, Linear, FreshChain, FixedPoint):
    """A hidden variable in whole numbers, int32. Brian2 runs ``model``: tables are for the chip.

    model: the hidden variable, with a bound.
    state_bits: bits of the state, 2..16, its sign included.
    stochastic: rounds by chance, so that the mean step is exact.

    >>> import numpy as np
    >>> from fusi_models.models.hidden import HiddenWeight
    >>> IntegerHiddenWeight(HiddenWeight(2), 8).step(np.array([0, 100, 127]), np.array([1, -1, 1]))
    array([  3, 100, 127])
    """

    model: HiddenVariable
    state_bits: int = 12
    stochastic: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "state_bits", bits("state_bits", self.state_bits))
        check_bound(self.model)

    @property
    def f_pot(self) -> float:  # type: ignore[override]
        """That of ``model``."""
        return self.model.f_pot

    @property
    def name(self) -> str:  # type: ignore[override]
        """Label for tables."""
        return self.model.name

    @property
    def largest(self) -> int:
        """B."""
        return int(2 ** (self.state_bits - 1) - 1)

    @cached_property
    def _landing(self) -> Values:
        """Real-valued new states [down or up, state + B] in units of a level."""
        h = np.arange(-self.largest, self.largest + 1) * (self.model.bound / self.largest)
        landing: Values = np.stack([self.model.step(h, d) for d in (-1.0, 1.0)]) * (self.largest / self.model.bound)
        return landing

    @cached_property
    def tables(self) -> tuple[Values, Values]:
        """Nearest new states [state + B] after a depressing and after a potentiating event, int32."""
        down, up = np.round(self._landing).astype(np.int32)
        return down, up

    @cached_property
    def chances(self) -> tuple[Values, Values]:
        """Lower new states int32 and chances of the next one above, in 2^-16, each [down or up, state + B]."""
        lower = np.floor(self._landing + 2.0**-17)
        return lower.astype(np.int32), np.round((self._landing - lower) * RANDOM) / RANDOM

    def init(self, shape: int | tuple[int, ...], rng: np.random.Generator) -> Values:
        states: Values = np.round(self.model.init(shape, rng) * (self.largest / self.model.bound))
        return states.astype(np.int32)

    def step(self, state: Array, drive: Array, uniform: Array | None = None) -> Array:
        place = state + self.largest
        if self.stochastic:
            lower, chance = (like(table, state) for table in self.chances)
            sign = (drive > 0) * 1
            return where(drive == 0, state, lower[sign, place] + (uniform < chance[sign, place]))
        down, up = (like(table, state) for table in self.tables)
        return where(drive > 0, up[place], where(drive < 0, down[place], state))

    def efficacy(self, state: Array) -> Array:
        return 2 * (state >= 0) - 1

    def response(self, events: str, f_pot: float | None = None) -> Response:
        """That of ``model``: the integers are an approximation of it."""
        return self.model.response(events, f_pot)

    def fresh_chain(self, levels: int = 801) -> tuple[MarkovSynapse, Values]:
        """That of ``model``."""
        return self.model.fresh_chain(levels)

    def fixed_point(self, state_bits: int = 12, random_bits: int = 16) -> "IntegerHiddenWeight":
        return self


def bits(name: str, value: int) -> int:
    """``value`` as a number of bits; raises ``ValueError`` unless it lies between 2 and 16."""
    if not 2 <= value <= 16:
        raise ValueError(f"{name} must lie between 2 and 16, got {value}.")
    return whole(name, value)
