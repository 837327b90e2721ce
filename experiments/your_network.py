"""Networks made elsewhere on the chip's rules: the files of the NIR paper, and the tutorial network of snnTorch.

python experiments/your_network.py [--quick] [--parts tutorial nmnist braille]

tutorial: 784-200-10 ``snntorch.Leaky`` (beta .9), trained here on MNIST with snnTorch alone (Adam 5e-4, cross entropy
of the membranes summed over 25 steps, batch 128, as its tutorial 5 does), deployed with weights of 8 bits and fewer;
every seed is a training of its own. The settings are the tutorial's, nothing was tuned; calibration is on 100 training
samples.
nmnist: ``cnn_sinabs.nir`` on the N-MNIST test recordings at hand, 300 frames. braille: the recurrent network of that
paper on random rasters of several rates, floating network against integers; the data it was trained on are not here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import snntorch
import torch
import tyro
from torch import nn

from fusi_models.seeds import generator
from neuromorph import lava
from neuromorph.data import load
from neuromorph.importers.samples import samples
from neuromorph.lava.reference import simulate

STEPS = 25


@dataclass(frozen=True)
class Args:
    """What to run."""

    parts: tuple[str, ...] = ("tutorial", "nmnist", "braille")
    """tutorial, nmnist, braille."""
    folder: Path = Path("nir")
    """Where cnn_sinabs.nir and braille_noDelay_bias_zero.nir lie."""
    seeds: int = 3
    """Trainings of the tutorial network, and draws of random rasters."""
    epochs: int = 1
    """Of the tutorial network."""
    train: int = 60000
    """Training images of MNIST."""
    test: int = 10000
    """Test images of MNIST."""
    quick: bool = False
    """Small sizes, to see that it runs."""


def tutorial(args: Args) -> None:
    """Accuracy of the floating network, and of the integers by input and weight bits, mean and spread of seeds."""
    data = load("mnist")
    images, labels = (data.train[0].reshape(-1, 784), data.train[1])
    x, y = data.test[0].reshape(-1, 784)[: args.test], data.test[1][: args.test]
    count = 2000 if args.quick else args.train
    for reset in ("zero", "subtract"):
        rows: dict[str, list[float]] = {}
        for seed in range(args.seeds):
            net = trained(images[:count], labels[:count], reset, seed, args.epochs)
            for bits, weights in ((8, 8), (4, 8), (8, 4), (8, 2), (8, 1)):
                deployment = lava.deploy(
                    net, images[:100], num_steps=STEPS, encoding="current", input_bits=bits, weight_bits=weights
                )
                assert deployment.origin is not None
                if bits == weights:
                    floating = deployment.origin.run(deployment.spec, x)
                    rows.setdefault("floating", []).append(right(floating[-1][0], y))
                    found = [record.spikes for record in simulate(deployment.spec, x)]
                    for k, ((ours, _), theirs) in enumerate(zip(floating, found, strict=True), 1):
                        share = (ours != theirs).sum() / (ours.sum() + theirs.sum())
                        rows.setdefault(f"spikes of layer {k} that differ", []).append(share)
                accuracy = right(deployment.reference(x), y)
                rows.setdefault(f"input {bits} bits, weights {weights} bits", []).append(accuracy)
        print(f"tutorial network, reset {reset!r}, {count} training images, {len(y)} test images, {args.seeds} seeds")
        for name, values in rows.items():
            print(f"  {name:40} {100 * np.mean(values):.2f} % +- {100 * np.std(values):.2f}  {np.round(values, 4)}")


def trained(images: np.ndarray, labels: np.ndarray, reset: str, seed: int, epochs: int) -> nn.Sequential:
    """The tutorial's network after ``epochs``, by snnTorch and torch alone."""
    torch.manual_seed(seed)
    first, second = (snntorch.Leaky(beta=0.9, reset_mechanism=reset) for _ in range(2))
    net = nn.Sequential(nn.Linear(784, 200), first, nn.Linear(200, 10), second)
    optimiser = torch.optim.Adam(net.parameters(), lr=5e-4, betas=(0.9, 0.999))
    for batch in batches(len(images), seed, epochs):
        x, y = torch.from_numpy(images[batch]), torch.from_numpy(labels[batch])
        mem1, mem2, loss = torch.zeros(len(x), 200), torch.zeros(len(x), 10), torch.zeros(())
        for _ in range(STEPS):
            spk1, mem1 = first(net[0](x), mem1)
            _, mem2 = second(net[2](spk1), mem2)
            loss = loss + nn.functional.cross_entropy(mem2, y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return net


def batches(count: int, seed: int, epochs: int) -> Iterator[np.ndarray]:
    """Index batches of 128."""
    rng = generator("order of the tutorial network's training", seed)
    for _ in range(epochs):
        yield from np.array_split(rng.permutation(count), -(-count // 128))


def right(spikes: np.ndarray, y: np.ndarray) -> float:
    """Accuracy of spike counts."""
    return float((spikes.sum(0).argmax(1) == y).mean())


def nmnist(args: Args) -> None:
    """Floating simulation and integers of the convolutional network, and how many spikes differ."""
    steps = 30 if args.quick else 300
    first, x, y = samples("nmnist", steps, "raster", 4, 10 if args.quick else 100)
    deployment = lava.deploy(args.folder / "cnn_sinabs.nir", first, num_steps=steps)
    print(f"cnn_sinabs.nir, {len(y)} test recordings, {steps} steps")
    compare(deployment, x, y)


def braille(args: Args) -> None:
    """How well the integers keep the recurrent network's spikes, by the bits of a weight."""
    for rate in (0.02, 0.1, 0.2):
        for bits in (8, 16):
            shares, totals = [], []
            for seed in range(args.seeds):
                rng = generator("rasters for the braille network", seed)
                drawn = [(rng.random((100, 50, 12)) < rate).astype(np.float32) for _ in range(2)]
                deployment = lava.deploy(
                    args.folder / "braille_noDelay_bias_zero.nir", drawn[0], num_steps=100, weight_bits=bits
                )
                assert deployment.origin is not None
                ours, theirs = deployment.origin.run(deployment.spec, drawn[1])[-1][0], deployment.reference(drawn[1])
                shares.append((ours & theirs).sum() / max(ours.sum(), theirs.sum()))
                totals.append(theirs.sum() / ours.sum())
            print(
                f"braille, rate {rate}, {bits} bits: output spikes at the same step {100 * np.mean(shares):.2f} % "
                f"+- {100 * np.std(shares):.2f}, total {np.mean(totals):.4f} of the floating network's"
            )


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
        hits += [round(right(one[-1], labels) * len(labels)) for one in (floating, integers)]
        differing[0] += [int((a != b).sum()) for a, b in zip(floating, integers, strict=True)]
        differing[1] += [int(a.sum()) for a in floating]
    print(f"  accuracy: floating {hits[0] / len(y):.4f}, integers {hits[1] / len(y):.4f}")
    print(f"  spikes that differ, by layer: {differing[0].tolist()} of {differing[1].tolist()}")


PARTS = {"tutorial": tutorial, "nmnist": nmnist, "braille": braille}

if __name__ == "__main__":
    chosen = tyro.cli(Args)
    for name in chosen.parts:
        PARTS[name](chosen)
