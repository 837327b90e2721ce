"""What the local learners of all substrates share: samples, rasters, read-out, saved state. A substrate adds the rest.

``RasterLearner`` turns samples into spikes and votes; ``LocalLearner`` is one layer of synapses behind them.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fusi_models import SynapseModel
from fusi_models.checks import count
from fusi_models.seeds import whole
from neuromorph.learner import Learner, check_kind, checked_labels, checked_samples, described
from neuromorph.local_rule import chance
from neuromorph.local_rule.codes import encode
from neuromorph.local_rule.layer import LayerRule
from neuromorph.local_rule.rule import LocalRule
from neuromorph.metrics import Cost


class RasterLearner(Learner):
    """A learner of spike rasters whose output units vote; mini-batch size 1, boundary-free.

    ``seeds``: one number for x [n, inputs], y [n]; or one number a replica for x [n, replica, inputs], y [n, replica].
    Raises ``ValueError`` for sizes below 1, no seeds, and seeds that are no whole numbers from 0.
    """

    def __init__(self, inputs: int, classes: int, rule: LayerRule, seeds: int | Sequence[int]):
        check_kind("rule", rule, LayerRule)
        self.inputs, self.classes = count("inputs", inputs), count("classes", classes)
        self.rule, self.sources = rule, rule.sources(self.inputs)
        given: Any = seeds.tolist() if isinstance(seeds, np.ndarray) else seeds
        self.single = not isinstance(given, Sequence)
        self.seeds = tuple(whole(seed) for seed in ([given] if self.single else given))
        if not self.seeds:
            raise ValueError("seeds is empty: give one number, or one a replica.")
        self.units = self.classes * rule.units_per_class
        self.presented = 0

    def configuration(self) -> dict[str, Any]:
        """What was given to the constructor, by name."""
        seeds = self.seeds[0] if self.single else self.seeds
        return {"inputs": self.inputs, "classes": self.classes, "rule": self.rule, "seeds": seeds}

    @property
    def description(self):
        return described(type(self).__name__, **self.configuration())

    @abstractmethod
    def _all_states(self) -> list[np.ndarray]:
        """The synaptic states of every layer; not copied."""

    @abstractmethod
    def _set_all_states(self, states: list[np.ndarray]) -> None:
        """Go on from copies of these."""

    @abstractmethod
    def _learn(self, raster: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Present raster [n, time, replica, source] with labels [n, replica], learn, and return ``spikes``."""

    @abstractmethod
    def spikes(self, raster: np.ndarray) -> np.ndarray:
        """Output spikes without learning, bool [n, time, replica, unit], of raster [n, time, replica, source]."""

    def _teach(self, raster: np.ndarray, labels: np.ndarray) -> None:
        """``_learn`` where nobody asks for the spikes."""
        self._learn(raster, labels)

    def present(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``partial_fit`` that returns the output spikes meanwhile, bool [n, time, replica, unit]."""
        spikes = self._present(x, y, self._learn)
        return np.empty((0, self.rule.num_steps, len(self.seeds), self.units), bool) if spikes is None else spikes

    def partial_fit(self, x, y):
        self._present(x, y, self._teach)

    def _present(self, x: np.ndarray, y: np.ndarray, how: Callable[[np.ndarray, np.ndarray], Any]) -> Any:
        """What ``how`` returns of the raster of x with the labels y; None for no samples."""
        x, y = self._checked_pair(x, y)
        found = how(self._raster(x, self.presented, False), y) if len(x) else None
        self.presented += len(x)
        return found

    def predict(self, x):
        x = self._checked(x)
        if not len(x):
            return np.empty(x.shape[:1] if self.single else x.shape[:2], np.int64)
        classes = self.rule.vote(self._evidence(self._raster(x, 0, True)))
        return classes[:, 0] if self.single else classes

    def _evidence(self, raster: np.ndarray) -> np.ndarray:
        """What speaks for each unit, [n, replica, unit], of raster [n, time, replica, source]: its spikes."""
        return self.spikes(raster).sum(1)

    def cost(self, x):
        """Of one layer: a replica's input spikes times its units, and what the input code multiplies."""
        x = self._checked(x)
        raster, multiplied = self._raster(x, 0, True), self.rule.coder.multiplied(x.reshape(-1, self.inputs))
        samples, synapses = len(raster) * len(self.seeds), sum(s[0].size for s in self._all_states())
        spikes = self.spikes(raster).sum() / samples
        return Cost(synapses, synapses / 8, float(raster.sum()) / samples * self.units, multiplied, float(spikes))

    def state_dict(self) -> dict[str, Any]:
        states = [np.array(state) for state in self._all_states()]
        return {"description": self.description, "states": states, "presented": self.presented}

    def load_state_dict(self, state):
        self.check_saved(state)
        states, own = [np.asarray(one) for one in state["states"]], self._all_states()
        if [one.shape for one in states] != [one.shape for one in own]:
            shapes = [" and ".join(str(one.shape) for one in some) for some in (states, own)]
            raise ValueError(f"the saved states have shape {shapes[0]}, this learner's have {shapes[1]}.")
        self._set_all_states([one.astype(before.dtype) for one, before in zip(states, own, strict=True)])
        self.presented = int(state["presented"])

    def _raster(self, x: np.ndarray, first: int, testing: bool) -> np.ndarray:
        return np.stack([encode(x[:, r], self.rule, seed, first, testing) for r, seed in enumerate(self.seeds)], 2)

    def _checked(self, x: np.ndarray) -> np.ndarray:
        """x as [n, replica, input]. Raises ``ValueError`` saying what was given."""
        x = checked_samples(x, (self.inputs,) if self.single else (len(self.seeds), self.inputs))
        return x[:, None] if self.single else x

    def _checked_pair(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """x as [n, replica, input] and y as [n, replica]. Raises ``ValueError`` saying what was given."""
        x = self._checked(x)
        y = checked_labels(y, x.shape[:1] if self.single else x.shape[:2], self.classes)
        return x, y[:, None] if self.single else y


class LocalLearner(RasterLearner):
    """One layer under a local rule: ``neuromorph.local_rule.rule`` by default, or ``prototypes``.

    Several ``seeds`` are replicas that run side by side inside one network and never touch. A replica's initial states
    are those of a learner with its seed alone; the stochastic transitions of all replicas share one random stream.
    Raises ``ValueError`` for what is no synapse model, and as ``RasterLearner``.
    """

    def __init__(
        self,
        synapse: SynapseModel,
        inputs: int,
        classes: int,
        rule: LayerRule = LocalRule(),
        seeds: int | Sequence[int] = 0,
    ):
        super().__init__(inputs, classes, rule, seeds)
        self.synapse = checked_synapse(synapse)
        shape = (self.units, self.sources)
        self._set_states(np.stack([self.synapse.init(shape, chance.initial_states(seed)) for seed in self.seeds]))

    def configuration(self):
        return {"synapse": self.synapse, **super().configuration()}

    def transition_seed(self, presented: int = 0) -> int:
        """Seed of the synapses' random transitions from a number of presentations on."""
        return chance.transition_seed(self.seeds, presented)

    @abstractmethod
    def states(self) -> np.ndarray:
        """Synaptic states, [replica, unit, source, ...]; a copy."""

    @abstractmethod
    def _set_states(self, states: np.ndarray) -> None:
        """Go on from a copy of these."""

    @abstractmethod
    def drives(self, raster: np.ndarray) -> np.ndarray:
        """Summed drive sum w_ji s_i(t) over inputs and steps, without learning, [n, replica, unit] of a raster."""

    def _evidence(self, raster):
        return self.drives(raster) if self.rule.by_drive else super()._evidence(raster)

    def _all_states(self):
        return [self.states()]

    def _set_all_states(self, states):
        self._set_states(states[0])


def active_only(rule: LayerRule) -> LayerRule:
    """``rule``; raises ``ValueError`` where it sends events to synapses of silent inputs."""
    if rule.silent:
        raise ValueError(
            f"synapses of silent inputs receive no events here, as {type(rule).__name__} wants: take LocalRule, or "
            "BrianLearner, TorchLearner or LavaLearner."
        )
    return rule


def checked_synapse(synapse: SynapseModel) -> SynapseModel:
    """``synapse``; raises ``ValueError`` where it is no synapse model."""
    if not isinstance(synapse, SynapseModel):
        raise ValueError(f"synapse must be a synapse model such as fusi_models.cascade(5), got {synapse!r}.")
    return synapse
