"""Probabilistic metaplasticity with multi-level devices, as a learner (Zohora et al. 2024, s41598-024-78290-w).

Equations: ``local_rule.error_driven`` and ``local_rule.devices``. Sample by sample, boundary-free, every weight made of
devices of a few levels; one further number a synapse, m, which only grows. The published constants are the defaults
(split MNIST, seven devices). The class with most output spikes wins; of equals, and where none fires, the first (the
authors count silence as wrong).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from fusi_models.seeds import generator
from neuromorph.learner import Learner
from neuromorph.learners.presented import PresentedLearner, check_presentation, check_presented
from neuromorph.local_rule.devices import Devices

Arrays = tuple[NDArray[Any], NDArray[Any]]


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
        check_presentation(self, "w_max", "u_th")


_MNIST = ProbabilisticConfig()
_FASHION = ProbabilisticConfig(
    w_max=(4.0, 1.5), u_th=(0.45, 2.25), window=3.0, dm=(40e-4, 15e-4), cap=14.0, traces=(4.5, 2.0, 2.25)
)
PUBLISHED: Mapping[tuple[str, int], ProbabilisticConfig] = {
    ("mnist", 7): _MNIST,
    ("mnist", 2): replace(_MNIST, devices=Devices(2), u_th=(0.45, 3.5), traces=(4.0, 2.25, 1.75)),
    ("mnist", 1): replace(_MNIST, devices=Devices(1), u_th=(0.4, 4.0), traces=(5.5, 3.25, 1.75)),
    ("fashion-mnist", 7): _FASHION,
    ("fashion-mnist", 2): replace(_FASHION, devices=Devices(2), u_th=(0.45, 3.5), traces=(6.0, 2.5, 1.75)),
    ("fashion-mnist", 1): replace(
        _FASHION, devices=Devices(1), w_max=(3.0, 1.5), u_th=(0.5, 3.5), traces=(6.0, 2.5, 2.25)
    ),
}
"""The published constants, by data set and number of devices."""


def constants(data: str, devices: int) -> ProbabilisticConfig:
    """The published ones for ``devices``, else of the next number with any; of MNIST for other data.

    >>> constants("mnist", 3).u_th
    (0.45, 3.5)
    """
    known = {count: config for (name, count), config in PUBLISHED.items() if name == data}
    if not known:
        return constants("mnist", devices)
    return known[min(known, key=lambda count: abs(count - devices))]


@final
class ProbabilisticLearner(PresentedLearner):
    """Attributes: ``r``, ``m``, ``w`` of the two layers, [before, after(, device)]; ``writes`` [2]: devices written."""

    arrays = ("r", "m", "turns", "writes")
    config: ProbabilisticConfig

    def __init__(
        self, inputs: int, classes: int, config: ProbabilisticConfig = ProbabilisticConfig(), seed: int = 0
    ) -> None:
        super().__init__(inputs, classes, config, seed)
        rng, shapes = generator("devices at the start", seed), self.shapes
        first, second = (
            config.devices.initial(s, w, config.w_init, rng) for s, w in zip(shapes, config.w_max, strict=True)
        )
        self.r: Arrays = (first, second)
        self.m: Arrays = (np.zeros(shapes[0], np.float32), np.zeros(shapes[1], np.float32))
        self.turns: Arrays = (np.zeros(1, np.int64), np.zeros(1, np.int64))
        self.writes: Arrays = (np.zeros(1, np.int64), np.zeros(1, np.int64))
        self._loaded()

    @property
    def bits(self) -> int:
        return self.config.devices.bits

    def _loaded(self) -> None:
        weights = [self.config.devices.weights(r, w) for r, w in zip(self.r, self.config.w_max, strict=True)]
        self.w: Arrays = (weights[0], weights[1])

    def _show(
        self, samples: NDArray[np.float32], targets: NDArray[np.int64], key: int, counts: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        shown = zip(samples, targets, counts, strict=True)
        return np.stack([self._one(sample, int(target), key, int(count)) for sample, target, count in shown])

    def _one(self, sample: NDArray[np.float32], target: int, key: int, count: int) -> NDArray[np.int64]:
        from neuromorph.local_rule import error_driven, error_neurons  # loads numba

        c, devices = self.config, self.config.devices
        scales = (devices.scale(w) for w in c.w_max)
        writing = tuple(error_driven.Writing(*one) for one in zip(c.u_th, scales, strict=True))
        thresholds = np.array(c.traces, np.float32)
        counts, writes = error_driven.present(
            error_neurons.layers(c.window, c.dm, c.cap), writing, self.w, self.r, self.m, self.turns, self.back,
            devices.table, thresholds, sample * np.float32(c.rate / 1000), c.label_rate / 1000, c.steps,
            target, np.uint32(key), np.uint32(count),
        )  # fmt: skip
        for total, more in zip(self.writes, writes, strict=True):
            total += more
        return counts


@final
@dataclass(frozen=True)
class ProbabilisticMethod:
    """One hidden layer, the first of those asked for; no parts. The published constants for MNIST and ``devices``."""

    devices: int = Devices.count
    """Of a weight."""
    levels: int = Devices.levels
    """Of a device, in equal steps; 0 takes the ten measured ones."""
    spread: float = Devices.spread
    """Of a device in equal steps, over its mean."""
    protects: bool = True
    """m grows."""

    def build(self, sizes: tuple[int, ...], seed: int, device: str, parts: tuple[str, ...]) -> Learner:
        """The learner for ``sizes``. Raises ``ValueError`` for parts, or more or fewer than one hidden layer."""
        check_presented("probabilistic", sizes, parts)
        devices = Devices(self.devices, self.levels, self.spread)
        config = replace(constants("mnist", self.devices), hidden=sizes[1], devices=devices)
        config = config if self.protects else replace(config, dm=(0.0, 0.0))
        return ProbabilisticLearner(sizes[0], sizes[2], config, seed)


METHOD = ProbabilisticMethod


def example(inputs: int, classes: int, seed: int) -> tuple[type[Learner], dict[str, Any]]:
    """A small one, for the contract test."""
    config = ProbabilisticConfig(hidden=8, devices=Devices(2, 4), u_th=(0.05, 0.3), traces=(0.5, 0.2, 0.1), steps=60)
    return ProbabilisticLearner, {"inputs": inputs, "classes": classes, "config": config, "seed": seed}
