"""Engram-style gates on the metaplastic binarized network: what do they add over the same network without them?

After Aguilar et al. 2025 (arXiv:2503.21436), a reconstruction (``learners.parts.engrams``): no number of the paper was
at hand but "above 20 %" in class-incremental split MNIST, where fine-tuning has 19.9. Every row is a learner of one
network and one rule; the difference to its ungated twin is paired over seeds (same tasks, weights and order), with
Student's t. The rows are boundary-free but xdg, which is told the task also in the test and so is task-incremental;
plain is the same network without metaplasticity. Streams: split MNIST, five tasks, domain- and class-incremental; new
instances of all ten classes: rotated by 15 degrees a task from 0 on, and in less light (1 to 0.2), five tasks each. The
twin's m was set in other work of this project (relative m 4 with the layer's variance); p, beta and the trace were not
tuned. Memory (``--streams`` without a name: nothing else), of a network with two hidden layers of 2048 that learns 20
mini-batches: the most that torch's allocator had handed out at a time, weights, optimiser and images included, which is
exact; the most that a process of its own held resident (VmHWM, Linux), packages included; the weights in float, and
the bits that a packed network needs.

``--quick``: 300 of the 8x8 digits, two seeds, 30 units a layer.
"""

import gc
import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import ttest_rel

from fusi_models.checks import some_of, whole
from neuromorph.atomic import write_json
from neuromorph.learners.composed import ComposedLearner, TrainingConfig
from neuromorph.learners.rules import Metaplasticity
from neuromorph.metrics import AccuracyMatrix
from neuromorph.snn.baselines import ControlConfig
from neuromorph.stopping import run_page
from neuromorph.streams import StreamWords
from neuromorph.study import Cell, check_seeds, columns, run_study, several, spread, stacked

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
    device: str = "cpu"
    """Where torch computes: cpu or cuda; there the peak of tensors is that of CUDA's allocator."""
    memory: bool = True
    """Also measure memory."""
    processes: int = 3
    """Processes in which memory is measured, a method, at least 2 for a spread; 0: the exact number alone."""
    memory_hidden: tuple[int, ...] = (2048, 2048)
    """Hidden layers of the network whose memory is measured."""
    quick: bool = False
    """Seconds; replaces what is said above but streams, methods and jobs."""
    out: Path = Path("runs/engrams")
    """Folder of the table and of finished and unfinished runs."""


QUICK = {"data": "digits", "hidden": (30, 30), "samples": 300, "test_samples": 100, "seeds": 2, "memory": False}


def main(args: Args) -> None:
    args = replace(args, **QUICK) if args.quick else args
    check_seeds(args.seeds)
    some_of("methods", args.methods, tuple(METHODS))
    methods = list(dict.fromkeys(["twin", *args.methods]))
    whole("processes", args.processes)
    cells = [
        Cell(f"{stream} {method} seed {seed}", partial(learner, args, stream, method), words(args, stream), seed,
             args.epochs, threads=1)
        for stream in args.streams for method in methods for seed in range(args.seeds)
    ]  # fmt: skip
    content = scores(args, methods, cells) if cells else {}
    if args.memory:
        content["memory"] = [[m, *memory(args, m)] for m in methods]
        heads = ("method", "peak of tensors, MB", "against twin", "peak of a process, MB", "float, MB", "packed, MB")
        twin = content["memory"][0][1]
        table = [
            (m, f"{peak:.2f}", f"{peak - twin:+.2f}", mean_sd(whole), f"{floats:.1f}", f"{packed:.2f}")
            for m, peak, whole, floats, packed in content["memory"]
        ]
        print(f"\nmemory, {args.processes} processes a method, batches of {args.batch}\n" + columns([heads, *table]))
    write_json(args.out / "engrams.json", content)


def mean_sd(values: Sequence[float]) -> str:
    return f"{np.mean(values):.0f} +- {np.std(values, ddof=1):.0f}" if len(values) > 1 else "-"


