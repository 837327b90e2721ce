"""The Lava graphs of an integer network: source -> (synapses -> LIFReset) per layer -> recorder.

``stock_graph`` uses Lava's own Dense, which runs on the chip, and Conv, and streams one sample after another.
``batched_graph`` gives the neurons a batch axis and multiplies with ``BatchedDense``: the same spikes, faster on a
host.

Lava's fixed-point Conv ignores ``weight_exp`` and ``num_weight_bits`` and truncates nothing (Lava 0.10.0,
``PyConvModelFixed``), so it is given what the weights count, -1 and +1 at the usual exponent of -1; twice that, right
for Dense, would double the activation.

Every neuron of layer l (from 1) is reset at steps t = l + 1 (mod T), when a new sample first reaches it, so all samples
stream through one compiled graph without a gap, and what a bias did while the pipeline filled is forgotten. Source:
Lava 0.10.0, ``LIFReset``; the simulator and the chip delay every connection by one step, so an L-layer network answers
L steps late.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromorph.chip import DECAY_UNITY, NO_CURRENT_MEMORY, UNITS
from neuromorph.lava.compat import running  # before any lava module
from neuromorph.lava.convolution import LAVA_ORDER, lava_kernel
from neuromorph.lava.graphs import TAGS
from neuromorph.lava.spec import LayerSpec, NetworkSpec

from lava.magma.core.run_configs import Loihi2SimCfg  # isort: skip
from lava.proc.conv.process import Conv  # isort: skip
from lava.proc.dense.process import Dense  # isort: skip
from lava.proc.io.sink import Read  # isort: skip
from lava.proc.lif.process import LIFReset  # isort: skip
from neuromorph.lava.processes.batched import BatchedDense  # isort: skip
from neuromorph.lava.processes.io import MessageSource, SpikeRecorder  # isort: skip


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
    synapses = [
        _stock_synapses(layer, spec.message_bits if index == 0 else 0, arithmetic)
        for index, layer in enumerate(spec.layers)
    ]
    shapes = [_lava_shape(layer.shape) for layer in spec.layers]
    return _connected(spec, messages, synapses, shapes, record, arithmetic, hold)


def _stock_synapses(layer: LayerSpec, bits: int, arithmetic: str) -> Dense | Conv:
    if layer.image:
        return Conv(
            weight=lava_kernel(layer.weights.astype(np.int32) << (layer.weight_exp + 1)),
            input_shape=_lava_shape(layer.image),
            stride=layer.stride,
            padding=layer.padding,
            num_message_bits=bits,
        )
    if arithmetic == "fixed":
        return Dense(weights=layer.stored_weights, weight_exp=layer.weight_exp, num_message_bits=bits)
    return Dense(weights=layer.weights * 2.0 ** (layer.weight_exp + 1), num_message_bits=bits)


def _lava_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(reversed(shape))


def batched_graph(
    spec: NetworkSpec, messages: NDArray[np.int32], record: set[int], arithmetic: str = "fixed", hold: int = 1
) -> Graph:
    """The same network for ``messages`` [row, batch, feature]: as many samples at a time as the batch is wide."""
    batch = messages.shape[1]
    largest = [2 * layer.fan_in for layer in spec.layers]
    largest[0] *= spec.largest_message
    synapses = [
        BatchedDense(weights=2 * layer.matrix.astype(np.int32), weight_exp=layer.weight_exp, batch=batch, largest=bound)
        for layer, bound in zip(spec.layers, largest, strict=True)
    ]
    shapes = [(batch, layer.neurons) for layer in spec.layers]
    return _connected(spec, messages, synapses, shapes, record, arithmetic, hold)


def _connected(
    spec: NetworkSpec,
    messages: NDArray[np.int32],
    synapses: list[Any],
    shapes: Sequence[tuple[int, ...]],
    record: set[int],
    arithmetic: str,
    hold: int,
) -> Graph:
    """``shapes``: of the neurons of each layer as Lava numbers them."""
    source = MessageSource(messages=np.ascontiguousarray(messages), hold=hold)
    neurons, recorders = [], {}
    out = source.s_out
    for index, (layer, synapse, shape) in enumerate(zip(spec.layers, synapses, shapes, strict=True)):
        lif = LIFReset(
            shape=shape,
            **_neuron_values(layer, shape, arithmetic),
            reset_interval=spec.num_steps,
            reset_offset=index + 2,
        )
        _in_lavas_order(out, synapse.s_in.shape).connect(synapse.s_in)
        synapse.a_out.connect(lif.a_in)
        neurons.append(lif)
        flat = (*messages.shape[1:-1], layer.neurons)
        out = lif.s_out if shape == flat else lif.s_out.transpose(LAVA_ORDER).reshape(flat)
        if index in record:
            recorders[index] = SpikeRecorder(shape=flat, steps=len(messages) * hold, lag=index + 1)
            out.connect(recorders[index].s_in)
    return Graph(source, synapses, neurons, recorders)


def _in_lavas_order(port: Any, shape: tuple[int, ...]) -> Any:
    """A port of our numbering, channel first, as one of ``shape`` in Lava's."""
    return port if port.shape == shape else port.reshape(_lava_shape(shape)).transpose(LAVA_ORDER)


