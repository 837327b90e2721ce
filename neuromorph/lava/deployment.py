"""A trained network on the chip's side: integer network, numpy reference, Lava graphs, and their comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromorph.lava.reference import simulate, simulate_float
from neuromorph.lava.sheet import Sheet, resources
from neuromorph.lava.spec import NetworkSpec, integer_network

if TYPE_CHECKING:
    from neuromorph.importers.translate import Origin

ENGINES = ("stock", "batched")
ARITHMETIC = ("fixed", "float")


@dataclass(frozen=True)
class Deployment:
    """Run ``spec`` on [0, 1]-valued x [batch, feature], or a binary raster [time, batch, feature]; encoded once.

    Spikes are bool [time, batch, class]; ``spikes.sum(0)`` are the counts. ``engine``: "stock" streams all samples
    through one graph of Lava's own Dense, Conv and LIFReset; "batched" carries many samples side by side, the same
    spikes sooner. ``arithmetic``: "fixed", the chip's integers, or "float", Lava's floating-point models. ``timeout``:
    seconds. ``origin``: of a network that was imported and quantised, its floating graph and what became of each layer.
    Raises ValueError for an unknown engine or arithmetic, ImportError when lava-nc is not installed, TimeoutError.
    """

    spec: NetworkSpec
    origin: Origin | None = None

    def differing(self, x: ArrayLike) -> tuple[int, ...]:
        """Spikes in which the integer network differs from the floating one it was made from, for each layer.

        Raises ValueError where there is none: the integer network is then what was trained.
        """
        if self.origin is None:
            raise ValueError("this network was not quantised: its integers are those of its training")
        found = self.origin.run(self.spec, x)
        return tuple(int((a != b).sum()) for (a, _), b in zip(found, self._expected(x, "fixed"), strict=True))

    def reference(self, x: ArrayLike, arithmetic: str = "fixed") -> NDArray[np.bool_]:
        """Output spikes by the recurrences in numpy."""
        return self._expected(x, arithmetic)[-1]

    def run(
        self, x: ArrayLike, engine: str = "stock", arithmetic: str = "fixed", timeout: float | None = None
    ) -> NDArray[np.bool_]:
        """Output spikes by Lava."""
        last = len(self.spec.layers) - 1
        return self._run(x, {last}, engine, arithmetic, timeout, False)[last]

    def layers(
        self,
        x: ArrayLike,
        engine: str = "stock",
        arithmetic: str = "fixed",
        timeout: float | None = None,
        progress: bool = False,
    ) -> tuple[NDArray[np.bool_], ...]:
        """Spikes of every layer by Lava, each [time, batch, neuron]."""
        found = self._run(x, set(range(len(self.spec.layers))), engine, arithmetic, timeout, progress)
        return tuple(found[index] for index in range(len(self.spec.layers)))

    def verify(
        self, x: ArrayLike, engine: str = "stock", arithmetic: str = "fixed", timeout: float | None = None
    ) -> tuple[int, ...]:
        """Number of spikes of Lava that differ from the reference, for each layer; all 0 when the mapping is exact."""
        found = self.layers(x, engine, arithmetic, timeout)
        return tuple(int((a != b).sum()) for a, b in zip(found, self._expected(x, arithmetic), strict=True))

    def drive(self, x: ArrayLike, engine: str = "stock", timeout: float | None = None) -> NDArray[np.int64]:
        """What each output neuron has received in all by Lava, int64 [batch, class], in 1/64 weight: a finer read-out
        than spikes. The output neurons only integrate (``spec.integrating``), and Lava's own ``Read`` takes their
        membranes when a sample ends.
        """
        _choose("engine", engine, ENGINES)
        from neuromorph.lava.graphs.inference import last_membranes

        spec = self.spec.integrating
        return last_membranes(spec, spec.encode(x), engine, timeout)

    def reference_drive(self, x: ArrayLike) -> NDArray[np.int64]:
        """``drive`` by the recurrences in numpy."""
        return simulate(self.spec.integrating, x)[-1].membranes[-1]

    def resources(
        self, chip: str = "loihi1", x: ArrayLike | None = None, learning: bool = False, weight_bits: int | None = None
    ) -> Sheet:
        """What ``chip`` ("loihi1" or "loihi2") needs for it, and with samples ``x`` the operations per inference."""
        return resources(self.spec, chip, x, learning, weight_bits)

    def _expected(self, x: ArrayLike, arithmetic: str) -> list[NDArray[np.bool_]]:
        _choose("arithmetic", arithmetic, ARITHMETIC)
        if arithmetic == "float":
            return simulate_float(self.spec, x)
        return [record.spikes for record in simulate(self.spec, x)]

    def _run(
        self, x: ArrayLike, record: set[int], engine: str, arithmetic: str, timeout: float | None, progress: bool
    ) -> dict[int, NDArray[np.bool_]]:
        _choose("engine", engine, ENGINES)
        _choose("arithmetic", arithmetic, ARITHMETIC)
        from neuromorph.lava.graphs.inference import run_batched, run_stock

        runner = run_stock if engine == "stock" else run_batched
        return runner(self.spec, self.spec.encode(x), record, arithmetic, timeout, progress)


def _choose(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"unknown {name} {value!r}; known: {', '.join(known)}")


def deploy(network: Any, data: ArrayLike | None = None, **settings: Any) -> Deployment:
    """Map a network onto the chip: a ``neuromorph.snn.SpikingBNN`` or ``NetworkSpec`` number for number, or an snnTorch
    module, a NIR graph or a ``.nir`` file by quantising it.

    ``data``: samples on which the quantisation is chosen, as ``Deployment.run`` takes them; ``settings``: the fields of
    ``neuromorph.importers.translate.Settings``, of which ``num_steps`` is needed. Raises ValueError for a batch norm
    that is not folded, and naming the layer and the limit that do not fit.

    >>> import torch, snntorch
    >>> net = torch.nn.Sequential(torch.nn.Linear(4, 3), snntorch.Leaky(beta=0.9, reset_mechanism="zero"))
    >>> deploy(net, num_steps=5).spec.title
    '4-3'
    """
    if isinstance(network, NetworkSpec):
        return Deployment(network)
    from neuromorph.snn import SpikingBNN

    if isinstance(network, SpikingBNN):
        return Deployment(integer_network(network))
    from neuromorph.importers.translate import Settings, translate

    return translate(network, Settings(**settings), data)
