"""MNIST then Fashion-MNIST, and the other way round, with one shared output layer of ten units.

Laborieux et al. 2021, Nat Commun 12:2549, figure 4 a-b and a supplementary figure (784-4096-4096-10, 50 epochs, m 0 and
1.5). Known of their numbers, from the caption of figure 1a: without protection MNIST 97 % and Fashion-MNIST 85 % after
their own training, MNIST about 20 % after 25 epochs of Fashion-MNIST. ``--quick``: 3000 images, 256 units, 5 epochs.
"""

from dataclasses import dataclass, replace

from common import BINARY, RESET, SPIKING, Page, Row, report, save
from matplotlib.figure import Figure

from neuromorph.figures import task_accuracy
from neuromorph.learners import TaskControlLearner
from neuromorph.learners.deep import DeepConfig
from neuromorph.stopping import run_page


@dataclass(frozen=True)
class Args(Page):
    """Two data sets."""

    epochs: int = 50
    """Passes over each task."""
    ms: tuple[float, ...] = (0.0, 1.5)
    """Metaplasticity."""


QUICK = {"hidden": (256, 256), "epochs": 5, "samples": 3000, "test_samples": 1000, "batch": 50, "seeds": 3}
QUICK |= {"ms": (0.0, 10.0, 30.0)}
CAPTION = (
    "Paper, caption of figure 1a, m = 0: MNIST 97 % -> about 20 % after 25 epochs of Fashion-MNIST, which reaches 85 %"
)


def main(args: Args) -> None:
    args = replace(args, **QUICK) if args.quick else args
    sets = ("mnist", "fashion-mnist")
    rows = [row for order in (sets, sets[::-1]) for row in table(args, order)]
    matrices = report(rows, args, "mnist_fashion")
    print(CAPTION)
    for row, matrix in zip(rows, matrices, strict=True):
        after = matrix.accuracy.mean(-1)
        if matrix.tasks > 1:
            print(
                f"{row.method}, {row.network}, {row.boundary}: first task {after[0, 0]:.3f} -> {after[1, 0]:.3f}, "
                f"second {after[1, 1]:.3f}"
            )
    shown = [k for k, row in enumerate(rows) if row.boundary == "nothing"]
    page = Figure(figsize=(10, 4.6), layout="constrained")
    panels = page.subplots(2, len(shown) // 2, sharey=True)
    for ax, k in zip(panels.flat, shown, strict=True):
        task_accuracy(matrices[k], 0.1, ax).set_title(f"{rows[k].method}\n{rows[k].network}", fontsize=6)
    panels[0, 0].legend(fontsize=7, frameon=False)
    panels[0, 0].set_ylabel("accuracy (%)")
    panels[1, 0].set(xlabel="tasks learned", ylabel="accuracy (%)")
    save(page, args.out / "mnist_fashion.png")


def table(args: Args, sets: tuple[str, ...]) -> list[Row]:
    name, rows = " then ".join(sets), []

    both = args.stream(f"sequence-{'+'.join(sets)}", 2)
    mixed = replace(both, joint=True)
    for m in args.ms:
        for network, norm in ((BINARY, "batch-running"), (SPIKING, "none")):

            def boundary_free(seed, network=network, m=m):
                return args.learner(network, m, seed)

            rows.append(Row(f"{name}, m = {m:g}", network, boundary_free, both, norm=norm))
            if m == 0:
                rows.append(Row(f"{name}, mixed", network, boundary_free, mixed, "all tasks at once", norm=norm))

        def published(seed, m=m):
            return TaskControlLearner(args.training(m, seed, norm="batch-statistics"))

        rows.append(Row(f"{name}, m = {m:g}", BINARY, published, both, RESET, "task", "batch-statistics"))
    for m in (0.0, DeepConfig.m):
        ours = f"{name}, this project's rule, m = {m:g}"
        rows.append(Row(ours, SPIKING, lambda s, m=m: args.default(m, s), both, norm="none"))
    return rows


if __name__ == "__main__":
    run_page(main, Args)
