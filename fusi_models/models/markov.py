"""Synapses with finitely many states, as data that every substrate reads.

A candidate event of sign + or - moves a synapse from state i to state j with probability M+_ij or M-_ij; the network
sees the strength of the state. ``cascade`` and ``line`` build the published ones.

>>> import numpy as np
>>> flip = MarkovSynapse(np.array([[0.9, 0.1], [0, 1]]), np.array([[1, 0], [0.1, 0.9]]), np.array([-1, 1]))
>>> flip.equilibrium()
array([0.5, 0.5])
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from fusi_models.checks import check_fraction, numbers
from fusi_models.equations import Array, like, where
from fusi_models.moved import forwarded
from fusi_models.reduction import integral, stationary
from fusi_models.synapse import (
    BrianText,
    Chain,
    FixedPoint,
    FreshChain,
    Linear,
    Response,
    SynapseModel,
    Values,
)

if not TYPE_CHECKING:  # stood here in 0.1
    __getattr__ = forwarded(
        {
            "cascade": "fusi_models.models.cascade",
            "coding": "fusi_models.theory.coding",
            "multistate": "fusi_models.models.line",
            "plain": "fusi_models.models.line",
            "serial": "fusi_models.models.line",
        }
    )


LEAST_VARIANCE = 1e-10
"""Of a synapse's strength at equilibrium; below, (nearly) all synapses end at one strength."""


