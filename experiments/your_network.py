"""Networks made elsewhere on the chip's rules: the files of the NIR paper (snnTorch's: ``tutorial_network.py``).

python experiments/your_network.py [--quick] [--parts nmnist braille isolation]

nmnist: ``cnn_sinabs.nir`` on the N-MNIST test recordings at hand, 300 frames. braille: the recurrent network of that
paper on random rasters of two rates, floating network against integers; the data it was trained on are not here.
isolation: which of its numbers, rounded to 8 bits, moves its spikes, and what any small change does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fusi_models.seeds import generator
from neuromorph import lava
from neuromorph.chip import DECAY_UNITY, UNITS
from neuromorph.importers.graph import FloatGraph
from neuromorph.importers.graph import simulate as floating_run
from neuromorph.importers.samples import samples
from neuromorph.lava.connection import ALWAYS
from neuromorph.lava.reference import simulate
from neuromorph.stopping import run_page
from neuromorph.tables import deviation


@dataclass(frozen=True)
class Args:
    """What to run."""

    parts: tuple[str, ...] = ("nmnist", "braille", "isolation")
    """nmnist, braille, isolation."""
    folder: Path = Path("nir")
    """Where cnn_sinabs.nir and braille_noDelay_bias_zero.nir lie."""
    seeds: int = 3
    """Draws of random rasters."""
    quick: bool = False
    """Small sizes, to see that it runs."""


def nmnist(args: Args) -> None:
    """Floating simulation and integers of the convolutional network, and how many spikes differ."""
    steps = 30 if args.quick else 300
    first, x, y = samples("nmnist", steps, "raster", 4, 10 if args.quick else 100)
    deployment = lava.deploy(args.folder / "cnn_sinabs.nir", first, num_steps=steps)
    print(f"cnn_sinabs.nir, {len(y)} test recordings, {steps} steps")
    compare(deployment, x, y)


def braille(args: Args) -> None:
    """How well the integers keep the recurrent network's spikes, by the bits of a weight."""
    for rate in (0.02, 0.1):
        for bits in (8, 16):
            kept: list[tuple[float, ...]] = []
            for seed in range(args.seeds):
                deployment, x = deployed_braille(args, rate, seed, bits)
                assert deployment.origin is not None
                ours, theirs = deployment.origin.run(deployment.spec, x)[-1][0], deployment.reference(x)
                kept.append(agreement(ours, theirs))
            shown(f"braille, rate {rate}, {bits} bits", kept)


def isolation(args: Args) -> None:
    """Which rounded number moves the recurrent network's spikes, and what any small change does to it."""
    for rate in (0.02, 0.1):
        rows: dict[str, list[tuple[float, ...]]] = {}
        for seed in range(args.seeds):
            deployment, x = deployed_braille(args, rate, seed, 8)
            assert deployment.origin is not None
            graph = deployment.origin.graph
            ours = floating_output(graph, x)
            made = {f"only {what} rounded": rounded(deployment, what) for what in QUANTITIES}
            made |= {f"{what} in floating point": rounded(deployment, *QUANTITIES - {what}) for what in QUANTITIES}
            made["all rounded, floating recurrence"] = rounded(deployment, *QUANTITIES)
            for size in (1e-6, 1e-4, 1e-3, 1e-2):
                made[f"every weight moved by {size:g} of the largest of its row"] = moved(graph, size, seed)
            for name, one in made.items():
                rows.setdefault(name, []).append(agreement(ours, floating_output(one, x)))
            rows.setdefault("chip", []).append(agreement(ours, deployment.reference(x)))
            for name, changed in one_spike_less(x).items():
                rows.setdefault(name, []).append(agreement(ours[21:], floating_output(graph, changed)[21:]))
        for name, values in rows.items():
            shown(f"braille, rate {rate}, {name}", values)


QUANTITIES = {"input weights", "recurrent weights", "output weights", "decays", "thresholds", "biases"}
WEIGHTS = {("input", 1): "input weights", (1, 1): "recurrent weights", (1, 2): "output weights"}


