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

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neuromorph.importers.graph import INPUT, Connection, FloatGraph, Neurons, one_population
from neuromorph.importers.maps import Reshape, Scale
from neuromorph.importers.seal import check_seal

try:
    import nir
    from nir.serialization import read_node

    from neuromorph.importers.nir_nodes import MAPS, NEURONS, absent
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
    nodes, edges = _flat(graph.nodes, graph.edges) if isinstance(graph, nir.NIRGraph) else read_nodes(Path(graph))
    _check_edges(nodes, edges)
    return _Walk(nodes, edges, dt).graph()


@contextmanager
def told(path: str | PathLike[str]) -> Iterator[None]:
    """A file whose seal is broken, and what HDF5 and nir raise for one that is damaged or no graph: ValueError.

    Refusals in words, and a file that the system does not open (OSError with its number), stay as they are.
    """
    check_seal(path)
    try:
        yield
    except ValueError:
        raise
    except OSError as error:
        if error.errno is not None:
            raise
        raise ValueError(f"{path} is no NIR file, or is cut off ({error}): write one with nir.write") from error
    except Exception as error:  # h5py and nir raise a dozen kinds
        raise ValueError(
            f"{path} is HDF5 but holds no NIR graph, or is damaged ({type(error).__name__}: {error}): write one with "
            "nir.write"
        ) from error


def read_nodes(path: Path) -> tuple[Nodes, Edges]:
    """The nodes and edges of a file. Raises ValueError for one that is damaged or no graph."""
    import h5py

    with told(path), h5py.File(path) as file:
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
        self.populations = [name for name, node in nodes.items() if type(node) in NEURONS]
        inputs = [one for one in nodes if isinstance(nodes[one], nir.Input) and not self.before[one]]
        outputs = [one for one in nodes if isinstance(nodes[one], nir.Output) and not any(one == a for a, _ in edges)]
        if len(inputs) != 1 or len(outputs) != 1:
            ends = [
                f"{', '.join(sorted(each)) or 'no node'} as {what}"
                for each, what in ((inputs, "input"), (outputs, "output"))
            ]
            raise ValueError(
                f"the graph has {len(inputs)} inputs and {len(outputs)} outputs ({'; '.join(ends)}); one of each can "
                "be run: cut the nodes that lead to no output or get no input (nir gives them ends of their own)"
            )
        self.input, self.output = inputs[0], outputs[0]
        self.shapes: dict[str, tuple[int, ...]] = {}

    def graph(self) -> FloatGraph:
        shape = tuple(int(n) for n in self.nodes[self.input].input_type["input"])
        self.shapes[INPUT] = shape
        neurons, connections = [], []
        for name in self._order():
            terms = self._sources(name, ())
            self.shapes[name] = self._shape(name, terms)
            one, gain = NEURONS[type(self.nodes[name])](name, self.nodes[name], self.shapes[name], self.dt)
            neurons.append(one)
            after = () if gain is None else (Scale(gain),)
            for source, maps in terms:
                fitted = () if self._through((source, maps)) == one.shape else (Reshape(one.shape),)
                connections.append(Connection(source, name, (*maps, *fitted, *after)))
        ends = self._sources(self.output, ())
        last = ends[0][0]
        if any(source == INPUT for source, _ in ends):
            raise ValueError("the output is given the input through layers alone: end with a LIF, an IF or an LI")
        if len(ends) > 1:
            names = ", ".join(dict.fromkeys(repr(source) for source, _ in ends))
            raise ValueError(f"the output is given the spikes of {names}; one population can be read: give it one")
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
                    f"population: {one_population(*waiting[:2])}"
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
        maker = MAPS.get(type(node))
        if maker is None:
            raise ValueError(absent(name, node, self.dt))
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
