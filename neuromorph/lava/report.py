"""What a network needs of a chip, and what one inference costs there.

Synapse memory of one input axon that reaches n neurons of a core, in groups of w <= 64 weights (Loihi 1, as encoded in
nengo-loihi 1.1, ``block.py``):
    bits = sum over groups of 64 ceil((w (weight bits + tag bits) + 10) / 64)
Operations per inference (NeuroBench 2.3, Yik et al. 2025, Nat Commun 16:1545), averaged over samples and summed over
steps: synaptic operations = nonzero inputs x nonzero weights, accumulates (ACs) where all inputs of a layer are in
{-1, 0, 1}, else multiply-accumulates (MACs); dense = all inputs x all weights; membrane updates = every membrane in the
first step, then those that a step has changed; footprint = bytes of all parameters, here also packed, a bit a weight.
Energy, Loihi 1 only (Davies et al. 2018, IEEE Micro 38(1):82, Table 2, pre-silicon simulation at 0.75 V; read in
secondary sources):
    E >= 23.6 pJ x synaptic operations + 81 pJ x changed + 52 pJ x unchanged membranes (+ 120 pJ x learning updates)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from neuromorph.lava.reference import simulate
from neuromorph.lava.spec import LayerSpec, NetworkSpec

MEMBER_GROUP, GROUP_BITS, WORD_BITS = 64, 10, 64
LEARNING_BITS = (8, 8)  # weight, tag: what the learning engine works on


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


@dataclass(frozen=True)
class Activity:
    """Averages per inference over the samples given, summed over layers and steps."""

    samples: int
    spikes: tuple[float, ...]
    accumulates: float
    multiply_accumulates: float
    dense: float
    membrane_updates: float
    neuron_steps: float


@dataclass(frozen=True)
class Sheet:
    """Resources of a network on a chip; ``str()`` prints it. ``problems``: what does not fit, and why."""

    chip: Chip
    sizes: tuple[int, ...]
    num_steps: int
    weight_bits: int
    tag_bits: int
    cores: tuple[Core, ...]
    problems: tuple[str, ...]
    formats: dict[str, int]
    activity: Activity | None

    @property
    def packed_bytes(self) -> float:
        """One bit a weight, one 17-bit threshold and one 12-bit decay a layer."""
        return (self.weights + 29 * (len(self.sizes) - 1)) / 8

    @property
    def float_bytes(self) -> int:
        """NeuroBench's footprint of the training network: float32 hidden weights, a threshold and a decay a layer."""
        return 4 * (self.weights + 2 * (len(self.sizes) - 1))

    @property
    def weights(self) -> int:
        """Number of synapses."""
        return sum(a * b for a, b in zip(self.sizes, self.sizes[1:], strict=False))

    @property
    def picojoules(self) -> dict[str, float] | None:
        """Lower bound per inference by term; None without samples or published figures, or where it does not fit."""
        if not self.chip.energy or self.activity is None or self.problems:
            return None
        activity = self.activity
        terms = {
            "synaptic operations": 23.6 * (activity.accumulates + activity.multiply_accumulates),
            "neuron updates": 81 * activity.membrane_updates + 52 * (activity.neuron_steps - activity.membrane_updates),
        }
        if self.tag_bits:
            terms["learning updates, all synapses once"] = 120.0 * self.weights
        return terms

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def resources(
    spec: NetworkSpec, chip: str = "loihi1", x: ArrayLike | None = None, learning: bool = False, weight_bits: int = 2
) -> Sheet:
    """Map ``spec`` to the cores of ``chip`` ("loihi1" or "loihi2"), and count the operations on samples ``x``.

    ``weight_bits``: of the stored weights; 2 is the least that holds -1 and +1 in one sign-mixed format. ``learning``:
    8-bit weights with 8-bit tags, for a rule of the learning engine on every layer. Raises ValueError for another chip.
    """
    if chip not in CHIPS:
        raise ValueError(f"unknown chip {chip!r}; known: {', '.join(CHIPS)}")
    if weight_bits not in (2, 3, 4, 5, 6, 8):
        raise ValueError(f"signed weights of -1 and +1 take 2, 3, 4, 5, 6 or 8 bits on the chip, got {weight_bits}")
    kind = CHIPS[chip]
    widths = LEARNING_BITS if learning else (weight_bits, 0)
    cores, problems = map_layers(spec, kind, sum(widths))
    if spec.input_bits > 1 and not kind.graded_spikes:
        problems.insert(0, f"input: graded spikes of {spec.input_bits} bits need Loihi 2; use input_bits 1 or a raster")
    if len(cores) > kind.cores:
        problems.append(f"network: {len(cores)} cores, a chip has {kind.cores}: {-(-len(cores) // kind.cores)} chips")
    formats = {
        label: len(map_layers(spec, kind, bits)[0])
        for label, bits in (("2-bit weights", 2), ("8-bit weights", 8), ("8-bit weights, 8-bit tags (learning)", 16))
    }
    activity = None if x is None else count(spec, x)
    return Sheet(kind, spec.sizes, spec.num_steps, *widths, tuple(cores), tuple(problems), formats, activity)


