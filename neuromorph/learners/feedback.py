"""Two layers of binary synapses under the local rule; the hidden one learns by fixed random feedback.

``FeedbackLearner`` computes in numpy, in the chip's integers; ``LavaFeedbackLearner`` learns and predicts inside a Lava
graph (``neuromorph.lava.graphs.feedback``). Boundary-free, mini-batch size 1.
"""

from typing import Any

import numpy as np

from fusi_models import SynapseModel
from fusi_models.checks import count
from fusi_models.models.integer import fixed_point
from neuromorph.lava.deployment import Deployment
from neuromorph.lava.reference import neuron
from neuromorph.lava.spec import LayerSpec, NetworkSpec
from neuromorph.learners.local import RasterLearner, active_only, checked_synapse
from neuromorph.local_rule import chance
from neuromorph.local_rule.layer import LayerRule
from neuromorph.local_rule.random_feedback import Feedback, hidden_error
from neuromorph.local_rule.rule import LocalRule


class FeedbackLearner(RasterLearner):
    """``synapses``: of the hidden and of the output layer, taken in their fixed-point form; ``hidden``: neurons.

    x [n, inputs] in [0, 1], y [n] in 0..classes-1. ``margin`` of ``feedback`` large enough freezes the hidden layer.
    Raises ``ValueError`` for sizes below 1, what is no pair of synapse models, and a rule that the chip cannot hold.
    """

    def __init__(
        self,
        synapses: tuple[SynapseModel, SynapseModel],
        inputs: int,
        hidden: int,
        classes: int,
        rule: LayerRule = LocalRule(),
        feedback: Feedback | None = None,
        seed: int = 0,
    ):
        super().__init__(inputs, classes, active_only(rule), seed)
        if len(synapses) != 2:
            raise ValueError(f"synapses must name two models, of the hidden and the output layer, got {len(synapses)}.")
        self.given = tuple(map(checked_synapse, synapses))
        self.synapses = tuple(map(fixed_point, self.given))
        self.seed, self.feedback = self.seeds[0], feedback or Feedback(seed=self.seeds[0])
        self.sizes = (self.sources, count("hidden", hidden), self.units)
        self.neurons = [rule.on_chip(fan_in) for fan_in in self.sizes[:2]]
        self.back = self.feedback.weights(*self.sizes[1:])
        self._set_all_states(
            [
                one.init((n, fan_in), chance.initial_states(self.seed, layer))
                for layer, (one, fan_in, n) in enumerate(zip(self.synapses, self.sizes, self.sizes[1:], strict=False))
            ]
        )

    def configuration(self) -> dict[str, Any]:
        known = super().configuration()
        seed = known.pop("seeds")
        return {"synapses": self.given, "hidden": self.sizes[1], **known, "feedback": self.feedback, "seed": seed}

    @property
    def spec(self) -> NetworkSpec:
        """The network as it is now, for a binary raster."""
        layers = tuple(
            LayerSpec(one.efficacy(state).astype(np.int8), vth, dv)
            for one, state, (dv, vth) in zip(self.synapses, self.states, self.neurons, strict=True)
        )
        return NetworkSpec(layers, self.rule.num_steps, input_bits=0)

    def spikes(self, raster):
        found = self._infer(raster[:, :, 0].swapaxes(0, 1).astype(np.float32))  # time first
        return found.swapaxes(0, 1)[:, :, None]

    def _infer(self, raster: np.ndarray) -> np.ndarray:
        """Output spikes [time, n, unit] of raster [time, n, input]."""
        return Deployment(self.spec).reference(raster)

    def _all_states(self):
        return self.states

    def _set_all_states(self, states):
        self.states = [np.array(state) for state in states]

    def _learn(self, raster, labels):
        rule, spikes = self.rule, np.empty((*raster.shape[:2], 1, self.units), bool)
        for k, (frames, label) in enumerate(zip(raster[:, :, 0], labels[:, 0], strict=True)):
            hidden = self._layer(0, frames)
            spikes[k, :, 0] = self._layer(1, hidden)
            e = rule.error(spikes[k, :, 0].sum(0), label)
            back = hidden_error(e, hidden.sum(0), self.back, self.feedback.margin, rule.num_steps)
            self._transition(0, frames, back, self.presented + k)
            self._transition(1, hidden, e, self.presented + k)
        return spikes

    def _transition(self, layer: int, frames: np.ndarray, errors: np.ndarray, presented: int) -> None:
        """Send ``errors`` [neuron] to the synapses of a layer whose input has spiked in ``frames`` [time, input]."""
        unit, source = np.nonzero((errors != 0)[:, None] & frames.any(0)[None, :])
        if len(unit):
            state, rng = self.states[layer], chance.transitions(self.seeds, presented, layer)
            state[unit, source] = self.synapses[layer].update(state[unit, source], errors[unit], rng)

    def _layer(self, layer: int, frames: np.ndarray) -> np.ndarray:
        """Spikes bool [time, neuron] of a layer for ``frames`` [time, input]."""
        efficacy = self.synapses[layer].efficacy(self.states[layer]).astype(np.float64)
        activation = (frames @ efficacy.T).astype(np.int64)  # exact, and float64 uses BLAS
        v, spikes = np.zeros(activation.shape[1], np.int64), np.empty(activation.shape, bool)
        for t, a in enumerate(activation):
            spikes[t], _, v = neuron(v, a, *self.neurons[layer])
        return spikes


class LavaFeedbackLearner(FeedbackLearner):
    """``FeedbackLearner`` inside a Lava graph. Raises ``ImportError`` with the remedy where Lava is missing."""

    def _set_all_states(self, states):
        from neuromorph.lava import compat  # noqa: F401  says how to install Lava where it is missing
        from neuromorph.lava.processes.io import shared_array

        self.states = [shared_array(state) for state in states]

    def _infer(self, raster):
        return Deployment(self.spec).run(raster, engine="batched")

    def _learn(self, raster, labels):
        from neuromorph.lava.graphs.feedback import learn

        spikes = learn(
            self.synapses,
            self.states,
            self.back,
            self.feedback.margin,
            self.rule,
            raster[:, :, 0],
            labels[:, 0],
            self.seed,
            self.presented,
        )
        return spikes[:, :, None]
