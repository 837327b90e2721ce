"""How the layers of a network lie on the cores of a chip.

Synapse memory of one input axon that reaches n neurons of a core, in groups of w <= 64 weights (Loihi 1, as encoded in
nengo-loihi 1.1, ``block.py``, ``conv.py``):
    bits = sum over groups of 64 ceil((w (weight bits + tag bits) + 10) / 64)
A convolution: pixels whose targets see them through the same part of the kernel share one list of weights within a
core, with an index of 6 to 12 bits a weight; a pixel is one input axon, its spikes carry the channel. Every core holds
its own lists. Where weights learn, each synapse is stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuromorph.lava.connection import Synapses
from neuromorph.lava.convolution import pair
from neuromorph.lava.spec import LayerSpec, NetworkSpec

MEMBER_GROUP, GROUP_BITS, WORD_BITS = 64, 10, 64


@dataclass(frozen=True)
class Chip:
    """Limits of a chip, per core where not said otherwise; None where nothing is published."""

    name: str
    cores: int
    compartments: int
    synapse_bits: int
    input_axons: int | None
    output_axons: int | None
    thresholds: int | None
    graded_spikes: bool
    energy: bool
    source: str


CHIPS = {
    "loihi1": Chip(
        "Loihi 1", 128, 1024, 2**20, 4096, 4096, 16, False, True, "limits as encoded in nengo-loihi 1.1 (validate.py)"
    ),
    "loihi2": Chip(
        "Loihi 2", 128, 8192, 192 * 1024 * 8, None, None, None, True, False,
        "128 cores and 1 M neurons a chip (Intel 2021); 192 KB a core, shared with neurons and axons, is unverified",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Core:
    """One core: the neurons [first, last) of a layer (from 1), and how much of each limit they take, 0 to 1."""

    layer: int
    first: int
    last: int
    fill: dict[str, float]


def map_layers(spec: NetworkSpec, chip: Chip, synapse_bits: int, shared: bool = True) -> tuple[list[Core], list[str]]:
    """Give each layer whole cores, as few as its limits allow, neurons spread evenly; and what does not fit.

    A neuron's synapses lie all on its own core. A convolution is divided into whole maps, or where a core is too small
    for one, each map into rows; ``shared``: whether equal weights are stored once a core. A neuron sends one output
    axon to every core of the next layer, so layers are mapped from the last to the first.
    """
    cores: list[Core] = []
    problems: list[str] = []
    pieces: dict[int, int] = {}  # cores of the layers placed so far
    for number in range(len(spec.layers), 0, -1):
        ends = sum(pieces.get(target, 0) for target, one in spec.connections if one.source == number)
        ends += number == len(spec.layers)  # the host
        load = _Load(number, spec.layers[number - 1], spec.synapses(number), chip, synapse_bits, ends, shared)
        placed: list[Core] = []
        for edges in _divisions(load.layer):
            placed = load.cores(edges, until_full=True)
            if _holds(placed[-1]):
                break
        if not _holds(placed[-1]):
            problems.insert(0, f"layer {number}: {_reason(load)}")
            parts = -(-load.layer.neurons // chip.compartments)
            placed = load.cores(np.linspace(0, load.layer.neurons, parts + 1).round().astype(int).tolist())
        over = max((core.fill.get("thresholds", 0) for core in placed), default=0)
        if over > 1 and chip.thresholds is not None:
            problems.insert(
                0,
                f"layer {number}: {round(over * chip.thresholds)} different thresholds on one core, {chip.name} has "
                f"{chip.thresholds}; use one threshold a layer, or a bias of each neuron",
            )
        cores = placed + cores
        pieces[number] = len(placed)
    return cores, problems


@dataclass(frozen=True)
class _Load:
    """A layer to be placed; ``ends``: cores that its spikes reach, besides its own where it is recurrent."""

    number: int
    layer: LayerSpec
    connections: tuple[Synapses, ...]
    chip: Chip
    synapse_bits: int
    ends: int
    shared: bool

    def cores(self, edges: Sequence[int], until_full: bool = False) -> list[Core]:
        """Cores of the neurons between ``edges``; ``until_full``: not beyond the first that holds too much."""
        targets = self.ends + sum(one.source == self.number for one in self.connections) * (len(edges) - 1)
        placed: list[Core] = []
        for first, last in zip(edges, edges[1:], strict=False):
            placed.append(Core(self.number, first, last, self._fill(targets, first, last)))
            if until_full and not _holds(placed[-1]):
                break
        return placed

    def memory(self, first: int, last: int) -> tuple[int, int]:
        """Input axons, and synapse memory in bits, of all connections to the neurons [first, last)."""
        each = [memory(one, first, last, self.synapse_bits, self.shared) for one in self.connections]
        return sum(axons for axons, _ in each), sum(bits for _, bits in each)

    def _fill(self, targets: int, first: int, last: int) -> dict[str, float]:
        chip = self.chip
        axons, bits = self.memory(first, last)
        fill = {"compartments": (last - first) / chip.compartments, "synapse memory": bits / chip.synapse_bits}
        if chip.input_axons is not None:
            fill["input axons"] = axons / chip.input_axons
        if chip.output_axons is not None:
            fill["output axons"] = (last - first) * targets / chip.output_axons
        if chip.thresholds is not None:
            fill["thresholds"] = len(np.unique(self.layer.each(self.layer.threshold)[first:last])) / chip.thresholds
        return fill


def _divisions(layer: LayerSpec) -> Iterator[list[int]]:
    """Neuron numbers at which a layer may be cut, fewest pieces first."""
    units = len(layer.weights)
    plane = layer.neurons // units
    for pieces in range(1, units + 1):
        yield (np.linspace(0, units, pieces + 1).round().astype(int) * plane).tolist()
    for pieces in range(2, layer.shape[1] + 1 if layer.image else 0):
        rows = np.linspace(0, layer.shape[1], pieces + 1).round().astype(int)[:-1] * layer.shape[2]
        yield [*(np.arange(units)[:, None] * plane + rows).ravel().tolist(), layer.neurons]


def _holds(core: Core) -> bool:
    return all(value <= 1 for name, value in core.fill.items() if name != "thresholds")


def axon_bits(neurons: int, synapse_bits: int) -> int:
    """Synapse memory in bits of one input axon that reaches ``neurons`` neurons of a core."""
    groups = [MEMBER_GROUP] * (neurons // MEMBER_GROUP) + [neurons % MEMBER_GROUP] * (neurons % MEMBER_GROUP > 0)
    return sum(WORD_BITS * -(-(n * synapse_bits + GROUP_BITS) // WORD_BITS) for n in groups)


def memory(layer: LayerSpec | Synapses, first: int, last: int, synapse_bits: int, shared: bool) -> tuple[int, int]:
    """Input axons, and synapse memory in bits, of one connection to the neurons [first, last) on one core."""
    if not layer.image:
        return layer.inputs, layer.inputs * axon_bits(last - first, synapse_bits)
    index_bits = max(6, (last - first - 1).bit_length())
    if not shared:
        reached = degrees(layer, first, last)
        sizes, axons = np.unique(reached[reached > 0], return_counts=True)
        lists = [axon_bits(int(n), synapse_bits + index_bits) for n in sizes]
        return int(axons.sum()), int(np.dot(axons, lists))
    plane, columns = layer.shape[1] * layer.shape[2], layer.shape[2]
    whole = last - first >= plane
    maps = (last - first) // plane if whole else 1
    rows = range(layer.shape[1]) if whole else range(first % plane // columns, (last - 1) % plane // columns + 1)
    down, across = (
        [parts for parts in _parts(layer, axis, places) if parts] for axis, places in ((1, rows), (2, range(columns)))
    )
    channels = layer.image[0] * maps
    lists = [axon_bits(channels * len(y) * len(x), synapse_bits + index_bits) for y in set(down) for x in set(across)]
    return len(down) * len(across), sum(lists)


def _parts(layer: LayerSpec | Synapses, axis: int, places: range) -> list[tuple[int, ...]]:
    """For each pixel along an axis of the image: where in the kernel the neurons in ``places`` see it."""
    size, kernel = layer.image[axis], layer.weights.shape[axis + 1]
    zeros, step = pair(layer.padding)[axis - 1], pair(layer.stride)[axis - 1]
    seen = [[pixel + zeros - step * place for place in places] for pixel in range(size)]
    return [tuple(k for k in ks if 0 <= k < kernel) for ks in seen]


def degrees(layer: LayerSpec | Synapses, first: int = 0, last: int | None = None) -> NDArray[np.int64]:
    """How many of the neurons [first, last) each input reaches with a weight that is not 0, [input]."""
    last = layer.neurons if last is None else last
    return np.asarray((layer.matrix[first:last] != 0).sum(0, dtype=np.int64)).ravel()


def _reason(load: _Load) -> str:
    layer, chip, targets = load.layer, load.chip, load.ends
    axons, need = load.memory(0, layer.shape[-1] if layer.image else 1)
    if chip.input_axons is not None and axons > chip.input_axons:
        return f"{axons} inputs, a core of {chip.name} has {chip.input_axons} input axons; use a smaller layer before"
    if chip.output_axons is not None and targets > chip.output_axons:
        return f"each neuron reaches {targets} cores, a core of {chip.name} has {chip.output_axons} output axons"
    least = "one row's" if layer.image else "one neuron's"
    return f"{least} {layer.fan_in} synapses take {need} bits, a core of {chip.name} has {chip.synapse_bits}"


def core_table(cores: Sequence[Core]) -> list[str]:
    """One line a core: its neurons and how full it is."""
    return [
        f"core {index}: layer {core.layer}, neurons {core.first}..{core.last - 1}; "
        + ", ".join(f"{name} {100 * value:.1f} %" for name, value in core.fill.items())
        for index, core in enumerate(cores)
    ]
