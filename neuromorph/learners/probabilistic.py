"""Probabilistic metaplasticity with multi-level devices, as a learner (Zohora et al. 2024, s41598-024-78290-w).

Equations: ``local_rule.error_driven`` and ``local_rule.devices``. Sample by sample, boundary-free, every weight made of
devices of a few levels; one further number a synapse, m, which only grows. The published constants are the defaults
(split MNIST, seven devices); the levels of a device are a reconstruction. The class with most output spikes wins; of
equals, and where none fires, the first (the authors count silence as wrong).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from fusi_models.seeds import generator, integer
from neuromorph.learner import Learner, checked_labels, checked_samples, described
from neuromorph.local_rule.devices import Devices

Arrays = tuple[NDArray[Any], NDArray[Any]]
NAMES = ("r", "m", "turns", "writes")


@final
@dataclass(frozen=True)
class ProbabilisticConfig:
    """Pairs are of the hidden and the output layer. Raises ``ValueError`` for counts or times that are not positive."""

    hidden: int = 200
    """Hidden units."""
    devices: Devices = Devices()
    """What a weight is made of."""
    w_max: tuple[float, float] = (3.0, 1.5)
    """Largest weights."""
    w_init: float = 1.0
    """Initial weights lie within +-w_init."""
    u_th: tuple[float, float] = (0.25, 2.25)
    """Error that a unit gathers before its synapses are written."""
    window: float = 4.0
    """Largest |synaptic current| of a unit that learns."""
    dm: tuple[float, float] = (60e-4, 20e-4)
    """Growth of m, a presentation; (0, 0) is the unprotected control."""
    cap: float = 10.0
    """Largest m."""
    traces: tuple[float, float, float] = (3.5, 2.0, 1.5)
    """Traces of inputs, hidden and output units from which m grows."""
    feedback: float = 0.15
    """Half width of the fixed feedback weights."""
    rate: float = 250.0
    """Of an input with value 1, in Hz."""
    label_rate: float = 100.0
    """Of the label's spikes, in Hz."""
    steps: int = 150
    """Of a presentation, 1 ms each."""

    def __post_init__(self) -> None:
        if min(self.hidden, self.steps) < 1 or not min(*self.w_max, *self.u_th, self.window) > 0:
            raise ValueError(f"units, steps, largest weights, thresholds and window must be positive, got {self}.")
        if not 0 <= max(self.rate, self.label_rate) <= 1000 or min(self.rate, self.label_rate, *self.dm) < 0:
            raise ValueError("rates must lie between 0 and 1000 Hz, one spike a step, and dm must not be negative.")


FASHION = ProbabilisticConfig(
    w_max=(4.0, 1.5), u_th=(0.45, 2.25), window=3.0, dm=(40e-4, 15e-4), cap=14.0, traces=(4.5, 2.0, 2.25)
)
"""The published constants for split Fashion-MNIST."""


