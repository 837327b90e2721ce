"""What a synapse model is: what a synapse keeps hidden, and how a candidate plasticity event changes it.

A candidate event has a sign: +1 potentiates, -1 depresses, 0 is no event. The network sees only the efficacy, +-1.
Every model is a ``SynapseModel``. What only some have is a form of its own, which a model's class inherits beside it:

    BrianText    the rule as Brian2 code over named variables (Brian2; optimisers on torch)
    Linear       the mean trace of a memory as a linear system (``theory.curve``)
    Chain        exactly a finite Markov chain (lumped engine, envelope, pair correlations)
    FreshChain   a finite chain, exact or on levels, and where its synapses begin (``theory.transient``)
    FixedPoint   the same model in a chip's integers (Lava)

``find`` looks for any form, ``need`` insists. A new model is one file of ``models`` that inherits what it can give.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeVar

import numpy as np

from fusi_models.checks import Values as Values
from fusi_models.checks import check_fraction as check_fraction
from fusi_models.equations import Array

if TYPE_CHECKING:
    from fusi_models.models.markov import MarkovSynapse


@dataclass(frozen=True, eq=False)
class Response:
    """What a model does to the mean trace of a memory, as a linear system: S(t) = start @ step^t @ readout.

    ``start``, ``readout``: [mode]; ``step``: [mode, mode] for one event, without a stationary mode. ``variance``: of
    one synapse's efficacy at equilibrium. ``share``: part of S^2 that the tracked event takes from that variance.
    ``basis``: [mode, coordinate], where the norm of order ``order`` never grows and bounds S. ``integral``: that of
    exp(-s t) S(t) dt under Poisson events as a function of s >= 0, where the model knows it better than by solving.
    """

    start: Values
    step: Values
    readout: Values
    variance: float
    share: float
    basis: Values
    order: float
    integral: Callable[[float], float] | None = None

    def laplace(self, rate: float) -> float:
        """Integral of exp(-rate t) S(t) dt under Poisson events; ``rate`` >= 0 a mean interval."""
        if self.integral is not None:
            return self.integral(rate)
        kernel = (1 + rate) * np.eye(len(self.step)) - self.step
        return float(self.start @ np.linalg.solve(kernel, self.readout))

    def bound(self, row: Values) -> float:
        """A number that |row @ step^t @ readout| stays below for every t >= 0."""
        return float(np.linalg.norm(row @ self.basis, self.order))


class SynapseModel(ABC):
    """A rule for one synapse, applied elementwise to arrays of any shape, numpy or torch."""

    name: str
    """Label for tables and legends; models of different numbers have different labels."""
    f_pot: float = 0.5
    """The fraction of candidate events that potentiate."""
    stochastic: bool
    """Whether a candidate event draws a random number."""

    @abstractmethod
    def init(self, shape: int | tuple[int, ...], rng: np.random.Generator) -> Values:
        """Initial states, array of the given shape."""

    @abstractmethod
    def step(self, state: Array, drive: Array, uniform: Array | None = None) -> Array:
        """States after one candidate event each; pure.

        ``drive``: -1, 0 or +1, broadcastable to ``state``. ``uniform``: one number in [0, 1) a synapse, needed
        where the model is ``stochastic``.
        """

    @abstractmethod
    def efficacy(self, state: Array) -> Array:
        """The strength that the network sees, -1 or +1, shape of ``state``."""

    def update(self, state: Values, drive: Array, rng: np.random.Generator) -> Values:
        """``step`` with the random numbers taken from ``rng`` (none for a deterministic model)."""
        after: Values = self.step(state, drive, rng.random(np.shape(state)) if self.stochastic else None)
        return after

    def lacks(self, form: type["Form"]) -> str:
        """What is in the way where the class has ``form`` but this model, with its numbers, does not; else empty."""
        return ""


class Form(ABC):
    """What some models have beside the contract."""

    lacking: ClassVar[str]
    """Ends the sentence "NAME has ..." for a model without the form."""


class BrianText(Form):
    """The rule as Brian2 code, which ``equations.evaluate`` runs on numpy and torch as well."""

    lacking = "no equation as text: Brian2 and an optimiser's step need one"
    declarations: str
    """The state variables in Brian2's words, one ``name : type`` a line."""
    on_event: str
    """The change that a candidate event ``drive`` (-1, 0 or +1) makes, as Brian2 code over the state variables."""
    efficacy_code: str
    """The efficacy, +-1, as a Brian2 expression over the state variables."""

    @abstractmethod
    def variables(self, state: Values) -> dict[str, Values]:
        """The states as values of the variables named in ``declarations``."""

    @abstractmethod
    def from_variables(self, variables: Mapping[str, Values]) -> Values:
        """Inverse of ``variables``."""


class Linear(Form):
    """The mean trace of a memory obeys a linear system."""

    lacking = "no linear theory: simulate it instead"

    @abstractmethod
    def response(self, events: str, f_pot: float | None = None) -> Response:
        """The linear system; ``events``: "discrete" or "poisson"; ``f_pot``: by default the model's."""


class Chain(Form):
    """The model is exactly a finite Markov chain."""

    lacking = "no finite chain"

    @abstractmethod
    def chain(self) -> "MarkovSynapse":
        """That chain."""


class FreshChain(Form):
    """The model is a finite chain, or close to one, whose first states have a known distribution."""

    lacking = "no finite chain, exact or on levels"

    @abstractmethod
    def fresh_chain(self, levels: int = 801) -> tuple["MarkovSynapse", Values]:
        """The chain and the distribution [state] of what ``init`` draws; a continuous model takes ``levels`` states."""


class FixedPoint(Form):
    """The model can be had in the integers of a chip."""

    lacking = "no fixed-point form"

    @abstractmethod
    def fixed_point(self, state_bits: int = 12, random_bits: int = 16) -> SynapseModel:
        """The same model in integers. Raises ``ValueError`` for a width that a chip does not have (2..16 bits)."""


F = TypeVar("F", bound=Form)


def find(model: object, form: type[F]) -> F | None:
    """``model`` as something that has ``form``, or ``None``: ``find(cascade(3), Chain).chain()``."""
    missing = isinstance(model, SynapseModel) and model.lacks(form)
    return model if isinstance(model, form) and not missing else None


def need(model: object, form: type[F]) -> F:
    """As ``find``; raises ``ValueError`` saying what the model lacks."""
    found = find(model, form)
    if found is None:
        name, reason = (model.name, model.lacks(form)) if isinstance(model, SynapseModel) else (repr(model), "")
        raise ValueError(f"{name} has {reason or form.lacking}.")
    return found
