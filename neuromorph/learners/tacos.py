"""TACOS: task-agnostic continual learning in a spiking network with error neurons (Soures et al. 2024, 2409.00021).

Equations, and what of them is a reconstruction: ``local_rule.tacos``. Sample by sample, boundary-free; each mechanism
is a switch of ``TacosConfig``. Three numbers a synapse: w, or devices of a few levels, its slow reference, and m. The
class with most output spikes wins; of equals, and where none fires, the first. Compiled loops, and the same equations
in plain torch and in Brian2, with the same draws and the same spikes, some hundred times slower.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from fusi_models.checks import LARGEST, finite, finites, whole
from fusi_models.seeds import generator
from neuromorph.learner import Learner
from neuromorph.learners.presented import PresentedLearner, check_presentation, check_presented
from neuromorph.local_rule.devices import Devices

Pair = tuple[NDArray[np.float32], NDArray[np.float32]]


@final
@dataclass(frozen=True)
class TacosConfig:
    """Pairs are of the hidden and the output layer. Raises ``ValueError`` for impossible numbers."""

    hidden: int = 200
    """Hidden units."""
    metaplastic: bool = True
    """Switch: steps are damped by exp(-|m w|)."""
    alpha: tuple[float, float] = (0.0, 0.0)
    """Heterosynaptic drift to the reference, a spike of the unit; 0 switches it off."""
    tau_ref: float = 1000.0
    """Time constant of the reference weight, in presentations."""
    modulated: bool = False
    """Switch: m grows only after presentations that were answered rightly (neuromodulation)."""
    eta: tuple[float, float] = (0.003, 0.0003)
    """Learning rates, for 60 000 presentations: our choice for steps that are taken at once."""
    w_max: tuple[float, float] = (3.0, 1.5)
    """Largest weights."""
    w_init: float = 1.0
    """Half width of the initial weights."""
    bits: int = 0
    """Of a fixed-point weight, rounded without bias; 0: float32."""
    devices: Devices | None = None
    """What a weight is made of; None: a number."""
    gather: tuple[float, float] = (1.1, 0.05)
    """What a synapse's steps within a presentation must sum up to before a device moves by a level; a smaller sum is
    forgotten. Without devices every step is taken at once."""
    window: float = 4.0
    """Largest |synaptic current| of a unit that learns."""
    dm: tuple[float, float] = (48e-4, 16e-4)
    """Growth of m, a presentation: four times the peer's."""
    cap: float = 10.0
    """Largest m."""
    traces: tuple[float, float, float] = (5.5, 2.25, 1.4)
    """Traces of inputs, hidden and output units from which m grows: those of the peer's network with float updates."""
    feedback: float = 0.15
    """Half width of the fixed feedback weights."""
    rate: float = 250.0
    """Of an input with value 1, in Hz."""
    label_rate: float = 100.0
    """Of the label's spikes, in Hz."""
    steps: int = 150
    """Of a presentation, 1 ms each."""

    def __post_init__(self) -> None:
        check_presentation(self, "w_max", "tau_ref")
        finites("alpha", self.alpha, 0, 1)
        finites("eta", self.eta, 0, LARGEST)
        finites("gather", self.gather, 0, LARGEST, above=True)
        if self.devices and (self.bits or any(self.alpha)):
            raise ValueError(
                f"devices move by whole levels: no bits and no drift with them, got {self.bits} and {self.alpha}."
            )
        if self.bits != 0:
            whole("bits, unless 0 for float,", self.bits, 2, 24)


PEER = TacosConfig(devices=Devices(), eta=(0.7, 0.007), dm=(12e-4, 4e-4))
"""The published constants of the peer's network with float updates (Zohora et al. 2024, split MNIST; no drift, no
neuromodulation)."""
PEER_FASHION = replace(PEER, gather=(0.8, 0.06), w_max=(4.0, 1.5), window=3.0, cap=14.0, traces=(2.8, 2.6, 1.7))
"""The same for split Fashion-MNIST."""


