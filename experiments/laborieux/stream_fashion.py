"""Stream learning: Fashion-MNIST in 60 subsets, one after another, against all of it at once.

Laborieux et al. 2021, Nat Commun 12:2549 (784-1024-1024-10, 20 epochs a subset of 1000 images, m = 2.5, batch norm
with running statistics and without scale and shift, one optimiser for the whole stream). Their numbers could not be
found. ``--quick``: 6000 images in 12 subsets, 256 units, 10 epochs.
"""

from dataclasses import dataclass, replace

from common import BINARY, SPIKING, Page, Row, curves, report, save
from matplotlib.figure import Figure

from neuromorph.learners import ControlLearner
from neuromorph.stopping import run_page


@dataclass(frozen=True)
class Args(Page):
    """One data set in parts."""

    hidden: tuple[int, ...] = (1024, 1024)
    """Hidden layers."""
    epochs: int = 20
    """Passes over each subset."""
    parts: int = 60
    """Subsets."""
    ms: tuple[float, ...] = (0.0, 2.5)
    """Metaplasticity."""


QUICK = {"hidden": (256, 256), "epochs": 10, "samples": 6000, "test_samples": 1000, "batch": 50, "parts": 12}
QUICK |= {"seeds": 2, "ms": (0.0, 5.0, 10.0)}


def main(args: Args) -> None:
    args = replace(args, **QUICK) if args.quick else args
    rows = [row for m in args.ms for parts in (args.parts, 1) for row in table(args, m, parts)]
    matrices = report(rows, args, "stream_fashion")
    page = Figure(figsize=(8, 3.4), layout="constrained")
    for ax, network in zip(page.subplots(1, 2, sharey=True), (BINARY, SPIKING), strict=True):
        pairs = [(r, m) for r, m in zip(rows, matrices, strict=True) if r.network == network]
        lines = {r.method: m.accuracy[:, 0] for r, m in pairs if m.tasks > 1}
        curves(range(1, args.parts + 1), lines, ax).set(title=network, xlabel="subsets learned", ylabel="test accuracy")
        for row, matrix in pairs:
            if row.method == "m = 0, all at once":
                ax.axhline(matrix.average_accuracy.mean(), color="0.5", lw=0.8, ls="--")
    save(page, args.out / "stream_fashion.png")


def table(args: Args, m: float, parts: int) -> list[Row]:
    name = f"m = {m:g}, " + ("all at once" if parts == 1 else f"{parts} subsets")
    boundary = "all tasks at once" if parts == 1 else "nothing"

    stream = args.stream("subsets-fashion-mnist", parts)
    return [
        Row(name, BINARY, lambda s: ControlLearner(args.training(m, s, affine=False)), stream, boundary),
        Row(name, SPIKING, lambda s: args.learner(SPIKING, m, s), stream, boundary, norm="none"),
    ]


if __name__ == "__main__":
    run_page(main, Args)
