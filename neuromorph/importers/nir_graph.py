"""A NIR graph (Pedersen et al. 2024, Nat Commun 15:8122), an object or a file, as a ``FloatGraph``, stepped by dt.

Forward Euler, as snnTorch and Norse step it, with currents that are impulses of one step:
    LIF      tau v' = (v_leak - v) + r I               v <- (1 - dt/tau) v + (dt/tau) (v_leak + r I)
    CubaLIF  tau_syn i' = -i + w_in S besides          i <- (1 - dt/tau_syn) i + (dt/tau_syn) w_in S
    IF       v' = r I                                  v <- v + r I     (a step is the unit of time, as in snnTorch)
LI, CubaLI and I have no threshold. A factor that all inputs of a population share goes into its threshold. A recurrent
connection takes one step. Files are read node by node: nir's own check of types takes a kernel for a square one, and
refuses files of its own paper.
"""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neuromorph.importers.graph import INPUT, Connection, FloatGraph, Neurons
from neuromorph.importers.layers import plain
from neuromorph.importers.maps import Convolution, Full, Pool, Reshape, Scale

try:
    import nir
    from nir.serialization import read_node
except ModuleNotFoundError as error:
    raise ImportError("nir is not installed: run `uv pip install nir nirtorch`, or install the extra 'nir'.") from error

DT = 1e-4  # s, what snnTorch and others take

Nodes = dict[str, Any]
Edges = list[tuple[str, str]]


def from_graph(graph: nir.NIRGraph | str | PathLike[str], dt: float = DT) -> FloatGraph:
    """The floating-point network of a graph, or of a file.

    ``dt``: length of a step in s. Raises ValueError naming the node, the value found and what would work; OSError for
    a file that cannot be read.
    """
    nodes, edges = _flat(graph.nodes, graph.edges) if isinstance(graph, nir.NIRGraph) else _read(Path(graph))
    _check_edges(nodes, edges)
    return _Walk(nodes, edges, dt).graph()


def _read(path: Path) -> tuple[Nodes, Edges]:
    import h5py

    with h5py.File(path) as file:
        group = file.get("node")
        if group is None or "nodes" not in group:
            raise ValueError(f"{path} is HDF5 but holds no NIR graph (no node/nodes in it): write one with nir.write")
        nodes, edges = _group(group)
        return _flat(nodes, edges)


def _group(group: Any) -> tuple[Nodes, Edges]:
    nodes = {}
    for name, node in group["nodes"].items():
        kind = node["type"][()].decode()
        try:
            nodes[name] = _group(node) if kind == "NIRGraph" else read_node(node)
        except (KeyError, AssertionError, ValueError, AttributeError) as error:
            raise ValueError(f"node {name!r}, a {kind}, cannot be read: {error}") from error
    return nodes, [(a.decode(), b.decode()) for a, b in group["edges"][()]]


def _flat(nodes: Nodes, edges: Any, prefix: str = "") -> tuple[Nodes, Edges]:
    """Graphs within the graph opened; their inputs and outputs stay as nodes that do nothing."""
    flat: Nodes = {}
    joined = [(prefix + a, prefix + b) for a, b in edges]
    for name, node in nodes.items():
        inner = (node.nodes, node.edges) if isinstance(node, nir.NIRGraph) else node
        if not isinstance(inner, tuple):
            flat[prefix + name] = node
            continue
        whole = f"{prefix}{name}."
        inner_nodes, inner_edges = inner
        more, within = _flat(inner_nodes, inner_edges, whole)
        flat |= more
        ends = {kind: [one for one in more if isinstance(more[one], kind)] for kind in (nir.Input, nir.Output)}
        if any(len(one) != 1 for one in ends.values()):
            raise ValueError(f"node {prefix + name!r}, a graph, needs one Input and one Output")
        joined = [
            (ends[nir.Output][0] if a == prefix + name else a, ends[nir.Input][0] if b == prefix + name else b)
            for a, b in joined
        ] + within
    return flat, joined


def _check_edges(nodes: Nodes, edges: Edges) -> None:
    for edge in edges:
        for name in edge:
            if name not in nodes:
                raise ValueError(
                    f"an edge from {edge[0]!r} to {edge[1]!r} names {name!r}, which is no node of the graph; it has "
                    f"{', '.join(sorted(nodes))}: export it again, or rename the edge"
                )


