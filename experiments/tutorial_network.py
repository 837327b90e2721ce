"""snnTorch's tutorial network on MNIST, on the chip's rules: what loss and reset do to the spikes that it is read by.

python experiments/tutorial_network.py [--quick]

784-200-10 ``snntorch.Leaky`` (beta .9), the image as a current of 25 steps, Adam 5e-4, batch 128, one epoch, as in
snnTorch's tutorial 5 (Eshraghian et al. 2023; there 1000 hidden neurons), trained with snnTorch and torch alone:
    "subtract, membranes"  the tutorial: reset by subtraction, cross entropy of the membranes summed over the steps
    "zero, membranes"      the same with the chip's reset
    "zero, counts"         the chip's reset, cross entropy of the spike counts that it is read by
Read by spike counts, and by membranes summed over time. Nothing was tuned; scales are chosen on 100 training images;
every seed is a training of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import snntorch
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fusi_models.seeds import generator
from neuromorph import lava
from neuromorph.data import load
from neuromorph.lava.reference import simulate
from neuromorph.stopping import run_page
from neuromorph.tables import deviation

STEPS, BATCH, PART = 25, 128, 2000
BITS = ((4, 8), (8, 4), (8, 2), (8, 1))  # of the input, of a weight

Rows = dict[str, list[float]]


@dataclass(frozen=True)
class Args:
    """What to run."""

    kinds: tuple[str, ...] = ("subtract, membranes", "zero, membranes", "zero, counts")
    """Reset and what the loss is of."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Trainings."""
    train: int = 60000
    """Training images."""
    test: int = 10000
    """Test images at 8 bits; 2000 at most at others."""
    stock: int = 100
    """Test images through Lava's own graph, and three times as many through the batched one."""
    quick: bool = False
    """Small sizes, to see that it runs."""


def network(reset: str, seed: int) -> nn.Sequential:
    """As the tutorial has it."""
    torch.manual_seed(seed)
    first, second = (snntorch.Leaky(beta=0.9, reset_mechanism=reset) for _ in range(2))
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 200), first, nn.Linear(200, 10), second)


def run(net: nn.Sequential, x: Tensor) -> tuple[Tensor, Tensor]:
    """Output spikes and membranes, [time, batch, class]."""
    current, first, layer, second = net[1](net[0](x)), net[2], net[3], net[4]  # the image is the same at every step
    mem1, mem2, spikes, membranes = torch.zeros(len(x), 200), torch.zeros(len(x), 10), [], []
    for _ in range(STEPS):
        spk1, mem1 = first(current, mem1)
        spk2, mem2 = second(layer(spk1), mem2)
        spikes.append(spk2)
        membranes.append(mem2)
    return torch.stack(spikes), torch.stack(membranes)


def trained(kind: str, images: NDArray[np.float32], labels: NDArray[np.int64], seed: int) -> nn.Sequential:
    """One epoch."""
    reset, of = kind.split(", ")
    net = network(reset, seed)
    optimiser = torch.optim.Adam(net.parameters(), lr=5e-4, betas=(0.9, 0.999))
    for rows in batches(len(images), seed):
        x, y = torch.from_numpy(images[rows]), torch.from_numpy(labels[rows])
        spikes, membranes = run(net, x)
        if of == "counts":
            loss = nn.functional.cross_entropy(spikes.sum(0), y)
        else:
            loss = nn.functional.cross_entropy(membranes.flatten(0, 1), y.repeat(STEPS)) * STEPS
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return net


def batches(count: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Rows of one epoch, 128 at a time."""
    rng = generator("order of the tutorial network's training", seed)
    yield from np.array_split(rng.permutation(count), -(-count // BATCH))


def measure(args: Args, net: nn.Sequential, first: NDArray[np.float32], x: NDArray[np.float32], y: NDArray) -> Rows:
    """Percent, by name, one entry each: accuracies at 8 bits on all of ``x``, of fewer bits on some of it."""
    deployment = lava.deploy(net, first, num_steps=STEPS, encoding="current", input_bits=8)
    origin, spec = deployment.origin, deployment.spec
    assert origin is not None
    hits: Rows = {}
    moved, total = np.zeros(2), np.zeros(2)
    for start in range(0, len(y), PART):
        part, labels = x[start : start + PART], y[start : start + PART]
        floating, integers = origin.run(spec, part), simulate(spec, part)
        for name, ((spikes, _), mine) in zip(("hidden", "output"), zip(floating, integers, strict=True), strict=True):
            k = int(name == "output")
            moved[k] += (spikes != mine.spikes).sum()
            total[k] += spikes.sum()
        for name, (spikes, membranes) in (("floating", floating[-1]), ("8 bits", integers[-1])):
            counted(hits, f"{name}: spike counts", spikes.sum(0).argmax(1) == labels)
            counted(hits, f"{name}: membranes over time", membranes.sum(0).argmax(1) == labels)
            counted(hits, f"{name}: images without an output spike", ~spikes.any((0, 2)))
    rows = {name: [100 * sum(each) / len(y)] for name, each in hits.items()}
    for name, steps, every in zip(("hidden", "output"), moved, total, strict=True):
        rows[f"neuron steps that differ, of {name} spikes"] = [100 * steps / every]
    few, labels = x[:PART], y[:PART]
    for bits, weights in BITS:
        how = {"num_steps": STEPS, "encoding": "current", "input_bits": bits, "weight_bits": weights}
        found = lava.deploy(net, first, **how).reference(few).sum(0).argmax(1)
        rows[f"input {bits} bits, weights {weights}: spike counts, {len(few)} images"] = [
            100 * (found == labels).mean()
        ]
    rows["Lava, stock: differing spikes"] = [float(sum(deployment.verify(x[: args.stock], "stock")))]
    rows["Lava, batched: differing spikes"] = [float(sum(deployment.verify(x[: 3 * args.stock], "batched")))]
    return rows


def counted(hits: Rows, name: str, right: NDArray[np.bool_]) -> None:
    """Add how many are right."""
    hits.setdefault(name, []).append(float(right.sum()))


def main(args: Args) -> None:
    """A table a kind: mean and spread over seeds."""
    data = load("mnist")
    (images, labels), (x, y) = ((part[0].reshape(-1, 784), part[1]) for part in (data.train, data.test))
    count, tested = (1000, 300) if args.quick else (args.train, args.test)
    for kind in args.kinds:
        rows: Rows = {}
        for seed in args.seeds:
            net = trained(kind, images[:count], labels[:count], seed)
            for name, values in measure(args, net, images[:100], x[:tested], y[:tested]).items():
                rows.setdefault(name, []).extend(values)
        print(f"{kind}: {count} training images, {tested} test images, {len(args.seeds)} seeds, percent", flush=True)
        for name, each in rows.items():
            print(f"  {name:55} {np.mean(each):6.2f} +- {deviation(each):.2f}  {np.round(each, 2)}", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    run_page(main, Args)