@final
class ProbabilisticLearner(Learner):
    """Attributes: ``r``, ``m``, ``w`` of the two layers, [before, after(, device)]; ``writes`` [2]: devices written.

    A test sample is shown with random numbers of its own, the same each time. Raises ``ValueError`` for bad samples.
    """

    def __init__(
        self, inputs: int, classes: int, config: ProbabilisticConfig = ProbabilisticConfig(), seed: int = 0
    ) -> None:
        self.inputs, self.classes, self.config, self.seed = inputs, classes, config, seed
        sizes, rng = (inputs, config.hidden, classes), generator("devices at the start", seed)
        shapes = list(zip(sizes, sizes[1:], strict=False))
        first, second = (
            config.devices.initial(s, w, config.w_init, rng) for s, w in zip(shapes, config.w_max, strict=True)
        )
        self.r: Arrays = (first, second)
        self.m: Arrays = (np.zeros(shapes[0], np.float32), np.zeros(shapes[1], np.float32))
        self.turns: Arrays = (np.zeros(1, np.int64), np.zeros(1, np.int64))
        self.writes: Arrays = (np.zeros(1, np.int64), np.zeros(1, np.int64))
        width = (config.hidden, classes)
        self.back = generator("feedback weights", seed).uniform(-1, 1, width).astype(np.float32) * config.feedback
        self.presented = 0
        self._weigh()

    @property
    def description(self) -> str:
        names = ("inputs", "classes", "config", "seed")
        return described(type(self).__name__, **{name: getattr(self, name) for name in names})

    def partial_fit(self, x: np.ndarray, y: np.ndarray) -> None:
        x = checked_samples(x, (self.inputs,), flat=True, dtype=np.float32)
        y = checked_labels(y, x.shape[:1], self.classes)
        key = integer("presentations that are learned", self.seed)
        for sample, label in zip(x, y, strict=True):
            self.presented += 1
            _, writes = self._show(sample, int(label), key, self.presented)
            for total, more in zip(self.writes, writes, strict=True):
                total += more

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self.counts(x).argmax(1)

    def counts(self, x: np.ndarray) -> np.ndarray:
        """Output spikes, int64 [n, class], of samples x [n, ...]; learns nothing."""
        x = checked_samples(x, (self.inputs,), flat=True, dtype=np.float32)
        key = integer("presentations in a test", self.seed)
        found = [self._show(sample, -1, key, 0)[0] for sample in x]
        return np.array(found, np.int64).reshape(len(x), self.classes)

    def state_dict(self) -> dict[str, Any]:
        arrays = {f"{name}{k}": getattr(self, name)[k].copy() for name in NAMES for k in range(2)}
        return {"description": self.description, "presented": self.presented, **arrays}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if state.get("description") != self.description:
            raise ValueError(f"the state was saved by {state.get('description')}, not by {self.description}.")
        for name in NAMES:
            setattr(self, name, tuple(np.array(state[f"{name}{k}"]) for k in range(2)))
        self.presented = int(state["presented"])
        self._weigh()

    def _weigh(self) -> None:
        weights = [self.config.devices.weights(r, w) for r, w in zip(self.r, self.config.w_max, strict=True)]
        self.w: Arrays = (weights[0], weights[1])

    def _show(self, sample: np.ndarray, target: int, key: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        from neuromorph.local_rule import error_driven  # loads numba

        c, devices = self.config, self.config.devices
        shared = (c.u_th, (c.window, c.window), c.dm, (c.cap, c.cap), tuple(devices.scale(w) for w in c.w_max))
        fixed = ((10.0, 25.0), (15.0, 25.0), (1.0, 5.0), (1.0, 2.0))
        first, second = (error_driven.Layer(*values) for values in zip(*fixed, *shared, strict=True))
        drawn = np.uint32(key), np.uint32(count)
        spread, thresholds = np.float32(devices.spread), np.array(c.traces, np.float32)
        return error_driven.present(
            (first, second), self.w, self.r, self.m, self.turns, self.back, devices.resistances, spread, thresholds,
            sample * np.float32(c.rate / 1000), c.label_rate / 1000, c.steps, target, *drawn,
        )  # fmt: skip


@final
@dataclass(frozen=True)
class ProbabilisticMethod:
    """One hidden layer, the first of those asked for; no parts."""

    devices: int = 7
    """Of a weight."""
    levels: int = 10
    """Of a device."""
    protects: bool = True
    """m grows."""

    def build(self, sizes: tuple[int, ...], seed: int, device: str, parts: tuple[str, ...]) -> Learner:
        """The learner for ``sizes``. Raises ``ValueError`` for parts, or more or fewer than one hidden layer."""
        if parts or len(sizes) != 3:
            raise ValueError(f"probabilistic takes no parts and one hidden layer (--hidden 200), got {parts}, {sizes}.")
        grows = ProbabilisticConfig.dm if self.protects else (0.0, 0.0)
        config = ProbabilisticConfig(sizes[1], Devices(self.devices, self.levels), dm=grows)
        return ProbabilisticLearner(sizes[0], sizes[2], config, seed)


METHOD = ProbabilisticMethod


def example(inputs: int, classes: int, seed: int) -> tuple[type[Learner], dict[str, Any]]:
    """A small one, for the contract test."""
    config = ProbabilisticConfig(hidden=8, devices=Devices(2, 4), u_th=(0.05, 0.3), traces=(0.5, 0.2, 0.1), steps=60)
    return ProbabilisticLearner, {"inputs": inputs, "classes": classes, "config": config, "seed": seed}
