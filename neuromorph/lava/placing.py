"""How populations are cut over cores: by neuron, by fan-in, and shared where small (derived here).

Expected counts of a random graph (memory of an axon as in ``mapping``): n neurons of a core, each with K of S sources,
p = K / S, are reached by

    S (1 - (1-p)^n)  input axons, each with  n p / (1 - (1-p)^n)  synapses on that core (all n where p = 1).

By fan-in only where the chip's spikes carry numbers: a part is a population of relays that sum a slice of the sources
and send the sum on, one step later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from neuromorph.lava.mapping import Chip, axon_bits
from neuromorph.lava.shapes import Population, Projection, Shape, reach

MOST_PARTS, PART = 256, " part "


@dataclass(frozen=True)
class Block:
    """A population on ``cores`` cores from ``first`` on, ``each`` neurons on the fullest; ``fill``: its loads, 0..1."""

    population: str
    first: int
    cores: int
    each: int
    fill: Mapping[str, float]

    @property
    def binds(self) -> str:
        """The limit that is nearest."""
        return max(self.fill, key=lambda name: self.fill[name])


def fill(shape: Shape, one: Population, n: int, chip: Chip, bits: int, ends: Mapping[str, float]) -> dict[str, float]:
    """How much of each limit ``n`` neurons of a population take on a core."""
    axons = memory = 0.0
    index = max(6, (n - 1).bit_length())
    for each in shape.into[one.name]:
        chance = each.fan_in / shape.sources(each)
        reached = shape.sources(each) * reach(chance, n)
        held = n if chance >= 1 else ceil(n * each.fan_in / reached - 1e-9)
        axons += reached
        memory += reached * axon_bits(held, bits if chance >= 1 else bits + index)
    load = {"compartments": n / chip.compartments, "synapse memory": memory / chip.synapse_bits}
    if chip.input_axons is not None:
        load["input axons"] = axons / chip.input_axons
    if chip.output_axons is not None:
        load["output axons"] = n * ends.get(one.name, 0.0) / chip.output_axons
    return load


def neurons_a_core(shape: Shape, one: Population, chip: Chip, bits: int, ends: Mapping[str, float]) -> int:
    """Most neurons a core that fit, 1 at least, spread evenly."""
    low, high = 1, min(one.neurons, chip.compartments)
    while low < high:
        middle = (low + high + 1) // 2
        if max(fill(shape, one, middle, chip, bits, ends).values()) <= 1:
            low = middle
        else:
            high = middle - 1
    return ceil(one.neurons / ceil(one.neurons / low))


def cores_reached(shape: Shape, found: Mapping[str, int]) -> dict[str, float]:
    """Cores that one neuron's spikes reach, by population; ``found``: neurons a core."""
    ends = dict.fromkeys(found, 0.0)
    for one in shape.projections:
        if one.source in ends:
            cores = ceil(shape.named[one.target].neurons / found[one.target])
            ends[one.source] += (
                cores * reach(one.fan_in / shape.sources(one), found[one.target]) * (one.end - one.begin)
            )
    return ends


def cut_by_fan_in(shape: Shape, chip: Chip, bits: int) -> Shape:
    """``shape`` with relays where they save cores; a chip whose spikes carry no number has none."""
    for one in shape.populations if chip.graded_spikes else ():
        into = shape.into[one.name]
        counts = [2**k for k in range(MOST_PARTS.bit_length()) if 2**k <= min((e.fan_in for e in into), default=1)]
        choices = [_parted(shape, one, into, parts) for parts in counts]
        shape = min(choices, key=lambda choice: _cost(choice, one.name, chip, bits))
    return shape


def _parted(shape: Shape, one: Population, into: Sequence[Projection], parts: int) -> Shape:
    """The fan-in of a population in ``parts`` slices of the sources, each with relays."""
    if parts == 1:
        return shape
    relays, links = [], []
    for part in range(parts):
        name = f"{one.name}{PART}{part + 1}/{parts}"
        silent = 1.0
        for each in into:
            width = (each.end - each.begin) / parts
            begin = each.begin + part * width
            link = replace(each, target=name, fan_in=1, begin=begin, end=begin + width)
            link = replace(link, fan_in=min(ceil(each.fan_in / parts), shape.sources(link)))
            silent *= (1 - shape.named[each.source].rate) ** link.fan_in
            links.append(link)
        relays.append(Population(name, one.neurons, 1 - silent))
        links.append(Projection(name, one.name, 1))
    kept = [each for each in shape.projections if each.target != one.name]
    return Shape((*shape.populations, *relays), (*kept, *links))


def _cost(shape: Shape, name: str, chip: Chip, bits: int) -> tuple[bool, int]:
    """Whether a population and its relays do not fit, and their cores."""
    cores, over = 0, False
    first_part = next((one.name for one in shape.populations if one.name.startswith(name + PART)), None)
    parts = sum(one.name.startswith(name + PART) for one in shape.populations)
    for label, times in ((name, 1), (first_part, parts)):
        if label is not None:
            one = shape.named[label]
            n = neurons_a_core(shape, one, chip, bits, {})
            over |= max(fill(shape, one, n, chip, bits, {}).values()) > 1
            cores += times * ceil(one.neurons / n)
    return over, cores


def lay_out(
    shape: Shape, found: Mapping[str, int], chip: Chip, bits: int, ends: Mapping[str, float]
) -> Iterator[Block]:
    """Populations one after the other; one that needs a single core joins the last such core that has room."""
    first, shared, room = 0, 0, dict[str, float]()
    for one in shape.populations:
        if one.host:
            continue
        load = fill(shape, one, found[one.name], chip, bits, ends)
        cores = ceil(one.neurons / found[one.name])
        if cores == 1 and room and all(room[name] >= value for name, value in load.items()):
            room = {name: room[name] - value for name, value in load.items()}
            yield Block(one.name, shared, 1, found[one.name], load)
            continue
        if cores == 1:
            shared, room = first, {name: 1 - value for name, value in load.items()}
        yield Block(one.name, first, cores, found[one.name], load)
        first += cores