class _Walk:
    """From every population back through the layers to the populations before it."""

    def __init__(self, nodes: Nodes, edges: Edges, dt: float) -> None:
        self.nodes, self.dt = nodes, dt
        self.before: dict[str, list[str]] = {name: [] for name in nodes}
        for a, b in dict.fromkeys(edges):
            self.before[b].append(a)
        self.populations = [name for name, node in nodes.items() if type(node) in _NEURONS]
        inputs = [one for one in nodes if isinstance(nodes[one], nir.Input) and not self.before[one]]
        outputs = [one for one in nodes if isinstance(nodes[one], nir.Output) and not any(one == a for a, _ in edges)]
        if len(inputs) != 1 or len(outputs) != 1:
            raise ValueError(f"the graph has {len(inputs)} inputs and {len(outputs)} outputs; one of each can be run")
        self.input, self.output = inputs[0], outputs[0]
        self.shapes: dict[str, tuple[int, ...]] = {}

    def graph(self) -> FloatGraph:
        shape = tuple(int(n) for n in self.nodes[self.input].input_type["input"])
        self.shapes[INPUT] = shape
        neurons, connections = [], []
        for name in self._order():
            terms = self._sources(name, ())
            self.shapes[name] = self._shape(name, terms)
            one, gain = _NEURONS[type(self.nodes[name])](name, self.nodes[name], self.shapes[name], self.dt)
            neurons.append(one)
            after = () if gain is None else (Scale(gain),)
            for source, maps in terms:
                fitted = () if self._through((source, maps)) == one.shape else (Reshape(one.shape),)
                connections.append(Connection(source, name, (*maps, *fitted, *after)))
        ends = self._sources(self.output, ())
        last = ends[0][0]
        if len(ends) > 1 or last == INPUT:
            raise ValueError(f"the output is given by {len(ends)} sources; one population can be read")
        about: tuple[str, ...] = ()
        if any(not isinstance(one, Reshape) for one in ends[0][1]):
            shape_out = self._through(ends[0])
            neurons.append(Neurons("readout", shape_out, torch.tensor(1.0), None, reset="none"))
            connections.append(Connection(last, "readout", ends[0][1]))
            about = ("readout: no neuron follows the last layer, its output is added up in a membrane",)
        elif neurons[-1].name != last:
            neurons.sort(key=lambda one: one.name == last)
        return FloatGraph(shape, tuple(neurons), tuple(connections), about)

    def _order(self) -> list[str]:
        """Populations, each after those that it needs within a step."""
        order: list[str] = []
        waiting = list(self.populations)
        needs = {name: {one for one in self._upstream(name, set()) if one not in (name, INPUT)} for name in waiting}
        while waiting:
            ready = [name for name in waiting if needs[name] <= set(order)]
            if not ready:
                raise ValueError(
                    f"{' and '.join(waiting[:2])} send spikes round in a circle; on the chip they would take a step a "
                    "population: only a population that sends to itself is run"
                )
            order += ready
            waiting = [name for name in waiting if name not in ready]
        return order

    def _upstream(self, name: str, seen: set[str]) -> set[str]:
        found: set[str] = set()
        for one in self.before[name]:
            if one in self.populations:
                found.add(one)
            elif one not in seen:
                found |= self._upstream(one, {*seen, one})
        return found

    def _sources(self, name: str, seen: tuple[str, ...]) -> list[tuple[str, tuple[Any, ...]]]:
        """(source, maps) of what node ``name`` is given; a bias comes along with the first source only."""
        found: list[tuple[str, tuple[Any, ...]]] = []
        for before in self.before[name]:
            if before in self.populations:
                found.append((before, ()))
            elif before == self.input:
                found.append((INPUT, ()))
            elif before in seen:
                raise ValueError(f"the layers {', '.join(seen)} form a circle without a neuron")
            else:
                inner = self._sources(before, (*seen, before))
                maps = [self._map(before, term) for term in inner]
                found += [
                    (source, (*given, *(one if k == 0 else [each.without_bias() for each in one])))
                    for k, ((source, given), one) in enumerate(zip(inner, maps, strict=True))
                ]
        if not found:
            raise ValueError(f"node {name!r} is given nothing")
        return found

    def _map(self, name: str, term: tuple[str, tuple[Any, ...]]) -> tuple[Any, ...]:
        node = self.nodes[name]
        if isinstance(node, nir.Input | nir.Output):
            return ()
        maker = _MAPS.get(type(node))
        if maker is None:
            known = ", ".join(one.__name__ for one in (*_MAPS, *_NEURONS))
            raise ValueError(f"node {name!r} is a {type(node).__name__}, which the chip has not; imported are {known}")
        return maker(f"node {name!r}", node, self._through(term))

    def _through(self, term: tuple[str, tuple[Any, ...]]) -> tuple[int, ...]:
        """Shape of what arrives; a population that is not reached yet has the shape of its own parameters."""
        source, maps = term
        own = self.nodes[source].r.shape if source not in self.shapes else self.shapes[source]
        x = torch.zeros(1, *own)
        for one in maps:
            x = one.apply(x)
        return tuple(x.shape[1:])

    def _shape(self, name: str, terms: list[tuple[str, tuple[Any, ...]]]) -> tuple[int, ...]:
        own = tuple(self.nodes[name].r.shape)
        arriving = self._through(next(term for term in terms if term[0] != name))
        size, given = int(np.prod(own)), int(np.prod(arriving))
        if size == given:
            return own
        if size == 1:
            return arriving
        raise ValueError(f"node {name!r} has {size} neurons of shape {own} but is given {arriving}")


