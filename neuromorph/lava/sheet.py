"""What a network needs of a chip, and what one inference costs there.

Operations per inference (NeuroBench 2.3, Yik et al. 2025, Nat Commun 16:1545), averaged over samples and summed over
steps: synaptic operations = nonzero inputs x nonzero weights, accumulates (ACs) where all inputs of a layer are in
{-1, 0, 1}, else multiply-accumulates (MACs); dense = all inputs x all weights; membrane updates = every membrane in the
first step, then those that a step has changed; footprint = bytes of all parameters, here also packed, a bit a weight.
Energy, Loihi 1 only (Davies et al. 2018, IEEE Micro 38(1):82, Table 2, pre-silicon simulation at 0.75 V; read in
secondary sources):
    E >= 23.6 pJ x synaptic operations + 81 pJ x changed + 52 pJ x unchanged membranes (+ 120 pJ x learning updates)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from neuromorph.lava.connection import ALWAYS, INPUT, Synapses
from neuromorph.lava.mapping import CHIPS, Chip, Core, degrees, map_layers
from neuromorph.lava.reference import simulate
from neuromorph.lava.spec import NetworkSpec

SYNAPTIC_PJ, ACTIVE_PJ, REST_PJ = 23.6, 81, 52  # Loihi 1: a synaptic operation, a changed, an unchanged membrane
LEARNING = "8-bit weights, 8-bit tags (learning)"
LEARNING_BITS = (8, 8)  # weight, tag: what the learning engine works on


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
    spec: NetworkSpec
    weight_bits: int
    tag_bits: int
    cores: tuple[Core, ...]
    problems: tuple[str, ...]
    formats: dict[str, int]
    activity: Activity | None

    @property
    def packed_bytes(self) -> float:
        """The weights' bits, 17 a threshold, 13 + 3 a bias where there is one, and a 12-bit decay a layer."""
        bits = self.weights * self.packed_bits
        bits += sum(17 * np.size(layer.threshold) + 12 for layer in self.spec.layers)
        return (bits + sum(13 * np.size(one.bias_mant) + 3 for one in self.spec.layers if np.any(one.bias))) / 8

    @property
    def packed_bits(self) -> int:
        """Of a weight: 1 where all are -1 or +1, else as on the chip."""
        binary = all(np.abs(one.weights).min(initial=1) == np.abs(one.weights).max(initial=1) == 1 for one in self._all)
        return 1 if binary else self.spec.weight_bits

    @property
    def _all(self) -> list[Synapses]:
        return [one for _, one in self.spec.connections]

    @property
    def float_bytes(self) -> int:
        """NeuroBench's footprint of the training network: float32 hidden weights, a threshold and a decay a layer."""
        return 4 * (self.weights + 2 * len(self.spec.layers))

    @property
    def weights(self) -> int:
        """Number of weights, those of a convolution's kernels once."""
        return sum(one.weights.size for one in self._all)

    @property
    def synapses(self) -> int:
        """Number of connections, those of a convolution one by one."""
        return sum(int(degrees(one).sum()) for one in self._all)

    @property
    def picojoules(self) -> dict[str, float] | None:
        """Lower bound per inference by term; None without samples or published figures, or where it does not fit."""
        if not self.chip.energy or self.activity is None or self.problems:
            return None
        activity = self.activity
        terms = {
            "synaptic operations": SYNAPTIC_PJ * (activity.accumulates + activity.multiply_accumulates),
            "neuron updates": ACTIVE_PJ * activity.membrane_updates
            + REST_PJ * (activity.neuron_steps - activity.membrane_updates),
        }
        if self.tag_bits:
            terms["learning updates, all synapses once"] = 120.0 * self.synapses
        return terms

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def resources(
    spec: NetworkSpec,
    chip: str = "loihi1",
    x: ArrayLike | None = None,
    learning: bool = False,
    weight_bits: int | None = None,
) -> Sheet:
    """Map ``spec`` to the cores of ``chip`` ("loihi1" or "loihi2"), and count the operations on samples ``x``.

    ``weight_bits``: of the stored weights, by default the least that holds them in one sign-mixed format. ``learning``:
    8-bit weights with 8-bit tags, for a rule of the learning engine on every layer. Raises ValueError for another chip.
    """
    if chip not in CHIPS:
        raise ValueError(f"unknown chip {chip!r}; known: {', '.join(CHIPS)}")
    weight_bits = spec.weight_bits if weight_bits is None else weight_bits
    if weight_bits not in (2, 3, 4, 5, 6, 8):
        raise ValueError(f"signed weights of -1 and +1 take 2, 3, 4, 5, 6 or 8 bits on the chip, got {weight_bits}")
    kind = CHIPS[chip]
    widths = LEARNING_BITS if learning else (weight_bits, 0)
    cores, problems = map_layers(spec, kind, sum(widths), shared=not learning)
    if spec.input_bits > 1 and not kind.graded_spikes:
        problems.insert(0, f"input: graded spikes of {spec.input_bits} bits need Loihi 2; use input_bits 1 or a raster")
    problems += [
        f"layer {number}: its reset, {layer.reset!r}, is not the chip's; Lava runs it by a process of this project"
        for number, layer in enumerate(spec.layers, 1)
        if layer.reset != "zero"
    ]
    if len(cores) > kind.cores:
        problems.append(f"network: {len(cores)} cores, a chip has {kind.cores}: {-(-len(cores) // kind.cores)} chips")
    kinds = [("2-bit weights", 2, True), ("8-bit weights", 8, True), (LEARNING, 16, False)]
    if any(layer.image for layer in spec.layers):
        kinds.insert(1, ("2-bit weights, none shared", 2, False))
    formats = {label: len(map_layers(spec, kind, bits, shared)[0]) for label, bits, shared in kinds}
    activity = None if x is None else count(spec, x)
    return Sheet(kind, spec, *widths, tuple(cores), tuple(problems), formats, activity)


