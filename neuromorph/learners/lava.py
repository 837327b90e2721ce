"""The local rule on Lava: synapses learn inside the running process network.

Raster -> PlasticDense -> LIFReset -> ErrorReadout -> PlasticDense. A call of ``partial_fit`` is one compiled run that
streams all its samples; the neurons are Lava's own. Spikes are those of the other substrates, one step later (the
synapse's delay); the recorded raster has the lag taken out.
"""

from collections.abc import Callable, Sequence

import numpy as np

from fusi_models import SynapseModel
from fusi_models.models.integer import fixed_point
from neuromorph.learners.local import INITIAL, TRANSITIONS, LocalLearner
from neuromorph.local_rule.rule import LocalRule

ARITHMETIC = ("fixed", "float")
BATCH = 64  # test samples side by side


class LavaLearner(LocalLearner):
    """``LocalLearner`` on Lava.

    ``arithmetic``: ``fixed`` is the chip's (integer membranes, integer synaptic states: hidden weights of
    ``state_bits`` bits, transition probabilities of 16 bits); ``float`` runs Lava's floating-point models.
    Raises ``ValueError`` for unknown arithmetic, ``ImportError`` with the remedy where Lava is not installed.
    """

    def __init__(
        self,
        synapse: SynapseModel,
        inputs: int,
        classes: int,
        rule: LocalRule = LocalRule(),
        seeds: int | Sequence[int] = 0,
        arithmetic: str = "fixed",
        state_bits: int = 12,
    ):
        if arithmetic not in ARITHMETIC:
            raise ValueError(f"There is no Lava arithmetic '{arithmetic}': choose one of {', '.join(ARITHMETIC)}.")
        from neuromorph.lava import compat  # noqa: F401  says how to install Lava where it is missing

        self.fixed = arithmetic == "fixed"
        super().__init__(fixed_point(synapse, state_bits) if self.fixed else synapse, inputs, classes, rule, seeds)

    def states(self):
        return np.array(self._states)

    def _set_states(self, states):
        from neuromorph.lava.processes.io import shared_array

        self._states = shared_array(states)

    def _learn(self, raster, labels):
        from neuromorph.lava.processes.io import MessageSource, shared_array
        from neuromorph.lava.processes.plastic import ErrorReadout, PlasticDense

        frames = raster.reshape(-1, *raster.shape[2:])
        spikes = shared_array(np.zeros((*frames.shape[:2], self.units), bool))
        source = MessageSource(messages=frames)
        synapses = PlasticDense(
            self.synapse, self._states, self.rule.num_steps, (*self.seeds, TRANSITIONS), self.presented
        )
        neurons = self._lif(spikes.shape[1:])
        readout = ErrorReadout(labels, spikes, self.rule)
        source.s_out.connect(synapses.s_in)
        synapses.a_out.connect(neurons.a_in)
        neurons.s_out.connect(readout.s_in)
        readout.err_out.connect(synapses.err_in)
        self._run(source, len(frames))
        return spikes.reshape(*raster.shape[:3], self.units)

    def spikes(self, raster):
        from neuromorph.lava.processes.io import MessageSource, SpikeRecorder
        from neuromorph.lava.processes.plastic import LAG, BatchDense

        n, num_steps, replicas, _ = raster.shape
        batch = min(BATCH, n)
        rounds = -(-n // batch)
        padded = np.concatenate([raster, np.zeros((rounds * batch - n, *raster.shape[1:]), bool)])
        # [round, batch, time, ...] -> [round * time, batch, ...]
        frames = (
            padded.reshape(rounds, batch, num_steps, replicas, -1)
            .swapaxes(1, 2)
            .reshape(-1, batch, replicas, self.inputs)
        )
        shape = (batch, replicas, self.units)
        source, neurons = MessageSource(messages=frames), self._lif(shape)
        recorder = SpikeRecorder(shape=shape, steps=len(frames), lag=LAG)
        synapses = BatchDense(self.synapse.efficacy(self.states()), batch)
        source.s_out.connect(synapses.s_in)
        synapses.a_out.connect(neurons.a_in)
        neurons.s_out.connect(recorder.s_in)
        self._run(source, len(frames))
        return (
            recorder.recorded.reshape(rounds, num_steps, batch, replicas, -1)
            .swapaxes(1, 2)
            .reshape(-1, num_steps, replicas, self.units)[:n]
        )

    def _lif(self, shape: tuple[int, ...], interval: int | None = None):
        """Lava's own neuron, its membrane cleared when frame 0 of a presentation arrives (time steps count from 1)."""
        from lava.proc.lif.process import LIFReset

        from neuromorph.lava.processes.plastic import LAG

        rule = self.rule
        cleared = {"reset_interval": interval or rule.num_steps, "reset_offset": 1 + LAG}
        if self.fixed:
            return LIFReset(
                shape=shape, du=4095, dv=int(4096 * (1 - rule.beta)), vth=rule.threshold(self.inputs), **cleared
            )
        return LIFReset(shape=shape, du=1.0, dv=1 - rule.beta, vth=rule.tie_free_threshold(self.inputs), **cleared)

    def _run(self, source, frames: int, read: Callable[[], None] = lambda: None) -> None:
        from lava.magma.core.run_configs import Loihi2SimCfg

        from neuromorph.lava.compat import running
        from neuromorph.lava.processes.plastic import LAG

        with running(source, Loihi2SimCfg(select_tag="fixed_pt" if self.fixed else "floating_pt")) as run:
            run(frames + LAG)
            read()


def imprint(synapse: SynapseModel, events: np.ndarray, seed: int, arithmetic: str = "fixed") -> np.ndarray:
    """Efficacies int8 [time, synapse] right after each of ``events`` [time, synapse] in {-1, +1}, in a Lava process."""
    from lava.magma.core.run_configs import Loihi2SimCfg

    from neuromorph.lava.compat import running
    from neuromorph.lava.processes.io import MessageSource, shared_array
    from neuromorph.lava.processes.plastic import Population

    model = fixed_point(synapse) if arithmetic == "fixed" else synapse
    efficacy = shared_array(np.zeros(events.shape, np.int8))
    source = MessageSource(messages=events)
    population = Population(model, model.init(events.shape[1:], np.random.default_rng([seed, INITIAL])), efficacy, seed)
    source.s_out.connect(population.event_in)
    with running(source, Loihi2SimCfg(select_tag="fixed_pt" if arithmetic == "fixed" else "floating_pt")) as run:
        run(len(events))
    return np.array(efficacy)
