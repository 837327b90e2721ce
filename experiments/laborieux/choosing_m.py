"""One m for short and long training: relative m against fixed ones, over 2, 5 and 20 epochs a task.

Hidden weights grow with the number of updates, so a fixed m in units of 1/|W_h| must be chosen anew for each length of
training (Laborieux et al. 2021 use 1.35 for 40 epochs of permuted MNIST). A relative m counts in units of the layer's
mean |W_h| at that moment: it is local to a layer and needs no boundary. All rows share the network and the optimiser
(the layer's variance); the fixed m are a grid and the best of them is chosen on the same test data.
"""

from dataclasses import dataclass, replace

import numpy as np
from common import SPIKING, Page, Row, curves, report, save
from matplotlib.figure import Figure

from neuromorph.learners.deep import DeepConfig, DeepLearner
from neuromorph.stopping import run_page


@dataclass(frozen=True)
class Args(Page):
    """Permuted MNIST at several lengths of training."""

    hidden: tuple[int, ...] = (256, 256)
    """Hidden layers."""
    tasks: int = 6
    """Permutations."""
    lengths: tuple[int, ...] = (2, 5, 20)
    """Epochs a task."""
    relative: tuple[float, ...] = (3.0,)
    """Relative m."""
    fixed: tuple[float, ...] = (0.0, 1.0, 2.5, 5.0, 10.0, 20.0)
    """m in units of 1/|W_h|."""


QUICK = {
    "samples": 5000,
    "test_samples": 1000,
    "seeds": 2,
    "tasks": 5,
    "fixed": (0.0, 2.0, 5.0, 10.0, 20.0, 40.0, 80.0),
}


def main(args: Args) -> None:
    args = replace(args, **QUICK) if args.quick else args
    lines = {}
    for epochs in args.lengths:
        rows = [row(args, m, True) for m in args.relative] + [row(args, m, False) for m in args.fixed]
        for line, matrix in zip(rows, report(rows, replace(args, epochs=epochs), f"choosing_m-{epochs}"), strict=True):
            lines.setdefault(line.method, []).append(matrix.average_accuracy)
    figure = Figure(figsize=(6, 3.4), layout="constrained")
    ax = curves(args.lengths, {name: np.array(values) for name, values in lines.items()}, figure.subplots())
    ax.set(xscale="log", xlabel="epochs a task", ylabel="average accuracy after the last task")
    ax.set_xticks(args.lengths, [str(n) for n in args.lengths])
    ax.minorticks_off()
    save(figure, args.out / "choosing_m.png")


def row(args: Args, m: float, relative: bool) -> Row:
    def learner(seed):
        return DeepLearner(
            DeepConfig(
                args.sizes(), m, args.lr, args.batch, relative=relative, seed=seed, device=args.device, fast=args.fast
            )
        )

    stream = args.stream("permuted-mnist", args.tasks)
    return Row(f"m = {m:g}{', relative' * relative}", SPIKING, learner, stream, norm="none")


if __name__ == "__main__":
    run_page(main, Args)
