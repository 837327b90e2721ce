"""The Lava graphs of an integer network: source -> (synapses -> LIFReset) per layer -> recorder.

``stock_graph`` uses Lava's own Dense, which runs on the chip, and streams one sample after another. ``batched_graph``
gives the neurons a batch axis and multiplies with ``BatchedDense``: the same spikes, faster on a host.

Every neuron of layer l (from 1) is reset at steps t = l + 1 (mod T), when a new sample first reaches it, so all samples
stream through one compiled graph without a gap, and what a bias did while the pipeline filled is forgotten. Source:
Lava 0.10.0, ``LIFReset``; the simulator and the chip delay every connection by one step, so an L-layer network answers
L steps late.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromorph.lava.compat import running  # before any lava module
from neuromorph.lava.spec import LayerSpec, NetworkSpec

from lava.magma.core.run_configs import Loihi2SimCfg  # isort: skip
from lava.proc.dense.process import Dense  # isort: skip
from lava.proc.lif.process import LIFReset  # isort: skip
from neuromorph.lava.processes.batched import BatchedDense  # isort: skip
from neuromorph.lava.processes.io import MessageSource, SpikeRecorder  # isort: skip

NO_CURRENT_MEMORY = 4095  # du; the chip adds 1, so that nothing of the current is kept
TAGS = {"fixed": "fixed_pt", "float": "floating_pt"}


class Graph(NamedTuple):
    """The connected processes by layer, not yet compiled; ``recorders`` maps a layer (from 0) to its recorder."""

    source: MessageSource
    synapses: list[Any]
    neurons: list[LIFReset]
    recorders: dict[int, SpikeRecorder]


def stock_graph(
    spec: NetworkSpec, messages: NDArray[np.int32], record: set[int], arithmetic: str = "fixed", hold: int = 1
) -> Graph:
    """Connect the stock processes for ``messages`` [row, feature], recording the layers (from 0) in ``record``.

    Each row stays for ``hold`` steps. ``arithmetic``: "fixed", the chip's integers, or "float".
    """
    synapses = []
    for index, layer in enumerate(spec.layers):
        bits = spec.message_bits if index == 0 else 0
        if arithmetic == "fixed":
            synapses.append(Dense(weights=layer.stored_weights, weight_exp=layer.weight_exp, num_message_bits=bits))
        else:
            scaled = layer.weights * 2.0 ** (layer.weight_exp + 1)
            synapses.append(Dense(weights=scaled, num_message_bits=bits))
    return _connected(spec, messages, synapses, record, arithmetic, hold)


def batched_graph(
    spec: NetworkSpec, messages: NDArray[np.int32], record: set[int], arithmetic: str = "fixed", hold: int = 1
) -> Graph:
    """The same network for ``messages`` [row, batch, feature]: as many samples at a time as the batch is wide."""
    batch = messages.shape[1]
    largest = [2 * layer.weights.shape[1] for layer in spec.layers]
    largest[0] *= spec.largest_message
    synapses = [
        BatchedDense(weights=layer.stored_weights, weight_exp=layer.weight_exp, batch=batch, largest=bound)
        for layer, bound in zip(spec.layers, largest, strict=True)
    ]
    return _connected(spec, messages, synapses, record, arithmetic, hold)


def _connected(
    spec: NetworkSpec,
    messages: NDArray[np.int32],
    synapses: list[Any],
    record: set[int],
    arithmetic: str,
    hold: int,
) -> Graph:
    source = MessageSource(messages=np.ascontiguousarray(messages), hold=hold)
    neurons, recorders = [], {}
    out = source.s_out
    for index, (layer, synapse) in enumerate(zip(spec.layers, synapses, strict=True)):
        shape = (*messages.shape[1:-1], len(layer.weights))
        lif = LIFReset(
            shape=shape,
            **_neuron_values(layer, shape, arithmetic),
            reset_interval=spec.num_steps,
            reset_offset=index + 2,
        )
        out.connect(synapse.s_in)
        synapse.a_out.connect(lif.a_in)
        out = lif.s_out
        neurons.append(lif)
        if index in record:
            recorders[index] = SpikeRecorder(shape=shape, steps=len(messages) * hold, lag=index + 1)
            out.connect(recorders[index].s_in)
    return Graph(source, synapses, neurons, recorders)


def _neuron_values(layer: LayerSpec, shape: tuple[int, ...], arithmetic: str) -> dict[str, Any]:
    if arithmetic == "fixed":
        bias = np.broadcast_to(layer.bias_mant, shape).astype(np.int32)
        return {
            "du": NO_CURRENT_MEMORY,
            "dv": layer.dv,
            "vth": layer.threshold,
            "bias_mant": bias,
            "bias_exp": layer.bias_exp,
        }
    return {
        "du": 1.0,
        "dv": layer.dv / 4096,
        "vth": layer.threshold,
        "bias_mant": np.broadcast_to(layer.bias / 64, shape).copy(),
    }


def run_stock(
    spec: NetworkSpec,
    messages: NDArray[np.int32],
    record: set[int],
    arithmetic: str = "fixed",
    timeout: float | None = None,
    progress: bool = False,
) -> dict[int, NDArray[np.bool_]]:
    """Spikes [time, batch, neuron] of the recorded layers for ``messages`` [batch, time, feature], in one run.

    Raises TimeoutError where ``timeout`` seconds do not suffice.
    """
    batch = len(messages)
    if batch == 0:
        return _nothing(spec, record)
    rows = messages[:, :: spec.hold].reshape(-1, messages.shape[-1])
    graph = stock_graph(spec, rows, record, arithmetic, spec.hold)
    _run(spec, graph, batch * spec.num_steps, arithmetic, timeout, "stock Lava" if progress else None)
    return {
        index: recorder.recorded.reshape(batch, spec.num_steps, -1).swapaxes(0, 1).astype(bool)
        for index, recorder in graph.recorders.items()
    }


def run_batched(
    spec: NetworkSpec,
    messages: NDArray[np.int32],
    record: set[int],
    arithmetic: str = "fixed",
    timeout: float | None = None,
    progress: bool = False,
    width: int = 100,
) -> dict[int, NDArray[np.bool_]]:
    """``run_stock`` with up to ``width`` samples side by side."""
    batch = len(messages)
    if batch == 0:
        return _nothing(spec, record)
    rounds = -(-batch // width)
    width = -(-batch // rounds)
    rows = messages[:, :: spec.hold]
    padded = np.concatenate([rows, np.zeros((rounds * width - batch, *rows.shape[1:]), np.int32)])
    # [round, sample, row, feature] -> [round * row, sample, feature]
    rows = padded.reshape(rounds, width, *rows.shape[1:]).swapaxes(1, 2).reshape(-1, width, rows.shape[-1])
    graph = batched_graph(spec, rows, record, arithmetic, spec.hold)
    _run(spec, graph, rounds * spec.num_steps, arithmetic, timeout, "batched Lava" if progress else None)
    return {
        index: recorder.recorded.reshape(rounds, spec.num_steps, width, -1)
        .swapaxes(0, 1)
        .reshape(spec.num_steps, rounds * width, -1)[:, :batch]
        .astype(bool)
        for index, recorder in graph.recorders.items()
    }


def stock_membranes(spec: NetworkSpec, messages: NDArray[np.int32]) -> list[NDArray[np.int64]]:
    """Membranes after reset [time, neuron] of every layer for one sample, ``messages`` [time, feature], on stock Lava.

    Read step by step, one scalar a message: for a figure, not for a data set.
    """
    graph = stock_graph(spec, messages, set())
    lag = len(spec.layers)
    steps = []
    with running(graph.source, Loihi2SimCfg(select_tag=TAGS["fixed"])) as run:
        for _ in range(spec.num_steps + lag):
            run(1)
            steps.append([lif.v.get().astype(np.int64) for lif in graph.neurons])
    return [np.stack([steps[t + index + 1][index] for t in range(spec.num_steps)]) for index in range(len(spec.layers))]


def _run(
    spec: NetworkSpec, graph: Graph, steps: int, arithmetic: str, timeout: float | None, label: str | None
) -> None:
    with running(graph.source, Loihi2SimCfg(select_tag=TAGS[arithmetic]), timeout, label) as run:
        run(steps + len(spec.layers))


def _nothing(spec: NetworkSpec, record: set[int]) -> dict[int, NDArray[np.bool_]]:
    return {index: np.empty((spec.num_steps, 0, spec.sizes[index + 1]), bool) for index in record}
