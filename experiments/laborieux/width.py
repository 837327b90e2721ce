"""Ten permutations of MNIST against the width of the hidden layers: metaplasticity, EWC and interleaved training.

Laborieux et al. 2021, Nat Commun 12:2549, its figure 3 (512 to 4096 units, m = 1.35 or EWC with lambda 5000, 40
epochs). Their numbers could not be found. ``--quick``: 64 to 256 units, 1000 images a task, 5 epochs.
"""

from dataclasses import dataclass, replace

import numpy as np
from common import BINARY, SPIKING, Page, Row, curves, report, save
from matplotlib.figure import Figure

from neuromorph.learners import EWCLearner
from neuromorph.learners.ewc import Consolidation
from neuromorph.stopping import run_page


@dataclass(frozen=True)
class Args(Page):
    """Capacity."""

    tasks: int = 10
    """Permutations."""
    widths: tuple[int, ...] = (512, 1024, 2048, 4096)
    """Units of each of two hidden layers."""
    m: float = 1.35
    """Metaplasticity."""
    strength: float = 5000.0
    """Lambda of EWC."""
    fisher_samples: int = 5000
    """Samples of the Fisher information."""
    weight_decay: float = 1e-8
    """Added to the gradient."""


QUICK = {"widths": (64, 128, 256), "epochs": 5, "samples": 1000, "test_samples": 500, "batch": 50, "seeds": 2}
QUICK |= {"m": 20.0, "fisher_samples": 300}


def main(args: Args) -> None:
    args = replace(args, **QUICK) if args.quick else args
    rows = [row for width in args.widths for row in table(args, width)]
    matrices = report(rows, args, "width")
    page = Figure(figsize=(8, 3.4), layout="constrained")
    for ax, network in zip(page.subplots(1, 2, sharey=True), (BINARY, SPIKING), strict=True):
        ours = [(row, matrix) for row, matrix in zip(rows, matrices, strict=True) if row.network == network]
        lines: dict[str, list] = {}
        for row, matrix in ours:
            lines.setdefault(row.method.split(": ")[1], []).append(matrix.average_accuracy)
        curves(args.widths, {name: np.array(values) for name, values in lines.items()}, ax).set(
            title=network, xlabel="width", xscale="log", ylim=(0, 1)
        )
        ax.axhline(0.1, color="0.5", lw=0.8, ls=":")
        ax.set_xticks(args.widths, args.widths, minor=False)
        ax.minorticks_off()
    save(page, args.out / "width.png")


def table(args: Args, width: int) -> list[Row]:
    at, rows = replace(args, hidden=(width, width)), []
    rule = Consolidation(args.strength, args.fisher_samples)

    tasks = args.stream("permuted-mnist", args.tasks)
    mixed = replace(tasks, joint=True)

    for network, build, norm in ((BINARY, at.training, "batch-running"), (SPIKING, at.spiking_training, "none")):
        for m in (0.0, args.m):

            def boundary_free(seed, network=network, m=m):
                return at.learner(network, m, seed)

            name = f"{width}: m = {m:g}"
            rows += [
                Row(name, network, boundary_free, tasks, norm=norm),
                Row(f"{name}, interleaved", network, boundary_free, mixed, "all tasks at once", norm=norm),
            ]

        def consolidated(seed, build=build):
            return EWCLearner(build(0.0, seed), rule)

        rows.append(Row(f"{width}: EWC", network, consolidated, tasks, "end of task", norm=norm))
    return rows


if __name__ == "__main__":
    run_page(main, Args)
