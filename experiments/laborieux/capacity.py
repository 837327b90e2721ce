"""Fifty tasks: what freezes, what forgets, and what goes on learning.

Permuted MNIST, one permutation after another, no boundary told. With the published rule hidden weights only grow, and
after many tasks nothing new is learned (catastrophic remembering). Remedies, each a synapse model (``fusi_models``)
that the optimiser's step drives: a bound and a leak of the hidden weight, a Benna-Fusi chain, BiMU's binary
uncertainty; and relative m, also with a flatter softmax. Their settings are the best of a few tried on seed 10
(docs/continual.md names them all); reported are other seeds: accuracy over all tasks seen, over the last five, and of
the last task when new.
"""

from dataclasses import dataclass, replace

import numpy as np
import tyro
from common import SPIKING, Page, Row, curves, report, save
from matplotlib.figure import Figure

from neuromorph.learners.deep import DeepConfig, DeepLearner

RULES = {
    "no protection": {"m": 0.0},
    "m = 10, published rule": {"m": 10.0, "relative": False, "variance": "weight", "betas": (0.9, 0.999)},
    "m = 5": {"m": 5.0, "relative": False},
    "m = 10": {"m": 10.0, "relative": False},
    "m = 3, relative": {"m": 3.0},
    "m = 2, relative, logit scale .3": {"m": 2.0, "logit_scale": 0.3},
    "m = 10, bound .3": {"synapse": "hidden:m=10,bound=0.3"},
    "m = 7, leak .0003": {"synapse": "hidden:m=7,leak=0.0003"},
    "Benna-Fusi chain": {"synapse": "benna-fusi:levels=6,alpha=0.001"},
    "binary uncertainty": {"synapse": "uncertain:lr=5,lr_max=5,window=50000"},
}


@dataclass(frozen=True)
class Args(Page):
    """A long stream of permutations."""

    hidden: tuple[int, ...] = (256, 256)
    """Hidden layers."""
    tasks: int = 50
    """Permutations."""
    epochs: int = 2
    """Passes over each task."""
    rules: tuple[str, ...] = tuple(RULES)
    """Which rules."""


QUICK = {"samples": 5000, "test_samples": 300, "seeds": 3, "batch": 100}


def main(args: Args) -> None:
    args = replace(args, **QUICK) if args.quick else args
    rows = [row(args, name) for name in args.rules]
    matrices = report(rows, args, "capacity")
    seen, recent, fresh = {}, {}, {}
    for line, matrix in zip(rows, matrices, strict=True):
        r, last = matrix.accuracy, range(matrix.tasks)
        seen[line.method] = np.array([r[k, : k + 1].mean(0) for k in last])
        recent[line.method] = np.array([r[k, max(0, k - 4) : k + 1].mean(0) for k in last])
        fresh[line.method] = matrix.diagonal
        print(
            f"{line.method:32} last five {100 * recent[line.method][-1].mean():.1f}, last task when new "
            f"{100 * fresh[line.method][-1].mean():.1f}, first task {100 * r[-1, 0].mean():.1f}"
        )
    page = Figure(figsize=(11, 3.4), layout="constrained")
    titles = ("all tasks so far", "the last five tasks", "the newest task")
    for ax, lines, title in zip(page.subplots(1, 3, sharey=True), (seen, recent, fresh), titles, strict=True):
        curves(np.arange(args.tasks) + 1, lines, ax).set(title=title, xlabel="tasks learned", ylim=(0, 1))
        ax.axhline(0.1, color="0.5", lw=0.8, ls=":")
        ax.get_legend().remove()
    page.axes[0].set_ylabel("accuracy")
    page.legend(*page.axes[0].get_legend_handles_labels(), loc="outside right center", fontsize=7, frameon=False)
    save(page, args.out / "capacity.png")


def row(args: Args, name: str) -> Row:
    def learner(seed):
        config = DeepConfig(args.sizes(), lr=args.lr, batch=args.batch, seed=seed, device=args.device, fast=args.fast)
        return DeepLearner(replace(config, **RULES[name]))

    return Row(name, SPIKING, learner, args.stream("permuted-mnist", args.tasks), norm="none")


if __name__ == "__main__":
    main(tyro.cli(Args))
