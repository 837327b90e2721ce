"""A ``FloatGraph`` as a NIR graph, or a sentence that says which part of it NIR has no word for.

v <- beta v + I is  tau = dt / (1 - beta), r = tau / dt, v_leak = v_reset = 0; a current that remembers besides has
tau_syn = dt / (1 - alpha), w_in = tau_syn / dt. What a membrane is given at every step goes into the bias of the layer
before it, and a factor of every channel into its weights. A recurrent population is named as snnTorch reads it:
``layer_1.lif`` and ``layer_1.w_rec``.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

import nir
import numpy as np
import torch
from numpy.typing import NDArray

from neuromorph.importers.graph import INPUT, FloatGraph, Neurons
from neuromorph.importers.maps import Convolution, Full, Pool, Reshape, Scale

DT = 1e-4  # s, what snnTorch and others take


def written(graph: FloatGraph, metadata: dict[str, Any] | None = None) -> nir.NIRGraph:
    """The NIR graph of ``graph``; ``metadata`` goes into its Input node. Raises ValueError naming the population."""
    first = nir.Input({"input": np.array(graph.input_shape)})
    first.metadata = metadata or {}
    nodes: dict[str, Any] = {"input": first}
    edges: list[tuple[str, str]] = []
    loops = {one.source for one in graph.connections if one.source == one.target}
    names = {INPUT: "input"}
    for number, one in enumerate(graph.neurons, 1):
        names[one.name] = f"layer_{number}.lif" if one.name in loops else f"neurons_{number}"
    for number, one in enumerate(graph.neurons, 1):
        left = one.bias.any()  # what the membrane is given, which one of its layers takes along
        back = _recurrent_bias(graph, one)
        for place, connection in enumerate(graph.into(one.name)):
            own = connection.source == one.name
            maps = [each.without_bias() for each in connection.maps] if own else list(connection.maps)
            if back.any() and not own:
                maps, back = [*maps, Scale(torch.tensor(1.0), back)], torch.tensor(False)
            if left and not own and not one.alpha.any():
                maps, left = [*maps, Scale(torch.tensor(1.0), one.bias)], torch.tensor(False)
            mark = f"_{place + 1}" if place and not own else ""
            chain = _layers(one.name, _folded(one.name, maps), graph.shape(connection.source))
            end = names[connection.source]
            for step, node in enumerate(chain):
                word = "flat" if isinstance(node, nir.Flatten) else "weights"
                name = f"layer_{number}.w_rec" if own else f"{word}_{number}{mark}"
                name = name if name not in nodes else f"{name}_{step}"
                nodes[name] = node
                edges.append((end, name))
                end = name
            edges.append((end, names[one.name]))
        if left:
            raise ValueError(f"{one.name}: NIR has no word for a bias of a membrane beside a current that remembers")
        nodes[names[one.name]] = _neurons(one)
    nodes["output"] = nir.Output({"output": np.array(graph.neurons[-1].shape)})
    edges.append((names[graph.neurons[-1].name], "output"))
    return nir.NIRGraph(nodes, edges, metadata={"made_by": "neuromorph"})


def _recurrent_bias(graph: FloatGraph, one: Neurons) -> torch.Tensor:
    """What the biases of a population's layers to itself give it at every step: another layer takes them along, because
    Norse runs a recurrent layer from the second step on."""
    total = torch.zeros(one.shape)
    for connection in graph.into(one.name):
        if connection.source == one.name:
            x = torch.zeros(1, *one.shape)
            for each in connection.maps:
                x = each.apply(x)
            total = total + x[0].reshape(one.shape)
    return total


def unit_resistance(graph: nir.NIRGraph) -> nir.NIRGraph:
    """The same network with r = 1 in every LIF and LI, their potentials divided by r, for simulators that drop r.

    With w = v / r, tau v' = v_leak - v + r I is tau w' = v_leak / r - w + I. Norse 1.1.0 drops r: without this none of
    the spikes remain. Raises ValueError naming a node whose r is not above 0.
    """
    nodes = dict(graph.nodes)
    for name, node in nodes.items():
        if isinstance(node, nir.LIF | nir.LI):
            if np.any(np.asarray(node.r) <= 0):
                raise ValueError(f"node {name!r}: r = {np.min(node.r):g}; only an r above 0 can be divided out")
            nodes[name] = one = copy(node)
            one.v_leak, one.r = node.v_leak / node.r, np.ones_like(node.r)
            if isinstance(node, nir.LIF):
                one.v_threshold, one.v_reset = node.v_threshold / node.r, node.v_reset / node.r
    return nir.NIRGraph(nodes, list(graph.edges), metadata=graph.metadata)


def _neurons(one: Neurons) -> Any:
    if one.reset != "zero" and one.threshold is not None:
        raise ValueError(
            f"{one.name} resets by {one.reset!r}, NIR's LIF resets to a value at once: use reset_mechanism='zero'"
            + (", reset_delay=False" if one.reset == "hold" else "")
        )
    if one.factor != 1:
        raise ValueError(f"{one.name}: its spikes count {one.factor:g}, NIR's count 1: scale the weights behind it")
    beta, alpha = (np.broadcast_to(each.double().numpy(), one.shape) for each in (one.beta, one.alpha))
    if beta.max() >= 1 or alpha.max() >= 1:
        raise ValueError(
            f"{one.name} has beta = {max(beta.max(), alpha.max()):g}; NIR's LIF has the time constant dt / (1 - beta), "
            "so beta must be below 1"
        )
    zero = np.zeros(one.shape)
    tau = DT / (1 - beta)
    membrane = {"r": tau / DT, "v_leak": zero}
    if one.threshold is None:
        return nir.LI(tau=tau, **membrane)
    threshold = np.broadcast_to(one.threshold.double().numpy(), one.shape).copy()
    if not one.alpha.any():
        return nir.LIF(tau=tau, v_reset=zero, v_threshold=threshold, **membrane)
    tau_syn = DT / (1 - alpha)
    current = {"tau_syn": tau_syn, "w_in": tau_syn / DT}
    return nir.CubaLIF(tau_mem=tau, v_reset=zero, v_threshold=threshold, **current, **membrane)


def _folded(name: str, maps: list[Any]) -> list[Any]:
    """Factors and shifts of a channel in the weights and the bias of the layer before them."""
    result: list[Any] = []
    for one in maps:
        before = result[-1] if result else None
        if isinstance(one, Scale) and isinstance(before, Full | Convolution):
            factor, shift = (_per_output(name, each, len(before.weight)) for each in (one.factor, one.shift))
            weight = before.weight * factor.reshape(-1, *[1] * (before.weight.dim() - 1))
            bias = (0 if before.bias is None else before.bias) * factor + shift * (one.shift is not None)
            result[-1] = replace(before, weight=weight, bias=bias if bias.any() else None)
        elif isinstance(one, Scale) and one.shift is not None:
            raise ValueError(f"{name}: NIR has no word for a shift that follows no Linear and no convolution")
        else:
            result.append(one)
    return result


def _per_output(name: str, value: torch.Tensor | None, outputs: int) -> torch.Tensor:
    """A factor [] or one a channel as [output]."""
    each = torch.ones(1) if value is None else value.reshape(-1)
    if each.numel() not in (1, outputs):
        rows = each.reshape(outputs, -1)
        if not torch.all(rows == rows[:, :1]):
            raise ValueError(f"{name}: NIR has no word for a factor or bias that differs within a channel")
        each = rows[:, 0]
    return each.expand(outputs) if each.numel() == 1 else each


def _layers(name: str, maps: list[Any], shape: tuple[int, ...]) -> list[Any]:
    nodes = []
    for one in maps:
        node = _layer(name, one, shape)
        shape = tuple(one.apply(torch.zeros(1, *shape)).shape[1:])
        nodes += [] if node is None else [node]
    return nodes


def _layer(name: str, one: Any, shape: tuple[int, ...]) -> Any:
    if isinstance(one, Full):
        return nir.Linear(_array(one.weight)) if one.bias is None else nir.Affine(_array(one.weight), _array(one.bias))
    if isinstance(one, Convolution):
        bias = np.zeros(len(one.weight), np.float32) if one.bias is None else _array(one.bias)
        weight = _array(one.weight)
        if one.flat:
            ends = (one.stride[1], one.padding[1], one.dilation[1])
            return nir.Conv1d(shape[1], weight[:, :, 0], *ends, one.groups, bias)
        if weight.shape[2] != weight.shape[3]:
            raise ValueError(
                f"{name}: a kernel of {weight.shape[2:]} is not square; nir {nir.__version__} takes its rows for its "
                "columns too, so that what it writes cannot be read: pad the kernel with zeros and crop the image"
            )
        return nir.Conv2d(shape[1:], weight, one.stride, one.padding, one.dilation, one.groups, bias)
    if isinstance(one, Pool) and not one.flat:
        kind = nir.AvgPool2d if one.mean else nir.SumPool2d
        return kind(np.array(one.kernel), np.array(one.stride), np.zeros(2, int))
    if isinstance(one, Scale):
        return nir.Scale(np.broadcast_to(_array(one.factor), shape).copy())
    if isinstance(one, Reshape) and one.shape == shape:
        return None
    if isinstance(one, Reshape) and len(one.shape) == 1:
        return nir.Flatten({"input": np.array(shape)}, 0, -1)
    if isinstance(one, Reshape):
        raise ValueError(f"{name}: NIR has no word for a flat input that becomes an image of {one.shape}")
    raise ValueError(f"{name}: NIR has no word for a {type(one).__name__} of one dimension")


def _array(value: torch.Tensor) -> NDArray[np.float32]:
    return value.detach().cpu().float().numpy()