def _tensor(node: Any, name: str, what: str, shape: tuple[int, ...]) -> Tensor:
    value = np.asarray(getattr(node, what))
    if value.size == 1:
        return plain(f"node {name!r}", what, float(value.reshape(())))
    return plain(f"node {name!r}", what, value).reshape(shape)


def _kept(node: Any, name: str, what: str, shape: tuple[int, ...], dt: float) -> Tensor:
    """1 - dt / tau, in float64 until then. Raises ValueError for a tau shorter than a step."""
    tau = np.asarray(getattr(node, what), np.float64)
    if np.isnan(tau).any() or (tau < dt * (1 - 1e-9)).any():
        raise ValueError(
            f"node {name!r}: {what} = {tau.min():g} s, shorter than a step of dt = {dt:g} s: give a dt of at most that"
        )
    beta = torch.as_tensor(np.maximum(1 - dt / tau, 0)).float()
    return beta.reshape(()) if beta.numel() == 1 else beta.reshape(shape)


def _units(
    name: str, node: Any, shape: tuple[int, ...], gain: Tensor, bias: Tensor, values: dict[str, Any]
) -> tuple[Neurons, Tensor | None]:
    """The population with a shared gain divided out of its threshold and bias; else the gain of its inputs."""
    fires = _fires(node)
    if fires and np.any(np.asarray(node.v_reset) != 0):
        wrong = np.asarray(node.v_reset).ravel()
        raise ValueError(
            f"node {name!r}: v_reset = {wrong[np.argmax(wrong != 0)]:g}; the chip resets to 0: shift v_leak, "
            "v_threshold and v_reset by it before the export"
        )
    threshold = _tensor(node, name, "v_threshold", shape) if fires else None
    if threshold is not None and threshold.min() < 0:
        raise ValueError(f"node {name!r}: v_threshold = {threshold.min():g}; the chip's is 0 or more")
    first = gain.flatten()[0]
    if torch.all(gain == first) and first > 0:
        threshold = None if threshold is None else threshold / first
        return Neurons(name, shape, threshold=threshold, bias=bias / first, **values), None
    return Neurons(name, shape, threshold=threshold, bias=bias, **values), gain


def _fires(node: Any) -> bool:
    """Whether the node's equation has a threshold."""
    return isinstance(node, nir.LIF | nir.CubaLIF | nir.IF)


def _lif(name: str, node: Any, shape: tuple[int, ...], dt: float) -> tuple[Neurons, Tensor | None]:
    beta = _kept(node, name, "tau", shape, dt)
    part = torch.as_tensor(dt / np.asarray(node.tau, np.float64)).float().reshape(beta.shape)
    gain, bias = _tensor(node, name, "r", shape) * part, _tensor(node, name, "v_leak", shape) * part
    reset = "zero" if _fires(node) else "none"
    return _units(name, node, shape, _near_one(gain), bias, {"beta": beta, "reset": reset})


def _cuba(name: str, node: Any, shape: tuple[int, ...], dt: float) -> tuple[Neurons, Tensor | None]:
    alpha, beta = _kept(node, name, "tau_syn", shape, dt), _kept(node, name, "tau_mem", shape, dt)
    parts = [
        torch.as_tensor(dt / np.asarray(tau, np.float64)).float().reshape(kept.shape)
        for tau, kept in ((node.tau_syn, alpha), (node.tau_mem, beta))
    ]
    gain = _tensor(node, name, "w_in", shape) * parts[0] * _tensor(node, name, "r", shape) * parts[1]
    bias = _tensor(node, name, "v_leak", shape) * parts[1]
    reset = "zero" if _fires(node) else "none"
    return _units(name, node, shape, _near_one(gain), bias, {"alpha": alpha, "beta": beta, "reset": reset})


