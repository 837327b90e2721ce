"""Synapse that spikes drive (Brader, Senn & Fusi 2007, Neural Comput. 19:2881): calcium gates and an internal variable.

Calcium of the postsynaptic neuron, in units of the step J_C of one spike:   dC/dt = -C / tau,   C += 1 at its spikes.
When a presynaptic spike arrives and V is the postsynaptic depolarisation (units of the spike threshold), the gate is

    +1 if V > theta_v  and up_low < C < up_high,      -1 if V <= theta_v and down_low < C < down_high,      else 0.

Internal variable X in [0, 1], clipped at both ends; the network sees the efficacy J = 1 if X > theta, else 0:

    at a presynaptic spike   X += up where the gate is +1,   X -= down where it is -1;
    between                  dX/dt = +alpha if X > theta, -beta otherwise.

The drift never crosses theta, so its exact solution is ``drift`` for any time elapsed, and J changes at spikes only.
Values from public ports of the model; times in seconds. ``Chain`` puts a synapse with finitely many states (a cascade)
in the place of X: a gate of +1 or -1 is its candidate event. That combination is ours.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import NamedTuple

import numpy as np

from fusi_models.checks import check_numbers
from fusi_models.equations import Array, evaluate
from fusi_models.models.markov import MarkovSynapse
from fusi_models.synapse import Values, check_fraction

GRID = 2.0**-16
"""Constants of sums are whole multiples of this: every sum is then exact, in any order, on every substrate."""

GATE = """
gate = int(v > theta_v)*int(c > up_low)*int(c < up_high) - int(v <= theta_v)*int(c > down_low)*int(c < down_high)
"""
DRIFT = "x = clip(x + elapsed*(alpha*int(x > theta) - beta*int(x <= theta)), 0, 1)"
JUMP = "x = clip(x + up*int(gate > 0) - down*int(gate < 0), 0, 1)"


def on_grid(value: float) -> float:
    """The nearest multiple of ``GRID``."""
    return round(value / GRID) * GRID


@dataclass(frozen=True)
class Gates:
    """When a presynaptic spike changes its synapse; fields as in the module's head, tau in seconds.

    Raises ``ValueError`` for tau <= 0 or a window that is empty.
    """

    theta_v: float = 0.8
    tau: float = 0.06
    up_low: float = 3.0
    up_high: float = 13.0
    down_low: float = 3.0
    down_high: float = 4.0

    def __post_init__(self) -> None:
        check_numbers(self, *(f.name for f in fields(self)))
        if not self.tau > 0:
            raise ValueError(f"tau must be above 0 seconds, got {self.tau}.")
        for way in ("up", "down"):
            low, high = getattr(self, f"{way}_low"), getattr(self, f"{way}_high")
            if not low < high:
                raise ValueError(f"the calcium window {way}_low < C < {way}_high is empty: got {low} and {high}.")

    def gate(self, v: Array, c: Array) -> Array:
        """-1, 0 or +1 for depolarisation ``v`` and calcium ``c``, arrays of one shape."""
        return evaluate(GATE, {"v": v, "c": c, **self.constants()})["gate"]

    def constants(self) -> dict[str, float]:
        """The names that ``GATE`` needs."""
        names = ("theta_v", "up_low", "up_high", "down_low", "down_high")
        return {name: float(getattr(self, name)) for name in names}


class Tables(NamedTuple):
    """What a compiled loop needs of a hidden variable: X's numbers, or a chain's tables (``MarkovSynapse.tables``).

    ``walk``: up, down, theta, and drift a step up and down, float32 [5]. ``bounds``, ``shifts``: [sign, k + K, exit],
    without exits where there is no chain.
    """

    walk: Values
    bounds: Values
    shifts: Values


class Hidden(ABC):
    """What a gated presynaptic spike changes. A state rests between presentations: whole numbers, int8."""

    declarations: str
    """The state variables in Brian2's words."""
    stochastic: bool
    """Whether a gated spike draws a random number."""

    @abstractmethod
    def init(self, shape: tuple[int, ...], rng: np.random.Generator) -> Values:
        """Random states at rest, int8 of the given shape."""

    @abstractmethod
    def efficacy(self, state: Values) -> Values:
        """J of states at rest, 0 or 1, int8."""

    @abstractmethod
    def tables(self, dt: float) -> Tables:
        """The numbers of a compiled loop with steps of ``dt`` seconds."""

    @abstractmethod
    def brian(self, dt: float) -> tuple[str, str, dict[str, float]]:
        """Brian2 code of a presynaptic spike with the variable ``gate``, and of the rest; and their constants."""

    @abstractmethod
    def variables(self, state: Values) -> dict[str, Values]:
        """The states as values of the variables named in ``declarations``."""

    @abstractmethod
    def from_variables(self, variables: Mapping[str, Values]) -> Values:
        """Inverse of ``variables``, int8."""


