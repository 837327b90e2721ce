"""Synapses whose efficacy is the sign of one bounded hidden variable h, sign(0) = +1, and remedies against freezing.

Hidden weight (Laborieux, Ernoult, Hirtzlin & Querlioz 2021, Nat. Commun. 12:2549):
    h <- h + step * drive * f,  f = 1 - tanh^2(m h) if the step goes towards zero, else 1,  |h| <= bound.
The bound is ours (the paper has none): it gives the chain an equilibrium and a chip a word length. The leak is ours
too: every event with drive != 0 also takes leak * h away, undamped. 1/leak is a window of memory in events, as N is
below, and |h| stays under step / leak, so that no weight freezes for ever.

Binary uncertainty (BiMU; Cottart et al. 2026, arXiv 2605.30198, after the authors' code): h is the natural parameter
of a random weight +-1 with mean t = tanh(h) and variance v = 1 - t^2. With g = -likelihood v drive, where drive is the
negative gradient of the loss by the weight's mean and v drive that by h,
    h <- h - (lr g + kl h v / N) / (kl v + 2 |g| + 2 g t + 1 / lr_max)      where drive != 0.
A sure weight (v near 0) moves little either way, and less against its sign than with it. The prior pulls h to 0 within
a window of about N events, never frozen: both terms shrink with v. Balanced events of +-1 drive h away from 0 where
N > kl (kl + 2 likelihood + 1/lr_max) / (2 lr likelihood^2) (linearised by us), and then hardly any memory is stored.
Ours: the bound, and that the network sees the more probable sign where the authors draw the weight.

``drive`` is -1, 0 or +1 for candidate events, or any real number: an optimiser's step or a negative gradient. h has no
unit.
"""

from dataclasses import dataclass
from math import isfinite

import numpy as np

from fusi_models.equations import evaluate
from fusi_models.models.markov import MarkovSynapse
from fusi_models.synapse import SynapseModel, check_fraction


class HiddenVariable(SynapseModel):
    """A deterministic model of one variable ``h`` with |h| <= ``bound``; initial h is uniform in +-``width``."""

    bound: float
    width: float
    stochastic = False
    declarations = "h : 1"
    efficacy_code = "(2*int(h >= 0) - 1)"

    def init(self, shape, rng):
        return rng.uniform(-self.width, self.width, shape)

    def step(self, state, drive, uniform=None):
        return evaluate(self.on_event, {"h": state, "drive": drive})["h"]

    def efficacy(self, state):
        return 2 * (state >= 0) - 1

    def lattice(self, levels: int = 400) -> MarkovSynapse:
        """The same synapse on ``levels`` equally spaced values of h from -bound to +bound.

        The landing point of an event is split between its two neighbouring levels so that its mean is exact; this
        adds some diffusion, and flips of well protected synapses come too often until the spacing is below the
        damped step: raise ``levels`` until the result stays. Raises ``ValueError`` for fewer than 2 levels or an
        infinite bound.
        """
        if levels < 2:
            raise ValueError(f"levels must be at least 2, got {levels}.")
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

    def response(self, events, f_pot=None):
        """That of ``lattice()``: an approximation."""
        return self.lattice().response(events, f_pot)

    def variables(self, state):
        return {"h": state}

    def from_variables(self, variables):
        return np.asarray(variables["h"])


def check_bound(model: HiddenVariable) -> None:
    """Raise ``ValueError`` for an infinite bound, where a finite number of levels is wanted."""
    if not isfinite(model.bound):
        raise ValueError(f"{model.name} has an infinite bound: give one to put it on levels.")


@dataclass(frozen=True)
class HiddenWeight(HiddenVariable):
    """Metaplastic hidden weight. ``m = 0`` is a plain accumulator (no protection), ``leak = 0`` the published rule.

    ``step_size``: change of h a candidate event makes away from zero. ``bound``: largest |h|, ``inf`` for none.
    ``width``: initial h is uniform in +-``width``. ``leak``: part of h that an event takes away.
    Raises ``ValueError`` for m < 0, step_size <= 0, width > bound or a leak outside [0, 1).
    """

    m: float
    step_size: float = 0.02
    bound: float = 1.0
    width: float = 0.2
    leak: float = 0.0
    f_pot: float = 0.5

    def __post_init__(self):
        if not (self.m >= 0 and self.step_size > 0 and 0 < self.width <= self.bound and 0 <= self.leak < 1):
            raise ValueError(
                f"hidden weight needs m >= 0, step_size > 0, 0 < width <= bound and 0 <= leak < 1, got m={self.m}, "
                f"step_size={self.step_size}, width={self.width}, bound={self.bound}, leak={self.leak}."
            )
        check_fraction("f_pot", self.f_pot)

    @property
    def name(self) -> str:  # type: ignore[override]
        """Label for tables."""
        return f"hidden(m={self.m:g}{f', leak={self.leak:g}' if self.leak else ''})"

    @property
    def on_event(self) -> str:  # type: ignore[override]
        """The rule of the module's head."""
        leak = f" - {self.leak!r}*int(drive != 0)*h" if self.leak else ""
        after = f"h + {self.step_size!r}*drive*(1 - damping){leak}"
        after = f"clip({after}, {-self.bound!r}, {self.bound!r})" if isfinite(self.bound) else after
        return f"damping = int(drive*h < 0)*tanh({self.m!r}*h)**2\nh = {after}"


@dataclass(frozen=True)
class BinaryUncertainty(HiddenVariable):
    """BiMU's binary weight, whose certainty sets its own learning rate and which forgets after ``window`` events.

    ``window``: N, ``inf`` for no forgetting. ``lr``, ``lr_max``, ``likelihood``, ``kl``: as in the module's head. The
    defaults are ours and suit events of +-1 (first step 0.02); the authors' main run on gradients has lr = 4.9,
    lr_max = 0.0023, likelihood = 161.3, kl = 3.76, window = 700. ``bound``: largest |h|, ``inf`` for none.
    Raises ``ValueError`` for numbers <= 0, an infinite lr_max or width > bound.
    """

    window: float = 20.0
    lr: float = 0.08
    lr_max: float = 1.0
    likelihood: float = 1.0
    kl: float = 1.0
    bound: float = 4.0
    width: float = 0.2
    f_pot: float = 0.5

    def __post_init__(self):
        for name in ("window", "lr", "lr_max", "likelihood", "kl"):
            if not (getattr(self, name) > 0 and (isfinite(getattr(self, name)) or name == "window")):
                raise ValueError(f"{name} must be a number above 0, got {getattr(self, name)}.")
        if not 0 < self.width <= self.bound:
            raise ValueError(f"width must lie between 0 and bound, got width={self.width}, bound={self.bound}.")
        check_fraction("f_pot", self.f_pot)

    @property
    def name(self) -> str:  # type: ignore[override]
        """Label for tables."""
        return f"uncertain(N={self.window:g})"

    @property
    def on_event(self) -> str:  # type: ignore[override]
        """The rule of the module's head."""
        change = f"({self.lr * self.likelihood!r}*drive - {self.kl / self.window!r}*h)"
        after = f"h + int(drive != 0)*variance*{change}/(variance*likely + {1 / self.lr_max!r})"
        after = f"clip({after}, {-self.bound!r}, {self.bound!r})" if isfinite(self.bound) else after
        return (
            "mean = tanh(h)\n"
            "variance = 1 - mean**2\n"
            f"likely = {self.kl!r} + {2 * self.likelihood!r}*(abs(drive) - drive*mean)\n"
            f"h = {after}"
        )
