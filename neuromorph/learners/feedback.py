"""Two layers of binary synapses under the local rule; the hidden one learns by fixed random feedback.

``FeedbackLearner`` computes in numpy, in the chip's integers; ``LavaFeedbackLearner`` learns and predicts inside a Lava
graph: source -> synapses -> LIFReset -> synapses -> LIFReset -> error, back to both synapses. Two blank frames after
each presentation let the error arrive before the next one begins. Boundary-free, mini-batch size 1.
"""

from typing import Any

import numpy as np

from fusi_models import SynapseModel
from fusi_models.models.integer import fixed_point
from neuromorph.lava.deployment import Deployment
from neuromorph.lava.reference import neuron
from neuromorph.lava.spec import LayerSpec, NetworkSpec
from neuromorph.learner import Learner
from neuromorph.learners.local import INITIAL, TRANSITIONS
from neuromorph.local_rule.random_feedback import Feedback, hidden_error
from neuromorph.local_rule.rule import LocalRule, encode, error, vote

BLANKS = 2


class FeedbackLearner(Learner):
    """``synapses``: of the hidden and of the output layer, taken in their fixed-point form; ``hidden``: neurons.

    x [n, inputs] in [0, 1], y [n] in 0..classes-1. ``margin`` of ``feedback`` large enough freezes the hidden layer.
    """

    def __init__(
        self,
        synapses: tuple[SynapseModel, SynapseModel],
        inputs: int,
        hidden: int,
        classes: int,
        rule: LocalRule = LocalRule(),
        feedback: Feedback | None = None,
        seed: int = 0,
    ):
        self.synapses = tuple(fixed_point(one) for one in synapses)
        self.rule, self.feedback, self.seed = rule, feedback or Feedback(seed=seed), seed
        self.sizes = (inputs, hidden, classes * rule.units_per_class)
        self.back = self.feedback.weights(*self.sizes[1:])
        self.presented = 0
        self._set_states(
            [
                one.init((n, fan_in), np.random.default_rng([seed, INITIAL, k]))
                for k, (one, fan_in, n) in enumerate(zip(self.synapses, self.sizes, self.sizes[1:], strict=False))
            ]
        )

    @property
    def spec(self) -> NetworkSpec:
        """The network as it is now, for a binary raster."""
        layers = tuple(
            LayerSpec(
                one.efficacy(state).astype(np.int8), self.rule.threshold(fan_in), round(4096 * (1 - self.rule.beta))
            )
            for one, state, fan_in in zip(self.synapses, self.states, self.sizes, strict=False)
        )
        return NetworkSpec(layers, self.rule.num_steps, input_bits=0)

    def partial_fit(self, x, y):
        if len(x):
            self._learn(encode(np.asarray(x), self.rule, self.seed, self.presented), np.asarray(y))
            self.presented += len(x)

    def predict(self, x):
        raster = encode(np.asarray(x), self.rule, self.seed).swapaxes(0, 1)
        return vote(self._spikes(raster.astype(np.float32)).sum(0), self.rule)

    def state_dict(self) -> dict[str, Any]:
        return {"states": [np.array(state) for state in self.states], "presented": self.presented}

    def load_state_dict(self, state):
        self._set_states([np.array(one) for one in state["states"]])
        self.presented = int(state["presented"])

    def _set_states(self, states: list[np.ndarray]) -> None:
        self.states = states

    def _spikes(self, raster: np.ndarray) -> np.ndarray:
        return Deployment(self.spec).reference(raster)

    def _seed(self, layer: int) -> tuple[int, ...]:
        return self.seed, TRANSITIONS, layer

    def _learn(self, raster: np.ndarray, labels: np.ndarray) -> None:
        """raster [n, time, input], labels [n]."""
        for k, (frames, label) in enumerate(zip(raster, labels, strict=True), self.presented):
            hidden = self._layer(0, frames)
            e = error(self._layer(1, hidden).sum(0), label, self.rule)
            back = hidden_error(e, hidden.sum(0), self.back, self.feedback.margin, self.rule.num_steps)
            for layer, (seen, errors) in enumerate(((frames, back), (hidden, e))):
                unit, source = np.nonzero((errors != 0)[:, None] & seen.any(0)[None, :])
                state, rng = self.states[layer], np.random.default_rng([*self._seed(layer), k])
                if len(unit):
                    state[unit, source] = self.synapses[layer].update(state[unit, source], errors[unit], rng)

    def _layer(self, layer: int, frames: np.ndarray) -> np.ndarray:
        """Spikes bool [time, neuron] of a layer for ``frames`` [time, input]."""
        activation = frames.astype(np.int64) @ self.synapses[layer].efficacy(self.states[layer]).T.astype(np.int64)
        v, spikes = np.zeros(activation.shape[1], np.int64), np.empty(activation.shape, bool)
        dv, vth = round(4096 * (1 - self.rule.beta)), self.rule.threshold(self.sizes[layer])
        for t, a in enumerate(activation):
            spikes[t], _, v = neuron(v, a, dv, vth)
        return spikes


class LavaFeedbackLearner(FeedbackLearner):
    """``FeedbackLearner`` inside a Lava graph. Raises ``ImportError`` with the remedy where Lava is missing."""

    def _set_states(self, states):
        from neuromorph.lava import compat  # noqa: F401  says how to install Lava where it is missing
        from neuromorph.lava.processes.io import shared_array

        self.states = [shared_array(state) for state in states]

    def _spikes(self, raster):
        return Deployment(self.spec).run(raster, engine="batched")

    def _learn(self, raster, labels):
        from neuromorph.lava.compat import running
        from neuromorph.lava.processes.io import MessageSource, shared_array
        from neuromorph.lava.processes.plastic import ErrorReadout, PlasticDense
        from neuromorph.lava.processes.random_feedback import RandomFeedback

        from lava.magma.core.run_configs import Loihi2SimCfg  # isort: skip
        from lava.proc.lif.process import LIFReset  # isort: skip

        n, steps, inputs = raster.shape
        period, lag = steps + BLANKS, len(self.synapses)
        frames = np.zeros((n, period, 1, inputs), bool)
        frames[:, :steps, 0] = raster
        source = MessageSource(messages=frames.reshape(-1, 1, inputs))
        layers, neurons, out = [], [], source.s_out
        for k, (one, state) in enumerate(zip(self.synapses, self.states, strict=True)):
            dense = PlasticDense(one, state[None], steps, self._seed(k), self.presented, period, lag)
            lif = LIFReset(
                shape=(1, len(state)),
                du=4095,
                dv=round(4096 * (1 - self.rule.beta)),
                vth=self.rule.threshold(self.sizes[k]),
                reset_interval=period,
                reset_offset=k + 2,
            )
            out.connect(dense.s_in)
            dense.a_out.connect(lif.a_in)
            out = lif.s_out
            layers.append(dense)
            neurons.append(lif)
        spikes = shared_array(np.zeros((n * period, 1, self.sizes[-1]), bool))
        readout = ErrorReadout(labels[:, None], spikes, self.rule, period, lag)
        back = RandomFeedback(self.back, 1, self.feedback.margin, steps, period, lag)
        out.connect(readout.s_in)
        readout.err_out.connect(layers[1].err_in)
        readout.err_out.connect(back.err_in)
        neurons[0].s_out.connect(back.s_in)
        back.err_out.connect(layers[0].err_in)
        with running(source, Loihi2SimCfg(select_tag="fixed_pt")) as run:
            run(n * period + lag)