def scores(args: Args, methods: list[str], cells: list[Cell]) -> dict[str, Any]:
    found = run_study(cells, args.out, args.jobs if args.jobs != 1 else None, title="engrams")
    rows = [stacked(found[n : n + args.seeds]) for n in range(0, len(found), args.seeds)]
    names = [(stream, method) for stream in args.streams for method in methods]
    print(
        f"{args.data}, {args.samples} images, {args.epochs} epochs, binary {'-'.join(map(str, args.hidden))}; average "
        f"accuracy in percent, mean +- sd over {several(args.seeds)}; chance 50 (split) and 10; t: paired with the twin"
    )
    head = ("stream", "method", "accuracy", "just learned", "BWT", "against twin", "t, p")
    table = [line(name, row, rows[names.index((name[0], "twin"))]) for name, row in zip(names, rows, strict=True)]
    print(columns([head, *table]))
    return {"rows": [[*name, row.accuracy.tolist()] for name, row in zip(names, rows, strict=True)]}


def words(args: Args, stream: str) -> StreamWords:
    name = f"{stream}-{args.data}{OPTIONS.get(stream, '')}"
    return StreamWords(name, 5, args.samples, args.test_samples)


def learner(args: Args, stream: str, method: str, seed: int) -> ComposedLearner:
    pixels = {"digits": 64}.get(args.data, 784)
    sizes = (pixels, *args.hidden, 2 if stream == "split" else 10)
    rule = Metaplasticity(0.0 if method == "plain" else args.m, betas=(0.9, 0.99), relative=True, variance="layer")
    network = ControlConfig(sizes, norm="none")
    return ComposedLearner(TrainingConfig(network, rule, args.batch, seed, args.device, METHODS[method]))


def line(name: tuple[str, str], row: AccuracyMatrix, twin: AccuracyMatrix) -> tuple[str, ...]:
    gain = np.atleast_1d(row.average_accuracy - twin.average_accuracy)
    tested = name[1] != "twin" and len(gain) > 1 and gain.std() > 0
    found = ttest_rel(row.average_accuracy, twin.average_accuracy) if tested else None
    statistic = f"{found.statistic:.1f}, {found.pvalue:.2g}" if found else "-"
    learned, back = (spread(v, "+-") for v in (row.learning_accuracy, row.backward_transfer))
    return (*name, spread(row.average_accuracy, "+-"), learned, back, spread(gain, "+-"), statistic)


def memory(args: Args, method: str) -> tuple[float, list[float], float, float]:
    """Peaks of the allocator and of processes of their own, weights as floats, packed with 1 bit a weight, in MB."""
    large = replace(args, hidden=args.memory_hidden, data="mnist")
    gc.collect()  # what an earlier learner leaves would be counted as given back
    peak, weights = (_peak_cuda if args.device != "cpu" else _peak)(large, method)
    processes = []
    for _ in range(args.processes):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            processes.append(pool.apply(resident, (large, method)))
    return peak / 1e6, processes, 4 * weights / 1e6, weights / 8e6


def _peak(args: Args, method: str) -> tuple[float, int]:
    """Bytes that torch's allocator had handed out at most at a time, and the number of weights."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        weights = sum(w.numel() for w in taught(args, method).network.weights())
    events = [e for e in profile.profiler.kineto_results.events() if e.name() == "[memory]"]  # no public list has all
    changes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    return max(np.cumsum(changes)), weights


def _peak_cuda(args: Args, method: str) -> tuple[float, int]:
    """The same of CUDA's allocator."""
    taught(args, method)  # the library's own workspace is allocated once
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    weights = sum(w.numel() for w in taught(args, method).network.weights())
    return torch.cuda.max_memory_allocated() - before, weights


def taught(args: Args, method: str) -> ComposedLearner:
    """A learner that has seen 20 mini-batches."""
    rng = np.random.default_rng(0)
    one = learner(args, "rotated", method, 0)
    one.partial_fit(rng.random((20 * args.batch, 784), np.float32), rng.integers(0, 10, 20 * args.batch))
    return one


def resident(args: Args, method: str) -> float:
    """The high-water mark of this process when it has done so, MB."""
    torch.set_num_threads(1)
    taught(args, method)
    status = Path("/proc/self/status").read_text()  # ru_maxrss would be that of the process that began this one
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


if __name__ == "__main__":
    run_page(main, Args)
