"""An integer network as a ``FloatGraph``: the floating-point recurrence of ``neuromorph/lava/reference.py``."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from neuromorph.chip import DECAY_UNITY, NO_CURRENT_MEMORY, UNITS
from neuromorph.importers.graph import INPUT, Connection, FloatGraph, Neurons
from neuromorph.importers.maps import Convolution, Full, Reshape
from neuromorph.lava.connection import ALWAYS, Synapses
from neuromorph.lava.connection import INPUT as FIRST
from neuromorph.lava.convolution import pair
from neuromorph.lava.spec import LayerSpec, NetworkSpec


def floating(spec: NetworkSpec) -> FloatGraph:
    """The same network without the chip's rounding; populations are called layer 1, layer 2, ..."""
    shape = spec.layers[0].image or (spec.sizes[0],)
    shapes = {FIRST: shape, **{k: one.shape for k, one in enumerate(spec.layers, 1)}}
    neurons, connections = [], []
    for number, layer in enumerate(spec.layers, 1):
        always = sum((_values(one)[:, 0] for one in layer.more if one.source == ALWAYS), torch.zeros(layer.neurons))
        neurons.append(_neurons(f"layer {number}", layer))
        for place, one in enumerate(spec.synapses(number)):
            if one.source != ALWAYS:
                source = INPUT if one.source == FIRST else f"layer {one.source}"
                bias = always if place == 0 and always.any() else None
                after = [Reshape(layer.shape)] if one.shape != layer.shape else []
                maps = (*_maps(one, shapes[one.source], bias), *after)
                connections.append(Connection(source, f"layer {number}", maps))
    return FloatGraph(shape, tuple(neurons), tuple(connections))


def _values(one: Synapses) -> torch.Tensor:
    return torch.from_numpy(one.weights * np.float32(2.0 ** (one.weight_exp + 1)))


def _maps(one: Synapses, shape: tuple[int, ...], bias: torch.Tensor | None) -> tuple[Any, ...]:
    if not one.image:
        return (*([Reshape((one.inputs,))] if len(shape) > 1 else []), Full(_values(one), bias))
    if bias is not None:
        each = bias.reshape(len(one.weights), -1)
        if not torch.all(each == each[:, :1]):
            raise ValueError("a bias that differs within the channel of a convolution has no floating layer")
        bias = each[:, 0]
    layer = Convolution(_values(one), bias, pair(one.stride), pair(one.padding))
    return (layer,) if shape == one.image else (Reshape(one.image), layer)


def _neurons(name: str, layer: LayerSpec) -> Neurons:
    def each(values: Any) -> torch.Tensor:
        """One number, one a channel (its planes to follow), or one a neuron."""
        values = np.asarray(values, np.float64)
        if values.ndim == 0:
            return torch.tensor(float(values))
        return torch.from_numpy(layer.each(values)).float().reshape(layer.shape)

    alpha = 1 - (np.asarray(layer.du) + 1) / DECAY_UNITY
    return Neurons(
        name,
        layer.shape,
        each(1 - np.asarray(layer.dv) / DECAY_UNITY),
        each(layer.threshold),
        each(alpha) if np.any(np.asarray(layer.du) != NO_CURRENT_MEMORY) else torch.tensor(0.0),
        each(layer.bias / UNITS),
        layer.reset,
    )
