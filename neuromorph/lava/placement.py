"""How many chips a network of a given shape needs, and what crosses between them.

Bounds of a step: Loihi 1 by 5.3 ns a neuron of the busiest core and a barrier of 113 ns, 23.6 pJ a synaptic operation
and 52 pJ a neuron (Davies et al. 2018, IEEE Micro 38(1), Table 2, pre-silicon; times from memory of that table, to be
read again); Loihi 2 by the peak rates that Intel (2024) gives for Hala Point, 380e12 synapses and 240e12 neurons a
second on 140544 cores; no energy an operation is published.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.lava.mapping import CHIPS, Chip
from neuromorph.lava.placing import PART, Block, cores_reached, cut_by_fan_in, fill, lay_out, neurons_a_core
from neuromorph.lava.shapes import Population as Population
from neuromorph.lava.shapes import Projection as Projection
from neuromorph.lava.shapes import Shape, reach
from neuromorph.lava.shapes import shape_of as shape_of
from neuromorph.lava.sheet import REST_PJ, SYNAPTIC_PJ
from neuromorph.palette import COLOURS, QUIET

BARRIER, NEURON_TIME = 113e-9, 5.3e-9  # s, Loihi 1
HALA_CORES = 140544
PEAK = {"synaptic operations": 380e12 / HALA_CORES, "neuron updates": 240e12 / HALA_CORES}  # a core and second, Loihi 2


@dataclass(frozen=True)
class System:
    """Published size; ``source`` says where a number is the chips' times their number."""

    name: str
    chip: str
    chips: int
    cores: int
    neurons: float
    synapses: float
    source: str


SYSTEMS = (
    System("Loihi 1", "loihi1", 1, 128, 131072, 130e6, "Davies et al. 2018"),
    System("Loihi 2", "loihi2", 1, 128, 1e6, 120e6, "Intel 2021"),
    System("Kapoho Point", "loihi2", 8, 1024, 8e6, 960e6, "8 chips, Intel 2022; the rest is 8 times Loihi 2"),
    System("Hala Point", "loihi2", 1152, HALA_CORES, 1.15e9, 128e9, "Intel 2024; at most 2600 W"),
)


