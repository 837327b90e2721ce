"""Permuted MNIST with a chain of beakers behind each weight, against the metaplastic rule.

The chain is in the code of Laborieux et al. 2021, Nat Commun 12:2549, not among its published runs (no number to
compare with): four beakers, couplings 1e-2 to 1e-5, areas 1 to 8, feedback 5e-3, made for 600 updates an epoch.
``--quick``: five permutations of 2000 images, 5 epochs; beside the chain as coded one that flows ten times faster.
"""

from dataclasses import dataclass, replace

from common import BINARY, SPIKING, Page, Row, bars, report, save
from matplotlib.figure import Figure

from neuromorph.learners import ControlLearner
from neuromorph.learners.control import BeakerChain
from neuromorph.stopping import run_page


@dataclass(frozen=True)
class Args(Page):
    """Beakers."""

    tasks: int = 6
    """Permutations."""
    m: float = 1.35
    """Metaplasticity: of the hidden weight, or of the last beaker."""
    speeds: tuple[float, ...] = (1.0,)
    """Factors of the couplings and the feedback."""


QUICK = {"hidden": (256, 256), "epochs": 5, "samples": 2000, "test_samples": 1000, "batch": 50, "seeds": 2}
QUICK |= {"tasks": 5, "m": 20.0, "speeds": (1.0, 10.0)}


def main(args: Args) -> None:
    args = replace(args, **QUICK) if args.quick else args
    rows = table(args, args.stream("permuted-mnist", args.tasks))
    matrices = report(rows, args, "beakers")
    page = Figure(figsize=(7, 3.6), layout="constrained")
    bars(rows, matrices, page.subplots()).set_title(f"{args.tasks} permutations of MNIST", fontsize=10, loc="left")
    save(page, args.out / "beakers.png")


def table(args: Args, stream) -> list[Row]:
    plain = BeakerChain()
    rows = []
    for network, build, norm in ((BINARY, args.training, "batch-running"), (SPIKING, args.spiking_training, "none")):
        for m in (0.0, args.m):
            rows.append(Row(f"m = {m:g}", network, lambda s, n=network, m=m: args.learner(n, m, s), stream, norm=norm))
        for speed in args.speeds:
            for m in (0.0, args.m):
                rule = replace(
                    plain,
                    m=m,
                    lr=args.lr,
                    weight_decay=args.weight_decay,
                    couplings=tuple(speed * g for g in plain.couplings),
                    feedback=speed * plain.feedback,
                )

                def chain(seed, build=build, rule=rule):
                    return ControlLearner(replace(build(0.0, seed), rule=rule))

                rows.append(Row(f"beakers x {speed:g}, m = {m:g}", network, chain, stream, norm=norm))
    return rows


if __name__ == "__main__":
    run_page(main, Args)