@dataclass(frozen=True)
class Internal(Hidden):
    """The internal variable X; a state at rest is J itself. up, down: jumps. alpha, beta: drift a second.

    Numbers are rounded to ``GRID`` where they are used. Raises ``ValueError`` for jumps or drifts that are not
    positive, or theta outside (0, 1).
    """

    up: float = 0.1
    down: float = 0.1
    theta: float = 0.5
    alpha: float = 3.5
    beta: float = 3.5
    declarations: str = field(default="x : 1\nw : 1\nlast : integer", init=False, repr=False)
    stochastic: bool = field(default=False, init=False, repr=False)

    def __post_init__(self) -> None:
        check_numbers(self, "up", "down", "theta", "alpha", "beta")
        if min(self.up, self.down, self.alpha, self.beta) <= 0 or not 0 < self.theta < 1:
            raise ValueError(f"up, down, alpha and beta must be above 0 and theta between 0 and 1, got {self}.")

    @property
    def rest(self) -> float:
        """Seconds without spikes after which every X is at 0 or 1."""
        return max(self.theta / self.beta, (1 - self.theta) / self.alpha)

    def drift(self, x: Array, elapsed: Array) -> Array:
        """X after ``elapsed`` seconds without a presynaptic spike: exact for any time."""
        names = {"theta": self.theta, "alpha": self.alpha, "beta": self.beta}
        return evaluate(DRIFT, {"x": x, "elapsed": elapsed, **names})["x"]

    def jump(self, x: Array, gate: Array) -> Array:
        """X after a presynaptic spike whose gate is -1, 0 or +1."""
        return evaluate(JUMP, {"x": x, "gate": gate, "up": self.up, "down": self.down})["x"]

    def init(self, shape: tuple[int, ...], rng: np.random.Generator) -> Values:
        return rng.integers(0, 2, shape, np.int8)

    def efficacy(self, state: Values) -> Values:
        return np.asarray(state, np.int8)

    def _numbers(self, dt: float) -> dict[str, float]:
        values = {"up": self.up, "down": self.down, "theta": self.theta}
        values |= {"alpha": self.alpha * dt, "beta": self.beta * dt}
        return {name: on_grid(value) for name, value in values.items()}

    def tables(self, dt: float) -> Tables:
        walk = np.array(list(self._numbers(dt).values()), np.float32)
        return Tables(walk, np.empty((2, 1, 0)), np.empty((2, 1, 0), np.int32))

    def brian(self, dt: float) -> tuple[str, str, dict[str, float]]:
        code = f"elapsed = now - last\n{DRIFT}\n{JUMP}\nlast = now\nw = int(x > theta)"
        return code, "x = w\nlast = now", self._numbers(dt)

    def variables(self, state: Values) -> dict[str, Values]:
        return {"x": np.asarray(state, float), "w": np.asarray(state, float), "last": np.zeros(np.shape(state), int)}

    def from_variables(self, variables: Mapping[str, Values]) -> Values:
        return np.asarray(variables["w"]).astype(np.int8)


@dataclass(frozen=True)
class Chain(Hidden):
    """A finite chain in the place of X: one random number a gated spike. A state is strength * depth.

    ``synapse``: for example ``cascade(5).slowed(0.01)``, or ``plain(0.001)`` without anything hidden.
    """

    synapse: MarkovSynapse
    declarations: str = field(default="strength : integer\ndepth : integer\nw : 1", init=False, repr=False)
    stochastic: bool = field(default=True, init=False, repr=False)

    def __repr__(self) -> str:
        rows = [m.tolist() for m in (self.synapse.potentiation, self.synapse.depression)]
        return f"Chain({self.synapse.name}, {rows}, {self.synapse.strength.tolist()})"

    def init(self, shape: tuple[int, ...], rng: np.random.Generator) -> Values:
        return (self.synapse.strength * self.synapse.depth)[self.synapse.init(shape, rng)].astype(np.int8)

    def efficacy(self, state: Values) -> Values:
        return (np.asarray(state) > 0).astype(np.int8)

    def tables(self, dt: float) -> Tables:
        bounds, shifts = self.synapse.tables()
        return Tables(np.zeros(5, np.float32), bounds, shifts.astype(np.int32))

    def brian(self, dt: float) -> tuple[str, str, dict[str, float]]:
        rule = self.synapse.on_event.replace("rand()", "draw(key, step, i, j)")
        return f"drive = gate\n{rule}\nw = int(strength > 0)", "", {}

    def variables(self, state: Values) -> dict[str, Values]:
        strength = np.sign(np.asarray(state, int))
        return {"strength": strength, "depth": np.abs(np.asarray(state, int)), "w": (strength > 0) * 1.0}

    def from_variables(self, variables: Mapping[str, Values]) -> Values:
        return np.asarray((np.asarray(variables["strength"]) * np.asarray(variables["depth"])).astype(np.int8))


def accepting(synapse: MarkovSynapse, up: float, down: float) -> Chain:
    """``synapse`` in the place of X, accepting a part ``up`` of the gates +1 and ``down`` of the gates -1.

    Gates of -1 are several times as frequent, since V is mostly below theta_v; X weighs them by its jumps.
    Raises ``ValueError`` for parts outside (0, 1].
    """
    stay = np.eye(synapse.states)
    for name, part in (("up", up), ("down", down)):
        check_fraction(name, part)
    potentiation, depression = (
        (1 - part) * stay + part * matrix for part, matrix in ((up, synapse.potentiation), (down, synapse.depression))
    )
    name = f"{synapse.name}, accepting {up:g} and {down:g}"
    return Chain(MarkovSynapse(potentiation, depression, synapse.strength, down / (up + down), name))
