"""Synapses with finitely many states, as data: plain binary, cascade, and chains of states.

Plain binary synapse: an event of the opposite sign flips the efficacy with probability q.

Cascade (Fusi, Drew & Abbott 2005, Neuron 45:599), strength s, depth i = 1..n, x the ratio between levels:
    event opposite to s: with q_i = x^(i-1) (q_n = x^(n-1)/(1-x)) flip and go to depth 1;
    event equal to s:    with p_i = x^i/(1-x) go to depth i+1 (i < n).
For f+ potentiating events in all, p_i is multiplied by f-/f+ on the strong side and by f+/f- on the weak side, which
keeps all depths equally occupied. The numbers follow from that equal occupancy and agree with two public codes.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from fusi_models.equations import like, where
from fusi_models.synapse import Response, SynapseModel, check_fraction


@dataclass(frozen=True, eq=False)
class MarkovSynapse(SynapseModel):
    """A synapse with finitely many states, as data that every substrate reads.

    ``potentiation``, ``depression``: [state, state], rows sum to 1: what one candidate event of that sign does.
    ``strength``: [state] in {-1, +1}. ``f_pot``: the fraction of candidate events that potentiate.
    Raises ``ValueError`` for a matrix that is not row-stochastic, or shapes that do not fit.
    """

    potentiation: np.ndarray
    depression: np.ndarray
    strength: np.ndarray
    f_pot: float = 0.5
    name: str = "markov"
    stochastic: bool = field(default=True, init=False)
    declarations: str = field(default="strength : integer\ndepth : integer", init=False)
    efficacy_code: str = field(default="strength", init=False)

    def __post_init__(self):
        states = len(self.strength)
        for label in ("potentiation", "depression"):
            matrix = np.asarray(getattr(self, label), float)
            if matrix.shape != (states, states):
                raise ValueError(
                    f"{label} has shape {matrix.shape} but strength names {states} states: "
                    f"give a matrix of shape ({states}, {states})."
                )
            if not (np.all(matrix >= 0) and np.allclose(matrix.sum(1), 1, rtol=0, atol=1e-9)):
                raise ValueError(f"{label} is not a stochastic matrix: its rows must be >= 0 and sum to 1.")
            object.__setattr__(self, label, matrix)
        if not np.all(np.isin(self.strength, (-1, 1))):
            raise ValueError(f"strength must hold -1 or +1 only, got {np.unique(self.strength)[:5]}.")
        object.__setattr__(self, "strength", np.asarray(self.strength, np.int64))
        check_fraction("f_pot", self.f_pot)

    def chain(self):
        return self

    @property
    def states(self) -> int:
        """Number of states M."""
        return len(self.strength)

    @cached_property
    def depth(self) -> np.ndarray:
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
        return MarkovSynapse(
            stay + rate * self.potentiation, stay + rate * self.depression, self.strength, self.f_pot, self.name
        )

    def mean_step(self, f_pot: float | None = None) -> np.ndarray:
        """[state, state]: f+ M+ + f- M-, the transition matrix of one random candidate event."""
        f = self.f_pot if f_pot is None else f_pot
        check_fraction("f_pot", f)
        return f * self.potentiation + (1 - f) * self.depression

    def equilibrium(self, f_pot: float | None = None) -> np.ndarray:
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
        pi[recurrent] = _stationary(step[np.ix_(recurrent, recurrent)])
        return pi

    def response(self, events, f_pot=None):
        f = self.f_pot if f_pot is None else f_pot
        pi = self.equilibrium(f)
        change = 2 * f * (1 - f) * pi @ (self.potentiation - self.depression)
        # Zero-sum rows: an orthonormal basis of the complement of (1, ..., 1), from which nothing leaks back.
        basis = np.linalg.qr(np.hstack([np.ones((self.states, 1)), np.eye(self.states)[:, 1:]]))[0][:, 1:]
        variance = 1 - float(pi @ self.strength) ** 2
        step = basis.T @ self.mean_step(f) @ basis
        return Response(change @ basis, step, basis.T @ self.strength, variance, 1.0, basis.T, 1)

    def init(self, shape, rng):
        return rng.choice(self.states, size=shape, p=self.equilibrium())

    @cached_property
    def _transitions(self) -> tuple[np.ndarray, np.ndarray]:
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
    def _flat(self) -> tuple[np.ndarray, np.ndarray]:
        """``_transitions`` with one row a sign and state: upper bounds [k, row] and destinations, flat [row, k + 1]."""
        bounds, to = self._transitions
        return np.ascontiguousarray(bounds.reshape(2 * self.states, -1).T), to.ravel()

    def step(self, state, drive, uniform=None):
        bounds, to = (like(table, state) for table in self._flat)
        row = (drive > 0) * self.states + state
        place = row * (len(bounds) + 1)
        for bound in bounds:  # the first that is above
            place = place + (uniform >= bound[row])
        return where(drive == 0, state, to[place])

    def tables(self) -> tuple[np.ndarray, np.ndarray]:
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

    def efficacy(self, state):
        return like(self.strength, state)[state]

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

    def variables(self, state):
        return {"strength": self.strength[state], "depth": self.depth[state]}

    def from_variables(self, variables):
        index = np.empty((2, self.depth.max() + 1), np.int64)
        index[(self.strength > 0) * 1, self.depth] = np.arange(self.states)
        return index[(np.asarray(variables["strength"]) > 0) * 1, np.asarray(variables["depth"])]


def _stationary(step: np.ndarray) -> np.ndarray:
    """Stationary row of an irreducible chain by state reduction (Grassmann, Taksar & Heyman 1985, Oper. Res. 33:1107).

    No subtraction, so every entry keeps its relative precision, however rare the state.
    """
    p = step.copy()
    for k in range(len(p) - 1, 0, -1):
        p[:k, k] /= p[k, :k].sum()
        p[:k, :k] += np.outer(p[:k, k], p[k, :k])
    pi = np.ones(len(p))
    for k in range(1, len(p)):
        pi[k] = pi[:k] @ p[:k, k]
    return pi / pi.sum()


def plain(q: float = 1.0) -> MarkovSynapse:
    """Binary synapse without hidden state: an event of the opposite sign flips it with probability ``q``."""
    check_fraction("q", q)
    return MarkovSynapse(
        np.array([[1 - q, q], [0, 1]]), np.array([[1, 0], [q, 1 - q]]), np.array([-1, 1]), name=f"plain(q={q:g})"
    )


def multistate(states: int, q: float = 1.0) -> MarkovSynapse:
    """Chain of ``states`` states with hard ends: each event moves one state towards its sign with probability ``q``.

    The weaker half of the states has efficacy -1. Raises ``ValueError`` for an odd number of states.
    """
    return _line(states, np.full(states - 1, q), f"multistate({states}, q={q:g})")


def serial(states: int, eps: float = 0.01) -> MarkovSynapse:
    """Chain of states with sticky ends (Lahiri & Ganguli 2013): an end state is left with probability ``eps``.

    As ``eps`` goes to 0 its area reaches the largest possible, states - 1. Raises ``ValueError`` for an odd number.
    """
    return _line(states, np.append(eps, np.ones(states - 2)), f"serial({states}, eps={eps:g})")


def _line(states: int, leave: np.ndarray, name: str) -> MarkovSynapse:
    """``leave``: [state - 1], probability that potentiation moves state i to i + 1; depression is the mirror image."""
    if states < 2 or states % 2:
        raise ValueError(f"states must be an even number of at least 2, got {states}.")
    for value in leave:
        check_fraction("the probability of a transition", value)
    potentiation = np.diag(np.append(1 - leave, 1.0)) + np.diag(leave, 1)
    return MarkovSynapse(potentiation, potentiation[::-1, ::-1], np.repeat([-1, 1], states // 2), name=name)


def coding(f: float, rule: str = "pre") -> tuple[float, float]:
    """What a pattern of coding level ``f`` does to a synapse: (fraction of synapses touched, f_pot among them).

    ``rule``: "pre" or "post" (that neuron gates; the other one's activity is the sign), "symmetric" (potentiation if
    the two neurons agree), "coincidence" (potentiation if both fire, depression if exactly one does).
    """
    check_fraction("f", f)
    both, one = f * f, 2 * f * (1 - f)
    rules = {"pre": (f, f), "post": (f, f), "symmetric": (1.0, 1 - one), "coincidence": (both + one, f / (2 - f))}
    if rule not in rules:
        raise ValueError(f"rule must be one of {', '.join(rules)}, got {rule!r}.")
    return rules[rule]


def cascade(depth: int, x: float = 0.5, f_pot: float = 0.5) -> MarkovSynapse:
    """Cascade synapse of Fusi, Drew & Abbott (2005); 2 * ``depth`` states, equally occupied at equilibrium.

    States are ordered weak ``depth``..1, strong 1..``depth``. ``depth = 1`` is ``plain(1)``.
    Raises ``ValueError`` where a transition probability would exceed 1 (x > min(f+, f-)).
    """
    if depth != int(depth) or depth < 1:
        raise ValueError(f"depth must be a whole number of at least 1, got {depth}.")
    check_fraction("x", x)
    check_fraction("f_pot", f_pot)
    n, f_dep = int(depth), 1 - f_pot
    if n > 1 and x > min(f_pot, f_dep) + 1e-12:
        raise ValueError(
            f"x = {x:g} with f_pot = {f_pot:g} would need a transition probability above 1: "
            f"choose x <= min(f_pot, 1 - f_pot) = {min(f_pot, f_dep):g}."
        )
    level = np.arange(1, n + 1)
    flip = x ** (level - 1.0)
    flip[-1] = 1.0 if n == 1 else x ** (n - 1) / (1 - x)
    deepen = np.minimum(np.append(x ** level[:-1] / (1 - x), 0.0)[:, None] * (f_dep / f_pot, f_pot / f_dep), 1.0)
    potentiation, depression = np.zeros((2 * n, 2 * n)), np.zeros((2 * n, 2 * n))
    for i in range(n):
        strong, weak = n + i, n - 1 - i
        potentiation[strong, min(strong + 1, 2 * n - 1)] += deepen[i, 0]
        potentiation[strong, strong] += 1 - deepen[i, 0]
        depression[strong, n - 1] += flip[i]
        depression[strong, strong] += 1 - flip[i]
        depression[weak, max(weak - 1, 0)] += deepen[i, 1]
        depression[weak, weak] += 1 - deepen[i, 1]
        potentiation[weak, n] += flip[i]
        potentiation[weak, weak] += 1 - flip[i]
    strength = np.repeat([-1, 1], n)
    return MarkovSynapse(potentiation, depression, strength, f_pot, f"cascade(n={n}, x={x:g})")