def rounded(deployment: lava.Deployment, *what: str) -> FloatGraph:
    """The floating network with some of its numbers as the chip has them."""
    origin, spec = deployment.origin, deployment.spec
    assert origin is not None
    graph = origin.graph
    places = {one.name: k for k, one in enumerate(graph.neurons, 1)}
    neurons, connections = list(graph.neurons), list(graph.connections)
    for name, k in places.items():
        layer, scale = spec.layers[k - 1], origin.layers[k - 1].units / UNITS
        stored: dict[int, np.ndarray] = {}
        for one in (layer.first, *layer.more):
            stored[one.source] = stored.get(one.source, 0) + one.weights * 2.0 ** (one.weight_exp + 1) / scale[:, None]
        into = [j for j, one in enumerate(connections) if one.target == name]
        for j in into:
            one = connections[j]
            source = places.get(one.source, 0)
            weight, bias = one.maps[0].weight, one.maps[0].bias
            if WEIGHTS[source or "input", k] in what:  # type: ignore[index]
                weight = torch.from_numpy(stored[source].astype(np.float32))
            if "biases" in what and j == into[0]:
                whole = sum(connections[i].maps[0].bias for i in into)
                bias = bias + torch.from_numpy(stored[ALWAYS][:, 0].astype(np.float32)) - whole
            connections[j] = replace(one, maps=(replace(one.maps[0], weight=weight, bias=bias),))
        mine = neurons[k - 1]
        if "thresholds" in what:
            mine = replace(mine, threshold=torch.from_numpy((layer.each(layer.threshold) / scale).astype(np.float32)))
        if "decays" in what:
            beta, alpha = 1 - np.asarray(layer.dv) / DECAY_UNITY, 1 - (np.asarray(layer.du) + 1) / DECAY_UNITY
            mine = replace(mine, beta=torch.tensor(float(beta)), alpha=torch.tensor(float(alpha)))
        neurons[k - 1] = mine
    return replace(graph, neurons=tuple(neurons), connections=tuple(connections))


def moved(graph: FloatGraph, size: float, seed: int) -> FloatGraph:
    """Every weight moved by a uniform number in +-``size`` of the largest weight of its row (8 bits: +-.004)."""
    rng = generator("weights moved of the braille network", seed)
    connections = []
    for one in graph.connections:
        weight = one.maps[0].weight
        step = size * weight.abs().max(1, keepdim=True).values * torch.from_numpy(rng.uniform(-1, 1, weight.shape))
        connections.append(replace(one, maps=(replace(one.maps[0], weight=weight + step.float()),)))
    return replace(graph, connections=tuple(connections))


def one_spike_less(x: np.ndarray) -> dict[str, np.ndarray]:
    """The rasters without one spike of each: the first one at step 20 or later."""
    changed = x.copy()
    for sample in range(x.shape[1]):
        step, feature = np.argwhere(x[20:, sample] > 0)[0]
        changed[20 + step, sample, feature] = 0
    return {"one input spike less": changed}


def deployed_braille(args: Args, rate: float, seed: int, bits: int) -> tuple[lava.Deployment, np.ndarray]:
    """The network, calibrated on random rasters, and others to test."""
    rng = generator("rasters for the braille network", seed)
    drawn = [(rng.random((100, 50, 12)) < rate).astype(np.float32) for _ in range(2)]
    file = args.folder / "braille_noDelay_bias_zero.nir"
    return lava.deploy(file, drawn[0], num_steps=100, weight_bits=bits), drawn[1]


def floating_output(graph: FloatGraph, x: np.ndarray) -> np.ndarray:
    """Output spikes [time, batch, neuron]."""
    return floating_run(graph, torch.from_numpy(x), ()).spikes[graph.neurons[-1].name].numpy()


def agreement(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, ...]:
    """Percent: spikes at the same step; total; counts a neuron and sample, 100 less their mean difference; argmax."""
    mine, other = ours.sum(0).astype(int), theirs.sum(0).astype(int)
    same = (ours & theirs).sum() / max(ours.sum(), theirs.sum())
    counts = 1 - np.abs(mine - other).mean() / mine.mean()
    return 100 * same, 100 * other.sum() / mine.sum(), 100 * counts, 100 * (mine.argmax(1) == other.argmax(1)).mean()


def shown(name: str, values: list[tuple[float, ...]]) -> None:
    """Mean and spread of the seeds."""
    mean, spread = np.mean(values, 0), deviation(values)
    words = ("same step", "total", "counts", "same answer")
    print(f"{name}: " + ", ".join(f"{w} {m:.1f} +- {s:.1f}" for w, m, s in zip(words, mean, spread, strict=True)))


def compare(deployment: lava.Deployment, x: np.ndarray, y: np.ndarray) -> None:
    """Print accuracies and spikes that differ, a few samples at a time."""
    origin: Any = deployment.origin
    for report in origin.layers:
        print(f"  {report}")
    hits, differing = np.zeros(2, int), np.zeros((2, len(origin.layers)), int)
    for start in range(0, len(y), 10):
        part = x[:, start : start + 10]
        floating = [spikes for spikes, _ in origin.run(deployment.spec, part)]
        integers = [record.spikes for record in simulate(deployment.spec, part)]
        labels = y[start : start + 10]
        hits += [(one[-1].sum(0).argmax(1) == labels).sum() for one in (floating, integers)]
        differing[0] += [int((a != b).sum()) for a, b in zip(floating, integers, strict=True)]
        differing[1] += [int(a.sum()) for a in floating]
    print(f"  accuracy: floating {hits[0] / len(y):.4f}, integers {hits[1] / len(y):.4f}")
    print(f"  spikes that differ, by layer: {differing[0].tolist()} of {differing[1].tolist()}")


PARTS = {"nmnist": nmnist, "braille": braille, "isolation": isolation}


def main(args: Args) -> None:
    for name in args.parts:
        PARTS[name](args)


if __name__ == "__main__":
    run_page(main, Args)
