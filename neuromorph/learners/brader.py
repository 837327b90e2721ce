"""A classifier driven by spikes alone (Brader, Senn & Fusi 2007, Neural Comput. 19:2881), as a learner.

The layer of ``fusi_models.networks.spike_driven``, ``units_per_class`` output units a class. A value x in [0, 1]
becomes one input for every level, active where x exceeds it, and one for every off-level, active where x does not.
With ``contours`` each of an image's contours (``local_rule.contours``) is an input too.
Active inputs fire at ``high``, others at ``low`` Hz. The instructor of a unit drives it by ``own`` thresholds a second
if the unit stands for the label, by ``other`` if not, by ``test`` at test time. The class with most output spikes wins.

The hidden variable is X of the paper, or a chain in its place (``models.brader.Chain``). Between presentations the
network is at rest, so its whole memory is one small number a synapse. Levels and off-levels, rates of the
instructor and all constants in ``BraderConfig`` are ours.
"""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from fusi_models.models.brader import Gates, Hidden, Internal
from fusi_models.networks.spike_driven import KEYS, Circuit, poisson_events, present_rates
from fusi_models.seeds import integer
from neuromorph.learner import Learner, checked_labels, checked_samples, described
from neuromorph.local_rule import chance as draws
from neuromorph.local_rule.contours import contours, count

SUBSTRATES = ("compiled", "brian2-numpy", "brian2-cython")
TOGETHER = 500  # presentations in one call of the loops


@dataclass(frozen=True)
class BraderConfig:
    """What is learned with. Drives (own, other, test) in thresholds a second, high and low in Hz.

    The defaults were chosen on a validation part of the 8x8 digits' training images.
    Raises ``ValueError`` for no levels or units, rates that do not fit the step, or negative drives.
    """

    hidden: Hidden = Internal(up=0.17, down=0.065)
    circuit: Circuit = Circuit(Gates(up_low=5, up_high=7.5, down_low=2, down_high=5), weight=0.075)
    levels: tuple[float, ...] = (0.05, 0.2, 0.4, 0.6, 0.8)
    off_levels: tuple[float, ...] = (0.4,)
    units_per_class: int = 40
    high: float = 50.0
    low: float = 2.0
    own: float = 160.0
    other: float = 50.0
    test: float = 50.0
    contours: bool = False

    def __post_init__(self):
        if not (self.levels or self.contours) or self.units_per_class < 1:
            raise ValueError(f"give at least 1 level and 1 unit a class, got {self.levels} and {self.units_per_class}.")
        if not 0 <= self.low <= self.high < 1 / self.circuit.dt:
            raise ValueError(f"rates need 0 <= low <= high < {1 / self.circuit.dt:g} Hz, got {self.low}, {self.high}.")
        if min(self.own, self.other, self.test) < 0:
            raise ValueError(f"own, other and test must not be negative, got {self.own}, {self.other}, {self.test}.")


