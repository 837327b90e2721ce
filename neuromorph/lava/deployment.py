"""A trained network on the chip's side: integer network, numpy reference, Lava graph, and their comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromorph.lava.reference import simulate
from neuromorph.lava.spec import NetworkSpec, integer_network

ENGINES = ("stock",)


@dataclass(frozen=True)
class Deployment:
    """Run ``spec`` on [0, 1]-valued x [batch, feature], or a binary raster [time, batch, feature]; encoded once.

    Spikes are bool [time, batch, class]; ``spikes.sum(0)`` are the counts.
    """

    spec: NetworkSpec

    def reference(self, x: ArrayLike) -> NDArray[np.bool_]:
        """Output spikes by the integer recurrences in numpy."""
        return simulate(self.spec, x)[-1].spikes

    def run(self, x: ArrayLike, engine: str = "stock") -> NDArray[np.bool_]:
        """Output spikes by Lava: "stock" streams all samples through one graph of stock Dense and LIFReset processes.

        Raises ValueError for an unknown engine and ImportError when lava-nc is not installed.
        """
        last = len(self.spec.layers) - 1
        return self._run(x, {last}, engine)[last]

    def verify(self, x: ArrayLike, engine: str = "stock") -> tuple[int, ...]:
        """Number of spikes of Lava that differ from the reference, for each layer; all 0 when the mapping is exact."""
        found = self._run(x, set(range(len(self.spec.layers))), engine)
        expected = [record.spikes for record in simulate(self.spec, x)]
        return tuple(int((found[index] != spikes).sum()) for index, spikes in enumerate(expected))

    def _run(self, x: ArrayLike, record: set[int], engine: str) -> dict[int, NDArray[np.bool_]]:
        if engine not in ENGINES:
            raise ValueError(f"unknown engine {engine!r}; known: {', '.join(ENGINES)}")
        from neuromorph.lava.build import run_stock

        return run_stock(self.spec, self.spec.encode(x), record)


def deploy(network: Any) -> Deployment:
    """Map a ``neuromorph.snn.SpikingBNN`` onto the chip; ValueError names the layer and the limit that do not fit."""
    return Deployment(integer_network(network))
