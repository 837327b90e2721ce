"""Samples through the graphs of ``wiring.py``: spikes of every layer, and membranes.

Feed-forward samples stream through one graph, of which the batched one carries many side by side; the spikes that a
recurrent network sends itself outlive a reset, so that its samples run beside each other, once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.lava.compat import running  # before any lava module
from neuromorph.lava.graphs import TAGS
from neuromorph.lava.spec import NetworkSpec

from lava.magma.core.run_configs import Loihi2SimCfg  # isort: skip
from lava.proc.io.sink import Read  # isort: skip

from neuromorph.lava.graphs.wiring import Graph, batched_graph, stock_graph  # isort: skip

__all__ = [
    "Graph",
    "batched_graph",
    "last_membranes",
    "run_batched",
    "run_stock",
    "stock_graph",
    "stock_membranes",
]

WIDTH = 100  # samples that run side by side at most


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
    if spec.recurrent:
        return _in_parts(
            messages, lambda few: _copied(spec, few, record, arithmetic, timeout, "stock Lava" if progress else None)
        )
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
    width: int = WIDTH,
) -> dict[int, NDArray[np.bool_]]:
    """``run_stock`` with up to ``width`` samples side by side."""
    batch = len(messages)
    if batch == 0:
        return _nothing(spec, record)
    if spec.recurrent and batch > width:
        return _in_parts(messages, lambda few: run_batched(spec, few, record, arithmetic, timeout, progress), width)
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


def _in_parts(messages: NDArray[np.int32], run: Callable[..., Any], width: int = WIDTH) -> dict[int, NDArray[np.bool_]]:
    """What ``run`` records of up to ``width`` samples at a time, a graph each, put together."""
    parts = [run(messages[first : first + width]) for first in range(0, len(messages), width)]
    return {index: np.concatenate([part[index] for part in parts], axis=1) for index in parts[0]}


def _copied(
    spec: NetworkSpec,
    messages: NDArray[np.int32],
    record: set[int],
    arithmetic: str,
    timeout: float | None,
    label: str | None,
) -> dict[int, NDArray[np.bool_]]:
    """``run_stock`` with a copy of the network for each sample."""
    batch = len(messages)
    graph = stock_graph(spec, _beside(spec, messages), record, arithmetic, spec.hold, batch)
    _run(spec, graph, spec.num_steps, arithmetic, timeout, label)
    return {index: recorder.recorded.reshape(spec.num_steps, batch, -1) for index, recorder in graph.recorders.items()}


def _beside(spec: NetworkSpec, messages: NDArray[np.int32]) -> NDArray[np.int32]:
    """[row, sample * feature] of ``messages`` [sample, time, feature]."""
    rows = messages[:, :: spec.hold].swapaxes(0, 1)
    return rows.reshape(len(rows), -1)


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
    if spec.recurrent and len(messages) > WIDTH:
        parts = [messages[first : first + WIDTH] for first in range(0, len(messages), WIDTH)]
        return np.concatenate([last_membranes(spec, part, engine, timeout) for part in parts])
    if engine == "batched":
        rows, rounds = _side_by_side(spec, messages, WIDTH)
        graph = batched_graph(spec, rows, set(), hold=spec.hold)
    elif spec.recurrent:
        rounds, graph = 1, stock_graph(spec, _beside(spec, messages), set(), hold=spec.hold, copies=len(messages))
    else:
        rows, rounds = messages[:, :: spec.hold].reshape(-1, messages.shape[-1]), len(messages)
        graph = stock_graph(spec, rows, set(), hold=spec.hold)
    lag = spec.depths[-1]
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
    steps = []
    with running(graph.source, Loihi2SimCfg(select_tag=TAGS["fixed"])) as run:
        for _ in range(spec.num_steps + max(spec.depths)):
            run(1)
            steps.append([_our_order(lif.v.get().astype(np.int64)) for lif in graph.neurons])
    return [
        np.stack([steps[t + spec.depths[index + 1]][index] for t in range(spec.num_steps)])
        for index in range(len(spec.layers))
    ]


def _our_order(values: NDArray[Any]) -> NDArray[Any]:
    return values.transpose().ravel()


def _run(
    spec: NetworkSpec, graph: Graph, steps: int, arithmetic: str, timeout: float | None, label: str | None
) -> None:
    with running(graph.source, Loihi2SimCfg(select_tag=TAGS[arithmetic]), timeout, label) as run:
        run(steps + max(spec.depths))


def _nothing(spec: NetworkSpec, record: set[int]) -> dict[int, NDArray[np.bool_]]:
    return {index: np.empty((spec.num_steps, 0, spec.sizes[index + 1]), bool) for index in record}
