"""A floating-point graph in the chip's integers, chosen by the fewest differing spikes on calibration data.

Each population has a scale S, of the layer or of each output: v_chip = 64 S v. With Q = 2^(bits - 1) - 1,
    W_chip = clip(round(W S / 2^k), +-Q), weight_exp = k - 1, S = Q 2^k / (c max |W|), threshold_chip = round(S theta)
where c <= 1 cuts the largest weights off, and max |W| is of the first connection, or of all connections of an output.
S is at most what keeps thresholds, biases and the membranes seen in calibration within the chip's widths. Decays are
rounded to 1/4096. Candidates (c, k, a scale of the layer or of each output) run the integer recurrence on the floating
network's own spikes, and the one with the fewest spikes that differ is taken; a layer whose weights are integers times
one number is kept exactly. Weights of 16 bits are two synapses of 8, the second one for what the first one rounded off;
so is a bias that enters the current (derived here).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromorph.chip import BIAS_EXPONENT_LIMIT, BIAS_MANTISSA_LIMIT, DECAY_UNITY, MEMBRANE_LIMIT, UNITS
from neuromorph.importers.frames import frames
from neuromorph.importers.graph import INPUT, FloatGraph, FloatRecord, simulate
from neuromorph.importers.maps import Form, composed
from neuromorph.importers.rounding import EXPONENTS, Choice, Part, layer_of
from neuromorph.lava.connection import ALWAYS
from neuromorph.lava.limits import THRESHOLD_LIMITS
from neuromorph.lava.reference import simulate_layer
from neuromorph.lava.spec import LayerSpec, NetworkSpec

CUTS = (1.0, 0.85, 0.7, 0.55, 0.4)
COARSE_CUTS = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0)  # of weights of 1 and 2 bits, in mean instead of largest weights
TRIED = 4  # exponents that fit, from the largest, with the first cut; the other cuts take the best of them
COARSEST = 0.15  # of the levels of a weight that a scale at its limit may leave unused
EXACT = "exact weights"
HEADROOM = 1.5  # between the largest membrane seen in calibration and the chip's


@dataclass(frozen=True)
class LayerReport:
    """What became of a population. ``spikes``, ``differing``: in calibration, on the floating network's own spikes.

    ``units`` [neuron]: the chip's membrane units in one unit of the floating membrane.
    """

    name: str
    neurons: int
    scale: str
    weight_error: float
    decays: str
    spikes: int
    differing: int
    units: NDArray[np.float64] = field(repr=False, compare=False)
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        share = f"{self.differing} of {self.spikes} spikes differ" if self.spikes else "no spikes"
        return "; ".join([f"{self.name}: {self.neurons} neurons, {self.scale}", self.decays, share, *self.notes])


def quantise(
    graph: FloatGraph, x: ArrayLike, num_steps: int, input_bits: int, encoding: str, choice: Choice
) -> tuple[NetworkSpec, tuple[LayerReport, ...]]:
    """The integer network of ``graph`` and what became of each layer; ``x``: calibration samples as ``encode`` takes.

    Raises ValueError naming the population that has no place within the chip's widths.
    """
    floating, messages = frames(graph, x, num_steps, input_bits, encoding)
    record = simulate(graph, floating)
    largest = max(1, 2**input_bits - 1)
    numbers = {INPUT: 0, **{one.name: k for k, one in enumerate(graph.neurons, 1)}}
    sent: list[Any] = [messages]
    layers: tuple[LayerSpec, ...] = ()
    reports = []
    for one in graph.neurons:
        forms = [_scaled(graph, each, largest) for each in graph.into(one.name)]
        sources = [numbers[each.source] for each in graph.into(one.name)]
        order = sorted(range(len(sources)), key=lambda k: sources[k] == numbers[one.name])
        part = Part(one, [forms[k] for k in order], [sources[k] for k in order], graph.recurrent, choice)

        def network(layer: LayerSpec, before: tuple[LayerSpec, ...] = layers) -> NetworkSpec:
            return NetworkSpec((*before, layer), num_steps, input_bits, encoding)

        layer, report = _best(part, network, sent, record, numbers[one.name])
        layers += (layer,)
        reports.append(report)
        sent.append(record.spikes[one.name].numpy())
    return NetworkSpec(layers, num_steps, input_bits, encoding), tuple(reports)


def _scaled(graph: FloatGraph, connection: Any, largest: int) -> Form:
    """Its weights for what the chip sends: an input of 1 is the message ``largest``, a spike counts its factor."""
    form = composed(connection.maps, graph.shape(connection.source))
    factor = 1 / largest
    if connection.source != INPUT:
        factor = next(one.factor for one in graph.neurons if one.name == connection.source)
    return Form(form.weights * factor, form.bias, form.shape, form.image, form.stride, form.padding)


def _rows(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.abs(weights).reshape(len(weights), -1)


def _kinds(part: Part) -> Iterator[tuple[str, NDArray[np.float64], tuple[float, ...]]]:
    """Scales without the factor 2^k and without a cut, [output], each with its words and the cuts to try."""
    main, choice = part.forms[0].weights, part.choice
    whole = _rows(main).max() or 1.0
    step = _grid(main, choice.largest)
    if step:
        yield EXACT, np.full(len(main), 1 / step), (1.0,)
    coarse = choice.weight_bits <= 2
    cuts = COARSE_CUTS if coarse else (1.0,) if choice.weight_bits == 16 else CUTS
    for kind in ("layer", "channel") if choice.scales == "best" else (choice.scales,):
        rows = _rows(main)
        of_row = rows.sum(1) / np.maximum((rows > 0).sum(1), 1) if coarse else rows.max(1)
        of_all = rows.sum() / max((rows > 0).sum(), 1) if coarse else whole
        most = np.full(len(main), of_all) if kind == "layer" else of_row
        most = np.where(most > 1e-3 * whole, most, whole)
        yield f"one scale a {kind}", choice.largest / most, cuts
        every = [form.weights for form in part.forms]
        if kind == "channel" and not coarse and len(every) > 1 and {len(one) for one in every} == {len(main)}:
            # recurrent weights may be an order larger than those of the input: all of a row in its integers
            most = np.max([_rows(one).max(1) for one in every], axis=0)
            most = np.where(most > 1e-3 * most.max(), most, most.max() or 1.0)
            yield f"one scale a {kind} of all connections", choice.largest / most, cuts


def _grid(weights: NDArray[np.float64], largest: int) -> float | None:
    """The number of which all weights are small multiples, if there is one: the least weight is one to eight of it."""
    least = np.abs(weights[weights != 0]).min(initial=np.inf)
    if not np.isfinite(least):
        return 1.0
    for whole in range(1, 9):
        multiples = weights / (least / whole)
        if np.abs(multiples).max() <= largest + 1e-3 and np.allclose(multiples, np.rint(multiples), atol=1e-6):
            return float(least / whole)
    return None


class _Found(NamedTuple):
    wrong: float
    differing: int
    words: str
    k: int
    layer: LayerSpec
    scale: NDArray[np.float64]


def _best(part: Part, network: Any, sent: list[Any], record: FloatRecord, number: int) -> tuple[LayerSpec, LayerReport]:
    name = part.neurons.name
    wanted, membranes = record.spikes[name].numpy(), record.membranes[name].numpy()
    cap = _cap(part, np.abs(membranes).max((0, 1)))
    reasons: list[str] = []

    def tried(words: str, base: NDArray[np.float64], k: int, cut: float) -> list[_Found]:
        wanted_scale = base * 2.0**k / cut
        scale = np.minimum(wanted_scale, cap if "channel" in words else cap.min())
        if np.median(scale / wanted_scale) <= COARSEST:  # a smaller exponent holds the same, finer
            return []
        try:
            layer = layer_of(part, scale, k, words == EXACT)
            spec = network(layer)
        except ValueError as error:
            reasons.append(str(error))
            return []
        got = simulate_layer(spec, number, sent)
        differing = int((got.spikes != wanted).sum())
        wrong = float(differing)
        if part.neurons.threshold is None:
            each = UNITS * np.repeat(scale, layer.neurons // len(scale))
            wrong = float(np.abs(got.membranes / each - membranes).mean())
        unit = "mean" if part.choice.weight_bits <= 2 else "largest"
        words = f"{words}, {cut:g} of the {unit} weight, exponent {layer.weight_exp}"
        return [_Found(wrong, differing, words, k, layer, scale)]

    found: list[_Found] = []
    for words, base, cuts in _kinds(part):
        if found and (found[0].words.startswith(EXACT) or min(one.wrong for one in found) == 0):
            break
        mine: list[_Found] = []
        for k in EXPONENTS:
            if len(mine) < TRIED and (words != EXACT or np.all(base * 2.0**k <= cap)):
                mine += tried(words, base, k, cuts[0])
        if mine:
            best = min(mine, key=lambda one: one.wrong)
            mine += [one for cut in cuts[1:] for one in tried(words, base, best.k, cut)]
        found += mine
    if not found:
        raise ValueError(f"{name} does not fit the chip at any scale: {reasons[-1] if reasons else 'too large'}")
    best = min(found, key=lambda one: one.wrong)
    return best.layer, _report(part, best, int(wanted.sum()))


def _cap(part: Part, membranes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest scale of each output with which threshold, bias and membranes, with room, fit the chip's widths."""
    neurons, tiny = part.neurons, 1e-9
    threshold = part.each(0.0 if neurons.threshold is None else neurons.threshold)
    bias = np.abs(part.current_bias) + np.abs(part.each(neurons.bias))
    caps = [
        THRESHOLD_LIMITS[1] / np.maximum(threshold, tiny),
        MEMBRANE_LIMIT / (HEADROOM * UNITS * np.maximum(membranes, tiny)),
        BIAS_MANTISSA_LIMIT * 2**BIAS_EXPONENT_LIMIT / (UNITS * np.maximum(bias, tiny)),
    ]
    return np.min(caps, axis=0).reshape(part.outputs(), -1).min(1)