@dataclass(frozen=True)
class Placement:
    """A shape on chips; ``str()`` prints it. ``shape``: as placed, with relays. ``problems``: what does not fit."""

    chip: Chip
    key: str
    shape: Shape
    bits: int
    synapses: int
    blocks: tuple[Block, ...]
    problems: tuple[str, ...]

    @property
    def cores(self) -> int:
        """Cores taken."""
        return max(block.first + block.cores for block in self.blocks)

    @property
    def chips(self) -> int:
        """Chips taken, core after core."""
        return ceil(self.cores / self.chip.cores)

    def messages(self) -> tuple[float, float, float]:
        """Expected a step: spikes times the cores that they reach; of these to another chip; those of the host."""
        placed = {block.population: block for block in self.blocks}
        inside = crossing = host = 0.0
        for one in self.shape.projections:
            target, population = placed[one.target], self.shape.named[one.source]
            used = reach(one.fan_in / self.shape.sources(one), target.each)
            spikes = population.rate * self.shape.sources(one) * used
            if population.host:
                host += spikes * target.cores
                continue
            source, ends = placed[one.source], self._chips(target, 0, 1)
            starts = self._chips(source, one.begin, one.end)
            inside += spikes * target.cores
            crossing += spikes * float(starts / starts.sum() @ (target.cores - ends))
        return inside, crossing, host

    def _chips(self, block: Block, begin: float, end: float) -> NDArray[np.int64]:
        """Cores of a part of ``block`` on each chip."""
        low = int(begin * block.cores)
        some = np.arange(low, max(low + 1, ceil(end * block.cores))) + block.first
        return np.bincount(some // self.chip.cores, minlength=self.chips)

    def operations(self) -> dict[str, float]:
        """Synaptic operations a step of all neurons, by target population."""
        totals = dict.fromkeys((block.population for block in self.blocks), 0.0)
        for one in self.shape.projections:
            totals[one.target] += self.shape.named[one.source].rate * one.fan_in * self.shape.named[one.target].neurons
        return totals

    def seconds(self) -> float:
        """No step is shorter (see the head of the module)."""
        if self.chip.energy:
            return BARRIER + NEURON_TIME * max(block.each for block in self.blocks)
        work = self.operations()
        busiest = max(work[block.population] / block.cores for block in self.blocks)
        most = max(block.each for block in self.blocks)
        return max(busiest / PEAK["synaptic operations"], most / PEAK["neuron updates"])

    def joules(self) -> float | None:
        """No step takes less; None where nothing is published, or it does not fit."""
        if not self.chip.energy or self.problems:
            return None
        neurons = sum(one.neurons for one in self.shape.populations if not one.host)
        return 1e-12 * (SYNAPTIC_PJ * sum(self.operations().values()) + REST_PJ * neurons)

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def place(shape: Shape, chip: str = "loihi2", bits: int = 8) -> Placement:
    """Put ``shape`` on as few cores of ``chip`` ("loihi1", "loihi2") as its limits allow; ``bits`` a weight.

    Raises ``ValueError`` for another chip or weights that are not 1 to 8 bits wide.
    """
    if chip not in CHIPS or not 1 <= bits <= 8:
        raise ValueError(f"known chips: {', '.join(CHIPS)}, with 1 to 8 bits a weight; got {chip!r} and {bits}.")
    kind, problems = CHIPS[chip], []
    cut = cut_by_fan_in(shape, kind, bits)
    own = [one for one in cut.populations if not one.host]
    ends: dict[str, float] = {}
    for _ in range(100):  # a neuron has an axon for every core that it reaches; more cores make more axons
        found = {one.name: neurons_a_core(cut, one, kind, bits, ends) for one in own}
        after = {name: max(axons, ends.get(name, 0.0)) for name, axons in cores_reached(cut, found).items()}
        if after == ends:
            break
        ends = after
    for one in own:
        over = {name: v for name, v in fill(cut, one, found[one.name], kind, bits, ends).items() if v > 1}
        problems += [f"{one.name}: {name} of one neuron is {v:.1f} times a core's" for name, v in over.items()]
    return Placement(kind, chip, cut, bits, shape.synapses, tuple(lay_out(cut, found, kind, bits, ends)), (*problems,))


def _lines(placed: Placement) -> Iterator[str]:
    own = [one for one in placed.shape.populations if not one.host]
    relays = sum(one.neurons for one in own if PART in one.name)
    neurons = sum(one.neurons for one in own) - relays
    yield (
        f"{placed.chip.name}: {neurons:,} neurons and {relays:,} relays, {placed.synapses:,} synapses of "
        f"{placed.bits} bits: {placed.cores:,} cores, {placed.chips:,} chips"
    )
    for group in _alike(placed.blocks):
        block = group[0]
        loads = ", ".join(f"{name} {100 * value:.0f} %" for name, value in block.fill.items())
        times = f" (and {len(group) - 1} alike)" if len(group) > 1 else ""
        where = f"{block.cores:,} cores of {block.each} neurons"
        yield f"  {block.population}{times}: {where}; {block.binds} binds ({loads})"
    inside, crossing, host = placed.messages()
    yield f"  a step: {inside:,.0f} spike messages to cores, {crossing:,.0f} to another chip; {host:,.0f} from the host"
    energy = placed.joules()
    joules = "none given" if energy is None else f"{1e6 * energy:.3g} uJ"
    yield f"  a step at least: {1e6 * placed.seconds():.3g} us, energy {joules}"
    for system in SYSTEMS:
        if system.chip == placed.key:
            share, synapses = placed.cores / system.cores, placed.synapses / system.synapses
            yield f"  of {system.name}: {share:.3g} x its cores, {synapses:.3g} x its published synapses"
    yield from (f"  does not fit: {problem}" for problem in placed.problems)


def _alike(blocks: Sequence[Block]) -> list[list[Block]]:
    """Blocks in runs of relays of one population."""
    groups: list[list[Block]] = []
    for block in blocks:
        head, part, _ = block.population.partition(PART)
        if part and groups and groups[-1][0].population.startswith(head + PART):
            groups[-1].append(block)
        else:
            groups.append([block])
    return groups


def draw(placed: Placement, ax: Any) -> Any:
    """Load of the fullest core of each population, a bar a limit; gives back ``ax`` (matplotlib)."""
    groups = _alike(placed.blocks)
    names = list(placed.blocks[0].fill)
    height = 0.8 / len(names)
    for k, (name, colour) in enumerate(zip(names, COLOURS, strict=False)):
        loads = np.array([100 * group[0].fill[name] for group in groups])
        places = np.arange(len(groups)) + (k - (len(names) - 1) / 2) * height
        ax.barh(places, loads, 0.9 * height, color=colour, label=name)
        for where, load in zip(places, loads, strict=True):  # beyond the line where a label would lie on it
            ax.text(101 if 85 < load <= 100 else load + 1, where, f"{load:.0f} %", va="center", fontsize=7)
    ax.axvline(100, color=QUIET, lw=0.8)
    labels = [f"{_called(group)}\n{sum(b.cores for b in group):,} cores of {group[0].each:,}" for group in groups]
    ax.set_yticks(range(len(groups)), labels, fontsize=8)
    ax.invert_yaxis()
    most = max(load for block in placed.blocks for load in block.fill.values())
    ax.set(xlabel="load of a core (%)", xlim=(0, 115 * max(1, most)))
    ax.set_title(f"{placed.chip.name}: {placed.cores:,} cores, {placed.chips:,} chips", fontsize=10)
    return ax


def _called(group: Sequence[Block]) -> str:
    """A population, or the relays that sum parts of its inputs."""
    head, part, _ = group[0].population.partition(PART)
    return f"{head}, {len(group)} parts of its fan-in" if part else head


def draw_systems(placed: Sequence[Placement], ax: Any) -> Any:
    """Cores of the placements beside those of the published systems, on a logarithmic axis; gives back ``ax``."""
    rows = [(f"this network on {one.chip.name}", one.cores, True) for one in placed]
    rows += [(system.name, system.cores, False) for system in SYSTEMS]
    bars = ax.barh(
        range(len(rows)), [cores for _, cores, _ in rows], color=[COLOURS[0] if own else "0.7" for *_, own in rows]
    )
    ax.bar_label(bars, [f"{cores:,}" for _, cores, _ in rows], padding=2, fontsize=7)
    ax.set_yticks(range(len(rows)), [name for name, *_ in rows], fontsize=8)
    ax.invert_yaxis()
    ax.set(xscale="log", xlabel="cores", xlim=(50, 20 * max(cores for _, cores, _ in rows)))
    ax.set_title("beside published systems", fontsize=10)
    return ax
