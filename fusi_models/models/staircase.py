"""A metaplastic hidden weight whose protection is a staircase: what the learning engine of a chip can compute.

The tag t is an integer of 8 bits and sign; it stands for h = step_size t / full, and the efficacy is its sign.
    potentiation: t <- t + A + sum_k c_k sgn(t + theta_k)      depression: t <- t - A + sum_k c_k sgn(t - theta_k)
    A = (S_0 + S_K) / 2,   c_k = (S_(k-1) - S_k) / 2,   then t is clipped to -256..255
A step away from zero is S_0 = ``full``; a step towards zero is S_k where theta_k < |t| < theta_(k+1). That is the rule
of Laborieux et al. 2021 (Nat Commun 12:2549) with S_k / S_0 in place of 1 - tanh^2(m |h|); reconstructed by us within
the sums of products of Loihi's learning rules. All steps and thresholds are even and t begins odd, so sgn meets no 0
(but for a tag that has been clipped to -256).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from fusi_models.checks import make_plain, whole, wholes
from fusi_models.equations import Array, evaluate
from fusi_models.models.hidden import HiddenWeight
from fusi_models.synapse import BrianText, FixedPoint, SynapseModel, Values

LOWEST, HIGHEST = -256, 255


@dataclass(frozen=True)
class Staircase(SynapseModel, BrianText, FixedPoint):
    """Deterministic integer synapse; states int64.

    steps: S_0 > S_1 > ..., even, in units of the tag an event.
    thresholds: theta_1 < theta_2 < ..., even, one fewer, in units of the tag.
    width: largest initial |t|.
    step_size: change of h that an event away from zero makes, h without a unit.

    Raises ``ValueError`` for other numbers.

    >>> import numpy as np
    >>> Staircase().step(np.array([5, 21, -21]), np.array([1, -1, 1]))
    array([ 21,  13, -13])
    """

    steps: tuple[int, ...] = (16, 8, 4, 2)
    thresholds: tuple[int, ...] = (16, 32, 48)
    width: int = 127
    step_size: float = 0.02
    stochastic: bool = field(default=False, init=False)
    declarations: str = field(default="t : integer", init=False)
    efficacy_code: str = field(default="(2*int(t >= 0) - 1)", init=False)

    def __post_init__(self) -> None:
        for name in ("steps", "thresholds"):
            object.__setattr__(self, name, wholes(name, getattr(self, name)))
        object.__setattr__(self, "width", whole("width", self.width))
        make_plain(self, "step_size")
        even = all(n % 2 == 0 for n in (*self.steps, *self.thresholds))
        falling = all(a > b for a, b in zip(self.steps, self.steps[1:], strict=False))
        rising = all(a < b for a, b in zip((0, *self.thresholds), (*self.thresholds, HIGHEST), strict=True))
        if not (even and falling and rising and len(self.steps) == len(self.thresholds) + 1 and self.steps[-1] >= 0):
            raise ValueError(
                f"a staircase needs falling even steps and rising even thresholds below {HIGHEST}, one fewer, "
                f"got {self.steps} and {self.thresholds}."
            )
        if not 1 <= self.width <= HIGHEST:
            raise ValueError(f"width must lie between 1 and {HIGHEST}, got {self.width}.")

    @property
    def name(self) -> str:  # type: ignore[override]
        """Label for tables."""
        return f"staircase({'/'.join(map(str, self.steps))})"

    @property
    def constant(self) -> int:
        """A."""
        return (self.steps[0] + self.steps[-1]) // 2

    @property
    def coefficients(self) -> tuple[int, ...]:
        """c_k."""
        return tuple((a - b) // 2 for a, b in zip(self.steps, self.steps[1:], strict=False))

    @property
    def on_event(self) -> str:  # type: ignore[override]
        """The rule of the module's head."""
        up, down = (
            " + ".join(
                f"{c}*sign(t {side} {theta})" for c, theta in zip(self.coefficients, self.thresholds, strict=True)
            )
            for side in "+-"
        )
        return (
            f"t = clip(t + int(drive > 0)*({self.constant} + {up}) + int(drive < 0)*({down} - {self.constant}), "
            f"{LOWEST}, {HIGHEST})"
        )

    def damping(self, tag: Values) -> Values:
        """S_k / S_0 at ``tag`` (any shape): what is left of a step towards zero."""
        left: Values = np.asarray(self.steps)[np.searchsorted(self.thresholds, np.abs(tag))] / self.steps[0]
        return left

    def init(self, shape: int | tuple[int, ...], rng: np.random.Generator) -> Values:
        positive = (self.width + 1) // 2  # so many odd tags from 1 to width
        return np.asarray(2 * rng.integers(-positive, positive, shape) + 1)

    def step(self, state: Array, drive: Array, uniform: Array | None = None) -> Array:
        after = state * 0  # whole numbers, also where the equation is evaluated in float64
        after[...] = evaluate(self.on_event, {"t": state, "drive": drive})["t"]
        return after

    def efficacy(self, state: Array) -> Array:
        return 2 * (state >= 0) - 1

    def fixed_point(self, state_bits: int = 9, random_bits: int = 16) -> "Staircase":
        return self

    def variables(self, state: Values) -> dict[str, Values]:
        return {"t": state}

    def from_variables(self, variables: Mapping[str, Values]) -> Values:
        return np.asarray(variables["t"])


def closest_staircase(model: HiddenWeight, stairs: int = 3, full: int = 16) -> tuple[Staircase, float]:
    """The staircase of ``stairs`` thresholds nearest to 1 - tanh^2(m |h|), and its largest distance from it.

    The distance is over all odd tags; every choice of even steps below ``full`` is tried, each with thresholds where
    the curve passes half way between two steps. Raises ``ValueError`` where the curve hardly falls within the tags,
    and for a leak.
    """
    if model.leak:
        raise ValueError(f"a staircase has no leak, got {model.name}: take leak = 0.")
    tags = np.arange(1, HIGHEST + 1, 2)
    curve = 1 - np.tanh(model.m * model.step_size * tags / full) ** 2
    best: tuple[float, Staircase] | None = None
    for lower in combinations(range(full - 2, -2, -2), stairs):
        steps = (full, *lower)
        middles = [(a + b) / (2 * full) for a, b in zip(steps, steps[1:], strict=False)]
        thresholds = tuple(int(2 * (curve > middle).sum()) for middle in middles)
        if thresholds[0] < 2 or len(set(thresholds)) < stairs or thresholds[-1] >= HIGHEST:
            continue
        width = min(HIGHEST, int(model.width * full / model.step_size))
        staircase = Staircase(steps, thresholds, width, model.step_size)
        distance = float(np.abs(staircase.damping(tags) - curve).max())
        if best is None or distance < best[0]:
            best = distance, staircase
    if best is None:
        raise ValueError(
            f"with m = {model.m:g} and steps of {model.step_size:g}, 1 - tanh^2 falls to {curve[-1]:.2f} only at the "
            f"largest tag, too little for {stairs} stairs: raise m or step_size, or take fewer stairs."
        )
    return best[1], best[0]