def _neuron_values(layer: LayerSpec, shape: tuple[int, ...], arithmetic: str) -> dict[str, Any]:
    fixed = arithmetic == "fixed"
    threshold, bias = (
        values if np.ndim(values) == 0 else _each_neuron(layer, values, shape)
        for values in (layer.threshold, layer.bias_mant if fixed else layer.bias / UNITS)
    )
    values = {"dv": layer.dv, "bias_exp": layer.bias_exp} if fixed else {"dv": layer.dv / DECAY_UNITY}
    return {"du": NO_CURRENT_MEMORY if fixed else 1.0, "vth": threshold, "bias_mant": bias, **values}


def _each_neuron(layer: LayerSpec, values: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    each = layer.each(values)
    if len(shape) == len(LAVA_ORDER):
        each = each.reshape(layer.shape).transpose(LAVA_ORDER)
    return np.broadcast_to(each, shape).copy()


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
        index: recorder.recorded.reshape(batch, spec.num_steps, -1).swapaxes(0, 1)
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
    rows, rounds = _side_by_side(spec, messages, width)
    width = rows.shape[1]
    graph = batched_graph(spec, rows, record, arithmetic, spec.hold)
    _run(spec, graph, rounds * spec.num_steps, arithmetic, timeout, "batched Lava" if progress else None)
    return {
        index: recorder.recorded.reshape(rounds, spec.num_steps, width, -1)
        .swapaxes(0, 1)
        .reshape(spec.num_steps, rounds * width, -1)[:, :batch]
        for index, recorder in graph.recorders.items()
    }


def _side_by_side(spec: NetworkSpec, messages: NDArray[np.int32], width: int) -> tuple[NDArray[np.int32], int]:
    """Rows [row, sample, feature] for the batched graph, the last round padded with zeros, and how many rounds."""
    rounds = -(-len(messages) // width)
    width = -(-len(messages) // rounds)
    rows = messages[:, :: spec.hold]
    padded = np.concatenate([rows, np.zeros((rounds * width - len(messages), *rows.shape[1:]), np.int32)])
    # [round, sample, row, feature] -> [round * row, sample, feature]
    return padded.reshape(rounds, width, *rows.shape[1:]).swapaxes(1, 2).reshape(-1, width, rows.shape[-1]), rounds


def last_membranes(
    spec: NetworkSpec, messages: NDArray[np.int32], engine: str = "stock", timeout: float | None = None
) -> NDArray[np.int64]:
    """Output membranes [batch, class] when each sample ends, after reset, which Lava's own ``Read`` reads meanwhile."""
    if len(messages) == 0:
        return np.empty((0, spec.sizes[-1]), np.int64)
    if engine == "stock":
        rows, rounds = messages[:, :: spec.hold].reshape(-1, messages.shape[-1]), len(messages)
        graph = stock_graph(spec, rows, set(), hold=spec.hold)
    else:
        rows, rounds = _side_by_side(spec, messages, 100)
        graph = batched_graph(spec, rows, set(), hold=spec.hold)
    lag = len(spec.layers)
    early = (lag - 1) // spec.num_steps + 1  # readings before the first sample has ended
    reader = Read(buffer=early + rounds, interval=spec.num_steps, offset=lag - 1)
    reader.connect_var(graph.neurons[-1].v)
    with running(graph.source, Loihi2SimCfg(select_tag=TAGS["fixed"]), timeout) as run:
        run(rounds * spec.num_steps + lag)
        read = reader.data.get()[..., early:].astype(np.int64)  # [class, sample] or [column, class, round]
    return np.moveaxis(read, -1, 0).reshape(-1, spec.sizes[-1])[: len(messages)]


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
            steps.append([_our_order(lif.v.get().astype(np.int64)) for lif in graph.neurons])
    return [np.stack([steps[t + index + 1][index] for t in range(spec.num_steps)]) for index in range(len(spec.layers))]


def _our_order(values: NDArray[Any]) -> NDArray[Any]:
    return values.transpose().ravel()


def _run(
    spec: NetworkSpec, graph: Graph, steps: int, arithmetic: str, timeout: float | None, label: str | None
) -> None:
    with running(graph.source, Loihi2SimCfg(select_tag=TAGS[arithmetic]), timeout, label) as run:
        run(steps + len(spec.layers))


def _nothing(spec: NetworkSpec, record: set[int]) -> dict[int, NDArray[np.bool_]]:
    return {index: np.empty((spec.num_steps, 0, spec.sizes[index + 1]), bool) for index in record}
