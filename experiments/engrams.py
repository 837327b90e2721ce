"""Engram-style gates on the metaplastic binarized network: what do they add over the same network without them?

After Aguilar et al. 2025 (arXiv:2503.21436), a reconstruction (``learners.parts.engrams``): no number of the paper was
at hand but "above 20 %" in class-incremental split MNIST, where fine-tuning has 19.9. Every row is a learner of one
network and one rule; the difference to its ungated twin is paired over seeds (same tasks, weights and order), with
Student's t. The rows are boundary-free but xdg, which is told the task also in the test and so is task-incremental;
plain is the same network without metaplasticity. Streams: split MNIST, five tasks, domain- and class-incremental; new
instances of all ten classes: rotated by 15 degrees a task from 0 on, and in less light (1 to 0.2), five tasks each. The
twin's m was set in other work of this project (relative m 4 with the layer's variance); p, beta and the trace were not
tuned. Memory: the most that a process of its own held while it learned 20 mini-batches, above what it held before
(``ru_maxrss``), the parameters in float, and the bits that a packed network needs.

``--quick``: 300 of the 8x8 digits, two seeds, 30 units a layer.
"""

import multiprocessing
import resource
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import tyro
from scipy.stats import ttest_rel

from neuromorph.atomic import write_json
from neuromorph.learners.composed import ComposedLearner, TrainingConfig
from neuromorph.learners.rules import Metaplasticity
from neuromorph.metrics import AccuracyMatrix
from neuromorph.snn.baselines import ControlConfig
from neuromorph.streams import StreamWords
from neuromorph.study import Cell, columns, run_study, spread, stacked

STREAMS = ("split", "split-class", "rotated", "brightness")
OPTIONS = {"rotated": ":degrees=15,start=0"}
METHODS: dict[str, tuple[str, ...]] = {
    "plain": (),
    "twin": (),
    "a, p = .8": ("engrams:p=0.8",),
    "a, p = .5": ("engrams:p=0.5",),
    "b": ("engrams:beta=8,theta=0.5",),
    "xdg": ("xdg:gated=0.5",),
}


@dataclass(frozen=True)
class Args:
    """Engram-style gates against their ungated twin."""

    streams: tuple[str, ...] = STREAMS
    """Some of split, split-class, rotated, brightness."""
    methods: tuple[str, ...] = tuple(METHODS)
    """Some of plain, twin, 'a, p = .8', 'a, p = .5', b, xdg; the twin is always run."""
    data: str = "mnist"
    """mnist, fashion-mnist or digits."""
    hidden: tuple[int, ...] = (256, 256)
    """Hidden layers."""
    samples: int = 10_000
    """Training samples of the data set."""
    test_samples: int = 2000
    """Test samples of the data set."""
    epochs: int = 1
    """Passes over each task."""
    batch: int = 20
    """Samples of an update."""
    m: float = 4.0
    """Metaplasticity, relative to the mean hidden weight of a layer."""
    seeds: int = 5
    """Runs."""
    jobs: int = 1
    """Runs at a time."""
    memory: bool = True
    """Also measure memory, with two hidden layers of 2048."""
    quick: bool = False
    """Seconds; replaces what is said above but streams, methods and jobs."""
    out: Path = Path("runs/engrams")
    """Folder of the table and of finished and unfinished runs."""


QUICK = {"data": "digits", "hidden": (30, 30), "samples": 300, "test_samples": 100, "seeds": 2, "memory": False}


def main(args: Args) -> None:
    args = replace(args, **QUICK) if args.quick else args
    methods = list(dict.fromkeys(["twin", *args.methods]))
    cells = [
        Cell(f"{stream} {method} seed {seed}", partial(learner, args, stream, method), words(args, stream), seed,
             args.epochs, threads=1)
        for stream in args.streams for method in methods for seed in range(args.seeds)
    ]  # fmt: skip
    found = run_study(cells, args.out, args.jobs if args.jobs != 1 else None, title="engrams")
    rows = [stacked(found[n : n + args.seeds]) for n in range(0, len(found), args.seeds)]
    names = [(stream, method) for stream in args.streams for method in methods]
    print(
        f"{args.data}, {args.samples} images, {args.epochs} epochs, binary {'-'.join(map(str, args.hidden))}; average "
        f"accuracy in percent, mean +- sd over {args.seeds} seeds; chance 50 (split) and 10; t: paired with the twin"
    )
    head = ("stream", "method", "accuracy", "just learned", "BWT", "against twin", "t, p")
    table = [line(name, row, rows[names.index((name[0], "twin"))]) for name, row in zip(names, rows, strict=True)]
    print(columns([head, *table]))
    content = {"rows": [[*name, row.accuracy.tolist()] for name, row in zip(names, rows, strict=True)]}
    if args.memory:
        content["memory"] = [[m, *memory(args, m)] for m in methods]
        print(
            "\nmemory, MB: "
            + ", ".join(f"{m}: peak {p:.0f}, float {f:.0f}, packed {b:.1f}" for m, p, f, b in content["memory"])
        )
    write_json(args.out / "engrams.json", content)


def words(args: Args, stream: str) -> StreamWords:
    name = f"{stream}-{args.data}{OPTIONS.get(stream, '')}"
    return StreamWords(name, 5, args.samples, args.test_samples)


def learner(args: Args, stream: str, method: str, seed: int) -> ComposedLearner:
    pixels = {"digits": 64}.get(args.data, 784)
    sizes = (pixels, *args.hidden, 2 if stream == "split" else 10)
    rule = Metaplasticity(0.0 if method == "plain" else args.m, betas=(0.9, 0.99), relative=True, variance="layer")
    network = ControlConfig(sizes, norm="none")
    return ComposedLearner(TrainingConfig(network, rule, args.batch, seed, parts=METHODS[method]))


def line(name: tuple[str, str], row: AccuracyMatrix, twin: AccuracyMatrix) -> tuple[str, ...]:
    gain = np.atleast_1d(row.average_accuracy - twin.average_accuracy)
    tested = name[1] != "twin" and len(gain) > 1 and gain.std() > 0
    found = ttest_rel(row.average_accuracy, twin.average_accuracy) if tested else None
    statistic = f"{found.statistic:.1f}, {found.pvalue:.2g}" if found else "-"
    learned, back = (spread(v, "+-") for v in (row.learning_accuracy, row.backward_transfer))
    return (*name, spread(row.average_accuracy, "+-"), learned, back, spread(gain, "+-"), statistic)


def memory(args: Args, method: str) -> tuple[float, float, float]:
    """Peak of a process of its own, parameters as floats, and packed with 1 bit a weight that is used, in MB."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_measured, (replace(args, hidden=(2048, 2048), data="mnist"), method))


def _measured(args: Args, method: str) -> tuple[float, float, float]:
    rng = np.random.default_rng(0)
    x, y = rng.random((20 * args.batch, 784), np.float32), rng.integers(0, 10, 20 * args.batch)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    one = learner(args, "rotated", method, 0)
    one.partial_fit(x, y)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    weights = sum(w.numel() for w in one.network.weights())
    return peak / 1024, 4 * weights / 1e6, weights / 8e6


if __name__ == "__main__":
    main(tyro.cli(Args))
