"""What learners, parts and figures need of a network of layers, whatever it computes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from neuromorph.snn.layers import BinaryConv2d, BinaryLinear


class Layered(nn.Module, ABC):
    """A network whose ``layers`` multiply and whose last one gives the classes.

    ``layers`` are ``BinaryLinear`` or ``BinaryConv2d``, each with its stored ``weight`` and its ``form``
    (``snn.weights``); ``norms`` stand behind them. ``gates``: for each hidden layer None, or a tensor that broadcasts
    to the layer's output [batch, unit] ([batch, channel, height, width] after a convolution) and is multiplied onto it;
    all None at the start. A gate of ``torch.bool`` keeps the next product in few bits. Gates are no part of the
    network's state: who sets them keeps them. ``watchers``: called with the number of each layer and its input.
    """

    layers: nn.ModuleList
    norms: nn.ModuleList

    def __init__(self) -> None:
        super().__init__()
        self._gates: list[Tensor | None] = []
        self.watchers: list[Callable[[int, Tensor], None]] = []

    @abstractmethod
    def scores(self, x: Tensor) -> Tensor:
        """Class scores [batch, class] of x, as the network takes it."""

    @property
    def gates(self) -> list[Tensor | None]:
        """One gate a hidden layer: ``network.gates[0] = mask``, or all at once."""
        return self._gates

    @gates.setter
    def gates(self, gates: Sequence[Tensor | None]) -> None:
        if len(gates) != len(self.layers) - 1:
            raise ValueError(
                f"give one gate or None for each of {len(self.layers) - 1} hidden layers, got {len(gates)}"
            )
        self._gates[:] = gates

    def watched(self, layer: int, messages: Tensor) -> None:
        """Show the ``watchers`` what a layer multiplies: [(time,) batch, ...]."""
        for watcher in self.watchers:
            watcher(layer, messages)

    def weights(self) -> list[nn.Parameter]:
        """The stored weight of each layer."""
        return [cast(nn.Parameter, layer.weight) for layer in self.layers]

    def multiplied(self) -> list[Tensor]:
        """The weight of each layer as it is multiplied; the gradient reaches the stored one."""
        return [cast(BinaryLinear | BinaryConv2d, layer).multiplied() for layer in self.layers]

    def used(self, weight: Tensor) -> Tensor:
        """``weight``, one of ``weights()``, as it is multiplied; the gradient reaches ``weight``.

        Raises ValueError for a tensor that is no weight of this network.
        """
        for layer in self.layers:
            if layer.weight is weight:
                return cast(BinaryLinear | BinaryConv2d, layer).multiplied()
        raise ValueError("this tensor is no weight of the network: give one of network.weights()")

    def gated(self, layer: int, output: Tensor, largest: int | None) -> tuple[Tensor, int | None]:
        """The output of a layer behind its gate, and the largest whole number in it (None: real numbers)."""
        gate = self._gates[layer] if layer < len(self._gates) else None
        if gate is None:
            return output, largest
        return output * gate, largest if gate.dtype == torch.bool else None
