"""A binary weight that knows how uncertain it is: BiMU (Cottart et al. 2026, arXiv 2605.30198, and its public code).

h is the natural parameter of a random weight +-1 with mean t = tanh(h) and variance v = 1 - t^2. With
g = -likelihood v drive, where drive is the negative gradient of the loss by the weight's mean and v drive that by h,
    h <- h - (lr g + kl h v / N) / (kl v + 2 |g| + 2 g t + 1 / lr_max)      where drive != 0.
A sure weight (v near 0) moves little either way, and less against its sign than with it. The prior pulls h to 0 within
a window of about N events, never frozen: both terms shrink with v. Balanced events of +-1 drive h away from 0 where
N > kl (kl + 2 likelihood + 1/lr_max) / (2 lr likelihood^2) (linearised by us), and then hardly any memory is stored.
Ours: the bound, and that the network sees the more probable sign where the authors draw the weight.

``drive`` is -1, 0 or +1 for candidate events, or any real number: a negative gradient. h has no unit.
"""

from dataclasses import dataclass
from math import isfinite

from fusi_models.catalogue import Entry
from fusi_models.checks import check_fraction, finite, make_plain
from fusi_models.models.hidden import HiddenVariable, labelled


@dataclass(frozen=True)
class BinaryUncertainty(HiddenVariable):
    """BiMU's binary weight, whose certainty sets its own learning rate and which forgets after ``window`` events.

    window: N, in events; ``inf`` for no forgetting.
    lr: learning rate of h, without a unit; the first step of an event is lr / (1 / lr_max + ...).
    lr_max: largest learning rate a step may have.
    likelihood: weight of the event (or of the gradient) against the prior.
    kl: weight of the prior.
    bound: largest |h|, ``inf`` for none.
    width: initial h is uniform in +-width.
    f_pot: fraction of the candidate events that potentiate, above 0 and below 1.

    The defaults are ours and suit events of +-1 (first step 0.02); the authors' main run on gradients has lr = 4.9,
    lr_max = 0.0023, likelihood = 161.3, kl = 3.76, window = 700.

    >>> import numpy as np
    >>> BinaryUncertainty().step(np.array([0.0, 3.0]), np.array([1, -1])).round(4)
    array([0.02  , 2.9978])

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

    def __post_init__(self) -> None:
        make_plain(self, "window", "lr", "lr_max", "likelihood", "kl", "bound", "width", "f_pot")
        if not self.window > 0:
            raise ValueError(f"window must be a number above 0, got {self.window}.")
        for name in ("lr", "lr_max", "likelihood", "kl"):
            finite(name, getattr(self, name), 0, above=True)
        if not 0 < self.width <= self.bound:
            raise ValueError(f"width must lie between 0 and bound, got width={self.width}, bound={self.bound}.")
        check_fraction("f_pot", self.f_pot, below_one=True)

    @property
    def name(self) -> str:  # type: ignore[override]
        """Label for tables: N, and every other number that is not the default."""
        same = {name: name for name in ("lr", "lr_max", "likelihood", "kl", "bound", "width")}
        return labelled("uncertain", self, "window", **same, f_pot="f+")

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


def _uncertain(
    window: float = 20.0,
    lr: float = 0.08,
    kl: float = 1.0,
    bound: float = 4.0,
    width: float = 0.2,
    lr_max: float = 1.0,
    likelihood: float = 1.0,
) -> BinaryUncertainty:
    return BinaryUncertainty(window, lr, lr_max, likelihood, kl, bound, width)


CATALOGUE = (Entry("uncertain", _uncertain, {"theory": {}, "local": {}, "gradient": {}}),)
