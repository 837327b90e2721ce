"""Chain of variables that hides a memory at ever slower levels (Benna & Fusi 2016, Nat. Neurosci. 19:1697).

Variables u_1 (the efficacy) .. u_m, like connected beakers of area C_k with tubes g_k, one memory (+-1) a step:

    C_k (u_k(t+1) - u_k(t)) = g_{k-1} (u_{k-1} - u_k) - g_k (u_k - u_{k+1}),   u_{m+1} = 0 (leak),
    u_1(t+1) = u_1 + drive - g_1 (u_1 - u_2),     C_k = base^(k-1),  g_k = (alpha/2) base^-(k-1),

with base = 2, alpha = 1/4 in the paper; level k has the time scale C_k / g_k = 2^(2k+1). All from old values.
A memory fades as u_1's impulse response g(t); v = sum_t g(t)^2 is the variance that all later memories leave.
Quantised: every variable keeps one of ``values`` whole-spaced values symmetric around 0 and is rounded stochastically.

Stated from secondary quotations of the paper's equations and three public codes; see docs/memory.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import solve_continuous_lyapunov, solve_discrete_lyapunov

from fusi_models.catalogue import Entry
from fusi_models.checks import MOST_STATES, check_fraction, make_plain, whole
from fusi_models.equations import Array, evaluate
from fusi_models.synapse import BrianText, FixedPoint, Form, Linear, Response, SynapseModel, Values


@dataclass(frozen=True)
class BennaFusi(SynapseModel, BrianText, Linear, FixedPoint):
    """Benna-Fusi chain of ``levels`` variables; a state is an array [..., level].

    levels: m, number of variables.
    base: ratio between the areas of neighbouring beakers, without a unit.
    alpha: width of the first tube is alpha / 2, in areas of the first beaker an event.
    values: number of values each variable may take, from level 1 on; empty for real-valued variables.
    binary: the network sees sign(u_1), sign(0) = +1, instead of u_1.
    f_pot: fraction of the candidate events that potentiate, above 0 and below 1.

    The chain relaxes at every step, also where ``drive`` is 0.
    Raises ``ValueError`` for no level, base <= 1, alpha outside (0, 1], or ``values`` that do not fit.

    >>> import numpy as np
    >>> BennaFusi(3).step(np.zeros(3), np.array(1.0))
    array([1., 0., 0.])
    """

    levels: int
    base: float = 2.0
    alpha: float = 0.25
    values: tuple[int, ...] = ()
    binary: bool = False
    f_pot: float = 0.5
    stochastic: bool = field(init=False)
    declarations: str = field(init=False)
    efficacy_code: str = field(init=False)

    def __post_init__(self) -> None:
        make_plain(self, "base", "alpha", "f_pot")
        object.__setattr__(self, "levels", whole("levels", self.levels, most=MOST_STATES))
        object.__setattr__(self, "values", tuple(whole("values", count) for count in self.values))
        object.__setattr__(self, "binary", bool(self.binary))
        if not (self.levels >= 1 and self.base > 1 and 0 < self.alpha <= 1):
            raise ValueError(
                f"a Benna-Fusi chain needs levels >= 1, base > 1 and 0 < alpha <= 1, got levels={self.levels}, "
                f"base={self.base}, alpha={self.alpha}."
            )
        if self.values and (len(self.values) != self.levels or min(self.values) < 2):
            raise ValueError(f"values must name {self.levels} counts of at least 2, one a level, got {self.values}.")
        check_fraction("f_pot", self.f_pot, below_one=True)
        object.__setattr__(self, "stochastic", bool(self.values))
        object.__setattr__(self, "declarations", "\n".join(f"u{k} : 1" for k in range(1, self.levels + 1)))
        object.__setattr__(self, "efficacy_code", "(2*int(u1 >= 0) - 1)" if self.binary else "u1")

    @property
    def name(self) -> str:  # type: ignore[override]
        """Label for tables: m, and what is not the default."""
        counts = "/".join(map(str, self.values))
        numbers = {"base": (self.base, 2), "alpha": (self.alpha, 0.25), "f+": (self.f_pot, 0.5)}
        parts = [f"m={self.levels}", *(f"{name}={v:g}" for name, (v, usual) in numbers.items() if v != usual)]
        parts += [f"values {counts}"] * bool(self.values) + ["binary"] * self.binary
        return f"benna-fusi({', '.join(parts)})"

    @property
    def transfer(self) -> Values:
        """[level, level]: A in u(t+1) = A u(t) + drive e_1."""
        area = self.base ** np.arange(self.levels)
        tube = self.alpha / 2 / area
        flow = np.diag(tube) - np.diag(tube[:-1], 1)  # flow_k = g_k (u_k - u_{k+1})
        into = np.diag(np.ones(self.levels - 1), -1) - np.eye(self.levels)
        matrix: Values = np.eye(self.levels) + into @ flow / area[:, None]
        return matrix

    def covariance(self, events: str = "discrete") -> Values:
        """[level, level]: of the variables at equilibrium, for inputs of unit variance at unit rate."""
        impulse = np.zeros((self.levels, self.levels))
        impulse[0, 0] = 1
        if events == "poisson":
            return np.asarray(solve_continuous_lyapunov(self.transfer - np.eye(self.levels), -impulse))
        return np.asarray(solve_discrete_lyapunov(self.transfer, impulse, method="bilinear"))

    def lacks(self, form: type[Form]) -> str:
        if form is Linear and (self.values or self.binary):
            return "no linear theory where it is quantised or binary: simulate it instead"
        return ""

    def response(self, events: str, f_pot: float | None = None) -> Response:
        """Of the real-valued variables. Discrete: the memory replaces that step's input. Poisson: it is added to a
        stream of shots of rate 1."""
        f = self.f_pot if f_pot is None else f_pot
        check_fraction("f_pot", f, below_one=True)
        first = np.eye(self.levels)[0]
        variance = float(self.covariance(events)[0, 0])
        weight = 1.0 if events == "poisson" else 4 * f * (1 - f)
        share = 0.0 if events == "poisson" else 1.0
        # row @ A^T: the trace as a row; every |u_k| is bounded by the largest, which only falls
        return Response(weight * first, self.transfer.T, first, weight * variance, share, np.eye(self.levels), np.inf)

    def fixed_point(self, state_bits: int = 12, random_bits: int = 16) -> "BennaFusi":
        """This chain; a chip holds one with counted values, base 2 and alpha 1/4 (see ``models.integer``)."""
        if not self.values or 2 * self.levels + 2 > random_bits or self.base != 2 or self.alpha != 0.25:
            raise ValueError(
                f"a chip holds a Benna-Fusi chain with counted values, base 2, alpha 1/4 and at most "
                f"{random_bits // 2 - 1} levels, got {self.name}: give values=16, for example, or leave the chip out."
            )
        return self

    def init(self, shape: int | tuple[int, ...], rng: np.random.Generator) -> Values:
        """Gaussian with the exact equilibrium mean and covariance of the real-valued chain; rounded where quantised."""
        drift, f = np.linalg.solve(np.eye(self.levels) - self.transfer, np.eye(self.levels)[0]), self.f_pot
        root = np.linalg.cholesky(self.covariance() + 1e-12 * np.eye(self.levels)) * np.sqrt(4 * f * (1 - f))
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        state: Values = (2 * f - 1) * drift + rng.standard_normal((*shape, self.levels)) @ root.T
        return self._rounded(state, rng.random(state.shape)) if self.values else state

    def step(self, state: Array, drive: Array, uniform: Array | None = None) -> Array:
        variables = {f"u{k + 1}": state[..., k] for k in range(self.levels)}
        after = evaluate(self._relaxation, variables | {"drive": drive})
        result = state * 0
        for k in range(self.levels):
            result[..., k] = after[f"u{k + 1}"]
        return self._rounded(result, uniform) if self.values else result

    def _rounded(self, state: Array, uniform: Array) -> Array:
        for k, count in enumerate(self.values):
            top = (count - 1) / 2
            place = (state[..., k] + top).clip(0, count - 1)
            state[..., k] = (place + uniform[..., k]) // 1 - top
        return state

    def efficacy(self, state: Array) -> Array:
        return 2 * (state[..., 0] >= 0) - 1 if self.binary else state[..., 0]

    @property
    def _relaxation(self) -> str:
        m, half = self.levels, self.alpha / 2
        lines = [f"flow{k} = {half / self.base ** (k - 1)!r}*(u{k} - u{k + 1})" for k in range(1, m)]
        lines += [f"flow{m} = {half / self.base ** (m - 1)!r}*u{m}", "u1 = u1 + drive - flow1"]
        return "\n".join(
            lines + [f"u{k} = u{k} + (flow{k - 1} - flow{k})*{self.base ** (1 - k)!r}" for k in range(2, m + 1)]
        )

    @property
    def on_event(self) -> str:  # type: ignore[override]
        """The rule of the module's head; one random number a level where quantised."""
        tops = [(count - 1) / 2 for count in self.values]
        rounding = [
            f"u{k + 1} = floor(clip(u{k + 1} + {top!r}, 0, {2 * top!r}) + rand()) - {top!r}"
            for k, top in enumerate(tops)
        ]
        return "\n".join([self._relaxation, *rounding])

    def variables(self, state: Values) -> dict[str, Values]:
        return {f"u{k + 1}": state[..., k] for k in range(self.levels)}

    def from_variables(self, variables: Mapping[str, Values]) -> Values:
        return np.stack([np.asarray(variables[f"u{k + 1}"]) for k in range(self.levels)], -1)


def _chain(levels: int, base: float = 2.0, alpha: float = 0.25, values: int = 0, binary: int = 0) -> BennaFusi:
    """``values``: of every level, 0 for real numbers."""
    counts = (whole("values", values),) * whole("levels", levels) if values else ()
    return BennaFusi(levels, base, alpha, counts, bool(binary))


_SIGN = {"levels": 4, "binary": 1}  # a network of binary weights sees the sign; a chip holds counted values
CATALOGUE = (Entry("benna-fusi", _chain, {"theory": {}, "local": {**_SIGN, "values": 16}, "gradient": _SIGN}),)
