"""Operations and spikes of one inference of a network, counted while it runs (see ``metrics.Cost``)."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from neuromorph.metrics import Cost
from neuromorph.snn.layered import Layered
from neuromorph.snn.layers import BinaryConv2d, BinaryLinear
from neuromorph.snn.network import SpikingBNN


@torch.no_grad()
def inference_cost(network: Layered, x: Tensor) -> Cost:
    """The cost of an inference, mean over the samples x as the network takes them.

    >>> net = SpikingBNN((4, 3), num_steps=2, input_bits=1)
    >>> inference_cost(net, torch.tensor([[1.0, 0.0, 1.0, 1.0]])).accumulates  # 3 messages, 3 units, 2 steps
    18.0
    """
    added, multiplied, spikes, samples = 0.0, 0.0, math.nan, len(x)
    layers = [cast(BinaryLinear | BinaryConv2d, layer) for layer in network.layers]

    def watch(k: int, messages: Tensor) -> None:
        nonlocal added, multiplied
        count = _operations(layers[k], messages)
        if ((messages == 0) | (messages.abs() == 1)).all():
            added += count
        else:
            multiplied += count

    network.watchers.append(watch)
    try:
        if isinstance(network, SpikingBNN):
            records = network.record(x)
            samples = records[0][0].shape[1]
            spikes = sum(spk.sum().item() for spk, _ in records) / samples
        else:
            network.scores(x)
    finally:
        network.watchers.remove(watch)
    weights = [weight.numel() for weight in network.weights()]
    packed = sum(n * layer.form.packed_bits / 8 for n, layer in zip(weights, layers, strict=True))
    return Cost(sum(weights), packed, added / samples, multiplied / samples, spikes)


def _operations(layer: BinaryLinear | BinaryConv2d, messages: Tensor) -> float:
    """Messages that are not 0 times the weights that each of them meets."""
    shown = (messages != 0).float()
    if isinstance(layer, BinaryConv2d):
        ones = torch.ones_like(layer.weight[:1])
        reached = functional.conv2d(shown.flatten(0, -4), ones, None, layer.stride, layer.padding)
        return len(layer.weight) * reached.double().sum().item()
    return len(layer.weight) * shown.double().sum().item()
