"""An snnTorch network in few bits, before and after fine-tuning with the chip's weights and neurons inside.

python experiments/fine_tuning.py [--quick]

64-60-10 ``snntorch.Leaky`` (beta .9, reset to zero), 10 steps, inputs of 4 bits, on a stream learned task after task by
one loop with one Adam (5e-3), nothing told and nothing reset: ``epochs`` floating, then ``more`` epochs over the same
stream with ``snn.chip_aware``. Accuracy of spike counts on all tasks' test samples, of the integers of Loihi
(``lava.deploy(...).reference``), which Lava runs spike for spike. "floating, longer" is the control: the floating
network trained for as many epochs more, then rounded. Settings are first guesses, none was tuned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import snntorch
import torch
from torch import Tensor, nn

from fusi_models.seeds import generator
from neuromorph import lava, streams
from neuromorph.snn import chip_aware, settled
from neuromorph.stopping import run_page
from neuromorph.streams import Stream, joint
from neuromorph.study import several, spread

STEPS, INPUT_BITS, BATCH = 10, 4, 100


@dataclass(frozen=True)
class Args:
    """What to run."""

    streams: tuple[str, ...] = ("subsets-digits@1", "permuted-digits@2")
    """KIND-DATA@TASKS."""
    bits: tuple[int, ...] = (8, 4, 2)
    """Of a weight."""
    seeds: int = 3
    """Of the stream, the weights and the order of samples."""
    epochs: int = 10
    """Floating, a task."""
    more: int = 5
    """Of fine-tuning, a task."""
    quick: bool = False
    """Small sizes, to see that it runs."""


def network(seed: int) -> nn.Sequential:
    """As its user writes it."""
    torch.manual_seed(seed)
    first, second = (snntorch.Leaky(0.9, reset_mechanism="zero") for _ in range(2))
    return nn.Sequential(nn.Linear(64, 60), first, nn.Linear(60, 10), second)


def learn(net: nn.Module, stream: Stream, seed: int, epochs: int) -> None:
    """The user's loop: the stream's samples, one optimiser."""
    optimiser = torch.optim.Adam(net.parameters(), 5e-3)
    for x, y in samples(stream, seed, epochs):
        spikes, membranes = run(net, x)
        loss = nn.functional.cross_entropy(spikes + membranes, y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def samples(stream: Stream, seed: int, epochs: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Mini-batches of one task after another; where one ends is not said."""
    rng = generator("order of samples while fine-tuning", seed)
    for task in stream:
        x, y = map(torch.from_numpy, task.train)
        for _ in range(epochs):
            for rows in torch.from_numpy(rng.permutation(len(y))).split(BATCH):
                yield x[rows], y[rows]


def run(net: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Output spike counts and mean membranes, [batch, class]."""
    first_layer, first, second_layer, second = net.children()
    mem1, mem2 = torch.zeros(len(x), 60), torch.zeros(len(x), 10)
    count, mean = torch.zeros(len(x), 10), torch.zeros(len(x), 10)
    for _ in range(STEPS):
        spikes, mem1 = first(first_layer(x), mem1)
        spikes, mem2 = second(second_layer(spikes), mem2)
        count, mean = count + spikes, mean + mem2 / STEPS
    return count, mean


def on_chip(net: nn.Sequential, stream: Stream, bits: int) -> float:
    """Accuracy of the integers' spike counts; scales are chosen on 100 training samples."""
    whole = joint(stream)[0]
    calibration, (x, y) = whole.train[0][:100], whole.test
    how = {"num_steps": STEPS, "encoding": "current", "input_bits": INPUT_BITS, "weight_bits": bits}
    return float((lava.deploy(net, calibration, **how).reference(x).sum(0).argmax(1) == y).mean())


def floating(net: nn.Sequential, stream: Stream) -> float:
    """Accuracy of the floating network's spike counts."""
    x, y = joint(stream)[0].test
    with torch.no_grad():
        return float((run(net, torch.from_numpy(x))[0].argmax(1).numpy() == y).mean())


def main(args: Args) -> None:
    """Print a table a stream: mean and spread over seeds, in percent."""
    epochs, more = (2, 1) if args.quick else (args.epochs, args.more)
    for text in args.streams:
        name, _, tasks = text.rpartition("@")
        rows: dict[str, list[float]] = {}
        for seed in range(args.seeds):
            stream = streams.by_name(name, int(tasks), seed, 200 if args.quick else None)
            net = network(seed)
            learn(net, stream, seed, epochs)
            rows.setdefault("floating", []).append(floating(net, stream))
            for bits in args.bits:
                rows.setdefault(f"{bits} bits, rounded", []).append(on_chip(net, stream, bits))
                tuned = chip_aware(net, bits, INPUT_BITS)
                learn(tuned, stream, seed, more)
                rows.setdefault(f"{bits} bits, fine-tuned", []).append(on_chip(settled(tuned), stream, bits))
            learn(net, stream, seed, more)
            rows.setdefault("floating, longer", []).append(floating(net, stream))
            for bits in args.bits:
                rows.setdefault(f"{bits} bits, floating longer, rounded", []).append(on_chip(net, stream, bits))
        print(f"{text} ({several(args.seeds)}, {epochs} epochs a task, then {more}; chance 10.0)")
        for row, values in rows.items():
            print(f"  {row:40} {spread(np.array(values))}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    run_page(main, Args)
