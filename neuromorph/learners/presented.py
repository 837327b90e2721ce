"""What learners of one hidden layer with error neurons share: they are shown sample by sample, boundary-free.

The class with most output spikes wins; of equals, and where none fires, the first. The random numbers of a test sample
are named by what it shows: the same each time, others for other samples, and no prediction depends on another sample.
"""

from __future__ import annotations

import zlib
from abc import abstractmethod
from dataclasses import fields
from typing import Any, ClassVar, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from fusi_models.checks import LARGEST, count, finite, finites
from fusi_models.seeds import generator, integer, whole
from neuromorph.learner import Learner, checked_labels, checked_samples, described
from neuromorph.learners.methods import NoParts
from neuromorph.metrics import Cost


class Presentation(Protocol):
    """What both configurations offer; a frozen dataclass."""

    @property
    def hidden(self) -> int:
        """Hidden units."""

    @property
    def feedback(self) -> float:
        """Half width of the fixed feedback weights."""

    @property
    def window(self) -> float:
        """Largest |synaptic current| of a unit that learns."""

    @property
    def w_init(self) -> float:
        """Half width of the initial weights."""

    @property
    def traces(self) -> tuple[float, float, float]:
        """Of inputs, hidden and output units, from which m grows."""

    @property
    def dm(self) -> tuple[float, float]:
        """Growth of m, a presentation."""

    @property
    def cap(self) -> float:
        """Largest m."""

    @property
    def rate(self) -> float:
        """Of an input with value 1, in Hz."""

    @property
    def steps(self) -> int:
        """Of a presentation, 1 ms each."""


def check_presentation(config: Presentation, *positive: str) -> None:
    """Raise ``ValueError`` for no unit or step, rates above one spike a step, and other numbers that cannot be.

    ``positive``: further fields that are above 0. A field has as many numbers as its default.
    """
    count("hidden", config.hidden)
    count("steps", config.steps)
    for field in fields(cast(Any, config)):
        if isinstance(field.default, tuple) and np.shape(getattr(config, field.name)) != np.shape(field.default):
            asked = len(field.default)
            raise ValueError(f"{field.name} must be {asked} numbers, got {getattr(config, field.name)!r:.80}.")
    for name in ("window", *positive):
        finites(name, getattr(config, name), 0, above=True)
    for name in ("dm", "cap", "feedback", "w_init"):
        finites(name, getattr(config, name), 0, LARGEST)
    finites("traces", config.traces, -LARGEST, LARGEST)
    for name in ("rate", "label_rate"):
        finite(name, getattr(config, name), 0, 1000, above=True, unit="Hz, one spike a step")


def check_presented(name: str, sizes: tuple[int, ...], parts: tuple[str, ...]) -> None:
    """Raise ``NoParts`` for parts, and ``ValueError`` for more or fewer than one hidden layer."""
    if parts:
        raise NoParts(name, parts)
    if len(sizes) != 3:
        raise ValueError(f"{name} has one hidden layer (--hidden 200), got {len(sizes) - 2}: {sizes}.")


def _names(x: NDArray[np.float32]) -> NDArray[np.int64]:
    """Of the draws of test samples x [n, input]."""
    return np.array([zlib.crc32(one.tobytes()) for one in x], np.int64)


class PresentedLearner(Learner):
    """``arrays``: attributes of two layers each, which are the state. ``back``: feedback weights [hidden, class].

    Raises ``ValueError`` for bad samples, and for a state of another configuration.
    """

    arrays: ClassVar[tuple[str, ...]]
    w: tuple[NDArray[np.float32], NDArray[np.float32]]
    together: ClassVar[int] = 1
    """Samples that are shown in one call; a call that is cut leaves nothing learned of them or all."""

    def __init__(self, inputs: int, classes: int, config: Presentation, seed: int) -> None:
        self.inputs, self.classes = count("inputs", inputs), count("classes", classes)
        self.config, self.seed = config, whole(seed)
        width = (config.hidden, classes)
        self.back = generator("feedback weights", seed).uniform(-1, 1, width).astype(np.float32) * config.feedback
        self.presented = 0

    @property
    @abstractmethod
    def bits(self) -> int:
        """Of a weight that is multiplied, packed."""

    @abstractmethod
    def _show(
        self, samples: NDArray[np.float32], targets: NDArray[np.int64], key: int, counts: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Show samples [n, input] one after another, n at least 1; output spikes [n, class].

        ``targets`` [n]: to be learned; -1, of all, in a test. ``key`` and ``counts`` [n] name the draws.
        """

    def _loaded(self) -> None:  # noqa: B027
        """A state was taken back."""

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """[before, after] of the two layers."""
        return [(self.inputs, self.config.hidden), (self.config.hidden, self.classes)]

    @property
    def description(self) -> str:
        names = ("inputs", "classes", "config", "seed")
        return described(type(self).__name__, **{name: getattr(self, name) for name in names})

    def partial_fit(self, x: np.ndarray, y: np.ndarray) -> None:
        x = checked_samples(x, (self.inputs,), flat=True, dtype=np.float32)
        y = checked_labels(y, x.shape[:1], self.classes)
        key = integer("presentations that are learned", self.seed)
        for k in range(0, len(x), self.together):
            labels = y[k : k + self.together]
            numbers = self.presented + 1 + np.arange(len(labels))
            self._show(x[k : k + self.together], labels, key, numbers)
            self.presented += len(labels)

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self.counts(x).argmax(1)

    def counts(self, x: np.ndarray) -> np.ndarray:
        """Output spikes, int64 [n, class], of samples x [n, ...]; learns nothing."""
        x = checked_samples(x, (self.inputs,), flat=True, dtype=np.float32)
        key = integer("presentations in a test", self.seed)
        found = [np.zeros((0, self.classes), np.int64)]
        for k in range(0, len(x), self.together):
            n = len(x[k : k + self.together])
            found.append(self._show(x[k : k + n], np.full(n, -1), key, _names(x[k : k + n])))
        return np.concatenate(found)

    def cost(self, x: np.ndarray) -> Cost:
        from neuromorph.local_rule import error_neurons  # loads numba

        x = checked_samples(x, (self.inputs,), flat=True, dtype=np.float32)
        c, key = self.config, np.uint32(integer("presentations in a test", self.seed))
        layers, chances = error_neurons.layers(c.window, c.dm, c.cap), x * np.float32(c.rate / 1000)
        shown = zip(chances, _names(x), strict=True)
        passed = [error_neurons.passed(layers, self.w, one, c.steps, key, np.uint32(name)) for one, name in shown]
        inputs, hidden, outputs = map(float, np.mean(passed, 0))
        synapses = sum(w.size for w in self.w)
        added = inputs * c.hidden + hidden * self.classes
        return Cost(synapses, synapses * self.bits / 8, added, 0.0, hidden + outputs)

    def state_dict(self) -> dict[str, Any]:
        arrays = {f"{name}{k}": getattr(self, name)[k].copy() for name in self.arrays for k in range(2)}
        return {"description": self.description, "presented": self.presented, **arrays}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.check_saved(state)
        for name in self.arrays:
            setattr(self, name, tuple(np.array(state[f"{name}{k}"]) for k in range(2)))
        self.presented = int(state["presented"])
        self._loaded()
