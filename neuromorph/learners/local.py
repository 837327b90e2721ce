"""What the local learners of all substrates share: states, rasters, read-out. A substrate adds two methods."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from fusi_models import SynapseModel
from neuromorph.learner import Learner
from neuromorph.local_rule.rule import LocalRule, encode, vote

INITIAL, TRANSITIONS = 7001, 7002  # salts: what a seed draws for one purpose is not drawn for another
TEST_SEED = 2**31  # rasters of test samples never repeat those of training


class LocalLearner(Learner):
    """One layer under the local rule of ``neuromorph.local_rule.rule``; mini-batch size 1, boundary-free.

    ``seeds``: one number for x [n, inputs], y [n]; or one number a replica for x [n, replica, inputs], y [n, replica]:
    replicas run side by side inside one network and never touch. A replica's initial states are those of a learner
    with its seed alone; the stochastic transitions of all replicas share one random stream.
    """

    def __init__(
        self,
        synapse: SynapseModel,
        inputs: int,
        classes: int,
        rule: LocalRule = LocalRule(),
        seeds: int | Sequence[int] = 0,
    ):
        self.synapse, self.inputs, self.classes, self.rule = synapse, inputs, classes, rule
        self.single = isinstance(seeds, int)
        self.seeds = (seeds,) if isinstance(seeds, int) else tuple(seeds)
        self.units = classes * rule.units_per_class
        self.presented = 0
        shape = (self.units, inputs)
        self._set_states(np.stack([synapse.init(shape, np.random.default_rng([s, INITIAL])) for s in self.seeds]))

    @property
    def description(self):
        return f"{type(self).__name__} {self.synapse} {self.rule} {self.seeds}"

    def transition_seed(self, presented: int = 0) -> int:
        """Seed of the synapses' random transitions from a number of presentations on."""
        return int(np.random.SeedSequence([*self.seeds, presented, TRANSITIONS]).generate_state(1)[0])

    @abstractmethod
    def states(self) -> np.ndarray:
        """Synaptic states, [replica, unit, input]."""

    @abstractmethod
    def _set_states(self, states: np.ndarray) -> None: ...

    @abstractmethod
    def _learn(self, raster: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Present raster [n, time, replica, input] with labels [n, replica], learn, and return ``spikes``."""

    @abstractmethod
    def spikes(self, raster: np.ndarray) -> np.ndarray:
        """Output spikes without learning, bool [n, time, replica, unit], of raster [n, time, replica, input]."""

    def present(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``partial_fit`` that returns the output spikes meanwhile, bool [n, time, replica, unit]."""
        x, y = self._checked(x, y)
        spikes = self._learn(self._raster(x, 0, self.presented), y)
        self.presented += len(x)
        return spikes

    def partial_fit(self, x, y):
        if len(x):
            self.present(x, y)

    def predict(self, x):
        x, _ = self._checked(x, None)
        if not len(x):
            return np.empty(x.shape[:1] if self.single else x.shape[:2], np.int64)
        classes = vote(self.spikes(self._raster(x, TEST_SEED, 0)).sum(1), self.rule)
        return classes[:, 0] if self.single else classes

    def state_dict(self) -> dict[str, Any]:
        return {"states": self.states(), "presented": self.presented}

    def load_state_dict(self, state):
        self._set_states(np.asarray(state["states"]))
        self.presented = int(state["presented"])

    def _raster(self, x: np.ndarray, salt: int, first: int) -> np.ndarray:
        rasters = [encode(x[:, r], self.rule, salt + seed, first) for r, seed in enumerate(self.seeds)]
        return np.stack(rasters, 2)

    def _checked(self, x: np.ndarray, y: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """x as [n, replica, input] and y as [n, replica]. Raises ``ValueError`` saying what was given."""
        x = np.asarray(x)
        wanted = (self.inputs,) if self.single else (len(self.seeds), self.inputs)
        if x.shape[1:] != wanted:
            raise ValueError(
                f"x has shape {x.shape}: give samples of shape {wanted}, that is [n, {', '.join(map(str, wanted))}]."
            )
        if not np.isfinite(x).all() or (len(x) and (x.min() < 0 or x.max() > 1)):
            raise ValueError("x must hold finite numbers between 0 and 1: scale it and remove NaN.")
        x = x[:, None] if self.single else x
        if y is None:
            return x, np.empty(0)
        y = np.asarray(y)
        if y.shape != ((len(x),) if self.single else x.shape[:2]):
            raise ValueError(f"y has shape {y.shape} but x has {len(x)} samples: give one label a sample and replica.")
        if not np.issubdtype(y.dtype, np.integer):
            raise ValueError(f"labels must be whole numbers, got {y.dtype}.")
        if len(y) and (y.min() < 0 or y.max() >= self.classes):
            raise ValueError(f"labels run from {y.min()} to {y.max()}: this learner has classes 0..{self.classes - 1}.")
        return x, y[:, None] if self.single else y
