"""Two plastic layers under the local rule, the hidden one taught by fixed random feedback.

source -> PlasticDense -> LIFReset -> PlasticDense -> LIFReset -> ErrorReadout, whose errors go back to the second
PlasticDense and through RandomFeedback to the first. ``BLANKS`` frames after each presentation let the error arrive
before the next one begins.
"""

from __future__ import annotations

import numpy as np

from fusi_models import SynapseModel
from neuromorph.lava.compat import running as running  # before any lava module
from neuromorph.lava.graphs.local_rule import neurons, run
from neuromorph.local_rule.layer import LayerRule

from neuromorph.lava.processes.io import MessageSource, shared_array  # isort: skip
from neuromorph.lava.processes.plastic import ErrorReadout, PlasticDense  # isort: skip
from neuromorph.lava.processes.random_feedback import RandomFeedback  # isort: skip

BLANKS = 2


def learn(
    synapses: tuple[SynapseModel, ...],
    states: list[np.ndarray],
    weights: np.ndarray,
    margin: int,
    rule: LayerRule,
    raster: np.ndarray,
    labels: np.ndarray,
    seed: int,
    presented: int,
) -> np.ndarray:
    """Output spikes bool [n, time, unit] of raster [n, time, input] with labels [n], in the chip's integers.

    ``synapses`` and ``states`` (shared arrays [neuron, input, ...], changed by learning) of both layers; ``weights``
    [hidden, unit] and ``margin`` of the feedback (``local_rule.random_feedback``).
    """
    n, steps, inputs = raster.shape
    period, lag = steps + BLANKS, len(synapses)
    frames = np.zeros((n, period, 1, inputs), bool)
    frames[:, :steps, 0] = raster
    source = MessageSource(messages=frames.reshape(-1, 1, inputs))
    plastic, out = [], [source.s_out]
    for layer, (synapse, state) in enumerate(zip(synapses, states, strict=True)):
        dense = PlasticDense(synapse, state[None], rule, (seed,), presented, period, lag, layer)
        lif = neurons(rule, state.shape[1], (1, len(state)), "fixed", period, layer)
        out[-1].connect(dense.s_in)
        dense.a_out.connect(lif.a_in)
        plastic.append(dense)
        out.append(lif.s_out)
    units = len(states[-1])
    spikes = shared_array(np.zeros((n * period, 1, units), bool))
    readout = ErrorReadout(labels[:, None], spikes, rule, period, lag)
    back = RandomFeedback(weights, 1, margin, steps, period, lag)
    out[2].connect(readout.s_in)
    readout.err_out.connect(plastic[1].err_in)
    readout.err_out.connect(back.err_in)
    out[1].connect(back.s_in)
    back.err_out.connect(plastic[0].err_in)
    run(source, "fixed", n * period + lag)
    return spikes.reshape(n, period, units)[:, :steps]