def _integrator(name: str, node: Any, shape: tuple[int, ...], dt: float) -> tuple[Neurons, Tensor | None]:
    reset = "zero" if _fires(node) else "none"
    gain, values = _tensor(node, name, "r", shape), {"beta": torch.tensor(1.0), "reset": reset}
    return _units(name, node, shape, gain, torch.tensor(0.0), values)


def _near_one(gain: Tensor) -> Tensor:
    """Exactly 1 where only rounding of r dt / tau made it differ."""
    return torch.where((gain - 1).abs() < 1e-5, torch.ones_like(gain), gain)


_NEURONS: dict[type, Callable[..., tuple[Neurons, Tensor | None]]] = {
    nir.LIF: _lif,
    nir.LI: _lif,
    nir.CubaLIF: _cuba,
    nir.CubaLI: _cuba,
    nir.IF: _integrator,
    nir.I: _integrator,
}


def _full(name: str, node: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    if len(shape) != 1 or node.weight.shape[-1] != shape[0]:
        raise ValueError(
            f"{name} takes {node.weight.shape[-1]} inputs but is given {shape}: a Flatten(start_dim=0) belongs before"
        )
    bias = plain(name, "bias", node.bias) if isinstance(node, nir.Affine) and np.any(node.bias) else None
    return (Full(plain(name, "weight", node.weight), bias),)


def _convolution(name: str, node: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    flat = isinstance(node, nir.Conv1d)
    weight = plain(name, "weight", node.weight)
    channels, groups = weight.shape[1] * int(node.groups), int(node.groups)
    if len(shape) != weight.dim() - 1 or shape[0] != channels:
        raise ValueError(f"{name} takes {channels} channels but is given {shape}")
    stride, dilation = _two(node.stride, 1), _two(node.dilation, 1)
    weight = weight[:, :, None] if flat else weight
    padding = node.padding.decode() if isinstance(node.padding, bytes) else node.padding
    if isinstance(padding, str):
        spread = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
        if padding == "same" and any(n % 2 for n in spread):
            raise ValueError(f"{name}: padding='same' of an even kernel is not the same on both sides: give a number")
        zeros = (spread[0] // 2, spread[1] // 2) if padding == "same" else (0, 0)
    else:
        zeros = _two(padding, 0)
    bias = plain(name, "bias", node.bias) if np.any(node.bias) else None
    return (Convolution(weight, bias, stride, zeros, dilation, groups, flat),)


def _two(value: Any, first: int) -> tuple[int, int]:
    each = np.asarray(value, dtype=int).ravel()
    if isinstance(value, int | np.integer) or (each.size == 1 and np.ndim(value) == 0):
        return (int(each[0]), int(each[0]))
    return (int(each[0]), int(each[1])) if each.size == 2 else (first, int(each[0]))


def _pool(name: str, node: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    if len(shape) != 3:
        raise ValueError(f"{name} pools an image (channels, rows, columns) but is given {shape}")
    if np.any(node.padding):
        raise ValueError(
            f"{name}: padding = {np.asarray(node.padding).tolist()}; only pooling without padding is taken"
        )
    return (Pool(_two(node.kernel_size, 1), _two(node.stride, 1), isinstance(node, nir.AvgPool2d)),)


def _flatten(name: str, node: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    start, end = int(node.start_dim) % len(shape), int(node.end_dim) % len(shape)
    return (Reshape((*shape[:start], int(np.prod(shape[start : end + 1])), *shape[end + 1 :])),)


def _scale(name: str, node: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    scale = plain(name, "scale", node.scale)
    return (Scale(scale if scale.numel() == 1 else torch.broadcast_to(scale, shape)),)


_MAPS: dict[type, Callable[[str, Any, tuple[int, ...]], tuple[Any, ...]]] = {
    nir.Affine: _full,
    nir.Linear: _full,
    nir.Conv1d: _convolution,
    nir.Conv2d: _convolution,
    nir.SumPool2d: _pool,
    nir.AvgPool2d: _pool,
    nir.Flatten: _flatten,
    nir.Scale: _scale,
}
