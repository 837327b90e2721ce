"""Synapses whose efficacy is the sign of one bounded hidden variable h, sign(0) = +1, and remedies against freezing.

Hidden weight (Laborieux, Ernoult, Hirtzlin & Querlioz 2021, Nat. Commun. 12:2549):
    h <- h + step * drive * f,  f = 1 - tanh^2(m h) if the step goes towards zero, else 1,  |h| <= bound.
The bound is ours (the paper has none): it gives the chain an equilibrium and a chip a word length. The leak is ours
too: every event with drive != 0 also takes leak * h away, undamped, so that |h| stays under step / leak. Under balanced
events the mean change of h > 0 is step tanh^2(m h) / 2 - leak h. It is negative everywhere, and a weight forgets within
some 1/leak events, only where

    leak > .2913 m step      (half the largest value of tanh^2(u) / u, .5826 at u = 1.166);

a smaller leak leaves two far states of h, +-, from which weights freeze as they do without leak.

``drive`` is -1, 0 or +1 for candidate events, or any real number: an optimiser's step or a negative gradient. h has no
unit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING

import numpy as np

from fusi_models.catalogue import Entry
from fusi_models.checks import check_fraction, make_plain, whole
from fusi_models.equations import Array, evaluate
from fusi_models.models.markov import MarkovSynapse
from fusi_models.moved import forwarded
from fusi_models.synapse import (
    BrianText,
    FixedPoint,
    Form,
    FreshChain,
    Linear,
    Response,
    SynapseModel,
    Values,
)

if TYPE_CHECKING:
    from fusi_models.models.integer import IntegerHiddenWeight
else:  # stood here in 0.1
    __getattr__ = forwarded({"BinaryUncertainty": "fusi_models.models.uncertainty"})


class HiddenVariable(SynapseModel, BrianText, Linear, FreshChain, FixedPoint):
    """A deterministic model of one variable ``h`` with |h| <= ``bound``; initial h is uniform in +-``width``."""

    bound: float
    width: float
    stochastic = False
    declarations = "h : 1"
    efficacy_code = "(2*int(h >= 0) - 1)"

    def lacks(self, form: type[Form]) -> str:
        on_levels = form in (Linear, FreshChain, FixedPoint) and not isfinite(self.bound)
        return "an infinite bound: give one to put it on levels" if on_levels else ""

    def init(self, shape: int | tuple[int, ...], rng: np.random.Generator) -> Values:
        return np.asarray(rng.uniform(-self.width, self.width, shape))

    def step(self, state: Array, drive: Array, uniform: Array | None = None) -> Array:
        return evaluate(self.on_event, {"h": state, "drive": drive})["h"]

    def efficacy(self, state: Array) -> Array:
        return 2 * (state >= 0) - 1

    def lattice(self, levels: int = 400) -> MarkovSynapse:
        """The same synapse on ``levels`` equally spaced values of h from -bound to +bound.

        The landing point of an event is split between its two neighbouring levels so that its mean is exact; this
        adds some diffusion, and flips of well protected synapses come too often until the spacing is below the
        damped step: raise ``levels`` until the result stays. Raises ``ValueError`` for fewer than 2 levels or an
        infinite bound.
        """
        levels = whole("levels", levels, 2)
        check_bound(self)
        h = np.linspace(-self.bound, self.bound, levels)
        matrices = []
        for drive in (1, -1):
            place = (self.step(h, drive) + self.bound) / (h[1] - h[0])
            low = np.clip(np.floor(place).astype(int), 0, levels - 2)
            matrix = np.zeros((levels, levels))
            matrix[np.arange(levels), low + 1] = np.clip(place - low, 0, 1)
            matrix[np.arange(levels), low] = 1 - matrix[np.arange(levels), low + 1]
            matrices.append(matrix)
        return MarkovSynapse(matrices[0], matrices[1], self.efficacy(h), self.f_pot, self.name)

    def response(self, events: str, f_pot: float | None = None) -> Response:
        """That of ``lattice()``: an approximation."""
        return self.lattice().response(events, f_pot)

    def fresh_chain(self, levels: int = 801) -> tuple[MarkovSynapse, Values]:
        chain = self.lattice(levels)
        inside = np.abs(np.linspace(-self.bound, self.bound, levels)) <= self.width
        return chain, inside / inside.sum()

    def fixed_point(self, state_bits: int = 12, random_bits: int = 16) -> "IntegerHiddenWeight":
        """Look-up tables over whole numbers of ``state_bits`` bits (see ``models.integer``)."""
        from fusi_models.models.integer import IntegerHiddenWeight  # it holds a HiddenVariable

        return IntegerHiddenWeight(self, state_bits)

    def variables(self, state: Values) -> dict[str, Values]:
        return {"h": state}

    def from_variables(self, variables: Mapping[str, Values]) -> Values:
        return np.asarray(variables["h"])


def check_bound(model: HiddenVariable) -> None:
    """Raise ``ValueError`` for an infinite bound, where a finite number of levels is wanted."""
    if not isfinite(model.bound):
        raise ValueError(f"{model.name} has an infinite bound: give one to put it on levels.")


@dataclass(frozen=True)
class HiddenWeight(HiddenVariable):
    """Metaplastic hidden weight, all numbers without a unit (h has none).

    m: protection; steps towards zero shrink by 1 - tanh^2(m h). 0 is a plain accumulator (no protection).
    step_size: change of h that a candidate event makes away from zero.
    bound: largest |h|, ``inf`` for none.
    width: initial h is uniform in +-width.
    leak: part of h that an event takes away; 0 is the published rule, .2913 m step_size the least that ends freezing.
    f_pot: fraction of the candidate events that potentiate, above 0 and below 1.

    >>> import numpy as np
    >>> HiddenWeight(m=2).step(np.array([0.5, 0.5]), np.array([1, -1])).round(4)
    array([0.52  , 0.4916])

    Raises ``ValueError`` for m < 0, step_size <= 0, width > bound or a leak outside [0, 1).
    """

    m: float
    step_size: float = 0.02
    bound: float = 1.0
    width: float = 0.2
    leak: float = 0.0
    f_pot: float = 0.5

    def __post_init__(self) -> None:
        make_plain(self, "m", "step_size", "bound", "width", "leak", "f_pot")
        if not (self.m >= 0 and self.step_size > 0 and 0 < self.width <= self.bound and 0 <= self.leak < 1):
            raise ValueError(
                f"hidden weight needs m >= 0, step_size > 0, 0 < width <= bound and 0 <= leak < 1, got m={self.m}, "
                f"step_size={self.step_size}, width={self.width}, bound={self.bound}, leak={self.leak}."
            )
        check_fraction("f_pot", self.f_pot, below_one=True)

    @property
    def name(self) -> str:  # type: ignore[override]
        """Label for tables: m, and every other number that is not the default."""
        return labelled("hidden", self, "m", step_size="step", bound="bound", width="width", leak="leak", f_pot="f+")

    @property
    def on_event(self) -> str:  # type: ignore[override]
        """The rule of the module's head."""
        leak = f" - {self.leak!r}*int(drive != 0)*h" if self.leak else ""
        after = f"h + {self.step_size!r}*drive*(1 - damping){leak}"
        after = f"clip({after}, {-self.bound!r}, {self.bound!r})" if isfinite(self.bound) else after
        return f"damping = int(drive*h < 0)*tanh({self.m!r}*h)**2\nh = {after}"


def labelled(word: str, model: HiddenVariable, first: str, /, **others: str) -> str:
    """``word(first=..., ...)`` with the fields in ``others`` (field -> what to call it) that are not the defaults."""
    defaults = type(model).__dataclass_fields__  # type: ignore[attr-defined]
    parts = [f"{label}={getattr(model, field):g}" for field, label in others.items()
             if getattr(model, field) != defaults[field].default]  # fmt: skip
    label = "N" if first == "window" else first
    return f"{word}({', '.join([f'{label}={getattr(model, first):g}', *parts])})"


def _hidden(m: float, step: float = 0.02, bound: float = 1.0, width: float = 0.2, leak: float = 0.0) -> HiddenWeight:
    return HiddenWeight(m, step, bound, min(width, bound), leak)


CATALOGUE = (
    Entry(
        "hidden",
        _hidden,
        {"theory": {}, "local": {"m": 2.0}, "gradient": {"m": 4.0, "step": 1.0, "bound": inf, "width": 0.05}},
        aliases={"step_size": "step"},
    ),
)
