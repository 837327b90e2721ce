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

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, singledispatch

import numpy as np

from fusi_models.equations import like, where
from fusi_models.models.benna_fusi import BennaFusi
from fusi_models.models.hidden import HiddenVariable, check_bound
from fusi_models.models.markov import MarkovSynapse
from fusi_models.synapse import SynapseModel

RANDOM = 2**16


@singledispatch
def fixed_point(synapse: SynapseModel, state_bits: int = 12, random_bits: int = 16) -> SynapseModel:
    """The same model in integers. Raises ``ValueError`` for a width that a chip does not have (2..16 bits)."""
    raise TypeError(f"{type(synapse).__name__} has no fixed-point form.")


@fixed_point.register(HiddenVariable)
def _(synapse: HiddenVariable, state_bits: int = 12, random_bits: int = 16) -> "IntegerHiddenWeight":
    return IntegerHiddenWeight(synapse, state_bits)


@fixed_point.register(MarkovSynapse)
def _(synapse: MarkovSynapse, state_bits: int = 12, random_bits: int = 16) -> MarkovSynapse:
    if not 2 <= random_bits <= 16:
        raise ValueError(f"random_bits must lie between 2 and 16, got {random_bits}.")
    unit = 2**random_bits

    def rounded(matrix: np.ndarray) -> np.ndarray:
        leaving = matrix * (1 - np.eye(len(matrix))) * unit
        whole = np.round(leaving)
        whole = np.where(whole.sum(1, keepdims=True) > unit, np.floor(leaving), whole)
        return (whole + np.diag(unit - whole.sum(1))) / unit

    return MarkovSynapse(
        rounded(synapse.potentiation), rounded(synapse.depression), synapse.strength, synapse.f_pot, synapse.name
    )


@fixed_point.register(BennaFusi)
def _(synapse: BennaFusi, state_bits: int = 12, random_bits: int = 16) -> BennaFusi:
    if not synapse.values or 2 * synapse.levels + 2 > random_bits or synapse.base != 2 or synapse.alpha != 0.25:
        raise ValueError(
            f"a chip holds a Benna-Fusi chain with counted values, base 2, alpha 1/4 and at most "
            f"{random_bits // 2 - 1} levels, got {synapse}."
        )
    return synapse


@dataclass(frozen=True)
class IntegerHiddenWeight(SynapseModel):
    """``model`` with a hidden state of ``state_bits`` bits, stored as int32; ``stochastic``: rounds by chance."""

    model: HiddenVariable
    state_bits: int = 12
    stochastic: bool = False
    declarations: str = field(default="n : integer", init=False)
    efficacy_code: str = field(default="(2*int(n >= 0) - 1)", init=False)

    def __post_init__(self):
        if not 2 <= self.state_bits <= 16:
            raise ValueError(f"state_bits must lie between 2 and 16, got {self.state_bits}.")
        check_bound(self.model)

    @property
    def name(self) -> str:  # type: ignore[override]
        """Label for tables."""
        return self.model.name

    @property
    def largest(self) -> int:
        """B."""
        return 2 ** (self.state_bits - 1) - 1

    @cached_property
    def _landing(self) -> np.ndarray:
        """Real-valued new states [down or up, state + B] in units of a level."""
        h = np.arange(-self.largest, self.largest + 1) * (self.model.bound / self.largest)
        return np.stack([self.model.step(h, d) for d in (-1.0, 1.0)]) * (self.largest / self.model.bound)

    @cached_property
    def tables(self) -> tuple[np.ndarray, np.ndarray]:
        """Nearest new states [state + B] after a depressing and after a potentiating event, int32."""
        down, up = np.round(self._landing).astype(np.int32)
        return down, up

    @cached_property
    def chances(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower new states int32 and chances of the next one above, in 2^-16, each [down or up, state + B]."""
        lower = np.floor(self._landing + 2.0**-17)
        return lower.astype(np.int32), np.round((self._landing - lower) * RANDOM) / RANDOM

    @property
    def on_event(self) -> str:  # type: ignore[override]
        """Not offered: the tables are for the chip, Brian2 runs ``model``."""
        raise TypeError("the integer hidden weight runs on Lava and numpy; give Brian2 the model itself.")

    def init(self, shape, rng):
        return np.round(self.model.init(shape, rng) * (self.largest / self.model.bound)).astype(np.int32)

    def step(self, state, drive, uniform=None):
        place = state + self.largest
        if self.stochastic:
            lower, chance = (like(table, state) for table in self.chances)
            sign = (drive > 0) * 1
            return where(drive == 0, state, lower[sign, place] + (uniform < chance[sign, place]))
        down, up = (like(table, state) for table in self.tables)
        return where(drive > 0, up[place], where(drive < 0, down[place], state))

    def efficacy(self, state):
        return 2 * (state >= 0) - 1

    def response(self, events, f_pot=None):
        """That of ``model``: the integers are an approximation of it."""
        return self.model.response(events, f_pot)

    def variables(self, state):
        return {"n": state}

    def from_variables(self, variables: Mapping[str, np.ndarray]) -> np.ndarray:
        return np.asarray(variables["n"])


@fixed_point.register(IntegerHiddenWeight)
def _(synapse: IntegerHiddenWeight, state_bits: int = 12, random_bits: int = 16) -> IntegerHiddenWeight:
    return synapse