def _report(part: Part, found: _Found, spikes: int) -> LayerReport:
    form, neurons, layer = part.forms[0], part.neurons, found.layer
    rows = found.scale.reshape(-1, *[1] * (form.weights.ndim - 1))
    same = [one for one in (layer.first, *layer.more) if one.source == part.sources[0]]
    kept = same[0].weights * 2.0 ** (same[0].weight_exp + 1)
    if part.choice.weight_bits == 16 and len(same) > 1:
        kept = kept + same[1].weights * 2.0 ** (same[1].weight_exp + 1)
    error = float(np.abs(kept / rows - form.weights).mean() / (np.abs(form.weights).mean() or 1))
    beta, alpha = part.each(neurons.beta), part.each(neurons.alpha)
    shift = np.abs(1 - layer.each(layer.dv) / DECAY_UNITY - beta).max()
    decays = f"beta {_range(beta)}" + (f", alpha {_range(alpha)}" if alpha.any() else "") + f" (moved {shift:.1e})"
    notes = [f"weights moved {100 * error:.2f} % on average"]
    notes += [f"threshold {_range(layer.each(layer.threshold))}"]
    if layer.reset != "zero":
        notes.append(f"reset {layer.reset!r} needs a process of this project, stock Lava and the chip have none")
    if any(one.source == ALWAYS for one in layer.more):
        notes.append("bias from an axon that always spikes, because it enters the current")
    units = UNITS * np.repeat(found.scale, neurons.size // len(found.scale))
    return LayerReport(
        neurons.name, neurons.size, found.words, error, decays, spikes, found.differing, units, tuple(notes)
    )


def _range(values: NDArray[Any]) -> str:
    low, high = values.min(), values.max()
    return f"{low:.5g}" if low == high else f"{low:.5g} to {high:.5g}"