class BraderLearner(Learner):
    """``BraderConfig`` on a substrate: compiled, brian2-numpy or brian2-cython, all with the same spikes.

    Mini-batch size 1, boundary-free. Raises ``ValueError`` for an unknown substrate or bad samples.
    """

    def __init__(
        self,
        inputs: int,
        classes: int,
        config: BraderConfig = BraderConfig(),
        seed: int = 0,
        substrate: str = "compiled",
    ):
        if substrate not in SUBSTRATES:
            raise ValueError(f"There is no substrate '{substrate}' here: choose one of {', '.join(SUBSTRATES)}.")
        self.inputs, self.classes, self.config, self.seed, self.substrate = inputs, classes, config, seed, substrate
        self.units = classes * config.units_per_class
        self.sources = inputs * (len(config.levels) + len(config.off_levels))
        self.sources += count(inputs) if config.contours else 0
        self.presented = 0
        self.state = config.hidden.init((self.sources, self.units), draws.initial_states(seed))

    @property
    def description(self):
        names = ("inputs", "classes", "config", "seed", "substrate")
        return described(type(self).__name__, **{name: getattr(self, name) for name in names})

    def partial_fit(self, x, y):
        x = checked_samples(x, (self.inputs,))
        y = checked_labels(y, x.shape[:1], self.classes)
        if len(x):
            own = np.arange(self.units) // self.config.units_per_class == y[:, None]
            drive = np.where(own, self.config.own, self.config.other)
            _, self.state = self._present(x, drive, self.presented, learn=True)
            self.presented += len(x)

    def predict(self, x):
        return self.counts(x).argmax(1)

    def counts(self, x: np.ndarray) -> np.ndarray:
        """Output spikes of each class at test, int64 [n, class], of samples x [n, inputs]."""
        x = checked_samples(x, (self.inputs,))
        spikes, _ = self._present(x, np.full((len(x), self.units), self.config.test), 0, learn=False)
        return spikes.reshape(len(x), self.classes, self.config.units_per_class).sum(-1, dtype=np.int64)

    def state_dict(self) -> dict[str, Any]:
        return {"description": self.description, "state": self.state.copy(), "presented": self.presented}

    def load_state_dict(self, state):
        self.check_saved(state)
        found = np.asarray(state["state"])
        if found.shape != self.state.shape:
            raise ValueError(f"the state has shape {found.shape}, this learner's is {self.state.shape}.")
        self.state, self.presented = found.astype(np.int8), int(state["presented"])

    def encode(self, x: np.ndarray) -> np.ndarray:
        """Firing rates in Hz, [n, source], of samples x [n, inputs]."""
        config = self.config
        active = [x > level for level in config.levels] + [x <= level for level in config.off_levels]
        active += [contours(x)] if config.contours else []
        return np.where(np.concatenate(active, 1), config.high, config.low)

    def _present(self, x, drive, first: int, learn: bool) -> tuple[np.ndarray, np.ndarray]:
        """Spike counts [n, unit] and states after presentations ``first``... under the instructor's ``drive``."""
        circuit, state = self.config.circuit, self.state
        show = self._compiled if self.substrate == "compiled" else self._brian
        counts = [np.empty((0, self.units), np.int32)]
        for k in range(0, len(x), TOGETHER):
            part = slice(k, k + TOGETHER)
            chance = self.encode(x[part]) * circuit.dt
            keys = np.array([self._key(first + k + i, learn) for i in range(len(chance))])
            spikes, state = show(state, chance, drive[part], keys, learn)
            counts.append(spikes)
        return np.concatenate(counts), state

    def _compiled(self, state, chance, drive, keys, learn):
        return present_rates(self.config.circuit, self.config.hidden, state, chance, drive, keys, learn)

    def _brian(self, state, chance, drive, keys, learn):
        from fusi_models.networks.spike_driven_brian import BrianLayer

        circuit, hidden = self.config.circuit, self.config.hidden
        target = cast(Any, self.substrate.removeprefix("brian2-"))
        layer = BrianLayer(circuit, hidden, self.sources, self.units, target)
        events = [poisson_events(row, circuit.steps, key) for row, key in zip(chance, keys, strict=True)]
        spikes, state = layer.present(state, events, drive, keys, learn)
        return spikes.sum(1, dtype=np.int32), state

    def _key(self, number: int, learn: bool) -> int:
        """What names presentation ``number``: its spikes, starts and draws. Even in training, odd at test."""
        purpose = "spike-driven presentation" if learn else "spike-driven presentation at test"
        return integer(purpose, self.seed, number) % KEYS // 2 * 2 + (not learn)


def example(inputs: int, classes: int, seed: int) -> tuple[type[Learner], dict[str, Any]]:
    """A small one, for the contract test."""
    config = BraderConfig(levels=(0.4,), off_levels=(0.4,), units_per_class=2)
    return BraderLearner, {"inputs": inputs, "classes": classes, "config": config, "seed": seed}
