"""The Lava graphs of the local rules: learning, inference, and synapses that store patterns without a network.

learn       source -> PlasticDense -> LIFReset -> ErrorReadout -> PlasticDense
infer       source -> BatchedDense -> LIFReset -> recorder, many samples side by side
drives      source -> BatchedDense -> recorder, likewise
imprint     source -> Population

The neurons are Lava's own. Each function compiles one graph, streams all it is given through it and stops it. The
synapse delays by one step; in the spikes returned this lag is taken out. ``arithmetic``: a key of ``graphs.TAGS``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fusi_models import SynapseModel
from neuromorph.chip import NO_CURRENT_MEMORY
from neuromorph.lava.compat import running  # before any lava module
from neuromorph.lava.graphs import TAGS
from neuromorph.local_rule.layer import LayerRule

from lava.magma.core.run_configs import Loihi2SimCfg  # isort: skip
from lava.proc.lif.process import LIFReset  # isort: skip
from neuromorph.lava.processes.batched import BatchedDense  # isort: skip
from neuromorph.lava.processes.io import MessageSource, SpikeRecorder, shared_array  # isort: skip
from neuromorph.lava.processes.plastic import LAG, ErrorReadout, PlasticDense  # isort: skip
from neuromorph.lava.processes.population import Population  # isort: skip

BATCH = 64  # test samples side by side


def neurons(
    rule: LayerRule, inputs: int, shape: tuple[int, ...], arithmetic: str, interval: int = 0, layer: int = 0
) -> LIFReset:
    """Lava's own neurons, cleared when frame 0 of a presentation arrives at this ``layer`` (time steps count from 1).

    ``interval``: steps from one presentation to the next, num_steps if 0.
    """
    cleared = {"reset_interval": interval or rule.num_steps, "reset_offset": 1 + LAG + layer}
    if arithmetic == "fixed":
        dv, vth = rule.on_chip(inputs)
        return LIFReset(shape=shape, du=NO_CURRENT_MEMORY, dv=dv, vth=vth, **cleared)
    return LIFReset(shape=shape, du=1.0, dv=1 - rule.beta, vth=rule.tie_free_threshold(inputs), **cleared)


def run(process: Any, arithmetic: str, steps: int, read: Callable[[], None] = lambda: None) -> None:
    """Compile the graph of ``process``, run it for ``steps``, call ``read`` and stop it."""
    with running(process, Loihi2SimCfg(select_tag=TAGS[arithmetic])) as forward:
        forward(steps)
        read()


def learn(
    synapse: SynapseModel,
    states: np.ndarray,
    rule: LayerRule,
    raster: np.ndarray,
    labels: np.ndarray,
    seeds: tuple[int, ...],
    presented: int,
    arithmetic: str,
) -> np.ndarray:
    """Output spikes bool [n, time, replica, unit] of raster [n, time, replica, input] with labels [n, replica].

    ``states``: shared array [replica, unit, input, ...], changed by learning.
    """
    replicas, units, inputs = states.shape[:3]
    frames = raster.reshape(-1, replicas, inputs)
    spikes = shared_array(np.zeros((len(frames), replicas, units), bool))
    source = MessageSource(messages=frames)
    synapses = PlasticDense(synapse, states, rule, seeds, presented)
    lif = neurons(rule, inputs, (replicas, units), arithmetic)
    readout = ErrorReadout(labels, spikes, rule)
    source.s_out.connect(synapses.s_in)
    synapses.a_out.connect(lif.a_in)
    lif.s_out.connect(readout.s_in)
    readout.err_out.connect(synapses.err_in)
    run(source, arithmetic, len(frames) + LAG)
    return spikes.reshape(*raster.shape[:3], units)


def infer(efficacy: np.ndarray, rule: LayerRule, raster: np.ndarray, arithmetic: str) -> np.ndarray:
    """Output spikes as of ``learn``, without learning, for ``efficacy`` [replica, unit, input] +-1."""
    source, synapses, frames = _many(efficacy, raster)
    shape = (frames.shape[1], *efficacy.shape[:2])
    lif = neurons(rule, efficacy.shape[2], shape, arithmetic)
    recorder = SpikeRecorder(shape=shape, steps=len(frames), lag=LAG)
    synapses.a_out.connect(lif.a_in)
    lif.s_out.connect(recorder.s_in)
    run(source, arithmetic, len(frames) + LAG)
    return _apart(recorder.recorded, raster)


def drives(efficacy: np.ndarray, raster: np.ndarray, arithmetic: str) -> np.ndarray:
    """Drive summed over a presentation, int64 [n, replica, unit], for ``efficacy`` and ``raster`` as of ``infer``."""
    source, synapses, frames = _many(efficacy, raster)
    recorder = SpikeRecorder(shape=synapses.a_out.shape, steps=len(frames), lag=LAG, kind=np.int32)
    synapses.a_out.connect(recorder.s_in)
    run(source, arithmetic, len(frames) + LAG)
    return _apart(recorder.recorded, raster).sum(1, dtype=np.int64)


def _many(efficacy: np.ndarray, raster: np.ndarray) -> tuple[MessageSource, BatchedDense, np.ndarray]:
    """Source and synapses for many samples side by side, and the frames sent, [round * time, batch, replica, input]."""
    n, num_steps, replicas, inputs = raster.shape
    batch = min(BATCH, n)
    rounds = -(-n // batch)
    padded = np.concatenate([raster, np.zeros((rounds * batch - n, *raster.shape[1:]), bool)])
    # [round, batch, time, ...] -> [round * time, batch, ...]
    frames = padded.reshape(rounds, batch, num_steps, replicas, inputs).swapaxes(1, 2)
    frames = frames.reshape(-1, batch, replicas, inputs)
    source = MessageSource(messages=frames)
    largest = int(2 * inputs * np.abs(efficacy).max())
    synapses = BatchedDense(weights=2 * efficacy, weight_exp=-1, batch=batch, largest=largest)
    source.s_out.connect(synapses.s_in)
    return source, synapses, frames


def _apart(recorded: np.ndarray, raster: np.ndarray) -> np.ndarray:
    """What was recorded of the samples of ``raster``, [n, time, replica, unit]."""
    n, num_steps = raster.shape[:2]
    _, *shape = recorded.shape
    found = recorded.reshape(-1, num_steps, *shape).swapaxes(1, 2)
    return found.reshape(-1, num_steps, *shape[1:])[:n]


def imprint(model: SynapseModel, states: np.ndarray, events: np.ndarray, seed: int, arithmetic: str) -> np.ndarray:
    """Efficacies int8 [time, synapse] after each of ``events`` [time, synapse], from ``states`` [synapse, ...]."""
    efficacy = shared_array(np.zeros(events.shape, np.int8))
    source = MessageSource(messages=events)
    population = Population(model, states, efficacy, seed)
    source.s_out.connect(population.event_in)
    run(source, arithmetic, len(events))
    return np.array(efficacy)
