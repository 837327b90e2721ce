"""The Lava graphs of an integer network: source -> (synapses -> LIFReset) per layer -> recorder.

``stock_graph`` uses Lava's own Dense, which runs on the chip, and Conv, and streams one sample after another.
``batched_graph`` gives the neurons a batch axis and multiplies with ``BatchedDense``: the same spikes, faster on a
host. A reset that stock Lava lacks takes ``OtherReset``, a process of this project, in both.

Lava's fixed-point Conv ignores ``weight_exp`` and ``num_weight_bits`` and truncates nothing (Lava 0.10.0,
``PyConvModelFixed``), so it is given what the weights count, W 2^(weight_exp + 1); the stored 2 W, right for Dense,
would double the activation.

Every neuron of a layer of depth d (from 1) is reset at steps t = d + 1 (mod T), when a new sample first reaches it, so
all samples stream through one compiled graph without a gap, and what a bias did while the pipeline filled is forgotten.
Source: Lava 0.10.0, ``LIFReset``; the simulator and the chip delay every connection by one step, so a network of depth
d answers d steps late, and a connection that skips layers takes Lava's ``DelayDense``. The spikes that a recurrent
network sends itself outlive a reset: its samples run side by side, as copies of the network in one ``Sparse`` matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

import neuromorph.lava.compat  # noqa: F401  before any lava module
from neuromorph.chip import DECAY_UNITY, UNITS
from neuromorph.lava.connection import ALWAYS, INPUT, Synapses
from neuromorph.lava.convolution import LAVA_ORDER, lava_kernel, pair
from neuromorph.lava.spec import LayerSpec, NetworkSpec

from lava.proc.conv.process import Conv  # isort: skip
from lava.proc.dense.process import Dense, DelayDense  # isort: skip
from lava.proc.lif.process import LIFReset  # isort: skip
from lava.proc.sparse.process import Sparse  # isort: skip
from neuromorph.lava.processes.batched import BatchedDense  # isort: skip
from neuromorph.lava.processes.io import MessageSource, SpikeRecorder  # isort: skip
from neuromorph.lava.processes.resets import OtherReset  # isort: skip


class Graph(NamedTuple):
    """The connected processes by layer, not yet compiled; ``recorders`` maps a layer (from 0) to its recorder."""

    source: MessageSource
    synapses: list[Any]
    neurons: list[LIFReset]
    recorders: dict[int, SpikeRecorder]


def stock_graph(
    spec: NetworkSpec,
    messages: NDArray[np.int32],
    record: set[int],
    arithmetic: str = "fixed",
    hold: int = 1,
    copies: int = 1,
) -> Graph:
    """Connect the stock processes for ``messages`` [row, feature], recording the layers (from 0) in ``record``.

    Each row stays for ``hold`` steps. ``arithmetic``: "fixed", the chip's integers, or "float". ``copies`` of the
    network side by side take messages [row, copies * feature].
    """

    def synapses(one: Synapses, bits: int, wait: int) -> Any:
        return _stock_synapses(one, bits, wait, arithmetic, copies)

    shapes = [_lava_shape(one.shape) if copies == 1 else (copies * one.neurons,) for one in spec.layers]
    return _connected(spec, messages, synapses, shapes, record, arithmetic, hold, copies)


def _stock_synapses(one: Synapses, bits: int, wait: int, arithmetic: str, copies: int) -> Dense | Conv | Sparse:
    if one.image and not wait and copies == 1:
        return Conv(
            weight=lava_kernel(one.weights.astype(np.int32) << (one.weight_exp + 1)),
            input_shape=_lava_shape(one.image),
            stride=_lava_shape(pair(one.stride)),
            padding=_lava_shape(pair(one.padding)),
            num_message_bits=bits,
        )
    fixed = arithmetic == "fixed"
    scale, exponent = (2, {"weight_exp": one.weight_exp}) if fixed else (2.0 ** (one.weight_exp + 1), {})
    matrix = one.matrix.astype(np.int32 if fixed else float) * scale
    if copies > 1:
        matrix = sparse.kron(sparse.identity(copies, matrix.dtype), matrix, "csr").astype(matrix.dtype)
    if wait:
        matrix = matrix.toarray() if sparse.issparse(matrix) else matrix
        return DelayDense(weights=matrix, delays=np.full(matrix.shape, wait), num_message_bits=bits, **exponent)
    if sparse.issparse(matrix):
        return Sparse(weights=matrix, num_message_bits=bits, **exponent)
    return Dense(weights=matrix, num_message_bits=bits, **exponent)


def _lava_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(reversed(shape))


def batched_graph(
    spec: NetworkSpec, messages: NDArray[np.int32], record: set[int], arithmetic: str = "fixed", hold: int = 1
) -> Graph:
    """The same network for ``messages`` [row, batch, feature]: as many samples at a time as the batch is wide."""
    batch = messages.shape[1]

    def synapses(one: Synapses, bits: int, wait: int) -> BatchedDense:
        sums = 2 * np.abs(one.weights.astype(np.int64)).reshape(len(one.weights), -1).sum(1).max()
        return BatchedDense(
            weights=2 * one.matrix.astype(np.int32),
            weight_exp=one.weight_exp,
            batch=batch,
            largest=int(sums) * (spec.largest_message if one.source == INPUT else 1),
            wait=wait,
        )

    shapes = [(batch, layer.neurons) for layer in spec.layers]
    return _connected(spec, messages, synapses, shapes, record, arithmetic, hold)


def _connected(
    spec: NetworkSpec,
    messages: NDArray[np.int32],
    synapses: Callable[[Synapses, int, int], Any],
    shapes: Sequence[tuple[int, ...]],
    record: set[int],
    arithmetic: str,
    hold: int,
    copies: int = 1,
) -> Graph:
    """``synapses``: a process of a connection, its message bits and the steps it waits; ``shapes``: of the neurons of
    each layer as Lava numbers them."""
    source = MessageSource(messages=np.ascontiguousarray(messages), hold=hold)
    neurons: list[LIFReset] = [
        _neurons(layer, shape, arithmetic, spec.num_steps, depth + 1, copies)
        for layer, shape, depth in zip(spec.layers, shapes, spec.depths[1:], strict=True)
    ]
    flat = [(*messages.shape[1:-1], copies * layer.neurons) for layer in spec.layers]
    outs = [source.s_out]
    for lif, one_flat in zip(neurons, flat, strict=True):
        outs.append(lif.s_out if lif.s_out.shape == one_flat else lif.s_out.transpose(LAVA_ORDER).reshape(one_flat))
    recorders, processes = {}, []
    for number, lif in enumerate(neurons, 1):
        for one in spec.synapses(number):
            inner = one.source not in (ALWAYS, number)
            wait = spec.depths[number] - spec.depths[one.source] - 1 if inner else 0
            process = synapses(one, spec.message_bits if one.source == INPUT else 0, wait)
            out = outs[one.source] if one.source != ALWAYS else _always(spec.depths[number], messages, copies).s_out
            _in_lavas_order(out, process.s_in.shape).connect(process.s_in)
            _in_lavas_order(process.a_out, lif.a_in.shape).connect(lif.a_in)
            processes.append(process)
        if number - 1 in record:
            recorder = SpikeRecorder(shape=flat[number - 1], steps=len(messages) * hold, lag=spec.depths[number])
            outs[number].connect(recorder.s_in)
            recorders[number - 1] = recorder
    return Graph(source, processes, neurons, recorders)


def _always(depth: int, messages: NDArray[np.int32], copies: int) -> MessageSource:
    """Spikes at every step that reaches a layer of ``depth`` with or after its first sample, and not before."""
    ones = np.ones((depth, *messages.shape[1:-1], copies), np.int32)
    ones[: depth - 1] = 0
    return MessageSource(messages=ones, forever=True)


def _neurons(
    layer: LayerSpec, shape: tuple[int, ...], arithmetic: str, interval: int, offset: int, copies: int
) -> LIFReset:
    values = _neuron_values(layer, shape, arithmetic, copies)
    values |= {"shape": shape, "reset_interval": interval, "reset_offset": offset}
    return LIFReset(**values) if layer.reset == "zero" else OtherReset(kind=layer.reset, **values)


def _in_lavas_order(port: Any, shape: tuple[int, ...]) -> Any:
    """A port of our numbering, channel first, as one of ``shape`` in Lava's."""
    return port if port.shape == shape else port.reshape(_lava_shape(shape)).transpose(LAVA_ORDER)


def _neuron_values(layer: LayerSpec, shape: tuple[int, ...], arithmetic: str, copies: int) -> dict[str, Any]:
    fixed = arithmetic == "fixed"
    dv, du = np.asarray(layer.dv), np.asarray(layer.du)
    values = {
        "vth": layer.threshold,
        "bias_mant": layer.bias_mant if fixed else layer.bias / UNITS,
        "dv": dv if fixed else dv / DECAY_UNITY,
        "du": du if fixed else (du + 1) / DECAY_UNITY,
    }
    each = {
        name: np.asarray(one).item() if np.ndim(one) == 0 else _each_neuron(layer, one, shape, copies)
        for name, one in values.items()
    }
    return {**each, **({"bias_exp": layer.bias_exp} if fixed else {})}


def _each_neuron(layer: LayerSpec, values: Any, shape: tuple[int, ...], copies: int) -> NDArray[Any]:
    each = np.tile(layer.each(values), copies)
    if len(shape) == len(LAVA_ORDER):
        each = each.reshape(layer.shape).transpose(LAVA_ORDER)
    return np.broadcast_to(each, shape).copy()
