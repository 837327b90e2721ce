"""Several spiking networks of one configuration, learning side by side: one call a step for the neurons of all of them.

On two CPU cores an update of five small networks takes 0.8 of the time of one after the other
(``experiments/bench_training.py``, part seeds); it is for devices that a single small network does not fill.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from neuromorph.snn.network import SpikingBNN
from neuromorph.snn.neuron import ChipLeaky


class Ensemble(nn.Module):
    """The networks, each with its own weights and input; their spikes are those of each alone.

    ``forward(x)`` takes x [batch, replica, feature] and returns spikes and membranes [time, batch, replica, class]. For
    multi-layer perceptrons without norm. Raises ValueError for convolutions, a norm, no network, or networks that
    differ, and TypeError for other objects.
    """

    def __init__(self, networks: Sequence[SpikingBNN]):
        super().__init__()
        if not isinstance(networks, Sequence) or not all(isinstance(one, SpikingBNN) for one in networks):
            raise TypeError(f"networks must be a list of SpikingBNN, got {networks!r:.80}.")
        if not networks:
            raise ValueError("an ensemble needs at least 1 network, got 0.")
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
        shown = first.encode(x.flatten(0, 1)).unflatten(1, x.shape[:2])  # [time, batch, replica, feature]
        networks = [cast(SpikingBNN, network) for network in self.networks]
        parts: list[tuple[Tensor, int | None]] = [(alone, self.config.messages[0]) for alone in shown.unbind(2)]
        for k, neuron in enumerate(first.neurons):
            products = [n.product(k, spikes, largest) for n, (spikes, largest) in zip(networks, parts, strict=True)]
            together = torch.stack(products, 1)  # [time, replica, batch, neuron]
            spk, mem = cast(ChipLeaky, neuron).sequence(together, self.config.num_steps, self.config.fast)
            parts = [n.gated(k, spikes, 1) for n, spikes in zip(networks, spk.unbind(1), strict=True)]
        return spk.movedim(1, 2), mem.movedim(1, 2)

    def readout(self, spk_rec: Tensor, mem_rec: Tensor) -> Tensor:
        """Class scores [batch, replica, class], as ``SpikingBNN.readout``."""
        return cast(SpikingBNN, self.networks[0]).readout(spk_rec, mem_rec)