def map_layers(spec: NetworkSpec, chip: Chip, synapse_bits: int) -> tuple[list[Core], list[str]]:
    """Give each layer whole cores, as few as its limits allow, neurons spread evenly; and what does not fit.

    A neuron's synapses lie all on its own core. It sends one output axon to every core of the next layer, so layers are
    mapped from the last to the first.
    """
    cores: list[Core] = []
    problems: list[str] = []
    targets = 1  # of the output layer: the host
    for number in range(len(spec.layers), 0, -1):
        layer = spec.layers[number - 1]
        neurons, fan_in = layer.weights.shape
        most = _most_neurons(layer, chip, synapse_bits, targets)
        if most == 0:
            problems.insert(0, f"layer {number}: {_reason(fan_in, chip, synapse_bits, targets)}")
            most = min(neurons, chip.compartments)
        pieces = -(-neurons // most)
        edges = np.linspace(0, neurons, pieces + 1).round().astype(int)
        placed = [Core(number, int(a), int(b), _fill(layer, chip, synapse_bits, targets, int(a), int(b)))
                  for a, b in zip(edges, edges[1:], strict=False)]  # fmt: skip
        over = max((core.fill.get("thresholds", 0) for core in placed), default=0)
        if over > 1 and chip.thresholds is not None:
            problems.insert(
                0,
                f"layer {number}: {round(over * chip.thresholds)} different thresholds on one core, {chip.name} has "
                f"{chip.thresholds}; use one threshold a layer, or a bias of each neuron",
            )
        cores = placed + cores
        targets = pieces
    return cores, problems


def axon_bits(neurons: int, synapse_bits: int) -> int:
    """Synapse memory in bits of one input axon that reaches ``neurons`` neurons of a core."""
    groups = [MEMBER_GROUP] * (neurons // MEMBER_GROUP) + [neurons % MEMBER_GROUP] * (neurons % MEMBER_GROUP > 0)
    return sum(WORD_BITS * -(-(n * synapse_bits + GROUP_BITS) // WORD_BITS) for n in groups)


def count(spec: NetworkSpec, x: ArrayLike) -> Activity:
    """Operations of ``spec`` on the samples ``x``."""
    messages = spec.encode(x)
    samples = len(messages)
    if samples == 0:
        raise ValueError("operations are counted on samples, got none")
    records = simulate(spec, x)
    repeated = 1 if spec.hold == 1 else spec.num_steps
    active = [np.count_nonzero(messages[:, :: spec.hold]) * repeated / samples]
    active += [record.spikes.sum() / samples for record in records]
    operations = [float(n * len(layer.weights)) for n, layer in zip(active, spec.layers, strict=False)]
    graded = spec.largest_message > 1
    updates = sum(r.membranes[0].size + np.count_nonzero(np.diff(r.membranes, axis=0)) for r in records)
    return Activity(
        samples=samples,
        spikes=tuple(float(n) for n in active),
        accumulates=sum(operations[1:]) + (0.0 if graded else operations[0]),
        multiply_accumulates=operations[0] if graded else 0.0,
        dense=float(spec.num_steps * sum(layer.weights.size for layer in spec.layers)),
        membrane_updates=float(updates / samples),
        neuron_steps=float(spec.num_steps * sum(spec.sizes[1:])),
    )


def _most_neurons(layer: LayerSpec, chip: Chip, synapse_bits: int, targets: int) -> int:
    neurons, fan_in = layer.weights.shape
    if chip.input_axons is not None and fan_in > chip.input_axons:
        return 0
    most = min(neurons, chip.compartments)
    if chip.output_axons is not None:
        most = min(most, chip.output_axons // targets)
    while most and fan_in * axon_bits(most, synapse_bits) > chip.synapse_bits:
        most -= 1
    return most


def _reason(fan_in: int, chip: Chip, synapse_bits: int, targets: int) -> str:
    if chip.input_axons is not None and fan_in > chip.input_axons:
        return f"{fan_in} inputs, a core of {chip.name} has {chip.input_axons} input axons; use a smaller layer before"
    if chip.output_axons is not None and targets > chip.output_axons:
        return f"each neuron reaches {targets} cores, a core of {chip.name} has {chip.output_axons} output axons"
    need = fan_in * axon_bits(1, synapse_bits)
    return f"one neuron's {fan_in} synapses take {need} bits, a core of {chip.name} has {chip.synapse_bits}"


def _fill(layer: LayerSpec, chip: Chip, synapse_bits: int, targets: int, first: int, last: int) -> dict[str, float]:
    neurons, fan_in = last - first, layer.weights.shape[1]
    fill = {
        "compartments": neurons / chip.compartments,
        "synapse memory": fan_in * axon_bits(neurons, synapse_bits) / chip.synapse_bits,
    }
    if chip.input_axons is not None:
        fill["input axons"] = fan_in / chip.input_axons
    if chip.output_axons is not None:
        fill["output axons"] = neurons * targets / chip.output_axons
    if chip.thresholds is not None:
        thresholds = np.broadcast_to(layer.threshold, len(layer.weights))[first:last]
        fill["thresholds"] = len(np.unique(thresholds)) / chip.thresholds
    return fill


def _lines(sheet: Sheet) -> list[str]:
    chip = sheet.chip
    kind = f"{sheet.weight_bits}-bit weights" + (f", {sheet.tag_bits}-bit tags" if sheet.tag_bits else "")
    lines = [
        f"{chip.name}: {'-'.join(map(str, sheet.sizes))}, {sheet.num_steps} steps, {kind}: "
        f"{len(sheet.cores)} of {chip.cores} cores",
        f"  ({chip.source})",
        f"  cores by weight format: {'; '.join(f'{label} {n}' for label, n in sheet.formats.items())}",
    ]
    for number in range(1, len(sheet.sizes)):
        placed = [core for core in sheet.cores if core.layer == number]
        fill = ", ".join(f"{name} {100 * value:.1f} %" for name, value in placed[0].fill.items())
        each = f"{placed[0].last - placed[0].first} neurons each" if len(placed) > 1 else "all neurons"
        lines.append(f"  layer {number}: {_plural(len(placed), 'core')}, {each}; filled: {fill}")
    lines += [f"  does not fit: {problem}" for problem in sheet.problems] or ["  everything fits"]
    lines.append(
        f"  footprint: {sheet.packed_bytes / 1024:.1f} KiB packed (1 bit a weight), {sheet.float_bytes / 1024:.1f} KiB "
        "as float32 parameters (NeuroBench)"
    )
    if sheet.activity is not None:
        lines += _activity_lines(sheet, sheet.activity)
    return lines


def _activity_lines(sheet: Sheet, activity: Activity) -> list[str]:
    spikes = " + ".join(f"{n:.0f}" for n in activity.spikes)
    sparsity = 1 - sum(activity.spikes[1:]) / activity.neuron_steps
    lines = [
        f"  per inference (mean of {activity.samples} samples, all {sheet.num_steps} steps; NeuroBench's definitions):",
        f"    spikes, input + layers: {spikes}; activation sparsity {sparsity:.3f}; connection sparsity 0",
        f"    synaptic operations: {activity.accumulates:.0f} ACs, {activity.multiply_accumulates:.0f} MACs, "
        f"{activity.dense:.0f} dense",
        f"    membrane updates: {activity.membrane_updates:.0f} of {activity.neuron_steps:.0f} neuron steps",
    ]
    terms = sheet.picojoules
    if terms is None:
        reason = "the network does not fit" if sheet.chip.energy else "no figure per operation is published"
        return [*lines, f"    energy: none is given for {sheet.chip.name}, {reason}"]
    inference = sum(value for name, value in terms.items() if not name.startswith("learning"))
    lines.append(f"    energy: at least {inference / 1e6:.3f} uJ: {_terms(terms)}")
    lines.append(
        "      PRE-SILICON LOWER BOUND, synapse and neuron terms only, without routing, input, host and static power "
        "(Davies et al. 2018, IEEE Micro 38(1), Table 2, 0.75 V)"
    )
    return lines


def _terms(terms: dict[str, float]) -> str:
    return ", ".join(f"{name} {value / 1e6:.3f} uJ" for name, value in terms.items())


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' if count != 1 else ''}"


def core_table(cores: Sequence[Core]) -> list[str]:
    """One line a core: its neurons and how full it is."""
    return [
        f"core {index}: layer {core.layer}, neurons {core.first}..{core.last - 1}; "
        + ", ".join(f"{name} {100 * value:.1f} %" for name, value in core.fill.items())
        for index, core in enumerate(cores)
    ]
