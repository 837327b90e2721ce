"""What every synapse model offers: what a synapse keeps hidden, and how a candidate plasticity event changes it.

A candidate event has a sign: +1 potentiates, -1 depresses, 0 is no event. The network sees only the efficacy, +-1.
Two families: a finite Markov chain given as data (two row-stochastic matrices and a strength per state; ``markov``),
and a continuous hidden variable given as an equation (``hidden``, ``chains``), for which an event may have any size.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fusi_models.equations import Array

if TYPE_CHECKING:
    from fusi_models.models.markov import MarkovSynapse


@dataclass(frozen=True, eq=False)
class Response:
    """What a model does to the mean trace of a memory, as a linear system: S(t) = start @ step^t @ readout.

    ``start``, ``readout``: [mode]; ``step``: [mode, mode] for one event, without a stationary mode. ``variance``: of
    one synapse's efficacy at equilibrium. ``share``: part of S^2 that the tracked event takes from that variance.
    ``basis``: [mode, coordinate], where the norm of order ``order`` never grows and bounds S.
    """

    start: np.ndarray
    step: np.ndarray
    readout: np.ndarray
    variance: float
    share: float
    basis: np.ndarray
    order: float

    def bound(self, row: np.ndarray) -> float:
        """A number that |row @ step^t @ readout| stays below for every t >= 0."""
        return float(np.linalg.norm(row @ self.basis, self.order))


class SynapseModel(ABC):
    """A rule for one synapse, applied elementwise to arrays of any shape, numpy or torch."""

    name: str
    """Label for tables and legends."""
    f_pot: float
    """The fraction of candidate events that potentiate."""
    stochastic: bool
    """Whether a candidate event draws a random number."""
    declarations: str
    """The state variables in Brian2's words, one ``name : type`` a line."""
    on_event: str
    """The change that a candidate event ``drive`` (-1, 0 or +1) makes, as Brian2 code over the state variables."""
    efficacy_code: str
    """The efficacy, +-1, as a Brian2 expression over the state variables."""

    @abstractmethod
    def init(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
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

    @abstractmethod
    def variables(self, state: np.ndarray) -> dict[str, np.ndarray]:
        """The states as values of the variables named in ``declarations``."""

    @abstractmethod
    def from_variables(self, variables: Mapping[str, np.ndarray]) -> np.ndarray:
        """Inverse of ``variables``."""

    @abstractmethod
    def response(self, events: str, f_pot: float | None = None) -> Response:
        """The linear theory of the model; ``events``: "discrete" or "poisson".

        Raises ``ValueError`` for a model that has none.
        """

    def chain(self) -> "MarkovSynapse | None":
        """The finite chain that is exactly this model, where there is one."""
        return None

    def update(self, state: np.ndarray, drive: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """``step`` with the random numbers taken from ``rng`` (none for a deterministic model)."""
        return self.step(state, drive, rng.random(np.shape(state)) if self.stochastic else None)


def check_fraction(name: str, value: float) -> None:
    """Raise ``ValueError`` unless 0 < value <= 1 (or 0 < value < 1 for ``f_pot`` and ``x``)."""
    top = value < 1 if name in ("f_pot", "x") else value <= 1
    if not (value > 0 and top):
        raise ValueError(f"{name} must lie between 0 and 1, got {value}.")