class Tacos(PresentedLearner):
    """Attributes: ``w``, ``reference``, ``m`` of the two layers, [before, after], ``r`` [before, after, device], of no
    device where weights are numbers, and ``turns`` [1]."""

    arrays = ("w", "reference", "m", "r", "turns")
    config: TacosConfig

    def __init__(self, inputs: int, classes: int, config: TacosConfig = TacosConfig(), seed: int = 0) -> None:
        super().__init__(inputs, classes, config, seed)
        rng = generator("initial weights", seed)
        first, second = (self._initial(k, rng) for k in range(2))
        self.r: Pair = (first[0], second[0])
        self.w: Pair = (first[1], second[1])
        self.reference: Pair = (self.w[0].copy(), self.w[1].copy())
        self.m: Pair = (np.zeros_like(self.w[0]), np.zeros_like(self.w[1]))
        self.turns = (np.zeros(1, np.int64), np.zeros(1, np.int64))

    def _initial(self, layer: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Resistances and weights of a layer."""
        shape, w_max, devices = self.shapes[layer], self.config.w_max[layer], self.config.devices
        if devices:
            r = devices.initial(shape, w_max, self.config.w_init, rng)
            return r, devices.weights(r, w_max)
        w = rng.uniform(-1, 1, shape) * min(self.config.w_init, w_max)
        return np.zeros((*shape, 0), np.float32), self._on_grid(w, layer)

    @property
    def bits(self) -> int:
        return self.config.devices.bits if self.config.devices else self.config.bits or 32

    def grid(self, layer: int) -> float:
        """Distance of two fixed-point weights; 0 for float32."""
        bits = self.config.bits
        return self.config.w_max[layer] / 2 ** (bits - 1) if bits else 0.0

    def _on_grid(self, w: np.ndarray, layer: int) -> NDArray[np.float32]:
        grid = self.grid(layer)
        return (np.round(w / grid) * grid if grid else w).astype(np.float32)

    def _show(
        self, samples: NDArray[np.float32], targets: NDArray[np.int64], key: int, counts: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        from neuromorph.local_rule import error_neurons, tacos  # loads numba

        c, made = self.config, self.config.devices or Devices()  # of no device none is ever written
        gather = c.gather if c.devices else (0.0, 0.0)
        chosen = (c.eta, c.alpha, (c.tau_ref, c.tau_ref), c.w_max, (self.grid(0), self.grid(1)), gather)
        rates = tuple(tacos.Rates(*v) for v in zip(*chosen, map(made.scale, c.w_max), strict=True))
        layers, thresholds = error_neurons.layers(c.window, c.dm, c.cap), np.array(c.traces, np.float32)
        cells = tuple(tacos.Cells(*one, made.table) for one in zip(self.r, self.turns, strict=True))
        fixed = (layers, rates, self.w, self.reference, self.m, cells, self.back, thresholds)
        shown = (samples * np.float32(c.rate / 1000), c.label_rate / 1000, c.steps, targets)
        return self._present(*fixed, *shown, (c.metaplastic, c.modulated), key, counts)

    @abstractmethod
    def _present(self, *arguments: Any) -> NDArray[np.int64]:
        """Output spikes [n, class], for arguments as of ``tacos_brian.present``."""


@final
class TacosLearner(Tacos):
    """Compiled loops."""

    def _present(self, *arguments: Any) -> NDArray[np.int64]:
        from neuromorph.local_rule import tacos

        show: Callable[..., NDArray[np.int64]] = tacos.present
        *fixed, chances, label_rate, steps, targets, switches, key, counts = arguments
        shown = zip(chances, targets, counts, strict=True)
        return np.stack([
            show(*fixed, chance, label_rate, steps, int(target), switches, np.uint32(key), np.uint32(count))
            for chance, target, count in shown
        ])  # fmt: skip


@final
class BrianTacosLearner(Tacos):
    """A Brian2 network."""

    together = 20  # building the network takes as long as some presentations

    def _present(self, *arguments: Any) -> NDArray[np.int64]:
        from neuromorph.local_rule import tacos_brian

        return tacos_brian.present(*arguments)[1].sum(1)


@final
class TorchTacosLearner(Tacos):
    """Plain torch on ``device``. Raises ``ValueError`` where torch cannot compute there."""

    together = 20

    def __init__(
        self, inputs: int, classes: int, config: TacosConfig = TacosConfig(), seed: int = 0, device: str = "cpu"
    ) -> None:
        from neuromorph.snn.device import checked_device

        super().__init__(inputs, classes, config, seed)
        self.device = checked_device(device)

    def _present(self, *arguments: Any) -> NDArray[np.int64]:
        from neuromorph.local_rule import tacos_torch

        show: Callable[..., tuple[NDArray[np.bool_], ...]] = tacos_torch.present
        return show(*arguments, self.device)[1].sum(1)


SUBSTRATES: Mapping[str, type[Tacos]] = {
    "compiled": TacosLearner,
    "torch": TorchTacosLearner,
    "brian2": BrianTacosLearner,
}


@final
@dataclass(frozen=True)
class TacosMethod:
    """One hidden layer, the first of those asked for; no parts. ``devices``: those of ``PEER``, and its constants.

    ``substrate``: compiled, torch or brian2.
    """

    metaplastic: bool = True
    drift: float = 0.0
    modulated: bool = False
    bits: int = 0
    devices: bool = False
    substrate: str = "compiled"

    def build(self, sizes: tuple[int, ...], seed: int, device: str, parts: tuple[str, ...]) -> Learner:
        """The learner for ``sizes``. Raises ``ValueError`` for parts, not one hidden layer, or another substrate."""
        check_presented("tacos", sizes, parts)
        if self.substrate not in SUBSTRATES:
            raise ValueError(f"tacos runs on no substrate '{self.substrate}': choose one of {', '.join(SUBSTRATES)}.")
        if self.modulated and not self.metaplastic:
            raise ValueError(
                "modulated=yes gates the growth of m, which metaplastic=no leaves without effect: leave it out."
            )
        finite("drift", self.drift, 0, 1)
        chosen: dict[str, Any] = {"hidden": sizes[1], "metaplastic": self.metaplastic, "alpha": (self.drift,) * 2}
        chosen |= {"modulated": self.modulated, "bits": self.bits}
        config = replace(PEER if self.devices else TacosConfig(), **chosen)
        more = {"device": device} if self.substrate == "torch" else {}
        return SUBSTRATES[self.substrate](sizes[0], sizes[2], config, seed, **more)


METHOD = TacosMethod


def example(inputs: int, classes: int, seed: int) -> tuple[type[Learner], dict[str, Any]]:
    """A small one with every mechanism, for the contract test."""
    config = TacosConfig(8, True, (0.01, 0.01), 10.0, True, (0.3, 0.3), bits=8, traces=(0.5, 0.2, 0.1), steps=60)
    return TacosLearner, {"inputs": inputs, "classes": classes, "config": config, "seed": seed}
