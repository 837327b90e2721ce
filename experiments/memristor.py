"""The metaplastic quantised network on memristive devices: MNIST, then Fashion-MNIST, told nothing, nothing reset.

Anchor: D'Agostino et al. 2023 (arXiv:2306.12142, abstract): a two-layer perceptron keeps 97 % and 86 % with and
without devices. Their levels, widths, rates and epochs are unknown to us, so the network is a *reconstruction*, and its
settings are ours, chosen by hand on seed 10.

Four tables: protection and device noise; the number of levels; stuck cells; failed pulses. Each row says accuracy on
the first task when just learned, on both tasks at the end, pulses a device (mean and largest; hafnium oxide endures 1e5
to 1e6), and bytes of the weights.

``--quick``: 8x8 digits and their permutation, one seed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fusi_models.checks import some_of
from neuromorph.atomic import write_json
from neuromorph.learner import Learner
from neuromorph.learners.composed import ComposedLearner
from neuromorph.learners.memristor import devices_of, memristive, protection
from neuromorph.learners.parts.norm_per_task import NormPerTask
from neuromorph.snn.memristor import MemristorConfig
from neuromorph.stopping import run_page
from neuromorph.streams import Stream, StreamWords
from neuromorph.streams.words import limits
from neuromorph.study import Cell, check_seeds, columns, run_study, several, spread

NOISE = {"spread": 0.1, "read_noise": 0.05, "up_failed": 0.1, "down_failed": 0.1}
TABLES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "protection and noise": {
        "no protection (m 0)": {"m": 0.0},
        "m, exact devices": {},
        "no protection, noisy devices": {"m": 0.0, **NOISE},
        "m, noisy devices": NOISE,
        "m, noise twice as large": {k: 2 * v for k, v in NOISE.items()},
        "m counted from the nearest boundary": {"m": 6.0, "boundary": True, "reach": 1.0},
    },
    "levels": {f"{n} levels": {"levels": n} for n in (2, 4, 8, 16)},
    "stuck cells": {f"{100 * s:g} % stuck": {"stuck": s} for s in (0.01, 0.05, 0.2)},
    "failed pulses": {f"{100 * s:g} % fail": {"up_failed": s, "down_failed": s} for s in (0.5, 0.9)},
}
TOLD = "batch-per-task"


@dataclass(frozen=True)
class Args:
    """MNIST, then Fashion-MNIST, on memristive devices."""

    stream: str = "sequence-mnist+fashion-mnist"
    """KIND-DATA as in ``neuromorph compare``."""
    tables: tuple[str, ...] = tuple(TABLES)
    """Some of "protection and noise", "levels", "stuck cells", "failed pulses"."""
    rows: tuple[str, ...] = ()
    """Only these rows of the tables, by their names."""
    hidden: tuple[int, ...] = (512,)
    """Hidden layers."""
    norm: str = "instance"
    """Of the layers: instance (of one sample), batch-running (running means and variances for all tasks), none, or
    batch-per-task (those at the end of a task serve when it is tested: the task is told)."""
    levels: int = 8
    """Levels of a device."""
    m: float = 4.0
    """Metaplasticity, in 1 / mean stored number of a layer."""
    lr: float = 0.005
    """Adam's, a step of the stored number."""
    reach: float = 0.1
    """Stored number of the outermost level."""
    logit_scale: float = 1.0
    """What the scores are multiplied by before the loss."""
    epochs: int = 5
    """Passes over each data set."""
    batch: int = 100
    """Samples of an update."""
    samples: int = 10000
    """Training samples a data set at most; 0 takes all."""
    test_samples: int = 0
    """Test samples a data set at most; 0 takes all."""
    seeds: int = 3
    """Runs."""
    first_seed: int = 0
    """The first run's."""
    jobs: int = 1
    """Runs at a time."""
    device: str = "cpu"
    """Where torch computes: cpu or cuda."""
    quick: bool = False
    """Seconds in place of an hour."""
    out: Path = Path("runs/memristor")
    """Folder of the tables and of finished and unfinished runs."""


QUICK: dict[str, Any] = {"stream": "permuted-digits", "hidden": (50,), "samples": 300, "test_samples": 100, "seeds": 1}
QUICK |= {"epochs": 2, "batch": 20}


