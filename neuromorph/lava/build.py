"""The stock Lava graph of an integer network: source -> (Dense -> LIFReset) per layer -> recorder.

Every neuron of layer l (from 1) is reset at steps t = l + 1 (mod T), when a new sample first reaches it, so all samples
stream through one compiled graph without a gap. Source: Lava 0.10.0, ``LIFReset``; the simulator and the
chip delay every connection by one step, so an L-layer network answers L steps late.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromorph.lava.compat import running  # before any lava module
from neuromorph.lava.spec import NetworkSpec

from lava.magma.core.run_configs import Loihi2SimCfg  # isort: skip
from lava.proc.dense.process import Dense  # isort: skip
from lava.proc.lif.process import LIFReset  # isort: skip
from neuromorph.lava.processes.io import MessageSource, SpikeRecorder  # isort: skip

NO_CURRENT_MEMORY = 4095  # du; the chip adds 1, so that nothing of the current is kept


class StockGraph(NamedTuple):
    """The connected processes by layer, not yet compiled; ``recorders`` maps a layer (from 0) to its recorder."""

    source: MessageSource
    synapses: list[Dense]
    neurons: list[LIFReset]
    recorders: dict[int, SpikeRecorder]


def stock_graph(spec: NetworkSpec, messages: NDArray[np.int32], record: set[int]) -> StockGraph:
    """Connect the stock processes for ``messages`` [step, feature], recording the layers (from 0) in ``record``."""
    source = MessageSource(messages=messages)
    synapses, neurons, recorders = [], [], {}
    out = source.s_out
    for index, layer in enumerate(spec.layers):
        dense = Dense(
            weights=layer.stored_weights,
            weight_exp=layer.weight_exp,
            num_message_bits=spec.message_bits if index == 0 else 0,
        )
        lif = LIFReset(
            shape=(layer.weights.shape[0],),
            du=NO_CURRENT_MEMORY,
            dv=layer.dv,
            vth=layer.threshold,
            reset_interval=spec.num_steps,
            reset_offset=index + 2,
        )
        out.connect(dense.s_in)
        dense.a_out.connect(lif.a_in)
        out = lif.s_out
        synapses.append(dense)
        neurons.append(lif)
        if index in record:
            recorders[index] = SpikeRecorder(size=layer.weights.shape[0], steps=len(messages), lag=index + 1)
            out.connect(recorders[index].s_in)
    return StockGraph(source, synapses, neurons, recorders)


def run_stock(spec: NetworkSpec, messages: NDArray[np.int32], record: set[int]) -> dict[int, NDArray[np.bool_]]:
    """Spikes [time, batch, neuron] of the recorded layers for ``messages`` [batch, time, feature], in one run."""
    batch = len(messages)
    if batch == 0:
        return {index: np.empty((spec.num_steps, 0, spec.sizes[index + 1]), bool) for index in record}
    graph = stock_graph(spec, messages.reshape(batch * spec.num_steps, -1), record)
    with running(graph.source, Loihi2SimCfg(select_tag="fixed_pt")) as run:
        run(batch * spec.num_steps + len(spec.layers))
    return {
        index: recorder.recorded.reshape(batch, spec.num_steps, -1).swapaxes(0, 1).astype(bool)
        for index, recorder in graph.recorders.items()
    }