def count(spec: NetworkSpec, x: ArrayLike) -> Activity:
    """Operations of ``spec`` on the samples ``x``."""
    messages = spec.encode(x)
    samples = len(messages)
    if samples == 0:
        raise ValueError("operations are counted on samples, got none")
    records = simulate(spec, x)
    repeated = 1 if spec.hold == 1 else spec.num_steps
    active = [np.count_nonzero(messages[:, :: spec.hold], axis=(0, 1)) * repeated]
    active += [record.spikes.sum((0, 1)) for record in records]
    always = np.full(1, samples * spec.num_steps)
    reached = [degrees(one) for _, one in spec.connections]
    operations = [0.0, 0.0]  # of the input, of spikes
    for (_, one), each in zip(spec.connections, reached, strict=True):
        sending = always if one.source == ALWAYS else active[one.source]
        operations[one.source != INPUT] += float(sending @ each / samples)
    graded = spec.largest_message > 1
    updates = sum(r.membranes[0].size + np.count_nonzero(np.diff(r.membranes, axis=0)) for r in records)
    return Activity(
        samples=samples,
        spikes=tuple(float(n.sum() / samples) for n in active),
        accumulates=operations[1] + (0.0 if graded else operations[0]),
        multiply_accumulates=operations[0] if graded else 0.0,
        dense=float(spec.num_steps * sum(each.sum() for each in reached)),
        membrane_updates=float(updates / samples),
        neuron_steps=float(spec.num_steps * sum(spec.sizes[1:])),
    )


def _lines(sheet: Sheet) -> list[str]:
    chip = sheet.chip
    kind = f"{sheet.weight_bits}-bit weights" + (f", {sheet.tag_bits}-bit tags" if sheet.tag_bits else "")
    lines = [
        f"{chip.name}: {sheet.spec.title}, {sheet.spec.num_steps} steps, {kind}: "
        f"{len(sheet.cores)} of {chip.cores} cores",
        f"  ({chip.source})",
        f"  cores by weight format: {'; '.join(f'{label} {n}' for label, n in sheet.formats.items())}",
    ]
    for number in range(1, len(sheet.spec.layers) + 1):
        placed = [core for core in sheet.cores if core.layer == number]
        fill = ", ".join(f"{name} {100 * value:.1f} %" for name, value in placed[0].fill.items())
        each = f"{placed[0].last - placed[0].first} neurons each" if len(placed) > 1 else "all neurons"
        lines.append(f"  layer {number}: {_plural(len(placed), 'core')}, {each}; filled: {fill}")
    lines += [f"  does not fit: {problem}" for problem in sheet.problems] or ["  everything fits"]
    bits = _plural(sheet.packed_bits, "bit")
    lines.append(
        f"  footprint: {sheet.packed_bytes / 1024:.1f} KiB packed ({bits} a weight), "
        f"{sheet.float_bytes / 1024:.1f} KiB as float32 parameters (NeuroBench)"
    )
    if sheet.activity is not None:
        lines += _activity_lines(sheet, sheet.activity)
    return lines


def _activity_lines(sheet: Sheet, activity: Activity) -> list[str]:
    spikes = " + ".join(f"{n:.0f}" for n in activity.spikes)
    sparsity = 1 - sum(activity.spikes[1:]) / activity.neuron_steps
    lines = [
        f"  per inference (mean of {activity.samples} samples, {sheet.spec.num_steps} steps; as NeuroBench defines):",
        f"    spikes, input + layers: {spikes}; activation sparsity {sparsity:.3f}; "
        f"connection sparsity {_zeros(sheet):.3g}",
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


def _zeros(sheet: Sheet) -> float:
    """NeuroBench's connection sparsity: zero weights over all weights."""
    return 1 - sum(int(np.count_nonzero(one.weights)) for _, one in sheet.spec.connections) / sheet.weights


def _terms(terms: dict[str, float]) -> str:
    return ", ".join(f"{name} {value / 1e6:.3f} uJ" for name, value in terms.items())


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' if count != 1 else ''}"