@dataclass(frozen=True)
class Devices(Cell):
    """A cell that also keeps how often its devices were written."""

    def measured(self, learner: Learner, stream: Stream) -> dict[str, Any]:
        assert isinstance(learner, ComposedLearner)
        writes = np.concatenate([form.writes.flatten().cpu().numpy() for form in devices_of(learner)])
        bits = len(writes) * np.log2(devices_of(learner)[0].config.levels)
        return {"taken": np.array([writes.mean(), writes.max(), bits / 8])}


def built(args: Args, options: Mapping[str, Any], seed: int) -> ComposedLearner:
    chosen = {"levels": args.levels, "m": args.m, "reach": args.reach, "boundary": False, **options}
    m, boundary = chosen.pop("m"), chosen.pop("boundary")
    features, classes = (64, 10) if "digits" in args.stream else (784, 10)
    devices = MemristorConfig(**chosen, seed=seed)
    rule = protection(devices, m, args.lr, boundary)
    norm, parts = ("batch-running", (NormPerTask(),)) if args.norm == TOLD else (args.norm, ())
    sizes = (features, *args.hidden, classes)
    more = {"device": args.device, "parts": parts, "logit_scale": args.logit_scale}
    return memristive(sizes, devices, rule, args.batch, seed, norm, **more)


def main(args: Args) -> None:
    args = replace(args, **QUICK) if args.quick else args
    check_seeds(args.seeds)
    some_of("tables", args.tables, tuple(TABLES))
    words = StreamWords(args.stream, 2, *limits(args.samples, args.test_samples))
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    rows = [(table, name, options) for table in args.tables for name, options in TABLES[table].items()]
    unknown = set(args.rows) - {name for _, name, _ in rows}
    if unknown:
        raise ValueError(f"There is no row '{min(unknown)}' in the tables {', '.join(args.tables)}.")
    rows = [row for row in rows if not args.rows or row[1] in args.rows]
    cells = [
        Devices(f"{name} seed {s}", partial(built, args, options), words, s, args.epochs, threads=1)
        for _, name, options in rows
        for s in seeds
    ]
    found = run_study(cells, args.out, args.jobs if args.jobs != 1 else None, title="memristor")
    lines = [
        ("table", "devices", "just learned", "first task", "second task", "pulses: mean", "largest", "bytes of weights")
    ]
    for k, (table, name, _) in enumerate(rows):
        some = found[k * args.seeds : (k + 1) * args.seeds]
        end = np.stack([r.arrays["accuracy"][-1] for r in some], -1)
        learned = spread(np.array([r.arrays["accuracy"][0, 0] for r in some]))
        mean, largest, size = np.stack([r.arrays["taken"] for r in some]).mean(0)
        lines.append(
            (table, name, learned, spread(end[0]), spread(end[1]), f"{mean:.1f}", f"{largest:.0f}", f"{size:.0f}")
        )
    print(
        f"{args.stream}, {args.samples or 'all'} images a set, {args.epochs} epochs, {several(args.seeds)}, percent; "
        f"chance {100 / words(0).outputs:.0f}; one output layer, "
        f"{'the task told in the test' if args.norm == TOLD else 'no boundary told'}"
    )
    print(columns(lines))
    write_json(args.out / "memristor.json", {"lines": lines})
    figure(args, lines)


def figure(args: Args, lines: list[tuple[str, ...]]) -> None:
    """Both accuracies of every row."""
    from matplotlib.figure import Figure

    rows = lines[1:]
    plot = Figure(figsize=(7, 0.6 + 0.28 * len(rows)), layout="constrained")
    ax = plot.subplots()
    for k, name in ((3, "first task"), (4, "second task")):
        points = [float(row[k].partition(" ")[0]) for row in rows]
        errors = [float(row[k].rpartition(" ")[2]) if " " in row[k] else 0.0 for row in rows]
        ax.errorbar(points, range(len(rows))[::-1], xerr=errors, fmt="os"[k - 3], ms=4, capsize=2, label=name)
    ax.set_yticks(range(len(rows))[::-1], [f"{row[0]}: {row[1]}" for row in rows], fontsize=7)
    ax.set(xlabel="accuracy at the end (%)", xlim=(0, 100))
    ax.axvline(10, color="0.5", ls=":", lw=0.8)
    ax.legend(fontsize=8)
    plot.savefig(args.out / "memristor.svg")


if __name__ == "__main__":
    run_page(main, Args)