@dataclass(frozen=True, eq=False)
class MarkovSynapse(SynapseModel, BrianText, Linear, Chain, FreshChain, FixedPoint):
    """A synapse with finitely many states.

    potentiation: [state, state], rows sum to 1: chance to go from one state (row) to another at a potentiating event.
    depression: [state, state], the same for a depressing event.
    strength: [state], -1 or +1, what the network sees.
    f_pot: fraction of the candidate events that potentiate, above 0 and below 1.
    name: label for tables and legends.

    The matrices are copied and cannot be written to. Raises ``ValueError`` for a matrix that is not row-stochastic, or
    shapes that do not fit.
    """

    potentiation: Values
    depression: Values
    strength: Values
    f_pot: float = 0.5
    name: str = "markov"
    stochastic: bool = field(default=True, init=False)
    declarations: str = field(default="strength : integer\ndepth : integer", init=False)
    efficacy_code: str = field(default="strength", init=False)

    def __post_init__(self) -> None:
        strength = numbers("strength", self.strength)
        if strength.ndim != 1 or not len(strength) or not np.all(np.isin(strength, (-1, 1))):
            raise ValueError(
                f"strength must be a flat list of -1 or +1, one a state, got shape {strength.shape} and values "
                f"{np.unique(strength)[:5]}."
            )
        self._keep("strength", strength.astype(np.int64))
        states = len(strength)
        for label in ("potentiation", "depression"):
            matrix = numbers(label, getattr(self, label))
            if matrix.shape != (states, states):
                raise ValueError(
                    f"{label} has shape {matrix.shape} but strength names {states} states: "
                    f"give a matrix of shape ({states}, {states})."
                )
            if not (np.all(matrix >= 0) and np.allclose(matrix.sum(1), 1, rtol=0, atol=1e-9)):
                raise ValueError(f"{label} is not a stochastic matrix: its rows must be >= 0 and sum to 1.")
            self._keep(label, matrix)
        check_fraction("f_pot", self.f_pot, below_one=True)

    def _keep(self, label: str, array: Values) -> None:
        array.flags.writeable = False
        object.__setattr__(self, label, array)

    def chain(self) -> "MarkovSynapse":
        return self

    def fresh_chain(self, levels: int = 801) -> tuple["MarkovSynapse", Values]:
        return self, self.equilibrium()

    def fixed_point(self, state_bits: int = 12, random_bits: int = 16) -> "MarkovSynapse":
        """Transition probabilities as multiples of 2^-random_bits, which a chip compares with a random number."""
        if not 2 <= random_bits <= 16:
            raise ValueError(f"random_bits must lie between 2 and 16, got {random_bits}.")
        unit = 2**random_bits

        def rounded(matrix: Values) -> Values:
            leaving = matrix * (1 - np.eye(len(matrix))) * unit
            whole = np.round(leaving)
            whole = np.where(whole.sum(1, keepdims=True) > unit, np.floor(leaving), whole)
            result: Values = (whole + np.diag(unit - whole.sum(1))) / unit
            return result

        return replace(self, potentiation=rounded(self.potentiation), depression=rounded(self.depression))

    @property
    def states(self) -> int:
        """Number of states M."""
        return len(self.strength)

    @cached_property
    def depth(self) -> Values:
        """[state], 1..: rank among the states of equal strength, counted away from the other strength."""
        depth = np.empty(self.states, np.int64)
        weak, strong = self.strength < 0, self.strength > 0
        depth[weak] = np.arange(weak.sum(), 0, -1)
        depth[strong] = np.arange(1, strong.sum() + 1)
        return depth

    def slowed(self, rate: float) -> "MarkovSynapse":
        """The same synapse accepting a candidate event with probability ``rate`` only; same equilibrium."""
        check_fraction("rate", rate)
        stay = (1 - rate) * np.eye(self.states)
        name = f"{self.name[:-1]}, rate={rate:g})" if self.name.endswith(")") else f"{self.name}(rate={rate:g})"
        return replace(
            self,
            potentiation=stay + rate * self.potentiation,
            depression=stay + rate * self.depression,
            name=self.name if rate == 1 else name,
        )

    def mean_step(self, f_pot: float | None = None) -> Values:
        """[state, state]: f+ M+ + f- M-, the transition matrix of one random candidate event."""
        f = self.f_pot if f_pot is None else f_pot
        check_fraction("f_pot", f, below_one=True)
        step: Values = f * self.potentiation + (1 - f) * self.depression
        return step

    def equilibrium(self, f_pot: float | None = None) -> Values:
        """[state]: the stationary distribution under random candidate events.

        Raises ``ValueError`` where the chain has more than one closed set of states.
        """
        step = self.mean_step(f_pot)
        reach = (step > 0) | np.eye(self.states, dtype=bool)
        for _ in range(self.states.bit_length()):
            reach = (reach.astype(np.float32) @ reach) > 0
        recurrent = np.flatnonzero(np.all(reach <= reach.T, axis=1))
        if not reach[np.ix_(recurrent, recurrent)].all():
            raise ValueError(f"{self.name} has no unique equilibrium: it has sets of states that it never leaves.")
        pi = np.zeros(self.states)
        pi[recurrent] = stationary(step[np.ix_(recurrent, recurrent)])
        return pi

    def variance(self, f_pot: float | None = None) -> float:
        """Of one synapse's strength at equilibrium.

        Raises ``ValueError`` below 1e-10, where (nearly) all synapses end at one strength: rounding, which is 1e-16 of
        a strength, would be a part of the memory's trace.
        """
        pi = self.equilibrium(f_pot)
        value = 4 * float(pi[self.strength > 0].sum()) * float(pi[self.strength < 0].sum())
        if not value > LEAST_VARIANCE:
            rest = f" but {value / 4:.1g} of them" if value else ""
            raise ValueError(f"{self.name} has no memory curve: all its synapses{rest} end with the same strength.")
        return value

    def response(self, events: str, f_pot: float | None = None) -> Response:
        f = self.f_pot if f_pot is None else f_pot
        variance, pi, mean = self.variance(f), self.equilibrium(f), self.mean_step(f)
        change = 2 * f * (1 - f) * (self.potentiation - self.depression)
        # Zero-sum rows: an orthonormal basis of the complement of (1, ..., 1), from which nothing leaks back.
        basis = np.linalg.qr(np.hstack([np.ones((self.states, 1)), np.eye(self.states)[:, 1:]]))[0][:, 1:]

        def integrated(rate: float) -> float:
            return integral(mean, pi, change, self.strength, rate)

        step = basis.T @ mean @ basis
        return Response(pi @ change @ basis, step, basis.T @ self.strength, variance, 1.0, basis.T, 1, integrated)

    def init(self, shape: int | tuple[int, ...], rng: np.random.Generator) -> Values:
        return np.asarray(rng.choice(self.states, size=shape, p=self.equilibrium()))

    @cached_property
    def _transitions(self) -> tuple[Values, Values]:
        """Where a uniform number leads: upper bounds [sign, state, k] and destinations [sign, state, k + 1].

        The transitions that leave a state come first, in the order of their destination; staying comes last.
        """
        matrices = (self.depression, self.potentiation)
        width = max(int((np.delete(row, i) > 0).sum()) for m in matrices for i, row in enumerate(m))
        bounds = np.ones((2, self.states, max(width, 1)))
        to = np.tile(np.arange(self.states)[None, :, None], (2, 1, max(width, 1) + 1))
        for sign, matrix in enumerate(matrices):
            for i, row in enumerate(matrix):
                leaving = [j for j in np.flatnonzero(row) if j != i]
                ends = np.cumsum(row[leaving])
                if row[i] == 0 and leaving:
                    ends[-1] = 1.0
                bounds[sign, i] = np.append(ends, np.full(bounds.shape[2] - len(ends), ends[-1] if len(ends) else 0))
                to[sign, i, : len(leaving)] = leaving
        return bounds, to

    @cached_property
    def _flat(self) -> tuple[Values, Values]:
        """``_transitions`` with one row a sign and state: upper bounds [k, row] and destinations, flat [row, k + 1]."""
        bounds, to = self._transitions
        return np.ascontiguousarray(bounds.reshape(2 * self.states, -1).T), to.ravel()

    def step(self, state: Array, drive: Array, uniform: Array | None = None) -> Array:
        bounds, to = (like(table, state) for table in self._flat)
        row = (drive > 0) * self.states + state
        place = row * (len(bounds) + 1)
        for bound in bounds:  # the first that is above
            place = place + (uniform >= bound[row])
        return where(drive == 0, state, to[place])

    def tables(self) -> tuple[Values, Values]:
        """The rule as two tables over k = strength * depth, which names a state: bounds and shifts [sign, k + K, exit].

        ``k`` changes by the first shift whose bound is above a uniform number (by none, if no bound is). K: largest
        depth; sign 0 is depression, 1 potentiation.
        """
        bounds, to = self._transitions
        k, largest = self.strength * self.depth, self.depth.max()
        upper = np.zeros((2, 2 * largest + 1, bounds.shape[2]))
        shift = np.zeros(upper.shape)
        upper[:, k + largest] = bounds
        fresh = np.diff(bounds, axis=2, prepend=0.0) > 0
        shift[:, k + largest] = np.where(fresh, k[to[:, :, :-1]] - k[None, :, None], 0)
        return upper, shift

    @cached_property
    def _strengths(self) -> Values:
        return self.strength.copy()  # writable: torch warns of tensors made of other arrays

    def efficacy(self, state: Array) -> Array:
        return like(self._strengths, state)[state]

    @cached_property
    def on_event(self) -> str:  # type: ignore[override]
        """Masks over k = strength * depth, which names a state; one random number, the same intervals as ``step``."""
        bounds, to = self._transitions
        k = self.strength * self.depth
        hits: list[list[str]] = [[], []]
        for sign, i in np.ndindex(2, self.states):
            low = 0.0
            for high, j in zip(bounds[sign, i].tolist(), to[sign, i], strict=False):
                if high > low:
                    above = f"*int(u >= {low!r})" if low else ""
                    hits[sign].append(f"({k[j] - k[i]})*int(k == {k[i]})*int(u < {high!r}){above}")
                low = high
        down, up = (" + ".join(group) or "0" for group in hits)
        return "\n".join(
            [
                "u = rand()",
                "k = strength*depth",
                f"k = k + int(drive == 1)*({up}) + int(drive == -1)*({down})",
                "strength = 2*int(k > 0) - 1",
                "depth = abs(k)",
            ]
        )

    def variables(self, state: Values) -> dict[str, Values]:
        return {"strength": self.strength[state], "depth": self.depth[state]}

    def from_variables(self, variables: Mapping[str, Values]) -> Values:
        index = np.empty((2, self.depth.max() + 1), np.int64)
        index[(self.strength > 0) * 1, self.depth] = np.arange(self.states)
        found: Values = index[(np.asarray(variables["strength"]) > 0) * 1, np.asarray(variables["depth"])]
        return found
