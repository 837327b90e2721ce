"""Several spiking networks of one configuration, learning side by side: one call a step for the neurons of all of them.

On two CPU cores an update of five small networks takes 0.76 of the time of one after the other
(``experiments/bench_training.py``, part seeds); it is for devices that a single small network does not fill.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from neuromorph.snn.layers import binarize
from neuromorph.snn.network import SpikingBNN
from neuromorph.snn.neuron import ChipLeaky
from neuromorph.snn.products import binary_product


class Ensemble(nn.Module):
    """The networks, each with its own weights and input; their spikes are those of each alone.

    ``forward(x)`` takes x [batch, replica, feature] and returns spikes and membranes [time, batch, replica, class]. For
    multi-layer perceptrons without norm. Raises ValueError for convolutions, a norm, or networks that differ.
    """

    def __init__(self, networks: Sequence[SpikingBNN]):
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.config = config = networks[0].config
        if any(network.config != config for network in networks):
            raise ValueError("the networks of an ensemble must have the same configuration")
        if config.convolutions or config.norm != "none" or config.encoding == "raster":
            raise ValueError("an ensemble takes networks of dense layers without a norm that are shown images")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        first = cast(SpikingBNN, self.networks[0])
        if x.dim() != 3 or x.shape[1] != len(self.networks):
            raise ValueError(f"x must have shape [batch, {len(self.networks)} replicas, feature], got {tuple(x.shape)}")
        spikes = (
            first.encode(x.flatten(0, 1)).unflatten(1, x.shape[:2]).movedim(2, 0)
        )  # [replica, time, batch, feature]
        for k, neuron in enumerate(first.neurons):
            hidden = [cast(Tensor, cast(SpikingBNN, n).layers[k].weight) for n in self.networks]
            if self.config.fast:
                pairs = zip(spikes, hidden, strict=True)
                activation = torch.stack([binary_product(shown, weight) for shown, weight in pairs])
            else:
                products = torch.bmm(spikes.flatten(1, 2), binarize(torch.stack(hidden)).mT)
                activation = products.unflatten(1, spikes.shape[1:3])
            by_time = activation.movedim(1, 0)
            spk, mem = cast(ChipLeaky, neuron).sequence(by_time, self.config.num_steps, self.config.fast)
            spikes = spk.movedim(0, 1)
        return spk.movedim(1, 2), mem.movedim(1, 2)

    def readout(self, spk_rec: Tensor, mem_rec: Tensor) -> Tensor:
        """Class scores [batch, replica, class], as ``SpikingBNN.readout``."""
        return cast(SpikingBNN, self.networks[0]).readout(spk_rec, mem_rec)
